//go:build !linux

package vfs

import "os"

// datasync is the full sync; on a Mac it is the one that reaches the disk (F_FULLFSYNC).
func datasync(f *os.File) error { return f.Sync() }
