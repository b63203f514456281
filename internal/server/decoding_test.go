package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridflow/flow"
)

// decodingSite is a server in a bubble, called without a network.
type decodingSite struct {
	t *testing.T
	*Server
	http http.Handler
}

func newDecodingSite(t *testing.T, decoders int) decodingSite {
	s := New(Config{Version: "1.2.3", Tools: fixtureTools(), ToolTimeout: time.Minute})
	s.decoding = newDecoding(decoders)
	h, err := s.Handler(HTTPOptions{Path: "/mcp"})
	if err != nil {
		t.Fatal(err)
	}
	return decodingSite{t, s, h}
}

// post sends a message from a machine and gives the answer.
func (s decodingSite) post(ctx context.Context, machine, message, session string) *httptest.ResponseRecorder {
	r := (&site{t: s.t, url: "http://localhost"}).request(ctx, message, session)
	r.RemoteAddr = machine + ":4711"
	r.Host = "127.0.0.1"
	w := httptest.NewRecorder()
	s.http.ServeHTTP(w, r)
	return w
}

// TestDecodingIsBounded: so many messages are taken apart at once; the others wait, by turns of the
// machines, and for so long. Whoever waited in vain is told when to come back, and nothing was done.
func TestDecodingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDecodingSite(t, 2)
		hold := func() flow.Permit {
			p, err := s.decoding.gate.Acquire(t.Context(), flow.Request{Client: "somebody"})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		first, second := hold(), hold()
		var all sync.WaitGroup
		send := func(machine string, want int) {
			all.Go(func() {
				w := s.post(t.Context(), machine, modernCall("echo"), "")
				if w.Code != want {
					t.Errorf("%s: %d %s, want %d", machine, w.Code, w.Body, want)
				}
				if want != 200 && (w.Header().Get("Retry-After") == "" || !strings.HasPrefix(w.Body.String(), "OVERLOADED: ")) {
					t.Errorf("%s is refused with %v %s", machine, w.Header(), w.Body)
				}
			})
		}
		for range 5 {
			send("198.51.100.1", http.StatusServiceUnavailable)
		}
		synctest.Wait()
		if n := s.decoding.gate.Stats().Waiting; n != 5 {
			t.Fatalf("%d messages wait, want 5", n)
		}
		w := httptest.NewRecorder()
		s.http.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/healthz", nil))
		if w.Code != 200 {
			t.Errorf("what has no message waits too: %d", w.Code)
		}
		ctx, leave := context.WithCancel(t.Context())
		all.Go(func() { s.post(ctx, "198.51.100.3", modernCall("echo"), "") })
		synctest.Wait()
		leave()
		synctest.Wait()
		if n := s.decoding.gate.Stats().Waiting; n != 5 {
			t.Errorf("%d messages wait after one has left, want 5", n)
		}
		began := time.Now()
		all.Wait()
		if took := time.Since(began); took != decodeWait {
			t.Errorf("they were refused after %v, want %v", took, decodeWait)
		}

		// By turns: who sends many is not ahead of who sends one.
		var order []string
		wait := func(machine string) {
			all.Go(func() {
				turn, err := s.decoding.begin(t.Context(), machine, "", 1, 100)
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, machine) // by one at a time: the other place is taken
				turn.end()
			})
			synctest.Wait()
		}
		for range 5 {
			wait("many")
		}
		wait("one")
		first.Done(flow.OK)
		all.Wait()
		second.Done(flow.OK)
		if at := slices.Index(order, "one"); len(order) != 6 || at > 1 {
			t.Errorf("the other machine had its turn after others that came first: %v", order)
		}
		if n := s.decoding.gate.Stats().InFlight; n != 0 {
			t.Errorf("%d turns are left", n)
		}
	})
}

