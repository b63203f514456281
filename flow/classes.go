package flow

import (
	"time"

	"gridflow/flow/kernel"
)

// The parts of a configuration are the kernel's own.
type (
	// A Class is a kind of call; see [kernel.Class].
	Class = kernel.Class
	// A Resource is what calls hold while they run; see [kernel.Resource].
	Resource = kernel.Resource
	// Amounts holds a number for each resource.
	Amounts = kernel.Amounts
	// Config names classes and resources; see [kernel.Config].
	Config = kernel.Config
	// A Level says how full the queues are.
	Level = kernel.Level
)

// QueueMost is the largest bound of a class's queue; see [kernel.QueueMost].
const QueueMost = kernel.QueueMost

// The classes of [Defaults], by how long their calls take.
const (
	Admin      = iota // status, cancel, close: let in at once, whatever else waits
	Fast              // below FastMax
	Medium            // below MediumMax
	Slow              // longer
	Background        // nobody waits for it
)

// The boundaries between the classes.
const (
	FastMax   = 100 * time.Millisecond
	MediumMax = time.Second
)

// ClassOf gives the class of a call by the time that it will take.
func ClassOf(cost time.Duration) int {
	switch {
	case cost < FastMax:
		return Fast
	case cost < MediumMax:
		return Medium
	default:
		return Slow
	}
}

// The resources of [Defaults].
const (
	CPU    = iota // seats on the processors: work that computes
	Bytes         // of memory that loads under way may come to take
	IO            // seats at the disk: work that writes files or copies them
	Recalc        // recalculations of whole workbooks
	Render        // pictures of sheets
)

// The seats of those resources of [Defaults] that are not processors. A disk is kept busy by
// a few who write; a recalculation and a rendering may each use a program of its own.
const (
	IOSeats     = 4
	RecalcSeats = 2
	RenderSeats = 1
)

// Defaults is a configuration for a server with the given number of processors, and
// memory in bytes for loads under way (0: 1 GiB).
//
// A quarter of processors and bytes, at least one seat, is the buffer for short calls; where there is one
// processor there are two seats, and the operating system shares the processor. The
// queues' bounds follow from how long their calls take: about as many as a seat can serve
// in a few seconds. A wait ends well before callers give up (most MCP clients after a
// minute), so that no seat serves somebody who has left; and where a queue stands, those
// leave it early who would not get what they wait for in any case.
func Defaults(cpus int, memory int64) Config {
	seats := int64(max(cpus, 2))
	if memory == 0 {
		memory = 1 << 30
	}
	return Config{
		Classes: []Class{
			Admin: {Name: "admin", Weight: 64, QueueMax: 64, Limit: 8, WaitMax: time.Second, Buffered: true},
			Fast: {Name: "fast", Weight: 32, QueueMax: 512, FlowQueueMax: 256, WaitMax: 10 * time.Second, AgeMax: time.Second,
				Target: 4 * time.Second, Interval: 4 * time.Second, Buffered: true, ShortMax: FastMax / 10, ShedAt: kernel.LevelEmergency},
			Medium: {Name: "medium", Weight: 8, QueueMax: 256, FlowQueueMax: 128, WaitMax: 15 * time.Second, AgeMax: 2 * time.Second,
				Target: 8 * time.Second, Interval: 8 * time.Second, ShedAt: kernel.LevelEmergency},
			Slow: {Name: "slow", Weight: 4, QueueMax: 64, FlowQueueMax: 32, WaitMax: 20 * time.Second, AgeMax: 5 * time.Second,
				ShedAt: kernel.LevelEmergency},
			Background: {Name: "background", Weight: 1, QueueMax: 64, WaitMax: 5 * time.Minute, AgeMax: 10 * time.Second,
				ShedAt: kernel.LevelCritical},
		},
		Resources: []Resource{
			CPU:    {Name: "cpu", Capacity: seats, Buffer: max(seats/4, 1)},
			Bytes:  {Name: "bytes", Capacity: max(memory, 4), Buffer: max(memory/4, 1)},
			IO:     {Name: "io", Capacity: IOSeats},
			Recalc: {Name: "recalc", Capacity: RecalcSeats},
			Render: {Name: "render", Capacity: RenderSeats},
		},
	}
}
