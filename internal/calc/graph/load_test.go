package graph

import (
	"bytes"
	"runtime"
	"testing"
	"time"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/write"
)

// BenchmarkLoadRatio measures the build of S1M beside the load of the file, in processor time, which
// other processes change less than the time on the clock.
func BenchmarkLoadRatio(b *testing.B) {
	var file bytes.Buffer
	w := write.New(b.Context(), &file, write.Options{})
	sheet, err := w.Sheet("Data")
	if err != nil {
		b.Fatal(err)
	}
	s := scenarios[0]
	for row := range s.rows {
		cells := make([]write.Cell, s.columns)
		for col := range cells {
			cells[col] = write.Cell{Col: col, Value: cell.NumberValue(float64(row + col)), HasValue: true}
			if text := s.text(nil, row, col); len(text) > 0 {
				cells[col].Formula, cells[col].HasFormula = string(text), true
			}
		}
		if err := sheet.WriteRow(row, cells); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	var load, build time.Duration
	for b.Loop() {
		start := processor()
		f, err := xlsx.Open(b.Context(), bytes.NewReader(file.Bytes()), int64(file.Len()), xlsx.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		sheet, err := f.Sheet(b.Context(), 0, cell.MaxRows-1)
		if err != nil {
			b.Fatal(err)
		}
		load += processor() - start
		start = processor()
		g, err := Build(b.Context(), []*grid.Sheet{sheet}, references{[]string{"Data"}})
		if err != nil || g.Stats().Spans != 3 {
			b.Fatal(g, err)
		}
		build += processor() - start
		runtime.GC()
	}
	b.ReportMetric(float64(load.Milliseconds())/float64(b.N), "load-cpu-ms")
	b.ReportMetric(float64(build.Milliseconds())/float64(b.N), "build-cpu-ms")
	b.ReportMetric(float64(build)/float64(load), "build/load")
}
