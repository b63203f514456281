package grid

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
)

// model is a sheet as a map, to compare with.
type model map[cell.Ref]Cell

func drawValue(t *rapid.T) cell.Value {
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		return cell.Value{}
	case 1:
		return cell.TextValue(rapid.SampledFrom([]string{"", "a", "b", "long text", "ü"}).Draw(t, "text"))
	case 2:
		return cell.BoolValue(rapid.Bool().Draw(t, "bool"))
	case 3:
		return cell.ErrorValue(cell.ErrorCode(rapid.IntRange(1, int(cell.ErrCirc)).Draw(t, "error")))
	case 4:
		return cell.NumberValue(rapid.Float64().Filter(func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }).Draw(t, "float"))
	case 5:
		return cell.NumberValue(math.Copysign(0, -1))
	case 6:
		return cell.NumberValue(float64(rapid.Int32().Draw(t, "int32")))
	case 7:
		return cell.NumberValue(float64(rapid.Uint16().Draw(t, "uint16")))
	default:
		return cell.NumberValue(float64(rapid.Byte().Draw(t, "byte")))
	}
}

// same compares values to the bit: 0 and -0 differ.
func same(a, b cell.Value) bool {
	return a == b && math.Float64bits(a.Number()) == math.Float64bits(b.Number())
}

func build(t *rapid.T, anyOrder bool) (*Sheet, model, map[cell.Ref]string) {
	b := NewBuilder("S")
	if anyOrder {
		b.AnyOrder()
	}
	want, formulas := model{}, map[cell.Ref]string{}
	row := 0
	var partial []func()
	for range rapid.IntRange(0, 60).Draw(t, "steps") {
		row += rapid.SampledFrom([]int{0, 0, 1, 1, 1, 2, 100, 511, 512, 5000}).Draw(t, "down")
		at := row
		if anyOrder {
			at = rapid.IntRange(0, 20000).Draw(t, "row")
		} else if row&(BandRows-1) != 0 && rapid.IntRange(0, 9).Draw(t, "back") == 0 {
			at = row &^ (BandRows - 1) // an earlier row of the same band
		}
		r := cell.Ref{Row: at, Col: rapid.SampledFrom([]int{0, 1, 2, 3, 7, 700, cell.MaxCols - 1}).Draw(t, "col")}
		v, style := drawValue(t), rapid.SampledFrom([]uint32{0, 0, 1, 255, 256, 65535, 65536, 1 << 31}).Draw(t, "style")
		if !again(b, r, style, v) {
			if err := b.Value(r, style, v); err != nil {
				t.Fatal(err)
			}
		}
		want[r] = Cell{Ref: r, Value: v, Style: style}
		delete(formulas, r)
		if rapid.IntRange(0, 3).Draw(t, "formula") == 0 {
			text := fmt.Sprintf("A%d+1", at)
			id, err := b.AddFormula([]byte(text), -1)
			if err != nil {
				t.Fatal(err)
			}
			b.SetFormula(r, id)
			formulas[r] = text
		}
		if !anyOrder && rapid.IntRange(0, 9).Draw(t, "publish") == 0 {
			// A sheet that is handed out on the way stays as it is while the builder goes on.
			rows := b.SealedRows()
			s, sofar := b.Sheet(nil, nil), maps.Clone(want)
			sofarFormulas := maps.Clone(formulas)
			if s.LoadedRows() != rows {
				t.Fatalf("a sheet of %d sealed rows says %d", rows, s.LoadedRows())
			}
			maps.DeleteFunc(sofar, func(r cell.Ref, _ Cell) bool { return r.Row >= rows })
			maps.DeleteFunc(sofarFormulas, func(r cell.Ref, _ string) bool { return r.Row >= rows })
			partial = append(partial, func() { check(t, s, sofar, sofarFormulas) })
		}
	}
	s := b.Finish(nil)
	for _, f := range partial {
		f()
	}
	return s, want, formulas
}

// again stores a value by Again, if it can.
func again(b *Builder, r cell.Ref, style uint32, v cell.Value) bool {
	switch v.Kind() {
	case cell.Blank:
		return b.Again(r.Row, r.Col, BlankLike(style), 0)
	case cell.Bool:
		if v.Bool() {
			return b.Again(r.Row, r.Col, BoolLike(style), 1)
		}
		return b.Again(r.Row, r.Col, BoolLike(style), 0)
	case cell.Number:
		f := v.Number()
		if i := int32(f); float64(i) == f && !math.Signbit(f) && b.Again(r.Row, r.Col, IntLike(style), uint64(uint32(i))) {
			return true
		}
		return b.Again(r.Row, r.Col, FloatLike(style), math.Float64bits(f))
	}
	return false
}

