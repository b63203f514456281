package book

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/until"
	"gridflow/internal/xf"
)

func words(c Change) string {
	s := fmt.Sprintf("%v %s!%v", c.Kind, c.Sheet, c.Ref)
	if c.Subtype != NoSubtype {
		s += " " + c.Subtype.String()
	}
	return s
}

// TestApply holds what edits make of a sheet and what they say of it.
func TestApply(t *testing.T) {
	for _, c := range []struct {
		name, sheet, edit, want, changes string
		stale                            bool
	}{
		{"a value", "A1=1 B2='x", "A1=2", "A1=2 B2='x", "cell_modified Sheet1!A1 value_edit", false},
		{"a new cell", "A1=1", "C3='new", "A1=1 C3='new", "cell_added Sheet1!C3", false},
		{"a clear", "A1=1 B2='x", "B2=", "A1=1", "cell_deleted Sheet1!B2", false},
		{"a clear of nothing", "A1=1", "B2=", "A1=1", "", false},
		{"an equal edit", "A1=1 B1==A1*2", "A1=1 B1==A1*2", "A1=1 B1==A1*2", "", false},
		{"a loaded formula typed as it is shown", "A1==_xlfn.LET(_xlpm.x,A2,_xlpm.x) B1==_xlfn.ANCHORARRAY(A1)", "A1==LET(x,A2,x) B1==A1#", "A1==LET(x,A2,x) B1==A1#", "", false},
		{"a formula typed without the prefix that was missing", "A1==XLOOKUP(B1,C1,D1)", "A1==XLOOKUP(B1,C1,D1)", "A1==XLOOKUP(B1,C1,D1)", "cell_modified Sheet1!A1 formula_edit", true},
		{"what is no formula", "A1=1", "A1==SUM(", "A1==SUM(", "cell_modified Sheet1!A1 formula_edit", true},
		{"an input of a formula", "A1=1 B1==A1*2", "A1=3", "A1=3 B1==A1*2", "cell_modified Sheet1!A1 value_edit", true},
		{"a formula", "A1=1", "B1==A1+1", "A1=1 B1==A1+1", "cell_added Sheet1!B1", true},
		{"a formula instead of a value", "A1=1", "A1==1+1", "A1==1+1", "cell_modified Sheet1!A1 formula_edit", true},
		{"the only formula becomes a value", "A1==1+1", "A1=2", "A1=2", "cell_modified Sheet1!A1 formula_edit", false},
		{"a format", "A1=1 B1==A1", "A1!0.00", "A1!0.00=1 B1==A1", "cell_modified Sheet1!A1 style_edit", false},
		{"a clear keeps the format", "A1=1", "A1!0.00 A1=", "A1!0.00=", "cell_modified Sheet1!A1 value_edit", false},
		{"twice the same cell", "A1=1", "A1=5 A2=1 A1=1", "A1=1 A2=1", "cell_added Sheet1!A2", false},
		{"a value and then a format", "A1=1", "A1=5 A1!0.00", "A1!0.00=5", "cell_modified Sheet1!A1 value_edit", false},
		{"row by row", "A1=1", "B2=1 A2=1 B1=1", "A1=1 B1=1 A2=1 B2=1", "cell_added Sheet1!B1, cell_added Sheet1!A2, cell_added Sheet1!B2", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := storedSnapshot("wb", "rev", newBook(t, c.sheet))
			before := show(t, s, 0)
			n, changes := apply(t, s, set(t, "sheet1", c.edit))
			if got := show(t, n, 0); got != c.want {
				t.Errorf("the sheet is %q, want %q", got, c.want)
			}
			var got []string
			for change := range changes.Changes() {
				got = append(got, words(change))
			}
			if strings.Join(got, ", ") != c.changes {
				t.Errorf("changes %q, want %q", strings.Join(got, ", "), c.changes)
			}
			if n.Stale() != c.stale || changes.Stale != c.stale {
				t.Errorf("stale: %v and %v, want %v", n.Stale(), changes.Stale, c.stale)
			}
			if n.Version != 1 || changes.From != 0 || changes.To != 1 || s.Version != 0 || changes.Edited != len(edits(t, c.edit)) {
				t.Errorf("version %d, changes from %d to %d, %d edited", n.Version, changes.From, changes.To, changes.Edited)
			}
			if after := show(t, s, 0); after != before {
				t.Errorf("the state before became %q", after)
			}
		})
	}
}

