package forks

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/structure"
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

// lineChange is a structural change that is being made.
type lineChange struct {
	structure.Change
	b        *lineBook
	fresh    *int
	on, to   *linePage
	axis     int
	lines    bool
	deletes  bool
	gap      bool // cells come or go, at lines of some columns or rows alone
	from     lineBox
	by       [2]int
	lines0   int // the first line of a gap
	linesN   int
	occupied lineBox // where cells come to
}

// change makes a structural change.
func (b *lineBook) change(c structure.Change, fresh *int) {
	x := lineChange{Change: c, b: b, fresh: fresh}
	switch c.Kind {
	case structure.AddSheet:
		*fresh--
		b.pages = slices.Insert(b.pages, c.Position, newLinePage(*fresh, c.Sheet))
		return
	case structure.RenameSheet:
		b.named(c.Sheet).name = c.Name
		return
	case structure.MoveSheet:
		i := slices.Index(b.pages, b.named(c.Sheet))
		p := b.pages[i]
		b.pages = slices.Insert(slices.Delete(b.pages, i, i+1), c.Position, p)
		return
	case structure.DeleteSheet:
		x.on = b.named(c.Sheet)
		b.things = slices.DeleteFunc(b.things, func(t *lineThing) bool { return t.page == x.on.id })
		for r := range b.refs {
			if r.page == x.on.id && (r.named || !r.gone) {
				r.lost = b.place(r)
			}
		}
		b.pages = slices.DeleteFunc(b.pages, func(p *linePage) bool { return p == x.on })
		return
	case structure.MoveCells:
		x.on, x.to = b.named(c.Sheet), b.named(c.Target())
		x.from = lineBoxOf(c.Range)
		x.by = [2]int{c.To.Row - c.Range.First.Row, c.To.Col - c.Range.First.Col}
		x.occupied = x.from.moved(x.by)
		if x.gap = c.Shift; x.gap {
			if x.by[0] == 0 {
				x.axis = 1
			}
			x.deletes, x.lines0, x.linesN = x.by[x.axis] < 0, x.from.first[x.axis], x.by[x.axis]
			if x.deletes {
				x.lines0, x.linesN = x.lines0+x.by[x.axis], -x.by[x.axis]
			}
		}
	default:
		x.on, x.lines = b.named(c.Sheet), true
		x.deletes = c.Kind == structure.DeleteRows || c.Kind == structure.DeleteColumns
		if c.Kind == structure.InsertColumns || c.Kind == structure.DeleteColumns {
			x.axis = 1
		}
	}
	x.make()
}

func newLinePage(id int, name string) *linePage {
	return &linePage{id: id, name: name, axes: [2]lineAxis{{size: cell.MaxRows}, {size: cell.MaxCols}}}
}

func lineBoxOf(r cell.Range) lineBox {
	return lineBox{[2]int{r.First.Row, r.First.Col}, [2]int{r.Last.Row, r.Last.Col}}
}

func (x lineBox) moved(by [2]int) lineBox {
	for i := range by {
		x.first[i] += by[i]
		x.last[i] += by[i]
	}
	return x
}

func (x lineBox) holds(y lineBox) bool {
	return x.first[0] <= y.first[0] && x.last[0] >= y.last[0] && x.first[1] <= y.first[1] && x.last[1] >= y.last[1]
}

func (x lineBox) common(y lineBox) (lineBox, bool) {
	for i := range x.first {
		x.first[i], x.last[i] = max(x.first[i], y.first[i]), min(x.last[i], y.last[i])
	}
	return x, x.first[0] <= x.last[0] && x.first[1] <= x.last[1]
}

// without gives what is left of x: what is above of y, left, right and below.
func (x lineBox) without(y lineBox) (list []lineBox) {
	y, ok := x.common(y)
	if !ok {
		return []lineBox{x}
	}
	above, left, right, below := x, x, x, x
	above.last[0], below.first[0] = y.first[0]-1, y.last[0]+1
	for _, side := range [...]*lineBox{&left, &right} {
		side.first[0], side.last[0] = y.first[0], y.last[0]
	}
	left.last[1], right.first[1] = y.first[1]-1, y.last[1]+1
	for _, part := range [...]lineBox{above, left, right, below} {
		if _, ok := part.common(part); ok {
			list = append(list, part)
		}
	}
	return list
}

// refs yields all references.
func (b *lineBook) refs(yield func(*lineRef) bool) {
	for _, t := range b.things {
		for _, f := range t.formulas {
			for _, token := range f {
				if token.ref != nil && !yield(token.ref) {
					return
				}
			}
		}
	}
}

