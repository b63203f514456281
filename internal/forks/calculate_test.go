package forks

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gridflow/internal/book"
)

// turnstile lets calculations behind commits begin when the test says so, and tells when
// they have ended.
type turnstile struct {
	asked chan context.Context
	let   chan error
	ended chan struct{}
}

func newTurnstile() *turnstile {
	return &turnstile{make(chan context.Context, 8), make(chan error), make(chan struct{}, 8)}
}

func (s *turnstile) begin(ctx context.Context) (context.Context, func(), error) {
	s.asked <- ctx
	select {
	case err := <-s.let:
		if err != nil {
			return nil, nil, err
		}
		return ctx, func() { s.ended <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
}

// hurried is a store whose commits have no time for calculation.
func hurried(t *testing.T, s *turnstile, changed func(string, uint64)) *rig {
	return newRig(t, Options{CalcBudget: 1, Calculate: s.begin, Changed: changed})
}

func (r *rig) staleness(id string) (stale bool, why string) {
	r.Helper()
	i, err := r.store.Info(context.Background(), id)
	if err != nil {
		r.Fatal(err)
	}
	err = r.store.View(context.Background(), id, func(s *book.Snapshot) error {
		if s.Stale() != i.Stale {
			r.Errorf("the snapshot is stale: %v, the fork: %v", s.Stale(), i.Stale)
		}
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
	return i.Stale, i.StaleWhy
}

// TestCalculatedBehind: what a commit has no time for is stale and says so, and is calculated
// when the gate lets it; the version is the same then, and who follows the fork is told.
func TestCalculatedBehind(t *testing.T) {
	gate := newTurnstile()
	told := make(chan uint64, 8)
	r := hurried(t, gate, func(_ string, v uint64) { told <- v })
	f := r.create("a.xlsx")
	res := r.edit(f.ID, number("A1", 100))
	<-told
	<-gate.asked
	if !res.Info.Stale || !res.Changeset.Stale || res.Info.StaleWhy != "" {
		t.Errorf("the commit had no time to calculate, and says %+v", res.Info)
	}
	if stale, _ := r.staleness(f.ID); !stale || r.at(f.ID, "C1") != "22=A1*2" {
		t.Errorf("stale %v, C1 is %s before the calculation", stale, r.at(f.ID, "C1"))
	}
	if s := r.store.Stats().Calc; s.Behind != 1 || s.Stale != 1 || s.Over == 0 {
		t.Errorf("%+v", s)
	}
	gate.let <- nil
	if v := <-told; v != 1 {
		t.Errorf("told of version %d", v)
	}
	<-gate.ended
	if stale, _ := r.staleness(f.ID); stale || r.at(f.ID, "C1") != "200=A1*2" || r.at(f.ID+"@1", "C1") != "200=A1*2" {
		t.Errorf("stale %v, C1 is %s after the calculation", stale, r.at(f.ID, "C1"))
	}
	if s := r.store.Stats().Calc; s.Stale != 0 || s.Formulas < 2 || s.Changed < 2 || s.Seconds.Count < 2 {
		t.Errorf("%+v", s)
	}
	// The next commit begins with what is true.
	r.edit(f.ID, number("A2", 1000))
	<-gate.asked
	gate.let <- nil
	<-gate.ended
	for v := range told {
		if v == 2 {
			break
		}
	}
}

// TestOnlyTheNewest: a commit ends the calculation of the version before it, and its own takes
// all along.
func TestOnlyTheNewest(t *testing.T) {
	gate := newTurnstile()
	r := hurried(t, gate, nil)
	f := r.create("a.xlsx")
	r.edit(f.ID, number("A1", 100))
	first := <-gate.asked
	r.edit(f.ID, number("A2", 200))
	second := <-gate.asked
	<-first.Done()
	if second.Err() != nil || r.store.Stats().Calc.Behind != 1 {
		t.Errorf("%v; %d behind", second.Err(), r.store.Stats().Calc.Behind)
	}
	gate.let <- nil
	<-gate.ended
	r.call(f.ID) // after the message that puts it in its place
	if r.at(f.ID, "C1") != "200=A1*2" || r.at(f.ID, "C2") != "400=A2*2" || !strings.HasPrefix(r.read(f.ID)["Sums!A1"].String(), "313") {
		t.Errorf("C1 %s, C2 %s, sum %s", r.at(f.ID, "C1"), r.at(f.ID, "C2"), r.read(f.ID)["Sums!A1"])
	}
}

// call waits until all messages of a fork before it were served, and what they began has ended.
func (r *rig) call(id string) {
	r.Helper()
	for r.store.Stats().Calc.Behind > 0 { // bounded by the time of the test
		if _, err := r.store.History(context.Background(), id, 0, 1); err != nil {
			r.Fatal(err)
		}
	}
}

// TestBehindEnds: when the server is about to stop, when the fork is discarded and when the
// store closes, what is calculated behind ends, and the fork is stale still.
func TestBehindEnds(t *testing.T) {
	for name, end := range map[string]func(*rig, string) error{
		"settle":  func(r *rig, _ string) error { r.store.Settle(); return nil },
		"discard": func(r *rig, id string) error { return r.store.Discard(context.Background(), id) },
		"close":   func(r *rig, _ string) error { r.close(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			gate := newTurnstile()
			r := hurried(t, gate, nil)
			f := r.create("a.xlsx")
			r.edit(f.ID, number("A1", 100))
			work := <-gate.asked
			if err := end(r, f.ID); err != nil {
				t.Fatal(err)
			}
			<-work.Done()
			if name != "settle" {
				return
			}
			r.edit(f.ID, number("A1", 101)) // and none is begun
			if s := r.store.Stats().Calc; s.Behind != 0 || s.Stale != 1 {
				t.Errorf("%+v", s)
			}
			// What stays is calculated by who wants it after the next start.
			gate = newTurnstile()
			r.o.CalcBudget, r.o.Calculate = time.Hour, gate.begin
			r.restart()
			if got := r.at(f.ID, "C1"); got != "202=A1*2" {
				t.Errorf("C1 is %s after a restart", got)
			}
		})
	}
}

// TestAskedAgain: a calculation that is refused asks again, after twice as long each time.
func TestAskedAgain(t *testing.T) {
	r := newRig(t, Options{CalcBudget: -1})
	f := r.create("a.xlsx")
	r.edit(f.ID, number("A1", 100))
	var snap *book.Snapshot
	if err := r.store.View(t.Context(), f.ID, func(s *book.Snapshot) error { snap = s; return nil }); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Duration
		begun := time.Now()
		s := &Store{o: Options{Calculate: func(ctx context.Context) (context.Context, func(), error) {
			if asked = append(asked, time.Since(begun)); len(asked) < 9 {
				return nil, nil, errors.New("full")
			}
			return ctx, func() {}, nil
		}}}
		// The sheets are in memory: nothing outside of the bubble is waited for.
		fresh, err := s.whenLet(t.Context(), snap, book.Moment{})
		if err != nil || fresh.Stale() {
			t.Fatal(fresh, err)
		}
		if asked[1] != time.Second || asked[2] != 3*time.Second || asked[8]-asked[7] != time.Minute {
			t.Errorf("asked at %v", asked)
		}
	})
}

// TestTooLargeToCalculate: a workbook that takes more than a calculation may is stale, says
// why, and nobody tries again and again.
func TestTooLargeToCalculate(t *testing.T) {
	gate := newTurnstile()
	r := newRig(t, Options{CalcBytes: 1, Calculate: gate.begin})
	f := r.create("a.xlsx")
	res := r.edit(f.ID, number("A1", 100))
	if !res.Info.Stale || !strings.Contains(res.Info.StaleWhy, "memory") {
		t.Errorf("%+v", res.Info)
	}
	if stale, why := r.staleness(f.ID); !stale || why != res.Info.StaleWhy {
		t.Errorf("stale %v because %q", stale, why)
	}
	n := r.store.Stats().Calc
	if n.TooLarge != 1 || n.Behind != 0 {
		t.Errorf("%+v", n)
	}
	r.edit(f.ID, number("A1", 101))
	if n := r.store.Stats().Calc; n.TooLarge != 2 || len(gate.asked) != 0 {
		t.Errorf("%+v; asked %d times", n, len(gate.asked))
	}
}

// TestBehindPanics: a panic of what nobody waits for ends no process. The fork is stale and says why, and is
// calculated when it is changed again.
func TestBehindPanics(t *testing.T) {
	tried, changed := false, make(chan struct{}, 9)
	r := newRig(t, Options{
		CalcBudget: 1,
		Calculate: func(ctx context.Context) (context.Context, func(), error) {
			if !tried {
				tried = true
				panic("before it begins")
			}
			return ctx, func() {}, nil
		},
	})
	f := r.create("a.xlsx")
	r.edit(f.ID, number("A1", 100))
	for r.store.pending(f.ID, 1) {
		runtime.Gosched()
	}
	if stale, why := r.staleness(f.ID); !stale || !strings.Contains(why, "inside the server") || strings.Contains(why, "before it begins") {
		t.Errorf("stale %v because %q", stale, why)
	}
	r.store.o.Changed = func(string, uint64) { changed <- struct{}{} }
	r.edit(f.ID, number("A1", 101))
	<-changed // it was edited
	<-changed // it was calculated
	if stale, why := r.staleness(f.ID); stale {
		t.Errorf("stale because %q", why)
	}
}
