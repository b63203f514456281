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
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/tools"
)

// The benchmarks compare a call of a tool that does nothing through this package with
// the same through the bare SDK: the difference is what the edge costs.

func bareServer() *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "bare", Version: "1"}, nil)
	s.AddTool(&mcp.Tool{Name: "echo", InputSchema: json.RawMessage(`{"type":"object"}`)},
		func(_ context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: string(req.Params.Arguments)}}}, nil
		})
	return s
}

func BenchmarkStdio(b *testing.B) {
	ours := func(ctx context.Context, in io.Reader, out io.Writer) {
		New(Config{Tools: fixtureTools(), ToolTimeout: 30 * time.Second}).ServeStdio(ctx, in, out, time.Second)
	}
	bare := func(ctx context.Context, in io.Reader, out io.Writer) {
		bareServer().Run(ctx, &mcp.IOTransport{Reader: io.NopCloser(in), Writer: nopCloser{out}})
	}
	for _, era := range []string{"2025-11-25", "2026-07-28"} {
		for _, c := range []struct {
			name  string
			serve func(context.Context, io.Reader, io.Writer)
		}{{"sdk", bare}, {"gridflow", ours}} {
			b.Run(era+"/"+c.name, func(b *testing.B) { benchStdio(b, era, c.serve) })
		}
	}
}

// BenchmarkPipe: a call over stdio to the process that has the state folder, and to another
// one, which hands it on over a socket.
func BenchmarkPipe(b *testing.B) {
	direct := func(ctx context.Context, in io.Reader, out io.Writer) {
		New(Config{Tools: fixtureTools()}).ServeStdio(ctx, in, out, time.Second)
	}
	piped := func(ctx context.Context, in io.Reader, out io.Writer) {
		l, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
		if err != nil {
			b.Error(err)
			return
		}
		server, over := New(Config{Tools: fixtureTools()}), make(chan bool)
		go func() {
			defer close(over)
			if hangUp, err := server.ServePeers(l, Hello{}, time.Second); err == nil {
				hangUp()
			}
		}()
		p := &Pipe{In: in, Out: out, ReadOnly: func(string) bool { return true }, Log: slog.New(slog.DiscardHandler),
			Connect: func(context.Context) (Backend, error) {
				c, err := net.Dial("unix", l.Addr().String())
				if err != nil {
					return nil, err
				}
				r := bufio.NewReader(c)
				_, err = ReadHello(r)
				return &dialled{c.(*net.UnixConn), r}, err
			}}
		p.Run(ctx, time.Second)
		server.Stop()
		<-over
	}
	b.Run("itself", func(b *testing.B) { benchStdio(b, "2025-11-25", direct) })
	b.Run("another", func(b *testing.B) { benchStdio(b, "2025-11-25", piped) })
}

// dialled is a connection whose greeting has been read.
type dialled struct {
	*net.UnixConn
	r *bufio.Reader
}

func (d *dialled) Read(p []byte) (int, error) { return d.r.Read(p) }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func benchStdio(b *testing.B, era string, serve func(context.Context, io.Reader, io.Writer)) {
	in, client := io.Pipe()
	answers, out := io.Pipe()
	done := make(chan bool)
	go func() { serve(b.Context(), in, out); close(done) }()
	read := bufio.NewReader(answers)
	call := modernCall("echo")
	if era < statelessSince {
		call = legacyCall("echo")
		io.WriteString(client, initializeMessage+"\n")
		if _, err := read.ReadString('\n'); err != nil {
			b.Fatal(err)
		}
	}
	call = strings.Replace(call, `"id":7`, `"id":%d`, 1) + "\n"
	b.ReportAllocs()
	id := 0
	for b.Loop() {
		id++
		fmt.Fprintf(client, call, id)
		if line, err := read.ReadSlice('\n'); err != nil || !bytes.Contains(line, []byte(`"text":"{}"`)) {
			b.Fatalf("%s (%v)", line, err)
		}
	}
	client.Close()
	<-done
}

func BenchmarkHTTP(b *testing.B) {
	s := New(Config{Tools: fixtureTools(), ToolTimeout: 30 * time.Second})
	ours, err := s.Handler(HTTPOptions{Path: "/mcp"})
	if err != nil {
		b.Fatal(err)
	}
	server := bareServer()
	bare := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: true})
	for _, c := range []struct {
		name    string
		handler http.Handler
	}{{"sdk", bare}, {"gridflow", ours}} {
		b.Run(statelessSince+"/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "http://localhost/mcp", strings.NewReader(modernCall("echo")))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Accept", "application/json, text/event-stream")
				r.Header.Set("Mcp-Protocol-Version", statelessSince)
				r.Header.Set("Mcp-Method", "tools/call")
				r.Header.Set("Mcp-Name", "echo")
				w := httptest.NewRecorder()
				c.handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}

// BenchmarkWaiting tells what a call takes in memory while it waits, connection and stacks included.
func BenchmarkWaiting(b *testing.B) {
	var waiting atomic.Int64
	blocks := fixtureTools()[0]
	call := blocks.Call
	blocks.Call = func(ctx context.Context, env *tools.Env, args json.RawMessage) (*tools.Result, error) {
		waiting.Add(1)
		defer waiting.Add(-1)
		return call(ctx, env, args)
	}
	h, err := New(Config{Tools: []tools.Tool{blocks}}).Handler(HTTPOptions{Path: "/mcp"})
	if err != nil {
		b.Fatal(err)
	}
	s := httptest.NewServer(h)
	defer s.Close()
	const calls = 1000
	request := fmt.Sprintf("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"+
		"Mcp-Protocol-Version: %s\r\nMcp-Method: tools/call\r\nMcp-Name: blocks\r\nContent-Length: %d\r\n\r\n%s", statelessSince, len(modernCall("blocks")), modernCall("blocks"))
	memory := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapInuse + m.StackInuse)
	}
	for b.Loop() {
		before := memory()
		var all []net.Conn
		for range calls {
			c, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, c)
			io.WriteString(c, request)
		}
		for waiting.Load() < calls {
			runtime.Gosched()
		}
		b.ReportMetric((memory()-before)/calls, "B/call")
		for _, c := range all {
			c.Close()
		}
		for waiting.Load() > 0 {
			runtime.Gosched()
		}
	}
}
