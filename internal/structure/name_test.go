package structure

import (
	"fmt"
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

// TestPlace: what does not go to another sheet with its cells stays where it is, and so does the name that a filter leaves.
func TestPlace(t *testing.T) {
	move := func(from, to, sheet string) Change {
		return Change{Kind: MoveCells, Sheet: "Data", Range: ranged(t, from), To: ranged(t, to).First, ToSheet: sheet}
	}
	for _, c := range []struct {
		change        Change
		before, after string // "" where it is gone
	}{
		{Change{Kind: InsertRows, Sheet: "Data", At: 2, Count: 3}, "A1:B9", "A1:B12"},
		{Change{Kind: DeleteRows, Sheet: "Data", At: 0, Count: 9}, "A1:B9", ""},
		{move("A1:C9", "E5", ""), "A1:B9", "E5:F13"},
		{move("A1:C9", "E5", "Other"), "A1:B9", "A1:B9"},
		{move("A1:B4", "E5", "Other"), "A1:B9", "A1:B9"},
		{Change{Kind: MoveCells, Sheet: "Other", Range: ranged(t, "A1:C9"), ToSheet: "Data"}, "A1:B9", ""},
	} {
		r := c.change.Rewriter(somewhere)
		got := ""
		if to, ok := r.Place("Data", ranged(t, c.before)); ok {
			got = to.String()
		}
		absolute := func(s string) string {
			x := ranged(t, s)
			return fmt.Sprintf("Data!$%s$%d:$%s$%d", cell.ColumnName(x.First.Col), x.First.Row+1, cell.ColumnName(x.Last.Col), x.Last.Row+1)
		}
		name, left := r.FilterName(absolute(c.before))
		if got != c.after || left != (c.after != "") || left && name != absolute(c.after) {
			t.Errorf("%+v: %s became %q, the name of the filter %s (%v), want %q", c.change, c.before, got, name, left, c.after)
		}
	}
}

// TestFilterColumn: a criterion goes with its column as the range of the filter follows, and goes where the filter leaves the column.
func TestFilterColumn(t *testing.T) {
	const filter = "B2:D5"
	move := func(from, to string) Change {
		return Change{Kind: MoveCells, Sheet: "Data", Range: ranged(t, from), To: ranged(t, to).First}
	}
	for _, c := range []struct {
		change Change
		want   string // by columns before; - for one that is gone
	}{
		{Change{Kind: InsertColumns, Sheet: "Data", At: 2, Count: 2}, "0 3 4"},
		{Change{Kind: InsertColumns, Sheet: "Data", At: 1, Count: 2}, "0 1 2"},
		{Change{Kind: DeleteColumns, Sheet: "Data", At: 0, Count: 2}, "- 0 1"},
		{Change{Kind: DeleteColumns, Sheet: "Data", At: 2, Count: 1}, "0 - 1"},
		{Change{Kind: DeleteRows, Sheet: "Data", At: 1, Count: 2}, "0 1 2"},
		{Change{Kind: DeleteRows, Sheet: "Data", At: 1, Count: 4}, "- - -"},
		{Change{Kind: InsertColumns, Sheet: "Other", At: 2, Count: 2}, "0 1 2"},
		{pushed(t, "C1:C9", "right"), "0 2 3"},
		{pushed(t, "C1:C9", "left"), "0 - 1"},
		{pushed(t, "C3:C3", "left"), "0 1 2"},
		{pushed(t, "C1:C9", "up"), "0 1 2"},
		{pushed(t, "A1:D2", "down"), "0 1 2"},
		{move("A1:E9", "A20"), "0 1 2"},
		{move("A1:E9", "C1"), "0 1 2"},
		{move("B1:B9", "C1"), "- 0 1"}, // the filter is C2:D5
		{move("B1:B9", "A1"), "1 2 3"},
		{move("D1:D9", "C1"), "0 1 -"},
	} {
		r, got := c.change.Rewriter(somewhere), ""
		for column := range 3 {
			if to, ok := r.FilterColumn("Data", ranged(t, filter), column); ok {
				got += fmt.Sprint(" ", to)
			} else {
				got += " -"
			}
		}
		if got[1:] != c.want {
			t.Errorf("%+v: the columns are%s, want %s", c.change, got, c.want)
		}
	}
}