// TestStoredForm: a sheet keeps a typed formula in the form that files have, and it reads as
// it was typed.
func TestStoredForm(t *testing.T) {
	s := storedSnapshot("wb", "rev", newBook(t, "A1=1"))
	n, _ := apply(t, s, set(t, "Sheet1", "A1==SORT(LET(x,B1:B3,x))"))
	sheet, err := n.Sheet(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := sheet.At(cell.Ref{})
	if got, want := StoredFormula(sheet, c), "_xlfn._xlws.SORT(_xlfn.LET(_xlpm.x,B1:B3,_xlpm.x))"; got != want {
		t.Errorf("stored is %q, want %q", got, want)
	}
	if got, want := FormulaText(sheet, c), "SORT(LET(x,B1:B3,x))"; got != want {
		t.Errorf("shown is %q, want %q", got, want)
	}
	long := strings.Repeat("+XLOOKUP(1,B:B,C:C)", 430)
	if len(long) > MaxFormula {
		t.Fatal("the formula is to be within the limit as it is typed")
	}
	n, _ = apply(t, s, set(t, "Sheet1", "A1=="+long))
	again, err := Between(context.Background(), s, n)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, s, again) // though it is longer as it is stored
	// A column of the table around the cell.
	m := newBook(t, "A1='a B1='b A2=1 B2=2", "A1=1")
	around := func(r string) cell.Range {
		x, ok := cell.ParseRange(r)
		if !ok {
			t.Fatal(r)
		}
		return x
	}
	m.tables = []grid.Table{{Name: "T", Sheet: 0, Range: around("A1:B2")}, {Name: "U", Sheet: 1, Range: around("C1:D2")}}
	n, _ = apply(t, storedSnapshot("wb", "rev", m), set(t, "Sheet1", "B2==[@a]+SUM([a]) C2==[@a]"))
	if sheet, err = n.Sheet(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	for a1, want := range map[string]string{"B2": "T[[#This Row],[a]]+SUM(T[a])", "C2": "[@a]"} {
		r, _ := cell.ParseRef(a1)
		c, _ := sheet.At(r)
		if got := StoredFormula(sheet, c); got != want {
			t.Errorf("%s stores %q, want %q", a1, got, want)
		}
	}
	// The edit that makes it again keeps prefixes of functions that nobody knows here.
	n, _ = apply(t, s, set(t, "Sheet1", "A1==_xlfn.NEWER(B1)"))
	e, err := Between(context.Background(), s, n)
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Ops[0].(SetCells).Cells[0].Formula; got != "_xlfn.NEWER(B1)" {
		t.Errorf("the edit between the two has the formula %q", got)
	}
}

// TestApplyLeavesTheRest checks that sheets which an edit does not touch are not read.
func TestApplyLeavesTheRest(t *testing.T) {
	m := newBook(t, "A1=1", "A1=2", "A1=3")
	s := storedSnapshot("wb", "rev", m)
	n, _ := apply(t, s, Edit{Ops: []Op{
		SetCells{"Sheet2", edits(t, "A1=20")},
		SetCells{"Sheet2", edits(t, "B1=21")},
	}})
	if len(m.read) != 1 || !m.read[1] {
		t.Errorf("read %v", m.read)
	}
	n, _ = apply(t, n, set(t, "Sheet1", "A1=10"))
	for i, want := range []string{"A1=10", "A1=20 B1=21", "A1=3"} {
		if got := show(t, n, i); got != want {
			t.Errorf("sheet %d is %q, want %q", i, got, want)
		}
	}
	rows, err := n.Rows(t.Context(), 1, 0, 5)
	if err != nil || rows.StoredCells() != 2 {
		t.Errorf("rows of an edited sheet: %v", err)
	}
	// A sheet that was not read may have formulas.
	if !n.Stale() {
		t.Error("a workbook with sheets that were not read is not stale after an edit")
	}
}

// TestApplyRefuses holds the code and the place of each thing that is refused, and that
// nothing is changed then.
func TestApplyRefuses(t *testing.T) {
	m := newBook(t, "A1=1")
	m.add("Chart", sheetOf(t, "Chart", ""))
	m.book.Sheets[1].Kind = grid.Chartsheet
	m.add("Array", arraySheet(t))
	a1 := cell.Ref{}
	one := func(c CellEdit) Edit { return Edit{Ops: []Op{SetCells{"Sheet1", []CellEdit{{Ref: a1}, c}}}} }
	for _, c := range []struct {
		name string
		edit Edit
		code Code
		op   int
		cell int
	}{
		{"no such sheet", Edit{Ops: []Op{SetCells{Sheet: "Sheet1"}, SetCells{Sheet: "Shet1"}}}, SheetNotFound, 1, -1},
		{"a chart sheet", Edit{Ops: []Op{SetCells{Sheet: "Chart"}}}, NotAWorksheet, 0, -1},
		{"no operation", Edit{Ops: []Op{nil}}, BadEdit, 0, -1},
		{"a row too far", one(CellEdit{Ref: cell.Ref{Row: cell.MaxRows}}), BadCell, 0, 1},
		{"two things", one(CellEdit{Clear: true, Value: cell.BoolValue(true)}), BadCell, 0, 1},
		{"a formula that does not count", one(CellEdit{Formula: "1"}), BadCell, 0, 1},
		{"infinite", one(CellEdit{Value: cell.NumberValue(math.Inf(1))}), BadValue, 0, 1},
		{"not UTF-8", one(CellEdit{Value: cell.TextValue("\xff")}), BadValue, 0, 1},
		{"no error value", one(CellEdit{Value: cell.ErrorValue(99)}), BadValue, 0, 1},
		{"a long text", one(CellEdit{Value: cell.TextValue(strings.Repeat("é", MaxText+1))}), TooLong, 0, 1},
		{"a long text of pairs", one(CellEdit{Value: cell.TextValue(strings.Repeat("😀", MaxText/2+1))}), TooLong, 0, 1},
		{"a long formula", one(CellEdit{HasFormula: true, Formula: strings.Repeat("1+", MaxFormula/2) + "1"}), TooLong, 0, 1},
		{"an empty formula", one(CellEdit{HasFormula: true}), BadFormula, 0, 1},
		{"a formula with =", one(CellEdit{HasFormula: true, Formula: "=1"}), BadFormula, 0, 1},
		{"a bad format", one(CellEdit{NumFmt: `0.0"`}), BadFormat, 0, 1},
		{"a long format", one(CellEdit{NumFmt: strings.Repeat("0", 256)}), TooLong, 0, 1},
		{"a part of an array", Edit{Ops: []Op{SetCells{"Sheet1", edits(t, "A1=2")}, SetCells{"Array", edits(t, "A1=5 B3=5")}}}, ArrayPart, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := storedSnapshot("wb", "rev", m)
			n, changes, err := s.Apply(t.Context(), c.edit)
			var e *Error
			if n != nil || changes != nil || !errors.As(err, &e) || e.Code != c.code || e.Op != c.op || e.Cell != c.cell || e.Error() == "" {
				t.Fatalf("got %v (%+v)", err, e)
			}
			if c.cell >= 0 && e.Sheet == "" {
				t.Error("no sheet")
			}
		})
	}
	for _, text := range []string{strings.Repeat("é", MaxText), strings.Repeat("😀", MaxText/2)} {
		apply(t, storedSnapshot("wb", "rev", m), one(CellEdit{Value: cell.TextValue(text)}))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := storedSnapshot("wb", "rev", m).Apply(ctx, set(t, "Sheet1", "A1=5")); !errors.Is(err, context.Canceled) {
		t.Errorf("a wait that ended: %v", err)
	}
	bad := Edit{Ops: []Op{SetCells{"Sheet1", edits(t, "A1=1 A2==1+ A3==SUM(A1) A4==)")}}}.BadFormulas()
	if len(bad) != 2 || bad[0].Cell != 1 || bad[1].Cell != 3 || bad[0].Code != BadFormula || bad[0].Ref.String() != "A2" {
		t.Errorf("bad formulas: %v", bad)
	}
}

// arraySheet has numbers in A1:B5 and an array formula in B2:B4.
func arraySheet(t *testing.T) *grid.Sheet {
	t.Helper()
	b := grid.NewBuilder("Array")
	rng, _ := cell.ParseRange("B2:B4")
	id, err := b.AddFormula([]byte("A2:A4*2"), b.AddGroup(grid.ArrayFormula, rng.First, rng))
	if err != nil {
		t.Fatal(err)
	}
	for row := range 5 {
		for col := range 2 {
			if err := b.Int(cell.Ref{Row: row, Col: col}, 0, int32(row)); err != nil {
				t.Fatal(err)
			}
			if r := (cell.Ref{Row: row, Col: col}); r == rng.First {
				b.SetFormula(r, id)
			}
		}
	}
	return b.Finish(nil)
}

// TestArrayReplacedWhole replaces an array formula, with one of its cells by the value that it
// has: that cell counts too.
func TestArrayReplacedWhole(t *testing.T) {
	m := newBook(t)
	m.add("Array", arraySheet(t))
	s := storedSnapshot("wb", "rev", m)
	n, _ := apply(t, s, set(t, "Array", "B2=7 B3=2 B4="))
	if got, want := show(t, n, 0), "A1=0 B1=0 A2=1 B2=7 A3=2 B3=2 A4=3 A5=4 B5=4"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	sheet, _ := n.Sheet(t.Context(), 0)
	for f := range sheet.Arrays(cell.WholeSheet) {
		t.Errorf("the array formula %v is still there", f)
	}
	if n, _ = apply(t, s, set(t, "Array", "B3!0.00")); show(t, n, 0) == show(t, s, 0) {
		t.Error("a cell of an array formula cannot be formatted")
	}
}

// TestFormats holds which styles an edit adds.
func TestFormats(t *testing.T) {
	m := newBook(t, "A1=1 A2=2")
	bold := &grid.Font{Bold: true}
	m.book.Styles.Xfs = append(m.book.Styles.Xfs, grid.Xf{NumFmt: "0.00", NumFmtID: 2, Font: bold, NamedStyle: -1})
	m.book.Styles.Formats = append(m.book.Styles.Formats, m.book.Styles.Formats[0])
	layout := m.sheets[0].Layout
	layout.Columns = []grid.ColumnSpan{{First: 2, Last: 2, Style: 1}}
	s := storedSnapshot("wb", "rev", m)
	if s.Workbook() != m.book {
		t.Error("the workbook of an unedited file is not its own")
	}
	n, _ := apply(t, s, set(t, "Sheet1", "A1!yyyy-mm-dd A2!yyyy-mm-dd A3!0.00 C1=5 C2!0% C2="))
	xfs := n.Workbook().Styles.Xfs
	sheet, _ := n.Sheet(t.Context(), 0)
	style := func(a1 string) uint32 {
		r, _ := cell.ParseRef(a1)
		c, ok := sheet.At(r)
		if !ok {
			t.Fatalf("%s is not stored", a1)
		}
		return c.Style
	}
	if len(xfs) != 5 || len(n.Workbook().Styles.Formats) != 5 || len(m.book.Styles.Xfs) != 2 {
		t.Fatalf("%d styles and %d before", len(xfs), len(m.book.Styles.Xfs))
	}
	if style("A1") != 2 || style("A2") != 2 || xfs[2].NumFmtID != 164 || !n.Workbook().Styles.Format(2).IsDate() {
		t.Errorf("dates have style %d: %+v", style("A1"), xfs[2])
	}
	if x := xfs[style("A3")]; x.NumFmt != "0.00" || x.Font != nil || x.NumFmtID != 2 {
		t.Errorf("A3 has %+v", x)
	}
	if style("C1") != 1 {
		t.Error("a new cell does not have the style of its column")
	}
	if x := xfs[style("C2")]; x.NumFmt != "0%" || x.Font != bold || x.NumFmtID != 9 {
		t.Errorf("C2 has %+v", x)
	}
	if own := n.OwnBytes(); own < 500 || own > 4000 {
		t.Errorf("a few edits cost %d bytes", own)
	}
	// The same edit of another fork shares the styles; another edit finds what is there.
	o, _ := apply(t, s, set(t, "Sheet1", "A1!yyyy-mm-dd A2!yyyy-mm-dd A3!0.00 C1=5 C2!0% C2="))
	if o.Workbook() != n.Workbook() {
		t.Error("two forks with the same formats do not share them")
	}
	p, _ := apply(t, n, set(t, "Sheet1", "B9!yyyy-mm-dd"))
	if !slices.Equal(p.Workbook().Styles.Xfs, xfs) {
		t.Error("a style was made twice")
	}
	// A workbook without styles gets the default one first.
	m = newBook(t, "A1=1")
	m.book.Styles = nil
	q, _ := apply(t, storedSnapshot("wb", "rev", m), set(t, "Sheet1", "A1!0.00"))
	if got := show(t, q, 0); got != "A1!0.00=1" || q.Workbook().Styles.Xfs[0].NumFmt != "General" {
		t.Errorf("without styles: %q", got)
	}
}

// TestForksAtOnce lets many goroutines edit and read one snapshot: each has a line of its own.
func TestForksAtOnce(t *testing.T) {
	m := newBook(t, "A1=1 B1==A1*2", "A1=5")
	base := storedSnapshot("wb", "rev", m)
	warm, _ := apply(t, base, set(t, "Sheet1", "C1=1")) // memSource notes reads without a lock
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			s := warm
			for k := range 100 {
				text := fmt.Sprintf("A%d=%d B%d!%s", k+1, i, k+1, strings.Repeat("0", 1+k%5))
				n, changes, err := s.Apply(t.Context(), set(t, "Sheet1", text))
				if err != nil {
					t.Error(err)
					return
				}
				for range changes.Changes() {
				}
				s = n
			}
			sheet, _ := s.Sheet(t.Context(), 0)
			for k := range 100 {
				if v := sheet.Value(cell.Ref{Row: k}); v != cell.NumberValue(float64(i)) {
					t.Errorf("fork %d: A%d is %v", i, k+1, v)
				}
			}
			if s.Version != 101 {
				t.Errorf("version %d", s.Version)
			}
		})
	}
	all.Wait()
	if got := show(t, warm, 0); got != "A1=1 B1==A1*2 C1=1" {
		t.Errorf("the base became %q", got)
	}
}

