package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"

	"gridflow/flow/batch"
	"gridflow/internal/vfs"
)

// lockName is the file that stands for the lock of the folder.
const lockName = "LOCK"

// Open opens the journal in a folder, and makes the folder where it is not there. It
// takes the lock of the folder, cuts off what a crash has left of records that were not
// acknowledged, and begins a segment of its own.
//
// Errors: [vfs.ErrLocked], a [*CorruptError] for what was acknowledged and is damaged, a
// [*VersionError], or one of the file system. Nothing was changed then that matters: Open
// may be tried again.
func Open(fsys vfs.FS, dir string, o Options) (_ *Log, err error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	if o.ReadOnly {
		return openReadOnly(fsys, dir, o)
	}
	l := newLog(fsys, dir, o)
	if err := vfs.MakeDir(fsys, dir, 0o700); err != nil {
		return nil, err
	}
	if l.lock, err = fsys.Lock(path.Join(dir, lockName)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			l.lock.Close()
		}
		if diskFull(err) {
			err = fmt.Errorf("%w; free some space, then open the journal anew: %w", ErrFull, err)
		}
	}()
	number, epoch, err := l.load()
	if err != nil {
		return nil, err
	}
	if number == math.MaxUint32 || epoch == math.MaxUint32 {
		return nil, errors.New("journal: the numbers of segments are used up; begin a new folder")
	}
	l.stats.Epoch = epoch + 1
	if err := l.begin(number+1, epoch+1); err != nil {
		return nil, err
	}
	l.in, err = batch.New(batch.Config[request, Entry]{
		Run: l.commit, MaxItems: batchItems, MaxBytes: batchBytes, Size: request.size, Linger: o.Linger,
	})
	if err != nil {
		l.file.Close()
		return nil, err
	}
	l.reclaim()
	return l, nil
}

// openReadOnly takes no lock, so a server may seal and delete segments while they are
// looked at.
func openReadOnly(fsys vfs.FS, dir string, o Options) (*Log, error) {
	for try := 0; ; try++ {
		l := newLog(fsys, dir, o)
		_, epoch, err := l.load()
		if err == nil {
			l.stats.Epoch = epoch
			return l, nil
		}
		if !errors.Is(err, fs.ErrNotExist) || try == 3 {
			return nil, err
		}
	}
}

func newLog(fsys vfs.FS, dir string, o Options) *Log {
	return &Log{fs: fsys, dir: dir, o: o, next: 1, streams: make(map[string]*stream), fresh: make(map[string]*stream)}
}

// load reads what is in the folder, and gives the highest number and the last epoch.
func (l *Log) load() (number, epoch uint32, err error) {
	entries, err := l.fs.ReadDir(l.dir)
	if err != nil {
		return 0, 0, err
	}
	var numbers []uint32
	for _, e := range entries { // sorted by name, and so by number
		if n, ok := segmentNumber(e.Name()); ok && !e.IsDir() {
			numbers = append(numbers, n)
		}
	}
	gaps := make(map[*stream]error)
	for i, n := range numbers {
		last := i == len(numbers)-1
		g, x, err := l.loadSegment(n, last, epoch)
		if err != nil {
			return 0, 0, err
		}
		number = n
		if g == nil {
			continue // torn when it was made
		}
		epoch = g.epoch
		l.next = g.last + 1
		l.segments = append(l.segments, g)
		for _, r := range x.runs {
			if err := l.merge(g, r, gaps); err != nil {
				return 0, 0, err
			}
		}
	}
	for _, s := range l.streams {
		if gaps[s] != nil {
			return 0, 0, gaps[s]
		}
	}
	return number, epoch, nil
}

// loadSegment reads the index of a segment, or makes it. A nil segment is the last one
// where the crash came before anything was written to it.
func (l *Log) loadSegment(number uint32, last bool, epoch uint32) (*segment, *index, error) {
	g := &segment{name: segmentName(number)}
	r, err := openReader(l.fs, l.dir, g.name, 0)
	if err != nil {
		return nil, nil, err
	}
	defer r.close()
	info, err := r.f.Stat()
	if err != nil {
		return nil, nil, err
	}
	r.size = info.Size()
	b, err := r.bytes(0, int(min(headerSize, r.size)), false)
	if err != nil {
		return nil, nil, err
	}
	g.header, err = parseHeader(b, g.name)
	switch {
	case errors.Is(err, ErrCorrupt) && last && r.size <= headerSize:
		// The header is synced before the first record is written, so there was none.
		return nil, nil, l.removeTorn(g.name)
	case err != nil:
		return nil, nil, err
	case g.header.segment != number:
		err = fmt.Errorf("the file says that it is segment %d", g.header.segment)
	case g.epoch < epoch:
		err = fmt.Errorf("epoch %d after epoch %d", g.epoch, epoch)
	case g.sequence < l.next:
		err = fmt.Errorf("its first record has number %d, and number %d was before it", g.sequence, l.next-1)
	}
	if err != nil {
		return nil, nil, &CorruptError{g.name, 0, err.Error()}
	}
	x, end, err := sealed(r, &g.header)
	if err != nil {
		return nil, nil, err
	}
	if x == nil && !last {
		return nil, nil, &CorruptError{g.name, max(r.size-sealSize, 0), "the index is missing or damaged, and this is not the last segment"}
	}
	var fresh *index
	if x == nil {
		if x, end, err = l.scanLast(r, g); err != nil {
			return nil, nil, err
		}
		fresh = x
	}
	g.size, g.end, g.last = r.size, end, x.sequence
	if last && !l.o.ReadOnly {
		err = l.mend(r, g, fresh)
	}
	return g, x, err
}

