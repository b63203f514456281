package calc

import (
	"cmp"
	"slices"
	"sync/atomic"

	"gridflow/internal/calc/graph"
	"gridflow/internal/crew"
	"gridflow/internal/grid"
)

// How the work of a level is shared by workers: cells that do not read each other are cut into
// pieces, as large as pays, which all take from one list.

// alone is the cost below which one worker does a level: starting others costs more.
const alone = 4 * 1e3

// piece is a part of a unit: cells of one column, in one band.
type piece struct {
	sheet int
	col   int
	band  int
	first int // rows in the band
	last  int
	cost  int64 // as graph.Unit.Cost
}

func (p *piece) rows() int64 { return int64(p.last - p.first + 1) }

// extend makes one piece of two that follow one another, and reports whether they do.
func (p *piece) extend(q piece) bool {
	if p.sheet != q.sheet || p.col != q.col || p.band != q.band {
		return false
	}
	switch {
	case q.first == p.last+1:
		p.last = q.last
	case q.last == p.first-1:
		p.first = q.first
	default:
		return false
	}
	p.cost += q.cost
	return true
}

// spreadOut has the pieces calculated by as many workers as it pays.
func (c *calculation) spreadOut(w *worker, pieces []piece, cost int64) {
	n := c.workers()
	if n < 2 || cost < alone {
		for _, p := range pieces {
			w.piece(p, c.sheets[p.sheet].tile(p.col, p.band))
		}
		return
	}
	groups := shares(pieces, n)
	n = min(n, len(groups))
	var next atomic.Int64
	var wg crew.Crew
	counts := make([]int, n)
	for k := range n {
		wg.Go(func() {
			w := &worker{c: c, beside: true}
			for !c.stopped() {
				i := int(next.Add(1)) - 1
				if i >= len(groups) {
					break
				}
				for _, p := range groups[i] {
					w.piece(p, c.sheets[p.sheet].tile(p.col, p.band))
				}
			}
			counts[k] = w.count
		})
	}
	wg.Wait()
	for _, k := range counts {
		c.count += k
	}
}

// fetchMin is how often the cells of a tile are to be read, by the plan, for it to be fetched.
const fetchMin = 8

// fetch unpacks the tiles that steps read where all workers would else go for the same ones at
// the same time, each cell of them again and again.
func (c *calculation) fetch(steps []graph.Step, cost int64) {
	n := c.workers()
	if n < 2 || cost < fetchMin*marksMin*grid.BandRows {
		return
	}
	type column struct{ sheet, col, band int }
	var missing []column
	var reads []graph.Area // of a step
	seen := map[graph.Area]bool{}
	for _, s := range steps {
		reads = slices.AppendSeq(reads[:0], s.Span.Reads(s.Cells))
		rows := c.searchedRows(reads)
		for _, a := range reads {
			if seen[a] {
				continue
			}
			if seen[a] = true; int64(len(seen))*64 > cost { // to find out would cost too much
				return
			}
			tiles := c.sheets[a.Sheet]
			r, ok := a.Range.Intersect(tiles.used)
			if tiles.empty || !ok || a.Range.Cols() == 1 && a.Range.Rows() == rows {
				continue
			}
			bands := int64(r.Last.Row/grid.BandRows - r.First.Row/grid.BandRows + 1)
			if (int64(len(missing))+bands*int64(r.Cols()))*fetchMin*grid.BandRows > cost {
				return
			}
			for col := r.First.Col; col <= r.Last.Col; col++ {
				for band := r.First.Row / grid.BandRows; band <= r.Last.Row/grid.BandRows; band++ {
					if tiles.asked(col, band) == nil {
						missing = append(missing, column{a.Sheet, col, band})
					}
				}
			}
		}
	}
	if len(missing) < marksMin || c.memory.most > 0 && c.memory.used.Load()+int64(len(missing))*(tileBytes+textBytes) > c.memory.most/2 {
		return
	}
	var wg crew.Crew
	n = min(n, len(missing)/marksMin+1)
	for k := range n {
		wg.Go(func() {
			for i := k; i < len(missing) && !c.stopped(); i += n {
				c.sheets[missing[i].sheet].tile(missing[i].col, missing[i].band)
			}
		})
	}
	wg.Wait()
}

// What one worker does at a time: not less than pieceCost, so that taking it costs little beside it, and so
// little that the last one to end does not keep the others waiting long.
const (
	pieceCost = 4 << 10
	perWorker = 16 // pieces of a level, if they are not below pieceCost
)

// shares divides pieces into what one worker does at a time: the pieces of a tile, for they have
// in common what is near in memory; where cells take long, some of these or some rows of one.
func shares(pieces []piece, workers int) (groups [][]piece) {
	cost := int64(0)
	for _, p := range pieces {
		cost += p.cost
	}
	most := max(pieceCost, cost/int64(perWorker*workers))
	var parts []piece
	for _, p := range pieces {
		each := max(p.cost/p.rows(), 1)
		for rows := max(most/each, 1); p.rows() > rows; {
			q := p
			q.last = p.first + int(rows) - 1
			q.cost = rows * each
			p.first, p.cost = q.last+1, p.cost-q.cost
			parts = append(parts, q)
		}
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.sheet, b.sheet), cmp.Compare(a.col, b.col), cmp.Compare(a.band, b.band), cmp.Compare(a.first, b.first))
	})
	for left := parts; len(left) > 0; {
		k, p, sum := 1, left[0], left[0].cost
		for k < len(left) && left[k].sheet == p.sheet && left[k].col == p.col && left[k].band == p.band && sum+left[k].cost <= most {
			sum += left[k].cost
			k++
		}
		groups, left = append(groups, left[:k]), left[k:]
	}
	return groups
}
