package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

func open(t testing.TB, o Options, roots ...string) *Workspace {
	t.Helper()
	o.Roots = roots
	o.Logger = slog.New(slog.DiscardHandler)
	w, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Shut)
	<-w.walked
	return w
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// replace puts a file in the place of another in one step, as spreadsheet programs do.
func replace(path, text string) error {
	temp := path + ".part"
	if err := os.WriteFile(temp, []byte(text), 0o666); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// first gives the value of A1 and the sum of column A.
func first(ctx context.Context, w *Workspace, id string) (a1 string, sum float64, err error) {
	err = w.View(ctx, id, func(s *book.Snapshot) error {
		sheet, err := s.Sheet(ctx, 0)
		if err != nil {
			return err
		}
		a1 = sheet.Value(cell.Ref{}).String()
		for c := range sheet.Column(0, 0, cell.MaxRows-1) {
			sum += c.Value.Number()
		}
		return nil
	})
	return a1, sum, err
}

func code(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return fmt.Sprint(err)
}

func column(n, value int) string {
	return strings.Repeat(strconv.Itoa(value)+"\n", n)
}

func TestCatalogue(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"b.csv", "a.csv", "sub/deep/c.xlsx", "sub/a.csv", "~$b.csv", ".git/x.csv", "node_modules/y.csv", "notes.txt", "sub/.~lock.a.csv#"} {
		write(t, filepath.Join(dir, filepath.FromSlash(f)), "1\n")
	}
	w := open(t, Options{}, dir, filepath.Join(dir, "sub"))
	var got []string
	for _, e := range w.Entries(context.Background()) {
		got = append(got, e.Path+"|"+e.Slug+"|"+e.Folder)
	}
	want := []string{"a.csv|a|", "sub/a.csv|a|sub", "b.csv|b|", "sub/deep/c.xlsx|c|deep"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}

	b := w.Entries(context.Background())[2]
	if !strings.HasPrefix(b.ID, "wb-") || b.ID != "wb-"+b.ShortID || len(b.ShortID) != 10 {
		t.Errorf("id %q, short id %q", b.ID, b.ShortID)
	}
	for _, key := range []string{b.ID, strings.ToUpper(b.ID), b.ShortID, "b", "B.CSV", "./b.csv", filepath.Join(b.Root, "b.csv"), "wb-" + legacyID(filepath.Join(b.Root, "b.csv"), b.Bytes, b.ModTime)} {
		if e, err := w.Lookup(t.Context(), key); err != nil || e.ID != b.ID {
			t.Errorf("%q: got %q, %v", key, e.ID, err)
		}
	}
	if _, err := w.Lookup(t.Context(), "a"); code(err) != CodeAmbiguous {
		t.Errorf("a name that two files have: %v", err)
	}
	_, err := w.Lookup(t.Context(), "bb")
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != CodeNotFound || !strings.Contains(e.Hint, `"b"`) {
		t.Errorf("a misspelt name: %v", err)
	}
}

// A spreadsheet of a format that does not open is not listed, and whoever names it is
// told what it is and what opens.
func TestForeignFormats(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"a.csv", "old.xls", "sub/Big.XLSB", "odf.ods", "its.numbers", "~$lock.xls"} {
		write(t, filepath.Join(dir, filepath.FromSlash(f)), "x")
	}
	w := open(t, Options{}, dir)
	if n := len(w.Entries(context.Background())); n != 1 {
		t.Errorf("%d workbooks are listed, wanted 1", n)
	}
	for _, id := range []string{"old.xls", "old", "./old.xls", filepath.Join(w.Entries(context.Background())[0].Root, "old.xls"), "sub/big.xlsb", "big.xlsb", "odf.ods", "its.numbers"} {
		_, err := w.Lookup(t.Context(), id)
		want := CodeNoConverter
		if id == "its.numbers" {
			want = CodeUnsupported
		}
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != want || !strings.Contains(e.Hint, ".xlsx, .xlsm") {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"lock.xls", "~$lock.xls", "new.xls"} {
		if _, err := w.Lookup(t.Context(), id); code(err) != CodeNotFound {
			t.Errorf("%q: %v", id, err)
		}
	}
	// The catalogue follows what comes and goes.
	if err := os.Rename(filepath.Join(dir, "old.xls"), filepath.Join(dir, "old.csv")); err != nil {
		t.Fatal(err)
	}
	w.scan(t.Context(), place{0, "."}, false)
	if e, err := w.Lookup(t.Context(), "old"); err != nil || e.Path != "old.csv" {
		t.Errorf("the renamed file: %+v, %v", e, err)
	}
}

