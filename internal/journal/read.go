package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"time"
)

// Tail gives the records of a stream, oldest first, from its last snapshot record on,
// which is included, or from the beginning where there is none: what was durable when
// the loop began. An error is the last thing that it gives: [ErrNoStream], also where
// the stream ends meanwhile, a [*CorruptError], or one of the file system.
func (l *Log) Tail(stream string) iter.Seq2[Entry, error] { return l.read(stream, true) }

// All gives the records of a stream, oldest first, from its beginning. See Tail.
func (l *Log) All(stream string) iter.Seq2[Entry, error] { return l.read(stream, false) }

// read follows the chain of the stream back to where it is to begin, and then reads on
// from there. It keeps 8 bytes a record.
func (l *Log) read(stream string, fromSnapshot bool) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		l.mu.RLock()
		s, closed := l.streams[stream], l.closed
		var last, first Pos
		var seq uint64
		if s != nil {
			last, seq = s.last, s.seq
			if fromSnapshot {
				first = s.snapshot
			}
		}
		l.mu.RUnlock()
		if closed {
			yield(Entry{}, ErrClosed)
			return
		}
		if s == nil {
			yield(Entry{}, ErrNoStream)
			return
		}
		c := cursor{l: l}
		defer c.close()
		chain, err := c.chain(stream, last, first, seq)
		if err != nil {
			yield(Entry{}, c.explain(stream, s, err))
			return
		}
		seq -= uint64(len(chain)) - 1
		for _, pos := range slices.Backward(chain) {
			rec, err := c.record(pos)
			if err == nil && (string(rec.stream) != stream || rec.seq != seq) {
				err = c.corrupt(pos, fmt.Sprintf("record %d of stream %q should be here", seq, stream))
			}
			if err != nil {
				yield(Entry{}, c.explain(stream, s, err))
				return
			}
			if !yield(rec.entry(pos), nil) {
				return
			}
			seq++
		}
	}
}

// At gives the record at a position. One whose stream has ended is there for as long as
// its segment is. [ErrNoRecord]: there is none any more. pos must be one that an Entry
// has had.
func (l *Log) At(pos Pos) (Entry, error) {
	l.mu.RLock()
	closed := l.closed
	g := l.find(pos.segment())
	var end int64
	if g != nil {
		end = g.end
	}
	l.mu.RUnlock()
	if closed {
		return Entry{}, ErrClosed
	}
	if pos.offset() < headerSize || pos.offset() >= end {
		return Entry{}, ErrNoRecord
	}
	c := cursor{l: l}
	defer c.close()
	rec, err := c.record(pos)
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, ErrNoRecord
	}
	if err != nil {
		return Entry{}, err
	}
	if rec.flags&(flagEnd|flagIndex) != 0 {
		return Entry{}, ErrNoRecord
	}
	return rec.entry(pos), nil
}

// entry gives a record to keep.
func (r *record) entry(pos Pos) Entry {
	return Entry{
		Pos: pos, Stream: string(r.stream), Kind: r.kind, Snapshot: r.flags&flagSnapshot != 0,
		Seq: r.seq, Time: time.Unix(0, r.time), Data: bytes.Clone(r.data),
	}
}

// cursor reads records here and there, and keeps one segment open.
type cursor struct {
	l      *Log
	r      *reader
	number uint32
	salt   uint32
}

func (c *cursor) close() {
	if c.r != nil {
		c.r.close()
	}
}

// seek opens the segment of a position.
func (c *cursor) seek(pos Pos) error {
	if c.r != nil && c.number == pos.segment() {
		return nil
	}
	c.l.mu.RLock()
	g := c.l.find(pos.segment())
	var end int64
	if g != nil {
		c.salt, end = g.salt, g.end
	}
	c.l.mu.RUnlock()
	c.close()
	c.r, c.number = nil, pos.segment()
	if g == nil {
		return fs.ErrNotExist
	}
	var err error
	c.r, err = openReader(c.l.fs, c.l.dir, g.name, end)
	return err
}

func (c *cursor) record(pos Pos) (record, error) {
	if err := c.seek(pos); err != nil {
		return record{}, err
	}
	return c.r.record(pos.offset(), c.salt)
}

func (c *cursor) corrupt(pos Pos, reason string) error {
	return &CorruptError{segmentName(pos.segment()), pos.offset(), reason}
}

// chain gives the positions from record seq, which is at last, back to first, or to the
// stream's beginning if first is 0. It believes what it reads only as far as it must:
// each record is checked as a whole later.
func (c *cursor) chain(stream string, last, first Pos, seq uint64) ([]Pos, error) {
	var chain []Pos
	for pos := last; pos != 0; seq-- {
		chain = append(chain, pos)
		if pos == first {
			break
		}
		if err := c.seek(pos); err != nil {
			return nil, err
		}
		b, err := c.r.bytes(pos.offset(), fixedSize+len(stream), true)
		if err != nil {
			return nil, err
		}
		rec, err := parseFixed(b)
		if err != nil || string(rec.stream) != stream || rec.seq != seq || rec.prev >= pos || (rec.prev == 0) != (seq == 1) {
			return nil, c.corrupt(pos, fmt.Sprintf("record %d of stream %q should be here", seq, stream))
		}
		pos = rec.prev
	}
	return chain, nil
}

// explain says what a missing segment means.
func (c *cursor) explain(stream string, s *stream, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	c.l.mu.RLock()
	defer c.l.mu.RUnlock()
	if c.l.streams[stream] != s || c.l.o.ReadOnly {
		return ErrNoStream // it has ended meanwhile; in another process, where this one only reads
	}
	return &CorruptError{segmentName(c.number), 0, fmt.Sprintf("the file is missing, and stream %q has records in it", stream)}
}
