package patch

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/grid"
	"gridflow/internal/xf"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
)

// addStyles appends cell formats, and the number formats, fonts, fills and borders that they need.
// Each is made of the XML of what it derives from, so that what is not understood stays in it.
func (s *saver) addStyles(list []StyleDerivation, have int) error {
	part := s.f.Related("styles")
	if part == nil {
		return s.newStyles(list)
	}
	d, err := s.document(part)
	if err != nil {
		return err
	}
	root, _ := d.root()
	if len(list) > 0 {
		if err := derive(d, root, s.f.Workbook().Styles, list, have); err != nil {
			return err
		}
	}
	if s.looks != nil {
		s.looks.save(root)
	}
	s.save(d)
	return nil
}

// derive adds the formats of list to a style sheet that has have of them.
func derive(d *document, root element, styles *grid.Styles, list []StyleDerivation, have int) error {
	name := ""
	if d.part != nil {
		name = d.part.Name
	}
	formats := newStyleList(d, root, "cellXfs", "xf", "")
	if len(formats.entries) != have || have == 0 {
		return &xlsx.Error{Code: xlsx.Unsupported, Part: name, Offset: -1, Message: "its cell formats stand in a form to which none can be added",
			Hint: "Save it once in a spreadsheet program, and try again."}
	}
	m := &formatMaker{d: d, prefix: root.prefix, numFmts: newNumFmts(d, root),
		fonts:   newStyleList(d, root, "fonts", "font", "<"+root.prefix+"font/>"),
		fills:   newStyleList(d, root, "fills", "fill", "<"+root.prefix+"fill/>"),
		borders: newStyleList(d, root, "borders", "border", "<"+root.prefix+"border/>"),
	}
	for _, derived := range list {
		if int64(derived.Base) >= int64(have) {
			return invalid(name, "there is no style %d to derive one from, only %d", derived.Base, have)
		}
		base := grid.Xf{NumFmt: "General", NamedStyle: -1}
		if styles != nil && int(derived.Base) < len(styles.Xfs) {
			base = styles.Xfs[derived.Base]
		}
		formats.add(m.format(formats.entries[derived.Base], base, derived.Settings))
	}
	m.numFmts.save(d, root)
	m.fonts.save(root)
	m.fills.save(root)
	m.borders.save(root)
	formats.save(root)
	return nil
}

// formatMaker makes formats of others.
type formatMaker struct {
	d       *document
	prefix  string
	numFmts *numFmts

	fonts, fills, borders *styleList
}

// format gives the XML of the format that the one of entry, which says base, becomes by settings.
func (m *formatMaker) format(entry element, base grid.Xf, settings xf.Settings) []byte {
	is := xf.Of(base)
	var set [xf.NLeaves]bool
	for _, one := range settings {
		is[one.Leaf], set[one.Leaf] = one.Value, true
	}
	some := func(first, last xf.Leaf) bool { return slices.Contains(set[first:last+1], true) }
	tag := entry.tag(m.d.text)
	point := func(list *styleList, id, apply string, make func(old element, there bool) []byte) {
		old, _ := strconv.Atoi(string(attribute(tag, id)))
		var e element
		there := old >= 0 && old < len(list.entries)
		if there {
			e = list.entries[old]
		}
		tag = withAttribute(tag, id, strconv.Itoa(list.id(make(e, there))))
		tag = withAttribute(tag, apply, "1")
	}
	if set[xf.NumberFormat] {
		tag = withAttribute(tag, "numFmtId", strconv.Itoa(m.numFmts.id(is[xf.NumberFormat])))
		tag = withAttribute(tag, "applyNumberFormat", "1")
	}
	if some(xf.FontName, xf.FontCharset) {
		point(m.fonts, "fontId", "applyFont", func(e element, there bool) []byte { return m.font(e, there, &is, &set) })
	}
	if some(xf.FillPattern, xf.FillGradient) {
		point(m.fills, "fillId", "applyFill", func(e element, there bool) []byte { return m.fill(e, there, &is, &set) })
	}
	if some(xf.BorderLeft, xf.BorderDiagonalDown) {
		point(m.borders, "borderId", "applyBorder", func(e element, there bool) []byte { return m.border(e, there, &is, &set) })
	}
	inner := m.d.text[entry.tagEnd:entry.inner]
	if some(xf.AlignHorizontal, xf.ProtectHidden) {
		inner = m.inside(entry, &is, &set, some(xf.AlignHorizontal, xf.AlignReadingOrder), some(xf.ProtectLocked, xf.ProtectHidden))
		if some(xf.AlignHorizontal, xf.AlignReadingOrder) {
			tag = withAttribute(tag, "applyAlignment", "1")
		}
		if some(xf.ProtectLocked, xf.ProtectHidden) {
			tag = withAttribute(tag, "applyProtection", "1")
		}
	}
	return m.element(entry, "xf", tag, inner)
}

