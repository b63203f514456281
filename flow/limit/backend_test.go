package limit

import (
	"math/rand/v2"
	"time"
)

// backend is the model that the adaptive limits are measured on, in virtual time: a
// number of servers that may change, one FIFO queue in front of them that nobody
// outside sees, work of exponential length. A gate with a Limiter stands before it;
// calls arrive as a Poisson process and wait at the gate, at most queue of them.
type backend struct {
	rng     *rand.Rand
	limiter Limiter
	queue   int                                   // calls that may wait at the gate
	offered func(now time.Duration) float64       // arrivals a second
	servers func(now time.Duration) int           // capacity; running work is never cut
	work    func(now time.Duration) time.Duration // mean length

	now      time.Duration
	events   events
	seq      int
	waiting  int
	inFlight int
	inside   []*call // in the backend's queue
	busy     int

	changes []Change
	onStep  func(from, to time.Duration) // state was constant in between
	onDone  func(c *call)
}

type call struct {
	began    time.Duration
	inFlight int
}

type event struct {
	at  time.Duration
	seq int
	do  func()
}

// events is a binary heap, earliest first. (container/heap would box each event, which
// is most of the time of a simulation.)
type events []event

func (e events) less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}

func (e *events) push(x event) {
	*e = append(*e, x)
	h := *e
	for i := len(h) - 1; i > 0 && h.less(i, (i-1)/2); i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
}

func (e *events) pop() event {
	h := *e
	first, last := h[0], len(h)-1
	h[0] = h[last]
	h[last] = event{}
	*e = h[:last]
	h = h[:last]
	for i := 0; ; {
		small := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(h); c++ {
			if h.less(c, small) {
				small = c
			}
		}
		if small == i {
			return first
		}
		h[i], h[small] = h[small], h[i]
		i = small
	}
}

func (b *backend) after(d time.Duration, do func()) {
	b.seq++
	b.events.push(event{b.now + d, b.seq, do})
}

func (b *backend) exp(mean time.Duration) time.Duration {
	return time.Duration(b.rng.ExpFloat64() * float64(mean))
}

func (b *backend) run(until time.Duration) {
	b.after(0, b.arrive)
	for len(b.events) > 0 {
		e := b.events.pop()
		if e.at > until {
			return
		}
		if b.onStep != nil && e.at > b.now {
			b.onStep(b.now, e.at)
		}
		b.now = e.at
		e.do()
		b.serve()
	}
}

func (b *backend) arrive() {
	if b.inFlight+b.waiting < b.limiter.Limit()+b.queue {
		b.waiting++
	}
	rate := b.offered(b.now)
	b.after(b.exp(time.Duration(float64(time.Second)/rate)), b.arrive)
}

// serve lets calls through the gate and gives work to free servers.
func (b *backend) serve() {
	for b.waiting > 0 && b.inFlight < b.limiter.Limit() {
		b.waiting--
		b.inFlight++
		b.inside = append(b.inside, &call{began: b.now, inFlight: b.inFlight})
	}
	for len(b.inside) > 0 && b.busy < b.servers(b.now) {
		c := b.inside[0]
		b.inside = b.inside[1:]
		b.busy++
		b.after(b.exp(b.work(b.now)), func() {
			b.busy--
			b.inFlight--
			if b.onDone != nil {
				b.onDone(c)
			}
			ch, ok := b.limiter.Observe(b.now, Sample{Service: b.now - c.began, InFlight: c.inFlight})
			if ok {
				b.changes = append(b.changes, ch)
			}
		})
	}
}
