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
	f.collects, f.qualify = true, s.f.Qualifier(i)
	if err := s.walk(part, stream, f); err != nil {
		return s.failed(part, err)
	}
	s.carried, s.carriedAs = f.carried, f.prefix
	for _, list := range s.carried {
		slices.SortStableFunc(list, func(a, b carriedCell) int { return a.col - b.col })
	}
	if strings.EqualFold(change.Sheet, change.Target()) {
		return nil
	}
	s.rules, err = s.pickRules(f, part, change)
	return err
}

// pick takes a cell along.
func (f *sheetFilter) pick(xml []byte, r cell.Ref) error {
	if f.carried == nil {
		f.carried = map[int][]carriedCell{}
	}
	with, err := f.carry(bytes.Clone(xml), r)
	if err != nil {
		return err
	}
	_, to, _ := f.c.locate(f.own, r)
	f.carried[to.Row] = append(f.carried[to.Row], carriedCell{to.Col, with})
	return nil
}

// carry gives a cell as it is where it goes.
func (f *sheetFilter) carry(xml []byte, r cell.Ref) ([]byte, error) {
	_, to, _ := f.c.locate(f.own, r)
	e := scan.ParseCell(xml, f.prefix)
	if e.TagEnd == 0 {
		return nil, &scan.Error{Message: "cell " + r.String() + " is not valid XML, as it must be to be moved"}
	}
	if change, _ := f.c.block(); len(e.Others) > 0 && !strings.EqualFold(change.Sheet, change.Target()) {
		// What their elements mean, the other sheet need not say.
		for i := len(e.Others) - 1; i >= 0; i-- {
			xml = slices.Delete(xml, e.Others[i][0], e.Others[i][1])
		}
		e = scan.ParseCell(xml, f.prefix)
	}
	tag := withAttribute(xml[:e.TagEnd], "r", to.String())
	if !e.HasFormula {
		return slices.Concat(tag, xml[e.TagEnd:]), nil
	}
	var with []byte
	switch {
	case e.Kind == "shared":
		text, anchor := e.FormulaText(), r
		if g := f.groups[e.SI]; text == "" && g != nil {
			text, anchor = g.text, g.anchor
		}
		if text != "" { // else its master is missing, and it is a value
			with = f.textElement(alone(xml[e.F[0]:e.FTag]), f.unshared(text, anchor, r))
		}
	default:
		fTag := f.filled(xml[e.F[0]:e.FTag], xml[:e.TagEnd], e.Kind, r, to)
		with = slices.Concat(fTag, xml[e.FTag:e.F[1]])
		text := f.named(e.FormulaText(), r)
		if out, changed := f.c.formulaAt(text, f.own, r); changed || text != e.FormulaText() {
			with = f.textElement(fTag, out)
		}
	}
	return slices.Concat(tag, xml[e.TagEnd:e.F[0]], with, xml[e.F[1]:]), nil
}

// named gives the formula of a cell that moves with the name of the table around the cell, where it
// means that one and does not say so.
func (f *sheetFilter) named(text string, r cell.Ref) string {
	if f.qualify == nil || strings.IndexByte(text, '[') < 0 {
		return text
	}
	return string(f.qualify([]byte(text), r))
}

// unshared gives the formula that a cell has for itself, of one that it shared, afterwards.
func (f *sheetFilter) unshared(text string, anchor, r cell.Ref) string {
	if shifted, err := formula.ShiftText(text, anchor, r); err == nil {
		text = shifted
	}
	text = f.named(text, r)
	text, _ = f.c.formulaAt(text, f.own, r)
	return text
}

// receives gives the filter of a sheet the cells that come to it.
func (f *sheetFilter) receives(s *saver) {
	change, ok := f.c.block()
	if !ok {
		return
	}
	if strings.EqualFold(f.own, change.Target()) {
		f.carries, f.carried, f.carriedAs = true, s.carried, s.carriedAs
		for row := range s.carried {
			f.rows = append(f.rows, row)
		}
		if !f.leaves {
			f.rules = s.rules
		}
		slices.Sort(f.rows)
	}
}

// adopt gives what came the prefix that elements have in this sheet, once that is known.
func (f *sheetFilter) adopt() {
	if f.carriedAs == f.prefix || !f.carries {
		return
	}
	cells := make(map[int][]carriedCell, len(f.carried))
	for row, list := range f.carried {
		for _, c := range list {
			cells[row] = append(cells[row], carriedCell{c.col, withPrefix(c.xml, f.carriedAs, f.prefix)})
		}
	}
	rules := slices.Clone(f.rules)
	for i := range rules {
		rules[i].xml = withPrefix(rules[i].xml, f.carriedAs, f.prefix)
	}
	f.carried, f.rules = cells, rules
}

// withPrefix gives XML whose elements with one prefix have another. Those with a third one are of other namespaces.
func withPrefix(xml []byte, from, to string) []byte {
	var out []byte
	at := 0
	for p := 0; p < len(xml); {
		i := bytes.IndexByte(xml[p:], '<')
		if i < 0 || p+i+1 >= len(xml) {
			break
		}
		p += i
		if c := xml[p+1]; c == '!' || c == '?' {
			if p = scan.SkipMarkup(xml, p); p < 0 {
				break
			}
			continue
		}
		name := p + 1
		if xml[name] == '/' {
			name++
		}
		rest := xml[name : name+max(scan.NameEnd(xml[name-1:])-1, 0)]
		if bytes.HasPrefix(rest, []byte(from)) && bytes.IndexByte(rest[len(from):], ':') < 0 {
			out = append(append(out, xml[at:name]...), to...)
			at = name + len(from)
		}
		if p = scan.TagEnd(xml, p); p < 0 {
			break
		}
	}
	return append(out, xml[at:]...)
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
