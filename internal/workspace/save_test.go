package workspace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"gridflow/internal/vfs"
	"gridflow/internal/vfs/crashfs"
)

// unlinked is a file system that has no links.
type unlinked struct{ *crashfs.FS }

func (unlinked) Link(string, string) error { return syscall.EPERM }

// onDisk gives what a file holds, "" where it is not there.
func onDisk(t *testing.T, f *crashfs.FS, name string) string {
	t.Helper()
	h, err := f.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(io.NewSectionReader(h, 0, 1<<40))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// saves are the ways in which a save replaces a file, or does not.
var saves = []struct {
	name string
	was  string // what is there before, "" for nothing
	o    WriteOptions
}{
	{"new", "", WriteOptions{}},
	{"overwrite", strings.Repeat("old", 1000), WriteOptions{Overwrite: true}},
	{"overwrite nothing", "", WriteOptions{Overwrite: true, Backup: true}},
	{"backup", strings.Repeat("old", 1000), WriteOptions{Overwrite: true, Backup: true}},
}

const savedText = "new"

// saveOn saves over what is on a file system, in which the backup of an older save is.
func saveOn(t *testing.T, dir saveFolder, o WriteOptions) error {
	t.Helper()
	target := Target{Path: "sub/a.xlsx", place: place{0, "sub/a.xlsx"}}
	return save(t.Context(), dir, target, o, func(w io.Writer) error {
		for range 4 {
			if _, err := io.WriteString(w, strings.Repeat(savedText, 250)); err != nil {
				return err
			}
		}
		return nil
	})
}

func diskWith(t *testing.T, was string) *crashfs.FS {
	t.Helper()
	f := crashfs.New()
	files := map[string]string{"sub/a.xlsx.bak": "older"}
	if was != "" {
		files["sub/a.xlsx"] = was
	}
	if err := f.MkdirAll("sub", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		h, err := f.Create(name, 0o640)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(h, text); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(h.Sync(), h.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.SyncDir("sub"), f.SyncDir(".")); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestSaveIsSynced: wherever the power is cut, the file is the old one or the new one as a
// whole; once a save has been acknowledged it is the new one, and where a backup was asked for
// the old one is that. Its content is synced before it gets its name, and its folder after.
func TestSaveIsSynced(t *testing.T) {
	whole := strings.Repeat(savedText, 1000)
	for _, s := range saves {
		for _, links := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, links %v", s.name, links), func(t *testing.T) {
				on := func(f *crashfs.FS) saveFolder {
					if links {
						return f
					}
					return unlinked{f}
				}
				seen := map[string]bool{}
				for stop, done := 1, false; !done; stop++ {
					for seed := range uint64(20) {
						f := diskWith(t, s.was)
						before := len(f.Ops())
						f.StopAfter(before + stop)
						err := saveOn(t, on(f), s.o)
						ops := f.Ops()[before:]
						done = len(ops) < stop
						if done && err != nil {
							t.Fatal(err)
						}
						if done {
							synced := slices.IndexFunc(ops, func(o crashfs.Op) bool { return o.Kind == crashfs.Sync && strings.Contains(o.Name, tempPrefix) })
							named := slices.IndexFunc(ops, func(o crashfs.Op) bool {
								return (o.Kind == crashfs.Rename || o.Kind == crashfs.Link) && strings.Contains(o.Name, tempPrefix)
							})
							folder := slices.IndexFunc(ops, func(o crashfs.Op) bool { return o.Kind == crashfs.SyncDir && o.Name == "sub" })
							if synced < 0 || named < synced || folder < named {
								t.Fatalf("synced, named and its folder synced as operations %d, %d and %d of %v", synced, named, folder, ops)
							}
						}
						for _, crash := range []func(*rand.Rand) *crashfs.FS{f.Crash, f.CrashReorder} {
							g := crash(rand.New(rand.NewPCG(seed, uint64(stop))))
							got, bak := onDisk(t, g, "sub/a.xlsx"), onDisk(t, g, "sub/a.xlsx.bak")
							if got != s.was && got != whole || done && got != whole {
								t.Fatalf("stopped after %v (%v): %.10q, %d bytes", ops, err, got, len(got))
							}
							kept := "older"
							if s.o.Backup && s.was != "" {
								kept = s.was
							}
							if bak != kept && (done || bak != "older") {
								t.Fatalf("stopped after %v (%v): the backup is %.10q", ops, err, bak)
							}
							seen[got] = true
						}
					}
				}
				if len(seen) != 2 {
					t.Error("the crashes have not made both outcomes")
				}
			})
		}
	}
}

