package forks

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridflow/internal/book"
)

// bookWith is a.xlsx as another program has saved it, with one cell set.
func (r *rig) bookWith(t *testing.T, a1 string, n float64) []byte {
	t.Helper()
	f := r.create("a.xlsx")
	r.edit(f.ID, number(a1, n))
	r.save(f.ID, "other.xlsx")
	if err := r.store.Discard(t.Context(), f.ID); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(r.dir, "other.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// After a merge with what another program has saved, a save, and an undo of the merge, the
// file has what that program did, and the fork has not: it is not put back without a question.
func TestUndoneMergeIsNotSavedInSilence(t *testing.T) {
	for _, saved := range []bool{false, true} {
		r := newRig(t, Options{})
		other := r.bookWith(t, "B3", 77)
		f := r.create("a.xlsx")
		r.edit(f.ID, number("D2", 1))
		r.put("a.xlsx", other)
		if m, err := r.store.Merge(t.Context(), f.ID, "a.xlsx", MergeOptions{}); err != nil || !m.Done {
			t.Fatal(m, err)
		}
		if saved {
			if _, err := r.store.Save(t.Context(), f.ID, SaveOptions{Overwrite: true}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.store.Undo(t.Context(), f.ID, 1, Commit{}); err != nil {
			t.Fatal(err)
		}
		r.restart()
		_, err := r.store.Save(t.Context(), f.ID, SaveOptions{Overwrite: true})
		var ours *Error
		if code(err) != CodeConflict || !errors.As(err, &ours) || !strings.Contains(ours.Message, "in Data from") || !strings.Contains(ours.Hint, "merge_fork") {
			t.Fatalf("saved %v: %v", saved, err)
		}
		if err := r.ws.View(t.Context(), "a.xlsx", func(s *book.Snapshot) error {
			c, err := contentsOf(s)
			if got := c["Data!B3"].String(); got != "77" {
				t.Errorf("B3 of the file is %s", got)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		// Merged again it can be saved, and so it can where the caller insists.
		if _, err := r.store.Redo(t.Context(), f.ID, 1, Commit{}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.store.Save(t.Context(), f.ID, SaveOptions{Overwrite: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.store.Undo(t.Context(), f.ID, 1, Commit{}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.store.Save(t.Context(), f.ID, SaveOptions{Overwrite: true, Force: true}); err != nil {
			t.Fatal(err)
		}
		// From here on the file is that of the old revision again.
		r.edit(f.ID, number("D3", 2))
		if _, err := r.store.Save(t.Context(), f.ID, SaveOptions{Overwrite: true}); err != nil {
			t.Fatal(err)
		}
	}
}

// What is said of a file that was changed names the places, and no more than can be read.
func TestChangedFileIsSummed(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	r.edit(f.ID, number("D2", 1))
	other := r.bookWith(t, "D5", 3)
	r.put("a.xlsx", other)
	_, err := r.store.Save(t.Context(), f.ID, SaveOptions{Overwrite: true})
	var ours *Error
	if !errors.As(err, &ours) || !strings.HasSuffix(ours.Message, "differences to what the fork stands on: 1 (1 in Data from D5 on)") {
		t.Errorf("%v", err)
	}
	r.put("a.xlsx", []byte("no workbook"))
	if _, err = r.store.Save(t.Context(), f.ID, SaveOptions{Overwrite: true}); !errors.As(err, &ours) || ours.Code != CodeConflict || strings.Contains(ours.Message, "differences") {
		t.Errorf("%v", err)
	}
	os.Remove(filepath.Join(r.dir, "a.xlsx"))
	if _, err = r.store.Save(t.Context(), f.ID, SaveOptions{Overwrite: true}); !errors.As(err, &ours) || ours.Code != CodeConflict || !strings.Contains(ours.Message, "no longer there") {
		t.Errorf("%v", err)
	}
}
