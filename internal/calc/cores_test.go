package calc

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"gridflow/internal/calc/graph"
	"gridflow/internal/calc/scenes"
)

// BenchmarkCores is no measurement but a simulation: how many times faster a full calculation
// would be with more cores than there are here, by the plan that is really made. Its unit is a cell
// read or calculated, as in graph.Unit.Cost, which was 2 ns when it was measured for S1M.
//
// The pieces of a level are taken from one list, in their order, by whoever is free; what reads
// itself is done by one. Starting the workers of a level costs startCost each. Besides, every
// cell is marked, unpacked and put into its sheet again, which is shared by tiles, and the graph
// and the plan are gone through by one.
func BenchmarkCores(b *testing.B) {
	for _, s := range scenes.All {
		in := workbook(s.Fill, 1)
		m, err := NewModel(context.Background(), in)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(s.Name, func(b *testing.B) {
			for b.Loop() {
				one := simulate(b, m, in, 1)
				for _, n := range []int{2, 8, 64} {
					b.ReportMetric(one/simulate(b, m, in, n), fmt.Sprintf("x%d", n))
				}
			}
		})
	}
}

const (
	startCost = 150 // of one worker for one level: 0.3 µs
	tileCost  = 8   // of a cell that is marked, unpacked and published
	spanCost  = 100 // of a span in the graph and in the plan
)

// simulate gives how long a full calculation takes on n cores.
func simulate(b *testing.B, m *Model, in Input, n int) (time float64) {
	d, err := m.graph.All(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	plan, err := d.Plan(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	c := &calculation{m: m, in: in, indexes: map[columnKey]*index{}}
	for _, s := range in.Sheets {
		c.sheets = append(c.sheets, newSheetTiles(s))
	}
	c.mark(d)
	for first := 0; first < len(plan.Units); {
		last := first
		var pieces []piece
		var cost int64
		for ; last < len(plan.Units) && plan.Units[last].Level == plan.Units[first].Level; last++ {
			u := &plan.Units[last]
			if u.Order != graph.Independent {
				time += float64(u.Cost)
				continue
			}
			for s, region := range plan.Parts(last) {
				for r := range region.Ranges() {
					pieces = c.cut(pieces, graph.Step{Span: s, Cells: r})
				}
			}
			cost += u.Cost
		}
		if n > 1 && cost >= alone {
			var rows int
			var costs []float64
			groups := shares(pieces, cost)
			for _, g := range groups {
				k := 0
				for _, p := range g {
					k += p.last - p.first + 1
				}
				costs, rows = append(costs, float64(k)), rows+k
			}
			for i := range costs {
				costs[i] *= float64(cost) / float64(rows)
			}
			time += share(costs, n) + startCost*float64(min(n, len(groups)))
		} else {
			time += float64(cost)
		}
		first = last
	}
	var tiles []float64
	for _, s := range c.sheets {
		s.each(func(int, int, *tile) { tiles = append(tiles, 512*tileCost) })
	}
	return time + share(tiles, n) + spanCost*float64(d.Len())
}

// share gives when the last of n workers ends that take work from one list.
func share(costs []float64, n int) float64 {
	free := make([]float64, n)
	for _, c := range costs {
		i := slices.Index(free, slices.Min(free))
		free[i] += c
	}
	return slices.Max(free)
}
