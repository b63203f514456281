package server

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/tools"
)

// A quietSite is a server whose handler is called without a network, so that a test can let its time pass.
type quietSite struct {
	t *testing.T
	h http.Handler
}

// quiet makes a server and has what it began end with the test. It is called in the bubble of a synctest.
func quiet(t *testing.T, rows []tools.Tool, o HTTPOptions) *quietSite {
	s := New(Config{Version: "1.2.3", Tools: rows})
	o.Path = "/mcp"
	h, err := s.Handler(o)
	if err != nil {
		t.Fatal(err)
	}
	return &quietSite{t, h}
}

// send sends a message of the older era, with "" for the message the wish for a stream.
func (q *quietSite) send(ctx context.Context, method, message, session string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(ctx, method, "http://127.0.0.1/mcp", strings.NewReader(message))
	r.RemoteAddr = "127.0.0.1:1" // this machine may have all sessions that there may be
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if session != "" {
		r.Header.Set("Mcp-Protocol-Version", "2025-11-25")
		r.Header.Set("Mcp-Session-Id", session)
	}
	w := httptest.NewRecorder()
	q.h.ServeHTTP(w, r)
	return w
}

// begin opens a session and gives its id, "" where it may not.
func (q *quietSite) begin() string {
	q.t.Helper()
	w := q.send(q.t.Context(), http.MethodPost, initializeMessage, "")
	if w.Code != http.StatusOK && w.Code != http.StatusServiceUnavailable {
		q.t.Fatalf("initialize: %d: %s", w.Code, w.Body)
	}
	return w.Result().Header.Get("Mcp-Session-Id")
}

func (q *quietSite) open() string {
	q.t.Helper()
	session := q.begin()
	if w := q.send(q.t.Context(), http.MethodPost, `{"jsonrpc":"2.0","method":"notifications/initialized"}`, session); w.Code != http.StatusAccepted {
		q.t.Fatalf("initialized: %d: %s", w.Code, w.Body)
	}
	return session
}

// lives tells whether a session is there, which is a use of it.
func (q *quietSite) lives(session string) bool {
	return q.send(q.t.Context(), http.MethodPost, legacyCall("echo"), session).Code == http.StatusOK
}

func (q *quietSite) end(session string) {
	q.t.Helper()
	if w := q.send(q.t.Context(), http.MethodDelete, "", session); w.Code != http.StatusNoContent {
		q.t.Errorf("ending a session: %d: %s", w.Code, w.Body)
	}
}

// TestSessionTimeout: a session that nobody has used for long enough ends. Every request is a use of it, and a call for as long as it
// is under way.
func TestSessionTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lasts := fixtureTools()[slices.IndexFunc(fixtureTools(), func(tool tools.Tool) bool { return tool.Name == "echo" })]
		lasts.Name = "lasts"
		lasts.Call = func(context.Context, *tools.Env, json.RawMessage) (*tools.Result, error) {
			time.Sleep(5 * sessionTimeout / 2)
			return &tools.Result{Text: "done"}, nil
		}
		q := quiet(t, append(fixtureTools(), lasts), HTTPOptions{})
		left, used, working := q.open(), q.open(), q.open()
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			if w := q.send(t.Context(), http.MethodPost, legacyCall("lasts"), working); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "done") {
				t.Errorf("the long call: %d: %s", w.Code, w.Body)
			}
		}()
		for range 2 {
			time.Sleep(sessionTimeout - time.Second)
			if !q.lives(used) {
				t.Fatal("a session has ended that was used")
			}
		}
		if q.lives(left) {
			t.Error("a session lives on that nobody has used for long")
		}
		<-answered
		time.Sleep(sessionTimeout - time.Second)
		if !q.lives(working) {
			t.Error("a session has ended within its time after a call")
		}
		if q.lives(used) {
			t.Error("a session lives on that nobody uses any more")
		}
		q.end(working)
	})
}

