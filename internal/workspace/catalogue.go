package workspace

import (
	"cmp"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"gridflow/internal/lock"
	"gridflow/internal/principal"
)

// Entry is one workbook file under a root.
type Entry struct {
	ID      string // "wb-" and ten characters, made of the path: stable while the file changes
	ShortID string // the ten characters
	Slug    string // file name without its extension
	Folder  string // name of the folder that holds the file, "" for the root itself
	Path    string // relative to its root, with forward slashes
	Root    string // absolute path of the root
	Bytes   int64
	ModTime time.Time

	root    int    // index of the root
	legacy  string // see legacyID
	foreign bool   // it has a format that does not open, or by a Converter: it is known by name, and mostly not listed
}

// catalogue is what is known to lie under the roots: a tree of folders, and tables of the
// names that a workbook goes by. A change costs what it changes, however much is known:
// ten thousand new files are ten thousand small changes. Changes come one at a time
// (Workspace.looking serialises them); readers come at any time.
type catalogue struct {
	mu         lock.RWMutex[lock.WorkspaceCatalogue]
	tops       []*folder           // by index of the root
	byID       map[string]*Entry   // by id, short id and legacy id
	byName     map[string][]*Entry // by lower-case path, file name and slug
	entries    int
	folders    int
	converts   func(name string) bool // by a Converter
	generation uint64                 // grows with every change
	sorted     [2][]Entry             // what list gives, without and with what a Converter opens; nil after a change
	seen       map[view][]Entry       // what listSeen gives; nil after a change
	seenN      int                    // entries in seen, of all views
}

// folder is one folder of the tree. What it holds is guarded by the catalogue's lock, the
// marks by Workspace.looking.
type folder struct {
	files   map[string]*Entry
	folders map[string]*folder

	info          fs.FileInfo // what was read; nil where nothing was
	watched, read bool        // whether that worked
}

func newFolder() *folder {
	return &folder{files: make(map[string]*Entry), folders: make(map[string]*folder)}
}

func newCatalogue(roots int, converts func(name string) bool) *catalogue {
	c := &catalogue{converts: converts, byID: make(map[string]*Entry), byName: make(map[string][]*Entry), folders: roots}
	for range roots {
		c.tops = append(c.tops, newFolder())
	}
	return c
}

// maxEntries and maxFolders bound what is catalogued under all roots.
const (
	maxEntries = 200_000
	maxFolders = 20_000
)

// folder gives the folder at rel of a root, nil where none is known.
func (c *catalogue) folder(root int, rel string) *folder {
	f := c.tops[root]
	if rel == "." {
		return f
	}
	for name := range strings.SplitSeq(rel, "/") {
		if f = f.folders[name]; f == nil {
			return nil
		}
	}
	return f
}

// enter gives the folder at rel of a root and makes it known. It gives nil where the
// folder that holds it is not known, or where full says that there are too many.
func (c *catalogue) enter(root int, rel string) (f *folder, full bool) {
	if rel == "." {
		return c.tops[root], false
	}
	parent := c.folder(root, path.Dir(rel))
	if parent == nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := parent.folders[path.Base(rel)]; f != nil {
		return f, false
	}
	if c.folders >= maxFolders {
		return nil, true
	}
	f = newFolder()
	parent.folders[path.Base(rel)] = f
	c.folders++
	return f, false
}

// leave forgets the folder at rel of a root with all that is in it. It gives the ids of
// the workbooks, and calls fn with the path of each folder.
func (c *catalogue) leave(root int, rel string, fn func(rel string)) (ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.folder(root, rel)
	if f == nil {
		return nil
	}
	var clear func(f *folder, rel string)
	clear = func(f *folder, rel string) {
		fn(rel)
		for _, e := range f.files {
			c.forget(e)
			ids = append(ids, e.ID)
		}
		for name, below := range f.folders {
			clear(below, path.Join(rel, name))
			c.folders--
		}
	}
	clear(f, rel)
	if rel == "." {
		c.tops[root] = newFolder()
		return ids
	}
	delete(c.folder(root, path.Dir(rel)).folders, path.Base(rel))
	c.folders--
	return ids
}

