package kernel

import "cmp"

// heap is a 4-ary min-heap by key, and among equal keys by seq. Each value says where it
// keeps its place, -1 while it is in no heap, so that it can be moved or taken out.
// Keys are kept beside the values: comparing touches no other memory.
type heap[K cmp.Ordered, V any] struct {
	e []entry[K, V]
}

type entry[K cmp.Ordered, V any] struct {
	key   K
	seq   uint64
	place *int
	value V
}

func (h *heap[K, V]) len() int { return len(h.e) }

func (h *heap[K, V]) push(key K, seq uint64, value V, place *int) {
	h.e = append(h.e, entry[K, V]{key, seq, place, value})
	h.up(len(h.e) - 1)
}

// rekey gives the value at place i another key.
func (h *heap[K, V]) rekey(i int, key K) {
	h.e[i].key = key
	h.down(h.up(i))
}

func (h *heap[K, V]) remove(i int) {
	*h.e[i].place = -1
	last := len(h.e) - 1
	moved := h.e[last]
	h.e[last] = entry[K, V]{}
	h.e = h.e[:last]
	if i < last {
		h.e[i] = moved
		*moved.place = i
		h.down(h.up(i))
	}
}

func (a *entry[K, V]) before(b *entry[K, V]) bool {
	return a.key < b.key || a.key == b.key && a.seq < b.seq
}

func (h *heap[K, V]) up(i int) int {
	x := h.e[i]
	for i > 0 {
		parent := (i - 1) / 4
		if !x.before(&h.e[parent]) {
			break
		}
		h.set(i, h.e[parent])
		i = parent
	}
	h.set(i, x)
	return i
}

func (h *heap[K, V]) down(i int) {
	x := h.e[i]
	for {
		first := 4*i + 1
		if first >= len(h.e) {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, len(h.e)); c++ {
			if h.e[c].before(&h.e[least]) {
				least = c
			}
		}
		if !h.e[least].before(&x) {
			break
		}
		h.set(i, h.e[least])
		i = least
	}
	h.set(i, x)
}

func (h *heap[K, V]) set(i int, x entry[K, V]) {
	h.e[i] = x
	*x.place = i
}
