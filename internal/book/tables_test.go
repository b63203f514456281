package book

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
)

// tabled is a workbook with two tables, formulas that name them, and a defined name that does.
func tabled(tb testing.TB) *memSource {
	m := newBook(tb, "A1='Item B1='Net C1='Twice A2='a B2=1 A3='b B3=2 A4='c B4=4 E1==SUM(Sales[Net]) E2==SUM(Nets) E3==Sales[[#Headers],[Net]]",
		"A1='X A2=7 A3=8 C1==SUM(Other[X])+SUM(Sales[Twice]) C2==ROWS(Sales) C3==COUNTA(Sales[#All]) C4==Sales[[#This_Row],[Net]] C5==SUM(Sales[[Net]:[Twice]])")
	m.book.Names = []grid.Name{{Name: "Nets", Sheet: -1, RefersTo: "Sales[Net]"}}
	r := func(s string) cell.Range { x, _ := cell.ParseRange(s); return x }
	m.tables = []grid.Table{
		{Name: "Sales", Sheet: 0, Range: r("A1:C4"), HeaderRows: 1, HeaderShown: true, AutoFilter: true, StyleName: "S", Columns: []grid.TableColumn{{Name: "Item"}, {Name: "Net"}, {Name: "Twice", Formula: "Sales[[#This Row],[Net]]*2"}}},
		{Name: "Other", Sheet: 1, Range: r("A1:A3"), HeaderRows: 1, HeaderShown: true, Columns: []grid.TableColumn{{Name: "X"}}},
	}
	return m
}

// withTwice gives the base with the calculated column written, whose formula has a space.
func withTwice(tb testing.TB, m *memSource) *Snapshot {
	base := NewSnapshot("b", "r", m)
	var cells []CellEdit
	for row := 1; row <= 3; row++ {
		cells = append(cells, CellEdit{Ref: cell.Ref{Row: row, Col: 2}, HasFormula: true, Formula: "Sales[[#This Row],[Net]]*2"})
	}
	next, _ := apply(tb, base, Edit{Ops: []Op{SetCells{Sheet: "Sheet1", Cells: cells}}})
	return refreshed(tb, next)
}

