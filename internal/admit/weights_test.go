package admit

import "testing"

func TestWeights(t *testing.T) {
	var w Weights
	if !w.None() || w.Of("alice", "") != 1 {
		t.Error("nobody has been named")
	}
	w.Set(map[string]int64{"alice": 3, "agent": 5})
	for _, c := range []struct {
		user, program string
		weight        int64
	}{
		{"alice", "", 3},
		{"", "agent", 5},
		{"", "other", 1},
		{"", "", 1},
		{"bob", "agent", 1}, // what the program says of itself does nothing for a user
		{"alice", "agent", 3},
		{"", "alice", 3},
	} {
		if got := w.Of(c.user, c.program); got != c.weight {
			t.Errorf("%q with %q has weight %d, want %d", c.user, c.program, got, c.weight)
		}
	}
	w.Set(nil)
	if !w.None() || w.Of("alice", "") != 1 {
		t.Error("nobody is named any more")
	}
}
