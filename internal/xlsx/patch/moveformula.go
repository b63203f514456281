package patch

import (
	"slices"
	"strconv"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/structure"
	"gridflow/internal/xlsx/emit"
	"gridflow/internal/xlsx/scan"
)

// sharedGroup is a shared formula: what the file says of it, and what becomes of it.
type sharedGroup struct {
	si     int
	text   string // of the formula at anchor
	anchor cell.Ref
	area   cell.Range

	same    bool // it stays as it is
	pieces  []structure.Piece
	numbers []int // by piece: its number, -1 as long as none of its cells has come
	last    int   // the piece of the last cell
}

// formulaCell writes a cell that has a formula, or lets it go.
func (f *sheetFilter) formulaCell(xml []byte, r, to cell.Ref, left bool) error {
	e := scan.ParseCell(xml, f.prefix)
	if !e.HasFormula {
		return &scan.Error{Offset: f.at, Message: "cell " + r.String() + " is not valid XML, as it must be to be changed"}
	}
	with, err := f.element(xml, &e, r, to, left)
	if err != nil {
		return err
	}
	if !left {
		return f.change(xml, nil)
	}
	tag := xml[:e.TagEnd]
	if f.moves {
		tag = withAttribute(tag, "r", to.String())
	}
	if with == nil && !f.moves {
		return f.keep(xml)
	}
	if with == nil {
		with = xml[e.F[0]:e.F[1]]
	}
	return f.change(xml, slices.Concat(tag, xml[e.TagEnd:e.F[0]], with, xml[e.F[1]:]))
}

// element gives what becomes of the formula element of a cell, nil where it stays. It looks at formulas of cells that go,
// too: others may share them.
func (f *sheetFilter) element(xml []byte, e *scan.CellXML, r, to cell.Ref, left bool) ([]byte, error) {
	tag := xml[e.F[0]:e.FTag]
	text := e.FormulaText()
	f.numbers = max(f.numbers, e.SI+1)
	switch {
	case e.Kind == "shared" && text == "" && e.SI >= 0:
		if !left || f.collects {
			return nil, nil
		}
		switch g := f.groups[e.SI]; {
		case g != nil:
			return f.member(g, xml, e, r, to)
		case f.stream == nil:
			return nil, nil
		}
		return []byte{}, nil // it comes before its master, or has none, and so is a value; its number may be another's now
	case e.Kind == "shared" && e.HasRef && e.SI >= 0 && text != "":
		g, err := f.group(e, tag, text, r)
		if err != nil || !left || f.collects {
			return nil, err
		}
		return f.member(g, xml, e, r, to)
	case !left || f.collects:
		return nil, nil
	case e.Kind == "shared" && f.stream != nil: // shared with nobody, under a number that may be another's now
		text, _ = f.c.formulaAt(text, f.own, r)
		return f.textElement(alone(tag), text), nil
	}
	out, changed := f.c.formulaAt(text, f.own, r)
	with := tag
	if f.moves && (e.Kind == "array" || e.Kind == "dataTable") {
		with = f.filled(tag, xml[:e.TagEnd], e.Kind, r, to)
	}
	if !changed {
		if len(with) == len(tag) && string(with) == string(tag) {
			return nil, nil
		}
		return slices.Concat(with, xml[e.FTag:e.F[1]]), nil
	}
	return f.textElement(with, out), nil
}

// textElement gives a formula element with a text.
func (f *sheetFilter) textElement(tag []byte, text string) []byte {
	out := slices.Clone(tag)
	if n := len(out); out[n-2] == '/' {
		out = append(out[:n-2], '>')
	}
	out = emit.AppendText(out, text)
	return append(out, "</"+f.prefix+"f>"...)
}

// filled rewrites what the element of an array formula or what-if table says of the cells that it fills and reads.
func (f *sheetFilter) filled(tag, cellTag []byte, kind string, r, to cell.Ref) []byte {
	if area, ok := cell.ParseRange(string(attribute(tag, "ref"))); ok {
		after, ok := f.c.area(f.own, area)
		if !ok || kind == "array" && attribute(cellTag, "cm") != nil {
			// A dynamic array fills as much as before, from where its formula is.
			after = cell.Range{First: to, Last: cell.Ref{Row: min(to.Row+area.Rows(), cell.MaxRows) - 1, Col: min(to.Col+area.Cols(), cell.MaxCols) - 1}}
		}
		if after != area {
			tag = withAttribute(tag, "ref", corners(after))
		}
	}
	for _, input := range [...][2]string{{"r1", "del1"}, {"r2", "del2"}} {
		at, ok := cell.ParseRef(string(attribute(tag, input[0])))
		if !ok || kind != "dataTable" {
			continue
		}
		if _, now, ok := f.c.locate(f.own, at); !ok {
			tag = withAttribute(tag, input[1], "1")
		} else if now != at {
			tag = withAttribute(tag, input[0], now.String())
		}
	}
	return tag
}

