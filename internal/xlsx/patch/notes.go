package patch

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
	"gridflow/internal/xlsx/splice"
	"gridflow/internal/xlsx/xmltext"
)

const commentsType = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"

// comments writes the notes: a part with their texts, and the drawing of their boxes, without which Excel shows none. Threads and
// the notes that stand in for them stay as they are.
func (t *tail) comments(p *LayoutPatch) error {
	notes := func(list []grid.Comment) map[cell.Ref]grid.Comment {
		m := map[cell.Ref]grid.Comment{}
		for _, c := range list {
			if !c.Threaded {
				m[c.Ref] = c
			}
		}
		return m
	}
	old, is := notes(t.loaded.Layout.Comments), notes(*p.Comments)
	var gone, added, changed []grid.Comment
	for _, c := range t.loaded.Layout.Comments {
		if _, stays := is[c.Ref]; !c.Threaded && !stays {
			gone = append(gone, c)
		}
	}
	for _, c := range *p.Comments {
		if c.Threaded {
			continue
		}
		if was, there := old[c.Ref]; !there {
			added = append(added, c)
		} else if was != c {
			changed = append(changed, c)
		}
	}
	if len(gone)+len(added)+len(changed) == 0 {
		return nil
	}
	rels, err := t.e.s.pkg.Relations(t.part.Name)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(rels, func(r xlsx.Relation) bool { return r.Kind == "comments" && r.Part != nil })
	if i < 0 {
		err = t.newComments(added)
	} else {
		err = t.editComments(rels[i].Part, gone, added, changed)
	}
	if err != nil || len(gone)+len(added) == 0 {
		return err
	}
	return t.boxes(rels, gone, added)
}

// newComments adds a part with notes.
func (t *tail) newComments(list []grid.Comment) error {
	r, err := t.rels()
	if err != nil {
		return err
	}
	s := t.e.s
	space := "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	if s.strict {
		space = strictMain
	}
	d := &document{text: []byte(declaration + `<comments xmlns="` + space + `"><authors></authors><commentList></commentList></comments>`)}
	if err := d.addComments(list); err != nil {
		return err
	}
	name := s.freeName(s.folder()+"comments", ".xml")
	s.addTyped(name, commentsType, applied(d.text, d.edits))
	r.add("comments", name)
	return nil
}

// editComments changes a part with notes.
func (t *tail) editComments(part *xlsx.Part, gone, added, changed []grid.Comment) error {
	d, err := t.e.s.document(part)
	if err != nil {
		return err
	}
	root, _ := d.root()
	list, ok := d.child(root, "commentList")
	if !ok {
		return broken(part, -1, "it has no list of comments")
	}
	at := map[cell.Ref][]element{}
	for _, c := range d.children(list) {
		if r, ok := cell.ParseRef(decoded(attribute(c.tag(d.text), "ref"))); ok && c.local == "comment" {
			at[r] = append(at[r], c)
		}
	}
	for _, c := range gone {
		for _, e := range at[c.Ref] {
			d.edit(e.from, e.to, nil)
		}
	}
	authors := d.authors(root)
	for _, c := range changed {
		for _, e := range at[c.Ref] {
			tag := openTag(e, d.text)
			d.edit(e.from, e.to, slices.Concat(withAttribute(tag, "authorId", strconv.Itoa(authors.id(c.Author))), noteText(root.prefix, c.Text), []byte("</"+e.prefix+"comment>")))
		}
	}
	if len(added) > 0 {
		open(d, list, d.comments(root, authors, added))
	}
	if err := authors.save(); err != nil {
		return err
	}
	t.e.s.save(d)
	return nil
}

// addComments adds notes to a new part.
func (d *document) addComments(list []grid.Comment) error {
	root, _ := d.root()
	authors := d.authors(root)
	to, _ := d.child(root, "commentList")
	d.edit(to.inner, to.inner, d.comments(root, authors, list))
	if err := authors.save(); err != nil {
		return err
	}
	slices.SortStableFunc(d.edits, func(a, b splice.Edit) int { return int(a.From - b.From) })
	return nil
}

func (d *document) comments(root element, authors *authorList, list []grid.Comment) (xml []byte) {
	for _, c := range list {
		xml = fmt.Appendf(xml, `<%scomment ref="%v" authorId="%d" shapeId="0">`, root.prefix, c.Ref, authors.id(c.Author))
		xml = append(xml, noteText(root.prefix, c.Text)...)
		xml = append(xml, "</"+root.prefix+"comment>"...)
	}
	return xml
}

// noteText writes the text of a note in the font that Excel gives notes.
func noteText(prefix, text string) []byte {
	b := []byte(strings.ReplaceAll(`<#text><#r><#rPr><#sz val="9"/><#color indexed="81"/><#rFont val="Tahoma"/><#family val="2"/></#rPr><#t xml:space="preserve">`, "#", prefix))
	b = emit.AppendText(b, text)
	return append(b, strings.ReplaceAll(`</#t></#r></#text>`, "#", prefix)...)
}

// authorList are those who wrote notes, to whom others are added.
type authorList struct {
	d     *document
	list  element
	there bool
	names []string
	added []byte
}

func (d *document) authors(root element) *authorList {
	a := &authorList{d: d}
	if a.list, a.there = d.child(root, "authors"); a.there {
		for _, c := range d.children(a.list) {
			a.names = append(a.names, decoded(d.text[c.tagEnd:c.inner]))
		}
	}
	return a
}

func (a *authorList) id(name string) int {
	if i := slices.Index(a.names, name); i >= 0 {
		return i
	}
	a.added = append(a.added, "<"+a.list.prefix+"author>"...)
	a.added = append(emit.AppendText(a.added, name), "</"+a.list.prefix+"author>"...)
	a.names = append(a.names, name)
	return len(a.names) - 1
}

