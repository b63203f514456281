package regex

import (
	"fmt"
	"strconv"
	"unicode"
)

// flags are the options that a pattern changes as it goes: (?i), (?s), (?m), (?x).
type flags struct{ fold, dotAll, lines, free bool }

type parser struct {
	text   []rune
	at     int
	flags  flags
	groups int
	names  map[string]int
	depth  int
	refs   []int  // groups that are referred to, to be checked at the end
	quoted bool   // between \Q and \E
	later  []late // names that are referred to before they are known
}

type late struct {
	ref  *backref
	name string
}

// The bounds of PCRE2 for what is nested, and for a number of times.
const (
	maxDepth  = 250
	maxRepeat = 65535
)

func (p *parser) fail(format string, args ...any) error {
	return fmt.Errorf("%s at character %d of the pattern", fmt.Sprintf(format, args...), p.at+1)
}

func (p *parser) pattern() (node, error) {
	n, err := p.choice()
	if err != nil {
		return nil, err
	}
	if p.at < len(p.text) {
		return nil, p.fail("a parenthesis closes nothing")
	}
	for _, l := range p.later {
		n, ok := p.names[l.name]
		if !ok {
			return nil, p.fail("there is no group %q", l.name)
		}
		l.ref.n = n
	}
	for _, n := range p.refs {
		if n > p.groups {
			return nil, p.fail("there is no group %d", n)
		}
	}
	return n, nil
}

// peek reports whether s comes next.
func (p *parser) peek(s string) bool {
	r := []rune(s)
	return len(p.text)-p.at >= len(r) && string(p.text[p.at:p.at+len(r)]) == s
}

// take is peek, and goes past it.
func (p *parser) take(s string) bool {
	if !p.peek(s) {
		return false
	}
	p.at += len([]rune(s))
	return true
}

func (p *parser) more() bool { return p.at < len(p.text) }

