package batch

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func create[T, R any](t testing.TB, cfg Config[T, R]) *Batcher[T, R] {
	t.Helper()
	b, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recorder runs batches that each take a second, and keeps what they were.
type recorder struct {
	batches [][]int
	running bool
}

var errOdd = errors.New("odd")

// run gives twice the item, and an error for odd ones.
func (r *recorder) run(items []int, out []Outcome[int]) error {
	if r.running {
		panic("two batches at once")
	}
	r.running = true
	time.Sleep(time.Second)
	r.running = false
	r.batches = append(r.batches, slices.Clone(items))
	for i, n := range items {
		out[i].Value = 2 * n
		if n%2 == 1 {
			out[i].Err = errOdd
		}
	}
	return nil
}

func want(t *testing.T, r *recorder, batches string) {
	t.Helper()
	if got := fmt.Sprint(r.batches); got != batches {
		t.Errorf("batches %s, want %s", got, batches)
	}
}

// start calls Do once for each item, in this order.
func start(ctx context.Context, b *Batcher[int, int], wg *sync.WaitGroup, got *sync.Map, items ...int) {
	for _, n := range items {
		wg.Go(func() {
			v, err := b.Do(ctx, n)
			got.Store(n, fmt.Sprint(v, err))
		})
		synctest.Wait()
	}
}

func TestNaturalBatching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		var wg sync.WaitGroup
		var got sync.Map
		b := create(t, Config[int, int]{Run: r.run})
		began := time.Now()
		start(t.Context(), b, &wg, &got, 1, 2, 3, 4)
		wg.Wait()
		start(t.Context(), b, &wg, &got, 5)
		wg.Wait()
		want(t, &r, "[[1] [2 3 4] [5]]")
		for n, w := range map[int]string{1: "2 odd", 2: "4 <nil>", 3: "6 odd", 4: "8 <nil>", 5: "10 odd"} {
			if v, _ := got.Load(n); v != w {
				t.Errorf("item %d: %v, want %v", n, v, w)
			}
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
		s := b.Stats()
		if s.Batches != 3 || s.Items != 5 || s.Largest != 3 || s.Sizes[0] != 2 || s.Sizes[1] != 1 || s.Waiting != 0 || s.Mean() != 5.0/3 {
			t.Errorf("%+v", s)
		}
	})
}

func TestBounds(t *testing.T) {
	size := func(n int) int64 { return int64(n) }
	for name, c := range map[string]struct {
		cfg  Config[int, int]
		want string
	}{
		"number": {Config[int, int]{MaxItems: 2}, "[[8] [1 2] [3 9] [1 1]]"},
		"bytes":  {Config[int, int]{MaxBytes: 5, Size: size}, "[[8] [1 2] [3] [9] [1 1]]"},
		"both":   {Config[int, int]{MaxBytes: 100, MaxItems: 3, Size: size}, "[[8] [1 2 3] [9 1 1]]"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r recorder
				var wg sync.WaitGroup
				c.cfg.Run = r.run
				start(t.Context(), create(t, c.cfg), &wg, new(sync.Map), 8, 1, 2, 3, 9, 1, 1)
				wg.Wait()
				want(t, &r, c.want)
			})
		})
	}
}

func TestMaxWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		var wg sync.WaitGroup
		b := create(t, Config[int, int]{Run: r.run, MaxWaiting: 2})
		start(t.Context(), b, &wg, new(sync.Map), 1, 2, 3)
		if _, err := b.Do(t.Context(), 4); err != ErrFull {
			t.Error(err)
		}
		wg.Wait()
		want(t, &r, "[[1] [2 3]]")
	})
}

// A lone item waits for company as long as it is told to, and no longer than until the
// batch is full or the Batcher is closed. What has waited through a run has waited.
func TestLinger(t *testing.T) {
	for name, c := range map[string]struct {
		maxItems int
		close    bool
		want     string
		wait     time.Duration // of the first batch
	}{
		"alone":  {0, false, "[[1 2] [3]]", 5 * time.Millisecond},
		"full":   {2, false, "[[1 2] [3]]", time.Millisecond},
		"closed": {0, true, "[[1 2] [3]]", time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r recorder
				var wg sync.WaitGroup
				b := create(t, Config[int, int]{Run: r.run, Linger: 5 * time.Millisecond, MaxItems: c.maxItems})
				began := time.Now()
				start(t.Context(), b, &wg, new(sync.Map), 1)
				time.Sleep(time.Millisecond)
				start(t.Context(), b, &wg, new(sync.Map), 2)
				time.Sleep(100 * time.Millisecond)
				start(t.Context(), b, &wg, new(sync.Map), 3)
				if c.close {
					b.Close()
				}
				wg.Wait()
				want(t, &r, c.want)
				if took := time.Since(began); !c.close && took != 2*time.Second+c.wait {
					t.Errorf("took %v", took)
				}
			})
		})
	}
	t.Run("close ends it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var r recorder
			var wg sync.WaitGroup
			b := create(t, Config[int, int]{Run: r.run, Linger: time.Hour})
			began := time.Now()
			start(t.Context(), b, &wg, new(sync.Map), 1, 2)
			b.Close()
			wg.Wait()
			want(t, &r, "[[1 2]]")
			if took := time.Since(began); took != time.Second {
				t.Errorf("took %v", took)
			}
		})
	})
}

