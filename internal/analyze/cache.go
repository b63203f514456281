package analyze

import (
	"context"
	"runtime"
	"weak"

	"gridflow/internal/grid"
	"gridflow/internal/lazy"
	"gridflow/internal/lock"
)

// What is derived from a sheet costs more than to read it, is asked for
// again and again while an agent looks around, and may be thrown away at any time.
// It is kept beside the sheet by its address, weakly: when the sheet goes, so does what
// was derived from it. Nothing kept here points at a sheet.
var (
	detections    = newCache[grid.Sheet, *Detection](4 << 20)
	sheetFormulas = newCache[grid.Sheet, *Formulas](32 << 20)
)

// cache keeps a value of type V for each living *K, at most max bytes of them, those
// that were asked for last. However many callers want one value, it is made once.
type cache[K, V any] struct {
	max int64

	mu      lock.Mutex[lock.AnalyzeCache]
	entries map[weak.Pointer[K]]*cacheEntry[V]
	bytes   int64
	clock   int64 // counts calls: what was used last
}

type cacheEntry[V any] struct {
	load  lazy.Load[V]
	bytes int64 // 0 until the value is there
	used  int64
}

func newCache[K, V any](max int64) *cache[K, V] {
	return &cache[K, V]{max: max, entries: make(map[weak.Pointer[K]]*cacheEntry[V])}
}

// get gives the value for key, calling make where there is none. size tells what a
// value keeps alive.
func (c *cache[K, V]) get(ctx context.Context, key *K, make func(context.Context) (V, error), size func(V) int64) (V, error) {
	k := weak.Make(key)
	c.mu.Lock()
	e := c.entries[k]
	if e == nil {
		e = new(cacheEntry[V])
		c.entries[k] = e
		runtime.AddCleanup(key, c.drop, k)
	}
	c.clock++
	e.used = c.clock
	c.mu.Unlock()

	v, err := e.load.Wait(ctx, lazy.Whole, func(ctx context.Context, _ *lazy.Publisher[V]) (V, error) { return make(ctx) })
	if err != nil {
		if ctx.Err() == nil {
			c.forget(k, e) // a failure is not kept
		}
		return v, err
	}
	c.charge(k, size(v))
	runtime.KeepAlive(key)
	return v, nil
}

// charge notes what the value of k weighs now, and makes room.
func (c *cache[K, V]) charge(k weak.Pointer[K], bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[k]
	if e == nil {
		return // thrown out meanwhile; whoever holds the value may go on using it
	}
	c.bytes += bytes - e.bytes
	e.bytes = bytes
	for c.bytes > c.max {
		var oldest weak.Pointer[K]
		var victim *cacheEntry[V]
		for k, e := range c.entries {
			if e.bytes > 0 && (victim == nil || e.used < victim.used) {
				oldest, victim = k, e
			}
		}
		c.forgetLocked(oldest, victim)
	}
}

// forget puts an empty entry in the place of e. The key stays until it dies, so that
// it is told of its death only once.
func (c *cache[K, V]) forget(k weak.Pointer[K], e *cacheEntry[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgetLocked(k, e)
}

func (c *cache[K, V]) forgetLocked(k weak.Pointer[K], e *cacheEntry[V]) {
	if c.entries[k] == e {
		c.bytes -= e.bytes
		c.entries[k] = new(cacheEntry[V])
	}
}

// drop is called when a key has died.
func (c *cache[K, V]) drop(k weak.Pointer[K]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.entries[k]; e != nil {
		c.bytes -= e.bytes
		delete(c.entries, k)
	}
}

// Regions gives the regions of a whole sheet under the default limits, from the cache
// where they are known. The caller must not change the result.
func Regions(ctx context.Context, v View) (*Detection, error) {
	return detections.get(ctx, v.Sheet, func(ctx context.Context) (*Detection, error) {
		return Detect(ctx, v, DefaultLimits)
	}, (*Detection).memoryBytes)
}

func (d *Detection) memoryBytes() int64 {
	n := int64(128)
	for i := range d.Regions {
		n += 256
		for _, l := range d.Regions[i].Header.Labels {
			n += 16 + int64(len(l))
		}
	}
	return n
}
