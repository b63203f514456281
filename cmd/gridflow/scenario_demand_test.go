//go:build unix

package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestS33_DemandIsSeen: of calls whose number is known the takt comes out as the time by the
// calls, and the number of calls inside as their rate by their time (Little's law). Where
// more comes than can be done, and goes on to, the level is raised long before the queue is
// full, and lowered when it is over.
func TestS33_DemandIsSeen(t *testing.T) {
	t.Parallel()
	const calls, few = 120, 30
	before := time.Now()
	r := servingPaced(t, t.TempDir(), "--seats=4", fmt.Sprintf("--class-slow=limit=1,queue=%d,client-queue=%d,wait=10m", 4*calls, 4*calls))
	began := time.Now()
	sessions := []*mcp.ClientSession{r.client(eras[0]), r.client(eras[1])}

	steady := r.batch()
	for range few { // whatever the clock of the machine makes of it, one after the other
		n := steady.count("") + 1
		steady.send(t.Context(), 1, sessions, "slow", "works", `{"ms":20}`)
		steady.await("ok", n)
	}
	// Between these two moments the server looked at the time.
	least := time.Since(began)
	m := r.scrape()
	most := time.Since(before)
	takt, l, lambdaW := m.value(`gridflow_takt_seconds{class="slow"}`), m.value(`gridflow_little_l{class="slow"}`), m.value(`gridflow_little_lambda_w{class="slow"}`)
	figure(t, fmt.Sprintf("takt, s, of %d calls one after the other", few), fmt.Sprintf("%.4f", takt), fmt.Sprintf("%.4f to %.4f, and a tenth", least.Seconds()/few, most.Seconds()/few))
	figure(t, "calls inside, and by rate and time (Little's law)", fmt.Sprintf("%.4f, %.4f", l, lambdaW), "a tenth apart")
	if got := takt * few; most < time.Minute && (got < .9*least.Seconds() || got > 1.1*most.Seconds()) {
		t.Errorf("takt %.4f s of %d calls is %.3f s, and it was %v to %v", takt, few, got, least, most)
	}
	if math.Abs(l-lambdaW) > .1*l || l == 0 {
		t.Errorf("%.4f calls inside, and by Little's law %.4f", l, lambdaW)
	}
	if m.value("gridflow_andon_level") != 0 {
		t.Error("the level is raised though nothing waits")
	}

	// One seat, and so much work that it takes two minutes: cycle by takt is above 1 from
	// the first call on.
	flood, stop := context.WithCancel(t.Context())
	more := r.batch()
	more.send(flood, calls, sessions, "slow", "works", `{"ms":1000}`)
	r.untilMetrics("more comes than can be done, and the level says so", func(m scrape) bool {
		if depth, level := m.value(`gridflow_queue_depth{class="slow"}`), m.value("gridflow_andon_level"); level > 0 && depth > .5*4*calls {
			t.Fatalf("the level is raised by %v calls that wait", depth)
		}
		return m.value("gridflow_andon_level") == 1 && m.value(`gridflow_takt_ratio{class="slow"}`) > 1
	})
	if got := r.readiness(); !strings.HasPrefix(got, "200") || !strings.Contains(got, "degraded") {
		t.Logf("/readyz: %s", got)
	}
	if status := mustCall(t, sessions[0], "server_status", `{}`); !strings.HasPrefix(status, "level warn, more comes than can be done of slow") {
		t.Errorf("the status says %s", clipped(status))
	}
	if n := len(r.log.await(t, 1, "msg=queues", "level=warn", "behind=slow")); n != 1 {
		t.Errorf("%d lines of the log tell of it", n)
	}
	stop()
	more.awaitOpen(0)
}

// TestS39_CutShort: a server whose budget is over, or that is told twice, ends at once with
// an error, whatever runs, and what was acknowledged until then is in its journal.
func TestS39_CutShort(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		budget string
		twice  bool
	}{"the budget is over": {"200ms", false}, "told twice": {"10m", true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, state := loanRoot(t), t.TempDir()
			forks := []string{"--state-dir=" + state, "--toolsets=all"}
			r := servingPaced(t, root, append(forks, "--seats=4", "--drain-timeout="+c.budget)...)
			s, holder := r.client(eras[0]), r.client(eras[1])
			fork := newFork(t, s, "loan")
			sheet := firstSheet(t, s, fork)
			held := r.batch()
			held.send(t.Context(), 1, []*mcp.ClientSession{holder}, "slow", "holds", `{"key":"for ever"}`)
			r.untilMetrics("a call holds its seat", func(m scrape) bool { return m.value(`gridflow_inflight{class="slow"}`) == 1 })

			acknowledged := make(chan int)
			edited := newCounter()
			go func() { // edits until it is told to stop, or the server is gone
				n := 0
				for {
					got, err := call(t.Context(), s, "edit_batch", fmt.Sprintf(`{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":%[3]d},{"address":"Z2","value":%[3]d}]}`, fork, sheet, n+1))
					if err != nil || got.failed {
						acknowledged <- n
						return
					}
					n++
					edited.add()
				}
			}()
			if err := edited.await(r.ctx, 20); err != nil {
				t.Fatal(err)
			}
			told := time.Now()
			if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			r.log.await(t, 1, "msg=stopping", "budget="+map[bool]string{false: c.budget, true: "10m0s"}[c.twice])
			if c.twice {
				if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.cmd.Wait(); r.cmd.ProcessState.ExitCode() != exitError {
				t.Errorf("exit: %v", err)
			}
			figure(t, fmt.Sprintf("a budget of %s: it ended after it was told to", c.budget), time.Since(told).Round(time.Millisecond), "the budget and 250ms on a machine at rest")
			held.awaitOpen(0)
			if held.count("ok") != 0 {
				t.Error("the call that holds its seat was answered")
			}
			n := <-acknowledged

			again := serving(t, root, forks...)
			s = again.client(eras[1])
			one, two := at(t, s, fork, sheet, "Z1"), at(t, s, fork, sheet, "Z2")
			if one != two || one != fmt.Sprint(n) && one != fmt.Sprint(n+1) {
				t.Errorf("%d edits were acknowledged, and Z1 is %q, Z2 is %q", n, one, two)
			}
			if replayed := again.scrape().value("gridflow_journal_replayed_total"); replayed < float64(n) {
				t.Errorf("%v records were replayed of %d", replayed, n)
			}
			do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":1}]}`, fork, sheet)
		})
	}
}
