package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"gridflow/flow"
	"gridflow/internal/obs"
	"gridflow/internal/tools"
)

// schedule is a gate with room for one call that waits, and one seat for all but the admin
// class; work of any tool but "status" is of the fast class.
func schedule(t *testing.T, change func(*flow.Config)) (*Flow, *obs.Metrics) {
	t.Helper()
	conf := flow.Defaults(2, 0)
	conf.QueueMax = 10
	for i := range conf.Classes[flow.Fast:] {
		conf.Classes[flow.Fast+i].Limit = 1
	}
	if change != nil {
		change(&conf)
	}
	m := obs.NewMetrics("1.2.3", conf.Classes)
	gate, err := flow.New(conf, m.Listener())
	if err != nil {
		t.Fatal(err)
	}
	return &Flow{Gate: gate, Costs: new(flow.Costs), Price: func(_ context.Context, c Call) flow.Work {
		w := flow.Work{Kind: flow.Kind{Name: "resources/read"}, Class: flow.Fast, Need: flow.Amounts{1}}
		if c.Tool != nil {
			w.Kind.Name = c.Tool.Name
			if c.Tool.Reach == tools.ReachNothing {
				w.Class, w.Need = flow.Admin, flow.Amounts{}
			}
		}
		return w
	}}, m
}

// observedSite is a server over HTTP with a gate and metrics.
func observedSite(t *testing.T, rows []tools.Tool, o HTTPOptions, change func(*flow.Config)) (*site, *Flow) {
	t.Helper()
	f, m := schedule(t, change)
	s := New(Config{
		Version: "1.2.3", Tools: rows, Flow: f, Metrics: m, ToolTimeout: time.Minute,
		Env: &tools.Env{Status: m}, Resources: fixtureResources{changed: make(chan string)},
	})
	m.Connect(obs.Sources{Gate: f.Gate, Costs: f.Costs, Drain: s.Drain})
	o.Path = "/mcp"
	h, err := s.Handler(o)
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(h)
	t.Cleanup(ts.Close)
	return &site{t, s, ts.URL}, f
}

func (s *site) get(path string, header ...string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	return s.do(r)
}

// has checks that /metrics has all lines.
func (s *site) has(lines ...string) {
	s.t.Helper()
	_, text := s.get("/metrics")
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			name, _, _ := strings.Cut(line, "{")
			var near []string
			for l := range strings.Lines(text) {
				if strings.HasPrefix(l, name) {
					near = append(near, l)
				}
			}
			s.t.Errorf("/metrics has no line %q, but\n%s", line, strings.Join(near, ""))
		}
	}
}

// oddTools end in the ways that are counted.
func oddTools() []tools.Tool {
	fail := func(name, code string) tools.Tool {
		return tools.Tool{Name: name, Title: name, Toolset: "fixture", Schema: anyObject,
			Call: func(context.Context, *tools.Env, json.RawMessage) (*tools.Result, error) {
				return nil, &tools.Error{Code: code, Message: "so it is"}
			}}
	}
	return append(fixtureTools(), fail("large", "RESPONSE_TOO_LARGE"), fail("conflicts", "CONFLICT"), fail("broken", "CIRCUIT_OPEN"), fail("runs_out", "TIMEOUT"), fail("silent", "READ_TIMEOUT"), fail("dies", "RENDER_BACKEND_CRASHED"), fail("waits_behind", "OVERLOADED"))
}

// TestOutcomes: what becomes of a call is counted under its tool, class and outcome, once,
// and who made it is in no line of /metrics.
func TestOutcomes(t *testing.T) {
	s, _ := observedSite(t, oddTools(), HTTPOptions{Metrics: true}, nil)
	session := s.open()
	for i, tool := range []string{"echo", "refuses", "breaks", "panics", "large", "conflicts", "broken", "runs_out", "silent", "dies", "waits_behind", "nothing_such"} {
		if i%2 == 0 {
			s.do(s.request(t.Context(), modernCall(tool), ""))
		} else {
			s.do(s.request(t.Context(), legacyCall(tool), session))
		}
	}
	s.do(s.request(t.Context(), `{"jsonrpc":"2.0","id":7,"method":"resources/read","params":{"uri":"gridflow://wb-1/Data/A1:B2"}}`, session))
	s.do(s.request(t.Context(), `{"jsonrpc":"2.0","id":7,"method":"resources/read","params":{"uri":"gridflow://wb-9"}}`, session))
	s.do(s.request(t.Context(), `{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{}}`, session))
	var want []string
	for tool, outcome := range map[string]string{
		"echo": "ok", "refuses": "user_error", "breaks": "internal", "panics": "internal", "large": "too_large",
		"conflicts": "conflict", "broken": "circuit_open", "runs_out": "timeout_exec", "silent": "internal", "dies": "internal", "waits_behind": "overloaded", "resources/read": "ok",
	} {
		want = append(want, fmt.Sprintf(`gridflow_requests_total{class="fast",outcome=%q,tool=%q} 1`, outcome, tool))
	}
	s.has(append(want, `gridflow_requests_total{class="fast",outcome="user_error",tool="resources/read"} 1`,
		`gridflow_exec_seconds_count{class="fast",tool="resources/read"} 2`, `gridflow_queue_wait_seconds_count{class="fast"} 13`, `gridflow_drain_inflight 0`)...)
	_, text := s.get("/metrics")
	for _, secret := range []string{session, "127.0.0.1", "nothing_such"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in /metrics", secret)
		}
	}
}

