package patch

import (
	"slices"

	"gridflow/internal/grid"
	"gridflow/internal/xlsx/emit"
	"gridflow/internal/xlsx/scan"
)

// alone gives the start tag of the element of a name, as it stands or a new one that is empty, and puts back
// what is made of it: only the tag changes, not what is in it.
func (t *tail) alone(name string, do func(tag []byte) []byte) {
	list := t.find(name)
	if len(list) == 0 {
		at := t.place(name)
		t.edit(at, at, do([]byte("<"+t.e.l.Prefix+name+"/>")))
		return
	}
	t.edit(list[0].from, list[0].tagEnd, do(slices.Clone(list[0].tag(t.text))))
	for _, c := range list[1:] {
		t.edit(c.from, c.to, nil) // one may be there; which of two counts, programs do not agree on
	}
}

func decimal(f float64) string { return string(emit.AppendNumber(nil, f)) }

func (t *tail) margins(p *LayoutPatch) error {
	m := p.Margins
	if !m.Given {
		t.put("pageMargins", nil)
		return nil
	}
	t.alone("pageMargins", func(tag []byte) []byte {
		for _, a := range []struct {
			name string
			is   float64
		}{{"left", m.Left}, {"right", m.Right}, {"top", m.Top}, {"bottom", m.Bottom}, {"header", m.Header}, {"footer", m.Footer}} {
			if was := attribute(tag, a.name); was == nil || parsed(was) != a.is {
				tag = withAttribute(tag, a.name, decimal(a.is))
			}
		}
		return tag
	})
	return nil
}

// setup writes how pages are laid out. That the numbers of pages count stands before the cells: see sheetPr.
func (t *tail) setup(p *LayoutPatch) error {
	s := p.Setup
	if *s == (grid.PageSetup{Fit: s.Fit}) && len(t.find("pageSetup")) == 0 {
		return nil
	}
	t.alone("pageSetup", func(tag []byte) []byte {
		number := func(name string, is, usual int) {
			switch was := attribute(tag, name); {
			case was == nil && is == usual, was != nil && parsed(was) == float64(is):
			case was != nil && is == usual:
				tag = withoutAttribute(tag, name)
			default:
				tag = withAttribute(tag, name, itoa(is))
			}
		}
		number("paperSize", s.Paper, 0)
		number("scale", s.Scale, 0)
		number("fitToWidth", s.Wide, 1)
		number("fitToHeight", s.Tall, 1)
		switch was := string(attribute(tag, "orientation")); {
		case was == s.Orientation || was == "default" && s.Orientation == "":
		case s.Orientation == "":
			tag = withoutAttribute(tag, "orientation")
		default:
			tag = withAttribute(tag, "orientation", s.Orientation)
		}
		return tag
	})
	return nil
}

// edges writes headers and footers. Those that stay do so to the byte.
func (t *tail) edges(p *LayoutPatch) error {
	h := p.Edges
	tag := []byte("<" + t.e.l.Prefix + "headerFooter>")
	had := map[string][]byte{}
	if list := t.find("headerFooter"); len(list) > 0 {
		tag = openTag(list[0], t.text)
		for _, c := range t.children(list[0]) {
			had[c.local] = t.text[c.from:c.to]
			if decoded(t.text[c.tagEnd:c.inner]) != *edgeOf(h, c.local) {
				delete(had, c.local)
			}
		}
	}
	flag := func(name string, on bool) {
		switch is := attribute(tag, name); {
		case truth(is) == on:
		case on:
			tag = withAttribute(tag, name, "1")
		default:
			tag = withoutAttribute(tag, name)
		}
	}
	flag("differentOddEven", h.OddEven)
	flag("differentFirst", h.First)
	var inner []byte
	for _, name := range edgeOrder {
		text := *edgeOf(h, name)
		switch {
		case text == "":
		case had[name] != nil:
			inner = append(inner, had[name]...)
		default:
			inner = append(inner, "<"+t.e.l.Prefix+name...)
			if text[0] == ' ' || text[len(text)-1] == ' ' {
				inner = append(inner, ` xml:space="preserve"`...)
			}
			inner = append(emit.AppendText(append(inner, '>'), text), "</"+t.e.l.Prefix+name+">"...)
		}
	}
	if len(inner) == 0 && len(scan.Attributes(tag)) == 0 {
		t.put("headerFooter", nil)
		return nil
	}
	t.put("headerFooter", slices.Concat(tag, inner, []byte("</"+t.e.l.Prefix+"headerFooter>")))
	return nil
}

// edgeOrder is the order of CT_HeaderFooter.
var edgeOrder = [...]string{"oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter"}

// edgeOf gives the text of an element; of one that is not known an empty one.
func edgeOf(h *grid.HeaderFooter, name string) *string {
	switch name {
	case "oddHeader":
		return &h.OddHeader
	case "oddFooter":
		return &h.OddFooter
	case "evenHeader":
		return &h.EvenHeader
	case "evenFooter":
		return &h.EvenFooter
	case "firstHeader":
		return &h.FirstHeader
	case "firstFooter":
		return &h.FirstFooter
	}
	return new(string)
}

