package grid

// Texts of edited cells that are overwritten, or whose cell is removed, stay in the sheet's
// own list: to find them takes a look at every chunk. That look is taken when the list has
// grown to twice of what was alive at the last one, so it costs little for each edit, and the
// list stays within twice of what is needed.

// ownMin is the number of own texts below which nobody looks.
const ownMin = 4096

// compact drops own texts that no cell has any more, if it is time to look for them. s is not
// yet handed out.
func (s *Sheet) compact() {
	if s.own.len() < max(ownMin, s.ownMax) {
		return
	}
	base := s.formulas.len()
	alive := make([]bool, s.own.len())
	live := 0
	mark := func(t tag, payload uint64, formula int) {
		if t == tagOwn && !alive[payload] {
			alive[payload], live = true, live+1
		}
		if i := formula - base; i >= 0 && !alive[i] {
			alive[i], live = true, live+1
		}
	}
	// What a patch points to it has from the cell that it hides, so the bands have it too.
	s.eachOwn(func(_ int, _ uint16, t tag, payload uint64, _ uint32, formula int) { mark(t, payload, formula) })
	s.ownMax = 2 * live
	if live > len(alive)/2 {
		s.ownMax = 2 * len(alive)
		return
	}

	var b StringsBuilder
	moved := make([]uint32, len(alive))
	for i, ok := range alive {
		if ok {
			// It is no more than the list had.
			moved[i], _ = b.Append([]byte(s.own.at(uint32(i))))
		}
	}
	renumber := func(p *patch) {
		if p.tag == tagOwn && p.words == nil {
			p.payload = uint64(moved[p.payload])
		}
		if i := int(p.formula) - base; i >= 0 {
			p.formula = int32(base) + int32(moved[i])
		}
	}
	for i := range s.over { // it was made by this edit
		renumber(&s.over[i])
	}
	// The cells are put in anew, as if they had been edited. They come by chunk.
	var groups [][]patch
	s.eachOwn(func(row int, col uint16, t tag, payload uint64, style uint32, formula int) {
		p := patch{row: uint32(row), col: col, tag: t, style: style, formula: int32(formula), payload: payload}
		renumber(&p)
		k := len(groups) - 1
		if k < 0 || groups[k][0].col != col || groups[k][0].row>>bandShift != p.row>>bandShift {
			groups = append(groups, nil)
			k++
		}
		groups[k] = append(groups[k], p)
	})
	s.foldBands(groups)
	s.own = nil
	if b.Len() > 0 {
		s.own = s.own.with(&b)
	}
}

// eachOwn calls f with each cell of the bands that has an own text as its value or formula, by
// band, column and row; formula is -1 where it has none.
func (s *Sheet) eachOwn(f func(row int, col uint16, t tag, payload uint64, style uint32, formula int)) {
	base := uint32(s.formulas.len())
	for n, b := range s.bands {
		if b == nil {
			continue
		}
		for i, k := range b.chunks {
			if !k.hasOwn(base) {
				continue
			}
			next := 0
			for c := range k.n {
				o := k.row(c)
				formula := k.formulaNext(&next, o)
				if t := k.tagAt(c); t == tagOwn || formula >= int(base) {
					f(n<<bandShift+int(o), b.cols[i], t, k.payloadAt(c), k.styleAt(c), formula)
				}
			}
		}
	}
}

// hasOwn reports whether a cell of k has an own text, or a formula from number base on.
func (k *Chunk) hasOwn(base uint32) bool {
	if k.tags == nil {
		if k.tag == tagOwn {
			return true
		}
	} else {
		for _, t := range k.tags {
			if t == tagOwn {
				return true
			}
		}
	}
	for _, f := range k.formulas {
		if f >= base {
			return true
		}
	}
	return false
}
