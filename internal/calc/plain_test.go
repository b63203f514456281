package calc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gridflow/internal/calc/plain"
	"gridflow/internal/calc/scenes"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// TestAgainstPlain compares calculations with those of package plain, which knows no kernels,
// indexes, sums by band, tiles or order: every value has to be the same to the last bit after some
// edits, with one worker and with several. After each edit it has to be that of a calculation of
// everything anew.
func TestAgainstPlain(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 7))
			rows := []int{70, 530, 70, 1100, 70}[seed%5]
			p := newPair(t, r, rows, seed%4 != 0)
			p.check(Options{All: true, Workers: 1 + int(seed%3)})
			for range 5 {
				var sources []Cell
				for range 1 + r.IntN(3)*r.IntN(40) {
					at := cell.Ref{Row: r.IntN(rows), Col: r.IntN(inputs)}
					p.edit(at, someValue(r, at.Col))
					sources = append(sources, Cell{0, at})
				}
				p.check(Options{Sources: sources, Workers: 1 + r.IntN(3)})
			}
			p.compare("plain", func(at cell.Ref) cell.Value { return p.plain.Value(0, at) })
		})
	}
}

// inputs is how many columns of values there are: numbers, mixed ones, keys. Formulas follow.
const inputs = 3

// someValue makes a value for a column.
func someValue(r *rand.Rand, col int) cell.Value {
	switch k := r.IntN(40); {
	case col == 0 && k > 0:
		return cell.NumberValue(float64(r.IntN(2000)-1000) / 8)
	case col == 2 && k > 4:
		return cell.TextValue([]string{"alpha", "Alpha", "beta", "5", "5.0", "b-eta", "é", "", "gamma*"}[r.IntN(9)])
	case k < 3:
		return cell.Value{}
	case k < 6:
		return cell.TextValue([]string{"x", "12", "TRUE", "beta"}[r.IntN(4)])
	case k < 8:
		return cell.BoolValue(k == 7)
	case k == 8 && r.IntN(6) == 0:
		return cell.ErrorValue(cell.ErrNA)
	case k < 14:
		return cell.NumberValue([]float64{5, 0.30000000000000004, 0.3, 1e15 + 1, 1e-310, 1e300, math.Copysign(0, -1)}[r.IntN(7)])
	}
	return cell.NumberValue(float64(r.IntN(60)))
}

// copied are formulas that are copied down; {r} is the row, {p} the one above, {n} the last.
var copied = []string{
	"A{r}*2+1", "A{r}+B{r}", "A{r}-B{r}", "A{r}/B{r}", "B{r}^2", "-A{r}%", "B{r}^A{r}",
	"IF(A{r}>0,A{r}-D{r},D{r})", "IF(B{r}=A{r},1/B{r},2)", "A{r}>=B{r}", "IF(B{r},1,0)", "B{r}<>0.3",
	"ROUND(A{r},1)+INT(B{r})", "MOD(A{r},3)", "SQRT(A{r})", "TRUNC(A{r})", "TRUNC(A{r},1)", "LN(A{r})+EXP(B{r})",
	"D{p}+A{r}", "E{p}+1", "IF(A{r}>F{p},A{r},F{p})", "$A$1+A{r}", "A{n}*B{r}", "A{p}+A{r}",
	"SUM(A$1:A{r})", "AVERAGE(A$1:A{r})", "COUNT(B$1:B{r})", "SUM(B$2:B{r},1)", "SUM(A{r}:A${n})", "SUM(D$1:D{r})",
	"VLOOKUP(B{r},$B$1:$D${n},3,FALSE)", "MATCH(B{r},$B$1:$B${n},0)", "MATCH(C{r},C:C,0)", "XMATCH(C{r},$C$1:$C${n},0,-1)", "MATCH(A{r},$D$1:$D${n},0)",
	`SUMIFS($A$1:$A${n},$C$1:$C${n},C{r},$B$1:$B${n},">4")`, "COUNTIF(B:B,B{r})", `COUNTIFS($B$1:$B${n},B{r},$C$1:$C${n},"<>beta")`,
	`SUMIF($C$1:$C${n},C{r},$D$1:$D${n})`, `AVERAGEIFS($A$1:$A${n},$B$1:$B${n},5)`,
}

