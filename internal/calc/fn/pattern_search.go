package fn

import (
	"strings"
	"unicode/utf8"
)

// hasWildcards reports whether s may say something else than itself as a pattern.
func hasWildcards(s string) bool { return strings.ContainsAny(s, "*?~") }

// Search gives the first place of s, as an offset not before from, where the pattern fits
// with whatever comes behind it.
//
// What stands between two stars is looked for from where the one before it ended, each
// at the first place where it fits: a later place could not help the rest. So the cost is at
// most the length of the text times that of the pattern.
func (p *Pattern) Search(s string, from int) (at int, ok bool) {
	at, begun := from, false
	for i := 0; i < len(p.items); {
		if p.items[i] == anyMany {
			begun = true
			i++
			continue
		}
		part := p.items[i:]
		for k, r := range part {
			if r == anyMany {
				part = part[:k]
				break
			}
		}
		i += len(part)
		start, end, ok := findPart(part, s, from)
		if !ok {
			return 0, false
		}
		if !begun {
			at, begun = start, true
		}
		from = end
	}
	return at, true
}

// findPart finds characters that have no star among them in s[from:].
func findPart(part []rune, s string, from int) (start, end int, ok bool) {
next:
	for start = from; start < len(s); {
		_, step := utf8.DecodeRuneInString(s[start:])
		end = start
		for _, want := range part {
			if end == len(s) {
				return 0, 0, false
			}
			r, n := rune(s[end]), 1
			if r >= utf8.RuneSelf {
				r, n = utf8.DecodeRuneInString(s[end:])
			}
			if want != anyOne && want != foldRune(r) {
				start += step
				continue next
			}
			end += n
		}
		return start, end, true
	}
	return 0, 0, false
}
