package workspace

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"gridflow/internal/book"
	"gridflow/internal/crew"
	"gridflow/internal/grid"
	"gridflow/internal/hub"
	"gridflow/internal/lazy"
	"gridflow/internal/lock"
	"gridflow/internal/nearest"
	"gridflow/internal/principal"
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
	Writes     bool         // files may be written: what writers that died have left is removed
	Bases      string       // folder where revisions are kept that forks stand on; "": there are no forks
	Private    []string     // folders that are never served, though they may lie in a root; they need not be there yet
	Converter  Converter    // opens workbooks of other formats; nil: they do not open
	BasesRead  bool         // that folder is another process's: it is there, and nothing in it is touched

	CalcBytes int64 // what one calculation of a workbook may take beside it; 0: any number

	ReadTimeout time.Duration // a read of a file that takes longer has failed; 0: there is no such time
}

// Workspace is the workbooks under the roots. Its methods may be called from any number
// of goroutines at once.
type Workspace struct {
	roots      []*root
	private    []place
	extensions []string
	limits     xlsx.Limits
	writes     bool
	converter  Converter // nil: there is none
	log        *slog.Logger

	readTimeout time.Duration
	calcBytes   int64

	catalogue *catalogue
	looking   lock.Mutex[lock.WorkspaceLooking] // held while what was seen on the disk is noted in the catalogue
	missed    map[place]bool                    // folders that were not read, as too many files were open; under looking
	misses    atomic.Int32                      // how many these are
	watcher   *fsnotify.Watcher                 // nil where there is none
	walked    chan struct{}                     // closed once the roots have been read for the first time
	unknown   negative
	cache     *cache
	bases     bases
	hub       hub.Hub[string, struct{}]                         // of the ids of workbooks that have changed
	openAt    func(dir *os.Root, path string) (*os.File, error) // openAt, but in tests
	readerOf  func(f *os.File) io.ReaderAt                      // the file itself, but in tests

	stop context.CancelFunc
	done sync.WaitGroup
}

// Open opens the roots and begins to watch and to catalogue them; it does not wait until
// that is done, for a root may be large. Shut ends it.
func Open(ctx context.Context, o Options) (*Workspace, error) {
	w := &Workspace{
		extensions: o.Extensions, limits: o.Limits, writes: o.Writes, converter: o.Converter, log: o.Logger, readTimeout: o.ReadTimeout, calcBytes: o.CalcBytes,
		walked: make(chan struct{}), openAt: openAt, readerOf: func(f *os.File) io.ReaderAt { return f },
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
	if err := w.keepPrivate(o.Private); err != nil {
		w.closeRoots()
		return nil, err
	}
	if err := w.openBases(o.Bases, o.BasesRead, o.ReadTimeout); err != nil {
		w.closeRoots()
		return nil, err
	}
	w.cache = newCache(cmp.Or(o.CacheBytes, 512<<20), w.bases.forget)
	w.catalogue = newCatalogue(len(w.roots), w.converts)
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = cancel
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		w.log.Warn("the roots cannot be watched; new files are seen after a restart", "error", err)
	} else {
		w.watcher = watcher
		t := newTouched()
		w.done.Go(func() { w.gather(run, t) })
		w.done.Go(func() { w.watch(run, t) })
	}
	w.done.Go(func() {
		defer close(w.walked)
		err := crew.Call(func() error {
			if w.watcher != nil { // nobody waits for it: to watch a folder of many files, as those above a root may be, takes the system a while
				w.seek(run)
			}
			for i := range w.roots {
				w.scan(run, place{i, "."}, false)
			}
			if run.Err() == nil {
				w.log.Info("workspace opened", "roots", len(w.roots), "workbooks", len(w.catalogue.list(w.converting())))
			}
			return nil
		})
		if err != nil { // files are found by their paths all the same
			w.log.Error("the roots could not be read", "error", err)
		}
	})
	return w, nil
}

