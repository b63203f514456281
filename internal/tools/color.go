package tools

import (
	"fmt"
	"math"
	"strconv"

	"gridflow/internal/grid"
)

// colorText gives a colour as eight hex digits ARGB: that of the theme with its tint,
// of the default palette, or as stated. It is "" for none and for automatic ones.
func colorText(styles *grid.Styles, c *grid.Color) string {
	switch {
	case c == nil || c.Auto:
		return ""
	case c.ARGB != "":
		return c.ARGB
	case c.Theme >= 0 && c.Theme < len(themeOrder):
		rgb, err := strconv.ParseUint(styles.Theme.Colors[themeOrder[c.Theme]], 16, 32)
		if err != nil {
			return ""
		}
		return tinted(uint32(rgb), c.Tint)
	case c.Indexed >= 0 && c.Indexed < len(palette):
		return fmt.Sprintf("FF%06X", palette[c.Indexed])
	}
	return ""
}

// themeOrder maps the index that styles use to the order of the theme part: styles
// count light before dark (ECMA-376, 18.8.3 color).
var themeOrder = [12]int{1, 0, 3, 2, 4, 5, 6, 7, 8, 9, 10, 11}

// palette is the default of the indexed colours; 0…7 repeat as 8…15.
var palette = [64]uint32{
	0x000000, 0xFFFFFF, 0xFF0000, 0x00FF00, 0x0000FF, 0xFFFF00, 0xFF00FF, 0x00FFFF,
	0x000000, 0xFFFFFF, 0xFF0000, 0x00FF00, 0x0000FF, 0xFFFF00, 0xFF00FF, 0x00FFFF,
	0x800000, 0x008000, 0x000080, 0x808000, 0x800080, 0x008080, 0xC0C0C0, 0x808080,
	0x9999FF, 0x993366, 0xFFFFCC, 0xCCFFFF, 0x660066, 0xFF8080, 0x0066CC, 0xCCCCFF,
	0x000080, 0xFF00FF, 0xFFFF00, 0x00FFFF, 0x800080, 0x800000, 0x008080, 0x0000FF,
	0x00CCFF, 0xCCFFFF, 0xCCFFCC, 0xFFFF99, 0x99CCFF, 0xFF99CC, 0xCC99FF, 0xFFCC99,
	0x3366FF, 0x33CCCC, 0x99CC00, 0xFFCC00, 0xFF9900, 0xFF6600, 0x666699, 0x969696,
	0x003366, 0x339966, 0x003300, 0x333300, 0x993300, 0x993366, 0x333399, 0x333333,
}

// tinted lightens (tint > 0) or darkens a colour: its HLS luminance l becomes
// l·(1-tint)+tint or l·(1+tint) (ECMA-376, 18.8.19 tint).
func tinted(rgb uint32, tint float64) string {
	if tint == 0 {
		return fmt.Sprintf("FF%06X", rgb)
	}
	r, g, b := float64(rgb>>16&255)/255, float64(rgb>>8&255)/255, float64(rgb&255)/255
	high, low := max(r, g, b), min(r, g, b)
	l := (high + low) / 2
	var h, s float64
	if d := high - low; d > 0 {
		s = d / (1 - math.Abs(2*l-1))
		switch high {
		case r:
			h = math.Mod((g-b)/d+6, 6)
		case g:
			h = (b-r)/d + 2
		default:
			h = (r-g)/d + 4
		}
	}
	if tint > 0 {
		l = l*(1-tint) + tint
	} else {
		l *= 1 + tint
	}
	c := (1 - math.Abs(2*l-1)) * s
	x := c * (1 - math.Abs(math.Mod(h, 2)-1))
	var m [3]float64
	switch int(h) {
	case 0:
		m = [3]float64{c, x, 0}
	case 1:
		m = [3]float64{x, c, 0}
	case 2:
		m = [3]float64{0, c, x}
	case 3:
		m = [3]float64{0, x, c}
	case 4:
		m = [3]float64{x, 0, c}
	default:
		m = [3]float64{c, 0, x}
	}
	part := func(v float64) int { return int(math.Round(min(max(v+l-c/2, 0), 1) * 255)) }
	return fmt.Sprintf("FF%02X%02X%02X", part(m[0]), part(m[1]), part(m[2]))
}
