package grid

// Rows and columns that are inserted and deleted.
//
// Cells lie where their band says, so that those below an inserted row come to lie in other chunks:
// they are put together anew, some nanoseconds a cell. What lies above is shared, and so are all chunks when
// columns move, which are only called otherwise then. Formulas are kept by numbers: where a text
// changes, its number stays, and where a shared formula falls to pieces, the pieces behind the first get new numbers.

import (
	"context"

	"gridflow/internal/cell"
	"gridflow/internal/structure"
)

// Mover makes sheets what they are after one structural change. Versions of a sheet that go through
// the same Mover share afterwards what they have shared before. It is used by one goroutine.
type Mover struct {
	change structure.Change
	r      *structure.Rewriter

	sheets   map[sheetKey]*Sheet
	bands    map[bandKey]*Band
	formulas map[*formulas]*movedFormulas

	disturbed map[*Sheet][]cell.Range
}

// sheetKey is a sheet, and the one whose cells come to it, if cells do.
type sheetKey struct{ sheet, other *Sheet }

// NewMover starts a change that r knows.
func NewMover(r *structure.Rewriter) *Mover {
	return &Mover{change: r.Change(), r: r, sheets: map[sheetKey]*Sheet{}, bands: map[bandKey]*Band{}, formulas: map[*formulas]*movedFormulas{}, disturbed: map[*Sheet][]cell.Range{}}
}

// bandKey is what a band was made of. Own is the texts of edits where the band has formulas among them.
type bandKey struct {
	from [3]*Band
	n    int
	own  *textList
}

// Sheet gives a sheet after the change; own is its name before. The sheet must be whole, and what the
// change would push beyond the end of the sheet is not looked after: see structure.Contents. The
// sheet itself comes back if nothing of it changes.
func (m *Mover) Sheet(ctx context.Context, s *Sheet, own string) (*Sheet, error) {
	if !s.Complete() {
		return nil, &EditError{Reason: ErrPartial}
	}
	return m.once(ctx, sheetKey{s, nil}, own)
}

// Receive is Sheet for the one that cells move to from another sheet, which is from.
func (m *Mover) Receive(ctx context.Context, s, from *Sheet, own string) (*Sheet, error) {
	if !s.Complete() || !from.Complete() {
		return nil, &EditError{Reason: ErrPartial}
	}
	return m.once(ctx, sheetKey{s, from}, own)
}

func (m *Mover) once(ctx context.Context, key sheetKey, own string) (*Sheet, error) {
	if n := m.sheets[key]; n != nil {
		return n, nil
	}
	n, err := m.sheet(ctx, key.sheet, key.other, own)
	if err == nil {
		m.sheets[key] = n
	}
	return n, err
}

func (m *Mover) sheet(ctx context.Context, s, from *Sheet, own string) (*Sheet, error) {
	n := *s
	f := m.movedFormulas(s.formulas, own)
	n.formulas = f.to
	t := &renumbering{f: f, from: s.formulas.len(), to: f.to.len(), own: s.own}
	if err := t.rewriteOwn(s, func(text string) (string, bool, bool) { return m.r.Follow(text, own) }); err != nil {
		return nil, err
	}
	n.own = t.own
	if cells := m.disturbedCells(s, t, own); len(cells) > 0 {
		m.disturbed[s] = cells
	}
	on := m.on(own)
	n.bands = m.movedBands(s, t, on)
	n.over = m.movedPatches(s, t, own, on)
	n.Layout = m.movedLayout(s.Layout, from, own)
	if name, ok := m.r.Sheet(own); ok {
		n.Name = name
	}
	if on {
		n.dissolved = m.movedRanges(s.dissolved, own)
		n.setSpills(m.movedSpills(s.spills, own))
		if gone, ok := m.deleted(); ok {
			n.uncount(s, gone)
		}
		n.used, n.hasCells = n.bounds()
	}
	if m.change.Kind == structure.MoveCells && m.r.Concerns(own) {
		if err := m.moveCells(ctx, &n, s, from, own, t); err != nil {
			return nil, err
		}
		return &n, nil
	}
	if n.Name == s.Name && n.formulas == s.formulas && n.own == s.own && n.Layout == s.Layout && !on && sameBands(n.bands, s.bands) && len(t.rewritten) == 0 && !t.patches {
		return s, nil
	}
	return &n, nil
}

