package scan

import (
	"bytes"
	"fmt"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// cell scans the cell whose start tag is b[p:end] and gives the position behind its
// end tag, or -1 where b does not hold all of it. This is the general path: attributes
// in any order, any prefix, formulas, inline strings, whitespace, comments, CDATA.
func (s *Sheet) cell(b []byte, p, end int) (int, error) {
	tag := b[p:end]
	h := cellHead{ref: cell.Ref{Row: s.row, Col: s.col + 1}, kind: "n"}
	for a := (attrs{b: tag, p: nameEnd(tag)}); a.next(); {
		switch string(a.name) {
		case "r":
			ref, ok := cell.ParseRef(string(bytes.TrimSpace(a.value)))
			if !ok {
				return 0, s.fault(p, "%q is not a cell reference", clip(a.value))
			}
			h.ref = ref
		case "s":
			h.style = uint32(parseInt(a.value))
		case "t":
			h.kind = kindWord(a.value)
		case "cm":
			h.meta = parseInt(a.value) > 0
		case "vm":
			h.rich = parseInt(a.value)
		}
	}
	if !h.ref.Valid() {
		return 0, s.fault(p, "a cell lies outside of the worksheet")
	}
	next := end
	var body cellBody
	if tag[len(tag)-2] != '/' {
		var err error
		if next, err = s.cellBody(b, end, &body); next < 0 || err != nil {
			return next, err
		}
	}
	if h.ref.Row != s.row || s.rowLen == 0 {
		s.disordered = true // it does not lie in the row that it stands in
		s.setRow(h.ref.Row)
	}
	s.col = h.ref.Col
	if err := s.store(&h, &body); err != nil {
		return 0, &Error{s.base + int64(p), fmt.Sprintf("cell %v: %v", h.ref, err), err}
	}
	return next, nil
}

// cellHead is what a cell's start tag says.
type cellHead struct {
	ref   cell.Ref
	style uint32
	kind  string // the t attribute, "n" where there is none
	meta  bool   // it has cell metadata (cm), which marks dynamic arrays
	rich  int    // its value metadata (vm), 0 where it has none
}

// kindWord gives the t attribute as a constant, so that nothing is allocated.
func kindWord(v []byte) string {
	for _, k := range [...]string{"n", "s", "str", "b", "e", "inlineStr", "d"} {
		if string(v) == k {
			return k
		}
	}
	return "n"
}

// cellBody is what stands between a cell's tags.
type cellBody struct {
	value      []byte // text of v, raw
	hasValue   bool
	inline     []byte // text of is, resolved
	hasInline  bool
	formula    []byte // text of f, raw
	formulaTag []byte // its start tag
	hasFormula bool
}

// cellBody scans from behind the start tag to behind the end tag.
func (s *Sheet) cellBody(b []byte, p int, body *cellBody) (int, error) {
	for {
		i := bytes.IndexByte(b[p:], '<')
		if i < 0 || p+i+1 >= len(b) {
			return -1, nil
		}
		p += i
		if c := b[p+1]; c == '!' || c == '?' {
			if p = skipMarkup(b, p); p < 0 {
				return -1, nil
			}
			continue
		}
		end := tagEnd(b, p)
		if end < 0 {
			return -1, nil
		}
		if b[p+1] == '/' {
			if localName(b[p+2:end], s.prefix) == "c" {
				return end, nil
			}
			p = end
			continue
		}
		empty := b[end-2] == '/'
		switch localName(b[p+1:end], s.prefix) {
		case "v":
			body.hasValue = true
			if !empty {
				text, next := charData(b, end)
				if next < 0 {
					return -1, nil
				}
				body.value, end = text, next
			}
		case "f":
			body.hasFormula, body.formulaTag = true, b[p:end]
			if !empty {
				text, next := charData(b, end)
				if next < 0 {
					return -1, nil
				}
				body.formula, end = text, next
			}
		case "extLst":
			// What stands in there has the names of cells and their values, and is none.
			if !empty {
				if end = closing(b, end, s.prefix, "extLst"); end < 0 {
					return -1, nil
				}
			}
		case "is":
			body.hasInline = true
			if !empty {
				text, next := richText(s.scratch[:0], b, end, s.prefix, "is")
				if next < 0 {
					return -1, nil
				}
				s.scratch = text
				body.inline, end = text, next
			}
		}
		p = end
	}
}

// closing gives the position behind the end tag of an element whose start tag ends at p,
// or -1 where b ends first.
func closing(b []byte, p int, prefix, element string) int {
	for {
		at, end := nextTag(b, p)
		if end < 0 || b[at+1] == '/' && localName(b[at+2:end], prefix) == element {
			return end
		}
		p = end
	}
}

// charData gives the character data from p up to the next tag, raw, and where that tag
// begins; -1 where b ends first. Comments inside are dropped and CDATA is escaped, both
// of which copy; the common case does not.
func charData(b []byte, p int) (text []byte, next int) {
	i := bytes.IndexByte(b[p:], '<')
	if i < 0 || p+i+1 >= len(b) {
		return nil, -1
	}
	text = b[p : p+i : p+i]
	p += i
	for b[p+1] == '!' || b[p+1] == '?' {
		end := skipMarkup(b, p)
		if end < 0 {
			return nil, -1
		}
		if bytes.HasPrefix(b[p:], []byte("<![CDATA[")) {
			text = append(text, bytes.ReplaceAll(b[p+9:end-3], []byte("&"), []byte("&amp;"))...)
		}
		i := bytes.IndexByte(b[end:], '<')
		if i < 0 || end+i+1 >= len(b) {
			return nil, -1
		}
		text = append(text, b[end:end+i]...)
		p = end + i
	}
	return text, p
}

// richText appends the text of a string item (si or is) to dst: that of its t elements,
// runs included, phonetic hints (rPh) left out. It gives the position behind the end
// tag of element, or -1 where b ends first.
func richText(dst, b []byte, p int, prefix, element string) ([]byte, int) {
	phonetic := 0
	for {
		i := bytes.IndexByte(b[p:], '<')
		if i < 0 || p+i+1 >= len(b) {
			return dst, -1
		}
		p += i
		if c := b[p+1]; c == '!' || c == '?' {
			if p = skipMarkup(b, p); p < 0 {
				return dst, -1
			}
			continue
		}
		end := tagEnd(b, p)
		if end < 0 {
			return dst, -1
		}
		closing := b[p+1] == '/'
		name := p + 1
		if closing {
			name++
		}
		switch localName(b[name:end], prefix) {
		case element:
			if closing {
				return unescape(dst), end
			}
		case "rPh":
			if closing {
				phonetic--
			} else if b[end-2] != '/' {
				phonetic++
			}
		case "t":
			if !closing && b[end-2] != '/' {
				text, next := charData(b, end)
				if next < 0 {
					return dst, -1
				}
				if phonetic <= 0 {
					dst = appendText(dst, text)
				}
				end = next
			}
		}
		p = end
	}
}

// store puts a scanned cell into the builder.
func (s *Sheet) store(h *cellHead, body *cellBody) error {
	if err := s.storeValue(h, body); err != nil {
		return err
	}
	if body.hasFormula {
		return s.storeFormula(h, body)
	}
	return nil
}

func (s *Sheet) storeValue(h *cellHead, body *cellBody) error {
	if body.hasInline && (h.kind == "inlineStr" || !body.hasValue) {
		return s.b.Text(h.ref, h.style, body.inline)
	}
	if !body.hasValue {
		return s.blank(h, body)
	}
	if h.kind == "str" || h.kind == "inlineStr" {
		s.scratch = unescape(appendText(s.scratch[:0], body.value))
		return s.b.Text(h.ref, h.style, s.scratch)
	}
	v := bytes.TrimSpace(body.value)
	if len(v) == 0 {
		return s.blank(h, body)
	}
	switch h.kind {
	case "s":
		i, ok := index(v)
		if !ok { // it points to no string, as an index does that is too large
			return s.b.Error(h.ref, h.style, cell.ErrRef)
		}
		return s.b.Shared(h.ref, h.style, i)
	case "b":
		return s.b.Bool(h.ref, h.style, truth(v))
	case "e":
		if e, ok := cell.ParseError(string(bytes.ToUpper(v))); ok {
			if e == cell.ErrValue && h.rich > 0 && s.RichError != nil {
				if rich, ok := s.RichError(h.rich); ok {
					e = rich
				}
			}
			return s.b.Error(h.ref, h.style, e)
		}
		return s.text(h, body.value) // an error that is not known is shown as it stands
	case "d":
		if s.DateText != nil {
			if serial, ok := s.DateText(string(v), h.style); ok {
				return s.b.Number(h.ref, h.style, serial)
			}
		}
		return s.text(h, body.value)
	}
	var room [64]byte
	if len(v) < len(room)-8 {
		copy(room[:], v)
		room[len(v)] = '<'
		if f, next, ok := number(room[:], 0); ok && next == len(v) {
			return s.b.Number(h.ref, h.style, f)
		}
	}
	if f, ok := looseNumber(v); ok {
		return s.b.Number(h.ref, h.style, f)
	}
	return s.text(h, body.value)
}

// blank stores a cell without a value, if there is anything else to it.
func (s *Sheet) blank(h *cellHead, body *cellBody) error {
	if h.style == 0 && !body.hasFormula && !s.plain(h.ref.Col) {
		return nil
	}
	return s.b.Blank(h.ref, h.style)
}

func (s *Sheet) text(h *cellHead, raw []byte) error {
	s.scratch = unescape(appendText(s.scratch[:0], raw))
	return s.b.Text(h.ref, h.style, s.scratch)
}

// index reads the index of a shared string.
func index(v []byte) (uint32, bool) {
	var n uint64
	for _, c := range v {
		if c < '0' || c > '9' || n > 1<<31 {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return uint32(n), n < 1<<31
}

// sharedFormulas maps the si of a sheet's shared formulas to what the builder knows.
type sharedFormulas struct {
	bySI  map[int]grid.FormulaID
	above *Index // in a scan that begins at row first: knows those of the rows above
	first int
}

func newSharedFormulas() sharedFormulas {
	return sharedFormulas{bySI: make(map[int]grid.FormulaID)}
}

// tableInputs are the cells that a what-if table puts its values into.
type tableInputs struct {
	first, second string
	both, row     bool
	gone          [2]bool // the first or second is gone
}

// formula gives what Excel shows in the cells of the table: TABLE(row input, column input).
func (t *tableInputs) formula() []byte {
	for i, input := range [...]*string{&t.first, &t.second} {
		if t.gone[i] {
			*input = "#REF!"
		}
	}
	switch {
	case t.both:
		return fmt.Appendf(nil, "TABLE(%s,%s)", t.first, t.second)
	case t.row:
		return fmt.Appendf(nil, "TABLE(%s,)", t.first)
	}
	return fmt.Appendf(nil, "TABLE(,%s)", t.first)
}

// qualified gives the text of a formula for a cell so that it does not say less than it means there.
func (s *Sheet) qualified(text []byte, at cell.Ref) []byte {
	if s.Qualify == nil || bytes.IndexByte(text, '[') < 0 {
		return text
	}
	return s.Qualify(text, at)
}

// storeFormula gives the cell that was just stored its formula.
func (s *Sheet) storeFormula(h *cellHead, body *cellBody) error {
	kind, si, ref := "", -1, ""
	var table tableInputs
	tag := body.formulaTag
	for a := (attrs{b: tag, p: nameEnd(tag)}); a.next(); {
		switch string(a.name) {
		case "t":
			kind = string(a.value)
		case "si":
			if i, ok := index(bytes.TrimSpace(a.value)); ok { // else it is the si of no other formula
				si = int(i)
			}
		case "r1":
			table.first = string(a.value)
		case "r2":
			table.second = string(a.value)
		case "del1":
			table.gone[0] = truth(a.value)
		case "del2":
			table.gone[1] = truth(a.value)
		case "dt2D":
			table.both = truth(a.value)
		case "dtr":
			table.row = truth(a.value)
		case "ref":
			ref = string(a.value)
		}
	}
	s.scratch = unescape(appendText(s.scratch[:0], body.formula))
	text := s.scratch
	group := -1
	r, ok := cell.ParseRange(ref)
	if !ok {
		r = cell.Range{First: h.ref, Last: h.ref}
	}
	switch kind {
	case "shared":
		if len(text) == 0 {
			id, ok, err := s.sharedFormula(si)
			if ok {
				s.b.SetFormula(h.ref, id)
			}
			// A member whose master is missing has a value and no formula.
			return err
		}
		if ref != "" {
			group = s.b.AddGroup(grid.SharedFormula, h.ref, r)
		}
	case "array":
		k := grid.ArrayFormula
		if h.meta {
			k = grid.DynamicArray
		}
		group = s.b.AddGroup(k, h.ref, r)
	case "dataTable":
		group = s.b.AddGroup(grid.DataTable, h.ref, r)
		if len(text) == 0 {
			text = table.formula()
		}
	default:
		if len(text) == 0 {
			return nil
		}
	}
	text = s.qualified(text, h.ref)
	id, err := s.b.AddFormula(text, group)
	if err != nil {
		return err
	}
	if kind == "shared" && ref != "" && si >= 0 {
		s.formulas.bySI[si] = id
		if s.index != nil && !s.index.addMaster(si, text, h.ref, r) {
			s.disordered = true
		}
	}
	s.b.SetFormula(h.ref, id)
	return nil
}