// element puts a start tag, which may be one of an empty element, and contents together. The tag
// is that of old, or one that is made.
func (m *formatMaker) element(old element, local string, tag, inner []byte) []byte {
	tag = bytes.TrimRight(tag[:len(tag)-1], "/ \t\r\n")
	if len(inner) == 0 {
		return slices.Concat(tag, []byte("/>"))
	}
	prefix := m.prefix
	if old.local != "" {
		prefix = old.prefix
	}
	return slices.Concat(tag, []byte(">"), inner, []byte("</"+prefix+local+">"))
}

// tag gives the start tag of an element that is there, or a new one.
func (m *formatMaker) tag(e element, there bool, local string) []byte {
	if there {
		return e.tag(m.d.text)
	}
	return []byte("<" + m.prefix + local + ">")
}

// fontElements are the elements of a font in the order in which Excel writes them, which it wants, and
// the leaf that each is of.
var fontElements = []struct {
	local string
	leaf  xf.Leaf
	known bool // false: only copied
}{
	{"b", xf.FontBold, true}, {"i", xf.FontItalic, true}, {"strike", xf.FontStrike, true}, {"condense", 0, false}, {"extend", 0, false},
	{"outline", 0, false}, {"shadow", 0, false}, {"u", xf.FontUnderline, true}, {"vertAlign", xf.FontVertAlign, true}, {"sz", xf.FontSize, true},
	{"color", xf.FontColor, true}, {"name", xf.FontName, true}, {"family", xf.FontFamily, true}, {"charset", xf.FontCharset, true}, {"scheme", xf.FontScheme, true},
}

func (m *formatMaker) font(e element, there bool, is *xf.Leaves, set *[xf.NLeaves]bool) []byte {
	var old []element
	if there {
		old = m.d.children(e)
	}
	copied := make([]bool, len(old))
	var inner []byte
	for _, f := range fontElements {
		for i, c := range old {
			if c.local == f.local {
				copied[i] = true
				if !f.known || !set[f.leaf] {
					inner = append(inner, m.d.text[c.from:c.to]...)
				}
			}
		}
		if f.known && set[f.leaf] && is[f.leaf] != "" {
			inner = append(inner, "<"+m.prefix+f.local...)
			switch f.leaf {
			case xf.FontBold, xf.FontItalic, xf.FontStrike:
			case xf.FontColor:
				inner = appendColor(inner, is[f.leaf])
			default:
				if f.leaf != xf.FontUnderline || is[f.leaf] != "single" {
					inner = append(emit.AppendAttribute(append(inner, ` val="`...), is[f.leaf]), '"')
				}
			}
			inner = append(inner, "/>"...)
		}
	}
	for i, c := range old {
		if !copied[i] {
			inner = append(inner, m.d.text[c.from:c.to]...)
		}
	}
	return m.element(e, "font", m.tag(e, there, "font"), inner)
}

