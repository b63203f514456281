package server

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"
)

// TestRequestsOfSession: what a request of a session refers to is let go when it has been answered, however long the session
// lives on; one that is under way ends with it. The principal of a session that has ended keeps nothing of it. Where there may be
// few sessions every machine may have one.
func TestRequestsOfSession(t *testing.T) {
	type key struct{}
	var s sessions
	s.begun("a", thisMachine)
	held := new([1 << 10]byte)
	pointer := weak.Make(held)
	_, done := s.use(context.WithValue(t.Context(), key{}, held), "a")
	held = nil
	done()
	runtime.GC()
	if pointer.Value() != nil {
		t.Error("an answered request is kept")
	}
	ctx, done := s.use(t.Context(), "a")
	s.end("a")
	<-ctx.Done()
	done()

	over, end := context.WithCancel(t.Context())
	defer end()
	pointer = func() weak.Pointer[[1 << 10]byte] {
		held := new([1 << 10]byte)
		s.endWith(over, "a", func() { held[0]++ })
		return weak.Make(held)
	}()
	runtime.GC()
	if pointer.Value() == nil {
		t.Fatal("nothing would end the session")
	}
	s.room(New(Config{}).mcp, thisMachine, 1)
	runtime.GC()
	if pointer.Value() != nil || len(s.byID) > 0 {
		t.Error("an ended session is kept")
	}
	if !s.room(New(Config{}).mcp, "198.51.100.7", 1) {
		t.Error("a machine may have no session where there may be one")
	}
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
