//go:build !lockcheck && !interleave

package lock

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"gridflow/internal/tally"
)

// A ranked mutex is as large as the standard one: a rank costs no room.
var (
	_ [unsafe.Sizeof(sync.Mutex{})]byte   = [unsafe.Sizeof(Mutex[FlowGate]{})]byte{}
	_ [unsafe.Sizeof(sync.RWMutex{})]byte = [unsafe.Sizeof(RWMutex[WorkspaceCatalogue]{})]byte{}
)

func waited(rank string) uint64 {
	for _, w := range Waits() {
		if w.Rank == rank {
			return w.Count
		}
	}
	return 0
}

// TestWaits: who finds a lock taken is counted under its rank, who finds it free is not.
func TestWaits(t *testing.T) {
	var mu Mutex[FlowCosts]
	var rw RWMutex[WorkspaceTouched]
	for name, c := range map[string]struct {
		rank         string
		hold, let    func()
		lock, unlock func()
	}{
		"mutex":           {"flow.costs", mu.Lock, mu.Unlock, mu.Lock, mu.Unlock},
		"write for write": {"workspace.touched", rw.Lock, rw.Unlock, rw.Lock, rw.Unlock},
		"read for write":  {"workspace.touched", rw.Lock, rw.Unlock, rw.RLock, rw.RUnlock},
		"write for read":  {"workspace.touched", rw.RLock, rw.RUnlock, rw.Lock, rw.Unlock},
	} {
		t.Run(name, func(t *testing.T) {
			before := waited(c.rank)
			for range 100 {
				c.hold()
				c.let()
				c.lock()
				c.unlock()
			}
			if n := waited(c.rank); n != before {
				t.Fatalf("%d waits for what was free", n-before)
			}
			// Whether the other one comes while the lock is held is up to the scheduler: again, until it does.
			for waited(c.rank) == before {
				c.hold()
				var wg sync.WaitGroup
				trying := make(chan struct{})
				wg.Go(func() {
					close(trying)
					c.lock()
					c.unlock()
				})
				<-trying
				runtime.Gosched()
				c.let()
				wg.Wait()
			}
			if n := waited(c.rank) - before; n != 1 {
				t.Errorf("%d waits of one", n)
			}
		})
	}
}

// TestReadersShare: readers do not wait for each other.
func TestReadersShare(t *testing.T) {
	var rw RWMutex[WorkspaceUnknown]
	rw.RLock()
	rw.RLock()
	if rw.TryLock() || waited("workspace.unknown") != 0 {
		t.Error("a reader kept another one waiting, or no writer out")
	}
	rw.RUnlock()
	rw.RUnlock()
	if !rw.TryLock() {
		t.Error("it is not free")
	}
}

// TestWaitLength: what is counted is how long it was waited for.
func TestWaitLength(t *testing.T) {
	find := func() (h tally.Histogram) {
		for _, w := range Waits() {
			if w.Rank == "hub.queue" {
				h = w.Histogram
			}
		}
		return h
	}
	before := find()
	synctest.Test(t, func(t *testing.T) {
		await[HubQueue](func() { time.Sleep(30 * time.Millisecond) })
	})
	after := find()
	if sum := after.Sum - before.Sum; after.Count != before.Count+1 || sum < .0299 || sum > .0301 ||
		after.Buckets[.025] != before.Buckets[.025] || after.Buckets[.05] != before.Buckets[.05]+1 {
		t.Errorf("%+v, then %+v", before, after)
	}
}
