package forks

import (
	"slices"
	"strings"
)

// A lineBook is what a workbook should be after structural changes, by other means than package structure has: rows and columns have
// identities, and whatever refers to cells holds those of its ends. So an insertion changes nothing but the order of the identities, and a
// deletion lets go those that it takes. Only where cells move are there places to count.
type lineBook struct {
	pages  []*linePage // in order
	things []*lineThing
}

// linePage is a sheet. Its id outlives its name.
type linePage struct {
	id   int
	name string
	axes [2]lineAxis // of rows and of columns

	breaks [2][]int // the rows, and columns, that begin a printed page
}

// lineAxis are the lines of a sheet in their order. The ids of those behind the list ascend from tail on.
type lineAxis struct {
	ids  []int
	tail int
	size int
}

// lineBox is a rectangle: by first and last row and column, either by identity or by place.
type lineBox struct{ first, last [2]int }

// lineRef is a reference in a formula.
type lineRef struct {
	page     int
	box      lineBox // by identity; what it says of an axis that it takes whole means nothing
	whole    [2]bool // it takes all rows (A:B), or all columns (3:5)
	absolute [2]bool
	one      bool   // a cell, and no range
	named    bool   // it is written with its sheet
	gone     bool   // its cells are
	lost     string // what there was behind the name of its sheet when that went
}

// lineToken is a part of a formula: a reference or a text.
type lineToken struct {
	text string
	ref  *lineRef
}

// lineKind says what becomes of what stands somewhere.
type lineKind struct {
	name  string
	cover bool // its ranges are cells, which go where each goes; else they are a reference
	stays bool // it does not go to another sheet with its cells
}

var (
	aCell       = &lineKind{name: "cell", cover: true}
	aMerge      = &lineKind{name: "merge", cover: true}
	aFormat     = &lineKind{name: "format", cover: true}
	aValidation = &lineKind{name: "validation", cover: true}
	aLink       = &lineKind{name: "link", cover: true}
	aNote       = &lineKind{name: "note", cover: true, stays: true}
	aSparkline  = &lineKind{name: "sparkline", cover: true, stays: true}
	aFilter     = &lineKind{name: "filter"}
	aName       = &lineKind{name: "name"}
	aChart      = &lineKind{name: "chart"}
	aBreak      = &lineKind{name: "break"}
)

// lineThing is something with ranges, formulas or both: a cell, a conditional format, a defined name.
type lineThing struct {
	kind     *lineKind
	key      string
	page     int // on which it stands; -1 for what is of the workbook
	boxes    []lineBox
	heir     [2]int // the cell, by identity, that its formulas are for
	formulas [][]lineToken
	criteria []lineCriterion // of a filter
	anchor   *lineAnchor     // of a chart
	value    string          // of a cell without a formula
	wrapped  bool            // a formula has gone around the end of the sheet
}

// lineCriterion is what a filter says of a column, by identity.
type lineCriterion struct {
	column int
	text   string
}

// lineAnchor is where a chart lies: the cells of its upper left and lower right corners.
type lineAnchor struct {
	box    lineBox
	how    string // "oneCell": it keeps its size, "absolute": and its place; "" neither
	edited bool   // an edit has put it there: it lies at one cell, and goes where that goes
}

func (a *lineAxis) at(place int) int {
	if place < len(a.ids) {
		return a.ids[place]
	}
	return a.tail + place - len(a.ids)
}

// place gives where a line is, -1 where it is gone.
func (a *lineAxis) place(id int) int {
	if id >= a.tail {
		return len(a.ids) + id - a.tail
	}
	return slices.Index(a.ids, id)
}

func (a *lineAxis) change(at, count int, deletes bool, fresh *int) {
	for len(a.ids) < at+count {
		a.ids = append(a.ids, a.tail)
		a.tail++
	}
	if deletes {
		a.ids = slices.Delete(a.ids, at, at+count)
		return
	}
	for range count {
		*fresh--
		a.ids = slices.Insert(a.ids, at, *fresh)
	}
}

