package load

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A client is one of a group: it decides what it asks for and when, and asks for it.
type client struct {
	run    *run
	group  *Group
	index  int
	who    caller
	mix    mix
	record *groupRecord
	own    Book   // that it edits
	made   values // for itself, before the load began

	mu    sync.Mutex
	rng   *rand.Rand
	calls int // that it has begun
	visit *visit
}

// A visit is one session of a client that comes again and again.
type visit struct {
	once    sync.Once
	opened  chan struct{} // closed when session or err is there
	session session
	err     error
	left    int            // calls that it will yet make; negative: no bound
	calls   sync.WaitGroup // that are under way
	broken  atomic.Bool    // the connection has failed: the client comes anew
}

func newVisit(g *Group) *visit {
	return &visit{opened: make(chan struct{}), left: cmp.Or(g.Life, -1)}
}

// A request is a call with what is known of it.
type request struct {
	Call
	op    string
	leave time.Duration // its client leaves after so long; 0: it does not
}

// next draws the next call and the session for it, which visit.calls counts from here on.
func (c *client) next() (request, *visit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.group
	r := request{}
	if len(g.Mix) > 0 {
		r.op = c.mix.draw(c.rng)
		r.Call = c.run.dialect.Ops[r.op]
	} else {
		r.Call = g.Calls[c.calls%len(g.Calls)]
		r.op = r.Tool
	}
	c.calls++
	r.Call = r.with(c.varsLocked(r.Call))
	if g.Leave > 0 && c.rng.Float64() < g.Leave {
		r.leave = max(seconds(cmp.Or(g.LeaveAfter, 50*time.Millisecond).Seconds()*c.rng.ExpFloat64()), 1)
	}
	if c.visit == nil || c.visit.left == 0 || c.visit.broken.Load() {
		if old := c.visit; old != nil {
			c.run.closing.Go(old.end)
		}
		c.visit = newVisit(g)
	}
	c.visit.left--
	c.visit.calls.Add(1)
	return r, c.visit
}

// varsLocked draws the variables of a call.
func (c *client) varsLocked(call Call) values {
	vars := maps.Clone(c.made)
	if vars == nil {
		vars = values{}
	}
	vars["n"], vars["client"], vars["principal"], vars["group"] = c.calls, c.index, c.who.principal, c.group.Name
	vars["value"] = c.rng.IntN(1_000_001)
	book := c.own
	if !c.usesMade(call) && len(c.run.scenario.Books) > 0 {
		book = c.run.scenario.Books[c.run.books.draw(c.rng)]
	}
	book.vars(vars, c.rng)
	return vars
}

// usesMade tells whether a call is about what the client has made for itself.
func (c *client) usesMade(call Call) bool {
	for _, name := range call.uses() {
		if _, ok := c.made[name]; ok {
			return true
		}
	}
	return false
}

// vars draws a place in a book.
func (b Book) vars(vars values, rng *rand.Rand) {
	const page = 20
	rows, columns := cmp.Or(b.Rows, 100), min(cmp.Or(b.Columns, 10), 26)
	row := 1 + rng.IntN(max(rows-page+1, 1))
	cellRow, column := 1+rng.IntN(rows), string(rune('A'+rng.IntN(columns)))
	vars["book"], vars["sheet"], vars["rows"], vars["columns"] = b.Name, b.Sheet, rows, columns
	vars["row"], vars["last"], vars["last_of_page"] = row, min(row+page-1, max(rows, row)), min(row+49, max(rows, row))
	vars["column"], vars["cell"] = string(rune('A'+columns-1)), fmt.Sprint(column, cellRow)
}

