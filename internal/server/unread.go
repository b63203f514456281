package server

import (
	"context"
	"fmt"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow"
	"gridflow/internal/lock"
	"gridflow/internal/tools"
)

// unread counts the bytes of answers that are being written, by machine: what a client does not
// read stays in memory, and a client may have thousands of calls answered before it reads one. An
// answer is counted whether there is room for it or not, because its work is done; who has too many
// of them is refused further work before it begins. Its methods may be called from any goroutine,
// and of nil, which counts nothing.
type unread struct {
	mu        lock.Mutex[lock.ServerUnread]
	most      int64 // for all; a machine may have a quarter of it, this one all
	held      int64
	ofMachine map[string]int64
}

func newUnread() *unread { return &unread{most: inFlightBytesMax, ofMachine: make(map[string]int64)} }

// bound sets how much there may be.
func (u *unread) bound(most int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.most = most
}

// writing counts n bytes that are to be written to a machine, until written is called.
func (u *unread) writing(machine string, n int) (written func()) {
	u.add(machine, int64(n))
	return func() { u.add(machine, -int64(n)) }
}

func (u *unread) add(machine string, n int64) {
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.held += n
	if u.ofMachine[machine] += n; u.ofMachine[machine] == 0 {
		delete(u.ofMachine, machine)
	}
}

// full tells whether as much is unread as may be, by the machine or in all; and how much that is.
func (u *unread) full(machine string) (held, most int64, full bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	share := max(u.most/ofOneMachine, min(bodyMax, u.most))
	if its := u.ofMachine[machine]; machine != thisMachine && its >= share {
		return its, share, true
	}
	return u.held, u.most, u.held >= u.most
}

// refuseUnread refuses calls while as many bytes of answers are unread as may be. It stands where
// a call has been let in: those that waited meanwhile must not be answered either.
func (s *Server) refuseUnread(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		if method == methodPing || strings.HasPrefix(method, "notifications/") {
			return next(ctx, method, req)
		}
		held, most, full := s.gateOf(req).unread.full(machineOf(req))
		if !full {
			return next(ctx, method, req)
		}
		e := &tools.Error{
			Code:    flow.CodeOverloaded,
			Message: fmt.Sprintf("%d bytes of answers have not been read yet", held),
			Hint:    "Nothing was done; read the answers, then call again, with fewer calls at a time",
			Details: map[string]any{
				"code": flow.CodeOverloaded, "reason": "unread", "bytes": held, "bytes_capacity": most, "retry_after_ms": connectionRetry.Milliseconds(),
			},
			RetryAfterMillis: connectionRetry.Milliseconds(),
		}
		if method == methodCallTool {
			return s.refuseCall(ctx, req, e), nil
		}
		note(ctx).outcome = e.Code
		return nil, protocolError(e)
	}
}
