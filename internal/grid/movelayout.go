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
	m.movedLines(&n, own)
	if reflect.DeepEqual(&n, l) {
		return l
	}
	return &n
}

// movedRules adds to a layout of sheet onto what of another one, of sheet own, comes to lie there. The names
// are those before the change.
func (m *Mover) movedRules(n, l *Layout, own, onto string) {
	name, _ := m.r.Sheet(onto)
	ranges := func(list []cell.Range) (out []cell.Range) {
		for _, r := range list {
			for _, a := range m.r.Cover(own, r) {
				if strings.EqualFold(a.Sheet, name) {
					out = append(out, a.Range)
				}
			}
		}
		return out
	}
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
		v.Ranges = ranges(v.Ranges)
		v.Formula1, v.Formula2 = formula(v.Formula1), formula(v.Formula2)
		if len(v.Ranges) > 0 {
			n.Validations = append(n.Validations, v)
		}
	}
	for _, f := range l.Conditional {
		f.Ranges = ranges(f.Ranges)
		f.Formulas = slices.Clone(f.Formulas)
		for i := range f.Formulas {
			f.Formulas[i] = formula(f.Formulas[i])
		}
		if len(f.Ranges) > 0 {
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
		if sheet, to, ok := m.r.Locate(own, c.Ref); ok && strings.EqualFold(sheet, name) {
			c.Ref = to
			n.Comments = append(n.Comments, c)
		}
	}
}

// movedLines gives what of a layout lies by rows and columns alone.
func (m *Mover) movedLines(n *Layout, own string) {
	rows, deletes, lines := m.change.Lines()
	at, count := m.change.At, m.change.Count
	if lines = lines && m.on(own); lines && rows {
		n.Rows = moved(n.Rows, at, count, deletes, cell.MaxRows, func(s *RowSpan) (*int, *int) { return &s.First, &s.Last })
	} else if lines {
		n.Columns = moved(n.Columns, at, count, deletes, cell.MaxCols, func(s *ColumnSpan) (*int, *int) { return &s.First, &s.Last })
	}
	if n.AutoFilter != nil {
		if r, ok := m.r.Range(own, *n.AutoFilter); ok {
			n.AutoFilter = &r
		} else {
			n.AutoFilter, n.Filtering = nil, false
		}
	}
	var areas []cell.Range
	for _, r := range n.PrintAreas {
		if to, ok := m.r.Range(own, r); ok {
			areas = append(areas, to)
		}
	}
	n.PrintAreas = areas
}

// moved gives spans of rows or columns, which ascend, after some were inserted or deleted. Those that are
// inserted are in none.
func moved[S any](list []S, at, count int, deletes bool, size int, ends func(*S) (first, last *int)) (out []S) {
	add := func(s S, first, last int) {
		if last = min(last, size-1); first > last {
			return
		}
		a, b := ends(&s)
		*a, *b = first, last
		out = append(out, s)
	}
	for _, s := range list {
		a, b := ends(&s)
		first, last := *a, *b
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
