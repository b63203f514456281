package level

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestMeter(t *testing.T) {
	m, err := NewMeter(16 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if f := m.Figures(0); f != (Figures{}) {
		t.Errorf("before anything: %+v", f)
	}
	// Four a second, each taking half a second: eight seats' worth of nothing else.
	var now time.Duration
	for now = 0; now < 40*time.Second; now += 250 * time.Millisecond {
		m.Arrived(now)
		m.Done(now, 500*time.Millisecond)
		if f := m.Figures(now); now < 8*time.Second && f.Takt != 0 {
			t.Fatalf("takt %v after %v of a window of 16 s", f.Takt, now)
		}
	}
	f := m.Figures(now)
	if f.Takt != 250*time.Millisecond || f.Cycle != 500*time.Millisecond || f.ArrivalCV > 1e-6 || f.ServiceCV > 1e-6 {
		t.Errorf("%+v", f)
	}
	if r := f.Ratio(4); math.Abs(r-0.5) > 1e-9 {
		t.Errorf("four seats: ratio %v", r)
	}
	if r := f.Ratio(1); math.Abs(r-2) > 1e-9 {
		t.Errorf("one seat: ratio %v, want 2: more comes than can be done", r)
	}
	if f := m.Figures(now + time.Hour); f.Arrivals != 0 || f.Takt != 0 || f.Cycle != 0 || f.Ratio(4) != 0 || f.ArrivalCV != 0 {
		t.Errorf("an hour later: %+v", f)
	}
	if f := m.Figures(now); f.Arrivals != 0 {
		t.Errorf("time went backwards: %+v", f)
	}
	if _, err := NewMeter(0); err == nil {
		t.Error("a window of nothing is taken")
	}
}

// Gaps of 1 s and 3 s in turn: mean 2, standard deviation 1. Work of 1 s and 3 s too.
func TestMeterCV(t *testing.T) {
	m, _ := NewMeter(500 * time.Second)
	now := time.Duration(0)
	for i := range 200 {
		d := time.Duration(1+2*(i%2)) * time.Second
		now += d
		m.Arrived(now)
		m.Done(now, d)
	}
	f := m.Figures(now)
	if math.Abs(f.ArrivalCV-0.5) > 0.01 || math.Abs(f.ServiceCV-0.5) > 0.01 || math.Abs(f.Takt.Seconds()-2) > 0.02 {
		t.Errorf("%+v", f)
	}
}

// A Meter never holds more than the window, nor less than fifteen sixteenths of it.
func TestMeterWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const window = 16 * time.Second
		m, _ := NewMeter(window)
		var at []time.Duration
		now := time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(t, "origin"))
		for range rapid.IntRange(1, 200).Draw(t, "arrivals") {
			now += time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "gap"))
			at = append(at, now)
			m.Arrived(now)
			sure, most := 0, 0
			for _, a := range at {
				if a > now-window+window/meterSlots {
					sure++
				}
				if a >= now-window-window/meterSlots {
					most++
				}
			}
			if f := m.Figures(now); f.Arrivals < sure || f.Arrivals > most || f.WindowTime > window {
				t.Fatalf("%d arrivals in %v, want %d to %d", f.Arrivals, f.WindowTime, sure, most)
			}
		}
	})
}

func TestPacer(t *testing.T) {
	const ms = time.Millisecond
	p, err := NewPacer(0, 100*ms)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ now, next time.Duration }{
		{3 * time.Second, 3 * time.Second},               // no wait on an idle server
		{3 * time.Second, 3*time.Second + 100*ms},        // then an interval apart
		{3*time.Second + 105*ms, 3*time.Second + 105*ms}, // a little late …
		{3*time.Second + 105*ms, 3*time.Second + 200*ms}, // … does not put off the next
		{3*time.Second + 290*ms, 3*time.Second + 290*ms}, // much late …
		{3*time.Second + 290*ms, 3*time.Second + 390*ms}, // … counts from there
		{9 * time.Second, 9 * time.Second},               // the moments of a pause are gone:
		{9 * time.Second, 9*time.Second + 100*ms},        // no burst
		{9*time.Second + 100*ms, 9*time.Second + 100*ms}, //
		{9*time.Second + 150*ms, 9*time.Second + 200*ms}, //
		{9*time.Second + 199*ms, 9*time.Second + 200*ms}, // asking costs nothing
		{9*time.Second + 200*ms, 9*time.Second + 200*ms}, //
	} {
		next, ok := p.Next(c.now)
		if next != c.next || !ok {
			t.Errorf("at %v: next %v, want %v", c.now, next, c.next)
		}
		if next == c.now {
			p.Started(c.now, 1)
		}
	}
	p.Close()
	if _, ok := p.Next(time.Hour); ok {
		t.Error("a closed Pacer allows a start")
	}
}

