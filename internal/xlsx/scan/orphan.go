package scan

import (
	"bytes"

	"gridflow/internal/cell"
)

// Orphan is a shared formula that loses its master.
type Orphan struct {
	SI     int
	Text   string // of the formula at Anchor
	Anchor cell.Ref
	// Members is the number of cells left that share it, Box holds them, Heir is the first
	// of them, and HeirF its formula element.
	Members int
	Box     cell.Range
	Heir    cell.Ref
	HeirF   Span
	HeirTag []byte // the start tag of that element
	Target  int    // index of the heir among the cells looked for, -1
}

// formula looks after shared formulas: a master that goes, and its members. ok is false
// where the cell's XML is not as it must be.
func (l *Locator) formula(ref cell.Ref, xml []byte, from int64) (ok bool) {
	e := ParseCell(xml, l.Prefix)
	if !e.valid {
		return false
	}
	if !e.HasFormula || e.Kind != "shared" || e.SI < 0 {
		return true
	}
	goes := l.last >= 0 && l.goes(l.last)
	text := e.FormulaText()
	if text != "" {
		if !e.HasRef {
			return true // it stands for itself
		}
		delete(l.active, e.SI)
		if goes {
			o := &Orphan{SI: e.SI, Text: text, Anchor: ref, Target: -1}
			l.active[e.SI] = o
			l.Orphans = append(l.Orphans, o)
		}
		return true
	}
	o := l.active[e.SI]
	if o == nil || goes {
		return true
	}
	if o.Members++; o.Members == 1 {
		o.Heir, o.Box, o.Target = ref, cell.Range{First: ref, Last: ref}, l.last
		o.HeirF = Span{from + int64(e.F[0]), from + int64(e.F[1])}
		o.HeirTag = bytes.Clone(xml[e.F[0]:e.FTag])
	}
	o.Box = o.Box.Union(cell.Range{First: ref, Last: ref})
	return true
}
