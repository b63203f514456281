package kernel

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// driver feeds events to a kernel and keeps its own, plain account of what must be true.
type driver struct {
	k       *Kernel
	now     Instant
	waiting map[*Ticket]bool
	running map[*Ticket]bool
	log     []string // of decisions, as "3 started"
	ids     map[*Ticket]int
	odd     time.Duration // a time to come back that nobody should be told
}

func drive(t testing.TB, conf Config) *driver {
	k, err := New(conf)
	if err != nil {
		t.Fatal(err)
	}
	return &driver{k: k, waiting: map[*Ticket]bool{}, running: map[*Ticket]bool{}, ids: map[*Ticket]int{}}
}

func (d *driver) take(out []Decision) {
	for _, o := range out {
		d.log = append(d.log, fmt.Sprint(d.ids[o.Ticket], " ", o.Outcome))
		switch o.Outcome {
		case FullFlow, FullClass, FullQueue, Displaced, Shed, WaitedOut, Standing:
			if o.RetryAfter < 100*time.Millisecond || o.RetryAfter > 30*time.Second || o.RetryAfter%(10*time.Millisecond) != 0 {
				d.log = append(d.log, fmt.Sprint("refused with ", o.RetryAfter))
				d.odd = o.RetryAfter
			}
		case RateLimited:
			if o.RetryAfter <= 0 {
				d.odd = -1
			}
		}
		delete(d.waiting, o.Ticket)
		if o.Outcome == Started {
			d.running[o.Ticket] = true
		}
	}
}

func (d *driver) arrive(r Request) *Ticket {
	t := &Ticket{Request: r}
	d.ids[t] = len(d.ids) + 1
	d.waiting[t] = true
	d.take(d.k.Arrive(d.now, t, nil))
	return t
}

func (d *driver) cancel(t *Ticket) {
	delete(d.waiting, t)
	out, _ := d.k.Cancel(d.now, t, nil)
	d.take(out)
}

func (d *driver) done(t *Ticket) {
	delete(d.running, t)
	d.take(d.k.Done(d.now, t, nil))
}

// handOver hands what one ticket holds to another, and looks whether that was right.
func (d *driver) handOver(from *Ticket, r Request) (to *Ticket, err error) {
	to = &Ticket{Request: r}
	d.ids[to] = len(d.ids) + 1
	held, arrived := d.k.Used(), d.k.Stats(r.Class).Arrived
	delete(d.running, from)
	out, ok := d.k.HandOver(d.now, from, to, nil)
	if !ok {
		d.running[from] = true
		delete(d.ids, to)
		d.take(out)
		if !from.Running() || to.Running() || d.k.Stats(r.Class).Arrived != arrived {
			return nil, fmt.Errorf("what was not handed over has changed hands: %+v", to)
		}
		return nil, nil
	}
	if len(out) == 0 || out[0].Ticket != to || out[0].Outcome != Started || from.Running() || from.Waiting() {
		return nil, fmt.Errorf("handed over: %v", out)
	}
	conf := d.k.Config()
	if most := conf.Classes[to.Class].Limit; most > 0 && from.Class != to.Class && d.k.Running(to.Class) > most {
		return nil, fmt.Errorf("%d run in the class, where %d may", d.k.Running(to.Class), most)
	}
	for i, res := range conf.Resources {
		after := held[i] - from.Need[i] + to.Need[i]
		if to.Need[i] > 0 && after > res.Capacity && !conf.Classes[to.Class].Buffered {
			return nil, fmt.Errorf("%d of %d %s are taken by handing over", after, res.Capacity, res.Name)
		}
	}
	d.take(out)
	return to, nil
}

func (d *driver) advance(by time.Duration) {
	d.now += by
	d.take(d.k.Advance(d.now, nil))
}

