package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// A stage is a pipe whose client and whose servers are played by the test.
type stage struct {
	t     testing.TB
	pipe  *Pipe
	stop  context.CancelFunc // SIGTERM
	in    *io.PipeWriter
	lines <-chan string
	next  chan *played
	over  chan error
	stays chan struct{} // the output is there until it is closed; nil: until the pipe has ended
}

// feed reads lines as they come, as the buffer of a socket would.
func feed(r io.Reader) <-chan string {
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		b := bufio.NewReader(r)
		for {
			line, err := b.ReadString('\n')
			if err != nil {
				return
			}
			lines <- line
		}
	}()
	return lines
}

// A played is a server: what it reads the pipe has written.
type played struct {
	s     *stage
	lines <-chan string
	out   *io.PipeWriter
	in    *io.PipeReader
}

const stageBudget = 20 * time.Second

func newStage(t testing.TB) *stage {
	in, toPipe := io.Pipe()
	out, fromPipe := io.Pipe()
	s := &stage{t: t, in: toPipe, lines: feed(out), next: make(chan *played), over: make(chan error, 1)}
	s.pipe = &Pipe{
		In: in, Out: fromPipe, Log: slog.New(slog.DiscardHandler),
		ReadOnly: func(tool string) bool { return tool == "reads" },
		Connect: func(ctx context.Context) (Backend, error) {
			a, b := s.newServer()
			select {
			case s.next <- a:
				return b, nil
			case <-ctx.Done():
				a.die() // what reads for it would read for ever
				return nil, ctx.Err()
			}
		},
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go func() {
		s.over <- s.pipe.Run(ctx, stageBudget)
		if s.stays != nil {
			<-s.stays
		}
		fromPipe.Close()
	}()
	return s
}

func (s *stage) newServer() (*played, Backend) {
	fromPipe, toServer := io.Pipe()
	fromServer, toPipe := io.Pipe()
	return &played{s, feed(fromPipe), toPipe, fromPipe}, &selfConn{PipeReader: fromServer, in: toServer}
}

func (s *stage) say(lines ...string) {
	s.t.Helper()
	for _, line := range lines {
		if _, err := io.WriteString(s.in, line+"\n"); err != nil {
			s.t.Fatal(err)
		}
	}
}

// hear reads a line of the pipe's output and looks for parts in it.
func (s *stage) hear(parts ...string) { s.t.Helper(); s.expect(s.lines, parts) }

func (a *played) hear(parts ...string) { a.s.t.Helper(); a.s.expect(a.lines, parts) }

func (s *stage) expect(lines <-chan string, parts []string) {
	s.t.Helper()
	line := <-lines
	for _, part := range parts {
		if !strings.Contains(line, part) {
			s.t.Fatalf("read %q, want %q", line, part)
		}
	}
}

func (a *played) say(lines ...string) {
	a.s.t.Helper()
	for _, line := range lines {
		if _, err := io.WriteString(a.out, line+"\n"); err != nil {
			a.s.t.Fatal(err)
		}
	}
}

// die ends the server on the spot.
func (a *played) die() {
	a.out.Close()
	a.in.Close()
}

// end closes the input and checks how the pipe ends.
func (s *stage) end(want error) {
	s.t.Helper()
	s.in.Close()
	if err := <-s.over; !errors.Is(err, want) {
		s.t.Fatalf("the pipe ended with %v, want %v", err, want)
	}
	for line := range s.lines {
		s.t.Fatalf("more was written: %s", line)
	}
}

func request(id int, method, params string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`, id, method, params)
}

func toolRequest(id int, tool string) string {
	return request(id, methodCallTool, fmt.Sprintf(`{"name":%q,"arguments":{}}`, tool))
}

func result(id any) string {
	text, _ := json.Marshal(id)
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":{}}`, text)
}

