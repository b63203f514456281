package obs

import (
	"sync"
	"time"

	"gridflow/flow"
	"gridflow/flow/kernel"
)

// More coming than can be done is seen in the takt ratio before the queues are full: they
// fill by the difference alone. So it raises the level. It has to last, since a burst
// passes, and both bounds differ, so that a server at its very capacity does not flap.
const (
	strainFrom  = 1.0
	strainUntil = 0.9
	strainAfter = 30 * time.Second
)

// demand is which classes more comes to than can be done.
type demand struct {
	mu      sync.Mutex
	classes []strain // guarded by mu
}

// ofItsClient tells whether a call was refused for what its client did, so that it is no
// demand on the server.
func ofItsClient(o kernel.Outcome) bool {
	switch o {
	case kernel.RateLimited, kernel.FullFlow, kernel.Impossible, kernel.Draining:
		return true
	}
	return false
}

// strain says of one class whether more comes to it than can be done. It is pure.
type strain struct {
	over     bool
	crossing bool // the ratio is on the other side of its bound …
	since    time.Duration
}

// update takes in the takt ratio of now; NaN, which is that of a class without calls, is
// below every bound.
func (s *strain) update(now time.Duration, ratio float64) {
	if s.over && ratio >= strainUntil || !s.over && !(ratio > strainFrom) {
		s.crossing = false
		return
	}
	if !s.crossing {
		s.crossing, s.since = true, now
	}
	if now-s.since >= strainAfter {
		s.over, s.crossing = !s.over, false
	}
}

// Tick looks at the demand and raises the gate's level to warn while more comes to a class
// than can be done, as gridflow_takt_ratio tells. It is to be called about once a second,
// by one goroutine at a time.
func (m *Metrics) Tick() {
	now, floor := m.now(), flow.Level(kernel.LevelOK)
	estimates := m.estimates()
	m.demand.mu.Lock()
	for i, e := range estimates {
		s := &m.demand.classes[i]
		if s.update(now, e.taktRatio); s.over {
			floor = kernel.LevelWarn
		}
	}
	m.demand.mu.Unlock()
	m.sources.Gate.Raise(floor) // without the lock: whoever is told may ask for Behind
}

// Behind names the classes to which more has come for a while than can be done.
func (m *Metrics) Behind() (classes []string) {
	m.demand.mu.Lock()
	defer m.demand.mu.Unlock()
	for i, s := range m.demand.classes {
		if s.over {
			classes = append(classes, m.classes[i])
		}
	}
	return classes
}
