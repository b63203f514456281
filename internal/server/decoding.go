package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow"
	"gridflow/flow/kernel"
	"gridflow/flow/mcpflow"
	"gridflow/internal/principal"
	"gridflow/internal/tools"
)

// What a call may cost is decided once its message has been taken apart. Taking it apart costs
// too: the SDK looks at each message several times, each time with a buffer of 32 KiB, and where a
// processor is long in coming all of that is held meanwhile. So few messages are taken apart at
// once, and the others wait as the bytes that they came in.
const (
	// decodersOfCPU messages are taken apart at once for each processor, decodersMin at least.
	// It is work that waits for nothing but a processor; some more than there are keep them busy
	// while goroutines hand a message on.
	decodersOfCPU = 2
	decodersMin   = 4
	// decodeBase and decodePerByte are about what a message takes while it is taken apart: buffers
	// that the garbage collector has not taken yet, and copies of the message and of its parts.
	// decodeBytesMax bounds that for all of them. A message that would need more has it alone.
	decodeBase     = 256 << 10
	decodePerByte  = 8
	decodeBytesMax = 64 << 20
	// decodeQueueMax bounds the messages that wait for their turn; where one more comes, who has
	// the most there loses one. decodeWait is how long one waits.
	decodeQueueMax = 2048
	decodeWait     = 5 * time.Second
	// decodePatience is how long a message may have its turn. One that takes longer stands still
	// for another reason, which is no reason to keep others waiting.
	decodePatience = 2 * time.Second
)

// decodeMark is the header key under which the middleware is told whose turn has ended. As with
// requestMark, no client can send it.
const decodeMark = "gridflow decoding"

// decoding is how many messages are taken apart at once, and in which order: by turns of the
// clients, and of the parts of a client, as calls are let in later. Its methods may be called from
// any goroutine.
type decoding struct {
	gate  *flow.Gate
	turns sync.Map // mark → *decodeTurn
	last  atomic.Uint64
}

// A decodeTurn is had by a message while it is taken apart. It ends when the middleware has the
// message, when it has been answered, or after decodePatience: never does it last while a call
// waits or runs.
type decodeTurn struct {
	of       *decoding
	mark     string
	permit   flow.Permit
	patience alarm
}

func newDecoding(decoders int) *decoding {
	gate, err := flow.New(flow.Config{
		Classes: []flow.Class{{Name: "unread", QueueMax: decodeQueueMax, WaitMax: decodeWait, Limit: decoders}},
		Resources: []flow.Resource{
			{Name: "bytes", Capacity: decodeBytesMax},
		},
	}, flow.Listener{})
	if err != nil {
		panic(err) // it is the same for all
	}
	return &decoding{gate: gate}
}

// decoders gives how many messages are taken apart at once on this machine.
func decoders() int { return max(decodersOfCPU*runtime.GOMAXPROCS(0), decodersMin) }

// begin waits for the turn of a message of so many bytes. The error is a [*flow.Refusal], or the
// cause of ctx's end.
func (d *decoding) begin(ctx context.Context, client, part string, weight int64, bytes int) (*decodeTurn, error) {
	permit, err := d.gate.Acquire(ctx, flow.Request{
		Client: client, Part: part, Weight: weight,
		Cost: 300*time.Microsecond + time.Duration(bytes)*100*time.Nanosecond,
		Need: flow.Amounts{min(decodeBase+decodePerByte*int64(bytes), decodeBytesMax)},
	})
	if err != nil {
		return nil, err
	}
	t := &decodeTurn{of: d, mark: strconv.FormatUint(d.last.Add(1), 36), permit: permit}
	t.patience = alarmAfter(decodePatience, t.end)
	d.turns.Store(t.mark, t)
	return t, nil
}

// end ends the turn. It may be called again, and of no turn.
func (t *decodeTurn) end() {
	if t == nil {
		return
	}
	if _, mine := t.of.turns.LoadAndDelete(t.mark); mine {
		t.patience.stop()
		t.permit.Done(flow.OK)
	}
}

