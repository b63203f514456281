package patch

import (
	"bytes"
	"strconv"
	"strings"

	"gridflow/internal/formula"
)

// Where cell metadata is kept, and what in it marks a dynamic array: a cell's cm attribute
// counts the entries of cellMetadata from 1; such an entry names a metadataType (t, from 1)
// and an entry of the futureMetadata of that name (v, from 0). ECMA-376 part 1, 18.9, and
// [MS-XLSX] 2.6.2 for dynamicArrayProperties.
const (
	metadataKind = "sheetMetadata"
	metadataType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheetMetadata+xml"
	dynamicName  = "XLDAPR"

	dynamicType = `metadataType name="XLDAPR" minSupportedVersion="120000" copy="1" pasteAll="1" pasteValues="1" merge="1" splitFirst="1" rowColShift="1" clearFormats="1" clearComments="1" assign="1" coerce="1" cellMeta="1"/>`
	dynamicExt  = `ext uri="{bdbb8cdc-fa1e-496e-a857-3c3f30c029c3}"><xda:dynamicArrayProperties xmlns:xda="http://schemas.microsoft.com/office/spreadsheetml/2017/dynamicarray" fDynamic="1" fCollapsed="0"/></`
)

// dynamic gives the cell metadata for a formula that is a dynamic array, 0 for any other. A
// formula that gives an array and has not this mark is taken by Excel for one from before
// there were any, and is cut down to one value. Where the patch does
// not say how far it spills, that is for Excel to find out.
func (e *sheetEditor) dynamic(c *CellPatch) (int, error) {
	if c.Fills == nil {
		spills, known := e.copies.Of(c.Formula, c.Ref)
		if !known {
			t, err := formula.Parse(c.Formula)
			spills = err == nil && t.Spills() // what does not parse is not known to be an array
			e.copies.Note(c.Formula, c.Ref, spills)
		}
		if !spills {
			return 0, nil
		}
	}
	var err error
	if e.s.dynamic == 0 {
		if e.s.dynamic, err = e.s.dynamicMetadata(); err != nil {
			return 0, err
		}
	}
	if e.s.dynamic > 0 {
		e.s.formulas = true
	}
	return max(e.s.dynamic, 0), nil
}

// dynamicMetadata gives the cell metadata that marks dynamic arrays and adds what of it is
// missing; -1 where the package has no place for it.
func (s *saver) dynamicMetadata() (int, error) {
	m, err := s.metadataPart()
	if err != nil || m == nil {
		return -1, err
	}
	return m.dynamic(), nil
}

// metadata is the metadata part, in which something is looked up or else added. What is added
// waits until finish: the lists of the part have an order, whichever of them is needed first.
type metadata struct {
	d    *document
	root element
	add  func(xml []byte) // of a part that is new; nil: it is in the file

	types, cells, values *element   // the lists; nil: it has none
	future               []*element // of all names
	last                 int        // the end of what comes before cellMetadata in the schema

	newTypes, newCells, newValues []string            // items
	newFuture                     map[string][]string // by the name of the list
	futures                       []string            // names of lists that are new
}

// metadataPart gives the workbook's metadata, making the part if there is none; nil where the
// package has no place for it.
func (s *saver) metadataPart() (*metadata, error) {
	if s.metadata != nil {
		return s.metadata, nil
	}
	m := &metadata{newFuture: make(map[string][]string)}
	if part := s.f.Related(metadataKind); part != nil {
		d, root, err := s.rooted(part)
		if err != nil {
			return nil, err
		}
		m.d, m.root = d, root
	} else {
		space, add, err := s.newPart("metadata", metadataKind, metadataType)
		if err != nil || add == nil {
			return nil, err
		}
		m.d, m.add = &document{text: []byte(`<metadata xmlns="` + space + `"/>`)}, add
		m.root, _ = m.d.root()
	}
	m.last = m.root.tagEnd
	for _, c := range m.d.children(m.root) {
		if c.prefix != m.root.prefix {
			continue
		}
		switch c.local {
		case "metadataTypes":
			m.types = &c
		case "futureMetadata":
			m.future = append(m.future, &c)
		case "cellMetadata":
			m.cells = &c
		case "valueMetadata":
			m.values = &c
		}
		switch c.local {
		case "metadataTypes", "metadataStrings", "mdxMetadata", "futureMetadata":
			m.last = c.to
		}
	}
	s.metadata = m
	return m, nil
}

// dynamic gives the number, from 1, of the cell metadata that marks dynamic arrays. It is asked once.
func (m *metadata) dynamic() int {
	p := m.root.prefix
	kind := m.kind(dynamicName, dynamicType)
	mark, n := -1, 0
	for _, c := range m.items(m.futureOf(dynamicName), "bk") {
		if m.isDynamic(c) && mark < 0 {
			mark = n
		}
		n++
	}
	if mark < 0 {
		mark = n
		m.addFuture(dynamicName, "<"+p+"bk><"+p+"extLst><"+p+dynamicExt+p+"ext></"+p+"extLst></"+p+"bk>")
	}
	nCells := 0
	for _, c := range m.items(m.cells, "bk") {
		nCells++
		rcs := m.d.children(c)
		if len(rcs) == 1 && string(m.attribute(rcs[0], "t")) == strconv.Itoa(kind) && string(m.attribute(rcs[0], "v")) == strconv.Itoa(mark) {
			return nCells
		}
	}
	m.newCells = append(m.newCells, m.record(kind, mark))
	return nCells + len(m.newCells)
}

