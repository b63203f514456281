package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// busy is three classes under more than they can bear, with everything that can happen to
// a request.
func busy() Config {
	fast, medium, slow := ordinary("fast"), ordinary("medium"), ordinary("slow")
	fast.Weight, fast.Buffered = 8, true
	medium.Weight, medium.Rate, medium.Burst = 4, 60, 30
	slow.Limit, slow.QueueMax = 4, 40
	conf := Config{Kernel: server(fast, medium, slow), Warmup: 5 * time.Second, Until: 65 * time.Second}
	conf.Kernel.Resources[0].Buffer = 2
	conf.Sources = []Source{
		{Class: 0, Clients: 10, Gap: PerSecond(300), Service: Exp(5 * ms), Cost: Const(5 * ms), Deadline: deadline},
		{Class: 1, First: 10, Clients: 10, Gap: PerSecond(250), Service: Exp(20 * ms), Cost: Uniform(0, 40*ms), StartBy: 300 * ms, Patience: Exp(time.Second)},
		{Class: 2, First: 5, Clients: 10, Gap: PerSecond(50), On: Exp(time.Second), Off: Exp(time.Second), Service: Uniform(0, 200*ms), Cost: Const(10 * ms)},
		{Class: 2, First: 20, Clients: 3, Threads: 2, Think: Exp(30 * ms), Service: Const(50 * ms), Weight: 3},
	}
	return conf
}

// TestLittle: in every class the mean number of requests that wait is the rate at which
// they arrive times the mean of their waits; the same with those that run and their
// service. The kernel counts the one side over time, the simulation the other by request.
// From the first arrival to the last end that holds exactly.
func TestLittle(t *testing.T) {
	conf := busy()
	conf.Warmup = 0
	r := run(t, conf)
	for i, c := range r.Classes {
		s := r.Stats[i]
		for _, x := range []struct {
			what               string
			kernel, simulation float64
		}{
			{"waiting", s.WaitingSeconds, c.Queued.Seconds()},
			{"running", s.RunningSeconds, c.Served.Seconds()},
		} {
			if math.Abs(x.kernel-x.simulation) > 1e-6*x.kernel || x.kernel < 10 {
				t.Errorf("%s, %s: %.6f s by the kernel, %.6f s by the simulation", conf.Kernel.Classes[i].Name, x.what, x.kernel, x.simulation)
			}
		}
	}
}

// TestConservation: every request comes to exactly one end, and the kernel counts them as
// the simulation does.
func TestConservation(t *testing.T) {
	conf := busy()
	conf.Warmup, conf.Until, conf.Check = 0, 10*time.Second, true
	r := run(t, conf)
	for i, c := range r.Classes {
		sum := c.Cancelled
		for _, n := range c.Outcomes {
			sum += n
		}
		s := r.Stats[i]
		if sum != c.Arrived || s.Arrived != c.Arrived || s.Outcomes != c.Outcomes || s.Cancelled != c.Cancelled || s.Done != c.Good+c.Late || s.Done != s.Started {
			t.Errorf("%s: %+v, by the kernel %+v", conf.Kernel.Classes[i].Name, c.Outcomes, s)
		}
		if math.Abs(s.ServiceSeconds-c.Served.Seconds()) > 1e-6 {
			t.Errorf("%s: served %v, by the kernel %v s", conf.Kernel.Classes[i].Name, c.Served, s.ServiceSeconds)
		}
	}
}

// history is all that happened, by time.
func history(t *testing.T, conf Config) []Happened {
	t.Helper()
	var all []Happened
	conf.Trace = func(h Happened) { all = append(all, h) }
	run(t, conf)
	return all
}

func same(t *testing.T, what string, a, b []Happened) {
	t.Helper()
	if len(a) != len(b) {
		t.Fatalf("%s: %d things happened, and %d", what, len(a), len(b))
	}
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("%s: %+v\nbecomes %+v", what, a[i], b[i])
		}
	}
}

// TestRepeats: the same configuration has the same history.
func TestRepeats(t *testing.T) {
	conf := busy()
	conf.Until = 10 * time.Second
	same(t, "again", history(t, conf), history(t, conf))
}

// TestRenaming: who is who makes no difference.
func TestRenaming(t *testing.T) {
	conf := busy()
	conf.Until = 10 * time.Second
	plain := history(t, conf)
	names := rand.New(rand.NewPCG(7, 7)).Perm(100)
	conf.Key = func(client int) (flow, part uint64) { return uint64(names[client]) * 0x9e3779b97f4a7c15, 0 }
	same(t, "with other names", plain, history(t, conf))
}

