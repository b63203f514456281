//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestHistoryOfAKilledServer: a server that keeps five versions is killed again and again while it
// edits, often in the middle of shortening a fork. What stays is what was acknowledged, version by
// version; what has gone is said to have gone; and the journal stays small.
func TestHistoryOfAKilledServer(t *testing.T) {
	state, root := t.TempDir(), loanRoot(t)
	var fork, sheet string
	n := 0 // the edit that was acknowledged last is of version n, and has set Z1 to n
	for round := range often(5, 100) {
		r := serving(t, root, "--state-dir="+state, "--toolsets=all", "--history=5")
		s := r.client(eras[round%2])
		if fork == "" {
			fork = newFork(t, s, "loan")
			sheet = firstSheet(t, s, fork)
		}
		h := do(t, s, "fork_history", `{"fork_id":%q}`, fork)
		now := numberIn(t, h, `is at version (\d+)`)
		if now != n && now != n+1 {
			t.Fatalf("edit %d was acknowledged: %s", n, h)
		}
		n = now
		if round > 0 {
			first := numberIn(t, h, `versions before (\d+) are not kept`)
			if first+5 > n || n-first > 11 {
				t.Fatalf("versions %d to %d are kept", first, n)
			}
			for v := first; v <= n; v++ {
				if got := at(t, s, fmt.Sprintf("%s@%d", fork, v), sheet, "Z1"); got != strconv.Itoa(v) {
					t.Fatalf("version %d has %q", v, got)
				}
			}
			for _, v := range []int{0, first - 1} {
				refused(t, "VERSION_GONE", s, "range_values", `{"workbook_or_fork_id":"%s@%d","sheet_name":%q,"ranges":["Z1"]}`, fork, v, sheet)
				refused(t, "VERSION_GONE", s, "restore_checkpoint", `{"fork_id":%q,"version":%d}`, fork, v)
			}
			refused(t, "VERSION_GONE", s, "undo", `{"fork_id":%q,"steps":%d}`, fork, n-first+1)
		}
		for k := 0; ; k++ {
			if k == 17+round {
				r.cmd.Process.Signal(syscall.SIGKILL)
			}
			got, err := call(context.Background(), s, "edit_batch", fmt.Sprintf(`{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":%d}]}`, fork, sheet, n+1))
			if err != nil {
				break
			}
			if got.failed {
				t.Fatal(got.text)
			}
			n++
		}
		r.cmd.Wait()
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"journal " + state + "/journal":         regexp.QuoteMeta(fork) + `\+\d+"`,
		"journal --check " + state + "/journal": `ok`,
		"journal replay " + state:               `(?m)^` + fork + `.*\bok$`,
	} {
		cmd := exec.CommandContext(t.Context(), self, strings.Split(args, " ")...)
		cmd.Args[0] = "gridflow"
		out, err := cmd.CombinedOutput()
		if err != nil || !regexp.MustCompile(want).Match(out) {
			t.Errorf("gridflow %s: %v\n%s", args, err, out)
		}
	}
}

// numberIn gives the number that an expression finds in a text.
func numberIn(t *testing.T, text, expr string) int {
	t.Helper()
	m := regexp.MustCompile(expr).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("there is no %s in %s", expr, text)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
