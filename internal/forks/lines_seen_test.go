package forks

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"gridflow/internal/cell"
)

// place writes what stands behind the name of the sheet.
func (b *lineBook) place(r *lineRef) string {
	switch {
	case r.lost != "":
		return r.lost
	case r.gone:
		return "#REF!"
	}
	at := b.page(r.page).places(r.box)
	corner := func(x [2]int) string {
		var s strings.Builder
		for _, i := range [...]int{1, 0} {
			if r.whole[i] {
				continue
			}
			if r.absolute[i] {
				s.WriteByte('$')
			}
			if i == 1 {
				s.WriteString(cell.ColumnName(x[1]))
			} else {
				fmt.Fprint(&s, x[0]+1)
			}
		}
		return s.String()
	}
	if r.one {
		return corner(at.first)
	}
	return corner(at.first) + ":" + corner(at.last)
}

// write gives a reference as it is written.
func (b *lineBook) write(r *lineRef) string {
	prefix := ""
	if r.lost != "" {
		prefix = "#REF!"
	} else if r.named {
		if prefix = b.page(r.page).name + "!"; strings.ContainsAny(prefix, " '") {
			prefix = "'" + strings.ReplaceAll(strings.TrimSuffix(prefix, "!"), "'", "''") + "'!"
		}
	}
	return prefix + b.place(r)
}

func (b *lineBook) formula(f []lineToken) string {
	s := ""
	for _, token := range f {
		if s += token.text; token.ref != nil {
			s += b.write(token.ref)
		}
	}
	return s
}

// seen is what can be seen of a workbook: texts, by what they are of.
type seen map[string]string

// seenParts are ranges, by what they are of and the formulas that go with them: a rule may be in parts that say the same.
type seenParts map[string]map[string][]string

func (p seenParts) add(key, formulas string, ranges ...string) {
	if p[key] == nil {
		p[key] = map[string][]string{}
	}
	p[key][formulas] = append(p[key][formulas], ranges...)
}

func (p seenParts) into(s seen) {
	for key, parts := range p {
		for _, formulas := range slices.Sorted(maps.Keys(parts)) {
			list := parts[formulas]
			slices.Sort(list)
			s[key] += strings.Join(list, " ") + formulas
		}
	}
}

// ranges writes rectangles, in an order that does not matter.
func (p *linePage) ranges(boxes []lineBox) string {
	var list []string
	for _, x := range boxes {
		x = p.places(x)
		list = append(list, cell.Range{First: cell.Ref{Row: x.first[0], Col: x.first[1]}, Last: cell.Ref{Row: x.last[0], Col: x.last[1]}}.String())
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// seen gives what can be seen. Formulas that have gone around the end of a sheet are left out.
func (b *lineBook) seen() (seen, map[string]bool) {
	s, unsure, parts := seen{"sheets": ""}, map[string]bool{}, seenParts{}
	for _, p := range b.pages {
		s["sheets"] += p.name + "|"
		for i, ids := range p.breaks {
			var at []int
			for _, id := range ids {
				at = append(at, p.axes[i].place(id))
			}
			slices.Sort(at)
			s[fmt.Sprint("breaks ", p.name, " ", i)] = writeBreaks(at)
		}
	}
	values := b.values()
	for _, t := range b.things {
		key, ranges, formulas := t.kind.name+" "+t.key, "", ""
		if p := b.page(t.page); p != nil {
			key = t.kind.name + " " + p.name + " " + t.key
			ranges = p.ranges(t.boxes)
			switch t.kind {
			case aMerge:
				key = t.kind.name + " " + p.name + " " + ranges
			case aCell:
				value := "value " + p.name + " " + ranges
				s[value], unsure[value] = values[t], values[t] == circle
				key, ranges = t.kind.name+" "+p.name+" "+ranges, t.value
			}
		}
		n := t.clone()
		if t.relative() && len(t.boxes) > 0 {
			n.rehome(b, t.corner(b.page(t.page)))
		}
		for _, f := range n.formulas {
			formulas += " =" + b.formula(f)
		}
		if t.anchor != nil {
			at := b.page(t.page).places(t.anchor.box)
			formulas += writeAnchor(cell.Ref{Row: at.first[0], Col: at.first[1]}, cell.Ref{Row: at.last[0], Col: at.last[1]}, t.anchor.how)
		}
		for _, c := range t.criteria {
			axis := b.page(t.page).axes[1]
			formulas += writeCriterion(axis.place(c.column)-axis.place(t.boxes[0].first[1]), c.text)
		}
		parts.add(key, formulas, strings.Fields(ranges)...)
		unsure[key] = unsure[key] || n.wrapped
	}
	parts.into(s)
	return s, unsure
}

func writeBreaks(list []int) string { return strings.Trim(fmt.Sprint(list), "[]") }

func writeAnchor(from, to cell.Ref, how string) string {
	return fmt.Sprint(" ", from, "-", to, " ", how)
}

func writeCriterion(column int, text string) string { return fmt.Sprintf(" %d:%s", column, text) }

const circle = "circular"

// values calculates the cells: sums of what they refer to.
func (b *lineBook) values() map[*lineThing]string {
	cells := map[int]map[[2]int]*lineThing{}
	for _, t := range b.things {
		if t.kind != aCell {
			continue
		}
		if cells[t.page] == nil {
			cells[t.page] = map[[2]int]*lineThing{}
		}
		cells[t.page][b.page(t.page).cell(t.heir)] = t
	}
	values := map[*lineThing]string{}
	var of func(t *lineThing) string
	of = func(t *lineThing) string {
		if v, ok := values[t]; ok {
			return v
		}
		if len(t.formulas) == 0 {
			values[t] = t.value
			return t.value
		}
		values[t] = circle
		sum, wrong := 0, ""
		for _, token := range t.formulas[0] {
			r := token.ref
			if r == nil {
				continue
			}
			p := b.page(r.page)
			if r.gone || p == nil {
				wrong = cmp.Or(wrong, "#REF!")
				continue
			}
			at := p.places(r.box)
			for i := range r.whole {
				if r.whole[i] {
					at.first[i], at.last[i] = 0, p.axes[i].size-1
				}
			}
			for x, c := range cells[r.page] {
				if !at.holds(lineBox{x, x}) {
					continue
				}
				v, n := of(c), 0
				if _, err := fmt.Sscan(v, &n); err != nil && wrong != circle {
					wrong = v
				}
				sum += n
			}
		}
		values[t] = fmt.Sprint(sum)
		if wrong != "" {
			values[t] = wrong
		}
		return values[t]
	}
	for _, t := range b.things {
		if t.kind == aCell {
			of(t)
		}
	}
	return values
}

// lostPlace is a reference to a sheet that is gone. Where on it that was means nothing any more.
var lostPlace = regexp.MustCompile(`#REF![$A-Z0-9:]+`)

// diff tells where two differ, but for what is unsure.
func (s seen) diff(want seen, unsure map[string]bool) string {
	keys := map[string]bool{}
	for k := range s {
		keys[k] = true
	}
	for k := range want {
		keys[k] = true
	}
	out := ""
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if lostPlace.ReplaceAllString(s[k], "#REF!") != lostPlace.ReplaceAllString(want[k], "#REF!") && !unsure[k] {
			out += fmt.Sprintf("%s: %q, want %q\n", k, s[k], want[k])
		}
	}
	return out
}
