package forks

import (
	"gridflow/internal/calc/plain"
	"maps"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/structure"
)

// model is what a fork should be: every version whole, as plain maps. It knows nothing of
// journals, bases or pointers, and merges cell by cell by the rules in words: what only one
// side has changed is taken, what both have changed differently is a conflict.
type model struct {
	id          string
	workbook    string // its file
	first       uint64 // the oldest version that is kept; the others stand here all the same
	versions    []modelVersion
	undo, redo  []uint64 // versions with the contents to go back to
	checkpoints []modelMark
	staged      []modelMark
	edits       int
	saved       uint64
}

type modelVersion struct {
	is    contents
	moves []structure.Change // since base
	base  contents           // what the workbook had that it stands on
	rev   string             // hash of that
	what  string
	own   uint64 // the version whose content this is
}

// modelMark is a checkpoint or a staged change.
type modelMark struct {
	id      string
	version uint64
	edit    book.Edit
}

// GoString is short, for rapid shows what it draws.
func (m *model) GoString() string { return m.id }

func (m *model) head() uint64      { return uint64(len(m.versions) - 1) }
func (m *model) now() modelVersion { return m.versions[m.head()] }

// shorten is that versions before first are kept no more. A content that goes with its version
// becomes that of the first version that is kept and has it; steps are left down to the first
// to a content that nothing has.
func (m *model) shorten(first uint64) {
	m.first = first
	now := map[uint64]uint64{}
	for v := first; v <= m.head(); v++ {
		is := &m.versions[v]
		if _, ok := now[is.own]; !ok {
			now[is.own] = v
		}
		is.own = now[is.own]
	}
	left := func(steps []uint64) (out []uint64) {
		for _, v := range slices.Backward(steps) {
			to, ok := now[v]
			if !ok {
				break
			}
			out = append(out, to)
		}
		slices.Reverse(out)
		return out
	}
	m.undo, m.redo = left(m.undo), left(m.redo)
}

// push is a commit that changes cells.
func (m *model) push(v modelVersion) {
	m.undo, m.redo = append(m.undo, m.now().own), nil
	v.own = uint64(len(m.versions))
	m.versions = append(m.versions, v)
	m.edits++
}

// move is a commit that goes to a content that there was.
func (m *model) move(to uint64, what string) {
	v := m.versions[to]
	v.what = what
	m.versions = append(m.versions, v)
}

func (m *model) walk(steps int, what string, from, onto *[]uint64) bool {
	if len(*from) < steps {
		return false
	}
	now := m.now().own
	for range steps {
		*onto = append(*onto, now)
		now = (*from)[len(*from)-1]
		*from = (*from)[:len(*from)-1]
	}
	m.move(now, what)
	return true
}

// apply gives contents after an edit.
func (s contents) apply(e book.Edit) contents {
	s = maps.Clone(s)
	for _, op := range e.Ops {
		if o, ok := op.(book.Restructure); ok {
			s = s.restructure(o.Change)
			continue
		}
		o := op.(book.SetCells)
		for _, c := range o.Cells {
			key := o.Sheet + "!" + c.Ref.String()
			is := s[key]
			format := is.format
			if c.NumFmt != "" {
				format = c.NumFmt
			}
			switch {
			case c.Keep:
			case c.HasFormula && c.Formula == is.formula && format == is.format: // stays as it is
			default:
				is.value, is.formula = c.Value, c.Formula
			}
			is.format = format
			s[key] = is
		}
	}
	return s.calculated()
}

