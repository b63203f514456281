package kernel

import (
	"errors"
	"fmt"
	"time"
)

// An Instant is the time since an origin that the caller has chosen. It never goes back.
type Instant = time.Duration

// MaxResources bounds the resources of a kernel.
const MaxResources = 8

// Amounts holds one number per resource, in the order of Config.Resources.
type Amounts [MaxResources]int64

// Config says what a kernel schedules. It is checked by [New] and [Kernel.Reconfigure].
type Config struct {
	Classes   []Class
	Resources []Resource // at most MaxResources

	// QueueMax bounds the requests that wait in all classes together, and is at most QueueMost
	// for each class; 0: the sum of the classes' bounds.
	QueueMax int

	// FlowsMax bounds the flows of a class that are told apart. The clients beyond it
	// share SharedFlows flows: each is dealt a hand of them by its key and takes the
	// shortest, so that a crowd meets one client in few of them. 0 means 65536.
	FlowsMax int

	// PartsMax bounds the parts of a flow that are told apart; FlowsMax bounds those of a
	// class together. What comes beyond is dealt to SharedParts parts in the same manner, so
	// that it costs the others of its flow a little of their share, and other flows none. 0
	// means 1024.
	PartsMax int

	// FlowIdle is how long a flow, or a part of one, without requests is remembered; 0 means 10 s.
	FlowIdle time.Duration

	// BufferIdle is how long no request of a buffered class must have arrived before the
	// buffers are open to all; 0 means 1 s.
	BufferIdle time.Duration
}

// SharedFlows is the number of flows that clients beyond FlowsMax share, per class.
const SharedFlows = 256

// SharedParts is the number of parts that those beyond PartsMax share, per flow.
const SharedParts = 16

// QueueMost is the largest bound of a class's queue. More would fill any memory, and bounds
// that overflow when they are added up, or made percentages of, bound nothing.
const QueueMost = 1 << 24

// WeightMost is the largest weight of a class. One of more would have the server for itself, but for what
// ages.
const WeightMost = 1 << 20

// A Class is a kind of request that competes with the other kinds by weight.
type Class struct {
	Name   string // as it appears in decisions and statistics
	Weight int64  // share of service time against other classes that have requests waiting; 1 to WeightMost, 0 means 1

	QueueMax     int           // requests waiting; 1 to QueueMost
	FlowQueueMax int           // requests of one flow waiting, of all its parts, or riding; 0: QueueMax
	WaitMax      time.Duration // longest wait; 0: any
	AgeMax       time.Duration // after so long without a start the class goes first; 0: never
	Limit        int           // requests running at once; 0: as many as fit

	// If the queue stands, what has waited for longer than Target is dropped; it stands if
	// more than a tenth of the requests of about an Interval have been lost. Target 0:
	// never. Interval 0 means five times Target.
	//
	// What has been found to do well where an answer is of use for some time T: WaitMax 0.85 T,
	// Target 0.19 T, Interval T (flow/sim, TestOverload and TestSpike: T = 500 ms, work of
	// 20 ms). A longer Interval loses less at the very capacity and keeps waits long for
	// longer when an overload begins or ends.
	Target, Interval time.Duration

	// Rate bounds the requests of one flow by a token bucket, Burst is its size. Of a Burst of
	// two and more the parts of a flow each find their share: Rate by their number. 0: any.
	Rate, Burst float64

	// Gap is the least time between two starts; 0: none.
	Gap time.Duration

	Buffered bool // may use the buffer of each resource
	// ShortMax is how long a request of a buffered class may run and still count as short:
	// one that runs for longer gives its place in the buffer up. 0: for ever.
	ShortMax time.Duration
	ShedAt   Level // new requests are refused from this level on; LevelOK: by no level
}

// A Resource is something of which there is a number of equal units: seats, bytes.
type Resource struct {
	Name     string
	Capacity int64 // at least 1
	Buffer   int64 // of the capacity, for buffered classes; below Capacity. See the package comment
}