// Accents may be composed where a name is typed and apart where it is stored.
func TestComposedNames(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "Cafe\u0301.csv"), "1\n")
	w := open(t, Options{}, dir)
	for _, id := range []string{"Caf\u00e9", "caf\u00c9.csv", "Cafe\u0301", "./Caf\u00e9.csv"} {
		if _, err := w.Lookup(t.Context(), id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// The id is made of the path alone, by the published scheme.
func TestShortID(t *testing.T) {
	// The SHA-256 of "abc" begins with ba7816bf8f01cfea; here its first fifty bits by fives.
	want := ""
	for _, five := range []int{0b10111, 0b01001, 0b11100, 0b00001, 0b01101, 0b01111, 0b11100, 0b01111, 0b00000, 0b00111} {
		want += idAlphabet[five : five+1]
	}
	if got := shortID("abc"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Scenario S1: 200 callers, one load, one answer.
func TestOneLoadForAll(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.csv"), column(5000, 2))
	w := open(t, Options{}, dir)
	start := make(chan struct{})
	var wg sync.WaitGroup
	const callers = 1000
	for range callers {
		wg.Go(func() {
			<-start
			if _, sum, err := first(t.Context(), w, "a"); sum != 10000 || err != nil {
				t.Errorf("got %v, %v", sum, err)
			}
		})
	}
	close(start)
	wg.Wait()
	if s := w.Stats(); s.Loads != 1 || s.Misses != 1 || s.Hits+s.Joined != callers-1 {
		t.Errorf("%+v", s)
	}
}

// Scenario S2: a caller that cancels gets its answer at once and leaves the load to the
// others; a later caller is served whatever the first ones did.
func TestCancelledCallers(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.csv"), column(200_000, 1))
	w := open(t, Options{}, dir)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var served atomic.Int64
	for i := range 200 {
		wg.Go(func() {
			c := ctx
			if i == 0 {
				c = t.Context()
			}
			_, sum, err := first(c, w, "a")
			switch {
			case err == nil && sum == 200_000:
				served.Add(1)
			case !errors.Is(err, context.Canceled) || i == 0:
				t.Errorf("caller %d: %v, %v", i, sum, err)
			}
		})
	}
	cancel()
	wg.Wait()
	if served.Load() < 1 {
		t.Error("the caller that stayed was not served")
	}
	gone, cancelGone := context.WithCancel(t.Context())
	cancelGone()
	if _, _, err := first(gone, w, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that had left: %v", err)
	}
}

// Scenario S3: all callers of a broken file get the same typed error from one load; when
// the file is mended the next call succeeds.
func TestBrokenFileHeals(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.xlsx")
	write(t, path, "no workbook at all")
	w := open(t, Options{}, dir)
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]int{}
	for range 50 {
		wg.Go(func() {
			_, _, err := first(t.Context(), w, "a")
			mu.Lock()
			defer mu.Unlock()
			seen[fmt.Sprint(err)]++
		})
	}
	wg.Wait()
	if s := w.Stats(); len(seen) != 1 || s.Loads != 1 {
		t.Errorf("%d loads gave %v", s.Loads, seen)
	}
	if _, _, err := first(t.Context(), w, "a"); code(err) != CodeUnreadable && code(err) != CodeUnsupported {
		t.Errorf("got %v", err)
	}
	sound, err := os.ReadFile("../../examples/loan.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	if err := replace(path, string(sound)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := first(t.Context(), w, "a"); err != nil {
		t.Errorf("the mended file: %v", err)
	}
}

// Scenario S4: a budget for a few workbooks holds while many are read, and nobody gets
// the contents of another.
func TestBudget(t *testing.T) {
	dir := t.TempDir()
	const files = 10
	for i := range files {
		write(t, filepath.Join(dir, fmt.Sprintf("f%d.csv", i)), column(3000, i))
	}
	w := open(t, Options{CacheBytes: 3 * minWeight}, dir)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for n := range 50 {
				i := (g*7 + n*3) % files
				if _, sum, err := first(t.Context(), w, fmt.Sprintf("f%d", i)); err != nil || sum != float64(3000*i) {
					t.Errorf("file %d: %v, %v", i, sum, err)
				}
			}
		})
	}
	wg.Wait()
	w.cache.entries.CleanUp()
	s := w.Stats()
	if s.Evictions == 0 || s.Bytes > s.MaxBytes {
		t.Errorf("%+v", s)
	}
}

