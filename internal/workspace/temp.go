package workspace

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A file that is being written has a name of its own beside the one that it is to replace,
// and its writer holds a lock on it. Where the lock is free the writer has died.
const (
	tempPrefix = ".gridflow-" // the dot hides it from the catalogue
	tempSuffix = ".tmp"
)

func tempName() string { return tempPrefix + rand.Text() + tempSuffix }

func isTemp(name string) bool {
	return strings.HasPrefix(name, tempPrefix) && strings.HasSuffix(name, tempSuffix)
}

// tempAge is how old a file must be to be swept: it is not locked from its first moment on.
const tempAge = time.Minute

// sweepTemp removes what a writer that has died has left.
func (w *Workspace) sweepTemp(dir *os.Root, rel string) {
	name := filepath.FromSlash(rel)
	info, err := dir.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()) < tempAge {
		return
	}
	f, err := dir.OpenFile(name, openFlags, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if lockTemp(f) != nil {
		return // somebody is at it, or nobody can tell
	}
	if err := dir.Remove(name); err == nil {
		w.log.Info("a file that was never finished is removed", "path", rel)
	}
}
