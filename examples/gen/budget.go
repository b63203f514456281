package main

import (
	"fmt"
	"math"
	"time"

	"gridflow/internal/cell"
	"gridflow/internal/genbook"
)

// month is what the budget model computes for one month; its fields stand in
// the order of the rows of a month's sheet.
type month struct {
	name                            string
	units, returned                 float64
	revenue, goods, gross           float64
	payroll, rent, marketing, other float64
	expenses, operating, tax, net   float64
	opening, closing                float64
	actualRevenue                   float64 // 0: not yet known
	day                             time.Time
}

// The inputs of the budget model.
const (
	budgetYear  = 2026
	unitsStart  = 1150.0
	growthBase  = 0.022
	growthExtra = 0.01 // scenario Optimistic
	priceBase   = 64.9
	priceFactor = 1.05
	unitCost    = 23.4
	returnRate  = 0.035
	headcount   = 9.0
	salary      = 3850.0
	overhead    = 0.22
	rent        = 6800.0
	marketing   = 0.075
	otherCosts  = 2450.0
	taxRate     = 0.25
	cashStart   = 85000.0
)

var (
	season        = [12]float64{0.82, 0.85, 0.97, 1.02, 1.05, 0.98, 0.88, 0.8, 1.03, 1.1, 1.24, 1.36}
	actualRevenue = [12]float64{58011.35, 62790.1, 71544.85, 75220.4, 82655.15}
)

func budgetMonths() []month {
	growth, price := growthBase+growthExtra, round(priceBase*priceFactor, 2)
	months := make([]month, 12)
	cash := cashStart
	for i := range months {
		m := &months[i]
		m.day = date(budgetYear, time.Month(i+1), 1)
		m.name = m.day.Format("Jan")
		m.units = round(float64(unitsStart*math.Pow(1+growth, float64(i)))*season[i], 0)
		m.returned = round(m.units*returnRate, 0)
		m.revenue = round((m.units-m.returned)*price, 2)
		m.goods = round(m.units*unitCost, 2)
		m.gross = round(m.revenue-m.goods, 2)
		m.payroll = round(float64(headcount*salary)*(1+overhead), 2)
		m.rent, m.other = rent, otherCosts
		m.marketing = round(m.revenue*marketing, 2)
		m.expenses = round(m.payroll+m.rent+m.marketing+m.other, 2)
		m.operating = round(m.gross-m.expenses, 2)
		m.tax = round(max(0, m.operating)*taxRate, 2)
		m.net = round(m.operating-m.tax, 2)
		m.opening = cash
		m.closing = round(cash+m.net, 2)
		cash = m.closing
		m.actualRevenue = actualRevenue[i]
	}
	return months
}

// budgetLooks are the styles of the budget workbook.
type budgetLooks struct {
	title, head, label, input, money, moneyInput, pct, pctInput, day, total, note, text genbook.StyleID
}

