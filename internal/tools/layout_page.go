package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type layoutPageIn struct {
	Book
	Sheet     string `json:"sheet_name" required:"true"`
	Range     string `json:"range" default:"A1:T50" doc:"At most 80 rows and 25 columns are shown"`
	Mode      string `json:"mode" enum:"values|formulas" default:"values"`
	MaxWidth  int    `json:"max_col_width" default:"20" min:"3" max:"200" clamp:"both"`
	Fit       bool   `json:"fit_columns" default:"false" doc:"As wide as the contents"`
	TrimEmpty bool   `json:"trim_empty_columns" default:"true"`
	Render    string `json:"render" enum:"ascii|json|both" doc:"ascii unless given"`
}

// The largest part of a sheet that one layout shows.
const (
	layoutRowsMax = 80
	layoutColsMax = 25
)

type layoutPageOut struct {
	Cut
	WorkbookID string          `json:"workbook_id"`
	SheetName  string          `json:"sheet_name"`
	Range      string          `json:"range"`
	Columns    []layoutColumn  `json:"columns"`
	Merged     []string        `json:"merged_cells"`
	Rows       json.RawMessage `json:"rows"`
	ASCII      string          `json:"ascii_render,omitempty"`
	Truncated  bool            `json:"truncated,omitempty"`
	Notes      []string        `json:"notes"`
}

type layoutColumn struct {
	Col       string  `json:"col"`
	Index     int     `json:"index"`
	Width     float64 `json:"width_chars"`
	IsDefault bool    `json:"is_default_width,omitempty"`
	Hidden    bool    `json:"hidden,omitempty"`
}

type layoutCell struct {
	Address    string         `json:"address"`
	Value      string         `json:"value,omitempty"`
	Bold       bool           `json:"bold,omitempty"`
	Italic     bool           `json:"italic,omitempty"`
	AlignH     string         `json:"align_h,omitempty"`
	Borders    *layoutBorders `json:"borders"`
	MergeStart any            `json:"merge_start,omitempty"` // the merged range, in the compat profile true
}

type layoutBorders struct {
	Top    string `json:"top,omitempty"`
	Bottom string `json:"bottom,omitempty"`
	Left   string `json:"left,omitempty"`
	Right  string `json:"right,omitempty"`
}

