package grid

import (
	"iter"
	"slices"
	"sort"

	"gridflow/internal/cell"
)

// patch is one edited cell. It lies over the bands and hides their cell there, if any.
type patch struct {
	row     uint32
	col     uint16
	tag     tag
	removed bool   // there is no cell any more; only where the bands have one
	style   uint32 // as in Cell
	formula int32  // as in Cell, or wordsFormula
	payload uint64 // as in a Chunk, but for a tagOwn with words
	words   *words // what is in no pool yet
}

// wordsFormula says that a patch's formula is in its words.
const wordsFormula = -2

// words is the text of a patch that is a tagOwn, and its formula where it is wordsFormula.
// Whoever brings a formula brings the value too, so where there are words the text is here.
type words struct{ text, formula string }

// patchBytes is the size of a patch, wordsBytes that of its words without the letters.
const (
	patchBytes = 32
	wordsBytes = 32
)

// order is the place of a cell in row-major order.
func order(r cell.Ref) int { return r.Row*cell.MaxCols + r.Col }

func (p *patch) order() int { return int(p.row)*cell.MaxCols + int(p.col) }

func (p *patch) ref() cell.Ref { return cell.Ref{Row: int(p.row), Col: int(p.col)} }

// value gives what the cell of p holds.
func (p *patch) value(s *Sheet) cell.Value {
	if p.tag == tagOwn && p.words != nil {
		return cell.TextValue(p.words.text)
	}
	return s.decode(p.tag, p.payload)
}

// filled reports whether the cell of p has a value or a formula.
func (p *patch) filled() bool { return p.tag != tagBlank || p.formula != -1 }

// patchesFrom gives the number of the first patch at or behind a place in row-major order.
func (s *Sheet) patchesFrom(at int) int {
	lo, hi := 0, len(s.over)
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if s.over[m].order() < at {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// patchAt finds the patch of a cell.
func (s *Sheet) patchAt(r cell.Ref) (int, bool) {
	at := order(r)
	i := s.patchesFrom(at)
	return i, i < len(s.over) && s.over[i].order() == at
}

// patchesBetween gives the patches of the rows between two, both included.
func (s *Sheet) patchesBetween(first, last int) []patch {
	if len(s.over) == 0 || first > last {
		return nil
	}
	from := s.patchesFrom(max(first, 0) * cell.MaxCols)
	to := s.patchesFrom((min(last, cell.MaxRows) + 1) * cell.MaxCols)
	return s.over[from:max(from, to)]
}

// patchedBetween reports whether any cell of the rows between two has a patch.
func (s *Sheet) patchedBetween(first, last int) bool {
	return len(s.over) > 0 && len(s.patchesBetween(first, last)) > 0
}

// patched gives the cell of patch i; one that was removed is blank.
func (s *Sheet) patched(i int) Cell {
	p := &s.over[i]
	if p.removed {
		return Cell{Ref: p.ref(), formula: -1}
	}
	c := Cell{Ref: p.ref(), Value: p.value(s), Style: p.style, formula: p.formula}
	if p.formula == wordsFormula {
		c.formula = int32(s.formulas.len() + s.own.len() + i)
	}
	return c
}

// ownFormula gives formula i of those that were not read, which is that of c.
func (s *Sheet) ownFormula(c Cell, i int) Formula {
	if n := s.own.len(); i >= n {
		if i -= n; i >= len(s.over) || s.over[i].formula != wordsFormula {
			return Formula{}
		}
		return Formula{Text: s.over[i].words.formula, Anchor: c.Ref}
	}
	return Formula{Text: s.own.at(uint32(i)), Anchor: c.Ref}
}

// overlaid puts the patches in r over cells of the bands, which come in row-major order.
func (s *Sheet) overlaid(stored iter.Seq[Cell], r cell.Range) iter.Seq[Cell] {
	return func(yield func(Cell) bool) {
		i := s.patchesFrom(max(r.First.Row, 0) * cell.MaxCols)
		more := true
		// before yields the patches that come before a place.
		before := func(at int) bool {
			for ; more && i < len(s.over) && s.over[i].order() < at; i++ {
				if p := &s.over[i]; !p.removed && int(p.col) >= r.First.Col && int(p.col) <= r.Last.Col {
					more = yield(s.patched(i))
				}
			}
			return more
		}
		for c := range stored {
			at := order(c.Ref)
			if !before(at) {
				return
			}
			if i < len(s.over) && s.over[i].order() == at {
				i++
				if s.over[i-1].removed {
					continue
				}
				c = s.patched(i - 1)
			}
			if more = yield(c); !more {
				return
			}
		}
		before((min(r.Last.Row, cell.MaxRows) + 1) * cell.MaxCols)
	}
}

// overlaidRows is OccupiedRows where there are patches.
func (s *Sheet) overlaidRows(first, last int) iter.Seq[int] {
	return func(yield func(int) bool) {
		left := s.patchesBetween(first, last)
		// next takes the patches of the first row off the rest.
		next := func() (row int, patches []patch) {
			row = int(left[0].row)
			n := sort.Search(len(left), func(i int) bool { return int(left[i].row) > row })
			patches, left = left[:n], left[n:]
			return row, patches
		}
		for row := range s.storedRows(first, last) {
			for len(left) > 0 && int(left[0].row) < row {
				if r, patches := next(); anyCell(patches) && !yield(r) {
					return
				}
			}
			if len(left) > 0 && int(left[0].row) == row {
				if _, patches := next(); !anyCell(patches) && !s.storedBeside(row, patches) {
					continue
				}
			}
			if !yield(row) {
				return
			}
		}
		for len(left) > 0 {
			if r, patches := next(); anyCell(patches) && !yield(r) {
				return
			}
		}
	}
}

// anyCell reports whether one of patches is a cell.
func anyCell(patches []patch) bool {
	return slices.ContainsFunc(patches, func(p patch) bool { return !p.removed })
}

// storedBeside reports whether the bands have a cell in row besides those that patches,
// which are those of the row, hide.
func (s *Sheet) storedBeside(row int, patches []patch) bool {
	b := s.band(row)
	if b == nil {
		return false
	}
	o := uint16(row & (BandRows - 1))
	for i, col := range b.cols {
		for len(patches) > 0 && patches[0].col < col {
			patches = patches[1:]
		}
		if len(patches) > 0 && patches[0].col == col {
			continue
		}
		if _, ok := b.chunks[i].find(o); ok {
			return true
		}
	}
	return false
}

// overBytes is about what the patches and the texts of edits take, but for those that base
// has as well.
func (s *Sheet) overBytes(base *Sheet) int64 {
	n := int64(patchBytes * cap(s.over))
	if len(s.dissolved) != len(base.dissolved) {
		n += int64(32 * cap(s.dissolved))
	}
	if len(s.spills) != len(base.spills) {
		n += int64(48 * (cap(s.spills) + cap(s.wide)))
	}
	n += s.own.memoryOver(base.own)
	old := base.over
	for i := range s.over {
		w := s.over[i].words
		if w == nil {
			continue
		}
		at := s.over[i].order()
		for len(old) > 0 && old[0].order() < at {
			old = old[1:]
		}
		if len(old) > 0 && old[0].words == w {
			continue
		}
		n += int64(wordsBytes + len(w.text) + len(w.formula))
	}
	return n
}
