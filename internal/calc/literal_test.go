package calc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// varied are formulas that are copied down with other literals: {k} and {j} are numbers, {c} is 1, 2
// or 3, {w} is a word, {r} the row, {n} the last one. Wherever a number or a text may stand, one does.
var varied = []string{
	"A{r}*{k}", "$A$1*{k}", "A{r}*{k}+{j}", "IF(A{r}>{k},B{r},{j})", "{k}-A{r}", "A{r}={k}", "(A{r}+{k})%", "-{k}^2+B{r}",
	"ROUND(A{r},{c})", "MOD(A{r},{k})", "A{r}/({k}-{k})", `B{r}&"{w}"`, `IF(C{r}="{w}",{k},"{w}")`, `C{r}<"{w}"`,
	"VLOOKUP({k},$A$1:$B${n},{c},FALSE)", "VLOOKUP(A{r},$A$1:$C${n},{c},1)", "CHOOSE({c},A{r},{k},B{r})", "INDEX($A$1:$C${n},{c},{c})",
	`SUMIFS($A$1:$A${n},$C$1:$C${n},"{w}")`, `SUMIFS($A$1:$A${n},$B$1:$B${n},">{k}",$C$1:$C${n},"{w}")`, "COUNTIFS($A$1:$A${n},{k})", `COUNTIF(C:C,"{w}*")`,
	"SUM(OFFSET($A$1,{c},0,{c},{c}))", `INDIRECT("A{c}")+{k}`, `INDIRECT("{w}")`, "SUM({1,2},{k})", "SUMPRODUCT(A$1:A$9*{k})", `MATCH("{w}",$C$1:$C${n},{c}-1)`,
	"_xlfn.LET(_xlpm.x,{k},_xlpm.y,{j},_xlpm.x*_xlpm.y+A{r})", "_xlfn.LAMBDA(_xlpm.x,_xlpm.x+{k})({j})", `TEXT(A{r},"{w}0")`, "LEFT(C{r},{c})", `DATE({k},{c},{c})`,
	`IFERROR(A{r}/{k},"{w}")`, `_xlfn.SWITCH(C{r},"{w}",{k},"{w}",{j})`, "{k}", `"{w}"`, "_xlfn.FORMULATEXT(A{r})&{k}", "SUM(A$1:A{r},{k})", "ROW()*{k}", "_xlfn.XLOOKUP({k},$A$1:$A${n},$B$1:$B${n},{j},{c}-2)",
	"LARGE($A$1:$A${n},{c})", "SUBTOTAL({c},A$1:A{r})", "IF({c}=1,A{r},IF({c}=2,B{r},{k}))", "N({k})+T(\"{w}\")", "A{r}:INDEX($A$1:$A${n},{r})*{k}",
}

// withLiterals gives the copy of a formula for a row.
func withLiterals(r *rand.Rand, text string, row, rows int) string {
	for _, open := range []struct {
		name string
		some []string
	}{
		{"{k}", []string{"2", "2", "3", "0", "0.5", "1e3", "2.0"}}, {"{j}", []string{"7", "7", "1"}}, {"{c}", []string{"1", "1", "2", "3"}},
		{"{w}", []string{"beta", "beta", "alpha", "", "5", `say ""x""`}},
	} {
		for strings.Contains(text, open.name) {
			text = strings.Replace(text, open.name, open.some[r.IntN(len(open.some))], 1)
		}
	}
	return strings.NewReplacer("{r}", fmt.Sprint(row+1), "{n}", fmt.Sprint(rows)).Replace(text)
}

// TestLiterals: formulas that differ in their literals have the values that they have by themselves, as
// they are and after edits, of which some change one literal, others put another formula among them.
func TestLiterals(t *testing.T) {
	for seed := range uint64(9) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 11))
			rows := []int{40, 90, 530}[seed%3]
			const columns = 5
			var texts [columns]string
			m := &maker{grid.NewBuilder("S")}
			m.b.AnyOrder()
			for row := range rows {
				for col := range inputs {
					if v := someValue(r, col); !v.IsBlank() {
						if err := m.b.Value(cell.Ref{Row: row, Col: col}, 0, v); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			for i := range texts {
				texts[i] = varied[(int(seed)*columns+i)%len(varied)]
				text := ""
				for row := range rows {
					if row == 0 || r.IntN(3) > 0 { // else as the one above
						text = withLiterals(r, texts[i], -1, rows)
					}
					if strings.Contains(texts[i], "{r}") {
						text = withLiterals(r, texts[i], row, rows)
					}
					m.Formula(row, inputs+i, text)
				}
			}
			in := Input{Book: &grid.Workbook{Sheets: []grid.SheetInfo{{Name: "S"}}}, Sheets: []*grid.Sheet{m.b.Finish(nil)}}
			opt := Options{Now: 45000.25, Seed: seed}
			l := begin(t, in, opt)
			if n := l.model.graph.Stats().Templates; n > columns {
				t.Errorf("%d templates of %d formulas", n, columns)
			}
			l.plainly(t, opt)
			for range 4 {
				var changes []grid.Change
				for range 1 + r.IntN(2)*r.IntN(20) {
					i := r.IntN(columns)
					c := grid.Change{Ref: cell.Ref{Row: r.IntN(rows), Col: inputs + i}}
					switch k := r.IntN(10); {
					case k < 6:
						c.Formula = withLiterals(r, texts[i], c.Ref.Row, rows)
					case k == 6:
						c.Formula = withLiterals(r, texts[r.IntN(columns)], c.Ref.Row, rows)
					case k == 7:
						c.Kind = grid.RemoveCell
					case k == 8:
						c.Formula, c.Spills, c.Fills = withLiterals(r, "{k}+{j}", c.Ref.Row, rows), true, cell.Range{First: c.Ref, Last: c.Ref}
					default:
						c.Ref.Col = r.IntN(inputs)
						c.Value = someValue(r, c.Ref.Col)
					}
					changes = append(changes, c)
				}
				l.edit(t, 0, changes, opt)
			}
			l.plainly(t, opt)
		})
	}
}

