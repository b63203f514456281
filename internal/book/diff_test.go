package book

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// diffWords writes what Diff yields.
func diffWords(tb testing.TB, base, cur *Snapshot, o DiffOptions) []string {
	tb.Helper()
	var got []string
	for c, err := range Diff(tb.Context(), base, cur, o) {
		if err != nil {
			tb.Fatal(err)
		}
		var s string
		switch c.Kind {
		case CellAdded, CellDeleted, CellModified:
			s = words(c)
			if c.OldRef != c.Ref {
				s += " from " + c.OldRef.String()
			}
		case RowsInserted, RowsDeleted:
			s = fmt.Sprintf("%v %s!%v with %d", c.Kind, c.Sheet, c.Range, c.Cells)
		case SheetRenamed:
			s = fmt.Sprintf("%v %s from %s", c.Kind, c.Sheet, c.OldName)
		case TableAdded, TableDeleted, TableModified:
			s = fmt.Sprintf("%v %s on %s %v from %v", c.Kind, c.Name, c.Sheet, c.Range, c.OldRange)
		case NameAdded, NameDeleted, NameModified:
			s = fmt.Sprintf("%v %s%s %q from %q", c.Kind, c.Sheet, c.Name, c.NewText, c.OldText)
		default:
			s = fmt.Sprintf("%v %s", c.Kind, c.Sheet)
		}
		got = append(got, s)
	}
	return got
}

func snapshot(tb testing.TB, sheets ...string) *Snapshot {
	return storedSnapshot("wb", "rev", newBook(tb, sheets...))
}

// column writes rows of a sheet, each "key value formula".
func column(rows ...string) string {
	var b strings.Builder
	for i, r := range rows {
		for col, word := range strings.Fields(r) {
			fmt.Fprintf(&b, "%s%d=%s ", cell.ColumnName(col), i+1, strings.ReplaceAll(word, "#", fmt.Sprint(i+1)))
		}
	}
	return b.String()
}

