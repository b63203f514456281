//go:build unix

package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// The scenarios run the program as a process of its own, talk to it as clients do, and
// look at it from outside: at what it answers, at what it logs, and at what the system
// says it uses. Each prints its figure beside its bound.

// A running is gridflow itself, running, with the clients of one test.
type running struct {
	t     *testing.T
	ctx   context.Context // ends when the scenario takes too long
	cmd   *exec.Cmd
	url   string // of the MCP endpoint; "" over stdio
	log   *lineLog
	out   *lineLog       // standard output, over stdio
	stdin io.WriteCloser // over stdio

	sent *counter // HTTP requests that are written, of all clients
	http *http.Client
}

// serving starts `gridflow http` over a root. Whatever goes wrong, the process is gone
// when the test ends.
func serving(t *testing.T, root string, args ...string) *running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return servingAs(t, self, root, args...)
}

func servingAs(t *testing.T, program, root string, args ...string) *running {
	t.Helper()
	return servingNamed(t, "gridflow", program, root, args...)
}

func servingNamed(t *testing.T, name, program, root string, args ...string) *running {
	t.Helper()
	r := launchNamed(t, name, program, append([]string{"http", "--listen=127.0.0.1:0", "--root=" + root, "--log-level=debug"}, unhurried(args...)...)...)
	line := r.log.await(t, 1, "serving MCP")[0]
	if r.url = regexp.MustCompile(`http://[0-9.:]+/mcp`).FindString(line); r.url == "" {
		t.Fatalf("no URL in %q", line)
	}
	return r
}

// unhurried puts before flags those that take the server's own bounds off what a call may take, calculate and wait: how long
// that is on this machine is not what the scenarios are about. Whoever waits for ever is stopped by patience. What a
// configuration file says of the classes would not hold beside flags.
func unhurried(args ...string) []string {
	flags := []string{"--tool-timeout=0", "--calc-budget=1h"}
	if !slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--config=") }) {
		flags = append(flags, "--class-fast=wait=1h", "--class-medium=wait=1h", "--class-slow=wait=1h")
	}
	return append(flags, args...)
}

// servingStdio starts `gridflow stdio` over a root and shakes hands with it.
func servingStdio(t *testing.T, root string, args ...string) *running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r := launch(t, self, append([]string{"stdio", "--root=" + root, "--log-level=debug"}, unhurried(args...)...)...)
	r.send(handshake)
	r.out.await(t, 1, `"id":0`)
	return r
}

// launch starts the program at a path as gridflow.
func launch(t *testing.T, program string, args ...string) *running {
	t.Helper()
	return launchNamed(t, "gridflow", program, args...)
}

// launchNamed starts the program at a path, which is told its name: this test binary is
// several programs.
func launchNamed(t *testing.T, name, program string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience(t))
	t.Cleanup(cancel)
	r := &running{t: t, ctx: ctx, cmd: exec.CommandContext(ctx, program, args...), sent: newCounter()}
	r.cmd.Args[0] = name
	r.cmd.Dir = t.TempDir()
	r.cmd.Env = append(os.Environ(), "GORACE="+quickRaceExit, "GRIDFLOW_STATE_DIR="+filepath.Join(r.cmd.Dir, "state"))
	var err error
	if r.stdin, err = r.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.out, r.log = newLineLog(stdout), newLineLog(stderr)
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	r.http = &http.Client{Transport: tracing{transport, r.sent}}
	t.Cleanup(func() {
		r.cmd.Process.Signal(syscall.SIGCONT) // in case it is frozen
		r.cmd.Process.Kill()
		r.cmd.Wait()
		transport.CloseIdleConnections()
		for _, line := range r.log.matching("DATA RACE") {
			t.Errorf("the server: %s", line)
		}
		if t.Failed() {
			t.Logf("the end of the server's log:\n%s", r.log.tail(30))
		}
	})
	return r
}

// send writes lines to standard input.
func (r *running) send(lines ...string) {
	r.t.Helper()
	if _, err := io.WriteString(r.stdin, strings.Join(lines, "\n")+"\n"); err != nil {
		r.t.Fatal(err)
	}
}

// freeze stops the process as it stands, so that what is sent to it meets it in the
// middle of what it does; thaw lets it go on.
func (r *running) freeze() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		r.t.Fatal(err)
	}
	for r.stat(3) != "T" {
		r.pause("the server stops")
	}
}

func (r *running) thaw() { r.cmd.Process.Signal(syscall.SIGCONT) }

// pause lets a moment pass between two looks at something that tells nobody when it
// changes, and gives up with the test.
func (r *running) pause(what string) {
	r.t.Helper()
	select {
	case <-time.After(2 * time.Millisecond):
	case <-r.ctx.Done():
		r.t.Fatalf("never seen: %s", what)
	}
}

// The process as the system sees it.

