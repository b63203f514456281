package forks

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
)

// Live forks stay within their budget, whatever they keep: those that were let go, and
// versions that are no more at hand, are made again as they were.
func TestLiveBudget(t *testing.T) {
	const forks, edits = 60, 12
	const budget = 40 * 4096
	r := newRig(t, Options{LiveBytes: budget})
	var ids []string
	for f := range forks {
		id := r.create("a.xlsx").ID
		ids = append(ids, id)
		for n := range edits {
			r.edit(id, number("A1", float64(100*f+n)))
			if got := r.store.liveBytes.Load(); got > budget && r.store.registry.Live() > forksLeast {
				t.Fatalf("live forks take %d bytes of %d", got, budget)
			}
		}
	}
	if n := r.store.registry.Live(); n < forksLeast || n == forks {
		t.Errorf("%d of %d forks are in memory", n, forks)
	}
	for f, id := range ids {
		for n := edits - 1; n >= 0; n-- {
			if got, want := r.at(fmt.Sprintf("%s@%d", id, n+1), "A1"), fmt.Sprint(100*f+n); got != want {
				t.Fatalf("fork %d, version %d has %s, not %s", f, n+1, got, want)
			}
		}
	}
}

// However much a few forks take, they stay: else somebody who works with two large ones
// would wait for one of them at every turn.
func TestFewForksStay(t *testing.T) {
	r := newRig(t, Options{LiveBytes: 1})
	for range forksLeast {
		r.edit(r.create("a.xlsx").ID, number("A1", 1))
	}
	before := r.store.registry.Stats()
	for _, f := range r.store.List(context.Background()) {
		r.edit(f.ID, number("A1", 2))
	}
	if now := r.store.registry.Stats(); now.Live != forksLeast || now.Restores != before.Restores {
		t.Errorf("%d forks are in memory; %d were restored", now.Live, now.Restores-before.Restores)
	}
}

// What a fork keeps is weighed by what each version has of its own: a version that was made
// on one with a large change costs little while both are kept, and all of it once the other
// has gone.
func TestWeight(t *testing.T) {
	r := newRig(t, Options{LiveBytes: 64 << 20})
	f := r.create("a.xlsx")
	big := book.SetCells{Sheet: "Data"}
	for row := range 20_000 {
		big.Cells = append(big.Cells, book.CellEdit{Ref: cell.Ref{Row: row, Col: 5}, Value: cell.NumberValue(float64(row) + 0.5)})
	}
	r.edit(f.ID, book.Edit{Ops: []book.Op{big}})
	one := r.store.liveBytes.Load()
	if one < 20_000*8 {
		t.Fatalf("20 000 numbers are said to take %d bytes", one)
	}
	for n := range 5 {
		r.edit(f.ID, number("A1", float64(n)))
	}
	if more := r.store.liveBytes.Load() - one; more > 20_000 {
		t.Errorf("five edits of one cell are said to take %d bytes", more)
	}
	if err := r.store.look(t.Context(), f.ID, func(l *live) error {
		for len(l.kept) > 1 {
			l.forget(0)
		}
		if got := l.bytes(); got < one/2 {
			t.Errorf("the newest version alone is said to take %d bytes, and has 20 000 numbers", got)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// Forks are let go while others are written and read, by many at once.
func TestShedUnderLoad(t *testing.T) {
	const forks, writers, rounds = 40, 8, 30
	r := newRig(t, Options{LiveBytes: 1})
	var ids []string
	for range forks {
		ids = append(ids, r.create("a.xlsx").ID)
	}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range rounds {
				id := ids[(w*7+n*11)%forks]
				if _, err := r.store.Edit(t.Context(), id, number("A1", float64(n)), Commit{}); err != nil {
					t.Error(err)
					return
				}
				if err := r.store.View(t.Context(), id+"@0", func(s *book.Snapshot) error {
					_, err := contentsOf(s)
					return err
				}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	var commits uint64
	for _, f := range r.store.List(context.Background()) {
		commits += f.Version
	}
	if commits != writers*rounds {
		t.Errorf("%d commits are left of %d", commits, writers*rounds)
	}
}

// largeBook is a workbook of some megabytes in memory, with lookups in an unsorted column.
func largeBook(t failer, seed, rows int) []byte {
	t.Helper()
	b := &genbook.Book{}
	var g genbook.Grid
	for row := 1; row <= rows; row++ {
		g.Set(fmt.Sprintf("A%d", row), 0, float64(seed)+float64(row)*7919/13)
		if row <= 50 {
			g.Formula(fmt.Sprintf("B%d", row), 0, fmt.Sprintf("MATCH(A%d,$A$1:$A$%d,0)+0*$C$1", row, rows), float64(row))
		}
	}
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "Data"}))
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// What is kept for a calculated workbook is weighed with it: the compiled formulas, and the
// indexes of columns that formulas search.
func TestCalculatedWeight(t *testing.T) {
	r := newRig(t, Options{})
	r.put("large.xlsx", largeBook(t, 1, 20_000))
	f := r.create("large.xlsx")
	r.read(f.ID)
	before := r.ws.Stats().Bytes
	r.edit(f.ID, number("C1", 1))
	more := r.ws.Stats().Bytes - before
	var model, index int64
	if err := r.store.View(t.Context(), f.ID, func(snap *book.Snapshot) error {
		model, index = snap.ModelBytes(), snap.IndexBytes()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if index < 20_000*8 || model <= index {
		t.Fatalf("the index of 20 000 numbers is said to take %d bytes, all of the model %d", index, model)
	}
	if more < index*15/16 {
		t.Errorf("the workbook weighs %d bytes more, %d are kept for calculations", more, model)
	}
}

// The bases of forks in memory stay within their budget, but for one: a fork that is idle is let
// go, and made again when somebody wants it.
func TestBasesOfForks(t *testing.T) {
	const books, rows = 6, 20_000
	r := newRig(t, Options{})
	for n := range books {
		r.put(fmt.Sprintf("%d.xlsx", n), largeBook(t, n, rows))
	}
	id := r.create("0.xlsx").ID
	r.edit(id, number("C1", 1))
	one := r.store.baseBytes()
	r.close()
	r.cache, r.o.BaseBytes = one, 5*one/2
	r.open()
	ids := []string{id}
	for n := 1; n < books; n++ {
		ids = append(ids, r.create(fmt.Sprintf("%d.xlsx", n)).ID)
	}
	for turn := range 3 {
		for n, id := range ids {
			r.edit(id, number("C1", float64(10*turn+n)))
			if got := r.store.baseBytes(); got > 4*one {
				t.Fatalf("bases in memory take %d bytes, each %d", got, one)
			}
		}
	}
	for n, id := range ids {
		if got := r.at(id, "C1"); got != fmt.Sprint(20+n) {
			t.Errorf("fork %d has %s", n, got)
		}
	}
}
