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

// Calculate is Begin for the calculation of a workbook, with one of the seats for these. It may
// take as long as it likes, if it rests now and then.
func (j *Jobs) Calculate(ctx context.Context) (under context.Context, end func(), err error) {
	return j.begin(ctx, flow.Amounts{flow.CPU: 1, flow.Recalc: 1})
}

// A turn is the permits of a job, one after the other. It belongs to the goroutine of the job.
type turn struct {
	gate   *flow.Gate
	need   flow.Amounts
	permit flow.Permit // the zero Permit where it has none
}

type turnKey struct{}

func (j *Jobs) begin(ctx context.Context, need flow.Amounts) (under context.Context, end func(), err error) {
	g := j.gate.Load()
	if g == nil {
		return ctx, func() {}, nil
	}
	t := &turn{gate: g, need: need}
	if err := t.take(ctx); err != nil {
		return nil, nil, err
	}
	ctx = context.WithValue(ctx, turnKey{}, t)
	return Under(flow.WithPermit(ctx, t.permit)), t.give, nil
}

func (t *turn) take(ctx context.Context) (err error) {
	t.permit, err = t.gate.Acquire(ctx, flow.Request{Class: flow.Background, Client: JobClient, Cost: jobCost, Need: t.need})
	return err
}

// give gives the permit back.
func (t *turn) give() {
	if t.permit != (flow.Permit{}) {
		t.permit.Done(flow.OK)
		t.permit = flow.Permit{}
	}
}

// restLeast and restMost are how long a job that rested waits where it is refused: twice as long
// each time.
const (
	restLeast = 100 * time.Millisecond
	restMost  = 10 * time.Second
)

// Rest lets calls go first that wait for a seat: the job under which it is called, with the context
// that it was given, has its seats back when Rest returns, or ctx is done. It is called by the job's
// own goroutine.
func (j *Jobs) Rest(under context.Context) {
	t, ok := under.Value(turnKey{}).(*turn)
	if !ok || !t.wanted() {
		return
	}
	t.give()
	for wait := restLeast; t.take(under) != nil && under.Err() == nil; wait = min(2*wait, restMost) {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-under.Done():
			timer.Stop()
		}
	}
}

// wanted reports whether a call waits that somebody has asked for.
func (t *turn) wanted() bool {
	for i, c := range t.gate.Stats().Classes {
		if i != flow.Background && c.Waiting > 0 {
			return true
		}
	}
	return false
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
