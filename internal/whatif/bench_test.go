package whatif

import (
	"fmt"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

// A scene is a workbook of some 10,000 formulas that all depend on one input, A1.
type scene struct {
	name   string
	cells  map[string]any
	output string
}

func at(row, col int) string { return cell.Ref{Row: row, Col: col}.String() }

// chain is two columns of 5,000 formulas: a balance that goes on from row to row, and a part of it.
func chain() map[string]any {
	cells := map[string]any{"A1": 0.05, "A2": 100.0, "D1": 1000.0}
	for i := range 5000 {
		cells[at(i+1, 3)] = at(i, 3) + "*(1+$A$1)/1.05+$A$2"
		cells[at(i+1, 4)] = at(i+1, 3) + "*0.2"
	}
	return cells
}

// plan is a plan of 120 months in columns and 84 lines: sales of products that grow, costs, thresholds,
// sums, a tax that is 0 for a loss, a flag, a price that is looked up, and a balance.
func plan() map[string]any {
	cells := map[string]any{"A1": 0.02, "A2": 0.3, "A3": 50000.0, "A4": 0.25}
	for row := 1; row <= 5; row++ {
		cells[at(row+4, 0)], cells[at(row+4, 1)] = float64(row), float64(row)*1.5
	}
	const products = 18
	for month := range 120 {
		col, c := month+5, cell.Ref{Col: month + 5}.String()
		c = c[:len(c)-1]
		prev := at(0, col-1)
		prev = prev[:len(prev)-1]
		line := func(row int, format string, args ...any) { cells[at(row-1, col)] = fmt.Sprintf(format, args...) }
		for p := range products {
			top := 4*p + 1 // sales, costs, margin, bonus
			if month == 0 {
				line(top, "%d*(1+$A$1)", 1000+p*100)
			} else {
				line(top, "%s%d*(1+$A$1/%d)", prev, top, p+1)
			}
			line(top+1, "%s%d*$A$2+%d", c, top, p)
			line(top+2, "%s%d-%s%d", c, top, c, top+1)
			line(top+3, "IF(%s%d>$A$3/%d,%s%d*0.02,0)", c, top+2, p+20, c, top+2)
		}
		line(73, "SUM(%s3:%s6)", c, c)
		line(74, "SUM(%s1:%s72)", c, c)
		line(75, "MAX(0,%s74-$A$3)", c)
		line(76, "ROUND(%s75*$A$4,2)", c)
		line(77, "%s75-%s76", c, c)
		line(78, "%s77>1000", c)
		line(79, "IF(%s78,%s77/2,0)", c, c)
		line(80, "AVERAGE(%s1:%s20)", c, c)
		line(81, "VLOOKUP(3,$A$6:$B$10,2,FALSE)*%s80", c)
		line(82, "IFERROR(%s81/%s76,0)", c, c)
		line(83, "MIN(%s1,%s5,%s9)+ABS(%s77)", c, c, c, c)
		if month == 0 {
			line(84, "%s77+%s79", c, c)
		} else {
			line(84, "%s84+%s77+%s79+%s82*0+%s83*0", prev, c, c, c, c)
		}
	}
	cells["A12"] = fmt.Sprintf("SUM(%s:%s)", at(83, 5), at(83, 124))
	return cells
}

func scenes() []scene {
	whole := chain()
	whole["A4"] = "SUM(D2:D5001)+SUM(E2:E5001)"
	return []scene{
		{"chain", chain(), "E5001"},
		{"all", whole, "A4"},
		{"plan", plan(), "A12"},
	}
}

// BenchmarkScenarios: 1,000 sets of inputs on 10,000 formulas, beside one calculation of all of them by one
// worker, in processor time: x-full is how many such calculations they cost.
func BenchmarkScenarios(b *testing.B) {
	for _, s := range scenes() {
		m := model(b, s.cells)
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/%d", s.name, workers), func(b *testing.B) {
				var lanes, full float64
				for b.Loop() {
					start := processor()
					err := m.Run(b.Context(), 1000, workers, func(i int) []Input {
						return []Input{{0, ref("A1"), cell.NumberValue(float64(i) / 1e4)}}
					}, []Cell{{0, ref(s.output)}}, func(int, []cell.Value) error { return nil })
					if err != nil {
						b.Fatal(err)
					}
					lanes += (processor() - start).Seconds()
					const rounds = 10
					start = processor()
					for range rounds {
						if _, _, err := m.Base().CalculateWithin(b.Context(), nil, book.Moment{}, book.Limits{Workers: 1}); err != nil {
							b.Fatal(err)
						}
					}
					full += (processor() - start).Seconds() / rounds
				}
				b.ReportMetric(lanes/full, "x-full")
				b.ReportMetric(full/float64(b.N)*1e3, "full-cpu-ms")
				b.ReportMetric(lanes/float64(b.N)*1e3, "lanes-cpu-ms")
			})
		}
	}
}
