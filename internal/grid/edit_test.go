package grid

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
)

// version is a sheet with the model of what must be in it.
type version struct {
	sheet    *Sheet
	cells    model
	formulas map[cell.Ref]string
}

// edit makes changes to a version's model.
func (v version) edit(changes []Change) version {
	n := version{cells: maps.Clone(v.cells), formulas: maps.Clone(v.formulas)}
	for _, c := range changes {
		old := n.cells[c.Ref]
		old.Ref = c.Ref
		switch c.Kind {
		case SetCell:
			old.Value, old.Style = c.Value, c.Style
			delete(n.formulas, c.Ref)
			if c.Formula != "" {
				n.formulas[c.Ref] = c.Formula
			}
		case SetValue:
			old.Value = c.Value
		case SetStyle:
			old.Style = c.Style
		case RemoveCell:
			delete(n.cells, c.Ref)
			delete(n.formulas, c.Ref)
			continue
		}
		n.cells[c.Ref] = old
	}
	return n
}

func drawChange(t *rapid.T, known []cell.Ref) Change {
	c := Change{Kind: rapid.SampledFrom([]ChangeKind{SetCell, SetCell, SetValue, SetStyle, RemoveCell, RemoveCell}).Draw(t, "change")}
	if len(known) > 0 && rapid.IntRange(0, 2).Draw(t, "known") > 0 {
		c.Ref = rapid.SampledFrom(known).Draw(t, "ref")
	} else {
		c.Ref = cell.Ref{
			Row: rapid.SampledFrom([]int{0, 1, 2, 511, 512, 700, 20000, cell.MaxRows - 1}).Draw(t, "row"),
			Col: rapid.SampledFrom([]int{0, 1, 2, 5, 700, cell.MaxCols - 1}).Draw(t, "col"),
		}
	}
	c.Value = drawValue(t)
	c.Style = rapid.SampledFrom([]uint32{0, 1, 256, 70000}).Draw(t, "style")
	if c.Kind == SetCell && rapid.IntRange(0, 2).Draw(t, "formula") == 0 {
		c.Formula = rapid.SampledFrom([]string{"1+1", "SUM(A1:A9)", "B7"}).Draw(t, "text")
	}
	return c
}

// drawBlock draws many changes that are enough for a fold, dense or scattered.
func drawBlock(t *rapid.T) []Change {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	top, step := rapid.IntRange(0, 2000).Draw(t, "top"), rapid.SampledFrom([]int{1, 3, 600}).Draw(t, "step")
	var changes []Change
	for i := range rapid.IntRange(1, 400).Draw(t, "rows") {
		r := cell.Ref{Row: top + i*step, Col: 1 + rng.IntN(2)}
		switch rng.IntN(6) {
		case 0:
			changes = append(changes, Change{Ref: r, Kind: RemoveCell})
		case 1:
			changes = append(changes, Change{Ref: r, Value: cell.TextValue(fmt.Sprint("text ", rng.IntN(50)))})
		case 2:
			changes = append(changes, Change{Ref: r, Formula: fmt.Sprintf("A%d", i+1), Style: 3})
		default:
			changes = append(changes, Change{Ref: r, Value: cell.NumberValue(float64(rng.IntN(1000)) / 4)})
		}
	}
	return changes
}

// TestEditedSheet holds edited sheets, and all versions before them, against a model, and the
// difference of any two against that of their models.
func TestEditedSheet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, cells, formulas := build(t, false)
		versions := []version{{s, cells, formulas}}
		for range rapid.IntRange(1, 5).Draw(t, "versions") {
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
		a, b := rapid.SampledFrom(versions).Draw(t, "a"), rapid.SampledFrom(versions).Draw(t, "b")
		checkDiff(t, a, b)
	})
}

// checkRange holds what the iterators give of whole cells against the model.
func checkRange(t *rapid.T, v version) {
	n := 0
	for c := range v.sheet.Cells(cell.WholeSheet) {
		w := v.cells[c.Ref]
		if !same(c.Value, w.Value) || c.Style != w.Style || v.sheet.Formula(c).Text != v.formulas[c.Ref] {
			t.Fatalf("%v: got %+v with %q, want %+v with %q", c.Ref, c, v.sheet.Formula(c).Text, w, v.formulas[c.Ref])
		}
		n++
	}
	for _, col := range []int{0, 1, 2} {
		for c := range v.sheet.Column(col, 0, cell.MaxRows-1) {
			if w := v.cells[c.Ref]; !same(c.Value, w.Value) || c.Style != w.Style {
				t.Fatalf("%v of a column: got %+v, want %+v", c.Ref, c, w)
			}
		}
	}
	if n != len(v.cells) {
		t.Fatalf("%d cells, want %d", n, len(v.cells))
	}
	errs := 0
	for c := range v.sheet.Errors() {
		if w := v.cells[c.Ref]; c.Value.Kind() != cell.Error || c.Value != w.Value || c.Style != w.Style {
			t.Fatalf("%v of the errors: got %+v, want %+v", c.Ref, c, w)
		}
		errs++
	}
	for _, w := range v.cells {
		if w.Value.Kind() == cell.Error {
			errs--
		}
	}
	if errs != 0 {
		t.Fatalf("%d errors too many", errs)
	}
	// A reader that stops early is let go.
	for c := range v.sheet.Cells(cell.WholeSheet) {
		_ = c
		break
	}
	for range v.sheet.OccupiedRows(0, cell.MaxRows-1) {
		break
	}
}

