package book

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

func merge(tb testing.TB, base, ours, theirs *Snapshot) *Merged {
	tb.Helper()
	m, err := Merge(tb.Context(), base, ours, theirs)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// TestMerge holds what a merge makes of two forks, conflicts with base/ours/theirs.
func TestMerge(t *testing.T) {
	for _, c := range []struct {
		name, base, ours, theirs, want, conflicts string
		same                                      int
	}{
		{"each its own", "A1=1 A2=2", "A1=10", "A2=20 B9==A1", "A1=10 A2=20 B9==A1", "", 0},
		{"both the same", "A1=1 A2=2", "A1=10 A2=3", "A1=10", "A1=10 A2=3", "", 1},
		{"the same formula", "A1=1", "A1==B1", "A1==B1", "A1==B1", "", 1},
		{"both cleared", "A1=1 A2=2", "A1=", "A1=", "A2=2", "", 1},
		{"a conflict", "A1=1 A2=2", "A1=10", "A1=11 A2=5", "A1=10 A2=5", "A1:1/10/11", 0},
		{"a value and a format", "A1=1", "A1=10", "A1!0.00", "A1=10", "A1:1/10/1", 0},
		{"a format", "A1=1 A2=2", "A2=7", "A1!0.00 A3!0.00", "A1!0.00=1 A2=7 A3!0.00=", "", 0},
		{"two formats", "A1=1", "A1!0%", "A1!0.00", "A1!0%=1", "A1:1/1/1", 0},
		{"the same format", "A1=1 A2=2", "A1!0% A2=3", "A2!0.00 A2=4 A1!0%", "A1!0%=1 A2=3", "A2:2/3/4", 1},
		{"cleared and changed", "A1=1 A2=2", "A1=", "A1=5", "A2=2", "A1:1//5", 0},
		{"there and back", "A1=1", "A1=2 A1=1", "A1=7", "A1=7", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := snapshot(t, c.base)
			ours, _ := apply(t, base, set(t, "Sheet1", c.ours))
			theirs, _ := apply(t, base, set(t, "Sheet1", c.theirs))
			m := merge(t, base, ours, theirs)
			n, _ := apply(t, ours, m.Edit)
			if got := show(t, n, 0); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			var conflicts []string
			for _, x := range m.Conflicts {
				conflicts = append(conflicts, fmt.Sprintf("%v:%v/%v/%v", x.Ref, x.Base.Value, x.Ours.Value, x.Theirs.Value))
			}
			if got := strings.Join(conflicts, " "); got != c.conflicts || m.Same != c.same {
				t.Errorf("conflicts %q and %d the same, want %q and %d", got, m.Same, c.conflicts, c.same)
			}
		})
	}
	_, err := Merge(t.Context(), snapshot(t, "A1=1"), snapshot(t, "A1=1"), snapshot(t, "A1=1"))
	var e *Error
	if !errors.As(err, &e) || e.Code != Unrelated {
		t.Errorf("of unrelated workbooks: %v", err)
	}
}

// TestMergeArrays merges the end of an array formula, of which one cell kept its value, and
// leaves out what a calculation did.
func TestMergeArrays(t *testing.T) {
	m := newBook(t)
	m.add("Array", arraySheet(t))
	base := storedSnapshot("wb", "rev", m)
	theirs, _ := apply(t, base, set(t, "Array", "B2=7 B3=2 B4="))
	ours, _ := apply(t, base, set(t, "Array", "A1=9"))
	n, _ := apply(t, ours, merge(t, base, ours, theirs).Edit)
	if got, want := show(t, n, 0), "A1=9 B1=0 A2=1 B2=7 A3=2 B3=2 A4=3 A5=4 B5=4"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	sheet, _ := base.Sheet(t.Context(), 0)
	b2, _ := cell.ParseRange("B2:B3")
	sheet, err := sheet.With([]grid.Change{{Ref: b2.First, Kind: grid.SetValue, Value: cell.NumberValue(55)}, {Ref: b2.Last, Kind: grid.SetValue, Value: cell.NumberValue(56)}})
	if err != nil {
		t.Fatal(err)
	}
	calculated, err := base.Calculated(t.Context(), map[int]*grid.Sheet{0: sheet})
	if err != nil {
		t.Fatal(err)
	}
	if x := merge(t, base, ours, calculated); len(x.Edit.Ops) > 0 || len(x.Conflicts) > 0 {
		t.Errorf("computed values were merged: %+v", x)
	}
}