// Scenario S5: while a file is replaced again and again, every answer is one of the
// states that the file had, whole, and the tables of the workspace do not grow.
func TestReplacedUnderReaders(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.csv")
	write(t, path, column(1000, 1))
	w := open(t, Options{}, dir)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 50 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				a1, sum, err := first(t.Context(), w, "a")
				if err != nil {
					t.Error(err)
					return
				}
				if n, _ := strconv.ParseFloat(a1, 64); sum != n*1000 {
					t.Errorf("a mixture: A1 is %v, the sum is %v", a1, sum)
					return
				}
			}
		})
	}
	for i := range 15 {
		if err := replace(path, column(1000, i+2)); err != nil {
			t.Fatal(err)
		}
		if a1, _, err := first(t.Context(), w, "a"); err != nil || a1 != strconv.Itoa(i+2) {
			t.Fatalf("after replacement %d the next call sees %q, %v", i, a1, err)
		}
	}
	close(stop)
	readers.Wait()
	if n := len(w.Entries(context.Background())); n != 1 {
		t.Errorf("%d entries", n)
	}
	w.catalogue.mu.Lock()
	n := len(w.catalogue.byID)
	w.catalogue.mu.Unlock()
	if n > 3 {
		t.Errorf("%d keys for one file", n)
	}
	if s := w.Stats(); s.Entries != 1 {
		t.Errorf("%d cached revisions of one file", s.Entries)
	}
}

// A file that is overwritten in place while it is read is no damaged file.
func TestOverwrittenInPlace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.xlsx")
	sound, err := os.ReadFile("../../examples/loan.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(sound))
	w := open(t, Options{}, dir)
	err = w.View(t.Context(), "a", func(s *book.Snapshot) error {
		// The sheets are not read yet; now their bytes become others.
		write(t, path, strings.Repeat("x", len(sound)+1))
		_, err := s.Sheet(t.Context(), 0)
		return err
	})
	if code(err) != CodeChanged {
		t.Errorf("got %v", err)
	}
}

