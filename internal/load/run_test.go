package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// fake is a session whose calls are what do does.
type fake struct {
	do     func(ctx context.Context, p *mcp.CallToolParams) (*mcp.CallToolResult, error)
	closed *atomic.Int64
}

func (f fake) CallTool(ctx context.Context, p *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	return f.do(ctx, p)
}

func (f fake) Close() error {
	f.closed.Add(1)
	return nil
}

// faked is a target of fake sessions, which counts them.
func faked(do func(ctx context.Context, p *mcp.CallToolParams) (*mcp.CallToolResult, error)) (t Target, opened, closed *atomic.Int64) {
	opened, closed = new(atomic.Int64), new(atomic.Int64)
	return Target{dial: func(context.Context, caller) (session, error) {
		opened.Add(1)
		return fake{do, closed}, nil
	}}, opened, closed
}

func result(text string, failed bool) *mcp.CallToolResult {
	return &mcp.CallToolResult{IsError: failed, Content: []mcp.Content{&mcp.TextContent{Text: text}}}
}

// TestNoCoordinatedOmission: a server that serves one call at a time, each for a
// millisecond, stands still for a second. Every call that was due meanwhile is counted with
// the time since it was due, as an observer with paper and pencil has it.
func TestNoCoordinatedOmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const (
			rate  = 100
			calls = 2 * rate
			serve = time.Millisecond
			stop  = 495 * time.Millisecond // between two calls
			again = stop + time.Second
		)
		start := time.Now()
		seat := make(chan struct{}, 1)
		target, opened, closed := faked(func(context.Context, *mcp.CallToolParams) (*mcp.CallToolResult, error) {
			seat <- struct{}{}
			if at := time.Since(start); at >= stop && at < again {
				time.Sleep(again - at)
			}
			time.Sleep(serve)
			<-seat
			return result("well", false), nil
		})
		res, err := Run(t.Context(), target, Scenario{For: 2 * time.Second, Groups: []Group{{Name: "g", Rate: rate, Calls: []Call{{Tool: "x"}}}}})
		if err != nil {
			t.Fatal(err)
		}
		var want []time.Duration
		free := time.Duration(0) // when the server is
		for i := range calls {
			due := time.Duration(i) * time.Second / rate
			begin := max(due, free)
			if begin >= stop && begin < again {
				begin = again
			}
			free = begin + serve
			want = append(want, free-due)
		}
		slices.Sort(want)
		g := res.Steps[0].Groups[0]
		if g.Due != calls || g.OK() != calls {
			t.Fatalf("%d were due, %d answered, want %d: %v", g.Due, g.OK(), calls, g.Counts)
		}
		for _, c := range []struct {
			q   float64
			got time.Duration
		}{{0.50, g.Latency.P50}, {0.90, g.Latency.P90}, {0.99, g.Latency.P99}, {1, g.Latency.Max}} {
			exact := want[int(math.Ceil(c.q*calls))-1]
			if math.Abs(float64(c.got-exact)) > 0.002*float64(exact) {
				t.Errorf("the quantile %v is %v, want %v", c.q, c.got, exact)
			}
		}
		if g.Lag.Max != 0 {
			t.Errorf("calls were sent %v late, and nothing held the generator up", g.Lag.Max)
		}
		if opened.Load() != 1 || closed.Load() != 1 {
			t.Errorf("%d sessions were opened and %d closed", opened.Load(), closed.Load())
		}
	})
}

