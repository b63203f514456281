//go:build !race

// A simulation is one goroutine: the race detector has nothing to find in it, and makes
// minutes of seconds. With it only laws_test.go is run.

package sim

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridflow/flow/kernel"
)

// TestMaxMinOfParts compares what the parts of flows are given with their max-min fair
// share on two levels: that of the flow among flows, and of the part in what its flow has.
func TestMaxMinOfParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.Int64Range(1, 4).Draw(t, "seats")
		flows := rapid.IntRange(2, 4).Draw(t, "flows")
		conf := Config{
			Kernel: kernel.Config{
				Classes:   []kernel.Class{{Name: "all", QueueMax: 2048, FlowQueueMax: 64}},
				Resources: []kernel.Resource{{Name: "seat", Capacity: capacity}},
			},
			Seed:   rapid.Uint64().Draw(t, "seed"),
			Warmup: 4 * time.Second, Until: 34 * time.Second, Each: true,
		}
		var flowOf []int // of each client
		var byFlow [][]int
		var flowWeight, partWeight []float64
		for f := range flows {
			w := rapid.SampledFrom([]int64{1, 1, 2, 4}).Draw(t, "weight")
			flowWeight = append(flowWeight, float64(w))
			var members []int
			parts := rapid.IntRange(1, 3).Draw(t, "parts")
			for range parts {
				i := len(flowOf)
				flowOf, members = append(flowOf, f), append(members, i)
				takes := rapid.SampledFrom([]time.Duration{2 * ms, 5 * ms, 10 * ms}).Draw(t, "takes")
				wants := rapid.SampledFrom([]float64{.1, .3, 9}).Draw(t, "wants") * float64(capacity) / float64(flows*parts)
				by := rapid.SampledFrom([]int64{1, 1, 3}).Draw(t, "part's weight")
				partWeight = append(partWeight, float64(by))
				conf.Sources = append(conf.Sources, Source{
					First: i, Gap: PerSecond(wants / takes.Seconds()), Weight: w, PartBy: by,
					Service: Uniform(0, 2*takes), Cost: Const(rapid.SampledFrom([]time.Duration{takes / 10, takes, takes * 10}).Draw(t, "expected")),
				})
			}
			byFlow = append(byFlow, members)
		}
		conf.Key = func(client int) (flow, part uint64) { return uint64(flowOf[client]), uint64(client + 1) }
		r, err := Run(conf)
		if err != nil {
			t.Fatal(err)
		}
		demand := make([]float64, len(flowOf))
		flowDemand := make([]float64, flows)
		for i := range demand {
			demand[i] = r.Clients[i].Asked.Seconds() / r.Length.Seconds()
			flowDemand[flowOf[i]] += demand[i]
		}
		shares := maxMin(float64(capacity), flowDemand, flowWeight)
		if narrow(flowDemand, shares, flowWeight) {
			t.Skip("chance decides")
		}
		for f, share := range shares {
			var d, w []float64
			for _, i := range byFlow[f] {
				d, w = append(d, demand[i]), append(w, partWeight[i])
			}
			due := maxMin(share, d, w)
			if narrow(d, due, w) {
				continue
			}
			for j, want := range due {
				i := byFlow[f][j]
				got := r.Clients[i].Served.Seconds() / r.Length.Seconds()
				if math.Abs(got-want) > .06*float64(capacity)/float64(flows)+.06*want {
					t.Errorf("part %d of flow %d, demand %.3g: %.3g seats, fair are %.3g", j, f, demand[i], got, want)
				}
			}
		}
	})
}

// narrow reports whether somebody demands about as much as the others leave, so that
// chance decides who waits.
func narrow(demand, share, weight []float64) bool {
	level := math.Inf(1)
	for i := range share {
		if share[i] < demand[i] {
			level = min(level, share[i]/weight[i])
		}
	}
	for i := range share {
		if by := demand[i] / weight[i] / level; by > .75 && by < 1.33 {
			return true
		}
	}
	return false
}

// TestRenamingFlood: a machine that asks for ten times what there is, with another name for
// each call, costs others nothing: it is one flow, whatever its parts are called. The same
// calls as flows of their own, each name a client, would take nearly everything.
func TestRenamingFlood(t *testing.T) {
	const honest = 5
	conf := Config{Kernel: server(ordinary("all")), Warmup: 5 * time.Second, Until: 35 * time.Second}
	conf.Sources = []Source{crowd(0, 1, 10*peak), crowd(1, honest, .3*peak)}
	alone := conf
	alone.Sources = conf.Sources[1:]
	solo := run(t, alone).Sources[0].Answer.Quantile(.99)
	names := uint64(0)
	rename := func(client int) uint64 {
		if client > 0 {
			return uint64(client)
		}
		names++
		return 1000 + names
	}
	conf.Key = func(client int) (flow, part uint64) { return uint64(client), rename(client) }
	r := run(t, conf)
	if lost := r.Sources[1].Lost(); lost > .001 {
		t.Errorf("the others lose %.4f: %v", lost, r.Sources[1].Outcomes)
	}
	if p99 := r.Sources[1].Answer.Quantile(.99); p99 > 3*solo/2 {
		t.Errorf("1 %% of the others' answers take more than %v, alone %v", p99, solo)
	}
	if s := r.Stats[0]; s.Parts > 1024+honest+1 || s.Flows > honest+1 {
		t.Errorf("%d flows and %d parts are remembered", s.Flows, s.Parts)
	}
	if r.Sources[0].Outcomes[kernel.Started] == 0 {
		t.Error("what the others leave is not given to the flood")
	}
	t.Logf("p99 %v, alone %v", r.Sources[1].Answer.Quantile(.99), solo)

	conf.Key = func(client int) (flow, part uint64) { return rename(client), 0 }
	if lost := run(t, conf).Sources[1].Lost(); lost < .05 {
		t.Errorf("where each name is a client the others lose only %.4f: the test shows nothing", lost)
	}
}

// TestProgramsOfOneMachine: two programs of one machine are fair to each other, and one
// that was there before a flood of new names keeps its turns among them.
func TestProgramsOfOneMachine(t *testing.T) {
	conf := Config{Kernel: server(ordinary("all")), Warmup: 5 * time.Second, Until: 35 * time.Second, Each: true}
	conf.Key = func(client int) (flow, part uint64) { return 1, uint64(client + 1) }
	conf.Sources = []Source{crowd(0, 1, 10*peak), crowd(1, 1, .2*peak)}
	r := run(t, conf)
	if lost := r.Sources[1].Lost(); lost > .001 {
		t.Errorf("beside a busy program the other one loses %.4f: %v", lost, r.Sources[1].Outcomes)
	}
	conf.Sources[1] = crowd(1, 1, 2*peak)
	r = run(t, conf)
	a, b := r.Clients[0].Served.Seconds(), r.Clients[1].Served.Seconds()
	if math.Abs(a-b) > .02*(a+b) {
		t.Errorf("two busy programs get %.1f and %.1f seconds", a, b)
	}
}
