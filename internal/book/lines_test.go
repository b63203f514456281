package book

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
	"gridflow/internal/xf"
	"gridflow/internal/xf/xftest"
)

// The places that tests of lines look at: a window, and some far from all cells.
const (
	lookRows = 9
	lookCols = 7
)

var lookPlaces = func() (list []cell.Ref) {
	for row := range lookRows {
		for col := range lookCols {
			list = append(list, cell.Ref{Row: row, Col: col})
		}
	}
	for row := range lookRows {
		list = append(list, cell.Ref{Row: row, Col: 500}, cell.Ref{Row: row, Col: cell.MaxCols - 1})
	}
	for col := range lookCols {
		list = append(list, cell.Ref{Row: 5000, Col: col}, cell.Ref{Row: cell.MaxRows - 1, Col: col})
	}
	return append(list, cell.Ref{Row: 5000, Col: 500})
}()

// formatAt is the format that a place has, whether a cell is stored there or not.
func formatAt(s *Snapshot, sheet *grid.Sheet, r cell.Ref) grid.Xf {
	return format(s.Workbook().Styles, sheet.StyleAt(r))
}

func drawLines(t *rapid.T) FormatLines {
	o := FormatLines{Sheet: "sheet1", Rows: rapid.Bool().Draw(t, "rows"), Anew: rapid.IntRange(0, 3).Draw(t, "anew") == 0, Settings: xftest.Settings.Draw(t, "settings")}
	if len(o.Settings) == 0 {
		o.Settings = nil
	}
	for range rapid.IntRange(1, 2).Draw(t, "spans") {
		first := rapid.IntRange(0, 6).Draw(t, "first")
		o.Spans = append(o.Spans, Lines{first, first + rapid.IntRange(0, 2).Draw(t, "more")})
	}
	if !o.Rows {
		switch rapid.IntRange(0, 7).Draw(t, "wide") {
		case 0:
			o.Spans = []Lines{{0, cell.MaxCols - 1}}
		case 1:
			o.Spans = append(o.Spans, Lines{5, cell.MaxCols - 1})
		}
	}
	return o
}

// drawLook draws an operation that changes how cells look, or what they hold.
func drawLook(t *rapid.T) Op {
	switch rapid.IntRange(0, 5).Draw(t, "op") {
	case 0:
		f := FormatCells{Sheet: "Sheet1", Anew: rapid.Bool().Draw(t, "anew"), Ranges: []cell.Range{drawRange(t)}, Settings: xftest.Settings.Draw(t, "settings")}
		return f
	case 1:
		return drawSmall(t).Ops[0]
	case 2:
		first := rapid.IntRange(0, 5).Draw(t, "first")
		width := float64(rapid.IntRange(0, 2).Draw(t, "width"))
		return Arrange{Sheet: "Sheet1", Columns: &[]grid.ColumnSpan{{First: first, Last: first + 1, Width: width, Custom: width > 0}}}
	}
	return drawLines(t)
}

// TestFormatLines: wherever one looks, a cell of the lines, or of the ranges, is seen as it was but for the settings, and any
// other as it was; no value and no formula changes, and no cell is stored that nobody sees.
func TestFormatLines(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := oneSheet(t, "A1=1 B1==A1*2 C3='text A4=7 F6=2")
		for range rapid.IntRange(1, 5).Draw(rt, "edits") {
			op := drawLook(rt)
			next, _, err := s.Apply(t.Context(), Edit{Ops: []Op{op}})
			if err != nil {
				rt.Fatal(err)
			}
			if wrong := formatted(t, s, next, op); wrong != "" {
				rt.Fatal(wrong)
			}
			s = next
		}
	})
}