// connect opens the visit's session, once. Who asks for it may leave while others wait.
func (c *client) connect(ctx context.Context, v *visit) error {
	v.once.Do(func() {
		go func() {
			defer close(v.opened)
			openCtx, stop := context.WithTimeoutCause(c.run.ctx, startMax, errPatience)
			defer stop()
			v.session, v.err = c.run.dialer.open(c.run.ctx, openCtx, c.who)
		}()
	})
	select {
	case <-v.opened:
		return v.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// end closes the session when its calls have come back.
func (v *visit) end() {
	v.calls.Wait()
	v.once.Do(func() { close(v.opened) }) // nobody has asked for it
	<-v.opened
	if v.session != nil {
		v.session.Close() // a server that is gone has been counted
	}
}

// prepare opens the first session and makes what the group's operations name.
func (c *client) prepare(openCtx context.Context) error {
	v := newVisit(c.group)
	c.visit = v
	if err := c.connect(openCtx, v); err != nil {
		if strings.Contains(err.Error(), http.StatusText(http.StatusUnauthorized)) { // the SDK's error has no more of it
			err = fmt.Errorf("%w: the server asks who calls; --token-file has good tokens of who may", err)
		}
		return fmt.Errorf("opening a session: %w", err)
	}
	for op := range c.group.Mix {
		for _, name := range c.run.dialect.Ops[op].uses() {
			making, toMake := c.run.dialect.Make[name]
			if _, done := c.made[name]; done || !toMake {
				continue
			}
			vars := values{"n": 0, "client": c.index, "principal": c.who.principal, "group": c.group.Name, "value": c.rng.IntN(1_000_001)}
			c.own.vars(vars, c.rng)
			if err := openCtx.Err(); err != nil {
				return err
			}
			// One that is under way when another client fails is waited for: what nobody knows
			// of cannot be undone.
			makeCtx, stop := context.WithTimeoutCause(c.run.ctx, startMax, errPatience)
			res, err := v.session.CallTool(makeCtx, making.MakeParams(vars))
			stop()
			if err != nil {
				return fmt.Errorf("making {%s}: %w", name, err)
			}
			text := textOf(res)
			value, found := making.Found(text)
			if res.IsError || !found {
				return fmt.Errorf("making {%s}: %s answered %.300s", name, making.Tool, text)
			}
			if c.made == nil {
				c.made = values{}
			}
			c.made[name] = value
		}
	}
	return nil
}

// unmake undoes what the client has made, and tells how much of it is left. It asks in the
// client's session, or, where that is no more, in one for this alone.
func (c *client) unmake(ctx context.Context) (remains int) {
	s, fresh := c.visit.session, false
	if c.run.ctx.Err() != nil || c.visit.broken.Load() {
		s = nil
	}
	for name := range c.made {
		undo := c.run.dialect.Make[name].Undo
		if undo == nil {
			continue
		}
		vars := maps.Clone(c.made)
		vars["n"], vars["client"], vars["principal"], vars["group"], vars["value"] = 0, c.index, c.who.principal, c.group.Name, 0
		c.own.vars(vars, c.rng)
		for {
			if s == nil {
				opened, err := c.run.dialer.open(ctx, ctx, c.who)
				if err != nil {
					remains++
					break
				}
				defer opened.Close()
				s, fresh = opened, true
			}
			res, err := s.CallTool(ctx, undo.with(vars).params())
			code, _, refused := c.run.dialect.outcome(ctx, res, err)
			if code == ok {
				break
			}
			if code == transport && !fresh {
				s = nil // it has ended without our knowing
				continue
			}
			if !refused || !sleepUntil(ctx, time.Now().Add(100*time.Millisecond)) {
				remains++
				break
			}
		}
	}
	return remains
}

func (c Call) params() *mcp.CallToolParams {
	args := c.Args
	if args == nil {
		args = map[string]any{}
	}
	raw, err := json.Marshal(args)
	if err != nil {
		panic(err) // it was checked, and variables are texts and numbers
	}
	return &mcp.CallToolParams{Name: c.Tool, Arguments: json.RawMessage(raw)}
}

// Why a call was given up.
var (
	errLeft     = errors.New("its client has left")
	errPatience = errors.New("its client's patience is over")
)

// call makes one call that was due at a moment, and counts it.
func (c *client) call(step int, due time.Time) {
	r, v := c.next()
	defer v.calls.Done()
	h := happening{step: step, op: r.op, due: due, sent: time.Now()}
	ctx, stop := context.WithTimeoutCause(c.run.ctx, cmp.Or(c.group.Timeout, time.Minute), errPatience)
	defer stop()
	if r.leave > 0 {
		var leave context.CancelFunc
		ctx, leave = context.WithTimeoutCause(ctx, r.leave, errLeft)
		defer leave()
	}
	var res *mcp.CallToolResult
	err := c.connect(ctx, v)
	if err == nil {
		res, err = v.session.CallTool(ctx, r.params())
	} else if ctx.Err() == nil {
		v.broken.Store(true)
	}
	h.answered = time.Now()
	h.outcome, h.text, h.refusal = c.run.dialect.outcome(ctx, res, err)
	if h.outcome == transport {
		v.broken.Store(true)
	}
	c.record.add(h)
}

// codes are the outcomes that are refusals where a dialect says nothing else.
var codes = []string{"OVERLOADED", "RATE_LIMITED", "DRAINING", "CIRCUIT_OPEN"}

// outcome says what came of a call: "ok", or the code at the head of an error's text or
// another word for it; and whether the call was refused rather than tried. text is the error's.
func (d *Dialect) outcome(ctx context.Context, res *mcp.CallToolResult, err error) (code, text string, refused bool) {
	if err == nil && !res.IsError {
		return ok, "", false
	}
	wire := wireError(err)
	switch {
	case err == nil:
		text = textOf(res)
	case wire != nil:
		text = wire.Message
	default:
		text = err.Error()
	}
	for _, r := range d.refused {
		if r.text.MatchString(text) {
			return r.code, text, true
		}
	}
	if err == nil || wire != nil {
		if code, found := codeOf(text); found {
			return code, text, slices.Contains(codes, code)
		}
	}
	if err != nil && wire == nil {
		// The SDK tells of an answer without a message of the protocol by its status alone.
		for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			if strings.HasSuffix(text, http.StatusText(status)) {
				return fmt.Sprint("http ", status), text, true
			}
		}
	}
	switch cause := context.Cause(ctx); {
	case err == nil:
		return noCode, text, false
	case errors.Is(cause, errLeft):
		return left, text, false
	case errors.Is(cause, errPatience):
		return timedOut, text, false
	case cause != nil:
		return cancelled, text, false
	case wire != nil:
		return rpcError, text, false
	}
	return transport, text, false
}

// wireError gives the error that the server has answered with, nil where it has not. The
// SDK puts one of its own, which has no data, before others that it wraps.
func wireError(err error) *jsonrpc.Error {
	const own = "rejected by transport"
	if e, is := err.(*jsonrpc.Error); is && e.Message != own {
		return e
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return wireError(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			if found := wireError(one); found != nil {
				return found
			}
		}
	}
	return nil
}

// codeOf gives the code that an error's text begins with, as in "OVERLOADED: …".
func codeOf(text string) (string, bool) {
	code, _, found := strings.Cut(text, ":")
	const letters, others = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789_-"
	return code, found && len(code) <= 64 && strings.ContainsAny(code, letters) && strings.Trim(code, letters+others) == ""
}

func textOf(res *mcp.CallToolResult) string {
	var text []string
	for _, c := range res.Content {
		if c, ok := c.(*mcp.TextContent); ok {
			text = append(text, c.Text)
		}
	}
	return strings.Join(text, "\n")
}