// TestDiffRows compares workbooks that have nothing in common but their cells.
func TestDiffRows(t *testing.T) {
	base := column("'a 1 =B#*2", "'b 2 =B#*2", "'c 3 =B#*2", "'d 4 =B#*2", "'total =SUM(B1:B4) =$B$4")
	for _, c := range []struct {
		name, cur string
		o         DiffOptions
		want      string
	}{
		{"the same", base, DiffOptions{}, ""},
		{"a value", column("'a 1 =B#*2", "'b 9 =B#*2", "'c 3 =B#*2", "'d 4 =B#*2", "'total =SUM(B1:B4) =$B$4"), DiffOptions{}, "cell_modified Sheet1!B2 value_edit"},
		{"a row inserted", column("'a 1 =B#*2", "'b 2 =B#*2", "'new 7 =B#*2", "'c 3 =B#*2", "'d 4 =B#*2", "'total =SUM(B1:B5) =$B$5"), DiffOptions{}, "rows_inserted Sheet1!3:3 with 3"},
		{"a row inserted, and no alignment", column("'new 7", "'a 1 =B#*2", "'b 2 =B#*2", "'c 3 =B#*2", "'d 4 =B#*2"), DiffOptions{InPlace: true, Sheet: "sheet1"},
			"cell_modified Sheet1!A1 value_edit, cell_modified Sheet1!B1 value_edit, cell_deleted Sheet1!C1, cell_modified Sheet1!A2 value_edit, cell_modified Sheet1!B2 value_edit, " +
				"cell_modified Sheet1!A3 value_edit, cell_modified Sheet1!B3 value_edit, cell_modified Sheet1!A4 value_edit, cell_modified Sheet1!B4 value_edit, " +
				"cell_modified Sheet1!A5 value_edit, cell_modified Sheet1!B5 formula_edit, cell_modified Sheet1!C5 formula_edit"},
		{"a row inserted, the sum not adjusted", column("'a 1 =B#*2", "'b 2 =B#*2", "'new 7 =B#*2", "'c 3 =B#*2", "'d 4 =B#*2", "'total =SUM(B1:B4) =$B$5"), DiffOptions{},
			"rows_inserted Sheet1!3:3 with 3, cell_modified Sheet1!B6 formula_edit from B5"},
		{"two rows deleted", column("'a 1 =B#*2", "'d 4 =B#*2", "'total =SUM(B1:B2) =$B$2"), DiffOptions{}, "rows_deleted Sheet1!2:3 with 6"},
		{"a blank row inserted", column("'a 1 =B#*2", "'b 2 =B#*2", "", "'c 3 =B#*2", "'d 4 =B#*2", "'total =SUM(B1:B5) =$B$5"), DiffOptions{}, "rows_inserted Sheet1!3:3 with 0"},
		{"a row inserted beside one that changed", column("'a 1 =B#*2", "'new 7 =B#*3", "'b 9 =B#*2", "'c 3 =B#*2", "'d 4 =B#*2", "'total =SUM(B1:B5) =$B$5"), DiffOptions{},
			"rows_inserted Sheet1!2:2 with 3, cell_modified Sheet1!B3 value_edit from B2"},
		{"a row below all", base + "A6='below B6=1", DiffOptions{}, "cell_added Sheet1!A6, cell_added Sheet1!B6"},
		{"all else", "Z99=1", DiffOptions{}, "cell_deleted Sheet1!A1, cell_deleted Sheet1!B1, cell_deleted Sheet1!C1, cell_deleted Sheet1!A2, cell_deleted Sheet1!B2, cell_deleted Sheet1!C2, " +
			"cell_deleted Sheet1!A3, cell_deleted Sheet1!B3, cell_deleted Sheet1!C3, cell_deleted Sheet1!A4, cell_deleted Sheet1!B4, cell_deleted Sheet1!C4, " +
			"cell_deleted Sheet1!A5, cell_deleted Sheet1!B5, cell_deleted Sheet1!C5, cell_added Sheet1!Z99"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(diffWords(t, snapshot(t, base), snapshot(t, c.cur), c.o), ", ")
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
	for _, c := range []struct{ name, base, cur, want string }{
		{"what can be said in place", "A2='a A3='b", "A1='b A2='a", "cell_added Sheet1!A1, cell_deleted Sheet1!A3"},
		{"no row that is there once", column("1", "2", "1", "2", "1", "2"), column("2", "1", "2", "1", "2", "1"), "rows_deleted Sheet1!1:1 with 1, cell_added Sheet1!A6 from A7"},
		{"rows with nothing in common", column("'a", "'old 1", "'c", "'d"), column("'a", "'p 8", "'q 9", "'c", "'d"), "rows_deleted Sheet1!2:2 with 2, rows_inserted Sheet1!2:3 with 4"},
		{"a reference to a deleted row", column("'a", "'b", "'c", "'d", "'e", "=A3"), column("'a", "'b", "'d", "'e", "=A3"), "rows_deleted Sheet1!3:3 with 1, cell_modified Sheet1!A5 formula_edit from A6"},
		{"rows that are alike", column("1", "1", "2", "1", "1", "'end"), column("1", "1", "2", "1", "1", "1", "'end"), "rows_inserted Sheet1!6:6 with 1"},
		{"rows that changed places", column("'a", "'b", "'c", "'d"), column("'a", "'c", "'b", "'d"), "rows_deleted Sheet1!2:2 with 1, rows_inserted Sheet1!3:3 with 1"},
	} {
		if got := strings.Join(diffWords(t, snapshot(t, c.base), snapshot(t, c.cur), DiffOptions{}), ", "); got != c.want {
			t.Errorf("%s: got  %s\nwant %s", c.name, got, c.want)
		}
	}
	if got := diffWords(t, snapshot(t, "A1=100 A2=0.5"), snapshot(t, "A1=100.00000001 A2=0.6"), DiffOptions{Tolerance: 1e-9}); !slices.Equal(got, []string{"cell_modified Sheet1!A2 value_edit"}) {
		t.Errorf("with a tolerance: %v", got)
	}
}

// TestDiffOtherSheets compares formulas that refer to rows of another sheet, which moved.
func TestDiffOtherSheets(t *testing.T) {
	data := column("'a 1", "'b 2", "'c 3", "'d 4")
	grown := column("'a 1", "'b 2", "'new 7", "'c 3", "'d 4")
	base := snapshot(t, data, "A1==Sheet1!B4 A2==SUM(Sheet1!B2:B3) A3==Sheet1!B1")
	got := diffWords(t, base, snapshot(t, grown, "A1==Sheet1!B5 A2==SUM(Sheet1!B2:B4) A3==Sheet1!B2"), DiffOptions{})
	if want := []string{"rows_inserted Sheet1!3:3 with 2", "cell_modified Sheet2!A3 formula_edit"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestDiffSheets matches sheets by name and those that are left by content.
func TestDiffSheets(t *testing.T) {
	base, cur := newBook(t, "A1=1", "A1=2 B1==A1", "A1=3"), newBook(t, "A1=1", "A1=2 B1==A1", "A1=4", "A1==Ledger!A1")
	cur.book.Sheets[1].Name, cur.book.Sheets[2].Name, cur.book.Sheets[3].Name = "Ledger", "Other", "SHEET1"
	cur.book.Sheets[0].Name = "More"
	base.book.Names = []grid.Name{
		{Name: "gone", Sheet: -1, RefersTo: "1"}, {Name: "Rate", Sheet: -1, RefersTo: "2"}, {Name: "local", Sheet: 1, RefersTo: "3"}, {Name: "hid", Sheet: -1, Hidden: true},
	}
	cur.book.Names = []grid.Name{{Name: "RATE", Sheet: -1, RefersTo: "5"}, {Name: "local", Sheet: 1, RefersTo: "3"}, {Name: "new", Sheet: 2, RefersTo: "4"}}
	rng := func(s string) cell.Range { r, _ := cell.ParseRange(s); return r }
	base.tables = []grid.Table{{Name: "T", Sheet: 0, Range: rng("A1:B2")}, {Name: "U", Sheet: 1, Range: rng("A1:B2")}, {Name: "V", Sheet: 1, Range: rng("D1:E2")}}
	cur.tables = []grid.Table{{Name: "t", Sheet: 3, Range: rng("A1:B3")}, {Name: "U", Sheet: 1, Range: rng("A1:B2")}, {Name: "W", Sheet: 1, Range: rng("D1:E2")}}
	got := diffWords(t, storedSnapshot("b", "", base), storedSnapshot("c", "", cur), DiffOptions{})
	want := []string{
		`name_modified RATE "5" from "2"`, `name_added Othernew "4" from ""`, `name_deleted gone "" from "1"`,
		"table_modified t on SHEET1 A1:B3 from A1:B2", "table_added W on Ledger D1:E2 from A1", "table_deleted V on Sheet2 A1 from D1:E2",
		"sheet_deleted Sheet3", "sheet_added More", "sheet_added Other", "sheet_renamed Ledger from Sheet2", "sheet_renamed SHEET1 from Sheet1",
		"cell_modified SHEET1!A1 formula_edit",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	got = diffWords(t, storedSnapshot("b", "", base), storedSnapshot("c", "", cur), DiffOptions{Sheet: "sheet1"})
	if want := []string{"table_modified t on SHEET1 A1:B3 from A1:B2", "sheet_renamed SHEET1 from Sheet1", "cell_modified SHEET1!A1 formula_edit"}; !slices.Equal(got, want) {
		t.Errorf("of one sheet: %q", got)
	}
	for _, err := range Diff(t.Context(), storedSnapshot("b", "", base), storedSnapshot("c", "", cur), DiffOptions{Sheet: "no"}) {
		var e *Error
		if !errors.As(err, &e) || e.Code != SheetNotFound {
			t.Errorf("of no sheet: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n := 0
	for _, err := range Diff(ctx, storedSnapshot("b", "", base), storedSnapshot("c", "", cur), DiffOptions{}) {
		if n++; n > 1 || !errors.Is(err, context.Canceled) {
			t.Errorf("a wait that ended: %v", err)
		}
	}
	if n != 1 {
		t.Errorf("a wait that ended gave %d errors", n)
	}
}

// TestDiffStyles compares styles of unrelated workbooks by what they say.
func TestDiffStyles(t *testing.T) {
	a, _ := apply(t, snapshot(t, "A1=1 A2=2 A3=3"), set(t, "Sheet1", "A1!0.00 A2!0% A3!0.0"))
	b, _ := apply(t, snapshot(t, "A1=1 A2=2 A3=3"), set(t, "Sheet1", "A2!0% A1!0.00 A3!yyyy"))
	if got := diffWords(t, a, b, DiffOptions{}); !slices.Equal(got, []string{"cell_modified Sheet1!A3 style_edit"}) {
		t.Errorf("got %v", got)
	}
}

// TestDiffStylesOfForks compares two forks that each added a style: the same index says two
// things there.
func TestDiffStylesOfForks(t *testing.T) {
	root := snapshot(t, "A1=1")
	a, _ := apply(t, root, set(t, "Sheet1", "A1!0.00"))
	b, _ := apply(t, root, set(t, "Sheet1", "A1!yyyy"))
	if got := diffWords(t, a, b, DiffOptions{}); !slices.Equal(got, []string{"cell_modified Sheet1!A1 style_edit"}) {
		t.Errorf("got %v", got)
	}
	c, _ := apply(t, root, set(t, "Sheet1", "B1!0% A1!0.00 B1="))
	if got := diffWords(t, a, c, DiffOptions{}); !slices.Equal(got, []string{"cell_added Sheet1!B1"}) {
		t.Errorf("got %v", got)
	}
}

// rowsModel is a sheet as rows of cells.
type rowsModel [][]string

func (m rowsModel) text() string { return column(slices.Collect(joined(m))...) }

func joined(m rowsModel) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, r := range m {
			if !yield(strings.Join(r, " ")) {
				return
			}
		}
	}
}

// TestDiffIsComplete rebuilds the later state from the earlier one and what Diff says of it,
// after any mixture of inserted, deleted, and edited rows.
func TestDiffIsComplete(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		row := rapid.Custom(func(t *rapid.T) []string {
			return []string{
				rapid.SampledFrom([]string{"'a", "'b", "'c", "1", "2"}).Draw(t, "key"),
				fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "value")),
				rapid.SampledFrom([]string{"=A#+B#", "=$B$2", "7"}).Draw(t, "formula"),
			}[:rapid.IntRange(0, 3).Draw(t, "cells")]
		})
		base := rowsModel(rapid.SliceOfN(row, 0, 14).Draw(rt, "base"))
		cur := slices.Clone(base)
		for range rapid.IntRange(0, 5).Draw(rt, "edits") {
			i := rapid.IntRange(0, len(cur)).Draw(rt, "at")
			switch {
			case i == len(cur) || rapid.Bool().Draw(rt, "insert"):
				cur = slices.Insert(cur, i, row.Draw(rt, "row"))
			case rapid.Bool().Draw(rt, "delete"):
				cur = slices.Delete(cur, i, i+1)
			default:
				cur[i] = row.Draw(rt, "row")
			}
		}
		checkComplete(rt, t, snapshot(t, base.text()), snapshot(t, cur.text()))
	})
}

func checkComplete(rt *rapid.T, t *testing.T, base, cur *Snapshot) {
	var gone, came []cell.Range
	changed, deleted := map[cell.Ref]Change{}, map[cell.Ref]Change{}
	last := cell.Ref{Row: -1}
	for c, err := range Diff(t.Context(), base, cur, DiffOptions{}) {
		if err != nil {
			rt.Fatal(err)
		}
		switch c.Kind {
		case RowsInserted:
			came = append(came, c.Range)
		case RowsDeleted:
			gone = append(gone, c.Range)
		case CellDeleted:
			deleted[c.OldRef] = c
		default:
			if c.Ref.Row < last.Row || c.Ref.Row == last.Row && c.Ref.Col <= last.Col {
				rt.Fatalf("%v comes behind %v", c.Ref, last)
			}
			last = c.Ref
			changed[c.Ref] = c
		}
	}
	in := func(ranges []cell.Range, row int) bool {
		return slices.ContainsFunc(ranges, func(r cell.Range) bool { return r.Contains(cell.Ref{Row: row}) })
	}
	a, _ := base.Sheet(t.Context(), 0)
	b, _ := cur.Sheet(t.Context(), 0)
	// The rows that stay pair up one after the other.
	newRow := map[int]int{}
	for o, n := 0, 0; o < 60 || n < 60; {
		switch {
		case in(gone, o):
			o++
		case in(came, n):
			n++
		default:
			newRow[o] = n
			o++
			n++
		}
	}
	got := map[cell.Ref]string{}
	show := func(s CellState) string { return fmt.Sprint(s.Value, "=", s.Formula) }
	for c := range a.Cells(cell.WholeSheet) {
		if _, ok := deleted[c.Ref]; !ok && !in(gone, c.Ref.Row) {
			got[cell.Ref{Row: newRow[c.Ref.Row], Col: c.Ref.Col}] = "as it was"
		}
	}
	for r, c := range changed {
		if c.Kind == CellModified != (got[r] != "") {
			rt.Fatalf("%v of %v", c.Kind, r)
		}
		got[r] = show(c.New)
	}
	for c := range b.Cells(cell.WholeSheet) {
		now := show(stateOf(b, c, true))
		if in(came, c.Ref.Row) {
			got[c.Ref] = now
		}
		if was := got[c.Ref]; was != now && was != "as it was" {
			rt.Fatalf("%v is %q, rebuilt %q", c.Ref, now, was)
		}
		if got[c.Ref] == "as it was" && !c.HasFormula() {
			for o, n := range newRow {
				if n == c.Ref.Row && a.Value(cell.Ref{Row: o, Col: c.Ref.Col}) != c.Value {
					rt.Fatalf("%v changed without a word", c.Ref)
				}
			}
		}
		delete(got, c.Ref)
	}
	if len(got) > 0 {
		rt.Fatalf("rebuilt what is not there: %v", maps.Collect(maps.All(got)))
	}
}

// TestDiffOfALine holds Diff of two versions of one line, forks included, against the
// comparison of the same cells in unrelated workbooks.
func TestDiffOfALine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := "A1=1 B1==A1+1 A2='x C3=4 A4=5"
		base := snapshot(t, text)
		edit := func(s *Snapshot) *Snapshot {
			for range rapid.IntRange(0, 3).Draw(rt, "edits") {
				s, _ = apply(t, s, drawSmall(rt))
			}
			return s
		}
		root := edit(base)
		a, b := edit(root), edit(root)
		got := diffWords(t, a, b, DiffOptions{})
		// The same states with other sources behind them.
		x, y := copyOf(t, a), copyOf(t, b)
		want := diffWords(t, x, y, DiffOptions{InPlace: true})
		if !slices.Equal(got, want) {
			rt.Fatalf("got  %v\nwant %v", got, want)
		}
	})
}

