package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// A process is the program running as a process of its own.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr *bufio.Reader
	told   *bufio.Reader // what the tool "waits" tells
	goOn   *os.File      // a line lets it go on
}

// start runs the fixture program. Whatever goes wrong, the process is gone when the test
// ends.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience(t))
	t.Cleanup(cancel)
	p := &process{t: t, cmd: exec.CommandContext(ctx, self, args...)}
	p.cmd.Args[0] = "gridflow-fixture"
	p.cmd.Dir = t.TempDir()
	p.cmd.Env = append(os.Environ(), "GORACE="+quickRaceExit)
	told, tell, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	release, goOn, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.ExtraFiles = []*os.File{tell, release}
	p.told, p.goOn = bufio.NewReader(told), goOn
	p.stdin, err = p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdout, p.stderr = bufio.NewReader(stdout), bufio.NewReader(stderr)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tell.Close()
	release.Close()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		told.Close()
		goOn.Close()
	})
	return p
}

// send writes lines to the program.
func (p *process) send(lines ...string) {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, strings.Join(lines, "\n")+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// expect reads one line and checks that it holds want; on stdout it must be JSON too.
func (p *process) expect(r *bufio.Reader, want string) string {
	p.t.Helper()
	line, err := r.ReadString('\n')
	if err != nil || !strings.Contains(line, want) {
		p.t.Fatalf("read %q (%v), want %q", line, err, want)
	}
	if r == p.stdout && !json.Valid([]byte(line)) {
		p.t.Fatalf("no JSON on standard output: %q", line)
	}
	return line
}

// end waits for the program and checks its exit code and that nothing more was said.
func (p *process) end(code int) (log string) {
	p.t.Helper()
	logged := make(chan string)
	go func() {
		data, _ := io.ReadAll(p.stderr)
		logged <- string(data)
	}()
	rest, _ := io.ReadAll(p.stdout)
	log = <-logged
	p.cmd.Wait()
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("exit code %d, want %d (%v)\n%s", got, code, p.cmd.ProcessState, log)
	}
	if len(rest) > 0 {
		p.t.Errorf("more on standard output: %q", rest)
	}
	return log
}

const handshake = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}`

func toolCall(id int, name string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":{}}}`, id, name)
}

func statelessCall(name string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":%q,"arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}}}`, name)
}

// TestStdioSurvives: a malformed line, a panic and output that strays are survived, and
// standard output carries nothing but the protocol.
func TestStdioSurvives(t *testing.T) {
	t.Parallel()
	p := start(t, "stdio")
	p.send(handshake)
	p.expect(p.stdout, `"protocolVersion":"2025-11-25"`)
	p.send("this is no JSON")
	p.expect(p.stdout, "-32700")
	p.send(toolCall(1, "panics"))
	p.expect(p.stdout, "INTERNAL: something went wrong")
	p.send(toolCall(2, "prints"))
	p.expect(p.stdout, "printed")
	p.send(statelessCall("echo"))
	p.expect(p.stdout, `"id":9,"result"`)
	p.stdin.Close()
	log := p.end(exitOK)
	for _, want := range []string{"stray output", "some detail", "main_test.go"} { // the stack too
		if !strings.Contains(log, want) {
			t.Errorf("standard error has no %q:\n%s", want, log)
		}
	}
}

// TestStdioDrainsAtEndOfInput: a call in flight when the input ends is finished and
// answered.
func TestStdioDrainsAtEndOfInput(t *testing.T) {
	t.Parallel()
	p := start(t, "stdio")
	p.send(handshake, toolCall(1, "waits"))
	p.expect(p.stdout, `"id":0`)
	p.expect(p.told, "begun")
	p.stdin.Close()
	fmt.Fprintln(p.goOn)
	p.expect(p.stdout, "waited")
	p.end(exitOK)
}

// TestStdioDrainsOnSIGTERM: the same for SIGTERM, and new calls are refused meanwhile.
func TestStdioDrainsOnSIGTERM(t *testing.T) {
	t.Parallel()
	p := start(t, "stdio", "--drain-timeout=10m")
	p.expect(p.stderr, "serving MCP")
	p.send(handshake, toolCall(1, "waits"))
	p.expect(p.stdout, `"id":0`)
	p.expect(p.told, "begun")
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.expect(p.stderr, "stopping budget=10m0s")
	p.send(toolCall(2, "echo"))
	p.expect(p.stdout, "DRAINING")
	fmt.Fprintln(p.goOn)
	p.expect(p.stdout, "waited")
	p.end(exitOK)
}

// TestDrainTimeout: a call that does not finish in time is cut off, and the exit code
// says so.
func TestDrainTimeout(t *testing.T) {
	t.Parallel()
	p := start(t, "stdio", "--drain-timeout=1ms")
	p.send(handshake, toolCall(1, "waits"))
	p.expect(p.stdout, `"id":0`)
	p.expect(p.told, "begun")
	p.stdin.Close()
	p.expect(p.told, "stopped")
	p.expect(p.stdout, "DRAINING")
	p.end(exitError)
}

// TestSecondSignal: who does not want to wait does not have to.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	p := start(t, "stdio")
	p.expect(p.stderr, "serving MCP")
	p.send(handshake, toolCall(1, "waits"))
	p.expect(p.stdout, `"id":0`)
	p.expect(p.told, "begun")
	p.cmd.Process.Signal(syscall.SIGINT)
	p.expect(p.stderr, "stopping")
	p.cmd.Process.Signal(syscall.SIGINT)
	p.end(exitError)
}

// serveHTTP starts the program on a port of the system's choice and gives its URL.
func serveHTTP(t *testing.T, args ...string) (p *process, url string) {
	t.Helper()
	p = start(t, append([]string{"http", "--listen=127.0.0.1:0"}, args...)...)
	line := p.expect(p.stderr, "serving MCP")
	url = regexp.MustCompile(`http://[0-9.:]+/mcp`).FindString(line)
	if url == "" {
		t.Fatalf("no URL in %q", line)
	}
	return p, url
}

