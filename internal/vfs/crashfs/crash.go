package crashfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// dir is a folder: what its readers see, what is durable, and the changes between.
type dir struct {
	entries map[string]any // *inode or *dir
	durable map[string]any
	changes [][]set // each one is made as a whole
}

// set gives a name its new meaning; nil: none.
type set struct {
	name string
	node any
}

func newDir() *dir { return &dir{entries: make(map[string]any), durable: make(map[string]any)} }

func (d *dir) change(sets ...set) {
	d.changes = append(d.changes, sets)
	apply(d.entries, sets)
}

func apply(entries map[string]any, sets []set) {
	for _, s := range sets {
		if s.node == nil {
			delete(entries, s.name)
		} else {
			entries[s.name] = s.node
		}
	}
}

func (d *dir) sync() {
	d.durable = maps.Clone(d.entries)
	d.changes = nil
}

// Crash gives the file system as the next start finds it: in its own memory, with
// nothing open, nothing locked and no fault. The old one is left as it is, but stopped.
func (f *FS) Crash(rnd *rand.Rand) *FS { return f.crash(rnd, false) }

// CrashReorder is Crash on a file system that does not keep the order in which the
// entries of a folder were changed.
func (f *FS) CrashReorder(rnd *rand.Rand) *FS { return f.crash(rnd, true) }

func (f *FS) crash(rnd *rand.Rand, reorder bool) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = true
	// Crashes that lose nearly all and such that lose nearly nothing find most faults, and
	// so they are as likely as those in between.
	kind := rnd.IntN(3)
	c := &chance{rnd: rnd, lose: []float64{0.9, 0, 0}[kind], keep: []float64{0, 0, 0.9}[kind], reorder: reorder}
	next := New()
	next.capacity = f.capacity
	next.root = f.root.crash(c, make(map[any]any))
	next.used = next.root.used(make(map[*inode]bool))
	return next
}

// crash gives the folder as the next start finds it. seen keeps a file that has two
// names one file.
func (d *dir) crash(c *chance, seen map[any]any) *dir {
	entries := maps.Clone(d.durable)
	last := c.pick(len(d.changes))
	for i, sets := range d.changes {
		if c.reorder && c.pick(1) == 1 || !c.reorder && i < last {
			apply(entries, sets)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		n := entries[name]
		if seen[n] == nil {
			switch n := n.(type) {
			case *inode:
				seen[n] = n.crash(c)
			case *dir:
				seen[n] = n.crash(c, seen)
			}
		}
		entries[name] = seen[n]
	}
	return &dir{entries: entries, durable: maps.Clone(entries)}
}

// used is what the files below take. Of seen each has been counted, and has another name now.
func (d *dir) used(seen map[*inode]bool) int64 {
	var n int64
	for _, e := range d.entries {
		switch e := e.(type) {
		case *inode:
			if seen[e] {
				e.also++
				continue
			}
			seen[e] = true
			n += int64(len(e.cache))
		case *dir:
			n += e.used(seen)
		}
	}
	return n
}