// TestLargeEdit: an edit of more cells than are changed at once takes an array formula as a whole, whichever
// pieces its cells would be in, and does what as many small ones do.
func TestLargeEdit(t *testing.T) {
	m := newBook(t, "A1=1 B2='x XFD3=9 C5==A1*2")
	m.add("Array", arraySheet(t))
	const rows = 5 // of as many cells as a row has
	if rows*cell.MaxCols < 2*changedAtOnce {
		t.Fatal("they are not many")
	}
	s := storedSnapshot("wb", "rev", m)
	cells := func(but cell.Ref) (list []CellEdit) {
		for row := range rows {
			for col := range cell.MaxCols {
				c := CellEdit{Ref: cell.Ref{Row: row, Col: col}, Value: cell.NumberValue(float64(row + col))}
				if col%7 == 3 {
					c = CellEdit{Ref: c.Ref, Clear: true}
				}
				if c.Ref != but {
					list = append(list, c)
				}
			}
		}
		return list
	}
	nowhere := cell.Ref{Row: rows}
	n, set := apply(t, s, Edit{Ops: []Op{SetCells{"Array", cells(nowhere)}, SetCells{"Sheet1", cells(nowhere)}}})
	var byRow []Op
	all := cells(nowhere)
	for row := range rows {
		byRow = append(byRow, SetCells{"Sheet1", all[row*cell.MaxCols : (row+1)*cell.MaxCols]})
	}
	small, _ := apply(t, s, Edit{Ops: byRow})
	if got, want := show(t, n, 0), show(t, small, 0); got != want || set.Edited != 2*len(all) {
		t.Errorf("%d edited, %.100s, want %.100s", set.Edited, got, want)
	}
	if got, want := show(t, n, 1), show(t, small, 0); got != want {
		t.Errorf("over an array: %.100s, want %.100s", got, want)
	}
	again, _, err := s.Replay(t.Context(), Edit{Ops: []Op{SetCells{"Array", all}, SetCells{"Sheet1", all}}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if got, want := show(t, again, i), show(t, n, i); got != want {
			t.Errorf("made again: %.100s, want %.100s", got, want)
		}
	}
	// What is changed begins behind the array's column, and ends before it.
	ragged := cells(nowhere)[2 : (rows-1)*cell.MaxCols+1]
	n, _ = apply(t, s, Edit{Ops: []Op{SetCells{"Array", ragged}}})
	sheet, err := n.Sheet(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for row := 1; row <= 3; row++ {
		if v := sheet.Value(cell.Ref{Row: row, Col: 1}).Number(); v != float64(row+1) {
			t.Errorf("where the array was in row %d there is %v", row+1, v)
		}
	}
	for _, but := range []string{"B2", "B3", "B4"} {
		ref, _ := cell.ParseRef(but)
		part := cells(ref)
		_, _, err := s.Apply(t.Context(), Edit{Ops: []Op{SetCells{"Array", part}}})
		var e *Error
		if !errors.As(err, &e) || e.Code != ArrayPart || e.Ref != part[e.Cell].Ref || e.Ref.Col != 1 {
			t.Errorf("all but %s: %v", but, err)
		}
	}
	for _, sheet := range []string{"Array", "Sheet1"} { // in one piece, and in many
		asked := &asking{Context: t.Context()}
		// The cells are gone through twice: they are checked, and changed.
		if _, _, err := s.Apply(asked, Edit{Ops: []Op{SetCells{sheet, all}}}); err != nil || asked.times < 2*(len(all)/until.Every-1) {
			t.Errorf("%s: %v; whether the call goes on was asked %d times", sheet, err, asked.times)
		}
	}
	asked := &asking{Context: t.Context()}
	bold := FormatCells{Sheet: "Sheet1", Ranges: []cell.Range{{Last: cell.Ref{Row: rows - 1, Col: cell.MaxCols - 1}}}, Settings: xf.Settings{{Leaf: xf.FontBold, Value: "1"}}}
	if _, _, err := s.Apply(asked, Edit{Ops: []Op{bold}}); err != nil || asked.times < len(all)/changedAtOnce {
		t.Errorf("formats: %v; whether the call goes on was asked %d times", err, asked.times)
	}
	emptied := cells(nowhere)
	for i := range emptied[:(rows-1)*cell.MaxCols] { // nothing is there, or was
		emptied[i] = CellEdit{Ref: emptied[i].Ref, Clear: true}
	}
	if n, _ = apply(t, storedSnapshot("wb", "rev", newBook(t, "XFD9=1")), Edit{Ops: []Op{SetCells{"Sheet1", emptied}}}); !strings.HasPrefix(show(t, n, 0), "A5=4 B5=5 C5=6 E5=8 ") {
		t.Errorf("what comes behind pieces that change nothing: %.100s", show(t, n, 0))
	}
	late := cells(nowhere)
	late[len(late)-1].Value = cell.NumberValue(math.NaN())
	if _, _, err := s.Apply(t.Context(), Edit{Ops: []Op{SetCells{"Sheet1", late}}}); err == nil {
		t.Error("what cannot be was taken")
	}
}

// asking counts how often somebody asks whether a context has ended.
type asking struct {
	context.Context
	times int
}

func (a *asking) Err() error {
	a.times++
	return a.Context.Err()
}
