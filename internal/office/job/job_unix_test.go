//go:build unix

package job

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestResultIsSwapped: what a worker puts in the place of its result, between the look at it and its
// opening, is not opened.
func TestResultIsSwapped(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, put := range map[string]func(path string) error{
		"nothing": nil,
		"a link":  func(path string) error { return os.Symlink(outside, path) },
		"a pipe":  func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"gone":    func(string) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			if err := os.WriteFile(path, []byte("result"), 0o600); err != nil {
				t.Fatal(err)
			}
			info, err := os.Lstat(path)
			if err == nil && put != nil {
				// Moved and not removed: its number must not be another's.
				err = errors.Join(os.Rename(path, path+".was"), put(path))
			}
			if err != nil {
				t.Fatal(err)
			}
			f, err := openSame(path, info)
			if err == nil {
				f.Close()
			}
			if (err == nil) != (put == nil) {
				t.Errorf("got %v", err)
			}
		})
	}
}
