package kernel

import (
	"iter"
	"math/bits"
)

// table finds the flows of a class by their keys: open addressing with linear probing (D. Knuth,
// The Art of Computer Programming, volume 3, 6.4, algorithms L and R). It looks at one line of
// the cache where a map looks at three, and of a million flows none is there; finding the flow
// is most of what refusing a request costs. Keys are hashes that nobody outside can choose
// (see Request.Flow), so that none are made to collide. The zero table is empty.
type table struct {
	slots []slot // a power of two, at most five eighths of them taken
	taken int
	shift int // a slot is numbered by the highest bits of the spread key
}

type slot struct {
	key  uint64
	flow *flow // nil: free
}

func (t *table) len() int { return t.taken }

// golden is the golden ratio, as a fraction of 2^64: multiplying by it spreads keys that are no
// hashes as well (Knuth, 6.4).
const golden = 0x9e3779b97f4a7c15

// home is where the search for a key begins.
func (t *table) home(key uint64) int { return int(key * golden >> t.shift) }

// get gives the flow of a key, nil if there is none.
func (t *table) get(key uint64) *flow {
	if t.taken == 0 {
		return nil
	}
	mask := len(t.slots) - 1
	for i := t.home(key); ; i++ {
		if s := &t.slots[i&mask]; s.flow == nil || s.key == key {
			return s.flow
		}
	}
}

// add puts a flow in, under its key, which is not there.
func (t *table) add(f *flow) {
	if 8*t.taken >= 5*len(t.slots) {
		old := t.slots
		t.slots = make([]slot, max(8, 2*len(old)))
		t.shift = 64 - bits.TrailingZeros(uint(len(t.slots)))
		for _, s := range old {
			if s.flow != nil {
				t.put(s)
			}
		}
	}
	t.put(slot{f.key, f})
	t.taken++
}

func (t *table) put(s slot) {
	i, mask := t.home(s.key), len(t.slots)-1
	for t.slots[i].flow != nil {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}

// remove takes out the flow of a key that is there, and moves those behind it up that would not
// be found any more.
func (t *table) remove(key uint64) {
	mask := len(t.slots) - 1
	i := t.home(key)
	for t.slots[i].key != key || t.slots[i].flow == nil {
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; t.slots[j].flow != nil; j = (j + 1) & mask {
		// Its way from home to j leads over the hole.
		if (j-t.home(t.slots[j].key))&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = slot{}
	t.taken--
}

// all gives the flows in no order that means anything. None may be added or removed meanwhile.
func (t *table) all() iter.Seq[*flow] {
	return func(yield func(*flow) bool) {
		for _, s := range t.slots {
			if s.flow != nil && !yield(s.flow) {
				return
			}
		}
	}
}
