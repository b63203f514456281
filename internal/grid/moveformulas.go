package grid

import (
	"math"
	"slices"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/structure"
)

// movedFormulas is the formulas of a sheet after a change.
type movedFormulas struct {
	to     *formulas
	pieces map[uint32][]formulaPiece // of the shared formulas that fell apart, by their number

	// Of which formulas the change disturbs what they read, by their number before it: see structure.Rewriter.Follow.
	// Those that are shared, in the cells that are given.
	disturbed map[uint32][]cell.Range
}

// disturb notes a formula.
func (f *movedFormulas) disturb(number int, cells ...cell.Range) {
	if f.disturbed == nil {
		f.disturbed = map[uint32][]cell.Range{}
	}
	f.disturbed[uint32(number)] = cells
}

// formulaPiece is where a shared formula has another number.
type formulaPiece struct {
	area   cell.Range // after the change
	number uint32
}

// movedFormulas gives what becomes of the formulas that were read. They stay the same list if none changes.
func (m *Mover) movedFormulas(f *formulas, own string) *movedFormulas {
	if f == nil || len(f.list) == 0 {
		return &movedFormulas{to: f}
	}
	if done := m.formulas[f]; done != nil {
		return done
	}
	out := &movedFormulas{to: f}
	m.formulas[f] = out
	on := m.on(own)
	now, _ := m.r.Sheet(own)
	var texts []string // of the list afterwards; nil as long as all are as they were
	list, groups := slices.Clip(f.list), slices.Clip(f.groups)
	change := func(i int, text string) {
		if texts == nil {
			texts = make([]string, len(f.list), len(f.list)+8)
			for k, rec := range f.list {
				texts[k] = f.texts.At(rec.text)
			}
		}
		texts[i] = text
	}
	regrouped := false
	group := func(i int, g formulaGroup) {
		if g == groups[i] {
			return
		}
		if !regrouped {
			groups, regrouped = slices.Clone(groups), true
		}
		groups[i] = g
	}
	for i := range f.list {
		rec := f.list[i]
		text := f.texts.At(rec.text)
		if rec.group < 0 || groups[rec.group].kind != SharedFormula {
			to, changed, disturbed := m.r.Follow(text, own)
			if changed {
				change(i, to)
			}
			if disturbed {
				out.disturb(i, cell.WholeSheet)
			}
		}
		if rec.group < 0 {
			continue
		}
		g := groups[rec.group]
		if g.kind != SharedFormula {
			if on || m.change.Kind == structure.MoveCells {
				group(int(rec.group), m.movedArray(g, own))
			}
			continue
		}
		if cells := m.r.Disturbed(text, own, g.anchor, g.rng); len(cells) > 0 {
			out.disturb(i, cells...)
		}
		pieces := slices.DeleteFunc(m.r.Shared(text, own, g.anchor, g.rng), func(p structure.Piece) bool { return !strings.EqualFold(p.Sheet, now) })
		if len(pieces) == 0 {
			continue // no cell has it any more
		}
		if p := pieces[0]; len(pieces) == 1 && p.Area == g.rng && g.anchor != p.Area.First && shifted(p.Text, p.Area.First, g.anchor) == text {
			continue
		}
		if pieces[0].Text != text {
			change(i, pieces[0].Text)
		}
		group(int(rec.group), formulaGroup{SharedFormula, pieces[0].Area.First, pieces[0].Area})
		if len(pieces) == 1 {
			continue
		}
		if out.pieces == nil {
			out.pieces = map[uint32][]formulaPiece{}
		}
		change(i, pieces[0].Text)
		parts := []formulaPiece{{pieces[0].Area, uint32(i)}}
		for _, p := range pieces[1:] {
			parts = append(parts, formulaPiece{p.Area, uint32(len(list))})
			list = append(list, formulaRecord{group: int32(len(groups))})
			groups, regrouped = append(groups, formulaGroup{SharedFormula, p.Area.First, p.Area}), true
			texts = append(texts, p.Text)
		}
		out.pieces[uint32(i)] = parts
	}
	if texts == nil && !regrouped {
		return out
	}
	to := &formulas{list: f.list, groups: groups, texts: f.texts}
	if texts != nil {
		size := int64(0)
		for _, s := range texts {
			size += int64(len(s))
		}
		var b StringsBuilder
		b.Grow(len(texts), size)
		to.list = slices.Clone(list)
		for i, s := range texts {
			to.list[i].text, _ = b.Append([]byte(s)) // no more than there were, but for what numbers grow by
		}
		to.texts = b.Finish()
	}
	out.to = to
	return out
}