// TestFormatLinesOrders is TestFormatLines for a few operations that meet each other, in every order of three of them.
func TestFormatLinesOrders(t *testing.T) {
	bold, red := xf.Settings{{Leaf: xf.FontBold, Value: xf.Yes}}, xf.Settings{{Leaf: xf.FontColor, Value: "FFFF0000"}}
	columns := func(first, last int, anew bool, s xf.Settings) Op {
		return FormatLines{Sheet: "Sheet1", Spans: []Lines{{first, last}}, Anew: anew, Settings: s}
	}
	rows := func(first, last int, anew bool, s xf.Settings) Op {
		return FormatLines{Sheet: "Sheet1", Rows: true, Spans: []Lines{{first, last}}, Anew: anew, Settings: s}
	}
	cells := func(anew bool, s xf.Settings) Op {
		return FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{{First: cell.Ref{Row: 1, Col: 0}, Last: cell.Ref{Row: 2, Col: 2}}}, Anew: anew, Settings: s}
	}
	ops := []Op{
		columns(0, cell.MaxCols-1, false, bold), columns(0, cell.MaxCols-1, true, nil), columns(1, 1, false, red),
		FormatLines{Sheet: "Sheet1", Spans: []Lines{{3, cell.MaxCols - 1}, {0, 2}}, Settings: red},
		rows(1, 1, false, bold), rows(1, 2, true, nil), rows(2, 2, false, red),
		cells(false, red), cells(true, nil),
	}
	var after func(s *Snapshot, before []Op)
	after = func(s *Snapshot, before []Op) {
		if len(before) == 3 {
			return
		}
		for _, op := range ops {
			all := append(slices.Clip(before), op)
			next, _ := apply(t, s, Edit{Ops: []Op{op}})
			if wrong := formatted(t, s, next, op); wrong != "" {
				t.Fatalf("after %+v: %s", all, wrong)
			}
			after(next, all)
		}
	}
	after(oneSheet(t, "A1=1 C3='text"), nil)

	s := oneSheet(t, "A1=1") // the last column is by itself
	for _, op := range []Op{columns(0, cell.MaxCols-2, false, bold), ops[0], columns(cell.MaxCols-1, cell.MaxCols-1, false, red)} {
		next, _ := apply(t, s, Edit{Ops: []Op{op}})
		if wrong := formatted(t, s, next, op); wrong != "" {
			t.Fatalf("after %+v: %s", op, wrong)
		}
		s = next
	}
}

// formatted says what is wrong with a state that an operation on formats has made of another, "" for other operations.
func formatted(t *testing.T, before, after *Snapshot, op Op) string {
	var in func(cell.Ref) bool
	var anew bool
	var settings xf.Settings
	switch o := op.(type) {
	case FormatLines:
		in = func(r cell.Ref) bool {
			return slices.ContainsFunc(o.Spans, func(l Lines) bool { return o.Range(l).Contains(r) })
		}
		anew, settings = o.Anew, o.Settings
	case FormatCells:
		in = func(r cell.Ref) bool {
			return slices.ContainsFunc(o.Ranges, func(rg cell.Range) bool { return rg.Contains(r) })
		}
		anew, settings = o.Anew, o.Settings
	default:
		return ""
	}
	was, is, zero := firstSheet(t, before), firstSheet(t, after), format(before.Workbook().Styles, 0)
	for _, r := range lookPlaces {
		x, y := stateAt(was, r), stateAt(is, r)
		if x.Value != y.Value || x.Formula != y.Formula || x.Stored && !y.Stored {
			return fmt.Sprintf("%v held %v and holds %v", r, x, y)
		}
		if y.Stored && !x.Stored && is.Layout.LineStyle(r) == y.Style {
			return fmt.Sprintf("%v is stored for nothing", r)
		}
		want := formatAt(before, was, r)
		if in(r) {
			if anew {
				want = zero
			}
			want, _ = xf.Apply(want, zero, settings)
		}
		if got := formatAt(after, is, r); xf.Of(got) != xf.Of(want) {
			return fmt.Sprintf("%v looks\n%q and not\n%q", r, xf.Of(got), xf.Of(want))
		}
	}
	return ""
}

// seen is all that a sheet holds and how it looks, wherever one looks, with what it stores.
func seen(t *testing.T, s *Snapshot) string {
	sheet := firstSheet(t, s)
	var b strings.Builder
	for _, r := range lookPlaces {
		c := stateAt(sheet, r)
		look := xf.Of(formatAt(s, sheet, r))
		fmt.Fprintf(&b, "%v %v %v %v =%s %s\n", r, c.Stored, c.Value.Kind(), c.Value, c.Formula, look.Key())
	}
	in := lined{sheet.Layout, &looks{styles: s.Workbook().Styles}}
	for i := range 10 {
		look, has := in.row(i)
		fmt.Fprintf(&b, "row %d %v %s\n", i, has, look.Key())
		look, _ = in.column(i)
		span, _ := sheet.Layout.Column(i)
		fmt.Fprintf(&b, "column %d %v %s\n", i, span.Width, look.Key())
	}
	return b.String()
}

