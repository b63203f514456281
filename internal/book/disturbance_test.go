package book

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
)

func restructure(changes ...structure.Change) (e Edit) {
	for _, c := range changes {
		e.Ops = append(e.Ops, Restructure{c})
	}
	return e
}

func moveOf(from, to, sheet string) structure.Change {
	r, _ := cell.ParseRange(from)
	at, _ := cell.ParseRef(to)
	return structure.Change{Kind: structure.MoveCells, Sheet: "Sheet1", Range: r, To: at, ToSheet: sheet}
}

// A file whose formulas have values that no calculation gives: each is told by it whether it was calculated. Formulas whose references
// went with their cells are not.
func TestDisturbance(t *testing.T) {
	const data = "A1=1 A2=2 A3=3 A4=4 A5=5 A6=6 A7=7 A8=8 "
	insert := func(at int) structure.Change {
		return structure.Change{Kind: structure.InsertRows, Sheet: "Sheet1", At: at, Count: 2}
	}
	remove := func(at int) structure.Change {
		return structure.Change{Kind: structure.DeleteRows, Sheet: "Sheet1", At: at, Count: 1}
	}
	column := func(kind structure.Kind, col string) structure.Change {
		at, _ := cell.ParseRef(col + "1")
		return structure.Change{Kind: kind, Sheet: "Sheet1", At: at.Col, Count: 1}
	}
	for _, c := range []struct {
		formula string
		change  structure.Change
		again   bool
	}{
		{"A2*3", insert(0), false},
		{"A2*3", insert(1), false},
		{"A2*3", remove(0), false},
		{"A2*3", remove(1), true},
		{"SUM(A2:A5)", insert(1), false},
		{"SUM(A2:A5)", insert(5), false},
		{"SUM(A2:A5)", insert(2), true},
		{"SUM(A2:A5)", remove(1), true},
		{"SUM(A2:A5)", remove(4), true},
		{"SUM(A2:A5)", remove(5), false},
		{"SUM(A:A)", insert(90), true}, // a MATCH over it would go by where its cells lie
		{"SUM(A2:A1048576)", insert(0), true},
		{"SUM(2:2)", insert(0), false},
		{"SUM(2:2)", structure.Change{Kind: structure.InsertColumns, Sheet: "Sheet1", At: 0, Count: 1}, true},
		{"SUM(Sheet2!A2:A5)", insert(2), false},
		{"SUM(Sheet1:Sheet2!A2)", insert(0), true},
		{"SUM(Sheet1:Sheet2!A2)", insert(5), false},
		{"SUM(Sheet1:Sheet2!A2)", structure.Change{Kind: structure.AddSheet, Sheet: "New", Position: 1}, true},
		{"SUM(Sheet1:Sheet2!A2)", structure.Change{Kind: structure.AddSheet, Sheet: "New", Position: 0}, false},
		{"SUM(Sheet1:Sheet2!A2)", structure.Change{Kind: structure.MoveSheet, Sheet: "Sheet3", Position: 0}, true},
		{"Sheet3!A1", structure.Change{Kind: structure.DeleteSheet, Sheet: "Sheet3"}, true},
		{"Sheet2!A1", structure.Change{Kind: structure.DeleteSheet, Sheet: "Sheet3"}, false},
		{"Sheet2!A1", structure.Change{Kind: structure.RenameSheet, Sheet: "Sheet2", Name: "Two"}, false},
		{"New!A1", structure.Change{Kind: structure.AddSheet, Sheet: "New"}, true},
		{"New!A1", structure.Change{Kind: structure.RenameSheet, Sheet: "Sheet2", Name: "new"}, true},
		{"SUM(A2:A5)", moveOf("A1:A6", "F1", ""), false},
		{"SUM(A2:A5)", moveOf("A1:A6", "A3", ""), false},
		{"SUM(A2:A5)", moveOf("A2:A5", "F1", "Sheet2"), false},
		{"SUM(A2:A5)", moveOf("A5", "A9", ""), true},
		{"SUM(A2:A5)", moveOf("A5", "A4", ""), true},
		{"SUM(A2:A5)", moveOf("A3", "F9", ""), true},
		{"SUM(A2:A5)", moveOf("A8", "A3", ""), true},
		{"SUM(A2:A5)", moveOf("A8", "A9", ""), false},
		{"SUM(A2:A5)", moveOf("J9", "F1", ""), false}, // the formula itself
		{"ROW()", insert(0), true},
		{"ROW(A5)", insert(0), true},
		{"COLUMN(A5)*0+FORMULATEXT(J9)", insert(0), true},
		{"SHEETS()", structure.Change{Kind: structure.AddSheet, Sheet: "New"}, true},
		{"SUM(OFFSET(A1,1,0))", insert(0), true},
		{"SUM(A1:INDEX(A1:A8,3))", insert(20), true}, // what it reads is known when it is run
		{"SUMIF(A1:A4,2,B1)", insert(0), true},
		{"SUMIF(A1:A4,2,B1:B4)", insert(0), false},
		{"A1:A8*2", insert(0), false},
		{"Sheet2!A1:A8*2", insert(0), true}, // it goes by its row, which moved past theirs
		{"SINGLE(Sheet2!A1:A9)", insert(0), true},
		{"SUM(A1:B4 A2:C5)", moveOf("A2:C5", "F1", ""), true},
		{"SUM(C1:D4 C2:F5)", moveOf("C2:F5", "C6", ""), true},
		{"Local+1", moveOf("J9", "F1", "Sheet2"), true}, // another name there
		{"SUBTOTAL(9,A1:A4)", insert(0), false},
		{"SUBTOTAL(9,A1:A4)", moveOf("A1:A4", "F3", ""), true},
		{"SUM(Sales[Net])", insert(10), false},
		{"SUM(Sales[Net])", insert(22), true},
		{"SUM(Sales)", remove(21), true},
		{"SUM(Wide[[#This Row],[a]:[c]])", column(structure.DeleteColumns, "M"), true},
		{"SUM(Wide[[#This Row],[a]:[c]])", column(structure.InsertColumns, "M"), true},
		{"SUM(Wide[[#This Row],[a]:[c]])", column(structure.InsertColumns, "L"), false},
		{"SUM(Wide[[#This Row],[a]:[c]])", insert(9), false},
		{"SUM(Wide[[#This Row],[a]],Wide[b])", moveOf("J9", "J10", ""), true}, // another row, beside what is fixed
		{"COLUMNS(Wide[#This Row])", column(structure.DeleteColumns, "M"), true},
		{"COLUMNS(Wide[#This Row])", structure.Change{Kind: structure.DeleteColumns, Sheet: "Sheet1", At: 12, Count: 2}, true}, // it has one left
		{"Wide[[#This Row],[a]]+Wide[[#This Row],[c]]", column(structure.DeleteColumns, "M"), false},
		{"SUBTOTAL(9,A2:A4)", column(structure.DeleteColumns, "D"), false},
		{"SUBTOTAL(9,Filtered!A2:A4)", structure.Change{Kind: structure.DeleteColumns, Sheet: "Filtered", At: 1, Count: 1}, true}, // the rows may be hidden without a filter now
		{"SUM(Filtered!A2:A4)", structure.Change{Kind: structure.DeleteColumns, Sheet: "Filtered", At: 1, Count: 1}, false},
		{"SUM(Some)", insert(0), false},
		{"SUM(Some)", insert(2), true},
		{"SUM(Beside)", insert(0), true}, // a name that counts from the cell that uses it
	} {
		m := newBook(t, data+"A21='Net A22=1 A23=2 A24=3 L8='a M8='b N8='c L9=1 M9=2 N9=3", "A1=1 A2=2", "A1=3", "A1='a A2=2 A3=3 A4=4")
		m.book.Sheets[3].Name = "Filtered"
		filter, _ := cell.ParseRange("A1:B4")
		m.sheets[3] = m.sheets[3].WithLayout(&grid.Layout{AutoFilter: &filter, Filtering: true, Rows: []grid.RowSpan{{First: 2, Last: 2, Hidden: true}}})
		sheet := m.sheets[0]
		ref, _ := cell.ParseRef("J9")
		var err error
		m.sheets[0], err = sheet.With([]grid.Change{{Ref: ref, Formula: c.formula, Value: cell.NumberValue(-77), Kind: grid.SetCell}})
		if err != nil {
			t.Fatal(err)
		}
		m.sheets[0], err = m.sheets[0].With([]grid.Change{{Ref: ref, Value: cell.NumberValue(-77), Kind: grid.SetValue}})
		if err != nil {
			t.Fatal(err)
		}
		m.book.Names = []grid.Name{{Name: "Some", Sheet: -1, RefersTo: "Sheet1!$A$2:$A$5"}, {Name: "Beside", Sheet: -1, RefersTo: "Sheet1!B1"},
			{Name: "Local", Sheet: 0, RefersTo: "Sheet1!$B$3"}, {Name: "Local", Sheet: -1, RefersTo: "Sheet2!$A$2"}}
		r, _ := cell.ParseRange("A21:A24")
		wide, _ := cell.ParseRange("L8:N10")
		m.tables = []grid.Table{{Name: "Sales", Range: r, HeaderRows: 1, HeaderShown: true, Columns: []grid.TableColumn{{Name: "Net"}}},
			{Name: "Wide", Range: wide, HeaderRows: 1, HeaderShown: true, Columns: []grid.TableColumn{{Name: "a"}, {Name: "b"}, {Name: "c"}}}}
		next, _ := apply(t, storedSnapshot("wb", "rev", m), restructure(c.change))
		next = refreshed(t, next)
		again := true
		for i := range next.Workbook().Sheets {
			s, err := next.Sheet(t.Context(), i)
			if err != nil {
				t.Fatal(err)
			}
			for x := range s.Cells(cell.WholeSheet) {
				again = again && !(x.HasFormula() && x.Value == cell.NumberValue(-77))
			}
		}
		if again != c.again {
			t.Errorf("=%s after %+v: calculated %v, want %v", c.formula, c.change, again, c.again)
		}
	}
}

