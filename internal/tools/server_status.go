package tools

import (
	"context"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridflow/internal/principal"
)

// Status is what the server knows of itself.
type Status interface {
	// Status tells how the server does, with at most so many recent calls and clients: those of
	// the client of that name alone where one is given. With metrics it fills in Metrics too.
	Status(recent int, metrics bool, client string) *ServerStatus
}

// ServerStatus is how the server does at one moment. Waits and runs are in milliseconds.
type ServerStatus struct {
	Version       string           `json:"version"`
	UptimeSeconds int64            `json:"uptime_seconds"`
	Level         string           `json:"level"`            // ok, warn, critical or emergency
	Behind        []string         `json:"behind,omitempty"` // classes to which more has come for a while than can be done
	Draining      bool             `json:"draining"`
	Waiting       int              `json:"waiting"`
	QueueCapacity int              `json:"queue_capacity"`
	Running       int              `json:"running"`
	Mispredicted  uint64           `json:"mispredicted"` // calls that belonged in another class
	Predicted     uint64           `json:"predicted"`
	Classes       []ClassStatus    `json:"classes"`
	Resources     []ResourceStatus `json:"resources"`
	Cache         *CacheStatus     `json:"cache,omitempty"`
	Breakers      []BreakerStatus  `json:"breakers,omitempty"`
	Forks         *ForksStatus     `json:"forks,omitempty"`
	Office        *OfficeStatus    `json:"office,omitempty"`
	Calls         []CallStatus     `json:"recent_calls"` // the latest first
	ByService     []ClientStatus   `json:"top_clients_by_service"`
	ByWait        []ClientStatus   `json:"top_clients_by_wait"`

	// Metrics are all series that /metrics has of this server, by their names there; of a
	// histogram count and sum. nil: they were not asked for.
	Metrics map[string]float64 `json:"metrics,omitempty"`
}

// ClassStatus tells of the calls of one class. What there were no calls for is nil.
type ClassStatus struct {
	Name       string            `json:"class"`
	Waiting    int               `json:"waiting"`
	Capacity   int               `json:"capacity"`
	Running    int               `json:"running"`
	Limit      int               `json:"limit,omitempty"`
	LimitMin   int               `json:"limit_min,omitempty"` // of an adaptive limit
	LimitMax   int               `json:"limit_max,omitempty"`
	Recent     int               `json:"recent"` // calls that the percentiles are of
	WaitP50    *float64          `json:"wait_p50_ms"`
	WaitP95    *float64          `json:"wait_p95_ms"`
	WaitP99    *float64          `json:"wait_p99_ms"`
	RunP50     *float64          `json:"run_p50_ms"`
	RunP95     *float64          `json:"run_p95_ms"`
	Refused    map[string]uint64 `json:"refused"` // by reason, since the start
	Takt       *float64          `json:"takt_seconds"`
	Cycle      *float64          `json:"cycle_seconds"`
	TaktRatio  *float64          `json:"takt_ratio"`
	Efficiency *float64          `json:"flow_efficiency"`
	ArrivalCV  *float64          `json:"arrival_cv"`
	ServiceCV  *float64          `json:"service_cv"`
	Share      *float64          `json:"share"`           // of the time that all calls ran
	Target     *float64          `json:"share_target"`    // by weight
	L          *float64          `json:"little_l"`        // calls that wait or run, counted …
	LambdaW    *float64          `json:"little_lambda_w"` // … and by Little's law
	Levelled   *LevelStatus      `json:"levelled,omitempty"`
}

// LevelStatus tells how the starts of a class are levelled.
type LevelStatus struct {
	GapMs     float64      `json:"gap_ms"`    // between two starts
	Adherence float64      `json:"adherence"` // part of the last starts that came such a gap after the one before
	BoundMs   float64      `json:"bound_ms"`  // within it each kind that a client has waiting is started, while the client has a seat
	Kinds     []KindStatus `json:"kinds"`
}

