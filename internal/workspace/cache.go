package workspace

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"gridflow/internal/book"
	"gridflow/internal/lazy"
	"gridflow/internal/lock"
	"gridflow/internal/vfs"
	"gridflow/internal/xlsx"
)

// source is an open file of any format.
type source interface {
	book.Source
	MemoryBytes() int64        // of what has been read
	Loading() int64            // of what is being read, as far as can be told
	Unread(sheet string) int64 // of a sheet that nobody has read to its end; "": of all
	OnLoad(func())             // has it called when a load begins or has ended
	Stop()                     // loads that nobody waits for stop
}

// opened is one revision of a file, being read or read. It counts who uses it: the
// cache, and every View that is under way. The file is closed when the last one leaves.
type opened struct {
	id   string
	load lazy.Load[*loaded]

	mu     lock.Mutex[lock.WorkspaceOpened]
	info   fs.FileInfo // of the path when somebody first asked, then of the file that was opened
	users  int
	weight int64  // of what has been read, as the cache knows it
	coming int64  // the same of what is being read
	base   string // hash of the base that it is, "" where it is none
}

// loaded is what an opened file gives.
type loaded struct {
	snapshot *book.Snapshot
	src      source
	checked  *checked
	xlsx     *xlsx.File // nil for a text file

	convertedOf string // SHA-256 of the file that this was made of, "" where it is the file itself

	sha256 lazy.Load[string]
	kept   *lazy.Load[Base] // guarded by bases.mu; nil where nobody has wanted it
}

// retain adds a user, if o is the revision that info describes and somebody uses it.
func (o *opened) retain(info fs.FileInfo) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.users == 0 || !sameFile(o.info, info) {
		return false
	}
	o.users++
	return true
}

// settle says which revision o is. Between a look at a path and its opening the file may
// have been replaced: what was opened counts.
func (o *opened) settle(info fs.FileInfo) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.info = info
}

// release takes a user away and closes the files after the last.
func (c *cache) release(o *opened) {
	o.mu.Lock()
	o.users--
	last := o.users == 0
	o.mu.Unlock()
	if !last {
		return
	}
	if l, ok := o.load.Peek(); ok && l.checked != nil {
		l.src.Stop()
		c.files.Add(-l.checked.close())
	}
	c.unused(o)
}

// idle tells whether nobody but the cache uses o.
func (o *opened) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.users == 1
}

// minWeight is what an open workbook weighs at least: it holds a file descriptor, and
// there are fewer of those than bytes.
const minWeight = 256 << 10

// memoryBytes is what the workbook keeps alive now.
func (o *opened) memoryBytes() int64 {
	if l, ok := o.load.Peek(); ok {
		return max(minWeight, l.src.MemoryBytes()+l.snapshot.OpenedBytes()+l.snapshot.ModelBytes())
	}
	return minWeight
}

// comingBytes is what loads under way will add to that.
func (o *opened) comingBytes() int64 {
	if l, ok := o.load.Peek(); ok {
		return l.src.Loading()
	}
	return 0
}

// CacheStats counts what the cache did. The counts are read one after the other: they
// are no snapshot of one moment.
type CacheStats struct {
	Hits      uint64 // the workbook was there
	Joined    uint64 // another caller was already loading it
	Misses    uint64 // this caller was the first to ask
	Loads     uint64 // workbooks opened, well or not
	Evictions uint64 // workbooks dropped for room
	Entries   int
	Bytes     int64 // of all entries, as last weighed
	MaxBytes  int64

	Indexes    int // of workbooks that were dropped for room
	IndexBytes int64

	FormulaBytes     int64 // of Bytes, what compiled formulas and what they read take
	CalculationBytes int64 // and what calculations left for the next ones: indexes of columns that are searched
}

// cache holds open workbooks by id, one revision of each, bounded by their bytes. Of
// those that were dropped for room it holds the indexes, which are a small part of the
// cells: a page of such a workbook is read by its index, without loading it again.
type cache struct {
	entries *otter.Cache[string, *opened]
	indexes *otter.Cache[string, *kept]
	max     int64 // of entries
	maxKept int64 // of indexes

	files    atomic.Int64 // that workbooks have open
	maxFiles int64

	unused func(*opened) // told of a file that its last user has left

	hits, joined, misses, loads, evictions atomic.Uint64
}

// The cache weighs in units, because it counts in 32 bits.
const weightUnit = 1 << 10

// indexShare is the part of the cache's bytes that is set aside for indexes.
const indexShare = 8

// fileShare is the part of the files that the process may have open which workbooks may
// take: half, for clients need some as well.
const fileShare = 2

