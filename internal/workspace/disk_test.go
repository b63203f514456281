package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gridflow/flow/breaker"
	"gridflow/internal/book"
)

// silent is a file whose reads give no answer until release is closed, while mute is set.
type silent struct {
	io.ReaderAt
	mute    *atomic.Bool
	release chan struct{}
	tried   *atomic.Int64
}

func (s silent) ReadAt(p []byte, off int64) (int, error) {
	s.tried.Add(1)
	if s.mute.Load() {
		<-s.release
	}
	return s.ReaderAt.ReadAt(p, off)
}

const hangAfter = 30 * time.Second

// silentDisk gives a disk, and a file on it by key.
func silentDisk(t *testing.T, log io.Writer) (d *disk, file func(key string) guarded, s silent) {
	t.Helper()
	d, err := newDisk("root", hangAfter, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s = silent{strings.NewReader("0123456789"), new(atomic.Bool), make(chan struct{}), new(atomic.Int64)}
	return d, func(key string) guarded { return guarded{s, d, key} }, s
}

// TestHangingRead: a read that gets no answer fails when its time is over, and counts for
// the breaker like one that failed: the file is set aside, then the root is left alone. When
// it ends after all it writes into nobody's buffer, and nothing is left of it.
func TestHangingRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		d, file, s := silentDisk(t, &log)
		conf := breaker.Files()
		buf := []byte("untouched!")
		read := func(key string) (time.Duration, error) {
			start := time.Now()
			_, err := file(key).ReadAt(buf, 0)
			return time.Since(start), err
		}
		s.mute.Store(true)
		var hang *hangError
		var open *breaker.OpenError
		for i := range int(conf.Poison) {
			if took, err := read("bad"); took != hangAfter || !errors.As(err, &hang) || !errors.Is(err, syscall.ETIMEDOUT) {
				t.Errorf("read %d took %v: %v", i, took, err)
			}
		}
		if took, err := read("bad"); took != 0 || !errors.As(err, &open) || open.Key != "bad" {
			t.Errorf("a file whose reads hang is not set aside: after %v %v", took, err)
		}
		for i := range conf.Failures {
			go func() {
				if took, err := read(fmt.Sprint("other ", i)); took != hangAfter || !errors.As(err, new(*hangError)) {
					t.Errorf("one of several files took %v: %v", took, err)
				}
			}()
		}
		synctest.Wait()
		time.Sleep(hangAfter)
		synctest.Wait()
		if d.breaker.State() != breaker.Open {
			t.Errorf("with several files that hang the breaker is %v", d.breaker.State())
		}
		tried := s.tried.Load()
		if took, err := read("third"); took != 0 || !errors.As(err, &open) || open.Key != "" || s.tried.Load() != tried {
			t.Errorf("with the breaker open: after %v %v", took, err)
		}
		if got := d.hung.Load(); got != tried {
			t.Errorf("%d reads hang, %d were tried", got, tried)
		}
		s.mute.Store(false)
		close(s.release)
		synctest.Wait()
		if d.hung.Load() != 0 || string(buf) != "untouched!" {
			t.Errorf("%d reads hang after all have ended; the buffer holds %q", d.hung.Load(), buf)
		}
		time.Sleep(conf.OpenFor)
		for range conf.Successes {
			if n, err := file("third").ReadAt(buf, 4); n != 6 || err != io.EOF || string(buf) != "456789hed!" {
				t.Errorf("a probe gives %d bytes, %v: %q", n, err, buf)
			}
		}
		if d.breaker.State() != breaker.Closed {
			t.Errorf("after the probes the breaker is %v", d.breaker.State())
		}
		for text, n := range map[string]int64{"a read hangs": tried, "a read that hung has ended": tried, "breaker=open": 1, "breaker=closed": 1} {
			if got := strings.Count(log.String(), text); got != int(n) {
				t.Errorf("%q stands %d times in the log, want %d:\n%s", text, got, n, &log)
			}
		}
	})
}

