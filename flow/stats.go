package flow

import (
	"slices"

	"gridflow/flow/kernel"
)

// Stats is what a gate is doing, and has done, at one moment.
type Stats struct {
	Level     Level // as [Gate.Level] gives it
	Waiting   int   // calls that wait, of QueueMax
	QueueMax  int
	InFlight  int
	Revoked   uint64 // pieces of work behind calls that were told to stop; see [Permit.Keep]
	Classes   []ClassStats
	Resources []ResourceStats
}

// ClassStats tells of one class.
type ClassStats struct {
	Name     string
	QueueMax int
	kernel.ClassStats

	// LimitMin and LimitMax are what an adaptive limit never leaves; 0 where there is none.
	LimitMin, LimitMax int
}

// ResourceStats tells of one resource.
type ResourceStats struct {
	Name                   string
	Capacity, Buffer, Used int64
}

// Stats gives the counts. They are of one moment.
func (g *Gate) Stats() Stats {
	// What is due now may change the level, and whoever listens hears of that first.
	g.change(g.k.Advance)
	g.mu.Lock()
	defer g.mu.Unlock()
	conf := g.k.Config()
	s := Stats{Level: g.levelNow(), Waiting: g.k.Waiting(), QueueMax: conf.QueueMax, InFlight: g.k.InFlight(), Revoked: g.revoked}
	for i, c := range conf.Classes {
		lo, hi := g.steer[i].bounds()
		s.Classes = append(s.Classes, ClassStats{c.Name, c.QueueMax, g.k.Stats(i), lo, hi})
	}
	used := g.k.Used()
	for i, r := range conf.Resources {
		s.Resources = append(s.Resources, ResourceStats{r.Name, r.Capacity, r.Buffer, used[i]})
	}
	return s
}

// Level tells how full the queues are, and at least what [Gate.Raise] asked for.
func (g *Gate) Level() Level {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.levelNow()
}

// levelNow is Level with g.mu held.
func (g *Gate) levelNow() Level { return max(g.k.Level(), g.floor) }

// Raise asks that the level be shown as floor at least, until it is asked for less. It is
// for who sees trouble before the queues do. Nothing is shed for it: who is let in depends
// on the queues alone. Levels beyond the last count as the last.
func (g *Gate) Raise(floor Level) {
	g.change(func(_ kernel.Instant, out []kernel.Decision) []kernel.Decision {
		g.floor = min(floor, kernel.LevelEmergency)
		return out
	})
}

// Config gives the configuration in force, with classes and resources of its own: limits and gaps go on changing as
// they adapt.
func (g *Gate) Config() Config {
	g.mu.Lock()
	defer g.mu.Unlock()
	conf := g.k.Config()
	conf.Classes, conf.Resources = slices.Clone(conf.Classes), slices.Clone(conf.Resources)
	return conf
}
