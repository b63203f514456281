package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A Target is the server that is put under load: one that listens at URL, or a Program that
// serves stdio and is started once for each session, as hosts do.
type Target struct {
	URL     string
	Program Program
	Era     string   // the revision of the protocol to ask for; "" lets the client choose
	Dialect *Dialect // nil: gridflow's

	// Tokens are the bearer tokens that sessions over HTTP send, by the name of their principal (Group.As); under
	// "" that of all others. See [ReadTokens].
	Tokens map[string]string

	// PID is the process of a server at URL, whose memory and processor time the result
	// tells; 0: they are not known. Those of a Program are known without it.
	PID int

	// dial stands in for both in tests.
	dial func(ctx context.Context, who caller) (session, error)
}

// String says which server it is.
func (t Target) String() string {
	if t.Program.Line != nil {
		return "stdio: " + strings.Join(t.Program.Line, " ")
	}
	return t.URL
}

// A Program is a command to start.
type Program struct {
	Line []string // its name and its arguments
	File string   // what is executed; "": what the name means
	Env  []string // NAME=value, beside this process's own
	Dir  string   // where it runs; "": here
}

func (p Program) command() *exec.Cmd {
	cmd := exec.Command(cmp.Or(p.File, p.Line[0]), p.Line[1:]...)
	cmd.Args[0] = p.Line[0]
	cmd.Dir = p.Dir
	cmd.Env = append(cmd.Environ(), p.Env...)
	ownGroup(cmd)
	return cmd
}

// A caller is who opens a session.
type caller struct {
	principal string // the program's name
	slow      int    // bytes a second of answers; 0: no bound
	headers   map[string]string
	token     string // "": none is sent
}

// A session is a conversation with the server.
type session interface {
	CallTool(context.Context, *mcp.CallToolParams) (*mcp.CallToolResult, error)
	Close() error
}

// A dialer opens sessions with a target. Any number may be opened at once.
type dialer struct {
	target Target
	web    *http.Transport // all connections over HTTP

	mu   sync.Mutex
	pids []int // of the processes that serve now
}

func newDialer(t Target) *dialer {
	web := http.DefaultTransport.(*http.Transport).Clone()
	web.Proxy = nil // what is measured is the server
	web.MaxIdleConnsPerHost, web.MaxConnsPerHost, web.MaxIdleConns = 4096, 0, 0
	d := &dialer{target: t, web: web}
	if t.PID != 0 {
		d.pids = []int{t.PID}
	}
	return d
}

// open opens a session, which lives as long as ctx at most; opening ends with openCtx.
func (d *dialer) open(ctx, openCtx context.Context, who caller) (session, error) {
	if err := openCtx.Err(); err != nil {
		return nil, err
	}
	switch {
	case d.target.dial != nil:
		return d.target.dial(openCtx, who)
	case d.target.Program.Line != nil:
		return d.openProcess(ctx, openCtx, who)
	}
	var through http.RoundTripper = d.web
	if who.slow > 0 || len(who.headers) > 0 {
		through = mannered{d.web, who}
	}
	if who.token != "" {
		at, err := url.Parse(d.target.URL)
		if err != nil {
			return nil, err
		}
		through = bearing{through, at.Host, who.token}
	}
	s, err := d.connect(ctx, openCtx, who, &mcp.StreamableClientTransport{Endpoint: d.target.URL, HTTPClient: &http.Client{Transport: through}, DisableStandaloneSSE: true})
	if err != nil {
		return nil, err // and no session that is a nil pointer
	}
	return s, nil
}

// connect shakes hands. The session's context is ctx; openCtx ends no more than the handshake.
func (d *dialer) connect(ctx, openCtx context.Context, who caller, through mcp.Transport) (*mcp.ClientSession, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(openCtx, cancel)()
	client := mcp.NewClient(&mcp.Implementation{Name: who.principal, Version: "1"}, nil)
	s, err := client.Connect(ctx, through, &mcp.ClientSessionOptions{ProtocolVersion: d.target.Era})
	if err != nil {
		cancel()
		if openCtx.Err() != nil && !errors.Is(err, context.Cause(openCtx)) {
			err = fmt.Errorf("%w (%w)", context.Cause(openCtx), err)
		}
		return nil, err
	}
	return s, nil
}

// openProcess starts the command and shakes hands with it.
func (d *dialer) openProcess(ctx, openCtx context.Context, who caller) (session, error) {
	cmd := d.target.Program.command()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	said := new(lastWords)
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{dialer: d, cmd: cmd, ended: make(chan struct{})}
	d.mu.Lock()
	d.pids = append(d.pids, cmd.Process.Pid)
	d.mu.Unlock()
	reader := stdout
	if who.slow > 0 {
		reader = &slowReader{stdout, who.slow}
	}
	s, err := d.connect(ctx, openCtx, who, &mcp.IOTransport{Reader: reader, Writer: stdin, MaxLineLength: -1})
	if err != nil {
		stdin.Close()
		p.stop()
		return nil, fmt.Errorf("%w; it said: %s", err, cmp.Or(said.String(), "nothing"))
	}
	p.ClientSession = s
	return p, nil
}

// A process is a session with a process of its own.
type process struct {
	*mcp.ClientSession
	dialer *dialer
	cmd    *exec.Cmd
	ended  chan struct{}
}

// Close ends the conversation, and then the process, which has some seconds for it.
func (p *process) Close() error {
	err := p.ClientSession.Close() // closes its standard input
	return errors.Join(err, p.stop())
}

// goodbye is what a server may take to end once its input has ended.
const goodbye = 5 * time.Second

func (p *process) stop() error {
	timer := time.AfterFunc(goodbye, func() { killGroup(p.cmd) })
	err := p.cmd.Wait()
	timer.Stop()
	killGroup(p.cmd) // what it has left behind
	p.dialer.mu.Lock()
	defer p.dialer.mu.Unlock()
	for i, pid := range p.dialer.pids {
		if pid == p.cmd.Process.Pid {
			p.dialer.pids = append(p.dialer.pids[:i], p.dialer.pids[i+1:]...)
			break
		}
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil // how it ends is not what is measured
	}
	return err
}

// serving gives the processes that serve now.
func (d *dialer) serving() []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]int(nil), d.pids...)
}

// mannered gives requests their headers, and reads answers as slowly as it was told to.
type mannered struct {
	through http.RoundTripper
	who     caller
}

func (m mannered) RoundTrip(r *http.Request) (*http.Response, error) {
	if len(m.who.headers) > 0 {
		r = r.Clone(r.Context())
		for name, value := range m.who.headers {
			r.Header.Set(name, value)
		}
	}
	resp, err := m.through.RoundTrip(r)
	if err == nil && m.who.slow > 0 {
		resp.Body = &slowReader{resp.Body, m.who.slow}
	}
	return resp, err
}

// A slowReader reads no more than so many bytes a second, in small pieces, so that what is
// written to it stands in the buffers of the connection.
type slowReader struct {
	io.ReadCloser
	rate int
}

func (s *slowReader) Read(p []byte) (int, error) {
	piece := max(s.rate/10, 1)
	n, err := s.ReadCloser.Read(p[:min(len(p), piece)])
	if n > 0 {
		time.Sleep(seconds(float64(n) / float64(s.rate)))
	}
	return n, err
}

// lastWords keeps the end of what is written to it.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

func (l *lastWords) Write(p []byte) (int, error) {
	const kept = 2048
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if len(l.text) > kept {
		l.text = append([]byte(nil), l.text[len(l.text)-kept:]...)
	}
	return len(p), nil
}

func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(string(l.text))
}