// TestHeldUpGenerator: a generator that stands still for a second sends at once what was due meanwhile. It counts the time since
// each call was due, and says how late it was itself.
func TestHeldUpGenerator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate, held, serve = 100, time.Second, 10 * time.Millisecond
		target, _, _ := faked(func(context.Context, *mcp.CallToolParams) (*mcp.CallToolResult, error) {
			time.Sleep(serve)
			return result("well", false), nil
		})
		r := &run{ctx: t.Context(), dialect: Gridflow(), dialer: newDialer(target),
			scenario: Scenario{Groups: []Group{{Name: "g", Rate: rate, Calls: []Call{{Tool: "x"}}}}}}
		if err := r.prepare(); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		r.records[0].began, r.records[0].width, r.records[0].limits = start, held, 10
		time.Sleep(held)
		var under sync.WaitGroup
		r.clients[0].openLoop(0, start, 2*held, newArrivals(*r.clients[0].group, rate, 0, 1, nil), &under)
		under.Wait()
		r.end()
		g := r.records[0].steps[0].report(*r.clients[0].group, start, 2*held)
		if g.Due != 2*rate || g.OK() != 2*rate {
			t.Fatalf("%d were due, %d answered: %v", g.Due, g.OK(), g.Counts)
		}
		// Of the late half, each was due a hundredth of a second after the one before.
		for what, c := range map[string][2]time.Duration{
			"latency, the longest": {g.Latency.Max, held + serve}, "latency, nine of ten": {g.Latency.P90, held*8/10 + serve}, "latency, half": {g.Latency.P50, serve},
			"lag, the longest": {g.Lag.Max, held}, "lag, nine of ten": {g.Lag.P90, held * 8 / 10}, "lag, half": {g.Lag.P50, 0},
		} {
			if d := c[0] - c[1]; d.Abs() > held/rate {
				t.Errorf("%s: %v, want %v", what, c[0], c[1])
			}
		}
	})
}

