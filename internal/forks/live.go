package forks

import (
	"context"
	"fmt"
	"hash/fnv"

	"gridflow/internal/book"
	"gridflow/internal/workspace"
)

// live is a fork that somebody uses: its line, and contents that were made of it. It
// belongs to one message of its actor at a time.
type live struct {
	store *Store
	fork  *fork
	line  line

	bases      []base // those of the line, by their numbers in it; the last ones may be missing
	kept       []kept // contents at hand, the one made or asked for first in front
	clock      clock  // that a content at hand was calculated with
	unanchored int    // edits since an anchor when one could not be written
	shortenAt  uint64 // the version from which on it is looked again whether the line is too long
	weight     int64  // bytes, as the store knows it
	why        string // the newest content cannot be calculated
	gone       bool   // discarded: it only waits to be let go
}

// base is a base in use.
type base struct {
	hold   *workspace.Hold // nil where it was not needed yet
	opened *book.Snapshot  // as ground gives it; nil where it was not asked
}

// restore makes the history of a fork from the journal. Its contents wait until somebody
// wants them: to be told of, or to be discarded, a fork needs no base.
func (s *Store) restore(_ context.Context, id string) (*live, error) {
	f := s.fork(id)
	if f == nil {
		return nil, notFound(id)
	}
	l := &live{store: s, fork: f}
	for entry, err := range s.log.All(f.stream) {
		if err == nil {
			var e event
			if e, _, err = decode(entry.Data); err == nil {
				err = l.line.apply(kind(entry.Kind), e, entry.Pos, entry.Time)
				s.replayed.Add(1)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("fork %s: record %d of its journal: %w", id, entry.Seq, err)
		}
	}
	return l, nil
}

// newest gives the newest version, from then on to everybody.
func (l *live) newest(ctx context.Context) (*book.Snapshot, *workspace.Hold, error) {
	snap, hold, err := l.at(ctx, l.line.head())
	if err == nil {
		l.show(snap, hold)
	}
	return snap, hold, err
}

// show publishes the newest version, if it was not yet.
func (l *live) show(snap *book.Snapshot, hold *workspace.Hold) {
	if l.fork.snapshot() == nil {
		l.fork.publish(&head{snap, hold.Again()}, l.info(snap.Stale()))
		l.finishBehind(snap)
	}
}

// letGo ends the use of a fork; the next one restores it.
func (s *Store) letGo(_ string, l *live, _ error) { l.release() }

func (l *live) release() {
	l.fork.publish(nil, nil)
	releaseAll(l.bases)
	l.bases, l.kept = nil, nil
	l.takes(0)
}

func releaseAll(bases []base) {
	for _, b := range bases {
		if b.hold != nil {
			b.hold.Release()
		}
	}
}

// hold gives the base number i in use, for as long as l lives.
func (l *live) hold(ctx context.Context, i int) (*workspace.Hold, error) {
	b := l.base(i)
	if b.hold == nil {
		h, err := l.store.bases.HoldBase(ctx, l.line.bases[i])
		if err != nil {
			return nil, err
		}
		b.hold = h
	}
	return b.hold, nil
}

func (l *live) base(i int) *base {
	for len(l.bases) <= i {
		l.bases = append(l.bases, base{})
	}
	return &l.bases[i]
}

// held gives the hold on what a version stands on, nil where there is none.
func (l *live) held(v uint64) *workspace.Hold { return l.base(int(l.line.rec(v).base)).hold }

// ground gives the base number i as the fork's versions are made on it. Where the file has no values
// of its formulas, time and chance are those of the fork's beginning, after a restart as well.
func (l *live) ground(hold *workspace.Hold, i int) *book.Snapshot {
	b := l.base(i)
	if b.opened == nil {
		b.opened = l.openedAs(hold)
	}
	return b.opened
}

// openedAs is ground for a base that may be none of the fork's yet. Its number plays no part in it: a
// base has another one once those before it are needed no more.
func (l *live) openedAs(hold *workspace.Hold) *book.Snapshot {
	seed := fnv.New64a()
	_, _ = seed.Write([]byte(l.fork.id + nameOf(hold.Base)))
	at := book.MomentAt(l.line.created.In(l.store.o.Now().Location()), seed.Sum64())
	return hold.Snapshot().As(l.fork.id, 0).OpenedAt(at)
}

// at gives the snapshot of a version, with the hold that it stands on, which is l's.
func (l *live) at(ctx context.Context, v uint64) (*book.Snapshot, *workspace.Hold, error) {
	if v < l.line.first {
		return nil, nil, l.goneBy("fork %s does not keep version %d any more", l.fork.id, v)
	}
	if v > l.line.head() {
		return nil, nil, fail(CodeVersion, "Call fork_history for the versions that there are", "fork %s has no version %d, the newest is %d", l.fork.id, v, l.line.head())
	}
	hold, err := l.hold(ctx, int(l.line.rec(v).base))
	if err != nil {
		return nil, nil, err
	}
	content, err := l.content(ctx, l.line.content(v), hold)
	if err != nil {
		return nil, nil, err
	}
	return content.As(l.fork.id, v), hold, nil
}

// content makes the content of a version: from the nearest one that is at hand or stands
// whole in the journal, by the edits that were made since.
func (l *live) content(ctx context.Context, v uint64, hold *workspace.Hold) (*book.Snapshot, error) {
	if snap := l.atHand(v); snap != nil {
		l.remember(v, snap)
		return snap, nil
	}
	var edits []uint64
	var snap *book.Snapshot
	var from *version // the content at hand, or calculated since, that it begins with
	at := v
	for snap == nil {
		rec := l.line.rec(at)
		switch {
		case l.atHand(at) != nil:
			snap, from = l.atHand(at), rec
		case rec.anchor != 0 || rec.fresh:
			pos := rec.anchor
			if pos == 0 {
				pos = rec.pos
			}
			base := l.ground(hold, int(rec.base))
			edit, ok, err := l.edit(pos)
			if err != nil {
				return nil, err
			}
			if snap = base; ok {
				if snap, _, err = base.Replay(ctx, edit); err != nil {
					return nil, err
				}
			}
			if edit.HasResults() {
				if snap, err = l.resulting(ctx, at, snap, edit); err != nil {
					return nil, err
				}
				from = rec
			}
		default:
			edits = append(edits, at)
			at = rec.parent
		}
	}
	for i := len(edits) - 1; i >= 0; i-- {
		edit, ok, err := l.edit(l.line.rec(edits[i]).pos)
		if err != nil {
			return nil, err
		}
		if !ok { // a calculation, which the one at the end goes beyond
			at = edits[i]
			continue
		}
		next, _, err := snap.Replay(ctx, edit)
		if l.line.rec(edits[i]).kind == valued && err == nil {
			// All that formulas gave before is replaced, so that nothing of it has to be calculated.
			snap, at, from = next, edits[i], l.line.rec(edits[i])
			continue
		}
		if err == nil && (!next.SameArrays(snap) || next.Workbook().Iterative) {
			// Of two arrays that want a cell the one that is there first gets it, and an iteration
			// goes on from where the one before came to. Else one calculation in the end does for all.
			if snap.Stale() {
				if snap, err = l.calculated(ctx, at, snap, from); err != nil {
					return nil, err
				}
				from = l.line.rec(at)
				next, _, err = snap.Replay(ctx, edit)
			}
			if err == nil {
				next, err = l.calculated(ctx, edits[i], next, from)
				from = l.line.rec(edits[i])
			}
		}
		if err != nil {
			return nil, fmt.Errorf("fork %s: version %d: %w", l.fork.id, edits[i], err)
		}
		snap, at = next, edits[i]
	}
	snap, err := l.calculated(ctx, v, snap, from)
	if err != nil {
		return nil, err
	}
	l.remember(v, snap)
	return snap, nil
}

// calculated gives the content of a version with its formulas calculated as they were when it
// was made, if that can be done within the budget of a commit: else it is stale. snap has the
// cells of the content; from is the content that it was made from, nil where that was the base. A
// version from before there were calculations, and one of a workbook with a sheet that cannot be
// read, stays stale.
//
// One calculation is enough, however many there were on the way: each gives what follows from
// the cells and its own moment, and the last moment counts.
func (l *live) calculated(ctx context.Context, v uint64, snap *book.Snapshot, from *version) (*book.Snapshot, error) {
	rec := l.line.rec(v)
	if !rec.timed || rec.kind == valued {
		return snap, nil
	}
	all := rec.whole && (from == nil || !from.whole)
	again := from == nil || !from.timed || from.calc != rec.calc
	if !all && !snap.Stale() && !again {
		return snap, nil
	}
	newest := v == l.line.content(l.line.head())
	if newest && l.why != "" || l.store.pending(l.fork.id, v) {
		return snap, nil // it cannot be done, or is; who wants it now gets what there is
	}
	at, err := l.moment(v)
	if err != nil || at == nil || l.store.o.CalcBudget < 0 {
		return snap, err
	}
	fresh, _, err := l.store.again(ctx, snap, *at, all)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		if newest {
			l.why = staleWhy(err)
		}
		return snap, nil
	}
	return fresh, nil
}

