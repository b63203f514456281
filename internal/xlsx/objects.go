package xlsx

import (
	"bytes"
	"context"
	"path"
	"slices"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx/xmltext"
)

// Objects gives what lies on a sheet besides cells and tables, in the order of the file: what its drawing
// has, pivot tables, controls and embedded objects. With -1 it gives what belongs to the workbook: links to
// others. Sparklines are in the layout of the sheet. A part that cannot be read is an error.
func (f *File) Objects(ctx context.Context, sheet int) (list []grid.Object, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if sheet < 0 {
		for _, target := range f.book.External {
			list = append(list, grid.Object{Kind: grid.LinkObject, Sheet: -1, Text: target})
		}
		return list, nil
	}
	if sheet >= len(f.book.Sheets) || f.book.Sheets[sheet].Part == "" {
		return nil, nil
	}
	rels, err := f.pkg.relationshipsOf(f.book.Sheets[sheet].Part)
	if err != nil {
		return nil, err
	}
	for _, kind := range []string{"drawing", "pivotTable", "ctrlProp", "control", "oleObject", "package"} {
		for _, part := range rels.parts(kind) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			var more []grid.Object
			switch kind {
			case "drawing":
				more, err = f.drawing(ctx, part)
			case "pivotTable":
				more, err = f.pivot(part)
			case "ctrlProp":
				more, err = f.control(part)
			case "control":
				more = []grid.Object{{Kind: grid.ControlObject, Name: "ActiveX", Part: part.Name}}
			default:
				more = []grid.Object{{Kind: grid.EmbeddedObject, Part: part.Name}}
			}
			if err != nil {
				return nil, inPart(part.Name, err)
			}
			if len(list)+len(more) > maxEntries {
				return nil, tooLarge(part.Name, "the sheet has more than %d objects", maxEntries)
			}
			list = append(list, more...)
		}
	}
	for i := range list {
		list[i].Sheet = sheet
	}
	return list, nil
}

// DrawingObjectID gives the id of an object of a drawing, by the part's name and the number that the drawing
// has for it.
func DrawingObjectID(part, id string) string {
	return strings.TrimSuffix(path.Base(part), ".xml") + "." + id
}

// Media gives the content of a picture's part, which must not be larger than limit.
func (f *File) Media(_ context.Context, part string, limit int64) ([]byte, error) {
	p := f.pkg.Find(part)
	if p == nil {
		return nil, damaged(part, -1, "there is no such part")
	}
	return f.pkg.ReadAll(p, limit)
}

// drawing reads a drawing part and what it refers to.
func (f *File) drawing(ctx context.Context, part *Part) ([]grid.Object, error) {
	doc, err := f.pkg.readXML(part)
	if err != nil {
		return nil, err
	}
	rels, err := f.pkg.relationshipsOf(part.Name)
	if err != nil {
		return nil, err
	}
	d := drawingReader{f: f, ctx: ctx, part: part, rels: rels, r: xmltext.New(doc)}
	r := d.r
	if r.Root() {
		for depth := r.Depth(); r.Child(depth) && d.err == nil; {
			switch string(r.Local()) {
			case "twoCellAnchor", "oneCellAnchor", "absoluteAnchor":
				d.anchored()
			}
		}
	}
	if d.err != nil {
		return nil, d.err
	}
	return d.list, r.Err()
}

// drawingReader reads a drawing.
type drawingReader struct {
	f    *File
	ctx  context.Context
	part *Part
	rels *relationships
	r    *xmltext.Reader
	list []grid.Object
	err  error
}

// anchored reads an anchor with what it holds.
func (d *drawingReader) anchored() {
	r := d.r
	a := grid.Anchor{}
	kind := string(r.Local())
	switch edit := r.Value("editAs"); {
	case kind == "twoCellAnchor":
		a.MoveWithCells, a.SizeWithCells = edit != "absolute", edit == "" || edit == "twoCell"
	case kind == "oneCellAnchor":
		a.MoveWithCells = true
	default:
		a.Free = true
	}
	first := len(d.list)
	for depth := r.Depth(); r.Child(depth); {
		switch string(r.Local()) {
		case "from":
			a.From, a.FromX, a.FromY = d.marker()
		case "to":
			a.To, a.ToX, a.ToY = d.marker()
		case "ext":
			a.Width, a.Height = int64(r.Float("cx", 0)), int64(r.Float("cy", 0))
		case "pos":
			a.FromX, a.FromY = int64(r.Float("x", 0)), int64(r.Float("y", 0))
		default:
			d.object(false, 0)
		}
	}
	if kind != "twoCellAnchor" {
		a.To = a.From
	}
	for i := first; i < len(d.list); i++ {
		d.list[i].Anchored, d.list[i].Anchor = true, a
	}
}

