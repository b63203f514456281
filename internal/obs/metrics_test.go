package obs

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"gridflow/flow"
	"gridflow/flow/batch"
	"gridflow/flow/breaker"
	"gridflow/flow/kernel"
	"gridflow/flow/limit"
	"gridflow/flow/mcpflow"
	"gridflow/internal/forks"
	"gridflow/internal/journal"
	"gridflow/internal/lock"
	"gridflow/internal/office"
	"gridflow/internal/tally"
	"gridflow/internal/workspace"
)

var update = flag.Bool("update", false, "write testdata/metrics.txt, docs/metrics.md and docs/observability anew")

func testClasses() []flow.Class { return flow.Defaults(2, 0).Classes }

// observed makes a gate with metrics.
func observed(t *testing.T, conf flow.Config) (*flow.Gate, *Metrics) {
	t.Helper()
	m := NewMetrics("1.2.3", conf.Classes)
	g, err := flow.New(conf, m.Listener())
	if err != nil {
		t.Fatal(err)
	}
	var tally tally.Durations
	tally.Add(3 * time.Millisecond)
	tallied := tally.Read()
	batches := batch.Stats{Batches: 2, Items: 9}
	batches.Sizes[0], batches.Sizes[3] = 1, 1 // one of 1, one of 8
	m.Connect(Sources{
		Gate: g, Costs: new(flow.Costs), Cache: func() workspace.CacheStats {
			return workspace.CacheStats{Hits: 7, Bytes: 1 << 20, FormulaBytes: 4096, CalculationBytes: 512}
		},
		Drain:    func() (bool, int) { return false, 3 },
		Breakers: func() []breaker.Stats { return []breaker.Stats{{Name: "/books", State: breaker.Open, Rejected: 5}} },
		Forks: func() forks.Stats {
			return forks.Stats{Forks: 3, Commits: 4, Conflicts: 1, Replayed: 9, Calc: forks.CalcStats{Seconds: tallied, Formulas: 12, Changed: 8, Circular: 1, Over: 2, TooLarge: 1, Later: 5, Behind: 1, Stale: 2}, Journal: journal.Stats{Batch: batches, Syncs: tallied}}
		},
		Office: func() office.Stats {
			return office.Stats{
				Installed: true, Workers: map[string]int{"idle": 1, "busy": 2}, Wanted: 3, Slots: 2, Capacity: 3, Share: .25, Waiting: 1, WaitingMax: 4, Queue: 64, Waits: tallied,
				Jobs:   []office.KindStats{{Kind: "paint", Waiting: 1, Seconds: tallied, Outcomes: map[string]uint64{"ok": 6, "crash": 1}}},
				Joined: 2, Rejected: 1, Started: 9, Ended: map[office.Cause]uint64{office.CauseJobs: 5, office.CauseCrash: 1},
			}
		},
		Events: func() (int, uint64) { return 2, 11 },
		Locks:  func() []lock.Wait { return []lock.Wait{{Rank: "flow.gate", Histogram: tallied}} },
	})
	return g, m
}

// call makes a call as the server does.
func call(ctx context.Context, g *flow.Gate, m *Metrics, r flow.Request, service time.Duration) {
	came := time.Now()
	p, err := g.Acquire(ctx, r)
	if err != nil {
		m.Observe(Call{Tool: "range_values", Class: r.Class, Client: r.Client, Waited: time.Since(came), Outcome: "overloaded"})
		return
	}
	waited := p.Waited()
	time.Sleep(service)
	m.Observe(Call{Tool: "range_values", Class: r.Class, Client: r.Client, Ran: true, Waited: waited, Service: p.Done(flow.OK), Outcome: "ok"})
}

// scrape gives what /metrics says.
func scrape(t *testing.T, m *Metrics) (text string, families map[string]*dto.MetricFamily) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	text = w.Body.String()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return text, families
}

// value gives a value of a class, or of all where class is "".
func value(t *testing.T, families map[string]*dto.MetricFamily, row int, class string) float64 {
	t.Helper()
	for _, m := range families[table[row].name].GetMetric() {
		for _, l := range m.GetLabel() {
			if class != "" && l.GetName() == "class" && l.GetValue() != class {
				m = nil
				break
			}
		}
		switch {
		case m == nil:
		case m.Counter != nil:
			return m.GetCounter().GetValue()
		case m.Gauge != nil:
			return m.GetGauge().GetValue()
		}
	}
	t.Fatalf("%s of %q is not there", table[row].name, class)
	return 0
}

