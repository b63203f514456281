package tools

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xf"
)

type layoutOp struct {
	Kind  string `json:"kind" alias:"op" required:"true" enum:"freeze_panes|set_zoom|set_gridlines|set_page_margins|set_page_setup|set_print_area|set_print_titles|set_page_breaks|set_header_footer|set_tab_color|set_sheet_visibility"`
	Sheet string `json:"sheet_name" required:"true"`

	FreezeRows *int   `json:"freeze_rows" min:"0" max:"1048575" doc:"freeze_panes; 0 for both lets go"`
	FreezeCols *int   `json:"freeze_cols" min:"0" max:"16383"`
	TopLeft    string `json:"top_left_cell" doc:"freeze_panes: first cell to be seen beside the frozen ones"`
	Zoom       *int   `json:"zoom_percent" doc:"set_zoom: 10 to 400"`
	Show       *bool  `json:"show" doc:"set_gridlines"`

	Left   *float64 `json:"left" doc:"set_page_margins: inches"`
	Right  *float64 `json:"right"`
	Top    *float64 `json:"top"`
	Bottom *float64 `json:"bottom"`
	Header *float64 `json:"header" doc:"set_page_margins: the header's distance from the edge"`
	Footer *float64 `json:"footer"`

	Orientation string `json:"orientation" enum:"portrait|landscape" doc:"set_page_setup"`
	FitWidth    *int   `json:"fit_to_width" min:"0" max:"32767" doc:"set_page_setup: pages side by side; 0 or left out beside fit_to_height: any number"`
	FitHeight   *int   `json:"fit_to_height" min:"0" max:"32767"`
	Scale       *int   `json:"scale_percent" doc:"set_page_setup: 10 to 400; not with fit_to_width and fit_to_height"`
	Paper       *int   `json:"paper_size" min:"1" max:"32767" doc:"set_page_setup: Excel's number; 1 Letter, 5 Legal, 8 A3, 9 A4"`

	Range string `json:"range" doc:"set_print_area: A1:F50, or several with commas"`
	Rows  string `json:"rows" doc:"set_print_titles: rows on top of each page, 1:2"`
	Cols  string `json:"cols" doc:"set_print_titles: columns at the left, A:B"`
	Clear bool   `json:"clear" default:"false" doc:"set_print_area, set_print_titles, set_page_breaks, set_header_footer, set_tab_color: take it away"`

	RowBreaks []int `json:"row_breaks" max:"1026" doc:"set_page_breaks: rows after which a page ends; replaces all"`
	ColBreaks []int `json:"col_breaks" max:"1026"`

	HeaderText  *string `json:"header_text" doc:"set_header_footer, in Excel's codes: &L left, &C center, &R right, &P page, &N pages, &D date, &F file, &A sheet; other members stay"`
	FooterText  *string `json:"footer_text"`
	EvenHeader  *string `json:"even_header_text" doc:"Of even pages; null for those of all"`
	EvenFooter  *string `json:"even_footer_text"`
	FirstHeader *string `json:"first_header_text" doc:"Of the first page"`
	FirstFooter *string `json:"first_footer_text"`

	Color      string `json:"color" doc:"set_tab_color: #RRGGBB, AARRGGBB, or theme:4:0.4"`
	Visibility string `json:"visibility" enum:"visible|hidden|very_hidden" also:"veryhidden=very_hidden" doc:"set_sheet_visibility"`
}

type sheetLayoutBatchIn struct {
	ForkArg
	Ops []layoutOp `json:"ops" required:"true" min:"1" max:"1000"`
	EditMode
	Guard
}

