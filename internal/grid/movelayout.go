package grid

import (
	"reflect"
	"slices"
	"strings"

	"gridflow/internal/cell"
)

// movedLayout gives the layout of a sheet, whose name before the change is own; the layout itself if it
// stays as it is. From is the sheet that cells come from, nil where none do.
func (m *Mover) movedLayout(l *Layout, from *Sheet, own string) *Layout {
	n := *l
	n.Merges, n.Validations, n.Conditional, n.Hyperlinks, n.Comments = nil, nil, nil, nil, nil
	m.movedRules(&n, l, own, own)
	if from != nil {
		m.movedRules(&n, from.Layout, m.change.Sheet, own)
	}
	m.movedLines(&n, l, own)
	if reflect.DeepEqual(&n, l) {
		return l
	}
	return &n
}

// movedRules adds to a layout of sheet onto what of another one, of sheet own, comes to lie there. The names
// are those before the change. To another sheet go neither comments, which stay where they are, nor rules that only newer versions of Excel know.
func (m *Mover) movedRules(n, l *Layout, own, onto string) {
	name, _ := m.r.Sheet(onto)
	crosses := !strings.EqualFold(own, onto)
	ranges := func(list []cell.Range) []cell.Range { return m.r.Covered(own, list, name) }
	relative := func(text string, list []cell.Range) string { return m.r.Relative(text, own, list, name) }
	formula := func(text string) string {
		text, _ = m.r.Formula(text, own)
		return text
	}
	for _, r := range ranges(l.Merges) {
		if r.Cells() > 1 {
			n.Merges = append(n.Merges, r)
		}
	}
	for _, v := range l.Validations {
		v.Formula1, v.Formula2 = relative(v.Formula1, v.Ranges), relative(v.Formula2, v.Ranges)
		v.Ranges = ranges(v.Ranges)
		if len(v.Ranges) > 0 && !(crosses && v.Extension) {
			n.Validations = append(n.Validations, v)
		}
	}
	for _, f := range l.Conditional {
		f.Formulas = slices.Clone(f.Formulas)
		for i := range f.Formulas {
			f.Formulas[i] = relative(f.Formulas[i], f.Ranges)
		}
		f.Stops = slices.Clone(f.Stops)
		for i := range f.Stops {
			if s := &f.Stops[i]; s.Type == "formula" {
				s.Value = relative(s.Value, f.Ranges)
			}
		}
		f.Ranges = ranges(f.Ranges)
		if len(f.Ranges) > 0 && !(crosses && f.Extension) {
			n.Conditional = append(n.Conditional, f)
		}
	}
	for _, h := range l.Hyperlinks {
		if h.Location != "" {
			h.Location = formula(h.Location)
		}
		for _, r := range ranges([]cell.Range{h.Range}) {
			h.Range = r
			n.Hyperlinks = append(n.Hyperlinks, h)
		}
	}
	for _, c := range l.Comments {
		sheet, to, ok := m.r.Locate(own, c.Ref)
		if crosses || !ok {
			continue
		}
		if strings.EqualFold(sheet, name) {
			c.Ref = to
		}
		n.Comments = append(n.Comments, c)
	}
}

