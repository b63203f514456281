package book

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
	"gridflow/internal/xf"
	"gridflow/internal/xf/xftest"
)

func drawRange(t *rapid.T) cell.Range {
	a := cell.Ref{Row: rapid.IntRange(0, 5).Draw(t, "row"), Col: rapid.IntRange(0, 3).Draw(t, "col")}
	return cell.Range{First: a, Last: cell.Ref{Row: a.Row + rapid.IntRange(0, 3).Draw(t, "rows"), Col: a.Col + rapid.IntRange(0, 2).Draw(t, "cols")}}
}

// TestFormatCells: every cell of the ranges looks as it did but for the settings, or as the default
// format but for them; no other cell looks otherwise, and no value or formula changes. What
// Between says of it makes the same of the base again.
func TestFormatCells(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		base := oneSheet(t, "A1=1 B1==A1*2 C3='text A4=7")
		s := base
		for range rapid.IntRange(1, 3).Draw(rt, "edits") {
			o := FormatCells{Sheet: "sheet1", Anew: rapid.Bool().Draw(rt, "anew"), Settings: xftest.Settings.Draw(rt, "settings")}
			for range rapid.IntRange(1, 3).Draw(rt, "ranges") {
				o.Ranges = append(o.Ranges, drawRange(rt))
			}
			next, _, err := s.Apply(t.Context(), Edit{Ops: []Op{o}})
			if err != nil {
				rt.Fatal(err)
			}
			was, is := firstSheet(t, s), firstSheet(t, next)
			zero := format(s.Workbook().Styles, 0)
			for row := range 10 {
				for col := range 7 {
					r := cell.Ref{Row: row, Col: col}
					x, y := stateAt(was, r), stateAt(is, r)
					if x.Value != y.Value || x.Formula != y.Formula {
						rt.Fatalf("%v held %v and holds %v", r, x, y)
					}
					want := format(s.Workbook().Styles, x.Style)
					in := false
					for _, rg := range o.Ranges {
						in = in || rg.Contains(r)
					}
					if in {
						if o.Anew {
							want = zero
						}
						want, _ = xf.Apply(want, zero, o.Settings)
					}
					if got := format(next.Workbook().Styles, y.Style); xf.Of(got) != xf.Of(want) {
						rt.Fatalf("%v looks\n%q and not\n%q", r, xf.Of(got), xf.Of(want))
					}
				}
			}
			s = next
		}
		e, err := Between(t.Context(), base, s)
		if err != nil {
			rt.Fatal(err)
		}
		again, _, err := base.Apply(t.Context(), e)
		if err != nil {
			rt.Fatal(err)
		}
		for row := range 10 {
			for col := range 7 {
				r := cell.Ref{Row: row, Col: col}
				x, y := stateAt(firstSheet(t, s), r), stateAt(firstSheet(t, again), r)
				if xf.Of(format(s.Workbook().Styles, x.Style)) != xf.Of(format(again.Workbook().Styles, y.Style)) {
					rt.Fatalf("%v looks otherwise when it is made again", r)
				}
			}
		}
	})
}

