package job

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/grid"
	"gridflow/internal/office/cold"
	"gridflow/internal/ziptest"
)

// reports is a workbook of three sheets, the last one hidden; the first has two pages. First and last say what is printed of them.
func reports(t testing.TB) []byte {
	var g, h, k genbook.Grid
	for row := 1; row <= 70; row++ {
		g.Set(fmt.Sprintf("A%d", row), 0, fmt.Sprintf("first %d", row))
	}
	g.Formula("B1", 0, "1+1", 2.0)
	h.Set("A1", 0, "second")
	h.Set("B1", 0, "beside")
	h.Formula("A2", 0, "First!B1*4", 8.0)
	k.Set("A1", 0, "secret")
	b := &genbook.Book{Names: []genbook.Name{{Name: "_xlnm.Print_Area", Refers: "First!$A$1:$B$70", Sheet: "First"}, {Name: "_xlnm.Print_Area", Refers: "Away!$A$1", Sheet: "Away"}}}
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "First"}))
	b.AddSheet(h.Fill(&genbook.Sheet{Name: "Second's"}))
	b.AddSheet(k.Fill(&genbook.Sheet{Name: "Away", Visibility: genbook.Hidden}))
	return packed(t, b)
}

// TestExportProtected: an .ods is written of sheets whose passwords it cannot have; they are protected without.
func TestExportProtected(t *testing.T) {
	o := &Office{Runner: cold.Pool(t)}
	d := document(t, ziptest.Rewrite(t, reports(t), func(name string, content []byte) []byte {
		if name == "xl/worksheets/sheet1.xml" {
			content = bytes.Replace(content, []byte("</sheetData>"), []byte(`</sheetData><sheetProtection algorithmName="SHA-512" hashValue="qOJMYDL7Sb3TqA7cnAUT2Zs1zIwS2oDzJB7l0TV1JK4TPUlbtvKSbbkQ8ZzeBKL0IRxp2Bh3LdkyFwTRoYyaVg==" saltValue="dGVzdHRlc3R0ZXN0dGVzdA==" spinCount="100000" sheet="1"/>`), 1)
		}
		return content
	}))
	first := 0
	for _, sheet := range []int{-1, first} {
		var out bytes.Buffer
		if err := o.Export(t.Context(), d, Export{Format: "ods", Sheet: sheet, Formulas: sheet < 0}, &out); err != nil {
			t.Errorf("sheet %d: %v", sheet, err)
			continue
		}
		z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		content, err := fs.ReadFile(z, "content.xml")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(content, []byte(`table:protected="true"`)) {
			t.Errorf("sheet %d: nothing is protected", sheet)
		}
		if asked, err := d.Asked(t.Context(), sheet); err != nil || len(asked) != 1 || asked[0] != first {
			t.Errorf("sheet %d: passwords of %v, %v", sheet, asked, err)
		}
	}
}

