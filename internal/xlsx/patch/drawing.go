package patch

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
	"gridflow/internal/xlsx/scan"
)

// ObjectPatch is what becomes of the charts and pictures of a sheet.
type ObjectPatch struct {
	Sheet  int
	Remove []string // ids, as xlsx.File.Objects gives them
	Add    []DrawingObject
}

// DrawingObject is a chart or a picture that is new.
type DrawingObject struct {
	Name, Text    string   // Text says what it shows
	At            cell.Ref // the cell in which its upper left corner lies
	X, Y          int64    // from the corner of that cell, in EMU
	Width, Height int64    // in EMU
	Chart         *ChartPatch
	Image         []byte // a picture, if it is no chart
	Format        string // of the picture: "png", "jpeg" or "gif"
}

const (
	drawingKind  = "drawing"
	drawingType  = "application/vnd.openxmlformats-officedocument.drawing+xml"
	drawingSpace = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
	drawingMain  = "http://schemas.openxmlformats.org/drawingml/2006/main"
	chartKind    = "chart"
	chartType    = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
	chartSpace   = "http://schemas.openxmlformats.org/drawingml/2006/chart"
)

// drawings changes the drawings of sheets.
func (s *saver) drawings(list []ObjectPatch) error {
	seen := map[int]bool{}
	for i := range list {
		p := &list[i]
		if seen[p.Sheet] || p.Sheet < 0 || p.Sheet >= len(s.f.Workbook().Sheets) {
			return invalid("", "there is no sheet %d, or its objects come twice", p.Sheet)
		}
		seen[p.Sheet] = true
		if len(p.Remove)+len(p.Add) == 0 {
			continue
		}
		if s.strict && len(p.Add) > 0 {
			return &xlsx.Error{Code: xlsx.Unsupported, Offset: -1, Message: "the workbook is in the strict form of Open XML, in which no charts and pictures are written",
				Hint: "Save it in a spreadsheet program as an ordinary .xlsx file first."}
		}
		if err := s.drawing(p); err != nil {
			return err
		}
	}
	return nil
}

// drawing changes what one sheet shows.
func (s *saver) drawing(p *ObjectPatch) error {
	tail, err := s.tail(p.Sheet)
	if err != nil {
		return err
	}
	rels, err := s.pkg.Relations(tail.part.Name)
	if err != nil {
		return err
	}
	k := slices.IndexFunc(rels, func(r xlsx.Relation) bool { return r.Kind == drawingKind && r.Part != nil })
	if k < 0 {
		if len(p.Remove) > 0 {
			return invalid(tail.part.Name, "the sheet has no drawing, and so no object %.64q", p.Remove[0])
		}
		return s.newDrawing(tail, p.Add)
	}
	part := rels[k].Part
	d, root, err := s.rooted(part)
	if err != nil {
		return err
	}
	var stay, goes []element
	left := slices.Clone(p.Remove)
	largest := 0
	for _, e := range d.children(root) {
		ids := d.shapeIDs(e)
		for _, id := range ids {
			n, _ := strconv.Atoi(id)
			largest = max(largest, n)
		}
		i := -1
		if len(ids) > 0 {
			i = slices.Index(left, xlsx.DrawingObjectID(part.Name, ids[0]))
		}
		if i < 0 {
			stay = append(stay, e)
			continue
		}
		left = slices.Delete(left, i, i+1)
		goes = append(goes, e)
	}
	if len(left) > 0 {
		return invalid(part.Name, "the drawing has no object %.64q", left[0])
	}
	if len(stay) == 0 && len(p.Add) == 0 {
		if e, ok := tail.item("drawing"); ok {
			tail.d.edit(e.from, e.to, nil)
		}
		return s.dropRelation(tail.part.Name, rels[k])
	}
	own, err := s.pkg.Relations(part.Name)
	if err != nil {
		return err
	}
	for _, e := range goes {
		d.edit(e.from, e.to, nil)
		for _, r := range own {
			uses := func(e element) bool { return d.refersTo(e, r.ID) }
			if uses(e) && !slices.ContainsFunc(stay, uses) && !s.removed[part.Name+"\x00"+r.ID] {
				if err := s.dropRelation(part.Name, r); err != nil {
					return err
				}
			}
		}
	}
	if len(p.Add) > 0 {
		xml, err := s.anchors(part.Name, root.prefix, largest, p.Add)
		if err != nil {
			return err
		}
		open(d, root, xml)
	}
	s.save(d)
	return nil
}

// shapeIDs gives the numbers of the shapes in an element, that of the outermost first.
func (d *document) shapeIDs(e element) (ids []string) {
	text := d.text[e.from:e.to]
	for p := 0; ; {
		i := bytes.Index(text[p:], []byte("cNvPr"))
		if i < 0 {
			return ids
		}
		p += i
		from := bytes.LastIndexByte(text[:p], '<')
		end := scan.TagEnd(text, from)
		if from < 0 || end < 0 {
			return ids
		}
		if id := attribute(text[from:end], "id"); id != nil && text[from+1] != '/' {
			ids = append(ids, decoded(id))
		}
		p = max(end, p+1)
	}
}