// endDecoding ends the turn of a message: it has been taken apart.
func (s *Server) endDecoding(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		if extra := req.GetExtra(); extra != nil {
			if mark := extra.Header[decodeMark]; len(mark) == 1 {
				if t, ok := s.decoding.turns.Load(mark[0]); ok {
					t.(*decodeTurn).end()
				}
			}
		}
		return next(ctx, method, req)
	}
}

// beginDecoding waits until the body of a POST may be taken apart. Otherwise the request has been
// answered: not before the body was read, which costs its bytes alone, but before anything of it
// was understood.
func (e *endpoint) beginDecoding(w http.ResponseWriter, r *http.Request, body []byte) (*decodeTurn, bool) {
	who := e.clientOf(r)
	t, err := e.server.decoding.begin(r.Context(), who, cmp.Or(partOf(r), programIn(body)), e.weightOf(r), len(body))
	var refusal *flow.Refusal
	switch {
	case err == nil:
		r.Header[decodeMark] = []string{t.mark}
		return t, true
	case errors.As(err, &refusal):
		e.refused(r, "decoding")
		status := http.StatusServiceUnavailable
		if refusal.Outcome == kernel.FullFlow || refusal.Outcome == kernel.Displaced { // others may come
			status = http.StatusTooManyRequests
		}
		retryAfter(w, cmp.Or(refusal.RetryAfter, bodyRetry))
		plain(w, status, errUndecoded(refusal).Error())
	}
	return nil, false // or its client has left
}

// errUndecoded words the refusal of a message that was not taken apart.
func errUndecoded(refusal *flow.Refusal) *tools.Error {
	r := *refusal
	r.Code = flow.CodeOverloaded // however it came to that: the call has not begun to wait
	return &tools.Error{
		Code: r.Code, Message: "more messages come than can be read; nothing of this one was done (" + r.Reason() + ")",
		Details: mcpflow.Details(&r), RetryAfterMillis: cmp.Or(r.RetryAfter, bodyRetry).Milliseconds(),
	}
}

// weightOf gives the weight of the client that makes a request, as Flow.weight does for its message.
func (e *endpoint) weightOf(r *http.Request) int64 {
	p := principal.From(r.Context())
	if p != nil && p.Weight > 0 {
		return p.Weight
	}
	f := e.server.conf.Flow
	if f == nil || f.Weights == nil || f.Weights.None() {
		return 1
	}
	user := ""
	if p != nil {
		user = p.Name
	}
	return f.Weights.Client(user)
}

// programMax bounds the bodies that are looked into for the program that sends them, in bytes.
const programMax = 16 << 10

// programIn gives what a body of the era without sessions says about the program that it is from,
// without taking it apart; "" where that is not to be had so.
func programIn(body []byte) (program string) {
	if len(body) > programMax || !json.Valid(body) {
		return ""
	}
	find := func(in []byte, name string) (found []byte) {
		members(in, func(key, value []byte) bool {
			if string(key) == name {
				found = value
			}
			return found == nil
		})
		return found
	}
	return clip(string(find(find(find(body, "params"), "_meta"), clientInfoKey)), 200)
}

// hand waits until the SDK may have a call. Where it may not, the call has been answered, and
// handed is false. The error is one of writing, or of ctx.
func (c *lineConn) hand(ctx context.Context, msg jsonrpc.Message) (handed bool, err error) {
	req, ok := msg.(*jsonrpc.Request)
	if !ok || !req.IsCall() || c.decoding == nil {
		return true, nil
	}
	t, err := c.decoding.begin(ctx, thisMachine, cmp.Or(c.session, "stdio"), 1, len(req.Params))
	if err != nil {
		var refusal *flow.Refusal
		if !errors.As(err, &refusal) {
			return false, err
		}
		return false, c.answer(req.ID, failedAnswer(req, errUndecoded(refusal)))
	}
	req.Extra = &mcp.RequestExtra{Header: http.Header{decodeMark: {t.mark}}}
	c.mu.Lock()
	defer c.mu.Unlock()
	if call := c.pending[req.ID]; call != nil {
		call.turn = t // it ends with the answer, where the middleware never has the call
	}
	return true, nil
}
