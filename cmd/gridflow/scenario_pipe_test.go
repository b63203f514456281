//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Several programs on one state folder. A joined is one of them with the client that it
// serves.
type joined struct {
	*running
	*mcp.ClientSession
}

// join starts `gridflow stdio` on a state folder and opens a session with it.
func join(t *testing.T, root, state, era string, args ...string) joined {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := launch(t, self, append([]string{"stdio", "--root=" + root, "--log-level=debug", "--state-dir=" + state, "--toolsets=all"}, unhurried(args...)...)...)
	return joined{r, r.session(era)}
}

// session opens a session of the SDK's client over the standard streams.
func (r *running) session(era string) *mcp.ClientSession {
	r.t.Helper()
	s, err := r.connect(era)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *running) connect(era string) (*mcp.ClientSession, error) {
	c := mcp.NewClient(&mcp.Implementation{Name: "scenario", Version: "1"}, nil)
	s, err := c.Connect(r.ctx, lineTransport{r}, &mcp.ClientSessionOptions{ProtocolVersion: era})
	if err == nil {
		r.t.Cleanup(func() { s.Close() })
	}
	return s, err
}

// lineTransport is the SDK's client on the streams of a running program, of which the test
// keeps all lines.
type lineTransport struct{ r *running }

func (l lineTransport) Connect(context.Context) (mcp.Connection, error) {
	return &lineClient{r: l.r}, nil
}

type lineClient struct {
	r    *running
	mu   sync.Mutex
	read int
}

func (c *lineClient) SessionID() string { return "" }
func (c *lineClient) Close() error {
	c.r.out.hangUp()
	return c.r.stdin.Close()
}

func (c *lineClient) Read(context.Context) (jsonrpc.Message, error) {
	line, err := c.r.out.line(c.read)
	if err != nil {
		return nil, err
	}
	c.read++
	return jsonrpc.DecodeMessage([]byte(line))
}

func (c *lineClient) Write(_ context.Context, m jsonrpc.Message) error {
	data, err := jsonrpc.EncodeMessage(m)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err = c.r.stdin.Write(append(data, '\n'))
	return err
}

// line waits for the nth line.
func (l *lineLog) line(n int) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.lines) <= n {
		if l.ended || l.left {
			return "", net.ErrClosed
		}
		l.cond.Wait()
	}
	return l.lines[n], nil
}

// hangUp ends who waits for a line.
func (l *lineLog) hangUp() {
	l.mu.Lock()
	l.left = true
	l.mu.Unlock()
	l.cond.Broadcast()
}

const (
	piped = "another process has the state folder"
	owns  = "serving MCP on standard input and output"
	moved = "this process has the state folder now"
)

// kill ends the process as a crash does.
func (r *running) kill() {
	r.cmd.Process.Signal(syscall.SIGKILL)
	r.cmd.Wait()
}

func set(t *testing.T, s *mcp.ClientSession, fork, sheet, ref string, value int) {
	t.Helper()
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":%q,"value":%d}]}`, fork, sheet, ref, value)
}

// TestTwoPrograms: two programs on one folder, of either era of the protocol, see each
// other's forks and edits, and each goes by the session of its own.
func TestTwoPrograms(t *testing.T) {
	for _, era := range eras {
		t.Run(era, func(t *testing.T) {
			state, root := t.TempDir(), exampleRoot(t)
			a := join(t, root, state, era)
			b := join(t, root, state, era)
			a.log.await(t, 1, owns)
			b.log.await(t, 1, piped)
			fork := newFork(t, a.ClientSession, "loan")
			sheet := firstSheet(t, b.ClientSession, fork)
			set(t, a.ClientSession, fork, sheet, "Z1", 1)
			if got := at(t, b.ClientSession, fork, sheet, "Z1"); got != "1" {
				t.Errorf("b reads %q", got)
			}
			set(t, b.ClientSession, fork, sheet, "Z2", 2)
			if got := at(t, a.ClientSession, fork, sheet, "Z2"); got != "2" {
				t.Errorf("a reads %q", got)
			}
			other := newFork(t, b.ClientSession, fork)
			if list := do(t, a.ClientSession, "list_forks", `{}`); !strings.Contains(list, other) {
				t.Errorf("a does not see the fork of b:\n%s", list)
			}
			info, err := os.Stat(filepath.Join(state, runDir))
			if err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the folder of the socket: %v %v", info, err)
			}
			path, err := socketAddress(state)
			if err != nil {
				t.Fatal(err)
			}
			if info, err = os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the socket: %v %v", info, err)
			}
		})
	}
}

