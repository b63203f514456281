package calc

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"gridflow/internal/calc/scenes"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/write"
)

// maker fills a sheet.
type maker struct {
	b *grid.Builder
}

func (m *maker) Number(row, col int, f float64) {
	if err := m.b.Number(cell.Ref{Row: row, Col: col}, 0, f); err != nil {
		panic(err)
	}
}

func (m *maker) Text(row, col int, s string) {
	if err := m.b.Text(cell.Ref{Row: row, Col: col}, 0, []byte(s)); err != nil {
		panic(err)
	}
}

func (m *maker) Formula(row, col int, text string) {
	id, err := m.b.AddFormula([]byte(text), -1)
	if err != nil {
		panic(err)
	}
	if err := m.b.Blank(cell.Ref{Row: row, Col: col}, 0); err != nil {
		panic(err)
	}
	m.b.SetFormula(cell.Ref{Row: row, Col: col}, id)
}

// workbook makes a scene in memory, with values that are not calculated yet, its rows divided by scale.
func workbook(fill func(scenes.Maker, int), scale int) Input {
	m := &maker{grid.NewBuilder("S")}
	m.b.AnyOrder()
	fill(m, scale)
	return Input{Book: &grid.Workbook{Sheets: []grid.SheetInfo{{Name: "S"}}}, Sheets: []*grid.Sheet{m.b.Finish(nil)}}
}

// reportProcessor reports the processor time of an operation, that of collecting garbage included.
func reportProcessor(b *testing.B, start time.Duration) {
	b.ReportMetric((processor()-start).Seconds()*1e3/float64(b.N), "cpu-ms/op")
}

// BenchmarkModel builds the model: formulas compiled, graph.
func BenchmarkModel(b *testing.B) {
	for _, s := range scenes.All {
		in := workbook(s.Fill, 1)
		b.Run(s.Name, func(b *testing.B) {
			b.ReportAllocs()
			defer reportProcessor(b, processor())
			for b.Loop() {
				m, err := NewModel(context.Background(), in)
				if err != nil {
					b.Fatal(err)
				}
				st := m.graph.Stats()
				b.ReportMetric(float64(st.Bytes)/float64(max(st.Formulas, 1)), "B/formula")
			}
		})
	}
}

// BenchmarkFull calculates every formula and makes the sheet with the values.
func BenchmarkFull(b *testing.B) {
	for _, s := range scenes.All {
		in := workbook(s.Fill, 1)
		m, err := NewModel(context.Background(), in)
		if err != nil {
			b.Fatal(err)
		}
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/%d", s.Name, workers), func(b *testing.B) {
				b.ReportAllocs()
				defer reportProcessor(b, processor())
				for b.Loop() {
					if _, err := m.Calculate(context.Background(), in, Options{All: true, Workers: workers}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkEdit changes one number and calculates what depends on it.
func BenchmarkEdit(b *testing.B) {
	for _, s := range scenes.All {
		in := workbook(s.Fill, 1)
		m, err := NewModel(context.Background(), in)
		if err != nil {
			b.Fatal(err)
		}
		r, err := m.Calculate(context.Background(), in, Options{All: true})
		if err != nil {
			b.Fatal(err)
		}
		in.Sheets = []*grid.Sheet{r.Sheets[0]}
		n := 0
		b.Run(s.Name, func(b *testing.B) {
			b.ReportAllocs()
			defer reportProcessor(b, processor())
			for b.Loop() {
				n++
				sheet, err := in.Sheets[0].With([]grid.Change{{Ref: s.Edit, Value: cell.NumberValue(float64(n % 50))}})
				if err != nil {
					b.Fatal(err)
				}
				now := in
				now.Sheets = []*grid.Sheet{sheet}
				if _, err := r.Model.Calculate(context.Background(), now, Options{Sources: []Cell{{0, s.Edit}}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// sheetWriter is a maker that writes rows into a file.
type sheetWriter struct {
	sheet *write.Sheet
	row   int
	cells []write.Cell
	err   error
}

func (w *sheetWriter) put(row int, c write.Cell) {
	if row != w.row {
		w.flush()
		w.row = row
	}
	w.cells = append(w.cells, c)
}

func (w *sheetWriter) flush() {
	if w.err == nil && len(w.cells) > 0 {
		w.err = w.sheet.WriteRow(w.row, w.cells)
	}
	w.cells = w.cells[:0]
}

func (w *sheetWriter) Number(row, col int, f float64) {
	w.put(row, write.Cell{Col: col, Value: cell.NumberValue(f), HasValue: true})
}

func (w *sheetWriter) Text(row, col int, s string) {
	w.put(row, write.Cell{Col: col, Value: cell.TextValue(s), HasValue: true})
}

func (w *sheetWriter) Formula(row, col int, text string) {
	w.put(row, write.Cell{Col: col, Value: cell.NumberValue(float64(row)), HasValue: true, Formula: text, HasFormula: true})
}

// BenchmarkLoadRatio measures making the model beside loading the file, in processor time, which
// other processes change less than the time on the clock.
func BenchmarkLoadRatio(b *testing.B) {
	for _, s := range scenes.All {
		b.Run(s.Name, func(b *testing.B) {
			var file bytes.Buffer
			w := write.New(b.Context(), &file, write.Options{})
			sheet, err := w.Sheet("S")
			if err != nil {
				b.Fatal(err)
			}
			rows := &sheetWriter{sheet: sheet}
			s.Fill(rows, 1)
			if rows.flush(); rows.err != nil {
				b.Fatal(rows.err)
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
			var load, build time.Duration
			for b.Loop() {
				runtime.GC()
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
				if _, err := NewModel(b.Context(), Input{Book: f.Workbook(), Sheets: []*grid.Sheet{sheet}}); err != nil {
					b.Fatal(err)
				}
				build += processor() - start
			}
			b.ReportMetric(load.Seconds()*1e3/float64(b.N), "load-cpu-ms")
			b.ReportMetric(build.Seconds()*1e3/float64(b.N), "build-cpu-ms")
			b.ReportMetric(build.Seconds()/load.Seconds(), "build/load")
		})
	}
}
