package patch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/ziptest"
)

// TestConcurrentSaves saves one open workbook in several ways at once, while it is read: each
// gives what it gives alone.
func TestConcurrentSaves(t *testing.T) {
	before := large(t, "W1", 0.13)
	f, err := openBytes(before)
	if err != nil {
		t.Fatal(err)
	}
	patchOf := func(i int) Patch {
		return Patch{Sheets: []SheetPatch{{Cells: []CellPatch{{Ref: cell.Ref{Row: 3000 * (i + 1), Col: i}, Value: cell.NumberValue(float64(i))}}}}}
	}
	const n = 4
	got := make([]bytes.Buffer, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if _, err := Save(context.Background(), f, patchOf(i), &got[i]); err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := f.Rows(context.Background(), 0, 5000, 5100); err != nil {
		t.Error(err)
	}
	wg.Wait()
	for i := range n {
		alone, _ := saved(t, before, patchOf(i))
		if !bytes.Equal(unsheeted(t, alone), unsheeted(t, got[i].Bytes())) {
			t.Errorf("save %d gives another file among others", i)
		}
	}
}

// TestCancelled: what a save was cancelled for comes out, not an error of the file.
func TestCancelled(t *testing.T) {
	f, err := openBytes(large(t, "W1", 0.13))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Sheet(context.Background(), 0, cell.MaxRows-1); err != nil {
		t.Fatal(err)
	}
	why := errors.New("nobody waits any more")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(why)
	for _, p := range []Patch{{}, {RecalcOnLoad: true}, {Sheets: []SheetPatch{{Cells: []CellPatch{number("A9", 1)}}}}} {
		if _, err := Save(ctx, f, p, io.Discard); err != why {
			t.Errorf("error %v", err)
		}
	}
}

// unsheeted gives the content of the sheet that was saved: how it is compressed depends on
// whether the index was there.
func unsheeted(t *testing.T, b []byte) []byte {
	return []byte(ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"])
}