// KindStatus tells of one kind of work, which is a tool.
type KindStatus struct {
	Kind      string  `json:"kind"`
	Waiting   int     `json:"waiting"`
	LongestMs float64 `json:"longest_ms"` // that one took
	ApartMs   float64 `json:"apart_ms"`   // the longest in which a client had some waiting and none of it started
}

// ResourceStatus tells how much of a resource is taken.
type ResourceStatus struct {
	Name     string `json:"resource"`
	Used     int64  `json:"used"`
	Capacity int64  `json:"capacity"`
	Buffer   int64  `json:"buffer,omitempty"`
}

// CacheStatus tells of the workbooks in memory.
type CacheStatus struct {
	Workbooks     int    `json:"workbooks"`
	Bytes         int64  `json:"bytes"`
	CapacityBytes int64  `json:"capacity_bytes"`
	Hits          uint64 `json:"hits"`
	Joined        uint64 `json:"joined"`
	Misses        uint64 `json:"misses"`
	Loads         uint64 `json:"loads"`
	Evictions     uint64 `json:"evictions"`
	Revoked       uint64 `json:"revoked"` // loads that were told to stop when their call had its answer

	FormulaBytes     int64 `json:"formula_bytes"`     // of bytes: compiled formulas and what they read
	CalculationBytes int64 `json:"calculation_bytes"` // of bytes: indexes of columns, which calculations left for the next ones
}

// BreakerStatus tells of the breaker before the disk of a root, or before LibreOffice.
type BreakerStatus struct {
	Name        string `json:"breaker"`
	State       string `json:"state"`
	Rejected    uint64 `json:"rejected"`
	Quarantined int    `json:"quarantined"`
}

// ForksStatus tells of forks and their journal.
type ForksStatus struct {
	Forks              int     `json:"forks"`
	InMemory           int     `json:"in_memory"`
	Waiting            int     `json:"waiting"` // changes behind others of the same fork
	Commits            uint64  `json:"commits"`
	Conflicts          uint64  `json:"conflicts"`
	Calculations       uint64  `json:"calculations"`
	CalculationMs      float64 `json:"calculation_ms"` // all of them together
	CalculatedFormulas uint64  `json:"calculated_formulas"`
	OverBudget         uint64  `json:"calculations_over_budget"` // that took longer than a change may wait
	TooLarge           uint64  `json:"calculations_too_large"`   // that would have needed more memory than they may take
	FormulasBehind     uint64  `json:"formulas_behind"`          // of the formulas, those that no call waited for
	Behind             int     `json:"calculations_behind"`      // that no call waits for
	Stale              int     `json:"stale"`                    // whose newest version is not calculated
	JournalRecords     uint64  `json:"journal_records"`
	JournalSyncs       uint64  `json:"journal_syncs"`
	JournalBytes       int64   `json:"journal_bytes"`
	Poisoned           bool    `json:"journal_poisoned"`
}

// OfficeStatus tells of LibreOffice.
type OfficeStatus struct {
	Installed bool                  `json:"installed"` // when somebody last wanted it
	Slots     int                   `json:"at_once"`   // documents that it may work on
	Workers   map[string]int        `json:"workers"`   // by state: starting, idle, busy, ending
	Wanted    int                   `json:"workers_wanted"`
	Most      int                   `json:"workers_max"`
	Waiting   int                   `json:"waiting"` // jobs for a worker
	Queue     int                   `json:"queue_capacity"`
	Joined    uint64                `json:"joined"` // calls that took the result of another one's run
	Ended     map[string]uint64     `json:"workers_ended"`
	Jobs      map[string]OfficeJobs `json:"jobs"` // by kind: recalculate, paint, convert
}

// OfficeJobs tells of the jobs of one kind.
type OfficeJobs struct {
	Waiting  int               `json:"waiting"`
	MeanMs   *float64          `json:"mean_ms"`
	Outcomes map[string]uint64 `json:"outcomes"`
}

