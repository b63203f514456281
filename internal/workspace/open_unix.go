//go:build unix

package workspace

import (
	"errors"
	"os"
	"syscall"
)

// openFlags open a file for reading. A pipe in the place of a workbook is opened without
// waiting for somebody to write to it, and then refused.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK

// errOutOfFiles is one of which [outOfFiles] tells that.
const errOutOfFiles = syscall.EMFILE

// outOfFiles tells whether a file could not be opened because too many are.
func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// lockTemp takes the lock of a file that is being written, if it is free. It goes with the
// file's last descriptor.
func lockTemp(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
