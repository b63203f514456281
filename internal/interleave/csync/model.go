//go:build interleave

package csync

import (
	"runtime"
	"sync"
	"unsafe"

	"gridflow/internal/interleave/coro"
)

// Each shim has the standard primitive in it, for use outside of a search, and beside it
// the state of the model. While a search executes only the model is used; what made the
// state of a test has then acted on the model too.

// Mutex is a mutex that any waiter may get when it is unlocked: the standard one promises
// no order either.
type Mutex struct {
	std   sync.Mutex
	held  bool
	owner *coro.Thread // nil if it was locked outside of a thread
}

var (
	kindLock    = coro.Kind{Type: "Mutex", Verb: "Lock"}
	kindTryLock = coro.Kind{Type: "Mutex", Verb: "TryLock"}
	kindUnlock  = coro.Kind{Type: "Mutex", Verb: "Unlock"}
)

// Ready reports whether the mutex is free; it is how a search sees the wait in Lock.
func (m *Mutex) Ready() bool { return !m.held }

// Reason names the holder, for the report of a deadlock.
func (m *Mutex) Reason() string {
	if m.owner == nil {
		return "held since the start"
	}
	return "held by " + m.owner.Name
}

func (m *Mutex) Lock() {
	if !coro.Active() {
		m.std.Lock()
		return
	}
	coro.Wait(coro.Op{Kind: &kindLock, Obj: unsafe.Pointer(m), Cond: m})
	m.held, m.owner = true, coro.Current()
}

func (m *Mutex) TryLock() bool {
	if !coro.Active() {
		return m.std.TryLock()
	}
	coro.Step(&kindTryLock, unsafe.Pointer(m))
	if m.held {
		return false
	}
	m.held, m.owner = true, coro.Current()
	return true
}

func (m *Mutex) Unlock() {
	if !coro.Active() {
		m.std.Unlock()
		return
	}
	coro.Step(&kindUnlock, unsafe.Pointer(m))
	if !m.held {
		panic("sync: unlock of unlocked mutex")
	}
	m.held, m.owner = false, nil
}

// WaitGroup is a sync.WaitGroup.
type WaitGroup struct {
	std   sync.WaitGroup
	count int
}

var (
	kindAdd  = coro.Kind{Type: "WaitGroup", Verb: "Add"}
	kindWait = coro.Kind{Type: "WaitGroup", Verb: "Wait", Access: coro.Read}
)

// Ready reports whether the counter is zero; it is how a search sees the wait in Wait.
func (w *WaitGroup) Ready() bool { return w.count == 0 }

func (w *WaitGroup) Add(delta int) {
	if !coro.Active() {
		w.std.Add(delta)
		return
	}
	coro.Step(&kindAdd, unsafe.Pointer(w))
	if w.count += delta; w.count < 0 {
		panic("sync: negative WaitGroup counter")
	}
}

func (w *WaitGroup) Done() { w.Add(-1) }

func (w *WaitGroup) Wait() {
	if !coro.Active() {
		w.std.Wait()
		return
	}
	coro.Wait(coro.Op{Kind: &kindWait, Obj: unsafe.Pointer(w), Cond: w})
}

func (w *WaitGroup) Go(f func()) {
	if !coro.Active() {
		w.std.Go(f)
		return
	}
	w.Add(1)
	coro.Go(func() { defer w.Done(); f() })
}

// Go starts f as a thread.
func Go(f func()) {
	if !coro.Active() {
		go f()
		return
	}
	coro.Go(f)
}

var (
	kindGosched = coro.Kind{Type: "Thread", Verb: "Gosched", Everything: true}
	kindOthers  = coro.Kind{Type: "Thread", Verb: "wait for a step of others", Everything: true}
)

// Gosched waits until another thread has made a step, if one can. That is what a fair scheduler gives
// a loop that polls, and it keeps the search from following the loop forever. What counts
// as a step of others is settled by a step of its own, which commutes with nothing: were
// it settled when the wait is announced, the operation before it would not commute either.
func Gosched() {
	if !coro.Active() {
		runtime.Gosched()
		return
	}
	if t := coro.Current(); t != nil {
		coro.Step(&kindGosched, unsafe.Pointer(t))
		coro.Wait(coro.Op{Kind: &kindOthers, Obj: unsafe.Pointer(t), Cond: t.OthersStep()})
	}
}
