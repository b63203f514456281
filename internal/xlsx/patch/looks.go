package patch

import (
	"gridflow/internal/xf"
)

// looks are the formats of rules (dxfs). One that is there already is not made again.
type looks struct{ *styleList }

// look gives the number of a format that says some leaves, and adds it where there is none that reads so.
func (s *saver) look(leaves map[string]string) (int, error) {
	d := &document{}
	root := element{}
	if part := s.f.Related("styles"); part != nil {
		var err error
		if d, err = s.document(part); err != nil {
			return 0, err
		}
		root, _ = d.root()
	}
	if s.looks == nil {
		s.looks = &looks{newStyleList(d, root, "dxfs", "dxf", "")}
	}
	var is xf.Leaves
	var set [xf.NLeaves]bool
	for path, value := range leaves {
		leaf, ok := xf.Named(path)
		if !ok {
			return 0, invalid("", "a format has no %.40q", path)
		}
		is[leaf], set[leaf] = value, true
	}
	some := func(first, last xf.Leaf) bool {
		for i := first; i <= last; i++ {
			if set[i] {
				return true
			}
		}
		return false
	}
	m := &formatMaker{d: d, prefix: root.prefix}
	xml := []byte("<" + root.prefix + "dxf>")
	if some(xf.FontName, xf.FontCharset) {
		xml = append(xml, m.font(element{}, false, &is, &set)...)
	}
	if some(xf.FillPattern, xf.FillGradient) {
		xml = append(xml, m.fill(element{}, false, &is, &set)...)
	}
	if some(xf.BorderLeft, xf.BorderDiagonalDown) {
		xml = append(xml, m.border(element{}, false, &is, &set)...)
	}
	return s.looks.id(append(xml, "</"+root.prefix+"dxf>"...)), nil
}
