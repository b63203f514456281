package tools

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"gridflow/internal/book"
	"gridflow/internal/calc"
	"gridflow/internal/cell"
	"gridflow/internal/forks"
	"gridflow/internal/nearest"
	"gridflow/internal/office"
	"gridflow/internal/office/job"
	"gridflow/internal/workspace"
	"gridflow/internal/xlsx"
)

// The codes of [Error], for programs.
const (
	codeInvalidParams    = "INVALID_PARAMS"
	codeSheetNotFound    = "SHEET_NOT_FOUND"
	codeRangeInvalid     = "RANGE_INVALID"
	codeTableNotFound    = "TABLE_NOT_FOUND"
	codeRegionNotFound   = "REGION_NOT_FOUND"
	codeNameNotFound     = "NAME_NOT_FOUND"
	codeColumnNotFound   = "COLUMN_NOT_FOUND"
	codeResponseTooLarge = "RESPONSE_TOO_LARGE"
	codeOutside          = "OUTSIDE_REFUSED"
	codeCancelled        = "CANCELLED"
	codeTimeout          = "TIMEOUT"
)

// fail makes an Error; hint may be "".
func fail(code, hint, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// invalid makes an INVALID_PARAMS error about what the decoder cannot see, such as two
// arguments that exclude each other.
func invalid(hint, format string, args ...any) *Error {
	return fail(codeInvalidParams, hint, format, args...)
}

// MapError turns what the lower rooms give, of files, forks and LibreOffice, into an Error where the caller can do
// something about it. Other errors stay what they are: faults of the server.
func MapError(err error) error {
	var ours *Error
	var ofForks *forks.Error
	var ofBook *book.Error
	var ofFile *xlsx.Error
	var theirs *workspace.Error
	var ofJob *job.Error
	var ofOffice *office.Error
	var ofDocument *office.FailedError
	var tooLarge *calc.ErrTooLarge
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &ofForks):
		e := &Error{Code: ofForks.Code, Message: ofForks.Message, Hint: ofForks.Hint, RetryAfterMillis: ofForks.RetryAfter.Milliseconds()}
		if ofForks.Code == forks.CodeConflict && ofForks.Version > 0 {
			e.Details = map[string]any{"current_version": ofForks.Version}
		}
		return e
	case errors.As(err, &ofBook):
		message := ofBook.Message // the numbers of operations are those of the edit, which the caller has not seen
		if ofBook.Cell >= 0 {
			message = cell.QuoteSheet(ofBook.Sheet) + "!" + ofBook.Ref.String() + ": " + ofBook.Message
		}
		return &Error{Code: string(ofBook.Code), Message: message, Hint: strings.TrimSuffix(ofBook.Hint, ".")}
	case errors.As(err, &theirs):
		return &Error{Code: theirs.Code, Message: theirs.Message, Hint: theirs.Hint, RetryAfterMillis: theirs.RetryAfter.Milliseconds()}
	case errors.As(err, &ofJob): // what it says of what lies behind is more
		return &Error{Code: ofJob.Code, Message: ofJob.Message, Hint: ofJob.Hint}
	case errors.As(err, &ofOffice):
		e := &Error{Code: ofOffice.Code, Message: ofOffice.Message, Hint: ofOffice.Hint, RetryAfterMillis: ofOffice.RetryAfter.Milliseconds()}
		if ofOffice.Code == office.CodeTimeout {
			e.Details = map[string]any{"phase": "exec"}
		}
		return e
	case errors.As(err, &ofDocument):
		return fail("OFFICE_"+strings.ToUpper(string(ofDocument.Code)), "What LibreOffice cannot do with it, other tools may", "%s", ofDocument.Error())
	case errors.As(err, &ofFile): // of what is written; what is read comes by the workspace
		return &Error{Code: string(ofFile.Code), Message: strings.TrimSuffix(ofFile.Error(), "."), Hint: strings.TrimSuffix(ofFile.Hint, ".")}
	case errors.As(err, &tooLarge):
		return fail("TOO_LARGE", "The operator can give more with --cache-bytes", "to calculate it takes more than the %d MB of memory that a calculation may take", tooLarge.Most>>20)
	case errors.Is(err, context.DeadlineExceeded):
		return fail(codeTimeout, "Ask for less at once: a smaller range, one sheet, or a page", "the call took too long")
	case errors.Is(err, context.Canceled):
		return fail(codeCancelled, "", "the call was cancelled before it was done")
	}
	return err
}

// toolName is what may be the name of a tool in a text.
var toolName = regexp.MustCompile(`\b[a-z]+(?:_[a-z0-9]+)+\b`)

// hinting says of the tools that the hint of an error names, which of them the client cannot
// call, and where they are to be had.
func (e *Env) hinting(err error) error {
	ours, ok := err.(*Error)
	if !ok || len(e.Absent) == 0 {
		return err
	}
	var missing []string
	for _, name := range toolName.FindAllString(ours.Hint, -1) {
		if set := e.AbsentFrom(name); set != "" {
			missing = append(missing, name+" of the toolset "+set)
		}
	}
	if len(missing) == 0 {
		return err
	}
	slices.Sort(missing)
	told := *ours
	told.Hint += " (not offered here: " + strings.Join(slices.Compact(missing), ", ") + ")"
	return &told
}

// suggest words a hint that names the candidates nearest to word: `did you mean "x"?`
// or, where nothing is near, the first few of them. what is their plural, as in "sheets".
func suggest(what, word string, candidates []string) string {
	if len(candidates) == 0 {
		return "There are no " + what
	}
	if near := nearest.Names(word, candidates, 3); len(near) > 0 {
		return "Did you mean " + quoteList(near, " or ") + "?"
	}
	const shown = 12
	list := quoteList(candidates[:min(len(candidates), shown)], ", ")
	if more := len(candidates) - shown; more > 0 {
		return fmt.Sprintf("The %s are %s and %d more", what, list, more)
	}
	return "The " + what + " are " + list
}

// sentences joins two sentences that may lack their full stop.
func sentences(a, b string) string {
	if strings.HasSuffix(a, "?") {
		return a + " " + b
	}
	return a + ". " + b
}

func quoteList(names []string, sep string) string {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString(sep)
		}
		fmt.Fprintf(&b, "%q", clip(n, 64))
	}
	return b.String()
}

// clip shortens s to at most n bytes, at a character's border, with an ellipsis.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n -= len("…")
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
