package kernel

import (
	"slices"
	"testing"
	"time"
)

// refused brings a request that is not let in, and gives what it is told.
func (d *driver) refused(r Request) (o Outcome, after time.Duration) {
	t := &Ticket{Request: r}
	d.ids[t] = len(d.ids) + 1
	d.waiting[t] = true
	out := d.k.Arrive(d.now, t, nil)
	d.take(out)
	for _, x := range out {
		if x.Ticket == t {
			return x.Outcome, x.RetryAfter
		}
	}
	return Started, 0
}

// TestRetryAfter: who is refused is told when there will be room, by what is expected of
// what runs and waits, from the first burst on.
func TestRetryAfter(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		name    string
		class   Class
		seats   int64
		costs   []time.Duration // of those that come first
		elapsed time.Duration
		want    time.Duration
	}{
		{"one runs, one waits", Class{QueueMax: 1, Limit: 1}, 4, []time.Duration{10 * s, 5 * s}, 0, 15 * s},
		{"it has run for a while", Class{QueueMax: 1, Limit: 1}, 4, []time.Duration{10 * s, 5 * s}, 4 * s, 11 * s},
		{"longer than expected", Class{QueueMax: 1, Limit: 1}, 4, []time.Duration{s, s}, 6 * s, 7 * s},
		{"several at once", Class{QueueMax: 2, Limit: 2}, 4, []time.Duration{4 * s, 4 * s, 6 * s, 6 * s}, 0, 10 * s},
		{"as many as there are seats", Class{QueueMax: 2}, 2, []time.Duration{4 * s, 4 * s, 6 * s, 6 * s}, 0, 10 * s},
		{"more than are looked at", Class{QueueMax: 1, Limit: 100}, 100, slices.Repeat([]time.Duration{4 * s}, 101), s, (100*3*s + 4*s) / 100},
		{"no longer than anything waits", Class{QueueMax: 1, Limit: 1, WaitMax: 8 * s}, 4, []time.Duration{20 * s, 20 * s}, 0, 8 * s},
		{"no longer than anybody should", Class{QueueMax: 1, Limit: 1}, 4, []time.Duration{time.Hour, time.Hour}, 0, 30 * s},
		{"rounded up", Class{QueueMax: 1, Limit: 1}, 4, []time.Duration{s, s + time.Nanosecond}, 0, 2*s + 10*time.Millisecond},
		{"never at once", Class{QueueMax: 1, Limit: 1}, 4, []time.Duration{0, 0}, 0, 100 * time.Millisecond},
		{"starts that are apart", Class{QueueMax: 2, Gap: 3 * s}, 4, []time.Duration{1, 1, 1}, 0, 6 * s},
	} {
		c.class.Name = "a"
		d := drive(t, seat(c.seats, c.class))
		for _, cost := range c.costs {
			d.arrive(ask(0, 1, cost, 1))
		}
		d.now += c.elapsed
		if o, after := d.refused(ask(0, 1, s, 1)); o != FullFlow || after != c.want {
			t.Errorf("%s: %v, told %v and not %v", c.name, o, after, c.want)
		}
	}
}

// TestRetryAfterAgain: who is refused later is told less, and who is refused in the same moment
// is told of what has started since.
func TestRetryAfterAgain(t *testing.T) {
	const s = time.Second
	d := drive(t, seat(4, Class{Name: "a", QueueMax: 1, Limit: 1}))
	told := func(want time.Duration) {
		t.Helper()
		if o, after := d.refused(ask(0, 1, s, 1)); o != FullFlow || after != want {
			t.Errorf("%v, told %v and not %v", o, after, want)
		}
	}
	first := d.arrive(ask(0, 1, 10*s, 1))
	d.arrive(ask(0, 1, 5*s, 1))
	told(15 * s)
	d.now += 4 * s
	told(11 * s)
	d.done(first)
	d.arrive(ask(0, 1, 20*s, 1))
	told(25 * s)
}

// TestRetryAfterOthers: a class that has nothing running, because others have what it needs,
// tells when they will be done.
func TestRetryAfterOthers(t *testing.T) {
	d := drive(t, seat(1, Class{Name: "a", QueueMax: 5}, Class{Name: "b", QueueMax: 1, ShedAt: LevelCritical}))
	d.arrive(ask(0, 1, 20*time.Second, 1))
	d.arrive(ask(1, 1, time.Second, 1))
	if o, after := d.refused(ask(1, 1, time.Second, 1)); o != FullFlow || after != 21*time.Second {
		t.Errorf("%v, told %v", o, after)
	}
	for range 5 {
		d.arrive(ask(0, 1, time.Second, 1))
	}
	if o, after := d.refused(ask(1, 1, time.Second, 1)); o != Shed || after != 26*time.Second {
		t.Errorf("%v, told %v", o, after)
	}
	if o, after := d.k.Peek(d.now, 1, 1, 0); o != Shed || after != 26*time.Second {
		t.Errorf("beforehand %v, told %v", o, after)
	}
}
