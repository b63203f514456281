package patch

import (
	"strconv"

	"gridflow/internal/cell"
)

// merges writes the merged ranges. Those that the file has stay as they stand in it.
func (t *tail) merges(p *LayoutPatch) error {
	have := map[string][]byte{}
	for _, list := range t.find("mergeCells") {
		for _, c := range t.children(list) {
			if r, ok := cell.ParseRange(decoded(attribute(c.tag(t.text), "ref"))); ok {
				have[corners(r)] = t.text[c.from:c.to]
			}
		}
	}
	var inner []byte
	for _, r := range *p.Merges {
		ref := corners(r)
		if xml := have[ref]; xml != nil {
			inner = append(inner, xml...)
		} else {
			inner = append(inner, "<"+t.e.l.Prefix+`mergeCell ref="`+ref+`"/>`...)
		}
	}
	t.put("mergeCells", t.list("mergeCells", len(*p.Merges), inner))
	return nil
}

func itoa(n int) string { return strconv.Itoa(n) }
