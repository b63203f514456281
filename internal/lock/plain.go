//go:build interleave && !lockcheck

package lock

import (
	"sync"

	"gridflow/internal/interleave/csync"
)

// Where orders are explored a ranked mutex is the one that the search steers, and nothing
// else: each further step would be one more place to change threads.

// Checked tells whether this build has the tag lockcheck.
const Checked = false

// Mutex is a mutex of the rank R; here the rank is forgotten.
type Mutex[R Rank] = csync.Mutex

// RWMutex is a sync.RWMutex of the rank R; here the rank is forgotten.
type RWMutex[R Rank] = sync.RWMutex

// Report tells who holds and who waits for which lock, in a build with the tag lockcheck;
// here it knows nothing.
func Report() string { return "" }

// Waits tells how long locks were waited for; here nobody counts.
func Waits() []Wait { return nil }