var sheetLayoutBatch = define(Spec{
	Name: "sheet_layout_batch", Title: "Lay out sheets", Toolset: "styles", Writes: true, Reach: ReachSheet,
	Description: "Changes how sheets of a fork look as a whole and on paper: frozen panes, zoom, grid lines, margins, orientation and scale, print areas and titles, page breaks, headers and footers, the colour of the tab, and whether the sheet is seen.",
	Example:     `{"fork_id":"fork-abcdefgh2345","ops":[{"kind":"freeze_panes","sheet_name":"Sheet1","freeze_rows":1},{"kind":"set_page_setup","sheet_name":"Sheet1","orientation":"landscape","fit_to_width":1},{"kind":"set_print_area","sheet_name":"Sheet1","range":"A1:F50"},{"kind":"set_print_titles","sheet_name":"Sheet1","rows":"1:1"}]}`,
}, func(ctx context.Context, env *Env, in sheetLayoutBatchIn) (*batchOut, error) {
	return env.batch(ctx, in.Fork, "sheet_layout_batch", "fail", in.EditMode, in.Guard, len(in.Ops), func(b *batch, i int) error {
		op := &in.Ops[i]
		b.begin(op.Kind)
		index, err := sheetNamed(b.snap, op.Sheet)
		if err != nil {
			return err
		}
		b.counts["ops"]++
		b.counts[op.Kind+"_ops"]++
		return layoutKinds[op.Kind](b, index, op)
	})
})

// layoutKinds do the operations.
var layoutKinds = map[string]func(b *batch, index int, op *layoutOp) error{
	"freeze_panes": (*batch).freezePanes, "set_zoom": (*batch).setZoom, "set_gridlines": (*batch).setGridlines, "set_page_margins": (*batch).setMargins,
	"set_page_setup": (*batch).setPageSetup, "set_print_area": (*batch).setPrintArea, "set_print_titles": (*batch).setPrintTitles,
	"set_page_breaks": (*batch).setPageBreaks, "set_header_footer": (*batch).setHeaderFooter, "set_tab_color": (*batch).setTabColor,
	"set_sheet_visibility": (*batch).setVisibility,
}

// lacks is the error for an operation without what it is about.
func lacks(kind, member, example string) error {
	return invalid("Example: "+example, "%s needs %s", kind, member)
}

// arrange changes the layout of a sheet by what do makes of the one that there is.
func (b *batch) arrange(index int, do func(o *book.Arrange, l *grid.Layout) error) error {
	sheet, err := b.snap.Sheet(b.ctx, index)
	if err != nil {
		return err
	}
	o := book.Arrange{Sheet: b.snap.Workbook().Sheets[index].Name}
	if err := do(&o, sheet.Layout); err != nil {
		return err
	}
	return b.do(o)
}

func (b *batch) view(index int, do func(v *grid.View) error) error {
	return b.arrange(index, func(o *book.Arrange, l *grid.Layout) error {
		v := l.Views
		o.View = &v
		return do(&v)
	})
}

func (b *batch) freezePanes(index int, op *layoutOp) error {
	if op.FreezeRows == nil && op.FreezeCols == nil {
		return lacks(op.Kind, "freeze_rows or freeze_cols", `"freeze_rows":1`)
	}
	return b.view(index, func(v *grid.View) error {
		v.FrozenRows, v.FrozenCols = orElse(op.FreezeRows, 0), orElse(op.FreezeCols, 0)
		first := cell.Ref{Row: v.FrozenRows, Col: v.FrozenCols}
		switch {
		case v.FrozenRows == 0 && v.FrozenCols == 0:
			v.TopLeft = ""
		case op.TopLeft == "":
			v.TopLeft = first.String()
			b.warn("WARN_FREEZE_PANES_TOPLEFT_DEFAULTED: top_left_cell is %s", v.TopLeft)
		default:
			ref, ok := cell.ParseRef(op.TopLeft)
			if !ok {
				return fail(codeRangeInvalid, "Write cells such as B2", "%q is no cell", clip(op.TopLeft, 20))
			}
			if ref.Row < first.Row || ref.Col < first.Col {
				return invalid("Give "+first.String()+", or a cell below and right of it", "%v lies within the frozen rows and columns", ref)
			}
			v.TopLeft = ref.String()
		}
		return nil
	})
}

