package limit

import (
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	first = flag.Uint64("first", 1, "first seed of the step response")
	seeds = flag.Uint64("seeds", 10, "how many seeds; what is asserted is meant for the first ten")
)

func always[T any](v T) func(time.Duration) T { return func(time.Duration) T { return v } }

// stairs is the capacity that the goal figure speaks of.
func stairs(now time.Duration) int {
	switch {
	case now < 60*time.Second:
		return 8
	case now < 120*time.Second:
		return 4
	}
	return 16
}

// record is what is seen of a run, in bins of half a second.
type record struct {
	used    []float64 // the part of the servers that worked
	limit   []float64 // the mean limit
	done    []float64 // calls that ended
	late    int       // calls that took more than half a second inside
	changes []Change
}

const bin = 500 * time.Millisecond

func measure(b *backend, end time.Duration) record {
	n := int(end / bin)
	r := record{used: make([]float64, n), limit: make([]float64, n), done: make([]float64, n)}
	b.onStep = func(from, to time.Duration) {
		for from < to {
			i := int(from / bin)
			edge := min(to, time.Duration(i+1)*bin)
			d := float64(edge-from) / float64(bin)
			r.used[i] += d * min(1, float64(b.busy)/float64(b.servers(from)))
			r.limit[i] += d * float64(b.limiter.Limit())
			from = edge
		}
	}
	b.onDone = func(c *call) {
		r.done[int(b.now/bin)]++
		if b.now-c.began > 500*time.Millisecond {
			r.late++
		}
	}
	b.run(end - 1)
	r.changes = b.changes
	return r
}

// second averages two bins: one second from bin i on.
func second(x []float64, i int) float64 { return (x[i] + x[i+1]) / 2 }

func mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

func count(x []float64, is func(float64) bool) (n int) {
	for _, v := range x {
		if is(v) {
			n++
		}
	}
	return n
}

