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

// outOfFiles tells whether a file could not be opened because too many are.
func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// fileLimit is the number of files that the process may have open.
func fileLimit() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	return int(min(uint64(limit.Cur), 1<<20))
}

// lockTemp takes the lock of a file that is being written, if it is free. It goes with the
// file's last descriptor.
func lockTemp(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
