package obs

import (
	"math"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"

	"gridflow/flow"
	"gridflow/flow/batch"
	"gridflow/flow/breaker"
	"gridflow/flow/kernel"
	"gridflow/flow/level"
	"gridflow/internal/tally"
)

// collector reads what others count, at each scrape. What it costs depends on the number
// of classes and resources only.
type collector struct{ m *Metrics }

// descs are those of the table's rows.
var descs = func() (d [metrics]*prometheus.Desc) {
	for i := range table {
		d[i] = table[i].desc()
	}
	return d
}()

func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descs[counted:] {
		ch <- d
	}
}

func (c collector) Collect(ch chan<- prometheus.Metric) {
	put := func(row int, v float64, labels ...string) {
		if math.IsNaN(v) {
			return
		}
		kind := prometheus.GaugeValue
		if table[row].kind == counter {
			kind = prometheus.CounterValue
		}
		ch <- prometheus.MustNewConstMetric(descs[row], kind, v, labels...)
	}
	spread := func(row int, h tally.Histogram, labels ...string) {
		ch <- prometheus.MustNewConstHistogram(descs[row], h.Count, h.Sum, h.Buckets, labels...)
	}
	m := c.m
	put(buildInfo, 1, m.version, runtime.Version())
	if drain := m.sources.Drain; drain != nil {
		draining, inside := drain()
		put(drainState, number(draining))
		put(drainInflight, float64(inside))
	}
	if cache := m.sources.Cache; cache != nil {
		s := cache()
		put(cacheHits, float64(s.Hits))
		put(cacheMisses, float64(s.Misses))
		put(cacheJoined, float64(s.Joined))
		put(cacheLoads, float64(s.Loads))
		put(cacheEvictions, float64(s.Evictions))
		put(cacheBytes, float64(s.Bytes))
		put(cacheCapacity, float64(s.MaxBytes))
		put(cacheEntries, float64(s.Entries))
		put(cacheIndexBytes, float64(s.IndexBytes))
		put(calcFormulaBytes, float64(s.FormulaBytes))
		put(calcIndexBytes, float64(s.CalculationBytes))
	}
	if costs := m.sources.Costs; costs != nil {
		missed, of := costs.Mispredicted()
		put(predictions, float64(of))
		put(mispredictions, float64(missed))
	}
	if breakers := m.sources.Breakers; breakers != nil {
		for _, b := range breakers() {
			put(breakerState, float64(b.State), b.Name)
			for to, n := range b.Changes {
				put(breakerTransitions, float64(n), b.Name, breaker.State(to).String())
			}
			put(breakerRejected, float64(b.Rejected), b.Name)
			put(breakerQuarantined, float64(b.Quarantined), b.Name)
		}
	}
	if m.sources.Forks != nil {
		f := m.sources.Forks()
		put(forksKept, float64(f.Forks))
		put(forksLive, float64(f.Actors.Live))
		put(forkMailboxDepth, float64(f.Actors.Depth))
		put(forkBytes, float64(f.LiveBytes))
		put(forkBytesMost, float64(f.LiveMost))
		put(forkShortened, float64(f.Shortened))
		put(forkCommits, float64(f.Commits))
		put(forkConflicts, float64(f.Conflicts))
		put(forkRestores, float64(f.Actors.Restores))
		put(forksStale, float64(f.Calc.Stale))
		spread(calcSeconds, f.Calc.Seconds)
		put(calcFormulas, float64(f.Calc.Formulas))
		put(calcCells, float64(f.Calc.Changed))
		put(calcCircular, float64(f.Calc.Circular))
		put(calcOver, float64(f.Calc.Over))
		put(calcTooLarge, float64(f.Calc.TooLarge))
		put(calcLater, float64(f.Calc.Later))
		put(calcBehind, float64(f.Calc.Behind))
		put(journalAppends, float64(f.Journal.Records))
		put(journalSyncs, float64(f.Journal.Batch.Batches))
		put(journalBytes, float64(f.Journal.Bytes))
		put(journalSegments, float64(f.Journal.Segments))
		poisoned := 0.0
		if f.Journal.Poisoned != nil {
			poisoned = 1
		}
		put(journalPoisoned, poisoned)
		spread(journalFsync, f.Journal.Syncs)
		put(journalReplayed, float64(f.Replayed))
		spread(batchSize, batchSizes(f.Journal.Batch), "journal")
	}
	if office := m.sources.Office; office != nil {
		s := office()
		put(loInstalled, number(s.Installed))
		put(loSlots, float64(s.Slots))
		for state, n := range s.Workers {
			put(loWorkers, float64(n), state)
		}
		put(loWorkersWanted, float64(s.Wanted))
		put(loWorkersMax, float64(s.Capacity))
		put(loSpare, s.Share)
		put(loStarts, float64(s.Started))
		for cause, n := range s.Ended {
			put(loRestarts, float64(n), string(cause))
		}
		for _, k := range s.Jobs {
			for outcome, n := range k.Outcomes {
				put(loJobs, float64(n), k.Kind, outcome)
			}
			spread(loJobSeconds, k.Seconds, k.Kind)
			put(loQueueDepth, float64(k.Waiting), k.Kind)
		}
		put(loJoined, float64(s.Joined))
		put(loRejected, float64(s.Rejected))
		put(loQueueCapacity, float64(s.Queue))
		put(loQueueDepthMax, float64(s.WaitingMax))
		spread(loQueueWait, s.Waits)
	}
	if events := m.sources.Events; events != nil {
		sessions, lagged := events()
		put(subscribersNow, float64(sessions))
		put(eventsLagged, float64(lagged))
	}
	if locks := m.sources.Locks; locks != nil {
		for _, w := range locks() {
			spread(lockWait, w.Histogram, w.Rank)
		}
	}
	if m.sources.Gate == nil {
		return
	}
	s := m.sources.Gate.Stats()
	put(andonLevel, float64(s.Level))
	put(loadsRevoked, float64(s.Revoked))
	for i, r := range s.Resources {
		put(resourceUsed, float64(r.Used), r.Name)
		put(resourceCapacity, float64(r.Capacity), r.Name)
		put(resourceBuffer, float64(r.Buffer), r.Name)
		put(resourceBufferUsed, float64(max(0, r.Used-(r.Capacity-r.Buffer))), r.Name)
		if i == flow.Bytes {
			put(loadsInflightBytes, float64(r.Used))
		}
	}
	for i, e := range m.estimates() {
		name, k := m.classes[i], &s.Classes[i]
		put(queueDepth, float64(k.Waiting), name)
		put(queueCapacity, float64(k.QueueMax), name)
		put(queueDepthMax, float64(k.WaitingMax), name)
		put(queueOldest, k.OldestNs.Seconds(), name)
		put(inflight, float64(k.InFlight), name)
		put(permitsJoined, float64(k.Joined), name)
		put(limiterLimit, float64(k.Limit), name)
		if k.LimitMax > 0 {
			put(limiterMin, float64(k.LimitMin), name)
			put(limiterMax, float64(k.LimitMax), name)
		}
		for o := kernel.Started + 1; int(o) < kernel.Outcomes; o++ {
			put(dropped, float64(k.Outcomes[o]), name, o.String())
		}
		put(dropped, float64(k.Cancelled), name, "cancelled")
		put(rateLimited, float64(k.Outcomes[kernel.RateLimited]), name)
		put(arrivalCV, e.arrivalCV, name)
		put(serviceCV, e.serviceCV, name)
		put(depthCV, e.depthCV, name)
		put(takt, e.takt, name)
		put(cycle, e.cycle, name)
		put(taktRatio, e.taktRatio, name)
		put(flowEfficiency, e.efficiency, name)
		if !math.IsNaN(e.arrivalCV) && !math.IsNaN(e.serviceCV) {
			put(bufferWanted, level.Share(e.arrivalCV, e.serviceCV), name)
		}
		if r, ok := m.sources.Gate.Rotation(i); ok {
			put(levelGap, r.Gap.Seconds(), name)
			put(levelAdherence, r.Adherence, name)
			put(levelBound, r.Bound.Seconds(), name)
			for _, kind := range r.Kinds {
				put(levelApart, kind.Apart.Seconds(), name, kind.Name)
				put(levelWaiting, float64(kind.Waiting), name, kind.Name)
			}
		}
		put(littleL, e.l, name)
		put(littleLambdaW, e.lambdaW, name)
		put(shareActual, e.share, name)
		put(shareTarget, e.shareTarget, name)
	}
}

