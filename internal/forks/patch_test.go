package forks

import (
	"context"
	"errors"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/until"
)

// asking is a context that counts how often it is asked whether it has ended, and ends when it is asked for
// the last time that it has left.
type asking struct {
	context.Context
	times, left int // left 0: it does not end
}

func (a *asking) Err() error {
	if a.times++; a.left > 0 && a.times >= a.left {
		return context.Canceled
	}
	return nil
}

// TestPatchEndsWithItsCall: what a save would write of many cells is not gathered on when nobody waits for it,
// neither while they are counted nor while they are compared, which takes longer.
func TestPatchEndsWithItsCall(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	const rows = 10 * until.Every
	cells := make([]book.CellEdit, rows)
	for i := range cells {
		cells[i] = book.CellEdit{Ref: cell.Ref{Row: i, Col: 5}, Value: cell.NumberValue(float64(i))}
	}
	var sheet string
	see := func(id string, fn func(*book.Snapshot)) {
		t.Helper()
		if err := r.store.View(t.Context(), id, func(s *book.Snapshot) error { fn(s); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	see(f.ID, func(s *book.Snapshot) { sheet = s.Workbook().Sheets[0].Name })
	r.edit(f.ID, book.Edit{Ops: []book.Op{book.SetCells{Sheet: sheet, Cells: cells}}})
	see(f.ID+"@0", func(base *book.Snapshot) {
		see(f.ID, func(cur *book.Snapshot) {
			whole := &asking{Context: t.Context()}
			if _, n, err := patchOf(whole, base, cur, 0); err != nil || n != rows {
				t.Fatalf("%d cells, %v", n, err)
			}
			if whole.times < 2*rows/until.Every {
				t.Errorf("asked %d times whether it has ended, for %d cells twice", whole.times, rows)
			}
			for left := 1; left < whole.times; left += 3 {
				if _, _, err := patchOf(&asking{Context: t.Context(), left: left}, base, cur, 0); !errors.Is(err, context.Canceled) {
					t.Errorf("given up when it asked for the %dth time: %v", left, err)
				}
			}
		})
	})
}
