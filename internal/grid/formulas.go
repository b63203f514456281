package grid

import (
	"iter"
	"sort"

	"gridflow/internal/cell"
)

// Formulas yields the formulas of one column between two rows, both included, from top
// to bottom, each with its row. It looks at nothing but the cells that have one, so that
// a column of values costs by its bands.
func (s *Sheet) Formulas(col, firstRow, lastRow int) iter.Seq2[int, Formula] {
	return func(yield func(int, Formula) bool) {
		firstRow, lastRow := max(firstRow, 0), min(lastRow, cell.MaxRows-1)
		// The patches of the column, by their numbers: there are few in a sheet.
		var over []int
		for i := s.patchesFrom(firstRow * cell.MaxCols); i < len(s.over) && int(s.over[i].row) <= lastRow; i++ {
			if int(s.over[i].col) == col {
				over = append(over, i)
			}
		}
		var list []formulaRecord
		if s.formulas != nil {
			list = s.formulas.list
		}
		// above yields the formulas of the patches above a row.
		above := func(row int) bool {
			for ; len(over) > 0 && int(s.over[over[0]].row) < row; over = over[1:] {
				if c := s.patched(over[0]); c.HasFormula() && !yield(c.Ref.Row, s.Formula(c)) {
					return false
				}
			}
			return true
		}
		for n := firstRow >> bandShift; n < len(s.bands) && n<<bandShift <= lastRow; n++ {
			k := s.bands[n].chunk(col)
			if k == nil {
				continue
			}
			base := n << bandShift
			i := sort.Search(len(k.formulaRows), func(i int) bool { return base+int(k.formulaRows[i]) >= firstRow })
			for ; i < len(k.formulaRows); i++ {
				row := base + int(k.formulaRows[i])
				if row > lastRow {
					break
				}
				if len(over) > 0 {
					if !above(row) {
						return
					}
					if len(over) > 0 && int(s.over[over[0]].row) == row {
						continue // hidden by a patch, which comes before the next row
					}
				}
				f := Formula{Anchor: cell.Ref{Row: row, Col: col}}
				if id := k.formulas[i]; int(id) < len(list) && list[id].group < 0 {
					f.Text = s.formulas.texts.At(list[id].text)
				} else {
					f = s.Formula(Cell{Ref: f.Anchor, formula: int32(id)})
				}
				if !yield(row, f) {
					return
				}
			}
		}
		above(lastRow + 1)
	}
}
