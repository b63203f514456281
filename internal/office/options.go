package office

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gridflow/internal/office/wire"
)

// A Worker is a process that does jobs, one at a time. Its methods may be called from any
// number of goroutines at once, but for Do.
type Worker interface {
	// Do does one job. When ctx ends first it kills the worker, and in that case, as in every
	// other in which it gives an error, returns only when the worker and all that it started
	// are gone.
	Do(ctx context.Context, r wire.Request) (wire.Response, error)
	// Kill ends the worker and all that it started, without waiting for that.
	Kill()
	// Gone is closed when the worker and all that it started are gone.
	Gone() <-chan struct{}
	// Exit says how the worker ended. It is asked when it is gone.
	Exit() Exit
}

// Exit is how a worker ended.
type Exit struct {
	What        string // for people: "signal: segmentation fault", "exit status 3"
	OutOfMemory bool   // it took more memory than it may
	Protocol    bool   // it said what makes no sense, and was ended for that
	NoOutput    bool   // it said that it was done and had written nothing, and was ended for that
	Said        string // the last that it wrote to standard error
}

// A Starter starts workers.
type Starter interface {
	// Start gives a worker that is warm. When ctx ends first, nothing of it is left. A worker that
	// is a process has the environment variable HOME=Place.Dir, as has whatever it starts: by that
	// it is found when its server has been killed.
	Start(ctx context.Context, at Place) (Worker, error)
}

// A Place is where a worker works. Nobody else uses its folders at the same time.
type Place struct {
	Program string // the folder of LibreOffice's programs
	Dir     string // the worker's own folder: profile/ in it stays, tmp/ is scratch
	Jobs    string // the folder in which the folder of its job appears, and goes when the job has ended
}

// Installed is a LibreOffice on this machine.
type Installed struct {
	Program string // the folder with its libraries
	Stamp   string // another one where it has been replaced since
}

// Limits bound what the pool does; they may change while it works.
type Limits struct {
	Workers      int // jobs at once; 0: none, LibreOffice is switched off
	ProcessesMax int // workers at most, spares included, but no fewer than Workers; 0: a third more than Workers
	Warm         int // workers that are kept warm though nobody has used one lately, and before the first use
	Queue        int // jobs that may wait for a worker

	JobTimeout   time.Duration // a job that takes longer is ended, with its worker
	StartTimeout time.Duration // a worker that is not warm by then is ended

	Jobs   int           // a worker is replaced after so many jobs, …
	Memory int64         // … when it has so many bytes of memory, …
	Age    time.Duration // … and when it is that old. 0 is without bound
	Idle   time.Duration // a worker that has had nothing to do for so long, and is not kept warm, ends
}

// The limits of [Defaults] that are settings of the program.
const (
	DefaultWorkers    = 2
	DefaultJobs       = 150
	DefaultMemory     = 600 << 20
	DefaultJobTimeout = 20 * time.Second
	DefaultIdle       = 5 * time.Minute
)

// Defaults are limits that suit most. LibreOffice grows to some 150 to 250 MB on ordinary
// workbooks and then no more; it is replaced all the same, for the documents that are not.
func Defaults() Limits {
	return Limits{
		Workers: DefaultWorkers, Queue: 64, JobTimeout: DefaultJobTimeout, StartTimeout: 20 * time.Second,
		Jobs: DefaultJobs, Memory: DefaultMemory, Age: time.Hour, Idle: DefaultIdle,
	}
}

func (l *Limits) check() error {
	if l.Workers < 0 || l.ProcessesMax < 0 || l.Warm < 0 || l.Queue < 1 || l.JobTimeout <= 0 || l.StartTimeout <= 0 || l.Jobs < 0 || l.Memory < 0 || l.Age < 0 || l.Idle <= 0 {
		return fmt.Errorf("office: %+v: a queue of at least 1 and times of more than 0 are needed, and nothing may be negative", *l)
	}
	return nil
}

// Options are what a [Pool] is made from.
type Options struct {
	Limits
	// Folder holds the folders of workers and jobs, and is kept; "": a temporary one. It is made
	// when it is needed. One pool has it at a time; what a killed server has left in it is
	// removed, processes too.
	Folder string
	// Starter starts workers.
	Starter Starter
	// Find looks for a LibreOffice; it starts nothing, and is called every few seconds at most.
	// The error says why there is none, and what to do.
	Find func() (Installed, error)
	// Logger may be nil.
	Logger *slog.Logger
}
