package patch

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/structure"
	"gridflow/internal/xlsx/emit"
)

// refs rewrites what refers to cells in XML that is small: what stands around the cells of a sheet, and other parts. What it
// does not know stays as it is, to the byte, and so does what does not change.
type refs struct {
	c      *course
	own    string          // the sheet that the XML belongs to, by its name before; "" where it belongs to none
	moves  bool            // whether cells of that sheet move
	ranges []cell.Range    // that the formulas below apply to, before; see course.relative
	header cell.Range      // of the filter that the elements below belong to, before
	table  structure.Table // that the XML is of, if any, before
	column int             // which of its columns the elements below belong to
	// columns: the breaks below are between columns.
	columns bool
	depth   int
	stayed  int // cells of which something is told, as comments, that went to another sheet without it
	// goneParts are the relationships of the sheet that are no more.
	goneParts map[string]bool
}

// maxDepth is how deep what refers to cells may lie.
const maxDepth = 64

// A reading says what an attribute or a text is.
type reading uint8

const (
	notRead   reading = iota
	asFormula         // a formula or a reference with its sheet
	asCell            // a cell of the own sheet
	asArea            // a range of it, as a reference
	asCover           // a range of it: its cells
	asList            // ranges of it
	asColumn          // the formula of a table's column
	asTotal           // that of a cell of its totals row
)

// attributesRead says which attributes refer to cells, by element and attribute (ECMA-376 part 1, 18; of the extensions
// [MS-XLSX] and [MS-ODRAWXML]). An element of which nothing is left goes.
var attributesRead = map[string]map[string]reading{
	"mergeCell":             {"ref": asCover},
	"hyperlink":             {"ref": asCover, "location": asFormula},
	"autoFilter":            {"ref": asArea},
	"sortState":             {"ref": asArea},
	"sortCondition":         {"ref": asArea},
	"conditionalFormatting": {"sqref": asList},
	"dataValidation":        {"sqref": asList},
	"protectedRange":        {"sqref": asList},
	"ignoredError":          {"sqref": asList},
	"scenarios":             {"sqref": asList},
	"cellWatch":             {"r": asCell},
	"inputCells":            {"r": asCell},
	"singleXmlCell":         {"r": asCell},
	"cellSmartTags":         {"r": asCell},
	"comment":               {"ref": asCell},
	"threadedComment":       {"ref": asCell},
	"location":              {"ref": asArea},
	"controlPr":             {"linkedCell": asFormula, "listFillRange": asFormula},
	"formControlPr":         {"fmlaLink": asFormula, "fmlaRange": asFormula, "fmlaGroup": asFormula, "fmlaTxbx": asFormula},
	"sp":                    {"textlink": asFormula},
	"pic":                   {"textlink": asFormula},
	"graphicFrame":          {"textlink": asFormula},
	"parameter":             {"cell": asFormula},
}

// textsRead says which elements hold a text that refers to cells.
var textsRead = map[string]reading{
	"formula": asFormula, "formula1": asFormula, "formula2": asFormula, "f": asFormula, "calculatedColumnFormula": asColumn,
	"totalsRowFormula": asTotal, "sqref": asList, "FmlaLink": asFormula, "FmlaRange": asFormula, "FmlaTxbx": asFormula, "FmlaGroup": asFormula,
}

// lists go when the last of their elements has gone, and say how many these are.
var lists = []string{"mergeCells", "hyperlinks", "dataValidations", "protectedRanges", "ignoredErrors", "cellWatches", "rowBreaks", "colBreaks",
	"conditionalFormattings", "sparklines", "sparklineGroup", "sparklineGroups", "scenario", "scenarios", "ext", "extLst", "smartTags", "singleXmlCells", "tableParts"}

// content rewrites the elements in text[from:to]. Out is nil where nothing changed; kept is how many elements are left.
func (x *refs) content(text []byte, from, to int) (out []byte, kept, gone int) {
	if x.depth == maxDepth {
		return nil, 0, 0
	}
	x.depth++
	defer func() { x.depth-- }()
	at := from
	for _, e := range elements(text, from, to) {
		with, goes := x.element(text, e)
		if goes {
			gone++
		} else {
			kept++
		}
		if goes || with != nil {
			if out == nil {
				out = make([]byte, 0, to-from+64)
			}
			out = append(append(out, text[at:e.from]...), with...)
			at = e.to
		}
	}
	if out == nil {
		return nil, kept, gone
	}
	return append(out, text[at:to]...), kept, gone
}

