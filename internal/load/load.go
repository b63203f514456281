// Package load puts an MCP server under load, as a crowd of clients would: [Run] opens the
// sessions of a number of [Group]s, lets each group call in its own way, and tells for each
// what became of its calls and how long they took.
//
// The one invariant: every call that was sent is counted once, by what came back.
package load

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/sync/errgroup"

	"gridflow/internal/obs"
)

// A Group is clients that behave alike.
type Group struct {
	Name    string
	Clients int // sessions; 0 means 1

	// A closed loop: each client keeps Parallel calls going (0 means 1), and pauses for
	// Think after each.
	Parallel int
	Think    time.Duration

	// An open loop, where Rate is not 0: each client sends so many calls a second, evenly,
	// whether or not earlier ones have been answered; at most InFlightMax of them (0 means
	// 1000) are under way, further ones are not sent.
	Rate        float64
	InFlightMax int

	Calls []Call // each client makes them in turn
	Limit int    // calls of each client; 0: until the time is up
}

// A Call is one tool with its arguments.
type Call struct {
	Tool string
	Args json.RawMessage
}

// A Target is the server that is put under load.
type Target struct {
	URL  string
	Era  string       // revision of the protocol to negotiate; "" lets the client choose
	HTTP *http.Client // nil: one with as many connections as there are calls
}

// A Report tells what became of the calls of one group.
type Report struct {
	Group  string
	Sent   int
	Counts map[string]int // by outcome: "ok", the code of an error, or "transport"

	// Of the calls that were answered well. Zero where there were none.
	P50, P95, P99, Max time.Duration
	PerSecond          float64 // such calls a second, over the time of the run

	Refused time.Duration // the 99th percentile of the time until a refusal
}

// OK is the number of calls that were answered well.
func (r Report) OK() int { return r.Counts["ok"] }

// tally counts the calls of a group.
type tally struct {
	mu      sync.Mutex
	sent    int
	counts  map[string]int
	good    []time.Duration
	refused []time.Duration
}

// Run puts the server under the load of all groups at once, for the given time or until
// each client has made its calls, and gives a report for each. Calls under way when the time
// is up are waited for. The error is of opening the sessions, or of ctx.
func Run(ctx context.Context, target Target, groups []Group, length time.Duration) ([]Report, error) {
	if target.HTTP == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost, t.MaxConnsPerHost, t.MaxIdleConns = 4096, 0, 0
		target.HTTP = &http.Client{Transport: t}
		defer t.CloseIdleConnections()
	}
	sessions := make([][]*mcp.ClientSession, len(groups))
	defer func() {
		var closing sync.WaitGroup // a server that is stuck keeps each of them waiting for seconds
		for _, s := range slices.Concat(sessions...) {
			if s != nil {
				closing.Go(func() { s.Close() })
			}
		}
		closing.Wait()
	}()
	open, openCtx := errgroup.WithContext(ctx)
	open.SetLimit(64)
	for i, g := range groups {
		if len(g.Calls) == 0 {
			return nil, fmt.Errorf("load: group %q makes no calls", g.Name)
		}
		sessions[i] = make([]*mcp.ClientSession, max(g.Clients, 1))
		for j := range sessions[i] {
			open.Go(func() (err error) {
				sessions[i][j], err = connect(ctx, openCtx, target, g.Name)
				return err
			})
		}
	}
	if err := open.Wait(); err != nil {
		return nil, fmt.Errorf("load: opening the sessions: %w", err)
	}

	start := time.Now()
	var wg sync.WaitGroup
	tallies := make([]*tally, len(groups))
	for i, g := range groups {
		tallies[i] = &tally{counts: make(map[string]int)}
		for _, s := range sessions[i] {
			c := &client{group: g, session: s, tally: tallies[i], until: start.Add(length)}
			wg.Go(func() { c.run(ctx) })
		}
	}
	wg.Wait()
	took := time.Since(start)
	reports := make([]Report, len(groups))
	for i, t := range tallies {
		reports[i] = t.report(groups[i].Name, took)
	}
	return reports, context.Cause(ctx)
}

// connect opens a session, which lives as long as ctx; opening ends with openCtx.
func connect(ctx, openCtx context.Context, target Target, name string) (*mcp.ClientSession, error) {
	if err := openCtx.Err(); err != nil {
		return nil, err
	}
	c := mcp.NewClient(&mcp.Implementation{Name: "load " + name, Version: "1"}, nil)
	return c.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: target.URL, HTTPClient: target.HTTP, DisableStandaloneSSE: true},
		&mcp.ClientSessionOptions{ProtocolVersion: target.Era})
}