// group notes a shared formula where it is defined.
func (f *sheetFilter) group(e *scan.CellXML, tag []byte, text string, r cell.Ref) (*sharedGroup, error) {
	area, ok := cell.ParseRange(string(attribute(tag, "ref")))
	if !ok {
		area = cell.Range{First: r, Last: r}
	}
	g := &sharedGroup{si: e.SI, text: text, anchor: r, area: area}
	f.groups[e.SI] = g
	if f.collects {
		return g, nil
	}
	f.prepare(g)
	if f.stream == nil && len(g.pieces) > 1 && !f.counted {
		return nil, errNumbers
	}
	return g, nil
}

// prepare finds out what becomes of a shared formula.
func (f *sheetFilter) prepare(g *sharedGroup) {
	g.pieces = f.c.shared(g.text, f.own, g.anchor, g.area)
	g.numbers = slices.Repeat([]int{-1}, len(g.pieces))
	if len(g.pieces) == 1 && (!f.moves || f.block) {
		p := &g.pieces[0]
		back, err := formula.ShiftText(p.Text, p.Area.First, g.anchor)
		g.same = err == nil && back == g.text && p.Area == g.area && g.area.Contains(g.anchor)
	}
}

// member gives the formula element of a cell that shares a formula: the first one of a piece defines it, the others name it.
func (f *sheetFilter) member(g *sharedGroup, xml []byte, e *scan.CellXML, r, to cell.Ref) ([]byte, error) {
	if g.same && f.stream == nil {
		if g.area.Contains(to) {
			return nil, nil
		}
		if text, err := formula.ShiftText(g.text, g.anchor, r); err == nil {
			if _, changed := f.c.formulaAt(text, f.own, r); !changed {
				return nil, nil // it is outside of the area that the file says to be that of the formula
			}
		}
	}
	tag := xml[e.F[0]:e.FTag]
	i := g.last // most cells are in the piece of the one before, or the next one
	for ; i < min(len(g.pieces), g.last+2) && !g.pieces[i].Area.Contains(to); i++ {
	}
	if i == min(len(g.pieces), g.last+2) {
		i = slices.IndexFunc(g.pieces, func(p structure.Piece) bool { return p.Area.Contains(to) })
	}
	if i < 0 || g.pieces[i].Area.First == g.pieces[i].Area.Last || f.block && f.moves && !g.same {
		// It is outside of what the formula says to be its area, or alone, or cells move.
		return f.textElement(alone(tag), f.unshared(g.text, g.anchor, r)), nil
	}
	g.last = i
	p := &g.pieces[i]
	if n := g.numbers[i]; n >= 0 {
		tag = withoutAttribute(withAttribute(tag, "si", strconv.Itoa(n)), "ref")
		if tag[len(tag)-2] != '/' {
			tag = append(slices.Clone(tag[:len(tag)-1]), "/>"...)
		}
		return tag, nil
	}
	g.numbers[i] = f.number(g)
	text, err := formula.ShiftText(p.Text, p.Area.First, to)
	if err != nil {
		text = p.Text
	}
	tag = withAttribute(withAttribute(tag, "ref", corners(p.Area)), "si", strconv.Itoa(g.numbers[i]))
	return f.textElement(tag, text), nil
}

// alone gives the tag of a formula that is shared no more.
func alone(tag []byte) []byte {
	for _, name := range [...]string{"t", "ref", "si"} {
		tag = withoutAttribute(tag, name)
	}
	return tag
}

// number gives a piece its number. In a new stream all are numbered anew; else the first piece keeps the one that it had, and
// the others get such as are free.
func (f *sheetFilter) number(g *sharedGroup) int {
	if f.stream == nil {
		if !slices.ContainsFunc(g.numbers, func(n int) bool { return n >= 0 }) {
			return g.si
		}
		f.numbers++
		return f.numbers - 1
	}
	f.fresh++
	return f.fresh - 1
}
