package workspace

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/grid"
)

const tallRows = 40_000

// tall is a workbook with a sheet that is large enough for an index. Each row holds its
// number, times factor, and a text.
func tall(t *testing.T, factor float64) string {
	t.Helper()
	b := genbook.Book{}
	b.AddSheet(&genbook.Sheet{
		Name: "Tall", Dimension: cell.Range{Last: cell.Ref{Row: tallRows - 1, Col: 5}},
		Rows: func(w *genbook.Writer) error {
			for row := range tallRows {
				w.Row(row)
				for col := range 5 {
					w.Number(col, 0, float64(row)*factor+float64(col)/8)
				}
				w.Text(5, 0, fmt.Sprintf("%v of row %d", factor, row))
			}
			return nil
		},
	})
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
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
	w := open(t, Options{CacheBytes: 2 << 20}, dir) // less than the cells take
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
	if s := w.Stats(); s.Evictions == 0 || s.Indexes != 1 || s.IndexBytes == 0 || s.IndexBytes > 2<<20/indexShare {
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

	if _, err := w.Close("tall"); err != nil {
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
			page, err := s.Rows(t.Context(), 0, 20_000, 20_010)
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