// TestBaseIsSynced: wherever the power is cut while a base is kept, it is there as a whole or
// not at all; once a fork may be made on it, it is there. A disk that fails at any operation
// leaves nothing under the base's name that is not whole, and no temporary file.
func TestBaseIsSynced(t *testing.T) {
	whole := strings.Repeat("base", 1000)
	keep := func(f *crashfs.FS) error {
		return store(f, func(h vfs.File) (string, error) {
			for range 4 {
				if _, err := io.WriteString(h, whole[:len(whole)/4]); err != nil {
					return "", err
				}
			}
			return "hash.xlsx", nil
		})
	}
	seen := map[string]bool{}
	for stop, done := 1, false; !done; stop++ {
		for seed := range uint64(20) {
			f := crashfs.New()
			f.StopAfter(stop)
			err := keep(f)
			if done = len(f.Ops()) < stop; done && err != nil {
				t.Fatal(err)
			}
			for _, crash := range []func(*rand.Rand) *crashfs.FS{f.Crash, f.CrashReorder} {
				got := onDisk(t, crash(rand.New(rand.NewPCG(seed, uint64(stop)))), "hash.xlsx")
				if got != whole && (got != "" || err == nil) {
					t.Fatalf("stopped after %v (%v): %d bytes are there", f.Ops(), err, len(got))
				}
				seen[got] = true
			}
		}
	}
	if len(seen) != 2 {
		t.Error("the crashes have not made both outcomes")
	}
	for at, failed := 1, true; failed; at++ {
		f := crashfs.New()
		failed = false
		f.SetFault(func(o crashfs.Op) *crashfs.Fault {
			if o.N == at && o.Kind != crashfs.Remove {
				failed = true
				return &crashfs.Fault{Err: syscall.EIO, Short: 1}
			}
			return nil
		})
		if err := keep(f); err == nil && failed {
			t.Errorf("operation %d failed, and nobody was told", at)
		}
		if got := onDisk(t, f, "hash.xlsx"); got != "" && got != whole {
			t.Errorf("operation %d failed: %d bytes are there", at, len(got))
		}
		entries, err := f.ReadDir(".")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name() != "hash.xlsx" {
				t.Errorf("operation %d failed: %s is left", at, e.Name())
			}
		}
	}
}

// TestSaveFails: a disk that fails at any operation fails the save, and the file is the old one
// unless all that failed came after it had its name; nothing is left beside it.
func TestSaveFails(t *testing.T) {
	whole := strings.Repeat(savedText, 1000)
	for _, s := range saves {
		for at, done := 1, false; !done; at++ {
			f := diskWith(t, s.was)
			before := len(f.Ops())
			var failed crashfs.Kind
			f.SetFault(func(o crashfs.Op) *crashfs.Fault {
				if o.N == before+at {
					failed = o.Kind
					return &crashfs.Fault{Err: syscall.EIO, Short: 1}
				}
				return nil
			})
			err := saveOn(t, f, s.o)
			done = failed == ""
			want := s.was
			if done || failed == crashfs.SyncDir || failed == crashfs.Remove || failed == crashfs.Link && err == nil {
				want = whole // a link that fails is made up for
			}
			if got := onDisk(t, f, "sub/a.xlsx"); got != want || (err == nil) != (done || failed == crashfs.Remove || failed == crashfs.Link) {
				t.Errorf("%s: %s failed: %v, and the file is %.10q of %d bytes", s.name, failed, err, got, len(got))
			}
			f.SetFault(nil)
			list, err := f.ReadDir("sub")
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list {
				if isTemp(e.Name()) && failed != crashfs.Remove {
					t.Errorf("%s: %s failed, and %s is left", s.name, failed, e.Name())
				}
			}
		}
	}
}

// unclosed is a file system whose files cannot be closed, which is when some networks tell that a disk is full.
type unclosed struct{ *crashfs.FS }

func (u unclosed) Create(name string, mode fs.FileMode) (vfs.File, error) {
	f, err := u.FS.Create(name, mode)
	return unclosedFile{f}, err
}

type unclosedFile struct{ vfs.File }

func (f unclosedFile) Close() error { return errors.Join(f.File.Close(), syscall.ENOSPC) }