func checkDiff(t *rapid.T, a, b version) {
	differ := func(r cell.Ref) bool {
		x, inA := a.cells[r]
		y, inB := b.cells[r]
		return inA != inB || x.Value != y.Value || x.Style != y.Style || a.formulas[r] != b.formulas[r]
	}
	var want, got []cell.Ref
	for r := range a.cells {
		if differ(r) {
			want = append(want, r)
		}
	}
	for r := range b.cells {
		if _, inA := a.cells[r]; !inA {
			want = append(want, r)
		}
	}
	slices.SortFunc(want, func(x, y cell.Ref) int { return order(x) - order(y) })
	for x, y := range Diff(a.sheet, b.sheet, nil) {
		if x.Ref != y.Ref {
			t.Fatalf("%v and %v as a pair", x.Ref, y.Ref)
		}
		if !same(x.Value, a.cells[x.Ref].Value) || !same(y.Value, b.cells[x.Ref].Value) {
			t.Fatalf("%v: %v and %v", x.Ref, x.Value, y.Value)
		}
		got = append(got, x.Ref)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("differ at %v, want %v", got, want)
	}
}

// TestManyVersions makes a long line of one-cell edits, which folds again and again.
func TestManyVersions(t *testing.T) {
	s := mixedSheet(t, 2000)
	base := s
	want := map[cell.Ref]cell.Value{}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 3000 {
		r := cell.Ref{Row: rng.IntN(2200), Col: rng.IntN(10)}
		v := cell.NumberValue(float64(i))
		if i%3 == 0 {
			v = cell.TextValue(fmt.Sprint("text ", i))
		}
		n, err := s.With([]Change{{Ref: r, Value: v}})
		if err != nil {
			t.Fatal(err)
		}
		s, want[r] = n, v
	}
	got := 0
	for x, y := range Diff(base, s, nil) {
		if want[y.Ref] != y.Value && x.Value != y.Value {
			t.Fatalf("%v is %v, want %v", y.Ref, y.Value, want[y.Ref])
		}
		got++
	}
	for r, v := range want {
		if s.Value(r) != v {
			t.Fatalf("%v is %v, want %v", r, s.Value(r), v)
		}
	}
	if got > len(want) || got < len(want)-20 {
		t.Errorf("%d cells differ of %d that were edited", got, len(want))
	}
	if len(s.over) > overMax || len(s.own.parts) > 16 {
		t.Errorf("%d patches, %d parts of texts", len(s.over), len(s.own.parts))
	}
}

func arraySheet(t *testing.T) *Sheet {
	t.Helper()
	b := NewBuilder("S")
	rng, _ := cell.ParseRange("B2:B4")
	group := b.AddGroup(ArrayFormula, rng.First, rng)
	id, err := b.AddFormula([]byte("A2:A4*2"), group)
	if err != nil {
		t.Fatal(err)
	}
	shared, _ := cell.ParseRange("C1:C5")
	sharedGroup := b.AddGroup(SharedFormula, shared.First, shared)
	sharedID, err := b.AddFormula([]byte("A1+1"), sharedGroup)
	if err != nil {
		t.Fatal(err)
	}
	for row := range 5 {
		for col := range 3 {
			if err := b.Int(cell.Ref{Row: row, Col: col}, 0, int32(10*row+col)); err != nil {
				t.Fatal(err)
			}
			if row == 1 && col == 1 {
				b.SetFormula(cell.Ref{Row: row, Col: col}, id)
			}
			if col == 2 {
				b.SetFormula(cell.Ref{Row: row, Col: col}, sharedID)
			}
		}
	}
	return b.Finish(nil)
}

func at(t *testing.T, a1 string) cell.Ref {
	t.Helper()
	r, ok := cell.ParseRef(a1)
	if !ok {
		t.Fatalf("%q is no cell", a1)
	}
	return r
}

