package flow

import "gridflow/flow/kernel"

// Stats is what a gate is doing, and has done, at one moment.
type Stats struct {
	Level     Level
	Waiting   int // calls that wait, of QueueMax
	QueueMax  int
	InFlight  int
	Classes   []ClassStats
	Resources []ResourceStats
}

// ClassStats tells of one class.
type ClassStats struct {
	Name     string
	QueueMax int
	kernel.ClassStats
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
	s := Stats{Level: g.k.Level(), Waiting: g.k.Waiting(), QueueMax: conf.QueueMax, InFlight: g.k.InFlight()}
	for i, c := range conf.Classes {
		s.Classes = append(s.Classes, ClassStats{c.Name, c.QueueMax, g.k.Stats(i)})
	}
	used := g.k.Used()
	for i, r := range conf.Resources {
		s.Resources = append(s.Resources, ResourceStats{r.Name, r.Capacity, r.Buffer, used[i]})
	}
	return s
}

// Level tells how full the queues are.
func (g *Gate) Level() Level {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.k.Level()
}

// Config gives the configuration in force. The caller must not change its slices.
func (g *Gate) Config() Config {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.k.Config()
}
