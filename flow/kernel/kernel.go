package kernel

import (
	"fmt"
	"math"
	"time"
)

// A Kernel is the state of the scheduler. The events are Arrive, Cancel, Done, HandOver,
// Advance, Drain and Reconfigure; each takes the time, which must not go back (if it does, the
// latest counts), and appends what it has decided to out. One goroutine at a time.
type Kernel struct {
	conf    Config
	classes []*class

	now        Instant
	dispatched Instant // the last time at which it was looked who may start
	free       Amounts // of each resource
	buffered   Amounts // taken by requests of buffered classes
	bufferedAt Instant // when the last request of a buffered class arrived
	hadBuffer  bool    // one ever has
	bufferMin  int     // the smallest buffer

	vtime             float64 // as in class, one storey up
	waiting, inFlight int
	level             Level
	draining          bool
	seq               uint64

	expiries heap[Instant, *Ticket] // tickets whose StartBy comes before WaitMax, by it
	expirySq uint64
	claim    *part // it goes first, and what its head needs is kept free; nil: nobody does
	claimant *class

	spare        *flow  // flows to use again, linked by idleNext
	spareParts   *part  // the same of parts
	spareBunches *bunch // and of bunches, by next
}

// New makes a kernel with nothing in it.
func New(conf Config) (*Kernel, error) {
	conf.Classes = append([]Class(nil), conf.Classes...)
	conf.Resources = append([]Resource(nil), conf.Resources...)
	if err := conf.check(); err != nil {
		return nil, err
	}
	k := &Kernel{conf: conf, bufferMin: conf.smallestBuffer()}
	for i := range conf.Classes {
		c := &class{Class: conf.Classes[i], kernel: k, index: i}
		k.classes = append(k.classes, c)
	}
	for i, r := range conf.Resources {
		k.free[i] = r.Capacity
	}
	return k, nil
}

// Reconfigure changes bounds, weights and capacities. Classes and resources must be the
// same by number and name; their order too. What waits or runs stays: a smaller bound
// holds for what comes. The error says what is wrong with the configuration, and then
// nothing has changed.
func (k *Kernel) Reconfigure(now Instant, conf Config, out []Decision) ([]Decision, error) {
	conf.Classes = append([]Class(nil), conf.Classes...)
	conf.Resources = append([]Resource(nil), conf.Resources...)
	if err := conf.check(); err != nil {
		return out, err
	}
	if len(conf.Classes) != len(k.conf.Classes) || len(conf.Resources) != len(k.conf.Resources) {
		return out, fmt.Errorf("flow: a running scheduler keeps its %d classes and %d resources", len(k.conf.Classes), len(k.conf.Resources))
	}
	for i := range conf.Classes {
		if conf.Classes[i].Name != k.conf.Classes[i].Name {
			return out, fmt.Errorf("flow: class %d is %q in a running scheduler, not %q", i, k.conf.Classes[i].Name, conf.Classes[i].Name)
		}
	}
	for i := range conf.Resources {
		if conf.Resources[i].Name != k.conf.Resources[i].Name {
			return out, fmt.Errorf("flow: resource %d is %q in a running scheduler, not %q", i, k.conf.Resources[i].Name, conf.Resources[i].Name)
		}
	}
	now = k.at(now)
	for i, r := range conf.Resources {
		k.free[i] += r.Capacity - k.conf.Resources[i].Capacity
	}
	k.conf, k.bufferMin = conf, conf.smallestBuffer()
	k.relevel()
	for i, c := range k.classes {
		c.Class = conf.Classes[i]
		for p := range c.waitingParts() {
			c.moved(p)
		}
		// What can never fit any more would wait for nothing.
		for t := c.oldest; t != nil; {
			next := t.younger
			if !k.possible(c, t) {
				out = k.drop(t, Impossible, 0, out)
			}
			t = next
		}
	}
	return k.dispatch(now, out), nil
}

// at takes note of the time.
func (k *Kernel) at(now Instant) Instant {
	k.now = max(k.now, now)
	return k.now
}

