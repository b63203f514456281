//go:build !unix

package workspace

import (
	"errors"
	"os"
)

// openFlags open a file for reading.
const openFlags = os.O_RDONLY

var errOutOfFiles = errors.New("too many open files")

// outOfFiles tells whether a file could not be opened because too many are.
func outOfFiles(error) bool { return false }

// lockTemp takes the lock of a file that is being written: here there are none, so that
// nothing is swept.
func lockTemp(f *os.File) error { return errors.ErrUnsupported }
