package forks

import (
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/structure"
)

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
