package job

import (
	"io"
	"os"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/office/cold"
	"gridflow/internal/xlsx/patch"
)

// BenchmarkJobs: what a warm worker and what stands around it take, on an example workbook of 3,041
// formulas. copy is the part that is ours: the copy with values that LibreOffice is shown.
func BenchmarkJobs(b *testing.B) {
	data, err := os.ReadFile("../../../examples/loan.xlsx")
	if err != nil {
		b.Fatal(err)
	}
	d := document(b, data)
	o := &Office{Runner: cold.Pool(b)}
	area := cell.Range{Last: cell.Ref{Row: 19, Col: 14}}
	for name, do := range map[string]func() error{
		"copy": func() error {
			p, err := d.flat(b.Context(), nil)
			if err != nil {
				return err
			}
			dir := b.TempDir()
			_, err = d.save(b.Context(), dir, p, false)
			return err
		},
		"patch alone": func() error {
			p, err := d.flat(b.Context(), nil)
			if err == nil {
				_, err = patch.Save(b.Context(), d.File, p, io.Discard)
			}
			return err
		},
		"picture": func() error {
			_, err := o.Paint(b.Context(), d, 0, area, PaintOptions{Scale: 1, MaxSide: 4096, MaxPixels: 1 << 24})
			return err
		},
		"recalculation": func() error { _, err := o.Recalculate(b.Context(), d); return err },
		"PDF of a sheet": func() error {
			return o.Export(b.Context(), d, Export{Format: "pdf", Sheet: 0}, io.Discard)
		},
	} {
		b.Run(name, func(b *testing.B) {
			if err := do(); err != nil { // a worker starts
				b.Fatal(err)
			}
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