// TestExport: a PDF has the pages of what was asked for, an ods of a part has that part alone.
func TestExport(t *testing.T) {
	o := &Office{Runner: cold.Pool(t)}
	d := document(t, reports(t))
	pages := regexp.MustCompile(`/Type\s*/Page\b`)
	second, a1 := 1, cell.Range{}
	for _, c := range []struct {
		name  string
		e     Export
		pages int
	}{
		{"all that is not hidden", Export{Format: "pdf", Sheet: -1}, 3},
		{"a sheet", Export{Format: "pdf", Sheet: second}, 1},
		{"a hidden sheet", Export{Format: "pdf", Sheet: 2}, 1},
		{"a range", Export{Format: "pdf", Sheet: 0, Range: &a1}, 1},
		{"a sheet of a workbook that does not say which is in front", Export{Format: "pdf", Sheet: second}, 1},
	} {
		d := d
		if strings.HasSuffix(c.name, "in front") {
			d = document(t, ziptest.Rewrite(t, reports(t), func(name string, content []byte) []byte {
				if name == "xl/workbook.xml" {
					content = regexp.MustCompile(`<bookViews>.*</bookViews>`).ReplaceAll(content, nil)
				}
				return content
			}))
		}
		var out bytes.Buffer
		if err := o.Export(t.Context(), d, c.e, &out); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if n := len(pages.FindAll(out.Bytes(), -1)); !bytes.HasPrefix(out.Bytes(), []byte("%PDF-")) || n != c.pages {
			t.Errorf("%s: %d pages, want %d", c.name, n, c.pages)
		}
	}
	content := func(e Export) string {
		var out bytes.Buffer
		if err := o.Export(t.Context(), d, e, &out); err != nil {
			t.Fatal(err)
		}
		z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(&all, r); err != nil {
				t.Fatal(err)
			}
		}
		return all.String()
	}
	for _, c := range []struct {
		name    string
		e       Export
		has     []string
		hasNone []string
	}{
		{"all", Export{Format: "ods", Sheet: -1, Formulas: true}, []string{"first 70", "second", "secret", "of:=1+1", `office:value="8"`}, nil},
		{"all, values", Export{Format: "ods", Sheet: -1}, []string{"first 70", "second", "secret", `office:value="8"`}, []string{"of:="}},
		{"a sheet", Export{Format: "ods", Sheet: second}, []string{"second", "beside", `office:value="8"`}, []string{"first 1", "secret", "of:=", "Away"}},
		{"a range", Export{Format: "ods", Sheet: second, Range: &cell.Range{Last: cell.Ref{Row: 1}}}, []string{"second", `office:value="8"`}, []string{"beside", "first 1", "secret"}},
		{"a hidden sheet", Export{Format: "ods", Sheet: 2}, []string{"secret"}, []string{"first 1", "beside"}},
	} {
		got := content(c.e)
		for _, s := range c.has {
			if !strings.Contains(got, s) {
				t.Errorf("%s: %q is missing", c.name, s)
			}
		}
		for _, s := range c.hasNone {
			if strings.Contains(got, s) {
				t.Errorf("%s: it has %q", c.name, s)
			}
		}
	}
}

// TestExportPart: LibreOffice is shown little of a large workbook where a part of it is printed, and the pages are the
// same, rows that are repeated on each of them included.
func TestExportPart(t *testing.T) {
	b := &genbook.Book{Names: []genbook.Name{
		{Name: "_xlnm.Print_Titles", Refers: "Printed!$A:$A,Printed!$2:$3", Sheet: "Printed"},
		{Name: "_xlnm.Print_Area", Refers: "Printed!$A$1:$H$140", Sheet: "Printed"},
	}}
	var g, limits, rest genbook.Grid
	limits.Set("A7", 0, 250.0)
	for row := 1; row <= 600; row++ {
		g.Set(fmt.Sprintf("A%d", row), 0, fmt.Sprintf("title %d", row))
		g.Formula(fmt.Sprintf("B%d", row), 0, fmt.Sprintf("_xlfn.NOSUCHTHING(A%d)", row), float64(row)*2)
		g.Set(fmt.Sprintf("D%d", row), 0, fmt.Sprintf("a text that is wider than its column %d", row))
		rest.Set(fmt.Sprintf("A%d", row), 0, float64(row))
	}
	b.AddSheet(rest.Fill(&genbook.Sheet{Name: "Rest"}))
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "Printed", Conditional: []genbook.Conditional{
		{Range: "B1:B600", Kind: "expression", Formulas: []string{"B1>Limits!$A$7"}, Look: genbook.Style{Fill: "FF0000"}},
	}}))
	b.AddSheet(limits.Fill(&genbook.Sheet{Name: "Limits"}))
	d := document(t, packed(t, b))
	few := bounds{whole: 1, margin: 1}
	runner := cold.Pool(t)
	middle := area(t, "A245:H440") // on more than one page
	for _, r := range []*cell.Range{&middle, nil} {
		printed := cell.WholeSheet
		if r != nil {
			printed = *r
		}
		var sizes []int64
		var made [][]byte
		for _, b := range []bounds{{}, few} {
			in, err := d.printed(t.Context(), t.TempDir(), 1, printed, b)
			if err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(in)
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, info.Size())
			var out bytes.Buffer
			if err := (&Office{Runner: runner, bounds: b}).Export(t.Context(), d, Export{Format: "pdf", Sheet: 1, Range: r}, &out); err != nil {
				t.Fatal(err)
			}
			made = append(made, out.Bytes())
		}
		if sizes[1] > sizes[0]*9/10 {
			t.Errorf("%v: the copy has %d bytes, and that of the whole workbook %d", printed, sizes[1], sizes[0])
		}
		if !samePages(t, made[0], made[1]) {
			t.Errorf("%v: the pages are other ones", printed)
		}
	}
}

