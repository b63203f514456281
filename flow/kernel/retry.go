package kernel

import "time"

// The bounds of what a refused request is told. Who comes back sooner finds nothing
// changed; and what one can tell about later is not worth waiting for.
const (
	retryMin  = 100 * time.Millisecond
	retryMax  = 30 * time.Second
	retryStep = 10 * time.Millisecond // it is rounded up to a multiple of this
)

// work is what a request counts for in an estimate: what is believed of its cost, and no
// more than an estimate can come to.
func (t *Ticket) work() time.Duration { return min(max(t.Cost, costMin), retryMax) }

// left is how long a running request will probably take from now on. One that has taken
// longer than was expected is taken to need as long again: where a prediction failed, that
// is the best guess for work of which some takes far longer than most (and what is likely
// of a heavy-tailed duration).
func (t *Ticket) left(now Instant) time.Duration {
	took := now - t.started
	if took < t.charged {
		return min(t.charged-took, retryMax)
	}
	return min(max(took, costMin), retryMax)
}

// lookMax bounds the running requests that an estimate looks at: there is one for each that
// is refused, and these come fast. The latest stand for all.
const lookMax = 32

// ahead is the work of a class that waits or runs.
func (c *class) ahead(now Instant) time.Duration {
	return c.work + c.meanLeft(now)*time.Duration(c.inFlight)
}

// meanLeft is how long one of the running requests will probably take from now on. Those that
// are refused between two starts are told what was found for the first of them.
func (c *class) meanLeft(now Instant) time.Duration {
	if c.running == nil {
		return 0
	}
	if l := &c.looked; l.started != c.stats.Started || l.done != c.stats.Done || now-l.at >= retryStep/8 {
		sum, looked := time.Duration(0), 0
		for t := c.running; t != nil && looked < lookMax; t = t.next {
			sum += t.left(now)
			looked++
		}
		*l = look{now, c.stats.Started, c.stats.Done, sum / time.Duration(looked)}
	}
	return c.looked.left
}

// look is what was found of the running requests of a class, and when.
type look struct {
	at            Instant
	started, done uint64
	left          time.Duration // of one, as far as can be told
}

// retryAfter estimates when the queue will have room: when what is in it, and what runs, is
// through, by as many at once as run now. If starts have been slower than that lately, that
// counts: there are other classes, and predictions err. And nothing that waits now will wait
// for longer than WaitMax.
func (c *class) retryAfter() time.Duration {
	k := c.kernel
	after := c.ahead(k.now) / time.Duration(max(c.inFlight, 1))
	if c.inFlight == 0 && c.waiting > 0 { // others have what it needs
		after += k.soonest()
	}
	after = max(after, time.Duration(c.waiting)*max(c.gap, c.Gap))
	if c.WaitMax > 0 {
		after = min(after, c.WaitMax)
	}
	return rounded(after)
}

// retryAfter estimates when the queues together will have room.
func (k *Kernel) retryAfter() time.Duration {
	sum := time.Duration(0)
	for _, c := range k.classes {
		sum += c.ahead(k.now)
	}
	return rounded(sum / time.Duration(max(k.inFlight, 1)))
}

// soonest is when the first of what runs will probably be done.
func (k *Kernel) soonest() time.Duration {
	first := retryMax
	for _, c := range k.classes {
		looked := 0
		for t := c.running; t != nil && looked < lookMax; t = t.next {
			first = min(first, t.left(k.now))
			looked++
		}
	}
	return first
}

func rounded(d time.Duration) time.Duration {
	d = min(max(d, retryMin), retryMax)
	return (d + retryStep - 1) / retryStep * retryStep
}

// ran puts a ticket among those that run, ended takes it out.
func (c *class) ran(t *Ticket) {
	t.prev, t.next = nil, c.running
	if t.next != nil {
		t.next.prev = t
	}
	c.running = t
}

func (c *class) ended(t *Ticket) {
	if t.prev == nil {
		c.running = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	t.prev, t.next = nil, nil
}
