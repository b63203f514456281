package journal

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"time"

	"gridflow/flow/batch"
	"gridflow/internal/vfs"
)

// request is what an Append asks for.
type request struct {
	stream string
	data   []byte
	kind   uint8
	flags  uint8

	rest    []Record // that follow at once, in the same batch
	entries []Entry  // where they are told of, as long as rest
}

func (r request) size() int64 {
	n := int64(fixedSize + len(r.stream) + len(r.data))
	for i := range r.rest {
		n += int64(fixedSize + len(r.stream) + len(r.rest[i].Data))
	}
	return n
}

// staged is a record that was given a place and is not published.
type staged struct {
	rec    record
	stream *stream
	pos    Pos
	req    int // the request that it is of
	part   int // of its rest, -1: the first
	size   int // of its data
}

// copyMax is up to which size data are copied to be written together with others.
const copyMax = 64 << 10

// commit writes a batch. It is called by one goroutine at a time, which is the writer.
func (l *Log) commit(reqs []request, out []batch.Outcome[Entry]) (err error) {
	returned := false
	defer func() {
		if !returned { // a panic: the batch tells the callers, and nothing may follow
			l.fail("write", errPanic)
		}
	}()
	err = l.commitBatch(reqs, out)
	returned = true
	return err
}

var errPanic = errors.New("the writer panicked")

func (l *Log) commitBatch(reqs []request, out []batch.Outcome[Entry]) error {
	if err := l.poisoned(); err != nil {
		return err
	}
	var total int64
	for i := range reqs {
		total += reqs[i].size()
	}
	if g := l.active(); g.end > headerSize && g.end+total > l.o.SegmentBytes {
		if err := l.rotate(); err != nil {
			return l.fail("rotate", err)
		}
	}
	g := l.active()
	end, err := l.write(g, reqs, out)
	if err != nil {
		return l.fail("write", err)
	}
	if end == g.end {
		return nil // nothing but Ends of streams that are not there
	}
	vfs.Point(l.fs, "journal: written")
	if err := l.sync(); err != nil {
		return l.fail("sync", err)
	}
	vfs.Point(l.fs, "journal: synced")
	if l.publish(g, reqs, out, end) {
		l.reclaim()
	}
	return nil
}

// sync makes durable what was written to the active segment, and counts how long it took.
func (l *Log) sync() error {
	begin := time.Now()
	err := l.file.Sync()
	l.syncs.Add(time.Since(begin))
	return err
}

// write gives every record its place and writes it. It gives where they end.
func (l *Log) write(g *segment, reqs []request, out []batch.Outcome[Entry]) (end int64, err error) {
	now := l.o.Now().UnixNano()
	begin := g.end
	end = begin
	l.buf = l.buf[:0]
	l.staged = l.staged[:0]
	clear(l.fresh)
	for i := range reqs {
		r := &reqs[i]
		s := l.writerStream(r.stream)
		if s == nil && r.flags&flagEnd != 0 {
			out[i].Err = ErrNoStream
			continue
		}
		if s == nil {
			s = new(stream)
			l.fresh[r.stream] = s
		}
		for part := -1; part < len(r.rest); part++ {
			kind, data := r.kind, r.data
			if part >= 0 {
				kind, data = r.rest[part].Kind, r.rest[part].Data
			}
			st := staged{stream: s, pos: position(g.segment, end), req: i, part: part, size: len(data), rec: record{
				epoch: g.epoch, batch: uint32(begin), sequence: l.next, time: now, seq: s.tipSeq + 1, prev: s.tip, kind: kind, flags: r.flags,
			}}
			l.next++
			s.tip, s.tipSeq, s.tipEnds = st.pos, st.rec.seq, r.flags&flagEnd != 0
			l.staged = append(l.staged, st)
			l.buf = appendRecord(l.buf, g.salt, &st.rec, r.stream, data)
			if len(data) <= copyMax {
				l.buf = append(l.buf, data...)
			} else {
				if _, err := l.file.Write(l.buf); err != nil {
					return 0, err
				}
				l.buf = l.buf[:0]
				if _, err := l.file.Write(data); err != nil {
					return 0, err
				}
			}
			end += int64(fixedSize + len(r.stream) + len(data))
		}
	}
	if len(l.buf) > 0 {
		_, err = l.file.Write(l.buf)
	}
	return end, err
}

// writerStream gives a stream as it is after the records that were given a place.
func (l *Log) writerStream(id string) *stream {
	s := l.fresh[id]
	if s == nil {
		s = l.streams[id] // only the writer changes the map, so it may read without the lock
	}
	if s == nil || s.tipEnds {
		return nil
	}
	return s
}

// publish shows readers what is durable now, and tells whether a stream has ended.
func (l *Log) publish(g *segment, reqs []request, out []batch.Outcome[Entry], end int64) (ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.staged {
		st := &l.staged[i]
		r, s := &reqs[st.req], st.stream
		if s.run == nil {
			s.run = &run{stream: r.stream}
			l.runs = append(l.runs, s.run)
			s.segments = append(s.segments, g.segment)
			g.live++
		}
		s.run.add(&st.rec, st.size, uint32(st.pos.offset()))
		s.publish(&st.rec, st.pos, st.size)
		switch {
		case r.flags&flagEnd != 0:
			l.kill(r.stream, s, g)
			l.forget(s.run)
			ended = true
		case st.rec.seq == 1:
			l.streams[r.stream] = s
		}
		e, data := &out[st.req].Value, r.data
		if st.part >= 0 {
			e, data = &r.entries[st.part], r.rest[st.part].Data
		}
		*e = Entry{
			Pos: st.pos, Stream: r.stream, Kind: st.rec.kind, Snapshot: r.flags&flagSnapshot != 0,
			Seq: st.rec.seq, Time: time.Unix(0, st.rec.time), Data: data,
		}
	}
	l.stats.Records += l.next - 1 - g.last
	g.last = l.next - 1
	l.stats.Written += uint64(end - g.end)
	g.end, g.size = end, end
	clear(l.staged) // so that no stream that has ended is kept
	return ended
}

