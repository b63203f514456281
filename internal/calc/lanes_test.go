package calc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/corpus"
	"gridflow/internal/grid"

	"pgregory.net/rapid"
)

// with gives the workbook with other values in some cells, and the model of its formulas.
func (in Input) with(m *Model, inputs []Cell, set []cell.Value) (Input, *Model, error) {
	changes := map[int][]grid.Change{}
	var formulas []Cell
	for i, x := range inputs {
		c := grid.Change{Ref: x.At, Value: set[i]}
		if set[i].IsBlank() {
			c.Kind = grid.RemoveCell
		}
		if old, ok := in.Sheets[x.Sheet].At(x.At); ok && old.HasFormula() {
			formulas = append(formulas, x)
		}
		changes[x.Sheet] = append(changes[x.Sheet], c)
	}
	in.Sheets = slices.Clone(in.Sheets)
	for i, list := range changes {
		s, err := in.Sheets[i].With(list)
		if err != nil {
			return in, nil, err
		}
		in.Sheets[i] = s
	}
	if len(formulas) > 0 {
		var err error
		if m, err = m.With(context.Background(), in, formulas); err != nil {
			return in, nil, err
		}
	}
	return in, m, nil
}

// trial is a workbook whose formulas were calculated, and sets of inputs for it.
type trial struct {
	in      Input
	model   *Model
	opt     Options
	inputs  []Cell
	sets    [][]cell.Value
	outputs []Cell
}

// check calculates all sets over lanes and some of them alone, and compares to the last bit. lanes is false where
// the sets have to be calculated alone.
func (x *trial) check(workers, some int) (lanes bool, err error) {
	ctx := context.Background()
	in, m, err := x.in.with(x.model, x.inputs, x.sets[0])
	if err != nil {
		return false, err
	}
	inputs := make([]LaneInput, len(x.inputs))
	for i, c := range x.inputs {
		inputs[i] = LaneInput{Cell: c, Blank: slices.ContainsFunc(x.sets, func(s []cell.Value) bool { return s[i].IsBlank() })}
	}
	l, err := m.Lanes(ctx, in, x.opt, inputs, x.outputs)
	if err != nil || l == nil {
		return false, err
	}
	got := make([][]cell.Value, len(x.sets))
	err = l.Run(ctx, len(x.sets), workers, func(i int, values []cell.Value) { copy(values, x.sets[i]) }, func(i int, values []cell.Value) error {
		if got[i] != nil {
			return fmt.Errorf("set %d is told twice", i)
		}
		got[i] = values
		return nil
	})
	if errors.Is(err, ErrOneByOne) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	for n := range min(some, len(x.sets)) {
		i := n * len(x.sets) / min(some, len(x.sets))
		alone, m, err := x.in.with(x.model, x.inputs, x.sets[i])
		if err != nil {
			return true, err
		}
		opt := x.opt
		opt.Sources, opt.Workers = x.inputs, 1
		want, err := m.Values(ctx, alone, opt, x.outputs)
		if err != nil {
			return true, err
		}
		for k, v := range want {
			if bitsOf(v) != bitsOf(got[i][k]) {
				o, text := x.outputs[k], ""
				if c, ok := x.in.Sheets[o.Sheet].At(o.At); ok && c.HasFormula() {
					text = x.in.Sheets[o.Sheet].Formula(c).Text
				}
				return true, fmt.Errorf("set %d, %d!%v =%s: %v %q over lanes, %v %q alone; inputs %v = %v", i, o.Sheet, o.At, text,
					got[i][k].Kind(), got[i][k], v.Kind(), v, x.inputs, x.sets[i])
			}
		}
	}
	return true, nil
}

// formulasOf gives the cells with a formula, and those with a value alone.
func (in Input) formulasOf() (formulas, values []Cell) {
	for i, s := range in.Sheets {
		if s == nil {
			continue
		}
		for c := range s.Cells(cell.WholeSheet) {
			if c.HasFormula() {
				formulas = append(formulas, Cell{i, c.Ref})
			} else if !c.Value.IsBlank() {
				values = append(values, Cell{i, c.Ref})
			}
		}
	}
	return formulas, values
}

