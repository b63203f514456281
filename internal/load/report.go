package load

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A Result tells what became of a scenario. Encoded as JSON it holds all that was
// measured; times are in milliseconds there.
type Result struct {
	Scenario string        `json:"scenario,omitempty"`
	Target   string        `json:"target"`
	Machine  string        `json:"machine"`
	Began    time.Time     `json:"began"`
	Took     time.Duration `json:"-"`
	Bin      time.Duration `json:"-"` // of the series
	Steps    []Step        `json:"steps"`
	Series   []Series      `json:"series"`
	Server   *Usage        `json:"server,omitempty"`  // nil: nobody could look at its processes
	Remains  int           `json:"remains,omitempty"` // of what the clients have made for themselves: it could not be undone
}

// A Step is what became of the calls that were due in one step.
type Step struct {
	Times  float64       // the multiple of the rates
	Start  time.Duration // since the run began
	Groups []Report
}

// A Report tells what became of the calls of one group in one step.
type Report struct {
	Group     string
	Offered   float64 // calls a second that the group was to make; 0 for a closed loop
	Due       int
	Counts    map[string]int    // by outcome: "ok", the code of an error, "transport" and others
	Texts     map[string]string // by outcome: the first error's text
	Late      int               // answered well, but not within the group's time
	PerSecond float64           // calls answered well and in time, a second: in the step, or until the last one came back where that was later

	Latency Latency // of calls that were answered well, since they were due
	Refused Latency // until the refusal, of those that were refused
	Lag     Latency // between the moment when a call was due and that when it was sent: the generator's own
	Ops     []OpReport

	histogram *hdrhistogram.Histogram
}

// An OpReport is the part of one operation in a Report.
type OpReport struct {
	Op      string
	Due     int
	OK      int
	Latency Latency
}

// OK is the number of calls that were answered well, late or not.
func (r Report) OK() int { return r.Counts[ok] }

// RefusedN is the number of calls that were refused.
func (r Report) RefusedN() int { return int(r.Refused.N) }

// Latency is a distribution of times.
type Latency struct {
	N                              int64
	Mean, P50, P90, P99, P999, Max time.Duration
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	if h.TotalCount() == 0 {
		return Latency{}
	}
	n := float64(h.TotalCount())
	at := func(q float64) time.Duration {
		// The histogram rounds to the nearest call: of eighty the 99th percentile would be the
		// last but one, which more than a hundredth of the calls pass.
		rank := math.Ceil(q*n/100 - 1e-9) // 99.9 is not to be had exactly
		return time.Duration(h.ValueAtQuantile(100*rank/n)) * time.Microsecond
	}
	return Latency{
		N: h.TotalCount(), Mean: time.Duration(h.Mean() * float64(time.Microsecond)),
		P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: time.Duration(h.Max()) * time.Microsecond,
	}
}

// A Series is what became of a group's calls over time, by the moments at which they came back.
type Series struct {
	Group  string  `json:"group"`
	Points []Point `json:"points"`
}

// A Point is the sum of one stretch of time.
type Point struct {
	At      time.Duration // its beginning, since the run began
	Good    float64       // good answers in time, a second
	Late    float64       // good answers that came too late
	Refused float64       // likewise
	Other   float64       // errors, calls that were given up or not sent
	P50     time.Duration
	P99     time.Duration
}

func (r *groupRecord) series() Series {
	s := Series{Group: r.group.Name}
	for i, b := range r.bins {
		l, w := latencyOf(b.latency), r.width.Seconds()
		s.Points = append(s.Points, Point{
			At: time.Duration(i) * r.width, Good: float64(b.good) / w, Late: float64(b.late) / w, Refused: float64(b.refused) / w, Other: float64(b.other) / w,
			P50: l.P50, P99: l.P99,
		})
	}
	return s
}

// millis is a time as JSON has it.
func millis(d time.Duration) float64 {
	return math.Round(d.Seconds()*1e6) / 1e3
}

func (r Result) MarshalJSON() ([]byte, error) {
	type plain Result
	return json.Marshal(struct {
		plain
		TookMs float64 `json:"took_ms"`
		BinMs  float64 `json:"bin_ms"`
	}{plain(r), millis(r.Took), millis(r.Bin)})
}

func (s Step) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Times   float64  `json:"times"`
		StartMs float64  `json:"start_ms"`
		Groups  []Report `json:"groups"`
	}{s.Times, millis(s.Start), s.Groups})
}

// MarshalJSON includes the histogram of the good answers, in microseconds, as the HDR
// format V2 in base64, so that those of several runs can be put together.
func (r Report) MarshalJSON() ([]byte, error) {
	var packed string
	if r.histogram != nil {
		raw, err := r.histogram.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
		if err != nil {
			return nil, err
		}
		packed = string(raw)
	}
	return json.Marshal(struct {
		Group     string            `json:"group"`
		Offered   float64           `json:"offered_per_second,omitempty"`
		Due       int               `json:"due"`
		Counts    map[string]int    `json:"counts"`
		Texts     map[string]string `json:"texts,omitempty"`
		Late      int               `json:"late,omitempty"`
		PerSecond float64           `json:"good_per_second"`
		Latency   Latency           `json:"latency"`
		Refused   Latency           `json:"refused"`
		Lag       Latency           `json:"lag"`
		Ops       []OpReport        `json:"ops"`
		Histogram string            `json:"histogram,omitempty"`
	}{r.Group, r.Offered, r.Due, r.Counts, r.Texts, r.Late, math.Round(r.PerSecond*100) / 100, r.Latency, r.Refused, r.Lag, r.Ops, packed})
}