// TestSaveIsNotClosed: what a file says when it is closed counts as what it says before.
func TestSaveIsNotClosed(t *testing.T) {
	for _, s := range saves {
		f := diskWith(t, s.was)
		if err := saveOn(t, unclosed{f}, s.o); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: %v", s.name, err)
		}
		if got := onDisk(t, f, "sub/a.xlsx"); got != s.was {
			t.Errorf("%s: the file is %.10q of %d bytes", s.name, got, len(got))
		}
	}
}

// TestSavedMeanwhile: what another program has saved while a save was writing is not lost:
// the save is refused where it was made for another content, and leaves nothing.
func TestSavedMeanwhile(t *testing.T) {
	was := "what the fork was made of"
	sum := sha256.Sum256([]byte(was))
	expect := WriteOptions{Overwrite: true, Backup: true, Expect: []string{hex.EncodeToString(sum[:])}}
	for _, c := range []struct {
		name, was string
		o         WriteOptions
		theirs    string // "": they have deleted it
		code      string
	}{
		{"changed", was, expect, "theirs", CodeConflict},
		{"deleted", was, expect, "", CodeConflict},
		{"new", "", WriteOptions{}, "theirs", CodeExists},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := diskWith(t, c.was)
			target := Target{Path: "sub/a.xlsx", place: place{0, "sub/a.xlsx"}}
			err := save(t.Context(), f, target, c.o, func(w io.Writer) error {
				if err := f.Remove("sub/a.xlsx"); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
				if c.theirs != "" {
					h, err := f.Create("sub/a.xlsx", 0o644)
					if err != nil {
						return err
					}
					if _, err := io.WriteString(h, c.theirs); err != nil {
						return err
					}
				}
				_, err := io.WriteString(w, "ours")
				return err
			})
			var ours *Error
			if !errors.As(err, &ours) || ours.Code != c.code {
				t.Errorf("%v, want %s", err, c.code)
			}
			if got := onDisk(t, f, "sub/a.xlsx"); got != c.theirs {
				t.Errorf("the file holds %q, want %q", got, c.theirs)
			}
			if got := onDisk(t, f, "sub/a.xlsx.bak"); got != "older" {
				t.Errorf("the backup holds %q", got)
			}
			entries, err := f.ReadDir("sub")
			for _, e := range entries {
				if strings.HasPrefix(e.Name(), tempPrefix) {
					t.Errorf("%s is left", e.Name())
				}
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// raced is a file system on which somebody else makes the file in the last moment.
type raced struct{ *crashfs.FS }

func (r raced) Link(name, also string) error {
	f, err := r.Create(also, 0o644)
	if err == nil {
		_, err = io.WriteString(f, "theirs")
	}
	return errors.Join(err, r.FS.Link(name, also))
}

// TestSavedLast: a new file does not take the place of one that has come after the last look.
func TestSavedLast(t *testing.T) {
	f := diskWith(t, "")
	var ours *Error
	if err := saveOn(t, raced{f}, WriteOptions{}); !errors.As(err, &ours) || ours.Code != CodeExists {
		t.Errorf("%v, want %s", err, CodeExists)
	}
	if got := onDisk(t, f, "sub/a.xlsx"); got != "theirs" {
		t.Errorf("the file holds %q", got)
	}
}

// TestFolderIsMoved: while a file is written its folder is moved, within the root or out of it, and
// another or a link is put in its place. Nothing is written anywhere, and nothing half-written is left.
func TestFolderIsMoved(t *testing.T) {
	for way, o := range map[string]WriteOptions{"with a backup": {Overwrite: true, Backup: true}, "over it": {Overwrite: true}, "anew": {}} {
		t.Run(way, func(t *testing.T) { folderIsMoved(t, o) })
	}
}

func folderIsMoved(t *testing.T, o WriteOptions) {
	for _, c := range []struct{ name, to, instead string }{
		{"within", "root/moved", ""},
		{"out", "out/moved", ""},
		{"replaced", "root/moved", "folder"},
		{"replaced from outside", "out/moved", "folder"},
		{"by a link", "root/moved", "root/other"},
		{"by a link out", "out/moved", "out"},
		{"with the root", "gone/sub", ""},
		{"with the root, and replaced", "gone/sub", "folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := t.TempDir()
			for _, name := range []string{"root/sub", "root/other", "out"} {
				if err := os.MkdirAll(filepath.Join(base, name), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			write(t, filepath.Join(base, "root/sub/a.xlsx"), "as it was")
			w := open(t, Options{}, filepath.Join(base, "root"))
			name := "sub/a.xlsx"
			if !o.Overwrite {
				name = "sub/new.xlsx"
			}
			at, err := w.Target(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.Write(t.Context(), at, o, func(f io.Writer) error {
				sub := filepath.Join(base, "root/sub")
				from, to := sub, filepath.Join(base, c.to)
				if strings.HasPrefix(c.name, "with the root") {
					from, to = filepath.Dir(from), filepath.Dir(to)
				}
				err := os.Rename(from, to)
				switch c.instead {
				case "":
				case "folder":
					err = errors.Join(err, os.MkdirAll(sub, 0o755))
				default:
					err = errors.Join(err, os.Symlink(filepath.Join(base, c.instead), sub))
				}
				_, werr := io.WriteString(f, "other")
				return errors.Join(err, werr)
			})
			if code(err) != CodeBadPath {
				t.Errorf("%v, want %s", err, CodeBadPath)
			}
			var files []string
			filepath.WalkDir(base, func(p string, d os.DirEntry, _ error) error {
				if d.Type().IsRegular() {
					rel, _ := filepath.Rel(base, p)
					files = append(files, filepath.ToSlash(rel))
				}
				return nil
			})
			if want := []string{c.to + "/a.xlsx"}; !slices.Equal(files, want) {
				t.Errorf("there are %q, want %q", files, want)
			} else if now, _ := os.ReadFile(filepath.Join(base, files[0])); string(now) != "as it was" {
				t.Errorf("it is %q", now)
			}
		})
	}
}

// TestNamesThatAreThere: a file keeps its name however strange it is, and is saved over under
// it; but where the name of its backup would be too long nothing is saved.
func TestNamesThatAreThere(t *testing.T) {
	dir := t.TempDir()
	sound := string(loan(t))
	long := strings.Repeat("n", 250) + ".xlsx"
	for _, name := range []string{"line\nbreak.xlsx", "con.xlsx", " blank.xlsx", `quote"d.xlsx`, long} {
		write(t, filepath.Join(dir, name), sound)
	}
	w := open(t, Options{}, dir)
	for _, c := range []struct {
		name   string
		backup bool
		want   string
	}{
		{"line\nbreak.xlsx", true, ""}, {"con.xlsx", false, ""}, {" blank.xlsx", false, ""}, {`quote"d.xlsx`, true, ""}, {long, false, ""}, {long, true, CodeBadPath},
	} {
		at, err := w.Target(t.Context(), c.name)
		if err != nil {
			t.Errorf("%q: %v", c.name, err)
			continue
		}
		text := fmt.Sprint("other ", c.backup)
		_, err = w.Write(t.Context(), at, WriteOptions{Overwrite: true, Backup: c.backup}, func(f io.Writer) error {
			_, err := io.WriteString(f, text)
			return err
		})
		now, rerr := os.ReadFile(filepath.Join(dir, c.name))
		if (err != nil && code(err) != c.want) || (err == nil) != (c.want == "") || rerr != nil || (string(now) == text) != (c.want == "") {
			t.Errorf("%q: %v, want %q; now it is %.20q", c.name, err, c.want, now)
		}
	}
}

// TestBlanksAroundNames: a blank around a name is part of it where there is such a file, known
// or not, and is left away where there is none.
func TestBlanksAroundNames(t *testing.T) {
	dir := t.TempDir()
	w := open(t, Options{}, dir)
	w.Entries(t.Context())
	for _, known := range []bool{false, true} {
		for _, name := range []string{" a.csv", "a.csv ", "b.csv"} {
			write(t, filepath.Join(dir, name), "x\n")
			if known {
				w.scan(t.Context(), place{0, "."}, true)
			}
		}
		for id, want := range map[string]string{
			" a.csv": " a.csv", "b.csv": "b.csv", " b.csv": "b.csv", "b.csv\n": "b.csv", "\tb.csv ": "b.csv", "./ a.csv": " a.csv",
			filepath.Join(dir, " a.csv"): " a.csv", " " + filepath.Join(dir, "b.csv") + " ": "b.csv", "a.csv": "", "  a.csv": "",
		} {
			e, err := w.Lookup(t.Context(), id)
			if e.Path != want || (err == nil) != (want != "") {
				t.Errorf("known: %v, %q: %q, %v, want %q", known, id, e.Path, err, want)
			}
		}
	}
}

// TestHiddenTargets: nothing is written into a folder that is not served, such as that of a version control system.
func TestHiddenTargets(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".git", "hooks", "x"), "")
	write(t, filepath.Join(dir, "sub", ".git", "x"), "")
	if err := os.Symlink(".git", filepath.Join(dir, "seen")); err != nil {
		t.Skip(err)
	}
	w := open(t, Options{}, dir)
	for _, name := range []string{".git/a.xlsx", ".git/hooks/a.xlsx", "sub/.git/a.xlsx", "sub/../.git/a.xlsx", filepath.Join(dir, ".git", "a.xlsx"), "seen/a.xlsx"} {
		if target, err := w.Target(t.Context(), name); code(err) != CodeBadPath {
			t.Errorf("%s: %+v, %v", name, target, err)
		}
	}
}

// TestTargetTellsNothingOfOutside: of what lies outside of the roots nobody is told whether it is
// there, whoever asks; within one, by any of its names, it is told that a folder is missing.
func TestTargetTellsNothingOfOutside(t *testing.T) {
	base := t.TempDir()
	root := filepath.Join(base, "root")
	for _, dir := range []string{root, filepath.Join(base, "out", "deep"), filepath.Join(base, "second")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(base, "out", "file"), "x")
	for link, target := range map[string]string{"alias": root, "root/out": filepath.Join(base, "out"), "root/broken": filepath.Join(base, "none"), "root/second": filepath.Join(base, "second")} {
		if err := os.Symlink(target, filepath.Join(base, link)); err != nil {
			t.Fatal(err)
		}
	}
	w := open(t, Options{}, root, filepath.Join(base, "second"))
	const outside, missing = "it lies outside of the folders that are served", "its folder is not there"
	for name, want := range map[string]string{
		"out/new.xlsx": outside, "out/deep/new.xlsx": outside, "out/file/new.xlsx": outside, "none/new.xlsx": outside, "none/deep/new.xlsx": outside, "out/none/new.xlsx": outside,
		"root/out/new.xlsx": missing, "root/out/deep/new.xlsx": missing, "root/out/none/new.xlsx": missing, "root/broken/new.xlsx": missing,
		"root/none/new.xlsx": missing, "alias/none/new.xlsx": missing, "alias/none/deep/new.xlsx": missing,
		"root/new.xlsx": "", "alias/new.xlsx": "", "root/second/new.xlsx": "", "alias/second/new.xlsx": "",
	} {
		at, err := w.Target(t.Context(), filepath.Join(base, name))
		switch {
		case want == "" && (err != nil || at.Path != "new.xlsx"):
			t.Errorf("%s: %q, %v", name, at.Path, err)
		case want != "" && (code(err) != CodeBadPath || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want that %s", name, err, want)
		}
	}
}

// TestWriteBeside: a file that is replaced keeps its rights, which may be its owner's alone; a call that was given up while it
// wrote has changed nothing; and a name that begins with a dot is none for a workbook.
func TestWriteBeside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.csv")
	write(t, path, "old\n")
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	w := open(t, Options{Writes: true}, dir)
	target, err := w.Target(t.Context(), "a.csv")
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	if _, err := w.Write(ctx, target, WriteOptions{Overwrite: true}, func(f io.Writer) error {
		leave()
		_, err := io.WriteString(f, "new\n")
		return err
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "old\n" {
		t.Errorf("it has changed the file to %q", text)
	}
	if _, err := w.Write(t.Context(), target, WriteOptions{Overwrite: true}, func(f io.Writer) error {
		_, err := io.WriteString(f, "new\n")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if text, _ := os.ReadFile(path); err != nil || string(text) != "new\n" || info.Mode().Perm() != 0o600 {
		t.Errorf("%q with the mode %v, %v", text, info.Mode(), err)
	}
	for _, name := range []string{".a.csv", "sub/.a.csv", "."} {
		if _, err := w.Target(t.Context(), name); code(err) != CodeBadPath {
			t.Errorf("%s: %v", name, err)
		}
	}
	for limit, want := range map[int64]bool{3: false, 4: true} {
		if b, err := w.ReadFile(t.Context(), "a.csv", limit); (err == nil) != want || want && string(b) != "new\n" {
			t.Errorf("of four bytes, of which there may be %d: %q, %v", limit, b, err)
		}
	}
}