func check(t *rapid.T, s *Sheet, want model, formulas map[cell.Ref]string) {
	refs := slices.SortedFunc(maps.Keys(want), func(a, b cell.Ref) int {
		if a.Row != b.Row {
			return a.Row - b.Row
		}
		return a.Col - b.Col
	})
	filled := 0
	var used cell.Range
	for i, r := range refs {
		got, ok := s.At(r)
		w := want[r]
		if !ok || !same(got.Value, w.Value) || got.Style != w.Style {
			t.Fatalf("%v: got %+v (stored %v), want %+v", r, got, ok, w)
		}
		if text := s.Formula(got).Text; got.HasFormula() != (formulas[r] != "") || text != formulas[r] {
			t.Fatalf("%v: formula %q, want %q", r, text, formulas[r])
		}
		if !got.Empty() {
			filled++
		}
		if i == 0 {
			used = cell.Range{First: r, Last: r}
		}
		used = used.Union(cell.Range{First: r, Last: r})
	}
	if got, ok := s.Used(); ok != (len(refs) > 0) || ok && got != used {
		t.Fatalf("used %v, want %v", got, used)
	}
	if s.StoredCells() != len(refs) || s.FilledCells() != filled || s.FormulaCells() != len(formulas) {
		t.Fatalf("%d stored, %d filled, %d formulas; want %d, %d, %d", s.StoredCells(), s.FilledCells(), s.FormulaCells(), len(refs), filled, len(formulas))
	}
	// Iterators give what lies in a range, in order, and nothing else.
	rng := cell.RangeOf(
		cell.Ref{Row: rapid.IntRange(0, 30000).Draw(t, "r0"), Col: rapid.IntRange(0, 8).Draw(t, "c0")},
		cell.Ref{Row: rapid.IntRange(0, 30000).Draw(t, "r1"), Col: rapid.SampledFrom([]int{0, 2, 7, cell.MaxCols - 1}).Draw(t, "c1")})
	for _, rng := range []cell.Range{cell.WholeSheet, rng} {
		var in, got []cell.Ref
		for _, r := range refs {
			if rng.Contains(r) {
				in = append(in, r)
			}
		}
		for c := range s.Cells(rng) {
			got = append(got, c.Ref)
		}
		if !slices.Equal(got, in) {
			t.Fatalf("cells of %v: %v, want %v", rng, got, in)
		}
		var rows []int
		for row := range s.OccupiedRows(rng.First.Row, rng.Last.Row) {
			rows = append(rows, row)
		}
		var wantRows []int
		for _, r := range refs {
			if r.Row >= rng.First.Row && r.Row <= rng.Last.Row && (len(wantRows) == 0 || wantRows[len(wantRows)-1] != r.Row) {
				wantRows = append(wantRows, r.Row)
			}
		}
		if !slices.Equal(rows, wantRows) {
			t.Fatalf("occupied rows %v, want %v", rows, wantRows)
		}
		cols := s.OccupiedCols(rng.First.Row, rng.Last.Row)
		for _, r := range in {
			if !slices.Contains(cols, r.Col) {
				t.Fatalf("column %d of %v is not among %v", r.Col, rng, cols)
			}
		}
		var col, wantCol []cell.Ref
		for c := range s.Column(rng.First.Col, rng.First.Row, rng.Last.Row) {
			col = append(col, c.Ref)
		}
		for _, r := range in {
			if r.Col == rng.First.Col {
				wantCol = append(wantCol, r)
			}
		}
		if !slices.Equal(col, wantCol) {
			t.Fatalf("column %d: %v, want %v", rng.First.Col, col, wantCol)
		}
	}
	for _, r := range []cell.Ref{{Row: -1}, {Row: cell.MaxRows}, {Col: -1}, {Col: cell.MaxCols}, {Row: 40000, Col: 5}} {
		if _, ok := s.At(r); ok {
			t.Fatalf("a cell at %v", r)
		}
	}
}

func TestSheetIsItsCells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, want, formulas := build(t, false)
		check(t, s, want, formulas)
		if !s.Complete() {
			t.Fatal("a finished sheet is complete")
		}
	})
}

func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, want, formulas := build(t, true)
		check(t, s, want, formulas)
	})
}

