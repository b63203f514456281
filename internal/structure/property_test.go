package structure

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

var somewhere = []string{"Data", "Other", "Q1 '26", "Jan", "Feb", "Mar"}

// nearEdge draws a line that is near the beginning of a sheet or, now and then, its end.
func nearEdge(size int) *rapid.Generator[int] {
	return rapid.Custom(func(t *rapid.T) int {
		i := rapid.IntRange(0, 14).Draw(t, "line")
		if rapid.IntRange(0, 9).Draw(t, "end") == 0 {
			return size - 1 - i
		}
		return i
	})
}

var drawRef = rapid.Custom(func(t *rapid.T) cell.Ref {
	return cell.Ref{Row: nearEdge(cell.MaxRows).Draw(t, "row"), Col: nearEdge(cell.MaxCols).Draw(t, "col")}
})

var drawChange = rapid.Custom(func(t *rapid.T) Change {
	c := Change{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Sheet: rapid.SampledFrom(somewhere).Draw(t, "sheet")}
	size := cell.MaxCols
	switch rows, _, ok := c.Lines(); {
	case ok:
		if rows {
			size = cell.MaxRows
		}
		c.At = nearEdge(size).Draw(t, "at")
		c.Count = min(rapid.IntRange(1, 6).Draw(t, "count"), size-c.At)
	case c.Kind == MoveCells:
		c.Range = cell.RangeOf(drawRef.Draw(t, "from"), drawRef.Draw(t, "last"))
		c.To = drawRef.Draw(t, "to")
		if rapid.Bool().Draw(t, "straight") {
			c.To.Col = c.Range.First.Col
		}
		c.ToSheet = rapid.SampledFrom([]string{"", "Data", "Other"}).Draw(t, "sheet")
		c.To.Row = min(c.To.Row, cell.MaxRows-c.Range.Rows())
		c.To.Col = min(c.To.Col, cell.MaxCols-c.Range.Cols())
		if rapid.Bool().Draw(t, "shift") {
			if shifted, ok := Shifted(c.Sheet, c.Range, rapid.Bool().Draw(t, "down or up"), rapid.Bool().Draw(t, "deletes")); ok {
				c = shifted
			}
		}
	case c.Kind == AddSheet:
		c.Sheet = "New"
	case c.Kind == RenameSheet:
		c.Name = "A new name"
	case c.Kind == MoveSheet:
		c.Position = rapid.IntRange(0, len(somewhere)-1).Draw(t, "position")
	}
	return c
})

var drawFormula = rapid.Custom(func(t *rapid.T) string {
	corner := func(label string, rows, cols bool) string {
		var b strings.Builder
		dollar := func() string { return rapid.SampledFrom([]string{"", "", "$"}).Draw(t, "dollar") }
		x := drawRef.Draw(t, label)
		if cols {
			b.WriteString(dollar() + cell.ColumnName(x.Col))
		}
		if rows {
			fmt.Fprint(&b, dollar(), x.Row+1)
		}
		return b.String()
	}
	ref := func() string {
		prefix := rapid.SampledFrom([]string{"", "", "", "Data!", "'Q1 ''26'!", "Jan:Mar!", "[1]Data!", "Other!"}).Draw(t, "prefix")
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0, 1, 2:
			return prefix + corner("cell", true, true)
		case 3:
			return prefix + corner("first", false, true) + ":" + corner("last", false, true)
		case 4:
			return prefix + corner("first", true, false) + ":" + corner("last", true, false)
		}
		return prefix + corner("first", true, true) + ":" + corner("last", true, true)
	}
	n := rapid.IntRange(1, 3).Draw(t, "references")
	out := "SUM(" + ref()
	for range n - 1 {
		out += rapid.SampledFrom([]string{",", ", ", "+", "*"}).Draw(t, "operator") + ref()
	}
	return out + ")"
})

