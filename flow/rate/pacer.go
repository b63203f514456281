package rate

import "time"

// Pacer gives the moments at which calls may begin, interval apart. A call that comes
// after a pause begins at once; moments that went by in the pause are gone, except for
// as many as fit into the tolerance. It is not safe for concurrent use.
type Pacer struct {
	interval, tolerance time.Duration
	next                time.Duration // when the next call is due if all keep to the interval
	used                bool
}

// NewPacer gives a Pacer for a rate, or says what is wrong. The interval is rounded up
// to a nanosecond, so that the rate is never exceeded. burst calls may begin at once
// after a pause; 1 spaces all of them.
func NewPacer(r Rate, burst int64) (*Pacer, error) {
	if err := check(r, burst); err != nil {
		return nil, err
	}
	interval := 1 + (int64(r.Per)-1)/r.Tokens // at most r.Per, so that a burst of them can be counted
	return &Pacer{interval: time.Duration(interval), tolerance: time.Duration((burst - 1) * interval)}, nil
}

// Interval gives the time between two calls.
func (p *Pacer) Interval() time.Duration { return p.interval }

// Reserve gives how long a call that is there now has to wait until it may begin, and
// takes that moment for it. A call that would have to wait longer than waitMax takes
// nothing, ok is false, and wait is what it would have been; with a waitMax of 0 a Pacer
// is a meter that lets through or refuses.
func (p *Pacer) Reserve(now, waitMax time.Duration) (wait time.Duration, ok bool) {
	next := p.next
	if !p.used || next < now {
		next = now
	}
	wait = max(0, next-p.tolerance-now)
	if wait > waitMax {
		return wait, false
	}
	p.next, p.used = next+p.interval, true
	return wait, true
}