// A Level says how full the queues are.
type Level uint8

// The levels, by the share of QueueMax that is taken. A level is left when the share has
// fallen a tenth below what it was entered with, so that it does not flap.
const (
	LevelOK        Level = iota
	LevelWarn            // from 70 %
	LevelCritical        // from 90 %
	LevelEmergency       // 100 %: only classes without ShedAt are let in
)

func (l Level) String() string {
	return [...]string{"ok", "warn", "critical", "emergency"}[l]
}

// check fills in the defaults. The error names what is wrong, and what would do.
func (c *Config) check() error {
	if len(c.Classes) == 0 {
		return errors.New("flow: there must be a class")
	}
	if len(c.Resources) > MaxResources {
		return fmt.Errorf("flow: there are %d resources; there may be %d", len(c.Resources), MaxResources)
	}
	sum := 0
	for i := range c.Classes {
		cl := &c.Classes[i]
		if err := cl.check(); err != nil {
			return fmt.Errorf("flow: class %q: %w", cl.Name, err)
		}
		sum += cl.QueueMax
	}
	for _, r := range c.Resources {
		if r.Capacity < 1 || r.Buffer < 0 || r.Buffer >= r.Capacity {
			return fmt.Errorf("flow: resource %q: the capacity is %d and the buffer %d; give a capacity of at least 1 and a smaller buffer", r.Name, r.Capacity, r.Buffer)
		}
	}
	if c.QueueMax < 0 || c.FlowsMax < 0 || c.PartsMax < 0 || c.FlowIdle < 0 || c.BufferIdle < 0 {
		return errors.New("flow: a bound is negative; give 0 for its default")
	}
	if c.QueueMax > QueueMost*len(c.Classes) {
		return fmt.Errorf("flow: QueueMax is %d; give at most %d for each class", c.QueueMax, QueueMost)
	}
	if c.QueueMax == 0 {
		c.QueueMax = sum
	}
	if c.FlowsMax == 0 {
		c.FlowsMax = 65536
	}
	if c.PartsMax == 0 {
		c.PartsMax = 1024
	}
	if c.FlowIdle == 0 {
		c.FlowIdle = 10 * time.Second
	}
	if c.BufferIdle == 0 {
		c.BufferIdle = time.Second
	}
	return nil
}

func (c *Class) check() error {
	switch {
	case c.QueueMax < 1 || c.QueueMax > QueueMost:
		return fmt.Errorf("its QueueMax is %d; give 1 to %d", c.QueueMax, QueueMost)
	case c.FlowQueueMax < 0 || c.FlowQueueMax > c.QueueMax:
		return fmt.Errorf("its FlowQueueMax is %d; give 1 to QueueMax, which is %d", c.FlowQueueMax, c.QueueMax)
	case c.Weight < 0 || c.Limit < 0 || c.WaitMax < 0 || c.AgeMax < 0 || c.Target < 0 || c.Interval < 0 || c.Gap < 0 || c.ShortMax < 0:
		return errors.New("a bound is negative; give 0 for none")
	case c.Weight > WeightMost:
		return fmt.Errorf("its Weight is %d; give 1 to %d", c.Weight, WeightMost)
	case !(c.Rate >= 0) || !(c.Burst >= 0):
		return fmt.Errorf("its Rate is %g and its Burst %g; give 0 for none", c.Rate, c.Burst)
	case c.Rate > 0 && c.Burst < 1:
		return fmt.Errorf("its Burst is %g; a bucket that never holds one token lets nothing in", c.Burst)
	case c.ShedAt > LevelEmergency:
		return errors.New("ShedAt is no level")
	}
	if c.Weight == 0 {
		c.Weight = 1
	}
	if c.Interval == 0 {
		c.Interval = 5 * c.Target
	}
	if c.FlowQueueMax == 0 {
		c.FlowQueueMax = c.QueueMax
	}
	return nil
}
