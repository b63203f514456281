package tools

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Status is what the server knows of itself.
type Status interface {
	// Status tells how the server does, with at most so many recent calls and clients.
	Status(recent int) *ServerStatus
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
	Calls         []CallStatus     `json:"recent_calls"` // the latest first
	ByService     []ClientStatus   `json:"top_clients_by_service"`
	ByWait        []ClientStatus   `json:"top_clients_by_wait"`
}

// ClassStatus tells of the calls of one class. What there were no calls for is nil.
type ClassStatus struct {
	Name       string            `json:"class"`
	Waiting    int               `json:"waiting"`
	Capacity   int               `json:"capacity"`
	Running    int               `json:"running"`
	Limit      int               `json:"limit,omitempty"`
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
	Sections []string `json:"sections" enum:"classes|resources|cache|calls|clients" doc:"Default: all"`
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
	Description: "How busy this server is: queues, waits and run times by class of calls, memory, the latest calls and the busiest clients. For when calls are slow or refused.",
	Example:     `{"recent":5}`,
}, func(_ context.Context, env *Env, in serverStatusIn) (any, error) {
	if env.Status == nil {
		return &noStatus{"there is no scheduler: this process runs single calls and serves nobody else"}, nil
	}
	recent := 0 // which the caps would take for no bound
	if in.Recent > 0 {
		recent = env.Caps.items(in.Recent)
	}
	out := &serverStatusOut{*env.Status.Status(recent), in.Sections}
	for section, drop := range map[string]func(){
		"classes":   func() { out.Classes = nil },
		"resources": func() { out.Resources = nil },
		"cache":     func() { out.Cache = nil },
		"calls":     func() { out.Calls = nil },
		"clients":   func() { out.ByService, out.ByWait = nil, nil },
	} {
		if !out.shows(section) {
			drop()
		}
	}
	return out, nil
})

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
		b = append(b, "class\twaiting\trunning\trecent\twait ms p50/p95/p99\trun ms p50/p95\ttakt s\tcycle s\ttakt ratio\tefficiency\trefused\n"...)
		for i := range o.Classes {
			b = o.Classes[i].appendText(b)
		}
	}
	if len(o.Resources) > 0 {
		b = append(b, "resource\tused\tcapacity\tbuffer\n"...)
		for _, r := range o.Resources {
			b = fmt.Appendf(b, "%s\t%d\t%d\t%d\n", r.Name, r.Used, r.Capacity, r.Buffer)
		}
	}
	if c := o.Cache; c != nil {
		b = fmt.Appendf(b, "cache: %d workbooks, %d of %d bytes; %d hits, %d joined, %d misses, %d loads, %d evictions\n",
			c.Workbooks, c.Bytes, c.CapacityBytes, c.Hits, c.Joined, c.Misses, c.Loads, c.Evictions)
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
	return b
}

func (c *ClassStatus) appendText(b []byte) []byte {
	b = fmt.Appendf(b, "%s\t%d/%d\t%d", c.Name, c.Waiting, c.Capacity, c.Running)
	if c.Limit > 0 {
		b = fmt.Appendf(b, "/%d", c.Limit)
	}
	b = fmt.Appendf(b, "\t%d\t%s/%s/%s\t%s/%s\t%s\t%s\t%s\t%s\t", c.Recent, brief(c.WaitP50), brief(c.WaitP95), brief(c.WaitP99), brief(c.RunP50), brief(c.RunP95),
		brief(c.Takt), brief(c.Cycle), brief(c.TaktRatio), brief(c.Efficiency))
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
