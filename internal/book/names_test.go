package book

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/grid"
)

// drawNames draws edits of few names of few scopes.
func drawNames(t *rapid.T, sheets ...string) EditNames {
	o := EditNames{}
	for range rapid.IntRange(1, 3).Draw(t, "names") {
		e := NameEdit{
			Name:  rapid.SampledFrom([]string{"Rate", "rate", "Area", "_b", "Zoë"}).Draw(t, "name"),
			Sheet: rapid.SampledFrom(append([]string{"", ""}, sheets...)).Draw(t, "scope"),
		}
		if e.Delete = rapid.IntRange(0, 3).Draw(t, "delete") == 0; !e.Delete {
			e.RefersTo = rapid.SampledFrom([]string{"Sheet1!$A$1", "Sheet1!$A$1:$A$3", "0.5", "Rate+1", "SEQUENCE(2)"}).Draw(t, "refers")
			e.Comment = rapid.SampledFrom([]string{"", "why"}).Draw(t, "comment")
			e.Hidden = rapid.IntRange(0, 4).Draw(t, "hidden") == 0
		}
		o.Names = append(o.Names, e)
	}
	return o
}

// namesModel is the names of a workbook as a plain map, by folded name and sheet.
type namesModel map[[2]string]string

func (m namesModel) apply(o EditNames) namesModel {
	m = maps.Clone(m)
	for _, e := range o.Names {
		key := [2]string{FoldName(e.Name), FoldName(e.Sheet)}
		if delete(m, key); !e.Delete {
			text := e.RefersTo
			if text == "SEQUENCE(2)" {
				text = "_xlfn.SEQUENCE(2)"
			}
			m[key] = fmt.Sprint(text, e.Comment, e.Hidden)
		}
	}
	return m
}

func namesIn(s *Snapshot) namesModel {
	m := namesModel{}
	wb := s.Workbook()
	for _, n := range wb.Names {
		sheet := ""
		if n.Sheet >= 0 {
			sheet = wb.Sheets[n.Sheet].Name
		}
		m[[2]string{FoldName(n.Name), FoldName(sheet)}] = fmt.Sprint(n.RefersTo, n.Comment, n.Hidden)
	}
	return m
}

func namesBook(t testing.TB) *Snapshot {
	m := newBook(t, "A1=1 A2=2 A3=3 B1==Rate*2 B2==SUM(Area)")
	other := grid.NewBuilder("Other")
	m.add("Other", other.Finish(nil))
	m.book.Names = []grid.Name{{Name: "Area", Sheet: -1, RefersTo: "Sheet1!$A$1:$A$2"}, {Name: "Rate", Sheet: 1, RefersTo: "7"}, {Name: "Rate", Sheet: -1, RefersTo: "3"}}
	return storedSnapshot("book", "rev", m)
}

// TestEditNames: whatever is done to names, they are what a plain map says, in the order of Excel where
// the file had them so; and the formulas that use them are what a calculation of all gives.
func TestEditNames(t *testing.T) {
	base := namesBook(t)
	start := calculated(t, base)
	rapid.Check(t, func(rt *rapid.T) {
		cur, m := start, namesIn(base)
		for range rapid.IntRange(1, 5).Draw(rt, "edits") {
			o := drawNames(rt, "Sheet1", "other")
			next, set, err := cur.Apply(t.Context(), Edit{Ops: []Op{o}})
			if err != nil {
				rt.Fatal(err)
			}
			was := m
			m = m.apply(o)
			if got := namesIn(next); !maps.Equal(got, m) {
				rt.Fatalf("%+v gives\n%v, want\n%v", o, got, m)
			}
			if !maps.Equal(was, m) && !set.Stale {
				rt.Fatalf("%+v makes nothing stale", o)
			}
			done, _, err := next.Refresh(t.Context(), Moment{}, Limits{})
			if err != nil {
				rt.Fatal(err)
			}
			whole, _, err := next.Calculate(t.Context(), nil, Moment{})
			if err != nil {
				rt.Fatal(err)
			}
			if same, err := SameValues(t.Context(), done, whole); err != nil || !same {
				rt.Fatalf("%+v: %v\n%s\nand not\n%s", o, err, showAll(t, done), showAll(t, whole))
			}
			cur = done
		}
		e, err := Between(t.Context(), base, cur)
		if err != nil {
			rt.Fatal(err)
		}
		again, _, err := base.Apply(t.Context(), e)
		if err != nil || !slices.Equal(again.Workbook().Names, cur.Workbook().Names) && !maps.Equal(namesIn(again), namesIn(cur)) {
			rt.Fatalf("%+v, %v: %v", e, err, again.Workbook().Names)
		}
		counts := map[ChangeKind]int{}
		for c, err := range Diff(t.Context(), base, cur, DiffOptions{}) {
			if err != nil {
				rt.Fatal(err)
			}
			counts[c.Kind]++
		}
		want := map[ChangeKind]int{}
		old := namesIn(base)
		visible := func(s string, ok bool) (string, bool) { return s, ok && !strings.HasSuffix(s, "true") }
		for key := range maps.Keys(maps.Collect(func(yield func([2]string, bool) bool) {
			for k := range old {
				yield(k, true)
			}
			for k := range m {
				yield(k, true)
			}
		})) {
			a, was := visible(old[key], old[key] != "")
			b, is := visible(m[key], m[key] != "")
			refers := func(s string) string { return strings.TrimSuffix(strings.TrimSuffix(s, "false"), "why") }
			switch {
			case is && !was:
				want[NameAdded]++
			case was && !is:
				want[NameDeleted]++
			case was && is && refers(a) != refers(b):
				want[NameModified]++
			}
		}
		for _, k := range []ChangeKind{NameAdded, NameDeleted, NameModified} {
			if counts[k] != want[k] {
				rt.Fatalf("%d are told as %v, want %d: %v to %v", counts[k], k, want[k], old, m)
			}
		}
	})
}

