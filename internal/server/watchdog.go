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
)

// stuckGrace is how long after its deadline a call may take to notice it, before the log
// names it as stuck.
const stuckGrace = 5 * time.Second

// callLabel is the goroutine label that holds the number of a call. Goroutines that a call
// starts inherit it, and that of an actor has it while it executes a message of the call.
const callLabel = "gridflow_call"

// stackMax bounds the stacks of one stuck call in the log, in bytes.
const stackMax = 8 << 10

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
		alarm := time.AfterFunc(s.conf.ToolTimeout+stuckGrace, func() {
			attrs := []slog.Attr{slog.String("method", method), slog.String("tool", toolName(req)), slog.String("call", id),
				slog.Duration("running", time.Since(start)), slog.String("stack", stacksOf(id))}
			if locks := lock.Report(); locks != "" { // where it is a deadlock, the whole of it
				attrs = append(attrs, slog.String("locks", locks))
			}
			s.log.LogAttrs(context.WithoutCancel(outer), slog.LevelError, "a call is stuck: it has not noticed its deadline", attrs...)
		})
		defer alarm.Stop()
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
