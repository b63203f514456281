// Package plain is a workbook that calculates in the plainest way: each cell when it is
// asked for, by recursion, everything anew at each calculation. It is the model that the
// real engine is compared with, and what the tables of the functions' tests run on. It is
// for tests, for small workbooks and for one goroutine.
//
// Its one invariant: between [Book.Reset] and the next change every cell has one value,
// that of its formula over the values of the others.
//
// Start reading at Book and Book.Value.
package plain

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

// Book is a workbook in memory.
type Book struct {
	Names   map[string]string // defined names of the workbook, in upper case: expression
	Listed  []grid.Table
	Formats map[Place]*numfmt.Format
	Dates   numfmt.DateSystem
	Now     float64
	File    string

	sheets  []*sheet
	active  int
	changed bool // since Reset
}

// Place is a cell of a sheet.
type Place struct {
	Sheet int
	At    cell.Ref
}

type sheet struct {
	name    string
	cells   map[cell.Ref]*entry
	spilled map[cell.Ref][]cell.Ref // the cells that an array fills beside its own, by that
	used    cell.Range              // as Used gives it, where that was asked since cells came or went
	known   bool
}

// put puts an entry into a cell, nil to empty it.
func (s *sheet) put(at cell.Ref, e *entry) {
	if s.known = false; e == nil {
		delete(s.cells, at)
		return
	}
	s.cells[at] = e
}

// vacate empties the cells that the array of a cell fills.
func (s *sheet) vacate(at cell.Ref) {
	for _, r := range s.spilled[at] {
		if e := s.cells[r]; e != nil && e.from != nil && *e.from == at {
			s.put(r, nil)
		}
	}
	delete(s.spilled, at)
}

type entry struct {
	value   cell.Value
	text    string // formula with "="
	prog    *eval.Program
	array   bool
	state   uint8 // of a formula: 0 to be calculated, 1 under way, 2 done
	from    *cell.Ref
	extents cell.Range // what an array formula fills
	fixed   bool       // it fills these and no others
}

// New makes a workbook with sheets of these names.
func New(names ...string) *Book {
	b := &Book{Names: map[string]string{}, Formats: map[Place]*numfmt.Format{}, Now: 45000.5}
	for _, n := range names {
		b.sheets = append(b.sheets, &sheet{name: n, cells: map[cell.Ref]*entry{}, spilled: map[cell.Ref][]cell.Ref{}})
	}
	return b
}

// Set puts a value.
func (b *Book) Set(sheet int, at cell.Ref, v cell.Value) {
	b.sheets[sheet].put(at, &entry{value: v})
	b.changed = true
}

// SetFormula puts a formula. With arrays it spills; fill, unless it is zero, is the range
// that it fills instead.
func (b *Book) SetFormula(sheet int, at cell.Ref, text string, arrays bool, fill cell.Range) error {
	tree, err := formula.Parse(text)
	if err != nil {
		return err
	}
	b.sheets[sheet].put(at, &entry{text: "=" + strings.TrimPrefix(text, "="), prog: eval.Compile(b, tree, sheet, at), array: arrays,
		extents: fill, fixed: fill != cell.Range{}})
	b.changed = true
	return nil
}

// Reset forgets what was calculated.
func (b *Book) Reset() {
	b.changed = false
	for _, s := range b.sheets {
		for at := range s.spilled {
			s.vacate(at)
		}
		for _, e := range s.cells {
			if e.prog != nil {
				e.state = 0
				if !e.fixed {
					e.extents = cell.Range{}
				}
			}
		}
	}
}

// settle forgets what was calculated before cells were set.
func (b *Book) settle() {
	if b.changed {
		b.Reset()
	}
}

