package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/access"
	"gridflow/internal/tools"
)

// A site is a server over HTTP as tests use it.
type site struct {
	t      *testing.T
	server *Server
	url    string
}

func newSite(t *testing.T, rows []tools.Tool, o HTTPOptions) *site {
	t.Helper()
	return newSiteWith(t, Config{Version: "1.2.3", Tools: rows, ToolTimeout: time.Minute}, o)
}

func newSiteWith(t *testing.T, conf Config, o HTTPOptions) *site {
	t.Helper()
	s := New(conf)
	if o.Path == "" {
		o.Path = "/mcp"
	}
	h, err := s.Handler(o)
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(h)
	t.Cleanup(func() {
		ts.Close()
		for session := range s.mcp.Sessions() {
			_ = session.Close() // it may have ended by itself
		}
	})
	return &site{t, s, ts.URL}
}

// request makes a POST of a message with the headers that a client of the era sends.
func (s *site) request(ctx context.Context, message, session string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/mcp", strings.NewReader(message))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	var m struct {
		Method string `json:"method"`
		Params struct {
			Name string          `json:"name"`
			Meta json.RawMessage `json:"_meta"`
		} `json:"params"`
	}
	if json.Unmarshal([]byte(message), &m) == nil && strings.Contains(string(m.Params.Meta), "2026-07-28") {
		r.Header.Set("Mcp-Protocol-Version", "2026-07-28")
		r.Header.Set("Mcp-Method", m.Method)
		if m.Params.Name != "" {
			r.Header.Set("Mcp-Name", m.Params.Name)
		}
	} else if session != "" {
		r.Header.Set("Mcp-Protocol-Version", "2025-11-25")
		r.Header.Set("Mcp-Session-Id", session)
	}
	return r
}

// do sends a request and gives the answer with its whole body.
func (s *site) do(r *http.Request) (*http.Response, string) {
	s.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, string(body)
}

const initializeMessage = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`

// modernCall is a call of a tool in the era without sessions.
func modernCall(tool string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":%q,"arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}}}`, tool)
}

// legacyCall is a call of a tool in the era with sessions.
func legacyCall(tool string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":%q,"arguments":{}}}`, tool)
}

// open begins a session of the older era.
func (s *site) open() (session string) {
	s.t.Helper()
	resp, body := s.do(s.request(s.t.Context(), initializeMessage, ""))
	session = resp.Header.Get("Mcp-Session-Id")
	if resp.StatusCode != http.StatusOK || session == "" || !strings.Contains(body, `"protocolVersion":"2025-11-25"`) {
		s.t.Fatalf("initialize: %s, session %q: %s", resp.Status, session, body)
	}
	if resp, body := s.do(s.request(s.t.Context(), `{"jsonrpc":"2.0","method":"notifications/initialized"}`, session)); resp.StatusCode != http.StatusAccepted {
		s.t.Fatalf("initialized: %s: %s", resp.Status, body)
	}
	return session
}

// TestBothErasOnOneURL: neither era shuts the other out, a panic is answered in both,
// and proxies are told not to hold events back.
func TestBothErasOnOneURL(t *testing.T) {
	s := newSite(t, fixtureTools(), HTTPOptions{})
	session := s.open()
	for _, c := range []struct{ message, session, want string }{
		{modernCall("echo"), "", `"text":"{}"`},
		{legacyCall("echo"), session, `"text":"{}"`},
		{modernCall("panics"), "", `INTERNAL: something went wrong`},
		{legacyCall("panics"), session, `INTERNAL: something went wrong`},
	} {
		resp, body := s.do(s.request(t.Context(), c.message, c.session))
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, c.want) || strings.Contains(body, "secret") {
			t.Errorf("%s\n%s: %s", c.message, resp.Status, body)
		}
		if got := resp.Header.Get("X-Accel-Buffering"); got != "no" {
			t.Errorf("X-Accel-Buffering is %q", got)
		}
	}
	if resp, body := s.do(s.request(t.Context(), modernCall("ecko"), "")); resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "-32602") {
		t.Errorf("unknown tool: %s: %s", resp.Status, body)
	}
}

