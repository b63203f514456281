package grid

import "gridflow/internal/cell"

// Object is something of a workbook that is neither cell nor table: it lies on a sheet or belongs to the
// workbook as a whole.
type Object struct {
	// ID names the object in its workbook: "drawing1.2", or for what a fork has made "chart-1a2b3c4d". It is ""
	// for what no call can name.
	ID    string
	Kind  ObjectKind
	Sheet int    // -1 for what is of the workbook
	Name  string // as the selection pane shows it, or a pivot table's
	Text  string // alternative text of a picture, target of a link
	Part  string // the part that has the content, "" where there is none

	Anchored bool
	Anchor   Anchor
	Grouped  bool // it is a part of a group

	Chart *Chart
	Image *Image
	Pivot *Pivot
	Spark *Sparklines
	Tied  *Control
}

// Control is what a control on a sheet is tied to.
type Control struct {
	Cell, List string   // references, "" where there is none
	More       []string // what else is said of it: its macro, its bounds
}

// ObjectKind says what an object is.
type ObjectKind string

// The kinds of object.
const (
	ChartObject    ObjectKind = "chart"
	ImageObject    ObjectKind = "image"
	ShapeObject    ObjectKind = "shape"
	DiagramObject  ObjectKind = "diagram"
	SlicerObject   ObjectKind = "slicer"
	PivotObject    ObjectKind = "pivot_table"
	SparkObject    ObjectKind = "sparklines"
	ControlObject  ObjectKind = "control"
	EmbeddedObject ObjectKind = "embedded_object"
	LinkObject     ObjectKind = "external_link"
)

// EMU are the units of drawings (ECMA-376 part 1, 20.1.10.16).
const (
	EMUPerInch  = 914400
	EMUPerPoint = EMUPerInch / 72
	EMUPerPixel = EMUPerInch / 96
)

// Anchor is where an object lies. Distances are in EMU.
type Anchor struct {
	From, To      cell.Ref // the cells that its corners lie in; To is From where Width and Height say the size
	FromX, FromY  int64    // from the left and upper edge of From
	ToX, ToY      int64
	Width, Height int64 // 0 where To says it
	Free          bool  // it lies on no cell: FromX and FromY are from the sheet's corner
	MoveWithCells bool
	SizeWithCells bool
}

// Chart is what is known of a chart. The names in JSON are those of the journal.
type Chart struct {
	Types    []string `json:"types"` // "column", "bar", "line", …, in the order of the file; one for those that can be made
	Title    string   `json:"title,omitempty"`
	Legend   string   `json:"legend,omitempty"` // "right", "left", "top", "bottom", "corner"; "" for none
	XTitle   string   `json:"x_title,omitempty"`
	YTitle   string   `json:"y_title,omitempty"`
	Grouping string   `json:"grouping,omitempty"` // "clustered", "stacked", "percent"; "" where that means nothing
	Smooth   bool     `json:"smooth,omitempty"`
	Markers  bool     `json:"markers,omitempty"` // the points of lines have marks
	Lines    bool     `json:"lines,omitempty"`   // the points of a scatter chart are joined
	Labels   bool     `json:"labels,omitempty"`  // values are written at their points
	Series   []Series `json:"series"`
}

// Series is one of a chart. Formulas are as files have them.
type Series struct {
	Name       string `json:"name,omitempty"`       // the text, where it is known
	NameRef    string `json:"name_ref,omitempty"`   // formula of the cell that has it, "" for a text of its own
	Categories string `json:"categories,omitempty"` // formula of the categories, or of the x values of a scatter chart
	Values     string `json:"values"`               // formula
	Type       string `json:"type,omitempty"`       // of Types, where there are several
}

// Image is what is known of a picture.
type Image struct {
	Format        string // "png", "jpeg", "gif", "emf", "svg", …
	Bytes         int64
	Width, Height int // pixels; 0 where that is not known
}

// Pivot is what is known of a pivot table.
type Pivot struct {
	Range                          cell.Range
	Source                         string   // the range or name that it is made of, or what else it comes from
	Fields                         []string // of the source
	Rows, Columns, Filters, Values []string
}

// Sparklines is a group of small charts in cells.
type Sparklines struct {
	Type  string // "line", "column", "win_loss"
	Cells []Sparkline
}

// Sparkline is one of them.
type Sparkline struct{ Cell, Source string }
