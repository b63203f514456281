package fn

import (
	"testing"

	"gridflow/internal/formula"
)

// TestBuiltin: what formulas are parsed by knows the functions that are calculated.
func TestBuiltin(t *testing.T) {
	for _, f := range All() {
		if !formula.Builtin(f.Name) && f.Name != "ECMA.CEILING" { // which only other programs have
			t.Errorf("%s is no function to the parser", f.Name)
		}
	}
	if formula.Builtin("NOSUCH") {
		t.Error("NOSUCH is a function")
	}
}
