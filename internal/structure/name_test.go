package structure

import (
	"testing"

	"gridflow/internal/cell"
)

func TestName(t *testing.T) {
	rows := Change{Kind: InsertRows, Sheet: "Data", At: 2, Count: 3}
	cols := Change{Kind: DeleteColumns, Sheet: "Data", At: 0, Count: 1}
	move := Change{Kind: MoveCells, Sheet: "Data", Range: ranged(t, "A5"), To: cell.Ref{Row: 7}}
	for _, c := range []struct {
		change        Change
		before, after string
	}{
		{rows, "Data!$A$5", "Data!$A$8"},
		{rows, "Data!A5", "Data!A5"},
		{rows, "Data!A$5:B$6", "Data!A$8:B$9"},
		{rows, "Data!$A$5:$B6", "Data!$A$5:$B6"},
		{rows, "Data!$5:$5,Data!$A:$A", "Data!$8:$8,Data!$A:$A"},
		{rows, "SUM(Data!$A5,Data!$A$9,1)", "SUM(Data!$A5,Data!$A$12,1)"},
		{cols, "Data!$A5:$B6", "Data!$A5:$A6"},
		{cols, "Data!$A$5", "Data!#REF!"},
		{cols, "Data!A5", "Data!A5"},
		{cols, "$A$5", "$A$5"},
		{move, "Data!$A$5", "Data!$A$8"},
		{move, "Data!A$5", "Data!A$5"},
		{Change{Kind: RenameSheet, Sheet: "Data", Name: "New"}, "Data!A5", "New!A5"},
		{Change{Kind: DeleteSheet, Sheet: "Data"}, "Data!A5", "#REF!A5"},
	} {
		got, changed := c.change.Rewriter(somewhere).Name(c.before)
		if got != c.after || changed != (got != c.before) {
			t.Errorf("%+v: %s became %s (%v), want %s", c.change, c.before, got, changed, c.after)
		}
	}
}
