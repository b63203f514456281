package office

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridflow/flow/breaker"
	"gridflow/internal/office/wire"
)

// TestD24BreakerIsUsed: crashes of several documents open the breaker; then calls are refused
// at once, prepare nothing and start nothing, and are told when to come back; when the time
// has come one tries, two successes close it, and a failure opens it anew.
func TestD24BreakerIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, nil)
		for i := range 3 {
			x.want(x.do(fmt.Sprintf("crash %d", i)), "RECALC_BACKEND_CRASHED")
		}
		synctest.Wait()
		starts, began := x.begun(), len(x.documents())
		begin := time.Now()
		for i := range 100 {
			j := job(wire.Recalculate, fmt.Sprint(i), nil)
			j.Prepare = func(string) (wire.Request, error) {
				t.Error("a refused job is prepared")
				return wire.Request{}, nil
			}
			err := x.Run(t.Context(), fmt.Sprint(i), j)
			x.want(err, CodeCircuitOpen)
			var e *Error
			if errors.As(err, &e) && (e.RetryAfter <= 0 || e.RetryAfter > 30*time.Second) {
				t.Errorf("retry after %v", e.RetryAfter)
			}
		}
		if took := time.Since(begin); took != 0 || x.begun() != starts || len(x.documents()) != began {
			t.Errorf("refusals took %v, %d starts, %d jobs", took, x.begun()-starts, len(x.documents())-began)
		}
		// Pictures are another matter.
		x.want(x.Run(t.Context(), "p", job(wire.Paint, "fine", nil)), "")

		time.Sleep(30 * time.Second)
		x.want(x.do("crash again"), "RECALC_BACKEND_CRASHED")
		x.want(x.do("well"), CodeCircuitOpen)
		time.Sleep(30 * time.Second)

		// Thirty callers at the moment when one may try.
		began = len(x.documents())
		var wg sync.WaitGroup
		var mu sync.Mutex
		codes := make(map[string]int)
		for i := range 30 {
			wg.Go(func() {
				err := x.do(fmt.Sprintf("2s well%d", i))
				mu.Lock()
				defer mu.Unlock()
				codes[code(err)]++
			})
		}
		time.Sleep(time.Second)
		if n := len(x.documents()) - began; n != 1 {
			t.Errorf("%d try at once", n)
		}
		wg.Wait()
		if codes[""] != 1 || codes[CodeCircuitOpen] != 29 {
			t.Errorf("%v", codes)
		}
		x.want(x.do("well"), "")
		if got := x.breakers[0].State(); got != breaker.Closed {
			t.Errorf("after two successes it is %v", got)
		}
	})
}

// TestUsersDoNotOpenIt: what users do wrong, or break off, says nothing of LibreOffice.
func TestUsersDoNotOpenIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, nil)
		for i := range 50 {
			x.want(x.do(fmt.Sprintf("no no_sheet %d", i)), "no_sheet")
			x.want(x.Run(t.Context(), "k", job(wire.Paint, "no not_loaded", nil)), "not_loaded")
			ctx, stop := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, stop)
			if err := x.Run(ctx, "k", job(wire.Recalculate, "hang", nil)); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			ctx, stop = context.WithTimeout(t.Context(), time.Second) // too short to say anything
			if err := x.Run(ctx, "k", job(wire.Recalculate, "hang", nil)); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			stop()
		}
		x.want(x.do("well"), "")
		for _, b := range x.Breakers() {
			if b.State != breaker.Closed || b.Quarantined != 0 {
				t.Errorf("%+v", b)
			}
		}
		// Who has given it a fair time says something.
		for i := range 3 {
			ctx, stop := context.WithTimeout(t.Context(), 15*time.Second)
			x.Run(ctx, fmt.Sprint(i), job(wire.Recalculate, "hang", nil))
			stop()
		}
		x.want(x.do("well"), CodeCircuitOpen)
	})
}