// TestClientOfTheSDK: the SDK's own client works over HTTP, progress included.
func TestClientOfTheSDK(t *testing.T) {
	rows := []tools.Tool{{
		Name: "steps", Title: "Steps", Toolset: "fixture", Core: true, Schema: anyObject,
		Call: func(ctx context.Context, _ *tools.Env, _ json.RawMessage) (*tools.Result, error) {
			tools.ReportProgress(ctx, 1, 2, "half")
			return &tools.Result{Text: "walked"}, nil
		},
	}}
	s := newSite(t, rows, HTTPOptions{})
	told := make(chan string, 1)
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) { told <- r.Params.Message },
	})
	session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: s.url + "/mcp"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	params := &mcp.CallToolParams{Name: "steps"}
	params.SetProgressToken("p")
	res, err := session.CallTool(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if text := res.Content[0].(*mcp.TextContent).Text; text != "walked" {
		t.Errorf("result %q", text)
	}
	if got := <-told; got != "half" {
		t.Errorf("progress %q", got)
	}
}

// TestEndOfSessionStopsTheWork: a client that ends its session waits for none of its calls.
func TestEndOfSessionStopsTheWork(t *testing.T) {
	started := make(chan bool)
	rows := []tools.Tool{{
		Name: "works", Title: "Works", Toolset: "fixture", Schema: anyObject,
		Call: func(ctx context.Context, _ *tools.Env, _ json.RawMessage) (*tools.Result, error) {
			started <- true
			<-ctx.Done()
			return nil, ctx.Err()
		},
	}}
	s := newSite(t, rows, HTTPOptions{})
	session, other := s.open(), s.open()
	ctx, leave := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	defer calls.Wait()
	defer leave()
	for _, id := range []string{session, other} {
		calls.Go(func() {
			if resp, err := http.DefaultClient.Do(s.request(ctx, legacyCall("works"), id)); err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
		<-started
	}
	end := s.request(t.Context(), "", session)
	end.Method, end.Body, end.ContentLength = http.MethodDelete, nil, 0
	if resp, body := s.do(end); resp.StatusCode != http.StatusNoContent {
		t.Errorf("ending a session: %s: %s", resp.Status, body)
	}
	if _, n := s.server.Drain(); n != 1 {
		t.Errorf("%d calls under way, want the one of the other session", n)
	}
}

// TestDisconnectStopsTheWork: in both eras a client that closes its connection cancels
// the call.
func TestDisconnectStopsTheWork(t *testing.T) {
	started, stopped := make(chan bool), make(chan error)
	rows := []tools.Tool{{
		Name: "works", Title: "Works", Toolset: "fixture", Schema: anyObject,
		Call: func(ctx context.Context, _ *tools.Env, _ json.RawMessage) (*tools.Result, error) {
			started <- true
			<-ctx.Done()
			stopped <- context.Cause(ctx)
			return nil, ctx.Err()
		},
	}}
	s := newSite(t, rows, HTTPOptions{})
	session := s.open()
	for _, r := range []struct{ era, message, session string }{
		{"modern", modernCall("works"), ""}, {"legacy", legacyCall("works"), session},
	} {
		ctx, leave := context.WithCancel(t.Context())
		gone := make(chan bool)
		go func() {
			if resp, err := http.DefaultClient.Do(s.request(ctx, r.message, r.session)); err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			gone <- true
		}()
		<-started
		leave()
		<-gone
		if cause := <-stopped; cause == nil {
			t.Errorf("%s: no cause", r.era)
		}
	}
}

func TestWhereRequestsComeFrom(t *testing.T) {
	s := newSite(t, fixtureTools(), HTTPOptions{AllowedOrigins: []string{"https://app.example.com"}, AllowedHosts: []string{"sheets.internal"}, Loopback: true})
	for _, c := range []struct {
		name         string
		method       string
		host, origin string
		fetchSite    string
		want         int
	}{
		{"no browser", "POST", "", "", "", 200},
		{"page of an allowed origin", "POST", "", "https://app.example.com", "cross-site", 200},
		{"page of its own", "POST", "", s.url, "same-origin", 200},
		{"page of another origin", "POST", "", "https://evil.example", "cross-site", 403},
		{"page of another origin reads", "GET", "", "https://evil.example", "cross-site", 403},
		{"page without origin", "POST", "", "", "cross-site", 403},
		{"rebound name", "POST", "evil.example:80", "", "", 403},
		{"rebound name reads", "GET", "evil.example", "", "", 403},
		{"address of another machine", "POST", "192.168.1.5:8079", "", "", 403},
		{"allowed host", "POST", "Sheets.Internal:8079", "", "", 200},
		{"localhost", "POST", "localhost:1", "", "", 200},
		{"six", "POST", "[::1]:8079", "", "", 200},
		{"question before", "OPTIONS", "", "https://app.example.com", "cross-site", 204},
		{"question before of another origin", "OPTIONS", "", "https://evil.example", "cross-site", 403},
	} {
		r := s.request(t.Context(), modernCall("echo"), "")
		r.Method, r.Host = c.method, c.host
		if c.method != "POST" {
			r.Body, r.ContentLength = nil, 0
		}
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if c.fetchSite != "" {
			r.Header.Set("Sec-Fetch-Site", c.fetchSite)
		}
		resp, body := s.do(r)
		if resp.StatusCode != c.want {
			t.Errorf("%s: %s, want %d: %s", c.name, resp.Status, c.want, body)
		}
		if resp.StatusCode == 403 && strings.Contains(body, `""`) {
			t.Errorf("%s: what was not sent is quoted: %s", c.name, body)
		}
		allowed := resp.Header.Get("Access-Control-Allow-Origin")
		if want := c.origin; resp.StatusCode == 403 && allowed != "" || resp.StatusCode < 300 && allowed != want {
			t.Errorf("%s: Access-Control-Allow-Origin is %q", c.name, allowed)
		}
		if exposed := resp.Header.Get("Access-Control-Expose-Headers"); allowed != "" && !strings.Contains(exposed, "Retry-After") {
			t.Errorf("%s: a page may read %q", c.name, exposed)
		}
	}
}

// TestBodyLimit: a body above the limit is refused, whether its length is told or found
// out, and one at the limit is not.
func TestBodyLimit(t *testing.T) {
	h, err := New(Config{Tools: fixtureTools()}).Handler(HTTPOptions{Path: "/mcp"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		size   int
		told   bool
		status int
	}{
		{bodyMax, true, http.StatusBadRequest}, {bodyMax, false, http.StatusBadRequest}, // for it is no JSON
		{bodyMax + 1, true, http.StatusRequestEntityTooLarge}, {bodyMax + 1, false, http.StatusRequestEntityTooLarge},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://localhost/mcp", strings.NewReader(strings.Repeat("x", c.size)))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		if !c.told {
			r.ContentLength = -1
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%d bytes (told: %v): status %d, want %d", c.size, c.told, w.Code, c.status)
		}
	}
}

// TestEncodedBody: what is compressed is not unpacked, and its sender is told so.
func TestEncodedBody(t *testing.T) {
	h, err := New(Config{Tools: fixtureTools()}).Handler(HTTPOptions{Path: "/mcp"})
	if err != nil {
		t.Fatal(err)
	}
	for coding, want := range map[string]int{"gzip": http.StatusUnsupportedMediaType, "identity, br": http.StatusUnsupportedMediaType, "Identity": http.StatusBadRequest} { // the last for its body alone
		r := httptest.NewRequest(http.MethodPost, "http://localhost/mcp", strings.NewReader("x"))
		r.Header.Set("Content-Encoding", coding)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d %s, want %d", coding, w.Code, w.Body, want)
		}
	}
}

// TestStrangersFillNoLog: whoever asks with names that are not served, or from pages that may not, however often, leaves some lines
// in the log and no more, and none that is long.
func TestStrangersFillNoLog(t *testing.T) {
	var out bytes.Buffer
	h, err := New(Config{Tools: fixtureTools(), Log: slog.New(slog.NewTextHandler(&out, nil))}).Handler(HTTPOptions{Path: "/mcp", Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 50_000)
	for range 500 {
		for _, c := range []struct{ host, origin string }{{"a." + long, ""}, {"localhost", "https://" + long}} {
			r := httptest.NewRequest(http.MethodPost, "http://localhost/mcp", strings.NewReader("{}"))
			r.Host = c.host
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusForbidden || w.Body.Len() > 1000 {
				t.Fatalf("status %d with %d bytes", w.Code, w.Body.Len())
			}
		}
	}
	if n := strings.Count(out.String(), "\n"); n == 0 || n > 2*access.SparingBurst || out.Len() > n*1000 {
		t.Errorf("%d lines, %d bytes", n, out.Len())
	}
}

// TestHandshakesFillNoLog: whoever shakes hands again and again, or before his time, leaves some lines
// in the log, and none that takes it for a fault of the server.
func TestHandshakesFillNoLog(t *testing.T) {
	var log lockedBuffer
	s := newSiteWith(t, Config{Tools: fixtureTools(), Log: slog.New(slog.NewTextHandler(&log, nil))}, HTTPOptions{})
	session := s.open()
	initialized := strings.Replace(strings.Replace(initializeMessage, `"id":1,`, "", 1), "initialize", "notifications/initialized", 1)
	early := strings.Replace(modernCall("echo"), "tools/call", methodPing, 1)
	for range 100 {
		for _, message := range []string{initializeMessage, initialized} {
			s.do(s.request(t.Context(), message, session))
		}
		s.do(s.request(t.Context(), early, ""))
	}
	text := log.String()
	if n := strings.Count(text, "\n"); n == 0 || n > 2*access.SparingBurst || strings.Contains(text, "level=ERROR") {
		t.Errorf("%d lines: %.1000s", n, text)
	}
}

// TestIdleSessionsAreSmall: a session keeps neither what it was begun with nor what it was told last, however
// long that was: there may be thousands, for half an hour.
func TestIdleSessionsAreSmall(t *testing.T) {
	// The timers of many sessions, and one that is due before those of the calls: beside them the runtime holds on
	// to the stopped ones, and so to what their functions refer to.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for range 10_000 {
		defer time.AfterFunc(time.Hour, func() {}).Stop()
	}
	defer time.AfterFunc(10*time.Second, func() {}).Stop()
	long := strings.Repeat("x", bodyMax/8)
	handshake := strings.NewReplacer(
		`"name":"test"`, `"name":"test`+long+`","icons":[{"src":"a"}]`,
		`"capabilities":{}`, `"capabilities":{"experimental":{"a":{}},"extensions":{"b/c":{}}},"_meta":{"d":1}`).Replace(initializeMessage)
	live := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	for name, message := range map[string]string{
		"initialize":  "",
		"initialized": `{"jsonrpc":"2.0","method":"notifications/initialized","params":{"_meta":{"a":"` + long[:keptMax-100] + `"}}}`,
		"call":        strings.Replace(legacyCall("echo"), `{}`, `{"a":"`+long+`"}`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, fixtureTools(), HTTPOptions{})
			s.open()
			const sessions = 20
			before := live()
			for range sessions {
				resp, body := s.do(s.request(t.Context(), handshake, ""))
				session := resp.Header.Get("Mcp-Session-Id")
				if session == "" {
					t.Fatalf("%s: %.300s", resp.Status, body)
				}
				if message != "" {
					if resp, body := s.do(s.request(t.Context(), message, session)); resp.StatusCode >= 300 {
						t.Fatalf("%s: %.300s", resp.Status, body)
					}
				}
			}
			if resp, _ := s.do(s.request(t.Context(), `{"jsonrpc":"2.0","method":"notifications/initialized","params":{"_meta":{"a":"`+long+`"}}}`, s.open())); resp.StatusCode != http.StatusBadRequest {
				t.Errorf("a long notification: %s", resp.Status)
			}
			if each := (live() - before) / sessions; each > bodyMax/32 {
				t.Errorf("an idle session keeps %d bytes", each)
			}
			for session := range s.server.mcp.Sessions() {
				if p := session.InitializeParams(); !strings.HasPrefix(p.ClientInfo.Name, "test") || p.ClientInfo.Version != "1" || len(p.ClientInfo.Name) > handshakeTextMax || p.Capabilities.Experimental != nil || p.Capabilities.Extensions != nil {
					t.Errorf("a session keeps a name of %d bytes, %v and %v", len(p.ClientInfo.Name), p.Capabilities.Experimental, p.Capabilities.Extensions)
				}
			}
		})
	}
}

