package genbook_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/ziptest"
)

// build writes b to memory.
func build(t testing.TB, b *genbook.Book) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// open reads a package with another reader than ours.
func open(t testing.TB, data []byte) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Whatever is written is what another reader reads, cell by cell.
func TestRoundTrip(t *testing.T) {
	value := rapid.OneOf(
		rapid.Just(cell.Value{}),
		rapid.Map(rapid.Float64Range(-1e300, 1e300), cell.NumberValue),
		rapid.Map(rapid.Float64Range(-1e6, 1e6), cell.NumberValue),
		rapid.Map(rapid.Int64Range(-1e14, 1e14), func(n int64) cell.Value { return cell.NumberValue(float64(n)) }),
		rapid.Map(rapid.StringMatching(`[ a-z<>&"'äß漢🙂]{0,12}`), cell.TextValue),
		rapid.Map(rapid.Bool(), cell.BoolValue),
		rapid.Map(rapid.SampledFrom([]cell.ErrorCode{cell.ErrNA, cell.ErrDiv0, cell.ErrName}), cell.ErrorValue),
	)
	rapid.Check(t, func(rt *rapid.T) {
		grid := rapid.SliceOfN(rapid.SliceOfN(value, 0, 6), 1, 6).Draw(rt, "grid")
		long := rapid.Bool().Draw(rt, "17 digits")
		inline := rapid.Bool().Draw(rt, "inline")
		b := &genbook.Book{}
		b.AddSheet(&genbook.Sheet{Name: "Sheet1", Dimension: cell.RangeOf(cell.Ref{}, cell.Ref{Row: 5, Col: 5}), Rows: func(w *genbook.Writer) error {
			for r, row := range grid {
				w.Row(r)
				for c, v := range row {
					switch {
					case v.Kind() == cell.Number && long:
						w.Number17(c, 0, v.Number())
					case v.Kind() == cell.Text && inline:
						w.Inline(c, 0, v.Text())
					default:
						w.Value(c, 0, v)
					}
				}
			}
			return nil
		}})
		data := build(t, b)
		ziptest.WellFormed(t, data)
		f := open(t, data)
		for r, row := range grid {
			for c, want := range row {
				ref := cell.Ref{Row: r, Col: c}.String()
				got, err := f.GetCellValue("Sheet1", ref, excelize.Options{RawCellValue: true})
				if err != nil {
					rt.Fatal(err)
				}
				if want.Kind() == cell.Number {
					n, err := strconv.ParseFloat(got, 64)
					if err != nil || n != want.Number() {
						rt.Fatalf("%s: wrote %v, read %q", ref, want.Number(), got)
					}
					continue
				}
				text := want.String()
				if want.Kind() == cell.Bool {
					text = strconv.Itoa(int(want.Number()))
				}
				if got != text {
					rt.Fatalf("%s: wrote %v %q, read %q", ref, want.Kind(), text, got)
				}
			}
		}
	})
}