// CallStatus is one call that has ended.
type CallStatus struct {
	SecondsAgo float64 `json:"seconds_ago"`
	Tool       string  `json:"tool"`
	Class      string  `json:"class"`
	Client     string  `json:"client"`
	QueueMs    float64 `json:"queue_ms"`
	RunMs      float64 `json:"run_ms"`
	Outcome    string  `json:"outcome"`
}

// ClientStatus is what a client used lately.
type ClientStatus struct {
	Client    string  `json:"client"`
	Weight    int64   `json:"weight"` // of its share of the time against other clients
	Calls     float64 `json:"calls"`
	Refused   float64 `json:"refused"`
	ServiceMs float64 `json:"service_ms"`
	WaitMs    float64 `json:"wait_ms"`

	Parts []ClientStatus `json:"parts,omitempty"` // whom it tells apart, those that used most
}

type serverStatusIn struct {
	Recent   int      `json:"recent" default:"10" min:"0" max:"100" doc:"Calls and clients listed"`
	Sections []string `json:"sections" enum:"classes|resources|cache|breakers|forks|office|calls|clients|metrics" doc:"Default: all but metrics"`
}

type serverStatusOut struct {
	ServerStatus

	sections []string
}

// noStatus is what is told where there is nothing to tell.
type noStatus struct {
	Message string `json:"message"`
}

func (o *noStatus) appendText(b []byte, _ bool) []byte { return append(append(b, o.Message...), '\n') }

var serverStatus = define(Spec{
	Name: "server_status", Title: "How the server does", Toolset: "admin", Core: true, Reach: ReachNothing,
	Description: "How busy this server is: queues, waits and run times by class of calls, memory, forks, the latest calls and the busiest clients. For when calls are slow or refused.",
	Example:     `{"recent":5}`,
}, func(ctx context.Context, env *Env, in serverStatusIn) (any, error) {
	if env.Status == nil {
		return &noStatus{"there is no scheduler: this process runs single calls and serves nobody else"}, nil
	}
	recent := 0 // which the caps would take for no bound
	if in.Recent > 0 {
		recent = env.Caps.items(in.Recent)
	}
	p, metrics, client := principal.From(ctx), slices.Contains(in.Sections, "metrics"), ""
	if p != nil && !p.Metrics {
		client = "user " + p.Name // what others do is nobody's business
		if metrics {
			return nil, fail("FORBIDDEN", "Leave metrics out of sections", "you may not read metrics")
		}
	}
	out := &serverStatusOut{*env.Status.Status(recent, metrics, client), in.Sections}
	if p != nil && !p.Metrics {
		// The breaker before a disk has the path of its root.
		out.Breakers = slices.DeleteFunc(out.Breakers, func(b BreakerStatus) bool { return filepath.IsAbs(b.Name) && !p.Sees(b.Name) })
	}
	for section, drop := range map[string]func(){
		"classes":   func() { out.Classes = nil },
		"resources": func() { out.Resources = nil },
		"cache":     func() { out.Cache = nil },
		"breakers":  func() { out.Breakers = nil },
		"forks":     func() { out.Forks = nil },
		"office":    func() { out.Office = nil },
		"calls":     func() { out.Calls = nil },
		"clients":   func() { out.ByService, out.ByWait = nil, nil },
	} {
		if !out.shows(section) {
			drop()
		}
	}
	return out, nil
})

// shows tells whether a section is wanted; metrics are asked for by name only.
func (o *serverStatusOut) shows(section string) bool {
	return len(o.sections) == 0 || slices.Contains(o.sections, section)
}

