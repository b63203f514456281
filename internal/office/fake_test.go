package office

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gridflow/internal/office/wire"
)

// fakes are workers without a process. What one does with a job is said by the job's
// document: see act.
type fakes struct {
	boot time.Duration // what a start takes
	fail atomic.Bool   // starts fail …
	said error         // … with this
	ends time.Duration // what it takes until one that hangs is gone

	own     sync.Mutex
	places  []Place
	live    int
	liveMax int
	working int
	workMax int
	all     []*fakeWorker
	began   []string // documents, in the order in which workers began with them
}

func (f *fakes) Start(ctx context.Context, at Place) (Worker, error) {
	f.own.Lock()
	f.places = append(f.places, at)
	f.live++
	f.liveMax = max(f.liveMax, f.live)
	f.own.Unlock()
	over := func() {
		f.own.Lock()
		defer f.own.Unlock()
		f.live--
	}
	if f.boot > 0 {
		select {
		case <-time.After(f.boot):
		case <-ctx.Done():
			over()
			return nil, ctx.Err()
		}
	}
	if f.fail.Load() {
		over()
		return nil, f.said
	}
	w := &fakeWorker{f: f, at: at, gone: make(chan struct{})}
	w.end = sync.OnceFunc(func() { over(); close(w.gone) })
	f.own.Lock()
	defer f.own.Unlock()
	f.all = append(f.all, w)
	return w, nil
}

func (f *fakes) begun() int {
	f.own.Lock()
	defer f.own.Unlock()
	return len(f.places)
}

type fakeWorker struct {
	f    *fakes
	at   Place
	gone chan struct{}
	end  func()
	exit Exit
	jobs atomic.Int64
}

func (w *fakeWorker) Kill()                 { w.end() }
func (w *fakeWorker) Gone() <-chan struct{} { return w.gone }
func (w *fakeWorker) Exit() Exit            { return w.exit }

func (w *fakeWorker) die(what string) (wire.Response, error) {
	w.exit.What = what
	w.end()
	return wire.Response{}, errors.New("the worker is gone")
}

func (w *fakeWorker) Do(ctx context.Context, r wire.Request) (wire.Response, error) {
	select {
	case <-w.gone:
		return w.die("it was gone")
	default:
	}
	if rel, err := filepath.Rel(w.at.Jobs, r.In); err != nil || !filepath.IsLocal(rel) {
		return w.die("the document is elsewhere: " + r.In)
	}
	doc, err := os.ReadFile(r.In)
	if err != nil {
		return w.die(err.Error())
	}
	f := w.f
	f.own.Lock()
	f.working++
	f.workMax = max(f.workMax, f.working)
	f.began = append(f.began, string(doc))
	f.own.Unlock()
	defer func() {
		f.own.Lock()
		defer f.own.Unlock()
		f.working--
	}()
	w.jobs.Add(1)
	return w.act(ctx, r, strings.Fields(string(doc)))
}

// act does what the document says, word by word: a duration is worked, then
//
//	crash, oom       the worker dies
//	hang             it gives no answer
//	no CODE          it gives a failure
//	lie              it says that it is done, and has written nothing
//	rss BYTES        it has so much memory
//	starve           it has more than it may, of which it will be said to have died
//	last             it ends once it has answered
//	…                anything else is written into the output
func (w *fakeWorker) act(ctx context.Context, r wire.Request, words []string) (resp wire.Response, _ error) {
	resp.ID = r.ID
	out := ""
	for i := 0; i < len(words); i++ {
		word := words[i]
		if d, err := time.ParseDuration(word); err == nil {
			select {
			case <-time.After(d):
				continue
			case <-w.gone:
				return w.die("signal: killed")
			case <-ctx.Done():
				return w.die("signal: killed")
			}
		}
		switch word {
		case "crash":
			return w.die("signal: segmentation fault")
		case "oom":
			w.exit.OutOfMemory = true
			return w.die("signal: killed")
		case "hang":
			select {
			case <-ctx.Done():
				time.Sleep(w.f.ends)
			case <-w.gone:
			}
			return w.die("signal: killed")
		case "no":
			i++
			resp.Failure = &wire.Failure{Code: wire.Code(words[i]), Message: "it does not like it"}
			return resp, nil
		case "lie":
			return resp, nil
		case "rss":
			i++
			fmt.Sscan(words[i], &resp.Usage.RSS)
		case "starve":
			w.exit.OutOfMemory = true
		case "last":
			defer w.end()
		default:
			out += word
		}
	}
	if r.Out != "" {
		if err := os.WriteFile(r.Out, []byte(string(r.Op)+" "+out), 0o600); err != nil {
			return w.die(err.Error())
		}
	}
	return resp, nil
}

