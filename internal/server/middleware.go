package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow/mcpflow"
	"gridflow/internal/crew"
	"gridflow/internal/nearest"
	"gridflow/internal/obs"
	"gridflow/internal/principal"
	"gridflow/internal/tools"
)

// The methods that the middleware tells apart.
const (
	methodCallTool     = "tools/call"
	methodReadResource = "resources/read"
	methodListen       = "subscriptions/listen"
	methodPing         = "ping"
	methodInitialize   = "initialize"
)

// callNote is what the inner parts of a request tell its line in the log.
type callNote struct {
	outcome string // "" while all is well, else the code of the error
	bytes   int    // of the result
}

type callNoteKey struct{}

// note gives the note of the request that ctx belongs to. Outside of a request it gives
// one that nobody reads.
func note(ctx context.Context) *callNote {
	if n, ok := ctx.Value(callNoteKey{}).(*callNote); ok {
		return n
	}
	return new(callNote)
}

// recoverPanics answers a panic instead of dying of it, and makes sure that every error
// that leaves has a JSON-RPC code. The stack goes to the log only.
func (s *Server) recoverPanics(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (res mcp.Result, err error) {
		ctx = context.WithValue(ctx, callNoteKey{}, new(callNote))
		defer func() {
			if v := recover(); v != nil {
				p := crew.Recovered(v)
				e := s.internalError("panic", slog.String("method", method), slog.String("tool", s.toolFor(req)),
					thrown(p.Value), slog.String("stack", string(p.Stack)))
				if method == methodCallTool {
					res, err = s.refuseCall(ctx, req, e), nil
				} else {
					res, err = nil, protocolError(e)
				}
			}
		}()
		res, err = next(ctx, method, req)
		if err == nil {
			return res, nil
		}
		var wire *jsonrpc.Error
		// Of the handshake, and of what is not answered, the SDK has errors without a code: its client's.
		if errors.As(err, &wire) || method == methodInitialize || strings.HasPrefix(method, "notifications/") {
			return nil, boundError(err)
		}
		return nil, protocolError(s.callError(ctx, err))
	}
}

// keepLittle takes out of a handshake what the server has no use for. The SDK keeps what is left as
// long as the session lives, and an initialize may be as long as any request.
func keepLittle(next mcp.MethodHandler) mcp.MethodHandler {
	short := func(texts ...*string) {
		for _, t := range texts {
			*t = strings.Clone(clip(*t, handshakeTextMax))
		}
	}
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		switch p := req.GetParams().(type) {
		case *mcp.InitializeParams:
			if p == nil {
				break
			}
			p.Meta = nil
			short(&p.ProtocolVersion)
			if c := p.Capabilities; c != nil {
				c.Experimental, c.Extensions = nil, nil
			}
			if i := p.ClientInfo; i != nil {
				i.Icons = nil
				short(&i.Name, &i.Title, &i.Description, &i.Version, &i.WebsiteURL)
			}
		case *mcp.InitializedParams:
			if p != nil {
				p.Meta = nil
			}
		}
		return next(ctx, method, req)
	}
}

// handshakeTextMax bounds what a session keeps of each text of its handshake, in bytes.
const handshakeTextMax = 200

// dropCancelled marks the answer to a call that was cancelled, where the transport is the
// SDK's own. Here the context of a call ends only when its client has sent
// notifications/cancelled or has ended the session.
func (s *Server) dropCancelled(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		res, err := next(ctx, method, req)
		if extra := req.GetExtra(); ctx.Err() != nil && extra != nil && extra.Header[requestMark] != nil {
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: s.unanswered}
		}
		return res, err
	}
}

// identify puts the principal of a request where the rooms below find it. A request that came
// over HTTP past the guard is none of ours.
func (s *Server) identify(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		p := principalOf(req)
		if extra := req.GetExtra(); p == nil && s.guarded.Load() && extra != nil && extra.Header[connectionMark] != nil {
			return nil, protocolError(s.internalError("a request has no principal", slog.String("method", method)))
		}
		return next(principal.With(ctx, p), method, req)
	}
}