// TestSessionsInUse: where there are as many sessions as there may be, one whose only use is a request that is under way has to go
// for nobody, and goes when that has ended.
func TestSessionsInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := quiet(t, fixtureTools(), HTTPOptions{MaxSessions: 1})
		listens := q.begin()
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan struct{})
		go func() {
			defer close(left)
			if w := q.send(ctx, http.MethodGet, "", listens); w.Code != http.StatusOK {
				t.Errorf("the stream: %d: %s", w.Code, w.Body)
			}
		}()
		synctest.Wait()
		if other := q.begin(); other != "" {
			t.Error("a session had to go to which somebody listens")
		}
		leave()
		<-left
		other := q.begin()
		if other == "" {
			t.Error("a session that nobody has used stays while another wants its place")
		} else {
			q.end(other)
		}
	})
}

// TestRestedSessions: where there are as many sessions as there may be, one that has rested for long makes room:
// the one that has rested longest, and none that is used, has a stream or has just been used.
func TestRestedSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := quiet(t, fixtureTools(), HTTPOptions{MaxSessions: 4})
		open := func() string {
			session := q.begin()
			for range 2 { // it is used
				if session != "" {
					q.lives(session)
				}
			}
			return session
		}
		listens := open()
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		go q.send(ctx, http.MethodGet, "", listens)
		oldest, other := open(), open()
		time.Sleep(restedMin / 2)
		q.lives(oldest) // so other has rested for longer
		last := open()
		if open() != "" {
			t.Error("a fifth session began before one had rested")
		}
		time.Sleep(restedMin / 2)
		next := open()
		if next == "" {
			t.Error("no session made room")
		}
		if open() != "" {
			t.Error("a second one made room that had not rested")
		}
		for session, want := range map[string]int{listens: http.StatusOK, oldest: http.StatusOK, other: http.StatusNotFound, last: http.StatusOK, next: http.StatusOK} {
			if w := q.send(t.Context(), http.MethodPost, legacyCall("echo"), session); w.Code != want {
				t.Errorf("%d, want %d: %s", w.Code, want, w.Body)
			}
		}
		for _, session := range []string{last, next, oldest} {
			time.Sleep(time.Second)
			q.lives(session)
		}
		time.Sleep(2 * restedMin)
		unused := q.begin()
		if w := q.send(t.Context(), http.MethodPost, legacyCall("echo"), last); w.Code != http.StatusNotFound {
			t.Errorf("not the one went that had rested for longest: %d", w.Code)
		}
		after := open()
		if w := q.send(t.Context(), http.MethodPost, legacyCall("echo"), unused); w.Code != http.StatusNotFound {
			t.Errorf("one that was never used did not go first: %d", w.Code)
		}
		leave()
		for _, session := range []string{listens, oldest, next, after} {
			q.end(session)
		}
	})
}

// a wire is the connection of a session on which nothing is ever said.
type wire struct {
	id   string
	over chan struct{}
	once *sync.Once
}

func (w wire) Connect(context.Context) (mcp.Connection, error) { return w, nil }
func (w wire) Read(context.Context) (jsonrpc.Message, error)   { <-w.over; return nil, io.EOF }
func (w wire) Write(context.Context, jsonrpc.Message) error    { return nil }
func (w wire) Close() error                                    { w.once.Do(func() { close(w.over) }); return nil }
func (w wire) SessionID() string                               { return w.id }

// TestRoomOfSessions: a client that has its share of the sessions makes room among its own alone; and of a session that has
// gone, by itself or for another, nothing is ended with its principal.
func TestRoomOfSessions(t *testing.T) { synctest.Test(t, roomOfSessions) }

