package fn

import (
	"gridflow/internal/cell"
)

// Value is what an expression gives: one value as a cell can hold it, an array of such
// values, a reference to cells, a function (LAMBDA), or nothing, where an argument was
// left out. The zero Value is a blank.
//
// A Value is copied freely; the Array, Ref or Lambda in it is never changed once it has
// been handed out.
type Value struct {
	scalar cell.Value
	more   compound
}

// compound is what a Value can be besides a single one.
type compound interface{ compound() }

// omitted is an argument that was left empty, as the second in ROUND(1,).
type omitted struct{}

func (*Array) compound()  {}
func (*Ref) compound()    {}
func (*Lambda) compound() {}
func (omitted) compound() {}

// The ways to make a Value.
var (
	// Omitted is an argument that was left empty between its commas.
	Omitted = Value{more: omitted{}}
	// True and False are the logical values.
	True, False = Bool(true), Bool(false)
)

// Scalar holds one value of a cell.
func Scalar(v cell.Value) Value { return Value{scalar: v} }

// The smallest number that a cell holds; what is closer to 0 is 0.
const smallest = 0x1p-1022

// Num holds a number. What no cell can hold, an infinity or a NaN, becomes #NUM!; what is
// too small to be held, and the negative zero, becomes 0.
func Num(f float64) Value {
	if f-f != 0 {
		return Err(cell.ErrNum)
	}
	if f < smallest && f > -smallest {
		f = 0
	}
	return Value{scalar: cell.NumberValue(f)}
}

// Text holds a text.
func Text(s string) Value { return Value{scalar: cell.TextValue(s)} }

// Bool holds a logical value.
func Bool(b bool) Value { return Value{scalar: cell.BoolValue(b)} }

// Err holds an error value. [Context.Fail] makes one that says why.
func Err(e cell.ErrorCode) Value { return Value{scalar: cell.ErrorValue(e)} }

// Of holds an array; one of a single element is still an array.
func Of(a *Array) Value { return Value{more: a} }

// To holds a reference.
func To(r *Ref) Value { return Value{more: r} }

// Func holds a function.
func Func(l *Lambda) Value { return Value{more: l} }

// IsScalar reports whether v is a single value.
func (v Value) IsScalar() bool { return v.more == nil }

// Scalar gives the single value in v; it is blank unless v IsScalar.
func (v Value) Scalar() cell.Value { return v.scalar }

// Array gives the array in v, or nil.
func (v Value) Array() *Array { a, _ := v.more.(*Array); return a }

// Ref gives the reference in v, or nil.
func (v Value) Ref() *Ref { r, _ := v.more.(*Ref); return r }

// Lambda gives the function in v, or nil.
func (v Value) Lambda() *Lambda { l, _ := v.more.(*Lambda); return l }

// IsOmitted reports whether v stands for an argument that was left empty.
func (v Value) IsOmitted() bool { _, ok := v.more.(omitted); return ok }

// Err is the error value in v, and 0 unless v is a single error.
func (v Value) Err() cell.ErrorCode { return v.scalar.Err() }

// Array is a rectangle of values, at least one, row by row. It is immutable once it has
// been given to somebody else.
type Array struct {
	Rows, Cols int
	Cells      []cell.Value // Rows × Cols
	// Below and Right are how many more rows and columns there are, each like the last one: what is made of whole columns
	// and rows is the same everywhere beyond the part of the sheet that is used. [Apply] gives such a long array only
	// to functions that know of it.
	Below, Right int
	// Areas, if not nil, says that the elements are references, as OFFSET and INDIRECT give them, and which cells each is
	// of; Cells then has the values of the first ones. An element that is an error has a negative Sheet.
	Areas []Area
}

// Height is the number of all rows.
func (a *Array) Height() int { return a.Rows + a.Below }

// Width is the number of all columns.
func (a *Array) Width() int { return a.Cols + a.Right }

// Long reports whether there is more of the array than its elements.
func (a *Array) Long() bool { return a.Below > 0 || a.Right > 0 }

// MaxElements bounds an array that a function makes or a range is read into: 2^24
// elements, which is a third more than ten whole columns.
const MaxElements = 1 << 24

// NewArray makes an array of blanks to be filled. Who makes one of a size that the
// formula decides asks [Context.Room] first.
func NewArray(rows, cols int) *Array {
	return &Array{Rows: rows, Cols: cols, Cells: make([]cell.Value, rows*cols)}
}

// Column makes an array of one column.
func Column(cells []cell.Value) *Array { return &Array{Rows: len(cells), Cols: 1, Cells: cells} }

// At gives the element in a row and a column counted from 0.
func (a *Array) At(row, col int) cell.Value { return a.Cells[row*a.Cols+col] }

// Set puts an element; only whoever made the array may, before handing it out.
func (a *Array) Set(row, col int, v cell.Value) { a.Cells[row*a.Cols+col] = v }

// Stretch gives the element for a place in a larger array: a single row, column or
// element repeats, and past the end of anything else is #N/A.
func (a *Array) Stretch(row, col int) cell.Value {
	if i, ok := a.Place(row, col); ok {
		return a.Cells[i]
	}
	return cell.ErrorValue(cell.ErrNA)
}

// Place gives which of Cells [Array.Stretch] takes.
func (a *Array) Place(row, col int) (i int, ok bool) {
	switch {
	case a.Rows == 1:
		row = 0
	case row >= a.Rows && row < a.Rows+a.Below:
		row = a.Rows - 1
	}
	switch {
	case a.Cols == 1:
		col = 0
	case col >= a.Cols && col < a.Cols+a.Right:
		col = a.Cols - 1
	}
	return row*a.Cols + col, row < a.Rows && col < a.Cols
}

// reference gives the reference that an element of an array of references is, stretched as [Array.Stretch] does, or its error.
func (a *Array) reference(row, col int) Value {
	i, ok := a.Place(row, col)
	switch {
	case !ok:
		return Err(cell.ErrNA)
	case a.Areas[i].Sheet < 0:
		return Scalar(a.Cells[i])
	}
	return To(Cells(a.Areas[i]))
}

// Area is a rectangle of cells of one sheet.
type Area struct {
	Sheet int // index in the workbook
	Range cell.Range
}

// Single reports whether the area is one cell.
func (a Area) Single() bool { return a.Range.First == a.Range.Last }

// Ref is a reference: one area or, for a union or a 3-D reference, several.
type Ref struct {
	Areas []Area // at least one
	// Across says that the areas are the same cells of neighbouring sheets: Jan:Dec!A1.
	// Functions that look at places, not at values, do not take such a reference.
	Across bool
}

// Cells makes a reference to one area.
func Cells(a Area) *Ref { return &Ref{Areas: []Area{a}} }

// Lambda is a function that a formula made. Only the evaluator knows its inside.
type Lambda struct {
	Params   int // how many it takes at most
	Optional int // how many of these, the last ones, may be left out
	Body     any // the evaluator's
}
