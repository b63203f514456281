//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow/mcpflow"
)

// TestS29_OthersAreDue: many machines keep the server busy with calls that count as fast and
// take five times as long as a place in the buffer is kept for. A slow call of another one has
// its turn all the same.
func TestS29_OthersAreDue(t *testing.T) {
	t.Parallel()
	const machines, slowCalls = 12, 5
	r := servingPaced(t, t.TempDir(), "--seats=2", "--trusted-proxies=127.0.0.1", "--class-slow=wait=2m", "--class-medium=wait=2m", "--class-fast=wait=2m")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var crowd sync.WaitGroup
	served := newCounter()
	for i := range machines {
		s := r.clientFrom(eras[i%2], "program", fmt.Sprint("198.51.100.", i+1))
		crowd.Go(func() {
			for ctx.Err() == nil {
				if a, err := call(ctx, s, "works", `{"ms":50}`); err == nil && !a.failed {
					served.add()
				}
			}
		})
	}
	if err := served.await(r.ctx, 2*machines); err != nil { // what they take is known by now
		t.Fatal(err)
	}
	other := r.clientFrom(eras[0], "program", "203.0.113.9")
	passed := 0
	for i := range slowCalls {
		before := served.value()
		res, err := hinted(t.Context(), other, "slow", "range_values", `{"workbook_id":"none"}`)
		if err != nil || codeOf(textOf(res)) == "TIMEOUT" {
			t.Fatalf("call %d: %v (%v)", i, res, err)
		}
		passed += served.value() - before
	}
	t.Logf("%d calls were let in while %d of the others were served", slowCalls, passed)
	if passed > 5*machines*slowCalls { // it would be hundreds for each
		t.Errorf("%d calls were passed by %d of the others", slowCalls, passed)
	}
	stop()
	crowd.Wait()
}

// TestStorm: clients that come and go, give up what they have asked for at any moment, hint at
// anything, ask for what there is not and have the settings changed under them leave nothing
// behind: every seat is to be had, no call waits, the level is as it was.
func TestStorm(t *testing.T) {
	t.Parallel()
	const seats, clients = 4, 12
	lives := 6
	if testing.Short() {
		lives = 2
	}
	root, file := exampleRoot(t), filepath.Join(t.TempDir(), "gridflow.yaml")
	settings := func(text string) {
		if err := os.WriteFile(file+".new", []byte(text), 0o666); err != nil {
			t.Error(err)
			return
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Error(err)
		}
	}
	const good = "trusted-proxies: [127.0.0.1]\nseats: 4\n"
	settings(good)
	r := servingPaced(t, root, "--config="+file)
	operator := r.client(eras[0])
	mustCall(t, operator, "list_workbooks", `{}`)

	storm, calm := context.WithCancel(t.Context())
	defer calm()
	var changes sync.WaitGroup
	changes.Go(func() {
		for i := 0; storm.Err() == nil; i++ {
			settings([]string{
				good + "class-slow: limit=1,queue=2,client-queue=1\nclass-fast: rate=20,burst=3\n",
				"class-slow: queue=-1\n", "seats: many\n", ": : :\n\x00", good + "queue-max: 5\nclass-medium: gap=5ms\n", "",
				good + "class-slow: pace=20ms\nclients: {program: 7}\n", good,
			}[i%8])
			select {
			case <-time.After(150 * time.Millisecond):
			case <-storm.Done():
			}
		}
	})
	hints := []any{"slow", "medium", "fast", "admin", "background", "", 7, nil, []string{"slow"}, map[string]any{"class": "slow"}, strings.Repeat("slow", 20_000)}
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(c)))
			for range lives {
				program := fmt.Sprint("program ", rng.IntN(1e9))
				s := r.clientFrom(eras[rng.IntN(2)], program, fmt.Sprint("198.51.100.", rng.IntN(4)))
				var calls sync.WaitGroup
				for range 15 {
					ctx, leave := context.WithTimeout(storm, time.Duration(rng.IntN(60_000))*time.Microsecond)
					tool, args := "works", fmt.Sprintf(`{"ms":%d}`, rng.IntN(30))
					switch rng.IntN(6) {
					case 0:
						tool, args = "holds", `{"key":"nobody lets it go"}`
					case 1:
						tool, args = "table_profile", `{"workbook_id":"sales"}`
					case 2:
						tool, args = fmt.Sprint("tool", rng.IntN(1000)), `{}`
					case 3:
						tool, args = "range_values", fmt.Sprintf(`{"workbook_id":"nobody-%d","ranges":["A1"]}`, rng.IntN(1000))
					}
					hint := hints[rng.IntN(len(hints))]
					calls.Go(func() {
						defer leave()
						_, _ = s.CallTool(ctx, &mcp.CallToolParams{Meta: mcp.Meta{mcpflow.HintKey: hint}, Name: tool, Arguments: json.RawMessage(args)})
					})
				}
				if rng.IntN(3) == 0 {
					s.Close() // with all that is under way
				}
				calls.Wait()
			}
		})
	}
	all.Wait()
	calm()
	changes.Wait()
	settings("seats: 4\nqueue-max: 0\n" + good[:strings.Index(good, "seats")])

	r.untilMetrics("nothing is left", func(m scrape) bool {
		return m.sum("gridflow_inflight") == 0 && m.sum("gridflow_queue_depth") == 0 && m.sum("gridflow_resource_used") == 0 &&
			m.value("gridflow_andon_level") == 0 && m.value(`gridflow_resource_capacity{resource="cpu"}`) == seats
	})
	if got := r.readiness(); got != "200 ready" {
		t.Errorf("afterwards: %s", got)
	}
	b := r.batch()
	b.send(t.Context(), seats, []*mcp.ClientSession{operator}, "slow", "holds", `{"key":"all seats"}`)
	r.untilMetrics("every seat is to be had", func(m scrape) bool { return m.value(`gridflow_inflight{class="slow"}`) == seats })
	r.letGo(operator, "all seats", seats)
	b.await("ok", seats)
	if stuck := r.log.matching("stuck"); len(stuck) > 0 {
		t.Errorf("%d calls were stuck: %s", len(stuck), stuck[0])
	}
	for _, bad := range []string{"panic", "INTERNAL"} {
		if lines := r.log.matching(bad); len(lines) > 0 {
			t.Errorf("the log has %s", lines[0])
		}
	}
}
