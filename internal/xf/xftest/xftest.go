// Package xftest draws changes of cell formats, for the tests of all that handle them.
package xftest

import (
	"pgregory.net/rapid"

	"gridflow/internal/xf"
)

// Value draws what a leaf takes, in the form in which it is kept.
func Value(l xf.Leaf) *rapid.Generator[string] {
	switch l {
	case xf.NumberFormat:
		return rapid.SampledFrom([]string{"General", "0.00", "yyyy-mm-dd", "#,##0;[Red]-#,##0"})
	case xf.FontName:
		return rapid.SampledFrom([]string{"Calibri", "Arial Narrow"})
	case xf.FontSize:
		return rapid.SampledFrom([]string{"8", "10.5", "409"})
	case xf.FontUnderline:
		return rapid.SampledFrom([]string{"", "single", "doubleAccounting"})
	case xf.FontVertAlign:
		return rapid.SampledFrom([]string{"", "subscript"})
	case xf.FontColor, xf.FillForeground, xf.FillBackground, xf.BorderLeftColor, xf.BorderRightColor, xf.BorderTopColor, xf.BorderBottomColor, xf.BorderDiagonalColor, xf.BorderVerticalColor, xf.BorderHorizontalColor:
		return rapid.SampledFrom([]string{"", "FF4472C4", "theme:4", "theme:4:-0.25", "indexed:10", "auto", "80ABCDEF:0.5"})
	case xf.FontScheme:
		return rapid.SampledFrom([]string{"", "minor"})
	case xf.FontFamily, xf.FontCharset, xf.AlignIndent:
		return rapid.SampledFrom([]string{"", "2"})
	case xf.FillPattern:
		return rapid.SampledFrom([]string{"", "solid", "gray125"})
	case xf.FillGradient:
		return rapid.SampledFrom([]string{"", "linear 90 0 0 0 0 0=FF000000 1=theme:4:0.5", "path 0 0.5 0.5 0.5 0.5 0=FFFFFFFF 0.5=auto 1=FF112233"})
	case xf.BorderLeft, xf.BorderRight, xf.BorderTop, xf.BorderBottom, xf.BorderDiagonal, xf.BorderVertical, xf.BorderHorizontal:
		return rapid.SampledFrom([]string{"", "thin", "slantDashDot"})
	case xf.AlignHorizontal:
		return rapid.SampledFrom([]string{"", "center", "distributed"})
	case xf.AlignVertical:
		return rapid.SampledFrom([]string{"", "top"})
	case xf.AlignRotation:
		return rapid.SampledFrom([]string{"", "45", "255"})
	case xf.AlignReadingOrder:
		return rapid.SampledFrom([]string{"", "1"})
	case xf.ProtectLocked:
		return rapid.SampledFrom([]string{"0", "1"})
	default:
		return rapid.SampledFrom([]string{"", "1"})
	}
}

// Settings draws changes of a format.
var Settings = rapid.Custom(func(t *rapid.T) xf.Settings {
	n := rapid.IntRange(0, 12).Draw(t, "settings")
	s := make(xf.Settings, n)
	for i := range s {
		s[i].Leaf = xf.Leaf(rapid.IntRange(0, int(xf.NLeaves)-1).Draw(t, "leaf"))
		if s[i].Reset = rapid.IntRange(0, 4).Draw(t, "reset") == 0; !s[i].Reset {
			s[i].Value = Value(s[i].Leaf).Draw(t, "value")
		}
	}
	return s
})
