package job

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/office/cold"
	"gridflow/internal/office/shelf"
)

// zipped makes a zip file of parts.
func zipped(t testing.TB, parts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		w, err := z.Create(parts[i])
		if err == nil {
			_, err = w.Write([]byte(parts[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	odfKind  = "application/vnd.oasis.opendocument.spreadsheet"
	odfSpace = `xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"`
	odfTable = `<table:table table:name="S"><table:table-row><table:table-cell office:value-type="float" office:value="7"><text:p>7</text:p></table:table-cell>%s</table:table-row></table:table>`
)

// odf is a spreadsheet with something in a cell.
func odf(t testing.TB, inside string) []byte {
	content := `<office:document-content ` + odfSpace + ` office:version="1.2"><office:body><office:spreadsheet>` + fmt.Sprintf(odfTable, "<table:table-cell>"+inside+"</table:table-cell>") + `</office:spreadsheet></office:body></office:document-content>`
	manifest := `<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="` + odfKind + `"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>`
	return zipped(t, "mimetype", odfKind, "content.xml", content, "META-INF/manifest.xml", manifest)
}

// TestInspect says what is refused before LibreOffice sees it.
func TestInspect(t *testing.T) {
	image := func(href string) []byte {
		return odf(t, `<draw:frame><draw:image xlink:href="`+href+`"/></draw:frame>`)
	}
	for _, c := range []struct {
		name, ext string
		b         []byte
		code      string
	}{
		{"a plain ods", ".ods", odf(t, "<text:p>x</text:p>"), ""},
		{"a hyperlink waits for a click", ".ods", odf(t, `<text:p><text:a xlink:href="http://example.com/">x</text:a></text:p>`), ""},
		{"a picture of its own", ".ods", image("Pictures/1.png"), ""},
		{"an object of its own", ".ods", image("./Object%201"), ""},
		{"a place in itself", ".ods", image("#Sheet1.A1"), ""},
		{"a remote picture", ".ods", image("http://127.0.0.1:1/x.png"), CodeUnsafe},
		{"the same in other letters", ".ods", image("hTTp&#58;//127.0.0.1:1/x.png"), CodeUnsafe},
		{"a file", ".ods", image("file:///etc/passwd"), CodeUnsafe},
		{"an absolute path", ".ods", image("/etc/passwd"), CodeUnsafe},
		{"a path out", ".ods", image("../x.png"), CodeUnsafe},
		{"a path out, escaped", ".ods", image("a/%2e%2e/../%2E./x.png"), CodeUnsafe},
		{"a share", ".ods", image(`\\host\x.png`), CodeUnsafe},
		{"another workbook", ".ods", odf(t, `<table:cell-range-source xlink:href="file:///x.ods"/>`), CodeUnsafe},
		{"a link in the styles", ".ods", zipped(t, "mimetype", odfKind, "content.xml", "<a/>", "styles.xml", `<x xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="http://h/"/>`), CodeUnsafe},
		{"a link in an object", ".ods", zipped(t, "mimetype", odfKind, "content.xml", "<a/>", "Object 1/content.xml", `<x xmlns:q="http://www.w3.org/1999/xlink" q:href="../../x"/>`), CodeUnsafe},
		{"entities", ".ods", zipped(t, "mimetype", odfKind, "content.xml", `<!DOCTYPE a [<!ENTITY x "y">]><a/>`), CodeUnsafe},
		{"broken XML", ".ods", zipped(t, "mimetype", odfKind, "content.xml", "<a b"), CodeUnreadable},
		{"another kind", ".ods", zipped(t, "mimetype", "application/vnd.oasis.opendocument.text", "content.xml", "<a/>"), CodeUnsupported},
		{"encrypted", ".ods", zipped(t, "mimetype", odfKind, "META-INF/manifest.xml", "<manifest:encryption-data/>", "content.xml", "x"), CodeEncrypted},
		{"no content", ".ods", zipped(t, "mimetype", odfKind), CodeUnreadable},
		{"cut short", ".ods", odf(t, "")[:200], CodeUnreadable},
		{"text", ".ods", []byte("hello"), CodeUnreadable},
		{"nothing", ".ods", nil, CodeUnreadable},
		{"a bomb", ".ods", zipped(t, "mimetype", odfKind, "content.xml", strings.Repeat(" ", 64<<20)), CodeUnreadable},
		{"an ods named xlsb", ".xlsb", odf(t, ""), CodeUnreadable},
		{"a binary workbook", ".xlsb", zipped(t, "xl/workbook.bin", "x"), ""},
		{"an encrypted one", ".xlsb", []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and so on"), CodeEncrypted},
		{"a compound file", ".xls", []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and so on"), ""},
		{"an old one", ".xls", []byte{9, 4, 6, 0, 0, 0}, ""},
		{"a zip named xls", ".xls", zipped(t, "xl/workbook.xml", "x"), CodeUnreadable},
		{"HTML named xls", ".xls", []byte("<html>"), CodeUnreadable},
	} {
		err := inspect(c.ext, bytes.NewReader(c.b), int64(len(c.b)))
		var ours *Error
		errors.As(err, &ours)
		if (err == nil) != (c.code == "") || err != nil && (ours == nil || ours.Code != c.code) {
			t.Errorf("%s: %v, want %q", c.name, err, c.code)
		}
	}
}

// TestConversions: each kind of workbook of the corpus opens, has the cells that it is known to
// have, and is converted once.
func TestConversions(t *testing.T) {
	corpus := os.Getenv("GRIDFLOW_CORPUS")
	pool := cold.Pool(t)
	s, err := shelf.Open(t.TempDir(), 100, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := &Conversions{Office: &Office{Runner: pool}, Shelf: s}
	read := func(name string, b []byte) (string, error) {
		sum := sumOf(b)
		f, err := c.Convert(t.Context(), sum, strings.ToLower(filepath.Ext(name)), bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return "", err
		}
		defer f.Close()
		made, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<30))
		if err != nil {
			return "", err
		}
		d := document(t, made)
		var text strings.Builder
		sheet, err := d.Snapshot.Sheet(t.Context(), 0)
		n := 0
		for x := range sheet.Cells(cell.WholeSheet) {
			if n++; n <= 4 && !x.Empty() {
				fmt.Fprintf(&text, "%v=%v ", x.Ref, x.Value)
			}
		}
		return text.String(), err
	}
	if got, err := read("own.ods", odf(t, "<text:p>x</text:p>")); err != nil || got != "A1=7 B1=x " {
		t.Errorf("own.ods: %q, %v", got, err)
	}
	for _, b := range [][]byte{odf(t, `<draw:frame><draw:image xlink:href="file:///etc/passwd"/></draw:frame>`)} {
		if _, err := read("evil.ods", b); err == nil || !strings.Contains(err.Error(), CodeUnsafe) {
			t.Errorf("a document that loads a file: %v", err)
		}
	}
	if _, err := c.Convert(t.Context(), sumOf([]byte("x")), ".ods", bytes.NewReader(odf(t, "")), int64(len(odf(t, "")))); err == nil || !strings.Contains(err.Error(), "FILE_CHANGED") {
		t.Errorf("a file that was changed: %v", err)
	}
	if corpus == "" {
		t.Log("GRIDFLOW_CORPUS is not set")
		return
	}
	opened := 0
	for name, want := range map[string]string{
		"calamine/merged_range.xls":               "A1=A1 B1=B1 C1=C1 ",
		"calamine/date_1904.xlsb":                 "A1=42735 B1=15 A2=42736 B2=16 ",
		"poi/spreadsheet__15228.xls":              "B2=REFDATE C2=TRENDFAC E2=Title1 F2=BLOCK CLAIM LIABILITY REPORT ",
		"sheetjs/xlsx-stream-d-date-cell.xlsb":    "A1=String B1=てすと C1=&'\";<> D1=&amp; ",
		"poi/spreadsheet__password.xls":           "error",
		"calamine/pass_protected.xlsb":            "error",
		"poi/spreadsheet__SingleLetterRanges.xls": "C1=1 D1=10 C2=2 D2=20 ",
	} {
		b, err := os.ReadFile(filepath.Join(corpus, name))
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := read(name, b)
		if want == "error" && err == nil || want != "error" && (err != nil || got != want) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, want)
		}
		if err == nil {
			opened++
			if again, err := read(name, b); err != nil || again != got {
				t.Errorf("%s again: %q, %v", name, again, err)
			}
		}
	}
	if n := pool.Stats(); opened == 0 {
		t.Errorf("none opened: %+v", n)
	}

}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