// info is what is known of the fork.
func (l *live) info(stale bool) *Info {
	i := l.line.info(l.fork.id, stale)
	if stale {
		i.StaleWhy = l.why
	}
	return i
}

// clock is a moment that was read from a record. Many contents have it, and it is asked for
// again and again.
type clock struct {
	pos position // of the record, 0: none was read
	at  *book.Moment
}

// moment gives the clock and the seed that the content of a version is calculated with, nil
// where none were recorded.
func (l *live) moment(v uint64) (*book.Moment, error) {
	pos := l.line.rec(l.line.rec(v).calc).pos
	if l.clock.pos == pos {
		return l.clock.at, nil
	}
	entry, err := l.store.log.At(pos)
	if err != nil {
		return nil, err
	}
	e, _, err := decode(entry.Data)
	if err == nil {
		l.clock = clock{pos, e.Calc}
	}
	return e.Calc, err
}

// finishBehind has the newest version calculated by and by, where it is stale.
func (l *live) finishBehind(snap *book.Snapshot) {
	if snap == nil || !snap.Stale() || l.why != "" || l.store.o.CalcBudget < 0 {
		return
	}
	if at, err := l.moment(l.line.content(l.line.head())); err == nil && at != nil {
		l.store.behind(l, snap, *at)
	}
}