// Arrive brings a new ticket. The first decision about it may be among those appended
// now, or come with a later event.
func (k *Kernel) Arrive(now Instant, t *Ticket, out []Decision) []Decision {
	now = k.at(now)
	if t.state != stateNew {
		panic("kernel: Arrive of a ticket that waits or runs")
	}
	if k.outgrow(now) {
		out = k.dispatch(now, out)
	}
	c := k.classes[t.Class]
	t.arrived, t.expiry = now, -1
	c.stats.Arrived++
	if c.Buffered {
		k.bufferedAt, k.hadBuffer = now, true
	}
	refuse := func(o Outcome, after time.Duration) []Decision {
		c.stats.Outcomes[o]++
		return append(out, Decision{t, o, after})
	}
	p, o, after := k.admit(c, t, now)
	if o != Started {
		return refuse(o, after)
	}

	// Nothing that waits could start just now, else it would have (or will with the Advance
	// that is due in this moment). So if nothing of this class waits and the ticket fits, it is
	// its turn.
	if c.waiting == 0 && c.open(now) && k.room(c, p, &t.Need) {
		c.welcome(p, t)
		c.tag = max(c.tag, k.vtime)
		c.catchUp(p)
		t.part = p
		return append(out, k.start(c, t, now, false))
	}

	victim, full := k.placeFor(c, p.flow, p.waiting)
	if full != Started {
		c.rest(p, now)
		c.tally(true, now)
		after := c.retryAfter()
		if full == FullQueue {
			after = max(after, k.retryAfter())
		}
		return refuse(full, after)
	}
	if victim != nil {
		out = k.drop(victim, Displaced, k.classes[victim.Class].retryAfter(), out)
	}
	c.welcome(p, t)
	k.join(c, t, p, now)
	return k.dispatch(now, out)
}

// admit gives the part of a request, or says for what it is refused however much room there
// is.
func (k *Kernel) admit(c *class, t *Ticket, now Instant) (p *part, o Outcome, after time.Duration) {
	switch {
	case k.draining:
		return nil, Draining, 0
	case c.ShedAt != LevelOK && k.level >= c.ShedAt:
		return nil, Shed, k.retryAfter()
	case !k.possible(c, t):
		return nil, Impossible, 0
	case t.StartBy > 0 && now >= t.StartBy:
		return nil, TooLate, 0
	}
	f := k.flowOf(c, t.Flow, now)
	if c.Rate > 0 {
		if ok, wait := f.take(f.known(t.Flow, t.Part), now, c.Rate, c.Burst); !ok {
			c.rest(&f.own, now) // the flow may have been made for this ticket
			return nil, RateLimited, time.Duration(math.Ceil(wait * 1e9))
		}
	}
	p = k.partOf(c, f, t.Flow, t.Part, now)
	if c.Rate > 0 {
		p.took = now
	}
	return p, Started, 0
}

// welcome makes a part and its flow ready for a ticket that will wait or start.
func (c *class) welcome(p *part, t *Ticket) {
	c.rouse(p)
	p.flow.weight = float64(max(t.Weight, 1))
	p.weight = float64(max(t.PartBy, 1))
}

// Ride lets a ticket in that needs nothing of its own, because what it wants comes of
// another one that runs. It is refused for the reasons that have nothing to do with room, and
// if its flow has as many that ride or wait as may wait. Else it does not wait, and rides until
// Alight.
func (k *Kernel) Ride(now Instant, t *Ticket) Decision {
	now = k.at(now)
	if t.state != stateNew {
		panic("kernel: Ride of a ticket that waits or runs")
	}
	c := k.classes[t.Class]
	t.arrived = now
	c.stats.Arrived++
	p, o, after := k.admit(c, t, now)
	if o == Started && p.flow.riding+p.flow.waiting >= c.FlowQueueMax {
		c.rest(p, now)
		o, after = FullFlow, c.retryAfter()
	}
	if o != Started {
		c.stats.Outcomes[o]++
		return Decision{t, o, after}
	}
	c.ride(t, p)
	return Decision{t, Started, 0}
}

// ride notes that a ticket rides.
func (c *class) ride(t *Ticket, p *part) {
	c.rouse(p)
	t.state, t.part = stateRiding, p
	p.riding++
	p.flow.riding++
	c.stats.Joined++
}

// Alight ends the ride of a ticket. Nothing comes back, since it has taken nothing.
func (k *Kernel) Alight(now Instant, t *Ticket) {
	if t.state != stateRiding {
		panic("kernel: Alight of a ticket that does not ride")
	}
	p := t.part
	p.riding--
	p.flow.riding--
	t.state, t.part = stateNew, nil
	k.classes[t.Class].rest(p, k.at(now))
}