func (t *tail) breaks(p *LayoutPatch) error {
	t.breakList("rowBreaks", p.Breaks.Rows, "16383")
	t.breakList("colBreaks", p.Breaks.Cols, "1048575")
	return nil
}

// breakList writes the breaks of rows or columns. Those that the file has stay as they stand in it.
func (t *tail) breakList(name string, list []int, most string) {
	had := map[string][]byte{}
	for _, e := range t.find(name) {
		for _, c := range t.children(e) {
			if tag := c.tag(t.text); truth(attribute(tag, "man")) {
				had[string(attribute(tag, "id"))] = t.text[c.from:c.to]
			}
		}
	}
	var inner []byte
	for _, n := range list {
		if xml := had[itoa(n)]; xml != nil {
			inner = append(inner, xml...)
		} else {
			inner = append(inner, "<"+t.e.l.Prefix+`brk id="`+itoa(n)+`" max="`+most+`" man="1"/>`...)
		}
	}
	xml := t.list(name, len(list), inner)
	if len(xml) > 0 {
		end := scan.TagEnd(xml, 0)
		xml = slices.Concat(withAttribute(xml[:end], "manualBreakCount", itoa(len(list))), xml[end:])
	}
	t.put(name, xml)
}

// protection writes what people may not do.
func (t *tail) protection(p *LayoutPatch) error {
	s := p.Protection
	if *s == (grid.SheetProtection{}) {
		t.put("sheetProtection", nil)
		return nil
	}
	t.alone("sheetProtection", func(tag []byte) []byte {
		flag := func(name string, on, usual bool) {
			switch was := attribute(tag, name); {
			case was == nil && on == usual, was != nil && truth(was) == on:
			case on == usual:
				tag = withoutAttribute(tag, name)
			default:
				tag = withAttribute(tag, name, digit(on))
			}
		}
		tag = passwordAttributes(tag, s.Password, "algorithmName", "hashValue", "saltValue", "spinCount", "password")
		flag("sheet", s.On, false)
		flag("objects", s.Objects, false)
		flag("scenarios", s.Scenarios, false)
		for i, name := range grid.AllowanceNames {
			bit := grid.Allowance(1) << i
			flag(name, s.Allow&bit == 0, bit&(grid.AllowSelectLocked|grid.AllowSelectUnlocked) == 0)
		}
		return tag
	})
	return nil
}

// passwordAttributes gives a tag with what is kept of a password, under these names.
func passwordAttributes(tag []byte, p grid.Password, algorithm, hash, salt, spin, legacy string) []byte {
	set := func(name, value string) {
		switch was := attribute(tag, name); {
		case value == "" && was != nil:
			tag = withoutAttribute(tag, name)
		case value != "" && decoded(was) != value:
			tag = withAttribute(tag, name, string(emit.AppendAttribute(nil, value)))
		}
	}
	set(algorithm, p.Algorithm)
	set(hash, p.Hash)
	set(salt, p.Salt)
	count := ""
	if p.Spin > 0 {
		count = itoa(p.Spin)
	}
	set(spin, count)
	set(legacy, p.Legacy)
	return tag
}

// sheetPr makes the edits of what stands first in a sheet: the colour of its tab, and that pages are fitted.
func (e *sheetEditor) sheetPr(d *document, children []element, root int, p *LayoutPatch) {
	if p.TabColor == nil && p.Setup == nil {
		return
	}
	var old element
	there := false
	for _, c := range children {
		if c.local == "sheetPr" && c.prefix == e.l.Prefix {
			old, there = c, true
			break
		}
	}
	tag := []byte("<" + e.l.Prefix + "sheetPr>")
	parts := map[string][]byte{}
	order := []string{"tabColor", "outlinePr", "pageSetUpPr"}
	if there {
		tag = openTag(old, d.text)
		for _, c := range d.children(old) {
			parts[c.local] = d.text[c.from:c.to]
			if !slices.Contains(order, c.local) {
				order = append(order, c.local)
			}
		}
	}
	if p.TabColor != nil {
		parts["tabColor"] = nil
		if *p.TabColor != "" {
			parts["tabColor"] = append(appendColor([]byte("<"+e.l.Prefix+"tabColor"), *p.TabColor), "/>"...)
		}
	}
	if p.Setup != nil {
		switch is := parts["pageSetUpPr"]; {
		case is == nil && p.Setup.Fit:
			parts["pageSetUpPr"] = []byte("<" + e.l.Prefix + `pageSetUpPr fitToPage="1"/>`)
		case is != nil && truth(attribute(is, "fitToPage")) != p.Setup.Fit:
			parts["pageSetUpPr"] = withAttribute(slices.Clone(is), "fitToPage", digit(p.Setup.Fit))
		}
	}
	var inner []byte
	for _, name := range order {
		inner = append(inner, parts[name]...)
	}
	switch {
	case !there && len(inner) == 0:
	case !there:
		e.edit(int64(root), int64(root), slices.Concat(tag, inner, []byte("</"+e.l.Prefix+"sheetPr>")))
	default:
		e.edit(int64(old.from), int64(old.to), slices.Concat(tag, inner, []byte("</"+e.l.Prefix+"sheetPr>")))
	}
}
