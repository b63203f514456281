package tools

import (
	"strings"

	"gridflow/internal/grid"
	"gridflow/internal/xf"
)

// exportedStyle is a format as grid_export writes it and grid_import reads it, without the number format: in what it differs from that of
// cells without one, which the export has as its base, in the shape of a style patch. Colours are as the file has them, so that one of the theme stays one. In the compat profile it is the
// descriptor of spreadsheet-mcp, whose colours are resolved.
type exportedStyle struct {
	leaves     []xf.Setting
	descriptor *styleDescriptor
}

func exportStyle(styles *grid.Styles, style uint32, compat bool) *exportedStyle {
	if compat {
		d := describeStyle(styles, style)
		d.NumberFormat = "" // it stands in fmt
		return &exportedStyle{descriptor: &d}
	}
	s := &exportedStyle{}
	if styles == nil || int(style) >= len(styles.Xfs) {
		return s
	}
	is, usual := xf.Of(styles.Xfs[style]), xf.Of(styles.Xfs[0])
	for i, v := range is {
		leaf := xf.Leaf(i)
		switch {
		case leaf == xf.NumberFormat:
		case v != usual[i]:
			s.leaves = append(s.leaves, xf.Setting{Leaf: leaf, Value: v})
		}
	}
	return s
}

// usualStyle gives the format of cells without one, as far as it says something.
func usualStyle(styles *grid.Styles) *exportedStyle {
	s := &exportedStyle{}
	if styles == nil || len(styles.Xfs) == 0 {
		return s
	}
	for i, v := range xf.Of(styles.Xfs[0]) {
		leaf := xf.Leaf(i)
		if v != "" && leaf != xf.NumberFormat && !(leaf == xf.ProtectLocked && v == xf.Yes) { // locked is what cells are without a word
			s.leaves = append(s.leaves, xf.Setting{Leaf: leaf, Value: v})
		}
	}
	return s
}

func (s *exportedStyle) appendJSON(b []byte) []byte {
	if s.descriptor != nil {
		b, _ = appendJSON(b, s.descriptor, 0)
		return b
	}
	b = append(b, '{')
	var open []string // the branches that the last leaf was in
	first := true
	for _, one := range s.leaves {
		path := strings.Split(one.Leaf.String(), ".")
		branch := path[:len(path)-1]
		same := 0
		for same < len(open) && same < len(branch) && open[same] == branch[same] {
			same++
		}
		for range open[same:] {
			b = append(b, '}')
		}
		for _, name := range branch[same:] {
			if !first {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, name), ':', '{')
			first = true
		}
		open = branch
		if !first {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, path[len(path)-1]), ':')
		b = appendLeaf(b, one)
		first = false
	}
	for range open {
		b = append(b, '}')
	}
	return append(b, '}')
}

// appendLeaf writes the value of a leaf as JSON has it: those that are on or off as such, sizes as numbers.
func appendLeaf(b []byte, one xf.Setting) []byte {
	switch one.Leaf {
	case xf.FontBold, xf.FontItalic, xf.FontStrike, xf.BorderDiagonalUp, xf.BorderDiagonalDown, xf.AlignWrap, xf.AlignShrink, xf.ProtectLocked, xf.ProtectHidden:
		if one.Value == xf.Yes {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case xf.FontSize, xf.FontFamily, xf.FontCharset, xf.AlignRotation, xf.AlignIndent, xf.AlignReadingOrder:
		if v, _ := xf.Check(one.Leaf, one.Value); one.Value != "" && v == one.Value {
			return append(b, one.Value...)
		}
	}
	return appendQuoted(b, one.Value)
}
