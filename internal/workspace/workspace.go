package workspace

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fsnotify/fsnotify"

	"gridflow/internal/book"
	"gridflow/internal/grid"
	"gridflow/internal/lazy"
	"gridflow/internal/nearest"
	"gridflow/internal/textfile"
	"gridflow/internal/xlsx"
)

// Extensions are the file name extensions that a workspace lists unless told otherwise.
var Extensions = []string{".xlsx", ".xlsm", ".xltx", ".xltm", ".csv", ".tsv"}

// Options say what a workspace is made of.
type Options struct {
	Roots      []string     // folders; "." where there is none
	CacheBytes int64        // memory for open workbooks, an eighth of it for indexes of others; 512 MiB where 0
	Extensions []string     // with the dot, lower case; Extensions where nil
	Limits     xlsx.Limits  // for every file
	Logger     *slog.Logger // slog.Default where nil
}

// Workspace is the workbooks under the roots. Its methods may be called from any number
// of goroutines at once.
type Workspace struct {
	roots      []root
	extensions []string
	limits     xlsx.Limits
	log        *slog.Logger

	catalogue atomic.Pointer[catalogue]
	mu        sync.Mutex // serialises changes of the catalogue
	unknown   negative
	cache     *cache
	hub       hub

	stop context.CancelFunc
	done sync.WaitGroup
}

type root struct {
	path string // absolute, without symbolic links
	dir  *os.Root
}

// Open catalogues the roots and begins to watch them. Shut ends both.
func Open(ctx context.Context, o Options) (*Workspace, error) {
	w := &Workspace{
		extensions: o.Extensions, limits: o.Limits, log: o.Logger,
		cache: newCache(cmp.Or(o.CacheBytes, 512<<20)),
	}
	if w.extensions == nil {
		w.extensions = Extensions
	}
	if w.log == nil {
		w.log = slog.Default()
	}
	if len(o.Roots) == 0 {
		o.Roots = []string{"."}
	}
	for _, p := range o.Roots {
		if err := w.addRoot(p); err != nil {
			w.closeRoots()
			return nil, err
		}
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = cancel
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		w.log.Warn("the roots cannot be watched; new files are seen after a restart", "error", err)
	}
	var all []Entry
	for i, r := range w.roots {
		entries, folders := w.walk(i, ".")
		all = append(all, entries...)
		for _, f := range folders {
			if watcher == nil {
				break
			}
			if err := watcher.Add(filepath.Join(r.path, filepath.FromSlash(f))); err != nil {
				w.log.Warn("a folder cannot be watched; changes in it are seen when its files are read", "folder", f, "error", err)
				break
			}
		}
	}
	w.catalogue.Store(newCatalogue(all))
	if watcher != nil {
		w.done.Go(func() { w.watch(run, watcher) })
	}
	w.log.Info("workspace opened", "roots", len(w.roots), "workbooks", len(w.Entries()))
	return w, nil
}

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
	dir, err := os.OpenRoot(abs)
	if err != nil {
		return fmt.Errorf("root %q: %w", p, err)
	}
	// A root inside the new one is part of it.
	w.roots = slices.DeleteFunc(w.roots, func(r root) bool {
		rel, err := filepath.Rel(abs, r.path)
		inside := err == nil && filepath.IsLocal(rel)
		if inside {
			r.dir.Close()
		}
		return inside
	})
	w.roots = append(w.roots, root{abs, dir})
	return nil
}

func (w *Workspace) closeRoots() {
	for _, r := range w.roots {
		r.dir.Close()
	}
}

// Shut stops watching and closes all files that no View uses. It is called once.
func (w *Workspace) Shut() {
	w.stop()
	w.done.Wait()
	w.cache.close()
	w.closeRoots()
}

// Stats gives what the cache did so far.
func (w *Workspace) Stats() CacheStats { return w.cache.stats() }

// Entries lists the workbooks by slug and then path, without looking at the disk. The
// slice is shared and must not be changed.
func (w *Workspace) Entries() []Entry { return w.catalogue.Load().entries }

