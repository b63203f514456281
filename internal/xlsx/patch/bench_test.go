package patch

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/xlsx"
)

// workbook opens one of the benchmark workbooks and loads its first sheet.
func workbook(b *testing.B, name string) (*os.File, *xlsx.File) {
	dir := os.Getenv("GRIDFLOW_WORKBOOKS")
	if dir == "" {
		b.Skip("GRIDFLOW_WORKBOOKS is not set: it names the folder that `make workbooks` fills")
	}
	src, err := os.Open(filepath.Join(dir, name+".xlsx"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { src.Close() })
	info, err := src.Stat()
	if err != nil {
		b.Fatal(err)
	}
	f, err := xlsx.Open(context.Background(), src, info.Size(), xlsx.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := f.Sheet(context.Background(), 0, cell.MaxRows-1); err != nil {
		b.Fatal(err)
	}
	return src, f
}

// target makes the file that is written.
func target(b *testing.B) *os.File {
	f, err := os.CreateTemp(b.TempDir(), "saved")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	return f
}

func again(b *testing.B, f *os.File) {
	if err := f.Truncate(0); err != nil {
		b.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSave saves edits of a loaded workbook and syncs the file, and beside each save
// copies and syncs the source: the ratio is what an edit costs over a copy.
func BenchmarkSave(b *testing.B) {
	for _, name := range []string{"W1", "W2", "W4"} {
		for _, edits := range []struct {
			name string
			n    int
		}{{"one", 1}, {"hundred", 100}} {
			b.Run(name+"/"+edits.name, func(b *testing.B) {
				src, f := workbook(b, name)
				s, _ := f.Sheet(context.Background(), 0, cell.MaxRows-1)
				used, _ := s.Used()
				var cells []CellPatch
				for i := range edits.n {
					row := 1 + (2*i+1)*used.Last.Row/(2*edits.n+1)
					cells = append(cells, CellPatch{Ref: cell.Ref{Row: row, Col: 1}, Value: cell.NumberValue(0.125)})
				}
				out, plain := target(b), target(b)
				var saving, copying, syncing, cpu, copyCPU time.Duration
				for b.Loop() {
					again(b, out)
					used := processorTime()
					start := time.Now()
					if _, err := Save(context.Background(), f, Patch{Sheets: []SheetPatch{{Cells: cells}}}, out); err != nil {
						b.Fatal(err)
					}
					saving += time.Since(start)
					start2 := time.Now()
					if err := out.Sync(); err != nil {
						b.Fatal(err)
					}
					syncing += time.Since(start2)
					cpu += processorTime() - used

					again(b, plain)
					used = processorTime()
					start = time.Now()
					if _, err := src.Seek(0, io.SeekStart); err != nil {
						b.Fatal(err)
					}
					if _, err := io.Copy(plain, src); err != nil {
						b.Fatal(err)
					}
					if err := plain.Sync(); err != nil {
						b.Fatal(err)
					}
					copying += time.Since(start)
					copyCPU += processorTime() - used
				}
				n := float64(b.N)
				b.ReportMetric(saving.Seconds()*1e3/n, "save-ms")
				b.ReportMetric(syncing.Seconds()*1e3/n, "sync-ms")
				b.ReportMetric(copying.Seconds()*1e3/n, "copy-sync-ms")
				b.ReportMetric(cpu.Seconds()*1e3/n, "save-cpu-ms")
				b.ReportMetric(copyCPU.Seconds()*1e3/n, "copy-cpu-ms")
				b.ReportMetric((saving+syncing).Seconds()/copying.Seconds(), "x-copy")
			})
		}
	}
}

// BenchmarkSplice is the save alone, into nothing.
func BenchmarkSplice(b *testing.B) {
	for _, name := range []string{"W1", "W2", "W4"} {
		b.Run(name, func(b *testing.B) {
			_, f := workbook(b, name)
			cells := []CellPatch{{Ref: cell.Ref{Row: 20_000, Col: 1}, Value: cell.NumberValue(0.125)}}
			for b.Loop() {
				if _, err := Save(context.Background(), f, Patch{Sheets: []SheetPatch{{Cells: cells}}}, io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkExcelize opens W1 with excelize, sets a cell and writes the file: what a save of
// ours is compared with.
func BenchmarkExcelize(b *testing.B) {
	src, _ := workbook(b, "W1")
	out := target(b)
	var opening, setting, saving time.Duration
	for b.Loop() {
		again(b, out)
		start := time.Now()
		f, err := excelize.OpenFile(src.Name())
		if err != nil {
			b.Fatal(err)
		}
		opening += time.Since(start)
		start = time.Now()
		if err := f.SetCellValue(f.GetSheetList()[0], "B20000", 0.125); err != nil {
			b.Fatal(err)
		}
		setting += time.Since(start)
		start = time.Now()
		if err := f.Write(out); err != nil {
			b.Fatal(err)
		}
		if err := out.Sync(); err != nil {
			b.Fatal(err)
		}
		saving += time.Since(start)
		f.Close()
	}
	n := float64(b.N)
	b.ReportMetric(opening.Seconds()*1e3/n, "open-ms")
	b.ReportMetric(setting.Seconds()*1e3/n, "set-ms")
	b.ReportMetric(saving.Seconds()*1e3/n, "save-sync-ms")
}
