//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow/mcpflow"
)

// hinted calls a tool in a class that is no more urgent than its own.
func hinted(ctx context.Context, s *mcp.ClientSession, class, tool, args string) (*mcp.CallToolResult, error) {
	return s.CallTool(ctx, &mcp.CallToolParams{Meta: mcp.Meta{mcpflow.HintKey: class}, Name: tool, Arguments: json.RawMessage(args)})
}

func textOf(res *mcp.CallToolResult) string {
	var text []string
	for _, c := range res.Content {
		if c, ok := c.(*mcp.TextContent); ok {
			text = append(text, c.Text)
		}
	}
	return strings.Join(text, "\n")
}

// A hog is slow searches that run or wait until they are let go.
type hog struct {
	r      *running
	cancel context.CancelFunc
	ended  chan hogged
	n      int // that have not been seen to end
}

type hogged struct {
	text string
	err  error
}

// hogs begins n slow searches of one session.
func (r *running) hogs(s *mcp.ClientSession, n int) *hog {
	ctx, cancel := context.WithCancel(r.t.Context())
	h := &hog{r: r, cancel: cancel, ended: make(chan hogged, n), n: n}
	for range n {
		go func() {
			res, err := hinted(ctx, s, "slow", "find_value", slowSearch)
			if err != nil {
				h.ended <- hogged{err: err}
				return
			}
			h.ended <- hogged{text: textOf(res)}
		}()
	}
	return h
}

// next waits until a search has ended.
func (h *hog) next() hogged {
	h.r.t.Helper()
	select {
	case e := <-h.ended:
		h.n--
		return e
	case <-h.r.ctx.Done():
		h.r.t.Fatal("a search does not end")
		return hogged{}
	}
}

// allBusy checks that no further search has ended.
func (h *hog) allBusy() {
	h.r.t.Helper()
	select {
	case e := <-h.ended:
		h.n--
		h.r.t.Errorf("a search that was let in ended with %q (%v)", clipped(e.text), e.err)
	default:
	}
}

// release gives the searches up and waits until all have ended.
func (h *hog) release() {
	h.r.t.Helper()
	h.cancel()
	for h.n > 0 {
		h.next()
	}
}

// TestS13: a full queue refuses at once, in words and figures that a caller can use, and
// what is in it goes on.
func TestS13_FullQueue(t *testing.T) {
	t.Parallel()
	root, _ := longRoot(t)
	for _, era := range eras {
		t.Run(era, func(t *testing.T) {
			t.Parallel()
			r := serving(t, root, "--seats=4", "--load-bytes=1GiB", "--class-slow=limit=2,queue=4,client-queue=4,wait=10m")
			s := r.client(era)
			h := r.hogs(s, 2+4+5) // two run, four wait, five are too many
			for range 5 {
				e := h.next()
				if e.err != nil || !strings.HasPrefix(e.text, "OVERLOADED: ") || !strings.Contains(e.text, "slow calls") {
					t.Fatalf("refused with %q (%v)", clipped(e.text), e.err)
				}
			}
			if done := r.log.matching("tool=find_value", "outcome=ok"); len(done) > 0 {
				t.Errorf("the refusals came after the work of others: %s", done[0])
			}
			sent := time.Now()
			res, err := hinted(t.Context(), s, "slow", "find_value", slowSearch)
			if err != nil || !res.IsError {
				t.Fatalf("%v %v", res, err)
			}
			figure(t, "until a refusal", time.Since(sent).Round(100*time.Microsecond), "50ms on a machine at rest")
			figure(t, "refused of five calls beyond a full queue, before any of the work was done", 5, 5)
			details, _ := json.Marshal(res.Meta["gridflow/details"])
			for _, want := range []string{`"code":"OVERLOADED"`, `"class":"slow"`, `"capacity":4`, `"depth":4`, `"retry_after_ms":`} {
				if !strings.Contains(string(details), want) {
					t.Errorf("details %s have no %s", details, want)
				}
			}
			h.allBusy()
			h.release()
			r.log.await(t, 6, "tool=find_value", "outcome=CANCELLED")
			mustCall(t, s, "read_table", wholeTable)
		})
	}
}