func newCache(maxBytes int64, unused func(*opened)) *cache {
	c := &cache{unused: unused, max: maxBytes - maxBytes/indexShare, maxKept: maxBytes / indexShare, maxFiles: int64(max(vfs.FilesMax()/fileShare, 1))}
	c.indexes = otter.Must(&otter.Options[string, *kept]{
		MaximumWeight: uint64(max(c.maxKept/weightUnit, 1)),
		Weigher:       func(_ string, k *kept) uint32 { return uint32(min(k.bytes/weightUnit+1, math.MaxUint32)) },
		Executor:      func(fn func()) { fn() },
	})
	c.entries = otter.Must(&otter.Options[string, *opened]{
		MaximumWeight: uint64(max(c.max/weightUnit, 1)),
		Weigher: func(_ string, o *opened) uint32 {
			o.mu.Lock()
			defer o.mu.Unlock()
			return uint32(min((o.weight+o.coming)/weightUnit, math.MaxUint32))
		},
		// The handler below calls nothing of this cache, so that it may run in place; then a
		// file is closed when Close returns and not some time after.
		Executor: func(fn func()) { fn() },
		// Whoever replaces an entry lets go of the old one itself.
		OnDeletion: func(e otter.DeletionEvent[string, *opened]) {
			if e.Cause != otter.CauseReplacement {
				if e.WasEvicted() {
					c.evictions.Add(1)
					c.keep(e.Value)
				}
				c.release(e.Value)
			}
		},
	})
	return c
}

// hit makes the caller a user of the entry that there is for an id, if unchanged says that the
// file is still what the entry was read from; nil else.
func (c *cache) hit(id string, unchanged func(fs.FileInfo) bool) *opened {
	o, ok := c.entries.GetIfPresent(id)
	if !ok {
		return nil
	}
	o.mu.Lock()
	info := o.info
	o.mu.Unlock()
	// Not under the lock: a disk that stands still is not to stop who lets go of the entry.
	if !unchanged(info) || !o.retain(info) {
		return nil
	}
	return o
}

// acquire gives the entry for the file that info describes and makes the caller a user
// of it. fresh says that the entry is new: nobody has begun to load it.
//
// The cache may drop an entry for room at any moment, and lets go of it then. So whatever
// changes an entry does it in one step with looking whether it is still there.
func (c *cache) acquire(id string, info fs.FileInfo) (o *opened, fresh bool) {
	if o, ok := c.entries.GetIfPresent(id); ok && o.retain(info) {
		return o, false
	}
	var old *opened // which the new one takes the place of
	o, _ = c.entries.Compute(id, func(cur *opened, found bool) (*opened, otter.ComputeOp) {
		old, fresh = nil, false
		if found && cur.retain(info) {
			return cur, otter.CancelOp
		}
		old, fresh = cur, true
		return &opened{id: id, info: info, users: 2, weight: minWeight}, otter.WriteOp
	})
	if old != nil {
		c.release(old)
	}
	return o, fresh
}

// reweigh tells the cache what an entry weighs, if that has changed much since: when a View
// ends, and when a load of it begins or ends, so that others make room for what comes. What
// comes is a guess: it alone drives out no more than half of all.
func (c *cache) reweigh(o *opened) {
	now, coming := o.memoryBytes(), min(o.comingBytes(), c.max/2)
	o.mu.Lock()
	grown := now + coming - o.weight - o.coming
	if grown < 0 {
		grown = -grown
	}
	if grown*16 < now+coming && o.coming > 0 == (coming > 0) {
		o.mu.Unlock()
		return
	}
	o.weight, o.coming = now, coming
	o.mu.Unlock()
	c.entries.ComputeIfPresent(o.id, func(cur *opened) (*opened, otter.ComputeOp) {
		if cur != o {
			return cur, otter.CancelOp
		}
		return o, otter.WriteOp
	})
}

// weight is what the workbook of an id weighed when it was last looked at, 0 where nobody
// has read it yet. It counts as no use.
func (c *cache) weight(id string) int64 {
	e, ok := c.entries.GetEntryQuietly(id)
	if !ok {
		return 0
	}
	if _, ready := e.Value.load.Peek(); !ready {
		return 0
	}
	e.Value.mu.Lock()
	defer e.Value.mu.Unlock()
	return e.Value.weight
}

// unread is what loads of a sheet of the workbook of an id may still come to take.
func (c *cache) unread(id, sheet string) int64 {
	if e, ok := c.entries.GetEntryQuietly(id); ok {
		return e.Value.unreadBytes(sheet)
	}
	return 0
}

func (o *opened) unreadBytes(sheet string) int64 {
	if l, ok := o.load.Peek(); ok {
		return l.src.Unread(sheet)
	}
	return 0
}

// kept is the index of a workbook that was dropped for room.
type kept struct {
	info  fs.FileInfo // the revision of the file that it is for
	index *xlsx.Index
	bytes int64
}

// keep puts the index of a workbook aside, if it has one.
func (c *cache) keep(o *opened) {
	l, ok := o.load.Peek()
	if !ok || l.xlsx == nil {
		return
	}
	x := l.xlsx.Index()
	if x == nil {
		return
	}
	// One workbook's texts are not to push out the indexes of all others.
	if x.MemoryBytes() > c.maxKept/4 {
		x = x.WithoutStrings()
	}
	o.mu.Lock()
	info := o.info
	o.mu.Unlock()
	c.indexes.Set(o.id, &kept{info, x, x.MemoryBytes()})
}