// marker reads a corner of an anchor.
func (d *drawingReader) marker() (at cell.Ref, x, y int64) {
	r := d.r
	for depth := r.Depth(); r.Child(depth); {
		name := string(r.Local())
		n := number(r.Text())
		switch name {
		case "col":
			at.Col = clamp(int(n), 0, cell.MaxCols-1)
		case "row":
			at.Row = clamp(int(n), 0, cell.MaxRows-1)
		case "colOff":
			x = n
		case "rowOff":
			y = n
		}
	}
	return at, x, y
}

// number reads a whole number; what is none is 0.
func number(s string) (n int64) {
	s = strings.TrimSpace(s)
	negative := strings.HasPrefix(s, "-")
	for _, c := range strings.TrimPrefix(s, "-") {
		if c < '0' || c > '9' || n > 1<<52 {
			break
		}
		n = n*10 + int64(c-'0')
	}
	if negative {
		return -n
	}
	return n
}

// groupsMax is how deep groups in groups are looked into.
const groupsMax = 16

// object reads one object of an anchor, or of a group.
func (d *drawingReader) object(grouped bool, depth int) {
	r := d.r
	o := grid.Object{Grouped: grouped}
	switch string(r.Local()) {
	case "sp", "cxnSp":
		o.Kind = grid.ShapeObject
	case "pic":
		o.Kind = grid.ImageObject
	case "graphicFrame":
		o.Kind = grid.ShapeObject // until it says what it shows
	case "grpSp":
		if depth == groupsMax {
			return
		}
		o.Kind = grid.ShapeObject
	default:
		return
	}
	group := string(r.Local()) == "grpSp"
	at := len(d.list)
	d.list = append(d.list, o)
	shown := 0
	for level := r.Depth(); r.Child(level) && d.err == nil; {
		switch string(r.Local()) {
		case "nvSpPr", "nvPicPr", "nvGraphicFramePr", "nvCxnSpPr", "nvGrpSpPr":
			for level := r.Depth(); r.Child(level); {
				if string(r.Local()) == "cNvPr" {
					o := &d.list[at]
					o.ID, o.Name, o.Text = DrawingObjectID(d.part.Name, r.Value("id")), r.Value("name"), r.Value("descr")
				}
			}
		case "blipFill":
			d.picture(&d.list[at])
		case "graphic":
			d.graphic(&d.list[at])
		case "txBody":
			if text := d.words(); d.list[at].Text == "" {
				d.list[at].Text = text
			}
		default:
			if group {
				d.object(true, depth+1)
				shown++
			}
		}
	}
	if group && shown > 0 && d.list[at].Text == "" {
		d.list[at].Text = "a group"
	}
}

// words gives the text of a shape.
func (d *drawingReader) words() string {
	var b []byte
	r := d.r
	for depth := r.Depth(); r.Child(depth); {
		if string(r.Local()) != "p" {
			continue
		}
		if len(b) > 0 {
			b = append(b, '\n')
		}
		for depth := r.Depth(); r.Child(depth); {
			if string(r.Local()) == "r" || string(r.Local()) == "fld" {
				for depth := r.Depth(); r.Child(depth); {
					if string(r.Local()) == "t" {
						b = r.AppendText(b)
					}
				}
			}
		}
	}
	return string(b)
}