// steps counts a cell up, one edit after the other, and keeps what was acknowledged.
type steps struct {
	s                  *mcp.ClientSession
	fork, sheet, ref   string
	acknowledged, lost int
}

// edit makes an edit, and tells whether it was acknowledged.
func (e *steps) edit(ctx context.Context) bool {
	got, err := e.send(ctx)
	if err != nil || got.failed {
		return false
	}
	e.acknowledged++
	return true
}

func (e *steps) send(ctx context.Context) (answer, error) {
	return call(ctx, e.s, "edit_batch", fmt.Sprintf(`{"fork_id":%q,"sheet_name":%q,"edits":[{"address":%q,"value":%d}]}`, e.fork, e.sheet, e.ref, e.acknowledged+1))
}

// next makes an edit that nothing may prevent. Where the server has ended in its middle it
// looks whether the edit was made, as a client is told to.
func (e *steps) next(t *testing.T) {
	t.Helper()
	got, err := e.send(t.Context())
	switch {
	case err != nil:
		t.Errorf("edit %d of %s: %v", e.acknowledged+1, e.ref, err)
	case !got.failed:
		e.acknowledged++
	case strings.HasPrefix(got.text, "SERVER_MOVED:"):
		e.lost++
		e.check(t)
	default:
		t.Errorf("edit %d of %s: %s", e.acknowledged+1, e.ref, got.text)
	}
}

// check: the last edit that was acknowledged is there, or the one that came after it and was
// not.
func (e *steps) check(t *testing.T) {
	t.Helper()
	got, err := call(t.Context(), e.s, "range_values", fmt.Sprintf(`{"workbook_or_fork_id":%q,"sheet_name":%q,"ranges":[%q],"format":"csv"}`, e.fork, e.sheet, e.ref))
	if err != nil || got.failed {
		t.Errorf("reading %s: %v %s", e.ref, err, got.text)
		return
	}
	n, _ := strconv.Atoi(regexp.MustCompile(`\d+$`).FindString(strings.TrimSpace(got.text)))
	if strings.HasSuffix(strings.TrimSpace(got.text), e.ref) { // the head alone: it is empty
		n = 0
	}
	if n < e.acknowledged || n > e.acknowledged+1 {
		t.Errorf("%s: %d was acknowledged, %d is there", e.ref, e.acknowledged, n)
	}
	e.acknowledged = max(e.acknowledged, n)
}

// TestTakeOver: the first of three programs is killed in the middle of edits by all, then
// the next; each time another takes over, the sessions go on, and what was acknowledged is
// there.
func TestTakeOver(t *testing.T) {
	for _, era := range eras {
		t.Run(era, func(t *testing.T) {
			state, root := t.TempDir(), exampleRoot(t)
			var programs []joined
			for range 3 {
				programs = append(programs, join(t, root, state, era))
			}
			// Each has a fork of its own, whose versions count the edits that were made.
			all := make([]*steps, 3)
			for i, p := range programs {
				fork := newFork(t, programs[0].ClientSession, "loan")
				all[i] = &steps{s: p.ClientSession, fork: fork, sheet: firstSheet(t, p.ClientSession, fork), ref: "Z1"}
			}
			left := []int{0, 1, 2}
			for len(left) > 1 {
				first := -1
				for first < 0 {
					for _, i := range left {
						if len(programs[i].log.matching(owns)) > 0 || len(programs[i].log.matching(moved)) > 0 {
							first = i
						}
					}
					programs[left[0]].pause("one of them says that it has the folder")
				}
				var others []int
				for _, i := range left {
					if i != first {
						others = append(others, i)
					}
				}
				// The one that dies edits, too: its client sees the end of its program.
				dying := all[first]
				died := make(chan struct{})
				go func() {
					defer close(died)
					for dying.edit(context.Background()) {
					}
				}()
				var half, rest sync.WaitGroup
				half.Add(len(others))
				for _, i := range others {
					e := all[i]
					rest.Go(func() {
						for n := range 30 {
							if n == 10 {
								half.Done()
							}
							e.next(t)
						}
						e.check(t)
					})
				}
				half.Wait()
				programs[first].kill()
				rest.Wait()
				<-died
				if t.Failed() {
					return
				}
				left = others
			}
			last := programs[left[0]]
			last.log.await(t, 1, moved)
			lost := 0
			for i, e := range all {
				e.s = last.ClientSession
				e.check(t)
				lost += e.lost
				if h := do(t, e.s, "fork_history", `{"fork_id":%q,"limit":1}`, e.fork); !strings.Contains(h, fmt.Sprintf("at version %d;", e.acknowledged)) {
					t.Errorf("program %d made %d edits: %s", i, e.acknowledged, h)
				}
			}
			t.Logf("%d calls were not answered", lost)
		})
	}
}

