package xf

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

// Leaf is one thing that a cell format says. The numbers are written to the journal: they never change.
type Leaf uint8

// The leaves. Those of an edge follow each other as style and colour.
const (
	NumberFormat Leaf = iota
	FontName
	FontSize
	FontBold
	FontItalic
	FontStrike
	FontUnderline
	FontVertAlign
	FontColor
	FontScheme
	FontFamily
	FontCharset
	FillPattern
	FillForeground
	FillBackground
	FillGradient
	BorderLeft
	BorderLeftColor
	BorderRight
	BorderRightColor
	BorderTop
	BorderTopColor
	BorderBottom
	BorderBottomColor
	BorderDiagonal
	BorderDiagonalColor
	BorderVertical
	BorderVerticalColor
	BorderHorizontal
	BorderHorizontalColor
	BorderDiagonalUp
	BorderDiagonalDown
	AlignHorizontal
	AlignVertical
	AlignWrap
	AlignShrink
	AlignRotation
	AlignIndent
	AlignReadingOrder
	ProtectLocked
	ProtectHidden
	NLeaves
)

// Yes and No are the values of leaves that are on or off. A leaf that is off has no value,
// but for ProtectLocked, which is on where nothing is said.
const (
	Yes = "1"
	No  = "0"
)

// leaf is what is known of a Leaf.
type leaf struct {
	name string // its path in JSON shapes
	get  func(x *grid.Xf) string
	set  func(x *parts, v string)
	// check gives the value in the form in which leaves are kept, or says what is allowed.
	check func(v string) (string, error)
}

// The parts of a format, of which [parts] holds copies that may be written.
type parts struct {
	numFmt     string
	font       grid.Font
	fill       grid.Fill
	border     grid.Border
	alignment  grid.Alignment
	protection grid.Protection
}

// The words of ECMA-376 part 1, 18.18: ST_UnderlineValues, ST_VerticalAlignRun, ST_FontScheme,
// ST_PatternType, ST_BorderStyle, ST_HorizontalAlignment, ST_VerticalAlignment.
var (
	underlines  = words("", "single", "double", "singleAccounting", "doubleAccounting")
	vertAligns  = words("", "superscript", "subscript", "baseline")
	schemes     = words("", "major", "minor", "none")
	patterns    = words("", "solid", "mediumGray", "darkGray", "lightGray", "darkHorizontal", "darkVertical", "darkDown", "darkUp", "darkGrid", "darkTrellis", "lightHorizontal", "lightVertical", "lightDown", "lightUp", "lightGrid", "lightTrellis", "gray125", "gray0625")
	edges       = words("", "thin", "medium", "dashed", "dotted", "thick", "double", "hair", "mediumDashed", "dashDot", "mediumDashDot", "dashDotDot", "mediumDashDotDot", "slantDashDot")
	horizontals = usual("general", words("", "left", "center", "right", "fill", "justify", "centerContinuous", "distributed"))
	verticals   = usual("bottom", words("", "top", "center", "justify", "distributed"))
)

// words gives the check of a leaf that takes some words, in any case; "none" is none, unless it is one of them.
func words(list ...string) func(string) (string, error) {
	return func(v string) (string, error) {
		if i := slices.IndexFunc(list, func(w string) bool { return strings.EqualFold(w, v) }); i >= 0 {
			return list[i], nil
		}
		if strings.EqualFold(v, "none") {
			return "", nil
		}
		return "", fmt.Errorf("%q is none of %s", clip(v), strings.Join(list[1:], ", "))
	}
}

// usual lets a word stand for nothing: what is so where nothing is said.
func usual(word string, check func(string) (string, error)) func(string) (string, error) {
	return func(v string) (string, error) {
		if strings.EqualFold(v, word) {
			return "", nil
		}
		return check(v)
	}
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

func yesNo(v string) (string, error) {
	switch strings.ToLower(v) {
	case Yes, "true":
		return Yes, nil
	case No, "false", "":
		return "", nil
	}
	return "", fmt.Errorf("%q is neither true nor false", clip(v))
}

func lockedOrNot(v string) (string, error) {
	v, err := yesNo(v)
	if v == "" {
		v = No
	}
	return v, err
}

func whole(least, most int, also ...int) func(string) (string, error) {
	return func(v string) (string, error) {
		if v == "" {
			return "", nil
		}
		n, err := strconv.Atoi(v)
		if err != nil || (n < least || n > most) && !slices.Contains(also, n) {
			text := fmt.Sprintf("%q is no whole number from %d to %d", clip(v), least, most)
			for _, n := range also {
				text += " or " + number(n)
			}
			return "", errors.New(text)
		}
		return number(n), nil
	}
}

func size(v string) (string, error) {
	if v == "" {
		return "", nil
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || !(f >= 1 && f <= 409) {
		return "", fmt.Errorf("%q is no size from 1 to 409 points", clip(v))
	}
	return decimal(math.Round(f*20) / 20), nil // twentieths of a point are what Excel keeps
}

func shortText(v string) (string, error) {
	if len(v) > 31*4 || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == '\ufffd' }) {
		return "", fmt.Errorf("%q is no name of a font", clip(v))
	}
	return v, nil
}