// TestS14: the level rises and falls with the queues, each step is logged once, what is
// least urgent is refused first, and the smallest lane stays open whatever happens.
func TestS14_Levels(t *testing.T) {
	t.Parallel()
	root, _ := longRoot(t)
	r := serving(t, root, "--seats=4", "--load-bytes=1GiB", "--queue-max=10", "--class-slow=limit=1,queue=64,client-queue=64,wait=10m")
	s := r.client(eras[0])
	var hogs []*hog
	ramp := func(n int, level string) {
		t.Helper()
		hogs = append(hogs, r.hogs(s, n))
		r.log.await(t, 1, "msg=queues", "level="+level)
	}
	ramp(1+7, "warn")
	if res, err := hinted(t.Context(), s, "background", "list_workbooks", `{}`); err != nil || res.IsError {
		t.Errorf("a background call at warn: %v (%v)", res, err)
	}
	ramp(2, "critical")
	if res, err := hinted(t.Context(), s, "background", "list_workbooks", `{}`); err != nil || !strings.HasPrefix(textOf(res), "OVERLOADED: the server has too much to do to take background calls") {
		t.Errorf("a background call at critical: %v (%v)", res, err)
	}
	mustCall(t, s, "list_sheets", `{"workbook_id":"long"}`)
	ramp(1, "emergency")
	if a, err := call(t.Context(), s, "list_sheets", `{"workbook_id":"long"}`); err != nil || !strings.HasPrefix(a.text, "OVERLOADED: the server has too much to do") {
		t.Errorf("a read at emergency: %s (%v)", clipped(a.text), err)
	}
	mustCall(t, s, "list_workbooks", `{}`)
	for _, h := range hogs {
		h.release()
	}
	r.log.await(t, 1, "msg=queues", "level=ok")
	var edges []string
	for _, line := range r.log.matching("msg=queues") {
		_, step, _ := strings.Cut(strings.TrimSpace(line), "level=")
		_, step, _ = strings.Cut(step, "level=") // the first is the level of the line
		edges = append(edges, step)
	}
	want := []string{"warn was=ok", "critical was=warn", "emergency was=critical", "critical was=emergency", "warn was=critical", "ok was=warn"}
	figure(t, "steps of the level, each logged once", len(edges), len(want))
	if fmt.Sprint(edges) != fmt.Sprint(want) {
		t.Errorf("steps %q, want %q", edges, want)
	}
	mustCall(t, s, "list_sheets", `{"workbook_id":"long"}`)
}

// TestS15: one client's flood is that client's problem. The other's calls, of the same kind and
// from the same machine, are all let in, and each passes all but a few of the flood's. The
// test lets the flood's calls end one by one, so that it does not matter how fast anything is.
func TestS15_Flood(t *testing.T) {
	t.Parallel()
	const seats, places, flood, calls = 2, 100, 1000, 10
	r := servingPaced(t, exampleRoot(t), "--seats=4", fmt.Sprintf("--class-slow=limit=%d,queue=%d,client-queue=%d,wait=10m", seats, 2*places, places))
	operator, flooder, victim := r.client(eras[1]), []*mcp.ClientSession{r.client(eras[0])}, []*mcp.ClientSession{r.client(eras[0])}
	cached := func() {
		mustCall(t, victim[0], "range_values", `{"workbook_id":"loan","sheet_name":"Loan","ranges":["A1:B3"]}`)
	}
	cached()
	alone := slowest(50, cached)
	b := r.batch()
	refused := 0
	for sent := 0; sent < flood; {
		n := min(flood-sent, atOnce)
		b.send(t.Context(), n, flooder, "slow", "holds", `{"key":"flood"}`)
		sent += n
		refused = max(sent-seats-places, 0)
		b.await("", refused)
	}
	r.untilMetrics("the flood has every seat and every place", func(m scrape) bool {
		return m.value(`gridflow_inflight{class="slow"}`) == seats && m.value(`gridflow_queue_depth{class="slow"}`) == places
	})
	busy := slowest(50, cached)
	beside(t, "a cached read of the victim beside the flood, the slowest of fifty (bound 100ms too)", busy, alone, 3)
	released, mostPassed := 0, 0
	for i := range calls {
		waiting := r.scrape().value(`gridflow_queue_depth{class="slow"}`)
		v := r.batch()
		v.send(t.Context(), 1, victim, "slow", "works", `{"ms":1}`)
		if waiting < places {
			waiting++
		} else {
			refused++ // the newest of the flood gives way
		}
		r.untilMetrics("the victim's call waits", func(m scrape) bool {
			return m.value(`gridflow_queue_depth{class="slow"}`) == waiting && b.count("OVERLOADED") == refused
		})
		before := released
		for v.open() > 0 && released-before < places/2 {
			r.letGo(operator, "flood", 1)
			released++
			b.await("ok", released)
			r.untilMetrics("the seat is taken again", func(m scrape) bool { return v.open() == 0 || m.value(`gridflow_inflight{class="slow"}`) == seats })
		}
		v.await("", 1)
		if v.count("ok") != 1 {
			t.Errorf("call %d of the victim: %v %q", i, v.back, v.odd)
		}
		// Those that hold the seats may end, and as many may start beside it. Behind the flood
		// there would be a hundred before it.
		passed := released - before
		mostPassed = max(mostPassed, passed)
		if passed > 3*seats {
			t.Errorf("call %d of the victim: %d calls of the flood ended before it", i, passed)
		}
	}
	r.letGo(operator, "flood", flood-refused-released)
	b.await("", flood)
	if ok := b.count("ok"); ok != flood-refused || b.count("OVERLOADED") != refused {
		t.Errorf("of the flood's %d calls %d were served and %d refused, want %d and %d: %v %q", flood, ok, b.count("OVERLOADED"), flood-refused, refused, b.back, b.odd)
	}
	figure(t, "calls of the flood that ended before one of the victim's, at most", mostPassed, 3*seats)
	figure(t, fmt.Sprintf("calls of the victim that were served, of %d beside a flood of %d", calls, flood), calls, calls)
}

