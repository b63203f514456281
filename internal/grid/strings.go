package grid

import "unsafe"

// Strings is an immutable pool of texts, addressed by index. All texts lie in one
// arena without separators, so that a pool of n texts costs their bytes and 4n more.
type Strings struct {
	arena []byte
	ends  []uint32 // ends[i] is the offset just past text i
}

// Len is the number of texts in the pool.
func (s *Strings) Len() int {
	if s == nil {
		return 0
	}
	return len(s.ends)
}

// At gives text i, without copying. An index outside of the pool gives "".
func (s *Strings) At(i uint32) string {
	if s == nil || int(i) >= len(s.ends) {
		return ""
	}
	start := uint32(0)
	if i > 0 {
		start = s.ends[i-1]
	}
	end := s.ends[i]
	if start == end {
		return ""
	}
	// The arena is only ever appended to, so these bytes never change.
	return unsafe.String(&s.arena[start], int(end-start))
}

// MemoryBytes is what the pool keeps alive.
func (s *Strings) MemoryBytes() int64 {
	if s == nil {
		return 0
	}
	return int64(cap(s.arena)) + 4*int64(cap(s.ends))
}

// StringsBuilder grows a pool. It is used by one goroutine; the pools that Pool gives
// out on the way stay valid and unchanged while it goes on.
type StringsBuilder struct {
	arena  []byte
	ends   []uint32
	intern map[string]uint32
}

// maxPoolBytes bounds a pool, whose offsets are 32 bits wide.
const maxPoolBytes = 1<<32 - 1

// Grow makes room for about n more texts of size bytes in all.
func (b *StringsBuilder) Grow(n int, size int64) {
	if need := int64(len(b.arena)) + size; need > int64(cap(b.arena)) && need < maxPoolBytes {
		b.arena = append(make([]byte, 0, need), b.arena...)
	}
	if need := len(b.ends) + n; need > cap(b.ends) {
		b.ends = append(make([]uint32, 0, need), b.ends...)
	}
}

// Append adds a text and gives its index; ok is false where the pool is full.
func (b *StringsBuilder) Append(text []byte) (index uint32, ok bool) {
	if len(b.arena)+len(text) > maxPoolBytes {
		return 0, false
	}
	b.arena = append(b.arena, text...)
	b.ends = append(b.ends, uint32(len(b.arena)))
	return uint32(len(b.ends) - 1), true
}

// maxInterned bounds the map behind Intern: texts that repeat do so early.
const maxInterned = 1 << 16

// Intern is Append for texts that may repeat: an equal text gets the same index.
func (b *StringsBuilder) Intern(text []byte) (index uint32, ok bool) {
	if i, seen := b.intern[string(text)]; seen {
		return i, true
	}
	index, ok = b.Append(text)
	if ok && len(b.intern) < maxInterned {
		if b.intern == nil {
			b.intern = make(map[string]uint32)
		}
		b.intern[string(text)] = index
	}
	return index, ok
}

// Len is the number of texts so far.
func (b *StringsBuilder) Len() int { return len(b.ends) }

// Pool gives the texts so far as a pool.
func (b *StringsBuilder) Pool() *Strings {
	return &Strings{arena: b.arena[:len(b.arena):len(b.arena)], ends: b.ends[:len(b.ends):len(b.ends)]}
}

// Finish gives the finished pool in memory that fits it, and ends the builder.
func (b *StringsBuilder) Finish() *Strings {
	p := &Strings{arena: b.arena, ends: b.ends}
	if waste := cap(b.arena) - len(b.arena); waste > len(b.arena)/8 {
		p.arena = append(make([]byte, 0, len(b.arena)), b.arena...)
	}
	if waste := cap(b.ends) - len(b.ends); waste > len(b.ends)/8 {
		p.ends = append(make([]uint32, 0, len(b.ends)), b.ends...)
	}
	*b = StringsBuilder{}
	return p
}
