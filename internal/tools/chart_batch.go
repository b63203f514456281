package tools

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type chartSeries struct {
	Values     string `json:"values" required:"true" doc:"Its cells: B2:B13, Data!B2:B13, a name, or Sales[Net]"`
	Categories string `json:"categories" doc:"Cells of the labels, or of the x values of a scatter chart"`
	Name       string `json:"name" doc:"A text, or a cell such as =B1"`
}

type chartOp struct {
	Kind     string        `json:"kind" required:"true" enum:"create|remove"`
	Sheet    string        `json:"sheet_name" required:"true" doc:"Where the chart lies"`
	ID       string        `json:"object_id" doc:"For remove: of list_objects"`
	Type     string        `json:"type" enum:"column|bar|line|area|pie|scatter" doc:"For create; column unless given"`
	Data     string        `json:"data_range" doc:"For create: cells with a label or x value in the first column and a series in each other one, under their names. Or give series"`
	Rows     bool          `json:"series_in_rows" default:"false" doc:"data_range has a series in each row"`
	Header   *bool         `json:"has_header" doc:"Whether the first cell of each series of data_range is its name; guessed unless given: texts are, and so are days or years above other numbers"`
	Series   []chartSeries `json:"series" max:"255" doc:"For create, in place of data_range"`
	Title    string        `json:"title"`
	XTitle   string        `json:"x_title" doc:"Of the horizontal axis"`
	YTitle   string        `json:"y_title" doc:"Of the vertical axis"`
	Legend   string        `json:"legend" enum:"right|left|top|bottom|corner|none" doc:"right unless given; none for a single series"`
	Grouping string        `json:"grouping" enum:"clustered|stacked|percent" doc:"For column, bar, line and area"`
	Lines    bool          `json:"lines" default:"false" doc:"A scatter chart joins its points"`
	Markers  bool          `json:"markers" default:"false" doc:"A line has a mark at each point"`
	Smooth   bool          `json:"smooth" default:"false"`
	Labels   bool          `json:"data_labels" default:"false" doc:"Values stand at their points"`
	Anchor   string        `json:"anchor" doc:"For create: the cell of its upper left corner; right of the data unless given"`
	Width    int           `json:"width_px" default:"480" min:"50" max:"4000"`
	Height   int           `json:"height_px" default:"288" min:"50" max:"4000"`
	Name     string        `json:"name" doc:"For create; Chart 1 and so on unless given"`
}

type chartBatchIn struct {
	ForkArg
	Ops []chartOp `json:"ops" required:"true" min:"1" max:"50"`
	EditMode
	Guard
}

type objectBatchOut struct {
	batchOut
	Objects []objectAt `json:"objects"` // that were made
}

type objectAt struct {
	ID    string `json:"object_id"`
	Name  string `json:"name"`
	Sheet string `json:"sheet_name"`
	Cell  string `json:"anchor"`
}

func (o *objectBatchOut) appendText(b []byte, verbose bool) []byte {
	b = o.batchOut.appendText(b, verbose)
	for _, x := range o.Objects {
		b = appendEscaped(append(b, x.ID...), fmt.Sprintf(" is %s at %s!%s", x.Name, cell.QuoteSheet(x.Sheet), x.Cell))
		b = append(b, '\n')
	}
	return b
}

var chartBatch = define(Spec{
	Name: "chart_batch", Title: "Make charts", Toolset: "edit", Writes: true, Reach: ReachBook,
	Description: "Makes column, bar, line, area, pie and scatter charts in a fork, and removes charts, those of others too. A chart shows what its cells say when the fork is saved. list_objects tells of charts, screenshot_sheet shows them.",
	Example:     `{"fork_id":"fork-abcdefgh2345","ops":[{"kind":"create","sheet_name":"Sheet1","type":"column","data_range":"A1:C13","title":"Sales by month","y_title":"EUR","anchor":"E2"}]}`,
}, func(ctx context.Context, env *Env, in chartBatchIn) (*objectBatchOut, error) {
	var added []objectAt
	made, err := env.batch(ctx, in.Fork, "chart_batch", "fail", in.EditMode, in.Guard, len(in.Ops), func(b *batch, i int) error {
		if i == 0 {
			added = nil
		}
		op := &in.Ops[i]
		b.begin("chart_" + op.Kind)
		index, err := sheetNamed(b.snap, op.Sheet)
		if err != nil {
			return err
		}
		if op.Kind == "remove" {
			return b.removeObject(index, op.ID, grid.ChartObject)
		}
		if err := b.takesObjects(); err != nil {
			return err
		}
		n, err := b.newChart(index, op)
		if err != nil {
			return err
		}
		added = append(added, objectAt{n.ID, n.Name, b.snap.Workbook().Sheets[index].Name, n.Anchor.Cell})
		return b.do(book.ArrangeObjects{Sheet: b.snap.Workbook().Sheets[index].Name, Add: []book.NewObject{n}})
	})
	if err != nil {
		return nil, err
	}
	return &objectBatchOut{*made, append([]objectAt{}, added...)}, nil
})

