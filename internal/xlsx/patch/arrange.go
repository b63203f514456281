package patch

import (
	"bytes"
	"io"
	"slices"
	"strconv"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx/emit"
	"gridflow/internal/xlsx/scan"
	"gridflow/internal/xlsx/splice"
)

// LayoutPatch is what changes in what stands around the cells of a sheet. What is nil stays.
type LayoutPatch struct {
	// Columns are all spans of columns that say something, ascending and apart. UsualWidth, in characters, is what is
	// written for one that has no width.
	Columns    *[]grid.ColumnSpan
	UsualWidth float64
	// View is how the sheet is looked at: panes, zoom, grid lines. Only the first view of a sheet changes.
	View *grid.View
	// Merges are all merged ranges.
	Merges *[]cell.Range
	// Validations and Conditional are all rules: those that an extension has stay in it.
	Validations *[]grid.Validation
	Conditional *[]grid.ConditionalFormat
	// Hyperlinks are all of the sheet; Comments too, of which those that are threaded stay as they are.
	Hyperlinks *[]grid.Hyperlink
	Comments   *[]grid.Comment
	// Filter is the autofilter, without the rows that it hides.
	Filter *grid.Filter

	// Selected says whether the tab of the sheet is selected, which that in front is.
	Selected *bool
	// Rows are what some rows are, with their formats, ascending and apart; others stay.
	Rows *[]grid.RowSpan
	// Outlines, where Rows or Columns are given, is how deep rows and columns are grouped then.
	Outlines struct{ Rows, Columns int }

	TabColor   *string // as xf.Color has it; "" for none
	Margins    *grid.PageMargins
	Setup      *grid.PageSetup
	Breaks     *grid.PageBreaks
	Edges      *grid.HeaderFooter
	Protection *grid.SheetProtection
}

// headOrder is the order of what stands before the cells (ECMA-376 part 1, CT_Worksheet).
var headOrder = []string{"sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols"}

