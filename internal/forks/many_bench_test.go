//go:build unix

package forks

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/xf"
)

// processorTime is what the process has taken so far.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkMany changes 100,000 cells of W1, a sheet of a million, and saves the workbook: from the
// file that nobody has read to the file that is written and synced. Excelize does the same in turn. cpu-%
// compares processor time, each with its own garbage; the other figures are by the clock.
func BenchmarkMany(b *testing.B) {
	const rows = 100_000
	var w1 bytes.Buffer
	if err := genbook.Workloads[0].Write(&w1, 1); err != nil {
		b.Fatal(err)
	}
	column := cell.Range{First: cell.Ref{Col: 1}, Last: cell.Ref{Row: rows - 1, Col: 1}}
	fill := make([]book.CellEdit, rows)
	for i := range fill {
		fill[i] = book.CellEdit{Ref: cell.Ref{Row: i, Col: 11}, HasFormula: true, Formula: fmt.Sprintf("A%d*2", i+1)}
	}
	for _, c := range []struct {
		name   string
		ours   func(sheet string) book.Op
		theirs func(f *excelize.File, sheet string) error
	}{
		{"style", func(sheet string) book.Op {
			return book.FormatCells{Sheet: sheet, Ranges: []cell.Range{column}, Settings: xf.Settings{{Leaf: xf.FontBold, Value: "1"}, {Leaf: xf.FillForeground, Value: "FFDDEBF7"}}}
		}, func(f *excelize.File, sheet string) error {
			id, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"DDEBF7"}}})
			if err != nil {
				return err
			}
			return f.SetCellStyle(sheet, "B1", fmt.Sprintf("B%d", rows), id)
		}},
		{"fill", func(sheet string) book.Op { return book.SetCells{Sheet: sheet, Cells: fill} },
			func(f *excelize.File, sheet string) error {
				for i := range rows {
					if err := f.SetCellFormula(sheet, fmt.Sprintf("L%d", i+1), fmt.Sprintf("A%d*2", i+1)); err != nil {
						return err
					}
				}
				return nil
			}},
	} {
		b.Run(c.name, func(b *testing.B) {
			dir := b.TempDir()
			var ours, theirs, editing, oursCPU, theirsCPU time.Duration
			for i := 0; b.Loop(); i++ {
				r := newRig(b, Options{})
				r.put("a.xlsx", w1.Bytes())
				runtime.GC()
				start, cpu := time.Now(), processorTime(b)
				f := r.create("a.xlsx")
				sheet := r.sheet(f.ID)
				edited := time.Now()
				r.edit(f.ID, book.Edit{Ops: []book.Op{c.ours(sheet)}})
				editing += time.Since(edited)
				if _, err := r.store.Save(context.Background(), f.ID, SaveOptions{Path: "out.xlsx"}); err != nil {
					b.Fatal(err)
				}
				ours += time.Since(start)
				oursCPU += processorTime(b) - cpu
				r.close()

				path := filepath.Join(dir, "a.xlsx")
				if err := os.WriteFile(path, w1.Bytes(), 0o600); err != nil {
					b.Fatal(err)
				}
				runtime.GC()
				start, cpu = time.Now(), processorTime(b)
				x, err := excelize.OpenFile(path)
				if err != nil {
					b.Fatal(err)
				}
				if err := c.theirs(x, x.GetSheetList()[0]); err != nil {
					b.Fatal(err)
				}
				if err := x.SaveAs(filepath.Join(dir, "out.xlsx")); err != nil {
					b.Fatal(err)
				}
				x.Close()
				theirs += time.Since(start)
				theirsCPU += processorTime(b) - cpu
			}
			b.ReportMetric(100*oursCPU.Seconds()/theirsCPU.Seconds(), "cpu-%-of-excelize")
			b.ReportMetric(1e3*oursCPU.Seconds()/float64(b.N), "ours-cpu-ms")
			b.ReportMetric(100*ours.Seconds()/theirs.Seconds(), "%-of-excelize")
			b.ReportMetric(1e3*ours.Seconds()/float64(b.N), "ours-ms")
			b.ReportMetric(1e3*editing.Seconds()/float64(b.N), "edit-ms")
		})
	}
}