func firstSheet(t *testing.T, s *Snapshot) *grid.Sheet {
	sheet, err := s.Sheet(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return sheet
}

// oneSheet is a workbook of one sheet, Sheet1.
func oneSheet(t *testing.T, cells string) *Snapshot {
	return NewSnapshot("wb", "r", newBook(t, cells))
}

// TestFormatsAreShared: cells that come to look alike have one format, also where they came to it by
// different ways, and a format that is there is not made again.
func TestFormatsAreShared(t *testing.T) {
	s := oneSheet(t, "A1=1 B1=2")
	bold, red := xf.Settings{{Leaf: xf.FontBold, Value: "1"}}, xf.Settings{{Leaf: xf.FontColor, Value: "FFFF0000"}}
	a, b := cell.Range{}, cell.Range{First: cell.Ref{Col: 1}, Last: cell.Ref{Row: 2000, Col: 1}}
	had := len(s.Workbook().Styles.Xfs)
	s, _ = apply(t, s, Edit{Ops: []Op{
		FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{a}, Settings: bold}, FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{a}, Settings: red},
		FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{b}, Settings: red.Then(bold)},
	}})
	sheet := firstSheet(t, s)
	x, _ := sheet.At(cell.Ref{})
	y, _ := sheet.At(cell.Ref{Row: 2000, Col: 1})
	if x.Style != y.Style || len(s.Workbook().Styles.Xfs) != had+2 {
		t.Errorf("the cells have the formats %d and %d of %d", x.Style, y.Style, len(s.Workbook().Styles.Xfs))
	}
	back, _ := apply(t, s, Edit{Ops: []Op{FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{a, b}, Anew: true}}})
	if z, _ := firstSheet(t, back).At(cell.Ref{}); z.Style != 0 || back.Workbook() != s.Workbook() {
		t.Errorf("the default format is %d", z.Style)
	}
}

// TestFormatsOfOneBase: cells of several forks of one workbook that get the same settings stay as different as they were.
func TestFormatsOfOneBase(t *testing.T) {
	red := xf.Settings{{Leaf: xf.FontColor, Value: "FFFF0000"}}
	s, _ := apply(t, oneSheet(t, "A1=1 B1=2"), set(t, "Sheet1", "A1!0.00"))
	for _, c := range []struct {
		col  int
		want string
	}{{0, "0.00"}, {1, "General"}, {0, "0.00"}} {
		at := cell.Ref{Col: c.col}
		n, _ := apply(t, s, Edit{Ops: []Op{FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{{First: at, Last: at}}, Settings: red}}})
		if is := xf.Of(formatAt(n, firstSheet(t, n), at)); is[xf.NumberFormat] != c.want || is[xf.FontColor] != "FFFF0000" {
			t.Errorf("%v looks %q", at, is)
		}
	}
}

// TestTwoFormatsOfACell: of two edits of a cell the later has the say, and what it says nothing of is as the earlier says.
func TestTwoFormatsOfACell(t *testing.T) {
	s, _ := apply(t, oneSheet(t, "A1=1"), Edit{Ops: []Op{SetCells{Sheet: "Sheet1", Cells: []CellEdit{
		{Keep: true, Format: xf.Settings{{Leaf: xf.FontColor, Value: "FFFF0000"}, {Leaf: xf.FontBold, Value: xf.Yes}}},
		{Keep: true, Format: xf.Settings{{Leaf: xf.FontColor, Value: "FF0000FF"}}},
	}}}})
	if is := xf.Of(formatAt(s, firstSheet(t, s), cell.Ref{})); is[xf.FontColor] != "FF0000FF" || is[xf.FontBold] != xf.Yes {
		t.Errorf("it looks %q", is)
	}
}