// edit reads the edit of a record; ok is false where it has none.
func (l *live) edit(pos position) (e book.Edit, ok bool, err error) {
	entry, err := l.store.log.At(pos)
	if err != nil {
		return e, false, err
	}
	_, payload, err := decode(entry.Data)
	if err != nil || len(payload) == 0 {
		return e, false, err
	}
	e, err = book.DecodeEdit(payload)
	return e, err == nil, err
}

// commit makes one record durable, and then what follows from it true. Nothing happens
// where it fails, and it cannot be cancelled any more. snap is the content of the version
// that the record makes, nil where it makes none.
func (l *live) commit(k kind, e event, edit *book.Edit, snap *book.Snapshot) error {
	var payload []byte
	if edit != nil {
		payload = edit.AppendTo(nil)
	}
	if snap != nil && k != moved {
		e.Fresh, e.Whole = !snap.Stale(), snap.Whole()
	}
	entry, err := l.store.log.Append(l.fork.stream, uint8(k), e.encode(payload))
	if err != nil {
		return l.store.journalError(err)
	}
	if err := l.line.apply(k, e, entry.Pos, entry.Time); err != nil {
		panic(err) // it is durable, and replay would stumble over it as well
	}
	l.fork.used.note()
	if k == rebased {
		l.base(len(l.line.bases) - 1).hold = e.hold.Again()
	}
	v := l.line.head()
	if snap != nil {
		l.store.supersede(l.fork.id)
		l.remember(l.line.content(v), snap)
		// Its base is held: the content was made on it.
		l.fork.publish(&head{snap.As(l.fork.id, v), l.held(v).Again()}, l.info(snap.Stale()))
		l.store.commits.Add(1)
		l.store.changed(l.fork.id, v)
		return nil
	}
	l.fork.setInfo(l.info(l.fork.known().Stale))
	return nil
}

