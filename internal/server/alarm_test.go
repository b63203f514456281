package server

import (
	"runtime"
	"testing"
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
