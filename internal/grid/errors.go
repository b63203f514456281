package grid

import (
	"iter"
	"slices"

	"gridflow/internal/cell"
)

// Errors yields the cells that hold an error value, in row-major order. It looks at the kinds of
// cells, not at each, and is many times as fast as Cells. A text that the file points to
// and does not have, which reads as #REF!, is not among them.
func (s *Sheet) Errors() iter.Seq[Cell] {
	if len(s.over) > 0 {
		return func(yield func(Cell) bool) {
			for c := range s.overlaid(s.storedErrors(), cell.WholeSheet) {
				if c.Value.Kind() == cell.Error && !yield(c) {
					return
				}
			}
		}
	}
	return s.storedErrors()
}

// storedErrors is Errors of the bands.
func (s *Sheet) storedErrors() iter.Seq[Cell] {
	return func(yield func(Cell) bool) {
		var found []cell.Ref
		for n, b := range s.bands {
			if b == nil {
				continue
			}
			found = found[:0]
			for i, k := range b.chunks {
				for c := range k.errors() {
					found = append(found, cell.Ref{Row: n<<bandShift + int(k.row(c)), Col: int(b.cols[i])})
				}
			}
			slices.SortFunc(found, func(x, y cell.Ref) int { return order(x) - order(y) })
			for _, r := range found {
				if c, _ := s.cellAt(b.chunk(r.Col), r); !yield(c) {
					return
				}
			}
		}
	}
}

// errors yields the numbers of the cells that hold an error value.
func (k *Chunk) errors() iter.Seq[int] {
	return func(yield func(int) bool) {
		if k.tags == nil {
			for i := range k.n {
				if k.tag != tagError || !yield(i) {
					return
				}
			}
			return
		}
		for i := 0; ; i++ {
			next := slices.Index(k.tags[i:], tagError)
			if next < 0 {
				return
			}
			if i += next; !yield(i) {
				return
			}
		}
	}
}
