//go:build unix

package vfs

import (
	"os"
	"syscall"
)

// unlinked tells whether an open file has no name in any folder.
func unlinked(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false // what can be told of it the sync has told
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink == 0
}
