//go:build interleave

package interleave

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/interleave/csync"
)

// A random program has a few threads that do random operations on a few objects of every
// kind, and log what they see. Threads may get stuck: they are in the background.
type program [][]operation

type operation struct {
	what   string
	object int // 0 or 1
}

var operations = []string{
	"load", "add", "swap", "exchange", "lock", "unlock", "trylock", "park", "unpark", "trypark",
	"send", "recv", "trysend", "tryrecv", "close", "len", "cancel", "err", "wait", "done", "go", "gosched",
}

func drawProgram(t *rapid.T) program {
	p := make(program, rapid.IntRange(2, 3).Draw(t, "threads"))
	most := []int{5, 3}[len(p)-2] // so that the unpruned search stays small
	for i := range p {
		p[i] = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) operation {
			return operation{
				what:   rapid.SampledFrom(operations).Draw(t, "what"),
				object: rapid.IntRange(0, 1).Draw(t, "object"),
			}
		}), most-1, most).Draw(t, "thread")
	}
	return p
}

// outcomes collects the states that a search of a program sees, on the way and at the end.
// A state is all of the memory and all that the threads have seen.
type outcomes struct{ passing, final map[string]bool }

func (p program) body(seen *outcomes) func(*Run) {
	return func(r *Run) {
		var (
			word   [2]csync.Int64
			mutex  [2]csync.Mutex
			parker [2]csync.Parker
			queue  = [2]*csync.Chan[int]{csync.NewChan[int](1), csync.NewChan[int](1)}
			group  [2]csync.WaitGroup
			logs   = make([]string, len(p))
		)
		group[0].Add(1)
		group[1].Add(1)
		ctx, cancel := csync.WithCancel(context.Background())
		for i, ops := range p {
			r.Background(fmt.Sprint(i), func() {
				var held, released [2]bool
				for n, op := range ops {
					o := op.object
					var got any
					switch op.what {
					case "load":
						got = word[o].Load()
					case "add":
						got = word[o].Add(int64(1 + i))
					case "swap":
						got = word[o].Swap(int64(10*i + n))
					case "exchange":
						got = word[o].CompareAndSwap(0, int64(10*i+n))
					case "lock":
						mutex[o].Lock() // twice is a deadlock of its own
						held[o] = true
					case "unlock":
						if held[o] {
							mutex[o].Unlock()
							held[o] = false
						}
					case "trylock":
						got = mutex[o].TryLock()
						held[o] = held[o] || got == true
					case "park":
						got = parker[o].Park(ctx)
					case "unpark":
						parker[o].Unpark()
					case "trypark":
						got = parker[o].TryPark()
					case "send":
						got = unlessClosed(func() any { return queue[o].Send(ctx, 10*i+n) })
					case "recv":
						v, err := queue[o].Recv(context.Background())
						got = fmt.Sprint(v, err)
					case "trysend":
						got = unlessClosed(func() any { return queue[o].TrySend(10*i + n) })
					case "tryrecv":
						v, ok := queue[o].TryRecv()
						got = fmt.Sprint(v, ok)
					case "close":
						got = unlessClosed(func() any { queue[o].Close(); return nil })
					case "len":
						got = queue[o].Len()
					case "cancel":
						cancel()
					case "err":
						got = ctx.Err()
					case "wait":
						group[o].Wait()
					case "done":
						if i == 0 && !released[o] {
							group[o].Done()
							released[o] = true
						}
					case "go": // one thread more is enough; its log is the word
						if i == 0 && n == 0 {
							csync.Go(func() { word[o].Add(100) })
						}
					case "gosched":
						csync.Gosched()
					}
					logs[i] += fmt.Sprintf("%s%d=%v ", op.what, o, got)
				}
			})
		}
		state := func() string {
			return fmt.Sprint(word[0].Load(), word[1].Load(), queue[0].Len(), queue[1].Len(), logs)
		}
		r.Invariant(func() error { seen.passing[state()] = true; return nil })
		r.Final(func() error { seen.final[state()] = true; return nil })
	}
}

// unlessClosed gives what f gives, or what a closed channel panics with.
func unlessClosed(f func() any) (got any) {
	defer func() {
		if text, ok := recover().(string); ok {
			got = text
		}
	}()
	return f()
}

func (p program) search(t *rapid.T, o Options) (Report, outcomes) {
	seen := outcomes{map[string]bool{}, map[string]bool{}}
	report, failure := Search(o, p.body(&seen))
	if failure != nil {
		t.Fatal(failure)
	}
	return report, seen
}

// Pruning loses no state: neither at the end nor on the way, with a bound or without.
func TestPruningReachesTheSameStates(t *testing.T) {
	var full, pruned Report
	rapid.Check(t, func(t *rapid.T) {
		p := drawProgram(t)
		o := Options{Mode: Exhaustive, MaxExecutions: 200_000}
		if bound := rapid.IntRange(-1, 3).Draw(t, "bound"); bound >= 0 {
			o.Mode, o.Bound = Bounded, bound
		}
		less, got := p.search(t, o)
		o.Unpruned = true
		more, want := p.search(t, o)
		if !maps.Equal(got.final, want.final) {
			t.Fatalf("pruned final states are not all:\n%v\n%v", less, missing(want.final, got.final))
		}
		if !maps.Equal(got.passing, want.passing) {
			t.Fatalf("pruned passing states are not all:\n%v\n%v", less, missing(want.passing, got.passing))
		}
		pruned.add(less)
		full.add(more)
	})
	t.Logf("unpruned: %v", full)
	t.Logf("pruned:   %v", pruned)
}

// missing lists what is in one set only.
func missing(want, got map[string]bool) []string {
	var m []string
	for s := range want {
		if !got[s] {
			m = append(m, "- "+s)
		}
	}
	for s := range got {
		if !want[s] {
			m = append(m, "+ "+s)
		}
	}
	slices.Sort(m)
	return m
}

// Within a bound, what sleeps must wake when somebody blocks: the only execution with one
// preemption in which a sees y and not q, and b sees w, interrupts a in its critical
// section and comes back to it for nothing, since b blocks there.
func TestBoundedPruningWakesWhereSomebodyBlocks(t *testing.T) {
	for _, unpruned := range []bool{true, false} {
		found := false
		_, failure := Search(Options{Mode: Bounded, Bound: 1, Unpruned: unpruned}, func(r *Run) {
			var (
				m             csync.Mutex
				w, y, q       csync.Int64
				sawW          int64
				sawY, sawQ    int64
				lockAndUnlock = func() { m.Lock(); defer m.Unlock() }
			)
			r.Go("a", func() {
				w.Store(1)
				lockAndUnlock()
				sawY, sawQ = y.Load(), q.Load()
			})
			r.Go("b", func() {
				sawW = w.Load()
				y.Store(1)
				lockAndUnlock()
				q.Store(1)
			})
			r.Final(func() error {
				found = found || sawW == 1 && sawY == 1 && sawQ == 0
				return nil
			})
		})
		if failure != nil || !found {
			t.Errorf("unpruned %v: found %v, %v", unpruned, found, failure)
		}
	}
}