// TestStepResponse measures the goal figure: a backend of 8 servers, exponential work of
// 20 ms, 1600 calls a second; its capacity is halved at 60 s and is 16 servers from
// 120 s on. Asked for are 95 % of the new capacity within 5 s, never less than 90 % of
// the smaller of both, a steady limit within 25 % of the servers.
//
// What is measured is the part of the servers that works, in seconds: completions would
// add the noise of the work's own randomness, 7 % in a second of 4 servers.
//
// With calls waiting at the gate, which is how a scheduler uses a limit, over 200 seeds
// that were looked at only once everything was chosen (-first 50000 -seeds 200):
//
//   - 95 % of 16 servers work after 1.8 s on average; one seed took 6 s, all others at
//     most 5. After the capacity is halved there is nothing to recover.
//   - The lowest second of a minute is at 96 % of eight servers and 92 % of four on
//     average. It is below 90 % in 3 and in 7 of the 200 minutes, 85 % at the lowest: one
//     call in flight is a quarter of four servers.
//   - The limit is 1.16, 1.19, 1.18 times 8, 4, 16 servers on average. Above 1.25 it is in
//     0, 14 and 7 of the 200 minutes, and 1.80 times four servers at most.
//
// So all three figures are met on average, and each is missed by up to 7 % of the seeds. Without a
// queue at the gate a server is idle until the next call arrives, which costs four
// servers 3 % whatever the limit: the lowest second of four is at 89 % on average, and
// in 6 of 200 seeds recovery took longer than 5 s (6.5 s).
func TestStepResponse(t *testing.T) {
	phases := []struct {
		name          string
		from, servers int
	}{{"8 servers", 0, 8}, {"4 after 8", 120, 4}, {"16 after 4", 240, 16}}
	for _, gate := range []struct {
		name  string
		queue int
		worst float64 // of all seconds of all seeds, as a part of the smaller capacity
	}{{"with a queue", 32, 0.8}, {"without a queue", 0, 0.75}} {
		var floors, settles, limits [3][]float64
		late := 0
		for seed := *first; seed < *first+*seeds; seed++ {
			g, err := NewGradient(GradientConfig{Min: 1, Max: 64, Initial: 8})
			if err != nil {
				t.Fatal(err)
			}
			r := measure(&backend{
				rng: rand.New(rand.NewPCG(seed, 1)), limiter: g, queue: gate.queue,
				offered: always(1600.0), servers: stairs, work: always(20 * time.Millisecond),
			}, 180*time.Second)
			late += r.late
			for i, p := range phases {
				floor, settle := 1e9, 0
				for b := p.from; b < p.from+119; b++ {
					u := second(r.used, b)
					if p.servers == 16 {
						u *= 4 // in parts of the old capacity
					}
					floor = min(floor, u)
				}
				for settle < 119 && second(r.used, p.from+settle) < 0.95 {
					settle++
				}
				floors[i] = append(floors[i], floor)
				settles[i] = append(settles[i], float64(settle)*bin.Seconds())
				limits[i] = append(limits[i], mean(r.limit[p.from+20:p.from+120])/float64(p.servers))
			}
		}
		for i, p := range phases {
			t.Logf("%s, %s: 95 %% after %.1f s (worst %.1f, %d later than 5); worst second at %.0f %% (mean of seeds %.0f %%, %d below 90 %%); limit ÷ servers %.2f (%.2f…%.2f, %d above 1.25)",
				gate.name, p.name, mean(settles[i]), slices.Max(settles[i]), count(settles[i], func(v float64) bool { return v > 5 }),
				100*slices.Min(floors[i]), 100*mean(floors[i]), count(floors[i], func(v float64) bool { return v < 0.9 }),
				mean(limits[i]), slices.Min(limits[i]), slices.Max(limits[i]), count(limits[i], func(v float64) bool { return v > 1.25 }))
			if m := mean(settles[i]); m > 5 {
				t.Errorf("%s, %s: 95 %% of the capacity after %.1f s on average", gate.name, p.name, m)
			}
			if m := slices.Max(settles[i]); m > 5 && gate.queue > 0 {
				t.Errorf("%s, %s: 95 %% of the capacity only after %.1f s", gate.name, p.name, m)
			}
			if m := mean(floors[i]); m < 0.9 && gate.queue > 0 {
				t.Errorf("%s, %s: the worst seconds are at %.0f %% on average", gate.name, p.name, 100*m)
			}
			if m := slices.Min(floors[i]); m < gate.worst {
				t.Errorf("%s, %s: the worst second is at %.0f %%", gate.name, p.name, 100*m)
			}
			if m := mean(limits[i]); m < 0.75 || m > 1.25 {
				t.Errorf("%s, %s: steady limit is %.2f times the servers", gate.name, p.name, m)
			}
		}
		if late > 0 {
			t.Errorf("%s: %d calls took more than 500 ms", gate.name, late)
		}
	}
}

// From a limit of one it finds its way up, though a limit is a whole number: a window with
// one call in flight does not say that there is one server.
func TestGradientFromOne(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		g, err := NewGradient(GradientConfig{Min: 1, Max: 64})
		if err != nil {
			t.Fatal(err)
		}
		r := measure(&backend{
			rng: rand.New(rand.NewPCG(seed, 4)), limiter: g, queue: 32,
			offered: always(1600.0), servers: always(8), work: always(20 * time.Millisecond),
		}, 60*time.Second)
		settle := 0
		for settle < 118 && second(r.used, settle) < 0.95 {
			settle++
		}
		used := mean(r.used[80:])
		t.Logf("seed %d: 95 %% of the servers work after %.1f s, %.0f %% from 40 s on", seed, float64(settle)*bin.Seconds(), 100*used)
		if used < 0.95 {
			t.Errorf("seed %d: %.0f %% of the servers work from 40 s on", seed, 100*used)
		}
	}
}

// The work itself becomes twice as slow: the limit goes down at first, since that looks
// like less capacity, and must come back.
func TestGradientSlowerWork(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		g, _ := NewGradient(GradientConfig{Min: 1, Max: 64, Initial: 8})
		r := measure(&backend{
			rng: rand.New(rand.NewPCG(seed, 2)), limiter: g, queue: 32,
			offered: always(1600.0), servers: always(8),
			work: func(now time.Duration) time.Duration {
				if now < 30*time.Second {
					return 20 * time.Millisecond
				}
				return 40 * time.Millisecond
			},
		}, 105*time.Second)
		t.Logf("seed %d: lowest second at %.0f %%, used %.0f %% after 45 s, %.0f %% after a minute, limit %.1f",
			seed, 100*slices.Min(r.used[60:]), 100*mean(r.used[120:150]), 100*mean(r.used[180:]), mean(r.limit[180:]))
		if m := mean(r.used[180:]); m < 0.9 {
			t.Errorf("seed %d: %.0f %% of the servers work a minute after the work became slower", seed, 100*m)
		}
		if m := mean(r.limit[180:]); m > 1.5*8 {
			t.Errorf("seed %d: limit %.1f for 8 servers", seed, m)
		}
	}
}

