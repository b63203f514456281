package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/forks"
)

// Cut is embedded in results that may hold less than was asked for. Its text stands
// first in what the model reads.
type Cut struct {
	// Next, the first member in every shape, says what is shown of how much and the exact next call, "" where nothing is
	// missing: `rows 2-51 of 8120; next: sheet_page {…"start_row":52}`.
	Next string `json:"cut,omitempty"`
}

// A portion is the part of a list that a result has.
type portion struct {
	what    string // the list's entries, such as "forks"
	shown   int
	total   int
	atLeast bool // there may be more than total
}

// onward says how a list goes on behind the part that a result has: from which offset, and by
// which call, in whose arguments the offset is set. It says nothing where the list ends. Where nothing is shown of what
// there is, the first entry is larger than a result may be: that is said, and it goes on behind it.
func onward[In any](cut *Cut, next *int, l portion, tool string, in *In, offset *int) {
	from, to := *offset, *offset+l.shown
	switch total := countText(l.total, l.atLeast); {
	case l.shown == 0 && from < l.total:
		to++
		cut.Next = entryTooLarge(l.what, to, total)
	case l.shown == 0 || to >= l.total && !l.atLeast:
		return
	default:
		cut.Next = fmt.Sprintf("%s %d-%d of %s", l.what, from+1, to, total)
	}
	if to < l.total || l.atLeast {
		*next, *offset = to, to
		cut.Next += "; next: " + callText(tool, *in)
	}
}

// entryTooLarge says that an entry of a list is left out by itself: a list without it would seem to be empty, or to end.
func entryTooLarge(what string, number int, total string) string {
	return fmt.Sprintf("%s: number %d of %s is larger than a result may be", what, number, total)
}

func (c *Cut) cut() *Cut { return c }

// texter is a result with a text of its own for the model; others are shown as JSON.
// Giving nil chooses JSON too.
type texter interface {
	appendText(b []byte, verbose bool) []byte
}

// linker is a result whose data is also in resources.
type linker interface {
	links() []ResourceLink
}

// imager is a result with pictures.
type imager interface {
	images() []Image
}

// seenVersion is the version of a fork that a call has read, for its result to say.
type seenVersion struct {
	id      string // "" where none was read
	version uint64
	stale   bool // its formulas are not calculated, or those of another that was read

	opened func() book.Opened // what it was given where the file has no values
}

type seenKey struct{}

// Seeing is a Workspace that notes for each call which version of a fork it reads.
type Seeing struct{ Workspace }

// View implements Workspace.
func (w Seeing) View(ctx context.Context, id string, fn func(*book.Snapshot) error) error {
	return w.Workspace.View(ctx, id, func(s *book.Snapshot) error {
		if seen, ok := ctx.Value(seenKey{}).(*seenVersion); ok && forks.IsFork(s.ID) {
			seen.stale = s.Stale() || seen.stale && seen.id != s.ID // of two that are compared either may be
			seen.id, seen.version = s.ID, s.Version
		}
		return fn(s)
	})
}

// versioned is a result that says by itself which version it is of.
type versioned interface{ versioned() }

// render encodes what a handler gave. Results are pointers to structs.
func render(env *Env, out any, seen *seenVersion) (*Result, error) {
	res, err := encode(env, out)
	if _, says := out.(versioned); err != nil || says {
		return res, err
	}
	opened := seen.opened()
	opened.Calculated = opened.Calculated && seen.id == "" // in a fork gridflow calculates anyway
	if strings.HasPrefix(res.Text, "{") {
		var stamp string
		if seen.id != "" {
			stamp = fmt.Sprintf(`"version":%d,`, seen.version)
		}
		if seen.stale {
			stamp += `"stale_formulas":true,`
		}
		if opened.Calculated {
			stamp += `"calculated_on_open":true,`
		}
		if opened.TooLarge {
			stamp += `"too_large_to_calculate":true,`
		}
		if stamp == "" {
			return res, nil
		}
		res.Text = "{" + stamp + res.Text[1:]
		if res.Structured != nil {
			res.Structured = json.RawMessage(res.Text)
		}
		return res, nil
	}
	switch {
	case opened.TooLarge:
		res.Text = "the file has no values of its formulas, and to calculate them takes more memory than a calculation may take: they are shown without\n" + res.Text
	case opened.Calculated:
		res.Text = "the file has no values of its formulas: gridflow has calculated them\n" + res.Text
	}
	if seen.id != "" {
		stale := ""
		if seen.stale {
			stale = "; " + warnStale + ": " + staleText
		}
		res.Text = fmt.Sprintf("%s version %d%s\n%s", seen.id, seen.version, stale, res.Text)
	}
	return res, nil
}

