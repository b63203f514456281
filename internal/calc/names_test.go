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

// TestNamesChange defines, changes and deletes names, among edits of other kinds: the values are those of a
// model that was made anew, and what goes through no name that changed is not compiled again.
func TestNamesChange(t *testing.T) {
	ctx := context.Background()
	texts := []string{"1", "2.5", "Sheet1!$A$1:$A$3", "Sheet1!$B$2", "Beta*2", "SUM(Gamma)", "LAMBDA(x,x+1)", "Alpha", "Sales[Net]", "SEQUENCE(2)"}
	words := []string{"Alpha", "Beta", "Gamma"}
	formulas := []string{"Alpha", "SUM(Alpha)", "Beta+1", "SUM(Gamma)*2", "Alpha(3)", "INDIRECT(\"Beta\")", "ROWS(Gamma)", "LET(Alpha,5,Alpha+1)", "SUM(Sheet1!Alpha)", "IFERROR(Beta,-1)", "MACRO(Alpha)", "B1+1", "SUM(Sales[Net])"}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 12))
		in := growBook(t)
		var changes [2][]grid.Change
		for i, text := range formulas {
			for sheet := range changes {
				changes[sheet] = append(changes[sheet], grid.Change{Ref: cell.Ref{Row: i, Col: 8}, Formula: text})
			}
		}
		for i := range changes {
			s, err := in.Sheets[i].With(changes[i])
			if err != nil {
				t.Fatal(err)
			}
			in.Sheets[i] = s
		}
		l := begin(t, in, Options{})
		for range 8 {
			now := l.in
			book := *now.Book
			book.Names = slices.Clone(book.Names)
			now.Book, now.Sheets = &book, slices.Clone(now.Sheets)
			for range 1 + r.IntN(2) {
				n := grid.Name{Name: words[r.IntN(len(words))], Sheet: r.IntN(3) - 1, RefersTo: texts[r.IntN(len(texts))]}
				i := slices.IndexFunc(book.Names, func(x grid.Name) bool { return x.Name == n.Name && x.Sheet == n.Sheet })
				switch {
				case i < 0:
					book.Names = append(book.Names, n)
				case r.IntN(2) == 0:
					book.Names = slices.Delete(book.Names, i, i+1)
				default:
					book.Names[i] = n
				}
			}
			if r.IntN(2) == 0 {
				s, err := now.Sheets[0].With([]grid.Change{{Ref: cell.Ref{Row: r.IntN(4), Col: 1}, Value: cell.NumberValue(float64(r.IntN(9)))}})
				if err != nil {
					t.Fatal(err)
				}
				now.Sheets[0] = s
			}
			var opt Options
			var changed []Cell
			opt.Sources, changed = differing(l.in, now)
			m := l.model.WithWords(now)
			if !m.SameNames(book.Names) {
				t.Fatal("the model has other names")
			}
			readers := m.NameReaders(l.in.Book.Names)
			if !compiledByName(l.model, m, readers) {
				l.fail(t, "a formula that goes through no name that changed was compiled again")
			}
			m, err := m.With(context.Background(), now, changed)
			if err != nil {
				t.Fatal(err)
			}
			opt.Areas = readers
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
			l.log = append(l.log, fmt.Sprint(book.Names))
			l.compare(t, "all with a model made anew", now.calculated(step), now.calculated(all))
			l.in, l.model = now.calculated(step), step.Model
		}
	}
}

// compiledByName reports whether only formulas of some areas are others than in the model before.
func compiledByName(old, now *Model, areas []graph.Area) bool {
	was := make(map[*graph.Template]bool)
	for s := range old.graph.Spans() {
		was[s.Template] = true
	}
	for s := range now.graph.Spans() {
		if !was[s.Template] && !slices.ContainsFunc(areas, func(a graph.Area) bool { return a.Sheet == s.Template.Sheet && a.Range == s.Area }) {
			return false
		}
	}
	return true
}

// TestNamesStay: a workbook whose names say what they did keeps its model.
func TestNamesStay(t *testing.T) {
	l := begin(t, growBook(t), Options{})
	now := l.in
	book := *now.Book
	book.Names = slices.Clone(book.Names)
	now.Book = &book
	if l.model.WithWords(now) != l.model {
		t.Error("equal names give another model")
	}
	if list := l.model.NameReaders(book.Names); list != nil {
		t.Errorf("%v reads names that are others", list)
	}
}
