package book

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// given gives all formulas of s the number n and more by their place.
func given(t *testing.T, s *Snapshot, n float64) *Snapshot {
	t.Helper()
	e, err := s.Values(t.Context(), func(i int, c grid.Cell) cell.Value {
		return cell.NumberValue(n + float64(100*i+10*c.Ref.Row+c.Ref.Col))
	})
	if err != nil {
		t.Fatal(err)
	}
	next, _, err := s.Apply(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// TestGivenValues: formulas keep their texts and have the values that they were given; what is
// edited after is calculated, and a calculation of everything ends the values.
func TestGivenValues(t *testing.T) {
	m := newBook(t, "A1=2 B1==A1*2 C1==7+1", "A1==Sheet1!B1 B2==SEQUENCE(2)")
	s := NewSnapshot("wb", "rev", m)
	next := given(t, s, 1000)
	if next.Stale() || !next.Given() || next.Whole() || next.Version != 1 || s.Given() {
		t.Errorf("stale %v, given %v, whole %v", next.Stale(), next.Given(), next.Whole())
	}
	value := func(s *Snapshot, i int, a1 string) string {
		sheet, err := s.Sheet(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		ref, _ := cell.ParseRef(a1)
		x, _ := sheet.At(ref)
		return fmt.Sprint(x.Value, " ", FormulaText(sheet, x))
	}
	check := func(s *Snapshot, want ...string) {
		t.Helper()
		got := []string{value(s, 0, "B1"), value(s, 0, "C1"), value(s, 1, "A1"), value(s, 1, "B2")}
		if strings.Join(got, "; ") != strings.Join(want, "; ") {
			t.Errorf("%q, want %q", got, want)
		}
	}
	check(next, "1001 A1*2", "1002 7+1", "1100 Sheet1!B1", "1111 SEQUENCE(2)")
	edited, _ := apply(t, next, set(t, "Sheet1", "A1=5"))
	edited, _, err := edited.Refresh(t.Context(), Moment{}, Limits{})
	if err != nil || !edited.Given() {
		t.Fatal(err)
	}
	check(edited, "10 A1*2", "1002 7+1", "10 Sheet1!B1", "1111 SEQUENCE(2)")
	all, _, err := edited.Recalculate(t.Context(), Moment{}, true, Limits{})
	if err != nil || all.Given() || !all.Whole() {
		t.Fatal(err)
	}
	check(all, "10 A1*2", "8 7+1", "10 Sheet1!B1", "1 SEQUENCE(2)")
}

// TestGivenRefused says which values no formula can be given.
func TestGivenRefused(t *testing.T) {
	s := NewSnapshot("wb", "rev", newBook(t, "A1=2 B1==A1*2"))
	a, far := cell.Ref{Col: 1}, cell.Ref{Row: cell.MaxRows}
	for name, op := range map[string]GiveValues{
		"another sheet":     {Sheet: "None"},
		"outside":           {Sheet: "Sheet1", Cells: []GivenValue{{Ref: far, Value: cell.NumberValue(1)}}},
		"a long text":       {Sheet: "Sheet1", Cells: []GivenValue{{Ref: a, Value: cell.TextValue(strings.Repeat("x", MaxText+1))}}},
		"fills elsewhere":   {Sheet: "Sheet1", Cells: []GivenValue{{Ref: a, Fills: cell.Range{Last: cell.Ref{Row: 3}}}}},
		"fills nothing":     {Sheet: "Sheet1", Cells: []GivenValue{{Ref: cell.Ref{Row: 5}, Fills: cell.Range{First: cell.Ref{Row: 5}, Last: cell.Ref{Row: 4}}}}},
		"no array is there": {Sheet: "Sheet1", Cells: []GivenValue{{Ref: a, Fills: cell.Range{First: a, Last: a}}}},
	} {
		_, _, err := s.Apply(t.Context(), Edit{Ops: []Op{op}})
		var ours *Error
		if !errors.As(err, &ours) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOpinions: two programs' values are compared with each other and with what is stored, but
// for those that chance has made.
func TestOpinions(t *testing.T) {
	s := NewSnapshot("wb", "rev", newBook(t, "A1=2 B1==A1*2 C1==7+1 D1==RAND() E1==E1", "A1=1"))
	theirs, err := s.Values(t.Context(), func(_ int, c grid.Cell) cell.Value {
		switch c.Ref.Col {
		case 1:
			return cell.NumberValue(4 + 1e-12)
		case 4:
			return cell.ErrorValue(cell.ErrValue)
		}
		return cell.NumberValue(9)
	})
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := s.Apply(t.Context(), theirs)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	note := func(d Difference) {
		got = append(got, fmt.Sprintf("%v: %v %v =%s", d.Ref, d.Stored, d.Calculated, d.Formula))
	}
	c, err := s.Opinion(t.Context(), Moment{Now: 1, Seed: 2}, other, 1e-9, note)
	if err != nil || c.Formulas != 4 || c.Different != 1 || c.Volatile != 1 || fmt.Sprint(got) != "[C1: 8 9 =7+1]" {
		t.Errorf("%+v, %q: %v", c, got, err)
	}
	got = nil
	if c, err = s.Opinion(t.Context(), Moment{}, other, 0, note); err != nil || c.Different != 2 {
		t.Errorf("without a tolerance: %+v, %q: %v", c, got, err)
	}
	// The file has no values at all.
	got = nil
	if c, err = s.CheckGiven(t.Context(), other, 1e-9, note); err != nil || c.Different != 0 || c.Missing != 4 {
		t.Errorf("with what is stored: %+v, %q: %v", c, got, err)
	}
	done, _, err := s.Calculate(t.Context(), nil, Moment{})
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	if c, err = done.CheckGiven(t.Context(), other, 1e-9, note); err != nil || c.Different != 1 || c.Volatile != 1 || fmt.Sprint(got) != "[C1: 8 9 =7+1]" {
		t.Errorf("with what was calculated: %+v, %q: %v", c, got, err)
	}
}
