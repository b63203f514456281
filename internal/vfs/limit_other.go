//go:build !unix

package vfs

// FilesMax is the number of files that the process may have open, where the system does not say.
func FilesMax() int { return 8192 }
