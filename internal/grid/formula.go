package grid

import (
	"cmp"
	"iter"
	"slices"
	"sort"
	"sync"

	"gridflow/internal/cell"
)

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

	// The array formulas of more than one cell, by the first row that they fill, made when
	// they are first asked for; none fills more than tallest rows.
	arraysOnce sync.Once
	arrays     []readArray
	tallest    int
}

// readArray is an array formula as it was read.
type readArray struct {
	Formula
	number int32 // of the formula: its own cell has another one, or none, once it is replaced
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

// len is the number of formulas that were read.
func (f *formulas) len() int {
	if f == nil {
		return 0
	}
	return len(f.list)
}

func (f *formulas) memoryBytes() int64 {
	if f == nil {
		return 0
	}
	return f.texts.MemoryBytes() + int64(8*cap(f.list)+56*cap(f.groups))
}

// Formula gives the formula of a cell of s that HasFormula; for any other cell it is zero.
//
// Formulas are numbered: first those that were read, then those of edited cells in the
// bands, then those of the patches over them.
func (s *Sheet) Formula(c Cell) Formula {
	if c.formula < 0 {
		return Formula{}
	}
	if n := s.formulas.len(); int(c.formula) >= n {
		return s.spilled(s.ownFormula(c, int(c.formula)-n))
	}
	rec := s.formulas.list[c.formula]
	f := Formula{Text: s.formulas.texts.At(rec.text), Anchor: c.Ref}
	if rec.group >= 0 {
		g := &s.formulas.groups[rec.group]
		f.Kind, f.Anchor, f.Range = g.kind, g.anchor, g.rng
		if g.kind == DynamicArray {
			return s.spilled(f)
		}
	}
	return f
}

// InArray reports whether an array formula that fills more than one cell gives the value of a cell.
func (s *Sheet) InArray(r cell.Ref) bool {
	for range s.Arrays(cell.Range{First: r, Last: r}) {
		return true
	}
	return false
}

// Arrays gives the array formulas that fill more than one cell and touch r. Only the
// anchor of one has the formula in the file, the other cells have its values.
func (s *Sheet) Arrays(r cell.Range) iter.Seq[Formula] {
	return func(yield func(Formula) bool) {
		if !s.eachSpill(r, yield) {
			return
		}
		f := s.formulas
		if f == nil || len(f.groups) == 0 {
			return
		}
		f.arraysOnce.Do(f.findArrays)
		i := sort.Search(len(f.arrays), func(i int) bool { return f.arrays[i].Range.First.Row > r.First.Row-f.tallest })
		for ; i < len(f.arrays) && f.arrays[i].Range.First.Row <= r.Last.Row; i++ {
			_, touch := f.arrays[i].Range.Intersect(r)
			if touch && !s.ended(&f.arrays[i]) && !yield(f.arrays[i].Formula) {
				return
			}
		}
	}
}

func (f *formulas) findArrays() {
	for i, rec := range f.list {
		if rec.group < 0 {
			continue
		}
		g := &f.groups[rec.group]
		if g.kind != ArrayFormula && g.kind != DynamicArray && g.kind != DataTable || g.rng.Cells() < 2 {
			continue
		}
		f.arrays = append(f.arrays, readArray{Formula{f.texts.At(rec.text), g.kind, g.anchor, g.rng}, int32(i)})
		f.tallest = max(f.tallest, g.rng.Rows())
	}
	slices.SortStableFunc(f.arrays, func(a, b readArray) int { return cmp.Compare(a.Range.First.Row, b.Range.First.Row) })
}
