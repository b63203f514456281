package book

import (
	"fmt"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

// showAll is show with the array formulas and the values of formulas.
func showAll(t *testing.T, s *Snapshot) string {
	t.Helper()
	var b strings.Builder
	for i, info := range s.Workbook().Sheets {
		sheet, err := s.Sheet(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		for c := range sheet.Cells(cell.WholeSheet) {
			fmt.Fprintf(&b, "%s!%v=%v{%s}%s ", info.Name, c.Ref, c.Value, FormulaText(sheet, c), numFmt(s.Workbook().Styles, c.Style))
		}
		for f := range sheet.Arrays(cell.WholeSheet) {
			fmt.Fprintf(&b, "array %v ", f.Range)
		}
	}
	return b.String()
}

// TestBetween: the edit from a base to a state makes that state, whatever led to it.
func TestBetween(t *testing.T) {
	m := newBook(t, "A1=1 B1=2 C1='x")
	// A formula that has a value, as after a calculation.
	b := grid.NewBuilder("Calc")
	b.AnyOrder()
	id, err := b.AddFormula([]byte("1+1"), -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Value(cell.Ref{}, 0, cell.NumberValue(2)); err != nil {
		t.Fatal(err)
	}
	b.SetFormula(cell.Ref{}, id)
	m.add("Calc", b.Finish(nil))
	m.add("Array", arraySheet(t))
	m.book.Styles.Xfs = append(m.book.Styles.Xfs, grid.Xf{NumFmt: "0.00", NamedStyle: -1})
	m.book.Styles.Formats = append(m.book.Styles.Formats, numfmt.Compile("0.00"))
	b = grid.NewBuilder("Styled")
	if err := b.Value(cell.Ref{}, 1, cell.NumberValue(2)); err != nil {
		t.Fatal(err)
	}
	m.add("Styled", b.Finish(nil))
	base := storedSnapshot("book", "rev", m)
	for _, c := range []struct{ name, edits string }{ // "Sheet1: A1=2; Calc: A1!0.00"
		{"values", "Sheet1: A1=2 B1= D4='new"},
		{"a format alone", "Sheet1: A1!0.00; Calc: A1!0.00"},
		{"a format there and back", "Sheet1: A1!0.00; Sheet1: A1!General"},
		{"a format of an empty cell", "Sheet1: D4!0.00"},
		{"a formula changed and changed back", "Calc: A1==1+2; Calc: A1==1+1"},
		{"the same with a format", "Calc: A1==1+2; Calc: A1==1+1; Calc: A1!0.00"},
		{"a formula in the place of a value", "Sheet1: A1==B1 C1==A1"},
		{"a value in the place of a formula", "Calc: A1=2"},
		{"a format taken away", "Styled: A1!General"},
		{"value and format taken away", "Styled: A1!General; Styled: A1="},
		{"a value taken away", "Styled: A1="},
		{"an array that spills", "Sheet1: F1==SEQUENCE(3)"},
		{"an array that spills, in a smaller one's place", "Sheet1: F1==SEQUENCE(3); Sheet1: F1==A1:B1*2 H1==SUM(F1#)"},
		{"a format of a part of an array", "Array: B3!0.00"},
		{"an array replaced by what it had", "Array: B2=7 B3=2 B4="},
		{"an array replaced, then edited", "Array: B2= B3= B4=; Array: B3==1+1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cur := base
			for _, step := range strings.Split(c.edits, "; ") {
				sheet, text, _ := strings.Cut(step, ": ")
				cur, _ = apply(t, cur, set(t, sheet, text))
			}
			e, err := Between(t.Context(), base, cur)
			if err != nil {
				t.Fatal(err)
			}
			again, _, err := base.Apply(t.Context(), e)
			if err != nil {
				t.Fatalf("%+v: %v", e, err)
			}
			if got, want := showAll(t, calculated(t, again)), showAll(t, calculated(t, cur)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			// What a calculation did is no part of it.
			whole, err := Between(t.Context(), base, calculated(t, cur))
			if err != nil || string(whole.AppendTo(nil)) != string(e.AppendTo(nil)) {
				t.Errorf("calculated, it is %+v, %v\nbefore   %+v", whole, err, e)
			}
		})
	}
}

// calculated gives s with every formula true.
func calculated(t *testing.T, s *Snapshot) *Snapshot {
	t.Helper()
	next, _, err := s.Calculate(t.Context(), nil, Moment{})
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// TestRebaseFormat: a format alone is in nobody's way, and is not lost where both have set
// the same value.
func TestRebaseFormat(t *testing.T) {
	base := snapshot(t, "A1=1 A2=2 A3=3")
	ours, _ := apply(t, base, set(t, "Sheet1", "A1!0.00 A2=20"))
	ours, _ = apply(t, ours, set(t, "Sheet1", "A2!0.00"))
	onto := snapshot(t, "A1=10 A2=20 A3=3")
	m, err := Rebase(t.Context(), base, ours, onto)
	if err != nil || len(m.Conflicts) != 0 || m.Same != 1 {
		t.Fatalf("%+v, %v", m, err)
	}
	n, _ := apply(t, onto, m.Edit)
	if got, want := showAll(t, n), "Sheet1!A1=10{}0.00 Sheet1!A2=20{}0.00 Sheet1!A3=3{}General "; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
