package office

import (
	"errors"
	"time"

	"gridflow/flow/breaker"
	"gridflow/flow/level"
	"gridflow/internal/tally"
)

// Cause says why a worker ended.
type Cause string

// Why workers end.
const (
	CauseJobs      Cause = "jobs"      // it has done as many as it may
	CauseMemory    Cause = "memory"    // it has more than it should
	CauseAge       Cause = "age"       // it has become as old as it may
	CauseIdle      Cause = "idle"      // nobody wanted it
	CauseFewer     Cause = "fewer"     // there are to be fewer
	CauseUpdated   Cause = "updated"   // LibreOffice has been replaced or removed
	CauseCrash     Cause = "crash"     // it died
	CauseTimeout   Cause = "timeout"   // its job took too long
	CauseCancelled Cause = "cancelled" // nobody wanted its job any more
	CauseBroken    Cause = "broken"    // it said so, or what it said was not true
	CauseTooMuch   Cause = "too_much"  // it needed more memory than it may have, and died of that
	CauseStart     Cause = "start"     // it never became warm
	CauseDrain     Cause = "drain"     // the server stops
)

// Causes are all of them.
var Causes = [...]Cause{CauseJobs, CauseMemory, CauseAge, CauseIdle, CauseFewer, CauseUpdated, CauseCrash, CauseTimeout, CauseCancelled, CauseBroken, CauseTooMuch, CauseStart, CauseDrain}

// outcome is how a job ended.
type outcome uint8

const (
	succeeded outcome = iota
	failed            // LibreOffice said no, or what was to be prepared could not be
	rejected          // it was not tried
	cancelled
	timedOut
	crashedOut
	outcomes
)

func (o outcome) String() string {
	return [...]string{"ok", "failed", "rejected", "cancelled", "timeout", "crash"}[o]
}

// guard makes the breakers.
func (p *Pool) guard() (err error) {
	conf := breaker.Recalc()
	conf.Classify = func(err error) breaker.Verdict {
		var start startError
		if errors.Is(err, errBackend) || errors.As(err, &start) {
			return breaker.Failure
		}
		return breaker.Neutral
	}
	conf.On.Changed = func(name string, from, to breaker.State) {
		p.log.Warn("LibreOffice", "breaker", name, "is", to.String(), "was", from.String())
	}
	conf.On.Quarantined = func(name, key string, d time.Duration) {
		p.log.Warn("LibreOffice fails on a document each time; it is set aside", "breaker", name, "sha256", key, "for", d)
	}
	conf.On.Released = func(name, key string) {
		p.log.Info("a document that was set aside works", "breaker", name, "sha256", key)
	}
	for i, name := range [len(kinds)]string{"recalc", "render", "convert", "ping"} {
		if p.breakers[i], err = breaker.New("libreoffice "+name, conf); err != nil {
			return err
		}
	}
	conf.Poison = 0
	p.starts, err = breaker.New("libreoffice start", conf)
	return err
}

// Breakers gives what the breakers do.
func (p *Pool) Breakers() []breaker.Stats {
	list := []breaker.Stats{p.starts.Stats()}
	for i, b := range p.breakers {
		if i < len(p.breakers)-1 { // pings are of tests
			list = append(list, b.Stats())
		}
	}
	return list
}

// Stats is what a pool does, and has done since it was made.
type Stats struct {
	Installed bool // as it was seen last; nothing is looked at for the question
	Workers   map[string]int
	Wanted    int // workers that there should be
	Slots     int // jobs that may run at once
	Capacity  int // workers that there may be
	Share     float64

	Waiting, WaitingMax, Queue int
	Waits                      tally.Histogram // for a worker, in seconds

	Jobs     []KindStats
	Joined   uint64 // jobs that took the result of another one's run
	Rejected uint64 // jobs that found the queue full
	Started  uint64
	Ended    map[Cause]uint64
}

// KindStats is of the jobs of one kind.
type KindStats struct {
	Kind     string // "recalculate", "paint", "convert"
	Waiting  int
	Seconds  tally.Histogram   // that workers took
	Outcomes map[string]uint64 // runs by how they ended
}

// Stats gives the counts. Those of workers and jobs are of one moment, but for durations.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	f := p.r.meter.Figures(now)
	s := Stats{
		Installed: p.installed, Workers: make(map[string]int), Wanted: p.r.wanted(now), Slots: p.r.limits.Workers, Capacity: p.r.limits.Capacity(),
		Share: level.Share(f.ArrivalCV, f.ServiceCV), Waiting: p.r.waiting, WaitingMax: p.r.waitPeak, Queue: p.r.limits.Queue, Waits: p.waits.Read(),
		Joined: p.count.joined, Rejected: p.count.rejected, Started: p.count.started, Ended: make(map[Cause]uint64),
	}
	for st := starting; st < states; st++ {
		s.Workers[st.String()] = p.r.count(st)
	}
	for _, c := range Causes {
		s.Ended[c] = p.count.ended[c]
	}
	for i, k := range kinds[:len(kinds)-1] {
		ks := KindStats{Kind: string(k), Waiting: len(p.r.queue[i]), Seconds: p.seconds[i].Read(), Outcomes: make(map[string]uint64)}
		for o := range outcomes {
			ks.Outcomes[o.String()] = p.count.outcomes[i][o]
		}
		s.Jobs = append(s.Jobs, ks)
	}
	return s
}
