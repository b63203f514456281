//go:build !lockcheck && !interleave

package lock

import (
	"sync"
	"time"

	"gridflow/internal/tally"
)

// Checked tells whether this build has the tag lockcheck.
const Checked = false

// Mutex is a mutex of the rank R. To take it where it is free costs what a sync.Mutex costs;
// where it is not, how long it was waited for is counted by rank ([Waits]).
type Mutex[R Rank] struct{ mu sync.Mutex }

// Lock takes the mutex.
func (m *Mutex[R]) Lock() {
	if !m.mu.TryLock() {
		await[R](m.mu.Lock)
	}
}

// TryLock takes the mutex if it is free, and says whether it was.
func (m *Mutex[R]) TryLock() bool { return m.mu.TryLock() }

// Unlock gives the mutex back.
func (m *Mutex[R]) Unlock() { m.mu.Unlock() }

// RWMutex is a sync.RWMutex of the rank R, whose waits are counted as those of a [Mutex].
type RWMutex[R Rank] struct{ mu sync.RWMutex }

// Lock takes the mutex for writing.
func (m *RWMutex[R]) Lock() {
	if !m.mu.TryLock() {
		await[R](m.mu.Lock)
	}
}

// TryLock takes the mutex for writing if it is free, and says whether it was.
func (m *RWMutex[R]) TryLock() bool { return m.mu.TryLock() }

// RLock takes the mutex for reading.
func (m *RWMutex[R]) RLock() {
	if !m.mu.TryRLock() {
		await[R](m.mu.RLock)
	}
}

// Unlock gives the mutex back that was taken for writing.
func (m *RWMutex[R]) Unlock() { m.mu.Unlock() }

// RUnlock gives the mutex back that was taken for reading.
func (m *RWMutex[R]) RUnlock() { m.mu.RUnlock() }

// Report tells who holds and who waits for which lock, in a build with the tag lockcheck;
// here it knows nothing.
func Report() string { return "" }

// ranksMax is more than any rank's number.
const ranksMax = 100

// waits are how long locks were waited for, by the number of their rank. They are one for
// the process, as what the runtime counts of mutexes is: the zero mutex has no owner to ask.
var waits [ranksMax]tally.Durations

func await[R Rank](lock func()) {
	var r R
	number, _ := r.place()
	begin := time.Now()
	lock()
	waits[number].Add(time.Since(begin))
}

// Waits tells how long locks were waited for since the start of the process, by rank, for
// those that were not free each time. It may be called from any number of goroutines at once.
func Waits() (all []Wait) {
	for _, r := range append(ranks(), Unranked{}) {
		number, name := r.place()
		if h := waits[number].Read(); h.Count > 0 {
			all = append(all, Wait{name, h})
		}
	}
	return all
}
