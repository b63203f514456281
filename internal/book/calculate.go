package book

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"time"

	"gridflow/internal/calc"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/lazy"
	"gridflow/internal/numfmt"
	"gridflow/internal/until"
)

// Moment is what a calculation reads that is no cell: the clock and what random numbers
// start from. With the same Moment a calculation gives the same values again, so it is kept
// with the version that it made.
type Moment struct {
	Now  float64 `json:"now"` // local time as a serial of the 1900 system
	Seed uint64  `json:"seed"`
}

// MomentAt gives the moment of a time, in the time zone that the time has.
func MomentAt(t time.Time, seed uint64) Moment {
	now, _ := numfmt.ToSerial(t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond()/1e6, numfmt.Date1900)
	return Moment{now, seed}
}

// Limits bound a calculation. The zero Limits are those of the snapshot.
type Limits struct {
	Workers int    // goroutines that calculate at once; as many as there are processors where 0
	Bytes   int64  // that it may take beside the workbook; 0: as many as Snapshot.Within says
	Rest    func() // called now and then where Workers is 1, to let others go first; nil: nobody is let
}

// Calculation says what a calculation did.
type Calculation struct {
	Calculated int // formulas that were run
	Changed    int // cells with another value than before
	Circular   []SheetCell
}

// SheetCell is a cell of a workbook.
type SheetCell struct {
	Sheet string
	Ref   cell.Ref
}

// models is the compiled formulas of a workbook's file, made when they are first needed and
// shared by all its versions and forks.
type models struct {
	base   lazy.Load[*calc.Model]
	opened lazy.Load[*Snapshot] // see Snapshot.valued
	bytes  atomic.Int64         // memory of what opened has
}

// Calculate gives the same version with every formula true that depends on what differs
// from an earlier version of the same line, on time or on chance; with since nil, every
// formula. s itself stays as it is. All sheets are read whole, if they were not yet.
//
// The error is that of ctx, what the Source says of a sheet that cannot be read, or that of CalculateWithin.
func (s *Snapshot) Calculate(ctx context.Context, since *Snapshot, at Moment) (*Snapshot, *Calculation, error) {
	return s.CalculateWithin(ctx, since, at, Limits{})
}

// CalculateWithin is Calculate within limits. A calculation that needs more memory than it may
// take ends with a *[calc.ErrTooLarge].
func (s *Snapshot) CalculateWithin(ctx context.Context, since *Snapshot, at Moment, limits Limits) (*Snapshot, *Calculation, error) {
	in, model, opt, err := s.calculation(ctx, since, at, limits)
	if err != nil {
		return nil, nil, err
	}
	r, err := model.Calculate(ctx, in, opt)
	if err != nil {
		return nil, nil, err
	}
	next, err := s.Calculated(ctx, r.Sheets)
	if err != nil {
		return nil, nil, err
	}
	next.model = r.Model
	next.whole = s.whole || since == nil
	next.given = s.given && since != nil
	c := &Calculation{Calculated: r.Calculated, Changed: r.Changed}
	for _, x := range r.Circular {
		c.Circular = append(c.Circular, SheetCell{in.Book.Sheets[x.Sheet].Name, x.At})
	}
	return next, c, nil
}

// Outcome gives the values that some cells have once the formulas of s are true, and leaves s as
// it is: it saves the making of a version that nobody will read but for these cells. The error is as
// CalculateWithin has it.
func (s *Snapshot) Outcome(ctx context.Context, at Moment, limits Limits, cells []calc.Cell) ([]cell.Value, error) {
	if s.stale {
		in, model, opt, err := s.calculation(ctx, s.before, at, limits)
		if err != nil {
			return nil, err
		}
		return model.Values(ctx, in, opt, cells)
	}
	list := make([]cell.Value, len(cells))
	for i, x := range cells {
		sheet, err := s.SheetTo(ctx, x.Sheet, x.At.Row)
		if err != nil {
			return nil, err
		}
		c, _ := sheet.At(x.At)
		list[i] = c.Value
	}
	return list, nil
}

