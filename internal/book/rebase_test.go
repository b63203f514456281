package book

import (
	"fmt"
	"strings"
	"testing"

	"gridflow/internal/cell"
)

// TestRebase holds what becomes of edits when the file below them is another one.
func TestRebase(t *testing.T) {
	const rows = "A1='name B1='price A2='ant B2=10 A3='bee B3=20 A4='cow B4=30 A5='dog B5=40 B6==SUM(B2:B5)"
	// A row for the cat, above the cow.
	const inserted = "A1='name B1='price A2='ant B2=10 A3='bee B3=20 A4='cat B4=25 A5='cow B5=30 A6='dog B6=40 B7==SUM(B2:B6)"
	const deleted = "A1='name B1='price A2='ant B2=10 A3='bee B3=20 A4='dog B4=40 B5==SUM(B2:B4)"
	for _, c := range []struct {
		name, base, ours, onto, want, conflicts string
		same                                    int
	}{
		{"nothing moved", rows, "B4=31", rows, strings.Replace(rows, "B4=30", "B4=31", 1), "", 0},
		{"a row came above", rows, "B4=31", inserted, strings.Replace(inserted, "B5=30", "B5=31", 1), "", 0},
		{"a formula follows", rows, "C5==B5*2", inserted, inserted + " C6==B6*2", "", 0},
		{"below everything", rows, "A9='sum", inserted, inserted + " A10='sum", "", 0},
		{"the row has gone", rows, "B4=31", deleted, deleted, "B4:30/31/", 0},
		{"both changed it", rows, "B3=21", strings.Replace(inserted, "B3=20", "B3=22", 1), strings.Replace(inserted, "B3=20", "B3=22", 1), "B3:20/21/22", 0},
		{"both the same", rows, "B3=22", strings.Replace(inserted, "B3=20", "B3=22", 1), strings.Replace(inserted, "B3=20", "B3=22", 1), "", 1},
		{"a formula that moved by itself is no change", rows, "B6==SUM(B2:B4)", inserted, strings.Replace(inserted, "B7==SUM(B2:B6)", "B7==SUM(B2:B5)", 1), "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := snapshot(t, c.base)
			ours, _ := apply(t, base, set(t, "Sheet1", c.ours))
			onto := snapshot(t, c.onto)
			m, err := Rebase(t.Context(), base, ours, onto)
			if err != nil {
				t.Fatal(err)
			}
			n, _ := apply(t, onto, m.Edit)
			want := show(t, snapshot(t, c.want), 0)
			if got := show(t, n, 0); got != want {
				t.Errorf("got  %q\nwant %q", got, want)
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
}

// TestRebaseFormats: of a format that both have changed each part is merged by itself, and a part that both
// have changed is a conflict, whether the contents are one or not.
func TestRebaseFormats(t *testing.T) {
	for _, c := range []struct {
		name, ours, onto string
		conflicts        int
		want             string // the number format of A1 with ours chosen
	}{
		{"ours alone", "A1!0.00", "A1=1", 0, "0.00"},
		{"theirs alone", "A1=2", "A1=1 A1!0%", 0, "0%"},
		{"both the same", "A1!0.00", "A1=1 A1!0.00", 0, "0.00"},
		{"both", "A1!0.00", "A1=1 A1!0%", 1, "0.00"},
		{"both, and a value", "A1=2 A1!0.00", "A1=1 A1!0%", 1, "0.00"},
		{"both, and the same value", "A1=2 A1!0.00", "A1=2 A1!0%", 1, "0.00"},
		{"ours, and both a value", "A1=2 A1!0.00", "A1=3", 1, "0.00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := snapshot(t, "A1=1")
			ours, _ := apply(t, base, set(t, "Sheet1", c.ours))
			onto, _ := apply(t, snapshot(t, "A1=1"), set(t, "Sheet1", c.onto))
			m, err := Rebase(t.Context(), base, ours, onto)
			if err != nil || len(m.Conflicts) != c.conflicts {
				t.Fatalf("%v: %+v", err, m)
			}
			for choice, want := range map[Choice]string{TakeOurs: c.want, TakeTheirs: format(onto.Workbook().Styles, styleAt(t, onto)).NumFmt} {
				if c.conflicts == 0 {
					want = c.want
				}
				choices := map[Target]Resolution{}
				for _, x := range m.Conflicts {
					choices[x.Target] = Resolution{Choice: choice}
				}
				e, err := m.Resolve(choices)
				if err != nil {
					t.Fatal(err)
				}
				n, _ := apply(t, onto, e)
				if got := format(n.Workbook().Styles, styleAt(t, n)).NumFmt; got != want {
					t.Errorf("with choice %d A1 has the format %q, not %q", choice, got, want)
				}
			}
		})
	}
}

// styleAt gives the style of A1.
func styleAt(t *testing.T, s *Snapshot) uint32 {
	t.Helper()
	sheet, err := s.Sheet(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := sheet.At(cell.Ref{})
	return c.Style
}

// TestRebaseResolved: what is chosen for a conflict holds, and what has no place any more can
// only be given up.
func TestRebaseResolved(t *testing.T) {
	base := snapshot(t, "A1='a B1=1 A2='b B2=2 A3='c B3=3")
	ours, _ := apply(t, base, set(t, "Sheet1", "B1=10 B2=20 B3=30"))
	onto := snapshot(t, "A1='a B1=11 A2='c B2=3") // row 2 has gone
	m, err := Rebase(t.Context(), base, ours, onto)
	if err != nil || len(m.Conflicts) != 2 {
		t.Fatalf("%v, %+v", err, m)
	}
	choose := func(first, second Choice) (string, error) {
		e, err := m.Resolve(map[Target]Resolution{m.Conflicts[0].Target: {Choice: first}, m.Conflicts[1].Target: {Choice: second}})
		if err != nil {
			return "", err
		}
		n, _ := apply(t, onto, e)
		return show(t, n, 0), nil
	}
	for choice, want := range map[Choice]string{TakeOurs: "A1='a B1=10 A2='c B2=30", TakeTheirs: "A1='a B1=11 A2='c B2=30"} {
		got, err := choose(choice, TakeTheirs)
		if want = show(t, snapshot(t, want), 0); err != nil || got != want {
			t.Errorf("%d: %q, %v, want %q", choice, got, err, want)
		}
	}
	if _, err := choose(TakeTheirs, TakeOurs); err == nil {
		t.Error("a cell that has gone can be kept")
	}
}
