package fn

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pattern is a text with wildcards, as criteria and lookups take it: ? is any one
// character, * any number of them, ~ takes the meaning from the one that follows it, and is
// nothing itself even before an ordinary one: in Excel SEARCH("~d","My dear") is 4. It
// compares without regard to case and may be used from any number of goroutines.
type Pattern struct {
	items []rune // folded; anyOne and anyMany stand for the wildcards
}

const (
	anyOne  = -1
	anyMany = -2
)

// ParsePattern reads a pattern. literal says that it has no wildcard: it then matches
// plain, the text without the tildes, only.
func ParsePattern(s string) (p *Pattern, plain string, literal bool) {
	p, literal = &Pattern{items: make([]rune, 0, len(s))}, true
	var text strings.Builder
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			escaped = false
		case r == '~':
			escaped = true
			continue
		case r == '?':
			r, literal = anyOne, false
		case r == '*':
			literal = false
			if n := len(p.items); n > 0 && p.items[n-1] == anyMany {
				continue
			}
			r = anyMany
		}
		if r >= 0 {
			text.WriteRune(r)
			r = foldRune(r)
		}
		p.items = append(p.items, r)
	}
	return p, text.String(), literal
}

// Match reports whether the whole of s is as the pattern says.
func (p *Pattern) Match(s string) bool {
	// Where a * was seen last, one character more is given to it whenever what follows
	// does not fit: earlier ones need no second look, as the last one can take all they could.
	at, star, starAt := 0, -1, 0
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		switch {
		case at < len(p.items) && p.items[at] == anyMany:
			star, starAt = at, i
			at++
		case at < len(p.items) && (p.items[at] == anyOne || p.items[at] == foldRune(r)):
			at++
			i += n
		case star >= 0:
			_, n = utf8.DecodeRuneInString(s[starAt:])
			starAt += n
			i, at = starAt, star+1
		default:
			return false
		}
	}
	for at < len(p.items) && p.items[at] == anyMany {
		at++
	}
	return at == len(p.items)
}

// foldRune is FoldText of one character.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	return unicode.ToLower(unicode.ToUpper(r))
}
