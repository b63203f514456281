//go:build unix

package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// loanRoot is a folder with one workbook.
func loanRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	b, err := os.ReadFile("../../examples/loan.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "loan.xlsx"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

// editing is a server over one workbook whose forks are in a folder of their own.
func editing(t *testing.T, state string, args ...string) (*running, string) {
	t.Helper()
	root := loanRoot(t)
	return serving(t, root, append([]string{"--state-dir=" + state, "--toolsets=all"}, args...)...), root
}

var forkID = regexp.MustCompile(`fork-[2-9a-z]{12}`)

// do makes a call that has to be answered well.
func do(t *testing.T, s *mcp.ClientSession, tool, args string, a ...any) string {
	t.Helper()
	got, err := call(t.Context(), s, tool, fmt.Sprintf(args, a...))
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	if got.failed {
		t.Fatalf("%s: %s", tool, got.text)
	}
	return got.text
}

// refused makes a call that has to fail with a code.
func refused(t *testing.T, code string, s *mcp.ClientSession, tool, args string, a ...any) string {
	t.Helper()
	got, err := call(t.Context(), s, tool, fmt.Sprintf(args, a...))
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	if !got.failed || !strings.HasPrefix(got.text, code+":") {
		t.Fatalf("%s: wanted %s, got %s", tool, code, got.text)
	}
	return got.text
}

func newFork(t *testing.T, s *mcp.ClientSession, of string) string {
	t.Helper()
	return forkID.FindString(do(t, s, "create_fork", `{"workbook_or_fork_id":%q}`, of))
}

// at reads one cell, "" where it is empty.
func at(t *testing.T, s *mcp.ClientSession, id, sheet, ref string) string {
	t.Helper()
	text := do(t, s, "range_values", `{"workbook_or_fork_id":%q,"sheet_name":%q,"ranges":[%q],"format":"csv"}`, id, sheet, ref)
	_, value, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if forkID.MatchString(text) { // the version stands above
		_, value, _ = strings.Cut(value, "\n")
	}
	return value
}

// specified asks for the numbers of rounds that the scenarios are specified with, where the
// tests do fewer: `make scenarios`.
var specified = flag.Bool("specified", false, "as many rounds as the scenarios are specified with")

func often(few, asSpecified int) int {
	if *specified {
		return asSpecified
	}
	return few
}

// TestS06 is scenario S6: what was acknowledged is seen by everybody at once.
func TestS06(t *testing.T) {
	r, _ := editing(t, t.TempDir())
	writer := r.client(eras[0])
	fork := newFork(t, writer, "loan")
	sheet := firstSheet(t, writer, fork)
	var acknowledged atomic.Int64
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for i := range 20 {
		s := r.client(eras[i%2])
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				least := acknowledged.Load()
				got := at(t, s, fork, sheet, "Z1")
				n, _ := strconv.ParseInt(regexp.MustCompile(`\d+$`).FindString(got), 10, 64)
				if n < least {
					t.Errorf("read %q after %d was acknowledged", got, least)
					return
				}
			}
		})
	}
	rounds := often(200, 1000)
	for n := range rounds {
		do(t, writer, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":%d}]}`, fork, sheet, n+1)
		acknowledged.Store(int64(n + 1))
	}
	close(stop)
	readers.Wait()
	if !t.Failed() {
		figure(t, fmt.Sprintf("old values that 20 readers saw in %d rounds", rounds), 0, 0)
	}
}

func firstSheet(t *testing.T, s *mcp.ClientSession, id string) string {
	t.Helper()
	text := do(t, s, "list_sheets", `{"workbook_or_fork_id":%q}`, id)
	_, rows, _ := strings.Cut(text, "sheet\t")
	name, _, _ := strings.Cut(strings.Split(rows, "\n")[1], "\t")
	return name
}

