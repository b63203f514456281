package calc

import (
	"context"
	"fmt"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// The scenarios of the speed goals. Each is a workbook of one sheet, or two, made in
// memory with values that are not calculated yet.

// maker fills a sheet.
type maker struct {
	b *grid.Builder
}

func (m *maker) number(row, col int, f float64) {
	if err := m.b.Number(cell.Ref{Row: row, Col: col}, 0, f); err != nil {
		panic(err)
	}
}

func (m *maker) text(row, col int, s string) {
	if err := m.b.Text(cell.Ref{Row: row, Col: col}, 0, []byte(s)); err != nil {
		panic(err)
	}
}

func (m *maker) formula(row, col int, text string) {
	id, err := m.b.AddFormula([]byte(text), -1)
	if err != nil {
		panic(err)
	}
	if err := m.b.Blank(cell.Ref{Row: row, Col: col}, 0); err != nil {
		panic(err)
	}
	m.b.SetFormula(cell.Ref{Row: row, Col: col}, id)
}

// scenarios are the workbooks by name, with the cell that is edited.
var scenarios = []struct {
	name string
	fill func(m *maker, scale int)
	edit cell.Ref
}{
	// Three columns of formulas copied down beside numbers, and a sum.
	{"S1M", func(m *maker, scale int) {
		for r := range 250000 / scale {
			m.number(r, 0, float64(r%1000)+0.5)
			m.formula(r, 1, fmt.Sprintf("A%d*2", r+1))
			m.formula(r, 2, fmt.Sprintf("B%d+A%d", r+1, r+1))
			m.formula(r, 3, fmt.Sprintf("IF(C%d>500,C%d-A%d,B%d)", r+1, r+1, r+1, r+1))
		}
	}, cell.Ref{Row: 100, Col: 0}},
	// A chain: each cell adds one to that above.
	{"S2", func(m *maker, scale int) {
		m.number(0, 0, 1)
		for r := 1; r < 100000/scale; r++ {
			m.formula(r, 0, fmt.Sprintf("A%d+1", r))
		}
	}, cell.Ref{}},
	// Sums that grow.
	{"S3", func(m *maker, scale int) {
		for r := range 10000 / scale {
			m.number(r, 0, float64(r%100))
			m.formula(r, 1, fmt.Sprintf("SUM(A$1:A%d)", r+1))
		}
	}, cell.Ref{Row: 5, Col: 0}},
	// Many that read one cell.
	{"S4", func(m *maker, scale int) {
		m.number(0, 0, 3)
		for r := range 100000 / scale {
			m.formula(r, 1, fmt.Sprintf("$A$1*%d", r%7+1))
		}
	}, cell.Ref{}},
	// Exact lookups in unsorted rows.
	{"S5", func(m *maker, scale int) {
		n := 20000 / scale
		for r := range n {
			m.number(r, 0, float64((r*7919)%n))
			m.number(r, 1, float64(r))
			m.number(r, 3, float64((r*104729)%n))
			m.formula(r, 4, fmt.Sprintf("VLOOKUP(D%d,$A$1:$B$%d,2,FALSE)", r+1, n))
		}
	}, cell.Ref{Row: 10, Col: 3}},
	// Conditional sums.
	{"S6", func(m *maker, scale int) {
		n := 100000 / scale
		for r := range n {
			m.text(r, 0, fmt.Sprintf("k%d", (r*31)%500))
			m.number(r, 1, float64((r*17)%10))
			m.number(r, 2, float64(r%100))
			if r < 500/scale {
				m.formula(r, 5, fmt.Sprintf(`SUMIFS($C$1:$C$%d,$A$1:$A$%d,"k%d",$B$1:$B$%d,">4")`, n, n, r, n))
			}
		}
	}, cell.Ref{Row: 10, Col: 2}},
}

// workbook makes a scenario, its rows divided by scale.
func workbook(fill func(*maker, int), scale int) Input {
	m := &maker{grid.NewBuilder("S")}
	m.b.AnyOrder()
	fill(m, scale)
	return Input{Book: &grid.Workbook{Sheets: []grid.SheetInfo{{Name: "S"}}}, Sheets: []*grid.Sheet{m.b.Finish(nil)}}
}

// BenchmarkModel builds the model: formulas compiled, graph.
func BenchmarkModel(b *testing.B) {
	for _, s := range scenarios {
		in := workbook(s.fill, 1)
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, err := NewModel(context.Background(), in)
				if err != nil {
					b.Fatal(err)
				}
				st := m.graph.Stats()
				b.ReportMetric(float64(st.Bytes)/float64(max(st.Formulas, 1)), "B/formula")
			}
		})
	}
}

// BenchmarkFull calculates every formula and makes the sheet with the values.
func BenchmarkFull(b *testing.B) {
	for _, s := range scenarios {
		in := workbook(s.fill, 1)
		m, err := NewModel(context.Background(), in)
		if err != nil {
			b.Fatal(err)
		}
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/%d", s.name, workers), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := m.Calculate(context.Background(), in, Options{All: true, Workers: workers}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkEdit changes one number and calculates what depends on it.
func BenchmarkEdit(b *testing.B) {
	for _, s := range scenarios {
		in := workbook(s.fill, 1)
		m, err := NewModel(context.Background(), in)
		if err != nil {
			b.Fatal(err)
		}
		r, err := m.Calculate(context.Background(), in, Options{All: true})
		if err != nil {
			b.Fatal(err)
		}
		in.Sheets = []*grid.Sheet{r.Sheets[0]}
		n := 0
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n++
				sheet, err := in.Sheets[0].With([]grid.Change{{Ref: s.edit, Value: cell.NumberValue(float64(n % 50))}})
				if err != nil {
					b.Fatal(err)
				}
				now := in
				now.Sheets = []*grid.Sheet{sheet}
				if _, err := r.Model.Calculate(context.Background(), now, Options{Sources: []Cell{{0, s.edit}}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