// TestHandOver: the first program is asked to stop, or its client leaves, while another
// program's client edits: that one sees nothing of it, not even a refusal.
func TestHandOver(t *testing.T) {
	for name, end := range map[string]func(*running){
		"signal": func(r *running) { r.cmd.Process.Signal(syscall.SIGTERM) },
		"eof":    func(r *running) { r.stdin.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			state, root := t.TempDir(), exampleRoot(t)
			a := join(t, root, state, eras[0])
			b := join(t, root, state, eras[0])
			c := join(t, root, state, eras[1])
			fork := newFork(t, a.ClientSession, "loan")
			sheet := firstSheet(t, a.ClientSession, fork)
			var edits []*steps
			var half, rest sync.WaitGroup
			for i, s := range []*mcp.ClientSession{b.ClientSession, c.ClientSession} {
				e := &steps{s: s, fork: fork, sheet: sheet, ref: fmt.Sprintf("Z%d", i+1)}
				edits = append(edits, e)
				half.Add(1)
				rest.Go(func() {
					for n := range 40 {
						if n == 10 {
							half.Done()
						}
						e.next(t)
					}
				})
			}
			half.Wait()
			end(a.running)
			if err := a.cmd.Wait(); err != nil {
				t.Errorf("the first program: %v", err)
			}
			rest.Wait()
			for _, e := range edits {
				if e.check(t); e.lost > 0 || e.acknowledged != 40 {
					t.Errorf("%s: %d of 40 edits acknowledged, %d not answered", e.ref, e.acknowledged, e.lost)
				}
			}
			if h := do(t, b.ClientSession, "fork_history", `{"fork_id":%q,"limit":1}`, fork); !strings.Contains(h, "at version 80;") {
				t.Errorf("80 edits were made: %s", h)
			}
		})
	}
}

// TestStaleSocket: what a killed program has left of its socket is in nobody's way, also
// where it had to be put elsewhere.
func TestStaleSocket(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, state := range map[string]string{"near": t.TempDir(), "elsewhere": long} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", shortDir(t))
			root := exampleRoot(t)
			a := join(t, root, state, eras[0])
			fork := newFork(t, a.ClientSession, "loan")
			old, err := socketAddress(state)
			if err != nil {
				t.Fatal(err)
			}
			a.kill()
			if _, err := os.Stat(old); err != nil {
				t.Fatalf("there is no stale socket to begin with: %v", err)
			}
			b := join(t, root, state, eras[0])
			b.log.await(t, 1, owns)
			c := join(t, root, state, eras[0])
			c.log.await(t, 1, piped)
			set(t, c.ClientSession, fork, firstSheet(t, c.ClientSession, fork), "Z1", 1)
			for _, r := range []*running{c.running, b.running} { // b ends last: it leaves nothing behind
				r.stdin.Close()
				if err := r.cmd.Wait(); err != nil {
					t.Error(err)
				}
			}
			for _, path := range []string{filepath.Join(state, runDir, "*"), filepath.Join(os.TempDir(), elsewherePrefix+"*", "*")} {
				if left, _ := filepath.Glob(path); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			}
		})
	}
}

