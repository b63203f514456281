package grid

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/until"
)

// moveCells moves cells on n, whose formulas are those after the change and whose cells lie as in s before it. From
// is the sheet that they come from, if it is another; own is the name of s.
func (m *Mover) moveCells(ctx context.Context, n, s, from *Sheet, own string, t *renumbering) error {
	c := &m.change
	across := !strings.EqualFold(c.Sheet, c.Target())
	block, to := c.Range, c.Destination()
	var list []patch
	if strings.EqualFold(own, c.Sheet) {
		for x := range until.Done(ctx, s.Cells(block)) {
			if across || !to.Contains(x.Ref) {
				list = append(list, patch{row: uint32(x.Ref.Row), col: uint16(x.Ref.Col), formula: -1, removed: true})
			}
		}
	}
	var spills []spill
	if strings.EqualFold(own, c.Target()) {
		source := s
		if across {
			source = from
		}
		if source == nil {
			return fmt.Errorf("cells move to %s from a sheet that was not given", own)
		}
		dRow, dCol := c.To.Row-block.First.Row, c.To.Col-block.First.Col
		for x := range until.Done(ctx, source.Cells(block)) {
			at := cell.Ref{Row: x.Ref.Row + dRow, Col: x.Ref.Col + dCol}
			p := source.loose(x)
			switch {
			case across:
				p = m.foreign(source, x)
				if f := source.Formula(x); x.HasFormula() && f.Kind == DynamicArray {
					spills = append(spills, spill{at, m.filled(c.Sheet, DynamicArray, f.Range, at)})
				}
			case p.formula == wordsFormula:
				p.words = &words{p.words.text, p.words.formula}
				p.words.formula, _ = m.r.FormulaAt(p.words.formula, own, x.Ref)
			case p.formula >= 0:
				p.formula = int32(t.number(uint32(p.formula), at))
			}
			p.row, p.col = uint32(at.Row), uint16(at.Col)
			list = append(list, p)
		}
		for x := range until.Done(ctx, s.Cells(to)) {
			if _, ok := source.At(cell.Ref{Row: x.Ref.Row - dRow, Col: x.Ref.Col - dCol}); !ok { // nothing comes in its place
				list = append(list, patch{row: uint32(x.Ref.Row), col: uint16(x.Ref.Col), formula: -1, removed: true})
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	n.dissolved = m.movedRanges(s.dissolved, own)
	for _, x := range s.spills {
		if sheet, anchor, ok := m.r.Locate(own, x.anchor); ok && strings.EqualFold(sheet, own) {
			spills = append(spills, spill{anchor, m.filled(own, DynamicArray, x.fills, anchor)})
		}
	}
	slices.SortFunc(spills, func(a, b spill) int { return order(a.anchor) - order(b.anchor) })
	n.setSpills(spills)
	slices.SortFunc(list, func(a, b patch) int { return a.order() - b.order() })
	return n.lay(list)
}

// loose gives the cell x of s as a patch that points to no text of edits, which live only as long as the
// bands have them.
func (s *Sheet) loose(x Cell) patch {
	p, _ := s.stored(x.Ref)
	if i, ok := s.patchAt(x.Ref); ok {
		p = s.over[i]
	}
	own := int(p.formula) >= s.formulas.len()
	if p.words != nil || p.tag != tagOwn && !own {
		return p
	}
	w := &words{text: x.Value.Text()}
	if own {
		w.formula, p.formula = s.Formula(x).Text, wordsFormula
	}
	p.words = w
	return p
}

// foreign gives the cell x of a sheet as a patch for another one, to which it moves.
func (m *Mover) foreign(s *Sheet, x Cell) patch {
	p := patch{style: x.Style, formula: -1}
	if x.HasFormula() {
		f := s.Formula(x)
		text := f.Text
		if f.Kind == SharedFormula {
			if to, err := formula.ShiftText(text, f.Anchor, x.Ref); err == nil {
				text = to
			}
		}
		text, _ = m.r.FormulaAt(text, m.change.Sheet, x.Ref)
		p.formula, p.words = wordsFormula, &words{formula: text}
	}
	p.setValue(x.Value)
	return p
}

// lay puts patches, by row and column, over the cells of s, which is not yet handed out.
func (s *Sheet) lay(list []patch) error {
	old, count := s.over, *s
	s.over = make([]patch, 0, len(old)+len(list))
	for _, p := range list {
		for len(old) > 0 && old[0].order() < p.order() {
			s.over, old = append(s.over, old[0]), old[1:]
		}
		was, inBands := count.stored(p.ref())
		if len(old) > 0 && old[0].order() == p.order() {
			was, old = old[0], old[1:]
		}
		s.count(was, !was.removed, p)
		if !p.removed || inBands {
			s.over = append(s.over, p)
		}
	}
	s.over = append(s.over, old...)
	if len(s.over) > overMax {
		if err := s.fold(); err != nil {
			return err
		}
	}
	if len(s.over) == 0 {
		s.over = nil
	}
	s.used, s.hasCells = s.bounds()
	return nil
}
