package job

import (
	"archive/zip"
	"bytes"
	"context"
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
	"gridflow/internal/corpus"
	"gridflow/internal/genbook"
	"gridflow/internal/office/cold"
	"gridflow/internal/office/shelf"
	"gridflow/internal/office/wire"
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

// TestPlaceless: what LibreOffice says of the folder that its copy lay in is in no file that leaves.
func TestPlaceless(t *testing.T) {
	const dir = "/home/a/jobs/gridflow-job-7"
	in := zipped(t, "mimetype", odfKind,
		"content.xml", `<a f="of:=['file:///state/worker-0/jobs/gridflow-job-7/other.xlsx'#$S.A1]+['file:///data/jobs/7/b.ods'#$S.A1]" v="&apos;file:///st&amp;ate/%20x/gridflow-job-7/in.ods&apos;#$S"/>`,
		"xl/externalLinks/_rels/a.xml.rels", `<r Target="file:///x/gridflow-job-7/c.xlsx"/><r Target="file:///y/gridflow-job-77/d.xlsx"/>`,
		"Pictures/a.png", "file:///x/gridflow-job-7/", "styles.xml", "<s/>")
	var out bytes.Buffer
	if err := placeless(&out, bytes.NewReader(in), int64(len(in)), dir); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"content.xml":                       `<a f="of:=['file:///other.xlsx'#$S.A1]+['file:///data/jobs/7/b.ods'#$S.A1]" v="&apos;file:///in.ods&apos;#$S"/>`,
			"xl/externalLinks/_rels/a.xml.rels": `<r Target="file:///c.xlsx"/><r Target="file:///y/gridflow-job-77/d.xlsx"/>`,
		}[f.Name]
		if want != "" && string(text) != want {
			t.Errorf("%s: %s", f.Name, text)
		}
	}
	if got := strings.Join(names, " "); got != "mimetype content.xml xl/externalLinks/_rels/a.xml.rels Pictures/a.png styles.xml" {
		t.Errorf("the parts are %s", got)
	}
	if err := placeless(io.Discard, bytes.NewReader(in[:len(in)/2]), int64(len(in)/2), dir); err == nil {
		t.Error("half a package is written")
	}
}

// TestPlacelessWhole: an .ods with the formula CELL("filename") that LibreOffice exports, and what it converts
// that to again, do not say where the server keeps its files.
func TestPlacelessWhole(t *testing.T) {
	o := &Office{Runner: cold.Pool(t)}
	var g genbook.Grid
	g.Formula("A1", 0, `CELL("filename")`, "was")
	b := &genbook.Book{}
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "S"}))
	d := document(t, packed(t, b))
	says := func(what string, b []byte) {
		t.Helper()
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		named := false
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			named = named || bytes.Contains(text, []byte("in."))
			if bytes.Contains(text, []byte("gridflow-job")) || bytes.Contains(text, []byte(os.TempDir())) {
				t.Errorf("%s: %s has where the copy lay", what, f.Name)
			}
		}
		if !named {
			t.Errorf("%s: LibreOffice says nothing of its copy: this is no test", what)
		}
	}
	var ods, back bytes.Buffer
	if err := o.Export(t.Context(), d, Export{Format: "ods", Sheet: -1, Formulas: true}, &ods); err != nil {
		t.Fatal(err)
	}
	says("exported", ods.Bytes())
	sum := sha256.Sum256(ods.Bytes())
	if err := o.Convert(t.Context(), hex.EncodeToString(sum[:]), ".ods", bytes.NewReader(ods.Bytes()), int64(ods.Len()), &back); err != nil {
		t.Fatal(err)
	}
	says("converted", back.Bytes())
}