func roomOfSessions(t *testing.T) {
	server := mcp.NewServer(&mcp.Implementation{Name: "t"}, nil)
	principal, leave := context.WithCancel(t.Context())
	var s sessions
	var ended atomic.Int64
	begin := func(id, client string) *mcp.ServerSession {
		session, err := server.Connect(t.Context(), wire{id, make(chan struct{}), new(sync.Once)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { session.Close() })
		s.begun(id, client)
		s.endWith(principal, id, func() { ended.Add(1) })
		return session
	}
	const most = 2 * ofOneMachine // two for each
	begin("other", "other")       // was never used: it may go for who has fewer
	works := begin("works", "one")
	_, done := s.use(t.Context(), "works")
	begin("rests", "one")
	if !s.room(server, "one", most) || s.byID["rests"] != nil || s.byID["other"] == nil {
		t.Errorf("room for one that has its share: %v", slices.Sorted(maps.Keys(s.byID)))
	}
	begin("again", "one")
	_, doneToo := s.use(t.Context(), "again")
	if s.room(server, "one", most) || len(s.byID) != 3 {
		t.Errorf("room for one whose sessions are all used: %v", slices.Sorted(maps.Keys(s.byID)))
	}
	if over := s.byID["works"].over; over.Err() != nil {
		t.Error("a session has ended that is used")
	}
	done()
	doneToo()
	works.Close()
	works.Wait()
	if !s.room(server, "one", most) || s.byID["works"] != nil { // it has gone by itself
		t.Errorf("room when one has gone: %v", slices.Sorted(maps.Keys(s.byID)))
	}
	leave()
	synctest.Wait()
	if n := ended.Load(); n != 2 {
		t.Errorf("%d sessions were ended with their principal, want the two that there were", n)
	}
}

// TestEndedSession: what is under way for a session ends with it, when its client says so.
func TestEndedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := fixtureTools()[slices.IndexFunc(fixtureTools(), func(tool tools.Tool) bool { return tool.Name == "echo" })]
		waits.Name = "waits"
		var why error
		waits.Call = func(ctx context.Context, _ *tools.Env, _ json.RawMessage) (*tools.Result, error) {
			select {
			case <-ctx.Done():
				why = ctx.Err()
			case <-time.After(time.Minute):
			}
			return &tools.Result{Text: "done"}, nil
		}
		q := quiet(t, append(fixtureTools(), waits), HTTPOptions{})
		session := q.open()
		var wg sync.WaitGroup
		wg.Go(func() { q.send(t.Context(), http.MethodPost, legacyCall("waits"), session) })
		synctest.Wait()
		q.end(session)
		wg.Wait()
		if why == nil {
			t.Error("a call went on whose session its client has ended")
		}
	})
}

// TestRequestsOfSession: what a request of a session refers to is let go when it has been answered, however long the session
// lives on; one that is under way ends with it. The principal of a session that has ended keeps nothing of it. Where there may be
// few sessions every machine may have one.
func TestRequestsOfSession(t *testing.T) {
	type key struct{}
	var s sessions
	s.begun("a", thisMachine)
	held := new([1 << 10]byte)
	pointer := weak.Make(held)
	_, done := s.use(context.WithValue(t.Context(), key{}, held), "a")
	held = nil
	done()
	runtime.GC()
	if pointer.Value() != nil {
		t.Error("an answered request is kept")
	}
	ctx, done := s.use(t.Context(), "a")
	s.end("a")
	<-ctx.Done()
	done()

	over, end := context.WithCancel(t.Context())
	defer end()
	pointer = func() weak.Pointer[[1 << 10]byte] {
		held := new([1 << 10]byte)
		s.endWith(over, "a", func() { held[0]++ })
		return weak.Make(held)
	}()
	runtime.GC()
	if pointer.Value() == nil {
		t.Fatal("nothing would end the session")
	}
	s.room(New(Config{}).mcp, thisMachine, 1)
	runtime.GC()
	if pointer.Value() != nil || len(s.byID) > 0 {
		t.Error("an ended session is kept")
	}
	if !s.room(New(Config{}).mcp, "198.51.100.7", 1) {
		t.Error("a machine may have no session where there may be one")
	}
}
