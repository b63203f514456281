package book

import (
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
	for k := range cells {
		if strings.Contains(cells[k].Formula, "[") { // it may be a column of the table around it
			var err error
			if tables, err = d.next.Tables(d.ctx); d.ctx.Err() != nil {
				return nil, err
			}
			break // where they cannot be read, nothing can be said of them
		}
	}
	copies := make(map[int]*copied)
	return func(c *CellEdit) stored {
		if !c.HasFormula {
			return stored{}
		}
		if tables == nil && c.Array == ArrayAsTyped { // what stands in a table depends on the row
			k := copies[c.Ref.Col]
			if k == nil {
				k = &copied{}
				copies[c.Ref.Col] = k
			}
			if k.of(c) {
				return stored{c.Formula, k.spills}
			}
			text, err := formula.StoredIn(c.Formula, "")
			if err != nil {
				return stored{text: c.Formula}
			}
			is := stored{text, d.spills(text, sheet, c.Ref, nil)}
			k.note(c, is)
			return is
		}
		table := ""
		for i := range tables {
			if t := &tables[i]; t.Sheet == sheet && t.Range.Contains(c.Ref) {
				table = t.Name
			}
		}
		text, err := formula.StoredIn(c.Formula, table)
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

// copied knows the formula that a column was given last, so that the ones that are filled down need not
// be parsed: what becomes of a copy with the same literals is what became of the first.
type copied struct {
	met     bool             // a formula
	pattern *formula.Pattern // of it, from the second on: a formula that comes once needs none
	spills  bool
}

// of reports whether a formula is stored as it is typed, and spills as the one does that was noted.
func (k *copied) of(c *CellEdit) bool {
	if k.pattern == nil {
		return false
	}
	var l formula.Literals
	same, ok := k.pattern.Match(c.Formula, c.Ref.Row, &l)
	return ok && same
}

// note notes what became of a formula that was no copy.
func (k *copied) note(c *CellEdit, is stored) {
	k.pattern, k.spills = nil, is.spills
	if k.met && is.text == c.Formula {
		k.pattern, _ = formula.NewPattern(c.Formula, c.Ref) // none where it has no relative form
	}
	k.met = true
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
