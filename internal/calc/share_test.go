package calc

import (
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/grid"
)

// TestShares: pieces are divided into groups that hold each row once, of one tile each, and not
// larger than what pays; what costs little stays together.
func TestShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type cellOf struct{ sheet, col, band, row int }
		want := map[cellOf]bool{}
		var pieces []piece
		cost := int64(0)
		for range rapid.IntRange(1, 30).Draw(t, "pieces") {
			p := piece{sheet: rapid.IntRange(0, 1).Draw(t, "sheet"), col: rapid.IntRange(0, 3).Draw(t, "col"), band: rapid.IntRange(0, 3).Draw(t, "band")}
			p.first = rapid.IntRange(0, grid.BandRows-1).Draw(t, "first")
			p.last = rapid.IntRange(p.first, grid.BandRows-1).Draw(t, "last")
			free := true
			for row := p.first; row <= p.last; row++ {
				free = free && !want[cellOf{p.sheet, p.col, p.band, row}]
			}
			if !free {
				continue
			}
			for row := p.first; row <= p.last; row++ {
				want[cellOf{p.sheet, p.col, p.band, row}] = true
			}
			p.cost = p.rows() * rapid.SampledFrom([]int64{1, 5, 70, 1000, 100_000}).Draw(t, "each")
			cost += p.cost
			pieces = append(pieces, p)
		}
		workers := rapid.IntRange(2, 64).Draw(t, "workers")
		most := max(pieceCost, cost/int64(perWorker*workers))
		got, sum := 0, int64(0)
		for _, g := range shares(pieces, workers) {
			rows, its := 0, int64(0)
			for _, p := range g {
				if p.sheet != g[0].sheet || p.col != g[0].col || p.band != g[0].band {
					t.Fatalf("a group of several tiles: %v", g)
				}
				for row := p.first; row <= p.last; row++ {
					if c := (cellOf{p.sheet, p.col, p.band, row}); !want[c] {
						t.Fatalf("%v is there twice, or nobody asked for it", c)
					} else {
						want[c] = false
					}
				}
				rows, its = rows+p.last-p.first+1, its+p.cost
			}
			if rows > 1 && its > most {
				t.Fatalf("%d rows that cost %d, where %d is the most", rows, its, most)
			}
			got, sum = got+rows, sum+its
		}
		if got != len(want) || sum != cost {
			t.Fatalf("%d rows of %d, which cost %d of %d", got, len(want), sum, cost)
		}
	})
}