// drawSmall draws an edit of a small sheet.
func drawSmall(t *rapid.T) Edit {
	o := SetCells{Sheet: "Sheet1"}
	for range rapid.IntRange(1, 4).Draw(t, "cells") {
		c := drawCellEdit(t)
		c.Ref = cell.Ref{Row: rapid.IntRange(0, 3).Draw(t, "row"), Col: rapid.IntRange(0, 2).Draw(t, "col")}
		if c.HasFormula {
			c.Formula = rapid.SampledFrom([]string{"A1+1", "B2"}).Draw(t, "formula")
		}
		o.Cells = append(o.Cells, c)
	}
	return Edit{Ops: []Op{o}}
}

// copyOf gives the same state of another line.
func copyOf(tb testing.TB, s *Snapshot) *Snapshot {
	m := &memSource{book: s.Workbook(), read: map[int]bool{}}
	for i := range s.Workbook().Sheets {
		sheet, err := s.Sheet(tb.Context(), i)
		if err != nil {
			tb.Fatal(err)
		}
		m.sheets = append(m.sheets, sheet)
	}
	return storedSnapshot(s.ID, s.Revision, m)
}

// TestAlignment checks any alignment of any rows: its blocks ascend and cover the sheet, and
// it explains what moved.
func TestAlignment(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) []contentRow {
		var rows []contentRow
		row := 0
		for range rapid.IntRange(0, 30).Draw(t, "rows") {
			row += rapid.SampledFrom([]int{1, 1, 1, 1, 2, 100}).Draw(t, "step")
			rows = append(rows, contentRow{row, rapid.SampledFrom([]uint64{0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9}).Draw(t, "hash")})
		}
		return rows
	})
	rapid.Check(t, func(t *rapid.T) {
		old, new := draw.Draw(t, "old"), draw.Draw(t, "new")
		al := alignRows(old, new, func(o, n int) int { return (o + n) % 3 })
		o, n := 0, 0
		for _, b := range al {
			if b.old < o || b.new < n || b.n <= 0 {
				t.Fatalf("%v", al)
			}
			o, n = b.old+b.n, b.new+b.n
		}
		if max(o, n) != cell.MaxRows {
			t.Fatalf("%v ends at %d and %d", al, o, n)
		}
		for row := range 200 {
			got, ok := al.row(row)
			want, wantOK := 0, false
			for _, b := range al {
				if row >= b.old && row < b.old+b.n {
					want, wantOK = row-b.old+b.new, true
				}
			}
			if ok != wantOK || ok && got != want {
				t.Fatalf("row %d is %d (%v) by %v", row, got, ok, al)
			}
		}
	})
}
