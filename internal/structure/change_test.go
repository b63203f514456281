package structure

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/cell"
)

func TestCheck(t *testing.T) {
	sheets := []string{"Data", "Other"}
	long := strings.Repeat("x", 32)
	for _, c := range []struct {
		change Change
		want   Reason
	}{
		{Change{Kind: "shuffle", Sheet: "Data"}, BadKind},
		{Change{Kind: InsertRows, Sheet: "Data", At: 0, Count: 1}, ""},
		{Change{Kind: InsertRows, Sheet: "dATA", At: cell.MaxRows - 1, Count: 1}, ""},
		{Change{Kind: InsertRows, Sheet: "Dat", Count: 1}, NoSheet},
		{Change{Kind: InsertRows, Sheet: "Data", At: -1, Count: 1}, OutOfBounds},
		{Change{Kind: InsertRows, Sheet: "Data", At: cell.MaxRows, Count: 1}, OutOfBounds},
		{Change{Kind: DeleteRows, Sheet: "Data", At: 5}, OutOfBounds},
		{Change{Kind: DeleteRows, Sheet: "Data", At: 5, Count: cell.MaxRows}, OutOfBounds},
		{Change{Kind: DeleteColumns, Sheet: "Data", At: 5, Count: cell.MaxCols - 5}, ""},
		{Change{Kind: InsertColumns, Sheet: "Data", At: cell.MaxCols, Count: 1}, OutOfBounds},
		{Change{Kind: MoveCells, Sheet: "Data", Range: ranged(t, "A1:B2"), To: cell.Ref{Row: 5}}, ""},
		{Change{Kind: MoveCells, Sheet: "Data", Range: ranged(t, "A1:B2"), To: cell.Ref{Row: cell.MaxRows - 1}}, OutOfBounds},
		{Change{Kind: MoveCells, Sheet: "Data", Range: cell.Range{First: cell.Ref{Row: 3}}}, OutOfBounds},
		{Change{Kind: MoveCells, Sheet: "Data", Range: ranged(t, "A1"), ToSheet: "Nowhere"}, NoSheet},
		{Change{Kind: AddSheet, Sheet: "New", Position: 2}, ""},
		{Change{Kind: AddSheet, Sheet: "New", Position: 3}, OutOfBounds},
		{Change{Kind: AddSheet, Sheet: "OTHER"}, NameTaken},
		{Change{Kind: AddSheet, Sheet: ""}, BadName},
		{Change{Kind: AddSheet, Sheet: long}, BadName},
		{Change{Kind: AddSheet, Sheet: long[1:]}, ""},
		{Change{Kind: AddSheet, Sheet: strings.Repeat("😀", 16)}, BadName},
		{Change{Kind: AddSheet, Sheet: strings.Repeat("é", 31)}, ""},
		{Change{Kind: AddSheet, Sheet: "a/b"}, BadName},
		{Change{Kind: AddSheet, Sheet: "a'b"}, ""},
		{Change{Kind: AddSheet, Sheet: "'ab"}, BadName},
		{Change{Kind: AddSheet, Sheet: "ab'"}, BadName},
		{Change{Kind: AddSheet, Sheet: "a\x01b"}, BadName},
		{Change{Kind: AddSheet, Sheet: "a\xffb"}, BadName},
		{Change{Kind: RenameSheet, Sheet: "Data", Name: "history"}, BadName},
		{Change{Kind: RenameSheet, Sheet: "Data", Name: "data"}, ""},
		{Change{Kind: RenameSheet, Sheet: "Data", Name: "other"}, NameTaken},
		{Change{Kind: MoveSheet, Sheet: "Data", Position: 1}, ""},
		{Change{Kind: MoveSheet, Sheet: "Data", Position: 2}, OutOfBounds},
		{Change{Kind: DeleteSheet, Sheet: "Data"}, ""},
	} {
		checkReason(t, c.change.Check(sheets), c.want, c.change)
	}
	checkReason(t, Change{Kind: DeleteSheet, Sheet: "Data"}.Check(sheets[:1]), LastSheet, nil)
}

