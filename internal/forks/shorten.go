package forks

// How a line gets shorter.
//
// The journal frees a segment when no living stream has a record in it, so that a fork which
// is edited for a year keeps the segments of a year. A line that has become long is therefore
// told again, in another stream of the journal:
//
//  1. The new stream begins with the record resumed: the oldest version that is to stay, with its
//     content whole.
//  2. The records of all later versions follow as they are, with the time at which they were
//     written first. A move to a content that goes becomes the record brought, which has that
//     content whole; another move to it goes to that version. Staged changes come after.
//  3. The record complete has what else the line has: checkpoints, steps to undo, hashes of what
//     was saved. It is synced, and only then is the old stream ended.
//
// All of it happens within a message of the fork's actor, so that no commit comes between. After
// a crash there may be both streams: if the newer one has its complete, the older is ended, else
// the newer is. No moment is without a whole line.
//
// With Options.History it leaves out versions that are further back. Without, it loses nothing:
// it only gathers what is strewn over many segments.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/journal"
	"gridflow/internal/workspace"
)

const (
	broughtMax = 8         // contents that a line may bring along from versions that go; where there were more, these stay
	redoKept   = 4         // what a redo would go to stays, up to so many times the length that is kept
	strewnMin  = 8         // segments from which on a line is gathered
	strewnPart = 256 << 10 // bytes that it has in each of them at most, on the average
	chunkBytes = 1 << 20   // of the new stream that are written and synced together
)

// streamsOf gives the streams of each fork, the older ones first. Those of "fork-x" are "fork-x",
// "fork-x+2", "fork-x+3" and so on.
func streamsOf(streams []string) map[string][]string {
	of := make(map[string][]string, len(streams))
	for _, stream := range streams {
		id, _, _ := strings.Cut(stream, "+")
		of[id] = append(of[id], stream)
	}
	for _, list := range of {
		slices.SortFunc(list, func(a, b string) int { return turnOf(a) - turnOf(b) })
	}
	return of
}

// turnOf gives the number of a stream among those of its fork, from 1 on.
func turnOf(stream string) int {
	_, n, _ := strings.Cut(stream, "+")
	turn, err := strconv.Atoi(n)
	if err != nil || turn < 2 {
		return 1
	}
	return turn
}

// endStream ends a stream whose line is told by another one. Where that fails it is ended at the
// next start.
func (s *Store) endStream(stream string) {
	if s.o.ReadOnly {
		return
	}
	if err := s.log.End(stream); err != nil && !errors.Is(err, journal.ErrNoStream) {
		s.o.Logger.Warn("a stream that tells of a fork that another stream tells of could not be ended", "stream", stream, "error", err)
	}
}

// goneBy is the error for what versions would be needed for that are not kept any more.
func (l *live) goneBy(format string, args ...any) error {
	e := fail(CodeGone, fmt.Sprintf("The oldest version there is now is %d; fork_history lists them. A checkpoint keeps its version, and all later ones, for as long as it is there", l.line.first), format, args...)
	e.Version = l.line.first
	return e
}

// errWhole says that a content would not come of what it has over its base.
var errWhole = errors.New("a content that depends on its history cannot stand for itself")

// shorten tells the line again if it is time. It is no part of a promise: where it fails all
// stays as it is, and it is tried again some versions later.
func (l *live) shorten(ctx context.Context) {
	head, keep := l.line.head(), uint64(l.store.o.History)
	if head < l.shortenAt {
		return
	}
	first := l.line.first
	if keep > 0 && head-first >= 2*keep {
		if f := l.oldestNeeded(keep); f-first >= keep {
			first = f
		} else {
			l.shortenAt = head + 1 + keep/4
		}
	}
	info, _ := l.store.log.Info(l.fork.stream)
	strewn := info.Segments >= strewnMin && info.Bytes/uint64(info.Segments) < strewnPart
	if first == l.line.first && !strewn {
		return
	}
	err := l.retell(ctx, first)
	if err != nil {
		l.shortenAt = head + max(keep/4, anchorEvery)
		l.store.o.Logger.Debug("the line of a fork stays as long as it is for now", "fork", l.fork.id, "error", err)
	}
}

// oldestNeeded gives the oldest version that has to stay where keep versions back are kept.
func (l *live) oldestNeeded(keep uint64) uint64 {
	line := &l.line
	head := line.head()
	first := head - keep
	for _, c := range line.checkpoints {
		first = min(first, c.Version)
	}
	for _, s := range line.staged {
		first = min(first, s.Version)
	}
	for _, v := range line.redo {
		if v+redoKept*keep >= head {
			first = min(first, v)
		}
	}
	for {
		older := map[uint64]bool{}
		for v := first; v <= head; v++ {
			if c := line.content(v); c < first && c != line.content(first) {
				older[c] = true
			}
		}
		if len(older) <= broughtMax {
			return first
		}
		first = slices.Min(slices.Collect(maps.Keys(older)))
	}
}

