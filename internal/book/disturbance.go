package book

import (
	"context"
	"slices"

	"gridflow/internal/calc"
	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
	"gridflow/internal/until"
)

// A structural change leaves most formulas what they were: their references went with their cells, and their values stay, also
// where the file has others than a calculation would give. What it disturbs is known in two parts.
//
// What references say is found where they are rewritten: see structure.Rewriter.Follow. This gives cells, which later
// changes move. What is written without a reference (names, tables) and what formulas do with places (ROW, implicit
// intersection) only compiled formulas tell, and so it is asked of the model of the next calculation: for this, the
// disturbance keeps which names and tables are others, and what kinds of change there were.
//
// The values of the last calculation go along as a state of their own, [Snapshot.before], restructured as the newest one is, so
// that edits before and after the change are found by comparing them, as without one.

// disturbance is what structural changes have done since the last calculation. It is never changed.
type disturbance struct {
	cells []graph.Area // with formulas that read something else, where they are by now
	calc.Displacement
}

// areas gives the formulas that are to be calculated for it.
func (d *disturbance) areas(m *calc.Model) []graph.Area {
	if d == nil {
		return nil
	}
	return append(slices.Clip(d.cells), m.Displaced(d.Displacement)...)
}

// settle forgets what s would have to be calculated for.
func (s *Snapshot) settle() {
	s.stale, s.before, s.since, s.disturbed, s.doubt = false, nil, nil, nil, nil
}

// unsettle notes in next, which is now after the change, what has to be calculated for it: what had to be of now, and what the
// change disturbs. base is now's state before the edit, and restructured that one after the change.
func (r *restructuring) unsettle(ctx context.Context, base, restructured, now, next *Snapshot) error {
	if !next.stale {
		return nil
	}
	switch {
	case !now.stale, now.before == base:
		next.before = restructured
	case now.before == nil:
		return nil // every formula is to be calculated
	default:
		before, err := r.snapshot(ctx, now.before)
		if err != nil {
			return err
		}
		next.before = before
	}
	for _, c := range now.since {
		if to, at, ok := r.step.r.Locate(r.step.names[c.Sheet], c.At); ok {
			if i, ok := next.SheetIndex(to); ok {
				next.since = append(next.since, calc.Cell{Sheet: i, At: at})
			}
		}
	}
	d := &disturbance{}
	if was := now.disturbed; was != nil {
		d.Displacement = was.Displacement
		for _, a := range was.cells {
			d.cells = r.cover(d.cells, next, a.Sheet, a.Range)
		}
	}
	own := r.of(now)
	cells, err := own.disturbedCells(ctx, now)
	if err != nil {
		return err
	}
	for _, a := range cells {
		d.cells = r.cover(d.cells, next, a.Sheet, a.Range)
	}
	if err := own.displace(ctx, &d.Displacement, now); err != nil {
		return err
	}
	next.disturbed = d
	return nil
}

// cover adds where cells of a sheet are after the change.
func (r *restructuring) cover(list []graph.Area, next *Snapshot, sheet int, x cell.Range) []graph.Area {
	for _, a := range r.step.r.Cover(r.step.names[sheet], x) {
		if i, ok := next.SheetIndex(a.Sheet); ok {
			list = append(list, graph.Area{Sheet: i, Range: a.Range})
		}
	}
	return list
}

// disturbedCells gives the formulas of now, which is whole, that read something else after the change.
func (r *restructuring) disturbedCells(ctx context.Context, now *Snapshot) (list []graph.Area, err error) {
	other := func(i int) (*grid.Sheet, error) { return now.Sheet(ctx, i) }
	plain := now.unedited()
	for i, info := range now.Workbook().Sheets {
		if info.Kind != grid.Worksheet || r.to(i) < 0 {
			continue
		}
		sheet, err := other(i)
		if err != nil {
			return nil, err
		}
		if sheet.FormulaCells() == 0 {
			continue
		}
		if now.edited(i) == nil { // it is the source's, for which it needs not be moved again
			if err := r.seed(ctx, i, sheet, plain); err != nil {
				return nil, err
			}
		}
		if _, err := r.by.sheet(ctx, i, sheet, other); err != nil {
			return nil, err
		}
		for _, x := range r.by.disturbed[sheet] {
			list = append(list, graph.Area{Sheet: i, Range: x})
		}
	}
	return list, nil
}

// displace notes what formulas may be disturbed by that their own references do not tell. now is the workbook before the change.
func (r *restructuring) displace(ctx context.Context, d *calc.Displacement, now *Snapshot) error {
	c := &r.step.change
	d.Any = true
	d.Cells = d.Cells || c.Kind == structure.MoveCells
	d.Names, d.Tables, d.Across = slices.Clip(d.Names), slices.Clip(d.Tables), slices.Clip(d.Across) // those of the change before stay its own
	for name := range until.Done(ctx, slices.Values(now.Workbook().Names)) {
		d.Scoped = d.Scoped || name.Sheet >= 0
		if r.step.r.FollowName(name.RefersTo) {
			d.Names = append(d.Names, name.Name)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	tables, err := now.Tables(ctx)
	if err != nil {
		return err
	}
	changed, ok := now.SheetIndex(c.Sheet)
	if ok && now.Workbook().Sheets[changed].Kind == grid.Worksheet {
		sheet, err := now.Sheet(ctx, changed)
		if err != nil {
			return err
		}
		d.Filter = d.Filter || sheet.Layout.Filtering
	}
	for i := range tables {
		d.Filter = d.Filter || ok && tables[i].Sheet == changed && tables[i].Filtering
		if t := &tables[i]; r.step.r.Disturbs(r.step.names[t.Sheet], t.Range) {
			d.Tables = append(d.Tables, t.Name)
			if rows, _, ok := c.Lines(); ok && !rows {
				d.Across = append(d.Across, t.Name)
			}
		}
	}
	return nil
}
