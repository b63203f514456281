// Package crew has goroutines that work on one thing together, and whose panics are those of whoever waits for them. A
// panic in any other goroutine ends the process with all its clients, for nobody up its stack can answer it.
//
// The one invariant: a panic of work that is done here is known to whoever waits for the work, with the stack it came from, after
// all of the crew have returned. The principal type is [Crew]; [Call] is for work whose error is waited for.
package crew

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// A Crew is goroutines that somebody waits for. The zero value has none. A member that panics does not stop the others:
// they must not wait for each other.
type Crew struct {
	members sync.WaitGroup
	first   atomic.Pointer[Panic]
}

// Go has f done by a goroutine of its own.
func (c *Crew) Go(f func()) {
	c.members.Go(func() {
		if p := caught(f); p != nil {
			c.first.CompareAndSwap(nil, p)
		}
	})
}

// Wait waits until all have returned. If one of them panicked Wait does so, too, with the first *[Panic].
func (c *Crew) Wait() {
	c.members.Wait()
	if p := c.first.Load(); p != nil {
		panic(p)
	}
}

// Call gives the error of f, which is a *[Panic] if f panics: for goroutines that hand on an error anyway.
func Call(f func() error) (err error) {
	if p := caught(func() { err = f() }); p != nil {
		return p
	}
	return err
}

func caught(f func()) (p *Panic) {
	defer func() {
		if v := recover(); v != nil {
			p = &Panic{v, debug.Stack()}
		}
	}()
	f()
	return nil
}

// Panic is a panic that was caught.
type Panic struct {
	Value any
	Stack []byte // of the goroutine that panicked
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v\n%s", p.Value, p.Stack) }
