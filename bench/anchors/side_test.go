package anchors

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const peak = float64(seats) / (float64(work) / float64(time.Second))

// crowd is clients that ask at a rate together.
type crowd struct {
	first, clients, class int
	rate                  float64
}

// tally is what became of the requests of one crowd.
type tally struct {
	arrived, good, late int
	answers             []time.Duration // the good ones
	served              time.Duration   // the time that these took of the backend
}

func (t *tally) p99() time.Duration {
	if len(t.answers) == 0 {
		return 0
	}
	slices.Sort(t.answers)
	return t.answers[len(t.answers)*99/100]
}

// run sends crowds through a gate to a backend for so long.
func run(t *testing.T, make func() gate, seed uint64, length time.Duration, crowds ...crowd) []*tally {
	const warmup = 5 * time.Second
	tallies := []*tally{}
	synctest.Test(t, func(t *testing.T) {
		g := make()
		backend := newSemaphore() // first come, first served
		start := time.Now()
		var all sync.WaitGroup
		var mu sync.Mutex
		for n, c := range crowds {
			mine := &tally{}
			tallies = append(tallies, mine)
			all.Go(func() {
				r := rand.New(rand.NewPCG(seed, uint64(n)))
				for {
					time.Sleep(time.Duration(r.ExpFloat64() / c.rate * float64(time.Second)))
					if time.Since(start) > warmup+length {
						return
					}
					client := c.first + r.IntN(c.clients)
					takes := time.Duration(r.ExpFloat64() * float64(work))
					all.Go(func() {
						arrived := time.Now()
						ctx, cancel := context.WithTimeout(context.Background(), deadline)
						defer cancel()
						ok := g.do(ctx, uint64(client)+1, c.class, func() {
							backend.do(context.Background(), 0, 0, func() { time.Sleep(takes) })
						})
						if arrived.Sub(start) < warmup {
							return
						}
						took := time.Since(arrived)
						mu.Lock()
						defer mu.Unlock()
						mine.arrived++
						switch {
						case ok && took <= deadline:
							mine.good++
							mine.answers = append(mine.answers, took)
							mine.served += takes
						case ok:
							mine.late++
						}
					})
				}
			})
		}
		all.Wait()
	})
	return tallies
}

var policies = []struct {
	name string
	make func() gate
}{
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
	fmt.Println("| goodput in % of the peak (99 % of the good answers within ms) | 1 × | 2 × | 4 × | 10 × |\n|---|--:|--:|--:|--:|")
	for _, p := range policies {
		fmt.Printf("| %s |", p.name)
		for _, load := range []float64{1, 2, 4, 10} {
			length, good, p99 := 30*time.Second, 0.0, time.Duration(0)
			seeds := uint64(2)
			if load == 1 {
				length, seeds = 60*time.Second, 4
			}
			for seed := range seeds {
				r := run(t, p.make, seed+1, length, crowd{0, 50, 0, load * peak})[0]
				good += 100 * float64(r.good) / length.Seconds() / peak / float64(seeds)
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
	const length = 60 * time.Second
	solo := run(t, func() gate { return open{} }, 1, length, crowd{0, 1, 0, 8})[0]
	fmt.Printf("| alone | %.1f %% | %d | | | |\n", 100*float64(solo.good)/float64(solo.arrived), ms(solo.p99()))
	for _, p := range policies {
		fmt.Printf("| %s |", p.name)
		total := 0.0
		for _, rate := range []float64{8, 40} {
			r := run(t, p.make, 1, length, crowd{0, 1, 0, rate}, crowd{1, 1, 0, 100 * rate})
			fmt.Printf(" %.1f %% | %d |", 100*float64(r[0].good)/float64(r[0].arrived), ms(r[0].p99()))
			total = 100 * float64(r[0].good+r[1].good) / length.Seconds() / peak
		}
		fmt.Printf(" %.1f %% |\n", total)
	}
}

// TestSideShares is W3: ten clients ask for 60 to 6 000 in a second; the fair share of each
// is 40, or rather 0.8 of a server: what is compared is the time that they are served for.
func TestSideShares(t *testing.T) {
	fmt.Println("| | Jain's index | least / most |\n|---|--:|--:|")
	const length = 60 * time.Second
	for _, p := range policies {
		var crowds []crowd
		for i, rate := range []float64{60, 100, 170, 280, 470, 780, 1300, 2200, 3600, 6000} {
			crowds = append(crowds, crowd{i, 1, 0, rate})
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
	fmt.Println("| | interactive: ok | p99 ms | total |\n|---|--:|--:|--:|")
	const length = 60 * time.Second
	interactive, batch := crowd{0, 20, 0, .3 * peak}, crowd{20, 30, 1, 10 * peak}
	solo := run(t, policies[0].make, 1, length, interactive)[0]
	fmt.Printf("| alone | %.1f %% | %d | |\n", 100*float64(solo.good)/float64(solo.arrived), ms(solo.p99()))
	for _, p := range append(policies, struct {
		name string
		make func() gate
	}{"Kubernetes APF, wait ≤ deadline/4, 4 + 4 seats", func() gate { return newAPF(deadline/4, seats/2, seats/2) }}) {
		r := run(t, p.make, 1, length, interactive, batch)
		fmt.Printf("| %s | %.1f %% | %d | %.1f %% |\n", p.name, 100*float64(r[0].good)/float64(r[0].arrived), ms(r[0].p99()), 100*float64(r[0].good+r[1].good)/length.Seconds()/peak)
	}
}
