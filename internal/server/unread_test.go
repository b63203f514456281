package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gridflow/internal/tools"
)

// talkative is a tool whose answers have so many bytes, and which counts how often it ran.
func talkative(bytes int, ran *atomic.Int64) []tools.Tool {
	return []tools.Tool{{
		Name: "talks", Title: "Talks", Description: "Talks.", Toolset: "fixture", Core: true, ReadOnly: true, Schema: anyObject,
		Call: func(context.Context, *tools.Env, json.RawMessage) (*tools.Result, error) {
			ran.Add(1)
			return &tools.Result{Text: strings.Repeat("a", bytes)}, nil
		},
	}}
}

// awaitUnread waits until more than so many bytes are being written to a machine, and gives how many.
func awaitUnread(u *unread, machine string, moreThan int64) int64 {
	for {
		u.mu.Lock()
		its := u.ofMachine[machine]
		u.mu.Unlock()
		if its > moreThan {
			return its
		}
		runtime.Gosched()
	}
}

// TestUnreadLines: for a client that does not read its answers no more of them are made than may
// wait, however many calls it sends; once it reads all goes on.
func TestUnreadLines(t *testing.T) {
	const each = 1 << 20
	var ran atomic.Int64
	s := New(Config{Tools: talkative(each, &ran)})
	s.gate.unread.bound(4 * each)
	in, client := io.Pipe()
	out, answers := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- s.ServeStdio(t.Context(), in, answers, time.Minute) }()
	lines := json.NewDecoder(out)
	type answer struct {
		ID     any
		Result struct {
			IsError bool
			Content []struct{ Text string }
		}
	}
	read := func() (a answer) {
		t.Helper()
		if err := lines.Decode(&a); err != nil {
			t.Fatal(err)
		}
		return a
	}
	call := func(id string) {
		fmt.Fprintf(client, `{"jsonrpc":"2.0","id":%q,"method":"tools/call","params":{"name":"talks"}}`+"\n", id)
	}
	io.WriteString(client, initializeMessage+"\n")
	read()
	for i := range 4 {
		call(fmt.Sprint(i))
	}
	held := awaitUnread(s.gate.unread, thisMachine, 4*each)
	call("late")
	held = awaitUnread(s.gate.unread, thisMachine, held)
	io.WriteString(client, `{"jsonrpc":"2.0","id":"ping","method":"ping"}`+"\n")
	awaitUnread(s.gate.unread, thisMachine, held)
	for range 6 {
		a := read()
		if refused := a.Result.IsError; refused != (a.ID == "late") || refused && !strings.Contains(a.Result.Content[0].Text, "OVERLOADED: ") {
			t.Errorf("%v is answered %.300v", a.ID, a.Result)
		}
	}
	if n := ran.Load(); n != 4 {
		t.Errorf("%d calls were run while nobody read, want 4", n)
	}
	call("after")
	if a := read(); a.ID != "after" || a.Result.IsError {
		t.Errorf("after all was read %v is answered %.300v", a.ID, a.Result)
	}
	client.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if held, _, _ := s.gate.unread.full(thisMachine); held != 0 {
		t.Errorf("%d bytes are still taken for unread", held)
	}
}

// stuckWriter is the answer to a client that reads nothing until it is told to.
type stuckWriter struct {
	*httptest.ResponseRecorder
	reads chan struct{}
}

func (w stuckWriter) Write(p []byte) (int, error) {
	<-w.reads
	return w.ResponseRecorder.Write(p)
}

// TestUnreadHTTP: the same over HTTP in both eras, where one machine that does not read keeps no
// other from being answered.
func TestUnreadHTTP(t *testing.T) {
	var ran atomic.Int64
	s := newSite(t, talkative(bodyMax, &ran), HTTPOptions{})
	h, err := s.server.Handler(HTTPOptions{Path: "/mcp", MaxBodyBytes: 2 * bodyMax})
	if err != nil {
		t.Fatal(err)
	}
	opened := httptest.NewRecorder()
	begin := s.request(t.Context(), initializeMessage, "")
	begin.Host = "192.0.2.1"
	h.ServeHTTP(opened, begin)
	session := opened.Header().Get("Mcp-Session-Id")
	for era, message := range map[string]string{"legacy": legacyCall("talks"), "modern": modernCall("talks")} {
		t.Run(era, func(t *testing.T) {
			calls := 0
			post := func(machine string, w http.ResponseWriter) {
				calls++
				r := s.request(t.Context(), strings.Replace(message, `"id":7`, fmt.Sprintf(`"id":"%s %d"`, machine, calls), 1), session)
				r.Host, r.RemoteAddr = "192.0.2.1", machine+":4711"
				h.ServeHTTP(w, r)
			}
			stuck := stuckWriter{httptest.NewRecorder(), make(chan struct{})}
			done := make(chan bool)
			go func() { post("198.51.100.1", stuck); close(done) }()
			awaitUnread(s.server.gate.unread, "machine 198.51.100.1", bodyMax)
			before := ran.Load()
			w := httptest.NewRecorder()
			post("198.51.100.1", w)
			if !strings.Contains(w.Body.String(), "OVERLOADED: ") || ran.Load() != before {
				t.Errorf("beside an answer that is not read: %d %.300s", w.Code, w.Body)
			}
			w = httptest.NewRecorder()
			post("198.51.100.2", w)
			if w.Body.Len() < bodyMax {
				t.Errorf("another machine: %d %.300s", w.Code, w.Body)
			}
			close(stuck.reads)
			<-done
			w = httptest.NewRecorder()
			post("198.51.100.1", w)
			if stuck.Body.Len() < bodyMax || w.Body.Len() < bodyMax {
				t.Errorf("once it was read: %.300s, and the next %d %.300s", stuck.Body, w.Code, w.Body)
			}
		})
	}
}
