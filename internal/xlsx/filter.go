package xlsx

import (
	"unsafe"

	"gridflow/internal/grid"
	"gridflow/internal/xlsx/xmltext"
)

// filters reads the criteria of the autofilter at which the reader stands. A column that has none may be told of to hide its
// button, and is left out.
func (p *layoutReader) filters() (list []grid.FilterColumn) {
	r := p.r
	for d := r.Depth(); r.Child(d); {
		if string(r.Local()) != "filterColumn" {
			continue
		}
		c, some := grid.FilterColumn{Column: max(0, r.Int("colId", 0))}, false
		for d := r.Depth(); r.Child(d); {
			switch kind := string(r.Local()); kind {
			case "filters":
				some, c.Blank = true, r.Bool("blank", false)
				for d := r.Depth(); r.Child(d); {
					switch string(r.Local()) {
					case "filter":
						if v := xmltext.Unescape(r.Value("val")); p.room(1, unsafe.Sizeof(v)) {
							c.Values = append(c.Values, v)
						}
					case "dateGroupItem":
						c.Other = "dateGroupItem"
					}
				}
			case "customFilters":
				some, c.And = true, r.Bool("and", false)
				for d := r.Depth(); r.Child(d); {
					if test := (grid.FilterTest{Operator: r.Value("operator"), Value: xmltext.Unescape(r.Value("val"))}); p.room(1, unsafe.Sizeof(test)) {
						c.Custom = append(c.Custom, test)
					}
				}
			case "top10":
				some, c.Top, c.Percent, c.Bottom = true, r.Float("val", 10), r.Bool("percent", false), !r.Bool("top", true)
			case "dynamicFilter", "colorFilter", "iconFilter":
				some, c.Other = true, kind
			}
		}
		if some && p.room(1, unsafe.Sizeof(c)) {
			list = append(list, c)
		}
	}
	return list
}