func (b *batch) setZoom(index int, op *layoutOp) error {
	if op.Zoom == nil {
		return lacks(op.Kind, "zoom_percent", `"zoom_percent":85`)
	}
	if *op.Zoom < 10 || *op.Zoom > 400 {
		return invalid("It is 10 to 400", "the zoom cannot be %d %%", *op.Zoom)
	}
	return b.view(index, func(v *grid.View) error { v.ZoomPercent = *op.Zoom; return nil })
}

func (b *batch) setGridlines(index int, op *layoutOp) error {
	if op.Show == nil {
		return lacks(op.Kind, "show", `"show":false`)
	}
	return b.view(index, func(v *grid.View) error { v.HideGridLines = !*op.Show; return nil })
}

// usualMargins are what Excel gives a sheet that says nothing.
var usualMargins = grid.PageMargins{Given: true, Left: 0.7, Right: 0.7, Top: 0.75, Bottom: 0.75, Header: 0.3, Footer: 0.3}

func (b *batch) setMargins(index int, op *layoutOp) error {
	given := 0
	return b.arrange(index, func(o *book.Arrange, l *grid.Layout) error {
		m := l.Margins
		if !m.Given {
			m = usualMargins
		}
		for _, x := range []struct {
			to   *float64
			from *float64
			name string
		}{{&m.Left, op.Left, "left"}, {&m.Right, op.Right, "right"}, {&m.Top, op.Top, "top"}, {&m.Bottom, op.Bottom, "bottom"}, {&m.Header, op.Header, "header"}, {&m.Footer, op.Footer, "footer"}} {
			if x.from == nil {
				continue
			}
			given++
			if *x.from < 0 || *x.from >= book.MaxMargin || math.IsNaN(*x.from) {
				return invalid(fmt.Sprintf("Margins are inches, from 0 to below %d", book.MaxMargin), "%s cannot be %v", x.name, *x.from)
			}
			*x.to = *x.from
		}
		if given == 0 {
			return lacks(op.Kind, "a margin", `"left":0.5,"right":0.5`)
		}
		o.Margins = &m
		return nil
	})
}

func (b *batch) setPageSetup(index int, op *layoutOp) error {
	fits := op.FitWidth != nil || op.FitHeight != nil
	switch {
	case op.Orientation == "" && !fits && op.Scale == nil && op.Paper == nil:
		return lacks(op.Kind, "orientation, fit_to_width, fit_to_height, scale_percent or paper_size", `"orientation":"landscape"`)
	case fits && op.Scale != nil:
		return invalid("Give one of them", "scale_percent excludes fit_to_width and fit_to_height")
	case op.Scale != nil && (*op.Scale < book.MinScale || *op.Scale > book.MaxScale):
		return invalid("It is 10 to 400", "the scale cannot be %d %%", *op.Scale)
	}
	return b.arrange(index, func(o *book.Arrange, l *grid.Layout) error {
		s := l.Setup
		if s == (grid.PageSetup{Fit: s.Fit}) { // the file says nothing
			s.Wide, s.Tall = 1, 1
		}
		if op.Orientation != "" {
			s.Orientation = op.Orientation
		}
		if op.Paper != nil {
			s.Paper = *op.Paper
		}
		switch {
		case fits:
			s.Fit, s.Wide, s.Tall = true, orElse(op.FitWidth, 0), orElse(op.FitHeight, 0)
		case op.Scale != nil:
			s.Fit, s.Scale = false, *op.Scale
		}
		o.Setup = &s
		return nil
	})
}

// sheetName sets a name that Excel keeps to itself for a sheet, or takes it away.
func (b *batch) sheetName(index int, name, refersTo string) error {
	e := book.NameEdit{Name: name, Sheet: b.snap.Workbook().Sheets[index].Name, RefersTo: refersTo, Delete: refersTo == ""}
	if err := b.do(book.EditNames{Names: []book.NameEdit{e}}); err != nil {
		return err
	}
	return nil
}

