package journal

import (
	"errors"
	"fmt"
	"syscall"
)

var (
	// ErrPoisoned is every Append's error after a write or a sync has failed. It is a
	// [*PoisonedError], which has the cause.
	ErrPoisoned = errors.New("journal: poisoned")
	// ErrFull is found in an error whose cause is a full disk.
	ErrFull = errors.New("journal: the disk is full")
	// ErrCorrupt is found in every [*CorruptError].
	ErrCorrupt = errors.New("journal: corrupt")
	// ErrTooLarge is found in every [*TooLargeError].
	ErrTooLarge = errors.New("journal: the record is too large")
	// ErrStreamID refuses an id that is empty or longer than MaxStreamID bytes.
	ErrStreamID = fmt.Errorf("journal: a stream's id has 1 to %d bytes", MaxStreamID)
	// ErrNoStream says that no such stream is alive.
	ErrNoStream = errors.New("journal: there is no such stream")
	// ErrNoRecord says that there is no record at a Pos.
	ErrNoRecord = errors.New("journal: there is no record at this position")
	ErrClosed   = errors.New("journal: closed")
	ErrReadOnly = errors.New("journal: opened for reading only")
)

// CorruptError says where the journal is not what was written.
type CorruptError struct {
	Segment string // the file's name
	Offset  int64  // in bytes
	Reason  string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("CORRUPT: journal segment %s at offset %d: %s; nothing was changed: keep a copy of the folder, then bring the segment back from a backup", e.Segment, e.Offset, e.Reason)
}

func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// VersionError says that a segment has a format that this program does not know.
type VersionError struct {
	Segment string
	Version uint32
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("journal segment %s has format version %d, and this program knows %d: use the program that wrote it, or a later one", e.Segment, e.Version, version)
}

// TooLargeError refuses a record.
type TooLargeError struct{ Size, Max int } // bytes of data

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("journal: a record of %d bytes is too large; at most %d are allowed", e.Size, e.Max)
}

func (e *TooLargeError) Is(target error) bool { return target == ErrTooLarge }

// PoisonedError says why a log takes no more records.
type PoisonedError struct {
	Op      string // what failed: write, sync, rotate
	Segment string
	Err     error
}

func (e *PoisonedError) Error() string {
	hint := "what was acknowledged is safe; see to the disk, then open the journal anew"
	if e.full() {
		hint = "the disk is full; what was acknowledged is safe; free some space, then open the journal anew"
	}
	return fmt.Sprintf("journal: poisoned: %s of segment %s failed: %v: %s", e.Op, e.Segment, e.Err, hint)
}

func (e *PoisonedError) Unwrap() error { return e.Err }

func (e *PoisonedError) Is(target error) bool {
	return target == ErrPoisoned || target == ErrFull && e.full()
}

func (e *PoisonedError) full() bool { return diskFull(e.Err) }

func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