func refreshed(tb testing.TB, s *Snapshot) *Snapshot {
	tb.Helper()
	next, _, err := s.Refresh(tb.Context(), Moment{}, Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return next
}

// showTables writes the tables and names of a version.
func showTables(tb testing.TB, s *Snapshot) string {
	tb.Helper()
	tables, err := s.Tables(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	var b strings.Builder
	for _, t := range tables {
		fmt.Fprintf(&b, "%s %d!%v %d/%d %v %q %v %+v\n", t.Name, t.Sheet, t.Range, t.HeaderRows, t.TotalsRows, t.Columns, t.StyleName, t.AutoFilter, t.Filters)
	}
	for _, n := range s.Workbook().Names {
		fmt.Fprintf(&b, "%s=%s\n", n.Name, n.RefersTo)
	}
	return b.String()
}

// formOf gives a table as a form.
func tableForm(tb testing.TB, s *Snapshot, name string) TableForm {
	tb.Helper()
	tables, err := s.Tables(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	for i := range tables {
		if tables[i].Name == name {
			return s.TableForm(&tables[i])
		}
	}
	tb.Fatalf("no table %s", name)
	return TableForm{}
}

func changeTable(of string, to *TableForm) Edit {
	return Edit{Ops: []Op{ArrangeTables{Tables: []TableChange{{Of: of, To: to}}}}}
}

// TestTableFollows: what formulas and names say of a table follows it, and gives the values that it
// gave.
func TestTableFollows(t *testing.T) {
	base := withTwice(t, tabled(t))
	rename := tableForm(t, base, "Sales")
	rename.Name, rename.Columns[1].Name = "Costs", "it's [net]"
	next, changes := apply(t, base, changeTable("sales", &rename))
	n := 0
	for range changes.Changes() {
		n++
	}
	if n != 8 { // E1, E3, three of Twice, C1, C2, C3, C5 but for what says it by the name Nets
		t.Logf("%d cells have changed", n)
	}
	next = refreshed(t, next)
	for ref, want := range map[string]string{
		"0 E1": "SUM(Costs[it''s '[net']])", "0 E2": "SUM(Nets)", "0 E3": "Costs[[#Headers],[it''s '[net']]]", "0 C2": "Costs[@[it''s '[net']]]*2",
		"1 C1": "SUM(Other[X])+SUM(Costs[Twice])", "1 C2": "ROWS(Costs)", "1 C5": "SUM(Costs[[it''s '[net']]:[Twice]])",
	} {
		if got := formulaAt(t, next, ref); got != want {
			t.Errorf("%s is %s, want %s", ref, got, want)
		}
	}
	if got := next.Workbook().Names[0].RefersTo; got != "Costs[it''s '[net']]" {
		t.Errorf("the name refers to %s", got)
	}
	if got := tableForm(t, next, "Costs").Columns[2].Formula; got != "Costs[[#This Row],[it''s '[net']]]*2" {
		t.Errorf("the column's formula is %s", got)
	}
	sameValues(t, base, next)
	ends, _ := apply(t, next, changeTable("Costs", nil))
	ends = refreshed(t, ends)
	for ref, want := range map[string]string{"0 E1": "SUM(Sheet1!$B$2:$B$4)", "0 E3": "Sheet1!$B$1", "0 C3": "Sheet1!$B3*2", "1 C3": "COUNTA(Sheet1!$A$1:$C$4)", "1 C2": "ROWS(Sheet1!$A$2:$C$4)"} {
		if got := formulaAt(t, ends, ref); got != want {
			t.Errorf("without the table %s is %s, want %s", ref, got, want)
		}
	}
	if got := ends.Workbook().Names[0].RefersTo; got != "Sheet1!$B$2:$B$4" {
		t.Errorf("without the table the name refers to %s", got)
	}
	sameValues(t, base, ends)
	narrow := tableForm(t, base, "Sales")
	narrow.Range, narrow.Columns = "A1:B4", narrow.Columns[:2]
	narrowed, _ := apply(t, base, changeTable("Sales", &narrow))
	if got := formulaAt(t, narrowed, "1 C5"); got != "SUM(#REF!)" {
		t.Errorf("with a column less it is %s", got)
	}
}

func formulaAt(tb testing.TB, s *Snapshot, at string) string {
	tb.Helper()
	var i int
	var a1 string
	fmt.Sscan(at, &i, &a1)
	sheet, err := s.Sheet(tb.Context(), i)
	if err != nil {
		tb.Fatal(err)
	}
	ref, _ := cell.ParseRef(a1)
	c, _ := sheet.At(ref)
	return FormulaText(sheet, c)
}

func sameValues(tb testing.TB, a, b *Snapshot) {
	tb.Helper()
	for i := range a.Workbook().Sheets {
		x, err := a.Sheet(tb.Context(), i)
		if err != nil {
			tb.Fatal(err)
		}
		y, err := b.Sheet(tb.Context(), i)
		if err != nil {
			tb.Fatal(err)
		}
		for c := range x.Cells(cell.WholeSheet) {
			if got := y.Value(c.Ref); got != c.Value && c.HasFormula() {
				tb.Errorf("%d!%v was %v, is %v", i, c.Ref, c.Value, got)
			}
		}
	}
}

// TestTableRefused: what no table can be is refused, and nothing is changed.
func TestTableRefused(t *testing.T) {
	m := tabled(t)
	r, _ := cell.ParseRange("F8:G9")
	l := *m.sheets[0].Layout
	l.Merges = []cell.Range{r}
	m.sheets[0] = m.sheets[0].WithLayout(&l)
	m.tables[1].Bound = "a query"
	base, _ := apply(t, NewSnapshot("b", "r", m), set(t, "Sheet1", "F12==SEQUENCE(2)"))
	base = refreshed(t, base)
	form := func(change func(f *TableForm)) *TableForm {
		f := TableForm{Name: "New", Sheet: "Sheet1", Range: "G1:H3", Header: true, Columns: []TableFormColumn{{Name: "a"}, {Name: "b"}}}
		change(&f)
		return &f
	}
	for name, c := range map[string]TableChange{
		"no sheet":            {To: form(func(f *TableForm) { f.Sheet = "None" })},
		"no name":             {To: form(func(f *TableForm) { f.Name = "" })},
		"a cell's name":       {To: form(func(f *TableForm) { f.Name = "AB12" })},
		"a row's name":        {To: form(func(f *TableForm) { f.Name = "R1" })},
		"a logical value":     {To: form(func(f *TableForm) { f.Name = "true" })},
		"a space":             {To: form(func(f *TableForm) { f.Name = "a b" })},
		"a table's name":      {To: form(func(f *TableForm) { f.Name = "SALES" })},
		"a defined name":      {To: form(func(f *TableForm) { f.Name = "nets" })},
		"a long name":         {To: form(func(f *TableForm) { f.Name = strings.Repeat("x", 256) })},
		"no range":            {To: form(func(f *TableForm) { f.Range = "G" })},
		"no data":             {To: form(func(f *TableForm) { f.Range = "G1:H1" })},
		"only totals":         {To: form(func(f *TableForm) { f.Range, f.Totals = "G1:H2", true })},
		"too few columns":     {To: form(func(f *TableForm) { f.Range = "G1:I3" })},
		"columns alike":       {To: form(func(f *TableForm) { f.Columns[1].Name = "A" })},
		"a column without":    {To: form(func(f *TableForm) { f.Columns[1].Name = "" })},
		"a function":          {To: form(func(f *TableForm) { f.Columns[1].TotalsFunction = "median" })},
		"a formula":           {To: form(func(f *TableForm) { f.Columns[1].Formula = "=1" })},
		"a filter, no header": {To: form(func(f *TableForm) { f.Header, f.Filter = false, true })},
		"over a table":        {To: form(func(f *TableForm) { f.Range = "C1:D3" })},
		"over a merge":        {To: form(func(f *TableForm) { f.Range = "G9:H12" })},
		"over an array":       {To: form(func(f *TableForm) { f.Range = "F13:G15" })},
		"of none":             {Of: "None"},
		"nothing":             {},
		"bound":               {Of: "Other"},
	} {
		next, _, err := base.Apply(t.Context(), Edit{Ops: []Op{ArrangeTables{Tables: []TableChange{c}}}})
		if wrong, ok := err.(*Error); !ok || next != nil {
			t.Errorf("%s: %v", name, err)
		} else if wrong.Message == "" {
			t.Errorf("%s: nothing is said", name)
		}
	}
	_, _, err := base.Apply(t.Context(), Edit{Ops: []Op{ArrangeTables{Tables: []TableChange{{Of: "Sales"}, {Of: "sales"}}}}})
	if _, ok := err.(*Error); !ok {
		t.Errorf("twice: %v", err)
	}
}

// TestTablesChangePlaces: what could not be done one after the other can be done at once.
func TestTablesChangePlaces(t *testing.T) {
	base := NewSnapshot("b", "r", tabled(t))
	a, b := tableForm(t, base, "Sales"), tableForm(t, base, "Other")
	a.Name, b.Name = "Other", "Sales"
	next, _ := apply(t, base, Edit{Ops: []Op{ArrangeTables{Tables: []TableChange{{Of: "Sales", To: &a}, {Of: "Other", To: &b}}}}})
	if got := formulaAt(t, next, "1 C1"); got != "SUM(Sales[X])+SUM(Other[Twice])" {
		t.Errorf("the formula is %s", got)
	}
	if got := tableForm(t, next, "Other").Columns[2].Formula; got != "Other[[#This Row],[Net]]*2" {
		t.Errorf("the column's formula is %s", got)
	}
}

// TestInsertedHeading: a column that comes into a table has its name in the header row, in a table of the file, in one that an edit
// has changed, and in one that an edit has made on a sheet that it left as it was.
func TestInsertedHeading(t *testing.T) {
	m := newBook(t, "A1='Item B1='Net A2='a B2=1 E1='Of E2=2")
	r, _ := cell.ParseRange("A1:B2")
	m.tables = []grid.Table{{Name: "Sales", Range: r, HeaderRows: 1, HeaderShown: true, Columns: []grid.TableColumn{{Name: "Item"}, {Name: "Net"}}}}
	file := NewSnapshot("b", "r", m)
	renamed := tableForm(t, file, "Sales")
	renamed.Name = "Costs"
	wide := tableForm(t, file, "Sales")
	wide.Range, wide.Columns = "A1:C2", append(wide.Columns, TableFormColumn{Name: "Gross"})
	wider, _ := apply(t, file, withHeadings(wide, changeTable("Sales", &wide)))
	other := TableForm{Name: "Other", Sheet: "Sheet1", Range: "D1:E2", Header: true, Columns: []TableFormColumn{{Name: "Column"}, {Name: "Of"}}}
	both, _ := apply(t, file, withHeadings(other, changeTable("", &other)))
	changed, _ := apply(t, file, changeTable("Sales", &renamed))
	none, _ := apply(t, file, changeTable("Sales", nil))
	for _, test := range []struct {
		what string
		base *Snapshot
		at   int
		want string
	}{
		{"of the file", file, 1, "Item|Column1|Net|||Of"},
		{"renamed", changed, 1, "Item|Column1|Net|||Of"},
		{"made wider", wider, 2, "Item|Net|Column1|Gross||Of"},
		{"another one", both, 4, "Item|Net||Column|Column1|Of"},
		{"a range again", none, 1, "Item||Net|||Of"},
	} {
		next, _ := apply(t, test.base, restructure(structure.Change{Kind: structure.InsertColumns, Sheet: "Sheet1", At: test.at, Count: 1}))
		sheet, err := next.Sheet(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for col := range 6 {
			got = append(got, sheet.Value(cell.Ref{Col: col}).String())
		}
		if got := strings.Trim(strings.Join(got, "|"), "|"); got != test.want {
			t.Errorf("%s: the headings are %s, want %s", test.what, got, test.want)
		}
	}
}

// TestNamesake: what a formula says of a table goes by the table that has the name by now, and not by one of the file that had it.
func TestNamesake(t *testing.T) {
	base := NewSnapshot("b", "r", tabled(t))
	renamed := tableForm(t, base, "Sales")
	renamed.Name = "Costs"
	next, _ := apply(t, base, changeTable("Sales", &renamed))
	other := tableForm(t, next, "Other")
	other.Name, other.Columns[0].Name = "Sales", "Net"
	next, _ = apply(t, next, withHeadings(other, changeTable("Other", &other)))
	next, _ = apply(t, next, Edit{Ops: []Op{EditNames{Names: []NameEdit{{Name: "Nets", RefersTo: "Sales[Net]"}}}}})
	next, _ = apply(t, next, restructure(structure.Change{Kind: structure.DeleteColumns, Sheet: "Sheet1", At: 1, Count: 1}))
	next = refreshed(t, next)
	for ref, want := range map[string]string{"1 C1": "SUM(Sales[Net])+SUM(Costs[Twice])", "0 D1": "SUM(#REF!)", "0 D2": "SUM(Nets)"} {
		if got := formulaAt(t, next, ref); got != want {
			t.Errorf("%s is %s, want %s", ref, got, want)
		}
	}
	if got := next.Workbook().Names[0].RefersTo; got != "Sales[Net]" {
		t.Errorf("the name refers to %s", got)
	}
}

// TestRandomTables: whatever becomes of tables, the edit from the base to it makes the same again, in its
// binary form too; merged onto the base it is the same; and formulas have the values that they have when
// all are calculated.
func TestRandomTables(t *testing.T) {
	m := tabled(t)
	base := NewSnapshot("b", "r", m)
	ctx := context.Background()
	rapid.Check(t, func(rt *rapid.T) {
		cur := base
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			e, ok := drawTableEdit(rt, cur)
			if !ok {
				continue
			}
			next, _, err := cur.Apply(ctx, e)
			if err != nil {
				continue // it does not fit
			}
			if next, _, err = next.Refresh(ctx, Moment{}, Limits{}); err != nil {
				rt.Fatal(err)
			}
			cur = next
		}
		whole, _, err := cur.Calculate(ctx, nil, Moment{})
		if err != nil {
			rt.Fatal(err)
		}
		named(rt, cur)
		want := showTables(t, cur) + showAll(t, cur)
		if got := showTables(t, whole) + showAll(t, whole); cur != base && got != want {
			rt.Fatalf("all calculated\n%s\nedits calculated\n%s", got, want)
		}
		e, err := Between(ctx, base, cur)
		if err != nil {
			rt.Fatal(err)
		}
		back, err := DecodeEdit(e.AppendTo(nil))
		if err != nil {
			rt.Fatal(err)
		}
		for what, from := range map[string]*Snapshot{"again": base} {
			again, _, err := from.Replay(ctx, back)
			if err != nil {
				rt.Fatalf("%s: %v", what, err)
			}
			if again, _, err = again.Refresh(ctx, Moment{}, Limits{}); err != nil {
				rt.Fatal(err)
			}
			if got := showTables(t, again) + showAll(t, again); got != want {
				rt.Fatalf("%s it is\n%s\nand was\n%s\nby %v", what, got, want, back)
			}
		}
		merged, err := Merge(ctx, base, base, cur)
		if err != nil || len(merged.Conflicts) > 0 {
			rt.Fatalf("merged onto its base: %v, %+v", err, merged)
		}
		again, _, err := base.Replay(ctx, merged.Edit)
		if err != nil {
			rt.Fatal(err)
		}
		if again, _, err = again.Refresh(ctx, Moment{}, Limits{}); err != nil {
			rt.Fatal(err)
		}
		if got := showTables(t, again) + showAll(t, again); got != want {
			rt.Fatalf("merged it is\n%s\nand was\n%s", got, want)
		}
		none, err := Merge(ctx, base, cur, base)
		if err != nil || len(none.Edit.Ops)+len(none.Conflicts) > 0 {
			rt.Fatalf("of nothing there is %+v, %v", none, err)
		}
		for ch, err := range Diff(ctx, cur, cur, DiffOptions{}) {
			rt.Fatalf("it differs from itself: %+v, %v", ch, err)
		}
	})
}

// named checks that the header row of each table has the names of its columns, without which Excel does not take the file.
func named(rt *rapid.T, s *Snapshot) {
	tables, err := s.Tables(context.Background())
	if err != nil {
		rt.Fatal(err)
	}
	for _, t := range tables {
		sheet, err := s.Sheet(context.Background(), t.Sheet)
		if err != nil {
			rt.Fatal(err)
		}
		for i, c := range t.Columns {
			at := cell.Ref{Row: t.Range.First.Row, Col: t.Range.First.Col + i}
			if got := sheet.Value(at); got != cell.TextValue(c.Name) {
				rt.Fatalf("column %q of %s has the heading %v in %v", c.Name, t.Name, got, at)
			}
		}
	}
}

// drawTableEdit draws a change of a table, of the lines of its sheet, or of cells around tables.
func drawTableEdit(rt *rapid.T, s *Snapshot) (Edit, bool) {
	tables, err := s.Tables(context.Background())
	if err != nil {
		rt.Fatal(err)
	}
	names := []string{"Sales", "Other", "Third", "Fourth"}
	kind := rapid.IntRange(0, 11).Draw(rt, "kind")
	if kind == 0 {
		col, row := rapid.IntRange(6, 9).Draw(rt, "column"), rapid.IntRange(0, 6).Draw(rt, "row")
		f := TableForm{Name: rapid.SampledFrom(names).Draw(rt, "name"), Sheet: rapid.SampledFrom([]string{"Sheet1", "Sheet2"}).Draw(rt, "sheet"), Header: true,
			Range:   cell.RangeOf(cell.Ref{Row: row, Col: col}, cell.Ref{Row: row + 2, Col: col + 1}).String(),
			Columns: []TableFormColumn{{Name: "Net"}, {Name: "Net 2", Formula: "Sales[[#This Row],[Net]]"}}}
		return withHeadings(f, changeTable("", &f)), true
	}
	if kind <= 2 {
		texts := []string{"SUM(Sales[Net])", "SUM(Third[Net])", "Fourth[[#Totals],[Net]]", "SUM(Other)", "Sales[[#This Row],[Net]]", "ROWS(Third[#All])", "SUM(Sales[[Net]:[Twice]])", "SUM(Nets)"}
		c := CellEdit{Ref: cell.Ref{Row: rapid.IntRange(0, 8).Draw(rt, "row"), Col: rapid.IntRange(1, 11).Draw(rt, "column")}}
		if rapid.Bool().Draw(rt, "formula") {
			c.HasFormula, c.Formula = true, rapid.SampledFrom(texts).Draw(rt, "text")
		} else {
			c.Value = cell.NumberValue(float64(rapid.IntRange(1, 99).Draw(rt, "value")))
		}
		sheet := rapid.SampledFrom([]string{"Sheet1", "Sheet2"}).Draw(rt, "sheet")
		heading := slices.ContainsFunc(tables, func(t grid.Table) bool {
			return s.Workbook().Sheets[t.Sheet].Name == sheet && c.Ref.Row == t.Range.First.Row && t.Range.Contains(c.Ref)
		})
		return Edit{Ops: []Op{SetCells{Sheet: sheet, Cells: []CellEdit{c}}}}, !heading
	}
	if len(tables) == 0 {
		return Edit{}, false
	}
	t := &tables[rapid.IntRange(0, len(tables)-1).Draw(rt, "table")]
	f := s.TableForm(t)
	r := t.Range
	switch kind {
	case 9, 10, 11:
		first, count := r.First.Col, r.Cols()
		c := structure.Change{Kind: rapid.SampledFrom([]structure.Kind{structure.InsertColumns, structure.DeleteColumns, structure.InsertRows, structure.DeleteRows}).Draw(rt, "lines"), Sheet: f.Sheet}
		if rows, _, _ := c.Lines(); rows {
			first, count = r.First.Row, r.Rows()
		}
		c.At, c.Count = first+rapid.IntRange(0, count).Draw(rt, "at"), rapid.IntRange(1, 2).Draw(rt, "count")
		return restructure(c), true
	case 3:
		return changeTable(t.Name, nil), true
	case 4:
		f.Name = rapid.SampledFrom(names).Draw(rt, "name")
	case 5:
		r.Last.Row += rapid.IntRange(-1, 2).Draw(rt, "rows")
		if f.Totals = rapid.Bool().Draw(rt, "totals"); f.Totals {
			f.Columns[0].TotalsLabel = "Total"
		}
	case 8:
		if f.Filter = rapid.IntRange(0, 4).Draw(rt, "buttons") > 0; f.Filter {
			list := []grid.FilterColumn{}
			for k := range f.Columns {
				if rapid.Bool().Draw(rt, "criterion") {
					list = append(list, grid.FilterColumn{Column: k, Top: float64(rapid.IntRange(1, 3).Draw(rt, "top"))})
				}
			}
			f.Criteria = &list
		}
	case 6:
		if rapid.Bool().Draw(rt, "less") && len(f.Columns) > 1 {
			f.Columns = f.Columns[1:]
			r.First.Col++
		} else {
			f.Columns = append(f.Columns, TableFormColumn{Name: fmt.Sprint("Column", len(f.Columns))})
			r.Last.Col++
		}
	default:
		f.Columns[0].Name = rapid.SampledFrom([]string{"Net", "Other", "It's"}).Draw(rt, "column name")
		f.Style, f.RowStripes = "x", !f.RowStripes
	}
	f.Range = r.String()
	return withHeadings(f, changeTable(t.Name, &f)), true
}

// withHeadings writes the names of a table's columns to its header row before the edit.
func withHeadings(f TableForm, e Edit) Edit {
	r, _ := cell.ParseRange(f.Range)
	var cells []CellEdit
	for i, c := range f.Columns {
		cells = append(cells, CellEdit{Ref: cell.Ref{Row: r.First.Row, Col: r.First.Col + i}, Value: cell.TextValue(c.Name)})
	}
	e.Ops = slices.Insert(e.Ops, 0, Op(SetCells{Sheet: f.Sheet, Cells: cells}))
	return e
}

// Criteria go with their columns through changes of the table, of sheets and of both sides of a merge, and say which rows a filter hides.
func TestTableCriteria(t *testing.T) {
	m := tabled(t)
	m.tables[0].Filters, m.tables[0].Filtering = []grid.FilterColumn{{Column: 0, Values: []string{"a"}}, {Column: 1, Other: "colorFilter"}}, true
	base := NewSnapshot("b", "r", m).Stored()
	criteria := func(s *Snapshot, name string) string {
		t.Helper()
		tables, err := s.Tables(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range tables {
			if x.Name == name {
				var list []string
				for _, c := range x.Filters {
					list = append(list, fmt.Sprint(x.Columns[c.Column].Name, c.Values, c.Top, c.Other))
				}
				return fmt.Sprint(x.Filtering, list)
			}
		}
		return "no table"
	}
	f := tableForm(t, base, "Sales")
	f.Name, f.Columns[1].Name = "Costs", "Gross"
	ours, _ := apply(t, base, changeTable("Sales", &f))
	if got := criteria(ours, "Costs"); got != "true [Item[a] 0 Gross[] 0colorFilter]" {
		t.Errorf("renamed, it has %s", got)
	}
	g := tableForm(t, base, "Sales")
	g.Criteria = &[]grid.FilterColumn{{Column: 1, Top: 3}}
	theirs, _ := apply(t, base, changeTable("Sales", &g))
	if got := criteria(theirs, "Sales"); got != "true [Net[] 3]" {
		t.Errorf("set anew, it has %s", got)
	}
	merged, err := Merge(t.Context(), base, ours, theirs)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := apply(t, ours, merged.Edit)
	if got := criteria(got, "Costs"); got != "true [Gross[] 3]" {
		t.Errorf("merged, it has %s", got)
	}
	moved, _ := apply(t, theirs, restructure(structure.Change{Kind: structure.InsertColumns, Sheet: "Sheet1", At: 1, Count: 2}))
	if got := criteria(moved, "Sales"); got != "true [Net[] 3]" {
		t.Errorf("with columns in it, it has %s", got)
	}
	moved, _ = apply(t, moved, restructure(structure.Change{Kind: structure.DeleteColumns, Sheet: "Sheet1", At: 3, Count: 1}))
	if got := criteria(moved, "Sales"); got != "false []" {
		t.Errorf("without its column, it has %s", got)
	}
	for _, bad := range [][]grid.FilterColumn{{{Column: 3, Top: 1}}, {{Column: 1, Top: 1}, {Column: 0, Top: 1}}, {{Column: 0, Other: "colorFilter"}}, {{Column: 0}}, {{Column: 0, Top: 501}}} {
		g.Criteria = &bad
		if _, _, err := base.Apply(t.Context(), changeTable("Sales", &g)); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	// A row that was hidden by hand counts as hidden by the filter as soon as that has a criterion.
	hidden := []grid.RowSpan{{First: 1, Last: 1, Hidden: true}}
	s, _ := apply(t, base, changeTable("Sales", &TableForm{Name: "Sales", Sheet: "Sheet1", Range: "A1:C4", Header: true, Filter: true, Criteria: &[]grid.FilterColumn{}, Columns: tableForm(t, base, "Sales").Columns}))
	s, _ = apply(t, s, Edit{Ops: []Op{Arrange{Sheet: "Sheet1", Rows: &hidden}, SetCells{Sheet: "Sheet1", Cells: edits(t, "H1==SUBTOTAL(9,B2:B4)")}}})
	s = refreshed(t, s)
	if v := sheetAt(t, s, 0).Value(cell.Ref{Col: 7}); v != cell.NumberValue(7) {
		t.Fatalf("SUBTOTAL of rows of which one is hidden by hand gives %v", v)
	}
	g.Criteria = &[]grid.FilterColumn{{Column: 1, Top: 3}}
	s, _ = apply(t, s, changeTable("Sales", &g))
	if v := sheetAt(t, refreshed(t, s), 0).Value(cell.Ref{Col: 7}); v != cell.NumberValue(6) {
		t.Errorf("with a criterion it gives %v", v)
	}
}

// TestTablesMerge: of two lines each has its say in what the other left alone.
func TestTablesMerge(t *testing.T) {
	base := withTwice(t, tabled(t))
	source := base.Stored()
	renamed := tableForm(t, source, "Sales")
	renamed.Name = "Costs"
	ours, _ := apply(t, source, changeTable("Sales", &renamed))
	wide := tableForm(t, source, "Sales")
	wide.Range, wide.Columns = "A1:D5", append(wide.Columns, TableFormColumn{Name: "More"})
	theirs, _ := apply(t, source, Edit{Ops: []Op{
		SetCells{Sheet: "Sheet1", Cells: []CellEdit{{Ref: cell.Ref{Col: 3}, Value: cell.TextValue("More")}, {Ref: cell.Ref{Row: 8}, HasFormula: true, Formula: "SUM(Sales[More])"}}},
		ArrangeTables{Tables: []TableChange{{Of: "Sales", To: &wide}, {Of: "Other"}}},
	}})
	m, err := Merge(t.Context(), source, ours, theirs)
	if err != nil || len(m.Conflicts) > 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	got, _ := apply(t, ours, m.Edit)
	f := tableForm(t, got, "Costs")
	if f.Range != "A1:D5" || len(f.Columns) != 4 {
		t.Errorf("the table is %+v", f)
	}
	if text := formulaAt(t, got, "0 A9"); text != "SUM(Costs[More])" {
		t.Errorf("their formula is %s", text)
	}
	if text := formulaAt(t, got, "1 C1"); text != "SUM(Sheet2!$A$2:$A$3)+SUM(Costs[Twice])" {
		t.Errorf("the formula of both is %s", text)
	}
	// On a newer file, in which rows came in above.
	n := tabled(t)
	n.sheets[0] = sheetOf(t, "Sheet1", "A1='above A3='Item B3='Net C3='Twice A4='a B4=1 A5='b B5=2 A6='c B6=4 E3==SUM(Sales[Net]) E4==SUM(Nets) E5==Sales[[#Headers],[Net]]")
	n.tables[0].Range, _ = cell.ParseRange("A3:C6")
	onto := NewSnapshot("b", "r2", n)
	m, err = Rebase(t.Context(), source, theirs, onto)
	if err != nil || len(m.Conflicts) > 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	got, _ = apply(t, onto, m.Edit)
	if f := tableForm(t, got, "Sales"); f.Range != "A3:D7" {
		t.Errorf("on the newer file the table is %+v", f)
	}
	if tables, _ := got.Tables(t.Context()); len(tables) != 1 {
		t.Errorf("there are %d tables", len(tables))
	}
}

// TestTableHeadings: a column that is inserted into a table has its name in the header row, in a table of the file as in one that
// edits have made or changed, and where a table was there stands nothing.
func TestTableHeadings(t *testing.T) {
	base := NewSnapshot("b", "r", tabled(t))
	form := TableForm{Name: "Own", Sheet: "Sheet2", Header: true, Range: "C5:D7", Columns: []TableFormColumn{{Name: "A"}, {Name: "B"}}}
	own, _ := apply(t, base, changeTable("", &form))
	named := tableForm(t, base, "Sales")
	named.Columns[2].Name = "Column1"
	other, _ := apply(t, base, changeTable("Sales", &named))
	ended, _ := apply(t, base, changeTable("Sales", nil))
	for _, x := range []struct {
		what, sheet string
		from        *Snapshot
		at          cell.Ref
		column      int
		want        string
	}{
		{"the file's", "Sheet1", base, cell.Ref{Col: 1}, 1, "Column1"},
		{"one that an edit made", "Sheet2", own, cell.Ref{Row: 4, Col: 3}, 3, "Column1"},
		{"one with another Column1", "Sheet1", other, cell.Ref{Col: 1}, 1, "Column2"},
		{"none any more", "Sheet1", ended, cell.Ref{Col: 1}, 1, ""},
	} {
		next, _ := apply(t, x.from, Edit{Ops: []Op{Restructure{structure.Change{Kind: structure.InsertColumns, Sheet: x.sheet, At: x.column, Count: 1}}}})
		i, _ := next.SheetIndex(x.sheet)
		sheet, err := next.Sheet(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if got := sheet.Value(x.at).Text(); got != x.want {
			t.Errorf("%s: the new column is headed %q, want %q", x.what, got, x.want)
		}
	}
}
