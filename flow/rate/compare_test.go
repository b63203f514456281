package rate

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/compare.txt anew")

// All are told ten calls a second.
const perWindow, window = 10, time.Second

// limiter answers a call: how long it waits before it begins, or after which time it may
// come back.
type limiter interface {
	call(now time.Duration) (wait time.Duration, ok bool)
	words() int // what it has to remember now, in numbers
}

type bucketLimiter struct{ *Bucket }

func (b bucketLimiter) call(now time.Duration) (time.Duration, bool) { return b.Take(now, 1) }
func (b bucketLimiter) words() int                                   { return 2 }

type pacerLimiter struct{ *Pacer }

func (p pacerLimiter) call(now time.Duration) (time.Duration, bool) {
	return p.Reserve(now, 3*time.Second)
}
func (p pacerLimiter) words() int { return 1 }

// fixed counts the calls of one window after the other.
type fixed struct {
	begin time.Duration
	n     int
}

func (f *fixed) call(now time.Duration) (time.Duration, bool) {
	if begin := now - now%window; begin != f.begin {
		f.begin, f.n = begin, 0
	}
	if f.n == perWindow {
		return f.begin + window - now, false
	}
	f.n++
	return 0, true
}
func (f *fixed) words() int { return 2 }

// slidingLog keeps the times of the calls of the last window.
type slidingLog struct {
	times []time.Duration
	most  int
}

func (s *slidingLog) call(now time.Duration) (time.Duration, bool) {
	for len(s.times) > 0 && s.times[0] <= now-window {
		s.times = s.times[1:]
	}
	if len(s.times) == perWindow {
		return s.times[0] + window - now, false
	}
	s.times = append(s.times, now)
	s.most = max(s.most, len(s.times))
	return 0, true
}
func (s *slidingLog) words() int { return s.most }

// slidingCounter keeps the counts of two fixed windows and takes the calls of the one
// before as evenly spread. It does not know when there will be room again: it says when
// there will be if nothing else comes.
type slidingCounter struct {
	begin     time.Duration
	before, n int
}

func (s *slidingCounter) call(now time.Duration) (time.Duration, bool) {
	for s.begin+window <= now {
		s.begin += window
		s.before, s.n = s.n, 0
	}
	left := window - (now - s.begin)
	if float64(s.before)*float64(left)/float64(window)+float64(s.n)+1 > perWindow {
		return left, false
	}
	s.n++
	return 0, true
}
func (s *slidingCounter) words() int { return 3 }

func arrivals(pattern string) (at []time.Duration) {
	const ms = time.Millisecond
	switch pattern {
	case "steady 9/s":
		for t := time.Duration(0); t < 20*time.Second; t += time.Second / 9 {
			at = append(at, t)
		}
	case "steady 15/s":
		for t := time.Duration(0); t < 20*time.Second; t += time.Second / 15 {
			at = append(at, t)
		}
	case "burst of 50":
		for range 50 {
			at = append(at, 2500*ms)
		}
	case "two at a boundary":
		for _, t := range []time.Duration{4950 * ms, 5050 * ms} {
			for range 10 {
				at = append(at, t)
			}
		}
	case "on and off":
		for s := range 10 { // a second with 20 calls, a second with none
			for i := range 20 {
				at = append(at, time.Duration(2*s)*time.Second+time.Duration(i)*50*ms)
			}
		}
	}
	return at
}

// TestCompare plays the same arrivals to all algorithms. "most in a second" is of any
// second, wherever it begins; "wait" is the longest of a call that was let through,
// "retry" the longest that a refused one was told.
func TestCompare(t *testing.T) {
	var out strings.Builder
	fmt.Fprintf(&out, "ten calls a second; bucket: burst 5; pacer: burst 1, waits up to 3 s\n")
	for _, pattern := range []string{"steady 9/s", "steady 15/s", "burst of 50", "two at a boundary", "on and off"} {
		at := arrivals(pattern)
		fmt.Fprintf(&out, "\n%s, %d calls\n", pattern, len(at))
		fmt.Fprintf(&out, "    %-16s %9s %17s %8s %8s %8s\n", "", "let in", "most in a second", "wait", "retry", "numbers")
		b := bucket(t, PerSecond(perWindow), 5)
		p, err := NewPacer(PerSecond(perWindow), 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range []struct {
			name string
			limiter
		}{{"token bucket", bucketLimiter{b}}, {"pacer", pacerLimiter{p}}, {"fixed window", &fixed{}}, {"sliding log", &slidingLog{}}, {"sliding counter", &slidingCounter{}}} {
			var starts []time.Duration
			var wait, retry time.Duration
			for _, now := range at {
				if w, ok := a.call(now); ok {
					wait = max(wait, w)
					starts = append(starts, now+w)
				} else {
					retry = max(retry, w)
				}
			}
			most := 0
			for i := range starts {
				n := 0
				for _, s := range starts[i:] {
					if s < starts[i]+window {
						n++
					}
				}
				most = max(most, n)
			}
			fmt.Fprintf(&out, "    %-16s %9d %17d %7.2fs %7.2fs %8d\n", a.name, len(starts), most, wait.Seconds(), retry.Seconds(), a.words())
		}
	}
	golden := filepath.Join("testdata", "compare.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("the comparison has changed; if that is meant, run with -update\n%s", out.String())
	}
}