// takesObjects refuses charts and pictures that could not be saved.
func (b *batch) takesObjects() error {
	if b.snap.Workbook().Strict {
		return fail("UNSUPPORTED_FORMAT", "Save it in a spreadsheet program as an ordinary .xlsx file first", "the workbook is in the strict form of Open XML, in which no charts and pictures are written")
	}
	return nil
}

// removeObject takes an object of a kind away.
func (b *batch) removeObject(sheet int, id string, kind grid.ObjectKind) error {
	o, err := b.object(sheet, id, kind)
	if err != nil {
		return err
	}
	b.counts["objects_removed"]++
	return b.do(book.ArrangeObjects{Sheet: b.snap.Workbook().Sheets[sheet].Name, Remove: []string{o.ID}})
}

// object finds an object of a kind by its id.
func (b *batch) object(sheet int, id string, kind grid.ObjectKind) (*grid.Object, error) {
	list, err := b.snap.Objects(b.ctx, sheet)
	if err != nil {
		return nil, err
	}
	var ids []string
	for i := range list {
		if list[i].Kind != kind || list[i].ID == "" {
			continue
		}
		if list[i].ID == id {
			return &list[i], nil
		}
		ids = append(ids, list[i].ID)
	}
	if id == "" {
		return nil, invalid("list_objects tells them", "object_id is missing")
	}
	return nil, fail("OBJECT_NOT_FOUND", suggest(string(kind)+"s", id, ids), "the sheet %s has no %s %q", plain(b.snap.Workbook().Sheets[sheet].Name), kind, clip(id, 64))
}

// named gives an object an id and a name that no other one has.
func (b *batch) named(sheet int, n *book.NewObject, word string) error {
	list, err := b.snap.Objects(b.ctx, sheet)
	if err != nil {
		return err
	}
	taken := func(same func(*grid.Object) bool) bool {
		return slices.ContainsFunc(list, func(o grid.Object) bool { return same(&o) })
	}
	for i := 1; n.Name == ""; i++ {
		name := word + " " + strconv.Itoa(i)
		if !taken(func(o *grid.Object) bool { return o.Name == name }) {
			n.Name = name
		}
	}
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	// The same object of two forks has the same id, and is one where they are merged.
	sum := sha256.Sum256(append(append(text, n.Image...), b.snap.Workbook().Sheets[sheet].Name...))
	base := strings.ToLower(word) + "-" + hex.EncodeToString(sum[:4])
	n.ID = base
	for i := 2; ; i++ {
		used := false
		for k := range b.snap.Workbook().Sheets {
			_, there := b.snap.Added(k, n.ID)
			used = used || there
		}
		if !used {
			return nil
		}
		n.ID = base + "-" + strconv.Itoa(i)
	}
}

