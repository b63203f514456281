//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/sys/unix"

	"gridflow/internal/office"
	"gridflow/internal/office/lok"
)

// Limits that the kernel sets: whatever it refuses, or ends, nothing that was acknowledged is lost.

// counting is a server in whose fork Z1 is counted up, one acknowledged edit after the other.
type counting struct {
	*running
	session      *mcp.ClientSession
	root, state  string
	fork, sheet  string
	acknowledged int
}

func countingOn(t *testing.T, serve func(root string, args ...string) *running) *counting {
	t.Helper()
	c := &counting{root: loanRoot(t), state: t.TempDir()}
	c.running = serve(c.root, "--state-dir="+c.state, "--toolsets=all")
	c.session = c.client(eras[0])
	c.fork = newFork(t, c.session, "loan")
	c.sheet = firstSheet(t, c.session, c.fork)
	for range 3 {
		if !c.count() {
			t.Fatal("an edit before any limit is set was refused")
		}
	}
	return c
}

// count makes the next edit, and tells whether it was acknowledged.
func (c *counting) count() bool {
	a, err := call(c.ctx, c.session, "edit_batch", fmt.Sprintf(
		`{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":%d}]}`, c.fork, c.sheet, c.acknowledged+1))
	if err != nil || a.failed {
		return false
	}
	c.acknowledged++
	return true
}

// readText reads all of one of the textBooks. An answer that says that there is too much is one.
func (c *counting) readText(i int) error {
	_, err := call(c.ctx, c.session, "read_table", fmt.Sprintf(`{"workbook_id":"text%d","sheet_name":"Data","sample_mode":"last","limit":1}`, i))
	return err
}

// again ends the server where it still runs, starts one without a limit, and finds each edit there: of one that was
// under way nobody knows.
func (c *counting) again(t *testing.T) {
	t.Helper()
	c.cmd.Process.Kill()
	c.cmd.Wait()
	s := serving(t, c.root, "--state-dir="+c.state, "--toolsets=all").client(eras[1])
	got, err := strconv.Atoi(at(t, s, c.fork, c.sheet, "Z1"))
	if err != nil || got < c.acknowledged || got > c.acknowledged+1 {
		t.Errorf("%d edits were acknowledged, and after a start without the limit %d are there (%v)", c.acknowledged, got, err)
	}
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":-1}]}`, c.fork, c.sheet)
}

// bound sets a limit of the running server that may be raised again.
func (c *counting) bound(t *testing.T, resource int, most uint64) {
	t.Helper()
	var now unix.Rlimit
	err := unix.Prlimit(c.cmd.Process.Pid, resource, nil, &now)
	if err == nil {
		err = unix.Prlimit(c.cmd.Process.Pid, resource, &unix.Rlimit{Cur: min(most, now.Max), Max: now.Max}, nil)
	}
	if err != nil {
		t.Skipf("a limit cannot be set here: %v", err)
	}
}

// ended tells whether the process has ended. Who has lost it waits until it has: it may have
// closed its connections and be about to.
func (c *counting) ended() bool {
	for c.session.Ping(c.ctx, nil) != nil {
		if state := c.stat(3); state == "Z" || state == "X" {
			for !c.log.whole() { // what it said last may be on its way
				c.pause("the end of its log")
			}
			return true
		}
		c.pause("the server has ended")
	}
	return false
}

// says tells whether one of some texts is in the log.
func (c *counting) says(texts ...string) bool {
	return slices.ContainsFunc(texts, func(text string) bool { return len(c.log.matching(text)) > 0 })
}