// appendColor appends the attributes of a colour as package xf spells it.
func appendColor(b []byte, v string) []byte {
	head, rest, _ := strings.Cut(v, ":")
	switch head {
	case "auto":
		b = append(b, ` auto="1"`...)
	case "theme", "indexed":
		var n string
		n, rest, _ = strings.Cut(rest, ":")
		b = append(b, " "+head+`="`+n+`"`...)
	default:
		b = append(b, ` rgb="`+head+`"`...)
	}
	if rest != "" {
		b = append(b, ` tint="`+rest+`"`...)
	}
	return b
}

func (m *formatMaker) fill(e element, there bool, is *xf.Leaves, set *[xf.NLeaves]bool) []byte {
	if is[xf.FillGradient] != "" {
		return slices.Concat([]byte("<"+m.prefix+"fill>"), m.gradient(is[xf.FillGradient]), []byte("</"+m.prefix+"fill>"))
	}
	var old element
	var colors []element
	if there {
		if p, ok := m.d.child(e, "patternFill"); ok {
			old, colors = p, m.d.children(p)
		}
	}
	var inner []byte
	for _, c := range []struct {
		local string
		leaf  xf.Leaf
	}{{"fgColor", xf.FillForeground}, {"bgColor", xf.FillBackground}} {
		switch i := slices.IndexFunc(colors, func(x element) bool { return x.local == c.local }); {
		case set[c.leaf] && is[c.leaf] != "":
			inner = append(appendColor(append(inner, "<"+m.prefix+c.local...), is[c.leaf]), "/>"...)
		case !set[c.leaf] && i >= 0:
			inner = append(inner, m.d.text[colors[i].from:colors[i].to]...)
		}
	}
	tag := m.tag(old, old.local != "", "patternFill")
	pattern := is[xf.FillPattern]
	if pattern == "" {
		pattern = "none"
	}
	tag = withAttribute(tag, "patternType", pattern)
	return slices.Concat([]byte("<"+m.prefix+"fill>"), m.element(old, "patternFill", tag, inner), []byte("</"+m.prefix+"fill>"))
}

// gradient gives the XML of a gradient as package xf spells it.
func (m *formatMaker) gradient(v string) []byte {
	words := strings.Fields(v)
	b := []byte("<" + m.prefix + "gradientFill")
	if words[0] != "linear" {
		b = append(b, ` type="`+words[0]+`"`...)
	}
	for i, name := range []string{"degree", "left", "right", "top", "bottom"} {
		if words[1+i] != "0" {
			b = append(b, " "+name+`="`+words[1+i]+`"`...)
		}
	}
	b = append(b, '>')
	for _, stop := range words[6:] {
		at, color, _ := strings.Cut(stop, "=")
		b = append(b, "<"+m.prefix+`stop position="`+at+`"><`+m.prefix+"color"...)
		b = append(appendColor(b, color), "/></"+m.prefix+"stop>"...)
	}
	return append(b, "</"+m.prefix+"gradientFill>"...)
}

// borderElements are the lines of a border in their order (CT_Border), with their leaf of style.
var borderElements = []struct {
	local, strict string // the strict form of the standard has another name for some
	leaf          xf.Leaf
	always        bool // Excel writes it in any case
}{
	{"left", "start", xf.BorderLeft, true}, {"right", "end", xf.BorderRight, true}, {"top", "", xf.BorderTop, true}, {"bottom", "", xf.BorderBottom, true},
	{"diagonal", "", xf.BorderDiagonal, true}, {"vertical", "", xf.BorderVertical, false}, {"horizontal", "", xf.BorderHorizontal, false},
}