// calculation gives what a calculation is made of.
func (s *Snapshot) calculation(ctx context.Context, since *Snapshot, at Moment, limits Limits) (in calc.Input, model *calc.Model, opt calc.Options, err error) {
	in, err = s.input(ctx)
	if err != nil {
		return in, nil, opt, err
	}
	model, err = s.modelOf(ctx, in, since)
	if err != nil {
		return in, nil, opt, err
	}
	opt = calc.Options{Now: at.Now, Seed: at.Seed, All: since == nil, Workers: limits.Workers, Bytes: cmp.Or(limits.Bytes, s.most), Rest: limits.Rest}
	if in.Book.Dates == numfmt.Date1904 {
		opt.Now -= days1904
	}
	if since != nil {
		if opt.Sources, err = s.differing(ctx, since, false); err != nil {
			return in, nil, opt, err
		}
		if since == s.before {
			// A formula may have followed the way there and back, where what the file says of its
			// value is not what it gives.
			opt.Sources = append(opt.Sources, s.since...)
			opt.Areas = s.disturbed.areas(model)
		}
		tables, err := since.Tables(ctx)
		if err != nil {
			return in, nil, opt, err
		}
		if !model.SameTables(tables) {
			opt.Areas = append(opt.Areas, model.TableReaders(tables)...)
			// A formula may have named a table by way of a defined name, which says something else now.
			old := since.model
			if old == nil {
				if _, old, err = s.baseModel(ctx); err != nil {
					return in, nil, opt, err
				}
			}
			opt.Areas = append(opt.Areas, old.TableReaders(in.Tables)...)
		}
		if names := since.Workbook().Names; !model.SameNames(names) {
			opt.Areas = append(opt.Areas, model.NameReaders(names)...)
		}
		hid, err := s.hidSince(ctx, since)
		if err != nil {
			return in, nil, opt, err
		}
		if hid || !slices.EqualFunc(tables, in.Tables, func(a, b grid.Table) bool { return a.Filtering == b.Filtering }) {
			// Which rows a filter hides is another matter by that, too.
			opt.Areas = append(opt.Areas, model.Subtotals()...)
		}
	}
	return in, model, opt, nil
}

// input gives the workbook as a calculation sees it.
func (s *Snapshot) input(ctx context.Context) (in calc.Input, err error) {
	in.Book, in.File = s.Workbook(), s.ID
	in.Sheets = make([]*grid.Sheet, len(in.Book.Sheets))
	for i, info := range in.Book.Sheets {
		if info.Kind == grid.Worksheet {
			if in.Sheets[i], err = s.Sheet(ctx, i); err != nil {
				return in, err
			}
		}
	}
	in.Tables, err = s.Tables(ctx)
	return in, err
}

// modelOf gives the compiled formulas of s: those of an earlier version, or of the file,
// with what was edited since.
func (s *Snapshot) modelOf(ctx context.Context, in calc.Input, since *Snapshot) (*calc.Model, error) {
	if s.model != nil {
		return s.model, nil
	}
	from, model := since, (*calc.Model)(nil)
	if since != nil {
		model = since.model
	}
	anew := model == nil
	if anew {
		var err error
		if from, model, err = s.baseModel(ctx); err != nil {
			return nil, err
		}
	}
	model = model.WithWords(in)
	changed, err := s.differing(ctx, from, true)
	if err == nil && len(changed) > 0 {
		model, err = model.With(ctx, in, changed)
	}
	if err == nil && anew && since != nil {
		model = model.AsIn(in) // since was calculated, with a model that is no more
	}
	return model, err
}

// baseModel gives the file's own snapshot with its compiled formulas.
func (s *Snapshot) baseModel(ctx context.Context) (*Snapshot, *calc.Model, error) {
	base := *s.unedited()
	base.stored = true
	m, err := s.models.base.Wait(ctx, lazy.Whole, func(ctx context.Context, _ *lazy.Publisher[*calc.Model]) (*calc.Model, error) {
		in, err := base.input(ctx)
		if err != nil {
			return nil, err
		}
		return calc.NewModel(ctx, in)
	})
	if err != nil || s.stored {
		return &base, m, err
	}
	// The arrays of a file without values fill what they were calculated to. Once cells have moved, that is so in the sheets that they moved from.
	if s.moved() != nil {
		base.stored = false
		return &base, m, nil
	}
	if s.opens != nil {
		if opened, ok := s.opens.load.Peek(); ok && opened != nil {
			return opened, opened.model, nil
		}
	}
	if opened, ok := s.models.opened.Peek(); ok && opened != nil {
		return opened, opened.model, nil
	}
	base.stored = false
	return &base, m, nil
}

