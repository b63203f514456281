package patch

import (
	"errors"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/structure"
	"gridflow/internal/xlsx"
)

// course is a run of structure changes that is applied in one pass: what becomes of names, cells, ranges and formulas by all
// of them, one after the other.
type course struct {
	steps   structure.Chain
	before  []string // the sheets, by name
	after   []string
	origin  []int // by sheet afterwards: which it was, -1 for a new one
	cells   bool  // it moves cells
	columns bool  // it moves columns
}

// sheet gives a sheet's name afterwards; false if it is gone.
func (c *course) sheet(name string) (string, bool) {
	for _, r := range c.steps {
		var ok bool
		if name, ok = r.Sheet(name); !ok {
			return "", false
		}
	}
	return name, true
}

// moves reports whether cells of a sheet are at other places afterwards.
func (c *course) moves(name string) bool {
	for _, r := range c.steps {
		if _, _, lines := r.Change().Lines(); (lines || r.Change().Kind == structure.MoveCells) && r.Concerns(name) {
			return true
		}
		var ok bool
		if name, ok = r.Sheet(name); !ok {
			return false
		}
	}
	return false
}

// formula gives what becomes of a formula, as structure.Rewriter.Formula does.
func (c *course) formula(text, own string) (string, bool) { return c.steps.Formula(text, own) }

// formulaAt gives what becomes of the formula of a cell.
func (c *course) formulaAt(text, own string, at cell.Ref) (string, bool) {
	if _, ok := c.block(); ok {
		return c.steps[0].FormulaAt(text, own, at)
	}
	return c.steps.Formula(text, own)
}

// locate gives where a cell is afterwards.
func (c *course) locate(sheet string, x cell.Ref) (string, cell.Ref, bool) {
	for _, r := range c.steps {
		var ok bool
		if sheet, x, ok = r.Locate(sheet, x); !ok {
			return "", cell.Ref{}, false
		}
	}
	return sheet, x, true
}

// area gives what a reference to a range covers afterwards.
func (c *course) area(sheet string, x cell.Range) (cell.Range, bool) {
	return c.follow(sheet, x, (*structure.Rewriter).Range)
}

// placed gives where something is afterwards that lies on a range and stays on its sheet: see structure.Rewriter.Place.
func (c *course) placed(sheet string, x cell.Range) (cell.Range, bool) {
	return c.follow(sheet, x, (*structure.Rewriter).Place)
}

func (c *course) follow(sheet string, x cell.Range, by func(*structure.Rewriter, string, cell.Range) (cell.Range, bool)) (cell.Range, bool) {
	for _, r := range c.steps {
		var ok bool
		if x, ok = by(r, sheet, x); !ok {
			return cell.Range{}, false
		}
		if sheet, ok = r.Sheet(sheet); !ok {
			return cell.Range{}, false
		}
	}
	return x, true
}

// filterColumn gives which column of a filter one is afterwards: see structure.Rewriter.FilterColumn.
func (c *course) filterColumn(sheet string, area cell.Range, column int) (int, bool) {
	_, ok := c.follow(sheet, area, func(r *structure.Rewriter, sheet string, area cell.Range) (_ cell.Range, ok bool) {
		if column, ok = r.FilterColumn(sheet, area, column); !ok {
			return cell.Range{}, false
		}
		return r.Place(sheet, area)
	})
	return column, ok
}

// cover gives where the cells of a range are afterwards, as far as they stay on their sheet.
func (c *course) cover(sheet string, x cell.Range) []cell.Range {
	list := []cell.Range{x}
	for _, r := range c.steps {
		name, ok := r.Sheet(sheet)
		if !ok {
			return nil
		}
		list = r.Covered(sheet, list, name)
		sheet = name
	}
	return list
}

// shared gives what becomes of a shared formula.
func (c *course) shared(text, own string, anchor cell.Ref, area cell.Range) []structure.Piece {
	pieces := []structure.Piece{{Sheet: own, Area: area, Text: text}}
	for i, r := range c.steps {
		var next []structure.Piece
		for _, p := range pieces {
			if i > 0 {
				anchor = p.Area.First
			}
			next = append(next, r.Shared(p.Text, p.Sheet, anchor, p.Area)...)
		}
		pieces = next
	}
	return pieces
}

// relative gives what becomes of a formula that the cells of some ranges have in common, as conditional formats and
// validations do: see structure.Rewriter.Relative.
func (c *course) relative(text, own string, ranges []cell.Range) string {
	for _, r := range c.steps {
		name, ok := r.Sheet(own)
		if !ok {
			break
		}
		text = r.Relative(text, own, ranges, name)
		own, ranges = name, r.Covered(own, ranges, name)
	}
	return text
}

// renames reports whether all that it does is to rename sheets.
func (c *course) renames() bool {
	return !slices.ContainsFunc(c.steps, func(r *structure.Rewriter) bool { return r.Change().Kind != structure.RenameSheet })
}

// refused gives the error of a change that is refused its type.
func refused(err error) error {
	var e *structure.Error
	if !errors.As(err, &e) {
		return err
	}
	code := xlsx.InvalidEdit
	if e.Reason == structure.ArrayPart {
		code = xlsx.ArrayPart
	}
	return xlsx.Refused(code, "", err, e.Hint)
}