// element gives what becomes of an element: nil where it stays. It goes where nothing is left of what it is about.
func (x *refs) element(text []byte, e element) (out []byte, goes bool) {
	switch e.local {
	case "sheetViews", "selection", "pane", "printOptions", "pageMargins", "pageSetup", "headerFooter", "sheetProtection", "sheetCalcPr", "phoneticPr":
		return nil, false
	case "brk":
		return x.pageBreak(text, e)
	case "filterColumn":
		with, goes := x.filterColumn(e.tag(text))
		if with != nil {
			with = slices.Concat(with, text[e.tagEnd:e.to])
		}
		return with, goes
	case "dataRef", "worksheetSource":
		return x.sourceRange(text, e), false
	case "cfvo":
		if string(attribute(e.tag(text), "type")) == "formula" {
			if with, changed := x.attribute(e.tag(text), "val", asFormula); changed {
				return slices.Concat(with, text[e.tagEnd:e.to]), false
			}
		}
	case "from", "to":
		return nil, false // of anchors, which are looked at as a whole
	case "tablePart":
		return nil, x.goneParts[relationshipID(e.tag(text))]
	case "tableColumn":
		x.column++
	case "rowBreaks", "colBreaks":
		x.columns = e.local == "colBreaks"
	case "anchor":
		return x.anchor(text, e), false
	case "twoCellAnchor", "oneCellAnchor":
		return x.object(text, e), false
	}
	ranges, header := x.ranges, x.header
	defer func() { x.ranges, x.header = ranges, header }()
	if applies, ok := x.applies(text, e); ok {
		x.ranges = applies
		if x.moves && len(x.list(applies)) == 0 {
			return nil, true
		}
	}
	if e.local == "autoFilter" {
		x.header, _ = cell.ParseRange(string(attribute(e.tag(text), "ref")))
	}
	tag := e.tag(text)
	for name, as := range attributesRead[e.local] {
		with, changed := x.attribute(tag, name, as)
		if changed && with == nil {
			return nil, true
		}
		if changed {
			tag = with
		}
	}
	inner := text[e.tagEnd:e.inner]
	if as := textsRead[e.local]; as != notRead && !e.empty && plainText(inner) {
		if s, changed, left := x.read(plain(inner), as); changed && left {
			return slices.Concat(tag, emit.AppendText(nil, s), text[e.inner:e.to]), false
		}
	} else if !e.empty {
		body, kept, gone := x.content(text, e.tagEnd, e.inner)
		if gone > 0 && slices.Contains(lists, e.local) {
			if kept == 0 {
				return nil, true
			}
			tag = counted(tag, kept, body)
		}
		if body != nil {
			return slices.Concat(tag, body, text[e.inner:e.to]), false
		}
	}
	if bytes.Equal(tag, e.tag(text)) {
		return nil, false
	}
	return slices.Concat(tag, text[e.tagEnd:e.to]), false
}

// counted gives the start tag of a list that has n elements now.
func counted(tag []byte, n int, body []byte) []byte {
	if attribute(tag, "count") != nil {
		tag = withAttribute(tag, "count", strconv.Itoa(n))
	}
	if attribute(tag, "manualBreakCount") != nil {
		manual := 0
		for _, e := range elements(body, 0, len(body)) {
			if b := string(attribute(e.tag(body), "man")); b == "1" || b == "true" {
				manual++
			}
		}
		tag = withAttribute(tag, "manualBreakCount", strconv.Itoa(manual))
	}
	return tag
}

// applies gives the ranges that an element and the formulas in it apply to, from its attribute or, in the extensions, from
// its element for them.
func (x *refs) applies(text []byte, e element) ([]cell.Range, bool) {
	if raw := attribute(e.tag(text), "sqref"); raw != nil {
		return cell.ParseRanges(decoded(raw))
	}
	switch e.local {
	case "conditionalFormatting", "dataValidation", "sparkline", "ignoredError", "protectedRange":
		for _, c := range elements(text, e.tagEnd, e.inner) {
			if c.local == "sqref" && plainText(text[c.tagEnd:c.inner]) {
				return cell.ParseRanges(plain(text[c.tagEnd:c.inner]))
			}
		}
	}
	return nil, false
}

// list gives what is left of ranges.
func (x *refs) list(ranges []cell.Range) []cell.Range {
	var out []cell.Range
	for _, r := range ranges {
		out = append(out, x.c.cover(x.own, r)...)
	}
	return out
}

// attribute rewrites an attribute of a start tag. With is nil where the element goes.
func (x *refs) attribute(tag []byte, name string, as reading) (with []byte, changed bool) {
	raw := attribute(tag, name)
	if raw == nil {
		return tag, false
	}
	s, changed, left := x.read(decoded(raw), as)
	if !left {
		return nil, true
	}
	if !changed {
		return tag, false
	}
	return withAttribute(tag, name, string(emit.AppendAttribute(nil, s))), true
}