// TestS28: short calls find a seat while long ones hold and wait for all others, from the
// first one on.
func TestS28_ShortBesideLong(t *testing.T) {
	t.Parallel()
	root, _ := longRoot(t)
	r := serving(t, root, "--seats=2", "--load-bytes=1GiB", "--class-slow=wait=10m")
	s, other := r.client(eras[0]), r.client(eras[0])
	mustCall(t, s, "read_table", wholeTable)
	short := func() {
		mustCall(t, other, "range_values", `{"workbook_id":"long","sheet_name":"Data","ranges":["A1:C3"]}`)
	}
	alone := slowest(50, short)
	h := r.hogs(s, 8)
	begin := r.cpuTicks()
	for r.cpuTicks() < begin+20 {
		r.pause("the searches are under way")
	}
	busy := slowest(50, short)
	h.allBusy() // not one long call had ended before the short ones were through
	beside(t, "a short call beside eight long ones, the slowest of fifty", busy, alone, 2)
	figure(t, "short calls that were served before the first of eight long ones", 50, 50)
	h.release()
}

// TestS30: a call of the lowest class starts while an endless stream of more urgent ones
// is served.
func TestS30_Ageing(t *testing.T) {
	t.Parallel()
	r := serving(t, exampleRoot(t), "--seats=2")
	const profile = `{"workbook_id":"sales"}`
	stream := r.client(eras[0])
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 16)
	for range 16 {
		go func() {
			for ctx.Err() == nil {
				// On a slow machine some of them are refused: the stream is more than it can do.
				if _, err := call(ctx, stream, "table_profile", profile); err != nil && ctx.Err() == nil {
					ended <- err
					return
				}
			}
			ended <- nil
		}()
	}
	r.log.await(t, 20, "tool=table_profile", "outcome=ok")
	before := len(r.log.matching("tool=table_profile", "outcome=ok"))
	res, err := hinted(t.Context(), r.client(eras[0]), "background", "table_profile", profile)
	if err != nil || res.IsError {
		t.Errorf("the background call: %v (%v)", res, err)
	}
	figure(t, "more urgent calls that were served while the background call waited and ran", len(r.log.matching("tool=table_profile", "outcome=ok"))-before, "it starts")
	stop()
	for range 16 {
		if err := <-ended; err != nil {
			t.Errorf("the stream: %v", err)
		}
	}
}

