//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd && !windows

package vfs

import (
	"errors"
	"os"
)

// lock refuses: without one, two processes could write to the same folder.
func lock(f *os.File) error {
	return &os.PathError{Op: "lock", Path: f.Name(), Err: errors.ErrUnsupported}
}

func unlock(*os.File) error { return nil }