// TestPipeMoves: a server dies twice. The next one learns what the session was, gets what
// changes nothing, once, and the client is told of what might have changed something.
func TestPipeMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		first := <-s.next
		s.say(request(0, "initialize", `{"protocolVersion":"2025-11-25"}`))
		first.hear(`"id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}`)
		first.say(`{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25"}}`)
		s.hear(`"protocolVersion"`)
		s.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
		first.hear("notifications/initialized")
		for id, uri := range []string{"gridflow://a", "gridflow://b"} {
			s.say(request(id, methodSubscribe, fmt.Sprintf(`{"uri":%q}`, uri)))
			first.hear(uri)
			first.say(result(id))
			s.hear(`"result"`)
		}
		s.say(request(3, methodUnsubscribe, `{"uri":"gridflow://a"}`))
		first.hear(methodUnsubscribe)
		first.say(result(3))
		s.hear(`"id":3`)

		s.say(toolRequest(4, "writes"), toolRequest(5, "reads"), request(6, "tools/list", `{}`), request(7, methodListen, `{}`), toolRequest(8, "reads"))
		for range 5 {
			first.hear(`"id"`)
		}
		first.say(`{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":7}}}`)
		s.hear("acknowledged")
		s.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":8}}`)
		first.hear("cancelled")
		io.WriteString(first.out, `{"jsonrpc":"2.0","id":4,"result":{"con`) // in the middle of an answer
		first.die()
		s.hear(`"id":4`, `"isError":true`, "SERVER_MOVED:", "fork_history")

		second := <-s.next
		second.hear(`"method":"initialize","params":{"protocolVersion":"2025-11-25"}`)
		second.say(`{"jsonrpc":"2.0","id":"gridflow-replay-1","result":{"protocolVersion":"2025-11-25"}}`)
		second.hear("notifications/initialized")
		second.hear(methodSubscribe, "gridflow://b")
		second.say(`{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"gridflow://b"}}`)
		s.hear("notifications/resources/updated")
		second.say(result("gridflow-replay-2"))
		second.hear(`"id":5`)
		second.hear(`"id":6`)
		second.hear(`"id":7`)
		second.say(`{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":7}}}`)
		second.say(result(6))
		s.hear(`"id":6,"result"`) // and no second acknowledgement before it
		second.die()
		s.hear(`"id":5`, "SERVER_MOVED:") // it may be what they die of

		third := <-s.next
		third.hear(`"method":"initialize"`)
		third.say(`{"jsonrpc":"2.0","id":"gridflow-replay-1","result":{"protocolVersion":"2025-11-25"}}`)
		third.hear("notifications/initialized")
		third.hear(methodSubscribe)
		third.say(result("gridflow-replay-2"))
		third.hear(`"id":7`)
		s.say(toolRequest(9, "writes"))
		third.hear(`"id":9`)
		third.say(result(9), result(7))
		s.hear(`"id":9,"result"`)
		s.hear(`"id":7,"result"`)
		s.end(nil)
	})
}

// TestPipeHolds: a server that stops gets nothing more and may finish; the next one gets the
// rest. Streams go on there, and nobody is told.
func TestPipeHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		first := <-s.next
		s.say(request(1, methodListen, `{}`), toolRequest(2, "writes"))
		first.hear(methodListen)
		first.hear("writes")
		first.say(`{"jsonrpc":"2.0","method":"` + methodStopping + `"}`)
		for line := range first.lines {
			t.Fatalf("after it was told: %q", line)
		}
		s.say(toolRequest(3, "writes"))
		first.say(result(1), result(2))
		s.hear(`"id":2,"result"`)
		first.die()
		second := <-s.next
		second.hear(methodListen)
		second.hear(`"id":3`)
		second.say(result(3))
		s.hear(`"id":3,"result"`)
		second.say(result(1))
		s.hear(`"id":1,"result"`)
		s.end(nil)
	})
}

// TestPipeUnsent: a call that could not be sent was not run, and so it goes to the next server,
// whatever it does.
func TestPipeUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		first := <-s.next
		first.in.Close()
		s.say(toolRequest(1, "writes"))
		synctest.Wait()
		first.die()
		second := <-s.next
		second.hear(`"id":1`)
		second.say(result(1))
		s.hear(`"id":1,"result"`)
		s.end(nil)
	})
}

// TestPipeStops: once it is to stop, calls are refused, and those in flight have their time.
func TestPipeStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		server := <-s.next
		s.say(toolRequest(1, "writes"))
		server.hear("writes")
		s.stop()
		synctest.Wait()
		s.say(toolRequest(2, "writes"), request(3, "tools/list", `{}`))
		s.hear(`"id":2`, "DRAINING:", `"isError":true`)
		s.hear(`"id":3`, "DRAINING:", `"error"`)
		for line := range server.lines {
			t.Fatalf("sent after all: %q", line)
		}
		server.say(result(1))
		s.hear(`"id":1,"result"`)
		s.end(nil)
	})
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		server := <-s.next
		s.say(toolRequest(1, "writes"))
		server.hear("writes")
		begun := time.Now()
		s.in.Close()
		s.hear(`"id":1`, "DRAINING:")
		if took := time.Since(begun); took != stageBudget {
			t.Errorf("cut off after %v", took)
		}
		s.end(ErrCut)
		server.die()
	})
}

// TestPipeAnswersOnceAtTheEnd: a call that was not waited for is answered once, although the pipe leaves its
// server after that.
func TestPipeAnswersOnceAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.stays = make(chan struct{})
		server := <-s.next
		s.say(toolRequest(1, "writes"), toolRequest(2, "reads"))
		server.hear("writes")
		server.hear("reads")
		s.in.Close()
		s.hear(`"id":1`, "DRAINING:")
		s.hear(`"id":2`, "DRAINING:")
		if err := <-s.over; !errors.Is(err, ErrCut) {
			t.Errorf("the pipe ended with %v", err)
		}
		synctest.Wait()
		close(s.stays)
		for line := range s.lines {
			t.Errorf("more was written: %s", line)
		}
		server.die()
	})
}

