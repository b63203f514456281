package eval

import (
	"gridflow/internal/cell"
)

// beyond notes what SUMIF and AVERAGEIF read outside of the range that they are given to take numbers from: its
// first cell counts, and its size is that of the range that is searched. Where sizes are known only when the
// formula is run, it is dynamic.
func (c *compiler) beyond(searched, taken expr) {
	s, sure := regionOf(searched)
	t, also := regionOf(taken)
	if s == nil && sure || t == nil && also {
		return // an error, whatever the cells hold
	}
	// What is read changes with the size of either, though neither reference may change where it leads.
	c.p.Placed = c.p.Placed || s == nil || t == nil || s.size() != t.size()
	if s == nil || t == nil {
		if r, ok := within(searched, taken); ok {
			if t := boundOf(taken); r.first != t.first || r.end != t.end { // else INDEX reads all of it
				c.read(Read{Sheet: r.sheet, First: r.first, Last: r.end, Through: c.via})
			}
			return
		}
		c.p.Dynamic, c.p.Volatile = true, true
		return
	}
	rows := stretch(span{s.first.Row, s.end.Row, s.first.AbsRow, s.end.AbsRow}, span{t.first.Row, t.end.Row, t.first.AbsRow, t.end.AbsRow}, cell.MaxRows)
	cols := stretch(span{s.first.Col, s.end.Col, s.first.AbsCol, s.end.AbsCol}, span{t.first.Col, t.end.Col, t.first.AbsCol, t.end.AbsCol}, cell.MaxCols)
	if rows == nil || cols == nil {
		c.p.Dynamic, c.p.Volatile = true, true
		return
	}
	first := Corner{Row: rows.first, AbsRow: rows.absFirst, Col: cols.first, AbsCol: cols.absFirst}
	last := Corner{Row: rows.last, AbsRow: rows.absLast, Col: cols.last, AbsCol: cols.absLast}
	if first != t.first || last != t.end {
		c.read(Read{Sheet: t.sheet, First: first, Last: last, Through: c.via})
	}
}

// within bounds what is read where INDEX gives either range: a part of its first argument, from which on as many cells
// are read as the other has at most.
func within(searched, taken expr) (*area, bool) {
	s, t := boundOf(searched), boundOf(taken)
	if s == nil || t == nil {
		return nil, false
	}
	size := s.size()
	out := *t
	for axis, max := range [2]int32{cell.MaxRows, cell.MaxCols} {
		first, end, absFirst, absEnd := &out.first.Row, &out.end.Row, out.first.AbsRow, &out.end.AbsRow
		if axis == 1 {
			first, end, absFirst, absEnd = &out.first.Col, &out.end.Col, out.first.AbsCol, &out.end.AbsCol
		}
		if size[axis].absFirst != size[axis].absLast || absFirst != *absEnd || *first > *end {
			return nil, false
		}
		more := size[axis].last
		if more < 0 {
			more = -more
		}
		if *end += more; absFirst && *end >= max || !absFirst && *end-*first >= max/2 {
			*end, *absEnd = max-1, true
		}
	}
	return &out, true
}

// boundOf gives cells of which an expression refers to some, whatever it gives; nil where they are not known.
func boundOf(e expr) *area {
	switch x := e.(type) {
	case *named:
		return boundOf(x.body.root)
	case *call:
		if x.f.Name == "INDEX" {
			return boundOf(x.args[0])
		}
		return nil
	}
	a, _ := regionOf(e)
	return a
}

// size is what distinguishes areas of other sizes.
func (a *area) size() [2]span {
	return [2]span{
		{last: a.end.Row - a.first.Row, absFirst: a.first.AbsRow, absLast: a.end.AbsRow},
		{last: a.end.Col - a.first.Col, absFirst: a.first.AbsCol, absLast: a.end.AbsCol},
	}
}

// regionOf gives the cells that an expression refers to as far as its form tells. Without any, sure says that it
// refers to no cells of one sheet whatever they hold.
func regionOf(e expr) (a *area, sure bool) {
	switch e := e.(type) {
	case *one:
		return &area{sheet: e.sheet, last: e.sheet, first: e.at, end: e.at, wrap: e.wrap}, true
	case *area:
		if e.sheet != e.last {
			return nil, true
		}
		return e, true
	case *thisRow:
		return &area{sheet: e.sheet, last: e.sheet, first: Corner{Col: int32(e.first), AbsCol: true}, end: Corner{Col: int32(e.last), AbsCol: true}}, true
	case *named:
		return regionOf(e.body.root)
	case *constant, *failed, *parameter:
		return nil, true
	}
	return nil, false
}

// span is rows or columns from first to last, each as a [Corner] has it.
type span struct {
	first, last       int32
	absFirst, absLast bool
}

// stretch gives what of a sheet of that size is read along one of its sides: what is taken, made as long as what is searched
// if that is longer. It gives nil where neither is known to be the longer one.
func stretch(searched, taken span, size int32) *span {
	if searched.absFirst == taken.absFirst && searched.absLast == taken.absLast && searched.last-searched.first == taken.last-taken.first {
		return &taken // A$1:A9 and B$1:B9 grow alike
	}
	if searched.absFirst != searched.absLast || taken.absFirst != taken.absLast {
		return nil
	}
	taken.first, taken.last = min(taken.first, taken.last), max(taken.first, taken.last)
	length := max(searched.last-searched.first, searched.first-searched.last)
	if length <= taken.last-taken.first {
		return &taken
	}
	if taken.last = taken.first + length; !taken.absFirst && length >= size/2 || taken.absFirst && taken.last >= size {
		taken.last, taken.absLast = size-1, true
	}
	return &taken
}