// make lets everything follow, and changes the lines last.
func (x *lineChange) make() {
	var things []*lineThing
	for _, t := range x.b.things {
		things = append(things, x.follow(t)...)
	}
	x.b.things = things
	left := map[*lineRef]bool{}
	for r := range x.b.refs {
		left[r] = !r.gone && r.lost == ""
		x.reference(r)
	}
	for _, t := range x.b.things {
		for _, f := range t.formulas {
			for _, token := range f {
				if r := token.ref; r != nil && left[r] && r.page != t.page {
					r.named = true
				}
			}
		}
	}
	for _, t := range x.b.things {
		if t.anchor != nil && t.page == x.on.id {
			defer x.reanchor(t.anchor)()
		}
	}
	if x.lines {
		breaks := &x.on.breaks[x.axis]
		*breaks = slices.DeleteFunc(*breaks, x.goes)
		x.on.axes[x.axis].change(x.At, x.Count, x.deletes, x.fresh)
		*breaks = slices.DeleteFunc(*breaks, func(id int) bool { return x.on.axes[x.axis].place(id) == 0 })
	}
}

// reanchor gives what has a chart lie where it should, once the lines have changed.
func (x *lineChange) reanchor(a *lineAnchor) func() {
	was := x.on.places(a.box)
	if !x.lines {
		if r := (lineRef{page: x.on.id, box: a.box}); a.edited {
			if x.reference(&r); !r.gone && r.page == x.on.id {
				a.box = r.box
			}
		}
		return func() {}
	}
	// Where its line goes, it lies at the next one.
	axis := &x.on.axes[x.axis]
	for _, end := range [...]*int{&a.box.first[x.axis], &a.box.last[x.axis]} {
		at := axis.place(*end)
		for x.goes(axis.at(at)) {
			at++
		}
		*end = axis.at(at)
	}
	return func() {
		is := x.on.places(a.box)
		switch a.how {
		case "absolute":
			is = was
		case "oneCell":
			for i := range is.first {
				is.last[i] = is.first[i] + was.last[i] - was.first[i]
			}
		}
		a.box = x.on.ids(is)
	}
}

// goes reports whether a line of the sheet goes.
func (x *lineChange) goes(id int) bool {
	at := x.on.axes[x.axis].place(id)
	return x.deletes && x.At <= at && at < x.At+x.Count
}

// shrink lets go the lines that go from the ends of a rectangle; false where nothing is left.
func (x *lineChange) shrink(box *lineBox) bool {
	if !x.deletes {
		return true
	}
	axis := &x.on.axes[x.axis]
	first, last := axis.place(box.first[x.axis]), axis.place(box.last[x.axis])
	for first <= last && x.goes(axis.at(first)) {
		first++
	}
	for first <= last && x.goes(axis.at(last)) {
		last--
	}
	box.first[x.axis], box.last[x.axis] = axis.at(first), axis.at(last)
	return first <= last
}

