package admit

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"gridflow/flow"
	"gridflow/internal/lazy"
)

// Under gives a context in which loads keep the seats and bytes of the permit that it
// carries, also when the call has its answer: then in the class background, while there is
// room.
func Under(ctx context.Context) context.Context {
	return lazy.WithKeeper(ctx, keeper{flow.PermitOf(ctx)})
}

// Jobs lets in work that no call has asked for, such as the discarding of what nobody uses:
// in the class background, in a queue of its own. The zero Jobs has no gate, and lets in
// everything at once. They may be used from any number of goroutines at once.
type Jobs struct {
	gate atomic.Pointer[flow.Gate]
}

// Use has jobs pass through a gate from now on.
func (j *Jobs) Use(g *flow.Gate) { j.gate.Store(g) }

// JobClient is whose work jobs are.
const JobClient = "gridflow"

// jobCost is what a job is taken to cost before it has run.
const jobCost = 10 * time.Millisecond

// Begin waits until a job may run, with a seat at a processor and one at the disk. end is
// called when it has stopped. The error says why it may not: then it is for another time.
func (j *Jobs) Begin(ctx context.Context) (under context.Context, end func(), err error) {
	return j.begin(ctx, flow.Amounts{flow.CPU: 1, flow.IO: 1})
}

// Calculate is Begin for the calculation of a workbook, with one of the seats for these.
func (j *Jobs) Calculate(ctx context.Context) (under context.Context, end func(), err error) {
	return j.begin(ctx, flow.Amounts{flow.CPU: 1, flow.Recalc: 1})
}

func (j *Jobs) begin(ctx context.Context, need flow.Amounts) (under context.Context, end func(), err error) {
	g := j.gate.Load()
	if g == nil {
		return ctx, func() {}, nil
	}
	p, err := g.Acquire(ctx, flow.Request{Class: flow.Background, Client: JobClient, Cost: jobCost, Need: need})
	if err != nil {
		return nil, nil, err
	}
	return Under(flow.WithPermit(ctx, p)), func() { p.Done(flow.OK) }, nil
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