// TestNewStyles: what is added to a style sheet, whether few formats are needed or many: each format once, none in the
// place of one that has another named style, each number format under an id of its own, and for each the style of the
// file that it was made of.
func TestNewStyles(t *testing.T) {
	settings := func(leaf xf.Leaf, value string) string {
		return string(appendSettings(nil, xf.Settings{{Leaf: leaf, Value: value}}))
	}
	bold, code := settings(xf.FontBold, xf.Yes), func(c string) string { return settings(xf.NumberFormat, c) }
	font := &grid.Font{Bold: true}
	base := &grid.Workbook{Styles: &grid.Styles{Xfs: []grid.Xf{
		{NumFmt: "General", NamedStyle: 0}, {NumFmt: "General", Font: font, NamedStyle: 1}, {NumFmt: "General", NamedStyle: 2},
		{NumFmt: "0.000", NumFmtID: 170, NamedStyle: 0}, {NumFmt: "0.0000", NumFmtID: 171, NamedStyle: 0}, {NumFmt: "0.00000", NumFmtID: 172, NamedStyle: 0},
	}}}
	for len(base.Styles.Formats) < len(base.Styles.Xfs) {
		base.Styles.Formats = append(base.Styles.Formats, numfmt.Compile(base.Styles.Xfs[len(base.Styles.Formats)].NumFmt))
	}
	had := uint32(len(base.Styles.Xfs))
	for name, needs := range map[string][]styleNeed{
		"few":  {{0, bold}, {0, code("0.0;-0.0")}, {2, code(`0" h"`)}},
		"many": {{0, bold}, {0, code("0.0;-0.0")}, {2, code(`0" h"`)}, {3, code("0.0;-0.0")}, {4, code("0.0;-0.0")}, {5, code("0.0;-0.0")}},
	} {
		s := withStyles(base, needs)
		list := s.book.Styles
		if len(list.Xfs) != int(had)+3 || len(list.Formats) != len(list.Xfs) || len(list.Derived) != 3 {
			t.Fatalf("%s: there are %d formats, %d of them compiled, and %d new", name, len(list.Xfs), len(list.Formats), len(list.Derived))
		}
		for _, n := range needs {
			if is, was := list.Xfs[s.at[n]], list.Xfs[n.style]; is.NamedStyle != was.NamedStyle {
				t.Errorf("%s: of a format of the style %d comes one of %d", name, was.NamedStyle, is.NamedStyle)
			}
		}
		if a, b := list.Xfs[s.at[needs[1]]].NumFmtID, list.Xfs[s.at[needs[2]]].NumFmtID; a != 173 || b != 174 {
			t.Errorf("%s: the new number formats have the ids %d and %d", name, a, b)
		}
		if !slices.Equal(list.Derived, []uint32{0, 0, 2}) {
			t.Errorf("%s: they were made of %d", name, list.Derived)
		}
		// A format that is made of the first new one was made of the same style of the file.
		more := withStyles(s.book, []styleNeed{{had, settings(xf.FontItalic, xf.Yes)}, {had + 2, bold}})
		if d := more.book.Styles.Derived; !slices.Equal(d[3:], []uint32{0, 2}) {
			t.Errorf("%s: those that were made of these were made of %d", name, d)
		}
	}
}

// TestStyleMemo: what is kept of the styles that edits made is bounded, by number and by size.
func TestStyleMemo(t *testing.T) {
	base := &grid.Workbook{Styles: &grid.Styles{Xfs: []grid.Xf{{NumFmt: "General"}}, Formats: []*numfmt.Format{numfmt.Compile("General")}}}
	var m styleMemo
	for i := range 3 * maxMemo {
		need := []styleNeed{{0, string(appendSettings(nil, xf.Settings{{Leaf: xf.FontName, Value: fmt.Sprint("Font ", i)}}))}}
		if a, b := m.with(base, need), m.with(base, need); a != b {
			t.Fatal("what was just made is made again")
		}
		if len(m.made) > maxMemo {
			t.Fatalf("%d are kept", len(m.made))
		}
	}
	clear(m.made)
	long := []styleNeed{{0, string(appendSettings(nil, xf.Settings{{Leaf: xf.NumberFormat, Value: `"` + strings.Repeat("x", maxMemoKey) + `"`}}))}}
	if m.with(base, long); len(m.made) > 0 {
		t.Error("a long key is kept")
	}
}

