package calc

import (
	"sync/atomic"
	"unsafe"

	"gridflow/internal/calc/graph"
)

// ErrTooLarge says that a calculation would take more memory than it may.
type ErrTooLarge = graph.ErrTooLarge

// memory counts what a calculation takes beside the workbook: what reads what, its tiles, what is to be
// calculated of them, the long texts that formulas give, and the large arrays that formulas make, until the next formula is run. Smaller ones are soon
// gone. Any number of goroutines may count at once.
type memory struct {
	most   int64 // 0: any number
	used   atomic.Int64
	passed atomic.Bool // used was more than most
	over   func()      // ends the calculation; it may be called again and again
}

const (
	tileBytes = int64(unsafe.Sizeof(tile{}))
	todoBytes = int64(unsafe.Sizeof(todo{}))
	textBytes = int64(unsafe.Sizeof("")) * int64(len(tile{}.kinds))
)

// take counts n bytes more, or less.
func (m *memory) take(n int64) {
	if now := m.used.Add(n); m.most > 0 && now > m.most {
		m.passed.Store(true)
		m.over()
	}
}

// room is how many bytes there are left to take, 0: any number.
func (m *memory) room() int64 {
	if m.most <= 0 {
		return 0
	}
	return max(m.most-m.used.Load(), 1)
}

func (m *memory) exceeded() bool { return m.passed.Load() }
