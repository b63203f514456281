package xlsx

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"gridflow/internal/cell"
)

// BenchmarkOpen reads the workbooks in the folder GRIDFLOW_WORKBOOKS (made by
// `go run ./bench/gen`) from the file system to randomly addressable cells.
func BenchmarkOpen(b *testing.B) {
	dir := os.Getenv("GRIDFLOW_WORKBOOKS")
	if dir == "" {
		b.Skip("GRIDFLOW_WORKBOOKS is not set; make the workbooks with: go run ./bench/gen -out DIR")
	}
	paths, _ := filepath.Glob(filepath.Join(dir, "*.xlsx"))
	for _, path := range paths {
		b.Run(filepath.Base(path), func(b *testing.B) {
			b.ReportAllocs()
			var f *File
			cells := 0
			for b.Loop() {
				src, err := os.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				info, _ := src.Stat()
				if f, err = Open(context.Background(), src, info.Size(), Limits{}); err != nil {
					b.Fatal(err)
				}
				cells = 0
				for i := range f.Workbook().Sheets {
					s, err := f.Sheet(context.Background(), i, cell.MaxRows-1)
					if err != nil {
						b.Fatal(err)
					}
					cells += s.StoredCells()
				}
				src.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(cells), "ns/cell")
			b.ReportMetric(float64(f.MemoryBytes())/float64(cells), "counted-B/cell")
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			runtime.KeepAlive(f)
			f = nil
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(before.HeapAlloc-after.HeapAlloc)/float64(cells), "live-B/cell")
		})
	}
}
