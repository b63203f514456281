package forks

import (
	"sync/atomic"

	"gridflow/internal/tally"
)

// calcs counts calculations. Any number of goroutines may count at once.
type calcs struct {
	seconds                                     tally.Durations
	formulas, changed, circular, over, tooLarge atomic.Uint64
	behind                                      atomic.Uint64 // of formulas
}

// CalcStats counts the calculations of a store, those that were broken off among them.
type CalcStats struct {
	Seconds  tally.Histogram // how long each took
	Formulas uint64          // that were run
	Changed  uint64          // cells that got another value
	Circular uint64          // cells that depended on themselves
	Over     uint64          // calculations that took longer than the budget of a commit
	TooLarge uint64          // calculations that needed more memory than they may take
	Later    uint64          // of Formulas, those that no call waited for
	Behind   int             // calculations that no call waits for, under way or waiting
	Stale    int             // forks of which the newest version is not calculated
}

func (c *calcs) read() CalcStats {
	return CalcStats{
		Seconds: c.seconds.Read(), Formulas: c.formulas.Load(), Changed: c.changed.Load(), Circular: c.circular.Load(),
		Over: c.over.Load(), TooLarge: c.tooLarge.Load(), Later: c.behind.Load(),
	}
}
