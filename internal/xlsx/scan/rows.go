package scan

import (
	"slices"

	"gridflow/internal/grid"
)

// rowSpans collects what rows say of themselves, like rows that follow each other as one.
type rowSpans struct {
	list     []grid.RowSpan
	unsorted bool
}

func (r *rowSpans) add(s grid.RowSpan) {
	if n := len(r.list); n > 0 {
		last := &r.list[n-1]
		if s.First <= last.Last {
			r.unsorted = true
		}
		like := *last
		like.First, like.Last = s.First, s.Last
		if like == s && s.First == last.Last+1 {
			last.Last = s.Last
			return
		}
	}
	r.list = append(r.list, s)
}

// flush hands the spans to the layout, sorted and without overlaps; the later of two
// that speak of one row counts.
func (r *rowSpans) flush(l *grid.Layout) {
	if r.unsorted {
		slices.SortStableFunc(r.list, func(a, b grid.RowSpan) int { return a.First - b.First })
		kept := r.list[:0]
		for _, s := range r.list {
			if n := len(kept); n > 0 && kept[n-1].Last >= s.First {
				if kept[n-1].First == s.First {
					kept = kept[:n-1]
				} else {
					kept[n-1].Last = s.First - 1
				}
			}
			kept = append(kept, s)
		}
		r.list = kept
	}
	l.Rows = slices.Clip(r.list)
}
