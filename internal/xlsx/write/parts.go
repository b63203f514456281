package write

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
	"gridflow/internal/xlsx/emit"
)

const (
	xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	mainNS  = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	relNS   = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	packNS  = "http://schemas.openxmlformats.org/package/2006/"
	types   = "application/vnd.openxmlformats-officedocument.spreadsheetml."
)

// Style is a cell format: that of a number, or one that Writer.Style gave.
type Style uint32

// The styles that every workbook has.
const (
	General  Style = iota
	Integer        // 1,234
	Decimal        // 1,234.50
	Percent        // 12%
	Percent2       // 12.34%
	Date           // 2026-11-26
	DateTime       // 2026-11-26 19:30:00
	Time           // 19:30:00
	Duration       // 123:30:00
	Text           // as it stands, also when it is edited
)

// codes are the number formats of these, in order.
var codes = []string{"General", "#,##0", "#,##0.00", "0%", "0.00%", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "h:mm:ss", "[h]:mm:ss", "@"}

// maxStyles is what Excel takes of number formats of a workbook's own, with some left for
// those of the reader ("between 200 and 250").
const maxStyles = 250

// styles are the cell formats of a workbook.
type styles struct {
	codes []string
	index map[string]Style
}

func newStyles() styles {
	s := styles{codes: slices.Clone(codes), index: make(map[string]Style)}
	for i, c := range s.codes {
		s.index[c] = Style(i)
	}
	return s
}

func (s *styles) len() int { return len(s.codes) }

func (s *styles) of(code string) (Style, error) {
	if i, ok := s.index[code]; ok {
		return i, nil
	}
	if len(s.codes) >= maxStyles {
		return 0, invalid("there are %d number formats already, which is the most there can be", len(s.codes))
	}
	s.index[code] = Style(len(s.codes))
	s.codes = append(s.codes, code)
	return s.index[code], nil
}

// everywhere are the built-in formats that are the same in every country.
var everywhere = []int{0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 46, 49}

// xml gives the styles part.
func (s *styles) xml() []byte {
	var fmts, xfs []byte
	own := 0
	for _, code := range s.codes {
		id := -1
		for _, k := range everywhere {
			if c, _ := numfmt.Builtin(k); c == code {
				id = k
			}
		}
		if id < 0 {
			id = 164 + own
			own++
			fmts = fmt.Appendf(fmts, `<numFmt numFmtId="%d" formatCode="%s"/>`, id, emit.AppendAttribute(nil, code))
		}
		xfs = fmt.Appendf(xfs, `<xf numFmtId="%d" fontId="0" fillId="0" borderId="0" xfId="0"`, id)
		if id != 0 {
			xfs = append(xfs, ` applyNumberFormat="1"`...)
		}
		xfs = append(xfs, "/>"...)
	}
	return fmt.Appendf(nil, `%s<styleSheet xmlns="%s"><numFmts count="%d">%s</numFmts>`+
		`<fonts count="1"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>`+
		`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>`+
		`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>`+
		`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>`+
		`<cellXfs count="%d">%s</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`,
		xmlHead, mainNS, own, fmts, len(s.codes), xfs)
}

// sharedStrings are the texts of a workbook, each once.
type sharedStrings struct {
	index map[string]uint32
	items []byte // their XML
	count int    // cells that have one
}

// maxTexts bounds the memory that texts take.
const maxTexts = 1 << 30

func (t *sharedStrings) add(text string) (uint32, error) {
	t.count++
	if i, ok := t.index[text]; ok {
		return i, nil
	}
	i := uint32(len(t.index))
	t.index[text] = i
	if len(t.items) > maxTexts {
		return 0, invalid("the texts of the workbook have more than %d bytes: write them into the cells", maxTexts)
	}
	// The element for a text in a cell, with another name around it.
	is := emit.AppendValue(nil, "", cell.TextValue(text), false)
	t.items = append(t.items, "<si>"...)
	t.items = append(t.items, is[len("<is>"):len(is)-len("</is>")]...)
	t.items = append(t.items, "</si>"...)
	return i, nil
}

// rest writes the parts that are not sheets.
func (x *Writer) rest() error {
	book := fmt.Appendf(nil, `%s<workbook xmlns="%s" xmlns:r="%s">`, xmlHead, mainNS, relNS)
	if x.options.Dates == numfmt.Date1904 {
		book = append(book, `<workbookPr date1904="1"/>`...)
	}
	book = append(book, "<sheets>"...)
	rels := []byte(xmlHead + `<Relationships xmlns="` + packNS + `relationships">`)
	kinds := []byte(xmlHead + `<Types xmlns="` + packNS + `content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>`)
	kind := func(part, kind string) {
		kinds = fmt.Appendf(kinds, `<Override PartName="/xl/%s" ContentType="%s%s+xml"/>`, part, types, kind)
	}
	next := 0
	rel := func(kind, target string) {
		next++
		rels = fmt.Appendf(rels, `<Relationship Id="rId%d" Type="%s/%s" Target="%s"/>`, next, relNS, kind, target)
	}
	kind("workbook.xml", "sheet.main")
	for i, name := range x.sheets {
		part := fmt.Sprintf("worksheets/sheet%d.xml", i+1)
		kind(part, "worksheet")
		rel("worksheet", part)
		book = fmt.Appendf(book, `<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, emit.AppendAttribute(nil, name), i+1, i+1)
	}
	book = append(book, "</sheets></workbook>"...)
	kind("styles.xml", "styles")
	rel("styles", "styles.xml")
	if x.texts != nil {
		kind("sharedStrings.xml", "sharedStrings")
		rel("sharedStrings", "sharedStrings.xml")
		head := fmt.Appendf(nil, `%s<sst xmlns="%s" count="%d" uniqueCount="%d">`, xmlHead, mainNS, x.texts.count, len(x.texts.index))
		if err := x.zip.add("xl/sharedStrings.xml", head, x.texts.items, []byte("</sst>")); err != nil {
			return err
		}
	}
	for _, p := range []struct {
		name    string
		content []byte
	}{
		{"xl/styles.xml", x.styles.xml()},
		{"xl/workbook.xml", book},
		{"xl/_rels/workbook.xml.rels", append(rels, "</Relationships>"...)},
		{"_rels/.rels", fmt.Appendf(nil, `%s<Relationships xmlns="%srelationships"><Relationship Id="rId1" Type="%s/officeDocument" Target="xl/workbook.xml"/></Relationships>`, xmlHead, packNS, relNS)},
		{"[Content_Types].xml", append(kinds, "</Types>"...)},
	} {
		if err := x.zip.add(p.name, p.content); err != nil {
			return err
		}
	}
	return x.zip.directory()
}

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

// max32 is the mark of zip64, which is not used here.
const max32 = math.MaxUint32
