package structure

import (
	"fmt"
	"testing"

	"gridflow/internal/cell"
)

// BenchmarkFormula is what a formula of a changed workbook costs. Of the four kinds, the last two are what most are when
// a row is inserted on another sheet.
func BenchmarkFormula(b *testing.B) {
	r := Change{Kind: InsertRows, Sheet: "Data", At: 0, Count: 1}.Rewriter(somewhere)
	for _, c := range []struct{ name, text, own string }{
		{"own", "IF(B2>0,SUM($C$2:C2)*VLOOKUP(A2,Other!$A$1:$F$900,3,FALSE),0)", "Data"},
		{"simple", "B2*C2", "Data"},
		{"other", "IF(B2>0,SUM($C$2:C2)*VLOOKUP(A2,Other!$A$1:$F$900,3,FALSE),0)", "Jan"},
		{"none", "IF(B2>0,SUM($C$2:C2)*VLOOKUP(A2,$A$1:$F$900,3,FALSE),0)", "Jan"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Formula(c.text, c.own)
			}
		})
	}
}

// BenchmarkShared is a shared formula of 100,000 cells, which is cut in two.
func BenchmarkShared(b *testing.B) {
	r := Change{Kind: InsertRows, Sheet: "Data", At: 500, Count: 1}.Rewriter(somewhere)
	area := cell.Range{First: cell.Ref{Row: 1, Col: 5}, Last: cell.Ref{Row: 100_000, Col: 5}}
	b.ReportAllocs()
	for b.Loop() {
		if n := len(r.Shared("SUM($B$2:B2)*C1", "Data", area.First, area)); n != 3 {
			b.Fatal(fmt.Sprint(n, " pieces"))
		}
	}
}