// TestManyFormats: formats of more cells than are changed at once are those that as many small changes give, every cell has
// them, and they are given up soon after the call is.
func TestManyFormats(t *testing.T) {
	const rows = 3 // of as many cells as a row has
	s := oneSheet(t, "A1=1 B2='x D2==A1*2 XFD3=9")
	bold, red := xf.Settings{{Leaf: xf.FontBold, Value: "1"}}, xf.Settings{{Leaf: xf.FontColor, Value: "FFFF0000"}}
	row := func(first, last int) cell.Range {
		return cell.Range{First: cell.Ref{Row: first}, Last: cell.Ref{Row: last, Col: cell.MaxCols - 1}}
	}
	for _, c := range []struct {
		name  string
		of    func(first, last int) Op
		looks xf.Settings
	}{
		{"cells", func(first, last int) Op {
			return FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{row(first, last), row(first, first)}, Settings: bold}
		}, bold},
		{"lines", func(first, last int) Op {
			return FormatLines{Sheet: "Sheet1", Rows: true, Spans: []Lines{{first, last}}, Settings: red}
		}, bold.Then(red)},
	} {
		before := firstSheet(t, s)
		many, set := apply(t, s, Edit{Ops: []Op{c.of(0, rows-1)}})
		if set.Edited != rows*cell.MaxCols {
			t.Errorf("%s: %d changed", c.name, set.Edited)
		}
		var byRow []Op
		for i := range rows {
			byRow = append(byRow, c.of(i, i))
		}
		small, _ := apply(t, s, Edit{Ops: byRow})
		if got, want := show(t, many, 0), show(t, small, 0); got != want {
			t.Errorf("%s: %.100s, want %.100s", c.name, got, want)
		}
		is := firstSheet(t, many)
		zero := format(s.Workbook().Styles, 0)
		want, _ := xf.Apply(zero, zero, c.looks)
		wrong, style := 0, stateAt(is, cell.Ref{}).Style
		for i := range rows {
			for col := range cell.MaxCols {
				r := cell.Ref{Row: i, Col: col}
				x, y := stateAt(before, r), stateAt(is, r)
				if y.Style != style || x.Value != y.Value || x.Formula != y.Formula {
					wrong++
				}
			}
		}
		if got := format(many.Workbook().Styles, style); xf.Of(got) != xf.Of(want) {
			t.Errorf("%s: A1 looks\n%q and not\n%q", c.name, xf.Of(got), xf.Of(want))
		}
		if wrong > 0 {
			t.Errorf("%s: %d cells are otherwise than they should be", c.name, wrong)
		}
		s = many
	}
	over, end := context.WithCancel(t.Context())
	end()
	d, changed := &draft{ctx: over}, 0
	_, err := d.formatted(firstSheet(t, s), func(yield func(cell.Ref, uint32) bool) {
		for i := 0; i < 10*changedAtOnce && yield(cell.Ref{Row: i}, 0); i++ {
			changed++
		}
	})
	if !errors.Is(err, context.Canceled) || changed > changedAtOnce {
		t.Errorf("after its call had ended %d were looked at: %v", changed, err)
	}
}

// TestFormatRefused: what cannot be is refused and changes nothing.
func TestFormatRefused(t *testing.T) {
	s := oneSheet(t, "A1=1")
	all := cell.Range{Last: cell.Ref{Row: cell.MaxRows - 1, Col: 9}}
	column := func(col int) cell.Range {
		return cell.Range{First: cell.Ref{Col: col}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: col}}
	}
	for _, c := range []struct {
		op   FormatCells
		code Code
	}{
		{FormatCells{Sheet: "none", Ranges: []cell.Range{{}}}, SheetNotFound},
		{FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{all}}, TooMany},
		{FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{column(0), column(1), column(2)}}, TooMany}, // together
		{FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{{First: cell.Ref{Row: 3}}}}, BadCell},
		{FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{{Last: cell.Ref{Row: cell.MaxRows}}}}, BadCell},
		{FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{{}}, Settings: xf.Settings{{Leaf: xf.FontColor, Value: "red"}}}, BadFormat},
		{FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{{}}, Settings: xf.Settings{{Leaf: 200}}}, BadFormat},
	} {
		_, _, err := s.Apply(t.Context(), Edit{Ops: []Op{c.op}})
		var e *Error
		if !errors.As(err, &e) || e.Code != c.code {
			t.Errorf("%+v: %v", c.op, err)
		}
	}
}
