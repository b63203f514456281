package write

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
	"gridflow/internal/xlsx"
	"gridflow/internal/ziptest"
)

// TestReadBack writes random workbooks and reads them with our reader.
func TestReadBack(t *testing.T) {
	values := rapid.OneOf(
		rapid.Map(rapid.Float64(), cell.NumberValue),
		rapid.Map(rapid.IntRange(-5, 100), func(i int) cell.Value { return cell.NumberValue(float64(i)) }),
		rapid.Map(rapid.String(), cell.TextValue),
		rapid.Map(rapid.SampledFrom([]string{"", " a ", "_x0041_", "a\nb", "<&>\"'", "same", "same"}), cell.TextValue),
		rapid.Map(rapid.Bool(), cell.BoolValue),
		rapid.Just(cell.ErrorValue(cell.ErrNA)),
		rapid.Just(cell.Value{}),
	)
	codes := []string{"General", "0.00%", "yyyy-mm-dd", `"a<b"0`, "[$-409]d mmm yyyy", "[h]:mm"}
	rapid.Check(t, func(t *rapid.T) {
		var out bytes.Buffer
		options := Options{SharedStrings: rapid.Bool().Draw(t, "shared")}
		if rapid.Bool().Draw(t, "1904") {
			options.Dates = numfmt.Date1904
		}
		w := New(context.Background(), &out, options)
		type written struct {
			value   cell.Value
			formula string
			style   string
		}
		var names []string
		var want []map[cell.Ref]written
		for i := range rapid.IntRange(1, 4).Draw(t, "sheets") {
			name := fmt.Sprintf("%s %d", rapid.StringMatching(`[a-zA-Zé<&"]{1,9}`).Draw(t, "name"), i)
			s, err := w.Sheet(name)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
			m := make(map[cell.Ref]written)
			row := -1
			for range rapid.IntRange(0, 6).Draw(t, "rows") {
				row += rapid.IntRange(1, 900).Draw(t, "step")
				var cells []Cell
				col := -1
				for range rapid.IntRange(0, 6).Draw(t, "cells") {
					col += rapid.SampledFrom([]int{1, 1, 2, 30, 700}).Draw(t, "step")
					code := rapid.SampledFrom(codes).Draw(t, "code")
					style, err := w.Style(code)
					if err != nil {
						t.Fatal(err)
					}
					c := Cell{Col: col, Style: style, Value: values.Draw(t, "value")}
					if rapid.IntRange(0, 4).Draw(t, "formula") == 0 {
						c.HasFormula, c.Formula, c.HasValue = true, `A1&"<x>"`, rapid.Bool().Draw(t, "known")
					}
					cells = append(cells, c)
					v := written{c.Value, c.Formula, code}
					if c.HasFormula && !c.HasValue {
						v.value = cell.Value{}
					}
					m[cell.Ref{Row: row, Col: col}] = v
				}
				if err := s.WriteRow(row, cells); err != nil {
					t.Fatal(err)
				}
			}
			want = append(want, m)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}

		f, err := xlsx.Open(context.Background(), bytes.NewReader(out.Bytes()), int64(out.Len()), xlsx.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		book := f.Workbook()
		if len(book.Sheets) != len(names) || book.Dates != options.Dates {
			t.Fatalf("%d sheets, dates %v", len(book.Sheets), book.Dates)
		}
		for i, m := range want {
			if book.Sheets[i].Name != names[i] {
				t.Fatalf("sheet %q is called %q", names[i], book.Sheets[i].Name)
			}
			s, err := f.Sheet(context.Background(), i, cell.MaxRows-1)
			if err != nil {
				t.Fatal(err)
			}
			for r, v := range m {
				c, ok := s.At(r)
				if !ok && v.value.IsBlank() && v.formula == "" && v.style == "General" {
					continue
				}
				got := written{s.Value(r), s.Formula(c).Text, book.Styles.Xfs[c.Style].NumFmt}
				if got != v {
					t.Fatalf("cell %v: got %+v, want %+v", r, got, v)
				}
			}
			for c := range s.Cells(cell.WholeSheet) {
				if _, ok := m[c.Ref]; !ok {
					t.Fatalf("cell %v was not written", c.Ref)
				}
			}
		}
		ziptest.WellFormed(t, out.Bytes())
	})
}

// TestExcelize reads what was written with another library.
func TestExcelize(t *testing.T) {
	for _, shared := range []bool{false, true} {
		var out bytes.Buffer
		w := New(context.Background(), &out, Options{SharedStrings: shared})
		for _, name := range []string{"One", "Two & more"} {
			s, err := w.Sheet(name)
			if err != nil {
				t.Fatal(err)
			}
			for row := range 3 {
				if err := s.WriteRow(2*row, []Cell{{Col: 0, Value: cell.NumberValue(46_000.5), Style: DateTime}, {Col: 2, Value: cell.TextValue(" text <" + name)}, {Col: 3, Value: cell.NumberValue(0.125), Style: Percent2},
					{Col: 4, HasFormula: true, Formula: "1+1", HasValue: true, Value: cell.NumberValue(2)}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := excelize.OpenReader(&out)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"One", "Two & more"} {
			for ref, want := range map[string]string{"A1": "2025-12-09 12:00:00", "C3": " text <" + name, "D5": "12.50%", "E1": "2", "A2": ""} {
				if got, err := f.GetCellValue(name, ref); err != nil || got != want {
					t.Errorf("%s, %s: got %q, want %q, error %v", name, ref, got, want, err)
				}
			}
			if got, err := f.GetCellFormula(name, "E3"); err != nil || got != "1+1" {
				t.Errorf("formula %q, error %v", got, err)
			}
		}
		f.Close()
	}
}

// TestRefused lists what is refused, and that the workbook goes on without it.
func TestRefused(t *testing.T) {
	var out bytes.Buffer
	w := New(context.Background(), &out, Options{})
	refused := func(what string, err error) {
		t.Helper()
		var e *xlsx.Error
		if !errors.As(err, &e) || e.Code != xlsx.InvalidEdit {
			t.Errorf("%s: error %v", what, err)
		}
	}
	for _, name := range []string{"", strings.Repeat("x", 32), strings.Repeat("\U0001F600", 16), "a/b", "a[b", "a\x00", "\xff", "'a", "a'", "history"} {
		_, err := w.Sheet(name)
		refused(fmt.Sprintf("sheet %q", name), err)
	}
	s, err := w.Sheet("Sheet")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Sheet("SHEET")
	refused("the same name", err)
	_, err = w.Style("[Red")
	refused("a number format", err)
	if err := s.WriteRow(5, []Cell{{Col: 1, Value: cell.NumberValue(1)}}); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string][]Cell{
		"NaN":              {{Value: cell.NumberValue(math.NaN())}},
		"a style":          {{Style: 4000}},
		"an empty formula": {{HasFormula: true}},
		"a column twice":   {{Col: 1}, {Col: 1}},
		"a column":         {{Col: cell.MaxCols}},
		"below zero":       {{Col: -1}},
		"a long text":      {{Value: cell.TextValue(strings.Repeat("x", 32768))}},
	} {
		refused(what, s.WriteRow(6, c))
	}
	refused("the row again", s.WriteRow(5, nil))
	refused("a row that is none", s.WriteRow(cell.MaxRows, nil))
	if err := s.WriteRow(6, []Cell{{Col: 1, Value: cell.NumberValue(2)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sheet("Other"); err != nil {
		t.Fatal(err)
	}
	if err := s.WriteRow(7, nil); err == nil {
		t.Error("a sheet is written to after the next has begun")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if _, err := w.Sheet("Late"); err == nil {
		t.Error("a sheet begins after the end")
	}
	f, err := xlsx.Open(context.Background(), bytes.NewReader(out.Bytes()), int64(out.Len()), xlsx.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := f.Sheet(context.Background(), 0, cell.MaxRows-1)
	if err != nil || sheet.StoredCells() != 2 {
		t.Errorf("%d cells, error %v", sheet.StoredCells(), err)
	}
	refused("no sheets", New(context.Background(), io.Discard, Options{}).Close())
}

type fullDisk struct{ left int }

var errFull = errors.New("the disk is full")

func (f *fullDisk) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// TestFails: a writer's error comes out, at Close at the latest.
func TestFails(t *testing.T) {
	for left := 0; left < 3000; left += 111 {
		w := New(context.Background(), &fullDisk{left}, Options{})
		s, err := w.Sheet("S")
		rnd := rand.New(rand.NewPCG(1, 1))
		for row := 0; err == nil && row < 400; row++ {
			err = s.WriteRow(row, []Cell{{Value: cell.NumberValue(rnd.Float64())}})
		}
		if err := w.Close(); !errors.Is(err, errFull) {
			t.Fatalf("after %d bytes: error %v", left, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w := New(ctx, io.Discard, Options{})
	if _, err := w.Sheet("S"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}

// Benchmark writes a million cells of the kinds that a business system exports, with texts in
// the cells, with shared strings, and with excelize's StreamWriter.
func Benchmark(b *testing.B) {
	const rows = 100_000
	names := make([]string, 50_000)
	for i := range names {
		names[i] = fmt.Sprintf("Customer %d, Street %d, City", i*7919%50_000, i%300)
	}
	row := func(r int, cells []Cell) []Cell {
		cells = cells[:0]
		add := func(v cell.Value, s Style) { cells = append(cells, Cell{Col: len(cells), Value: v, Style: s}) }
		add(cell.NumberValue(float64(100_000+r)), 0)
		add(cell.NumberValue(float64(r*31%5000)), 0)
		add(cell.NumberValue(float64(r*7919%2_000_000)/100), Decimal)
		add(cell.NumberValue(math.Sqrt(float64(r+1))), 0)
		add(cell.TextValue(names[r%50_000]), 0)
		add(cell.TextValue(names[r*13%50_000]), 0)
		add(cell.NumberValue(float64(43_831+r%2400)), Date)
		add(cell.NumberValue(43_831+float64(r)/1440), DateTime)
		add(cell.BoolValue(r%3 > 0), 0)
		add(cell.NumberValue(float64(r%100)), 0)
		return cells
	}
	ours := func(options Options) func(*testing.B) {
		return func(b *testing.B) {
			var size counting
			cpu := processorTime()
			for b.Loop() {
				size = 0
				w := New(context.Background(), &size, options)
				s, err := w.Sheet("S")
				if err != nil {
					b.Fatal(err)
				}
				var cells []Cell
				for r := range rows {
					cells = row(r, cells)
					if err := s.WriteRow(r, cells); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((processorTime()-cpu).Seconds()*1e3/float64(b.N), "cpu-ms")
			b.ReportMetric(float64(size)/1e6, "MB")
		}
	}
	b.Run("inline", ours(Options{}))
	b.Run("shared", ours(Options{SharedStrings: true}))
	b.Run("excelize", func(b *testing.B) {
		var size counting
		cpu := processorTime()
		for b.Loop() {
			size = 0
			f := excelize.NewFile()
			s, err := f.NewStreamWriter("Sheet1")
			if err != nil {
				b.Fatal(err)
			}
			var cells []Cell
			values := make([]any, 10)
			for r := range rows {
				cells = row(r, cells)
				for i := range cells {
					switch v := cells[i].Value; v.Kind() {
					case cell.Number:
						values[i] = v.Number()
					case cell.Text:
						values[i] = v.Text()
					case cell.Bool:
						values[i] = v.Bool()
					}
				}
				at, _ := excelize.CoordinatesToCellName(1, r+1)
				if err := s.SetRow(at, values); err != nil {
					b.Fatal(err)
				}
			}
			if err := s.Flush(); err != nil {
				b.Fatal(err)
			}
			if err := f.Write(&size); err != nil {
				b.Fatal(err)
			}
			f.Close()
		}
		b.ReportMetric((processorTime()-cpu).Seconds()*1e3/float64(b.N), "cpu-ms")
		b.ReportMetric(float64(size)/1e6, "MB")
	})
}

type counting int64

func (c *counting) Write(b []byte) (int, error) {
	*c += counting(len(b))
	return len(b), nil
}
