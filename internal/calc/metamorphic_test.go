package calc

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/calc/plain"
	"gridflow/internal/calc/scenes"
	"gridflow/internal/cell"
	"gridflow/internal/corpus"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// What holds whatever is edited: the values after an edit are the same whether what depends on
// it was calculated or everything, by one worker or by several, with a model that grew by the
// edits or one made anew; and on a small workbook they are those of package plain.

// line is a workbook that is edited, with the model that grew with it.
type line struct {
	in    Input
	model *Model
	log   []string // what was done, for a failure
}

// calculated gives the workbook with the values of a calculation.
func (in Input) calculated(r *Result) Input {
	in.Sheets = slices.Clone(in.Sheets)
	for i, s := range r.Sheets {
		in.Sheets[i] = s
	}
	return in
}

// begin calculates all of a workbook.
func begin(t testing.TB, in Input, opt Options) *line {
	t.Helper()
	m, err := NewModel(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	opt.All = true
	r, err := m.Calculate(context.Background(), in, opt)
	if err != nil {
		t.Fatal(err)
	}
	return &line{in: in.calculated(r), model: r.Model}
}

// differing gives the cells that differ between two states of a workbook, as a snapshot finds
// them: in value or formula, and in formula alone.
func differing(old, now Input) (sources, formulas []Cell) {
	for i := range now.Sheets {
		a, b := old.Sheets[i], now.Sheets[i]
		if a == b {
			continue
		}
		for x, y := range grid.Diff(a, b, nil) {
			at := y.Ref
			if _, ok := b.At(y.Ref); !ok {
				at = x.Ref
			}
			same := x.HasFormula() == y.HasFormula() && (!x.HasFormula() || a.Formula(x) == b.Formula(y))
			if !same {
				formulas = append(formulas, Cell{i, at})
			}
			if !same || x.Value != y.Value {
				sources = append(sources, Cell{i, at})
			}
		}
	}
	return sources, formulas
}

// edit makes changes on a sheet, calculates what depends on them and holds the outcome to all
// the other ways to it. It reports false where the changes are refused.
func (l *line) edit(t testing.TB, sheet int, changes []grid.Change, opt Options) bool {
	t.Helper()
	ctx := context.Background()
	was := l.in.Sheets[sheet]
	// What an array filled goes with its formula.
	for _, c := range changes {
		for f := range was.Arrays(cell.Range{First: c.Ref, Last: c.Ref}) {
			if f.Kind != grid.DynamicArray || f.Anchor != c.Ref {
				return false
			}
			for x := range was.Cells(f.Range) {
				if x.Ref != c.Ref {
					changes = append(changes, grid.Change{Ref: x.Ref})
				}
			}
		}
	}
	edited, err := was.With(changes)
	var refused *grid.EditError
	if errors.As(err, &refused) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		if len(l.log) < 200 {
			l.log = append(l.log, fmt.Sprintf("%d!%v: =%s %v spills %v", sheet, c.Ref, c.Formula, c.Value, c.Spills))
		}
	}
	now := l.in
	now.Sheets = slices.Clone(now.Sheets)
	now.Sheets[sheet] = edited
	sources, formulas := differing(l.in, now)
	m := l.model
	if len(formulas) > 0 {
		if m, err = m.With(context.Background(), now, formulas); err != nil {
			t.Fatal(err)
		}
	}
	fresh, err := NewModel(ctx, now)
	if err != nil {
		t.Fatal(err)
	}
	run := func(m *Model, all bool, workers int) *Result {
		o := opt
		o.All, o.Workers = all, workers
		if !all {
			o.Sources = sources
		}
		r, err := m.Calculate(ctx, now, o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	step := run(m, false, 1)
	l.foreseen(t, m, now, sources, step)
	for _, way := range []struct {
		name    string
		m       *Model
		all     bool
		workers int
	}{
		{"what depends on it, by four", m, false, 4},
		{"all, by one", m, true, 1},
		{"all, by four", m, true, 4},
		{"all with a model made anew", fresh, true, 1},
	} {
		r := run(way.m, way.all, way.workers)
		l.compare(t, way.name, now.calculated(step), now.calculated(r))
		for _, c := range step.Circular {
			if !slices.Contains(r.Circular, c) {
				l.fail(t, "%s: %d!%v is circular in one way only", way.name, c.Sheet, c.At)
			}
		}
		if !way.all && len(step.Circular) != len(r.Circular) {
			l.fail(t, "%s: circular %v and %v", way.name, step.Circular, r.Circular)
		}
	}
	l.in, l.model = now.calculated(step), step.Model
	return true
}

// foreseen holds what a calculation changed to what was in doubt before it.
func (l *line) foreseen(t testing.TB, m *Model, now Input, sources []Cell, r *Result) {
	t.Helper()
	d, err := m.Doubt(context.Background(), now, Options{Sources: sources})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range r.Sheets {
		for x, y := range grid.Diff(now.Sheets[i], s, nil) {
			at := y.Ref
			if _, ok := s.At(at); !ok {
				at = x.Ref
			}
			if x.Value != y.Value && !d.Meets(i, cell.Range{First: at, Last: at}) {
				l.fail(t, "%d!%v was not in doubt, and is %q and not %q", i, at, y.Value, x.Value)
			}
		}
	}
}

// exact is a value with the bits of its number.
type exact struct {
	kind cell.Kind
	num  uint64
	text string
}

func bitsOf(v cell.Value) exact {
	n := math.Float64bits(v.Number())
	if v.Kind() == cell.Error {
		n = uint64(v.Err())
	}
	return exact{v.Kind(), n, v.Text()}
}

// compare holds the values of one outcome to another.
func (l *line) compare(t testing.TB, way string, step, other Input) {
	t.Helper()
	var wrong []string
	for i, a := range step.Sheets {
		b := other.Sheets[i]
		if a == b {
			continue
		}
		for x, y := range grid.Diff(a, b, nil) {
			if bitsOf(x.Value) != bitsOf(y.Value) {
				f := ""
				if x.HasFormula() {
					f = a.Formula(x).Text
				}
				wrong = append(wrong, fmt.Sprintf("%d!%v =%s: step by step %s %q, else %s %q", i, x.Ref, f, x.Value.Kind(), x.Value, y.Value.Kind(), y.Value))
			}
			if x.HasFormula() && y.HasFormula() && a.Formula(x) != b.Formula(y) {
				wrong = append(wrong, fmt.Sprintf("%d!%v: step by step %v, else %v", i, x.Ref, a.Formula(x), b.Formula(y)))
			}
		}
	}
	if len(wrong) > 0 {
		l.fail(t, "%s: %s", way, strings.Join(wrong[:min(len(wrong), 20)], "\n"))
	}
}

func (l *line) fail(t testing.TB, format string, args ...any) {
	t.Helper()
	t.Fatalf("%s\nafter\n%s", fmt.Sprintf(format, args...), strings.Join(l.log, "\n"))
}

// plainly calculates a small workbook with package plain and compares, unless formulas depend
// on themselves, on chance, or arrays have no room: who was there first is nothing that plain knows.
func (l *line) plainly(t testing.TB, opt Options) {
	t.Helper()
	var names []string
	for _, s := range l.in.Book.Sheets {
		names = append(names, s.Name)
	}
	b := plain.New(names...)
	b.Now, b.Dates = opt.Now, l.in.Book.Dates
	for _, n := range l.in.Book.Names {
		b.Names[strings.ToUpper(n.Name)] = n.RefersTo
	}
	for i, s := range l.in.Sheets {
		for c := range s.Cells(cell.WholeSheet) {
			if e := c.Value.Err(); e == cell.ErrCirc || e == cell.ErrSpill {
				return
			}
			filled := false
			for f := range s.Arrays(cell.Range{First: c.Ref, Last: c.Ref}) {
				filled = filled || f.Anchor != c.Ref
			}
			switch {
			case c.HasFormula():
				f := s.Formula(c)
				if strings.Contains(f.Text, "RAND") {
					return
				}
				if err := b.SetFormula(i, c.Ref, f.Text, f.Kind == grid.DynamicArray, cell.Range{}); err != nil {
					t.Fatal(err)
				}
			case !filled && !c.Value.IsBlank():
				b.Set(i, c.Ref, c.Value)
			}
		}
	}
	b.Calculate()
	for i, s := range l.in.Sheets {
		for c := range s.Cells(cell.WholeSheet) {
			if got := b.Value(i, c.Ref); bitsOf(got) != bitsOf(c.Value) {
				f := ""
				if c.HasFormula() {
					f = s.Formula(c).Text
				}
				l.fail(t, "%d!%v =%s: %s %q, plainly %s %q", i, c.Ref, f, c.Value.Kind(), c.Value, got.Kind(), got)
			}
		}
	}
}

// size of the random workbooks.
const (
	smallRows = 7
	smallCols = 5
)

// someCell gives a cell of a small workbook, now and then with the other sheet's name or a
// fixed corner.
func someCell(r *rand.Rand) string {
	ref := cell.Ref{Row: r.IntN(smallRows), Col: r.IntN(smallCols)}.String()
	switch r.IntN(8) {
	case 0:
		return "T!" + ref
	case 1:
		return "S!" + ref
	}
	return ref
}

func someRange(r *rand.Rand) string {
	a := cell.Ref{Row: r.IntN(smallRows), Col: r.IntN(smallCols)}
	b := cell.Ref{Row: min(a.Row+r.IntN(4), smallRows-1), Col: min(a.Col+r.IntN(2), smallCols-1)}
	switch r.IntN(8) {
	case 0:
		return "T!" + cell.Range{First: a, Last: b}.String()
	case 1:
		return "B:B"
	}
	return cell.Range{First: a, Last: b}.String()
}

// someFormula gives a formula and whether it is entered as a dynamic array.
func someFormula(r *rand.Rand) (text string, spills bool) {
	c, d, a := someCell(r), someCell(r), someRange(r)
	block := strings.ReplaceAll(a, "B:B", "B2:B4") // how much of a whole column an array has, plain sees otherwise
	anchor := "_xlfn.ANCHORARRAY(" + cell.Ref{Row: r.IntN(smallRows), Col: r.IntN(smallCols)}.String() + ")"
	if r.IntN(200) == 0 {
		return "RAND()+" + c, false
	}
	scalar := []string{
		c + "+" + d, c + "*2", "SUM(" + a + ")", "COUNT(" + a + ")*10+" + c, "IF(" + c + ">2," + d + ",3)",
		"IFERROR(" + c + "/" + d + ",-1)", "MAX(" + a + ")-MIN(" + a + ")", "VLOOKUP(" + c + "," + a + ",1,FALSE)",
		"MATCH(" + c + "," + a + ",0)", "INDEX(" + a + ",2)", "SUM(OFFSET(" + c + ",0,0,2,1))", `INDIRECT("` + c + `")+1`,
		"CHOOSE(1+MOD(" + c + ",2)," + d + ",7)", c + `&"x"`, "SUMIF(" + a + `,">1")`, "COUNTIF(" + a + "," + c + ")", "NOW()+" + c,
		"ROW()+" + c, "SUMPRODUCT(" + a + "," + a + ")", "ISBLANK(" + c + ")", "N(" + c + ")", "_xlfn.FORMULATEXT(" + c + ")", "SUM(" + anchor + ")", "IF(" + c + "," + c + "," + d + ")",
		"_xlfn.ISFORMULA(" + c + ")*2", "ROWS(Block)+SUM(Block)", "ROWS(Some)+SUM(Block)", "COLUMN(" + c + ")+ROWS(Block)",
		// that read more than they name
		"SUMIF(" + block + "," + c + "," + d + ")", "AVERAGEIF(" + block + `,"<>",` + c + ")", "SUMIF(B:B," + c + "," + d + ")", "SUMIF(Block," + c + "," + a + ")",
		"SUMIF(INDEX(" + block + ",0,1)," + c + "," + d + ")", "SUMIF(" + block + `,">0",INDEX(` + block + ",1+MOD(ABS(N(" + c + ")),2),2))",
		// whole columns, three dimensions, and what joins references
		"SUM((B:B=" + c + ")*1)", "MATCH(TRUE,B:B=" + c + ",0)", "SUMPRODUCT((B:B<>\"\")*1)", "SUM(S:T!" + d[max(0, len(d)-2):] + ")", "SUM(" + a + " " + block + ")",
		"SUM(INDEX(" + block + ",1,1):" + c + ")", "SUMIFS(" + block + "," + block + `,">1")`, "MDETERM(" + block + ")",
		"_xlfn.LET(_xlpm.x," + c + ",_xlpm.y," + d + ",_xlpm.x+_xlpm.y*2)", "_xlfn.REDUCE(0," + block + ",_xlfn.LAMBDA(_xlpm.a,_xlpm.x,_xlpm.a+N(_xlpm.x)))",
	}
	array := []string{
		"_xlfn.SEQUENCE(1+MOD(" + c + ",3))", "_xlfn.SEQUENCE(1,1+MOD(ABS(N(" + c + ")),3))", block + "*2", "_xlfn._xlws.SORT(" + block + ")", "_xlfn.UNIQUE(" + block + ")",
		"TRANSPOSE(" + block + ")", "_xlfn._xlws.FILTER(" + block + "," + block + ">1,0)", "IF(" + block + ">2," + block + ",0)",
		anchor + "+1", c + "+{1,2}",
	}
	if r.IntN(4) == 0 {
		return array[r.IntN(len(array))], true
	}
	return scalar[r.IntN(len(scalar))], false
}

// someChange gives an edit of one cell.
func someChange(r *rand.Rand) grid.Change {
	c := grid.Change{Ref: cell.Ref{Row: r.IntN(smallRows), Col: r.IntN(smallCols)}}
	switch n := r.IntN(12); {
	case n < 2:
		c.Kind = grid.RemoveCell
	case n < 5:
		c.Value = cell.NumberValue(float64(r.IntN(7)))
	case n == 5:
		c.Value = []cell.Value{cell.TextValue("t"), cell.BoolValue(true), cell.ErrorValue(cell.ErrNA), cell.NumberValue(0.1), cell.TextValue("")}[r.IntN(5)]
	default:
		c.Formula, c.Spills = someFormula(r)
		if c.Spills {
			c.Fills = cell.Range{First: c.Ref, Last: c.Ref}
		}
	}
	return c
}

// modelOf makes a workbook that has cells on its first sheet alone, and its model.
func modelOf(t *testing.T, cells []grid.Change) (Input, *Model) {
	t.Helper()
	in := emptyBook()
	var err error
	if in.Sheets[0], err = in.Sheets[0].With(cells); err != nil {
		t.Fatal(err)
	}
	m, err := NewModel(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return in, m
}

// emptyBook is a workbook of two sheets without cells, and names.
func emptyBook() Input {
	in := Input{Book: &grid.Workbook{}}
	for _, name := range []string{"S", "T"} {
		in.Book.Sheets = append(in.Book.Sheets, grid.SheetInfo{Name: name})
		in.Sheets = append(in.Sheets, grid.NewBuilder(name).Finish(nil))
	}
	for name, refers := range map[string]string{"Block": "S!$A$1:$B$3", "Some": "INDEX(T!$A$1:$A$4,1):INDEX(T!$A$1:$A$4,1+MOD(ABS(N(S!$C$2)),4))"} {
		in.Book.Names = append(in.Book.Names, grid.Name{Name: name, Sheet: -1, RefersTo: refers})
	}
	return in
}

var (
	books = flag.Uint64("books", 60, "how many small workbooks are edited at random")
	every = flag.Int("every", 4, "one of so many workbooks of the corpus is edited")
)

// TestRandomEdits edits small workbooks at random.
func TestRandomEdits(t *testing.T) {
	t.Parallel()
	const edits = 40
	for seed := range *books {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			randomEdits(t, seed, edits)
		})
	}
}

func randomEdits(t *testing.T, seed uint64, edits int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 5))
	opt := Options{Now: 45000.25, Seed: seed}
	l := begin(t, emptyBook(), opt)
	l.log = append(l.log, fmt.Sprint("seed ", seed))
	for range edits {
		sheet := min(r.IntN(3), 1)
		changes := []grid.Change{someChange(r)}
		for r.IntN(5) == 0 {
			changes = append(changes, someChange(r))
		}
		if c := changes[0]; c.Formula != "" && r.IntN(3) == 0 { // a copy, which shares what it is calculated by
			to := cell.Ref{Row: r.IntN(smallRows), Col: r.IntN(smallCols)}
			if text, err := formula.ShiftText(c.Formula, c.Ref, to); err == nil && to != c.Ref && !strings.Contains(text, "#REF!") {
				c.Ref, c.Formula = to, text
				if c.Spills {
					c.Fills = cell.Range{First: to, Last: to}
				}
				changes = append(changes, c)
			}
		}
		if l.edit(t, 1-sheet, changes, opt) {
			l.plainly(t, opt)
		}
	}
}

