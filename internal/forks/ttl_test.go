package forks

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/vfs/crashfs"
)

// inTime runs fn on a store whose time is that of a bubble. The workspace lies outside of it,
// for the system tells it of files.
func inTime(t *testing.T, o Options, fn func(t *testing.T, r *rig)) {
	r := newRig(t, o)
	r.ws.Entries(context.Background()) // all is catalogued
	r.create("a.xlsx")
	r.read(r.store.List(context.Background())[0].ID)
	if err := r.store.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.fs = crashfs.New()
	synctest.Test(t, func(t *testing.T) {
		r.failer = t
		r.open()
		fn(t, r)
		if err := r.store.Close(context.Background()); err != nil && !errors.Is(err, crashfs.ErrStopped) && r.store.log.Stats().Poisoned == nil {
			t.Error(err)
		}
		r.store = nil
	})
	r.failer = t
}

// TestUseIsMonotonic: when a fork was used goes by the monotonic clock, also after a use and in a store that was
// opened anew. By the clock on the wall all forks would be over when that is set to another year.
func TestUseIsMonotonic(t *testing.T) {
	r := newRig(t, Options{TTL: time.Hour})
	f := r.create("a.xlsx")
	monotonic := func(when string) {
		t.Helper()
		for _, i := range r.store.List(t.Context()) {
			if got := i.Used.String(); !strings.Contains(got, " m=") {
				t.Errorf("%s: used at %s", when, got)
			}
		}
	}
	monotonic("made")
	r.edit(f.ID, number("A1", 7))
	monotonic("edited")
	r.read(f.ID)
	monotonic("read")
	r.restart()
	monotonic("opened anew")
}