func (b *batch) setPrintArea(index int, op *layoutOp) error {
	switch {
	case op.Clear && op.Range != "":
		return invalid("Give one of them", "clear and range exclude each other")
	case op.Clear:
		return b.sheetName(index, grid.PrintArea, "")
	case op.Range == "":
		return lacks(op.Kind, "range", `"range":"A1:F50"`)
	}
	list, err := areas(b.ctx, b.snap, index, op.Range)
	if err != nil {
		return err
	}
	sheet := cell.QuoteSheet(b.snap.Workbook().Sheets[index].Name)
	parts := make([]string, len(list))
	for i, a := range list {
		if a.sheet != index {
			return invalid("Name cells of that sheet", "%q is on another sheet than %s", clip(op.Range, 64), plain(op.Sheet))
		}
		parts[i] = sheet + "!" + absoluteText(a.rng)
	}
	return b.sheetName(index, grid.PrintArea, strings.Join(parts, ","))
}

// absoluteText writes a range as defined names have it: $A$1:$C$9, $A:$C or $1:$9.
func absoluteText(r cell.Range) string {
	col := func(c int) string { return "$" + cell.ColumnName(c) }
	row := func(n int) string { return fmt.Sprintf("$%d", n+1) }
	switch {
	case r.First.Row == 0 && r.Last.Row == cell.MaxRows-1:
		return col(r.First.Col) + ":" + col(r.Last.Col)
	case r.First.Col == 0 && r.Last.Col == cell.MaxCols-1:
		return row(r.First.Row) + ":" + row(r.Last.Row)
	case r.First == r.Last:
		return col(r.First.Col) + row(r.First.Row)
	}
	return col(r.First.Col) + row(r.First.Row) + ":" + col(r.Last.Col) + row(r.Last.Row)
}

func (b *batch) setPrintTitles(index int, op *layoutOp) error {
	switch {
	case op.Clear && (op.Rows != "" || op.Cols != ""):
		return invalid("Give one of them", "clear and rows or cols exclude each other")
	case op.Clear:
		return b.sheetName(index, grid.PrintTitles, "")
	case op.Rows == "" && op.Cols == "":
		return lacks(op.Kind, "rows or cols", `"rows":"1:1"`)
	}
	sheet := cell.QuoteSheet(b.snap.Workbook().Sheets[index].Name)
	var parts []string
	for _, x := range []struct {
		text, what string
		span       func(string) (first, last int, ok bool)
		text2      func(first, last int) string
	}{{op.Cols, "columns", columnsNamed, func(f, l int) string { return "$" + cell.ColumnName(f) + ":$" + cell.ColumnName(l) }}, {op.Rows, "rows", rowsNamed, func(f, l int) string { return fmt.Sprintf("$%d:$%d", f+1, l+1) }}} {
		if x.text == "" {
			continue
		}
		first, last, ok := x.span(x.text)
		if !ok {
			return fail(codeRangeInvalid, "Write rows as 1:2 and columns as A:B", "%q names no %s", clip(x.text, 40), x.what)
		}
		parts = append(parts, sheet+"!"+x.text2(first, last))
	}
	return b.sheetName(index, grid.PrintTitles, strings.Join(parts, ","))
}

// ends cuts a span in two: "A:C", "A-C", or "A", which is both.
func ends(text string) (from, to string) {
	from, to, two := strings.Cut(strings.ReplaceAll(strings.ReplaceAll(text, "$", ""), "-", ":"), ":")
	if !two {
		to = from
	}
	return strings.TrimSpace(from), strings.TrimSpace(to)
}

// columnsNamed reads "B", "A:C" or "A-C".
func columnsNamed(text string) (first, last int, ok bool) {
	from, to := ends(text)
	first, ok1 := cell.ParseColumn(from)
	last, ok2 := cell.ParseColumn(to)
	return min(first, last), max(first, last), ok1 && ok2
}

// rowsNamed reads "2", "1:3" or "1-3".
func rowsNamed(text string) (first, last int, ok bool) {
	from, to := ends(text)
	first, ok1 := cell.ParseRow(from)
	last, ok2 := cell.ParseRow(to)
	return min(first, last), max(first, last), ok1 && ok2
}

