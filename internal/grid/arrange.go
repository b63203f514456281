package grid

import "slices"

// WithLayout gives the sheet with another layout and the same cells, which it shares. A cell that is
// not stored looks as the new layout has it.
func (s *Sheet) WithLayout(l *Layout) *Sheet {
	t := *s
	t.Layout = l
	return &t
}

// EditColumns gives a list of column spans in which edit has been done to the columns from first to
// last, span by span; columns that had none get one. Spans that then say nothing go, and
// those that say the same side by side become one. The list itself stays as it is.
func EditColumns(list []ColumnSpan, first, last int, edit func(c *ColumnSpan)) []ColumnSpan {
	return editSpans(list, first, last, (*ColumnSpan).ends, edit)
}

// PutColumns gives a list in which columns are as others say, and nothing but their styles stays of list.
func PutColumns(list, others []ColumnSpan) (out []ColumnSpan) {
	inStep(list, others, (*ColumnSpan).ends, func(a, b ColumnSpan, _ bool) {
		if b.Style = a.Style; b != (ColumnSpan{First: b.First, Last: b.Last}) {
			out = appendSpan(out, b, (*ColumnSpan).ends)
		}
	})
	return out
}

// SameColumns reports whether two layouts say the same of all columns. Styles do not count, nor whether a column that is as
// wide as usual says so.
func SameColumns(was, is *Layout) bool {
	sized := func(l *Layout) (list []ColumnSpan) {
		for _, c := range l.Columns {
			if !c.Custom && c.Width == l.UsualWidth() {
				c.Width = 0
			}
			list = append(list, c)
		}
		return PutColumns(nil, list)
	}
	return slices.Equal(was.Columns, is.Columns) || slices.Equal(sized(was), sized(is))
}

// Restyled gives a layout that is like l, and in which columns and rows have the styles that as gives them.
func (l *Layout) Restyled(as *Layout) *Layout {
	n := *l
	n.Columns, n.Rows = PutColumns(as.Columns, l.Columns), nil
	inStep(l.Rows, as.Rows, (*RowSpan).ends, func(a, b RowSpan, _ bool) {
		if a.Style, a.HasStyle = b.Style, b.HasStyle; a != (RowSpan{First: a.First, Last: a.Last}) {
			n.Rows = appendSpan(n.Rows, a, (*RowSpan).ends)
		}
	})
	return &n
}

// appendSpan adds a span to a list, unless it says what the last one does and follows it: then that grows.
func appendSpan[S comparable](list []S, s S, ends func(*S) (first, last *int)) []S {
	if n := len(list); n > 0 {
		first, last := ends(&s)
		same := list[n-1]
		f, l := ends(&same)
		if *l+1 == *first {
			to := *last
			*f, *l = *first, *last
			if same == s {
				_, l := ends(&list[n-1])
				*l = to
				return list
			}
		}
	}
	return append(list, s)
}

// editSpans is EditColumns for spans of any kind.
func editSpans[S comparable](list []S, first, last int, ends func(*S) (first, last *int), edit func(*S)) []S {
	var out []S
	span := func(from S, first, last int) S {
		f, l := ends(&from)
		*f, *l = first, last
		return from
	}
	var none S
	add := func(s S) {
		if f, l := ends(&s); *f <= *l && s != span(none, *f, *l) {
			out = appendSpan(out, s, ends)
		}
	}
	part := func(s S, from, to int) S {
		f, l := ends(&s)
		return span(s, max(*f, from), min(*l, to))
	}
	changed := func(s S) {
		if f, l := ends(&s); *f <= *l {
			edit(&s)
			add(s)
		}
	}
	next := first // the first of those to be edited that is not yet
	for _, s := range list {
		f, l := ends(&s)
		if *l < first {
			add(s)
			continue
		}
		changed(span(none, next, min(*f-1, last)))
		add(part(s, *f, first-1))
		changed(part(s, max(first, next), last))
		next = max(next, min(*l, last)+1)
		if *f > last {
			add(s)
		} else {
			add(part(s, last+1, *l))
		}
	}
	changed(span(none, next, last))
	return out
}