// TestArrayParts holds when an edit in an array formula is refused.
func TestArrayParts(t *testing.T) {
	s := arraySheet(t)
	set := func(a1 ...string) (c []Change) {
		for _, x := range a1 {
			c = append(c, Change{Ref: at(t, x), Value: cell.NumberValue(1)})
		}
		return c
	}
	for _, c := range []struct {
		name    string
		changes []Change
		wrong   int // index of the change that is refused, -1 for none
		left    int // arrays afterwards
	}{
		{"beside it", set("A1", "B1", "B5"), -1, 1},
		{"a part", set("A1", "B3"), 1, 1},
		{"the anchor", set("B2"), 0, 1},
		{"two parts, the later row first", set("A1", "B4", "B2"), 1, 1},
		{"all but one, one twice", set("B2", "B3", "B3"), 0, 1},
		{"the whole", set("B4", "A1", "B2", "B3"), -1, 0},
		{"the whole, cleared", []Change{{Ref: at(t, "B2"), Kind: RemoveCell}, {Ref: at(t, "B3"), Kind: RemoveCell}, {Ref: at(t, "B4"), Kind: RemoveCell}}, -1, 0},
		{"a computed value", []Change{{Ref: at(t, "B3"), Kind: SetValue, Value: cell.NumberValue(7)}}, -1, 1},
		{"a style", []Change{{Ref: at(t, "B3"), Kind: SetStyle, Style: 2}}, -1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, err := s.With(c.changes)
			var wrong *EditError
			if c.wrong >= 0 {
				if !errors.As(err, &wrong) || !errors.Is(err, ErrArrayPart) || wrong.Index != c.wrong || wrong.Array.String() != "B2:B4" {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			count := func(s *Sheet) (n int) {
				for range s.Arrays(cell.WholeSheet) {
					n++
				}
				return n
			}
			if got := count(n); got != c.left {
				t.Errorf("%d arrays, want %d", got, c.left)
			}
			if count(s) != 1 {
				t.Error("the sheet that was edited changed")
			}
		})
	}
	if _, err := s.With([]Change{{Ref: cell.Ref{Row: -1}}}); !errors.Is(err, ErrOutside) {
		t.Errorf("a cell outside: %v", err)
	}
	if _, err := s.With([]Change{{Kind: 9}}); !errors.Is(err, ErrChange) {
		t.Errorf("a change of no kind: %v", err)
	}
	part := NewBuilder("P").Sheet(nil, nil)
	if _, err := part.With([]Change{{}}); !errors.Is(err, ErrPartial) {
		t.Errorf("an edit of a sheet that is not loaded: %v", err)
	}
}

// TestSharedFormulaStays checks that the cells of a shared formula keep it when its anchor
// is overwritten, before and after a fold.
func TestSharedFormulaStays(t *testing.T) {
	s := arraySheet(t)
	changes := []Change{{Ref: at(t, "C1"), Formula: "9*9"}, {Ref: at(t, "C3"), Kind: SetStyle, Style: 5}}
	n, err := s.With(changes)
	if err != nil {
		t.Fatal(err)
	}
	for row := range 300 {
		changes = append(changes, Change{Ref: cell.Ref{Row: 100 + row, Col: 2}, Value: cell.NumberValue(1)})
	}
	folded, err := s.With(changes)
	if err != nil {
		t.Fatal(err)
	}
	if len(n.over) == 0 || len(folded.over) != 0 {
		t.Fatalf("%d and %d patches", len(n.over), len(folded.over))
	}
	for _, s := range []*Sheet{n, folded} {
		for row := range 5 {
			c, _ := s.At(cell.Ref{Row: row, Col: 2})
			want := Formula{Text: "A1+1", Kind: SharedFormula, Anchor: at(t, "C1"), Range: cell.RangeOf(at(t, "C1"), at(t, "C5"))}
			if row == 0 {
				want = Formula{Text: "9*9", Anchor: c.Ref}
			}
			if got := s.Formula(c); got != want {
				t.Errorf("%v: %+v, want %+v", c.Ref, got, want)
			}
		}
	}
}

// TestDiffOfFoldedForks compares forks that were edited at the same places, far enough to be
// folded: the same number of a text or a formula says two things then.
func TestDiffOfFoldedForks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, cells, formulas := build(t, false)
		fork := func(seed uint64) version {
			rng := rand.New(rand.NewPCG(seed, 0))
			var changes []Change
			for row := range 400 {
				c := Change{Ref: cell.Ref{Row: row, Col: 1}, Value: cell.NumberValue(float64(row)), Style: uint32(rng.IntN(2))}
				switch rng.IntN(4) {
				case 0:
					c.Value = cell.TextValue(fmt.Sprint("text ", rng.IntN(3)))
				case 1:
					c.Formula = fmt.Sprintf("A%d", 1+rng.IntN(3))
				case 2:
					c.Value = cell.NumberValue(float64(row) + 0.5*float64(rng.IntN(2)))
				}
				changes = append(changes, c)
			}
			v := version{s, cells, formulas}.edit(changes)
			var err error
			if v.sheet, err = s.With(changes); err != nil {
				t.Fatal(err)
			}
			return v
		}
		a, b := fork(rapid.Uint64Range(0, 9).Draw(t, "a")), fork(rapid.Uint64Range(0, 9).Draw(t, "b"))
		if len(a.sheet.over) > 0 {
			t.Fatal("the edits were not folded")
		}
		checkDiff(t, a, b)
	})
}

