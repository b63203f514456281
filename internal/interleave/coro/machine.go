//go:build interleave

package coro

import (
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"
	"unsafe"
)

// active is the machine that executes now, current its thread that runs now. While the
// body of a test makes its state and while an invariant looks at it there is a machine and
// no thread: operations act at once then. Without a machine the shims are the standard
// primitives. Plain variables: one machine at a time (see interleave.Search), and of it
// one coroutine at a time.
var (
	active  *Machine
	current *Thread
)

// Active reports whether the shims are to act on their models.
func Active() bool { return active != nil }

// Current gives the thread that runs, nil where none does.
func Current() *Thread { return current }

// Machine is the set of threads of one execution. It keeps its coroutines for the next.
type Machine struct {
	Threads []*Thread // in the order in which they were started

	// Choose says who goes on and in which way; a nil thread ends the execution. It is
	// called after every step, on the stack of whoever made it.
	Choose func() (t *Thread, way int)
	// Fault is told what a thread panicked with.
	Fault func(t *Thread, value any, stack []byte)
	// Locate makes every operation remember where in the source it is, which is slow.
	Locate bool

	Steps int // made in this execution

	pool     []*Thread
	begun    int // of Threads, those that have been run up to their first operation
	starting bool
	aborting bool
	next     *Thread
	chosen   bool
}

// Thread is one thread of an execution.
type Thread struct {
	Index      int
	Name       string
	Background bool // need not finish
	Finished   bool
	Op         Op // announced, if not Finished
	Way        int

	m     *Machine
	body  func()
	yield func(struct{}) bool
	next  func() (struct{}, bool)
	stop  func()
	steps int // made by this thread
	seen  int // see OthersStep
	pcs   [12]uintptr
	npcs  int
}

// aborted unwinds the stack of a thread whose execution is over.
type aborted struct{}

// Begin starts an execution: from here on the shims act on their models.
func (m *Machine) Begin() {
	m.Threads = m.Threads[:0]
	m.begun, m.Steps, m.aborting, m.chosen = 0, 0, false, false
	active, current = m, nil
}

// End ends the execution and unwinds the threads that have not finished.
func (m *Machine) End() {
	m.aborting = true
	for i, t := range m.Threads {
		if i < m.begun && !t.Finished {
			m.resume(t)
		}
		t.Finished, t.body = true, nil
	}
	active, current = nil, nil
}

// Free ends the coroutines.
func (m *Machine) Free() {
	m.aborting = true
	for _, t := range m.pool {
		t.stop()
	}
	m.pool = nil
	active, current = nil, nil
}

// Start makes a thread. It runs up to its first operation when Run gets to it.
func (m *Machine) Start(name string, body func()) *Thread {
	n := len(m.Threads)
	if n == len(m.pool) {
		t := &Thread{m: m, Index: n}
		t.next, t.stop = iter.Pull(t.loop)
		m.pool = append(m.pool, t)
	}
	t := m.pool[n]
	t.Name, t.body, t.Background, t.Finished, t.Op = name, body, false, false, Op{}
	t.steps, t.seen = 0, 0
	m.Threads = append(m.Threads, t)
	return t
}

// Run executes until Choose names nobody.
func (m *Machine) Run() {
	for {
		for m.begun < len(m.Threads) {
			t := m.Threads[m.begun]
			m.begun++
			m.starting = true
			m.resume(t)
			m.starting = false
		}
		if !m.chosen {
			m.choose()
		}
		m.chosen = false
		if m.next == nil {
			return
		}
		m.resume(m.next)
	}
}

// choose asks who is next, with nobody running meanwhile: what Choose does to look at the
// state is no operation of a thread.
func (m *Machine) choose() {
	t := current
	current = nil
	next, way := m.Choose()
	if next != nil {
		next.Way = way
		next.steps++
		m.Steps++
	}
	m.next, m.chosen = next, true
	current = t
}

func (m *Machine) resume(t *Thread) {
	current = t
	t.next()
	current = nil
}

// Abort ends the running thread where it stands, and with it the execution once Choose
// names nobody.
func (m *Machine) Abort() { panic(aborted{}) }

// loop is the coroutine: one body after another.
func (t *Thread) loop(yield func(struct{}) bool) {
	t.yield = yield
	for {
		t.run()
		t.Finished = true
		if !yield(struct{}{}) {
			return
		}
	}
}

func (t *Thread) run() {
	defer func() {
		if r := recover(); r != nil {
			// What a deferred function panics with while the thread is unwound says nothing.
			if _, ok := r.(aborted); !ok && !t.m.aborting {
				t.m.Fault(t, r, debug.Stack())
			}
		}
	}()
	t.body()
}

// announce stops before t.Op and returns when it is t's turn to do it. A thread that is
// chosen again right away goes on without a switch of coroutines, which is what makes most
// steps of a search with few preemptions cheap.
func (t *Thread) announce() {
	m := t.m
	if m.aborting {
		panic(aborted{}) // a deferred operation of a thread that is being unwound
	}
	if m.Locate {
		t.npcs = runtime.Callers(3, t.pcs[:])
	}
	if !m.starting && m.begun == len(m.Threads) {
		m.choose()
		if m.next == t {
			m.chosen = false
			return
		}
	}
	t.yield(struct{}{})
	if m.aborting {
		panic(aborted{})
	}
}

// Callers gives the program counters of the announcement, if the machine locates.
func (t *Thread) Callers() []uintptr { return t.pcs[:t.npcs] }

// Step announces an operation that never blocks. Where no thread runs it does nothing.
func Step(k *Kind, obj unsafe.Pointer) {
	if t := current; t != nil {
		t.Op = Op{Kind: k, Obj: obj}
		t.announce()
	}
}

// Wait announces an operation that goes on when its condition holds, or when its context
// is done if it has one; it gives the way in which it went on. Where no thread runs it
// must not have to wait.
func Wait(op Op) (way int) {
	if t := current; t != nil {
		t.Op = op
		t.announce()
		return t.Way
	}
	switch ways := op.Enabled(); {
	case ways&(1<<Proceed) != 0:
		return Proceed
	case ways&(1<<Cancelled) != 0:
		return Cancelled
	}
	panic(fmt.Sprintf("interleave: %s.%s would wait outside of a thread", op.Kind.Type, op.Kind.Verb))
}

var spawn = Kind{Type: "Thread", Verb: "Go"}

// Go starts a thread from a thread or from the body of a test. Starts are operations on
// one object, so that a thread has the same index in equivalent executions.
func Go(body func()) {
	m := active
	name := fmt.Sprintf("go%d", len(m.Threads))
	if t := current; t != nil {
		Step(&spawn, unsafe.Pointer(m))
		name = fmt.Sprintf("%s/%d", t.Name, len(m.Threads))
	}
	m.Start(name, body)
}

// OthersStep gives a condition that holds once another thread has made a step, or when none
// of them could: a loop that polls in vain is a livelock then, and goes on until it is
// seen as one.
func (t *Thread) OthersStep() Condition {
	t.seen = t.m.Steps - t.steps
	return (*others)(t)
}

type others Thread

func (o *others) Ready() bool {
	if o.m.Steps-o.steps > o.seen {
		return true
	}
	for _, t := range o.m.Threads {
		if _, polls := t.Op.Cond.(*others); !polls && !t.Finished && t != (*Thread)(o) && t.Op.Enabled() != 0 {
			return false
		}
	}
	return true
}
