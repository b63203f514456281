//go:build unix

package vfs

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestSyncOfWhatIsDeleted: a file without a name is not durable; one that was renamed is.
func TestSyncOfWhatIsDeleted(t *testing.T) {
	dir := t.TempDir()
	o, err := OpenOS(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	f, err := o.Create("a", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sync := func(want error) {
		t.Helper()
		if _, err := f.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	sync(nil)
	if err := os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	sync(nil)
	if err := os.Remove(filepath.Join(dir, "b")); err != nil {
		t.Fatal(err)
	}
	sync(errUnlinked)
}