func (b *lineBook) page(id int) *linePage {
	if i := slices.IndexFunc(b.pages, func(p *linePage) bool { return p.id == id }); i >= 0 {
		return b.pages[i]
	}
	return nil
}

func (b *lineBook) named(name string) *linePage {
	return b.pages[slices.IndexFunc(b.pages, func(p *linePage) bool { return strings.EqualFold(p.name, name) })]
}

// places gives a rectangle of identities as one of places, and ids the other way round.
func (p *linePage) places(x lineBox) (to lineBox) {
	for i := range p.axes {
		to.first[i], to.last[i] = p.axes[i].place(x.first[i]), p.axes[i].place(x.last[i])
	}
	return to
}

func (p *linePage) ids(x lineBox) (to lineBox) {
	for i := range p.axes {
		to.first[i], to.last[i] = p.axes[i].at(x.first[i]), p.axes[i].at(x.last[i])
	}
	return to
}

func (p *linePage) cell(x [2]int) [2]int {
	return p.places(lineBox{x, x}).first
}

// clone gives a copy that shares nothing.
func (b *lineBook) clone() *lineBook {
	n := &lineBook{}
	for _, p := range b.pages {
		q := *p
		for i := range q.axes {
			q.axes[i].ids = slices.Clone(q.axes[i].ids)
			q.breaks[i] = slices.Clone(q.breaks[i])
		}
		n.pages = append(n.pages, &q)
	}
	for _, t := range b.things {
		n.things = append(n.things, t.clone())
	}
	return n
}

func (t *lineThing) clone() *lineThing {
	n := *t
	n.boxes = slices.Clone(t.boxes)
	n.criteria = slices.Clone(t.criteria)
	if t.anchor != nil {
		a := *t.anchor
		n.anchor = &a
	}
	n.formulas = nil
	for _, f := range t.formulas {
		f = slices.Clone(f)
		for i := range f {
			if f[i].ref != nil {
				r := *f[i].ref
				f[i].ref = &r
			}
		}
		n.formulas = append(n.formulas, f)
	}
	return &n
}

// corner gives the upper left corner of what bounds the ranges, by place.
func (t *lineThing) corner(p *linePage) (at [2]int) {
	for i, x := range t.boxes {
		x = p.places(x)
		for k := range at {
			if i == 0 || x.first[k] < at[k] {
				at[k] = x.first[k]
			}
		}
	}
	return at
}

// rehome makes the formulas those of another cell, by place.
func (t *lineThing) rehome(b *lineBook, to [2]int) {
	p := b.page(t.page)
	from := p.cell(t.heir)
	for _, f := range t.formulas {
		for _, token := range f {
			if token.ref != nil && t.relative() {
				t.wrapped = token.ref.shift(b, from, to) || t.wrapped
			}
		}
	}
	t.heir = p.ids(lineBox{to, to}).first
}

// relative reports whether the formulas go by the cell that they are for.
func (t *lineThing) relative() bool {
	return t.kind == aCell || t.kind == aFormat || t.kind == aValidation || t.kind == aSparkline
}

// shift makes the relative parts of a reference those of another cell; true where they go around the end of the sheet.
func (r *lineRef) shift(b *lineBook, from, to [2]int) (wraps bool) {
	p := b.page(r.page)
	if r.gone || p == nil {
		return false
	}
	at := p.places(r.box)
	for i := range at.first {
		if r.absolute[i] || r.whole[i] {
			continue
		}
		for _, end := range [...]*int{&at.first[i], &at.last[i]} {
			*end += to[i] - from[i]
			wraps = wraps || *end < 0
			*end = (*end + p.axes[i].size) % p.axes[i].size
		}
		r.box.first[i], r.box.last[i] = p.axes[i].at(at.first[i]), p.axes[i].at(at.last[i])
	}
	return wraps
}
