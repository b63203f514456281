package forks

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// layout gives the layout of the first sheet.
func (r *rig) layout(id string) (l *grid.Layout) {
	r.Helper()
	if err := r.store.View(context.Background(), id, func(s *book.Snapshot) error {
		sheet, err := s.Sheet(context.Background(), 0)
		if err == nil {
			l = sheet.Layout
		}
		return err
	}); err != nil {
		r.Fatal(err)
	}
	return l
}

func merge(list ...string) book.Edit {
	m := book.Ranges{}
	for _, text := range list {
		one, _ := cell.ParseRange(text)
		m = append(m, one)
	}
	return book.Edit{Ops: []book.Op{book.Arrange{Sheet: "Data", Merges: &m}}}
}

// TestMerges: merged cells come back after a restart, go by undo, come together of two forks, and are in the saved file
// and in a fork of it.
func TestMerges(t *testing.T) {
	r := newRig(t, Options{})
	ours, theirs := r.create("a.xlsx"), r.create("a.xlsx")
	r.edit(ours.ID, merge("A4:B5"))
	r.edit(theirs.ID, merge("D2:D3", "B5:C5"))
	want := func(id string, list ...string) {
		t.Helper()
		got := []string{}
		for _, m := range r.layout(id).Merges {
			got = append(got, m.String())
		}
		if !slices.Equal(got, list) {
			t.Errorf("the merges are %v, not %v", got, list)
		}
	}
	r.restart()
	want(ours.ID, "A4:B5")
	if _, err := r.store.Undo(t.Context(), ours.ID, 1, Commit{}); err != nil {
		t.Fatal(err)
	}
	want(ours.ID)
	if _, err := r.store.Redo(t.Context(), ours.ID, 1, Commit{}); err != nil {
		t.Fatal(err)
	}
	m, err := r.store.Merge(t.Context(), ours.ID, theirs.ID, MergeOptions{})
	if err != nil || !m.Done {
		t.Fatal(fmt.Sprint(m), err)
	}
	want(ours.ID, "A4:B5", "D2:D3") // B5:C5 would meet
	if _, err := r.store.Save(t.Context(), ours.ID, SaveOptions{Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	want(ours.ID, "A4:B5", "D2:D3")
	want(r.create("a.xlsx").ID, "A4:B5", "D2:D3")
	// On the file that was saved, the other fork has the say.
	if m, err = r.store.Merge(t.Context(), theirs.ID, "a.xlsx", MergeOptions{}); err != nil || !m.Done {
		t.Fatal(fmt.Sprint(m), err)
	}
	want(theirs.ID, "D2:D3", "B5:C5")
}

// TestRulesLinksAndNotes: what stands around the cells comes together of two forks and of a newer file, each thing by itself, and is
// there after a restart and in the saved file.
func TestRulesLinksAndNotes(t *testing.T) {
	r := newRig(t, Options{})
	one := func(a1 string) []cell.Range {
		x, _ := cell.ParseRange(a1)
		return []cell.Range{x}
	}
	around := func(a1, text string) book.Edit {
		return book.Edit{Ops: []book.Op{book.Arrange{
			Sheet:       "Data",
			Validations: &[]grid.Validation{{Ranges: one(a1), Type: "list", Operator: "between", Formula1: `"` + text + `"`, ShowError: true}},
			Conditional: &[]grid.ConditionalFormat{{Ranges: one(a1), Type: "duplicateValues", Priority: 1, DxfID: -1, Look: map[string]string{"font.bold": "1"}}},
			Hyperlinks:  &[]grid.Hyperlink{{Range: one(a1)[0], Target: "https://example.org/" + text}},
			Comments:    &[]grid.Comment{{Ref: one(a1)[0].First, Author: "Ann", Text: text}},
		}}}
	}
	ours, theirs, third := r.create("a.xlsx"), r.create("a.xlsx"), r.create("a.xlsx")
	r.edit(ours.ID, around("A1", "ours"))
	r.edit(theirs.ID, around("B2", "theirs"))
	r.edit(third.ID, around("C3", "third"))
	if m, err := r.store.Merge(t.Context(), ours.ID, theirs.ID, MergeOptions{}); err != nil || !m.Done {
		t.Fatal(m, err)
	}
	r.restart()
	want := func(id string, n int) {
		t.Helper()
		if l := r.layout(id); len(l.Validations) != n || len(l.Conditional) != n || len(l.Hyperlinks) != n || len(l.Comments) != n {
			t.Errorf("there are %+v\n%+v\n%+v\n%+v, want %d of each", l.Validations, l.Conditional, l.Hyperlinks, l.Comments, n)
		}
	}
	want(ours.ID, 2)
	if _, err := r.store.Save(t.Context(), ours.ID, SaveOptions{Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	want(r.create("a.xlsx").ID, 2)
	// The third fork moves onto the file that was saved.
	if m, err := r.store.Merge(t.Context(), third.ID, "a.xlsx", MergeOptions{}); err != nil || !m.Done {
		t.Fatal(m, err)
	}
	want(third.ID, 3)
	if _, err := r.store.Save(t.Context(), third.ID, SaveOptions{Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	want(r.create("a.xlsx").ID, 3)
}