type client struct {
	group   Group
	session *mcp.ClientSession
	tally   *tally
	until   time.Time

	mu   sync.Mutex
	made int // calls begun
}

// next gives the next call, false when the client has made all that it makes.
func (c *client) next(ctx context.Context) (Call, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() != nil || !time.Now().Before(c.until) || c.group.Limit > 0 && c.made == c.group.Limit {
		return Call{}, false
	}
	call := c.group.Calls[c.made%len(c.group.Calls)]
	c.made++
	return call, true
}

func (c *client) run(ctx context.Context) {
	if c.group.Rate > 0 {
		c.openLoop(ctx)
		return
	}
	var wg sync.WaitGroup
	for range max(c.group.Parallel, 1) {
		wg.Go(func() {
			for {
				call, ok := c.next(ctx)
				if !ok {
					return
				}
				c.call(ctx, call)
				if c.group.Think > 0 && !sleep(ctx, c.group.Think) {
					return
				}
			}
		})
	}
	wg.Wait()
}

func (c *client) openLoop(ctx context.Context) {
	under := make(chan struct{}, cmp.Or(c.group.InFlightMax, 1000))
	interval := time.Duration(float64(time.Second) / c.group.Rate)
	var wg sync.WaitGroup
	defer wg.Wait()
	for at := time.Now(); ; at = at.Add(interval) {
		if !sleep(ctx, time.Until(at)) {
			return
		}
		call, ok := c.next(ctx)
		if !ok {
			return
		}
		select {
		case under <- struct{}{}:
			wg.Go(func() {
				c.call(ctx, call)
				<-under
			})
		default:
			c.tally.count("not sent", 0)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *client) call(ctx context.Context, call Call) {
	start := time.Now()
	res, err := c.session.CallTool(ctx, &mcp.CallToolParams{Name: call.Tool, Arguments: call.Args})
	c.tally.count(outcome(res, err), time.Since(start))
}

// outcome gives the code at the head of an error's text, "ok" where there is none.
func outcome(res *mcp.CallToolResult, err error) string {
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return "cancelled"
	case err != nil:
		return "transport"
	case !res.IsError:
		return "ok"
	}
	for _, c := range res.Content {
		if text, ok := c.(*mcp.TextContent); ok {
			if code, _, ok := strings.Cut(text.Text, ":"); ok && strings.ToUpper(code) == code {
				return code
			}
		}
	}
	return "error"
}

// refusals are the outcomes of calls that were not let in.
var refusals = []string{"OVERLOADED", "RATE_LIMITED", "DRAINING", "CIRCUIT_OPEN"}

func (t *tally) count(outcome string, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent++
	t.counts[outcome]++
	switch {
	case outcome == "ok":
		t.good = append(t.good, took)
	case slices.Contains(refusals, outcome):
		t.refused = append(t.refused, took)
	}
}

func (t *tally) report(group string, took time.Duration) Report {
	slices.Sort(t.good)
	slices.Sort(t.refused)
	return Report{
		Group: group, Sent: t.sent, Counts: t.counts,
		P50: obs.Quantile(t.good, 0.50), P95: obs.Quantile(t.good, 0.95), P99: obs.Quantile(t.good, 0.99), Max: obs.Quantile(t.good, 1),
		PerSecond: float64(len(t.good)) / took.Seconds(), Refused: obs.Quantile(t.refused, 0.99),
	}
}

// Table writes reports for people to read.
func Table(reports []Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-14s %8s %8s %9s %9s %9s %9s %9s  %s\n", "group", "sent", "ok", "ok/s", "p50", "p95", "p99", "max", "else")
	for _, r := range reports {
		var other []string
		for outcome, n := range r.Counts {
			if outcome != "ok" {
				other = append(other, fmt.Sprintf("%s %d", outcome, n))
			}
		}
		slices.Sort(other)
		fmt.Fprintf(&b, "%-14s %8d %8d %9.1f %9s %9s %9s %9s  %s\n", r.Group, r.Sent, r.OK(), r.PerSecond,
			short(r.P50), short(r.P95), short(r.P99), short(r.Max), strings.Join(other, ", "))
	}
	return b.String()
}

func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}