// otherwise gives the first line in which two texts differ.
func otherwise(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range a {
		if a[i] != b[i] {
			return fmt.Sprintf("%q, want %q", a[i], b[i])
		}
	}
	return ""
}

// TestLinesBetween: what Between says of versions with formatted lines makes the same of the base again, on it as well as on a
// file of the same contents, and after rows and columns have come and gone.
func TestLinesBetween(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		base := oneSheet(t, "A1=1 B1==A1*2 C3='text A4=7 F6=2")
		s := base
		for range rapid.IntRange(1, 5).Draw(rt, "edits") {
			op := drawLook(rt)
			if rapid.IntRange(0, 4).Draw(rt, "structure") == 0 {
				op = Restructure{structure.Change{Kind: rapid.SampledFrom([]structure.Kind{structure.InsertRows, structure.InsertColumns, structure.DeleteRows, structure.DeleteColumns}).Draw(rt, "kind"),
					Sheet: "Sheet1", At: rapid.IntRange(0, 5).Draw(rt, "at"), Count: rapid.IntRange(1, 2).Draw(rt, "count")}}
			}
			next, _, err := s.Apply(t.Context(), Edit{Ops: []Op{op}})
			if e := (*Error)(nil); errors.As(err, &e) && e.Code == Code(structure.CellsPushed) {
				continue // there are formatted cells up to the end of the sheet
			}
			if err != nil {
				rt.Fatal(err)
			}
			s = next
		}
		e, err := Between(t.Context(), base, s)
		if err != nil {
			rt.Fatal(err)
		}
		if e, err = DecodeEdit(e.AppendTo(nil)); err != nil {
			rt.Fatal(err)
		}
		again, _, err := base.Replay(t.Context(), e)
		if err != nil {
			rt.Fatal(err)
		}
		if d := otherwise(looked(t, again), looked(t, s)); d != "" {
			rt.Fatalf("made again it is not the same: %s", d)
		}
		if len(s.Moves()) > 0 {
			return
		}
		other := oneSheet(t, "A1=1 B1==A1*2 C3='text A4=7 F6=2")
		m, err := Rebase(t.Context(), base, s, other)
		if err != nil {
			rt.Fatal(err)
		}
		moved, _ := apply(t, other, m.Edit)
		if d := otherwise(looked(t, moved), looked(t, s)); d != "" || len(m.Conflicts) > 0 {
			rt.Fatalf("on another file it is not the same: %s %v", d, m.Conflicts)
		}
	})
}

// looked is seen without what is stored that looks and holds as if it were not.
func looked(t *testing.T, s *Snapshot) string {
	return strings.NewReplacer(" true ", " ", " false ", " ").Replace(seen(t, s))
}

// TestMergeLines holds the laws of a three-way merge for formats of lines: what one side alone has done comes to the other.
func TestMergeLines(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		line := func(s *Snapshot) *Snapshot {
			for range rapid.IntRange(0, 3).Draw(rt, "edits") {
				s, _ = apply(t, s, Edit{Ops: []Op{drawLook(rt)}})
			}
			return s
		}
		base := line(snapshot(t, "A1=1 B1==A1+1 A2='x C3=4"))
		x := line(base)
		merged := func(o, x *Snapshot) *Snapshot {
			n, _ := apply(t, o, merge(t, base, o, x).Edit)
			return n
		}
		for what, got := range map[string]*Snapshot{"merge(b, x, b)": merged(x, base), "merge(b, b, x)": merged(base, x), "merge(b, x, x)": merged(x, x)} {
			if d := otherwise(looked(t, got), looked(t, x)); d != "" {
				rt.Fatalf("%s is not x: %s", what, d)
			}
		}
	})
}