func (o *serverStatusOut) appendText(b []byte, _ bool) []byte {
	state := "level " + o.Level
	if len(o.Behind) > 0 {
		state += ", more comes than can be done of " + strings.Join(o.Behind, ", ")
	}
	if o.Draining {
		state += ", stopping"
	}
	b = fmt.Appendf(b, "%s; %d of %d waiting, %d running; %d of %d calls were of another class than predicted; up %v; gridflow %s\n",
		state, o.Waiting, o.QueueCapacity, o.Running, o.Mispredicted, o.Predicted, time.Duration(o.UptimeSeconds)*time.Second, o.Version)
	if len(o.Classes) > 0 {
		b = append(b, "class\twaiting\trunning\trecent\twait ms p50/p95/p99\trun ms p50/p95\ttakt s\tcycle s\ttakt ratio\tefficiency\tshare/by weight\tL/λW\trefused\n"...)
		for i := range o.Classes {
			b = o.Classes[i].appendText(b)
		}
		for i := range o.Classes {
			b = o.Classes[i].appendLevel(b)
		}
	}
	if len(o.Resources) > 0 {
		b = append(b, "resource\tused\tcapacity\tbuffer\n"...)
		for _, r := range o.Resources {
			b = fmt.Appendf(b, "%s\t%d\t%d\t%d\n", r.Name, r.Used, r.Capacity, r.Buffer)
		}
	}
	if c := o.Cache; c != nil {
		b = fmt.Appendf(b, "cache: %d workbooks, %d of %d bytes, %d of them for formulas and %d for indexes of calculations; %d hits, %d joined, %d misses, %d loads, %d evictions, %d revoked\n",
			c.Workbooks, c.Bytes, c.CapacityBytes, c.FormulaBytes, c.CalculationBytes, c.Hits, c.Joined, c.Misses, c.Loads, c.Evictions, c.Revoked)
	}
	if len(o.Breakers) > 0 {
		b = append(b, "breaker\tstate\trejected\tquarantined\n"...)
		for _, r := range o.Breakers {
			b = fmt.Appendf(b, "%s\t%s\t%d\t%d\n", r.Name, r.State, r.Rejected, r.Quarantined)
		}
	}
	if f := o.Forks; f != nil {
		b = fmt.Appendf(b, "forks: %d, %d in memory, %d changes waiting; %d versions made, %d conflicts; %d calculations of %d formulas in %.0f ms, %d of them over the budget, %d too large; %d formulas calculated behind, %d calculations behind now, %d forks stale; journal: %d records in %d syncs, %d bytes",
			f.Forks, f.InMemory, f.Waiting, f.Commits, f.Conflicts, f.Calculations, f.CalculatedFormulas, f.CalculationMs, f.OverBudget, f.TooLarge, f.FormulasBehind, f.Behind, f.Stale, f.JournalRecords, f.JournalSyncs, f.JournalBytes)
		if f.Poisoned {
			b = append(b, ", no more can be written"...)
		}
		b = append(b, '\n')
	}
	if o.Office != nil {
		b = o.Office.appendText(b)
	}
	if o.shows("calls") {
		b = append(b, "latest calls\nseconds ago\ttool\tclass\tclient\tqueue ms\trun ms\toutcome\n"...)
		for _, c := range o.Calls {
			b = fmt.Appendf(b, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", brief(c.SecondsAgo), c.Tool, c.Class, c.Client, brief(c.QueueMs), brief(c.RunMs), c.Outcome)
		}
	}
	if o.shows("clients") {
		b = appendClients(b, "clients by run time", o.ByService)
		b = appendClients(b, "clients by wait", o.ByWait)
	}
	if len(o.Metrics) > 0 {
		b = append(b, "metrics\n"...)
		for _, name := range slices.Sorted(maps.Keys(o.Metrics)) {
			b = fmt.Appendf(b, "%s %g\n", name, o.Metrics[name])
		}
	}
	return b
}

func (o *OfficeStatus) appendText(b []byte) []byte {
	is := "not seen yet, or not installed"
	if o.Installed {
		is = "installed"
	}
	b = fmt.Appendf(b, "LibreOffice: %s; %d at once; workers: %d starting, %d idle, %d busy, %d ending, %d wanted, %d at most; %d of %d jobs wait; %d calls joined another one's run; workers ended: %s\n",
		is, o.Slots, o.Workers["starting"], o.Workers["idle"], o.Workers["busy"], o.Workers["ending"], o.Wanted, o.Most, o.Waiting, o.Queue, o.Joined, listed(o.Ended))
	for i, kind := range slices.Sorted(maps.Keys(o.Jobs)) {
		j := o.Jobs[kind]
		if i == 0 {
			b = append(b, "job\twaiting\tmean ms\tended\n"...)
		}
		b = fmt.Appendf(b, "%s\t%d\t%s\t%s\n", kind, j.Waiting, brief(j.MeanMs), listed(j.Outcomes))
	}
	return b
}

// listed writes numbers with what they count, by name; none is "-".
func listed(counts map[string]uint64) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, name+" "+strconv.FormatUint(counts[name], 10))
	}
	if list == nil {
		return "-"
	}
	return strings.Join(list, ", ")
}