func checkReason(t *testing.T, err error, want Reason, of any) {
	t.Helper()
	var e *Error
	if err == nil && want == "" {
		return
	}
	if !errors.As(err, &e) || e.Reason != want || e.Hint == "" || strings.HasSuffix(e.Error(), ".") {
		t.Errorf("%+v: %v, want %s", of, err, want)
	}
}

func TestFits(t *testing.T) {
	end := cell.Range{Last: cell.Ref{Row: cell.MaxRows - 3, Col: cell.MaxCols - 3}}
	full := Contents{Cells: true, Used: end}
	arrays := Contents{Arrays: []cell.Range{ranged(t, "B5:C7")}}
	table := Contents{Tables: []Table{{Name: "T", Sheet: "Data", Range: ranged(t, "B5:D9"), Columns: []string{"a", "b", "c"}, Header: 1, Totals: 1}}}
	bare := Contents{Tables: []Table{{Name: "T", Sheet: "Data", Range: ranged(t, "B5:D9"), Columns: []string{"a", "b", "c"}}}}
	pivot := Contents{Pivots: []cell.Range{ranged(t, "B5:D9")}}
	merges := Contents{Merges: []cell.Range{ranged(t, "B5:C6")}}
	rows := func(kind Kind, at, count int) Change {
		return Change{Kind: kind, Sheet: "Data", At: at - 1, Count: count}
	}
	move := func(from, to string) Change {
		x, _ := cell.ParseRef(to)
		return Change{Kind: MoveCells, Sheet: "Data", Range: ranged(t, from), To: x}
	}
	for _, c := range []struct {
		change Change
		on     Contents
		want   Reason
	}{
		{rows(InsertRows, 1, 2), full, ""},
		{rows(InsertRows, 1, 3), full, CellsPushed},
		{rows(InsertRows, cell.MaxRows-1, 2), full, ""},
		{rows(InsertColumns, 1, 3), full, CellsPushed},
		{rows(InsertColumns, 1, 2), full, ""},
		{rows(InsertRows, 5, 1), arrays, ""},
		{rows(InsertRows, 6, 1), arrays, ArrayPart},
		{rows(InsertRows, 8, 1), arrays, ""},
		{rows(DeleteRows, 5, 3), arrays, ""},
		{rows(DeleteRows, 1, 9), arrays, ""},
		{rows(DeleteRows, 7, 3), arrays, ArrayPart},
		{rows(DeleteRows, 1, 5), arrays, ArrayPart},
		{rows(DeleteColumns, 3, 1), arrays, ArrayPart},
		{rows(InsertColumns, 3, 1), arrays, ArrayPart},
		{rows(DeleteRows, 5, 1), table, TableHeader},
		{rows(DeleteRows, 5, 5), table, ""},
		{rows(DeleteRows, 6, 3), table, TableRows},
		{rows(DeleteRows, 6, 4), table, TableRows},
		{rows(DeleteRows, 7, 3), table, ""},
		{rows(DeleteRows, 6, 2), table, ""},
		{rows(DeleteRows, 9, 1), table, ""},
		{rows(DeleteColumns, 1, 3), table, ""},
		{rows(DeleteRows, 5, 4), bare, ""},
		{rows(InsertRows, 6, 1), pivot, PivotPart},
		{rows(InsertRows, 5, 1), pivot, ""},
		{rows(DeleteColumns, 4, 1), pivot, PivotPart},
		{move("B5:C7", "F1"), arrays, ""},
		{move("B5:C6", "F1"), arrays, ArrayPart},
		{move("F1:G2", "C7"), arrays, ArrayPart},
		{move("F1:H9", "B5"), arrays, ""},
		{move("B5:C7", "B6"), arrays, ""},
		{move("F1:H9", "A1"), pivot, PivotPart},
		{move("B5:D9", "B6"), pivot, ""},
		{move("B5:D9", "F1"), table, ""},
		{move("B5:B9", "F1"), table, TableHeader},
		{move("B6:B9", "F1"), table, ""},
		{move("F1", "C5"), table, TableHeader},
		{move("F1", "C6"), table, ""},
		{move("B5", "F1"), merges, MergedPart},
		{move("B5:C6", "F1"), merges, ""},
		{move("F1", "C6"), merges, MergedPart},
		{Change{Kind: AddSheet, Sheet: "x"}, full, ""},
		{pushed(t, "B7:D7", "down"), table, ""},
		{pushed(t, "A9:E9", "down"), table, ""},
		{pushed(t, "B7:C7", "down"), table, TablePart},
		{pushed(t, "A1:B2", "down"), table, TablePart},
		{pushed(t, "A1:E2", "down"), table, ""},
		{pushed(t, "A10:B11", "down"), table, ""},
		{pushed(t, "E1:F2", "down"), table, ""},
		{pushed(t, "C5:C9", "right"), table, ""},
		{pushed(t, "C5:C8", "right"), table, TablePart},
		{pushed(t, "A9:A9", "left"), table, TablePart},
		{pushed(t, "B9:D9", "up"), table, ""},
		{pushed(t, "B5:D5", "up"), table, TableHeader},
		{pushed(t, "B6:D8", "up"), table, TableRows},
		{pushed(t, "B5:D9", "up"), table, ""},
		{pushed(t, "D6:D9", "up"), table, TablePart},
	} {
		checkReason(t, c.change.Fits(c.on, c.on), c.want, c.change)
	}
}

