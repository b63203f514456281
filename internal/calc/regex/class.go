package regex

import (
	"strconv"
	"strings"
	"unicode"
)

func isWord(r rune) bool       { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }
func isHorizontal(r rune) bool { return r == '\t' || unicode.Is(unicode.Zs, r) }
func isVertical(r rune) bool {
	return r >= '\n' && r <= '\r' || r == 0x85 || r == 0x2028 || r == 0x2029
}

func not(f func(rune) bool) func(rune) bool { return func(r rune) bool { return !f(r) } }

// kinds are the letters that stand for a kind of character, outside of brackets and inside.
var kinds = map[rune]func(rune) bool{
	'd': unicode.IsDigit, 'w': isWord, 's': unicode.IsSpace, 'h': isHorizontal, 'v': isVertical,
}

// posix are the names of kinds inside of brackets.
var posix = map[string]func(rune) bool{
	"alpha": unicode.IsLetter, "digit": func(r rune) bool { return r >= '0' && r <= '9' }, "upper": unicode.IsUpper, "lower": unicode.IsLower,
	"alnum": func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }, "space": unicode.IsSpace, "word": isWord,
	"blank": func(r rune) bool { return r == ' ' || r == '\t' }, "cntrl": unicode.IsControl, "ascii": func(r rune) bool { return r < 128 },
	"xdigit": func(r rune) bool {
		return r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'f' && r < 128
	},
	"punct": func(r rune) bool { return r > ' ' && r < 127 && !isWord(r) || r == '_' },
	"print": func(r rune) bool { return r >= ' ' && r < 127 }, "graph": func(r rune) bool { return r > ' ' && r < 127 },
}

// escape reads what stands behind a backslash, outside of brackets.
func (p *parser) escape() (node, error) {
	if !p.more() {
		return nil, p.fail("nothing stands behind a backslash")
	}
	r := p.text[p.at]
	switch {
	case r >= '1' && r <= '9':
		from := p.at
		for p.more() && p.text[p.at] >= '0' && p.text[p.at] <= '9' && p.at-from < 3 {
			p.at++
		}
		n, _ := strconv.Atoi(string(p.text[from:p.at]))
		return p.numbered(n), nil
	case kinds[unicode.ToLower(r)] != nil:
		p.at++
		is := kinds[unicode.ToLower(r)]
		if unicode.IsUpper(r) {
			is = not(is)
		}
		return &single{is: is}, nil
	}
	p.at++
	switch r {
	case 'b', 'B':
		edge := func(t []rune, i int) bool {
			return (i > 0 && isWord(t[i-1])) != (i < len(t) && isWord(t[i]))
		}
		if r == 'B' {
			return &assertion{func(t []rune, i int) bool { return !edge(t, i) }}, nil
		}
		return &assertion{edge}, nil
	case 'A':
		return &assertion{func(_ []rune, i int) bool { return i == 0 }}, nil
	case 'Z':
		return &assertion{atEnd}, nil
	case 'z':
		return &assertion{func(t []rune, i int) bool { return i == len(t) }}, nil
	case 'K':
		return &keepOut{}, nil
	case 'Q':
		p.quoted = true
		return nil, nil
	case 'E':
		return nil, nil
	case 'N':
		return &single{is: func(c rune) bool { return c != '\n' }}, nil
	case 'R':
		one := &single{is: isVertical}
		cr, lf := &single{is: func(c rune) bool { return c == '\r' }}, &single{is: func(c rune) bool { return c == '\n' }}
		return &atomic{&choice{[]node{&concat{[]node{cr, lf}}, one}}}, nil
	case 'k':
		for _, q := range []struct{ open, end string }{{"<", ">"}, {"{", "}"}, {"'", "'"}} {
			if p.take(q.open) {
				if name := p.name([]rune(q.end)[0]); name != "" {
					return p.reference(name), nil
				}
			}
		}
		return nil, p.fail("a reference has no name")
	case 'g':
		return p.relative()
	case 'p', 'P':
		is, err := p.property(r == 'P')
		if err != nil {
			return nil, err
		}
		return &single{is: is}, nil
	}
	p.at--
	c, err := p.character()
	if err != nil {
		return nil, err
	}
	return p.literal(c), nil
}