// TestMergeLinesAndCells: cells that one side writes into columns which the other formats look as if they had been written
// afterwards; of what both did to a column each part is merged by itself, and what both changed stays.
func TestMergeLinesAndCells(t *testing.T) {
	base := snapshot(t, "A1=1 B1=2")
	column := func(leaf xf.Leaf, value string) Edit {
		return Edit{Ops: []Op{FormatLines{Sheet: "Sheet1", Spans: []Lines{{0, 0}}, Settings: xf.Settings{{Leaf: leaf, Value: value}}}}}
	}
	ours, _ := apply(t, base, set(t, "Sheet1", "A9=7"))
	ours, _ = apply(t, ours, column(xf.FontItalic, xf.Yes))
	ours, _ = apply(t, ours, column(xf.FontColor, "FF112233"))
	theirs, _ := apply(t, base, column(xf.FontBold, xf.Yes))
	theirs, _ = apply(t, theirs, column(xf.FontColor, "FF445566"))
	m := merge(t, base, ours, theirs)
	n, _ := apply(t, ours, m.Edit)
	for _, at := range []string{"A9", "A500"} {
		r, _ := cell.ParseRef(at)
		is := xf.Of(formatAt(n, firstSheet(t, n), r))
		if is[xf.FontBold] != xf.Yes || is[xf.FontItalic] != xf.Yes || is[xf.FontColor] != "FF112233" {
			t.Errorf("%s looks %q", at, is)
		}
	}
}

// TestFormatLinesRow: a row's format goes before a column's, and a cell that is written later has the one or the other;
// what is cleared is as before.
func TestFormatLinesRow(t *testing.T) {
	bold, red := xf.Settings{{Leaf: xf.FontBold, Value: xf.Yes}}, xf.Settings{{Leaf: xf.FontColor, Value: "FFFF0000"}}
	s := oneSheet(t, "A1=1")
	s, _ = apply(t, s, Edit{Ops: []Op{FormatLines{Sheet: "Sheet1", Spans: []Lines{{1, 1}}, Settings: bold}, FormatLines{Sheet: "Sheet1", Rows: true, Spans: []Lines{{2, 2}}, Settings: red}}})
	s, _ = apply(t, s, set(t, "Sheet1", "B2=1 B3=2 C3=3 D4=4"))
	for at, want := range map[string]string{"B2": "1 ", "B3": "1 FFFF0000", "C3": " FFFF0000", "D4": " ", "A1": " "} {
		r, _ := cell.ParseRef(at)
		c, _ := firstSheet(t, s).At(r)
		is := xf.Of(format(s.Workbook().Styles, c.Style))
		if got := is[xf.FontBold] + " " + is[xf.FontColor]; got != want {
			t.Errorf("%s looks %q and not %q", at, got, want)
		}
	}
	if n := firstSheet(t, s).StoredCells(); n != 5 {
		t.Errorf("%d cells are stored", n)
	}
	// Where a column that is bold and red crosses a row that gets red, there is a cell which stays as it was.
	crossed, _ := apply(t, oneSheet(t, "A1=1"), Edit{Ops: []Op{
		FormatLines{Sheet: "Sheet1", Spans: []Lines{{1, 1}}, Settings: red.Then(bold)},
		FormatLines{Sheet: "Sheet1", Rows: true, Spans: []Lines{{2, 2}}, Settings: red},
	}})
	if is := xf.Of(formatAt(crossed, firstSheet(t, crossed), cell.Ref{Row: 2, Col: 1})); is[xf.FontBold] != xf.Yes {
		t.Errorf("where the lines cross it looks %q", is)
	}
	s, _ = apply(t, s, Edit{Ops: []Op{FormatLines{Sheet: "Sheet1", Spans: []Lines{{0, cell.MaxCols - 1}}, Anew: true}}})
	if l := firstSheet(t, s).Layout; len(l.Columns)+len(l.Rows) > 0 {
		t.Errorf("after clearing there are %v and %v", l.Columns, l.Rows)
	}
}

// TestFormatLinesRefused: what cannot be is refused and changes nothing.
func TestFormatLinesRefused(t *testing.T) {
	s := oneSheet(t, "A1=1")
	styled, _ := apply(t, s, Edit{Ops: []Op{FormatLines{Sheet: "Sheet1", Rows: true, Spans: []Lines{{0, 999}}, Settings: xf.Settings{{Leaf: xf.FontBold, Value: xf.Yes}}}}})
	for _, c := range []struct {
		s    *Snapshot
		op   FormatLines
		code Code
	}{
		{s, FormatLines{Sheet: "none", Spans: []Lines{{0, 0}}}, SheetNotFound},
		{s, FormatLines{Sheet: "Sheet1", Spans: []Lines{{0, cell.MaxCols}}}, BadCell},
		{s, FormatLines{Sheet: "Sheet1", Spans: []Lines{{3, 2}}}, BadCell},
		{s, FormatLines{Sheet: "Sheet1", Rows: true, Spans: []Lines{{-1, 2}}}, BadCell},
		{s, FormatLines{Sheet: "Sheet1", Rows: true, Spans: []Lines{{0, MaxRowEdits}}}, TooMany},
		{s, FormatLines{Sheet: "Sheet1", Settings: xf.Settings{{Leaf: xf.FontColor, Value: "red"}}}, BadFormat},
		{styled, FormatLines{Sheet: "Sheet1", Spans: []Lines{{0, 9999}}, Settings: xf.Settings{{Leaf: xf.FontItalic, Value: xf.Yes}}}, TooMany},
	} {
		var e *Error
		if _, _, err := c.s.Apply(t.Context(), Edit{Ops: []Op{c.op}}); !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%+v: %v", c.op, err)
		}
	}
	// What is made of states is not asked for by anybody: it may name all rows.
	apply(t, s, Edit{Ops: []Op{FormatLines{Sheet: "Sheet1", Rows: true, Spans: []Lines{{0, cell.MaxRows - 1}}, Alone: true, Settings: xf.Settings{{Leaf: xf.FontBold, Value: xf.Yes}}}}})
}

