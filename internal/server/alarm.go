package server

import (
	"sync/atomic"
	"time"
)

// An alarm is a [time.Timer] that keeps nothing of its function once it is stopped. The runtime holds a
// stopped timer until its time has come, unless a quarter of the timers of its processor have been stopped;
// where thousands of sessions have timers of half an hour, hundreds of stopped ones would hold as many
// requests with all that they brought. Its methods may be called from any goroutine.
type alarm struct {
	timer *time.Timer
	ring  *atomic.Pointer[func()]
}

// alarmAfter calls f in a goroutine of its own after d.
func alarmAfter(d time.Duration, f func()) alarm {
	ring := new(atomic.Pointer[func()])
	ring.Store(&f)
	return alarm{ring: ring, timer: time.AfterFunc(d, func() {
		if f := ring.Load(); f != nil {
			(*f)()
		}
	})}
}

// set reports whether there is an alarm.
func (a alarm) set() bool { return a.timer != nil }

// again has the alarm ring after d, from now, whether it has rung or not. It is not for one that was stopped.
func (a alarm) again(d time.Duration) { a.timer.Reset(d) }

// stop has the alarm ring no more. A function that has begun goes on. It may be called of no alarm.
func (a alarm) stop() {
	if a.set() {
		a.timer.Stop()
		a.ring.Store(nil)
	}
}
