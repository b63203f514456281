//go:build !unix

package vfs

import "os"

// unlinked is false: a file that is open cannot be deleted here.
func unlinked(*os.File) bool { return false }
