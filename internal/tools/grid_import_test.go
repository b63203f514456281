package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xf"
	"gridflow/internal/xf/xftest"
)

// exportText gives what grid_export says of a range.
func exportText(t interface{ Fatal(...any) }, profile Profile, snap *book.Snapshot, sheet, rng string) string {
	out, err := exportGrid(context.Background(), &Env{Profile: profile}, snap, gridExportIn{Sheet: sheet, Range: rng})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := appendJSON(nil, out, 0)
	return string(b)
}

// importGrid puts a payload into a snapshot.
func importGrid(t interface{ Fatal(...any) }, snap *book.Snapshot, sheet int, anchor, payload string, clear bool) *book.Snapshot {
	n, err := parseJSON(json.RawMessage(payload))
	if err != nil {
		t.Fatal(err)
	}
	to, _ := cell.ParseRef(anchor)
	g, err := readGrid(n, to)
	if err != nil {
		t.Fatal(err)
	}
	b := &batch{ctx: context.Background(), snap: snap, policy: "fail", counts: map[string]int{}}
	if err := g.put(b, sheet, clear); err != nil {
		t.Fatal(err)
	}
	return b.snap
}

// TestGridRoundTrip: what is imported is what was exported, in values, formulas, formats, widths and merges: in its own place
// nothing changes, and at another anchor merges move with it (fault 10 of spreadsheet-mcp: they stayed).
func TestGridRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newTestBook()
		b.wb.Sheets, b.sheets, b.partial = nil, nil, nil
		tb := &testing.T{}
		b.addSheet(tb, "From", "1")
		b.addSheet(tb, "To", strings.Join([]string{"7|8", "{box}9|=A1 := 7", "@merge A1:B1", "@merge C9:D9"}, "\n"))
		snap := book.NewSnapshot("wb", "r", b)
		op := book.SetCells{Sheet: "From"}
		for range rapid.IntRange(1, 12).Draw(t, "cells") {
			c := book.CellEdit{Ref: cell.Ref{Row: rapid.IntRange(0, 5).Draw(t, "row"), Col: rapid.IntRange(0, 5).Draw(t, "col")}}
			switch rapid.IntRange(0, 6).Draw(t, "kind") {
			case 0:
				c.Value = cell.NumberValue(rapid.SampledFrom([]float64{0, -1.5, 1e300, 46082, 46082.123456789, 0.25, math.Pi}).Draw(t, "number"))
			case 1:
				c.Value = cell.TextValue(rapid.SampledFrom([]string{"", "a", "007", "2026-03-01", "12:30", "#N/A", "TRUE", "=A1", " x\n\"", "é"}).Draw(t, "text"))
			case 2:
				c.Value = cell.BoolValue(rapid.Bool().Draw(t, "bool"))
			case 3:
				c.Value = cell.ErrorValue(rapid.SampledFrom([]cell.ErrorCode{cell.ErrNA, cell.ErrDiv0}).Draw(t, "error"))
			case 4:
				c.HasFormula, c.Formula = true, rapid.SampledFrom([]string{"A1+1", "SUM($A$1:B2)", "To!A1", `"a"&B1`}).Draw(t, "formula")
			case 5:
				c.Keep = true
			default:
				c.Clear = true
			}
			c.NumFmt = rapid.SampledFrom([]string{"", "yyyy-mm-dd", "0.00", "h:mm", "@"}).Draw(t, "format")
			op.Cells = append(op.Cells, c)
		}
		ops := []book.Op{op}
		for range rapid.IntRange(0, 3).Draw(t, "looks") {
			r := cell.Range{First: cell.Ref{Row: rapid.IntRange(0, 4).Draw(t, "row"), Col: rapid.IntRange(0, 4).Draw(t, "col")}}
			r.Last = cell.Ref{Row: r.First.Row + 1, Col: r.First.Col + 1}
			if s := xftest.Settings.Draw(t, "look"); len(s) > 0 {
				ops = append(ops, book.FormatCells{Sheet: "From", Ranges: []cell.Range{r}, Settings: s})
			}
		}
		snap, _, err := snap.Apply(context.Background(), book.Edit{Ops: ops})
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "merged") {
			made := &batch{ctx: context.Background(), snap: snap, counts: map[string]int{}}
			if err := made.mergeCells(0, cell.RangeOf(cell.Ref{Row: 1, Col: 1}, cell.Ref{Row: 2, Col: 3})); err != nil {
				t.Fatal(err)
			}
			snap = made.snap
		}
		was := exportText(t, Dense, snap, "From", "A1:H9")
		// In its own place.
		if is := exportText(t, Dense, importGrid(t, snap, 0, anchorOf(t, was), was, rapid.Bool().Draw(t, "clear")), "From", "A1:H9"); is != was {
			t.Fatalf("imported where it was, it is\n%s\nand not\n%s", is, was)
		}
		// On another sheet, at another place.
		row, col := rapid.IntRange(0, 9).Draw(t, "down"), rapid.IntRange(0, 9).Draw(t, "right")
		from, _ := cell.ParseRef(anchorOf(t, was))
		to := cell.Ref{Row: row, Col: col}
		after := importGrid(t, snap, 1, to.String(), was, true)
		sheet, err := after.Sheet(context.Background(), 1)
		if err != nil {
			t.Fatal(err)
		}
		source, _ := snap.Sheet(context.Background(), 0)
		cells := exportText(t, Compat, snap, "From", "A1:H9")
		for r := range 8 {
			for c := range 8 {
				a, b := cell.Ref{Row: from.Row + r, Col: from.Col + c}, cell.Ref{Row: to.Row + r, Col: to.Col + c}
				x, okX := source.At(a)
				y, okY := sheet.At(b)
				if inGrid(t, cells, r, c) && (x.Value != y.Value && !x.HasFormula() || book.FormulaText(source, x) != book.FormulaText(sheet, y) || !okX || !okY) {
					t.Fatalf("%v is %v (%s), and %v is %v (%s): %s", a, x.Value, book.FormulaText(source, x), b, y.Value, book.FormulaText(sheet, y), was)
				}
			}
		}
		merged := false
		for _, m := range sheet.Layout.Merges {
			merged = merged || m == cell.RangeOf(cell.Ref{Row: 1 + to.Row - from.Row, Col: 1 + to.Col - from.Col}, cell.Ref{Row: 2 + to.Row - from.Row, Col: 3 + to.Col - from.Col})
		}
		if want := strings.Contains(was, `"merges"`); merged != want {
			t.Fatalf("the merges are %v", sheet.Layout.Merges)
		}
	})
}