// check compares the kernel with the driver's account, and looks that nothing waits that
// could start, and nothing waits for longer than it may.
func (d *driver) check() error {
	if err := d.k.Check(); err != nil {
		return err
	}
	if d.odd != 0 {
		return fmt.Errorf("somebody was told to come back after %v", d.odd)
	}
	if d.k.Waiting() != len(d.waiting) || d.k.InFlight() != len(d.running) {
		return fmt.Errorf("%d wait and %d run, by the kernel %d and %d", len(d.waiting), len(d.running), d.k.Waiting(), d.k.InFlight())
	}
	var used Amounts
	for t := range d.running {
		if !t.Running() {
			return fmt.Errorf("ticket %d has started and does not run", d.ids[t])
		}
		for r := range used {
			used[r] += t.Need[r]
		}
	}
	if used != d.k.Used() {
		return fmt.Errorf("running tickets hold %v, by the kernel %v", used, d.k.Used())
	}
	conf := d.k.Config()
	for r, res := range conf.Resources {
		if used[r] > res.Capacity+res.Buffer {
			return fmt.Errorf("resource %s: %d of %d are taken", res.Name, used[r], res.Capacity)
		}
	}
	for t := range d.waiting {
		if !t.Waiting() {
			return fmt.Errorf("ticket %d waits, and the kernel does not know it", d.ids[t])
		}
		if max := conf.Classes[t.Class].WaitMax; max > 0 && d.now-t.Arrived() >= max {
			return fmt.Errorf("ticket %d has waited for %v of %v", d.ids[t], d.now-t.Arrived(), max)
		}
	}
	if _, f, out := d.k.pick(d.now, nil); f != nil || len(out) > 0 {
		return fmt.Errorf("after the event there is more to decide: flow %v, %v", f, out)
	}
	return nil
}

// queued gives how many wait of the class of a request, and in all.
func (d *driver) queued(r Request) (n [2]int) {
	for t := range d.waiting {
		n[1]++
		if t.Class == r.Class {
			n[0]++
		}
	}
	return n
}

