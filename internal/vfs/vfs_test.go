package vfs_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"syscall"
	"testing"

	"gridflow/internal/vfs"
	"gridflow/internal/vfs/crashfs"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, f vfs.FS, name string) string {
	t.Helper()
	h, err := f.Open(name)
	must(t, err)
	defer h.Close()
	info, err := h.Stat()
	must(t, err)
	b := make([]byte, info.Size())
	if _, err := h.ReadAt(b, 0); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return string(b)
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

// Both file systems keep the same contract.
func TestContract(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) vfs.FS{
		"os": func(t *testing.T) vfs.FS {
			o, err := vfs.OpenOS(t.TempDir())
			must(t, err)
			t.Cleanup(func() { o.Close() })
			return o
		},
		"crashfs": func(*testing.T) vfs.FS { return crashfs.New() },
	} {
		t.Run(name, func(t *testing.T) { contract(t, open(t)) })
	}
}

func contract(t *testing.T, f vfs.FS) {
	must(t, vfs.MakeDir(f, "d/e", 0o700))
	must(t, vfs.MakeDir(f, "d/e", 0o700))
	h, err := f.Create("d/e/x", 0o600)
	must(t, err)
	_, err = h.Write([]byte("0123456789"))
	must(t, err)
	_, err = h.WriteAt([]byte("ab"), 2)
	must(t, err)
	must(t, h.Truncate(6))
	_, err = h.Write([]byte("!"))
	must(t, err)
	must(t, h.Sync())
	must(t, h.Close())
	if got := read(t, f, "d/e/x"); got != "01ab45!" {
		t.Errorf("%q", got)
	}
	if h.Name() != "d/e/x" {
		t.Errorf("name %q", h.Name())
	}
	h, err = f.OpenAppend("d/e/x")
	must(t, err)
	_, err = h.Write([]byte("more"))
	must(t, err)
	_, err = h.WriteAt([]byte("M"), 7)
	must(t, err)
	must(t, h.Close())
	if got := read(t, f, "d/e/x"); got != "01ab45!More" {
		t.Errorf("%q", got)
	}
	if err := h.Close(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
	_, exist := f.Create("d/e/x", 0o600)
	_, none := f.Open("d/e/y")
	_, noneToo := f.OpenAppend("d/e/y")
	_, noneEither := f.Stat("y")
	for _, c := range []struct {
		what      string
		err, want error
	}{
		{"created twice", exist, fs.ErrExist}, {"not there", none, fs.ErrNotExist}, {"not there", noneToo, fs.ErrNotExist},
		{"not there", noneEither, fs.ErrNotExist}, {"removed, not there", f.Remove("y"), fs.ErrNotExist},
		{"removed, not empty", f.Remove("d/e"), syscall.ENOTEMPTY}, {"renamed, not there", f.Rename("y", "z"), fs.ErrNotExist},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v", c.what, c.err)
		}
	}
	for _, outside := range []string{"../x", "/etc/passwd"} {
		if _, err := f.Open(outside); err == nil {
			t.Errorf("%s can be opened", outside)
		}
	}
	must(t, vfs.WriteFileAtomic(f, "d/e/a", 0o600, text("a")))
	must(t, f.Rename("d/e/x", "d/e/a"))
	must(t, f.SyncDir("d/e"))
	must(t, f.MkdirAll("d/e/sub", 0o700))
	entries, err := f.ReadDir("d/e")
	must(t, err)
	if got := fmt.Sprint(entries); len(entries) != 2 || entries[0].Name() != "a" || !entries[1].IsDir() || read(t, f, "d/e/a") != "01ab45!More" {
		t.Error(got)
	}

	l, err := f.Lock("d/LOCK")
	must(t, err)
	if _, err := f.Lock("d/LOCK"); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("locked twice: %v", err)
	}
	must(t, l.Close())
	l, err = f.Lock("d/LOCK")
	must(t, err)
	must(t, l.Close())
}

// Whatever operation fails, the file is the old one or the new one, and nothing is left.
func TestWriteFileAtomicFails(t *testing.T) {
	for n := 1; ; n++ {
		f := crashfs.New()
		must(t, vfs.WriteFileAtomic(f, "x", 0o600, text("old")))
		before := len(f.Ops())
		f.SetFault(func(op crashfs.Op) *crashfs.Fault {
			if op.N == before+n {
				return &crashfs.Fault{Err: syscall.EIO, Short: 1}
			}
			return nil
		})
		err := vfs.WriteFileAtomic(f, "x", 0o600, text("new"))
		done := len(f.Ops()) < before+n
		last := f.Ops()[len(f.Ops())-1]
		want := "old"
		var notDurable *vfs.NotDurableError
		switch {
		case errors.As(err, &notDurable) || err == nil:
			want = "new"
		case !errors.Is(err, syscall.EIO):
			t.Errorf("operation %d: %v", n, err)
		}
		if got := read(t, f, "x"); got != want {
			t.Errorf("operation %d (%v): %q after %v", n, last, got, err)
		}
		if entries, _ := f.ReadDir("."); len(entries) != 1 {
			t.Errorf("operation %d: left behind: %v", n, entries)
		}
		if done {
			if err != nil || n < 8 {
				t.Errorf("the last try, number %d: %v", n, err)
			}
			return
		}
	}
}

func TestWriteFileAtomicFull(t *testing.T) {
	f := crashfs.New()
	must(t, vfs.WriteFileAtomic(f, "x", 0o600, text("old")))
	f.SetCapacity(5)
	if err := vfs.WriteFileAtomic(f, "x", 0o600, text("new")); !errors.Is(err, syscall.ENOSPC) || read(t, f, "x") != "old" || f.Used() != 3 {
		t.Errorf("%v, %d used", err, f.Used())
	}
}

func TestWriteFileAtomicPanics(t *testing.T) {
	f := crashfs.New()
	func() {
		defer func() { recover() }()
		vfs.WriteFileAtomic(f, "x", 0o600, func(io.Writer) error { panic("no") })
	}()
	if entries, _ := f.ReadDir("."); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

// Wherever the machine stops, the next start finds the old content or the new one, and
// the new one for certain where the call had returned.
func TestWriteFileAtomicCrash(t *testing.T) {
	old, new := "old"+string(make([]byte, 1000)), "new"+string(make([]byte, 3000))
	seen := make(map[string]bool)
	for stop := 1; ; stop++ {
		done := false
		for seed := range uint64(20) {
			f := crashfs.New()
			must(t, vfs.WriteFileAtomic(f, "x", 0o600, text(old)))
			before := len(f.Ops())
			f.StopAfter(before + stop)
			err := vfs.WriteFileAtomic(f, "x", 0o600, text(new))
			done = len(f.Ops()) < before+stop
			for _, crash := range []func(*rand.Rand) *crashfs.FS{f.Crash, f.CrashReorder} {
				g := crash(rand.New(rand.NewPCG(seed, uint64(stop))))
				got := read(t, g, "x")
				if got != old && got != new || err == nil && got != new {
					t.Fatalf("stopped after operation %d of %v (%v): %.10q", stop, f.Ops()[before:], err, got)
				}
				seen[got[:3]] = true
				if n, err := vfs.SweepTemps(g, "."); err != nil || n > 1 {
					t.Fatal(n, err)
				}
				if entries, _ := g.ReadDir("."); len(entries) != 1 {
					t.Fatalf("left behind: %v", entries)
				}
			}
		}
		if done {
			break
		}
	}
	if len(seen) != 2 {
		t.Error("the crashes have not made both outcomes")
	}
}
