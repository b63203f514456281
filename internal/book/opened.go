package book

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"gridflow/internal/calc"
	"gridflow/internal/grid"
	"gridflow/internal/lazy"
)

// Programs that write workbooks without calculating them leave out the values of formulas, or
// write zeros and ask whoever opens the file to calculate it. Excel does so when it opens one.
// Here it is done when somebody reads a sheet in which values are missing, once for all who
// read the file and for all its forks. Sheets without formulas are never waited for.

// uncalculated reports whether the formulas of a sheet of the file have no values that count.
func (s *Snapshot) uncalculated(sheet *grid.Sheet) bool {
	return s.moved() == nil && sheet.Valueless() > 0 || s.src.Workbook().FullCalcOnLoad && sheet.FormulaCells() > 0
}

// valued gives sheet i of the file as read gives it, or calculated, where it is to be.
func (s *Snapshot) valued(ctx context.Context, i int, read func() (*grid.Sheet, error)) (*grid.Sheet, error) {
	sheet, err := read()
	if err != nil || s.stored || !s.uncalculated(sheet) {
		return sheet, err
	}
	opened, err := s.openedFile(ctx)
	seen, _ := ctx.Value(openedKey{}).(*atomic.Uint32)
	if large := (*calc.ErrTooLarge)(nil); seen != nil && errors.As(err, &large) {
		seen.Or(wasTooLarge)
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil || opened == nil: // another sheet cannot be read: this one can
		return sheet, nil
	}
	if done := opened.edited(i); done != nil {
		if seen != nil {
			seen.Or(wasCalculated)
		}
		return done, nil
	}
	return sheet, nil
}

// opening is the values of what depends on time or chance in a file that has none, for all versions
// of a line.
type opening struct {
	at   Moment
	load lazy.Load[*Snapshot]
}

// OpenedAt gives s with a moment of its own for what depends on time or chance in a file without
// values. Else that is the moment of the first reading, which nobody records: what is to be the
// same after a restart has one that is known.
func (s *Snapshot) OpenedAt(at Moment) *Snapshot {
	t := *s
	t.opens = &opening{at: at}
	return &t
}

// openedFile gives the file's own snapshot with all formulas calculated.
func (s *Snapshot) openedFile(ctx context.Context) (*Snapshot, error) {
	shared, err := s.openedOnce(ctx)
	if err != nil || shared == nil || s.opens == nil || !shared.model.Restless() {
		return shared, err
	}
	return s.opens.load.Wait(ctx, lazy.Whole, func(ctx context.Context, _ *lazy.Publisher[*Snapshot]) (*Snapshot, error) {
		done, _, err := shared.Calculate(ctx, shared, s.opens.at)
		if err != nil {
			return nil, err
		}
		done.sheets = s.withoutValues(done.sheets)
		return done, nil
	})
}

// withoutValues gives the sheets that have no values in the file. The others keep theirs: whoever
// reads one does not wait for this.
func (s *Snapshot) withoutValues(sheets []editedSheet) []editedSheet {
	kept := sheets[:0:0]
	for _, e := range sheets {
		if s.uncalculated(e.base) {
			kept = append(kept, e)
		}
	}
	return kept
}

// openedOnce is openedFile for all lines.
func (s *Snapshot) openedOnce(ctx context.Context) (*Snapshot, error) {
	return s.models.opened.Wait(ctx, lazy.Whole, func(ctx context.Context, _ *lazy.Publisher[*Snapshot]) (*Snapshot, error) {
		file := s.Stored()
		file.opens = nil // that of whoever came first, who goes on to calculate what comes out here
		done, _, err := file.Calculate(ctx, nil, MomentAt(time.Now(), rand.Uint64()))
		if err != nil {
			return nil, err
		}
		done.sheets = s.withoutValues(done.sheets)
		s.models.bytes.Store(done.BytesOver(nil))
		done.stored = false
		return done, nil
	})
}

// Stored gives the workbook as its file has it: without edits, and with the values that stand
// in the file, if any, even where a reader is given calculated ones.
func (s *Snapshot) Stored() *Snapshot {
	base := s.unedited()
	if m := s.moved(); m != nil && !s.stored {
		if _, ok := m.file.models.opened.Peek(); ok {
			base.src = m.over(m.file.Stored(), m.raw)
			base.models = new(models)
		}
	}
	base.stored = true
	return base
}

// OpenedSheets gives the sheets of the file, by index, of which formulas had to be calculated for
// whoever reads them, since the file has no values. It waits for nothing: there may be more later.
func (s *Snapshot) OpenedSheets() []int {
	if opened, ok := s.models.opened.Peek(); ok && opened != nil {
		return opened.EditedSheets()
	}
	return nil
}

type openedKey struct{}

const (
	wasCalculated = 1 << iota
	wasTooLarge
)

// Opened says what reads were given of sheets of which the file has no values.
type Opened struct {
	Calculated bool // values that were calculated
	TooLarge   bool // none, since to calculate them takes more memory than it may
}

// NoteOpened gives a context for reads of snapshots, and a function that says what any of these
// reads was given.
func NoteOpened(ctx context.Context) (context.Context, func() Opened) {
	seen := new(atomic.Uint32)
	return context.WithValue(ctx, openedKey{}, seen), func() Opened {
		what := seen.Load()
		return Opened{Calculated: what&wasCalculated != 0, TooLarge: what&wasTooLarge != 0}
	}
}

// OpenedBytes is about what the values take that were calculated because the file has none.
func (s *Snapshot) OpenedBytes() int64 { return s.models.bytes.Load() }