// picture finds the picture of a fill.
func (d *drawingReader) picture(o *grid.Object) {
	r := d.r
	for depth := r.Depth(); r.Child(depth); {
		if string(r.Local()) != "blip" {
			continue
		}
		o.Image = &grid.Image{}
		rel := d.rels.get(r.ValueNS(xmltext.Relationship, "embed"))
		if rel == nil {
			if rel = d.rels.get(r.ValueNS(xmltext.Relationship, "link")); rel != nil {
				o.Image.Format, o.Text = "linked", rel.target
			}
			continue
		}
		if rel.part == nil {
			continue
		}
		o.Part = rel.part.Name
		o.Image.Bytes = rel.part.Bytes
		o.Image.Format, o.Image.Width, o.Image.Height = d.f.measured(rel.part)
	}
}

// graphic finds out what a frame shows.
func (d *drawingReader) graphic(o *grid.Object) {
	r := d.r
	for depth := r.Depth(); r.Child(depth); {
		if string(r.Local()) != "graphicData" {
			continue
		}
		uri := r.Value("uri")
		switch {
		case strings.HasSuffix(uri, "/slicer"), strings.HasSuffix(uri, "/timeslicer"), strings.HasSuffix(uri, "/timeline"):
			o.Kind = grid.SlicerObject
		case strings.HasSuffix(uri, "/diagram"):
			o.Kind = grid.DiagramObject
		}
		for depth := r.Depth(); r.Child(depth); {
			if string(r.Local()) != "chart" {
				continue
			}
			o.Kind, o.Chart = grid.ChartObject, &grid.Chart{}
			rel := d.rels.get(r.ValueNS(xmltext.Relationship, "id"))
			if rel == nil || rel.part == nil {
				continue
			}
			o.Part = rel.part.Name
			doc, err := d.f.pkg.readXML(rel.part)
			if err != nil {
				d.err = err
				return
			}
			if o.Chart, err = parseChart(doc); err != nil {
				d.err = inPart(rel.part.Name, err)
				return
			}
		}
	}
}

// control reads the properties of a form control.
func (f *File) control(part *Part) ([]grid.Object, error) {
	doc, err := f.pkg.readXML(part)
	if err != nil {
		return nil, err
	}
	r := xmltext.New(doc)
	if !r.Root() {
		return nil, r.Err()
	}
	o := grid.Object{Kind: grid.ControlObject, Name: r.Value("objectType"), Part: part.Name}
	o.Tied = &grid.Control{Cell: r.Value("fmlaLink"), List: r.Value("fmlaRange")}
	for _, a := range []struct{ attribute, word string }{{"fmlaMacro", "macro "}, {"checked", ""}, {"val", "value "}, {"min", "min "}, {"max", "max "}} {
		if v := r.Value(a.attribute); v != "" {
			o.Tied.More = append(o.Tied.More, a.word+v)
		}
	}
	return []grid.Object{o}, nil
}

// pivot reads a pivot table with what its cache says of where it comes from.
func (f *File) pivot(part *Part) ([]grid.Object, error) {
	rels, err := f.pkg.relationshipsOf(part.Name)
	if err != nil {
		return nil, err
	}
	p := &grid.Pivot{}
	if rel := rels.first("pivotCacheDefinition"); rel != nil {
		doc, err := f.pkg.readXML(rel.part)
		if err != nil {
			return nil, err
		}
		if err := parsePivotCache(doc, p); err != nil {
			return nil, inPart(rel.part.Name, err)
		}
	}
	doc, err := f.pkg.readXML(part)
	if err != nil {
		return nil, err
	}
	r := xmltext.New(doc)
	if !r.Root() {
		return nil, r.Err()
	}
	o := grid.Object{Kind: grid.PivotObject, Name: r.Value("name"), Part: part.Name, Pivot: p}
	named := make([]string, 0, len(p.Fields)) // what the pivot table calls the fields
	name := func(i int) string {
		switch {
		case i == -2:
			return "Values" // the field that says which value it is
		case i >= 0 && i < len(named) && named[i] != "":
			return named[i]
		case i >= 0 && i < len(p.Fields):
			return p.Fields[i]
		}
		return ""
	}
	fields := func(attribute string) (list []string) {
		for d := r.Depth(); r.Child(d) && len(list) < maxEntries; {
			if n := name(r.Int(attribute, -1)); n != "" {
				list = append(list, n)
			}
		}
		return list
	}
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "location":
			p.Range, _ = cell.ParseRange(r.Value("ref"))
		case "pivotFields":
			for d := r.Depth(); r.Child(d) && len(named) < maxEntries; {
				named = append(named, r.Value("name"))
			}
		case "rowFields":
			p.Rows = fields("x")
		case "colFields":
			p.Columns = fields("x")
		case "pageFields":
			p.Filters = fields("fld")
		case "dataFields":
			for d := r.Depth(); r.Child(d) && len(p.Values) < maxEntries; {
				by := r.Value("subtotal")
				if by == "" {
					by = "sum"
				}
				p.Values = append(p.Values, r.Value("name")+" ("+by+" of "+name(r.Int("fld", -1))+")")
			}
		}
	}
	return []grid.Object{o}, r.Err()
}

