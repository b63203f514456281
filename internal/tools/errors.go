package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gridflow/internal/workspace"
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

// mapError turns what the lower rooms give into an Error where the caller can do
// something about it. Other errors stay what they are: faults of the server.
func mapError(err error) error {
	var ours *Error
	var theirs *workspace.Error
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &theirs):
		return &Error{Code: theirs.Code, Message: theirs.Message, Hint: theirs.Hint}
	case errors.Is(err, context.DeadlineExceeded):
		return fail(codeTimeout, "Ask for less at once: a smaller range, one sheet, or a page", "the call took too long")
	case errors.Is(err, context.Canceled):
		return fail(codeCancelled, "", "the call was cancelled before it was done")
	}
	return err
}

// suggest words a hint that names the candidates nearest to word: `did you mean "x"?`
// or, where nothing is near, the first few of them. what is their plural, as in "sheets".
func suggest(what, word string, candidates []string) string {
	if len(candidates) == 0 {
		return "There are no " + what
	}
	if near := nearest(word, candidates, 3); len(near) > 0 {
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

// nearest gives up to n candidates that word was most likely meant to be, best first:
// those at an edit distance of at most a third of its length (at least 2), and those
// that contain it or are contained in it. Letter case does not count.
func nearest(word string, candidates []string, n int) []string {
	type near struct {
		name     string
		distance int
	}
	word = strings.ToLower(strings.TrimSpace(word))
	limit := max(2, len(word)/3)
	var found []near
	for i, c := range candidates {
		if i == nearestMax {
			break
		}
		l := strings.ToLower(c)
		d := editDistance(word, l, limit)
		if d > limit && len(word) >= 3 && len(l) >= 3 && (strings.Contains(l, word) || strings.Contains(word, l)) {
			d = limit
		}
		if d <= limit && d < max(len(word), len(l)) {
			found = append(found, near{c, d})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return a.distance - b.distance })
	names := make([]string, 0, n)
	for _, f := range found[:min(n, len(found))] {
		names = append(names, f.name)
	}
	return names
}

// nearestMax bounds the candidates that are compared, wordMax the length of each.
const (
	nearestMax = 20_000
	wordMax    = 128
)

// editDistance is the Levenshtein distance of a and b in bytes, or limit+1 where it is
// more than limit or a word is too long to be compared.
func editDistance(a, b string, limit int) int {
	if len(a) > wordMax || len(b) > wordMax || len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	var buf [wordMax + 1]int
	row := buf[:len(b)+1] // distances of a[:i] to each b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal, best := row[0], i+1
		row[0] = i + 1
		for j := range len(b) {
			d := diagonal
			if a[i] != b[j] {
				d = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], d
			best = min(best, d)
		}
		if best > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}
