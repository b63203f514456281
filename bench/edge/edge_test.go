//go:build unix

// Package edge measures what gridflow's MCP edge costs beyond the SDK that it stands
// on: processor time of a call whose tool does nothing, over stdio and HTTP.
//
//	go test -bench . ./bench/edge
//
// Each benchmark runs gridflow's server and a bare SDK server in turns, a few hundred
// calls each, in one process, and reports the medians. The client is the same few lines
// for both, so that it cancels out in the difference.
package edge

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/server"
	"gridflow/internal/tools"
)

const schema = `{"type":"object","properties":{"a":{"type":"number"}},"additionalProperties":false}`

// ours is gridflow's server with one tool that does nothing.
func ours() *server.Server {
	return server.New(server.Config{
		Version: "bench",
		Env:     &tools.Env{},
		Tools: []tools.Tool{{
			Name: "nothing", Title: "Nothing", Description: "Does nothing.", ReadOnly: true, Schema: func() json.RawMessage { return json.RawMessage(schema) },
			Call: func(context.Context, *tools.Env, json.RawMessage) (*tools.Result, error) {
				return &tools.Result{Text: "done"}, nil
			},
		}},
		ToolTimeout: 30 * time.Second,
	})
}

// floor is the SDK's server with the same tool, registered in the same way.
func floor() *mcp.Server {
	s := mcp.NewServer(&mcp.Implementation{Name: "floor", Version: "bench"}, nil)
	s.AddTool(&mcp.Tool{Name: "nothing", Description: "Does nothing.", InputSchema: json.RawMessage(schema)},
		func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "done"}}}, nil
		})
	return s
}

// processorTime is what this process has used so far, in both modes.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const (
	rounds        = 15
	callsPerRound = 300
)

// compare runs both in turns and reports the median processor time of a call.
func compare(b *testing.B, gridflow, sdk func(n int)) {
	server.TuneGC(0, 512<<20, 0)
	gridflow(callsPerRound)
	sdk(callsPerRound)
	for b.Loop() {
		var a, c []float64
		for range rounds {
			t0 := processorTime()
			gridflow(callsPerRound)
			t1 := processorTime()
			sdk(callsPerRound)
			t2 := processorTime()
			a = append(a, float64((t1-t0).Nanoseconds())/callsPerRound/1000)
			c = append(c, float64((t2-t1).Nanoseconds())/callsPerRound/1000)
		}
		slices.Sort(a)
		slices.Sort(c)
		b.ReportMetric(a[rounds/2], "gridflow-µs/call")
		b.ReportMetric(c[rounds/2], "sdk-µs/call")
		b.ReportMetric(a[rounds/2]-c[rounds/2], "extra-µs/call")
	}
	b.ReportMetric(0, "ns/op")
}

// modern is the _meta that the sessionless protocol asks for in each request.
const modern = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`

func call(id int, meta string) string {
	if meta != "" {
		meta = "," + meta
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"nothing","arguments":{"a":1}%s}}`, id, meta)
}

const initialize = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`

// pipe speaks to a server over a pair of pipes, one call at a time.
type pipe struct {
	b      testing.TB
	w      io.Writer
	r      *bufio.Reader
	id     int
	suffix string
}

func newPipe(b testing.TB, serve func(in io.ReadCloser, out io.WriteCloser)) *pipe {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan struct{})
	go func() { defer close(done); serve(inR, outW) }()
	p := &pipe{b: b, w: inW, r: bufio.NewReaderSize(outR, 1<<16)}
	b.Cleanup(func() {
		inW.Close()
		go io.Copy(io.Discard, outR)
		<-done
	})
	p.send(initialize)
	p.line()
	p.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return p
}

func (p *pipe) send(s string) {
	if _, err := io.WriteString(p.w, s+"\n"); err != nil {
		p.b.Fatal(err)
	}
}

func (p *pipe) line() []byte {
	line, err := p.r.ReadSlice('\n')
	if err != nil {
		p.b.Fatal(err)
	}
	return line
}

func (p *pipe) calls(n int) {
	for range n {
		p.id++
		p.send(call(p.id, p.suffix))
		if line := p.line(); !bytes.Contains(line, []byte(`"done"`)) {
			p.b.Fatalf("got %s", line)
		}
	}
}

func BenchmarkStdio(b *testing.B) {
	for _, era := range []struct{ name, meta string }{{"2025-11-25", ""}, {"2026-07-28", modern}} {
		b.Run(era.name, func(b *testing.B) {
			a := newPipe(b, func(in io.ReadCloser, out io.WriteCloser) {
				_ = ours().ServeStdio(context.Background(), in, out, time.Second)
			})
			c := newPipe(b, func(in io.ReadCloser, out io.WriteCloser) {
				_ = floor().Run(context.Background(), &mcp.IOTransport{Reader: in, Writer: out})
			})
			a.suffix, c.suffix = era.meta, era.meta
			compare(b, a.calls, c.calls)
		})
	}
}

// post speaks to a server over HTTP, one call at a time.
type post struct {
	b      testing.TB
	url    string
	header http.Header
	client *http.Client
	meta   string
	id     int
}

func newPost(b testing.TB, h http.Handler, meta string) *post {
	srv := httptest.NewServer(h)
	b.Cleanup(srv.Close)
	p := &post{b: b, url: srv.URL + "/mcp", client: srv.Client(), meta: meta, header: http.Header{
		"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"},
	}}
	if meta != "" {
		p.header.Set("Mcp-Protocol-Version", "2026-07-28")
		p.header.Set("Mcp-Method", "tools/call")
		p.header.Set("Mcp-Name", "nothing")
		return p
	}
	res, _ := p.do(initialize)
	p.header.Set("Mcp-Session-Id", res.Header.Get("Mcp-Session-Id"))
	p.header.Set("Mcp-Protocol-Version", "2025-11-25")
	p.do(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return p
}

func (p *post) do(body string) (*http.Response, []byte) {
	req, err := http.NewRequest(http.MethodPost, p.url, bytes.NewReader([]byte(body)))
	if err != nil {
		p.b.Fatal(err)
	}
	req.Header = p.header.Clone()
	res, err := p.client.Do(req)
	if err != nil {
		p.b.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		p.b.Fatal(err)
	}
	return res, answer
}

func (p *post) calls(n int) {
	for range n {
		p.id++
		if res, answer := p.do(call(p.id, p.meta)); !bytes.Contains(answer, []byte(`"done"`)) {
			p.b.Fatalf("%s: %s", res.Status, answer)
		}
	}
}

func BenchmarkHTTP(b *testing.B) {
	for _, era := range []struct{ name, meta string }{{"2025-11-25", ""}, {"2026-07-28", modern}} {
		b.Run(era.name, func(b *testing.B) {
			h, err := ours().Handler(server.HTTPOptions{Path: "/mcp", Loopback: true})
			if err != nil {
				b.Fatal(err)
			}
			f := floor()
			bare := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return f }, &mcp.StreamableHTTPOptions{Stateless: era.meta != ""})
			mux := http.NewServeMux()
			mux.Handle("/mcp", bare)
			compare(b, newPost(b, h, era.meta).calls, newPost(b, mux, era.meta).calls)
		})
	}
}