// Scenario S49: nothing outside of the roots is reached, whatever it is called.
func TestConfinement(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "out", "secret.csv"), "1\n")
	write(t, filepath.Join(dir, "root", "in.csv"), "2\n")
	write(t, filepath.Join(dir, "root", ".hidden", "h.csv"), "3\n")
	root := filepath.Join(dir, "root")
	for link, target := range map[string]string{"out.csv": "../out/secret.csv", "outdir": "../out", "alias.csv": "in.csv"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
	}
	w := open(t, Options{}, root)
	if n := len(w.Entries(context.Background())); n != 1 {
		t.Errorf("%d workbooks are listed", n)
	}
	for _, id := range []string{"../out/secret.csv", "out.csv", "outdir/secret.csv", filepath.Join(dir, "out", "secret.csv"), ".hidden/h.csv", "root/../../out/secret.csv", "..\\out\\secret.csv", "in.csv/../../out/secret.csv", "\x00.csv", "CON.csv"} {
		if _, _, err := first(t.Context(), w, id); code(err) != CodeNotFound {
			t.Errorf("%q: got %v", id, err)
		}
	}
	in, _ := w.Lookup(t.Context(), "in.csv")
	if e, err := w.Lookup(t.Context(), "alias.csv"); err != nil || e.ID != in.ID {
		t.Errorf("another name for a file inside: %+v, %v", e, err)
	}
	// A file that becomes a link to the outside after it was listed stays shut.
	if err := os.Remove(filepath.Join(root, "in.csv")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../out/secret.csv", filepath.Join(root, "in.csv")); err != nil {
		t.Fatal(err)
	}
	// Whether the change has been noticed or not, the answer says what is wrong.
	if a1, _, err := first(t.Context(), w, in.ID); code(err) != CodeUnreadable && code(err) != CodeNotFound {
		t.Errorf("a link to the outside was read: %q, %v", a1, err)
	}
}

// An id that names nothing costs a map lookup, however often it is asked for.
func TestUnknownIDs(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.csv"), "1\n")
	w := open(t, Options{}, dir)
	_, one := w.Lookup(t.Context(), "wb-2222222222")
	_, two := w.Lookup(t.Context(), "wb-2222222222")
	if code(one) != CodeNotFound || one != two {
		t.Errorf("got %v and %v", one, two)
	}
	for i := range 5000 {
		w.Lookup(t.Context(), fmt.Sprint("nothing", i))
	}
	if n := len(w.unknown.ids); n > maxNegative {
		t.Errorf("%d unknown ids are remembered", n)
	}
}

func TestCloseAndRevision(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.csv"), "abc")
	w := open(t, Options{}, dir)
	if dropped, err := w.Close(context.Background(), "a"); dropped || err != nil {
		t.Errorf("nothing was open: %v, %v", dropped, err)
	}
	sum, err := w.Revision(t.Context(), "a")
	if sum != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" || err != nil {
		t.Errorf("got %q, %v", sum, err)
	}
	var file *os.File
	if err := w.use(t.Context(), "a", func(_ *opened, l *loaded) error { file = l.checked.current().file; return nil }); err != nil {
		t.Fatal(err)
	}
	if dropped, err := w.Close(context.Background(), "a"); !dropped || err != nil {
		t.Errorf("dropped %v, %v", dropped, err)
	}
	w.cache.close() // waits for the cache's own goroutines
	if s := w.Stats(); s.Entries != 0 {
		t.Errorf("%+v", s)
	}
	if _, err := file.Stat(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("the dropped file is still open: %v", err)
	}
	if _, err := w.Close(context.Background(), "zzz"); code(err) != CodeNotFound {
		t.Errorf("got %v", err)
	}
}

