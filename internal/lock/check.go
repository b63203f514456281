//go:build lockcheck

package lock

import (
	"sync"

	"gridflow/internal/interleave/csync"
)

// Checked tells whether this build has the tag lockcheck.
const Checked = true

// Mutex is a mutex of the rank R.
type Mutex[R Rank] struct {
	mu   csync.Mutex
	node node
}

// Lock takes the mutex. It crashes where the order is violated or all would wait for ever.
func (m *Mutex[R]) Lock() {
	g := enter(&m.node, place[R](), true)
	if !m.mu.TryLock() {
		g.wait()
		m.mu.Lock()
	}
	g.hold()
}

// TryLock takes the mutex if it is free. It waits for nothing, so any order will do.
func (m *Mutex[R]) TryLock() bool {
	if !m.mu.TryLock() {
		return false
	}
	enter(&m.node, place[R](), false).hold()
	return true
}

// Unlock gives the mutex back.
func (m *Mutex[R]) Unlock() {
	leave(&m.node)
	m.mu.Unlock()
}

// RWMutex is a sync.RWMutex of the rank R. To read one twice at once is out of order, too:
// it would wait for a writer who waits for the first.
type RWMutex[R Rank] struct {
	mu   sync.RWMutex
	node node
}

// Lock takes the mutex for writing.
func (m *RWMutex[R]) Lock() {
	g := enter(&m.node, place[R](), true)
	if !m.mu.TryLock() {
		g.wait()
		m.mu.Lock()
	}
	g.hold()
}

// TryLock takes the mutex for writing if it is free. It waits for nothing, so any order will do.
func (m *RWMutex[R]) TryLock() bool {
	if !m.mu.TryLock() {
		return false
	}
	enter(&m.node, place[R](), false).hold()
	return true
}

// RLock takes the mutex for reading.
func (m *RWMutex[R]) RLock() {
	g := enter(&m.node, place[R](), true)
	if !m.mu.TryRLock() {
		g.wait()
		m.mu.RLock()
	}
	g.hold()
}

// Unlock gives the mutex back that was taken for writing.
func (m *RWMutex[R]) Unlock() {
	leave(&m.node)
	m.mu.Unlock()
}

// RUnlock gives the mutex back that was taken for reading.
func (m *RWMutex[R]) RUnlock() {
	leave(&m.node)
	m.mu.RUnlock()
}

func place[R Rank]() Rank {
	var r R
	return r
}

// Waits tells how long locks were waited for; in this build nobody counts.
func Waits() []Wait { return nil }
