package calc

import (
	"context"

	"gridflow/internal/calc/eval"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// Model is the formulas of a workbook, compiled. It is immutable and may be used by any
// number of calculations at once.
type Model struct {
	words     *words
	templates []template
	sheets    []*formulas
	volatile  []place // formulas that may change although nothing that they read has
	cells     int
}

// template is what all copies of a formula on a sheet share.
type template struct {
	prog  *eval.Program
	text  string // of the first one, as the file has it
	at    cell.Ref
	kind  grid.FormulaKind
	fault string // why the text is no formula
}

// place is a cell of the workbook.
type place struct {
	sheet int
	at    cell.Ref
}

// formulas says which cells of a sheet have which formula.
type formulas struct {
	cols   map[int]*formulaColumn
	arrays []array
	used   cell.Range // of the cells with formulas
}

// formulaColumn has a tile for each band; nil where the band has no formula in the column.
type formulaColumn struct{ bands []*formulaTile }

// formulaTile says for each row of a band which template its formula has: its index plus
// one. A negative number -n is a cell that array formula n-1 fills. 0 is none.
type formulaTile [grid.BandRows]int32

// array is a formula that fills a range.
type array struct {
	anchor  cell.Ref
	fills   cell.Range
	dynamic bool // what it fills is what it gives; otherwise it is fixed
}

// NewModel compiles the formulas of a workbook. The error is that of ctx.
func NewModel(ctx context.Context, in Input) (*Model, error) {
	m := &Model{words: newWords(in), sheets: make([]*formulas, len(in.Sheets))}
	for i, s := range in.Sheets {
		if s == nil || s.FormulaCells() == 0 {
			continue
		}
		if err := m.load(ctx, i, s); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// load takes in the formulas of a sheet.
func (m *Model) load(ctx context.Context, sheet int, s *grid.Sheet) error {
	used, _ := s.Used()
	f := &formulas{cols: map[int]*formulaColumn{}}
	m.sheets[sheet] = f
	byText := map[string]int32{}
	type group struct {
		anchor cell.Ref
		kind   grid.FormulaKind
	}
	byGroup := map[group]int32{}
	var key []byte
	n := 0
	for c := range s.Cells(used) {
		if n++; n&0xfff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if !c.HasFormula() {
			continue
		}
		text := s.Formula(c)
		if text.Kind == grid.DataTable {
			continue // a what-if table keeps the values that it was saved with
		}
		var id int32
		shared := group{text.Anchor, text.Kind}
		if text.Kind == grid.SharedFormula {
			id = byGroup[shared]
		}
		if id == 0 {
			key = append(key[:0], byte(text.Kind))
			if text.Kind == grid.SharedFormula {
				key[0] = byte(grid.NormalFormula)
			}
			at := text.Anchor
			if text.Kind == grid.NormalFormula {
				at = c.Ref
			}
			var err error
			key, err = formula.AppendRelative(key, text.Text, at)
			if err != nil {
				key = append(key, text.Text...)
			}
			if id = byText[string(key)]; id == 0 {
				id = m.template(sheet, text, at)
				byText[string(key)] = id
			}
			if text.Kind == grid.SharedFormula {
				byGroup[shared] = id
			}
		}
		f.put(c.Ref, id)
		m.cells++
		if m.templates[id-1].prog.Volatile {
			m.volatile = append(m.volatile, place{sheet, c.Ref})
		}
		if text.Kind == grid.ArrayFormula || text.Kind == grid.DynamicArray {
			f.array(array{anchor: c.Ref, fills: text.Range, dynamic: text.Kind == grid.DynamicArray})
		}
	}
	return nil
}

// template compiles a formula and gives its index plus one.
func (m *Model) template(sheet int, f grid.Formula, at cell.Ref) int32 {
	t := template{text: f.Text, at: at, kind: f.Kind}
	if t.kind == grid.SharedFormula {
		t.kind = grid.NormalFormula
	}
	tree, err := formula.Parse(f.Text)
	if err != nil {
		t.fault = err.Error()
		tree, _ = formula.Parse("#NAME?")
	}
	t.prog = eval.Compile(m.words, tree, sheet, at)
	m.templates = append(m.templates, t)
	return int32(len(m.templates))
}

func (t *template) arrays() bool { return t.kind != grid.NormalFormula }

// put says which formula a cell has.
func (f *formulas) put(at cell.Ref, id int32) {
	one := cell.Range{First: at, Last: at}
	if len(f.cols) == 0 {
		f.used = one
	} else {
		f.used = f.used.Union(one)
	}
	c := f.cols[at.Col]
	if c == nil {
		c = &formulaColumn{}
		f.cols[at.Col] = c
	}
	band := at.Row / grid.BandRows
	for len(c.bands) <= band {
		c.bands = append(c.bands, nil)
	}
	if c.bands[band] == nil {
		c.bands[band] = new(formulaTile)
	}
	c.bands[band][at.Row%grid.BandRows] = id
}

// array notes a formula that fills a range.
func (f *formulas) array(a array) {
	f.arrays = append(f.arrays, a)
	for row := a.fills.First.Row; row <= a.fills.Last.Row; row++ {
		for col := a.fills.First.Col; col <= a.fills.Last.Col; col++ {
			if at := (cell.Ref{Row: row, Col: col}); at != a.anchor {
				f.put(at, -int32(len(f.arrays)))
			}
		}
	}
}

// tile gives the formulas of a band of a column, or nil.
func (f *formulas) tile(col, band int) *formulaTile {
	if f == nil {
		return nil
	}
	c := f.cols[col]
	if c == nil || band >= len(c.bands) {
		return nil
	}
	return c.bands[band]
}

// Formulas is the number of cells with a formula.
func (m *Model) Formulas() int { return m.cells }

// Templates is the number of different formulas, where copies are the same.
func (m *Model) Templates() int { return len(m.templates) }
