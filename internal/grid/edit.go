package grid

// An edited sheet is the bands of the sheet that it was made from, with patches over them:
// a short list of cells, by row and column. Every reader looks there first. A version more
// then costs its own list, some 32 bytes a cell, and shares all else. When the list grows
// beyond overMax, it is folded into copies of the chunks that it lies over (fold.go): those
// with many patches first, for there a copy costs less than what it replaces.
//
// Why not chunks at once: a chunk is some 4 KB, a patch 32 bytes, and a thousand forks of one
// workbook with ten scattered edits each are an ordinary day.

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"gridflow/internal/cell"
)

// ChangeKind says what a Change does to its cell.
type ChangeKind uint8

// The kinds of change.
const (
	SetCell    ChangeKind = iota // value, formula and style become those of the change
	SetValue                     // the value alone: what a recalculation brings. In an array formula too
	SetStyle                     // the style alone; a cell that is not stored becomes a blank one. In an array formula too
	RemoveCell                   // the cell is stored no more
)

// Change is what happens to one cell. The strings in it are kept.
type Change struct {
	Ref     cell.Ref
	Kind    ChangeKind
	Value   cell.Value // a NaN or an infinity becomes #NUM!
	Formula string     // without "="; "" for none
	Style   uint32

	// Spills says that the formula is a dynamic array and fills the range Fills, which
	// begins at Ref: of a formula that is set, or with SetValue of the one that is there.
	// The values of the other cells of the range are changes of their own.
	Spills bool
	Fills  cell.Range
}

// The reasons for which a change is refused, as errors.Is finds them in an EditError.
var (
	ErrOutside   = errors.New("the cell is outside of a worksheet")
	ErrArrayPart = errors.New("part of an array formula cannot be changed")
	ErrPartial   = errors.New("the sheet is not loaded whole")
	ErrFull      = errors.New("the texts of the sheet's edits need more than 4 GiB")
	ErrChange    = errors.New("not a kind of change")
)

// EditError says which change was refused. Nothing was changed then.
type EditError struct {
	Index  int // of the change, in the order given
	Ref    cell.Ref
	Array  cell.Range // the range of the array formula, for ErrArrayPart
	Reason error      // one of the above
}

// Error gives the reason with the cell.
func (e *EditError) Error() string {
	if e.Reason == ErrArrayPart {
		return fmt.Sprintf("change %d: %v: %v, which fills %v", e.Index, e.Ref, e.Reason, e.Array)
	}
	return fmt.Sprintf("change %d: %v: %v", e.Index, e.Ref, e.Reason)
}

// Unwrap gives the reason.
func (e *EditError) Unwrap() error { return e.Reason }

// overMax is the number of patches from which on they are folded.
const overMax = 256

// With gives the sheet with changes made to it, of which the later counts where two are of
// one cell. The sheet itself stays as it is, and both may be read for ever and from any
// goroutine; With may be called by many at once.
//
// A cell of an array formula or a data table can only be set or removed together with
// all the others of its range, which ends the formula: else the error is an *EditError
// with ErrArrayPart. What a shared formula says in its other cells stays as it was whichever
// cell of it is changed.
func (s *Sheet) With(changes []Change) (*Sheet, error) {
	if !s.Complete() {
		return nil, &EditError{Reason: ErrPartial}
	}
	changes, dissolved, err := s.checked(changes)
	if err != nil || len(changes) == 0 {
		return s, err
	}
	n := *s
	if len(dissolved) > 0 {
		n.dissolved = append(slices.Clip(s.dissolved), dissolved...)
	}
	n.respill(changes)
	n.over = make([]patch, 0, len(s.over)+len(changes))
	old := s.over
	shrinks := false
	for i := range changes {
		c := &changes[i]
		at := order(c.Ref)
		for len(old) > 0 && old[0].order() < at {
			n.over, old = append(n.over, old[0]), old[1:]
		}
		was, inBands := s.stored(c.Ref)
		hidden := true
		if k := len(n.over) - 1; k >= 0 && n.over[k].order() == at {
			was, n.over = n.over[k], n.over[:k] // two changes of one cell that go together
		} else if len(old) > 0 && old[0].order() == at {
			was, old = old[0], old[1:]
		} else {
			hidden = false
		}
		stored := !was.removed
		now := was.changed(c)
		switch {
		case stored && s.equal(&was, &now):
			// A patch that was there stays, and none comes.
			if hidden {
				n.over = append(n.over, was)
			}
		case !now.removed || inBands:
			n.over = append(n.over, now)
		}
		n.count(was, stored, now)
		if stored && now.removed {
			shrinks = shrinks || n.onBorder(c.Ref)
		} else if !now.removed {
			n.grow(c.Ref)
		}
	}
	n.over = append(n.over, old...)
	if len(n.over) > overMax {
		if err := n.fold(); err != nil {
			return nil, err
		}
	}
	if len(n.over) == 0 {
		n.over = nil
	}
	if shrinks || n.cells == 0 {
		n.used, n.hasCells = n.bounds()
	}
	return &n, nil
}