// pair is a workbook, twice.
type pair struct {
	t     *testing.T
	in    Input
	model *Model
	plain *plain.Book
	rows  int
	cols  int
}

func newPair(t *testing.T, r *rand.Rand, rows int, mixed bool) *pair {
	p := &pair{t: t, plain: plain.New("S"), rows: rows}
	m := &maker{grid.NewBuilder("S")}
	m.b.AnyOrder()
	for row := range rows {
		for col := range inputs {
			v := cell.NumberValue(float64(r.IntN(300)) / 4)
			if mixed {
				v = someValue(r, col)
			}
			if v.IsBlank() {
				continue
			}
			if err := m.b.Value(cell.Ref{Row: row, Col: col}, 0, v); err != nil {
				t.Fatal(err)
			}
			p.plain.Set(0, cell.Ref{Row: row, Col: col}, v)
		}
	}
	p.cols = inputs + 6
	if rows > 100 { // plain takes its time
		p.cols = inputs + 3
	}
	for col := inputs; col < p.cols; {
		text := copied[r.IntN(len(copied))]
		if circular(text, col) {
			continue
		}
		for row := 1; row < rows; row++ {
			f := strings.NewReplacer("{r}", fmt.Sprint(row+1), "{p}", fmt.Sprint(row), "{n}", fmt.Sprint(rows)).Replace(text)
			m.Formula(row, col, f)
			if err := p.plain.SetFormula(0, cell.Ref{Row: row, Col: col}, f, false, cell.Range{}); err != nil {
				t.Fatal(f, err)
			}
		}
		col++
	}
	p.in = Input{Book: &grid.Workbook{Sheets: []grid.SheetInfo{{Name: "S"}}}, Sheets: []*grid.Sheet{m.b.Finish(nil)}}
	model, err := NewModel(context.Background(), p.in)
	if err != nil {
		t.Fatal(err)
	}
	p.model = model
	return p
}

// circular reports whether a formula that is copied down a column would depend on itself: it
// reads that column or one behind it, and not only the row above.
func circular(text string, col int) bool {
	for c := col; c < inputs+6; c++ {
		letter := string(rune('A' + c))
		for _, sign := range []string{"{r}", "$", ":"} {
			if strings.Contains(text, letter+sign) {
				return true
			}
		}
		if c > col && strings.Contains(text, letter+"{p}") {
			return true
		}
	}
	return false
}

