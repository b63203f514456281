package structure

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"gridflow/internal/cell"
)

// TestFormulas runs testdata/formulas.txt: what becomes of formulas by Excel's rules.
func TestFormulas(t *testing.T) {
	text, err := os.ReadFile("testdata/formulas.txt")
	if err != nil {
		t.Fatal(err)
	}
	var c Change
	own := ""
	sheets := []string{"Data", "Other", "Q1 '26", "Jan", "Feb", "Mar"}
	tables := []Table{
		{Name: "Sales", Sheet: "Data", Range: ranged(t, "C5:F10"), Columns: []string{"Item", "Net", "Tax", "Gross [€]"}, Header: 1},
	}
	n := 0
	for i, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "  #")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(line, "#"):
		case fields[0] == "change":
			c = parseChange(t, fields[1:])
			if err := c.Check(sheets); err != nil {
				t.Fatalf("line %d: %v", i+1, err)
			}
		case fields[0] == "on":
			own = strings.TrimSpace(line[len("on"):])
		default:
			before, after, ok := strings.Cut(line, "→")
			if !ok {
				t.Fatalf("line %d: %q is neither a change nor a formula", i+1, line)
			}
			before, after = strings.TrimSpace(before), strings.TrimSpace(after)
			want := after
			if after == "=" {
				want = before
			}
			at := cell.Ref{}
			stands, name, moved := own, own, false
			if s, rest, ok := strings.Cut(own, "!"); ok {
				at, _ = cell.ParseRef(rest)
				stands, name, moved = s, s, true
			}
			r := c.Rewriter(sheets, tables...)
			got, changed := r.Formula(before, stands)
			if moved {
				got, changed = r.FormulaAt(before, name, at)
			}
			if got != want || changed != (before != want) {
				t.Errorf("line %d: %s on %s: %s became %s (changed %v), want %s", i+1, c.Kind, own, before, got, changed, want)
			}
			n++
		}
	}
	if n < 80 {
		t.Errorf("only %d formulas were looked at", n)
	}
}

// parseChange reads a change as the test data have it.
func parseChange(t *testing.T, f []string) Change {
	t.Helper()
	word := func(i int) string { return strings.ReplaceAll(f[i], "_", " ") }
	number := func(i int) int {
		n, err := strconv.Atoi(f[i])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	c := Change{Kind: Kind(f[0]), Sheet: word(1)}
	switch c.Kind {
	case InsertRows, DeleteRows:
		c.At, c.Count = number(2)-1, number(3)
	case InsertColumns, DeleteColumns:
		col, _ := cell.ParseColumn(f[2])
		c.At, c.Count = col, number(3)
	case "insert_cells", "delete_cells":
		c, _ = Shifted(c.Sheet, ranged(t, f[2]), f[3] == "down" || f[3] == "up", f[0] == "delete_cells")
	case MoveCells:
		c.Range = ranged(t, f[2])
		sheet, to, _ := cell.SplitSheet(f[3])
		c.ToSheet = sheet
		c.To, _ = cell.ParseRef(to)
	case RenameSheet:
		c.Name = word(2)
	case AddSheet, MoveSheet:
		c.Position = number(2)
	}
	return c
}

func ranged(t *testing.T, s string) cell.Range {
	t.Helper()
	r, ok := cell.ParseRange(s)
	if !ok {
		t.Fatalf("%q is no range", s)
	}
	return r
}
