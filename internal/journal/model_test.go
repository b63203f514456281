package journal

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridflow/flow/batch"
	"gridflow/internal/vfs/crashfs"
)

// What is tested here: after any crash, at any operation of the file system, also one
// while recovering, (1) what was acknowledged is there, byte for byte and in order;
// (2) of the batch that was not, there is a beginning of whole records, which may be
// empty; (3) what is seen after an Open is seen after the next crash, too.

// model is what a journal should hold: the records of every living stream.
type model map[string][]request

func (m model) apply(reqs ...request) model {
	m = maps.Clone(m)
	for _, r := range reqs {
		switch {
		case r.flags&flagEnd == 0:
			m[r.stream] = append(slices.Clip(m[r.stream]), r)
		default:
			delete(m, r.stream)
		}
	}
	return m
}

// differs says how a journal differs from what it should hold; "": not at all.
func (m model) differs(l *Log) string {
	if got, want := l.Streams(), slices.Sorted(maps.Keys(m)); !slices.Equal(got, want) {
		return fmt.Sprintf("streams %v, want %v", got, want)
	}
	for id, want := range m {
		from, size := 0, 0
		for i, r := range want {
			size += len(r.data)
			if r.flags&flagSnapshot != 0 {
				from = i
			}
		}
		if info, _ := l.Info(id); info.Records != uint64(len(want)) || info.Bytes != uint64(size) {
			return fmt.Sprintf("%+v, want %d records, %d bytes", info, len(want), size)
		}
		if d := differ(l, id, false, want, 0); d != "" {
			return d
		}
		if d := differ(l, id, true, want, from); d != "" {
			return d
		}
	}
	return ""
}

// differ compares one stream, by what All gives, or Tail, and by At.
func differ(l *Log, id string, tail bool, want []request, from int) string {
	i := from
	for e, err := range l.read(id, tail) {
		if err != nil {
			return fmt.Sprintf("stream %s, record %d: %v", id, i+1, err)
		}
		if i >= len(want) || e.Seq != uint64(i+1) || e.Kind != want[i].kind || e.Snapshot != (want[i].flags&flagSnapshot != 0) || !bytes.Equal(e.Data, want[i].data) {
			return fmt.Sprintf("stream %s, tail %v, record %d is %+v", id, tail, i+1, e)
		}
		if at, err := l.At(e.Pos); err != nil || at.Stream != id || at.Seq != e.Seq || at.Kind != e.Kind || !bytes.Equal(at.Data, e.Data) {
			return fmt.Sprintf("stream %s, record %d: at %v: %+v, %v", id, i+1, e.Pos, at, err)
		}
		i++
	}
	if i != len(want) {
		return fmt.Sprintf("stream %s ends after %d of %d records", id, i, len(want))
	}
	return ""
}

// resolve finds out how much of a batch that was not acknowledged is there.
func (m model) resolve(l *Log, pending []request) (model, error) {
	var why []string
	for k := range len(pending) + 1 {
		now := m.apply(pending[:k]...)
		d := now.differs(l)
		if d == "" {
			return now, nil
		}
		why = append(why, fmt.Sprintf("with %d of %d: %s", k, len(pending), d))
	}
	return nil, fmt.Errorf("the journal is none that it may be:\n%s", strings.Join(why, "\n"))
}

// commitAll writes requests as one batch. Some of those that follow one another in a stream
// are given as one request of several records, as AppendAll does.
func commitAll(l *Log, reqs []request) error {
	var folded []request
	for _, r := range reqs {
		if n := len(folded) - 1; n >= 0 && folded[n].stream == r.stream && folded[n].flags == 0 && r.flags == 0 && len(r.data)%3 != 0 {
			folded[n].rest = append(folded[n].rest, Record{r.kind, r.data})
			folded[n].entries = append(folded[n].entries, Entry{})
			continue
		}
		folded = append(folded, r)
	}
	return l.commit(folded, make([]batch.Outcome[Entry], len(folded)))
}