// The work becomes twice as quick: what is a queue now was none before, and the limit
// must not stay where that led it. It takes minutes.
func TestGradientQuickerWork(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		g, _ := NewGradient(GradientConfig{Min: 1, Max: 64, Initial: 8})
		r := measure(&backend{
			rng: rand.New(rand.NewPCG(seed, 3)), limiter: g, queue: 32,
			offered: always(3200.0), servers: always(8),
			work: func(now time.Duration) time.Duration {
				if now < 30*time.Second {
					return 40 * time.Millisecond
				}
				return 20 * time.Millisecond
			},
		}, 300*time.Second)
		t.Logf("seed %d: highest limit %.1f, after 90 s %.1f, after 240 s %.1f", seed, slices.Max(r.limit[60:]), mean(r.limit[220:260]), mean(r.limit[540:]))
		if m := mean(r.limit[540:]); m > 1.5*8 || m < 0.75*8 {
			t.Errorf("seed %d: limit %.1f for 8 servers", seed, m)
		}
	}
}

// A backend that is hardly asked for anything gives no reason to move.
func TestGradientIdle(t *testing.T) {
	g, _ := NewGradient(GradientConfig{Min: 1, Max: 64, Initial: 16})
	r := measure(&backend{
		rng: rand.New(rand.NewPCG(1, 4)), limiter: g, queue: 32,
		offered: always(50.0), servers: always(8), work: always(20 * time.Millisecond),
	}, 120*time.Second)
	if m := mean(r.limit[60:]); m < 12 || m > 20 {
		t.Errorf("limit %.1f on an idle backend that began with 16", m)
	}
	if m := slices.Max(r.limit); m > 20 {
		t.Errorf("limit rose to %.1f on an idle backend", m)
	}
}

// A knee that rests is not reported as news.
func TestGradientReports(t *testing.T) {
	g, _ := NewGradient(GradientConfig{Min: 1, Max: 64, Initial: 8})
	r := measure(&backend{
		rng: rand.New(rand.NewPCG(1, 5)), limiter: g, queue: 32,
		offered: always(1600.0), servers: always(8), work: always(20 * time.Millisecond),
	}, 120*time.Second)
	limit, news := 8, 0
	for _, ch := range r.changes {
		if ch.From != limit {
			t.Fatalf("change %+v, but the limit was %d", ch, limit)
		}
		limit = ch.To
		if ch.Cause != Probe {
			news++
		}
	}
	if limit != g.Limit() {
		t.Errorf("changes lead to %d, the limit is %d", limit, g.Limit())
	}
	if news > 60 {
		t.Errorf("%d changes in two minutes of rest are reported as news", news)
	}
	t.Logf("%d changes, %d of them news", len(r.changes), news)
}

func TestGradientFailuresAndPressure(t *testing.T) {
	fill := func(g *Gradient, now *time.Duration, o Outcome, n int) (last Cause) {
		for range n {
			*now += 5 * time.Millisecond
			if ch, ok := g.Observe(*now, Sample{20 * time.Millisecond, g.Limit(), o}); ok {
				last = ch.Cause
			}
		}
		return last
	}
	for _, o := range []Outcome{Failed, TimedOut} {
		g, _ := NewGradient(GradientConfig{Min: 2, Max: 64, Initial: 32})
		var now time.Duration
		if c := fill(g, &now, o, 4000); c != Failures || g.Limit() > 4 {
			t.Errorf("outcome %d: limit %d (%s) after nothing but failures", o, g.Limit(), c)
		}
	}
	g, _ := NewGradient(GradientConfig{Min: 2, Max: 64, Initial: 32})
	var now time.Duration
	g.Tick(now, 1.5)
	if c := fill(g, &now, OK, 400); c != Scheduler || g.Limit() >= 32 {
		t.Errorf("limit %d (%s) under pressure", g.Limit(), c)
	}
	g, _ = NewGradient(GradientConfig{Min: 2, Max: 64, Initial: 32})
	if fill(g, &now, Cancelled, 4000); g.Limit() != 32 {
		t.Errorf("limit %d after nothing but cancelled calls", g.Limit())
	}
}

