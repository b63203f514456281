package tools

import (
	"context"

	"gridflow/internal/book"
)

// What a read says of formulas that are not calculated yet: an edit whose calculation takes
// long is answered before it has come to its end.
const (
	warnStale = "WARN_STALE_FORMULAS"
	staleText = "formulas here are still being calculated after an edit: their values may be older than what they are computed from. Read again in a moment, or call recalculate"
)

// stale reports whether ranges that are read hold formulas of which the values may be old.
func stale(ctx context.Context, snap *book.Snapshot, list []area) bool {
	if !snap.Stale() {
		return false
	}
	for _, a := range list {
		sheet, err := snap.SheetTo(ctx, a.sheet, a.rng.Last.Row)
		if err != nil || sheet.FormulaCells() == 0 {
			continue
		}
		for range sheet.Arrays(a.rng) {
			return true
		}
		for col := a.rng.First.Col; col <= a.rng.Last.Col; col++ {
			for range sheet.Formulas(col, a.rng.First.Row, a.rng.Last.Row) {
				return true
			}
		}
	}
	return false
}
