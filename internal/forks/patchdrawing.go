package forks

import (
	"context"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx/patch"
)

// objectsOf says which charts and pictures of cur are not as the file has them. Charts show what the cells of
// cur say.
func objectsOf(ctx context.Context, cur *book.Snapshot) (list []patch.ObjectPatch, err error) {
	for _, o := range cur.ArrangedObjects() {
		i, ok := cur.SheetIndex(o.Sheet)
		if !ok {
			continue
		}
		p := patch.ObjectPatch{Sheet: i, Remove: o.Remove}
		for _, n := range o.Add {
			at, _ := cell.ParseRef(n.Anchor.Cell)
			d := patch.DrawingObject{Name: n.Name, Text: n.Text, At: at, X: n.Anchor.X, Y: n.Anchor.Y, Width: n.Anchor.Width, Height: n.Anchor.Height, Image: n.Image, Format: n.Format}
			if n.Chart != nil {
				if d.Chart, err = chartOf(ctx, cur, i, n.Chart); err != nil {
					return nil, err
				}
			}
			p.Add = append(p.Add, d)
		}
		list = append(list, p)
	}
	return list, nil
}

// chartOf gives a chart with what its cells say.
func chartOf(ctx context.Context, cur *book.Snapshot, sheet int, c *grid.Chart) (*patch.ChartPatch, error) {
	series, err := cur.ChartCells(ctx, sheet, c)
	if err != nil {
		return nil, err
	}
	p := &patch.ChartPatch{Chart: *c, Data: make([]patch.SeriesData, len(series))}
	for i := range series {
		s, d := &series[i], &p.Data[i]
		d.Name = shown(cur, s.Name)
		d.Values, d.ValuesFormat = valuesOf(cur, s.Values)
		d.Categories, d.CategoriesFormat = valuesOf(cur, s.Categories)
		for _, v := range d.Categories {
			if !v.IsBlank() && v.Kind() != cell.Number { // some is no number: they are shown as texts
				for j := range d.Categories {
					if !d.Categories[j].IsBlank() {
						d.Categories[j] = cell.TextValue(shown(cur, s.Categories[j]))
					}
				}
				break
			}
		}
	}
	return p, nil
}

// valuesOf gives the values of cells and the number format of the first of them.
func valuesOf(cur *book.Snapshot, cells []grid.Cell) (list []cell.Value, format string) {
	styles := cur.Workbook().Styles
	for i := range cells {
		list = append(list, cells[i].Value)
		if format == "" && styles != nil && int(cells[i].Style) < len(styles.Xfs) && !cells[i].Value.IsBlank() {
			format = styles.Xfs[cells[i].Style].NumFmt
		}
	}
	return list, format
}

// shown gives a cell as the sheet shows it.
func shown(cur *book.Snapshot, c grid.Cell) string {
	if c.Value.IsBlank() {
		return ""
	}
	if c.Value.Kind() == cell.Text {
		return c.Value.Text()
	}
	return string(cur.Workbook().Styles.Format(c.Style).Append(nil, c.Value, cur.Workbook().Dates))
}
