//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// lock belongs to the open file, so a second one in this process is refused as well.
func lock(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB) }); err != nil {
		return err
	}
	switch failed {
	case nil:
		return nil
	case unix.EWOULDBLOCK:
		return ErrLocked
	default:
		return &os.PathError{Op: "flock", Path: f.Name(), Err: failed}
	}
}