// budget is a plan for a small company: one sheet of inputs, a sheet for each
// month that leans on the month before, and a summary.
func budget() *genbook.Book {
	b := newBook("Budget 2026")
	months := budgetMonths()
	const money = `#,##0.00;[Red]-#,##0.00`
	l := budgetLooks{
		title:      b.Style(genbook.Style{Bold: true, Size: 16, Color: "1F4E78"}),
		head:       b.Style(genbook.Style{Bold: true, Fill: "1F4E78", Color: "FFFFFF", Align: "center"}),
		label:      b.Style(genbook.Style{Indent: 1}),
		input:      b.Style(genbook.Style{Format: "#,##0", Color: "0000FF", Fill: "FFF2CC", Border: "thin", Unlocked: true}),
		money:      b.Style(genbook.Style{Format: money}),
		moneyInput: b.Style(genbook.Style{Format: money, Color: "0000FF", Fill: "FFF2CC", Border: "thin", Unlocked: true}),
		pct:        b.Style(genbook.Style{Format: "0.0%"}),
		pctInput:   b.Style(genbook.Style{Format: "0.0%", Color: "0000FF", Fill: "FFF2CC", Border: "thin", Unlocked: true}),
		day:        b.Style(genbook.Style{Format: "mmmm yyyy", Align: "left"}),
		total:      b.Style(genbook.Style{Format: money, Bold: true, Border: "double-bottom"}),
		note:       b.Style(genbook.Style{Italic: true, Color: "7F7F7F", Wrap: true}),
		text:       b.Style(genbook.Style{Color: "0000FF", Fill: "FFF2CC", Border: "thin", Unlocked: true}),
	}
	budgetInputs(b, l)
	for i := range months {
		budgetMonth(b, l, months, i)
	}
	budgetSummary(b, l, months)

	var lists genbook.Grid
	for i, row := range [][]any{{"Scenario", "Extra growth", "Price factor"}, {"Cautious", -0.01, 0.98}, {"Base", 0.0, 1.0}, {"Optimistic", growthExtra, priceFactor}} {
		for j, v := range row {
			style := l.pct
			if i == 0 {
				style = l.head
			} else if j == 2 {
				style = 0
			}
			lists.Set(fmt.Sprintf("%c%d", 'A'+j, i+1), style, v)
		}
	}
	b.AddSheet(lists.Fill(&genbook.Sheet{Name: "Lists", Visibility: genbook.Hidden, Columns: []genbook.Column{{First: 0, Last: 2, Width: 14}}}))
	return b
}

func budgetInputs(b *genbook.Book, l budgetLooks) {
	var g genbook.Grid
	g.Set("A1", l.title, "Budget inputs")
	g.Set("A2", l.note, "Blue cells are inputs; everything else is computed.")
	for col, h := range []string{"Input", "Value", "Unit", "Note"} {
		g.Set(fmt.Sprintf("%c4", 'A'+col), l.head, h)
	}
	rows := []struct {
		label, name string
		value       any
		style       genbook.StyleID
		unit, note  string
		formula     string
	}{
		{"Scenario", "Scenario", "Optimistic", l.text, "", "one of the scenarios on the hidden sheet Lists", ""},
		{"Year", "Budget_year", budgetYear, b.Style(genbook.Style{Format: "0", Color: "0000FF", Fill: "FFF2CC", Border: "thin", Unlocked: true}), "", "", ""},
		{"Units in January", "Units_start", unitsStart, l.input, "units", "before the seasonal factor", ""},
		{"Growth per month", "Growth_base", growthBase, l.pctInput, "per month", "", ""},
		{"Growth used", "Growth", growthBase + growthExtra, l.pct, "per month", "with the scenario's extra growth", "Growth_base+VLOOKUP(Scenario,Lists!$A$2:$C$4,2,FALSE)"},
		{"List price", "Price_base", priceBase, l.moneyInput, "EUR", "", ""},
		{"Price used", "Price", round(priceBase*priceFactor, 2), l.money, "EUR", "with the scenario's price factor", "ROUND(Price_base*VLOOKUP(Scenario,Lists!$A$2:$C$4,3,FALSE),2)"},
		{"Cost per unit", "Unit_cost", unitCost, l.moneyInput, "EUR", "", ""},
		{"Returns", "Return_rate", returnRate, l.pctInput, "of units", "", ""},
		{"Headcount", "Headcount", headcount, l.input, "people", "", ""},
		{"Salary", "Salary", salary, l.moneyInput, "EUR a month", "", ""},
		{"Payroll overhead", "Overhead", overhead, l.pctInput, "of salary", "", ""},
		{"Rent", "Rent", rent, l.moneyInput, "EUR a month", "", ""},
		{"Marketing", "Marketing", marketing, l.pctInput, "of revenue", "", ""},
		{"Other costs", "Other_costs", otherCosts, l.moneyInput, "EUR a month", "", ""},
		{"Tax rate", "Tax_rate", taxRate, l.pctInput, "of profit", "no tax on a loss", ""},
		{"Opening cash", "Cash_start", cashStart, l.moneyInput, "EUR", "on 1 January", ""},
	}
	for i, r := range rows {
		n := i + 5
		g.Set(fmt.Sprintf("A%d", n), l.label, r.label)
		if r.formula != "" {
			g.Formula(fmt.Sprintf("B%d", n), r.style, r.formula, r.value)
		} else {
			g.Set(fmt.Sprintf("B%d", n), r.style, r.value)
		}
		if r.unit != "" {
			g.Set(fmt.Sprintf("C%d", n), 0, r.unit)
		}
		if r.note != "" {
			g.Set(fmt.Sprintf("D%d", n), l.note, r.note)
		}
		b.Names = append(b.Names, genbook.Name{Name: r.name, Refers: fmt.Sprintf("Inputs!$B$%d", n)})
	}
	g.Set("F4", l.head, "Month")
	g.Set("G4", l.head, "Factor")
	for i, f := range season {
		g.Set(fmt.Sprintf("F%d", i+5), 0, date(budgetYear, time.Month(i+1), 1).Format("Jan"))
		g.Set(fmt.Sprintf("G%d", i+5), b.Style(genbook.Style{Format: "0.00", Color: "0000FF"}), f)
	}
	b.AddSheet(g.Fill(&genbook.Sheet{
		Name: "Inputs", TabColor: "FFC000", Freeze: cell.Ref{Row: 4},
		Columns: []genbook.Column{{First: 0, Last: 0, Width: 20}, {First: 1, Last: 1, Width: 14}, {First: 2, Last: 2, Width: 12}, {First: 3, Last: 3, Width: 42}, {First: 5, Last: 6, Width: 10}},
		Tables: []genbook.Table{{Name: "Seasonality", Range: area("F4:G16"), Style: "TableStyleLight9",
			Columns: []genbook.TableColumn{{Name: "Month"}, {Name: "Factor"}}}},
		Validations: []genbook.Validation{
			{Range: "B5", Kind: "list", Formula1: "Lists!$A$2:$A$4", ErrorTitle: "Scenario", Error: "Choose one of the listed scenarios.", PromptTitle: "Scenario", Prompt: "Changes growth and price."},
			{Range: "B8 B13 B16 B18 B20", Kind: "decimal", Operator: "between", Formula1: "0", Formula2: "1", ErrorTitle: "Share", Error: "A share lies between 0% and 100%."},
			{Range: "B14", Kind: "whole", Operator: "greaterThan", Formula1: "0", AllowBlank: true},
		},
		Comments: []genbook.Comment{
			{Ref: cell.Ref{Row: 4, Col: 1}, Author: "Controlling", Text: "Reviewed with the board on 12 December."},
			{Ref: cell.Ref{Row: 12, Col: 1}, Author: "Sales", Text: "Returns were 4.1% last year; 3.5% needs the new packaging."},
		},
	}))
}

