package graph

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// filled makes a sheet of rows with numbers in the first column and copies of formulas in the
// others; text gives the formula of a row and column, "" for none.
func filled(tb testing.TB, rows, columns int, text func(b []byte, row, col int) []byte) *grid.Sheet {
	tb.Helper()
	b := grid.NewBuilder("Data")
	var buf []byte
	for row := range rows {
		for col := range columns {
			r := cell.Ref{Row: row, Col: col}
			if err := b.Int(r, 0, int32(row+col)); err != nil {
				tb.Fatal(err)
			}
			if buf = text(buf[:0], row, col); len(buf) == 0 {
				continue
			}
			id, err := b.AddFormula(buf, -1)
			if err != nil {
				tb.Fatal(err)
			}
			b.SetFormula(r, id)
		}
	}
	return b.Finish(nil)
}

// scenarios are the sheets of spec/calc.md, by their names there, and some that are harder.
var scenarios = []struct {
	name          string
	rows, columns int
	text          func(b []byte, row, col int) []byte
}{
	{"S1M", 250_000, 4, func(b []byte, row, col int) []byte {
		switch col {
		case 1:
			return fmt.Appendf(b, "A%d*2", row+1)
		case 2:
			return fmt.Appendf(b, "A%d+B%d", row+1, row+1)
		case 3:
			return fmt.Appendf(b, "IF(B%d>10,C%d/3,0)", row+1, row+1)
		}
		return b
	}},
	{"S2-chain", 100_000, 1, func(b []byte, row, col int) []byte {
		if row == 0 {
			return b
		}
		return fmt.Appendf(b, "A%d+1", row)
	}},
	{"S3-growing", 10_000, 2, func(b []byte, row, col int) []byte {
		if col == 0 {
			return b
		}
		return fmt.Appendf(b, "SUM(A$1:A%d)", row+1)
	}},
	{"S4-fan-out", 100_000, 2, func(b []byte, row, col int) []byte {
		if col == 0 {
			return b
		}
		return fmt.Appendf(b, "$A$1*%d", 2)
	}},
	{"S4-literals", 100_000, 2, func(b []byte, row, col int) []byte {
		if col == 0 {
			return b
		}
		return fmt.Appendf(b, "$A$1*%d", row)
	}},
	// Every formula is a template of its own.
	{"irregular", 100_000, 3, func(b []byte, row, col int) []byte {
		if col == 0 {
			return b
		}
		return fmt.Appendf(b, "A%d*%d+$A$1", (row*7919)%100_000+1, row)
	}},
	// Three columns of which each reads the row above of the next.
	{"running", 100_000, 4, func(b []byte, row, col int) []byte {
		if col == 0 || row == 0 {
			return b
		}
		return fmt.Appendf(b, "%s%d+A%d", cell.ColumnName(col%3+1), row, row+1)
	}},
}

func sheetOf(tb testing.TB, name string) []*grid.Sheet {
	for _, s := range scenarios {
		if s.name == name {
			return []*grid.Sheet{filled(tb, s.rows, s.columns, s.text)}
		}
	}
	tb.Fatal(name)
	return nil
}

func graphOf(tb testing.TB, name string) *Graph {
	g, err := Build(tb.Context(), sheetOf(tb, name), references{[]string{"Data"}})
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

func BenchmarkBuild(b *testing.B) {
	for _, s := range scenarios {
		b.Run(s.name, func(b *testing.B) {
			sheets := sheetOf(b, s.name)
			b.ReportAllocs()
			var g *Graph
			start := processor()
			for b.Loop() {
				var err error
				if g, err = Build(b.Context(), sheets, references{[]string{"Data"}}); err != nil {
					b.Fatal(err)
				}
			}
			reportProcessor(b, start)
			st := g.Stats()
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(st.Formulas), "ns/formula")
			b.ReportMetric(float64(st.Bytes)/float64(st.Formulas), "B/formula")
			b.ReportMetric(float64(st.Spans), "spans")
			b.ReportMetric(heap(b, sheets)/float64(st.Formulas), "heap-B/formula")
		})
	}
}

