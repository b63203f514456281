package obs

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridflow/flow"
	"gridflow/flow/kernel"
	"gridflow/flow/limit"
)

// TestStrain: a ratio has to stay beyond a bound for as long as said before it counts, both
// ways, and the bounds lie apart.
func TestStrain(t *testing.T) {
	s := new(strain)
	now := time.Duration(0)
	for _, step := range []struct {
		ratio   float64
		seconds int
		over    bool
	}{
		{math.NaN(), 60, false}, // nobody comes
		{1, 60, false},          // as much as can be done
		{1.01, 30, false},
		{1, 1, false}, // it was a burst: the time begins anew
		{5, 30, false},
		{5, 1, true},
		{.95, 120, true}, // not yet well
		{.89, 30, true},
		{.91, 1, true},
		{math.NaN(), 30, true},
		{0, 1, false},
		{.95, 120, false},
	} {
		for range step.seconds {
			s.update(now, step.ratio)
			now += time.Second
		}
		if s.over != step.over {
			t.Errorf("at %v, after %d s of %g: %v", now, step.seconds, step.ratio, s.over)
		}
	}
}

// TestTaktRaisesLevel (S33): where calls come faster than their class can do them, for long,
// the level goes to warn before any queue is a tenth full, once, and nothing is shed for it;
// and goes back, once, when the demand has fallen below what can be done.
func TestTaktRaisesLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conf := flow.Defaults(4, 0)
		conf.Classes[flow.Slow].WaitMax, conf.Classes[flow.Slow].QueueMax, conf.Classes[flow.Slow].FlowQueueMax = time.Hour, 10000, 10000
		m := NewMetrics("1.2.3", conf.Classes)
		var edges []string
		start := time.Now()
		l := m.Listener()
		count := l.Level
		l.Level = func(from, to flow.Level) {
			count(from, to)
			edges = append(edges, fmt.Sprint(from, ">", to, " ", m.Behind()))
			t.Logf("at %v: %v", time.Since(start).Round(time.Second), edges[len(edges)-1])
		}
		g, err := flow.New(conf, l)
		if err != nil {
			t.Fatal(err)
		}
		m.Connect(Sources{Gate: g})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				m.Tick()
				time.Sleep(time.Second)
			}
		})
		slow := flow.Request{Class: flow.Slow, Client: "user", Need: flow.Amounts{flow.CPU: 1}}
		arrive := func(every, length time.Duration) {
			for until := time.Now().Add(length); time.Now().Before(until); time.Sleep(every) {
				wg.Go(func() { call(t.Context(), g, m, slow, 3*time.Second) })
			}
		}
		arrive(time.Second+100*time.Millisecond, 4*time.Minute) // three seats do one in a second
		if len(edges) != 0 {
			t.Errorf("below what can be done: %v", edges)
		}
		arrive(800*time.Millisecond, 4*time.Minute)
		s := g.Stats()
		if !slices.Equal(edges, []string{"ok>warn [slow]"}) || s.Level != kernel.LevelWarn || g.Level() != kernel.LevelWarn || s.Waiting > s.QueueMax/10 {
			t.Errorf("with more than can be done, and %d of %d waiting: %v", s.Waiting, s.QueueMax, edges)
		}
		if n := m.Status(0, false, ""); n.Level != "warn" || !slices.Equal(n.Behind, []string{"slow"}) {
			t.Errorf("the status says %s, %v", n.Level, n.Behind)
		}
		if text, _ := scrape(t, m); !strings.Contains(text, "\ngridflow_andon_level 1\n") || !strings.Contains(text, "\ngridflow_andon_changes_total{level=\"warn\"} 1\n") {
			t.Error("/metrics does not tell of the level")
		}
		for o, n := range s.Classes[flow.Slow].Outcomes {
			if kernel.Outcome(o) != kernel.Started && n > 0 {
				t.Errorf("%d calls were refused: %v", n, kernel.Outcome(o))
			}
		}
		arrive(2*time.Second, 4*time.Minute)
		stop()
		wg.Wait()
		if want := []string{"ok>warn [slow]", "warn>ok []"}; !slices.Equal(edges, want) {
			t.Errorf("%v, want %v", edges, want)
		}
	})
}

