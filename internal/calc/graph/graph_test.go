package graph

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

func at(tb testing.TB, text string) cell.Ref {
	r, ok := cell.ParseRef(text)
	if !ok {
		tb.Fatal(text)
	}
	return r
}

func rangeOf(tb testing.TB, text string) cell.Range {
	r, ok := cell.ParseRange(text)
	if !ok {
		tb.Fatal(text)
	}
	return r
}

// TestStored: a formula is the same however the file stores it, over more rows than a piece of
// work has, and where an edited sheet has it.
func TestStored(t *testing.T) {
	const rows = pieceRows + 2000
	var texts, shared grid.Builder
	for i, b := range []*grid.Builder{&texts, &shared} {
		*b = *grid.NewBuilder("S")
		all := cell.Range{Last: cell.Ref{Row: rows - 1, Col: 1}}
		group := b.AddGroup(grid.SharedFormula, cell.Ref{}, all)
		for row := range rows {
			for col := range 2 {
				r := cell.Ref{Row: row, Col: col}
				if err := b.Blank(r, 0); err != nil {
					t.Fatal(err)
				}
				text, g := fmt.Appendf(nil, "%s%d*2", cell.ColumnName(col+3), row+1), -1
				if i == 1 {
					text, g = []byte("D1*2"), group
				}
				id, err := b.AddFormula(text, g)
				if err != nil {
					t.Fatal(err)
				}
				b.SetFormula(r, id)
			}
		}
	}
	for i, s := range []*grid.Sheet{texts.Finish(nil), shared.Finish(nil)} {
		g, err := Build(t.Context(), []*grid.Sheet{s}, references{})
		if err != nil {
			t.Fatal(err)
		}
		if st := g.Stats(); st.Spans != 1 || st.Templates != 1 || st.Formulas != 2*rows || st.Edges != 1 || float64(st.Bytes) > 10*float64(st.Formulas) {
			t.Errorf("form %d: %+v", i, st)
		}
		// In the middle of the first column there is another formula.
		r := cell.Ref{Row: 700}
		edited, err := s.With([]grid.Change{{Ref: r, Formula: "1+1"}})
		if err != nil {
			t.Fatal(err)
		}
		again, err := Build(t.Context(), []*grid.Sheet{edited}, references{})
		if err != nil {
			t.Fatal(err)
		}
		c, _ := edited.At(r)
		with, err := g.With(context.Background(), []Change{{0, r, edited.Formula(c)}}, references{})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range []*Graph{again, with} {
			if x, ok := h.SpanAt(0, r); !ok || x.Template.Relative != "0+0" || h.Stats().Formulas != 2*rows {
				t.Errorf("form %d: %v", i, x)
			}
		}
		// Put back, it is one span again.
		c, _ = s.At(r)
		back, err := with.With(context.Background(), []Change{{0, r, s.Formula(c)}}, references{})
		if err != nil {
			t.Fatal(err)
		}
		if n := back.Stats().Spans; n != 1 {
			t.Errorf("form %d: %d spans after an edit that was undone", i, n)
		}
	}
}

// TestAlternating: formulas that take turns in a column are each told by comparing.
func TestAlternating(t *testing.T) {
	m := newModel(1)
	for row := range 60 {
		m.set(0, cell.Ref{Row: row}, []string{"B%d+1", "B%d-2", "b%d+1", "SUM(B$1:B%d)"}[row%4])
	}
	for s, f := range m.cells {
		f.Text = fmt.Sprintf(f.Text, s.row+1)
		m.cells[s] = f
	}
	if st := m.build(t).Stats(); st.Templates != 3 || st.Spans != 60 {
		t.Errorf("%+v", st)
	}
}

