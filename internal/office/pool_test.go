package office

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridflow/flow/breaker"
	"gridflow/internal/office/wire"
)

// TestRun: a job is prepared, done and collected, in a folder of its own that is gone after.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, nil)
		var got string
		x.want(x.Run(t.Context(), "k", job(wire.Recalculate, "1s hello", &got)), "")
		if got != "recalculate hello" {
			t.Errorf("collected %q", got)
		}
		x.want(x.do("no not_loaded"), "not_loaded")
		mine := errors.New("mine")
		j := job(wire.Paint, "x", nil)
		j.Collect = func(string, wire.Response) error { return mine }
		if err := x.Run(t.Context(), "k", j); err != mine {
			t.Errorf("Collect's error is %v", err)
		}
		j.Prepare = func(string) (wire.Request, error) { return wire.Request{}, mine }
		if err := x.Run(t.Context(), "k", j); err != mine {
			t.Errorf("Prepare's error is %v", err)
		}
		j.Prepare = func(string) (wire.Request, error) { panic("at the disco") }
		if err := x.Run(t.Context(), "k", j); err == nil || !strings.Contains(err.Error(), "at the disco") {
			t.Errorf("a panic is %v", err)
		}
		x.nothingInJobs()
	})
}

func (x *rig) nothingInJobs() {
	x.Helper()
	for _, where := range []string{"jobs/*", "worker-*/jobs/*"} {
		if left, _ := filepath.Glob(filepath.Join(x.folder, where)); len(left) > 0 {
			x.Errorf("left: %v", left)
		}
	}
}

// TestTypedErrors: what goes wrong has a code, and what to do.
func TestTypedErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, func(o *Options, _ *fakes) { o.JobTimeout = 5 * time.Second })
		for _, c := range []struct {
			op        wire.Op
			doc, code string
		}{
			{wire.Recalculate, "crash", "RECALC_BACKEND_CRASHED"},
			{wire.Paint, "crash", "RENDER_BACKEND_CRASHED"},
			{wire.Convert, "crash", "CONVERT_BACKEND_CRASHED"},
			{wire.Paint, "oom", "RENDER_BACKEND_CRASHED"},
			{wire.Convert, "no broken", "CONVERT_BACKEND_CRASHED"},
			{wire.Recalculate, "hang", "TIMEOUT"},
			{wire.Paint, "no no_sheet", "no_sheet"},
			{wire.Convert, "lie", "CONVERT_NO_EFFECT"},
		} {
			err := x.Run(t.Context(), string(c.op)+c.doc, job(c.op, c.doc, nil))
			x.want(err, c.code)
			var e *Error
			if errors.As(err, &e) && (e.Message == "" || e.Hint == "") {
				t.Errorf("%s: %+v", c.doc, e)
			}
		}
		x.want(x.do("well"), "")
	})
}

// TestNotThere (D44): LibreOffice may be absent, come and go while the server runs; it is
// looked for when somebody wants it, every few seconds at most, and nothing is started for it.
func TestD44ComesAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, nil)
		x.here.Store(false)
		for range 100 {
			x.want(x.do("a"), CodeUnavailable)
			time.Sleep(10 * time.Millisecond)
		}
		if x.presence.looks != 1 || x.begun() != 0 {
			t.Errorf("%d looks, %d starts", x.presence.looks, x.begun())
		}
		x.here.Store(true)
		time.Sleep(lookAgain)
		x.want(x.do("a"), "")
		x.here.Store(false)
		time.Sleep(lookAgain)
		x.want(x.do("a"), CodeUnavailable)
		x.here.Store(true)
		x.stamp.Add(1) // another version
		time.Sleep(lookAgain)
		x.want(x.do("a"), "")
		time.Sleep(lookAgain)
		x.want(x.do("a"), "")
		synctest.Wait()
		if s := x.Stats(); s.Ended[CauseUpdated] == 0 {
			t.Errorf("workers of the old version stay: %+v", s)
		}
		for range 1000 {
			x.Stats() // a probe looks at nothing
		}
		if x.presence.looks != 5 {
			t.Errorf("%d looks", x.presence.looks)
		}
	})
}

