package observability

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"gridflow/flow"
	"gridflow/flow/limit"
	"gridflow/internal/forks"
)

// patient is a server of four seats whose queues nobody leaves by himself.
func patient() flow.Config {
	conf := flow.Defaults(4, 1<<30)
	for i := range conf.Classes {
		conf.Classes[i].WaitMax, conf.Classes[i].Target = 0, 0
	}
	return conf
}

// bursts brings forty calls of a second at once, once a minute: less than what three seats
// can do in it, and each waits for several others.
func bursts(s *scene) {
	for s.pause(time.Minute) {
		for i := range 40 {
			s.call(flow.Medium, fmt.Sprint("user ", i), time.Second, "ok")
		}
	}
}

var errDisk = errors.New("input/output error")

// calculates brings calculations, of which one in so many takes longer than a change may wait and
// leaves a fork stale until the next.
func (s *scene) calculates(interval time.Duration, over int) {
	s.calc.Store(&forks.CalcStats{})
	n := 0
	s.every(interval, func() {
		c := *s.calc.Load()
		c.Seconds.Count++
		c.Formulas += 100
		c.Stale = 0
		if n++; over > 0 && n%over == 0 {
			c.Over++
			c.Stale = 1
		}
		s.calc.Store(&c)
	})
}

// A fault is what happens to a server, and the alert that has to fire for it.
type fault struct {
	alert  string
	says   string // part of the text
	length time.Duration
	conf   flow.Config
	happen func(*scene)
}

