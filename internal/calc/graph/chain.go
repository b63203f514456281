package graph

// A model that goes on from row to row is dirty from some row to its end, and one row at a time
// would tell so in as many steps as there are rows. The two functions here take them at once.
// Both say only what the steps would say; that is why they need reads that look the same from
// every row.

// chain is for cells of a span that read others of the same span: because x is dirty, found
// is. Where the two touch and are alike along the other axis, the same step leads on from
// what it led to, as far as the span goes. With a fixed end it does so too: what is between
// that end and the dirty cells is either dirty at once or reached by the end that moves.
func chain(area, x, found box) box {
	for axis := range 2 {
		if found[1-axis] != x[1-axis] || !found[axis].touches(x[axis]) {
			continue
		}
		if found[axis].hi > x[axis].hi {
			found[axis].hi = area[axis].hi
		}
		if found[axis].lo < x[axis].lo {
			found[axis].lo = area[axis].lo
		}
	}
	return found
}

// loopMax is the number of steps that loop looks back.
const loopMax = 256

// steady gives the axes along which r moves with the cell: see patch.
func (r *read) steady() (s uint8) {
	for axis := range 2 {
		if r.axes[axis].kind == moving {
			s |= 1 << axis
		}
	}
	return s
}

// loop is chain for several spans that read one another in a circle: columns of which each
// reads the row above of another. found, cells of the span at pos, is dirty because patch self is,
// by a read that is steady along some axes.
//
// If some steps before there was a patch of the same span, and the steps from there to found
// all moved with the cells, then the same steps lead from any place below that patch to the
// place as far below found, up to where one of the spans on the way ends. Where all
// between the two is dirty, one such place after the other is, without an end but that.
func (p *propagation) loop(pos int32, found box, self int, steady uint8) box {
	r, area := &p.regions[pos], p.g.spans.at(p.ids[pos]).area
	if !r.some || !r.bounds[rows].touches(found[rows]) || !r.bounds[cols].touches(found[cols]) || r.covers(area, found) {
		return found
	}
	// How much further the steps go towards each end of each axis.
	room := [2]interval{{farBefore, farAfter}, {farBefore, farAfter}}
	narrow := func(a, x box) {
		for axis := range 2 {
			room[axis] = room[axis].and(interval{a[axis].lo - x[axis].lo, a[axis].hi - x[axis].hi})
		}
	}
	narrow(area, found)
	for n, i := self, 0; n >= p.first && steady != 0 && i < loopMax; i++ {
		x := &p.queue[n-p.first]
		if x.pos != pos {
			narrow(p.g.spans.at(p.ids[x.pos]).area, x.box)
			steady &= x.steady
			n = x.parent
			continue
		}
		for axis := range 2 {
			if steady&(1<<axis) == 0 || !found[1-axis].holds(x.box[1-axis]) {
				continue
			}
			// What was added along one axis does not lead on along the other: so only one.
			between := x.box
			if found[axis].hi > x.box[axis].hi {
				between[axis].hi = found[axis].lo - 1
				if between.empty() || r.covers(area, between) {
					found[axis].hi += room[axis].hi
					return found
				}
			}
			if found[axis].lo < x.box[axis].lo {
				between = x.box
				between[axis].lo = found[axis].hi + 1
				if between.empty() || r.covers(area, between) {
					found[axis].lo += room[axis].lo
					return found
				}
			}
		}
		return found
	}
	return found
}