// drawChange draws a structural change of a workbook of small sheets.
func drawChange(t *rapid.T, s *Snapshot) structure.Change {
	names := namesOf(s.Workbook())
	c := structure.Change{Sheet: rapid.SampledFrom(names).Draw(t, "sheet"), Kind: rapid.SampledFrom([]structure.Kind{
		structure.InsertRows, structure.DeleteRows, structure.InsertColumns, structure.DeleteColumns, structure.MoveCells, structure.MoveCells,
		structure.AddSheet, structure.DeleteSheet, structure.RenameSheet, structure.MoveSheet,
	}).Draw(t, "kind")}
	ref := func(label string) cell.Ref {
		return cell.Ref{Row: rapid.IntRange(0, 9).Draw(t, label), Col: rapid.IntRange(0, 7).Draw(t, label)}
	}
	switch rows, _, ok := c.Lines(); {
	case ok && rows:
		c.At, c.Count = ref("at").Row, rapid.IntRange(1, 3).Draw(t, "count")
	case ok:
		c.At, c.Count = ref("at").Col, rapid.IntRange(1, 2).Draw(t, "count")
	case c.Kind == structure.MoveCells:
		c.Range, c.To = cell.RangeOf(ref("from"), ref("to")), ref("at")
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			c.ToSheet = rapid.SampledFrom(names).Draw(t, "to")
		case 1:
			c, _ = structure.Shifted(c.Sheet, c.Range, rapid.Bool().Draw(t, "down or up"), rapid.Bool().Draw(t, "deletes"))
		}
	case c.Kind == structure.AddSheet:
		c.Sheet, c.Position = fmt.Sprint("New", len(names)), rapid.IntRange(0, len(names)).Draw(t, "position")
	case c.Kind == structure.RenameSheet:
		c.Name = fmt.Sprint("Name", rapid.IntRange(0, 3).Draw(t, "name"))
	case c.Kind == structure.MoveSheet:
		c.Position = rapid.IntRange(0, len(names)-1).Draw(t, "position")
	}
	return c
}