// TestSharedIsEachCopy compares what becomes of a shared formula with what becomes of each of its copies.
func TestSharedIsEachCopy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawChange.Draw(t, "change")
		if err := c.Check(somewhere); err != nil {
			t.Fatal(err)
		}
		r := c.Rewriter(somewhere)
		own := rapid.SampledFrom(somewhere).Draw(t, "own")
		text := drawFormula.Draw(t, "formula")
		first := drawRef.Draw(t, "first")
		area := cell.Range{First: first, Last: cell.Ref{
			Row: min(first.Row+rapid.IntRange(0, 14).Draw(t, "rows"), cell.MaxRows-1),
			Col: min(first.Col+rapid.IntRange(0, 5).Draw(t, "cols"), cell.MaxCols-1)}}
		anchor := cell.Ref{Row: rapid.IntRange(area.First.Row, area.Last.Row).Draw(t, "anchor row"),
			Col: rapid.IntRange(area.First.Col, area.Last.Col).Draw(t, "anchor col")}

		type place struct {
			sheet string
			at    cell.Ref
		}
		want := map[place]string{}
		for row := area.First.Row; row <= area.Last.Row; row++ {
			for col := area.First.Col; col <= area.Last.Col; col++ {
				x := cell.Ref{Row: row, Col: col}
				if sheet, to, ok := r.Locate(own, x); ok {
					out, _ := r.FormulaAt(shifted(text, anchor, x), own, x)
					want[place{sheet, to}] = out
				}
			}
		}
		pieces := r.Shared(text, own, anchor, area)
		n := 0
		for _, p := range pieces {
			for row := p.Area.First.Row; row <= p.Area.Last.Row; row++ {
				for col := p.Area.First.Col; col <= p.Area.Last.Col; col++ {
					n++
					x := cell.Ref{Row: row, Col: col}
					w, ok := want[place{p.Sheet, x}]
					if got := shifted(p.Text, p.Area.First, x); !ok || got != w {
						t.Fatalf("%+v: %s at %s for %s of %s: %s!%s has %s, and alone %s (%v)\n%+v", c, text, anchor, area, own, p.Sheet, x, got, w, ok, pieces)
					}
				}
			}
		}
		if n != len(want) {
			t.Fatalf("%+v: %s at %s for %s of %s: the pieces have %d cells of %d\n%+v", c, text, anchor, area, own, n, len(want), pieces)
		}
	})
}

// TestInsertThenDelete has what was inserted deleted again: every formula is what it was, but those
// that reach the end of the sheet, from which cells were pushed.
func TestInsertThenDelete(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		insert := drawChange.Filter(func(c Change) bool { return c.Kind == InsertRows || c.Kind == InsertColumns }).Draw(t, "insert")
		remove := insert
		remove.Kind = map[Kind]Kind{InsertRows: DeleteRows, InsertColumns: DeleteColumns}[insert.Kind]
		text := drawFormula.Draw(t, "formula")
		own := rapid.SampledFrom(somewhere).Draw(t, "own")
		tree, err := formula.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for x := range formula.References(tree.Root) {
			area, ok := x.Range()
			if ok && insert.Kind == InsertRows && !area.WholeColumns() && area.Last.Row >= cell.MaxRows-insert.Count-1 {
				t.Skip("it reaches the end")
			}
			if ok && insert.Kind == InsertColumns && !area.WholeRows() && area.Last.Col >= cell.MaxCols-insert.Count-1 {
				t.Skip("it reaches the end")
			}
		}
		there, _ := insert.Rewriter(somewhere).Formula(text, own)
		back, _ := remove.Rewriter(somewhere).Formula(there, own)
		if back != text {
			t.Fatalf("%+v: %s became %s, and then %s", insert, text, there, back)
		}
	})
}

// TestFormulaIsTree compares the words with the tree: what parses is rewritten as [formula.Tree.Rewrite] does it.
func TestFormulaIsTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawChange.Draw(t, "change")
		text := drawFormula.Draw(t, "formula")
		own := rapid.SampledFrom(somewhere).Draw(t, "own")
		r := c.Rewriter(somewhere)
		tree, err := formula.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		want := tree.Rewrite(func(x formula.Reference) formula.Reference { return r.reference(x, own, false) }).String()
		got, changed := r.Formula(text, own)
		if got != want || changed != (got != text) {
			t.Fatalf("%+v: %s became %s (%v), by the tree %s", c, text, got, changed, want)
		}
	})
}

// TestReferencesFollowCells moves a cell and a reference to it: the reference is to where the cell then is.
func TestReferencesFollowCells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawChange.Draw(t, "change")
		r := c.Rewriter(somewhere)
		sheet := rapid.SampledFrom(somewhere).Draw(t, "sheet")
		x := drawRef.Draw(t, "cell")
		to, at, ok := r.Locate(sheet, x)
		out, _ := r.Formula(cell.QuoteSheet(sheet)+"!"+x.String(), "")
		want := cell.QuoteSheet(to) + "!" + at.String()
		if name, left := r.Sheet(sheet); !left {
			want = "#REF!" + x.String()
		} else if !ok {
			want = cell.QuoteSheet(name) + "!#REF!"
		}
		if out != want {
			t.Fatalf("%+v: a reference to %s!%s became %s, want %s", c, sheet, x, out, want)
		}
		if ok {
			cover := r.Cover(sheet, cell.Range{First: x, Last: x})
			if len(cover) != 1 || cover[0] != (Area{to, cell.Range{First: at, Last: at}}) {
				t.Fatalf("%+v: %s!%s covers %v", c, sheet, x, cover)
			}
		}
	})
}
