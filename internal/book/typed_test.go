package book

import (
	"strings"
	"testing"

	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"

	"pgregory.net/rapid"
)

// TestTypedArrays: a formula becomes a dynamic array when it is typed where it may give more than one value, as in Excel; else it is an
// ordinary one.
func TestTypedArrays(t *testing.T) {
	s := NewSnapshot("wb", "rev", newBook(t, "A1=1 A2=3 B1=2 B2=4"))
	s, _ = apply(t, s, Edit{Ops: []Op{EditNames{Names: []NameEdit{
		{Name: "Two", RefersTo: "Sheet1!$A$1:$A$2"}, {Name: "One", RefersTo: "Sheet1!$A$1"}, {Name: "Off", RefersTo: "OFFSET(Sheet1!$A$1,0,0,2)"},
		{Name: "Twice", RefersTo: "_xlfn.LAMBDA(_xlpm.x,_xlpm.x*2)"}, {Name: "Me", RefersTo: "Me"},
	}}}})
	for _, c := range []struct{ formula, values string }{
		{"LET(x,A1:A2,x*2)", "2 ; 6"},
		{"LET(x,A1:A2,y,ABS(x),SUM(y))", "4"}, // with arrays, though it is one value
		{"INDEX(A1:B2,0,1)", "1 ; 3"},
		{"INDEX(A1:B2,2,)", "3 4"},
		{"INDEX(A1:A2,,1)*10", "10 ; 30"},
		{"IFERROR(INDEX(A1:B2,0,2),0)", "2 ; 4"},
		{"OFFSET(A1,0,0,2)+1", "2 ; 4"},
		{"OFFSET(A1:B1,1,0)", "3 4"},
		{`INDIRECT("A1:A2")`, "1 ; 3"},
		{"XLOOKUP(3,A1:A2,A1:B2)", "3 4"},
		{"ROW(A1:A2)", "1 ; 2"},
		{`TEXT(COLUMN(A1:B1),"0")`, "1 2"},
		{"LARGE(A1:A2,{1,2})", "3 1"},
		{"COUNTIF(A1:A2,UNIQUE(A1:A2))", "1 ; 1"},
		{"Twice(A1:A2)", "2 ; 6"},
		{"LAMBDA(x,x)(A1:A2)", "1 ; 3"},
		{"Two*Two", "1 ; 9"},
		{"Off", "1 ; 3"},
		{"EDATE({1,40},1)", "32 69"},
		{"SUM(SWITCH(A1:A2,1,10,3,20))", "30"},
		{"SUM(CHOOSE(A1:A2,5,6,7))", "12"},
		{"SUM(LARGE(B1:B2,A1:A2))", "#NUM!"},
		{"SUM(SMALL(A1:B2,B1:B2))", "6"},
		{"SUM(IFNA(Two,0))", "4"},
		{"SUM(IFERROR(1/0,A1:A2))", "4"},
		{`COUNT(IFERROR(INDIRECT("A1:A2"),0))`, "2"},
		{"SUM(IFERROR(A1:A2,0))", "4"},
		{"SUM(IFNA(1/0,A1:A2))", "#DIV/0!"},
		{"AVERAGE(IFERROR(1/0,A1:B2))", "2.5"},
		{"SUM(LARGE(A1:B2,A1:A2))", "6"},
		{"Nobody+1", "#NAME?"}, // it may come to be a range
		{"NOBODY(1)", "#NAME?"},
		{"Twice(A1)", "2"},
		{`INDIRECT("A1")`, "1"},
	} {
		if got, dynamic := typed(t, s, c.formula); got != c.values || !dynamic {
			t.Errorf("=%s is a dynamic array: %v; it gives %s, want %s", c.formula, dynamic, got, c.values)
		}
	}
	for formula, value := range map[string]string{
		"INDEX(A1:A2,2)": "3", "INDEX(A1:B2,A1,2)": "2", "INDEX(A1:B1,2)": "2", "OFFSET(A1,1,0)": "3", "OFFSET(A1,1,0,1,1)": "3",
		"XLOOKUP(3,A1:A2,B1:B2)": "4", "VLOOKUP(3,A1:B2,2)": "4", "LET(x,A1,x*2)": "2", "ROW(A2)": "2", "ROW()": "5", "SUM(A1:A2*1)": "", "One+1": "2",
		"LARGE(A1:A2,1)": "3", "N(A1:A2)": "1", "IF(A1>0,B1,B2)": "2", "SUM(Two)": "4", "SUM(ROW(A1:A2))": "3", "@A1": "1", "MAX(LET(x,A1:A2,x))": "3",
		"Me": "#CIRC!", "SUMPRODUCT(A1:A2*ROW(A1:A2))": "7",
	} {
		got, dynamic := typed(t, s, formula)
		if value == "" { // an array of which one value is made
			if !dynamic {
				t.Errorf("=%s is no dynamic array", formula)
			}
			continue
		}
		if formula != "Me" && got != value || dynamic {
			t.Errorf("=%s is a dynamic array: %v; it gives %s, want %s", formula, dynamic, got, value)
		}
	}
}

// TestArrayInTable: in a table no array spills, as in Excel; one of a single value has its place.
func TestArrayInTable(t *testing.T) {
	m := newBook(t, "D4='h D5=0 D6=0")
	m.tables = []grid.Table{{Name: "T", Range: cell.Range{First: cell.Ref{Row: 3, Col: 3}, Last: cell.Ref{Row: 6, Col: 3}}, HeaderRows: 1, Columns: []grid.TableColumn{{Name: "h"}}}}
	s := NewSnapshot("wb", "rev", m)
	for formula, want := range map[string]string{"SEQUENCE(1,2)": "#SPILL!", "SEQUENCE(2)": "#SPILL!", "SEQUENCE(1)": "1", "SUM(SEQUENCE(3))": "6"} {
		if got, _ := typed(t, s, formula); got != want {
			t.Errorf("=%s in a table gives %s, want %s", formula, got, want)
		}
	}
}

