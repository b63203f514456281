package calc

import (
	"context"
	"errors"
	"math"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// How many sets of inputs are calculated side by side. The formulas that depend on the inputs and that
// some output depends on are put into one order, once. Each set is a lane. A formula is then calculated for a
// block of lanes at a time: what it reads of other such formulas are lists with a number for each lane, and
// all else is one number. So the order, the places of what is read and the form of the formula are found once for
// all lanes (lanes_make.go). Where code over lanes does not know a value (a text, an error, a division by 0,
// a function that it does not have) the formula's program is run for that lane (lanes_run.go).

// LaneInput is a cell that inputs go to.
type LaneInput struct {
	Cell
	Blank bool // in some set, or in the workbook, it holds nothing
}

// Lanes is formulas, prepared to be calculated for many sets of inputs side by side. It is
// immutable, and any number of goroutines may call Run at once.
type Lanes struct {
	c        *calculation // nothing of which is to be calculated: the values that are the same in all lanes
	forms    []laneForm
	cells    []laneCell // those that are needed, in their order
	operands []int32    // slots, and ^i of numbers
	numbers  []float64
	slots    int

	inputs  []int32 // slots of the inputs, -1 of one that nothing reads
	outputs []int32 // slots of the outputs, -1 of one that is the same in all lanes
	fixed   []cell.Value

	// What programs read: the values by cell.
	sheets []laneSheet
	slotOf []int32 // by value
	until  []int32 // by value: up to which of cells it is there
	since  []int32 // by value: behind which of cells it is there
}

// ErrOneByOne says that the sets that are left have to be calculated one by one.
var ErrOneByOne = errors.New("a formula reads cells that its text does not tell")

// laneForm is a template as lanes are calculated with it.
type laneForm struct {
	*program
	code   *eval.LaneCode // nil: only the program
	kind   grid.FormulaKind
	shared []int32 // by leaf of code: the value of a part that all copies share, 0 until it was made
}

// laneKind says how the value of a laneCell comes about.
type laneKind uint8

const (
	byCode laneKind = iota
	byFold
	byProgram
)

// laneCell is a step of the calculation: the value of a cell, or a part of it that is hidden.
type laneCell struct {
	kind    laneKind
	hidden  bool
	raw     bool // of a fold: what was gathered, and not what a cell holds
	op      eval.FoldOp
	code    *eval.LaneCode
	form    int32 // of the program that is run where the value is not known; of one that is not hidden
	sheet   int32
	row     int32
	col     int32
	first   int32 // operands; of a fold the first one is what it begins with
	count   int32
	numbers int32 // that a fold takes
	slot    int32
}

func (x *laneCell) at() cell.Ref { return cell.Ref{Row: int(x.row), Col: int(x.col)} }

// laneSheet says which cells of a sheet differ between lanes: by column and band, the number of their
// value in each row.
type laneSheet struct{ cols [][]*laneTile }

type laneTile [grid.BandRows]int32

// Values of cells that differ: none, one that cannot be calculated over lanes, and from firstValue on those
// that can.
const (
	sameInAll  int32 = 0
	notByLanes int32 = 1
	firstValue int32 = 2
)

// tile gives the tile of a column and band, nil where no cell of it differs.
func (s *laneSheet) tile(col, band int) *laneTile {
	if col >= len(s.cols) || band >= len(s.cols[col]) {
		return nil
	}
	return s.cols[col][band]
}

// value gives the value of a cell.
func (l *Lanes) value(sheet int, at cell.Ref) int32 {
	if t := l.sheets[sheet].tile(at.Col, at.Row/grid.BandRows); t != nil {
		return t[at.Row%grid.BandRows]
	}
	return sameInAll
}

// put sets the value of a cell.
func (l *Lanes) put(sheet int, at cell.Ref, value int32) {
	s, band := &l.sheets[sheet], at.Row/grid.BandRows
	for len(s.cols) <= at.Col {
		s.cols = append(s.cols, nil)
	}
	for len(s.cols[at.Col]) <= band {
		s.cols[at.Col] = append(s.cols[at.Col], nil)
	}
	t := s.cols[at.Col][band]
	if t == nil {
		t = new(laneTile)
		s.cols[at.Col][band] = t
	}
	t[at.Row%grid.BandRows] = value
}

// touches reports whether a cell near an area differs: one in a tile that it meets.
func (l *Lanes) touches(sheet int, r cell.Range) bool {
	s := &l.sheets[sheet]
	for col := r.First.Col; col <= r.Last.Col && col < len(s.cols); col++ {
		for band := r.First.Row / grid.BandRows; band <= r.Last.Row/grid.BandRows && band < len(s.cols[col]); band++ {
			if s.cols[col][band] != nil {
				return true
			}
		}
	}
	return false
}

// differs reports whether a cell of an area differs.
func (l *Lanes) differs(sheet int, r cell.Range) bool {
	s := &l.sheets[sheet]
	for col := r.First.Col; col <= r.Last.Col && col < len(s.cols); col++ {
		for band := r.First.Row / grid.BandRows; band <= r.Last.Row/grid.BandRows && band < len(s.cols[col]); band++ {
			if t, top := s.cols[col][band], band*grid.BandRows; t != nil {
				for _, v := range t[max(r.First.Row-top, 0):min(r.Last.Row-top+1, grid.BandRows)] {
					if v != sameInAll {
						return true
					}
				}
			}
		}
	}
	return false
}

// lanesMax bounds the formulas that are calculated over lanes, and the terms of sums.
const lanesMax = 1 << 22

// Lanes prepares the formulas of the workbook in to be calculated for many sets of inputs: what those cells
// come to that are outputs. in is the workbook with one of the sets, all of whose formulas were calculated at the moment of
// opt before that set came; the sets differ in values alone. It gives nil where the sets have to be calculated one by one:
// where an output depends on an array that fills other cells than its own, on INDIRECT or OFFSET, or on formulas that have no
// order but that in which they ask for each other, as those that depend on themselves; where any dynamic array
// depends on inputs, for others may be in its way; and where an input lies in what an array fills, or decides
// how far its sheet is used. The error is that of ctx or an [ErrTooLarge].
func (m *Model) Lanes(ctx context.Context, in Input, opt Options, inputs []LaneInput, outputs []Cell) (*Lanes, error) {
	if len(m.blocked) > 0 {
		return nil, nil
	}
	sources := make([]graph.Area, len(inputs))
	for i, x := range inputs {
		if s := in.Sheets[x.Sheet]; s == nil || x.Blank && !inside(s, x.At) {
			return nil, nil
		}
		if _, ok := m.graph.SpanAt(x.Sheet, x.At); ok {
			return nil, nil // an array fills it
		}
		sources[i] = graph.Area{Sheet: x.Sheet, Range: cell.Range{First: x.At, Last: x.At}}
	}
	d, err := m.graph.Dirty(ctx, sources, opt.Bytes)
	if err != nil || d.Cells() > lanesMax {
		return nil, err
	}
	for s := range d.Spans() {
		if s.Template.Kind == grid.DynamicArray {
			return nil, nil
		}
	}
	plan, err := d.Plan(ctx)
	if err != nil {
		return nil, err
	}
	k := &laneMaker{Lanes: &Lanes{c: m.begin(in, opt), sheets: make([]laneSheet, len(in.Sheets))}, forms: map[*graph.Template]int32{}, sums: map[columnKey]gathered{}}
	stop := context.AfterFunc(ctx, func() { k.c.signal.Store(halt) })
	defer stop()
	k.w = k.c.worker()
	n := int(d.Cells())
	k.ids = make([]laneValue, int(firstValue), n+n/8+len(inputs)+int(firstValue))
	k.cells, k.operands = make([]laneCell, 0, n+n/8), make([]int32, 0, 3*n)
	k.mark(d)
	for _, x := range inputs {
		k.put(x.Sheet, x.At, k.fresh(-1))
	}
	k.make(plan)
	for _, x := range outputs {
		k.out = append(k.out, k.value(x.Sheet, x.At))
		k.fixed = append(k.fixed, k.w.Value(x.Sheet, x.At))
	}
	ok := k.arrange(len(inputs))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case k.c.memory.exceeded():
		return nil, &ErrTooLarge{Most: opt.Bytes}
	case !ok:
		return nil, nil
	}
	return k.Lanes, nil
}

// inside reports whether a cell lies where it does not decide how far the sheet is used, whatever it holds.
func inside(s *grid.Sheet, at cell.Ref) bool {
	u, ok := s.Used()
	return ok && at.Row > u.First.Row && at.Row < u.Last.Row && at.Col > u.First.Col && at.Col < u.Last.Col
}

// boxed is what a list holds in a lane without a number: a NaN that says what is there instead. For code all of
// them are not known.
func boxed(k cell.Kind, payload uint32) float64 {
	return math.Float64frombits(boxBits | uint64(k)<<32 | uint64(payload))
}

const boxBits = 0x7ffc << 48

// unboxed gives what a NaN of boxed says.
func unboxed(f float64) (k cell.Kind, payload uint32) {
	b := math.Float64bits(f)
	return cell.Kind(b >> 32 & 0xff), uint32(b)
}

// laneValue is what is known of a value while the order is made.
type laneValue struct {
	cell   int32 // that makes it; -1 of an input
	until  int32 // the last of cells that reads it, forever where that is not known
	needed bool
}

const forever = math.MaxInt32