// TestS15 again: a machine that takes another name, or another session, for each of its
// calls has the places and the turns of one client. Another machine is let in, and goes
// first but for one call, whatever was there before it.
func TestS15_RenamedFlood(t *testing.T) {
	t.Parallel()
	const places, flood = 4, 7
	for _, era := range eras {
		t.Run(era, func(t *testing.T) {
			t.Parallel()
			r := servingPaced(t, t.TempDir(), "--seats=4", "--trusted-proxies=127.0.0.1",
				fmt.Sprintf("--class-slow=limit=1,queue=100,client-queue=%d,wait=10m", places))
			operator := r.client(eras[1])
			hold, b, other := r.batch(), r.batch(), r.batch()
			depth := func(n float64) {
				t.Helper()
				r.untilMetrics(fmt.Sprint(n, " calls wait"), func(m scrape) bool { return m.value(`gridflow_queue_depth{class="slow"}`) == n })
			}
			hold.send(t.Context(), 1, []*mcp.ClientSession{operator}, "slow", "holds", `{"key":"start"}`)
			r.untilMetrics("the seat is held", func(m scrape) bool { return m.value(`gridflow_inflight{class="slow"}`) == 1 })
			for i := range flood {
				s := r.clientFrom(era, fmt.Sprint("program ", i), "198.51.100.7")
				b.send(t.Context(), 1, []*mcp.ClientSession{s}, "slow", "holds", `{"key":"flood"}`)
			}
			b.await("", flood-places) // refused
			depth(places)
			n := b.count("OVERLOADED")
			figure(t, fmt.Sprintf("refused of %d calls of one machine with %d places, each with a name of its own", flood, places), n, flood-places)
			if n != flood-places {
				t.Errorf("of %d calls of one machine %d were refused: %v %q", flood, n, b.back, b.odd)
			}
			s := r.clientFrom(era, "program", "203.0.113.9")
			other.send(t.Context(), 1, []*mcp.ClientSession{s}, "slow", "works", `{"ms":10}`)
			depth(places + 1)
			r.letGo(operator, "start", 1)
			r.letGo(operator, "flood", 1) // the other one's call has come by the end of this one at the latest
			other.await("", 1)
			if other.count("ok") != 1 {
				t.Errorf("the other machine's call: %v %q", other.back, other.odd)
			}
			r.letGo(operator, "flood", places-1)
			b.await("", flood)
			hold.await("", 1)
		})
	}
}

// TestS38: a server that is told to stop finishes what runs and what waits, refuses what
// comes, ends streams, and exits with 0; at a second signal it waits for nothing.
func TestS38_DrainWithQueue(t *testing.T) {
	t.Parallel()
	for _, signals := range []int{1, 2} {
		t.Run(fmt.Sprint(signals, " signals"), func(t *testing.T) {
			t.Parallel()
			const seats, calls = 2, 25
			r := servingPaced(t, t.TempDir(), "--seats=4", fmt.Sprintf("--class-slow=limit=%d,wait=10m", seats), "--drain-timeout=2m")
			s := r.client(eras[0])
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept", "text/event-stream")
			req.Header.Set("Mcp-Session-Id", s.ID())
			req.Header.Set("Mcp-Protocol-Version", eras[0])
			stream, err := r.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer stream.Body.Close()
			// All seats are held and all calls wait when the signal comes; what is let go just
			// before it may or may not have ended by then.
			sessions := []*mcp.ClientSession{s}
			hold, b := r.batch(), r.batch()
			hold.send(t.Context(), seats, sessions, "slow", "holds", `{"key":"start"}`)
			r.untilMetrics("the seats are held", func(m scrape) bool { return m.value(`gridflow_inflight{class="slow"}`) == seats })
			b.send(t.Context(), calls, sessions, "slow", "works", `{"ms":10}`)
			r.untilMetrics("all calls wait", func(m scrape) bool { return m.value(`gridflow_queue_depth{class="slow"}`) == calls })
			if signals == 1 {
				r.letGo(s, "start", seats)
			}
			if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			r.log.await(t, 1, "msg=stopping")
			if signals == 2 { // the seats are held still, so it cannot come to its end
				if a, err := call(t.Context(), s, "list_workbooks", `{}`); err != nil || !strings.HasPrefix(a.text, "DRAINING: ") {
					t.Errorf("a call that comes then got %s (%v)", clipped(a.text), err)
				}
				if got := r.readiness(); got != "503 draining" {
					t.Errorf("/readyz: %s", got)
				}
				if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
				if err := r.cmd.Wait(); r.cmd.ProcessState.ExitCode() != exitError {
					t.Errorf("exit: %v", err)
				}
				return
			}
			if _, err := io.Copy(io.Discard, stream.Body); err != nil {
				t.Logf("the stream ended with %v", err)
			}
			b.await("", calls)
			hold.await("", seats)
			figure(t, "calls served that ran or waited at the signal", b.count("ok")+hold.count("ok"), calls+seats)
			if ok, held := b.count("ok"), hold.count("ok"); ok != calls || held != seats {
				t.Errorf("of %d calls that waited and %d that ran at the signal %d and %d were served: %v %q", calls, seats, ok, held, b.back, b.odd)
			}
			if err := r.cmd.Wait(); err != nil {
				t.Errorf("exit: %v", err)
			}
		})
	}
}

