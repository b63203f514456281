package workspace

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"gridflow/internal/book"
	"gridflow/internal/hub"
)

// An observer waits for what the workspace tells.
type observer struct {
	t   *testing.T
	w   *Workspace
	sub *hub.Subscription[string, struct{}]
}

func observe(t *testing.T, w *Workspace) *observer {
	sub := w.hub.SubscribeAll(maxEntries)
	t.Cleanup(sub.Close)
	return &observer{t, w, sub}
}

// await waits until ok holds, looking after each change that is told.
func (o *observer) await(what string, ok func() bool) {
	o.t.Helper()
	for !ok() {
		if _, err := o.sub.Next(o.t.Context()); err != nil {
			o.t.Fatalf("never seen: %s", what)
		}
	}
}

func (o *observer) has(path string) bool {
	return slices.ContainsFunc(o.w.Entries(context.Background()), func(e Entry) bool { return e.Path == path })
}

// What appears, changes and goes under a root is told, and the catalogue has it then.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.csv"), "1\n")
	w := open(t, Options{}, dir)
	o := observe(t, w)
	write(t, filepath.Join(dir, "new", "b.csv"), "1\n")
	o.await("a file in a new folder", func() bool { return o.has("new/b.csv") })
	write(t, filepath.Join(dir, "new", "c.csv"), "1\n")
	o.await("another one there", func() bool { return o.has("new/c.csv") })
	if err := replace(filepath.Join(dir, "a.csv"), "1\n2\n3\n"); err != nil {
		t.Fatal(err)
	}
	o.await("a changed file", func() bool { return w.Entries(context.Background())[0].Bytes == 6 })
	if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "old")); err != nil {
		t.Fatal(err)
	}
	o.await("a renamed folder", func() bool { return o.has("old/b.csv") && !o.has("new/b.csv") })
	if err := os.RemoveAll(filepath.Join(dir, "old")); err != nil {
		t.Fatal(err)
	}
	o.await("a removed folder", func() bool { return !o.has("old/b.csv") && !o.has("old/c.csv") })
}

// A folder that was renamed, and those in it, are watched under their new paths: what is
// made in them afterwards is seen, however often that happens.
func TestRenamedFolders(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a", "deep", "x.csv"), "1\n")
	w := open(t, Options{}, dir)
	o := observe(t, w)
	for i := range 8 {
		from, to := "a", "b"
		if i%2 == 1 {
			from, to = to, from
		}
		if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
		o.await("the renamed folder", func() bool { return o.has(to+"/deep/x.csv") && !o.has(from+"/deep/x.csv") })
		for _, rel := range []string{fmt.Sprintf("%s/new%d.csv", to, i), fmt.Sprintf("%s/deep/new%d.csv", to, i)} {
			write(t, filepath.Join(dir, rel), "1\n")
			o.await("a file made in it afterwards: "+rel, func() bool { return o.has(rel) })
		}
	}
}

// Files that are made in a folder while it is new are not lost.
func TestFilesInNewFolders(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Options{}, dir)
	o := observe(t, w)
	const folders = 200
	for i := range folders {
		write(t, filepath.Join(dir, fmt.Sprintf("n%d/b/c", i), "f.csv"), "1\n")
	}
	o.await("all of them", func() bool { return len(w.Entries(context.Background())) == folders })
	for i := range folders {
		write(t, filepath.Join(dir, fmt.Sprintf("n%d/b/c", i), "late.csv"), "1\n")
	}
	o.await("all that came later", func() bool { return len(w.Entries(context.Background())) == 2*folders })
}