// TestPoison (S22): a workbook that brings LibreOffice down each time is set aside alone, also
// when it comes many times at once.
func TestPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, nil)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				switch c := code(x.do("10ms crash")); c {
				case "RECALC_BACKEND_CRASHED", CodeCircuitOpen:
				default:
					t.Errorf("the poison gives %q", c)
				}
			})
		}
		for i := range 10 {
			wg.Go(func() { x.want(x.do(fmt.Sprintf("20ms good%d", i)), "") })
		}
		wg.Wait()
		crashes := 0
		for _, doc := range x.documents() {
			if strings.HasSuffix(doc, "crash") {
				crashes++
			}
		}
		if crashes > 3 { // two in a row, and one beside the second
			t.Errorf("the poison was tried %d times", crashes)
		}
		if b := x.breakers[0].Stats(); b.State != breaker.Closed || b.Quarantined != 1 {
			t.Errorf("%+v", b)
		}
		err := x.do("10ms crash")
		x.want(err, CodeCircuitOpen)
		if !strings.Contains(err.Error(), "this workbook") {
			t.Error(err)
		}
	})
}

// TestD20OwnPlaces: jobs at the same time have workers with folders of their own, and the end
// of one worker fails its own job only.
func TestD20OwnPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, func(o *Options, _ *fakes) { o.Workers = 3 })
		var wg sync.WaitGroup
		for i, doc := range []string{"4s a", "5s b", "6s c"} {
			op := kinds[i%2]
			wg.Go(func() {
				want := ""
				if doc == "4s a" {
					want = "RECALC_BACKEND_CRASHED"
				}
				x.want(x.Run(t.Context(), doc, job(op, doc, nil)), want)
			})
			time.Sleep(time.Second)
		}
		for _, w := range x.workers() {
			if w.jobs.Load() > 0 {
				w.Kill() // the first of them, which has the first document
				break
			}
		}
		wg.Wait()
		dirs := make(map[string]bool)
		for _, w := range x.workers()[:3] {
			at := w.at
			dirs[at.Dir], dirs[at.Jobs] = true, true
		}
		if len(dirs) != 6 {
			t.Errorf("three workers have the folders %v", dirs)
		}
	})
}

// TestD23NamesAreInert: what comes from users does not become part of a path, and a request
// for files elsewhere is refused.
func TestD23NamesAreInert(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, nil)
		for _, name := range []string{"../../etc/passwd", "a/b", "'); DROP TABLE", "\xff\x00", strings.Repeat("x", 10_000), "file:///etc/passwd?x=%2e"} {
			j := job(wire.Paint, "fine", nil)
			j.Share = name
			x.want(x.Run(t.Context(), name, j), "")
		}
		x.nothingInJobs()
		outside := filepath.Join(x.folder, "outside")
		if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, paths := range [][2]string{{outside, "out"}, {"in", outside}, {"in", "../out"}, {"/etc/passwd", "out"}, {"in", "."}} {
			j := job(wire.Convert, "fine", nil)
			prepare := j.Prepare
			j.Prepare = func(dir string) (wire.Request, error) {
				r, err := prepare(dir)
				for i, p := range []*string{&r.In, &r.Out} {
					if *p = paths[i]; !filepath.IsAbs(*p) {
						*p = filepath.Join(dir, *p)
					}
				}
				return r, err
			}
			if err := x.Run(t.Context(), "k", j); err == nil || !strings.Contains(err.Error(), "not in the job's folder") {
				t.Errorf("%q: %v", paths, err)
			}
		}
		// A worker that has been taken over by its document may give a link to a file that only
		// this process may read.
		j := job(wire.Paint, "fine", nil)
		prepare := j.Prepare
		j.Prepare = func(dir string) (wire.Request, error) {
			r, err := prepare(dir)
			return r, errors.Join(err, os.WriteFile(r.In, []byte("lie"), 0o600), os.Symlink(outside, r.Out))
		}
		x.want(x.Run(t.Context(), "k", j), "RENDER_NO_EFFECT")
	})
}