// TestS44: bounds and weights follow the configuration file while calls run and wait, and a file that
// is wrong changes nothing.
func TestS44_Reload(t *testing.T) {
	t.Parallel()
	root, _ := longRoot(t)
	file := filepath.Join(t.TempDir(), "gridflow.yaml")
	// Editors and deployments put a new file in the place of the old one.
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	write("class-slow: limit=1,queue=2,client-queue=2,wait=10m\ntool-timeout: 1m\nseats: 4\nload-bytes: 1GiB\n")
	r := serving(t, root, "--config="+file)
	s := r.client(eras[0])
	h := r.hogs(s, 1+2+1)
	if e := h.next(); !strings.HasPrefix(e.text, "OVERLOADED: ") {
		t.Fatalf("the fourth call got %q (%v)", clipped(e.text), e.err)
	}
	write("class-slow: limit=0,queue=bad\n")
	r.log.await(t, 1, "the configuration file has changed and is wrong", "class-slow")
	write("\n") // as it is while somebody writes it anew
	r.log.await(t, 1, "the configuration file has changed and is wrong", "is empty")
	if res, err := hinted(t.Context(), s, "slow", "find_value", slowSearch); err != nil || !strings.HasPrefix(textOf(res), "OVERLOADED: ") {
		t.Errorf("after a file that is wrong: %v (%v)", res, err)
	}
	weight := func(want string) {
		t.Helper()
		mustCall(t, s, "list_workbooks", `{}`)
		status := mustCall(t, s, "server_status", `{"sections":["clients"]}`)
		if !regexp.MustCompile(`(?m)^- session [0-9a-f]{8}\t` + want + `\t`).MatchString(status) {
			t.Errorf("nobody has weight %s:\n%s", want, status)
		}
	}
	weight("1")
	const paced = `gridflow_level_gap_seconds{class="medium"}`
	if strings.Contains(metricsOf(t, r, 200), paced) {
		t.Error("calls are paced, and nobody has asked for it")
	}
	write("class-medium: pace=3s\nclass-slow: limit=1,queue=4,client-queue=4,wait=10m\ntool-timeout: 2m\nmax_cells: 7\nseats: 4\nload-bytes: 1GiB\nclients: {scenario: 4}\nio-seats: 7\nrecalc-seats: 3\n")
	r.log.await(t, 1, "scheduling settings taken from the changed configuration file")
	r.log.await(t, 1, "hold from the next start on", "settings=max-cells") // but not tool-timeout, which a flag gives
	weight("4")
	scraped := metricsOf(t, r, 200)
	for resource, capacity := range map[string]string{"cpu": "4", "io": "7", "recalc": "3", "render": "1"} {
		if !strings.Contains(scraped, `gridflow_resource_capacity{resource="`+resource+`"} `+capacity+"\n") {
			t.Errorf("there are not %s of %s", capacity, resource)
		}
	}
	if !strings.Contains(scraped, paced) {
		t.Error("calls are not paced as the file says")
	}
	for outcome, n := range map[string]int{"applied": 1, "rejected": 2} {
		if want := fmt.Sprintf(`gridflow_config_reloads_total{outcome=%q} %d`, outcome, n); !strings.Contains(scraped, want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
	figure(t, "reloads taken and rejected", "1, 2", "1, 2")
	more := r.hogs(s, 3)
	if e := more.next(); !strings.HasPrefix(e.text, "OVERLOADED: ") { // two of the three find room
		t.Errorf("of three further calls one got %q (%v)", clipped(e.text), e.err)
	}
	h.allBusy()
	h.release()
	more.release()
}
