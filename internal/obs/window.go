package obs

import (
	"math"
	"time"
)

// A window adds up what happened in a class during the last minute. It is pure: the time
// is passed in, as the time since an origin, and may not go back by more than a little.
//
// The minute is made of slots. A slot that is older is cleared when time gets to it again,
// so that adding costs the same however much has happened.
type window struct {
	slots   [windowSlots]slot
	at      int64 // the slot that time is in, counted from the origin
	present int   // calls that wait or run
	counted time.Duration

	arrived bool // there has been an arrival, at:
	last    time.Duration
}

const (
	windowSlots = 12
	slotLength  = 5 * time.Second
)

// slot is what happened in one stretch of time. Times are in seconds.
type slot struct {
	arrivals, runs       int
	gaps                 int // times between two arrivals
	gap, gapSquares      float64
	waited               float64 // by calls that were let in or left
	served, servedSquare float64
	excused              int     // arrivals that no permit of their own is asked for, or may be had
	freed                int     // permits that came back …
	held                 float64 // … and how long they were out
	present              float64 // integral of the number of calls that wait or run …
	presentSquare        float64 // … and of its square
}

// advance moves the window to now.
func (w *window) advance(now time.Duration) {
	if now <= w.counted {
		return
	}
	to := int64(now / slotLength)
	if to-w.at > windowSlots { // all that was is too old, but for the calls that are still here
		w.at, w.counted = to-windowSlots, time.Duration(to-windowSlots)*slotLength
	}
	for {
		end := min(now, time.Duration(w.at+1)*slotLength)
		s, n, t := &w.slots[w.at%windowSlots], float64(w.present), max(end-w.counted, 0).Seconds()
		s.present += n * t
		s.presentSquare += n * n * t
		w.counted = end
		if w.at >= to {
			return
		}
		w.at++
		w.slots[w.at%windowSlots] = slot{}
	}
}

func (w *window) now() *slot { return &w.slots[w.at%windowSlots] }

// arrive counts a call that comes, end one that is gone.
func (w *window) arrive(now time.Duration) {
	w.advance(now)
	s := w.now()
	s.arrivals++
	if w.arrived {
		gap := max(now-w.last, 0).Seconds()
		s.gaps++
		s.gap += gap
		s.gapSquares += gap * gap
	}
	w.arrived, w.last = true, now
	w.present++
}

func (w *window) end(now time.Duration) {
	w.advance(now)
	w.present--
}

// excuse takes a call that has arrived out of the demand: it wants no permit of its own, or
// was refused for what its client did.
func (w *window) excuse(now time.Duration) {
	w.advance(now)
	w.now().excused++
}

// free counts a permit that has come back after so long.
func (w *window) free(now, held time.Duration) {
	w.advance(now)
	s := w.now()
	s.freed++
	s.held += held.Seconds()
}

// wait counts how long a call waited, run how long it ran.
func (w *window) wait(now, waited time.Duration) {
	w.advance(now)
	w.now().waited += waited.Seconds()
}

func (w *window) run(now, service time.Duration) {
	w.advance(now)
	s, t := w.now(), service.Seconds()
	s.runs++
	s.served += t
	s.servedSquare += t * t
}

// totals gives the sums, and the length of time that they are of.
func (w *window) totals(now time.Duration) (sum slot, length float64) {
	w.advance(now)
	for i := range w.slots {
		s := &w.slots[i]
		sum.arrivals += s.arrivals
		sum.runs += s.runs
		sum.gaps += s.gaps
		sum.gap += s.gap
		sum.gapSquares += s.gapSquares
		sum.waited += s.waited
		sum.served += s.served
		sum.servedSquare += s.servedSquare
		sum.excused += s.excused
		sum.freed += s.freed
		sum.held += s.held
		sum.present += s.present
		sum.presentSquare += s.presentSquare
	}
	first := time.Duration(max(w.at-(windowSlots-1), 0)) * slotLength
	return sum, (w.counted - first).Seconds()
}

// An estimate is what a window tells of a class. What there were too few calls for is NaN.
type estimate struct {
	arrivalCV, serviceCV   float64
	depthCV                float64 // of the number of calls that wait or run, over time
	takt, cycle, taktRatio float64 // seconds; and their quotient
	efficiency             float64
	l, lambdaW             float64
	served                 float64 // seconds that calls ran
	busy                   bool    // there were calls
}

// estimate takes stock; atOnce is how many calls of the class may run at once.
func (w *window) estimate(now time.Duration, atOnce int64) estimate {
	s, length := w.totals(now)
	e := estimate{
		arrivalCV: variation(s.gaps, s.gap, s.gapSquares), serviceCV: variation(s.runs, s.served, s.servedSquare),
		depthCV: math.NaN(), takt: math.NaN(), cycle: math.NaN(), efficiency: math.NaN(),
		served: s.served, busy: s.arrivals > 0 || s.present > 0,
	}
	// A call may be excused a slot later than it arrived.
	if wanted := s.arrivals - s.excused; wanted > 0 {
		e.takt = length / float64(wanted)
	}
	if s.freed > 0 {
		e.cycle = s.held / float64(s.freed) / float64(max(atOnce, 1))
	}
	e.taktRatio = e.cycle / e.takt
	if all := s.served + s.waited; all > 0 {
		e.efficiency = s.served / all
	}
	if length > 0 {
		e.l = s.present / length
		if e.l > 0 {
			e.depthCV = math.Sqrt(max(s.presentSquare/length-e.l*e.l, 0)) / e.l
		}
		// The rate is ends by length, the mean time that of the ends: their number cancels.
		e.lambdaW = (s.waited + s.served) / length
	}
	return e
}

// variation gives the standard deviation by the mean of n values from their sums.
func variation(n int, sum, squares float64) float64 {
	if n < 2 || sum <= 0 {
		return math.NaN()
	}
	mean := sum / float64(n)
	return math.Sqrt(max(squares/float64(n)-mean*mean, 0)) / mean
}
