package tools

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/until"
)

type rowTarget struct {
	Kind  string `json:"kind" enum:"rows" default:"rows"`
	Range string `json:"range" required:"true" doc:"2, 2:9 or 2-9"`
}

// setText reads the short form: the rows.
func (t *rowTarget) setText(text string) string {
	*t = rowTarget{Kind: "rows", Range: text}
	return ""
}

type rowSize struct {
	Kind   string   `json:"kind" enum:"height|auto|default" doc:"auto fits the texts: by their lines, fonts, wrapping and the widths of columns; default takes the height away"`
	Height *float64 `json:"height_points" min:"0" max:"409.5"`
	Min    *float64 `json:"min_height_points" min:"0" max:"409.5"`
	Max    *float64 `json:"max_height_points" min:"0" max:"409.5"`
}

type rowOp struct {
	Target *rowTarget `json:"target" doc:"Rows, as a text or an object"`
	Range  string     `json:"range" doc:"Short for target"`
	Size   *rowSize   `json:"size"`
	Grouping
}

var rowSizeBatch = define(Spec{
	Name: "row_size_batch", Title: "Size rows", Toolset: "styles", Writes: true, Reach: ReachSheet,
	Description: "Sets the heights of rows in a fork, in points or to fit what they show, hides and shows them, groups them and folds groups away. SUBTOTAL and AGGREGATE are calculated again where they leave hidden rows out.",
	Example:     `{"fork_id":"fork-abcdefgh2345","sheet_name":"Sheet1","ops":[{"target":{"kind":"rows","range":"1:1"},"size":{"kind":"height","height_points":30}},{"range":"2:99","size":{"kind":"auto"}},{"range":"10:19","group":"group","collapsed":true}]}`,
}, sizeBatch("row_size_batch", (*batch).sizeRows))

func (b *batch) sizeRows(index int, op *rowOp) error {
	var target *string
	if op.Target != nil {
		target = &op.Target.Range
	}
	first, last, err := byRows.meant(b, target, op.Range)
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
	rows := sheet.Layout.Rows
	if s := op.Size; s != nil {
		switch {
		case s.Kind == "auto":
			b.counts["auto_ops"]++
			least, most := orElse(s.Min, 0), orElse(s.Max, book.MaxRowHeight)
			if least > most {
				return invalid("", "min_height_points is above max_height_points")
			}
			heights := fittingHeights(b.ctx, b.snap, sheet, first, last)
			var fitted []grid.RowSpan
			for _, row := range slices.Sorted(maps.Keys(heights)) {
				r, _ := sheet.Layout.Row(row)
				r.First, r.Last, r.Height, r.Custom = row, row, max(least, min(heights[row], most)), false
				fitted = append(fitted, r)
			}
			rows = grid.PutRows(rows, fitted)
		case s.Kind == "default":
			rows = grid.EditRows(rows, first, last, func(r *grid.RowSpan) { r.Height, r.Custom = 0, false })
		case s.Height == nil:
			return invalid(`Example: "size":{"kind":"height","height_points":30}`, "height_points is missing")
		default:
			b.counts["height_ops"]++
			rows = grid.EditRows(rows, first, last, func(r *grid.RowSpan) { r.Height, r.Custom = *s.Height, true })
		}
	}
	if op.says() {
		var wrong error
		rows = grid.EditRows(rows, first, last, func(r *grid.RowSpan) {
			if err := op.apply(&r.Hidden, &r.Outline); err != nil {
				wrong = err
			}
		})
		if wrong != nil {
			return wrong
		}
	}
	if op.Collapse != nil && last+1 < cell.MaxRows {
		rows = grid.EditRows(rows, last+1, last+1, func(r *grid.RowSpan) { r.Collapsed = *op.Collapse })
	}
	b.counts["rows_sized"] += last - first + 1
	changed := grid.RowsBetween(sheet.Layout.Rows, rows)
	if len(changed) == 0 {
		return nil
	}
	return b.do(book.Arrange{Sheet: b.snap.Workbook().Sheets[index].Name, Rows: &changed})
}

