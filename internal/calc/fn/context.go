package fn

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"unsafe"

	"gridflow/internal/calc/regex"
	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
)

// Run is a part of one column of a sheet, in the form in which a calculation holds it.
// It is only to be read, and only until the function it was passed to returns.
type Run struct {
	Row, Col int // of its first cell
	Kinds    []cell.Kind
	Nums     []float64 // the number; of a Bool 0 or 1, of an Error its code
	Texts    []string  // the texts by place; nil where the run has none
}

// At gives the i-th value of the run.
func (r *Run) At(i int) cell.Value {
	text := ""
	if r.Kinds[i] == cell.Text {
		text = r.Texts[i]
	}
	return cell.ValueOf(r.Kinds[i], r.Nums[i], text)
}

// Book is what functions may ask of the workbook. Whoever calculates implements it; a
// value that is asked for is up to date when the answer comes. Sheets are named by
// index. An index or a cell that does not exist has no value.
type Book interface {
	// Value gives the value of one cell.
	Value(sheet int, at cell.Ref) cell.Value
	// Runs calls f for the runs of an area that may hold values, column by column and from
	// top to bottom, until it says no more. Cells between them are blank.
	Runs(a Area, f func(*Run) bool)
	// Used is the rectangle outside of which the sheet has neither values nor formulas; ok
	// is false for an empty sheet.
	Used(sheet int) (r cell.Range, ok bool)

	Sheets() int
	SheetName(sheet int) string
	SheetIndex(name string) (int, bool)
	// Formula gives the formula text of a cell as Excel shows it, with "=".
	Formula(sheet int, at cell.Ref) (string, bool)
	// Format gives the number format of a cell; nil is General.
	Format(sheet int, at cell.Ref) *numfmt.Format
	// RowHidden reports whether a row is hidden, and whether a filter did it.
	RowHidden(sheet, row int) (hidden, byFilter bool)
	// Subtotal reports whether the formula of a cell is one of SUBTOTAL or AGGREGATE, which
	// others of their kind pass over.
	Subtotal(sheet int, at cell.Ref) bool
	// Resolve reads the text of a reference, a name or a table part, as INDIRECT does, seen
	// from the cell of c.
	Resolve(c *Context, text string, a1 bool) (*Ref, cell.ErrorCode)
	// FileName is the workbook's file name with its folder, empty if it has none.
	FileName() string
}

// Context is what one evaluation of one formula knows. It belongs to one goroutine. The
// evaluator fills it and calls functions with it.
type Context struct {
	Book  Book
	Sheet int      // the sheet and
	At    cell.Ref // the cell that hold the formula
	Dates numfmt.DateSystem
	// Now is the moment of the calculation as a serial of Dates, local time. It is the same
	// for all formulas of a calculation and in the record of it.
	Now float64
	// Rand gives the random numbers. It is seeded for each formula from the calculation's
	// recorded seed, so that a replay gives the same ones in whatever order.
	Rand *rand.Rand
	// Arrays says that arrays are not cut to one value here: in the formulas that were
	// entered as arrays, and in arguments that take whole ones.
	Arrays bool

	// Invoke calls a function that a formula made.
	Invoke func(c *Context, l *Lambda, args []Value) Value
	// Stopped reports whether the calculation is to end; loops without a small bound ask now
	// and then. The value that comes of it is thrown away.
	Stopped func() bool
	// Why, if not nil, is told of each error value that arises, for explanations.
	Why func(code cell.ErrorCode, reason string)
	// Calling is the function that is being called, while Why listens.
	Calling string
	// Index, if not nil, finds values in columns faster than a scan does.
	Index Index

	// Claim, if not nil, is told of the memory that large arrays take, in bytes, when they are made, and with a negative
	// number when the evaluation that made them is over. Where that is too much, Stopped says so at once.
	Claim func(bytes int64)

	made    int     // elements of large arrays in this evaluation
	claimed int64   // bytes that Claim was told of
	room    *picked // for the next selection by an index, nil while one uses it

	// What was compiled from a text before: formulas that are filled down ask for the same.
	formats kept[*numfmt.Format]
	regexes kept[*regex.Regexp]
}

