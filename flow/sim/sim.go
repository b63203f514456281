package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"gridflow/flow/kernel"
)

// Config says what to simulate.
type Config struct {
	Kernel  kernel.Config
	Sources []Source
	Servers int // requests that the backend works at at once, in the order of their start; 0: all that have started

	Seed   uint64
	Warmup time.Duration // what arrives before is not counted
	Until  time.Duration // nothing arrives after; what is there is brought to its end

	Key    func(client int) (flow, part uint64) // of the next request of a client; nil: its number, and no part
	Script []Step                               // things that happen at a given time, in order
	Trace  func(Happened)                       // told what happens to each request, if set
	Each   bool                                 // whether it is counted what each client is given
	Check  bool                                 // whether the kernel's state agrees with itself, after each event
}

// A Step changes the kernel while it runs.
type Step struct {
	At time.Duration
	Do func(k *kernel.Kernel, now time.Duration, out []kernel.Decision) []kernel.Decision
}

// Happened is one thing that happened to a request.
type Happened struct {
	At             time.Duration
	What           What
	Outcome        kernel.Outcome // if Decided
	Client, Source int
	Class          int
	Arrived        time.Duration
	Wait           time.Duration // so far; since the start if Ended
	Service, Cost  time.Duration
	Weight         int64
	Good           bool // if Ended
}

// What happened.
type What uint8

// A request arrives, it is decided about unless it is cancelled, it ends if it started.
const (
	Arrived What = iota
	Decided
	Cancelled
	Ended
)

// job is a request on its way.
type job struct {
	ticket  kernel.Ticket
	number  uint32 // among Sim.jobs
	gen     uint32 // how many had this number before
	source  uint32
	client  int32
	counted bool
	live    bool // between arrival and the last that happens to it
	started bool
	service time.Duration
	arrived time.Duration
}

type simulation struct {
	Config
	k       *kernel.Kernel
	sources []source
	events  events
	now     time.Duration
	out     []kernel.Decision
	jobs    []*job
	free    []uint32
	waiting []*job // for a server
	head    int    // of waiting
	busy    int    // servers
	result  *Result
	err     error
}

// Run simulates. The error says what is wrong with the configuration, or that the kernel
// has broken a promise: that it decided twice, or about nothing, or not at all.
func Run(conf Config) (*Result, error) {
	k, err := kernel.New(conf.Kernel)
	if err != nil {
		return nil, err
	}
	s := &simulation{Config: conf, k: k, result: &Result{
		Length:  conf.Until - conf.Warmup,
		Classes: make([]Tally, len(conf.Kernel.Classes)),
		Sources: make([]Tally, len(conf.Sources)),
	}}
	clients := 0
	for i, src := range conf.Sources {
		src.Clients = max(src.Clients, 1)
		src.Threads = max(src.Threads, 1)
		if src.Stop == 0 || src.Stop > conf.Until {
			src.Stop = conf.Until
		}
		if src.Need == (kernel.Amounts{}) {
			src.Need[0] = 1
		}
		s.sources = append(s.sources, source{Source: src, r: rand.New(rand.NewPCG(conf.Seed, uint64(i)))})
		clients = max(clients, src.First+src.Clients)
	}
	if conf.Each {
		s.result.Clients = make([]Client, clients)
	}
	for i := range s.sources {
		s.open(i)
	}
	for i, st := range conf.Script {
		s.events.push(event{at: st.At, what: step, ref: uint32(i)})
	}
	for s.err == nil && s.next() {
		s.result.Events++
		if s.Check && s.err == nil {
			s.err = k.Check()
		}
	}
	if s.err == nil && (k.Waiting() > 0 || k.InFlight() > 0) {
		s.err = fmt.Errorf("at the end %d requests wait and %d run", k.Waiting(), k.InFlight())
	}
	if s.err != nil {
		return nil, fmt.Errorf("at %v: %w", s.now, s.err)
	}
	for i := range conf.Kernel.Classes {
		s.result.Stats = append(s.result.Stats, k.Stats(i))
	}
	return s.result, nil
}

