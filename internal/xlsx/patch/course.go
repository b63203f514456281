package patch

import (
	"errors"
	"slices"
	"sort"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
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
	if !c.left(own, anchor) {
		if shifted, err := formula.ShiftText(text, anchor, c.survivor(own, ranges)); err == nil {
			text = shifted
		}
	}
	out, _ := c.formula(text, own)
	return out
}

// survivor gives the first cell of ranges that is left; their first one where none is.
func (c *course) survivor(own string, ranges []cell.Range) cell.Ref {
	for _, r := range ranges {
		if _, ok := c.block(); ok {
			// Cells that leave are a rectangle: what is left of the first row or column begins behind it.
			for _, x := range [...]cell.Ref{{Row: r.First.Row, Col: c.behind(own, r, false)}, {Row: c.behind(own, r, true), Col: r.First.Col}} {
				if r.Contains(x) && c.left(own, x) {
					return x
				}
			}
			continue
		}
		if after, ok := c.area(own, r); ok {
			// A range that begins further down comes to begin where r does, as long as the lines that it leaves out are such as go.
			rows := sort.Search(r.Rows(), func(n int) bool {
				part := r
				part.First.Row += n
				to, ok := c.area(own, part)
				return !ok || to.First.Row > after.First.Row
			})
			cols := sort.Search(r.Cols(), func(n int) bool {
				part := r
				part.First.Col += n
				to, ok := c.area(own, part)
				return !ok || to.First.Col > after.First.Col
			})
			x := cell.Ref{Row: r.First.Row + max(rows-1, 0), Col: r.First.Col + max(cols-1, 0)}
			// Before it there may be lines that came.
			for n := 0; n < 1000 && !c.left(own, x) && x.Row < r.Last.Row; n++ {
				x.Row++
			}
			for n := 0; n < 1000 && !c.left(own, x) && x.Col < r.Last.Col; n++ {
				x.Col++
			}
			if c.left(own, x) {
				return x
			}
		}
	}
	return ranges[0].First
}

// behind gives the row or column behind the cells that leave.
func (c *course) behind(own string, r cell.Range, rows bool) int {
	change, _ := c.block()
	hole := change.Range
	if !strings.EqualFold(own, change.Sheet) || !hole.Contains(r.First) {
		hole = change.Destination()
	}
	if rows {
		return hole.Last.Row + 1
	}
	return hole.Last.Col + 1
}

// left reports whether a cell is still on its sheet.
func (c *course) left(own string, x cell.Ref) bool {
	sheet, _, ok := c.locate(own, x)
	name, _ := c.sheet(own)
	return ok && strings.EqualFold(sheet, name)
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
