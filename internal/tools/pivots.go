package tools

import (
	"context"
	"fmt"
	"slices"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/until"
)

// oldPivots names the pivot tables of a fork whose data are other than those that it began with: nothing
// calculates them, and they show what they did.
func (e *Env) oldPivots(ctx context.Context, fork string, version *int) (names []string, err error) {
	now := fork
	if version != nil {
		now = fmt.Sprintf("%s@%d", fork, *version)
	}
	err = e.Workspace.View(ctx, now, func(is *book.Snapshot) error {
		pivots, err := pivotsOf(ctx, is)
		if err != nil || len(pivots) == 0 {
			return err
		}
		return e.Workspace.View(ctx, fork+"@0", func(was *book.Snapshot) error {
			before, err := pivotsOf(ctx, was)
			if err != nil {
				return err
			}
			for i := range pivots {
				o := &pivots[i]
				k := slices.IndexFunc(before, func(b grid.Object) bool { return b.Part == o.Part })
				if k < 0 {
					continue
				}
				same, err := samePivotData(ctx, was, &before[k], is, o)
				if err != nil {
					return err
				}
				if !same {
					names = append(names, fmt.Sprintf("%q in %s!%s of %s", clip(o.Name, 64), cell.QuoteSheet(is.Workbook().Sheets[o.Sheet].Name), o.Pivot.Range, clip(o.Pivot.Source, 100)))
				}
			}
			return nil
		})
	})
	return names, err
}

// pivotsOf gives the pivot tables of a workbook.
func pivotsOf(ctx context.Context, snap *book.Snapshot) ([]grid.Object, error) {
	return objectsThat(ctx, snap, func(o *grid.Object) bool { return o.Pivot != nil })
}

// samePivotData reports whether the cells that a pivot table is made of have the same values. Who can tell of one that is made of
// something else?
func samePivotData(ctx context.Context, was *book.Snapshot, before *grid.Object, is *book.Snapshot, now *grid.Object) (bool, error) {
	a, errA := oneArea(ctx, was, before.Sheet, before.Pivot.Source)
	b, errB := oneArea(ctx, is, now.Sheet, now.Pivot.Source)
	if errA != nil || errB != nil {
		return true, ctx.Err()
	}
	x, err := was.Sheet(ctx, a.sheet)
	if err != nil {
		return true, err
	}
	y, err := is.Sheet(ctx, b.sheet)
	if err != nil || x == y {
		return true, err
	}
	rows := func(s *grid.Sheet, r cell.Range) cell.Range { r, _ = clipToUsed(s, r); return r }
	if a.rng, b.rng = rows(x, a.rng), rows(y, b.rng); a.rng.Rows() != b.rng.Rows() || a.rng.Cols() != b.rng.Cols() {
		return false, nil
	}
	for row := range until.Done(ctx, rowSpan(0, a.rng.Rows()-1)) {
		for col := range a.rng.Cols() {
			p, _ := x.At(cell.Ref{Row: a.rng.First.Row + row, Col: a.rng.First.Col + col})
			q, _ := y.At(cell.Ref{Row: b.rng.First.Row + row, Col: b.rng.First.Col + col})
			if p.Value != q.Value {
				return false, nil
			}
		}
	}
	return true, ctx.Err()
}
