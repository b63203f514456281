package grid

import "gridflow/internal/cell"

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
	Filtering   bool // some column of AutoFilter has a criterion: its hidden rows are those that do not meet it
	PrintAreas  []cell.Range
	Pivots      []cell.Range // where pivot tables are, as far as their parts say it
	Protected   bool
	TabColor    *Color

	DefaultRowHeight   float64 // points; 0 where the file does not say
	DefaultColumnWidth float64 // characters; 0 where the file does not say

	// What else the sheet's part points at, by count: "drawing", "chart", "image",
	// "pivotTable", "slicer", "sparkline", "oleObject", "control", ….
	Objects map[string]int
}

// ColumnSpan gives columns First…Last one width and style. The names in JSON are those of the journal.
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

// RowSpan gives rows First…Last one height and style.
type RowSpan struct {
	First, Last int
	Height      float64 // points; 0 where not given
	Style       uint32
	HasStyle    bool
	Outline     uint8
	Hidden      bool
	Custom      bool // the height was set by hand
	Collapsed   bool
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

// Hyperlink is a link on a range. Target is outside, Location inside the workbook.
type Hyperlink struct {
	Range                              cell.Range
	Target, Location, Display, Tooltip string
}

// Comment is a note on a cell, or the first post of a thread with its replies as text.
type Comment struct {
	Ref      cell.Ref
	Author   string
	Text     string
	Threaded bool
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

// MergeAt gives the merged range that holds r, if any.
func (l *Layout) MergeAt(r cell.Ref) (cell.Range, bool) {
	for _, m := range l.Merges {
		if m.Contains(r) {
			return m, true
		}
	}
	return cell.Range{}, false
}