// parsePivotCache reads where the data of a pivot table come from.
func parsePivotCache(doc []byte, p *grid.Pivot) error {
	r := xmltext.New(doc)
	if !r.Root() {
		return r.Err()
	}
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "cacheSource":
			p.Source = r.Value("type")
			for d := r.Depth(); r.Child(d); {
				if string(r.Local()) != "worksheetSource" {
					continue
				}
				if p.Source = r.Value("name"); p.Source == "" {
					p.Source = r.Value("ref")
					if sheet := r.Value("sheet"); sheet != "" {
						p.Source = cell.QuoteSheet(sheet) + "!" + p.Source
					}
				}
			}
		case "cacheFields":
			for d := r.Depth(); r.Child(d) && len(p.Fields) < maxEntries; {
				p.Fields = append(p.Fields, r.Value("name"))
			}
		}
	}
	return r.Err()
}

// chartTypes are the elements of a plot area that have series, with the word for each.
var chartTypes = map[string]string{
	"areaChart": "area", "area3DChart": "area_3d", "barChart": "bar", "bar3DChart": "bar_3d", "lineChart": "line", "line3DChart": "line_3d", "pieChart": "pie", "pie3DChart": "pie_3d",
	"ofPieChart": "pie_of_pie", "doughnutChart": "doughnut", "scatterChart": "scatter", "bubbleChart": "bubble", "radarChart": "radar", "stockChart": "stock", "surfaceChart": "surface", "surface3DChart": "surface_3d",
}

// parseChart reads a chart part, that of the newer kinds of chart included.
func parseChart(doc []byte) (*grid.Chart, error) {
	r := xmltext.New(doc)
	if !r.Root() {
		return &grid.Chart{}, r.Err()
	}
	c := chartReader{r: r, c: &grid.Chart{}, formulas: map[string][]string{}}
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "chart":
			c.chart()
		case "chartData":
			c.newData()
		}
	}
	return c.c, r.Err()
}

// chartReader reads a chart.
type chartReader struct {
	r        *xmltext.Reader
	c        *grid.Chart
	formulas map[string][]string // of a newer chart, by the id of the data
}

func (c *chartReader) chart() {
	r := c.r
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "title":
			c.c.Title, _ = c.title()
		case "plotArea":
			c.plotArea()
		case "legend":
			c.c.Legend = "right"
			if pos := r.Value("pos"); pos != "" {
				c.c.Legend = legendWord(pos)
			}
			for d := r.Depth(); r.Child(d); {
				if string(r.Local()) == "legendPos" {
					c.c.Legend = legendWord(r.Value("val"))
				}
			}
		}
	}
}

func legendWord(pos string) string {
	return map[string]string{"l": "left", "t": "top", "b": "bottom", "tr": "corner"}[pos] + map[bool]string{true: "right"}[!slices.Contains([]string{"l", "t", "b", "tr"}, pos)]
}

// title reads the text of a title, or of a series' name: its own, or that of the cell it refers to.
func (c *chartReader) title() (text, ref string) {
	r := c.r
	var b []byte
	paragraphs := 0
	var walk func(depth int)
	walk = func(depth int) {
		if depth > 12 {
			return
		}
		for d := r.Depth(); r.Child(d); {
			switch string(r.Local()) {
			case "t", "v":
				b = r.AppendText(b)
			case "f":
				ref = r.Text()
			case "p":
				if paragraphs++; paragraphs > 1 {
					b = append(b, '\n')
				}
				walk(depth + 1)
			case "tx", "rich", "strRef", "strCache", "pt", "r", "txData", "fld":
				walk(depth + 1)
			}
		}
	}
	walk(0)
	return string(bytes.TrimSpace(b)), ref
}