// TestB15OneSlowJob: a slow job holds up nobody but itself, a worker that died is replaced, a
// full pool refuses at once, and a pool without workers says so.
func TestB15OneSlowJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, func(o *Options, _ *fakes) { o.Queue = 3 })
		slow := make(chan error, 1)
		go func() { slow <- x.do("19s") }()
		synctest.Wait()
		begin := time.Now()
		for i := range 10 {
			x.want(x.do(fmt.Sprint("10ms ", i)), "")
		}
		if took := time.Since(begin); took != 100*time.Millisecond {
			t.Errorf("ten short jobs beside a slow one take %v", took)
		}
		x.want(x.do("crash"), "RECALC_BACKEND_CRASHED")
		x.want(x.do("1ms afterwards"), "")

		var wg sync.WaitGroup
		for i := range 5 { // one runs beside the slow one, three wait, one is too many
			wg.Go(func() { x.want(x.do(fmt.Sprintf("1s %d", i)), map[bool]string{true: CodeOverloaded}[i == 4]) })
			synctest.Wait()
		}
		wg.Wait()
		x.want(<-slow, "")
		l := x.Limits()
		l.Workers = 0
		if err := x.Reconfigure(l); err != nil {
			t.Fatal(err)
		}
		x.want(x.do("a"), CodeUnavailable)
		synctest.Wait()
		if s := x.Stats(); s.Workers["idle"]+s.Workers["busy"] != 0 || s.Rejected != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestB46Bounded: there are never more workers than may be, nobody starts two for one, spares
// are a part of the whole, the pool shrinks when nothing is to do, and who died does not count.
func TestB46Bounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, func(o *Options, f *fakes) { o.Workers, f.boot = 4, time.Second })
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() { x.want(x.do(fmt.Sprintf("500ms %d", i)), "") })
		}
		wg.Wait()
		synctest.Wait()
		if _, most, workers := x.atWork(); workers != 6 || most != 4 || x.begun() != 6 {
			t.Errorf("%d workers, %d at work, %d starts; want 6, 4, 6", workers, most, x.begun())
		}
		x.workers()[0].Kill() // from outside, while it has nothing to do
		synctest.Wait()
		time.Sleep(2 * time.Second)
		if s := x.Stats(); s.Workers["idle"] != 6 || s.Ended[CauseCrash] != 1 {
			t.Errorf("after one has died: %+v", s)
		}
		time.Sleep(x.Limits().Idle + time.Second)
		if s := x.Stats(); s.Workers["idle"] != 0 || s.Ended[CauseIdle] != 6 {
			t.Errorf("after a while: %+v", s)
		}
		if x.begun() != 7 {
			t.Errorf("%d starts", x.begun())
		}
	})
}

// TestDiedAtRest: a worker that dies while it has nothing to do is counted by why it died, also where the next job is given to it before
// anybody has seen that it is gone; that job is done by another, and no breaker hears of it.
func TestDiedAtRest(t *testing.T) {
	for name, want := range map[string]Cause{"": CauseCrash, "starve": CauseTooMuch} {
		synctest.Test(t, func(t *testing.T) {
			x := newRig(t, func(o *Options, _ *fakes) { o.Workers = 1 })
			var wg sync.WaitGroup
			wg.Go(func() { x.want(x.do("1s "+name+" last"), "") })
			synctest.Wait()
			wg.Go(func() { x.want(x.do("a"), "") }) // waits for its turn, and is given the worker that is gone
			wg.Wait()
			synctest.Wait()
			if s := x.Stats(); s.Ended[want] != 1 || s.Workers["idle"] < 1 || x.begun() < 2 {
				t.Errorf("%s behind its last job: %+v", want, s)
			}
			last := x.workers()
			last[len(last)-1].exit.OutOfMemory = want == CauseTooMuch
			last[len(last)-1].Kill()
			synctest.Wait()
			if s := x.Stats(); s.Ended[want] != 2 {
				t.Errorf("%s at rest: %+v", want, s)
			}
			for _, b := range x.Breakers() {
				if b.State != breaker.Closed || b.Quarantined != 0 {
					t.Errorf("%+v", b)
				}
			}
		})
	}
}

// TestWarm: those that are to be kept warm are started behind whoever asks for it, and stay.
func TestWarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, func(o *Options, f *fakes) { o.Warm, f.boot = 1, time.Second })
		if x.begun() != 0 {
			t.Error("a worker is started before the server serves")
		}
		begin := time.Now()
		x.Warm()
		if time.Since(begin) != 0 {
			t.Error("Warm waits")
		}
		time.Sleep(time.Hour / 2)
		begin = time.Now()
		x.want(x.do("a"), "")
		if took := time.Since(begin); took != 0 || x.begun() < 1 {
			t.Errorf("the first job waited for %v", took)
		}
		time.Sleep(time.Hour / 4)
		if s := x.Stats(); s.Workers["idle"] != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestSpare: while one works another is warm, so that a kill costs nobody a start.
