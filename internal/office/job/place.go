package job

import (
	"archive/zip"
	"bytes"
	"io"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// partMax bounds the parts of a package that are looked at, in bytes: what is larger are cells in such
// numbers that nobody reads their texts, and is written as it is.
const partMax = 256 << 20

// placeless writes to w the package in f, which has size bytes and was made by LibreOffice in the folder
// dir of a job, without the address of that folder, which is the server's business. LibreOffice puts it
// into values, such as that of CELL("filename"), and before the names of other workbooks. These lead
// nowhere with it or without, but have the values that they had: LibreOffice keeps those under names that
// begin with file:///, and so they still do.
func placeless(w io.Writer, f io.ReaderAt, size int64, dir string) error {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return err
	}
	// The folder was elsewhere while LibreOffice worked, under the same name.
	place := regexp.MustCompile(`file://(?:[^'"<>\s&]|&amp;)*?/` + regexp.QuoteMeta(filepath.Base(dir)) + `/`)
	out := zip.NewWriter(w)
	for _, e := range z.File {
		text, err := placed(e, place)
		if err == nil && text == nil {
			err = out.Copy(e)
		} else if err == nil {
			var part io.Writer
			if part, err = out.CreateHeader(&zip.FileHeader{Name: e.Name, Method: zip.Deflate}); err == nil {
				_, err = part.Write(place.ReplaceAll(text, []byte("file:///")))
			}
		}
		if err != nil {
			return err
		}
	}
	return out.Close()
}

// placed gives the text of a part that has the address; nil: it has not.
func placed(e *zip.File, place *regexp.Regexp) ([]byte, error) {
	switch strings.ToLower(path.Ext(e.Name)) {
	case ".xml", ".rels":
	default:
		return nil, nil
	}
	if e.UncompressedSize64 > partMax {
		return nil, nil
	}
	r, err := e.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, partMax))
	if err != nil || !bytes.Contains(text, []byte("file://")) || !place.Match(text) {
		return nil, err
	}
	return text, nil
}
