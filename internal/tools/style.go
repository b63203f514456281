package tools

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// styleDescriptor says what a cell looks like, as JSON shapes show it. Whatever is as
// Excel has it by default is absent. Colours are ARGB.
type styleDescriptor struct {
	Font         *fontDescriptor      `json:"font"`
	Fill         *fillDescriptor      `json:"fill"`
	Borders      *bordersDescriptor   `json:"borders"`
	Alignment    *alignmentDescriptor `json:"alignment"`
	NumberFormat string               `json:"number_format,omitempty"`

	Protection *protectionDescriptor `json:"protection"`
}

type fontDescriptor struct {
	Name          string  `json:"name,omitempty"`
	Size          float64 `json:"size,omitempty"`
	Bold          bool    `json:"bold,omitempty"`
	Italic        bool    `json:"italic,omitempty"`
	Underline     string  `json:"underline,omitempty"`
	Strikethrough bool    `json:"strikethrough,omitempty"`
	Color         string  `json:"color,omitempty"`
}

type fillDescriptor struct {
	Kind            string         `json:"kind"` // "pattern" or "gradient"
	PatternType     string         `json:"pattern_type,omitempty"`
	ForegroundColor string         `json:"foreground_color,omitempty"`
	BackgroundColor string         `json:"background_color,omitempty"`
	Degree          float64        `json:"degree,omitempty"`
	Stops           []gradientStop `json:"stops"`
}

type gradientStop struct {
	Position float64 `json:"position"`
	Color    string  `json:"color"`
}

type bordersDescriptor struct {
	Left         *edgeDescriptor `json:"left"`
	Right        *edgeDescriptor `json:"right"`
	Top          *edgeDescriptor `json:"top"`
	Bottom       *edgeDescriptor `json:"bottom"`
	Diagonal     *edgeDescriptor `json:"diagonal"`
	Vertical     *edgeDescriptor `json:"vertical"`
	Horizontal   *edgeDescriptor `json:"horizontal"`
	DiagonalUp   bool            `json:"diagonal_up,omitempty"`
	DiagonalDown bool            `json:"diagonal_down,omitempty"`
}

type edgeDescriptor struct {
	Style string `json:"style"`
	Color string `json:"color,omitempty"`
}

type alignmentDescriptor struct {
	Horizontal   string `json:"horizontal,omitempty"`
	Vertical     string `json:"vertical,omitempty"`
	WrapText     bool   `json:"wrap_text,omitempty"`
	TextRotation int    `json:"text_rotation,omitempty"`
	Indent       int    `json:"indent,omitempty"`
	Shrink       bool   `json:"shrink_to_fit,omitempty"`
}

type protectionDescriptor struct {
	Locked *bool `json:"locked"` // only where it is not, which is what cells are without a word
	Hidden bool  `json:"hidden,omitempty"`
}

// describe gives the descriptor of a style index.
func describeStyle(styles *grid.Styles, style uint32) styleDescriptor {
	var d styleDescriptor
	if styles == nil || int(style) >= len(styles.Xfs) {
		return d
	}
	x := &styles.Xfs[style]
	if f := x.Font; f != nil {
		d.Font = &fontDescriptor{Name: f.Name, Size: f.Size, Bold: f.Bold, Italic: f.Italic, Strikethrough: f.Strikethrough, Color: colorText(styles, f.Color)}
		if f.Underline != "none" {
			d.Font.Underline = f.Underline
		}
	}
	d.Fill = describeFill(styles, x.Fill)
	d.Borders = describeBorders(styles, x.Border)
	if a := x.Alignment; a != nil {
		d.Alignment = &alignmentDescriptor{WrapText: a.Wrap, TextRotation: a.Rotation, Indent: a.Indent, Shrink: a.Shrink}
		if a.Horizontal != "general" {
			d.Alignment.Horizontal = a.Horizontal
		}
		if a.Vertical != "bottom" {
			d.Alignment.Vertical = a.Vertical
		}
	}
	if !strings.EqualFold(x.NumFmt, "General") {
		d.NumberFormat = x.NumFmt
	}
	if p := x.Protection; p != nil {
		d.Protection = &protectionDescriptor{Hidden: p.Hidden}
		if !p.Locked {
			d.Protection.Locked = new(bool)
		}
	}
	return d
}

func describeFill(styles *grid.Styles, f *grid.Fill) *fillDescriptor {
	switch {
	case f == nil || f.GradientType == "" && (f.Pattern == "" || f.Pattern == "none"):
		return nil
	case f.GradientType == "":
		return &fillDescriptor{Kind: "pattern", PatternType: f.Pattern, ForegroundColor: colorText(styles, f.Foreground), BackgroundColor: colorText(styles, f.Background)}
	}
	d := &fillDescriptor{Kind: "gradient", Degree: f.GradientDegree}
	for i := range f.GradientStops {
		d.Stops = append(d.Stops, gradientStop{f.GradientStops[i].Position, colorText(styles, &f.GradientStops[i].Color)})
	}
	return d
}

