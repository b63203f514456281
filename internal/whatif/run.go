package whatif

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"gridflow/internal/calc"
	"gridflow/internal/cell"
	"gridflow/internal/crew"
)

// Run makes n trials, of which inputs gives those of number i, on up to so many workers, and calls
// done with the values that cells have in each, in any order but never twice at the same time. It ends with the first
// error, of a trial or of done.
//
// Trials whose inputs go to the same kinds of cells are calculated side by side (calc.Lanes) where the
// workbook lets them, and else one by one; the values are the same.
func (m *Model) Run(ctx context.Context, n, workers int, inputs func(i int) []Input, cells []Cell, done func(i int, values []cell.Value) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	told := make([]bool, n)
	var mu sync.Mutex
	tell := func(i int, values []cell.Value) error {
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		told[i] = true
		err := done(i, values)
		if err != nil {
			cancel(err) // the first one counts
		}
		return err
	}
	for _, g := range m.groups(ctx, n, inputs) {
		if err := m.together(ctx, g, workers, cells, tell); err != nil {
			return err
		}
	}
	var left []int
	for i, is := range told {
		if !is {
			left = append(left, i)
		}
	}
	return m.alone(ctx, left, workers, inputs, cells, tell)
}

// alone makes trials one by one.
func (m *Model) alone(ctx context.Context, trials []int, workers int, inputs func(i int) []Input, cells []Cell, tell func(i int, values []cell.Value) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers = max(1, min(workers, len(trials)))
	each := 1
	if workers == 1 {
		each = 0 // then one trial may use them all
	}
	var next atomic.Int64
	var wg crew.Crew
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				k := int(next.Add(1)) - 1
				if k >= len(trials) {
					return
				}
				values, err := m.outcome(ctx, inputs(trials[k]), cells, each)
				if err == nil {
					err = tell(trials[k], values)
				}
				if err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// groupMin is how many trials are worth to be prepared for together.
const groupMin = 4

// group is trials whose inputs stand in for the same formulas.
type group struct {
	places []Cell       // that inputs go to
	blank  []bool       // by place: it holds nothing in some trial
	base   []cell.Value // by place: its value where a trial says nothing of it
	trials []int
	sets   [][]Input // by trial
}

// groups finds the trials that may be calculated together.
func (m *Model) groups(ctx context.Context, n int, inputs func(i int) []Input) (list []*group) {
	if n < groupMin {
		return nil
	}
	type known struct {
		value   cell.Value
		formula bool
		ok      bool
	}
	cells := map[Cell]known{}
	look := func(c Cell) known {
		k, seen := cells[c]
		if !seen {
			if s, err := m.base.Sheet(ctx, c.Sheet); err == nil { // else who tries it is told
				at, _ := s.At(c.Ref)
				k = known{at.Value, at.HasFormula(), true}
			}
			cells[c] = k
		}
		return k
	}
	byFormulas := map[string]*group{}
	var formulas []Cell // in the order in which they were met: their numbers name them
	for i := range n {
		set := inputs(i)
		var key []byte
		fit := true
		for _, x := range set {
			c := Cell{x.Sheet, x.Ref}
			k := look(c)
			fit = fit && k.ok && plain(x.Value)
			if k.formula {
				at := slices.Index(formulas, c)
				if at < 0 {
					at, formulas = len(formulas), append(formulas, c)
				}
				for len(key) <= at/8 {
					key = append(key, 0)
				}
				key[at/8] |= 1 << (at % 8)
			}
		}
		if !fit || len(set) == 0 {
			continue
		}
		g := byFormulas[string(key)]
		if g == nil {
			g = &group{}
			byFormulas[string(key)] = g
			list = append(list, g)
		}
		g.trials, g.sets = append(g.trials, i), append(g.sets, set)
	}
	list = slices.DeleteFunc(list, func(g *group) bool { return len(g.trials) < groupMin })
	for _, g := range list {
		g.gather(func(c Cell) cell.Value { return cells[c].value })
	}
	return list
}

// plain reports whether a cell can hold a value, without asking the workbook.
func plain(v cell.Value) bool {
	switch v.Kind() {
	case cell.Number:
		return !math.IsNaN(v.Number()) && !math.IsInf(v.Number(), 0)
	case cell.Text:
		return len(v.Text()) < 1<<14 && utf8.ValidString(v.Text())
	}
	return v.Kind() != cell.Error
}

// gather collects the places of the trials' inputs.
func (g *group) gather(base func(Cell) cell.Value) {
	at := map[Cell]int{}
	for _, inputs := range g.sets {
		for _, x := range inputs {
			c := Cell{x.Sheet, x.Ref}
			p, ok := at[c]
			if !ok {
				p = len(g.places)
				at[c] = p
				v := base(c)
				g.places, g.base, g.blank = append(g.places, c), append(g.base, v), append(g.blank, v.IsBlank())
			}
			g.blank[p] = g.blank[p] || x.Value.IsBlank()
		}
	}
}

// values puts the values of a set into the order of the places.
func (g *group) values(set []Input, out []cell.Value) {
	copy(out, g.base)
	for _, x := range set {
		out[slices.Index(g.places, Cell{x.Sheet, x.Ref})] = x.Value
	}
}

// together makes the trials of a group side by side, if the workbook lets them.
func (m *Model) together(ctx context.Context, g *group, workers int, cells []Cell, tell func(i int, values []cell.Value) error) error {
	first, err := m.with(ctx, g.sets[0])
	if err != nil {
		return err
	}
	places := make([]calc.LaneInput, len(g.places))
	for i, p := range g.places {
		places[i] = calc.LaneInput{Cell: calc.Cell{Sheet: p.Sheet, At: p.Ref}, Blank: g.blank[i]}
	}
	l, err := first.Lanes(ctx, m.at, m.limits(workers), places, listOf(cells))
	if err != nil || l == nil {
		return err
	}
	err = l.Run(ctx, len(g.trials), workers, func(i int, values []cell.Value) { g.values(g.sets[i], values) },
		func(i int, values []cell.Value) error { return tell(g.trials[i], values) })
	if errors.Is(err, calc.ErrOneByOne) {
		return nil
	}
	return err
}

// trier gives a function that tells what one cell comes to with a value in another one. What depends on that is
// put into order once, for all trials, where the workbook lets it be (calc.Lanes). some is a value of those that will be tried. The function
// belongs to one goroutine.
func (m *Model) trier(ctx context.Context, in Cell, some cell.Value, out Cell) (func(cell.Value) (cell.Value, error), error) {
	alone := func(v cell.Value) (cell.Value, error) {
		values, err := m.Outcome(ctx, []Input{{in.Sheet, in.Ref, v}}, []Cell{out})
		if err != nil {
			return cell.Value{}, err
		}
		return values[0], nil
	}
	first, err := m.with(ctx, []Input{{in.Sheet, in.Ref, some}})
	if err != nil {
		return nil, err
	}
	l, err := first.Lanes(ctx, m.at, m.limits(1), []calc.LaneInput{{Cell: calc.Cell{Sheet: in.Sheet, At: in.Ref}}}, listOf([]Cell{out}))
	if err != nil || l == nil {
		return alone, err
	}
	return func(v cell.Value) (is cell.Value, err error) {
		if !plain(v) {
			return alone(v)
		}
		err = l.Run(ctx, 1, 1, func(_ int, values []cell.Value) { values[0] = v }, func(_ int, values []cell.Value) error {
			is = values[0]
			return nil
		})
		if errors.Is(err, calc.ErrOneByOne) {
			return alone(v)
		}
		return is, err
	}, nil
}
