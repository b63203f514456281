package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow"
	"gridflow/internal/actor"
	"gridflow/internal/tools"
)

func TestSelect(t *testing.T) {
	table := []tools.Tool{
		{Name: "a", Toolset: "read", Core: true, ReadOnly: true},
		{Name: "b", Toolset: "read", ReadOnly: true},
		{Name: "c", Toolset: "write", Core: true},
		{Name: "d", Toolset: "write"},
	}
	for _, c := range []struct {
		sel  Selection
		want string
	}{
		{Selection{}, ""},
		{Selection{Toolsets: []string{"core"}}, "a c"},
		{Selection{Toolsets: []string{"all"}}, "a b c d"},
		{Selection{Toolsets: []string{"write"}, Tools: []string{"a"}}, "a c d"},
		{Selection{Toolsets: []string{"all"}, ReadOnly: true}, "a b"},
		{Selection{Tools: []string{"d"}, ReadOnly: true}, ""},
		{Selection{Toolsets: []string{"all"}, Tools: []string{"a"}, Exclude: []string{"a"}, ReadOnly: true}, "b"},
		{Selection{Toolsets: []string{"raed"}}, `there is no toolset "raed"; did you mean "read"?`},
		{Selection{Tools: []string{"zzzzzz"}}, `there is no tool "zzzzzz"; there are a, b, c, d`},
		{Selection{Exclude: []string{"zzzzzz"}}, `there is no tool "zzzzzz"; there are a, b, c, d`},
	} {
		rows, err := Select(table, c.sel)
		var names []string
		for _, r := range rows {
			names = append(names, r.Name)
		}
		got := strings.Join(names, " ")
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.sel, got, c.want)
		}
	}
}

// TestInstructions: the text stays below what clients cut, with all tools on offer, and
// speaks of no tool that is not.
func TestInstructions(t *testing.T) {
	offered := make(map[string]*tools.Tool)
	for _, line := range workflow {
		for _, name := range line.needs {
			offered[name] = new(tools.Tool)
		}
	}
	if n := len(instructions(offered)); n >= instructionsMax {
		t.Errorf("%d bytes, want less than %d", n, instructionsMax)
	}
	for name := range offered {
		if text := instructions(nil); strings.Contains(text, name) {
			t.Errorf("%s is spoken of without being offered", name)
		}
	}
}

func TestClip(t *testing.T) {
	for _, s := range []string{"short", strings.Repeat("é", 30), strings.Repeat("a", 29) + "€€", strings.Repeat("\xff", 50)} {
		got := clip(s, 30)
		if len(got) > 30 || utf8.ValidString(s) && !utf8.ValidString(got) || len(s) <= 30 && got != s {
			t.Errorf("clip(%q) = %q", s, got)
		}
	}
}

// TestProgressValues: whatever a tool reports, what is sent increases strictly, at most
// four times a second, and never follows stop.
func TestProgressValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []float64
		var at []time.Time
		p := startProgress(func(done, total float64, _ string) {
			sent, at = append(sent, done), append(at, time.Now())
			if total != 0 && total != 10 {
				t.Errorf("of %v", total)
			}
		})
		for _, v := range []float64{0, 5, 3, 5, 5.5, 1e15, 7} {
			p.report(v, 10, "x")
			time.Sleep(100 * time.Millisecond)
		}
		soFar := func() []float64 {
			p.mu.Lock() // it is held while something is sent
			defer p.mu.Unlock()
			return slices.Clone(sent)
		}
		time.Sleep(3*heartbeatInterval + time.Second)
		before := len(soFar())
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} { // JSON has none of them
			p.report(v, 10, "none")
			time.Sleep(progressInterval)
		}
		p.report(1e16, math.Inf(1), "of how many nobody knows")
		if now := soFar()[before:]; !slices.Equal(now, []float64{1e16}) {
			t.Errorf("sent %v for what is no number and 1e16", now)
		}
		time.Sleep(heartbeatInterval)
		p.stop()
		before = len(sent)
		time.Sleep(progressInterval)
		p.report(1e17, 0, "late")
		p.heartbeat() // the timer may have begun when the call ended
		time.Sleep(time.Minute)
		if len(sent) != before {
			t.Errorf("sent %v after the end", sent[before:])
		}
		if len(sent) < 5 {
			t.Errorf("sent %v: too few", sent)
		}
		if !slices.IsSorted(sent) || len(slices.Compact(slices.Clone(sent))) != len(sent) {
			t.Errorf("sent %v: not strictly increasing", sent)
		}
		for i := 1; i < len(at); i++ {
			if d := at[i].Sub(at[i-1]); d < progressInterval || d > heartbeatInterval {
				t.Errorf("%v between two reports", d)
			}
		}
	})
}

