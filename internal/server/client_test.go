package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow"
	"gridflow/internal/admit"
	"gridflow/internal/principal"
)

// TestWho: the client of a request is its user or its machine, whatever the program says;
// the part of it is the session or the program.
func TestWho(t *testing.T) {
	req := func(user, machine, program string) mcp.Request {
		r := &mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{}, Extra: new(mcp.RequestExtra)}
		if program != "" {
			r.Params.Meta = mcp.Meta{clientInfoKey: map[string]any{"name": program, "version": "1"}}
		}
		if user != "" {
			r.Extra.TokenInfo = &auth.TokenInfo{UserID: user}
		}
		if machine != "" {
			r.Extra.Header = http.Header{connectionMark: {machine}}
		}
		return r
	}
	for _, c := range []struct {
		req          mcp.Request
		client, part string
	}{
		{&mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{}}, "local", "stdio"},
		{req("", "local", "agent"), "local", "program agent 1"},
		{req("", "machine 192.0.2.7", "agent"), "machine 192.0.2.7", "program agent 1"},
		{req("", "machine 192.0.2.7", "other"), "machine 192.0.2.7", "program other 1"},
		{req("", "machine 192.0.2.7", ""), "machine 192.0.2.7", "program  "},
		{req("alice", "machine 192.0.2.7", "agent"), "user alice", "program agent 1 at machine 192.0.2.7"},
		{req("alice", "local", "agent"), "user alice", "program agent 1 at local"},
	} {
		if client, part := client(c.req), part(c.req); client != c.client || part != c.part {
			t.Errorf("it is %q, %q and should be %q, %q", client, part, c.client, c.part)
		}
	}
	odd := &mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{Meta: mcp.Meta{clientInfoKey: "odd"}}, Extra: &mcp.RequestExtra{Header: http.Header{connectionMark: {"local"}}}}
	if got := part(odd); got != "program  " {
		t.Errorf("who says something odd of itself is %q", got)
	}
}

