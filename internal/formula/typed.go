package formula

import "strings"

// typedDigits is how many digits Excel keeps of a number that is typed: those behind the first 15 that count
// become zeros, without rounding (Microsoft, Knowledge Base 269370; "Number precision, 15 digits" in Excel's
// specifications and limits). That is so of what is typed alone. A file may hold formulas with longer numbers, which
// other programs wrote; Excel's own have none (of 239,458 formulas of Excel's in the corpus none has a
// number of more than 15 digits), and no cell shows that it would cut those of others: they are taken as they are.
const typedDigits = 15

// Typed gives a formula as Excel keeps it when it is typed: with at most 15 digits in each of its numbers. A
// text that is no formula, and one without such a number, stays as it is.
func Typed(text string) string {
	if !strings.ContainsFunc(text, isDigitRune) || len(text) <= typedDigits {
		return text
	}
	t, err := Parse(text)
	if err != nil {
		return text
	}
	s := storer{src: text}
	s.typed(t.Root)
	if len(s.edits) == 0 {
		return text
	}
	return s.apply()
}

func isDigitRune(r rune) bool { return r >= '0' && r <= '9' }

// typed cuts the numbers in n.
func (s *storer) typed(n *Node) {
	if n.Kind == Number {
		was := s.src[n.pos:n.end]
		if is, cut := firstDigits(was); cut {
			s.insert(int(n.pos), len(was), is)
		}
	}
	for _, k := range n.Kids {
		s.typed(k)
	}
}

// firstDigits puts zeros for the digits of a number behind those that are kept, and leaves them out behind the
// point. cut says that some of them was not a zero.
func firstDigits(number string) (is string, cut bool) {
	b, count, point := make([]byte, 0, len(number)), 0, false
	for i := range len(number) {
		c := number[i]
		switch {
		case c|0x20 == 'e':
			return string(append(b, number[i:]...)), cut
		case c == '.':
			point = true
			b = append(b, c)
			continue
		case count > 0 || c != '0':
			count++
		}
		switch {
		case count <= typedDigits:
			b = append(b, c)
			continue
		case !point:
			b = append(b, '0')
		}
		cut = cut || c != '0'
	}
	return string(b), cut
}
