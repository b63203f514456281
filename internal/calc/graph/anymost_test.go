//go:build !race

package graph

import (
	"errors"
	"testing"
)

// TestAnyMost: where nobody says how much memory may be taken there is a bound all the same. The edges are never looked
// at, so that they take addresses and no memory, but with the race detector, which has to remember them.
func TestAnyMost(t *testing.T) {
	const most = 1 << 30
	if err := (&Dirty{edges: make([]edge, most/edgeBytes)}).dense(0); err != nil {
		t.Errorf("as many edges as may be: %v", err)
	}
	large := (*ErrTooLarge)(nil)
	if err := (&Dirty{edges: make([]edge, most/edgeBytes+1)}).dense(0); !errors.As(err, &large) || large.Most != most {
		t.Errorf("one edge more: %v", err)
	}
}