// TestHeartbeat: a tool that says nothing is known to be alive after two seconds, and
// every ten from then on.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		p := startProgress(func(_, _ float64, message string) {
			at = append(at, time.Since(start))
			if want := fmt.Sprintf("working (%v)", time.Since(start)); message != want {
				t.Errorf("message %q, want %q", message, want)
			}
		})
		time.Sleep(25 * time.Second)
		p.stop()
		if want := []time.Duration{2 * time.Second, 12 * time.Second, 22 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("heartbeats after %v, want %v", at, want)
		}
	})
}

// TestAdmission: what works passes the gate before it begins, its permit comes back when
// it has really stopped, and a refusal reaches the caller in the form of the method.
func TestAdmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var priced []string
		conf := flow.Defaults(2, 0)
		conf.Classes[flow.Fast].QueueMax, conf.Classes[flow.Fast].FlowQueueMax = 1, 1
		conf.Classes[flow.Fast].Limit = 1
		conf.Classes[flow.Fast].WaitMax = time.Minute
		gate, err := flow.New(conf, flow.Listener{})
		if err != nil {
			t.Fatal(err)
		}
		price := func(_ context.Context, call Call) flow.Work {
			name := call.URI
			if call.Tool != nil {
				name = call.Tool.Name + string(call.Arguments)
			}
			priced = append(priced, name)
			return flow.Work{Kind: flow.Kind{Name: name}, Class: flow.Fast, Need: flow.Amounts{1}}
		}
		var out lockedBuffer
		s := New(Config{
			Tools: fixtureTools(), Flow: &Flow{Gate: gate, Price: price},
			Resources: fixtureResources{changed: make(chan string)}, ToolTimeout: 10 * time.Second,
		})
		in, client := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- s.ServeStdio(t.Context(), in, &out, time.Second) }()
		send := func(id int, method, params string) string {
			synctest.Wait()
			before := len(out.String())
			fmt.Fprintf(client, `{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`+"\n", id, method, params)
			time.Sleep(time.Second)
			return out.String()[before:]
		}
		send(0, "initialize", `{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}`)
		send(1, "tools/call", `{"name":"blocks"}`)              // holds the one seat until its deadline, 10 s
		send(2, "tools/call", `{"name":"echo","arguments":{}}`) // waits
		refused := send(3, "tools/call", `{"name":"echo","arguments":{"a":1}}`)
		for _, want := range []string{`"isError":true`, "OVERLOADED: this client has as many fast calls waiting as it may", `"gridflow/retryAfterMs":`, `"reason":"full_flow"`, `"capacity":1`, `"depth":1`} {
			if !strings.Contains(refused, want) {
				t.Errorf("refused call: %s has no %s", refused, want)
			}
		}
		if got := send(4, "resources/read", `{"uri":"gridflow://wb-1/Data/A1:B2"}`); !strings.Contains(got, `"error"`) || !strings.Contains(got, `"retryAfterMs":`) {
			t.Errorf("refused read: %s", got)
		}
		if got := send(5, "tools/list", `{}`); !strings.Contains(got, `"echo"`) {
			t.Errorf("a list waits: %s", got)
		}
		time.Sleep(6 * time.Second)
		if got := out.String(); !strings.Contains(got, `"id":1,`) || !strings.Contains(got, `"id":2,`) {
			t.Errorf("after the deadline of the first the second should have run: %s", got)
		}
		send(6, "tools/call", `{"name":"panics"}`)
		send(7, "resources/read", `{"uri":"gridflow://wb-1/Panic"}`)
		if n := gate.Stats().InFlight; n != 0 {
			t.Errorf("%d permits have not come back", n)
		}
		want := []string{"blocks", "echo{}", `echo{"a":1}`, "gridflow://wb-1/Data/A1:B2", "panics", "gridflow://wb-1/Panic"}
		if !slices.Equal(priced, want) {
			t.Errorf("passed the gate: %q, want %q", priced, want)
		}
		client.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestStubbornCall: a call that does not heed its context cannot keep the process: it
