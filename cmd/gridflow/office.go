package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime/debug"
	"time"

	"gridflow/flow/breaker"
	"gridflow/internal/office"
	"gridflow/internal/office/job"
	"gridflow/internal/office/shelf"
	"gridflow/internal/server"
)

// warmAfter is when workers of LibreOffice are started that are to be warm before anybody
// wants one: once the server has answered the first calls, for it takes a processor.
const warmAfter = time.Second

// officeLimits gives the limits of LibreOffice that the settings ask for.
func (c *config) officeLimits() office.Limits {
	l := office.Defaults()
	l.Workers, l.Warm, l.Jobs, l.Memory, l.Idle = c.officeWorkers, c.officeWarm, c.officeJobs, c.officeMemory, c.officeIdle
	l.ProcessesMax, l.JobTimeout = c.officeMost, c.officeTimeout
	l.StartTimeout = max(l.StartTimeout, l.JobTimeout) // where jobs may take long so may a start
	if c.toolTimeout > 0 {                             // no call waits for longer, whatever it is told
		l.JobTimeout = min(l.JobTimeout, c.toolTimeout)
	}
	return l
}

// openOffice makes the pool of LibreOffice's workers, with a folder in the state folder, or
// where that is "" a temporary one. Nothing is started. A folder that --office names may come
// later; whoever has misspelt it would hear of that from callers alone.
func (c *config) openOffice(state string, log *slog.Logger) (*office.Pool, error) {
	folder := ""
	if state != "" {
		folder = filepath.Join(state, "office")
	}
	find := office.Finder(c.office)
	if c.office != "auto" && c.office != "off" {
		if _, err := find(); err != nil {
			log.Warn("LibreOffice is not where --office says; it is looked for again when a call wants it", "error", err.Error())
		}
	}
	var pool *office.Pool
	pool, err := office.New(office.Options{
		Limits: c.officeLimits(), Folder: folder, Logger: log, Find: find,
		Starter: office.LibreOffice{DataLimit: func() int64 { // of limits that may change
			return workerMost(pool.Limits(), server.GroupMemory(), debug.SetMemoryLimit(-1))
		}},
	})
	return pool, err
}

// suite is LibreOffice with what it makes: pictures, and workbooks that were converted.
type suite struct {
	pool        *office.Pool
	office      *job.Office
	conversions *job.Conversions
	pictures    *shelf.Shelf // nil where there is no state folder
	converted   *shelf.Shelf // the same
}

// The bounds of what is kept in the state folder of what LibreOffice has made. It can be made
// again.
const (
	picturesMax, pictureBytesMax    = 500, 256 << 20
	convertedMax, convertedBytesMax = 500, 1 << 30
)

// openSuite makes the pool, and opens the folders of what it makes in the state folder, "": there
// is none.
func (c *config) openSuite(state string, log *slog.Logger) (s *suite, err error) {
	s = new(suite)
	if s.pool, err = c.openOffice(state, log); err != nil {
		return nil, err
	}
	if state != "" {
		s.pictures, err = shelf.Open(filepath.Join(state, "pictures"), picturesMax, pictureBytesMax)
		if err == nil {
			s.converted, err = shelf.Open(filepath.Join(state, "converted"), convertedMax, convertedBytesMax)
		}
		if err != nil {
			s.close(context.Background())
			return nil, fmt.Errorf("state folder: %w", err)
		}
	}
	s.office = &job.Office{Runner: s.pool}
	s.conversions = &job.Conversions{Office: s.office, Shelf: s.converted}
	return s, nil
}

func (s *suite) close(ctx context.Context) {
	s.pool.Close(context.WithoutCancel(ctx))
	for _, shelf := range []*shelf.Shelf{s.pictures, s.converted} {
		if shelf != nil {
			shelf.Close()
		}
	}
}

// allBreakers gives the breakers before disks and before LibreOffice; nil: there are none.
func (o *opened) allBreakers() func() []breaker.Stats {
	if o.office == nil {
		return o.breakers
	}
	return func() []breaker.Stats {
		var all []breaker.Stats
		if o.breakers != nil {
			all = o.breakers()
		}
		return append(all, o.office.Breakers()...)
	}
}

// officeStats gives what tells of LibreOffice; nil: there is none.
func (o *opened) officeStats() func() office.Stats {
	if o.office == nil {
		return nil
	}
	return o.office.Stats
}