// TestMergeNames: what only theirs has changed comes, what both have to something else is a conflict.
func TestMergeNames(t *testing.T) {
	base := namesBook(t)
	rapid.Check(t, func(rt *rapid.T) {
		change := func(name string) *Snapshot {
			s, _, err := base.Apply(t.Context(), Edit{Ops: []Op{drawNames(rt, "Other")}})
			if err != nil {
				rt.Fatal(name, err)
			}
			return s
		}
		ours, theirs := change("ours"), change("theirs")
		m, err := Merge(t.Context(), base, ours, theirs)
		if err != nil {
			rt.Fatal(err)
		}
		b, o, th := namesIn(base), namesIn(ours), namesIn(theirs)
		choice := rapid.SampledFrom([]Choice{TakeOurs, TakeTheirs}).Draw(rt, "choice")
		want, conflicts := maps.Clone(o), 0
		for _, keys := range []namesModel{b, th} {
			for key := range keys {
				if th[key] == b[key] || o[key] == th[key] || want[key] == th[key] {
					continue
				}
				if o[key] != b[key] {
					if conflicts++; choice == TakeOurs {
						continue
					}
				}
				if delete(want, key); th[key] != "" {
					want[key] = th[key]
				}
			}
		}
		choices := map[Target]Resolution{}
		for _, c := range m.Conflicts {
			choices[c.Target] = Resolution{Choice: choice}
		}
		e, err := m.Resolve(choices)
		if err != nil {
			rt.Fatal(err)
		}
		got, _, err := ours.Apply(t.Context(), e)
		if err != nil || !maps.Equal(namesIn(got), want) {
			rt.Fatalf("%v gives %v, want %v", e, namesIn(got), want)
		}
	})
}

