package main

import (
	"fmt"

	"gridflow/internal/cell"
	"gridflow/internal/genbook"
)

// messy is the workbook that people really send: tables side by side, headings
// over several rows, notes in between, numbers and dates as text, errors,
// hidden things, and sheet names that need quotes.
func messy() *genbook.Book {
	b := newBook("Messy")
	const first = "Q1 '26 – Übersicht"
	look := struct{ title, head, bold, money, day, text, note, red genbook.StyleID }{
		b.Style(genbook.Style{Bold: true, Size: 18, Align: "center"}),
		b.Style(genbook.Style{Bold: true, Fill: "BDD7EE", Border: "thin", Align: "center", VAlign: "center", Wrap: true}),
		b.Style(genbook.Style{Bold: true, Border: "double-bottom"}),
		b.Style(genbook.Style{Format: `#,##0.00 "€"`}),
		b.Style(genbook.Style{Format: "dd.mm.yyyy"}),
		b.Style(genbook.Style{Format: "@", TextPrefix: true}),
		b.Style(genbook.Style{Italic: true, Color: "7F7F7F"}),
		b.Style(genbook.Style{Color: "FF0000", Fill: "FFC7CE"}),
	}

	// Sheet 1: a plan on the left, a contact list on the right, a gutter between.
	var g genbook.Grid
	g.Set("B2", look.title, "Overview of the first quarter 2026")
	g.Set("B3", look.note, "Source: exports of 3 April; figures in €; ask Ines about the South.")
	g.Set("B5", look.head, "Region")
	g.Set("C5", look.head, 2025)
	g.Set("E5", look.head, 2026)
	for _, a1 := range []string{"D5", "F5", "B6"} {
		g.Set(a1, look.head, nil)
	}
	for i, h := range []string{"Plan", "Actual", "Plan", "Actual", "Change"} {
		g.Set(fmt.Sprintf("%c6", 'C'+i), look.head, h)
	}
	g.Set("G5", look.head, nil)
	plan := []struct {
		region     string
		p25, a25   float64
		p26, a26   float64
		hidden     bool
		withoutA25 bool
	}{
		{"North", 120_000, 118_400.5, 125_000, 131_020.25, false, false},
		{"South", 80_000, 0, 90_000, 77_310.4, false, true},
		{"East", 64_000, 70_112, 66_000, 69_950.75, false, false},
		{"(old) Centre", 12_000, 9_870.1, 0, 0, true, false},
		{"West", 99_500, 101_007.95, 104_000, 99_080, false, false},
	}
	sums := [4]float64{}
	for i, p := range plan {
		n := i + 7
		if i >= 3 {
			n++ // a blank row inside the table
		}
		g.Set(fmt.Sprintf("B%d", n), 0, p.region)
		for j, v := range []float64{p.p25, p.a25, p.p26, p.a26} {
			if j == 1 && p.withoutA25 {
				g.Set(fmt.Sprintf("D%d", n), look.red, "n/a")
				continue
			}
			g.Set(fmt.Sprintf("%c%d", 'C'+j, n), look.money, v)
			sums[j] = round(sums[j]+v, 2)
		}
		pct := b.Style(genbook.Style{Format: "+0.0%;-0.0%"})
		formula := fmt.Sprintf("F%d/D%d-1", n, n)
		if p.withoutA25 {
			g.Formula(fmt.Sprintf("G%d", n), pct, formula, cell.ErrValue)
		} else {
			g.Formula(fmt.Sprintf("G%d", n), pct, formula, p.a26/p.a25-1)
		}
		if p.hidden {
			g.Row(n, genbook.RowOptions{Hidden: true})
		}
	}
	g.Set("B13", look.bold, "Total")
	for j, sum := range sums {
		c := string(rune('C' + j))
		g.Formula(c+"13", look.bold, fmt.Sprintf("SUM(%s7:%s12)", c, c), sum)
	}
	g.Formula("G13", look.bold, "F13/D13-1", sums[3]/sums[1]-1)
	g.Set("B15", 0, "Average per open item")
	g.Formula("C15", look.money, "C13/COUNTIF(J7:J12,\"open\")", cell.ErrDiv0)
	g.Set("B16", 0, "Contact of the Centre")
	g.Formula("C16", 0, `VLOOKUP("Centre",I7:L11,2,FALSE)`, cell.ErrNA)

	for i, h := range []string{"Customer no.", "State", "First order", "Phone"} {
		g.Set(fmt.Sprintf("%c6", 'I'+i), look.head, h)
	}
	for i, c := range [][]any{
		{"00123", "active", "2026-01-05", "+49 421 555 0101"},
		{"00124", "active", "5/1/26", "0421-555 0102"},
		{"0125 ", "closed", "Jan 7, 2026", nil},
		{126, "active", date(2026, 1, 8), "555 0104"},
		{"00127", "Active", "09.01.2026", "n. a."},
	} {
		for j, v := range c {
			a1 := fmt.Sprintf("%c%d", 'I'+j, i+7)
			style := genbook.StyleID(0)
			switch v.(type) {
			case string:
				if j == 0 {
					style = look.text
				}
			case nil:
				continue
			default:
				if j == 2 {
					style = look.day
				}
			}
			g.Set(a1, style, v)
		}
	}
	g.Set("I13", look.bold, "5 customers")
	g.Set("N6", look.note, "← to be cleaned up")
	g.Set("B20", look.note, "* South: figures for 2025 were lost with the old system.")
	b.AddSheet(g.Fill(&genbook.Sheet{
		Name:   first,
		Merges: []cell.Range{area("B2:G2"), area("B3:G3"), area("B5:B6"), area("C5:D5"), area("E5:F5"), area("G5:G6")},
		Columns: []genbook.Column{{First: 0, Last: 0, Width: 2}, {First: 1, Last: 1, Width: 24}, {First: 2, Last: 6, Width: 15},
			{First: 7, Last: 7, Width: 3}, {First: 8, Last: 11, Width: 18}, {First: 12, Last: 12, Width: 8, Hidden: true}},
		Comments: []genbook.Comment{{Ref: cell.Ref{Row: 7, Col: 3}, Author: "Ines", Text: "Lost. Do not ask again."},
			{Ref: cell.Ref{Row: 6, Col: 8}, Author: "Jonas", Text: "Leading zeros matter!"}},
		Conditional: []genbook.Conditional{{Range: "I7:I12", Kind: "duplicateValues", Look: genbook.Style{Color: "9C0006"}}},
	}))

	// Sheet 2: an export with numbers as text, subtotals between the rows and
	// blank columns.
	var d genbook.Grid
	d.Set("A1", look.note, "Export 2026-04-03 17:22 / user: ines / page 1 of 1")
	for col, h := range map[string]string{"A": "Item", "B": "Amount ", "D": "Share", "E": "Checked", "G": "Amount "} {
		d.Set(col+"4", look.head, h)
	}
	rows := [][]any{
		{"Paper", "1,234.50", "12%", "yes", 1234.5},
		{"Toner ", "(500)", "5 %", true, -500},
		{"Subtotal", nil, nil, nil, 734.5},
		{"Chairs", "2.100,00", "0.21", "TRUE", 2100},
		{"Desks", "-", "n/a", "no", nil},
		{"Lamps\u00a0", "€ 89.90", "1%", "y", 89.9},
		{"Subtotal", nil, nil, nil, 2189.9},
		{nil, nil, nil, nil, nil},
		{"Total", nil, nil, nil, 2924.4},
	}
	formulas := map[int]string{2: "SUBTOTAL(9,G5:G6)", 6: "SUBTOTAL(9,G8:G10)", 8: "SUBTOTAL(9,G5:G11)"}
	for i, r := range rows {
		n := i + 5
		for j, col := range []string{"A", "B", "D", "E", "G"} {
			if r[j] == nil {
				continue
			}
			if f := formulas[i]; f != "" && col == "G" {
				d.Formula(fmt.Sprintf("G%d", n), look.bold, f, r[j])
				continue
			}
			d.Set(fmt.Sprintf("%s%d", col, n), 0, r[j])
		}
	}
	d.Set("A16", 0, "line one\nline two")
	d.Set("B16", b.Style(genbook.Style{Wrap: true}), "a \"quoted\" <tag> & more")
	b.AddSheet(d.Fill(&genbook.Sheet{Name: "export (2)", Columns: []genbook.Column{{First: 0, Last: 0, Width: 30}}}))

	b.AddSheet(&genbook.Sheet{Name: "Empty"})

	var old genbook.Grid
	old.Set("A1", look.head, "Do not delete")
	old.Formula("A2", look.money, cell.QuoteSheet(first)+"!F13", sums[3])
	old.Formula("A3", 0, "#REF!*2", cell.ErrRef)
	old.Formula("A4", 0, "Missing_name+1", cell.ErrName)
	b.AddSheet(old.Fill(&genbook.Sheet{Name: "old", Visibility: genbook.Hidden}))

	var cfg genbook.Grid
	cfg.Set("A1", 0, "version")
	cfg.Set("B1", look.text, "0042")
	cfg.Set("A2", 0, "locale")
	cfg.Set("B2", 0, "de-DE")
	b.AddSheet(cfg.Fill(&genbook.Sheet{Name: "_cfg", Visibility: genbook.VeryHidden}))

	b.Names = []genbook.Name{
		{Name: "Plan_2026", Refers: cell.QuoteSheet(first) + "!$E$7:$E$12"},
		{Name: "broken", Refers: "#REF!"},
		{Name: "cfg_version", Refers: "_cfg!$B$1", Hidden: true},
	}
	return b
}
