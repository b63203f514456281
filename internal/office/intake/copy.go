package intake

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"io"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"

	"gridflow/internal/cell"
)

// Copy checks the file at src as [Limits.Check] does, and writes what LibreOffice is to be shown
// of it to dst, which must not be there. A package is written anew, so that its directory says
// what its entries are, and without the relationships that lead out of it, but for the
// hyperlinks of cells and the names of other workbooks; what shows a picture from elsewhere
// shows none; sparklines are as LibreOffice bears them. In OpenDocument the links of all but hyperlinks are emptied. An .xls is copied as
// it is. Where it fails there is nothing at dst.
func (l Limits) Copy(dst, src string, wanted ...Format) (Format, error) {
	return l.copy(dst, src, less{}, wanted)
}

// CopyCells is Copy without what no formula reads: what lies upon the cells of an .xlsx or .xlsb, such as
// drawings, charts, pictures and comments, and its colours. LibreOffice takes as long for one chart
// as for hundreds of formulas.
func (l Limits) CopyCells(dst, src string, wanted ...Format) (Format, error) {
	return l.copy(dst, src, less{upon: true}, wanted)
}

func (l Limits) copy(dst, src string, left less, wanted []Format) (Format, error) {
	in, err := os.Open(src)
	if err != nil {
		return "", err
	}
	defer in.Close()
	w, err := l.orDefault().open(in, wanted)
	if err != nil {
		return "", err
	}
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	if w.zip == nil {
		_, err = io.Copy(out, io.NewSectionReader(in, 0, w.size))
	} else if err = w.unpackAll(left); err == nil {
		err = w.write(out, left)
	}
	if closing := out.Close(); err == nil {
		err = closing
	}
	if err != nil {
		os.Remove(dst)
		return "", err
	}
	return w.format, nil
}

// write writes the package anew without what is left out, the entries that need no cleaning as they are packed.
func (w *workbook) write(out io.Writer, left less) error {
	z := zip.NewWriter(out)
	for _, e := range w.zip.File {
		if strings.HasSuffix(e.Name, "/") || left.gone(e.Name) {
			continue // a folder, which a package does not have; or of nobody
		}
		rows, ok := left.rows[e.Name]
		if !ok && w.sparklines[e.Name] {
			rows, ok = []Rows{{0, cell.MaxRows - 1}}, true
		}
		if ok {
			if err := w.writeRows(z, e, rows); err != nil {
				return err
			}
			continue
		}
		var cut []span
		var text []byte
		var err error
		switch {
		case w.format == ODS && odfLinks(e.Name):
			if text, err = readEntry(e, w.limits.EntryBytes); err == nil {
				cut, err = odfOutside(text)
			}
		case w.format != ODS && strings.EqualFold(path.Ext(e.Name), ".rels"):
			if text, err = readEntry(e, smallMax); err == nil {
				cut, err = relsOutside(e.Name, text, left.upon)
			}
		}
		if err != nil {
			if _, ok := err.(*Error); !ok {
				err = refuse(Damaged, "its entry %q: %v", e.Name, err)
			}
			return err
		}
		if len(cut) == 0 {
			if err := z.Copy(e); err != nil {
				return err
			}
			continue
		}
		entry, err := z.CreateHeader(&zip.FileHeader{Name: e.Name, Method: zip.Deflate})
		if err != nil {
			return err
		}
		if err := writeWithout(entry, text, cut); err != nil {
			return err
		}
	}
	return z.Close()
}

// A span is bytes that are left out.
type span struct{ from, to int64 }

// writeWithout writes a text without what is cut, which ascends.
func writeWithout(out io.Writer, text []byte, cut []span) error {
	at := int64(0)
	for _, c := range cut {
		if _, err := out.Write(text[at:c.from]); err != nil {
			return err
		}
		at = c.to
	}
	_, err := out.Write(text[at:])
	return err
}

