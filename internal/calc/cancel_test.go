package calc

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"gridflow/internal/calc/scenes"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// TestCancel: whatever a calculation is at when it is cancelled, it ends soon. Measured is the processor time from the
// cancellation on, beside that of all of the work in the same run: of several tries the best, for the garbage of others is
// collected at any time.
func TestCancel(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds of work")
	}
	sheet := func(fill func(m scenes.Maker), changes ...grid.Change) Input {
		in := workbook(func(m scenes.Maker, _ int) { fill(m) }, 1)
		s, err := in.Sheets[0].With(changes)
		if err != nil {
			t.Fatal(err)
		}
		in.Sheets[0] = s
		return in
	}
	nothing := func(scenes.Maker) {}
	array := func(row int, text string) grid.Change {
		at := cell.Ref{Row: row}
		return grid.Change{Ref: at, Formula: text, Spills: true, Fills: cell.Range{First: at, Last: at}}
	}
	number := func(f float64) grid.Change { // in Z1
		return grid.Change{Ref: cell.Ref{Col: 25}, Value: cell.NumberValue(f)}
	}
	model := func(in Input) *Model {
		m, err := NewModel(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	all := func(in Input) func(context.Context) error {
		m := model(in)
		return func(ctx context.Context) error {
			_, err := m.Calculate(ctx, in, Options{All: true})
			return err
		}
	}
	circle := func(m scenes.Maker) {
		m.Formula(0, 0, "A60000/2+1")
		for r := 1; r < 60000; r++ {
			m.Formula(r, 0, fmt.Sprintf("A%d+1", r))
		}
	}
	irregular := func(m scenes.Maker) { // each formula is of a template of its own
		for r := range 60000 {
			m.Formula(r, 0, fmt.Sprintf("SUM(B%d:C%d)+D$%d*E%d", r*7919%1000+1, r*7919%1000+1+r%13, r%77+1, r*31%5000+1))
		}
	}
	for _, job := range []struct {
		name  string
		begin func() func(context.Context) error
	}{
		{"a high array", func() func(context.Context) error { return all(sheet(nothing, array(0, "SEQUENCE(400000,2)"))) }},
		{"a wide array", func() func(context.Context) error { return all(sheet(nothing, array(0, "SEQUENCE(500,1000)"))) }},
		{"texts", func() func(context.Context) error {
			return all(sheet(nothing, array(0, `"abc"&SEQUENCE(200000,2)`)))
		}},
		{"an array that shrinks", func() func(context.Context) error {
			in := sheet(nothing, number(4), array(0, "SEQUENCE(100000,Z1)"))
			r, err := model(in).Calculate(context.Background(), in, Options{All: true})
			if err != nil {
				t.Fatal(err)
			}
			in = in.calculated(r)
			s, err := in.Sheets[0].With([]grid.Change{number(1)})
			if err != nil {
				t.Fatal(err)
			}
			in.Sheets = []*grid.Sheet{s}
			return func(ctx context.Context) error {
				_, err := r.Model.Calculate(ctx, in, Options{Sources: []Cell{{0, cell.Ref{Col: 25}}}})
				return err
			}
		}},
		{"arrays that grow", func() func(context.Context) error {
			changes := []grid.Change{number(2)}
			for row := range 20000 {
				changes = append(changes, array(row, fmt.Sprintf("SEQUENCE(1,$Z$1)+%d", row)))
			}
			return all(sheet(nothing, changes...))
		}},
		{"a circle", func() func(context.Context) error { return all(sheet(circle)) }},
		{"a circle that iterates", func() func(context.Context) error {
			in := sheet(circle)
			in.Book.Iterative, in.Book.IterateCount, in.Book.IterateDelta = true, 30, 1e-9
			return all(in)
		}},
		{"a graph", func() func(context.Context) error {
			in := sheet(irregular)
			return func(ctx context.Context) error { _, err := NewModel(ctx, in); return err }
		}},
		{"many templates", func() func(context.Context) error { return all(sheet(irregular)) }},
		{"many edits", func() func(context.Context) error {
			in := sheet(irregular)
			m := model(in)
			var changes []grid.Change
			var cells []Cell
			for row := range 30000 {
				at := cell.Ref{Row: row}
				changes = append(changes, grid.Change{Ref: at, Formula: fmt.Sprintf("SUM(B%d:C%d)*2", row*7919%1000+1, row*7919%1000+1+row%13)})
				cells = append(cells, Cell{0, at})
			}
			s, err := in.Sheets[0].With(changes)
			if err != nil {
				t.Fatal(err)
			}
			in.Sheets = []*grid.Sheet{s}
			return func(ctx context.Context) error { _, err := m.With(ctx, in, cells); return err }
		}},
		{"recursion", func() func(context.Context) error {
			return all(sheet(nothing, array(0, "LET(f,LAMBDA(g,n,IF(n<2,n,g(g,n-1)+g(g,n-2))),f(f,22))")))
		}},
		{"whole columns", func() func(context.Context) error {
			return all(sheet(func(m scenes.Maker) {
				for r := range 100000 {
					if m.Number(r, 0, float64(r)); r < 30 {
						m.Formula(r, 1, fmt.Sprintf("SUMPRODUCT((A:A=A%d)*(A:A))", r+1))
					}
				}
			}))
		}},
		{"lookups", func() func(context.Context) error {
			return all(sheet(func(m scenes.Maker) {
				for r := range 100000 {
					m.Number(r, 0, float64(r*7919%100000))
					m.Formula(r, 1, fmt.Sprintf("MATCH(%d.5,A$1:A$100000,1)+COUNTIF(A:A,A%d)", r, r+1))
				}
			}))
		}},
	} {
		t.Run(job.name, func(t *testing.T) {
			run := job.begin()
			from, cpu := time.Now(), processor()
			if err := run(context.Background()); err != nil {
				t.Fatal(err)
			}
			wall, whole := time.Since(from), processor()-cpu
			limit := max(whole/4, 150*time.Millisecond)
			for _, share := range []float64{0.2, 0.5, 0.8} {
				var took []time.Duration
				for range 3 {
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(float64(wall)*share))
					var cancelled atomic.Int64
					noted := make(chan struct{})
					context.AfterFunc(ctx, func() { cancelled.Store(int64(processor())); close(noted) })
					err := run(ctx)
					now := processor()
					cancel()
					<-noted
					if err == nil {
						continue // it was done before
					}
					took = append(took, max(now-time.Duration(cancelled.Load()), 0))
					if took[len(took)-1] < limit {
						break
					}
				}
				if len(took) > 0 && slices.Min(took) >= limit {
					t.Errorf("cancelled after %.0f %%, it goes on for %v of processor time; all of it takes %v", share*100, took, whole)
				}
			}
		})
	}
}