// batchSizes gives the sizes of batches as a histogram.
func batchSizes(s batch.Stats) tally.Histogram {
	h := tally.Histogram{Count: s.Batches, Sum: float64(s.Items), Buckets: make(map[float64]uint64)}
	var n uint64
	for k, bound := range batchBuckets {
		n += s.Sizes[k]
		h.Buckets[bound] = n
	}
	return h
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// A classEstimate also sets a class against the others.
type classEstimate struct {
	estimate
	share, shareTarget float64
}

// estimates takes stock of all classes.
func (m *Metrics) estimates() []classEstimate {
	gate, now := m.sources.Gate.Config(), m.now()
	conf := gate.Classes
	all := make([]classEstimate, len(m.classes))
	var served, weights float64
	for i := range all {
		w := &m.windows[i]
		w.mu.Lock()
		all[i].estimate = w.w.estimate(now, atOnce(&conf[i], gate.Resources))
		w.mu.Unlock()
		served += all[i].served
		if all[i].busy {
			weights += float64(conf[i].Weight)
		}
	}
	for i := range all {
		e := &all[i]
		e.share, e.shareTarget = math.NaN(), math.NaN()
		if e.busy && served > 0 {
			e.share, e.shareTarget = e.served/served, float64(conf[i].Weight)/weights
		}
	}
	return all
}

// atOnce is how many calls of a class may run at once: its limit, or the seats that it may
// take while the buffer is kept.
func atOnce(c *flow.Class, resources []flow.Resource) int64 {
	seats := int64(math.MaxInt64)
	if len(resources) > flow.CPU {
		seats = resources[flow.CPU].Capacity
		if !c.Buffered {
			seats -= resources[flow.CPU].Buffer
		}
	}
	if c.Limit > 0 {
		seats = min(seats, int64(c.Limit))
	}
	return seats
}