// Shut stops watching and closes all files that no View uses. It is called once.
func (w *Workspace) Shut() {
	w.stop()
	if w.watcher != nil {
		w.watcher.Close()
	}
	w.done.Wait()
	w.cache.close()
	w.closeRoots()
	if w.bases.dir != nil {
		w.bases.dir.Close()
	}
}

// Events tells how many follow the changes of workbooks, and what of these they missed.
func (w *Workspace) Events() hub.Stats { return w.hub.Stats() }

// Stats gives what the cache did so far.
func (w *Workspace) Stats() CacheStats { return w.cache.stats() }

// walkGrace is how long Entries waits for the first reading of the roots: long enough that
// the first list is whole unless a root is very large.
const walkGrace = 2 * time.Second

// Entries lists the workbooks by slug and then path, without looking at the disk: those that
// the principal of ctx sees. The slice may be shared and must not be changed. While Walking, it
// is what was found so far.
func (w *Workspace) Entries(ctx context.Context) []Entry {
	if w.Walking() {
		timer := time.NewTimer(walkGrace)
		defer timer.Stop()
		select {
		case <-w.walked:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return w.catalogue.listSeen(w.converting(), w.roots, principal.From(ctx))
}

// Roots gives the absolute paths of the roots, without symbolic links. They do not change.
func (w *Workspace) Roots() []string {
	var all []string
	for _, r := range w.roots {
		all = append(all, r.path)
	}
	return all
}

// Walking tells whether the roots are still being read for the first time.
func (w *Workspace) Walking() bool {
	select {
	case <-w.walked:
		return false
	default:
		return true
	}
}

// Lookup finds a workbook by its id, short id, legacy id, path relative to its root,
// or, where only one has it, file name with or without extension. Letter case does not
// count where only one fits without it. While Walking, an id that is known and a path
// are found at once; a name has to wait, for another file may have it, too. Blanks around an
// id count where there is such a file, and are left away where there is none. What the principal
// of ctx does not see is not there: no answer tells that from what never was.
func (w *Workspace) Lookup(ctx context.Context, id string) (Entry, error) {
	e, err := w.lookup(ctx, id)
	if trimmed := strings.TrimSpace(id); trimmed != id && isNotFound(err) {
		if e, err := w.lookup(ctx, trimmed); !isNotFound(err) {
			return e, err
		}
	}
	return e, err
}

func isNotFound(err error) bool {
	ours, ok := errors.AsType[*Error](err)
	return ok && ours.Code == CodeNotFound
}

// lookup is Lookup of an id to the letter.
func (w *Workspace) lookup(ctx context.Context, id string) (Entry, error) {
	if err := ctx.Err(); err != nil {
		return Entry{}, err
	}
	walking, seen := w.Walking(), principal.From(ctx)
	found, byID, generation := w.catalogue.find(id, seen)
	if len(found) == 1 && (byID || !walking) {
		return w.openable(found[0])
	}
	if len(found) == 0 && filepath.IsAbs(id) {
		if at, ok := w.locate(filepath.Clean(id)); ok && seen.Sees(w.roots[at.root].path) {
			found = w.catalogue.at(at)
		}
	}
	if walking || len(found) == 0 {
		if onDisk := w.onDisk(id, seen); len(onDisk) > 0 {
			found, walking = onDisk, false
		}
	}
	switch {
	case walking:
		select {
		case <-w.walked:
			return w.lookup(ctx, id)
		case <-ctx.Done():
			return Entry{}, context.Cause(ctx)
		}
	case len(found) == 1:
		return w.openable(found[0])
	case len(found) > 1:
		return Entry{}, w.ambiguous(id, found)
	}
	// It may lie in a folder that could not be read.
	if again, err := w.readMissed(ctx, seen); err != nil {
		return Entry{}, err
	} else if again {
		return w.lookup(ctx, id)
	}
	// What is told of near names is another for each who sees other roots.
	return Entry{}, w.unknown.get(unknownKey{seen, id}, generation, func() error {
		hint := "Call list_workbooks for the ids"
		if near := namesNear(id, w.Entries(ctx)); len(near) > 0 {
			hint = fmt.Sprintf("Did you mean %s? %s", quoted(near), hint)
		}
		return &Error{Code: CodeNotFound, Message: fmt.Sprintf("there is no workbook %q", clip(id)), Hint: hint}
	})
}

// namesNear gives up to three names that id may have been meant to be: slugs, or paths where several entries have one slug.
func namesNear(id string, entries []Entry) (near []string) {
	const shown = 3
	var slugs []string
	for _, e := range entries {
		slugs = append(slugs, e.Slug)
	}
	found := nearest.Names(strings.TrimSuffix(path.Base(filepath.ToSlash(id)), path.Ext(id)), slugs, shown)
	for i, slug := range found {
		if slices.Contains(found[:i], slug) {
			continue
		}
		var paths []string
		for _, e := range entries {
			if e.Slug == slug {
				paths = append(paths, e.Path)
			}
		}
		if len(paths) == 1 {
			paths[0] = slug
		}
		near = append(near, paths...)
	}
	return near[:min(len(near), shown)]
}

// ambiguous names what each of several workbooks can be called instead.
func (w *Workspace) ambiguous(id string, found []Entry) error {
	const shown = 4
	slices.SortFunc(found, func(a, b Entry) int { return cmp.Or(strings.Compare(a.Path, b.Path), a.root-b.root) })
	var each []string
	for _, e := range found[:min(len(found), shown)] {
		name := e.Path
		if len(w.roots) > 1 {
			name = path.Join(filepath.Base(e.Root), name)
		}
		each = append(each, fmt.Sprintf("%s (%s)", e.ID, clip(name)))
	}
	if more := len(found) - shown; more > 0 {
		each = append(each, fmt.Sprintf("%d more that list_workbooks shows", more))
	}
	return &Error{
		Code: CodeAmbiguous, Message: fmt.Sprintf("%d workbooks can be meant by %q", len(found), clip(id)),
		Hint: "Give the workbook_id of the one that you mean: " + strings.Join(each, ", "),
	}
}

// onDisk finds files by their path whether they are in the catalogue or not: one in each
// root at most, of the roots that are seen.
func (w *Workspace) onDisk(id string, seen *principal.Principal) (found []Entry) {
	rel := path.Clean(filepath.ToSlash(id))
	if base := path.Base(rel); !w.listed(base) && !w.converts(base) {
		return nil
	}
	if filepath.IsAbs(id) {
		if at, ok := w.locate(filepath.Clean(id)); ok && seen.Sees(w.roots[at.root].path) {
			if e, ok := w.look(at); ok && seen.Sees(e.Root) {
				return []Entry{e}
			}
		}
		return nil
	}
	for i := range w.roots {
		// Two paths may lead to one file, by a symbolic link.
		if !seen.Sees(w.roots[i].path) {
			continue
		}
		if e, ok := w.look(place{i, rel}); ok && seen.Sees(e.Root) && !slices.ContainsFunc(found, func(f Entry) bool { return f.ID == e.ID }) {
			found = append(found, e)
		}
	}
	return found
}

// look gives the file at a place, if it is one that the catalogue would hold. A path
// through a symbolic link is another name for the file that it leads to.
func (w *Workspace) look(at place) (Entry, bool) {
	if !filepath.IsLocal(filepath.FromSlash(at.rel)) || w.hidden(at) {
		return Entry{}, false
	}
	r := w.roots[at.root]
	info, err := r.dir.Load().Stat(filepath.FromSlash(at.rel))
	if err != nil || !info.Mode().IsRegular() {
		return Entry{}, false
	}
	real, err := filepath.EvalSymlinks(r.join(at.rel))
	if err != nil {
		return Entry{}, false
	}
	at, ok := w.locate(real)
	base := path.Base(at.rel)
	if !ok || w.hidden(at) || !w.listed(base) && !w.converts(base) {
		return Entry{}, false
	}
	e := w.roots[at.root].entry(at.rel, info)
	e.foreign = !w.listed(base)
	return e, true
}

// likely gives what the catalogue has under an id, which is what Lookup is likely to find.
func (w *Workspace) likely(ctx context.Context, id string) []Entry {
	found, _, _ := w.catalogue.find(id, principal.From(ctx))
	if trimmed := strings.TrimSpace(id); len(found) == 0 && trimmed != id {
		found, _, _ = w.catalogue.find(trimmed, principal.From(ctx))
	}
	return found
}

// Peek tells how large the file of a workbook is and how much of it is in memory, in
// bytes, as far as is known without looking at the disk: 0 in memory where nobody has
// opened it.
func (w *Workspace) Peek(ctx context.Context, id string) (fileBytes, memoryBytes int64, ok bool) {
	found := w.likely(ctx, id)
	if len(found) != 1 {
		return 0, 0, false
	}
	return found[0].Bytes, w.cache.weight(found[0].ID), true
}

// Converts reports whether a workbook is of another format, and nobody has it open: who reads it
// has it converted, unless that was done before. It does not look at the disk.
func (w *Workspace) Converts(ctx context.Context, id string) bool {
	found := w.likely(ctx, id)
	return len(found) == 1 && found[0].foreign && w.converts(path.Base(found[0].Path)) && w.cache.weight(found[0].ID) == 0
}

// Unread tells how much memory the load of a sheet, with "" of all sheets, of a workbook that
// is open may still come to take, in bytes: 0 where nothing is known of it.
func (w *Workspace) Unread(ctx context.Context, id, sheet string) int64 {
	if found := w.likely(ctx, id); len(found) == 1 {
		return w.cache.unread(found[0].ID, sheet)
	}
	return 0
}

// View runs fn on the snapshot of the workbook's file as it is now, reading it if need
// be: once per revision of the file, however many callers wait. The snapshot may be
// used until fn returns. fn's error is returned as it is.
func (w *Workspace) View(ctx context.Context, id string, fn func(*book.Snapshot) error) error {
	return w.use(ctx, id, func(_ *opened, l *loaded) error { return fn(l.snapshot) })
}

// ViewFile is View with the open file that the snapshot is read from, for who makes another of
// it. A text file has none, and is refused.
func (w *Workspace) ViewFile(ctx context.Context, id string, fn func(*book.Snapshot, *xlsx.File) error) error {
	return w.use(ctx, id, func(_ *opened, l *loaded) error {
		if l.xlsx == nil {
			return &Error{Code: CodeUnsupported, Message: l.checked.path + " is a text file, which has values and nothing else", Hint: "Make a workbook of it with create_workbook and import_csv"}
		}
		return fn(l.snapshot, l.xlsx)
	})
}

// use is View for what stands behind a snapshot.
func (w *Workspace) use(ctx context.Context, id string, fn func(*opened, *loaded) error) error {
	e, err := w.Lookup(ctx, id)
	if err != nil {
		return err
	}
	return w.useEntry(ctx, e, fn)
}

// useEntry is use of what Lookup gave: a file that was found by its path may not be in the
// catalogue yet, and could not be found by its id.
func (w *Workspace) useEntry(ctx context.Context, e Entry, fn func(*opened, *loaded) error) error {
	for again := true; ; again = false {
		o, fresh, err := w.acquire(e)
		if err != nil {
			return fileError(e.Path, err)
		}
		l, err := w.load(ctx, w.origin(e), o, fresh)
		var ours *Error
		if errors.As(err, &ours) && ours.Code == CodeChanged && again {
			w.cache.release(o)
			continue
		}
		if err == nil {
			err = fn(o, l)
			w.cache.reweigh(o)
		}
		w.cache.release(o)
		return err
	}
}

// acquire gives the cache's entry for the file of e as the file is now.
func (w *Workspace) acquire(e Entry) (o *opened, fresh bool, err error) {
	dir := w.roots[e.root].dir.Load()
	if o := w.cache.hit(e.ID, func(info fs.FileInfo) bool { return dir.unchanged(e.Path, info) }); o != nil {
		return o, false, nil
	}
	info, err := dir.Stat(filepath.FromSlash(e.Path))
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular(e.Path)
	}
	if err != nil {
		return nil, false, err
	}
	o, fresh = w.cache.acquire(e.ID, info)
	return o, fresh, nil
}

// An origin is where the bytes of a workbook come from.
type origin struct {
	id   string // of the workbook, for the breaker
	path string // as it is shown to callers
	disk *disk
	open func() (*os.File, error)
}

func (w *Workspace) origin(e Entry) origin {
	r := w.roots[e.root]
	return origin{e.ID, e.Path, r.disk, func() (*os.File, error) { return w.openAt(r.dir.Load().Root, filepath.FromSlash(e.Path)) }}
}

// load gives what o holds, reading the file if nobody has.
func (w *Workspace) load(ctx context.Context, from origin, o *opened, fresh bool) (*loaded, error) {
	_, ready := o.load.Peek()
	switch {
	case fresh: // even if another that came after it has loaded it meanwhile
		w.cache.misses.Add(1)
	case ready:
		w.cache.hits.Add(1)
	default:
		w.cache.joined.Add(1)
	}
	return o.load.Wait(ctx, lazy.Whole, func(ctx context.Context, _ *lazy.Publisher[*loaded]) (*loaded, error) {
		w.cache.loads.Add(1)
		l, err := w.open(ctx, from, o)
		w.log.Debug("workbook opened", "path", from.path, "error", err)
		err = fileError(from.path, err)
		if err != nil && !inTheFile(err) {
			w.cache.forget(o)
		}
		return l, err
	})
}

// open reads the file at an origin, at the revision that o stands for.
func (w *Workspace) open(ctx context.Context, from origin, o *opened) (*loaded, error) {
	f, err := w.openFile(from)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular(from.path)
	}
	b := &backing{key: from.id}
	check := &checked{backing: b, path: from.path}
	var file *xlsx.File
	var sum string // of a file that was converted
	if err == nil {
		o.settle(info)
		b.at.Store(&handle{f, info, w.readerOf(f), from.disk})
		switch base := path.Base(from.path); {
		case slices.Contains([]string{".csv", ".tsv"}, strings.ToLower(path.Ext(base))):
			check.source, err = textfile.Open(ctx, b, info.Size(), base)
		case w.converts(base):
			var made *os.File
			if made, sum, err = w.converted(ctx, from, b, info); err != nil {
				break
			}
			defer f.Close()
			f = made
			if made, merr := f.Stat(); merr != nil {
				err = merr
			} else {
				b.at.Store(&handle{f, made, w.readerOf(f), cmp.Or(w.bases.disk, from.disk)})
				// No index is used for it: made again, the same workbook may have other bytes.
				file, err = xlsx.Open(ctx, b, made.Size(), w.limits)
				check.source = file
			}
		default:
			if file, err = xlsx.Open(ctx, b, info.Size(), w.limits); err == nil {
				file.UseIndex(w.cache.index(o.id, info))
			}
			check.source = file
		}
		err = check.judge(err)
	}
	if err != nil {
		f.Close()
		w.cache.files.Add(-1)
		return nil, err
	}
	check.OnLoad(func() { w.cache.reweigh(o) })
	revision := fmt.Sprintf("%x-%x", info.Size(), info.ModTime().UnixNano())
	return &loaded{snapshot: book.NewSnapshot(o.id, revision, check).Within(w.calcBytes), src: check, checked: check, xlsx: file, convertedOf: sum}, nil
}