func sameBands(a, b []*Band) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// on reports whether cells of a sheet move.
func (m *Mover) on(own string) bool {
	_, _, lines := m.change.Lines()
	return lines && m.r.Concerns(own)
}

// deleted gives the cells that go.
func (m *Mover) deleted() (cell.Range, bool) {
	rows, deletes, ok := m.change.Lines()
	if !ok || !deletes {
		return cell.Range{}, false
	}
	r := cell.WholeSheet
	if rows {
		r.First.Row, r.Last.Row = m.change.At, m.change.At+m.change.Count-1
	} else {
		r.First.Col, r.Last.Col = m.change.At, m.change.At+m.change.Count-1
	}
	return r, true
}

// uncount takes the cells that go out of the numbers of cells. n is not yet handed out.
func (n *Sheet) uncount(s *Sheet, gone cell.Range) {
	for c := range s.Cells(gone) {
		n.cells--
		if !c.Empty() {
			n.filled--
		}
		if c.HasFormula() {
			n.formulaCells--
		}
	}
}

// place gives where a row or column is afterwards; false if it is gone, or beyond the end.
func (m *Mover) place(i, size int) (int, bool) {
	_, deletes, _ := m.change.Lines()
	c := &m.change
	switch {
	case i < c.At:
		return i, true
	case !deletes:
		return i + c.Count, i+c.Count < size
	case i < c.At+c.Count:
		return 0, false
	}
	return i - c.Count, true
}

// ref gives where a cell of the sheet that changes is afterwards.
func (m *Mover) ref(r cell.Ref) (cell.Ref, bool) {
	rows, _, _ := m.change.Lines()
	ok := true
	if rows {
		r.Row, ok = m.place(r.Row, cell.MaxRows)
	} else {
		r.Col, ok = m.place(r.Col, cell.MaxCols)
	}
	return r, ok
}

func (m *Mover) movedPatches(s *Sheet, t *renumbering, own string, on bool) []patch {
	var out []patch
	for i := range s.over {
		p := s.over[i]
		if on {
			to, ok := m.ref(p.ref())
			if !ok {
				out = initPatches(out, s, i)
				t.patches = true
				continue
			}
			p.row, p.col = uint32(to.Row), uint16(to.Col)
		}
		switch {
		case p.formula == wordsFormula:
			if text, changed := m.r.Formula(p.words.formula, own); changed {
				p.words = &words{p.words.text, text}
				t.patches = true
			}
		case p.formula >= 0:
			p.formula = int32(t.number(uint32(p.formula), p.ref()))
		}
		if p != s.over[i] {
			t.patches = true
			out = initPatches(out, s, i)
		}
		if out != nil {
			out = append(out, p)
		}
	}
	if !t.patches {
		return s.over
	}
	return out
}

// initPatches gives the list that those from number i on are added to.
func initPatches(out []patch, s *Sheet, i int) []patch {
	if out == nil {
		out = make([]patch, 0, len(s.over))
		out = append(out, s.over[:i]...)
	}
	return out
}

func (m *Mover) movedRanges(list []cell.Range, own string) (out []cell.Range) {
	for _, r := range list {
		if to, ok := m.r.Range(own, r); ok {
			out = append(out, to)
		}
	}
	return out
}

func (m *Mover) movedSpills(list []spill, own string) (out []spill) {
	for _, x := range list {
		anchor, ok := m.ref(x.anchor)
		if !ok {
			continue
		}
		out = append(out, spill{anchor, m.filled(own, DynamicArray, x.fills, anchor)})
	}
	return out
}

// filled gives what an array formula fills after the change, of which the own cell is anchor then. A dynamic array keeps
// its size, whatever becomes of the cells that it filled.
func (m *Mover) filled(own string, kind FormulaKind, fills cell.Range, anchor cell.Ref) cell.Range {
	if kind != DynamicArray {
		if to, ok := m.r.Range(own, fills); ok && to.First == anchor {
			return to
		}
	}
	return cell.Range{First: anchor, Last: cell.Ref{
		Row: min(anchor.Row+fills.Rows(), cell.MaxRows) - 1,
		Col: min(anchor.Col+fills.Cols(), cell.MaxCols) - 1,
	}}
}
