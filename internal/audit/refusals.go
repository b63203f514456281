package audit

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

const (
	// refusalsEvery is how long refusals of one kind are gathered before they are written.
	refusalsEvery = time.Minute
	// refusedMax bounds the kinds that are told apart in this time; of the others only the reasons are.
	refusedMax = 64
	// Others stands for the clients that were too many to be told apart.
	Others = "others"
)

// A Refused is a line of the record for requests that were refused before anything of them was
// read: so many of one client, for one reason, within a minute.
type Refused struct {
	Time    time.Time `json:"time"`  // of the last
	Since   time.Time `json:"since"` // of the first
	Client  string    `json:"client"`
	Refused string    `json:"refused"` // why, as the metrics tell it
	Count   int       `json:"count"`
}

// Refusals gathers what is refused into lines of a record. Strangers bring it about, so the lines
// have a bound, refusedMax and one for each reason in a minute, whoever asks and however often. Its
// methods may be called from any number of goroutines at once; those of a nil one do nothing.
type Refusals struct {
	log *Log
	gap func(error) // told of lines that could not be written

	mu      sync.Mutex
	waiting map[refusedKey]*Refused
	timer   *time.Timer // nil while nothing waits
}

type refusedKey struct{ client, reason string }

// NewRefusals gathers for a record; gap is told where a line cannot be written.
func NewRefusals(l *Log, gap func(error)) *Refusals {
	return &Refusals{log: l, gap: gap, waiting: make(map[refusedKey]*Refused)}
}

// Add counts a request that was refused. reason is one of a few constants.
func (r *Refusals) Add(client, reason string) {
	if r == nil {
		return
	}
	now := time.Now().UTC()
	r.mu.Lock()
	defer r.mu.Unlock()
	key := refusedKey{client, reason}
	if r.waiting[key] == nil && len(r.waiting) >= refusedMax {
		key.client = Others
	}
	e := r.waiting[key]
	if e == nil {
		e = &Refused{Since: now, Client: key.client, Refused: reason}
		r.waiting[key] = e
	}
	e.Count++
	e.Time = now
	if r.timer == nil {
		r.timer = time.AfterFunc(refusalsEvery, r.Flush)
	}
}

// Flush writes what has been gathered. Whoever closes the record does it before.
func (r *Refusals) Flush() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
	lines := make([]*Refused, 0, len(r.waiting))
	for _, e := range r.waiting {
		lines = append(lines, e)
	}
	clear(r.waiting)
	slices.SortFunc(lines, func(a, b *Refused) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Client, b.Client), cmp.Compare(a.Refused, b.Refused))
	})
	for _, e := range lines {
		if err := r.log.write(e); err != nil {
			r.gap(err)
		}
	}
}