// returns, saying that something was cut off.
func TestStubbornCall(t *testing.T) {
	never := make(chan bool)
	rows := []tools.Tool{{
		Name: "stubborn", Schema: anyObject,
		Call: func(context.Context, *tools.Env, json.RawMessage) (*tools.Result, error) { <-never; return nil, nil },
	}}
	synctest.Test(t, func(t *testing.T) {
		never = make(chan bool)
		var out lockedBuffer
		s := New(Config{Tools: rows})
		in, client := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- s.ServeStdio(t.Context(), in, &out, time.Second) }()
		io.WriteString(client, initializeMessage+"\n"+legacyCall("stubborn")+"\n")
		synctest.Wait()
		start := time.Now()
		client.Close()
		if err := <-ended; !errors.Is(err, ErrCut) {
			t.Errorf("ended with %v", err)
		}
		if took := time.Since(start); took != time.Second+cutGrace {
			t.Errorf("took %v", took)
		}
		close(never) // lets the bubble end
	})
}

// TestWatchdog: a call that goes on after its deadline is named in the log, with the place
// where it stands; one that ends in time is not.
func TestWatchdog(t *testing.T) {
	t.Run("in a goroutine of its own", func(t *testing.T) {
		testWatchdog(t, func(ctx context.Context) error {
			done := make(chan struct{})
			go func() { defer close(done); sulk() }()
			<-done
			return ctx.Err()
		})
	})
	t.Run("in an actor", func(t *testing.T) {
		actors, err := actor.New(actor.Config[int]{Restore: func(context.Context, string) (*int, error) { return new(int), nil }})
		if err != nil {
			t.Fatal(err)
		}
		testWatchdog(t, func(ctx context.Context) error {
			return actors.Call(ctx, "fork", func(ctx context.Context, _ *int) error { sulk(); return ctx.Err() })
		})
	})
	t.Run("in an actor whose goroutine another has begun", func(t *testing.T) {
		testWatchdogOf(t, func() func(context.Context) error {
			actors, err := actor.New(actor.Config[int]{Restore: func(context.Context, string) (*int, error) { return new(int), nil }})
			if err != nil {
				t.Fatal(err)
			}
			queued := make(chan struct{})
			go actors.Call(context.Background(), "fork", func(context.Context, *int) error { <-queued; return nil })
			synctest.Wait()
			return func(ctx context.Context) error {
				time.AfterFunc(time.Millisecond, func() { close(queued) })
				return actors.Call(ctx, "fork", func(ctx context.Context, _ *int) error { sulk(); return ctx.Err() })
			}
		})
	})
}

func testWatchdog(t *testing.T, stubborn func(context.Context) error) {
	testWatchdogOf(t, func() func(context.Context) error { return stubborn })
}

