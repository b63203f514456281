package calc

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// FuzzFormula calculates whatever text in a small workbook: nothing may panic, a calculation that
// is told to stop stops, and what it allocates until then is bounded.
func FuzzFormula(f *testing.F) {
	files, err := filepath.Glob("testdata/functions/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	seeds := map[string]int{} // a few rows of each function: fuzzing begins with going through all
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			text, _, ok := cutLast(line, " => ")
			if fun, _, _ := strings.Cut(text, "("); ok && text[0] == '=' && seeds[fun] < 3 {
				seeds[fun]++
				f.Add(text[1:], true)
			}
		}
	}
	for _, fun := range fn.All() {
		f.Add(fun.Name+"()", false)
		f.Add(fun.Name+"(A1:B4,A1,2,1)", true)
		f.Add(fun.Name+"(1e308,-1e308,1E9,A:A)", true)
	}
	for _, text := range []string{`REPT("x",1E9)`, "_xlfn.SEQUENCE(1048576,16384)", "A1#", "SUM(1:1048576)", "_xlfn.MAKEARRAY(9999,9999,_xlfn.LAMBDA(_xlpm.a,_xlpm.b,_xlpm.a))",
		"_xlfn.LET(_xlpm.f,_xlfn.LAMBDA(_xlpm.g,_xlpm.g(_xlpm.g)),_xlpm.f(_xlpm.f))", "A:XFD*1:1048576", `INDIRECT("D5")`, "D5+1", "MMULT(A:A,1:1)"} {
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text string, spills bool) {
		in := fuzzBook(t, text, spills)
		ctx, cancel := context.WithTimeout(context.Background(), 250*time.Millisecond)
		defer cancel()
		m, err := NewModel(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := m.Calculate(ctx, in, Options{Now: 45000.25, Seed: 1, All: true, Workers: 1})
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 4<<30 {
			t.Errorf("%q allocates %d MB", text, n>>20)
		}
		if err == nil && text != "" && r.Calculated == 0 {
			t.Errorf("%q is not calculated", text)
		}
	})
}

// fuzzBook is a workbook of a few values of each kind, of which D5 has the formula.
func fuzzBook(t *testing.T, text string, spills bool) Input {
	in := emptyBook()
	at := cell.Ref{Row: 4, Col: 3}
	changes := []grid.Change{{Ref: at, Formula: text, Spills: spills, Fills: cell.Range{First: at, Last: at}}}
	for i, v := range []cell.Value{cell.NumberValue(3), cell.NumberValue(-1.5), cell.TextValue("abc"), cell.BoolValue(true),
		cell.ErrorValue(cell.ErrNA), cell.NumberValue(45000), cell.TextValue("12"), cell.NumberValue(0)} {
		changes = append(changes, grid.Change{Ref: cell.Ref{Row: i % 4, Col: i / 4}, Value: v})
	}
	s, err := in.Sheets[0].With(changes)
	if err != nil {
		t.Fatal(err)
	}
	in.Sheets[0] = s
	return in
}
