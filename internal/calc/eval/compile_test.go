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

// TestBeyond checks what SUMIF and AVERAGEIF are known to read: their third argument counts by its first cell, as
// large as the first argument. Where that cannot be told they have to be calculated anew after every edit.
func TestBeyond(t *testing.T) {
	book := plain.New("S", "T")
	book.Names["SEARCHED"], book.Names["TAKEN"] = "S!$A$1:$A$9", "S!$C$1:$C$3"
	for text, want := range map[string]string{
		"SUMIF(A1:A9,1)":                    "A1:A9",
		"SUMIF(A1:A9,1,C1:C9)":              "A1:A9 C1:C9",
		"SUMIF(A1:A9,1,C1:C12)":             "A1:A9 C1:C12",
		"SUMIF(A1:A9,1,C1)":                 "A1:A9 C1 C1:C9",
		"SUMIF(A1:B9,1,C2:C3)":              "A1:B9 C2:C3 C2:D10",
		"AVERAGEIF($A$1:$B$9,1,$C$2)":       "A1:B9 C2 C2:D10",
		"SUMIF(A$1:A9,1,C$1:C9)":            "A1:A9 C1:C9",
		"SUMIF(A:A,1,C5)":                   "A:A C5 C5:C1048576",
		"SUMIF(A:A,1,$C$5)":                 "A:A C5 C5:C1048576",
		"SUMIF(1:1,1,T!C5:D5)":              "1:1 C5:D5 C5:XFD5",
		"SUMIF(SEARCHED,1,TAKEN)":           "A1:A9 C1:C3 C1:C9",
		"SUMIF(A$1:A9,1,C1)":                "dynamic",
		"SUMIF(A1:A9,1,INDEX(C1:D9,1,1))":   "A1:A9 C1:D9 C1:D17",
		"SUMIF(A:A,1,INDEX(B:D,0,2))":       "A:A B:D",
		"SUMIF(INDEX(A1:B9,0,H1),1,C1:C9)":  "A1:B9 H1 C1:C9 C1:D17",
		"SUMIF(A1:A9,1,INDEX(C$1:C9,H1))":   "dynamic",
		"SUMIF(A1:A9,1,IF(B1,C1,D1))":       "dynamic",
		"SUMIF(A1:A9,1,2)":                  "A1:A9",
		"SUM(1,AVERAGEIF(A1:A9,1,C1:C1)*2)": "A1:A9 C1 C1:C9",
		"LET(x,C1:C2,SUMIF(A1:A9,1,x))":     "dynamic",
		"SUMIF(S:T!A1:A9,1,C1)":             "A1:A9 A1:A9 C1",
	} {
		tree, err := formula.Parse(text)
		if err != nil {
			t.Fatal(text, err)
		}
		p := eval.Compile(book, tree, 0, cell.Ref{Row: 20, Col: 8})
		got := ""
		for _, r := range p.Reads {
			first, _ := eval.At(r.First, cell.Ref{Row: 20, Col: 8})
			last, _ := eval.At(r.Last, cell.Ref{Row: 20, Col: 8})
			got += " " + cell.Range{First: first, Last: last}.String()
		}
		if p.Dynamic {
			got = " dynamic"
		}
		if got != " "+want {
			t.Errorf("%s reads%s, want %s", text, got, want)
		}
	}
}
