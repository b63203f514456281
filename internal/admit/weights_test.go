package admit

import "testing"

func TestWeights(t *testing.T) {
	var w Weights
	if !w.None() || w.Client("alice") != 1 || w.Part("agent") != 1 {
		t.Error("nobody has been named")
	}
	w.Set(map[string]int64{"alice": 3, "agent": 5})
	for _, c := range []struct {
		user, program string
		client, part  int64
	}{
		{"alice", "", 3, 1},
		{"", "agent", 1, 5}, // what a program says of itself does nothing for its machine
		{"", "other", 1, 1},
		{"", "", 1, 1},
		{"bob", "agent", 1, 5},
		{"alice", "agent", 3, 5},
	} {
		if client, part := w.Client(c.user), w.Part(c.program); client != c.client || part != c.part {
			t.Errorf("%q with %q has weights %d and %d, want %d and %d", c.user, c.program, client, part, c.client, c.part)
		}
	}
	w.Set(nil)
	if !w.None() || w.Client("alice") != 1 {
		t.Error("nobody is named any more")
	}
}