// shortDir gives a folder whose path leaves room for the name of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestOtherSettings: a program with other roots or other tools is no client of the first, and
// says why it cannot edit.
func TestOtherSettings(t *testing.T) {
	state, root := t.TempDir(), exampleRoot(t)
	a := join(t, root, state, eras[0])
	fork := newFork(t, a.ClientSession, "loan")
	elsewhere := exampleRoot(t)
	b := join(t, elsewhere, state, eras[0])
	b.log.await(t, 1, owns)
	do(t, b.ClientSession, "list_workbooks", `{}`)
	if why := refused(t, "STATE_IN_USE", b.ClientSession, "list_forks", `{}`); !strings.Contains(why, "root") || !strings.Contains(why, filepath.Base(elsewhere)) || !strings.Contains(why, "--state-dir") {
		t.Error(why)
	}
	c := join(t, root, state, eras[0], "--exclude-tools=save_fork")
	if why := refused(t, "STATE_IN_USE", c.ClientSession, "list_forks", `{}`); !strings.Contains(why, "(tools: not on offer here: save_fork)") {
		t.Error(why)
	}
	// Who reads a fork is told the same, and not that there is no such workbook.
	for _, tool := range []string{"workbook_summary", "list_sheets", "close_workbook"} {
		refused(t, "STATE_IN_USE", c.ClientSession, tool, `{"workbook_or_fork_id":%q}`, fork)
	}
}

// TestTooManyPrograms: one more program than may use a state folder is told so, and so is its client, at
// once: it reads. Programs that come again and again fill nobody's log.
func TestTooManyPrograms(t *testing.T) {
	state, root := t.TempDir(), exampleRoot(t)
	a := join(t, root, state, eras[0])
	newFork(t, a.ClientSession, "loan")
	path, err := socketAddress(state)
	if err != nil {
		t.Fatal(err)
	}
	hello := func() string {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return line
	}
	const most = 64
	for i := range most + 50 {
		if line := hello(); strings.Contains(line, `"full":true`) != (i >= most) {
			t.Fatalf("program %d is told %s", i, line)
		}
	}
	b := join(t, root, state, eras[0])
	do(t, b.ClientSession, "list_workbooks", `{}`)
	if why := refused(t, "STATE_IN_USE", b.ClientSession, "list_forks", `{}`); !strings.Contains(why, "as many others as it may") || !strings.Contains(why, "--state-dir") {
		t.Error(why)
	}
	if n := len(a.log.await(t, 1, "too many processes")); n > 20 {
		t.Errorf("%d lines say that too many came", n)
	}
}

// TestManyStarts: programs that start at the same moment agree on one of them.
func TestManyStarts(t *testing.T) {
	root := exampleRoot(t)
	for range 8 {
		state := t.TempDir()
		programs := make([]joined, 3)
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		for i := range programs {
			programs[i].running = launch(t, self, append([]string{"stdio", "--root=" + root, "--log-level=debug", "--state-dir=" + state, "--toolsets=all"}, unhurried()...)...)
		}
		for i := range programs {
			programs[i].ClientSession = programs[i].session(eras[0])
		}
		first := 0
		for _, p := range programs {
			for len(p.log.matching(owns))+len(p.log.matching(piped)) == 0 {
				p.pause("it says whether it has the folder")
			}
			first += len(p.log.matching(owns))
		}
		if first != 1 {
			t.Fatalf("%d of 3 have the folder", first)
		}
		var forks []string
		for _, p := range programs {
			forks = append(forks, newFork(t, p.ClientSession, "loan"))
		}
		for _, p := range programs {
			list := do(t, p.ClientSession, "list_forks", `{}`)
			for _, fork := range forks {
				if !strings.Contains(list, fork) {
					t.Errorf("no %s in\n%s", fork, list)
				}
			}
		}
		for _, p := range programs {
			p.kill()
		}
	}
}

// TestCallBesideServer: `gridflow call` works in the process that has the folder, over either
// transport.
func TestCallBesideServer(t *testing.T) {
	state, root := t.TempDir(), exampleRoot(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	shell := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), self, append([]string{"call", "--root=" + root, "--state-dir=" + state}, args...)...)
		cmd.Args[0] = "gridflow"
		cmd.Env = append(os.Environ(), "GORACE="+quickRaceExit)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	check := func(t *testing.T, s *mcp.ClientSession) {
		fork := newFork(t, s, "loan")
		sheet := firstSheet(t, s, fork)
		edit, _ := json.Marshal(map[string]any{"fork_id": fork, "sheet_name": sheet, "edits": []any{map[string]any{"address": "Z1", "value": 7}}})
		if out, err := shell("edit_batch", "--json", string(edit)); err != nil {
			t.Fatalf("%v %s", err, out)
		}
		if got := at(t, s, fork, sheet, "Z1"); got != "7" {
			t.Errorf("Z1 is %q", got)
		}
		if out, err := shell("list_forks"); err != nil || !strings.Contains(out, fork) {
			t.Errorf("%v %s", err, out)
		}
		if out, err := shell("fork_history", "fork_id=fork-222222222222"); err == nil || !strings.Contains(out, "FORK_NOT_FOUND") {
			t.Errorf("%v %s", err, out)
		}
	}
	t.Run("http", func(t *testing.T) {
		r := serving(t, root, "--state-dir="+state, "--toolsets=all")
		check(t, r.client(eras[0]))
	})
	t.Run("not on offer", func(t *testing.T) {
		fork := newFork(t, serving(t, root, "--state-dir="+state, "--exclude-tools=diff_workbooks").client(eras[0]), "loan")
		out, err := shell("diff_workbooks", "baseline_id=loan", "current_id="+fork)
		if err == nil || !strings.Contains(out, "gridflow call: STATE_IN_USE") || !strings.Contains(out, "(tools: not on offer there: diff_workbooks)") {
			t.Errorf("%v %s", err, out)
		}
	})
	t.Run("stdio", func(t *testing.T) {
		check(t, join(t, root, state, eras[0]).ClientSession)
	})
}