// proc reads a file of /proc about the process.
func (r *running) proc(name string) string {
	r.t.Helper()
	if runtime.GOOS != "linux" {
		r.t.Skip("what the server uses can be looked at on Linux only")
	}
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", r.cmd.Process.Pid, name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(data)
}

// stat gives a field of /proc/PID/stat behind the name, counted as its manual page does.
func (r *running) stat(field int) string {
	r.t.Helper()
	text := r.proc("stat")
	return strings.Fields(text[strings.LastIndexByte(text, ')')+1:])[field-3]
}

// named gives the number that follows a name in a file of /proc.
func (r *running) named(file, name string) int64 {
	r.t.Helper()
	_, rest, ok := strings.Cut("\n"+r.proc(file), "\n"+name+":")
	if !ok {
		r.t.Fatalf("/proc has no %s", name)
	}
	n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// bytesRead is what the process has read so far, from files and connections.
func (r *running) bytesRead() int64 { return r.named("io", "rchar") }

// peakMemory is the most that was resident since the start or forgetPeak, in bytes.
func (r *running) peakMemory() int64 { return r.named("status", "VmHWM") << 10 }

// forgetPeak makes the peak what is resident now.
func (r *running) forgetPeak() {
	r.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", r.cmd.Process.Pid), []byte("5"), 0); err != nil {
		r.t.Skipf("the peak of the server's memory cannot be reset here: %v", err)
	}
}

// cpuTicks is the processor time used so far, in hundredths of a second.
func (r *running) cpuTicks() int64 {
	r.t.Helper()
	user, _ := strconv.ParseInt(r.stat(14), 10, 64)
	system, _ := strconv.ParseInt(r.stat(15), 10, 64)
	return user + system
}

// untilIdle waits until the process has used no processor time to speak of for a
// twentieth of a second, and wanted none: where others have the processors, who has work
// to do may not get to it for longer. It gives how long that took to come.
func (r *running) untilIdle() time.Duration {
	r.t.Helper()
	start := time.Now()
	since, ticks := start, r.cpuTicks()
	for time.Since(since) < 50*time.Millisecond {
		r.pause("the server is idle")
		if now := r.cpuTicks(); now != ticks || r.wantsProcessor() {
			since, ticks = time.Now(), now
		}
	}
	return since.Sub(start)
}

// wantsProcessor tells whether one of the process's threads computes, or would if it had a processor.
func (r *running) wantsProcessor() bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", r.cmd.Process.Pid))
	for _, thread := range threads {
		text, _ := os.ReadFile(thread) // none of a thread that has ended meanwhile
		if _, state, ok := strings.Cut(string(text), ") "); ok && state[0] == 'R' {
			return true
		}
	}
	return false
}

// Clients.

// The two eras of the protocol, as the newest revision of each.
var eras = []string{"2025-11-25", "2026-07-28"}

// client opens a session of the SDK's client over HTTP.
func (r *running) client(era string) *mcp.ClientSession { return r.clientAs(era, "scenario", r.http) }

// clientFrom is client for a program of another machine, by the word of a proxy.
func (r *running) clientFrom(era, program, machine string) *mcp.ClientSession {
	return r.clientAs(era, program, &http.Client{Transport: forwarded{machine, r.http.Transport}})
}

// forwarded says for which machine its requests are.
type forwarded struct {
	machine string
	through http.RoundTripper
}

func (f forwarded) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("X-Forwarded-For", f.machine)
	return cmp.Or[http.RoundTripper](f.through, http.DefaultTransport).RoundTrip(req)
}

func (r *running) clientAs(era, program string, through *http.Client) *mcp.ClientSession {
	r.t.Helper()
	c := mcp.NewClient(&mcp.Implementation{Name: program, Version: "1"}, nil)
	session, err := c.Connect(r.t.Context(), &mcp.StreamableClientTransport{Endpoint: r.url, HTTPClient: through, DisableStandaloneSSE: true},
		&mcp.ClientSessionOptions{ProtocolVersion: era})
	if err != nil {
		r.t.Fatal(err)
	}
	if got := session.InitializeResult().ProtocolVersion; got != era {
		r.t.Fatalf("revision %s was negotiated, not %s", got, era)
	}
	r.t.Cleanup(func() { session.Close() })
	return session
}

// An answer is what a tool call came back with.
type answer struct {
	text   string
	failed bool // it is an error of the tool
}

// call calls a tool; args is JSON.
func call(ctx context.Context, s *mcp.ClientSession, tool, args string) (answer, error) {
	res, err := s.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: json.RawMessage(args)})
	if err != nil {
		return answer{}, err
	}
	var text []string
	for _, c := range res.Content {
		if c, ok := c.(*mcp.TextContent); ok {
			text = append(text, c.Text)
		}
	}
	return answer{strings.Join(text, "\n"), res.IsError}, nil
}

