package workspace

import (
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gridflow/flow/breaker"
)

// hungMax bounds the reads of a root that hang at the same time. Each keeps a thread of the
// process, and a probe of the breaker may add one whenever it is let through: on a disk that
// never answers they would become as many as there is time.
const hungMax = 16

// A disk is where the files of a root lie: reads pass its breaker, and end after a time
// whether it answers or not.
type disk struct {
	breaker *breaker.Breaker
	timeout time.Duration // longest read; 0: any
	log     *slog.Logger

	hung     atomic.Int64  // reads that have been given up and go on all the same
	refused  atomic.Uint64 // reads that were refused because too many hang
	attempts sync.Pool     // of *attempt
}

func newDisk(root string, timeout time.Duration, log *slog.Logger) (*disk, error) {
	b, err := newBreaker(root, log)
	if err != nil {
		return nil, err
	}
	d := &disk{breaker: b, timeout: timeout, log: log}
	d.attempts.New = func() any { return &attempt{done: make(chan readEnd, 1)} }
	return d, nil
}

// Breakers tells of the breakers of the roots, whose names are the paths of the roots.
func (w *Workspace) Breakers() []breaker.Stats {
	all := make([]breaker.Stats, len(w.roots))
	for i, r := range w.roots {
		all[i] = r.disk.breaker.Stats()
		all[i].Rejected += r.disk.refused.Load()
	}
	return all
}

// guarded is a file whose reads pass the breaker of its root.
type guarded struct {
	io.ReaderAt
	disk *disk
	key  string
}

// ReadAt implements io.ReaderAt. The end of the file is no failure; a read that takes too
// long is one, with a [hangError].
func (g guarded) ReadAt(p []byte, off int64) (int, error) {
	d := g.disk
	if d.hung.Load() >= hungMax {
		d.refused.Add(1)
		return 0, &diskRefusal{&breaker.OpenError{Name: d.breaker.Name(), RetryAfter: breaker.Files().OpenFor}}
	}
	permit, err := d.breaker.Allow(g.key)
	if open, ok := errors.AsType[*breaker.OpenError](err); ok {
		return 0, &diskRefusal{open}
	}
	if err != nil {
		return 0, err
	}
	n, err := d.read(g.ReaderAt, p, off, g.key)
	if errors.Is(err, io.EOF) {
		permit.Done(nil)
	} else {
		permit.Done(err)
	}
	return n, err
}

// An attempt is a read that somebody waits for until it takes too long.
type attempt struct {
	buf     []byte
	done    chan readEnd
	settled atomic.Bool // it has ended, or been given up, whichever was first
}

type readEnd struct {
	n   int
	err error
}

// read reads in another goroutine, because nothing can be done about a system call that
// does not return. It reads into a buffer of its own: when it ends after all, the caller
// has long used his for something else.
func (d *disk) read(src io.ReaderAt, p []byte, off int64, key string) (int, error) {
	if d.timeout <= 0 {
		return src.ReadAt(p, off)
	}
	a := d.attempts.Get().(*attempt)
	if cap(a.buf) < len(p) {
		a.buf = make([]byte, len(p))
	}
	a.buf = a.buf[:len(p)]
	a.settled.Store(false)
	timer := time.NewTimer(d.timeout)
	defer timer.Stop()
	go func() {
		n, err := src.ReadAt(a.buf, off)
		if a.settled.Swap(true) {
			d.hung.Add(-1)
			d.log.Info("a read that hung has ended", "root", d.breaker.Name(), "workbook", key)
			return
		}
		a.done <- readEnd{n, err}
	}()
	var end readEnd
	select {
	case end = <-a.done:
	case <-timer.C:
		// It is counted before the other side can see that it has been given up.
		d.hung.Add(1)
		if !a.settled.Swap(true) {
			d.log.Warn("a read hangs", "root", d.breaker.Name(), "workbook", key, "after", d.timeout)
			return 0, &hangError{d.timeout}
		}
		d.hung.Add(-1)
		end = <-a.done
	}
	copy(p, a.buf[:max(end.n, 0)])
	if cap(a.buf) <= attemptMax {
		d.attempts.Put(a)
	}
	return end.n, end.err
}

// attemptMax is the largest buffer that is kept for the next read, in bytes: most reads are
// of 64 KB to 512 KB.
const attemptMax = 1 << 20
