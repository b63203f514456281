package xlsx

import (
	"fmt"
	"strconv"
	"strings"

	"gridflow/internal/xlsx/xmltext"
)

// Code says to a program what kind of failure an Error is.
type Code string

// The codes.
const (
	Unreadable  Code = "FILE_UNREADABLE"    // damaged, cut short, or no workbook at all
	Encrypted   Code = "FILE_ENCRYPTED"     // needs a password
	TooLarge    Code = "FILE_TOO_LARGE"     // more than a limit allows
	Unsupported Code = "UNSUPPORTED_FORMAT" // something else than .xlsx or .xlsm, but known

	// Of what is to be written.

	InvalidEdit Code = "INVALID_EDIT" // what a file cannot hold, or a workbook does not have
	ArrayPart   Code = "ARRAY_PART"   // a part of an array formula or what-if table
)

// Error says why a file, or a part of it, cannot be read, or written as it is to be.
type Error struct {
	Code    Code
	Part    string // name of the part in the package; "" for the package as a whole
	Offset  int64  // in bytes, in the part or else the file; -1 where it says nothing
	Message string // what is wrong, without a capital and a full stop
	Hint    string // what to do about it, a sentence; may be empty

	cause  error
	source bool // the file could not be read: what is in it may be sound
}

// Error gives part, message and offset; the hint is left to whoever shows it.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Part != "" {
		b.WriteString("part ")
		b.WriteString(e.Part)
		b.WriteString(": ")
	}
	b.WriteString(e.Message)
	if e.Offset >= 0 {
		b.WriteString(" (at byte ")
		b.WriteString(strconv.FormatInt(e.Offset, 10))
		b.WriteString(")")
	}
	return b.String()
}

// Unwrap gives the error of the file system or of the decoder behind this one, if any.
func (e *Error) Unwrap() error { return e.cause }

// Refused is the error of an edit that is refused for a reason that another error says. Its text is that of cause.
func Refused(code Code, part string, cause error, hint string) *Error {
	return &Error{Code: code, Part: part, Offset: -1, Message: cause.Error(), Hint: hint, cause: cause}
}

const hintDamaged = "The file is damaged. Open it in a spreadsheet program, let that repair it, and save it again."

const hintTooLarge = "Split the workbook, or remove what is not needed from it."

// damaged is the error of a part that is not as it must be.
func damaged(part string, offset int64, format string, args ...any) *Error {
	return &Error{Code: Unreadable, Part: part, Offset: offset, Message: fmt.Sprintf(format, args...), Hint: hintDamaged}
}

// tooLarge is the error of a limit that part exceeds.
func tooLarge(part string, format string, args ...any) *Error {
	return &Error{Code: TooLarge, Part: part, Offset: -1, Message: fmt.Sprintf(format, args...), Hint: hintTooLarge}
}

// readFailed is the error of a source that cannot be read.
func readFailed(part string, offset int64, err error) *Error {
	return &Error{Code: Unreadable, Part: part, Offset: offset, Message: "the file cannot be read: " + err.Error(),
		Hint: "Check that the file still exists and is not being replaced.", cause: err, source: true}
}

// inPart makes the error of a part's parser one that names the part.
func inPart(part string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); ok {
		if e.Part == "" {
			named := *e
			named.Part = part
			return &named
		}
		return e
	}
	if s, ok := xmltext.IsSyntax(err); ok {
		e := damaged(part, int64(s.Offset), "the XML is not valid: %s", strings.TrimSuffix(s.Reason, ","))
		e.cause = err
		if s.Entity {
			e.Message = strings.TrimSuffix(s.Reason, ",") + ", is refused"
			e.Hint = "Save the workbook anew in a spreadsheet program; that leaves the declaration out."
		}
		return e
	}
	return err
}
