package genbook_test

import (
	"bytes"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/ziptest"
)

func workload(t testing.TB, name string, scale float64) []byte {
	t.Helper()
	for _, l := range genbook.Workloads {
		if l.Name == name {
			var out bytes.Buffer
			if err := l.Write(&out, scale); err != nil {
				t.Fatal(err)
			}
			return out.Bytes()
		}
	}
	t.Fatalf("no workload %s", name)
	return nil
}

func TestWorkloadsAreDeterministic(t *testing.T) {
	for _, l := range genbook.Workloads {
		a, b := workload(t, l.Name, 0.001), workload(t, l.Name, 0.001)
		if !bytes.Equal(a, b) {
			t.Errorf("%s: two runs differ", l.Name)
		}
		ziptest.WellFormed(t, a)
	}
}

// W1 and W2 hold the promised mix of cells.
func TestMixed(t *testing.T) {
	for name, scale := range map[string]float64{"W1": 0.01, "W2": 0.001} {
		f := open(t, workload(t, name, scale))
		rows, err := f.GetRows("Data", excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != 1000 {
			t.Errorf("%s: %d rows", name, len(rows))
		}
		kinds := map[excelize.CellType]int{}
		unique := map[string]bool{}
		errs := 0
		for r := range rows {
			for c := range 10 {
				ref := cell.Ref{Row: r, Col: c}.String()
				kind, err := f.GetCellType("Data", ref)
				if err != nil {
					t.Fatal(err)
				}
				kinds[kind]++
				v, _ := f.GetCellValue("Data", ref, excelize.Options{RawCellValue: true})
				switch {
				case r == 0:
				case c == 4 || c == 5:
					unique[v] = true
				case c < 4 || c == 6 || c == 7:
					if _, err := strconv.ParseFloat(v, 64); err != nil {
						t.Fatalf("%s %s: %q is no number", name, ref, v)
					}
				case c == 9 && strings.HasPrefix(v, "#"):
					errs++
				}
			}
		}
		if want := map[string]int{"W1": 500, "W2": 300}[name]; len(unique) != want {
			t.Errorf("%s: %d unique strings, want %d", name, len(unique), want)
		}
		if n := kinds[excelize.CellTypeInlineString]; n < 240 || n > 360 {
			t.Errorf("%s: %d inline strings in 10 000 cells, want about 3%%", name, n)
		}
		if n := kinds[excelize.CellTypeBool]; n != 999 {
			t.Errorf("%s: %d logicals", name, n)
		}
		if errs < 25 || errs != kinds[excelize.CellTypeError] {
			t.Errorf("%s: %d errors, %d error cells", name, errs, kinds[excelize.CellTypeError])
		}
	}
}

func TestManySheets(t *testing.T) {
	f := open(t, workload(t, "W3", 0.01))
	if got := f.GetSheetList(); len(got) != 2 || got[1] != "Day 002" {
		t.Errorf("sheets: %v", got)
	}
	rows, err := f.GetRows("Day 002")
	if err != nil || len(rows) != 500 || len(rows[499]) != 20 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// A cached value is what another engine calculates for the formula.
func TestCachedValues(t *testing.T) {
	for name, want := range map[string]int{"W4": 2000, "W5": 240} {
		scale := map[string]float64{"W4": 0.02, "W5": 1}[name]
		f := open(t, workload(t, name, scale))
		n := 0
		for _, sheet := range f.GetSheetList() {
			rows, err := f.GetRows(sheet, excelize.Options{RawCellValue: true})
			if err != nil {
				t.Fatal(err)
			}
			for r, row := range rows {
				for c, cached := range row {
					ref := cell.Ref{Row: r, Col: c}.String()
					formula, err := f.GetCellFormula(sheet, ref)
					if err != nil {
						t.Fatal(err)
					}
					if formula == "" {
						continue
					}
					n++
					if n%7 != 0 { // a sample: the other engine is slow
						continue
					}
					got, err := f.CalcCellValue(sheet, ref, excelize.Options{RawCellValue: true})
					if err != nil {
						t.Fatalf("%s %s!%s =%s: %v", name, sheet, ref, formula, err)
					}
					if !sameValue(got, cached) {
						t.Errorf("%s %s!%s =%s: cached %s, calculated %s", name, sheet, ref, formula, cached, got)
					}
				}
			}
		}
		if n != want {
			t.Errorf("%s: %d formulas, want %d", name, n, want)
		}
	}
}

func sameValue(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX != nil || errY != nil {
		return a == b
	}
	return math.Abs(x-y) <= 1e-9*max(1, math.Abs(x))
}

func BenchmarkWriteW1(b *testing.B) {
	for b.Loop() {
		if err := genbook.Workloads[0].Write(io.Discard, 0.1); err != nil {
			b.Fatal(err)
		}
	}
}