// open plans the first arrivals of a source.
func (s *simulation) open(i int) {
	src := &s.sources[i]
	if src.Gap != nil {
		if src.On != nil {
			src.onUntil = src.Start + src.On(src.r)
		}
		s.plan(src.next(src.Start), src, event{what: arrival, ref: uint32(i)})
		return
	}
	for c := range src.Clients {
		for range src.Threads {
			s.think(i, c, src.Start)
		}
	}
}

func (s *simulation) think(src, client int, from time.Duration) {
	x := &s.sources[src]
	if x.Think != nil {
		from += x.Think(x.r)
	}
	s.plan(from, x, event{what: thinkOver, ref: uint32(src), arg: uint32(client)})
}

// plan an arrival, unless the source has stopped by then.
func (s *simulation) plan(at time.Duration, src *source, e event) {
	if at < src.Stop {
		e.at = at
		s.events.push(e)
	}
}

// next lets the next thing happen, and reports false if nothing will any more.
func (s *simulation) next() bool {
	timer, ticking := s.k.Next()
	if ticking && (len(s.events.e) == 0 || timer <= s.events.e[0].at) {
		s.now = timer
		s.take(s.k.Advance(s.now, s.out[:0]))
		return true
	}
	if len(s.events.e) == 0 {
		return false
	}
	e := s.events.e[0]
	s.now = e.at
	if e.what == arrival {
		// It stays at the top until the next one of its source takes its place: nothing that
		// it brings about is earlier.
		src := &s.sources[e.ref]
		s.arrive(int(e.ref), src.client())
		if e.at = src.next(s.now); e.at < src.Stop {
			s.events.replace(e)
		} else {
			s.events.drop()
		}
		return true
	}
	s.events.drop()
	switch e.what {
	case thinkOver:
		s.arrive(int(e.ref), s.sources[e.ref].First+int(e.arg))
	case finished:
		s.finish(s.jobs[e.ref])
	case impatient:
		if j := s.jobs[e.ref]; j.live && j.gen == e.arg && j.ticket.Waiting() {
			s.cancel(j)
		}
	case step:
		s.take(s.Script[e.ref].Do(s.k, s.now, s.out[:0]))
	}
	return true
}

func (s *simulation) arrive(from, client int) {
	src := &s.sources[from]
	j := s.newJob()
	j.source, j.client, j.arrived = uint32(from), int32(client), s.now
	j.counted = s.now >= s.Warmup
	j.service = src.Service(src.r)
	r := kernel.Request{Class: src.Class, Flow: uint64(client), Weight: src.Weight, PartBy: src.PartBy, Cost: j.service, Need: src.Need}
	if s.Key != nil {
		r.Flow, r.Part = s.Key(client)
	}
	if src.Cost != nil {
		r.Cost = src.Cost(src.r)
	}
	if src.StartBy > 0 {
		r.StartBy = s.now + src.StartBy
	}
	j.ticket.Request = r
	if j.counted {
		s.result.Classes[src.Class].Arrived++
		s.result.Sources[from].Arrived++
		if s.Each {
			s.result.Clients[j.client].Asked += j.service
		}
	}
	s.trace(Arrived, j, Happened{})
	patience := time.Duration(-1)
	if src.Patience != nil {
		patience = src.Patience(src.r)
	}
	s.take(s.k.Arrive(s.now, &j.ticket, s.out[:0]))
	if patience >= 0 && j.live && j.ticket.Waiting() {
		s.events.push(event{at: s.now + patience, what: impatient, ref: j.number, arg: j.gen})
	}
}