func (a *authorList) save() error {
	if len(a.added) == 0 {
		return nil
	}
	if !a.there {
		return broken(a.d.part, -1, "it has no list of authors")
	}
	open(a.d, a.list, a.added)
	return nil
}

const (
	vmlType = "application/vnd.openxmlformats-officedocument.vmlDrawing"
	vmlHead = `<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:x="urn:schemas-microsoft-com:office:excel">` +
		`<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="%d"/></o:shapelayout>` + noteShapeType
	noteShapeType = `<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>`
)

// boxes draws the boxes of new notes, and takes those of others away. Where they are drawn is in the first drawing of the old kind that
// the sheet shows.
func (t *tail) boxes(rels []xlsx.Relation, gone, added []grid.Comment) error {
	s := t.e.s
	for _, l := range t.find("legacyDrawing") {
		id := relationID(l.tag(t.text))
		if i := slices.IndexFunc(rels, func(r xlsx.Relation) bool { return r.ID == id && r.Part != nil }); i >= 0 {
			return t.editBoxes(rels[i].Part, gone, added)
		}
	}
	if len(added) == 0 {
		return nil
	}
	r, err := t.rels()
	if err != nil {
		return err
	}
	name := s.freeName(s.folder()+"drawings/vmlDrawing", ".vml")
	n, _ := strconv.Atoi(strings.TrimSuffix(name[strings.LastIndex(name, "vmlDrawing")+len("vmlDrawing"):], ".vml"))
	xml := fmt.Appendf(nil, vmlHead, n)
	for i, c := range added {
		xml = append(xml, noteBox(c.Ref, 1024*n+1+i)...)
	}
	s.addPart(name, append(xml, "</xml>"...))
	s.defaultType("vml", vmlType)
	t.put("legacyDrawing", t.related([]byte("<"+t.e.l.Prefix+"legacyDrawing/>"), r.add("vmlDrawing", name)))
	return nil
}

// noteBox draws one box, right of its cell.
func noteBox(r cell.Ref, id int) []byte {
	left, right := min(r.Col+1, cell.MaxCols-3), min(r.Col+3, cell.MaxCols-1)
	top := min(r.Row, cell.MaxRows-5)
	return fmt.Appendf(nil, `<v:shape id="_x0000_s%d" type="#_x0000_t202" style='position:absolute;margin-left:59.25pt;margin-top:1.5pt;width:108pt;height:59.25pt;z-index:1;visibility:hidden' fillcolor="#ffffe1" o:insetmode="auto">`+
		`<v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/><v:textbox style='mso-direction-alt:auto'><div style='text-align:left'></div></v:textbox>`+
		`<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>%d, 15, %d, 2, %d, 15, %d, 4</x:Anchor><x:AutoFill>False</x:AutoFill><x:Row>%d</x:Row><x:Column>%d</x:Column></x:ClientData></v:shape>`,
		id, left, top, right, top+4, r.Row, r.Col)
}

// editBoxes changes a drawing of the old kind. Such a part is HTML rather than XML at times, and so it is looked through as text.
func (t *tail) editBoxes(part *xlsx.Part, gone, added []grid.Comment) error {
	s := t.e.s
	d := s.documents[part]
	if d == nil {
		raw, err := s.pkg.ReadAll(part, maxPart)
		if err != nil {
			return err
		}
		d = &document{part: part, raw: raw, text: raw}
		s.documents[part] = d
	}
	end := bytes.LastIndex(d.text, []byte("</xml>"))
	if !xmltext.IsUTF8(d.text[:min(len(d.text), 256)]) || end < 0 && len(added) > 0 {
		return t.unreadable("boxes of notes")
	}
	goes := map[cell.Ref]bool{}
	for _, c := range gone {
		goes[c.Ref] = true
	}
	largest := 1024
	for p := 0; ; {
		i := bytes.Index(d.text[p:], []byte("<v:shape "))
		if i < 0 {
			break
		}
		from := p + i
		n := bytes.Index(d.text[from:], []byte("</v:shape>"))
		if n < 0 {
			break
		}
		to := from + n + len("</v:shape>")
		shape := d.text[from:to]
		if _, rest, ok := bytes.Cut(shape, []byte(`"_x0000_s`)); ok {
			digits, _, _ := bytes.Cut(rest, []byte(`"`))
			if id, err := strconv.Atoi(string(digits)); err == nil && id < 1<<30 {
				largest = max(largest, id)
			}
		}
		row, ok1 := numberIn(shape, "<x:Row>")
		col, ok2 := numberIn(shape, "<x:Column>")
		if ok1 && ok2 && bytes.Contains(shape, []byte(`ObjectType="Note"`)) && goes[cell.Ref{Row: row, Col: col}] {
			d.edit(from, to, nil)
		}
		p = to
	}
	var xml []byte
	if len(added) > 0 && !bytes.Contains(d.text, []byte(`"_x0000_t202"`)) {
		xml = append(xml, noteShapeType...)
	}
	for i, c := range added {
		xml = append(xml, noteBox(c.Ref, largest+1+i)...)
	}
	if len(xml) > 0 {
		d.edit(end, end, xml)
	}
	s.save(d)
	return nil
}

// numberIn gives the number behind a tag.
func numberIn(text []byte, tag string) (int, bool) {
	_, rest, ok := bytes.Cut(text, []byte(tag))
	if !ok {
		return 0, false
	}
	digits, _, _ := bytes.Cut(rest, []byte("<"))
	n, err := strconv.Atoi(strings.TrimSpace(string(digits)))
	return n, err == nil
}