// TestOnlyPart: a flow with one part is as one that has none.
func TestOnlyPart(t *testing.T) {
	conf := busy()
	conf.Until = 10 * time.Second
	plain := history(t, conf)
	conf.Key = func(client int) (flow, part uint64) { return uint64(client), uint64(client) * 7 }
	same(t, "with a part each", plain, history(t, conf))
}

// TestEmptyClass: a class that nobody uses makes no difference, wherever it stands.
func TestEmptyClass(t *testing.T) {
	conf := busy()
	conf.Until = 10 * time.Second
	plain := history(t, conf)
	for at := range 4 {
		more := conf
		empty := ordinary("empty")
		empty.Weight, empty.Buffered = 100, true
		more.Kernel.QueueMax = 2*4096 + 40
		more.Kernel.Classes = slices.Insert(slices.Clone(conf.Kernel.Classes), at, empty)
		more.Sources = slices.Clone(conf.Sources)
		for i := range more.Sources {
			if more.Sources[i].Class >= at {
				more.Sources[i].Class++
			}
		}
		other := history(t, more)
		for i := range other {
			if other[i].Class > at {
				other[i].Class--
			}
		}
		same(t, fmt.Sprint("with an empty class at ", at), plain, other)
	}
}

// TestSlowMotion: if everything takes four times as long, everything waits four times as
// long. Four, because then the tags are the same numbers with another exponent.
func TestSlowMotion(t *testing.T) {
	const k = 4
	conf := busy()
	conf.Until = 10 * time.Second
	conf.Kernel.BufferIdle, conf.Kernel.FlowIdle = time.Second, 10*time.Second
	slow := conf
	slow.Warmup, slow.Until = k*conf.Warmup, k*conf.Until
	slow.Kernel.BufferIdle, slow.Kernel.FlowIdle = k*conf.Kernel.BufferIdle, k*conf.Kernel.FlowIdle
	slow.Kernel.Classes = slices.Clone(conf.Kernel.Classes)
	for i := range slow.Kernel.Classes {
		c := &slow.Kernel.Classes[i]
		c.WaitMax, c.Target, c.Interval, c.AgeMax, c.Rate = k*c.WaitMax, k*c.Target, k*c.Interval, k*c.AgeMax, c.Rate/k
	}
	slow.Sources = slices.Clone(conf.Sources)
	for i := range slow.Sources {
		s := &slow.Sources[i]
		for _, d := range []*Dist{&s.Gap, &s.On, &s.Off, &s.Think, &s.Service, &s.Cost, &s.Patience} {
			if *d != nil {
				*d = Times(k, *d)
			}
		}
		s.StartBy, s.Deadline = k*s.StartBy, k*s.Deadline
	}
	// The thread that is refused asks again after a time with bounds of its own, and a
	// charge has a least: leave out what those decide.
	conf.Sources, slow.Sources = conf.Sources[:3], slow.Sources[:3]
	atLeast := func(d Dist, least time.Duration) Dist {
		return func(r *rand.Rand) time.Duration { return least + d(r) }
	}
	for i := range conf.Sources {
		a, b := &conf.Sources[i], &slow.Sources[i]
		a.Service, b.Service = atLeast(a.Service, ms), atLeast(b.Service, k*ms)
		a.Cost, b.Cost = atLeast(a.Cost, ms), atLeast(b.Cost, k*ms)
	}
	plain, other := history(t, conf), history(t, slow)
	for i := range plain {
		h := &plain[i]
		h.At, h.Arrived, h.Wait, h.Service, h.Cost = k*h.At, k*h.Arrived, k*h.Wait, k*h.Service, k*h.Cost
	}
	same(t, "four times as slow", plain, other)
}

// TestNewcomer: another client, however greedy, never takes from the others what is below
// their fair share.
func TestNewcomer(t *testing.T) {
	for _, greedy := range []float64{1, 10} {
		conf := Config{Kernel: server(ordinary("all")), Warmup: 5 * time.Second, Until: 65 * time.Second}
		conf.Kernel.Classes[0].Target = 0
		for i, rate := range []float64{5, 10, 20, 30, 300} {
			conf.Sources = append(conf.Sources, crowd(i, 1, rate))
		}
		before := run(t, conf)
		conf.Sources = append(conf.Sources, crowd(5, 1, greedy*peak))
		after := run(t, conf)
		fair := peak / 6
		for i := range before.Sources {
			had, has := before.Rate(&before.Sources[i]), after.Rate(&after.Sources[i])
			if has < .98*min(had, fair) {
				t.Errorf("client %d had %.1f in a second, and has %.1f; fair are %.1f", i, had, has, fair)
			}
		}
	}
}
