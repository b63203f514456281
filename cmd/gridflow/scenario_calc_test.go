//go:build unix

package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// endless is a formula that takes longer than any test waits: it is ended. It makes none but small arrays, since
// large ones soon take more memory than it may have.
const endless = `=SUM(MAP(SEQUENCE(300),LAMBDA(a,SUM(MAP(SEQUENCE(300),LAMBDA(b,SUM(MAP(SEQUENCE(300),LAMBDA(c,SUM(MAP(SEQUENCE(300),LAMBDA(d,a*b*c*d))))))))))))`

// editFormulas are the arguments of a change: addresses, each before its formula.
func editFormulas(fork, sheet string, formulas ...string) string {
	edits := make([]string, 0, len(formulas)/2)
	for i := 0; i < len(formulas); i += 2 {
		edits = append(edits, fmt.Sprintf(`{"address":%q,"formula":%q}`, formulas[i], formulas[i+1]))
	}
	return fmt.Sprintf(`{"fork_id":%q,"sheet_name":%q,"edits":[%s]}`, fork, sheet, strings.Join(edits, ","))
}

// TestSlowCalculation: while a change of one client calculates, another client reads and
// changes a fork of the same workbook, and all of that is done before. A call that is given up
// ends its calculation.
func TestSlowCalculation(t *testing.T) {
	t.Parallel()
	r, _ := editing(t, t.TempDir(), "--calc-budget=1h", "--tool-timeout=0", "--seats=2")
	slow, quick := r.client(eras[0]), r.client(eras[0])
	a, b := newFork(t, slow, "loan"), newFork(t, quick, "loan")
	sheet := firstSheet(t, quick, b)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	begin := r.cpuTicks()
	go func() {
		_, err := call(ctx, slow, "edit_batch", editFormulas(a, sheet, "Z1", endless))
		ended <- err
	}()
	for r.cpuTicks() < begin+20 {
		r.pause("the calculation is under way")
	}
	for i := range 20 {
		at(t, quick, a, sheet, "A1")
		at(t, quick, "loan", sheet, "A1")
		set(t, quick, b, sheet, "Z1", i)
		if got := at(t, quick, b, sheet, "Z1"); got != fmt.Sprint(i) {
			t.Errorf("%s, and not %d", got, i)
		}
	}
	select {
	case err := <-ended:
		t.Fatalf("the slow change was over before the others: %v", err)
	default:
	}
	cancel()
	<-ended
	r.untilIdle()
	// Nothing of it is left, and the fork can be changed.
	if got := at(t, quick, a, sheet, "Z1"); got != "" {
		t.Errorf("of a change that was given up there is %q", got)
	}
	set(t, quick, a, sheet, "Z1", 7)
}

// TestCalculationIsBounded: a calculation may take as much memory as --cache-bytes says, and the fork says so where more is wanted.
func TestCalculationIsBounded(t *testing.T) {
	t.Parallel()
	r, _ := editing(t, t.TempDir(), "--cache-bytes=1MiB")
	s := r.client(eras[1])
	fork := newFork(t, s, "loan")
	sheet := firstSheet(t, s, fork)
	const why = "more than the 1 MB of memory"
	if text := do(t, s, "edit_batch", "%s", editFormulas(fork, sheet, "Z1", "SUM(SEQUENCE(2000,500))")); !strings.Contains(text, why) {
		t.Errorf("the change says %s", text)
	}
	if text := do(t, s, "list_forks", `{}`); !strings.Contains(text, why) {
		t.Errorf("the fork is %s", text)
	}
	if n := r.scrape().value("gridflow_calc_too_large_total"); n != 1 {
		t.Errorf("%g calculations were too large", n)
	}
}

// TestCalculatedBehindACommit: a change that has no time to calculate says so, and so does
// what reads its cells; the server stops all the same when it is told to.
func TestCalculatedBehindACommit(t *testing.T) {
	t.Parallel()
	r := servingPaced(t, loanRoot(t), "--state-dir="+t.TempDir(), "--calc-budget=1ms", "--seats=2", "--class-slow=wait=10m")
	s := r.client(eras[0])
	fork := newFork(t, s, "loan")
	sheet := firstSheet(t, s, fork)
	begin := r.cpuTicks()
	if text := do(t, s, "edit_batch", "%s", editFormulas(fork, sheet, "Z1", endless)); !strings.Contains(text, "not recalculated") {
		t.Errorf("the change says %s", text)
	}
	for cell, stale := range map[string]bool{"Z1": true, "A1": false} {
		text := do(t, s, "range_values", `{"workbook_or_fork_id":%q,"sheet_name":%q,"ranges":[%q]}`, fork, sheet, cell)
		if strings.Contains(text, "WARN_STALE_FORMULAS") != stale {
			t.Errorf("a read of %s says %s", cell, text)
		}
	}
	for r.cpuTicks() < begin+20 {
		r.pause("the calculation is under way behind the change")
	}
	// Calls that want all seats are given that of the calculation, too, which nobody waits for.
	b := r.batch()
	b.send(t.Context(), 2, []*mcp.ClientSession{s}, "slow", "holds", `{"key":"all"}`)
	r.untilMetrics("calls have all seats", func(m scrape) bool { return m.value(`gridflow_inflight{class="slow"}`) >= 2 })
	r.letGo(s, "all", 2)
	b.await("ok", 2)
	r.untilMetrics("the calculation goes on", func(m scrape) bool {
		return m.value(`gridflow_inflight{class="background"}`) == 1 && m.value("gridflow_calc_behind") == 1
	})
	// The next change ends it, and its own is soon done.
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":1}]}`, fork, sheet)
	r.untilIdle()
	if text := do(t, s, "range_values", `{"workbook_or_fork_id":%q,"sheet_name":%q,"ranges":["Z1"]}`, fork, sheet); strings.Contains(text, "WARN_STALE_FORMULAS") {
		t.Errorf("a read says %s when all is calculated", text)
	}
}

// TestChanceAfterAKill: after a kill a fork has the very values that were calculated, also
// those of the clock and of chance.
func TestChanceAfterAKill(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	r, root := editing(t, state)
	s := r.client(eras[0])
	fork := newFork(t, s, "loan")
	sheet := firstSheet(t, s, fork)
	do(t, s, "edit_batch", "%s", editFormulas(fork, sheet, "Z1", "=RAND()", "Z2", "=RANDBETWEEN(1,1000000000)", "Z3", "=NOW()", "Z4", "=Z1*Z2+Z3", "Z5", "=SUM(RANDARRAY(3,3))"))
	cells := func() string {
		return do(t, s, "range_values", `{"workbook_or_fork_id":%q,"sheet_name":%q,"ranges":["Z1:Z6"]}`, fork, sheet)
	}
	first := cells()
	set(t, s, fork, sheet, "Z6", 1)
	before := cells()
	if first == before {
		t.Errorf("chance gave the same at two changes: %s", first)
	}
	for i := range 3 {
		r.kill()
		r = serving(t, root, "--state-dir="+state, "--toolsets=all")
		s = r.client(eras[i%2])
		if after := cells(); after != before {
			t.Fatalf("after a kill there is\n%s\nand there was\n%s", after, before)
		}
		if i == 1 { // and after another change, which is made on what was restored
			set(t, s, fork, sheet, "Z6", 2)
			before = cells()
		}
	}
}