// mustCall is a call that has to succeed.
func mustCall(t *testing.T, s *mcp.ClientSession, tool, args string) string {
	t.Helper()
	a, err := call(t.Context(), s, tool, args)
	if err != nil || a.failed {
		t.Fatalf("%s %s: %s (%v)", tool, args, clipped(a.text), err)
	}
	return a.text
}

func clipped(s string) string {
	if len(s) > 500 {
		return s[:500] + "…"
	}
	return s
}

// tracing counts the requests whose last byte has been written.
type tracing struct {
	http.RoundTripper
	sent *counter
}

func (t tracing) RoundTrip(r *http.Request) (*http.Response, error) {
	trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { t.sent.add() }}
	return t.RoundTripper.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
}

// CloseIdleConnections closes those that are not in use, as http.Client asks for.
func (t tracing) CloseIdleConnections() {
	if c, ok := t.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// A counter can be waited for.
type counter struct {
	mu   sync.Mutex
	cond *sync.Cond
	n    int
}

func newCounter() *counter {
	c := new(counter)
	c.cond = sync.NewCond(&c.mu)
	return c
}

func (c *counter) add() {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	c.cond.Broadcast()
}

func (c *counter) value() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// await waits until it has been counted to n.
func (c *counter) await(ctx context.Context, n int) error {
	defer context.AfterFunc(ctx, c.cond.Broadcast)()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.n < n {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%d of %d: %w", c.n, n, err)
		}
		c.cond.Wait()
	}
	return nil
}

// A lineLog is what a process has written, line by line.
type lineLog struct {
	mu    sync.Mutex
	cond  *sync.Cond
	lines []string
	ended bool
	left  bool // nobody waits for lines any more
}

func newLineLog(r io.Reader) *lineLog {
	l := new(lineLog)
	l.cond = sync.NewCond(&l.mu)
	go func() {
		b := bufio.NewReader(r)
		for {
			line, err := b.ReadString('\n')
			l.mu.Lock()
			if line != "" {
				l.lines = append(l.lines, line)
			}
			l.ended = err != nil
			l.mu.Unlock()
			l.cond.Broadcast()
			if err != nil {
				return
			}
		}
	}()
	return l
}

// matching gives the lines so far that hold all of parts.
func (l *lineLog) matching(parts ...string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.matchingLocked(parts)
}

func (l *lineLog) matchingLocked(parts []string) (found []string) {
	for _, line := range l.lines {
		if containsAll(line, parts) {
			found = append(found, line)
		}
	}
	return found
}

func containsAll(s string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}

// await waits until n lines hold all of parts, and gives them.
func (l *lineLog) await(t *testing.T, n int, parts ...string) []string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		found := l.matchingLocked(parts)
		if len(found) >= n {
			return found
		}
		if l.ended { // at the latest when the process is killed
			t.Fatalf("%d lines with %q, want %d:\n%s", len(found), parts, n, strings.Join(l.lines, ""))
		}
		l.cond.Wait()
	}
}

// whole tells whether nothing comes any more.
func (l *lineLog) whole() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

func (l *lineLog) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines[max(0, len(l.lines)-n):], "")
}

// Files.

// writeFile makes a file, with the folders above it.
func writeFile(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// writeScript writes a script of the shell that can be executed at once.
func writeScript(t *testing.T, path, lines string) {
	t.Helper()
	writeProgram(t, path, []byte("#!/bin/sh\n"+lines))
}

// writeProgram writes what everybody can execute at once. No process is begun meanwhile: it would have the file open for
// writing as well, until it has become another program, and what is open for writing cannot be executed.
func writeProgram(t *testing.T, path string, text []byte) {
	t.Helper()
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, text, 0o700)
	syscall.ForkLock.RUnlock()
	if err == nil {
		err = os.Chmod(path, 0o755) // whatever the mask of who runs the tests
	}
	if err != nil {
		t.Fatal(err)
	}
}

// replaceFile puts a file in the place of another in one step.
func replaceFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.Rename(writeFile(t, path+".part", data), path); err != nil {
		t.Fatal(err)
	}
}

// exampleRoot gives a folder that holds copies of the examples.
func exampleRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS("../../examples")); err != nil {
		t.Fatal(err)
	}
	return root
}

// linked puts a shared file into a folder of its own.
func linked(t *testing.T, file string) (root string) {
	t.Helper()
	root = t.TempDir()
	if err := os.Link(file, filepath.Join(root, filepath.Base(file))); err != nil {
		t.Fatal(err)
	}
	return root
}

// sameTexts checks that all are equal and gives the first.
func sameTexts(t *testing.T, texts []string) string {
	t.Helper()
	for i, text := range texts {
		if text != texts[0] {
			t.Fatalf("answer %d differs: %s\nthe first: %s", i, clipped(text), clipped(texts[0]))
		}
	}
	return texts[0]
}
