package grid

import (
	"gridflow/internal/cell"
)

// Disturbed gives the cells of a sheet that went through the Mover, as they lay before it, of whose formulas the change disturbs what they
// read: see [structure.Rewriter.Follow]. All other formulas read afterwards what they read before, as far as their text says.
func (m *Mover) Disturbed(s *Sheet) []cell.Range { return m.disturbed[s] }

// disturbedCells finds the cells of s, column by column, whose formulas the numbers in t say are disturbed.
func (m *Mover) disturbedCells(s *Sheet, t *renumbering, own string) []cell.Range {
	runs := map[int][]cell.Range{} // by column
	var cols []int
	add := func(r cell.Ref) {
		list, ok := runs[r.Col]
		if n := len(list); n > 0 && list[n-1].Last.Row+1 == r.Row {
			list[n-1].Last.Row = r.Row
			return
		}
		if !ok {
			cols = append(cols, r.Col)
		}
		runs[r.Col] = append(list, cell.Range{First: r, Last: r})
	}
	is := func(number uint32, at cell.Ref) bool {
		if int(number) >= t.from {
			return t.disturbed[number]
		}
		for _, r := range t.f.disturbed[number] {
			if r.Contains(at) {
				return true
			}
		}
		return false
	}
	if len(t.disturbed) > 0 || len(t.f.disturbed) > 0 {
		for n, b := range s.bands {
			if b == nil {
				continue
			}
			for i, k := range b.chunks {
				for x, f := range k.formulas {
					at := cell.Ref{Row: n<<bandShift + int(k.formulaRows[x]), Col: int(b.cols[i])}
					if !is(f, at) {
						continue
					}
					if _, hidden := s.patchAt(at); !hidden {
						add(at)
					}
				}
			}
		}
	}
	for i := range s.over {
		p := &s.over[i]
		disturbed := p.formula >= 0 && is(uint32(p.formula), p.ref())
		if p.formula == wordsFormula {
			_, _, disturbed = m.r.Follow(p.words.formula, own)
		}
		if disturbed {
			add(p.ref())
		}
	}
	var list []cell.Range
	for _, col := range cols {
		list = append(list, runs[col]...)
	}
	return list
}