// sheets gives the names of the sheets.
func (s contents) sheets() []string {
	names := map[string]bool{}
	for key := range s {
		sheet, _ := place(key)
		names[sheet] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func place(key string) (sheet string, at cell.Ref) {
	sheet, ref, _ := strings.Cut(key, "!")
	at, _ = cell.ParseRef(ref)
	return sheet, at
}

// restructure gives contents after structural changes. A row has the format of its last cell of the window where nothing
// was said of a cell.
func (s contents) restructure(moves ...structure.Change) contents {
	for _, c := range moves {
		names := s.sheets()
		r := c.Rewriter(names)
		out := contents{}
		for _, name := range c.Sheets(names) {
			for row := range windowRows {
				for col := range windowCols {
					out[name+"!"+cell.Ref{Row: row, Col: col}.String()] = cellIs{format: "General"}
				}
			}
		}
		for key, is := range s {
			sheet, at := place(key)
			if to, ref, ok := r.Locate(sheet, at); ok && ref.Row < windowRows && ref.Col < windowCols {
				is.formula, _ = r.FormulaAt(is.formula, sheet, at)
				out[to+"!"+ref.String()] = is
			}
		}
		if rows, deletes, ok := c.Lines(); ok && !rows {
			for row := range windowRows {
				at := func(col int) string { return c.Sheet + "!" + cell.Ref{Row: row, Col: col}.String() }
				usual := cellIs{format: s[at(windowCols-1)].format}
				for n := range c.Count {
					if deletes {
						out[at(windowCols-1-n)] = usual
					} else {
						out[at(c.At+n)] = usual
					}
				}
			}
		}
		s = out
	}
	return s
}

// fits reports whether nothing leaves the window by a change.
func (s contents) fits(c structure.Change) bool {
	rows, deletes, ok := c.Lines()
	if c.Kind == structure.MoveCells { // of a row with a format, it is not known here which cells have it by themselves
		for sheet, r := range map[string]cell.Range{c.Sheet: c.Range, c.Target(): c.Destination()} {
			for row := r.First.Row; row <= r.Last.Row; row++ {
				if s[sheet+"!"+cell.Ref{Row: row, Col: windowCols - 1}.String()].format != "General" || row >= windowRows || r.Last.Col >= windowCols-1 {
					return false
				}
			}
		}
		for row := c.Range.First.Row; row <= c.Range.Last.Row; row++ {
			if s[c.Sheet+"!"+cell.Ref{Row: row, Col: windowCols - 1}.String()].format != "General" {
				return false
			}
		}
		return true
	}
	if !ok || deletes {
		return true
	}
	for key, is := range s {
		sheet, at := place(key)
		switch {
		case sheet != c.Sheet:
		case rows && at.Row >= windowRows-c.Count && is != cellIs{format: "General"}:
			return false
		case !rows && at.Col >= windowCols-1-c.Count && (!is.value.IsBlank() || is.formula != "" || is.format != s[sheet+"!"+cell.Ref{Row: at.Row, Col: windowCols - 1}.String()].format):
			return false
		}
	}
	return true
}

// lostBy counts the cells that differ from base and are gone after some structural changes.
func (s contents) lostBy(base contents, moves []structure.Change) (n int) {
	for key, is := range s {
		if !is.touched(base[key]) {
			continue
		}
		sheet, at := place(key)
		names, ok := s.sheets(), true
		for _, c := range moves {
			if ok {
				sheet, at, ok = c.Rewriter(names).Locate(sheet, at)
			}
			names = c.Sheets(names)
		}
		if !ok {
			n++
		}
	}
	return n
}

// beyond gives the structural changes that b has beyond those of a; ok is false where it does not have those.
func beyond(a, b []structure.Change) (rest []structure.Change, ok bool) {
	if len(a) > len(b) || !slices.Equal(a, b[:len(a)]) {
		return nil, false
	}
	return b[len(a):], true
}

// calculated gives the contents with every formula true, by the plain model of calculation.
func (s contents) calculated() contents {
	names := s.sheets()
	b := plain.New(names...)
	place := func(key string) (int, cell.Ref) {
		sheet, at := place(key)
		return slices.Index(names, sheet), at
	}
	for key, is := range s {
		sheet, at := place(key)
		if is.formula != "" {
			if err := b.SetFormula(sheet, at, is.formula, false, cell.Range{}); err != nil {
				panic(err)
			}
		} else if !is.value.IsBlank() {
			b.Set(sheet, at, is.value)
		}
	}
	b.Calculate()
	s = maps.Clone(s)
	for key, is := range s {
		if is.formula != "" {
			sheet, at := place(key)
			is.value = b.Value(sheet, at)
			s[key] = is
		}
	}
	return s
}

func (c cellIs) same(d cellIs) bool {
	if c.formula != "" || d.formula != "" {
		return c.formula == d.formula
	}
	return c.value == d.value
}

func (c cellIs) touched(base cellIs) bool { return !c.same(base) || c.format != base.format }

// become gives a cell after it was set to what another is.
func (c cellIs) become(d cellIs) cellIs {
	if !c.same(d) {
		c.value, c.formula = d.value, d.formula
		if d.formula != "" {
			c.value = cell.Value{}
		}
	}
	c.format = d.format
	return c
}

// merge gives what ours becomes by theirs. Nil where there are conflicts and no choice.
func (base contents) merge(ours, theirs contents, all *book.Choice) (merged contents, cells, same, conflicts int) {
	merged = maps.Clone(ours)
	for _, k := range slices.Sorted(maps.Keys(base)) {
		b, o, t := base[k], ours[k], theirs[k]
		switch {
		case !t.touched(b):
		case !o.touched(b):
			merged[k] = o.become(t)
			cells++
		case o.same(t) && o.format == t.format:
			same++
		default:
			conflicts++
			if all == nil {
				merged = nil
				return nil, 0, same, conflicts
			}
			if *all == book.TakeTheirs {
				merged[k] = o.become(t)
				cells++
			}
		}
	}
	return merged.calculated(), cells, same, conflicts
}

// rebase gives what the changes of ours to base become on onto. A format is a conflict where both
// changed it differently, too. Nil where there are conflicts and no choice.
func (base contents) rebase(ours, onto contents, all *book.Choice) contents {
	out := maps.Clone(onto)
	for k, b := range base {
		o, t := ours[k], onto[k]
		is := t
		if o.format != b.format {
			is.format = o.format
		}
		written := !o.same(b) // another value of the same formula a calculation gave it
		conflict := is.format != t.format && t.format != b.format || written && !t.same(b) && !t.same(o)
		switch {
		case conflict && all == nil:
			return nil
		case conflict && *all == book.TakeTheirs:
			is = t
		case written:
			is = is.set(t, o)
		}
		out[k] = is
	}
	return out.calculated()
}

// set gives is, which has its format already, after the cell t was given the content of o.
func (is cellIs) set(t, o cellIs) cellIs {
	if o.formula != "" && o.formula == t.formula && is.format == t.format {
		return is
	}
	if t.same(o) && o.formula == "" {
		return is
	}
	is.value, is.formula = o.value, o.formula
	return is
}
