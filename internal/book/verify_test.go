package book

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// withErrors puts error values into cells.
func withErrors(tb testing.TB, s *Snapshot, cells string) *Snapshot {
	var o SetCells
	o.Sheet = "Sheet1"
	for _, a1 := range strings.Fields(cells) {
		name, text, _ := strings.Cut(a1, "=")
		r, _ := cell.ParseRef(name)
		e, ok := cell.ParseError(text)
		if !ok {
			tb.Fatalf("%q is no error", text)
		}
		o.Cells = append(o.Cells, CellEdit{Ref: r, Value: cell.ErrorValue(e)})
	}
	n, _ := apply(tb, s, Edit{Ops: []Op{o}})
	return n
}

func deltas(list []CellDelta) (got []string) {
	for _, d := range list {
		got = append(got, fmt.Sprintf("%s!%v from %v: %v to %v", d.Sheet, d.Ref, d.OldRef, d.Before.Value, d.After.Value))
	}
	return got
}

// TestVerifyErrors follows errors through rows that moved.
func TestVerifyErrors(t *testing.T) {
	base := withErrors(t, snapshot(t, column("'a 1", "'b 2", "'c 3", "'d 4", "'e 5")), "C2=#N/A C3=#REF! C4=#DIV/0!")
	cur := withErrors(t, snapshot(t, column("'a 1", "'new 7", "'b 2", "'c 3", "'d 4", "'e 5")), "C2=#NUM! C3=#N/A C4=#NAME? C6=#REF!")
	v, err := Verify(t.Context(), base, cur, VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		got  []CellDelta
		n    int
		want []string
	}{
		{"new", v.New, v.NewCount, []string{"Sheet1!C2 from C2:  to #NUM!", "Sheet1!C6 from C5:  to #REF!"}},
		{"resolved", v.Resolved, v.ResolvedCount, []string{"Sheet1!C5 from C4: #DIV/0! to "}},
		{"preexisting", v.Preexisting, v.PreexistingCount, []string{"Sheet1!C3 from C2: #N/A to #N/A", "Sheet1!C4 from C3: #REF! to #NAME?"}},
	} {
		if got := deltas(c.got); !slices.Equal(got, c.want) || c.n != len(c.want) {
			t.Errorf("%s: %d %q, want %q", c.name, c.n, got, c.want)
		}
	}
	if v, err = Verify(t.Context(), base, cur, VerifyOptions{Limit: 1}); err != nil || len(v.New) != 1 || v.NewCount != 2 {
		t.Errorf("with a limit: %d of %d: %v", len(v.New), v.NewCount, err)
	}
	if v, err = Verify(t.Context(), base, cur, VerifyOptions{NoErrors: true}); err != nil || v.NewCount+v.ResolvedCount+v.PreexistingCount != 0 {
		t.Errorf("without errors: %+v, %v", v, err)
	}
}

// TestVerifySheets counts errors of sheets that came and went.
func TestVerifySheets(t *testing.T) {
	book := func(name, errorsIn string) *Snapshot {
		s := withErrors(t, snapshot(t, "A1=1 A9="+fmt.Sprint(len(errorsIn))), errorsIn)
		m := &memSource{book: &grid.Workbook{Styles: s.Workbook().Styles, Sheets: []grid.SheetInfo{{Name: name}}}, read: map[int]bool{}}
		sheet, _ := s.Sheet(t.Context(), 0)
		m.sheets = []*grid.Sheet{sheet}
		return storedSnapshot("x", "", m)
	}
	v, err := Verify(t.Context(), book("Old", "A1=#N/A A2=#N/A"), book("New", "B1=#REF!"), VerifyOptions{})
	if err != nil || v.NewCount != 1 || v.ResolvedCount != 2 || v.PreexistingCount != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	v, err = Verify(t.Context(), book("Old", "A1=#N/A A2=#N/A"), book("New", "B1=#REF!"), VerifyOptions{Sheet: "new"})
	if err != nil || v.NewCount != 1 || v.ResolvedCount != 0 {
		t.Errorf("of one sheet: %+v, %v", v, err)
	}
}

// TestVerifyTargets holds the class of each way in which a cell may change.
func TestVerifyTargets(t *testing.T) {
	base := withErrors(t, snapshot(t, column("'a 1 =B#*2 5", "'b 2 =B#*2 5", "'c 3 =B#*2 5", "'d 4 =B#*2 5", "'e 5", "'f 6")), "E4=#N/A")
	cur := withErrors(t, snapshot(t, column("'a 1 =B#*2 5", "'new 7 =B#*2 1", "'b 2 =B#*2 6", "'c 3 =B#*3 5.0000001", "'d 4 5 5", "'e 5", "'f 6")), "D1=#N/A E5=#REF!")
	for _, c := range []struct {
		cell string
		want Class
		from string
	}{
		{"A1", Unchanged, "A1"}, {"D1", NewError, "D1"}, {"D2", DirectEdit, "D2"}, {"C2", FormulaShift, "C2"}, {"D3", DirectEdit, "D2"},
		{"C3", Unchanged, "C2"}, {"C4", FormulaShift, "C3"}, {"D4", Unchanged, "D3"}, {"C5", FormulaShift, "C4"}, {"E5", DirectEdit, "E4"}, {"Z99", Unchanged, "Z98"},
	} {
		r, _ := cell.ParseRef(c.cell)
		v, err := Verify(t.Context(), base, cur, VerifyOptions{Targets: []Target{{Sheet: "sheet1", Ref: r}}, Tolerance: 1e-6, NoErrors: true})
		if err != nil {
			t.Fatal(err)
		}
		d := v.Targets[0]
		if d.Class != c.want || d.OldRef.String() != c.from || d.Changed != (c.want != Unchanged) || v.ByClass[c.want] != 1 {
			t.Errorf("%s is %v from %v, want %v from %s", c.cell, d.Class, d.OldRef, c.want, c.from)
		}
	}
	// A formula that has another value since the last calculation.
	sheet, _ := base.Sheet(t.Context(), 0)
	r, _ := cell.ParseRef("C1")
	sheet, err := sheet.With([]grid.Change{{Ref: r, Kind: grid.SetValue, Value: cell.NumberValue(9)}})
	if err != nil {
		t.Fatal(err)
	}
	calculated, err := base.Calculated(t.Context(), map[int]*grid.Sheet{0: sheet})
	if err != nil || calculated.Version != base.Version || calculated.Stale() {
		t.Fatalf("version %d, stale %v: %v", calculated.Version, calculated.Stale(), err)
	}
	v, err := Verify(t.Context(), base, calculated, VerifyOptions{Targets: []Target{{Sheet: "Sheet1", Ref: r}}})
	if err != nil || v.Targets[0].Class != Recalculated || v.Changed() != 1 {
		t.Errorf("a new value of a formula: %+v, %v", v, err)
	}
	for _, bad := range []Target{{Sheet: "None"}, {Sheet: "Sheet1", Ref: cell.Ref{Row: -1}}} {
		var e *Error
		if _, err := Verify(t.Context(), base, cur, VerifyOptions{Targets: []Target{{Sheet: "Sheet1"}, bad}}); !errors.As(err, &e) || e.Cell != 1 {
			t.Errorf("%v: %v", bad, err)
		}
	}
}