// TestLiteralPatch: a literal that changes in one of many copies leaves their span as it is.
func TestLiteralPatch(t *testing.T) {
	m := &maker{grid.NewBuilder("S")}
	m.b.AnyOrder()
	m.Number(0, 0, 3)
	const rows = 3000
	for row := range rows {
		m.Formula(row, 1, fmt.Sprintf("$A$1*%d", row))
	}
	in := Input{Book: &grid.Workbook{Sheets: []grid.SheetInfo{{Name: "S"}}}, Sheets: []*grid.Sheet{m.b.Finish(nil)}}
	l := begin(t, in, Options{})
	at := cell.Ref{Row: 1234, Col: 1}
	if !l.edit(t, 0, []grid.Change{{Ref: at, Formula: "$A$1*0.5"}}, Options{}) {
		t.Fatal("the edit is refused")
	}
	if s := l.model.graph.Stats(); s.Spans != 1 || s.Templates != 1 || s.Bytes > 20*rows {
		t.Errorf("%+v", s)
	}
	for row, want := range map[int]float64{1233: 3699, 1234: 1.5, 1235: 3705} {
		if got := l.in.Sheets[0].Value(cell.Ref{Row: row, Col: 1}).Number(); got != want {
			t.Errorf("row %d: %v, want %v", row, got, want)
		}
	}
	o, ok, err := l.model.Explain(context.Background(), l.in, Options{}, Cell{0, at})
	if err != nil || ok {
		t.Errorf("%+v %v %v", o, ok, err)
	}
}

// TestLiteralReason: the reason for an error is that of the cell's own literals.
func TestLiteralReason(t *testing.T) {
	m := &maker{grid.NewBuilder("S")}
	m.b.AnyOrder()
	for row, text := range []string{"1/4", "1/0", `1/"x"`} {
		m.Formula(row, 0, text)
	}
	for row, text := range []string{"1/4", "1/0", "1/2"} {
		m.Formula(row, 1, text)
	}
	in := Input{Book: &grid.Workbook{Sheets: []grid.SheetInfo{{Name: "S"}}}, Sheets: []*grid.Sheet{m.b.Finish(nil)}}
	l := begin(t, in, Options{})
	o, ok, err := l.model.Explain(context.Background(), l.in, Options{}, Cell{0, cell.Ref{Row: 1, Col: 1}})
	if err != nil || !ok || o.Reason != "the divisor is 0" {
		t.Errorf("%+v %v %v", o, ok, err)
	}
}

// TestLiteralReached: what a formula reads is told by the cell's own literals.
func TestLiteralReached(t *testing.T) {
	m := &maker{grid.NewBuilder("S")}
	m.b.AnyOrder()
	for row := range 5 {
		m.Formula(row, 1, fmt.Sprintf(`INDIRECT("A%d")`, row+1))
		m.Formula(row, 2, fmt.Sprintf("OFFSET($A$1,%d,0)*2", row))
	}
	in := Input{Book: &grid.Workbook{Sheets: []grid.SheetInfo{{Name: "S"}}}, Sheets: []*grid.Sheet{m.b.Finish(nil)}}
	l := begin(t, in, Options{})
	r := l.model.Reader(l.in, Options{})
	for col := 1; col <= 2; col++ {
		for row := 4; row >= 0; row-- {
			areas, err := r.Reached(context.Background(), Cell{0, cell.Ref{Row: row, Col: col}})
			want := cell.Range{First: cell.Ref{Row: row}, Last: cell.Ref{Row: row}}
			if err != nil || len(areas) != 1 || areas[0].Range != want {
				t.Errorf("row %d, column %d: %v %v, want %v", row, col, areas, err, want)
			}
		}
	}
}
