package flow

import (
	"time"

	"gridflow/flow/kernel"
	"gridflow/flow/level"
)

// rotation takes the kinds of work of a levelled class in turn. It has no part in who goes
// next, which stays fair between clients and their parts: of what a part of a client has
// waiting it says which goes, so that its thirty comparisons do not hold up its one load.
// Each part that waits has a [level.Rotation], whose bound holds for its own starts.
type rotation struct {
	kinds   []level.Type    // in the order in which they were first seen
	index   map[string]int  // by name
	longest []time.Duration // interval of kinds, of all parts; see level.Rotation.Interval
	parts   map[asker]*turns
}

// asker is a part of a client, by the hashes that the kernel knows them by.
type asker struct{ client, part uint64 }

func askerOf(t *kernel.Ticket) asker { return asker{t.Flow, t.Part} }

// turns are those of one part.
type turns struct {
	*level.Rotation
	waiting int
}

func newRotation() *rotation {
	return &rotation{index: make(map[string]int), parts: make(map[asker]*turns)}
}

// kind gives the number of a kind. Those that come when there are as many as a Rotation can
// hold count as the last.
func (r *rotation) kind(name string) int {
	i, ok := r.index[name]
	switch {
	case ok:
		return i
	case len(r.kinds) == level.TypesMax:
		return level.TypesMax - 1
	}
	i = len(r.kinds)
	r.index[name] = i
	r.kinds = append(r.kinds, level.Type{Name: name, Lot: 1})
	r.longest = append(r.longest, 0)
	return i
}

// add takes in a call that may have to wait.
func (r *rotation) add(now kernel.Instant, w *waiter, name string) {
	w.kind, w.rotates = r.kind(name), r
	c := r.parts[askerOf(&w.Ticket)]
	if c == nil {
		types := make([]level.Type, level.TypesMax) // of those to come the names are not known yet, and not needed
		for i := range types {
			types[i].Lot = 1
		}
		rotation, err := level.NewRotation(types)
		if err != nil {
			panic(err) // they are as many as may be, and their lots are 1
		}
		c = &turns{Rotation: rotation}
		r.parts[askerOf(&w.Ticket)] = c
	}
	c.Add(now, w.kind)
	c.waiting++
}

// choose says which of a part's calls starts; see [kernel.Kernel.Order].
func (r *rotation) choose(now kernel.Instant, oldest *kernel.Ticket, could func(*kernel.Ticket) bool) *kernel.Ticket {
	c := r.parts[askerOf(oldest)]
	if c == nil {
		return oldest // all that waits was there before the levelling began
	}
	chosen := oldest
	if kind, ok := c.Turn(); ok {
		for t := oldest; t != nil; t = t.Behind() {
			if w := t.Owner.(*waiter); w.rotates == r && w.kind == kind && askerOf(t) == askerOf(oldest) && could(t) {
				chosen = t
				break
			}
		}
	}
	r.leave(now, chosen.Owner.(*waiter), true)
	return chosen
}

// leave takes out a call that starts, or does not wait any more.
func (r *rotation) leave(now kernel.Instant, w *waiter, starts bool) {
	if w.rotates != r {
		return
	}
	w.rotates = nil
	c := r.parts[askerOf(&w.Ticket)]
	if starts {
		c.Take(now, w.kind)
		r.longest[w.kind] = max(r.longest[w.kind], c.Interval(w.kind))
	} else {
		c.Drop(w.kind)
	}
	if c.waiting--; c.waiting == 0 {
		delete(r.parts, askerOf(&w.Ticket))
	}
}

// took notes how long a call of a kind ran.
func (r *rotation) took(name string, took time.Duration) {
	k := &r.kinds[r.kind(name)]
	k.Longest = max(k.Longest, took)
}

// A Rotation tells how the kinds of work of a levelled class take turns.
type Rotation struct {
	Kinds []KindTurns

	// Bound is the time within which every kind that a part of a client has waiting is
	// started, as long as the part has a seat: one piece of each kind, as long as the longest so far
	// and never quicker than the pace (EPEI, "every part every interval").
	Bound time.Duration

	Gap       time.Duration // between two starts, now
	Adherence float64       // the part of the last starts that came a gap after the one before, give or take a tenth
}

// KindTurns tells of one kind.
type KindTurns struct {
	Name    string
	Waiting int
	Longest time.Duration // that one took
	Apart   time.Duration // the longest in which a part of a client had some waiting and none of it started
}

// Rotation tells how the kinds of work of a class take turns; false where its starts are not
// levelled.
func (g *Gate) Rotation(class int) (Rotation, bool) {
	g.mustHave(class)
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &g.steer[class]
	if s.rotation == nil {
		return Rotation{}, false
	}
	r := Rotation{Gap: s.pacer.Interval(), Adherence: s.pacer.Adherence()}
	for i, k := range s.rotation.kinds {
		r.Kinds = append(r.Kinds, KindTurns{Name: k.Name, Longest: k.Longest, Apart: s.rotation.longest[i]})
		r.Bound += max(k.Longest, r.Gap)
	}
	for _, c := range s.rotation.parts {
		for i := range r.Kinds {
			r.Kinds[i].Waiting += c.Waiting(i)
		}
	}
	return r, true
}