func TestSpare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, func(o *Options, f *fakes) { o.Workers, f.boot = 1, 2*time.Second })
		x.want(x.do("5s"), "")
		x.want(x.do("crash"), "RECALC_BACKEND_CRASHED")
		begin := time.Now()
		x.want(x.do("1s next"), "")
		if took := time.Since(begin); took != time.Second {
			t.Errorf("the job after a crash took %v", took)
		}
	})
}

// TestSpareForWhoWaits: when a worker dies whoever waits gets the spare at once.
func TestSpareForWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, func(o *Options, f *fakes) { o.Workers, f.boot = 1, 10*time.Second })
		x.want(x.do("15s"), "") // by then there is a spare
		var wg sync.WaitGroup
		wg.Go(func() { x.want(x.do("1s crash"), "RECALC_BACKEND_CRASHED") })
		synctest.Wait()
		begin := time.Now()
		x.want(x.do("1s waits"), "")
		if took := time.Since(begin); took != 2*time.Second {
			t.Errorf("who waited for a worker that died had his answer after %v", took)
		}
		wg.Wait()
	})
}

// TestRecycled: a worker is replaced after so many jobs, with so much memory, and when it is
// so old; nobody waits for that.
func TestRecycled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, func(o *Options, f *fakes) {
			o.Workers, o.Jobs, o.Memory, o.Age, o.Idle, f.boot = 1, 10, 600, time.Hour, 3*time.Hour, time.Second
		})
		x.want(x.do("5s first"), "") // by then there is a spare
		begin := time.Now()
		for i := range 40 {
			x.want(x.do(fmt.Sprintf("1s %d", i)), "")
		}
		if took := time.Since(begin); took != 40*time.Second {
			t.Errorf("forty jobs of a second took %v", took)
		}
		if n := x.Stats().Ended[CauseJobs]; n < 3 || n > 4 {
			t.Errorf("%d were replaced after ten jobs", n)
		}
		for _, w := range x.workers() {
			if w.jobs.Load() > 10 {
				t.Errorf("a worker has done %d jobs", w.jobs.Load())
			}
		}
		time.Sleep(5 * time.Second)
		x.want(x.do("rss 599"), "")
		if n := x.Stats().Ended[CauseMemory]; n != 0 {
			t.Error("replaced too soon")
		}
		x.want(x.do("rss 600"), "")
		if n := x.Stats().Ended[CauseMemory]; n != 1 {
			t.Errorf("%d were replaced for their memory", n)
		}
		time.Sleep(2 * time.Hour)
		if n := x.Stats().Ended[CauseAge]; n < 2 || n > 4 {
			t.Errorf("in two hours %d were replaced for their age", n)
		}
		if s := x.Stats(); s.Workers["idle"] != 2 {
			t.Errorf("%+v", s.Workers)
		}
	})
}

// TestB48Pull: work is given to whoever is free, and not always to the first.
func TestB48Pull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, nil)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() { x.want(x.do(fmt.Sprintf("1s %d", i)), "") })
		}
		begin := time.Now()
		wg.Wait()
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("twenty jobs of a second take two workers %v", took)
		}
		used := 0
		for _, w := range x.workers() {
			if w.jobs.Load() > 0 {
				used++
			}
		}
		if used < 2 {
			t.Errorf("%d workers had jobs", used)
		}
	})
}

// TestB49NobodyPolls: while nothing happens nothing runs, whoever waits and whoever is idle.
func TestB49NobodyPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, func(o *Options, _ *fakes) { o.JobTimeout, o.Age, o.Idle = 48*time.Hour, 0, 72*time.Hour })
		for range 2 {
			go x.Run(t.Context(), "", job(wire.Recalculate, "24h", nil))
		}
		synctest.Wait()
		waiting := make(chan error, 1)
		go func() { waiting <- x.do("waits") }()
		synctest.Wait()
		before := x.plans()
		time.Sleep(23 * time.Hour)
		if after := x.plans(); after != before {
			t.Errorf("in a day in which nothing happened the pool looked %d times whether something had", after-before)
		}
		x.want(<-waiting, "")
	})
}