func (b *batch) setPageBreaks(index int, op *layoutOp) error {
	if op.Clear && len(op.RowBreaks)+len(op.ColBreaks) > 0 {
		return invalid("Give one of them", "clear and breaks exclude each other")
	}
	if !op.Clear && op.RowBreaks == nil && op.ColBreaks == nil { // empty lists take away, as in spreadsheet-mcp
		return lacks(op.Kind, "row_breaks or col_breaks", `"row_breaks":[50,100]`)
	}
	list := func(given []int, most int, what string) ([]int, error) {
		for _, n := range given {
			if n < 1 || n >= most {
				return nil, invalid(fmt.Sprintf("Breaks are after %s 1 to %d", what, most-1), "a page cannot end with %s %d", what, n)
			}
		}
		given = slices.Clone(given)
		slices.Sort(given)
		return slices.Compact(given), nil
	}
	rows, err := list(op.RowBreaks, cell.MaxRows, "row")
	if err != nil {
		return err
	}
	cols, err := list(op.ColBreaks, cell.MaxCols, "column")
	if err != nil {
		return err
	}
	return b.arrange(index, func(o *book.Arrange, _ *grid.Layout) error {
		o.Breaks = &grid.PageBreaks{Rows: rows, Cols: cols}
		return nil
	})
}

func (b *batch) setHeaderFooter(index int, op *layoutOp) error {
	texts := []*string{op.HeaderText, op.FooterText, op.EvenHeader, op.EvenFooter, op.FirstHeader, op.FirstFooter}
	given := slices.ContainsFunc(texts, func(s *string) bool { return s != nil })
	switch {
	case op.Clear && given:
		return invalid("Give one of them", "clear and texts exclude each other")
	case !op.Clear && !given:
		return lacks(op.Kind, "a text", `"header_text":"&C&A","footer_text":"&P of &N"`)
	}
	return b.arrange(index, func(o *book.Arrange, l *grid.Layout) error {
		h := l.Edges
		if op.Clear {
			h = grid.HeaderFooter{}
		}
		for i, to := range []*string{&h.OddHeader, &h.OddFooter, &h.EvenHeader, &h.EvenFooter, &h.FirstHeader, &h.FirstFooter} {
			if texts[i] != nil {
				*to = *texts[i]
			}
		}
		if op.EvenHeader != nil || op.EvenFooter != nil {
			h.OddEven = h.EvenHeader != "" || h.EvenFooter != ""
		}
		if op.FirstHeader != nil || op.FirstFooter != nil {
			h.First = h.FirstHeader != "" || h.FirstFooter != ""
		}
		o.Edges = &h
		return nil
	})
}

func (b *batch) setTabColor(index int, op *layoutOp) error {
	color := ""
	switch {
	case op.Clear && op.Color != "":
		return invalid("Give one of them", "clear and color exclude each other")
	case !op.Clear && op.Color == "":
		return lacks(op.Kind, "color", `"color":"#C00000"`)
	case !op.Clear:
		var err error
		if color, err = xf.CheckColor(op.Color); err != nil {
			return fail("BAD_STYLE", "Write #RRGGBB, AARRGGBB, or theme:4:0.4 for a colour of the theme with a tint", "%q is no colour", clip(op.Color, 40))
		}
	}
	return b.arrange(index, func(o *book.Arrange, _ *grid.Layout) error {
		o.TabColor = &color
		return nil
	})
}

func (b *batch) setVisibility(index int, op *layoutOp) error {
	to, ok := map[string]grid.Visibility{"visible": grid.Visible, "hidden": grid.Hidden, "very_hidden": grid.VeryHidden}[op.Visibility]
	if !ok {
		return lacks(op.Kind, "visibility", `"visibility":"hidden"`)
	}
	if p := b.snap.Workbook().Protection; p.Structure {
		return fail("PROTECTED", "protection_batch with unprotect_workbook takes that away", "the structure of the workbook is protected: sheets are neither shown nor hidden")
	}
	return b.do(book.ArrangeBook{Sheets: []book.SheetShown{{Sheet: b.snap.Workbook().Sheets[index].Name, Visibility: to}}})
}
