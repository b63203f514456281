package observability

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"

	dto "github.com/prometheus/client_model/go"
)

// history is what a scraper has read, by series. It is a storage that Prometheus queries.
type history struct {
	times  []time.Time
	series map[string]*series
	latest map[string]bool // the series of the scrape before
}

type series struct {
	labels  labels.Labels
	samples []chunks.Sample
}

type sample struct {
	t int64
	v float64
}

func (s sample) ST() int64                     { return 0 }
func (s sample) T() int64                      { return s.t }
func (s sample) F() float64                    { return s.v }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

func newHistory() *history { return &history{series: make(map[string]*series)} }

func values(families map[string]*dto.MetricFamily) []*dto.MetricFamily {
	return slices.Collect(maps.Values(families))
}

// add takes in a scrape. Series that are not in it have ended, as a scraper notes it.
func (h *history) add(samples model.Vector) {
	now := h.times[len(h.times)-1].UnixMilli()
	seen := make(map[string]bool)
	for _, s := range samples {
		b := labels.NewBuilder(labels.FromStrings("job", "gridflow", "instance", "here:8079"))
		for name, v := range s.Metric {
			b.Set(string(name), string(v))
		}
		seen[h.put(b.Labels(), now, float64(s.Value))] = true
	}
	for key := range h.latest {
		if !seen[key] {
			h.series[key].samples = append(h.series[key].samples, sample{now, math.Float64frombits(value.StaleNaN)})
		}
	}
	h.latest = seen
}

// end notes a scrape that nobody answered.
func (h *history) end() { h.add(nil) }

func (h *history) put(l labels.Labels, t int64, v float64) (key string) {
	key = l.String()
	s := h.series[key]
	if s == nil {
		s = &series{labels: l}
		h.series[key] = s
	}
	s.samples = append(s.samples, sample{t, v})
	return key
}

// Querier implements storage.Queryable.
func (h *history) Querier(from, to int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		var found []storage.Series
		for _, key := range slices.Sorted(maps.Keys(h.series)) {
			s := h.series[key]
			if slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.labels.Get(m.Name)) }) {
				continue
			}
			var in []chunks.Sample
			for _, x := range s.samples {
				if x.T() >= from && x.T() <= to {
					in = append(in, x)
				}
			}
			if len(in) > 0 {
				found = append(found, storage.NewListSeries(s.labels, in))
			}
		}
		return &set{series: found, at: -1}
	}}, nil
}

// set is a storage.SeriesSet.
type set struct {
	series []storage.Series
	at     int
}

func (s *set) Next() bool         { s.at++; return s.at < len(s.series) }
func (s *set) At() storage.Series { return s.series[s.at] }
func (s *set) Err() error         { return nil }

// Warnings implements storage.SeriesSet.
func (s *set) Warnings() annotations.Annotations { return nil }

// shipped reads a file that gridflow ships, with all that Prometheus checks of it.
func shipped(t *testing.T, file string) (all []rulefmt.Rule) {
	t.Helper()
	groups, errs := rulefmt.ParseFile("../../docs/observability/"+file, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Errorf("%s: %v", file, err)
	}
	if t.Failed() {
		t.FailNow()
	}
	for _, g := range groups.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// firing evaluates all rules as Prometheus does, at each scrape, and gives the alerts that
// have fired, with the first text of each.
func firing(t *testing.T, h *history) map[string]string {
	t.Helper()
	parse := parser.NewParser(parser.Options{})
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, Parser: parse})
	query := rules.EngineQueryFunc(engine, h)
	here := &url.URL{Scheme: "http", Host: "prometheus"}
	var recordings []*rules.RecordingRule
	var alerting []*rules.AlertingRule
	for _, file := range []string{"rules.yml", "alerts.yml"} {
		for _, r := range shipped(t, file) {
			expr, err := parse.ParseExpr(r.Expr)
			if err != nil {
				t.Fatal(err)
			}
			if r.Record != "" {
				recordings = append(recordings, rules.NewRecordingRule(r.Record, expr, labels.FromMap(r.Labels)))
				continue
			}
			alerting = append(alerting, rules.NewAlertingRule(r.Alert, expr, time.Duration(r.For), 0,
				labels.FromMap(r.Labels), labels.FromMap(r.Annotations), labels.EmptyLabels(), "", true, slog.New(slog.DiscardHandler)))
		}
	}
	fired := make(map[string]string)
	ctx := context.Background()
	for _, now := range h.times {
		for _, r := range recordings {
			v, err := r.Eval(ctx, 0, now, query, here, 0)
			if err != nil {
				t.Fatalf("%s: %v", r.Name(), err)
			}
			for _, s := range v {
				h.put(s.Metric, now.UnixMilli(), s.F)
			}
		}
		for _, r := range alerting {
			if _, err := r.Eval(ctx, 0, now, query, here, 0); err != nil {
				t.Fatalf("%s: %v", r.Name(), err)
			}
			for _, a := range r.ActiveAlerts() {
				if _, known := fired[r.Name()]; a.State == rules.StateFiring && !known {
					fired[r.Name()] = a.Annotations.Get("summary") + " — " + a.Annotations.Get("description")
				}
			}
		}
	}
	return fired
}
