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

// A Panic is what a part panicked with, and where.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v\n%s", p.Value, p.Stack) }

// Unwrap gives the value where it is an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// Recovered gives what recover gave as a Panic: its own where a part of a crew panicked, else one from here.
func Recovered(value any) *Panic {
	if p, ok := value.(*Panic); ok {
		return p
	}
	return &Panic{value, debug.Stack()}
}

// Call gives the error of work, which is a *[Panic] if work panics: for goroutines that hand on an error anyway.
func Call(work func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = Recovered(v)
		}
	}()
	return work()
}

// A Crew does parts of some work. The zero Crew has none.
type Crew struct {
	parts sync.WaitGroup
	first atomic.Pointer[Panic]
}

// Go begins a part. It may be called by many, as long as none of them comes after Wait has returned.
func (c *Crew) Go(part func()) {
	c.parts.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				c.first.CompareAndSwap(nil, Recovered(v))
			}
		}()
		part()
	})
}

// Broken reports whether a part has panicked: nobody will want what the others do.
func (c *Crew) Broken() bool { return c.first.Load() != nil }

// Wait waits for all parts. Where one has panicked Wait does, with the *Panic of the first.
func (c *Crew) Wait() {
	c.parts.Wait()
	if p := c.first.Load(); p != nil {
		panic(p)
	}
}
