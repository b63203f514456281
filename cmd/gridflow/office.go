package main

import (
	"log/slog"
	"path/filepath"
	"time"

	"gridflow/flow/breaker"
	"gridflow/internal/office"
)

// warmAfter is when workers of LibreOffice are started that are to be warm before anybody
// wants one: once the server has answered the first calls, for it takes a processor.
const warmAfter = time.Second

// officeLimits gives the limits of LibreOffice that the settings ask for.
func (c *config) officeLimits() office.Limits {
	l := office.Defaults()
	l.Workers, l.Warm, l.Jobs, l.Memory, l.Idle = c.officeWorkers, c.officeWarm, c.officeJobs, c.officeMemory, c.officeIdle
	l.JobTimeout = c.officeTimeout
	if c.toolTimeout > 0 { // no call waits for longer, whatever it is told
		l.JobTimeout = min(l.JobTimeout, c.toolTimeout)
	}
	return l
}

// openOffice makes the pool of LibreOffice's workers, with a folder in the state folder, or
// where that is "" a temporary one. Nothing is started, nor looked for.
func (c *config) openOffice(state string, log *slog.Logger) (*office.Pool, error) {
	folder := ""
	if state != "" {
		folder = filepath.Join(state, "office")
	}
	hard := 2 * c.officeMemory
	return office.New(office.Options{
		Limits: c.officeLimits(), Folder: folder, Logger: log, Find: office.Finder(c.office),
		Starter: office.LibreOffice{DataLimit: func() int64 { return hard }},
	})
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
