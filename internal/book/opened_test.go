package book

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"gridflow/internal/calc"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
)

// TestOpened: a file without values of its formulas is read with calculated ones, which all
// readers and all versions share. What has no formula is not waited for.
func TestOpened(t *testing.T) {
	ctx, seen := NoteOpened(context.Background())
	m := newBook(t, "A1=2 A2=3", "A1==Sheet1!A1*2 C1==SEQUENCE(2)", "A1=7")
	s := NewSnapshot("wb", "rev", m)
	value := func(s *Snapshot, i int, a1 string) cell.Value {
		t.Helper()
		sheet, err := s.SheetTo(ctx, i, 0)
		if err != nil {
			t.Fatal(err)
		}
		ref, _ := cell.ParseRef(a1)
		return sheet.Value(ref)
	}
	if got := value(s, 0, "A1"); got.Number() != 2 || m.read[1] || m.read[2] || seen().Calculated {
		t.Errorf("a sheet of values is %v, and others were read for it: %v", got, m.read)
	}
	if got := value(s, 1, "A1"); got.Number() != 4 || !seen().Calculated || !m.read[2] {
		t.Errorf("a formula without a value is %v", got)
	}
	if got := s.OpenedSheets(); len(got) != 1 || got[0] != 1 || s.OpenedBytes() == 0 {
		t.Errorf("sheets %v were calculated, in %d bytes", got, s.OpenedBytes())
	}
	a, _ := s.Sheet(ctx, 1)
	b, _ := s.As("fork", 0).Rows(ctx, 1, 0, 0)
	if a != b {
		t.Error("two readers have two sheets")
	}
	if file, err := s.Stored().Sheet(ctx, 1); err != nil || file != m.sheets[1] {
		t.Errorf("the file itself: %v", err)
	}

	// An edit calculates what depends on it, and nothing else changes.
	next, changes := apply(t, s, set(t, "Sheet1", "A1=5"))
	next, did, err := next.Refresh(ctx, Moment{}, Limits{})
	if err != nil || did.Calculated != 1 || value(next, 1, "A1").Number() != 10 || changes.Edited != 1 {
		t.Errorf("%+v, %v: %v", did, value(next, 1, "A1"), err)
	}
	if value(s, 1, "A1").Number() != 4 {
		t.Error("the file has changed")
	}
}

// TestOpenedByRequest: a file that asks to be calculated when it is opened is, whatever
// values it has.
func TestOpenedByRequest(t *testing.T) {
	m := newBook(t, "A1=2 B1=0")
	b := grid.NewBuilder("Sheet1") // as XlsxWriter writes them: with zeros
	b.Value(cell.Ref{}, 0, cell.NumberValue(2))
	b.Value(cell.Ref{Col: 1}, 0, cell.NumberValue(0))
	id, _ := b.AddFormula([]byte("A1*2"), -1)
	b.SetFormula(cell.Ref{Col: 1}, id)
	m.sheets[0] = b.Finish(nil)
	s := NewSnapshot("wb", "rev", m)
	for _, ask := range []bool{false, true} {
		m.book.FullCalcOnLoad = ask
		sheet, err := s.Sheet(t.Context(), 0)
		if want := map[bool]float64{false: 0, true: 4}[ask]; err != nil || sheet.Value(cell.Ref{Col: 1}).Number() != want {
			t.Errorf("asked %t: %v, %v", ask, sheet.Value(cell.Ref{Col: 1}), err)
		}
	}
}

