package obs

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"gridflow/flow/batch"
	"gridflow/internal/tally"
)

// A metric is one row of the table that registration, docs/metrics.md and the golden test
// are made from.
type metric struct {
	name    string
	kind    kind
	labels  []string
	buckets []float64 // of a histogram
	help    string
}

type kind uint8

const (
	counter kind = iota
	gauge
	histogram
)

func (k kind) String() string { return [...]string{"counter", "gauge", "histogram"}[k] }

// The rows by what they are called in the code.
const (
	requests = iota
	execSeconds
	queueWait
	httpRefused
	andonChanges
	limiterAdjust
	configReloads
	counted // those above are counted as calls go by, those below read when somebody looks

	queueDepth = iota - 1
	queueCapacity
	queueDepthMax
	queueOldest
	dropped
	inflight
	permitsJoined
	rateLimited
	limiterLimit
	limiterMin
	limiterMax
	resourceUsed
	resourceCapacity
	resourceBuffer
	resourceBufferUsed
	loadsInflightBytes
	loadsRevoked
	shareActual
	shareTarget
	arrivalCV
	serviceCV
	depthCV
	takt
	cycle
	taktRatio
	flowEfficiency
	levelGap
	levelAdherence
	levelBound
	levelApart
	levelWaiting
	bufferWanted
	littleL
	littleLambdaW
	andonLevel
	drainState
	drainInflight
	breakerState
	breakerTransitions
	breakerRejected
	breakerQuarantined
	predictions
	mispredictions
	cacheHits
	cacheMisses
	cacheJoined
	cacheLoads
	cacheEvictions
	cacheBytes
	cacheCapacity
	cacheEntries
	cacheIndexBytes
	forksKept
	forksLive
	forkMailboxDepth
	forkBytes
	forkBytesMost
	forkShortened
	forkCommits
	forkConflicts
	forkRestores
	forksStale
	calcSeconds
	calcFormulas
	calcCells
	calcCircular
	calcOver
	calcTooLarge
	calcLater
	calcBehind
	calcFormulaBytes
	calcIndexBytes
	journalAppends
	journalSyncs
	journalBytes
	journalSegments
	journalPoisoned
	journalFsync
	journalReplayed
	batchSize
	loInstalled
	loSlots
	loWorkers
	loWorkersWanted
	loWorkersMax
	loSpare
	loStarts
	loRestarts
	loJobs
	loJobSeconds
	loJoined
	loRejected
	loQueueDepth
	loQueueCapacity
	loQueueDepthMax
	loQueueWait
	subscribersNow
	eventsLagged
	lockWait
	buildInfo
	metrics // how many there are
)

// Callers wait for seconds at most; a lookup takes a few hundred microseconds. The bounds
// of the classes, 0.1 s and 1 s, are among them.
var secondsBuckets = []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// batchBuckets are those of batch.Stats, tallyBuckets those of package tally.
var (
	batchBuckets = func() (b []float64) {
		for k := range len(batch.Stats{}.Sizes) - 1 {
			b = append(b, float64(int(2)<<k-1))
		}
		return b
	}()
	tallyBuckets = func() (b []float64) {
		for _, d := range tally.Bounds {
			b = append(b, d.Seconds())
		}
		return b
	}()
)

var (
	byClass    = []string{"class"}
	byResource = []string{"resource"}
	byName     = []string{"name"}
)

// prefix is how the name of every row begins.
const prefix = "gridflow_"

const overWindow = "; over the last minute, absent while there were none"

