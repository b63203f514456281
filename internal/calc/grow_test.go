package calc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// growBook is a workbook with two tables, and formulas in and beside them.
func growBook(t testing.TB) Input {
	t.Helper()
	in := emptyBook()
	in.Book.Names = append(in.Book.Names, grid.Name{Name: "Nets", Sheet: -1, RefersTo: "Sales[Net]"})
	in.Tables = []grid.Table{
		{Name: "Sales", Sheet: 0, Range: cell.Range{Last: cell.Ref{Row: 3, Col: 2}}, HeaderRows: 1, Columns: []grid.TableColumn{{Name: "Item"}, {Name: "Net"}, {Name: "Twice"}}},
		{Name: "Other", Sheet: 1, Range: cell.Range{Last: cell.Ref{Row: 2}}, HeaderRows: 1, Columns: []grid.TableColumn{{Name: "X"}}},
	}
	var changes [2][]grid.Change
	put := func(sheet int, at string, c grid.Change) {
		c.Ref, _ = cell.ParseRef(at)
		changes[sheet] = append(changes[sheet], c)
	}
	for row := 2; row <= 12; row++ {
		if row <= 4 {
			put(0, fmt.Sprint("B", row), grid.Change{Value: cell.NumberValue(float64(row))})
		}
		put(0, fmt.Sprint("C", row), grid.Change{Formula: "Sales[[#This Row],[Net]]*2"})
		put(0, fmt.Sprint("E", row), grid.Change{Formula: fmt.Sprintf("B%d+1", row)})
	}
	put(1, "A2", grid.Change{Value: cell.NumberValue(7)})
	for i, text := range []string{
		"SUM(Sales[Net])", "ROWS(Sales)", "SUM(Other[X])", "SUM(Nets)", "SUM(INDIRECT(\"Sales[Net]\"))", "COUNT(Sales[#All])",
		"IFERROR(MATCH(8,Sales[Twice],0),-1)", "SUM(Sales[Net])+SUM(Other[X])", "ROWS(Nets)*10", "SUM(B1:B3)",
	} {
		put(1, fmt.Sprint("C", i+1), grid.Change{Formula: text})
	}
	for i, list := range changes {
		s, err := in.Sheets[i].With(list)
		if err != nil {
			t.Fatal(err)
		}
		in.Sheets[i] = s
	}
	return in
}

// TestTablesGrow grows tables, among edits of other kinds: the values are those of a model that
// was made anew, and what names no table that grew is not compiled again.
func TestTablesGrow(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 9))
		l := begin(t, growBook(t), Options{})
		for range 12 {
			now := l.in
			now.Sheets, now.Tables = slices.Clone(now.Sheets), slices.Clone(now.Tables)
			var edits [2][]grid.Change
			if r.IntN(3) > 0 {
				i := r.IntN(2)
				table := &now.Tables[i]
				for range 1 + r.IntN(2) {
					table.Range.Last.Row++
					for col := range 1 + i {
						edits[i] = append(edits[i], grid.Change{Ref: cell.Ref{Row: table.Range.Last.Row, Col: 1 - i + col}, Value: cell.NumberValue(float64(r.IntN(9)))})
					}
				}
				edits[i] = edits[i][:r.IntN(len(edits[i])+1)] // rows may also come empty
			}
			if r.IntN(3) == 0 { // a formula that was there before, and one that names a table
				texts := []string{"SUM(Sales[Net])", "B1+1", "SUM(Other[X])*2", "Sales[[#This Row],[Net]]*2"}
				edits[1] = append(edits[1], grid.Change{Ref: cell.Ref{Row: r.IntN(12), Col: 2}, Formula: texts[r.IntN(len(texts))]})
			}
			var changed []Cell
			opt := Options{}
			for i, list := range edits {
				s, err := now.Sheets[i].With(list)
				if err != nil {
					t.Fatal(err)
				}
				now.Sheets[i] = s
			}
			opt.Sources, changed = differing(l.in, now)
			m := l.model.WithWords(now)
			same := compiledOnce(l.model, m)
			m, err := m.With(context.Background(), now, changed)
			if err != nil {
				t.Fatal(err)
			}
			opt.Areas = m.TableReaders(l.in.Tables)
			step, err := m.Calculate(ctx, now, opt)
			if err != nil {
				t.Fatal(err)
			}
			fresh, err := NewModel(ctx, now)
			if err != nil {
				t.Fatal(err)
			}
			all, err := fresh.Calculate(ctx, now, Options{All: true})
			if err != nil {
				t.Fatal(err)
			}
			l.log = append(l.log, fmt.Sprint(edits, now.Tables[0].Range, now.Tables[1].Range))
			l.compare(t, "all with a model made anew", now.calculated(step), now.calculated(all))
			if !same {
				l.fail(t, "a formula without a table was compiled again")
			}
			l.in, l.model = now.calculated(step), step.Model
		}
	}
}

// compiledOnce reports whether the formulas that name no table are those of the model before.
func compiledOnce(old, now *Model) bool {
	was := make(map[*graph.Template]bool)
	for s := range old.graph.Spans() {
		was[s.Template] = true
	}
	for s := range now.graph.Spans() {
		if !was[s.Template] && len(programOf(s).Tables) == 0 {
			return false
		}
	}
	return true
}

// TestRowsOfTablesStay: of a column that names its own row, a table that grows has only the new
// rows calculated.
func TestRowsOfTablesStay(t *testing.T) {
	l := begin(t, growBook(t), Options{})
	now := l.in
	now.Tables = slices.Clone(now.Tables)
	now.Tables[0].Range.Last.Row += 2
	m := l.model.WithWords(now)
	for _, a := range m.TableReaders(l.in.Tables) {
		if a.Sheet == 0 && a.Range.String() != "C5:C6" {
			t.Errorf("%v is calculated", a.Range)
		}
	}
	if m.WithWords(now) != m {
		t.Error("tables that lie as they did give another model")
	}
}
