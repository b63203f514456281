package crashfs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"syscall"
	"testing"

	"gridflow/internal/vfs"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, f *FS, name, content string) vfs.File {
	t.Helper()
	h, err := f.Create(name, 0o600)
	must(t, err)
	_, err = h.Write([]byte(content))
	must(t, err)
	return h
}

func content(t *testing.T, f *FS, name string) string {
	t.Helper()
	h, err := f.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "(none)"
	}
	must(t, err)
	info, err := h.Stat()
	must(t, err)
	b := make([]byte, info.Size())
	h.ReadAt(b, 0)
	return string(b)
}

// outcomes crashes a file system many times and counts what is seen.
func outcomes(see func(rnd *rand.Rand) string) map[string]int {
	seen := make(map[string]int)
	for i := range uint64(300) {
		seen[see(rand.New(rand.NewPCG(1, i)))]++
	}
	return seen
}

func wantOutcomes(t *testing.T, seen map[string]int, want ...string) {
	t.Helper()
	for _, w := range want {
		if seen[w] == 0 {
			t.Errorf("never seen: %.60q", w)
		}
		delete(seen, w)
	}
	for s, n := range seen {
		t.Errorf("%d times, and it must not be: %.60q", n, s)
	}
}

func TestSyncedIsKept(t *testing.T) {
	f := New()
	h := create(t, f, "a", "hello")
	must(t, h.Sync())
	must(t, f.SyncDir("."))
	wantOutcomes(t, outcomes(func(rnd *rand.Rand) string { return content(t, f.Crash(rnd), "a") }), "hello")
}

func TestNameIsNotContent(t *testing.T) {
	f := New()
	h := create(t, f, "a", "hello")
	must(t, h.Sync()) // but its name is not
	wantOutcomes(t, outcomes(func(rnd *rand.Rand) string { return content(t, f.Crash(rnd), "a") }), "hello", "(none)")

	f = New()
	create(t, f, "a", "hello")
	must(t, f.SyncDir(".")) // its name, but it is not
	wantOutcomes(t, outcomes(func(rnd *rand.Rand) string { return content(t, f.Crash(rnd), "a") }), "hello", "", "\x00\x00\x00\x00\x00")
}

func TestSectorsAreTornAndReordered(t *testing.T) {
	f := New()
	a, b, c := bytes.Repeat([]byte("a"), 2*Sector), bytes.Repeat([]byte("b"), 2*Sector), bytes.Repeat([]byte("c"), 2*Sector)
	h := create(t, f, "x", string(a))
	must(t, h.Sync())
	must(t, f.SyncDir("."))
	for _, v := range [][]byte{b, c} {
		if _, err := h.WriteAt(v, 0); err != nil {
			t.Fatal(err)
		}
	}
	var want []string
	for _, left := range [][]byte{a, b, c} {
		for _, right := range [][]byte{a, b, c} {
			want = append(want, string(left[:Sector])+string(right[Sector:]))
		}
	}
	wantOutcomes(t, outcomes(func(rnd *rand.Rand) string { return content(t, f.Crash(rnd), "x") }), want...)
}

func TestFailedSyncPromisesNothingLater(t *testing.T) {
	for _, rewritten := range []bool{false, true} {
		f := New()
		h := create(t, f, "x", "")
		must(t, h.Sync())
		must(t, f.SyncDir("."))
		f.SetFault(func(op Op) *Fault {
			if op.Kind == Sync {
				return &Fault{Err: syscall.EIO}
			}
			return nil
		})
		h.Write([]byte("a"))
		if err := h.Sync(); !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		f.SetFault(nil)
		want := []string{"a", "\x00"}
		if rewritten { // so it is dirty again
			h.WriteAt([]byte("a"), 0)
			want = want[:1]
		}
		must(t, h.Sync())
		wantOutcomes(t, outcomes(func(rnd *rand.Rand) string { return content(t, f.Crash(rnd), "x") }), want...)
	}
}

