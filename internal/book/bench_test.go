package book

import (
	"fmt"
	"runtime"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
)

// largeBook is one sheet of rows × 10 cells, mixed as a machine writes them.
func largeBook(tb testing.TB, rows int) *memSource {
	tb.Helper()
	b := grid.NewBuilder("Sheet1")
	names := []string{"north", "south", "east", "west"}
	group := b.AddGroup(grid.SharedFormula, cell.Ref{Col: 9}, cell.Range{First: cell.Ref{Col: 9}, Last: cell.Ref{Row: rows - 1, Col: 9}})
	sum, err := b.AddFormula([]byte("A1+B1"), group)
	if err != nil {
		tb.Fatal(err)
	}
	for row := range rows {
		for col := range 10 {
			r := cell.Ref{Row: row, Col: col}
			switch {
			case col < 3:
				err = b.Int(r, 0, int32(row*(col+1)))
			case col < 6:
				err = b.Float(r, 0, float64(row)+0.25*float64(col))
			case col < 8:
				err = b.Text(r, 0, []byte(names[(row+col)%len(names)]))
			case col == 8:
				err = b.Bool(r, 0, row%3 == 0)
			default:
				err = b.Int(r, 0, int32(row*3))
				b.SetFormula(r, sum)
			}
			if err != nil {
				tb.Fatal(err)
			}
		}
	}
	m := newBook(tb)
	m.add("Sheet1", b.Finish(nil))
	return m
}

// scatteredEdit edits n cells of which each fork has others: numbers, and a text, a formula
// and a date among ten.
func scatteredEdit(n, fork, rows int) Edit {
	o := SetCells{Sheet: "Sheet1", Cells: make([]CellEdit, n)}
	for i := range o.Cells {
		c := CellEdit{Ref: cell.Ref{Row: (i*7919 + fork*104729) % rows, Col: i % 6}, Value: cell.NumberValue(float64(fork) + 0.5)}
		switch i % 10 {
		case 7:
			c.Value = cell.TextValue(fmt.Sprintf("note of fork %d", fork))
		case 8:
			c.Value, c.HasFormula, c.Formula = cell.Value{}, true, fmt.Sprintf("SUM(A1:A%d)", fork+2)
		case 9:
			c.NumFmt = "yyyy-mm-dd"
		}
		o.Cells[i] = c
	}
	return Edit{Ops: []Op{o}}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkForks measures what 1000 forks of a workbook of 1 000 000 cells keep alive, with 10
// edits each, in per cent of the workbook and in bytes a fork.
func BenchmarkForks(b *testing.B) {
	before := heap()
	m := largeBook(b, 100_000)
	base := storedSnapshot("wb", "rev", m)
	size := heap() - before
	const forks = 1000
	for b.Loop() {
		snapshots := make([]*Snapshot, forks)
		empty := heap()
		for i := range snapshots {
			snapshots[i], _ = apply(b, base, scatteredEdit(10, i, 100_000))
		}
		grown := heap() - empty
		b.ReportMetric(100*float64(grown)/float64(size), "%-of-base")
		b.ReportMetric(float64(grown)/forks, "B/fork")
		b.ReportMetric(float64(snapshots[0].OwnBytes()), "OwnBytes")
		runtime.KeepAlive(snapshots)
	}
}

// BenchmarkApply measures one commit of 1 and of 10 cells, with its changes read.
func BenchmarkApply(b *testing.B) {
	for _, rows := range []int{100_000, 1_000_000} {
		base := storedSnapshot("wb", "rev", largeBook(b, rows))
		for _, n := range []int{1, 10} {
			b.Run(fmt.Sprintf("cells=%d/edits=%d", 10*rows, n), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					_, set := apply(b, base, scatteredEdit(n, i%1000, rows))
					for range set.Changes() {
					}
				}
			})
		}
	}
}

// BenchmarkDiff measures Diff of two forks of a workbook of 10 000 000 cells with 10 edits
// each; and of two unrelated workbooks of 1 000 000 cells with one row inserted.
func BenchmarkDiff(b *testing.B) {
	count := func(b *testing.B, x, y *Snapshot) (n int) {
		for _, err := range Diff(b.Context(), x, y, DiffOptions{}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		return n
	}
	b.Run("line", func(b *testing.B) {
		base := storedSnapshot("wb", "rev", largeBook(b, 1_000_000))
		x, _ := apply(b, base, scatteredEdit(10, 1, 1_000_000))
		y, _ := apply(b, base, scatteredEdit(10, 2, 1_000_000))
		for b.Loop() {
			if n := count(b, x, y); n != 20 {
				b.Fatalf("%d changes", n)
			}
		}
	})
	b.Run("unrelated", func(b *testing.B) {
		x := storedSnapshot("x", "", largeBook(b, 100_000))
		y := storedSnapshot("y", "", largeBook(b, 100_000))
		cells := 0
		for b.Loop() {
			cells += 1_000_000
			if n := count(b, x, y); n != 0 {
				b.Fatalf("%d changes", n)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(cells), "ns/cell")
	})
}

// BenchmarkRestructure inserts a row at the top of a sheet of a million cells, a tenth of them formulas, and calculates all formulas, as
// an edit does; and makes of that the edit which stands in the journal.
func BenchmarkRestructure(b *testing.B) {
	ctx := b.Context()
	s := NewSnapshot("wb", "rev", largeBook(b, 100_000)).Stored()
	e := Edit{Ops: []Op{Restructure{structure.Change{Kind: structure.InsertRows, Sheet: "Sheet1", Count: 1}}}}
	var next *Snapshot
	b.Run("apply", func(b *testing.B) {
		for b.Loop() {
			var err error
			if next, _, err = s.Apply(ctx, e); err != nil {
				b.Fatal(err)
			}
			if _, err = next.Sheet(ctx, 0); err != nil { // it is moved when it is asked for
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(next.OwnBytes()), "kept-B")
	})
	b.Run("calculate", func(b *testing.B) {
		for b.Loop() {
			n, _, err := s.Apply(ctx, e)
			if err != nil {
				b.Fatal(err)
			}
			if next, _, err = n.Refresh(ctx, Moment{Now: 45000}, Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("between", func(b *testing.B) {
		for b.Loop() {
			if made, err := Between(ctx, s, next); err != nil || len(made.Ops) != 1 {
				b.Fatal(made, err)
			}
		}
	})
}