// TestS07 is scenario S7: concurrent edits of one fork are all there, in the fork, in its
// history and in the saved file.
func TestS07(t *testing.T) {
	r, root := editing(t, t.TempDir())
	s := r.client(eras[0])
	fork := newFork(t, s, "loan")
	sheet := firstSheet(t, s, fork)
	var wg sync.WaitGroup
	for i := range 50 {
		c := r.client(eras[i%2])
		wg.Go(func() {
			do(t, c, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z%d","value":%d}]}`, fork, sheet, i+1, 1000+i)
		})
	}
	wg.Wait()
	if h := do(t, s, "fork_history", `{"fork_id":%q}`, fork); !strings.Contains(h, "at version 50;") || strings.Count(h, "\tedit_batch\t") != 50 {
		t.Errorf("the history:\n%s", h)
	}
	saved := do(t, s, "save_fork", `{"fork_id":%q,"target_path":"saved.xlsx"}`, fork)
	if !strings.Contains(saved, "50 cells") {
		t.Errorf("saved: %s", saved)
	}
	for i := range 50 {
		if got := at(t, s, "saved", sheet, fmt.Sprintf("Z%d", i+1)); !strings.HasSuffix(got, strconv.Itoa(1000+i)) {
			t.Errorf("Z%d of the saved file: %s", i+1, got)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(root, "*")); len(left) != 2 {
		t.Errorf("the folder has %v", left)
	}
	if !t.Failed() {
		figure(t, "concurrent edits that are in the fork, its history and the saved file", 50, 50)
	}
}

// TestS09 is scenario S9: compare and swap. Twenty clients count one cell up; no step is lost.
func TestS09(t *testing.T) {
	r, _ := editing(t, t.TempDir())
	first := r.client(eras[0])
	fork := newFork(t, first, "loan")
	sheet := firstSheet(t, first, fork)
	do(t, first, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":0}]}`, fork, sheet)
	goal, clients := often(100, 1000), often(10, 20)
	var conflicts atomic.Int64
	version := regexp.MustCompile(`version (\d+)`)
	var wg sync.WaitGroup
	for i := range clients {
		s := r.client(eras[i%2])
		wg.Go(func() {
			for {
				// The version is read first: what is read after is at least as new, and a
				// write that expects it fails if anything came between.
				v := version.FindStringSubmatch(do(t, s, "fork_history", `{"fork_id":%q,"limit":1}`, fork))[1]
				n, err := strconv.Atoi(regexp.MustCompile(`\d+$`).FindString(at(t, s, fork+"@"+v, sheet, "Z1")))
				if err != nil {
					t.Error(err)
					return
				}
				if n >= goal {
					return
				}
				got, err := call(t.Context(), s, "edit_batch", fmt.Sprintf(`{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":%d}],"expected_version":%s}`, fork, sheet, n+1, v))
				if err != nil || got.failed && !strings.HasPrefix(got.text, "CONFLICT:") && !strings.HasPrefix(got.text, "OVERLOADED:") {
					t.Errorf("%v %s", err, got.text)
					return
				}
				if got.failed {
					conflicts.Add(1)
				}
			}
		})
	}
	wg.Wait()
	counted := at(t, first, fork, sheet, "Z1")
	figure(t, fmt.Sprintf("counted to by %d clients, %d of whose steps came too late and were refused", clients, conflicts.Load()), counted, goal)
	if got := counted; !strings.HasSuffix(got, strconv.Itoa(goal)) {
		t.Errorf("counted to %s", got)
	}
	if h := do(t, first, "fork_history", `{"fork_id":%q,"limit":1}`, fork); !strings.Contains(h, fmt.Sprintf("at version %d;", goal+1)) {
		t.Errorf("steps and versions differ: %s", h)
	}
}

// TestS34 is scenario S34: of fifty forks at once there are as many as may be.
func TestS34(t *testing.T) {
	r, _ := editing(t, t.TempDir(), "--max-forks=10")
	var made, limited atomic.Int64
	var some atomic.Value
	var wg sync.WaitGroup
	for i := range 50 {
		s := r.client(eras[i%2])
		wg.Go(func() {
			got, err := call(t.Context(), s, "create_fork", `{"workbook_or_fork_id":"loan"}`)
			switch {
			case err != nil:
				t.Error(err)
			case !got.failed:
				made.Add(1)
				some.Store(forkID.FindString(got.text))
			case strings.HasPrefix(got.text, "LIMIT:"):
				limited.Add(1)
			default:
				t.Error(got.text)
			}
		})
	}
	wg.Wait()
	figure(t, "forks made, and refused with LIMIT", fmt.Sprint(made.Load(), ", ", limited.Load()), "10, 40")
	if made.Load() != 10 || limited.Load() != 40 {
		t.Errorf("%d made, %d refused", made.Load(), limited.Load())
	}
	s := r.client(eras[0])
	do(t, s, "discard_fork", `{"fork_id":%q}`, some.Load())
	newFork(t, s, "loan")
	refused(t, "LIMIT", s, "create_fork", `{"workbook_or_fork_id":"loan"}`)
}

// TestS35 is scenario S35: a fork that nobody uses goes when its time is over, however often
// the server is asked how it is.
func TestS35(t *testing.T) {
	state := t.TempDir()
	r, _ := editing(t, state)
	s := r.client(eras[0])
	sheet := firstSheet(t, s, "loan")
	fork, ttl := "", 1
	for edited := false; !edited; ttl *= 2 { // where the machine is slow a fork with a second to live may be gone before it is edited
		fork = forkID.FindString(do(t, s, "create_fork", `{"workbook_or_fork_id":"loan","ttl_seconds":%d}`, ttl))
		a, err := call(t.Context(), s, "edit_batch", fmt.Sprintf(`{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":1}]}`, fork, sheet))
		if edited = !a.failed; err != nil || a.failed && !strings.HasPrefix(a.text, "FORK_NOT_FOUND:") {
			t.Fatalf("%v %s", err, a.text)
		}
	}
	since, probes := time.Now(), 0
	for strings.Contains(do(t, s, "list_forks", `{}`), fork) {
		r.pause("the fork has gone")
		probes++
	}
	figure(t, fmt.Sprintf("until a fork with a second to live was gone, though asked for %d times", probes), time.Since(since).Round(10*time.Millisecond), "soon after 1s on a machine at rest")
	refused(t, "FORK_NOT_FOUND", s, "fork_history", `{"fork_id":%q}`, fork)
	if left, _ := os.ReadDir(filepath.Join(state, "bases")); len(left) != 0 {
		t.Errorf("%d bases are left that nothing stands on", len(left))
	}
}

var kills = flag.Int("kills", 0, "how often TestS37 kills the server; 0: six times, or as often as gives 200 edits where it is to be as specified")

// TestS37 is scenario S37: the server is killed at random points while it edits and saves.
// Every edit that was acknowledged is there after, none is there by half, what was saved is old
// or new, and the last start sweeps what saves have left.
func TestS37(t *testing.T) {
	state := t.TempDir()
	root := loanRoot(t)
	rng := rand.New(rand.NewPCG(uint64(os.Getpid()), 37))
	var fork, sheet string
	acknowledged, saved := 0, -1
	times := cmp.Or(*kills, often(6, 14)) // some 17 edits each
	for round := range times + 1 {
		temps := unfinished(t, root)
		if round == times { // nobody may be at them any more
			for _, name := range temps {
				old := time.Now().Add(-time.Hour)
				if err := os.Chtimes(name, old, old); err != nil {
					t.Fatal(err)
				}
			}
		}
		r := serving(t, root, "--state-dir="+state, "--toolsets=all")
		s := r.client(eras[round%2])
		if fork == "" {
			fork = newFork(t, s, "loan")
			sheet = firstSheet(t, s, fork)
		}
		// both gives what the edits have left: each sets two cells to its number, which are never apart.
		both := func(id string) int {
			a, z := at(t, s, id, sheet, "Z1"), at(t, s, id, sheet, "Z2")
			num := regexp.MustCompile(`\d+$`)
			x, _ := strconv.Atoi(num.FindString(a))
			y, _ := strconv.Atoi(num.FindString(z))
			if x != y {
				t.Fatalf("half of an edit in %s: %q and %q", id, a, z)
			}
			return x
		}
		x := both(fork)
		if x < acknowledged || x > acknowledged+1 {
			t.Fatalf("edit %d was acknowledged, and %d is there", acknowledged, x)
		}
		acknowledged = x
		if _, err := os.Stat(filepath.Join(root, "saved.xlsx")); err == nil { // old or new, and no older than it was
			was := saved
			if saved = both("saved.xlsx"); saved < was || saved > acknowledged {
				t.Fatalf("edit %d is in the file, where it was %d, and the fork has %d", saved, was, acknowledged)
			}
		}
		if round == times {
			for len(unfinished(t, root)) > 0 {
				r.pause("files that were never finished are swept")
			}
			figure(t, "files that were never finished, after the next start", 0, 0)
			t.Logf("%d of them had been there", len(temps))
			break
		}
		kill := 5 + rng.IntN(25)
		done := make(chan struct{})
		go func() { // saves beside the edits
			defer close(done)
			c := r.client(eras[0])
			for {
				got, err := call(t.Context(), c, "save_fork", fmt.Sprintf(`{"fork_id":%q,"target_path":"saved.xlsx","overwrite":true}`, fork))
				if err != nil {
					return
				}
				if got.failed {
					t.Errorf("save: %s", got.text)
					return
				}
			}
		}()
		for n := 0; ; n++ {
			if n == kill {
				r.cmd.Process.Signal(syscall.SIGKILL)
			}
			got, err := call(context.Background(), s, "edit_batch", fmt.Sprintf(`{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":%[3]d},{"address":"Z2","value":%[3]d}]}`, fork, sheet, acknowledged+1))
			if err != nil {
				break
			}
			if got.failed {
				t.Fatalf("edit: %s", got.text)
			}
			acknowledged++
		}
		<-done
		r.cmd.Wait()
	}
	figure(t, fmt.Sprintf("acknowledged edits lost, or there by half, of %d over %d kills", acknowledged, times), 0, 0)
}

// unfinished gives the files in a root that a save has begun and not ended.
func unfinished(t *testing.T, root string) []string {
	t.Helper()
	temps, err := filepath.Glob(filepath.Join(root, ".gridflow-*"))
	if err != nil {
		t.Fatal(err)
	}
	return temps
}

// TestS46 is scenario S46: a checkpoint is one exact version, and to go back to it is a new
// version that all readers see from one moment on.
func TestS46(t *testing.T) {
	r, _ := editing(t, t.TempDir())
	s := r.client(eras[0])
	fork := newFork(t, s, "loan")
	sheet := firstSheet(t, s, fork)
	edit := func(n int) {
		do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":%[3]d},{"address":"Z2","value":%[3]d}]}`, fork, sheet, n)
	}
	edit(1)
	other := r.client(eras[1])
	cps := make(chan string, 1)
	go func() {
		text := do(t, other, "checkpoint_fork", `{"fork_id":%q}`, fork)
		cps <- text
	}()
	for n := range 20 {
		edit(n + 2)
	}
	cp := regexp.MustCompile(`version (\d+) is checkpoint (cp-\w+)`).FindStringSubmatch(<-cps)
	if cp == nil {
		t.Fatal("no checkpoint")
	}
	do(t, s, "restore_checkpoint", `{"fork_id":%q,"checkpoint_id":%q}`, fork, cp[2])
	now := at(t, s, fork, sheet, "Z1")
	if want := at(t, s, fork+"@"+cp[1], sheet, "Z1"); now != want || at(t, s, fork, sheet, "Z2") != strings.Replace(want, "Z1", "Z2", 1) {
		t.Errorf("restored to %q, the checkpoint had %q", now, want)
	}
	if h := do(t, s, "fork_history", `{"fork_id":%q}`, fork); !strings.Contains(h, "at version 22;") {
		t.Errorf("the version does not increase: %s", h)
	}
	do(t, s, "undo", `{"fork_id":%q}`, fork)
	if got := at(t, s, fork, sheet, "Z1"); !strings.HasSuffix(got, "21") {
		t.Errorf("after undoing the restore: %q", got)
	}
	figure(t, "the version whose contents the checkpoint has, taken while 20 edits came; the version after it was restored", cp[1]+"; 22", "one of 1 to 21; 22")
}

// TestS47 is scenario S47: a staged change whose ground has moved is refused, and one that
// fails in its middle changes nothing.
func TestS47(t *testing.T) {
	r, _ := editing(t, t.TempDir())
	s := r.client(eras[0])
	fork := newFork(t, s, "loan")
	sheet := firstSheet(t, s, fork)
	text := do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"mode":"preview","edits":[{"address":"Z1","value":1}]}`, fork, sheet)
	change := regexp.MustCompile(`chg-\w+`).FindString(text)
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z9","value":9}]}`, fork, sheet)
	refused(t, "CONFLICT", s, "apply_staged_change", `{"fork_id":%q,"change_id":%q}`, fork, change)
	do(t, s, "undo", `{"fork_id":%q}`, fork)
	do(t, s, "apply_staged_change", `{"fork_id":%q,"change_id":%q}`, fork, change) // the contents are what they were
	refused(t, "CHANGE_NOT_FOUND", s, "apply_staged_change", `{"fork_id":%q,"change_id":%q}`, fork, change)
	before := do(t, s, "fork_history", `{"fork_id":%q}`, fork)
	refused(t, "RANGE_INVALID", s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":2},{"address":"Z2","value":2},{"address":"nowhere","value":2}]}`, fork, sheet)
	refused(t, "BAD_FORMULA", s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":2},{"address":"Z2","formula":"SUM("}]}`, fork, sheet)
	if after := do(t, s, "fork_history", `{"fork_id":%q}`, fork); after != before {
		t.Errorf("a refused edit left its trace:\n%s", after)
	}
	if got := at(t, s, fork, sheet, "Z1"); !strings.HasSuffix(got, "1") {
		t.Errorf("Z1 is %q", got)
	}
	if !t.Failed() {
		figure(t, "changes that a stale or failing edit has left", 0, 0)
	}
}

// A fork that was edited is there after the server was started anew, over the other
// transport, and after its file has gone.
func TestForksOutliveTheServer(t *testing.T) {
	state := t.TempDir()
	r, root := editing(t, state)
	s := r.client(eras[0])
	fork := newFork(t, s, "loan")
	sheet := firstSheet(t, s, fork)
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":"00123"},{"address":"Z2","formula":"1+1"},{"address":"Z3","date":"2026-11-26"}]}`, fork, sheet)
	r.cmd.Process.Signal(syscall.SIGTERM)
	r.cmd.Wait()
	os.Remove(filepath.Join(root, "loan.xlsx"))
	again := servingStdio(t, root, "--state-dir="+state)
	args, _ := json.Marshal(map[string]any{"workbook_or_fork_id": fork, "sheet_name": sheet, "ranges": []string{"Z1:Z3"}, "include_formulas": true})
	again.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"range_values","arguments":%s}}`, args))
	line := again.out.await(t, 1, `"id":5`)[0]
	for _, want := range []string{"00123", "2026-11-26", "1+1"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
}

// TestMergeForks: two forks meet cell by cell, conflicts are told and change nothing, and a
// fork moves to the file as another program has saved it.
func TestMergeForks(t *testing.T) {
	r, root := editing(t, t.TempDir())
	s := r.client(eras[0])
	a, b := newFork(t, s, "loan"), newFork(t, s, "loan")
	sheet := firstSheet(t, s, a)
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":"a"},{"address":"Z3","value":1}]}`, a, sheet)
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z2","value":"b"},{"address":"Z3","value":2}]}`, b, sheet)
	if text := do(t, s, "merge_fork", `{"fork_id":%q,"with":%q}`, a, b); !strings.Contains(text, "not merged") || !strings.Contains(text, sheet+"!Z3\t\t1\t2") {
		t.Fatal(text)
	}
	if h := do(t, s, "fork_history", `{"fork_id":%q}`, a); !strings.Contains(h, "at version 1;") {
		t.Errorf("a merge that was not made: %s", h)
	}
	do(t, s, "merge_fork", `{"fork_id":%q,"with":%q,"resolutions":[{"address":"%s!Z3","choice":"manual","value":3}]}`, a, b, sheet)
	for ref, want := range map[string]string{"Z1": "a", "Z2": "b", "Z3": "3"} {
		if got := at(t, s, a, sheet, ref); got != want {
			t.Errorf("%s is %q, want %q", ref, got, want)
		}
	}
	// Another program saves the file: here another fork, from a second copy of it.
	do(t, s, "save_fork", `{"fork_id":%q,"target_path":"loan.xlsx","overwrite":true}`, b)
	refused(t, "CONFLICT", s, "save_fork", `{"fork_id":%q}`, a)
	do(t, s, "create_workbook", `{"target_path":"other.xlsx"}`)
	refused(t, "INVALID_ARGUMENT", s, "merge_fork", `{"fork_id":%q,"with":"other","conflicts":"theirs"}`, a)
	os.Remove(filepath.Join(root, "other.xlsx"))
	do(t, s, "merge_fork", `{"fork_id":%q,"conflicts":"ours"}`, a)
	do(t, s, "save_fork", `{"fork_id":%q}`, a)
	if got := at(t, s, "loan", sheet, "Z3"); got != "3" {
		t.Errorf("the saved file has %q", got)
	}
	do(t, s, "undo", `{"fork_id":%q,"steps":2}`, a)
	if got := at(t, s, a, sheet, "Z3"); got != "1" {
		t.Errorf("before both merges: %q", got)
	}
	if left, _ := filepath.Glob(filepath.Join(root, "*")); len(left) != 1 {
		t.Errorf("the folder has %v", left)
	}
}

// TestS45 is scenario S45: two sessions compare and merge two forks in opposite order, again
// and again; neither ever waits for the other for good. As specified it goes on for ten minutes.
func TestS45(t *testing.T) {
	var merges atomic.Int64
	rounds := func(n int) bool { return n < 25 }
	if *specified {
		end := time.Now().Add(10 * time.Minute)
		rounds = func(int) bool { return time.Now().Before(end) }
	}
	r, _ := editing(t, t.TempDir())
	first := r.client(eras[0])
	forks := [2]string{newFork(t, first, "loan"), newFork(t, first, "loan")}
	sheet := firstSheet(t, first, forks[0])
	var wg sync.WaitGroup
	for i := range 2 {
		s := r.client(eras[i])
		mine, other := forks[i], forks[1-i]
		wg.Go(func() {
			for n := 0; rounds(n); n++ {
				do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z%d","value":%d}]}`, mine, sheet, i+1, n)
				do(t, s, "diff_workbooks", `{"baseline_id":%q,"current_id":%q}`, mine, other)
				got, err := call(t.Context(), s, "merge_fork", fmt.Sprintf(`{"fork_id":%q,"with":%q,"conflicts":"theirs"}`, mine, other))
				merges.Add(1)
				if err != nil || got.failed && !strings.HasPrefix(got.text, "NOTHING_TO_DO:") {
					t.Errorf("%v %s", err, got.text)
					return
				}
			}
		})
	}
	wg.Wait()
	stuck := r.log.matching("stuck")
	figure(t, fmt.Sprintf("calls that were stuck in %d merges against each other", merges.Load()), len(stuck), 0)
	if len(stuck) > 0 {
		t.Errorf("%d calls were stuck: %s", len(stuck), stuck[0])
	}
}

// TestS43 is scenario S43: somebody follows a fork and stops reading while others edit it. No
// edit waits for him, and when he reads again he is told that the fork has moved.
func TestS43(t *testing.T) {
	r, _ := editing(t, t.TempDir())
	s := r.client(eras[0])
	fork := newFork(t, s, "loan")
	sheet := firstSheet(t, s, fork)
	follower := r.client(eras[0])
	uri := "gridflow://" + fork
	if err := follower.Subscribe(t.Context(), &mcp.SubscribeParams{URI: uri}); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Mcp-Protocol-Version", eras[0])
	req.Header.Set("Mcp-Session-Id", follower.ID())
	stream, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if stream.StatusCode != http.StatusOK {
		t.Fatal(stream.Status)
	}
	edits := often(300, 10_000)
	for n := range edits {
		do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":%d}]}`, fork, sheet, n)
	}
	if h := do(t, s, "fork_history", `{"fork_id":%q,"limit":1}`, fork); !strings.Contains(h, fmt.Sprintf("at version %d;", edits)) {
		t.Errorf("after %d edits: %s", edits, h)
	}
	lines := bufio.NewScanner(stream.Body)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "notifications/resources/updated") && strings.Contains(lines.Text(), uri) {
			figure(t, "edits that were acknowledged while a subscriber did not read", edits, edits)
			return
		}
	}
	t.Errorf("the stream ended without a word of the fork: %v", lines.Err())
}