// checked gives the changes by row and column with one for each cell at most, and the array
// formulas that they end, or the error of the first change that cannot be.
func (s *Sheet) checked(changes []Change) ([]Change, []cell.Range, error) {
	for i := range changes {
		c := &changes[i]
		if !c.Ref.Valid() {
			return nil, nil, &EditError{Index: i, Ref: c.Ref, Reason: ErrOutside}
		}
		if c.Kind > RemoveCell {
			return nil, nil, &EditError{Index: i, Ref: c.Ref, Reason: ErrChange}
		}
	}
	ascending := true
	for i := 1; i < len(changes) && ascending; i++ {
		ascending = order(changes[i-1].Ref) < order(changes[i].Ref)
	}
	if ascending && !s.hasGroups() {
		return changes, nil, nil
	}
	type numbered struct {
		Change
		index int
	}
	sorted := make([]numbered, len(changes))
	for i, c := range changes {
		sorted[i] = numbered{c, i}
	}
	if !ascending {
		slices.SortFunc(sorted, func(a, b numbered) int { return cmp.Or(order(a.Ref)-order(b.Ref), a.index-b.index) })
	}
	type touched struct {
		first int   // the lowest index of a change in the array
		cells int64 // changed
	}
	arrays := map[cell.Range]touched{}
	kept := make([]Change, 0, len(sorted))
	for i, c := range sorted {
		if i+1 < len(sorted) && sorted[i+1].Ref == c.Ref {
			if merged, ok := c.Change.then(sorted[i+1].Change); ok {
				sorted[i+1].Change = merged
				continue
			}
		}
		kept = append(kept, c.Change)
		if c.Kind != SetCell && c.Kind != RemoveCell {
			continue
		}
		for f := range s.Arrays(cell.Range{First: c.Ref, Last: c.Ref}) {
			t, ok := arrays[f.Range]
			if !ok || c.index < t.first {
				t.first = c.index
			}
			t.cells++
			arrays[f.Range] = t
		}
	}
	var dissolved []cell.Range
	var wrong *EditError
	for r, t := range arrays {
		if t.cells == r.Cells() {
			dissolved = append(dissolved, r)
		} else if wrong == nil || t.first < wrong.Index {
			wrong = &EditError{Index: t.first, Ref: changes[t.first].Ref, Array: r, Reason: ErrArrayPart}
		}
	}
	if wrong != nil {
		return nil, nil, wrong
	}
	slices.SortFunc(dissolved, func(a, b cell.Range) int { return order(a.First) - order(b.First) })
	return kept, dissolved, nil
}

// then gives the one change that does what c and then d do to the same cell.
func (c Change) then(d Change) (Change, bool) {
	switch {
	case d.Kind == SetCell || d.Kind == RemoveCell || c.Kind == d.Kind:
		return d, true
	case c.Kind == SetCell && d.Kind == SetValue:
		c.Value = d.Value
		if d.Spills {
			c.Spills, c.Fills = true, d.Fills
		}
		return c, true
	case c.Kind == SetCell && d.Kind == SetStyle:
		c.Style = d.Style
		return c, true
	case c.Kind == RemoveCell && d.Kind == SetValue:
		return Change{Ref: c.Ref, Value: d.Value}, true
	case c.Kind == RemoveCell && d.Kind == SetStyle:
		return Change{Ref: c.Ref, Style: d.Style}, true
	}
	return Change{}, false
}

