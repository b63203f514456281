package regex

import (
	"errors"
	"strconv"
	"strings"
)

// Regexp is a compiled pattern. It does not change.
type Regexp struct {
	root      node
	groups    int
	names     map[string]int
	needs     []*single       // characters that every match has, a few of them
	first     func(rune) bool // whether a match may begin with a character; nil: with any, or with none
	firstCost int             // what it takes to ask, beyond 1
}

// Compile reads a pattern; with fold it does not tell small letters from capitals. The error says what
// cannot be read.
func Compile(pattern string, fold bool) (*Regexp, error) {
	p := parser{text: []rune(pattern), names: map[string]int{}, flags: flags{fold: fold}}
	root, err := p.pattern()
	if err != nil {
		return nil, err
	}
	re := &Regexp{root: root, groups: p.groups, names: p.names}
	re.first, re.firstCost = firstOf(root)
	re.needs = needsOf(root)
	return re, nil
}

// Groups is the number of groups whose text is kept.
func (re *Regexp) Groups() int { return re.groups }

// needsOf gives single characters without which there is no match: a text that lacks one need not be tried
// from every place.
func needsOf(n node) (list []*single) {
	c, ok := n.(*concat)
	if !ok {
		return nil
	}
	for _, n := range c.list {
		if s, ok := n.(*single); ok && len(list) < 4 {
			list = append(list, s)
		}
	}
	return list
}

// firstOf gives what the first character of a match has to be, and what it takes to ask; nil where a match
// may be empty or that is not easily said.
func firstOf(n node) (is func(rune) bool, cost int) {
	switch n := n.(type) {
	case *single:
		return n.is, n.cost
	case *capture:
		return firstOf(n.node)
	case *atomic:
		return firstOf(n.node)
	case *concat:
		if len(n.list) > 0 {
			return firstOf(n.list[0])
		}
	case *repeat:
		if n.min > 0 {
			return firstOf(n.node)
		}
	case *choice:
		var all []func(rune) bool
		for _, c := range n.list {
			f, more := firstOf(c)
			if f == nil {
				return nil, 0
			}
			all, cost = append(all, f), cost+1+more
		}
		return func(r rune) bool {
			for _, f := range all {
				if f(r) {
					return true
				}
			}
			return false
		}, cost
	}
	return nil, 0
}

// ErrReplacement is the error of a replacement that cannot be read.
var ErrReplacement = errors.New("the replacement cannot be read")

// Replacement is a text to replace matches with: texts, and groups of the match between them.
type Replacement struct{ parts []replacementPart }

type replacementPart struct {
	text  string
	group int // -1 for a text
}

// Replacement reads what replaces a match: $1, ${1}, $name and ${name} stand for groups, $0 for the match and
// $$ for a dollar. The error is ErrReplacement.
func (re *Regexp) Replacement(s string) (*Replacement, error) {
	r := &Replacement{}
	for s != "" {
		before, after, found := strings.Cut(s, "$")
		if before != "" {
			r.parts = append(r.parts, replacementPart{before, -1})
		}
		if !found {
			break
		}
		if strings.HasPrefix(after, "$") {
			r.parts = append(r.parts, replacementPart{"$", -1})
			s = after[1:]
			continue
		}
		var name string
		if inside, ok := strings.CutPrefix(after, "{"); ok {
			if name, s, ok = strings.Cut(inside, "}"); !ok {
				return nil, ErrReplacement
			}
		} else {
			n := 0
			for n < len(after) && isWordByte(after[n]) && (n == 0 || !digit(after[0]) || digit(after[n])) {
				n++
			}
			// Of more digits than there are groups the last ones are text.
			for n > 1 && digit(after[0]) && !re.hasGroup(after[:n]) {
				n--
			}
			name, s = after[:n], after[n:]
		}
		group, ok := re.group(name)
		if !ok {
			return nil, ErrReplacement
		}
		r.parts = append(r.parts, replacementPart{"", group})
	}
	return r, nil
}

func digit(c byte) bool      { return c >= '0' && c <= '9' }
func isWordByte(c byte) bool { return digit(c) || c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }

func (re *Regexp) hasGroup(name string) bool { _, ok := re.group(name); return ok }

func (re *Regexp) group(name string) (int, bool) {
	if name == "" {
		return 0, false
	}
	if digit(name[0]) {
		n, err := strconv.Atoi(name)
		return n, err == nil && n <= re.groups
	}
	n, ok := re.names[name]
	return n, ok
}

// Append appends what replaces the match of these spans in text, and ends once dst is longer than most
// bytes.
func (r *Replacement) Append(dst []byte, text []rune, spans []int, most int) []byte {
	for _, p := range r.parts {
		if len(dst) > most {
			break
		}
		if p.group < 0 {
			dst = append(dst, p.text...)
		} else if from := spans[2*p.group]; from >= 0 {
			dst = append(dst, string(text[from:spans[2*p.group+1]])...)
		}
	}
	return dst
}
