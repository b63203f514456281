package whatif

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

// Input is a value that a cell gets in a trial.
type Input struct {
	Sheet int
	Ref   cell.Ref
	Value cell.Value
}

// Model is a snapshot on which inputs are tried. It may be used by any number of goroutines at once.
type Model struct {
	base  *book.Snapshot
	at    book.Moment
	bytes int64
}

// NewModel gives the model of a snapshot, whose formulas are calculated first if they are not. The
// calculations of each trial may take bytes of memory, 0: any number.
func NewModel(ctx context.Context, snap *book.Snapshot, at book.Moment, bytes int64) (*Model, error) {
	base, _, err := snap.Refresh(ctx, at, book.Limits{Bytes: bytes})
	if err != nil {
		return nil, err
	}
	return &Model{base, at, bytes}, nil
}

// Base is the snapshot without inputs.
func (m *Model) Base() *book.Snapshot { return m.base }

// Try gives the snapshot with inputs in their cells and all formulas true. Errors are those of
// book.Snapshot.Apply and of the calculation.
func (m *Model) Try(ctx context.Context, inputs []Input) (*book.Snapshot, error) {
	return m.try(ctx, inputs, 0)
}

func (m *Model) try(ctx context.Context, inputs []Input, workers int) (*book.Snapshot, error) {
	var edit book.Edit
	sorted := slices.SortedStableFunc(slices.Values(inputs), func(a, b Input) int { return cmp.Compare(a.Sheet, b.Sheet) })
	for i := 0; i < len(sorted); {
		op := book.SetCells{Sheet: m.base.Workbook().Sheets[sorted[i].Sheet].Name}
		sheet := sorted[i].Sheet
		for ; i < len(sorted) && sorted[i].Sheet == sheet; i++ {
			op.Cells = append(op.Cells, book.CellEdit{Ref: sorted[i].Ref, Value: sorted[i].Value, Clear: sorted[i].Value.IsBlank()})
		}
		edit.Ops = append(edit.Ops, op)
	}
	next, _, err := m.base.Apply(ctx, edit)
	if err != nil {
		return nil, err
	}
	next, _, err = next.Refresh(ctx, m.at, book.Limits{Workers: workers, Bytes: m.bytes})
	return next, err
}

// Run makes n trials, of which inputs gives those of number i, up to workers at once, and calls
// done with each, in any order but never twice at the same time. It ends with the first error, of a trial or of done.
func (m *Model) Run(ctx context.Context, n, workers int, inputs func(i int) []Input, done func(i int, s *book.Snapshot) error) error {
	workers = max(1, min(workers, n))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	each := 1
	if workers == 1 {
		each = 0 // then one trial may use them all
	}
	for range workers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n || ctx.Err() != nil {
					return
				}
				s, err := m.try(ctx, inputs(i), each)
				if err == nil {
					mu.Lock()
					if ctx.Err() == nil {
						err = done(i, s)
					}
					mu.Unlock()
				}
				if err != nil {
					cancel(err) // the first one counts
					return
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// Value gives the value of a cell.
func Value(ctx context.Context, s *book.Snapshot, sheet int, ref cell.Ref) (cell.Value, error) {
	cells, err := s.SheetTo(ctx, sheet, ref.Row)
	if err != nil {
		return cell.Value{}, err
	}
	c, _ := cells.At(ref)
	return c.Value, nil
}
