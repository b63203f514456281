//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/tools"
)

// TestS29: where only slow calls wait they get every seat, and where only fast ones wait
// they do; a class of which there is nothing holds nothing back, and nothing stands still
// when the one is through and the other begins.
func TestS29_WorkConserving(t *testing.T) {
	t.Parallel()
	const seats, calls = 4, 2 * 4 // calls of a turn
	r := servingPaced(t, t.TempDir(), fmt.Sprint("--seats=", seats), "--class-slow=wait=10m", "--class-fast=wait=10m")
	s := r.client(eras[0])
	for i, turn := range []string{"slow", "fast", "slow"} {
		b := r.batch()
		b.send(t.Context(), calls, []*mcp.ClientSession{s}, turn, []string{"holds", "grips", "holds"}[i], `{"key":"turn"}`)
		for gone := 0; gone < calls; gone += seats {
			// The seat that is kept for short calls is lent out when none has come for a second.
			// A fast call that turns out long gives it up, so that one more may run.
			r.untilMetrics("every seat is taken by "+turn+" calls", func(m scrape) bool {
				return m.value(`gridflow_inflight{class="`+turn+`"}`) >= seats && m.value(`gridflow_resource_used{resource="cpu"}`) >= seats
			})
			r.letGo(s, "turn", seats)
		}
		b.await("ok", calls)
	}
	r.untilMetrics("every seat is free", func(m scrape) bool {
		return m.value(`gridflow_resource_used{resource="cpu"}`) == 0 && m.sum("gridflow_queue_depth") == 0
	})
	figure(t, "seats that one class alone has, of those there are", seats, seats)
}

// limitSteps gives the changes of a class's limit so far.
func (r *running) limitSteps(class string) (steps []limitStep) {
	for _, line := range r.log.matching("msg=limit", "class="+class+" ") {
		if m := regexp.MustCompile(`from=(\d+) to=(\d+) cause=(\w+)`).FindStringSubmatch(line); m != nil {
			from, _ := strconv.Atoi(m[1])
			to, _ := strconv.Atoi(m[2])
			steps = append(steps, limitStep{from, to, m[3]})
		}
	}
	return steps
}

type limitStep struct {
	from, to int
	cause    string
}

// A stream is callers that call one after the other until they are stopped.
type stream struct {
	stop  atomic.Bool
	wg    sync.WaitGroup
	ended atomic.Int64 // calls
	mu    sync.Mutex
	wrong []string // what was answered other than well
}

// stream begins n callers of medium calls; ms says how long call i takes.
func (r *running) stream(s *mcp.ClientSession, n int, ms func(i int64) int) *stream {
	st := new(stream)
	var calls atomic.Int64
	for range n {
		st.wg.Go(func() {
			for !st.stop.Load() {
				res, err := hinted(r.ctx, s, "medium", "works", fmt.Sprintf(`{"ms":%d}`, ms(calls.Add(1))))
				if err != nil || res.IsError {
					st.mu.Lock()
					st.wrong = append(st.wrong, fmt.Sprint(res, err))
					st.mu.Unlock()
					return
				}
				st.ended.Add(1)
			}
		})
	}
	return st
}

// end stops the callers and waits for the calls that are under way.
func (st *stream) end(t *testing.T) {
	t.Helper()
	st.stop.Store(true)
	st.wg.Wait()
	if len(st.wrong) > 0 {
		t.Errorf("%d calls were not answered well: %s", len(st.wrong), clipped(st.wrong[0]))
	}
}