func budgetMonth(b *genbook.Book, l budgetLooks, months []month, i int) {
	m := months[i]
	var g genbook.Grid
	g.Formula("A1", l.title, `"Budget "&TEXT(B2,"mmmm yyyy")`, "Budget "+m.day.Format("January 2006"))
	g.Set("A2", l.label, "Month")
	g.Formula("B2", l.day, fmt.Sprintf("DATE(Budget_year,%d,1)", i+1), m.day)
	for col, h := range []string{"", "Budget", "of revenue", "Actual", "Difference"} {
		g.Set(fmt.Sprintf("%c3", 'A'+col), l.head, h)
	}
	opening := "Cash_start"
	if i > 0 {
		opening = months[i-1].name + "!B21"
	}
	whole := b.Style(genbook.Style{Format: "#,##0"})
	rows := []struct {
		row     int
		label   string
		formula string
		value   float64
		style   genbook.StyleID
		share   bool
	}{
		{4, "Units sold", fmt.Sprintf("ROUND(Units_start*(1+Growth)^%d*INDEX(Seasonality[Factor],MONTH(B2)),0)", i), m.units, whole, false},
		{5, "Units returned", "ROUND(B4*Return_rate,0)", m.returned, whole, false},
		{6, "Revenue", "ROUND((B4-B5)*Price,2)", m.revenue, l.money, true},
		{7, "Cost of goods", "ROUND(B4*Unit_cost,2)", m.goods, l.money, true},
		{8, "Gross margin", "B6-B7", m.gross, l.total, true},
		{10, "Payroll", "Headcount*Salary*(1+Overhead)", m.payroll, l.money, true},
		{11, "Rent", "Rent", m.rent, l.money, true},
		{12, "Marketing", "ROUND(B6*Marketing,2)", m.marketing, l.money, true},
		{13, "Other costs", "Other_costs", m.other, l.money, true},
		{14, "Operating expenses", "SUM(B10:B13)", m.expenses, l.total, true},
		{16, "Operating result", "B8-B14", m.operating, l.money, true},
		{17, "Tax", "ROUND(MAX(0,B16)*Tax_rate,2)", m.tax, l.money, true},
		{18, "Net result", "B16-B17", m.net, l.total, true},
		{20, "Opening cash", opening, m.opening, l.money, false},
		{21, "Closing cash", "B20+B18", m.closing, l.total, false},
	}
	for _, r := range rows {
		g.Set(fmt.Sprintf("A%d", r.row), l.label, r.label)
		g.Formula(fmt.Sprintf("B%d", r.row), r.style, r.formula, r.value)
		if r.share {
			g.Formula(fmt.Sprintf("C%d", r.row), l.pct, fmt.Sprintf("IF($B$6=0,0,B%d/$B$6)", r.row), r.value/m.revenue)
		}
	}
	if m.actualRevenue != 0 {
		g.Set("D6", l.moneyInput, m.actualRevenue)
		g.Formula("E6", l.money, `IF(ISBLANK(D6),"",D6-B6)`, round(m.actualRevenue-m.revenue, 2))
	} else {
		g.Set("D6", l.moneyInput, nil)
		g.Formula("E6", l.money, `IF(ISBLANK(D6),"",D6-B6)`, "")
	}
	b.AddSheet(g.Fill(&genbook.Sheet{
		Name:    m.name,
		Columns: []genbook.Column{{First: 0, Last: 0, Width: 22}, {First: 1, Last: 4, Width: 15}},
		Conditional: []genbook.Conditional{
			{Range: "B16:B18", Kind: "cellIs", Operator: "lessThan", Formulas: []string{"0"}, Look: genbook.Style{Color: "9C0006", Fill: "FFC7CE"}},
			{Range: "E6", Kind: "expression", Formulas: []string{"AND(ISNUMBER($E$6),ABS($E$6)>0.05*$B$6)"}, Look: genbook.Style{Bold: true, Color: "9C5700", Fill: "FFEB9C"}},
		},
	}))
}