// TestFault_AddressSpace: a server that is given no more memory while it works (RLIMIT_AS) ends with the runtime's
// message, which cannot be helped, and has lost nothing.
func TestFault_AddressSpace(t *testing.T) {
	t.Parallel()
	const books = 30
	c := countingOn(t, func(root string, args ...string) *running {
		textBooks(t, root, books, 8<<20)
		return servingPlain(t, root, args...)
	})
	c.bound(t, unix.RLIMIT_AS, uint64(c.named("status", "VmSize")<<10)+1<<20)
	for n := 0; n < books && c.readText(n) == nil && c.count(); n++ {
	}
	if !c.ended() {
		t.Fatalf("it still runs after %d workbooks of which it had no room for more than some", books)
	}
	if !c.says("out of memory", "cannot allocate memory", "failed to create new OS thread", "pthread_create failed") {
		t.Errorf("it has ended and does not say that it has no memory:\n%s", c.log.tail(5))
	}
	c.again(t)
	figure(t, "acknowledged edits that are there after RLIMIT_AS has ended the server", c.acknowledged, c.acknowledged)
}

// grouped gives a program that is the one that ships in a control group of its own, which holds so much memory. Where no such group can
// be made the test is skipped.
func grouped(t *testing.T, memory int64) (script string) {
	t.Helper()
	program, err := plainProgram()
	if err != nil {
		t.Fatal(err)
	}
	dir := ""
	for mount, file := range map[string]string{"/sys/fs/cgroup": "memory.max", "/sys/fs/cgroup/memory": "memory.limit_in_bytes"} {
		made := filepath.Join(mount, fmt.Sprint("gridflow-test-", os.Getpid(), "-", t.Name()))
		if os.Mkdir(made, 0o755) != nil {
			continue
		}
		t.Cleanup(func() { os.Remove(made) })                                                 // a server in it is gone by then
		if limit, err := os.OpenFile(filepath.Join(made, file), os.O_WRONLY, 0); err == nil { // else this is a folder like others
			_, err = fmt.Fprint(limit, memory)
			if limit.Close(); err == nil {
				dir = made
			}
		}
	}
	if dir == "" {
		t.Skip("no control group of memory can be made here: that wants root, and a /sys/fs/cgroup that can be written")
	}
	at := t.TempDir()
	named := filepath.Join(at, "gridflow")
	if err := os.Symlink(program, named); err != nil {
		t.Fatal(err)
	}
	script = filepath.Join(at, "grouped")
	writeScript(t, script, fmt.Sprintf("echo $$ > '%s/cgroup.procs' && exec '%s' \"$@\"\n", dir, named))
	return script
}

// TestFault_MemoryCgroup: in a container that gives it 192 MiB a server of which nobody has said how much it may take reads
// 12 workbooks of 16 MiB, one after the other and many at once, and stays within.
func TestFault_MemoryCgroup(t *testing.T) {
	t.Parallel()
	const books, size, memory = 12, 16 << 20, 192 << 20
	c := countingOn(t, func(root string, args ...string) *running {
		textBooks(t, root, books, size)
		script := grouped(t, memory)
		return servingNamed(t, script, script, root, args...)
	})
	for i := range 2 * books {
		if err := c.readText(i % books); err != nil {
			t.Fatalf("one after the other, %d: %v", i, err)
		}
	}
	var wg sync.WaitGroup
	for i := range 2 * books {
		wg.Go(func() {
			if err := c.readText(i % books); err != nil {
				t.Errorf("all at once: %v", err)
			}
		})
	}
	wg.Wait()
	if !c.count() {
		t.Error("an edit afterwards was refused")
	}
	figure(t, fmt.Sprintf("reads of workbooks of %d MiB in all, of %d, that ended a server with %d MiB and no settings", books*size>>20, 4*books, memory>>20), 0, 0)
}

