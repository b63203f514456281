package grid

import (
	"math"

	"gridflow/internal/cell"
)

// Layout is everything of a sheet besides its cells' contents. It is immutable with
// its sheet. Slices are in file order unless said otherwise.
type Layout struct {
	Merges      []cell.Range
	Columns     []ColumnSpan // sorted by First, not overlapping
	Rows        []RowSpan    // sorted by First, not overlapping; only rows that say something
	Views       View
	Hyperlinks  []Hyperlink
	Comments    []Comment
	Validations []Validation
	Conditional []ConditionalFormat
	AutoFilter  *cell.Range
	Filtering   bool           // some column of AutoFilter has a criterion: its hidden rows are those that do not meet it
	Pivots      []cell.Range   // where pivot tables are, as far as their parts say it
	Filters     []FilterColumn // the criteria of AutoFilter
	Protection  SheetProtection
	TabColor    string // as xf.Color has it; "" where the tab has none
	Margins     PageMargins
	Setup       PageSetup
	Breaks      PageBreaks
	Edges       HeaderFooter
	Sparklines  []Sparklines

	DefaultRowHeight   float64 // points; 0 where the file does not say
	DefaultColumnWidth float64 // characters; 0 where the file does not say

	// What else the sheet's part points at, by count: "drawing", "chart", "image",
	// "pivotTable", "slicer", "sparkline", "oleObject", "control", ….
	Objects map[string]int
}

// ColumnSpan gives columns First…Last one width and style. The names in JSON are those of the journal, in which a style
// means nothing: numbers of styles are not the same in all states of a workbook.
type ColumnSpan struct {
	First     int     `json:"first"`
	Last      int     `json:"last"`
	Width     float64 `json:"width,omitempty"` // characters; 0 where not given
	Style     uint32  `json:"style,omitempty"`
	Outline   uint8   `json:"outline,omitempty"`
	Hidden    bool    `json:"hidden,omitempty"`
	Custom    bool    `json:"custom,omitempty"` // the width was set by hand
	Collapsed bool    `json:"collapsed,omitempty"`
}

// RowSpan gives rows First…Last one height and style. The names in JSON are those of the journal, which knows
// no styles of rows.
type RowSpan struct {
	First     int     `json:"first"`
	Last      int     `json:"last"`
	Height    float64 `json:"height,omitempty"` // points; 0 where not given
	Style     uint32  `json:"-"`
	HasStyle  bool    `json:"-"`
	Outline   uint8   `json:"outline,omitempty"`
	Hidden    bool    `json:"hidden,omitempty"`
	Custom    bool    `json:"custom,omitempty"` // the height was set by hand
	Collapsed bool    `json:"collapsed,omitempty"`
}

// View is how the sheet was last looked at. The names in JSON are those of the journal.
type View struct {
	FrozenRows    int    `json:"frozen_rows,omitempty"`
	FrozenCols    int    `json:"frozen_cols,omitempty"`
	TopLeft       string `json:"top_left,omitempty"` // first cell below and right of the frozen panes
	ZoomPercent   int    `json:"zoom,omitempty"`     // 0 where not given
	HideGridLines bool   `json:"hide_grid_lines,omitempty"`
	HideHeadings  bool   `json:"hide_headings,omitempty"`
	RightToLeft   bool   `json:"right_to_left,omitempty"`
	ActiveCell    string `json:"active_cell,omitempty"`
}

// Column gives the span that covers col, if any.
func (l *Layout) Column(col int) (ColumnSpan, bool) {
	lo, hi := 0, len(l.Columns)
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if l.Columns[m].Last < col {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo < len(l.Columns) && l.Columns[lo].First <= col {
		return l.Columns[lo], true
	}
	return ColumnSpan{}, false
}

// Row gives the span that covers row, if any.
func (l *Layout) Row(row int) (RowSpan, bool) {
	lo, hi := 0, len(l.Rows)
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if l.Rows[m].Last < row {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo < len(l.Rows) && l.Rows[lo].First <= row {
		return l.Rows[lo], true
	}
	return RowSpan{}, false
}

// LineStyle gives the style that a cell has as long as it is not stored: that of its row, or else of its column.
func (l *Layout) LineStyle(r cell.Ref) uint32 {
	if row, ok := l.Row(r.Row); ok && row.HasStyle {
		return row.Style
	}
	col, _ := l.Column(r.Col)
	return col.Style
}

// StyleAt gives the style of a place, whether a cell is stored there or not.
func (s *Sheet) StyleAt(r cell.Ref) uint32 {
	if c, ok := s.At(r); ok {
		return c.Style
	}
	return s.Layout.LineStyle(r)
}

// UsualWidth is how wide columns are without a word, in the characters of files.
func (l *Layout) UsualWidth() float64 {
	if l.DefaultColumnWidth > 0 {
		return l.DefaultColumnWidth
	}
	return FileWidth(usualDigits)
}

// usualDigits is how many characters can be read in a column of a sheet that does not say how wide they are.
const usualDigits = 8.43

// FileWidth gives the width that a file has for a column in which n characters can be read, with the
// margins around them. A digit of the default font is 7 pixels wide, and there are 5 around (ECMA-376 part 1, 18.3.1.13).
func FileWidth(n float64) float64 {
	return math.Trunc((n*7+5)/7*256) / 256
}

// MergeAt gives the merged range that holds r, if any.
func (l *Layout) MergeAt(r cell.Ref) (cell.Range, bool) {
	for _, m := range l.Merges {
		if m.Contains(r) {
			return m, true
		}
	}
	return cell.Range{}, false
}