// TestOwnTextsStayBounded overwrites the same cells with other texts and formulas again and
// again: what is overwritten is dropped, and the versions before keep what they have.
func TestOwnTextsStayBounded(t *testing.T) {
	s := mixedSheet(t, 2000)
	kept, err := s.With([]Change{{Ref: cell.Ref{Row: 7, Col: 3}, Value: cell.TextValue("kept")}, {Ref: cell.Ref{Row: 1500, Col: 3}, Formula: "1+2", Style: 4}})
	if err != nil {
		t.Fatal(err)
	}
	// Texts and formulas in the bands, of which two cells have a patch that points to them.
	var first []Change
	for row := range 300 {
		first = append(first, Change{Ref: cell.Ref{Row: row, Col: 5}, Value: cell.TextValue(fmt.Sprint("first ", row))}, Change{Ref: cell.Ref{Row: row, Col: 6}, Formula: fmt.Sprintf("%d-1", row)})
	}
	var old []Change // what is dropped from the front, so that numbers change
	for i, c := range first {
		old = append(old, Change{Ref: c.Ref, Value: cell.TextValue(fmt.Sprint("old ", i))})
	}
	if s, err = kept.With(old); err != nil {
		t.Fatal(err)
	}
	if s, err = s.With(first); err != nil {
		t.Fatal(err)
	}
	if s, err = s.With([]Change{{Ref: cell.Ref{Row: 12, Col: 6}, Kind: SetValue, Value: cell.TextValue("computed")}, {Ref: cell.Ref{Row: 10, Col: 5}, Kind: SetStyle, Style: 9}, {Ref: cell.Ref{Row: 10, Col: 6}, Kind: SetStyle, Style: 9}}); err != nil {
		t.Fatal(err)
	}
	if len(s.over) == 0 || s.own.len() < 600 {
		t.Fatalf("%d patches and %d texts", len(s.over), s.own.len())
	}
	var before *Sheet
	for round := range 60 {
		var changes []Change
		for row := range 500 {
			c := Change{Ref: cell.Ref{Row: row + 600, Col: row % 4}, Value: cell.TextValue(fmt.Sprintf("round %d, row %d", round, row))}
			if row%5 == 0 {
				c.Value, c.Formula = cell.Value{}, fmt.Sprintf("%d+%d", round, row)
			}
			changes = append(changes, c)
		}
		if round == 30 {
			before = s
		}
		if s, err = s.With(changes); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.own.len(); n > ownMin+1000 {
		t.Errorf("%d texts for 1102 cells", n)
	}
	for row := range 300 {
		c, _ := s.At(cell.Ref{Row: row, Col: 6})
		if text := s.Value(cell.Ref{Row: row, Col: 5}).Text(); text != fmt.Sprint("first ", row) || s.Formula(c).Text != fmt.Sprintf("%d-1", row) {
			t.Fatalf("row %d is %q and %q", row, text, s.Formula(c).Text)
		}
	}
	for _, v := range []struct {
		s     *Sheet
		round int
	}{{s, 59}, {before, 29}} {
		for row := range 500 {
			c, _ := v.s.At(cell.Ref{Row: row + 600, Col: row % 4})
			text, formula := fmt.Sprintf("round %d, row %d", v.round, row), ""
			if row%5 == 0 {
				text, formula = "", fmt.Sprintf("%d+%d", v.round, row)
			}
			if c.Value.Text() != text || v.s.Formula(c).Text != formula {
				t.Fatalf("%v is %q with %q", c.Ref, c.Value, v.s.Formula(c).Text)
			}
		}
		c, _ := v.s.At(cell.Ref{Row: 1500, Col: 3})
		if v.s.Value(cell.Ref{Row: 7, Col: 3}).Text() != "kept" || v.s.Formula(c).Text != "1+2" || c.Style != 4 {
			t.Errorf("what was edited once is %q and %q", v.s.Value(cell.Ref{Row: 7, Col: 3}), v.s.Formula(c).Text)
		}
	}
}