// lenient gives a breaker that never opens.
func lenient(name string) *breaker.Breaker {
	conf := breaker.Recalc()
	conf.Failures, conf.Poison = 1_000_000, 0
	conf.Classify = func(error) breaker.Verdict { return breaker.Neutral }
	b, err := breaker.New(name, conf)
	if err != nil {
		panic(err)
	}
	return b
}

// unheard are workers whose death is not heard of before the next job has been given to one.
type unheard struct {
	*fakes
	late chan struct{}

	own     sync.Mutex
	workers []*unheardWorker
}

type unheardWorker struct {
	*fakeWorker
	late chan struct{}
}

func (u *unheard) Start(ctx context.Context, at Place) (Worker, error) {
	w, err := u.fakes.Start(ctx, at)
	if err != nil {
		return nil, err
	}
	one := &unheardWorker{fakeWorker: w.(*fakeWorker), late: u.late}
	u.own.Lock()
	defer u.own.Unlock()
	u.workers = append(u.workers, one)
	return one, nil
}

func (w *unheardWorker) Gone() <-chan struct{} {
	select {
	case <-w.gone:
		return w.gone
	default:
		return w.late
	}
}

// die ends all workers that there are.
func (u *unheard) die() {
	synctest.Wait() // who waits to hear of them does so
	u.own.Lock()
	defer u.own.Unlock()
	for _, w := range u.workers {
		w.end()
	}
}

// TestNoWordOfTheJob: what happens before a worker has the job, its death or a folder that cannot be moved, is no word
// against LibreOffice nor against the job, and neither is it one for them: who tries whether it works again may go on.
func TestNoWordOfTheJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &unheard{late: make(chan struct{})}
		x := newRig(t, func(o *Options, f *fakes) { u.fakes, o.Starter = f, u })
		t.Cleanup(func() { u.die(); close(u.late) })
		worker := func() {
			x.want(x.Run(t.Context(), "p", job(wire.Paint, "fine", nil)), "")
		}
		moveFails := func() {
			worker()
			synctest.Wait()
			for _, w := range x.workers() {
				os.Rename(w.at.Jobs, w.at.Jobs+".away")
			}
			if err := x.do("well"); err == nil || code(err) == CodeCircuitOpen {
				t.Errorf("where the folder cannot be moved: %v", err)
			}
			for _, w := range x.workers() {
				os.Rename(w.at.Jobs+".away", w.at.Jobs)
			}
		}
		for range 10 {
			worker()
			u.die()
			x.want(x.do("well"), "")
			moveFails()
		}
		for _, before := range []func(){func() { worker(); u.die() }, moveFails} {
			for i := range 3 {
				x.want(x.do(fmt.Sprintf("crash %d", i)), "RECALC_BACKEND_CRASHED")
				u.die() // which is heard of by nobody else
			}
			x.want(x.do("well"), CodeCircuitOpen)
			time.Sleep(30 * time.Second)
			before()
			x.want(x.do("crash again"), "RECALC_BACKEND_CRASHED")
			u.die()
			x.want(x.do("well"), CodeCircuitOpen)
			time.Sleep(30 * time.Second)
			before()
			x.want(x.do("well"), "")
			x.want(x.do("well"), "") // and so it is closed
			time.Sleep(time.Hour)
		}
	})
}

// TestStartFailsBesideOneAtWork: jobs wait for a worker that works where no other one starts.
func TestStartFailsBesideOneAtWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newRig(t, nil)
		var jobs sync.WaitGroup
		jobs.Go(func() { x.want(x.do("20s a"), "") })
		time.Sleep(time.Second)
		x.fail.Store(true)
		for _, w := range x.workers() {
			if w.jobs.Load() == 0 {
				w.Kill()
			}
		}
		for i := range 10 {
			jobs.Go(func() { x.want(x.do(fmt.Sprint("b", i)), "") })
			time.Sleep(time.Second)
		}
		jobs.Wait()
	})
}
