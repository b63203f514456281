package forks

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

// TestSaveIsBounded: where more cells differ from the file than may be saved at once the save is
// refused, nothing is written, and the fork is as it was; as many as may are saved.
func TestSaveIsBounded(t *testing.T) {
	r := newRig(t, Options{SaveCells: 3})
	defer r.close()
	r.put("a.xlsx", smallBook(t, 1))
	f := r.create("a.xlsx")
	number := func(at string) book.Edit { return set("Data", at, book.CellEdit{Value: cell.NumberValue(7)}) }
	for _, at := range []string{"F10", "F11", "F12"} {
		r.edit(f.ID, number(at))
	}
	if _, err := r.store.Save(t.Context(), f.ID, SaveOptions{Path: "three.xlsx"}); err != nil {
		t.Errorf("three cells: %v", err)
	}
	r.edit(f.ID, number("F13"))
	var e *Error
	if _, err := r.store.Save(t.Context(), f.ID, SaveOptions{Path: "four.xlsx"}); !errors.As(err, &e) || e.Code != CodeLimit {
		t.Errorf("four cells: %v", err)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "four.xlsx")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("four cells: %v", err)
	}
	r.edit(f.ID, set("Data", "F13", book.CellEdit{Clear: true}))
}