// TestFigures: what is answered well and in time counts as done, within the time until the last answer; how long it takes to be
// refused or to fail is no latency, and neither is a client's thinking.
func TestFigures(t *testing.T) {
	start := time.Now()
	at := func(d time.Duration) time.Time { return start.Add(d) }
	group := Group{Name: "g", Within: time.Second}
	r := &groupRecord{group: group, began: start, width: time.Second, limits: 100}
	for _, h := range []happening{
		{op: "a", outcome: ok, due: at(0), sent: at(0), answered: at(500 * time.Millisecond)},
		{op: "a", outcome: ok, due: at(time.Second), sent: at(time.Second), answered: at(2 * time.Second)},
		{op: "b", outcome: ok, due: at(time.Second), sent: at(time.Second), answered: at(4 * time.Second)}, // too late
		{op: "b", outcome: "OVERLOADED", refusal: true, due: at(time.Second), sent: at(time.Second), answered: at(1100 * time.Millisecond)},
		{op: "b", outcome: timedOut, due: at(time.Second), sent: at(time.Second), answered: at(3 * time.Second)},
		{op: "a", outcome: notSent, due: at(time.Second), answered: at(time.Second)},
	} {
		r.add(h)
	}
	const lasted = 2 * time.Second
	g := r.steps[0].report(group, start, lasted)
	about := func(what string, got, want time.Duration) {
		t.Helper()
		if d := got - want; d.Abs() > want/500 {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	if g.Due != 6 || g.OK() != 3 || g.Late != 1 || g.PerSecond != 2./4 {
		t.Errorf("%d due, %d answered, %d late, %v in a second", g.Due, g.OK(), g.Late, g.PerSecond)
	}
	about("the shortest half", g.Latency.P50, time.Second)
	about("the longest", g.Latency.Max, 3*time.Second)
	about("the longest refusal", g.Refused.Max, 100*time.Millisecond)
	if len(g.Ops) != 2 || g.Ops[0].Due != 3 || g.Ops[0].OK != 2 || g.Ops[1].Due != 3 || g.Ops[1].OK != 1 {
		t.Errorf("by operation: %+v", g.Ops)
	}
	if g := r.steps[0].report(group, start, 8*time.Second); g.PerSecond != 2./8 {
		t.Errorf("where calls were due for 8 s there were %v in a second", g.PerSecond)
	}
	group.Limit = 6
	if g := r.steps[0].report(group, start, 8*time.Second); g.PerSecond != 2./4 {
		t.Errorf("of a group of six calls there were %v in a second", g.PerSecond)
	}

	synctest.Test(t, func(t *testing.T) {
		target, _, _ := faked(func(context.Context, *mcp.CallToolParams) (*mcp.CallToolResult, error) {
			time.Sleep(100 * time.Millisecond)
			return result("well", false), nil
		})
		res, err := Run(t.Context(), target, Scenario{For: 10 * time.Second, Groups: []Group{{Name: "closed", Think: 900 * time.Millisecond, Calls: []Call{{Tool: "x"}}}}})
		if err != nil {
			t.Fatal(err)
		}
		g := res.Steps[0].Groups[0]
		about("the longest in a closed loop", g.Latency.Max, 100*time.Millisecond)
		if g.Due != 10 || g.PerSecond != 1 {
			t.Errorf("%d calls in a closed loop, %v in a second", g.Due, g.PerSecond)
		}
	})
}

// TestSteps: rates are multiplied, but for who keeps his; each call is counted in the step
// in which it was due, and in the bin in which it came back.
func TestSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target, _, _ := faked(func(context.Context, *mcp.CallToolParams) (*mcp.CallToolResult, error) {
			time.Sleep(1500 * time.Millisecond)
			return result("well", false), nil
		})
		res, err := Run(t.Context(), target, Scenario{For: 2 * time.Second, Steps: []float64{1, 10, 0.5}, Groups: []Group{
			{Name: "crowd", Clients: 4, Rate: 5, Within: time.Second, Calls: []Call{{Tool: "x"}}},
			{Name: "steady", Rate: 5, Fixed: true, Calls: []Call{{Tool: "x"}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range [][2]int{{40, 10}, {400, 10}, {20, 10}} {
			for j, g := range res.Steps[i].Groups {
				if g.Due != want[j] || g.OK() != want[j] {
					t.Errorf("step %d, %s: %d due, %d answered, want %d", i, g.Group, g.Due, g.OK(), want[j])
				}
				if late := map[string]int{"crowd": want[j]}[g.Group]; g.Late != late {
					t.Errorf("step %d, %s: %d late, want %d", i, g.Group, g.Late, late)
				}
			}
		}
		if got := res.Steps[1].Groups[0].Offered; got != 200 {
			t.Errorf("offered %v calls a second, want 200", got)
		}
		// What is late in the steps is late in the series: all of the crowd's, and none of the others.
		for i, want := range [][2]float64{{0, 460}, {30, 0}} {
			var good, late float64
			for _, p := range res.Series[i].Points {
				good += p.Good * res.Bin.Seconds()
				late += p.Late * res.Bin.Seconds()
			}
			first := res.Series[i].Points[0]
			if got := [2]float64{math.Round(good), math.Round(late)}; got != want || first.Good != 0 || first.Late != 0 {
				t.Errorf("series %d has %v answers in time and late, want %v, none in the first second: %+v", i, got, want, res.Series[i].Points)
			}
		}
		if res.Took != 7400*time.Millisecond { // the last call is due at 5.9 s
			t.Errorf("it took %v, want 7.4 s", res.Took)
		}
	})
}

// TestInFlightMax: an open loop against a server that does not answer sends no more than
// it may have under way, counts the others, and gives up those that were sent when its
// patience is over.
func TestInFlightMax(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target, _, _ := faked(func(ctx context.Context, _ *mcp.CallToolParams) (*mcp.CallToolResult, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		res, err := Run(t.Context(), target, Scenario{For: time.Second, Groups: []Group{
			{Name: "stuck", Rate: 1000, InFlightMax: 3, Timeout: 10 * time.Second, Calls: []Call{{Tool: "x"}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		g := res.Steps[0].Groups[0]
		if g.Due != 1000 || g.Counts[timedOut] != 3 || g.Counts[notSent] != 997 || g.OK() != 0 {
			t.Errorf("%d due: %v", g.Due, g.Counts)
		}
	})
}

// TestStopped: a run that is stopped says so, and tells what there was.
func TestStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		target, _, closed := faked(func(ctx context.Context, _ *mcp.CallToolParams) (*mcp.CallToolResult, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(2 * time.Second):
				return result("well", false), nil
			}
		})
		res, err := Run(ctx, target, Scenario{For: time.Hour, Steps: []float64{1, 2}, Groups: []Group{{Name: "g", Rate: 10, Calls: []Call{{Tool: "x"}}}}})
		if !errors.Is(err, context.DeadlineExceeded) || res == nil {
			t.Fatalf("%v, %v", res, err)
		}
		g := res.Steps[0].Groups[0]
		if len(res.Steps) != 1 || g.OK() < 9 || g.OK() > 11 || g.Counts[cancelled] < 19 || g.OK()+g.Counts[cancelled] != g.Due {
			t.Errorf("%d steps, %d due: %v", len(res.Steps), g.Due, g.Counts)
		}
		if closed.Load() != 1 {
			t.Errorf("%d sessions were closed", closed.Load())
		}
	})
}

// TestComesAnew: a client whose connection fails opens another session for its next call,
// as hosts do: a server that is started anew is seen to be there.
func TestComesAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down, opened atomic.Int64
		target := Target{dial: func(context.Context, caller) (session, error) {
			life := down.Load()
			if life == 1 {
				return nil, errors.New("connection refused")
			}
			opened.Add(1)
			return fake{func(context.Context, *mcp.CallToolParams) (*mcp.CallToolResult, error) {
				if down.Load() != life {
					return nil, errors.New("connection reset") // it knows nothing of this session
				}
				return result("well", false), nil
			}, new(atomic.Int64)}, nil
		}}
		time.AfterFunc(1050*time.Millisecond, func() { down.Store(1) })
		time.AfterFunc(2050*time.Millisecond, func() { down.Store(2) })
		res, err := Run(t.Context(), target, Scenario{For: 3 * time.Second, Groups: []Group{{Name: "g", Rate: 10, Calls: []Call{{Tool: "x"}}}}})
		if err != nil {
			t.Fatal(err)
		}
		if g := res.Steps[0].Groups[0]; g.OK() != 20 || g.Counts[transport] != 10 || opened.Load() != 2 {
			t.Errorf("%v in %d sessions, want 20 and 10 in 2", g.Counts, opened.Load())
		}
	})
}

// TestPatienceWhileOpening: a call whose session does not come about is given up when its
// client's patience is over, not when opening is.
func TestPatienceWhileOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := new(atomic.Int64)
		target := Target{dial: func(ctx context.Context, _ caller) (session, error) {
			if dials.Add(1) > 1 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return fake{func(context.Context, *mcp.CallToolParams) (*mcp.CallToolResult, error) {
				return result("well", false), nil
			}, new(atomic.Int64)}, nil
		}}
		res, err := Run(t.Context(), target, Scenario{For: time.Second, Groups: []Group{{Name: "g", Rate: 2, Life: 1, Timeout: 2 * time.Second, Calls: []Call{{Tool: "x"}}}}})
		if err != nil {
			t.Fatal(err)
		}
		if g := res.Steps[0].Groups[0]; g.OK() != 1 || g.Counts[timedOut] != 1 || res.Took != 2500*time.Millisecond {
			t.Errorf("%v in %v, want one of each in 2.5 s", g.Counts, res.Took)
		}
	})
}