// TestGolden: after calls of all sorts every row of the table is there, as the table has
// it and as it has been before: whoever draws or warns by these names relies on them.
func TestGolden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, m := observed(t, flow.Defaults(2, 1<<20))
		quick := limit.Medium(1, 2)
		quick.Initial = 1
		l, err := limit.New(quick)
		if err != nil {
			t.Fatal(err)
		}
		g.Adapt(flow.Medium, l)
		if err := g.Pace(flow.Slow, time.Minute, time.Second); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 20 {
			for class := range testClasses() {
				wg.Go(func() {
					call(t.Context(), g, m, flow.Request{Class: class, Client: fmt.Sprint("session SECRET", i), Kind: "range_values", Need: flow.Amounts{flow.CPU: 1}}, 50*time.Millisecond)
				})
			}
			time.Sleep(10 * time.Millisecond)
		}
		wg.Wait()
		m.Observe(Call{Tool: "find_value", Class: NoClass, Client: "user SECRET", Outcome: "draining"})
		m.RefusedHTTP("host")

		text, families := scrape(t, m)
		for _, line := range []string{
			`gridflow_limiter_adjust_total{cause="headroom",class="medium",dir="up"} 1`, `gridflow_limiter_limit{class="medium"} 2`,
			`gridflow_limiter_min{class="medium"} 1`, `gridflow_limiter_max{class="medium"} 2`,
			`gridflow_subscribers 2`, `gridflow_events_lagged_total 11`, `gridflow_journal_replayed_total 9`,
			`gridflow_batch_size_bucket{kind="journal",le="1"} 1`, `gridflow_batch_size_bucket{kind="journal",le="7"} 1`, `gridflow_batch_size_bucket{kind="journal",le="15"} 2`,
			`gridflow_batch_size_sum{kind="journal"} 9`, `gridflow_batch_size_count{kind="journal"} 2`,
			`gridflow_lock_wait_seconds_bucket{rank="flow.gate",le="0.0025"} 0`, `gridflow_lock_wait_seconds_bucket{rank="flow.gate",le="0.005"} 1`,
			`gridflow_journal_fsync_seconds_sum 0.003`, `gridflow_rate_limited_total{class="fast"} 0`,
			`gridflow_level_waiting{class="slow",kind="range_values"} 0`,
			`gridflow_breaker_state{name="/books"} 2`, `gridflow_breaker_rejected_total{name="/books"} 5`,
		} {
			if !strings.Contains(text, "\n"+line+"\n") {
				t.Errorf("no %s in\n%s", line, text)
			}
		}
		if strings.Contains(text, "_total_total") || strings.Contains(text, "SECRET") {
			t.Error("a name that ends twice, or a client, is in /metrics")
		}
		var got strings.Builder
		for _, name := range slices.Sorted(func(yield func(string) bool) {
			for name := range families {
				if strings.HasPrefix(name, "gridflow_") && !yield(name) {
					return
				}
			}
		}) {
			f := families[name]
			fmt.Fprintf(&got, "%s %s", name, strings.ToLower(f.GetType().String()))
			var labels, bounds []string
			for _, l := range f.GetMetric()[0].GetLabel() {
				labels = append(labels, l.GetName())
			}
			for _, b := range f.GetMetric()[0].GetHistogram().GetBucket() {
				bounds = append(bounds, strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64))
			}
			fmt.Fprintf(&got, " {%s} %s\n", strings.Join(labels, ","), strings.Join(bounds, " "))

			i := slices.IndexFunc(table[:], func(m metric) bool { return m.name == name })
			if i < 0 {
				t.Errorf("%s is not in the table", name)
				continue
			}
			want := slices.Sorted(slices.Values(table[i].labels))
			if f.GetHelp() != table[i].help || strings.ToLower(f.GetType().String()) != table[i].kind.String() || !slices.Equal(labels, want) {
				t.Errorf("%s is not what the table says: %v %v", name, f.GetType(), labels)
			}
		}
		for _, row := range table {
			if families[row.name] == nil {
				t.Errorf("%s is not in /metrics", row.name)
			}
		}
		for _, name := range []string{"go_goroutines", "process_resident_memory_bytes"} {
			if families[name] == nil {
				t.Errorf("%s is not in /metrics", name)
			}
		}
		golden(t, filepath.Join("testdata", "metrics.txt"), []byte(got.String()))
	})
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what it should be; if that is meant, run: make generate. Got:\n%s", file, got)
	}
}

