//go:build lockcheck

package lock

import (
	"strings"
	"sync"
	"testing"
)

// reported runs f and gives what the checker has to say about it. f goes on after a report
// where the order is wrong, and is unwound where it would wait for ever.
func reported(t *testing.T, f func()) []string {
	t.Helper()
	var mu sync.Mutex
	var all []string
	old := graph.violation
	graph.violation = func(report string) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, report)
		if strings.Contains(report, "deadlock") {
			panic(report)
		}
	}
	defer func() { graph.violation = old }()
	f()
	mu.Lock()
	defer mu.Unlock()
	return all
}

func contains(t *testing.T, reports []string, parts ...string) {
	t.Helper()
	if len(reports) != 1 {
		t.Fatalf("%d reports: %q", len(reports), reports)
	}
	for _, p := range parts {
		if !strings.Contains(reports[0], p) {
			t.Errorf("no %q in\n%s", p, reports[0])
		}
	}
}

func clean(t *testing.T) {
	t.Helper()
	if r := Report(); r != "" {
		t.Errorf("left in the graph: %s", r)
	}
}

// take is a function whose name should be in a report.
func take(mu sync.Locker) { mu.Lock() }

func read[R Rank](mu *RWMutex[R]) { mu.RLock() }

func TestInOrder(t *testing.T) {
	var outer Mutex[WorkspaceLooking]
	var inner RWMutex[WorkspaceCatalogue]
	if reports := reported(t, func() {
		outer.Lock()
		read(&inner)
		inner.RUnlock()
		take(&inner)
		outer.Unlock() // not the last that was taken
		inner.Unlock()
		inner.Lock()
		if outer.TryLock() { // waits for nothing
			outer.Unlock()
		} else {
			t.Error("not free")
		}
		inner.Unlock()
	}); len(reports) > 0 {
		t.Error(reports)
	}
	clean(t)
}

func TestOutOfOrder(t *testing.T) {
	var outer Mutex[WorkspaceLooking]
	var inner Mutex[WorkspaceBases]
	contains(t, reported(t, func() {
		take(&inner)
		take(&outer)
		outer.Unlock()
		inner.Unlock()
	}), "workspace.looking (40) is taken by who holds workspace.bases (43)", "take", "TestOutOfOrder", "taken here", "was taken here")
	clean(t)
}

func TestSameRank(t *testing.T) {
	var shards [2]Mutex[ActorShard]
	contains(t, reported(t, func() {
		shards[0].Lock()
		take(&shards[1])
		shards[1].Unlock()
		shards[0].Unlock()
	}), "actor.shard (60) is taken by who holds actor.shard (60)")
	clean(t)
}

// TestReadTwice: two reads of one goroutine wait for a writer between them.
func TestReadTwice(t *testing.T) {
	var mu RWMutex[WorkspaceCatalogue]
	contains(t, reported(t, func() {
		read(&mu)
		read(&mu)
		mu.RUnlock()
		mu.RUnlock()
	}), "by who holds workspace.catalogue")
	clean(t)
}

// TestDeadlock: two goroutines, each with what the other wants. The one that comes last is
// told who holds what, who waits for what, and where.
func TestDeadlock(t *testing.T) {
	for name, pair := range map[string][2]sync.Locker{
		"mutexes":            {new(Mutex[Unranked]), new(Mutex[Unranked])},
		"a mutex, a rwmutex": {new(Mutex[Unranked]), new(RWMutex[Unranked])},
	} {
		t.Run(name, func(t *testing.T) {
			reports := reported(t, func() {
				var both, all sync.WaitGroup
				both.Add(2)
				for i := range 2 {
					all.Go(func() {
						mine, other := pair[i], pair[1-i]
						mine.Lock()
						defer func() {
							recover() // the one that has been told gives up
							mine.Unlock()
						}()
						both.Done()
						both.Wait()
						take(other)
						other.Unlock()
					})
				}
				all.Wait()
			})
			contains(t, reports, "a deadlock", "holds unranked", "waits for unranked", "TestDeadlock")
			if n := strings.Count(reports[0], "goroutine "); n != 2 {
				t.Errorf("%d goroutines in\n%s", n, reports[0])
			}
		})
	}
}

// TestReportNames who holds and who waits.
func TestReportNames(t *testing.T) {
	var mu Mutex[FlowGate]
	mu.Lock()
	var wg sync.WaitGroup
	wg.Go(func() { take(&mu); mu.Unlock() })
	for !strings.Contains(Report(), "waits for flow.gate") {
	}
	if r := Report(); !strings.Contains(r, "holds flow.gate") || !strings.Contains(r, "take") {
		t.Error(r)
	}
	mu.Unlock()
	wg.Wait()
	clean(t)
}
