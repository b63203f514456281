package mcpflow

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow"
)

// TestObserve: each call is told of once, whatever became of it.
func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, err := flow.New(flow.Config{
			Classes: []flow.Class{{Name: "admin", QueueMax: 1}, {Name: "fast", QueueMax: 1, WaitMax: time.Minute}, {Name: "medium", QueueMax: 1}, {Name: "slow", QueueMax: 1},
				{Name: "limited", QueueMax: 1, Rate: 1e-9, Burst: 1}},
			Resources: []flow.Resource{{Name: "seat", Capacity: 1}},
		}, flow.Listener{})
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		class := flow.Auto
		handler := Middleware(Options{
			Gate: gate,
			Price: func(_ context.Context, _ string, req mcp.Request) (flow.Work, bool) {
				call, ok := req.(*mcp.CallToolRequest)
				if !ok {
					return flow.Work{}, false
				}
				return flow.Work{Kind: flow.Kind{Name: call.Params.Name}, Class: class, Need: flow.Amounts{1}}, true
			},
			Client: func(mcp.Request) string { return "me" },
			Observe: func(_ context.Context, o Observation) {
				told = append(told, fmt.Sprint(o.Kind.Name, " ", o.Class, " ", o.Client, " ", o.Ran, " ", o.Waited, " ", o.Service, " ", o.Outcome))
			},
		})(func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			call, ok := req.(*mcp.CallToolRequest)
			if got := flow.PermitOf(ctx) != (flow.Permit{}); got != ok {
				t.Errorf("%s carries a permit: %v", method, got)
			}
			if !ok {
				return nil, nil
			}
			switch call.Params.Name {
			case "works":
				time.Sleep(time.Second)
			case "waits":
				<-ctx.Done()
				return nil, ctx.Err()
			case "fails":
				return nil, errors.New("it fails")
			case "errs":
				return &mcp.CallToolResult{IsError: true}, nil
			case "panics":
				panic("it panics")
			}
			return &mcp.CallToolResult{}, nil
		})
		call := func(ctx context.Context, name string) {
			defer func() { _ = recover() }()
			handler(ctx, "tools/call", &mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{Name: name}})
		}
		expect := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if fmt.Sprintf("%q", told) != fmt.Sprintf("%q", want) {
				t.Errorf("told %q, want %q", told, want)
			}
			told = nil
		}

		handler(t.Context(), "tools/list", &mcp.ListToolsRequest{Params: &mcp.ListToolsParams{}})
		expect()
		for _, name := range []string{"works", "fails", "errs", "panics"} {
			call(t.Context(), name)
		}
		expect("works 1 me true 0s 1s ok", "fails 1 me true 0s 0s internal", "errs 1 me true 0s 0s user_error", "panics 1 me true 0s 0s internal")

		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		call(ctx, "waits")
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		call(ctx, "waits")
		cancel()
		expect("waits 1 me true 0s 1s cancelled", "waits 1 me true 0s 1s timeout_exec")

		// One that holds the seat, one that waits, one for which there is no room.
		class = flow.Fast
		long, end := context.WithCancel(t.Context())
		go call(long, "waits")
		synctest.Wait()
		ctx, cancel = context.WithCancel(t.Context())
		go call(ctx, "works")
		synctest.Wait()
		call(t.Context(), "works")
		expect("works 1 me false 0s 0s overloaded")
		time.Sleep(time.Second)
		cancel()
		expect("works 1 me false 1s 0s cancelled")
		call(t.Context(), "works")
		expect("works 1 me false 1m0s 0s timeout_queue")
		end()
		expect("waits 1 me true 0s 1m1s cancelled")

		class = 4
		call(t.Context(), "plain")
		call(t.Context(), "plain")
		expect("plain 4 me true 0s 0s ok", "plain 4 me false 0s 0s rate_limited")
		gate.Drain(false)
		call(t.Context(), "plain")
		expect("plain 4 me false 0s 0s draining")
	})
}