// more are formulas beside those of copied: what is shared by all copies, sums over blocks, thresholds, logical
// values that count, errors that are caught, texts, and what is left to programs.
var more = []string{
	"B{r}*(1+$A$1)/$A$2", "A{r}*2%-B{r}", "IF($A$1>10,A{r},B{r})*(2-$A$3)", "(A{r}>B{r})+1", "IF(A{r}>3,B{r}>2,FALSE)", "-(A{r}=B{r})",
	"SUM($A$1:$A$5)*B{r}", "SUM(A{r}:B{r})", "SUM(A{p}:B{r},3)", "MAX(0,A{r}-B{r})", "MIN(A{r}:B{r},$A$1)", "AVERAGE(A$1:A{r})", "PRODUCT(A{r},B{r},2)", "COUNT(A{p}:C{r})",
	"SUM(A$1:A{r})+SUM(A$1:A{p})", "MAX(A:A)-B{r}", "IFERROR(A{r}/B{r},-1)", "IFERROR(A{r}/(B{r}-$B$1),0)", "ROUND(A{r}/7,2)", "SQRT(A{r}*$A$1)", "ABS(A{r}-B{r})", "INT(A{r}/3)", "SIGN(A{r})",
	"B{r}*(1+$A$1*{r})", "B{r}-($A$2+{r})/2", "IF($A$1>{r},B{r},SUM($A$1:$A$3,{r}))*2", "SUMPRODUCT(A:A*0+1)+B{r}", "A{r}-B{r}+0.1-0.3", "0.1*A{r}+0.2*A{r}-0.3*A{r}",
	"MATCH(B{r},$D$1:$D${n},0)", "MATCH(A{r},$E$1:$E${n},0)", "COUNTIF($D$1:$D${n},B{r})", "SUMIF($B$1:$B${n},B{r},$D$1:$D${n})",
	`A{r}&"x"`, "LEN(C{r})+A{r}", "C{r}", "A{r}", "RAND()*A{r}", "NOW()+A{r}", "IF(C{r}=\"beta\",A{r},\"no\")", "VLOOKUP(5,$B$1:$D${n},1,FALSE)*A{r}", "SUMPRODUCT($A$1:$A${n},$B$1:$B${n})*B{r}",
	"INDEX($A$1:$A${n},1+MOD(ABS(N(B{r})),3))", "AND(A{r}>1,B{r}>1)", "SUBTOTAL(9,A$1:A{r})", "COUNTBLANK(A$1:B{r})", "ISBLANK(A{r})", "LOG10(A{r})", "EXP(A{r}/1000)", "MOD(A{r},B{r})", "POWER(A{r},2)",
}