// openFile opens the file at an origin. Where the process has as many files open as it may, it
// closes workbooks that nobody uses and tries again.
func (w *Workspace) openFile(from origin) (*os.File, error) {
	const atOnce = 16 // others want to open files, too
	w.cache.makeRoom()
	for {
		f, err := from.open()
		if err == nil {
			return f, nil
		}
		if outOfFiles(err) && w.cache.shed(atOnce) > 0 {
			continue
		}
		w.cache.files.Add(-1)
		return nil, err
	}
}

func openAt(dir *os.Root, path string) (*os.File, error) { return dir.OpenFile(path, openFlags, 0) }

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

// Objects implements book.ObjectSource.
func (c *checked) Objects(ctx context.Context, i int) ([]grid.Object, error) {
	s, ok := c.source.(book.ObjectSource)
	if !ok {
		return nil, nil
	}
	list, err := s.Objects(ctx, i)
	return list, c.judge(err)
}

// Media implements book.ObjectSource.
func (c *checked) Media(ctx context.Context, part string, limit int64) ([]byte, error) {
	s, ok := c.source.(book.ObjectSource)
	if !ok {
		return nil, fmt.Errorf("%s: the workbook has no pictures", part)
	}
	b, err := s.Media(ctx, part, limit)
	return b, c.judge(err)
}

