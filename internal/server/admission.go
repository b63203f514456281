package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow"
	"gridflow/flow/mcpflow"
	"gridflow/internal/admit"
	"gridflow/internal/obs"
	"gridflow/internal/tools"
)

// admit makes the middleware that lets calls in: request → price → queue → permit → run →
// done. The permit is given back when the work has returned, not when its deadline has
// passed or its caller has left: until then it uses what the permit stands for.
func (s *Server) admit() mcp.Middleware {
	f := s.conf.Flow
	if f == nil {
		return func(next mcp.MethodHandler) mcp.MethodHandler { return next }
	}
	admitted := mcpflow.Middleware(mcpflow.Options{
		Gate: f.Gate, Costs: f.Costs,
		Price: func(ctx context.Context, _ string, req mcp.Request) (flow.Work, bool) {
			return f.work(ctx, s.tools, req)
		},
		Client: client, Part: part,
		Weight: f.weight, PartWeight: f.partWeight,
		Result: func(ctx context.Context, res mcp.Result, err error) flow.Result {
			return resultOf(note(ctx).outcome, err)
		},
		Refuse: func(ctx context.Context, method string, req mcp.Request, err error) (mcp.Result, error) {
			e := s.admissionError(ctx, err)
			note(ctx).outcome = e.Code
			if method == methodCallTool {
				return s.refuseCall(ctx, req, e), nil
			}
			return nil, protocolError(e)
		},
		Observe: func(ctx context.Context, o mcpflow.Observation) {
			s.observe(obs.Call{
				Tool: o.Kind.Name, Class: o.Class, Client: o.Client, Part: o.Part, Weight: o.Weight, PartWeight: o.PartWeight, Ran: o.Ran, Waited: o.Waited, Service: o.Service,
				Outcome: outcomeOf(note(ctx).outcome, o.Outcome),
			})
		},
	})
	return func(next mcp.MethodHandler) mcp.MethodHandler {
		return admitted(func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			return next(admit.Under(ctx), method, req)
		})
	}
}

// listing is what it takes to list the workbooks: all of them are looked at for each page.
var listing = flow.Work{Kind: flow.Kind{Name: "resources/list"}, Class: flow.Auto, Need: flow.Amounts{flow.CPU: 1}, Prior: 5 * time.Millisecond}

// work tells what is known of a request before it runs; false: it is none that has to be let
// in.
func (f *Flow) work(ctx context.Context, known map[string]*tools.Tool, req mcp.Request) (flow.Work, bool) {
	switch r := req.(type) {
	case *mcp.CallToolRequest:
		return f.Price(ctx, Call{Tool: known[r.Params.Name], Arguments: json.RawMessage(r.Params.Arguments)}), true
	case *mcp.ReadResourceRequest:
		return f.Price(ctx, Call{URI: r.Params.URI}), true
	case *mcp.SubscribeRequest:
		return f.Price(ctx, Call{URI: r.Params.URI}), true
	case *mcp.ListResourcesRequest:
		return listing, true
	}
	return flow.Work{}, false
}

// drainingError words the refusal of a request by a server that stops, with what flow says
// of such a one.
func (s *Server) drainingError(ctx context.Context, req mcp.Request) *tools.Error {
	e := errDraining()
	f := s.conf.Flow
	if f == nil {
		return e
	}
	work, ok := f.work(ctx, s.tools, req)
	if !ok {
		return e
	}
	if work.Class == flow.Auto {
		work.Class = flow.ClassOf(f.Costs.Predict(work.Kind, work.Prior))
	}
	r := f.Gate.Draining(work.Class)
	r.RetryAfter = retryDefault
	e.Details = mcpflow.Details(r)
	return e
}

// observe counts a call that has ended.
func (s *Server) observe(c obs.Call) {
	if s.conf.Metrics != nil {
		s.conf.Metrics.Observe(c)
	}
}

// outcomeOf tells apart by the code of a call's error what the gate takes for the same.
func outcomeOf(code, outcome string) string {
	switch code {
	case "DRAINING": // it was cut off, or not let in
		return mcpflow.OutcomeDraining
	case flow.CodeOverloaded: // behind the gate: too many wait for a fork, or for LibreOffice
		return mcpflow.OutcomeOverloaded
	case "RESPONSE_TOO_LARGE":
		return "too_large"
	case "CONFLICT":
		return "conflict"
	case "CIRCUIT_OPEN":
		return "circuit_open"
	}
	return outcome
}

// resultOf tells by the code of its error how the work of a call ended. Codes that the
// caller can do something about are the caller's errors; a disk that gives no answer is none,
// nor a LibreOffice that dies.
func resultOf(code string, err error) flow.Result {
	switch {
	case code == "TIMEOUT":
		return flow.TimedOut
	case code == "CANCELLED" || code == "DRAINING":
		return flow.Cancelled
	case code == codeInternal || code == "READ_TIMEOUT" || code == "BACKEND_NOT_STARTED" || strings.HasSuffix(code, "_BACKEND_CRASHED"):
		return flow.Failed
	case code != "" || err != nil:
		return flow.UserError
	}
	return flow.OK
}

// admissionError words what happened to a call that was not let in.
func (s *Server) admissionError(ctx context.Context, err error) *tools.Error {
	var r *flow.Refusal
	if !errors.As(err, &r) {
		return s.callError(ctx, err)
	}
	e := &tools.Error{Code: r.Code, Message: r.Reason(), Details: mcpflow.Details(r)}
	when := "wait"
	if r.RetryAfter > 0 {
		// Never before the time at which another try may succeed.
		e.RetryAfterMillis = int64((r.RetryAfter + time.Millisecond - 1) / time.Millisecond)
		when = fmt.Sprintf("wait %d ms", e.RetryAfterMillis)
	}
	switch r.Code {
	case flow.CodeOverloaded:
		e.Hint = "Nothing was done; " + when + ", then call again, with fewer calls at a time"
	case flow.CodeRateLimited:
		e.Hint = "Nothing was done; " + when + ", then call again, less often"
	case flow.CodeTimeout:
		e.Hint = "Nothing was done; " + when + ", then call again, or ask for less at once"
	case flow.CodeDraining:
		e.Hint = "Nothing was done; call again after the server has been restarted"
		e.RetryAfterMillis = retryDefault.Milliseconds()
		e.Details["retry_after_ms"] = e.RetryAfterMillis
	}
	return e
}
