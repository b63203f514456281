//go:build !race

// A simulation is one goroutine: the race detector has nothing to find in it, and makes
// minutes of seconds. With it only laws_test.go is run.

package sim

import (
	"testing"
	"time"

	"gridflow/flow/kernel"
)

// flood is more than anything can do, all the time.
func flood(class, first, clients int, takes time.Duration, need int64) Source {
	return Source{
		Class: class, First: first, Clients: clients, Gap: PerSecond(4 * seats / takes.Seconds()),
		Service: Const(takes), Need: kernel.Amounts{need},
	}
}

// patient is a class whose requests wait as long as it takes.
func patient(name string, weight int64) kernel.Class {
	return kernel.Class{Name: name, Weight: weight, QueueMax: 200, AgeMax: time.Second}
}

// starts gives the times at which the requests of a class started, in order.
func starts(t *testing.T, conf Config, class int) []time.Duration {
	t.Helper()
	var at []time.Duration
	conf.Trace = func(h Happened) {
		if h.Class == class && h.What == Decided && h.Outcome == kernel.Started && h.At < conf.Until {
			at = append(at, h.At)
		}
	}
	run(t, conf)
	return at
}

func longest(at []time.Duration, until time.Duration) time.Duration {
	gap, before := time.Duration(0), time.Duration(0)
	for _, x := range at {
		gap, before = max(gap, x-before), x
	}
	return max(gap, until-before)
}

// TestClassWeights: classes that always have requests waiting get service by weight, over
// every ten seconds. Goal G8.
func TestClassWeights(t *testing.T) {
	conf := Config{Kernel: server(patient("a", 16), patient("b", 4), patient("c", 1)), Until: 60 * time.Second}
	conf.Sources = []Source{flood(0, 0, 5, 5*ms, 1), flood(1, 5, 5, 20*ms, 1), flood(2, 10, 5, 80*ms, 1)}
	const window = 10 * time.Second
	served := make([][3]time.Duration, conf.Until/window)
	conf.Trace = func(h Happened) {
		if h.What == Ended && h.At < conf.Until {
			served[h.At/window][h.Class] += h.Wait
		}
	}
	run(t, conf)
	for i, s := range served {
		sum := s[0] + s[1] + s[2]
		for c, weight := range []float64{16, 4, 1} {
			if share := float64(s[c]) / float64(sum); share < .95*weight/21 || share > 1.05*weight/21+.01 {
				t.Errorf("from %v: class %d has %.4f of the service, due are %.4f", time.Duration(i)*window, c, share, weight/21)
			}
		}
	}
}

// TestAgeing: a class with next to no weight starts a request every AgeMax, give or take
// the one that must end first. Goal G8, scenario S30.
func TestAgeing(t *testing.T) {
	high, low := patient("high", 1000), patient("low", 1)
	conf := Config{Kernel: server(high, low), Until: 60 * time.Second}
	conf.Sources = []Source{flood(0, 0, 5, 20*ms, 1), flood(1, 5, 1, 20*ms, 1)}
	at := starts(t, conf, 1)
	if gap := longest(at, conf.Until); gap > high.AgeMax+20*ms {
		t.Errorf("the low class has started none for %v", gap)
	}
	if most := int(conf.Until/high.AgeMax) + seats*4; len(at) > most {
		t.Errorf("the low class started %d requests, more than %d: ageing is more than a bound", len(at), most)
	}
}