// Revision gives the SHA-256 of the workbook's file in hex. It reads the whole file
// once per revision.
func (w *Workspace) Revision(ctx context.Context, id string) (sum string, err error) {
	err = w.use(ctx, id, func(_ *opened, l *loaded) error {
		if sum = l.convertedOf; sum != "" {
			return nil
		}
		sum, err = l.sha256.Wait(ctx, lazy.Whole, func(ctx context.Context, _ *lazy.Publisher[string]) (string, error) {
			h := sha256.New()
			if err := hashing(ctx, l.checked.whole(l.checked.current()), h); err != nil {
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
func (w *Workspace) Close(ctx context.Context, id string) (dropped bool, err error) {
	e, err := w.Lookup(ctx, id)
	if err != nil {
		return false, err
	}
	return w.cache.drop(e.ID), nil
}

// Changes calls fn with the id of each workbook that appears, changes or goes, until
// ctx is done. A slow fn makes others wait for nothing: it misses repetitions, no id of a
// workbook that is there.
func (w *Workspace) Changes(ctx context.Context, fn func(id string)) {
	w.changes(ctx, maxEntries, fn)
}

// changes is Changes with room for so many ids while fn is slow.
func (w *Workspace) changes(ctx context.Context, room int, fn func(id string)) {
	s := w.hub.SubscribeAll(room)
	defer s.Close()
	for {
		e, err := s.Next(ctx)
		if err != nil {
			return
		}
		if e.Lost > 0 { // which ones is not known any more: it may be any
			for _, entry := range w.Entries(ctx) {
				fn(entry.ID)
			}
		}
		fn(e.Key)
	}
}

// negative remembers ids that name nothing, so that a client that insists costs a map
// lookup. What it holds is true of one generation of the catalogue.
type negative struct {
	mu         lock.Mutex[lock.WorkspaceUnknown]
	generation uint64
	ids        map[unknownKey]error
}

// unknownKey is an id, and to whom it names nothing.
type unknownKey struct {
	to *principal.Principal
	id string
}

const maxNegative = 1024

// get gives what is remembered of an id, or what make_ says, without the lock: it may take long,
// and others want other ids meanwhile.
func (n *negative) get(id unknownKey, generation uint64, make_ func() error) error {
	if err, ok := n.known(id, generation); ok {
		return err
	}
	err := make_()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(id.id) <= 256 && generation == n.generation {
		if n.ids == nil || len(n.ids) >= maxNegative {
			n.ids = make(map[unknownKey]error)
		}
		n.ids[id] = err
	}
	return err
}

func (n *negative) known(id unknownKey, generation uint64) (err error, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if generation > n.generation {
		n.generation, n.ids = generation, nil
	}
	err, ok = n.ids[id]
	return err, ok
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
