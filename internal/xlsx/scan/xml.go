package scan

import (
	"bytes"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// TagEnd gives the position behind the tag that starts at b[p], or -1 where b ends first.
func TagEnd(b []byte, p int) int { return tagEnd(b, p) }

// SkipMarkup gives the position behind the comment, CDATA section, declaration or
// processing instruction that starts at b[p], or -1 where b ends first.
func SkipMarkup(b []byte, p int) int { return skipMarkup(b, p) }

// NameEnd gives the position behind the element name of a start tag.
func NameEnd(tag []byte) int { return nameEnd(tag) }

// tagEnd gives the position behind the tag that starts at b[p], or -1 where b ends
// first. A ">" inside an attribute value does not end it.
func tagEnd(b []byte, p int) int {
	for i := p + 1; i < len(b); i++ {
		switch b[i] {
		case '>':
			return i + 1
		case '"', '\'':
			j := bytes.IndexByte(b[i+1:], b[i])
			if j < 0 {
				return -1
			}
			i += j + 1
		}
	}
	return -1
}

// skipMarkup gives the position behind the comment, CDATA section, declaration or
// processing instruction that starts at b[p], or -1 where b ends first.
func skipMarkup(b []byte, p int) int {
	end := ">"
	switch {
	case bytes.HasPrefix(b[p:], []byte("<!--")):
		end = "-->"
	case bytes.HasPrefix(b[p:], []byte("<![CDATA[")):
		end = "]]>"
	case bytes.HasPrefix(b[p:], []byte("<?")):
		end = "?>"
	case len(b)-p < 9:
		return -1
	}
	i := bytes.Index(b[p+2:], []byte(end))
	if i < 0 {
		return -1
	}
	return p + 2 + i + len(end)
}

// nameEnd gives the position behind the element name of a start tag.
func nameEnd(tag []byte) int {
	for i := 1; i < len(tag); i++ {
		switch tag[i] {
		case ' ', '\t', '\r', '\n', '/', '>':
			return i
		}
	}
	return len(tag)
}

// localName gives the element name at the start of b without prefix. An element of
// another namespace keeps its own prefix, so that it equals none of ours.
func localName(b []byte, prefix string) string {
	n := 0
	for n < len(b) && b[n] != ' ' && b[n] != '>' && b[n] != '/' && b[n] != '\t' && b[n] != '\r' && b[n] != '\n' {
		n++
	}
	b = b[:n]
	if len(b) < len(prefix) || string(b[:len(prefix)]) != prefix {
		return ""
	}
	b = b[len(prefix):]
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b)) // b outlives the comparison that this is made for
}

// nextTag finds the first start or end tag at p or behind it, outside of comments and the
// like: where it begins, -1 where there is none, and the position behind it, -1 where b ends
// before that.
func nextTag(b []byte, p int) (at, end int) {
	for {
		i := bytes.IndexByte(b[p:], '<')
		if i < 0 || p+i+1 >= len(b) {
			return -1, -1
		}
		if p += i; b[p+1] != '!' && b[p+1] != '?' {
			return p, tagEnd(b, p)
		}
		if p = skipMarkup(b, p); p < 0 {
			return -1, -1
		}
	}
}

// markupAt reads the markup at b[p], which is '<': the position behind it, -1 where b does
// not hold all of it, and of a tag the name of its element and whether it is an end tag.
func markupAt(b []byte, p int, prefix string) (end int, name string, closes bool) {
	if p+1 >= len(b) {
		return -1, "", false
	}
	if b[p+1] == '!' || b[p+1] == '?' {
		return skipMarkup(b, p), "", false
	}
	if end = tagEnd(b, p); end < 0 {
		return -1, "", false
	}
	if b[p+1] == '/' {
		return end, localName(b[p+2:end], prefix), true
	}
	return end, localName(b[p+1:end], prefix), false
}

// findStartTag finds the first start tag of an element outside of comments and gives
// where it begins and ends, and whether it is an empty-element tag.
func findStartTag(b []byte, prefix, name string) (start, end int, empty, ok bool) {
	for p := 0; ; {
		i := bytes.IndexByte(b[p:], '<')
		if i < 0 || p+i+1 >= len(b) {
			return 0, 0, false, false
		}
		p += i
		if c := b[p+1]; c == '!' || c == '?' {
			if p = skipMarkup(b, p); p < 0 {
				return 0, 0, false, false
			}
			continue
		}
		e := tagEnd(b, p)
		if e < 0 {
			return 0, 0, false, false
		}
		if b[p+1] != '/' && localName(b[p+1:e], prefix) == name {
			return p, e, b[e-2] == '/', true
		}
		p = e
	}
}

