package obs

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gridflow/flow"
	"gridflow/flow/breaker"
	"gridflow/flow/kernel"
	"gridflow/flow/limit"
	"gridflow/internal/forks"
	"gridflow/internal/lock"
	"gridflow/internal/office"
	"gridflow/internal/workspace"
)

// Metrics counts what the server does, for /metrics and for the tool server_status. It is
// fed by the gate ([Metrics.Listener]) and by what stands around each call
// ([Metrics.Observe]); what others count already it reads when somebody looks.
//
// Its methods may be called from any number of goroutines at once, but for
// [Metrics.Connect], which comes before the first call.
type Metrics struct {
	start    time.Time
	version  string
	classes  []string
	registry *prometheus.Registry
	sources  Sources

	requests    *prometheus.CounterVec
	exec        *prometheus.HistogramVec
	waits       []prometheus.Observer // by class
	httpRefused *prometheus.CounterVec
	changes     *prometheus.CounterVec
	adjusted    *prometheus.CounterVec
	reloads     *prometheus.CounterVec

	demand demand

	windows []classWindow

	mu        sync.Mutex
	calls     *calls                            // guarded by mu, as is all that follows
	counters  map[outcomeKey]prometheus.Counter // children of requests, which are dear to look up by labels
	observers map[execKey]prometheus.Observer   // children of exec
}

type outcomeKey struct {
	tool, outcome string
	class         int
}

type execKey struct {
	tool  string
	class int
}

type classWindow struct {
	mu sync.Mutex
	w  window
}

// Sources are where Metrics reads what others count.
type Sources struct {
	Gate  *flow.Gate
	Costs *flow.Costs
	Cache func() workspace.CacheStats                // nil: there is no cache
	Drain func() (draining bool, requestsInside int) // nil: nothing drains

	Breakers func() []breaker.Stats // nil: there is none
	Forks    func() forks.Stats     // nil: there are none
	Office   func() office.Stats    // nil: there is no LibreOffice

	Events func() (subscribers int, lagged uint64) // nil: nobody can watch anything
	Locks  func() []lock.Wait                      // nil: nobody counts
}

