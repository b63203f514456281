package anchors

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	wall   = flag.Bool("wall", false, "by the clock on the wall, instead of in virtual time")
	length = flag.Duration("length", 0, "how long each policy is measured; 0: 30 to 60 s, as the tables in docs/bench.md were")
	wander = flag.Float64("wander", 0, "by how much the backend is slower and quicker in turn, as a part of the time that work takes: what a machine does that others use too")
	only   = flag.String("only", "", "measure the policies whose names match this regular expression")
)

// peak is what the backend can do, in answers a second, if sleeping takes as long as it
// says. By the clock on the wall it takes a little longer: see whatCouldBe.
const peak = float64(seats) / (float64(work) / float64(time.Second))

// crowd is clients that ask at a rate together.
type crowd struct {
	first, clients, class int
	rate                  float64
	every, on             time.Duration // where every is not 0, only in the first on of each of its stretches
}

// sample is a request: when it came after the start, and how long it took to be answered
// well; 0: it was not.
type sample struct{ at, took time.Duration }

// tally is what became of the requests of one crowd.
type tally struct {
	arrived, good, late int
	samples             []sample
	served              time.Duration // the time that the good answers took of the backend
	top                 float64       // the answers a second that the backend could have given meanwhile
}

func (t *tally) p99() time.Duration { return p99(t.samples, func(time.Duration) bool { return true }) }

// p99 is of the good answers to what came at certain times.
func p99(samples []sample, at func(time.Duration) bool) time.Duration {
	var times []time.Duration
	for _, s := range samples {
		if s.took > 0 && at(s.at) {
			times = append(times, s.took)
		}
	}
	if len(times) == 0 {
		return 0
	}
	slices.Sort(times)
	return times[len(times)*99/100]
}

// measure gives how long to measure where nothing else was asked for.
func measure(usual time.Duration) time.Duration {
	if *length > 0 {
		return *length
	}
	return usual
}

// inTime runs f in virtual time, or as it is.
func inTime(t *testing.T, f func(t *testing.T)) {
	if *wall {
		f(t)
		return
	}
	synctest.Test(t, f)
}

// whatCouldBe gives the answers a second of a backend that has work until it ends.
func whatCouldBe(end time.Time) float64 {
	if !*wall {
		return peak
	}
	backend := newSemaphore()
	r := rand.New(rand.NewPCG(1, 1))
	var mu sync.Mutex
	var done time.Duration
	var all sync.WaitGroup
	start := time.Now()
	for range 2 * seats {
		all.Go(func() {
			for time.Now().Before(end) {
				mu.Lock()
				takes := time.Duration(r.ExpFloat64() * float64(work))
				mu.Unlock()
				backend.do(context.Background(), 0, 0, func() { time.Sleep(takes) })
				mu.Lock()
				done += takes
				mu.Unlock()
			}
		})
	}
	all.Wait()
	// By the work that was done, not by the number of answers: how long they take is drawn,
	// and the mean of a few thousand of them is off by two per cent.
	return peak * float64(done) / float64(time.Since(start)) / seats
}

// measuredPeak is what is asked for by.
var measuredPeak = sync.OnceValue(func() float64 {
	top := whatCouldBe(time.Now().Add(5 * time.Second))
	if *wall {
		fmt.Printf("(a backend that always has work does %.1f %% of what it would if sleeping took as long as it says)\n", 100*top/peak)
	}
	return top
})

// wandering gives how long work takes that comes to the backend at some time.
func wandering(takes, at time.Duration) time.Duration {
	const turn = 7 * time.Second
	return time.Duration(float64(takes) * (1 + *wander*math.Sin(2*math.Pi*at.Seconds()/turn.Seconds())))
}