// publish adds a record to what is known of its stream.
func (s *stream) publish(rec *record, pos Pos, dataSize int) {
	if rec.seq == 1 {
		s.begun = rec.time
	}
	s.last, s.seq, s.at = pos, rec.seq, rec.time
	s.bytes += uint64(dataSize)
	if rec.flags&flagSnapshot != 0 {
		s.snapshot = pos
	}
}

// kill takes a stream away that ends in segment g. Locked.
func (l *Log) kill(id string, s *stream, g *segment) {
	if l.streams[id] == s {
		delete(l.streams, id)
	}
	for _, n := range s.segments {
		o := l.find(n)
		if o == nil {
			continue
		}
		o.live--
		if o != g {
			if g.tombs == nil {
				g.tombs = make(map[uint32]struct{})
			}
			g.tombs[n] = struct{}{}
		}
	}
}

// forget drops runs that are past, this one the latest, once they are half of all: who begins and ends streams all the time
// would else have them all in memory until the segment is full. Locked.
func (l *Log) forget(r *run) {
	if !r.past() {
		return
	}
	if l.pastRuns++; l.pastRuns > pastMin && 2*l.pastRuns > len(l.runs) {
		l.runs = slices.DeleteFunc(l.runs, (*run).past)
		l.pastRuns = 0
	}
}

const pastMin = 64

// find gives a segment by its number; nil: it is not there. Locked, or by the writer.
func (l *Log) find(number uint32) *segment {
	i, ok := slices.BinarySearchFunc(l.segments, number, func(g *segment, n uint32) int { return int(int64(g.segment) - int64(n)) })
	if !ok {
		return nil
	}
	return l.segments[i]
}

// fail poisons the log.
func (l *Log) fail(op string, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.poison = &PoisonedError{op, l.active().name, err}
	return l.poison
}

// rotate seals the active segment and makes the next one.
func (l *Log) rotate() error {
	if err := l.seal(); err != nil {
		return err
	}
	g := l.active()
	if err := l.file.Close(); err != nil {
		return err
	}
	if err := l.begin(g.segment+1, g.epoch); err != nil {
		return err
	}
	l.mu.Lock()
	l.stats.Rotations++
	l.mu.Unlock()
	l.reclaim()
	return nil
}

// seal writes the index of the active segment, and makes it durable before anything is
// written elsewhere: all segments but the last are sealed.
func (l *Log) seal() error {
	g := l.active()
	b := appendIndex(nil, &g.header, &index{sequence: g.last, runs: l.runs}, g.end, l.o.Now().UnixNano())
	if _, err := l.file.Write(b); err != nil {
		return err
	}
	if err := l.sync(); err != nil {
		return err
	}
	vfs.Point(l.fs, "journal: sealed")
	l.mu.Lock()
	defer l.mu.Unlock()
	g.size = g.end + int64(len(b))
	for _, r := range l.runs {
		if s := l.streams[r.stream]; s != nil && s.run == r {
			s.run = nil
		}
	}
	l.runs, l.pastRuns = nil, 0
	return nil
}

// begin makes a segment and has records go there. When it returns, the segment is durable.
func (l *Log) begin(number, epoch uint32) error {
	now := l.o.Now().UnixNano()
	g := &segment{name: segmentName(number), end: headerSize, size: headerSize, last: l.next - 1}
	g.header = header{segment: number, epoch: epoch, salt: newSalt(), sequence: l.next, created: now}
	f, err := l.fs.Create(path.Join(l.dir, g.name), 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(g.encode()); err == nil {
		if err = f.Sync(); err == nil {
			err = l.fs.SyncDir(l.dir)
		}
	}
	if err != nil {
		f.Close()
		return err
	}
	vfs.Point(l.fs, "journal: begun")
	l.file = f
	l.mu.Lock()
	defer l.mu.Unlock()
	l.segments = append(l.segments, g)
	return nil
}

// reclaim deletes the segments that have nothing alive. What an End has killed must be
// gone, durably, before the End may go; so each deletion is synced before the next.
// It is called by the writer. An error does not concern those who append. A file that
// cannot be removed is tried again; after a failed sync nothing is, until the next Open,
// since nobody knows whether the file is gone.
func (l *Log) reclaim() {
	for !l.stuck {
		g := l.dead()
		if g == nil {
			return
		}
		err := l.fs.Remove(path.Join(l.dir, g.name))
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			err = l.fs.SyncDir(l.dir)
			l.stuck = err != nil
		}
		l.mu.Lock()
		l.stats.DeleteErr = err
		if err == nil {
			l.stats.Deleted++
			l.segments = slices.DeleteFunc(l.segments, func(o *segment) bool { return o == g })
		}
		l.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// dead gives the oldest segment that may be deleted, or nil.
func (l *Log) dead() *segment {
	for _, g := range l.segments[:len(l.segments)-1] {
		if g.live > 0 {
			continue
		}
		needed := false
		for n := range g.tombs {
			needed = needed || l.find(n) != nil
		}
		if !needed {
			return g
		}
	}
	return nil
}
