package forks

import (
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/structure"
)

// TestLastFormulaGoes: when the last formula of all is cleared there is nothing to calculate, and when another one comes later
// what was cleared is calculated no more.
func TestLastFormulaGoes(t *testing.T) {
	r := newRig(t, Options{})
	id := r.create("b.xlsx").ID
	set := func(sheet, a1 string, e book.CellEdit) {
		t.Helper()
		e.Ref, _ = cell.ParseRef(a1)
		r.edit(id, book.Edit{Ops: []book.Op{book.SetCells{Sheet: sheet, Cells: []book.CellEdit{e}}}})
	}
	set("Data", "A1", book.CellEdit{Value: cell.NumberValue(1)}) // so that the formulas are compiled
	r.edit(id, book.Edit{Ops: []book.Op{book.Restructure{Change: structure.Change{Kind: structure.DeleteColumns, Sheet: "Data", At: 2, Count: 1}}}})
	set("Data", "A5", book.CellEdit{Value: cell.NumberValue(1)})
	set("Sums", "A1", book.CellEdit{Clear: true})
	set("Data", "A2", book.CellEdit{HasFormula: true, Formula: "A3*2"})
	for key, want := range map[string]cell.Value{"Sums!A1": {}, "Data!A2": cell.NumberValue(46)} {
		if got := r.read(id)[key].value; got != want {
			t.Errorf("%s is %v, want %v", key, got, want)
		}
	}
}
