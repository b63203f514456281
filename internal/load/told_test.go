package load

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestReportJSON: each figure of a result is told under its own name, times in milliseconds.
func TestReportJSON(t *testing.T) {
	times := func(n int64) Latency {
		ms := time.Duration(n) * time.Millisecond
		return Latency{N: n, Mean: ms + 1*time.Microsecond, P50: ms + 50*time.Microsecond, P90: ms + 90*time.Microsecond, P99: ms + 99*time.Microsecond, P999: ms + 199*time.Microsecond, Max: ms + 900*time.Microsecond}
	}
	told := func(n int64) string {
		return fmt.Sprintf(`{"n":%[1]d,"mean_ms":%[1]d.001,"p50_ms":%[1]d.05,"p90_ms":%[1]d.09,"p99_ms":%[1]d.099,"p999_ms":%[1]d.199,"max_ms":%[1]d.9}`, n)
	}
	r := Result{
		Scenario: "s", Target: "t", Machine: "m", Began: time.Unix(0, 0).UTC(), Took: 2500 * time.Millisecond, Bin: time.Second, Remains: 3,
		Steps: []Step{{Times: 2, Start: 1500 * time.Millisecond, Groups: []Report{{
			Group: "g", Offered: 40, Due: 9, Counts: map[string]int{ok: 5}, Texts: map[string]string{"X": "why"}, Late: 1, PerSecond: 3.456,
			Latency: times(5), Refused: times(6), Lag: times(7), Ops: []OpReport{{Op: "read", Due: 8, OK: 4, Latency: times(4)}},
		}}}},
		Series: []Series{{"g", []Point{{At: time.Second, Good: 1, Late: 2, Refused: 3, Other: 4, P50: 5 * time.Millisecond, P99: 6 * time.Millisecond}}}},
		Server: &Usage{RestBytes: 1, PeakBytes: 3, EndBytes: 2, CPU: 4 * time.Millisecond, Processes: 5, Series: []UsagePoint{{At: time.Second, Bytes: 6, CPU: 7 * time.Millisecond}}},
	}
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"scenario":"s","target":"t","machine":"m","began":"1970-01-01T00:00:00Z","steps":[{"times":2,"start_ms":1500,"groups":[` +
		`{"group":"g","offered_per_second":40,"due":9,"counts":{"ok":5},"texts":{"X":"why"},"late":1,"good_per_second":3.46,` +
		`"latency":` + told(5) + `,"refused":` + told(6) + `,"lag":` + told(7) + `,"ops":[{"op":"read","due":8,"ok":4,"latency":` + told(4) + `}]}]}],` +
		`"series":[{"group":"g","points":[{"at_ms":1000,"good_per_second":1,"late_per_second":2,"refused_per_second":3,"other_per_second":4,"p50_ms":5,"p99_ms":6}]}],` +
		`"server":{"resident_bytes_before":1,"resident_bytes_most":3,"resident_bytes_after":2,"cpu_ms":4,"processes_most":5,"series":[{"at_ms":1000,"resident_bytes":6,"cpu_ms":7}]},` +
		`"remains":3,"took_ms":2500,"bin_ms":1000}`
	if string(got) != want {
		t.Errorf("it is\n%s\nand not\n%s", got, want)
	}
}

// TestNotes: whoever reads the figures is told what speaks against them.
func TestNotes(t *testing.T) {
	group := func(lag, p50 time.Duration) Report {
		return Report{Group: "g", Counts: map[string]int{}, Texts: map[string]string{left: "gone", "BAD": "no such sheet"}, Latency: Latency{N: 1, P50: p50}, Lag: Latency{N: 1, P99: lag}}
	}
	for _, c := range []struct {
		name    string
		r       Result
		late    bool
		remains bool
	}{
		{"a generator that is late by as much as calls take", Result{Steps: []Step{{Times: 2, Groups: []Report{group(20*time.Millisecond, 30*time.Millisecond)}}}}, true, false},
		{"one that is late by a small part of it", Result{Steps: []Step{{Times: 2, Groups: []Report{group(20*time.Millisecond, time.Second)}}}}, false, false},
		{"one that is hardly late", Result{Steps: []Step{{Times: 2, Groups: []Report{group(5*time.Millisecond, time.Millisecond)}}}}, false, false},
		{"forks that are left", Result{Steps: []Step{{Times: 2, Groups: []Report{group(0, 0)}}}, Remains: 1}, false, true},
	} {
		text := c.r.Text()
		if got := strings.Contains(text, "The generator was late itself"); got != c.late {
			t.Errorf("%s: it is said that the generator was late: %v", c.name, got)
		}
		if got := strings.Contains(text, "could not be undone 1 times"); got != c.remains {
			t.Errorf("%s: it is said that something is left: %v", c.name, got)
		}
		if !strings.Contains(text, "BAD of g at 2×, the first: no such sheet") || strings.Contains(text, "gone") {
			t.Errorf("%s: of the errors it is said\n%s", c.name, text)
		}
	}
}

// TestRecordOfOddCalls: the first error's text stays, what was not sent was not sent late, what came too late for any stretch of
// time is in the last one, and a clock that goes backwards loses no call; stretches tell so many a second.
func TestRecordOfOddCalls(t *testing.T) {
	began := time.Now()
	r := &groupRecord{group: Group{Name: "g", Within: time.Second}, began: began, width: 2 * time.Second, limits: 3}
	at := func(s float64) time.Time { return began.Add(seconds(s)) }
	for _, h := range []happening{
		{op: "a", outcome: ok, due: at(0), sent: at(0), answered: at(.5)},
		{op: "a", outcome: ok, due: at(1), sent: at(1), answered: at(.5)},
		{op: "a", outcome: ok, due: at(0), sent: at(.25), answered: at(1.5)},
		{op: "a", outcome: "BAD", text: "first", due: at(0), sent: at(0), answered: at(0)},
		{op: "a", outcome: "BAD", text: "second", due: at(0), sent: at(0), answered: at(0)},
		{op: "a", outcome: notSent, due: at(0), answered: at(0)},
		{op: "a", outcome: "FULL", refusal: true, due: at(0), sent: at(0), answered: at(1000)},
	} {
		r.add(h)
	}
	g := r.steps[0].report(r.group, began, time.Second)
	if g.Texts["BAD"] != "first" || g.Lag.N != 6 || g.Latency.N != 3 || g.Late != 1 {
		t.Errorf("the first error is %q; of %d calls it is known how late they were sent, of %d how long they took, %d were late", g.Texts["BAD"], g.Lag.N, g.Latency.N, g.Late)
	}
	s := r.series()
	if len(s.Points) != 3 {
		t.Fatalf("%d stretches", len(s.Points))
	}
	first, last := s.Points[0], s.Points[2]
	if first.Good != 1 || first.Late != .5 || first.Other != 1.5 || last.Refused != .5 || last.At != 4*time.Second {
		t.Errorf("a second: %+v … %+v", first, last)
	}
	if first.P50.Round(10*time.Millisecond) != 500*time.Millisecond {
		t.Errorf("half of the answers took %v", first.P50)
	}
}

// TestMoments: those of random arrivals begin at random; those of constant ones are where they should be after a million.
func TestMoments(t *testing.T) {
	var sum time.Duration
	for i := range 1000 {
		at := newArrivals(Group{Arrivals: Poisson}, 1, 0, 1, rand.New(rand.NewPCG(1, uint64(i)))).next()
		if at == 0 {
			t.Fatal("the first call comes at once")
		}
		sum += at
	}
	if mean := sum / 1000; mean < 900*time.Millisecond || mean > 1100*time.Millisecond {
		t.Errorf("the first call comes after %v in the mean", mean)
	}
	a := newArrivals(Group{}, 3, 0, 1, nil)
	for range 3_000_000 {
		a.next()
	}
	if off := a.next() - 1_000_000*time.Second; off.Abs() > time.Microsecond {
		t.Errorf("after a million seconds a call is off by %v", off)
	}
}

// TestDraws: an operation is drawn by the seed whatever the order of a map, and what is drawn of a book is in it.
func TestDraws(t *testing.T) {
	for range 20 {
		if ops := newMix(map[string]float64{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 0}).ops; !slices.Equal(ops, []string{"a", "b", "c", "d", "e"}) {
			t.Fatalf("the operations are in the order %q", ops)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, b := range []Book{{Rows: 30, Columns: 3}, {Rows: 5, Columns: 1}} {
		for range 1000 {
			v := values{}
			b.vars(v, rng)
			row, last := v["row"].(int), v["last"].(int)
			if row < 1 || last > b.Rows || last-row+1 != min(20, b.Rows) {
				t.Fatalf("rows %d to %d of %d", row, last, b.Rows)
			}
		}
	}
}

// TestWhoCalls: sessions are of so many programs; a session is closed when all calls of its client have come back.
func TestWhoCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		programs := map[string]int{}
		target := Target{dial: func(_ context.Context, who caller) (session, error) {
			mu.Lock()
			defer mu.Unlock()
			programs[who.principal]++
			return &closable{t: t}, nil
		}}
		_, err := Run(t.Context(), target, Scenario{For: 5 * time.Second, Groups: []Group{
			{Name: "g", Clients: 6, Principals: 3, Rate: 4, Life: 2, Calls: []Call{{Tool: "x"}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if len(programs) != 3 || programs["load g 0"] == 0 {
			t.Errorf("sessions by program: %v", programs)
		}
	})
}

// closable is a session that must not be closed under its calls.
type closable struct {
	t     *testing.T
	calls atomic.Int64
}

func (c *closable) CallTool(context.Context, *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	c.calls.Add(1)
	defer c.calls.Add(-1)
	time.Sleep(time.Second)
	return result("well", false), nil
}

func (c *closable) Close() error {
	if n := c.calls.Load(); n > 0 {
		c.t.Errorf("a session is closed under %d calls", n)
	}
	return nil
}

// TestRoomComesBack: a client that may have few calls under way goes on sending when they have come back; a step waits for
// the one before where it is to; and a run that is stopped tells of the time that it had.
func TestRoomComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target, _, _ := faked(func(context.Context, *mcp.CallToolParams) (*mcp.CallToolResult, error) {
			time.Sleep(150 * time.Millisecond)
			return result("well", false), nil
		})
		calls := []Call{{Tool: "x"}}
		res, err := Run(t.Context(), target, Scenario{For: 2 * time.Second, Groups: []Group{{Name: "g", Rate: 10, InFlightMax: 2, Calls: calls}}})
		if err != nil {
			t.Fatal(err)
		}
		if g := res.Steps[0].Groups[0]; g.OK() != 20 {
			t.Errorf("%v", g.Counts)
		}
		for settle, want := range map[bool]time.Duration{false: 2 * time.Second, true: 2*time.Second + 50*time.Millisecond} {
			res, err := Run(t.Context(), target, Scenario{For: 2 * time.Second, Steps: []float64{1, 2}, Settle: settle, Groups: []Group{{Name: "g", Rate: 10, Calls: calls}}})
			if err != nil {
				t.Fatal(err)
			}
			if got := res.Steps[1].Start; got != want {
				t.Errorf("settle %v: the second step begins after %v, want %v", settle, got, want)
			}
		}
		ctx, stop := context.WithTimeout(t.Context(), 4*time.Second)
		defer stop()
		res, _ = Run(ctx, target, Scenario{For: time.Hour, Groups: []Group{{Name: "g", Rate: 10, Calls: calls}}})
		if g := res.Steps[0].Groups[0]; g.PerSecond < 9 {
			t.Errorf("in four seconds of an hour there were %v calls a second", g.PerSecond)
		}
	})
}

// TestCurves: more is drawn higher, a point that is missing interrupts a curve, points that are all the same have a place,
// and a distribution rises to the longest time.
func TestCurves(t *testing.T) {
	curves := func(p panel) (list [][]float64) { // the heights of each piece, from above
		var b strings.Builder
		p.draw(&b, 0)
		if strings.Contains(b.String(), "NaN") {
			t.Errorf("%s has a place that is no number", p.title)
		}
		for _, piece := range regexp.MustCompile(`points="([^"]*)"`).FindAllStringSubmatch(b.String(), -1) {
			var ys []float64
			for _, point := range strings.Fields(piece[1]) {
				_, y, _ := strings.Cut(point, ",")
				v, err := strconv.ParseFloat(y, 64)
				if err != nil {
					t.Fatal(err)
				}
				ys = append(ys, v)
			}
			list = append(list, ys)
		}
		return list
	}
	got := curves(panel{title: "a gap", lines: []line{{x: []float64{1, 2, 3, 4, 5}, y: []float64{1, 2, math.NaN(), 4, 5}}}})
	if len(got) != 2 || len(got[0]) != 2 || len(got[1]) != 2 || !slices.IsSortedFunc(slices.Concat(got...), func(a, b float64) int { return int(b - a) }) {
		t.Errorf("a curve with a gap is %v", got)
	}
	if got := curves(panel{title: "the same", lines: []line{{x: []float64{1, 2}, y: []float64{0, 0}}}}); len(got) != 1 {
		t.Errorf("a curve of zeros is %v", got)
	}
	h := newHistogram(3)
	for i := range 1000 {
		record(h, time.Duration(i+1)*time.Millisecond)
	}
	r := &Result{Steps: []Step{{Times: 1, Groups: []Report{{Group: "g", Latency: latencyOf(h), histogram: h}}}}}
	l := r.distributionPanel().lines[0]
	if !slices.IsSorted(l.y) || l.y[len(l.y)-1] < 990 || l.y[0] > 2 {
		t.Errorf("the distribution is %v", l.y)
	}
	if y := l.y[slices.IndexFunc(l.x, func(x float64) bool { return x > 9.5 })]; y < 880 || y > 930 {
		t.Errorf("one call in ten took longer than %v ms", y)
	}
}
