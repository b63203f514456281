package fn

import (
	"slices"
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

// Match reports whether the whole of s is as the pattern says. What stands before the first
// star has to be at the front, what stands behind the last one at the end, and the rest
// somewhere between, in order, each part at the first place where it fits: a later one could not
// help those behind it.
func (p *Pattern) Match(s string) bool {
	star := slices.Index(p.items, anyMany)
	if star < 0 {
		n, ok := fits(p.items, s)
		return ok && n == len(s)
	}
	n, ok := fits(p.items[:star], s)
	if !ok {
		return false
	}
	s = s[n:]
	items := p.items[star+1:]
	last := len(items)
	for last > 0 && items[last-1] != anyMany {
		last--
	}
	end := len(s)
	for range items[last:] {
		if end == 0 {
			return false
		}
		if end--; s[end] >= utf8.RuneSelf {
			_, n := utf8.DecodeLastRuneInString(s[:end+1])
			end -= n - 1
		}
	}
	if n, ok := fits(items[last:], s[end:]); !ok || n != len(s)-end {
		return false
	}
	s, items = s[:end], items[:last]
	for from := 0; len(items) > 0; {
		next := slices.Index(items, anyMany)
		if _, from, ok = findPart(items[:next], s, from); !ok {
			return false
		}
		items = items[next+1:]
	}
	return true
}

// fits gives the length of the beginning of s that is as items without a star say.
func fits(items []rune, s string) (n int, ok bool) {
	for _, want := range items {
		if n == len(s) {
			return 0, false
		}
		r, size := rune(s[n]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[n:])
		}
		if want != r && want != anyOne && want != foldRune(r) {
			return 0, false
		}
		n += size
	}
	return n, true
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