func (o OpReport) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Op      string  `json:"op"`
		Due     int     `json:"due"`
		OK      int     `json:"ok"`
		Latency Latency `json:"latency"`
	}{o.Op, o.Due, o.OK, o.Latency})
}

func (l Latency) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		N    int64   `json:"n"`
		Mean float64 `json:"mean_ms"`
		P50  float64 `json:"p50_ms"`
		P90  float64 `json:"p90_ms"`
		P99  float64 `json:"p99_ms"`
		P999 float64 `json:"p999_ms"`
		Max  float64 `json:"max_ms"`
	}{l.N, millis(l.Mean), millis(l.P50), millis(l.P90), millis(l.P99), millis(l.P999), millis(l.Max)})
}

func (p Point) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		At      float64 `json:"at_ms"`
		Good    float64 `json:"good_per_second"`
		Late    float64 `json:"late_per_second"`
		Refused float64 `json:"refused_per_second"`
		Other   float64 `json:"other_per_second"`
		P50     float64 `json:"p50_ms"`
		P99     float64 `json:"p99_ms"`
	}{millis(p.At), p.Good, p.Late, p.Refused, p.Other, millis(p.P50), millis(p.P99)})
}

// Text writes a result for people to read: a table for each step, with the operations of
// each group below it where there are several.
func (r *Result) Text() string {
	var b strings.Builder
	for i, s := range r.Steps {
		if i > 0 {
			b.WriteByte('\n')
		}
		if len(r.Steps) > 1 {
			fmt.Fprintf(&b, "%g× from %s on\n", s.Times, short(s.Start))
		}
		fmt.Fprintf(&b, "%-14s %9s %8s %8s %9s %9s %9s %9s %9s %9s  %s\n", "group", "offered/s", "due", "ok", "good/s", "p50", "p90", "p99", "p99.9", "max", "else")
		for _, g := range s.Groups {
			offered := "-"
			if g.Offered > 0 {
				offered = fmt.Sprintf("%.1f", g.Offered)
			}
			fmt.Fprintf(&b, "%-14s %9s %8d %8d %9.1f %s  %s\n", g.Group, offered, g.Due, g.OK(), g.PerSecond, g.Latency.row(), g.others())
			if len(g.Ops) > 1 {
				for _, o := range g.Ops {
					fmt.Fprintf(&b, "  %-12s %9s %8d %8d %9s %s\n", o.Op, "", o.Due, o.OK, "", o.Latency.row())
				}
			}
		}
	}
	r.notes(&b)
	if u := r.Server; u != nil {
		fmt.Fprintf(&b, "\nserver: %.1f MB resident before, %.1f MB at most, %.1f MB after; %.2f s of processor time; %d processes at most\n",
			mb(u.RestBytes), mb(u.PeakBytes), mb(u.EndBytes), u.CPU.Seconds(), u.Processes)
	}
	return b.String()
}

// notes says what there is to know before the figures are believed: whether the load was
// what was asked for, what the first error of each kind was about, and what is left
// with the server.
func (r *Result) notes(b *strings.Builder) {
	var lag time.Duration
	var where string
	said := map[string]bool{}
	for _, s := range r.Steps {
		for _, g := range s.Groups {
			// What is late by as much as calls take is no load as it was asked for.
			if g.Lag.P99 > max(lag, 10*time.Millisecond) && g.Lag.P99 > g.Latency.P50/2 {
				lag, where = g.Lag.P99, fmt.Sprintf("%s at %g×", g.Group, s.Times)
			}
			for _, outcome := range slices.Sorted(maps.Keys(g.Texts)) {
				if !said[outcome] && !slices.Contains([]string{left, timedOut, cancelled}, outcome) {
					said[outcome] = true
					fmt.Fprintf(b, "\n%s of %s at %g×, the first: %s\n", outcome, g.Group, s.Times, plain(g.Texts[outcome]))
				}
			}
		}
	}
	if lag > 0 {
		fmt.Fprintf(b, "\nThe generator was late itself: a hundredth of the calls was sent more than so long after it was due (the worst: %s, %s). Times are as clients see them from so busy a machine.\n", where, short(lag))
	}
	if r.Remains > 0 {
		fmt.Fprintf(b, "\nWhat clients made for themselves (forks, copies) could not be undone %d times, and is still with the server.\n", r.Remains)
	}
}

// plain gives a text of a server without what would steer the terminal that shows it.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\n' {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

func mb(n int64) float64 { return float64(n) / 1e6 }

func (l Latency) row() string {
	if l.N == 0 {
		return fmt.Sprintf("%9s %9s %9s %9s %9s", "-", "-", "-", "-", "-")
	}
	return fmt.Sprintf("%9s %9s %9s %9s %9s", short(l.P50), short(l.P90), short(l.P99), short(l.P999), short(l.Max))
}

// others lists the outcomes that are not good answers.
func (r Report) others() string {
	var other []string
	for outcome, n := range r.Counts {
		if outcome != ok {
			other = append(other, fmt.Sprintf("%s %d", outcome, n))
		}
	}
	slices.Sort(other)
	if r.Late > 0 {
		other = append(other, fmt.Sprintf("late %d", r.Late))
	}
	return strings.Join(other, ", ")
}

func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}