// Lookup finds a workbook by its id, short id, legacy id, path relative to its root,
// or, where only one has it, file name with or without extension. Letter case does not
// count.
func (w *Workspace) Lookup(ctx context.Context, id string) (Entry, error) {
	if err := ctx.Err(); err != nil {
		return Entry{}, err
	}
	c := w.catalogue.Load()
	e, several, ok := c.find(id)
	switch {
	case ok:
		return e, nil
	case several:
		return Entry{}, &Error{Code: CodeAmbiguous, Message: fmt.Sprintf("several workbooks are named %q", clip(id)), Hint: "Use the workbook_id or the path from list_workbooks"}
	}
	if e, ok := w.justMade(id); ok {
		return e, nil
	}
	if e, ok := w.unopenable(id); ok {
		kind := foreignFormats[strings.ToLower(path.Ext(e.Path))]
		return Entry{}, &Error{Code: CodeUnsupported, Message: fmt.Sprintf("%s is %s, which does not open here", e.Path, kind),
			Hint: fmt.Sprintf("Files that open: %s. Save it as .xlsx in a spreadsheet program", strings.Join(w.extensions, ", "))}
	}
	return Entry{}, w.unknown.get(id, func() error {
		hint := "Call list_workbooks for the ids"
		if near := nearest.Names(strings.TrimSuffix(path.Base(filepath.ToSlash(id)), path.Ext(id)), c.names, 3); len(near) > 0 {
			hint = fmt.Sprintf("Did you mean %s? %s", quoted(near), hint)
		}
		return &Error{Code: CodeNotFound, Message: fmt.Sprintf("there is no workbook %q", clip(id)), Hint: hint}
	})
}

// unopenable finds a file of a format that does not open by its path or name.
func (w *Workspace) unopenable(id string) (Entry, bool) {
	rel := strings.TrimPrefix(filepath.ToSlash(strings.TrimSpace(id)), "./")
	if filepath.IsAbs(id) {
		_, rel, _ = w.locate(filepath.Clean(id))
	}
	c := w.catalogue.Load()
	i, ok := c.byForeign[fold(rel)]
	if !ok {
		return Entry{}, false
	}
	return c.foreign[i], true
}

// justMade finds a file by its path that is there but not yet in the catalogue.
func (w *Workspace) justMade(id string) (Entry, bool) {
	rel := strings.TrimPrefix(filepath.ToSlash(strings.TrimSpace(id)), "./")
	if !w.listed(path.Base(rel)) {
		return Entry{}, false
	}
	if filepath.IsAbs(id) {
		i, r, ok := w.locate(filepath.Clean(id))
		if !ok {
			return Entry{}, false
		}
		return w.look(i, r)
	}
	for i := range w.roots {
		if e, ok := w.look(i, path.Clean(rel)); ok {
			return e, true
		}
	}
	return Entry{}, false
}

// look gives the file at rel of a root, if it is one that the catalogue would hold. A
// path through a symbolic link is another name for the file that it leads to.
func (w *Workspace) look(i int, rel string) (Entry, bool) {
	if !filepath.IsLocal(filepath.FromSlash(rel)) || hidden(rel) {
		return Entry{}, false
	}
	r := w.roots[i]
	info, err := r.dir.Stat(filepath.FromSlash(rel))
	if err != nil || !info.Mode().IsRegular() {
		return Entry{}, false
	}
	real, err := filepath.EvalSymlinks(filepath.Join(r.path, filepath.FromSlash(rel)))
	if err != nil {
		return Entry{}, false
	}
	k, rel, ok := w.locate(real)
	if !ok || hidden(rel) || !w.listed(path.Base(rel)) {
		return Entry{}, false
	}
	return w.entry(k, rel, info), true
}

// View runs fn on the snapshot of the workbook's file as it is now, reading it if need
// be: once per revision of the file, however many callers wait. The snapshot may be
// used until fn returns. fn's error is returned as it is.
func (w *Workspace) View(ctx context.Context, id string, fn func(*book.Snapshot) error) error {
	return w.use(ctx, id, func(l *loaded) error { return fn(l.snapshot) })
}

func (w *Workspace) use(ctx context.Context, id string, fn func(*loaded) error) error {
	e, err := w.Lookup(ctx, id)
	if err != nil {
		return err
	}
	for again := true; ; again = false {
		info, err := w.roots[e.root].dir.Stat(filepath.FromSlash(e.Path))
		if err != nil {
			return fileError(e.Path, err)
		}
		o, fresh := w.cache.acquire(e.ID, info)
		l, err := w.load(ctx, e, o, fresh)
		var ours *Error
		if errors.As(err, &ours) && ours.Code == CodeChanged && again {
			o.release()
			continue
		}
		if err == nil {
			err = fn(l)
			w.cache.reweigh(o)
		}
		o.release()
		return err
	}
}