// relative reads \g1, \g{1}, \g{-1} and \g{name}.
func (p *parser) relative() (node, error) {
	from := p.at
	braces := p.take("{")
	if braces {
		from = p.at
	}
	p.take("-")
	for p.more() && p.text[p.at] >= '0' && p.text[p.at] <= '9' && p.at-from < 4 {
		p.at++
	}
	n, err := strconv.Atoi(string(p.text[from:p.at]))
	if braces && err != nil {
		p.at = from
		if name := p.name('}'); name != "" {
			return p.reference(name), nil
		}
	}
	if err != nil || braces && !p.take("}") {
		return nil, p.fail("a reference has no number")
	}
	if n < 0 {
		n += p.groups + 1
	}
	if n < 1 {
		return nil, p.fail("a reference leads to no group")
	}
	return p.numbered(n), nil
}

// property reads the kind of character behind \p.
func (p *parser) property(negate bool) (func(rune) bool, error) {
	name := ""
	if p.take("{") {
		from := p.at
		for p.more() && p.text[p.at] != '}' {
			p.at++
		}
		name = string(p.text[from:p.at])
		if !p.take("}") {
			return nil, p.fail("a brace is not closed")
		}
	} else if p.more() {
		name = string(p.text[p.at])
		p.at++
	}
	if rest, ok := strings.CutPrefix(name, "^"); ok {
		name, negate = rest, !negate
	}
	var is func(rune) bool
	switch table, ok := unicode.Categories[name]; {
	case ok:
		is = func(r rune) bool { return unicode.Is(table, r) }
	case unicode.Scripts[name] != nil:
		table := unicode.Scripts[name]
		is = func(r rune) bool { return unicode.Is(table, r) }
	case name == "Any":
		is = func(rune) bool { return true }
	case name == "L&":
		is = func(r rune) bool { return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt) }
	case name == "Xan":
		is = func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }
	case name == "Xwd":
		is = isWord
	case name == "Xsp" || name == "Xps":
		is = unicode.IsSpace
	default:
		return nil, p.fail("there is no property %q", name)
	}
	if negate {
		is = not(is)
	}
	return is, nil
}

// character reads a character behind a backslash.
func (p *parser) character() (rune, error) {
	r := p.text[p.at]
	p.at++
	switch r {
	case 'a':
		return '\a', nil
	case 'e':
		return 0x1b, nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case '0', '1', '2', '3', '4', '5', '6', '7':
		from := p.at - 1
		for p.more() && p.at-from < 3 && p.text[p.at] >= '0' && p.text[p.at] <= '7' {
			p.at++
		}
		n, _ := strconv.ParseInt(string(p.text[from:p.at]), 8, 32)
		return rune(n), nil
	case 'o', 'x':
		base, most := 8, 0
		if r == 'x' {
			base, most = 16, 2
		}
		from := p.at
		var end int
		if p.take("{") {
			from++
			for p.more() && p.text[p.at] != '}' {
				p.at++
			}
			end = p.at
			if !p.take("}") {
				return 0, p.fail("a brace is not closed")
			}
		} else {
			for p.more() && p.at-from < most && posix["xdigit"](p.text[p.at]) {
				p.at++
			}
			if end = p.at; end == from && r == 'x' {
				return 0, nil
			}
		}
		n, err := strconv.ParseInt(string(p.text[from:end]), base, 32)
		if err != nil || n < 0 || n > unicode.MaxRune {
			return 0, p.fail("there is no such character")
		}
		return rune(n), nil
	case 'c':
		if !p.more() || p.text[p.at] < ' ' || p.text[p.at] > '~' {
			return 0, p.fail("there is no such control character")
		}
		c := unicode.ToUpper(p.text[p.at]) ^ 0x40
		p.at++
		return c, nil
	}
	if r < 128 && isWord(r) && r != '_' {
		return 0, p.fail("\\%c is not known", r)
	}
	return r, nil
}