func post(ctx context.Context, t *testing.T, url, message string, change func(*http.Request)) (int, string, error) {
	t.Helper()
	return postBy(ctx, t, http.DefaultClient, url, message, change)
}

// postBy is post by another client.
func postBy(ctx context.Context, t *testing.T, client *http.Client, url, message string, change func(*http.Request)) (int, string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("Mcp-Protocol-Version", "2026-07-28")
	r.Header.Set("Mcp-Method", "tools/call")
	var m struct{ Params struct{ Name string } }
	if json.Unmarshal([]byte(message), &m) == nil {
		r.Header.Set("Mcp-Name", m.Params.Name)
	}
	if change != nil {
		change(r)
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// TestHTTPRefusals: what a page of another origin, a rebound name and an oversized body
// get; and that the server goes on after a panic.
func TestHTTPRefusals(t *testing.T) {
	t.Parallel()
	p, url := serveHTTP(t)
	for _, c := range []struct {
		name, message string
		change        func(*http.Request)
		status        int
		body          string
	}{
		{"panic", statelessCall("panics"), nil, 200, "INTERNAL"},
		{"origin", statelessCall("echo"), func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403, "--allowed-origins"},
		{"host", statelessCall("echo"), func(r *http.Request) { r.Host = "evil.example" }, 403, "--allowed-hosts"},
		{"an address that is not this machine's", statelessCall("echo"), func(r *http.Request) { r.Host = "192.0.2.1" }, 403, "--allowed-hosts"},
		{"malformed", "{", nil, 400, "not valid JSON"},
		{"fine", statelessCall("echo"), nil, 200, `"resultType":"complete"`},
	} {
		status, body, err := post(t.Context(), t, url, c.message, c.change)
		if err != nil || status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s: %d %q (%v), want %d with %q", c.name, status, body, err, c.status, c.body)
		}
	}
	// The server does not wait for the rest of a body that is declared too large. Nor does the client send any of it
	// before the server has said that it may, however long that takes: an answer is lost where both sides are busy sending.
	patient := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: patience(t)}}
	defer patient.CloseIdleConnections()
	status, _, err := postBy(t.Context(), t, patient, url, "x", func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(neverEnding{}), 1<<40
		r.Header.Set("Expect", "100-continue")
	})
	if err != nil || status != http.StatusRequestEntityTooLarge {
		t.Errorf("body: %d (%v), want 413", status, err)
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.end(exitOK)
}

type neverEnding struct{}

func (neverEnding) Read(b []byte) (int, error) { return len(b), nil }

// TestHTTPDisconnect: a client that leaves stops the work it asked for.
func TestHTTPDisconnect(t *testing.T) {
	t.Parallel()
	p, url := serveHTTP(t)
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, _, err := post(ctx, t, url, statelessCall("waits"), nil)
		gone <- err
	}()
	p.expect(p.told, "begun")
	leave()
	if err := <-gone; err == nil {
		t.Error("the client got an answer")
	}
	p.expect(p.told, "stopped")
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.end(exitOK)
}

// TestHTTPDrainsOnSIGTERM: not ready at once, calls in flight finish, exit code 0.
func TestHTTPDrainsOnSIGTERM(t *testing.T) {
	t.Parallel()
	p, url := serveHTTP(t)
	answer := make(chan string)
	go func() {
		_, body, err := post(t.Context(), t, url, statelessCall("waits"), nil)
		answer <- fmt.Sprint(body, err)
	}()
	p.expect(p.told, "begun")
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.expect(p.stderr, "stopping")
	if _, body, err := post(t.Context(), t, url, statelessCall("echo"), nil); !strings.Contains(body, "DRAINING") {
		t.Errorf("a new call got %s (%v)", body, err)
	}
	resp, err := http.Get(strings.TrimSuffix(url, "/mcp") + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("readyz: %s", resp.Status)
	}
	fmt.Fprintln(p.goOn)
	if got := <-answer; !strings.Contains(got, "waited") {
		t.Errorf("the call in flight got %s", got)
	}
	p.end(exitOK)
}

// TestPortInUse: the message names the address and the way out.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	_, url := serveHTTP(t)
	addr := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/mcp")
	p := start(t, "http", "--listen="+addr)
	log := p.end(exitError)
	if !strings.Contains(log, addr) || !strings.Contains(log, "--listen") {
		t.Errorf("log: %s", log)
	}
}