// A takt that becomes longer while work is waiting holds by and by; a shorter one, and any
// one after a pause, at once.
func TestPacerFollowsTakt(t *testing.T) {
	p, _ := NewPacer(time.Millisecond, time.Minute)
	var now time.Duration
	start := func(waiting int) {
		now, _ = p.Next(now)
		p.Started(now, waiting)
	}
	p.SetTakt(100 * time.Millisecond)
	start(30)
	p.SetTakt(10 * time.Second)
	for i := range 30 {
		start(29 - i)
	}
	if now > 4*time.Second || p.Interval() < 110*time.Millisecond {
		t.Errorf("thirty jobs took until %v, the interval is %v", now, p.Interval())
	}
	p.SetTakt(0) // not known: no news
	now += time.Hour
	if start(5); p.Interval() != 10*time.Second {
		t.Errorf("after a pause: %v", p.Interval())
	}
	p.SetTakt(50 * time.Millisecond)
	if start(5); p.Interval() != 50*time.Millisecond {
		t.Errorf("more demand: %v", p.Interval())
	}
}

// An interval of zero is no pacing, not an endless loop or a panic.
func TestPacerZero(t *testing.T) {
	p, err := NewPacer(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	p.SetTakt(time.Second)
	for range 1000 {
		if at, ok := p.Next(time.Second); at != time.Second || !ok {
			t.Fatalf("next %v, %v", at, ok)
		}
		p.Started(time.Second, 5)
	}
	if p.Adherence() != 1 {
		t.Errorf("adherence %v", p.Adherence())
	}
	for _, c := range [][2]time.Duration{{-1, 1}, {2, 1}} {
		if _, err := NewPacer(c[0], c[1]); err == nil {
			t.Errorf("%v is taken", c)
		}
	}
}

// Whatever is asked and whatever the takt does: no two starts come closer than nine
// tenths of the interval, and nothing is held back longer than it.
func TestPacerLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shortest := time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "shortest"))
		longest := shortest + time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "more"))
		p, err := NewPacer(shortest, longest)
		if err != nil {
			t.Fatal(err)
		}
		now, last, interval := time.Duration(0), time.Duration(0), time.Duration(0)
		for i := range rapid.IntRange(1, 200).Draw(t, "starts") {
			now += time.Duration(rapid.Int64Range(0, int64(2*longest)).Draw(t, "pause"))
			p.SetTakt(time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "takt")))
			at, ok := p.Next(now)
			if !ok || at < now {
				t.Fatalf("next %v, %v at %v", at, ok, now)
			}
			if i == 0 && at != now {
				t.Fatalf("the first is held back to %v at %v", at, now)
			}
			if i > 0 && at > max(now, last+interval) {
				t.Fatalf("held back to %v at %v; the last was at %v, the interval %v", at, now, last, interval)
			}
			if i > 0 && float64(at-last) < 0.9*float64(interval)-1 {
				t.Fatalf("%v after the last, the interval is %v", at-last, interval)
			}
			now, last = at, at
			p.Started(at, rapid.IntRange(0, 30).Draw(t, "waiting"))
			if interval = p.Interval(); interval < shortest || interval > longest {
				t.Fatalf("interval %v is outside of %v…%v", interval, shortest, longest)
			}
		}
	})
}