func TestFolderOrder(t *testing.T) {
	f := New()
	for _, name := range []string{"a", "b"} {
		must(t, create(t, f, name, name).Sync())
	}
	must(t, f.SyncDir("."))
	must(t, f.Rename("a", "b"))
	must(t, create(t, f, "c", "c").Sync())
	see := func(g *FS) string {
		return content(t, g, "a") + content(t, g, "b") + content(t, g, "c")
	}
	ordered := []string{"ab(none)", "(none)a(none)", "(none)ac"}
	wantOutcomes(t, outcomes(func(rnd *rand.Rand) string { return see(f.Crash(rnd)) }), ordered...)
	wantOutcomes(t, outcomes(func(rnd *rand.Rand) string { return see(f.CrashReorder(rnd)) }), append(ordered, "abc")...)
}

func TestNewFolderMayBeLost(t *testing.T) {
	f := New()
	must(t, f.MkdirAll("d/e", 0o700))
	must(t, create(t, f, "d/e/x", "x").Sync())
	must(t, f.SyncDir("d/e"))
	wantOutcomes(t, outcomes(func(rnd *rand.Rand) string { return content(t, f.Crash(rnd), "d/e/x") }), "x", "(none)")
	f = New()
	must(t, vfs.MakeDir(f, "d/e", 0o700))
	must(t, create(t, f, "d/e/x", "x").Sync())
	must(t, f.SyncDir("d/e"))
	wantOutcomes(t, outcomes(func(rnd *rand.Rand) string { return content(t, f.Crash(rnd), "d/e/x") }), "x")
}

func TestCapacity(t *testing.T) {
	f := New()
	f.SetCapacity(10)
	h := create(t, f, "a", "12345678")
	if n, err := h.Write([]byte("90abc")); n != 2 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%d, %v", n, err)
	}
	must(t, h.Truncate(1))
	if n, err := h.Write([]byte("23456")); n != 5 || err != nil || f.Used() != 6 || content(t, f, "a") != "123456" {
		t.Errorf("%d, %v, %d used, %q", n, err, f.Used(), content(t, f, "a"))
	}
	must(t, f.Remove("a"))
	if f.Used() != 0 {
		t.Errorf("%d used", f.Used())
	}
}

func TestStop(t *testing.T) {
	f := New()
	f.StopAfter(2)
	h := create(t, f, "a", "a")
	for name, err := range map[string]error{"sync": h.Sync(), "remove": f.Remove("a"), "dir": f.SyncDir("."), "mkdir": f.MkdirAll("d", 0)} {
		if !errors.Is(err, ErrStopped) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.Open("a"); !errors.Is(err, ErrStopped) {
		t.Error(err)
	}
	if fmt.Sprint(f.Ops()) != "[{1 create a} {2 write a}]" {
		t.Error(f.Ops())
	}
}

func TestShortWrite(t *testing.T) {
	f := New()
	f.SetFault(func(op Op) *Fault {
		if op.N == 2 {
			return &Fault{Err: syscall.EIO, Short: 3}
		}
		return nil
	})
	h, err := f.Create("a", 0)
	must(t, err)
	if n, err := h.Write([]byte("hello")); n != 3 || !errors.Is(err, syscall.EIO) || content(t, f, "a") != "hel" {
		t.Errorf("%d, %v, %q", n, err, content(t, f, "a"))
	}
}

// TestLink: a file that has two names is one file, also after a crash, and takes its room until
// both are gone. A new name is durable when its folder is.
func TestLink(t *testing.T) {
	f := New()
	must(t, create(t, f, "a", "content").Sync())
	must(t, f.SyncDir("."))
	must(t, f.Link("a", "b"))
	if err := f.Link("a", "b"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a name that is there: %v", err)
	}
	if err := f.Link("c", "d"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	wantOutcomes(t, outcomes(func(rnd *rand.Rand) string { return content(t, f.Crash(rnd), "b") }), "content", "(none)")

	f = New()
	must(t, create(t, f, "a", "content").Sync())
	must(t, f.Link("a", "b"))
	must(t, f.SyncDir("."))
	f = f.Crash(rand.New(rand.NewPCG(1, 1)))
	for _, name := range []string{"a", "b"} {
		if used := f.Used(); used != 7 {
			t.Errorf("before %s goes %d bytes are used, want 7", name, used)
		}
		must(t, f.Remove(name))
	}
	if used := f.Used(); used != 0 {
		t.Errorf("%d bytes are used by no file", used)
	}
}