// TestMaxSessions: sessions are bounded, those there are go on, the newer era is not
// concerned, and the end of one makes room.
func TestMaxSessions(t *testing.T) {
	s := newSite(t, fixtureTools(), HTTPOptions{MaxSessions: 2})
	first, second := s.open(), s.open()
	for _, session := range []string{first, second} {
		s.do(s.request(t.Context(), legacyCall("echo"), session))
	}
	if resp, body := s.do(s.request(t.Context(), initializeMessage, "")); resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a third session: %s: %s", resp.Status, body)
	}
	for _, r := range []*http.Request{s.request(t.Context(), legacyCall("echo"), first), s.request(t.Context(), modernCall("echo"), "")} {
		if resp, body := s.do(r); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", resp.Status, body)
		}
	}
	end := s.request(t.Context(), "", first)
	end.Method, end.Body, end.ContentLength = http.MethodDelete, nil, 0
	if resp, body := s.do(end); resp.StatusCode != http.StatusNoContent {
		t.Errorf("ending a session: %s: %s", resp.Status, body)
	}
	s.open()
}

// TestUnusedSessions: sessions that were opened and never used shut nobody out; the oldest
// of them goes, and none that is used.
func TestUnusedSessions(t *testing.T) {
	s := newSite(t, fixtureTools(), HTTPOptions{MaxSessions: 3})
	used, oldest, later := s.open(), s.open(), s.open()
	s.do(s.request(t.Context(), legacyCall("echo"), used))
	next := s.open()
	for session, want := range map[string]int{used: http.StatusOK, oldest: http.StatusNotFound, later: http.StatusOK, next: http.StatusOK} {
		if resp, body := s.do(s.request(t.Context(), legacyCall("echo"), session)); resp.StatusCode != want {
			t.Errorf("%s, want %d: %s", resp.Status, want, body)
		}
	}
}

