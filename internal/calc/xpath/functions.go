package xpath

import (
	"math"
	"strings"
	"unicode/utf8"
)

// function is one of the core library.
type function struct {
	min, max int
	do       func(c *context, a []any) any
}

const many = 1 << 20

// functions are the core function library (section 4 of the recommendation).
var functions = map[string]function{
	"last":     {0, 0, func(c *context, _ []any) any { return float64(c.size) }},
	"position": {0, 0, func(c *context, _ []any) any { return float64(c.pos) }},
	"count":    {1, 1, func(_ *context, a []any) any { return float64(len(nodes(a[0]))) }},
	"name":     {0, 1, func(c *context, a []any) any { return c.nameOf(a) }},
	"local-name": {0, 1, func(c *context, a []any) any {
		s := c.nameOf(a)
		return s[strings.IndexByte(s, ':')+1:]
	}},
	"namespace-uri": {0, 1, func(*context, []any) any { return "" }},

	"string": {0, 1, func(c *context, a []any) any { return c.own(a) }},
	"concat": {2, many, func(c *context, a []any) any {
		var b strings.Builder
		for _, v := range a {
			s := c.text(v)
			c.search.spend(len(s) / 16)
			b.WriteString(s)
		}
		return b.String()
	}},
	"starts-with": {2, 2, func(c *context, a []any) any { return strings.HasPrefix(c.text(a[0]), c.text(a[1])) }},
	"contains":    {2, 2, func(c *context, a []any) any { return strings.Contains(c.text(a[0]), c.text(a[1])) }},
	"substring-before": {2, 2, func(c *context, a []any) any {
		before, _, found := strings.Cut(c.text(a[0]), c.text(a[1]))
		if !found {
			return ""
		}
		return before
	}},
	"substring-after": {2, 2, func(c *context, a []any) any {
		_, after, _ := strings.Cut(c.text(a[0]), c.text(a[1]))
		return after
	}},
	"substring": {2, 3, func(c *context, a []any) any {
		s, from := c.text(a[0]), round(c.number(a[1]))
		to := math.Inf(1)
		if len(a) > 2 {
			to = from + round(c.number(a[2]))
		}
		var b strings.Builder
		at := 0.0
		for _, r := range s {
			if at++; at >= from && at < to {
				b.WriteRune(r)
			}
		}
		return b.String()
	}},
	"string-length":   {0, 1, func(c *context, a []any) any { return float64(utf8.RuneCountInString(c.own(a))) }},
	"normalize-space": {0, 1, func(c *context, a []any) any { return strings.Join(strings.Fields(c.own(a)), " ") }},
	"translate": {3, 3, func(c *context, a []any) any {
		from, to := []rune(c.text(a[1])), []rune(c.text(a[2]))
		becomes := map[rune]rune{}
		for i, r := range from {
			if _, seen := becomes[r]; seen {
				continue
			}
			if becomes[r] = -1; i < len(to) {
				becomes[r] = to[i]
			}
		}
		return strings.Map(func(r rune) rune {
			if x, ok := becomes[r]; ok {
				return x
			}
			return r
		}, c.text(a[0]))
	}},

	"boolean": {1, 1, func(_ *context, a []any) any { return toBool(a[0]) }},
	"not":     {1, 1, func(_ *context, a []any) any { return !toBool(a[0]) }},
	"true":    {0, 0, func(*context, []any) any { return true }},
	"false":   {0, 0, func(*context, []any) any { return false }},

	"number": {0, 1, func(c *context, a []any) any {
		if len(a) == 0 {
			return c.number(c.own(a))
		}
		return c.number(a[0])
	}},
	"sum": {1, 1, func(c *context, a []any) any {
		total := 0.0
		for _, n := range nodes(a[0]) {
			total += toNumber(c.search.content(n))
		}
		return total
	}},
	"floor":   {1, 1, func(c *context, a []any) any { return math.Floor(c.number(a[0])) }},
	"ceiling": {1, 1, func(c *context, a []any) any { return math.Ceil(c.number(a[0])) }},
	"round":   {1, 1, func(c *context, a []any) any { return round(c.number(a[0])) }},
}

// round goes up from the middle.
func round(f float64) float64 { return math.Floor(f + 0.5) }

// own gives the text of the one argument, or that of the node itself.
func (c *context) own(a []any) string {
	if len(a) == 0 {
		return c.search.content(c.node)
	}
	return c.text(a[0])
}

func (c *context) nameOf(a []any) string {
	n := c.node
	if len(a) > 0 {
		set := nodes(a[0])
		if len(set) == 0 {
			return ""
		}
		n = set[0]
	}
	return n.name
}