// run sends crowds through a gate to a backend for so long.
func run(t *testing.T, make func() gate, seed uint64, length time.Duration, crowds ...crowd) []*tally {
	const warmup = 5 * time.Second
	tallies := []*tally{}
	inTime(t, func(t *testing.T) {
		g := make()
		backend := newSemaphore() // first come, first served
		start := time.Now()
		var all sync.WaitGroup
		var mu sync.Mutex
		for n, c := range crowds {
			mine := &tally{top: peak}
			tallies = append(tallies, mine)
			all.Go(func() {
				r := rand.New(rand.NewPCG(seed, uint64(n)))
				// The moments of arrival are drawn, not slept after each other: where the clock
				// is that on the wall, the rate is kept.
				for at := time.Duration(0); ; {
					at += time.Duration(r.ExpFloat64() / c.rate * float64(time.Second))
					if at > warmup+length {
						return
					}
					client := c.first + r.IntN(c.clients)
					takes := time.Duration(r.ExpFloat64() * float64(work))
					if c.every > 0 && at%c.every >= c.on {
						continue
					}
					time.Sleep(at - time.Since(start))
					all.Go(func() {
						arrived := time.Now()
						ctx, cancel := context.WithTimeout(context.Background(), deadline)
						defer cancel()
						ok := g.do(ctx, uint64(client)+1, c.class, func() {
							backend.do(context.Background(), 0, 0, func() { time.Sleep(wandering(takes, time.Since(start))) })
						})
						if at < warmup {
							return
						}
						took := max(time.Since(arrived), 1)
						mu.Lock()
						defer mu.Unlock()
						mine.arrived++
						switch {
						case ok && took <= deadline:
							mine.good++
							mine.samples = append(mine.samples, sample{at, took})
							mine.served += takes
						case ok:
							mine.late++
						}
						if !ok || took > deadline {
							mine.samples = append(mine.samples, sample{at: at})
						}
					})
				}
			})
		}
		if *wall {
			// Another backend beside this one, which always has work: how much that does of
			// what it says depends on what else the machine has to do just now.
			top := whatCouldBe(start.Add(warmup + length))
			for _, t := range tallies {
				t.top = top
			}
		}
		all.Wait()
	})
	return tallies
}

type policy struct {
	name string
	make func() gate
}

// asked gives the policies that are to be measured.
func asked(list []policy) []policy {
	match := regexp.MustCompile(*only)
	return slices.DeleteFunc(slices.Clone(list), func(p policy) bool { return !match.MatchString(p.name) })
}

var policies = []policy{
	{"gridflow", func() gate { return newFlow(seats, class("interactive", 16), class("batch", 1)) }},
	{"none", func() gate { return open{} }},
	{"x/sync semaphore", newSemaphore},
	{"failsafe-go bulkhead", newBulkhead},
	{"failsafe-go adaptive", newAdaptive},
	{"failsafe-go adaptive, queue", newAdaptiveQueue},
	{"Kubernetes APF", func() gate { return newAPF(0, seats) }},
	{"Kubernetes APF, wait ≤ deadline/4", func() gate { return newAPF(deadline/4, seats) }},
}

func ms(d time.Duration) int { return int(d / time.Millisecond) }

// TestSideUniform is W1: fifty alike clients ask for once, twice, four and ten times what
// the server can do.
func TestSideUniform(t *testing.T) {
	top := measuredPeak()
	fmt.Println("| goodput in % of the peak (99 % of the good answers within ms) | 1 × | 2 × | 4 × | 10 × |\n|---|--:|--:|--:|--:|")
	for _, p := range asked(policies) {
		fmt.Printf("| %s |", p.name)
		for _, load := range []float64{1, 2, 4, 10} {
			length, good, p99 := measure(30*time.Second), 0.0, time.Duration(0)
			seeds := uint64(2)
			if load == 1 {
				length, seeds = measure(60*time.Second), 4
			}
			if *wall { // another try has other figures in any case
				seeds = 1
			}
			for seed := range seeds {
				r := run(t, p.make, seed+1, length, crowd{clients: 50, rate: load * top})[0]
				good += 100 * float64(r.good) / length.Seconds() / r.top / float64(seeds)
				p99 += r.p99() / time.Duration(seeds)
			}
			fmt.Printf(" %.1f (%d) |", good, ms(p99))
		}
		fmt.Println()
	}
}

// TestSideNeighbour is W2: one client asks for a hundred times as much as another, and
// together they ask for two and for ten times what the server can do.
func TestSideNeighbour(t *testing.T) {
	fmt.Println("| | 8/s: ok | p99 ms | 40/s: ok | p99 ms | total at 40/s |\n|---|--:|--:|--:|--:|--:|")
	length := measure(60 * time.Second)
	solo := run(t, func() gate { return open{} }, 1, length, crowd{clients: 1, rate: 8})[0]
	fmt.Printf("| alone | %.1f %% | %d | | | |\n", 100*float64(solo.good)/float64(solo.arrived), ms(solo.p99()))
	for _, p := range asked(policies) {
		fmt.Printf("| %s |", p.name)
		total := 0.0
		for _, rate := range []float64{8, 40} {
			r := run(t, p.make, 1, length, crowd{clients: 1, rate: rate}, crowd{first: 1, clients: 1, rate: 100 * rate})
			fmt.Printf(" %.1f %% | %d |", 100*float64(r[0].good)/float64(r[0].arrived), ms(r[0].p99()))
			total = 100 * float64(r[0].good+r[1].good) / length.Seconds() / r[0].top
		}
		fmt.Printf(" %.1f %% |\n", total)
	}
}

