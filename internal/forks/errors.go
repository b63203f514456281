package forks

import (
	"errors"
	"fmt"
	"time"

	"gridflow/internal/actor"
	"gridflow/internal/journal"
)

// The codes of [Error].
const (
	CodeNotFound   = "FORK_NOT_FOUND"
	CodeConflict   = "CONFLICT"
	CodeLimit      = "LIMIT"
	CodeVersion    = "VERSION_NOT_FOUND"
	CodeGone       = "VERSION_GONE" // it was there, and is not kept any more
	CodeNothing    = "NOTHING_TO_DO"
	CodeCheckpoint = "CHECKPOINT_NOT_FOUND"
	CodeChange     = "CHANGE_NOT_FOUND"
	CodeJournal    = "JOURNAL_FAILED"
	CodeDisabled   = "FORKS_DISABLED"
	CodeOverloaded = "OVERLOADED"
	CodeBadInput   = "INVALID_ARGUMENT"
)

// Error is a failure that the caller can understand and mend. Nothing was changed.
type Error struct {
	Code       string
	Message    string
	Hint       string
	Version    uint64        // of a conflict: the one that the fork has now
	RetryAfter time.Duration // 0 unless it is worth trying again after that time

	cause error
}

// Error gives the text without the hint.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap gives the error behind this one, if any.
func (e *Error) Unwrap() error { return e.cause }

func fail(code, hint, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
}

func notFound(id string) error {
	return fail(CodeNotFound, "Call list_forks to see those that there are, or create_fork to make one", "there is no fork %q", clip(id))
}

func conflict(expected, now uint64) error {
	e := fail(CodeConflict, fmt.Sprintf("Read what version %d has (fork_history, get_changeset), then send the change again with expected_version %d", now, now),
		"the fork is at version %d, not %d: somebody has changed it since", now, expected)
	e.Version = now
	return e
}

// journalError words why a record was not taken. What a disk has to say of the state folder, and
// where that is, is for the operator: it is in the log, once, for nothing is taken after it.
func (s *Store) journalError(err error) error {
	if errors.Is(err, journal.ErrTooLarge) {
		e := fail(CodeLimit, "Make the change in several smaller ones", "the change is too large: %v", err)
		e.cause = err
		return e
	}
	s.failing.Do(func() {
		s.o.Logger.Error("the journal takes no more records; nothing can be edited until the server is started again", "error", err.Error())
	})
	why := "the journal cannot be written"
	if errors.Is(err, journal.ErrFull) {
		why = "the disk is full"
	}
	e := fail(CodeJournal, "Nothing was changed. The operator should look at the disk that holds the state folder; the server has to be started again", "the change could not be made durable: %s", why)
	e.cause = err
	return e
}

// actorError words what package actor has to say for the caller.
func actorError(id string, err error) error {
	var refusal *actor.Refusal
	var broken *actor.PanicError
	var restore *actor.RestoreError
	switch {
	case errors.As(err, &refusal):
		e := fail(CodeOverloaded, "Nothing was changed; send the call again later", "fork %s: %v", id, err)
		e.RetryAfter, e.cause = time.Second/4, err
		return e
	case errors.As(err, &restore):
		var ours *Error
		if errors.As(restore.Err, &ours) {
			return ours
		}
		return restore.Err
	case errors.As(err, &broken):
		return fmt.Errorf("fork %s: internal fault: %w", id, err)
	}
	return err
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
