package mcpflow

import (
	"context"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow"
)

// TestHint: a client may let others go first, and never push before them.
func TestHint(t *testing.T) {
	gate, err := flow.New(flow.Config{
		Classes:   []flow.Class{{Name: "admin", QueueMax: 1}, {Name: "fast", QueueMax: 1}, {Name: "medium", QueueMax: 1}, {Name: "slow", QueueMax: 1}, {Name: "background", QueueMax: 1}},
		Resources: []flow.Resource{{Name: "seat", Capacity: 1}},
	}, flow.Listener{})
	if err != nil {
		t.Fatal(err)
	}
	got := -1
	handler := Middleware(Options{
		Gate: gate,
		Price: func(context.Context, string, mcp.Request) (flow.Work, bool) {
			return flow.Work{Class: flow.Medium, Need: flow.Amounts{1}}, true
		},
		Observe: func(_ context.Context, o Observation) { got = o.Class },
	})(func(context.Context, string, mcp.Request) (mcp.Result, error) { return &mcp.CallToolResult{}, nil })
	for hint, want := range map[any]int{
		"admin": flow.Medium, "fast": flow.Medium, "medium": flow.Medium, "slow": flow.Slow, "background": flow.Background, "none such": flow.Medium, 3: flow.Medium, nil: flow.Medium,
	} {
		params := &mcp.CallToolParamsRaw{Name: "x"}
		if hint != nil {
			params.Meta = mcp.Meta{HintKey: hint}
		}
		if _, err := handler(t.Context(), "tools/call", &mcp.CallToolRequest{Params: params}); err != nil || got != want {
			t.Errorf("the hint %v: class %d, want %d (%v)", hint, got, want, err)
		}
	}
}