// testWatchdogOf makes what the stubborn call does in the bubble.
func testWatchdogOf(t *testing.T, prepare func() (stubborn func(context.Context) error)) {
	var stubborn func(context.Context) error
	rows := append(fixtureTools(), tools.Tool{
		Name: "stubborn", Schema: anyObject,
		Call: func(ctx context.Context, _ *tools.Env, _ json.RawMessage) (*tools.Result, error) {
			return nil, stubborn(ctx)
		},
	})
	synctest.Test(t, func(t *testing.T) {
		stubborn = prepare()
		var out, log lockedBuffer
		s := New(Config{Tools: rows, ToolTimeout: time.Second, Log: slog.New(slog.NewTextHandler(&log, nil))})
		in, client := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- s.ServeStdio(t.Context(), in, &out, time.Minute) }()
		io.WriteString(client, initializeMessage+"\n"+legacyCall("blocks")+"\n"+strings.Replace(legacyCall("stubborn"), `"id":7`, `"id":8`, 1)+"\n")
		time.Sleep(5 * time.Second)
		if text := log.String(); strings.Contains(text, "stuck") {
			t.Errorf("too early: %s", text)
		}
		time.Sleep(2 * time.Second)
		text := log.String()
		if strings.Count(text, "a call is stuck") != 1 || !strings.Contains(text, "tool=stubborn") || !strings.Contains(text, "sulk") {
			t.Errorf("the log: %s", text)
		}
		client.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestEndOfInput: all that has come before the end of the input is served, be the end as near as it may.
func TestEndOfInput(t *testing.T) {
	const rounds, calls = 50, 20
	text := initializeMessage + "\n"
	for i := range calls {
		text += fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo","arguments":{"a":%d}}}`+"\n", 2000+i, i)
	}
	for range rounds {
		var out lockedBuffer
		s := New(Config{Tools: fixtureTools()})
		if err := s.ServeStdio(t.Context(), strings.NewReader(text), &out, time.Hour); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); strings.Count(got, `"id":20`) != calls || strings.Contains(got, "DRAINING") {
			t.Fatalf("%d calls were sent and then nothing more; the answers: %s", calls, got)
		}
	}
}

// TestStuckCallIsAnswered: whoever waits for a call that does not notice its deadline is told so, and what he does not know. The call keeps
// its permit, and the server that stops knows that something goes on.
func TestStuckCallIsAnswered(t *testing.T) {
	var never chan bool
	rows := []tools.Tool{{
		Name: "stubborn", Schema: anyObject,
		Call: func(context.Context, *tools.Env, json.RawMessage) (*tools.Result, error) { <-never; return nil, nil },
	}}
	for _, ends := range []bool{true, false} { // before the client does
		synctest.Test(t, func(t *testing.T) {
			never = make(chan bool)
			gate, err := flow.New(flow.Defaults(2, 0), flow.Listener{})
			if err != nil {
				t.Fatal(err)
			}
			var out lockedBuffer
			s := New(Config{Tools: rows, ToolTimeout: time.Second, Flow: &Flow{Gate: gate, Price: func(context.Context, Call) flow.Work {
				return flow.Work{Class: flow.Fast, Need: flow.Amounts{1}}
			}}})
			in, client := io.Pipe()
			ended := make(chan error, 1)
			go func() { ended <- s.ServeStdio(t.Context(), in, &out, time.Second) }()
			asking := strings.Replace(legacyCall("stubborn"), `"params":{`, `"params":{"_meta":{"progressToken":1},`, 1)
			io.WriteString(client, initializeMessage+"\n"+asking+"\n")
			time.Sleep(time.Second + stuckGrace - time.Nanosecond)
			if text := out.String(); strings.Contains(text, `"id":7`) {
				t.Errorf("too early: %s", text)
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if text := out.String(); strings.Count(text, `"id":7`) != 1 || !strings.Contains(text, "TIMEOUT: ") || !strings.Contains(text, `"stuck":true`) {
				t.Errorf("the caller is told: %s", text)
			}
			time.Sleep(time.Minute)
			if _, after, _ := strings.Cut(out.String(), `"id":7`); strings.Contains(after, "progress") || !strings.Contains(out.String(), "progress") {
				t.Errorf("progress is told after the answer, or none before: %s", out.String())
			}
			if _, inside := s.Drain(); inside != 1 || gate.Stats().InFlight != 1 {
				t.Errorf("while it goes on %d calls are in flight, with %d permits", inside, gate.Stats().InFlight)
			}
			if ends {
				close(never)
				synctest.Wait()
				if _, inside := s.Drain(); inside != 0 || gate.Stats().InFlight != 0 {
					t.Errorf("when it has ended %d calls are in flight, with %d permits", inside, gate.Stats().InFlight)
				}
			}
			client.Close()
			if err := <-ended; errors.Is(err, ErrCut) == ends {
				t.Errorf("ended with %v", err)
			}
			if text := out.String(); strings.Count(text, `"id":7`) != 1 {
				t.Errorf("it was answered again: %s", text)
			}
			if !ends {
				close(never) // lets the bubble end
			}
		})
	}
}

// sulk heeds no context for a while.
func sulk() { time.Sleep(10 * time.Second) }

// TestClientThatStopsReading: when answers cannot be written any more the session ends
// by itself.
func TestClientThatStopsReading(t *testing.T) {
	s := New(Config{Tools: fixtureTools()})
	in, client := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- s.ServeStdio(t.Context(), in, brokenWriter{}, time.Hour) }()
	go io.WriteString(client, initializeMessage+"\n")
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("ended with %v", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// TestTooManyInFlight: one connection cannot pile up calls without bound, and the line
// that cancels one still gets through.
func TestTooManyInFlight(t *testing.T) {
	c := newLineConn(strings.NewReader(""), io.Discard, nil)
	for i := range inFlightMax {
		msg, _, problem := decode(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{}}`, i))
		if problem == nil {
			problem = c.register(msg, nil)
		}
		if problem != nil {
			t.Fatal(i, problem)
		}
	}
	msg, _, _ := decode([]byte(`{"jsonrpc":"2.0","id":"one more","method":"ping"}`))
	p := c.register(msg, nil)
	if p == nil || !strings.Contains(p.message, "OVERLOADED") {
		t.Fatalf("one more gave %v", p)
	}
	if answer := string(p.answer(json.RawMessage(`"one more"`))); !strings.Contains(answer, `"data":{"bytes":8192,"bytes_capacity":67108864,"capacity":4096,"code":"OVERLOADED","depth":4096,"reason":"connection","retryAfterMs":100,"retry_after_ms":100}`) {
		t.Errorf("one more is answered %s", answer)
	}
	msg, _, _ = decode([]byte(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}`))
	if p := c.register(msg, nil); p != nil {
		t.Errorf("cancelling gave %v", p)
	}
	id, err := decodeID([]byte("5"))
	if err != nil || !c.pending[id].cancelled {
		t.Errorf("the call was not marked as cancelled (%v)", err)
	}
}

// TestTooManyBytesInFlight: nor can it pile up parameters; answered calls make room.
func TestTooManyBytesInFlight(t *testing.T) {
	c := newLineConn(strings.NewReader(""), io.Discard, nil)
	request := func(id float64) *jsonrpc.Request {
		made, err := jsonrpc.MakeID(id)
		if err != nil {
			t.Fatal(err)
		}
		return &jsonrpc.Request{ID: made, Method: "tools/call", Params: make(json.RawMessage, inFlightBytesMax)}
	}
	if p := c.register(request(1), nil); p != nil {
		t.Fatal(p)
	}
	if p := c.register(request(2), nil); p == nil {
		t.Error("twice the bytes were let in")
	}
	if err := c.Write(t.Context(), &jsonrpc.Response{ID: request(1).ID, Result: json.RawMessage("{}")}); err != nil {
		t.Fatal(err)
	}
	for id := range 2 { // beside each other: what was answered does not count any more
		small := request(float64(3 + id))
		small.Params = small.Params[:1]
		if p := c.register(small, nil); p != nil {
			t.Error(p)
		}
	}
}

// FuzzDecode: whatever a line holds, it is understood or refused.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(initializeMessage))
	f.Add([]byte(`{"jsonrpc":"2.0","id":null,"method":"x"}`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":1e400,"error":{"code":1}}`))
	f.Add([]byte(`[{"jsonrpc":"2.0","id":"a","method":"x","params":null}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out lockedBuffer
		c := newLineConn(strings.NewReader(""), &out, nil)
		if len(data) == 0 {
			return
		}
		if _, err := c.accept(line{data: data}); err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(out.String()) {
			if !json.Valid([]byte(l)) {
				t.Errorf("answer %q", l)
			}
		}
	})
}

// TestPrompts: every prompt with only its required arguments has no open place left.
func TestPrompts(t *testing.T) {
	for _, p := range prompts {
		args := make(map[string]string)
		for _, a := range p.args {
			if a.Required {
				args[a.Name] = "it's \"quoted\""
			}
		}
		res, err := p.get(t.Context(), &mcp.GetPromptRequest{Params: &mcp.GetPromptParams{Name: p.name, Arguments: args}})
		if err != nil {
			t.Fatal(err)
		}
		text := res.Messages[0].Content.(*mcp.TextContent).Text
		if strings.ContainsAny(text, "{}") || !strings.Contains(text, `it's \"quoted\"`) {
			t.Errorf("%s: %s", p.name, text)
		}
	}
}

func TestSubscriptionsForgetSessionsThatEnded(t *testing.T) {
	s := newSubscriptions(func(_ context.Context, uri string) (string, error) {
		workbook, _, _ := strings.Cut(strings.TrimPrefix(uri, resourceScheme), "/")
		return resourceScheme + workbook, nil
	})
	a, b := new(mcp.ServerSession), new(mcp.ServerSession)
	for _, session := range []*mcp.ServerSession{a, b} {
		for _, uri := range []string{"gridflow://wb-1/S/A1", "gridflow://wb-1", "gridflow://wb-12"} {
			if err := s.subscribe(t.Context(), &mcp.SubscribeRequest{Session: session, Params: &mcp.SubscribeParams{URI: uri}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, want := s.within("gridflow://wb-1", map[*mcp.ServerSession]bool{b: true}), []string{"gridflow://wb-1", "gridflow://wb-1/S/A1"}; !slices.Equal(got, want) {
		t.Errorf("watched: %q, want %q", got, want)
	}
	if s.counts[a] != 0 || s.counts[b] != 3 {
		t.Errorf("counts %d and %d", s.counts[a], s.counts[b])
	}
	s.within("gridflow://wb-1", nil)
	if len(s.byURI) != 0 || len(s.counts) != 0 || len(s.bytes) != 0 {
		t.Errorf("kept %v, %v and %v", s.byURI, s.counts, s.bytes)
	}
	if nobodys := s.sweep(nil); len(nobodys) != 3 || len(s.sweep(nil)) != 0 {
		t.Errorf("nobody watches %q any more", nobodys)
	}
	for i := range sessionSubscriptionsMax + 1 {
		err := s.subscribe(t.Context(), &mcp.SubscribeRequest{Session: a, Params: &mcp.SubscribeParams{URI: fmt.Sprintf("gridflow://wb-%d", i)}})
		if refused := err != nil; refused != (i == sessionSubscriptionsMax) {
			t.Fatalf("subscription %d: %v", i, err)
		}
	}
}

// TestSubscriptionsAreBounded: what a session watches is bounded in bytes, too, and nothing of it is kept
// when it has ended, although nothing changes.
func TestSubscriptionsAreBounded(t *testing.T) {
	s, _ := observedSite(t, fixtureTools(), HTTPOptions{}, nil)
	live := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const sessions = 100
	each := sessionSubscriptionBytesMax / 4000
	var before int64
	for n := range sessions {
		if n == sweepMin {
			before = live()
		}
		session := s.open()
		for i := range each + 1 {
			uri := fmt.Sprintf("gridflow://wb-1/Data/%d_%d", n, i)
			uri += strings.Repeat("A", 4000-len(uri))
			_, body := s.do(s.request(t.Context(), fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"resources/subscribe","params":{"uri":%q}}`, i+10, uri), session))
			if refused := strings.Contains(body, "as it may"); refused != (i == each) {
				t.Fatalf("subscription %d: %s", i, body)
			}
		}
		r := s.request(t.Context(), "", session)
		r.Method = http.MethodDelete
		if resp, body := s.do(r); resp.StatusCode != http.StatusNoContent {
			t.Fatalf("%s: %s", resp.Status, body)
		}
	}
	if grown := live() - before; grown > sessions*sessionSubscriptionBytesMax/2 {
		t.Errorf("%d sessions that have ended left %d bytes", sessions, grown)
	}
	if n := len(s.server.subscriptions.counts); n > 2*sweepMin {
		t.Errorf("%d sessions are known to watch, and none is there", n)
	}
}

// TestOneShot: everything that was read before the end of the input is served, also
// what had not begun when the end was seen.
func TestOneShot(t *testing.T) {
	input := initializeMessage + "\n" + `{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n"
	for i := range 50 {
		input += strings.Replace(legacyCall("echo"), `"id":7`, fmt.Sprintf(`"id":%d`, i+10), 1) + "\n"
	}
	input += strings.Replace(modernCall("links"), `"id":7`, `"id":99`, 1) // no newline at the end
	var out lockedBuffer
	if err := New(Config{Tools: fixtureTools()}).ServeStdio(t.Context(), strings.NewReader(input), &out, time.Minute); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), `"result"`); n != 52 || strings.Contains(out.String(), "DRAINING") {
		t.Errorf("%d results, want 52:\n%s", n, out.String())
	}
}

// TestBeforeInitialize: a request of the older era before the handshake is refused with
// a code.
func TestBeforeInitialize(t *testing.T) {
	var out lockedBuffer
	if err := New(Config{Tools: fixtureTools()}).ServeStdio(t.Context(), strings.NewReader(legacyCall("echo")), &out, time.Minute); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"code":-32600`) {
		t.Errorf("answer %s", out.String())
	}
}

// TestExtension: what an extension adds is served beside the rest, through the same
// middleware.
func TestExtension(t *testing.T) {
	s := New(Config{Tools: fixtureTools(), Extend: &Extension{
		Options: func(o *mcp.ServerOptions) { o.Instructions = "extended" },
		Register: func(s *mcp.Server) {
			s.AddTool(&mcp.Tool{Name: "extra", InputSchema: json.RawMessage(`{"type":"object"}`)},
				func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) { panic("secret detail") })
		},
	}})
	var out lockedBuffer
	input := strings.Join([]string{initializeMessage, legacyCall("extra"), modernCall("echo"), modernCall("no_such")}, "\n")
	for i := range 3 { // each its own id
		input = strings.Replace(input, `"id":7`, fmt.Sprintf(`"id":1%d`, i), 1)
	}
	if err := s.ServeStdio(t.Context(), strings.NewReader(input), &out, time.Minute); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"instructions":"extended"`, "INTERNAL: something", `"text":"{}"`, `unknown tool \"no_such\"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
}