func describeBorders(styles *grid.Styles, b *grid.Border) *bordersDescriptor {
	if b == nil {
		return nil
	}
	edge := func(e grid.Edge) *edgeDescriptor {
		if e.Style == "" || e.Style == "none" {
			return nil
		}
		return &edgeDescriptor{e.Style, colorText(styles, e.Color)}
	}
	return &bordersDescriptor{Left: edge(b.Left), Right: edge(b.Right), Top: edge(b.Top), Bottom: edge(b.Bottom), Diagonal: edge(b.Diagonal),
		Vertical: edge(b.Vertical), Horizontal: edge(b.Horizontal), DiagonalUp: b.DiagonalUp, DiagonalDown: b.DiagonalDown}
}

// styleID names a look: the first 12 hex digits of the SHA-256 of its descriptor. Two
// style indices that look the same have the same id.
func styleID(d styleDescriptor) string {
	text, _ := appendJSON(nil, d, 0)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// styleUse is what is known about the use of one style.
type styleUse struct {
	StyleID         string           `json:"style_id"`
	Occurrences     int              `json:"occurrences"`
	Tags            []string         `json:"tags"`
	ExampleCells    []string         `json:"example_cells"`
	Descriptor      *styleDescriptor `json:"descriptor"`
	CellRanges      []string         `json:"cell_ranges"`
	RangesTruncated bool             `json:"ranges_truncated"`

	brief  string // for people
	ranges []cell.Range
	open   map[[2]int]int // rows of a run that ended in the column before → its range
	fresh  map[[2]int]int // the same of the present column
	col    int
}

// styleCensus counts styles.
type styleCensus struct {
	styles   *grid.Styles
	byIndex  map[uint32]*styleUse
	byID     map[string]*styleUse
	maxRange int  // ranges kept for each style, 0 for none
	runs     bool // ranges are joined where they touch
}

func newStyleCensus(styles *grid.Styles, maxRanges int, runs bool) *styleCensus {
	return &styleCensus{styles: styles, byIndex: map[uint32]*styleUse{}, byID: map[string]*styleUse{}, maxRange: maxRanges, runs: runs}
}

func (c *styleCensus) use(style uint32) *styleUse {
	if u := c.byIndex[style]; u != nil {
		return u
	}
	d := describeStyle(c.styles, style)
	id := styleID(d)
	u := c.byID[id]
	if u == nil {
		u = &styleUse{StyleID: id, Tags: styleTags(c.styles, style), Descriptor: &d, brief: describeXf(c.styles, style), col: -1}
		c.byID[id] = u
	}
	c.byIndex[style] = u
	return u
}

// examplesMax bounds the example cells of a style.
const examplesMax = 5

// run counts the cells of one column between two rows that have one style. Columns
// come from left to right. prefix goes before the address of an example.
func (c *styleCensus) run(style uint32, col, first, last int, prefix string) {
	u := c.use(style)
	for row := first; row <= last && len(u.ExampleCells) < examplesMax; row++ {
		u.ExampleCells = append(u.ExampleCells, prefix+cell.Ref{Row: row, Col: col}.String())
	}
	u.Occurrences += last - first + 1
	if c.maxRange == 0 {
		return
	}
	if col != u.col {
		if u.open = nil; col == u.col+1 {
			u.open = u.fresh
		}
		u.fresh, u.col = map[[2]int]int{}, col
	}
	if !c.runs {
		for row := first; row <= last; row++ {
			c.addRange(u, cell.Range{First: cell.Ref{Row: row, Col: col}, Last: cell.Ref{Row: row, Col: col}})
		}
		return
	}
	if i, ok := u.open[[2]int{first, last}]; ok {
		u.ranges[i].Last.Col = col
		u.fresh[[2]int{first, last}] = i
		return
	}
	if c.addRange(u, cell.Range{First: cell.Ref{Row: first, Col: col}, Last: cell.Ref{Row: last, Col: col}}) {
		u.fresh[[2]int{first, last}] = len(u.ranges) - 1
	}
}

func (c *styleCensus) addRange(u *styleUse, r cell.Range) bool {
	if len(u.ranges) >= c.maxRange {
		u.RangesTruncated = true
		return false
	}
	u.ranges = append(u.ranges, r)
	return true
}

// count adds the stored cells of rng. It stops after about left cells (0 for no bound)
// and gives how many it looked at.
func (c *styleCensus) count(sheet *grid.Sheet, rng cell.Range, left int, prefix string) (looked int) {
	for _, col := range sheet.OccupiedCols(rng.First.Row, rng.Last.Row) {
		if col < rng.First.Col || col > rng.Last.Col {
			continue
		}
		first, last := -1, -1
		var style uint32
		for x := range sheet.Column(col, rng.First.Row, rng.Last.Row) {
			if left > 0 && looked == left {
				break
			}
			looked++
			if first >= 0 && x.Style == style && x.Ref.Row == last+1 {
				last++
				continue
			}
			if first >= 0 {
				c.run(style, col, first, last, prefix)
			}
			style, first, last = x.Style, x.Ref.Row, x.Ref.Row
		}
		if first >= 0 {
			c.run(style, col, first, last, prefix)
		}
		if left > 0 && looked == left {
			break
		}
	}
	return looked
}

// sorted gives the styles, the most used first.
func (c *styleCensus) sorted() []*styleUse {
	list := make([]*styleUse, 0, len(c.byID))
	for _, u := range c.byID {
		for _, r := range u.ranges {
			u.CellRanges = append(u.CellRanges, r.String())
		}
		list = append(list, u)
	}
	slices.SortFunc(list, func(a, b *styleUse) int {
		if a.Occurrences != b.Occurrences {
			return b.Occurrences - a.Occurrences
		}
		return strings.Compare(a.StyleID, b.StyleID)
	})
	return list
}

// appendText writes one line about the style.
func (u *styleUse) appendText(b []byte) []byte {
	b = append(append(b, u.StyleID...), '\t')
	b = append(cell.AppendNumber(b, float64(u.Occurrences)), '\t')
	if u.brief == "" {
		b = append(b, "default"...)
	}
	b = appendEscaped(b, u.brief)
	list, more := u.CellRanges, ""
	if u.RangesTruncated {
		more = " …"
	}
	if list == nil {
		list, more = u.ExampleCells, " …"
		if len(list) == u.Occurrences {
			more = ""
		}
	}
	if len(list) > 0 {
		b = append(appendEscaped(append(b, '\t'), strings.Join(list, " ")), more...)
	}
	return append(b, '\n')
}

// describeXf says in a few words what a style changes: "bold, fill FF4472C4, 0.00%".
func describeXf(styles *grid.Styles, style uint32) string {
	if styles == nil || int(style) >= len(styles.Xfs) {
		return ""
	}
	x := &styles.Xfs[style]
	var parts []string
	add := func(on bool, text string) {
		if on {
			parts = append(parts, text)
		}
	}
	if f := x.Font; f != nil {
		add(f.Bold, "bold")
		add(f.Italic, "italic")
		add(f.Underline != "" && f.Underline != "none", "underline")
		add(f.Strikethrough, "strikethrough")
		add(f.Color != nil && colorText(styles, f.Color) != "FF000000" && colorText(styles, f.Color) != "", "font "+colorText(styles, f.Color))
	}
	if f := x.Fill; f != nil && f.Pattern != "" && f.Pattern != "none" && f.Pattern != "gray125" {
		add(true, "fill "+colorText(styles, f.Foreground))
	}
	if a := x.Alignment; a != nil {
		add(a.Horizontal != "" && a.Horizontal != "general", a.Horizontal)
		add(a.Wrap, "wrap")
	}
	if b := x.Border; b != nil {
		for _, e := range []struct {
			side string
			edge grid.Edge
		}{{"top", b.Top}, {"bottom", b.Bottom}, {"left", b.Left}, {"right", b.Right}} {
			add(e.edge.Style != "" && e.edge.Style != "none", e.side+" "+e.edge.Style)
		}
	}
	add(x.NumFmt != "" && !strings.EqualFold(x.NumFmt, "General"), x.NumFmt)
	return strings.Join(parts, ", ")
}

// orderedTags gives tags that were found in the order in which they are told.
func orderedTags(found map[string]bool) (tags []string) {
	for _, t := range []string{"header", "emphasis", "currency", "percentage", "date"} {
		if found[t] {
			tags = append(tags, t)
		}
	}
	return tags
}

// styleTags gives what a style suggests about the role of its cells.
func styleTags(styles *grid.Styles, style uint32) []string {
	if styles == nil || int(style) >= len(styles.Xfs) {
		return nil
	}
	x := &styles.Xfs[style]
	var tags []string
	if x.Font != nil && x.Font.Bold {
		tags = append(tags, "header")
	}
	if x.Font != nil && x.Font.Italic {
		tags = append(tags, "emphasis")
	}
	f := styles.Format(style)
	if f != nil && f.IsCurrency() {
		tags = append(tags, "currency")
	}
	if f != nil && f.IsPercent() {
		tags = append(tags, "percentage")
	}
	if f != nil && f.IsDate() {
		tags = append(tags, "date")
	}
	return tags
}