// More than is believed in is tried only where the limit is reached and the machine is
// not under pressure.
func TestGradientGrowsOnlyWhenUsed(t *testing.T) {
	for _, c := range []struct {
		name     string
		inFlight func(limit int) int
		pressure float64
		grows    bool
	}{
		{"used", func(l int) int { return l }, 0, true},
		{"not used", func(l int) int { return l - 1 }, 0, false},
		{"under some pressure", func(l int) int { return l }, 0.7, false},
	} {
		g, _ := NewGradient(GradientConfig{Min: 1, Max: 1000, Initial: 32})
		var now time.Duration
		highest := 0
		for range 4000 {
			now += 5 * time.Millisecond
			g.Tick(now, c.pressure)
			g.Observe(now, Sample{20 * time.Millisecond, c.inFlight(g.Limit()), OK})
			highest = max(highest, g.Limit())
		}
		if grew := highest > 39; grew != c.grows { // 38 is 32 and the headroom
			t.Errorf("%s: limit up to %d", c.name, highest)
		}
	}
}

// limits drives any Limiter by arbitrary samples and holds it to its bounds and to its
// own reports.
func limits(t *rapid.T, l Limiter, lo, hi int) {
	var now time.Duration
	limit := l.Limit()
	for range rapid.IntRange(1, 60).Draw(t, "phases") {
		service := time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "service"))
		gap := time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "gap"))
		outcome := Outcome(rapid.IntRange(0, 3).Draw(t, "outcome"))
		inFlight := rapid.IntRange(0, 2*hi).Draw(t, "in flight")
		pressure := rapid.Float64Range(0, 2).Draw(t, "pressure")
		check := func(ch Change, ok bool) {
			if ok && (ch.From != limit || ch.To == ch.From || ch.Cause == "" || ch.At != now) {
				t.Fatalf("change %+v at %v from %d", ch, now, limit)
			}
			if ok {
				limit = ch.To
			}
			if l.Limit() != limit || limit < lo || limit > hi {
				t.Fatalf("limit %d, reported %d, bounds %d…%d", l.Limit(), limit, lo, hi)
			}
		}
		for range rapid.IntRange(1, 120).Draw(t, "calls") {
			now += gap
			check(l.Observe(now, Sample{service, inFlight, outcome}))
		}
		check(l.Tick(now, pressure))
	}
}

func TestBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo := rapid.IntRange(1, 8).Draw(t, "min")
		hi := lo + rapid.IntRange(0, 60).Draw(t, "more")
		var l Limiter
		var err error
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			l, err = NewGradient(GradientConfig{Min: lo, Max: hi})
		case 1:
			l, err = New(Fast(lo, hi))
		case 2:
			l, err = New(Medium(lo, hi))
		case 3:
			l, err = New(Slow(lo, hi))
		}
		if err != nil {
			t.Fatal(err)
		}
		limits(t, l, lo, hi)
	})
}

// A clock that stands still and a caller that counts nothing must not make it lose its number.
func TestGradientZeroes(t *testing.T) {
	g, _ := NewGradient(GradientConfig{Min: 1, Max: 8})
	for i := range 4000 {
		g.Observe(time.Duration(i)*time.Millisecond, Sample{InFlight: 8 * (i % 2)})
	}
	if knee, _ := g.Knee(); !(knee > 0) || g.Limit() < 1 || g.Limit() > 8 {
		t.Errorf("knee %v, limit %d", knee, g.Limit())
	}
}

func TestGradientConfig(t *testing.T) {
	for _, c := range []GradientConfig{{}, {Min: 2, Max: 1}, {Min: 1, Max: 4, Initial: 5}, {Min: 1, Max: 4, Window: -1}} {
		if _, err := NewGradient(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}