// reportProcessor reports the processor time of an operation, garbage collection included.
func reportProcessor(b *testing.B, start time.Duration) {
	b.ReportMetric(float64(processor()-start)/float64(b.N), "cpu-ns/op")
}

// heap measures what a graph keeps on the heap.
func heap(b *testing.B, sheets []*grid.Sheet) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools held is gone with the second
	runtime.ReadMemStats(&before)
	g, err := Build(b.Context(), sheets, references{[]string{"Data"}})
	if err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(g)
	runtime.KeepAlive(sheets)
	return float64(after.HeapAlloc) - float64(before.HeapAlloc)
}

// BenchmarkDirty measures what one edited cell makes dirty, and the plan for it.
func BenchmarkDirty(b *testing.B) {
	for _, s := range scenarios {
		b.Run(s.name, func(b *testing.B) {
			g := graphOf(b, s.name)
			b.ReportAllocs()
			var d *Dirty
			var p *Plan
			start := processor()
			for b.Loop() {
				var err error
				if d, err = g.Dirty(b.Context(), []Area{{0, cell.Range{Last: cell.Ref{Row: 1}}}}, 0); err != nil {
					b.Fatal(err)
				}
				if p, err = d.Plan(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			reportProcessor(b, start)
			b.ReportMetric(float64(d.Cells()), "cells")
			b.ReportMetric(float64(len(p.Units)), "units")
		})
	}
}

// BenchmarkAll measures the plan of a full calculation.
func BenchmarkAll(b *testing.B) {
	for _, s := range scenarios {
		b.Run(s.name, func(b *testing.B) {
			g := graphOf(b, s.name)
			b.ReportAllocs()
			start := processor()
			defer func() { reportProcessor(b, start) }()
			for b.Loop() {
				d, err := g.All(b.Context(), 0)
				if err != nil {
					b.Fatal(err)
				}
				if _, err = d.Plan(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWith measures an edit of one formula: on the base, and in a long line of edits at
// other places.
func BenchmarkWith(b *testing.B) {
	for _, s := range scenarios {
		edit := func(b *testing.B, g *Graph, i int) *Graph {
			at := cell.Ref{Row: i * 7919 % s.rows, Col: s.columns - 1}
			h, err := g.With(context.Background(), []Change{{0, at, grid.Formula{Text: "A1*3", Anchor: at}}}, references{[]string{"Data"}})
			if err != nil {
				b.Fatal(err)
			}
			return h
		}
		b.Run(s.name+"/first", func(b *testing.B) {
			g := graphOf(b, s.name)
			b.ReportAllocs()
			start := processor()
			for i := 0; b.Loop(); i++ {
				edit(b, g, i)
			}
			reportProcessor(b, start)
		})
		b.Run(s.name+"/line", func(b *testing.B) {
			h := graphOf(b, s.name)
			b.ReportAllocs()
			start := processor()
			for i := 0; b.Loop(); i++ {
				h = edit(b, h, i)
			}
			reportProcessor(b, start)
			b.ReportMetric(float64(h.Stats().Spans), "spans")
		})
	}
}

// BenchmarkLiteral measures an edit of one literal, in a long line of such edits.
func BenchmarkLiteral(b *testing.B) {
	h := graphOf(b, "S4-literals")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		at := cell.Ref{Row: i * 7919 % 100_000, Col: 1}
		var err error
		if h, err = h.With(context.Background(), []Change{{0, at, grid.Formula{Text: fmt.Sprintf("$A$1*%d.5", i), Anchor: at}}}, references{[]string{"Data"}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(h.Stats().Spans), "spans")
}

func BenchmarkSpanAt(b *testing.B) {
	for _, s := range scenarios {
		b.Run(s.name, func(b *testing.B) {
			g := graphOf(b, s.name)
			for i := 0; b.Loop(); i++ {
				g.SpanAt(0, cell.Ref{Row: i * 7919 % s.rows, Col: s.columns - 1})
			}
		})
	}
}