// narrow keeps what changes something from principals that may read only: it is neither offered
// to them nor done.
func (s *Server) narrow(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		p := principal.From(ctx)
		if p == nil || !p.ReadOnly {
			return next(ctx, method, req)
		}
		if t := s.tools[toolName(req)]; method == methodCallTool && (t == nil || !t.ReadOnly) {
			return s.refuseCall(ctx, req, errReadOnly(toolName(req))), nil
		}
		res, err := next(ctx, method, req)
		if list, ok := res.(*mcp.ListToolsResult); ok && err == nil {
			list.Tools = slices.DeleteFunc(slices.Clone(list.Tools), func(t *mcp.Tool) bool {
				row := s.tools[t.Name]
				return row == nil || !row.ReadOnly
			})
		}
		return res, err
	}
}

// errReadOnly refuses what changes something.
func errReadOnly(tool string) *tools.Error {
	return &tools.Error{Code: "READ_ONLY", Message: fmt.Sprintf("%s changes something, and you may only read on this server", clip(tool, 100)), Hint: "Nothing was done; tools/list names what you may call"}
}

// outcomeIn says in a word how a request ended: "ok", the code of its error, or that of the
// protocol. The texts of errors are not for records: they quote what callers sent.
func outcomeIn(ctx context.Context, err error) string {
	var wire *jsonrpc.Error
	switch n := note(ctx); {
	case n.outcome != "":
		return n.outcome
	case err == nil:
		return "ok"
	case errors.As(err, &wire):
		return "error " + strconv.FormatInt(wire.Code, 10)
	case ctx.Err() != nil:
		return "CANCELLED"
	}
	return codeInternal // as recoverPanics will word it
}

// logRequests writes one line per request. It never writes arguments or results, nor texts
// of errors, unless the operator has asked for these: they hold what is in the cells.
func (s *Server) logRequests(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		level := slog.LevelDebug
		if method == methodCallTool || method == methodReadResource {
			level = slog.LevelInfo
		}
		if !s.log.Enabled(ctx, level) {
			return next(ctx, method, req)
		}
		start := time.Now()
		res, err := next(ctx, method, req)
		outcome := outcomeIn(ctx, err)
		if err != nil && s.conf.LogContents {
			outcome += ": " + clip(err.Error(), 200)
		}
		attrs := make([]slog.Attr, 0, 8)
		attrs = append(attrs, slog.String("method", method))
		if name := s.toolFor(req); name != "" {
			attrs = append(attrs, slog.String("tool", name))
		}
		attrs = append(attrs, slog.String("outcome", outcome), slog.Duration("took", time.Since(start)), slog.Int("bytes", note(ctx).bytes))
		if user := userOf(req); user != "" {
			attrs = append(attrs, slog.String("user", user))
		}
		if id := req.GetSession().ID(); id != "" {
			attrs = append(attrs, slog.String("session", hashedID(id))) // the id itself is as good as a password
		}
		if trace := traceOf(req); trace != "" {
			attrs = append(attrs, slog.String("trace", trace))
		}
		s.log.LogAttrs(ctx, level, "request", attrs...)
		return res, err
	}
}

