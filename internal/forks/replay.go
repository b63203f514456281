package forks

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"gridflow/internal/book"
	"gridflow/internal/workspace"
	"gridflow/internal/xlsx/patch"
)

// A Replay is what was made again of a fork, from its base and its records.
type Replay struct {
	Info
	Bases   []workspace.Base // that its versions stand on, the first one first
	Edits   int              // that were made again, one after the other
	Cells   int              // that they name
	Anchors int              // contents that stand whole, and are what the edits before them make
}

// Replay makes every version of a fork again, each by its edit on the one before it, and
// looks whether that is what the records say: as many cells in each edit, and where a content
// stands whole in the journal, the same content. It reads only.
func (s *Store) Replay(ctx context.Context, id string) (r Replay, err error) {
	err = s.look(ctx, id, func(l *live) error {
		r = Replay{Info: l.fork.known(), Bases: l.line.bases}
		for v := l.line.first; v <= l.line.head(); v++ {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			if err := l.replay(ctx, v, &r); err != nil {
				return fmt.Errorf("fork %s, version %d: %w", l.fork.id, v, err)
			}
			if len(l.kept) > keptMax {
				l.trim(liveLeast)
			}
		}
		return nil
	})
	return r, err
}

// replay makes a version's own content by its edit.
func (l *live) replay(ctx context.Context, v uint64, r *Replay) error {
	rec := l.line.rec(v)
	if rec.content != v {
		return nil
	}
	hold, err := l.hold(ctx, int(rec.base))
	if err != nil {
		return err
	}
	on := l.ground(hold, int(rec.base))
	if !rec.fresh {
		if on, err = l.content(ctx, rec.parent, hold); err != nil {
			return err
		}
	}
	snap, from := on, (*version)(nil)
	if !rec.fresh {
		from = l.line.rec(rec.parent)
	}
	edit, ok, err := l.edit(rec.pos)
	if err != nil {
		return err
	}
	if ok {
		if snap, _, err = on.Replay(ctx, edit); err != nil {
			return err
		}
		r.Edits, r.Cells = r.Edits+1, r.Cells+edit.Cells()
		if rec.kind == edited && !rec.entire && edit.Cells() != rec.cells {
			return fmt.Errorf("%w: its edit has %d cells, and it says %d", errRecord, edit.Cells(), rec.cells)
		}
	}
	if edit.HasResults() {
		snap, err = l.resulting(ctx, v, snap, edit)
	} else {
		snap, err = l.calculated(ctx, v, snap, from)
	}
	if err != nil {
		return err
	}
	if rec.anchor != 0 {
		whole, _, err := l.edit(rec.anchor)
		if err != nil {
			return err
		}
		made, err := book.Between(ctx, hold.Snapshot(), snap)
		if err != nil {
			return err
		}
		if !bytes.Equal(made.AppendTo(nil), whole.WithoutResults().AppendTo(nil)) {
			return fmt.Errorf("%w: what stands whole in the journal is not what the edits make", errRecord)
		}
		r.Anchors++
	}
	l.remember(v, snap)
	return nil
}

// Written is a workbook that was written somewhere else than in a root.
type Written struct {
	Version  uint64
	Base     workspace.Base
	Cells    int // that it has over its base
	Bytes    int64
	SHA256   string
	Warnings []string
	SavedTo  string // where the fork has saved these very bytes, "" where it has not
}

// WriteTo writes a version of a fork as a workbook, as Save does, but notes nothing. What w
// was given is no workbook before WriteTo has come back without an error.
func (s *Store) WriteTo(ctx context.Context, id string, w io.Writer) (out Written, err error) {
	fork, version, err := split(id)
	if err != nil {
		return out, err
	}
	h, err := s.use(ctx, fork, version)
	if err != nil {
		return out, err
	}
	defer h.hold.Release()
	p, cells, err := patchOf(ctx, h.hold.Snapshot(), h.snap, 0)
	if err != nil {
		return out, err
	}
	hash := sha256.New()
	report, err := patch.Save(ctx, h.hold.File(), p, io.MultiWriter(w, hash))
	if err != nil {
		return out, err
	}
	out = Written{Version: h.snap.Version, Base: h.hold.Base, Cells: cells, Bytes: report.Bytes, SHA256: hex.EncodeToString(hash.Sum(nil))}
	for _, w := range report.Warnings {
		out.Warnings = append(out.Warnings, w.Code+": "+w.Message)
	}
	err = s.look(ctx, fork, func(l *live) error {
		for path, files := range l.line.left {
			for _, f := range files {
				if f.Sum == out.SHA256 {
					out.SavedTo = path
				}
			}
		}
		return nil
	})
	return out, err
}

// BasesOf gives the bases that the versions of a fork stand on, the first one first.
func (s *Store) BasesOf(ctx context.Context, id string) (list []workspace.Base, err error) {
	fork, _, err := split(id)
	if err != nil {
		return nil, err
	}
	err = s.look(ctx, fork, func(l *live) error { list = slices.Clone(l.line.bases); return nil })
	return list, err
}

// Unread is the number of streams of the journal that could not be read as forks.
func (s *Store) Unread() int { return s.unread }