// A line of a font is so many times as high as the font's size: 15 points for the 11 of Excel's own. Rows are
// whole pixels high, of which a point has 4/3.
const (
	lineHeight = 15.0 / 11
	pixel      = 0.75
)

// fittingHeights yields the rows that show something with the height that shows it whole. How many lines a text has
// goes by its line breaks and, where it is wrapped, by its length, the size of its font and the width of its
// column. Cells that are merged with those of other rows do not count, as in Excel.
func fittingHeights(ctx context.Context, snap *book.Snapshot, sheet *grid.Sheet, first, last int) map[int]float64 {
	words := valuesOf(snap)
	heights := map[int]float64{}
	var text []byte
	for c := range until.Done(ctx, sheet.Cells(cell.Range{First: cell.Ref{Row: first}, Last: cell.Ref{Row: last, Col: cell.MaxCols - 1}})) {
		if c.Value.IsBlank() {
			continue
		}
		from, to := c.Ref.Col, c.Ref.Col
		if m, ok := sheet.Layout.MergeAt(c.Ref); ok {
			if m.First.Row != m.Last.Row {
				continue
			}
			from, to = m.First.Col, m.Last.Col
		}
		x := words.format(c.Style)
		size, bold := 11.0, false
		if x.Font != nil {
			if bold = x.Font.Bold; x.Font.Size > 0 {
				size = x.Font.Size
			}
		}
		text = words.styles.Format(c.Style).Append(text[:0], c.Value, words.dates)
		wraps := x.Alignment != nil && x.Alignment.Wrap
		h := size * lineHeight
		switch {
		case x.Alignment != nil && x.Alignment.Rotation > 0 && x.Alignment.Rotation != 255 && x.Alignment.Rotation != 180:
			angle := float64(x.Alignment.Rotation) // 1 to 90 upwards, 91 to 180 is 1 to 90 downwards
			if angle > 90 {
				angle -= 90
			}
			sin, cos := math.Sincos(angle * math.Pi / 180)
			h = h*cos + textWidth(string(text), size, bold)*7*pixel*sin
		case x.Alignment != nil && x.Alignment.Rotation == 255: // letters below each other
			h *= float64(max(1, utf8.RuneCount(text)))
		case wraps:
			width := 0.0
			for col := from; col <= to; col++ {
				width += shownWidth(sheet, col)
			}
			h *= float64(linesOf(string(text), size, bold, width))
		}
		heights[c.Ref.Row] = max(heights[c.Ref.Row], h)
	}
	for row, h := range heights {
		heights[row] = min(math.Ceil(h/pixel)*pixel, book.MaxRowHeight)
	}
	return heights
}

// shownWidth is how many digits of the usual font a column has room for.
func shownWidth(sheet *grid.Sheet, col int) float64 {
	w := sheet.Layout.UsualWidth()
	if c, ok := sheet.Layout.Column(col); ok && c.Width > 0 {
		w = c.Width
	}
	return max(1, (w*7-5)/7)
}

// textWidth is about how wide a line is, in digits of the usual font.
func textWidth(line string, size float64, bold bool) float64 {
	n := widthOf(line) * size / 11
	if bold {
		n *= boldWidth
	}
	return n
}

// linesOf counts the lines of a text in a column of a width: words go whole to the next one, unless they are longer
// than a line.
func linesOf(text string, size float64, bold bool, width float64) (n int) {
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		n++
		at := 0.0
		for i, word := range strings.Split(line, " ") {
			w := textWidth(word, size, bold)
			space := textWidth(" ", size, bold)
			if i > 0 && at+space+w > width && at > 0 {
				n, at = n+1, 0
			} else if i > 0 {
				at += space
			}
			if at += w; at > width {
				over := math.Ceil(at/width) - 1
				n, at = n+int(over), at-over*width
			}
		}
	}
	return n
}
