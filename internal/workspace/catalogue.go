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

	root    int  // index of the root
	foreign bool // it has a format that does not open: it is known, and not listed
}

// catalogue is one immutable state of what lies under the roots.
type catalogue struct {
	entries []Entry        // by slug, then path
	byKey   map[string]int // lower-case ids and paths → index in entries
	byName  map[string]int // lower-case slugs and file names → index, -1 where several have it
	names   []string       // slugs, for suggestions

	foreign   []Entry        // files of formats that do not open
	byForeign map[string]int // lower-case paths, slugs and file names → index in foreign
}

// fold gives the form in which ids, names and paths are compared. A name may have its
// accents composed where it was typed and apart where it is stored.
func fold(s string) string { return strings.ToLower(norm.NFC.String(s)) }

func newCatalogue(entries []Entry) *catalogue {
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Slug, b.Slug), strings.Compare(a.Path, b.Path), cmp.Compare(a.root, b.root))
	})
	c := &catalogue{byKey: make(map[string]int, 4*len(entries)), byName: make(map[string]int, 2*len(entries)), byForeign: make(map[string]int)}
	for _, e := range entries {
		if e.foreign {
			for _, name := range []string{e.Path, path.Base(e.Path), e.Slug} {
				c.byForeign[fold(name)] = len(c.foreign)
			}
			c.foreign = append(c.foreign, e)
		}
	}
	c.entries = slices.DeleteFunc(entries, func(e Entry) bool { return e.foreign })
	for i, e := range c.entries {
		c.byKey[strings.ToLower(e.ID)] = i
		c.byKey[strings.ToLower(e.ShortID)] = i
		c.byKey["wb-"+legacyID(filepath.Join(e.Root, filepath.FromSlash(e.Path)), e.Bytes, e.ModTime)] = i
		if _, taken := c.byKey[fold(e.Path)]; !taken {
			c.byKey[fold(e.Path)] = i
		}
		for _, name := range []string{fold(e.Slug), fold(path.Base(e.Path))} {
			if _, taken := c.byName[name]; taken {
				c.byName[name] = -1
			} else {
				c.byName[name] = i
			}
		}
		c.names = append(c.names, e.Slug)
	}
	return c
}

// find gives the entry that key names: an id of any kind, a path, or a slug or file
// name that only one file has.
func (c *catalogue) find(key string) (e Entry, several, ok bool) {
	k := fold(strings.TrimSpace(key))
	if i, ok := c.byKey[k]; ok {
		return c.entries[i], false, true
	}
	if i, ok := c.byKey[strings.TrimPrefix(filepath.ToSlash(k), "./")]; ok {
		return c.entries[i], false, true
	}
	i, ok := c.byName[k]
	if !ok {
		return Entry{}, false, false
	}
	if i < 0 {
		return Entry{}, true, false
	}
	return c.entries[i], false, true
}

// without gives the entries that are neither the path of a root nor below it.
func (c *catalogue) without(root int, rel string) []Entry {
	return slices.DeleteFunc(slices.Concat(c.entries, c.foreign), func(e Entry) bool {
		return e.root == root && (rel == "." || e.Path == rel || strings.HasPrefix(e.Path, rel+"/"))
	})
}

// maxEntries and maxFolders bound what is catalogued under all roots.
const (
	maxEntries = 200_000
	maxFolders = 20_000
)

// listed reports whether a file of that name is a workbook by its extension and no
// lock or temporary file of a spreadsheet program.
func (w *Workspace) listed(name string) bool {
	if strings.HasPrefix(name, "~$") || strings.HasPrefix(name, ".") {
		return false
	}
	return slices.Contains(w.extensions, strings.ToLower(path.Ext(name)))
}

// foreignFormats are the extensions of spreadsheets that do not open. Whoever names such
// a file is told that, and not that there is none.
var foreignFormats = map[string]string{
	".xls": "an Excel 97-2003 workbook", ".xlt": "an Excel 97-2003 template", ".xlsb": "a binary workbook", ".ods": "an OpenDocument spreadsheet",
	".ots": "an OpenDocument template", ".fods": "a flat OpenDocument spreadsheet", ".numbers": "a Numbers document",
}

func (w *Workspace) foreign(name string) bool {
	return !w.listed(name) && !strings.HasPrefix(name, "~$") && !strings.HasPrefix(name, ".") && foreignFormats[strings.ToLower(path.Ext(name))] != ""
}

// skipped reports whether a folder of that name is left out.
func skipped(name string) bool {
	return name != "." && strings.HasPrefix(name, ".") || name == "node_modules" || name == "__MACOSX"
}

// walk gives the workbooks and the folders at rel of a root and below. What cannot be
// read is left out and logged: one locked folder does not hide the others.
func (w *Workspace) walk(root int, rel string) (entries []Entry, folders []string) {
	r := w.roots[root]
	fs.WalkDir(r.dir.FS(), rel, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			w.log.Warn("a folder cannot be listed", "path", p, "error", err)
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			if skipped(d.Name()) || len(folders) >= maxFolders {
				return fs.SkipDir
			}
			folders = append(folders, p)
			return nil
		}
		if !d.Type().IsRegular() || !w.listed(d.Name()) && !w.foreign(d.Name()) {
			return nil
		}
		if len(entries) >= maxEntries {
			w.log.Warn("there are too many workbooks; the rest is left out", "root", r.path, "bound", maxEntries)
			return fs.SkipAll
		}
		if info, err := d.Info(); err == nil {
			entries = append(entries, w.entry(root, p, info))
		}
		return nil
	})
	return entries, folders
}

func (w *Workspace) entry(root int, rel string, info fs.FileInfo) Entry {
	r := w.roots[root]
	short := shortID(filepath.Join(r.path, filepath.FromSlash(rel)))
	e := Entry{ID: "wb-" + short, ShortID: short, Path: rel, Root: r.path, Bytes: info.Size(), ModTime: info.ModTime(), root: root}
	base := path.Base(rel)
	e.foreign = w.foreign(base)
	e.Slug = strings.TrimSuffix(base, path.Ext(base))
	if dir := path.Dir(rel); dir != "." {
		e.Folder = path.Base(dir)
	}
	return e
}
