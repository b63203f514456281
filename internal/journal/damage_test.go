package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"testing"

	"gridflow/internal/vfs/crashfs"
)

// damaged makes the journal of the script, closed or crashed, and gives its files and
// what it should hold: all, and all but the last batch. That one is nil where the journal
// was closed, since then no batch may be missing.
func damaged(t *testing.T, closed bool) (f *crashfs.FS, names []string, m model, last []request) {
	steps := append(script(), []request{{stream: "last", kind: 9, data: []byte("1")}}, []request{{stream: "last", data: []byte("2")}, {stream: "b", data: []byte("3")}})
	f = crashfs.New()
	m, _, err := play(f, steps)
	must(t, err)
	if !closed {
		last = steps[len(steps)-1]
		m, _, err = play(crashfs.New(), steps[:len(steps)-1])
		must(t, err)
	}
	f = f.Crash(rand.New(rand.NewPCG(1, 1)))
	if closed {
		l := open(t, f, Options{})
		appendTo(t, l, "last", "x")
		m = m.apply(request{stream: "last", kind: 7, data: []byte("x")})
		must(t, l.Close())
	}
	entries, err := f.ReadDir("j")
	must(t, err)
	for _, e := range entries {
		if _, ok := segmentNumber(e.Name()); ok {
			names = append(names, path.Join("j", e.Name()))
		}
	}
	return f, names, m, last
}

// Wherever a bit is wrong: Open says so, or reading says so, or nothing is amiss. Where
// the journal was not closed, the last batch may be missing: one that was torn looks the
// same, and it is not known that its Append has returned.
func TestBitFlips(t *testing.T) {
	for _, closed := range []bool{true, false} {
		t.Run(fmt.Sprintf("closed=%v", closed), func(t *testing.T) {
			f, names, m, last := damaged(t, closed)
			seen := make(map[string]int)
			rnd := rand.New(rand.NewPCG(2, 3))
			step := 7
			if *seeds > 2 {
				step = 1
			}
			for i, name := range names {
				size := len(readFile(t, f, name))
				for off := 0; off < size; off += step {
					g := f.Crash(rnd) // all is synced: this is a copy
					f.StopAfter(0)    // and f goes on
					bit := byte(1) << rnd.IntN(8)
					change(t, g, name, func(b []byte) []byte { b[off] ^= bit; return b })
					what := flipped(t, g, m, last)
					seen[what]++
					if what == "cut" && (closed || i < len(names)-1) || what == "wrong" {
						t.Fatalf("%s, byte %d of %d, bit %d: %s", name, off, size, bit, what)
					}
				}
			}
			t.Log(seen)
			if seen["open"] == 0 || closed && seen["read"] == 0 || !closed && seen["cut"] == 0 {
				t.Errorf("too little was seen: %v", seen)
			}
		})
	}
}