// someTrial makes a workbook of formulas that are copied down, and sets of inputs.
func someTrial(r *rand.Rand, rows int) (*trial, error) {
	m := &maker{grid.NewBuilder("S")}
	m.b.AnyOrder()
	mixed := r.IntN(2) == 0
	for row := range rows {
		for col := range inputs {
			v := cell.NumberValue(float64(r.IntN(300))/4 - 3)
			if mixed {
				v = someValue(r, col)
			}
			if !v.IsBlank() {
				if err := m.b.Value(cell.Ref{Row: row, Col: col}, 0, noZero(v)); err != nil {
					return nil, err
				}
			}
		}
	}
	for col, n := inputs, 2+r.IntN(4); col < inputs+n; {
		list := copied
		if r.IntN(2) == 0 {
			list = more
		}
		text := list[r.IntN(len(list))]
		if circular(text, col) {
			continue
		}
		if r.IntN(2) == 0 && col > inputs { // of the column before
			if next := strings.ReplaceAll(text, "A{r}", string(rune('A'+col-1))+"{r}"); !circular(next, col) {
				text = next
			}
		}
		for row := 1; row < rows; row++ {
			m.Formula(row, col, strings.NewReplacer("{r}", fmt.Sprint(row+1), "{p}", fmt.Sprint(row), "{n}", fmt.Sprint(rows)).Replace(text))
		}
		col++
	}
	in := Input{Book: &grid.Workbook{Sheets: []grid.SheetInfo{{Name: "S"}}}, Sheets: []*grid.Sheet{m.b.Finish(nil)}}
	x, err := calculated(in, Options{Now: 45000.25, Seed: 3})
	if err != nil {
		return nil, err
	}
	for range 1 + r.IntN(3) {
		at := Cell{0, cell.Ref{Row: r.IntN(min(rows+2, 12)), Col: r.IntN(inputs)}}
		if r.IntN(2) == 0 {
			at.At = cell.Ref{Row: r.IntN(2)} // which many read
		}
		if !slices.Contains(x.inputs, at) {
			x.inputs = append(x.inputs, at)
		}
	}
	for range 1 + r.IntN(40) {
		set := make([]cell.Value, len(x.inputs))
		for i, at := range x.inputs {
			set[i] = cell.NumberValue(float64(r.IntN(2000)-500) / 8)
			if mixed || r.IntN(30) == 0 {
				set[i] = noZero(someValue(r, at.At.Col))
			}
			if r.IntN(20) == 0 {
				set[i] = cell.ErrorValue(cell.ErrDiv0)
			}
		}
		x.sets = append(x.sets, set)
	}
	return x, nil
}

// noZero gives 0 for a negative zero: whether a formula that only repeats one shows its sign depends on what was
// there before.
func noZero(v cell.Value) cell.Value {
	if v.Kind() == cell.Number && v.Number() == 0 {
		return cell.NumberValue(0)
	}
	return v
}

// calculated gives a trial of a workbook, all formulas of which are calculated and outputs.
func calculated(in Input, opt Options) (*trial, error) {
	m, err := NewModel(context.Background(), in)
	if err != nil {
		return nil, err
	}
	all := opt
	all.All = true
	r, err := m.Calculate(context.Background(), in, all)
	if err != nil {
		return nil, err
	}
	x := &trial{in: in.calculated(r), model: r.Model, opt: opt}
	x.outputs, _ = x.in.formulasOf()
	return x, nil
}

// TestLanes: what sets of inputs come to over lanes is what each comes to alone, to the last bit, whatever the formulas are:
// all formulas are outputs, or some, so that others are not needed.
func TestLanes(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	lanes, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		x, err := someTrial(r, rapid.SampledFrom([]int{4, 9, 9, 40, 40, 90, 90, 530}).Draw(t, "rows"))
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "few") {
			r.Shuffle(len(x.outputs), func(i, j int) { x.outputs[i], x.outputs[j] = x.outputs[j], x.outputs[i] })
			x.outputs = x.outputs[:1+r.IntN(3)]
		}
		was, err := x.check(rapid.IntRange(1, 3).Draw(t, "workers"), 4)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if all++; was {
			lanes++
		}
	})
	if lanes*2 < all {
		t.Errorf("only %d of %d workbooks were calculated over lanes", lanes, all)
	}
}

