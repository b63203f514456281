package actor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// counter is a state with a journal beside it: what a message did and what was kept of it.
type counter struct{ n int }

// journals is what states are restored from. It holds one state for each id, or fails.
type journals struct {
	t    testing.TB
	mu   sync.Mutex
	kept map[string]int
	open map[string]*counter
	fail error
	slow time.Duration // that Restore and Release take
}

func newJournals(t testing.TB) *journals {
	return &journals{t: t, kept: map[string]int{}, open: map[string]*counter{}}
}

func (j *journals) restore(ctx context.Context, id string) (*counter, error) {
	if j.slow > 0 {
		select {
		case <-time.After(j.slow):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil {
		return nil, j.fail
	}
	if j.open[id] != nil {
		j.t.Errorf("two states of %s", id)
	}
	s := &counter{n: j.kept[id]}
	j.open[id] = s
	return s, nil
}

func (j *journals) release(id string, s *counter, _ error) {
	if j.slow > 0 {
		time.Sleep(j.slow) // of a synctest bubble
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.open[id] != s {
		j.t.Errorf("a state of %s is released that is not its own", id)
	}
	delete(j.open, id)
}

// add is a message: it writes the journal, then the state.
func (j *journals) add(id string) func(context.Context, *counter) error {
	return func(_ context.Context, s *counter) error {
		j.mu.Lock()
		defer j.mu.Unlock()
		if s.n != j.kept[id] {
			j.t.Errorf("%s stands at %d, its journal at %d", id, s.n, j.kept[id])
		}
		j.kept[id]++
		s.n++
		return nil
	}
}

func (j *journals) config() Config[counter] {
	return Config[counter]{Restore: j.restore, Release: j.release}
}

func must(t testing.TB, c Config[counter]) *Registry[counter] {
	t.Helper()
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func reason(err error) Reason {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal.Reason
	}
	return 0
}

func TestConfig(t *testing.T) {
	restore := newJournals(t).restore
	for name, c := range map[string]Config[counter]{
		"Restore is missing": {},
		"Mailbox is -1":      {Restore: restore, Mailbox: -1},
		"Live is -1":         {Restore: restore, Live: -1},
		"Shards is -4":       {Restore: restore, Shards: -4},
		"no power of two":    {Restore: restore, Shards: 12},
		"Idle is -1s":        {Restore: restore, Idle: -time.Second},
		"":                   {Restore: restore},
	} {
		_, err := New(c)
		if (err == nil) != (name == "") || err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestOrder: messages are executed in the order in which they came, and a full mailbox
// refuses at once and says how full it is.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournals(t)
		c := j.config()
		c.Mailbox = 3
		r := must(t, c)
		hold := make(chan struct{})
		var order []int
		for i := range 4 {
			go func() {
				err := r.Call(t.Context(), "x", func(context.Context, *counter) error {
					<-hold
					order = append(order, i)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		if s := r.Stats(); s.Depth != 3 || s.Live != 1 {
			t.Errorf("%+v", s)
		}
		err := r.Call(t.Context(), "x", j.add("x"))
		var full *Refusal
		if !errors.As(err, &full) || full.Reason != Full || full.Depth != 3 || full.Capacity != 3 || full.ID != "x" {
			t.Errorf("a message too many: %v", err)
		}
		if err := r.Call(t.Context(), "y", j.add("y")); err != nil {
			t.Errorf("another id: %v", err)
		}
		close(hold)
		synctest.Wait()
		if fmt.Sprint(order) != "[0 1 2 3]" {
			t.Error(order)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestLeave: who leaves before his turn is told that nothing was done; who leaves later
// waits for the end of it.
func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournals(t)
		r := must(t, j.config())
		why := errors.New("why")
		ctx, cancel := context.WithCancelCause(t.Context())
		results := make(chan error, 2)
		for range 2 {
			go func() {
				results <- r.Call(ctx, "x", func(ctx context.Context, s *counter) error {
					<-ctx.Done()
					time.Sleep(time.Minute) // of the bubble
					return fmt.Errorf("stopped: %w", context.Cause(ctx))
				})
			}()
		}
		synctest.Wait()
		cancel(why)
		synctest.Wait()
		if err := <-results; reason(err) != Left || !errors.Is(err, why) {
			t.Errorf("who was not taken: %v", err)
		}
		select {
		case err := <-results:
			t.Errorf("who was taken did not wait: %v", err)
		default:
		}
		if err := <-results; reason(err) != 0 || !errors.Is(err, why) {
			t.Errorf("who was taken: %v", err)
		}
		if err := r.Call(ctx, "x", j.add("x")); reason(err) != Left {
			t.Errorf("who had left before: %v", err)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestPanic: it fails its own caller only, and the next message finds a restored state.
func TestPanic(t *testing.T) {
	j := newJournals(t)
	r := must(t, j.config())
	sick := errors.New("sick")
	for name, do := range map[string]func(){
		"panic":  func() { panic(sick) },
		"Goexit": runtime.Goexit,
	} {
		hold := make(chan struct{})
		results := make(chan error)
		go func() {
			results <- r.Call(t.Context(), "x", func(_ context.Context, s *counter) error {
				<-hold
				s.n = -1
				do()
				return nil
			})
		}()
		for r.Stats().Live == 0 { // until its turn has come
			runtime.Gosched()
		}
		go func() { results <- r.Call(t.Context(), "x", j.add("x")) }()
		close(hold)
		broken := 0
		for range 2 {
			err := <-results
			var p *PanicError
			switch {
			case err == nil:
			case !errors.As(err, &p) || p.ID != "x" || !bytes.Contains(p.Stack, []byte("TestPanic")):
				t.Errorf("%s: %v", name, err)
			case name == "panic" && !errors.Is(err, sick), name == "Goexit" && p.Value != nil:
				t.Errorf("%s: %v", name, err)
			default:
				broken++
			}
		}
		if broken != 1 {
			t.Errorf("%s: %d callers got it", name, broken)
		}
	}
	if j.kept["x"] != 2 || r.Stats().Panics != 2 {
		t.Errorf("journal at %d, %+v", j.kept["x"], r.Stats())
	}
	if err := r.Close(t.Context()); err != nil || len(j.open) != 0 {
		t.Error(err, j.open)
	}
}

// TestNotRestored: each message tries again, and what is not restored takes no place.
func TestNotRestored(t *testing.T) {
	j := newJournals(t)
	c := j.config()
	c.Live = 1
	r := must(t, c)
	j.fail = errors.New("disk")
	var sick *RestoreError
	if err := r.Call(t.Context(), "x", j.add("x")); !errors.As(err, &sick) || !errors.Is(err, j.fail) {
		t.Error(err)
	}
	j.fail = nil
	if err := r.Call(t.Context(), "y", j.add("y")); err != nil {
		t.Error(err)
	}
	for name, restore := range map[string]func(context.Context, string) (*counter, error){
		"neither a state": func(context.Context, string) (*counter, error) { return nil, nil },
		"panicked: sick":  func(context.Context, string) (*counter, error) { panic("sick") },
	} {
		r := must(t, Config[counter]{Restore: restore})
		if err := r.Call(t.Context(), "x", j.add("x")); !errors.As(err, &sick) || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestPassivation: a state goes after it was idle for the time, not before, and a message
// that comes while it goes has it restored.
func TestPassivation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournals(t)
		j.slow = time.Second
		c := j.config()
		c.Idle = time.Minute
		r := must(t, c)
		call := func() {
			t.Helper()
			if err := r.Call(t.Context(), "x", j.add("x")); err != nil {
				t.Error(err)
			}
		}
		passivations := func(want uint64) {
			t.Helper()
			synctest.Wait()
			if s := r.Stats(); s.Passivations != want {
				t.Errorf("%v: %+v, want %d passivations", time.Now(), s, want)
			}
		}
		call()
		for range 5 { // each message begins the time anew
			time.Sleep(c.Idle - time.Second)
			call()
			passivations(0)
		}
		time.Sleep(c.Idle + time.Millisecond)
		passivations(1)
		call() // comes while the state is being released
		time.Sleep(c.Idle + 2*time.Second)
		passivations(2)
		if s := r.Stats(); s.Live != 0 || s.Restores != 2 || len(j.open) != 0 {
			t.Errorf("%+v, %d open", s, len(j.open))
		}
		call()
		if err := r.Close(t.Context()); err != nil || len(j.open) != 0 || j.kept["x"] != 8 {
			t.Error(err, j.open, j.kept)
		}
	}) // and no goroutine and no timer is left, or the bubble would not end
}

// TestLimit: the state that has been idle the longest makes room, whatever its shard, and
// where none is idle the caller is told.
func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournals(t)
		c := j.config()
		c.Live = 3
		r := must(t, c)
		for _, id := range []string{"a", "b", "c", "a", "d"} {
			time.Sleep(time.Millisecond) // so that the order is that of the clock
			if err := r.Call(t.Context(), id, j.add(id)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if j.open["b"] != nil || len(j.open) != 3 {
			t.Errorf("b was idle the longest; there are %v", j.open)
		}
		hold := make(chan struct{})
		for _, id := range []string{"a", "c", "d"} {
			go r.Call(t.Context(), id, func(context.Context, *counter) error { <-hold; return nil })
		}
		synctest.Wait()
		var limit *Refusal
		if err := r.Call(t.Context(), "e", j.add("e")); !errors.As(err, &limit) || limit.Reason != Limit || limit.Capacity != 3 {
			t.Errorf("%v", err)
		}
		close(hold)
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestNested: messages that send messages cannot wait for each other.
func TestNested(t *testing.T) {
	j := newJournals(t)
	r, other := must(t, j.config()), must(t, newJournals(t).config())
	nest := func(ids ...string) error {
		var call func(ctx context.Context, rest []string) error
		call = func(ctx context.Context, rest []string) error {
			if len(rest) == 0 {
				return nil
			}
			return r.Call(ctx, rest[0], func(ctx context.Context, _ *counter) error { return call(ctx, rest[1:]) })
		}
		return call(t.Context(), ids)
	}
	for want, ids := range map[Reason][]string{0: {"a", "b", "c"}, Order: {"a", "b", "a"}} {
		if err := nest(ids...); reason(err) != want {
			t.Errorf("%v: %v", ids, err)
		}
	}
	if err := nest("a", "a"); reason(err) != Order {
		t.Errorf("itself: %v", err)
	}
	err := r.Call(t.Context(), "x", func(ctx context.Context, _ *counter) error {
		return other.Call(ctx, "a", func(context.Context, *counter) error { return nil })
	})
	if err != nil {
		t.Errorf("another registry: %v", err)
	}
}

// TestCloseGivesUp: what waits is refused, what is executed ends by itself.
func TestCloseGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournals(t)
		r := must(t, j.config())
		hold := make(chan struct{})
		results := make(chan error, 3)
		for range 3 {
			go func() {
				results <- r.Call(t.Context(), "x", func(context.Context, *counter) error { <-hold; return nil })
			}()
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Close(ctx); err != context.DeadlineExceeded {
			t.Error(err)
		}
		for range 2 {
			if err := <-results; reason(err) != Closed {
				t.Errorf("who waited: %v", err)
			}
		}
		close(hold)
		if err := <-results; err != nil {
			t.Errorf("who was taken: %v", err)
		}
		if err := r.Close(t.Context()); err != nil || len(j.open) > 0 {
			t.Error(err, j.open)
		}
		if err := r.Call(t.Context(), "x", j.add("x")); reason(err) != Closed {
			t.Errorf("after Close: %v", err)
		}
	})
}

// TestLabels: the goroutine that executes a message can be found by the labels of its call,
// whichever call it was started for.
func TestLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := must(t, newJournals(t).config())
		hold := make(chan struct{})
		go r.Call(t.Context(), "x", func(context.Context, *counter) error { <-hold; return nil })
		synctest.Wait()
		go pprof.Do(t.Context(), pprof.Labels("call", "17"), func(ctx context.Context) {
			err := r.Call(ctx, "x", func(context.Context, *counter) error {
				var all bytes.Buffer
				if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
					return err
				}
				for block := range strings.SplitSeq(all.String(), "\n\n") {
					if strings.Contains(block, `"call":"17"`) && strings.Contains(block, ".execute") {
						return nil
					}
				}
				return fmt.Errorf("nothing of it in\n%s", &all)
			})
			if err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if r.Stats().Depth != 1 {
			t.Error("the second does not wait")
		}
		close(hold)
		synctest.Wait()
	})
}

// TestPassiveIDs: an id that was used and is not any more costs nothing that can be measured.
func TestPassiveIDs(t *testing.T) {
	r := must(t, Config[counter]{Live: 64, Restore: func(context.Context, string) (*counter, error) { return new(counter), nil }})
	use := func(from, to int) uint64 {
		for i := from; i < to; i++ {
			if err := r.Call(t.Context(), fmt.Sprintf("fork-%d", i), func(context.Context, *counter) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const n = 20_000
	before := use(0, 1000)
	after := use(1000, 1000+n)
	if per := (float64(after) - float64(before)) / n; per > 20 {
		t.Errorf("%.1f bytes for each", per)
	}
	if s := r.Stats(); s.Live > 64 || s.Passivations < n {
		t.Errorf("%+v", s)
	}
}

// TestStorm: many callers, few places, states that come and go all the time: no update is
// lost and no state is there twice, which the journals see.
func TestStorm(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		j := newJournals(t)
		c := j.config()
		c.Live = rapid.IntRange(1, 4).Draw(rt, "live")
		c.Mailbox = rapid.IntRange(1, 4).Draw(rt, "mailbox")
		c.Shards = 1 << rapid.IntRange(0, 3).Draw(rt, "shards")
		c.Idle = time.Duration(rapid.IntRange(0, 2).Draw(rt, "idle")) * time.Microsecond
		ids := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}), 8, 200).Draw(rt, "ids")
		r := must(t, c)
		var done atomic.Int64
		var wg sync.WaitGroup
		for part := range 4 {
			wg.Go(func() {
				for i := part; i < len(ids); i += 4 {
					id, special := ids[i], i%7
					ctx, cancel := context.WithCancel(context.Background())
					if special == 1 {
						go cancel()
					}
					err := r.Call(ctx, id, func(ctx context.Context, s *counter) error {
						if special == 2 {
							s.n = -1
							panic("sick")
						}
						done.Add(1)
						return j.add(id)(ctx, s)
					})
					cancel()
					var broken *PanicError
					if err != nil && reason(err) == 0 && !errors.As(err, &broken) {
						t.Errorf("%s: %v", id, err)
					}
				}
			})
		}
		wg.Wait()
		if err := r.Close(t.Context()); err != nil {
			rt.Fatal(err)
		}
		kept := 0
		for _, n := range j.kept {
			kept += n
		}
		if int64(kept) != done.Load() || len(j.open) != 0 || r.Stats().Live != 0 {
			rt.Fatalf("%d done, %d kept, %d open, %+v", done.Load(), kept, len(j.open), r.Stats())
		}
	})
}

// TestTurnedAwayNeverRuns: a message that was refused because the registry closes is not executed afterwards.
func TestTurnedAwayNeverRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournals(t)
		r := must(t, j.config())
		hold := make(chan struct{})
		go r.Call(t.Context(), "x", func(context.Context, *counter) error { <-hold; return nil })
		synctest.Wait()
		go func() {
			err := r.Call(t.Context(), "x", func(context.Context, *counter) error { t.Error("it runs"); return nil })
			if reason(err) != Closed {
				t.Error(err)
			}
		}()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Close(ctx); err == nil {
			t.Error("it is closed, though one works")
		}
		close(hold)
		synctest.Wait()
	})
}

// TestOrderBeyondARegistry: a message to an actor that waits for its own sender is refused, also where another registry is
// between the two.
func TestOrderBeyondARegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, k := newJournals(t), newJournals(t)
		first, second := must(t, j.config()), must(t, k.config())
		var inner error
		err := first.Call(t.Context(), "x", func(ctx context.Context, _ *counter) error {
			return second.Call(ctx, "a", func(ctx context.Context, _ *counter) error {
				inner = first.Call(ctx, "x", func(context.Context, *counter) error { return nil })
				return nil
			})
		})
		if err != nil || reason(inner) != Order {
			t.Errorf("%v, and within: %v", err, inner)
		}
		for _, r := range []*Registry[counter]{first, second} {
			if err := r.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}