// TestDecodingEndsWithTheCall: a turn ends when the call begins, over each transport; what never becomes
// a call gives it back with the answer, and not because its time is over.
func TestDecodingEndsWithTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDecodingSite(t, 1)
		began := time.Now()
		const here = "127.0.0.1"
		session := s.post(t.Context(), here, initializeMessage, "").Header().Get("Mcp-Session-Id")
		s.post(t.Context(), here, `{"jsonrpc":"2.0","method":"notifications/initialized"}`, session)
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { s.post(ctx, here, modernCall("blocks"), "") })
		all.Go(func() { s.post(ctx, here, legacyCall("blocks"), session) })
		synctest.Wait()
		for _, message := range []string{
			modernCall("echo"), `no JSON`, `{"jsonrpc":"2.0","id":7,"method":"no/method","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
			`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2025-01-01"}}}`, modernCall("echo"),
		} {
			if w := s.post(t.Context(), here, message, ""); w.Code == http.StatusServiceUnavailable {
				t.Errorf("%s: %d %s", message, w.Code, w.Body)
			}
		}
		if w := s.post(t.Context(), here, strings.Replace(legacyCall("echo"), `:7`, `:8`, 1), session); w.Code != 200 || !strings.Contains(w.Body.String(), `"text":"{}"`) {
			t.Errorf("beside a call of the same session: %d %s", w.Code, w.Body)
		}

		in, client := io.Pipe()
		answers, out := io.Pipe()
		all.Go(func() { s.ServeStdio(ctx, in, out, time.Second) })
		lines := bufio.NewScanner(answers)
		fmt.Fprintln(client, strings.Replace(modernCall("blocks"), `:7`, `:1`, 1))
		for _, message := range []string{strings.Replace(modernCall("echo"), `:7`, `:2`, 1), `{"jsonrpc":"2.0","id":3,"method":"tools/call"}`, strings.Replace(modernCall("echo"), `:7`, `:4`, 1)} {
			fmt.Fprintln(client, message)
			if !lines.Scan() {
				t.Fatal("the connection has ended")
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v: turns were waited for", took)
		}
		if n := s.decoding.gate.Stats().InFlight; n != 0 {
			t.Errorf("%d turns are left", n)
		}
		go io.Copy(io.Discard, answers)
		stop()
		client.Close()
		all.Wait()
		out.Close()
		r, _ := http.NewRequest(http.MethodDelete, "http://localhost/mcp", nil)
		r.Header.Set("Mcp-Session-Id", session)
		s.http.ServeHTTP(httptest.NewRecorder(), r)
	})
}

// TestDecodingOverStdio: what cannot be taken apart in time is refused over a pipe, too, in the words of
// the protocol; the line that cancels a call does not wait, nor is it lost.
func TestDecodingOverStdio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDecodingSite(t, 1)
		in, client := io.Pipe()
		answers, out := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- s.ServeStdio(t.Context(), in, out, time.Second) }()
		lines := bufio.NewScanner(answers)
		held, err := s.decoding.gate.Acquire(t.Context(), flow.Request{Client: "somebody"})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ message, want string }{
			{modernCall("echo"), `"OVERLOADED: `},
			{`{"jsonrpc":"2.0","id":8,"method":"tools/list"}`, `"code":"OVERLOADED"`},
		} {
			began := time.Now()
			fmt.Fprintln(client, c.message)
			if !lines.Scan() || !strings.Contains(lines.Text(), c.want) {
				t.Errorf("%s is answered %s", c.message, lines.Text())
			}
			if took := time.Since(began); took != decodeWait {
				t.Errorf("refused after %v, want %v", took, decodeWait)
			}
		}
		held.Done(flow.OK)
		fmt.Fprintln(client, modernCall("echo"))
		if !lines.Scan() || !strings.Contains(lines.Text(), `"text":"{}"`) {
			t.Errorf("afterwards: %s", lines.Text())
		}
		client.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		out.Close()
	})
}

