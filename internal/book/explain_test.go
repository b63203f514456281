package book

import (
	"fmt"
	"testing"

	"gridflow/internal/cell"
)

// TestExplain: errors are followed through cells, ranges and sheets to the cell where they
// arose, with the function and the reason.
func TestExplain(t *testing.T) {
	s := NewSnapshot("wb", "rev", newBook(t,
		"A1=0 A2==1/A1 A3==A2+1 A4==SUM(A1:A3) A5==IFERROR(A4,VLOOKUP(7,A1:B1,2,FALSE)) A6==UNKNOWN(1) A7==NotThere B1=5 "+
			"C1==C2 C2==C1 C3==C1+1 C4==C3 D1==[1]Other!A1 E1==SQRT(-1) E2==IF(B1>1,E1,2) F1==1+'x G1==SERIESSUM(TRUE,1,1,B1:B1) G2==0-1 G3==SQRTPI(G2)",
		"A1==Sheet1!A4*2 A2==A1&\"text\" A3==MATCH(9,Sheet1!A1:B1,0) A4==IFERROR(Sheet1!A2,NA())"))
	for _, c := range []struct {
		sheet      int
		cell, want string
	}{
		{0, "A1", "no error"},
		{0, "A2", "Sheet1!A2 after 0: : the divisor is 0"},
		{0, "A3", "Sheet1!A2 after 1: : the divisor is 0"},
		{0, "A4", "Sheet1!A2 after 1: : the divisor is 0"},
		{1, "A1", "Sheet1!A2 after 2: : the divisor is 0"},
		{1, "A2", "Sheet1!A2 after 3: : the divisor is 0"},
		{0, "C1", "Sheet1!C1 after 0: : the cell depends on itself"},
		{0, "C2", "Sheet1!C2 after 0: : the cell depends on itself"},
		{0, "C4", "Sheet1!C1 after 2: : the cell depends on itself"},
		{0, "D1", "Sheet1!D1 after 0: : the formula needs another workbook, a server or a macro, and none is asked here"},
		{0, "E1", "Sheet1!E1 after 0: SQRT: "},
		{0, "E2", "Sheet1!E1 after 1: SQRT: "},
		{0, "G1", "Sheet1!G1 after 0: SERIESSUM: it gives that for these arguments"},
		{0, "G3", "Sheet1!G3 after 0: SQRTPI: it gives that for these arguments"},
		{1, "A3", "Sheet2!A3 after 0: MATCH: "},
		{1, "A4", "Sheet2!A4 after 0: NA: "},
	} {
		ref, _ := cell.ParseRef(c.cell)
		o, ok, err := s.Explain(t.Context(), c.sheet, ref)
		if err != nil {
			t.Fatal(err)
		}
		got := "no error"
		if ok {
			got = fmt.Sprintf("%s!%s after %d: %s: %s", o.Cell.Sheet, o.Cell.Ref, o.Steps, o.Function, o.Reason)
		}
		if len(got) < len(c.want) || got[:len(c.want)] != c.want {
			t.Errorf("%d %s: %q, want %q", c.sheet, c.cell, got, c.want)
		}
		t.Log(c.cell, got)
	}
}
