package forks

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"gridflow/internal/audit"
	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/principal"
	"gridflow/internal/workspace"
)

// CreateOptions say how a fork begins.
type CreateOptions struct {
	Label string
	TTL   time.Duration // 0: that of the store
}

// Create makes a fork of a workbook as it is now, or of a version of another fork. Nothing
// of the workbook is copied but its file, once per revision.
func (s *Store) Create(ctx context.Context, from string, o CreateOptions) (Info, error) {
	if o.TTL < 0 {
		return Info{}, fail(CodeBadInput, "Give a time to live of 0 or more", "a time to live of %v", o.TTL)
	}
	owner := principal.From(ctx).Owner()
	if err := s.reserve(principal.From(ctx)); err != nil {
		return Info{}, err
	}
	var f *fork // once it is made
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		// In one step: a fork that counted twice for a moment would take another's place.
		s.reserved--
		if s.reservedOf[owner]--; s.reservedOf[owner] == 0 {
			delete(s.reservedOf, owner)
		}
		if f != nil {
			s.forks[f.id] = f
		}
	}()
	e := event{Label: text(o.Label), Owner: text(owner), TTL: int64(cmp.Or(o.TTL, s.o.TTL))}
	var payload []byte
	var hold *workspace.Hold
	var stale, whole, calculates bool
	if IsFork(from) {
		h, info, edit, at, err := s.contentOf(ctx, from)
		if err != nil {
			return Info{}, err
		}
		e.Calc = at
		given := h.snap.Given() && !h.snap.Stale()
		if given { // no calculation would come to the values that another program gave
			e.Calc = nil
			values, err := h.snap.Values(ctx, func(_ int, c grid.Cell) cell.Value { return c.Value })
			if err != nil {
				h.hold.Release()
				return Info{}, err
			}
			edit.Ops = append(edit.Ops, values.Ops...)
		}
		hold, payload, stale, calculates = h.hold, edit.AppendTo(nil), h.snap.Stale(), !given
		whole = h.snap.Whole()
		e.Workbook, e.Path, e.Root, e.From = info.Workbook, info.Path, info.Root, fmt.Sprintf("%s@%d", info.ID, h.snap.Version)
		if !s.standBeside(hold.Base) { // the other was discarded meanwhile, and its base with it
			hold.Release()
			return Info{}, notFound(from)
		}
	} else {
		entry, h, err := s.keep(ctx, from)
		if err != nil {
			return Info{}, err
		}
		hold, e.Workbook, e.Path, e.Root = h, entry.ID, entry.Path, entry.Root
	}
	defer hold.Release()
	e.Base, e.Fresh, e.Whole = &hold.Base, !stale, whole
	if e.Calc == nil && calculates && len(payload) > 0 {
		e.Calc = s.moment()
	}
	id := "fork-" + randomID()
	rec, err := s.log.Append(id, uint8(created), e.encode(payload))
	if err != nil {
		s.leaveAfter(err, hold.Base)
		return Info{}, s.journalError(err)
	}
	var l line
	if err := l.apply(created, e, rec.Pos, rec.Time); err != nil {
		panic(err) // it is durable, and replay would stumble over it as well
	}
	f = &fork{id: id, stream: id, used: lastUse{began: time.Now()}, info: l.info(id, stale)}
	audit.Record(ctx, audit.Change{Kind: audit.ForkMade, ID: id, Path: e.Path, Root: e.Root})
	return f.known(), nil
}

// reserve takes a place for a fork that is to be made, in all and of the principal's own. It fails
// where there is none. Those that are being made count: who asks for many at once gets no more.
func (s *Store) reserve(p *principal.Principal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p != nil && p.MaxForks > 0 {
		n := s.reservedOf[p.Name]
		for _, f := range s.forks {
			if f.owner() == p.Name {
				n++
			}
		}
		if n >= p.MaxForks {
			return fail(CodeLimit, "Discard one that is no longer needed (list_forks, discard_fork)", "you have %d forks, which is as many as you may have", n)
		}
	}
	if len(s.forks)+s.reserved >= s.o.Max {
		return fail(CodeLimit, "Discard one that is no longer needed (list_forks, discard_fork), or ask the operator for a greater --max-forks", "there are %d forks, which is as many as there may be", s.o.Max)
	}
	s.reserved++
	if s.reservedOf == nil {
		s.reservedOf = make(map[string]int)
	}
	s.reservedOf[p.Owner()]++
	return nil
}

// contentOf gives a version of a fork, its hold, what it has over its base as one edit, and when
// it was calculated.
func (s *Store) contentOf(ctx context.Context, from string) (h head, info Info, edit book.Edit, at *book.Moment, err error) {
	id, version, err := split(from)
	if err != nil {
		return
	}
	var stands bool
	// All of it in one message: the version might go in between.
	err = s.call(ctx, id, func(ctx context.Context, l *live) error {
		v := l.line.head()
		if version != nil {
			v = *version
		}
		snap, hold, err := l.at(ctx, v)
		if err != nil {
			return err
		}
		if v == l.line.head() {
			l.show(snap, hold)
		}
		if at, err = l.moment(l.line.content(v)); err != nil {
			return err
		}
		if snap.Workbook().Iterative { // where it has come to is no matter of its cells alone
			if edit, stands, err = l.standing(ctx, hold, v, snap); err != nil {
				return err
			}
		}
		h, info = head{snap, hold.Again()}, l.fork.known()
		return nil
	})
	if err != nil {
		return
	}
	if !stands {
		if err = s.near(ctx, h.hold.Snapshot(), h.snap); err == nil {
			edit, err = book.Between(ctx, h.hold.Snapshot(), h.snap)
		}
	}
	if err != nil {
		h.hold.Release()
	}
	return
}

// idAlphabet leaves out the characters that are read as one another.
const idAlphabet = "23456789abcdefghijkmnpqrstuvwxyz"

// randomID gives twelve characters that nobody can guess.
func randomID() string {
	var b [12]byte
	rand.Read(b[:])
	for i, c := range b {
		b[i] = idAlphabet[c&31]
	}
	return string(b[:])
}