// follow gives what becomes of a thing: nothing, itself, or a part on each of two sheets.
func (x *lineChange) follow(t *lineThing) (out []*lineThing) {
	if len(t.boxes) == 0 {
		return []*lineThing{t}
	}
	own := x.b.page(t.page)
	corner := t.corner(own)
	t.rehome(x.b, corner)
	if t.page != x.on.id && (x.to == nil || t.page != x.to.id) {
		return []*lineThing{t}
	}
	type part struct {
		page int
		box  lineBox // afterwards, by identity
		was  [2]int  // its first cell, by place before
	}
	var parts []part
	for _, box := range t.boxes {
		was := own.places(box)
		switch {
		case !t.kind.cover:
			r := lineRef{page: t.page, box: box}
			x.reference(&r)
			switch {
			case r.gone:
			case r.page != t.page: // its cells leave it behind
				parts = append(parts, part{t.page, box, was.first})
			default:
				t.criteria = x.criteria(t, box, r.box)
				parts = append(parts, part{t.page, r.box, was.first})
			}
		case x.lines:
			if x.shrink(&box) {
				parts = append(parts, part{t.page, box, own.places(box).first})
			}
		case x.gap:
			// Between the edges of the gap it is as if lines came or went; what lies beyond them stays.
			across, between := 1-x.axis, lineBox{last: [2]int{own.axes[0].size - 1, own.axes[1].size - 1}}
			between.first[across], between.last[across] = x.from.first[across], x.from.last[across]
			moves, ok := was.common(between)
			r := lineRef{page: t.page, box: own.ids(moves)}
			if x.reference(&r); !ok || !r.gone && r.box == own.ids(moves) {
				parts = append(parts, part{t.page, box, was.first})
				continue
			}
			for _, s := range was.without(between) {
				parts = append(parts, part{t.page, own.ids(s), s.first})
			}
			if x.deletes && moves.first[x.axis] >= x.lines0 {
				moves.first[x.axis] = max(moves.first[x.axis], x.lines0+x.linesN)
			}
			if !r.gone {
				parts = append(parts, part{t.page, r.box, moves.first})
			}
		default:
			stay := []lineBox{was}
			if t.page == x.on.id {
				if moves, ok := was.common(x.from); ok {
					parts = append(parts, part{x.to.id, x.to.ids(moves.moved(x.by)), moves.first})
				}
				stay = was.without(x.from)
			}
			for _, s := range stay {
				if t.page != x.to.id {
					parts = append(parts, part{t.page, own.ids(s), s.first})
					continue
				}
				for _, left := range s.without(x.occupied) {
					parts = append(parts, part{t.page, own.ids(left), left.first})
				}
			}
		}
	}
	pages := []int{t.page}
	if x.to != nil && x.to.id != t.page {
		pages = append(pages, x.to.id)
	}
	for _, page := range pages {
		n := t.clone()
		n.boxes, n.page = nil, page
		heir, found := [2]int{}, false
		for _, p := range parts {
			if p.page != page {
				continue
			}
			n.boxes = append(n.boxes, p.box)
			if !found {
				heir, found = p.was, true
			}
		}
		if page == t.page && t.kind == aNote && !found && slices.ContainsFunc(parts, func(p part) bool { return p.page != page }) {
			out = append(out, t) // it stays behind, which a save tells
			continue
		}
		if !found || page != t.page && t.kind.stays || t.kind == aMerge && n.boxes[0].first == n.boxes[0].last {
			continue
		}
		if t.relative() {
			at, there := x.locate(t.page, corner)
			if there && at.page == page {
				heir = corner
			} else {
				at, _ = x.locate(t.page, heir)
			}
			n.page = t.page
			n.rehome(x.b, heir)
			n.page, n.heir = page, at.box.first
		}
		out = append(out, n)
	}
	return out
}

// criteria gives those of a filter that was in one rectangle and is in another: each goes with its column, which does not leave the filter.
func (x *lineChange) criteria(t *lineThing, was, is lineBox) (out []lineCriterion) {
	own := x.b.page(t.page)
	for _, c := range t.criteria {
		r := lineRef{page: t.page, box: was}
		r.box.first[1], r.box.last[1] = c.column, c.column
		if x.lines || x.gap || x.from.holds(own.places(was)) {
			x.reference(&r)
		}
		c.column = r.box.first[1]
		at := own.axes[1].place(c.column)
		if !r.gone && own.axes[1].place(is.first[1]) <= at && at <= own.axes[1].place(is.last[1]) {
			out = append(out, c)
		}
	}
	return out
}

// locate gives where a cell is afterwards, as a reference; it is given by place.
func (x *lineChange) locate(page int, at [2]int) (lineRef, bool) {
	own := x.b.page(page)
	r := lineRef{page: page, box: own.ids(lineBox{at, at})}
	if x.lines {
		return r, page != x.on.id || !x.goes(r.box.first[x.axis])
	}
	if page == x.on.id && x.from.holds(lineBox{at, at}) {
		return lineRef{page: x.to.id, box: x.to.ids(lineBox{at, at}.moved(x.by))}, true
	}
	return r, page != x.to.id || !x.occupied.holds(lineBox{at, at})
}