// load gives what o holds, reading the file if nobody has.
func (w *Workspace) load(ctx context.Context, e Entry, o *opened, fresh bool) (*loaded, error) {
	_, ready := o.load.Peek()
	switch {
	case ready:
		w.cache.hits.Add(1)
	case fresh:
		w.cache.misses.Add(1)
	default:
		w.cache.joined.Add(1)
	}
	return o.load.Wait(ctx, lazy.Whole, func(ctx context.Context, _ *lazy.Publisher[*loaded]) (*loaded, error) {
		w.cache.loads.Add(1)
		l, err := w.open(ctx, e, o)
		w.log.Debug("workbook opened", "path", e.Path, "error", err)
		return l, fileError(e.Path, err)
	})
}

// open reads the file of e at the revision that o stands for.
func (w *Workspace) open(ctx context.Context, e Entry, o *opened) (*loaded, error) {
	f, err := w.roots[e.root].dir.Open(filepath.FromSlash(e.Path))
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &Error{Code: CodeUnsupported, Message: e.Path + " is not a regular file", Hint: "Copy it to one"}
	}
	check := &checked{file: f, info: info, path: e.Path}
	var file *xlsx.File
	if err == nil {
		o.settle(info)
		switch strings.ToLower(path.Ext(e.Path)) {
		case ".csv", ".tsv":
			check.source, err = textfile.Open(ctx, f, info.Size(), path.Base(e.Path))
		default:
			if file, err = xlsx.Open(ctx, f, info.Size(), w.limits); err == nil {
				file.UseIndex(w.cache.index(e.ID, info))
			}
			check.source = file
		}
		err = check.judge(err)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	revision := fmt.Sprintf("%x-%x", info.Size(), info.ModTime().UnixNano())
	return &loaded{snapshot: book.NewSnapshot(e.ID, revision, check), src: check, file: f, xlsx: file}, nil
}

// Sheet implements book.Source.
func (c *checked) Sheet(ctx context.Context, i, lastRow int) (*grid.Sheet, error) {
	s, err := c.source.Sheet(ctx, i, lastRow)
	return s, c.judge(err)
}

// Rows implements book.Source.
func (c *checked) Rows(ctx context.Context, i, firstRow, lastRow int) (*grid.Sheet, error) {
	s, err := c.source.Rows(ctx, i, firstRow, lastRow)
	return s, c.judge(err)
}

// Tables implements book.Source.
func (c *checked) Tables(ctx context.Context) ([]grid.Table, error) {
	t, err := c.source.Tables(ctx)
	return t, c.judge(err)
}

// Macros implements book.MacroSource.
func (c *checked) Macros(ctx context.Context) ([]byte, error) {
	m, ok := c.source.(book.MacroSource)
	if !ok {
		return nil, nil
	}
	b, err := m.Macros(ctx)
	return b, c.judge(err)
}

// Revision gives the SHA-256 of the workbook's file in hex. It reads the whole file
// once per revision.
func (w *Workspace) Revision(ctx context.Context, id string) (sum string, err error) {
	err = w.use(ctx, id, func(l *loaded) error {
		sum, err = l.sha256.Wait(ctx, lazy.Whole, func(ctx context.Context, _ *lazy.Publisher[string]) (string, error) {
			h := sha256.New()
			if err := hashing(ctx, io.NewSectionReader(l.file, 0, 1<<62), h); err != nil {
				return "", err
			}
			return hex.EncodeToString(h.Sum(nil)), nil
		})
		return err
	})
	return sum, err
}

// Close drops a workbook from the cache and says whether it was there. Views under way
// go on.
func (w *Workspace) Close(id string) (dropped bool, err error) {
	e, err := w.Lookup(context.Background(), id)
	if err != nil {
		return false, err
	}
	return w.cache.drop(e.ID), nil
}

// Changes calls fn with the id of each workbook that appears, changes or goes, until
// ctx is done. A slow fn makes others wait for nothing: it misses repetitions, no id.
func (w *Workspace) Changes(ctx context.Context, fn func(id string)) {
	s := w.hub.subscribe()
	defer w.hub.unsubscribe(s)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
			for id := range s.take() {
				fn(id)
			}
		}
	}
}

// negative remembers ids that name nothing, so that a client that insists costs a map
// lookup. It is emptied when the catalogue changes.
type negative struct {
	mu  sync.Mutex
	ids map[string]error
}

const maxNegative = 1024

func (n *negative) get(id string, make_ func() error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err, ok := n.ids[id]; ok {
		return err
	}
	err := make_()
	if len(id) <= 256 {
		if n.ids == nil || len(n.ids) >= maxNegative {
			n.ids = make(map[string]error)
		}
		n.ids[id] = err
	}
	return err
}

func (n *negative) clear() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ids = nil
}

func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}

func quoted(names []string) string {
	var q []string
	for _, n := range names {
		q = append(q, fmt.Sprintf("%q", n))
	}
	return strings.Join(q, ", ")
}
