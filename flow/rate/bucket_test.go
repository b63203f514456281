package rate

import (
	"math"
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func bucket(t testing.TB, r Rate, burst int64) *Bucket {
	t.Helper()
	b, err := NewBucket(0, r, burst)
	if err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestBucket(t *testing.T) {
	b := bucket(t, PerSecond(10), 3)
	for _, c := range []struct {
		now   time.Duration
		n     int64
		retry time.Duration
		ok    bool
	}{
		{0, 1, 0, true},
		{0, 2, 0, true},
		{0, 1, 100 * time.Millisecond, false},
		{40 * time.Millisecond, 1, 60 * time.Millisecond, false},
		{100*time.Millisecond - 1, 1, 1, false},
		{100 * time.Millisecond, 1, 0, true}, // a token is used up when it is taken
		{100 * time.Millisecond, 1, 100 * time.Millisecond, false},
		{50 * time.Millisecond, 1, 100 * time.Millisecond, false}, // time that goes backwards stands still
		{100 * time.Millisecond, 4, Never, false},
		{time.Hour, 4, Never, false},
		{time.Hour, 3, 0, true}, // never more than the burst, however long it was idle
		{time.Hour, 1, 100 * time.Millisecond, false},
		{time.Hour, 0, 0, true},
		{time.Hour, -5, 0, true},
		{time.Hour, 1, 100 * time.Millisecond, false}, // and a negative take gives nothing back
	} {
		if retry, ok := b.Take(c.now, c.n); retry != c.retry || ok != c.ok {
			t.Errorf("at %v, take %d: %v, %v; want %v, %v", c.now, c.n, retry, ok, c.retry, c.ok)
		}
	}
}

// A bucket that rounds at every step gives nothing, or too much, when it is asked every
// nanosecond. (With a burst of one, what is over when the token is whole is lost to the
// burst, rightly; so it is two here.)
func TestBucketTinySteps(t *testing.T) {
	for _, c := range []struct {
		rate Rate
		want int
	}{{Rate{3, time.Microsecond}, 9000}, {Rate{7, time.Millisecond}, 21}, {Rate{1, 4 * time.Millisecond}, 0}} {
		b := bucket(t, c.rate, 2)
		b.Take(0, 2)
		given := 0
		for now := time.Duration(1); now <= 3*time.Millisecond; now++ {
			if _, ok := b.Take(now, 1); ok {
				given++
			}
		}
		if given != c.want {
			t.Errorf("%d in %v: %d tokens in 3 ms, want %d", c.rate.Tokens, c.rate.Per, given, c.want)
		}
	}
}

func TestBucketLongIdle(t *testing.T) {
	for _, r := range []Rate{{1, 1}, {1, 24 * time.Hour}, {1 << 40, time.Second}, {math.MaxInt64 / 4, 1}} {
		b := bucket(t, r, 5)
		for _, now := range []time.Duration{1, time.Hour, math.MaxInt64 / 2, math.MaxInt64} {
			b.Take(now-1, 5)
			if got := b.Tokens(now); got < 0 || got > 5 {
				t.Errorf("%+v: %v tokens at %v", r, got, now)
			}
		}
	}
	b, err := NewBucket(math.MinInt64, PerSecond(1), 5)
	if err != nil {
		t.Fatal(err)
	}
	b.Take(math.MinInt64, 5)
	if !b.Full(math.MaxInt64) {
		t.Error("not full after all the time there is")
	}
}

func TestBucketSet(t *testing.T) {
	b := bucket(t, PerSecond(10), 10)
	b.Take(0, 4)
	for _, c := range []struct {
		rate  Rate
		burst int64
		want  float64
	}{
		{PerSecond(20), 100, 6}, // more room is no gift
		{Rate{1, time.Minute}, 100, 6},
		{PerSecond(10), 5, 5},
	} {
		if err := b.Set(0, c.rate, c.burst); err != nil {
			t.Fatal(err)
		}
		if got := b.Tokens(0); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%+v, burst %d: %v tokens, want %v", c.rate, c.burst, got, c.want)
		}
	}
	if err := b.Set(0, Rate{}, 5); err == nil || b.Tokens(0) != 5 {
		t.Errorf("a rate of nothing: %v, %v tokens", err, b.Tokens(0))
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		rate  Rate
		burst int64
	}{
		{Rate{}, 1}, {Rate{1, 0}, 1}, {Rate{0, 1}, 1}, {Rate{-1, 1}, 1}, {PerSecond(1), 0}, {PerSecond(1), -1},
		{PerSecond(1), math.MaxInt64}, {Rate{math.MaxInt64, 1}, 1}, {Rate{1, math.MaxInt64}, 2},
	} {
		if _, err := NewBucket(0, c.rate, c.burst); err == nil {
			t.Errorf("bucket: %+v, burst %d is taken", c.rate, c.burst)
		}
		if _, err := NewPacer(c.rate, c.burst); err == nil {
			t.Errorf("pacer: %+v, burst %d is taken", c.rate, c.burst)
		}
	}
}

// TestBucketLaws holds a Bucket against the same in fractions of any size: it answers
// the same at every step, its retry-after is right to the nanosecond, and no stretch of
// time sees more than burst + rate × time.
func TestBucketLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rate{rapid.Int64Range(1, 5000).Draw(t, "tokens"), time.Duration(rapid.Int64Range(1, int64(time.Minute)).Draw(t, "per"))}
		burst := rapid.Int64Range(1, 50).Draw(t, "burst")
		b, err := NewBucket(0, r, burst)
		if err != nil {
			t.Fatal(err)
		}
		level, full := new(big.Rat).SetInt64(burst), new(big.Rat).SetInt64(burst)
		type grant struct {
			at time.Duration
			n  int64
		}
		var grants []grant
		var now time.Duration
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			d := rapid.Int64Range(0, int64(r.Per)*2/r.Tokens+10).Draw(t, "step")
			now += time.Duration(d)
			level.Add(level, new(big.Rat).Mul(big.NewRat(r.Tokens, int64(r.Per)), new(big.Rat).SetInt64(d)))
			if level.Cmp(full) > 0 {
				level.Set(full)
			}
			n := rapid.Int64Range(1, burst).Draw(t, "n")
			want := new(big.Rat).SetInt64(n)
			before := b
			retry, ok := b.Take(now, n)
			if ok != (level.Cmp(want) >= 0) {
				t.Fatalf("take %d at %v: %v, but there are %s tokens", n, now, ok, level.FloatString(9))
			}
			if ok {
				level.Sub(level, want)
				grants = append(grants, grant{now, n})
				continue
			}
			early, right := before, before
			if _, ok := early.Take(now+retry-1, n); ok {
				t.Fatalf("retry after %v, but a nanosecond less would do", retry)
			}
			if _, ok := right.Take(now+retry, n); !ok {
				t.Fatalf("retry after %v is too early", retry)
			}
		}
		for i := range grants {
			var sum int64
			for _, g := range grants[i:] {
				sum += g.n
				most := new(big.Rat).Mul(big.NewRat(r.Tokens, int64(r.Per)), new(big.Rat).SetInt64(int64(g.at-grants[i].at)))
				if new(big.Rat).SetInt64(sum).Cmp(most.Add(most, full)) > 0 {
					t.Fatalf("%d tokens between %v and %v", sum, grants[i].at, g.at)
				}
			}
		}
	})
}

