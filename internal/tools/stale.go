package tools

import (
	"context"

	"gridflow/internal/book"
)

// What a read says of formulas that are not calculated yet: an edit whose calculation takes
// long is answered before it has come to its end.
const (
	warnStale = "WARN_STALE_FORMULAS"
	staleText = "formulas are not calculated yet after an edit: values here may be older than what they are computed from. Read again in a moment; where it stays so, recalculate says why"
)

// staleMark is embedded in results that show values and say by themselves which version they are of.
type staleMark struct {
	Stale bool `json:"stale_formulas,omitempty"`
}

func (m staleMark) appendText(b []byte) []byte {
	if m.Stale {
		b = append(b, warnStale+": "+staleText+"\n"...)
	}
	return b
}

// touches reports whether cells in one of some areas may be stale, and has the result of the call say so of these cells: for a
// call that shows the values of no others. The results of all other calls go by whether anything in the version is stale.
func touches(ctx context.Context, snap *book.Snapshot, list ...area) bool {
	if !snap.Stale() {
		return false
	}
	stale := false
	for _, a := range list {
		in, err := snap.StaleIn(ctx, a.sheet, a.rng)
		if stale = stale || in || err != nil; stale {
			break
		}
	}
	if seen, ok := ctx.Value(seenKey{}).(*seenVersion); ok && seen.id == snap.ID {
		seen.stale = stale
	}
	return stale
}
