package analyze

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gridflow/internal/cell"
)

// Limits bound region detection. All of them count work or size, none a time, so that
// the same sheet gives the same regions on an idle machine and on a busy one.
type Limits struct {
	MaxArea   int64 // cells of the used range, stored or not; above it one fallback region is given
	MaxLeaves int   // regions
	MaxDepth  int   // splits inside one another
}

// DefaultLimits bounds detection to 16 MiB and to a few passes over them. The limits of
// 200 regions and 12 splits are those of spreadsheet-mcp; its limits on rows, columns and
// cells kept the time short, which the bitmaps here do by themselves.
var DefaultLimits = Limits{MaxArea: occupancyMax, MaxLeaves: 200, MaxDepth: 12}

// RegionKind is what a region seems to be for.
type RegionKind uint8

// The kinds of region.
const (
	DataRegion RegionKind = iota
	ParametersRegion
	OutputsRegion
	CalculatorRegion
	MetadataRegion
)

// String gives the word for the kind: "data", "parameters", "outputs", "calculator" or
// "metadata".
func (k RegionKind) String() string {
	return [...]string{"data", "parameters", "outputs", "calculator", "metadata"}[k]
}

// Region is a block of cells that belong together.
type Region struct {
	ID         int // position in Detection.Regions
	Bounds     cell.Range
	Header     Header // without rows where none was found
	KeyValue   bool   // labels beside values: it has no header row
	Kind       RegionKind
	Confidence float64 // 0…1; a heuristic's own opinion, not a probability
	Counts     Counts
}

// Data is the region without its header rows, and whether any row is left.
func (r *Region) Data() (cell.Range, bool) {
	d := r.Bounds
	if r.Header.Rows > 0 {
		d.First.Row = r.Header.Row + r.Header.Rows
	}
	return d, d.First.Row <= d.Last.Row
}

// Counts says what the cells of a range hold.
type Counts struct {
	Cells    int64 // of the range, stored or not
	Filled   int   // with a value or a formula
	Formulas int
	Texts    int
	Numbers  int
	Dates    int
	Bools    int
	Errors   int
}

