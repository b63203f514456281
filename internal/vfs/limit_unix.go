//go:build unix

package vfs

import "syscall"

// FilesMax is the number of files, connections among them, that the process may have open.
func FilesMax() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	return int(min(uint64(limit.Cur), 1<<20))
}
