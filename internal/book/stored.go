package book

import (
	"strings"

	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// storedForms gives, for each cell edit of a sheet, the form in which the sheet is to keep its
// formula: the file's. The formulas that were loaded have it, and they are many where edits are
// few. So one that is typed as a loaded one is shown is equal to it, comparing sheets compares
// texts, and a save writes what is there.
//
// The Edit keeps what was typed. A text that is no formula stays what it is: what was accepted
// once has to be accepted when a journal is read again.
func (d *draft) storedForms(sheet int, cells []CellEdit) (func(c *CellEdit) string, error) {
	var tables []grid.Table
	for k := range cells {
		if strings.Contains(cells[k].Formula, "[") { // it may be a column of the table around it
			var err error
			if tables, err = d.next.Tables(d.ctx); d.ctx.Err() != nil {
				return nil, err
			}
			break // where they cannot be read, nothing can be said of them
		}
	}
	return func(c *CellEdit) string {
		if !c.HasFormula {
			return ""
		}
		table := ""
		for i := range tables {
			if t := &tables[i]; t.Sheet == sheet && t.Range.Contains(c.Ref) {
				table = t.Name
			}
		}
		text, err := formula.StoredIn(c.Formula, table)
		if err != nil {
			return c.Formula
		}
		return text
	}, nil
}