// TestResolve holds the edits that choices make.
func TestResolve(t *testing.T) {
	base := snapshot(t, "A1=1 A2=2 A3=3 A4=4")
	ours, _ := apply(t, base, set(t, "Sheet1", "A1=10 A2=20 A3=30"))
	theirs, _ := apply(t, base, set(t, "Sheet1", "A1=11 A2=21 A3= A4=41"))
	m := merge(t, base, ours, theirs)
	at := func(a1 string) Target { r, _ := cell.ParseRef(a1); return Target{Sheet: "Sheet1", Ref: r} }
	choices := map[Target]Resolution{at("A1"): {}, at("A2"): {Choice: TakeTheirs}, at("A3"): {Choice: TakeManual, Cell: CellEdit{Value: cell.TextValue("x")}}}
	e, err := m.Resolve(choices)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := apply(t, ours, e)
	if got, want := show(t, n, 0), "A1=10 A2=21 A3='x A4=41"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if again, _ := m.Resolve(choices); len(again.Ops) != 1 || len(m.Edit.Ops[0].(SetCells).Cells) != 1 {
		t.Error("resolving changed the merge")
	}
	for name, change := range map[string]func(){
		"one is missing": func() { delete(choices, at("A1")) },
		"one too many":   func() { choices[at("A1")] = Resolution{}; choices[at("B9")] = Resolution{} },
		"no such choice": func() { choices[at("A1")] = Resolution{Choice: 9} },
	} {
		choices = map[Target]Resolution{at("A1"): {}, at("A2"): {}, at("A3"): {}}
		change()
		var e *Error
		if _, err := m.Resolve(choices); !errors.As(err, &e) || e.Code != BadChoice || e.Sheet != "Sheet1" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestManyChoices: choices cost by their number, not by its square: of cells and of names. So does finding the one
// that fits no conflict.
func TestManyChoices(t *testing.T) {
	taken := func(n int) uint64 {
		m := &Merged{Edit: Edit{Ops: []Op{SetCells{Sheet: "Sheet1"}}}}
		choices := make(map[Target]Resolution)
		for i := range n {
			for _, at := range []Target{{Sheet: "Sheet1", Ref: cell.Ref{Row: i}}, {Name: fmt.Sprint("name_", i)}} {
				m.Conflicts = append(m.Conflicts, Conflict{Target: at, take: CellEdit{Ref: at.Ref, Value: cell.NumberValue(1)}})
				choices[at] = Resolution{Choice: TakeTheirs}
			}
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		e, err := m.Resolve(choices)
		runtime.ReadMemStats(&after)
		if err != nil || len(e.Ops) != 2 || len(e.Ops[0].(EditNames).Names) != n || len(e.Ops[1].(SetCells).Cells) != n || len(m.Edit.Ops[0].(SetCells).Cells) != 0 {
			t.Fatalf("%v, %d operations", err, len(e.Ops))
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	if few, many := taken(500), taken(4000); many > 16*few {
		t.Errorf("500 choices took %d bytes, 4000 %d", few, many)
	}
}

// TestMergeOfNothing takes a cell that is not there any more over one that is blank: it goes.
func TestMergeOfNothing(t *testing.T) {
	base := snapshot(t, "A1=1 B1=2")
	ours, _ := apply(t, base, set(t, "Sheet1", "B1!0% B1="))
	theirs, _ := apply(t, base, set(t, "Sheet1", "B1="))
	e, err := merge(t, base, ours, theirs).Resolve(map[Target]Resolution{{Sheet: "Sheet1", Ref: cell.Ref{Col: 1}}: {Choice: TakeTheirs}})
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := apply(t, ours, e); show(t, n, 0) != "A1=1" {
		t.Errorf("got %q", show(t, n, 0))
	}
}

// TestMergeLaws holds the laws of a three-way merge, of any edits.
func TestMergeLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		line := func(s *Snapshot) *Snapshot {
			for range rapid.IntRange(0, 3).Draw(rt, "edits") {
				s, _ = apply(t, s, drawSmall(rt))
			}
			return s
		}
		base := line(snapshot(t, "A1=1 B1==A1+1 A2='x C3=4"))
		ours, theirs := line(base), line(base)
		// A cell that is empty and looks as it would if it were not stored is no difference.
		look := func(s *Snapshot) string {
			sheet, err := s.Sheet(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			in := looks{styles: s.Workbook().Styles}
			var list []string
			for c := range sheet.Cells(cell.WholeSheet) {
				if is := in.of(c.Style); !c.Empty() || *is != *in.of(sheet.Layout.LineStyle(c.Ref)) {
					list = append(list, fmt.Sprintf("%v %v %q =%s %s", c.Ref, c.Value.Kind(), c.Value, FormulaText(sheet, c), is.Key()))
				}
			}
			return strings.Join(list, "\n")
		}
		merged := func(o, x *Snapshot) *Snapshot {
			n, _ := apply(t, o, merge(t, base, o, x).Edit)
			return n
		}
		for _, x := range []*Snapshot{ours, theirs} {
			if got := look(merged(x, base)); got != look(x) {
				rt.Fatalf("merge(b, x, b) is %q, x is %q", got, look(x))
			}
			if got := look(merged(base, x)); got != look(x) {
				rt.Fatalf("merge(b, b, x) is %q, x is %q", got, look(x))
			}
			m := merge(t, base, x, x)
			if got := look(merged(x, x)); got != look(x) || len(m.Conflicts) > 0 || len(m.Edit.Ops) > 0 {
				rt.Fatalf("merge(b, x, x) is %q with %v, x is %q", got, m.Conflicts, look(x))
			}
		}
		one, other := merge(t, base, ours, theirs), merge(t, base, theirs, ours)
		targets := func(m *Merged, swap bool) (list []string) {
			for _, c := range m.Conflicts {
				if swap {
					c.Ours, c.Theirs = c.Theirs, c.Ours
				}
				c.Ours.Style, c.Theirs.Style, c.Base.Style = 0, 0, 0
				list = append(list, fmt.Sprint(c.Target, c.Base, c.Ours, c.Theirs))
			}
			return list
		}
		if a, b := targets(one, false), targets(other, true); !slices.Equal(a, b) {
			rt.Fatalf("conflicts %v one way and %v the other", a, b)
		}
		// Without conflicts both ways lead to the same; with them, everything else does.
		a, b := merged(ours, theirs), merged(theirs, ours)
		conflict := map[cell.Ref]bool{}
		for _, c := range one.Conflicts {
			conflict[c.Ref] = true
		}
		for row := range 4 {
			for col := range 4 {
				r := cell.Ref{Row: row, Col: col}
				at := func(s *Snapshot) string {
					sheet, _ := s.Sheet(t.Context(), 0)
					in := state{sheet, looks{styles: s.Workbook().Styles}}
					x, look := in.at(r)
					return fmt.Sprintf("%v %q =%s %s", x.Value.Kind(), x.Value, x.Formula, look.Key())
				}
				was, mine, yours := at(base), at(ours), at(theirs)
				want := mine
				if mine == was {
					want = yours
				}
				if got := at(a); got != want {
					rt.Fatalf("%v: base %s, ours %s, theirs %s, merged %s", r, was, mine, yours, got)
				}
				if !conflict[r] && at(a) != at(b) {
					rt.Fatalf("%v is %s one way and %s the other", r, at(a), at(b))
				}
				if conflict[r] != (mine != was && yours != was && mine != yours) {
					rt.Fatalf("%v: base %s, ours %s, theirs %s, conflict: %v", r, was, mine, yours, conflict[r])
				}
			}
		}
		// Taking theirs everywhere gives their cells and ours beside them.
		choices := map[Target]Resolution{}
		for _, c := range one.Conflicts {
			choices[c.Target] = Resolution{Choice: TakeTheirs}
		}
		e, err := one.Resolve(choices)
		if err != nil {
			rt.Fatal(err)
		}
		n, _ := apply(t, ours, e)
		if got := look(n); got != look(b) {
			rt.Fatalf("with theirs everywhere %q, want %q", got, look(b))
		}
	})
}
