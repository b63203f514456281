package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridflow/flow"
	"gridflow/internal/tools"
)

// TestBodiesAreBounded: a body is read only if there is room for it among those that are
// held, in all and of one machine; who finds none is told so before anything is read, and
// the room comes back with the answer.
func TestBodiesAreBounded(t *testing.T) {
	s := newSite(t, fixtureTools(), HTTPOptions{})
	h, err := s.server.Handler(HTTPOptions{Path: "/mcp", MaxBodyBytes: 3 * (bodyMax + requestCost)})
	if err != nil {
		t.Fatal(err)
	}
	post := func(machine string, body io.Reader, length int64) *httptest.ResponseRecorder {
		r := s.request(t.Context(), modernCall("echo"), "")
		r.Host, r.RemoteAddr = "192.0.2.1", machine+":4711"
		if body != nil {
			r.Body, r.ContentLength = io.NopCloser(body), length
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	// Bodies that are being read: their senders take their time.
	type upload struct {
		pipe *io.PipeWriter
		done chan *httptest.ResponseRecorder
	}
	begin := func(machine string, length int64) upload {
		in, out := io.Pipe()
		u := upload{out, make(chan *httptest.ResponseRecorder, 1)}
		go func() { u.done <- post(machine, in, length) }()
		_, _ = out.Write([]byte(" ")) // it is read, so there was room
		return u
	}
	first := begin("198.51.100.1", -1) // how long it is is not said
	if w := post("198.51.100.1", strings.NewReader("no JSON"), 7); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" || w.Header().Get("Connection") != "close" {
		t.Errorf("more of one machine: %d %v: %s", w.Code, w.Header(), w.Body)
	}
	second, third := begin("198.51.100.2", bodyMax), begin("127.0.0.1", -1)
	if w := post("198.51.100.3", strings.NewReader("no JSON"), 7); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" {
		t.Errorf("more in all: %d %v: %s", w.Code, w.Header(), w.Body)
	}
	if w := post("198.51.100.3", strings.NewReader(""), bodyMax+1); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a body that is too large by itself: %d", w.Code)
	}
	for _, u := range []upload{first, second, third} {
		_, _ = io.WriteString(u.pipe, modernCall("echo"))
		u.pipe.Close()
		if w := <-u.done; w.Code != 200 || !strings.Contains(w.Body.String(), `"text":"{}"`) {
			t.Errorf("a call that was sent slowly: %d %s", w.Code, w.Body)
		}
	}
	broken := begin("198.51.100.1", -1)
	broken.pipe.CloseWithError(io.ErrUnexpectedEOF)
	if w := <-broken.done; w.Code != 400 {
		t.Errorf("a body that breaks off: %d", w.Code)
	}
	for range 5 { // all room is there again
		if w := post("198.51.100.1", strings.NewReader(modernCall("echo")), -1); w.Code != 200 {
			t.Errorf("afterwards: %d %s", w.Code, w.Body)
		}
	}
}