var errGone = errors.New("gone")

func TestGivingUp(t *testing.T) {
	t.Run("before it came", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errGone)
		b := create(t, Config[int, int]{Run: new(recorder).run})
		if _, err := b.Do(ctx, 1); err != errGone || b.Stats().Items != 0 {
			t.Error(err)
		}
	})
	t.Run("before it was taken", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var r recorder
			var wg sync.WaitGroup
			var got sync.Map
			b := create(t, Config[int, int]{Run: r.run})
			ctx, cancel := context.WithCancelCause(t.Context())
			start(t.Context(), b, &wg, &got, 1)
			start(ctx, b, &wg, &got, 2)
			start(t.Context(), b, &wg, &got, 3)
			start(ctx, b, &wg, &got, 4)
			start(t.Context(), b, &wg, &got, 5)
			cancel(errGone)
			synctest.Wait()
			if v, _ := got.Load(2); v != "0 gone" || b.Stats().Waiting != 2 {
				t.Errorf("%v, %+v", v, b.Stats())
			}
			wg.Wait()
			want(t, &r, "[[1] [3 5]]")
			for n, w := range map[int]string{3: "6 odd", 5: "10 odd"} {
				if v, _ := got.Load(n); v != w {
					t.Errorf("item %d: %v, want %v", n, v, w)
				}
			}
			if s := b.Stats(); s.GaveUp != 2 {
				t.Errorf("%+v", s)
			}
		})
	})
	t.Run("all of a batch, and then another", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var r recorder
			var wg sync.WaitGroup
			b := create(t, Config[int, int]{Run: r.run, MaxItems: 2})
			ctx, cancel := context.WithCancel(t.Context())
			start(t.Context(), b, &wg, new(sync.Map), 1)
			start(ctx, b, &wg, new(sync.Map), 2, 3)
			start(t.Context(), b, &wg, new(sync.Map), 4)
			cancel()
			wg.Wait()
			want(t, &r, "[[1] [4]]")
		})
	})
	t.Run("who waits for company", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var r recorder
			var wg sync.WaitGroup
			b := create(t, Config[int, int]{Run: r.run, Linger: time.Minute})
			ctx, cancel := context.WithCancel(t.Context())
			began := time.Now()
			start(ctx, b, &wg, new(sync.Map), 1)
			start(t.Context(), b, &wg, new(sync.Map), 2)
			cancel()
			wg.Wait()
			want(t, &r, "[[2]]")
			if took := time.Since(began); took != time.Minute+time.Second {
				t.Errorf("took %v", took)
			}
		})
	})
	for _, leave := range []bool{false, true} {
		t.Run(fmt.Sprintf("after it was taken, leave=%v", leave), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r recorder
				var wg sync.WaitGroup
				b := create(t, Config[int, int]{Run: r.run, Leave: leave})
				ctx, cancel := context.WithCancelCause(t.Context())
				start(t.Context(), b, &wg, new(sync.Map), 1, 2)
				wg.Go(func() {
					v, err := b.Do(ctx, 4)
					switch {
					case leave && !(errors.Is(err, ErrTaken) && errors.Is(err, errGone)):
						t.Error(err)
					case !leave && (v != 8 || err != nil):
						t.Error(v, err)
					}
				})
				time.Sleep(1500 * time.Millisecond) // the second batch runs
				cancel(errGone)
				wg.Wait()
				b.Close()
				want(t, &r, "[[1] [2 4]]")
			})
		})
	}
}

