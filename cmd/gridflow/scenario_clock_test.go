//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

var clock = flag.Bool("clock", false, "run TestFault_ClockJumps, which builds the standard library and the program anew: two minutes")

// movedProgram builds gridflow with a clock on the wall that can be set: the Now of its package time adds what it
// is told to. All else, and the program, are what ships.
func movedProgram(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	lib := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	source, err := os.ReadFile(filepath.Join(lib, "time.go"))
	if err != nil {
		t.Fatal(err)
	}
	const now = "\nfunc Now() Time {\n"
	if strings.Count(string(source), now) != 1 {
		t.Fatalf("package time of %s has another Now than this test knows", runtime.Version())
	}
	changed := filepath.Join(dir, "time.go")
	text := strings.Replace(string(source), now, "\nfunc Now() Time { return onTheWall(right()) }\n\nfunc right() Time {\n", 1)
	if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(lib, "time.go"):   changed,
		filepath.Join(lib, "moved.go"):  filepath.Join(here, "testdata/clock/time.txt"),
		filepath.Join(here, "moved.go"): filepath.Join(here, "testdata/clock/main.txt"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	list, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "gridflow")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-race=false", "-buildvcs=false", "-overlay", list, "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	return program
}

// TestFault_ClockJumps: the clock on the wall is set ten years ahead and ten years back under a server that works.
// Nothing waits longer or shorter for it, no fork's time to live ends by it, and nothing is lost.
func TestFault_ClockJumps(t *testing.T) {
	if !*clock {
		t.Skip("builds the standard library anew: make clock")
	}
	program := movedProgram(t)
	pipes := t.TempDir()
	var ends [2]*os.File
	for i, name := range []string{"set", "done"} {
		if err := syscall.Mkfifo(filepath.Join(pipes, name), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(filepath.Join(pipes, name), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		ends[i] = f
	}
	t.Setenv("GRIDFLOW_CLOCK", pipes)
	done := bufio.NewReader(ends[1])
	set := func(d time.Duration) (line string) {
		t.Helper()
		line = fmt.Sprintf("%d\n", int64(d.Seconds()))
		if _, err := ends[0].WriteString(line); err != nil {
			t.Fatal(err)
		}
		return line
	}
	// moved waits until a server has the clock that was set.
	moved := func(line string) {
		t.Helper()
		if got, err := done.ReadString('\n'); err != nil || got != line {
			t.Fatalf("the clock is set to %q: %v", got, err)
		}
	}

	state, root := t.TempDir(), loanRoot(t)
	args := []string{"--state-dir=" + state, "--toolsets=all", "--fork-ttl=1h"}
	right := set(0)
	r := servingAs(t, program, root, args...)
	moved(right)
	s := r.client(eras[1])
	kept := newFork(t, s, "loan")
	sheet := firstSheet(t, s, kept)
	edits, year := 0, regexp.MustCompile(`^time=(\d{4})-`)
	const decade = 10 * 365 * 24 * time.Hour
	seen := map[string]bool{}
	for _, by := range []time.Duration{0, decade, 0, -decade, decade, -decade, 0} {
		moved(set(by))
		edits++
		do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z%d","value":%d}]}`, kept, sheet, edits, edits)
		short := forkID.FindString(do(t, s, "create_fork", `{"workbook_or_fork_id":"loan","ttl_seconds":1}`))
		// To list forks is no use of them. That the short one ends shows that someone has looked.
		for list := short; strings.Contains(list, short); {
			r.pause("a fork whose time is over goes")
			list = do(t, s, "list_forks", `{}`)
			if !strings.Contains(list, kept) {
				t.Fatalf("by %v: the fork is gone: %s", by, list)
			}
		}
		got, err := call(t.Context(), s, "list_forks", `{}`)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(got.text, "\t-") {
			t.Errorf("by %v: an age below nothing: %s", by, got.text)
		}
		for i := 1; i <= edits; i++ {
			if v := at(t, s, kept, sheet, fmt.Sprint("Z", i)); v != fmt.Sprint(i) {
				t.Errorf("by %v: edit %d is %q", by, i, v)
			}
		}
		if got := r.readiness(); got != "200 ready" {
			t.Errorf("by %v: %s", by, got)
		}
		for _, line := range r.log.matching("time=") {
			if m := year.FindStringSubmatch(line); m != nil {
				seen[m[1]] = true
			}
		}
		figure(t, fmt.Sprintf("edits there with the clock wrong by %v", by), edits, edits)
	}
	if len(seen) != 3 {
		t.Errorf("the log has the years %v: the clock was not moved", seen)
	}
	do(t, s, "save_fork", `{"fork_id":%q,"target_path":"after.xlsx"}`, kept)
	r.kill()

	ahead := set(decade)
	again := servingAs(t, program, root, args...)
	moved(ahead)
	s = again.client(eras[1])
	for i := 1; i <= edits; i++ {
		for _, of := range []string{kept, "after"} {
			if v := at(t, s, of, sheet, fmt.Sprint("Z", i)); v != fmt.Sprint(i) {
				t.Errorf("after a start anew: edit %d of %s is %q", i, of, v)
			}
		}
	}
}