func TestRefusals(t *testing.T) {
	b := grid.NewBuilder("S")
	if err := b.Int(cell.Ref{}, 0, 1); err != nil {
		t.Fatal(err)
	}
	partial := b.FinishRows(nil, nil, 0, 1)
	if _, err := Build(t.Context(), []*grid.Sheet{partial}, references{}); !errors.Is(err, ErrPartial) {
		t.Errorf("a sheet that is not loaded whole: %v", err)
	}
	m := newModel(1)
	m.set(0, at(t, "B1"), "A1+(")
	m.set(0, at(t, "B2"), `"open`)
	g := m.build(t)
	for _, r := range []string{"B1", "B2"} {
		if x, ok := g.SpanAt(0, at(t, r)); !ok || x.Template.Err == nil || x.Template.Reads() != 0 {
			t.Errorf("a formula that does not parse: %+v", x.Template)
		}
	}
	for _, c := range []Change{{Sheet: 1}, {Sheet: -1}, {At: cell.Ref{Row: -1}}, {At: cell.Ref{Col: cell.MaxCols}}} {
		if _, err := g.With(context.Background(), []Change{c}, m.compiler()); !errors.Is(err, ErrOutside) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if h, err := g.With(context.Background(), nil, m.compiler()); h != g || err != nil {
		t.Errorf("no change gives another graph: %v", err)
	}
	// Questions about what is not there have no answers.
	for range g.Dependents(7, rangeOf(t, "A1")) {
		t.Error("a dependent on no sheet")
	}
	for range g.Precedents(-1, at(t, "A1")) {
		t.Error("a precedent on no sheet")
	}
	for range g.SpansIn(1, rangeOf(t, "A1:C9")) {
		t.Error("a span on no sheet")
	}
	if _, ok := g.SpanAt(0, cell.Ref{Row: -1}); ok {
		t.Error("a span off the sheet")
	}
	d, err := g.Dirty(t.Context(), []Area{{5, rangeOf(t, "A1")}, {0, cell.Range{First: cell.Ref{Row: 3}, Last: cell.Ref{Row: 1}}}}, 0)
	if err != nil || d.Len() != 0 || d.Contains(0, at(t, "B1")) || d.Contains(0, at(t, "C1")) {
		t.Errorf("areas that are none make %d spans dirty: %v", d.Len(), err)
	}
}

// TestForeignSheet: a sheet that the graph does not have, as a compiler may name one, is not read.
func TestForeignSheet(t *testing.T) {
	m := newModel(1)
	m.set(0, at(t, "B1"), "Nowhere!A1+A1")
	g := m.build(t)
	if n := len(slices.Collect(g.Precedents(0, at(t, "B1")))); n != 1 {
		t.Errorf("%d precedents", n)
	}
}

func TestSpans(t *testing.T) {
	m := newModel(1)
	for row := range 300 {
		m.set(0, cell.Ref{Row: row, Col: row % 2 * 5}, fmt.Sprintf("H%d*%d", row+1, row))
	}
	g := m.build(t)
	n := 0
	for s := range g.Spans() {
		if x, ok := g.SpanAt(0, s.Area.First); !ok || x != s {
			t.Errorf("%+v is found as %+v", s, x)
		}
		n++
	}
	if n != 300 {
		t.Errorf("%d spans", n)
	}
	n = 0
	for range g.SpansIn(0, rangeOf(t, "A1:F10")) {
		n++
	}
	if n != 10 {
		t.Errorf("%d spans in ten rows", n)
	}
	for range g.Spans() {
		break
	}
}

// TestGap: copies of a formula in columns that have another between them are not one span.
func TestGap(t *testing.T) {
	m := newModel(2)
	for _, col := range []int{0, 2, 3} {
		for row := range 3 {
			m.set(0, cell.Ref{Row: row, Col: col}, fmt.Sprintf("$H%d", row+1))
		}
	}
	m.set(1, cell.Ref{Col: 4}, "$H1")
	g := m.build(t)
	for col, want := range []string{"A1:A3", "", "C1:D3", "C1:D3"} {
		s, ok := g.SpanAt(0, cell.Ref{Col: col})
		if ok != (want != "") || ok && s.Area.String() != want {
			t.Errorf("column %d: %v, want %s", col, s.Area, want)
		}
	}
	if n := g.Stats().Spans; n != 3 {
		t.Errorf("%d spans", n)
	}
}

// TestForgets: a fork that is edited for ever does not remember every formula that it ever had.
func TestForgets(t *testing.T) {
	m := newModel(1)
	g := m.build(t)
	for i := range 5 * recentMax {
		r := cell.Ref{Row: i % 7}
		h, err := g.With(context.Background(), []Change{{0, r, grid.Formula{Text: fmt.Sprintf("B1+%d", i), Anchor: r}}}, m.compiler())
		if err != nil {
			t.Fatal(err)
		}
		g = h
	}
	if n := len(g.recent); n > recentMax+7 {
		t.Errorf("%d templates are remembered", n)
	}
	if st := g.Stats(); st.Spans != 7 || st.Templates != 7 || len(g.spans) != 1 {
		t.Errorf("%+v in %d pages", st, len(g.spans))
	}
}

// TestConcurrent: a graph is asked and edited by many at once, for the race detector to see.
func TestConcurrent(t *testing.T) {
	m := newModel(1)
	for row := range 1000 {
		m.set(0, cell.Ref{Row: row, Col: 1}, fmt.Sprintf("A%d+B$1100", row+1))
	}
	g := m.build(t)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			h := g
			for k := range 50 {
				r := cell.Ref{Row: (i*37 + k*11) % 1000, Col: 1}
				n, err := h.With(context.Background(), []Change{{0, r, grid.Formula{Text: fmt.Sprintf("A1*%d+RAND()", k%3), Anchor: r}}}, m.compiler())
				if err != nil {
					t.Error(err)
					return
				}
				h = n
				for _, x := range []*Graph{g, h} {
					d, err := x.Dirty(t.Context(), []Area{{0, cell.Range{First: r, Last: r}}}, 0)
					if err != nil || !d.Contains(0, r) {
						t.Errorf("%v is not dirty: %v", r, err)
					}
					if _, err := d.Plan(t.Context()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if st := g.Stats(); st.Spans != 1 || st.Volatile != 0 {
		t.Errorf("the base has become %+v", st)
	}
}
