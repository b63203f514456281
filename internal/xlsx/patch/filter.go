package patch

import (
	"slices"
	"strconv"

	"gridflow/internal/grid"
	"gridflow/internal/xlsx/emit"
)

// filter writes the autofilter. Criteria that the file has stay as they stand in it, and so does what else it says of a filter of
// the same range.
func (t *tail) filter(p *LayoutPatch) error {
	f := *p.Filter
	if f.None {
		t.put("autoFilter", nil)
		return nil
	}
	var old *element
	was := t.loaded.Layout.Filter()
	if list := t.find("autoFilter"); len(list) > 0 && !was.None {
		old = &list[0]
	}
	t.put("autoFilter", autoFilter(t.document, t.e.l.Prefix, old, was, f))
	return nil
}

// autoFilter gives the XML of a filter, from that of the file, if there is one: old in d, which says was.
func autoFilter(d *document, prefix string, old *element, was, f grid.Filter) []byte {
	tag := []byte("<" + prefix + "autoFilter>")
	have := map[int]element{} // the criteria of the file, and the columns whose buttons it hides, by column
	var rest []byte
	if old != nil {
		tag = openTag(*old, d.text)
		for _, c := range d.children(*old) {
			switch id, err := strconv.Atoi(string(attribute(c.tag(d.text), "colId"))); {
			case was.Range != f.Range:
			case c.local == "filterColumn" && err == nil:
				have[id] = c
			default:
				rest = append(rest, d.text[c.from:c.to]...) // how it was sorted
			}
		}
	}
	xml := withAttribute(tag, "ref", corners(f.Range))
	for col := range f.Range.Cols() {
		i := slices.IndexFunc(f.Columns, func(c grid.FilterColumn) bool { return c.Column == col })
		k := slices.IndexFunc(was.Columns, func(c grid.FilterColumn) bool { return c.Column == col })
		c, there := have[col]
		switch {
		case i < 0 && k < 0 && there: // it only hides a button
			xml = append(xml, d.text[c.from:c.to]...)
		case i < 0:
		case there && k >= 0 && sameColumn(&was.Columns[k], &f.Columns[i]):
			xml = append(xml, d.text[c.from:c.to]...)
		case f.Columns[i].Other != "": // only the file could say it
		default:
			xml = append(xml, filterColumn(prefix, &f.Columns[i])...)
		}
	}
	return slices.Concat(xml, rest, []byte("</"+prefix+"autoFilter>"))
}

func sameColumn(a, b *grid.FilterColumn) bool {
	return a.Column == b.Column && slices.Equal(a.Values, b.Values) && a.Blank == b.Blank && slices.Equal(a.Custom, b.Custom) && a.And == b.And &&
		a.Top == b.Top && a.Percent == b.Percent && a.Bottom == b.Bottom && a.Other == b.Other
}

// filterColumn writes one criterion (ECMA-376 part 1, CT_FilterColumn).
func filterColumn(prefix string, c *grid.FilterColumn) []byte {
	xml := []byte("<" + prefix + `filterColumn colId="` + strconv.Itoa(c.Column) + `">`)
	switch {
	case c.Top > 0:
		tag := []byte("<" + prefix + "top10/>")
		if c.Bottom {
			tag = withAttribute(tag, "top", "0")
		}
		tag = flagged(tag, "percent", c.Percent)
		xml = append(xml, withAttribute(tag, "val", string(emit.AppendNumber(nil, c.Top)))...)
	case len(c.Custom) > 0:
		xml = append(xml, flagged([]byte("<"+prefix+"customFilters>"), "and", c.And)...)
		for _, test := range c.Custom {
			tag := []byte("<" + prefix + "customFilter/>")
			if test.Operator != "equal" {
				tag = set(tag, "operator", test.Operator)
			}
			xml = append(xml, withAttribute(tag, "val", string(emit.AppendAttribute(nil, test.Value)))...)
		}
		xml = append(xml, "</"+prefix+"customFilters>"...)
	default:
		xml = append(xml, flagged([]byte("<"+prefix+"filters>"), "blank", c.Blank)...)
		for _, v := range c.Values {
			xml = append(xml, withAttribute([]byte("<"+prefix+"filter/>"), "val", string(emit.AppendAttribute(nil, v)))...)
		}
		xml = append(xml, "</"+prefix+"filters>"...)
	}
	return append(xml, "</"+prefix+"filterColumn>"...)
}
