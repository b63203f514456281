package load

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// latencyMax is the longest time that a histogram tells from longer ones.
const latencyMax = time.Hour

// newHistogram gives an empty histogram of microseconds; all of one number of digits can
// be merged. Three digits take some 190 KB, two some 25.
func newHistogram(digits int) *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(latencyMax/time.Microsecond), digits)
}

// record counts a time, which is neither negative nor longer than latencyMax.
func record(h *hdrhistogram.Histogram, d time.Duration) {
	// What is clamped always fits.
	_ = h.RecordValue(int64(min(max(d, 0), latencyMax) / time.Microsecond))
}

// Outcomes of a call besides the codes of errors.
const (
	ok        = "ok"
	notSent   = "not sent"  // too many calls of its client were under way when it was due
	timedOut  = "timeout"   // its client's patience was over
	left      = "left"      // its client gave it up, as it had been told to
	cancelled = "cancelled" // the run was stopped
	transport = "transport" // no answer: the connection failed
	noCode    = "error"     // a tool's error without a code
	rpcError  = "rpc-error" // an error of the protocol
)

// A happening is what became of one call.
type happening struct {
	step     int
	op       string
	outcome  string
	text     string // of the error
	refusal  bool
	due      time.Time
	sent     time.Time // zero: it was not
	answered time.Time
}

// groupRecord counts the calls of one group. Any number of clients may add at once.
type groupRecord struct {
	group  Group
	began  time.Time
	width  time.Duration // of a bin
	limits int           // bins at most; what comes later is counted in the last

	mu    sync.Mutex
	steps []*tally
	bins  []*bin
}

// tally counts the calls of a group that were due in one step.
type tally struct {
	due, late int
	counts    map[string]int
	texts     map[string]string // the first of each outcome, cut
	ops       map[string]*opTally
	refused   *hdrhistogram.Histogram // until the refusal
	lag       *hdrhistogram.Histogram // from when a call was due until it was sent
	last      time.Time               // when the last one came back
}

type opTally struct {
	calls int
	good  *hdrhistogram.Histogram // from when a call was due until its answer
}

// bin counts the answers of a stretch of time.
type bin struct {
	good, late, refused, other int
	latency                    *hdrhistogram.Histogram // of good and late ones
}

func (r *groupRecord) add(h happening) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.steps) <= h.step {
		r.steps = append(r.steps, &tally{counts: map[string]int{}, texts: map[string]string{}, ops: map[string]*opTally{}, refused: newHistogram(3), lag: newHistogram(3)})
	}
	t := r.steps[h.step]
	t.due++
	if t.counts[h.outcome]++; t.counts[h.outcome] == 1 && h.text != "" {
		t.texts[h.outcome] = cut(h.text, 300)
	}
	op := t.ops[h.op]
	if op == nil {
		op = &opTally{good: newHistogram(3)}
		t.ops[h.op] = op
	}
	op.calls++
	if h.answered.After(t.last) {
		t.last = h.answered
	}
	b := r.binLocked(h.answered)
	took := h.answered.Sub(h.due)
	if !h.sent.IsZero() {
		record(t.lag, h.sent.Sub(h.due))
	}
	switch {
	case h.outcome == ok:
		record(op.good, took)
		record(b.latency, took)
		if r.group.Within > 0 && took > r.group.Within {
			t.late++
			b.late++
		} else {
			b.good++
		}
	case h.refusal:
		record(t.refused, took)
		b.refused++
	default:
		b.other++
	}
}

func (r *groupRecord) binLocked(at time.Time) *bin {
	i := min(max(int(at.Sub(r.began)/r.width), 0), r.limits-1)
	for len(r.bins) <= i {
		r.bins = append(r.bins, &bin{latency: newHistogram(2)})
	}
	return r.bins[i]
}

// good gives the latencies of all operations of a tally together.
func (t *tally) good() *hdrhistogram.Histogram {
	all := newHistogram(3)
	for _, op := range t.ops {
		all.Merge(op.good)
	}
	return all
}

// report says what became of the calls of a step that began at start, in which calls were due for so
// long as lasted, but those of a group of so many calls.
func (t *tally) report(g Group, start time.Time, lasted time.Duration) Report {
	good := t.good()
	took := t.last.Sub(start)
	if g.Limit == 0 {
		took = max(took, lasted)
	}
	r := Report{
		Group: g.Name, Due: t.due, Counts: t.counts, Texts: t.texts, Late: t.late,
		Latency: latencyOf(good), Refused: latencyOf(t.refused), Lag: latencyOf(t.lag), histogram: good,
	}
	if took > 0 {
		r.PerSecond = float64(t.counts[ok]-t.late) / took.Seconds()
	}
	for name, op := range t.ops {
		r.Ops = append(r.Ops, OpReport{Op: name, Due: op.calls, OK: int(op.good.TotalCount()), Latency: latencyOf(op.good)})
	}
	slices.SortFunc(r.Ops, func(a, b OpReport) int { return cmp.Compare(a.Op, b.Op) })
	return r
}

func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}