// What goes wrong in a run goes wrong for its callers, all of them and no others.
func TestRunFails(t *testing.T) {
	whole := errors.New("the whole of it")
	for name, c := range map[string]struct {
		fail func()
		want func(error) bool
	}{
		"error": {nil, func(err error) bool { return err == whole }},
		"panic": {func() { panic(whole) }, func(err error) bool {
			var p *PanicError
			return errors.As(err, &p) && p.Value == whole && errors.Is(err, whole) && len(p.Stack) > 0
		}},
		"goexit": {runtime.Goexit, func(err error) bool { return err == ErrExited }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				batches := 0
				var told atomic.Int32
				b := create(t, Config[int, int]{Run: func(items []int, out []Outcome[int]) error {
					batches++
					time.Sleep(time.Second)
					if batches != 2 {
						return nil
					}
					if c.fail != nil {
						c.fail()
					}
					return whole
				}})
				var wg sync.WaitGroup
				call := func(n int, ok func(error) bool) {
					wg.Go(func() {
						if _, err := b.Do(t.Context(), n); !ok(err) {
							t.Errorf("item %d: %v", n, err)
						}
						told.Add(1)
					})
					synctest.Wait()
				}
				fine := func(err error) bool { return err == nil }
				call(1, fine)
				call(2, c.want)
				call(3, c.want)
				time.Sleep(1500 * time.Millisecond)
				call(4, fine)
				wg.Wait()
				b.Close()
				failed := uint64(1)
				missing := int32(0)
				switch name {
				case "error":
					failed = 0
				case "goexit":
					missing = 1 // its goroutine is gone
				}
				if s := b.Stats(); s.Batches != 3 || s.Failed != failed || told.Load() != 4-missing {
					t.Errorf("%+v, %d were told", s, told.Load())
				}
			})
		})
	}
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		var wg sync.WaitGroup
		b := create(t, Config[int, int]{Run: r.run, MaxItems: 1})
		began := time.Now()
		start(t.Context(), b, &wg, new(sync.Map), 1, 2, 3)
		wg.Go(b.Close)
		synctest.Wait()
		if _, err := b.Do(t.Context(), 4); err != ErrClosed {
			t.Error(err)
		}
		b.Close()
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("Close returned after %v", took)
		}
		wg.Wait()
		want(t, &r, "[[1] [2] [3]]")
	})
	create(t, Config[int, int]{Run: new(recorder).run}).Close()
}

func TestNewRefuses(t *testing.T) {
	run := new(recorder).run
	for name, cfg := range map[string]Config[int, int]{
		"nothing to run": {}, "a negative bound": {Run: run, MaxItems: -1}, "no size": {Run: run, MaxBytes: 1}, "a negative time": {Run: run, Linger: -1},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Callers come, give up and wait as chance has it: every item that was not given up is
// run once, in order, within the bounds, and its caller gets its own result.
func TestAnySchedule(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type caller struct{ at, patience, run int }
		callers := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) caller {
			return caller{rapid.IntRange(0, 30).Draw(rt, "at"), rapid.IntRange(0, 40).Draw(rt, "patience"), rapid.IntRange(0, 6).Draw(rt, "run")}
		}), 1, 20).Draw(rt, "callers")
		maxItems := rapid.IntRange(1, 5).Draw(rt, "max items")
		maxBytes := rapid.Int64Range(0, 12).Draw(rt, "max bytes")
		linger := time.Duration(rapid.IntRange(0, 4).Draw(rt, "linger")) * time.Millisecond
		leave := rapid.Bool().Draw(rt, "leave")
		closeAt := time.Duration(rapid.IntRange(20, 60).Draw(rt, "close at")) * time.Millisecond
		synctest.Test(t, func(*testing.T) {
			var mu sync.Mutex // of the two below: who gives up reads them while others run
			ran := make(map[int]int)
			var order []int
			b, err := New(Config[int, int]{MaxItems: maxItems, MaxBytes: maxBytes, Linger: linger, Leave: leave,
				Size: func(n int) int64 { return int64(callers[n].run) },
				Run: func(items []int, out []Outcome[int]) error {
					var bytes int64
					for i, n := range items {
						mu.Lock()
						ran[n]++
						order = append(order, n)
						mu.Unlock()
						bytes += int64(callers[n].run)
						time.Sleep(time.Duration(callers[n].run) * time.Millisecond)
						out[i].Value = n + 100
					}
					if len(items) == 0 || len(items) > maxItems || maxBytes > 0 && bytes > maxBytes && len(items) > 1 {
						rt.Errorf("a batch of %d items and %d bytes", len(items), bytes)
					}
					if callers[items[0]].run == 5 {
						panic("five")
					}
					return nil
				}})
			if err != nil {
				rt.Fatal(err)
			}
			var wg sync.WaitGroup
			began := time.Now()
			for n, c := range callers {
				wg.Go(func() {
					// A time of its own for each, so that the order of coming is known.
					time.Sleep(time.Duration(c.at)*time.Millisecond + time.Duration(n)*time.Microsecond)
					ctx, cancel := context.WithTimeoutCause(context.Background(), time.Duration(c.patience)*time.Millisecond+time.Nanosecond, errGone)
					defer cancel()
					v, err := b.Do(ctx, n)
					mu.Lock()
					times := ran[n]
					mu.Unlock()
					var p *PanicError
					switch {
					case err == nil && (v != n+100 || times != 1):
						rt.Errorf("item %d: %d, ran %d times", n, v, times)
					case err == errGone && times != 0:
						rt.Errorf("item %d was given up and ran", n)
					case err == ErrClosed && time.Since(began) < closeAt:
						rt.Errorf("item %d: closed too early", n)
					case errors.Is(err, ErrTaken) && !leave:
						rt.Errorf("item %d: %v", n, err)
					case err != nil && err != errGone && err != ErrClosed && !errors.Is(err, ErrTaken) && !errors.As(err, &p):
						rt.Errorf("item %d: %v", n, err)
					}
				})
			}
			time.Sleep(closeAt)
			b.Close()
			wg.Wait()
			for n, times := range ran {
				if times != 1 {
					rt.Errorf("item %d ran %d times", n, times)
				}
			}
			if !slices.IsSortedFunc(order, func(a, c int) int { return callers[a].at*1000 + a - callers[c].at*1000 - c }) {
				rt.Errorf("ran in the order %v", order)
			}
			if s := b.Stats(); s.Waiting != 0 || int(s.Items) != len(order) {
				rt.Errorf("%+v", s)
			}
		})
	})
}

