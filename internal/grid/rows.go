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
	inStep(was, is, (*RowSpan).ends, func(a, b RowSpan, _ bool) {
		a.Style, a.HasStyle, b.Style, b.HasStyle = 0, false, 0, false
		if a != b {
			list = appendSpan(list, b, (*RowSpan).ends)
		}
	})
	return list
}

// StyledRowsBetween is RowsBetween with the styles.
func StyledRowsBetween(was, is []RowSpan) (list []RowSpan) {
	inStep(was, is, (*RowSpan).ends, func(a, b RowSpan, _ bool) {
		if a != b {
			list = appendSpan(list, b, (*RowSpan).ends)
		}
	})
	return list
}

// PutRows gives a list in which the rows of others, which ascend and lie apart, are as these say; styles stay as
// they are in list.
func PutRows(list, others []RowSpan) (out []RowSpan) {
	inStep(list, others, (*RowSpan).ends, func(a, b RowSpan, said bool) {
		if said {
			b.Style, b.HasStyle = a.Style, a.HasStyle
			a = b
		}
		if a != (RowSpan{First: a.First, Last: a.Last}) {
			out = appendSpan(out, a, (*RowSpan).ends)
		}
	})
	return out
}

// inStep goes through two lists of spans, which ascend and lie apart, at once: do is given what each says of the same
// rows or columns, nothing where it says nothing of them, and whether b has them. What neither has is passed over.
func inStep[S comparable](a, b []S, ends func(*S) (first, last *int), do func(x, y S, inB bool)) {
	const behind = 1 << 30 // all rows and columns
	// at gives what the first span of a list says of next, and from where and up to where it says that; or nothing, and
	// where it begins to say something.
	at := func(list []S, next int) (s S, first, last int) {
		if len(list) == 0 {
			return s, behind, behind
		}
		f, l := ends(&list[0])
		if *f > next {
			return s, *f, *f - 1
		}
		return list[0], next, *l
	}
	next := 0 // the first one that is not passed
	for len(a) > 0 || len(b) > 0 {
		x, fromX, toX := at(a, next)
		y, fromY, toY := at(b, next)
		first, last := max(next, min(fromX, fromY)), min(toX, toY)
		if first > next {
			next = first
			continue
		}
		for _, s := range [...]*S{&x, &y} {
			f, l := ends(s)
			*f, *l = first, last
		}
		do(x, y, fromY == next)
		next = last + 1
		for _, list := range [...]*[]S{&a, &b} {
			for len(*list) > 0 {
				if _, l := ends(&(*list)[0]); *l >= next {
					break
				}
				*list = (*list)[1:]
			}
		}
	}
}
