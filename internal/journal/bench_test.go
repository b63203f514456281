package journal

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gridflow/flow/batch"
	"gridflow/internal/vfs"
)

const benchRecord = 256 // bytes of data

// benchFS gives an empty folder. TMPDIR says on which disk: where it is in memory, a sync
// costs nothing, and the figures say nothing.
func benchFS(b *testing.B) vfs.FS {
	b.Helper()
	o, err := vfs.OpenOS(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { o.Close() })
	return o
}

// BenchmarkAppend is the journal with so many writers, and beside it the least that any
// journal must do for one writer: a write and a sync for each record.
func BenchmarkAppend(b *testing.B) {
	data := make([]byte, benchRecord)
	b.Run("raw", func(b *testing.B) {
		f, err := benchFS(b).Create("raw", 0o600)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		p := make([]byte, fixedSize+len("stream-0")+benchRecord)
		for b.Loop() {
			if _, err := f.Write(p); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
	})
	b.Run("raw-in-turn", func(b *testing.B) { // one of each in turn, so that both see the same disk
		l, err := Open(benchFS(b), "journal", Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		f, err := benchFS(b).Create("raw", 0o600)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		p := make([]byte, fixedSize+len("stream-0")+benchRecord)
		var raw, ours time.Duration
		for b.Loop() {
			t0 := time.Now()
			if _, err := f.Write(p); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
			t1 := time.Now()
			if _, err := l.Append("stream-0", 1, data); err != nil {
				b.Fatal(err)
			}
			raw, ours = raw+t1.Sub(t0), ours+time.Since(t1)
		}
		b.ReportMetric(float64(raw)/float64(ours), "of-raw")
	})
	for _, writers := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			b.ReportAllocs()
			l, err := Open(benchFS(b), "journal", Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			b.ResetTimer()
			for w := range writers {
				wg.Go(func() {
					id := fmt.Sprintf("stream-%d", w)
					for left.Add(-1) >= 0 {
						if _, err := l.Append(id, 1, data); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
			b.ReportMetric(l.Stats().Batch.Mean(), "records/sync")
		})
	}
}

// BenchmarkOpen opens a journal of so many records, of 1000 streams, after a crash: all
// segments but the last are sealed. Reading them all is what Check does.
func BenchmarkOpen(b *testing.B) {
	const records = 1_000_000
	fsys := benchFS(b)
	data := make([]byte, benchRecord)
	l, err := Open(fsys, "journal", Options{})
	if err != nil {
		b.Fatal(err)
	}
	reqs := make([]request, 1000)
	for range records / len(reqs) {
		for i := range reqs {
			reqs[i] = request{stream: fmt.Sprintf("stream-%d", i), kind: 1, data: data}
		}
		if err := l.commit(reqs, make([]batch.Outcome[Entry], len(reqs))); err != nil {
			b.Fatal(err)
		}
	}
	// As a crash leaves it: the lock is free, and nothing was sealed.
	l.lock.Close()
	perMillion := func(b *testing.B, records int) {
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/float64(records)*1e6, "s/million-records")
	}
	b.Run("crashed", func(b *testing.B) {
		for b.Loop() {
			ro, err := Open(fsys, "journal", Options{ReadOnly: true})
			if err != nil || len(ro.Streams()) != 1000 {
				b.Fatal(err)
			}
			b.ReportMetric(float64(ro.Stats().Scanned), "scanned")
		}
		perMillion(b, records)
	})
	b.Run("check", func(b *testing.B) {
		for b.Loop() {
			for _, c := range l.Check() {
				if c.Err != nil {
					b.Fatal(c.Err)
				}
			}
		}
		perMillion(b, records)
	})
	b.Run("tail", func(b *testing.B) { // of one stream among a thousand
		n := 0
		for b.Loop() {
			n = 0
			for _, err := range l.Tail("stream-500") {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
		}
		perMillion(b, n)
	})
}