// readHead gives the first n bytes of a part.
func (s *saver) readHead(stream *splice.Stream, n int64) ([]byte, error) {
	r := stream.ReaderAt(0)
	defer r.Close()
	var head []byte
	for int64(len(head)) < n {
		chunk, err := r.Next(s.ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		head = append(head, chunk[:min(int64(len(chunk)), n-int64(len(head)))]...)
	}
	return head, nil
}

// arrange makes the edits of what stands before the cells. head is that, from the part's first byte on.
func (e *sheetEditor) arrange(head []byte, p *LayoutPatch) error {
	root := rootEnd(head)
	if root < 0 {
		return broken(e.part, 0, "it has no root element")
	}
	e.root = head[bytes.LastIndexByte(head[:root], '<'):root]
	d := &document{part: e.part, text: head}
	children := elements(head, root, len(head))
	place := func(name string) (at int, old element, there bool) {
		at = root
		for _, c := range children {
			if c.local == name {
				return c.from, c, true
			}
			if i := slices.Index(headOrder, c.local); i >= 0 && i < slices.Index(headOrder, name) {
				at = c.to
			}
		}
		return at, element{}, false
	}
	e.sheetPr(d, children, root, p)
	if p.View != nil {
		at, old, there := place("sheetViews")
		if there {
			view, ok := d.child(old, "sheetView")
			if !ok {
				return broken(e.part, int64(at), "its list of views is empty")
			}
			e.edit(int64(view.from), int64(view.to), e.selected(e.view(d, view, *p.View), p.Selected))
		} else {
			xml := slices.Concat([]byte("<"+e.l.Prefix+"sheetViews>"), e.selected(e.view(d, element{}, *p.View), p.Selected), []byte("</"+e.l.Prefix+"sheetViews>"))
			e.edit(int64(at), int64(at), xml)
		}
	}
	if p.View == nil && p.Selected != nil {
		if _, old, there := place("sheetViews"); there {
			if view, ok := d.child(old, "sheetView"); ok {
				e.edit(int64(view.from), int64(view.tagEnd), e.selected(slices.Clone(view.tag(d.text)), p.Selected))
			}
		}
	}
	if p.Columns != nil || p.Rows != nil {
		e.outlines(d, place, p.Outlines.Rows, p.Outlines.Columns)
	}
	if p.Columns != nil {
		at, old, there := place("cols")
		xml := e.columns(d, old, there, *p.Columns, p.UsualWidth)
		to := at
		if there {
			to = old.to
		}
		e.edit(int64(at), int64(to), xml)
	}
	return nil
}

// selected gives the XML of a view that says whether the sheet's tab is selected.
func (e *sheetEditor) selected(xml []byte, on *bool) []byte {
	if on == nil {
		return xml
	}
	end := scan.TagEnd(xml, 0)
	tag := xml[:end]
	switch is := attribute(tag, "tabSelected"); {
	case truth(is) == *on:
		return xml
	case *on:
		tag = withAttribute(tag, "tabSelected", "1")
	default:
		tag = withoutAttribute(tag, "tabSelected")
	}
	return slices.Concat(tag, xml[end:])
}

// rootEnd gives where the root's start tag ends, -1 where there is none.
func rootEnd(head []byte) int {
	for p := 0; p < len(head); {
		if head[p] != '<' || p+1 >= len(head) {
			p++
			continue
		}
		if c := head[p+1]; c != '?' && c != '!' {
			return scan.TagEnd(head, p)
		}
		if p = scan.SkipMarkup(head, p); p < 0 {
			return -1
		}
	}
	return -1
}

// columns gives the list of columns; nothing where there are none. A span that the file has as well
// keeps what it says besides.
func (e *sheetEditor) columns(d *document, old element, there bool, list []grid.ColumnSpan, usual float64) []byte {
	if len(list) == 0 {
		return nil
	}
	tags := map[[2]string][]byte{}
	if there {
		for _, c := range d.children(old) {
			tag := c.tag(d.text)
			tags[[2]string{string(attribute(tag, "min")), string(attribute(tag, "max"))}] = tag
		}
	}
	xml := []byte("<" + e.l.Prefix + "cols>")
	if there {
		xml = slices.Clone(old.tag(d.text))
		if old.empty {
			xml = append(xml[:len(xml)-2], '>')
		}
	}
	for _, c := range list {
		first, last := strconv.Itoa(c.First+1), strconv.Itoa(c.Last+1)
		tag := slices.Clone(tags[[2]string{first, last}])
		if tag == nil {
			tag = []byte("<" + e.l.Prefix + `col min="` + first + `" max="` + last + `"/>`)
			if c.Width == 0 { // Excel takes a span without a width for one of none
				c.Width = usual
			}
		}
		set := func(name, value string, given bool) {
			switch is := attribute(tag, name); {
			case given:
				tag = withAttribute(tag, name, value)
			case is != nil:
				tag = withAttribute(tag, name, "0")
			}
		}
		if c.Width > 0 {
			if string(attribute(tag, "width")) != string(emit.AppendNumber(nil, c.Width)) && attribute(tag, "bestFit") != nil {
				tag = withAttribute(tag, "bestFit", "0")
			}
			tag = withAttribute(tag, "width", string(emit.AppendNumber(nil, c.Width)))
		}
		set("style", strconv.Itoa(int(c.Style)), c.Style > 0)
		set("hidden", "1", c.Hidden)
		set("customWidth", "1", c.Custom)
		set("outlineLevel", strconv.Itoa(int(c.Outline)), c.Outline > 0)
		set("collapsed", "1", c.Collapsed)
		xml = append(xml, tag...)
		if tag[len(tag)-2] != '/' {
			xml = append(xml, "</"+e.l.Prefix+"col>"...)
		}
	}
	return append(xml, "</"+e.l.Prefix+"cols>"...)
}

// view gives the XML of a view that was old, which may be none.
func (e *sheetEditor) view(d *document, old element, v grid.View) []byte {
	tag := []byte("<" + e.l.Prefix + `sheetView workbookViewId="0">`)
	var children []element
	if old.local != "" {
		tag = slices.Clone(old.tag(d.text))
		if old.empty {
			tag = append(tag[:len(tag)-2], '>')
		}
		children = d.children(old)
	}
	flag := func(name string, value, usual bool) {
		if value != usual || attribute(tag, name) != nil {
			n := "0"
			if value {
				n = "1"
			}
			tag = withAttribute(tag, name, n)
		}
	}
	flag("showGridLines", !v.HideGridLines, true)
	flag("showRowColHeaders", !v.HideHeadings, true)
	flag("rightToLeft", v.RightToLeft, false)
	if v.ZoomPercent > 0 {
		tag = withAttribute(tag, "zoomScale", strconv.Itoa(v.ZoomPercent))
		tag = withAttribute(tag, "zoomScaleNormal", strconv.Itoa(v.ZoomPercent))
	}
	xml := tag
	frozen := [2]int{}
	for _, c := range children {
		if c.local == "pane" {
			if s := string(attribute(c.tag(d.text), "state")); s == "frozen" || s == "frozenSplit" {
				frozen[0], _ = strconv.Atoi(string(attribute(c.tag(d.text), "ySplit")))
				frozen[1], _ = strconv.Atoi(string(attribute(c.tag(d.text), "xSplit")))
			}
		}
	}
	panes := frozen != [2]int{v.FrozenRows, v.FrozenCols}
	if panes && (v.FrozenRows > 0 || v.FrozenCols > 0) {
		xml = append(xml, "<"+e.l.Prefix+"pane"...)
		pane := "bottomRight"
		switch {
		case v.FrozenCols == 0:
			pane = "bottomLeft"
		case v.FrozenRows == 0:
			pane = "topRight"
		}
		if v.FrozenCols > 0 {
			xml = append(xml, ` xSplit="`+strconv.Itoa(v.FrozenCols)+`"`...)
		}
		if v.FrozenRows > 0 {
			xml = append(xml, ` ySplit="`+strconv.Itoa(v.FrozenRows)+`"`...)
		}
		xml = append(xml, ` topLeftCell="`+v.TopLeft+`" activePane="`+pane+`" state="frozen"/><`+e.l.Prefix+`selection pane="`+pane+`"`...)
		if v.ActiveCell != "" {
			xml = append(xml, ` activeCell="`+v.ActiveCell+`" sqref="`+v.ActiveCell+`"`...)
		}
		xml = append(xml, "/>"...)
	}
	for _, c := range children {
		if panes && (c.local == "pane" || c.local == "selection" && (v.FrozenRows > 0 || v.FrozenCols > 0 || attribute(c.tag(d.text), "pane") != nil)) {
			continue // a selection is in a pane, of which there are others now
		}
		xml = append(xml, d.text[c.from:c.to]...)
	}
	return append(xml, "</"+e.l.Prefix+"sheetView>"...)
}
