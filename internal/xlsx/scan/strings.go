package scan

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"gridflow/internal/grid"
)

// Strings scans the XML of the shared strings into a pool. It is used by one goroutine.
type Strings struct {
	pool   grid.StringsBuilder
	base   int64
	begun  bool
	prefix string
	text   []byte
	limit  int64
	bytes  int64
}

// NewStrings gives a scanner. sizeHint is the size of the XML in bytes; limit bounds
// the bytes of all texts, 0 means no bound.
func NewStrings(sizeHint, limit int64) *Strings {
	s := &Strings{limit: limit}
	// A text of n bytes costs n+16 in the smallest XML; most of the part is text.
	s.pool.Grow(int(min(sizeHint/40, 1<<20)), min(sizeHint*13/20, 16<<20))
	return s
}

// Len is the number of texts so far.
func (s *Strings) Len() int { return s.pool.Len() }

// Pool gives the texts so far; it stays valid and unchanged.
func (s *Strings) Pool() *grid.Strings { return s.pool.Pool() }

// Finish gives all texts and ends the scanner.
func (s *Strings) Finish() *grid.Strings { return s.pool.Finish() }

const (
	itemStart = "<si><t>"
	itemEnd   = "</t></si>"
)

// Feed scans w as Sheet.Feed does.
func (s *Strings) Feed(w []byte, final bool) (consumed int, err error) {
	p := 0
	defer func() { s.base += int64(consumed) }()
	if !s.begun {
		// The first element is the root; its prefix is that of all.
		for {
			i := bytes.IndexByte(w[p:], '<')
			if i < 0 || p+i+1 >= len(w) {
				return p, s.ended(final, p)
			}
			p += i
			if w[p+1] == '?' || w[p+1] == '!' {
				end := skipMarkup(w, p)
				if end < 0 {
					return p, s.ended(final, p)
				}
				if bytes.HasPrefix(w[p:], []byte("<!D")) {
					return p, &Error{Offset: s.base + int64(p), Message: doctypeRefused}
				}
				p = end
				continue
			}
			end := tagEnd(w, p)
			if end < 0 {
				return p, s.ended(final, p)
			}
			name := w[p+1 : p+nameEnd(w[p:end])]
			if i := bytes.IndexByte(name, ':'); i >= 0 {
				s.prefix = string(name[:i+1])
			}
			s.begun = true
			p = end
			break
		}
	}
	for p < len(w) {
		if s.prefix == "" && startsWith(w[p:], itemStart) {
			if q, ok := s.fastItem(w, p+len(itemStart)); ok {
				if q < 0 {
					return p, errPoolFull(s, p)
				}
				p = q
				continue
			}
		}
		i := bytes.IndexByte(w[p:], '<')
		if i < 0 {
			return len(w), nil
		}
		p += i
		if p+1 >= len(w) {
			return p, s.ended(final, p)
		}
		if w[p+1] == '!' || w[p+1] == '?' {
			end := skipMarkup(w, p)
			if end < 0 {
				return p, s.ended(final, p)
			}
			p = end
			continue
		}
		end := tagEnd(w, p)
		if end < 0 {
			return p, s.ended(final, p)
		}
		if w[p+1] != '/' && localName(w[p+1:end], s.prefix) == "si" {
			s.text = s.text[:0]
			if w[end-2] != '/' {
				s.text, end = richText(s.text, w, end, s.prefix, "si")
				if end < 0 {
					return p, s.ended(final, p)
				}
			}
			if !s.add(s.text) {
				return p, errPoolFull(s, p)
			}
		}
		p = end
	}
	return p, nil
}

// fastItem takes the item <si><t>text</t></si> whose text starts at p, if the text
// needs nothing resolved. It gives the position behind it, or -1 where the pool is full.
func (s *Strings) fastItem(w []byte, p int) (next int, ok bool) {
	i := bytes.IndexByte(w[p:], '<')
	if i < 0 || !startsWith(w[p+i:], itemEnd) {
		return 0, false
	}
	text := w[p : p+i]
	if !plainText(text) {
		s.text = unescape(appendText(s.text[:0], text))
		text = s.text
	}
	if !s.add(text) {
		return -1, true
	}
	return p + i + len(itemEnd), true
}

// startsWith reports whether b starts with prefix, a constant: then it is compared by words.
func startsWith(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix
}

// plainText reports whether character data is the text that it stands for: nothing to
// resolve in it, and no UTF-8 to be checked. What it is not sure of it denies.
func plainText(text []byte) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for len(text) >= 8 {
		w := binary.LittleEndian.Uint64(text)
		// A byte that is 0 after the xor borrows from its top bit. So may the one above it,
		// which is then looked at more closely for nothing.
		found := w | (w ^ '&'*ones - ones) | (w ^ '\r'*ones - ones) | (w ^ '_'*ones - ones)
		if found&tops != 0 {
			break
		}
		text = text[8:]
	}
	for k, c := range text {
		if c == '&' || c == '\r' || c >= 0x80 || c == '_' && k+1 < len(text) && text[k+1] == 'x' {
			return false
		}
	}
	return true
}

func (s *Strings) add(text []byte) bool {
	s.bytes += int64(len(text))
	if s.limit > 0 && s.bytes > s.limit {
		return false
	}
	_, ok := s.pool.Append(text)
	return ok
}

func (s *Strings) ended(final bool, p int) error {
	if !final {
		return nil
	}
	return &Error{Offset: s.base + int64(p), Message: "the shared strings end inside an element"}
}

func errPoolFull(s *Strings, p int) error {
	return &Error{Offset: s.base + int64(p), Message: fmt.Sprintf("the shared strings hold more than %d MiB of text", s.bytes>>20)}
}