func (c *chartReader) plotArea() {
	r := c.r
	for d := r.Depth(); r.Child(d); {
		name := string(r.Local())
		switch kind := chartTypes[name]; {
		case kind != "":
			c.group(kind)
		case name == "plotAreaRegion":
			for d := r.Depth(); r.Child(d); {
				if string(r.Local()) == "series" {
					c.newSeries()
				}
			}
		case name == "catAx", name == "dateAx", name == "valAx", name == "serAx":
			title, side := c.axis()
			switch {
			case title == "":
			case side == "b" || side == "t":
				c.c.XTitle = title
			default:
				c.c.YTitle = title
			}
		}
	}
}

func (c *chartReader) axis() (title, side string) {
	r := c.r
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "axPos":
			side = r.Value("val")
		case "title":
			title, _ = c.title()
		}
	}
	return title, side
}

// group reads the series that are of one type.
func (c *chartReader) group(kind string) {
	r := c.r
	first := len(c.c.Series)
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "barDir":
			if r.Value("val") != "bar" && strings.HasPrefix(kind, "bar") {
				kind = "column" + strings.TrimPrefix(kind, "bar")
			}
		case "grouping":
			c.c.Grouping = map[string]string{"percentStacked": "percent", "stacked": "stacked", "clustered": "clustered"}[r.Value("val")]
		case "scatterStyle":
			c.c.Lines = strings.HasPrefix(r.Value("val"), "line") || strings.HasPrefix(r.Value("val"), "smooth")
		case "ser":
			if len(c.c.Series) < maxSeries {
				c.series()
			}
		}
	}
	if !slices.Contains(c.c.Types, kind) {
		c.c.Types = append(c.c.Types, kind)
	}
	for i := first; i < len(c.c.Series); i++ {
		c.c.Series[i].Type = kind
	}
}

// maxSeries bounds the series that are told of.
const maxSeries = 1000

func (c *chartReader) series() {
	r := c.r
	var s grid.Series
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "tx":
			s.Name, s.NameRef = c.title()
		case "cat", "xVal":
			s.Categories = c.source()
		case "val", "yVal":
			s.Values = c.source()
		case "smooth":
			c.c.Smooth = c.c.Smooth || r.Bool("val", true)
		case "marker":
			for d := r.Depth(); r.Child(d); {
				if string(r.Local()) == "symbol" && r.Value("val") != "none" {
					c.c.Markers = true
				}
			}
		}
	}
	c.c.Series = append(c.c.Series, s)
}

// source gives the formula of values or categories.
func (c *chartReader) source() (f string) {
	r := c.r
	for d := r.Depth(); r.Child(d); { // strRef, numRef, multiLvlStrRef
		for d := r.Depth(); r.Child(d); {
			if string(r.Local()) == "f" {
				f = r.Text()
			}
		}
	}
	return f
}

// newData reads the data of a newer chart: each has formulas by dimension.
func (c *chartReader) newData() {
	r := c.r
	for d := r.Depth(); r.Child(d); {
		if string(r.Local()) != "data" {
			continue
		}
		id := r.Value("id")
		for d := r.Depth(); r.Child(d); { // strDim, numDim
			for d := r.Depth(); r.Child(d); {
				if string(r.Local()) == "f" && len(c.formulas) < maxSeries {
					c.formulas[id] = append(c.formulas[id], r.Text())
				}
			}
		}
	}
}

func (c *chartReader) newSeries() {
	r := c.r
	s := grid.Series{Type: r.Value("layoutId")}
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "tx":
			s.Name, s.NameRef = c.title()
		case "dataId":
			if f := c.formulas[r.Value("val")]; len(f) > 0 {
				s.Values = f[len(f)-1]
				if len(f) > 1 {
					s.Categories = f[0]
				}
			}
		}
	}
	if len(c.c.Series) < maxSeries {
		c.c.Series = append(c.c.Series, s)
	}
	if s.Type != "" && !slices.Contains(c.c.Types, s.Type) {
		c.c.Types = append(c.c.Types, s.Type)
	}
}