// TestB47NoTicks: a pool at rest has no clock that runs: a job that comes after a long rest
// begins at once, and only once; closing ends all there is.
func TestB47NoTicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, func(o *Options, _ *fakes) { o.Warm, o.Age = 1, 0 })
		x.want(x.do("a"), "")
		time.Sleep(100 * time.Hour)
		before := x.plans()
		time.Sleep(100 * time.Hour)
		if x.plans() != before {
			t.Error("something ticks")
		}
		begin := time.Now()
		x.want(x.do("b"), "")
		if time.Since(begin) != 0 || len(x.documents()) != 2 {
			t.Errorf("after a rest: %v, %q", time.Since(begin), x.documents())
		}
		x.Close(t.Context())
		x.want(x.do("c"), CodeDraining)
	})
}

// TestD16HeldUntilGone: a job that is given up keeps its slot, and its caller, until its
// worker is gone; so there are never more documents worked on than may be.
func TestD16HeldUntilGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, func(o *Options, _ *fakes) { o.JobTimeout = time.Hour })
		ctx, stop := context.WithTimeoutCause(t.Context(), time.Second, errors.New("late"))
		defer stop()
		if err := x.Run(ctx, "k", job(wire.Recalculate, "hang", nil)); err == nil || err.Error() != "late" {
			t.Errorf("the caller's deadline: %v", err)
		}
		if now, _, _ := x.atWork(); now != 0 {
			t.Error("the call has ended and its worker works on")
		}
		// Callers who leave all the time, and others who stay.
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				ctx, stop := context.WithTimeout(t.Context(), time.Duration(100+i)*time.Millisecond)
				defer stop()
				if i%3 == 0 {
					ctx = t.Context()
				}
				err := x.Run(ctx, "", job(wire.Recalculate, fmt.Sprintf("%dms %d", 7*i+1, i), nil))
				if i%3 == 0 && err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if _, most, _ := x.atWork(); most > 2 {
			t.Errorf("%d at once", most)
		}
	})
}

// TestClose: those that wait are refused, those that run may finish, until it has taken too
// long.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, func(o *Options, _ *fakes) { o.JobTimeout = time.Hour })
		results := make(map[string]error)
		var mu sync.Mutex
		var wg sync.WaitGroup
		for _, doc := range []string{"5s", "30m", "1s waits"} {
			wg.Go(func() {
				err := x.do(doc)
				mu.Lock()
				defer mu.Unlock()
				results[doc] = err
			})
			synctest.Wait()
		}
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		begin := time.Now()
		x.Close(ctx)
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("closing took %v", took)
		}
		wg.Wait()
		x.want(results["5s"], "")
		x.want(results["30m"], CodeDraining)
		x.want(results["1s waits"], CodeDraining)
		x.nothingLeft()
		x.Close(t.Context()) // again
	})
}

// TestShare (row 114): of jobs that want the same one runs, and each collects for itself.
func TestShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, func(_ *Options, f *fakes) { f.ends = 2 * time.Second })
		var wg sync.WaitGroup
		got := make([]string, 10)
		for i := range got {
			j := job(wire.Recalculate, "1s same", &got[i])
			j.Share = "recalculate fork@7"
			wg.Go(func() {
				ctx := t.Context()
				if i%2 == 1 { // these leave, the first that came among them
					var stop context.CancelFunc
					ctx, stop = context.WithTimeout(ctx, 500*time.Millisecond)
					defer stop()
				}
				err := x.Run(ctx, "k", j)
				if i%2 == 0 && err != nil || i%2 == 1 && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%d: %v", i, err)
				}
			})
		}
		wg.Wait()
		for i, g := range got {
			if want := map[bool]string{true: "recalculate same"}[i%2 == 0]; g != want {
				t.Errorf("%d got %q", i, g)
			}
		}
		if len(x.documents()) != 1 || x.Stats().Joined != 9 {
			t.Errorf("%q, %d joined", x.documents(), x.Stats().Joined)
		}
		x.nothingInJobs()

		// One that nobody waits for any more is stopped, and not joined, also while it stops.
		j := job(wire.Recalculate, "hang", nil)
		j.Share = "x"
		ctx, stop := context.WithCancel(t.Context())
		for range 3 {
			wg.Go(func() { x.Run(ctx, "k", j) })
		}
		synctest.Wait()
		stop()
		synctest.Wait()
		j = job(wire.Recalculate, "anew", nil)
		j.Share = "x"
		x.want(x.Run(t.Context(), "k", j), "")
		wg.Wait()
	})
}

