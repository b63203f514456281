package workspace

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/xlsx"
)

// TestUsersOfEntries: whoever has acquired an entry keeps it, whatever the cache drops for
// room at the moment, and when all have let go the cache alone uses what it holds.
func TestUsersOfEntries(t *testing.T) {
	dir := t.TempDir()
	revisions := make([][2]fs.FileInfo, 5)
	for i := range revisions {
		for r := range revisions[i] {
			path := filepath.Join(dir, fmt.Sprint(i, "-", r))
			write(t, path, "x")
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			revisions[i][r] = info
		}
	}
	var dropped sync.Map // by what nobody uses any more
	var twice atomic.Int32
	c := newCache(3*minWeight, func(o *opened) {
		if _, before := dropped.LoadOrStore(o, true); before {
			twice.Add(1)
		}
	})
	defer c.close()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 20_000 {
				i := (g*3 + n) % len(revisions)
				o, _ := c.acquire(fmt.Sprint(i), revisions[i][n/50%2])
				o.mu.Lock()
				o.weight = 2 * minWeight // so that it has changed and is told to the cache
				o.mu.Unlock()
				c.reweigh(o)
				if n%40 == 0 {
					c.forget(o)
				}
				if _, gone := dropped.Load(o); gone {
					t.Errorf("call %d of %d: the entry was let go of by all while it was in use", n, g)
					return
				}
				c.release(o)
			}
		})
	}
	wg.Wait()
	c.entries.CleanUp()
	if n := twice.Load(); n > 0 {
		t.Errorf("%d entries were let go of by all more than once", n)
	}
	for id, o := range c.entries.All() {
		if _, gone := dropped.Load(o); gone || o.users != 1 {
			t.Errorf("entry %s: %d users", id, o.users)
		}
	}
}

// TestCalculatedValuesAreWeighed: the values that were calculated for a file which has none count in the cache as soon as somebody has
// read them.
func TestCalculatedValuesAreWeighed(t *testing.T) {
	var b genbook.Book
	b.AddSheet(&genbook.Sheet{Name: "S", Rows: func(w *genbook.Writer) error {
		for row := range 50_000 {
			w.Row(row)
			w.Formula(0, 0, "ROW()*1.5", cell.Value{})
		}
		return nil
	}})
	var file bytes.Buffer
	if err := b.Write(&file); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "none.xlsx"), file.String())
	w := open(t, Options{}, dir)
	read := func(stored bool) (memory, kept int64) {
		if err := w.View(t.Context(), "none.xlsx", func(s *book.Snapshot) error {
			if stored {
				s = s.Stored()
			}
			if _, err := s.Sheet(t.Context(), 0); err != nil {
				return err
			}
			kept = s.OpenedBytes() + s.ModelBytes()
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		_, memory, _ = w.Peek(t.Context(), "none.xlsx")
		return memory, kept
	}
	before, _ := read(true)
	after, kept := read(false)
	if kept < 50_000*8 || after-before < kept*15/16 {
		t.Errorf("%d bytes were kept, and the workbook is said to take %d, before that %d", kept, after, before)
	}
	if got := w.Stats().Bytes; got < after/weightUnit*weightUnit {
		t.Errorf("the cache counts %d bytes of %d", got, after)
	}
}

// TestIndexOfARevision: the index of a workbook is used for the revision of the file that it is of, and forgotten when
// another is there.
func TestIndexOfARevision(t *testing.T) {
	dir := t.TempDir()
	info := func(name string) fs.FileInfo {
		write(t, filepath.Join(dir, name), name)
		i, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	was, is := info("was"), info("other")
	c := newCache(1<<20, func(*opened) {})
	defer c.close()
	x := new(xlsx.Index)
	c.indexes.Set("wb", &kept{was, x, 1})
	for i, look := range []struct {
		at   fs.FileInfo
		want *xlsx.Index
	}{{was, x}, {is, nil}, {was, nil}} {
		if got := c.index("wb", look.at); got != look.want {
			t.Errorf("look %d: %v", i, got)
		}
	}
}

// TestShed: as many workbooks are closed as are asked for, and none that is in use.
func TestShed(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		write(t, filepath.Join(dir, name+".csv"), "x\n1\n")
	}
	w := open(t, Options{}, dir)
	view := func(id string, fn func()) {
		if err := w.View(t.Context(), id, func(*book.Snapshot) error { fn(); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	view("a", func() {
		view("b", func() {})
		view("c", func() {})
		if one, rest := w.cache.shed(1), w.cache.shed(10); one != 1 || rest != 1 {
			t.Errorf("of two that nobody uses, and one asked for, %d were closed, and then %d", one, rest)
		}
	})
	misses := w.Stats().Misses
	if view("a", func() {}); w.Stats().Misses != misses {
		t.Error("what was in use was closed")
	}
}

// TestForgetTheOld: an entry that failed takes no other out that has come in its place.
func TestForgetTheOld(t *testing.T) {
	dir := t.TempDir()
	c := newCache(1<<20, func(*opened) {})
	defer c.close()
	acquire := func(name string) *opened {
		write(t, filepath.Join(dir, name), name)
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		o, _ := c.acquire("wb", info)
		return o
	}
	was, is := acquire("was"), acquire("other")
	c.forget(was)
	if o, ok := c.entries.GetIfPresent("wb"); !ok || o != is {
		t.Error("the newer one is gone")
	}
	c.forget(is)
	if _, ok := c.entries.GetIfPresent("wb"); ok {
		t.Error("it is there still")
	}
}
