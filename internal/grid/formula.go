package grid

import "gridflow/internal/cell"

// FormulaKind says how a formula is stored in the file.
type FormulaKind uint8

// The kinds of formula.
const (
	NormalFormula FormulaKind = iota
	SharedFormula             // one text for many cells, relative to its anchor
	ArrayFormula              // one formula that fills Range (Ctrl+Shift+Enter)
	DynamicArray              // an array formula that spills
	DataTable                 // a what-if table; Text is empty
)

// String gives the kind in lower case.
func (k FormulaKind) String() string {
	return [...]string{"normal", "shared", "array", "dynamic_array", "data_table"}[k]
}

// Formula is a formula as the file states it.
type Formula struct {
	Text   string // without "="; for a SharedFormula the text at Anchor, to be shifted to the cell
	Kind   FormulaKind
	Anchor cell.Ref   // the cell that Text is written for
	Range  cell.Range // the cells that share it or are filled by it; zero for a NormalFormula
}

// formulas holds a sheet's formulas in a form without a pointer per formula.
type formulas struct {
	list   []formulaRecord
	texts  *Strings
	groups []formulaGroup
}

type formulaRecord struct {
	text  uint32 // index into texts
	group int32  // index into groups, -1 for a normal formula
}

type formulaGroup struct {
	kind   FormulaKind
	anchor cell.Ref
	rng    cell.Range
}

func (f *formulas) memoryBytes() int64 {
	if f == nil {
		return 0
	}
	return f.texts.MemoryBytes() + int64(8*cap(f.list)+56*cap(f.groups))
}

// Formula gives the formula of a cell that HasFormula; for any other cell it is zero.
func (s *Sheet) Formula(c Cell) Formula {
	if c.formula < 0 || s.formulas == nil || int(c.formula) >= len(s.formulas.list) {
		return Formula{}
	}
	rec := s.formulas.list[c.formula]
	f := Formula{Text: s.formulas.texts.At(rec.text), Anchor: c.Ref}
	if rec.group >= 0 {
		g := &s.formulas.groups[rec.group]
		f.Kind, f.Anchor, f.Range = g.kind, g.anchor, g.rng
	}
	return f
}