func (c *ClassStatus) appendText(b []byte) []byte {
	b = fmt.Appendf(b, "%s\t%d/%d\t%d", c.Name, c.Waiting, c.Capacity, c.Running)
	if c.Limit > 0 {
		b = fmt.Appendf(b, "/%d", c.Limit)
	}
	if c.LimitMax > 0 {
		b = fmt.Appendf(b, " (%d to %d)", c.LimitMin, c.LimitMax)
	}
	b = fmt.Appendf(b, "\t%d\t%s/%s/%s\t%s/%s\t%s\t%s\t%s\t%s\t%s/%s\t%s/%s\t", c.Recent, brief(c.WaitP50), brief(c.WaitP95), brief(c.WaitP99), brief(c.RunP50), brief(c.RunP95),
		brief(c.Takt), brief(c.Cycle), brief(c.TaktRatio), brief(c.Efficiency), brief(c.Share), brief(c.Target), brief(c.L), brief(c.LambdaW))
	var reasons []string
	for reason, n := range c.Refused {
		reasons = append(reasons, reason+" "+strconv.FormatUint(n, 10))
	}
	slices.Sort(reasons)
	for i, r := range reasons {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, r...)
	}
	return append(b, '\n')
}

func (c *ClassStatus) appendLevel(b []byte) []byte {
	l := c.Levelled
	if l == nil {
		return b
	}
	b = fmt.Appendf(b, "%s is levelled: %s ms between starts, %s of them on time; each kind within %s ms\n", c.Name, brief(l.GapMs), brief(l.Adherence), brief(l.BoundMs))
	if len(l.Kinds) > 0 {
		b = append(b, "kind\twaiting\tlongest ms\tapart ms\n"...)
	}
	for _, k := range l.Kinds {
		b = fmt.Appendf(b, "%s\t%d\t%s\t%s\n", k.Kind, k.Waiting, brief(k.LongestMs), brief(k.ApartMs))
	}
	return b
}

func appendClients(b []byte, title string, clients []ClientStatus) []byte {
	if len(clients) == 0 {
		return b
	}
	b = fmt.Appendf(b, "%s (lately; older use counts less)\nclient\tweight\tcalls\trefused\trun ms\twait ms\n", title)
	return appendUsers(b, "", clients)
}

func appendUsers(b []byte, indent string, clients []ClientStatus) []byte {
	for _, c := range clients {
		b = fmt.Appendf(b, "%s%s\t%d\t%s\t%s\t%s\t%s\n", indent, c.Client, c.Weight, brief(c.Calls), brief(c.Refused), brief(c.ServiceMs), brief(c.WaitMs))
		b = appendUsers(b, indent+"- ", c.Parts)
	}
	return b
}

// brief writes a number with as many digits as one wants to read; nil is "-".
func brief[N float64 | *float64](n N) string {
	var v float64
	switch n := any(n).(type) {
	case float64:
		v = n
	case *float64:
		if n == nil {
			return "-"
		}
		v = *n
	}
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(math.Round(v*1000)/1000, 'g', 3, 64)
}