// A folder that cannot be watched hides no other. A path that is too long for the system
// is one: only steps of it can be opened.
func TestUnwatchableFolder(t *testing.T) {
	dir := t.TempDir()
	r, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	long := "m"
	for range 20 {
		long = path.Join(long, strings.Repeat("x", 250))
	}
	if err := r.MkdirAll(filepath.FromSlash(long), 0o777); err != nil {
		t.Skip("no long paths here: ", err)
	}
	const others = 20
	for i := range others {
		write(t, filepath.Join(dir, fmt.Sprintf("%c", 'a'+i), "x.csv"), "1\n")
	}
	var log bytes.Buffer
	w, err := Open(t.Context(), Options{Roots: []string{dir}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	<-w.walked
	o := observe(t, w)
	for i := range others {
		write(t, filepath.Join(dir, fmt.Sprintf("%c", 'a'+i), "new.csv"), "1\n")
	}
	o.await("new files in all other folders", func() bool { return len(w.Entries(context.Background())) == 2*others })
	w.Shut()
	if n := strings.Count(log.String(), "folders cannot be watched"); n != 1 {
		t.Errorf("said %d times:\n%s", n, log.String())
	}
}

// A change costs what it changes, however much is known.
func TestCostOfChange(t *testing.T) {
	info, err := os.Stat("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	cost := func(files int) float64 {
		c := newCatalogue(1, func(string) bool { return false })
		r := &root{path: "/r"}
		for i := range files {
			c.set(c.tops[0], r, fmt.Sprintf("f%d.csv", i), info, false)
		}
		return testing.AllocsPerRun(100, func() {
			c.set(c.tops[0], r, "new.csv", info, false)
			c.unset(c.tops[0], "new.csv")
		})
	}
	if few, many := cost(10), cost(20_000); many > few+2 {
		t.Errorf("a change costs %v allocations among 10 files and %v among 20,000", few, many)
	}
}

// Ten thousand new files are seen, and in far fewer batches than there are events.
func TestManyNewFiles(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Options{}, dir)
	o := observe(t, w)
	const files = 10_000
	for i := range files {
		write(t, filepath.Join(dir, fmt.Sprintf("q%d.csv", i)), "1\n")
	}
	o.await("all of them", func() bool {
		w.catalogue.mu.RLock()
		defer w.catalogue.mu.RUnlock()
		return w.catalogue.entries == files
	})
}

func BenchmarkNewFiles(b *testing.B) {
	info, err := os.Stat("doc.go")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c := newCatalogue(1, func(string) bool { return false })
		r := &root{path: "/r"}
		for i := range 10_000 {
			c.set(c.tops[0], r, fmt.Sprintf("f%d.csv", i), info, false)
		}
	}
}

// A root that is moved away is missed, and served again when a folder is at its path.
func TestReplacedRoot(t *testing.T) {
	above := filepath.Join(t.TempDir(), "above")
	dir := filepath.Join(above, "root")
	write(t, filepath.Join(dir, "old.csv"), "1\n")
	w := open(t, Options{}, dir)
	o := observe(t, w)

	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	o.await("the root is gone", func() bool { return len(w.Entries(context.Background())) == 0 })
	write(t, filepath.Join(dir, "new.csv"), "2\n")
	o.await("another folder at its path", func() bool { return o.has("new.csv") })
	if a1, _, err := first(t.Context(), w, "new.csv"); a1 != "2" || err != nil {
		t.Errorf("got %q, %v", a1, err)
	}
	write(t, filepath.Join(dir, "newer.csv"), "3\n")
	o.await("a file made in it afterwards", func() bool { return o.has("newer.csv") })

	// The folder above may go as well.
	if err := os.RemoveAll(above); err != nil {
		t.Fatal(err)
	}
	o.await("the root is gone with the folder above", func() bool { return len(w.Entries(context.Background())) == 0 })
	write(t, filepath.Join(dir, "newest.csv"), "4\n")
	o.await("both are back", func() bool { return o.has("newest.csv") })
}

