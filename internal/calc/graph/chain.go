package graph

// A model that goes on from row to row is dirty from some row to its end, and one row at a time
// would tell so in as many steps as there are rows. The two functions here take them at once.
// Both say only what the steps would say.

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

// loop is chain for several spans that read one another in a circle: columns of which each
// reads the row above of another. found, cells of the span at pos, is dirty because patch self is.
//
// If some steps before there was a patch of the same span, then the same steps lead from a
// place below that patch, if all above it are dirty too, to the place as far below found, up to where
// one of the spans on the way ends. That holds for reads that move with the cells, and for
// those with a fixed end for the reason that chain gives; but not over a step that was itself
// such a jump. Where all between the patch and found is dirty, one place after the other is
// reached, without an end but that.
func (p *propagation) loop(pos int32, found box, self int) box {
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
	n := self
	for range loopMax {
		if n < p.first {
			return found
		}
		x := &p.queue[n-p.first]
		if x.pos == pos {
			break
		}
		if x.jumped {
			return found
		}
		narrow(p.g.spans.at(p.ids[x.pos]).area, x.box)
		n = x.parent
	}
	if n < p.first || p.queue[n-p.first].pos != pos {
		return found
	}
	x := p.queue[n-p.first].box
	for axis := range 2 {
		if !found[1-axis].holds(x[1-axis]) {
			continue
		}
		// What was added along one axis does not lead on along the other: so only one.
		between := x
		if found[axis].hi > x[axis].hi {
			between[axis].hi = found[axis].lo - 1
			if between.empty() || r.covers(area, between) {
				found[axis].hi += room[axis].hi
				return found
			}
		}
		if found[axis].lo < x[axis].lo {
			between = x
			between[axis].lo = found[axis].hi + 1
			if between.empty() || r.covers(area, between) {
				found[axis].lo += room[axis].lo
				return found
			}
		}
	}
	return found
}
