package patch

import (
	"errors"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/structure"
	"gridflow/internal/xlsx"
)

// course is a run of structure changes that is applied in one pass: what becomes of names, cells, ranges and formulas by all
// of them, one after the other.
type course struct {
	steps   []*structure.Rewriter
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
func (c *course) formula(text, own string) (string, bool) {
	changed := false
	for _, r := range c.steps {
		out, yes := r.Formula(text, own)
		text, changed = out, changed || yes
		if name, ok := r.Sheet(own); ok {
			own = name
		}
	}
	return text, changed
}

// formulaAt gives what becomes of the formula of a cell.
func (c *course) formulaAt(text, own string, at cell.Ref) (string, bool) {
	changed := false
	for _, r := range c.steps {
		out, yes := r.FormulaAt(text, own, at)
		text, changed = out, changed || yes
		var ok bool
		if own, at, ok = r.Locate(own, at); !ok {
			break
		}
	}
	return text, changed
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
	for _, r := range c.steps {
		var ok bool
		if x, ok = r.Range(sheet, x); !ok {
			return cell.Range{}, false
		}
		if sheet, ok = r.Sheet(sheet); !ok {
			return cell.Range{}, false
		}
	}
	return x, true
}

// cover gives where the cells of a range are afterwards, as far as they stay on their sheet.
func (c *course) cover(sheet string, x cell.Range) []cell.Range {
	list := []cell.Range{x}
	for _, r := range c.steps {
		name, ok := r.Sheet(sheet)
		if !ok {
			return nil
		}
		var next []cell.Range
		for _, x := range list {
			for _, a := range r.Cover(sheet, x) {
				if strings.EqualFold(a.Sheet, name) {
					next = append(next, a.Range)
				}
			}
		}
		sheet, list = name, next
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
// validations do: as it reads in the first cell that is left. It is written for the first cell of the first range.
func (c *course) relative(text, own string, ranges []cell.Range) string {
	if len(ranges) == 0 {
		out, _ := c.formula(text, own)
		return out
	}
	anchor := ranges[0].First
	at := anchor
	if _, _, ok := c.locate(own, anchor); !ok {
		at = c.survivor(own, ranges)
		if shifted, err := formula.ShiftText(text, anchor, at); err == nil {
			text = shifted
		}
	}
	out, _ := c.formulaAt(text, own, at)
	return out
}

// survivor gives the first cell of ranges that is left; their first one where none is.
func (c *course) survivor(own string, ranges []cell.Range) cell.Ref {
	for _, r := range ranges {
		for row := r.First.Row; row <= r.Last.Row; row++ {
			if x := (cell.Ref{Row: row, Col: r.First.Col}); c.left(own, x) {
				return x
			}
		}
		for col := r.First.Col; col <= r.Last.Col; col++ {
			if x := (cell.Ref{Row: r.First.Row, Col: col}); c.left(own, x) {
				return x
			}
		}
	}
	return ranges[0].First
}

func (c *course) left(own string, x cell.Ref) bool {
	_, _, ok := c.locate(own, x)
	return ok
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