// TestSideShares is W3: ten clients ask for 60 to 6 000 in a second; the fair share of each
// is 40, or rather 0.8 of a server: what is compared is the time that they are served for.
func TestSideShares(t *testing.T) {
	fmt.Println("| | Jain's index | least / most |\n|---|--:|--:|")
	length := measure(60 * time.Second)
	for _, p := range asked(policies) {
		var crowds []crowd
		for i, rate := range []float64{60, 100, 170, 280, 470, 780, 1300, 2200, 3600, 6000} {
			crowds = append(crowds, crowd{first: i, clients: 1, rate: rate})
		}
		sum, squares, least, most := 0.0, 0.0, 1e9, 0.0
		for _, r := range run(t, p.make, 1, length, crowds...) {
			x := r.served.Seconds()
			sum, squares, least, most = sum+x, squares+x*x, min(least, x), max(most, x)
		}
		if sum == 0 {
			fmt.Printf("| %s | no good answer | |\n", p.name)
			continue
		}
		fmt.Printf("| %s | %.4f | %.3f |\n", p.name, sum*sum/10/squares, least/most)
	}
}

// TestSideClasses is W4: interactive clients ask for 30 % of what the server can do, and
// batch clients for ten times as much as it can.
func TestSideClasses(t *testing.T) {
	top := measuredPeak()
	fmt.Println("| | interactive: ok | p99 ms | total |\n|---|--:|--:|--:|")
	length := measure(60 * time.Second)
	interactive, batch := crowd{clients: 20, rate: .3 * top}, crowd{first: 20, clients: 30, class: 1, rate: 10 * top}
	solo := run(t, policies[0].make, 1, length, interactive)[0]
	fmt.Printf("| alone | %.1f %% | %d | |\n", 100*float64(solo.good)/float64(solo.arrived), ms(solo.p99()))
	for _, p := range append(asked(policies), policy{"Kubernetes APF, wait ≤ deadline/4, 4 + 4 seats", func() gate { return newAPF(deadline/4, seats/2, seats/2) }}) {
		r := run(t, p.make, 1, length, interactive, batch)
		fmt.Printf("| %s | %.1f %% | %d | %.1f %% |\n", p.name, 100*float64(r[0].good)/float64(r[0].arrived), ms(r[0].p99()), 100*float64(r[0].good+r[1].good)/length.Seconds()/r[0].top)
	}
}

// TestSideSpike: eight tenths of what the server can do, and every five seconds more for a
// second: 1.4 times or ten times what it can do. Compared are the answers to what comes from
// half a second to a second and a half after a spike with those to what comes later.
func TestSideSpike(t *testing.T) {
	top := measuredPeak()
	fmt.Println("| p99 after a spike to p99 of later (lost of what comes after it) | 1.4 × | 10 × |\n|---|--:|--:|")
	length := measure(5 * time.Minute)
	const every, on = 5 * time.Second, time.Second
	after := func(at time.Duration) bool {
		return at%every >= on+500*time.Millisecond && at%every < on+1500*time.Millisecond
	}
	later := func(at time.Duration) bool { return at%every >= 3500*time.Millisecond }
	for _, p := range asked(policies) {
		fmt.Printf("| %s |", p.name)
		for _, height := range []float64{1.4, 10} {
			r := run(t, p.make, 1, length, crowd{clients: 50, rate: .8 * top}, crowd{clients: 50, rate: (height - .8) * top, every: every, on: on})[0]
			came, lost := 0, 0
			for _, s := range r.samples {
				if after(s.at) {
					came++
					if s.took == 0 {
						lost++
					}
				}
			}
			fmt.Printf(" %.2f (%.1f %%) |", float64(p99(r.samples, after))/float64(p99(r.samples, later)), 100*float64(lost)/float64(came))
		}
		fmt.Println()
	}
}
