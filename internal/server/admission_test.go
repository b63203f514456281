package server

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow"
	"gridflow/internal/admit"
	"gridflow/internal/obs"
)

// TestWeights: of clients that always have calls waiting each gets time by its weight: one
// of weight 3 three times as much as one of weight 1 and as one that is not named. Other
// weights hold from the next calls on, and the status shows them.
func TestWeights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, m := schedule(t, func(c *flow.Config) {
			c.QueueMax = 0
			c.Classes[flow.Fast].WaitMax, c.Classes[flow.Fast].Target = 0, 0
		})
		m.Connect(obs.Sources{Gate: f.Gate})
		f.Weights = new(admit.Weights)
		f.Weights.Set(map[string]int64{"heavy": 3, "light": 1})
		s := New(Config{Tools: fixtureTools(), Flow: f, Metrics: m})
		var mu sync.Mutex
		var served map[string]time.Duration
		call := s.admit()(func(_ context.Context, _ string, req mcp.Request) (mcp.Result, error) {
			// The same work in pieces of different size: calls are not what is counted.
			piece := 10 * time.Millisecond
			if user := req.GetExtra().TokenInfo.UserID; user == "heavy" {
				piece = 70 * time.Millisecond
			}
			time.Sleep(piece)
			mu.Lock()
			defer mu.Unlock()
			served[req.GetExtra().TokenInfo.UserID] += piece
			return &mcp.CallToolResult{}, nil
		})
		run := func(want map[string]float64) {
			t.Helper()
			served = make(map[string]time.Duration)
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
			defer stop()
			var wg sync.WaitGroup
			for user := range want {
				for range 10 {
					wg.Go(func() {
						for ctx.Err() == nil {
							req := &mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{Name: "echo"}, Extra: &mcp.RequestExtra{TokenInfo: &auth.TokenInfo{UserID: user}}}
							if _, err := call(t.Context(), "tools/call", req); err != nil {
								t.Error(err)
								return
							}
						}
					})
				}
			}
			wg.Wait()
			var all, sum float64
			for user, weight := range want {
				all += served[user].Seconds()
				sum += weight
			}
			for user, weight := range want {
				got := served[user].Seconds() / all
				t.Logf("%s: %.2f %% of the time, by weight %.2f %%", user, 100*got, 100*weight/sum)
				if math.Abs(got-weight/sum) > .01 {
					t.Errorf("%s got %.3f of the time, want %.3f", user, got, weight/sum)
				}
			}
		}
		run(map[string]float64{"heavy": 3, "light": 1})
		run(map[string]float64{"heavy": 3, "light": 1, "nobody": 1})
		for _, c := range m.Status(3, false, "").ByService {
			if want := map[bool]int64{true: 3, false: 1}[c.ServiceMs == m.Status(1, false, "").ByService[0].ServiceMs]; c.Weight != want || !strings.HasPrefix(c.Client, "user ") {
				t.Errorf("the status has %+v, want weight %d", c, want)
			}
		}
		f.Weights.Set(map[string]int64{"light": 2})
		run(map[string]float64{"heavy": 1, "light": 2})
	})
}

// TestWeightOf: the weight of a client goes by its user; the program that the request or its
// session names counts among those of the same client only.
func TestWeightOf(t *testing.T) {
	f := &Flow{Weights: new(admit.Weights)}
	params := func(program string) *mcp.CallToolParamsRaw {
		return &mcp.CallToolParamsRaw{Meta: mcp.Meta{clientInfoKey: map[string]any{"name": program, "version": "1"}}}
	}
	user := &mcp.RequestExtra{TokenInfo: &auth.TokenInfo{UserID: "alice"}}
	f.Weights.Set(map[string]int64{"alice": 3, "agent": 5})
	for i, c := range []struct {
		req          mcp.Request
		client, part int64
	}{
		{&mcp.CallToolRequest{Params: params("agent")}, 1, 5},
		{&mcp.CallToolRequest{Params: params("other")}, 1, 1},
		{&mcp.CallToolRequest{Params: params("alice")}, 1, 3},
		{&mcp.CallToolRequest{Params: params("agent"), Extra: user}, 3, 5},
		{&mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{}, Extra: user}, 3, 1},
		{&mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{}}, 1, 1},
		{&mcp.ReadResourceRequest{Params: &mcp.ReadResourceParams{}, Extra: user}, 3, 1},
	} {
		if client, part := f.weight(c.req), f.partWeight(c.req); client != c.client || part != c.part {
			t.Errorf("request %d has weights %d and %d, want %d and %d", i, client, part, c.client, c.part)
		}
	}
	f.Weights = nil
	if got := f.partWeight(&mcp.CallToolRequest{Params: params("agent")}); got != 1 {
		t.Errorf("without weights: %d", got)
	}
}

// TestWhatIsLetIn: all that looks into workbooks has a seat while it does, and nothing else waits for one.
func TestWhatIsLetIn(t *testing.T) {
	f, _ := schedule(t, nil)
	s := New(Config{Tools: fixtureTools(), Flow: f})
	seats := 0
	handler := s.admit()(func(context.Context, string, mcp.Request) (mcp.Result, error) {
		seats = f.Gate.Stats().InFlight
		return nil, nil
	})
	for _, c := range []struct {
		method string
		req    mcp.Request
		seats  int
	}{
		{"tools/call", &mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{Name: "echo"}}, 1},
		{"resources/read", &mcp.ReadResourceRequest{Params: &mcp.ReadResourceParams{URI: "gridflow://wb-1"}}, 1},
		{"resources/subscribe", &mcp.SubscribeRequest{Params: &mcp.SubscribeParams{URI: "gridflow://wb-1"}}, 1},
		{"resources/list", &mcp.ListResourcesRequest{Params: &mcp.ListResourcesParams{}}, 1},
		{"tools/list", &mcp.ListToolsRequest{Params: &mcp.ListToolsParams{}}, 0},
		{"prompts/list", &mcp.ListPromptsRequest{Params: &mcp.ListPromptsParams{}}, 0},
		{"resources/unsubscribe", &mcp.UnsubscribeRequest{Params: &mcp.UnsubscribeParams{URI: "gridflow://wb-1"}}, 0},
	} {
		seats = -1
		if _, err := handler(t.Context(), c.method, c.req); err != nil || seats != c.seats {
			t.Errorf("%s: %d seats, want %d (%v)", c.method, seats, c.seats, err)
		}
	}
	if n := f.Gate.Stats().InFlight; n != 0 {
		t.Errorf("%d are in flight", n)
	}
}
