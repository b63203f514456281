package genbook

import (
	"fmt"
	"strings"
)

// StyleID is the index of a cell format (an xf in cellXfs). 0 is the default.
type StyleID int

// Style is how a cell looks. The zero Style is Excel's default: General,
// Calibri 11, no fill, no border.
type Style struct {
	Format     string // number-format code, empty for General
	Bold       bool
	Italic     bool
	Size       float64 // points, 0 for 11
	Color      string  // font, RRGGBB
	Fill       string  // RRGGBB
	Border     string  // "thin", "medium", "double-bottom" or empty
	Align      string  // "left", "center", "right" or empty
	VAlign     string  // "top", "center" or empty
	Wrap       bool
	Indent     int
	Unlocked   bool
	TextPrefix bool // the cell was typed with a leading apostrophe
}

// builtin holds the codes of the number formats that have a fixed id and so no
// entry in the file.
var builtin = map[string]int{
	"": 0, "General": 0, "0": 1, "0.00": 2, "#,##0": 3, "#,##0.00": 4, "0%": 9, "0.00%": 10, "0.00E+00": 11,
	"mm-dd-yy": 14, "d-mmm-yy": 15, "mmm-yy": 17, "h:mm": 20, "h:mm:ss": 21, "m/d/yy h:mm": 22, "@": 49,
}

// A pool numbers XML fragments in the order of their first use.
type pool struct {
	ids  map[string]int
	list []string
}

func (p *pool) id(xml string) int {
	i, ok := p.ids[xml]
	if !ok {
		if p.ids == nil {
			p.ids = map[string]int{}
		}
		i = len(p.list)
		p.ids[xml] = i
		p.list = append(p.list, xml)
	}
	return i
}

func (p *pool) xml(element string) string {
	return fmt.Sprintf(`<%s count="%d">%s</%s>`, element, len(p.list), strings.Join(p.list, ""), element)
}

// styles gathers what xl/styles.xml holds. Its zero value is ready for use.
type styles struct {
	formats, fonts, fills, borders, xfs, dxfs pool
}

// prime enters the parts that every workbook has, in the places that Excel
// expects them to have.
func (s *styles) prime() {
	if len(s.xfs.list) > 0 {
		return
	}
	s.fills.id(`<fill><patternFill patternType="none"/></fill>`)
	s.fills.id(`<fill><patternFill patternType="gray125"/></fill>`)
	s.xfs.id(s.xf(Style{}))
}

// Style gives the number of a look, the same one for equal looks.
func (b *Book) Style(look Style) StyleID {
	b.styles.prime()
	return StyleID(b.styles.xfs.id(b.styles.xf(look)))
}

func (s *styles) xf(l Style) string {
	number, ok := builtin[l.Format]
	if !ok {
		number = 164 + s.formats.id(escape(l.Format))
	}
	font := s.fonts.id(fontXML(l))
	fill := 0
	if l.Fill != "" {
		fill = s.fills.id(fmt.Sprintf(`<fill><patternFill patternType="solid"><fgColor rgb="FF%s"/><bgColor indexed="64"/></patternFill></fill>`, l.Fill))
	}
	border := s.borders.id(borderXML(l.Border))

	var b strings.Builder
	fmt.Fprintf(&b, `<xf numFmtId="%d" fontId="%d" fillId="%d" borderId="%d" xfId="0"`, number, font, fill, border)
	flag := func(on bool, name string) {
		if on {
			fmt.Fprintf(&b, ` %s="1"`, name)
		}
	}
	align := l.Align != "" || l.VAlign != "" || l.Wrap || l.Indent > 0
	flag(l.TextPrefix, "quotePrefix")
	flag(number != 0, "applyNumberFormat")
	flag(font != 0, "applyFont")
	flag(fill != 0, "applyFill")
	flag(border != 0, "applyBorder")
	flag(align, "applyAlignment")
	flag(l.Unlocked, "applyProtection")
	if !align && !l.Unlocked {
		b.WriteString("/>")
		return b.String()
	}
	b.WriteString(">")
	if align {
		b.WriteString("<alignment")
		if l.Align != "" {
			fmt.Fprintf(&b, ` horizontal="%s"`, l.Align)
		}
		if l.VAlign != "" {
			fmt.Fprintf(&b, ` vertical="%s"`, l.VAlign)
		}
		flag(l.Wrap, "wrapText")
		if l.Indent > 0 {
			fmt.Fprintf(&b, ` indent="%d"`, l.Indent)
		}
		b.WriteString("/>")
	}
	if l.Unlocked {
		b.WriteString(`<protection locked="0"/>`)
	}
	b.WriteString("</xf>")
	return b.String()
}