// TestPipeOnce: whatever servers do in whatever order, each call is answered once, and run
// twice only if it changes nothing.
func TestPipeOnce(t *testing.T) {
	ids := regexp.MustCompile(`"id":(\d+),`)
	rapid.Check(t, func(rt *rapid.T) {
		calls := rapid.SliceOfN(rapid.SampledFrom([]string{"reads", "writes"}), 1, 30).Draw(rt, "calls")
		plan := rapid.SliceOfN(rapid.SampledFrom([]string{"answer", "answer", "answer", "run and die", "die", "half", "stop", "later"}), 0, 40).Draw(rt, "plan")
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			var mu sync.Mutex
			run := make([]int, len(calls))
			closing := make(chan struct{})
			var servers sync.WaitGroup
			servers.Go(func() {
				for {
					var a *played
					select {
					case a = <-s.next:
					case <-closing:
						return
					}
					var later []string
					var id int
					for alive := true; alive; {
						line, more := <-a.lines
						if !more {
							a.tell(later...)
							break
						}
						fmt.Sscan(ids.FindStringSubmatch(line)[1], &id)
						step := "answer"
						if len(plan) > 0 {
							step, plan = plan[0], plan[1:]
						}
						if step != "die" {
							mu.Lock()
							run[id]++
							mu.Unlock()
						}
						switch step {
						case "answer":
							a.tell(result(id))
						case "later":
							later = append(later, result(id))
						case "half":
							io.WriteString(a.out, result(id)[:20])
							alive = false
						case "stop":
							later = append(later, result(id))
							a.tell(`{"jsonrpc":"2.0","method":"` + methodStopping + `"}`)
						default:
							alive = false
						}
					}
					a.die()
				}
			})
			answers := make(chan []string)
			go func() {
				var all []string
				for line := range s.lines {
					all = append(all, line)
				}
				answers <- all
			}()
			for id, tool := range calls {
				s.say(toolRequest(id, tool))
			}
			s.in.Close()
			if err := <-s.over; err != nil {
				t.Errorf("the pipe ended with %v", err)
			}
			answered := make([]int, len(calls))
			for _, line := range <-answers {
				var id int
				if _, err := fmt.Sscan(ids.FindStringSubmatch(line)[1], &id); err != nil {
					t.Fatal(line)
				}
				answered[id]++
				if strings.Contains(line, `"result":{}`) && run[id] == 0 {
					t.Errorf("call %d was answered and not run", id)
				}
			}
			close(closing)
			servers.Wait()
			for id, tool := range calls {
				if answered[id] != 1 || run[id] > 2 || tool == "writes" && run[id] > 1 {
					t.Errorf("call %d, which %s, was answered %d times and run %d times", id, tool, answered[id], run[id])
				}
			}
		})
		if t.Failed() {
			rt.FailNow()
		}
	})
}

// tell is say of a server that may have been left.
func (a *played) tell(lines ...string) {
	for _, line := range lines {
		io.WriteString(a.out, line+"\n")
	}
}

// Peers.

// chanListener accepts what is sent to it.
type chanListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newChanListener() *chanListener {
	return &chanListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *chanListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *chanListener) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *chanListener) Addr() net.Addr { return &net.UnixAddr{Name: "test", Net: "unix"} }

// halfConn is the server's side of a connection that can be closed by halves.
type halfConn struct {
	net.Conn // nil: what is not below is not used
	in       *io.PipeReader
	out      *io.PipeWriter
}

func (c *halfConn) Read(b []byte) (int, error)       { return c.in.Read(b) }
func (c *halfConn) Write(b []byte) (int, error)      { return c.out.Write(b) }
func (c *halfConn) Close() error                     { c.in.Close(); return c.out.Close() }
func (c *halfConn) SetWriteDeadline(time.Time) error { return nil }

// dialPeer connects to a listener and reads the hello.
func dialPeer(t *testing.T, l *chanListener) *greetedPeer {
	t.Helper()
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	l.conns <- &halfConn{in: in, out: out}
	r := bufio.NewReader(fromServer)
	h, err := ReadHello(r)
	if err != nil || h.Settings["root"] != "x" {
		t.Fatalf("hello %v, %v", h, err)
	}
	return &greetedPeer{selfConn{PipeReader: fromServer, in: toServer}, r}
}

type greetedPeer struct {
	selfConn
	r *bufio.Reader
}

func (p *greetedPeer) Read(b []byte) (int, error) { return p.r.Read(b) }

