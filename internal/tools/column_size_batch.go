package tools

import (
	"context"
	"math"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/until"
)

type columnTarget struct {
	Kind  string `json:"kind" enum:"columns" default:"columns"`
	Range string `json:"range" required:"true" doc:"B, A:C or A-C"`
}

// setText reads the short form: the columns.
func (t *columnTarget) setText(text string) string {
	*t = columnTarget{Kind: "columns", Range: text}
	return ""
}

type columnSize struct {
	Kind  string   `json:"kind" enum:"width|auto|default" doc:"auto fits the shown texts; default takes the width away"`
	Width *float64 `json:"width_chars" min:"0" max:"255"`
	Min   *float64 `json:"min_width_chars" min:"0" max:"255"`
	Max   *float64 `json:"max_width_chars" min:"0" max:"255"`
}

type columnOp struct {
	Target *columnTarget `json:"target" doc:"Columns, as a text or an object"`
	Range  string        `json:"range" doc:"Short for target"`
	Size   *columnSize   `json:"size"`
	Grouping
}

// names gives the columns as the operation names them.
func (o *columnOp) names() string {
	if o.Target != nil {
		return o.Target.Range
	}
	return o.Range
}

var columnSizeBatch = define(Spec{
	Name: "column_size_batch", Title: "Size columns", Toolset: "styles", Writes: true, Reach: ReachSheet,
	Description: "Sets the widths of columns in a fork, in characters or to fit what they show, hides and shows them, groups them and folds groups away.",
	Example:     `{"fork_id":"fork-abcdefgh2345","sheet_name":"Sheet1","ops":[{"target":{"kind":"columns","range":"A:C"},"size":{"kind":"auto","max_width_chars":40}},{"range":"D","size":{"kind":"width","width_chars":12.5}},{"range":"F:G","hidden":true}]}`,
}, sizeBatch("column_size_batch", (*batch).sizeColumns))

func (b *batch) sizeColumns(index int, op *columnOp) error {
	var target *string
	if op.Target != nil {
		target = &op.Target.Range
	}
	first, last, err := byColumns.meant(b, target, op.Range)
	if err != nil {
		return err
	}
	if op.Size == nil && !op.says() {
		return invalid(`Example: "size":{"kind":"auto"}`, "size is missing")
	}
	if err := op.check(); err != nil {
		return err
	}
	sheet, err := b.snap.Sheet(b.ctx, index)
	if err != nil {
		return err
	}
	columns := sheet.Layout.Columns
	edit := func(first, last int, do func(c *grid.ColumnSpan)) {
		columns = grid.EditColumns(columns, first, last, do)
	}
	if s := op.Size; s != nil {
		switch {
		case s.Kind == "auto":
			b.counts["auto_ops"]++
			least, most := orElse(s.Min, 0), orElse(s.Max, book.MaxColumnWidth)
			if least > most {
				return invalid("", "min_width_chars is above max_width_chars")
			}
			for col, width := range fittingWidths(b.ctx, b.snap, sheet, first, last) {
				width = max(least, min(width, most))
				edit(col, col, func(c *grid.ColumnSpan) { c.Width, c.Custom = width, true })
			}
		case s.Kind == "default":
			edit(first, last, func(c *grid.ColumnSpan) { c.Width, c.Custom = 0, false })
		case s.Width == nil:
			return invalid(`Example: "size":{"kind":"width","width_chars":12}`, "width_chars is missing")
		default:
			b.counts["width_ops"]++
			edit(first, last, func(c *grid.ColumnSpan) { c.Width, c.Custom = *s.Width, true })
		}
	}
	var wrong error
	sized := func(c *grid.ColumnSpan) {
		if c.Width == 0 && (c.Hidden || c.Outline > 0 || c.Style > 0 || c.Collapsed) { // Excel takes a span without a width for one of none
			c.Width = sheet.Layout.UsualWidth()
		}
	}
	edit(first, last, func(c *grid.ColumnSpan) {
		if err := op.apply(&c.Hidden, &c.Outline); err != nil {
			wrong = err
		}
		sized(c)
	})
	if wrong != nil {
		return wrong
	}
	if op.Collapse != nil && last+1 < cell.MaxCols {
		edit(last+1, last+1, func(c *grid.ColumnSpan) { c.Collapsed = *op.Collapse; sized(c) })
	}
	b.counts["columns_sized"] += last - first + 1
	return b.do(book.Arrange{Sheet: b.snap.Workbook().Sheets[index].Name, Columns: &columns})
}

// fittingWidths yields the columns that show something with the width that shows it whole.
func fittingWidths(ctx context.Context, snap *book.Snapshot, sheet *grid.Sheet, first, last int) map[int]float64 {
	words := valuesOf(snap)
	area := cell.Range{First: cell.Ref{Col: first}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: last}}
	widest := make([]float64, last-first+1) // 0: it shows nothing
	var text []byte
	for c := range until.Done(ctx, sheet.Cells(area)) {
		if c.Value.IsBlank() {
			continue
		}
		if m, ok := sheet.Layout.MergeAt(c.Ref); ok && m.First.Col != m.Last.Col {
			continue // it may stretch over others
		}
		x, f := words.format(c.Style), words.styles.Format(c.Style)
		var n float64
		if c.Value.Kind() == cell.Text && f.ShowsTexts() {
			n = widthOf(c.Value.Text())
		} else {
			text = f.Append(text[:0], c.Value, words.dates)
			n = widthOf(text)
		}
		if x.Alignment != nil && (x.Alignment.Rotation > 60 && x.Alignment.Rotation < 120 || x.Alignment.Rotation == 255) {
			n = 2
		}
		if x.Font != nil {
			if x.Font.Bold {
				n *= boldWidth
			}
			if x.Font.Size > 0 {
				n *= x.Font.Size / 11
			}
		}
		widest[c.Ref.Col-first] = max(widest[c.Ref.Col-first], n, math.SmallestNonzeroFloat64)
	}
	widths := map[int]float64{}
	for i, n := range widest {
		if n > 0 {
			widths[first+i] = min(grid.FileWidth(math.Ceil(n*7)/7), book.MaxColumnWidth) // whole pixels
		}
	}
	return widths
}