// newChart makes a chart of what a caller says of it.
func (b *batch) newChart(sheet int, op *chartOp) (n book.NewObject, err error) {
	c := &grid.Chart{Types: []string{op.Type}, Title: op.Title, XTitle: op.XTitle, YTitle: op.YTitle, Legend: op.Legend, Grouping: op.Grouping, Smooth: op.Smooth, Markers: op.Markers, Lines: op.Lines, Labels: op.Labels}
	if op.Type == "" {
		c.Types[0] = "column"
	}
	for _, title := range []string{op.Title, op.XTitle, op.YTitle, op.Name} {
		if len(title) > objectTextMax {
			return n, invalid("", "a title or name is longer than %d bytes", objectTextMax)
		}
	}
	kind := c.Types[0]
	if op.Grouping != "" && (kind == "pie" || kind == "scatter") {
		return n, invalid("Leave it out", "a %s chart has no grouping", kind)
	}
	switch upright := kind == "column" || kind == "bar"; { // as a file says it
	case upright && c.Grouping == "":
		c.Grouping = "clustered"
	case !upright && c.Grouping == "clustered":
		c.Grouping = ""
	}
	if (op.XTitle != "" || op.YTitle != "") && kind == "pie" {
		return n, invalid("Leave x_title and y_title out", "a pie chart has no axes")
	}
	var shown cell.Range
	switch {
	case (op.Data == "") == (len(op.Series) == 0):
		return n, invalid(`Examples: "data_range":"A1:C13"; "series":[{"values":"C2:C13","categories":"A2:A13","name":"=C1"}]`, "give data_range or series, and not both")
	case op.Data != "":
		shown, err = b.seriesOf(sheet, c, op)
	default:
		shown, err = b.seriesGiven(sheet, c, op.Series)
	}
	if err != nil {
		return n, err
	}
	switch {
	case op.Legend == "none" || op.Legend == "" && len(c.Series) == 1 && kind != "pie":
		c.Legend = ""
	case op.Legend == "":
		c.Legend = "right"
	}
	if kind == "pie" && len(c.Series) > 1 {
		b.warn("WARN_PIE: a pie chart shows its first series only")
	}
	at := cell.Ref{Row: shown.First.Row, Col: min(shown.Last.Col+2, cell.MaxCols-1)}
	if op.Anchor != "" {
		var ok bool
		if at, ok = cell.ParseRef(op.Anchor); !ok {
			return n, fail(codeRangeInvalid, "Write one cell, such as E2", "%q is no cell", clip(op.Anchor, 20))
		}
	}
	n = book.NewObject{Name: op.Name, Chart: c, Anchor: book.ObjectPlace{Cell: at.String(), Width: int64(op.Width) * grid.EMUPerPixel, Height: int64(op.Height) * grid.EMUPerPixel}}
	b.counts["charts_created"]++
	if err := b.named(sheet, &n, "Chart"); err != nil {
		return n, err
	}
	return n, b.noNumbers(sheet, &n)
}

// chartCells gives the formula of cells that a caller names, and the first range of them.
func (b *batch) chartCells(sheet int, text string) (formula string, first area, err error) {
	list, err := areas(b.ctx, b.snap, sheet, text)
	if err != nil {
		return "", area{}, err
	}
	var parts []string
	n := int64(0)
	for i, a := range list {
		if a.whole && a.table != nil { // its values, and not its header
			a.rng, _ = a.table.DataRange()
		}
		r, err := b.withData(a.sheet, a.rng)
		if err != nil {
			return "", area{}, err
		}
		if a.rng = r; i == 0 {
			first = a
		}
		n += r.Cells()
		parts = append(parts, absoluteCells(b.snap.Workbook().Sheets[a.sheet].Name, r))
	}
	if n > book.MaxPoints {
		return "", area{}, fail("TOO_MANY", "Show a part, or sums of it", "%q has %d cells, and a series shows %d at most", clip(text, 64), n, book.MaxPoints)
	}
	if len(parts) == 1 {
		return parts[0], first, nil
	}
	return "(" + strings.Join(parts, ",") + ")", first, nil
}

// absoluteCells writes a range as charts do.
func absoluteCells(sheet string, r cell.Range) string {
	corner := func(c cell.Ref) string { return "$" + cell.ColumnName(c.Col) + "$" + strconv.Itoa(c.Row+1) }
	s := cell.QuoteSheet(sheet) + "!" + corner(r.First)
	if r.First != r.Last {
		s += ":" + corner(r.Last)
	}
	return s
}

// seriesGiven takes over the series as the caller names them.
func (b *batch) seriesGiven(sheet int, c *grid.Chart, list []chartSeries) (shown cell.Range, err error) {
	for i, s := range list {
		var one grid.Series
		values, first, err := b.chartCells(sheet, s.Values)
		if err != nil {
			return shown, err
		}
		if one.Values = values; i == 0 && first.sheet == sheet {
			shown = first.rng
		}
		if s.Categories != "" {
			if one.Categories, _, err = b.chartCells(sheet, s.Categories); err != nil {
				return shown, err
			}
		}
		if name, isCell := strings.CutPrefix(strings.TrimSpace(s.Name), "="); isCell {
			a, err := oneArea(b.ctx, b.snap, sheet, name)
			if err != nil {
				return shown, err
			}
			one.NameRef = absoluteCells(b.snap.Workbook().Sheets[a.sheet].Name, cell.Range{First: a.rng.First, Last: a.rng.First})
		} else {
			one.Name = clip(s.Name, objectTextMax)
		}
		c.Series = append(c.Series, one)
	}
	return shown, nil
}

