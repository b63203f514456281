package rate

import (
	"fmt"
	"math"
	"time"
)

// Rate is so many tokens in that time, as an exact fraction: 3 a second is 3 in a
// second, not one in 333333333 ns.
type Rate struct {
	Tokens int64
	Per    time.Duration
}

// PerSecond is n tokens a second.
func PerSecond(n int64) Rate { return Rate{n, time.Second} }

// Never is the wait for what will not come, however long one waits.
const Never time.Duration = math.MaxInt64

// Bucket is a token bucket. It begins full; a call takes tokens out, time puts them
// back, never more than the burst. It is not safe for concurrent use.
type Bucket struct {
	rate  Rate
	burst int64

	// The level is counted in parts of a token so small that a nanosecond brings a whole
	// number of them: a token is rate.Per parts, and a nanosecond brings rate.Tokens.
	level int64
	at    time.Duration // the level is of this moment
}

// NewBucket gives a full Bucket, or says what is wrong. burst is the most that can be
// taken at once, in tokens.
func NewBucket(now time.Duration, r Rate, burst int64) (Bucket, error) {
	if err := check(r, burst); err != nil {
		return Bucket{}, err
	}
	return Bucket{rate: r, burst: burst, level: burst * int64(r.Per), at: now}, nil
}

func check(r Rate, burst int64) error {
	switch {
	case r.Tokens < 1 || r.Per < 1:
		return fmt.Errorf("rate: %d tokens in %v: both must be positive", r.Tokens, r.Per)
	case burst < 1:
		return fmt.Errorf("rate: burst of %d tokens: it must be at least 1", burst)
	case burst > math.MaxInt64/2/int64(r.Per) || r.Tokens > math.MaxInt64/4:
		return fmt.Errorf("rate: %d tokens in %v with a burst of %d cannot be counted: give the rate in a smaller unit", r.Tokens, r.Per, burst)
	}
	return nil
}

// Take takes n tokens, all or none. Where there are not enough of them it says after
// which time there will be, if nobody else takes any: not a nanosecond less, and [Never]
// if n is more than the burst. Nothing is taken for n < 1.
func (b *Bucket) Take(now time.Duration, n int64) (retryAfter time.Duration, ok bool) {
	b.refill(now)
	switch {
	case n < 1:
		return 0, true
	case n > b.burst:
		return Never, false
	}
	short := n*int64(b.rate.Per) - b.level
	if short > 0 {
		return time.Duration(1 + (short-1)/b.rate.Tokens), false
	}
	b.level = -short
	return 0, true
}

// Tokens gives how many tokens are in the bucket.
func (b *Bucket) Tokens(now time.Duration) float64 {
	b.refill(now)
	return float64(b.level) / float64(b.rate.Per)
}

// Full tells whether the bucket is as good as a new one.
func (b *Bucket) Full(now time.Duration) bool {
	b.refill(now)
	return b.level == b.burst*int64(b.rate.Per)
}

// Set changes rate and burst, and keeps the tokens that are there so far as the new
// burst holds them. The bucket stays as it is when the new values are of no use.
func (b *Bucket) Set(now time.Duration, r Rate, burst int64) error {
	if err := check(r, burst); err != nil {
		return err
	}
	b.refill(now)
	whole, part := b.level/int64(b.rate.Per), b.level%int64(b.rate.Per)
	level := burst * int64(r.Per)
	if whole < burst {
		level = whole*int64(r.Per) + int64(float64(part)/float64(b.rate.Per)*float64(r.Per))
	}
	b.rate, b.burst, b.level = r, burst, level
	return nil
}

func (b *Bucket) refill(now time.Duration) {
	if now <= b.at {
		return
	}
	passed := int64(now - b.at)
	if passed < 0 {
		passed = math.MaxInt64 // more than the type holds
	}
	b.at = now
	short := b.burst*int64(b.rate.Per) - b.level
	if passed > short/b.rate.Tokens { // so long that it is full; the product could overflow
		b.level += short
		return
	}
	b.level += passed * b.rate.Tokens
}
