package book

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
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
	for _, c := range []struct {
		op   FormatCells
		code Code
	}{
		{FormatCells{Sheet: "none", Ranges: []cell.Range{{}}}, SheetNotFound},
		{FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{all}}, TooMany},
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
