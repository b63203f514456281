package kernel

import (
	"testing"

	"pgregory.net/rapid"
)

// TestTable: a table has what a map has, whatever is added and removed. The keys are few
// enough to be removed again, and some have their homes at the same places.
func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var got table
		want := make(map[uint64]*flow)
		key := rapid.OneOf(
			rapid.Uint64Range(0, 40),
			rapid.Map(rapid.Uint64Range(0, 40), func(k uint64) uint64 { return k * inverse }),              // alike but for the lowest bits
			rapid.Map(rapid.Uint64Range(0, 8), func(k uint64) uint64 { return (1<<64 - 1 - k) * inverse }), // at the end of the slots
		)
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			k := key.Draw(t, "key")
			switch _, known := want[k]; {
			case !known:
				want[k] = &flow{key: k}
				got.add(want[k])
			case rapid.Bool().Draw(t, "remove"):
				delete(want, k)
				got.remove(k)
			}
			if got.len() != len(want) {
				t.Fatalf("%d flows, due are %d", got.len(), len(want))
			}
			if got.get(k) != want[k] {
				t.Fatalf("key %d: %v, due is %v", k, got.get(k), want[k])
			}
		}
		for k, f := range want {
			if got.get(k) != f {
				t.Errorf("key %d: %v, due is %v", k, got.get(k), f)
			}
		}
		n := 0
		for f := range got.all() {
			n++
			if want[f.key] != f {
				t.Errorf("%v is not in the table", f)
			}
		}
		if n != len(want) {
			t.Errorf("all gives %d flows, due are %d", n, len(want))
		}
	})
}

// inverse undoes the spreading of keys: times golden it is 1, modulo 2^64 (by Newton's method,
// each step of which doubles the bits that are right).
var inverse = func() uint64 {
	x := uint64(golden)
	for range 5 {
		x *= 2 - golden*x
	}
	return x
}()
