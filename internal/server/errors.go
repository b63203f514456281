package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/actor"
	"gridflow/internal/tools"
)

// Why the context of a call is done. A cause is looked up with context.Cause, so that
// one ctx.Err() can be worded in the way that helps the caller.
var (
	errToolTimeout  = errors.New("the call ran into the tool timeout")
	errDisconnected = errors.New("the client closed the connection")
	errCut          = errors.New("the server stopped before the call was done")
)

// errorTextMax bounds the text of an error, in bytes: clients cut long ones, and the
// hint at the end is the part that helps.
const errorTextMax = 1000

// errDraining refuses what arrives after the server has begun to stop.
func errDraining() *tools.Error {
	return &tools.Error{
		Code:             "DRAINING",
		Message:          "the server is stopping and takes no new calls",
		Hint:             "Nothing was done; call again after it has been restarted",
		RetryAfterMillis: 2000,
	}
}

// callError turns what a call ended with into an error that the caller can use. What
// nobody expected gets a reference, under which the log holds the rest.
func (s *Server) callError(ctx context.Context, err error) *tools.Error {
	var known *tools.Error
	isKnown := errors.As(err, &known)
	if ctx.Err() != nil && (!isKnown || known.Code == "CANCELLED" || known.Code == "TIMEOUT") {
		switch cause := context.Cause(ctx); {
		case errors.Is(cause, errToolTimeout):
			return &tools.Error{
				Code:    "TIMEOUT",
				Message: fmt.Sprintf("the call was stopped after %v", s.conf.ToolTimeout.Round(time.Millisecond)),
				Hint:    "Ask for less at once: a smaller range, fewer sheets or a page; or let the operator raise --tool-timeout",
				Details: map[string]any{"code": "TIMEOUT", "phase": "exec", "limit_ms": s.conf.ToolTimeout.Milliseconds()},
			}
		case errors.Is(cause, errCut):
			e := errDraining()
			e.Message = "the server is stopping and did not wait for the end of the call"
			e.Hint = "Call again after it has been restarted"
			e.Details = map[string]any{"code": "DRAINING", "phase": "exec", "retry_after_ms": e.RetryAfterMillis}
			return e
		default:
			return &tools.Error{Code: "CANCELLED", Message: "the call was cancelled before it was done"}
		}
	}
	if isKnown {
		return known
	}
	attrs := []slog.Attr{slog.Any("error", err)}
	if p, ok := errors.AsType[*actor.PanicError](err); ok { // a fork's own goroutine
		attrs = append(attrs, slog.String("stack", string(p.Stack)))
	}
	return s.internalError("call failed", attrs...)
}

// codeInternal is the code of a fault of the server.
const codeInternal = "INTERNAL"

// thrown is what somebody has panicked with, as an error: the log leaves out of errors what
// they quote.
func thrown(p any) slog.Attr {
	err, ok := p.(error)
	if !ok {
		err = fmt.Errorf("%v", p)
	}
	return slog.Any("panic", err)
}

// internalError logs a fault of the server under a fresh reference and words it for
// the caller, without its details.
func (s *Server) internalError(msg string, attrs ...slog.Attr) *tools.Error {
	ref := rand.Text()[:10]
	s.log.LogAttrs(context.Background(), slog.LevelError, msg, append(attrs, slog.String("ref", ref))...)
	return &tools.Error{
		Code:    codeInternal,
		Message: "something went wrong inside the server (reference " + ref + ")",
		Hint:    "The server goes on; other calls are not affected. Its log explains the failure under the reference",
	}
}

// errorResult gives the error as a result with isError, the form that models read.
func (s *Server) errorResult(ctx context.Context, e *tools.Error) *mcp.CallToolResult {
	text := clip(e.Error(), errorTextMax)
	n := note(ctx)
	n.outcome, n.bytes = e.Code, len(text)
	res := &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: text}}}
	if e.RetryAfterMillis > 0 || e.Details != nil {
		res.Meta = mcp.Meta{}
	}
	if e.RetryAfterMillis > 0 {
		res.Meta["gridflow/retryAfterMs"] = e.RetryAfterMillis
	}
	if e.Details != nil {
		res.Meta["gridflow/details"] = e.Details
	}
	return res
}

// refuseCall is errorResult for the middleware. The era without sessions wants a result
// to say that it is complete; the SDK adds that to what a tool's handler gives, but not
// to what middleware gives, and it keeps the field to itself. Reading JSON sets it.
func (s *Server) refuseCall(ctx context.Context, req mcp.Request, e *tools.Error) *mcp.CallToolResult {
	plain := s.errorResult(ctx, e)
	call, ok := req.(*mcp.CallToolRequest)
	if !ok || call.ProtocolVersion() < statelessSince {
		return plain
	}
	res := new(mcp.CallToolResult)
	if err := res.UnmarshalJSON([]byte(`{"content":[],"resultType":"complete"}`)); err != nil {
		return plain
	}
	res.Meta, res.Content, res.IsError = plain.Meta, plain.Content, true
	return res
}

// protocolError gives the error for methods that have no isError result.
func protocolError(e *tools.Error) *jsonrpc.Error {
	code := int64(jsonrpc.CodeInternalError)
	switch e.Code {
	case "INVALID_PARAMS", "WORKBOOK_NOT_FOUND", "WORKBOOK_AMBIGUOUS", "FORK_NOT_FOUND", "VERSION_NOT_FOUND", "VERSION_GONE", "SHEET_NOT_FOUND", "RANGE_INVALID", "TABLE_NOT_FOUND", "NAME_NOT_FOUND", "PICTURE_NOT_FOUND":
		code = jsonrpc.CodeInvalidParams
	}
	err := &jsonrpc.Error{Code: code, Message: clip(e.Error(), errorTextMax)}
	data := maps.Clone(e.Details)
	if e.RetryAfterMillis > 0 {
		if data == nil {
			data = map[string]any{}
		}
		data["retryAfterMs"] = e.RetryAfterMillis
	}
	if data != nil {
		err.Data, _ = json.Marshal(data) // of texts and numbers: it cannot fail
	}
	return err
}

// boundError gives an error that leaves the server a code and a bounded text.
func boundError(err error) *jsonrpc.Error {
	bounded := jsonrpc.Error{Code: jsonrpc.CodeInvalidRequest}
	var wire *jsonrpc.Error
	if errors.As(err, &wire) {
		bounded = *wire
	}
	bounded.Message = clip(err.Error(), errorTextMax)
	if len(bounded.Data) > errorTextMax {
		bounded.Data = nil
	}
	return &bounded
}

// clip cuts s to at most limit bytes, at the border of a character.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const mark = "…"
	s = s[:limit-len(mark)]
	for len(s) > 0 {
		if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n > 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s + mark
}