// set notes the file at rel of a root, in its folder f. It gives the id where that was
// news, and says whether there is no room for one more.
func (c *catalogue) set(f *folder, r *root, rel string, info fs.FileInfo, foreign bool) (id string, full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := f.files[path.Base(rel)]; old != nil {
		if old.Bytes == info.Size() && old.ModTime.Equal(info.ModTime()) {
			return "", false
		}
		// The path is the same, and so are all names but the one that tells of the contents.
		delete(c.byID, old.legacy)
		old.Bytes, old.ModTime = info.Size(), info.ModTime()
		old.legacy = "wb-" + legacyID(filepath.Join(r.path, filepath.FromSlash(rel)), old.Bytes, old.ModTime)
		c.byID[old.legacy] = old
		c.changed()
		return old.ID, false
	}
	if c.entries >= maxEntries {
		return "", true
	}
	e := r.entry(rel, info)
	e.foreign = foreign
	e.legacy = "wb-" + legacyID(filepath.Join(r.path, filepath.FromSlash(rel)), e.Bytes, e.ModTime)
	f.files[path.Base(rel)] = &e
	for _, id := range []string{e.ID, e.ShortID, e.legacy} {
		c.byID[id] = &e
	}
	for _, name := range e.names() {
		c.byName[name] = append(c.byName[name], &e)
	}
	c.entries++
	c.changed()
	if foreign && !c.converts(path.Base(rel)) {
		return "", false // nobody can read it, so that nobody needs to hear of it
	}
	return e.ID, false
}

// unset forgets the file of that name in the folder f and gives its id, "" where there
// was none.
func (c *catalogue) unset(f *folder, name string) (id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := f.files[name]
	if e == nil {
		return ""
	}
	delete(f.files, name)
	c.forget(e)
	return e.ID
}

// forget takes an entry out of the tables. c.mu is held.
func (c *catalogue) forget(e *Entry) {
	for _, id := range []string{e.ID, e.ShortID, e.legacy} {
		delete(c.byID, id)
	}
	for _, name := range e.names() {
		list := c.byName[name]
		if i := slices.Index(list, e); i >= 0 {
			list[i] = list[len(list)-1]
			list[len(list)-1] = nil
			list = list[:len(list)-1]
		}
		if len(list) == 0 {
			delete(c.byName, name)
		} else {
			c.byName[name] = list
		}
	}
	c.entries--
	c.changed()
}

func (c *catalogue) changed() {
	c.generation++
	c.sorted, c.seen, c.seenN = [2][]Entry{}, nil, 0
}

// fold gives the form in which names and paths are compared. A name may have its accents
// composed where it was typed and apart where it is stored.
func fold(s string) string { return strings.ToLower(norm.NFC.String(s)) }

// names gives the keys of byName for the entry, each once.
func (e *Entry) names() []string {
	full, base, slug := fold(e.Path), fold(path.Base(e.Path)), fold(e.Slug)
	names := []string{full}
	if base != full {
		names = append(names, base)
	}
	if slug != base && slug != full {
		names = append(names, slug)
	}
	return names
}

// match tells how well a path or name fits the entry: its own path best, then that in
// other letters, then its file name, with or without extension, and that in other letters.
func (e *Entry) match(key string) int {
	base, fit := path.Base(e.Path), 1
	switch {
	case e.Path == key:
		fit = 4
	case fold(e.Path) == fold(key):
		fit = 3
	case base == key || e.Slug == key:
		fit = 2
	}
	if !e.foreign { // what opens by itself fits better
		fit += 4
	}
	return fit
}

