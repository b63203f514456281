package mcpflow

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow"
)

// TestPermitIsKept: a call has its permit until its work has returned, also when it was cancelled before, or panics.
func TestPermitIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, err := flow.New(flow.Defaults(2, 0), flow.Listener{})
		if err != nil {
			t.Fatal(err)
		}
		running := func(want int, when string) {
			t.Helper()
			synctest.Wait()
			if s := gate.Stats(); s.InFlight != want || s.Resources[flow.CPU].Used != int64(want) {
				t.Errorf("%s: %d run, with %d seats", when, s.InFlight, s.Resources[flow.CPU].Used)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		began, over := make(chan struct{}), make(chan struct{})
		call := Middleware(Options{Gate: gate})(func(context.Context, string, mcp.Request) (mcp.Result, error) {
			close(began)
			<-over
			panic("at its end")
		})
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			defer func() { recover() }()
			call(ctx, "tools/call", &mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{Name: "a"}})
		}()
		<-began
		running(1, "under way")
		cancel()
		running(1, "cancelled")
		close(over)
		<-ended
		running(0, "ended")
	})
}
