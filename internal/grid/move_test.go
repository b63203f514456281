package grid

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/structure"
)

// drawStructure draws a change of rows, columns or cells of sheet S in a workbook with the sheets S and T.
func drawStructure(t *rapid.T) structure.Change {
	c := structure.Change{Sheet: "S", Kind: rapid.SampledFrom([]structure.Kind{
		structure.InsertRows, structure.DeleteRows, structure.InsertColumns, structure.DeleteColumns, structure.MoveCells,
	}).Draw(t, "kind")}
	if rapid.IntRange(0, 9).Draw(t, "other") == 0 {
		c.Sheet = "T"
	}
	switch rows, _, _ := c.Lines(); {
	case c.Kind == structure.MoveCells:
		first := cell.Ref{Row: rapid.SampledFrom([]int{0, 1, 510, 700}).Draw(t, "row"), Col: rapid.IntRange(0, 3).Draw(t, "col")}
		last := cell.Ref{Row: first.Row + rapid.SampledFrom([]int{0, 3, 600}).Draw(t, "rows"), Col: first.Col + rapid.IntRange(0, 2).Draw(t, "cols")}
		c.Range = cell.Range{First: first, Last: last}
		c.To = cell.Ref{Row: rapid.SampledFrom([]int{0, 2, 511, 1024}).Draw(t, "to row"), Col: rapid.SampledFrom([]int{0, 1, 2, 5}).Draw(t, "to col")}
		if rapid.Bool().Draw(t, "shift") {
			c, _ = structure.Shifted(c.Sheet, c.Range, rapid.Bool().Draw(t, "down or up"), rapid.Bool().Draw(t, "deletes"))
		}
	case rows:
		c.At = rapid.SampledFrom([]int{0, 1, 2, 100, 511, 512, 513, 700, 1024, 20000}).Draw(t, "at")
		c.Count = rapid.SampledFrom([]int{1, 2, 3, 100, 511, 512, 513, 1024, 1300}).Draw(t, "count")
	default:
		c.At = rapid.SampledFrom([]int{0, 1, 2, 3, 7, 700}).Draw(t, "at")
		c.Count = rapid.SampledFrom([]int{1, 2, 700}).Draw(t, "count")
	}
	return c
}

// fits reports whether a change pushes no cell of any version out of the sheet.
func fits(t *rapid.T, c structure.Change, versions []version) bool {
	if c.Check([]string{"S", "T"}) != nil {
		return false
	}
	for _, v := range versions {
		used, ok := v.sheet.Used()
		if c.Fits(structure.Contents{Cells: ok, Used: used}, structure.Contents{}) != nil {
			return false
		}
	}
	return true
}

// move gives what becomes of a version's model, cell by cell.
func (v version) move(r *structure.Rewriter) version {
	n := version{cells: model{}, formulas: map[cell.Ref]string{}}
	c := r.Change()
	put := func(at cell.Ref, x Cell) {
		text, has := v.formulas[x.Ref]
		if has {
			text, _ = r.FormulaAt(text, "S", x.Ref)
			n.formulas[at] = text
		}
		x.Ref = at
		n.cells[at] = x
	}
	block := c.Kind == structure.MoveCells && c.Sheet == "S"
	for at, x := range v.cells {
		if block && (c.Range.Contains(at) || c.Destination().Contains(at)) {
			continue
		}
		if _, to, ok := r.Locate("S", at); ok {
			put(to, x)
		}
	}
	if block {
		for at, x := range v.cells {
			if c.Range.Contains(at) {
				put(cell.Ref{Row: at.Row + c.To.Row - c.Range.First.Row, Col: at.Col + c.To.Col - c.Range.First.Col}, x)
			}
		}
	}
	return n
}

// TestMovedSheet holds versions of a sheet, edited and moved in any order, against a model, and the difference of any two
// against that of their models.
func TestMovedSheet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, cells, formulas := build(t, false)
		versions := []version{{s, cells, formulas}}
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "moved") {
				c := drawStructure(t)
				if !fits(t, c, versions) {
					continue
				}
				r := c.Rewriter([]string{"S", "T"})
				m := NewMover(r)
				for i, v := range versions {
					to := v.move(r)
					var err error
					if to.sheet, err = m.Sheet(t.Context(), v.sheet, "S"); err != nil {
						t.Fatal(err)
					}
					versions[i] = to
				}
			} else {
				from := rapid.SampledFrom(versions).Draw(t, "from")
				var changes []Change
				if rapid.IntRange(0, 2).Draw(t, "block") == 0 {
					changes = drawBlock(t)
				} else {
					known := slices.SortedFunc(maps.Keys(from.cells), func(a, b cell.Ref) int { return order(a) - order(b) })
					for range rapid.IntRange(1, 12).Draw(t, "changes") {
						changes = append(changes, drawChange(t, known))
					}
				}
				v := from.edit(changes)
				var err error
				if v.sheet, err = from.sheet.With(changes); err != nil {
					t.Fatal(err)
				}
				versions = append(versions, v)
			}
			for _, v := range versions {
				check(t, v.sheet, v.cells, v.formulas)
				checkRange(t, v)
			}
		}
		a, b := rapid.SampledFrom(versions).Draw(t, "a"), rapid.SampledFrom(versions).Draw(t, "b")
		checkDiff(t, a, b)
	})
}

