//go:build !lockcheck && !interleave

package lock

import "sync"

// Without the tags a ranked mutex is the standard one, or this would not compile: a rank
// costs nothing.
var (
	_ *sync.Mutex   = (*Mutex[FlowGate])(nil)
	_ *sync.RWMutex = (*RWMutex[WorkspaceCatalogue])(nil)
)
