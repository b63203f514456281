package forks

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// besides gives all of a workbook that edits can change besides its cells, and the values of those.
func besides(s *book.Snapshot) (string, error) {
	var b strings.Builder
	wb := s.Workbook()
	say := func(what any) error {
		text, err := json.Marshal(what)
		b.Write(append(text, '\n'))
		return err
	}
	if err := say(append([]grid.Name{}, wb.Names...)); err != nil {
		return "", err
	}
	for i, info := range wb.Sheets {
		sheet, err := s.Sheet(context.Background(), i)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(&b, info.Name, info.Visibility)
		if err := say(sheet.Layout); err != nil {
			return "", err
		}
		for c := range sheet.Cells(cell.WholeSheet) {
			if c.Ref.Col >= 6 { // where this test has formulas
				fmt.Fprint(&b, c.Ref, "=", c.Value, " ")
			}
		}
	}
	return b.String(), nil
}

// someArrangement draws an operation on what is no cell.
func someArrangement(t *rapid.T) book.Op {
	sheet := rapid.SampledFrom(sheetNames).Draw(t, "sheet")
	switch rapid.IntRange(0, 3).Draw(t, "what") {
	case 0, 1:
		n := book.NameEdit{Name: rapid.SampledFrom([]string{"One", "Two", "_three"}).Draw(t, "name")}
		if rapid.Bool().Draw(t, "of a sheet") {
			n.Sheet = sheet
		}
		if n.Delete = rapid.IntRange(0, 3).Draw(t, "delete") == 0; !n.Delete {
			n.RefersTo = rapid.SampledFrom([]string{"1", "Data!$A$1", "Data!$A$1:$A$3", "Two+1"}).Draw(t, "refers")
		}
		return book.EditNames{Names: []book.NameEdit{n}}
	case 2:
		list := []grid.ColumnSpan{{First: 1, Last: 2, Width: float64(rapid.IntRange(1, 9).Draw(t, "width")), Custom: true}}
		return book.Arrange{Sheet: sheet, Columns: &list}
	}
	return book.Arrange{Sheet: sheet, View: &grid.View{ZoomPercent: rapid.IntRange(10, 400).Draw(t, "zoom")}}
}

// TestBesidesCells: whatever is done to what is no cell, every version keeps what it had, after undoing and
// starting anew, in forks of it and in the file that is saved of it.
func TestBesidesCells(t *testing.T) {
	b := smallBook(t, 1)
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, Options{LiveMax: 1})
		defer r.close()
		r.put("a.xlsx", b)
		f := r.create("a.xlsx")
		r.edit(f.ID, set("Data", "G1", book.CellEdit{HasFormula: true, Formula: "One*10"}))
		r.edit(f.ID, set("Data", "G2", book.CellEdit{HasFormula: true, Formula: "SUM(Two)"}))
		look := func(id string) (text string) {
			view := r.store.View
			if !IsFork(id) {
				view = r.ws.View
			}
			if err := view(t.Context(), id, func(s *book.Snapshot) (err error) {
				text, err = besides(s)
				return err
			}); err != nil {
				rt.Fatal(err)
			}
			return text
		}
		versions := map[uint64]string{2: look(f.ID)}
		head := uint64(2)
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0:
				r.restart()
			case 1:
				if head > 2 {
					if res, err := r.store.Undo(t.Context(), f.ID, 1, Commit{}); err == nil {
						head = res.Version
					}
				}
			default:
				head = r.edit(f.ID, book.Edit{Ops: []book.Op{someArrangement(rt), someArrangement(rt)}}).Version
			}
			if was, ok := versions[head]; ok && was != look(f.ID) {
				rt.Fatalf("version %d is\n%s\nand was\n%s", head, look(f.ID), was)
			}
			versions[head] = look(f.ID)
		}
		child := r.create(f.ID)
		r.restart()
		for v, was := range versions {
			if is := look(fmt.Sprintf("%s@%d", f.ID, v)); is != was {
				rt.Fatalf("version %d is\n%s\nand was\n%s", v, is, was)
			}
		}
		if is := look(child.ID); is != versions[head] {
			rt.Fatalf("the fork of it is\n%s\nand not\n%s", is, versions[head])
		}
		if _, err := r.store.Save(t.Context(), f.ID, SaveOptions{Path: "out.xlsx", Overwrite: true}); err != nil {
			rt.Fatal(err)
		}
		if is := look("out.xlsx"); is != versions[head] {
			rt.Fatalf("the file has\n%s\nand not\n%s", is, versions[head])
		}
	})
}
