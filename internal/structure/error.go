package structure

import "fmt"

// Reason says to a program why a change is refused.
type Reason string

// The reasons.
const (
	BadKind     Reason = "UNKNOWN_KIND"     // no such change
	NoSheet     Reason = "SHEET_NOT_FOUND"  // the workbook has no sheet of that name
	BadName     Reason = "SHEET_NAME"       // no name for a sheet
	NameTaken   Reason = "SHEET_NAME_TAKEN" // two sheets would have the name
	LastSheet   Reason = "LAST_SHEET"       // no visible sheet would be left
	OutOfBounds Reason = "OUT_OF_BOUNDS"    // not on the sheet, or not in the list
	CellsPushed Reason = "CELLS_PUSHED_OUT" // cells would go beyond the end of the sheet
	ArrayPart   Reason = "ARRAY_PART"       // a part of an array formula or what-if table would go or move
	TableHeader Reason = "TABLE_HEADER"     // a table would lose its header row
	TableRows   Reason = "TABLE_ROWS"       // a table would lose all of its rows
	TablePart   Reason = "TABLE_PART"       // a part of a table would move
	PivotPart   Reason = "PIVOT_PART"       // a part of a pivot table would change
	MergedPart  Reason = "MERGED_PART"      // a part of merged cells would move
)

// Error says why a change cannot be made, and what to do instead.
type Error struct {
	Reason  Reason
	Message string // what is wrong, without a capital and a full stop
	Hint    string // what to do about it, a sentence
}

// Error gives the message; the hint is left to whoever shows it.
func (e *Error) Error() string { return e.Message }

func refuse(reason Reason, hint, format string, args ...any) error {
	return &Error{Reason: reason, Message: fmt.Sprintf(format, args...), Hint: hint}
}
