//go:build interleave

package server

import (
	"errors"
	"fmt"
	"testing"

	"gridflow/internal/interleave"
	"gridflow/internal/interleave/csync"
)

// TestExploreDrain: requests come and go while the gate closes, in every order. Whoever was
// let in is waited for, nobody is let in afterwards, and idle is closed once, when the last
// has left. (A second close would be a panic.)
func TestExploreDrain(t *testing.T) {
	for _, c := range []struct{ requests, closers, bound int }{
		{1, 1, -1}, {2, 1, 3}, {1, 2, 3}, {3, 1, 2}, {2, 2, 2},
	} {
		o := interleave.Options{}
		if c.bound >= 0 {
			o.Mode, o.Bound = interleave.Bounded, c.bound
		}
		interleave.Explore(t, o, func(r *interleave.Run) {
			g := newGate()
			inside := 0
			var stop csync.Int32
			var closed csync.Bool
			idle := func() bool {
				select {
				case <-g.idle:
					return true
				default:
					return false
				}
			}
			for i := range c.requests {
				r.Go(string(rune('a'+i)), func() {
					for range 2 {
						late := closed.Load()
						leave, ok := g.enter()
						if !ok {
							continue
						}
						if late {
							r.Failf("let in after close had returned")
						}
						inside++
						stop.Load()
						inside--
						leave()
					}
				})
			}
			for i := range c.closers {
				r.Go(fmt.Sprint("close", i), func() {
					g.close()
					closed.Store(true)
				})
			}
			r.Invariant(func() error {
				switch {
				case idle() && inside > 0:
					return fmt.Errorf("idle with %d inside", inside)
				case g.streams.Err() != nil && g.closing.Err() == nil:
					return errors.New("streams end and the gate is open")
				}
				return nil
			})
			r.Final(func() error {
				if !idle() || g.inside != 0 {
					return fmt.Errorf("at the end: idle %v, inside %d", idle(), g.inside)
				}
				return nil
			})
		})
	}
}
