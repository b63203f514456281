package structure

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
)

// TestRelative: what the formula of a rule becomes, which is written for the corner of what bounds the cells of the rule.
func TestRelative(t *testing.T) {
	names := []string{"A", "B"}
	at := func(s string) cell.Ref { r, _ := cell.ParseRef(s); return r }
	area := func(s string) cell.Range { r, _ := cell.ParseRange(s); return r }
	insert := Change{Kind: InsertRows, Sheet: "A", At: 2, Count: 2}
	remove := Change{Kind: DeleteRows, Sheet: "A", At: 2, Count: 2}
	move := func(from, to string) Change {
		return Change{Kind: MoveCells, Sheet: "A", Range: area(from), To: at(to), ToSheet: "A"}
	}
	across := func(from, to string) Change {
		c := move(from, to)
		c.ToSheet = "B"
		return c
	}
	for _, c := range []struct {
		name         string
		change       Change
		ranges, onto string
		text, want   string
	}{
		{"rows before", insert, "B3:B9", "A", "B3>$D$4", "B5>$D$6"},
		{"rows within", insert, "B2:B9", "A", "B2>B5", "B2>B7"},
		{"the first rows go", remove, "B3:B9", "A", "B3>C3", "B3>C3"},
		{"the first of two ranges goes", remove, "B3:B4 D5:D6", "A", "B3>0", "D3>0"},
		{"the corner lies in none of the ranges", insert, "D3:D4 B5:B6", "A", "B3>0", "B5>0"},
		{"the first cells move down", move("B3:B4", "B20"), "B3:B9", "A", "B3>$D$4", "B5>$D$4"},
		{"the last cells move before the others", move("B8:B9", "A1"), "B3:B9", "A", "B3>0", "A1>0"},
		{"a column in the middle is left at two places", move("N6:S7", "Z23"), "Z24:AF29", "A", "Z24=1", "Z24=1"},
		{"a reference above the corner wraps around", move("B8:B9", "A1"), "B3:B9", "A", "B2>0", "A1048576>0"},
		{"those that go to another sheet", across("B5:B6", "D7"), "B3:B9", "B", "B3>$A$1", "D7>A!$A$1"},
		{"those that stay while others go", across("B3:B4", "D7"), "B3:B9", "A", "B3>$A$1", "B5>$A$1"},
	} {
		var ranges []cell.Range
		for _, s := range strings.Fields(c.ranges) {
			ranges = append(ranges, area(s))
		}
		if got := c.change.Rewriter(names).Relative(c.text, "A", ranges, c.onto); got != c.want {
			t.Errorf("%s: %s of %s becomes %s, not %s", c.name, c.text, c.ranges, got, c.want)
		}
	}
}

// TestRelativeToItself: a rule that looks at the cell which it is for does so afterwards, whatever moved.
func TestRelativeToItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawChange.Draw(t, "change")
		if err := c.Check(somewhere); err != nil {
			t.Fatal(err)
		}
		r := c.Rewriter(somewhere)
		own := rapid.SampledFrom(somewhere).Draw(t, "own")
		var ranges []cell.Range
		for range rapid.IntRange(1, 3).Draw(t, "ranges") {
			first := drawRef.Draw(t, "first")
			ranges = append(ranges, cell.Range{First: first, Last: cell.Ref{
				Row: min(first.Row+rapid.IntRange(0, 9).Draw(t, "rows"), cell.MaxRows-1),
				Col: min(first.Col+rapid.IntRange(0, 5).Draw(t, "cols"), cell.MaxCols-1)}})
		}
		for _, onto := range c.Sheets(somewhere) {
			left := r.Covered(own, ranges, onto)
			if len(left) == 0 {
				continue
			}
			if got, want := r.Relative(cornerOf(ranges).String(), own, ranges, onto), cornerOf(left).String(); got != want {
				t.Fatalf("%+v: of %v on %s are %v left on %s, which look at %s as from %s", c, ranges, own, left, onto, got, want)
			}
		}
	})
}
