package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
)

// SegmentCheck is what a check has found in one segment.
type SegmentCheck struct {
	Segment string
	Records int   // that are whole
	Bytes   int64 // of the file
	Sealed  bool  // it has an index; the one that is written to has none
	Err     error // nil: all is as it was written
}

// Check reads everything, and compares what it finds with the checksums, the numbers,
// the chains of the streams and the indexes. It may be called while records are
// appended, and looks at what was there when it was called. A segment that is deleted
// meanwhile is left out.
func (l *Log) Check() []SegmentCheck {
	l.mu.RLock()
	segments := make([]segment, len(l.segments))
	for i, g := range l.segments {
		segments[i] = *g
	}
	l.mu.RUnlock()
	var out []SegmentCheck
	tips := make(map[string]tip)
	for i := range segments {
		if i > 0 && segments[i].segment != segments[i-1].segment+1 {
			clear(tips) // streams that have ended may have had records in between
		}
		c := l.check(&segments[i], tips)
		if c.Err != nil {
			clear(tips) // what comes next in each chain is not known any more
			if l.gone(segments[i].segment) || l.o.ReadOnly && errors.Is(c.Err, fs.ErrNotExist) {
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

// tip is the last record of a stream that was read.
type tip struct {
	pos Pos
	seq uint64
}

func (l *Log) gone(number uint32) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.find(number) == nil
}

func (l *Log) check(g *segment, tips map[string]tip) SegmentCheck {
	c := SegmentCheck{Segment: g.name, Bytes: g.size}
	r, err := openReader(l.fs, l.dir, g.name, g.size)
	if err != nil {
		c.Err = err
		return c
	}
	defer r.close()
	b, err := r.bytes(0, headerSize, false)
	if err == nil {
		var h header
		if h, err = parseHeader(b, g.name); err == nil && h != g.header {
			err = &CorruptError{g.name, 0, "the header is not the one that was there when the journal was opened"}
		}
	}
	if err != nil {
		c.Err = err
		return c
	}
	var x *index
	if g.size > g.end {
		if x, _, err = sealed(r, &g.header); err == nil && x == nil && !l.o.ReadOnly {
			err = &CorruptError{g.name, g.end, "the index is missing or damaged"}
		}
		if err != nil {
			c.Err = err
			return c
		}
		c.Sealed = x != nil
	}
	r.size = g.end
	found := &index{sequence: g.sequence - 1}
	open := make(map[string]*run)
	_, why, err := scan(r, &g.header, func(rec *record, off int64) error {
		id := string(rec.stream)
		t, known := tips[id]
		if known && (rec.prev != t.pos || rec.seq != t.seq+1) || (rec.prev == 0) != (rec.seq == 1) {
			return &CorruptError{g.name, off, fmt.Sprintf("record %d of stream %q does not follow record %d", rec.seq, id, t.seq)}
		}
		tips[id] = tip{position(g.segment, off), rec.seq}
		if rec.flags&flagEnd != 0 {
			delete(tips, id)
		}
		c.Records++
		return found.add(g.name, open, rec, off)
	})
	switch {
	case err != nil:
		c.Err = err
	case why != nil:
		c.Err = why
	case x != nil && !bytes.Equal(x.encode(), found.encode()):
		c.Err = &CorruptError{g.name, g.end, "the index does not agree with the records"}
	}
	return c
}
