package kernel

// ClassStats counts what happened in a class since the kernel was made. The integrals
// serve Little's law: over any stretch of time the mean number waiting is the growth of
// WaitingSeconds by its length, and equals the rate of arrivals times the mean wait.
type ClassStats struct {
	Arrived   uint64           // tickets that came
	Started   uint64           // of them, tickets that came to run
	Done      uint64           // of them, tickets that are done
	Cancelled uint64           // tickets taken back while they waited
	Joined    uint64           // tickets that another one's run has served
	Outcomes  [Outcomes]uint64 // tickets by what was decided

	Waiting, WaitingMax int // tickets that wait, now and at most
	InFlight            int // tickets that run

	WaitSeconds    float64 // waited by all tickets that came to run
	ServiceSeconds float64 // taken by all tickets that are done
	WaitingSeconds float64 // integral of Waiting over time
	RunningSeconds float64 // integral of InFlight over time

	Flows    int     // remembered
	Parts    int     // of them, remembered
	Limit    int     // on InFlight; 0: none
	OldestNs Instant // age of the oldest ticket that waits
	Standing bool    // the queue stands
}

// Stats gives the counts of a class.
func (k *Kernel) Stats(class int) ClassStats {
	c := k.classes[class]
	c.count(k.now)
	s := c.stats
	s.Waiting, s.InFlight, s.Flows, s.Limit, s.Standing = c.waiting, c.inFlight, c.flows.len(), c.Limit, c.stands(k.now)
	s.Parts = c.parts
	s.WaitSeconds, s.ServiceSeconds = c.ns.wait/1e9, c.ns.service/1e9
	s.WaitingSeconds, s.RunningSeconds = c.ns.waiting/1e9, c.ns.running/1e9
	if c.oldest != nil {
		s.OldestNs = k.now - c.oldest.arrived
	}
	return s
}

// A FlowStat tells about one flow of a class.
type FlowStat struct {
	Key               uint64
	Shared            bool // of many clients
	Waiting, InFlight int
	Parts             int  // remembered
	PartsShared       bool // there are or were more than are told apart
}

// Fattest gives the flows of a class with the most tickets waiting, no more than max.
func (k *Kernel) Fattest(class, max int) []FlowStat {
	c := k.classes[class]
	var top []FlowStat
	for n := c.fattest; n > 0; n-- {
		for f := c.fat[n]; f != nil; f = f.thinner {
			if len(top) == max {
				return top
			}
			top = append(top, FlowStat{f.key, f.shared, f.waiting, f.inFlight, len(f.parts), f.crowd != nil})
		}
	}
	return top
}

// Level tells how full the queues are.
func (k *Kernel) Level() Level { return k.level }

// Waiting is the number of tickets that wait, of QueueMax.
func (k *Kernel) Waiting() int { return k.waiting }

// Running is the number of tickets of a class that run.
func (k *Kernel) Running(class int) int { return k.classes[class].inFlight }

// InFlight is the number of tickets that run.
func (k *Kernel) InFlight() int { return k.inFlight }

// Used is how much of each resource is taken.
func (k *Kernel) Used() Amounts {
	var used Amounts
	for r, res := range k.conf.Resources {
		used[r] = res.Capacity - k.free[r]
	}
	return used
}

// Config gives the configuration in force. The caller must not change its slices.
func (k *Kernel) Config() Config { return k.conf }