func TestPacer(t *testing.T) {
	p, err := NewPacer(PerSecond(10), 1)
	if err != nil {
		t.Fatal(err)
	}
	const ms = time.Millisecond
	for _, c := range []struct {
		now, waitMax, wait time.Duration
		ok                 bool
	}{
		{5 * time.Second, 0, 0, true}, // no wait after silence
		{5 * time.Second, time.Second, 100 * ms, true},
		{5 * time.Second, time.Second, 200 * ms, true},
		{5 * time.Second, 250 * ms, 300 * ms, false},
		{5 * time.Second, time.Second, 300 * ms, true}, // who was refused has taken nothing
		{5*time.Second + 150*ms, time.Second, 250 * ms, true},
		{9 * time.Second, 0, 0, true},
		{9 * time.Second, 0, 100 * ms, false}, // the moments of the pause are gone
	} {
		if wait, ok := p.Reserve(c.now, c.waitMax); wait != c.wait || ok != c.ok {
			t.Errorf("at %v: %v, %v; want %v, %v", c.now, wait, ok, c.wait, c.ok)
		}
	}
	p, _ = NewPacer(PerSecond(10), 3)
	var waits []time.Duration
	for range 5 {
		w, _ := p.Reserve(time.Second, time.Minute)
		waits = append(waits, w/ms)
	}
	for i, want := range []time.Duration{0, 0, 0, 100, 200} {
		if waits[i] != want {
			t.Errorf("waits %v ms with a burst of 3", waits)
			break
		}
	}
}