// The folders above a root come back one after the other, while it is looked where they are: the one
// that comes last is seen whichever of them was looked at first. Many do so at once, for one has the
// moment in which it matters to itself only now and then.
func TestReplacedRootOften(t *testing.T) {
	for k := range 8 {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			t.Parallel()
			above := filepath.Join(t.TempDir(), "above")
			dir := filepath.Join(above, "root")
			for i := range 40 {
				write(t, filepath.Join(dir, "old.csv"), "1\n")
				w := open(t, Options{}, dir)
				o := observe(t, w)
				if err := os.RemoveAll(above); err != nil {
					t.Fatal(err)
				}
				o.await("the root is gone", func() bool { return len(w.Entries(context.Background())) == 0 })
				name := fmt.Sprintf("a%d.csv", i)
				write(t, filepath.Join(dir, name), "1\n")
				o.await("it is back", func() bool { return o.has(name) })
				w.Shut()
			}
		})
	}
}

// A root is walked in the background: a workbook is found by its path at once, by a name
// that another may have when all is known.
func TestLookupWhileWalking(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.csv"), "1\n")
	w := open(t, Options{}, dir)
	walked := w.walked
	w.walked = make(chan struct{}) // as if it went on
	defer func() { w.walked = walked }()
	if !w.Walking() {
		t.Fatal("not walking")
	}
	for _, id := range []string{"a.csv", filepath.Join(w.roots[0].path, "a.csv"), w.catalogue.list(false)[0].ID} {
		if _, err := w.Lookup(t.Context(), id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := w.Lookup(ctx, "a"); err != context.DeadlineExceeded {
		t.Errorf("by name: %v", err)
	}
	go close(w.walked)
	if _, err := w.Lookup(t.Context(), "a"); err != nil {
		t.Errorf("by name, later: %v", err)
	}
}

// A path in its own letters wins; where several fit alike none is taken.
func TestAmbiguousPaths(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "r1", "A.csv"), "upper\n")
	write(t, filepath.Join(dir, "r1", "a.csv"), "lower\n")
	write(t, filepath.Join(dir, "r1", "budget.csv"), "r1\n")
	write(t, filepath.Join(dir, "r2", "budget.csv"), "r2\n")
	w := open(t, Options{}, filepath.Join(dir, "r1"), filepath.Join(dir, "r2"))
	if len(w.Entries(context.Background())) != 4 {
		t.Skip("letter case does not count in this file system")
	}
	r2 := filepath.Join(w.roots[1].path, "budget.csv")
	for id, want := range map[string]string{
		"A.csv": "upper", "a.csv": "lower", "A": "upper", "a": "lower", "./a.csv": "lower",
		"budget.csv": CodeAmbiguous, "budget": CodeAmbiguous, "BUDGET.csv": CodeAmbiguous, r2: "r2",
	} {
		a1, _, err := first(t.Context(), w, id)
		if err != nil {
			a1 = code(err)
		}
		if a1 != want {
			t.Errorf("%q: got %q, want %q", id, a1, want)
		}
	}
	_, err := w.Lookup(t.Context(), "budget.csv")
	for _, e := range w.Entries(context.Background())[2:] {
		if ours, ok := err.(*Error); !ok || !strings.Contains(ours.Hint, e.ID) {
			t.Errorf("%v does not name %s", err, e.ID)
		}
	}
}

// A file that comes while an id is looked for is not hidden by the answer.
func TestUnknownIDOfAnEarlierGeneration(t *testing.T) {
	var n negative
	_ = n.get(unknownKey{id: "x"}, 2, func() error { return fs.ErrNotExist })
	_ = n.get(unknownKey{id: "y"}, 1, func() error { return fs.ErrNotExist })
	if err := n.get(unknownKey{id: "y"}, 2, func() error { return nil }); err != nil {
		t.Errorf("an answer from before the change is kept: %v", err)
	}
	if err := n.get(unknownKey{id: "x"}, 3, func() error { return nil }); err != nil {
		t.Errorf("an answer outlives the change: %v", err)
	}
}

