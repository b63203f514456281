package grid

import "sort"

// textList is the texts that edits brought into a sheet, numbered in the order in which
// they came. It is immutable: a list with more texts shares the older parts with it.
// Parts are merged so that each is larger than all that follow it: there are few of them,
// and a text is copied a few times at most however many versions there are.
type textList struct {
	parts []textPart
}

type textPart struct {
	start uint32 // number of its first text
	texts *Strings
}

// len is the number of texts.
func (l *textList) len() int {
	if l == nil || len(l.parts) == 0 {
		return 0
	}
	last := l.parts[len(l.parts)-1]
	return int(last.start) + last.texts.Len()
}

// at gives text i, "" where there is none.
func (l *textList) at(i uint32) string {
	if l == nil {
		return ""
	}
	n := sort.Search(len(l.parts), func(n int) bool { return l.parts[n].start > i })
	if n == 0 {
		return ""
	}
	p := l.parts[n-1]
	return p.texts.At(i - p.start)
}

// with gives the list with the texts of b behind its own.
func (l *textList) with(b *StringsBuilder) *textList {
	n := &textList{}
	part := textPart{uint32(l.len()), b.Finish()}
	if l != nil {
		n.parts = append(make([]textPart, 0, len(l.parts)+1), l.parts...)
	}
	for len(n.parts) > 0 {
		last := n.parts[len(n.parts)-1]
		bytes := len(last.texts.arena) + len(part.texts.arena)
		if last.texts.Len() > part.texts.Len() && len(last.texts.arena) > len(part.texts.arena) || bytes > maxPoolBytes {
			break
		}
		part = textPart{last.start, last.texts.concat(part.texts)}
		n.parts = n.parts[:len(n.parts)-1]
	}
	n.parts = append(n.parts, part)
	return n
}

// concat gives the texts of s and then those of t.
func (s *Strings) concat(t *Strings) *Strings {
	c := &Strings{
		arena: make([]byte, 0, len(s.arena)+len(t.arena)),
		ends:  make([]uint32, 0, len(s.ends)+len(t.ends)),
	}
	c.arena = append(append(c.arena, s.arena...), t.arena...)
	c.ends = append(c.ends, s.ends...)
	for _, end := range t.ends {
		c.ends = append(c.ends, end+uint32(len(s.arena)))
	}
	return c
}

// memoryOver is about what l takes besides the parts that it shares with old.
func (l *textList) memoryOver(old *textList) int64 {
	if l == nil {
		return 0
	}
	n := int64(0)
	for i, p := range l.parts {
		if old == nil || i >= len(old.parts) || old.parts[i] != p {
			n += 80 + p.texts.MemoryBytes()
		}
	}
	return n
}