// No stretch of time sees more starts of a Pacer than its interval and tolerance allow,
// nobody waits longer than waitMax, and nobody waits when all before are gone.
func TestPacerLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := PerSecond(rapid.Int64Range(1, 1000).Draw(t, "rate"))
		burst := rapid.Int64Range(1, 5).Draw(t, "burst")
		p, err := NewPacer(r, burst)
		if err != nil {
			t.Fatal(err)
		}
		var now time.Duration
		var starts []time.Duration
		for range rapid.IntRange(1, 80).Draw(t, "calls") {
			now += time.Duration(rapid.Int64Range(0, 3*int64(p.Interval())).Draw(t, "gap"))
			waitMax := time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "wait"))
			wait, ok := p.Reserve(now, waitMax)
			if ok != (wait <= waitMax) || wait < 0 {
				t.Fatalf("wait %v of at most %v: %v", wait, waitMax, ok)
			}
			if n := len(starts); wait > 0 && (n == 0 || now > starts[n-1]+p.Interval()) {
				t.Fatalf("wait %v at %v, after starts %v", wait, now, starts)
			}
			if ok {
				starts = append(starts, now+wait)
			}
		}
		for i := range starts {
			for j := i; j < len(starts); j++ {
				if n, most := int64(j-i+1), burst+int64((starts[j]-starts[i])/p.Interval()); n > most {
					t.Fatalf("%d starts in %v, at most %d", n, starts[j]-starts[i], most)
				}
			}
		}
	})
}

func BenchmarkBucketTake(b *testing.B) {
	b.ReportAllocs()
	x := bucket(b, PerSecond(1000), 100)
	var now time.Duration
	for b.Loop() {
		now += 900 * time.Microsecond
		x.Take(now, 1)
	}
}

func BenchmarkPacerReserve(b *testing.B) {
	b.ReportAllocs()
	p, _ := NewPacer(PerSecond(1000), 1)
	var now time.Duration
	for b.Loop() {
		now += 900 * time.Microsecond
		p.Reserve(now, time.Second)
	}
}

// TestBucketSetKeeps: what has come by the old rate until then is there, and no more than the new burst.
func TestBucketSetKeeps(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		burst int64
		want  float64
	}{{500 * time.Millisecond, 10, 5}, {550 * time.Millisecond, 5, 5}, {550 * time.Millisecond, 6, 5.5}} {
		b, err := NewBucket(0, PerSecond(10), 10)
		if err != nil {
			t.Fatal(err)
		}
		b.Take(0, 10)
		if err := b.Set(c.after, PerSecond(1000), c.burst); err != nil {
			t.Fatal(err)
		}
		if got := b.Tokens(c.after); got != c.want {
			t.Errorf("%g tokens after %v with a burst of %d, want %g", got, c.after, c.burst, c.want)
		}
	}
}

// TestPacerInterval: an interval is never too short for its rate.
func TestPacerInterval(t *testing.T) {
	for tokens, want := range map[int64]time.Duration{1: time.Second, 3: 333333334, 4: 250 * time.Millisecond, 7: 142857143} {
		p, err := NewPacer(PerSecond(tokens), 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Interval(); got != want {
			t.Errorf("%d a second: %d ns, want %d", tokens, got, want)
		}
	}
}
