package analyze

import (
	"context"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// Hit is a cell that a search found. Label is where the label stands that led to it,
// and valid where HasLabel is set.
type Hit struct {
	Cell     grid.Cell
	Label    grid.Cell
	HasLabel bool
}

// Page chooses a part of what a search finds. One Page is passed from sheet to sheet,
// so that the part is one of all sheets together.
type Page struct {
	Offset, Limit int  // hits to leave out, hits to keep
	Total         int  // hits met so far
	Cut           bool // counting stopped at MaxAfter: Total is too low
	MaxAfter      int  // cells to look at once the page is full, 0 for all; counts down
}

// Full reports whether there is no room for more hits.
func (p *Page) Full() bool { return p.Total >= p.Offset+p.Limit }

// More reports whether hits were met behind the page.
func (p *Page) More() bool { return p.Total > p.Offset+p.Limit || p.Cut }

// take counts a hit and reports whether it is one of the page.
func (p *Page) take() bool {
	p.Total++
	return p.Total > p.Offset && p.Total <= p.Offset+p.Limit
}

// after counts n cells and reports whether counting may go on.
func (p *Page) after(n int) bool {
	if p.Cut {
		return false
	}
	if p.MaxAfter > 0 && p.Full() {
		if p.MaxAfter -= n; p.MaxAfter <= 0 {
			p.MaxAfter, p.Cut = 1, true
			return false
		}
	}
	return true
}

// Query says what FindValues looks for.
type Query struct {
	Match *Matcher
	Kinds []Kind       // nil for all but Null
	Areas []cell.Range // where to look; nil for the whole sheet
}

func (q *Query) wants(k Kind) bool {
	if q.Kinds == nil {
		return k != Null
	}
	return slices.Contains(q.Kinds, k)
}

func (q *Query) contains(r cell.Ref) bool {
	if q.Areas == nil {
		return true
	}
	for _, a := range q.Areas {
		if a.Contains(r) {
			return true
		}
	}
	return false
}

// reach is the smallest range that holds all areas.
func (q *Query) reach(v View) (cell.Range, bool) {
	used, ok := v.Used()
	if !ok || q.Areas == nil {
		return used, ok
	}
	if len(q.Areas) == 0 {
		return cell.Range{}, false
	}
	r := q.Areas[0]
	for _, a := range q.Areas[1:] {
		r = r.Union(a)
	}
	return r.Intersect(used)
}

// FindValues yields to the page the stored cells whose value fits q, row by row. It
// goes on counting behind the page, because that costs little once a sheet is read.
func FindValues(ctx context.Context, v View, q Query, p *Page) ([]Hit, error) {
	var hits []Hit
	var buf []byte
	err := scanBands(ctx, v.Sheet, q.reach, v, p, func(c grid.Cell) bool {
		if !q.wants(v.KindOf(c)) || !q.contains(c.Ref) {
			return false
		}
		var ok bool
		ok, buf = q.Match.matchCell(v, c, buf)
		return ok
	}, func(c grid.Cell) {
		if p.take() {
			hits = append(hits, Hit{Cell: c})
		}
	})
	return hits, err
}

// Direction is where the value of a label stands.
type Direction uint8

// The directions. Any looks to the right first: see [View.beside].
const (
	Any Direction = iota
	Right
	Below
)

// FindLabels yields to the page the values that stand right of or below the cells whose
// text fits q.Match, by the labels row by row. A merged label is left at its far edge.
// Labels without a value there do not count. q.Kinds says which values count, q.Areas
// where the labels are.
func FindLabels(ctx context.Context, v View, q Query, d Direction, p *Page) ([]Hit, error) {
	var hits []Hit
	var buf []byte
	merged := make(map[cell.Ref]cell.Range, len(v.Layout.Merges))
	for _, m := range v.Layout.Merges {
		merged[m.First] = m
	}
	err := scanBands(ctx, v.Sheet, q.reach, v, p, func(c grid.Cell) bool {
		if v.KindOf(c) == Null || !q.contains(c.Ref) {
			return false
		}
		var ok bool
		ok, buf = q.Match.matchCell(v, c, buf)
		return ok
	}, func(c grid.Cell) {
		label := cell.Range{First: c.Ref, Last: c.Ref}
		if m, ok := merged[c.Ref]; ok {
			label = m
		}
		x, ok := v.beside(label, d, &q)
		if ok && p.take() {
			hits = append(hits, Hit{Cell: x, Label: c, HasLabel: true})
		}
	})
	return hits, err
}

// labelReach is how many columns right of a label its value may stand, with empty cells between: forms and
// statements have their amounts at the right edge of the page.
const labelReach = 16

// beside gives the value that the label in a cell, or in merged cells, stands for: what stands right next to it, or
// else right of it past empty cells, or below. Of these two a text is taken only where there is nothing else, as it
// is more likely another label.
func (v View) beside(label cell.Range, d Direction, q *Query) (grid.Cell, bool) {
	value := func(row, col int) (grid.Cell, bool) {
		x, _ := v.At(cell.Ref{Row: row, Col: col})
		return x, !x.Empty() && (x.Value.Kind() != cell.Text || x.Value.Text() != "")
	}
	wanted := func(x grid.Cell, is bool) bool { return is && q.wants(v.KindOf(x)) }
	right, below := grid.Cell{}, grid.Cell{}
	var near, isRight, isBelow bool
	if d != Below {
		for i := range labelReach {
			if right, isRight = value(label.First.Row, label.Last.Col+1+i); isRight {
				near, isRight = i == 0, wanted(right, true)
				break
			}
		}
	}
	if d != Right {
		below, isBelow = value(label.Last.Row+1, label.First.Col)
		isBelow = wanted(below, isBelow)
	}
	if isRight && (near || !isBelow || v.KindOf(right) != Text && v.KindOf(below) == Text) {
		return right, true
	}
	return below, isBelow
}

// scanBands tests the stored cells of a range band by band, column by column inside of
// a band, which is how they lie in memory, and gives those that fit in row order.
func scanBands(ctx context.Context, s *grid.Sheet, reach func(View) (cell.Range, bool), v View, p *Page,
	test func(grid.Cell) bool, found func(grid.Cell)) error {
	r, ok := reach(v)
	if !ok {
		return nil
	}
	pace := newPace(ctx)
	var band []grid.Cell
	for top := r.First.Row / grid.BandRows * grid.BandRows; top <= r.Last.Row; top += grid.BandRows {
		first, last := max(top, r.First.Row), min(top+grid.BandRows-1, r.Last.Row)
		band = band[:0]
		cells := 0
		for _, col := range s.OccupiedCols(first, last) {
			if col < r.First.Col || col > r.Last.Col {
				continue
			}
			for c := range s.Column(col, first, last) {
				cells++
				if test(c) {
					band = append(band, c)
				}
			}
			if err := pace.step(cells + 16); err != nil {
				return err
			}
		}
		slices.SortFunc(band, func(a, b grid.Cell) int {
			if a.Ref.Row != b.Ref.Row {
				return a.Ref.Row - b.Ref.Row
			}
			return a.Ref.Col - b.Ref.Col
		})
		for _, c := range band {
			found(c)
		}
		if !p.after(cells) {
			return nil
		}
	}
	return nil
}
