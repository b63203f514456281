package formula

import (
	"strings"
	"unicode/utf8"
)

// tableReader reads the bracketed part of a table reference: Table1[Amount],
// Table1[[#Headers],[a]:[b]], [@Amount].
type tableReader struct {
	spec  string // brackets included
	at    int
	part  tablePart
	fault string // what is wrong at offset at
}

// decodeTable reads spec, which bracketEnd delimited. A fault comes back with its
// offset in spec.
func decodeTable(spec string) (part *tablePart, offset int, fault string) {
	r := tableReader{spec: spec, at: 1, part: tablePart{raw: spec}}
	r.read()
	return &r.part, r.at, r.fault
}

func (r *tableReader) read() {
	last := len(r.spec) - 1
	switch c := r.spec[r.at]; {
	case c == '@':
		r.part.items = ItemThisRow
		r.at++
		if r.space(); r.at < last && r.spec[r.at] != '[' {
			r.bare(last)
			return
		}
	case c == '#':
		r.item(r.spec[1:last])
		return
	default:
		if r.space(); r.at < last && r.spec[r.at] != '[' {
			r.at = 1
			r.bare(last)
			return
		}
	}
	for r.at < last {
		if !r.bracketed() {
			return
		}
		if r.space(); r.at == last {
			return
		}
		if r.spec[r.at] != ',' {
			r.fault = "expected , or ] inside of the table reference"
			return
		}
		r.at++
		if r.space(); r.at == last {
			r.fault = "expected a column or part after the comma of the table reference"
			return
		}
	}
}

// bracketed reads [#part], [column] or [first]:[last].
func (r *tableReader) bracketed() bool {
	if strings.HasPrefix(r.spec[r.at:], "[#") && r.part.first == "" {
		end := bracketEnd(r.spec, r.at)
		return r.item(r.spec[r.at+1:end-1]) && r.skip(end)
	}
	if r.part.first != "" {
		r.fault = "a table reference names one column or one run of columns, [first]:[last],"
		return false
	}
	if !r.column(&r.part.first) {
		return false
	}
	r.part.last = r.part.first
	if r.space(); r.spec[r.at] != ':' {
		return true
	}
	r.at++
	r.space()
	return r.column(&r.part.last)
}

// column reads [column].
func (r *tableReader) column(name *string) bool {
	if r.spec[r.at] != '[' {
		r.fault = "expected a column or part in brackets inside of the table reference"
		return false
	}
	end := bracketEnd(r.spec, r.at)
	return r.name(r.spec[r.at+1:end-1], name) && r.skip(end)
}

// bare reads a column that has no brackets of its own.
func (r *tableReader) bare(end int) {
	if r.name(r.spec[r.at:end], &r.part.first) {
		r.part.last = r.part.first
		r.at = end
	}
}

func (r *tableReader) item(s string) bool {
	s = strings.TrimSpace(s)
	for i, name := range itemNames {
		if strings.EqualFold(s, name) {
			r.part.items |= 1 << i
			return true
		}
	}
	r.fault = "unknown table part " + s + " (there are #All, #Headers, #Data, #Totals and #This Row)"
	return false
}

// name takes the apostrophes out of a column name.
func (r *tableReader) name(s string, to *string) bool {
	if s == "" {
		r.fault = "a table reference has an empty column name"
		return false
	}
	if !strings.ContainsAny(s, "'[]") {
		*to = s
		return true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '[', ']':
			r.fault = "a bracket in a column name needs an apostrophe before it"
			return false
		case '\'':
			if i++; i == len(s) {
				continue
			}
		}
		b = append(b, s[i])
	}
	*to = string(b)
	return true
}

// FindColumn gives the place of the table column that a formula names, -1 if there is none: name gives
// what each of count columns is called. Spaces around what a formula says are not part of it, T[ Amount ],
// but where a column is called just so.
func FindColumn(say string, count int, name func(int) string) int {
	trimmed, found := strings.Trim(say, " "), -1
	for i := range count {
		switch is := name(i); {
		case strings.EqualFold(is, say):
			return i
		case found < 0 && len(trimmed) < len(say) && strings.EqualFold(is, trimmed):
			found = i
		}
	}
	return found
}

func (r *tableReader) space() {
	for class[r.spec[r.at]]&isSpace != 0 {
		r.at++
	}
}

func (r *tableReader) skip(to int) bool {
	r.at = to
	return true
}

// bracketEnd gives the offset behind the bracket that closes the one at s[at], or -1.
// Inside of brackets an apostrophe takes the meaning from the character after it.
func bracketEnd(s string, at int) int {
	depth := 0
	for i := at; i < len(s); i++ {
		switch s[i] {
		case '\'':
			i++
		case '[':
			depth++
		case ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// appendColumn writes a column name in brackets.
func appendColumn(b []byte, name string) []byte {
	b = append(b, '[')
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '[', ']', '#', '\'', '@':
			b = append(b, '\'')
		}
		b = append(b, name[i])
	}
	return append(b, ']')
}

// appendThisRow writes a part in the row of the formula with an @.
func (p *tablePart) appendThisRow(b []byte) []byte {
	b = append(b, "[@"...)
	switch {
	case p.first == "":
	case p.first != p.last:
		b = appendColumn(append(appendColumn(b, p.first), ':'), p.last)
	case bareName(p.first):
		b = append(b, p.first...)
	default:
		b = appendColumn(b, p.first)
	}
	return append(b, ']')
}

// append writes the bracketed part of a table reference.
func (p *tablePart) append(b []byte) []byte {
	if p.raw != "" {
		return append(b, p.raw...)
	}
	if p.items == 0 && p.first == p.last {
		if p.first == "" {
			return append(b, "[]"...)
		}
		return appendColumn(b, p.first)
	}
	b = append(b, '[')
	from := len(b)
	for i, name := range itemNames {
		if p.items&(1<<i) != 0 {
			if len(b) > from {
				b = append(b, ',')
			}
			b = append(append(append(b, '['), name...), ']')
		}
	}
	if p.first != "" {
		if len(b) > from {
			b = append(b, ',')
		}
		b = appendColumn(b, p.first)
		if p.last != p.first {
			b = appendColumn(append(b, ':'), p.last)
		}
	}
	return append(b, ']')
}

// PartOfUnnamedTable reports whether brackets stand in a formula where a reference begins: a part of the
// table around the formula's cell, [Amount], a workbook, [1]Sheet1!A1, or an optional parameter. It is a
// quick look that does not parse: what it says yes to may be no formula.
func PartOfUnnamedTable(text []byte) bool {
	before := byte('=')
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch c {
		case '"', '\'': // a text, the name of a sheet
			for i++; i < len(text) && text[i] != c; i++ {
			}
		case '[':
			if before < utf8.RuneSelf && class[before]&isName == 0 && before != '\'' && before != ']' {
				return true
			}
			depth := 1
			for i++; i < len(text) && depth > 0; i++ {
				switch text[i] {
				case '\'': // the next character is one of a column's name
					i++
				case '[':
					depth++
				case ']':
					depth--
				}
			}
			i--
			c = ']'
		}
		before = c
	}
	return false
}
