package flow

import (
	"fmt"
	"testing"
	"time"
)

// TestCosts: the prior holds until a call of the kind has been seen; then what such calls
// took, soon and lastingly.
func TestCosts(t *testing.T) {
	var c Costs
	kind := Kind{Name: "read", Size: SizeBucket(1000)}
	if got := c.Predict(kind, 7*time.Millisecond); got != 7*time.Millisecond {
		t.Errorf("nothing known: %v", got)
	}
	c.Learn(kind, 7*time.Millisecond, 307*time.Millisecond)
	if got := c.Predict(kind, time.Hour); got < 100*time.Millisecond || got > 120*time.Millisecond {
		t.Errorf("after one call of 307 ms against a prior of 7 ms: %v, want a third of the way", got)
	}
	for range 40 {
		c.Learn(kind, 100*time.Millisecond, 300*time.Millisecond)
	}
	if got := c.Predict(kind, 0); got < 295*time.Millisecond || got > 301*time.Millisecond {
		t.Errorf("after many calls of 300 ms: %v", got)
	}
	for range 40 {
		c.Learn(kind, 300*time.Millisecond, 2*time.Millisecond)
	}
	if got := c.Predict(kind, 0); got > 5*time.Millisecond {
		t.Errorf("after as many of 2 ms: %v", got)
	}
	if got := c.Predict(Kind{Name: "read", Size: SizeBucket(1000), Cold: true}, time.Second); got != time.Second {
		t.Errorf("another kind: %v", got)
	}
	// 7 → 307 and 300 → 2 cross a boundary, 100 → 300 does not.
	if missed, of := c.Mispredicted(); missed != 41 || of != 81 {
		t.Errorf("%d of %d mispredicted, want 41 of 81", missed, of)
	}
	for i := range 2 * kindsMax {
		c.Learn(Kind{Name: fmt.Sprint(i)}, 0, time.Second)
	}
	if len(c.kinds) != kindsMax {
		t.Errorf("%d kinds are remembered, want %d", len(c.kinds), kindsMax)
	}
}

func TestClassOf(t *testing.T) {
	for cost, want := range map[time.Duration]int{
		0: Fast, 99 * time.Millisecond: Fast, 100 * time.Millisecond: Medium, 999 * time.Millisecond: Medium, time.Second: Slow, time.Hour: Slow,
	} {
		if got := ClassOf(cost); got != want {
			t.Errorf("%v is of class %d, want %d", cost, got, want)
		}
	}
	for bytes, want := range map[int64]uint8{-1: 0, 0: 0, 1: 1, 1023: 10, 1024: 11, 2047: 11} {
		if got := SizeBucket(bytes); got != want {
			t.Errorf("%d bytes are in bucket %d, want %d", bytes, got, want)
		}
	}
}
