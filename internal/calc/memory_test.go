package calc

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// TestLargeArraysCount: an array that one function makes counts against what the calculation may take, and no longer when
// the next formula is run; over lanes, too.
func TestLargeArraysCount(t *testing.T) {
	const most = 48 << 17 // a hundred and twenty-five thousand values take 4 MB
	for _, c := range []struct {
		formula string
		fits    bool
	}{
		{"SUM(_xlfn.SEQUENCE(125000))+B1", true},
		{"SUM(_xlfn.SEQUENCE(125000,2))+B1", false},
		{"SUM(_xlfn.SEQUENCE(125000),_xlfn.SEQUENCE(125000))+B1", false},
		{"SUMPRODUCT(_xlfn.SEQUENCE(70000)*1)+B1", true},
		{"SUMPRODUCT(_xlfn.SEQUENCE(120000)*1)+B1", false},
	} {
		var changes []grid.Change
		for row := range 3 {
			changes = append(changes, grid.Change{Ref: cell.Ref{Row: row}, Formula: c.formula})
		}
		changes = append(changes, grid.Change{Ref: cell.Ref{Col: 1}, Value: cell.NumberValue(1)})
		in, m := modelOf(t, changes)
		check := func(way string, err error) {
			t.Helper()
			var large *ErrTooLarge
			if errors.As(err, &large) == c.fits || !c.fits && large.Most != most || c.fits && err != nil {
				t.Errorf("%s, %s: %v", c.formula, way, err)
			}
		}
		_, err := m.Calculate(t.Context(), in, Options{All: true, Workers: 1, Bytes: most})
		check("all", err)
		l, err := m.Lanes(t.Context(), in, Options{Bytes: most}, []LaneInput{{Cell: Cell{0, cell.Ref{Col: 1}}}}, []Cell{{0, cell.Ref{}}})
		if err == nil {
			err = l.Run(t.Context(), 2, 1, func(i int, v []cell.Value) { v[0] = cell.NumberValue(float64(i)) }, func(int, []cell.Value) error { return nil })
		}
		check("over lanes", err)
	}
}

// TestLanesEnd: a cancelled run over lanes ends and tells no more, also within a formula of one lane; and so does one of
// which somebody who is told of a set has enough.
func TestLanesEnd(t *testing.T) {
	in, m := modelOf(t, []grid.Change{{Ref: cell.Ref{}, Value: cell.NumberValue(1)}, {Ref: cell.Ref{Col: 1}, Formula: "SUM(_xlfn.SEQUENCE(3000+A1))+A1"}})
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

// TestTextsCount: long texts count against what a calculation may take, in the arrays that a formula makes and in
// the cells; one that many cells have in common counts once.
func TestTextsCount(t *testing.T) {
	const most = 48 << 17
	for _, c := range []struct {
		formula string
		rows    int
		fits    bool
	}{
		{`SUM(LEN(REPT("x",_xlfn.SEQUENCE(100,1,30000,0))))`, 3, true},
		{`SUM(LEN(REPT("x",_xlfn.SEQUENCE(3000,1,30000,0))))`, 1, false},
		{`SUM(LEN(_xlfn.SEQUENCE(3000)&REPT("x",30000)))`, 1, false},
		{`SUM(LEN(_xlfn.MAP(_xlfn.SEQUENCE(3000),_xlfn.LAMBDA(_xlpm.n,REPT("x",30000)))))`, 1, false},
		{`REPT("x",30000)`, 50, true},
		{`REPT("x",30000)`, 1000, false},
		{`Z1`, 1000, true},
	} {
		changes := []grid.Change{{Ref: cell.Ref{Col: 25}, Value: cell.TextValue(strings.Repeat("z", 30000))}}
		for row := range c.rows {
			changes = append(changes, grid.Change{Ref: cell.Ref{Row: row}, Formula: strings.ReplaceAll(c.formula, "Z1", "$Z$1")})
		}
		in, m := modelOf(t, changes)
		_, err := m.Calculate(t.Context(), in, Options{All: true, Workers: 1, Bytes: most})
		var large *ErrTooLarge
		if errors.As(err, &large) == c.fits || c.fits && err != nil {
			t.Errorf("%d times %s: %v", c.rows, c.formula, err)
		}
	}
}

// TestReadersCount: who reads whom is bounded while it is found out, and counts beside all else, whether everything is calculated
// or what an edit makes dirty.
func TestReadersCount(t *testing.T) {
	const n = 1500 // more than a million times one formula reads another
	var changes []grid.Change
	for row := range n {
		changes = append(changes, grid.Change{Ref: cell.Ref{Row: row}, Formula: fmt.Sprintf("SUM(A$%d:A$%d)", row+2, n+1)})
	}
	in, m := modelOf(t, changes)
	d, err := m.graph.All(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, opt := range map[string]Options{
		"all":     {All: true},
		"an edit": {Sources: []Cell{{0, cell.Ref{Row: n}}}},
	} {
		calculate := func(most int64) (allocated uint64, err error) {
			var before, after runtime.MemStats
			opt.Workers, opt.Bytes = 1, most
			runtime.ReadMemStats(&before)
			_, err = m.Calculate(t.Context(), in, opt)
			runtime.ReadMemStats(&after)
			return after.TotalAlloc - before.TotalAlloc, err
		}
		var large *ErrTooLarge
		if allocated, err := calculate(1 << 20); !errors.As(err, &large) || large.Most != 1<<20 || allocated > uint64(d.Bytes())/4 {
			t.Errorf("%s: %v, when %d bytes had been taken of %d", name, err, allocated, d.Bytes())
		}
		if _, err := calculate(d.Bytes() + tileBytes/2); !errors.As(err, &large) {
			t.Errorf("%s, without room for a tile: %v", name, err)
		}
		if _, err := calculate(d.Bytes() + 1<<20); err != nil {
			t.Errorf("%s, with room: %v", name, err)
		}
	}
}
