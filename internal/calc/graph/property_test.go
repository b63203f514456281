package graph

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// build makes the graph of a model in a rapid test, which has no testing.TB.
func build(t *rapid.T, tb testing.TB, m *model) *Graph {
	g, err := Build(context.Background(), m.grids(tb), m.compiler())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// describe lists a model for a failure.
func (m *model) describe() string {
	var b strings.Builder
	for _, s := range m.spots() {
		f := m.cells[s]
		fmt.Fprintf(&b, "\n  %s!%v: %s", m.names[s.sheet], cell.Ref{Row: s.row, Col: s.col}, f.Text)
		if f.Kind != grid.NormalFormula {
			fmt.Fprintf(&b, " %v %v", f.Kind, f.Range)
		}
	}
	return b.String()
}

// checkGraph holds a graph to the model cell by cell: which formula each cell has, what it reads,
// and what reads it.
func checkGraph(t *rapid.T, g *Graph, m *model) {
	t.Helper()
	if n := g.Stats().Formulas; n != int64(len(m.cells)) {
		t.Fatalf("%d formulas, want %d", n, len(m.cells))
	}
	reads := make(map[spot][]Area)
	for s, f := range m.cells {
		at := cell.Ref{Row: s.row, Col: s.col}
		x, ok := g.SpanAt(s.sheet, at)
		relative, literals, err := relativeForm(f, at)
		if err != nil {
			t.Fatal(err)
		}
		if !ok || !x.Area.Contains(at) || x.Template.Relative != string(relative) || x.Template.Kind != f.Kind {
			t.Fatalf("span at %v %v: %v %+v, want %q", s.sheet, at, ok, x, relative)
		}
		if got := g.literalsAt(x, at); !got.Equal(&literals) {
			t.Fatalf("literals of %v %v: %v, want %v%s", s.sheet, at, got, literals, m.describe())
		}
		if x.Area == (cell.Range{First: at, Last: at}) && x.Output != m.output(s) {
			t.Fatalf("output of %v: %v, want %v", at, x.Output, m.output(s))
		}
		want, _, _ := m.reads(s)
		reads[s] = want
		got := slices.Collect(g.Precedents(s.sheet, at))
		// A reference may have its corners changed, but not what it covers.
		if !slices.Equal(got, want) {
			t.Fatalf("precedents of %v: %v, want %v", at, got, want)
		}
	}
	for sheet := range m.names {
		for row := range modelRows + 1 {
			for col := range modelCols + 1 {
				at := cell.Ref{Row: row, Col: col}
				one := cell.Range{First: at, Last: at}
				want := make(map[spot]bool)
				for s, areas := range reads {
					for _, a := range areas {
						if a.Sheet == sheet && a.Range.Contains(at) {
							want[s] = true
						}
					}
				}
				got := make(map[spot]bool)
				for d := range g.Dependents(sheet, one) {
					for r := d.Cells.First.Row; r <= d.Cells.Last.Row; r++ {
						for c := d.Cells.First.Col; c <= d.Cells.Last.Col; c++ {
							got[spot{d.Span.Template.Sheet, r, c}] = true
						}
					}
				}
				if !maps.Equal(got, want) {
					t.Fatalf("dependents of %v %v: %v, want %v%s", sheet, at, got, want, m.describe())
				}
			}
		}
	}
}

// checkDirty holds a dirty set to the one found cell by cell, and its plan to the order of cells.
func checkDirty(t *rapid.T, d *Dirty, m *model, want map[spot]bool) {
	t.Helper()
	if n := d.Cells(); n != int64(len(want)) {
		t.Errorf("%d cells are dirty, want %d", n, len(want))
	}
	for s := range m.cells {
		if got := d.Contains(s.sheet, cell.Ref{Row: s.row, Col: s.col}); got != want[s] {
			t.Errorf("%v dirty: %v, want %v", s, got, want[s])
		}
	}
	p, err := d.Plan(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	checkPlan(t, p, m, want)
	if t.Failed() {
		t.Fatal(m.describe())
	}
}

// checkPlan evaluates a plan in mind: every dirty cell comes once, and behind those that it
// reads.
func checkPlan(t *rapid.T, p *Plan, m *model, dirty map[spot]bool) {
	type when struct{ unit, step int }
	done := make(map[spot]when)
	for i := range p.Units {
		u := &p.Units[i]
		if i > 0 && u.Level < p.Units[i-1].Level {
			t.Errorf("unit %d is on level %d, the one before on %d", i, u.Level, p.Units[i-1].Level)
		}
		if u.Cost <= 0 {
			t.Errorf("unit %d costs %d", i, u.Cost)
		}
		n := 0
		visit := func(sheet, row, col int) {
			s := spot{sheet, row, col}
			if _, twice := done[s]; twice {
				t.Errorf("%v comes twice", s)
			}
			done[s] = when{i, n}
			n++
		}
		for s := range p.Steps(i) {
			x, sheet := s.Cells, s.Span.Template.Sheet
			// Line by line, and within a line forward.
			rows, cols := []int{}, []int{}
			for r := x.First.Row; r <= x.Last.Row; r++ {
				rows = append(rows, r)
			}
			for c := x.First.Col; c <= x.Last.Col; c++ {
				cols = append(cols, c)
			}
			switch u.Order {
			case RowsUp:
				slices.Reverse(rows)
			case ColumnsLeft:
				slices.Reverse(cols)
			}
			if u.Order.axis() == 1 {
				for _, c := range cols {
					for _, r := range rows {
						visit(sheet, r, c)
					}
				}
				continue
			}
			for _, r := range rows {
				for _, c := range cols {
					visit(sheet, r, c)
				}
			}
		}
	}
	precedents := m.precedents()
	for s := range dirty {
		at, ok := done[s]
		if !ok {
			t.Errorf("%v is dirty and not in the plan", s)
			continue
		}
		u := &p.Units[at.unit]
		for _, b := range precedents[s] {
			if !dirty[b] {
				continue
			}
			before := done[b]
			switch {
			case before.unit != at.unit:
				if p.Units[before.unit].Level >= u.Level || !slices.Contains(p.Next(before.unit), int32(at.unit)) {
					t.Errorf("%v of unit %d (level %d) reads %v of unit %d (level %d)", s, at.unit, u.Level, b, before.unit, p.Units[before.unit].Level)
				}
			case u.Order == Knot:
			case u.Order == Independent || before.step >= at.step:
				t.Errorf("%v reads %v of the same unit, which is %v, at %d and %d", s, b, u.Order, at.step, before.step)
			case u.Lanes && (u.Order.axis() == 0 && s.col != b.col || u.Order.axis() == 1 && s.row != b.row):
				t.Errorf("%v reads %v, and the unit has lanes", s, b)
			}
		}
	}
	if len(done) != len(dirty) {
		t.Errorf("%d cells in the plan, %d are dirty", len(done), len(dirty))
	}
	waits := make([]int, len(p.Units))
	for i := range p.Units {
		for _, n := range p.Next(i) {
			waits[n]++
		}
	}
	for i := range p.Units {
		if waits[i] != p.Waits(i) {
			t.Errorf("unit %d waits for %d, is next of %d", i, p.Waits(i), waits[i])
		}
	}
	for s := range dirty {
		if _, _, dynamic := m.reads(s); dynamic && (!p.OnDemand || done[s].unit != len(p.Units)-1) {
			t.Errorf("%v is dynamic and in unit %d of %d", s, done[s].unit, len(p.Units))
		}
	}
}

// TestGraph: a graph of random formulas says what their texts say, cell by cell; what is dirty
// after random changes is what is found cell by cell; plans are in order.
func TestGraph(t *testing.T) { rapid.Check(t, graphProperty(t)) }

func FuzzGraph(f *testing.F) { fuzz(f, graphProperty) }

// fuzz fuzzes what a property draws. The seeds are long enough for all that it may draw: what ends before is passed over,
// and none is found by itself that does not.
func fuzz(f *testing.F, property func(testing.TB) func(*rapid.T)) {
	for i := range fuzzSeeds {
		seed := make([]byte, fuzzBytes)
		rand.NewChaCha8([32]byte{byte(i)}).Read(seed)
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) { rapid.MakeFuzz(property(t))(t, data) })
}

const (
	fuzzSeeds = 16
	fuzzBytes = 16 << 10
)

func graphProperty(t testing.TB) func(*rapid.T) {
	return func(rt *rapid.T) {
		m := drawModel(rt)
		g := build(rt, t, m)
		checkGraph(rt, g, m)
		sources := drawSources(rt, m)
		d, err := g.Dirty(context.Background(), sources, 0)
		if err != nil {
			rt.Fatal(err)
		}
		checkDirty(rt, d, m, m.dirty(sources))
		if d, err = g.Downstream(context.Background(), sources, 0); err != nil {
			rt.Fatal(err)
		}
		checkDirty(rt, d, m, m.depending(sources, false))
		all, err := g.All(context.Background(), 0)
		if err != nil {
			rt.Fatal(err)
		}
		every := make(map[spot]bool)
		for s := range m.cells {
			every[s] = true
		}
		checkDirty(rt, all, m, every)
	}
}

// TestWith: a graph after random edits is the graph of what they leave; and the graphs before
// stay what they were.
func TestWith(t *testing.T) { rapid.Check(t, withProperty(t)) }

func FuzzWith(f *testing.F) { fuzz(f, withProperty) }

func withProperty(t testing.TB) func(*rapid.T) {
	return func(rt *rapid.T) {
		m := drawModel(rt)
		g := build(rt, t, m)
		type version struct {
			g *Graph
			m *model
		}
		versions := []version{{g, m}}
		for range rapid.IntRange(1, 5).Draw(rt, "edits") {
			from := versions[rapid.IntRange(0, len(versions)-1).Draw(rt, "from")]
			next := from.m.clone()
			var changes []Change
			for range rapid.IntRange(1, 2).Draw(rt, "changes") {
				changes = append(changes, drawFormulas(rt, next, rapid.IntRange(0, len(m.names)-1).Draw(rt, "sheet"))...)
			}
			h, err := from.g.With(context.Background(), changes, m.compiler())
			if err != nil {
				rt.Fatal(err)
			}
			versions = append(versions, version{h, next})
		}
		for _, v := range versions {
			checkGraph(rt, v.g, v.m)
			sources := drawSources(rt, v.m)
			d, err := v.g.Dirty(context.Background(), sources, 0)
			if err != nil {
				rt.Fatal(err)
			}
			checkDirty(rt, d, v.m, v.m.dirty(sources))
		}
	}
}

// relativeForm gives what the template of a formula has to have, and the literals of the formula.
func relativeForm(f grid.Formula, at cell.Ref) (b []byte, l formula.Literals, err error) {
	if f.Kind == grid.NormalFormula {
		b, err = formula.AppendTemplate(nil, f.Text, at, &l)
		return b, l, err
	}
	b, err = formula.AppendRelative(nil, f.Text, at)
	return b, l, err
}

// literalsAt gives the literals of the formula of a cell of a span, once one by one and once as
// part of a list.
func (g *Graph) literalsAt(s Span, at cell.Ref) (out formula.Literals) {
	page, row := g.Literals(s.Template.Sheet, at.Col, at.Row/grid.BandRows), at.Row%grid.BandRows
	for i, f := range s.Template.literals.Numbers {
		first := max(row-1, 0)
		list := []float64{f, f, f}
		page.Numbers(i, first, list)
		if own, ok := page.Number(i, row); ok {
			f = own
		}
		if list[row-first] != f {
			return formula.Literals{}
		}
		out.Numbers = append(out.Numbers, f)
	}
	for i, w := range s.Template.literals.Texts {
		if own, ok := page.Text(i, row); ok {
			w = own
		}
		out.Texts = append(out.Texts, w)
	}
	return out
}