// TestS31: the limit of medium calls goes down step by step to one when they take long,
// and no further; it comes back when they are quick and the limit is used, and not while
// it is not. Every call is answered, those too that wait or run while it changes.
func TestS31_LimitFollows(t *testing.T) {
	t.Parallel()
	const seats = 4
	r := servingPaced(t, t.TempDir(), fmt.Sprint("--seats=", seats), "--adaptive=true", "--class-medium=wait=10m")
	s := r.client(eras[0])
	quick := func(int64) int { return 1 }
	reaches := func(what string, good func(limitStep) bool) {
		t.Helper()
		for !slices.ContainsFunc(r.limitSteps("medium"), good) {
			r.pause(what)
		}
	}

	// A call in five takes more than a second: that is what the 95th percentile sees. The others take too long for the limit to
	// rise, however many of them come in a row: on a slow machine they are all that a window has.
	slow := r.stream(s, 6, func(i int64) int { return map[bool]int{true: 1050, false: 150}[i%5 == 0] })
	reaches("the limit is 1", func(l limitStep) bool { return l.to == 1 })
	// As many as make the next decision, and the time that must have passed since the last.
	since := slow.ended.Load()
	for begin := time.Now(); slow.ended.Load() < since+15 || time.Since(begin) < 2500*time.Millisecond; {
		r.pause("the calls go on at a limit of 1")
	}
	slow.end(t)
	down := r.limitSteps("medium")
	for i, l := range down {
		if l.from != seats-i || l.to != l.from-1 || l.to < 1 {
			t.Errorf("step %d is from %d to %d (%s)", i, l.from, l.to, l.cause)
		}
	}
	if now := r.scrape().value(`gridflow_limiter_limit{class="medium"}`); len(down) != seats-1 || now != 1 {
		t.Errorf("after calls of more than a second the limit is %g: %v", now, down)
	}

	used := r.stream(s, 6, quick)
	reaches("the limit is 2 again", func(l limitStep) bool { return l == limitStep{1, 2, "headroom"} })
	used.end(t)

	// One call at a time does not use a limit of two. What was measured before may lead to a
	// step still; after a decision it is forgotten.
	idle := func() {
		one := r.stream(s, 1, quick)
		for begin := time.Now(); one.ended.Load() < 20 || time.Since(begin) < 3200*time.Millisecond; {
			r.pause("calls come one by one")
		}
		one.end(t)
	}
	idle()
	before := len(r.limitSteps("medium"))
	idle()
	for _, l := range r.limitSteps("medium")[before:] {
		if l.to > l.from {
			t.Errorf("the limit rose to %d (%s) while calls came one by one", l.to, l.cause)
		}
	}

	before = len(r.limitSteps("medium"))
	used = r.stream(s, 6, quick)
	for len(r.limitSteps("medium")) == before {
		r.pause("the limit rises again under load")
	}
	used.end(t)
	figure(t, "the limit, from where and down to what", fmt.Sprint(seats, " to ", down[len(down)-1].to), fmt.Sprint(seats, " to 1, and never below"))
}

// lastWait gives how long the slow call waited that ended last, in ms.
func (r *running) lastWait(s *mcp.ClientSession) float64 {
	r.t.Helper()
	var status tools.ServerStatus
	if err := json.Unmarshal([]byte(mustCall(r.t, s, "server_status", `{"recent":100,"sections":["calls"]}`)), &status); err != nil {
		r.t.Fatal(err)
	}
	for _, c := range status.Calls { // the latest first
		if c.Class == "slow" {
			return c.QueueMs
		}
	}
	r.t.Fatal("the server remembers no slow call")
	return 0
}