// reference lets a reference follow.
func (x *lineChange) reference(r *lineRef) {
	if r.gone || r.lost != "" || r.page != x.on.id && (x.to == nil || r.page != x.to.id) {
		return
	}
	if x.lines {
		r.gone = !r.whole[x.axis] && !x.shrink(&r.box)
		return
	}
	own := x.b.page(r.page)
	at := own.places(r.box)
	for i := range r.whole {
		if r.whole[i] {
			at.first[i], at.last[i] = 0, own.axes[i].size-1
		}
	}
	switch {
	case x.gap:
		across := 1 - x.axis
		if at.first[across] < x.from.first[across] || at.last[across] > x.from.last[across] || r.whole[x.axis] {
			return
		}
		// Within these columns, or rows, it is as if whole ones came or went.
		first, last := at.first[x.axis], at.last[x.axis]
		if !x.deletes {
			if first >= x.lines0 {
				first += x.linesN
			}
			if last >= x.lines0 {
				last += x.linesN
			}
		} else {
			left := 0
			for line := at.first[x.axis]; line <= at.last[x.axis]; line++ {
				if line < x.lines0 || line >= x.lines0+x.linesN {
					left++
				}
			}
			if left == 0 {
				r.gone = true
				return
			}
			if first >= x.lines0 {
				first = max(first-x.linesN, x.lines0)
			}
			last = first + left - 1
		}
		at.first[x.axis], at.last[x.axis] = first, last
		r.box = own.ids(at)
		return
	case r.page == x.on.id && x.from.holds(at):
		r.page, r.box = x.to.id, x.to.ids(at.moved(x.by))
		return
	case r.page == x.on.id && x.on == x.to && (x.by[0] == 0) != (x.by[1] == 0):
		along := 0
		if x.by[0] == 0 {
			along = 1
		}
		if r.whole[along] {
			break
		}
		for _, end := range [...]bool{false, true} {
			edge, to := at, at
			if end {
				edge.first[along] = at.last[along]
				to.last[along] += x.by[along]
			} else {
				edge.last[along] = at.first[along]
				to.first[along] += x.by[along]
			}
			if x.from.holds(edge) && to.first[along] <= to.last[along] {
				r.box = own.ids(to)
				return
			}
		}
	}
	if r.page == x.to.id && x.occupied.holds(at) {
		r.gone = true
	}
}

// place writes what stands behind the name of the sheet.
func (b *lineBook) place(r *lineRef) string {
	switch {
	case r.lost != "":
		return r.lost
	case r.gone:
		return "#REF!"
	}
	at := b.page(r.page).places(r.box)
	corner := func(x [2]int) string {
		var s strings.Builder
		for _, i := range [...]int{1, 0} {
			if r.whole[i] {
				continue
			}
			if r.absolute[i] {
				s.WriteByte('$')
			}
			if i == 1 {
				s.WriteString(cell.ColumnName(x[1]))
			} else {
				fmt.Fprint(&s, x[0]+1)
			}
		}
		return s.String()
	}
	if r.one {
		return corner(at.first)
	}
	return corner(at.first) + ":" + corner(at.last)
}

// write gives a reference as it is written.
func (b *lineBook) write(r *lineRef) string {
	prefix := ""
	if r.lost != "" {
		prefix = "#REF!"
	} else if r.named {
		if prefix = b.page(r.page).name + "!"; strings.ContainsAny(prefix, " '") {
			prefix = "'" + strings.ReplaceAll(strings.TrimSuffix(prefix, "!"), "'", "''") + "'!"
		}
	}
	return prefix + b.place(r)
}

func (b *lineBook) formula(f []lineToken) string {
	s := ""
	for _, token := range f {
		if s += token.text; token.ref != nil {
			s += b.write(token.ref)
		}
	}
	return s
}

// seen is what can be seen of a workbook: texts, by what they are of.
type seen map[string]string

// seenParts are ranges, by what they are of and the formulas that go with them: a rule may be in parts that say the same.
type seenParts map[string]map[string][]string

func (p seenParts) add(key, formulas string, ranges ...string) {
	if p[key] == nil {
		p[key] = map[string][]string{}
	}
	p[key][formulas] = append(p[key][formulas], ranges...)
}

func (p seenParts) into(s seen) {
	for key, parts := range p {
		for _, formulas := range slices.Sorted(maps.Keys(parts)) {
			list := parts[formulas]
			slices.Sort(list)
			s[key] += strings.Join(list, " ") + formulas
		}
	}
}

