package grid

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
	var out []ColumnSpan
	add := func(c ColumnSpan) {
		if c == (ColumnSpan{First: c.First, Last: c.Last}) || c.First > c.Last {
			return
		}
		if n := len(out); n > 0 && out[n-1].Last+1 == c.First {
			same := out[n-1]
			same.First, same.Last = c.First, c.Last
			if same == c {
				out[n-1].Last = c.Last
				return
			}
		}
		out = append(out, c)
	}
	part := func(c ColumnSpan, from, to int) ColumnSpan {
		c.First, c.Last = max(c.First, from), min(c.Last, to)
		return c
	}
	changed := func(c ColumnSpan) {
		if c.First <= c.Last {
			edit(&c)
			add(c)
		}
	}
	next := first // the first column of those to be edited that is not yet
	for _, c := range list {
		if c.Last < first {
			add(c)
			continue
		}
		changed(ColumnSpan{First: next, Last: min(c.First-1, last)})
		add(part(c, c.First, first-1))
		changed(part(c, max(first, next), last))
		next = max(next, min(c.Last, last)+1)
		if c.First > last {
			add(c)
		} else {
			add(part(c, last+1, c.Last))
		}
	}
	changed(ColumnSpan{First: next, Last: last})
	return out
}