// TestMetricsPage: /metrics is for whoever may call, and it can be switched off.
func TestMetricsPage(t *testing.T) {
	s, _ := observedSite(t, fixtureTools(), HTTPOptions{Metrics: true, Loopback: true, AllowedHosts: []string{"sheets.example"}}, nil)
	for _, c := range []struct {
		header []string
		status int
	}{
		{nil, 200},
		{[]string{"Host", "sheets.example"}, 200},
		{[]string{"Host", "evil.example"}, 403},
		{[]string{"Origin", "https://evil.example"}, 403},
	} {
		resp, body := s.get("/metrics", c.header...)
		if resp.StatusCode != c.status || (c.status == 200) != strings.Contains(body, "gridflow_andon_level 0") {
			t.Errorf("%v: %s: %.200s", c.header, resp.Status, body)
		}
	}
	s.has(`gridflow_http_refused_total{reason="host"} 1`, `gridflow_http_refused_total{reason="origin"} 1`)
	off, _ := observedSite(t, fixtureTools(), HTTPOptions{}, nil)
	if resp, _ := off.get("/metrics"); resp.StatusCode != 404 {
		t.Errorf("switched off, /metrics gives %s", resp.Status)
	}
}

// TestReadiness: who decides where calls go sees the level in /readyz, and from the level
// at which everything is refused on calls are refused before they are read.
func TestReadiness(t *testing.T) {
	status := tools.Tool{
		Name: "status", Title: "Status", Toolset: "fixture", Schema: anyObject, Reach: tools.ReachNothing,
		Call: func(context.Context, *tools.Env, json.RawMessage) (*tools.Result, error) {
			return &tools.Result{Text: "as ever"}, nil
		},
	}
	s, f := observedSite(t, append(fixtureTools(), status), HTTPOptions{Metrics: true}, nil)
	ready := func(code int, text string, retry bool) {
		t.Helper()
		resp, body := s.get("/readyz")
		if resp.StatusCode != code || body != text+"\n" || (resp.Header.Get("Retry-After") != "") != retry {
			t.Errorf("/readyz: %s %q %q, want %d %q", resp.Status, body, resp.Header.Get("Retry-After"), code, text)
		}
	}
	ready(200, "ready", false)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	held, err := f.Gate.Acquire(ctx, flow.Request{Class: flow.Fast, Need: flow.Amounts{1}})
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan error, 10)
	for i := range 10 {
		go func() {
			_, err := f.Gate.Acquire(ctx, flow.Request{Class: flow.Fast, Need: flow.Amounts{1}})
			left <- err
		}()
		for f.Gate.Stats().Waiting <= i { // it tells nobody when it has come so far
			select {
			case <-t.Context().Done():
				t.Fatal("it never waits")
			default:
			}
		}
		switch i + 1 {
		case 6:
			ready(200, "ready", false)
		case 7:
			ready(200, "ready, degraded: level warn", false)
		case 9:
			ready(200, "ready, degraded: level critical", false)
		}
	}
	ready(503, "overloaded", true)

	unread := s.request(t.Context(), modernCall("echo"), "")
	unread.Body, unread.ContentLength = io.NopCloser(strings.NewReader("this is no JSON")), 15
	resp, body := s.do(unread)
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !strings.HasPrefix(body, "OVERLOADED: the server has too much to do to take ") {
		t.Errorf("at emergency a call gets %s %q: %s", resp.Status, resp.Header.Get("Retry-After"), body)
	}
	// Status is let in, and so is what does not say what it is.
	if resp, body := s.do(s.request(t.Context(), modernCall("status"), "")); resp.StatusCode != 200 || !strings.Contains(body, "as ever") {
		t.Errorf("at emergency status gives %s: %s", resp.Status, body)
	}
	session := s.open()
	if resp, body := s.do(s.request(t.Context(), legacyCall("echo"), session)); resp.StatusCode != 200 || !strings.Contains(body, "OVERLOADED") {
		t.Errorf("at emergency a call of the older era gets %s: %s", resp.Status, body)
	}
	s.has(`gridflow_http_refused_total{reason="overloaded"} 1`, `gridflow_requests_total{class="none",outcome="overloaded",tool="echo"} 1`,
		`gridflow_requests_total{class="fast",outcome="overloaded",tool="echo"} 1`, `gridflow_andon_level 3`)
	leave()
	for range 10 {
		<-left
	}
	held.Done(flow.OK)
	ready(200, "ready", false)

	s.server.gate.close()
	ready(503, "draining", true)
	resp, body = s.do(s.request(t.Context(), modernCall("echo"), ""))
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !strings.HasPrefix(body, "DRAINING: ") {
		t.Errorf("draining, a call gets %s: %s", resp.Status, body)
	}
	if _, body := s.do(s.request(t.Context(), legacyCall("echo"), session)); !strings.Contains(body, "DRAINING") {
		t.Errorf("draining, a call of the older era gets %s", body)
	}
	s.has(`gridflow_requests_total{class="none",outcome="draining",tool="echo"} 2`, `gridflow_drain_state 1`)
}

