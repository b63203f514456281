package office

import (
	"math"
	"time"

	"gridflow/flow/level"
	"gridflow/internal/interleave/csync"
	"gridflow/internal/office/wire"
)

// state is what a slot's worker is at.
type state uint8

const (
	absent   state = iota // there is none
	starting              // it is being started
	idle                  // it is warm and has nothing to do
	busy                  // it has a job
	ending                // it is being killed; the slot is free when its group is gone
	states
)

func (s state) String() string {
	return [...]string{"absent", "starting", "idle", "busy", "ending"}[s]
}

// A slot is a place for one worker, with a folder of its own.
type slot struct {
	number int
	jobsAt string // the folder of its jobs, once a worker has been started; fixed
	state  state
	worker Worker        // while idle or busy
	began  time.Duration // when the worker was warm
	idled  time.Duration // when it last became idle
	jobs   int
	rss    int64
	stamp  string // of the LibreOffice that it has loaded
}

// A waiter is a job that waits for a worker.
type waiter struct {
	kind  int
	ready csync.Parker // wakes it when it has a slot, or err says why it gets none
	slot  *slot
	err   error
	came  time.Duration
}

func newWaiter(kind int) *waiter { return &waiter{kind: kind, ready: csync.MakeParker()} }

// kinds are the kinds of jobs that take turns.
var kinds = [...]wire.Op{wire.Recalculate, wire.Paint, wire.Convert, wire.Ping}

// kindOf gives the index in kinds, the last one for what there is not.
func kindOf(op wire.Op) int {
	for i, k := range kinds {
		if k == op {
			return i
		}
	}
	return len(kinds) - 1
}

// roster decides which job gets which worker, and how many workers there should be. It has
// no clock and no lock: times are handed in, and whoever calls serializes.
type roster struct {
	limits   Limits
	slots    []*slot
	idle     []*slot // the last that had a job at the end: it is the warmest
	active   int     // slots that are busy
	queue    [len(kinds)][]*waiter
	waiting  int
	turns    *level.Rotation
	meter    *level.Meter
	peak     int           // the most that were active or wanted to be, lately …
	peakAt   time.Duration // … at this time last
	lastUse  time.Duration
	used     bool // there was a job
	waitPeak int  // the most that have waited
}

// meterWindow is how long arrivals and work are measured by which spares are counted.
const meterWindow = 5 * time.Minute

func newRoster(l Limits) *roster {
	r := new(roster)
	types := make([]level.Type, len(kinds))
	for i, k := range kinds {
		types[i] = level.Type{Name: string(k), Lot: 1, Longest: l.JobTimeout}
	}
	r.turns, _ = level.NewRotation(types) // what it refuses cannot be: four kinds, lots of one
	r.meter, _ = level.NewMeter(meterWindow)
	r.reconfigure(l)
	return r
}

// Capacity is how many workers there may be: one for each job that may run at once, and the
// largest share of spares on top, as long as ProcessesMax allows it.
func (l *Limits) Capacity() int {
	if l.Workers == 0 {
		return 0
	}
	n := l.Workers + int(math.Ceil(level.ShareMax*float64(l.Workers)))
	if l.ProcessesMax > 0 {
		n = min(n, max(l.ProcessesMax, l.Workers))
	}
	return n
}

func (r *roster) reconfigure(l Limits) {
	r.limits = l
	for len(r.slots) < l.Capacity() {
		r.slots = append(r.slots, &slot{number: len(r.slots)})
	}
}

// arrive takes in a job that waits for a worker.
func (r *roster) arrive(now time.Duration, w *waiter) {
	w.came = now
	r.queue[w.kind] = append(r.queue[w.kind], w)
	r.waiting++
	r.waitPeak = max(r.waitPeak, r.waiting)
	r.turns.Add(now, w.kind)
	r.meter.Arrived(now)
	r.used, r.lastUse = true, now
	r.crest(now)
	r.dispatch(now)
}

// leave takes out a job that does not wait any more, and says whether it still did: if not
// it has been given a slot, or an error.
func (r *roster) leave(w *waiter) bool {
	for i, x := range r.queue[w.kind] {
		if x == w {
			r.queue[w.kind] = append(r.queue[w.kind][:i:i], r.queue[w.kind][i+1:]...)
			r.waiting--
			r.turns.Drop(w.kind)
			return true
		}
	}
	return false
}

// dispatch gives idle workers to those whose turn it is.
func (r *roster) dispatch(now time.Duration) {
	for r.active < r.limits.Workers && len(r.idle) > 0 && r.waiting > 0 {
		kind, _, ok := r.turns.Next(now)
		if !ok {
			return
		}
		w := r.queue[kind][0]
		r.queue[kind] = r.queue[kind][1:]
		r.waiting--
		s := r.idle[len(r.idle)-1]
		r.idle = r.idle[:len(r.idle)-1]
		s.state = busy
		r.active++
		w.slot = s
		w.ready.Unpark()
	}
	r.crest(now)
}

// crest remembers the most that were wanted at once, for as long as workers may be idle.
func (r *roster) crest(now time.Duration) {
	wanted := min(r.active+r.waiting, r.limits.Workers)
	if wanted >= r.peak || now-r.peakAt > r.limits.Idle {
		r.peak, r.peakAt = wanted, now
	}
}