// TestDecodingPatience: a message that stands still in the SDK keeps nobody waiting for ever.
func TestDecodingPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDecoding(1)
		stuck, err := d.begin(t.Context(), "a", "", 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		next, err := d.begin(t.Context(), "b", "", 1, bodyMax)
		if err != nil || time.Since(began) != decodePatience {
			t.Errorf("the next had its turn after %v (%v), want %v", time.Since(began), err, decodePatience)
		}
		stuck.end()
		next.end()
		next.end()
		if s := d.gate.Stats(); s.InFlight != 0 || s.Resources[0].Used != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestDecodingBytes: messages that together take more memory than may be are taken apart one after the other, however many might be at once.
func TestDecodingBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDecoding(8)
		large, err := d.begin(t.Context(), "a", "", 1, bodyMax)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, large.end)
		began := time.Now()
		small, err := d.begin(t.Context(), "b", "", 1, 1000)
		if took := time.Since(began); err != nil || took != 0 {
			t.Errorf("a small one had its turn after %v (%v)", took, err)
		}
		next, err := d.begin(t.Context(), "c", "", 1, bodyMax)
		if took := time.Since(began); err != nil || took != time.Second {
			t.Errorf("the next large one had its turn after %v (%v), want that of the end of the first", took, err)
		}
		small.end()
		next.end()
	})
}

// TestProgramIn: whose program sends a body is found without taking it apart, where it is said as usual.
func TestProgramIn(t *testing.T) {
	for body, want := range map[string]string{
		modernCall("echo"): `{"name":"t","version":"1"}`,
		legacyCall("echo"): "",
		`{"params":{"_meta":{"io.modelcontextprotocol/clientInfo":5}}}`: "5",
		`{"params":[],"params":{}}`:                                     "",
		`{"params":`:                                                    "",
		``:                                                              "",
		strings.Repeat(" ", programMax) + modernCall("echo"): "",
	} {
		if got := programIn([]byte(body)); got != want {
			t.Errorf("%.80s: %q, want %q", body, got, want)
		}
	}
}

// BenchmarkStorm tells how much memory is held at most when many messages come at once, those who send them
// included: with as many taken apart at once as on this machine, and with any number. The garbage collector
// runs often, so that it is what is held and not what has been left lying; the server leaves four times as much.
func BenchmarkStorm(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	const calls = 500
	for _, c := range []struct {
		name     string
		decoders int
	}{{"bounded", decoders()}, {"unbounded", calls}} {
		b.Run(c.name, func(b *testing.B) {
			s := New(Config{Tools: fixtureTools(), ToolTimeout: time.Minute})
			s.decoding = newDecoding(c.decoders)
			h, err := s.Handler(HTTPOptions{Path: "/mcp"})
			if err != nil {
				b.Fatal(err)
			}
			memory := func() uint64 {
				sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
				metrics.Read(sample)
				return sample[0].Value.Uint64() + sample[1].Value.Uint64()
			}
			refused := 0
			var peak uint64
			for b.Loop() {
				runtime.GC()
				before := memory()
				var all sync.WaitGroup
				var mu sync.Mutex
				for range calls {
					all.Go(func() {
						r := httptest.NewRequest(http.MethodPost, "http://localhost/mcp", strings.NewReader(modernCall("echo")))
						r.RemoteAddr = "127.0.0.1:1"
						for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Mcp-Protocol-Version": statelessSince, "Mcp-Method": "tools/call", "Mcp-Name": "echo"} {
							r.Header.Set(name, value)
						}
						w := httptest.NewRecorder()
						h.ServeHTTP(w, r)
						now := memory()
						mu.Lock()
						defer mu.Unlock()
						peak = max(peak, now-min(now, before))
						if w.Code != http.StatusOK {
							refused++
						}
					})
				}
				all.Wait()
			}
			b.ReportMetric(float64(peak)/1e6, "peak-MB")
			b.ReportMetric(float64(refused)/float64(b.N), "refused/op")
		})
	}
}
