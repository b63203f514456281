package tools

import (
	"cmp"
	"context"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// chartsOf gives the charts of a workbook.
func chartsOf(ctx context.Context, snap *book.Snapshot) ([]grid.Object, error) {
	return objectsThat(ctx, snap, func(o *grid.Object) bool { return o.Chart != nil })
}

// objectsThat gives the objects on the sheets of a workbook that are wanted. What cannot be read is left out: it is in nobody's way but
// its own.
func objectsThat(ctx context.Context, snap *book.Snapshot, wanted func(*grid.Object) bool) (list []grid.Object, err error) {
	for i := range snap.Workbook().Sheets {
		objects, err := snap.Objects(ctx, i)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			continue
		}
		for i := range objects {
			if wanted(&objects[i]) {
				list = append(list, objects[i])
			}
		}
	}
	return list, nil
}

// chartText names a chart.
func chartText(snap *book.Snapshot, o *grid.Object) string {
	text := "a chart"
	if name := cmp.Or(o.Name, o.ID); name != "" {
		text = "chart \"" + clip(name, 64) + "\""
	}
	if o.Sheet >= 0 && o.Sheet < len(snap.Workbook().Sheets) {
		text += " on sheet \"" + clip(snap.Workbook().Sheets[o.Sheet].Name, 64) + "\""
	}
	return text
}

// lostSeries counts, by chart, the formulas that refer to cells which are gone.
func lostSeries(charts []grid.Object) map[string]int {
	lost := map[string]int{}
	for i := range charts {
		o := &charts[i]
		for _, s := range o.Chart.Series {
			for _, f := range []string{s.NameRef, s.Categories, s.Values} {
				if strings.Contains(f, "#REF!") {
					lost[cmp.Or(o.ID, o.Part)]++
				}
			}
		}
	}
	return lost
}

// namedBy gives those of some charts that the file has and that take the name of a series from a cell.
func namedBy(ctx context.Context, snap *book.Snapshot, charts []grid.Object, sheet int, at cell.Ref) (list []string) {
	for i := range charts {
		o := &charts[i]
		if o.Part == "" {
			continue // it is made at the save
		}
		for _, s := range o.Chart.Series {
			if s.NameRef == "" {
				continue
			}
			if a, err := oneArea(ctx, snap, o.Sheet, s.NameRef); err == nil && a.sheet == sheet && a.rng.Contains(at) {
				list = append(list, chartText(snap, o))
				break
			}
		}
	}
	return list
}

// chartNameText warns of a chart that shows the header of a column.
const chartNameText = "WARN_CHART_NAME: %s takes the name of a series from %v: the saved file shows the old one there until a spreadsheet program draws it anew"