// removeTorn takes away a segment that has no header. It must be gone before another one
// is made, since only the last segment may be like that.
func (l *Log) removeTorn(name string) error {
	if l.o.ReadOnly {
		return nil
	}
	if err := l.fs.Remove(path.Join(l.dir, name)); err != nil {
		return err
	}
	return l.fs.SyncDir(l.dir)
}

// scanLast reads the records of a segment that was not sealed, and gives where they end:
// what comes after that was never acknowledged, or scanLast gives an error.
func (l *Log) scanLast(r *reader, g *segment) (*index, int64, error) {
	x := &index{sequence: g.sequence - 1}
	open := make(map[string]*run)
	end, why, err := scan(r, &g.header, func(rec *record, off int64) error {
		l.stats.Scanned++
		return x.add(g.name, open, rec, off)
	})
	if err != nil {
		return nil, 0, err
	}
	if why != nil {
		proven, err := provenDurable(r, &g.header, end)
		if err != nil {
			return nil, 0, err
		}
		if proven {
			return nil, 0, why
		}
	}
	l.stats.Cut += r.size - end
	return x, end, nil
}

// add puts a record into the index; open are the runs that may go on.
func (x *index) add(name string, open map[string]*run, rec *record, off int64) error {
	s := open[string(rec.stream)]
	if s == nil {
		s = &run{stream: string(rec.stream)}
		open[s.stream] = s
		x.runs = append(x.runs, s)
	} else if s.last+1 != rec.seq {
		return &CorruptError{name, off, fmt.Sprintf("stream %q goes on with record %d after record %d", s.stream, rec.seq, s.last)}
	}
	s.add(rec, len(rec.data), uint32(off))
	if s.ended {
		delete(open, s.stream)
	}
	x.sequence = rec.sequence
	return nil
}

// mend makes durable what was found of the last segment, and seals it where x, its index,
// is new; nil: it is sealed already. Nothing that was not synced for certain is believed
// to be: where a sync had failed, the kernel may hold pages that are not on the disk, and
// would sync none of them, because it takes them for clean. So they are written again.
// The records come first: a seal says that they are durable.
func (l *Log) mend(r *reader, g *segment, x *index) error {
	f, err := l.fs.OpenAppend(path.Join(l.dir, g.name))
	if err != nil {
		return err
	}
	defer f.Close()
	from, to := g.end, g.size
	if x != nil {
		from, to = 0, g.end
	}
	for off := from; off < to; {
		b, err := r.bytes(off, int(min(to-off, window)), false)
		if err != nil {
			return err
		}
		if _, err := f.WriteAt(b, off); err != nil {
			return err
		}
		off += int64(len(b))
	}
	if x == nil {
		return f.Sync()
	}
	if err := f.Truncate(g.end); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	vfs.Point(l.fs, "journal: mended")
	b := appendIndex(nil, &g.header, x, g.end, l.o.Now().UnixNano())
	if _, err := f.Write(b); err != nil {
		return err
	}
	g.size = g.end + int64(len(b))
	return f.Sync()
}

// merge adds what a segment has of a stream to what older segments have of it. Streams
// with records missing go into gaps: their end may come.
func (l *Log) merge(g *segment, r *run, gaps map[*stream]error) error {
	s := l.streams[r.stream]
	switch {
	case s == nil:
		s = &stream{begun: r.begun}
		l.streams[r.stream] = s
	case r.first == 1:
		return &CorruptError{g.name, int64(r.firstOffset), fmt.Sprintf("stream %q begins again, and has not ended", r.stream)}
	}
	if r.first != s.seq+1 && gaps[s] == nil {
		gaps[s] = &CorruptError{g.name, int64(r.firstOffset), fmt.Sprintf("stream %q goes on with record %d, and the %d before it are missing", r.stream, r.first, r.first-s.seq-1)}
	}
	s.last, s.seq, s.at = position(g.segment, int64(r.lastOffset)), r.last, r.at
	s.tip, s.tipSeq = s.last, s.seq
	s.bytes += r.bytes
	if r.snapshot != 0 {
		s.snapshot = position(g.segment, int64(r.snapshot))
	}
	s.segments = append(s.segments, g.segment)
	g.live++
	if r.ended {
		l.kill(r.stream, s, g)
	}
	return nil
}