// TestSessionsOfOneMachine: a machine that opens sessions and uses them all has a quarter of
// what there may be, and shuts nobody else out.
func TestSessionsOfOneMachine(t *testing.T) {
	s := newSite(t, fixtureTools(), HTTPOptions{MaxSessions: 8, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	from := func(machine string) (status int, session string) {
		r := s.request(t.Context(), initializeMessage, "")
		r.Header.Set("X-Forwarded-For", machine)
		resp, _ := s.do(r)
		session = resp.Header.Get("Mcp-Session-Id")
		if session != "" {
			r := s.request(t.Context(), legacyCall("echo"), session)
			r.Header.Set("X-Forwarded-For", machine)
			for range 2 { // it is used
				s.do(r.Clone(t.Context()))
			}
		}
		return resp.StatusCode, session
	}
	for i := range 12 {
		if status, _ := from("198.51.100.7"); (status == http.StatusOK) != (i < 2) {
			t.Errorf("session %d of one machine: %d", i, status)
		}
	}
	for i := range 2 {
		if status, _ := from("203.0.113.9"); status != http.StatusOK {
			t.Errorf("session %d of another machine: %d", i, status)
		}
	}
}

// deadlines is a ResponseWriter that notes how long a write may take.
type deadlines struct {
	*httptest.ResponseRecorder
	least time.Duration // until the next write
	reads []time.Time   // until when
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.reads = append(d.reads, at)
	return nil
}

func (d *deadlines) SetWriteDeadline(at time.Time) error {
	if left := time.Until(at); d.least == 0 || left < d.least {
		d.least = left
	}
	return nil
}

// TestPatience: who does not read notices is given up sooner than who does not read an
// answer, which it has asked for. The time for a body holds for nothing that follows it.
func TestPatience(t *testing.T) {
	h, err := New(Config{Tools: fixtureTools()}).Handler(HTTPOptions{Path: "/mcp"})
	if err != nil {
		t.Fatal(err)
	}
	for method, want := range map[string]time.Duration{http.MethodGet: noticeTimeout, http.MethodPost: writeTimeout} {
		d := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest(method, "http://localhost/mcp", strings.NewReader(initializeMessage))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		if method == http.MethodGet {
			r.Header.Set("Mcp-Session-Id", "none") // the answer is written to the stream, too
		}
		h.ServeHTTP(d, r)
		if n := len(d.reads); method == http.MethodPost && (n != 2 || d.reads[0].IsZero() || !d.reads[1].IsZero()) {
			t.Errorf("the time that the body has is %v, and is over when it is there", d.reads)
		}
		// The clock moves while the request is served.
		if d.least > want || d.least < want-want/4 {
			t.Errorf("%s: %v, want %v", method, d.least, want)
		}
	}
}

func TestOtherPaths(t *testing.T) {
	s := newSite(t, fixtureTools(), HTTPOptions{Path: "/sheets"})
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/healthz": {200, "ok\n"},
		"/readyz":  {200, "ready\n"},
		"/mcp":     {404, "nothing is served here; the MCP endpoint is /sheets\n"},
	} {
		resp, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want.status || string(body) != want.body {
			t.Errorf("%s: %s: %q", path, resp.Status, body)
		}
	}
}

// TestDrainUnusedConnection: a connection that its client has opened and not used is
// nobody who is cut off when the server stops.
func TestDrainUnusedConnection(t *testing.T) {
	srv := New(Config{Version: "1.2.3", Tools: fixtureTools()})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.ServeHTTP(ctx, l, HTTPOptions{Path: "/mcp", Loopback: true}, time.Hour) }()
	unused, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer unused.Close()
	// Connections are taken in their order: that one is with the server when this is answered.
	resp, err := http.Get("http://" + l.Addr().String() + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if data, err := io.ReadAll(unused); len(data) > 0 {
		t.Errorf("the unused connection got %q (%v)", data, err)
	}
}

// TestDrain: from the moment the server is told to stop it is not ready and takes no
// new calls, a call in flight finishes and is answered, streams end, and it returns.
func TestDrain(t *testing.T) {
	started, finish := make(chan bool), make(chan bool)
	rows := append(fixtureTools(), tools.Tool{
		Name: "works", Title: "Works", Toolset: "fixture", Schema: anyObject,
		Call: func(context.Context, *tools.Env, json.RawMessage) (*tools.Result, error) {
			started <- true
			<-finish
			return &tools.Result{Text: "finished"}, nil
		},
	})
	srv := New(Config{Version: "1.2.3", Tools: rows})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- srv.ServeHTTP(ctx, l, HTTPOptions{Path: "/mcp", Loopback: true}, time.Hour)
	}()
	s := &site{t, srv, "http://" + l.Addr().String()}
	session := s.open()

	stream := s.request(ctx, "", session)
	stream.Method, stream.Body, stream.ContentLength = http.MethodGet, nil, 0
	streaming, err := http.DefaultClient.Do(stream.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer streaming.Body.Close()

	answers := make(chan string, 2)
	for _, r := range []*http.Request{
		s.request(t.Context(), modernCall("works"), ""), s.request(t.Context(), legacyCall("works"), session),
	} {
		go func() {
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				answers <- err.Error()
				return
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			answers <- string(body)
		}()
		<-started
	}
	stop()
	if _, err := io.ReadAll(bufio.NewReader(streaming.Body)); err != nil { // waits for the end of the stream
		t.Errorf("the stream broke: %v", err)
	}
	resp, err := http.Get(s.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("readyz: %s", resp.Status)
	}
	if _, body := s.do(s.request(t.Context(), modernCall("echo"), "")); !strings.Contains(body, "DRAINING") {
		t.Errorf("a new call was not refused: %s", body)
	}
	close(finish)
	for range 2 {
		if got := <-answers; !strings.Contains(got, "finished") {
			t.Errorf("a call in flight got %q", got)
		}
	}
	if err := <-ended; err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// TestStreamKeepalive: a silent stream gets comments, and nothing is written before the
// first event or after the end.
func TestStreamKeepalive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := httptest.NewRecorder()
		s := newEventStream(w, "unanswered")
		s.Header().Set("Content-Type", "text/event-stream")
		time.Sleep(time.Minute)
		io.WriteString(s, "data: 1\n\n")
		time.Sleep(streamKeepalive*2 + time.Second)
		s.stop()
		time.Sleep(time.Minute)
		if got, want := w.Body.String(), "data: 1\n\n: keepalive\n\n: keepalive\n\n"; got != want {
			t.Errorf("stream holds %q, want %q", got, want)
		}

		w = httptest.NewRecorder()
		s = newEventStream(w, "unanswered")
		s.Header().Set("Content-Type", "application/json")
		io.WriteString(s, "{}")
		time.Sleep(time.Minute)
		if got := w.Body.String(); got != "{}" {
			t.Errorf("JSON became %q", got)
		}
	})
}
