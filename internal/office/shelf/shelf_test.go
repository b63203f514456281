package shelf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

func content(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

func put(t *testing.T, s *Shelf, name, text string) {
	t.Helper()
	f, err := s.Put(t.Context(), name, content(text))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<20)); err != nil || string(got) != text {
		t.Fatalf("%q: %v", got, err)
	}
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// age makes a file so many minutes older than it is.
func age(t *testing.T, dir, name string, minutes int) {
	t.Helper()
	at := time.Now().Add(-time.Duration(minutes) * time.Minute)
	if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
		t.Fatal(err)
	}
}

// TestBounds: the files that were used last stay, by number and by bytes.
func TestBounds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "here")
	s, err := Open(dir, 3, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, name := range []string{"a", "b", "c"} {
		put(t, s, name, name)
		age(t, dir, name, 30-i)
	}
	if f, err := s.Get("a"); err != nil { // used: b is the oldest now
		t.Fatal(err)
	} else {
		f.Close()
	}
	put(t, s, "d", "d")
	if got := names(t, dir); !slices.Equal(got, []string{"a", "c", "d"}) {
		t.Errorf("by number: %v", got)
	}
	put(t, s, "large", string(bytes.Repeat([]byte("x"), 200)))
	if got := names(t, dir); !slices.Equal(got, []string{"large"}) {
		t.Errorf("what was just made stays whatever its size: %v", got)
	}
	if _, err := s.Get("d"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is gone: %v", err)
	}
}

// TestWhole: a file that could not be written is not there, and one that a killed process was
// writing goes by and by.
func TestWhole(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{tempPrefix + "old", tempPrefix + "new"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	age(t, dir, tempPrefix+"old", 120)
	s, err := Open(dir, 10, 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	broken := errors.New("broken")
	if _, err := s.Put(t.Context(), "x", func(w io.Writer) error { io.WriteString(w, "half"); return broken }); err != broken {
		t.Errorf("%v", err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{tempPrefix + "new"}) {
		t.Errorf("%v", got)
	}
	put(t, s, "x", "whole")
	put2 := func(w io.Writer) error { t.Error("it is there"); return nil }
	if f, err := s.Put(t.Context(), "x", put2); err != nil {
		t.Error(err)
	} else {
		f.Close()
	}
}

// TestNames: a name leads nowhere else.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(filepath.Join(dir, "shelf"), 10, 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"", ".", "..", "../secret", "/etc/passwd", "a/b", ".part-x", "a..b", "a\x00", "ü", string(bytes.Repeat([]byte("a"), 200))} {
		if _, err := s.Get(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Get(%q): %v", name, err)
		}
		if _, err := s.Put(t.Context(), name, content("x")); err == nil {
			t.Errorf("Put(%q) was done", name)
		}
	}
}

// TestAtOnce: any number may put and get, also the same.
func TestAtOnce(t *testing.T) {
	s, err := Open(t.TempDir(), 4, 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for k := range 20 {
				name := fmt.Sprintf("f%d", (i+k)%6)
				f, err := s.Put(t.Context(), name, content(name))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := io.ReadAll(io.NewSectionReader(f, 0, 100)); err != nil || string(got) != name {
					t.Errorf("%s: %q, %v", name, got, err)
				}
				f.Close()
			}
		})
	}
	all.Wait()
}

// TestSynced: what is not on the disk is not on the shelf. A file that was closed stands for one whose
// content the disk does not take when it is synced.
func TestSynced(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, 3, 100)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := s.Put(t.Context(), "a", func(w io.Writer) error { return w.(*os.File).Close() }); err == nil {
		f.Close()
		t.Error("it is there, though it could not be synced")
	}
	if list := names(t, dir); len(list) > 0 {
		t.Errorf("it has left %q", list)
	}
	put(t, s, "a", "later")
}
