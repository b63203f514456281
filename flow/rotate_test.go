package flow

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// levelled makes a gate with one class of one seat, whose starts are levelled.
func levelled(t testing.TB, longest time.Duration) *Gate {
	t.Helper()
	g, err := New(Config{
		Classes:   []Class{{Name: "slow", QueueMax: 200, WaitMax: time.Hour}},
		Resources: []Resource{{Name: "cpu", Capacity: 1}},
	}, Listener{})
	if err == nil {
		err = g.Pace(0, time.Minute, longest)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestKindsTakeTurns: a client's comparisons do not hold up its load and its save, and what
// one client, or a part of one, has waiting changes nothing for another.
func TestKindsTakeTurns(t *testing.T) {
	for name, c := range map[string]struct{ calls, want string }{
		"one client":         {"a:diff a:diff a:diff a:load a:save a:diff", "a:diff a:load a:save a:diff a:diff a:diff"},
		"two clients":        {"a:diff a:diff b:diff b:diff a:load b:save", "a:diff b:diff a:load b:save a:diff b:diff"},
		"two parts":          {"a/x:diff a/x:diff a/y:diff a/y:diff a/x:load a/y:save", "a/x:diff a/y:diff a/x:load a/y:save a/x:diff a/y:diff"},
		"one kind":           {"a:diff a:diff a:diff", "a:diff a:diff a:diff"},
		"a kind comes twice": {"a:load a:load a:diff a:diff a:load", "a:load a:diff a:load a:diff a:load"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := levelled(t, time.Millisecond)
				first, err := g.Acquire(t.Context(), Request{Client: "before", Need: Amounts{1}, Kind: "first"})
				if err != nil {
					t.Fatal(err)
				}
				var mu sync.Mutex
				var order []string
				var all sync.WaitGroup
				for who := range strings.FieldsSeq(c.calls) {
					client, kind, _ := strings.Cut(who, ":")
					client, part, _ := strings.Cut(client, "/")
					all.Go(func() {
						p, err := g.Acquire(t.Context(), Request{Client: client, Part: part, Need: Amounts{1}, Kind: kind, Cost: time.Second})
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						order = append(order, who)
						mu.Unlock()
						time.Sleep(time.Second)
						p.Done(OK)
					})
					synctest.Wait()
				}
				time.Sleep(time.Second)
				first.Done(OK)
				all.Wait()
				if got := strings.Join(order, " "); got != c.want {
					t.Errorf("started were %s, want %s", got, c.want)
				}
				r, ok := g.Rotation(0)
				if !ok || len(g.steer[0].rotation.parts) != 0 {
					t.Errorf("%+v, %v, %d clients are left", r, ok, len(g.steer[0].rotation.parts))
				}
				var longest time.Duration
				for _, k := range r.Kinds {
					if k.Waiting != 0 || k.Longest != time.Second {
						t.Errorf("%+v", k)
					}
					longest = max(longest, k.Apart)
				}
				if bound := time.Duration(len(r.Kinds)) * time.Second; r.Bound != bound || name == "one client" && longest > bound {
					t.Errorf("a bound of %v, want %v; at most %v passed", r.Bound, bound, longest)
				}
			})
		})
	}
}

// TestRotationOff: without levelling the oldest goes first, and to end it while calls wait
// loses none.
func TestRotationOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := levelled(t, time.Millisecond)
		first, _ := g.Acquire(t.Context(), Request{Need: Amounts{1}})
		var order []string
		var all sync.WaitGroup
		for _, kind := range []string{"x", "x", "y"} {
			all.Go(func() {
				p, err := g.Acquire(t.Context(), Request{Client: "a", Need: Amounts{1}, Kind: kind})
				if err != nil {
					t.Error(err)
				}
				order = append(order, kind)
				p.Done(OK)
			})
			synctest.Wait()
		}
		if err := g.Pace(0, time.Minute, 0); err != nil {
			t.Fatal(err)
		}
		first.Done(OK)
		all.Wait()
		if _, on := g.Rotation(0); on || !slices.Equal(order, []string{"x", "x", "y"}) {
			t.Errorf("%v, %v", order, on)
		}
	})
}

// TestRotationRandom: whatever comes, leaves and is let in, of what a client has waiting no
// kind is passed by more starts of its own than there are other kinds, and nothing is left
// in the end.
func TestRotationRandom(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			g := levelled(t, time.Millisecond)
			const kinds = 4
			var mu sync.Mutex
			waiting, passed := map[string]int{}, map[string]int{}
			var all sync.WaitGroup
			var leave []context.CancelFunc
			for range rapid.IntRange(1, 40).Draw(rt, "calls") {
				client, kind := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "client"), rapid.IntRange(0, kinds-1).Draw(rt, "kind")
				service := time.Duration(rapid.IntRange(1, 50).Draw(rt, "ms")) * time.Millisecond
				ctx, cancel := context.WithCancel(t.Context())
				leave = append(leave, cancel)
				key := fmt.Sprint(client, kind)
				all.Go(func() {
					mu.Lock()
					waiting[key]++
					mu.Unlock()
					p, err := g.Acquire(ctx, Request{Client: client, Need: Amounts{1}, Kind: fmt.Sprint(kind), Cost: service})
					mu.Lock()
					if waiting[key]--; waiting[key] == 0 {
						passed[key] = 0
					}
					if err == nil {
						passed[key] = 0
						for k := range kinds {
							if other := fmt.Sprint(client, k); k != kind && waiting[other] > 0 {
								if passed[other]++; passed[other] > kinds-1 {
									rt.Errorf("%s was passed by %d starts of the same client", other, passed[other])
								}
							}
						}
					}
					mu.Unlock()
					if err == nil {
						time.Sleep(service)
						p.Done(OK)
					}
				})
				switch rapid.IntRange(0, 5).Draw(rt, "then") {
				case 0:
					leave[rapid.IntRange(0, len(leave)-1).Draw(rt, "who")]()
				case 1, 2:
					time.Sleep(time.Duration(rapid.IntRange(0, 60).Draw(rt, "pause")) * time.Millisecond)
				}
				synctest.Wait()
			}
			all.Wait()
			for _, cancel := range leave {
				cancel()
			}
			if n := len(g.steer[0].rotation.parts); n != 0 {
				rt.Errorf("%d clients are left", n)
			}
		})
	})
}