// TestInvariants throws random events at random configurations.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		conf := drawConfig(t)
		k, err := New(conf)
		if err != nil {
			t.Fatalf("%v: %+v", err, conf)
		}
		d := &driver{k: k, waiting: map[*Ticket]bool{}, running: map[*Ticket]bool{}, ids: map[*Ticket]int{}}
		riding := map[*Ticket]bool{}
		anyOf := func(set map[*Ticket]bool, label string) *Ticket {
			byID := map[int]*Ticket{}
			var ids []int
			for t := range set {
				byID[d.ids[t]] = t
			}
			for i := range len(d.ids) {
				if byID[i+1] != nil {
					ids = append(ids, i+1)
				}
			}
			if len(ids) == 0 {
				return nil
			}
			return byID[rapid.SampledFrom(ids).Draw(t, label)]
		}
		t.Repeat(map[string]func(*rapid.T){
			"arrive": func(t *rapid.T) {
				r := Request{
					Class:  rapid.IntRange(0, len(conf.Classes)-1).Draw(t, "class"),
					Flow:   rapid.Uint64Range(1, 6).Draw(t, "flow"),
					Part:   rapid.Uint64Range(0, 4).Draw(t, "part"),
					PartBy: rapid.Int64Range(0, 3).Draw(t, "part's weight"),
					Weight: rapid.Int64Range(0, 3).Draw(t, "weight"),
					Cost:   rapid.SampledFrom([]time.Duration{0, time.Millisecond, 30 * time.Millisecond, time.Second}).Draw(t, "cost"),
				}
				for i := range conf.Resources {
					r.Need[i] = rapid.Int64Range(0, conf.Resources[i].Capacity+1).Draw(t, "need")
				}
				if rapid.Bool().Draw(t, "hurried") {
					r.StartBy = d.now + rapid.SampledFrom([]time.Duration{1, 20 * time.Millisecond, time.Second}).Draw(t, "by")
				}
				before := d.queued(r)
				d.arrive(r)
				now, conf := d.queued(r), d.k.Config()
				for i, most := range []int{conf.Classes[r.Class].QueueMax, conf.QueueMax} {
					if now[i] > max(before[i], most) { // it had more before a smaller configuration
						t.Fatalf("of the class and in all %v wait, before it came %v; of %s at most %d may", now, before, [...]string{"the class", "all"}[i], most)
					}
				}
			},
			"done": func(t *rapid.T) {
				if x := anyOf(d.running, "running"); x != nil {
					d.done(x)
				}
			},
			"hand over": func(t *rapid.T) {
				x := anyOf(d.running, "running")
				if x == nil {
					return
				}
				r := Request{
					Class: rapid.IntRange(0, len(conf.Classes)-1).Draw(t, "class"),
					Flow:  rapid.Uint64Range(1, 6).Draw(t, "flow"),
					Cost:  rapid.SampledFrom([]time.Duration{0, 30 * time.Millisecond}).Draw(t, "cost"),
					Need:  x.Need,
				}
				if rapid.Bool().Draw(t, "more") {
					r.Need[0]++
				}
				if _, err := d.handOver(x, r); err != nil {
					t.Fatal(err)
				}
			},
			"ride": func(t *rapid.T) {
				x := anyOf(d.waiting, "waiting")
				if x != nil && rapid.Bool().Draw(t, "called in") {
					out, joined := d.k.Join(d.now, x, nil)
					if !joined {
						t.Fatal("a ticket that waits is not called in")
					}
					delete(d.waiting, x)
					riding[x] = true
					d.take(out)
					return
				}
				x = &Ticket{Request: Request{
					Class: rapid.IntRange(0, len(conf.Classes)-1).Draw(t, "class"),
					Flow:  rapid.Uint64Range(1, 6).Draw(t, "flow"),
					Part:  rapid.Uint64Range(0, 4).Draw(t, "part"),
				}}
				d.ids[x] = len(d.ids) + 1
				if d.k.Ride(d.now, x).Outcome == Started {
					riding[x] = true
				}
			},
			"alight": func(t *rapid.T) {
				if x := anyOf(riding, "riding"); x != nil {
					delete(riding, x)
					d.k.Alight(d.now, x)
				}
			},
			"cancel": func(t *rapid.T) {
				if x := anyOf(d.waiting, "waiting"); x != nil {
					d.cancel(x)
				}
			},
			"time": func(t *rapid.T) {
				if at, ok := d.k.Next(); ok && rapid.Bool().Draw(t, "exact") {
					d.advance(at - d.now)
				} else {
					d.advance(rapid.SampledFrom([]time.Duration{1, time.Millisecond, 70 * time.Millisecond, 3 * time.Second}).Draw(t, "by"))
				}
			},
			"limit": func(t *rapid.T) {
				d.take(d.k.SetLimit(d.now, rapid.IntRange(0, len(conf.Classes)-1).Draw(t, "class"), rapid.IntRange(0, 3).Draw(t, "limit"), nil))
			},
			"reconfigure": func(t *rapid.T) {
				next := drawConfig(t)
				out, err := d.k.Reconfigure(d.now, next, nil)
				if same := len(next.Classes) == len(conf.Classes) && len(next.Resources) == len(conf.Resources); same == (err != nil) {
					t.Fatalf("reconfiguring: %v", err)
				}
				if err == nil {
					conf = next
				}
				d.take(out)
			},
			"": func(t *rapid.T) {
				if err := d.check(); err != nil && !shrunk(err, d) {
					t.Fatal(err)
				}
			},
		})
		for x := range riding {
			d.k.Alight(d.now, x)
		}
		// Whatever happened, all that waits gets its turn or leaves.
		for range 10000 {
			if len(d.waiting)+len(d.running) == 0 {
				break
			}
			if x := anyOf(d.running, "running"); x != nil {
				d.done(x)
			} else if at, ok := d.k.Next(); ok {
				d.advance(at - d.now)
			} else {
				t.Fatalf("%d tickets wait for nothing", len(d.waiting))
			}
		}
		if len(d.waiting)+len(d.running) > 0 {
			t.Fatalf("%d tickets wait and %d run for ever", len(d.waiting), len(d.running))
		}
	})
}

// shrunk forgives what a smaller configuration may leave behind: more taken than there
// is now, and waits that began under a longer bound.
func shrunk(err error, d *driver) bool {
	for r, res := range d.k.Config().Resources {
		if d.k.Used()[r] > res.Capacity+res.Buffer {
			return true
		}
	}
	for t := range d.waiting {
		if max := d.k.Config().Classes[t.Class].WaitMax; max > 0 && d.now-t.Arrived() >= max {
			return true
		}
	}
	return false
}