// machine is a journal and what it should hold.
type machine struct {
	f       *crashfs.FS
	l       *Log // nil: it has to be opened
	m       model
	pending []request // not acknowledged, and perhaps there
	o       Options
}

func (w *machine) batch(t *rapid.T) []request {
	var reqs []request
	alive := w.m.apply()
	for range rapid.IntRange(1, 5).Draw(t, "records") {
		r := request{stream: rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "stream"), kind: rapid.Uint8().Draw(t, "kind")}
		switch rapid.IntRange(0, 5).Draw(t, "what") {
		case 0:
			if alive[r.stream] == nil {
				continue
			}
			r = request{stream: r.stream, flags: flagEnd}
		case 1:
			r.flags = flagSnapshot
			fallthrough
		default:
			n := rapid.SampledFrom([]int{0, 1, 30, 200, 700}).Draw(t, "size")
			r.data = rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "data")
		}
		alive = alive.apply(r)
		reqs = append(reqs, r)
	}
	return reqs
}

// open opens, and finds out what became of the pending records. It may be stopped.
func (w *machine) open(t *rapid.T) {
	l, err := Open(w.f, "j", w.o)
	if err != nil {
		if !strings.Contains(err.Error(), crashfs.ErrStopped.Error()) {
			t.Fatal(err)
		}
		return
	}
	w.l = l
	w.f.StopAfter(0) // it may have stopped at the last operation of Open
	m, err := w.m.resolve(l, w.pending)
	if err != nil {
		t.Fatal(err)
	}
	w.m, w.pending = m, nil
}

func (w *machine) crash(t *rapid.T) {
	rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "crash"), 0))
	if rapid.Bool().Draw(t, "reorder") {
		w.f = w.f.CrashReorder(rnd)
	} else {
		w.f = w.f.Crash(rnd)
	}
	w.l = nil
}

func TestAnyCrash(t *testing.T) {
	now := time.Unix(1, 0)
	rapid.Check(t, func(t *rapid.T) {
		w := &machine{f: crashfs.New(), m: make(model), o: Options{
			SegmentBytes: rapid.Int64Range(headerSize, 3000).Draw(t, "segment"), Now: func() time.Time { return now },
		}}
		w.open(t)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				reqs := w.batch(t)
				if err := commitAll(w.l, reqs); err != nil {
					t.Fatal(err)
				}
				w.m = w.m.apply(reqs...)
			},
			"close and open": func(t *rapid.T) {
				if err := w.l.Close(); err != nil {
					t.Fatal(err)
				}
				w.open(t)
			},
			"crash at rest": func(t *rapid.T) {
				w.crash(t)
				w.open(t)
			},
			"crash while appending": func(t *rapid.T) {
				reqs := w.batch(t)
				w.f.StopAfter(len(w.f.Ops()) + rapid.IntRange(1, 12).Draw(t, "stop"))
				if err := commitAll(w.l, reqs); err == nil {
					w.m = w.m.apply(reqs...)
				} else {
					w.pending = reqs
				}
				w.crash(t)
				w.open(t)
			},
			"crash while opening": func(t *rapid.T) {
				w.crash(t)
				w.f.StopAfter(rapid.IntRange(1, 15).Draw(t, "stop"))
				w.open(t)
				w.crash(t)
				w.open(t)
			},
			"an operation fails": func(t *rapid.T) {
				reqs := w.batch(t)
				at := len(w.f.Ops()) + rapid.IntRange(1, 8).Draw(t, "which")
				short := rapid.IntRange(0, 600).Draw(t, "short")
				w.f.SetFault(func(op crashfs.Op) *crashfs.Fault {
					if op.N == at && op.Kind != crashfs.Point {
						return &crashfs.Fault{Err: syscall.EIO, Short: short}
					}
					return nil
				})
				if err := commitAll(w.l, reqs); err == nil {
					w.m = w.m.apply(reqs...)
				} else {
					w.pending = reqs
				}
				w.l.Close()
				w.f.SetFault(nil)
				w.open(t)
			},
			"": func(t *rapid.T) {
				if d := w.m.differs(w.l); d != "" {
					t.Fatal(d)
				}
				for _, c := range w.l.Check() {
					if c.Err != nil {
						t.Fatalf("%+v", c)
					}
				}
			},
		})
	})
}

