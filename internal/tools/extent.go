package tools

import (
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// extent is how far a sheet reaches, as far as that is known. A sheet that is read from
// the top, and not whole, has its file's word for it, which may be missing or wrong.
type extent struct {
	used cell.Range
	any  bool
	sure string // what stands before a number of rows: "", "about " or "at least "
}

// exact reports whether the extent was counted, and not only said.
func (e extent) exact() bool { return e.sure == "" }

// vague reports whether the file says nothing of it, or something that cannot be: then
// used is what is loaded, and more may follow below it and beside it.
func (e extent) vague() bool { return e.sure == "at least " }

// extentOf judges what the file says by the cells that are loaded: these must reach from
// the first column to the last that it says, and it must not end among them.
func extentOf(sheet *grid.Sheet) extent {
	used, any := sheet.Used()
	if sheet.Complete() || sheet.FirstLoadedRow() > 0 { // a page comes with what the index knows
		return extent{used, any, ""}
	}
	loaded := sheet.LoadedRows()
	cols := sheet.OccupiedCols(0, loaded-1)
	top := firstOccupied(sheet, 0, loaded-1)
	if len(cols) == 0 || top < 0 {
		return extent{cell.Range{}, false, "at least "}
	}
	if cols[0] == used.First.Col && cols[len(cols)-1] == used.Last.Col && used.Last.Row >= loaded && used.Last.Row < cell.MaxRows-1 {
		return extent{used, true, "about "}
	}
	bottom := top
	for row := range sheet.OccupiedRows(max(loaded-grid.BandRows, 0), loaded-1) {
		bottom = max(bottom, row)
	}
	return extent{cell.Range{First: cell.Ref{Row: top, Col: cols[0]}, Last: cell.Ref{Row: bottom, Col: cols[len(cols)-1]}}, true, "at least "}
}