// anchorEvery is the number of edits after which a content is written whole, so that making
// it again takes no more than as many edits.
const anchorEvery = 256

// resultsMax is how many values an anchor may have that a calculation of its cells does not give.
const resultsMax = 4096

// standing gives the edit of the file that makes the content of a version, with all values of
// formulas. What the cells are is not enough: a formula that was edited and set back, or what
// reads a value that was, looks as if it had never been touched, and calculated again it keeps the
// value of the file, which may be another one than ours; and an iteration goes on from where the
// one before came to. Such values go with the edit. ok is false where that does not do: where
// an array fills other cells, of two that want the same; and where more cells differ than may be
// taken up at once.
func (l *live) standing(ctx context.Context, hold *workspace.Hold, v uint64, snap *book.Snapshot) (whole book.Edit, ok bool, err error) {
	if snap.Given() {
		return whole, false, nil // no calculation comes to what another program gave
	}
	if far, err := l.store.far(ctx, hold.Snapshot(), snap); far || err != nil {
		return whole, false, err
	}
	whole, err = book.Between(ctx, hold.Snapshot(), snap)
	if err != nil {
		return whole, false, err
	}
	if l.store.o.CalcBudget < 0 || snap.Stale() {
		// Nothing was calculated, and what will be is up to the edit alone.
		return whole, l.store.o.CalcBudget < 0 || l.why != "", nil
	}
	at, err := l.moment(l.line.content(v))
	if err != nil || at == nil {
		return whole, err == nil, err
	}
	again, _, err := l.ground(hold, int(l.line.rec(l.line.content(v)).base)).Apply(ctx, whole)
	if err != nil {
		return whole, false, err
	}
	if again, _, err = l.store.again(ctx, again, *at, snap.Whole()); err != nil {
		return whole, false, err
	}
	results, ok, err := book.Results(ctx, again, snap, resultsMax)
	if err != nil || !ok || len(results) == 0 {
		return whole, ok, err
	}
	whole.Ops = append(whole.Ops, results...)
	if again, err = again.WithResults(ctx, whole); err != nil {
		return whole, false, err
	}
	ok, err = book.SameValues(ctx, again, snap)
	return whole, ok, err
}

// resulting gives the content of a version that was made by an edit of the file, with what the
// edit says of values that a calculation does not give. It takes as long as it takes: they cannot be
// put in later.
func (l *live) resulting(ctx context.Context, v uint64, snap *book.Snapshot, edit book.Edit) (*book.Snapshot, error) {
	at, err := l.moment(v)
	if err != nil || at == nil || l.store.o.CalcBudget < 0 {
		return snap, err
	}
	if snap, _, err = l.store.calculate(ctx, snap, *at, l.line.rec(v).whole, book.Limits{}); err != nil {
		return nil, err
	}
	return snap.WithResults(ctx, edit)
}

// anchor writes the present content whole if it is time. It is no part of a promise: a
// failure is seen at the next commit. A content that would not come of it again is not written,
// and looked at again after as many edits more.
func (l *live) anchor(ctx context.Context) {
	v := l.line.head()
	depth := int(l.line.rec(l.line.content(v)).depth)
	if depth < anchorEvery {
		l.unanchored = 0
	}
	if depth < l.unanchored+anchorEvery {
		return
	}
	snap, hold, err := l.at(ctx, v)
	if err != nil {
		return
	}
	whole, ok, err := l.standing(ctx, hold, v, snap)
	if err != nil || !ok {
		l.unanchored = depth
		return
	}
	_ = l.commit(anchored, event{Of: v}, &whole, nil) // see above: the next commit fails by the same journal
}
