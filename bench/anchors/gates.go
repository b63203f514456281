package anchors

import (
	"context"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/adaptivelimiter"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"golang.org/x/sync/semaphore"
	"k8s.io/apiserver/pkg/util/flowcontrol/fairqueuing"
	"k8s.io/apiserver/pkg/util/flowcontrol/fairqueuing/eventclock"
	"k8s.io/apiserver/pkg/util/flowcontrol/fairqueuing/queueset"
	"k8s.io/apiserver/pkg/util/flowcontrol/metrics"
	"k8s.io/apiserver/pkg/util/flowcontrol/request"

	"gridflow/flow/kernel"
)

// A gate runs work when it is its turn, or gives up on it: by its own rules, or because
// the context ended before the work began.
type gate interface {
	do(ctx context.Context, client uint64, class int, work func()) bool
}

const (
	seats    = 8
	work     = 20 * time.Millisecond
	deadline = 500 * time.Millisecond
)

// open lets everything in.
type open struct{}

func (open) do(_ context.Context, _ uint64, _ int, work func()) bool {
	work()
	return true
}

// weighted is the semaphore of x/sync.
type weighted struct{ s *semaphore.Weighted }

func newSemaphore() gate { return weighted{semaphore.NewWeighted(seats)} }

func (g weighted) do(ctx context.Context, _ uint64, _ int, work func()) bool {
	if g.s.Acquire(ctx, 1) != nil {
		return false
	}
	defer g.s.Release(1)
	work()
	return true
}

// bulk is failsafe-go's bulkhead, with the deadline as the longest wait.
type bulk struct{ b bulkhead.Bulkhead[any] }

func newBulkhead() gate { return bulk{bulkhead.New[any](seats)} }

func (g bulk) do(ctx context.Context, _ uint64, _ int, work func()) bool {
	if g.b.AcquirePermitWithMaxWait(ctx, deadline) != nil {
		return false
	}
	defer g.b.ReleasePermit()
	work()
	return true
}

// adaptive is failsafe-go's adaptive limiter with its defaults, which finds the number of
// seats itself; with a queue of two to three times its limit, or none.
type adaptive struct {
	l     adaptivelimiter.AdaptiveLimiter[any]
	queue bool
}

func newAdaptive() gate { return adaptive{adaptivelimiter.NewWithDefaults[any](), false} }

func newAdaptiveQueue() gate {
	return adaptive{adaptivelimiter.NewBuilder[any]().WithQueueing(2, 3).Build(), true}
}

func (g adaptive) do(ctx context.Context, _ uint64, _ int, work func()) bool {
	var p adaptivelimiter.Permit
	if g.queue {
		var err error
		if p, err = g.l.AcquirePermit(ctx); err != nil {
			return false
		}
	} else {
		var ok bool
		if p, ok = g.l.TryAcquirePermit(); !ok {
			return false
		}
	}
	work()
	p.Record()
	return true
}

// apf is queue sets of the Kubernetes API server, one per class, with 64 queues, hands of
// six and 50 requests to a queue. The filter of the API server lets a request wait for
// a quarter of its deadline; wait is that.
type apf struct {
	sets []fairqueuing.QueueSet
	wait time.Duration
}

// newAPF divides the seats: each class has its own.
func newAPF(wait time.Duration, seats ...int) gate {
	g := apf{wait: wait}
	for _, n := range seats {
		c, err := queueset.NewQueueSetFactory(eventclock.Real{}).BeginConstruction(
			fairqueuing.QueuingConfig{Name: "set", DesiredNumQueues: 64, QueueLengthLimit: 50, HandSize: 6},
			metrics.RatioedGaugePair{RequestsWaiting: gauge{}, RequestsExecuting: gauge{}}, gauge{}, gauge{})
		if err != nil {
			panic(err)
		}
		g.sets = append(g.sets, c.Complete(fairqueuing.DispatchingConfig{ConcurrencyLimit: n, ConcurrencyDenominator: n}))
	}
	return g
}