// TestLargeRequests: requests that need all seats are not kept out by small ones that
// always fit first, of their own class or of another.
func TestLargeRequests(t *testing.T) {
	for _, class := range []int{0, 1} {
		conf := Config{Kernel: server(patient("a", 4), patient("b", 4)), Until: 60 * time.Second}
		large := flood(class, 10, 1, 20*ms, seats)
		large.Gap = PerSecond(20)
		conf.Sources = []Source{flood(0, 0, 10, 20*ms, 1), large}
		n, before, gap := 0, time.Duration(0), time.Duration(0)
		conf.Trace = func(h Happened) {
			if h.Source == 1 && h.What == Decided && h.Outcome == kernel.Started && h.At < conf.Until {
				n++
				gap, before = max(gap, h.At-before), h.At
			}
		}
		r := run(t, conf)
		// The one before has to run, the claim comes AgeMax after that it was passed first,
		// and is good when what runs has ended.
		if gap > time.Second+5*20*ms || n < 50 {
			t.Errorf("large requests in class %d: %d started, none for %v", class, n, gap)
		}
		if busy := r.Stats[0].ServiceSeconds + r.Stats[1].ServiceSeconds; r.Sources[0].Served.Seconds() < .9*seats*conf.Until.Seconds() {
			t.Errorf("large requests in class %d: small ones have only %v, all have %v", class, r.Sources[0].Served, busy)
		}
	}
}

// TestBuffer: calls of the fast class find a seat while slow ones fill the rest, and when
// no fast ones come, the slow ones have all seats. Scenario S28.
func TestBuffer(t *testing.T) {
	fast, slow := ordinary("fast"), patient("slow", 1)
	fast.Buffered = true
	conf := Config{Kernel: server(fast, slow), Until: 60 * time.Second}
	conf.Kernel.Resources[0].Buffer = 2
	conf.Sources = []Source{
		{Clients: 10, Gap: PerSecond(50), Service: Exp(5 * ms), Cost: Const(5 * ms), Stop: 30 * time.Second},
		flood(1, 10, 8, 2*time.Second, 1),
	}
	conf.Sources[1].Start = time.Second // when it is known that there are fast ones
	late := 0.0
	conf.Trace = func(h Happened) {
		if h.Class == 1 && h.What == Ended && h.At > 32*time.Second && h.At <= 60*time.Second {
			late += h.Wait.Seconds()
		}
	}
	r := run(t, conf)
	if p99 := r.Classes[0].Wait.Quantile(.99); p99 > 5*ms {
		t.Errorf("1 %% of the fast calls wait for more than %v", p99)
	}
	if late < .9*seats*28 {
		t.Errorf("when no fast calls come, the slow ones have %.0f of %d seat seconds", late, seats*28)
	}
	// Without the buffer a fast call waits for one of the slow ones.
	conf.Kernel.Resources[0].Buffer, conf.Trace = 0, nil
	if p99 := run(t, conf).Classes[0].Wait.Quantile(.99); p99 < 50*ms {
		t.Errorf("without a buffer 1 %% of the fast calls wait for only %v: the test shows nothing", p99)
	}
}

// TestFattest: in a full queue the one who fills it gives way.
func TestFattest(t *testing.T) {
	c := kernel.Class{Name: "all", QueueMax: 50}
	conf := Config{Kernel: server(c), Until: 30 * time.Second}
	conf.Sources = []Source{crowd(0, 1, 10*peak), crowd(1, 5, .5*peak)}
	r := run(t, conf)
	if lost := r.Sources[1].Outcomes; r.Sources[1].Lost() > 0.001 {
		t.Errorf("the modest clients lose %.4f: %v", r.Sources[1].Lost(), lost)
	}
	if r.Sources[0].Outcomes[kernel.Displaced] == 0 || r.Sources[0].Outcomes[kernel.FullClass] == 0 {
		t.Errorf("the greedy client: %v", r.Sources[0].Outcomes)
	}
	if most := r.Stats[0].WaitingMax; most > 50 {
		t.Errorf("%d wait", most)
	}
}

