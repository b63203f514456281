package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// A run is one scenario against one target.
type run struct {
	ctx      context.Context
	scenario Scenario
	dialect  *Dialect
	dialer   *dialer
	books    weighted
	clients  []*client
	records  []*groupRecord
	closing  sync.WaitGroup // sessions that end while the run goes on
}

// Run puts the target under the load of a scenario, step by step, and tells what came of
// it. Calls that are under way when the time of the last step is up are waited for, each
// as long as its client's patience lasts. The error is of the scenario, of opening the
// sessions, or of ctx, in which case there is a result all the same once the load has begun.
// A client whose connection fails comes anew with its next call, as real ones do. What the
// clients have made for themselves is undone at the end, where the dialect says how.
func Run(ctx context.Context, target Target, s Scenario) (res *Result, err error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	r := &run{ctx: ctx, scenario: s, dialect: target.Dialect, dialer: newDialer(target)}
	defer r.dialer.web.CloseIdleConnections()
	if r.dialect == nil {
		r.dialect = Gridflow()
	}
	if err := r.understood(); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	if err := target.checkTokens(s.Groups); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	defer func() {
		if remains := r.end(); res != nil {
			res.Remains = remains
		}
	}()
	steps, length := s.Steps, cmp.Or(s.For, 10*time.Second)
	if len(steps) == 0 {
		steps = []float64{1}
	}
	if err := r.prepare(); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}

	began := time.Now()
	width := max(time.Second, time.Duration(len(steps))*length/240)
	for _, rec := range r.records {
		rec.began, rec.width, rec.limits = began, width, 10_000
	}
	watch := startWatch(r.dialer.serving, width)
	res = &Result{Scenario: s.Name, Target: target.String(), Began: began, Bin: width,
		Machine: fmt.Sprintf("%s/%s, %d processors", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())}
	var starts []time.Time
	var lasted []time.Duration // for how long calls of a step were due
	var under sync.WaitGroup   // calls of all steps
	for i, times := range steps {
		starts = append(starts, time.Now())
		r.step(i, times, length, &under)
		lasted = append(lasted, min(time.Since(starts[i]), length)) // less where it was stopped
		if s.Settle || i == len(steps)-1 {
			under.Wait()
		}
		if ctx.Err() != nil {
			under.Wait()
			break
		}
	}
	res.Took = time.Since(began)
	res.Server = watch.stop()
	for i, start := range starts {
		step := Step{Times: steps[i], Start: start.Sub(began)}
		for j, rec := range r.records {
			g := s.Groups[j]
			report := Report{Group: g.Name}
			if i < len(rec.steps) {
				report = rec.steps[i].report(g, start, lasted[i])
			}
			if g.Rate > 0 {
				report.Offered = g.rate(steps[i]) * float64(max(g.Clients, 1))
			}
			step.Groups = append(step.Groups, report)
		}
		res.Steps = append(res.Steps, step)
	}
	for _, rec := range r.records {
		res.Series = append(res.Series, rec.series())
	}
	return res, context.Cause(ctx)
}

// rate gives the calls a second of a client in a step.
func (g *Group) rate(times float64) float64 {
	if g.Fixed {
		return g.Rate
	}
	return g.Rate * times
}

// understood says which operation or variable of the groups is unknown, and draws what
// all clients draw from.
func (r *run) understood() error {
	s := &r.scenario
	if len(s.Books) > 0 {
		r.books = zipf(len(s.Books), s.Zipf)
	}
	for _, g := range s.Groups {
		calls := map[string]Call{}
		for op := range g.Mix {
			c, ok := r.dialect.Ops[op]
			if !ok {
				return fmt.Errorf("group %q: the dialect has no operation %q", g.Name, op)
			}
			calls[op] = c
		}
		for _, c := range g.Calls {
			if err := c.check(variables); err != nil {
				return fmt.Errorf("group %q: call of %s: %w", g.Name, c.Tool, err)
			}
			calls[c.Tool] = c
		}
		for op, c := range calls {
			for _, name := range c.uses() {
				if _, made := r.dialect.Make[name]; (made || name == "book" || name == "sheet") && len(s.Books) == 0 {
					return fmt.Errorf("group %q: %s is about a workbook, and the scenario names none: give books", g.Name, op)
				}
				if i := slices.IndexFunc(s.Books, func(b Book) bool { return b.Sheet == "" }); name == "sheet" && i >= 0 {
					return fmt.Errorf("group %q: %s is about a sheet, and the scenario names none of %q: give it as NAME:SHEET", g.Name, op, s.Books[i].Name)
				}
			}
		}
	}
	return nil
}