var layoutPage = define(Spec{
	Name: "layout_page", Title: "See a page as laid out", Toolset: "read", Reach: ReachSheet,
	Description: "A part of a sheet as a person sees it: shown texts in columns of their width, merges, borders, bold and italic. For forms and reports; to read data use sheet_page.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Invoice","range":"A1:H40"}`,
}, viewed(readLayout))

func readLayout(ctx context.Context, env *Env, snap *book.Snapshot, in layoutPageIn) (*layoutPageOut, error) {
	index, err := sheetNamed(snap, in.Sheet)
	if err != nil {
		return nil, err
	}
	list, err := areas(ctx, snap, index, in.Range)
	if err != nil {
		return nil, err
	}
	a := list[0] // the others are for the next calls
	page := a.rng
	page.Last.Row = min(page.Last.Row, page.First.Row+layoutRowsMax-1)
	// Merges stand at the end of a sheet's part: the whole of it must be read.
	sheet, err := snap.Sheet(ctx, a.sheet)
	if err != nil {
		return nil, err
	}
	render := in.Render
	if render == "" {
		render = "ascii"
		if env.Profile == Compat {
			render = "json"
		}
	}
	p := layoutPager{in: in, compat: env.Profile == Compat, w: valuesOf(snap), sheet: sheet, lim: env.budget(0)}
	p.lim.maxItems = 0
	out := &layoutPageOut{WorkbookID: snap.ID, SheetName: snap.Workbook().Sheets[a.sheet].Name}
	used, any := sheet.Used()
	for _, m := range sheet.Layout.Merges {
		used, any = used.Union(m), true
	}
	if !any {
		page.Last.Row = page.First.Row
	} else {
		page.Last.Row = max(page.First.Row, min(page.Last.Row, used.Last.Row))
	}
	p.page = page
	p.trim()
	wide := p.page.Cols() > layoutColsMax
	p.page.Last.Col = min(p.page.Last.Col, p.page.First.Col+layoutColsMax-1)
	if m := p.lim.maxCells; m > 0 {
		p.page.Last.Row = min(p.page.Last.Row, p.page.First.Row+max(m/p.page.Cols(), 1)-1)
	}
	p.texts()
	p.measure(out)
	if err := p.encode(out, render); err != nil {
		return nil, err
	}
	touches(ctx, snap, area{sheet: a.sheet, rng: p.page})
	out.Range = p.page.String()
	if a.sheet != index {
		out.Range = qualified(out.SheetName, p.page)
	}
	for _, m := range sheet.Layout.Merges {
		if _, ok := m.Intersect(p.page); ok {
			out.Merged = append(out.Merged, m.String())
		}
	}
	out.Notes = append(out.Notes, annotated(sheet.Layout, p.page)...)
	names := func(list []area) (names []string) {
		for _, a := range list {
			if a.sheet != index {
				names = append(names, qualified(snap.Workbook().Sheets[a.sheet].Name, a.rng))
			} else {
				names = append(names, a.rng.String())
			}
		}
		return names
	}
	if any {
		p.rest(out, a, used, wide, list[1:], names)
	}
	return out, nil
}

// layoutPager makes one layout. trim, texts, measure and encode run in this order.
type layoutPager struct {
	in     layoutPageIn
	compat bool
	w      values
	sheet  *grid.Sheet
	page   cell.Range
	lim    budget

	shown  [][]string // by row and column of the page
	cells  [][]grid.Cell
	widths []int // characters of each column in the drawing
	merge  map[cell.Ref]cell.Range
}

// trim leaves out columns without contents at both sides; one stays in any case.
func (p *layoutPager) trim() {
	if !p.in.TrimEmpty {
		return
	}
	cols := filledCols(nil, p.sheet, p.page)
	if len(cols) == 0 {
		p.page.Last.Col = p.page.First.Col
		return
	}
	first, last := cols[0], cols[len(cols)-1]
	for _, m := range p.sheet.Layout.Merges {
		// A merged cell is as wide as its columns.
		if x, ok := m.Intersect(p.page); ok && m.First.Col >= first && m.First.Col <= last {
			last = max(last, x.Last.Col)
		}
	}
	p.page.First.Col, p.page.Last.Col = first, last
}

// texts reads the cells of the page and what they show.
func (p *layoutPager) texts() {
	p.merge = make(map[cell.Ref]cell.Range)
	for _, m := range p.sheet.Layout.Merges {
		if x, ok := m.Intersect(p.page); ok {
			for row := x.First.Row; row <= x.Last.Row; row++ {
				for col := x.First.Col; col <= x.Last.Col; col++ {
					p.merge[cell.Ref{Row: row, Col: col}] = m
				}
			}
		}
	}
	for row := p.page.First.Row; row <= p.page.Last.Row; row++ {
		shown, cells := make([]string, p.page.Cols()), make([]grid.Cell, p.page.Cols())
		for i := range shown {
			c, _ := p.sheet.At(cell.Ref{Row: row, Col: p.page.First.Col + i})
			cells[i] = c
			switch {
			case p.in.Mode == "formulas" && c.HasFormula():
				shown[i] = "=" + book.FormulaText(p.sheet, c)
			case len(c.Value.Text()) > longText:
				shown[i] = c.Value.Text() // no copy of it, and no text around it
			default:
				shown[i] = string(p.w.styles.Format(c.Style).Append(nil, c.Value, p.w.dates))
			}
		}
		p.shown, p.cells = append(p.shown, shown), append(p.cells, cells)
	}
}

// longText is more than a cell of Excel holds.
const longText = 1 << 15

// defaultWidth is the width of a column in characters where the file gives none.
const defaultWidth = 8.43

// measure gives the columns their widths.
func (p *layoutPager) measure(out *layoutPageOut) {
	for i := range p.page.Cols() {
		col := p.page.First.Col + i
		c := layoutColumn{Col: cell.ColumnName(col), Index: col + 1, Width: defaultWidth, IsDefault: true}
		if w := p.sheet.Layout.DefaultColumnWidth; w > 0 {
			c.Width = w
		}
		if s, ok := p.sheet.Layout.Column(col); ok {
			if c.Hidden = s.Hidden; s.Width > 0 {
				c.Width, c.IsDefault = s.Width, false
			}
		}
		width := int(math.Round(c.Width))
		if p.in.Fit {
			width = 0
			for r := range p.shown {
				if _, merged := p.merge[p.cells[r][i].Ref]; !merged {
					width = max(width, utf8.RuneCountInString(oneLine(p.shown[r][i], p.in.MaxWidth)))
				}
			}
		}
		p.widths = append(p.widths, min(max(width, 3), p.in.MaxWidth))
		out.Columns = append(out.Columns, c)
		if c.Hidden {
			out.Notes = append(out.Notes, "column "+c.Col+" is hidden")
		}
	}
}

// oneLine is a text as the drawing shows it, width characters of it at least.
func oneLine(s string, width int) string {
	// A character is no more than four bytes, and becomes one character or more.
	s = s[:min(len(s), utf8.UTFMax*(width+1))]
	return string(appendEscaped(nil, strings.ReplaceAll(s, "\n", "⏎")))
}

// encode writes the rows that fit, as JSON, as a drawing or both, and cuts the page to them.
func (p *layoutPager) encode(out *layoutPageOut, render string) error {
	ascii, list := render != "json", render != "ascii"
	var drawing, rows []byte
	if ascii {
		drawing = append(drawing, "*bold* /italic/ … cut; lines are borders\n"...)
		drawing = p.drawLetters(drawing)
	}
	for r := range p.shown {
		room := p.lim.room()
		drawn, listed := len(drawing), len(rows)
		if ascii {
			drawing = p.drawBorder(drawing, r)
			drawing = p.drawRow(drawing, r)
		}
		if list {
			if r > 0 {
				rows = append(rows, ',')
			}
			rows = p.appendRow(rows, r, room)
		}
		if !p.lim.take(len(drawing)-drawn+len(rows)-listed, len(p.widths)) {
			if r == 0 {
				return p.rowTooLarge(render)
			}
			drawing, rows = drawing[:drawn], rows[:listed]
			p.page.Last.Row = p.page.First.Row + r - 1
			break
		}
	}
	if ascii {
		drawing = p.drawBorder(drawing, p.page.Rows())
		out.ASCII = string(drawing)
	}
	if list {
		out.Rows = append(append([]byte{'['}, rows...), ']')
	}
	return nil
}

// rowTooLarge is the error for a page whose first row is larger than a result may be.
func (p *layoutPager) rowTooLarge(render string) error {
	in := p.in
	row := p.page.First.Row + 1
	if in.Render = "ascii"; render != "ascii" {
		// A drawing cuts long texts.
		return fail(codeResponseTooLarge, "See it drawn: "+callText("layout_page", in)+", or ask for fewer columns", "row %d is larger than a result may be", row)
	}
	return fail(codeResponseTooLarge, "Ask for fewer columns", "row %d is larger than a result may be", row)
}

// appendRow appends one row as JSON, with those of its cells that show or look like
// something, until it is longer than room.
func (p *layoutPager) appendRow(b []byte, r, room int) []byte {
	start := len(b)
	b = fmt.Appendf(b, `{"row":%d`, p.page.First.Row+r+1)
	open := len(b)
	for i, c := range p.cells[r] {
		text := p.shown[r][i]
		if len(text) > room {
			text = text[:min(len(text), room+utf8.UTFMax)] // it does not fit, which is all that matters
		}
		l := layoutCell{Address: c.Ref.String(), Value: text}
		if m, ok := p.merge[c.Ref]; ok {
			switch {
			case m.First != c.Ref && !p.compat:
				continue // a part of the merged cell
			case m.First != c.Ref:
				l.Value = "" // it has its place in the row there
			case p.compat:
				l.MergeStart = true
			default:
				l.MergeStart = m.String()
			}
		}
		if x := p.xf(c); x != nil {
			if x.Font != nil {
				l.Bold, l.Italic = x.Font.Bold, x.Font.Italic
			}
			if x.Alignment != nil && x.Alignment.Horizontal != "general" {
				l.AlignH = x.Alignment.Horizontal
			}
			if b := x.Border; b != nil {
				l.Borders = &layoutBorders{lineStyle(b.Top), lineStyle(b.Bottom), lineStyle(b.Left), lineStyle(b.Right)}
			}
		}
		if len(b) == open {
			b = append(b, `,"cells":[`...)
		} else {
			b = append(b, ',')
		}
		if b, _ = appendJSON(b, l, 0); len(b)-start > room {
			return b
		}
	}
	if len(b) > open {
		b = append(b, ']')
	}
	return append(b, '}')
}

func (p *layoutPager) xf(c grid.Cell) *grid.Xf {
	if s := p.w.styles; s != nil && int(c.Style) < len(s.Xfs) {
		return &s.Xfs[c.Style]
	}
	return nil
}

func lineStyle(e grid.Edge) string {
	if e.Style == "none" {
		return ""
	}
	return e.Style
}

// weight is how heavy the line of an edge is: 0 none, 1 thin, 2 medium, 3 double.
func weight(e grid.Edge) int {
	switch e.Style {
	case "", "none":
		return 0
	case "medium", "thick", "mediumDashed", "mediumDashDot", "mediumDashDotDot":
		return 2
	case "double":
		return 3
	}
	return 1
}

// edge gives the weight of the line above, or else left of, the cell in row r and
// column i of the page: the heavier of what the two cells at the line say.
func (p *layoutPager) edge(r, i int, left bool) int {
	w := 0
	at := func(r, i int, side func(*grid.Border) grid.Edge) {
		if r < 0 || r >= p.page.Rows() || i < 0 || i >= len(p.widths) {
			return
		}
		if x := p.xf(p.cells[r][i]); x != nil && x.Border != nil {
			w = max(w, weight(side(x.Border)))
		}
	}
	if left {
		if i > 0 && i < len(p.widths) && r >= 0 && r < p.page.Rows() {
			a, inA := p.merge[p.cells[r][i-1].Ref]
			if b, inB := p.merge[p.cells[r][i].Ref]; inA && inB && a == b {
				return 0
			}
		}
		at(r, i, func(b *grid.Border) grid.Edge { return b.Left })
		at(r, i-1, func(b *grid.Border) grid.Edge { return b.Right })
		return w
	}
	at(r, i, func(b *grid.Border) grid.Edge { return b.Top })
	at(r-1, i, func(b *grid.Border) grid.Edge { return b.Bottom })
	return w
}

// margin is the width of the row numbers.
const margin = 7

func (p *layoutPager) drawLetters(b []byte) []byte {
	b = append(b, strings.Repeat(" ", margin)...)
	for i, w := range p.widths {
		b = append(b, ' ')
		b = appendAligned(b, cell.ColumnName(p.page.First.Col+i), w, "center")
	}
	return endLine(b)
}

// endLine ends a line without blanks at its end.
func endLine(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return append(b, '\n')
}

// drawBorder draws the line above row r of the page, if any cell has one there.
func (p *layoutPager) drawBorder(b []byte, r int) []byte {
	any := false
	for i := range p.widths {
		any = any || p.edge(r, i, false) > 0
	}
	if !any {
		return b
	}
	b = append(b, strings.Repeat(" ", margin)...)
	for i := 0; i <= len(p.widths); i++ {
		across := max(p.edge(r, i-1, false), p.edge(r, i, false))
		down := max(p.edge(r-1, i, true), p.edge(r, i, true))
		switch {
		case across > 0 && down > 0:
			b = append(b, "┼"...)
		case across > 0:
			b = append(b, "─"...)
		case down > 0:
			b = append(b, "│"...)
		default:
			b = append(b, ' ')
		}
		if i < len(p.widths) {
			b = append(b, strings.Repeat([]string{" ", "─", "━", "═"}[p.edge(r, i, false)], p.widths[i])...)
		}
	}
	return endLine(b)
}

func (p *layoutPager) drawRow(b []byte, r int) []byte {
	b = append(b, fmt.Sprintf("%*d", margin, p.page.First.Row+r+1)...)
	for i := 0; i <= len(p.widths); i++ {
		b = append(b, []string{" ", "│", "┃", "║"}[p.edge(r, i, true)]...)
		if i == len(p.widths) {
			break
		}
		c, width, text := p.cells[r][i], p.widths[i], p.shown[r][i]
		if m, ok := p.merge[c.Ref]; ok {
			if m.First.Row != c.Ref.Row || m.First.Col != c.Ref.Col && i > 0 {
				text = ""
			} else {
				last := min(m.Last.Col, p.page.Last.Col)
				for ; p.page.First.Col+i < last; i++ {
					width += 1 + p.widths[i+1]
				}
			}
		} else if p.runsOver(c, text) {
			for ; width < utf8.RuneCountInString(text)+marks && i+1 < len(p.widths) && p.free(r, i+1); i++ {
				width += 1 + p.widths[i+1]
			}
		}
		b = p.drawCell(b, c, text, width)
	}
	return endLine(b)
}

// marks are the characters around a text in bold italics.
const marks = len("*/") * 2

// runsOver reports whether a cell shows a text that runs on over blank cells right of it where its column is too narrow.
func (p *layoutPager) runsOver(c grid.Cell, text string) bool {
	if text == "" || c.Value.Kind() != cell.Text {
		return false
	}
	x := p.xf(c)
	if x == nil || x.Alignment == nil {
		return true
	}
	a := x.Alignment
	return (a.Horizontal == "" || a.Horizontal == "general" || a.Horizontal == "left") && !a.Wrap && !a.Shrink
}

// free reports whether a text may run over the cell in row r and column i of the page: it is blank, and no line is before it.
func (p *layoutPager) free(r, i int) bool {
	c := p.cells[r][i]
	_, merged := p.merge[cell.Ref{Row: p.page.First.Row + r, Col: p.page.First.Col + i}]
	return !merged && !c.HasFormula() && c.Value.IsBlank() && p.edge(r, i, true) == 0
}

func (p *layoutPager) drawCell(b []byte, c grid.Cell, text string, width int) []byte {
	text = oneLine(text, width)
	align := "left"
	switch c.Value.Kind() {
	case cell.Number:
		align = "right"
	case cell.Bool, cell.Error:
		align = "center"
	}
	if x := p.xf(c); x != nil && text != "" {
		if x.Font != nil && x.Font.Bold {
			text = "*" + text + "*"
		}
		if x.Font != nil && x.Font.Italic {
			text = "/" + text + "/"
		}
		if x.Alignment != nil {
			switch x.Alignment.Horizontal {
			case "left", "right", "center":
				align = x.Alignment.Horizontal
			case "centerContinuous":
				align = "center"
			}
		}
	}
	return appendAligned(b, text, width, align)
}

// appendAligned writes text into width characters, cut with an ellipsis.
func appendAligned(b []byte, text string, width int, align string) []byte {
	n := utf8.RuneCountInString(text)
	if n > width {
		i := 0
		for range width - 1 {
			_, size := utf8.DecodeRuneInString(text[i:])
			i += size
		}
		return append(append(b, text[:i]...), "…"...)
	}
	left := 0
	switch align {
	case "right":
		left = width - n
	case "center":
		left = (width - n) / 2
	}
	b = append(b, strings.Repeat(" ", left)...)
	b = append(b, text...)
	return append(b, strings.Repeat(" ", width-n-left)...)
}

// rest says what was left out of the range asked for, and how to go on: beside the page,
// then below it, then with the other ranges.
func (p *layoutPager) rest(out *layoutPageOut, a area, used cell.Range, wide bool, others []area, names func([]area) []string) {
	var left []area
	within, some := a.rng.Intersect(used)
	if wide && some && within.Last.Col > p.page.Last.Col {
		beside := cell.Range{First: cell.Ref{Row: p.page.First.Row, Col: p.page.Last.Col + 1}, Last: cell.Ref{Row: p.page.Last.Row, Col: within.Last.Col}}
		left = append(left, area{sheet: a.sheet, rng: beside})
		out.Notes = append(out.Notes, fmt.Sprintf("only %d columns are shown; those beside are %s", p.page.Cols(), beside))
	}
	if some && within.Last.Row > p.page.Last.Row {
		below := cell.Range{First: cell.Ref{Row: p.page.Last.Row + 1, Col: a.rng.First.Col}, Last: cell.Ref{Row: within.Last.Row, Col: a.rng.Last.Col}}
		if a.rng.WholeRows() {
			below.First.Col, below.Last.Col = within.First.Col, within.Last.Col
		}
		left = append(left, area{sheet: a.sheet, rng: below})
	}
	cut := len(left) > 0
	if left = append(left, others...); len(left) == 0 {
		return
	}
	out.Truncated = true
	in := p.in
	in.Range = strings.Join(names(left), ",")
	out.Next = fmt.Sprintf("%s of %s; next: %s", p.page, p.in.Range, callText("layout_page", in))
	if cut {
		out.Notes = append(out.Notes, "the range was cut to "+p.page.String())
	}
}

func (o *layoutPageOut) appendText(b []byte, _ bool) []byte {
	if o.Rows != nil {
		return nil
	}
	if !strings.Contains(o.Range, "!") {
		b = append(appendEscaped(b, cell.QuoteSheet(o.SheetName)), '!')
	}
	b = appendEscaped(b, o.Range)
	if len(o.Merged) > 0 {
		b = append(append(b, ", merged: "...), strings.Join(o.Merged, " ")...)
	}
	b = append(b, '\n')
	for _, n := range o.Notes {
		b = append(append(append(b, "note: "...), n...), '\n')
	}
	return append(b, o.ASCII...)
}
