package analyze

import (
	"math"
	"math/bits"
	"slices"
)

// tallyMax is how many different values a tally counts exactly: 2 MiB of slots.
const tallyMax = 1 << 16

// tally counts how often each value of a stream occurs. Values are known by a 64-bit
// hash; among 65 536 of them two collide once in ten billion columns. Up to tallyMax
// different values all counts are exact. Beyond that the rare ones are dropped and the
// frequent ones keep a count that is too low by at most slack, and the number of
// different values is estimated.
//
// Sources: the frequent-items algorithm of Misra and Gries with the batched decrements
// of Anderson et al., "A High-Performance Algorithm for Identifying Frequent Items in
// Data Streams" (2017); HyperLogLog of Flajolet et al. (2007) with linear counting for
// small numbers. Both are deterministic here: the same stream gives the same answer.
//
// A tally is used by one goroutine; reset makes it ready for the next stream.
type tally struct {
	slots []slot // open addressing, linear probing; a power of two
	spare []slot // as long as slots at their limit: what purge works with
	used  int
	limit int

	repeated bool
	slack    uint32
	hll      *hyperLogLog // set once the limit was passed
}

type slot struct {
	hash  uint64
	count uint32 // 0 where the slot is free
	first uint32 // where the value was first seen
}

func newTally(limit int) *tally {
	return &tally{slots: make([]slot, 256), limit: limit}
}

func (t *tally) reset() {
	clear(t.slots)
	t.used, t.repeated, t.slack, t.hll = 0, false, 0, nil
}

// exact reports whether nothing was dropped.
func (t *tally) exact() bool { return t.hll == nil }

// add counts one value, first seen at a place of the caller's.
func (t *tally) add(hash uint64, at uint32) {
	if t.hll != nil {
		t.hll.add(hash)
	}
	mask := uint64(len(t.slots) - 1)
	i := hash & mask
	for t.slots[i].count != 0 {
		if t.slots[i].hash == hash {
			t.slots[i].count++
			t.repeated = true
			return
		}
		i = (i + 1) & mask
	}
	if t.used >= t.limit {
		if t.hll == nil {
			t.hll = newHyperLogLog()
			for _, s := range t.slots {
				if s.count != 0 {
					t.hll.add(s.hash)
				}
			}
			t.hll.add(hash)
		}
		t.purge()
		t.insert(slot{hash, 1, at})
		return
	}
	if t.used >= len(t.slots)/2 {
		t.grow()
		t.insert(slot{hash, 1, at})
		return
	}
	t.slots[i] = slot{hash, 1, at}
	t.used++
}

func (t *tally) insert(s slot) {
	mask := uint64(len(t.slots) - 1)
	i := s.hash & mask
	for t.slots[i].count != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = s
	t.used++
}

func (t *tally) grow() {
	old := t.slots
	t.slots, t.used = make([]slot, 2*len(old)), 0
	for _, s := range old {
		if s.count != 0 {
			t.insert(s)
		}
	}
}

// purge takes the median count from all counts and drops what is left with nothing,
// which is half of the values or more.
func (t *tally) purge() {
	counts := make([]uint32, 0, t.used)
	for _, s := range t.slots {
		if s.count != 0 {
			counts = append(counts, s.count)
		}
	}
	slices.Sort(counts)
	median := counts[len(counts)/2]
	old := t.slots
	if len(t.spare) != len(old) {
		t.spare = make([]slot, len(old))
	}
	t.slots, t.used = t.spare, 0
	t.slack += median
	for _, s := range old {
		if s.count > median {
			s.count -= median
			t.insert(s)
		}
	}
	clear(old)
	t.spare = old
}

// distinct is the number of different values, and whether it is exact.
func (t *tally) distinct() (n int, exact bool) {
	if t.hll == nil {
		return t.used, true
	}
	return t.hll.estimate(), false
}

// top gives the n most frequent values, those that were seen first before others.
func (t *tally) top(n int) []slot {
	var best []slot
	if n <= 0 {
		return nil
	}
	for _, s := range t.slots {
		if s.count == 0 || len(best) == n && !before(s, best[n-1]) {
			continue
		}
		i, _ := slices.BinarySearchFunc(best, s, func(a, b slot) int {
			if before(a, b) {
				return -1
			}
			return 1
		})
		best = slices.Insert(best, i, s)
		if len(best) > n {
			best = best[:n]
		}
	}
	return best
}

func before(a, b slot) bool { return a.count > b.count || a.count == b.count && a.first < b.first }

// hyperLogLog estimates how many different hashes it was given, with a standard error
// of 0.8 percent from 16 KiB.
type hyperLogLog struct {
	registers [1 << hllBits]uint8
}

const hllBits = 14

func newHyperLogLog() *hyperLogLog { return new(hyperLogLog) }

func (h *hyperLogLog) add(hash uint64) {
	i := hash >> (64 - hllBits)
	rank := uint8(bits.LeadingZeros64(hash<<hllBits|1<<(hllBits-1)) + 1)
	h.registers[i] = max(h.registers[i], rank)
}

func (h *hyperLogLog) estimate() int {
	const m = 1 << hllBits
	sum, zeros := 0.0, 0
	for _, r := range h.registers {
		sum += 1 / float64(uint64(1)<<r)
		if r == 0 {
			zeros++
		}
	}
	e := 0.7213 / (1 + 1.079/m) * m * m / sum
	if e <= 2.5*m && zeros > 0 {
		e = m * math.Log(m/float64(zeros))
	}
	return int(e + 0.5)
}

// hashText hashes a text: FNV-1a with a finisher, the same in every process.
func hashText(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// hashNumber hashes a number or a logical value of the given kind. Adding 0 makes one of
// the two zeros.
func hashNumber(f float64, k Kind) uint64 {
	return mix(math.Float64bits(f+0) + uint64(k)*0x9e3779b97f4a7c15)
}

// mix is the finisher of splitmix64: it spreads every bit over all others.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
