package grid

import (
	"fmt"
	"testing"

	"gridflow/internal/cell"
)

// mixedSheet is a sheet of rows × 10 cells as a machine writes them: whole numbers, decimals,
// texts, logical values and a formula column.
func mixedSheet(tb testing.TB, rows int) *Sheet {
	tb.Helper()
	b := NewBuilder("Data")
	names := []string{"north", "south", "east", "west", "a longer name of a region"}
	group := b.AddGroup(SharedFormula, cell.Ref{Col: 9}, cell.Range{First: cell.Ref{Col: 9}, Last: cell.Ref{Row: rows - 1, Col: 9}})
	sum, err := b.AddFormula([]byte("A1+B1"), group)
	if err != nil {
		tb.Fatal(err)
	}
	put := func(err error) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	for row := range rows {
		for col := range 10 {
			r := cell.Ref{Row: row, Col: col}
			switch col {
			case 0, 1, 2:
				put(b.Int(r, 0, int32(row*(col+1))))
			case 3, 4, 5:
				put(b.Float(r, 2, float64(row)+0.25*float64(col)))
			case 6, 7:
				put(b.Text(r, 1, []byte(names[(row+col)%len(names)])))
			case 8:
				put(b.Bool(r, 0, row%3 == 0))
			case 9:
				put(b.Int(r, 3, int32(row*3)))
				b.SetFormula(r, sum)
			}
		}
	}
	return b.Finish(nil)
}

// benchReads measures the ways to read a sheet of 1 000 000 cells.
func benchReads(b *testing.B, s *Sheet) {
	rows := 100_000
	b.Run("at", func(b *testing.B) {
		n := 0
		for i := 0; b.Loop(); i++ {
			if c, ok := s.At(cell.Ref{Row: i * 7919 % rows, Col: i % 10}); ok && !c.Value.IsBlank() {
				n++
			}
		}
		if n == 0 {
			b.Fatal("no cell read")
		}
	})
	b.Run("cells", func(b *testing.B) {
		n := 0
		for b.Loop() {
			for c := range s.Cells(cell.WholeSheet) {
				n += c.Ref.Col
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(s.StoredCells()), "ns/cell")
	})
	b.Run("column", func(b *testing.B) {
		n := 0
		for b.Loop() {
			for c := range s.Column(3, 0, cell.MaxRows-1) {
				n += c.Ref.Col
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/cell")
	})
}

func BenchmarkRead(b *testing.B) {
	benchReads(b, mixedSheet(b, 100_000))
}

// scattered makes n changes at places scattered over the first rows of a mixedSheet.
func scattered(n, rows int) []Change {
	changes := make([]Change, n)
	for i := range changes {
		changes[i] = Change{Ref: cell.Ref{Row: i * 7919 % rows, Col: i % 6}, Value: cell.NumberValue(float64(i) + 0.5)}
	}
	return changes
}

// BenchmarkReadEdited is BenchmarkRead of a sheet with patches, and of one where they were folded.
func BenchmarkReadEdited(b *testing.B) {
	base := mixedSheet(b, 100_000)
	for _, c := range []struct {
		name string
		n    int
	}{{"patches", 200}, {"folded", 5000}} {
		s, err := base.With(scattered(c.n, 100_000))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) { benchReads(b, s) })
	}
}

// BenchmarkEdit measures an edit of one cell, on the sheet as it was read and in a long line of
// edits at other places, whose folds are counted in; and what a version keeps alive.
func BenchmarkEdit(b *testing.B) {
	for _, rows := range []int{100_000, 1_000_000} {
		base := mixedSheet(b, rows)
		name := fmt.Sprintf("cells=%d", base.StoredCells())
		b.Run(name+"/first", func(b *testing.B) {
			b.ReportAllocs()
			s := base
			for i := 0; b.Loop(); i++ {
				var err error
				if s, err = base.With([]Change{{Ref: cell.Ref{Row: i * 7919 % rows, Col: 1}, Value: cell.NumberValue(float64(i))}}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(s.MemoryOver(base)), "kept-B")
		})
		b.Run(name+"/line", func(b *testing.B) {
			b.ReportAllocs()
			s := base
			for i := 0; b.Loop(); i++ {
				var err error
				if s, err = s.With([]Change{{Ref: cell.Ref{Row: i * 7919 % rows, Col: 1}, Value: cell.NumberValue(float64(i))}}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/block-10000", func(b *testing.B) {
			changes := make([]Change, 10_000)
			for i := range changes {
				changes[i] = Change{Ref: cell.Ref{Row: i, Col: 3}, Value: cell.NumberValue(float64(i) / 8)}
			}
			var s *Sheet
			for b.Loop() {
				var err error
				if s, err = base.With(changes); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/cell")
			b.ReportMetric(float64(s.MemoryOver(base))/10_000, "kept-B/cell")
		})
	}
}

// BenchmarkDiff measures the difference of ten edits on a sheet of 10 000 000 cells, as patches
// and folded, in ratio to reading the sheet.
func BenchmarkDiff(b *testing.B) {
	base := mixedSheet(b, 1_000_000)
	patched, err := base.With(scattered(10, 1_000_000))
	if err != nil {
		b.Fatal(err)
	}
	folded, err := base.With(scattered(1000, 1_000_000))
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		s    *Sheet
		n    int
	}{{"edits=10", patched, 10}, {"edits=1000-folded", folded, 1000}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				n := 0
				for range Diff(base, c.s, nil) {
					n++
				}
				if n != c.n {
					b.Fatalf("%d changes", n)
				}
			}
		})
	}
}
