package until_test

import (
	"context"
	"slices"
	"testing"

	"gridflow/internal/until"
)

func count(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := 0; i < n && yield(i); i++ {
		}
	}
}

func TestDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if got := len(slices.Collect(until.Done(ctx, count(3*until.Every)))); got != 3*until.Every {
		t.Errorf("%d steps of %d", got, 3*until.Every)
	}
	n := 0
	for range until.Done(ctx, count(1<<40)) { // would not end
		if n++; n == until.Every+5 {
			cancel()
		}
	}
	if n > 2*until.Every {
		t.Errorf("%d steps, of which %d after the end", n, n-until.Every-5)
	}
	for i := range until.Done(t.Context(), count(9)) {
		if i == 2 {
			break
		}
	}
}
