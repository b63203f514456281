package grid

import (
	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
)

// Workbook is everything of a workbook that belongs to no single sheet. It is
// immutable once its reader has returned it.
type Workbook struct {
	Dates  numfmt.DateSystem
	Sheets []SheetInfo
	Names  []Name
	Styles *Styles

	HasMacros      bool // a VBA project is part of the package
	Strict         bool // the file is in the strict form of Open XML
	CalcMode       string
	FullCalcOnLoad bool
	Iterative      bool // circular references are to be iterated
	IterateCount   int
	IterateDelta   float64
	External       []string // targets of external links, by index from 1
	App            string   // the program that wrote the file, with its version, as far as the file says
	ActiveSheet    int      // index of the sheet that was in front
	Protection     WorkbookProtection
}

// Visibility says whether people see a sheet's tab.
type Visibility uint8

// The visibilities of a sheet. A VeryHidden one cannot be shown from Excel's menus.
const (
	Visible Visibility = iota
	Hidden
	VeryHidden
)

// String gives the word that stands in the file format: "visible", "hidden" or "veryHidden".
func (v Visibility) String() string {
	return [...]string{"visible", "hidden", "veryHidden"}[v]
}

// SheetKind says what a tab holds.
type SheetKind uint8

// The kinds of sheet. Only a Worksheet and a Macrosheet have cells; a Modulesheet is what Excel 5 had its macros in, of
// which a later file keeps the name.
const (
	Worksheet SheetKind = iota
	Chartsheet
	Dialogsheet
	Macrosheet
	Modulesheet
)

// HasCells tells whether there are cells on sheets of a kind.
func (k SheetKind) HasCells() bool { return k == Worksheet || k == Macrosheet }

// String gives the kind in one word.
func (k SheetKind) String() string {
	return [...]string{"worksheet", "chartsheet", "dialogsheet", "macrosheet", "modulesheet"}[k]
}

// SheetInfo is what is known of a sheet before its cells are read.
type SheetInfo struct {
	Name       string
	SheetID    int // the id that the file gives it, stable when sheets are moved
	Visibility Visibility
	Kind       SheetKind
	Part       string // the package part that holds it; "" for sheets that have none (CSV)
	Bytes      int64  // uncompressed size of that part, a measure of the work to read it
	Problem    string // why it cannot be read, where that is known before it is tried
}

// Name is a defined name.
type Name struct {
	Name     string
	Sheet    int    // index of the sheet that scopes it, -1 for the workbook
	RefersTo string // formula text without the leading "="
	Hidden   bool
	Comment  string
}

// Table is a ListObject: a range with named columns.
type Table struct {
	Name        string // display name, unique in the workbook
	Sheet       int
	Range       cell.Range // with header and totals rows
	HeaderRows  int        // 0 or 1
	TotalsRows  int        // 0 or 1
	Columns     []TableColumn
	StyleName   string         // "" for none
	AutoFilter  bool           // its header has filter buttons
	Filtering   bool           // some column has a criterion
	Filters     []FilterColumn // the criteria, by columns of the table
	Part        string
	ID          int
	HeaderShown bool

	// What of its style is shown.
	FirstColumn, LastColumn, RowStripes, ColumnStripes bool

	// Bound says what the table depends on that knows its shape: "a query", "an XML map", "a slicer";
	// "" for a table that stands alone.
	Bound string
}

// TableColumn is one column of a table.
type TableColumn struct {
	Name           string
	Formula        string // calculated-column formula, "" where there is none
	TotalsLabel    string
	TotalsFunction string // "sum", "average", "count", "countNums", "max", "min", "stdDev", "var", "custom"; "" for none
	TotalsFormula  string // of the function "custom"
}

// DataRange is the table without its header and totals rows, and whether any row is left.
func (t *Table) DataRange() (cell.Range, bool) {
	r := t.Range
	r.First.Row += t.HeaderRows
	r.Last.Row -= t.TotalsRows
	return r, r.First.Row <= r.Last.Row
}