// placeFor looks for a place in the queue for a request of a flow, of whose part so many
// wait. It may be that of another, which has to go; or there is none, for the reason given.
func (k *Kernel) placeFor(c *class, f *flow, waiting int) (victim *Ticket, full Outcome) {
	within := func() (*Ticket, Outcome) { // the flow has to make room for itself
		if p := f.fattest(); p != nil && waiting+1 < p.waiting {
			return p.tail, Started
		}
		return nil, full
	}
	if f.waiting >= c.FlowQueueMax {
		full = FullFlow
		return within()
	}
	v := c // the class that gives way
	switch {
	case c.waiting >= c.QueueMax:
		full = FullClass
	case k.waiting >= k.conf.QueueMax:
		// The one that is fullest by its weight, so that a crowd in one class does not keep
		// out the few of another.
		full = FullQueue
		most := float64(c.waiting+1) / float64(c.Weight)
		for _, o := range k.classes {
			if by := float64(o.waiting) / float64(o.Weight); o != c && by > most {
				v, most = o, by
			}
		}
	default:
		return nil, Started
	}
	if v == c && f.waiting+1 >= c.fattest {
		return within()
	}
	return v.fat[v.fattest].fattest().tail, Started
}

// Peek tells for what Arrive would refuse any ticket of the flow and its part, whatever it
// needs, and when another try may succeed; AnyPart: of any part. Started: for nothing that
// can be told before. It changes nothing.
func (k *Kernel) Peek(now Instant, class int, key, part uint64) (o Outcome, after time.Duration) {
	c := k.classes[class]
	switch {
	case k.draining:
		return Draining, 0
	case c.ShedAt != LevelOK && k.level >= c.ShedAt:
		return Shed, k.retryAfter()
	}
	f := c.flows.get(key)
	if f == nil {
		return Started, 0
	}
	p := f.known(key, part)
	if c.Rate > 0 {
		any, wait := f.lacks(p, max(k.now, now), c.Rate, c.Burst)
		if part == AnyPart {
			wait = any
		}
		if wait > 0 {
			return RateLimited, time.Duration(math.Ceil(wait * 1e9))
		}
	}
	// A flow with a full queue has requests waiting, so that no other one starts at once.
	waiting := 0
	if p != nil {
		waiting = p.waiting
	}
	if f.waiting >= c.FlowQueueMax {
		if _, o := k.placeFor(c, f, waiting); o != Started {
			return o, c.retryAfter()
		}
	}
	return Started, 0
}

// AnyPart stands for a part that is not known, in [Kernel.Peek].
const AnyPart = ^uint64(0)

// Cancel takes back a ticket whose owner waits no more, and reports whether it was
// waiting. One that has been decided about stays as it is: if it runs, Done is still due.
func (k *Kernel) Cancel(now Instant, t *Ticket, out []Decision) ([]Decision, bool) {
	now = k.at(now)
	if t.state != stateWaiting {
		return out, false
	}
	c := k.classes[t.Class]
	k.quit(c, t, now)
	c.stats.Cancelled++
	return k.dispatch(now, out), true
}

// Join takes a waiting ticket out of the queue because what it wants comes of another one
// that runs: it needs nothing of its own, and rides until Alight. It reports whether the
// ticket was waiting.
func (k *Kernel) Join(now Instant, t *Ticket, out []Decision) ([]Decision, bool) {
	now = k.at(now)
	if t.state != stateWaiting {
		return out, false
	}
	c, p := k.classes[t.Class], t.part
	k.quit(c, t, now)
	c.ride(t, p)
	return k.dispatch(now, out), true
}

// Done gives back what a running ticket held. What it took is charged to its flow.
func (k *Kernel) Done(now Instant, t *Ticket, out []Decision) []Decision {
	now = k.at(now)
	if t.state != stateRunning {
		panic("kernel: Done of a ticket that does not run")
	}
	k.end(t, now)
	if k.inFlight == 0 && k.waiting == 0 {
		k.vtime = 0
		for _, c := range k.classes {
			c.tag = 0
		}
		return out
	}
	return k.dispatch(now, out)
}