// TestMergeLine: what becomes of a line that both sides may have changed, and that lines are brought together to which the
// same happens, and no others.
func TestMergeLine(t *testing.T) {
	plain, bold, red, both := grid.Xf{NumFmt: "General"}, grid.Xf{NumFmt: "General", Font: &grid.Font{Bold: true}}, grid.Xf{NumFmt: "General", Font: &grid.Font{Color: &grid.Color{ARGB: "FFFF0000", Theme: -1, Indexed: -1}}}, grid.Xf{}
	both, _ = xf.Apply(bold, plain, xf.Settings{{Leaf: xf.FontColor, Value: "FFFF0000"}})
	styles := &grid.Styles{Xfs: []grid.Xf{plain, bold, red, both}}
	const none = -1
	state := func(rows ...int) lined { // the style of each row from the first on
		l := &grid.Layout{}
		for i, style := range rows {
			if style != none {
				l.Rows = append(l.Rows, grid.RowSpan{First: i, Last: i, Style: uint32(style), HasStyle: true})
			}
		}
		return lined{l, &looks{styles: styles}}
	}
	for _, c := range []struct {
		name             string
		base, onto, from []int
		want, wins       string
	}{
		{"from alone", []int{none}, []int{none}, []int{1}, "[{0 0}] font.bold=1", "[{0 0}] font.bold=1"},
		{"a default look is a format, too", []int{none}, []int{none}, []int{0}, "[{0 0}]", "[{0 0}]"},
		{"onto alone", []int{none}, []int{1}, []int{none}, "", ""},
		{"taken away by from", []int{1}, []int{1}, []int{none}, "[{0 0}] anew", "[{0 0}] anew"},
		{"taken away by from and changed by onto", []int{1}, []int{3}, []int{none}, "", "[{0 0}] anew"},
		{"taken away by both", []int{1}, []int{none}, []int{none}, "", ""},
		{"taken away by onto and changed by from", []int{1}, []int{none}, []int{3}, "", "[{0 0}] font.color=FFFF0000"},
		{"each its own", []int{0}, []int{1}, []int{2}, "[{0 0}] font.color=FFFF0000", "[{0 0}] font.color=FFFF0000"},
		{"the same to rows beside each other and elsewhere", []int{0, 0, 0, 0}, []int{0, 0, 0, 0}, []int{1, 1, 0, 1}, "[{0 1} {3 3}] font.bold=1", "[{0 1} {3 3}] font.bold=1"},
		{"one loses its format, one gets a default look", []int{1, none}, []int{1, none}, []int{none, 0}, "[{0 0}] anew, [{1 1}]", "[{0 0}] anew, [{1 1}]"},
	} {
		for _, wins := range []bool{false, true} {
			want := c.want
			if wins {
				want = c.wins
			}
			var list []string
			for _, op := range mergeLines("Sheet1", state(c.base...), state(c.onto...), state(c.from...), wins) {
				o := op.(FormatLines)
				text := fmt.Sprint(o.Spans)
				if o.Anew {
					text += " anew"
				}
				for _, one := range o.Settings {
					text += fmt.Sprintf(" %v=%s", one.Leaf, one.Value)
				}
				if !o.Rows || !o.Alone || o.Sheet != "Sheet1" {
					t.Errorf("%s: %+v", c.name, o)
				}
				list = append(list, text)
			}
			if got := strings.Join(list, ", "); got != want {
				t.Errorf("%s, from wins: %v: %q, want %q", c.name, wins, got, want)
			}
		}
	}
}

