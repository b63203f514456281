package workspace

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// TestCatalogueForgets: of files and folders that have gone nothing is left, so that those that come have room, however many
// come and go; and what has changed is known by what it is now.
func TestCatalogueForgets(t *testing.T) {
	c := newCatalogue(1, func(name string) bool { return filepath.Ext(name) == ".ods" })
	r := &root{path: "/root"}
	var told []string
	set := func(rel string, info fs.FileInfo) {
		f, _ := c.enter(0, path.Dir(rel))
		id, full := c.set(f, r, rel, info, filepath.Ext(rel) != ".xlsx")
		if full {
			t.Fatal("it is full")
		}
		if id != "" {
			told = append(told, rel)
		}
	}
	at := time.Unix(1, 0)
	for range 3 {
		c.enter(0, "a")
		c.enter(0, "a/b")
		c.enter(0, "a/c")
		for _, rel := range []string{"x.xlsx", "a/b/x.xlsx", "a/b/y.ods", "a/z.xls"} {
			set(rel, fileInfo{1, at})
		}
		if want := []string{"x.xlsx", "a/b/x.xlsx", "a/b/y.ods"}; !slices.Equal(told, want) {
			t.Errorf("told are %q, want %q: nobody can read a .xls", told, want)
		}
		told = nil
		was := c.tops[0].files["x.xlsx"].legacy
		set("x.xlsx", fileInfo{1, at})
		set("x.xlsx", fileInfo{2, at}) // within what the clock of the disk tells apart
		if e, byID, _ := c.find(was, nil); len(e) > 0 || byID {
			t.Errorf("it is found by what it was: %+v", e)
		}
		set("x.xlsx", fileInfo{2, at.Add(time.Second)})
		if want := []string{"x.xlsx", "x.xlsx"}; !slices.Equal(told, want) {
			t.Errorf("told are %q, want %q", told, want)
		}
		told = nil
		left := 0
		c.unset(c.tops[0], "x.xlsx")
		c.leave(0, "a", func(string) { left++ })
		if left != 3 || c.entries != 0 || c.folders != 1 || len(c.byID)+len(c.byName) != 0 {
			t.Fatalf("%d folders were left; there are %d files, %d folders, %d ids and %d names", left, c.entries, c.folders, len(c.byID), len(c.byName))
		}
	}
}

// fileInfo is a regular file's, as far as the catalogue looks.
type fileInfo struct {
	size int64
	mod  time.Time
}

func (f fileInfo) Name() string       { return "" }
func (f fileInfo) Size() int64        { return f.size }
func (f fileInfo) Mode() fs.FileMode  { return 0 }
func (f fileInfo) ModTime() time.Time { return f.mod }
func (f fileInfo) IsDir() bool        { return false }
func (f fileInfo) Sys() any           { return nil }