// TestUnmade: what clients have made for themselves is undone when the load is over, also
// where it is stopped, where it cannot begin, or where the session is no more; what cannot
// be undone is told.
func TestUnmade(t *testing.T) {
	dialect, err := ReadDialect(strings.NewReader("ops: {edit: {tool: edit, args: {of: '{copy}'}}}\nmake: {copy: {tool: make, take: '[0-9]+', undo: {tool: drop, args: {of: '{copy}'}}}}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name                         string
		stopped, full, broken, stuck bool
		remains                      int
	}{{name: "well"}, {name: "stopped", stopped: true}, {name: "cannot begin", full: true}, {name: "connections break", broken: true}, {name: "refused", stuck: true, remains: 3}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				there, made, busy := map[string]bool{}, 0, 0
				target := Target{Dialect: dialect, dial: func(ctx context.Context, _ caller) (session, error) {
					broken := false
					return fake{func(callCtx context.Context, p *mcp.CallToolParams) (*mcp.CallToolResult, error) {
						mu.Lock()
						defer mu.Unlock()
						var args struct{ Of string }
						if err := json.Unmarshal(p.Arguments.(json.RawMessage), &args); err != nil {
							return nil, err
						}
						switch {
						case callCtx.Err() != nil:
							return nil, callCtx.Err()
						case broken:
							return nil, errors.New("connection closed")
						case p.Name == "make":
							if made++; test.full && made == 3 {
								return result("LIMIT: no more", true), nil
							}
							there[fmt.Sprint(made)] = true
							return result(fmt.Sprint(made), false), nil
						case p.Name == "drop":
							if busy++; busy < 4 || test.stuck {
								return result("OVERLOADED: later", true), nil
							}
							delete(there, args.Of)
						default:
							broken = test.broken
						}
						return result("well", false), nil
					}, new(atomic.Int64)}, nil
				}}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.stopped {
					time.AfterFunc(500*time.Millisecond, cancel)
				}
				res, err := Run(ctx, target, Scenario{For: time.Second, Books: []Book{{Name: "b"}}, Groups: []Group{{Name: "g", Clients: 3, Rate: 1, Mix: map[string]float64{"edit": 1}}}})
				if (err != nil) != (test.stopped || test.full) {
					t.Fatal(err)
				}
				if len(there) != test.remains || res != nil && res.Remains != test.remains {
					t.Errorf("%d are there, want %d: %+v", len(there), test.remains, res)
				}
			})
		})
	}
}

