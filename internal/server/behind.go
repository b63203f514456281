package server

import (
	"context"
	"math"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/flow"
	"gridflow/internal/lazy"
)

// underPermit lets the loads that a call begins keep the seats and bytes of its permit, also
// when the call has its answer: then in the class background, while there is room.
func underPermit(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		return next(lazy.WithKeeper(ctx, keeper{flow.PermitOf(ctx)}), method, req)
	}
}

// keeper is a permit as package lazy sees it.
type keeper struct{ permit flow.Permit }

// Keep implements lazy.Keeper.
func (k keeper) Keep(revoke func()) (h lazy.Hold, behind bool) {
	kept, behind := k.permit.Keep(flow.Background, flow.Amounts{flow.CPU: 1, flow.Bytes: math.MaxInt64}, revoke)
	if kept == nil {
		return nil, false
	}
	return held{kept}, behind
}

// held is a hold as package lazy sees it.
type held struct{ hold *flow.Hold }

// Again implements lazy.Hold.
func (h held) Again() lazy.Hold {
	if more := h.hold.Again(); more != nil {
		return held{more}
	}
	return nil
}

// Release implements lazy.Hold.
func (h held) Release(finished bool) {
	if finished {
		h.hold.Release(flow.OK)
	} else {
		h.hold.Release(flow.Cancelled)
	}
}