// hasGroups reports whether the sheet may have array formulas.
func (s *Sheet) hasGroups() bool {
	return s.formulas != nil && len(s.formulas.groups) > 0 || len(s.spills) > 0
}

// stored gives the cell of the bands at r as a patch, and whether there is one; else the
// patch is that of a cell that was removed.
func (s *Sheet) stored(r cell.Ref) (patch, bool) {
	p := patch{row: uint32(r.Row), col: uint16(r.Col), formula: -1}
	k := s.band(r.Row).chunk(r.Col)
	if k == nil {
		p.removed = true
		return p, false
	}
	o := uint16(r.Row & (BandRows - 1))
	i, ok := k.find(o)
	if !ok {
		p.removed = true
		return p, false
	}
	p.tag, p.payload, p.style = k.tagAt(i), k.payloadAt(i), k.styleAt(i)
	if f, ok := k.formulaAt(o); ok {
		p.formula = int32(f)
	}
	return p, true
}

// changed gives what p is after c, which is for its cell.
func (p patch) changed(c *Change) patch {
	if c.Kind == RemoveCell || p.removed {
		p = patch{row: p.row, col: p.col, formula: -1, removed: c.Kind == RemoveCell}
	}
	switch c.Kind {
	case SetCell:
		p.style, p.formula = c.Style, -1
		if c.Formula != "" {
			p.formula, p.words = wordsFormula, &words{formula: c.Formula}
		} else {
			p.words = nil
		}
		p.setValue(c.Value)
	case SetValue:
		p.setValue(c.Value)
	case SetStyle:
		p.style = c.Style
	}
	return p
}

// setValue gives p a value and keeps its formula.
func (p *patch) setValue(v cell.Value) {
	formula := ""
	if p.words != nil {
		formula = p.words.formula
	}
	p.words = nil
	if v.Kind() == cell.Text || p.formula == wordsFormula {
		p.words = &words{v.Text(), formula}
	}
	p.tag, p.payload = tagBlank, 0
	switch v.Kind() {
	case cell.Number:
		p.tag, p.payload = encodeNumber(v.Number())
	case cell.Text:
		p.tag = tagOwn
	case cell.Bool:
		p.tag, p.payload = tagBool, uint64(v.Number())
	case cell.Error:
		p.tag, p.payload = tagError, uint64(v.Err())
	}
}

// encodeNumber gives a number as a Builder stores it.
func encodeNumber(f float64) (tag, uint64) {
	if i := int32(f); float64(i) == f && (i != 0 || !math.Signbit(f)) {
		return tagInt, uint64(uint32(i))
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return tagError, uint64(cell.ErrNum)
	}
	return tagFloat, math.Float64bits(f)
}

// equal reports whether two patches are the same to every reader.
func (s *Sheet) equal(a, b *patch) bool {
	if a.removed != b.removed || a.style != b.style || a.formula != b.formula {
		return false
	}
	if a.formula == wordsFormula && a.words.formula != b.words.formula {
		return false
	}
	if a.tag == b.tag && a.words == nil && b.words == nil {
		return a.payload == b.payload
	}
	// To the bit, for 0 and -0 differ.
	v, w := a.value(s), b.value(s)
	return v == w && math.Float64bits(v.Number()) == math.Float64bits(w.Number())
}

// count keeps the numbers of cells when one that was becomes one that is now.
func (s *Sheet) count(was patch, stored bool, now patch) {
	for _, x := range [...]struct {
		p patch
		d int
	}{{was, -1}, {now, 1}} {
		if x.p.removed || x.d < 0 && !stored {
			continue
		}
		s.cells += x.d
		if x.p.filled() {
			s.filled += x.d
		}
		if x.p.formula != -1 {
			s.formulaCells += x.d
		}
	}
}
