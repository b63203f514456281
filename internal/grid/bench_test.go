package grid

import (
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
