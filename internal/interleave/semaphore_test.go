//go:build interleave

package interleave

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"gridflow/internal/interleave/csync"
	"gridflow/internal/interleave/mutant"
)

// The worked example: a semaphore that hands permits over in the order of arrival and lets
// a waiter leave when its context is done.
//
// A permit is in exactly one place: in free, with a holder, or with a waiter that has been
// granted it and does not know yet. release moves it to the first waiter while it has the
// lock, so nobody can come in between. A waiter that leaves looks under the lock whether it
// has been granted one meanwhile; if so it passes it on, since nobody else knows of it.
type semaphore struct {
	mu    csync.Mutex
	free  int
	queue []*waiter // free is 0 unless it is empty

	tell func(event, name string) // with the lock: queue, grant, leave
}

type waiter struct {
	parker  csync.Parker
	name    string
	granted bool
}

// The faults that the searches must find.
var (
	leaverKeepsPermit  = mutant.New("semaphore: a waiter that leaves keeps the permit it was granted")
	leaverStaysQueued  = mutant.New("semaphore: a waiter that leaves stays in the queue")
	leaverDropsFirst   = mutant.New("semaphore: a waiter that leaves takes the first out of the queue")
	leaverFreesPermit  = mutant.New("semaphore: a waiter that leaves frees its permit and passes over the next")
	leaverGetsNothing  = mutant.New("semaphore: a waiter that leaves is told that it has a permit")
	grantAfterUnlock   = mutant.New("semaphore: a permit is granted when the lock has been given up")
	grantWithoutToken  = mutant.New("semaphore: a waiter is granted a permit and not woken")
	grantToLast        = mutant.New("semaphore: the last waiter is granted the permit")
	grantTwice         = mutant.New("semaphore: a granted permit is freed as well")
	grantedStaysQueued = mutant.New("semaphore: a waiter that was granted a permit stays in the queue")
	queueAfterUnlock   = mutant.New("semaphore: the lock is given up between looking and queueing")
	takeAfterUnlock    = mutant.New("semaphore: the lock is given up between looking and taking")
	freeAfterUnlock    = mutant.New("semaphore: the lock is given up between looking and freeing")
)

// acquire waits for a permit; it gives the cause of ctx when that is done first.
func (s *semaphore) acquire(ctx context.Context, name string) error {
	s.mu.Lock()
	if s.free > 0 {
		if takeAfterUnlock.On() {
			s.mu.Unlock()
			s.mu.Lock()
		}
		s.free--
		s.mu.Unlock()
		return nil
	}
	if queueAfterUnlock.On() {
		s.mu.Unlock()
		s.mu.Lock()
	}
	w := &waiter{parker: csync.MakeParker(), name: name}
	s.queue = append(s.queue, w)
	s.tell("queue", name)
	s.mu.Unlock()

	err := w.parker.Park(ctx)
	if err == nil {
		return nil
	}
	if leaverGetsNothing.On() {
		return nil
	}
	s.mu.Lock()
	granted := w.granted
	if i := slices.Index(s.queue, w); i >= 0 && !leaverStaysQueued.On() {
		if leaverDropsFirst.On() {
			i = 0
		}
		s.queue = slices.Delete(s.queue, i, i+1)
		s.tell("leave", name)
	}
	if granted && leaverFreesPermit.On() {
		s.free++
		granted = false
	}
	s.mu.Unlock()
	if granted && !leaverKeepsPermit.On() {
		s.release()
	}
	return err
}

// release gives a permit back, to the first waiter if there is one.
func (s *semaphore) release() {
	s.mu.Lock()
	if len(s.queue) == 0 {
		if freeAfterUnlock.On() {
			s.mu.Unlock()
			s.mu.Lock()
		}
		s.free++
		s.mu.Unlock()
		return
	}
	i := 0
	if grantToLast.On() {
		i = len(s.queue) - 1
	}
	w := s.queue[i]
	if !grantedStaysQueued.On() {
		s.queue = slices.Delete(s.queue, i, i+1)
	}
	if grantTwice.On() {
		s.free++
	}
	if !grantAfterUnlock.On() {
		w.granted = true
	}
	s.tell("grant", w.name)
	s.mu.Unlock()
	if grantAfterUnlock.On() {
		s.mu.Lock()
		w.granted = true
		s.mu.Unlock()
	}
	if !grantWithoutToken.On() {
		w.parker.Unpark()
	}
}

var errLeft = errors.New("left")

// semaphoreProgram lets threads get a permit and give it back. The first one cancels the
// context of the second and of the fourth in the end.
func semaphoreProgram(threads, permits int) func(*Run) {
	return func(r *Run) {
		s := &semaphore{free: permits}
		ctx, cancel := csync.WithCancelCause(context.Background())
		holders := 0
		var inside csync.Int32
		var waiting []string // as the queue should be
		s.tell = func(event, name string) {
			switch i := slices.Index(waiting, name); {
			case event == "queue":
				waiting = append(waiting, name)
			case event == "grant" && i != 0:
				r.Failf("%s is granted a permit, and %v wait", name, waiting)
			case i >= 0:
				waiting = slices.Delete(waiting, i, i+1)
			}
		}
		for i := range threads {
			name := string(letters[i])
			r.Go(name, func() {
				mine := context.Background()
				if i%2 == 1 {
					mine = ctx
				}
				err := s.acquire(mine, name)
				switch {
				case err == nil:
					holders++
					inside.Load() // a stop, where the others can try to get in
					holders--
					s.release()
				case err != errLeft || i%2 == 0:
					r.Failf("%s: %v", name, err)
				}
				if i == 0 {
					cancel(errLeft)
				}
			})
		}
		r.Invariant(func() error {
			if holders > permits {
				return fmt.Errorf("%d holders of %d permits", holders, permits)
			}
			if s.free > 0 && len(s.queue) > 0 {
				return fmt.Errorf("%d permits are free and %d wait", s.free, len(s.queue))
			}
			return nil
		})
		r.Final(func() error {
			return errors.Join(equal("free permits", s.free, permits), equal("queue", len(s.queue), 0))
		})
	}
}

// semaphoreSearches are what a primitive must stand: two threads in every order, three
// with three preemptions, four with two.
func semaphoreSearches(o Options) []func() (Report, *Failure) {
	var searches []func() (Report, *Failure)
	for _, s := range []struct{ threads, permits, bound int }{{2, 1, -1}, {3, 1, 3}, {3, 2, 3}, {4, 1, 2}, {4, 2, 2}} {
		o := o
		if s.bound >= 0 {
			o.Mode, o.Bound = Bounded, s.bound
		}
		searches = append(searches, func() (Report, *Failure) { return Search(o, semaphoreProgram(s.threads, s.permits)) })
	}
	return searches
}

func TestSemaphore(t *testing.T) {
	for _, unpruned := range []bool{false, true} {
		for i, search := range semaphoreSearches(Options{Unpruned: unpruned}) {
			report, failure := search()
			if failure != nil {
				t.Fatal(failure)
			}
			t.Logf("search %d, unpruned %v: %v", i, unpruned, report)
		}
	}
}

func TestSemaphoreMutants(t *testing.T) {
	if n := KillMutants(t, "semaphore: ", semaphoreSearches(Options{})...); n < 8 {
		t.Errorf("%d mutants", n)
	}
}