// TestOrigin: a machine is its address, and a network where it has one for itself. What is
// said of others counts from proxies only that the operator has named.
func TestOrigin(t *testing.T) {
	e := &endpoint{allowed: HTTPOptions{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8:9::/48")}}}
	for _, c := range []struct {
		remote, said, want string
	}{
		{"127.0.0.1:4711", "", "local"},
		{"127.8.8.8:4711", "", "local"},
		{"[::1]:4711", "", "local"},
		{"[::ffff:127.0.0.1]:4711", "", "local"},
		{"@", "", "local"}, // a socket of this machine
		{"192.0.2.7:4711", "", "machine 192.0.2.7"},
		{"[::ffff:192.0.2.7]:4711", "", "machine 192.0.2.7"},
		{"[2001:db8:1:2:3:4:5:6]:4711", "", "machine 2001:db8:1:2::/64"},
		{"[2001:db8:1:2:ffff::1]:4711", "", "machine 2001:db8:1:2::/64"},
		{"[fe80::1%eth0]:4711", "", "machine fe80::/64"},

		{"192.0.2.7:4711", "198.51.100.1", "machine 192.0.2.7"}, // it may say what it likes
		{"10.1.2.3:4711", "198.51.100.1", "machine 198.51.100.1"},
		{"10.1.2.3:4711", "203.0.113.9, 198.51.100.1", "machine 198.51.100.1"}, // so may who called the proxy
		{"10.1.2.3:4711", "203.0.113.9, 198.51.100.1, 10.1.9.9", "machine 198.51.100.1"},
		{"10.1.2.3:4711", "203.0.113.9|198.51.100.1", "machine 198.51.100.1"}, // two fields
		{"[2001:db8:9::1]:4711", "[2001:db8:7::1]:99", "machine 2001:db8:7::/64"},
		{"10.1.2.3:4711", "198.51.100.1:8080", "machine 198.51.100.1"},
		{"10.1.2.3:4711", "", "machine 10.1.2.3"},
		{"10.1.2.3:4711", "198.51.100.1, unknown", "machine 10.1.2.3"},
		{"10.1.2.3:4711", "198.51.100.1, unknown, 10.1.4.4", "machine 10.1.4.4"},
		{"10.1.2.3:4711", "10.1.4.4, 10.1.5.5", "machine 10.1.4.4"},
		{"10.1.2.3:4711", ", ,", "machine 10.1.2.3"},
		{"10.1.2.3:4711", "127.0.0.1", "local"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{}}
		for _, field := range strings.Split(c.said, "|") {
			if field != "" {
				r.Header.Add("X-Forwarded-For", field)
			}
		}
		if got := e.origin(r); got != c.want {
			t.Errorf("from %s, for %q: %q, want %q", c.remote, c.said, got, c.want)
		}
	}
}

// TestRenamedCalls: a machine that gives each call another name, or opens a session for
// each, has one client's place in the queue, and is told so before its message is read
// once all is taken; another machine is let in.
func TestRenamedCalls(t *testing.T) {
	const places = 3
	s, _ := observedSite(t, fixtureTools(), HTTPOptions{}, func(c *flow.Config) {
		c.QueueMax = 0
		for i := flow.Fast; i <= flow.Background; i++ {
			c.Classes[i].FlowQueueMax = places
		}
	})
	gate := s.server.conf.Flow.Gate
	h, err := s.server.Handler(HTTPOptions{Path: "/mcp"})
	if err != nil {
		t.Fatal(err)
	}
	call := func(machine, program, session string) *httptest.ResponseRecorder {
		r := s.request(t.Context(), strings.Replace(modernCall("echo"), `"name":"t"`, fmt.Sprintf(`"name":%q`, program), 1), "")
		if session != "" {
			r = s.request(t.Context(), legacyCall("echo"), session)
		}
		r.Host, r.RemoteAddr = "192.0.2.1", machine+":4711"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	open := func(machine string) string {
		r := s.request(t.Context(), initializeMessage, "")
		r.Host, r.RemoteAddr = "192.0.2.1", machine+":4711"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Header().Get("Mcp-Session-Id")
	}
	const flood, other = "198.51.100.7", "203.0.113.9"
	late := open(flood)

	// The seat of each class is taken, and in all but the fast one the flood has its share.
	var held []flow.Permit
	ctx, leave := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	for class := flow.Fast; class <= flow.Background; class++ {
		p, err := gate.Acquire(t.Context(), flow.Request{Class: class, Client: "somebody", Cost: 20e9})
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, p)
		for i := range places {
			if class != flow.Fast {
				waiting.Go(func() {
					_, _ = gate.Acquire(ctx, flow.Request{Class: class, Client: "machine " + flood, Part: fmt.Sprint(i)})
				})
			}
		}
	}
	answers := make(chan *httptest.ResponseRecorder, places+1)
	for i := range places {
		waiting.Go(func() { answers <- call(flood, fmt.Sprint("program", i), "") })
	}
	full := func(class, n int) {
		for gate.Stats().Classes[class].Waiting != n {
			select {
			case w := <-answers:
				t.Fatalf("a call did not wait: %d %s", w.Code, w.Body)
			default:
			}
		}
	}
	for class := flow.Fast; class <= flow.Background; class++ {
		full(class, places)
	}
	w := call(flood, "yet another", "")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || !strings.HasPrefix(w.Body.String(), "OVERLOADED: this client has as many") {
		t.Errorf("one more name gets %d %q: %s", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
	if w := call(flood, "", late); !strings.Contains(w.Body.String(), "OVERLOADED: this client has as many") {
		t.Errorf("a session more gets %d: %s", w.Code, w.Body)
	}
	waiting.Go(func() { answers <- call(other, "program", "") })
	full(flow.Fast, places+1)

	leave()
	for _, p := range held {
		p.Done(flow.OK)
	}
	waiting.Wait()
	for range places + 1 {
		if w := <-answers; w.Code != 200 || !strings.Contains(w.Body.String(), `"text":"{}"`) {
			t.Errorf("a call that waited gets %d: %s", w.Code, w.Body)
		}
	}
}

// TestListsWithoutParams: a list that is asked for without any params, as clients do, is given,
// in a server that lets calls in by what they cost.
func TestListsWithoutParams(t *testing.T) {
	f, _ := schedule(t, nil)
	s := New(Config{Tools: fixtureTools(), Resources: fixtureResources{}, Flow: f})
	server, client := mcp.NewInMemoryTransports()
	if _, err := s.mcp.Connect(t.Context(), server, nil); err != nil {
		t.Fatal(err)
	}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "t", Version: "1"}, nil).Connect(t.Context(), client, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if res, err := session.ListResources(t.Context(), nil); err != nil || len(res.Resources) != 2 {
		t.Error(res, err)
	}
	if res, err := session.ListTools(t.Context(), nil); err != nil || len(res.Tools) == 0 {
		t.Error(res, err)
	}
}

// TestWeightOfPrincipals: who has a weight in the file of principals has it, whatever is said of clients.
func TestWeightOfPrincipals(t *testing.T) {
	weights := new(admit.Weights)
	weights.Set(map[string]int64{"a": 2})
	for weight, want := range map[int64]int64{0: 2, 5: 5} {
		info := &auth.TokenInfo{UserID: "a", Extra: map[string]any{"gridflow/principal": &principal.Principal{Name: "a", Weight: weight}}}
		req := &mcp.CallToolRequest{Params: new(mcp.CallToolParamsRaw), Extra: &mcp.RequestExtra{TokenInfo: info}}
		if got := (&Flow{Weights: weights}).weight(req); got != want {
			t.Errorf("a weight of %d in the file: %d, want %d", weight, got, want)
		}
	}
}