// TestBodyRoomIsTheLength: of a body whose length was not said no more is held than there
// is, while its call runs.
func TestBodyRoomIsTheLength(t *testing.T) {
	s, _ := observedSite(t, fixtureTools(), HTTPOptions{}, nil)
	h, err := s.server.Handler(HTTPOptions{Path: "/mcp", MaxBodyBytes: bodyMax + 3*requestCost})
	if err != nil {
		t.Fatal(err)
	}
	held, err := s.server.conf.Flow.Gate.Acquire(t.Context(), flow.Request{Class: flow.Fast, Client: "somebody"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	send := func(ctx context.Context) *httptest.ResponseRecorder {
		r := s.request(ctx, modernCall("echo"), "")
		r.Host, r.RemoteAddr, r.ContentLength = "192.0.2.1", "127.0.0.1:4711", -1
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	gone := make(chan bool)
	go func() { send(ctx); close(gone) }()
	for s.server.conf.Flow.Gate.Stats().Waiting == 0 {
		select {
		case <-gone:
			t.Fatal("it did not wait")
		default:
		}
	}
	go func() {
		for s.server.conf.Flow.Gate.Stats().Waiting < 2 {
		}
		leave()
		held.Done(flow.OK)
	}()
	if w := send(t.Context()); w.Code != 200 {
		t.Errorf("beside a short one that waits: %d %s", w.Code, w.Body)
	}
	<-gone
}

// TestConnectionsAreBounded: beyond what may be open and at work, in all and of one machine, a
// connection is answered and closed; room comes back with the ones that end.
func TestConnectionsAreBounded(t *testing.T) {
	began := make(chan bool)
	blocks := fixtureTools()[0]
	call := blocks.Call
	blocks.Call = func(ctx context.Context, env *tools.Env, args json.RawMessage) (*tools.Result, error) {
		began <- true
		return call(ctx, env, args)
	}
	s := New(Config{Tools: []tools.Tool{blocks}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.ServeHTTP(ctx, l, HTTPOptions{Path: "/mcp", MaxConnections: 3}, time.Minute) }()
	dial := func() (net.Conn, *bufio.Reader) {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c, bufio.NewReader(c)
	}
	ask := func(c net.Conn, r *bufio.Reader) (*http.Response, string) {
		_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		return resp, string(body)
	}
	// Connections at work: their calls wait until they are let go.
	var open []net.Conn
	for range 3 {
		c, _ := dial()
		_, _ = fmt.Fprintf(c, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"+
			"Mcp-Protocol-Version: %s\r\nMcp-Method: tools/call\r\nMcp-Name: blocks\r\nContent-Length: %d\r\n\r\n%s", statelessSince, len(modernCall("blocks")), modernCall("blocks"))
		<-began
		open = append(open, c)
	}
	resp, body := ask(dial())
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !resp.Close || !strings.HasPrefix(body, "there are as many connections") {
		t.Errorf("beyond: %s %v: %s", resp.Status, resp.Header, body)
	}
	open[0].Close()
	for resp.StatusCode == 503 { // the server hears of it in its own time
		resp, _ = ask(dial())
	}
	if resp.StatusCode != 200 {
		t.Errorf("after one has ended: %s", resp.Status)
	}
	for _, c := range open {
		c.Close()
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}

	// By machine; and what is counted is forgotten again.
	var c connections
	conns := make([]net.Conn, 6)
	for i := range conns {
		conns[i], _ = net.Pipe()
	}
	admit := func(i int, machine string) bool {
		givenUp, ok := c.admit(conns[i], machine, 5, 2)
		if givenUp != nil {
			t.Errorf("connection %d: one that is at work was given up", i)
		}
		if ok && !c.serve(conns[i]) {
			t.Errorf("connection %d is not known", i)
		}
		return ok
	}
	for i, want := range []bool{true, true, false} {
		if got := admit(i, "machine 1"); got != want {
			t.Errorf("connection %d of a machine that may have two: %v", i+1, got)
		}
	}
	for i, machine := range []string{"machine 2", "", ""} {
		if !admit(3+i, machine) {
			t.Errorf("another one of %q is refused", machine)
		}
	}
	if admit(2, "machine 3") {
		t.Error("a sixth of five is let in")
	}
	c.follow(conns[0], http.StateActive)
	c.follow(conns[0], http.StateIdle)
	for _, conn := range conns {
		c.follow(conn, http.StateClosed)
		c.follow(conn, http.StateClosed)
	}
	if len(c.open)+len(c.machines) != 0 || c.busy() {
		t.Errorf("%d connections of %d machines are left", len(c.open), len(c.machines))
	}
}

// TestWhichConnectionIsGivenUp: where all places are taken, one goes that carries no request, of the
// machine that has most: first those that had one, then those that never had, each the longest
// first, and then those whose client takes its time to send one. One that is at work never does.
func TestWhichConnectionIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c connections
		var conns []net.Conn
		number := func(conn net.Conn) int {
			if conn == nil {
				return -1
			}
			return slices.Index(conns, conn)
		}
		admit := func(machine string, most, ofOne int) (givenUp int, ok bool) {
			conn, _ := net.Pipe()
			conns = append(conns, conn)
			victim, ok := c.admit(conn, machine, most, ofOne)
			return number(victim), ok
		}
		const most = 6
		for range 5 { // 0 … 4
			if v, ok := admit("", most, 2); v >= 0 || !ok {
				t.Fatal("there was room", v, ok)
			}
		}
		if v, ok := admit("machine 1", most, 2); v >= 0 || !ok { // 5
			t.Fatal("there was room", v, ok)
		}
		c.follow(conns[0], http.StateActive) // sends slowly
		c.follow(conns[1], http.StateActive)
		c.serve(conns[1])                    // is at work
		c.follow(conns[2], http.StateActive) // has been
		c.serve(conns[2])
		c.follow(conns[2], http.StateIdle)
		for i, want := range []int{2, 3, 4, 6, 7} { // the one that was, those that never were; 5 is of a machine with fewer
			if v, ok := admit("", most, 2); v != want || !ok {
				t.Errorf("place %d: %d was given up, want %d", i, v, want)
			}
		}
		for i := range conns { // all that are left are at work, but the slow one
			if i != 0 {
				c.serve(conns[i])
			}
		}
		if v, ok := admit("", most, 2); v >= 0 || ok { // 11
			t.Errorf("%d was given up, whose client has just begun to send", v)
		}
		time.Sleep(readingMin)
		if v, ok := admit("", most, 2); v != 0 || !ok { // 12
			t.Errorf("%d was given up, want the one that sends slowly", v)
		}
		c.serve(conns[12])
		if v, ok := admit("machine 2", most, 2); v >= 0 || ok { // 13
			t.Errorf("%d was given up, which is at work", v)
		}
		if c.serve(conns[0]) {
			t.Error("what was given up is served")
		}
		// A machine that has what it may have gives up its own.
		c.follow(conns[5], http.StateIdle)
		c.follow(conns[12], http.StateClosed)
		if v, ok := admit("machine 1", most, 1); v != 5 || !ok {
			t.Errorf("%d was given up, want the machine's own", v)
		}
	})
}

// TestSlowloris: clients that take all places and send nothing, or the beginning of a header and no
// more, shut nobody out.
func TestSlowloris(t *testing.T) {
	s := New(Config{Tools: fixtureTools()})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	const most = 50
	go func() { ended <- s.ServeHTTP(ctx, l, HTTPOptions{Path: "/mcp", MaxConnections: most}, time.Minute) }()
	for i := range 4 * most {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHo")
		}
	}
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 10 {
		resp, err := web.Get("http://" + l.Addr().String() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Fatalf("beside them: %s", resp.Status)
		}
	}
	stop()
	if err := <-ended; err != nil && !errors.Is(err, ErrCut) {
		t.Error(err)
	}
}

