// Package mcpflow puts flow in front of a server built on the MCP Go SDK. The SDK starts
// every call at once, however many there are; with
//
//	server.AddReceivingMiddleware(mcpflow.Middleware(mcpflow.Options{Gate: gate}))
//
// each tool call, resource read and prompt passes through the gate first: it is classified
// by what calls of its kind took so far, waits in the queue of its client, and runs when
// it is its turn; or it is refused, early, with an answer that a model can read.
//
// The context of a call that was let in carries its permit ([flow.PermitOf]), for work that
// goes on when the call has its answer: it keeps the permit's seats ([flow.Permit.Keep]).
//
// Other requests (initialize, lists, pings, notifications) pass by: they are no work.
package mcpflow

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow"
)

// Options say how calls are let in. Only Gate must be given.
type Options struct {
	// Gate decides. Its classes are those of [flow.Defaults], unless Price names others.
	Gate *flow.Gate

	// Costs remembers what calls took; nil: costs of its own.
	Costs *flow.Costs

	// Price says what is known of a call before it runs; nil: its kind is the name of its
	// tool, its class follows from what such calls took, and it needs a seat of the first
	// resource. false lets the call pass by the gate.
	Price func(ctx context.Context, method string, req mcp.Request) (flow.Work, bool)

	// Client says who calls: whoever can be held to account, such as a user or a machine.
	// What a caller says of itself, or gets for the asking, as a name or a session, belongs
	// to Part: a client that changes it with every call would be many clients, and bounds of
	// each would bound nothing. nil: [Client].
	Client func(req mcp.Request) string

	// Part says whom the client tells apart; nil: [Part].
	Part func(req mcp.Request) string

	// Weight says how much of the time the client that makes the request gets against
	// others of its class; nil, or less than 1: as much as any.
	Weight func(req mcp.Request) int64

	// PartWeight says the same of the part against others of its client.
	PartWeight func(req mcp.Request) int64

	// Result tells how the work of a call ended; nil: by ctx, by err and by isError.
	Result func(ctx context.Context, res mcp.Result, err error) flow.Result

	// Refuse words the answer to a call that was not let in. err is a [*flow.Refusal], or
	// the cause of ctx's end; nil: [Refuse].
	Refuse func(ctx context.Context, method string, req mcp.Request, err error) (mcp.Result, error)

	// Observe is told of each call that Price did not let pass by, once, when it has ended,
	// whatever became of it. It is called without a lock, from many goroutines at once, and
	// the answer waits for it. ctx is the call's; nil: nobody is told.
	Observe func(ctx context.Context, o Observation)
}

// HintKey is the key in a request's _meta under which a client may name a class, such as
// "background", to let others go first. A hint never makes a call more urgent.
const HintKey = "flow/class"

// Middleware makes the middleware. It belongs where what follows is the work itself:
// after what identifies and refuses cheaply, before what has a deadline for the work.
func Middleware(o Options) mcp.Middleware {
	if o.Costs == nil {
		o.Costs = new(flow.Costs)
	}
	if o.Price == nil {
		o.Price = price
	}
	if o.Client == nil {
		o.Client = Client
	}
	if o.Part == nil {
		o.Part = Part
	}
	if o.Weight == nil {
		o.Weight = func(mcp.Request) int64 { return 1 }
	}
	if o.PartWeight == nil {
		o.PartWeight = func(mcp.Request) int64 { return 1 }
	}
	if o.Result == nil {
		o.Result = resultOf
	}
	if o.Refuse == nil {
		o.Refuse = Refuse
	}
	return func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (res mcp.Result, err error) {
			work, ok := o.Price(ctx, method, req)
			if !ok {
				return next(ctx, method, req)
			}
			cost := o.Costs.Predict(work.Kind, work.Prior)
			class := work.Class
			if class == flow.Auto {
				class = flow.ClassOf(cost)
			}
			class = max(class, hint(o.Gate, req))
			who := Observation{Kind: work.Kind, Class: class, Client: o.Client(req), Part: o.Part(req), Weight: max(o.Weight(req), 1), PartWeight: max(o.PartWeight(req), 1)}
			came := time.Now()
			permit, err := o.Gate.Acquire(ctx, flow.Request{
				Class: class, Client: who.Client, Weight: who.Weight, Part: who.Part, PartWeight: who.PartWeight,
				Cost: cost, Need: work.Need, Kind: work.Kind.Name, Share: work.Share, Apart: work.Apart,
			})
			if err != nil {
				res, refused := o.Refuse(ctx, method, req, err)
				if o.Observe != nil {
					who.Waited, who.Outcome = time.Since(came), refusedAs(err)
					o.Observe(ctx, who)
				}
				return res, refused
			}
			waited := permit.Waited()
			result := flow.Failed // unless we get to see how it ended: a panic is a failure
			defer func() {
				took := permit.Done(result)
				if result == flow.OK || result == flow.TimedOut {
					o.Costs.Learn(work.Kind, cost, took)
				}
				if o.Observe != nil {
					who.Ran, who.Waited, who.Service, who.Outcome = true, waited, took, endedAs(result)
					o.Observe(ctx, who)
				}
			}()
			res, err = next(flow.WithPermit(ctx, permit), method, req)
			result = o.Result(ctx, res, err)
			return res, err
		}
	}
}