func TestRotation(t *testing.T) {
	r, err := NewRotation([]Type{{"a", 3, 1, 10}, {"b", 1, 2, 20}, {"c", 2, 3, 30}})
	if err != nil {
		t.Fatal(err)
	}
	if b := r.Bound(); b != 1+30+2+20+3+60 {
		t.Errorf("bound %d", b)
	}
	take := func() (s string) {
		for {
			k, setup, ok := r.Next(0)
			if !ok {
				return s
			}
			if setup {
				s += " "
			}
			s += r.types[k].Name
		}
	}
	for _, c := range []struct{ add, want string }{
		{"", ""},
		{"aaaaaaabbbcccc", " aaa b cc aaa b cc a b"}, // lots in turn
		{"bbbb", "bbbb"},       // alone: no changes, no waiting for the others
		{"ca", " c a"},         // empty kinds are passed over
		{"cccccc", " cccccc"},  //
		{"aacc", " aa cc"},     // the turn goes on behind the last one
		{"accccc", " a ccccc"}, //
	} {
		for _, k := range c.add {
			r.Add(0, int(k-'a'))
		}
		if got := take(); got != c.want {
			t.Errorf("%q: %q, want %q", c.add, got, c.want)
		}
	}
	r.Add(0, 1)
	r.Drop(1)
	r.Drop(1)
	if got := take(); got != "" || r.Waiting(1) != 0 {
		t.Errorf("dropped, but %q is started", got)
	}
	for _, types := range [][]Type{nil, make([]Type, 65), {{"a", 0, 0, 0}}, {{"a", 1, -1, 0}}, {{"a", 1, 0, -1}}} {
		if _, err := NewRotation(types); err == nil {
			t.Errorf("%+v is taken", types)
		}
	}
}

// The bound: one seat, work of any length up to the longest, arrivals, departures and
// backlogs of any kind. No kind that has work waits longer for a start than the bound,
// whatever is waiting is started when the seat is free, and lots are kept.
func TestRotationBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, TypesMax).Draw(t, "kinds")
		types := make([]Type, n)
		for i := range types {
			types[i] = Type{
				Lot:     rapid.IntRange(1, 4).Draw(t, "lot"),
				Setup:   time.Duration(rapid.IntRange(0, 50).Draw(t, "setup")),
				Longest: time.Duration(rapid.IntRange(0, 100).Draw(t, "longest")),
			}
		}
		r, err := NewRotation(types)
		if err != nil {
			t.Fatal(err)
		}
		var now time.Duration
		waiting := make([]int, n)
		total, run, last := 0, 0, -1
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			for range rapid.IntRange(0, 4).Draw(t, "arrivals") {
				k := rapid.IntRange(0, n-1).Draw(t, "kind")
				r.Add(now, k)
				waiting[k]++
				total++
			}
			if rapid.IntRange(0, 9).Draw(t, "leave") == 0 {
				if k := rapid.IntRange(0, n-1).Draw(t, "who"); waiting[k] > 0 {
					r.Drop(k)
					waiting[k]--
					total--
				}
			}
			others := 0
			for k, w := range waiting {
				if k != last {
					others += w
				}
			}
			k, setup, ok := r.Next(now)
			if ok != (total > 0) {
				t.Fatalf("%d are waiting: %v", total, ok)
			}
			if !ok {
				now += time.Duration(rapid.IntRange(0, 100).Draw(t, "idle"))
				continue
			}
			if waiting[k] == 0 || setup != (k != last) {
				t.Fatalf("kind %d of %v, setup %v after %d", k, waiting, setup, last)
			}
			if run++; setup {
				run = 1
			}
			if others == 0 {
				run = 0 // nobody was kept waiting
			}
			if run > types[k].Lot {
				t.Fatalf("%d of kind %d in a row while others wait; the lot is %d", run, k, types[k].Lot)
			}
			last = k
			waiting[k]--
			total--
			if setup {
				now += types[k].Setup
			}
			now += time.Duration(rapid.IntRange(0, int(types[k].Longest)).Draw(t, "service"))
		}
		for k := range types {
			if got := r.Interval(k); got > r.Bound() {
				t.Fatalf("kind %d was not started for %v, the bound is %v", k, got, r.Bound())
			}
		}
	})
}

// The longest work and full backlogs: the bound is nearly reached, so it is no idle one.
func TestRotationBoundIsTight(t *testing.T) {
	types := kinds()
	r, _ := NewRotation(types)
	var now time.Duration
	for k := range types {
		for range 1000 {
			r.Add(now, k)
		}
	}
	for range 600 {
		k, setup, _ := r.Next(now)
		if setup {
			now += types[k].Setup
		}
		now += types[k].Longest
	}
	for k, ty := range types {
		want := r.Bound() - time.Duration(ty.Lot-1)*ty.Longest // from its last start to its next
		if ty.Lot > 1 {
			want -= ty.Setup // which came before the first of the lot
		}
		if got := r.Interval(k); got != want {
			t.Errorf("%s: %v, want %v of the bound %v", ty.Name, got, want, r.Bound())
		}
	}
}

