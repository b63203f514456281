package job

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"path"
	"strings"
)

// Bounds of what is unpacked to be looked at, and of what LibreOffice may come to unpack.
const (
	unpackedMax = 1 << 30
	ratioMax    = 1000
	ratioGrace  = 16 << 20 // below that no ratio is too much
)

// unzip reads the directory of a package and refuses zip bombs.
func unzip(src io.ReaderAt, size int64) (*zip.Reader, error) {
	z, err := zip.NewReader(src, size)
	if err != nil {
		return nil, fail(CodeUnreadable, "Copy or download the file again", "the file is a damaged zip file: %v", err)
	}
	var unpacked uint64
	for _, f := range z.File {
		unpacked += f.UncompressedSize64
		if unpacked > unpackedMax || unpacked > ratioGrace && unpacked/ratioMax > uint64(size) {
			return nil, fail(CodeUnreadable, "Save it as .xlsx in a spreadsheet program", "the file unpacks to more than may be: %d bytes and more", unpacked)
		}
	}
	return z, nil
}

func inspectBinary(src io.ReaderAt, size int64) error {
	z, err := unzip(src, size)
	if err != nil {
		return err
	}
	for _, f := range z.File {
		if strings.EqualFold(path.Base(f.Name), "workbook.bin") {
			return nil
		}
		if f.Name == "content.xml" {
			break
		}
	}
	return fail(CodeUnreadable, "Check what the file is, and name it so", "the file is named .xlsb and holds no binary workbook")
}

// inspectODF refuses an OpenDocument that refers to something outside of itself which would be
// loaded with it: pictures, objects, areas of other workbooks. LibreOffice 7.4 fetches pictures
// from anywhere, whatever its settings are. Hyperlinks, which wait for a click, may lead where
// they like.
func inspectODF(src io.ReaderAt, size int64) error {
	z, err := unzip(src, size)
	if err != nil {
		return err
	}
	content := false
	for _, f := range z.File {
		switch {
		case f.Name == "mimetype":
			kind, err := readPart(f, 256)
			if err != nil {
				return err
			}
			if !strings.HasPrefix(string(kind), "application/vnd.oasis.opendocument.spreadsheet") {
				return fail(CodeUnsupported, "Give a spreadsheet", "the file is an OpenDocument of another kind, %.60q", kind)
			}
		case f.Name == "META-INF/manifest.xml":
			manifest, err := readPart(f, 16<<20)
			if err != nil {
				return err
			}
			if strings.Contains(string(manifest), "encryption-data") {
				return fail(CodeEncrypted, "Open it in a spreadsheet program, remove the password and save it", "the document is encrypted: it opens with a password only")
			}
		case strings.HasPrefix(f.Name, "Basic/"), strings.HasPrefix(f.Name, "Scripts/"): // they are not run
		case strings.HasSuffix(strings.ToLower(f.Name), ".xml"):
			content = content || f.Name == "content.xml"
			if err := inspectLinks(f); err != nil {
				return err
			}
		}
	}
	if !content {
		return fail(CodeUnreadable, "Check what the file is, and name it so", "the file is a zip file and no OpenDocument: it has no content.xml")
	}
	return nil
}

func readPart(f *zip.File, most int64) ([]byte, error) {
	r, err := f.Open()
	if err == nil {
		defer r.Close()
		var b []byte
		if b, err = io.ReadAll(io.LimitReader(r, most)); err == nil {
			return b, nil
		}
	}
	return nil, damagedPart(f, err)
}

func damagedPart(f *zip.File, err error) error {
	return fail(CodeUnreadable, "Open it in a spreadsheet program, let that repair it, and save it again", "its part %.100s is damaged: %v", f.Name, err)
}

// inspectLinks refuses a part with a reference that leads out.
func inspectLinks(f *zip.File) error {
	r, err := f.Open()
	if err != nil {
		return damagedPart(f, err)
	}
	defer r.Close()
	d := xml.NewDecoder(io.LimitReader(r, unpackedMax))
	d.Strict = false // how forgiving LibreOffice is does not matter: no link is missed for it
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) {
		return nil, errors.New("it is not in UTF-8")
	}
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return damagedPart(f, err)
		}
		e, ok := t.(xml.StartElement)
		if directive, isDirective := t.(xml.Directive); isDirective && strings.Contains(string(directive), "ENTITY") {
			return fail(CodeUnsafe, "Save it as .xlsx in a spreadsheet program", "its part %.100s defines entities", f.Name)
		}
		if !ok || e.Name.Local == "a" { // text:a and draw:a are hyperlinks
			continue
		}
		for _, a := range e.Attr {
			if a.Name.Local == "href" && outside(path.Dir(f.Name), a.Value) {
				return fail(CodeUnsafe, "Open it in a spreadsheet program, break its links (Edit, Links to External Files) or embed what it links to, and save it",
					"the document loads something from outside of itself, %.200q in its part %.100s, and is not opened for that", a.Value, f.Name)
			}
		}
	}
}

// outside reports whether a reference in a part of a folder leads out of the package.
func outside(folder, ref string) bool {
	ref = strings.TrimSpace(ref)
	if plain, err := url.PathUnescape(ref); err == nil {
		ref = plain
	}
	if ref == "" || strings.HasPrefix(ref, "#") {
		return false
	}
	if i := strings.IndexAny(ref, ":/\\?#"); i >= 0 && (ref[i] == ':' || ref[i] == '\\') || strings.HasPrefix(ref, "/") || strings.Contains(ref, "\\") {
		return true
	}
	to := path.Clean(path.Join(folder, ref))
	return to == ".." || strings.HasPrefix(to, "../")
}