// TestManners: clients that leave are counted as that, whatever the server does with what
// they wanted; those that live for some calls come again in another session.
func TestManners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left atomic.Int64
		target, opened, closed := faked(func(ctx context.Context, _ *mcp.CallToolParams) (*mcp.CallToolResult, error) {
			select {
			case <-ctx.Done():
				left.Add(1)
				return nil, ctx.Err()
			case <-time.After(time.Second):
				return result("well", false), nil
			}
		})
		res, err := Run(t.Context(), target, Scenario{Seed: 7, For: 10 * time.Second, Groups: []Group{
			{Name: "leaving", Rate: 100, Leave: 0.25, LeaveAfter: time.Millisecond, Calls: []Call{{Tool: "x"}}},
			{Name: "coming", Rate: 10, Life: 8, Calls: []Call{{Tool: "x"}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		leaving, coming := res.Steps[0].Groups[0], res.Steps[0].Groups[1]
		if n := leaving.Counts["left"]; int64(n) != left.Load() || n < 200 || n > 300 || n+leaving.OK() != leaving.Due {
			t.Errorf("%d of %d left, the server saw %d go: %v", n, leaving.Due, left.Load(), leaving.Counts)
		}
		if coming.OK() != 100 {
			t.Errorf("coming: %v", coming.Counts)
		}
		// One of those who leave, and 100 calls of eight each.
		if opened.Load() != 1+13 || closed.Load() != opened.Load() {
			t.Errorf("%d sessions were opened and %d closed, want 14", opened.Load(), closed.Load())
		}
	})
}

// TestSameSeed: what is asked for depends on the seed alone, and another seed asks for
// something else.
func TestSameSeed(t *testing.T) {
	asked := func(seed uint64) (all []string) {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			target, _, _ := faked(func(_ context.Context, p *mcp.CallToolParams) (*mcp.CallToolResult, error) {
				mu.Lock()
				defer mu.Unlock()
				args, _ := json.Marshal(p.Arguments)
				all = append(all, fmt.Sprint(p.Name, string(args)))
				return result("fork-abcdefgh2345", false), nil
			})
			_, err := Run(t.Context(), target, Scenario{Seed: seed, For: time.Second, Zipf: 1, Books: []Book{{Name: "a", Sheet: "S"}, {Name: "b", Sheet: "S"}},
				Groups: []Group{{Name: "g", Clients: 3, Rate: 20, Arrivals: Poisson, Mix: map[string]float64{"read": 2, "edit": 1}}}})
			if err != nil {
				t.Fatal(err)
			}
		})
		slices.Sort(all)
		return all
	}
	first := asked(1)
	if again := asked(1); !slices.Equal(first, again) {
		t.Errorf("asked for %d calls and then for %d others", len(first), len(again))
	}
	if other := asked(2); slices.Equal(first, other) {
		t.Error("another seed asks for the same")
	}
	edits := 0
	for _, call := range first {
		if strings.HasPrefix(call, "edit_batch") {
			edits++
			if !strings.Contains(call, `"fork_id":"fork-abcdefgh2345"`) {
				t.Errorf("an edit of something else: %s", call)
			}
		}
	}
	if edits == 0 {
		t.Error("nothing was edited")
	}
}