// class reads what stands in brackets.
func (p *parser) class() (node, error) {
	negate := p.take("^")
	var parts []func(rune) bool
	fold := p.flags.fold
	start := p.at
	for {
		if !p.more() {
			return nil, p.fail("a bracket is not closed")
		}
		if p.peek("]") && p.at > start {
			p.at++
			break
		}
		if p.peek("[:") {
			if is, ok, err := p.posixClass(); err != nil {
				return nil, err
			} else if ok {
				parts = append(parts, is)
				continue
			}
		}
		low, is, err := p.classItem()
		if err != nil {
			return nil, err
		}
		if is != nil {
			parts = append(parts, is)
			continue
		}
		if low < 0 {
			continue
		}
		high := low
		if p.peek("-") && p.at+1 < len(p.text) && p.text[p.at+1] != ']' {
			dash := p.at
			p.at++
			var kind func(rune) bool
			if high, kind, err = p.classItem(); err != nil {
				return nil, err
			}
			if kind != nil || high < 0 { // the hyphen is one
				p.at, high = dash, low
				parts = append(parts, func(r rune) bool { return r == '-' })
				p.at++
			} else if high < low {
				return nil, p.fail("a range ends before it begins")
			}
		}
		parts = append(parts, within(low, high, fold))
	}
	is := func(r rune) bool {
		for _, f := range parts {
			if f(r) {
				return true
			}
		}
		return false
	}
	if negate {
		is = not(is)
	}
	return &single{is: is, cost: len(parts) / 8}, nil
}

func within(low, high rune, fold bool) func(rune) bool {
	if !fold {
		return func(r rune) bool { return r >= low && r <= high }
	}
	return func(r rune) bool {
		if r >= low && r <= high {
			return true
		}
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			if f >= low && f <= high {
				return true
			}
		}
		return false
	}
}

// classItem reads one character in brackets, or a kind of them; -1 for neither.
func (p *parser) classItem() (rune, func(rune) bool, error) {
	r := p.text[p.at]
	p.at++
	if p.quoted {
		if r == '\\' && p.take("E") {
			p.quoted = false
			return -1, nil, nil
		}
		return r, nil, nil
	}
	if r != '\\' {
		return r, nil, nil
	}
	if !p.more() {
		return 0, nil, p.fail("nothing stands behind a backslash")
	}
	c := p.text[p.at]
	if is := kinds[unicode.ToLower(c)]; is != nil {
		p.at++
		if unicode.IsUpper(c) {
			is = not(is)
		}
		return 0, is, nil
	}
	switch c {
	case 'b':
		p.at++
		return '\b', nil, nil
	case 'p', 'P':
		p.at++
		is, err := p.property(c == 'P')
		return 0, is, err
	case 'Q':
		p.at++
		p.quoted = true
		return -1, nil, nil
	case 'E':
		p.at++
		return -1, nil, nil
	}
	ch, err := p.character()
	return ch, nil, err
}

// posixClass reads [:alpha:] and the like; ok is false where it is none.
func (p *parser) posixClass() (is func(rune) bool, ok bool, err error) {
	end := p.at + 2
	for end+1 < len(p.text) && !(p.text[end] == ':' && p.text[end+1] == ']') {
		if r := p.text[end]; r != '^' && (r < 'a' || r > 'z') {
			return nil, false, nil
		}
		end++
	}
	if end+1 >= len(p.text) {
		return nil, false, nil
	}
	name, negate := strings.CutPrefix(string(p.text[p.at+2:end]), "^")
	if p.flags.fold && (name == "upper" || name == "lower") {
		name = "alpha"
	}
	if is = posix[name]; is == nil {
		return nil, false, p.fail("there is no class %q", name)
	}
	p.at = end + 2
	if negate {
		is = not(is)
	}
	return is, true, nil
}