// TestFault_MemoryOfWorkers: in a container of 384 MiB of which nobody has said who may have how much of it, LibreOffice makes
// pictures of edited forks while 6 readers keep the server at the limit of its memory: the system ends none of them.
func TestFault_MemoryOfWorkers(t *testing.T) {
	t.Parallel()
	if _, err := lok.Find(""); err != nil || testing.Short() {
		t.Skip(err)
	}
	const books, size, memory, readers, pictures = 12, 16 << 20, 384 << 20, 6, 8
	c := countingOn(t, func(root string, args ...string) *running {
		textBooks(t, root, books, size)
		script := grouped(t, memory)
		return servingNamed(t, script, script, root, append(args, "--office-timeout=10m", "--tool-timeout=10m")...)
	})
	var wg sync.WaitGroup
	enough := make(chan struct{})
	rest := sync.OnceFunc(func() { close(enough); wg.Wait() })
	defer rest()
	for i := range readers {
		wg.Go(func() {
			for n := i; ; n++ {
				select {
				case <-enough:
					return
				default:
				}
				if err := c.readText(n % books); err != nil {
					t.Errorf("beside LibreOffice: %v", err)
					return
				}
			}
		})
	}
	made := 0
	for range pictures { // each of another version, for one that has been made is kept
		if c.count() && do(t, c.session, "screenshot_sheet", `{"workbook_or_fork_id":%q,"sheet_name":%q,"range":"A1:H30"}`, c.fork, c.sheet) != "" {
			made++
		}
	}
	rest()
	figure(t, fmt.Sprintf("pictures in %d MiB, of %d, beside %d readers", memory>>20, pictures, readers), made, pictures)
	if c.says("out of memory") {
		t.Errorf("somebody had no memory:\n%s", c.log.tail(9))
	}
}

// TestFault_LargeEdits: in a container that gives it 192 MiB a call that would change a million and a half cells is refused, and so are
// the save and the merge of as many that were changed one part after the other: each would have the system end the server. Formats are
// given to all of them.
func TestFault_LargeEdits(t *testing.T) {
	t.Parallel()
	const rows, columns, parts = 300_000, 5, 10
	c := countingOn(t, func(root string, args ...string) *running {
		f, err := os.Create(filepath.Join(root, "large.xlsx"))
		if err != nil {
			t.Fatal(err)
		}
		err = writeStored(f, []string{"Data"}, func(w io.Writer, _ int) error {
			var b []byte
			for row := 1; row <= rows && err == nil; row++ {
				b = fmt.Appendf(b[:0], `<row r="%d">`, row)
				for col := range columns {
					b = fmt.Appendf(b, `<c r="%c%d"><v>%d</v></c>`, 'A'+col, row, row+col)
				}
				_, err = w.Write(append(b, "</row>"...))
			}
			return err
		})
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		script := grouped(t, 192<<20)
		return servingNamed(t, script, script, root, args...)
	})
	fork := newFork(t, c.session, "large")
	refused(t, "TOO_MANY", c.session, "transform_batch", `{"fork_id":%q,"ops":[{"kind":"clear_range","sheet_name":"Data","range":"A:E"}]}`, fork)
	refused(t, "TOO_MANY", c.session, "structure_batch", `{"fork_id":%q,"ops":[{"kind":"move_range","sheet_name":"Data","src_range":"A1:E300000","dest_anchor":"J1"}]}`, fork)
	do(t, c.session, "style_batch", `{"fork_id":%q,"ops":[{"sheet_name":"Data","range":"A1:E300000","patch":{"font":{"bold":true}}}]}`, fork)
	do(t, c.session, "style_batch", `{"fork_id":%q,"ops":[{"sheet_name":"Data","range":"A:E","patch":{"font":{"italic":true}}}]}`, fork)
	for i := range parts {
		do(t, c.session, "transform_batch", `{"fork_id":%q,"ops":[{"kind":"fill_range","sheet_name":"Data","range":"A%d:E%d","value":3}]}`, fork, 1+i*rows/parts, (i+1)*rows/parts)
	}
	refused(t, "LIMIT", c.session, "save_fork", `{"fork_id":%q,"target_path":"changed.xlsx"}`, fork)
	refused(t, "LIMIT", c.session, "merge_fork", `{"fork_id":%q,"with":%q}`, newFork(t, c.session, "large"), fork)
	alive := 0
	if c.count() {
		alive++
	}
	figure(t, fmt.Sprintf("servers with 192 MiB that are there after a call about %d cells and the save of as many, of 1", rows*columns), alive, 1)
	if alive == 0 {
		t.Error("an edit afterwards was refused")
	}
}

