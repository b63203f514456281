package xf

import (
	"fmt"
	"strconv"
	"strings"

	"gridflow/internal/grid"
)

// Color gives a colour as a text, in the form of the leaves that are colours.
func Color(c *grid.Color) string { return colorText(c) }

// CheckColor gives a colour in the form of [Color], or says what is allowed.
func CheckColor(v string) (string, error) {
	if v == "" {
		return "", fmt.Errorf("a colour is empty")
	}
	return checkColor(v)
}

// A colour as a text: "FF4472C4" (alpha, red, green, blue), "theme:4", "indexed:10" or "auto", each with
// ":tint" behind it where it has one, as in "theme:4:0.4"; "" where none is given.
func colorText(c *grid.Color) string {
	if c == nil {
		return ""
	}
	var s string
	switch {
	case c.ARGB != "":
		s = c.ARGB
	case c.Theme >= 0:
		s = "theme:" + strconv.Itoa(c.Theme)
	case c.Indexed >= 0:
		s = "indexed:" + strconv.Itoa(c.Indexed)
	default:
		s = "auto"
	}
	if c.Tint != 0 {
		s += ":" + strconv.FormatFloat(c.Tint, 'g', -1, 64)
	}
	return s
}

// parseColor reads what colorText gives, and the short forms #RGB, #RRGGBB, RRGGBB and AARRGGBB.
func parseColor(v string) (*grid.Color, error) {
	c := &grid.Color{Theme: -1, Indexed: -1}
	head, rest, _ := strings.Cut(v, ":")
	bad := func() (*grid.Color, error) {
		return nil, fmt.Errorf("%q is no colour: write #RRGGBB, AARRGGBB, or theme:4:0.4 for a colour of the theme with a tint", clip(v))
	}
	tint := rest
	var err error
	switch strings.ToLower(head) {
	case "auto":
		c.Auto = true
	case "theme", "indexed":
		var n string
		n, tint, _ = strings.Cut(rest, ":")
		i, err := strconv.Atoi(n)
		switch {
		case err != nil || i < 0:
			return bad()
		case strings.EqualFold(head, "theme") && i < 12:
			c.Theme = i
		case strings.EqualFold(head, "indexed") && i < 66:
			c.Indexed = i
		default:
			return bad()
		}
	default:
		hex := strings.ToUpper(strings.TrimPrefix(head, "#"))
		if len(hex) == 3 {
			hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
		}
		if len(hex) == 6 {
			hex = "FF" + hex
		}
		if _, err := strconv.ParseUint(hex, 16, 32); err != nil || len(hex) != 8 {
			return bad()
		}
		c.ARGB = hex
	}
	if tint != "" {
		if c.Tint, err = strconv.ParseFloat(tint, 64); err != nil || !(c.Tint >= -1 && c.Tint <= 1) {
			return bad()
		}
	}
	return c, nil
}

func checkColor(v string) (string, error) {
	if v == "" {
		return "", nil
	}
	c, err := parseColor(v)
	return colorText(c), err
}

func colorOf(v string) *grid.Color {
	if v == "" {
		return nil
	}
	c, _ := parseColor(v) // what is kept was checked
	return c
}

// A gradient as a text: "type degree left right top bottom" and then " position=colour" for each
// stop; "" for a pattern.
func gradientText(f grid.Fill) string {
	if f.GradientType == "" {
		return ""
	}
	num := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	list := []string{f.GradientType, num(f.GradientDegree), num(f.GradientLeft), num(f.GradientRight), num(f.GradientTop), num(f.GradientBottom)}
	for i := range f.GradientStops {
		list = append(list, num(f.GradientStops[i].Position)+"="+colorText(&f.GradientStops[i].Color))
	}
	return strings.Join(list, " ")
}

func parseGradient(v string) (f grid.Fill, err error) {
	words := strings.Fields(v)
	if len(words) < 8 || words[0] != "linear" && words[0] != "path" {
		return f, fmt.Errorf("%q is no gradient: it needs a type, linear or path, and two stops", clip(v))
	}
	f.GradientType = words[0]
	for i, to := range []*float64{&f.GradientDegree, &f.GradientLeft, &f.GradientRight, &f.GradientTop, &f.GradientBottom} {
		if *to, err = strconv.ParseFloat(words[1+i], 64); err != nil || !(*to >= -360 && *to <= 360) {
			return f, fmt.Errorf("%q is no number of a gradient", clip(words[1+i]))
		}
	}
	for _, w := range words[6:] {
		pos, color, _ := strings.Cut(w, "=")
		at, err := strconv.ParseFloat(pos, 64)
		if err != nil || !(at >= 0 && at <= 1) {
			return f, fmt.Errorf("%q is no position from 0 to 1 of a gradient's stop", clip(pos))
		}
		c, err := parseColor(color)
		if err != nil {
			return f, err
		}
		f.GradientStops = append(f.GradientStops, grid.GradientStop{Position: at, Color: *c})
	}
	return f, nil
}

func checkGradient(v string) (string, error) {
	if v == "" {
		return "", nil
	}
	f, err := parseGradient(v)
	return gradientText(f), err
}

func setGradient(f *grid.Fill, v string) {
	g := grid.Fill{}
	if v != "" {
		g, _ = parseGradient(v)
	}
	f.GradientType, f.GradientDegree, f.GradientStops = g.GradientType, g.GradientDegree, g.GradientStops
	f.GradientLeft, f.GradientRight, f.GradientTop, f.GradientBottom = g.GradientLeft, g.GradientRight, g.GradientTop, g.GradientBottom
}
