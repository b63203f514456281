package job

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/grid"
	"gridflow/internal/office/cold"
)

// reports is a workbook of three sheets, the last one hidden; the first has two pages.
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
	b := &genbook.Book{}
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "First"}))
	b.AddSheet(h.Fill(&genbook.Sheet{Name: "Second's"}))
	b.AddSheet(k.Fill(&genbook.Sheet{Name: "Away", Visibility: genbook.Hidden}))
	return packed(t, b)
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
	} {
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
