package xmltext

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Attr gives the value of an attribute without prefix as it stands in the document,
// entities not decoded; nil where the current start tag has none of that name.
func (r *Reader) Attr(name string) []byte {
	for i := range r.attrs {
		if a := &r.attrs[i]; string(a.local) == name && len(a.prefix) == 0 {
			return a.raw
		}
	}
	return nil
}

// AttrNS is Attr for an attribute with a prefix, by its namespace.
func (r *Reader) AttrNS(ns NS, name string) []byte {
	for i := range r.attrs {
		if a := &r.attrs[i]; string(a.local) == name && len(a.prefix) > 0 && r.resolve(a.prefix) == ns {
			return a.raw
		}
	}
	return nil
}

// Value gives the value of an attribute with entities decoded, "" where there is none.
func (r *Reader) Value(name string) string { return attributeText(r.Attr(name)) }

// ValueNS is Value for an attribute with a prefix.
func (r *Reader) ValueNS(ns NS, name string) string { return attributeText(r.AttrNS(ns, name)) }

// Int gives the value of an attribute as a whole number, def where there is none or
// it is no number. A number beyond 32 bits becomes the nearest that fits.
func (r *Reader) Int(name string, def int) int {
	raw := bytes.TrimSpace(r.Attr(name))
	if len(raw) == 0 {
		return def
	}
	if n, err := strconv.ParseInt(string(raw), 10, 32); err == nil {
		return int(n)
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil && f == 0 || f != f {
		return def
	}
	return int(max(-1<<31, min(f, 1<<31-1)))
}

// Float gives the value of an attribute as a finite number, def where there is none.
func (r *Reader) Float(name string, def float64) float64 {
	raw := bytes.TrimSpace(r.Attr(name))
	if len(raw) == 0 {
		return def
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f-f != 0 {
		return def
	}
	return f
}

// Bool gives the value of an attribute as a truth value, def where there is none.
func (r *Reader) Bool(name string, def bool) bool {
	switch string(bytes.TrimSpace(r.Attr(name))) {
	case "1", "true", "True", "TRUE", "on", "t":
		return true
	case "0", "false", "False", "FALSE", "off", "f":
		return false
	}
	return def
}

// AppendText appends to dst the text directly inside the current element, and passes
// over the rest of it.
func (r *Reader) AppendText(dst []byte) []byte {
	for depth := r.depth; ; {
		switch r.Next() {
		case Text:
			if r.depth == depth {
				dst = r.AppendToken(dst)
			}
		case End:
			if r.depth < depth {
				return dst
			}
		case EOF:
			return dst
		}
	}
}

// AppendToken appends the text of the current Text token to dst, decoded.
func (r *Reader) AppendToken(dst []byte) []byte {
	n := len(dst)
	dst = appendDecoded(dst, r.raw, r.cdata)
	if !utf8.Valid(dst[n:]) {
		return append(dst[:n], bytes.ToValidUTF8(bytes.Clone(dst[n:]), []byte("\uFFFD"))...)
	}
	return dst
}

// Text gives the text directly inside the current element, decoded, and passes over
// the rest of it.
func (r *Reader) Text() string { return string(r.AppendText(nil)) }

func attributeText(raw []byte) string {
	if bytes.IndexByte(raw, '&') < 0 && !bytes.ContainsAny(raw, "\t\r\n") {
		return strings.ToValidUTF8(string(raw), "\uFFFD")
	}
	spaced := bytes.Map(func(c rune) rune {
		if c == '\t' || c == '\n' || c == '\r' {
			return ' '
		}
		return c
	}, bytes.ReplaceAll(raw, []byte("\r\n"), []byte(" ")))
	return strings.ToValidUTF8(string(appendDecoded(nil, spaced, false)), "\uFFFD")
}

// appendDecoded appends raw text with entities decoded and line ends as XML has them.
// What is no entity of XML stays as it is.
func appendDecoded(dst, raw []byte, cdata bool) []byte {
	for len(raw) > 0 {
		i := 0
		for i < len(raw) && raw[i] != '\r' && (raw[i] != '&' || cdata) {
			i++
		}
		dst = append(dst, raw[:i]...)
		if i == len(raw) {
			return dst
		}
		raw = raw[i:]
		if raw[0] == '\r' {
			dst = append(dst, '\n')
			raw = raw[1:]
			if len(raw) > 0 && raw[0] == '\n' {
				raw = raw[1:]
			}
			continue
		}
		n := 0
		dst, n = AppendEntity(dst, raw)
		raw = raw[n:]
	}
	return dst
}

// AppendEntity appends what the entity or character reference at the beginning of raw
// stands for, and gives the number of bytes that it takes there. raw begins with '&';
// if that begins no entity, it stands for itself.
func AppendEntity(dst, raw []byte) ([]byte, int) {
	const longest = 12 // "&#x0010FFFF;"
	end := bytes.IndexByte(raw[:min(len(raw), longest)], ';')
	if end < 2 {
		return append(dst, '&'), 1
	}
	name := raw[1:end]
	switch string(name) {
	case "lt":
		return append(dst, '<'), end + 1
	case "gt":
		return append(dst, '>'), end + 1
	case "amp":
		return append(dst, '&'), end + 1
	case "quot":
		return append(dst, '"'), end + 1
	case "apos":
		return append(dst, '\''), end + 1
	}
	if name[0] != '#' {
		return append(dst, '&'), 1
	}
	digits, base := name[1:], 10
	if len(digits) > 0 && (digits[0] == 'x' || digits[0] == 'X') {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(string(digits), base, 32)
	if err != nil {
		return append(dst, '&'), 1
	}
	if n == 0 || n > utf8.MaxRune {
		n = utf8.RuneError
	}
	return utf8.AppendRune(dst, rune(n)), end + 1
}

// AppendUnescaped appends s with the escapes of spreadsheet strings undone: _x000D_
// stands for the UTF-16 code unit 000D, and so _x005F_ protects an underscore. Two that
// are a surrogate pair become one character.
func AppendUnescaped(dst, s []byte) []byte {
	for {
		i := bytes.Index(s, []byte("_x"))
		if i < 0 {
			return append(dst, s...)
		}
		unit, ok := escape(s[i:])
		if !ok {
			dst = append(dst, s[:i+1]...)
			s = s[i+1:]
			continue
		}
		dst = append(dst, s[:i]...)
		s = s[i+escapeLen:]
		if unit >= 0xD800 && unit < 0xDC00 {
			if low, ok := escape(s); ok && low >= 0xDC00 && low < 0xE000 {
				unit = 0x10000 + (unit-0xD800)<<10 + (low - 0xDC00)
				s = s[escapeLen:]
			}
		}
		dst = utf8.AppendRune(dst, unit)
	}
}

// Unescape is AppendUnescaped for a string.
func Unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	return string(AppendUnescaped(nil, []byte(s)))
}

const escapeLen = len("_x0000_")

// escape reads an escape at the beginning of s.
func escape(s []byte) (unit rune, ok bool) {
	if len(s) < escapeLen || s[0] != '_' || s[1] != 'x' || s[6] != '_' {
		return 0, false
	}
	for _, c := range s[2:6] {
		switch {
		case c >= '0' && c <= '9':
			unit = unit<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			unit = unit<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return unit, true
}