func (p *pair) edit(at cell.Ref, v cell.Value) {
	s, err := p.in.Sheets[0].With([]grid.Change{{Ref: at, Value: v}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.in.Sheets = []*grid.Sheet{s}
	p.plain.Set(0, at, v)
}

// check calculates, and compares all values with those of a calculation from scratch.
func (p *pair) check(opt Options) {
	p.t.Helper()
	r, err := p.model.Calculate(context.Background(), p.in, opt)
	if err != nil {
		p.t.Fatal(err)
	}
	if s := r.Sheets[0]; s != nil {
		p.in.Sheets = []*grid.Sheet{s}
	}
	p.model = r.Model
	if len(r.Circular) > 0 {
		p.t.Fatal("cells depend on themselves")
	}
	model, err := NewModel(context.Background(), p.in)
	if err != nil {
		p.t.Fatal(err)
	}
	if r, err = model.Calculate(context.Background(), p.in, Options{All: true, Workers: 1}); err != nil {
		p.t.Fatal(err)
	}
	if r.Changed > 0 {
		p.compare("all anew", r.Sheets[0].Value)
	}
}

// compare compares all values with others.
func (p *pair) compare(with string, value func(cell.Ref) cell.Value) {
	p.t.Helper()
	for row := range p.rows {
		for col := range p.cols {
			at := cell.Ref{Row: row, Col: col}
			if got, want := p.in.Sheets[0].Value(at), value(at); got != want {
				c, _ := p.in.Sheets[0].At(at)
				f := ""
				if c.HasFormula() {
					f = p.in.Sheets[0].Formula(c).Text
				}
				p.t.Fatalf("%v =%s is %v (%v), %s gives %v (%v)", at, f, got, got.Number(), with, want, want.Number())
			}
		}
	}
}

// TestFewByIndex compares conditional sums whose criteria few cells meet, which are found by an index,
// with those of package plain, before and after keys change. The Kelvin sign and the long s fold into letters
// of ASCII, which a criterion does not take for them.
func TestFewByIndex(t *testing.T) {
	const rows, formulas = 900, 48
	keys := func(i int) cell.Value {
		if i%11 == 3 {
			return cell.NumberValue(float64(i % 47))
		}
		return cell.TextValue(fmt.Sprintf([]string{"k%d", "K%d", "\u212a%d", "s%d", "\u017f%d", "é%d", "É%d", "%d"}[i%8], i%47))
	}
	for _, workers := range []int{1, 3} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			p := &pair{t: t, plain: plain.New("S"), rows: rows, cols: 6}
			m := &maker{grid.NewBuilder("S")}
			set := func(at cell.Ref, v cell.Value) {
				if err := m.b.Value(at, 0, v); err != nil {
					t.Fatal(err)
				}
				p.plain.Set(0, at, v)
			}
			for row := range rows {
				set(cell.Ref{Row: row}, keys(row))
				set(cell.Ref{Row: row, Col: 1}, cell.NumberValue(float64(row%7)))
				set(cell.Ref{Row: row, Col: 2}, cell.NumberValue(float64(row%13)))
				if row >= formulas {
					continue
				}
				key := []string{"k", "K", "s", "é", "\u212a", ""}[row%6]
				for col, f := range []string{
					fmt.Sprintf(`SUMIFS($C$1:$C$%d,$A$1:$A$%d,"%s%d",$B$1:$B$%d,">2")`, rows, rows, key, row, rows),
					fmt.Sprintf(`COUNTIF($A$1:$A$%d,"%s%d")`, rows, key, row),
					fmt.Sprintf(`SUMIFS($C$1:$C$%d,$B$1:$B$%d,"<5",$A$1:$A$%d,$A%d)`, rows, rows, rows, row+1),
				} {
					m.Formula(row, 3+col, f)
					if err := p.plain.SetFormula(0, cell.Ref{Row: row, Col: 3 + col}, f, false, cell.Range{}); err != nil {
						t.Fatal(f, err)
					}
				}
			}
			p.in = Input{Book: &grid.Workbook{Sheets: []grid.SheetInfo{{Name: "S"}}}, Sheets: []*grid.Sheet{m.b.Finish(nil)}}
			var err error
			if p.model, err = NewModel(t.Context(), p.in); err != nil {
				t.Fatal(err)
			}
			p.check(Options{All: true, Workers: workers})
			p.compare("plain", func(at cell.Ref) cell.Value { return p.plain.Value(0, at) })
			for i := range 20 {
				at := cell.Ref{Row: i * 41}
				p.edit(at, keys(i*5))
				p.check(Options{Sources: []Cell{{0, at}}, Workers: workers})
			}
			p.compare("plain", func(at cell.Ref) cell.Value { return p.plain.Value(0, at) })
		})
	}
}

// TestWorkers calculates the scenes with one worker and with several: large enough that all of
// the work is shared.
func TestWorkers(t *testing.T) {
	for _, s := range scenes.All {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			in := workbook(s.Fill, 8)
			m, err := NewModel(context.Background(), in)
			if err != nil {
				t.Fatal(err)
			}
			one, err := m.Calculate(context.Background(), in, Options{All: true, Workers: 1})
			if err != nil {
				t.Fatal(err)
			}
			four, err := m.Calculate(context.Background(), in, Options{All: true, Workers: 4})
			if err != nil {
				t.Fatal(err)
			}
			if one.Calculated != m.Formulas() || four.Calculated != m.Formulas() || one.Changed != four.Changed {
				t.Errorf("of %d formulas one worker calculates %d and changes %d, four %d and %d", m.Formulas(), one.Calculated, one.Changed, four.Calculated, four.Changed)
			}
			for a, b := range grid.Diff(one.Sheets[0], four.Sheets[0], nil) {
				if a.Value != b.Value {
					t.Fatalf("%v is %v with one worker, %v with four", a.Ref, a.Value, b.Value)
				}
			}
		})
	}
}