// HandOver ends a running ticket and starts another in its place: what the first gives back
// is not offered to anybody before the second has it. It is for work that a request leaves
// behind, which has its seat already and must not wait for one. The second starts if it
// could, were it alone with what runs: within its class's bounds, and without the buffer,
// used or not. If not it is false, nothing has changed, and the first runs on.
func (k *Kernel) HandOver(now Instant, from, to *Ticket, out []Decision) ([]Decision, bool) {
	now = k.at(now)
	if from.state != stateRunning || to.state != stateNew {
		panic("kernel: HandOver of what does not run, or to what is not new")
	}
	k.outgrow(now)
	c := k.classes[to.Class]
	p, o, _ := k.admit(c, to, now)
	if o != Started {
		return k.dispatch(now, out), false
	}
	f := p.flow
	k.lend(from, 1)
	fits := (from.Class == to.Class || c.open(now)) && k.room(c, p, &to.Need) && k.besideBuffer(&to.Need)
	k.lend(from, -1)
	if !fits {
		c.rest(p, now)
		return k.dispatch(now, out), false
	}
	c.welcome(p, to)
	to.arrived, to.expiry = now, -1
	c.stats.Arrived++
	if c.Buffered {
		k.bufferedAt, k.hadBuffer = now, true
	}
	f.inFlight++ // so that the end of the first does not make them idle
	p.inFlight++
	k.end(from, now)
	f.inFlight--
	p.inFlight--
	if c.waiting == 0 {
		c.tag = max(c.tag, k.vtime)
	}
	if p.waiting == 0 {
		c.catchUp(p)
	}
	// Nobody's turn has come: virtual time stays where it is for those who wait.
	vtime, within := c.vtime, f.vtime
	to.part = p
	out = append(out, k.start(c, to, now, true))
	if c.waiting > 0 {
		c.vtime = vtime
	}
	if f.waiting > 0 {
		f.vtime = within
	}
	return k.dispatch(now, out), true
}

// besideBuffer reports whether there is as much without what is left of the buffers: who
// comes for a place in a buffer would get it on top of what there is, as long as that lasts.
func (k *Kernel) besideBuffer(need *Amounts) bool {
	for r := range k.conf.Resources {
		if need[r] > 0 && need[r] > k.free[r]-k.spareBuffer(r) {
			return false
		}
	}
	return true
}

// lend counts what a running ticket holds as free (by 1) or as taken again (by -1).
func (k *Kernel) lend(t *Ticket, by int64) {
	for r := range k.conf.Resources {
		k.free[r] += by * t.Need[r]
		if t.buffered {
			k.buffered[r] -= by * t.Need[r]
		}
	}
}

// end takes a ticket that runs out of what runs, and charges it. What it held is free.
func (k *Kernel) end(t *Ticket, now Instant) {
	c, p := k.classes[t.Class], t.part
	f := p.flow
	c.count(now)
	took := now - t.started
	more := float64(max(took, costMin) - t.charged)
	p.charge(more)
	c.tag = later(c.tag, more/float64(c.Weight))
	k.outgrow(now)
	if t.buffered {
		k.unbuffer(c, t)
	}
	for r := range k.conf.Resources {
		k.free[r] += t.Need[r]
	}
	c.ended(t)
	t.state, t.part = stateNew, nil
	f.inFlight--
	p.inFlight--
	if c.Buffered {
		c.moved(p)
	}
	c.inFlight--
	k.inFlight--
	c.stats.Done++
	c.ns.service += float64(took)
	if p.inFlight == 0 && p.waiting == 0 {
		c.rest(p, now)
		if f.idleHead != nil {
			c.forgetParts(f, now, 1)
		}
		c.forget(now, 1)
	}
	// At the end of a busy period all debts are forgiven: there is nobody to owe to. And
	// virtual time begins anew, so that the tags do not grow as long as the server lives.
	if f.inFlight == 0 && f.waiting == 0 {
		f.busy++
		f.vtime = 0
	}
	if c.inFlight == 0 && c.waiting == 0 {
		c.period++
		c.vtime = 0
	}
}

// Advance lets time pass: waits end, gaps close, buffers open.
func (k *Kernel) Advance(now Instant, out []Decision) []Decision {
	now = k.at(now)
	k.outgrow(now)
	for k.expiries.len() > 0 && k.expiries.e[0].key <= now {
		t := k.expiries.e[0].value
		out = k.drop(t, TooLate, k.classes[t.Class].retryAfter(), out)
	}
	for _, c := range k.classes {
		for c.WaitMax > 0 && c.oldest != nil && now-c.oldest.arrived >= c.WaitMax {
			out = k.drop(c.oldest, WaitedOut, c.retryAfter(), out)
		}
	}
	return k.dispatch(now, out)
}