// Calculate calculates every formula, arrays first, until what spills is stable.
func (b *Book) Calculate() {
	b.settle()
	for range 16 {
		before := b.filled()
		for i, s := range b.sheets {
			var refs []cell.Ref
			for r, e := range s.cells {
				if e.prog != nil {
					refs = append(refs, r)
				}
			}
			slices.SortFunc(refs, func(x, y cell.Ref) int {
				if x.Row != y.Row {
					return x.Row - y.Row
				}
				return x.Col - y.Col
			})
			for _, r := range refs {
				if e := s.cells[r]; e.array {
					b.Value(i, r)
				}
			}
		}
		if maps.Equal(b.filled(), before) {
			break
		}
		for _, s := range b.sheets {
			for _, e := range s.cells {
				if e.prog != nil {
					e.state = 0
				}
			}
		}
	}
	for i, s := range b.sheets {
		for r, e := range s.cells {
			if e.prog != nil {
				b.Value(i, r)
			}
		}
	}
}

// filled gives the values of the cells that arrays fill.
func (b *Book) filled() map[Place]cell.Value {
	m := map[Place]cell.Value{}
	for i, s := range b.sheets {
		for r, e := range s.cells {
			if e.from != nil {
				m[Place{i, r}] = e.value
			}
		}
	}
	return m
}

// Value gives the value of a cell, calculated.
func (b *Book) Value(sheet int, at cell.Ref) cell.Value {
	if sheet < 0 || sheet >= len(b.sheets) {
		return cell.ErrorValue(cell.ErrRef)
	}
	b.settle()
	e := b.sheets[sheet].cells[at]
	switch {
	case e == nil:
		return cell.Value{}
	case e.prog == nil || e.state == 2:
		return e.value
	case e.state == 1:
		return cell.ErrorValue(cell.ErrCirc)
	}
	e.state = 1
	b.calculate(e, sheet, at)
	e.state = 2
	return e.value
}

func (b *Book) calculate(e *entry, sheet int, at cell.Ref) {
	m := eval.NewMachine(b)
	m.Dates, m.Now, m.Rand = b.Dates, b.Now, rand.New(rand.NewPCG(1, 2))
	v := m.Run(e.prog, sheet, at, e.array)
	if !e.fixed {
		v = m.Spilled(v, at)
	}
	a := v.Array()
	s := b.sheets[sheet]
	s.vacate(at)
	if a == nil && !e.fixed {
		e.extents = cell.Range{}
		e.value = v.Scalar()
		return
	}
	if a == nil {
		a = &fn.Array{Rows: 1, Cols: 1, Cells: []cell.Value{v.Scalar()}}
	}
	if !e.fixed {
		e.extents = cell.Range{First: at, Last: cell.Ref{Row: at.Row + a.Rows - 1, Col: at.Col + a.Cols - 1}}
		for row := range a.Rows {
			for col := range a.Cols {
				r := cell.Ref{Row: at.Row + row, Col: at.Col + col}
				if other := s.cells[r]; !r.Valid() || r != at && other != nil && (other.from == nil || *other.from != at) {
					e.value, e.extents = cell.ErrorValue(cell.ErrSpill), cell.Range{}
					return
				}
			}
		}
	}
	for row := range e.extents.Rows() {
		for col := range e.extents.Cols() {
			r := cell.Ref{Row: at.Row + row, Col: at.Col + col}
			if r != at {
				s.put(r, &entry{from: &at, value: shown(a.Stretch(row, col))})
				s.spilled[at] = append(s.spilled[at], r)
			}
		}
	}
	e.value = shown(a.Cells[0])
}

// shown gives a value as the cell of an array holds it: a blank is 0 there.
func shown(v cell.Value) cell.Value {
	if v.IsBlank() {
		return cell.NumberValue(0)
	}
	return v
}

// Ask evaluates a formula as if it stood in a cell that is otherwise empty, and gives
// all of the array that comes of it.
func (b *Book) Ask(sheet int, at cell.Ref, text string, arrays bool) (fn.Value, error) {
	tree, err := formula.Parse(text)
	if err != nil {
		return fn.Value{}, err
	}
	b.active = sheet
	m := eval.NewMachine(b)
	m.Dates, m.Now, m.Rand = b.Dates, b.Now, rand.New(rand.NewPCG(1, 2))
	return m.Spilled(m.Run(eval.Compile(b, tree, sheet, at), sheet, at, arrays), at), nil
}
