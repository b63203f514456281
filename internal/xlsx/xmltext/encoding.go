package xmltext

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// ToUTF8 gives doc in UTF-8 without a byte order mark. It goes by the mark, then by the
// zero bytes of UTF-16, then by the XML declaration, where it knows UTF-8, UTF-16 and the
// single-byte character sets. A document in UTF-8 is not copied.
func ToUTF8(doc []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(doc, bom):
		return doc[len(bom):], nil
	case bytes.HasPrefix(doc, []byte{0xFF, 0xFE}), bytes.HasPrefix(doc, []byte{'<', 0}):
		return transcode(doc, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM))
	case bytes.HasPrefix(doc, []byte{0xFE, 0xFF}), bytes.HasPrefix(doc, []byte{0, '<'}):
		return transcode(doc, unicode.UTF16(unicode.BigEndian, unicode.UseBOM))
	}
	name := declaredEncoding(doc)
	switch fold := foldEncoding(name); fold {
	case "", "utf8", "utf16", "ascii", "usascii":
		// One that says UTF-16 and has no zero bytes is not in UTF-16.
		return doc, nil
	case "latin1":
		return transcode(doc, charmap.ISO8859_1)
	case "cp1252":
		return transcode(doc, charmap.Windows1252)
	default:
		for _, e := range charmap.All {
			if named, ok := e.(fmt.Stringer); ok && foldEncoding(named.String()) == fold {
				return transcode(doc, e)
			}
		}
	}
	return nil, &SyntaxError{Reason: fmt.Sprintf("the document is in the character set %q, which is not supported,", name)}
}

func transcode(doc []byte, e encoding.Encoding) ([]byte, error) {
	out, err := e.NewDecoder().Bytes(doc)
	if err != nil {
		return nil, &SyntaxError{Reason: "the document cannot be converted to UTF-8: " + err.Error()}
	}
	return bytes.TrimPrefix(out, bom), nil
}

// declaredEncoding gives what the XML declaration says, "" where it says nothing.
func declaredEncoding(doc []byte) string {
	if !bytes.HasPrefix(doc, []byte("<?xml")) {
		return ""
	}
	const most = 200
	decl := doc[:min(len(doc), most)]
	end := bytes.Index(decl, []byte("?>"))
	if end < 0 {
		return ""
	}
	_, after, ok := bytes.Cut(decl[:end], []byte("encoding"))
	if !ok {
		return ""
	}
	after = bytes.TrimLeft(after, " \t\r\n=")
	if len(after) == 0 {
		return ""
	}
	value, _, ok := bytes.Cut(after[1:], after[:1])
	if !ok {
		return ""
	}
	return string(value)
}

// foldEncoding makes the spellings of a character set's name equal.
func foldEncoding(name string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			return c
		}
		return -1
	}, name)
}