// A rig is a pool with fakes.
type rig struct {
	*testing.T
	*Pool
	*fakes
	folder string
	here   atomic.Bool // LibreOffice is installed
	stamp  atomic.Int64
}

// newRig gives a pool of two slots; change may change its options.
func newRig(t *testing.T, change func(*Options, *fakes)) *rig {
	t.Helper()
	x := &rig{T: t, fakes: &fakes{said: errors.New("it does not start")}, folder: t.TempDir()}
	x.here.Store(true)
	o := Options{Limits: Defaults(), Folder: x.folder, Starter: x.fakes, Find: func() (Installed, error) {
		if !x.here.Load() {
			return Installed{}, errors.New("not there")
		}
		return Installed{Program: "/lo", Stamp: fmt.Sprint(x.stamp.Load())}, nil
	}}
	if change != nil {
		change(&o, x.fakes)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	x.Pool = p
	t.Cleanup(func() {
		p.Close(context.Background())
		x.nothingLeft()
	})
	return x
}

// nothingLeft fails where a closed pool has left a worker or a job's folder.
func (x *rig) nothingLeft() {
	x.Helper()
	x.own.Lock()
	defer x.own.Unlock()
	if x.fakes.live != 0 || x.working != 0 {
		x.Errorf("%d workers are left, %d jobs", x.fakes.live, x.working)
	}
	x.nothingInJobs()
}

// job is a job whose document says what the worker is to do; got becomes what it gave.
func job(op wire.Op, doc string, got *string) Job {
	return Job{
		Op: op,
		Prepare: func(dir string) (wire.Request, error) {
			r := wire.Request{Op: op, In: filepath.Join(dir, "in"), Out: filepath.Join(dir, "out")}
			return r, os.WriteFile(r.In, []byte(doc), 0o600)
		},
		Collect: func(dir string, _ wire.Response) error {
			b, err := os.ReadFile(filepath.Join(dir, "out"))
			if got != nil {
				*got = string(b)
			}
			return err
		},
	}
}

// do recalculates a document, with itself as the key.
func (x *rig) do(doc string) error {
	return x.Run(x.Context(), doc, job(wire.Recalculate, doc, nil))
}

// code gives the code of an error, "" of none.
func code(err error) string {
	var e *Error
	var f *FailedError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	case errors.As(err, &f):
		return string(f.Code)
	}
	return err.Error()
}

// plans is how often the pool has looked whether workers should start or end.
func (x *rig) plans() uint64 {
	x.Pool.mu.Lock()
	defer x.Pool.mu.Unlock()
	return x.count.plans
}

// want fails unless an error has the code.
func (x *rig) want(err error, want string) {
	x.Helper()
	if code(err) != want {
		x.Errorf("%v, want %q", err, want)
	}
}

// These give copies of what the fakes have noted.
func (x *rig) documents() []string {
	x.own.Lock()
	defer x.own.Unlock()
	return append([]string(nil), x.began...)
}

func (x *rig) workers() []*fakeWorker {
	x.own.Lock()
	defer x.own.Unlock()
	return append([]*fakeWorker(nil), x.all...)
}

func (x *rig) atWork() (now, most, workersMost int) {
	x.own.Lock()
	defer x.own.Unlock()
	return x.working, x.workMax, x.liveMax
}

// Run is the pool's, not the test's.
func (x *rig) Run(ctx context.Context, key string, j Job) error { return x.Pool.Run(ctx, key, j) }