// differing gives the cells that are not in s as they are in an earlier version, in value or
// formula; with formulas only those that have or had a formula of their own.
func (s *Snapshot) differing(ctx context.Context, since *Snapshot, formulas bool) ([]calc.Cell, error) {
	var cells []calc.Cell
	for _, i := range edited(s, since) {
		old, now, err := bothSheets(ctx, since, s, i)
		if err != nil {
			return nil, err
		}
		for x, y := range until.Done2(ctx, grid.Diff(old, now, nil)) {
			ref := y.Ref
			if _, ok := now.At(y.Ref); !ok {
				ref = x.Ref
			}
			same := x.HasFormula() == y.HasFormula() && (!x.HasFormula() || sameStored(old, now, x, y))
			switch {
			case formulas && (!x.HasFormula() && !y.HasFormula() || same):
			case !formulas && same && x.Value == y.Value:
			default:
				cells = append(cells, calc.Cell{Sheet: i, At: ref})
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return cells, nil
}

// hidSince reports whether rows are hidden in s that were not in an earlier version, or the other way round.
func (s *Snapshot) hidSince(ctx context.Context, since *Snapshot) (bool, error) {
	for _, i := range edited(s, since) {
		old, now, err := bothSheets(ctx, since, s, i)
		if err != nil || hides(old.Layout, now.Layout) {
			return err == nil, err
		}
	}
	return false, nil
}

// sameStored reports whether two cells have the same formula in the same way: an array fills the
// same cells.
func sameStored(a, b *grid.Sheet, x, y grid.Cell) bool {
	f, g := a.Formula(x), b.Formula(y)
	if f == g {
		return true
	}
	arrays := func(k grid.FormulaKind) bool { return k == grid.ArrayFormula || k == grid.DynamicArray }
	if arrays(f.Kind) || arrays(g.Kind) {
		return false
	}
	return StoredFormula(a, x) == StoredFormula(b, y)
}

// changesOf gives what became different between two versions of a line.
func changesOf(base, next *Snapshot, edited int) *Changeset {
	set := &Changeset{From: base.Version, To: next.Version, Edited: edited, Stale: next.stale, base: base}
	for _, e := range next.sheets {
		old := base.edited(e.index)
		if old == nil {
			old = e.base
		}
		if old != e.sheet {
			set.sheets = append(set.sheets, sheetPair{name: next.Workbook().Sheets[e.index].Name, old: old, new: e.sheet, sameStyle: sameIndex})
		}
	}
	return set
}

// Refresh is CalculateWithin for what was edited since the last calculation: nothing, unless
// s is stale.
func (s *Snapshot) Refresh(ctx context.Context, at Moment, limits Limits) (*Snapshot, *Calculation, error) {
	if !s.stale {
		return s, nil, nil
	}
	return s.CalculateWithin(ctx, s.before, at, limits)
}

// Recalculate is CalculateWithin for a version whether it is stale or not: with all every formula,
// else those that depend on what was edited since the last calculation, on time or on chance.
func (s *Snapshot) Recalculate(ctx context.Context, at Moment, all bool, limits Limits) (*Snapshot, *Calculation, error) {
	since := s
	switch {
	case all:
		since = nil
	case s.stale:
		since = s.before
	}
	return s.CalculateWithin(ctx, since, at, limits)
}

// Whole reports whether a calculation of every formula is behind s or behind an earlier version
// of its line. Else the formulas that depend on nothing that was edited have the values that
// the file gives them.
func (s *Snapshot) Whole() bool { return s.whole }

// SameArrays reports whether s, a later version of old, has the arrays of old, and they fill the
// same cells.
func (s *Snapshot) SameArrays(old *Snapshot) bool {
	if !sameMoves(s, old) { // then it is so at least where edits have made no arrays
		for _, e := range slices.Concat(s.sheets, old.sheets) {
			if !e.sheet.SameArrays(e.base) {
				return false
			}
		}
		return true
	}
	for _, e := range s.sheets {
		was := old.edited(e.index)
		if was == nil {
			was = e.base
		}
		if !e.sheet.SameArrays(was) {
			return false
		}
	}
	return true
}

// Since gives what became different in s since base, an earlier version of the same line. c is
// what was calculated, nil where nothing was.
func (s *Snapshot) Since(base *Snapshot, edited int, c *Calculation) *Changeset {
	set := changesOf(base, s, edited)
	set.Calculation = c
	return set
}

// Calculated gives c for the version that it is of after formulas were calculated in it. did is what
// was calculated, nil where nothing was.
func (c *Changeset) Calculated(s *Snapshot, did *Calculation) *Changeset {
	set := changesOf(c.base, s, c.Edited)
	set.Moves, set.Calculation = c.Moves, did
	return set
}

// days1904 is how many days the serials of the 1904 system are behind those of the 1900 system.
const days1904 = 1462
