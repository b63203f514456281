package sim

import (
	"testing"
	"time"

	"gridflow/flow/kernel"
)

const ms = time.Millisecond

// The server of the goals: eight seats, requests of 20 ms that are of no use after 500 ms,
// so that it can give 400 good answers in a second.
const (
	seats    = 8
	work     = 20 * ms
	deadline = 500 * ms
	peak     = 400.0
)

// ordinary is a class as it may be by default.
func ordinary(name string) kernel.Class {
	return kernel.Class{
		Name: name, QueueMax: 4096, WaitMax: 425 * ms,
		Target: 95 * ms, Interval: 500 * ms, AgeMax: 2 * time.Second,
	}
}

func server(classes ...kernel.Class) kernel.Config {
	return kernel.Config{Classes: classes, Resources: []kernel.Resource{{Name: "seat", Capacity: seats}}}
}

// crowd is clients that ask for ordinary work, at a rate together.
func crowd(first, clients int, rate float64) Source {
	return Source{
		First: first, Clients: clients, Gap: PerSecond(rate),
		Service: Exp(work), Cost: Const(work), Deadline: deadline,
	}
}

func run(t testing.TB, conf Config) *Result {
	t.Helper()
	if conf.Seed == 0 {
		conf.Seed = 1
	}
	r, err := Run(conf)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func millis(d time.Duration) float64 { return float64(d) / float64(ms) }