// TestCopiesOfArrays: each copy of a dynamic array gives what its own references hold, also after what it fills has become more or less.
func TestCopiesOfArrays(t *testing.T) {
	t.Parallel()
	number := func(at string, n float64) grid.Change {
		ref, _ := cell.ParseRef(at)
		return grid.Change{Ref: ref, Value: cell.NumberValue(n)}
	}
	var values, arrays []grid.Change
	for row := range 3 {
		values = append(values, number(fmt.Sprint("A", row+1), float64(row+1)))
		at := cell.Ref{Row: row, Col: 2}
		arrays = append(arrays, grid.Change{Ref: at, Formula: fmt.Sprintf("_xlfn.SEQUENCE(1,A%d,A%[1]d)", row+1), Spills: true, Fills: cell.Range{First: at, Last: at}})
	}
	l := begin(t, emptyBook(), Options{})
	l.edit(t, 0, values, Options{})
	l.edit(t, 0, arrays, Options{})
	want := func(rows ...string) {
		t.Helper()
		for row, text := range rows {
			got := ""
			for col := 2; !l.in.Sheets[0].Value(cell.Ref{Row: row, Col: col}).IsBlank(); col++ {
				got += l.in.Sheets[0].Value(cell.Ref{Row: row, Col: col}).String()
			}
			if got != text {
				t.Errorf("row %d is %s, want %s", row+1, got, text)
			}
		}
	}
	want("1", "23", "345")
	l.edit(t, 0, []grid.Change{number("A1", 2), number("A3", 1)}, Options{})
	want("23", "23", "1")
}

