package inflate

import (
	"errors"
	"io"
	"strconv"
)

// Reason says in what way a stream is corrupt.
type Reason string

// The ways in which a stream can be corrupt. They are worded to follow "the
// compressed data is corrupt:".
const (
	Truncated       Reason = "it ends before the final block does"
	BadBlockType    Reason = "a block has the reserved type 3"
	BadStoredLength Reason = "the length of a stored block and its complement disagree"
	BadCodeCount    Reason = "a block declares more codes than there are symbols"
	BadCodeLengths  Reason = "the code lengths of a block do not make a prefix code"
	BadRepeat       Reason = "a repeated code length has none before it or runs past the last code"
	BadSymbol       Reason = "a bit sequence stands for no symbol"
	BadDistance     Reason = "a match reaches back before the first byte"
)

// A CorruptError reports a stream that is not valid DEFLATE. Nothing can be
// read after it; the bytes given before it are those the valid beginning of the
// stream stands for.
type CorruptError struct {
	Offset int64 // byte of the compressed stream near which the fault was met
	Reason Reason
}

func (e *CorruptError) Error() string {
	return "the compressed data is corrupt: " + string(e.Reason) + " (near compressed byte " + strconv.FormatInt(e.Offset, 10) + ")"
}

// Unwrap makes a truncated stream recognisable as io.ErrUnexpectedEOF.
func (e *CorruptError) Unwrap() error {
	if e.Reason == Truncated {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// Faults of the caller, not of the stream. They leave the Reader as it was.
var (
	// ErrHistory: the history is shorter than matches may reach, min(Window, bytes given so far).
	ErrHistory = errors.New("inflate: the window holds less history than the stream may refer to")
	// ErrLimit: hist and limit do not satisfy 0 <= hist <= limit <= len(dst).
	ErrLimit = errors.New("inflate: the window's limit is outside of the window")
	// ErrMark: a mark outside of the stream.
	ErrMark = errors.New("inflate: the mark is outside of the stream")
)