// refersTo tells whether an element, or one inside of it, names a relationship.
func (d *document) refersTo(e element, id string) bool {
	text := d.text[e.from:e.to]
	for p := 0; p < len(text); {
		i := bytes.IndexByte(text[p:], '<')
		if i < 0 || p+i+1 >= len(text) {
			return false
		}
		p += i
		var end int
		switch text[p+1] {
		case '!', '?':
			end = scan.SkipMarkup(text, p)
		case '/':
			end = scan.TagEnd(text, p)
		default:
			if end = scan.TagEnd(text, p); end > 0 {
				for _, a := range scan.Attributes(text[p:end]) {
					if bytes.IndexByte(a.Name, ':') > 0 && decoded(a.Value) == id {
						return true
					}
				}
			}
		}
		if end < 0 {
			return false
		}
		p = end
	}
	return false
}

// newDrawing gives a sheet its first drawing.
func (s *saver) newDrawing(tail *sheetTail, list []DrawingObject) error {
	name := s.freeName(s.folder()+"drawings/drawing", ".xml")
	s.addPart(name, nil) // to have the name
	at := len(s.added) - 1
	r, err := s.rels(tail.part.Name)
	if err != nil {
		return err
	}
	id := r.add(drawingKind, name)
	xml, err := s.anchors(name, "xdr:", 1, list)
	if err != nil {
		return err
	}
	s.added[at].Content = slices.Concat([]byte(declaration+`<xdr:wsDr xmlns:xdr="`+drawingSpace+`" xmlns:a="`+drawingMain+`">`), xml, []byte("</xdr:wsDr>"))
	s.override(name, drawingType)
	tail.insert("drawing", []byte("<"+tail.prefix+`drawing xmlns:r="`+strings.TrimSuffix(r.base, "/")+`" r:id="`+id+`"/>`))
	return nil
}

// anchors gives the XML of new objects of a drawing, whose shapes have numbers up to largest, and adds the
// parts that they need.
func (s *saver) anchors(drawing, prefix string, largest int, list []DrawingObject) ([]byte, error) {
	r, err := s.rels(drawing)
	if err != nil {
		return nil, err
	}
	var b []byte
	for i := range list {
		o := &list[i]
		if !o.At.Valid() || o.Width <= 0 || o.Height <= 0 || (o.Chart == nil) == (len(o.Image) == 0) {
			return nil, invalid(drawing, "object %.64q is neither a chart nor a picture, or has no place", o.Name)
		}
		largest++
		number := func(n int64) string { return strconv.FormatInt(n, 10) }
		b = append(b, "<"+prefix+`oneCellAnchor xmlns:a="`+drawingMain+`"><`+prefix+"from><"+prefix+"col>"+strconv.Itoa(o.At.Col)+"</"+prefix+"col><"+prefix+"colOff>"+number(o.X)+"</"+prefix+"colOff><"+
			prefix+"row>"+strconv.Itoa(o.At.Row)+"</"+prefix+"row><"+prefix+"rowOff>"+number(o.Y)+"</"+prefix+"rowOff></"+prefix+"from><"+prefix+`ext cx="`+number(o.Width)+`" cy="`+number(o.Height)+`"/>`...)
		shape := func() {
			b = append(b, "<"+prefix+`cNvPr id="`+strconv.Itoa(largest)+`" name="`...)
			b = emit.AppendAttribute(b, o.Name)
			if o.Text != "" {
				b = append(b, `" descr="`...)
				b = emit.AppendAttribute(b, o.Text)
			}
			b = append(b, `"/>`...)
		}
		office := strings.TrimSuffix(transitionalTypes, "/")
		if o.Chart != nil {
			name := s.freeName(s.folder()+"charts/chart", ".xml")
			s.addTyped(name, chartType, o.Chart.xml(s.f.Related("theme") != nil))
			id := r.add(chartKind, name)
			b = append(b, "<"+prefix+`graphicFrame macro=""><`+prefix+"nvGraphicFramePr>"...)
			shape()
			b = append(b, "<"+prefix+"cNvGraphicFramePr/></"+prefix+"nvGraphicFramePr><"+prefix+`xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/></`+prefix+`xfrm><a:graphic><a:graphicData uri="`+chartSpace+
				`"><c:chart xmlns:c="`+chartSpace+`" xmlns:r="`+office+`" r:id="`+id+`"/></a:graphicData></a:graphic></`+prefix+"graphicFrame>"...)
		} else {
			name := s.freeName(s.folder()+"media/image", "."+o.Format)
			s.addPart(name, o.Image)
			s.defaultType(o.Format, "image/"+o.Format)
			id := r.add("image", name)
			b = append(b, "<"+prefix+"pic><"+prefix+"nvPicPr>"...)
			shape()
			b = append(b, "<"+prefix+`cNvPicPr><a:picLocks noChangeAspect="1"/></`+prefix+"cNvPicPr></"+prefix+"nvPicPr><"+prefix+`blipFill><a:blip xmlns:r="`+office+`" r:embed="`+id+`"/><a:stretch><a:fillRect/></a:stretch></`+prefix+
				"blipFill><"+prefix+`spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="`+number(o.Width)+`" cy="`+number(o.Height)+`"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></`+prefix+"spPr></"+prefix+"pic>"...)
		}
		b = append(b, "<"+prefix+"clientData/></"+prefix+"oneCellAnchor>"...)
	}
	return b, nil
}