// seriesOf makes series of a block of cells: names in its first row where these are texts, and labels in its
// first column where it has more than one.
func (b *batch) seriesOf(sheet int, c *grid.Chart, op *chartOp) (shown cell.Range, err error) {
	a, err := oneArea(b.ctx, b.snap, sheet, op.Data)
	if err != nil {
		return shown, err
	}
	r, err := b.withData(a.sheet, a.rng)
	if err != nil {
		return shown, err
	}
	if a.sheet == sheet {
		shown = r
	}
	on, err := b.snap.Sheet(b.ctx, a.sheet)
	if err != nil {
		return shown, err
	}
	// By columns, or with rows and columns exchanged.
	at := func(line, n int) cell.Ref {
		if op.Rows {
			return cell.Ref{Row: r.First.Row + line, Col: r.First.Col + n}
		}
		return cell.Ref{Row: r.First.Row + n, Col: r.First.Col + line}
	}
	lines, long := r.Cols(), r.Rows()
	if op.Rows {
		lines, long = long, lines
	}
	named := false // the first cell of each series is its name
	if op.Header != nil {
		named = *op.Header && long > 1
	} else if long > 1 {
		named = b.chartNames(on, lines, at)
	}
	start, begin := 0, 0
	if named {
		begin = 1
	}
	if lines > 1 {
		start = 1
	}
	switch {
	case lines-start > book.MaxSeries:
		return shown, fail("TOO_MANY", "Show a part of it", "%q would be %d series, and a chart shows %d at most", clip(op.Data, 64), lines-start, book.MaxSeries)
	case long > book.MaxPoints:
		return shown, fail("TOO_MANY", "Show a part, or sums of it", "%q would be series of %d cells, and a series shows %d at most", clip(op.Data, 64), long, book.MaxPoints)
	}
	name := b.snap.Workbook().Sheets[a.sheet].Name
	cells := func(line int) string {
		return absoluteCells(name, cell.Range{First: at(line, begin), Last: at(line, long-1)})
	}
	for line := start; line < lines; line++ {
		s := grid.Series{Values: cells(line)}
		if start == 1 {
			s.Categories = cells(0)
		}
		if named {
			s.NameRef = absoluteCells(name, cell.Range{First: at(line, 0), Last: at(line, 0)})
		}
		c.Series = append(c.Series, s)
	}
	return shown, nil
}

// chartNames guesses whether the first cells of the series of a block are their names: some is a text, or all are
// days or years and those after them are not, or they are numbers beside an empty corner. at gives cell n of a line.
func (b *batch) chartNames(on *grid.Sheet, lines int, at func(line, n int) cell.Ref) bool {
	dated := func(r cell.Ref) bool {
		c, _ := on.At(r)
		f := b.snap.Workbook().Styles.Format(c.Style)
		return c.Value.Kind() == cell.Number && f != nil && f.IsDate()
	}
	year := func(r cell.Ref) bool {
		v := on.Value(r)
		return v.Kind() == cell.Number && v.Number() >= 1900 && v.Number() < 2200 && v.Number() == math.Trunc(v.Number())
	}
	some, days, years, numbers := false, true, true, true
	for line := range lines {
		if line == 0 && lines > 1 { // the labels
			continue
		}
		first, next := at(line, 0), at(line, 1)
		some = some || on.Value(first).Kind() == cell.Text
		days = days && dated(first) && !dated(next)
		years = years && year(first) && !year(next)
		numbers = numbers && on.Value(first).Kind() == cell.Number
	}
	corner := lines > 1 && on.Value(at(0, 0)).IsBlank() && !on.Value(at(0, 1)).IsBlank()
	return some || days || years || corner && numbers
}

// noNumbers warns of series that show nothing.
func (b *batch) noNumbers(sheet int, n *book.NewObject) error {
	list, err := b.snap.ChartCells(b.ctx, sheet, n.Chart)
	if err != nil {
		return err
	}
	for i, s := range list {
		texts, numbers := 0, 0
		for _, c := range s.Values {
			switch c.Value.Kind() {
			case cell.Text:
				texts++
			case cell.Number, cell.Bool:
				numbers++
			}
		}
		if numbers > 0 {
			continue
		}
		what, next := "no numbers", "A range without a sheet is on the sheet that the chart lies on"
		if texts > 0 {
			what, next = "texts and no numbers", "Give series, if it is not to be one"
		}
		b.warn("WARN_CHART_EMPTY: series %d of %s shows nothing: %s has %s. %s", i+1, n.Name, n.Chart.Series[i].Values, what, next)
	}
	return nil
}
