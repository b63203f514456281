package scan

import "bytes"

// CellXML is a cell's element taken apart. Positions count from its start.
type CellXML struct {
	TagEnd     int // of the start tag
	HasFormula bool
	F          [2]int // the formula element
	FTag       int    // where its start tag ends
	Kind       string // its t attribute
	SI         int    // -1 where it has none
	HasRef     bool
	// Others are the elements besides formula, value and inline text.
	Others [][2]int

	formula []byte
	valid   bool // all of it made sense
}

// FormulaText gives the text of the formula.
func (c *CellXML) FormulaText() string {
	return string(unescape(appendText(nil, c.formula)))
}

// ParseCell takes a cell's element apart, which must be whole.
func ParseCell(b []byte, prefix string) CellXML {
	e := CellXML{TagEnd: max(tagEnd(b, 0), 0), SI: -1}
	if !wholeTag(b[:e.TagEnd]) {
		return e
	}
	e.valid = b[e.TagEnd-2] == '/'
	for p := e.TagEnd; p < len(b); {
		start, end := nextTag(b, p)
		if end < 0 {
			break
		}
		if b[start+1] == '/' {
			e.valid = end == len(b) && localName(b[start+2:end], prefix) == "c"
			break
		}
		name, tag := localName(b[start+1:end], prefix), end
		var text []byte
		if b[end-2] != '/' {
			if name == "f" {
				if t, next := charData(b, end); next >= 0 {
					text = t
				}
			}
			if end = ElementEnd(b, start, end); end < 0 {
				break
			}
		}
		switch name {
		case "v", "is":
		case "f":
			e.HasFormula, e.F, e.FTag, e.formula = true, [2]int{start, end}, tag, text
			e.Kind, e.SI, e.HasRef = "", -1, false
			for a := (attrs{b: b[start:tag], p: nameEnd(b[start:tag])}); a.next(); {
				switch string(a.name) {
				case "t":
					e.Kind = string(a.value)
				case "si":
					if i, ok := index(bytes.TrimSpace(a.value)); ok {
						e.SI = int(i)
					}
				case "ref":
					e.HasRef = len(a.value) > 0
				}
			}
		default:
			e.Others = append(e.Others, [2]int{start, end})
		}
		p = end
	}
	return e
}

// wholeTag reports whether a start tag is made of attributes that can be read, up to its end.
func wholeTag(tag []byte) bool {
	if len(tag) < 3 {
		return false
	}
	a := attrs{b: tag, p: nameEnd(tag)}
	for a.next() {
	}
	end := bytes.TrimSpace(tag[min(a.p, len(tag)):])
	return string(end) == ">" || string(end) == "/>"
}

// ElementEnd gives the position behind the end tag of the element whose start tag is
// b[start:p], counting elements of the same name inside it; -1 where b ends first.
func ElementEnd(b []byte, start, p int) int {
	name := b[start+1 : start+nameEnd(b[start:p])]
	for depth := 1; ; {
		at, end := nextTag(b, p)
		if end < 0 {
			return -1
		}
		switch {
		case b[at+1] == '/':
			if string(bytes.TrimRight(b[at+2:end-1], " \t\r\n")) == string(name) {
				depth--
			}
		case b[end-2] != '/' && string(b[at+1:at+nameEnd(b[at:end])]) == string(name):
			depth++
		}
		if p = end; depth == 0 {
			return p
		}
	}
}

// Attribute is one attribute of a start tag, as it stands there.
type Attribute struct {
	Name, Value []byte // the value with entities
	From, To    int    // of the value in the tag
}

// Attributes gives those of a start tag, in order.
func Attributes(tag []byte) []Attribute {
	var list []Attribute
	for a := (attrs{b: tag, p: nameEnd(tag)}); a.next(); {
		to := a.p - 1
		list = append(list, Attribute{a.name, a.value, to - len(a.value), to})
	}
	return list
}