// TestLeaderLeaves: a run is begun anew for the others when the one whose inputs it was has left
// while they were written; and that one leaves only when nothing of its own is used any more.
func TestLeaderLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, nil)
		ctx, stop := context.WithCancel(t.Context())
		mine := job(wire.Recalculate, "mine", nil)
		mine.Share = "same"
		var left time.Time
		mine.Prepare = func(string) (wire.Request, error) {
			<-ctx.Done()
			time.Sleep(3 * time.Second) // it does not stop at once
			left = time.Now()
			return wire.Request{}, ctx.Err()
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := x.Run(ctx, "k", mine); !errors.Is(err, context.Canceled) || left.IsZero() {
				t.Errorf("the leader: %v, and its inputs are written until %v", err, left)
			}
		})
		synctest.Wait()
		got := make([]string, 3)
		for i := range got {
			j := job(wire.Recalculate, "1s theirs", &got[i])
			j.Share = "same"
			wg.Go(func() { x.want(x.Run(t.Context(), "k", j), "") })
		}
		synctest.Wait()
		stop()
		wg.Wait()
		for _, g := range got {
			if g != "recalculate theirs" {
				t.Errorf("got %q", got)
			}
		}
		if docs := x.documents(); len(docs) != 1 {
			t.Errorf("%q", docs)
		}
	})
}

// TestKindsTakeTurns: a picture does not wait behind all recalculations that came before it.
func TestKindsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, func(o *Options, _ *fakes) { o.Workers = 1 })
		var wg sync.WaitGroup
		for i := range 9 {
			wg.Go(func() { x.want(x.do(fmt.Sprintf("1s recalc%d", i)), "") })
			synctest.Wait()
		}
		for i := range 2 {
			wg.Go(func() { x.want(x.Run(t.Context(), "", job(wire.Paint, fmt.Sprintf("1s paint%d", i), nil)), "") })
			synctest.Wait()
		}
		wg.Go(func() { x.want(x.Run(t.Context(), "", job(wire.Convert, "1s convert0", nil)), "") })
		wg.Wait()
		order := strings.Join(x.documents(), " ")
		order = strings.ReplaceAll(order, "1s ", "")
		const want = "recalc0 paint0 convert0 recalc1 paint1 recalc2 recalc3 recalc4 recalc5 recalc6 recalc7 recalc8"
		if order != want {
			t.Errorf("the order is %s, want %s", order, want)
		}
	})
}

// TestStartFails: who waits is told why nothing starts; nothing is started again and again;
// and it mends itself.
func TestStartFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, func(o *Options, f *fakes) { f.fail.Store(true) })
		for range 3 {
			err := x.do("a")
			x.want(err, CodeNotStarted)
			if !errors.Is(err, x.said) {
				t.Errorf("%v does not say why", err)
			}
		}
		for range 50 {
			x.want(x.do("a"), CodeCircuitOpen)
		}
		if n := x.begun(); n != 3 {
			t.Errorf("%d starts", n)
		}
		x.fakes.fail.Store(false)
		time.Sleep(30 * time.Second)
		x.want(x.do("a"), "")

		x2 := newRig(t, func(o *Options, f *fakes) { f.boot = time.Hour })
		begin := time.Now()
		x2.want(x2.do("a"), CodeNotStarted)
		if took := time.Since(begin); took != x2.Limits().StartTimeout {
			t.Errorf("a start that hangs is given up after %v", took)
		}
	})
}

// TestReconfigure: limits change under jobs that wait and run.
func TestReconfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, nil)
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() { x.want(x.do(fmt.Sprintf("1s %d", i)), "") })
		}
		time.Sleep(500 * time.Millisecond)
		l := x.Limits()
		l.Workers = 4
		if err := x.Reconfigure(l); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if now, _, _ := x.atWork(); now != 4 {
			t.Errorf("%d at work", now)
		}
		l.Workers = 1
		if err := x.Reconfigure(l); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		synctest.Wait()
		if s := x.Stats(); s.Workers["idle"]+s.Workers["busy"] > s.Capacity {
			t.Errorf("%+v of %d", s.Workers, s.Capacity)
		}
		l.Queue = 0
		if x.Reconfigure(l) == nil {
			t.Error("a queue of nothing is taken")
		}
	})
}
