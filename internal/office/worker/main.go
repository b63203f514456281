package worker

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"gridflow/internal/office/lok"
	"gridflow/internal/office/wire"
)

// Exit codes of a worker that ends by itself.
const (
	exitParent  = 0 // the parent closed the request pipe, or is no more
	exitUsage   = 2 // nobody but Start is to start a worker
	exitStart   = 3 // it said why in its Hello
	exitAnswers = 4 // the parent does not read
)

// Intercept turns this process into a worker and never returns, if it was started as one. It is
// to be called from an init function of the main package: there the goroutine is on the
// process's first thread, where LibreOffice likes to be, and nothing else has begun yet.
func Intercept() {
	start, ok, err := wire.ParseStart(os.Args[1:])
	if !ok {
		return
	}
	runtime.LockOSThread()
	if err == nil {
		err = checkPipes()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitUsage)
	}
	os.Exit(serve(start))
}

// serve is a worker's life.
func serve(start wire.Start) int {
	began := readMeter()
	requests := os.NewFile(wire.RequestFD, "requests")
	answers := json.NewEncoder(os.NewFile(wire.ResponseFD, "responses"))

	var hello wire.Hello
	if start.Confined != unconfined {
		hello.Confined = start.Confined
	}
	w, failure := open(start, &hello)
	hello.Failure, hello.Usage = failure, began.usage()
	if answers.Encode(hello) != nil {
		return exitAnswers
	}
	if failure != nil {
		return exitStart
	}

	// The reader ends the process when the parent is gone, whatever the thread of LibreOffice
	// is doing.
	jobs := make(chan wire.Request)
	go func() {
		in := bufio.NewReader(requests)
		for {
			line, err := wire.ReadLine(in)
			if err != nil {
				os.Exit(exitParent)
			}
			var r wire.Request
			if err := json.Unmarshal(line, &r); err != nil {
				r = wire.Request{} // answered as a bad request
			}
			jobs <- r
		}
	}()
	for r := range jobs {
		began := readMeter()
		response := w.do(r)
		response.ID, response.Usage = r.ID, began.usage()
		if answers.Encode(response) != nil {
			return exitAnswers
		}
	}
	return exitParent
}

// open makes the process ready for jobs.
func open(start wire.Start, hello *wire.Hello) (*office, *wire.Failure) {
	program, err := lok.Find(start.Program)
	if err != nil {
		return nil, failed(wire.NotInstalled, err)
	}
	start.Program = program.Dir
	offer()
	// Returns in the process that has begun anew.
	if err := confine(start); err != nil {
		return nil, failed(wire.Broken, err)
	}
	if err := limit(start); err != nil {
		return nil, failed(wire.Broken, err)
	}
	profile := filepath.Join(start.Dir, profileName)
	if err := writeProfile(profile); err != nil {
		return nil, failed(wire.Broken, err)
	}
	jobs, err := filepath.EvalSymlinks(start.Jobs)
	if err != nil {
		return nil, failed(wire.Broken, err)
	}
	dir, err := filepath.EvalSymlinks(start.Dir)
	if err != nil {
		return nil, failed(wire.Broken, err)
	}
	lo, err := lok.Open(program, profile)
	if err != nil {
		return nil, failed(wire.NotInstalled, err)
	}
	w := &office{lo: lo, jobs: jobs, dir: dir}
	if hello.Version, err = lo.Version(); err != nil {
		return nil, failed(wire.NotInstalled, err)
	}
	if err := w.warmUp(filepath.Join(start.Dir, scratchName)); err != nil {
		return nil, failed(wire.Broken, fmt.Errorf("warming up: %w", err))
	}
	return w, nil
}

func failed(code wire.Code, err error) *wire.Failure {
	return &wire.Failure{Code: code, Message: err.Error()}
}

// A meter is what the process had taken at a moment.
type meter struct {
	at  time.Time
	cpu time.Duration
}

func readMeter() meter { return meter{time.Now(), processCPU()} }

// usage is what it has taken since.
func (m meter) usage() wire.Usage {
	return wire.Usage{Wall: time.Since(m.at).Microseconds(), CPU: (processCPU() - m.cpu).Microseconds(), RSS: processRSS()}
}