// movedArray gives the group of an array formula after a change. One whose own cell is gone is no array any more.
func (m *Mover) movedArray(g formulaGroup, own string) formulaGroup {
	sheet, anchor, ok := m.r.Locate(own, g.anchor)
	if !ok || m.change.Kind == structure.MoveCells && !strings.EqualFold(sheet, own) {
		return formulaGroup{kind: NormalFormula}
	}
	return formulaGroup{g.kind, anchor, m.filled(own, g.kind, g.rng, anchor)}
}

// renumbering is what numbers the formulas of cells have after a change.
type renumbering struct {
	f         *movedFormulas
	from, to  int       // how many formulas were read, and how many there are in their place
	own       *textList // the texts of edits, with those that were rewritten behind
	rewritten map[uint32]uint32
	disturbed map[uint32]bool // of the texts of edits, those of which the change disturbs what they read
	patches   bool            // some patch is another one
}

// rewriteOwn rewrites the formulas of edits that are in the bands.
func (t *renumbering) rewriteOwn(s *Sheet, rewrite func(string) (text string, changed, disturbed bool)) error {
	if t.own.len() == 0 {
		return nil
	}
	var b StringsBuilder
	seen := map[uint32]bool{}
	limit := math.MaxInt32 - t.to - t.own.len() - len(s.over)
	for _, band := range s.bands {
		if band == nil {
			continue
		}
		for _, k := range band.chunks {
			for _, f := range k.formulas {
				if int(f) < t.from || seen[f] {
					continue
				}
				seen[f] = true
				text, changed, disturbed := rewrite(t.own.at(f - uint32(t.from)))
				if disturbed {
					if t.disturbed == nil {
						t.disturbed = map[uint32]bool{}
					}
					t.disturbed[f] = true
				}
				if !changed {
					continue
				}
				i, ok := b.Intern([]byte(text))
				if !ok || b.Len() >= limit {
					return &EditError{Reason: ErrFull}
				}
				if t.rewritten == nil {
					t.rewritten = map[uint32]uint32{}
				}
				t.rewritten[f] = uint32(t.to+t.own.len()) + i
			}
		}
	}
	if b.Len() > 0 {
		t.own = t.own.with(&b)
	}
	return nil
}

// number gives the number of a formula of the cell that is at a place afterwards.
func (t *renumbering) number(f uint32, at cell.Ref) uint32 {
	if int(f) >= t.from {
		if to, ok := t.rewritten[f]; ok {
			return to
		}
		return f - uint32(t.from) + uint32(t.to)
	}
	for _, p := range t.f.pieces[f] {
		if p.area.Contains(at) {
			return p.number
		}
	}
	return f
}

// touches reports whether a formula of a band may have another number.
func (t *renumbering) touches(b *Band) bool {
	if t.from == t.to && len(t.rewritten) == 0 && len(t.f.pieces) == 0 {
		return false
	}
	for _, k := range b.chunks {
		for _, f := range k.formulas {
			if int(f) >= t.from && (t.from != t.to || t.rewritten != nil) {
				return true
			}
			if len(t.f.pieces) > 0 && t.f.pieces[f] != nil {
				return true
			}
		}
	}
	return false
}

// key gives the texts of edits where a band has formulas among them.
func (t *renumbering) key(b *Band) *textList {
	if t.own == nil {
		return nil
	}
	for _, k := range b.chunks {
		for _, f := range k.formulas {
			if int(f) >= t.from {
				return t.own
			}
		}
	}
	return nil
}

// band gives a band, which lies where it lies afterwards, with the numbers that its formulas have then.
func (t *renumbering) band(b *Band, n int) *Band {
	if b == nil || !t.touches(b) {
		return b
	}
	out := *b
	out.chunks = slices.Clone(b.chunks)
	for i, k := range b.chunks {
		var formulas []uint32
		for x, f := range k.formulas {
			at := cell.Ref{Row: n<<bandShift + int(k.formulaRows[x]), Col: int(b.cols[i])}
			to := t.number(f, at)
			if to != f && formulas == nil {
				formulas = slices.Clone(k.formulas)
			}
			if formulas != nil {
				formulas[x] = to
			}
		}
		if formulas != nil {
			changed := *k
			changed.formulas = formulas
			out.chunks[i] = &changed
		}
	}
	return &out
}

// shifted is formula.ShiftText for a text that may be none.
func shifted(text string, from, to cell.Ref) string {
	if out, err := formula.ShiftText(text, from, to); err == nil {
		return out
	}
	return text
}