// TestLanesOfAnything: so it is for small workbooks that were edited at random, with arrays, circles and references that
// are calculated; where lanes do not serve them they say so.
func TestLanesOfAnything(t *testing.T) {
	t.Parallel()
	lanes, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		in := emptyBook()
		for i := range in.Sheets {
			for range 4 + r.IntN(20) {
				c := someChange(r)
				if c.Value = noZero(c.Value); c.Spills && r.IntN(3) > 0 {
					continue // most have none
				}
				if s, err := in.Sheets[i].With([]grid.Change{c}); err == nil {
					in.Sheets[i] = s
				}
			}
		}
		x, err := calculated(in, Options{Now: 45000.25, Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		for range 1 + r.IntN(3) {
			at := Cell{r.IntN(2), cell.Ref{Row: r.IntN(smallRows), Col: r.IntN(smallCols)}}
			if !slices.Contains(x.inputs, at) {
				x.inputs = append(x.inputs, at)
			}
		}
		for range 1 + r.IntN(8) {
			set := make([]cell.Value, len(x.inputs))
			for i := range set {
				set[i] = noZero(someValue(r, r.IntN(inputs)))
			}
			x.sets = append(x.sets, set)
		}
		if len(x.outputs) > 0 && rapid.Bool().Draw(t, "few") {
			x.outputs = x.outputs[:1]
		}
		was, err := x.check(1, 3)
		if refused := (*grid.EditError)(nil); errors.As(err, &refused) {
			return // a part of an array
		}
		if err != nil {
			t.Fatal(err)
		}
		if all++; was {
			lanes++
		}
	})
	if lanes*10 < all {
		t.Errorf("only %d of %d workbooks were calculated over lanes", lanes, all)
	}
}

// TestCorpusLanes: and so it is for workbooks that people made.
func TestCorpusLanes(t *testing.T) {
	t.Parallel()
	dir := corpus.Dir(t)
	golden, err := os.ReadFile("testdata/corpus.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for row := range strings.Lines(string(golden)) {
		if n++; (n+1)%*every != 0 {
			continue
		}
		name, _, _ := strings.Cut(row, "\t")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, problem := openInput(t, filepath.Join(dir, filepath.FromSlash(name)))
			if problem != "" || in.Book.Iterative {
				t.Skip(problem)
			}
			x, err := calculated(in, Options{Now: 45000.25, Seed: 3})
			if err != nil {
				t.Fatal(err)
			}
			_, values := x.in.formulasOf()
			if len(values) == 0 || len(x.outputs) == 0 {
				t.Skip("there is nothing to try")
			}
			r := rand.New(rand.NewPCG(uint64(len(values)), 7))
			for range 6 {
				x.inputs, x.sets = nil, nil
				for range 1 + r.IntN(3) {
					if at := values[r.IntN(len(values))]; !slices.Contains(x.inputs, at) {
						x.inputs = append(x.inputs, at)
					}
				}
				for range 9 {
					set := make([]cell.Value, len(x.inputs))
					for i, at := range x.inputs {
						set[i] = noZero(x.in.Sheets[at.Sheet].Value(at.At))
						if r.IntN(4) > 0 {
							set[i] = cell.NumberValue(float64(r.IntN(200))/4 + 1)
						} else if r.IntN(4) == 0 {
							set[i] = noZero(someValue(r, r.IntN(inputs)))
						}
					}
					x.sets = append(x.sets, set)
				}
				was, err := x.check(2, 2)
				if refused := (*grid.EditError)(nil); errors.As(err, &refused) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				t.Log("over lanes: ", was)
			}
		})
	}
}

