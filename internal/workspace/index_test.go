package workspace

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

const tallRows = 24_000

// tall is a workbook with a sheet that is large enough for an index. Each row holds its
// number, times factor, and a text. Its parts are stored, which takes no time.
func tall(t *testing.T, factor float64) string {
	t.Helper()
	const (
		types = `xmlns="http://schemas.openxmlformats.org/package/2006/content-types"`
		rels  = `xmlns="http://schemas.openxmlformats.org/package/2006/relationships"`
		main  = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
		doc   = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
	)
	var sheet strings.Builder
	fmt.Fprintf(&sheet, `<worksheet %s><sheetData>`, main)
	for row := range tallRows {
		fmt.Fprintf(&sheet, `<row r="%d">`, row+1)
		for col := range 5 {
			fmt.Fprintf(&sheet, `<c r="%c%d"><v>%v</v></c>`, 'A'+col, row+1, float64(row)*factor+float64(col)/8)
		}
		fmt.Fprintf(&sheet, `<c r="F%d" t="inlineStr"><is><t>%v of row %d</t></is></c></row>`, row+1, factor, row)
	}
	sheet.WriteString(`</sheetData></worksheet>`)
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, part := range [][2]string{
		{"[Content_Types].xml", `<Types ` + types + `><Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>`},
		{"_rels/.rels", `<Relationships ` + rels + `><Relationship Id="rId1" Type="` + doc + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook ` + main + ` xmlns:r="` + doc + `"><sheets><sheet name="Tall" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships ` + rels + `><Relationship Id="rId1" Type="` + doc + `/worksheet" Target="sheet.xml"/></Relationships>`},
		{"xl/sheet.xml", sheet.String()},
	} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: part[0], Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(part[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A page of a workbook that was dropped for room is read by the index that its load
// left, until the file changes or the workbook is closed.
func TestIndexOutlivesCells(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tall.xlsx")
	write(t, path, tall(t, 1))
	w := open(t, Options{CacheBytes: 1 << 20}, dir) // less than the cells take
	load := func() {
		t.Helper()
		err := w.View(t.Context(), "tall", func(s *book.Snapshot) error {
			_, err := s.Sheet(t.Context(), 0)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.cache.entries.CleanUp()
	}
	// page reads ten rows and says whether they came without the rest of the sheet.
	page := func(factor float64) (alone bool) {
		t.Helper()
		const row = tallRows * 3 / 4
		err := w.View(t.Context(), "tall", func(s *book.Snapshot) error {
			sheet, err := s.Rows(t.Context(), 0, row, row+9)
			if err != nil {
				return err
			}
			for r := row; r < row+10; r++ {
				if n := sheet.Value(cell.Ref{Row: r, Col: 2}).Number(); n != float64(r)*factor+0.25 {
					t.Errorf("row %d has %v", r, n)
				}
				if text := sheet.Value(cell.Ref{Row: r, Col: 5}).Text(); text != fmt.Sprintf("%v of row %d", factor, r) {
					t.Errorf("row %d has %q", r, text)
				}
			}
			alone = sheet.FirstLoadedRow() > 0
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return alone
	}

	load()
	if s := w.Stats(); s.Evictions == 0 || s.Indexes != 1 || s.IndexBytes == 0 || s.IndexBytes > 1<<20/indexShare {
		t.Fatalf("%+v", s)
	}
	for range 3 {
		if !page(1) {
			t.Fatal("the page was read by loading the sheet")
		}
	}

	if err := replace(path, tall(t, 2)); err != nil {
		t.Fatal(err)
	}
	if page(2) {
		t.Fatal("a page of the new file came by the index of the old one")
	}
	load()
	if !page(2) {
		t.Fatal("the load of the new file left no index")
	}

	if _, err := w.Close(context.Background(), "tall"); err != nil {
		t.Fatal(err)
	}
	if s := w.Stats(); s.Indexes != 0 {
		t.Errorf("after Close: %+v", s)
	}
	if page(2) {
		t.Error("a closed workbook left an index")
	}
}

// A workbook that fits keeps its cells: then a page is the sheet.
func TestPageOfLoadedSheet(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "tall.xlsx"), tall(t, 1))
	w := open(t, Options{}, dir)
	var whole *grid.Sheet
	for range 2 {
		err := w.View(t.Context(), "tall", func(s *book.Snapshot) (err error) {
			if whole == nil {
				whole, err = s.Sheet(t.Context(), 0)
				return err
			}
			page, err := s.Rows(t.Context(), 0, 10_000, 10_010)
			if page != whole {
				t.Error("another sheet than the one loaded")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