// TestFault_KilledForMemory: a server that was told to take more than the system gives it says so when it starts. When it does,
// the system kills it, and nothing is lost.
func TestFault_KilledForMemory(t *testing.T) {
	t.Parallel()
	const books = 12
	c := countingOn(t, func(root string, args ...string) *running {
		textBooks(t, root, books, 16<<20)
		script := grouped(t, 96<<20)
		return servingNamed(t, script, script, root, append(args, "--cache-bytes=1GiB", "--memory-limit=2GiB", "--load-bytes=1GiB")...)
	})
	if !c.says("the system may end this process") {
		t.Error("it does not warn of what it was told to take")
	}
	for n := 0; n < books && c.readText(n) == nil && c.count(); n++ {
	}
	if !c.ended() {
		t.Fatal("it still runs with more than the system gives it")
	}
	c.cmd.Wait()
	if status, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Errorf("it was not killed for want of memory: %v\n%s", c.cmd.ProcessState, c.log.tail(5))
	}
	c.again(t)
	figure(t, "acknowledged edits that are there after the system has killed the server for its memory", c.acknowledged, c.acknowledged)
}

// TestFault_FewProcesses: a server whose user may have no more processes and threads (RLIMIT_NPROC) cannot start a worker, and says
// so; or the runtime, which wants a thread, ends it, and says so. Nothing is lost; with room for them all is as before.
func TestFault_FewProcesses(t *testing.T) {
	t.Parallel()
	const user = 64123 // processes of others would count, and root may have as many as it wants
	setpriv, err := exec.LookPath("setpriv")
	prlimit, missing := exec.LookPath("prlimit")
	if err != nil || missing != nil || os.Getuid() != 0 {
		t.Skip("only root, with setpriv and prlimit of util-linux, can start the server as a user of its own whose processes can be counted")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	open := func(dir string) { // up to where folders are for all
		for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := countingOn(t, func(root string, args ...string) *running {
		at, state := t.TempDir(), strings.TrimPrefix(args[0], "--state-dir=")
		named, script := filepath.Join(at, "gridflow"), filepath.Join(at, "few")
		program, err := os.ReadFile(self) // where it lies others may not come
		if err != nil {
			t.Fatal(err)
		}
		writeProgram(t, named, program)
		writeScript(t, script, fmt.Sprintf("cd / && exec '%s' --reuid %d --clear-groups '%s' \"$@\"\n", setpriv, user, named))
		for _, dir := range []string{at, root, state} {
			open(dir)
			if err := os.Chown(dir, user, user); err != nil {
				t.Fatal(err)
			}
		}
		return servingNamed(t, script, script, root, append(args, "--office=fake:good", "--office-warm=0")...)
	})
	o := officeOf(c.running, c.state)
	fork := o.fork("")
	threads := c.named("status", "Threads")
	bound := func(most int64) { // another user's limits are not root's to set, where root is not all that it may be
		out, err := exec.Command(setpriv, "--reuid", fmt.Sprint(user), "--clear-groups", prlimit, "--pid", fmt.Sprint(c.cmd.Process.Pid), fmt.Sprintf("--nproc=%d:", most)).CombinedOutput()
		if err != nil {
			t.Skipf("a limit cannot be set here: %v: %s", err, out)
		}
	}
	bound(threads)
	code, text := o.recalculate(context.Background(), fork, "")
	for range 20 {
		if !c.count() {
			break
		}
	}
	ended := c.ended()
	t.Logf("with %d threads and no more: %q, %s; the server has ended: %t", threads, code, clipped(text), ended)
	switch {
	case ended:
		if !c.says("failed to create new OS thread", "pthread_create failed") {
			t.Errorf("it has ended and does not say why:\n%s", c.log.tail(5))
		}
	case code != office.CodeNotStarted:
		t.Errorf("a worker that cannot be started: %q: %s", code, text)
	default:
		bound(10_000)
		o.wants(noEffect)(o.recalculate(context.Background(), fork, ""))
		if !c.count() {
			t.Error("an edit afterwards was refused")
		}
	}
	c.again(t)
	figure(t, "acknowledged edits that are there after RLIMIT_NPROC", c.acknowledged, c.acknowledged)
}
