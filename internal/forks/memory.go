package forks

// What live forks take. The contents of a fork share what they have in common, with one
// another and with the base, so that a version more costs its patches and mostly no more; but
// a thousand forks with some versions each are more than their workbook. All that live forks
// hold beside their bases is therefore weighed and kept within one budget of the store:
//
//   - a fork keeps the content of its newest version, and of the others no more than its part;
//   - beyond the budget the forks that had nothing to do for the longest are let go.
//
// A fork in memory holds its base there, too, whether the cache of workbooks still has it or not.
// What the bases take together has a budget of its own, and the same forks go first.
//
// Nothing is lost by either: whatever is not at hand is made again from base and journal, by
// anchorEvery edits at most. Reads of a newest version that is at hand pass the actor by, and so
// count as nothing to do; the read after that restores the fork and puts it behind the others.

import (
	"slices"
	"unsafe"

	"gridflow/internal/book"
	"gridflow/internal/workspace"
)

// kept is a content at hand.
type kept struct {
	version uint64
	snap    *book.Snapshot
	bytes   int64 // that it has over the one before it in the list, or over the base
}

const (
	keptMax    = 32        // contents that one fork keeps at hand
	liveShare  = 12        // live forks may take one part in so many of what their bases take
	liveLeast  = 512 << 10 // bytes that they may take in any case
	forksLeast = 16        // forks that stay whatever they take: who works with a few large ones must not wait for them at every turn
	keptShare  = 4         // older contents of all forks together may take one part in so many of the budget
)

// atHand gives the content of a version, nil where it is not kept.
func (l *live) atHand(v uint64) *book.Snapshot {
	for i := range l.kept {
		if l.kept[i].version == v {
			return l.kept[i].snap
		}
	}
	return nil
}

// remember keeps a content at hand, in the place of what it was before it was calculated.
func (l *live) remember(v uint64, snap *book.Snapshot) {
	if i := slices.IndexFunc(l.kept, func(k kept) bool { return k.version == v }); i >= 0 {
		if !l.kept[i].snap.Stale() || snap.Stale() {
			return
		}
		l.forget(i)
	}
	l.kept = append(l.kept, kept{version: v, snap: snap})
	l.measure(len(l.kept) - 1)
}

// forget drops the content number i of those at hand.
func (l *live) forget(i int) {
	copy(l.kept[i:], l.kept[i+1:])
	l.kept[len(l.kept)-1] = kept{}
	l.kept = l.kept[:len(l.kept)-1]
	if i < len(l.kept) {
		l.measure(i) // what it shared with the other is its own now
	}
}

func (l *live) measure(i int) {
	var before *book.Snapshot
	if i > 0 {
		before = l.kept[i-1].snap
	}
	l.kept[i].bytes = l.kept[i].snap.BytesOver(before)
}

// trim drops the oldest contents, but for the present one, until those that are left are few
// enough and take no more than most bytes besides it.
func (l *live) trim(most int64) {
	if len(l.line.versions) == 0 {
		return
	}
	present := l.line.content(l.line.head())
	for {
		var bytes int64
		oldest := -1
		for i := range l.kept {
			if l.kept[i].version == present {
				continue
			}
			if bytes += l.kept[i].bytes; oldest < 0 {
				oldest = i
			}
		}
		if oldest < 0 || bytes <= most && len(l.kept) <= keptMax {
			return
		}
		l.forget(oldest)
	}
}

// weigh drops what l should no longer keep and tells the store what it takes.
func (l *live) weigh() {
	s := l.store
	if s.weighings.Add(1)%64 == 1 {
		s.liveMost.Store(s.budget())
	}
	var n int64
	if !l.gone {
		l.trim(s.liveMost.Load() / keptShare / int64(max(s.registry.Live(), 1)))
		n = l.bytes()
	}
	l.takes(n)
}

// takes notes that l takes n bytes.
func (l *live) takes(n int64) {
	l.store.liveBytes.Add(n - l.weight)
	l.weight = n
}

// The sizes of what a fork has only while it is live, in bytes: its actor with its entry in
// the registry, and a hold.
const (
	actorBytes = 200
	holdBytes  = 88
)

// bytes is about what l takes beside its bases.
func (l *live) bytes() int64 {
	line := &l.line
	n := int64(unsafe.Sizeof(*l)) + actorBytes + int64(holdBytes*(len(l.bases)+1))
	n += int64(cap(line.versions))*int64(unsafe.Sizeof(version{})) + int64(8*(cap(line.undo)+cap(line.redo)))
	n += int64(cap(line.checkpoints))*int64(unsafe.Sizeof(Checkpoint{})) + int64(cap(line.staged))*int64(unsafe.Sizeof(Staged{}))
	n += int64(cap(l.kept)) * int64(unsafe.Sizeof(kept{}))
	for i := range l.kept {
		n += l.kept[i].bytes
	}
	return n
}

// budget is what live forks may take together.
func (s *Store) budget() int64 {
	if s.o.LiveBytes > 0 {
		return s.o.LiveBytes
	}
	return max(s.baseBytes()/liveShare, liveLeast)
}

// baseBytes is what the bases of forks take that are in memory.
func (s *Store) baseBytes() (n int64) {
	s.mu.Lock()
	bases := make([]workspace.Base, 0, len(s.standing))
	for _, at := range s.standing {
		bases = append(bases, at.base)
	}
	s.mu.Unlock()
	for _, b := range bases {
		n += s.bases.BaseMemory(b)
	}
	return n
}

// shed lets forks go that had nothing to do, while all of them take too much together. It
// goes somewhat below the budget, so that not every message has to.
func (s *Store) shed() {
	if s.o.BaseBytes > 0 && s.registry.Live() > 1 && s.dueBases() && s.baseBytes() > s.o.BaseBytes {
		s.registry.ReleaseIdle() // one at a message: what it held may be gone only later
	}
	most := s.liveMost.Load()
	if s.liveBytes.Load() <= most {
		return
	}
	for s.liveBytes.Load() > most-most/8 && s.registry.Live() > forksLeast && s.registry.ReleaseIdle() {
	}
}

// basesAtOnce is how many bases are looked at without a thought of what that costs.
const basesAtOnce = 64

// dueBases reports whether it is time to look what bases take: after each message, or where there
// are many of them after so many messages more.
func (s *Store) dueBases() bool {
	s.mu.Lock()
	n := len(s.standing)
	s.mu.Unlock()
	return n <= basesAtOnce || s.weighings.Load()%uint64(n/basesAtOnce) == 0
}
