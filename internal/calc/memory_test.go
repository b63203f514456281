package calc

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// TestLargeArraysCount: an array that one function makes counts against what the calculation may take, and no longer when
// the next formula is run; over lanes, too.
func TestLargeArraysCount(t *testing.T) {
	const most = 48 << 20 // a million values take 32 MB
	for _, c := range []struct {
		formula string
		fits    bool
	}{
		{"SUM(_xlfn.SEQUENCE(1000000))+B1", true},
		{"SUM(_xlfn.SEQUENCE(1000000,2))+B1", false},
		{"SUM(_xlfn.SEQUENCE(1000000),_xlfn.SEQUENCE(1000000))+B1", false},
		{"SUMPRODUCT(_xlfn.SEQUENCE(500000)*1)+B1", true},
		{"SUMPRODUCT(_xlfn.SEQUENCE(900000)*1)+B1", false},
	} {
		in := emptyBook()
		var changes []grid.Change
		for row := range 3 {
			changes = append(changes, grid.Change{Ref: cell.Ref{Row: row}, Formula: c.formula})
		}
		changes = append(changes, grid.Change{Ref: cell.Ref{Col: 1}, Value: cell.NumberValue(1)})
		var err error
		if in.Sheets[0], err = in.Sheets[0].With(changes); err != nil {
			t.Fatal(err)
		}
		m, err := NewModel(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		check := func(way string, err error) {
			t.Helper()
			var large *ErrTooLarge
			if errors.As(err, &large) == c.fits || !c.fits && large.Most != most || c.fits && err != nil {
				t.Errorf("%s, %s: %v", c.formula, way, err)
			}
		}
		_, err = m.Calculate(t.Context(), in, Options{All: true, Workers: 1, Bytes: most})
		check("all", err)
		l, err := m.Lanes(t.Context(), in, Options{Bytes: most}, []LaneInput{{Cell: Cell{0, cell.Ref{Col: 1}}}}, []Cell{{0, cell.Ref{}}})
		if err != nil || l == nil {
			t.Fatal(l, err)
		}
		check("over lanes", l.Run(t.Context(), 2, 1, func(i int, v []cell.Value) { v[0] = cell.NumberValue(float64(i)) }, func(int, []cell.Value) error { return nil }))
	}
}

// TestLanesEnd: a cancelled run over lanes ends and tells no more, also within a formula of one lane; and so does one of
// which somebody who is told of a set has enough.
func TestLanesEnd(t *testing.T) {
	in := emptyBook()
	var err error
	if in.Sheets[0], err = in.Sheets[0].With([]grid.Change{{Ref: cell.Ref{}, Value: cell.NumberValue(1)}, {Ref: cell.Ref{Col: 1}, Formula: "SUM(_xlfn.SEQUENCE(3000+A1))+A1"}}); err != nil {
		t.Fatal(err)
	}
	m, err := NewModel(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	l, err := m.Lanes(t.Context(), in, Options{}, []LaneInput{{Cell: Cell{0, cell.Ref{}}}}, []Cell{{0, cell.Ref{Col: 1}}})
	if err != nil || l == nil {
		t.Fatal(l, err)
	}
	input := func(i int, v []cell.Value) { v[0] = cell.NumberValue(float64(i)) }
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	err = l.Run(ctx, 5000, 2, input, func(int, []cell.Value) error {
		if told++; told == 3 {
			cancel()
			<-ctx.Done()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || told != 3 {
		t.Errorf("%d sets were told of, and the error is %v", told, err)
	}
	stop := fmt.Errorf("enough")
	told = 0
	err = l.Run(t.Context(), 5000, 2, input, func(int, []cell.Value) error {
		if told++; told == 3 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || told != 3 {
		t.Errorf("%d sets were told of, and the error is %v", told, err)
	}
}