var table = [metrics]metric{
	requests:      {"gridflow_requests_total", counter, []string{"tool", "class", "outcome"}, nil, "Calls that have ended, by what became of them. The class of a call that was refused before one was chosen is none."},
	execSeconds:   {"gridflow_exec_seconds", histogram, []string{"tool", "class"}, secondsBuckets, "Time that calls ran, without their wait."},
	queueWait:     {"gridflow_queue_wait_seconds", histogram, byClass, secondsBuckets, "Time that calls waited which were then let in."},
	httpRefused:   {"gridflow_http_refused_total", counter, []string{"reason"}, nil, "HTTP requests refused before their message was read: host, origin, connections, connections_idle (one without a request was given up for another), body (too large), bodies, decoding (more messages come than can be read), sessions, session (it is another's), metrics, overloaded, rate_limited, draining; and for want of a good token: token_missing, token_malformed, token_in_query, token_unknown, token_expired, token_invalid, token_scope, token_nobody, token_certificate, token_failures (too many of one machine), token_unavailable (the issuer gives no answer)."},
	andonChanges:  {"gridflow_andon_changes_total", counter, []string{"level"}, nil, "Changes of the level to this one."},
	limiterAdjust: {"gridflow_limiter_adjust_total", counter, []string{"class", "dir", "cause"}, nil, "Steps of the adaptive limit of the class, up or down, by why: latency, failures, scheduler, headroom."},
	configReloads: {"gridflow_config_reloads_total", counter, []string{"outcome"}, nil, "Changes of the configuration file that were applied, or rejected because the file is wrong."},

	queueDepth:         {"gridflow_queue_depth", gauge, byClass, nil, "Calls that wait."},
	queueCapacity:      {"gridflow_queue_capacity", gauge, byClass, nil, "Calls that may wait."},
	queueDepthMax:      {"gridflow_queue_depth_max", gauge, byClass, nil, "The most calls that have waited at once since the start."},
	queueOldest:        {"gridflow_queue_oldest_seconds", gauge, byClass, nil, "Age of the oldest call that waits, 0 where none does."},
	dropped:            {"gridflow_dropped_total", counter, []string{"class", "reason"}, nil, "Calls that were not let in: full_flow, full_class, full_queue, displaced, shed, rate_limited, waited_out, too_late, standing, draining, impossible, cancelled."},
	inflight:           {"gridflow_inflight", gauge, byClass, nil, "Permits that are out. Calls that share one count as one."},
	permitsJoined:      {"gridflow_permits_joined_total", counter, byClass, nil, "Calls that ran under the permit of another one, which opens the same workbook."},
	rateLimited:        {"gridflow_rate_limited_total", counter, byClass, nil, "Calls refused because their client asked more often than the rate of the class allows; in gridflow_dropped_total too."},
	limiterLimit:       {"gridflow_limiter_limit", gauge, byClass, nil, "Calls of the class that may run at once, 0 where only the resources bound them."},
	limiterMin:         {"gridflow_limiter_min", gauge, byClass, nil, "The least that the adaptive limit of the class may become; absent where there is none."},
	limiterMax:         {"gridflow_limiter_max", gauge, byClass, nil, "The most that the adaptive limit of the class may become; absent where there is none."},
	resourceUsed:       {"gridflow_resource_used", gauge, byResource, nil, "Units of the resource that are taken: seats of cpu, io, recalc and render, bytes of loads."},
	resourceCapacity:   {"gridflow_resource_capacity", gauge, byResource, nil, "Units of the resource that there are."},
	resourceBuffer:     {"gridflow_resource_buffer", gauge, byResource, nil, "Of these, units set aside for short calls."},
	resourceBufferUsed: {"gridflow_resource_buffer_used", gauge, byResource, nil, "Of the buffer, units that are taken: what is used beyond the rest of the capacity."},
	loadsInflightBytes: {"gridflow_loads_inflight_bytes", gauge, nil, nil, "Memory that loads under way may come to take."},
	loadsRevoked:       {"gridflow_loads_revoked_total", counter, nil, nil, "Loads that were told to stop when their call had its answer: there was no room for them to go on, or the server stops."},
	shareActual:        {"gridflow_class_share_actual", gauge, byClass, nil, "Share of the class in the time that all calls ran" + overWindow + "."},
	shareTarget:        {"gridflow_class_share_target", gauge, byClass, nil, "Share that the weights give the class among those that had calls" + overWindow + "."},
	arrivalCV:          {"gridflow_arrival_cv", gauge, byClass, nil, "Standard deviation by mean of the times between two arrivals" + overWindow + "."},
	serviceCV:          {"gridflow_service_cv", gauge, byClass, nil, "Standard deviation by mean of the times that calls ran" + overWindow + "."},
	depthCV:            {"gridflow_depth_cv", gauge, byClass, nil, "Standard deviation by mean of the number of calls that wait or run" + overWindow + "."},
	takt:               {"gridflow_takt_seconds", gauge, byClass, nil, "Time by calls that come and want a permit of their own: one has to be done in it. Calls that were refused for what their client did do not count" + overWindow + "."},
	cycle:              {"gridflow_cycle_seconds", gauge, byClass, nil, "Mean time that permits were held, by how many may be out at once: one call can be done in it" + overWindow + "."},
	taktRatio:          {"gridflow_takt_ratio", gauge, byClass, nil, "Cycle by takt: above 1 more comes than can be done" + overWindow + "."},
	flowEfficiency:     {"gridflow_flow_efficiency", gauge, byClass, nil, "Time that calls ran by the time that they ran and waited" + overWindow + "."},
	levelGap:           {"gridflow_level_gap_seconds", gauge, byClass, nil, "Time between two starts of the class, as it is now; absent where its starts are not levelled, as are the next four."},
	levelAdherence:     {"gridflow_level_adherence_ratio", gauge, byClass, nil, "Part of the last hundred starts that came such a gap after the one before, give or take a tenth."},
	levelBound:         {"gridflow_level_bound_seconds", gauge, byClass, nil, "Time within which each kind of work that a client has waiting is started, while the client has a seat: a piece of each kind, as long as the longest so far."},
	levelApart:         {"gridflow_level_apart_seconds", gauge, []string{"class", "kind"}, nil, "The longest so far in which a client had work of the kind (a tool) waiting and none of it started."},
	levelWaiting:       {"gridflow_level_waiting", gauge, []string{"class", "kind"}, nil, "Work of the kind (a tool) that waits."},
	bufferWanted:       {"gridflow_buffer_wanted_ratio", gauge, byClass, nil, "Part of the seats that the variation of the class asks to keep free, by Kingman's formula: 0.2 where nothing varies, 0.25 for Poisson arrivals of exponential work, 0.3 at most" + overWindow + "."},
	littleL:            {"gridflow_little_l", gauge, byClass, nil, "Mean number of calls that wait or run, counted; over the last minute."},
	littleLambdaW:      {"gridflow_little_lambda_w", gauge, byClass, nil, "The same by Little's law: rate of calls by mean time from arrival to end. Where load is steady and both differ, one of the counts is wrong."},
	andonLevel:         {"gridflow_andon_level", gauge, nil, nil, "How full the queues are: 0 ok, 1 warn, 2 critical, 3 emergency. At least 1 from when gridflow_takt_ratio of a class has been above 1 for half a minute until it has been below 0.9 for as long."},
	drainState:         {"gridflow_drain_state", gauge, nil, nil, "0 while the server serves, 1 once it stops."},
	drainInflight:      {"gridflow_drain_inflight", gauge, nil, nil, "Requests inside the server, which a stop has to wait for."},
	breakerState:       {"gridflow_breaker_state", gauge, byName, nil, "State of the breaker before the disk of a root, which is its name, before LibreOffice (libreoffice start, recalc, render, convert), or before the issuer of access tokens (oauth keys, oauth introspection): 0 closed, 1 half-open, 2 open."},
	breakerTransitions: {"gridflow_breaker_transitions_total", counter, []string{"name", "to"}, nil, "Changes of the state of the breaker to this one."},
	breakerRejected:    {"gridflow_breaker_rejected_total", counter, byName, nil, "Reads and jobs of LibreOffice that the breaker refused, all or those of a file that is set aside."},
	breakerQuarantined: {"gridflow_breaker_quarantined", gauge, byName, nil, "Files that are set aside because they could not be read again and again, or because LibreOffice failed on them each time."},
	predictions:        {"gridflow_predictions_total", counter, nil, nil, "Calls whose time was predicted and is known."},
	mispredictions:     {"gridflow_mispredictions_total", counter, nil, nil, "Of these, calls that belonged in another class."},
	cacheHits:          {"gridflow_cache_hits_total", counter, nil, nil, "Calls that found their workbook open."},
	cacheMisses:        {"gridflow_cache_misses_total", counter, nil, nil, "Calls that began to open their workbook."},
	cacheJoined:        {"gridflow_cache_joined_total", counter, nil, nil, "Calls that waited for a workbook which another call was opening."},
	cacheLoads:         {"gridflow_cache_loads_total", counter, nil, nil, "Workbooks opened, well or not."},
	cacheEvictions:     {"gridflow_cache_evictions_total", counter, nil, nil, "Workbooks dropped for room."},
	cacheBytes:         {"gridflow_cache_bytes", gauge, nil, nil, "Memory that open workbooks keep, as last weighed."},
	cacheCapacity:      {"gridflow_cache_capacity_bytes", gauge, nil, nil, "Memory that open workbooks may keep."},
	cacheEntries:       {"gridflow_cache_entries", gauge, nil, nil, "Workbooks that are open."},
	cacheIndexBytes:    {"gridflow_cache_index_bytes", gauge, nil, nil, "Memory of the indexes of workbooks that were dropped."},
	forksKept:          {"gridflow_forks", gauge, nil, nil, "Forks that there are."},
	forksLive:          {"gridflow_forks_live", gauge, nil, nil, "Forks that are in memory, because somebody uses them."},
	forkMailboxDepth:   {"gridflow_fork_mailbox_depth", gauge, nil, nil, "Changes that wait for the one before them in the same fork, of all forks."},
	forkBytes:          {"gridflow_forks_bytes", gauge, nil, nil, "Memory that forks in use keep beside their workbooks, as last weighed."},
	forkBytesMost:      {"gridflow_forks_capacity_bytes", gauge, nil, nil, "Memory that forks in use may keep beside their workbooks (fork-bytes)."},
	forkShortened:      {"gridflow_forks_shortened_total", counter, nil, nil, "Times that the history of a fork was written anew, shorter (history) or in one place, so that segments of the journal can go."},
	forkCommits:        {"gridflow_fork_commits_total", counter, nil, nil, "Versions that were made."},
	forkConflicts:      {"gridflow_fork_conflicts_total", counter, nil, nil, "Changes that were refused because they were made for an older version."},
	forkRestores:       {"gridflow_fork_restores_total", counter, nil, nil, "Forks that were made again from the journal, because somebody wanted them."},
	forksStale:         {"gridflow_forks_stale", gauge, nil, nil, "Forks of which the newest version is not calculated: values of formulas may be older than what they are calculated from."},
	calcSeconds:        {"gridflow_calc_seconds", histogram, nil, tallyBuckets, "Time of calculations of workbooks, those that were broken off among them."},
	calcFormulas:       {"gridflow_calc_formulas_total", counter, nil, nil, "Formulas that were run."},
	calcCells:          {"gridflow_calc_cells_changed_total", counter, nil, nil, "Cells that a calculation gave another value."},
	calcCircular:       {"gridflow_calc_circular_total", counter, nil, nil, "Cells that calculations found to depend on themselves."},
	calcOver:           {"gridflow_calc_over_budget_total", counter, nil, nil, "Calculations that took longer than a change may wait for (calc-budget)."},
	calcTooLarge:       {"gridflow_calc_too_large_total", counter, nil, nil, "Calculations that needed more memory than they may take, and were not made."},
	calcLater:          {"gridflow_calc_later_formulas_total", counter, nil, nil, "Of the formulas that were run, those that no call waited for."},
	calcFormulaBytes:   {"gridflow_calc_model_bytes", gauge, nil, nil, "Memory of the compiled formulas of open workbooks and of what they read; in gridflow_cache_bytes too."},
	calcIndexBytes:     {"gridflow_calc_index_bytes", gauge, nil, nil, "Memory of the indexes of columns that calculations left for the next ones; in gridflow_cache_bytes too."},
	calcBehind:         {"gridflow_calc_behind", gauge, nil, nil, "Calculations that no call waits for, under way or waiting for their turn."},
	journalAppends:     {"gridflow_journal_appends_total", counter, nil, nil, "Records that were made durable."},
	journalSyncs:       {"gridflow_journal_batches_total", counter, nil, nil, "Times that records were written and synced together."},
	journalBytes:       {"gridflow_journal_bytes", gauge, nil, nil, "Size of the journal."},
	journalSegments:    {"gridflow_journal_segments", gauge, nil, nil, "Files of the journal."},
	journalPoisoned:    {"gridflow_journal_poisoned", gauge, nil, nil, "1 once a write or a sync of the journal has failed: nothing can be changed until the next start."},
	journalFsync:       {"gridflow_journal_fsync_seconds", histogram, nil, tallyBuckets, "Time until what was written to the journal was on the disk."},
	journalReplayed:    {"gridflow_journal_replayed_total", counter, nil, nil, "Records of the journal that forks were made again from."},
	batchSize:          {"gridflow_batch_size", histogram, []string{"kind"}, batchBuckets, "What was done together in one go: records that were synced together (journal)."},
	loInstalled:        {"gridflow_lo_installed", gauge, nil, nil, "1 where LibreOffice was there when somebody last wanted it, 0 where it was not, or nobody has."},
	loSlots:            {"gridflow_lo_slots", gauge, nil, nil, "Documents that LibreOffice may work on at once."},
	loWorkers:          {"gridflow_lo_workers", gauge, []string{"state"}, nil, "Workers of LibreOffice, each a process: starting, idle, busy, ending."},
	loWorkersWanted:    {"gridflow_lo_workers_wanted", gauge, nil, nil, "Workers that there should be: those that are busy, or have been lately, and the spares."},
	loWorkersMax:       {"gridflow_lo_workers_max", gauge, nil, nil, "Workers that there may be."},
	loSpare:            {"gridflow_lo_spare_ratio", gauge, nil, nil, "Part of the workers that may be that the variation of jobs asks to have as spares, by Kingman's formula as in gridflow_buffer_wanted_ratio; over five minutes."},
	loStarts:           {"gridflow_lo_starts_total", counter, nil, nil, "Workers that have become warm."},
	loRestarts:         {"gridflow_lo_restarts_total", counter, []string{"cause"}, nil, "Workers that have ended, by why: jobs, memory, age (replaced in good time), idle, fewer, updated, drain; crash, timeout, cancelled, broken, too_much (memory), start (it never became warm)."},
	loJobs:             {"gridflow_lo_jobs_total", counter, []string{"kind", "outcome"}, nil, "Runs of jobs that have ended: ok, failed (LibreOffice does not like the document), rejected (not tried), cancelled, timeout, crash."},
	loJobSeconds:       {"gridflow_lo_job_seconds", histogram, []string{"kind"}, tallyBuckets, "Time that workers were at jobs."},
	loJoined:           {"gridflow_lo_joined_total", counter, nil, nil, "Calls that took the result of a run that another call had begun."},
	loRejected:         {"gridflow_lo_rejected_total", counter, nil, nil, "Jobs that were refused because as many waited as may."},
	loQueueDepth:       {"gridflow_lo_queue_depth", gauge, []string{"kind"}, nil, "Jobs that wait for a worker, beyond the queues of calls."},
	loQueueCapacity:    {"gridflow_lo_queue_capacity", gauge, nil, nil, "Jobs that may wait for a worker."},
	loQueueDepthMax:    {"gridflow_lo_queue_depth_max", gauge, nil, nil, "The most jobs that have waited at once since the start."},
	loQueueWait:        {"gridflow_lo_queue_wait_seconds", histogram, nil, tallyBuckets, "Time that jobs waited for a worker which then got one."},
	subscribersNow:     {"gridflow_subscribers", gauge, nil, nil, "Sessions that watch resources."},
	eventsLagged:       {"gridflow_events_lagged_total", counter, nil, nil, "Changes that somebody who watches was not told of, because a later one of the same workbook came before he took it, or because too many waited. He is told that there was one."},
	lockWait:           {"gridflow_lock_wait_seconds", histogram, []string{"rank"}, tallyBuckets, "Time that mutexes were waited for which were not free, by their place in the order of locks; absent where nobody has waited."},
	buildInfo:          {"gridflow_build_info", gauge, []string{"version", "goversion"}, nil, "Always 1."},
}

