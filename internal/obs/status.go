package obs

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridflow/flow/kernel"
	"gridflow/internal/office"
	"gridflow/internal/tools"
)

// Status is what the tool server_status shows. It needs what [Metrics.Connect] tells.
// Of a client by name it tells of that one's calls alone.
func (m *Metrics) Status(recent int, metrics bool, only string) *tools.ServerStatus {
	now := m.now()
	s := m.sources.Gate.Stats()
	out := &tools.ServerStatus{
		Version: m.version, UptimeSeconds: int64(now / time.Second), Level: s.Level.String(),
		Waiting: s.Waiting, QueueCapacity: s.QueueMax, Running: s.InFlight,
	}
	out.Behind = m.Behind()
	if drain := m.sources.Drain; drain != nil {
		out.Draining, _ = drain()
	}
	if costs := m.sources.Costs; costs != nil {
		out.Mispredicted, out.Predicted = costs.Mispredicted()
	}
	if cache := m.sources.Cache; cache != nil {
		c := cache()
		out.Cache = &tools.CacheStatus{
			Workbooks: c.Entries, Bytes: c.Bytes, CapacityBytes: c.MaxBytes, Hits: c.Hits, Joined: c.Joined,
			Misses: c.Misses, Loads: c.Loads, Evictions: c.Evictions, Revoked: s.Revoked,
			FormulaBytes: c.FormulaBytes, CalculationBytes: c.CalculationBytes,
		}
	}
	if breakers := m.sources.Breakers; breakers != nil {
		for _, b := range breakers() {
			out.Breakers = append(out.Breakers, tools.BreakerStatus{Name: b.Name, State: b.State.String(), Rejected: b.Rejected, Quarantined: b.Quarantined})
		}
	}
	if m.sources.Forks != nil {
		f := m.sources.Forks()
		out.Forks = &tools.ForksStatus{
			Forks: f.Forks, InMemory: f.Actors.Live, Waiting: f.Actors.Depth, Commits: f.Commits, Conflicts: f.Conflicts,
			Calculations: f.Calc.Seconds.Count, CalculationMs: 1000 * f.Calc.Seconds.Sum, CalculatedFormulas: f.Calc.Formulas, OverBudget: f.Calc.Over, TooLarge: f.Calc.TooLarge,
			FormulasBehind: f.Calc.Later, Behind: f.Calc.Behind, Stale: f.Calc.Stale,
			JournalRecords: f.Journal.Records, JournalSyncs: f.Journal.Batch.Batches, JournalBytes: f.Journal.Bytes, Poisoned: f.Journal.Poisoned != nil,
		}
	}
	if m.sources.Office != nil {
		out.Office = officeStatus(m.sources.Office())
	}
	if metrics {
		out.Metrics = m.series()
	}
	for _, r := range s.Resources {
		out.Resources = append(out.Resources, tools.ResourceStatus{Name: r.Name, Used: r.Used, Capacity: r.Capacity, Buffer: r.Buffer})
	}
	estimates := m.estimates()

	// Copies are made under the lock, and put in order when it has been let go.
	m.mu.Lock()
	kept := make([][]endedCall, len(m.classes))
	for i := range kept {
		kept[i] = slices.Clone(m.calls.classes[i])
	}
	m.calls.halve(now)
	clients, parts := m.calls.clients.present(), m.calls.parts.present()
	m.mu.Unlock()

	for i, e := range estimates {
		k := &s.Classes[i]
		c := tools.ClassStatus{
			Name: k.Name, Waiting: k.Waiting, Capacity: k.QueueMax, Running: k.InFlight, Limit: k.Limit, LimitMin: k.LimitMin, LimitMax: k.LimitMax,
			Takt: known(e.takt), Cycle: known(e.cycle), TaktRatio: known(e.taktRatio), Efficiency: known(e.efficiency),
			ArrivalCV: known(e.arrivalCV), ServiceCV: known(e.serviceCV), Share: known(e.share), Target: known(e.shareTarget), L: known(e.l), LambdaW: known(e.lambdaW), Refused: map[string]uint64{},
		}
		if r, ok := m.sources.Gate.Rotation(i); ok {
			c.Levelled = &tools.LevelStatus{GapMs: millis(r.Gap), Adherence: r.Adherence, BoundMs: millis(r.Bound), Kinds: []tools.KindStatus{}}
			for _, kind := range r.Kinds {
				c.Levelled.Kinds = append(c.Levelled.Kinds, tools.KindStatus{Kind: kind.Name, Waiting: kind.Waiting, LongestMs: millis(kind.Longest), ApartMs: millis(kind.Apart)})
			}
		}
		for o := kernel.Started + 1; int(o) < kernel.Outcomes; o++ {
			if n := k.Outcomes[o]; n > 0 {
				c.Refused[o.String()] = n
			}
		}
		if k.Cancelled > 0 {
			c.Refused["cancelled"] = k.Cancelled
		}
		var waits, runs []time.Duration
		for _, call := range kept[i] {
			waits = append(waits, call.Waited)
			if call.Ran {
				runs = append(runs, call.Service)
			}
		}
		slices.Sort(waits)
		slices.Sort(runs)
		c.Recent = len(waits)
		c.WaitP50, c.WaitP95, c.WaitP99 = quantile(waits, .5), quantile(waits, .95), quantile(waits, .99)
		c.RunP50, c.RunP95 = quantile(runs, .5), quantile(runs, .95)
		out.Classes = append(out.Classes, c)
	}
	if only != "" {
		others := func(name string) bool { return name != only }
		for i := range kept {
			kept[i] = slices.DeleteFunc(kept[i], func(c endedCall) bool { return others(c.Client) })
		}
		clients = slices.DeleteFunc(clients, func(c client) bool { return others(c.name) })
	}
	for _, call := range latest(kept, recent) {
		out.Calls = append(out.Calls, tools.CallStatus{
			SecondsAgo: max(now-call.at, 0).Seconds(), Tool: call.Tool, Class: m.className(call.Class), Client: m.calls.aliases(who{call.Client, call.Part}),
			QueueMs: millis(call.Waited), RunMs: millis(call.Service), Outcome: call.Outcome,
		})
	}
	used := func(alias string, u *client) tools.ClientStatus {
		return tools.ClientStatus{
			Client: alias, Weight: max(u.weight, 1), Calls: u.calls, Refused: u.refused, ServiceMs: *known(u.served * 1000), WaitMs: *known(u.waited * 1000),
		}
	}
	shown := func(by func(*client) float64) (list []tools.ClientStatus) {
		for _, u := range top(clients, recent, by) {
			c := used(m.calls.alias(u.name), &u)
			ofIt := slices.DeleteFunc(slices.Clone(parts), func(p client) bool { return p.name != u.name })
			for _, p := range top(ofIt, recent, by) {
				c.Parts = append(c.Parts, used(m.calls.alias(p.part), &p))
			}
			list = append(list, c)
		}
		return list
	}
	out.ByService = shown(func(u *client) float64 { return u.served })
	out.ByWait = shown(func(u *client) float64 { return u.waited })
	return out
}

