package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"gridflow/internal/cell"
	"gridflow/internal/genbook"
)

var (
	regions  = []string{"North", "South", "East", "West", "Export"}
	reps     = []string{"A. Berg", "B. Costa", "C. Dubois", "D. Eriksen", "E. Fischer", "F. Garcia", "G. Haddad", "H. Ito", "I. Jansen", "J. Novak", "K. Okafor", "L. Silva"}
	products = []struct {
		name, group string
		cents       int64 // a multiple of 20, so that no discounted total needs rounding
	}{
		{"Desk lamp", "Lighting", 3_980}, {"Floor lamp", "Lighting", 12_900}, {"LED strip", "Lighting", 1_560},
		{"Office chair", "Seating", 24_900}, {"Stool", "Seating", 5_940}, {"Bench", "Seating", 18_400},
		{"Desk 120", "Tables", 29_900}, {"Desk 160", "Tables", 36_500}, {"Standing desk", "Tables", 61_200},
		{"Shelf", "Storage", 8_860}, {"Cabinet", "Storage", 21_740}, {"Drawer unit", "Storage", 14_280},
	}
)

// sales is a table of single sales over three years with a calculated column,
// and what people put beside it: the list of products and a summary.
func sales() *genbook.Book { return salesOf(50_000) }

// salesOf has n sales.
func salesOf(n int) *genbook.Book {
	b := newBook("Sales")
	b.CalcChain = false // Excel makes a new one; this one would be half of the file
	rnd := rand.New(rand.NewPCG(50, 7))
	head := b.Style(genbook.Style{Bold: true, Color: "FFFFFF", Fill: "4472C4"})
	day := b.Style(genbook.Style{Format: "yyyy-mm-dd"})
	money := b.Style(genbook.Style{Format: "#,##0.00"})
	pct := b.Style(genbook.Style{Format: "0%"})
	bold := b.Style(genbook.Style{Format: "#,##0.00", Bold: true})

	headings := []string{"Date", "Region", "Rep", "Product", "Units", "Price", "Discount", "Total"}
	const total = "ROUND(Sales[[#This Row],[Units]]*Sales[[#This Row],[Price]]*(1-Sales[[#This Row],[Discount]]),2)"
	table := genbook.Table{Name: "Sales", Range: area(fmt.Sprintf("A1:H%d", n+1))}
	for _, h := range headings {
		c := genbook.TableColumn{Name: h}
		if h == "Total" {
			c.Formula = total
		}
		table.Columns = append(table.Columns, c)
	}

	// The sums of the summary, in cents, filled while the rows are written.
	var byRegion [5][3]int64
	var byProduct [12]int64
	var unitsSold [12]int64
	b.AddSheet(&genbook.Sheet{
		Name: "Sales", Dimension: table.Range, Freeze: cell.Ref{Row: 1}, Tables: []genbook.Table{table},
		Columns: []genbook.Column{{First: 0, Last: 1, Width: 12}, {First: 2, Last: 3, Width: 16}, {First: 4, Last: 7, Width: 11}},
		Conditional: []genbook.Conditional{{Range: fmt.Sprintf("H2:H%d", n+1), Kind: "cellIs", Operator: "greaterThan",
			Formulas: []string{"10000"}, Look: genbook.Style{Bold: true, Color: "006100", Fill: "C6EFCE"}}},
		Rows: func(w *genbook.Writer) error {
			w.Row(0)
			for col, h := range headings {
				w.Text(col, head, h)
			}
			start := date(2023, 1, 1)
			for i := range n {
				d := start.AddDate(0, 0, i*1096/n) // 2023 to 2025
				// A rep works in one region, apart from one sale in ten.
				rep := rnd.IntN(len(reps))
				region := rep % len(regions)
				if rnd.IntN(10) == 0 {
					region = rnd.IntN(len(regions))
				}
				p := min(rnd.IntN(len(products)), rnd.IntN(len(products)))
				units := 1 + min(rnd.Int64N(40), rnd.Int64N(40))
				discount := []int64{0, 0, 0, 0, 0, 5, 5, 10, 10, 20}[rnd.IntN(10)]
				cents := units * products[p].cents * (100 - discount) / 100
				byRegion[region][d.Year()-2023] += cents
				byProduct[p] += cents
				unitsSold[p] += units

				w.Row(i + 1)
				w.Date(0, day, d)
				w.Text(1, 0, regions[region])
				w.Text(2, 0, reps[rep])
				w.Text(3, 0, products[p].name)
				w.Int(4, 0, units)
				w.Number(5, money, float64(products[p].cents)/100)
				w.Number(6, pct, float64(discount)/100)
				w.Formula(7, money, total, cell.NumberValue(float64(cents)/100))
			}
			return nil
		},
	})

	// The summary stands after the sales, so that their sums are known when its
	// rows are written.
	summary := b.AddSheet(&genbook.Sheet{
		Name: "Summary", Dimension: area("A1:E24"), TabColor: "70AD47",
		Columns: []genbook.Column{{First: 0, Last: 4, Width: 16}},
	})
	summary.Rows = func(w *genbook.Writer) error {
		amount := func(cents int64) cell.Value { return cell.NumberValue(float64(cents) / 100) }
		w.Row(0)
		w.Text(0, head, "Region")
		for y := range 3 {
			w.Int(1+y, head, int64(2023+y))
		}
		w.Text(4, head, "All years")
		var years [4]int64
		for i, region := range regions {
			w.Row(i + 1)
			w.Text(0, 0, region)
			var all int64
			for y := range 3 {
				letter := string(rune('B' + y))
				w.Formula(1+y, money, fmt.Sprintf(`SUMIFS(Sales[Total],Sales[Region],$A%d,Sales[Date],">="&DATE(%s$1,1,1),Sales[Date],"<="&DATE(%s$1,12,31))`, i+2, letter, letter), amount(byRegion[i][y]))
				all += byRegion[i][y]
				years[y] += byRegion[i][y]
			}
			years[3] += all
			w.Formula(4, money, fmt.Sprintf("SUM(B%d:D%d)", i+2, i+2), amount(all))
		}
		w.Row(6)
		w.Text(0, bold, "Total")
		for y, sum := range years {
			letter := string(rune('B' + y))
			w.Formula(1+y, bold, fmt.Sprintf("SUM(%s2:%s6)", letter, letter), amount(sum))
		}
		w.Row(9)
		for col, h := range []string{"Product", "Units", "Total", "Share", "List price"} {
			w.Text(col, head, h)
		}
		for i, p := range products {
			row := i + 11
			w.Row(row - 1)
			w.Text(0, 0, p.name)
			w.Formula(1, 0, fmt.Sprintf("SUMIFS(Sales[Units],Sales[Product],A%d)", row), cell.NumberValue(float64(unitsSold[i])))
			w.Formula(2, money, fmt.Sprintf("SUMIFS(Sales[Total],Sales[Product],A%d)", row), amount(byProduct[i]))
			w.Formula(3, pct, fmt.Sprintf("C%d/$E$7", row), cell.NumberValue(float64(byProduct[i])/float64(years[3])))
			w.Formula(4, money, fmt.Sprintf("VLOOKUP(A%d,Products[],3,FALSE)", row), amount(p.cents))
		}
		w.Row(23)
		w.Text(0, 0, "Sales")
		w.Formula(1, 0, "ROWS(Sales[Total])", cell.NumberValue(float64(n)))
		return nil
	}

	var list genbook.Grid
	for col, h := range []string{"Product", "Group", "List price"} {
		list.Set(fmt.Sprintf("%c1", 'A'+col), head, h)
	}
	for i, p := range products {
		list.Set(fmt.Sprintf("A%d", i+2), 0, p.name)
		list.Set(fmt.Sprintf("B%d", i+2), 0, p.group)
		list.Set(fmt.Sprintf("C%d", i+2), money, float64(p.cents)/100)
	}
	b.AddSheet(list.Fill(&genbook.Sheet{Name: "Products", Columns: []genbook.Column{{First: 0, Last: 2, Width: 16}},
		Tables: []genbook.Table{{Name: "Products", Range: area(fmt.Sprintf("A1:C%d", len(products)+1)), Style: "TableStyleLight1",
			Columns: []genbook.TableColumn{{Name: "Product"}, {Name: "Group"}, {Name: "List price"}}}}}))
	b.Names = []genbook.Name{{Name: "Turnover", Refers: "Summary!$E$7"}, {Name: "First_day", Refers: fmt.Sprintf("%q", date(2023, time.January, 1).Format("2006-01-02"))}}
	return b
}
