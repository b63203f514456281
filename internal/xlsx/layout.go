package xlsx

import (
	"bytes"
	"slices"
	"strings"
	"unsafe"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx/xmltext"
)

// parseHead reads what stands before the cells of a worksheet: the root's start tag and
// what follows up to <sheetData>. dimension is the range that the sheet says it uses, nil
// where it does not say. Offsets in errors count from the beginning of doc.
func parseHead(doc []byte, l *grid.Layout) (dimension *cell.Range, err error) {
	r := layoutReader{r: xmltext.NewFragment(doc), rels: &relationships{}, l: l}
	err = r.read()
	if root := string(r.root); err == nil && root != "worksheet" && root != "macrosheet" {
		err = damaged("", 0, "a <worksheet> is expected and not <%s>", root)
	}
	return r.dimension, err
}

// parseTail reads what stands behind the cells of a worksheet: doc is the root's start
// tag and what follows </sheetData>. It adds to what parseHead has put into l.
func parseTail(doc []byte, rels *relationships, l *grid.Layout) error {
	r := layoutReader{r: xmltext.NewFragment(doc), rels: rels, l: l}
	return r.read()
}

// layoutReader fills a Layout from the XML around the cells. Elements are taken wherever
// they stand, as some writers do not keep the order.
type layoutReader struct {
	r    *xmltext.Reader
	rels *relationships
	l    *grid.Layout

	root      []byte // name of the root element
	dimension *cell.Range
	entries   int             // of all lists together
	bytes     int             // memory that they take
	ruleIDs   map[string]bool // ids of rules that an extension details
	full      bool
}

// layoutBytes bounds what the lists around the cells take in memory. A file can name an
// entry in 20 bytes that takes 300; this is room for four times the links that Excel
// allows, and for more rules than it can bear.
const layoutBytes = 24 << 20

// room counts n list entries of size bytes each and reports whether they may still be added.
func (p *layoutReader) room(n int, size uintptr) bool {
	p.entries += n
	p.bytes += n * int(size)
	if p.entries > maxEntries || p.bytes > layoutBytes {
		p.full = true
	}
	return !p.full
}

func (p *layoutReader) read() error {
	r := p.r
	if !r.Root() {
		return r.Err()
	}
	p.root = bytes.Clone(r.Local())
	for d := r.Depth(); !p.full && r.Child(d); {
		if r.InMain() {
			p.element()
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	if p.full {
		return tooLarge("", "the sheet has too many merges, links, rules and the like: the bounds are %d entries and %s", maxEntries, mebibytes(layoutBytes))
	}
	p.l.Columns = tidyColumns(p.l.Columns)
	return nil
}

// element reads one child of the worksheet.
func (p *layoutReader) element() {
	r, l := p.r, p.l
	switch string(r.Local()) {
	case "sheetPr":
		for d := r.Depth(); r.Child(d); {
			if string(r.Local()) == "tabColor" {
				l.TabColor = parseColor(r, nil)
			}
		}
	case "dimension":
		if rng, ok := cell.ParseRange(r.Value("ref")); ok {
			p.dimension = &rng
		}
	case "sheetViews":
		for d, n := r.Depth(), 0; r.Child(d); n++ {
			if n == 0 {
				l.Views = sheetView(r)
			}
		}
	case "sheetFormatPr":
		l.DefaultRowHeight = max(0, r.Float("defaultRowHeight", 0))
		l.DefaultColumnWidth = max(0, r.Float("defaultColWidth", 0))
	case "cols":
		for d := r.Depth(); r.Child(d); {
			if c, ok := columnSpan(r); ok && p.room(1, unsafe.Sizeof(c)) {
				l.Columns = append(l.Columns, c)
			}
		}
	case "sheetProtection":
		l.Protected = r.Bool("sheet", false)
	case "autoFilter":
		if rng, ok := cell.ParseRange(r.Value("ref")); ok {
			l.AutoFilter, l.Filtering = &rng, filtering(r)
		}
	case "mergeCells":
		for d := r.Depth(); r.Child(d); {
			if rng, ok := cell.ParseRange(r.Value("ref")); ok && p.room(1, unsafe.Sizeof(rng)) {
				l.Merges = append(l.Merges, rng)
			}
		}
	case "conditionalFormatting":
		p.conditionalFormatting()
	case "dataValidations":
		p.dataValidations()
	case "hyperlinks":
		p.hyperlinks()
	case "drawing":
		p.count("drawing", 1)
	case "picture":
		p.count("backgroundPicture", 1)
	case "tableParts":
		p.count("table", p.children("tablePart"))
	case "oleObjects":
		p.count("oleObject", p.children("oleObject"))
	case "controls":
		p.count("control", p.children("control"))
	case "extLst":
		p.extensions()
	}
}

// count adds n objects of a kind.
func (p *layoutReader) count(kind string, n int) { countObjects(p.l, kind, n) }

func countObjects(l *grid.Layout, kind string, n int) {
	if n == 0 {
		return
	}
	if l.Objects == nil {
		l.Objects = make(map[string]int)
	}
	l.Objects[kind] += n
}

// children counts the children of a name.
func (p *layoutReader) children(name string) (n int) {
	for d := p.r.Depth(); p.r.Child(d); {
		if string(p.r.Local()) == name {
			n++
		}
	}
	return n
}

// sheetView reads a <sheetView>.
func sheetView(r *xmltext.Reader) grid.View {
	v := grid.View{
		ZoomPercent:   max(0, r.Int("zoomScale", 0)),
		HideGridLines: !r.Bool("showGridLines", true),
		HideHeadings:  !r.Bool("showRowColHeaders", true),
		RightToLeft:   r.Bool("rightToLeft", false),
	}
	pane := "topLeft"
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "pane":
			if s := string(r.Attr("activePane")); s != "" {
				pane = s
			}
			if s := string(r.Attr("state")); s == "frozen" || s == "frozenSplit" {
				v.FrozenRows = clamp(r.Int("ySplit", 0), 0, cell.MaxRows-1)
				v.FrozenCols = clamp(r.Int("xSplit", 0), 0, cell.MaxCols-1)
				v.TopLeft = r.Value("topLeftCell")
			}
		case "selection":
			in := string(r.Attr("pane"))
			if in == "" {
				in = "topLeft"
			}
			if in == pane || v.ActiveCell == "" {
				v.ActiveCell = r.Value("activeCell")
			}
		}
	}
	return v
}

