package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A run is what one process took for one reading.
type run struct {
	user, sys, wall time.Duration
	peakBytes       int64
	found           map[string]string // what it printed
}

// measure runs a command once. repeat is how many readings it does; the times
// are divided by it.
//
// The peak is the child's maximum resident set. Linux counts the parent's pages
// into it for the moment between fork and exec, so nothing below this program's
// own size (about 15 MB) can be seen.
func measure(line []string, repeat int) (run, error) {
	cmd := exec.Command(line[0], line[1:]...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return run{}, fmt.Errorf("%w: %.300s", err, errs.String())
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return run{}, fmt.Errorf("this system does not say what a process used")
	}
	n := time.Duration(repeat)
	r := run{
		user: cmd.ProcessState.UserTime() / n, sys: cmd.ProcessState.SystemTime() / n, wall: wall / n,
		peakBytes: int64(usage.Maxrss) * rssUnit, found: map[string]string{},
	}
	for _, pair := range strings.Fields(out.String()) {
		if k, v, ok := strings.Cut(pair, "="); ok {
			r.found[k] = v
		}
	}
	return r, nil
}

// rssUnit is the unit of Maxrss on Linux, in bytes.
const rssUnit = 1024

// A result is all runs of one peer on one workbook.
type result struct {
	peer peer
	runs []run
	err  error
}

func (r *result) median(of func(run) float64) float64 {
	values := make([]float64, len(r.runs))
	for i, run := range r.runs {
		values[i] = of(run)
	}
	slices.Sort(values)
	n := len(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}

func user(r run) float64 { return r.user.Seconds() * 1000 }
func wall(r run) float64 { return r.wall.Seconds() * 1000 }
func sys(r run) float64  { return r.sys.Seconds() * 1000 }
func peak(r run) float64 { return float64(r.peakBytes) / 1e6 }

// turns measures all peers on one workbook, one after the other, runs times
// over. A peer that has used up its budget gets no further run.
func turns(results []*result, commands map[string][]string, book string, repeat, runs int, budget time.Duration) {
	spent := map[*result]time.Duration{}
	for range runs {
		for _, r := range results {
			if r.err != nil || spent[r] > budget {
				continue
			}
			start := time.Now()
			one, err := measure(line(commands[r.peer.name], book, repeat), repeat)
			spent[r] += time.Since(start)
			if err != nil {
				r.err = err
				continue
			}
			r.runs = append(r.runs, one)
		}
	}
}
