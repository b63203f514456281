package load

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// target is a server with a tool that answers, one that refuses every other call, and one
// that waits.
func target(t *testing.T) Target {
	server := mcp.NewServer(&mcp.Implementation{Name: "target", Version: "1"}, nil)
	var n atomic.Int64
	tool := func(name string, fn func(context.Context) (string, error)) {
		server.AddTool(&mcp.Tool{Name: name, InputSchema: json.RawMessage(`{"type":"object"}`)},
			func(ctx context.Context, _ *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				text, err := fn(ctx)
				if err != nil {
					return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: err.Error()}}}, nil
				}
				return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil
			})
	}
	tool("fine", func(context.Context) (string, error) { return "fine", nil })
	tool("picky", func(context.Context) (string, error) {
		if n.Add(1)%2 == 0 {
			return "", errors.New("OVERLOADED: not you")
		}
		return "well", nil
	})
	tool("broken", func(context.Context) (string, error) { return "", errors.New("no code here") })
	// A session that closes at once may take the word of a cancelled call with it.
	over := make(chan struct{})
	tool("waits", func(ctx context.Context) (string, error) {
		select {
		case <-ctx.Done():
		case <-over:
		}
		return "", errors.New("not answered in time")
	})
	web := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil))
	t.Cleanup(func() { close(over); web.Close() })
	return Target{URL: web.URL, Era: "2025-11-25"}
}

// TestRun: each group makes the calls that it should, each of which is counted once, by
// what came back.
func TestRun(t *testing.T) {
	reports, err := Run(t.Context(), target(t), []Group{
		{Name: "closed", Clients: 3, Parallel: 2, Limit: 10, Calls: []Call{{Tool: "fine"}}},
		{Name: "mixed", Limit: 12, Calls: []Call{{Tool: "picky"}, {Tool: "broken"}, {Tool: "nowhere"}}},
		{Name: "open", Clients: 2, Rate: 200, Limit: 5, Calls: []Call{{Tool: "fine"}}},
	}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]int{
		{"ok": 30},
		{"ok": 2, "OVERLOADED": 2, "error": 4, "transport": 4},
		{"ok": 10},
	}
	for i, r := range reports {
		sum := 0
		for outcome, n := range r.Counts {
			sum += n
			if want[i][outcome] != n {
				t.Errorf("%s: %d times %q, want %d", r.Group, n, outcome, want[i][outcome])
			}
		}
		if sum != r.Sent {
			t.Errorf("%s: %d sent, %d counted", r.Group, r.Sent, sum)
		}
		if r.OK() > 0 && (r.P50 <= 0 || r.P50 > r.P95 || r.P95 > r.P99 || r.P99 > r.Max || r.PerSecond <= 0) {
			t.Errorf("%s: %+v", r.Group, r)
		}
	}
	table := Table(reports)
	for _, part := range []string{"closed ", "OVERLOADED 2, error 4, transport 4", "\nopen "} {
		if !strings.Contains(table, part) {
			t.Errorf("the table has no %q:\n%s", part, table)
		}
	}
}

// TestInFlightMax: an open loop against a server that does not answer sends no more than it
// may have under way, and ends when its caller does.
func TestInFlightMax(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	reports, err := Run(ctx, target(t), []Group{{Name: "stuck", Rate: 1000, InFlightMax: 3, Calls: []Call{{Tool: "waits"}}}}, time.Hour)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ended with %v", err)
	}
	if r := reports[0]; r.Counts["cancelled"] != 3 || r.Counts["not sent"] == 0 || r.OK() != 0 {
		t.Errorf("%+v", r)
	}
}
