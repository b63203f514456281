package graph

import (
	"context"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// anything is a compiler that says what a fuzzer wants.
type anything struct{ facts Facts }

func (c anything) Facts(Formula) (Facts, error) { return c.facts, nil }

// FuzzTexts builds and edits graphs of any texts: nothing panics, and every formula is there.
func FuzzTexts(f *testing.F) {
	f.Add("A1+1", "SUM(A$1:A1)", "B1#", uint16(3), uint8(2))
	f.Add("", "$XFD$1048576", "'", uint16(700), uint8(9))
	f.Fuzz(func(t *testing.T, a, b, c string, rows uint16, kind uint8) {
		m := newModel(1)
		for row := range int(rows%600) + 1 {
			text, err := formula.ShiftText(a, cell.Ref{}, cell.Ref{Row: row})
			if err != nil {
				text = a
			}
			if text != "" {
				m.set(0, cell.Ref{Row: row}, text)
			}
		}
		if b != "" {
			m.cells[spot{0, 3, 1}] = grid.Formula{Text: b, Kind: grid.FormulaKind(kind % 4), Anchor: cell.Ref{Row: 3, Col: 1},
				Range: cell.Range{First: cell.Ref{Row: 3, Col: 1}, Last: cell.Ref{Row: int(kind), Col: int(rows)}}}
		}
		g := m.build(t)
		at := cell.Ref{Row: int(rows % 300), Col: 1}
		h, err := g.With(context.Background(), []Change{{0, at, grid.Formula{Text: c, Anchor: at}}, {Sheet: 0, At: cell.Ref{Row: 3}}}, m.compiler())
		if err != nil {
			t.Fatal(err)
		}
		if g.Stats().Formulas != int64(len(m.cells)) {
			t.Fatalf("%d formulas of %d", g.Stats().Formulas, len(m.cells))
		}
		delete(m.cells, spot{0, 3, 0})
		if m.set(0, at, c); c == "" {
			delete(m.cells, spot{0, at.Row, at.Col})
		}
		if h.Stats().Formulas != int64(len(m.cells)) {
			t.Fatalf("%d formulas of %d after an edit", h.Stats().Formulas, len(m.cells))
		}
		planned(t, h)
	})
}

// FuzzReads gives a column formulas with a read of any kind, on and off the sheet.
func FuzzReads(f *testing.F) {
	f.Add(int32(-1), int32(0), int32(-1), int32(0), uint8(0), uint16(9))
	f.Add(int32(1<<31-1), int32(-1<<31), int32(5), int32(-9), uint8(5), uint16(900))
	f.Fuzz(func(t *testing.T, r0, c0, r1, c1 int32, abs uint8, rows uint16) {
		m := newModel(1)
		for row := range int(rows%300) + 1 {
			m.set(0, cell.Ref{Row: row, Col: 2}, "x")
		}
		read := Read{Sheet: 0, First: formula.Corner{Row: r0, Col: c0, AbsRow: abs&1 > 0, AbsCol: abs&2 > 0}, Last: formula.Corner{Row: r1, Col: c1, AbsRow: abs&4 > 0, AbsCol: abs&8 > 0}}
		g, err := Build(t.Context(), m.grids(t), anything{Facts{Reads: []Read{read}}})
		if err != nil {
			t.Fatal(err)
		}
		planned(t, g)
		at := cell.Ref{Row: int(rows), Col: int(abs)}
		d, err := g.Dirty(t.Context(), []Area{{0, cell.Range{First: at, Last: at}}}, 0)
		if err != nil {
			t.Fatal(err)
		}
		// By the long way: a cell is dirty if it is the source, or reads it or one that is dirty.
		dirty := make(map[int]bool)
		reads := newRead(read)
		for again := true; again; {
			again = false
			for s := range m.cells {
				x := reads.image(boxAt(cell.Ref{Row: s.row, Col: s.col}))
				hit := x.meets(boxAt(at)) && !x.empty() || at == cell.Ref{Row: s.row, Col: s.col}
				for row := range dirty {
					hit = hit || !x.empty() && x.meets(boxAt(cell.Ref{Row: row, Col: 2}))
				}
				if hit && !dirty[s.row] {
					dirty[s.row], again = true, true
				}
			}
		}
		if d.Cells() != int64(len(dirty)) {
			t.Fatalf("%+v: %d cells are dirty, want %d", read, d.Cells(), len(dirty))
		}
	})
}

// planned makes a plan of everything, in which every formula is once.
func planned(t *testing.T, g *Graph) {
	d, err := g.All(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	for i := range p.Units {
		for s := range p.Steps(i) {
			n += s.Cells.Cells()
		}
	}
	if n != g.Stats().Formulas {
		t.Fatalf("%d cells in the plan of %d formulas", n, g.Stats().Formulas)
	}
}