func TestBuffers(t *testing.T) {
	for _, c := range []struct{ ca, cs, want float64 }{
		{0, 0, 0.20}, {1, 1, 0.25}, {1, 0, 0.225}, {2, 1, 0.30}, {4.3, 0.3, 0.30}, {math.Inf(1), 0, 0.30}, {math.NaN(), 0, 0.25},
	} {
		if got := Share(c.ca, c.cs); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("variation %v and %v: %v, want %v", c.ca, c.cs, got, c.want)
		}
	}
	for _, c := range []struct {
		busy, least, capacity int
		share                 float64
		want                  int
	}{
		{0, 1, 8, 0.25, 2}, {3, 1, 8, 0.25, 5}, {7, 1, 8, 0.25, 8}, {8, 1, 8, 0.25, 8}, {50, 1, 8, 0.25, 8},
		{0, 4, 8, 0.25, 4}, {0, 0, 0, 0.25, 0}, {0, 9, 8, 0.25, 8}, {0, 0, 2, 0.2, 1},
	} {
		if got := Spares(c.busy, c.least, c.capacity, c.share); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

func BenchmarkMeterArrived(b *testing.B) {
	b.ReportAllocs()
	m, _ := NewMeter(30 * time.Second)
	var now time.Duration
	for b.Loop() {
		now += 10 * time.Millisecond
		m.Arrived(now)
		m.Done(now, time.Second)
	}
}

func BenchmarkMeterFigures(b *testing.B) {
	b.ReportAllocs()
	m, _ := NewMeter(30 * time.Second)
	m.Arrived(0)
	for b.Loop() {
		m.Figures(time.Second)
	}
}

func BenchmarkPacer(b *testing.B) {
	b.ReportAllocs()
	p, _ := NewPacer(0, time.Millisecond)
	var now time.Duration
	for b.Loop() {
		now, _ = p.Next(now)
		p.Started(now, 3)
	}
}

func BenchmarkRotation(b *testing.B) {
	b.ReportAllocs()
	r, _ := NewRotation(kinds())
	i := 0
	for b.Loop() {
		r.Add(0, i%3)
		r.Next(0)
		i++
	}
}

// TestNothingVaries: of what does not vary, or came all at once, or is not known, there are figures all the same.
func TestNothingVaries(t *testing.T) {
	for service := time.Millisecond; service < 400*time.Millisecond; service += 1234567 {
		m, err := NewMeter(time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		for range 7 {
			m.Arrived(time.Second)
			m.Done(time.Second, service)
		}
		m.Arrived(0) // a clock that goes backwards
		m.Arrived(time.Second)
		f := m.Figures(time.Second)
		if f.ArrivalCV != 0 || !(f.ServiceCV < 1e-6) {
			t.Fatalf("the same moment, each %v: %+v", service, f)
		}
	}
	if got := Share(math.NaN(), 0); got != 0.25 {
		t.Errorf("where nothing is known %g is kept free", got)
	}
	if got := (Figures{Takt: time.Second, Cycle: time.Second}).Ratio(0); got != 0 {
		t.Errorf("without a seat the demand takes %g of them", got)
	}
}

// TestIntervalsOfKinds: a kind waits from its first piece on, also when others of it come meanwhile; one of which nothing
// waits does not.
func TestIntervalsOfKinds(t *testing.T) {
	r, err := NewRotation([]Type{{Name: "a", Lot: 1}, {Name: "b", Lot: 1}})
	if err != nil {
		t.Fatal(err)
	}
	r.Add(0, 0)
	r.Add(3*time.Second, 0)
	r.Take(5*time.Second, 0)
	r.Take(6*time.Second, 0)
	r.Take(time.Hour, 0) // it did not wait
	if got := r.Interval(0); got != 5*time.Second {
		t.Errorf("it waited for %v at most", got)
	}
}

// TestAdherenceOfPaced: a start for which nothing was waiting is no start that should have come earlier.
func TestAdherenceOfPaced(t *testing.T) {
	p, err := NewPacer(time.Second, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		p.Started(time.Duration(i)*time.Minute, 0)
	}
	if got := p.Adherence(); got != 1 {
		t.Errorf("of starts without a queue %g were in time", got)
	}
	for i := range 20 {
		p.Started(time.Hour+time.Duration(i)*2*time.Second, 3)
	}
	if got := p.Adherence(); got != 0 {
		t.Errorf("of starts that came late %g were in time", got)
	}
}
