package book

import (
	"context"
	"slices"

	"gridflow/internal/grid"
)

// SetResults gives cells the values that calculations gave them on the way to where they are,
// where a calculation of the cells as they are gives others: of a circle that iterates, of a
// formula that was set and set back while the file has another value than it gives. It goes with
// the edit that [Between] makes. Apply and Replay leave it out, because what they change is
// calculated after: see [Snapshot.WithResults].
type SetResults struct {
	Sheet string
	Cells []CellEdit // Ref and Value alone
}

func (o SetResults) kind() opKind { return kindSetResults }

func (o SetResults) appendTo(b []byte) []byte { return SetCells(o).appendTo(b) }

func decodeSetResults(d *decoder) Op {
	set, ok := decodeSetCells(d).(SetCells)
	if !ok {
		return SetResults{}
	}
	return SetResults(set)
}

func (o SetResults) check(s *Snapshot) *Error {
	for i := range o.Cells {
		if c := &o.Cells[i]; c.Clear || c.Keep || c.HasFormula || c.NumFmt != "" {
			return errorf(BadCell, "", "a result is a value and nothing else")
		}
	}
	return SetCells(o).check(s)
}

func (o SetResults) apply(*draft) error { return nil }

// HasResults reports whether e has a [SetResults].
func (e Edit) HasResults() bool {
	return slices.ContainsFunc(e.Ops, func(op Op) bool { _, ok := op.(SetResults); return ok })
}

// WithoutResults gives e but for what it has of [SetResults].
func (e Edit) WithoutResults() Edit {
	if !e.HasResults() {
		return e
	}
	return Edit{Ops: slices.DeleteFunc(slices.Clone(e.Ops), func(op Op) bool { _, ok := op.(SetResults); return ok })}
}

// WithResults gives the same version with the values that the SetResults of e say, of s, which was
// calculated.
func (s *Snapshot) WithResults(ctx context.Context, e Edit) (*Snapshot, error) {
	sheets := map[int]*grid.Sheet{}
	for i, op := range e.Ops {
		o, ok := op.(SetResults)
		if !ok {
			continue
		}
		if err := o.check(s); err != nil {
			err.Op = i
			return nil, err
		}
		n, _ := s.SheetIndex(o.Sheet)
		was, err := s.Sheet(ctx, n)
		if err != nil {
			return nil, err
		}
		changes := make([]grid.Change, len(o.Cells))
		for k, c := range o.Cells {
			changes[k] = grid.Change{Ref: c.Ref, Kind: grid.SetValue, Value: c.Value}
		}
		if sheets[n], err = was.With(changes); err != nil {
			return nil, err
		}
	}
	next, err := s.Calculated(ctx, sheets)
	if err != nil {
		return nil, err
	}
	next.model = s.model
	return next, nil
}

// Results finds the values of formulas, and of cells that arrays fill, that now has and made
// has not: two versions of a line of which made has the same cells and was calculated. ok is false
// where they differ in more than such values, or in more than most of them.
func Results(ctx context.Context, made, now *Snapshot, most int) (ops []Op, ok bool, err error) {
	if !sameMoves(made, now) || !made.SameArrays(now) || !now.SameArrays(made) {
		return nil, false, nil
	}
	n := 0
	for _, i := range edited(made, now) {
		was, is, err := bothSheets(ctx, made, now, i)
		if err != nil {
			return nil, false, err
		}
		set := SetResults{Sheet: now.Workbook().Sheets[i].Name}
		for x, y := range grid.Diff(was, is, nil) {
			if x.Value == y.Value {
				continue
			}
			if n++; n > most || x.Ref != y.Ref || !y.HasFormula() && !is.InArray(y.Ref) {
				return nil, false, nil
			}
			set.Cells = append(set.Cells, CellEdit{Ref: y.Ref, Value: y.Value})
		}
		if len(set.Cells) > 0 {
			ops = append(ops, set)
		}
	}
	return ops, true, nil
}
