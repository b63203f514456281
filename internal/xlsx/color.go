package xlsx

import (
	"strings"

	"gridflow/internal/grid"
	"gridflow/internal/xlsx/xmltext"
)

// parseColor reads a colour element. An index into a palette of the workbook's own is
// replaced by what stands there.
func parseColor(r *xmltext.Reader, palette []string) *grid.Color {
	c := &grid.Color{Theme: -1, Indexed: -1, Tint: r.Float("tint", 0)}
	switch {
	case r.Attr("rgb") != nil:
		c.ARGB = strings.ToUpper(strings.TrimPrefix(r.Value("rgb"), "#"))
		if len(c.ARGB) == 6 {
			c.ARGB = "FF" + c.ARGB
		}
	case r.Attr("theme") != nil:
		c.Theme = r.Int("theme", -1)
	case r.Attr("indexed") != nil:
		c.Indexed = r.Int("indexed", -1)
		if c.Indexed >= 0 && c.Indexed < len(palette) {
			c.ARGB, c.Indexed = palette[c.Indexed], -1
		}
	default:
		c.Auto = r.Bool("auto", false)
	}
	return c
}