// TestSlowRead: a read that takes its time, but less than it may, is none that hangs, at
// whatever moment it ends.
func TestSlowRead(t *testing.T) {
	for _, takes := range []time.Duration{0, time.Second, hangAfter - 1} {
		synctest.Test(t, func(t *testing.T) {
			d, file, s := silentDisk(t, io.Discard)
			s.mute.Store(true)
			go func() { time.Sleep(takes); close(s.release) }()
			buf := make([]byte, 4)
			if n, err := file("a").ReadAt(buf, 3); n != 4 || err != nil || string(buf) != "3456" || d.hung.Load() != 0 {
				t.Errorf("after %v: %d bytes, %v: %q", takes, n, err, buf)
			}
		})
	}
}

// TestHungReadsAreBounded: however often probes of a disk that never answers hang, no more
// reads do at once than may, and who comes then is told to come back.
func TestHungReadsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, file, s := silentDisk(t, io.Discard)
		s.mute.Store(true)
		var open *breaker.OpenError
		for i := range 10 * hungMax {
			_, err := file(fmt.Sprint(i)).ReadAt(make([]byte, 1), 0)
			if i >= 9*hungMax && (!errors.As(err, &open) || open.RetryAfter <= 0) {
				t.Errorf("read %d: %v", i, err)
			}
			time.Sleep(breaker.Files().OpenFor)
		}
		if d.hung.Load() != hungMax || s.tried.Load() != hungMax || d.refused.Load() == 0 {
			t.Errorf("%d reads hang of %d that were tried; %d were refused for that", d.hung.Load(), s.tried.Load(), d.refused.Load())
		}
		close(s.release)
		s.mute.Store(false)
		synctest.Wait()
		for range breaker.Files().Successes {
			if _, err := file("well").ReadAt(make([]byte, 1), 0); err != nil {
				t.Errorf("when the disk answers again: %v", err)
			}
		}
	})
}

// TestHangingFile: whoever reads a workbook whose disk gives no answer is told so, with a
// code and when to come back; others are served, and the breaker's counts tell of it.
func TestHangingFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "good.csv"), "a,b\n1,2\n")
	write(t, filepath.Join(dir, "bad.csv"), "a,b\n1,2\n")
	w := open(t, Options{}, dir)
	s := silent{mute: new(atomic.Bool), release: make(chan struct{}), tried: new(atomic.Int64)}
	s.mute.Store(true)
	w.readerOf = func(f *os.File) io.ReaderAt {
		if filepath.Base(f.Name()) != "bad.csv" {
			return f
		}
		s := s
		s.ReaderAt = f
		return s
	}
	read := func(id string) error {
		return w.View(t.Context(), id, func(s *book.Snapshot) error {
			_, err := s.Sheet(t.Context(), 0)
			return err
		})
	}
	if err := read("good.csv"); err != nil {
		t.Fatal(err)
	}
	w.roots[0].disk.timeout = time.Millisecond // only of the file that hangs in any case
	for i := range int(breaker.Files().Poison) {
		err := read("bad.csv")
		var e *Error
		if !errors.As(err, &e) || e.Code != CodeReadTimeout || e.RetryAfter <= 0 || !strings.HasPrefix(e.Message, "bad.csv could not be read: ") {
			t.Errorf("read %d: %v", i, err)
		}
	}
	if err := read("bad.csv"); code(err) != CodeCircuitOpen {
		t.Errorf("a file whose reads hang: %v", err)
	}
	if err := read("good.csv"); err != nil {
		t.Errorf("what is in memory: %v", err)
	}
	if b := w.Breakers(); len(b) != 1 || b[0].Rejected != 1 || b[0].Quarantined != 1 || !strings.HasSuffix(b[0].Name, filepath.Base(dir)) {
		t.Errorf("%+v", b)
	}
	close(s.release)
}

func BenchmarkReadAt(b *testing.B) {
	file := filepath.Join(b.TempDir(), "file")
	if err := os.WriteFile(file, make([]byte, 8<<20), 0o666); err != nil {
		b.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for _, timeout := range []time.Duration{0, hangAfter} {
		b.Run(fmt.Sprint("timeout=", timeout), func(b *testing.B) {
			d, err := newDisk("root", timeout, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			g, p := guarded{f, d, "file"}, make([]byte, 64<<10)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for i := int64(0); b.Loop(); i++ {
				if _, err := g.ReadAt(p, i%128*int64(len(p))); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