// resultOf tells how the work of a call ended.
func resultOf(ctx context.Context, res mcp.Result, err error) flow.Result {
	switch {
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return flow.TimedOut
	case ctx.Err() != nil:
		return flow.Cancelled
	case err != nil:
		return flow.Failed
	}
	if r, ok := res.(*mcp.CallToolResult); ok && r.IsError {
		return flow.UserError
	}
	return flow.OK
}

// Meta gives the _meta of a request, nil where it has none: a list may be asked for without any
// params, for which the SDK has a nil pointer.
func Meta(req mcp.Request) map[string]any {
	params := req.GetParams()
	if v := reflect.ValueOf(params); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	return params.GetMeta()
}

// hint gives the class that the client asks for, 0 if it asks for none.
func hint(g *flow.Gate, req mcp.Request) int {
	name, ok := Meta(req)[HintKey].(string)
	if !ok {
		return 0
	}
	for i, c := range g.Config().Classes {
		if c.Name == name {
			return i
		}
	}
	return 0
}

// firstGuess is what a call of an unknown kind is taken to cost: it is a fast one until it
// has shown otherwise.
const firstGuess = 20 * time.Millisecond

func price(_ context.Context, method string, req mcp.Request) (flow.Work, bool) {
	w := flow.Work{Prior: firstGuess, Class: flow.Auto, Need: flow.Amounts{1}}
	switch r := req.(type) {
	case *mcp.CallToolRequest:
		w.Kind.Name = r.Params.Name
	case *mcp.ReadResourceRequest, *mcp.GetPromptRequest:
		w.Kind.Name = method
	default:
		return flow.Work{}, false
	}
	return w, true
}

// Client tells callers apart by the user of the bearer token. All who have none are one
// client, as over stdio they are: a session is to be had for the asking. A server that knows
// where requests come from does well to say so in Options.Client.
func Client(req mcp.Request) string {
	if extra := req.GetExtra(); extra != nil && extra.TokenInfo != nil && extra.TokenInfo.UserID != "" {
		return "user " + extra.TokenInfo.UserID
	}
	return ""
}

// Part tells the sessions of a client apart; "" where there are none.
func Part(req mcp.Request) string {
	if s, ok := req.GetSession().(*mcp.ServerSession); ok && s != nil {
		if id := s.ID(); id != "" {
			return "session " + id
		}
	}
	return ""
}

// Refuse words the answer to a call that was not let in: for a tool a result with isError,
// whose text says why and when to try again, and the same as structured content; for other
// methods a JSON-RPC error.
func Refuse(_ context.Context, method string, req mcp.Request, err error) (mcp.Result, error) {
	var r *flow.Refusal
	if !errors.As(err, &r) {
		return nil, err
	}
	data, marshalErr := json.Marshal(Details(r))
	if marshalErr != nil {
		return nil, marshalErr
	}
	if method != "tools/call" {
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: r.Error(), Data: data}
	}
	res := new(mcp.CallToolResult)
	if call, ok := req.(*mcp.CallToolRequest); ok && call.ProtocolVersion() >= statelessSince {
		// This revision wants a result to say that it is complete. The SDK adds that to
		// what handlers give, not to what middleware gives; only reading JSON sets it.
		if err := res.UnmarshalJSON([]byte(`{"content":[],"resultType":"complete"}`)); err != nil {
			return nil, err
		}
	}
	res.IsError = true
	res.Content = []mcp.Content{&mcp.TextContent{Text: r.Error()}}
	res.StructuredContent = json.RawMessage(data)
	return res, nil
}

// statelessSince is the first revision of the protocol whose results say that they are complete.
const statelessSince = "2026-07-28"

// Details gives what a refusal says as fields for programs.
func Details(r *flow.Refusal) map[string]any {
	d := map[string]any{
		"code": r.Code, "class": r.Class, "reason": r.Outcome.String(),
		"depth": r.Depth, "capacity": r.Capacity, "waited_ms": r.Waited.Milliseconds(),
	}
	if r.Code == flow.CodeTimeout {
		d["phase"] = "queue"
	}
	if r.RetryAfter > 0 {
		d["retry_after_ms"] = (r.RetryAfter + time.Millisecond - 1).Milliseconds()
	}
	return d
}
