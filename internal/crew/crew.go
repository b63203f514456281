// Package crew does parts of one piece of work side by side. A goroutine that is left alone with a panic
// ends the process, and with it the work of everybody else: here a panic of a part becomes one of whoever
// waits for the parts, where the call that wants the work is answered, or an error.
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

// Protected runs work and gives its panic as an error, which is a *Panic.
func Protected(work func() error) (err error) {
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