// attrs walks the attributes of a start tag. Values are as they stand, with entities.
type attrs struct {
	b           []byte
	p           int
	name, value []byte
}

func (a *attrs) next() bool {
	b, p := a.b, a.p
	for p < len(b) && (b[p] == ' ' || b[p] == '\t' || b[p] == '\r' || b[p] == '\n') {
		p++
	}
	start := p
	for p < len(b) && b[p] != '=' && b[p] != ' ' && b[p] != '>' && b[p] != '/' && b[p] != '\t' && b[p] != '\r' && b[p] != '\n' {
		p++
	}
	if p == start || p >= len(b) {
		return false
	}
	a.name = b[start:p]
	for p < len(b) && b[p] != '"' && b[p] != '\'' {
		if b[p] == '>' {
			return false
		}
		p++
	}
	if p >= len(b) {
		return false
	}
	n := bytes.IndexByte(b[p+1:], b[p])
	if n < 0 {
		return false
	}
	a.value = b[p+1 : p+1+n]
	a.p = p + n + 2
	return true
}

func truth(v []byte) bool {
	switch string(v) {
	case "1", "true", "on":
		return true
	}
	return false
}

// parseInt reads a small non-negative decimal number; anything else is 0.
func parseInt(v []byte) int {
	n := 0
	for _, c := range bytes.TrimSpace(v) {
		if c < '0' || c > '9' || n > 1<<31 {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func parseFloat(v []byte) float64 {
	f, err := strconv.ParseFloat(string(bytes.TrimSpace(v)), 64)
	if err != nil {
		return 0
	}
	return f
}

func clip(v []byte) string {
	if len(v) > 40 {
		return string(v[:40]) + "…"
	}
	return string(v)
}

// appendText appends character data to dst with entities resolved and line ends
// normalised as XML demands. An entity that XML does not define stays as it stands.
func appendText(dst, raw []byte) []byte {
	for len(raw) > 0 {
		i := 0
		for i < len(raw) && raw[i] != '&' && raw[i] != '\r' {
			i++
		}
		if i == len(raw) {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		raw = raw[i:]
		if raw[0] == '\r' {
			dst = append(dst, '\n')
			raw = raw[1:]
			if len(raw) > 0 && raw[0] == '\n' {
				raw = raw[1:]
			}
			continue
		}
		n := bytes.IndexByte(raw[:min(len(raw), 12)], ';')
		if n < 0 {
			dst = append(dst, '&')
			raw = raw[1:]
			continue
		}
		dst = appendEntity(dst, raw[1:n])
		raw = raw[n+1:]
	}
	return dst
}

func appendEntity(dst, name []byte) []byte {
	switch string(name) {
	case "amp":
		return append(dst, '&')
	case "lt":
		return append(dst, '<')
	case "gt":
		return append(dst, '>')
	case "quot":
		return append(dst, '"')
	case "apos":
		return append(dst, '\'')
	}
	if len(name) > 1 && name[0] == '#' {
		text, base := string(name[1:]), 10
		if text[0] == 'x' || text[0] == 'X' {
			text, base = text[1:], 16
		}
		if n, err := strconv.ParseUint(text, base, 32); err == nil && n > 0 && n <= utf8.MaxRune {
			return utf8.AppendRune(dst, rune(n))
		}
	}
	dst = append(dst, '&')
	dst = append(dst, name...)
	return append(dst, ';')
}

// unescape resolves the _xHHHH_ escapes that OOXML uses for characters that XML cannot
// hold, in place, and repairs what is not UTF-8. Pairs of UTF-16 surrogates become one
// character.
func unescape(b []byte) []byte {
	if !utf8.Valid(b) {
		b = bytes.ToValidUTF8(b, []byte("\uFFFD"))
	}
	if !bytes.Contains(b, []byte("_x")) {
		return b
	}
	out := make([]byte, 0, len(b))
	var high rune
	for len(b) > 0 {
		if c, ok := escape(b); ok {
			b = b[7:]
			switch {
			case c >= 0xD800 && c < 0xDC00:
				if next, ok := escape(b); ok && next >= 0xDC00 && next < 0xE000 {
					high = c
					continue
				}
				c = utf8.RuneError
			case c >= 0xDC00 && c < 0xE000:
				if high == 0 {
					c = utf8.RuneError
				} else {
					c = (high-0xD800)<<10 + (c - 0xDC00) + 0x10000
					high = 0
				}
			}
			out = utf8.AppendRune(out, c)
			continue
		}
		out = append(out, b[0])
		b = b[1:]
	}
	return out
}

// escape reads the _xHHHH_ at the start of b.
func escape(b []byte) (rune, bool) {
	if len(b) < 7 || b[0] != '_' || b[1] != 'x' || b[6] != '_' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(n), err == nil
}
