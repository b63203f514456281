package book

import (
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// MaxFilterValues is how many texts the criterion of one column may name.
const MaxFilterValues = 10_000

// filterPart is the autofilter. That rows are hidden by it, rowsPart says.
var filterPart = part{
	name:  "filter",
	given: func(o *Arrange) bool { return o.Filter != nil },
	check: (*Arrange).checkFilter,
	fits:  (*Arrange).filterFits,
	apply: func(o *Arrange, l *grid.Layout) {
		l.AutoFilter, l.Filters, l.Filtering = nil, nil, false
		if f := o.Filter; !f.None {
			r := f.Range
			l.AutoFilter, l.Filters, l.Filtering = &r, slices.Clone(f.Columns), len(f.Columns) > 0
		}
	},
	change: func(o *Arrange, was, is *grid.Layout) {
		if f := is.Filter(); !sameFilter(was.Filter(), f) {
			o.Filter = &f
		}
	},
	merge: func(o *Arrange, base, onto, from *grid.Layout, wins bool) {
		to := from.Filter()
		if (wins || sameFilter(base.Filter(), onto.Filter())) && !sameFilter(to, onto.Filter()) {
			o.Filter = &to
		}
	},
}

func sameFilter(a, b grid.Filter) bool {
	if a.None || b.None {
		return a.None == b.None
	}
	return a.Range == b.Range && sameList(a.Columns, b.Columns)
}

func (o *Arrange) checkFilter() *Error {
	f := o.Filter
	if f.None {
		return nil
	}
	if !validRange(f.Range) {
		return errorf(BadCell, "", "%v is no range of a worksheet", f.Range)
	}
	return checkCriteria(f.Columns, f.Range)
}

// checkCriteria finds what is wrong with the criteria of a filter of a range.
func checkCriteria(list []grid.FilterColumn, r cell.Range) *Error {
	last := -1
	for i := range list {
		c := &list[i]
		if c.Column <= last || c.Column >= r.Cols() {
			return errorf(BadLayout, "", "a criterion is of column %d of %v, or of one that comes before another", c.Column+1, r)
		}
		last = c.Column
		if len(c.Values) > MaxFilterValues || len(c.Custom) > 2 {
			return errorf(TooMany, "", "a criterion names more than %d values, or more than two tests", MaxFilterValues)
		}
		texts := slices.Clone(c.Values)
		for _, t := range c.Custom {
			if RuleOperators[t.Operator] != 1 && t.Operator != "" {
				return errorf(BadLayout, "", "a filter has no operator %.40q", t.Operator)
			}
			texts = append(texts, t.Value)
		}
		if err := checkRule(nil, texts...); err != nil {
			return err
		}
		if !(c.Top >= 0 && c.Top <= 500) {
			return errorf(BadLayout, "It is 1 to 500.", "a filter cannot show the best %v", c.Top)
		}
	}
	return nil
}

// filterFits refuses a filter over a table, which has its own, and criteria that only files have.
func (o *Arrange) filterFits(d *draft, index int, sheet *grid.Sheet) error {
	was := sheet.Layout.Filter()
	if o.Filter.None || sameFilter(was, *o.Filter) {
		return nil
	}
	if err := settable(was.Columns, o.Filter.Columns); err != nil {
		return err
	}
	tables, err := d.next.Tables(d.ctx)
	if err != nil {
		return err
	}
	for i := range tables {
		if _, meet := tables[i].Range.Intersect(o.Filter.Range); meet && tables[i].Sheet == index {
			return errorf(BadLayout, "Filter the table by its name, or cells outside of it.", "%v has cells of table %q, which has a filter of its own", o.Filter.Range, tables[i].Name)
		}
	}
	return nil
}

// settable refuses criteria that only files have, unless they are among those that there were.
func settable(was, list []grid.FilterColumn) error {
	known := knownRules(was)
	for _, c := range list {
		kinds := 0
		for _, is := range []bool{len(c.Values) > 0 || c.Blank, len(c.Custom) > 0, c.Top > 0} {
			if is {
				kinds++
			}
		}
		if !known(c) && (c.Other != "" || kinds != 1) {
			return errorf(BadLayout, "Give values, tests or how many of the best.", "the criterion of column %d is none that can be set", c.Column+1)
		}
	}
	return nil
}