// fail gives every job that waits an error, for there is nobody to do it.
func (r *roster) fail(err error) {
	for kind := range r.queue {
		for _, w := range r.queue[kind] {
			w.err = err
			w.ready.Unpark()
			r.turns.Drop(kind)
		}
		r.queue[kind] = nil
	}
	r.waiting = 0
}

// started takes in a worker that has become warm.
func (r *roster) started(now time.Duration, s *slot, w Worker, stamp string) {
	s.state, s.worker, s.began, s.idled, s.jobs, s.rss, s.stamp = idle, w, now, now, 0, 0, stamp
	r.idle = append([]*slot{s}, r.idle...) // those that have worked are warmer
	r.dispatch(now)
}

// done takes in the end of a job whose worker goes on.
func (r *roster) done(now, service time.Duration, s *slot, rss int64) {
	r.ended(now, service)
	s.state, s.idled, s.rss = idle, now, rss
	s.jobs++
	r.idle = append(r.idle, s)
}

// unused takes back a worker that was given out for nothing.
func (r *roster) unused(now time.Duration, s *slot) {
	r.active--
	s.state = idle
	r.idle = append(r.idle, s)
	r.dispatch(now)
}

// died takes in the end of a job with its worker, whose slot is free.
func (r *roster) died(now, service time.Duration, s *slot) {
	r.ended(now, service)
	r.retire(s)
	s.state = absent
	r.dispatch(now) // a spare may be there for who waits
}

// ended takes in the end of a job.
func (r *roster) ended(now, service time.Duration) {
	r.active--
	r.lastUse = now
	if service > 0 {
		r.meter.Done(now, service)
	}
}

// retire takes a worker that is idle or busy out of use. The slot is free once it is gone.
func (r *roster) retire(s *slot) Worker {
	for i, x := range r.idle {
		if x == s {
			r.idle = append(r.idle[:i:i], r.idle[i+1:]...)
			break
		}
	}
	w := s.worker
	s.state, s.worker = ending, nil
	return w
}

// live counts the workers that are of use, or will be.
func (r *roster) live() (n int) {
	for _, s := range r.slots {
		if s.state == starting || s.state == idle || s.state == busy {
			n++
		}
	}
	return n
}

func (r *roster) count(st state) (n int) {
	for _, s := range r.slots {
		if s.state == st {
			n++
		}
	}
	return n
}

// wanted is how many workers there should be.
func (r *roster) wanted(now time.Duration) int {
	l := &r.limits
	if r.waiting == 0 && r.active == 0 && (!r.used || now-r.lastUse >= l.Idle) {
		return min(l.Warm, l.Capacity())
	}
	f := r.meter.Figures(now)
	peak := r.peak
	if now-r.peakAt > l.Idle {
		peak = 0
	}
	busyOnes := max(peak, min(r.active+r.waiting, l.Workers))
	return level.Spares(busyOnes, l.Warm, l.Capacity(), level.Share(f.ArrivalCV, f.ServiceCV))
}

// toStart gives the slots in which workers should be started now. Spares are started when
// nobody waits for a start any more, and one after the other: to start takes a processor for a
// second.
func (r *roster) toStart(now time.Duration) (list []*slot) {
	missing := min(r.wanted(now)-r.live(), max(min(r.waiting, r.limits.Workers-r.active), 1)-r.count(starting))
	for _, s := range r.slots[:min(len(r.slots), r.limits.Capacity())] {
		if missing <= len(list) {
			break
		}
		if s.state == absent {
			list = append(list, s)
		}
	}
	return list
}

// overdue says why the worker of a slot should not get another job, "" if it may.
func (r *roster) overdue(now time.Duration, s *slot, stamp string) Cause {
	l := &r.limits
	switch {
	case s.number >= l.Capacity():
		return CauseFewer
	case l.Jobs > 0 && s.jobs >= l.Jobs:
		return CauseJobs
	case l.Memory > 0 && s.rss >= l.Memory:
		return CauseMemory
	case l.Age > 0 && now-s.began >= l.Age:
		return CauseAge
	case stamp != "" && s.stamp != stamp:
		return CauseUpdated
	}
	return ""
}

// toEnd gives the idle workers that should end, and why; it wants to be asked again after
// the time next, 0 for never.
func (r *roster) toEnd(now time.Duration, stamp string) (list []*slot, why []Cause, next time.Duration) {
	surplus := r.live() - r.wanted(now)
	soon := func(at time.Duration) {
		if left := max(at-now, 1); next == 0 || left < next {
			next = left
		}
	}
	for _, s := range r.idle { // the coldest first
		cause := r.overdue(now, s, stamp)
		if (cause == CauseAge || cause == CauseUpdated) && (len(list) > 0 || r.count(starting) > 0) {
			continue // one after the other: what becomes of that one brings us here again
		}
		if cause == "" && surplus > 0 && now-s.idled >= r.limits.Idle {
			cause = CauseIdle
		}
		if cause == "" {
			if r.limits.Age > 0 {
				soon(s.began + r.limits.Age)
			}
			// A worker that is wanted now may be one too many when nothing has come for as long
			// as workers may be idle, be that since its own last job or since anybody's.
			for _, since := range [...]time.Duration{s.idled, r.lastUse, r.peakAt + 1} {
				if at := since + r.limits.Idle; at > now && r.live() > r.limits.Warm {
					soon(at)
				}
			}
			continue
		}
		surplus--
		list, why = append(list, s), append(why, cause)
	}
	return list, why, next
}