// pushed is the insertion of cells, or up and left their deletion.
func pushed(t *testing.T, cells, way string) Change {
	c, ok := Shifted("Data", ranged(t, cells), way == "down" || way == "up", way == "up" || way == "left")
	if !ok {
		t.Fatalf("%s %s is no shift", cells, way)
	}
	return c
}

// TestCover: what rules apply to grows by cells that are inserted in it and loses those that are deleted; what does not move stays.
func TestCover(t *testing.T) {
	for _, c := range []struct{ cells, way, of, want string }{
		{"B7:C8", "down", "B5:C9", "B5:C11"},
		{"B5:C6", "down", "B5:C9", "B7:C11"},
		{"B7:B8", "down", "A5:C9", "A5:A9 C5:C9 B5:B11"},
		{"B10:B10", "down", "A5:C9", "A5:C9"},
		{"B7:C8", "up", "B5:C9", "B5:C7"},
		{"B5:C9", "up", "B5:C9", ""},
		{"B1:B2", "up", "B5:C9", "C5:C9 B3:B7"},
		{"B7:C8", "right", "C6:D9", "C6:D6 C9:D9 E7:F8"},
		{"A7:B8", "left", "C6:D9", "C6:D6 C9:D9 A7:B8"},
	} {
		var got []string
		for _, a := range pushed(t, c.cells, c.way).Rewriter([]string{"Data"}).Cover("Data", ranged(t, c.of)) {
			got = append(got, a.Range.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %s: %s covers %v, want %s", c.cells, c.way, c.of, got, c.want)
		}
	}
}

func TestTable(t *testing.T) {
	sheets := []string{"Data", "Other"}
	table := Table{Name: "T", Sheet: "Data", Range: ranged(t, "B5:D9"), Columns: []string{"a", "column1", "c"}, Header: 1}
	for _, c := range []struct {
		change  Change
		area    string // "" is gone
		columns string
		from    []int
	}{
		{Change{Kind: InsertRows, Sheet: "Data", At: 0, Count: 2}, "B7:D11", "a column1 c", []int{0, 1, 2}},
		{Change{Kind: InsertRows, Sheet: "Data", At: 8, Count: 2}, "B5:D11", "a column1 c", []int{0, 1, 2}},
		{Change{Kind: InsertRows, Sheet: "Other", At: 0, Count: 2}, "B5:D9", "a column1 c", []int{0, 1, 2}},
		{Change{Kind: InsertColumns, Sheet: "Data", At: 1, Count: 2}, "D5:F9", "a column1 c", []int{0, 1, 2}},
		{Change{Kind: InsertColumns, Sheet: "Data", At: 2, Count: 2}, "B5:F9", "a Column2 Column3 column1 c", []int{0, -1, -1, 1, 2}},
		{Change{Kind: InsertColumns, Sheet: "Data", At: 4, Count: 2}, "B5:D9", "a column1 c", []int{0, 1, 2}},
		{Change{Kind: DeleteColumns, Sheet: "Data", At: 0, Count: 2}, "A5:B9", "column1 c", []int{1, 2}},
		{Change{Kind: DeleteColumns, Sheet: "Data", At: 2, Count: 2}, "B5:B9", "a", []int{0}},
		{Change{Kind: DeleteColumns, Sheet: "Data", At: 1, Count: 3}, "", "", nil},
		{Change{Kind: DeleteSheet, Sheet: "Data"}, "", "", nil},
		{Change{Kind: MoveCells, Sheet: "Data", Range: ranged(t, "A1:D9"), To: cell.Ref{Row: 2}}, "B7:D11", "a column1 c", []int{0, 1, 2}},
		{Change{Kind: MoveCells, Sheet: "Data", Range: ranged(t, "B9:D9"), To: cell.Ref{Row: 20, Col: 1}}, "B5:D9", "a column1 c", []int{0, 1, 2}},
		{pushed(t, "B7:D8", "down"), "B5:D11", "a column1 c", []int{0, 1, 2}},
		{pushed(t, "A1:D2", "down"), "B7:D11", "a column1 c", []int{0, 1, 2}},
		{pushed(t, "B7:D8", "up"), "B5:D7", "a column1 c", []int{0, 1, 2}},
		{pushed(t, "C5:C9", "right"), "B5:E9", "a Column2 column1 c", []int{0, -1, 1, 2}},
		{pushed(t, "C1:C20", "left"), "B5:C9", "a c", []int{0, 2}},
		{pushed(t, "B5:D9", "left"), "", "", nil},
	} {
		after, from, ok := c.change.Rewriter(sheets).Table(table)
		area := after.Range.String()
		if !ok {
			area = ""
		}
		if area != c.area || strings.Join(after.Columns, " ") != c.columns || !slices.Equal(from, c.from) {
			t.Errorf("%+v: the table is %s, %v (from %v), want %s, %s", c.change, area, after.Columns, from, c.area, c.columns)
		}
	}
	// Without its row a table has no totals, and its last row of data stays one.
	table.Totals = 1
	for _, c := range []struct {
		change Change
		totals int
	}{
		{Change{Kind: DeleteRows, Sheet: "Data", At: 8, Count: 1}, 0},
		{Change{Kind: DeleteRows, Sheet: "Data", At: 7, Count: 9}, 0},
		{Change{Kind: DeleteRows, Sheet: "Data", At: 7, Count: 1}, 1},
		{Change{Kind: DeleteRows, Sheet: "Other", At: 8, Count: 1}, 1},
		{Change{Kind: InsertRows, Sheet: "Data", At: 8, Count: 1}, 1},
		{pushed(t, "B9:D9", "up"), 0},
		{pushed(t, "B9:D9", "down"), 1},
	} {
		if after, _, ok := c.change.Rewriter(sheets).Table(table); !ok || after.Totals != c.totals {
			t.Errorf("%+v: the table has %d totals rows, want %d", c.change, after.Totals, c.totals)
		}
	}
	moved, _, _ := Change{Kind: MoveCells, Sheet: "Data", Range: ranged(t, "A1:D9"), ToSheet: "Other"}.Rewriter(sheets).Table(table)
	if moved.Sheet != "Other" {
		t.Errorf("the table is on %s", moved.Sheet)
	}
}

// TestCalculated: the formula of a calculated column is one for the first row of the data, whichever that is.
func TestCalculated(t *testing.T) {
	sheets := []string{"Data", "Other"}
	table := Table{Name: "T", Sheet: "Data", Range: ranged(t, "B5:D9"), Columns: []string{"a", "b", "c"}, Header: 1, Totals: 1}
	for _, c := range []struct {
		change Change
		text   string // of column c
		want   string
	}{
		{Change{Kind: InsertRows, Sheet: "Data", At: 0, Count: 2}, "B6*$A$1", "B8*$A$3"},
		{Change{Kind: InsertRows, Sheet: "Data", At: 5, Count: 2}, "B6*$A$6", "B6*$A$8"},
		{Change{Kind: InsertRows, Sheet: "Data", At: 6, Count: 2}, "B6*$A$7", "B6*$A$9"},
		{Change{Kind: DeleteRows, Sheet: "Data", At: 5, Count: 1}, "B6*$A$7", "B6*$A$6"},
		{Change{Kind: DeleteRows, Sheet: "Data", At: 7, Count: 1}, "B6+SUM(B$6:B6)", "B6+SUM(B$6:B6)"},
		{Change{Kind: InsertColumns, Sheet: "Data", At: 2, Count: 1}, "B6*A6", "B6*A6"},
		{Change{Kind: DeleteColumns, Sheet: "Data", At: 0, Count: 1}, "B6*T[[#This Row],[a]]", "A6*T[[#This Row],[a]]"},
		{Change{Kind: MoveCells, Sheet: "Data", Range: ranged(t, "A1:D9"), To: cell.Ref{Row: 2}}, "B6*A$1", "B8*A$3"},
		{Change{Kind: MoveCells, Sheet: "Data", Range: ranged(t, "B5:D9"), ToSheet: "Other", To: cell.Ref{Row: 4, Col: 1}}, "B6*A6", "B6*Data!A6"},
		{Change{Kind: RenameSheet, Sheet: "Other", Name: "New"}, "B6*Other!A6", "B6*New!A6"},
	} {
		if got := c.change.Rewriter(sheets, table).Calculated(c.text, table, 2); got != c.want {
			t.Errorf("%+v: the column has %s, want %s", c.change, got, c.want)
		}
	}
	moved := Change{Kind: MoveCells, Sheet: "Data", Range: ranged(t, "B5:D9"), ToSheet: "Other", To: cell.Ref{Row: 4, Col: 1}}
	if got := moved.Rewriter(sheets, table).Total("SUBTOTAL(109,B6:B8)*A9", table, 2); got != "SUBTOTAL(109,B6:B8)*Data!A9" {
		t.Errorf("the totals row has %s", got)
	}
}

func TestSheets(t *testing.T) {
	before := []string{"a", "b", "c"}
	for _, c := range []struct {
		change Change
		want   string
	}{
		{Change{Kind: AddSheet, Sheet: "n"}, "n a b c"},
		{Change{Kind: AddSheet, Sheet: "n", Position: 3}, "a b c n"},
		{Change{Kind: DeleteSheet, Sheet: "B"}, "a c"},
		{Change{Kind: RenameSheet, Sheet: "b", Name: "n"}, "a n c"},
		{Change{Kind: MoveSheet, Sheet: "a", Position: 2}, "b c a"},
		{Change{Kind: MoveSheet, Sheet: "c", Position: 0}, "c a b"},
		{Change{Kind: InsertRows, Sheet: "a", Count: 1}, "a b c"},
	} {
		if got := strings.Join(c.change.Sheets(before), " "); got != c.want {
			t.Errorf("%+v: %s, want %s", c.change, got, c.want)
		}
	}
	if strings.Join(before, " ") != "a b c" {
		t.Errorf("the list that was given became %v", before)
	}
}

// TestJSON holds the form that journals have.
func TestJSON(t *testing.T) {
	for _, c := range []struct {
		change Change
		want   string
	}{
		{Change{Kind: InsertRows, Sheet: "Data", At: 4, Count: 2}, `{"kind":"insert_rows","sheet":"Data","at":4,"count":2}`},
		{Change{Kind: RenameSheet, Sheet: "Data", Name: "New"}, `{"kind":"rename_sheet","sheet":"Data","name":"New"}`},
		{Change{Kind: MoveCells, Sheet: "Data", Range: ranged(t, "B2:C3"), To: cell.Ref{Row: 4}, ToSheet: "Other"},
			`{"kind":"move_cells","sheet":"Data","range":"B2:C3","to":"A5","to_sheet":"Other"}`},
	} {
		got, err := json.Marshal(c.change)
		var back Change
		if err != nil || string(got) != c.want || json.Unmarshal(got, &back) != nil || !reflect.DeepEqual(back, c.change) {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
