package whatif

import (
	"cmp"
	"context"
	"slices"

	"gridflow/internal/book"
	"gridflow/internal/calc"
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

// NewModel gives the model of a snapshot, whose formulas are calculated first: all of them, unless
// they were before (the values of a file are those of another program, and a trial's are to be compared with
// the base's), else those that depend on what was edited, on time or on chance. The
// calculations of each trial may take bytes of memory, 0: any number.
func NewModel(ctx context.Context, snap *book.Snapshot, at book.Moment, bytes int64) (*Model, error) {
	base, _, err := snap.Recalculate(ctx, at, !snap.Whole(), book.Limits{Bytes: bytes})
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
	next, err := m.with(ctx, inputs)
	if err != nil {
		return nil, err
	}
	next, _, err = next.Refresh(ctx, m.at, book.Limits{Bytes: m.bytes})
	return next, err
}

// Cell is one cell of a workbook.
type Cell struct {
	Sheet int
	Ref   cell.Ref
}

// Outcome gives the values that cells have with inputs: Try for who wants no more than these.
func (m *Model) Outcome(ctx context.Context, inputs []Input, cells []Cell) ([]cell.Value, error) {
	return m.outcome(ctx, inputs, cells, 0)
}

func (m *Model) outcome(ctx context.Context, inputs []Input, cells []Cell, workers int) ([]cell.Value, error) {
	next, err := m.with(ctx, inputs)
	if err != nil {
		return nil, err
	}
	return next.Outcome(ctx, m.at, m.limits(workers), listOf(cells))
}

func (m *Model) limits(workers int) book.Limits {
	return book.Limits{Workers: workers, Bytes: m.bytes}
}

func listOf(cells []Cell) []calc.Cell {
	list := make([]calc.Cell, len(cells))
	for i, c := range cells {
		list[i] = calc.Cell{Sheet: c.Sheet, At: c.Ref}
	}
	return list
}

// with gives the snapshot with inputs, and formulas that are as they were.
func (m *Model) with(ctx context.Context, inputs []Input) (*book.Snapshot, error) {
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
	return next, err
}