func anchorOf(t interface{ Fatal(...any) }, payload string) string {
	n, err := parseJSON(json.RawMessage(payload))
	if err != nil {
		t.Fatal(err)
	}
	return n.member("anchor").text
}

func inGrid(t interface{ Fatal(...any) }, payload string, row, col int) bool {
	return strings.Contains(payload, fmt.Sprintf(`"offset":[%d,%d]`, row, col))
}

// TestGridBase: into a workbook whose cells look otherwise without a format, one comes as it was: what it does not say the base says.
func TestGridBase(t *testing.T) {
	from := newTestBook()
	from.addSheet(t, "S", "1|2")
	snap, _, err := book.NewSnapshot("wb", "r", from).Apply(t.Context(), book.Edit{Ops: []book.Op{book.FormatCells{Sheet: "S", Ranges: []cell.Range{{}}, Settings: xf.Settings{{Leaf: xf.FontBold, Value: xf.Yes}}}}})
	if err != nil {
		t.Fatal(err)
	}
	payload := exportText(t, Dense, snap, "S", "A1:B1")
	other := newTestBook()
	other.addSheet(t, "S", "")
	styles := *other.wb.Styles
	styles.Xfs = slices.Clone(styles.Xfs)
	styles.Xfs[0].Font = &grid.Font{Name: "Arial", Size: 20, Italic: true}
	other.wb.Styles = &styles
	to := importGrid(t, book.NewSnapshot("wb2", "r", other), 0, "A1", payload, false)
	look := func(s *book.Snapshot) xf.Leaves {
		sheet, err := s.Sheet(t.Context(), len(s.Workbook().Sheets)-1)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := sheet.At(cell.Ref{})
		return xf.Of(s.Workbook().Styles.Xfs[c.Style])
	}
	if was, is := look(snap), look(to); was != is {
		t.Errorf("%s became\n%v, and was\n%v", payload, is, was)
	}
}