// TestBetweenKeepsRows: a row that looks as it did, while all columns were formatted, does so when it is made again.
func TestBetweenKeepsRows(t *testing.T) {
	base := oneSheet(t, "A1=1")
	bold := xf.Settings{{Leaf: xf.FontBold, Value: xf.Yes}}
	base, _ = apply(t, base, Edit{Ops: []Op{FormatLines{Sheet: "Sheet1", Rows: true, Spans: []Lines{{2, 2}}, Settings: xf.Settings{{Leaf: xf.FontItalic, Value: xf.Yes}}}}})
	s, _ := apply(t, base, Edit{Ops: []Op{
		FormatLines{Sheet: "Sheet1", Spans: []Lines{{0, cell.MaxCols - 1}}, Settings: bold},
		FormatLines{Sheet: "Sheet1", Rows: true, Spans: []Lines{{2, 2}}, Settings: xf.Settings{{Leaf: xf.FontBold}}},
	}})
	e, err := Between(t.Context(), base, s)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := base.Replay(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	if d := otherwise(looked(t, again), looked(t, s)); d != "" {
		t.Error(d)
	}
}

// TestSameFormats: a cell, a row or a column by itself is a difference; what is put back is none.
func TestSameFormats(t *testing.T) {
	s := oneSheet(t, "A1=1 B2=2")
	bold, plain := xf.Settings{{Leaf: xf.FontBold, Value: xf.Yes}}, xf.Settings{{Leaf: xf.FontBold}}
	for name, of := range map[string]func(xf.Settings) Op{
		"cell":   func(s xf.Settings) Op { return FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{{}}, Settings: s} },
		"column": func(s xf.Settings) Op { return FormatLines{Sheet: "Sheet1", Spans: []Lines{{3, 3}}, Settings: s} },
		"row": func(s xf.Settings) Op {
			return FormatLines{Sheet: "Sheet1", Rows: true, Spans: []Lines{{5, 5}}, Settings: s}
		},
	} {
		once, _ := apply(t, s, Edit{Ops: []Op{of(bold)}})
		back, _ := apply(t, once, Edit{Ops: []Op{of(plain)}})
		for what, c := range map[string]struct {
			now  *Snapshot
			want bool
		}{"formatted": {once, false}, "put back": {back, true}} {
			if same, err := SameFormats(t.Context(), s, c.now); err != nil || same != c.want {
				t.Errorf("a %s that is %s: the same: %v, %v", name, what, same, err)
			}
		}
	}
}

// TestEditFormats: an edit tells by one of its cells that it changes formats, whichever operation does.
func TestEditFormats(t *testing.T) {
	bold := xf.Settings{{Leaf: xf.FontBold, Value: xf.Yes}}
	for want, op := range map[string]Op{
		"":             SetCells{Sheet: "Data", Cells: []CellEdit{{}}},
		"Data!C2":      SetCells{Sheet: "Data", Cells: []CellEdit{{}, {Ref: cell.Ref{Row: 1, Col: 2}, Format: bold}}},
		"'My data'!A1": SetCells{Sheet: "My data", Cells: []CellEdit{{NumFmt: "0.00"}}},
		"Data!B3":      FormatCells{Sheet: "Data", Ranges: []cell.Range{{First: cell.Ref{Row: 2, Col: 1}, Last: cell.Ref{Row: 3, Col: 1}}}},
		"Data!D:E":     FormatLines{Sheet: "Data", Spans: []Lines{{3, 4}}, Settings: bold},
	} {
		if at, ok := (Edit{Ops: []Op{SetCells{Sheet: "Data"}, op}}).Formats(); at != want || ok != (want != "") {
			t.Errorf("%+v: %q, %v, want %q", op, at, ok, want)
		}
	}
}

// TestFormatLinesForm: the binary form of the operation gives it back.
func TestFormatLinesForm(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := drawLines(rt)
		o.Alone = rapid.Bool().Draw(rt, "alone")
		e, err := DecodeEdit(Edit{Ops: []Op{o}}.AppendTo(nil))
		if err != nil || !reflect.DeepEqual(e.Ops, []Op{o}) {
			rt.Fatalf("%+v is read as %+v, %v", o, e.Ops, err)
		}
	})
}
