package grid

// EditRows is [EditColumns] for rows.
func EditRows(list []RowSpan, first, last int, edit func(r *RowSpan)) []RowSpan {
	return editSpans(list, first, last, (*RowSpan).ends, edit)
}

func (r *RowSpan) ends() (first, last *int) { return &r.First, &r.Last }

func (c *ColumnSpan) ends() (first, last *int) { return &c.First, &c.Last }

// Outlines gives how deep rows and columns are grouped.
func (l *Layout) Outlines() (rows, cols int) {
	for _, r := range l.Rows {
		rows = max(rows, int(r.Outline))
	}
	for _, c := range l.Columns {
		cols = max(cols, int(c.Outline))
	}
	return rows, cols
}

// RowsBetween gives the rows of which is says something else than was, with what it says: a span that says
// nothing where it says nothing. Styles do not count, and are left out.
func RowsBetween(was, is []RowSpan) (list []RowSpan) {
	next := 0 // the first row that is not compared yet
	for len(was) > 0 || len(is) > 0 {
		a, fromA, toA := spanAt(was, next)
		b, fromB, toB := spanAt(is, next)
		first, last := max(next, min(fromA, fromB)), min(toA, toB)
		if first > next { // neither says anything of the rows before
			next = first
			continue
		}
		a.First, a.Last, a.Style, a.HasStyle = first, last, 0, false
		b.First, b.Last, b.Style, b.HasStyle = first, last, 0, false
		if a != b {
			list = appendSpan(list, b, (*RowSpan).ends)
		}
		next = last + 1
		for len(was) > 0 && was[0].Last < next {
			was = was[1:]
		}
		for len(is) > 0 && is[0].Last < next {
			is = is[1:]
		}
	}
	return list
}

// PutRows gives a list in which the rows of others, which ascend and lie apart, are as these say; styles stay as
// they are in list.
func PutRows(list, others []RowSpan) (out []RowSpan) {
	next := 0
	for len(list) > 0 || len(others) > 0 {
		a, fromA, toA := spanAt(list, next)
		b, fromB, toB := spanAt(others, next)
		first, last := max(next, min(fromA, fromB)), min(toA, toB)
		if first > next {
			next = first
			continue
		}
		if fromB == next { // they say something of it
			b.Style, b.HasStyle = a.Style, a.HasStyle
			a = b
		}
		if a.First, a.Last = first, last; a != (RowSpan{First: first, Last: last}) {
			out = appendSpan(out, a, (*RowSpan).ends)
		}
		next = last + 1
		for len(list) > 0 && list[0].Last < next {
			list = list[1:]
		}
		for len(others) > 0 && others[0].Last < next {
			others = others[1:]
		}
	}
	return out
}

// noRow lies behind all rows.
const noRow = 1 << 30

// spanAt gives what the first of some spans says of row next, nothing where it begins further down, and the
// rows from which and up to which it says that; or where it begins to say something.
func spanAt(list []RowSpan, next int) (s RowSpan, first, last int) {
	switch {
	case len(list) == 0:
		return s, noRow, noRow
	case list[0].First > next:
		return s, list[0].First, list[0].First - 1
	}
	return list[0], next, list[0].Last
}