// prepare makes the clients, opens their sessions and lets them make what they edit.
func (r *run) prepare() error {
	open, openCtx := errgroup.WithContext(r.ctx)
	open.SetLimit(64)
	for i := range r.scenario.Groups {
		g := &r.scenario.Groups[i]
		rec := &groupRecord{group: *g}
		r.records = append(r.records, rec)
		drawn := mix{}
		if len(g.Mix) > 0 {
			drawn = newMix(g.Mix)
		}
		for j := range max(g.Clients, 1) {
			c := &client{run: r, group: g, index: j, mix: drawn, record: rec, rng: r.random(i, j, 0)}
			c.who = caller{principal: fmt.Sprintf("load %s %d", g.Name, j%max(g.Principals, 1)), slow: g.ReadBytes, token: r.dialer.target.Tokens[g.as(j)]}
			for name, value := range g.Headers {
				if c.who.headers == nil {
					c.who.headers = map[string]string{}
				}
				c.who.headers[name] = fmt.Sprint(fillText(value, values{"client": j, "principal": c.who.principal, "group": g.Name}))
			}
			if len(r.scenario.Books) > 0 {
				c.own = r.scenario.Books[r.books.draw(c.rng)]
			}
			r.clients = append(r.clients, c)
			open.Go(func() error {
				if err := c.prepare(openCtx); err != nil {
					return fmt.Errorf("group %q: %w", g.Name, err)
				}
				return nil
			})
		}
	}
	err := open.Wait()
	if err != nil && errors.Is(err, context.Canceled) && r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	return err
}

// random gives the source of one client for one purpose, so that what one draws does not
// depend on what others do.
func (r *run) random(group, client, purpose int) *rand.Rand {
	return rand.New(rand.NewPCG(r.scenario.Seed, uint64(group)<<40|uint64(client)<<8|uint64(purpose)))
}

// unmakeMax is how long it may take to undo all that was made.
const unmakeMax = 20 * time.Second

// end undoes what the clients have made, closes all sessions, and tells how much is left.
func (r *run) end() (remains int) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(r.ctx), unmakeMax)
	defer stop()
	var undoing errgroup.Group
	undoing.SetLimit(16) // it is no part of the load
	var kept atomic.Int64
	for _, c := range r.clients {
		if len(c.made) > 0 {
			undoing.Go(func() error {
				kept.Add(int64(c.unmake(ctx)))
				return nil
			})
		}
	}
	_ = undoing.Wait()
	for _, c := range r.clients {
		if v := c.visit; v != nil {
			r.closing.Go(v.end) // a server that is stuck keeps each of them waiting for seconds
		}
	}
	r.closing.Wait()
	return int(kept.Load())
}

// step lets all clients work for a time. Calls that are under way then are in under.
func (r *run) step(i int, times float64, length time.Duration, under *sync.WaitGroup) {
	start := time.Now()
	var working sync.WaitGroup
	n, group := 0, (*Group)(nil)
	for k, c := range r.clients {
		if c.group != group {
			n, group = 0, c.group
		}
		if rate := c.group.rate(times); rate > 0 {
			a := newArrivals(*c.group, rate, n, max(c.group.Clients, 1), r.random(k, c.index, 1+i))
			working.Go(func() { c.openLoop(i, start, length, a, under) })
		} else {
			working.Go(func() { c.closedLoop(i, start.Add(length)) })
		}
		n++
	}
	working.Wait()
}

// openLoop sends calls when they are due, whatever became of earlier ones.
func (c *client) openLoop(step int, start time.Time, length time.Duration, a *arrivals, under *sync.WaitGroup) {
	room := make(chan struct{}, cmp.Or(c.group.InFlightMax, 1000))
	for made := 0; c.group.Limit == 0 || made < c.group.Limit; made++ {
		at := a.next()
		if at >= length || !sleepUntil(c.run.ctx, start.Add(at)) {
			break
		}
		due := start.Add(at)
		select {
		case room <- struct{}{}:
			under.Go(func() {
				c.call(step, due)
				<-room
			})
		default:
			c.record.add(happening{step: step, op: c.opName(), outcome: notSent, due: due, answered: time.Now()})
		}
	}
	// Whatever it was, the step is as long as it was to be.
	if c.group.Limit == 0 {
		sleepUntil(c.run.ctx, start.Add(length))
	}
}

// opName is what a call that is not sent is counted as: nobody has drawn which it is.
func (c *client) opName() string {
	if len(c.group.Calls) == 1 {
		return c.group.Calls[0].Tool
	}
	return "any"
}

// closedLoop keeps calls going, each of which is due when the one before it is over.
func (c *client) closedLoop(step int, until time.Time) {
	var mu sync.Mutex
	made := 0
	more := func() bool {
		mu.Lock()
		defer mu.Unlock()
		if c.run.ctx.Err() != nil || !time.Now().Before(until) || c.group.Limit > 0 && made == c.group.Limit {
			return false
		}
		made++
		return true
	}
	var wg sync.WaitGroup
	for range max(c.group.Parallel, 1) {
		wg.Go(func() {
			for more() {
				c.call(step, time.Now())
				if c.group.Think > 0 && !sleepUntil(c.run.ctx, time.Now().Add(c.group.Think)) {
					return
				}
			}
		})
	}
	wg.Wait()
}

// sleepUntil waits for a moment, and gives false where ctx ends before.
func sleepUntil(ctx context.Context, at time.Time) bool {
	d := time.Until(at)
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
