package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math/rand/v2"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gridflow/flow/batch"
	"gridflow/internal/vfs"
	"gridflow/internal/vfs/crashfs"
)

// fixture is a journal in memory that is checked when the test ends.
func open(t testing.TB, fsys vfs.FS, o Options) *Log {
	t.Helper()
	l, err := Open(fsys, "j", o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func appendTo(t testing.TB, l *Log, stream string, data ...string) {
	t.Helper()
	for _, d := range data {
		if _, err := l.Append(stream, 7, []byte(d)); err != nil {
			t.Fatal(err)
		}
	}
}

// texts gives the data of records as one line, and the error that came last.
func texts(seq iter.Seq2[Entry, error]) string {
	var b strings.Builder
	for e, err := range seq {
		if err != nil {
			fmt.Fprintf(&b, "(%v)", err)
			continue
		}
		fmt.Fprintf(&b, "%d:%s ", e.Seq, e.Data)
	}
	return strings.TrimSpace(b.String())
}

func wantText(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// sound fails if anything in the log is not as it should be.
func sound(t testing.TB, l *Log) {
	t.Helper()
	for _, c := range l.Check() {
		if c.Err != nil {
			t.Errorf("check: %+v", c)
		}
	}
}

func TestStreams(t *testing.T) {
	f := crashfs.New()
	now := time.Unix(1000, 5)
	l := open(t, f, Options{Now: func() time.Time { return now }})
	appendTo(t, l, "a", "one", "two")
	appendTo(t, l, "b", "", "x")
	now = now.Add(time.Minute)
	e, err := l.AppendSnapshot("a", 9, []byte("three"))
	must(t, err)
	appendTo(t, l, "a", "four")
	for round := range 3 {
		wantText(t, "streams", fmt.Sprint(l.Streams()), "[a b]")
		wantText(t, "all of a", texts(l.All("a")), "1:one 2:two 3:three 4:four")
		wantText(t, "tail of a", texts(l.Tail("a")), "3:three 4:four")
		wantText(t, "tail of b", texts(l.Tail("b")), "1: 2:x")
		wantText(t, "tail of c", texts(l.Tail("c")), "("+ErrNoStream.Error()+")")
		at, err := l.At(e.Pos)
		must(t, err)
		if !bytes.Equal(at.Data, []byte("three")) || at.Stream != "a" || at.Kind != 9 || !at.Snapshot || at.Seq != 3 || !at.Time.Equal(now) || at.Pos != e.Pos {
			t.Errorf("%+v", at)
		}
		info, ok := l.Info("a")
		if !ok || info.Records != 4 || info.Bytes != 15 || !info.First.Equal(time.Unix(1000, 5)) || !info.Last.Equal(now) || info.Snapshot != e.Pos || info.Segments != 1 {
			t.Errorf("%+v", info)
		}
		if infos := l.Infos(); len(infos) != 2 || infos[0] != info {
			t.Errorf("%+v", infos)
		}
		if _, ok := l.Info("c"); ok {
			t.Error("c is alive")
		}
		for _, pos := range []Pos{0, 1, position(99, 64), e.Pos + 1<<20} {
			if _, err := l.At(pos); !errors.Is(err, ErrNoRecord) {
				t.Errorf("at %v: %v", pos, err)
			}
		}
		sound(t, l)
		must(t, l.Close())
		l = open(t, f, Options{ReadOnly: round == 1})
	}
}

func TestEndAndBeginAgain(t *testing.T) {
	f := crashfs.New()
	l := open(t, f, Options{})
	appendTo(t, l, "a", "old", "older")
	must(t, l.End("a"))
	if err := l.End("a"); !errors.Is(err, ErrNoStream) {
		t.Error(err)
	}
	appendTo(t, l, "b", "b")
	for range 2 {
		wantText(t, "streams", fmt.Sprint(l.Streams()), "[b]")
		wantText(t, "a", texts(l.All("a")), "("+ErrNoStream.Error()+")")
		must(t, l.Close())
		l = open(t, f, Options{})
	}
	appendTo(t, l, "a", "new")
	for range 2 {
		wantText(t, "a", texts(l.All("a")), "1:new")
		sound(t, l)
		must(t, l.Close())
		l = open(t, f, Options{})
	}
}

// Who begins and ends streams all the time does not fill the memory with them before the segment is full.
func TestRunsThatArePast(t *testing.T) {
	f := crashfs.New()
	l := open(t, f, Options{})
	appendTo(t, l, "before", "x")
	must(t, l.Close())
	l = open(t, f, Options{})
	appendTo(t, l, "stays", "first")
	for i := range 1000 {
		id := fmt.Sprint("s", i%7)
		appendTo(t, l, id, "one", "two")
		if i == 500 {
			must(t, l.End("before")) // of a life that began in another segment there is to be told
		}
		must(t, l.End(id))
		if n := len(l.runs); n > 2*pastMin+3 {
			t.Fatalf("%d runs after %d lives", n, i)
		}
	}
	appendTo(t, l, "stays", "last")
	for range 2 {
		wantText(t, "streams", fmt.Sprint(l.Streams()), "[stays]")
		wantText(t, "stays", texts(l.All("stays")), "1:first 2:last")
		sound(t, l)
		must(t, l.Close())
		l = open(t, f, Options{})
	}
}

func files(t testing.TB, f vfs.FS) string {
	t.Helper()
	entries, err := f.ReadDir("j")
	must(t, err)
	var names []string
	for _, e := range entries {
		if n, ok := segmentNumber(e.Name()); ok {
			names = append(names, fmt.Sprint(n))
		}
	}
	return strings.Join(names, " ")
}

// A segment goes when nothing in it is alive, and an End not before what it has killed.
func TestSegmentsAreDeleted(t *testing.T) {
	f := crashfs.New()
	big := strings.Repeat("x", 400)
	l := open(t, f, Options{SegmentBytes: 600})
	appendTo(t, l, "long", big) // 1
	appendTo(t, l, "a", big)    // 2
	appendTo(t, l, "a", big)    // 3
	appendTo(t, l, "b", big)    // 4
	must(t, l.End("a"))         // 4, and 2 and 3 go
	wantText(t, "files", files(t, f), "1 4")
	appendTo(t, l, "c", big) // 5
	must(t, l.End("b"))      // 5, and 4 goes
	wantText(t, "files", files(t, f), "1 5")
	must(t, l.End("c"))
	appendTo(t, l, "d", big) // 6; 5 holds nothing but the ends of b and c
	wantText(t, "files", files(t, f), "1 6")
	appendTo(t, l, "long", big) // 7
	must(t, l.End("d"))         // 7, and 6 goes
	must(t, l.Close())
	l = open(t, f, Options{SegmentBytes: 600})
	wantText(t, "streams", fmt.Sprint(l.Streams()), "[long]")
	wantText(t, "files", files(t, f), "1 7 8")
	must(t, l.End("long"))
	wantText(t, "files", files(t, f), "8") // where that end is
	must(t, l.Close())
	for range 3 {
		l = open(t, f, Options{})
		if l.Stats().Streams != 0 {
			t.Error(l.Streams())
		}
		must(t, l.Close())
	}
	wantText(t, "files", files(t, f), "11")
	if f.Used() > 1000 {
		t.Errorf("%d bytes are left", f.Used())
	}
}

// An End whose stream has records in a segment that stays must stay as well.
func TestEndStaysWithWhatItKilled(t *testing.T) {
	f := crashfs.New()
	big := strings.Repeat("x", 400)
	l := open(t, f, Options{SegmentBytes: 600})
	appendTo(t, l, "long", "l") // 1
	appendTo(t, l, "a", "a")    // 1
	appendTo(t, l, "b", big)    // 2
	must(t, l.End("a"))         // 2
	must(t, l.End("b"))         // 2
	appendTo(t, l, "c", big)    // 3
	for range 3 {
		wantText(t, "files", files(t, f)[:5], "1 2 3")
		wantText(t, "streams", fmt.Sprint(l.Streams()), "[c long]")
		must(t, l.Close())
		l = open(t, f, Options{SegmentBytes: 600})
	}
}

func TestOpenRefuses(t *testing.T) {
	f := crashfs.New()
	l := open(t, f, Options{})
	if _, err := Open(f, "j", Options{}); !errors.Is(err, vfs.ErrLocked) {
		t.Error(err)
	}
	ro := open(t, f, Options{ReadOnly: true})
	appendTo(t, l, "a", "1")
	if _, err := ro.Append("a", 1, nil); !errors.Is(err, ErrReadOnly) {
		t.Error(err)
	}
	must(t, ro.Close())
	must(t, l.Close())
	must(t, l.Close())
	if _, err := l.Append("a", 1, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := l.At(position(1, 64)); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	wantText(t, "closed", texts(l.All("a")), "("+ErrClosed.Error()+")")
	for _, o := range []Options{{SegmentBytes: 1}, {SegmentBytes: 1 << 40}, {MaxRecord: -1}, {MaxRecord: 2 << 30}, {Linger: -1}} {
		if l, err := Open(f, "k", o); err == nil {
			l.Close()
			t.Errorf("%+v was taken", o)
		}
	}
	if _, err := Open(f, "nowhere", Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestAppendRefuses(t *testing.T) {
	l := open(t, crashfs.New(), Options{MaxRecord: 10})
	var large *TooLargeError
	if _, err := l.Append("a", 1, make([]byte, 11)); !errors.As(err, &large) || large.Size != 11 || large.Max != 10 || !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	for _, id := range []string{"", strings.Repeat("x", 65)} {
		if _, err := l.Append(id, 1, nil); !errors.Is(err, ErrStreamID) {
			t.Error(err)
		}
	}
	appendTo(t, l, strings.Repeat("x", 64), "0123456789")
	wantText(t, "stream", texts(l.Tail(strings.Repeat("x", 64))), "1:0123456789")
}

// A record that is larger than what is copied, than a batch and than a segment.
func TestLargeRecords(t *testing.T) {
	f := crashfs.New()
	l := open(t, f, Options{SegmentBytes: 100 << 10})
	var want []string
	for i, n := range []int{0, 1, copyMax, copyMax + 1, 200 << 10, batchBytes + 1, 5} {
		data := bytes.Repeat([]byte{byte('a' + i)}, n)
		appendTo(t, l, "a", string(data))
		want = append(want, fmt.Sprintf("%d:%s", i+1, data))
	}
	for range 2 {
		if texts(l.All("a")) != strings.Join(want, " ") {
			t.Error("what is read is not what was written")
		}
		sound(t, l)
		must(t, l.Close())
		l = open(t, f, Options{})
	}
}

// After a write, a sync or a rotation has failed nothing is tried again, and what was
// acknowledged is there after the next Open.
func TestPoison(t *testing.T) {
	for _, kind := range []crashfs.Kind{crashfs.Write, crashfs.Sync, crashfs.Create, crashfs.SyncDir} {
		for short := range 3 {
			t.Run(fmt.Sprint(kind, short), func(t *testing.T) {
				f := crashfs.New()
				rotates := kind == crashfs.Create || kind == crashfs.SyncDir || short == 0
				o := Options{SegmentBytes: 600}
				if !rotates { // it is the record itself that is not written, or not synced
					o = Options{}
				}
				l := open(t, f, o)
				appendTo(t, l, "a", strings.Repeat("x", 500))
				f.SetFault(func(op crashfs.Op) *crashfs.Fault {
					if op.Kind == kind {
						return &crashfs.Fault{Err: syscall.EIO, Short: short * 30}
					}
					return nil
				})
				if rotates {
					_, err := l.Append("a", 1, []byte(strings.Repeat("y", 100)))
					if !errors.Is(err, ErrPoisoned) || !errors.Is(err, syscall.EIO) {
						t.Fatal(err)
					}
				} else if _, err := l.Append("a", 1, []byte("y")); !errors.Is(err, ErrPoisoned) || !errors.Is(err, syscall.EIO) || errors.Is(err, ErrFull) {
					t.Fatal(err)
				}
				f.SetFault(nil)
				ops := len(f.Ops())
				var poisoned *PoisonedError
				if _, err := l.Append("b", 1, nil); !errors.As(err, &poisoned) || len(f.Ops()) != ops {
					t.Errorf("%v; it did %v", err, f.Ops()[ops:])
				}
				if !errors.Is(l.Stats().Poisoned, ErrPoisoned) || l.Stats().Records != 1 {
					t.Errorf("%+v", l.Stats())
				}
				wantText(t, "reading", texts(l.All("a")), "1:"+strings.Repeat("x", 500))
				if err := l.Close(); !errors.Is(err, ErrPoisoned) || len(f.Ops()) != ops {
					t.Errorf("%v; it did %v", err, f.Ops()[ops:])
				}
				l = open(t, f, Options{})
				if got := texts(l.All("a")); !strings.HasPrefix(got, "1:"+strings.Repeat("x", 500)) || len(got) > 503 && !strings.HasSuffix(got, " 2:y") {
					t.Error(got)
				}
				sound(t, l)
				appendTo(t, l, "a", "z")
				// What the failed sync had left to chance is certain now.
				all := texts(l.All("a"))
				for seed := range uint64(20) {
					g := open(t, f.Crash(rand.New(rand.NewPCG(seed, 0))), Options{})
					wantText(t, "after a crash", texts(g.All("a")), all)
				}
			})
		}
	}
}

// Where a sync had failed and opening fails as well, at whatever operation: what the
// Open that succeeds has shown is there after a crash.
func TestOpeningFails(t *testing.T) {
	for n := 1; ; n++ {
		f := crashfs.New()
		l := open(t, f, Options{})
		appendTo(t, l, "a", "x")
		fail := func(when func(crashfs.Op) bool) {
			f.SetFault(func(op crashfs.Op) *crashfs.Fault {
				if when(op) {
					return &crashfs.Fault{Err: syscall.EIO, Short: 100}
				}
				return nil
			})
		}
		fail(func(op crashfs.Op) bool { return op.Kind == crashfs.Sync })
		if _, err := l.Append("a", 1, bytes.Repeat([]byte("y"), 2000)); !errors.Is(err, ErrPoisoned) { // more than a sector
			t.Fatal(err)
		}
		l.Close()
		at := len(f.Ops()) + n
		fail(func(op crashfs.Op) bool { return op.N == at && op.Kind != crashfs.Point })
		l, err := Open(f, "j", Options{})
		if err == nil {
			err = l.Close()
		}
		if err != nil && !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		done := len(f.Ops()) < at
		f.SetFault(nil)
		l = open(t, f, Options{})
		all := texts(l.All("a"))
		if !strings.HasPrefix(all, "1:x") {
			t.Error(all)
		}
		for seed := range uint64(30) {
			g, err := Open(f.Crash(rand.New(rand.NewPCG(seed, 1))), "j", Options{})
			if err != nil {
				t.Fatalf("operation %d had failed: %v", n, err)
			}
			wantText(t, fmt.Sprintf("operation %d had failed", n), texts(g.All("a")), all)
		}
		if done {
			break
		}
	}
}

// A segment that was torn when it was made is gone for good before the next one is made,
// also on a file system that does not keep the order of such changes.
func TestTornSegment(t *testing.T) {
	for stop := 1; stop < 12; stop++ {
		for seed := range uint64(50) {
			f := crashfs.New()
			l := open(t, f, Options{})
			appendTo(t, l, "a", "x")
			must(t, l.Close())
			h, err := f.Create("j/"+segmentName(2), 0o600)
			must(t, err)
			_, err = h.Write([]byte("torn"))
			must(t, err)
			must(t, h.Sync())
			must(t, f.SyncDir("j"))
			f.StopAfter(len(f.Ops()) + stop)
			Open(f, "j", Options{})
			f = f.CrashReorder(rand.New(rand.NewPCG(seed, uint64(stop))))
			l, err = Open(f, "j", Options{})
			if err != nil {
				t.Fatalf("stopped after %d operations: %v", stop, err)
			}
			wantText(t, "a", texts(l.All("a")), "1:x")
		}
	}
}

// A panic while writing is an error for who appends, and the end of writing.
func TestWriterPanics(t *testing.T) {
	f := crashfs.New()
	var broken atomic.Bool
	l := open(t, f, Options{Now: func() time.Time {
		if broken.Load() {
			panic("no time")
		}
		return time.Unix(1, 0)
	}})
	appendTo(t, l, "a", "x")
	broken.Store(true)
	var p *batch.PanicError
	if _, err := l.Append("a", 1, nil); !errors.As(err, &p) {
		t.Error(err)
	}
	broken.Store(false)
	if _, err := l.Append("a", 1, nil); !errors.Is(err, ErrPoisoned) {
		t.Error(err)
	}
	wantText(t, "a", texts(l.All("a")), "1:x")
	if err := l.Close(); !errors.Is(err, ErrPoisoned) {
		t.Error(err)
	}
	wantText(t, "a", texts(open(t, f, Options{}).All("a")), "1:x")
}

func TestDiskFull(t *testing.T) {
	f := crashfs.New()
	l := open(t, f, Options{})
	appendTo(t, l, "a", "x")
	f.SetCapacity(f.Used() + 60)
	_, err := l.Append("a", 1, []byte("a record that does not fit"))
	if !errors.Is(err, ErrFull) || !errors.Is(err, ErrPoisoned) || !strings.Contains(err.Error(), "free some space") {
		t.Error(err)
	}
	l.Close()
	if _, err := Open(f, "j", Options{}); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "free some space") {
		t.Error(err)
	}
	f.SetCapacity(0)
	l = open(t, f, Options{})
	wantText(t, "a", texts(l.All("a")), "1:x")
	appendTo(t, l, "a", "y")
	must(t, l.Close())
}

// A file that cannot be deleted is nobody's trouble but the disk's, and is tried again.
func TestDeletingFails(t *testing.T) {
	f := crashfs.New()
	l := open(t, f, Options{SegmentBytes: 600})
	appendTo(t, l, "a", strings.Repeat("x", 500))
	appendTo(t, l, "b", strings.Repeat("x", 500))
	f.SetFault(func(op crashfs.Op) *crashfs.Fault {
		if op.Kind == crashfs.Remove {
			return &crashfs.Fault{Err: syscall.EBUSY}
		}
		return nil
	})
	must(t, l.End("a"))
	if s := l.Stats(); !errors.Is(s.DeleteErr, syscall.EBUSY) || s.Segments != 3 {
		t.Errorf("%+v", s)
	}
	f.SetFault(nil)
	appendTo(t, l, "c", strings.Repeat("x", 500))             // rotates
	if s := l.Stats(); s.DeleteErr != nil || s.Deleted != 2 { // that of a, and that of the end of a
		t.Errorf("%+v", s)
	}
}

func TestFutureVersion(t *testing.T) {
	f := crashfs.New()
	l := open(t, f, Options{})
	appendTo(t, l, "a", "x")
	must(t, l.Close())
	change(t, f, path.Join("j", segmentName(1)), func(b []byte) []byte {
		b[8] = 2
		h := crc(b[:60])
		copy(b[60:], h)
		return b
	})
	var v *VersionError
	if _, err := Open(f, "j", Options{}); !errors.As(err, &v) || v.Version != 2 {
		t.Error(err)
	}
}

// Whoever reads while others write, rotate and end streams sees whole streams.
func TestTogether(t *testing.T) {
	f := crashfs.New()
	l := open(t, f, Options{SegmentBytes: 4000})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			id := fmt.Sprint("w", w)
			for i := range 100 {
				switch {
				case i%40 == 39:
					if err := l.End(id); err != nil {
						t.Error(err)
					}
				case i%10 == 3:
					if _, err := l.AppendSnapshot(id, 1, fmt.Appendf(nil, "%s-%d", id, i)); err != nil {
						t.Error(err)
					}
				default:
					e, err := l.Append(id, 1, fmt.Appendf(nil, "%s-%d", id, i))
					if err != nil || e.Seq != uint64(i%40+1) {
						t.Error(e, err)
					}
				}
			}
		})
		wg.Go(func() {
			id := fmt.Sprint("w", w)
			for range 20 {
				var last uint64
				for e, err := range l.All(id) {
					if errors.Is(err, ErrNoStream) {
						break
					}
					if err != nil || e.Seq != last+1 || !bytes.HasPrefix(e.Data, []byte(id+"-")) {
						t.Error(e, err)
					}
					last = e.Seq
				}
				for range l.Tail(id) {
					break
				}
				l.Infos()
				l.Stats()
			}
		})
	}
	wg.Go(func() { sound(t, l) })
	wg.Go(func() { // another process looks on
		for range 20 {
			ro, err := Open(f, "j", Options{ReadOnly: true})
			if err != nil {
				t.Error(err)
				return
			}
			sound(t, ro)
			for _, id := range ro.Streams() {
				for e, err := range ro.All(id) {
					if err != nil && !errors.Is(err, ErrNoStream) || err == nil && e.Stream != id {
						t.Error(e, err)
					}
				}
			}
			ro.Close()
		}
	})
	wg.Wait()
	sound(t, l)
	for w := range 8 {
		if got := texts(l.All(fmt.Sprint("w", w))); strings.Count(got, ":") != 20 {
			t.Error(got)
		}
	}
	before := fmt.Sprintf("%+v", l.Infos())
	must(t, l.Close())
	l = open(t, f, Options{})
	wantText(t, "opened again", fmt.Sprintf("%+v", l.Infos()), before)
	sound(t, l)
	must(t, l.Close())
}

// Records that are given together follow one another, whatever others append, and all are
// told of as if each had been appended alone.
func TestAppendAll(t *testing.T) {
	f := crashfs.New()
	l := open(t, f, Options{SegmentBytes: 4 << 10, MaxRecord: 1 << 20})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for n := range 20 {
				records := []Record{{1, []byte("first")}, {2, bytes.Repeat([]byte("x"), n*100)}, {3, nil}, {4, bytes.Repeat([]byte("y"), copyMax+w)}}
				got, err := l.AppendAll("a", records)
				if err != nil || len(got) != len(records) {
					t.Errorf("%d entries, %v", len(got), err)
					return
				}
				for i, e := range got {
					at, err := l.At(e.Pos)
					if err != nil || e.Seq != got[0].Seq+uint64(i) || at.Seq != e.Seq || at.Kind != records[i].Kind || e.Kind != at.Kind || e.Stream != "a" || !e.Time.Equal(at.Time) || !bytes.Equal(at.Data, records[i].Data) || !bytes.Equal(e.Data, at.Data) {
						t.Errorf("record %d is %v at %v (%v)", i, e.Seq, at.Seq, err)
					}
				}
				if _, err := l.Append("b", 1, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	must(t, l.Close())
	l = open(t, f, Options{MaxRecord: 2})
	if info, _ := l.Info("a"); info.Records != 320 || l.Streams()[1] != "b" {
		t.Errorf("%+v", info)
	}
	sound(t, l)
	var large *TooLargeError
	if _, err := l.AppendAll("a", []Record{{1, nil}, {1, make([]byte, 3)}}); !errors.As(err, &large) {
		t.Error(err)
	}
	if got, err := l.AppendAll("c", nil); got != nil || err != nil {
		t.Error(got, err)
	}
	if _, err := l.AppendAll("", []Record{{1, nil}}); !errors.Is(err, ErrStreamID) {
		t.Error(err)
	}
	if info, _ := l.Info("a"); info.Records != 320 {
		t.Errorf("%+v", info)
	}
	must(t, l.Close())
}