// retell tells the line from version first on in a new stream, and ends the old one.
func (l *live) retell(ctx context.Context, first uint64) error {
	id, _, _ := strings.Cut(l.fork.stream, "+")
	t := teller{live: l, stream: fmt.Sprintf("%s+%d", id, turnOf(l.fork.stream)+1), contents: map[uint64]uint64{}}
	if err := t.tell(ctx, first); err != nil {
		if _, there := l.store.log.Info(t.stream); there {
			l.store.endStream(t.stream)
		}
		return err
	}
	l.become(&t)
	return nil
}

// teller writes a line to a stream.
type teller struct {
	*live
	stream   string
	line     line              // as the new stream tells it
	contents map[uint64]uint64 // the versions of the contents in it, by those in the old one
	events   []event
	records  []journal.Record
	bytes    int
}

// tell writes what is to be written.
func (t *teller) tell(ctx context.Context, first uint64) error {
	old := &t.live.line
	for v := first; v <= old.head(); v++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := t.version(ctx, v, v == first); err != nil {
			return err
		}
	}
	for _, s := range old.staged {
		if err := t.again(s.pos, s.Created.UnixNano()); err != nil {
			return err
		}
	}
	err := t.add(complete, event{State: &state{
		Created: old.created.UnixNano(), Label: old.label, Edits: old.edits, Undo: t.steps(old.undo), Redo: t.steps(old.redo),
		Checkpoints: old.checkpoints, Saved: old.left, SavedAt: old.savedAt,
	}}, nil)
	if err != nil {
		return err
	}
	return t.flush()
}

// version tells of one version.
func (t *teller) version(ctx context.Context, v uint64, first bool) error {
	old := &t.live.line
	rec := old.rec(v)
	to, there := t.contents[rec.content]
	by := rec.said.Value()
	e := event{At: rec.at, Kind: rec.kind, Why: by.why, Tool: by.tool, Label: by.label, ID: by.id, Cells: rec.cells}
	if first || rec.content != v && !there {
		t.contents[rec.content] = v
		payload, at, err := t.whole(ctx, rec.content)
		if err != nil {
			return err
		}
		content := old.rec(rec.content)
		e.Base, e.Calc, e.Fresh, e.Whole = &old.bases[content.base], at, !content.stale, content.whole
		if first {
			e.First, e.Workbook, e.Path, e.Root, e.Owner, e.From, e.TTL = v, old.workbook, old.path, old.root, old.owner, old.from, int64(old.ttl)
			return t.add(resumed, e, payload)
		}
		return t.add(brought, e, payload)
	}
	if rec.content != v {
		e.Of, e.Kind = to, 0
		return t.add(moved, e, nil)
	}
	t.contents[v] = v
	if err := t.again(rec.pos, rec.at); err != nil {
		return err
	}
	if rec.anchor != 0 {
		return t.again(rec.anchor, 0)
	}
	return nil
}

