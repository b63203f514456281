package book

import (
	"testing"

	"gridflow/internal/cell"
)

// TestNear: what a check takes for the same value.
func TestNear(t *testing.T) {
	na := cell.ErrorValue(cell.ErrNA)
	for _, c := range []struct {
		stored, calculated cell.Value
		same               bool
	}{
		{cell.NumberValue(1), cell.NumberValue(1 + 1e-12), true},
		{cell.NumberValue(1), cell.NumberValue(1.1), false},
		{cell.TextValue("#N/A"), na, true}, // as some programs write it
		{cell.TextValue("#NUM!"), na, false},
		{na, cell.TextValue("#N/A"), false},
		{cell.TextValue("1"), cell.NumberValue(1), false},
	} {
		if got := near(c.stored, c.calculated, 1e-9); got != c.same {
			t.Errorf("%v and %v: %v", c.stored, c.calculated, got)
		}
	}
}
