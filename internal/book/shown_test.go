package book

import (
	"testing"

	"gridflow/internal/grid"
)

// TestSheetInFront: which sheet is in front depends on what is shown, and not on the way to it: of a sheet
// that was hidden and is shown again nothing is left, in the version as in a fork of it.
func TestSheetInFront(t *testing.T) {
	s := storedSnapshot("wb", "rev", newBook(t, "A1=1", "A1=2", "A1=3"))
	shown := func(s *Snapshot, name string, v grid.Visibility) *Snapshot {
		t.Helper()
		n, _ := apply(t, s, Edit{Ops: []Op{ArrangeBook{Sheets: []SheetShown{{name, v}}}}})
		return n
	}
	hidden := shown(s, "Sheet1", grid.Hidden)
	if got := hidden.Workbook().ActiveSheet; got != 1 {
		t.Errorf("sheet %d is in front", got)
	}
	again := shown(shown(hidden, "Sheet2", grid.Hidden), "Sheet1", grid.Visible)
	if got := again.Workbook().ActiveSheet; got != 0 {
		t.Errorf("shown again, sheet %d is in front", got)
	}
	o, ok := BookBetween(s, again)
	if !ok {
		t.Fatal("nothing differs")
	}
	fork, _ := apply(t, s, Edit{Ops: []Op{o}})
	if got, want := fork.Workbook().ActiveSheet, again.Workbook().ActiveSheet; got != want {
		t.Errorf("in a fork of it sheet %d is in front, not %d", got, want)
	}
}
