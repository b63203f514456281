package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"gridflow/internal/lock"
	"gridflow/internal/office/lok"
	"gridflow/internal/office/wire"
)

// Options say how a worker is started.
type Options struct {
	// Self is the program that has [Intercept] in it; "" is this one.
	Self string
	// Program is where LibreOffice is, as [lok.Find] takes it: "" is where it usually is.
	Program string
	// Dir is the worker's own folder. It is made, for nobody else to look into, if it is not
	// there. profile/ in it may be used again by the next worker, which starts sooner for it;
	// tmp/ is removed when the worker is gone. No two workers have one folder at a time.
	Dir string
	// Jobs is the folder in which each job has a folder of its own; "" is Dir itself.
	Jobs string
	// DataLimit is how many bytes of memory the worker may have; 0 is without a limit. It needs
	// some 300 MB to start.
	DataLimit int64
	// FileLimit is how many bytes a file may have that it writes; 0 is [DefaultFileLimit].
	FileLimit int64
	// Network says whether it may connect to anything.
	Network Network
	// Open leaves it the files that its parent has, for tests of what LibreOffice would do.
	Open bool
}

// DefaultFileLimit bounds what a worker writes where nothing else is said.
const DefaultFileLimit = 1 << 30

// Network is what a worker has of the network.
type Network int

const (
	// Isolated is nothing: an empty network namespace, where the system lets us make one.
	// Elsewhere Landlock and LibreOffice's settings say no.
	Isolated Network = iota
	// Inherit is what its parent has.
	Inherit
)

// Isolation is what came of the wish to keep a worker to itself.
type Isolation struct {
	// Network is "namespace", "user namespace", "inherited", as was wished, or "none: " and why.
	Network string
	// Files is by what it is kept from other files, such as "landlock 7", or "none".
	Files string
}

// A StartError says that a worker did not come to be ready.
type StartError struct {
	// Failure is what the worker itself said, if it did.
	Failure *wire.Failure
	// Exit is how it ended, if it began at all.
	Exit *Exit
	// Cause is what kept it from beginning, or the end of the caller's patience; else nil.
	Cause error
}

func (e *StartError) Error() string {
	text := "the office worker did not start"
	if e.Failure != nil {
		text += ": " + e.Failure.Message
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	} else if e.Failure == nil && e.Exit != nil {
		text += ": " + e.Exit.Error()
	}
	return text
}

func (e *StartError) Unwrap() error { return e.Cause }

// Errors of [Process.Do] besides that of its context and an [*Exit].
var (
	// ErrBusy says that another job is running in the worker.
	ErrBusy = errors.New("the office worker is at another job")
	// ErrUnsupported says that workers run on Linux only. Of [Start], in a [StartError].
	ErrUnsupported = errors.New("office workers run on Linux only")
)

// A Process is a worker as its parent sees it. All methods but Do may be called by anybody at
// any time; Do by one at a time.
type Process struct {
	dir       string
	hello     wire.Hello
	isolation Isolation

	self     string
	args     []string
	limit    int64 // DataLimit
	cmd      *exec.Cmd
	requests *os.File
	answers  chan wire.Response // has room for the one answer that is awaited
	printed  tail

	busy  atomic.Bool
	lastN uint64 // number of the latest job; of Do

	mu      lock.Mutex[lock.OfficeWorker]
	awaited uint64 // number of the job whose answer is awaited; 0 is none
	warm    int64  // bytes that the worker had when it was ready
	ended   *Exit  // why we ended it, if it was we
	reaped  bool   // its number may be another process's now

	gone chan struct{} // closed when exit is there
	exit *Exit
}

// Start starts a worker and waits until it has warmed up: a second or two, in which it takes a
// processor. When ctx ends before, nothing is left of it when Start returns. The error is a
// [*StartError] or, where LibreOffice is not installed, a [*lok.NotFoundError].
func Start(ctx context.Context, o Options) (*Process, error) {
	program := o.Program
	if !strings.HasPrefix(program, wire.FakePrefix) {
		found, err := lok.Find(program)
		if err != nil {
			return nil, err
		}
		program = found.Dir
	}
	p, err := prepare(o, program)
	if err != nil {
		return nil, &StartError{Cause: err}
	}
	hello := make(chan wire.Hello, 1)
	if err := p.start(o.Network, hello); err != nil {
		os.RemoveAll(filepath.Join(p.dir, scratchName))
		return nil, &StartError{Cause: err}
	}
	select {
	case p.hello = <-hello:
		if p.hello.Failure == nil {
			p.isolation.Files = "none"
			if p.hello.Confined != "" {
				p.isolation.Files = p.hello.Confined
			}
			return p, nil
		}
		p.Kill()
		<-p.gone
		return nil, &StartError{Failure: p.hello.Failure, Exit: p.exit}
	case <-p.gone:
		return nil, &StartError{Exit: p.exit}
	case <-ctx.Done():
		p.Kill()
		<-p.gone
		return nil, &StartError{Exit: p.exit, Cause: context.Cause(ctx)}
	}
}

