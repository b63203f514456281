package eval

import (
	"slices"

	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// Scope is what the words of a formula are looked up in.
type Scope interface {
	Sheets() int
	SheetIndex(name string) (int, bool)
	// Name gives the expression that a defined name stands for, seen from a sheet: a name
	// that the sheet itself defines goes before one of the workbook. Relative references in it are
	// relative to A1.
	Name(sheet int, name string) (tree *formula.Tree, definedOn int, ok bool)
	// Table gives a table by its name, or, for an empty name, the one that holds a cell.
	Table(name string, sheet int, at cell.Ref) (*grid.Table, bool)
}

// Corner is one end of a region that a formula reads: a position, or for a relative part
// its distance from the cell that holds the formula.
type Corner = formula.Corner

// Read is one region that a formula reads, seen from the cell that holds it.
type Read struct {
	Sheet       int // index of the sheet
	First, Last Corner
	Named       bool   // it is only named: ROWS(A1:A9) goes by where it lies, not by what it holds
	Through     string // the defined name or table that the formula says instead, "" where it names cells
}

// External is cells, a name or a table of another workbook that a formula refers to.
type External struct {
	Book        string // the number of the link ("1" is the first), or the name of a file
	Sheet       string
	Name        string // "" for cells
	First, Last Corner // of cells
}

// Program is a formula that can be run.
type Program struct {
	// Reads are the regions that the formula may read or names, as far as its text tells.
	Reads []Read
	// Externals are what the formula refers to of other workbooks.
	Externals []External
	// Volatile says that the formula may give another value although nothing that it reads
	// has changed.
	Volatile bool
	// Dynamic says that what the formula reads is known only when it is run: it calls
	// INDIRECT or OFFSET, or joins cells to a range that it calculates.
	Dynamic bool
	// Subtotal says that the formula calls SUBTOTAL or AGGREGATE, which their like pass over.
	Subtotal bool
	// Ranged says that with arrays the formula gives something else than without: a range or an
	// array stands where a single value is expected. Typed into Excel it spills.
	Ranged bool
	// Tables are the names of the tables that the formula names, or parts of.
	Tables []string
	// Names are the words of the formula, and of the defined names that it goes through, that were looked
	// for among the defined names, in upper case: those that were found and those that were not.
	Names []string
	// OwnRow says that it names what stands of a table in its own row, OtherRows that it names more of one.
	OwnRow, OtherRows bool
	// Across says that in its own row it names a run of columns of a table.
	Across bool
	// Placed says that the formula goes by where it stands or where its references lie: it calls ROW, SHEET,
	// FORMULATEXT or another function of their kind, or has SUMIF read past the end of a reference.
	Placed bool
	// Intersects says that it cuts references by where they lie: by one another, or by its own row and column where that
	// is written in it.
	Intersects bool
	// Elsewhere says that the formula needs what only the program that saved the file had:
	// another workbook, a server, a macro.
	Elsewhere bool
	// Open says that literals of the formula are parameters, which each copy may have others of.
	Open bool
	// Unknown are the names of functions that are not there and of names that nobody
	// defined; each gives #NAME?.
	Unknown []string
	// Cost is about how many operations a run takes, ranges not counted.
	Cost int

	root        expr
	conditional *conditional // nil where the formula is none
}

// Outermost is the name of the function whose value the formula gives, "" where it is not one.
func (p *Program) Outermost() string {
	if k, ok := p.root.(*call); ok {
		return k.f.Name
	}
	return ""
}

// Host is what programs are run against.
type Host interface {
	fn.Book
	// Spill gives the range that the array in a cell fills: what A1# refers to.
	Spill(sheet int, at cell.Ref) (cell.Range, bool)
	// External gives the values of cells of another workbook, which the formula names by
	// number ("1" is the first external link) or by file name: a single value or an array.
	External(book, sheet string, r cell.Range) fn.Value
}

// Literals are those of copies of formulas, by their row in the band, as far as they are not
// those that the program was compiled with. Numbers and texts are numbered each by itself.
type Literals interface {
	Number(i, row int) (f float64, ok bool)
	Text(i, row int) (s string, ok bool)
	// Numbers puts those from row first on into out, and leaves the others as they are there.
	Numbers(i, first int, out []float64)
}

// expr is a node of a program.
type expr interface {
	// eval gives what the expression is; it may be a reference.
	eval(m *Machine) fn.Value
	// value gives what stands there: a single value or an array, or a function.
	value(m *Machine) fn.Value
}

// maxDepth bounds calls of functions that a formula made, inside one another.
const maxDepth = 1024

// Machine runs programs. It belongs to one goroutine.
type Machine struct {
	fn.Context
	Host Host
	// Literals are those of the cells around the one that a program is run for; nil where all are
	// those of the program.
	Literals Literals

	locals []fn.Value // what LET and LAMBDA bound, innermost last
	stack  []fn.Value // arguments of calls under way
	depth  int
}

// NewMachine makes a machine that runs programs against a host.
func NewMachine(h Host) *Machine {
	m := &Machine{Host: h}
	m.Book = h
	m.Invoke = func(_ *fn.Context, l *fn.Lambda, args []fn.Value) fn.Value { return m.invoke(l, args) }
	return m
}

// Run runs a program for a cell. With arrays the result may be an array (of more than one
// element), and a long one; without, it is cut to one value, as in formulas that were entered for a single
// cell before arrays spilled.
func (m *Machine) Run(p *Program, sheet int, at cell.Ref, arrays bool) fn.Value {
	m.Sheet, m.At, m.Arrays = sheet, at, arrays
	m.Begin()
	m.locals, m.stack, m.depth = m.locals[:0], m.stack[:0], 0
	v := p.root.value(m)
	if a := v.Array(); a != nil {
		if arrays && (len(a.Cells) > 1 || a.Long()) {
			return fn.Of(m.withoutBlanks(a))
		}
		v = fn.Scalar(a.Cells[0])
	}
	switch {
	case v.Lambda() != nil:
		return m.Fail(cell.ErrCalc, "the formula gives a function, not a value")
	case v.Scalar().IsBlank():
		return fn.Num(0) // a formula that refers to an empty cell shows 0
	}
	return v
}

// Spilled gives what a result of [Machine.Run] puts into the cells from at on. Of whole columns that is the part in use,
// but it is their whole length that has to have room.
func (m *Machine) Spilled(v fn.Value, at cell.Ref) fn.Value {
	a := v.Array()
	switch {
	case a == nil:
	case !a.Fits(at):
		return m.Fail(cell.ErrSpill, "the result does not fit on the sheet from this cell on")
	case a.Long():
		return fn.Of(a.Head())
	}
	return v
}

// withoutBlanks gives an array with 0 where it has blanks: a formula fills no cell with
// nothing.
func (m *Machine) withoutBlanks(a *fn.Array) *fn.Array {
	isBlank := func(v cell.Value) bool { return v.IsBlank() }
	if !slices.ContainsFunc(a.Cells, isBlank) {
		return a
	}
	out := fn.NewArray(a.Rows, a.Cols)
	out.Below, out.Right = a.Below, a.Right
	for i, v := range a.Cells {
		if m.StopAt(i) {
			break
		}
		if isBlank(v) {
			v = cell.NumberValue(0)
		}
		out.Cells[i] = v
	}
	return out
}

// Evaluate runs a program for a cell and gives what the expression is, a reference
// included.
func (m *Machine) Evaluate(p *Program, sheet int, at cell.Ref, arrays bool) fn.Value {
	m.Sheet, m.At, m.Arrays = sheet, at, arrays
	m.locals, m.stack, m.depth = m.locals[:0], m.stack[:0], 0
	return p.root.eval(m)
}

// withArrays evaluates with arrays switched on or off.
func (m *Machine) withArrays(on bool, f func(*Machine) fn.Value) fn.Value {
	was := m.Arrays
	m.Arrays = on
	v := f(m)
	m.Arrays = was
	return v
}

// deref gives what stands where v refers to.
func (m *Machine) deref(v fn.Value) fn.Value {
	if r := v.Ref(); r != nil {
		return m.Fetch(r)
	}
	return v
}
