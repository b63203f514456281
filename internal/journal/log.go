package journal

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"gridflow/flow/batch"
	"gridflow/internal/lock"
	"gridflow/internal/tally"
	"gridflow/internal/vfs"
)

// Entry is a record as its reader sees it.
type Entry struct {
	Pos      Pos
	Stream   string
	Kind     uint8 // the user's
	Snapshot bool  // Tail begins here
	Seq      uint64
	Time     time.Time // when it was written, by the clock of the machine
	Data     []byte
}

// Options say how a log works. The zero value is what most need.
type Options struct {
	SegmentBytes int64            // a segment is sealed before it would pass this size; 0: 64 MiB; at most 1 GiB
	MaxRecord    int              // bytes of data that one record may have; 0: 256 MiB; at most 1 GiB
	Linger       time.Duration    // how long a lone Append waits for others to sync with; 0: not at all
	ReadOnly     bool             // take no lock and change nothing; a server may go on writing meanwhile
	Now          func() time.Time // nil: time.Now
}

const (
	sizeMax = 1 << 30 // of SegmentBytes and of MaxRecord, so that an offset fits 32 bits

	// A batch is bounded so that nobody waits for the data of too many others.
	batchBytes = 4 << 20
	batchItems = 4096
)

func (o *Options) fill() error {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = 64 << 20
	}
	if o.MaxRecord == 0 {
		o.MaxRecord = 256 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case o.SegmentBytes < headerSize || o.SegmentBytes > sizeMax:
		return fmt.Errorf("journal: SegmentBytes of %d: it must be from %d to %d", o.SegmentBytes, headerSize, sizeMax)
	case o.MaxRecord < 0 || o.MaxRecord > sizeMax:
		return fmt.Errorf("journal: MaxRecord of %d: it must be from 1 to %d", o.MaxRecord, sizeMax)
	case o.Linger < 0:
		return fmt.Errorf("journal: Linger of %v: it must not be negative", o.Linger)
	}
	return nil
}

// Log is a journal. It is safe for concurrent use.
type Log struct {
	fs   vfs.FS
	dir  string
	o    Options
	lock io.Closer // nil: read only
	in   *batch.Batcher[request, Entry]

	// The writer is who runs a batch; there is one at a time.
	file     vfs.File // of the active segment
	runs     []*run   // of the active segment: its index in the making
	pastRuns int      // of these: how many of them are past
	buf      []byte
	fresh    map[string]*stream // begun in the batch that is written, and not published
	staged   []staged
	next     uint64 // sequence of the next record
	stuck    bool   // no segment is deleted any more

	syncs tally.Durations // needs no lock

	mu       lock.RWMutex[lock.JournalLog]
	streams  map[string]*stream // the living, by id
	segments []*segment         // ascending; the last one is the active one
	poison   *PoisonedError
	closed   bool
	stats    Stats
}

// stream is one that lives. The tip is the writer's, the rest guarded by the mutex of the
// Log.
type stream struct {
	tip     Pos // of the last record that was given a place
	tipSeq  uint64
	tipEnds bool // that record is the end

	last      Pos // of the last record that was published
	seq       uint64
	snapshot  Pos // of the last snapshot record
	bytes     uint64
	begun, at int64
	segments  []uint32 // those that have records of it, ascending
	run       *run     // in the active segment; nil: none
}

// Info says what is known of a stream without reading it.
type Info struct {
	Stream      string
	Records     uint64    // since its beginning
	Bytes       uint64    // of their data
	First, Last time.Time // when the first and the last were written
	Segments    int       // that have records of it
	Pos         Pos       // of the last record
	Snapshot    Pos       // of the last snapshot record; 0: none
}

// Append writes a record and returns when it is durable. The Entry has the data that
// were given, which must not be changed before Append returns.
//
// Errors: [ErrStreamID], [ErrTooLarge], [ErrReadOnly], [ErrClosed]: nothing was written.
// [ErrPoisoned]: it is not known whether the record is there after the next Open.
func (l *Log) Append(stream string, kind uint8, data []byte) (Entry, error) {
	return l.append(request{stream: stream, data: data, kind: kind})
}

// A Record is what AppendAll is given.
type Record struct {
	Kind uint8 // the user's
	Data []byte
}

// AppendAll is Append for several records of a stream: they follow one another, and are
// durable together when it returns. A crash before that may leave the first of them without
// the others.
func (l *Log) AppendAll(stream string, records []Record) ([]Entry, error) {
	if len(records) == 0 {
		return nil, nil
	}
	for i := range records {
		if n := len(records[i].Data); n > l.o.MaxRecord {
			return nil, &TooLargeError{n, l.o.MaxRecord}
		}
	}
	entries := make([]Entry, len(records))
	first, err := l.append(request{stream: stream, data: records[0].Data, kind: records[0].Kind, rest: records[1:], entries: entries[1:]})
	if err != nil {
		return nil, err
	}
	entries[0] = first
	return entries, nil
}