func budgetSummary(b *genbook.Book, l budgetLooks, months []month) {
	var g genbook.Grid
	g.Formula("A1", l.title, `"Summary "&Budget_year&", scenario "&Scenario`, fmt.Sprintf("Summary %d, scenario Optimistic", budgetYear))
	columns := []struct {
		name, source string
		value        func(m month) float64
		total        string
	}{
		{"Revenue", "B6", func(m month) float64 { return m.revenue }, "sum"},
		{"Cost of goods", "B7", func(m month) float64 { return m.goods }, "sum"},
		{"Gross margin", "B8", func(m month) float64 { return m.gross }, "sum"},
		{"Expenses", "B14", func(m month) float64 { return m.expenses }, "sum"},
		{"Net result", "B18", func(m month) float64 { return m.net }, "sum"},
		{"Closing cash", "B21", func(m month) float64 { return m.closing }, ""},
	}
	g.Set("A3", l.head, "Month")
	table := genbook.Table{Name: "Months", Range: area("A3:G16"), Totals: true, Columns: []genbook.TableColumn{{Name: "Month", TotalLabel: "Year"}}}
	sums := map[string]float64{}
	for j, c := range columns {
		letter := string(rune('B' + j))
		g.Set(letter+"3", l.head, c.name)
		for i, m := range months {
			g.Set(fmt.Sprintf("A%d", i+4), 0, m.name)
			g.Formula(fmt.Sprintf("%s%d", letter, i+4), l.money, m.name+"!"+c.source, c.value(m))
			sums[c.name] = round(sums[c.name]+c.value(m), 2)
		}
		table.Columns = append(table.Columns, genbook.TableColumn{Name: c.name, Total: c.total})
		if c.total != "" {
			g.Formula(letter+"16", l.total, "SUBTOTAL(109,Months["+c.name+"])", sums[c.name])
		} else {
			g.Set(letter+"16", l.total, nil)
		}
	}
	g.Set("A16", l.total, "Year")

	best, low, red := 0, months[0].closing, 0
	quarters := [4]float64{}
	for i, m := range months {
		if m.net > months[best].net {
			best = i
		}
		low = min(low, m.closing)
		if m.net < 0 {
			red++
		}
		quarters[i/3] = round(quarters[i/3]+m.revenue, 2)
	}
	fixed := months[0].payroll + months[0].rent + months[0].other
	price := round(priceBase*priceFactor, 2)
	perUnit := float64((1-returnRate)*price*(1-marketing)) - unitCost
	g.Set("A18", l.head, "Key figures")
	g.Set("B18", l.head, nil)
	key := []struct {
		label, formula string
		style          genbook.StyleID
		value          any
	}{
		{"Gross margin", "SUM(Months[Gross margin])/SUM(Months[Revenue])", l.pct, sums["Gross margin"] / sums["Revenue"]},
		{"Best month", "INDEX(Months[Month],MATCH(MAX(Months[Net result]),Months[Net result],0))", 0, months[best].name},
		{"Months with a loss", `COUNTIF(Months[Net result],"<0")`, 0, red},
		{"Lowest cash", "MIN(Months[Closing cash])", l.money, low},
		{"Break-even units a month", "ROUNDUP((Jan!B10+Rent+Other_costs)/((1-Return_rate)*Price*(1-Marketing)-Unit_cost),0)", 0, math.Ceil(fixed / perUnit)},
		{"Revenue over all sheets", "SUM(Jan:Dec!B6)", l.money, sums["Revenue"]},
		{"Check (must be 0)", "ROUND(B24-B16,2)", l.money, 0},
	}
	for i, k := range key {
		g.Set(fmt.Sprintf("A%d", i+19), l.label, k.label)
		g.Formula(fmt.Sprintf("B%d", i+19), k.style, k.formula, k.value)
	}
	g.Set("D18", l.head, "Quarter")
	g.Set("E18", l.head, "Revenue")
	for q, sum := range quarters {
		g.Set(fmt.Sprintf("D%d", q+19), 0, fmt.Sprintf("Q%d", q+1))
		g.Formula(fmt.Sprintf("E%d", q+19), l.money, fmt.Sprintf("SUM(B%d:B%d)", q*3+4, q*3+6), sum)
	}
	b.Names = append(b.Names,
		genbook.Name{Name: "Net_by_month", Refers: "Summary!$F$4:$F$15"},
		genbook.Name{Name: "Year_revenue", Refers: "Summary!$B$16", Comment: "revenue of the whole year"},
		genbook.Name{Name: "_xlnm.Print_Area", Refers: "Summary!$A$1:$G$25", Sheet: "Summary"},
	)
	b.AddSheet(g.Fill(&genbook.Sheet{
		Name: "Summary", TabColor: "70AD47", Freeze: cell.Ref{Row: 3, Col: 1},
		Columns: []genbook.Column{{First: 0, Last: 0, Width: 26}, {First: 1, Last: 6, Width: 15}},
		Tables:  []genbook.Table{table},
		Conditional: []genbook.Conditional{
			{Range: "F4:F15", Kind: "colorScale", Colors: []string{"F8696B", "FFEB84", "63BE7B"}},
			{Range: "G4:G15", Kind: "dataBar", Colors: []string{"638EC6"}},
			{Range: "B25", Kind: "cellIs", Operator: "notEqual", Formulas: []string{"0"}, Look: genbook.Style{Bold: true, Color: "FFFFFF", Fill: "C00000"}},
		},
		Comments: []genbook.Comment{{Ref: cell.Ref{Row: 23, Col: 1}, Author: "Controlling", Text: "A 3-D sum over the month sheets; the line below compares it with the table."}},
	}))
}