// TestTooManyChanges: where more ids change than there is room for, all that are there are
// told, the lost among them.
func TestTooManyChanges(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.csv", "b.csv", "c.csv"} {
		write(t, filepath.Join(dir, name), "1\n")
	}
	w := open(t, Options{}, dir)
	ctx, cancel := context.WithCancel(t.Context())
	told, begun, hold := map[string]int{}, make(chan bool), make(chan bool)
	ended := make(chan bool)
	go func() {
		defer close(ended)
		w.changes(ctx, 1, func(id string) {
			if id == "first" {
				begun <- true
				<-hold
			}
			if told[id]++; id == "last" {
				cancel()
			}
		})
	}()
	for w.hub.Stats().Subscribers == 0 { // what is published before is told to nobody
		runtime.Gosched()
	}
	w.tell([]string{"first"}, nil)
	<-begun
	for _, e := range w.Entries(context.Background()) {
		w.tell([]string{e.ID}, nil)
	}
	w.tell([]string{"last"}, nil)
	close(hold)
	<-ended
	for _, e := range w.Entries(context.Background()) {
		if told[e.ID] == 0 {
			t.Errorf("%s was not told", e.Path)
		}
	}
}

// TestTouched: of a name all is gathered that happens to it, and of too many names that some are missing, once.
func TestTouched(t *testing.T) {
	g := newTouched()
	g.add("a", fsnotify.Create)
	g.add("a", fsnotify.Chmod)
	if names, lost := g.take(); names["a"] != fsnotify.Create|fsnotify.Chmod || lost != nil {
		t.Errorf("%v, %v", names, lost)
	}
	for i := range maxTouched + 1 {
		g.add(fmt.Sprint(i), fsnotify.Write)
	}
	if names, lost := g.take(); len(names) > maxTouched || lost == nil {
		t.Errorf("%d names are all that was touched: %v", len(names), lost)
	}
	g.add("b", fsnotify.Write)
	if names, lost := g.take(); len(names) != 1 || lost != nil {
		t.Errorf("afterwards: %v, %v", names, lost)
	}
}

// TestWhatIsNotFollowed: what is hidden or no workbook comes into no list, whether it is found or heard of; that a folder can be
// read may be heard by its rights alone.
func TestWhatIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Options{}, dir)
	names := map[string]fsnotify.Op{}
	for _, name := range []string{".git/x.csv", ".x.csv", "notes.txt", "~$y.xlsx", ".z.ods"} {
		write(t, filepath.Join(dir, name), "1\n")
		names[filepath.Join(dir, name)] = fsnotify.Create
	}
	names[filepath.Join(dir, ".git")] = fsnotify.Create
	for how, find := range map[string]func(){
		"heard of": func() { w.follow(t.Context(), names) },
		"found":    func() { w.scan(t.Context(), place{0, "."}, true) },
	} {
		find()
		w.catalogue.mu.RLock()
		if w.catalogue.entries != 0 || w.catalogue.folders != 1 {
			t.Errorf("%s are %d files, and %d folders", how, w.catalogue.entries, w.catalogue.folders-1)
		}
		w.catalogue.mu.RUnlock()
	}
	if !w.matters(fsnotify.Event{Name: filepath.Join(dir, "folder"), Op: fsnotify.Chmod}) {
		t.Error("new rights of a folder do not matter")
	}
}

// TestScanAgain: a folder that is read again, and is as it was, changes nothing; one that is gone is not known any more.
func TestScanAgain(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "sub", "a.csv"), "1\n")
	w := open(t, Options{}, dir)
	view := func() {
		if err := w.View(t.Context(), "sub/a.csv", func(*book.Snapshot) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	view()
	o := observe(t, w)
	w.scan(t.Context(), place{0, "."}, true)
	if e, ok := o.sub.TryNext(); ok {
		t.Errorf("told is %+v", e)
	}
	if view(); w.Stats().Misses != 1 {
		t.Error("the workbook is read again")
	}
	if err := os.RemoveAll(filepath.Join(dir, "sub")); err != nil {
		t.Fatal(err)
	}
	w.scan(t.Context(), place{0, "sub"}, true)
	if o.has("sub/a.csv") {
		t.Error("what is gone is known still")
	}
}