func (m *formatMaker) border(e element, there bool, is *xf.Leaves, set *[xf.NLeaves]bool) []byte {
	var old []element
	if there {
		old = m.d.children(e)
	}
	var inner []byte
	for _, f := range borderElements {
		i := slices.IndexFunc(old, func(x element) bool { return x.local == f.local || x.local == f.strict })
		if i >= 0 && !set[f.leaf] && !set[f.leaf+1] {
			inner = append(inner, m.d.text[old[i].from:old[i].to]...)
			continue
		}
		if is[f.leaf] == "" && !f.always && i < 0 {
			continue
		}
		name := m.prefix + f.local
		if i >= 0 {
			name = old[i].prefix + old[i].local
		}
		inner = append(inner, "<"+name...)
		if is[f.leaf] == "" {
			inner = append(inner, "/>"...)
			continue
		}
		inner = append(inner, ` style="`+is[f.leaf]+`"`...)
		switch {
		case is[f.leaf+1] == "":
			inner = append(inner, "/>"...)
			continue
		case i >= 0 && !set[f.leaf+1]:
			inner = append(append(inner, '>'), m.d.text[old[i].tagEnd:old[i].inner]...)
		default:
			inner = append(appendColor(append(inner, "><"+m.prefix+"color"...), is[f.leaf+1]), "/>"...)
		}
		inner = append(inner, "</"+name+">"...)
	}
	tag := m.tag(e, there, "border")
	for leaf, name := range map[xf.Leaf]string{xf.BorderDiagonalUp: "diagonalUp", xf.BorderDiagonalDown: "diagonalDown"} {
		if set[leaf] {
			tag = withAttribute(tag, name, zeroOrOne(is[leaf]))
		}
	}
	return m.element(e, "border", tag, inner)
}

func zeroOrOne(v string) string {
	if v == xf.Yes {
		return v
	}
	return xf.No
}

// inside gives what stands in a format: alignment, protection, and what else there is.
func (m *formatMaker) inside(entry element, is *xf.Leaves, set *[xf.NLeaves]bool, align, protect bool) []byte {
	var out, rest []byte
	children := m.d.children(entry)
	one := func(local string, changed bool, attributes func(tag []byte) []byte) {
		tag := []byte("<" + m.prefix + local + "/>")
		i := slices.IndexFunc(children, func(x element) bool { return x.local == local })
		switch {
		case i >= 0 && !changed:
			out = append(out, m.d.text[children[i].from:children[i].to]...)
			return
		case !changed:
			return
		case i >= 0:
			tag = slices.Clone(children[i].tag(m.d.text))
		}
		var inner []byte
		var old element
		if i >= 0 {
			old = children[i]
			inner = m.d.text[old.tagEnd:old.inner]
		}
		out = append(out, m.element(old, local, attributes(tag), inner)...)
	}
	one("alignment", align, func(tag []byte) []byte {
		for _, a := range []struct {
			name   string
			leaf   xf.Leaf
			nought string // what is written where the leaf has no value and the attribute is there
		}{
			{"horizontal", xf.AlignHorizontal, "general"}, {"vertical", xf.AlignVertical, "bottom"}, {"textRotation", xf.AlignRotation, "0"}, {"wrapText", xf.AlignWrap, "0"},
			{"indent", xf.AlignIndent, "0"}, {"shrinkToFit", xf.AlignShrink, "0"}, {"readingOrder", xf.AlignReadingOrder, "0"},
		} {
			switch {
			case !set[a.leaf]:
			case is[a.leaf] != "":
				tag = withAttribute(tag, a.name, is[a.leaf])
			case attribute(tag, a.name) != nil:
				tag = withAttribute(tag, a.name, a.nought)
			}
		}
		return tag
	})
	one("protection", protect, func(tag []byte) []byte {
		if set[xf.ProtectLocked] {
			tag = withAttribute(tag, "locked", is[xf.ProtectLocked])
		}
		if set[xf.ProtectHidden] {
			tag = withAttribute(tag, "hidden", zeroOrOne(is[xf.ProtectHidden]))
		}
		return tag
	})
	for _, c := range children {
		if c.local != "alignment" && c.local != "protection" {
			rest = append(rest, m.d.text[c.from:c.to]...)
		}
	}
	return append(out, rest...)
}
