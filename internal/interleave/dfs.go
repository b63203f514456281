//go:build interleave

package interleave

import (
	"fmt"
	"math/bits"
)

// The search is depth first and keeps no states: to try another transition at some point
// it executes the program from the start, along the path to that point. What it keeps is
// the path.
//
// Pruning is by sleep sets (Godefroid, "Partial-Order Methods for the Verification of
// Concurrent Systems", LNCS 1032, 1996, chapter 5). When all that follows transition t at
// a node has been executed, t sleeps at that node; it goes on sleeping below a sibling u,
// as long as nothing is done on which t depends, since u t … leads where t u … led. An
// execution ends early where all that is possible sleeps. Sleep sets save transitions but
// no states: every state that the full search reaches is still reached, and that is why
// the invariants may be any function of the state. Persistent sets and dynamic
// partial-order reduction save more and do not have that property.
//
// With a bound on preemptions that reasoning has a gap: the order t u … may cost more
// preemptions than u t …, and may not have been executed for that reason (Coons,
// Musuvathi and McKinley, "Bounded Partial-Order Reduction", OOPSLA 2013). So less sleeps
// then: only transitions of the thread p that made the step before the node and could go
// on, and only as long as each thread that runs in the meantime can go on too, or has
// finished, when its turn ends. Let the threads u1 … un make the steps that commute with
// a step t of p, and w be what follows t:
//
//	u1 … un t w   costs 1 (p preempted) + the switches within u1 … un, all of which are
//	              preemptions or leave a finished thread + [un not finished] + [t → w]
//	t u1 … un w   costs at most 1 (p preempted after t) + the same switches + [un → w]
//
// which is no more, as [un → w] is at most [un not finished]. Where some ui was blocked
// the first order would have had a switch for nothing that t could have made cost one.
type dfs struct {
	bound    int // of preemptions; negative for none
	unpruned bool
	path     []node
}

type node struct {
	enabled set
	sleep   set // what need not be executed here
	done    set // what has been executed here
	prev    int // the thread that made the step before, -1 at the start
	spent   int // preemptions before this node
	picked  transition
}

func newDFS(o Options) *dfs {
	d := &dfs{bound: -1, unpruned: o.Unpruned}
	if o.Mode == Bounded {
		d.bound = o.Bound
	}
	return d
}

func (s set) first() transition {
	if s == 0 {
		return none
	}
	return transition(bits.TrailingZeros64(uint64(s)))
}

// open gives the transitions of a node that are still to be executed.
func (d *dfs) open(n *node) set {
	open := n.enabled &^ n.sleep &^ n.done
	if d.bound >= 0 && n.spent >= d.bound && n.prev >= 0 && n.enabled&of(n.prev) != 0 {
		open &= of(n.prev)
	}
	return open
}

// take picks a transition of a node: the thread that ran goes on, if it can.
func (d *dfs) take(n *node) transition {
	open := d.open(n)
	n.picked = open.first()
	if n.prev >= 0 && open&of(n.prev) != 0 {
		n.picked = (open & of(n.prev)).first()
	}
	return n.picked
}

// preempts reports whether the picked transition takes the turn from a thread that could
// go on.
func (n *node) preempts() bool {
	return n.prev >= 0 && n.picked.thread() != n.prev && n.enabled&of(n.prev) != 0
}

func (d *dfs) pick(e *explorer, enabled set) transition {
	depth := len(e.schedule)
	if depth < len(d.path) {
		n := &d.path[depth]
		if n.enabled != enabled {
			e.fail(Diverged, fmt.Sprintf("at step %d other threads can go on than when the same schedule was executed before; the body must depend on nothing but the schedule (no time, no random numbers, no order of a map, no state that outlives it)", depth))
			return none
		}
		return n.picked
	}
	n := node{enabled: enabled, prev: -1}
	if depth > 0 {
		parent := &d.path[depth-1]
		n.prev = parent.picked.thread()
		n.spent = parent.spent
		if parent.preempts() {
			n.spent++
		}
		if !d.unpruned {
			n.sleep = d.asleep(e, parent, enabled)
		}
	}
	x := d.take(&n)
	if x != none {
		d.path = append(d.path, n)
	}
	return x
}

// asleep gives what sleeps after the picked transition of parent.
func (d *dfs) asleep(e *explorer, parent *node, enabled set) set {
	candidates := parent.done
	if d.bound >= 0 {
		if parent.prev < 0 {
			candidates = 0
		} else {
			candidates &= of(parent.prev)
		}
	}
	candidates |= parent.sleep
	candidates &^= of(parent.picked.thread())
	if candidates == 0 {
		return 0
	}
	if u := parent.picked.thread(); d.bound >= 0 && enabled&of(u) == 0 && !e.machine.Threads[u].Finished {
		return 0
	}
	var sleep set
	for s := candidates; s != 0; s &= s - 1 {
		x := s.first()
		if !e.footprint(x).Dependent(e.last) {
			sleep |= x.set()
		}
	}
	return sleep
}

func (d *dfs) again(*explorer) bool {
	for len(d.path) > 0 {
		n := &d.path[len(d.path)-1]
		n.done |= n.picked.set()
		if d.take(n) != none {
			return true
		}
		d.path = d.path[:len(d.path)-1]
	}
	return false
}