// TestCorpusEdits edits workbooks that people made: numbers that formulas read become others,
// formulas are copied, cells are emptied.
func TestCorpusEdits(t *testing.T) {
	t.Parallel()
	dir := corpus.Dir(t)
	golden, err := os.ReadFile("testdata/corpus.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for row := range strings.Lines(string(golden)) {
		if n++; n%*every != 0 {
			continue
		}
		name, _, _ := strings.Cut(row, "\t")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, problem := openInput(t, filepath.Join(dir, filepath.FromSlash(name)))
			if problem != "" || in.Book.Iterative {
				t.Skip(problem)
			}
			corpusEdits(t, in)
		})
	}
}

func corpusEdits(t *testing.T, in Input) {
	var formulas, inputs []Cell
	for i, s := range in.Sheets {
		if s == nil {
			continue
		}
		for c := range s.Cells(cell.WholeSheet) {
			switch {
			case c.HasFormula():
				formulas = append(formulas, Cell{i, c.Ref})
			case c.Value.Kind() == cell.Number:
				inputs = append(inputs, Cell{i, c.Ref})
			}
		}
	}
	if len(formulas) == 0 {
		return
	}
	r := rand.New(rand.NewPCG(uint64(len(formulas)), 7))
	opt := Options{Now: 45000.25, Seed: 3}
	l := begin(t, in, opt)
	edits := 12
	if len(formulas) > 5000 {
		edits = 4
	}
	for n := range edits {
		x := formulas[r.IntN(len(formulas))]
		if len(inputs) > 0 && n%3 != 2 {
			x = inputs[r.IntN(len(inputs))]
		}
		c := grid.Change{Ref: x.At, Value: cell.NumberValue(float64(r.IntN(50)) + 0.5)}
		s := l.in.Sheets[x.Sheet]
		if old, ok := s.At(x.At); ok && old.HasFormula() && n%2 == 0 {
			f := s.Formula(old)
			if f.Kind == grid.NormalFormula { // its neighbour gets a copy
				to := cell.Ref{Row: x.At.Row + 1, Col: x.At.Col}
				if text, err := formula.ShiftText(f.Text, x.At, to); err == nil && to.Valid() {
					c = grid.Change{Ref: to, Formula: text}
				}
			}
		} else if n%5 == 4 {
			c = grid.Change{Ref: x.At, Kind: grid.RemoveCell}
		}
		l.edit(t, x.Sheet, []grid.Change{c}, opt)
	}
}

// TestScenarioEdits edits the workbooks of the benchmarks, made smaller, which are large enough
// for several workers.
func TestScenarioEdits(t *testing.T) {
	t.Parallel()
	for _, s := range scenes.All {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			corpusEdits(t, workbook(s.Fill, 25))
		})
	}
}
