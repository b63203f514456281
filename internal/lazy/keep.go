package lazy

import (
	"context"

	"gridflow/internal/lock"
)

// A Keeper is asked by work that begins for the right to use the machine, which is that of
// the caller for whom it begins. Work may outlive that call: it keeps what it uses until it
// has stopped.
type Keeper interface {
	// Keep gives a hold on what the work uses; nil where there is nothing to hold on to. If
	// behind, the work may go on when those who wanted it have been served, until revoke is
	// called, which may be at any time from then on, by any goroutine, once. The caller of
	// Keep holds no lock, and the caller of revoke must hold none that comes after lazy.load.
	Keep(revoke func()) (h Hold, behind bool)
}

// A Hold keeps what work uses.
type Hold interface {
	Again() Hold           // one more, for a part of the work; nil after Release
	Release(finished bool) // the work has stopped: at its end or before
}

type keeperKey struct{}

// WithKeeper gives a context whose work asks k. Without a keeper work stops as soon as
// nobody waits for it.
func WithKeeper(ctx context.Context, k Keeper) context.Context {
	return context.WithValue(ctx, keeperKey{}, k)
}

func keep(ctx context.Context, revoke func()) (h Hold, behind bool) {
	if k, ok := ctx.Value(keeperKey{}).(Keeper); ok {
		return k.Keep(revoke)
	}
	return nil, false
}

// within is the keeper of what a run begins by itself: the shared strings for the rows of a
// sheet. That holds on to the same as the run, and goes on as long as the run does.
type within struct {
	hold Hold // nil: nothing is kept

	mu     lock.Mutex[lock.LazyParts]
	revoke []func()
	over   bool
}

// Keep implements Keeper.
func (p *within) Keep(revoke func()) (h Hold, behind bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return nil, false
	}
	p.revoke = append(p.revoke, revoke)
	if p.hold != nil {
		h = p.hold.Again()
	}
	return h, true
}

// end says that the run has come to its end.
func (p *within) end() {
	p.mu.Lock()
	revoke := p.revoke
	p.over, p.revoke = true, nil
	p.mu.Unlock()
	for _, f := range revoke {
		f()
	}
}