// A file with a sheet without values, of which a fork has its own because of a formula that depends on time, is restructured after somebody
// has read it: the compiled formulas of what was opened are not those of the file after the change.
func TestOpenedAndRestructured(t *testing.T) {
	m := newBook(t, "A1==NOW()*0+1")
	b := grid.NewBuilder("Sheet2")
	for row, text := range []string{"", "A1+1", "A2*2"} {
		ref := cell.Ref{Row: row}
		if err := b.Value(ref, 0, cell.NumberValue([]float64{1, 2, 4}[row])); err != nil {
			t.Fatal(err)
		}
		if text == "" {
			continue
		}
		id, err := b.AddFormula([]byte(text), -1)
		if err != nil {
			t.Fatal(err)
		}
		b.SetFormula(ref, id)
	}
	m.add("Sheet2", b.Finish(nil))
	s := NewSnapshot("wb", "rev", m).OpenedAt(Moment{Now: 45000})
	if got := valuesOf(t, s, 0); got != "1" {
		t.Fatalf("opened, it has %s", got)
	}
	next, _ := apply(t, s, restructure(structure.Change{Kind: structure.InsertRows, Sheet: "Sheet2", At: 1, Count: 2}))
	next = refreshed(t, next)
	if got := valuesOf(t, next, 1); got != "1 2 4" {
		t.Errorf("restructured, it has %s", got)
	}
	next, _ = apply(t, next, set(t, "Sheet2", "A1=5"))
	if got := valuesOf(t, refreshed(t, next), 1); got != "5 6 12" {
		t.Errorf("and edited, it has %s", got)
	}
}

func valuesOf(t *testing.T, s *Snapshot, i int) string {
	t.Helper()
	var list []string
	for c := range sheetAt(t, s, i).Cells(cell.WholeSheet) {
		list = append(list, c.Value.String())
	}
	return strings.Join(list, " ")
}

// A file asks to be calculated, and has the right values already, and the first who reads it is a fork with a moment of its own: what it waits for
// is not itself.
func TestOpenedByForkOfRightValues(t *testing.T) {
	m := newBook(t)
	for i, text := range []string{"NOW()*0+2", "1+1"} {
		b := grid.NewBuilder("")
		if err := b.Value(cell.Ref{}, 0, cell.NumberValue(2)); err != nil {
			t.Fatal(err)
		}
		id, err := b.AddFormula([]byte(text), -1)
		if err != nil {
			t.Fatal(err)
		}
		b.SetFormula(cell.Ref{}, id)
		m.add([]string{"Sheet1", "Sheet2"}[i], b.Finish(nil))
	}
	m.book.FullCalcOnLoad = true
	ctx, stop := context.WithTimeout(t.Context(), time.Minute) // else it might hang
	defer stop()
	s := NewSnapshot("wb", "rev", m).OpenedAt(Moment{Now: 45000})
	for i := range 2 {
		sheet, err := s.Sheet(ctx, i)
		if err != nil || sheet.Value(cell.Ref{}).Number() != 2 {
			t.Fatalf("sheet %d: %v", i, err)
		}
	}
}

// TestOpenedTooLarge: where the formulas of a file without values take more memory than a calculation
// of it may, it is read as it is, the reader is told, and it is not tried again. Nor is it calculated for anybody else.
func TestOpenedTooLarge(t *testing.T) {
	ctx, seen := NoteOpened(context.Background())
	m := newBook(t, "A1==1+1 B1=5")
	s := NewSnapshot("wb", "rev", m).Within(1)
	for range 2 {
		sheet, err := s.Sheet(ctx, 0)
		if err != nil || !sheet.Value(cell.Ref{}).IsBlank() || sheet.Value(cell.Ref{Col: 1}).Number() != 5 {
			t.Fatalf("%v, %v", sheet.Value(cell.Ref{}), err)
		}
		if got := seen(); got != (Opened{TooLarge: true}) {
			t.Errorf("the reader is told %+v", got)
		}
	}
	large := (*calc.ErrTooLarge)(nil)
	for name, err := range map[string]error{
		"Calculate": func() error { _, _, err := s.As("fork", 0).Calculate(ctx, nil, Moment{}); return err }(),
		"Check":     func() error { _, err := s.Check(ctx, Moment{}, 0, func(Difference) {}); return err }(),
	} {
		if !errors.As(err, &large) || large.Most != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := s.CalculateWithin(ctx, nil, Moment{}, Limits{Bytes: 1 << 20}); err != nil {
		t.Errorf("with a bound of its own: %v", err)
	}
}