func TestDocs(t *testing.T) {
	var b bytes.Buffer
	if err := Markdown(&b); err != nil {
		t.Fatal(err)
	}
	golden(t, "../../docs/metrics.md", b.Bytes())
}

// TestTable: names say what they are, and what is counted as calls go by stands first.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for i, m := range table {
		switch {
		case m.name == "" || m.help == "" || seen[m.name]:
			t.Errorf("row %d is missing or twice there: %+v", i, m)
		case !strings.HasPrefix(m.name, "gridflow_"):
			t.Errorf("%s is not of gridflow", m.name)
		case strings.HasSuffix(m.name, "_total") != (m.kind == counter):
			t.Errorf("%s is a %v", m.name, m.kind)
		case (m.kind == histogram) != (m.buckets != nil) || m.native() != (m.kind == histogram && i < counted):
			t.Errorf("%s has buckets %v", m.name, m.buckets)
		case slices.Contains(m.labels, "client") || slices.Contains(m.labels, "session"):
			t.Errorf("%s names clients", m.name)
		}
		seen[m.name] = true
	}
	for _, bound := range []float64{.1, 1, 5} {
		if !slices.Contains(table[execSeconds].buckets, bound) {
			t.Errorf("%g is no bound", bound)
		}
	}
}

// TestRefusalsAreThereBefore: each reason for which server and access refuse requests is a series from the
// start on, so that alerts see the first refusals as a growth, and the table names it.
func TestRefusalsAreThereBefore(t *testing.T) {
	text, _ := scrape(t, NewMetrics("", testClasses()))
	reasons := map[string]bool{mcpflow.OutcomeOverloaded: true, mcpflow.OutcomeRateLimited: true, mcpflow.OutcomeDraining: true}
	for _, pattern := range []string{"../server/*.go", "../access/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?:refused\((?:r, )?|reason\w+\s*= )"(\w+)"`).FindAllSubmatch(source, -1) {
				reasons[string(m[1])] = true
			}
		}
	}
	for reason := range reasons {
		if !strings.Contains(text, `gridflow_http_refused_total{reason="`+reason+`"} 0`+"\n") {
			t.Errorf("%s is no series before it happens", reason)
		}
		if !regexp.MustCompile(`[ ,:]` + reason + `[ ,;)]`).MatchString(table[httpRefused].help) {
			t.Errorf("%s is not in the table", reason)
		}
	}
	if len(reasons) != len(refusalReasons) {
		t.Errorf("%d reasons are used, %d are there from the start", len(reasons), len(refusalReasons))
	}
}

// TestNothingMissing: what is asked of a server of this kind is there (see docs/concurrency.md).
func TestNothingMissing(t *testing.T) {
	names := map[string]bool{}
	for _, m := range table {
		names[m.name] = true
	}
	for name := range strings.FieldsSeq(`
		requests_total queue_depth queue_capacity queue_depth_max queue_oldest_seconds queue_wait_seconds exec_seconds dropped_total inflight
		limiter_limit limiter_min limiter_max limiter_adjust_total breaker_state breaker_transitions_total breaker_rejected_total rate_limited_total
		cache_hits_total cache_misses_total cache_joined_total cache_loads_total cache_evictions_total cache_bytes cache_entries loads_inflight_bytes
		forks fork_mailbox_depth fork_conflicts_total batch_size takt_seconds cycle_seconds takt_ratio flow_efficiency arrival_cv service_cv
		class_share_actual class_share_target andon_level journal_appends_total journal_fsync_seconds journal_replayed_total
		drain_state drain_inflight lo_workers lo_restarts_total lo_job_seconds lock_wait_seconds subscribers events_lagged_total`) {
		if !names[prefix+name] {
			t.Errorf("there is no %s", name)
		}
	}
}