func TestBuilderRefuses(t *testing.T) {
	b := NewBuilder("S")
	if err := b.Number(cell.Ref{Row: 600}, 0, 1); err != nil {
		t.Fatal(err)
	}
	if err := b.Number(cell.Ref{Row: 10}, 0, 1); err != ErrRowOrder {
		t.Errorf("a cell above the band: %v", err)
	}
	if err := b.Number(cell.Ref{Row: cell.MaxRows}, 0, 1); err == nil {
		t.Error("a cell below the sheet")
	}
	for _, f := range []float64{math.NaN(), math.Inf(1)} {
		if err := b.Number(cell.Ref{Row: 601}, 0, f); err != nil {
			t.Fatal(err)
		}
	}
	if v := b.Finish(nil).Value(cell.Ref{Row: 601}); v.Err() != cell.ErrNum {
		t.Errorf("what is no number became %v", v)
	}
}

// A shared formula is stored once and known by its anchor in every cell.
func TestSharedFormula(t *testing.T) {
	b := NewBuilder("S")
	rng := cell.Range{Last: cell.Ref{Row: 1000}}
	group := b.AddGroup(SharedFormula, cell.Ref{}, rng)
	id, _ := b.AddFormula([]byte("B1*2"), group)
	for row := range 1001 {
		r := cell.Ref{Row: row}
		if err := b.Int(r, 0, int32(row)); err != nil {
			t.Fatal(err)
		}
		b.SetFormula(r, id)
	}
	s := b.Finish(nil)
	c, _ := s.At(cell.Ref{Row: 777})
	if f := s.Formula(c); f != (Formula{Text: "B1*2", Kind: SharedFormula, Range: rng}) {
		t.Errorf("got %+v", f)
	}
	if n := s.MemoryBytes(); n > 20_000 {
		t.Errorf("%d bytes for 1001 cells that share a formula", n)
	}
}

func TestStrings(t *testing.T) {
	var b StringsBuilder
	early := b.Pool()
	for i := range 1000 {
		if n, ok := b.Intern([]byte(fmt.Sprint(i % 10))); !ok || n != uint32(i%10) {
			t.Fatalf("text %d is number %d", i, n)
		}
	}
	mid := b.Pool()
	if n, _ := b.Append([]byte("")); n != 10 {
		t.Errorf("an empty text is number %d", n)
	}
	all := b.Finish()
	if early.Len() != 0 || mid.Len() != 10 || all.Len() != 11 || mid.At(7) != "7" || all.At(7) != "7" || all.At(10) != "" {
		t.Errorf("%d, %d, %d texts", early.Len(), mid.Len(), all.Len())
	}
	// More texts than are kept in mind, some of them twice in a row.
	var many StringsBuilder
	for i := range 30000 {
		text := fmt.Sprintf("text %d", i/2*i%20011)
		n, ok := many.Intern([]byte(text))
		if again, _ := many.Intern([]byte(text)); !ok || again != n || many.Pool().At(n) != text {
			t.Fatalf("%q is %d, %d: %q", text, n, again, many.Pool().At(n))
		}
	}
	var none *Strings
	if all.At(99) != "" || none.At(0) != "" || none.Len() != 0 {
		t.Error("texts that are not there")
	}
}

func TestLayout(t *testing.T) {
	l := Layout{
		Columns: []ColumnSpan{{First: 1, Last: 3, Width: 10}, {First: 5, Last: 5, Hidden: true}},
		Rows:    []RowSpan{{First: 0, Last: 0, Height: 20}, {First: 10, Last: 20, Hidden: true}},
		Merges:  []cell.Range{{First: cell.Ref{Row: 1, Col: 1}, Last: cell.Ref{Row: 2, Col: 2}}},
	}
	for col, want := range map[int]bool{0: false, 1: true, 3: true, 4: false, 5: true, 6: false} {
		if _, ok := l.Column(col); ok != want {
			t.Errorf("column %d: %v", col, ok)
		}
	}
	for row, want := range map[int]bool{0: true, 1: false, 10: true, 20: true, 21: false} {
		if _, ok := l.Row(row); ok != want {
			t.Errorf("row %d: %v", row, ok)
		}
	}
	if _, ok := l.MergeAt(cell.Ref{Row: 2, Col: 1}); !ok {
		t.Error("a cell of a merge")
	}
	if _, ok := l.MergeAt(cell.Ref{Row: 3, Col: 1}); ok {
		t.Error("a cell beside a merge")
	}
}
