package book

import (
	"fmt"

	"gridflow/internal/cell"
)

// Code says to a program what is wrong with a request.
type Code string

// The codes; why a structural change is refused, structure.Reason says.
const (
	SheetNotFound Code = "SHEET_NOT_FOUND"     // no sheet of that name
	NotAWorksheet Code = "NOT_A_WORKSHEET"     // a chart sheet or the like: it has no cells
	BadCell       Code = "BAD_CELL"            // no cell of a worksheet, or an edit of it that says two things
	BadValue      Code = "BAD_VALUE"           // what no cell can hold
	BadFormula    Code = "BAD_FORMULA"         // no formula
	BadFormat     Code = "BAD_FORMAT"          // no number format code
	BadLayout     Code = "BAD_LAYOUT"          // columns or panes that no sheet can have
	BadTable      Code = "BAD_TABLE"           // a table that is not there, or cannot become that
	BadName       Code = "BAD_NAME"            // what cannot be a defined name
	TooLong       Code = "TOO_LONG"            // longer than Excel allows
	ArrayPart     Code = "ARRAY_PART"          // a part of an array formula or data table, without the rest
	TooMany       Code = "TOO_MANY"            // more than can be stored
	BadEdit       Code = "BAD_EDIT"            // bytes that are no edit, or none of this version
	BadChoice     Code = "BAD_CHOICE"          // a resolution that fits no conflict, or a conflict without one
	Unrelated     Code = "UNRELATED_WORKBOOKS" // what needs states of one workbook was given others
	BothMoved     Code = "STRUCTURE_CONFLICT"  // what two sides did to rows, columns or sheets cannot be brought together
)

// Error says why an edit, or another request of this package, is refused. Nothing was
// changed then.
type Error struct {
	Code    Code
	Op      int    // index of the operation, -1 where it is none that is wrong
	Cell    int    // index of the cell edit in the operation, -1 likewise
	Sheet   string // as the request names it
	Ref     cell.Ref
	Message string // what is wrong, without a capital and a full stop
	Hint    string // what to do about it, a sentence; may be empty

	cause error
}

// Error gives the message with its place; the hint is left to whoever shows it.
func (e *Error) Error() string {
	switch {
	case e.Cell >= 0:
		return fmt.Sprintf("operation %d, cell %d (%s!%v): %s", e.Op, e.Cell, cell.QuoteSheet(e.Sheet), e.Ref, e.Message)
	case e.Op >= 0:
		return fmt.Sprintf("operation %d: %s", e.Op, e.Message)
	}
	return e.Message
}

// Unwrap gives the error behind this one, if any.
func (e *Error) Unwrap() error { return e.cause }

// errorf makes an Error that is about no operation.
func errorf(code Code, hint, format string, args ...any) *Error {
	return &Error{Code: code, Op: -1, Cell: -1, Message: fmt.Sprintf(format, args...), Hint: hint}
}
