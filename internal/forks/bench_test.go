package forks

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"testing"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/vfs"
)

// unsynced is a file system that says it has synced: what is measured on it is all but that.
type unsynced struct{ vfs.FS }

func (u unsynced) Create(name string, mode fs.FileMode) (vfs.File, error) {
	f, err := u.FS.Create(name, mode)
	return unsyncedFile{f}, err
}

func (u unsynced) SyncDir(string) error { return nil }

type unsyncedFile struct{ vfs.File }

func (unsyncedFile) Sync() error { return nil }

// benchRig has W1, a sheet of cells cells, as a.xlsx.
func benchRig(b *testing.B, cells int, synced bool, o Options) *rig {
	b.Helper()
	dir, err := vfs.OpenOS(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { dir.Close() })
	r := newRig(b, o)
	r.close()
	if r.fs = dir; !synced {
		r.fs = unsynced{dir}
	}
	var out bytes.Buffer
	if err := genbook.Workloads[0].Write(&out, float64(cells)/1e6); err != nil {
		b.Fatal(err)
	}
	r.put("a.xlsx", out.Bytes())
	r.open()
	if err := r.ws.View(b.Context(), "a.xlsx", func(s *book.Snapshot) error {
		_, err := s.Sheet(b.Context(), 0)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return r
}

// one is the edit of one cell of W1, whose sheet has this name.
func one(sheet string, row, n int) book.Edit {
	return book.Edit{Ops: []book.Op{book.SetCells{Sheet: sheet, Cells: []book.CellEdit{{Ref: cell.Ref{Row: row, Col: 3}, Value: cell.NumberValue(float64(n))}}}}}
}

// sheet gives the name of the first sheet of a fork.
func (r *rig) sheet(id string) (name string) {
	r.Helper()
	if err := r.store.View(context.Background(), id, func(s *book.Snapshot) error {
		name = s.Workbook().Sheets[0].Name
		return nil
	}); err != nil {
		r.Fatal(err)
	}
	return name
}

// BenchmarkConstant is what must not grow with the workbook: to make a fork, a checkpoint,
// and to go back to one, but for the sync of the journal. A thousandth and all of a million
// cells should cost the same.
func BenchmarkConstant(b *testing.B) {
	for _, cells := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprintf("cells=%d", cells), func(b *testing.B) {
			r := benchRig(b, cells, false, Options{Max: 1 << 30})
			ctx := context.Background()
			first := r.create("a.xlsx")
			sheet := r.sheet(first.ID)
			r.edit(first.ID, one(sheet, 1, 1))
			b.Run("create", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					r.create("a.xlsx")
				}
			})
			b.Run("create-of-fork", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					r.create(first.ID)
				}
			})
			b.Run("checkpoint", func(b *testing.B) {
				b.ReportAllocs()
				var made []string
				for b.Loop() {
					if len(made) == checkpointsMax { // as many as there may be
						b.StopTimer()
						for _, id := range made {
							if err := r.store.DeleteCheckpoint(ctx, first.ID, id); err != nil {
								b.Fatal(err)
							}
						}
						made = made[:0]
						b.StartTimer()
					}
					cp, err := r.store.Checkpoint(ctx, first.ID, "here")
					if err != nil {
						b.Fatal(err)
					}
					made = append(made, cp.ID)
				}
			})
			b.Run("restore", func(b *testing.B) {
				b.ReportAllocs()
				v := uint64(0)
				for b.Loop() {
					v = 1 - v
					if _, err := r.store.Restore(ctx, first.ID, "", &v, Commit{}); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("edit", func(b *testing.B) {
				b.ReportAllocs()
				n := 0
				for b.Loop() {
					n++
					r.edit(first.ID, one(sheet, 1, n))
				}
			})
		})
	}
}

