package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// datasync leaves out the times of the file, which fsync would write as well.
func datasync(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		// An interrupted call has reported no error of the disk, so it may be made again.
		for failed = unix.Fdatasync(int(fd)); failed == unix.EINTR; {
			failed = unix.Fdatasync(int(fd))
		}
	})
	if err == nil && failed != nil {
		err = &os.PathError{Op: "fdatasync", Path: f.Name(), Err: failed}
	}
	return err
}