// TestSteadyArrivals (S33): of arrivals at a known rate, takt, Little's law, shares and
// efficiency come out within a tenth, through the gate and /metrics.
func TestSteadyArrivals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conf := flow.Defaults(2, 0)
		g, m := observed(t, conf)
		r := rand.New(rand.NewPCG(3, 4))
		var wg sync.WaitGroup
		var worked time.Duration
		const rate, minutes = 20, 5 // calls in a second
		for n := range rate * 60 * minutes {
			service := time.Duration(r.ExpFloat64() * float64(60*time.Millisecond))
			if n >= rate*60*(minutes-1) {
				worked += service
			}
			wg.Go(func() {
				call(t.Context(), g, m, flow.Request{Class: flow.Fast, Client: fmt.Sprint("session ", n%7), Need: flow.Amounts{flow.CPU: 1}}, service)
			})
			time.Sleep(time.Duration(r.ExpFloat64() * float64(time.Second/rate)))
		}
		_, families := scrape(t, m)
		get := func(row int) float64 { return value(t, families, row, "fast") }
		l, lambdaW := get(littleL), get(littleLambdaW)
		near(t, "takt", get(takt), 1./rate, .1)
		near(t, "cycle", get(cycle), .06/2, .1)
		near(t, "takt ratio", get(taktRatio), rate*.06/2, .2)
		near(t, "arrival CV", get(arrivalCV), 1, .1)
		near(t, "service CV", get(serviceCV), 1, .1)
		near(t, "L by Little's law", lambdaW, l, .1)
		near(t, "share", get(shareActual), 1, 0)
		near(t, "share by weight", get(shareTarget), 1, 0)
		if l < rate*.06 || get(flowEfficiency) > 1 {
			t.Errorf("%g calls at once, efficiency %g", l, get(flowEfficiency))
		}
		wg.Wait()
		t.Logf("λ = %d/s on 2 seats: takt %.4f s (bound 0.05 within a tenth), L %.2f, λW %.2f, efficiency %.2f", rate, get(takt), l, lambdaW, get(flowEfficiency))
	})
}

// TestLevels (S14, in part): the level is in /metrics, and each change is counted.
func TestLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conf := flow.Config{Classes: []flow.Class{{Name: "work", QueueMax: 10}}, Resources: []flow.Resource{{Name: "cpu", Capacity: 1}}}
		g, m := observed(t, conf)
		ctx, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 11 {
			wg.Go(func() { call(ctx, g, m, flow.Request{Client: "a", Need: flow.Amounts{1}}, time.Hour) })
			synctest.Wait()
			_, families := scrape(t, m)
			want := map[int]flow.Level{7: kernel.LevelWarn, 8: kernel.LevelWarn, 9: kernel.LevelCritical, 10: kernel.LevelEmergency}[i]
			if got := value(t, families, andonLevel, ""); got != float64(want) || value(t, families, queueDepth, "work") != float64(i) {
				t.Errorf("with %d waiting the level is %g, want %d", i, got, want)
			}
		}
		leave()
		synctest.Wait()
		text, families := scrape(t, m)
		for _, line := range []string{
			`gridflow_andon_changes_total{level="ok"} 1`, `gridflow_andon_changes_total{level="warn"} 2`,
			`gridflow_dropped_total{class="work",reason="cancelled"} 10`, `gridflow_queue_depth_max{class="work"} 10`,
		} {
			if !strings.Contains(text, line+"\n") {
				t.Errorf("no %s in\n%s", line, text)
			}
		}
		if value(t, families, andonLevel, "") != 0 {
			t.Error("the level does not go back")
		}
		wg.Wait()
	})
}