// Rows gives the rows that some parts of a table span; with none named they are those of its data. A part
// that the table does not have counts for nothing beside others; ok is false where no row is left.
func (t *Table) Rows(headers, data, totals bool) (first, last int, ok bool) {
	first, last = cell.MaxRows, -1
	add := func(named bool, from, to int) {
		if named && from <= to {
			first, last = min(first, from), max(last, to)
		}
	}
	top, bottom := t.Range.First.Row+t.HeaderRows, t.Range.Last.Row-t.TotalsRows
	add(headers, t.Range.First.Row, top-1)
	add(data || !headers && !totals, top, bottom)
	add(totals, bottom+1, t.Range.Last.Row)
	return first, last, last >= 0
}

// Styles is the workbook's style sheet. A cell carries an index into Xfs.
type Styles struct {
	Fonts   []Font
	Fills   []Fill
	Borders []Border
	Xfs     []Xf // cellXfs
	Named   []NamedStyle
	Dxfs    []Xf // differential formats of conditional formats and tables
	Theme   Theme

	// Formats holds the compiled number format of each entry of Xfs, so that a code
	// is parsed once however many cells show it.
	Formats []*numfmt.Format

	// Derived says of the last entries of Xfs, those that the file does not have, which of
	// the file's they are but for the number format.
	Derived []uint32
}

// general is what a cell without a number format shows.
var general = numfmt.Compile("General")

// Format gives the compiled number format of style index s; an index that the style
// sheet does not have shows as General.
func (s *Styles) Format(style uint32) *numfmt.Format {
	if s != nil && int(style) < len(s.Formats) {
		return s.Formats[style]
	}
	return general
}

// Xf is one cell format. A nil part is inherited (in Dxfs) or default (in Xfs).
type Xf struct {
	NumFmtID   int
	NumFmt     string // the format code, "General" where none is given
	Font       *Font
	Fill       *Fill
	Border     *Border
	Alignment  *Alignment
	Protection *Protection
	NamedStyle int // index into Named, -1 where none
}

// NamedStyle is an entry of the cell style gallery.
type NamedStyle struct {
	Name      string
	BuiltinID int // -1 for custom styles
	Xf        Xf
}

// Color is a colour as the file states it; exactly one way of stating it is set.
type Color struct {
	ARGB    string // "FF4472C4"
	Theme   int    // index into the theme's colours, -1 unless given
	Indexed int    // index into the palette, -1 unless given
	Tint    float64
	Auto    bool
}

// Font is a cell font.
type Font struct {
	Name                        string
	Size                        float64
	Bold, Italic, Strikethrough bool
	Underline                   string // "", "single", "double", …
	VertAlign                   string
	Color                       *Color
	Scheme                      string
	Family, Charset             int
}

// Fill is a cell background: a pattern or a gradient.
type Fill struct {
	Pattern        string // "none", "solid", "gray125", …; "" for gradients
	Foreground     *Color
	Background     *Color
	GradientType   string // "linear" or "path"; "" for patterns
	GradientDegree float64
	GradientStops  []GradientStop
	GradientLeft   float64
	GradientRight  float64
	GradientTop    float64
	GradientBottom float64
}

// GradientStop is one stop of a gradient fill.
type GradientStop struct {
	Position float64
	Color    Color
}

// Edge is one line of a border.
type Edge struct {
	Style string // "" or "none" where there is no line
	Color *Color
}

// Border is the lines around a cell.
type Border struct {
	Left, Right, Top, Bottom, Diagonal, Vertical, Horizontal Edge
	DiagonalUp, DiagonalDown                                 bool
}

// Alignment is how text lies in its cell.
type Alignment struct {
	Horizontal, Vertical string
	Wrap, Shrink         bool
	Rotation             int // 0…180, 255 for stacked
	Indent               int
	ReadingOrder         int
}

// Protection is what sheet protection does to a cell.
type Protection struct {
	Locked, Hidden bool
}

// Theme is the part of the workbook's theme that styles refer to.
type Theme struct {
	Name   string
	Colors [12]string        // RGB in the order dk1 lt1 dk2 lt2 accent1…6 hlink folHlink
	Fonts  map[string]string // by major_latin, major_east_asian, … minor_complex_script

	Problem string // why it could not be read
}
