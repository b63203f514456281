package analyze

import (
	"context"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// Column describes all cells of one column of a range.
type Column struct {
	Col  int
	Type string // "number", "text", "date", "bool", "error", "mixed", or "unknown" for a column without values

	Rows         int        // of the range
	Nulls        int        // rows without a value, stored or not
	Counts       [kinds]int // by Kind; Null as in Nulls
	Errors       map[cell.ErrorCode]int
	Formulas     int
	NumericTexts int      // texts that read as numbers
	Total        cell.Ref // the last value, if it is a total of others above it: it is counted and added like them
	HasTotal     bool

	Distinct        int // different values
	DistinctExact   bool
	Top             []ValueCount
	TopExact        bool
	TopSlack        int  // where not exact: how much too low a count of Top may be
	Duplicates      bool // some value occurs twice
	DuplicatesExact bool // false: none was met, but not all values could be kept
	Ascending       bool // numbers and dates: each larger than the one before
	Descending      bool

	// Over numbers, or over dates where Type is "date", as serials. Valid where Numeric > 0.
	Numeric          int
	Min, Max, Sum    float64
	MinCell, MaxCell grid.Cell // where Min and Max stand first
	Mean, Deviation  float64   // Deviation is that of a sample (n-1); 0 for one value

	// Over texts, in characters. Valid where Counts[Text] > 0.
	ShortestText, LongestText int
	MeanText                  float64

	Samples []grid.Cell // the first values that differ, in row order
}

// ValueCount is a value and how often it occurs.
type ValueCount struct {
	Cell  grid.Cell // where it occurs first
	Count int
}

// ProfileOptions says what Profile gives besides the counts.
type ProfileOptions struct {
	Top        int // most frequent values for each column
	Samples    int // values that differ for each column
	SampleRows int // the rows from the first on that they are taken from, 0 for all
	Distinct   int // different values counted exactly, 0 for the default of 65 536
}

// typeShare is the part of a column's values that must be of one kind for the column to
// be of that type; error values do not count against it.
const typeShare = 0.9

// Profile describes each of the given columns between the first and the last row of r
// in one pass over all of their cells. Its memory does not grow with them: different
// values are counted exactly up to a bound, and estimated beyond it, which the result says.
func Profile(ctx context.Context, v View, r cell.Range, cols []int, o ProfileOptions) ([]Column, error) {
	p := NewProfiler(ctx, v, r, o)
	out := make([]Column, 0, len(cols))
	for _, col := range cols {
		c, err := p.Describe(col)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// Profiler is Profile for callers that do not know beforehand how many columns they
// want. It is used by one goroutine; what it counts with serves column after column.
type Profiler struct {
	view    View
	rows    cell.Range
	options ProfileOptions
	tally   *tally
	pace    *pace
}

// NewProfiler prepares to describe columns between the first and the last row of r.
func NewProfiler(ctx context.Context, v View, r cell.Range, o ProfileOptions) *Profiler {
	if o.Distinct <= 0 || o.Distinct > tallyMax {
		o.Distinct = tallyMax
	}
	return &Profiler{view: v, rows: r, options: o, tally: newTally(o.Distinct), pace: newPace(ctx)}
}

// moments keeps the sum of a stream with what its additions lost (Neumaier 1974), and the
// squared deviations by a running mean (Welford 1962), which stays exact where the
// textbook sum of squares cancels.
type moments struct {
	n         int
	min, max  float64
	low, top  grid.Cell // where min and max stand first
	sum, lost float64
	mean, m2  float64
}

func (m *moments) add(c grid.Cell) {
	f := c.Value.Number()
	if m.n == 0 || f < m.min {
		m.min, m.low = f, c
	}
	if m.n == 0 || f > m.max {
		m.max, m.top = f, c
	}
	m.n++
	sum := m.sum + f
	if math.Abs(m.sum) >= math.Abs(f) {
		m.lost += m.sum - sum + f
	} else {
		m.lost += f - sum + m.sum
	}
	m.sum = sum
	d := f - m.mean
	m.mean += d / float64(m.n)
	m.m2 += d * (f - m.mean)
}

// total is the sum, infinite or NaN where no number is large enough for it.
func (m *moments) total() float64 { return m.sum + m.lost }

// average is the mean, which rounding must not take out of what it is the mean of.
func (m *moments) average() float64 {
	mean := m.total() / float64(m.n)
	if math.IsNaN(mean) || math.IsInf(mean, 0) {
		mean = m.mean
	}
	return min(max(mean, m.min), m.max)
}

func (m *moments) deviation() float64 {
	if m.n < 2 {
		return 0
	}
	return math.Sqrt(m.m2 / float64(m.n-1))
}

// Describe gives the statistics of one column.
func (p *Profiler) Describe(col int) (Column, error) {
	c := Column{Col: col, Rows: p.rows.Rows(), Ascending: true, Descending: true}
	p.tally.reset()
	var numbers, dates moments
	var sampled []uint64
	var runes int
	lastSample := p.rows.Last.Row
	if n := p.options.SampleRows; n > 0 {
		lastSample = p.rows.First.Row + n - 1
	}
	last := math.NaN()
	ordered := true
	var end grid.Cell
	for x := range p.view.Column(col, p.rows.First.Row, p.rows.Last.Row) {
		if err := p.pace.step(1); err != nil {
			return c, err
		}
		if x.HasFormula() {
			c.Formulas++
		}
		k := p.view.KindOf(x)
		if k == Null {
			continue
		}
		end = x
		c.Counts[k]++
		var hash uint64
		switch k {
		case Number, Date:
			f := x.Value.Number()
			if k == Number {
				numbers.add(x)
			} else {
				dates.add(x)
			}
			if !math.IsNaN(last) {
				c.Ascending = c.Ascending && f > last
				c.Descending = c.Descending && f < last
			}
			last = f
			hash = hashNumber(f, Number)
		case Text:
			s := x.Value.Text()
			n := utf8.RuneCountInString(s)
			if c.Counts[Text] == 1 {
				c.ShortestText = n
			}
			c.ShortestText, c.LongestText = min(c.ShortestText, n), max(c.LongestText, n)
			runes += n
			if numericText(s) {
				c.NumericTexts++
			}
			hash = hashText(s)
			ordered = false
		case Bool:
			hash = hashNumber(x.Value.Number(), Bool)
			ordered = false
		case Error:
			if c.Errors == nil {
				c.Errors = make(map[cell.ErrorCode]int)
			}
			c.Errors[x.Value.Err()]++
			hash = hashNumber(float64(x.Value.Err()), Error)
			ordered = false
		}
		p.tally.add(hash, uint32(x.Ref.Row))
		if len(c.Samples) < p.options.Samples && x.Ref.Row <= lastSample && !slices.Contains(sampled, hash) {
			sampled = append(sampled, hash)
			c.Samples = append(c.Samples, x)
		}
	}
	values := 0
	for _, n := range c.Counts {
		values += n
	}
	c.Nulls = c.Rows - values
	c.Counts[Null] = c.Nulls
	c.Type = columnType(c.Counts, values)

	m := numbers
	if c.Type == "date" || numbers.n == 0 {
		m = dates
	}
	c.Numeric, c.Min, c.Max, c.Sum, c.Mean, c.Deviation = m.n, m.min, m.max, m.total(), m.average(), m.deviation()
	c.MinCell, c.MaxCell = m.low, m.top
	if n := c.Counts[Text]; n > 0 {
		c.MeanText = float64(runes) / float64(n)
	}
	if p.view.isTotal(end, p.rows.First.Row) {
		c.Total, c.HasTotal = end.Ref, true
	}
	ordered = ordered && values > 1
	c.Ascending, c.Descending = c.Ascending && ordered, c.Descending && ordered
	p.finish(&c, values)
	return c, nil
}

// finish fills in what the tally knows.
func (p *Profiler) finish(c *Column, values int) {
	t := p.tally
	c.Distinct, c.DistinctExact = t.distinct()
	c.TopExact, c.TopSlack = t.exact(), int(t.slack)
	c.Duplicates, c.DuplicatesExact = t.repeated, t.exact() || t.repeated
	if c.Ascending || c.Descending {
		// Strictly ordered values are all different, however many they are.
		c.Distinct, c.DistinctExact, c.Duplicates, c.DuplicatesExact = values, true, false, true
	}
	c.Distinct = min(c.Distinct, values)
	for _, s := range t.top(p.options.Top) {
		x, _ := p.view.At(cell.Ref{Row: int(s.first), Col: c.Col})
		c.Top = append(c.Top, ValueCount{Cell: x, Count: int(s.count)})
	}
}

// columnType names the kind that nearly all values are of.
func columnType(counts [kinds]int, values int) string {
	if values == 0 {
		return "unknown"
	}
	if counts[Error] == values {
		return Error.String()
	}
	values -= counts[Error]
	for _, k := range [...]Kind{Number, Text, Date, Bool} {
		if float64(counts[k]) >= typeShare*float64(values) {
			return k.String()
		}
	}
	return "mixed"
}

// numericText reports whether a text reads as a number, as values do that were typed
// with an apostrophe or imported as text.
func numericText(s string) bool {
	if len(s) == 0 || len(s) > 32 {
		return false
	}
	if c := s[0]; (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' {
		return false
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}
