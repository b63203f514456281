package server

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/lock"
	"gridflow/internal/tools"
)

// stuckGrace is how long after its deadline a call may take to notice it, before the log
// names it as stuck.
const stuckGrace = 5 * time.Second

// callLabel is the goroutine label that holds the number of a call. Goroutines that a call
// starts inherit it, and that of an actor has it while it executes a message of the call.
const callLabel = "gridflow_call"

// stackMax bounds the stacks of one stuck call in the log, in bytes.
const stackMax = 8 << 10

// giveUp answers a call that the watchdog has found to be stuck: its caller need not wait for what may never end. Behind the
// answer the work goes on until it ends, with its permit, and counts as in flight; its lines in log and audit are written then.
func (s *Server) giveUp(next mcp.MethodHandler) mcp.MethodHandler {
	if s.conf.ToolTimeout <= 0 {
		return next
	}
	type answer struct {
		res mcp.Result
		err error
	}
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		if method != methodCallTool && method != methodReadResource {
			return next(ctx, method, req)
		}
		stuck, done := make(chan struct{}), make(chan answer, 1)
		under, cancel := context.WithCancelCause(context.WithValue(ctx, stuckKey{}, func() { close(stuck) }))
		defer cancel(errToolTimeout) // where it goes on it reports no progress any more
		go func() {
			res, err := next(under, method, req) // what panics is answered there
			done <- answer{res, err}
		}()
		select {
		case a := <-done:
			return a.res, a.err
		case <-stuck:
		}
		e := errStuck(s.conf.ToolTimeout)
		if method == methodCallTool {
			return s.refuseCall(ctx, req, e), nil
		}
		return nil, protocolError(e)
	}
}

// stuckKey is where the context of a call has the function by which the watchdog says, once, that it is stuck.
type stuckKey struct{}

// errStuck words it for the caller. Of what is written to a disk that stands still nobody can say what becomes of it.
func errStuck(limit time.Duration) *tools.Error {
	return &tools.Error{
		Code:    "TIMEOUT",
		Message: fmt.Sprintf("the call has not ended %v after its time of %v was over, and goes on without you", stuckGrace, limit.Round(time.Millisecond)),
		Hint:    "Whether it has changed something is not known yet: before you call again, look at what it was to change. The server's log says where it stands",
		Details: map[string]any{"code": "TIMEOUT", "phase": "exec", "limit_ms": limit.Milliseconds(), "stuck": true},
	}
}

// watchdog names calls in the log that go on after their deadline: the tool, how long it has
// run, and where its goroutines stand. A permit is not given back while the work of its call
// goes on, so that a stuck call is missed as a seat; here is which one it is, and why.
func (s *Server) watchdog(next mcp.MethodHandler) mcp.MethodHandler {
	if s.conf.ToolTimeout <= 0 {
		return next // nothing is late where there is no deadline
	}
	var numbers atomic.Uint64
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		if method != methodCallTool && method != methodReadResource {
			return next(ctx, method, req)
		}
		id := strconv.FormatUint(numbers.Add(1), 10)
		start := time.Now()
		outer := ctx
		ctx = pprof.WithLabels(ctx, pprof.Labels(callLabel, id))
		pprof.SetGoroutineLabels(ctx)
		defer pprof.SetGoroutineLabels(outer)
		alarm := alarmAfter(s.conf.ToolTimeout+stuckGrace, func() {
			attrs := []slog.Attr{slog.String("method", method), slog.String("tool", toolName(req)), slog.String("call", id),
				slog.Duration("running", time.Since(start)), slog.String("stack", stacksOf(id))}
			if locks := lock.Report(); locks != "" { // where it is a deadlock, the whole of it
				attrs = append(attrs, slog.String("locks", locks))
			}
			s.log.LogAttrs(context.WithoutCancel(outer), slog.LevelError, "a call is stuck: it has not noticed its deadline", attrs...)
			if stuck, ok := outer.Value(stuckKey{}).(func()); ok {
				stuck()
			}
		})
		defer alarm.stop()
		return next(ctx, method, req)
	}
}

// stacksOf gives the stacks of the goroutines of a call.
func stacksOf(id string) string {
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return err.Error()
	}
	label := fmt.Sprintf("%q:%q", callLabel, id)
	var found []string
	for block := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(block, label) {
			found = append(found, block)
		}
	}
	return clip(strings.Join(found, "\n\n"), stackMax)
}