// AppendSnapshot is Append, and marks the record as one that makes those before it
// needless: Tail begins at it.
func (l *Log) AppendSnapshot(stream string, kind uint8, data []byte) (Entry, error) {
	return l.append(request{stream: stream, data: data, kind: kind, flags: flagSnapshot})
}

// End ends a stream, durably. Its records are dead, and its id may be used again for a
// new stream, whose records are counted from 1. [ErrNoStream]: it is not alive.
func (l *Log) End(stream string) error {
	_, err := l.append(request{stream: stream, flags: flagEnd})
	return err
}

func (l *Log) append(r request) (Entry, error) {
	switch {
	case l.in == nil:
		return Entry{}, ErrReadOnly
	case len(r.stream) == 0 || len(r.stream) > MaxStreamID:
		return Entry{}, ErrStreamID
	case len(r.data) > l.o.MaxRecord:
		return Entry{}, &TooLargeError{len(r.data), l.o.MaxRecord}
	}
	e, err := l.in.Do(context.Background(), r)
	if errors.Is(err, batch.ErrClosed) {
		return Entry{}, ErrClosed
	}
	return e, err
}

// Streams gives the ids of the streams that are alive, sorted.
func (l *Log) Streams() []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	ids := make([]string, 0, len(l.streams))
	for id := range l.streams {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Infos gives what is known of the streams that are alive, sorted by id.
func (l *Log) Infos() []Info {
	l.mu.RLock()
	defer l.mu.RUnlock()
	infos := make([]Info, 0, len(l.streams))
	for id, s := range l.streams {
		infos = append(infos, s.info(id))
	}
	slices.SortFunc(infos, func(a, b Info) int { return strings.Compare(a.Stream, b.Stream) })
	return infos
}

// Info gives what is known of one stream; false: it is not alive.
func (l *Log) Info(stream string) (Info, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	s := l.streams[stream]
	if s == nil {
		return Info{}, false
	}
	return s.info(stream), true
}

func (s *stream) info(id string) Info {
	return Info{
		Stream: id, Records: s.seq, Bytes: s.bytes, First: time.Unix(0, s.begun), Last: time.Unix(0, s.at),
		Segments: len(s.segments), Pos: s.last, Snapshot: s.snapshot,
	}
}

// Stats says what a log has done since it was opened, and what it has.
type Stats struct {
	Epoch     uint32
	Streams   int
	Segments  int
	Bytes     int64  // of all segments
	Records   uint64 // written
	Written   uint64 // bytes of them
	Rotations uint64
	Deleted   uint64          // segments that had nothing alive
	DeleteErr error           // why the last of them could not be deleted; it is tried again
	Scanned   uint64          // records that Open read one by one, because their segment was not sealed
	Cut       int64           // bytes of a torn tail that Open has cut off
	Poisoned  error           // nil: it takes records
	Syncs     tally.Histogram // how long it took to make what was written durable
	Batch     batch.Stats
}

// Stats gives the counts.
func (l *Log) Stats() Stats {
	l.mu.RLock()
	defer l.mu.RUnlock()
	s := l.stats
	s.Streams, s.Segments = len(l.streams), len(l.segments)
	for _, g := range l.segments {
		s.Bytes += g.size
	}
	if l.poison != nil {
		s.Poisoned = l.poison
	}
	if l.in != nil {
		s.Batch = l.in.Stats()
	}
	s.Syncs = l.syncs.Read()
	return s
}

// Close waits for the Appends that have begun, seals the segment and gives the lock
// back. It gives the error that poisoned the log, if any. A second Close does nothing.
func (l *Log) Close() error {
	if l.in != nil {
		l.in.Close()
	}
	l.mu.Lock()
	closed := l.closed
	l.closed = true
	l.mu.Unlock()
	if closed || l.in == nil {
		return nil
	}
	err := l.poisoned()
	if err == nil {
		err = l.seal()
	}
	if e := l.file.Close(); err == nil { // where it is poisoned, the file may be closed already
		err = e
	}
	return errors.Join(err, l.lock.Close())
}

// poisoned gives the error of every Append, or nil.
func (l *Log) poisoned() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.poison != nil {
		return l.poison
	}
	return nil
}

// active gives the segment that is written to. It is the writer's to ask.
func (l *Log) active() *segment { return l.segments[len(l.segments)-1] }

// newSalt gives a number that nobody can guess. With it no data that a client sends can
// look like a record of the segment that it lies in.
func newSalt() uint32 {
	var b [4]byte
	rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint32(b[:])
}