// TestCallIsNotLost: where the process that has the folder ends before `gridflow call` has asked it, the
// next one is asked. Here it says its hello and hangs up, to three that come.
func TestCallIsNotLost(t *testing.T) {
	t.Setenv("TMPDIR", shortDir(t))
	state, root := shortDir(t), exampleRoot(t)
	r := serving(t, root, "--state-dir="+state, "--toolsets=all")
	fork := newFork(t, r.client(eras[0]), "loan")
	path, err := socketAddress(state)
	if err != nil {
		t.Fatal(err)
	}
	behind := path + "2"
	if err := os.Rename(path, behind); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var came atomic.Int32
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", behind)
			if err != nil {
				t.Error(err)
				return
			}
			if came.Add(1) <= 3 {
				hello, err := bufio.NewReader(server).ReadString('\n')
				if err != nil {
					t.Error(err)
				}
				io.WriteString(conn, hello)
				conn.Close()
				server.Close()
				continue
			}
			go io.Copy(server, conn)
			go io.Copy(conn, server)
		}
	}()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "call", "--root="+root, "--state-dir="+state, "list_forks")
	cmd.Args[0] = "gridflow"
	cmd.Env = append(os.Environ(), "GORACE="+quickRaceExit)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), fork) || came.Load() != 4 {
		t.Errorf("it came %d times, and then: %v %s", came.Load(), err, out)
	}
}

// TestPipeEnds: a piped program whose client leaves ends well, and the first goes on.
func TestPipeEnds(t *testing.T) {
	state, root := t.TempDir(), exampleRoot(t)
	a := join(t, root, state, eras[0])
	for _, end := range []func(*running){
		func(r *running) { r.stdin.Close() },
		func(r *running) { r.cmd.Process.Signal(syscall.SIGTERM) },
	} {
		b := join(t, root, state, eras[0])
		b.log.await(t, 1, piped)
		newFork(t, b.ClientSession, "loan")
		end(b.running)
		if err := b.cmd.Wait(); err != nil {
			t.Errorf("the piped program: %v", err)
		}
		newFork(t, a.ClientSession, "loan")
	}
}

// TestHTTPHandsOver: a server over HTTP that stops hands over to a program over stdio, and
// one that is started beside that says so.
func TestHTTPHandsOver(t *testing.T) {
	state, root := t.TempDir(), exampleRoot(t)
	h := serving(t, root, "--state-dir="+state, "--toolsets=all")
	a := join(t, root, state, eras[0])
	a.log.await(t, 1, piped)
	fork := newFork(t, h.client(eras[0]), "loan")
	sheet := firstSheet(t, a.ClientSession, fork)
	set(t, a.ClientSession, fork, sheet, "Z1", 1)
	h.http.CloseIdleConnections() // one that was never used would be waited for
	h.cmd.Process.Signal(syscall.SIGTERM)
	if err := h.cmd.Wait(); err != nil {
		t.Errorf("the server over HTTP: %v", err)
	}
	set(t, a.ClientSession, fork, sheet, "Z2", 2)
	a.log.await(t, 1, moved)
	if got := at(t, a.ClientSession, fork, sheet, "Z1"); got != "1" {
		t.Errorf("Z1 is %q", got)
	}
	again := serving(t, root, "--state-dir="+state, "--toolsets=all")
	refused(t, "STATE_IN_USE", again.client(eras[0]), "list_forks", `{}`)
}
