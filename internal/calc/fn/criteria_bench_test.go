package fn

import (
	"testing"

	"gridflow/internal/cell"
)

// columnBook is a workbook of columns in runs of 512 rows, as calculations hold them.
type columnBook struct {
	gridBook
	runs [][]*Run
	rows int
}

func (b *columnBook) Runs(a Area, f func(*Run) bool) {
	for col := a.Range.First.Col; col <= a.Range.Last.Col && col < len(b.runs); col++ {
		for _, r := range b.runs[col] {
			if r.Row >= a.Range.First.Row && r.Row+len(r.Kinds)-1 <= a.Range.Last.Row && !f(r) {
				return
			}
		}
	}
}

func (b *columnBook) Used(int) (cell.Range, bool) {
	return cell.Range{Last: cell.Ref{Row: b.rows - 1, Col: len(b.runs) - 1}}, true
}

// newColumnBook makes three columns: texts of 100 kinds, numbers to 1000, numbers.
func newColumnBook(rows int) *columnBook {
	b := &columnBook{gridBook: gridBook{}, rows: rows, runs: make([][]*Run, 3)}
	for col := range 3 {
		for row := 0; row < rows; row += 512 {
			r := &Run{Row: row, Col: col}
			for i := row; i < min(row+512, rows); i++ {
				if col == 0 {
					r.Kinds, r.Nums, r.Texts = append(r.Kinds, cell.Text), append(r.Nums, 0), append(r.Texts, "Region "+NumberText(float64(i*7919%100)))
				} else {
					r.Kinds, r.Nums = append(r.Kinds, cell.Number), append(r.Nums, float64(i*7919%1000))
				}
			}
			b.runs[col] = append(b.runs[col], r)
		}
	}
	return b
}

func BenchmarkSumifs(b *testing.B) {
	book := newColumnBook(102400)
	c := book.context()
	c.Book = book
	whole := func(col int) Value {
		return To(Cells(Area{Range: cell.Range{First: cell.Ref{Col: col}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: col}}}))
	}
	sumifs := Find("SUMIFS")
	for name, criteria := range map[string][]Value{
		"text":   {whole(0), Text("region 42")},
		"number": {whole(1), Text(">=500")},
		"both":   {whole(0), Text("region 42"), whole(1), Text(">=500")},
		"wild":   {whole(0), Text("*4?")},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if v := Apply(c, sumifs, append([]Value{whole(2)}, criteria...)); v.Err() != 0 {
					b.Fatal(v.Err())
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(book.rows), "ns/row")
		})
	}
}