// movedLines gives what of a layout, which was l, lies by rows and columns alone, or goes with its cells on their sheet.
func (m *Mover) movedLines(n, l *Layout, own string) {
	rows, deletes, lines := m.change.Lines()
	at, count := m.change.At, m.change.Count
	if lines = lines && m.on(own); lines && rows {
		n.Rows = movedRows(n.Rows, at, count, deletes)
	} else if lines {
		n.Columns = m.movedColumns(n.Columns, own)
	}
	if n.AutoFilter != nil {
		if r, ok := m.r.Place(own, *n.AutoFilter); ok {
			n.Filters = m.movedFilters(n.Filters, own, *n.AutoFilter)
			n.Filtering = n.Filtering && (len(n.Filters) > 0 || len(l.Filters) == 0)
			n.AutoFilter = &r
		} else {
			n.AutoFilter, n.Filtering, n.Filters = nil, false, nil
		}
	}
	n.Sparklines = m.movedSparklines(n.Sparklines, own)
	n.Breaks.Rows = m.movedBreaks(n.Breaks.Rows, own, func(row int) cell.Range {
		return cell.Range{First: cell.Ref{Row: row}, Last: cell.Ref{Row: row, Col: cell.MaxCols - 1}}
	}, func(r cell.Range) int { return r.First.Row })
	n.Breaks.Cols = m.movedBreaks(n.Breaks.Cols, own, func(col int) cell.Range {
		return cell.Range{First: cell.Ref{Col: col}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: col}}
	}, func(r cell.Range) int { return r.First.Col })
	var pivots []cell.Range
	for _, r := range n.Pivots {
		if to, ok := m.r.Place(own, r); ok {
			pivots = append(pivots, to)
		}
	}
	n.Pivots = pivots
}

// movedFilters gives the criteria of a filter that was in a range.
func (m *Mover) movedFilters(list []FilterColumn, own string, was cell.Range) (out []FilterColumn) {
	for _, f := range list {
		var left bool
		if f.Column, left = m.r.FilterColumn(own, was, f.Column); left {
			out = append(out, f)
		}
	}
	return out
}

// movedSparklines gives the sparklines that stay on their sheet, each in its cell.
func (m *Mover) movedSparklines(list []Sparklines, own string) (out []Sparklines) {
	name, _ := m.r.Sheet(own)
	for _, g := range list {
		var left []Sparkline
		for _, s := range g.Cells {
			ranges, ok := cell.ParseRanges(s.Cell)
			if !ok { // it says no place
				s.Source, _ = m.r.Formula(s.Source, own)
				left = append(left, s)
				continue
			}
			s.Source = m.r.Relative(s.Source, own, ranges, name)
			var texts []string
			for _, r := range m.r.Covered(own, ranges, name) {
				texts = append(texts, r.String())
			}
			if len(texts) > 0 {
				s.Cell = strings.Join(texts, " ")
				left = append(left, s)
			}
		}
		if len(left) > 0 {
			g.Cells = left
			out = append(out, g)
		}
	}
	return out
}

// movedBreaks gives page breaks, which go with the row or column that begins the page.
func (m *Mover) movedBreaks(list []int, own string, line func(n int) cell.Range, first func(cell.Range) int) (out []int) {
	for _, n := range list {
		if to, ok := m.r.Place(own, line(n)); ok && first(to) > 0 {
			out = append(out, first(to))
		}
	}
	return out
}

// movedColumns gives the columns after some were inserted or deleted. One that is inserted within a span is as its neighbours
// are, as in the file.
func (m *Mover) movedColumns(list []ColumnSpan, own string) (out []ColumnSpan) {
	for _, c := range list {
		r := cell.Range{First: cell.Ref{Col: c.First}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: c.Last}}
		if to, ok := m.r.Place(own, r); ok {
			c.First, c.Last = to.First.Col, to.Last.Col
			out = append(out, c)
		}
	}
	return out
}

// movedRows gives the rows after some were inserted, of which nothing is said, or deleted.
func movedRows(list []RowSpan, at, count int, deletes bool) (out []RowSpan) {
	add := func(s RowSpan, first, last int) {
		if last = min(last, cell.MaxRows-1); first > last {
			return
		}
		s.First, s.Last = first, last
		if n := len(out); n > 0 && out[n-1].Last+1 == first {
			same := out[n-1]
			same.First, same.Last = first, last
			if same == s {
				out[n-1].Last = last
				return
			}
		}
		out = append(out, s)
	}
	for _, s := range list {
		first, last := s.First, s.Last
		add(s, first, min(last, at-1))
		switch {
		case last < at:
		case deletes:
			add(s, max(first, at+count)-count, last-count)
		default:
			add(s, max(first, at)+count, last+count)
		}
	}
	return out
}