func fontXML(l Style) string {
	var b strings.Builder
	b.WriteString("<font>")
	if l.Bold {
		b.WriteString("<b/>")
	}
	if l.Italic {
		b.WriteString("<i/>")
	}
	size := l.Size
	if size == 0 {
		size = 11
	}
	fmt.Fprintf(&b, `<sz val="%g"/>`, size)
	if l.Color != "" {
		fmt.Fprintf(&b, `<color rgb="FF%s"/>`, l.Color)
	} else {
		b.WriteString(`<color theme="1"/>`)
	}
	b.WriteString(`<name val="Calibri"/><family val="2"/><scheme val="minor"/></font>`)
	return b.String()
}

func borderXML(kind string) string {
	side := func(name, style string) string {
		if style == "" {
			return "<" + name + "/>"
		}
		return fmt.Sprintf(`<%s style="%s"><color indexed="64"/></%s>`, name, style, name)
	}
	all, bottom := kind, kind
	if kind == "double-bottom" {
		all, bottom = "", "double"
	}
	return "<border>" + side("left", all) + side("right", all) + side("top", all) + side("bottom", bottom) + "<diagonal/></border>"
}

// dxf gives the number of a differential look, which conditional formats use.
// Only font, fill and number format of l count.
func (s *styles) dxf(l Style) int {
	var b strings.Builder
	b.WriteString("<dxf>")
	if l.Bold || l.Italic || l.Color != "" {
		b.WriteString("<font>")
		if l.Bold {
			b.WriteString("<b/>")
		}
		if l.Italic {
			b.WriteString("<i/>")
		}
		if l.Color != "" {
			fmt.Fprintf(&b, `<color rgb="FF%s"/>`, l.Color)
		}
		b.WriteString("</font>")
	}
	if l.Fill != "" {
		fmt.Fprintf(&b, `<fill><patternFill><bgColor rgb="FF%s"/></patternFill></fill>`, l.Fill)
	}
	b.WriteString("</dxf>")
	return s.dxfs.id(b.String())
}

func (s *styles) xml() string {
	s.prime()
	var b strings.Builder
	b.WriteString(xmlDecl + `<styleSheet xmlns="` + nsMain + `">`)
	if n := len(s.formats.list); n > 0 {
		fmt.Fprintf(&b, `<numFmts count="%d">`, n)
		for i, code := range s.formats.list {
			fmt.Fprintf(&b, `<numFmt numFmtId="%d" formatCode="%s"/>`, 164+i, code)
		}
		b.WriteString("</numFmts>")
	}
	b.WriteString(s.fonts.xml("fonts"))
	b.WriteString(s.fills.xml("fills"))
	b.WriteString(s.borders.xml("borders"))
	b.WriteString(`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>`)
	b.WriteString(s.xfs.xml("cellXfs"))
	b.WriteString(`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>`)
	b.WriteString(s.dxfs.xml("dxfs"))
	b.WriteString(`<tableStyles count="0" defaultTableStyle="TableStyleMedium2" defaultPivotStyle="PivotStyleLight16"/></styleSheet>`)
	return b.String()
}