// Every kind of feature is read back as declared.
func TestFeatures(t *testing.T) {
	b := &genbook.Book{Title: "Features & more", Creator: "Test", CalcChain: true, Created: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)}
	pct := b.Style(genbook.Style{Format: "0.0%", Bold: true, Fill: "FFFF00", Border: "thin", Align: "center"})
	if again := b.Style(genbook.Style{Format: "0.0%", Bold: true, Fill: "FFFF00", Border: "thin", Align: "center"}); again != pct || pct == 0 {
		t.Fatalf("equal looks have styles %d and %d", pct, again)
	}
	at := func(s string) cell.Range { r, _ := cell.ParseRange(s); return r }
	b.AddSheet(&genbook.Sheet{Name: "Ünder \"quotes\"", Visibility: genbook.Hidden})
	b.AddSheet(&genbook.Sheet{
		Name: "Main", Dimension: at("A1:C6"), Freeze: cell.Ref{Row: 1}, TabColor: "FF0000",
		Columns: []genbook.Column{{First: 1, Last: 1, Width: 30, Hidden: true}},
		Merges:  []cell.Range{at("A5:C5")},
		Tables: []genbook.Table{{Name: "Tab", Range: at("A1:C4"), Totals: true, Columns: []genbook.TableColumn{
			{Name: "x", TotalLabel: "Total"}, {Name: "y"}, {Name: "z", Formula: "Tab[[#This Row],[x]]*2", Total: "sum"}}}},
		Comments:    []genbook.Comment{{Ref: cell.Ref{Row: 1, Col: 1}, Author: "Ann", Text: "a < b\nnew line"}},
		Validations: []genbook.Validation{{Range: "B2:B3", Kind: "list", Formula1: `"red,green"`, AllowBlank: true, Prompt: "pick"}},
		Conditional: []genbook.Conditional{
			{Range: "A2:A3", Kind: "cellIs", Operator: "greaterThan", Formulas: []string{"1"}, Look: genbook.Style{Color: "FF0000"}},
			{Range: "C2:C3", Kind: "colorScale", Colors: []string{"FF0000", "FFFF00", "00FF00"}},
		},
		Rows: func(w *genbook.Writer) error {
			w.Row(0)
			for i, h := range []string{"x", "y", "z"} {
				w.Text(i, 0, h)
			}
			w.Row(1)
			w.Number(0, pct, 0.125)
			w.Date(1, 0, time.Date(2026, 1, 2, 6, 0, 0, 0, time.UTC))
			w.SharedFormula(2, 0, 0, at("C2:C3"), "A2*2", cell.NumberValue(0.25))
			w.RowWith(2, genbook.RowOptions{Hidden: true, Height: 30})
			w.Int(0, 0, 4)
			w.Shared(2, 0, 0, cell.NumberValue(8))
			w.Row(3)
			w.Text(0, 0, "Total")
			w.Formula(2, 0, "SUBTOTAL(109,Tab[z])", cell.NumberValue(8.25))
			w.Row(4)
			w.ArrayFormula(0, 0, at("A5"), "SUM(A2:A3*C2:C3)", cell.NumberValue(32.03125))
			return nil
		},
	})
	b.AddSheet(&genbook.Sheet{Name: "Deep", Visibility: genbook.VeryHidden})
	b.Names = []genbook.Name{{Name: "rate", Refers: "Main!$A$2"}, {Name: "local", Refers: "Main!$A$3", Sheet: "Main"}}
	data := build(t, b)
	ziptest.WellFormed(t, data)
	f := open(t, data)

	check := func(what string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
	must := func(v any, err error) any {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return v
	}
	check("sheets", f.GetSheetList(), []string{"Ünder \"quotes\"", "Main", "Deep"})
	check("active sheet", f.GetSheetName(f.GetActiveSheetIndex()), "Main")
	check("hidden sheet", must(f.GetSheetVisible("Deep")), false)
	check("dimension", must(f.GetSheetDimension("Main")), "A1:C6")
	check("shown text", must(f.GetCellValue("Main", "A2")), "12.5%")
	check("date serial", must(f.GetCellValue("Main", "B2", excelize.Options{RawCellValue: true})), "46024.25")
	check("shared formula", must(f.GetCellFormula("Main", "C3")), "A3*2")
	check("shared value", must(f.GetCellValue("Main", "C3")), "8")
	check("hidden row", must(f.GetRowVisible("Main", 3)), false)
	check("row height", must(f.GetRowHeight("Main", 3)), 30)
	check("hidden column", must(f.GetColVisible("Main", "B")), false)
	check("column width", must(f.GetColWidth("Main", "B")), 30)
	merges, _ := f.GetMergeCells("Main")
	check("merges", len(merges), 1)
	tables, _ := f.GetTables("Main")
	if len(tables) != 1 || tables[0].Name != "Tab" || tables[0].Range != "A1:C4" {
		t.Errorf("tables: %+v", tables)
	}
	notes, _ := f.GetComments("Main")
	if len(notes) != 1 || notes[0].Cell != "B2" || notes[0].Author != "Ann" || len(notes[0].Paragraph) != 2 || notes[0].Paragraph[1].Text != "\na < b\nnew line" {
		t.Errorf("comments: %+v", notes)
	}
	rules, _ := f.GetDataValidations("Main")
	if len(rules) != 1 || rules[0].Type != "list" || rules[0].Sqref != "B2:B3" {
		t.Errorf("validations: %+v", rules)
	}
	formats, _ := f.GetConditionalFormats("Main")
	check("conditional formats", len(formats), 2)
	check("names", len(f.GetDefinedName()), 2)
	props, _ := f.GetDocProps()
	check("title", props.Title, "Features & more")
	check("created", props.Created, "2026-02-03T04:05:06Z")
}