// TestDisturbanceIsAll: after structural changes and edits, one after the other or some at once, what is calculated for them gives every
// formula the value that a calculation of all gives.
func TestDisturbanceIsAll(t *testing.T) {
	formulas := []string{
		"A2*2", "$A$2+B$3", "SUM(A1:A5)", "SUM($A$1:A4)", "SUM(A:A)", "SUM(3:3)", "Sheet2!A1&B2", "SUM(Sheet1:Sheet3!A2:B3)", "Sheet3!$A$3", "New3!A1", "Name1!A2",
		"ROW()", "ROW(A5)", "COLUMN(C1)", "ROWS(A2:A6)", "SHEET()", "SHEETS()", "SHEET(Sheet2!A1)", "FORMULATEXT(F2)", "MATCH(3,A1:A8,0)", "MATCH(3,A:A,0)", "INDEX(A1:B8,2,2)",
		"SUM(A1:INDEX(A1:A8,4))", "SUM(OFFSET(A1,1,0,3,1))", "INDIRECT(\"Sheet2!A2\")", "SUMIF(A1:A4,2,B2)", "SUMIF(A1:A4,\">1\",B1:B4)", "AVERAGEIF(A1:B2,\">0\",B3)", "SUMIF(Some,\">1\",B2)",
		"A1:A8*2", "Sheet2!A1:A8+1", "+Some", "A2:B4,B3:C5", "SUM(A2:B4B3:C5)", "SUBTOTAL(9,A1:A6)", "SUBTOTAL(2,Sheet1!A1:A6)", "AGGREGATE(9,1,B1:B6)", "SEQUENCE(1,A1)", "A1:INDEX(A1:C1,A2)", "SUM(Some)", "Beside", "Local", "SUM(Sales[Net])", "ROWS(Sales)", "Sales[[#This_Row],[Net]]", "SUM(Sales[[#This_Row],[Net]:[Sum]])", "COLUMNS(Sales[#This_Row])", "SUM(Sales[[#This_Row],[Net]],Sales[Sum])", "SUM(Three)", "VLOOKUP(2,A1:C8,2,FALSE)", "COUNTBLANK(A1:C4)", "IF(A1>0,B2:B5,C1)", "SUM(F1:F9)", "SINGLE(A1:A8)", "SINGLE(Sheet2!A1:A8)",
		"D1#", "SUM(D1#)", "SORT(F1#)*2", "FILTER(A1:A5,A1:A5>1)", "SEQUENCE(A1,A2)", "IFERROR(H1#,0)", "SUM(IFERROR(A1:A4,0))", "UNIQUE(A1:B4)", "VSTACK(D1#,F1#)", "TAKE(A1:B4,A2)", "EXPAND(A1:A2,A3,A4,0)", "BYROW(A1:B3,LAMBDA(r,SUM(r)))", "Sheet2!D1#", "SUM(D1:H9)", "SCAN(0,A1:A4,LAMBDA(p,x,p+x))", "TOROW(A1:B3)",
	}
	for i, f := range formulas {
		formulas[i] = strings.ReplaceAll(strings.ReplaceAll(f, "This_Row", "This Row"), "B4B3", "B4 B3")
	}
	rapid.Check(t, func(rt *rapid.T) {
		m := newBook(t, "A1=1 A2=2 A3=3 A4=4 A5=2 B1=5 B2=6 B3=7 B4=2 C2=1 A8='Net B8='Mid C8='Sum A9=4 B9=8 C9=3 A10=2", "A1=10 A2=20 B2=7 A3=2", "A1=3 A2=2 A3=1 B3=4")
		m.book.Names = []grid.Name{{Name: "Some", Sheet: -1, RefersTo: "Sheet1!$A$2:$A$4"}, {Name: "Beside", Sheet: -1, RefersTo: "Sheet1!B2"},
			{Name: "Local", Sheet: 0, RefersTo: "Sheet1!$B$3"}, {Name: "Local", Sheet: -1, RefersTo: "Sheet2!$A$2"}, {Name: "Three", Sheet: -1, RefersTo: "Sheet1:Sheet2!$A$1:$A$3"}}
		r, _ := cell.ParseRange("A8:C10")
		m.tables = []grid.Table{{Name: "Sales", Range: r, HeaderRows: 1, HeaderShown: true, TotalsRows: rapid.IntRange(0, 1).Draw(rt, "totals"), Columns: []grid.TableColumn{{Name: "Net"}, {Name: "Mid"}, {Name: "Sum"}}}}
		if rapid.Bool().Draw(rt, "filter") {
			filter, _ := cell.ParseRange("A1:C5")
			m.sheets[0] = m.sheets[0].WithLayout(&grid.Layout{AutoFilter: &filter, Filtering: true, Filters: []grid.FilterColumn{{Column: rapid.IntRange(0, 2).Draw(rt, "criterion"), Values: []string{"1", "5"}}},
				Rows: []grid.RowSpan{{First: 2, Last: 3, Hidden: true}}})
		}
		var e Edit
		for i := range m.sheets {
			op := SetCells{Sheet: m.book.Sheets[i].Name}
			for k := range 12 {
				f := rapid.SampledFrom(formulas).Draw(rt, "formula")
				array := rapid.SampledFrom([]Arrayness{ArrayAsTyped, ArrayAsTyped, ArrayNever, ArrayAlways}).Draw(rt, "array")
				op.Cells = append(op.Cells, CellEdit{Ref: cell.Ref{Row: k % 9, Col: 3 + 2*(k/4)}, HasFormula: true, Formula: f, Array: array})
			}
			e.Ops = append(e.Ops, op)
		}
		at := Moment{Now: 45000, Seed: 3}
		s, _ := apply(t, storedSnapshot("wb", "rev", m), e)
		s, _, err := s.Calculate(t.Context(), nil, at)
		if err != nil {
			t.Fatal(err)
		}
		var log []string
		for range rapid.IntRange(1, 6).Draw(rt, "changes") {
			e := Edit{}
			if rapid.IntRange(0, 3).Draw(rt, "edit") == 0 {
				x := cell.Ref{Row: rapid.IntRange(0, 5).Draw(rt, "row"), Col: rapid.IntRange(0, 2).Draw(rt, "col")}
				e.Ops = append(e.Ops, SetCells{Sheet: rapid.SampledFrom(namesOf(s.Workbook())).Draw(rt, "sheet"), Cells: []CellEdit{{Ref: x, Value: cell.NumberValue(float64(rapid.IntRange(0, 5).Draw(rt, "value")))}}})
			}
			c := drawChange(rt, s)
			e.Ops = append(e.Ops, Restructure{c})
			next, _, err := s.Apply(t.Context(), e)
			if err != nil {
				continue // it is refused
			}
			log = append(log, fmt.Sprintf("%+v", e.Ops))
			s = next
			if rapid.IntRange(0, 2).Draw(rt, "wait") == 0 {
				continue
			}
			if s, _, err = s.Refresh(t.Context(), at, Limits{}); err != nil {
				t.Fatal(err)
			}
			whole, _, err := s.Calculate(t.Context(), nil, at)
			if err != nil {
				t.Fatal(err)
			}
			for i := range s.Workbook().Sheets {
				x, y := sheetAt(t, s, i), sheetAt(t, whole, i)
				for p, q := range grid.Diff(x, y, nil) {
					if p.Value != q.Value {
						rt.Fatalf("%s\n%s!%v: %v, want %v of =%s", strings.Join(log, "\n"), s.Workbook().Sheets[i].Name, q.Ref, p.Value, q.Value, FormulaText(y, q))
					}
				}
			}
		}
	})
}