// encode writes a result in the form of the profile.
func encode(env *Env, out any) (*Result, error) {
	res := &Result{}
	if l, ok := out.(linker); ok {
		res.Links = l.links()
	}
	if i, ok := out.(imager); ok {
		res.Images = i.images()
	}
	cut, _ := out.(interface{ cut() *Cut })
	if t, ok := out.(texter); ok && env.Profile != Compat {
		var b []byte
		if cut != nil && cut.cut().Next != "" {
			b = append(b, "cut: "...)
			b = append(b, cut.cut().Next...)
			b = append(b, '\n')
		}
		if text := t.appendText(b, env.verbose()); text != nil {
			if m := env.Caps.MaxResponseBytes; m > 0 && len(text) > m {
				return nil, tooLarge(m)
			}
			res.Text = string(text)
			return res, nil
		}
	}
	if r, ok := out.(recast); ok && env.Profile == Compat {
		r.recast()
	}
	b, ok := appendJSON(nil, out, env.Caps.MaxResponseBytes)
	if !ok {
		return nil, tooLarge(env.Caps.MaxResponseBytes)
	}
	res.Text = string(b)
	if env.Profile == Compat {
		res.Structured = json.RawMessage(b)
	}
	return res, nil
}

func tooLarge(max int) *Error {
	return fail(codeResponseTooLarge, "Ask for less at once: a smaller range, fewer columns, a lower limit or a page",
		"the result would be larger than the %d bytes allowed", max)
}

// doneUnshown words the error of a result that cannot be shown for who has changed something by the call: it
// is done, and is not to be made again.
func doneUnshown(err error) error {
	e := new(Error)
	if !errors.As(err, &e) {
		return err
	}
	return fail(e.Code, "Do not make it again: see what it has changed, as with list_forks or fork_history", "the call was made, but %s", e.Message)
}

// budget counts what may still go into one result. The zero value is without bound.
type budget struct {
	bytes, cells, items          int // used
	maxBytes, maxCells, maxItems int // 0 is no bound
	maxFirst                     int // bytes that the first entry may have, above maxBytes; 0 is no bound
}

// budget gives the bounds of one result; limit is the caller's own bound on entries,
// 0 for none.
func (e *Env) budget(limit int) budget {
	b := budget{maxBytes: e.Caps.MaxPayloadBytes, maxCells: e.Caps.MaxCells, maxItems: e.Caps.items(limit)}
	if b.maxFirst = e.Caps.MaxResponseBytes / 2; b.maxFirst == 0 {
		b.maxFirst = 16 * b.maxBytes
	}
	return b
}

// take counts one more entry and reports whether it fits. The first mostly does, so
// that a caller who pages gets on: it may have half of what a response holds, as the
// other half is for what stands around it and for escapes.
func (b *budget) take(bytes, cells int) bool {
	if bytes > b.room() {
		return false
	}
	if b.items > 0 && (b.maxCells > 0 && b.cells+cells > b.maxCells || b.maxItems > 0 && b.items+1 > b.maxItems) {
		return false
	}
	b.bytes, b.cells, b.items = b.bytes+bytes, b.cells+cells, b.items+1
	return true
}

// room is the bytes that one more entry may have. Whoever writes an entry can stop once
// it is longer: what is not going to be shown must not be built, for a cell may be
// megabytes and a row thousands of those.
func (b *budget) room() int {
	most := b.maxBytes
	if b.items == 0 {
		most = b.maxFirst
	}
	if most == 0 {
		return math.MaxInt / 2 // a bound that still can be added to
	}
	return max(most-b.bytes, 0)
}

// spent reports whether nothing more can fit, whatever its size.
func (b *budget) spent() bool { return b.maxItems > 0 && b.items >= b.maxItems }

// takeEntry counts one more entry of a list by its JSON size. List tools call it for
// each entry as they find it, and stop when it gives false.
func (b *budget) takeEntry(entry any) bool {
	if b.spent() {
		return false
	}
	size := 0
	if b.maxBytes > 0 {
		text, _ := appendJSON(nil, entry, max(b.room(), 1))
		size = len(text)
	}
	return b.take(size, 0)
}
