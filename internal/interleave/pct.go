//go:build interleave

package interleave

import "math/rand/v2"

// pct is probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi and
// Nagarakatte, "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs",
// ASPLOS 2010). Threads get random priorities, and the highest that can go on does; at d-1
// random steps the one that would have gone on becomes the lowest. With n threads and k
// steps, one execution finds a fault that needs d orderings with probability at least
// 1/(n·k^(d-1)). k is not known before: it is the longest execution so far. A wait that
// could end both ways ends in a random one.
type pct struct {
	rand     *rand.Rand
	left     int // executions
	changes  []int
	longest  int
	priority [maxThreads]int // of the threads; larger goes first; 0 where not drawn yet
	lowest   int
}

func newPCT(o Options) *pct {
	p := &pct{
		rand:    rand.New(rand.NewPCG(o.Seed, 0)),
		left:    max(o.Runs, 1),
		changes: make([]int, o.Depth-1),
		longest: 1,
	}
	p.draw()
	return p
}

// draw prepares one execution.
func (p *pct) draw() {
	p.priority = [maxThreads]int{}
	p.lowest = -1
	for i := range p.changes {
		p.changes[i] = p.rand.IntN(p.longest)
	}
}

func (p *pct) pick(e *explorer, enabled set) transition {
	best := p.best(e, enabled)
	for _, at := range p.changes {
		if at == len(e.schedule) {
			p.priority[best] = p.lowest
			p.lowest--
			best = p.best(e, enabled)
		}
	}
	ways := enabled & of(best)
	x := ways.first()
	if rest := ways &^ x.set(); rest != 0 && p.rand.IntN(2) == 0 {
		x = rest.first()
	}
	return x
}

// best gives the thread with the highest priority. A thread gets its priority when it is
// first seen; two that draw the same one go in the order of their start.
func (p *pct) best(e *explorer, enabled set) int {
	best := -1
	for i := range e.machine.Threads {
		if p.priority[i] == 0 {
			p.priority[i] = 1 + p.rand.IntN(1<<30)
		}
		if enabled&of(i) != 0 && (best < 0 || p.priority[i] > p.priority[best]) {
			best = i
		}
	}
	return best
}

func (p *pct) again(e *explorer) bool {
	p.longest = max(p.longest, len(e.schedule))
	p.left--
	p.draw()
	return p.left > 0
}
