package whatif

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/crew"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

// source is a workbook in memory.
type source struct {
	book   *grid.Workbook
	sheets []*grid.Sheet
}

func (s *source) Workbook() *grid.Workbook { return s.book }

func (s *source) Sheet(ctx context.Context, i, _ int) (*grid.Sheet, error) {
	return s.sheets[i], ctx.Err()
}

func (s *source) Rows(ctx context.Context, i, _, last int) (*grid.Sheet, error) {
	return s.Sheet(ctx, i, last)
}

func (s *source) Tables(context.Context) ([]grid.Table, error) { return nil, nil }

// model makes a workbook of one sheet with formulas and numbers by cell.
func model(t testing.TB, cells map[string]any) *Model {
	t.Helper()
	b := grid.NewBuilder("S")
	src := &source{book: &grid.Workbook{Sheets: []grid.SheetInfo{{Name: "S"}}, Styles: &grid.Styles{Xfs: []grid.Xf{{NumFmt: "General", NamedStyle: -1}}, Formats: []*numfmt.Format{numfmt.Compile("General")}}}, sheets: []*grid.Sheet{b.Finish(nil)}}
	op := book.SetCells{Sheet: "S"}
	for at, v := range cells {
		ref, _ := cell.ParseRef(at)
		switch v := v.(type) {
		case float64:
			op.Cells = append(op.Cells, book.CellEdit{Ref: ref, Value: cell.NumberValue(v)})
		case string:
			op.Cells = append(op.Cells, book.CellEdit{Ref: ref, HasFormula: true, Formula: v})
		}
	}
	s, _, err := book.NewSnapshot("wb", "r", src).Apply(t.Context(), book.Edit{Ops: []book.Op{op}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewModel(t.Context(), s, book.Moment{Now: 46000, Seed: 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// value gives the value of a cell of the model, without inputs.
func value(t *testing.T, m *Model, at string) cell.Value {
	t.Helper()
	values, err := m.Outcome(t.Context(), nil, []Cell{{0, ref(at)}})
	if err != nil {
		t.Fatal(err)
	}
	return values[0]
}

func ref(at string) cell.Ref { r, _ := cell.ParseRef(at); return r }

// TestRun: each trial gives what its inputs alone come to, however many run at once; the model stays
// as it is.
func TestRun(t *testing.T) {
	m := model(t, map[string]any{"A1": 1.0, "A2": 2.0, "B1": "A1*A2+RAND()*0", "B2": "SUM(A1:A2)", "B3": "RAND()", "B4": "B1+B2"})
	chance := value(t, m, "B3")
	for _, workers := range []int{1, 4} {
		const n = 100
		got := make([]float64, n)
		err := m.Run(t.Context(), n, workers, func(i int) []Input {
			return []Input{{0, ref("A1"), cell.NumberValue(float64(i))}, {0, ref("A2"), cell.NumberValue(float64(i + 1))}}
		}, []Cell{{0, ref("B4")}, {0, ref("B3")}}, func(i int, values []cell.Value) error {
			if got[i] = values[0].Number(); values[1] != chance {
				t.Errorf("trial %d is of another chance: %v and not %v", i, values[1], chance)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range got {
			if want := float64(i*(i+1) + 2*i + 1); v != want {
				t.Errorf("%d workers, trial %d gives %v and not %v", workers, i, v, want)
			}
		}
	}
	if v := value(t, m, "B4"); v.Number() != 5 {
		t.Errorf("the model gives %v now", v)
	}
}

// TestRunEnds: an error of one trial ends all, and so does the context.
func TestRunEnds(t *testing.T) {
	m := model(t, map[string]any{"A1": 1.0, "B1": "A1"})
	stop := errors.New("enough")
	made := 0
	err := m.Run(t.Context(), 1000, 4, func(int) []Input { return nil }, nil, func(int, []cell.Value) error {
		if made++; made == 3 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || made != 3 {
		t.Errorf("%d trials were told of, and the error is %v", made, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Run(ctx, 10, 2, func(int) []Input { return nil }, nil, func(int, []cell.Value) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run ends with %v", err)
	}
}

// TestSeek: the goals of ordinary models are found, and what cannot be is said.
func TestSeek(t *testing.T) {
	for _, c := range []struct {
		name     string
		cells    map[string]any
		goal     float64
		min, max float64
		want     float64 // NaN: cannot be reached
	}{
		{"a line", map[string]any{"A1": 1.0, "B1": "A1*3+1"}, 100, math.Inf(-1), math.Inf(1), 33},
		{"far away", map[string]any{"A1": 1.0, "B1": "A1*2"}, 1e9, math.Inf(-1), math.Inf(1), 5e8},
		{"to the other side", map[string]any{"A1": 10.0, "B1": "A1*2"}, -50, math.Inf(-1), math.Inf(1), -25},
		{"a root", map[string]any{"A1": 1.0, "B1": "A1^3-2*A1-5"}, 0, math.Inf(-1), math.Inf(1), 2.0945514815423265},
		{"a payment", map[string]any{"A1": 0.01, "B1": "PMT(A1/12,360,-200000)"}, 1200, 0, 1, 0.0600699},
		{"a flat beginning", map[string]any{"A1": 0.0, "B1": "MAX(0,A1-5)"}, 3, math.Inf(-1), math.Inf(1), 8},
		{"past a hole", map[string]any{"A1": 4.0, "B1": "SQRT(A1)"}, 1, math.Inf(-1), math.Inf(1), 1},
		{"a logarithm", map[string]any{"A1": 1.0, "B1": "LN(A1)"}, -3, math.Inf(-1), math.Inf(1), math.Exp(-3)},
		{"reached already", map[string]any{"A1": 7.0, "B1": "A1"}, 7, math.Inf(-1), math.Inf(1), 7},
		{"out of bounds", map[string]any{"A1": 1.0, "B1": "A1*2"}, 100, 0, 10, math.NaN()},
		{"not at all", map[string]any{"A1": 1.0, "B1": "5"}, 6, math.Inf(-1), math.Inf(1), math.NaN()},
		{"never", map[string]any{"A1": 1.0, "B1": "A1^2+1"}, 0, math.Inf(-1), math.Inf(1), math.NaN()},
		{"no number", map[string]any{"A1": 1.0, "B1": "\"x\"&A1"}, 0, math.Inf(-1), math.Inf(1), math.NaN()},
		{"beside a pole", map[string]any{"A1": 30.0, "B1": "1/(A1-15)"}, 0.5, 1, 40, 17},
		{"between the steps", map[string]any{"A1": 0.0, "B1": "EXP(-((A1-70)^2))"}, 0.5, 0, 100, 70 - math.Sqrt(math.Ln2)},
		{"a jump", map[string]any{"A1": 1.0, "B1": "IF(A1>5,10,0)"}, 5, math.Inf(-1), math.Inf(1), math.NaN()},
	} {
		m := model(t, c.cells)
		start := value(t, m, "A1")
		f, err := m.Seek(t.Context(), Goal{Ref: ref("B1"), Value: c.goal, Input: ref("A1"), Start: start.Number(), Min: c.min, Max: c.max, Tolerance: 1e-6, Trials: 200})
		switch {
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case math.IsNaN(c.want) != !f.Reached || (f.Why == "") != f.Reached:
			t.Errorf("%s: %+v", c.name, f)
		case f.Reached && math.Abs(f.Input-c.want) > 1e-5*max(1, math.Abs(c.want)):
			t.Errorf("%s: %+v, and not %v", c.name, f, c.want)
		case f.Trials > 200:
			t.Errorf("%s took %d trials", c.name, f.Trials)
		case strings.Contains(f.Why, "was the same") != (c.name == "not at all"):
			t.Errorf("%s: %s", c.name, f.Why)
		}
	}
}

// TestRunSideBySide: trials that are made together come to what each comes to alone: with inputs that some of them
// leave out, that stand in for formulas, that empty cells, that are errors or texts, and without any.
func TestRunSideBySide(t *testing.T) {
	m := model(t, map[string]any{"A1": 1.0, "A2": 2.0, "A3": 3.0, "B1": "A1*2", "B2": "B1+A2", "B3": "IF(A3>2,B2/A3,\"low\")", "B4": "SUM(A1:B3)", "B5": "RAND()*A1", "B6": "B4&\"!\"", "B7": "COUNTA(A1:A3)"})
	var cells []Cell
	for _, at := range []string{"A1", "A2", "A3", "B1", "B2", "B3", "B4", "B5", "B6", "B7"} {
		cells = append(cells, Cell{0, ref(at)})
	}
	values := []cell.Value{cell.NumberValue(5), cell.NumberValue(-1.5), cell.TextValue("x"), cell.BoolValue(true), cell.ErrorValue(cell.ErrNA), {}}
	var sets [][]Input
	for i := range 200 {
		var set []Input
		for k, at := range []string{"A1", "A2", "A3", "B1"} {
			if i>>k&1 == 1 {
				set = append(set, Input{0, ref(at), values[(i/16+k)%len(values)]})
			}
		}
		if i%7 == 0 && len(set) > 0 {
			set = append(set, Input{0, ref("A2"), cell.NumberValue(9)}) // the last one counts
		}
		sets = append(sets, set)
	}
	got := make([][]cell.Value, len(sets))
	err := m.Run(t.Context(), len(sets), 2, func(i int) []Input { return sets[i] }, cells, func(i int, values []cell.Value) error {
		if got[i] != nil {
			t.Errorf("trial %d is told twice", i)
		}
		got[i] = values
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, set := range sets {
		want, err := m.Outcome(t.Context(), set, cells)
		if err != nil {
			t.Fatal(err)
		}
		for k := range want {
			if got[i][k] != want[k] {
				t.Errorf("trial %d, %v: %v together, and %v alone; inputs %v", i, cells[k].Ref, got[i][k], want[k], set)
			}
		}
	}
}

// TestBaseIsOfTheMoment: the values without inputs are of the moment of the trials, also where the snapshot was calculated
// at another one.
func TestBaseIsOfTheMoment(t *testing.T) {
	was := model(t, map[string]any{"A1": 1.0, "B1": "RAND()", "B2": "NOW()+A1"})
	m, err := NewModel(t.Context(), was.Base(), book.Moment{Now: 47000, Seed: 9}, 0)
	if err != nil {
		t.Fatal(err)
	}
	with, err := m.Outcome(t.Context(), []Input{{0, ref("A1"), cell.NumberValue(1)}}, []Cell{{0, ref("B1")}, {0, ref("B2")}})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := value(t, m, "B1"), value(t, m, "B2"); a != with[0] || b != with[1] || b.Number() != 47001 || a == value(t, was, "B1") {
		t.Errorf("the base is %v and %v, a trial of the same %v", a, b, with)
	}
}

// TestPanicOfAWorker: a panic in a goroutine that makes trials is that of whoever called Run, where it can be answered, and
// not the end of the process.
func TestPanicOfAWorker(t *testing.T) {
	m := model(t, map[string]any{"A1": 1.0, "B1": "A1*2"})
	for _, n := range []int{1, 100} { // one by one, and side by side
		func() {
			defer func() {
				if p, ok := recover().(*crew.Panic); !ok || p.Value != "over" {
					t.Errorf("of %d trials: %v", n, p)
				}
			}()
			inputs := func(i int) []Input { return []Input{{0, ref("A1"), cell.NumberValue(float64(i))}} }
			err := m.Run(t.Context(), n, 2, inputs, []Cell{{0, ref("B1")}}, func(int, []cell.Value) error { panic("over") })
			t.Errorf("of %d trials nobody was told: %v", n, err)
		}()
	}
}

// TestBeyondAllCells: an output that lies beyond all cells of its sheet is blank, whichever way trials are made.
func TestBeyondAllCells(t *testing.T) {
	m := model(t, map[string]any{"A1": 1.0, "B1": "A1*2"})
	for _, n := range []int{1, 100} {
		inputs := func(i int) []Input { return []Input{{0, ref("A1"), cell.NumberValue(float64(i))}} }
		err := m.Run(t.Context(), n, 2, inputs, []Cell{{0, ref("B1")}, {0, ref("Z9")}, {0, ref("A99999")}}, func(i int, v []cell.Value) error {
			if v[0] != cell.NumberValue(float64(2*i)) || !v[1].IsBlank() || !v[2].IsBlank() {
				t.Errorf("trial %d of %d gives %v", i, n, v)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