// TestConnectionsMost: connections may take a quarter of the files that a process may have open, but some in any case.
func TestConnectionsMost(t *testing.T) {
	s := New(Config{})
	for _, c := range []struct{ asked, files, want int }{
		{0, 1 << 20, connectionsMax}, {0, 400, 100}, {0, 40, connectionsLeast}, {50, 1 << 20, 50}, {50, 100, 25}, {3, 40, 3},
	} {
		if got := s.connectionsMost(c.asked, c.files); got != c.want {
			t.Errorf("of %d that are asked for, with %d files: %d, want %d", c.asked, c.files, got, c.want)
		}
	}
}

// TestGivenUpConnection: nothing is done for a request whose connection was given up while it came; its client does not
// hear of it, and may send it again.
func TestGivenUpConnection(t *testing.T) {
	var c connections
	known, _ := net.Pipe()
	other, _ := net.Pipe()
	c.admit(known, "", 1, 1)
	for conn, want := range map[net.Conn]bool{known: true, other: false} {
		served := false
		h := c.followed(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served = true }))
		aborted := func() (v any) {
			defer func() { v = recover() }()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(context.WithValue(t.Context(), connKey{}, conn)))
			return nil
		}()
		if served != want || (aborted == http.ErrAbortHandler) == want {
			t.Errorf("known: %v; it was served: %v, and ended with %v", want, served, aborted)
		}
	}
}

// TestBusy: a request is being answered from its first byte on, and no more when its answer is there.
func TestBusy(t *testing.T) {
	var c connections
	conn, _ := net.Pipe()
	c.admit(conn, "", 1, 1)
	for _, step := range []struct {
		name string
		do   func()
		want bool
	}{
		{"nothing yet", func() {}, false},
		{"it begins", func() { c.follow(conn, http.StateActive) }, true},
		{"its handler runs", func() { c.serve(conn) }, true},
		{"it is answered", func() { c.follow(conn, http.StateIdle) }, false},
		{"the next one begins", func() { c.follow(conn, http.StateActive) }, true},
		{"it is closed", func() { c.follow(conn, http.StateClosed) }, false},
	} {
		if step.do(); c.busy() != step.want {
			t.Errorf("%s: busy is %v", step.name, !step.want)
		}
	}
}

// TestRefusedConnection: who is refused reads why, all of it, whatever he has sent by then. Who does not read is
// waited for no longer than a moment; beyond some of these, and where the words would not be understood, a connection
// is closed at once.
func TestRefusedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &boundedListener{lingering: make(chan struct{}, 1)}
		refuse := func() net.Conn {
			ours, its := net.Pipe()
			l.refuse(ours)
			return its
		}
		closedAtOnce := func(name string) {
			began := time.Now()
			if text, err := io.ReadAll(refuse()); err != nil || len(text) > 0 || time.Since(began) > 0 {
				t.Errorf("%s: %q, %v after %v", name, text, err, time.Since(began))
			}
		}
		for range 2 { // the second one finds the place of the first
			c := refuse()
			in := bufio.NewReader(c)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			why, err := io.ReadAll(resp.Body)
			if err != nil || in.Buffered() > 0 || !strings.HasSuffix(tooManyConnections, "\r\n\r\n"+string(why)) {
				t.Errorf("%q, %v, and %d bytes behind it", why, err, in.Buffered())
			}
			if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Errorf("what it sends is not read any more: %v", err)
			}
			c.Close()
			synctest.Wait()
		}
		silent := refuse()
		closedAtOnce("beside one that does not read")
		time.Sleep(lingerTime)
		synctest.Wait()
		if text, err := io.ReadAll(silent); err != nil || len(text) > 0 {
			t.Errorf("one that did not read: %q, %v", text, err)
		}
		if len(l.lingering) > 0 {
			t.Error("its place is not there again")
		}
		l.encrypted = true
		closedAtOnce("encrypted")
	})
}