// samePages reports whether two PDFs have the same pages. LibreOffice rounds heights of headers in one way or another,
// of the same file too: by less than a point.
func samePages(t *testing.T, a, b []byte) bool {
	number := regexp.MustCompile(`-?\d+(\.\d+)?`)
	a, b = streams(t, a), streams(t, b)
	one, of := number.FindAll(a, -1), number.FindAll(b, -1)
	if len(one) != len(of) || !bytes.Equal(number.ReplaceAll(a, nil), number.ReplaceAll(b, nil)) {
		return false
	}
	for i := range one {
		x, err := strconv.ParseFloat(string(one[i]), 64)
		y, err2 := strconv.ParseFloat(string(of[i]), 64)
		if err != nil || err2 != nil || math.Abs(x-y) > 0.9 { // numbers of glyphs are whole
			return false
		}
	}
	return true
}

// streams gives what is compressed in a PDF: its pages and fonts. The rest has times in it.
func streams(t *testing.T, pdf []byte) (all []byte) {
	for _, part := range regexp.MustCompile(`(?s)FlateDecode.*?stream\r?\n(.*?)\nendstream`).FindAllSubmatch(pdf, -1) {
		r, err := zlib.NewReader(bytes.NewReader(part[1]))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	if len(all) == 0 {
		t.Fatal("a PDF without pages")
	}
	return all
}

// TestExamples: LibreOffice and gridflow calculate the example workbooks to the same values.
func TestExamples(t *testing.T) {
	o := &Office{Runner: cold.Pool(t)}
	files, err := filepath.Glob("../../../examples/*.xlsx")
	if err != nil || len(files) < 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 1<<20 && testing.Short() {
			continue
		}
		d := document(t, b)
		d.Key = name
		v, err := o.Recalculate(t.Context(), d)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		// What is left of large numbers that are subtracted has fewer digits.
		check, err := d.Snapshot.Opinion(t.Context(), book.Moment{}, v.Snapshot, 1e-9, func(x book.Difference) {
			if a, b := x.Stored, x.Calculated; a.Kind() != cell.Number || b.Kind() != cell.Number || max(a.Number(), b.Number(), -a.Number(), -b.Number()) > 1e-7 {
				t.Errorf("%s: %s!%v: gridflow %v, LibreOffice %v: %s", name, x.Sheet, x.Ref, a, b, x.Formula)
			}
		})
		if err != nil || v.Formulas == 0 && formulas(t, d) > 0 || len(v.Kept) > 0 {
			t.Errorf("%s: %+v, %+v: %v", name, check, v.Kept, err)
		}
	}
}

func formulas(t *testing.T, d Document) (n int) {
	for i, info := range d.Snapshot.Workbook().Sheets {
		if info.Kind != grid.Worksheet {
			continue
		}
		sheet, err := d.Snapshot.Sheet(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		n += sheet.FormulaCells()
	}
	return n
}