func TestRootFaults(t *testing.T) {
	if _, err := Open(t.Context(), Options{Roots: []string{filepath.Join(t.TempDir(), "none")}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestNamesNear: what is offered is a name that opens one workbook.
func TestNamesNear(t *testing.T) {
	entries := []Entry{{Slug: "costs", Path: "costs.xlsx"}, {Slug: "cost", Path: "2025/cost.xlsx"}, {Slug: "cost", Path: "2026/cost.xlsx"}, {Slug: "income", Path: "income.xlsx"}}
	for id, want := range map[string]string{
		"cots":           `"costs", "2025/cost.xlsx", "2026/cost.xlsx"`,
		"2024/cost.xlsx": `"2025/cost.xlsx", "2026/cost.xlsx", "costs"`,
		"incom":          `"income"`,
		"nothing":        ``,
	} {
		if got := quoted(namesNear(id, entries)); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}

// TestUnknownIDsOneByOne: what is said about an unknown id is worked out without the lock, so
// that others with other ids do not wait, and is remembered once it is known.
func TestUnknownIDsOneByOne(t *testing.T) {
	var n negative
	made := 0
	say := func() error {
		made++
		if !n.mu.TryLock() {
			t.Fatal("the lock is held meanwhile")
		}
		n.mu.Unlock()
		return fs.ErrNotExist
	}
	for range 2 {
		if err := n.get(unknownKey{id: "x"}, 1, say); err != fs.ErrNotExist {
			t.Error(err)
		}
	}
	if n.get(unknownKey{id: "x"}, 2, say); made != 2 {
		t.Errorf("worked out %d times for two generations", made)
	}
}

// BenchmarkHit is a view of a workbook that is in memory. Half of it or more is the look at the
// file, whether it is still what was read.
func BenchmarkHit(b *testing.B) {
	dir := b.TempDir()
	write(b, filepath.Join(dir, "a.csv"), column(5000, 2))
	write(b, filepath.Join(dir, "in", "a", "folder", "deep.csv"), column(5000, 2))
	w := open(b, Options{}, dir)
	if _, _, err := first(b.Context(), w, "a"); err != nil {
		b.Fatal(err)
	}
	if _, _, err := first(b.Context(), w, "deep"); err != nil {
		b.Fatal(err)
	}
	for name, do := range map[string]func() error{
		"view": func() error { return w.View(b.Context(), "a", func(*book.Snapshot) error { return nil }) },
		"deep": func() error { return w.View(b.Context(), "deep", func(*book.Snapshot) error { return nil }) },
		"stat": func() error { _, err := w.roots[0].dir.Load().Stat("a.csv"); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestPrivateFolders: the server's own folders are not served where they lie in a root: they are in no list, no path
// or link leads into them, and nothing is written there; nor what comes into them later. A root within one is refused.
func TestPrivateFolders(t *testing.T) {
	root := t.TempDir()
	own, later := filepath.Join(root, "own", "bases"), filepath.Join(root, "own", "later")
	write(t, filepath.Join(own, "secret.csv"), "1\n")
	write(t, filepath.Join(root, "own", "bases2", "shown.csv"), "1\n")
	write(t, filepath.Join(root, "own", "beside.csv"), "1\n")
	if err := os.Symlink(own, filepath.Join(root, "link")); err != nil {
		t.Skip(err)
	}
	w := open(t, Options{Private: []string{own, later, filepath.Join(t.TempDir(), "elsewhere")}}, root)
	write(t, filepath.Join(later, "secret.csv"), "1\n")
	w.scan(t.Context(), place{0, "."}, true)
	var paths []string
	for _, e := range w.Entries(t.Context()) {
		paths = append(paths, e.Path)
	}
	if want := []string{"own/beside.csv", "own/bases2/shown.csv"}; !slices.Equal(paths, want) {
		t.Errorf("%q are listed, want %q", paths, want)
	}
	for _, name := range []string{"secret", "secret.csv", "own/bases/secret.csv", "own/later/secret.csv", "own/bases2/../bases/secret.csv", "link/secret.csv", filepath.Join(own, "secret.csv")} {
		if e, err := w.Lookup(t.Context(), name); err == nil {
			t.Errorf("%s: %+v", name, e)
		}
	}
	for _, name := range []string{"own/bases/secret.csv", "own/bases/new.csv", "own/later/new.csv", "link/secret.csv", "link/new.csv", filepath.Join(own, "new.csv"), "own/bases"} {
		if target, err := w.Target(t.Context(), name); code(err) != CodeBadPath {
			t.Errorf("%s: %+v, %v", name, target, err)
		}
	}
	if _, err := w.Target(t.Context(), "own/bases2/new.csv"); err != nil {
		t.Error(err)
	}
	for _, inside := range []string{own, filepath.Join(own, "deeper")} {
		if err := os.MkdirAll(inside, 0o755); err != nil {
			t.Fatal(err)
		}
		if w, err := Open(t.Context(), Options{Roots: []string{inside}, Private: []string{own}, Logger: slog.New(slog.DiscardHandler)}); err == nil {
			w.Shut()
			t.Errorf("%s is served", inside)
		}
	}
}
