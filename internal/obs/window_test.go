package obs

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*want) {
		t.Errorf("%s is %g, want %g within %g %%", what, got, want, tolerance*100)
	}
}

// TestWindowSteady: of arrivals at a known rate with a known time to serve all figures
// are known.
func TestWindowSteady(t *testing.T) {
	var w window
	const every, wait, serve = 100 * time.Millisecond, 30 * time.Millisecond, 60 * time.Millisecond
	now := time.Duration(0)
	for range 3000 {
		w.arrive(now)
		w.wait(now+wait, wait)
		w.end(now + wait + serve)
		w.run(now+wait+serve, serve)
		w.free(now+wait+serve, serve)
		now += every
	}
	e := w.estimate(now, 2)
	near(t, "takt", e.takt, .1, .01)
	near(t, "cycle", e.cycle, .03, .01)
	near(t, "takt ratio", e.taktRatio, .3, .02)
	near(t, "efficiency", e.efficiency, 2./3, .01)
	near(t, "L", e.l, .9, .01)
	near(t, "λW", e.lambdaW, .9, .01)
	if e.arrivalCV > 1e-3 || e.serviceCV > 1e-3 {
		t.Errorf("of a regular stream the variations are %g and %g", e.arrivalCV, e.serviceCV)
	}
}

// TestWindowRandom: of a Poisson stream with exponential times to serve the coefficients
// of variation are 1.
func TestWindowRandom(t *testing.T) {
	var w window
	r := rand.New(rand.NewPCG(1, 2))
	now := time.Duration(0)
	for now < 2*time.Minute {
		now += time.Duration(r.ExpFloat64() * float64(5*time.Millisecond))
		w.arrive(now)
		w.run(now, time.Duration(r.ExpFloat64()*float64(time.Millisecond)))
		w.end(now)
	}
	e := w.estimate(now, 1)
	near(t, "arrival CV", e.arrivalCV, 1, .05)
	near(t, "service CV", e.serviceCV, 1, .05)
	near(t, "takt", e.takt, .005, .05)
}

// TestWindowForgets: what was more than a minute ago counts no more, but a call that has
// been there all the time does; and nothing is told of nothing.
func TestWindowForgets(t *testing.T) {
	var w window
	none := w.estimate(0, 1)
	for _, v := range []float64{none.takt, none.cycle, none.taktRatio, none.efficiency, none.arrivalCV, none.serviceCV} {
		if !math.IsNaN(v) {
			t.Errorf("of nothing %g is told", v)
		}
	}
	for i := range 100 {
		w.arrive(time.Duration(i) * time.Second)
		if i > 0 {
			w.end(time.Duration(i) * time.Second)
			w.run(time.Duration(i)*time.Second, time.Second)
		}
	}
	for _, later := range []time.Duration{3 * time.Minute, 24 * time.Hour} {
		e := w.estimate(later, 1)
		if !math.IsNaN(e.takt) || !math.IsNaN(e.cycle) || e.served != 0 {
			t.Errorf("after %v there still is takt %g, cycle %g, service %g", later, e.takt, e.cycle, e.served)
		}
		near(t, "L", e.l, 1, 1e-9)
	}
	before := w
	w.arrive(time.Second) // a clock read before another's, but used after it
	if w.counted != before.counted || w.slots[w.at%windowSlots].present != before.slots[w.at%windowSlots].present {
		t.Error("time went back")
	}
}

// TestWindowDepth: how many calls are there is weighed by how long they are. By Little's law only those count that are gone, and
// those of one permit once each; nothing varies of which there was one.
func TestWindowDepth(t *testing.T) {
	var w window
	w.arrive(0)
	w.arrive(0)
	const stay, waited = 20 * time.Second, 15 * time.Second
	w.wait(waited, waited)
	for _, served := range []time.Duration{stay - waited, 0} { // the second has only waited
		w.end(stay)
		if served > 0 {
			w.run(stay, served)
			w.free(stay, stay)
		} else {
			w.wait(stay, stay)
		}
	}
	e := w.estimate(2*stay, 1)
	near(t, "L", e.l, 1, 1e-9)
	near(t, "λW", e.lambdaW, 1, 1e-9)
	near(t, "depth CV", e.depthCV, 1, 1e-9) // two half of the time, or none
	near(t, "efficiency", e.efficiency, 5./40, 1e-9)
	near(t, "cycle", e.cycle, 20, 1e-9)
	if !math.IsNaN(e.serviceCV) {
		t.Errorf("of one call the variation is %g", e.serviceCV)
	}
	w.arrive(2 * stay) // and stays
	e = w.estimate(2*stay+15*time.Second, 1)
	near(t, "L while one stays", e.l, 1, 1e-9)
	near(t, "λW while one stays", e.lambdaW, 40./55, 1e-9)
}

// TestWindowOfALongCall: a call that goes on is seen, however long nothing else happens; and a class that may run none
// at once, or whose clock went back a little, has figures all the same.
func TestWindowOfALongCall(t *testing.T) {
	var w window
	w.arrive(time.Second)
	for _, now := range []time.Duration{time.Minute, time.Hour, time.Hour + time.Second} {
		e := w.estimate(now, 1)
		near(t, "L", e.l, 1, .02)
		if !e.busy {
			t.Errorf("after %v the class is not busy", now)
		}
	}
	if e := w.estimate(time.Hour+time.Minute, 1); e.depthCV != 0 {
		t.Errorf("the depth varies by %g", e.depthCV)
	}

	var v window
	for _, now := range []time.Duration{10 * time.Second, 9 * time.Second, 10 * time.Second} {
		v.arrive(now)
		v.free(now, time.Second)
	}
	if e := v.estimate(11*time.Second, 0); math.IsNaN(e.arrivalCV) || e.cycle != 1 {
		t.Errorf("the arrivals vary by %g, and a permit is out for %g s", e.arrivalCV, e.cycle)
	}
}
