package patch

import (
	"bytes"
	"slices"
	"sort"

	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/scan"
	"gridflow/internal/xlsx/splice"
	"gridflow/internal/xlsx/xmltext"
)

// maxPart bounds a part that is read whole to be changed.
const maxPart = 256 << 20

// document is a small part that is read whole.
type document struct {
	part  *xlsx.Part
	raw   []byte // as it is in the file
	text  []byte // in UTF-8; raw itself mostly
	edits []splice.Edit
}

// document gives a part to be changed. Whoever changes it later gets the same one.
func (s *saver) document(part *xlsx.Part) (*document, error) {
	if d := s.documents[part]; d != nil {
		return d, nil
	}
	raw, err := s.pkg.ReadAll(part, maxPart)
	if err != nil {
		return nil, err
	}
	d := &document{part: part, raw: raw, text: raw}
	if !xmltext.IsUTF8(raw[:min(len(raw), 256)]) {
		if d.text, err = xmltext.ToUTF8(raw); err != nil {
			return nil, broken(part, -1, err.Error())
		}
	}
	// What reads it elsewhere has found it well formed; what walks it here relies on that.
	r := xmltext.New(d.text)
	for r.Next() != xmltext.EOF {
	}
	if err := r.Err(); err != nil {
		return nil, broken(part, -1, err.Error())
	}
	s.documents[part] = d
	return d, nil
}

// rooted gives a part to be changed with its root element, which it must have.
func (s *saver) rooted(part *xlsx.Part) (*document, element, error) {
	d, err := s.document(part)
	if err != nil {
		return nil, element{}, err
	}
	root, ok := d.root()
	if !ok {
		return nil, element{}, broken(part, -1, "it has no root element")
	}
	return d, root, nil
}

// dropElements takes some of the children of a part's root away, those of a name of which is says so by their start tags.
// A part that is not there has none.
func (s *saver) dropElements(part *xlsx.Part, local string, is func(tag []byte) bool) error {
	if part == nil {
		return nil
	}
	d, err := s.document(part)
	if err != nil {
		return err
	}
	root, _ := d.root()
	for _, e := range d.children(root) {
		if e.local == local && is(e.tag(d.text)) {
			d.edit(e.from, e.to, nil)
		}
	}
	s.save(d)
	return nil
}

// dropRelationships takes relationships of a part away, by their ids.
func (s *saver) dropRelationships(of *xlsx.Part, gone func(id string) bool) error {
	return s.dropElements(s.pkg.RelationshipsPart(of), "Relationship", func(tag []byte) bool { return gone(decoded(attribute(tag, "Id"))) })
}

func broken(part *xlsx.Part, offset int64, message string) error {
	return &xlsx.Error{Code: xlsx.Unreadable, Part: part.Name, Offset: offset, Message: message,
		Hint: "The file is damaged. Open it in a spreadsheet program, let that repair it, and save it again."}
}

func (d *document) edit(from, to int, with []byte) {
	d.edits = append(d.edits, splice.Edit{From: int64(from), To: int64(to), New: with})
}

// save notes that d has edits.
func (s *saver) save(d *document) {
	if !slices.Contains(s.edited, d) {
		s.edited = append(s.edited, d)
	}
}

// stream makes the new stream of a part, when all have been at it. One that was not in UTF-8
// becomes so.
func (s *saver) stream(d *document) error {
	if len(d.edits) == 0 {
		return nil
	}
	stream, err := s.pkg.Stream(d.part)
	if err != nil {
		return err
	}
	return s.splice(d.part, stream, d.whole())
}

// whole gives the edits of the part as it is in the file.
func (d *document) whole() []splice.Edit {
	slices.SortStableFunc(d.edits, func(a, b splice.Edit) int { return int(a.From - b.From) })
	if len(d.raw) == len(d.text) && (len(d.raw) == 0 || &d.raw[0] == &d.text[0]) {
		return d.edits
	}
	if i := declaredEncoding(d.text); i[1] > i[0] {
		d.edits = slices.Insert(d.edits, 0, splice.Edit{From: int64(i[0]), To: int64(i[1]), New: []byte("UTF-8")})
	}
	return []splice.Edit{{From: 0, To: int64(len(d.raw)), New: applied(d.text, d.edits)}}
}