// Many at once, for the race detector.
func TestTogether(t *testing.T) {
	var sum, inside atomic.Int64
	b := create(t, Config[int, int]{MaxItems: 7, Run: func(items []int, out []Outcome[int]) error {
		if inside.Add(1) != 1 {
			t.Error("two batches at once")
		}
		for i, n := range items {
			sum.Add(int64(n))
			out[i].Value = n
		}
		inside.Add(-1)
		return nil
	}})
	const callers, calls = 32, 200
	var wg sync.WaitGroup
	var kept atomic.Int64
	for c := range callers {
		wg.Go(func() {
			for i := range calls {
				ctx, cancel := context.WithCancel(context.Background())
				if (c+i)%3 == 0 {
					go cancel()
				}
				n := c*calls + i
				v, err := b.Do(ctx, n)
				if err == nil {
					kept.Add(int64(n))
				}
				if err == nil && v != n || err != nil && err != context.Canceled {
					t.Errorf("item %d: %d, %v", n, v, err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	b.Close()
	if sum.Load() != kept.Load() {
		t.Errorf("ran %d, answered %d", sum.Load(), kept.Load())
	}
}

// BenchmarkDo with an empty run is what a call costs; where the run lets others come, as
// one that waits for a disk does, what a call costs that waits for a batch.
func BenchmarkDo(b *testing.B) {
	for name, run := range map[string]func([]int, []Outcome[int]) error{
		"empty":  func([]int, []Outcome[int]) error { return nil },
		"gather": func([]int, []Outcome[int]) error { runtime.Gosched(); return nil },
	} {
		for _, callers := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("%s/%d", name, callers), func(b *testing.B) {
				b.ReportAllocs()
				batcher := create(b, Config[int, int]{Run: run})
				ctx := b.Context()
				var left atomic.Int64
				left.Store(int64(b.N))
				var wg sync.WaitGroup
				b.ResetTimer()
				for range callers {
					wg.Go(func() {
						for left.Add(-1) >= 0 {
							batcher.Do(ctx, 1)
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mitems/s")
				b.ReportMetric(batcher.Stats().Mean(), "items/batch")
			})
		}
	}
}

// TestOutcomesAreNew: a run finds its outcomes empty, whatever runs before it have written, so that what it says nothing of
// has neither their value nor their error.
func TestOutcomesAreNew(t *testing.T) {
	runs := 0
	b, err := New(Config[int, string]{Run: func(items []int, out []Outcome[string]) error {
		if runs++; runs == 1 {
			for i := range out {
				out[i] = Outcome[string]{Value: "old", Err: errors.New("old")}
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if v, err := b.Do(t.Context(), 1); v != "old" || err == nil {
		t.Errorf("%q, %v", v, err)
	}
	for range 2 * freeMax {
		if v, err := b.Do(t.Context(), 2); v != "" || err != nil {
			t.Errorf("later: %q, %v", v, err)
		}
	}
}
