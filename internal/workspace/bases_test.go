package workspace

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

func loan(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile("../../examples/loan.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sumOf reads all of a snapshot, so that every part of the file is touched.
func sumOf(t *testing.T, s *book.Snapshot) (n int) {
	t.Helper()
	for i := range s.Workbook().Sheets {
		sheet, err := s.Sheet(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		for range sheet.Cells(cell.Range{Last: cell.Ref{Row: cell.MaxRows - 1, Col: cell.MaxCols - 1}}) {
			n++
		}
	}
	return n
}

// A base outlives the file: replaced, overwritten in place, gone, and the server started
// anew; and while the file is as it was, both are read once.
func TestBaseOutlivesItsFile(t *testing.T) {
	dir, state := t.TempDir(), filepath.Join(t.TempDir(), "bases")
	path := filepath.Join(dir, "a.xlsx")
	sound := loan(t)
	write(t, path, string(sound))
	w := open(t, Options{Bases: state}, dir)
	var want int
	if err := w.View(t.Context(), "a", func(s *book.Snapshot) error { want = sumOf(t, s); return nil }); err != nil {
		t.Fatal(err)
	}
	_, hold, err := w.KeepBase(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(sound); hold.SHA256 != hex.EncodeToString(sum[:]) || hold.Ext != ".xlsx" || hold.Bytes != int64(len(sound)) {
		t.Errorf("kept %+v", hold.Base)
	}
	again, err := w.HoldBase(t.Context(), hold.Base)
	if err != nil {
		t.Fatal(err)
	}
	if again.Snapshot() != hold.Snapshot() || w.Stats().Loads != 1 {
		t.Errorf("read %d times", w.Stats().Loads)
	}
	again.Release()
	again.Release()

	write(t, path, strings.Repeat("x", len(sound))) // in place
	if got := sumOf(t, hold.Snapshot()); got != want {
		t.Errorf("%d cells of a base whose file was overwritten, want %d", got, want)
	}
	os.Remove(path)
	w.Close(context.Background(), "a")
	if got := sumOf(t, hold.Snapshot()); got != want {
		t.Errorf("%d cells of a base whose file is gone, want %d", got, want)
	}
	b := hold.Base
	hold.Release()
	if w.bases.inUse(b) != nil {
		t.Error("a base that nobody holds is in use")
	}

	w2 := open(t, Options{Bases: state}, dir)
	if kept, err := w2.KeptBases(); err != nil || len(kept) != 1 || kept[0] != b {
		t.Fatalf("kept: %v, %v", kept, err)
	}
	cold, err := w2.HoldBase(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	defer cold.Release()
	if got := sumOf(t, cold.Snapshot()); got != want {
		t.Errorf("%d cells after a new start, want %d", got, want)
	}
	if err := w2.DropBase(b); err != nil {
		t.Fatal(err)
	}
	if _, err := w2.HoldBase(t.Context(), Base{strings.Repeat("0", 64), ".xlsx", 1}); err == nil {
		t.Error("a base that was never kept can be held")
	}
}

// A part of the file that is first read after the file was overwritten in place comes from
// the kept copy.
func TestBaseOfWorkbookNotYetRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.xlsx")
	sound := loan(t)
	write(t, path, string(sound))
	w := open(t, Options{Bases: filepath.Join(t.TempDir(), "bases")}, dir)
	_, hold, err := w.KeepBase(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Release()
	write(t, path, strings.Repeat("x", len(sound)))
	if sumOf(t, hold.Snapshot()) == 0 {
		t.Error("no cells")
	}
}

// Fifty who keep one workbook at once copy it once.
func TestKeepOnce(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "a.xlsx"), string(loan(t)))
	w := open(t, Options{Bases: state}, dir)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			_, hold, err := w.KeepBase(t.Context(), "a")
			if err != nil {
				t.Error(err)
				return
			}
			sumOf(t, hold.Snapshot())
			hold.Again().Release()
			hold.Release()
		})
	}
	wg.Wait()
	if s := w.Stats(); s.Loads != 1 {
		t.Errorf("%+v", s)
	}
	if left, _ := os.ReadDir(state); len(left) != 1 {
		t.Errorf("%d files in the store", len(left))
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.xlsx"), string(loan(t)))
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("sub", filepath.Join(dir, "alias")); err != nil {
		t.Fatal(err)
	}
	w := open(t, Options{}, dir)
	save := func(name string, o WriteOptions, text string, fail error) (Entry, error) {
		at, err := w.Target(context.Background(), name)
		if err != nil {
			return Entry{}, err
		}
		return w.Write(t.Context(), at, o, func(f io.Writer) error {
			if _, err := io.WriteString(f, text); err != nil {
				return err
			}
			return fail
		})
	}
	sound := string(loan(t))
	e, err := save("sub/b.xlsx", WriteOptions{}, sound, nil)
	if err != nil || e.Path != "sub/b.xlsx" {
		t.Fatalf("%+v, %v", e, err)
	}
	if _, err := w.Lookup(t.Context(), "b"); err != nil {
		t.Errorf("what was written is not in the catalogue: %v", err)
	}
	sum := sha256.Sum256([]byte(sound))
	hash := hex.EncodeToString(sum[:])
	for _, c := range []struct {
		name string
		o    WriteOptions
		fail error
		want string
	}{
		{"sub/b.xlsx", WriteOptions{}, nil, CodeExists},
		{"alias/b.xlsx", WriteOptions{}, nil, CodeExists}, // another spelling
		{"sub/../sub/b.xlsx", WriteOptions{}, nil, CodeExists},
		{"sub/b.xlsx", WriteOptions{Overwrite: true, Expect: []string{strings.Repeat("0", 64)}}, nil, CodeConflict},
		{"gone.xlsx", WriteOptions{Overwrite: true, Expect: []string{hash}}, nil, CodeConflict},
		{"../c.xlsx", WriteOptions{}, nil, CodeBadPath},
		{"out/c.xlsx", WriteOptions{}, nil, CodeBadPath},
		{"nowhere/c.xlsx", WriteOptions{}, nil, CodeBadPath},
		{"sub", WriteOptions{Overwrite: true}, nil, CodeBadPath},
		{"", WriteOptions{}, nil, CodeBadPath},
		{".hidden/c.xlsx", WriteOptions{}, nil, CodeBadPath},
		{".c.xlsx", WriteOptions{}, nil, CodeBadPath},
		{"~$c.xlsx", WriteOptions{}, nil, CodeBadPath},
		{"a\x00.xlsx", WriteOptions{}, nil, CodeBadPath},
		{"a\nb.xlsx", WriteOptions{}, nil, CodeBadPath},
		{"sub/a\u2028b.xlsx", WriteOptions{Overwrite: true}, nil, CodeBadPath},
		{" a.xlsx", WriteOptions{}, nil, CodeBadPath},
		{"a.xlsx ", WriteOptions{Overwrite: true}, nil, CodeBadPath},
		{"a.xlsx.", WriteOptions{}, nil, CodeBadPath},
		{"con.xlsx", WriteOptions{}, nil, CodeBadPath},
		{"sub/Lpt1 .tar.xlsx", WriteOptions{}, nil, CodeBadPath},
		{"C:x.xlsx", WriteOptions{}, nil, CodeBadPath},
		{`sub\c.xlsx`, WriteOptions{}, nil, CodeBadPath},
		{"a\xff.xlsx", WriteOptions{}, nil, CodeBadPath},
		{strings.Repeat("n", 251) + ".xlsx", WriteOptions{}, nil, CodeBadPath},
		{strings.Repeat("n", 5000) + ".xlsx", WriteOptions{}, nil, CodeBadPath},
		{filepath.Join(outside, "c.xlsx"), WriteOptions{}, nil, CodeBadPath},
		{"sub/b.xlsx", WriteOptions{Overwrite: true}, errNotRegular("fault"), CodeUnsupported},
	} {
		if _, err := save(c.name, c.o, "other", c.fail); code(err) != c.want {
			t.Errorf("%q %+v: %v, want %s", c.name, c.o, err, c.want)
		}
	}
	if now, _ := os.ReadFile(filepath.Join(dir, "sub/b.xlsx")); string(now) != sound {
		t.Error("a refused write changed the file")
	}
	if _, err := save("sub/b.xlsx", WriteOptions{Overwrite: true, Expect: []string{"other", hash}, Backup: true}, "other", nil); err != nil {
		t.Error(err)
	}
	if now, _ := os.ReadFile(filepath.Join(dir, "sub/b.xlsx")); string(now) != "other" {
		t.Errorf("now %q", now)
	}
	if was, _ := os.ReadFile(filepath.Join(dir, "sub/b.xlsx.bak")); string(was) != sound {
		t.Error("no backup of what was there")
	}
	var names []string
	filepath.WalkDir(dir, func(p string, d os.DirEntry, _ error) error {
		if !d.IsDir() {
			names = append(names, filepath.Base(p))
		}
		return nil
	})
	if got := strings.Join(names, " "); got != "a.xlsx alias out b.xlsx b.xlsx.bak" {
		t.Errorf("left behind: %s", got)
	}
	if left, _ := os.ReadDir(outside); len(left) != 0 {
		t.Error("written outside")
	}
}

// What a writer that died has left goes when its folder is read, and what one that lives is
// at stays.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{tempName(), tempName(), tempPrefix + "mine", "a.xlsx"} {
		write(t, filepath.Join(dir, name), "x")
		os.Chtimes(filepath.Join(dir, name), old, old)
	}
	young := tempName()
	write(t, filepath.Join(dir, young), "x")
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	held := tempName() // of a save that takes its time
	f, err := rootFolder{root}.Create(held, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	os.Chtimes(filepath.Join(dir, held), old, old)
	if other, err := os.Open(filepath.Join(dir, young)); err != nil {
		t.Fatal(err)
	} else if err := lockTemp(other); err != nil {
		t.Skipf("no locks here: %v", err)
	} else {
		other.Close()
	}
	left := func() (n int) {
		list, _ := os.ReadDir(dir)
		return len(list)
	}
	w := open(t, Options{}, dir)
	<-w.walked
	if n := left(); n != 6 {
		t.Errorf("a server that may not write has removed %d files", 6-n)
	}
	w = open(t, Options{Writes: true}, dir)
	<-w.walked
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		if name := e.Name(); name != "a.xlsx" && name != young && name != held && name != tempPrefix+"mine" {
			t.Errorf("%s is left", name)
		}
	}
	if n := left(); n != 4 {
		t.Errorf("%d files are left, want 4", n)
	}
}