// TestRebaseNames: names follow the rows and sheets that they name into another revision.
func TestRebaseNames(t *testing.T) {
	base := namesBook(t)
	m := newBook(t, "A1='new A2=1 A3=2 A4=3 B2==Rate*2 B3==SUM(Area)")
	m.add("Other", grid.NewBuilder("Other").Finish(nil))
	m.book.Names = []grid.Name{{Name: "Area", Sheet: -1, RefersTo: "Sheet1!$A$2:$A$3"}, {Name: "Rate", Sheet: -1, RefersTo: "4"}, {Name: "Taken", Sheet: -1, RefersTo: "1"}}
	onto := storedSnapshot("book", "rev2", m)
	ours, _ := apply(t, base, Edit{Ops: []Op{EditNames{Names: []NameEdit{
		{Name: "Area", RefersTo: "Sheet1!$A$2:$A$3"}, // onto has it moved and not changed
		{Name: "Rate", RefersTo: "5"},                // onto has changed it
		{Name: "rate", Sheet: "Other", Delete: true}, // as onto
		{Name: "New", Sheet: "Sheet1", RefersTo: "Sheet1!$A$1"},
		{Name: "Taken", RefersTo: "1"}, // as onto
	}}}})
	r, err := Rebase(t.Context(), base, ours, onto)
	if err != nil {
		t.Fatal(err)
	}
	if r.Same != 2 || len(r.Conflicts) != 1 || r.Conflicts[0].Target != (Target{Name: "Rate"}) {
		t.Fatalf("%d the same, conflicts %+v", r.Same, r.Conflicts)
	}
	if c := r.Conflicts[0]; c.BaseText != "3" || c.OursText != "5" || c.TheirsText != "4" {
		t.Errorf("%+v", c)
	}
	for _, choice := range []struct {
		Resolution
		rate string
	}{{Resolution{Choice: TakeOurs}, "5"}, {Resolution{Choice: TakeTheirs}, "4"}, {Resolution{Choice: TakeManual, Text: "6"}, "6"}, {Resolution{Choice: TakeManual}, ""}} {
		e, err := r.Resolve(map[Target]Resolution{{Name: "Rate"}: choice.Resolution})
		if err != nil {
			t.Fatal(err)
		}
		got, _ := apply(t, onto, e)
		names := namesIn(got)
		for key, want := range map[[2]string]string{{"area", ""}: "Sheet1!$A$3:$A$4", {"new", "sheet1"}: "Sheet1!$A$2", {"taken", ""}: "1", {"rate", ""}: choice.rate} {
			if want != "" {
				want += "false"
			}
			if names[key] != want {
				t.Errorf("with %+v %v is %q, want %q", choice, key, names[key], want)
			}
		}
	}
	across, err := MergeAcross(t.Context(), base, onto, ours)
	if err != nil || len(across.Conflicts) != 1 || across.Conflicts[0].OursText != "4" || across.Conflicts[0].TheirsText != "5" {
		t.Errorf("%+v, %v", across, err)
	}
}

// TestCheckName holds what Excel takes for a name.
func TestCheckName(t *testing.T) {
	for _, good := range []string{"x", "_x", `\x`, "Tax_Rate.2026", "Ä", "売上", "XFE1", "A1048577", "R2D2", "a?", "_xlnm.Print_Area", strings.Repeat("x", MaxName), "rcx", "trueish", "SUM"} {
		if err := CheckName(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", " ", "a b", "1", "1a", "a-b", "A1", "xfd1048576", "R", "c", "RC", "r1c1", "R1", "C2", "true", "FALSE", "a!b", "a:b", "$A$1", ".x", "?", "x\x00", "\xff", strings.Repeat("x", MaxName+1), "a,b", "#REF!", "'a'"} {
		if err := CheckName(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestBadNames: what no workbook can have is refused, whatever wrote it.
func TestBadNames(t *testing.T) {
	base := namesBook(t)
	for _, c := range []struct {
		edit NameEdit
		code Code
	}{
		{NameEdit{RefersTo: "1"}, BadName}, {NameEdit{Name: "a b", RefersTo: "1"}, BadName}, {NameEdit{Name: "x"}, BadFormula}, {NameEdit{Name: "x", RefersTo: "=1"}, BadFormula},
		{NameEdit{Name: "x", Sheet: "Nowhere", RefersTo: "1"}, SheetNotFound}, {NameEdit{Name: "x", RefersTo: "1", Comment: strings.Repeat("x", MaxNameComment+1)}, TooLong},
		{NameEdit{Name: "x", RefersTo: strings.Repeat("1", MaxFormula+1)}, TooLong}, {NameEdit{Name: "x", RefersTo: "1", Comment: "\xff"}, BadName},
	} {
		var wrong *Error
		if _, _, err := base.Apply(t.Context(), Edit{Ops: []Op{EditNames{Names: []NameEdit{c.edit}}}}); !errors.As(err, &wrong) || wrong.Code != c.code || wrong.Op != 0 {
			t.Errorf("%+v: %v", c.edit, err)
		}
	}
	// A name that the file has stays one that can be changed and deleted.
	m := newBook(t, "A1=1")
	m.book.Names = []grid.Name{{Name: "a b", Sheet: -1, RefersTo: "1"}, {Name: "A B", Sheet: -1, RefersTo: "2"}}
	next, _ := apply(t, storedSnapshot("b", "r", m), Edit{Ops: []Op{EditNames{Names: []NameEdit{{Name: "A b", RefersTo: "3"}}}}})
	if got := next.Workbook().Names; got[0].RefersTo != "3" || got[0].Name != "a b" || got[1].RefersTo != "2" {
		t.Errorf("%+v", got)
	}
	if next, _ = apply(t, next, Edit{Ops: []Op{EditNames{Names: []NameEdit{{Name: "a b", Delete: true}}}}}); len(next.Workbook().Names) > 0 {
		t.Errorf("%+v", next.Workbook().Names)
	}
	if next.BytesOver(nil) <= 0 {
		t.Error("it has no size")
	}
}
