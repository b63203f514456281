package book

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
)

// slowSource is a source of which one reading waits until it is let go, or nobody wants it any more.
type slowSource struct {
	*memSource
	let chan struct{}

	mu    sync.Mutex
	waits int   // how many readings come before the one that waits
	ended error // what ended its wait
}

func (s *slowSource) Sheet(ctx context.Context, i, last int) (*grid.Sheet, error) {
	s.mu.Lock()
	s.waits--
	waits := s.waits == -1
	s.mu.Unlock()
	if waits {
		select {
		case <-s.let:
		case <-ctx.Done():
			s.mu.Lock()
			defer s.mu.Unlock()
			s.ended = ctx.Err()
			return nil, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memSource.Sheet(ctx, i, last)
}

func (s *slowSource) Rows(ctx context.Context, i, _, last int) (*grid.Sheet, error) {
	return s.Sheet(ctx, i, last)
}

// TestSharedWorkIsNobodys: what is made once for all who want it goes on when the one leaves for whom it was begun, and stops when
// the last has left: the compiled formulas of a file, its values where it has none, a sheet after rows have moved.
func TestSharedWorkIsNobodys(t *testing.T) {
	insert := Edit{Ops: []Op{Restructure{structure.Change{Kind: structure.InsertRows, Sheet: "Sheet1", At: 0, Count: 1}}}}
	for name, c := range map[string]struct {
		file   string // of one sheet
		before int    // readings of one who wants it before the work begins
		edit   bool
		want   func(ctx context.Context, s *Snapshot) error
	}{
		"compiled formulas": {"A1=5 B1=10=A1*2", 1, false, func(ctx context.Context, s *Snapshot) error {
			_, _, err := s.As("fork", 0).Calculate(ctx, nil, Moment{})
			return err
		}},
		"values of a file without": {"A1==1+1 B1=5", 1, false, func(ctx context.Context, s *Snapshot) error {
			sheet, err := s.Sheet(ctx, 0)
			if err == nil && sheet.Value(cell.Ref{}).Number() != 2 {
				err = errors.New("it has not been calculated")
			}
			return err
		}},
		"a moved sheet": {"A1=5 B1=10=A1*2", 0, true, func(ctx context.Context, s *Snapshot) error {
			_, err := s.Sheet(ctx, 0)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src := &slowSource{memSource: newBook(t, c.file), let: make(chan struct{}), waits: 1 << 30}
				s := NewSnapshot("wb", "rev", src)
				if c.edit {
					var err error
					if s, _, err = s.Apply(t.Context(), insert); err != nil {
						t.Fatal(err)
					}
				}
				src.waits = c.before
				ask := func() (leave func(), answer chan error) {
					ctx, cancel := context.WithCancel(t.Context())
					answer = make(chan error, 1)
					go func() { answer <- c.want(ctx, s) }()
					synctest.Wait()
					return cancel, answer
				}
				leave, first := ask()
				leaveToo, second := ask()
				if len(first)+len(second) > 0 {
					t.Fatal("nobody waits")
				}
				leave()
				if err := <-first; !errors.Is(err, context.Canceled) {
					t.Errorf("who has left: %v", err)
				}
				synctest.Wait()
				if src.ended != nil || len(second) > 0 {
					t.Errorf("when one has left the work ended: %v", src.ended)
				}
				leaveToo()
				<-second
				synctest.Wait()
				if src.ended == nil {
					t.Error("the work goes on for nobody")
				}
				src.waits = c.before // it is begun anew
				_, third := ask()
				close(src.let)
				if err := <-third; err != nil {
					t.Errorf("who came later: %v", err)
				}
			})
		})
	}
}