// kind gives the number, from 1, of the type of a name. element is what it is if it is new, but for the
// first bracket.
func (m *metadata) kind(name, element string) int {
	n := 0
	for _, c := range m.items(m.types, "metadataType") {
		if n++; decoded(m.attribute(c, "name")) == name {
			return n
		}
	}
	for _, item := range m.newTypes {
		if n++; strings.Contains(item, `name="`+name+`"`) {
			return n
		}
	}
	m.newTypes = append(m.newTypes, "<"+m.root.prefix+element)
	return n + 1
}

// futureOf gives the list of futureMetadata of a name, nil where there is none.
func (m *metadata) futureOf(name string) *element {
	for _, f := range m.future {
		if decoded(m.attribute(*f, "name")) == name {
			return f
		}
	}
	return nil
}

// addFuture adds an item to the futureMetadata of a name.
func (m *metadata) addFuture(name, item string) {
	if m.futureOf(name) == nil && m.newFuture[name] == nil {
		m.futures = append(m.futures, name)
	}
	m.newFuture[name] = append(m.newFuture[name], item)
}

// record gives an item that names a type, from 1, and one of its items, from 0.
func (m *metadata) record(kind, item int) string {
	p := m.root.prefix
	return "<" + p + "bk><" + p + `rc t="` + strconv.Itoa(kind) + `" v="` + strconv.Itoa(item) + `"/></` + p + "bk>"
}

// finish writes what was added, each list in the place that the schema has for it.
func (m *metadata) finish(s *saver) {
	if len(m.newTypes)+len(m.newCells)+len(m.newValues)+len(m.newFuture) == 0 {
		return
	}
	if m.root.empty {
		m.d.edit(m.root.tagEnd-2, m.root.tagEnd, []byte(">"))
	}
	m.append(m.types, "metadataType", "metadataTypes", "", m.root.tagEnd, m.newTypes)
	for _, f := range m.future {
		m.append(f, "bk", "", "", 0, m.newFuture[decoded(m.attribute(*f, "name"))])
	}
	for _, name := range m.futures {
		m.append(nil, "bk", "futureMetadata", ` name="`+name+`"`, m.last, m.newFuture[name])
	}
	m.append(m.cells, "bk", "cellMetadata", "", m.last, m.newCells)
	after := m.last
	if m.cells != nil {
		after = m.cells.to
	}
	m.append(m.values, "bk", "valueMetadata", "", after, m.newValues)
	if m.root.empty {
		m.d.edit(m.root.tagEnd, m.root.tagEnd, []byte("</"+m.root.prefix+"metadata>"))
	}
	if m.add != nil {
		m.add(applied(m.d.text, m.d.edits))
		return
	}
	s.save(m.d)
}

// append adds items to a list, or puts one in where there is none.
func (m *metadata) append(list *element, item, name, attributes string, at int, items []string) {
	if len(items) == 0 {
		return
	}
	all := strings.Join(items, "")
	if list == nil {
		p := m.root.prefix
		m.d.edit(at, at, []byte("<"+p+name+attributes+` count="`+strconv.Itoa(len(items))+`">`+all+"</"+p+name+">"))
		return
	}
	appendTo(m.d, *list, len(m.items(list, item))+len(items), all)
}

// appendTo adds to the content of an element, which has a count.
func appendTo(d *document, list element, count int, content string) {
	tag := withAttribute(list.tag(d.text), "count", strconv.Itoa(count))
	if list.empty {
		tag = append(bytes.TrimRight(tag[:len(tag)-2], " \t\r\n"), '>')
		d.edit(list.from, list.to, append(append(tag, content...), "</"+list.prefix+list.local+">"...))
		return
	}
	d.edit(list.from, list.tagEnd, tag)
	d.edit(list.inner, list.inner, []byte(content))
}

func (m *metadata) attribute(e element, name string) []byte {
	return attribute(e.tag(m.d.text), name)
}

// items gives the elements of a name in a list, which may be missing.
func (m *metadata) items(list *element, name string) (items []element) {
	if list == nil {
		return nil
	}
	for _, c := range m.d.children(*list) {
		if c.local == name {
			items = append(items, c)
		}
	}
	return items
}

// isDynamic reports whether an entry of futureMetadata says that a formula is a dynamic array
// whose spilled cells are shown.
func (m *metadata) isDynamic(bk element) bool {
	for _, list := range m.d.children(bk) {
		for _, ext := range m.d.children(list) {
			for _, c := range m.d.children(ext) {
				if c.local == "dynamicArrayProperties" {
					return truth(m.attribute(c, "fDynamic")) && !truth(m.attribute(c, "fCollapsed"))
				}
			}
		}
	}
	return false
}

// truth reads a logical value of XML.
func truth(v []byte) bool { return string(v) == "1" || string(v) == "true" }
