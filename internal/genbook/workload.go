package genbook

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"time"

	"gridflow/internal/cell"
)

// Workload is one of the benchmark workbooks. Build makes it at a scale: 1 is
// the full size, 0.01 has about a hundredth of the rows (or sheets) and the
// same mix of cells. Equal scales give equal bytes.
type Workload struct {
	Name  string
	About string
	build func(scale float64) *Book
}

// Workloads are W1 … W5 in order.
var Workloads = []Workload{
	{"W1", "one sheet, 100 000 x 10 mixed cells, 50 000 unique strings", func(s float64) *Book { return mixed(1, 100_000, 50_000, s) }},
	{"W2", "one sheet, 1 000 000 x 10 mixed cells, 300 000 unique strings", func(s float64) *Book { return mixed(2, 1_000_000, 300_000, s) }},
	{"W3", "200 sheets of 500 x 20 cells", manySheets},
	{"W4", "25 000 x 6 cells, 100 000 formulas, half of them shared", formulas},
	{"W5", "a small office workbook: 5 sheets, 2 000 cells, a little of everything", small},
}

// Write writes the workload's workbook to w.
func (l Workload) Write(w io.Writer, scale float64) error { return l.build(scale).Write(w) }

func scaled(n int, scale float64) int { return max(int(math.Round(float64(n)*scale)), 2) }

func newBook(title string, seed uint64) (*Book, *rand.Rand) {
	return &Book{Title: title, Creator: "gridflow", Created: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)}, rand.New(rand.NewPCG(seed, 0x9E3779B97F4A7C15))
}