// traceParent is the form of W3C Trace Context: version, id of the trace, id of the span, flags.
var traceParent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$`)

// traceOf gives the id of the trace that a caller says its request is part of, "" where it says none: by it
// a line of the log is found from the caller's side. It is of a fixed form, so that nothing else gets into the log.
func traceOf(req mcp.Request) string {
	text, _ := mcpflow.Meta(req)["traceparent"].(string)
	if m := traceParent.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// toolFor gives the name of the tool that is called for the log: of one that is not there it
// is whatever a caller has made up.
func (s *Server) toolFor(req mcp.Request) string {
	name := toolName(req)
	if name != "" && s.tools[name] == nil && s.conf.Extend == nil && !s.conf.LogContents {
		return "(unknown)"
	}
	return clip(name, 100)
}

func toolName(req mcp.Request) string {
	if call, ok := req.(*mcp.CallToolRequest); ok && call.Params != nil {
		return call.Params.Name
	}
	return ""
}

// refuseWhenDraining counts the requests in flight and, once the server stops, refuses
// further ones. Notifications and pings pass: they are no work.
func (s *Server) refuseWhenDraining(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		if method == methodPing || strings.HasPrefix(method, "notifications/") {
			return next(ctx, method, req)
		}
		leave, ok := s.gateOf(req).enter()
		if !ok {
			if name := toolName(req); s.tools[name] != nil {
				s.observe(obs.Call{Tool: name, Class: obs.NoClass, Client: client(req), Part: part(req), Outcome: mcpflow.OutcomeDraining})
			}
			if method == methodCallTool {
				return s.refuseCall(ctx, req, s.drainingError(ctx, req)), nil
			}
			return nil, protocolError(s.drainingError(ctx, req))
		}
		defer leave()
		return next(ctx, method, req)
	}
}

// followCaller ends the context of a request when nobody waits for its answer any more:
// the HTTP request it came in is gone, or the server stops. In the era without sessions
// the SDK does the first of these itself. In the older one the context of a request
// derives from the request that opened the session, so the handler leaves a mark in the
// header (the one thing of the HTTP request that arrives here) and keeps its context
// under that mark.
func (s *Server) followCaller(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		gate := s.gateOf(req)
		stopping := gate.cut
		if method == methodListen {
			stopping = gate.streams
		}
		defer context.AfterFunc(stopping, func() { cancel(errCut) })()
		if extra := req.GetExtra(); extra != nil {
			if mark := extra.Header[requestMark]; len(mark) == 1 {
				if v, ok := s.httpRequests.Load(mark[0]); ok {
					defer context.AfterFunc(v.(context.Context), func() { cancel(errDisconnected) })()
				} else if !strings.HasPrefix(method, "notifications/") {
					// The HTTP request has ended before its message came this far, and without an answer:
					// nobody waits for one. Notifications are answered before they are handled.
					cancel(errDisconnected)
				}
			}
		}
		return next(ctx, method, req)
	}
}

// checkTool answers calls of tools that are not there, naming the nearest one. What an
// extension has is known to the SDK only.
func (s *Server) checkTool(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		if method == methodCallTool && s.conf.Extend == nil {
			if name := toolName(req); s.tools[name] == nil {
				msg := fmt.Sprintf("unknown tool %q", clip(name, 100))
				if set := s.conf.Env.AbsentFrom(name); set != "" {
					msg = fmt.Sprintf("the tool %q, of the toolset %q, is not on offer here", name, set)
				} else if near := nearest.Names(name, s.names, 1); near != nil {
					msg += fmt.Sprintf("; did you mean %q?", near[0])
				} else {
					msg += "; tools/list names the tools on offer"
				}
				return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: msg}
			}
		}
		return next(ctx, method, req)
	}
}

// bound holds work to its deadline, which begins when the call is let in: time in the
// queue is not counted.
func (s *Server) bound(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		if s.conf.ToolTimeout > 0 && (method == methodCallTool || method == methodReadResource) {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, s.conf.ToolTimeout, errToolTimeout)
			defer cancel()
		}
		return next(ctx, method, req)
	}
}

// reportProgress gives a call whose client asked for progress a way to tell it.
func (s *Server) reportProgress(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		var token any
		switch r := req.(type) {
		case *mcp.CallToolRequest:
			token = r.Params.GetProgressToken()
		case *mcp.ReadResourceRequest:
			token = r.Params.GetProgressToken()
		}
		session, ok := req.GetSession().(*mcp.ServerSession)
		if token == nil || !ok {
			return next(ctx, method, req)
		}
		p := startProgress(func(done, total float64, message string) {
			if ctx.Err() != nil {
				return // nobody waits any more
			}
			err := session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
				ProgressToken: token, Progress: done, Total: total, Message: message,
			})
			if err != nil && ctx.Err() == nil {
				s.log.Debug("progress could not be sent", "error", err)
			}
		})
		defer p.stop()
		return next(tools.WithProgress(ctx, p.report), method, req)
	}
}