// NewMetrics makes the metrics of a server of the given version whose gate has these
// classes.
func NewMetrics(version string, classes []flow.Class) *Metrics {
	m := &Metrics{
		start: time.Now(), version: version, registry: prometheus.NewRegistry(),
		requests: table[requests].counterVec(), exec: table[execSeconds].histogramVec(),
		httpRefused: table[httpRefused].counterVec(), changes: table[andonChanges].counterVec(),
		adjusted: table[limiterAdjust].counterVec(), reloads: table[configReloads].counterVec(),
		demand:  demand{classes: make([]strain, len(classes))},
		windows: make([]classWindow, len(classes)), calls: newCalls(len(classes)),
		counters: make(map[outcomeKey]prometheus.Counter), observers: make(map[execKey]prometheus.Observer),
	}
	waits := table[queueWait].histogramVec()
	for _, c := range classes {
		m.classes = append(m.classes, c.Name)
		m.waits = append(m.waits, waits.WithLabelValues(c.Name))
	}
	for l := kernel.LevelOK; l <= kernel.LevelEmergency; l++ {
		m.changes.WithLabelValues(l.String())
	}
	for _, outcome := range reloadOutcomes { // the first change of each is to be seen as one
		m.reloads.WithLabelValues(outcome)
	}
	for _, c := range m.classes { // and so is the first step of a limit, and the first refusal: a series that comes with its first value has not grown
		for _, step := range limiterSteps {
			m.adjusted.WithLabelValues(c, direction(step), string(step.Cause))
		}
	}
	for _, reason := range refusalReasons {
		m.httpRefused.WithLabelValues(reason)
	}
	m.registry.MustRegister(m.requests, m.exec, waits, m.httpRefused, m.changes, m.adjusted, m.reloads, collector{m},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Connect tells where to read what others count.
func (m *Metrics) Connect(s Sources) { m.sources = s }

func (m *Metrics) now() time.Duration { return time.Since(m.start) }

// Listener is what the gate is made with.
func (m *Metrics) Listener() flow.Listener {
	in := func(class int, note func(w *window, now time.Duration)) {
		w := &m.windows[class]
		w.mu.Lock()
		defer w.mu.Unlock()
		note(&w.w, m.now())
	}
	left := func(class int, waited time.Duration) {
		in(class, func(w *window, now time.Duration) { w.end(now); w.wait(now, waited) })
	}
	return flow.Listener{
		Arrived: func(class int) { in(class, (*window).arrive) },
		Started: func(class int, waited time.Duration) {
			m.waits[class].Observe(waited.Seconds())
			in(class, func(w *window, now time.Duration) { w.wait(now, waited) })
		},
		Refused: func(class int, o kernel.Outcome, waited time.Duration) {
			if ofItsClient(o) {
				in(class, (*window).excuse)
			}
			left(class, waited)
		},
		Left: left,
		Done: func(class int, service time.Duration, _ flow.Result) {
			in(class, func(w *window, now time.Duration) { w.end(now); w.run(now, service) })
		},
		Joined: func(class int) { in(class, (*window).excuse) },
		Freed: func(class int, held time.Duration) {
			in(class, func(w *window, now time.Duration) { w.free(now, held) })
		},
		Limit: func(class int, c limit.Change) {
			m.adjusted.WithLabelValues(m.className(class), direction(c), string(c.Cause)).Inc()
		},
		Level: func(_, to flow.Level) { m.changes.WithLabelValues(to.String()).Inc() },
	}
}

// limiterSteps are the steps that an adaptive limit takes ([limit.Controller]), one of each cause.
var limiterSteps = [...]limit.Change{
	{To: 1, Cause: limit.Headroom}, {From: 1, Cause: limit.Latency}, {From: 1, Cause: limit.Failures}, {From: 1, Cause: limit.Scheduler},
}

// direction gives the label of a step of a limit.
func direction(c limit.Change) string {
	if c.To > c.From {
		return "up"
	}
	return "down"
}

// reloadOutcomes are what can become of a changed configuration file.
var reloadOutcomes = [...]string{"applied", "rejected"}

// Reloaded counts a change of the configuration file.
func (m *Metrics) Reloaded(applied bool) {
	m.reloads.WithLabelValues(reloadOutcomes[int(1-number(applied))]).Inc()
}

// Observe takes in a call that has ended. The names of tools
// become labels: the caller sees to it that there are not many.
func (m *Metrics) Observe(c Call) {
	m.mu.Lock()
	m.calls.add(m.now(), c)
	key := outcomeKey{c.Tool, c.Outcome, c.Class}
	count := m.counters[key]
	if count == nil {
		count = m.requests.WithLabelValues(c.Tool, m.className(c.Class), c.Outcome)
		m.counters[key] = count
	}
	var exec prometheus.Observer
	if c.Ran {
		key := execKey{c.Tool, c.Class}
		if exec = m.observers[key]; exec == nil {
			exec = m.exec.WithLabelValues(c.Tool, m.className(c.Class))
			m.observers[key] = exec
		}
	}
	m.mu.Unlock()
	count.Inc()
	if c.Ran {
		exec.Observe(c.Service.Seconds())
	}
}

// refusalReasons are why an HTTP request is refused before its message is read.
var refusalReasons = [...]string{
	"host", "origin", "connections", "connections_idle", "body", "bodies", "decoding", "sessions", "session", "metrics", "overloaded", "rate_limited", "draining",
	"token_missing", "token_malformed", "token_in_query", "token_unknown", "token_expired", "token_invalid", "token_scope", "token_nobody", "token_certificate", "token_failures", "token_unavailable",
}

// RefusedHTTP counts an HTTP request that was refused before its message was read.
func (m *Metrics) RefusedHTTP(reason string) { m.httpRefused.WithLabelValues(reason).Inc() }

func (m *Metrics) className(class int) string {
	if class < 0 || class >= len(m.classes) {
		return "none"
	}
	return m.classes[class]
}

// scrapesMax bounds the scrapes that are answered at once: there is a scraper or two, and
// more would take from the calls.
const scrapesMax = 4

// Handler answers scrapes. It does not compress: that would take longer than all the rest,
// for some tens of kilobytes in a quarter of a minute.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), MaxRequestsInFlight: scrapesMax, DisableCompression: true,
	})
}