// prepare makes the folders of a worker and the command that is to be started.
func prepare(o Options, program string) (*Process, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if o.Dir == "" {
		return nil, errors.New("a worker needs a folder")
	}
	scratch := filepath.Join(dir, scratchName)
	if err := os.RemoveAll(scratch); err != nil {
		return nil, err
	}
	for _, d := range []string{dir, filepath.Join(dir, profileName), scratch} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	jobs := dir
	if o.Jobs != "" {
		if jobs, err = filepath.Abs(o.Jobs); err != nil {
			return nil, err
		}
	}
	self := o.Self
	if self == "" {
		if self, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	start := wire.Start{Program: program, Dir: dir, Jobs: jobs, DataLimit: o.DataLimit, FileLimit: o.FileLimit, Open: o.Open, Network: o.Network == Inherit}
	if start.FileLimit == 0 {
		start.FileLimit = DefaultFileLimit
	}
	return &Process{dir: dir, self: self, args: start.Args(), limit: o.DataLimit, answers: make(chan wire.Response, 1), gone: make(chan struct{})}, nil
}

// command is the worker's, to be started once.
func (p *Process) command(pipes ...*os.File) *exec.Cmd {
	scratch := filepath.Join(p.dir, scratchName)
	cmd := exec.Command(p.self, p.args...)
	cmd.Dir = scratch
	cmd.Env = environment(p.dir, scratch)
	cmd.Stdout, cmd.Stderr = &p.printed, &p.printed
	cmd.ExtraFiles = pipes
	// What still holds the pipe of its output, when all of the group is gone, is not waited for.
	cmd.WaitDelay = time.Second
	return cmd
}

// environment is all that a worker has of it: nothing is inherited but the time zone, which
// NOW() is told in.
func environment(dir, scratch string) []string {
	env := []string{
		"HOME=" + dir, "TMPDIR=" + scratch, "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "LC_ALL=C.UTF-8",
		"SAL_USE_VCLPLUGIN=svp", "SAL_DISABLE_PRINTERLIST=1", "SAL_DISABLE_CUPS=1",
		// Go's runtime is not to interrupt threads by signals, which LibreOffice's handlers would
		// get; a worker needs no more than LibreOffice's thread and the reader's.
		"GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=2", "GOTRACEBACK=single",
	}
	if tz, ok := os.LookupEnv("TZ"); ok {
		env = append(env, "TZ="+tz)
	}
	return env
}

// Do sends a job to the worker and waits for the answer; the number of the job is Do's own. A
// failure in the answer is no error: the worker goes on, but for [wire.Broken], after which it is
// killed. When ctx ends before the answer is there, the worker is killed, and Do returns the cause
// when nothing is left of it. The other errors are an [*Exit], when the worker ended, and
// [ErrBusy].
func (p *Process) Do(ctx context.Context, r wire.Request) (wire.Response, error) {
	if !p.busy.CompareAndSwap(false, true) {
		return wire.Response{}, ErrBusy
	}
	defer p.busy.Store(false)
	if ctx.Err() != nil {
		return wire.Response{}, context.Cause(ctx)
	}
	p.lastN++
	r.ID = p.lastN
	p.mu.Lock()
	p.awaited = r.ID
	p.mu.Unlock()

	stop := context.AfterFunc(ctx, p.Kill)
	p.send(r)
	select {
	case response := <-p.answers:
		if !stop() {
			break // killed between the answer and now
		}
		return p.settle(r, response)
	case <-p.gone:
		if !stop() {
			break
		}
		select {
		case response := <-p.answers: // its last words
			return p.settle(r, response)
		default:
			return wire.Response{}, p.exit
		}
	}
	<-p.gone
	return wire.Response{}, fmt.Errorf("%w; the office worker was killed for it", context.Cause(ctx))
}

// settle looks at what became of a job that was answered.
func (p *Process) settle(r wire.Request, response wire.Response) (wire.Response, error) {
	if response.Failure != nil {
		if response.Failure.Code == wire.Broken {
			p.Kill()
		}
		return response, nil
	}
	if r.Op == wire.Ping {
		return response, nil
	}
	if info, err := os.Lstat(r.Out); err != nil || !info.Mode().IsRegular() {
		p.end(&Exit{Cause: NoOutput, Detail: "it says that it has done the job, but has written no file"})
		<-p.gone
		return wire.Response{}, p.exit
	}
	return response, nil
}

// Kill ends the worker and all that it has started, now. It does not wait: see [Process.Gone].
func (p *Process) Kill() { p.end(&Exit{Cause: Killed}) }

// Gone is closed when nothing is left of the worker.
func (p *Process) Gone() <-chan struct{} { return p.gone }

// Exit says why the worker ended; nil until Gone is closed.
func (p *Process) Exit() *Exit {
	select {
	case <-p.gone:
		return p.exit
	default:
		return nil
	}
}

// Version is that of LibreOffice, such as "7.4.7.2".
func (p *Process) Version() string { return p.hello.Version }

// Started is what starting and warming up took.
func (p *Process) Started() wire.Usage { return p.hello.Usage }

// Isolation says how the worker is kept to itself.
func (p *Process) Isolation() Isolation { return p.isolation }

// PID is the number of the worker's process and of its group, while it is not gone.
func (p *Process) PID() int { return p.cmd.Process.Pid }