// However often a base is dropped and kept again, no more files are open, and the bytes are
// there each time.
func TestKeepAgainAfterDrop(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "a.xlsx"), string(loan(t)))
	write(t, filepath.Join(dir, "twin.xlsx"), string(loan(t)))
	w := open(t, Options{Bases: state}, dir)
	var files int64
	for n := range 8 {
		for _, id := range []string{"a", "twin"} {
			_, hold, err := w.KeepBase(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(state, hold.file())); err != nil {
				t.Fatalf("round %d, %s: %v", n, id, err)
			}
			if sumOf(t, hold.Snapshot()) == 0 {
				t.Fatal("no cells")
			}
			hold.Release()
			if err := w.DropBase(hold.Base); err != nil {
				t.Fatal(err)
			}
		}
		if n == 0 {
			files = w.cache.files.Load()
		}
	}
	if now := w.cache.files.Load(); now != files {
		t.Errorf("%d files are open, %d after the first round", now, files)
	}
}

// All who hold the same bytes have the same snapshot, whichever file they came by.
func TestOneSnapshotOfABase(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "a.xlsx"), string(loan(t)))
	write(t, filepath.Join(dir, "twin.xlsx"), string(loan(t)))
	w := open(t, Options{Bases: state}, dir)
	_, hold, err := w.KeepBase(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	hold.Release()
	w.Shut()
	w = open(t, Options{Bases: state}, dir)
	first, err := w.HoldBase(t.Context(), hold.Base) // the kept copy
	if err != nil {
		t.Fatal(err)
	}
	defer first.Release()
	for _, id := range []string{"a", "twin"} {
		_, h, err := w.KeepBase(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if h.Snapshot() != first.Snapshot() {
			t.Errorf("%s has another snapshot", id)
		}
		h.Release()
	}
}

// fullDisk takes so many bytes, and no more.
type fullDisk int

func (d *fullDisk) Write(b []byte) (int, error) {
	if n := int(*d); n < len(b) {
		*d = 0
		return n, syscall.ENOSPC
	}
	*d -= fullDisk(len(b))
	return len(b), nil
}

// TestHashingOntoAFullDisk: what is hashed while it is copied is not copied in part without a word.
func TestHashingOntoAFullDisk(t *testing.T) {
	const size = 3 << 20
	for room, want := range map[fullDisk]error{size: nil, size - 1: syscall.ENOSPC, 0: syscall.ENOSPC} {
		disk := room
		if err := hashing(t.Context(), bytes.NewReader(make([]byte, size)), io.MultiWriter(sha256.New(), &disk)); err != want {
			t.Errorf("with room for %d bytes: %v, want %v", room, err, want)
		}
	}
}

// TestFilesAreClosed: of a file that changes again and again one revision is open; a base is open as long as one of its holds
// is not released, however often another is; and in the end nothing is open, nor known as a base in use.
func TestFilesAreClosed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.xlsx")
	sound := string(loan(t))
	write(t, path, sound)
	w := open(t, Options{Bases: filepath.Join(t.TempDir(), "bases")}, dir)
	for i := range 5 {
		if err := replace(path, sound); err != nil {
			t.Fatal(err)
		}
		if err := w.View(t.Context(), "a", func(*book.Snapshot) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if n := w.cache.files.Load(); n != 1 {
			t.Fatalf("after %d changes %d files are open", i, n)
		}
	}
	_, hold, err := w.KeepBase(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	again := hold.Again()
	hold.Release()
	hold.Release()
	if _, err := w.Close(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if sumOf(t, again.Snapshot()) == 0 {
		t.Error("there is nothing in a base that is held")
	}
	again.Release()
	if n := w.cache.files.Load(); n != 0 || len(w.bases.byHash) != 0 {
		t.Errorf("in the end %d files are open, and %d bases in use", n, len(w.bases.byHash))
	}
}

// TestBasesInUse: an opened file that its last user has just left stands for no base any more, and when that is told it
// takes away no other that has come in its place.
func TestBasesInUse(t *testing.T) {
	b := Base{SHA256: "h"}
	left, newer := &opened{base: b.SHA256}, &opened{base: b.SHA256, users: 1}
	s := bases{byHash: map[string]*opened{b.SHA256: left}}
	if s.inUse(b) != nil || left.users != 0 {
		t.Error("what everybody has left is used again")
	}
	if got := s.adopt(b, newer); got != newer {
		t.Error("it stands for the base still")
	}
	s.forget(left)
	if s.inUse(b) != newer {
		t.Error("the newer one is forgotten")
	}
	s.forget(newer)
	if len(s.byHash) != 0 {
		t.Error("it is not forgotten")
	}
}

// TestKeepOfAMovingFile: what is written while it is copied becomes no base.
func TestKeepOfAMovingFile(t *testing.T) {
	dir, state := t.TempDir(), filepath.Join(t.TempDir(), "bases")
	path := filepath.Join(dir, "a.xlsx")
	write(t, path, string(loan(t)))
	w := open(t, Options{Bases: state}, dir)
	e, err := w.Lookup(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.useEntry(t.Context(), e, func(_ *opened, l *loaded) error {
		write(t, path, strings.Repeat("x", 1000)) // in place
		_, err := w.keep(t.Context(), e, l)
		return err
	}); code(err) != CodeChanged {
		t.Errorf("it is kept: %v", err)
	}
	if left, _ := os.ReadDir(state); len(left) > 0 {
		t.Errorf("left is %v", left)
	}
}

// TestBasesOfOthers: in a state folder of another process nothing is made and nothing taken away.
func TestBasesOfOthers(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	copying := filepath.Join(state, tempName())
	write(t, copying, "half of it")
	open(t, Options{Bases: state, BasesRead: true}, dir)
	if _, err := os.Stat(copying); err != nil {
		t.Errorf("what the other was writing: %v", err)
	}
	none := filepath.Join(state, "none")
	if w, err := Open(t.Context(), Options{Roots: []string{dir}, Bases: none, BasesRead: true}); err == nil {
		w.Shut()
		t.Error("a state folder that is not there was opened")
	}
	if _, err := os.Stat(none); err == nil {
		t.Error("it was made")
	}
}

// TestNamesOfBases: a base has its file's extension in small letters, as forks and saves compare it; what else lies in the
// folder is none; and one that is gone is dropped.
func TestNamesOfBases(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "Loan.XLSX"), string(loan(t)))
	write(t, filepath.Join(state, "readme.xlsx"), "x")
	w := open(t, Options{Bases: state}, dir)
	_, hold, err := w.KeepBase(t.Context(), "loan")
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Release()
	list, err := w.KeptBases()
	if err != nil || len(list) != 1 || list[0] != hold.Base || hold.Ext != ".xlsx" {
		t.Errorf("kept is %+v, and listed are %+v, %v", hold.Base, list, err)
	}
	for range 2 {
		if err := w.DropBase(hold.Base); err != nil {
			t.Error(err)
		}
	}
}
