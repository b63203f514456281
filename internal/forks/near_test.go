package forks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

// TestTooDifferent: where more cells differ from the file than may be taken up at once a fork is not
// saved, merged or copied: nothing is written, and the fork is as it was. As many as may are. It can be
// edited as often as before, and is the same after a restart.
func TestTooDifferent(t *testing.T) {
	r := newRig(t, Options{WholeCells: 3})
	defer r.close()
	r.put("a.xlsx", smallBook(t, 1))
	f, other := r.create("a.xlsx"), r.create("a.xlsx")
	number := func(at string, n float64) book.Edit {
		return set("Data", at, book.CellEdit{Value: cell.NumberValue(n)})
	}
	for _, at := range []string{"F10", "F11", "F12"} {
		r.edit(f.ID, number(at, 7))
	}
	r.edit(other.ID, number("F20", 7))
	whole := map[string]func(name string) error{
		"save": func(name string) error {
			_, err := r.store.Save(t.Context(), f.ID, SaveOptions{Path: name})
			return err
		},
		"copy": func(string) error {
			_, err := r.store.Create(t.Context(), f.ID, CreateOptions{})
			return err
		},
		"merge": func(string) error {
			_, err := r.store.Merge(t.Context(), other.ID, f.ID, MergeOptions{})
			return err
		},
	}
	for what, do := range whole {
		if err := do("three.xlsx"); err != nil {
			t.Errorf("%s of three cells: %v", what, err)
		}
	}
	r.edit(f.ID, number("F13", 7))
	for what, do := range whole {
		var e *Error
		if err := do("four.xlsx"); !errors.As(err, &e) || e.Code != CodeLimit {
			t.Errorf("%s of four cells: %v", what, err)
		}
	}
	if _, err := os.Stat(filepath.Join(r.dir, "four.xlsx")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the save that was refused: %v", err)
	}
	for i := range anchorEvery + 10 {
		r.edit(f.ID, number(fmt.Sprint("G", 1+i%20), float64(i)))
	}
	want := r.read(f.ID)
	r.restart()
	if got := r.read(f.ID); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("after a restart: %v, it was %v", got, want)
	}
}