func ratio(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// FormulaRatio is the part of the filled cells that have a formula.
func (c Counts) FormulaRatio() float64 { return ratio(c.Formulas, c.Filled) }

// TextRatio is the part of the filled cells that hold text.
func (c Counts) TextRatio() float64 { return ratio(c.Texts, c.Filled) }

// Density is the part of all cells that are filled.
func (c Counts) Density() float64 {
	if c.Cells == 0 {
		return 0
	}
	return float64(c.Filled) / float64(c.Cells)
}

// Detection is the regions of a sheet, top before bottom and left before right.
type Detection struct {
	Class    SheetClass
	Regions  []Region
	Fallback bool     // the sheet was not split: one region stands for all of it
	Notes    []string // what was cut short, and why
}

// Region gives the region that holds at, if any.
func (d *Detection) Region(at cell.Ref) (*Region, bool) {
	for i := range d.Regions {
		if d.Regions[i].Bounds.Contains(at) {
			return &d.Regions[i], true
		}
	}
	return nil, false
}

// Detect finds the regions of a whole sheet. The sheet is split along its longest gap
// of two or more blank rows or columns again and again; what has no such gap is a
// region once its thin edges are peeled off. Single blank rows and columns do not
// split. The regions do not overlap.
func Detect(ctx context.Context, v View, l Limits) (*Detection, error) {
	d := &Detection{Class: Classify(v)}
	used, ok := v.Used()
	if !ok || v.StoredCells() == 0 {
		return d, nil
	}
	if used.Cells() > l.MaxArea {
		d.Notes = append(d.Notes, fmt.Sprintf("The used range %s has %d cells, more than the %d that are split into regions: one region stands for the dense part of the sheet.",
			used, used.Cells(), l.MaxArea))
		return d, d.fallback(ctx, v, used)
	}
	o, err := newOccupancy(ctx, v.Sheet, used)
	if err != nil {
		return nil, err
	}
	s := splitter{occupancy: o, pace: newPace(ctx), limits: l}
	if err := s.split(span{0, used.Rows() - 1, 0, used.Cols() - 1}, 0); err != nil {
		return nil, err
	}
	if s.cutDepth {
		d.Notes = append(d.Notes, fmt.Sprintf("Splitting stopped at %d splits inside one another: some regions may hold several blocks.", l.MaxDepth))
	}
	if s.cutLeaves {
		d.Notes = append(d.Notes, fmt.Sprintf("Splitting stopped at %d regions: the last ones may hold several blocks.", l.MaxLeaves))
	}
	extent := used.Last
	for _, leaf := range s.leaves {
		r := Region{ID: len(d.Regions), Bounds: o.rangeOf(leaf)}
		if err := r.describe(ctx, v, extent); err != nil {
			return nil, err
		}
		d.Regions = append(d.Regions, r)
	}
	if len(d.Regions) == 0 {
		return d, d.fallback(ctx, v, used)
	}
	return d, nil
}

// splitter cuts the occupied area into leaves.
type splitter struct {
	*occupancy
	*pace
	limits    Limits
	leaves    []span
	pending   int // rectangles that wait for their turn: the other halves of the splits above
	cutDepth  bool
	cutLeaves bool
}

func (s *splitter) split(at span, depth int) error {
	if err := s.step(at.rows()*s.rowWords + at.cols()*s.colWords); err != nil {
		return err
	}
	g, rows, ok := s.gutter(at)
	switch {
	case ok && depth >= s.limits.MaxDepth:
		s.cutDepth, ok = true, false
	case ok && len(s.leaves)+s.pending+2 > s.limits.MaxLeaves:
		s.cutLeaves, ok = true, false
	}
	if !ok {
		if leaf := s.trim(at); s.count(leaf) > 0 {
			s.leaves = append(s.leaves, leaf)
		}
		return nil
	}
	a, b := at, at
	if rows {
		a.r1, b.r0 = g.first-1, g.last+1
	} else {
		a.c1, b.c0 = g.first-1, g.last+1
	}
	s.pending++
	if err := s.split(a, depth+1); err != nil {
		return err
	}
	s.pending--
	return s.split(b, depth+1)
}

// gap is a run of blank rows or columns.
type gap struct{ first, last int }

func (g gap) length() int { return g.last - g.first + 1 }

// gutter gives the longest gap inside of at, of rows unless one of columns is longer.
// Less than a twentieth of its width filled, a row counts as blank, and so do columns.
func (s *splitter) gutter(at span) (g gap, rows, ok bool) {
	byRow, okRow := longestGap(at.r0, at.r1, func(r int) bool { return s.row(r, at.c0, at.c1)*20 < at.cols() })
	byCol, okCol := longestGap(at.c0, at.c1, func(c int) bool { return s.col(c, at.r0, at.r1)*20 < at.rows() })
	if okCol && (!okRow || byCol.length() > byRow.length()) {
		return byCol, false, true
	}
	return byRow, true, okRow
}

// longestGap gives the first of the longest runs of two or more blanks that touch
// neither end.
func longestGap(first, last int, blank func(int) bool) (best gap, ok bool) {
	best = gap{0, -1}
	run, edge := gap{first, first - 1}, true // what touches the first end is no gap
	for i := first; i <= last; i++ {
		if blank(i) {
			run.last = i
			continue
		}
		if !edge && run.length() >= 2 && run.length() > best.length() {
			best, ok = run, true
		}
		run, edge = gap{i + 1, i}, false
	}
	return best, ok
}

// trim peels the outer rows and columns of at that are less than a tenth filled, one
// on each side in turn, and leaves one row and one column at least.
func (s *splitter) trim(at span) span {
	for changed := true; changed; {
		changed = false
		if at.rows() > 1 && s.row(at.r0, at.c0, at.c1)*10 < at.cols() {
			at.r0++
			changed = true
		}
		if at.rows() > 1 && s.row(at.r1, at.c0, at.c1)*10 < at.cols() {
			at.r1--
			changed = true
		}
		if at.cols() > 1 && s.col(at.c0, at.r0, at.r1)*10 < at.rows() {
			at.c0++
			changed = true
		}
		if at.cols() > 1 && s.col(at.c1, at.r0, at.r1)*10 < at.rows() {
			at.c1--
			changed = true
		}
	}
	return at
}

// fallback adds one region for the part of the sheet that holds 98 of 100 cells in
// either direction, or for all of it where there are few cells.
func (d *Detection) fallback(ctx context.Context, v View, used cell.Range) error {
	d.Fallback = true
	bounds := used
	if v.StoredCells() >= 50 {
		p := newPace(ctx)
		rows := make(map[int]int)
		cols := make(map[int]int)
		for _, col := range v.OccupiedCols(used.First.Row, used.Last.Row) {
			for c := range v.Column(col, used.First.Row, used.Last.Row) {
				// Groups of 16 rows: the histogram of a whole sheet stays below 2 MiB.
				rows[c.Ref.Row>>4]++
				cols[col]++
				if err := p.step(1); err != nil {
					return err
				}
			}
		}
		spare := v.StoredCells() / 100
		r0, r1 := middle(rows, spare)
		c0, c1 := middle(cols, spare)
		dense := cell.Range{First: cell.Ref{Row: r0 << 4, Col: c0}, Last: cell.Ref{Row: r1<<4 + 15, Col: c1}}
		if x, ok := dense.Intersect(used); ok {
			bounds = x
		}
	}
	r := Region{Bounds: bounds, Confidence: 0.2}
	switch d.Class {
	case CalculatorSheet:
		r.Kind = CalculatorRegion
	case MetadataSheet:
		r.Kind = MetadataRegion
	}
	counts, err := v.Count(ctx, bounds)
	if err != nil {
		return err
	}
	r.Counts = counts
	d.Regions = []Region{r}
	return nil
}

// middle gives the first and the last key of a histogram once up to spare units are
// taken off at either end.
func middle(h map[int]int, spare int) (first, last int) {
	keys := slices.Sorted(maps.Keys(h))
	left := spare
	for _, first = range keys {
		if left -= h[first]; left < 0 {
			break
		}
	}
	left = spare
	for _, last = range slices.Backward(keys) {
		if left -= h[last]; left < 0 {
			break
		}
	}
	return first, last
}

// Count says what the cells of r hold.
func (v View) Count(ctx context.Context, r cell.Range) (Counts, error) {
	n := Counts{Cells: r.Cells()}
	p := newPace(ctx)
	for _, col := range v.OccupiedCols(r.First.Row, r.Last.Row) {
		if col < r.First.Col || col > r.Last.Col {
			continue
		}
		for c := range v.Column(col, r.First.Row, r.Last.Row) {
			if err := p.step(1); err != nil {
				return n, err
			}
			if c.Empty() {
				continue
			}
			n.Filled++
			if c.HasFormula() {
				n.Formulas++
			}
			switch v.KindOf(c) {
			case Text:
				n.Texts++
			case Number:
				n.Numbers++
			case Date:
				n.Dates++
			case Bool:
				n.Bools++
			case Error:
				n.Errors++
			}
		}
	}
	return n, nil
}
