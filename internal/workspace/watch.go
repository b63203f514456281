package workspace

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// watch keeps the catalogue true. It owns the watcher and every change of the
// catalogue after Open, and returns when ctx is done.
func (w *Workspace) watch(ctx context.Context, watcher *fsnotify.Watcher) {
	defer watcher.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-watcher.Errors:
			// The queue overflowed or a root is gone: what was missed is found by looking.
			w.log.Warn("watching the roots failed; they are read again", "error", err)
			for i := range w.roots {
				w.refresh(i, ".", watcher)
			}
		case e := <-watcher.Events:
			touched := map[string]bool{e.Name: true}
			// A save makes a handful of events: take them together.
			for more := true; more && len(touched) < 1024; {
				select {
				case e := <-watcher.Events:
					touched[e.Name] = true
				default:
					more = false
				}
			}
			for name := range touched {
				if i, rel, ok := w.locate(name); ok {
					w.refresh(i, rel, watcher)
				}
			}
		}
	}
}

// locate gives the root that an absolute path lies under.
func (w *Workspace) locate(name string) (root int, rel string, ok bool) {
	for i, r := range w.roots {
		if rel, err := filepath.Rel(r.path, name); err == nil && filepath.IsLocal(rel) {
			return i, filepath.ToSlash(rel), true
		}
	}
	return 0, "", false
}

// refresh looks at what lies at rel of a root now and publishes the catalogue with it.
func (w *Workspace) refresh(root int, rel string, watcher *fsnotify.Watcher) {
	if hidden(rel) {
		return
	}
	entries, folders := w.present(root, rel)
	for _, f := range folders {
		if watcher != nil {
			// A folder that is gone again by now needs no watching.
			_ = watcher.Add(filepath.Join(w.roots[root].path, filepath.FromSlash(f)))
		}
	}
	w.mu.Lock()
	old := w.catalogue.Load()
	kept := old.without(root, rel)
	gone := len(old.entries) + len(old.foreign) - len(kept)
	if len(entries) == 0 && gone == 0 {
		w.mu.Unlock()
		return
	}
	next := newCatalogue(append(kept, entries...))
	w.catalogue.Store(next)
	w.unknown.clear()
	w.mu.Unlock()

	var changed []string
	for _, e := range entries {
		if before, _, ok := old.find(e.ID); !e.foreign && (!ok || before != e) {
			changed = append(changed, e.ID)
		}
	}
	for _, e := range old.entries {
		if _, _, ok := next.find(e.ID); !ok {
			changed = append(changed, e.ID)
			w.cache.drop(e.ID)
		}
	}
	w.hub.publish(changed)
}

// present gives what lies at rel now, be it a file, a folder or nothing.
func (w *Workspace) present(root int, rel string) ([]Entry, []string) {
	info, err := w.roots[root].dir.Lstat(filepath.FromSlash(rel))
	switch {
	case err != nil:
		return nil, nil
	case info.IsDir():
		return w.walk(root, rel)
	case info.Mode().IsRegular() && (w.listed(info.Name()) || w.foreign(info.Name())):
		return []Entry{w.entry(root, rel, info)}, nil
	}
	return nil, nil
}

// hidden reports whether some part of a relative path is left out of the catalogue.
func hidden(rel string) bool {
	return slices.ContainsFunc(strings.Split(rel, "/"), skipped)
}
