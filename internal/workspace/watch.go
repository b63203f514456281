package workspace

import (
	"context"
	"os"
	"path"
	"path/filepath"

	"github.com/fsnotify/fsnotify"

	"gridflow/internal/crew"
	"gridflow/internal/lock"
)

// touched gathers what the watcher tells until somebody has time for it. The watcher is
// never kept waiting: its queue in the system is short, and it holds a lock of its own
// while it hands over an error. What comes while a batch is worked off is the next batch,
// so that the more happens, the less each costs.
type touched struct {
	mu    lock.Mutex[lock.WorkspaceTouched]
	names map[string]fsnotify.Op
	lost  error         // why names is not all, nil where it is
	wake  chan struct{} // holds one token while there is something
}

// maxTouched bounds the names of a batch. Beyond it, everything is looked at.
const maxTouched = 1 << 16

func newTouched() *touched {
	return &touched{names: make(map[string]fsnotify.Op), wake: make(chan struct{}, 1)}
}

func (t *touched) add(name string, op fsnotify.Op) {
	t.mu.Lock()
	if len(t.names) >= maxTouched {
		t.names, t.lost = make(map[string]fsnotify.Op), fsnotify.ErrEventOverflow
	}
	if t.lost == nil {
		t.names[name] |= op
	}
	t.mu.Unlock()
	t.ring()
}

func (t *touched) lose(err error) {
	t.mu.Lock()
	t.lost = err
	t.mu.Unlock()
	t.ring()
}

func (t *touched) ring() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// take gives what was gathered since the last call.
func (t *touched) take() (names map[string]fsnotify.Op, lost error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	names, lost = t.names, t.lost
	t.names, t.lost = make(map[string]fsnotify.Op), nil
	return names, lost
}

// gather listens to the watcher until ctx is done.
func (w *Workspace) gather(ctx context.Context, t *touched) {
	for {
		select {
		case <-ctx.Done():
			return
		case err, ok := <-w.watcher.Errors:
			if !ok {
				return
			}
			t.lose(err)
		case e, ok := <-w.watcher.Events:
			if !ok {
				return
			}
			if w.matters(e) {
				t.add(e.Name, e.Op)
			}
		}
	}
}

// matters tells by its name and kind alone whether an event can be about a workbook or a
// folder: what is written to a file that is no workbook is nobody's business.
func (w *Workspace) matters(e fsnotify.Event) bool {
	if _, ok := w.locate(e.Name); !ok && !w.isAbove(e.Name) {
		return false // beside a root
	}
	return w.known(filepath.Base(e.Name)) || e.Has(fsnotify.Create|fsnotify.Remove|fsnotify.Rename|fsnotify.Chmod)
}

// watch keeps the catalogue true until ctx is done.
func (w *Workspace) watch(ctx context.Context, t *touched) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
			err := crew.Call(func() error {
				names, lost := t.take()
				if lost != nil {
					w.log.Warn("the watching of the roots missed something; they are read again", "error", lost)
					w.lookAtAll(ctx)
				}
				w.follow(ctx, names)
				return nil
			})
			if err != nil { // what changes next is followed again
				w.log.Error("changes of the roots could not be followed", "error", err)
			}
		}
	}
}

// lookAtAll reads all roots again. Folders may have been renamed unseen, so that each is
// watched anew.
func (w *Workspace) lookAtAll(ctx context.Context) {
	w.seek(ctx)
	for i := range w.roots {
		w.looking.Lock()
		w.unwatch(place{i, "."})
		w.looking.Unlock()
		w.scan(ctx, place{i, "."}, true)
	}
}

// unwatch stops watching a folder and all below without forgetting them.
func (w *Workspace) unwatch(at place) {
	var stop func(f *folder, rel string)
	stop = func(f *folder, rel string) {
		f.watched = false
		_ = w.watcher.Remove(w.roots[at.root].join(rel)) // that it is not watched is what is wanted
		for name, below := range f.folders {
			stop(below, path.Join(rel, name))
		}
	}
	if f := w.catalogue.folder(at.root, at.rel); f != nil {
		stop(f, at.rel)
	}
}

// locate gives the root that an absolute path lies under.
func (w *Workspace) locate(name string) (at place, ok bool) {
	for i, r := range w.roots {
		if rel, err := filepath.Rel(r.path, name); err == nil && filepath.IsLocal(rel) {
			return place{i, filepath.ToSlash(rel)}, true
		}
	}
	return place{}, false
}

// unmoved tells whether a folder is the one that was read at its place.
func (w *Workspace) unmoved(at place, f *folder) bool {
	info, err := w.roots[at.root].dir.Load().Lstat(filepath.FromSlash(at.rel))
	return err == nil && f.info != nil && os.SameFile(info, f.info)
}

// follow looks at what was touched and brings the catalogue up to date with it: first
// folders that are not what they were, because the path of one may be the new path of
// another; then files; then the insides of new folders.
func (w *Workspace) follow(ctx context.Context, names map[string]fsnotify.Op) {
	var look, enter []place
	var news, gone []string
	seek := false
	w.looking.Lock()
	for name, op := range names {
		at, ok := w.locate(name)
		if !ok || at.rel == "." && op.Has(fsnotify.Create|fsnotify.Remove|fsnotify.Rename) {
			seek = seek || w.isAbove(name)
			continue
		}
		if w.hidden(at) || w.roots[at.root].lost {
			continue
		}
		f := w.catalogue.folder(at.root, at.rel)
		moved := op.Has(fsnotify.Create | fsnotify.Remove | fsnotify.Rename)
		switch {
		case f != nil && op == fsnotify.Create && w.unmoved(at, f):
			enter = append(enter, at) // it was read before this was heard of
		case f != nil && moved:
			gone = append(gone, w.forget(at)...)
			look = append(look, at)
		case f != nil:
			// Only rights that it did not have matter.
			if op.Has(fsnotify.Chmod) && !(f.watched && f.read) {
				enter = append(enter, at)
			}
		case op.Has(fsnotify.Create) || w.known(path.Base(at.rel)):
			look = append(look, at)
		}
	}
	var t trouble
	for _, at := range look {
		parent := w.catalogue.folder(at.root, path.Dir(at.rel))
		if parent == nil {
			continue // it is read when the folder that holds it is
		}
		r, name := w.roots[at.root], path.Base(at.rel)
		info, err := r.dir.Load().Lstat(filepath.FromSlash(at.rel))
		switch {
		case err == nil && info.IsDir():
			enter = append(enter, at)
		case err == nil && info.Mode().IsRegular() && w.known(name):
			id, full := w.catalogue.set(parent, r, at.rel, info, !w.listed(name))
			if full {
				t.tooManyFiles++
			}
			if id != "" {
				news = append(news, id)
			}
			continue
		}
		if id := w.catalogue.unset(parent, name); id != "" {
			gone = append(gone, id)
		}
	}
	w.looking.Unlock()
	w.tell(news, gone)
	if t != (trouble{}) {
		t.log(w, "all")
	}
	for _, at := range enter {
		w.scan(ctx, at, true)
	}
	if seek {
		w.seek(ctx)
	}
}
