package eval_test

import (
	"testing"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/plain"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// TestRanged checks which formulas give something else with arrays than without.
func TestRanged(t *testing.T) {
	for text, want := range map[string]bool{
		"A1*2": false, "A1:A3*2": true, "SUM(A1:A3)": false, "SUM(A1:A3*2)": true, "SUMPRODUCT(A1:A3*2)": false,
		"A1:A3": true, "ABS(A1:A3)": true, "IF(A1:A3>0,1,0)": true, "SUM(IF(A1:A3>0,1,0))": true, "@A1:A3": false, "IF(A1>0,B1,C1)": false,
		"{1,2}": true, "SUM({1,2})": false, "-A1:A3": true, "A1#": true, "SUM(A1#)": false, "LET(x,A1,x+1)": false,
	} {
		tree, err := formula.Parse(text)
		if err != nil {
			t.Fatal(text, err)
		}
		if got := eval.Compile(plain.New("S"), tree, 0, cell.Ref{}).Ranged; got != want {
			t.Errorf("%s: ranged is %v", text, got)
		}
	}
}
