package graph

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

var update = flag.Bool("update", false, "write the results in testdata anew")

// TestPlans runs testdata/plans.txt: workbooks as formulas over ranges, what is changed in them,
// and the units that come out.
//
//	fill B2:B9 =A2*2      copies of a formula, written for the first cell
//	array B2:C3 =A2:A3*2  an array formula
//	dirty A2 Other!C5     sources of a change; "all" for everything
//	plan                  what follows, indented, is the plan: level, order, cost and spans
func TestPlans(t *testing.T) {
	data, err := os.ReadFile("testdata/plans.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder // the file with what came out
	for i, part := range strings.Split(string(data), "\n\n") {
		if i > 0 {
			out.WriteByte('\n')
		}
		var m *model
		var d *Dirty
		var got, want, name strings.Builder
		for line := range strings.Lines(part) {
			line = strings.TrimRight(line, "\n")
			if strings.HasPrefix(line, "    ") {
				want.WriteString(strings.TrimSpace(line) + "\n")
				continue
			}
			word, rest, _ := strings.Cut(line, " ")
			if line != "" {
				out.WriteString(line + "\n")
			}
			switch word {
			case "":
			case "#":
				name.WriteString(rest)
				m = newModel(0)
				m.names = []string{"Data", "Other"}
			case "fill", "array":
				where, text, _ := strings.Cut(rest, " =")
				sheet, x := m.area(t, where)
				if word == "array" {
					m.cells[spot{sheet, x.First.Row, x.First.Col}] = grid.Formula{Text: text, Kind: grid.ArrayFormula, Anchor: x.First, Range: x}
					break
				}
				for row := x.First.Row; row <= x.Last.Row; row++ {
					for col := x.First.Col; col <= x.Last.Col; col++ {
						at := cell.Ref{Row: row, Col: col}
						copied, err := formula.ShiftText(text, x.First, at)
						if err != nil {
							t.Fatal(err)
						}
						m.set(sheet, at, copied)
					}
				}
			case "dirty":
				g := m.build(t)
				if rest == "all" {
					d, err = g.All(t.Context(), 0)
				} else {
					var sources []Area
					for _, where := range strings.Fields(rest) {
						sheet, x := m.area(t, where)
						sources = append(sources, Area{sheet, x})
					}
					d, err = g.Dirty(t.Context(), sources, 0)
				}
				if err != nil {
					t.Fatal(err)
				}
			case "plan":
				p, err := d.Plan(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				text := m.plan(p)
				got.WriteString(text)
				for line := range strings.Lines(text) {
					out.WriteString("    " + line)
				}
			default:
				t.Fatalf("plans.txt: %q", line)
			}
		}
		if !*update && got.String() != want.String() {
			t.Errorf("%s:\n got %s\nwant %s", name.String(), got.String(), want.String())
		}
	}
	if *update {
		if err := os.WriteFile("testdata/plans.txt", []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// area reads Other!A1:B2.
func (m *model) area(t *testing.T, text string) (int, cell.Range) {
	name, rest, _ := cell.SplitSheet(text)
	x, ok := cell.ParseRange(rest)
	if !ok {
		t.Fatalf("plans.txt: %q is no range", text)
	}
	for i, n := range m.names {
		if n == name {
			return i, x
		}
	}
	return 0, x
}

// plan describes a plan, a unit to a line.
func (m *model) plan(p *Plan) string {
	var b strings.Builder
	for i := range p.Units {
		u := &p.Units[i]
		fmt.Fprintf(&b, "%d %v", u.Level, u.Order)
		if u.Lanes {
			b.WriteString(" lanes")
		}
		fmt.Fprintf(&b, " %d:", u.Cost)
		for s, r := range p.Parts(i) {
			b.WriteByte(' ')
			if s.Template.Sheet > 0 {
				b.WriteString(m.names[s.Template.Sheet] + "!")
			}
			sep := ""
			for x := range r.Ranges() {
				b.WriteString(sep + x.String())
				sep = "+"
			}
			if s.Output != s.Area {
				b.WriteString("→" + s.Output.String())
			}
		}
		if p.OnDemand && i == len(p.Units)-1 {
			b.WriteString(" on demand")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestLevels holds what a scheduler asks of a plan together.
func TestLevels(t *testing.T) {
	m := newModel(1)
	for row := range 10 {
		m.set(0, cell.Ref{Row: row, Col: 1}, fmt.Sprintf("A%d*2", row+1))
		m.set(0, cell.Ref{Row: row, Col: 2}, fmt.Sprintf("B%d+A%d", row+1, row+1))
		m.set(0, cell.Ref{Row: row, Col: 4}, fmt.Sprintf("A%d&A%d", row+1, row+1))
	}
	d, err := m.build(t).All(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p.Levels() != 2 || len(p.Level(0)) != 2 || len(p.Level(1)) != 1 || len(p.Level(2)) != 0 {
		t.Errorf("%d levels with %d and %d units", p.Levels(), len(p.Level(0)), len(p.Level(1)))
	}
	if p.Waits(2) != 1 || p.Units[0].Spans() != 1 || d.Len() != 3 {
		t.Errorf("unit 2 waits for %d", p.Waits(2))
	}
	n := 0
	for s, r := range d.Spans() {
		if r.Bounds() != s.Area {
			t.Errorf("%v of %v is dirty", r.Bounds(), s.Area)
		}
		n++
	}
	if n != 3 {
		t.Errorf("%d spans", n)
	}
	empty, err := newModel(1).build(t).All(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := empty.Plan(t.Context()); err != nil || p.Levels() != 0 {
		t.Errorf("a plan of nothing has %d levels: %v", p.Levels(), err)
	}
}

// TestCancelled: what takes time gives up when nobody waits for it.
func TestCancelled(t *testing.T) {
	m := newModel(1)
	m.set(0, cell.Ref{Row: 1}, "A1+1")
	g := m.build(t)
	d, err := g.All(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Build(ctx, m.grids(t), m.compiler()); !errors.Is(err, context.Canceled) {
		t.Errorf("Build: %v", err)
	}
	if _, err := g.All(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("All: %v", err)
	}
	if _, err := g.Dirty(ctx, []Area{{0, cell.Range{}}}, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Dirty: %v", err)
	}
	if _, err := d.Plan(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Plan: %v", err)
	}
}

// TestDense: formulas of which each reads all below it, and none is a copy of another, have as many
// edges as the square of them. What reads what is not gathered beyond the memory that it may take.
func TestDense(t *testing.T) {
	const n = 300
	m := newModel(1)
	for row := range n {
		m.set(0, cell.Ref{Row: row}, fmt.Sprintf("SUM(A$%d:A$%d)", row+2, n+1))
	}
	g := m.build(t)
	last := []Area{{0, cell.Range{First: cell.Ref{Row: n}, Last: cell.Ref{Row: n}}}}
	for name, get := range map[string]func(most int64) (*Dirty, error){
		"All":        func(most int64) (*Dirty, error) { return g.All(t.Context(), most) },
		"Dirty":      func(most int64) (*Dirty, error) { return g.Dirty(t.Context(), last, most) },
		"Downstream": func(most int64) (*Dirty, error) { return g.Downstream(t.Context(), last, most) },
	} {
		d, err := get(0)
		if err != nil || d.Len() != n || len(d.edges) != n*(n-1)/2 || d.Bytes() < int64(len(d.edges))*edgeBytes {
			t.Fatalf("%s: %v, %+v", name, err, d)
		}
		if d, err = get(int64(len(d.edges)) * edgeBytes); err != nil || d.Len() != n {
			t.Errorf("%s within what it takes: %v", name, err)
		}
		large := (*ErrTooLarge)(nil)
		if _, err = get(100 * n * edgeBytes); !errors.As(err, &large) || large.Most != 100*n*edgeBytes {
			t.Errorf("%s: %v", name, err)
		}
	}
}
