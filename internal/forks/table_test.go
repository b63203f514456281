package forks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/ziptest"
)

// tableBook is a workbook whose sheet Data has a table Sales that ends in row 3, and some
// rows above it. note is a cell beside it.
func tableBook(t failer, above int, note string) []byte {
	t.Helper()
	b := &genbook.Book{}
	var g genbook.Grid
	for row := 1; row <= above; row++ {
		g.Set(fmt.Sprintf("A%d", row), 0, fmt.Sprintf("above %d", row))
	}
	at := func(col string, row int) string { return fmt.Sprintf("%s%d", col, above+row) }
	g.Set(at("A", 1), 0, "Item")
	g.Set(at("B", 1), 0, "Net")
	for row := 2; row <= 3; row++ {
		g.Set(at("A", row), 0, fmt.Sprintf("item %d", row))
		g.Set(at("B", row), 0, float64(row))
	}
	g.Set(at("D", 1), 0, note)
	r := cell.RangeOf(cell.Ref{Row: above}, cell.Ref{Row: above + 2, Col: 1})
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "Data", Tables: []genbook.Table{{Name: "Sales", Range: r, Columns: []genbook.TableColumn{{Name: "Item"}, {Name: "Net"}}}}}))
	var sums genbook.Grid
	sums.Formula("A1", 0, "SUM(Sales[Net])", 5)
	b.AddSheet(sums.Fill(&genbook.Sheet{Name: "Sums"}))
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// appended is the edit that appends rows up to last to the table.
func appended(first, last int) book.Edit {
	op := book.SetCells{Sheet: "Data"}
	for row := first; row <= last; row++ {
		op.Cells = append(op.Cells, book.CellEdit{Ref: cell.Ref{Row: row - 1}, Value: cell.TextValue(fmt.Sprintf("row %d", row))},
			book.CellEdit{Ref: cell.Ref{Row: row - 1, Col: 1}, Value: cell.NumberValue(float64(10 * row))})
	}
	return book.Edit{Ops: []book.Op{op, book.GrowTable{Table: "sales", LastRow: last - 1}}}
}

// table gives where the table is.
func (r *rig) table(id string) (at string) {
	r.Helper()
	err := r.store.View(context.Background(), id, func(s *book.Snapshot) error {
		tables, err := s.Tables(context.Background())
		if err == nil {
			at = tables[0].Range.String()
		}
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	return at
}

func bookCode(err error) book.Code {
	var e *book.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// A table that grew is so in every version from then on, whatever the contents are made
// from, and formulas that name it are out of date.
func TestTableGrows(t *testing.T) {
	r := newRig(t, Options{})
	r.put("t.xlsx", tableBook(t, 0, "note"))
	f := r.create("t.xlsx")
	res := r.edit(f.ID, appended(4, 5))
	if res.Info.Stale {
		t.Error("the formula that sums the table is out of date")
	}
	sum := func() (v cell.Value) {
		err := r.store.View(t.Context(), f.ID+"@1", func(s *book.Snapshot) error {
			sheet, err := s.Sheet(t.Context(), 1)
			if err == nil {
				v = sheet.Value(cell.Ref{})
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if got := sum(); got != cell.NumberValue(5+40+50) {
		t.Errorf("the table's sum is %v", got)
	}
	r.edit(f.ID, appended(6, 6))
	child := r.create(f.ID)
	for range 2 {
		for id, want := range map[string]string{f.ID: "A1:B6", f.ID + "@0": "A1:B3", f.ID + "@1": "A1:B5", child.ID: "A1:B6"} {
			if got := r.table(id); got != want {
				t.Errorf("in %s the table is %s, not %s", id, got, want)
			}
		}
		r.restart()
		if got := sum(); got != cell.NumberValue(5+40+50) {
			t.Errorf("after a start the table's sum is %v", got)
		}
	}
	for _, c := range []struct {
		op   book.GrowTable
		code book.Code
	}{{book.GrowTable{Table: "None", LastRow: 9}, book.BadTable}, {book.GrowTable{Table: "Sales", LastRow: 3}, book.BadTable}, {book.GrowTable{Table: "Sales", LastRow: cell.MaxRows}, book.BadTable}} {
		_, err := r.store.Edit(t.Context(), f.ID, book.Edit{Ops: []book.Op{c.op}}, Commit{})
		if bookCode(err) != c.code {
			t.Errorf("%+v: %v", c.op, err)
		}
	}
	if _, err := r.store.Undo(t.Context(), f.ID, 2, Commit{}); err != nil {
		t.Fatal(err)
	}
	if got := r.table(f.ID); got != "A1:B3" {
		t.Errorf("after undoing all the table is %s", got)
	}
}

// Of two forks that append to one table the merged one has the longer. On a newer file with
// rows inserted above, the table ends with the rows that came along.
func TestTableMerges(t *testing.T) {
	r := newRig(t, Options{})
	r.put("t.xlsx", tableBook(t, 0, "note"))
	a, b := r.create("t.xlsx"), r.create("t.xlsx")
	r.edit(a.ID, appended(4, 4))
	r.edit(b.ID, appended(4, 6))
	theirs := book.TakeTheirs
	if m, err := r.store.Merge(t.Context(), a.ID, b.ID, MergeOptions{All: &theirs}); err != nil || !m.Done {
		t.Fatal(m, err)
	}
	if got := r.table(a.ID); got != "A1:B6" {
		t.Errorf("merged, the table is %s", got)
	}
	r.put("t.xlsx", tableBook(t, 2, "changed"))
	if m, err := r.store.Merge(t.Context(), a.ID, "t.xlsx", MergeOptions{}); err != nil || !m.Done {
		t.Fatal(m, err)
	}
	if got := r.table(a.ID); got != "A3:B8" {
		t.Errorf("on the newer file the table is %s", got)
	}
}

// The saved file has the table and its filter as they are now, and all else as it was.
func TestTableIsSaved(t *testing.T) {
	r := newRig(t, Options{})
	was := tableBook(t, 0, "note")
	r.put("t.xlsx", was)
	f := r.create("t.xlsx")
	r.edit(f.ID, appended(4, 5))
	if _, err := r.store.Save(t.Context(), f.ID, SaveOptions{Path: "out.xlsx"}); err != nil {
		t.Fatal(err)
	}
	is, err := os.ReadFile(filepath.Join(r.dir, "out.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	before, after := ziptest.Parts(t, was), ziptest.Parts(t, is)
	for name, text := range before {
		switch {
		case strings.Contains(name, "tables/"):
			want := strings.ReplaceAll(text, `ref="A1:B3"`, `ref="A1:B5"`)
			if after[name] != want || want == text {
				t.Errorf("%s is\n%s\nand was\n%s", name, after[name], text)
			}
		case strings.Contains(name, "worksheets/sheet"), strings.HasSuffix(name, "workbook.xml"), strings.Contains(name, "sharedStrings"):
		default:
			if after[name] != text {
				t.Errorf("%s has changed", name)
			}
		}
	}
	if again := r.create("out.xlsx"); r.table(again.ID) != "A1:B5" {
		t.Errorf("read again, the table is %s", r.table(again.ID))
	}
}