func (g apf) do(ctx context.Context, client uint64, class int, work func()) bool {
	if g.wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, g.wait)
		defer cancel()
	}
	r, _ := g.sets[min(class, len(g.sets)-1)].StartRequest(ctx, &request.WorkEstimate{InitialSeats: 1}, client*0x9e3779b97f4a7c15, "", "", nil, nil, func(bool) {})
	if r == nil {
		return false
	}
	done := false
	r.Finish(func() {
		work()
		done = true
	})
	return done
}

// gauge measures nothing.
type gauge struct{}

func (gauge) Set(float64)            {}
func (gauge) Inc()                   {}
func (gauge) Dec()                   {}
func (gauge) Add(float64)            {}
func (gauge) SetToCurrentTime()      {}
func (gauge) SetDenominator(float64) {}

// flow is gridflow's kernel behind a mutex: the least that makes it a gate.
type flow struct {
	mu     sync.Mutex
	k      *kernel.Kernel
	from   time.Time
	timer  *time.Timer
	due    kernel.Instant // of the timer; 0: it does not run
	out    []kernel.Decision
	places sync.Pool
}

type place struct {
	ticket  kernel.Ticket
	decided chan bool
}

// class is what is found in kernel.Class, for the deadline.
func class(name string, weight int64) kernel.Class {
	return kernel.Class{
		Name: name, Weight: weight, QueueMax: 4096, AgeMax: 4 * deadline,
		WaitMax: deadline * 85 / 100, Target: deadline * 19 / 100, Interval: deadline,
	}
}

func newFlow(seats int64, classes ...kernel.Class) *flow {
	k, err := kernel.New(kernel.Config{Classes: classes, Resources: []kernel.Resource{{Name: "seat", Capacity: seats}}})
	if err != nil {
		panic(err)
	}
	g := &flow{k: k, from: time.Now()}
	g.places.New = func() any {
		p := &place{decided: make(chan bool, 1)}
		p.ticket.Owner = p
		return p
	}
	g.timer = time.AfterFunc(time.Hour, g.advance)
	g.timer.Stop()
	return g
}

func (g *flow) now() kernel.Instant { return time.Since(g.from) }

func (g *flow) advance() {
	g.mu.Lock()
	g.due = 0
	g.tell(g.k.Advance(g.now(), g.out[:0]), nil)
	g.mu.Unlock()
}

// tell passes decisions on, except that about the caller's own place, which it gives back;
// and it sets the timer.
func (g *flow) tell(out []kernel.Decision, own *place) (decided, started bool) {
	g.out = out
	for _, d := range out {
		if own != nil && d.Ticket == &own.ticket {
			decided, started = true, d.Outcome == kernel.Started
			continue
		}
		d.Ticket.Owner.(*place).decided <- d.Outcome == kernel.Started
	}
	if at, ok := g.k.Next(); ok && (g.due == 0 || at < g.due) {
		g.due = at
		g.timer.Reset(at - g.now())
	}
	return decided, started
}

func (g *flow) acquire(ctx context.Context, client uint64, class int) (*place, bool) {
	p := g.places.Get().(*place)
	p.ticket.Request = kernel.Request{Class: class, Flow: client, Cost: work, Need: kernel.Amounts{1}}
	g.mu.Lock()
	decided, started := g.tell(g.k.Arrive(g.now(), &p.ticket, g.out[:0]), p)
	g.mu.Unlock()
	if !decided {
		select {
		case started = <-p.decided:
		case <-ctx.Done():
			g.mu.Lock()
			out, cancelled := g.k.Cancel(g.now(), &p.ticket, g.out[:0])
			g.tell(out, nil)
			g.mu.Unlock()
			if !cancelled { // it was decided at the same moment
				started = <-p.decided
			}
		}
	}
	if !started {
		g.places.Put(p)
	}
	return p, started
}

func (g *flow) release(p *place) {
	g.mu.Lock()
	g.tell(g.k.Done(g.now(), &p.ticket, g.out[:0]), nil)
	g.mu.Unlock()
	g.places.Put(p)
}

func (g *flow) do(ctx context.Context, client uint64, class int, work func()) bool {
	p, ok := g.acquire(ctx, client, class)
	if !ok {
		return false
	}
	work()
	g.release(p)
	return true
}