// The constructors that registration uses.

func (m *metric) desc() *prometheus.Desc { return prometheus.NewDesc(m.name, m.help, m.labels, nil) }

func (m *metric) counterVec() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: m.name, Help: m.help}, m.labels)
}

// histogramVec has fixed buckets for every scraper, and fine ones that grow where the
// values are for those that know them.
func (m *metric) histogramVec() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: m.name, Help: m.help, Buckets: m.buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100,
	}, m.labels)
}

// native tells whether a histogram has fine buckets as well: those that calls fill as they
// go by have, those that are read from others have what the others counted.
func (m *metric) native() bool { return m.kind == histogram && &m.buckets[0] == &secondsBuckets[0] }

// sorted gives the table by name.
func sorted() []metric {
	rows := slices.Clone(table[:])
	slices.SortFunc(rows, func(a, b metric) int { return strings.Compare(a.name, b.name) })
	return rows
}

// Markdown writes docs/metrics.md.
func Markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# Metrics\n\n" +
		"`gridflow http` gives these at `/metrics` in the Prometheus text format, beside `go_*` and `process_*`; `--metrics=false`\n" +
		"switches that off. Over stdio, and for a model, the tool `server_status` has the same numbers: the more telling\n" +
		"ones by class, with the latest calls and the busiest clients, and with `{\"sections\":[\"metrics\"]}` every series that /metrics has of\n" +
		"this list, by its name there, of a histogram count and sum. No label names a client. A series is absent until there is something to tell: `gridflow_level_*` where no class is levelled. What to do when: [operating.md](operating.md).\n\n" +
		"This page is made from the table in `internal/obs/table.go` (`make generate`).\n\n" +
		"| name | type | labels | meaning |\n|---|---|---|---|\n")
	for _, m := range sorted() {
		help := m.help
		if m.kind == histogram {
			help += fmt.Sprintf(" Bounds: %s", strings.Trim(fmt.Sprint(m.buckets), "[]"))
			if m.native() {
				help += "; and native buckets"
			}
			help += "."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.name, m.kind, strings.Join(m.labels, ", "), help)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