// BenchmarkMemoryOfForks is what 1 000 forks of a million cells, each with ten edits of its
// own, keep in memory beside the workbook: all of them in use by turns, and none. The budget
// is what a store has by itself.
func BenchmarkMemoryOfForks(b *testing.B) {
	const forks, edits = 1_000, 10
	r := benchRig(b, 1_000_000, false, Options{Max: forks, LiveMax: forks})
	for b.Loop() {
		probe := r.create("a.xlsx")
		sheet := r.sheet(probe.ID)
		if err := r.store.Discard(b.Context(), probe.ID); err != nil {
			b.Fatal(err)
		}
		before := heap()
		base := float64(r.ws.Stats().Bytes)
		var ids []string
		for f := range forks {
			id := r.create("a.xlsx").ID
			ids = append(ids, id)
			for n := range edits {
				r.edit(id, one(sheet, (n*7919+f*104729)%100_000, f))
			}
		}
		// Somebody comes back to each of them: those that were let go are made again.
		start := time.Now()
		for f, id := range ids {
			r.number(id, sheet, cell.Ref{Row: ((edits-1)*7919 + f*104729) % 100_000, Col: 3}, float64(f))
		}
		b.ReportMetric(float64(time.Since(start).Microseconds())/forks, "return-µs/fork")
		live := heap() - before
		b.ReportMetric(float64(r.store.registry.Live()), "in-memory")
		b.ReportMetric(100*live/base, "live-%")
		b.ReportMetric(live/forks, "live-B/fork")
		// They are let go, but for what a server that was just started knows of them.
		ctx := context.Background()
		if err := r.store.Close(ctx); err != nil {
			b.Fatal(err)
		}
		r.store = nil
		r.open()
		passive := heap() - before
		b.ReportMetric(100*passive/base, "passive-%")
		b.ReportMetric(passive/forks, "passive-B/fork")
		b.ReportMetric(base/1e6, "base-B/cell")
		for _, id := range ids {
			if err := r.store.Discard(ctx, id); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// number fails where a cell of a fork has not the number that is wanted.
func (r *rig) number(id, sheet string, ref cell.Ref, want float64) {
	r.Helper()
	if err := r.store.View(context.Background(), id, func(s *book.Snapshot) error {
		i, _ := s.SheetIndex(sheet)
		is, err := s.Sheet(context.Background(), i)
		if c, _ := is.At(ref); err == nil && c.Value.Number() != want {
			err = fmt.Errorf("%v has %v, not %v", ref, c.Value, want)
		}
		return err
	}); err != nil {
		r.Fatalf("%s: %v", id, err)
	}
}

func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkDurableEdit is an edit of one cell until it is acknowledged, as a multiple of the
// least that durability costs: a write of as many bytes and a sync. One of each in turn, so
// that both see the same disk.
func BenchmarkDurableEdit(b *testing.B) {
	r := benchRig(b, 100_000, true, Options{})
	f := r.create("a.xlsx")
	sheet := r.sheet(f.ID)
	r.edit(f.ID, one(sheet, 1, 1))
	size := r.store.log.Stats().Written
	r.edit(f.ID, one(sheet, 1, 2))
	p := make([]byte, r.store.log.Stats().Written-size)
	raw, err := r.fs.Create("raw", 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	var least, ours []time.Duration
	n := 2
	for b.Loop() {
		n++
		t0 := time.Now()
		if _, err := raw.Write(p); err != nil {
			b.Fatal(err)
		}
		if err := raw.Sync(); err != nil {
			b.Fatal(err)
		}
		t1 := time.Now()
		r.edit(f.ID, one(sheet, 1, n))
		least, ours = append(least, t1.Sub(t0)), append(ours, time.Since(t1))
	}
	// Medians: some syncs take a hundred times as long as others, and whom they meet is chance.
	b.ReportMetric(float64(median(ours))/float64(median(least)), "x-raw")
	b.ReportMetric(float64(median(least))/1e3, "raw-µs")
	b.ReportMetric(float64(len(p)), "B/record")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// BenchmarkOldVersion is a version far back of a fork that was just restored.
func BenchmarkOldVersion(b *testing.B) {
	r := benchRig(b, 100_000, false, Options{})
	f := r.create("a.xlsx")
	sheet := r.sheet(f.ID)
	for n := range 4*anchorEvery - 1 {
		r.edit(f.ID, one(sheet, n, 1))
	}
	for _, v := range []int{0, anchorEvery - 1, anchorEvery, 4*anchorEvery - 1} {
		b.Run(fmt.Sprintf("edits=%d", v), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				if err := r.store.Close(context.Background()); err != nil {
					b.Fatal(err)
				}
				r.store = nil
				r.open()
				b.StartTimer()
				if err := r.store.View(context.Background(), fmt.Sprintf("%s@%d", f.ID, v), func(*book.Snapshot) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkShorten is what it takes to tell a line again, by versions that stay: beside
// edits in which nothing is shortened.
func BenchmarkShorten(b *testing.B) {
	for _, history := range []int{0, 1_000} {
		b.Run(fmt.Sprintf("history=%d", history), func(b *testing.B) {
			r := benchRig(b, 100_000, false, Options{History: history})
			f := r.create("a.xlsx")
			sheet := r.sheet(f.ID)
			var slowest time.Duration
			n := 0
			for b.Loop() {
				n++
				start := time.Now()
				r.edit(f.ID, one(sheet, n%50_000, n))
				slowest = max(slowest, time.Since(start))
			}
			b.ReportMetric(float64(slowest)/1e6, "slowest-ms")
			b.ReportMetric(float64(r.store.Stats().Shortened), "shortened")
		})
	}
}