// TestRateLimitedEarly: a user who has asked too often in every class is told so before the
// message is read; another one is let in.
func TestRateLimitedEarly(t *testing.T) {
	s, _ := observedSite(t, fixtureTools(), HTTPOptions{Metrics: true}, func(c *flow.Config) {
		for i := flow.Fast; i <= flow.Background; i++ {
			c.Classes[i].Rate, c.Classes[i].Burst = .01, 1
		}
	})
	call := func() (*http.Response, string) { return s.do(s.request(t.Context(), modernCall("echo"), "")) }
	if resp, body := call(); resp.StatusCode != 200 || !strings.Contains(body, `"text":"{}"`) {
		t.Fatalf("the first call gets %s: %s", resp.Status, body)
	}
	// The bucket of the fast class is empty, and the call could be of another: it is read.
	resp, body := call()
	if resp.StatusCode != 200 || !strings.Contains(body, "RATE_LIMITED") {
		t.Errorf("the second call gets %s: %s", resp.Status, body)
	}
	s.has(`gridflow_requests_total{class="fast",outcome="rate_limited",tool="echo"} 1`, `gridflow_dropped_total{class="fast",reason="rate_limited"} 1`)

	f := s.server.conf.Flow
	empty := func(client string, last int) {
		for class := flow.Fast; class <= last; class++ {
			p, err := f.Gate.Acquire(t.Context(), flow.Request{Class: class, Client: client})
			if err != nil {
				t.Fatal(err)
			}
			p.Done(flow.OK)
		}
	}
	empty("user eager", flow.Background)
	empty("user modest", flow.Slow)
	h, err := s.server.Handler(HTTPOptions{Path: "/mcp"})
	if err != nil {
		t.Fatal(err)
	}
	known := auth.RequireBearerToken(func(_ context.Context, token string, _ *http.Request) (*auth.TokenInfo, error) {
		return &auth.TokenInfo{UserID: token, Expiration: time.Now().Add(time.Hour)}, nil
	}, nil)(h)
	// The modest one's call says in its _meta that it is of the one class in which he may ask still.
	hinted := strings.Replace(modernCall("echo"), `"_meta":{`, `"_meta":{"flow/class":"background",`, 1)
	for user, status := range map[string]int{"eager": 429, "patient": 200, "modest": 200} {
		message := modernCall("echo")
		if user == "modest" {
			message = hinted
		}
		r := s.request(t.Context(), message, "")
		r.Host = "localhost"
		r.Header.Set("Authorization", "Bearer "+user)
		w := httptest.NewRecorder()
		known.ServeHTTP(w, r)
		if w.Code != status || status == 429 && (w.Header().Get("Retry-After") != "100" || !strings.HasPrefix(w.Body.String(), "RATE_LIMITED: ")) {
			t.Errorf("%s gets %d %q: %s", user, w.Code, w.Header().Get("Retry-After"), w.Body)
		}
		if status == 200 && !strings.Contains(w.Body.String(), `"text":"{}"`) {
			t.Errorf("%s gets %s", user, w.Body)
		}
	}
	s.has(`gridflow_http_refused_total{reason="rate_limited"} 1`)
}
