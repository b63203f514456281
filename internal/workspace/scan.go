package workspace

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"gridflow/internal/principal"
)

// listed reports whether a file of that name is a workbook by its extension and no
// lock or temporary file of a spreadsheet program.
func (w *Workspace) listed(name string) bool {
	if strings.HasPrefix(name, "~$") || strings.HasPrefix(name, ".") {
		return false
	}
	return slices.Contains(w.extensions, strings.ToLower(path.Ext(name)))
}

// foreignFormats are the extensions of spreadsheets that do not open. Whoever names such a
// file is told that, and not that there is none.
var foreignFormats = map[string]string{
	".xls": "an Excel 97-2003 workbook", ".xlt": "an Excel 97-2003 template", ".xlsb": "a binary workbook", ".ods": "an OpenDocument spreadsheet",
	".ots": "an OpenDocument template", ".fods": "a flat OpenDocument spreadsheet", ".numbers": "a Numbers document",
}

// known reports whether the catalogue holds a file of that name: as a workbook, or as one
// of a foreign format.
func (w *Workspace) known(name string) bool {
	if w.listed(name) {
		return true
	}
	return foreignFormats[strings.ToLower(path.Ext(name))] != "" && !strings.HasPrefix(name, "~$") && !strings.HasPrefix(name, ".")
}

// skipped reports whether a folder of that name is left out.
func skipped(name string) bool {
	return name != "." && strings.HasPrefix(name, ".") || name == "node_modules" || name == "__MACOSX"
}

// hidden reports whether a place lies in a folder that is left out of the catalogue, or is one.
func (w *Workspace) hidden(at place) bool {
	return slices.ContainsFunc(strings.Split(at.rel, "/"), skipped) || slices.ContainsFunc(w.private, at.within)
}

// A place is a path under a root.
type place struct {
	root int
	rel  string // with forward slashes; "." is the root itself
}

// within tells whether a place is a folder, or lies in it.
func (p place) within(folder place) bool {
	n := len(folder.rel)
	return p.root == folder.root && len(p.rel) >= n && sameNames(p.rel[:n], folder.rel) && (len(p.rel) == n || p.rel[n] == '/')
}

// sameNames compares paths. Where the system takes large and small letters in them for the same, so does it.
func sameNames(a, b string) bool {
	return a == b || (runtime.GOOS == "windows" || runtime.GOOS == "darwin") && strings.EqualFold(a, b)
}

// trouble is what a scan could not do, told in one line for each kind, however often:
// one locked folder neither hides the others nor fills the log.
type trouble struct {
	unread, unwatched, tooMany, tooManyFiles int
	firstUnread, firstUnwatched              string // path and error
}

func (t *trouble) log(w *Workspace, root string) {
	if t.unread > 0 {
		w.log.Warn("folders cannot be listed; their workbooks are found by path only", "root", root, "folders", t.unread, "first", t.firstUnread)
	}
	if t.unwatched > 0 {
		w.log.Warn("folders cannot be watched; changes in them are seen when their files are read", "root", root, "folders", t.unwatched, "first", t.firstUnwatched)
	}
	if t.tooMany > 0 {
		w.log.Warn("there are too many folders; the rest is left out", "root", root, "bound", maxFolders)
	}
	if t.tooManyFiles > 0 {
		w.log.Warn("there are too many workbooks; the rest is left out", "root", root, "bound", maxEntries)
	}
}

// scan makes known what lies at a place and below. Each folder is watched before it is
// read: what is made in between is seen twice rather than never. With tell, subscribers
// hear of what is new.
func (w *Workspace) scan(ctx context.Context, at place, tell bool) {
	var t trouble
	todo := []string{at.rel}
	for len(todo) > 0 && ctx.Err() == nil {
		rel := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		below, news, gone := w.scanFolder(ctx, place{at.root, rel}, &t)
		todo = append(todo, below...)
		if tell {
			w.tell(news, gone)
		} else {
			w.tell(nil, gone)
		}
	}
	t.log(w, w.roots[at.root].path)
}

