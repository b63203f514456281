package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestBenchStopped: who stops a load sees what there was until then, as text and as a drawing.
func TestBenchStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server := mcp.NewServer(&mcp.Implementation{Name: "other"}, nil)
	calls := 0
	mcp.AddTool(server, &mcp.Tool{Name: "say"}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
		if calls++; calls == 3 { // one call at a time
			cancel()
		}
		return &mcp.CallToolResult{}, nil, nil
	})
	web := httptest.NewServer(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil))
	defer web.Close()
	drawing := filepath.Join(t.TempDir(), "run.svg")
	var out strings.Builder
	p := &program{stdout: &out}
	err := p.bench(ctx, []string{"--for=1h", "--url=" + web.URL, "--group=tool=say", "--svg=" + drawing})
	if err == nil || !strings.Contains(err.Error(), "it was stopped: the figures are those until then") {
		t.Errorf("the error is %v", err)
	}
	if !strings.Contains(out.String(), "load                   -") {
		t.Errorf("it printed %q", out.String())
	}
	if svg, err := os.ReadFile(drawing); err != nil || !strings.Contains(string(svg), "</svg>") {
		t.Errorf("it drew %q, %v", svg, err)
	}
}