// TestRefused says what LibreOffice is not shown, and that what it is shown leads nowhere.
func TestRefused(t *testing.T) {
	image := func(href string) []byte {
		return odf(t, `<draw:frame><draw:image xlink:href="`+href+`"/></draw:frame>`)
	}
	for _, c := range []struct {
		name, ext string
		b         []byte
		code      string // "": it is shown
		gone      string // what the copy does not have
	}{
		{"a plain ods", ".ods", odf(t, "<text:p>x</text:p>"), "", ""},
		{"a remote picture", ".ods", image("http://127.0.0.1:1/x.png"), "", "127.0.0.1"},
		{"the same in other letters", ".ods", image("hTTp&#58;//127.0.0.1:1/x.png"), "", "127.0.0.1"},
		{"a file", ".ods", image("file:///etc/passwd"), "", "passwd"},
		{"an absolute path", ".ods", image("/etc/passwd"), "", "passwd"},
		{"a path out", ".ods", image("../x.png"), "", "x.png"},
		{"a path out, escaped", ".ods", image("a/%2e%2e/%2E./x.png"), "", "x.png"},
		{"a share", ".ods", image(`\\host\x.png`), "", "host"},
		{"another workbook", ".ods", odf(t, `<table:cell-range-source xlink:href="file:///x.ods"/>`), "", "x.ods"},
		{"another kind", ".ods", zipped(t, "mimetype", "application/vnd.oasis.opendocument.text", "content.xml", "<a/>"), CodeUnsupported, ""},
		{"encrypted", ".ods", zipped(t, "mimetype", odfKind, "META-INF/manifest.xml", `<m:manifest xmlns:m="x"><m:encryption-data/></m:manifest>`, "content.xml", "x"), CodeEncrypted, ""},
		{"cut short", ".ods", odf(t, "")[:200], CodeUnreadable, ""},
		{"text", ".ods", []byte("hello"), CodeUnsupported, ""},
		{"nothing", ".ods", nil, CodeUnsupported, ""},
		{"a bomb", ".ods", zipped(t, "mimetype", odfKind, "content.xml", strings.Repeat(" ", 80<<20)), CodeFileTooLarge, ""},
		{"an ods named xlsb", ".xlsb", odf(t, ""), CodeUnsupported, ""},
		{"an ods named xls", ".xls", odf(t, ""), CodeUnsupported, ""},
		{"HTML named xls", ".xls", []byte("<html>"), CodeUnsupported, ""},
	} {
		var seen []byte
		o := &Office{Runner: &cold.Runner{Do: func(_ context.Context, r wire.Request) (wire.Response, error) {
			z, err := zip.OpenReader(r.In)
			if err != nil {
				t.Fatal(err)
			}
			defer z.Close()
			for _, f := range z.File {
				part, err := f.Open()
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(part)
				if err != nil {
					t.Fatal(err)
				}
				seen = append(seen, b...)
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(r.In), rawName)); err == nil {
				t.Errorf("%s: the file itself lies beside its copy", c.name)
			}
			return wire.Response{}, os.WriteFile(r.Out, calculations(t), 0o600)
		}}}
		err := o.Convert(t.Context(), sumOf(c.b), c.ext, bytes.NewReader(c.b), int64(len(c.b)), io.Discard)
		var ours *Error
		errors.As(err, &ours)
		switch {
		case (err == nil) != (c.code == "") || err != nil && (ours == nil || ours.Code != c.code):
			t.Errorf("%s: %v, want %q", c.name, err, c.code)
		case (seen == nil) != (c.code != ""):
			t.Errorf("%s: LibreOffice was shown it: %v", c.name, seen != nil)
		case c.gone != "" && bytes.Contains(seen, []byte(c.gone)):
			t.Errorf("%s: LibreOffice is shown %s", c.name, seen)
		}
	}
}

// TestConversions: each kind of workbook of the corpus opens, has the cells that it is known to
// have, and is converted once.
func TestConversions(t *testing.T) {
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
	if _, err := c.Convert(t.Context(), sumOf([]byte("x")), ".ods", bytes.NewReader(odf(t, "")), int64(len(odf(t, "")))); err == nil || !strings.Contains(err.Error(), "FILE_CHANGED") {
		t.Errorf("a file that was changed: %v", err)
	}
	dir := corpus.Dir(t)
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
		b, err := os.ReadFile(filepath.Join(dir, name))
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