// flipped says how a journal with a wrong bit shows it.
func flipped(t *testing.T, g *crashfs.FS, m model, last []request) string {
	l, err := Open(g, "j", Options{})
	if errors.Is(err, ErrCorrupt) {
		return "open"
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	all := m.apply(last...)
	if all.differs(l) == "" {
		checked := l.Check()
		if i := slices.IndexFunc(checked, func(c SegmentCheck) bool { return c.Err != nil }); i >= 0 {
			return "check" // in what nobody reads any more
		}
		return "nothing"
	}
	if _, err := m.resolve(l, last); err == nil {
		return "cut"
	}
	if !slices.ContainsFunc(l.Check(), func(c SegmentCheck) bool { return errors.Is(c.Err, ErrCorrupt) }) {
		return "wrong"
	}
	// What is read up to the damage is right, and the damage is told.
	told := false
	for _, id := range l.Streams() {
		i := 0
		for e, err := range l.All(id) {
			switch {
			case errors.Is(err, ErrCorrupt):
				told = true
			case err != nil || i >= len(all[id]) || !bytes.Equal(e.Data, all[id][i].data) || e.Kind != all[id][i].kind:
				return "wrong"
			}
			i++
		}
	}
	if !told || len(l.Streams()) != len(all) {
		return "wrong"
	}
	return "read"
}

// What is missing altogether is damage, too.
func TestMissingPieces(t *testing.T) {
	f, names, _, _ := damaged(t, true)
	rnd := rand.New(rand.NewPCG(4, 5))
	if len(names) < 4 {
		t.Fatal(names)
	}
	for what, by := range map[string]func(g *crashfs.FS){
		"a segment is gone": func(g *crashfs.FS) { must(t, g.Remove(names[0])) },
		"two segments have changed places": func(g *crashfs.FS) {
			must(t, g.Rename(names[0], "j/x"))
			must(t, g.Rename(names[1], names[0]))
			must(t, g.Rename("j/x", names[1]))
		},
		"a segment is empty":     func(g *crashfs.FS) { change(t, g, names[0], func([]byte) []byte { return nil }) },
		"a segment is cut off":   func(g *crashfs.FS) { change(t, g, names[0], func(b []byte) []byte { return b[:len(b)/2] }) },
		"a segment is all zero":  func(g *crashfs.FS) { change(t, g, names[1], func(b []byte) []byte { clear(b); return b }) },
		"a segment has too much": func(g *crashfs.FS) { change(t, g, names[1], func(b []byte) []byte { return append(b, 0) }) },
		"the last one has no header": func(g *crashfs.FS) {
			change(t, g, names[len(names)-1], func(b []byte) []byte { clear(b[:64]); return b })
		},
	} {
		t.Run(what, func(t *testing.T) {
			g := f.Crash(rnd)
			by(g)
			before := fmt.Sprint(g.Used())
			var c *CorruptError
			if _, err := Open(g, "j", Options{}); !errors.As(err, &c) || !slices.Contains(names, "j/"+c.Segment) {
				t.Error(err)
			}
			if fmt.Sprint(g.Used()) != before {
				t.Error("something was changed")
			}
		})
	}
}

// A client whose data is a copy of the journal itself does not confuse it.
func TestDataThatLooksLikeRecords(t *testing.T) {
	f := crashfs.New()
	l := open(t, f, Options{})
	appendTo(t, l, "a", "one", "two", "three")
	copied := readFile(t, f, path.Join("j", segmentName(1)))
	f.SetFault(func(op crashfs.Op) *crashfs.Fault {
		if op.Kind == crashfs.Sync {
			return &crashfs.Fault{Err: errors.New("the power is gone")}
		}
		return nil
	})
	salt := l.active().salt
	var forged []byte
	for i := range 5 { // what a client could make that knows all but the salt
		forged = appendRecord(forged, salt+1, &record{epoch: 1, batch: uint32(len(copied) + 100*i), sequence: 5, seq: 1}, "b", nil)
	}
	if _, err := l.Append("a", 1, append(forged, copied...)); !errors.Is(err, ErrPoisoned) {
		t.Fatal(err)
	}
	f.SetFault(nil)
	// The batch is torn at its beginning, and the rest of it is on the disk.
	change(t, f, path.Join("j", segmentName(1)), func(b []byte) []byte { b[len(copied)]++; return b })
	f = f.Crash(rand.New(rand.NewPCG(1, 1)))
	l = open(t, f, Options{})
	wantText(t, "a", texts(l.All("a")), "1:one 2:two 3:three")
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte{}, uint32(0))
	f.Add(make([]byte, 100), uint32(0))
	good := appendRecord(nil, 7, &record{epoch: 1, batch: 64, sequence: 3, seq: 2, prev: position(1, 64), kind: 200, flags: flagSnapshot}, "stream", []byte("data"))
	good = append(good, "data"...)
	f.Add(good, uint32(7))
	f.Add(good[:len(good)-1], uint32(7))
	f.Fuzz(func(t *testing.T, b []byte, salt uint32) {
		rec, err := parseRecord(b, salt)
		if err == nil {
			again := appendRecord(nil, salt, &rec, string(rec.stream), rec.data)
			if again = append(again, rec.data...); !bytes.Equal(again, b[:rec.size]) {
				t.Errorf("%x is %+v, and that is %x", b[:rec.size], rec, again)
			}
		}
		parseHeader(b, "x")
		if x, err := parseIndex(b, int64(len(b))); err == nil {
			if y, err := parseIndex(x.encode(), int64(len(b))); err != nil || !bytes.Equal(x.encode(), y.encode()) {
				t.Errorf("%x: %v", b, err)
			}
		}
	})
}

// Whatever stands behind the header of a segment, Open and Check take it calmly.
func FuzzSegment(f *testing.F) {
	h := header{segment: 1, epoch: 1, salt: 5, sequence: 1}
	recs := appendRecord(nil, 5, &record{epoch: 1, batch: 64, sequence: 1, seq: 1}, "a", nil)
	f.Add(recs)
	f.Add(appendIndex(recs, &h, &index{sequence: 1, runs: []*run{{stream: "a", first: 1, last: 1, firstOffset: 64, lastOffset: 64}}}, int64(64+len(recs)), 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		fsys := crashfs.New()
		must(t, fsys.MkdirAll("j", 0))
		w, err := fsys.Create(path.Join("j", segmentName(1)), 0)
		must(t, err)
		_, err = w.Write(append(h.encode(), b...))
		must(t, err)
		l, err := Open(fsys, "j", Options{})
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Error(err)
			}
			return
		}
		l.Check()
		for _, id := range l.Streams() {
			for range l.All(id) {
			}
		}
		must(t, l.Close())
	})
}