// ranges writes rectangles, in an order that does not matter.
func (p *linePage) ranges(boxes []lineBox) string {
	var list []string
	for _, x := range boxes {
		x = p.places(x)
		list = append(list, cell.Range{First: cell.Ref{Row: x.first[0], Col: x.first[1]}, Last: cell.Ref{Row: x.last[0], Col: x.last[1]}}.String())
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// seen gives what can be seen. Formulas that have gone around the end of a sheet are left out.
func (b *lineBook) seen() (seen, map[string]bool) {
	s, unsure, parts := seen{"sheets": ""}, map[string]bool{}, seenParts{}
	for _, p := range b.pages {
		s["sheets"] += p.name + "|"
		for i, ids := range p.breaks {
			var at []int
			for _, id := range ids {
				at = append(at, p.axes[i].place(id))
			}
			slices.Sort(at)
			s[fmt.Sprint("breaks ", p.name, " ", i)] = writeBreaks(at)
		}
	}
	values := b.values()
	for _, t := range b.things {
		key, ranges, formulas := t.kind.name+" "+t.key, "", ""
		if p := b.page(t.page); p != nil {
			key = t.kind.name + " " + p.name + " " + t.key
			ranges = p.ranges(t.boxes)
			switch t.kind {
			case aMerge:
				key = t.kind.name + " " + p.name + " " + ranges
			case aCell:
				value := "value " + p.name + " " + ranges
				s[value], unsure[value] = values[t], values[t] == circle
				key, ranges = t.kind.name+" "+p.name+" "+ranges, t.value
			}
		}
		n := t.clone()
		if t.relative() && len(t.boxes) > 0 {
			n.rehome(b, t.corner(b.page(t.page)))
		}
		for _, f := range n.formulas {
			formulas += " =" + b.formula(f)
		}
		if t.anchor != nil {
			at := b.page(t.page).places(t.anchor.box)
			formulas += writeAnchor(cell.Ref{Row: at.first[0], Col: at.first[1]}, cell.Ref{Row: at.last[0], Col: at.last[1]}, t.anchor.how)
		}
		for _, c := range t.criteria {
			axis := b.page(t.page).axes[1]
			formulas += writeCriterion(axis.place(c.column)-axis.place(t.boxes[0].first[1]), c.text)
		}
		parts.add(key, formulas, strings.Fields(ranges)...)
		unsure[key] = unsure[key] || n.wrapped
	}
	parts.into(s)
	return s, unsure
}

func writeBreaks(list []int) string { return strings.Trim(fmt.Sprint(list), "[]") }

func writeAnchor(from, to cell.Ref, how string) string {
	return fmt.Sprint(" ", from, "-", to, " ", how)
}

func writeCriterion(column int, text string) string { return fmt.Sprintf(" %d:%s", column, text) }

const circle = "circular"

// values calculates the cells: sums of what they refer to.
func (b *lineBook) values() map[*lineThing]string {
	cells := map[int]map[[2]int]*lineThing{}
	for _, t := range b.things {
		if t.kind != aCell {
			continue
		}
		if cells[t.page] == nil {
			cells[t.page] = map[[2]int]*lineThing{}
		}
		cells[t.page][b.page(t.page).cell(t.heir)] = t
	}
	values := map[*lineThing]string{}
	var of func(t *lineThing) string
	of = func(t *lineThing) string {
		if v, ok := values[t]; ok {
			return v
		}
		if len(t.formulas) == 0 {
			values[t] = t.value
			return t.value
		}
		values[t] = circle
		sum, wrong := 0, ""
		for _, token := range t.formulas[0] {
			r := token.ref
			if r == nil {
				continue
			}
			p := b.page(r.page)
			if r.gone || p == nil {
				wrong = cmp.Or(wrong, "#REF!")
				continue
			}
			at := p.places(r.box)
			for i := range r.whole {
				if r.whole[i] {
					at.first[i], at.last[i] = 0, p.axes[i].size-1
				}
			}
			for x, c := range cells[r.page] {
				if !at.holds(lineBox{x, x}) {
					continue
				}
				v, n := of(c), 0
				if _, err := fmt.Sscan(v, &n); err != nil && wrong != circle {
					wrong = v
				}
				sum += n
			}
		}
		values[t] = fmt.Sprint(sum)
		if wrong != "" {
			values[t] = wrong
		}
		return values[t]
	}
	for _, t := range b.things {
		if t.kind == aCell {
			of(t)
		}
	}
	return values
}

// lostPlace is a reference to a sheet that is gone. Where on it that was means nothing any more.
var lostPlace = regexp.MustCompile(`#REF![$A-Z0-9:]+`)

// diff tells where two differ, but for what is unsure.
func (s seen) diff(want seen, unsure map[string]bool) string {
	keys := map[string]bool{}
	for k := range s {
		keys[k] = true
	}
	for k := range want {
		keys[k] = true
	}
	out := ""
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if lostPlace.ReplaceAllString(s[k], "#REF!") != lostPlace.ReplaceAllString(want[k], "#REF!") && !unsure[k] {
			out += fmt.Sprintf("%s: %q, want %q\n", k, s[k], want[k])
		}
	}
	return out
}
