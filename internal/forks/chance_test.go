package forks

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/genbook"
	"gridflow/internal/ziptest"
)

// TestAnchorHasTheValues: a content that is made of an anchor has the values that it had in
// memory: those of chance and of the clock, and of formulas of which the file had another value, whether
// they were edited and set back or never touched.
func TestAnchorHasTheValues(t *testing.T) {
	r := newRig(t, Options{})
	r.put("odd.xlsx", oddBook(t))
	f := r.create("odd.xlsx")
	formula := func(a1, text string) {
		t.Helper()
		r.edit(f.ID, set("Data", a1, book.CellEdit{Formula: text, HasFormula: true}))
	}
	formula("A4", "RAND()")
	formula("B4", "RANDBETWEEN(1,1000000)+NOW()")
	formula("C1", "A1*3")
	formula("C1", "A1*2") // the file says 999 of the same formula
	for i := range anchorEvery + 3 {
		r.edit(f.ID, number("D5", float64(i)))
	}
	versions := map[string]contents{}
	for _, v := range []int{1, 4, anchorEvery, anchorEvery + 1, anchorEvery + 7} {
		id := fmt.Sprint(f.ID, "@", v)
		versions[id] = r.read(id)
	}
	if got := versions[fmt.Sprint(f.ID, "@", anchorEvery+7)]["Data!C1"].String(); got != "22=A1*2" {
		t.Errorf("C1 is %s", got)
	}
	for range 2 {
		r.restart()
		for id, want := range versions {
			if d := r.read(id).diff(want); d != "" {
				t.Errorf("%s after a restart:\n%s", id, d)
			}
		}
	}
	// And what is calculated next stands on the same values.
	before := r.read(f.ID)["Data!C1"]
	r.edit(f.ID, number("D5", -1))
	if after := r.read(f.ID)["Data!C1"]; after != before {
		t.Errorf("C1 became %v of %v", after, before)
	}
	if err := r.store.View(context.Background(), f.ID, func(s *book.Snapshot) error {
		if s.Stale() {
			t.Error("stale")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// oddBook is a workbook with values of formulas that are not what the formulas say.
func oddBook(t *testing.T) []byte {
	t.Helper()
	b := &genbook.Book{}
	var data genbook.Grid
	for row := 1; row <= 3; row++ {
		data.Set(fmt.Sprintf("A%d", row), 0, float64(10+row))
		data.Formula(fmt.Sprintf("C%d", row), 0, fmt.Sprintf("A%d*2", row), 999.0)
	}
	b.AddSheet(data.Fill(&genbook.Sheet{Name: "Data"}))
	var sums genbook.Grid
	sums.Formula("A1", 0, "SUM(Data!C1:C3)", 5.0)
	b.AddSheet(sums.Fill(&genbook.Sheet{Name: "Sums"}))
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// circling is a workbook that iterates: Data!A2 counts the calculations of what depends on A1.
func (r *rig) circling(t *testing.T) {
	t.Helper()
	r.put("circle.xlsx", ziptest.Rewrite(t, smallBook(t, 1), func(name string, text []byte) []byte {
		if name == "xl/workbook.xml" {
			text = bytes.Replace(text, []byte("</workbook>"), []byte(`<calcPr iterate="1" iterateCount="3" iterateDelta="0"/></workbook>`), 1)
		}
		return text
	}))
}

// TestAnchorOfACircle: a content that is made of an anchor goes on from where its iterations had
// come to, and so does the oldest version of a line that was shortened.
func TestAnchorOfACircle(t *testing.T) {
	for _, history := range []int{0, 20} {
		r := newRig(t, Options{History: history})
		r.circling(t)
		f := r.create("circle.xlsx")
		r.edit(f.ID, set("Data", "D2", book.CellEdit{HasFormula: true, Formula: "D2+A1"}))
		for n := range anchorEvery + 20 {
			r.edit(f.ID, number("A1", float64(n)))
		}
		i := r.info(f.ID)
		want := r.everything(f.ID, max(i.First, i.Version-30), i.Version)
		if a, b := want[i.Version]["Data!D2"].value.Number(), want[i.Version-1]["Data!D2"].value.Number(); a != b+3*float64(anchorEvery+19) {
			t.Fatalf("D2 is %v after %v: it is no circle", a, b)
		}
		if history > 0 && i.First == 0 {
			t.Errorf("the history is not shortened: %+v", i)
		}
		if err := r.store.look(t.Context(), f.ID, func(l *live) error {
			if d := l.line.rec(i.Version).depth; d > anchorEvery {
				t.Errorf("to make it again takes %d edits", d)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			r.restart()
			r.same(f.ID, want)
			if _, err := r.store.Replay(t.Context(), f.ID); err != nil {
				t.Error(err)
			}
		}
		child := r.create(f.ID)
		if d := r.read(child.ID).diff(want[i.Version]); d != "" {
			t.Errorf("a fork of it:\n%s", d)
		}
		r.edit(f.ID, number("A1", 1))
		if a, b := r.read(f.ID)["Data!D2"].value.Number(), want[i.Version]["Data!D2"].value.Number(); a != b+3 {
			t.Errorf("D2 is %v after %v", a, b)
		}
	}
}

// TestChanceOfFilesWithoutValues: of a file that has no values of its formulas, what depends on time
// and chance is the same in all versions of a fork after a restart, also in those that nothing
// was calculated for; two forks have their own.
func TestChanceOfFilesWithoutValues(t *testing.T) {
	b := &genbook.Book{}
	var data, more genbook.Grid
	data.Formula("A1", 0, "RAND()", nil)
	data.Formula("A2", 0, "NOW()+RANDBETWEEN(1,1000)", nil)
	data.Formula("A3", 0, "A1*2+B1", nil)
	data.Set("B1", 0, 5.0)
	more.Formula("A1", 0, "Data!A3+1", nil)
	b.AddSheet(data.Fill(&genbook.Sheet{Name: "Data"}))
	b.AddSheet(more.Fill(&genbook.Sheet{Name: "More"}))
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Options{})
	r.put("none.xlsx", out.Bytes())
	f, other := r.create("none.xlsx"), r.create("none.xlsx")
	ids := []string{f.ID + "@0", f.ID + "@1", f.ID + "@2", f.ID, other.ID}
	first := r.read(f.ID)
	r.edit(f.ID, number("B1", 6))
	r.edit(f.ID, number("D9", 1))
	if _, err := r.store.Undo(t.Context(), f.ID, 2, Commit{}); err != nil {
		t.Fatal(err)
	}
	want := map[string]contents{}
	for _, id := range ids {
		want[id] = r.read(id)
	}
	if d := want[f.ID].diff(first); d != "" {
		t.Errorf("undone to the beginning:\n%s", d)
	}
	if want[f.ID]["Data!A1"] == want[other.ID]["Data!A1"] {
		t.Error("two forks have the same random numbers")
	}
	for range 2 {
		r.restart()
		for _, id := range ids {
			if d := r.read(id).diff(want[id]); d != "" {
				t.Errorf("%s after a restart:\n%s", id, d)
			}
		}
	}
}