// kept holds what was made from texts of late.
type kept[T any] map[string]T

// keepMost bounds what is kept; then all is forgotten and it begins anew.
const keepMost = 64

// of gives what build makes of key, from an earlier time if it can.
func (k *kept[T]) of(key string, build func() (T, error)) (T, error) {
	if v, ok := (*k)[key]; ok {
		return v, nil
	}
	v, err := build()
	if err != nil {
		return v, err
	}
	if *k == nil || len(*k) >= keepMost {
		*k = kept[T]{}
	}
	(*k)[key] = v
	return v, nil
}

// Fail gives an error value and says why it arose: in a sentence without a full stop,
// for whoever reads an explanation. The reason is only made where it is asked for if it
// is constant.
func (c *Context) Fail(code cell.ErrorCode, reason string) Value {
	if c.Why != nil {
		c.Why(code, reason)
	}
	return Err(code)
}

// Room reports whether a function may make an array of this size, and counts it. The answer
// to no is #NUM!. All large arrays of one evaluation together are bounded: how many of them
// are in memory at a time nobody knows. No to all is what a calculation is told that is to end.
func (c *Context) Room(rows, cols int) bool {
	if rows <= 0 || cols <= 0 || rows > cell.MaxRows || cols > cell.MaxCols || rows*cols > MaxElements {
		return false
	}
	n := rows * cols
	if n < largeArray {
		return true
	}
	if c.made+n > EvaluationElements || !c.claim(int64(n)*elementBytes) {
		return false
	}
	c.made += n
	return true
}

// claim counts memory before it is taken, and reports whether the calculation is to go on.
func (c *Context) claim(bytes int64) bool {
	if c.Claim != nil {
		c.claimed += bytes
		c.Claim(bytes)
	}
	return !c.Stop()
}

// Begin is called before each evaluation.
func (c *Context) Begin() {
	c.made = 0
	if c.claimed > 0 {
		c.Claim(-c.claimed)
		c.claimed = 0
	}
}

// elementBytes is what an element of an array takes.
const elementBytes = int64(unsafe.Sizeof(cell.Value{}))

// EvaluationElements bounds the elements of all large arrays that one evaluation of a
// formula makes. Arrays of less than largeArray elements do not count: they are many where
// a function is called for each element of an array, and soon gone.
const (
	EvaluationElements = 4 * MaxElements
	largeArray         = 1 << 16
)

// Stop reports whether the calculation is to end.
func (c *Context) Stop() bool { return c.Stopped != nil && c.Stopped() }

// StopAt is Stop for loops over many elements that take little each, of which i is the number:
// it asks at one of 4 096.
func (c *Context) StopAt(i int) bool { return i&4095 == 4095 && c.Stop() }

// pace is StopAt for loops whose steps copy several elements each.
type pace struct {
	c *Context
	n int // elements since the last question
}

// stop counts n elements more and, where they have become many, asks whether the calculation is to end.
func (p *pace) stop(n int) bool {
	if p.n += n; p.n < 1<<12 {
		return false
	}
	p.n = 0
	return p.c.Stop()
}

// sort orders numbers, ascending; in no certain order where the calculation is to end.
func (c *Context) sort(xs []float64) {
	if len(xs) <= 1<<16 { // a few milliseconds, and twice as fast
		slices.Sort(xs)
		return
	}
	sortFunc(c, xs, cmp.Compare[float64])
}

// sortFunc is slices.SortFunc that ends when the calculation is to: it then has everything be
// equal, with which the sort is soon done.
func sortFunc[T any](c *Context, xs []T, compare func(a, b T) int) {
	asked, stopped := 0, false
	slices.SortFunc(xs, func(a, b T) int {
		if asked++; c.StopAt(asked) {
			stopped = true
		}
		if stopped {
			return 0
		}
		return compare(a, b)
	})
}
