package workspace

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
)

// A root is a folder whose workbooks are served. What is opened is opened through dir,
// which cannot be left by any path. A root that is moved away or removed is lost until a
// folder is at its path again.
type root struct {
	index int
	path  string                    // absolute, without symbolic links
	dir   atomic.Pointer[directory] // the folder that was at the path when it was last looked for
	lost  bool                      // guarded by Workspace.looking

	disk *disk // which each read of a file passes
}

func (r *root) join(rel string) string { return filepath.Join(r.path, filepath.FromSlash(rel)) }

// inPlace tells whether the folder that is open as this root is at the root's path. What is written into another one, or
// beneath a file system that was mounted there since, would be found by nobody.
func (r *root) inPlace() bool { return r.dir.Load().isAt(r.path) }

func (w *Workspace) addRoot(p string) error {
	abs, err := filepath.Abs(p)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return fmt.Errorf("root %q: %w", p, err)
	}
	for _, r := range w.roots {
		if rel, err := filepath.Rel(r.path, abs); err == nil && filepath.IsLocal(rel) {
			return nil // part of another root already
		}
	}
	dir, err := openDirectory(abs)
	if err != nil {
		return fmt.Errorf("root %q: %w", p, err)
	}
	// A root inside the new one is part of it.
	w.roots = slices.DeleteFunc(w.roots, func(r *root) bool {
		rel, err := filepath.Rel(abs, r.path)
		inside := err == nil && filepath.IsLocal(rel)
		if inside {
			r.dir.Load().Close()
		}
		return inside
	})
	r := &root{path: abs}
	r.dir.Store(dir)
	if r.disk, err = newDisk(abs, w.readTimeout, w.log); err != nil {
		dir.Close()
		return fmt.Errorf("root %q: %w", p, err)
	}
	w.roots = append(w.roots, r)
	for i, r := range w.roots {
		r.index = i
	}
	return nil
}

// keepPrivate notes which folders are not served: what lies in them is in no list, no path leads to it, and
// nothing is written there. A root may not be within one.
func (w *Workspace) keepPrivate(folders []string) error {
	for _, p := range folders {
		abs, err := filepath.Abs(p)
		if err != nil {
			return err
		}
		abs = resolve(abs)
		for i, r := range w.roots {
			if rel, err := filepath.Rel(r.path, abs); err == nil && rel != "." && filepath.IsLocal(rel) {
				w.private = append(w.private, place{i, filepath.ToSlash(rel)})
			} else if rel, err := filepath.Rel(abs, r.path); err == nil && filepath.IsLocal(rel) {
				return fmt.Errorf("root %q lies within %s, which is the server's own", r.path, abs)
			}
		}
	}
	return nil
}

func (w *Workspace) closeRoots() {
	for _, r := range w.roots {
		r.dir.Load().Close()
	}
}

// isAbove tells whether a path is that of a root or of a folder above one.
func (w *Workspace) isAbove(name string) bool {
	return slices.ContainsFunc(w.roots, func(r *root) bool {
		rest, ok := strings.CutPrefix(r.path, name)
		return ok && (rest == "" || os.IsPathSeparator(rest[0]))
	})
}

// seek finds out which roots are where they should be: it notes those that are not, and
// opens those that are back. It watches the folders above the roots before it looks, so
// that a change in between brings it here again. A watch on the root itself would not do:
// a folder that is open does not tell that it was removed, and none tells that one above
// it was renamed.
func (w *Workspace) seek(ctx context.Context) {
	var back []int
	var gone []string
	w.looking.Lock()
	for i, r := range w.roots {
		// From the top downwards: a folder that is not there when its turn comes is told of by the
		// one above it, which is watched by then.
		for _, above := range slices.Backward(foldersAbove(r.path)) {
			// Another folder may be there than the one that is watched.
			if w.watcher != nil {
				_ = w.watcher.Remove(above)
				_ = w.watcher.Add(above)
			}
		}
		if !r.lost && !r.inPlace() {
			w.log.Warn("a root is gone; its workbooks are not served until it is back", "root", r.path)
			r.lost = true
			gone = append(gone, w.forget(place{i, "."})...)
		}
		if r.lost && r.reopen() {
			w.log.Info("a root is back", "root", r.path)
			back = append(back, i)
		}
	}
	w.looking.Unlock()
	w.tell(nil, gone)
	for _, i := range back {
		w.scan(ctx, place{i, "."}, true)
	}
}

// foldersAbove gives the folders that a path lies in, the nearest first.
func foldersAbove(path string) (list []string) {
	for above := filepath.Dir(path); above != path; path, above = above, filepath.Dir(above) {
		list = append(list, above)
	}
	return list
}

// reopen opens the folder that is now at the root's path. A symbolic link there would lead
// to a folder that nobody has named.
func (r *root) reopen() bool {
	if real, err := filepath.EvalSymlinks(r.path); err != nil || real != r.path {
		return false
	}
	dir, err := openDirectory(r.path)
	if err != nil {
		return false
	}
	// The one before closes itself when the last who uses it has let go of it.
	r.dir.Store(dir)
	r.lost = false
	return true
}