// TestLevels: as the queues fill, the levels come one after the other, each sheds its
// class, and they go with hysteresis as the queues empty. Scenario S14.
func TestLevels(t *testing.T) {
	a, b, c := patient("a", 4), patient("b", 1), patient("c", 1)
	b.ShedAt, c.ShedAt = kernel.LevelEmergency, kernel.LevelCritical
	conf := Config{Kernel: server(a, b, c), Until: 120 * time.Second, Check: true}
	conf.Kernel.QueueMax = 100
	type edge struct {
		level   kernel.Level
		waiting int
	}
	var edges []edge
	look := func(k *kernel.Kernel, now time.Duration, out []kernel.Decision) []kernel.Decision {
		if len(edges) == 0 || edges[len(edges)-1].level != k.Level() {
			edges = append(edges, edge{k.Level(), k.Waiting()})
		}
		return out
	}
	for at := time.Duration(0); at < conf.Until; at += ms {
		conf.Script = append(conf.Script, Step{at, look})
	}
	conf.Sources = []Source{crowd(0, 10, .5*peak), crowd(10, 10, .05*peak), crowd(20, 10, .15*peak)}
	wave := crowd(0, 10, 2*peak)
	wave.Start, wave.Stop = 10*time.Second, 11*time.Second
	conf.Sources = append(conf.Sources, wave)
	conf.Sources[1].Class, conf.Sources[2].Class = 1, 2
	r := run(t, conf)
	from := []int{0, 70, 90, 100}
	top := kernel.LevelOK
	for i := 1; i < len(edges); i++ {
		e, before := edges[i], edges[i-1].level
		top = max(top, e.level)
		switch {
		case e.level > before && e.waiting < from[e.level]-2:
			t.Errorf("level %v at %d waiting", e.level, e.waiting)
		case e.level < before && e.waiting > from[before]-8:
			t.Errorf("level %v left for %v at %d waiting", before, e.level, e.waiting)
		}
	}
	if top != kernel.LevelEmergency || edges[len(edges)-1].level != kernel.LevelOK {
		t.Errorf("the levels were %v", edges)
	}
	if len(edges) > 20 {
		t.Errorf("the level changed %d times", len(edges))
	}
	if r.Classes[0].Outcomes[kernel.Shed] > 0 || r.Classes[1].Outcomes[kernel.Shed] == 0 || r.Classes[2].Outcomes[kernel.Shed] < r.Classes[1].Outcomes[kernel.Shed] {
		t.Errorf("shed: %d, %d, %d", r.Classes[0].Outcomes[kernel.Shed], r.Classes[1].Outcomes[kernel.Shed], r.Classes[2].Outcomes[kernel.Shed])
	}
}

// TestRates: a client that asks too often is let in at its rate, after a burst, and is told
// when to come again; others do not notice.
func TestRates(t *testing.T) {
	c := ordinary("all")
	c.Rate, c.Burst = 20, 10
	conf := Config{Kernel: server(c), Until: 60 * time.Second}
	conf.Sources = []Source{crowd(0, 1, 200), crowd(1, 1, 5), {First: 2, Service: Const(ms)}}
	r := run(t, conf)
	if n := r.Classes[0].Arrived - r.Classes[0].Outcomes[kernel.RateLimited]; n < 1200 {
		t.Errorf("%d are let in", n)
	}
	if n := r.Sources[0].Arrived - r.Sources[0].Outcomes[kernel.RateLimited]; n < 20*60 || n > 20*60+10+1 {
		t.Errorf("%d of the frequent client are let in", n)
	}
	if n := r.Sources[1].Outcomes[kernel.RateLimited]; n != 0 {
		t.Errorf("%d of the rare client are refused", n)
	}
	// The third asks again as soon as it is answered, or when it has been told to: then
	// there is a token, so that every second time it is let in.
	in, out := r.Sources[2].Good, r.Sources[2].Outcomes[kernel.RateLimited]
	if in < 20*60 || in > 20*60+11 || out > in {
		t.Errorf("of the patient client %d are let in, %d refused", in, out)
	}
}

// TestGap: starts of a paced class are the gap apart, but the first comes at once.
func TestGap(t *testing.T) {
	c := patient("slow", 1)
	c.Gap = 100 * ms
	conf := Config{Kernel: server(c), Until: 20 * time.Second, Check: true}
	conf.Sources = []Source{{Gap: PerSecond(50), On: Const(200 * ms), Off: Const(3 * time.Second), Service: Const(ms)}}
	at := starts(t, conf, 0)
	for i := 1; i < len(at); i++ {
		if at[i]-at[i-1] < c.Gap {
			t.Errorf("starts at %v and %v", at[i-1], at[i])
		}
	}
	if len(at) < 50 {
		t.Errorf("%d started", len(at))
	}
}