// TestTimeToLive: a fork that nobody uses is discarded when its time is over, with its base,
// whether it is in memory or not; to be looked at in a list is no use.
func TestTimeToLive(t *testing.T) {
	inTime(t, Options{TTL: time.Hour, Idle: 10 * time.Second}, func(t *testing.T, r *rig) {
		f, err := r.store.Create(t.Context(), "a.xlsx", CreateOptions{TTL: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		long := r.create("b.xlsx")
		if long.TTL != time.Hour || f.TTL != time.Minute {
			t.Errorf("%v, %v", long.TTL, f.TTL)
		}
		there := func(want bool) {
			t.Helper()
			r.store.List(context.Background())
			_, err := r.store.Info(context.Background(), f.ID)
			if got := err == nil; got != want {
				t.Errorf("there: %v, want %v (%v)", got, want, err)
			}
		}
		time.Sleep(59 * time.Second)
		there(true)
		r.read(f.ID) // a use
		time.Sleep(59 * time.Second)
		there(true)
		r.edit(f.ID, number("A1", 7))
		time.Sleep(59 * time.Second)
		there(true)
		if live := r.store.registry.Stats().Live; live != 0 {
			t.Errorf("%d forks are in memory after %v without a call", live, r.o.Idle)
		}
		before := r.store.Stats()
		r.edit(f.ID, number("A1", 8))
		if after := r.store.Stats(); after.Replayed-before.Replayed != 2 || after.Journal.Syncs.Count <= before.Journal.Syncs.Count {
			t.Errorf("%d records were replayed, and not that it was made and edited; %d syncs came to %d", after.Replayed-before.Replayed, before.Journal.Syncs.Count, after.Journal.Syncs.Count)
		}
		time.Sleep(59 * time.Second)
		there(true)
		if n := r.kept(); n != 2 {
			t.Errorf("%d bases", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		there(false)
		if n := r.kept(); n != 1 {
			t.Errorf("%d bases", n)
		}
		err = r.store.View(t.Context(), f.ID, func(*book.Snapshot) error { return nil })
		if code(err) != CodeNotFound {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(r.store.List(context.Background())); n != 0 || r.kept() != 0 {
			t.Errorf("%d forks, %d bases", n, r.kept())
		}
		if _, err := r.store.Create(t.Context(), "a.xlsx", CreateOptions{TTL: -1}); code(err) != CodeBadInput {
			t.Error(err)
		}
	})
}

// TestTimeWithoutJournal: where nothing can be written a fork outlives its time, and can be read.
func TestTimeWithoutJournal(t *testing.T) {
	inTime(t, Options{TTL: time.Minute}, func(t *testing.T, r *rig) {
		f := r.create("a.xlsx")
		r.fs.(*crashfs.FS).SetFault(func(op crashfs.Op) *crashfs.Fault {
			return &crashfs.Fault{Err: errors.New("the disk is ill")}
		})
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := r.at(f.ID, "A1"); got != "11" {
			t.Errorf("A1 is %s", got)
		}
	})
}

// TestExpiryAsksFirst: forks whose time is over are discarded only when work may begin that
// no call has asked for, and the leave is given back.
func TestExpiryAsksFirst(t *testing.T) {
	var may atomic.Bool
	var begun, ended atomic.Int32
	begin := func(ctx context.Context) (context.Context, func(), error) {
		if !may.Load() {
			return nil, nil, errors.New("not now")
		}
		begun.Add(1)
		return ctx, func() { ended.Add(1) }, nil
	}
	inTime(t, Options{TTL: time.Minute, Begin: begin}, func(t *testing.T, r *rig) {
		f := r.create("a.xlsx")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if _, err := r.store.Info(context.Background(), f.ID); err != nil || begun.Load() != 0 {
			t.Errorf("discarded without leave: %v, %d", err, begun.Load())
		}
		may.Store(true)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if _, err := r.store.Info(context.Background(), f.ID); code(err) != CodeNotFound || begun.Load() != 1 || ended.Load() != 1 {
			t.Errorf("with leave: %v, begun %d times, ended %d times", err, begun.Load(), ended.Load())
		}
	})
}

// TestExpiryLooksAgain: a fork that is used before its discarding has begun stays, and nobody is told that its time was over;
// when it is, that is told once.
func TestExpiryLooksAgain(t *testing.T) {
	var r *rig
	var id string
	var mu sync.Mutex // who lets forks expire runs beside the test
	var told []string
	var uses int
	begin := func(ctx context.Context) (context.Context, func(), error) {
		mu.Lock()
		defer mu.Unlock()
		if uses < 3 {
			uses++
			r.read(id)
		}
		return ctx, func() {}, nil
	}
	expired := func(id, _ string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, id)
	}
	seen := func() (int, []string) {
		mu.Lock()
		defer mu.Unlock()
		return uses, slices.Clone(told)
	}
	inTime(t, Options{TTL: time.Minute, Begin: begin, Expired: expired}, func(t *testing.T, in *rig) {
		made := in.create("a.xlsx").ID
		mu.Lock()
		r, id = in, made
		mu.Unlock()
		for n := 1; n <= 3; n++ {
			time.Sleep(time.Minute + time.Second)
			synctest.Wait()
			uses, told := seen()
			if _, err := in.store.Info(context.Background(), made); err != nil || uses != n || len(told) != 0 {
				t.Errorf("used %d times, and told %q: %v", uses, told, err)
			}
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		_, told := seen()
		if _, err := in.store.Info(context.Background(), made); code(err) != CodeNotFound || !slices.Equal(told, []string{made}) {
			t.Errorf("%v, told %q", err, told)
		}
	})
}

// TestPassivation: a fork that was let go is what it was.
func TestPassivation(t *testing.T) {
	inTime(t, Options{Idle: time.Minute}, func(t *testing.T, r *rig) {
		f := r.create("a.xlsx")
		for n := range 3 {
			r.edit(f.ID, number("A1", float64(n)))
		}
		before, _ := r.store.Info(context.Background(), f.ID)
		want := r.read(f.ID)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if s := r.store.registry.Stats(); s.Live != 0 || s.Passivations == 0 || r.store.fork(f.ID).snapshot() != nil {
			t.Errorf("%+v", s)
		}
		after, _ := r.store.Info(context.Background(), f.ID)
		if before.Used = after.Used; before != after {
			t.Errorf("%+v\n%+v", before, after)
		}
		if d := r.read(f.ID).diff(want); d != "" {
			t.Error(d)
		}
	})
}

// TestDiscardOfARebasedFork: with a fork go all the bases that it stood on, and who follows it is told.
func TestDiscardOfARebasedFork(t *testing.T) {
	told := map[string]uint64{}
	r := newRig(t, Options{CalcBudget: -1, Changed: func(id string, version uint64) { told[id] = version }})
	f := r.create("a.xlsx")
	r.edit(f.ID, number("F5", 7))
	r.put("a.xlsx", smallBook(t, 3))
	if m, err := r.store.Merge(t.Context(), f.ID, "a.xlsx", MergeOptions{}); err != nil || !m.Done || r.kept() != 2 {
		t.Fatalf("%+v, %v, %d bases", m, err, r.kept())
	}
	was, err := r.store.Info(t.Context(), f.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.store.Discard(t.Context(), f.ID); err != nil {
		t.Fatal(err)
	}
	if n := r.kept(); n != 0 || told[f.ID] != was.Version+1 {
		t.Errorf("%d bases are left, and told is version %d after %d", n, told[f.ID], was.Version)
	}
}

// TestReadsAreUses: a fork that is in memory and only read, or whose history is looked at, is used.
func TestReadsAreUses(t *testing.T) {
	inTime(t, Options{TTL: time.Minute}, func(t *testing.T, r *rig) {
		f := r.create("a.xlsx")
		for n := range 6 {
			if n%2 == 0 {
				r.read(f.ID)
			} else if _, err := r.store.History(t.Context(), f.ID, 0, 1); err != nil {
				t.Error(err)
			}
			time.Sleep(50 * time.Second)
			synctest.Wait()
			if _, err := r.store.Info(context.Background(), f.ID); err != nil {
				t.Errorf("after %d uses: %v", n+1, err)
				return
			}
		}
	})
}

// TestReadOnlyTouchesNothing: whoever looks at forks that may be another process's drops no base that he does not know: the
// other may have kept it for a fork that is to come.
func TestReadOnlyTouchesNothing(t *testing.T) {
	r := newRig(t, Options{})
	r.create("a.xlsx")
	r.close()
	stray := filepath.Join(r.bases, strings.Repeat("ab", 32)+".xlsx")
	if err := os.WriteFile(stray, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.o.ReadOnly = true
	r.open()
	if n := r.kept(); n != 2 {
		t.Errorf("of two bases %d are left", n)
	}
	r.close()
	r.o.ReadOnly = false
	r.open()
	if n := r.kept(); n != 1 {
		t.Errorf("the owner has %d bases of one fork", n)
	}
}
