package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow"
)

// TestFlood: one client asks for more than there is room for, and is told so in words; the
// other is served while the flood still waits.
func TestFlood(t *testing.T) {
	conf := flow.Defaults(2, 0)
	for i := range conf.Classes {
		conf.Classes[i].FlowQueueMax = min(20, conf.Classes[i].QueueMax)
	}
	gate, err := flow.New(conf, flow.Listener{})
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(gate)
	web := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil))
	defer web.Close()
	connect := func() *mcp.ClientSession {
		c := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
		// Sessions tell the two clients apart: both come from this machine.
		s, err := c.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: web.URL}, &mcp.ClientSessionOptions{ProtocolVersion: "2025-11-25"})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	prove := func(ctx context.Context, s *mcp.ClientSession, text string, zeros int) (*mcp.CallToolResult, error) {
		return s.CallTool(ctx, &mcp.CallToolParams{Name: "prove", Arguments: map[string]any{"text": text, "zeros": zeros}})
	}
	flooder, victim := connect(), connect()
	defer flooder.Close()
	defer victim.Close()

	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	refused := make(chan string, 100)
	for i := range 100 {
		wg.Go(func() {
			res, err := prove(ctx, flooder, fmt.Sprint("flood ", i), 6) // half a minute each
			if err == nil && res.IsError {
				refused <- res.Content[0].(*mcp.TextContent).Text
			}
		})
	}
	// 100 come; two run, 20 wait. Were the seats all taken by the flood until its end, the
	// victim would wait for minutes.
	if text := <-refused; !strings.HasPrefix(text, "OVERLOADED: ") || !strings.Contains(text, "try again in") {
		t.Errorf("the flood was refused with %q", text)
	}
	for i := range 5 {
		res, err := prove(t.Context(), victim, fmt.Sprint("victim ", i), 1)
		if err != nil || res.IsError {
			t.Fatalf("victim: %v %v", res, err)
		}
	}
	stop()
	wg.Wait()
}