// choice reads alternatives up to the end of the group. Options that are set hold to its end.
func (p *parser) choice() (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("groups are nested more than %d deep", maxDepth)
	}
	was := p.flags
	defer func() { p.depth--; p.flags = was }()
	var list []node
	for {
		n, err := p.sequence()
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		if !p.take("|") {
			break
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return &choice{list}, nil
}

func (p *parser) sequence() (node, error) {
	var list []node
	for p.more() {
		if p.quoted {
			if p.take(`\E`) {
				p.quoted = false
				continue
			}
			r := p.text[p.at]
			p.at++
			if p.take(`\E`) {
				p.quoted = false // what stands behind is of the last character
			}
			n, err := p.quantified(p.literal(r))
			if err != nil {
				return nil, err
			}
			list = append(list, n)
			continue
		}
		if p.flags.free && p.skipFree() {
			continue
		}
		if p.peek("|") || p.peek(")") {
			break
		}
		n, err := p.atom()
		if err != nil {
			return nil, err
		}
		if n == nil {
			continue
		}
		if n, err = p.quantified(n); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return &concat{list}, nil
}

// skipFree passes over blanks and remarks of a pattern with (?x).
func (p *parser) skipFree() bool {
	r := p.text[p.at]
	switch {
	case unicode.IsSpace(r):
		p.at++
	case r == '#':
		for p.more() && p.text[p.at] != '\n' {
			p.at++
		}
	default:
		return false
	}
	return true
}

func (p *parser) literal(r rune) node {
	if p.flags.fold && unicode.SimpleFold(r) != r {
		f := folded(r)
		return &single{is: func(c rune) bool { return c == r || folded(c) == f }}
	}
	return &single{is: func(c rune) bool { return c == r }}
}

// atom reads one part of a sequence, nil for one that is nothing by itself.
func (p *parser) atom() (node, error) {
	r := p.text[p.at]
	p.at++
	switch r {
	case '.':
		if p.flags.dotAll {
			return &single{is: func(rune) bool { return true }}, nil
		}
		return &single{is: func(c rune) bool { return c != '\n' }}, nil
	case '^':
		if p.flags.lines {
			return &assertion{func(t []rune, i int) bool { return i == 0 || t[i-1] == '\n' }}, nil
		}
		return &assertion{func(_ []rune, i int) bool { return i == 0 }}, nil
	case '$':
		if p.flags.lines {
			return &assertion{func(t []rune, i int) bool { return i == len(t) || t[i] == '\n' }}, nil
		}
		return &assertion{atEnd}, nil
	case '[':
		return p.class()
	case '(':
		return p.group()
	case '\\':
		return p.escape()
	case '*', '+', '?':
		p.at--
		return nil, p.fail("a quantifier has nothing to repeat")
	}
	return p.literal(r), nil
}

// atEnd: the end, or before a line break that is the last character.
func atEnd(t []rune, i int) bool { return i == len(t) || i == len(t)-1 && t[i] == '\n' }

// quantified reads what says how often n is to match.
func (p *parser) quantified(n node) (node, error) {
	for p.more() && !p.quoted {
		if p.flags.free && p.skipFree() {
			continue
		}
		least, most := 0, -1
		switch r := p.text[p.at]; {
		case r == '*':
		case r == '+':
			least = 1
		case r == '?':
			most = 1
		case r == '{':
			var ok bool
			var err error
			if least, most, ok, err = p.times(); err != nil {
				return nil, err
			}
			if !ok {
				return n, nil // a brace that is one
			}
			p.at--
		default:
			return n, nil
		}
		p.at++
		rep := &repeat{node: n, min: least, max: most}
		switch {
		case p.take("?"):
			rep.lazy = true
		case p.take("+"):
			rep.possessive = true
		}
		switch n.(type) {
		case *assertion, *keepOut:
			if least > 0 {
				rep.max = 1
			}
			rep.min = min(least, 1)
		}
		n = rep
		if p.more() && (p.text[p.at] == '*' || p.text[p.at] == '+' || p.text[p.at] == '?') {
			return nil, p.fail("a quantifier has nothing to repeat")
		}
	}
	return n, nil
}

// times reads {2}, {2,}, {2,3} and {,3}; ok is false where the brace begins none of them.
func (p *parser) times() (least, most int, ok bool, err error) {
	end := p.at + 1
	comma := -1
	for ; end < len(p.text) && p.text[end] != '}'; end++ {
		switch r := p.text[end]; {
		case r == ',' && comma < 0:
			comma = end
		case r < '0' || r > '9':
			return 0, 0, false, nil
		}
	}
	if end >= len(p.text) || end == p.at+1 || comma == end-1 && comma == p.at+1 {
		return 0, 0, false, nil
	}
	number := func(from, to, def int) int {
		if from == to {
			return def
		}
		n, e := strconv.Atoi(string(p.text[from:to]))
		if e != nil || n > maxRepeat {
			err = p.fail("a number of times is larger than %d", maxRepeat)
		}
		return n
	}
	if comma < 0 {
		least = number(p.at+1, end, 0)
		most = least
	} else {
		least, most = number(p.at+1, comma, 0), number(comma+1, end, -1)
	}
	if err == nil && most >= 0 && most < least {
		err = p.fail("a number of times is smaller than the one before it")
	}
	p.at = end + 1
	return least, most, true, err
}

// group reads what stands behind a parenthesis.
func (p *parser) group() (node, error) {
	number, name := 0, ""
	var wrap func(node) node
	switch {
	case p.peek("?") || p.peek("*"):
		p.at++
		switch {
		case p.take("#"):
			for p.more() && p.text[p.at] != ')' {
				p.at++
			}
			if !p.take(")") {
				return nil, p.fail("a remark is not closed")
			}
			return nil, nil
		case p.take(":"):
			wrap = func(n node) node { return n }
		case p.take(">"):
			wrap = func(n node) node { return &atomic{n} }
		case p.take("="):
			wrap = func(n node) node { return &look{node: n} }
		case p.take("!"):
			wrap = func(n node) node { return &look{node: n, negate: true} }
		case p.take("<="):
			wrap = func(n node) node { return &look{node: n, behind: true} }
		case p.take("<!"):
			wrap = func(n node) node { return &look{node: n, behind: true, negate: true} }
		case p.take("P<"), p.take("<"):
			name = p.name('>')
		case p.take("'"):
			name = p.name('\'')
		case p.take("P="):
			name := p.name(')')
			if name == "" {
				return nil, p.fail("a group has no name")
			}
			return p.reference(name), nil
		default:
			return p.options()
		}
		if wrap == nil {
			if name == "" || p.names[name] != 0 {
				return nil, p.fail("a group has no name, or one that another has")
			}
			p.groups++
			number = p.groups
			p.names[name] = number
		}
	default:
		p.groups++
		number = p.groups
	}
	n, err := p.choice()
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, p.fail("a parenthesis is not closed")
	}
	if wrap != nil {
		return wrap(n), nil
	}
	return &capture{number, n}, nil
}

// name reads a name up to the character that ends it, "" where it is none.
func (p *parser) name(end rune) string {
	from := p.at
	for p.more() && p.text[p.at] != end {
		if !isWord(p.text[p.at]) || p.at-from >= 128 {
			return ""
		}
		p.at++
	}
	name := string(p.text[from:p.at])
	if !p.more() || name == "" || name[0] >= '0' && name[0] <= '9' {
		return ""
	}
	p.at++
	return name
}

// options reads (?i-s) and (?i-s:...).
func (p *parser) options() (node, error) {
	f, on := p.flags, true
	if p.take("^") {
		f = flags{}
	}
	for p.more() {
		r := p.text[p.at]
		p.at++
		switch r {
		case 'i':
			f.fold = on
		case 's':
			f.dotAll = on
		case 'm':
			f.lines = on
		case 'x':
			f.free = on
		case 'n', 'J', 'U':
			return nil, p.fail("the option %q is not known", r)
		case '-':
			if !on {
				return nil, p.fail("options are taken back twice")
			}
			on = false
		case ')':
			p.flags = f // to the end of the group that it stands in
			return nil, nil
		case ':':
			was := p.flags
			p.flags = f
			n, err := p.choice()
			p.flags = was
			if err == nil && !p.take(")") {
				err = p.fail("a parenthesis is not closed")
			}
			return n, err
		default:
			return nil, p.fail("what begins with (? is not known")
		}
	}
	return nil, p.fail("a parenthesis is not closed")
}

// reference gives a back reference to a group by its name.
func (p *parser) reference(name string) node {
	ref := &backref{fold: p.flags.fold}
	p.later = append(p.later, late{ref, name})
	return ref
}

// numbered gives a back reference to a group by its number.
func (p *parser) numbered(n int) node {
	p.refs = append(p.refs, n)
	return &backref{n: n, fold: p.flags.fold}
}
