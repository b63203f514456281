package forks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

// A replay makes all versions again, whatever they were made by, and sees when what stands
// whole in the journal is not what the edits make.
func TestReplay(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	for n := range anchorEvery + 20 {
		r.edit(f.ID, number(fmt.Sprintf("A%d", n%4+1), float64(n)))
	}
	if _, err := r.store.Undo(t.Context(), f.ID, 5, Commit{}); err != nil {
		t.Fatal(err)
	}
	r.edit(f.ID, set("Sums", "A1", book.CellEdit{HasFormula: true, Formula: "1+1", NumFmt: "0.000"}))
	r.put("a.xlsx", smallBook(t, 3))
	ours := book.TakeOurs
	if m, err := r.store.Merge(t.Context(), f.ID, "a.xlsx", MergeOptions{All: &ours}); err != nil || !m.Rebased {
		t.Fatal(m, err)
	}
	child := r.create(f.ID)
	r.edit(child.ID, number("B2", 3))
	r.restart()
	got, err := r.store.Replay(t.Context(), f.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Edits != anchorEvery+22 || got.Anchors != 1 || len(got.Bases) != 2 || got.Version != anchorEvery+23 {
		t.Errorf("%d edits, %d whole, %d bases, version %d", got.Edits, got.Anchors, len(got.Bases), got.Version)
	}
	if got, err := r.store.Replay(t.Context(), child.ID); err != nil || got.Edits != 2 {
		t.Errorf("the fork of a fork: %+v, %v", got, err)
	}

	wrong := number("A1", 4711)
	if err := r.store.note(t.Context(), f.ID, func(context.Context, *live) (kind, event, *book.Edit, error) {
		return anchored, event{Of: 7}, &wrong, nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.store.Replay(t.Context(), f.ID); !errors.Is(err, errRecord) {
		t.Errorf("a whole content that no edit makes: %v", err)
	}
}

// WriteTo writes what Save writes, and knows where that was.
func TestWriteTo(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	r.edit(f.ID, set("Data", "A1", book.CellEdit{Value: cell.TextValue("saved"), NumFmt: "0.000"}))
	if _, err := r.store.Save(t.Context(), f.ID, SaveOptions{Path: "out.xlsx"}); err != nil {
		t.Fatal(err)
	}
	r.edit(f.ID, number("A1", 2))
	for v, savedTo := range []string{"", "out.xlsx", ""} {
		var b bytes.Buffer
		w, err := r.store.WriteTo(t.Context(), fmt.Sprintf("%s@%d", f.ID, v), &b)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b.Bytes())
		if w.SavedTo != savedTo || w.Version != uint64(v) || w.SHA256 != hex.EncodeToString(sum[:]) || w.Bytes != int64(b.Len()) {
			t.Errorf("version %d: %+v", v, w)
		}
	}
}
