package vba

import "fmt"

// Kind says to a program what kind of failure an Error is.
type Kind uint8

// The kinds of failure.
const (
	Damaged  Kind = iota // not as the format has it
	TooLarge             // more than a limit allows
)

// Error says why a project, or a module of it, cannot be read.
type Error struct {
	Kind    Kind
	Stream  string // path of the stream in the compound file; "" for the file as a whole
	Message string // what is wrong, without a capital and a full stop

	cause error
}

// Error gives stream and message.
func (e *Error) Error() string {
	if e.Stream == "" {
		return "VBA project: " + e.Message
	}
	return "VBA project, stream " + e.Stream + ": " + e.Message
}

// Unwrap gives the error of the compound file's reader behind this one, if any.
func (e *Error) Unwrap() error { return e.cause }

func damaged(stream, format string, args ...any) *Error {
	return &Error{Kind: Damaged, Stream: stream, Message: fmt.Sprintf(format, args...)}
}

func tooLarge(stream, format string, args ...any) *Error {
	return &Error{Kind: TooLarge, Stream: stream, Message: fmt.Sprintf(format, args...)}
}