// Next tells when Advance has something to do if no other event comes before; false: not
// at all.
func (k *Kernel) Next() (Instant, bool) {
	if k.waiting == 0 {
		return 0, false
	}
	at, ok := Instant(math.MaxInt64), false
	sooner := func(t Instant) {
		if t = max(t, k.now+1); t < at {
			at, ok = t, true
		}
	}
	// A moment that has been seen to pass changes nothing any more. One that passed with an
	// event in which nobody was looked for, since that one could start at once, still does.
	moment := func(t Instant) {
		if t > k.dispatched {
			sooner(t)
		}
	}
	if k.expiries.len() > 0 {
		sooner(k.expiries.e[0].key)
	}
	for _, c := range k.classes {
		if c.short.head != nil && c.ShortMax > 0 {
			moment(c.short.head.started + c.ShortMax)
		}
		if c.waiting == 0 {
			continue
		}
		if c.WaitMax > 0 {
			sooner(c.oldest.arrived + c.WaitMax)
		}
		if c.Gap > 0 {
			moment(c.startedAt + c.Gap)
		}
		if c.AgeMax > 0 && c.short.head != nil { // its claim lets others outgrow the buffer
			moment(c.servedAt + c.AgeMax)
		}
		if !c.Buffered && k.hadBuffer {
			moment(k.bufferedAt + k.conf.BufferIdle)
		}
	}
	return at, ok
}

// Drain ends admission: what arrives from now on is refused. What waits keeps its turn,
// unless empty is set: then it is refused too.
func (k *Kernel) Drain(now Instant, empty bool, out []Decision) []Decision {
	k.at(now)
	k.draining = true
	if empty {
		for _, c := range k.classes {
			for c.oldest != nil {
				out = k.drop(c.oldest, Draining, 0, out)
			}
		}
	}
	return out
}

// SetLimit changes how many requests of a class may run at once; 0: as many as fit. Less
// than 0 counts as 1: a class that may run nothing would keep its requests waiting for ever.
func (k *Kernel) SetLimit(now Instant, class, limit int, out []Decision) []Decision {
	now = k.at(now)
	if limit < 0 {
		limit = 1
	}
	k.classes[class].Limit = limit
	k.conf.Classes[class].Limit = limit
	return k.dispatch(now, out)
}

// SetGap changes the least time between two starts of a class.
func (k *Kernel) SetGap(now Instant, class int, gap time.Duration, out []Decision) []Decision {
	now = k.at(now)
	k.classes[class].Gap = gap
	k.conf.Classes[class].Gap = gap
	return k.dispatch(now, out)
}

// drop takes a waiting ticket out with the given outcome.
func (k *Kernel) drop(t *Ticket, o Outcome, after time.Duration, out []Decision) []Decision {
	c := k.classes[t.Class]
	k.quit(c, t, k.now)
	switch o {
	case Displaced, WaitedOut, TooLate, Standing:
		c.tally(true, k.now)
	}
	c.stats.Outcomes[o]++
	return append(out, Decision{t, o, after})
}

// join puts a ticket into the queue of its class, with the end of its wait.
func (k *Kernel) join(c *class, t *Ticket, p *part, now Instant) {
	// The queue of a class is in the order of arrival, and so in that of WaitMax; only an
	// earlier end has to be remembered apart.
	if t.StartBy > 0 && (c.WaitMax == 0 || t.StartBy <= now+c.WaitMax) {
		k.expirySq++
		k.expiries.push(t.StartBy, k.expirySq, t, &t.expiry)
	}
	c.join(t, p, now)
	k.waiting++
	k.relevel()
}

// quit takes a ticket out of the queue of its class, because it starts or leaves.
func (k *Kernel) quit(c *class, t *Ticket, now Instant) {
	if t.expiry >= 0 {
		k.expiries.remove(t.expiry)
	}
	p := t.part
	c.quit(t, now)
	t.state, t.part = stateNew, nil
	c.rest(p, now)
	k.waiting--
	k.relevel()
}

// The shares of QueueMax, in percent, at which the levels begin, and how far below that
// they end.
var levelFrom = [...]int{LevelWarn: 70, LevelCritical: 90, LevelEmergency: 100}

const levelSlack = 10

// relevel sets the level anew from the number of tickets that wait.
func (k *Kernel) relevel() {
	share := k.waiting * 100 // of QueueMax, times QueueMax
	for k.level < LevelEmergency && share >= levelFrom[k.level+1]*k.conf.QueueMax {
		k.level++
	}
	for k.level > LevelOK && share < (levelFrom[k.level]-levelSlack)*k.conf.QueueMax {
		k.level--
	}
}
