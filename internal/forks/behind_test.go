package forks

import (
	"context"
	"testing"
	"time"
)

// TestCalculationAsksFirst: what a commit has no time to calculate is calculated when there
// is room for it, and not before.
func TestCalculationAsksFirst(t *testing.T) {
	asked, may, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	r := newRig(t, Options{
		CalcBudget: time.Nanosecond,
		Calculate: func(ctx context.Context) (context.Context, func(), error) {
			close(asked)
			<-may
			return ctx, func() { close(ended) }, nil
		},
	})
	id := r.create("a.xlsx").ID
	changed := make(chan struct{}, 9)
	r.store.o.Changed = func(string, uint64) { changed <- struct{}{} }
	r.edit(id, number("A1", 7))
	<-changed
	<-asked
	if i, err := r.store.Info(context.Background(), id); err != nil || !i.Stale {
		t.Errorf("calculated without leave: %+v, %v", i, err)
	}
	close(may)
	<-ended
	<-changed
	if i, err := r.store.Info(context.Background(), id); err != nil || i.Stale {
		t.Errorf("not calculated with leave: %+v, %v", i, err)
	}
}
