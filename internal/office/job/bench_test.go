package job

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/office/cold"
	"gridflow/internal/office/intake"
	"gridflow/internal/xlsx/patch"
)

// BenchmarkJobs: what a warm worker and what stands around it take, on an example workbook of 3,041
// formulas, and on one of twenty. copy is the part that is ours: the copy with values that LibreOffice is
// shown.
func BenchmarkJobs(b *testing.B) {
	data, err := os.ReadFile("../../../examples/loan.xlsx")
	if err != nil {
		b.Fatal(err)
	}
	d := document(b, data)
	var g genbook.Grid
	for row := 1; row <= 20; row++ {
		g.Set(fmt.Sprintf("A%d", row), 0, float64(row))
		g.Formula(fmt.Sprintf("B%d", row), 0, fmt.Sprintf("A%d*2+1", row), float64(2*row+1))
	}
	book := &genbook.Book{}
	book.AddSheet(g.Fill(&genbook.Sheet{Name: "S"}))
	small := document(b, packed(b, book))
	small.Key = "small"
	o := &Office{Runner: cold.Pool(b)}
	area := cell.Range{Last: cell.Ref{Row: 19, Col: 14}}
	for name, do := range map[string]func() error{
		"copy": func() error {
			p, _, err := d.flat(b.Context(), nil, nil)
			if err != nil {
				return err
			}
			dir := b.TempDir()
			_, err = d.save(b.Context(), dir, p, intake.Limits.Copy)
			return err
		},
		"patch alone": func() error {
			p, _, err := d.flat(b.Context(), nil, nil)
			if err == nil {
				_, err = patch.Save(b.Context(), d.File, p, io.Discard)
			}
			return err
		},
		"picture": func() error {
			_, err := o.Paint(b.Context(), d, 0, area, PaintOptions{Scale: 1, MaxSide: 4096, MaxPixels: 1 << 24})
			return err
		},
		"recalculation":       func() error { _, err := o.Recalculate(b.Context(), d); return err },
		"recalculation of 20": func() error { _, err := o.Recalculate(b.Context(), small); return err },
		"PDF of a sheet": func() error {
			return o.Export(b.Context(), d, Export{Format: "pdf", Sheet: 0}, io.Discard)
		},
	} {
		b.Run(name, func(b *testing.B) {
			if err := do(); err != nil { // a worker starts
				b.Fatal(err)
			}
			var took []time.Duration
			for b.Loop() {
				begin := time.Now()
				if err := do(); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begin))
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "median-ms")
		})
	}
}

// BenchmarkPaintPart: a picture of thirty rows of a workbook of 200 000 cells, of a copy with what is seen in it and of one with
// everything, in turn; times is how many times longer the latter takes.
func BenchmarkPaintPart(b *testing.B) {
	var file bytes.Buffer
	if err := genbook.Workloads[0].Write(&file, 0.2); err != nil {
		b.Fatal(err)
	}
	d := document(b, file.Bytes())
	runner := cold.Pool(b)
	var took [2]time.Duration
	paint := func(i int, bounds bounds) {
		begin := time.Now()
		o := &Office{Runner: runner, bounds: bounds}
		if _, err := o.Paint(b.Context(), d, 0, cell.Range{First: cell.Ref{Row: 9_000}, Last: cell.Ref{Row: 9_029, Col: 9}}, PaintOptions{Scale: 1, MaxSide: 4096, MaxPixels: 1 << 24}); err != nil {
			b.Fatal(err)
		}
		took[i] += time.Since(begin)
	}
	paint(0, bounds{}) // a worker starts
	took[0] = 0
	for b.Loop() {
		paint(0, bounds{})
		paint(1, bounds{whole: 1 << 40})
	}
	b.ReportMetric(took[0].Seconds()*1000/float64(b.N), "part-ms")
	b.ReportMetric(took[1].Seconds()/took[0].Seconds(), "times")
}