// relsOutside gives the relationships of a part that lead out of the package. LibreOffice finds a
// relationship by its id and does not ask for its type: a picture can mean one that calls itself
// a hyperlink. So a hyperlink stays only where nothing but cells can mean it. With cells it gives those too
// that lead to what no formula reads.
func relsOutside(name string, text []byte, cells bool) ([]span, error) {
	folder := strings.ToLower(path.Dir(name))
	stays := map[string]bool{}
	switch folder {
	case "xl/worksheets/_rels":
		stays["hyperlink"] = true
	case "xl/externallinks/_rels":
		for _, t := range []string{"externallinkpath", "xlpathmissing", "xlstartup", "xlalternatestartup", "xllibrary"} {
			stays[t] = true
		}
	}
	var cut []span
	err := elements(text, func(e xml.StartElement, from, to int64) error {
		if e.Name.Local != "Relationship" {
			return nil
		}
		target := strings.TrimSpace(attribute(e, "Target"))
		outside := !strings.EqualFold(strings.TrimSpace(attribute(e, "TargetMode")), "Internal") && attribute(e, "TargetMode") != "" || leavesPackage(target)
		kind := strings.ToLower(path.Base(attribute(e, "Type")))
		if outside && !stays[kind] || cells && upon(folder, kind) {
			cut = append(cut, withoutElement(text, from, to))
		}
		return nil
	})
	return cut, err
}

// upon tells whether a relationship, in small letters, of the parts in a folder leads to what no formula
// reads. Of a sheet these are all but those to tables.
func upon(folder, kind string) bool {
	switch folder {
	case "xl/worksheets/_rels":
		return kind != "table" && kind != "pivottable" && kind != "querytable"
	case "xl/chartsheets/_rels", "xl/dialogsheets/_rels":
		return true
	case "xl/_rels":
		return kind == "theme" || kind == "calcchain"
	}
	return false
}

// withoutElement gives the bytes of an element without content, or only its attributes: what is
// left of <Relationship a="b"></Relationship> has no id, and nobody can mean it.
func withoutElement(text []byte, from, to int64) span {
	tag := text[from:to]
	if bytes.HasSuffix(tag, []byte("/>")) {
		return span{from, to}
	}
	name := bytes.IndexAny(tag, " \t\r\n")
	if name < 0 {
		return span{to, to}
	}
	return span{from + int64(name), to - 1}
}

// scheme begins a URL; a letter alone is a drive.
var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)

func leavesPackage(target string) bool {
	return scheme.MatchString(target) || strings.HasPrefix(target, "//") || strings.HasPrefix(target, `\`)
}

// odfLinks reports whether an entry of OpenDocument can have links.
func odfLinks(name string) bool {
	switch strings.ToLower(path.Base(name)) {
	case "content.xml", "styles.xml", "settings.xml", "meta.xml":
		return true
	}
	return false
}

// hrefs finds the values of the attributes href, of any prefix, in a start tag that is well formed.
func hrefs(tag []byte) []span {
	var values []span
	for at := 0; ; {
		equals := bytes.IndexByte(tag[at:], '=')
		if equals < 0 {
			return values
		}
		name := bytes.TrimSpace(tag[at : at+equals])
		name = name[bytes.LastIndexAny(name, ": \t\r\n")+1:]
		from := at + equals + 1
		for from < len(tag) && tag[from] != '"' && tag[from] != '\'' {
			from++
		}
		if from == len(tag) {
			return values
		}
		size := bytes.IndexByte(tag[from+1:], tag[from])
		if size < 0 {
			return values
		}
		if at = from + 1 + size + 1; string(name) == "href" {
			values = append(values, span{int64(from + 1), int64(from + 1 + size)})
		}
	}
}

// odfOutside gives the values of links that lead out of the document, but for hyperlinks.
func odfOutside(text []byte) ([]span, error) {
	var cut []span
	err := elements(text, func(e xml.StartElement, from, to int64) error {
		if e.Name.Local == "a" {
			return nil
		}
		for _, a := range e.Attr {
			if a.Name.Local != "href" || !leavesDocument(strings.TrimSpace(a.Value)) {
				continue
			}
			for _, value := range hrefs(text[from:to]) {
				cut = append(cut, span{from + value.from, from + value.to})
			}
			return nil
		}
		return nil
	})
	return cut, err
}

// leavesDocument reports whether a link of OpenDocument means something outside of its package.
// There ".." is the folder that the package lies in, however its dots are spelt.
func leavesDocument(target string) bool {
	if plain, err := url.PathUnescape(target); err == nil {
		target = plain
	}
	return leavesPackage(target) || strings.HasPrefix(target, "/") || target == ".." || strings.HasPrefix(target, "../") || strings.Contains(target, "/../")
}
