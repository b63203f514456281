package patch

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/structure"
	"gridflow/internal/xlsx/scan"
)

// Cells that move (structure.MoveCells) may go up in a sheet, or to another one, and so the sheet that they leave is gone through
// twice: once to pick them up, with the formulas that they share, and then to write it without them. Shared formulas that do not
// stay as they are become formulas of their own.

// carriedCell is a cell on its way.
type carriedCell struct {
	col int
	xml []byte
}

// block gives the movement of cells that the course is, if it is one.
func (c *course) block() (structure.Change, bool) {
	if len(c.steps) != 1 || c.steps[0].Change().Kind != structure.MoveCells {
		return structure.Change{}, false
	}
	return c.steps[0].Change(), true
}

// pickUp collects the cells that move, by the rows that they go to.
func (s *saver) pickUp(c *course) error {
	change, ok := c.block()
	if !ok {
		return nil
	}
	i := slices.IndexFunc(c.before, func(n string) bool { return strings.EqualFold(n, change.Sheet) })
	part, stream, _, err := s.f.SheetStream(i)
	if err != nil {
		return err
	}
	f := newSheetFilter(c, c.before[i])
	f.collects = true
	if err := s.walk(part, stream, f); err != nil {
		return s.failed(part, err)
	}
	s.pickedUp, s.carried = f, map[int][]carriedCell{}
	f.known = f.groups
	for _, p := range f.picked {
		xml, err := f.carry(p.xml, p.at)
		if err != nil {
			return s.failed(part, err)
		}
		_, to, _ := c.locate(c.before[i], p.at)
		s.carried[to.Row] = append(s.carried[to.Row], carriedCell{to.Col, xml})
	}
	for _, list := range s.carried {
		slices.SortStableFunc(list, func(a, b carriedCell) int { return a.col - b.col })
	}
	f.picked = nil
	return nil
}

// pickedCell is a cell that is going to move, as the file has it.
type pickedCell struct {
	at  cell.Ref
	xml []byte
}

// carry gives a cell as it is where it goes.
func (f *sheetFilter) carry(xml []byte, r cell.Ref) ([]byte, error) {
	_, to, _ := f.c.locate(f.own, r)
	e := scan.ParseCell(xml, f.prefix)
	if e.TagEnd == 0 {
		return nil, &scan.Error{Message: "cell " + r.String() + " is not valid XML, as it must be to be moved"}
	}
	tag := withAttribute(xml[:e.TagEnd], "r", to.String())
	if !e.HasFormula {
		return slices.Concat(tag, xml[e.TagEnd:]), nil
	}
	with := xml[e.F[0]:e.F[1]]
	switch {
	case e.Kind == "shared":
		text, anchor := e.FormulaText(), r
		if g := f.known[e.SI]; text == "" && g != nil {
			text, anchor = g.text, g.anchor
		}
		if with = nil; text != "" { // else its master is missing, and it is a value
			with = f.textElement(alone(xml[e.F[0]:e.FTag]), f.own1(text, anchor, r))
		}
	default:
		fTag := f.filled(xml[e.F[0]:e.FTag], xml[:e.TagEnd], e.Kind, r, to)
		with = slices.Concat(fTag, xml[e.FTag:e.F[1]])
		if out, changed := f.c.formulaAt(e.FormulaText(), f.own, r); changed {
			with = f.textElement(fTag, out)
		}
	}
	return slices.Concat(tag, xml[e.TagEnd:e.F[0]], with, xml[e.F[1]:]), nil
}

// own1 gives the formula that a cell has for itself, of one that it shared, afterwards.
func (f *sheetFilter) own1(text string, anchor, r cell.Ref) string {
	if shifted, err := formula.ShiftText(text, anchor, r); err == nil {
		text = shifted
	}
	text, _ = f.c.formulaAt(text, f.own, r)
	return text
}

// receives gives the filter of a sheet the cells that come to it.
func (f *sheetFilter) receives(s *saver) {
	change, ok := f.c.block()
	if !ok {
		return
	}
	if f.leaves {
		f.know(s.pickedUp)
	}
	if strings.EqualFold(f.own, change.Target()) {
		f.carries, f.carried = true, s.carried
		for row := range s.carried {
			f.rows = append(f.rows, row)
		}
		slices.Sort(f.rows)
	}
}

// missing writes the rows above a row that the sheet does not have and cells go to.
func (f *sheetFilter) missing(row int) error {
	for len(f.rows) > 0 && f.rows[0] < row {
		if err := f.put(f.newRow(f.rows[0])); err != nil {
			return err
		}
		f.rows = f.rows[1:]
	}
	return nil
}

// newRow gives a row of cells that came.
func (f *sheetFilter) newRow(row int) []byte {
	xml := append([]byte("<"+f.prefix+`row r="`), strconv.Itoa(row+1)...)
	xml = append(xml, `">`...)
	for _, c := range f.carried[row] {
		xml = append(xml, c.xml...)
	}
	return append(xml, "</"+f.prefix+"row>"...)
}

// arrivals writes the cells that go to the current row before a column.
func (f *sheetFilter) arrivals(col int) error {
	for len(f.pending) > 0 && f.pending[0].col < col {
		if err := f.put(f.pending[0].xml); err != nil {
			return err
		}
		f.pending = f.pending[1:]
	}
	return nil
}

// put writes what was not there.
func (f *sheetFilter) put(b []byte) error { return f.change(nil, b) }

// opened gives the tag of an empty element without its end.
func opened(tag []byte) []byte {
	return append(bytes.TrimRight(slices.Clone(tag[:len(tag)-2]), " \t\r\n"), '>')
}
