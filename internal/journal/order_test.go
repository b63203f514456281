package journal

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"syscall"
	"testing"

	"gridflow/internal/vfs/crashfs"
)

// TestReclaimedInOrder: a stream that has ended stays so, wherever the power is cut while
// segments are deleted and in whatever order the deletions reach the disk: the records go
// for certain before the end that killed them may.
func TestReclaimedInOrder(t *testing.T) {
	steps := [][]request{
		{{stream: "s", data: make([]byte, 400)}, {stream: "r", data: make([]byte, 400)}}, // the first segment
		{{stream: "s", flags: flagEnd}, {stream: "t", data: make([]byte, 800)}},          // the second has the end of s
		{{stream: "u", data: make([]byte, 900)}},
		{{stream: "r", flags: flagEnd}, {stream: "t", flags: flagEnd}}, // with this both may go
	}
	f := crashfs.New()
	if _, _, err := play(f, steps); err != nil {
		t.Fatal(err)
	}
	total, removed := len(f.Ops()), 0
	for _, op := range f.Ops() {
		if op.Kind == crashfs.Remove {
			removed++
		}
	}
	if removed != 2 {
		t.Fatalf("%d segments were deleted, want 2", removed)
	}
	for stop := 1; stop <= total; stop++ {
		for seed := range uint64(20) {
			f := crashfs.New()
			f.StopAfter(stop)
			m, pending, _ := play(f, steps)
			g := f.CrashReorder(rand.New(rand.NewPCG(uint64(stop), seed)))
			l, err := Open(g, "j", Options{SegmentBytes: 1000})
			if err == nil {
				_, err = m.resolve(l, pending)
				l.Close()
			}
			if err != nil {
				t.Fatalf("stopped after operation %d (%v), seed %d: %v", stop, f.Ops()[len(f.Ops())-1], seed, err)
			}
		}
	}
}

// TestReclaimStops: the folder cannot be synced after a segment was deleted, so nobody knows whether that is gone. Then no
// other goes, whatever ends later, until the journal is opened anew; what is written meanwhile is as durable as ever.
func TestReclaimStops(t *testing.T) {
	f, o, m := crashfs.New(), Options{SegmentBytes: 1000}, make(model)
	l, err := Open(f, "j", o)
	if err != nil {
		t.Fatal(err)
	}
	commit := func(r request) {
		t.Helper()
		if err := commitAll(l, []request{r}); err != nil {
			t.Fatal(err)
		}
		m = m.apply(r)
	}
	for _, id := range []string{"s", "t", "u"} { // a segment for each
		commit(request{stream: id, data: make([]byte, 900)})
	}
	commit(request{stream: "v", data: make([]byte, 900)}) // that of u is full, too
	removed, failed := 0, false
	f.SetFault(func(op crashfs.Op) *crashfs.Fault {
		switch {
		case op.Kind == crashfs.Remove:
			removed++
		case op.Kind == crashfs.SyncDir && removed > 0 && !failed:
			failed = true
			return &crashfs.Fault{Err: syscall.EIO}
		}
		return nil
	})
	for _, id := range []string{"s", "t", "u"} {
		commit(request{stream: id, flags: flagEnd})
	}
	if removed != 1 || !failed {
		t.Errorf("%d segments were deleted, want the one after which the sync failed", removed)
	}
	if !errors.Is(l.Stats().DeleteErr, syscall.EIO) {
		t.Errorf("what went wrong is told as %v", l.Stats().DeleteErr)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(f, "j", o); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if removed < 3 {
		t.Errorf("%d segments were deleted once it was opened anew", removed)
	}
	if _, err := m.resolve(l, nil); err != nil {
		t.Error(err)
	}
}

// TestMendedInOrder: a sync has failed, and nobody knows what of the last batch is on the
// disk. Wherever the power is cut while the next Open mends that, the journal opens again,
// with what was acknowledged: the seal reaches the disk after the records that it speaks for.
func TestMendedInOrder(t *testing.T) {
	first := []request{{stream: "a", data: bytes.Repeat([]byte("x"), 700)}}
	second := []request{{stream: "a", data: bytes.Repeat([]byte("y"), 4000)}, {stream: "b", data: []byte("z")}}
	life := func(stop int) (f *crashfs.FS, done bool) {
		f = crashfs.New()
		l, err := Open(f, "j", Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := commitAll(l, first); err != nil {
			t.Fatal(err)
		}
		f.SetFault(func(op crashfs.Op) *crashfs.Fault {
			if op.Kind == crashfs.Sync {
				return &crashfs.Fault{Err: syscall.EIO}
			}
			return nil
		})
		if err := commitAll(l, second); err == nil {
			t.Fatal("the sync has not failed")
		}
		l.Close()
		f.SetFault(nil)
		f.StopAfter(len(f.Ops()) + stop)
		before := len(f.Ops())
		_, err = Open(f, "j", Options{})
		return f, err == nil && len(f.Ops()) < before+stop
	}
	for stop, done := 1, false; !done; stop++ {
		for seed := range uint64(50) {
			var f *crashfs.FS
			f, done = life(stop)
			g := f.CrashReorder(rand.New(rand.NewPCG(uint64(stop), seed)))
			l, err := Open(g, "j", Options{})
			if err == nil {
				_, err = make(model).apply(first...).resolve(l, second)
				sound(t, l)
			}
			if err != nil {
				t.Fatalf("stopped after operation %d of the mending, seed %d: %v", stop, seed, err)
			}
			l.Close()
		}
	}
}
