package main

import (
	"context"
	"fmt"
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

// TestFlagsOverScenario: what flags say wins over the file, also where it is 0 or false; what they do
// not say stays.
func TestFlagsOverScenario(t *testing.T) {
	file := filepath.Join(t.TempDir(), "load.yaml")
	text := "{seed: 7, zipf: 1.1, settle: true, for: 3s, steps: [1, 2], books: [{name: a}], groups: [{name: g, rate: 1, calls: [{tool: list_workbooks}]}]}"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{nil, "7 1.1 true 3s [1 2] a g"},
		{[]string{"--seed=0", "--zipf=0", "--settle=false"}, "0 0 false 3s [1 2] a g"},
		{[]string{"--seed=5", "--zipf=2", "--for=1s", "--steps=4", "--book=b", "--group=name=h tool=list_workbooks"}, "5 2 true 1s [4] b h"},
	} {
		var b benchmark
		none := func(string) (string, bool) { return "", false }
		if _, _, err := configure("bench", append([]string{"--scenario=" + file}, c.flags...), none, b.settings()...); err != nil {
			t.Fatal(err)
		}
		s := b.load()
		if got := fmt.Sprintf("%v %v %v %v %v %v %v", s.Seed, s.Zipf, s.Settle, s.For, s.Steps, s.Books[0].Name, s.Groups[0].Name); got != c.want {
			t.Errorf("%v: %s, want %s", c.flags, got, c.want)
		}
	}
}