// target is a server over HTTP with a tool that answers, one that refuses every other
// call, one that fails, and one whose answer is long.
func target(t *testing.T) Target {
	server := mcp.NewServer(&mcp.Implementation{Name: "target", Version: "1"}, nil)
	var n atomic.Int64
	tool := func(name string, fn func() (string, error)) {
		server.AddTool(&mcp.Tool{Name: name, InputSchema: json.RawMessage(`{"type":"object"}`)},
			func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				text, err := fn()
				if err != nil {
					return result(err.Error(), true), nil
				}
				return result(text, false), nil
			})
	}
	tool("fine", func() (string, error) { return "fine", nil })
	tool("long", func() (string, error) { return strings.Repeat("x", 3000), nil })
	tool("picky", func() (string, error) {
		if n.Add(1)%2 == 0 {
			return "", errors.New("OVERLOADED: not you")
		}
		return "well", nil
	})
	tool("broken", func() (string, error) { return "", errors.New("no code here") })
	web := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(r *http.Request) *mcp.Server {
		if r.Header.Get("Authorization") == "nobody" {
			return nil
		}
		return server
	}, nil))
	t.Cleanup(web.Close)
	return Target{URL: web.URL, Era: "2025-11-25"}
}

// TestHTTP: over HTTP each group makes the calls that it should, each of which is counted
// once, by what came back; also of those that read slowly, and with headers.
func TestHTTP(t *testing.T) {
	res, err := Run(t.Context(), target(t), Scenario{For: time.Minute, Groups: []Group{
		{Name: "closed", Clients: 3, Parallel: 2, Limit: 10, Calls: []Call{{Tool: "fine"}}},
		{Name: "mixed", Limit: 12, Calls: []Call{{Tool: "picky"}, {Tool: "broken"}, {Tool: "nowhere"}}},
		{Name: "open", Clients: 2, Rate: 200, Limit: 5, Calls: []Call{{Tool: "fine"}}},
		{Name: "slow", Limit: 2, ReadBytes: 1 << 20, Headers: map[string]string{"X-Who": "{principal}"}, Calls: []Call{{Tool: "long"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]int{
		{ok: 30},
		{ok: 2, "OVERLOADED": 2, noCode: 4, rpcError: 4},
		{ok: 10},
		{ok: 2},
	}
	for i, r := range res.Steps[0].Groups {
		sum := 0
		for outcome, n := range r.Counts {
			sum += n
			if want[i][outcome] != n {
				t.Errorf("%s: %d times %q, want %d (%s)", r.Group, n, outcome, want[i][outcome], r.Texts[outcome])
			}
		}
		if sum != r.Due || sum == 0 {
			t.Errorf("%s: %d due, %d counted", r.Group, r.Due, sum)
		}
		if l := r.Latency; l.P50 <= 0 || l.P50 > l.P90 || l.P90 > l.P99 || l.P99 > l.Max || r.PerSecond <= 0 {
			t.Errorf("%s: %+v", r.Group, r)
		}
	}
	if mixed := res.Steps[0].Groups[1]; mixed.RefusedN() != 2 || mixed.Texts[noCode] != "no code here" {
		t.Errorf("%d refused; %v", mixed.RefusedN(), mixed.Texts)
	}
	text := res.Text()
	for _, part := range []string{"closed ", "OVERLOADED 2, error 4, rpc-error 4", "\nopen ", "error of mixed at 1×, the first: no code here"} {
		if !strings.Contains(text, part) {
			t.Errorf("the text has no %q:\n%s", part, text)
		}
	}
	if _, err := Run(t.Context(), target(t), Scenario{Groups: []Group{{Headers: map[string]string{"Authorization": "nobody"}, Calls: []Call{{Tool: "fine"}}}}}); err == nil {
		t.Error("a server that lets nobody in was put under load")
	}
}

// TestTokens: sessions send the tokens of their principals by turns, others that of nobody in particular or
// none; and no token goes to a host that the server sends on to.
func TestTokens(t *testing.T) {
	inner := target(t)
	var mu sync.Mutex
	sent := map[string]int{} // tokens of calls
	stray := 0
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Header.Get("Authorization") != "" {
			stray++
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(other.Close)
	at, err := url.Parse(inner.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(at)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		token := r.Header.Get("Authorization")
		if token == "Bearer astray" {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
			return
		}
		if bytes.Contains(body, []byte(`"tools/call"`)) {
			mu.Lock()
			sent[token]++
			mu.Unlock()
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	to := Target{URL: front.URL, Era: inner.Era, Tokens: map[string]string{"alice": "a", "bob": "b", "eve": "astray", "": "any"}}
	call := []Call{{Tool: "fine"}}
	if _, err := Run(t.Context(), to, Scenario{Groups: []Group{
		{Name: "two", Clients: 3, Limit: 2, As: []string{"alice", "bob"}, Headers: map[string]string{"X-Who": "x"}, Calls: call},
		{Name: "others", Clients: 2, Limit: 1, Calls: call},
	}}); err != nil {
		t.Fatal(err)
	}
	if want := map[string]int{"Bearer a": 4, "Bearer b": 2, "Bearer any": 2}; !maps.Equal(sent, want) {
		t.Errorf("sent %v, want %v", sent, want)
	}
	if _, err := Run(t.Context(), to, Scenario{Groups: []Group{{As: []string{"eve"}, Calls: call}}}); err == nil || strings.Contains(err.Error(), "astray") || stray > 0 {
		t.Errorf("a server that sends on: %v, and %d requests came with the token", err, stray)
	}
	to.Tokens = nil
	asks := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(asks.Close)
	if _, err := Run(t.Context(), Target{URL: asks.URL}, Scenario{Groups: []Group{{Calls: call}}}); err == nil || !strings.Contains(err.Error(), "--token-file") {
		t.Errorf("a server that asks who calls: %v", err)
	}
	if _, err := Run(t.Context(), to, Scenario{Groups: []Group{{As: []string{"alice"}, Calls: call}}}); err == nil || !strings.Contains(err.Error(), `no token of "alice"`) {
		t.Errorf("a principal without a token: %v", err)
	}
}

// TestNotUnderstood: what a scenario cannot mean is an error before anything is opened.
func TestNotUnderstood(t *testing.T) {
	target, opened, _ := faked(nil)
	for name, s := range map[string]Scenario{
		"groups: there is none":                      {},
		`no operation "fly"`:                         {Groups: []Group{{Mix: map[string]float64{"fly": 1}}}},
		"read is about a workbook":                   {Groups: []Group{{Mix: map[string]float64{"read": 1}}}},
		"edit is about a workbook":                   {Groups: []Group{{Mix: map[string]float64{"edit": 1}}}},
		"there is no variable {fork}":                {Groups: []Group{{Calls: []Call{{Tool: "x", Args: map[string]any{"a": "{fork}"}}}}}},
		"it makes no calls":                          {Groups: []Group{{}}},
		"no operation has a weight":                  {Groups: []Group{{Mix: map[string]float64{"list": 0}}}},
		`arrivals: "sometimes"`:                      {Groups: []Group{{Arrivals: "sometimes", Mix: map[string]float64{"list": 1}}}},
		`two are called "a"`:                         {Groups: []Group{{Name: "a", Mix: map[string]float64{"list": 1}}, {Name: "a", Mix: map[string]float64{"list": 1}}}},
		"NaN is no multiple":                         {Steps: []float64{math.NaN()}, Groups: []Group{{Mix: map[string]float64{"list": 1}}}},
		"leave: 2 is not":                            {Groups: []Group{{Leave: 2, Mix: map[string]float64{"list": 1}}}},
		"books: {Name: Sheet: Rows:0 Columns:0} nee": {Books: []Book{{}}, Groups: []Group{{Mix: map[string]float64{"list": 1}}}},
	} {
		if _, err := Run(t.Context(), target, s); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
	if opened.Load() != 0 {
		t.Errorf("%d sessions were opened", opened.Load())
	}
}

// wild serves as little of the protocol as a client needs, and answers calls with a text as it is, in which ID
// stands for the call's.
func wild(t *testing.T, answer string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
		}
		_ = json.NewDecoder(r.Body).Decode(&m) // of a GET or DELETE there is none
		w.Header().Set("Content-Type", "application/json")
		switch {
		case m.Method == "initialize":
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"wild","version":"1"}}}`, m.ID)
		case m.Method == "tools/call":
			io.WriteString(w, strings.ReplaceAll(answer, "ID", string(m.ID)))
		case m.ID != nil:
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no"}}`, m.ID)
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestWildServers: an answer that is no result is not counted as one, nor the beginning of any text as a code,
// and no server steers the terminal of who reads the report.
func TestWildServers(t *testing.T) {
	failing := func(text string) string {
		quoted, _ := json.Marshal(text)
		return `{"jsonrpc":"2.0","id":ID,"result":{"isError":true,"content":[{"type":"text","text":` + string(quoted) + `}]}}`
	}
	for answer, want := range map[string]string{
		`{"jsonrpc":"2.0","id":ID,"result":{"content":[]}}`:                        ok,
		`{"jsonrpc":"2.0","id":ID,"result":{"content":[],"structuredContent":{}}}`: ok,
		`{"jsonrpc":"2.0","id":ID,"result":[1]}`:                                   transport,
		`{"jsonrpc":"2.0","id":ID}`:                                                transport,
		`{"jsonrpc":"2.0","id":ID,"error":{"code":5,"message":"\u001b[2Jno"}}`:     rpcError,
		failing("E_42-X: no"):                                                      "E_42-X",
		failing("42: no"):                                                          noCode,
		failing("\x1b[2J: no"):                                                     noCode,
		failing(strings.Repeat("E", 100) + ": no"):                                 noCode,
		failing("\x1b]0;mine\x07\u202eno"):                                         noCode,
		"hello":                                                                    transport,
		"":                                                                         transport,
	} {
		res, err := Run(t.Context(), Target{URL: wild(t, answer), Era: "2025-11-25"}, Scenario{Groups: []Group{{Name: "g", Limit: 2, Calls: []Call{{Tool: "x"}}}}})
		if err != nil {
			t.Fatalf("%s: %v", answer, err)
		}
		if g := res.Steps[0].Groups[0]; g.Due != 2 || g.Counts[want] != 2 {
			t.Errorf("%s: %v, want %q", answer, g.Counts, want)
		}
		if text := res.Text(); strings.ContainsAny(text, "\x1b\x07\u202e") {
			t.Errorf("%s: the text steers a terminal: %q", answer, text)
		}
	}
}

// TestHandshakeHangs: where a server takes no handshake it is told that nobody waits any longer.
func TestHandshakeHangs(t *testing.T) {
	came, end := make(chan struct{}, 10), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		came <- struct{}{}
		<-end
	}))
	defer s.Close()
	defer close(end)
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-came
		cancel(errPatience)
	}()
	if _, err := newDialer(Target{URL: s.URL}).open(t.Context(), ctx, caller{principal: "p"}); !errors.Is(err, errPatience) {
		t.Errorf("%v, want %v", err, errPatience)
	}
}