// TestDisturbedTogether: what only more than one formula, or more than one change, brings about.
func TestDisturbedTogether(t *testing.T) {
	at := Moment{Now: 45000, Seed: 3}
	ref := func(text string) cell.Ref {
		r, _ := cell.ParseRef(text)
		return r
	}
	for name, c := range map[string]struct {
		formulas [][2]string // of Sheet1
		changes  []structure.Change
		sheet    string
		cell     string
		want     cell.Value
	}{
		"what a cut array filled": {[][2]string{{"D2", "SEQUENCE(1,A3)"}, {"H3", "SUM(F1:F9)"}},
			[]structure.Change{{Kind: structure.InsertColumns, Sheet: "Sheet1", At: 4, Count: 1}}, "Sheet1", "I3", cell.NumberValue(0)},
		"a name of a sheet that is gone": {[][2]string{{"D3", "Local"}},
			[]structure.Change{moveOf("A1:D3", "B1", "Sheet2"), {Kind: structure.DeleteSheet, Sheet: "Sheet1"}}, "Sheet2", "E3", cell.NumberValue(20)},
	} {
		m := newBook(t, "A1=1 A2=2 A3=3 B3=7", "A1=10 A2=20", "A1=3")
		m.book.Names = []grid.Name{{Name: "Local", Sheet: 0, RefersTo: "Sheet1!$B$3"}, {Name: "Local", Sheet: -1, RefersTo: "Sheet2!$A$2"}}
		op := SetCells{Sheet: "Sheet1"}
		for _, f := range c.formulas {
			op.Cells = append(op.Cells, CellEdit{Ref: ref(f[0]), HasFormula: true, Formula: f[1]})
		}
		s, _ := apply(t, storedSnapshot("wb", "rev", m), Edit{Ops: []Op{op}})
		s, _, err := s.Calculate(t.Context(), nil, at)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range c.changes {
			s, _ = apply(t, s, restructure(change))
		}
		if s, _, err = s.Refresh(t.Context(), at, Limits{}); err != nil {
			t.Fatal(err)
		}
		i, _ := s.SheetIndex(c.sheet)
		if got := sheetAt(t, s, i).Value(ref(c.cell)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func sheetAt(t *testing.T, s *Snapshot, i int) *grid.Sheet {
	t.Helper()
	sheet, err := s.Sheet(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	return sheet
}

// SUMIF and AVERAGEIF take of their third argument the first cell, and as many as the first argument has: they are calculated when any of
// these is edited.
func TestEditPastTheArgument(t *testing.T) {
	s := calculated(t, storedSnapshot("wb", "rev", newBook(t, "A1=1 A2=1 A3=1 C1=1 C2=2 C3=3 E1==SUMIF(A1:A3,1,C1) E2==AVERAGEIF($A$1:$A$3,1,$C$1:$C$2) E3==SUMIF(A1:INDEX(A1:A3,3),1,C1)")))
	s, _ = apply(t, s, set(t, "Sheet1", "C3=30"))
	sheet := sheetAt(t, refreshed(t, s), 0)
	for at, want := range map[string]float64{"E1": 33, "E2": 11, "E3": 33} {
		ref, _ := cell.ParseRef(at)
		if got := sheet.Value(ref); got != cell.NumberValue(want) {
			t.Errorf("%s is %v, want %v", at, got, want)
		}
	}
}

// TestManyNamesAreFollowed: names that go by the cell that uses them are noted, at a cost by their number and not by
// its square.
func TestManyNamesAreFollowed(t *testing.T) {
	insert := Edit{Ops: []Op{Restructure{structure.Change{Kind: structure.InsertRows, Sheet: "Sheet1", At: 5, Count: 1}}}}
	taken := func(n int) uint64 {
		m := newBook(t, "A1=1")
		for i := range n {
			m.book.Names = append(m.book.Names, grid.Name{Name: fmt.Sprint("name_", i), RefersTo: "Sheet1!B2", Sheet: -1})
		}
		s := NewSnapshot("wb", "rev", m)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		next, _, err := s.Apply(t.Context(), insert)
		runtime.ReadMemStats(&after)
		if err != nil || len(next.disturbed.Names) != n {
			t.Fatalf("%v, %+v", err, next.disturbed)
		}
		// The next change adds to its own list.
		again, _, err := next.Apply(t.Context(), insert)
		if err != nil || len(again.disturbed.Names) != 2*n || len(next.disturbed.Names) != n {
			t.Fatalf("%v: %d names, and %d", err, len(again.disturbed.Names), len(next.disturbed.Names))
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	if few, many := taken(1000), taken(8000); many > 16*few {
		t.Errorf("a thousand names took %d bytes, eight thousand %d", few, many)
	}
}
