package forks

import (
	"context"
	"errors"
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
	if i, err := r.store.Info(id); err != nil || !i.Stale {
		t.Errorf("calculated without leave: %+v, %v", i, err)
	}
	close(may)
	<-ended
	<-changed
	if i, err := r.store.Info(id); err != nil || i.Stale {
		t.Errorf("not calculated with leave: %+v, %v", i, err)
	}
}

// TestCalculationAsksAgain: a calculation that is refused asks until it may, or the store
// closes.
func TestCalculationAsksAgain(t *testing.T) {
	refusals := 2
	inTime(t, Options{Calculate: func(ctx context.Context) (context.Context, func(), error) {
		if refusals > 0 {
			refusals--
			return nil, nil, errors.New("not now")
		}
		return ctx, func() {}, nil
	}}, func(t *testing.T, r *rig) {
		start := time.Now()
		if _, _, err := r.store.mayCalculate(); err != nil || time.Since(start) != 2*calcAgain {
			t.Errorf("it may after %v: %v", time.Since(start), err)
		}
		refusals = 1 << 30
		time.AfterFunc(10*calcAgain, r.store.stop)
		if _, _, err := r.store.mayCalculate(); err == nil {
			t.Error("it may though the store has closed")
		}
	})
}