// whole gives what a content has over its base, as bytes, and when it was calculated.
func (t *teller) whole(ctx context.Context, c uint64) (payload []byte, at *book.Moment, err error) {
	rec := t.live.line.rec(c)
	pos := rec.anchor
	if pos == 0 && rec.fresh {
		pos = rec.pos
	}
	if rec.timed {
		if at, err = t.moment(c); err != nil {
			return nil, nil, err
		}
	}
	if pos != 0 {
		entry, err := t.store.log.At(pos)
		if err != nil {
			return nil, nil, err
		}
		_, payload, err = decode(entry.Data)
		return payload, at, err
	}
	snap, hold, err := t.live.at(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	edit, ok, err := t.standing(ctx, hold, c, snap)
	if err == nil && !ok {
		err = errWhole
	}
	return edit.AppendTo(nil), at, err
}

// again tells what a record has told, with the time at which it was written first.
func (t *teller) again(pos position, at int64) error {
	entry, err := t.store.log.At(pos)
	if err != nil {
		return err
	}
	e, payload, err := decode(entry.Data)
	if err != nil {
		return err
	}
	if e.At == 0 {
		e.At = at
	}
	return t.add(kind(entry.Kind), e, payload)
}

// steps gives the steps that there are on: down to the first of which the content has gone.
func (t *teller) steps(old []uint64) (now []uint64) {
	for _, v := range slices.Backward(old) {
		to, there := t.contents[v]
		if !there {
			break
		}
		now = append(now, to)
	}
	slices.Reverse(now)
	return now
}

func (t *teller) add(k kind, e event, payload []byte) error {
	data := e.encode(payload)
	t.records, t.events, t.bytes = append(t.records, journal.Record{Kind: uint8(k), Data: data}), append(t.events, e), t.bytes+len(data)
	if t.bytes < chunkBytes {
		return nil
	}
	return t.flush()
}

// flush makes durable what was added, and has the new line take it.
func (t *teller) flush() error {
	entries, err := t.store.log.AppendAll(t.stream, t.records)
	if err != nil {
		return err
	}
	for i, entry := range entries {
		if err := t.line.apply(kind(entry.Kind), t.events[i], entry.Pos, entry.Time); err != nil {
			return err
		}
	}
	t.records, t.events, t.bytes = t.records[:0], t.events[:0], 0
	clear(t.records[:cap(t.records)])
	return nil
}

// become makes l the line that was told.
func (l *live) become(t *teller) {
	s, old := l.store, l.line
	s.mu.Lock()
	for _, b := range t.line.bases {
		s.standLocked(b)
	}
	s.mu.Unlock()
	bases := make([]base, len(t.line.bases))
	for i, b := range t.line.bases {
		for _, had := range l.bases {
			if had.hold != nil && nameOf(had.hold.Base) == nameOf(b) {
				bases[i] = base{had.hold.Again(), had.opened}
				break
			}
		}
	}
	releaseAll(l.bases)
	ended := l.fork.stream
	l.bases, l.line, l.fork.stream = bases, t.line, t.stream
	l.clock, l.unanchored, l.shortenAt = clock{}, 0, 0
	for i := len(l.kept) - 1; i >= 0; i-- {
		if to, ok := t.contents[l.kept[i].version]; ok {
			l.kept[i].version = to
		} else {
			l.forget(i)
		}
	}
	s.endStream(ended)
	for _, b := range old.bases {
		s.leave(b)
	}
	if now := l.line.content(l.line.head()); now != old.content(old.head()) {
		// Who calculates the present content behind calls it by the number that it had.
		s.supersede(l.fork.id)
		if snap := l.atHand(now); snap != nil {
			l.finishBehind(snap)
		}
	}
	s.shortened.Add(1)
	l.fork.setInfo(l.info(l.fork.known().Stale))
}

// resume begins a line that is told again.
func (l *line) resume(v version, e event) error {
	if e.Base == nil || e.First > 1<<62 || !slices.Contains([]kind{created, edited, moved, rebased, recalculated, valued}, e.Kind) {
		return fmt.Errorf("%w: it resumes a line in a way that there is not", errRecord)
	}
	*l = line{
		workbook: e.Workbook, path: e.Path, root: e.Root, owner: e.Owner, from: e.From, first: e.First,
		bases: []workspace.Base{*e.Base}, left: make(map[string][]left), retelling: true,
	}
	l.ttl = time.Duration(e.TTL)
	l.entire(v, e, 0)
	return nil
}

// bring adds a version whose content is told with it.
func (l *line) bring(v version, e event) error {
	if e.Base == nil || e.Kind != moved {
		return fmt.Errorf("%w: it brings a version of a kind that has a content of its own", errRecord)
	}
	base := slices.IndexFunc(l.bases, func(b workspace.Base) bool { return nameOf(b) == nameOf(*e.Base) })
	if base < 0 {
		if len(l.bases) == basesMax {
			return fmt.Errorf("%w: more than %d bases", errRecord, basesMax)
		}
		base = len(l.bases)
		l.bases = append(l.bases, *e.Base)
	}
	l.entire(v, e, int16(base))
	return nil
}

// entire adds a version whose record has all of its content.
func (l *line) entire(v version, e event, base int16) {
	n := l.first + uint64(len(l.versions))
	v.kind, v.base, v.entire, v.fresh = e.Kind, base, true, true
	v.content, v.calc, v.timed, v.whole = n, n, e.Calc != nil, e.Whole
	l.versions = append(l.versions, v)
}

// finish ends the telling of a line.
func (l *line) finish(e event) error {
	s := e.State
	if s == nil {
		return fmt.Errorf("%w: nothing is said of the state of the line", errRecord)
	}
	for _, v := range slices.Concat(s.Undo, s.Redo) {
		if !l.has(v) || l.content(v) != v {
			return fmt.Errorf("%w: a step to version %d, which has no content of its own", errRecord, v)
		}
	}
	for _, c := range s.Checkpoints {
		if !l.has(c.Version) {
			return fmt.Errorf("%w: a checkpoint of version %d, which is not there", errRecord, c.Version)
		}
	}
	l.label, l.created, l.edits = s.Label, time.Unix(0, s.Created), s.Edits
	l.undo, l.redo, l.checkpoints, l.savedAt = s.Undo, s.Redo, s.Checkpoints, s.SavedAt
	if s.Saved != nil {
		l.left = s.Saved
	}
	l.retelling = false
	return nil
}