// declaredEncoding gives where the XML declaration names the encoding.
func declaredEncoding(text []byte) (at [2]int) {
	if !bytes.HasPrefix(text, []byte("<?xml")) {
		return at
	}
	end := scan.SkipMarkup(text, 0)
	if end < 0 {
		return at
	}
	// Its attributes are like those of a tag.
	for _, a := range scan.Attributes(text[:end]) {
		if string(a.Name) == "encoding" {
			return [2]int{a.From, a.To}
		}
	}
	return at
}

// applied gives text with edits applied.
func applied(text []byte, edits []splice.Edit) []byte {
	var out []byte
	at := int64(0)
	for _, e := range edits {
		out = append(out, text[at:e.From]...)
		out = append(out, e.New...)
		at = e.To
	}
	return append(out, text[at:]...)
}

// element is an element of a document, by positions in it.
type element struct {
	prefix, local string
	from, tagEnd  int
	inner         int // where the end tag begins; tagEnd for an empty-element tag
	to            int
	empty         bool
}

func (e *element) tag(text []byte) []byte { return text[e.from:e.tagEnd] }

// root gives the document's root element.
func (d *document) root() (element, bool) {
	list := elements(d.text, 0, len(d.text))
	if len(list) == 0 {
		return element{}, false
	}
	return list[0], true
}

// children gives the elements directly inside e.
func (d *document) children(e element) []element { return elements(d.text, e.tagEnd, e.inner) }

// child gives the first of a name.
func (d *document) child(e element, local string) (element, bool) {
	for _, c := range d.children(e) {
		if c.local == local && c.prefix == e.prefix {
			return c, true
		}
	}
	return element{}, false
}

// elements gives the elements in text[p:end] that are not inside of others.
func elements(text []byte, p, end int) []element {
	var list []element
	for p < end {
		i := bytes.IndexByte(text[p:end], '<')
		if i < 0 || p+i+1 >= end {
			break
		}
		p += i
		next := 0
		switch text[p+1] {
		case '!', '?':
			next = scan.SkipMarkup(text, p)
		case '/':
			next = scan.TagEnd(text, p)
		default:
			e := element{from: p, tagEnd: scan.TagEnd(text, p)}
			if e.tagEnd < 0 {
				return list
			}
			tag := text[p:e.tagEnd]
			name := tag[1:scan.NameEnd(tag)]
			e.local = string(name)
			if i := bytes.IndexByte(name, ':'); i >= 0 {
				e.prefix, e.local = string(name[:i+1]), string(name[i+1:])
			}
			if e.empty = tag[len(tag)-2] == '/'; e.empty {
				e.inner, e.to = e.tagEnd, e.tagEnd
			} else {
				if e.to = scan.ElementEnd(text, p, e.tagEnd); e.to < 0 {
					return list
				}
				e.inner = bytes.LastIndexByte(text[:e.to], '<')
			}
			list = append(list, e)
			next = e.to
		}
		if next < 0 {
			break
		}
		p = next
	}
	return list
}

// attribute gives an attribute of a start tag as it stands, nil where there is none.
func attribute(tag []byte, name string) []byte {
	for _, a := range scan.Attributes(tag) {
		if string(a.Name) == name {
			return a.Value
		}
	}
	return nil
}

// withAttribute gives a start tag with an attribute set to a value that needs no escapes. A new
// one stands behind the last that can be read, so that it can be read too.
func withAttribute(tag []byte, name, value string) []byte {
	end := scan.NameEnd(tag)
	for _, a := range scan.Attributes(tag) {
		if string(a.Name) == name {
			return slices.Concat(tag[:a.From], []byte(value), tag[a.To:])
		}
		end = a.To + 1
	}
	return slices.Concat(tag[:end], []byte(" "+name+`="`+value+`"`), tag[end:])
}

// order sorts edits that are apart from each other; what is inserted at one place keeps its
// order.
func order(edits []splice.Edit) {
	sort.SliceStable(edits, func(i, j int) bool { return edits[i].From < edits[j].From })
}

// attributesOfTag gives the names of the attributes of a start tag.
func attributesOfTag(tag []byte) []string {
	var names []string
	for _, a := range scan.Attributes(tag) {
		names = append(names, string(a.Name))
	}
	return names
}

// endOfTag gives where the tag ends that text begins with.
func endOfTag(text []byte) int { return max(scan.TagEnd(text, 0), 0) }
