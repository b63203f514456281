package anchors

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/failsafe-go/failsafe-go/adaptivelimiter"

	front "gridflow/flow"
	"gridflow/flow/kernel"
	"gridflow/flow/limit"
)

// servers is a backend whose number of servers changes: first come, first served, and what
// has been begun is ended.
type servers struct {
	mu      sync.Mutex
	n, busy int
	waiting []chan struct{}

	from, at time.Time
	used     []float64 // by half a second: the part of the servers that worked
}

const usedBin = 500 * time.Millisecond

// count adds up what the servers did until now. s.mu is held.
func (s *servers) count(now time.Time) {
	for s.at.Before(now) {
		i := int(s.at.Sub(s.from) / usedBin)
		end := s.from.Add(time.Duration(i+1) * usedBin)
		if end.After(now) {
			end = now
		}
		for len(s.used) <= i {
			s.used = append(s.used, 0)
		}
		s.used[i] += float64(end.Sub(s.at)) / float64(usedBin) * min(1, float64(s.busy)/float64(s.n))
		s.at = end
	}
}

// change makes it n servers.
func (s *servers) change(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(time.Now())
	s.n = n
	s.next()
}

// next gives work to servers that have none. s.mu is held.
func (s *servers) next() {
	for s.busy < s.n && len(s.waiting) > 0 {
		s.busy++
		close(s.waiting[0])
		s.waiting = s.waiting[1:]
	}
}

func (s *servers) work(takes time.Duration) {
	turn := make(chan struct{})
	s.mu.Lock()
	s.count(time.Now())
	s.waiting = append(s.waiting, turn)
	s.next()
	s.mu.Unlock()
	<-turn
	time.Sleep(takes)
	s.mu.Lock()
	s.count(time.Now())
	s.busy--
	s.next()
	s.mu.Unlock()
}

// follower is a gate that does not know how many servers there are, and says how many it
// takes there to be.
type follower struct {
	do    func(ctx context.Context, work func()) bool
	limit func() int
}

func newFollower() follower {
	gate, err := front.New(front.Config{
		Classes:   []kernel.Class{class("all", 1)},
		Resources: []kernel.Resource{{Name: "seat", Capacity: 64}},
	}, front.Listener{})
	if err != nil {
		panic(err)
	}
	g, err := limit.NewGradient(limit.GradientConfig{Min: 1, Max: 64, Initial: seats})
	if err != nil {
		panic(err)
	}
	gate.Adapt(0, g)
	return follower{
		do: func(ctx context.Context, work func()) bool {
			p, err := gate.Acquire(ctx, front.Request{Need: front.Amounts{1}})
			if err != nil {
				return false
			}
			work()
			p.Done(front.OK)
			return true
		},
		limit: func() int { return gate.Stats().Classes[0].Limit },
	}
}

func newFailsafe(queue bool) func() follower {
	return func() follower {
		l := adaptivelimiter.NewWithDefaults[any]()
		if queue {
			l = adaptivelimiter.NewBuilder[any]().WithQueueing(2, 3).Build()
		}
		g := adaptive{l, queue}
		return follower{do: func(ctx context.Context, work func()) bool { return g.do(ctx, 0, 0, work) }, limit: l.Limit}
	}
}

// TestSideSteps: 1 600 requests in a second to eight servers, of which four are left after a
// third of the time, and sixteen after two thirds. Measured is the part of the servers that
// works, in seconds, and the limit by the number of servers in the second half of each third.
func TestSideSteps(t *testing.T) {
	fmt.Println("| | s to 95 % of 16 servers | lowest second of 8, 4 | limit by servers: 8 | 4 | 16 |\n|---|--:|--:|--:|--:|--:|")
	third := measure(3*time.Minute) / 3
	for _, p := range []struct {
		name string
		make func() follower
	}{{"gridflow", newFollower}, {"failsafe-go adaptive", newFailsafe(false)}, {"failsafe-go adaptive, queue", newFailsafe(true)}} {
		inTime(t, func(t *testing.T) { steps(p.name, p.make(), third) })
	}
}

func steps(name string, g follower, third time.Duration) {
	const rate = 1600
	start := time.Now()
	s := &servers{n: 8, from: start, at: start}
	r := rand.New(rand.NewPCG(1, 0))
	var all sync.WaitGroup
	var limits [3][]float64 // the limit by the number of servers, once in ten milliseconds
	all.Go(func() {
		for at := time.Duration(0); at < 3*third; at += 10 * time.Millisecond {
			time.Sleep(at - time.Since(start))
			phase := int(at / third)
			if at%third >= third/2 {
				limits[phase] = append(limits[phase], float64(g.limit())/float64([]int{8, 4, 16}[phase]))
			}
		}
	})
	phase := 0
	for at := time.Duration(0); at < 3*third; at += time.Duration(r.ExpFloat64() / rate * float64(time.Second)) {
		time.Sleep(at - time.Since(start))
		if now := int(at / third); now != phase {
			phase = now
			s.change([]int{8, 4, 16}[phase])
		}
		takes := time.Duration(r.ExpFloat64() * float64(work))
		all.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), deadline)
			defer cancel()
			g.do(ctx, func() { s.work(takes) })
		})
	}
	all.Wait()
	second := func(i int) float64 { return (s.used[i] + s.used[i+1]) / 2 }
	bins := int(third / usedBin)
	settled := "never"
	for i := 2 * bins; i+1 < 3*bins; i++ {
		if second(i) >= .95 {
			settled = fmt.Sprintf("%.1f", (time.Duration(i+2-2*bins) * usedBin).Seconds())
			break
		}
	}
	lowest := func(from, to int) float64 {
		least := 1.0
		for i := from; i+1 < to; i++ {
			least = min(least, second(i))
		}
		return 100 * least
	}
	mean := func(x []float64) (m float64) {
		for _, v := range x {
			m += v / float64(len(x))
		}
		return m
	}
	fmt.Printf("| %s | %s | %.0f, %.0f %% | %.2f | %.2f | %.2f |\n", name, settled, lowest(10, bins), lowest(bins, 2*bins), mean(limits[0]), mean(limits[1]), mean(limits[2]))
}