var faults = []fault{
	{"GridflowGone", "No gridflow", 20 * time.Minute, patient(), func(s *scene) {
		if s.pause(5 * time.Minute) {
			s.gone.Store(true)
		}
	}},
	{"GridflowEmergency", "Every call", 10 * time.Minute, func() flow.Config { c := patient(); c.QueueMax = 50; return c }(), func(s *scene) {
		for i := range 60 { // four hold the seats and never end
			s.call(flow.Fast, fmt.Sprint("user ", i), time.Hour, "ok")
		}
	}},
	{"GridflowQueueFull", "class slow", 10 * time.Minute, func() flow.Config { c := patient(); c.Classes[flow.Slow].Limit = 1; return c }(), func(s *scene) {
		for i := range 65 {
			s.call(flow.Slow, fmt.Sprint("user ", i), time.Hour, "ok")
		}
	}},
	{"GridflowCallsRefused", "full_class", 10 * time.Minute, func() flow.Config { c := patient(); c.Classes[flow.Slow].Limit = 1; return c }(), func(s *scene) {
		for i := range 65 {
			s.call(flow.Slow, fmt.Sprint("user ", i), time.Hour, "ok")
		}
	}},
	{"GridflowDemandAboveCapacity", "class slow", 20 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		for n := 0; s.pause(time.Second); n++ {
			s.call(flow.Slow, fmt.Sprint("user ", n%9), 5*time.Second, "ok")
		}
	}},
	{"GridflowWaits", "class medium", 30 * time.Minute, patient(), bursts},
	{"GridflowArrivalsUneven", "class medium", 30 * time.Minute, patient(), bursts},
	{"GridflowFastCallsWait", "more than a second", 20 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		for n := 0; s.pause(time.Second / 20); n++ {
			s.call(flow.Fast, fmt.Sprint("user ", n%9), 400*time.Millisecond, "ok")
		}
	}},
	{"GridflowFastCallsSlow", "a tenth of the short calls", 25 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		for s.pause(time.Second) {
			s.call(flow.Fast, "user", 200*time.Millisecond, "ok")
		}
	}},
	{"GridflowMispredictions", "another class", 50 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		for n := 0; s.pause(time.Second); n++ {
			s.costs.Learn(flow.Kind{Name: "find_value", Size: uint8(n % 60)}, 10*time.Millisecond, 3*time.Second)
		}
	}},
	{"GridflowLimitAtLeast", "class medium", 30 * time.Minute, patient(), func(s *scene) {
		l, err := limit.New(limit.Medium(1, 4))
		if err != nil {
			s.t.Error(err)
			return
		}
		s.gate.Adapt(flow.Medium, l)
		for s.pause(5 * time.Second) {
			s.call(flow.Medium, "user", 3*time.Second, "ok")
		}
	}},
	{"GridflowCallsFail", "fails by the server's doing", 20 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		for s.pause(2 * time.Second) {
			s.call(flow.Fast, "user", 5*time.Millisecond, "internal")
		}
	}},
	{"GridflowCallStuck", "class slow", 20 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		s.call(flow.Slow, "user", time.Hour, "timeout_exec")
	}},
	{"GridflowBreakerOpen", "under /books", 5 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		if s.pause(time.Minute) {
			for i := range 5 {
				if p, err := s.disk.Allow(fmt.Sprint("book ", i)); err == nil {
					p.Done(errDisk)
				}
			}
		}
	}},
	{"GridflowJournalFailed", "nothing can be edited", 5 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		if s.pause(time.Minute) {
			s.poisoned.Store(true)
		}
	}},
	{"GridflowForksStale", "quarter of an hour: 2", 30 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		if s.pause(time.Minute) {
			s.calc.Store(&forks.CalcStats{Stale: 2})
		}
	}},
	{"GridflowCalcOverBudget", "one calculation in five", 40 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		s.calculates(10*time.Second, 3)
	}},
	{"GridflowCalcTooLarge", "more memory", 5 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		s.calculates(10*time.Second, 0)
		if s.pause(time.Minute) {
			c := *s.calc.Load()
			c.TooLarge++
			s.calc.Store(&c)
		}
	}},
	{"GridflowFilesSetAside", "Files under /books that cannot be read again and again: 1", 15 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		for range 2 {
			if p, err := s.disk.Allow("book"); err == nil {
				p.Done(errDisk)
			}
		}
	}},
	{"GridflowOfficeBreakerOpen", "LibreOffice fails: libreoffice recalc", 5 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		if s.pause(time.Minute) {
			s.office.crashes.Store(true)
		}
	}},
	{"GridflowOfficeDocumentsSetAside", "down each time: 1", 10 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		s.office.crashes.Store(true)
		for range 2 {
			if err := s.recalculate("poison"); err == nil {
				s.t.Error("it does not crash")
			}
		}
		s.office.crashes.Store(false)
	}},
	{"GridflowOfficeDoesNotStart", "does not start", 10 * time.Minute, flow.Defaults(4, 0), func(s *scene) { s.office.dead.Store(true) }},
	{"GridflowOfficeWorkersDie", "die under their jobs", 30 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		for s.pause(time.Minute) { // one in a minute does not open the breaker
			s.office.crashes.Store(true)
			_ = s.recalculate(fmt.Sprint("bad ", time.Now()))
			s.office.crashes.Store(false)
		}
	}},
	{"GridflowOfficeWaits", "Jobs wait", 20 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		s.office.work.Store(int64(15 * time.Second)) // two at once, and one comes every seven seconds and a half
	}},
	{"GridflowLoadsWait", "memory for loads", 15 * time.Minute, flow.Defaults(4, 1<<30), func(s *scene) {
		p, err := s.gate.Acquire(s.ctx, flow.Request{Class: flow.Slow, Need: flow.Amounts{flow.Bytes: 3 << 28}})
		if err != nil {
			s.t.Error(err)
			return
		}
		<-s.ctx.Done()
		p.Done(flow.OK)
	}},
	{"GridflowCacheTooSmall", "dropped for room", 40 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		s.every(5*time.Second, func() {
			c := *s.cache.Load()
			c.Misses, c.Loads, c.Evictions = c.Misses+1, c.Loads+1, c.Evictions+1
			s.cache.Store(&c)
		})
	}},
	{"GridflowStopTakesLong", "waits for 3 requests", 5 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		if s.pause(time.Minute) {
			s.gate.Drain(false)
			s.inside.Store(3)
			s.draining.Store(true)
		}
	}},
	{"GridflowConfigRejected", "is wrong", 5 * time.Minute, flow.Defaults(4, 0), func(s *scene) {
		if s.pause(time.Minute) {
			s.metrics.Reloaded(false)
		}
	}},
	// Refusals come all at once, between two scrapes, and are the first of their kind.
	{"GridflowStrangersCall", "for their host", 10 * time.Minute, flow.Defaults(4, 0), refusals(30, "host")},
	{"GridflowTokensRefused", "token_unknown", 10 * time.Minute, flow.Defaults(4, 0), refusals(90, "token_unknown")},
	{"GridflowIssuerGone", "their issuer gives no answer", 10 * time.Minute, flow.Defaults(4, 0), refusals(1, "token_unavailable")},
}