func drawConfig(t *rapid.T) Config {
	var conf Config
	for i := range rapid.IntRange(1, 3).Draw(t, "classes") {
		c := Class{
			Name:     fmt.Sprint("c", i),
			Weight:   rapid.Int64Range(0, 4).Draw(t, "weight"),
			QueueMax: rapid.IntRange(1, 6).Draw(t, "queue"),
			WaitMax:  rapid.SampledFrom([]time.Duration{0, 50 * time.Millisecond, time.Second}).Draw(t, "wait"),
			AgeMax:   rapid.SampledFrom([]time.Duration{0, 10 * time.Millisecond, time.Second}).Draw(t, "age"),
			Limit:    rapid.IntRange(0, 3).Draw(t, "limit"),
			Target:   rapid.SampledFrom([]time.Duration{0, 20 * time.Millisecond}).Draw(t, "target"),
			Interval: rapid.SampledFrom([]time.Duration{20 * time.Millisecond, time.Second}).Draw(t, "interval"),
			Gap:      rapid.SampledFrom([]time.Duration{0, 0, 30 * time.Millisecond}).Draw(t, "gap"),
			Buffered: rapid.Bool().Draw(t, "buffered"),
			ShortMax: rapid.SampledFrom([]time.Duration{0, 20 * time.Millisecond}).Draw(t, "short"),
			ShedAt:   Level(rapid.IntRange(0, 3).Draw(t, "shed")),
		}
		c.FlowQueueMax = rapid.IntRange(0, c.QueueMax).Draw(t, "flow queue")
		if rapid.Bool().Draw(t, "rated") {
			c.Rate, c.Burst = 20, 3
		}
		conf.Classes = append(conf.Classes, c)
	}
	for i := range rapid.IntRange(1, 2).Draw(t, "resources") {
		r := Resource{Name: fmt.Sprint("r", i), Capacity: rapid.Int64Range(1, 5).Draw(t, "capacity")}
		r.Buffer = rapid.Int64Range(0, r.Capacity-1).Draw(t, "buffer")
		conf.Resources = append(conf.Resources, r)
	}
	conf.QueueMax = rapid.IntRange(0, 9).Draw(t, "all")
	conf.FlowsMax = rapid.SampledFrom([]int{0, 2}).Draw(t, "flows")
	conf.PartsMax = rapid.SampledFrom([]int{0, 2}).Draw(t, "parts")
	conf.FlowIdle = rapid.SampledFrom([]time.Duration{0, time.Millisecond}).Draw(t, "idle")
	conf.BufferIdle = rapid.SampledFrom([]time.Duration{0, 20 * time.Millisecond}).Draw(t, "buffer idle")
	return conf
}

// TestQueueMost: bounds that would overflow as a sum or in percent are refused, and weights that leave nothing to others. With the largest
// ones the level of a kernel in which a few wait is that of empty queues.
func TestQueueMost(t *testing.T) {
	conf := func(total int, queues ...int) Config {
		c := Config{Resources: []Resource{{Name: "seats", Capacity: 1}}, QueueMax: total}
		for i, q := range queues {
			c.Classes = append(c.Classes, Class{Name: fmt.Sprint(i), QueueMax: q, ShedAt: LevelEmergency})
		}
		return c
	}
	const most = int(^uint(0) >> 1)
	heavy := conf(0, 1, 1)
	heavy.Classes[1].Weight = WeightMost + 1
	for _, c := range []Config{
		heavy,
		conf(0, most, most, most), conf(0, QueueMost+1), conf(0, most/70+1), conf(2*QueueMost+1, 1, 1), conf(most, 1),
	} {
		if _, err := New(c); err == nil {
			t.Errorf("queues of %d in all are taken: %+v", c.QueueMax, c.Classes)
		}
		k, err := New(conf(0, 1, 1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Reconfigure(0, c, nil); err == nil {
			t.Errorf("queues of %d in all are taken later on: %+v", c.QueueMax, c.Classes)
		}
	}
	for _, c := range []Config{conf(0, QueueMost, QueueMost), conf(2*QueueMost, QueueMost, QueueMost)} {
		d := drive(t, c)
		for class := range 2 {
			d.arrive(Request{Class: class, Need: Amounts{1}})
			d.arrive(Request{Class: class, Need: Amounts{1}})
		}
		if d.k.Level() != LevelOK || len(d.waiting) != 3 {
			t.Errorf("with %d waiting of %d the level is %v", len(d.waiting), d.k.Config().QueueMax, d.k.Level())
		}
	}
}