// TestS32: a slow call to an idle server starts in the moment in which it comes, however
// starts are levelled; of ten that come at once each starts a gap after the one before.
func TestS32_Levelled(t *testing.T) {
	t.Parallel()
	const gap, burst = 50 * time.Millisecond, 10
	for _, level := range []string{"gap=50ms", "pace=50ms"} {
		t.Run(level, func(t *testing.T) {
			t.Parallel()
			r := servingPaced(t, t.TempDir(), "--seats=4", "--class-slow=wait=10m,"+level, "--output-profile=compat")
			s := r.client(eras[0])
			slow := func(ms int) (began time.Time, err error) {
				res, err := hinted(r.ctx, s, "slow", "works", fmt.Sprintf(`{"ms":%d}`, ms))
				if err != nil {
					return began, err
				}
				n, err := strconv.ParseInt(strings.TrimSpace(textOf(res)), 10, 64)
				return time.Unix(0, n), err
			}
			atOnce := func() {
				t.Helper()
				// It runs for longer than the gap, so that the next one comes to an idle server too.
				if _, err := slow(60); err != nil {
					t.Fatal(err)
				}
				if waited := r.lastWait(s); waited != 0 {
					t.Errorf("a call to an idle server waited for %g ms", waited)
				}
			}
			atOnce()
			atOnce()
			var mu sync.Mutex
			var starts []time.Time
			var wg sync.WaitGroup
			sent := time.Now()
			for range burst {
				wg.Go(func() {
					began, err := slow(1)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					starts = append(starts, began)
				})
			}
			wg.Wait()
			slices.SortFunc(starts, time.Time.Compare)
			if len(starts) != burst {
				t.Fatalf("%d of %d calls were served", len(starts), burst)
			}
			figure(t, fmt.Sprintf("%d calls at once began this much later", burst), fmt.Sprint(starts[0].Sub(sent).Round(time.Millisecond), " to ", starts[burst-1].Sub(sent).Round(time.Millisecond)), fmt.Sprint("0s to ", (burst-1)*gap))
			for i, began := range starts {
				// The pace of the demand is not known beforehand, and only bounded by the setting.
				if least := time.Duration(i) * gap; strings.HasPrefix(level, "gap") && began.Sub(sent) < least {
					t.Errorf("start %d came %v after the burst was sent, want at least %v", i, began.Sub(sent), least)
				}
			}
			if most := r.scrape().value(`gridflow_queue_depth_max{class="slow"}`); strings.HasPrefix(level, "gap") && most < 1 {
				t.Error("none of the burst waited")
			}
		})
	}
}

// TestS32_KindsTakeTurns: where starts are levelled a client's call of another tool does not
// wait for all that it has waiting of the first; and it is to be seen how they take turns.
func TestS32_KindsTakeTurns(t *testing.T) {
	t.Parallel()
	r := servingPaced(t, exampleRoot(t), "--seats=4", "--class-slow=limit=1,wait=10m,pace=1ms")
	s := r.client(eras[0])
	sessions := []*mcp.ClientSession{s}
	waiting := func(n int) {
		t.Helper()
		r.untilMetrics("the calls wait", func(m scrape) bool { return m.value(`gridflow_queue_depth{class="slow"}`) == float64(n) })
	}
	first, held, other := r.batch(), r.batch(), r.batch()
	first.send(t.Context(), 1, sessions, "slow", "holds", `{"key":"start"}`)
	r.untilMetrics("the seat is held", func(m scrape) bool { return m.value(`gridflow_inflight{class="slow"}`) == 1 })
	held.send(t.Context(), 3, sessions, "slow", "holds", `{"key":"a"}`)
	waiting(3)
	other.send(t.Context(), 1, sessions, "slow", "list_workbooks", `{}`)
	waiting(4)
	m := r.scrape()
	for kind, want := range map[string]float64{"holds": 3, "list_workbooks": 1} {
		if got := m.value(`gridflow_level_waiting{class="slow",kind="` + kind + `"}`); got != want {
			t.Errorf("of %s %v wait, want %v", kind, got, want)
		}
	}
	r.letGo(s, "start", 1)
	r.letGo(s, "a", 1)
	other.await("ok", 1) // two that came before it wait still, and nobody lets them go
	if n := held.count(""); n > 1 {
		t.Errorf("%d of those that came before have ended", n)
	}
	status := mustCall(t, s, "server_status", `{"sections":["classes"]}`)
	if !regexp.MustCompile(`(?m)^slow is levelled: .*\nkind\twaiting\tlongest ms\tapart ms\nholds\t[12]\t[0-9.e+]+\t[0-9.e+]+\nlist_workbooks\t0\t`).MatchString(status) {
		t.Errorf("the status says\n%s", status)
	}
	r.letGo(s, "a", 2)
	held.await("ok", 3)
	first.await("ok", 1)
}