// TestLanesOfOddNumbers: numbers that cancel, that are too small to be held, and that grow too large, at every place of
// a block: what lanes do several of at a time has to see each.
func TestLanesOfOddNumbers(t *testing.T) {
	t.Parallel()
	odd := []float64{1e-310, 2.2250738585072014e-308, -3e-308, 4.9e-324, 1e308, -1.7e308, 1e-160, 0.30000000000000004, 0.3, -0.3, 1e16, 0, 1e-290}
	for i, text := range []string{
		"A1+B1", "A1-B1", "A1*B1", "A1/B1", "B1/A1+1", "-A1", "A1%", "A1-0.3", "A1+B1+C1", "SUM(A1:C1)", "PRODUCT(A1:C1)", "AVERAGE(A1:C1)", "MIN(A1:C1)", "MAX(A1:C1)",
		"A1*B1*C1", "A1>B1", "A1=B1+0", "IF(A1>=B1,A1*C1,B1/C1)", "A1^B1", "A1*1E-300*1E+300", "SUM(A$1:A1)", "SQRT(A1)", "ABS(A1-B1)", "A1",
	} {
		m := &maker{grid.NewBuilder("S")}
		m.b.AnyOrder()
		for col, f := range []float64{1, 2, 3} {
			m.Number(0, col, f)
		}
		m.Formula(0, 4, text)
		m.Formula(0, 5, "E1*C1")
		for row := range 9 { // sums that grow, from what is too small to what is not
			m.Number(row, 7, 1e-308/float64(row+1))
			m.Formula(row, 8, fmt.Sprintf("SUM(H$1:H%d)", row+1))
		}
		x, err := calculated(Input{Book: &grid.Workbook{Sheets: []grid.SheetInfo{{Name: "S"}}}, Sheets: []*grid.Sheet{m.b.Finish(nil)}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		x.inputs = []Cell{{0, cell.Ref{}}, {0, cell.Ref{Col: 1}}, {0, cell.Ref{Col: 2}}, {0, cell.Ref{Row: 1, Col: 7}}}
		r := rand.New(rand.NewPCG(uint64(i), 3))
		for n := range 40 {
			set := []cell.Value{cell.NumberValue(1.5), cell.NumberValue(2.5), cell.NumberValue(3.5), cell.NumberValue(1e-309)}
			switch {
			case n < 20 && n%3 == 0:
				for k := range set {
					set[k] = cell.NumberValue(odd[r.IntN(len(odd))])
				}
			case n == 24: // a sum that is only rounding, among what is as usual
				set[0], set[1] = cell.NumberValue(0.30000000000000004), cell.NumberValue(-0.3)
			case n == 36:
				set[0], set[1] = cell.NumberValue(0.30000000000000004), cell.NumberValue(0.3)
			}
			x.sets = append(x.sets, set)
		}
		for all := x.sets; len(all) > 0; all = all[min(7, len(all)):] {
			x.sets = all[:min(11, len(all))]
			if lanes, err := x.check(1, 40); err != nil || !lanes {
				t.Errorf("%s: over lanes: %v: %v", text, lanes, err)
			}
		}
	}
}

// TestLanesOfColumns: what is searched again and again, in columns that differ between lanes and in those that do not,
// and columns that end where an input does.
func TestLanesOfColumns(t *testing.T) {
	const rows = 150
	m := &maker{grid.NewBuilder("S")}
	m.b.AnyOrder()
	for row := range rows {
		m.Number(row, 0, float64(row%7))
		m.Number(row, 1, float64(row%5))
		if row == 0 {
			continue
		}
		m.Formula(row, 3, fmt.Sprintf("$A$1+B%d", row+1))
		for i, text := range []string{"MATCH(A%d,$D$1:$D$150,0)", "COUNTIF($D$1:$D$150,A%d)", "SUMIF($B$1:$B$150,A%d,$D$1:$D$150)", "VLOOKUP(D%d,$B$1:$D$150,3,FALSE)", "COUNTIF($B$1:$B$150,D%d)", "SUMIFS($D$1:$D$150,$B$1:$B$150,A%d)"} {
			m.Formula(row, 4+i, fmt.Sprintf(text, row+1))
		}
	}
	m.Number(rows+5, 0, 1) // the last cell that is used
	m.Formula(0, 12, "SUMPRODUCT(A:A*0+1)+$A$1")
	x, err := calculated(Input{Book: &grid.Workbook{Sheets: []grid.SheetInfo{{Name: "S"}}}, Sheets: []*grid.Sheet{m.b.Finish(nil)}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	x.inputs = []Cell{{0, cell.Ref{}}, {0, cell.Ref{Row: rows + 5}}}
	for i := range 12 {
		x.sets = append(x.sets, []cell.Value{cell.NumberValue(float64(i % 9)), cell.NumberValue(2)})
	}
	if lanes, err := x.check(2, 12); err != nil || !lanes {
		t.Errorf("over lanes: %v: %v", lanes, err)
	}
	x.sets[7][1] = cell.Value{}
	if lanes, err := x.check(2, 12); err != nil || lanes {
		t.Errorf("with an input that ends the sheet, over lanes: %v: %v", lanes, err)
	}
}
