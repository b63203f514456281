package lock

import "gridflow/internal/tally"

// Wait is how long locks of a rank were waited for by those that did not find them free.
type Wait struct {
	Rank string
	tally.Histogram
}