// TestStatus: the tool's figures are those of the calls that were made, and no client can
// be told from them.
func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, m := observed(t, flow.Defaults(2, 0))
		fast := flow.Request{Class: flow.Fast, Client: "session SECRET", Need: flow.Amounts{flow.CPU: 2}}
		for range 3 {
			go call(t.Context(), g, m, fast, 100*time.Millisecond)
			synctest.Wait()
		}
		time.Sleep(time.Second)
		s := m.Status(2, false, "")
		c := s.Classes[flow.Fast]
		if c.Recent != 3 || *c.WaitP50 != 100 || *c.WaitP99 != 200 || *c.RunP95 != 100 || *c.Efficiency != .5 || c.Waiting != 0 || len(c.Refused) != 0 {
			t.Errorf("class: %+v", c)
		}
		if s.Classes[flow.Slow].WaitP50 != nil || s.Classes[flow.Slow].Takt != nil {
			t.Errorf("a class without calls has %+v", s.Classes[flow.Slow])
		}
		if len(s.Calls) != 2 || s.Calls[0].QueueMs != 200 || s.Calls[0].RunMs != 100 || s.Calls[0].SecondsAgo != .7 || s.Calls[0].Class != "fast" || s.Calls[0].Outcome != "ok" {
			t.Errorf("calls: %+v", s.Calls)
		}
		if len(s.ByService) != 1 || s.ByService[0].ServiceMs != 300 || s.ByWait[0].WaitMs != 300 || s.ByWait[0].Calls != 3 {
			t.Errorf("clients: %+v and %+v", s.ByService, s.ByWait)
		}
		if s.Version != "1.2.3" || s.UptimeSeconds != 1 || s.Level != "ok" || s.Cache.Hits != 7 {
			t.Errorf("%+v", s)
		}
		if strings.Contains(fmt.Sprintf("%+v", s), "SECRET") {
			t.Errorf("a client is named: %+v", s)
		}
	})
}

// TestStatusIsMetrics: server_status has every series that /metrics has of the table, with
// the same number, and no other.
func TestStatusIsMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, m := observed(t, flow.Defaults(2, 1<<20))
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				call(t.Context(), g, m, flow.Request{Class: i % len(testClasses()), Client: fmt.Sprint("session ", i%3), Need: flow.Amounts{flow.CPU: 1}}, 70*time.Millisecond)
			})
			time.Sleep(9 * time.Millisecond)
		}
		m.Observe(Call{Tool: `a "tool"`, Class: NoClass, Outcome: "draining"}) // a label that has to be quoted
		synctest.Wait()                                                        // nobody does anything any more in this moment, so that both looks see the same
		text, _ := scrape(t, m)
		got := m.Status(0, true, "").Metrics
		for line := range strings.Lines(text) {
			series, number, _ := strings.Cut(strings.TrimSpace(line), " ")
			if i := strings.LastIndexByte(line, '}'); i > 0 {
				series, number = line[:i+1], strings.TrimSpace(line[i+1:])
			}
			if !strings.HasPrefix(series, "gridflow_") || strings.Contains(series, "_bucket{") {
				continue
			}
			want, err := strconv.ParseFloat(number, 64)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if v, ok := got[series]; !ok || v != want {
				t.Errorf("%s is %g in /metrics, and %v in the status (%v)", series, want, v, ok)
			}
			delete(got, series)
		}
		if len(got) > 0 {
			t.Errorf("not in /metrics: %v", got)
		}
		wg.Wait()
	})
}

// TestConcurrentUse is for the race detector: calls, scrapes and looks at once.
func TestConcurrentUse(t *testing.T) {
	g, m := observed(t, flow.Defaults(2, 0))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 200 {
				call(t.Context(), g, m, flow.Request{Class: n % 5, Client: fmt.Sprint("session ", i, n%90), Need: flow.Amounts{1}}, 0)
			}
		})
		wg.Go(func() {
			for range 20 {
				m.Status(5, true, "")
				m.registry.Gather()
			}
		})
	}
	wg.Wait()
	if n := m.Status(0, false, "").Classes[flow.Fast].Recent; n != 160 {
		t.Errorf("%d calls, want 160", n)
	}
}

func BenchmarkScrape(b *testing.B) {
	m := NewMetrics("1", testClasses())
	g, err := flow.New(flow.Defaults(2, 0), m.Listener())
	if err != nil {
		b.Fatal(err)
	}
	m.Connect(Sources{Gate: g})
	for i := range 20 {
		for class := range 5 {
			m.Observe(Call{Tool: fmt.Sprint("tool_", i), Class: class, Ran: true, Outcome: "ok"})
		}
	}
	h := m.Handler(slog.New(slog.DiscardHandler))
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/metrics", nil))
	}
}