// read gives what becomes of a text, whether that is another one, and whether anything of it is left. What does not make
// sense stays.
func (x *refs) read(s string, as reading) (out string, changed, left bool) {
	switch as {
	case asFormula:
		if x.ranges != nil && x.moves {
			out = x.c.relative(s, x.own, x.ranges)
		} else {
			out, _ = x.c.formula(s, x.own)
		}
	case asColumn, asTotal:
		out = x.c.column(s, x.table, x.column, as == asTotal)
	case asCell:
		at, ok := cell.ParseRef(s)
		if !ok || !x.moves {
			return s, false, true
		}
		sheet, to, ok := x.c.locate(x.own, at)
		if !ok {
			return "", true, false
		}
		if !strings.EqualFold(sheet, x.name()) {
			x.stayed++
			return s, false, true // it cannot go to another sheet
		}
		out = to.String()
		if to == at {
			out = s
		}
	case asArea, asCover:
		r, ok := cell.ParseRange(s)
		if !ok || !x.moves {
			return s, false, true
		}
		to := r
		if as == asArea {
			if to, ok = x.c.placed(x.own, r); !ok {
				return "", true, false
			}
		} else {
			parts := x.c.cover(x.own, r)
			if len(parts) == 0 {
				return "", true, false
			}
			to = parts[0]
			for _, p := range parts[1:] {
				to = to.Union(p)
			}
			if to.First == to.Last && r.First != r.Last && as == asCover {
				return "", true, false // one cell is merged with none
			}
		}
		if out = s; to != r {
			out = corners(to)
		}
	case asList:
		ranges, ok := cell.ParseRanges(s)
		if !ok || !x.moves {
			// In a chart it is a reference with its sheet.
			out, _ = x.c.formula(s, x.own)
			return out, out != s, true
		}
		to := x.list(ranges)
		if out = s; !slices.Equal(to, ranges) {
			words := make([]string, len(to))
			for i, r := range to {
				words[i] = corners(r)
			}
			out = strings.Join(words, " ")
		}
		return out, out != s, len(to) > 0
	}
	return out, out != s, true
}

// plainText reports whether the content of an element is a text and nothing else.
func plainText(inner []byte) bool {
	if body, ok := bytes.CutPrefix(inner, []byte("<![CDATA[")); ok {
		return bytes.Index(body, []byte("]]>")) == len(body)-3
	}
	return bytes.IndexByte(inner, '<') < 0
}

// plain gives that text.
func plain(inner []byte) string {
	if body, ok := bytes.CutPrefix(inner, []byte("<![CDATA[")); ok {
		return string(bytes.TrimSuffix(body, []byte("]]>")))
	}
	return decoded(inner)
}

// pageBreak rewrites a break of pages, which is before the row or column that it names, counted from 0.
func (x *refs) pageBreak(text []byte, e element) (out []byte, goes bool) {
	tag := e.tag(text)
	id, err := strconv.Atoi(string(attribute(tag, "id")))
	if !x.moves || err != nil || id < 0 {
		return nil, false
	}
	to, ok := x.c.line(x.own, id, !x.columns)
	if !ok {
		return nil, true
	}
	if to == id {
		return nil, false
	}
	return slices.Concat(withAttribute(tag, "id", strconv.Itoa(to)), text[e.tagEnd:e.to]), false
}

// line gives where a row or column is afterwards.
func (c *course) line(sheet string, i int, rows bool) (int, bool) {
	if rows {
		r, ok := c.placed(sheet, cell.Range{First: cell.Ref{Row: i}, Last: cell.Ref{Row: i, Col: cell.MaxCols - 1}})
		return r.First.Row, ok && i < cell.MaxRows
	}
	r, ok := c.placed(sheet, cell.Range{First: cell.Ref{Col: i}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: i}})
	return r.First.Col, ok && i < cell.MaxCols
}

// filterColumn rewrites the column of a filter, which counts from the filter's first one.
func (x *refs) filterColumn(tag []byte) (with []byte, goes bool) {
	id, err := strconv.Atoi(string(attribute(tag, "colId")))
	if !x.moves || err != nil || x.header == (cell.Range{}) || id < 0 {
		return nil, false
	}
	to, ok := x.c.filterColumn(x.own, x.header, id)
	if !ok || to == id {
		return nil, !ok
	}
	return withAttribute(tag, "colId", strconv.Itoa(to)), false
}

// sourceRange rewrites the element of a range with the sheet that it is on, as consolidations and caches of pivot tables
// have it.
func (x *refs) sourceRange(text []byte, e element) []byte {
	tag := e.tag(text)
	raw := attribute(tag, "sheet")
	if raw == nil || attribute(tag, "id") != nil { // of another workbook
		return nil
	}
	sheet := decoded(raw)
	name, ok := x.c.sheet(sheet)
	if !ok {
		return nil
	}
	if r, ok := cell.ParseRange(string(attribute(tag, "ref"))); ok {
		if to, left := x.c.area(sheet, r); left && to != r {
			tag = withAttribute(tag, "ref", corners(to))
		}
		if to, _, left := x.c.locate(sheet, r.First); left && !strings.EqualFold(to, name) {
			if a, covered := x.c.area(sheet, r); covered && a.Cells() == r.Cells() {
				name = to // it moved as a whole
			}
		}
	}
	if name != sheet {
		tag = withAttribute(tag, "sheet", string(emit.AppendAttribute(nil, name)))
	}
	if bytes.Equal(tag, e.tag(text)) {
		return nil
	}
	return slices.Concat(tag, text[e.tagEnd:e.to])
}
