package main

import (
	"fmt"
	"math"

	"gridflow/internal/cell"
	"gridflow/internal/genbook"
)

// The terms of the loan.
const (
	loanAmount = 250_000.0
	loanRate   = 0.0425
	loanYears  = 30
	loanRows   = loanYears * 12
)

// loan is a repayment schedule with level payments: 360 rows of shared
// formulas, and a summary by year.
func loan() *genbook.Book {
	b := newBook("Loan schedule")
	title := b.Style(genbook.Style{Bold: true, Size: 16, Color: "1F4E78"})
	head := b.Style(genbook.Style{Bold: true, Fill: "D9E1F2", Border: "thin", Align: "center", Wrap: true})
	money := b.Style(genbook.Style{Format: "#,##0.00"})
	input := b.Style(genbook.Style{Format: "#,##0.00", Color: "0000FF"})
	rateInput := b.Style(genbook.Style{Format: "0.00%", Color: "0000FF"})
	plainInput := b.Style(genbook.Style{Color: "0000FF"})
	dayInput := b.Style(genbook.Style{Format: "yyyy-mm-dd", Color: "0000FF"})
	day := b.Style(genbook.Style{Format: "yyyy-mm-dd"})
	bold := b.Style(genbook.Style{Format: "#,##0.00", Bold: true})

	// Level payments: the annuity, and what is still owed after n of them. The
	// conversions keep every product rounded, on any processor.
	rate := loanRate / 12
	growth := func(n int) float64 { return math.Pow(1+rate, float64(n)) }
	payment := loanAmount * rate * growth(loanRows) / (growth(loanRows) - 1)
	owed := func(n int) float64 { return float64(loanAmount*growth(n)) - float64(payment*(growth(n)-1))/rate }
	var interest, repaid, closing, paid [loanRows + 1]float64
	closing[0] = loanAmount
	for n := 1; n <= loanRows; n++ {
		interest[n] = float64(owed(n-1) * rate)
		repaid[n] = payment - interest[n]
		closing[n] = closing[n-1] - repaid[n]
		paid[n] = paid[n-1] + interest[n]
	}

	first := date(2026, 2, 1)
	var terms genbook.Grid
	terms.Set("A1", title, "Loan")
	for i, t := range []struct {
		label, name string
		style       genbook.StyleID
		value       any
	}{
		{"Amount", "Amount", input, loanAmount},
		{"Interest rate a year", "Rate", rateInput, loanRate},
		{"Years", "Years", plainInput, loanYears},
		{"First payment", "First_payment", dayInput, first},
	} {
		terms.Set(fmt.Sprintf("A%d", i+3), 0, t.label)
		terms.Set(fmt.Sprintf("B%d", i+3), t.style, t.value)
		b.Names = append(b.Names, genbook.Name{Name: t.name, Refers: fmt.Sprintf("Loan!$B$%d", i+3)})
	}
	results := []struct {
		label, name, formula string
		style                genbook.StyleID
		value                any
	}{
		{"Number of payments", "Payments", "Years*12", 0, loanRows},
		{"Monthly payment", "Payment", "-PMT(Rate/12,Payments,Amount)", bold, payment},
		{"Total interest", "Total_interest", "Payment*Payments-Amount", bold, float64(payment*loanRows) - loanAmount},
		{"Last payment", "Last_payment", "EDATE(First_payment,Payments-1)", day, first.AddDate(0, loanRows-1, 0)},
	}
	for i, r := range results {
		terms.Set(fmt.Sprintf("A%d", i+8), 0, r.label)
		terms.Formula(fmt.Sprintf("B%d", i+8), r.style, r.formula, r.value)
		b.Names = append(b.Names, genbook.Name{Name: r.name, Refers: fmt.Sprintf("Loan!$B$%d", i+8)})
	}
	b.AddSheet(terms.Fill(&genbook.Sheet{
		Name: "Loan", Columns: []genbook.Column{{First: 0, Last: 0, Width: 24}, {First: 1, Last: 1, Width: 16}},
		Validations: []genbook.Validation{
			{Range: "B4", Kind: "decimal", Operator: "between", Formula1: "0", Formula2: "0.25", ErrorTitle: "Rate", Error: "Between 0% and 25% a year."},
			{Range: "B5", Kind: "whole", Operator: "between", Formula1: "1", Formula2: "30", Prompt: "The schedule has room for 30 years."},
		},
		Comments: []genbook.Comment{{Ref: cell.Ref{Row: 8, Col: 1}, Author: "Finance", Text: "Paid at the end of each month."}},
	}))

	headings := []string{"No.", "Date", "Opening balance", "Payment", "Interest", "Repayment", "Closing balance", "Interest to date"}
	const top = 2 // row number of the first payment
	b.AddSheet(&genbook.Sheet{
		Name:      "Schedule",
		Dimension: area(fmt.Sprintf("A1:H%d", loanRows+1)),
		Freeze:    cell.Ref{Row: 1, Col: 2},
		Columns:   []genbook.Column{{First: 0, Last: 0, Width: 6}, {First: 1, Last: 1, Width: 12}, {First: 2, Last: 7, Width: 16}},
		Conditional: []genbook.Conditional{{Range: fmt.Sprintf("A2:H%d", loanRows+1), Kind: "expression",
			Formulas: []string{"MONTH($B2)=12"}, Look: genbook.Style{Fill: "F2F2F2"}}},
		Rows: func(w *genbook.Writer) error {
			w.RowWith(0, genbook.RowOptions{Height: 30})
			for col, h := range headings {
				w.Text(col, head, h)
			}
			for n := 1; n <= loanRows; n++ {
				row := n - 1 + top
				w.Row(row - 1)
				number := func(f float64) cell.Value { return cell.NumberValue(f) }
				// A shared group per column, from the second payment on: the
				// first one has other precedents.
				shared := func(col int, style genbook.StyleID, formula string, v cell.Value) {
					switch {
					case n == 1:
						w.Formula(col, style, formula, v)
					case n == 2:
						w.SharedFormula(col, style, col, area(fmt.Sprintf("%[1]s%[2]d:%[1]s%[3]d", cell.ColumnName(col), row, loanRows+1)), formula, v)
					default:
						w.Shared(col, style, col, v)
					}
				}
				open, numbered := fmt.Sprintf("G%d", row-1), fmt.Sprintf("A%d+1", row-1)
				if n == 1 {
					open = "Amount"
					w.Int(0, 0, 1)
				} else {
					shared(0, 0, numbered, number(float64(n)))
				}
				shared(1, day, fmt.Sprintf("EDATE(First_payment,A%d-1)", row), number(b.Serial(first.AddDate(0, n-1, 0))))
				shared(2, money, open, number(closing[n-1]))
				shared(3, money, "Payment", number(payment))
				shared(4, money, fmt.Sprintf("-IPMT(Rate/12,A%d,Payments,Amount)", row), number(interest[n]))
				shared(5, money, fmt.Sprintf("-PPMT(Rate/12,A%d,Payments,Amount)", row), number(repaid[n]))
				shared(6, money, fmt.Sprintf("C%d-F%d", row, row), number(closing[n]))
				shared(7, money, fmt.Sprintf("SUM(E$2:E%d)", row), number(paid[n]))
			}
			return nil
		},
	})
	b.Names = append(b.Names, genbook.Name{Name: "_xlnm.Print_Titles", Refers: "Schedule!$1:$1", Sheet: "Schedule"})

	var years genbook.Grid
	for col, h := range []string{"Year", "Payments", "Interest", "Repayment", "Balance on 31 December"} {
		years.Set(fmt.Sprintf("%c1", 'A'+col), head, h)
	}
	dates := fmt.Sprintf("Schedule!$B$2:$B$%d", loanRows+1)
	row := 2
	for n := 1; n <= loanRows; row++ {
		year := first.AddDate(0, n-1, 0).Year()
		count, sum, back := 0, 0.0, 0.0
		for ; n <= loanRows && first.AddDate(0, n-1, 0).Year() == year; n++ {
			count++
			sum += interest[n]
			back += repaid[n]
		}
		if row == 2 {
			years.Formula("A2", 0, "YEAR(First_payment)", year)
		} else {
			years.Formula(fmt.Sprintf("A%d", row), 0, fmt.Sprintf("A%d+1", row-1), year)
		}
		within := fmt.Sprintf(`%s,">="&DATE(A%d,1,1),%s,"<="&DATE(A%d,12,31)`, dates, row, dates, row)
		years.Formula(fmt.Sprintf("B%d", row), 0, "COUNTIFS("+within+")", count)
		years.Formula(fmt.Sprintf("C%d", row), money, fmt.Sprintf("SUMIFS(Schedule!$E$2:$E$%d,%s)", loanRows+1, within), sum)
		years.Formula(fmt.Sprintf("D%d", row), money, fmt.Sprintf("SUMIFS(Schedule!$F$2:$F$%d,%s)", loanRows+1, within), back)
		years.Formula(fmt.Sprintf("E%d", row), money, fmt.Sprintf("INDEX(Schedule!$G$2:$G$%d,MATCH(DATE(A%d,12,31),%s,1))", loanRows+1, row, dates), closing[n-1])
	}
	years.Set(fmt.Sprintf("A%d", row), bold, "Total")
	years.Formula(fmt.Sprintf("B%d", row), bold, fmt.Sprintf("SUM(B2:B%d)", row-1), loanRows)
	years.Formula(fmt.Sprintf("C%d", row), bold, fmt.Sprintf("SUM(C2:C%d)", row-1), paid[loanRows])
	years.Formula(fmt.Sprintf("D%d", row), bold, fmt.Sprintf("SUM(D2:D%d)", row-1), loanAmount)
	b.AddSheet(years.Fill(&genbook.Sheet{Name: "By year", Freeze: cell.Ref{Row: 1}, Columns: []genbook.Column{{First: 0, Last: 4, Width: 16}}}))
	return b
}