// sharedSheet is a sheet with formulas that many cells share.
func sharedSheet(t *rapid.T) *Sheet {
	b := NewBuilder("S")
	texts := []string{"A1+$B$2", "SUM(A1:A3)", "SUM(A$1:A1)", "T!A1*2", "SUM(A:A)", "A1048576"}
	ids := make([]FormulaID, 3)
	areas := make([]cell.Range, 3)
	for i := range ids {
		areas[i] = cell.Range{First: cell.Ref{Row: rapid.IntRange(0, 600).Draw(t, "first"), Col: 3 + 2*i}}
		areas[i].Last = cell.Ref{Row: areas[i].First.Row + rapid.IntRange(0, 700).Draw(t, "rows"), Col: areas[i].First.Col + i%2}
		group := b.AddGroup(SharedFormula, areas[i].First, areas[i])
		text, err := formula.ShiftText(rapid.SampledFrom(texts).Draw(t, "text"), cell.Ref{}, cell.Ref{Row: 1 + areas[i].First.Row})
		if err != nil {
			t.Fatal(err)
		}
		if ids[i], err = b.AddFormula([]byte(text), group); err != nil {
			t.Fatal(err)
		}
	}
	for row := range 1400 {
		for col := range 9 {
			at := cell.Ref{Row: row, Col: col}
			for i, a := range areas {
				if a.Contains(at) && (row+col)%7 != 0 {
					if err := b.Int(at, 1, int32(row)); err != nil {
						t.Fatal(err)
					}
					b.SetFormula(at, ids[i])
				}
			}
			if col < 2 && row%3 == 0 {
				if err := b.Int(at, 0, int32(row*col)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return b.Finish(nil)
}

// textOf gives the formula of a cell as it reads in it.
func textOf(s *Sheet, c Cell) string {
	f := s.Formula(c)
	if f.Kind == SharedFormula {
		return shifted(f.Text, f.Anchor, c.Ref)
	}
	return f.Text
}

// TestMovedSharedFormulas holds what cells of shared formulas have after changes, one after the other, against what
// the rewriter makes of the formula of each.
func TestMovedSharedFormulas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := sharedSheet(t)
		if rapid.Bool().Draw(t, "edited") {
			var changes []Change
			for i := range 600 {
				changes = append(changes, Change{Ref: cell.Ref{Row: 2 * i, Col: 4}, Formula: fmt.Sprintf("B%d+T!A%d", i+1, i+1)})
			}
			n, err := s.With(changes)
			if err != nil {
				t.Fatal(err)
			}
			s = n
		}
		for range 3 {
			c := drawStructure(t)
			used, ok := s.Used()
			if c.Check([]string{"S", "T"}) != nil || c.Fits(structure.Contents{Cells: ok, Used: used}, structure.Contents{}) != nil {
				continue
			}
			r := c.Rewriter([]string{"S", "T"})
			want := map[cell.Ref]string{}
			for x := range s.Cells(cell.WholeSheet) {
				if c.Kind == structure.MoveCells && c.Sheet == "S" && c.Destination().Contains(x.Ref) && !c.Range.Contains(x.Ref) {
					continue
				}
				if _, to, ok := r.Locate("S", x.Ref); ok && x.HasFormula() {
					want[to], _ = r.FormulaAt(textOf(s, x), "S", x.Ref)
				}
			}
			n, err := NewMover(r).Sheet(t.Context(), s, "S")
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			for x := range n.Cells(cell.WholeSheet) {
				if !x.HasFormula() {
					continue
				}
				got++
				if text := textOf(n, x); text != want[x.Ref] {
					t.Fatalf("%+v: %v has %q, want %q", c, x.Ref, text, want[x.Ref])
				}
			}
			if got != len(want) || n.FormulaCells() != got {
				t.Fatalf("%+v: %d formulas, %d by the number, want %d", c, got, n.FormulaCells(), len(want))
			}
			s = n
		}
	})
}

// TestMovedVersionsShare holds that versions of a sheet share after a change what they shared before it, and that what no
// change concerns stays itself.
func TestMovedVersionsShare(t *testing.T) {
	base := mixedSheet(t, 20_000)
	edited, err := base.With([]Change{{Ref: cell.Ref{Row: 9000, Col: 2}, Value: cell.TextValue("new")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []structure.Change{
		{Kind: structure.InsertRows, Sheet: "Data", At: 10, Count: 3},
		{Kind: structure.DeleteRows, Sheet: "Data", At: 700, Count: 1},
		{Kind: structure.InsertColumns, Sheet: "Data", At: 1, Count: 1},
		{Kind: structure.InsertRows, Sheet: "Data", At: 512, Count: 1024},
	} {
		m := NewMover(c.Rewriter([]string{"Data"}))
		a, err := m.Sheet(t.Context(), base, "Data")
		if err != nil {
			t.Fatal(err)
		}
		b, err := m.Sheet(t.Context(), edited, "Data")
		if err != nil {
			t.Fatal(err)
		}
		if over := b.MemoryOver(a); over > 4096 {
			t.Errorf("%s: the edited version takes %d bytes over the other", c.Kind, over)
		}
		n := 0
		for range Diff(a, b, nil) {
			n++
		}
		if n != 1 {
			t.Errorf("%s: %d cells differ", c.Kind, n)
		}
	}
	other := structure.Change{Kind: structure.InsertRows, Sheet: "Other", At: 1, Count: 1}
	if s, err := NewMover(other.Rewriter([]string{"Data", "Other"})).Sheet(t.Context(), edited, "Data"); err != nil || s != edited {
		t.Errorf("a sheet that nothing concerns is another one: %v", err)
	}
}

// TestMovedAcross moves cells to another sheet.
func TestMovedAcross(t *testing.T) {
	from := mixedSheet(t, 1000)
	b := NewBuilder("Other")
	if err := b.Int(cell.Ref{Row: 5, Col: 1}, 0, 7); err != nil {
		t.Fatal(err)
	}
	to := b.Finish(nil)
	c := structure.Change{Kind: structure.MoveCells, Sheet: "Data", Range: cell.Range{First: cell.Ref{Row: 2, Col: 5}, Last: cell.Ref{Row: 900, Col: 9}}, To: cell.Ref{Row: 1, Col: 1}, ToSheet: "Other"}
	m := NewMover(c.Rewriter([]string{"Data", "Other"}))
	left, err := m.Sheet(t.Context(), from, "Data")
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Receive(t.Context(), to, from, "Other")
	if err != nil {
		t.Fatal(err)
	}
	if left.StoredCells() != from.StoredCells()-899*5 || got.StoredCells() != 899*5 {
		t.Fatalf("%d cells are left of %d, and %d arrived", left.StoredCells(), from.StoredCells(), got.StoredCells())
	}
	for x := range from.Cells(c.Range) {
		y, ok := got.At(cell.Ref{Row: x.Ref.Row - 1, Col: x.Ref.Col - 4})
		if !ok || y.Value != x.Value || y.Style != x.Style || y.HasFormula() != x.HasFormula() {
			t.Fatalf("%v became %+v", x, y)
		}
		if x.HasFormula() && !strings.HasPrefix(textOf(got, y), fmt.Sprintf("Data!A%d", x.Ref.Row+1)) {
			t.Fatalf("%v has %q", y.Ref, textOf(got, y))
		}
	}
}

// BenchmarkInsertRow inserts a row at the top of a sheet of a million cells, a tenth of them formulas: shared, and each by itself.
func BenchmarkInsertRow(b *testing.B) {
	shared := mixedSheet(b, 100_000)
	list := NewBuilder("Data")
	for row := range 100_000 {
		for col := range 10 {
			r := cell.Ref{Row: row, Col: col}
			if col < 9 {
				if err := list.Float(r, 0, float64(row)+0.5); err != nil {
					b.Fatal(err)
				}
				continue
			}
			if err := list.Int(r, 0, int32(row)); err != nil {
				b.Fatal(err)
			}
			id, err := list.AddFormula(fmt.Appendf(nil, "SUM(A%d:I%d)*2", row+1, row+1), -1)
			if err != nil {
				b.Fatal(err)
			}
			list.SetFormula(r, id)
		}
	}
	own := list.Finish(nil)
	for _, x := range []struct {
		name  string
		sheet *Sheet
	}{{"shared", shared}, {"own", own}} {
		for _, c := range []structure.Change{
			{Kind: structure.InsertRows, Sheet: "Data", At: 0, Count: 1},
			{Kind: structure.InsertRows, Sheet: "Data", At: 50_000, Count: 1},
			{Kind: structure.InsertColumns, Sheet: "Data", At: 0, Count: 1},
		} {
			b.Run(fmt.Sprint(x.name, "/", c.Kind, c.At), func(b *testing.B) {
				for b.Loop() {
					if _, err := NewMover(c.Rewriter([]string{"Data"})).Sheet(context.Background(), x.sheet, "Data"); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