// scanFolder makes known what one folder holds now. It looks and notes what it saw
// without anything else being noted in between, so that a later event about one of the
// files is later than what is noted here. It gives the folders in it, the workbooks that
// are new or changed, and those that are gone.
func (w *Workspace) scanFolder(ctx context.Context, at place, t *trouble) (below, news, gone []string) {
	w.looking.Lock()
	defer w.looking.Unlock()
	r, c := w.roots[at.root], w.catalogue
	if r.lost {
		return nil, nil, nil
	}
	f, full := c.enter(at.root, at.rel)
	if f == nil {
		if full {
			t.tooMany++
		}
		return nil, nil, nil
	}
	if w.watcher != nil && !f.watched {
		if err := w.watcher.Add(r.join(at.rel)); err == nil {
			f.watched = true
		} else if !errors.Is(err, fs.ErrNotExist) {
			if t.unwatched++; t.unwatched == 1 {
				t.firstUnwatched = at.rel + ": " + err.Error()
			}
		}
	}

	staleFiles, staleFolders := maps.Clone(f.files), maps.Clone(f.folders)
	err := w.readFolder(ctx, r, at.rel, f, func(name string, d fs.DirEntry) {
		rel := path.Join(at.rel, name)
		switch {
		case d.IsDir():
			if !w.hidden(place{at.root, rel}) {
				delete(staleFolders, name)
				below = append(below, rel)
			}
		case d.Type().IsRegular() && isTemp(name):
			if w.writes {
				w.sweepTemp(r.dir.Load().Root, rel)
			}
		case d.Type().IsRegular() && w.known(name):
			info, err := d.Info()
			if err != nil {
				return
			}
			delete(staleFiles, name)
			id, full := c.set(f, r, rel, info, !w.listed(name))
			if full {
				t.tooManyFiles++
			}
			if id != "" {
				news = append(news, id)
			}
		}
	})
	f.read = err == nil
	w.miss(at, outOfFiles(err))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, w.forget(at)
	case ctx.Err() != nil:
		return nil, news, nil
	case err != nil:
		if t.unread++; t.unread == 1 {
			t.firstUnread = at.rel + ": " + err.Error()
		}
		return below, news, nil
	}
	for name := range staleFiles {
		gone = append(gone, c.unset(f, name))
	}
	for name := range staleFolders {
		gone = append(gone, w.forget(place{at.root, path.Join(at.rel, name)})...)
	}
	return below, news, gone
}

// miss notes whether a folder is to be read again once files can be opened; w.looking is held.
func (w *Workspace) miss(at place, missed bool) {
	if missed && w.missed == nil {
		w.missed = make(map[place]bool)
	}
	if missed {
		w.missed[at] = true
	} else {
		delete(w.missed, at)
	}
	w.misses.Store(int32(len(w.missed)))
}

// readMissed reads the folders, of those that a principal sees, which could not be read because too
// many files were open, and tells whether there were any. It gives an error where that is so still:
// of what is in them nobody can tell then that it is not there.
func (w *Workspace) readMissed(ctx context.Context, seen *principal.Principal) (again bool, err error) {
	if w.misses.Load() == 0 {
		return false, nil
	}
	w.looking.Lock()
	missed := slices.Collect(maps.Keys(w.missed))
	w.looking.Unlock()
	for _, at := range missed {
		r := w.roots[at.root]
		if !seen.Sees(r.path) {
			continue
		}
		// Callers ask as often as they like, and a scan that fails is logged.
		dir, err := r.dir.Load().OpenFile(filepath.FromSlash(at.rel), openFlags, 0)
		if outOfFiles(err) {
			return again, fileError(path.Join(filepath.Base(r.path), at.rel), err)
		}
		if err == nil {
			dir.Close()
		}
		w.scan(ctx, at, true)
		w.looking.Lock()
		still := w.missed[at]
		w.looking.Unlock()
		if still {
			return again, fileError(path.Join(filepath.Base(r.path), at.rel), errOutOfFiles)
		}
		again = true
	}
	return again, ctx.Err()
}

// folderChunk is how many names are read from a folder at a time.
const folderChunk = 1024

func (w *Workspace) readFolder(ctx context.Context, r *root, rel string, f *folder, fn func(name string, d fs.DirEntry)) error {
	// What was a folder a moment ago may be a pipe by now, which is not to be waited for.
	dir, err := r.dir.Load().OpenFile(filepath.FromSlash(rel), openFlags, 0)
	if err != nil {
		return err
	}
	defer dir.Close()
	if f.info, err = dir.Stat(); err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		list, err := dir.ReadDir(folderChunk)
		for _, d := range list {
			fn(d.Name(), d)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// forget drops what is known of a folder that is gone or was replaced, and stops watching
// it and all below. A watch belongs to the folder itself, not to its path: one that was
// renamed would go on to tell of files under the path that it had. It gives the ids of
// the workbooks; w.looking is held.
func (w *Workspace) forget(at place) (gone []string) {
	return w.catalogue.leave(at.root, at.rel, func(rel string) {
		if w.watcher != nil {
			// That it is not watched any more is what is wanted.
			_ = w.watcher.Remove(w.roots[at.root].join(rel))
		}
	})
}

// tell says which workbooks are new or changed and which are gone. An id may be both: a
// file that was replaced together with its folder.
func (w *Workspace) tell(news, gone []string) {
	for _, id := range gone {
		if !w.catalogue.has(id) {
			w.cache.drop(id)
		}
	}
	for _, id := range append(news, gone...) {
		w.hub.Publish(id, struct{}{})
	}
}
