package server

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"
)

// TestStoppedAlarmKeepsNothing: what the function of an alarm refers to is let go when it is stopped, also beside many
// timers that run, among which the runtime keeps the stopped ones.
func TestStoppedAlarmKeepsNothing(t *testing.T) {
	for range 10_000 {
		defer time.AfterFunc(time.Hour, func() {}).Stop()
	}
	held := new([1 << 10]byte)
	pointer := weak.Make(held)
	a := alarmAfter(2*time.Hour, func() { held[0]++ })
	a.stop()
	runtime.GC()
	if pointer.Value() != nil {
		t.Error("it is kept")
	}
	if a.timer.Stop() {
		t.Error("it would still wake somebody up for nothing")
	}
	alarm{}.stop() // of none
}

// TestAlarm: an alarm rings when its time has come, and each time that it is set again; also its timer that was late for the
// stop calls nothing any more.
func TestAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		rang := make(chan time.Duration, 10)
		a := alarmAfter(time.Second, func() { rang <- time.Since(start) })
		if !a.set() || (alarm{}).set() {
			t.Error("it is not told whether there is one")
		}
		time.Sleep(2 * time.Second)
		a.again(3 * time.Second) // it has rung
		time.Sleep(2 * time.Second)
		a.again(3 * time.Second) // it has not
		time.Sleep(4 * time.Second)
		if n, first, second := len(rang), <-rang, <-rang; n != 2 || first != time.Second || second != 7*time.Second {
			t.Errorf("it rang %d times, first after %v, then after %v", n, first, second)
		}
		a.again(time.Second)
		a.stop()
		if a.timer.Stop() {
			t.Error("the timer of a stopped alarm runs on")
		}
		a.timer.Reset(0)
		synctest.Wait()
		if len(rang) > 0 {
			t.Error("it rang when it was stopped")
		}
	})
}