// TestQueuesAboveDemand: the level is the higher of that of the queues and that of the
// demand, and each change of it is told once.
func TestQueuesAboveDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conf := flow.Config{Classes: []flow.Class{{Name: "work", QueueMax: 10}}, Resources: []flow.Resource{{Name: "cpu", Capacity: 1}}}
		var edges []string
		g, err := flow.New(conf, flow.Listener{Level: func(from, to flow.Level) { edges = append(edges, fmt.Sprint(from, ">", to)) }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		g.Raise(kernel.LevelWarn)
		g.Raise(kernel.LevelWarn)
		for range 10 {
			wg.Go(func() {
				if p, err := g.Acquire(ctx, flow.Request{Need: flow.Amounts{1}}); err == nil {
					<-ctx.Done()
					p.Done(flow.OK)
				}
			})
			synctest.Wait()
		}
		g.Raise(kernel.LevelOK) // the queues are at critical
		g.Raise(kernel.LevelWarn)
		leave()
		wg.Wait()
		if g.Level() != kernel.LevelWarn {
			t.Errorf("with empty queues the level is %v", g.Level())
		}
		g.Raise(kernel.LevelOK)
		if want := []string{"ok>warn", "warn>critical", "critical>warn", "warn>ok"}; !slices.Equal(edges, want) {
			t.Errorf("%v, want %v", edges, want)
		}
	})
}

// TestDemandOfSharers: calls that wait for one load under one permit are no demand on the
// seats, and neither are those that were refused because their client comes too often.
func TestDemandOfSharers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conf := flow.Defaults(2, 0)
		conf.Classes[flow.Fast].Rate, conf.Classes[flow.Fast].Burst = .001, 60
		g, m := observed(t, conf)
		var wg sync.WaitGroup
		for n := range 2000 {
			wg.Go(func() {
				r := flow.Request{Class: flow.Fast, Client: "patient " + fmt.Sprint(n), Need: flow.Amounts{flow.CPU: 1}, Share: "load"}
				if n >= 100 {
					r.Client = "flood"
				}
				call(t.Context(), g, m, r, 100*time.Millisecond)
			})
		}
		synctest.Wait()
		time.Sleep(10 * time.Second)
		wg.Wait()
		_, families := scrape(t, m)
		if got := value(t, families, permitsJoined, "fast"); got != 159 {
			t.Errorf("%g calls ran under another's permit, want all but one of 160", got)
		}
		// One permit in ten seconds, held for a tenth of one.
		near(t, "takt", value(t, families, takt, "fast"), 10, 1e-9)
		near(t, "cycle", value(t, families, cycle, "fast"), .1/2, 1e-9)
		near(t, "takt ratio", value(t, families, taktRatio, "fast"), .005, 1e-9)
	})
}

// TestDemandOfOneClient: what is refused because its client has too many in the queue, wants what there never is, or comes when the
// server drains is no demand on the seats; what is refused because all together are too many is.
func TestDemandOfOneClient(t *testing.T) {
	for name, c := range map[string]struct {
		need   int64
		client func(n int) string
		drains bool
		wanted int // of 40 calls that come in 10 s
	}{
		"its queue is full":   {1, func(int) string { return "flood" }, false, 7}, // two run, five wait
		"never":               {99, func(n int) string { return fmt.Sprint(n) }, false, 0},
		"draining":            {1, func(n int) string { return fmt.Sprint(n) }, true, 0},
		"all queues are full": {1, func(n int) string { return fmt.Sprint(n) }, false, 40},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				conf := flow.Defaults(2, 0)
				conf.Classes[flow.Slow].QueueMax, conf.Classes[flow.Slow].FlowQueueMax = 10, 5
				g, m := observed(t, conf)
				if c.drains {
					g.Drain(false)
				}
				var wg sync.WaitGroup
				for n := range 40 {
					wg.Go(func() {
						call(t.Context(), g, m, flow.Request{Class: flow.Slow, Client: c.client(n), Need: flow.Amounts{flow.CPU: c.need}}, 20*time.Second)
					})
				}
				time.Sleep(10 * time.Second)
				_, families := scrape(t, m)
				if c.wanted == 0 {
					if family := families[table[takt].name]; family != nil {
						t.Errorf("there is a takt: %v", family)
					}
				} else {
					near(t, "takt", value(t, families, takt, "slow"), 10/float64(c.wanted), 1e-9)
				}
				wg.Wait()
			})
		})
	}
}

