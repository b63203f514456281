package server

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridflow/flow"
)

// TestDrainDetails: a call that comes to a server which stops, one that still waits at the
// cut, and one that is cut off say in fields what they were refused for, and when to come
// back; and of one that waited nothing was done.
func TestDrainDetails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := schedule(t, func(c *flow.Config) { c.QueueMax, c.Classes[flow.Fast].WaitMax = 0, 0 })
		s := New(Config{Version: "1.2.3", Tools: fixtureTools(), Flow: f})
		var out lockedBuffer
		ctx, stop := context.WithCancel(t.Context())
		in, client := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- s.ServeStdio(ctx, in, &out, 5*time.Second) }()
		say := func(line string) {
			synctest.Wait()
			_, _ = io.WriteString(client, line+"\n")
			synctest.Wait()
		}
		call := func(id, tool string) string {
			return `{"jsonrpc":"2.0","id":` + id + `,"method":"tools/call","params":{"name":"` + tool + `","arguments":{}}}`
		}
		say(initializeMessage)
		say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
		say(call("2", "blocks")) // has the seat
		say(call("3", "echo"))   // waits for it
		stop()
		say(call("4", "echo"))
		say(`{"jsonrpc":"2.0","id":5,"method":"tools/list"}`)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		client.Close()
		if err := <-ended; err != ErrCut {
			t.Errorf("it ended with %v", err)
		}

		type answer struct {
			ID     int
			Result struct {
				Meta struct {
					After   int            `json:"gridflow/retryAfterMs"`
					Details map[string]any `json:"gridflow/details"`
				} `json:"_meta"`
				Content []struct{ Text string }
			}
			Error struct {
				Message string
				Data    struct{ RetryAfterMs int }
			}
		}
		got := map[int]answer{}
		for line := range strings.Lines(out.String()) {
			var a answer
			if err := json.Unmarshal([]byte(line), &a); err != nil {
				t.Fatal(err)
			}
			got[a.ID] = a
		}
		for id, want := range map[int]struct {
			text    string
			details map[string]any
		}{
			2: {"DRAINING: the server is stopping and did not wait", map[string]any{"phase": "exec", "retry_after_ms": 2000.}},
			3: {"DRAINING: the server is stopping. Nothing was done", map[string]any{"class": "fast", "reason": "draining", "waited_ms": 5000., "retry_after_ms": 2000., "depth": 0.}},
			4: {"DRAINING: the server is stopping and takes no new calls. Nothing was done", map[string]any{"class": "fast", "reason": "draining", "depth": 1., "capacity": 512., "retry_after_ms": 2000.}},
		} {
			r := got[id].Result
			if len(r.Content) != 1 || !strings.HasPrefix(r.Content[0].Text, want.text) || r.Meta.After != 2000 || r.Meta.Details["code"] != "DRAINING" {
				t.Errorf("call %d: %+v", id, got[id])
			}
			for key, value := range want.details {
				if r.Meta.Details[key] != value {
					t.Errorf("call %d: %s is %v, want %v", id, key, r.Meta.Details[key], value)
				}
			}
		}
		if e := got[5].Error; !strings.HasPrefix(e.Message, "DRAINING: ") || e.Data.RetryAfterMs != 2000 {
			t.Errorf("a list: %+v", got[5])
		}
	})
}
