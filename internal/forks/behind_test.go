package forks

import (
	"context"
	"testing"
	"time"

	"gridflow/internal/book"
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

// TestBehindRests: a calculation behind a commit has one goroutine, under the leave that it was given, and rests now and then, so
// that calls can go first.
func TestBehindRests(t *testing.T) {
	type leave struct{}
	ended, rested := make(chan struct{}), make(chan bool, 1)
	r := newRig(t, Options{
		CalcBudget: time.Nanosecond,
		Calculate: func(ctx context.Context) (context.Context, func(), error) {
			return context.WithValue(ctx, leave{}, true), func() { close(ended) }, nil
		},
		Rest: func(under context.Context) {
			select {
			case rested <- under.Value(leave{}) != nil:
			default: // it has rested before
			}
		},
	})
	id := r.create("a.xlsx").ID
	// Seconds, in steps: it rests long before it has ended.
	const slow = "SUM(MAP(SEQUENCE(4000),LAMBDA(i,SUM(SEQUENCE(50000,1,i)))))"
	r.edit(id, set("Data", "F1", book.CellEdit{HasFormula: true, Formula: slow}))
	select {
	case under := <-rested:
		if !under {
			t.Error("it rests under another leave than its own")
		}
	case <-ended:
		t.Error("it came to its end without a rest")
	}
	if err := r.store.Discard(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	<-ended
}
