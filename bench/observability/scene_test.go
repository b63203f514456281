package observability

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"gridflow/flow"
	"gridflow/flow/breaker"
	"gridflow/internal/forks"
	"gridflow/internal/journal"
	"gridflow/internal/obs"
	"gridflow/internal/workspace"
)

// scrapeEvery is how often /metrics is read, and the rules are looked at.
const scrapeEvery = 15 * time.Second

// A scene is what a server is made of, but for the protocol and the files.
type scene struct {
	t       *testing.T
	ctx     context.Context // ends with the scene
	gate    *flow.Gate
	costs   *flow.Costs
	metrics *obs.Metrics
	disk    *breaker.Breaker
	issuer  *breaker.Breaker // of access tokens
	office  *libre
	going   sync.WaitGroup

	gone     atomic.Bool // nobody answers the scraper
	draining atomic.Bool
	inside   atomic.Int64
	cache    atomic.Pointer[workspace.CacheStats]
	poisoned atomic.Bool // the journal takes no more records
	calc     atomic.Pointer[forks.CalcStats]
}

// perform plays a fault to a server with an ordinary load, and gives what a scraper has
// read in the given time.
func perform(t *testing.T, length time.Duration, conf flow.Config, fault func(*scene)) *history {
	h := newHistory()
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		s := &scene{t: t, ctx: ctx, costs: new(flow.Costs), metrics: obs.NewMetrics("1.2.3", conf.Classes)}
		s.cache.Store(&workspace.CacheStats{MaxBytes: 1 << 29})
		var err error
		if s.gate, err = flow.New(conf, s.metrics.Listener()); err != nil {
			t.Fatal(err)
		}
		files := breaker.Files()
		files.Classify = func(error) breaker.Verdict { return breaker.Failure }
		if s.disk, err = breaker.New("/books", files); err != nil {
			t.Fatal(err)
		}
		if s.issuer, err = breaker.New("oauth keys", files); err != nil {
			t.Fatal(err)
		}
		if s.office, err = newLibre(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		s.metrics.Connect(obs.Sources{
			Gate: s.gate, Costs: s.costs, Cache: func() workspace.CacheStats { return *s.cache.Load() },
			Drain:    func() (bool, int) { return s.draining.Load(), int(s.inside.Load()) },
			Breakers: func() []breaker.Stats { return append(s.office.Breakers(), s.disk.Stats(), s.issuer.Stats()) },
			Office:   s.office.Stats,
			Forks: func() (f forks.Stats) {
				if c := s.calc.Load(); c != nil {
					f.Calc = *c
				}
				if s.poisoned.Load() {
					f.Journal.Poisoned = journal.ErrPoisoned
				}
				return f
			},
		})
		s.every(time.Second, s.metrics.Tick)
		s.load(flow.Fast, time.Second/4, 5*time.Millisecond)
		s.load(flow.Medium, 2*time.Second, 200*time.Millisecond)
		s.load(flow.Slow, 20*time.Second, 2*time.Second)
		s.every(10*time.Second, func() { // most workbooks are open
			c := *s.cache.Load()
			c.Hits, c.Misses, c.Loads = c.Hits+20, c.Misses+1, c.Loads+1
			s.cache.Store(&c)
		})
		s.going.Go(func() { s.recalculates(7*time.Second, another) })
		s.going.Go(func() { fault(s) })
		for start := time.Now(); time.Since(start) < length; time.Sleep(scrapeEvery) {
			s.scrape(h)
		}
		end()
		s.going.Wait()
		s.office.Close(context.Background())
	})
	return h
}

// scrape reads /metrics.
func (s *scene) scrape(h *history) {
	h.times = append(h.times, time.Now())
	if s.gone.Load() {
		h.end()
		return
	}
	w := httptest.NewRecorder()
	s.metrics.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(w.Body.String()))
	if err != nil || w.Code != 200 {
		s.t.Fatalf("/metrics: %d, %v", w.Code, err)
	}
	samples, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{Timestamp: model.TimeFromUnixNano(time.Now().UnixNano())}, values(families)...)
	if err != nil {
		s.t.Fatal(err)
	}
	h.add(samples)
}

// every does something again and again, until the scene ends.
func (s *scene) every(interval time.Duration, do func()) {
	s.going.Go(func() {
		for s.pause(interval) {
			do()
		}
	})
}

// pause waits, and tells whether the scene goes on.
func (s *scene) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// load brings calls of a class at random, with the given mean time between two of them and
// mean time to serve.
func (s *scene) load(class int, between, service time.Duration) {
	r := rand.New(rand.NewPCG(1, uint64(class)))
	s.going.Go(func() {
		for n := 0; s.pause(time.Duration(r.ExpFloat64() * float64(between))); n++ {
			s.call(class, fmt.Sprint("user ", n%5), time.Duration(r.ExpFloat64()*float64(service)), "ok")
		}
	})
}

// call makes a call as the server does; it does not wait for it. It holds its seat for the
// given time, or until the scene ends.
func (s *scene) call(class int, client string, service time.Duration, outcome string) {
	s.going.Go(func() {
		r := flow.Request{Class: class, Client: client, Need: flow.Amounts{flow.CPU: 1}, Cost: service}
		c := obs.Call{Tool: "range_values", Class: class, Client: client, Weight: 1, Outcome: "overloaded"}
		came := time.Now()
		p, err := s.gate.Acquire(s.ctx, r)
		if err != nil {
			c.Waited = time.Since(came)
			s.metrics.Observe(c)
			return
		}
		c.Ran, c.Waited, c.Outcome = true, p.Waited(), outcome
		s.pause(service)
		c.Service = p.Done(flow.OK)
		s.costs.Learn(flow.Kind{Name: "range_values", Size: uint8(class)}, service, c.Service)
		s.metrics.Observe(c)
	})
}
