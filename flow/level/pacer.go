package level

import (
	"fmt"
	"time"
)

const (
	// onTime is how far a gap may be from the interval and still be called even; and how
	// late a start may be without the next one being put off too.
	onTime = 0.1

	// slower is how much the interval may grow from one start to the next. When the
	// demand ends there is still a backlog from it, and its last pieces must not wait
	// for what the demand has become.
	slower = 1.01

	// A measured takt is never quite right. Where it is too short the backlog runs out
	// before the next burst and a gap follows; where it is too long the backlog grows.
	// So the interval is trimmed by what is left over, over this many starts, at the
	// lowest: ease when nothing was left, hurry for each piece above the spare.
	trimStarts   = 64
	ease         = 1.02
	hurry        = 0.005
	spareBacklog = 2

	// adherenceStarts is the number of starts over which [Pacer.Adherence] is averaged.
	adherenceStarts = 100
)

// Pacer says when the next piece of work may start: an interval after the one before,
// and at once after a pause. Moments that went by unused are gone; there is never a
// burst to make up for them. It only answers; whoever starts work waits for the moment,
// on a timer or in a simulation. It is not safe for concurrent use.
type Pacer struct {
	shortest, longest time.Duration
	takt              time.Duration // as measured; 0: not known
	interval          time.Duration
	trim              float64

	next    time.Duration // not before
	last    time.Duration // the last start
	started bool
	closed  bool

	lowest    int // of what was waiting at the last trimStarts starts
	starts    int
	adherence float64
	paced     float64 // starts in it
	waiting   bool    // the start before left work waiting
}

// NewPacer gives a Pacer whose interval is longest until a takt is known, and from then
// on the takt, between shortest and longest. A longest of 0 does not pace at all.
func NewPacer(shortest, longest time.Duration) (*Pacer, error) {
	if shortest < 0 || longest < shortest {
		return nil, fmt.Errorf("level: interval from %v to %v: the first must not be negative and not above the second", shortest, longest)
	}
	return &Pacer{shortest: shortest, longest: longest, interval: longest, trim: 1}, nil
}

// SetTakt hands in the takt as it was measured, [Figures].Takt; 0, not known, changes
// nothing. A shorter one holds from the next start on, a longer one by and by.
func (p *Pacer) SetTakt(takt time.Duration) {
	if takt > 0 {
		p.takt = takt
	}
}

// Interval gives the time between two starts, as it is now.
func (p *Pacer) Interval() time.Duration { return p.interval }

// Adherence gives the part of the last hundred or so starts that came an interval after
// the one before, give or take a tenth. Starts for which nothing was waiting do not
// count. It is 1 as long as there are none.
func (p *Pacer) Adherence() float64 {
	if p.paced == 0 {
		return 1
	}
	return p.adherence
}

// Next gives the moment at which the next start may be, now or later. ok is false once
// the Pacer is closed: there will be no more starts.
func (p *Pacer) Next(now time.Duration) (at time.Duration, ok bool) {
	if !p.started {
		return now, !p.closed
	}
	return max(now, p.next), !p.closed
}

// Started says that a piece of work starts now, which Next must have allowed, and how
// many more are waiting.
func (p *Pacer) Started(now time.Duration, waiting int) {
	if p.started && p.waiting && p.interval > 0 {
		even := 0.0
		if gap := now - p.last; float64(gap) >= (1-onTime)*float64(p.interval) && float64(gap) <= (1+onTime)*float64(p.interval) {
			even = 1
		}
		p.paced = min(p.paced+1, adherenceStarts)
		p.adherence += (even - p.adherence) / p.paced
	}
	paused := !p.started || now > p.next+p.interval && !p.waiting
	p.retrim(waiting)
	p.follow(paused)

	late := now - p.next
	if !p.started || float64(late) > onTime*float64(p.interval) {
		late = 0 // the moment is gone; the next is counted from now
	}
	p.next = now - late + p.interval
	p.last, p.started, p.waiting = now, true, waiting > 0
}

// retrim looks at what was left over at the lowest.
func (p *Pacer) retrim(waiting int) {
	if p.starts == 0 || waiting < p.lowest {
		p.lowest = waiting
	}
	if p.starts++; p.starts < trimStarts {
		return
	}
	p.starts = 0
	switch over := p.lowest - spareBacklog; {
	case p.lowest == 0:
		p.trim = ease
	case over > 0:
		p.trim = max(1-onTime/2, 1-hurry*float64(over))
	default:
		p.trim = 1
	}
}

// follow lets the interval follow the takt.
func (p *Pacer) follow(paused bool) {
	want := p.longest
	if p.takt > 0 {
		want = max(p.shortest, min(time.Duration(float64(p.takt)*p.trim), p.longest))
	}
	if !paused && want > p.interval {
		want = min(want, time.Duration(float64(p.interval)*slower)+1)
	}
	p.interval = want
}

// Close ends it: Next does not allow any more starts.
func (p *Pacer) Close() { p.closed = true }