// script is a journal's life: batches, rotations, ends, and closing and opening.
func script() [][]request {
	data := func(n int) []byte { return []byte(strings.Repeat("x", n)) }
	var steps [][]request
	for i := range 6 {
		id := string(rune('a' + i%3))
		steps = append(steps,
			[]request{{stream: id, kind: 1, data: data(100 * i)}, {stream: "long", kind: 2, data: data(i)}},
			[]request{{stream: id, kind: 3, data: data(600), flags: flagSnapshot}, {stream: "z", data: data(1)}, {stream: "z", flags: flagEnd}},
			nil, // close and open
			[]request{{stream: id, kind: 4, data: data(5)}, {stream: id, flags: flagEnd}, {stream: id, kind: 5, data: data(700)}},
			[]request{{stream: "long", kind: 6, data: data(50)}, {stream: "long", kind: 7, data: data(i + 1)}, {stream: "long", kind: 8, data: data(4)}},
		)
		if i%2 == 1 {
			steps = append(steps, []request{{stream: id, flags: flagEnd}})
		}
	}
	return steps
}

// play runs the script until an error, and gives what was acknowledged and what was not.
func play(f *crashfs.FS, steps [][]request) (m model, pending []request, err error) {
	m = make(model)
	o := Options{SegmentBytes: 1000}
	l, err := Open(f, "j", o)
	for _, reqs := range steps {
		if err != nil {
			return m, nil, err
		}
		if reqs == nil {
			if err = l.Close(); err == nil {
				l, err = Open(f, "j", o)
			}
			continue
		}
		if err = commitAll(l, reqs); err != nil {
			return m, reqs, err
		}
		m = m.apply(reqs...)
	}
	return m, nil, err
}

var seeds = flag.Uint64("seeds", 2, "how often TestEveryCrashPoint crashes after each operation")

// TestEveryCrashPoint stops the machine after each operation of the script, and after
// each operation of the recovery from that.
func TestEveryCrashPoint(t *testing.T) {
	f := crashfs.New()
	steps := script()
	if _, _, err := play(f, steps); err != nil {
		t.Fatal(err)
	}
	total := len(f.Ops())
	kinds := make(map[crashfs.Kind]int)
	for _, op := range f.Ops() {
		kinds[op.Kind]++
	}
	if kinds[crashfs.Remove] < 5 || kinds[crashfs.Create] < 10 || kinds[crashfs.Sync] < 50 {
		t.Errorf("the script is too tame: %v", kinds)
	}
	crashes := 0
	for stop := 1; stop <= total; stop++ {
		for seed := range *seeds {
			rnd := rand.New(rand.NewPCG(uint64(stop), seed))
			f := crashfs.New()
			f.StopAfter(stop)
			m, pending, _ := play(f, steps)
			crash := f.Crash
			if seed%2 == 1 {
				crash = f.CrashReorder
			}
			g := crash(rnd)
			for again := 1; ; again++ {
				g.StopAfter(again)
				l, err := Open(g, "j", Options{SegmentBytes: 1000})
				done := len(g.Ops()) < again
				if !done { // the machine stops while recovering
					g = g.Crash(rnd)
					crashes++
					continue
				}
				if err != nil {
					t.Fatalf("stopped after operation %d of %d (%v), seed %d: %v", stop, total, f.Ops()[stop-1], seed, err)
				}
				if _, err := m.resolve(l, pending); err != nil {
					t.Fatalf("stopped after operation %d of %d (%v), seed %d: %v", stop, total, f.Ops()[stop-1], seed, err)
				}
				sound(t, l)
				break
			}
			crashes++
		}
	}
	t.Logf("%d operations (%v), %d crashes", total, kinds, crashes)
}
