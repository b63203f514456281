package kernel

import (
	"errors"
	"fmt"
	"time"
)

// Check looks whether the parts of the state agree with each other, and says what does
// not. It looks at everything: it is for tests.
func (k *Kernel) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	waiting, inFlight, expiring := 0, 0, 0
	for _, c := range k.classes {
		n := 0
		for t := c.oldest; t != nil; t = t.younger {
			n++
			if t.state != stateWaiting || t.part == nil {
				bad("class %s: a ticket in the queue is not waiting", c.Name)
			}
			if t.younger != nil && t.younger.arrived < t.arrived {
				bad("class %s: the queue is not in the order of arrival", c.Name)
			}
			if t.expiry >= 0 {
				expiring++
				if t.expiry >= k.expiries.len() || k.expiries.e[t.expiry].value != t || k.expiries.e[t.expiry].key != t.StartBy {
					bad("class %s: the end of a wait is not where its ticket says", c.Name)
				}
			}
		}
		if n != c.waiting {
			bad("class %s: %d tickets in the queue, %d counted", c.Name, n, c.waiting)
		}
		ran := 0
		for t := c.running; t != nil; t = t.next {
			ran++
			if t.state != stateRunning || t.next != nil && t.next.prev != t {
				bad("class %s: a ticket among those that run does not", c.Name)
			}
		}
		if ran != c.inFlight {
			bad("class %s: %d tickets run, %d counted", c.Name, ran, c.inFlight)
		}
		work := time.Duration(0)
		for t := c.oldest; t != nil; t = t.younger {
			work += t.work()
		}
		if work != c.work {
			bad("class %s: %v of work waits, %v counted", c.Name, work, c.work)
		}
		running := 0
		n = 0
		fattest, parts := 0, 0
		checkPart := func(p *part) {
			f := p.flow
			length := 0
			for t := p.head; t != nil; t = t.next {
				length++
			}
			if length != p.waiting {
				bad("class %s flow %d part %d: %d tickets, %d counted", c.Name, f.key, p.key, length, p.waiting)
			}
			if p.idle != (!p.shared && p.waiting == 0 && p.inFlight == 0 && p.riding == 0) {
				bad("class %s flow %d part %d: idle is %v with %d waiting, %d running and %d riding", c.Name, f.key, p.key, p.idle, p.waiting, p.inFlight, p.riding)
			}
			if (p.in != nil) != (p.waiting > 0) {
				bad("class %s flow %d part %d: %d tickets wait, and its place does not fit", c.Name, f.key, p.key, p.waiting)
			}
			if p.in == nil {
				return
			}
			b, s := p.in, p.in.in
			if b.flow != f || b.parts.e[p.place].value != p || b.parts.e[p.place].key != p.tag {
				bad("class %s flow %d part %d: it is not where it says, or goes by another tag", c.Name, f.key, p.key)
			}
			if s == nil || s.bunches.e[b.place].value != b || s.bunches.e[b.place].key != f.tag || f.bunchIn(s) != b {
				bad("class %s flow %d: its parts are not where they say, or go by another tag", c.Name, f.key)
			} else if !s.mixed && (s.load != c.loadOf(p) || s.need != p.head.Need) {
				bad("class %s flow %d part %d: it has %d of %d running, needs %v and waits among others", c.Name, f.key, p.key, p.inFlight, f.inFlight, p.head.Need)
			}
		}
		check := func(f *flow) {
			n += f.waiting
			running += f.inFlight
			fattest = max(fattest, f.waiting)
			waits, runs, rides, bunched := f.own.waiting, f.own.inFlight, f.own.riding, 0
			checkPart(&f.own)
			for _, p := range f.parts {
				waits, runs, rides = waits+p.waiting, runs+p.inFlight, rides+p.riding
				checkPart(p)
			}
			if f.crowd != nil {
				for _, p := range f.crowd {
					if p != nil {
						waits, runs, rides = waits+p.waiting, runs+p.inFlight, rides+p.riding
						checkPart(p)
					}
				}
			}
			for b := f.bunches; b != nil; b = b.next {
				for _, e := range b.parts.e {
					bunched += e.value.waiting
				}
			}
			if waits != f.waiting || runs != f.inFlight || rides != f.riding || bunched != waits {
				bad("class %s flow %d: its parts have %d waiting (%d by their places), %d running and %d riding, counted are %d, %d and %d", c.Name, f.key, waits, bunched, runs, rides, f.waiting, f.inFlight, f.riding)
			}
			if f.idle != (!f.shared && f.waiting == 0 && f.inFlight == 0 && f.riding == 0) {
				bad("class %s flow %d: idle is %v with %d waiting, %d running and %d riding", c.Name, f.key, f.idle, f.waiting, f.inFlight, f.riding)
			}
			parts += len(f.parts)
		}
		for f := range c.flows.all() {
			check(f)
			if c.flows.get(f.key) != f {
				bad("class %s flow %d: it is not found by its key", c.Name, f.key)
			}
		}
		for _, f := range c.shared {
			if f != nil {
				check(f)
			}
		}
		if n != c.waiting || running != c.inFlight {
			bad("class %s: its flows have %d waiting and %d running, counted are %d and %d", c.Name, n, running, c.waiting, c.inFlight)
		}
		if parts != c.parts {
			bad("class %s: %d parts, %d counted", c.Name, parts, c.parts)
		}
		if fattest != c.fattest {
			bad("class %s: the fattest flow has %d tickets, not %d", c.Name, fattest, c.fattest)
		}
		if s := c.stats; s.Started != s.Done+uint64(c.inFlight) {
			bad("class %s: %d started, %d done, %d running", c.Name, s.Started, s.Done, c.inFlight)
		}
		decided := c.stats.Cancelled + c.stats.Joined
		for _, d := range c.stats.Outcomes {
			decided += d
		}
		if c.stats.Arrived != decided+uint64(c.waiting) {
			bad("class %s: %d arrived, %d decided, %d waiting", c.Name, c.stats.Arrived, decided, c.waiting)
		}
		waiting += c.waiting
		inFlight += c.inFlight
	}
	if waiting != k.waiting || inFlight != k.inFlight {
		bad("%d wait and %d run, counted are %d and %d", waiting, inFlight, k.waiting, k.inFlight)
	}
	if expiring != k.expiries.len() {
		bad("%d waits end, %d are counted", expiring, k.expiries.len())
	}
	if k.claim != nil && k.claim.head == nil {
		bad("the claim is of a flow without requests")
	}
	for r, res := range k.conf.Resources {
		if k.buffered[r] < 0 || res.Capacity-k.free[r] < k.buffered[r] {
			bad("resource %s: %d taken, of which %d by buffered classes", res.Name, res.Capacity-k.free[r], k.buffered[r])
		}
		if inFlight == 0 && k.free[r] != res.Capacity {
			bad("resource %s: nothing runs, and %d of %d are free", res.Name, k.free[r], res.Capacity)
		}
	}
	return errors.Join(errs...)
}
