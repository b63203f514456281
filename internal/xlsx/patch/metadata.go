package patch

import (
	"bytes"
	"strconv"

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
	if !c.Spills {
		t, err := formula.Parse(c.Formula)
		if err != nil || !t.Spills() {
			return 0, nil // what does not parse is not known to be an array
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
	part := s.f.Related(metadataKind)
	if part == nil {
		return s.newMetadata()
	}
	d, err := s.document(part)
	if err != nil {
		return 0, err
	}
	root, ok := d.root()
	if !ok {
		return 0, broken(part, -1, "it has no root element")
	}
	m := metadata{d: d, root: root}
	n := m.dynamic()
	s.save(d)
	return n, nil
}

// newMetadata adds a part with the metadata to the package.
func (s *saver) newMetadata() (int, error) {
	space, add, err := s.newPart("metadata", metadataKind, metadataType)
	if err != nil || add == nil {
		return -1, err
	}
	m := metadata{d: &document{text: []byte(`<metadata xmlns="` + space + `"/>`)}}
	m.root, _ = m.d.root()
	n := m.dynamic()
	add(applied(m.d.text, m.d.edits))
	return n, nil
}

// metadata is a metadata part in which something is looked up or else added.
type metadata struct {
	d    *document
	root element
}

// dynamic gives the number, from 1, of the cell metadata that marks dynamic arrays.
func (m *metadata) dynamic() int {
	p := m.root.prefix
	kind, mark := 0, -1
	var types, future, cells *element
	last := m.root.tagEnd // of what comes before cellMetadata in the schema
	for _, c := range m.d.children(m.root) {
		if c.prefix != p {
			continue
		}
		switch c.local {
		case "metadataTypes":
			types = &c
		case "futureMetadata":
			if decoded(m.attribute(c, "name")) == dynamicName {
				future = &c
			}
		case "cellMetadata":
			cells = &c
		}
		switch c.local {
		case "metadataTypes", "metadataStrings", "mdxMetadata", "futureMetadata":
			last = c.to
		}
	}
	nTypes := 0
	for _, c := range m.items(types, "metadataType") {
		if nTypes++; decoded(m.attribute(c, "name")) == dynamicName {
			kind = nTypes
		}
	}
	if m.root.empty {
		m.d.edit(m.root.tagEnd-2, m.root.tagEnd, []byte(">"))
	}
	if kind == 0 {
		kind = nTypes + 1
		item := "<" + p + dynamicType
		if types == nil {
			m.insert(m.root.tagEnd, "metadataTypes", "", item)
		} else {
			m.add(types, nTypes, item)
		}
	}
	nFuture := 0
	for _, c := range m.items(future, "bk") {
		if m.isDynamic(c) && mark < 0 {
			mark = nFuture
		}
		nFuture++
	}
	if mark < 0 {
		mark = nFuture
		item := "<" + p + "bk><" + p + "extLst><" + p + dynamicExt + p + "ext></" + p + "extLst></" + p + "bk>"
		if future == nil {
			m.insert(last, "futureMetadata", ` name="`+dynamicName+`"`, item)
		} else {
			m.add(future, nFuture, item)
		}
	}
	nCells := 0
	for _, c := range m.items(cells, "bk") {
		nCells++
		rcs := m.d.children(c)
		if len(rcs) == 1 && string(m.attribute(rcs[0], "t")) == strconv.Itoa(kind) && string(m.attribute(rcs[0], "v")) == strconv.Itoa(mark) {
			return nCells
		}
	}
	item := "<" + p + "bk><" + p + `rc t="` + strconv.Itoa(kind) + `" v="` + strconv.Itoa(mark) + `"/></` + p + "bk>"
	if cells == nil {
		m.insert(last, "cellMetadata", "", item)
	} else {
		m.add(cells, nCells, item)
	}
	if m.root.empty {
		m.d.edit(m.root.tagEnd, m.root.tagEnd, []byte("</"+p+"metadata>"))
	}
	return nCells + 1
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

// insert puts in a list of one item.
func (m *metadata) insert(at int, name, attributes, item string) {
	p := m.root.prefix
	m.d.edit(at, at, []byte("<"+p+name+attributes+` count="1">`+item+"</"+p+name+">"))
}

// add puts an item to the n that a list has.
func (m *metadata) add(list *element, n int, item string) {
	tag := withAttribute(list.tag(m.d.text), "count", strconv.Itoa(n+1))
	if list.empty {
		tag = append(bytes.TrimRight(tag[:len(tag)-2], " \t\r\n"), '>')
		m.d.edit(list.from, list.to, append(append(tag, item...), "</"+list.prefix+list.local+">"...))
		return
	}
	m.d.edit(list.from, list.tagEnd, tag)
	m.d.edit(list.inner, list.inner, []byte(item))
}