// officeStatus tells of LibreOffice.
func officeStatus(s office.Stats) *tools.OfficeStatus {
	o := &tools.OfficeStatus{
		Installed: s.Installed, Slots: s.Slots, Workers: s.Workers, Wanted: s.Wanted, Most: s.Capacity,
		Waiting: s.Waiting, Queue: s.Queue, Joined: s.Joined, Ended: make(map[string]uint64), Jobs: make(map[string]tools.OfficeJobs),
	}
	for cause, n := range s.Ended {
		if n > 0 {
			o.Ended[string(cause)] = n
		}
	}
	for _, k := range s.Jobs {
		j := tools.OfficeJobs{Waiting: k.Waiting, Outcomes: make(map[string]uint64)}
		for outcome, n := range k.Outcomes {
			if n > 0 {
				j.Outcomes[outcome] = n
			}
		}
		if k.Seconds.Count > 0 {
			j.MeanMs = known(1000 * k.Seconds.Sum / float64(k.Seconds.Count))
		}
		o.Jobs[k.Kind] = j
	}
	return o
}

// series gives what /metrics gives, of the rows of the table: it asks the same registry.
func (m *Metrics) series() map[string]float64 {
	families, _ := m.registry.Gather() // an error says what is missing from it; the scraper logs it
	all := make(map[string]float64)
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), prefix) {
			continue // of Go and the process
		}
		for _, s := range f.GetMetric() {
			var labels []string
			for _, l := range s.GetLabel() {
				labels = append(labels, l.GetName()+"="+strconv.Quote(l.GetValue()))
			}
			of := ""
			if len(labels) > 0 {
				of = "{" + strings.Join(labels, ",") + "}"
			}
			switch {
			case s.Counter != nil:
				all[f.GetName()+of] = s.Counter.GetValue()
			case s.Gauge != nil:
				all[f.GetName()+of] = s.Gauge.GetValue()
			case s.Histogram != nil:
				all[f.GetName()+"_count"+of] = float64(s.Histogram.GetSampleCount())
				all[f.GetName()+"_sum"+of] = s.Histogram.GetSampleSum()
			}
		}
	}
	return all
}

// known gives nil for what there was too little to tell from.
func known(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	v = math.Round(v*1e6) / 1e6 // more digits than these mean nothing
	return &v
}

// quantile gives a quantile in milliseconds, nil where there is none.
func quantile(sorted []time.Duration, q float64) *float64 {
	if len(sorted) == 0 {
		return nil
	}
	return known(millis(Quantile(sorted, q)))
}

func millis(d time.Duration) float64 { return float64(d.Round(time.Microsecond)) / 1e6 }
