package book

import (
	"slices"
	"strings"

	"gridflow/internal/calc"
	"gridflow/internal/calc/eval"
	"gridflow/internal/cell"
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
func (d *draft) storedForms(sheet int, cells []CellEdit) (func(c *CellEdit) stored, error) {
	var tables []grid.Table
	formulas, bracket := false, false
	for k := range cells {
		formulas = formulas || cells[k].HasFormula
		bracket = bracket || strings.Contains(cells[k].Formula, "[") // it may be a column of the table around it
	}
	if formulas {
		var err error
		if tables, err = d.next.Tables(d.ctx); d.ctx.Err() != nil {
			return nil, err
		} // where they cannot be read, nothing can be said of them
	}
	var copies formula.Copies[bool] // of formulas that are stored as they are typed: whether they spill
	names := d.next.Workbook().Names
	defined := func(name string) bool {
		return slices.ContainsFunc(names, func(n grid.Name) bool { return FoldName(n.Name) == FoldName(name) }) ||
			slices.ContainsFunc(tables, func(t grid.Table) bool { return FoldName(t.Name) == FoldName(name) })
	}
	return func(c *CellEdit) stored {
		if !c.HasFormula {
			return stored{}
		}
		if !bracket && c.Array == ArrayAsTyped { // what stands in a table depends on the row
			if spills, ok := copies.Of(c.Formula, c.Ref); ok {
				return stored{c.Formula, spills}
			}
			text, err := formula.Scope{Defined: defined}.Stored(c.Formula)
			if err != nil {
				return stored{text: c.Formula}
			}
			is := stored{text, d.spills(text, sheet, c.Ref, tables)}
			if text == c.Formula {
				copies.Note(text, c.Ref, is.spills)
			} else {
				copies.Forget(c.Ref.Col)
			}
			return is
		}
		table := ""
		for i := range tables {
			if t := &tables[i]; t.Sheet == sheet && t.Range.Contains(c.Ref) {
				table = t.Name
			}
		}
		text, err := formula.Scope{Table: table, Defined: defined}.Stored(c.Formula)
		if err != nil {
			return stored{text: c.Formula}
		}
		if c.Array != ArrayAsTyped {
			d.next.decided = true
			return stored{text, c.Array == ArrayAlways}
		}
		return stored{text, d.spills(text, sheet, c.Ref, tables)}
	}, nil
}

// stored is a formula as a sheet keeps it.
type stored struct {
	text   string
	spills bool // it is a dynamic array
}

// spills reports whether a formula that is typed becomes a dynamic array, as in Excel: it gives
// something else where arrays are not cut down to one value.
func (d *draft) spills(text string, sheet int, at cell.Ref, tables []grid.Table) bool {
	tree, err := formula.Parse(text)
	if err != nil {
		return false
	}
	if tree.Spills() {
		return true
	}
	if d.scope == nil {
		book := d.next.Workbook()
		d.scope = calc.Scope(calc.Input{Book: book, Sheets: make([]*grid.Sheet, len(book.Sheets)), Tables: tables})
	}
	return eval.Compile(d.scope, tree, sheet, at).Ranged
}
