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