// The generator's own mistakes are errors, not broken workbooks.
func TestRefused(t *testing.T) {
	sheet := func(name string, rows func(*genbook.Writer) error) *genbook.Sheet {
		return &genbook.Sheet{Name: name, Rows: rows}
	}
	own := errors.New("own error")
	tests := map[string]struct {
		sheets []*genbook.Sheet
		want   string
	}{
		"no sheet":      {nil, "at least one sheet"},
		"none visible":  {[]*genbook.Sheet{{Name: "a", Visibility: genbook.Hidden}}, "visible"},
		"name twice":    {[]*genbook.Sheet{{Name: "a"}, {Name: "A"}}, "twice"},
		"bad name":      {[]*genbook.Sheet{{Name: "a/b"}}, "refuses"},
		"long name":     {[]*genbook.Sheet{{Name: strings.Repeat("x", 32)}}, "31"},
		"merges meet":   {[]*genbook.Sheet{{Name: "a", Merges: []cell.Range{cell.RangeOf(cell.Ref{}, cell.Ref{Col: 2}), cell.RangeOf(cell.Ref{Col: 2}, cell.Ref{Row: 1, Col: 2})}}}, "overlap"},
		"row again":     {[]*genbook.Sheet{sheet("a", func(w *genbook.Writer) error { w.Row(3); w.Row(3); return nil })}, "row 3 after row 3"},
		"column before": {[]*genbook.Sheet{sheet("a", func(w *genbook.Writer) error { w.Row(0); w.Int(2, 0, 1); w.Int(1, 0, 1); return nil })}, "column 1 after column 2"},
		"no row":        {[]*genbook.Sheet{sheet("a", func(w *genbook.Writer) error { w.Int(0, 0, 1); return nil })}, "row -1"},
		"NaN":           {[]*genbook.Sheet{sheet("a", func(w *genbook.Writer) error { w.Row(0); w.Number(0, 0, math.NaN()); return nil })}, "no spreadsheet number"},
		"rows fail":     {[]*genbook.Sheet{sheet("a", func(*genbook.Writer) error { return own })}, "own error"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := &genbook.Book{Sheets: tt.sheets}
			err := b.Write(io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// The 1904 date system shifts the serials of a workbook by 1462 days.
func TestSerial(t *testing.T) {
	day := time.Date(2026, 11, 24, 12, 0, 0, 0, time.FixedZone("x", 7200))
	if got := (&genbook.Book{}).Serial(day); got != 46350.5 {
		t.Errorf("1900: got %v", got)
	}
	if got := (&genbook.Book{Date1904: true}).Serial(day); got != 46350.5-1462 {
		t.Errorf("1904: got %v", got)
	}
}

// A Grid is written in the file's order, whatever order it was set in.
func TestGrid(t *testing.T) {
	var g genbook.Grid
	g.Set("C3", 0, "last")
	g.Formula("B1", 0, "A1*2", 5)
	g.Set("A1", 0, 2.5)
	g.Set("B2", 0, false)
	g.Set("A2", 0, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	g.Set("A3", 0, cell.ErrNA)
	g.Set("A3", 0, cell.ErrNum)
	g.Row(2, genbook.RowOptions{Hidden: true})
	b := &genbook.Book{}
	s := b.AddSheet(g.Fill(&genbook.Sheet{Name: "S"}))
	if s.Dimension.String() != "A1:C3" {
		t.Errorf("dimension %v", s.Dimension)
	}
	f := open(t, build(t, b))
	rows, err := f.GetRows("S", excelize.Options{RawCellValue: true})
	if got := fmt.Sprint(rows); err != nil || got != "[[2.5 5] [46023 0] [#NUM!  last]]" {
		t.Errorf("rows %s (%v)", got, err)
	}
	if shown, _ := f.GetRowVisible("S", 2); shown {
		t.Error("row 2 is shown")
	}
	var bad genbook.Grid
	bad.Set("no address", 0, 1)
	if err := (&genbook.Book{Sheets: []*genbook.Sheet{bad.Fill(&genbook.Sheet{Name: "S"})}}).Write(io.Discard); err == nil {
		t.Error("a bad address was written")
	}
}