// refusals refuses n requests for a reason after two minutes, at once.
func refusals(n int, reason string) func(*scene) {
	return func(s *scene) {
		if s.pause(2 * time.Minute) {
			for range n {
				s.metrics.RefusedHTTP(reason)
			}
		}
	}
}

// TestEachAlertFires (S50): each alert that is shipped fires when what it is for happens,
// and says of what. None is without a fault.
func TestEachAlertFires(t *testing.T) {
	covered, well := make(map[string]bool), 0
	for _, f := range faults {
		covered[f.alert] = true
		t.Run(f.alert, func(t *testing.T) {
			fired := firing(t, perform(t, f.length, f.conf, f.happen))
			if text, ok := fired[f.alert]; !ok || !strings.Contains(text, f.says) {
				t.Errorf("it says %q, want %q", text, f.says)
			} else {
				well++
			}
			t.Logf("%s; also %v", fired[f.alert], slices.DeleteFunc(slices.Sorted(maps.Keys(fired)), func(name string) bool { return name == f.alert }))
		})
	}
	for _, r := range shipped(t, "alerts.yml") {
		if !covered[r.Alert] {
			t.Errorf("%s is tested by no fault", r.Alert)
		}
	}
	t.Logf("figure: faults, each of which fires its alert, of %d alerts: %d | %d", len(covered), well, len(faults))
}

// TestIssuerIsNoDisk: where the issuer of access tokens gives no answer its breaker opens, and nobody
// is sent to look at a disk.
func TestIssuerIsNoDisk(t *testing.T) {
	fired := firing(t, perform(t, 10*time.Minute, flow.Defaults(4, 0), func(s *scene) {
		if s.pause(2 * time.Minute) {
			for range 5 {
				if p, err := s.issuer.Allow(""); err == nil {
					p.Done(errDisk)
				}
			}
			s.metrics.RefusedHTTP("token_unavailable")
		}
	}))
	if text, ok := fired["GridflowIssuerGone"]; !ok || len(fired) != 1 {
		t.Errorf("%q; all that fires: %v", text, fired)
	}
}

// TestNoAlertWhileWell: an ordinary load, and one that keeps most of the seats busy, raise
// no alert in an hour.
func TestNoAlertWhileWell(t *testing.T) {
	for name, more := range map[string]func(*scene){
		"ordinary": func(*scene) {},
		"busy": func(s *scene) {
			s.load(flow.Fast, time.Second/10, 20*time.Millisecond)
			s.load(flow.Slow, 5*time.Second, 5*time.Second)
		},
		"once": func(s *scene) { // one burst, one wrong call, one file that can be read again
			s.pause(10 * time.Minute)
			for range 30 {
				s.call(flow.Medium, "user", time.Second, "ok")
			}
			s.call(flow.Fast, "user", time.Millisecond, "internal")
			if p, err := s.disk.Allow("book"); err == nil {
				p.Done(errDisk)
			}
			s.metrics.Reloaded(true)
		},
		"calculating": func(s *scene) { s.calculates(5*time.Second, 20) },
	} {
		t.Run(name, func(t *testing.T) {
			for alert, text := range firing(t, perform(t, time.Hour, flow.Defaults(4, 0), more)) {
				t.Errorf("%s: %s", alert, text)
			}
		})
	}
}

// TestDashboard: what the panels ask is PromQL.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../docs/observability/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	type panel struct {
		Targets []struct{ Expr string }
		Panels  []panel
	}
	var board panel
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	n := 0
	parse := parser.NewParser(parser.Options{})
	var walk func(panel)
	walk = func(p panel) {
		for _, target := range p.Targets {
			n++
			if _, err := parse.ParseExpr(target.Expr); err != nil {
				t.Errorf("%s: %v", target.Expr, err)
			}
		}
		for _, p := range p.Panels {
			walk(p)
		}
	}
	walk(board)
	if n < 60 {
		t.Errorf("only %d expressions were found", n)
	}
}