// find gives the entries that key names: by an id of any kind, or by the path or name
// that fits best. byID says that it was an id, of which there is one whatever else is
// still to be found. With the answer comes the generation that it is from. What may not be
// seen is not there: of two files of one name the one that may be is the only one.
func (c *catalogue) find(key string, seen *principal.Principal) (found []Entry, byID bool, generation uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if e := c.byID[strings.ToLower(key)]; e != nil && seen.Sees(e.Root) {
		return []Entry{*e}, true, c.generation
	}
	key = path.Clean(filepath.ToSlash(key))
	best := 0
	for _, e := range c.byName[fold(key)] {
		switch fit := e.match(key); {
		case !seen.Sees(e.Root):
		case fit > best:
			best, found = fit, append(found[:0], *e)
		case fit == best:
			found = append(found, *e)
		}
	}
	return found, false, c.generation
}

// at gives the entry of a path, if it is known.
func (c *catalogue) at(at place) []Entry {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if f := c.folder(at.root, path.Dir(at.rel)); f != nil {
		if e := f.files[path.Base(at.rel)]; e != nil {
			return []Entry{*e}
		}
	}
	return nil
}

// has tells whether there is a workbook of that id.
func (c *catalogue) has(id string) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.byID[id] != nil
}

// list gives all entries by slug, then path, with those that are converted where that can be. The
// slice is shared.
func (c *catalogue) list(converted bool) []Entry {
	which := 0
	if converted {
		which = 1
	}
	c.mu.RLock()
	sorted := c.sorted[which]
	c.mu.RUnlock()
	if sorted != nil {
		return sorted
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sorted[which] != nil {
		return c.sorted[which]
	}
	all := make([]Entry, 0, c.entries)
	var add func(f *folder)
	add = func(f *folder) {
		for _, e := range f.files {
			if !e.foreign || converted && c.converts(path.Base(e.Path)) {
				all = append(all, *e)
			}
		}
		for _, below := range f.folders {
			add(below)
		}
	}
	for _, f := range c.tops {
		add(f)
	}
	slices.SortFunc(all, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Slug, b.Slug), strings.Compare(a.Path, b.Path), cmp.Compare(a.root, b.root))
	})
	c.sorted[which] = all
	return all
}

// A view is what somebody sees of the catalogue.
type view struct {
	converted bool
	roots     string // for each root a byte, 1 where it is seen
}

// listSeen is list of the roots that a principal sees. It is made once for all who see the same, and
// shared, as long as nothing changes: a page of a long list costs what is on it.
func (c *catalogue) listSeen(converted bool, roots []*root, seen *principal.Principal) []Entry {
	if seen.SeesAll() {
		return c.list(converted)
	}
	mask, n := make([]byte, len(roots)), 0 // n: of roots, and then of entries
	for i, r := range roots {
		if seen.Sees(r.path) {
			mask[i] = 1
			n++
		}
	}
	switch n {
	case 0:
		return nil
	case len(roots):
		return c.list(converted)
	}
	v := view{converted, string(mask)}
	c.mu.RLock()
	its, known := c.seen[v]
	generation := c.generation
	c.mu.RUnlock()
	if known {
		return its
	}
	all := c.list(converted)
	n = 0
	for _, e := range all { // counted first: most views are of much less than all, or of almost all
		n += int(mask[e.root])
	}
	its = make([]Entry, 0, n)
	for _, e := range all {
		if mask[e.root] == 1 {
			its = append(its, e)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation != generation {
		return its // it changes while it is read; the next one may keep what he sees
	}
	if c.seen == nil || c.seenN+len(its) > 2*len(all) {
		c.seen, c.seenN = make(map[view][]Entry), 0 // together they are not much more than the list itself
	}
	if _, known := c.seen[v]; !known {
		c.seenN += len(its)
	}
	c.seen[v] = its
	return its
}

// entry describes the file at rel of the root.
func (r *root) entry(rel string, info fs.FileInfo) Entry {
	short := shortID(filepath.Join(r.path, filepath.FromSlash(rel)))
	e := Entry{ID: "wb-" + short, ShortID: short, Path: rel, Root: r.path, Bytes: info.Size(), ModTime: info.ModTime(), root: r.index}
	base := path.Base(rel)
	e.Slug = strings.TrimSuffix(base, path.Ext(base))
	if dir := path.Dir(rel); dir != "." {
		e.Folder = path.Base(dir)
	}
	return e
}