func code(v string) (string, error) {
	if v == "" {
		return "General", nil
	}
	if err := numfmt.Compile(v).Err(); err != nil {
		return "", fmt.Errorf("%q is no number format code: %w", clip(v), err)
	}
	return v, nil
}

func flag(on bool) string {
	if on {
		return Yes
	}
	return ""
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func decimal(f float64) string {
	if f == 0 {
		return ""
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func toInt(v string) int { n, _ := strconv.Atoi(v); return n }

func toFloat(v string) float64 { f, _ := strconv.ParseFloat(v, 64); return f }

// of gives a part of a format, the zero value where it has none.
func of[T any](p *T) (zero T) {
	if p != nil {
		return *p
	}
	return zero
}

// edge makes the two leaves of a line around a cell.
func edge(name string, at func(b *grid.Border) *grid.Edge) [2]leaf {
	return [2]leaf{
		{"borders." + name + ".style", func(x *grid.Xf) string {
			b := of(x.Border)
			if s := at(&b).Style; s != "none" {
				return s
			}
			return ""
		}, func(p *parts, v string) { at(&p.border).Style = v }, edges},
		{"borders." + name + ".color", func(x *grid.Xf) string { b := of(x.Border); return colorText(at(&b).Color) },
			func(p *parts, v string) { at(&p.border).Color = colorOf(v) }, checkColor},
	}
}

// leaves has the leaves in their order.
var leaves = func() (l [NLeaves]leaf) {
	font := func(i Leaf, name string, get func(f grid.Font) string, set func(f *grid.Font, v string), check func(string) (string, error)) {
		l[i] = leaf{"font." + name, func(x *grid.Xf) string { return get(of(x.Font)) }, func(p *parts, v string) { set(&p.font, v) }, check}
	}
	fill := func(i Leaf, name string, get func(f grid.Fill) string, set func(f *grid.Fill, v string), check func(string) (string, error)) {
		l[i] = leaf{"fill." + name, func(x *grid.Xf) string { return get(of(x.Fill)) }, func(p *parts, v string) { set(&p.fill, v) }, check}
	}
	align := func(i Leaf, name string, get func(a grid.Alignment) string, set func(a *grid.Alignment, v string), check func(string) (string, error)) {
		l[i] = leaf{"alignment." + name, func(x *grid.Xf) string { return get(of(x.Alignment)) }, func(p *parts, v string) { set(&p.alignment, v) }, check}
	}
	l[NumberFormat] = leaf{"number_format", func(x *grid.Xf) string {
		if strings.EqualFold(x.NumFmt, "General") || x.NumFmt == "" {
			return "General"
		}
		return x.NumFmt
	}, func(p *parts, v string) { p.numFmt = v }, code}
	font(FontName, "name", func(f grid.Font) string { return f.Name }, func(f *grid.Font, v string) { f.Name = v }, shortText)
	font(FontSize, "size", func(f grid.Font) string { return decimal(f.Size) }, func(f *grid.Font, v string) { f.Size = toFloat(v) }, size)
	font(FontBold, "bold", func(f grid.Font) string { return flag(f.Bold) }, func(f *grid.Font, v string) { f.Bold = v == Yes }, yesNo)
	font(FontItalic, "italic", func(f grid.Font) string { return flag(f.Italic) }, func(f *grid.Font, v string) { f.Italic = v == Yes }, yesNo)
	font(FontStrike, "strikethrough", func(f grid.Font) string { return flag(f.Strikethrough) }, func(f *grid.Font, v string) { f.Strikethrough = v == Yes }, yesNo)
	font(FontUnderline, "underline", func(f grid.Font) string { return f.Underline }, func(f *grid.Font, v string) { f.Underline = v }, underlines)
	font(FontVertAlign, "vertical_align", func(f grid.Font) string { return f.VertAlign }, func(f *grid.Font, v string) { f.VertAlign = v }, vertAligns)
	font(FontColor, "color", func(f grid.Font) string { return colorText(f.Color) }, func(f *grid.Font, v string) { f.Color = colorOf(v) }, checkColor)
	font(FontScheme, "scheme", func(f grid.Font) string { return f.Scheme }, func(f *grid.Font, v string) { f.Scheme = v }, schemes)
	font(FontFamily, "family", func(f grid.Font) string { return number(f.Family) }, func(f *grid.Font, v string) { f.Family = toInt(v) }, whole(0, 14))
	font(FontCharset, "charset", func(f grid.Font) string { return number(f.Charset) }, func(f *grid.Font, v string) { f.Charset = toInt(v) }, whole(0, 255))
	fill(FillPattern, "pattern_type", func(f grid.Fill) string {
		if f.Pattern == "none" {
			return ""
		}
		return f.Pattern
	}, func(f *grid.Fill, v string) { f.Pattern = v }, patterns)
	fill(FillForeground, "foreground_color", func(f grid.Fill) string { return colorText(f.Foreground) }, func(f *grid.Fill, v string) { f.Foreground = colorOf(v) }, checkColor)
	fill(FillBackground, "background_color", func(f grid.Fill) string { return colorText(f.Background) }, func(f *grid.Fill, v string) { f.Background = colorOf(v) }, checkColor)
	fill(FillGradient, "gradient", gradientText, setGradient, checkGradient)
	for i, e := range []struct {
		name string
		at   func(b *grid.Border) *grid.Edge
	}{
		{"left", func(b *grid.Border) *grid.Edge { return &b.Left }}, {"right", func(b *grid.Border) *grid.Edge { return &b.Right }},
		{"top", func(b *grid.Border) *grid.Edge { return &b.Top }}, {"bottom", func(b *grid.Border) *grid.Edge { return &b.Bottom }},
		{"diagonal", func(b *grid.Border) *grid.Edge { return &b.Diagonal }}, {"vertical", func(b *grid.Border) *grid.Edge { return &b.Vertical }},
		{"horizontal", func(b *grid.Border) *grid.Edge { return &b.Horizontal }},
	} {
		two := edge(e.name, e.at)
		copy(l[int(BorderLeft)+2*i:], two[:])
	}
	l[BorderDiagonalUp] = leaf{"borders.diagonal_up", func(x *grid.Xf) string { return flag(of(x.Border).DiagonalUp) }, func(p *parts, v string) { p.border.DiagonalUp = v == Yes }, yesNo}
	l[BorderDiagonalDown] = leaf{"borders.diagonal_down", func(x *grid.Xf) string { return flag(of(x.Border).DiagonalDown) }, func(p *parts, v string) { p.border.DiagonalDown = v == Yes }, yesNo}
	align(AlignHorizontal, "horizontal", func(a grid.Alignment) string {
		if a.Horizontal == "general" {
			return ""
		}
		return a.Horizontal
	}, func(a *grid.Alignment, v string) { a.Horizontal = v }, horizontals)
	align(AlignVertical, "vertical", func(a grid.Alignment) string {
		if a.Vertical == "bottom" {
			return ""
		}
		return a.Vertical
	}, func(a *grid.Alignment, v string) { a.Vertical = v }, verticals)
	align(AlignWrap, "wrap_text", func(a grid.Alignment) string { return flag(a.Wrap) }, func(a *grid.Alignment, v string) { a.Wrap = v == Yes }, yesNo)
	align(AlignShrink, "shrink_to_fit", func(a grid.Alignment) string { return flag(a.Shrink) }, func(a *grid.Alignment, v string) { a.Shrink = v == Yes }, yesNo)
	align(AlignRotation, "text_rotation", func(a grid.Alignment) string { return number(a.Rotation) }, func(a *grid.Alignment, v string) { a.Rotation = toInt(v) }, whole(0, 180, 255))
	align(AlignIndent, "indent", func(a grid.Alignment) string { return number(a.Indent) }, func(a *grid.Alignment, v string) { a.Indent = toInt(v) }, whole(0, 250))
	align(AlignReadingOrder, "reading_order", func(a grid.Alignment) string { return number(a.ReadingOrder) }, func(a *grid.Alignment, v string) { a.ReadingOrder = toInt(v) }, whole(0, 2))
	l[ProtectLocked] = leaf{"protection.locked", func(x *grid.Xf) string {
		if x.Protection != nil && !x.Protection.Locked {
			return No
		}
		return Yes
	}, func(p *parts, v string) { p.protection.Locked = v == Yes }, lockedOrNot}
	l[ProtectHidden] = leaf{"protection.hidden", func(x *grid.Xf) string { return flag(of(x.Protection).Hidden) }, func(p *parts, v string) { p.protection.Hidden = v == Yes }, yesNo}
	return l
}()

// String gives the path of a leaf, as in "font.bold".
func (l Leaf) String() string {
	if l >= NLeaves {
		return fmt.Sprintf("leaf %d", uint8(l))
	}
	return leaves[l].name
}

// Named finds a leaf by its path.
func Named(path string) (Leaf, bool) {
	for i := range leaves {
		if leaves[i].name == path {
			return Leaf(i), true
		}
	}
	return 0, false
}

// Under gives the leaves of a branch, as "font" or "borders.left", or the leaf itself.
func Under(path string) (list []Leaf) {
	for i := range leaves {
		if rest, ok := strings.CutPrefix(leaves[i].name, path); ok && (rest == "" || rest[0] == '.') {
			list = append(list, Leaf(i))
		}
	}
	return list
}