// TestPeersDrain: when a server stops, what its peers have sent is answered within the budget
// and cut off after it; connections stay until hangUp.
func TestPeersDrain(t *testing.T) {
	for _, tool := range []string{"echo", "silent", "blocks"} { // at once, after 25 s, never
		for _, budget := range []time.Duration{20 * time.Second, 30 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				server := New(Config{Tools: fixtureTools()})
				l := newChanListener()
				var hangUp func()
				served := make(chan error)
				go func() {
					var err error
					hangUp, err = server.ServePeers(l, Hello{Settings: map[string]string{"root": "x"}}, budget)
					served <- err
				}()
				in, say := io.Pipe()
				hear, out := io.Pipe()
				lines := bufio.NewReader(hear)
				defer say.Close()
				first := dialPeer(t, l)
				over := make(chan error, 1)
				p := &Pipe{In: in, Out: out, ReadOnly: func(string) bool { return true }, Log: slog.New(slog.DiscardHandler),
					Connect: func(ctx context.Context) (Backend, error) {
						if b := first; b != nil {
							first = nil
							return b, nil
						}
						return nil, os.ErrClosed
					}}
				go func() { over <- p.Run(t.Context(), time.Minute); out.Close() }()
				io.WriteString(say, request(0, "initialize", `{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}`)+"\n")
				if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, `"id":0`) {
					t.Fatal(line, err)
				}
				io.WriteString(say, `{"jsonrpc":"2.0","method":"notifications/initialized"}`+"\n"+toolRequest(1, tool)+"\n")
				synctest.Wait()
				var answer string
				if tool == "echo" {
					answer, _ = lines.ReadString('\n')
				} else if _, inside := server.Drain(); inside != 1 {
					t.Errorf("%d inside", inside)
				}
				begun := time.Now()
				server.Stop()
				if answer == "" {
					answer, _ = lines.ReadString('\n')
				}
				err := <-served
				took := time.Since(begun)
				cut := tool == "blocks" || tool == "silent" && budget < 25*time.Second
				if cut != errors.Is(err, ErrCut) || cut != strings.Contains(answer, "DRAINING") {
					t.Errorf("%s with %v: %v after %v: %s", tool, budget, err, took, answer)
				}
				if want := map[string]time.Duration{"echo": 0, "silent": min(25*time.Second, budget), "blocks": budget}[tool]; took != want {
					t.Errorf("%s with %v took %v", tool, budget, took)
				}
				select {
				case err := <-over:
					t.Errorf("the connection was closed before the next server can be: %v", err)
				default:
				}
				hangUp()
				if err := <-over; !errors.Is(err, os.ErrClosed) {
					t.Errorf("the pipe ended with %v", err)
				}
			})
		}
	}
}

// TestHello: what is no hello is told apart from one that differs.
func TestHello(t *testing.T) {
	for _, text := range []string{"HTTP/1.1 400 Bad Request\n", "{}\n", "{\"gridflow\":2}\n", strings.Repeat("x", helloMax+1) + "\n"} {
		var strange *HelloError
		if _, err := ReadHello(bufio.NewReader(strings.NewReader(text))); !errors.As(err, &strange) {
			t.Errorf("%.30q: %v", text, err)
		}
	}
	if _, err := ReadHello(bufio.NewReader(strings.NewReader(`{"gridflow":1`))); !errors.Is(err, io.EOF) {
		t.Errorf("half a line: %v", err)
	}
	a := Hello{Settings: map[string]string{"root": "/a", "only": "x", "same": "1"}}
	b := Hello{Settings: map[string]string{"root": "/b", "other": "x", "same": "1"}}
	if got := strings.Join(a.Differing(b), " "); got != "only other root" {
		t.Errorf("differing: %s", got)
	}
}

// FuzzRelayed: a message that a pipe writes anew is the message that it has read, and no
// longer than it may be; no line makes it panic.
func FuzzRelayed(f *testing.F) {
	for _, line := range []string{toolRequest(1, "reads"), `{"jsonrpc":"2.0","method":"x","id":"<\u2028>","params":{"a":"<"}}`, `{"id":1.0,"jsonrpc":"2.0","method":"m"}`, `{"jsonrpc":"2.0","id":1,"result":{}}`, `[]`, `{"a`} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		head(line)
		if !json.Valid(line) {
			return
		}
		msg, _, problem := decode(line)
		if problem != nil || msg == nil {
			return
		}
		again, err := messageLine(msg)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) > 2*len(line)+64 {
			t.Errorf("%d bytes became %d", len(line), len(again))
		}
		same, _, problem := decode([]byte(strings.TrimSpace(string(again))))
		if problem != nil || fmt.Sprintf("%v", same) != fmt.Sprintf("%v", msg) {
			t.Errorf("%s became %s (%v)", line, again, problem)
		}
	})
}