// take carries out what the kernel has decided.
func (s *simulation) take(out []kernel.Decision) {
	s.out = out
	for _, d := range out {
		j, ok := d.Ticket.Owner.(*job)
		if !ok || !j.live || j.started || (d.Outcome == kernel.Started) != d.Ticket.Running() {
			s.err = errors.Join(s.err, fmt.Errorf("decided %v about a request that is not due", d.Outcome))
			return
		}
		src := &s.sources[j.source]
		wait := s.now - j.arrived
		s.trace(Decided, j, Happened{Outcome: d.Outcome, Wait: wait})
		if j.counted {
			for _, t := range [...]*Tally{&s.result.Classes[src.Class], &s.result.Sources[j.source]} {
				t.Outcomes[d.Outcome]++
				t.Queued += wait
				if d.Outcome == kernel.Started {
					t.Wait.add(wait)
				}
			}
		}
		if d.Outcome == kernel.Started {
			j.started = true
			s.serve(j)
		} else {
			s.end(j, d.RetryAfter)
		}
	}
}

// serve hands a started job to the backend.
func (s *simulation) serve(j *job) {
	if s.Servers > 0 && s.busy == s.Servers {
		s.waiting = append(s.waiting, j)
		return
	}
	s.busy++
	s.events.push(event{at: s.now + j.service, what: finished, ref: j.number})
}

func (s *simulation) finish(j *job) {
	s.busy--
	if s.head < len(s.waiting) {
		next := s.waiting[s.head]
		s.head++
		if s.head > len(s.waiting)/2 {
			s.waiting = append(s.waiting[:0], s.waiting[s.head:]...)
			s.head = 0
		}
		s.serve(next)
	}
	src := &s.sources[j.source]
	took := s.now - j.ticket.Started()
	answer := s.now - j.arrived
	good := src.Deadline == 0 || answer <= src.Deadline
	s.trace(Ended, j, Happened{Wait: took, Good: good})
	if j.counted {
		if s.Each {
			c := &s.result.Clients[j.client]
			c.Started++
			c.Served += took
			if good {
				c.Good++
			}
		}
		for _, t := range [...]*Tally{&s.result.Classes[src.Class], &s.result.Sources[j.source]} {
			t.Served += took
			if good {
				t.Good++
				t.Answer.add(answer)
			} else {
				t.Late++
			}
		}
	}
	out := s.k.Done(s.now, &j.ticket, s.out[:0])
	s.end(j, 0)
	s.take(out)
}

func (s *simulation) cancel(j *job) {
	s.trace(Cancelled, j, Happened{Wait: s.now - j.arrived})
	if j.counted {
		for _, t := range [...]*Tally{&s.result.Classes[j.ticket.Class], &s.result.Sources[j.source]} {
			t.Cancelled++
			t.Queued += s.now - j.arrived
		}
	}
	out, _ := s.k.Cancel(s.now, &j.ticket, s.out[:0])
	s.end(j, 0)
	s.take(out)
}

// end forgets a job, and lets the thread it is of think about the next one, if it has been
// refused after the time that it was told.
func (s *simulation) end(j *job, retryAfter time.Duration) {
	if src := &s.sources[j.source]; src.Gap == nil {
		s.think(int(j.source), int(j.client)-src.First, s.now+retryAfter)
	}
	j.live, j.started = false, false
	s.free = append(s.free, j.number)
}

func (s *simulation) newJob() *job {
	if last := len(s.free) - 1; last >= 0 {
		j := s.jobs[s.free[last]]
		s.free = s.free[:last]
		j.gen++
		j.live = true
		return j
	}
	j := &job{number: uint32(len(s.jobs)), live: true}
	j.ticket.Owner = j
	s.jobs = append(s.jobs, j)
	return j
}

func (s *simulation) trace(w What, j *job, h Happened) {
	if s.Trace == nil {
		return
	}
	h.At, h.What, h.Client, h.Source = s.now, w, int(j.client), int(j.source)
	h.Class, h.Arrived, h.Service, h.Cost, h.Weight = j.ticket.Class, j.arrived, j.service, j.ticket.Cost, max(j.ticket.Weight, 1)
	s.Trace(h)
}