// index gives the index for the file that info describes, nil where there is none. An
// index for another revision is of no more use.
func (c *cache) index(id string, info fs.FileInfo) *xlsx.Index {
	k, ok := c.indexes.GetIfPresent(id)
	if !ok {
		return nil
	}
	if !sameFile(k.info, info) {
		c.indexes.Invalidate(id)
		return nil
	}
	return k.index
}

// drop takes the entry of an id out and says whether there was one.
func (c *cache) drop(id string) bool {
	c.indexes.Invalidate(id)
	_, ok := c.entries.Invalidate(id)
	return ok
}

// forget takes an entry out that failed for a reason which may be gone at the next call.
func (c *cache) forget(o *opened) {
	c.entries.ComputeIfPresent(o.id, func(cur *opened) (*opened, otter.ComputeOp) {
		if cur != o {
			return cur, otter.CancelOp
		}
		return nil, otter.InvalidateOp
	})
}

// shed closes up to n workbooks that nobody uses at the moment, the least useful first,
// and says how many it closed. Their indexes stay.
func (c *cache) shed(n int) (closed int) {
	var idle []*opened
	for e := range c.entries.Coldest() {
		if len(idle) == n {
			break
		}
		if _, ready := e.Value.load.Peek(); ready && e.Value.idle() {
			idle = append(idle, e.Value)
		}
	}
	for _, o := range idle {
		c.evictions.Add(1)
		c.keep(o)
		c.forget(o)
	}
	return len(idle)
}

// makeRoom keeps the files that are open within their bound before one more is opened.
func (c *cache) makeRoom() {
	if over := c.files.Add(1) - c.maxFiles; over > 0 {
		c.shed(int(over))
	}
}

// close drops all entries.
func (c *cache) close() {
	c.entries.InvalidateAll()
	c.entries.CleanUp()
	c.entries.StopAllGoroutines()
	c.indexes.InvalidateAll()
	c.indexes.CleanUp()
	c.indexes.StopAllGoroutines()
}

func (c *cache) stats() CacheStats {
	var formulas, calculations int64
	for _, o := range c.entries.All() {
		if l, ok := o.load.Peek(); ok {
			indexes := l.snapshot.IndexBytes()
			formulas, calculations = formulas+l.snapshot.ModelBytes()-indexes, calculations+indexes
		}
	}
	return CacheStats{
		FormulaBytes: formulas, CalculationBytes: calculations,

		Hits: c.hits.Load(), Joined: c.joined.Load(), Misses: c.misses.Load(), Loads: c.loads.Load(), Evictions: c.evictions.Load(),
		Entries: c.entries.EstimatedSize(), Bytes: int64(c.entries.WeightedSize()) * weightUnit, MaxBytes: c.max,
		Indexes: c.indexes.EstimatedSize(), IndexBytes: int64(c.indexes.WeightedSize()) * weightUnit,
	}
}

// backing is the file behind a workbook, which may be replaced by another of the same bytes.
type backing struct {
	key    string // for the breaker
	at     atomic.Pointer[handle]
	before []*handle // replaced; they stay open, for reads of them may be under way
}

// handle is an open file whose reads pass the breaker of the disk that it lies on.
type handle struct {
	file *os.File
	info fs.FileInfo
	r    io.ReaderAt
	disk *disk
}

// ReadAt implements io.ReaderAt.
func (b *backing) ReadAt(p []byte, off int64) (int, error) {
	return b.from(b.at.Load()).ReadAt(p, off)
}

// from reads one of the files that b has been, whichever it is now.
func (b *backing) from(h *handle) io.ReaderAt { return guarded{h.r, h.disk, b.key} }

func (b *backing) current() *handle { return b.at.Load() }

// rebase goes on with another file. One at a time does it.
func (b *backing) rebase(h *handle) {
	b.before = append(b.before, b.at.Swap(h))
}

// close closes the files, which nobody reads any more, and says how many there were.
func (b *backing) close() (n int64) {
	for _, h := range append(b.before, b.at.Load()) {
		if h != nil {
			h.file.Close()
			n++
		}
	}
	return n
}

// checked is a source whose failures are told apart: a file that was overwritten while
// it was being read is no damaged file.
type checked struct {
	source
	*backing
	path string
}

func (c *checked) judge(err error) error {
	if err == nil {
		return nil
	}
	h := c.current()
	var hang *hangError
	if h == nil || errors.As(err, &hang) { // to look at the file could hang, too
		return fileError(c.path, err)
	}
	if now, serr := h.file.Stat(); serr == nil && !sameFile(now, h.info) {
		return &Error{Code: CodeChanged, Message: c.path + " was changed while it was being read", Hint: "Call again: the next call sees the new contents", cause: err}
	}
	return fileError(c.path, err)
}

// whole reads all of one of the files that c has been. Its failures are told as those of the workbook.
func (c *checked) whole(h *handle) io.Reader {
	return wholeFile{c, io.NewSectionReader(c.from(h), 0, 1<<62)}
}

type wholeFile struct {
	*checked
	r io.Reader
}

func (f wholeFile) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != io.EOF {
		err = f.judge(err)
	}
	return n, err
}

// hashing writes all of r to w, in pieces between which it looks whether anybody still waits.
func hashing(ctx context.Context, r io.Reader, w io.Writer) error {
	buf := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buf)
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
