package office

import (
	"time"

	"gridflow/internal/lock"
)

// lookAgain is how long what was found is taken to be still so.
const lookAgain = 3 * time.Second

// presence knows whether there is a LibreOffice, and looks again when somebody wants to
// know who comes later than lookAgain. It may be used by any number of goroutines at once;
// those who come while one looks wait for it, which is for a few looks at a disk.
type presence struct {
	find func() (Installed, error)

	mu     lock.Mutex[lock.OfficePresence]
	looked bool
	at     time.Time
	is     Installed
	err    error
	looks  int // how often the disk was looked at
}

// now gives the LibreOffice that there is, or why there is none.
func (p *presence) now() (Installed, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.looked || time.Since(p.at) >= lookAgain {
		p.is, p.err = p.find()
		p.looked, p.at = true, time.Now()
		p.looks++
	}
	return p.is, p.err
}