// columnSpan reads a <col>.
func columnSpan(r *xmltext.Reader) (grid.ColumnSpan, bool) {
	first := r.Int("min", 0)
	c := grid.ColumnSpan{
		First: clamp(first, 1, cell.MaxCols) - 1, Last: clamp(r.Int("max", first), 1, cell.MaxCols) - 1,
		Width: max(0, r.Float("width", 0)), Style: uint32(max(0, r.Int("style", 0))), Outline: uint8(clamp(r.Int("outlineLevel", 0), 0, 7)),
		Hidden: r.Bool("hidden", false), Custom: r.Bool("customWidth", false), Collapsed: r.Bool("collapsed", false),
	}
	return c, first >= 1 && first <= cell.MaxCols && c.First <= c.Last
}

// tidyColumns sorts column spans and takes from each what the one before it covers.
func tidyColumns(cols []grid.ColumnSpan) []grid.ColumnSpan {
	tidy := true
	for i := 1; i < len(cols); i++ {
		tidy = tidy && cols[i-1].Last < cols[i].First
	}
	if tidy {
		return cols
	}
	slices.SortStableFunc(cols, func(a, b grid.ColumnSpan) int { return a.First - b.First })
	kept := cols[:0]
	next := 0
	for _, c := range cols {
		c.First = max(c.First, next)
		if c.First <= c.Last {
			kept = append(kept, c)
			next = c.Last + 1
		}
	}
	return kept
}

// ranges reads a list of ranges that blanks separate. What is no range is left out.
func (p *layoutReader) ranges(list []byte) []cell.Range {
	var out []cell.Range
	for len(list) > 0 && !p.full {
		var word []byte
		list = bytes.TrimLeft(list, " \t\r\n")
		if i := bytes.IndexAny(list, " \t\r\n"); i >= 0 {
			word, list = list[:i], list[i:]
		} else {
			word, list = list, nil
		}
		if rng, ok := cell.ParseRange(string(word)); ok && p.room(1, unsafe.Sizeof(rng)) {
			out = append(out, rng)
		}
	}
	return out
}

func (p *layoutReader) hyperlinks() {
	r := p.r
	for d := r.Depth(); r.Child(d); {
		rng, ok := cell.ParseRange(r.Value("ref"))
		if !ok || !p.room(1, unsafe.Sizeof(grid.Hyperlink{})) {
			continue
		}
		h := grid.Hyperlink{Range: rng, Location: r.Value("location"), Display: xmltext.Unescape(r.Value("display")), Tooltip: xmltext.Unescape(r.Value("tooltip"))}
		if rel := p.rels.get(r.ValueNS(xmltext.Relationship, "id")); rel != nil {
			h.Target = rel.target
			if place, inside := strings.CutPrefix(h.Target, "#"); inside {
				h.Target = ""
				if h.Location == "" {
					h.Location = place
				}
			}
		}
		p.l.Hyperlinks = append(p.l.Hyperlinks, h)
	}
}

// extensions reads what newer versions of Excel add to a worksheet.
func (p *layoutReader) extensions() {
	r := p.r
	for d := r.Depth(); r.Child(d); { // each <ext>
		for d := r.Depth(); r.Child(d); {
			switch string(r.Local()) {
			case "conditionalFormattings":
				for d := r.Depth(); r.Child(d); {
					p.conditionalFormatting()
				}
			case "dataValidations":
				p.dataValidations()
			case "sparklineGroups":
				p.count("sparkline", p.sparklines())
			case "timelineRefs":
				p.count("timeline", p.children("timelineRef"))
			}
		}
	}
}

// sparklines counts the sparklines of all groups.
func (p *layoutReader) sparklines() (n int) {
	r := p.r
	for d := r.Depth(); r.Child(d); { // each group
		for d := r.Depth(); r.Child(d); {
			if string(r.Local()) == "sparklines" {
				n += p.children("sparkline")
			}
		}
	}
	return n
}

func clamp(n, lo, hi int) int { return max(lo, min(n, hi)) }