// Words from which texts are put together.
var (
	firstNames = []string{"Ada", "Bela", "Chiara", "Dmitri", "Elif", "Femi", "Greta", "Hiro", "Ines", "Jonas", "Kavya", "Liam", "Mina", "Noor", "Olga", "Pavel"}
	lastNames  = []string{"Abara", "Berg", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Jansen", "Kowalski", "Lindqvist", "Moreau", "Novak", "Okafor", "Papadakis"}
	cities     = []string{"Aarhus", "Bremen", "Cork", "Dresden", "Espoo", "Fez", "Ghent", "Hanoi", "Izmir", "Jena", "Kyoto", "Lyon", "Malmö", "Nantes", "Oslo", "Porto"}
	errorsSeen = []cell.ErrorCode{cell.ErrNA, cell.ErrDiv0, cell.ErrValue, cell.ErrRef, cell.ErrName, cell.ErrNum}
)

func cents(n int64) float64 { return float64(n) / 100 }

// mixed is the shape of an export from a business system: a key, a quantity, an
// amount, a measurement, two texts, a day, a moment, a flag and a column in
// which anything may stand.
func mixed(seed uint64, rows, unique int, scale float64) *Book {
	rows, unique = scaled(rows, scale), scaled(unique, scale)
	b, rnd := newBook("Mixed cells", seed)
	head := b.Style(Style{Bold: true, Fill: "D9E1F2", Border: "thin"})
	money := b.Style(Style{Format: "#,##0.00"})
	day := b.Style(Style{Format: "mm-dd-yy"})
	moment := b.Style(Style{Format: "yyyy-mm-dd hh:mm:ss"})
	note := b.Style(Style{Wrap: true})

	// Every text is used at least once: the first pass over the pool is in
	// order, later picks are random.
	next := 0
	text := func() string {
		i := next
		if next++; i >= unique {
			i = rnd.IntN(unique)
		}
		h := uint32(i) * 2_654_435_761 // spreads neighbours over the words
		return fmt.Sprintf("%s %s, %s %06d", firstNames[h>>28], lastNames[h>>24&15], cities[h>>20&15], i)
	}
	b.AddSheet(&Sheet{
		Name:      "Data",
		Dimension: cell.RangeOf(cell.Ref{}, cell.Ref{Row: rows - 1, Col: 9}),
		Freeze:    cell.Ref{Row: 1},
		Columns:   []Column{{First: 0, Last: 3, Width: 12}, {First: 4, Last: 5, Width: 26}, {First: 6, Last: 9, Width: 19}},
		Rows: func(w *Writer) error {
			w.Row(0)
			for i, h := range []string{"id", "quantity", "amount", "measure", "customer", "contact", "ordered", "changed", "open", "remark"} {
				w.Text(i, head, h)
			}
			for row := 1; row < rows; row++ {
				w.Row(row)
				w.Int(0, 0, int64(100_000+row))
				w.Int(1, 0, int64(rnd.IntN(5000)))
				w.Number(2, money, cents(rnd.Int64N(2_000_000)-200_000))
				w.Number17(3, 0, rnd.Float64()*1000)
				w.Text(4, 0, text())
				w.Text(5, 0, text())
				w.Int(6, day, int64(43_831+rnd.IntN(2400)))
				w.Number17(7, moment, 43_831+float64(rnd.IntN(2400*86_400))/86_400)
				w.Bool(8, 0, rnd.IntN(3) > 0)
				switch k := rnd.IntN(100); {
				case k < 30: // three of a hundred cells of the sheet
					w.Inline(9, note, fmt.Sprintf("see %s & file #%d", cities[rnd.IntN(16)], rnd.IntN(1000)))
				case k < 50:
					w.Blank(9, note)
				case k < 60: // no cell at all
				case k < 65:
					w.Error(9, 0, errorsSeen[rnd.IntN(len(errorsSeen))])
				default:
					w.Int(9, 0, int64(rnd.IntN(100)))
				}
			}
			return nil
		},
	})
	return b
}

// manySheets is a reporting workbook: one sheet a day, all of one shape.
func manySheets(scale float64) *Book {
	const rows, cols = 500, 20
	b, rnd := newBook("Many sheets", 3)
	head := b.Style(Style{Bold: true})
	money := b.Style(Style{Format: "#,##0.00"})
	day := b.Style(Style{Format: "d-mmm-yy"})
	for n := range scaled(200, scale) {
		b.AddSheet(&Sheet{
			Name:      fmt.Sprintf("Day %03d", n+1),
			Dimension: cell.RangeOf(cell.Ref{}, cell.Ref{Row: rows - 1, Col: cols - 1}),
			Rows: func(w *Writer) error {
				w.Row(0)
				for col := range cols {
					w.Text(col, head, fmt.Sprintf("field %d", col+1))
				}
				for row := 1; row < rows; row++ {
					w.Row(row)
					for col := range cols {
						switch col % 5 {
						case 0:
							w.Text(col, 0, cities[rnd.IntN(16)]+" "+lastNames[rnd.IntN(16)])
						case 1:
							w.Int(col, 0, int64(rnd.IntN(100_000)))
						case 2:
							w.Number(col, money, cents(rnd.Int64N(1_000_000)))
						case 3:
							w.Int(col, day, int64(45_658+n))
						case 4:
							w.Number17(col, 0, rnd.Float64())
						}
					}
				}
				return nil
			},
		})
	}
	return b
}

// formulas has four formulas in each row: two written out, two members of
// shared groups of a thousand rows.
func formulas(scale float64) *Book {
	const group = 1000
	rows := scaled(25_000, scale)
	b, rnd := newBook("Formulas", 4)
	b.CalcChain = true
	money := b.Style(Style{Format: "#,##0.00"})
	b.AddSheet(&Sheet{
		Name:      "Lines",
		Dimension: cell.RangeOf(cell.Ref{}, cell.Ref{Row: rows - 1, Col: 5}),
		Rows: func(w *Writer) error {
			running := int64(0)
			for row := range rows {
				n := row + 1
				quantity, price := 1+rnd.Int64N(200), 5+rnd.Int64N(50_000)
				line := quantity * price // in cents, so that every sum is exact
				w.Row(row)
				w.Int(0, 0, quantity)
				w.Number(1, money, cents(price))
				w.Formula(2, money, fmt.Sprintf("ROUND(A%d*B%d,2)", n, n), cell.NumberValue(cents(line)))
				size := "small"
				if line > 2_500_000 {
					size = "large"
				}
				w.Formula(3, 0, fmt.Sprintf(`IF(C%d>25000,"large","small")`, n), cell.TextValue(size))
				// The running sum starts anew with each shared group.
				member := row % group
				if member == 0 {
					running = 0
				}
				running += line
				half := cell.NumberValue(cents(line) / 2)
				total := cell.NumberValue(cents(running))
				if member == 0 {
					last := min(row+group, rows) - 1
					column := func(col int) cell.Range {
						return cell.RangeOf(cell.Ref{Row: row, Col: col}, cell.Ref{Row: last, Col: col})
					}
					w.SharedFormula(4, money, row/group*2, column(4), fmt.Sprintf("C%d/2", n), half)
					w.SharedFormula(5, money, row/group*2+1, column(5), fmt.Sprintf("ROUND(SUM(C$%d:C%d),2)", n, n), total)
				} else {
					w.Shared(4, money, row/group*2, half)
					w.Shared(5, money, row/group*2+1, total)
				}
			}
			return nil
		},
	})
	return b
}

// small is the everyday workbook, whose cost is in its parts and not in its
// cells: merged headings, a table, notes, validations, conditional formats,
// names and a hidden sheet.
func small(scale float64) *Book {
	const cols = 8
	rows := scaled(50, scale)
	b, rnd := newBook("Small office workbook", 5)
	title := b.Style(Style{Bold: true, Size: 14, Fill: "1F4E78", Color: "FFFFFF", Align: "center"})
	head := b.Style(Style{Bold: true, Fill: "D9E1F2", Border: "thin"})
	money := b.Style(Style{Format: `#,##0.00 "EUR";[Red]-#,##0.00 "EUR"`})
	rate := b.Style(Style{Format: "0.0%"})
	day := b.Style(Style{Format: "dd/mm/yyyy"})
	for n := range 5 {
		name := fmt.Sprintf("Team %d", n+1)
		last := rows - 1
		s := b.AddSheet(&Sheet{
			Name:      name,
			Dimension: cell.RangeOf(cell.Ref{}, cell.Ref{Row: last, Col: cols - 1}),
			Freeze:    cell.Ref{Row: 2, Col: 1},
			TabColor:  []string{"4472C4", "ED7D31", "A5A5A5", "FFC000", "70AD47"}[n],
			Columns:   []Column{{First: 0, Last: 0, Width: 22}, {First: 1, Last: 7, Width: 13}},
			Merges:    []cell.Range{cell.RangeOf(cell.Ref{}, cell.Ref{Col: cols - 1})},
			Rows: func(w *Writer) error {
				w.RowWith(0, RowOptions{Height: 24})
				w.Text(0, title, "Orders of team "+fmt.Sprint(n+1))
				for col := 1; col < cols; col++ {
					w.Blank(col, title)
				}
				w.Row(1)
				for col, h := range []string{"Name", "City", "Day", "Units", "Price", "Rate", "Net", "Done"} {
					w.Text(col, head, h)
				}
				for row := 2; row < rows; row++ {
					units, price, percent := rnd.Int64N(90)+1, rnd.Int64N(20_000)+100, rnd.Int64N(20)
					w.Row(row)
					w.Text(0, 0, firstNames[rnd.IntN(16)]+" "+lastNames[rnd.IntN(16)])
					w.Text(1, 0, cities[rnd.IntN(16)])
					w.Int(2, day, int64(46_000+row))
					w.Int(3, 0, units)
					w.Number(4, money, cents(price))
					w.Number(5, rate, cents(percent))
					net := math.Round(float64(units*price*(100-percent))/100) / 100
					w.Formula(6, money, fmt.Sprintf("ROUND(D%d*E%d*(1-F%d),2)", row+1, row+1, row+1), cell.NumberValue(net))
					w.Bool(7, 0, rnd.IntN(2) == 0)
				}
				return nil
			},
		})
		column := func(letter string) string { return fmt.Sprintf("%s3:%s%d", letter, letter, last+1) }
		s.Conditional = []Conditional{
			{Range: column("G"), Kind: "cellIs", Operator: "greaterThan", Formulas: []string{"5000"}, Look: Style{Color: "006100", Fill: "C6EFCE"}},
			{Range: column("D"), Kind: "dataBar", Colors: []string{"638EC6"}},
		}
		s.Validations = []Validation{{Range: column("F"), Kind: "decimal", Operator: "between", Formula1: "0", Formula2: "1",
			AllowBlank: true, ErrorTitle: "Rate", Error: "A rate lies between 0 and 1."}}
		s.Comments = []Comment{{Ref: cell.Ref{Row: 1, Col: 5}, Author: "Controlling", Text: "Share of the list price."}}
		switch n {
		case 1:
			s.Tables = []Table{{Name: "Orders", Range: cell.RangeOf(cell.Ref{Row: 1}, cell.Ref{Row: last, Col: cols - 1}),
				Columns: []TableColumn{{Name: "Name"}, {Name: "City"}, {Name: "Day"}, {Name: "Units"}, {Name: "Price"}, {Name: "Rate"}, {Name: "Net"}, {Name: "Done"}}}}
		case 4:
			s.Visibility = Hidden
		}
		b.Names = append(b.Names, Name{Name: fmt.Sprintf("Net_%d", n+1), Refers: fmt.Sprintf("'%s'!$G$3:$G$%d", name, last+1)})
	}
	return b
}