// typed types a formula into D5 and gives what stands there then, and whether it is a dynamic array.
func typed(t *testing.T, s *Snapshot, formula string) (values string, dynamic bool) {
	t.Helper()
	return entered(t, s, CellEdit{Formula: formula, HasFormula: true})
}

// entered gives what an edit of D5 shows, and whether it is a dynamic array then.
func entered(t *testing.T, s *Snapshot, edit CellEdit) (values string, dynamic bool) {
	t.Helper()
	at := cell.Ref{Row: 4, Col: 3}
	edit.Ref = at
	s, _ = apply(t, s, Edit{Ops: []Op{SetCells{Sheet: "Sheet1", Cells: []CellEdit{edit}}}})
	s, _, err := s.Calculate(t.Context(), nil, Moment{})
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := s.Sheet(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := sheet.At(at)
	f := sheet.Formula(c)
	fills := cell.Range{First: at, Last: at}
	if dynamic = f.Kind == grid.DynamicArray; dynamic {
		fills = f.Range
	}
	var rows []string
	for row := fills.First.Row; row <= fills.Last.Row; row++ {
		var cells []string
		for col := fills.First.Col; col <= fills.Last.Col; col++ {
			cells = append(cells, sheet.Value(cell.Ref{Row: row, Col: col}).String())
		}
		rows = append(rows, strings.Join(cells, " "))
	}
	return strings.Join(rows, " ; "), dynamic
}

// formulas draws formulas of all functions over cells, ranges, arrays and one another.
type formulas struct {
	*rapid.T
	functions []*fn.Function
}

func (d formulas) one(of ...string) string { return rapid.SampledFrom(of).Draw(d.T, "of") }

func (d formulas) argument(depth int) string {
	if depth > 0 && rapid.IntRange(0, 2).Draw(d.T, "call") == 0 {
		return d.call(depth)
	}
	switch rapid.IntRange(0, 5).Draw(d.T, "argument") {
	case 0, 1:
		return d.one("A1:A3", "A1:C1", "A1:C3", "B1:B3", "A1:A2", "E20#", "Two")
	case 2:
		return d.one("A1", "A3", "B2", "C1")
	case 3:
		return d.one(`"x"`, `"a"`, `"1"`, `">0"`, `"i"`, `"A1:A2"`, `""`)
	case 4:
		return d.one("{1,2}", "{1;2}", "A1:A3*1", "-A1:C1", "(A1:A2)", "TRUE")
	}
	return d.one("0", "1", "2", "3", "12", "40000", "0.5", "-1")
}

func (d formulas) call(depth int) string {
	f := rapid.SampledFrom(d.functions).Draw(d.T, "function")
	if f.Name == "LET" {
		return "LET(x," + d.argument(depth-1) + "," + d.one("x", "x+1", "SUM(x)", "IFERROR(x,0)", "INDEX(x,1)", "SUM(ABS(x))") + ")"
	}
	takes := f.Takes()
	args := make([]string, rapid.IntRange(takes.Min, min(takes.Max, takes.Min+2)).Draw(d.T, "arguments"))
	for i := range args {
		args[i] = d.argument(depth - 1)
	}
	return f.Name + "(" + strings.Join(args, ",") + ")"
}

// TestTypedAsArrays: whatever is typed gives what it gives as a dynamic array, also where it is none, because it
// is one value with arrays and without.
func TestTypedAsArrays(t *testing.T) {
	s := NewSnapshot("wb", "rev", newBook(t, "A1=1 A2=3 A3='x B1=2 B2=4 B3=5 C1=0 C2='a"))
	s, _ = apply(t, s, Edit{Ops: []Op{
		EditNames{Names: []NameEdit{{Name: "Two", RefersTo: "Sheet1!$A$1:$A$2"}}},
		SetCells{Sheet: "Sheet1", Cells: []CellEdit{{Ref: cell.Ref{Row: 19, Col: 4}, Formula: "SEQUENCE(2)", HasFormula: true}}},
	}})
	s, _, err := s.Calculate(t.Context(), nil, Moment{})
	if err != nil {
		t.Fatal(err)
	}
	var functions []*fn.Function
	for _, f := range fn.All() {
		if f.Category == fn.Database { // whose field may be a range, of which one cell counts
			continue
		}
		switch f.Name {
		case "RAND", "RANDBETWEEN", "RANDARRAY": // of each run their own
		case "LAMBDA", "MAP", "REDUCE", "SCAN", "BYROW", "BYCOL", "MAKEARRAY", "GROUPBY", "PIVOTBY", "ISOMITTED": // which take functions
		default:
			functions = append(functions, f)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		d := formulas{r, functions}
		for range 20 {
			text := d.call(2)
			if around := d.one("", "SUM", "MAX", "COUNTA", "ROWS", "ISERROR", "SUMPRODUCT", "CONCAT"); around != "" {
				text = around + "(" + text + ")"
			}
			if _, err := formula.ParseTyped(text); err != nil {
				continue
			}
			got, _ := typed(t, s, text)
			if want, _ := entered(t, s, CellEdit{Formula: text, HasFormula: true, Array: ArrayAlways}); got != want {
				r.Errorf("=%s typed gives %.200s, and as a dynamic array %.200s", text, got, want)
			}
		}
	})
}