// TestStepsOfLimitsAreThere: each step that the limit of a class takes is a series before it is taken, so that the first of
// them is seen as a change.
func TestStepsOfLimitsAreThere(t *testing.T) {
	_, m := observed(t, flow.Defaults(2, 0))
	before, _ := scrape(t, m)
	for want, c := range map[limit.Cause]struct {
		sample   limit.Sample
		pressure float64
	}{
		limit.Headroom:  {limit.Sample{Service: time.Millisecond, InFlight: 2}, 0},
		limit.Latency:   {limit.Sample{Service: time.Minute, InFlight: 2}, 0},
		limit.Failures:  {limit.Sample{Service: time.Millisecond, InFlight: 2, Outcome: limit.Failed}, 0},
		limit.Scheduler: {limit.Sample{Service: time.Millisecond, InFlight: 2}, 1},
	} {
		conf := limit.Medium(1, 4)
		conf.Initial = 2
		l, err := limit.New(conf)
		if err != nil {
			t.Fatal(err)
		}
		step, stepped := limit.Change{}, false
		for now := time.Duration(0); !stepped && now < time.Hour; now += 100 * time.Millisecond {
			if step, stepped = l.Tick(now, c.pressure); !stepped {
				step, stepped = l.Observe(now, c.sample)
			}
		}
		if step.Cause != want {
			t.Fatalf("the limit took the step %+v, want one for %s", step, want)
		}
		m.Listener().Limit(flow.Medium, step)
		after, _ := scrape(t, m)
		series := fmt.Sprintf("\ngridflow_limiter_adjust_total{cause=%q,class=\"medium\",dir=%q}", want, direction(step))
		if !strings.Contains(before, series+" 0\n") || !strings.Contains(after, series+" 1\n") {
			t.Errorf("%s is not 0 before its first step and 1 after it", series)
		}
	}
}

// TestLeavingCounts: who leaves the queue, of himself or because his time is over, has waited and is gone.
func TestLeavingCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conf := flow.Defaults(2, 0)
		conf.Classes[flow.Slow].Limit, conf.Classes[flow.Slow].WaitMax = 1, 20*time.Second
		g, m := observed(t, conf)
		ctx, leave := context.WithTimeout(t.Context(), 10*time.Second)
		defer leave()
		var wg sync.WaitGroup
		for i, who := range []context.Context{t.Context(), ctx, t.Context()} {
			wg.Go(func() {
				call(who, g, m, flow.Request{Class: flow.Slow, Client: fmt.Sprint(i), Need: flow.Amounts{flow.CPU: 1}}, 30*time.Second)
			})
			synctest.Wait()
		}
		wg.Wait() // one ran for 30 s, one waited for 10 s, one for 20 s
		time.Sleep(10 * time.Second)
		_, families := scrape(t, m)
		near(t, "L", value(t, families, littleL, "slow"), 60./40, 1e-9)
		near(t, "λW", value(t, families, littleLambdaW, "slow"), 60./40, 1e-9)
		near(t, "efficiency", value(t, families, flowEfficiency, "slow"), 30./60, 1e-9)
	})
}

// TestReloaded: both outcomes are there from the start, so that the first of them is seen
// as a change.
func TestReloaded(t *testing.T) {
	_, m := observed(t, flow.Defaults(2, 0))
	for range 2 {
		m.Reloaded(true)
	}
	m.Reloaded(false)
	text, _ := scrape(t, m)
	for _, line := range []string{`gridflow_config_reloads_total{outcome="applied"} 2`, `gridflow_config_reloads_total{outcome="rejected"} 1`} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no %s", line)
		}
	}
}

// TestStrainLasts: what has come to be so stays so until the contrary has lasted as long.
func TestStrainLasts(t *testing.T) {
	var s strain
	now := time.Duration(0)
	for _, over := range []bool{true, false, true} {
		ratio := map[bool]float64{true: 2, false: .1}[over]
		for end := now + strainAfter; now < end; now += time.Second {
			if s.update(now, ratio); s.over == over {
				t.Fatalf("after %v, %v before it may, it is %v", now, end-now, over)
			}
		}
		if s.update(now, ratio); s.over != over {
			t.Fatalf("after %v it is %v", now, s.over)
		}
		now += time.Second
	}
}
