package book

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

// memSource is a workbook in memory. It notes which sheets were asked for.
type memSource struct {
	book   *grid.Workbook
	sheets []*grid.Sheet
	tables []grid.Table
	read   map[int]bool
}

func (m *memSource) Workbook() *grid.Workbook { return m.book }

func (m *memSource) Sheet(ctx context.Context, i, _ int) (*grid.Sheet, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.read[i] = true
	return m.sheets[i], nil
}

func (m *memSource) Rows(ctx context.Context, i, _, last int) (*grid.Sheet, error) {
	return m.Sheet(ctx, i, last)
}

func (m *memSource) Tables(context.Context) ([]grid.Table, error) { return m.tables, nil }

// newBook makes a workbook of sheets, each a text of cells: "A1=5 B1==A1*2 C3='text".
func newBook(tb testing.TB, sheets ...string) *memSource {
	tb.Helper()
	general := grid.Xf{NumFmt: "General", NamedStyle: -1}
	m := &memSource{book: &grid.Workbook{Styles: &grid.Styles{Xfs: []grid.Xf{general}, Formats: []*numfmt.Format{numfmt.Compile("General")}}}, read: map[int]bool{}}
	for i, text := range sheets {
		name := fmt.Sprintf("Sheet%d", i+1)
		m.add(name, sheetOf(tb, name, text))
	}
	return m
}

func (m *memSource) add(name string, sheet *grid.Sheet) {
	m.book.Sheets = append(m.book.Sheets, grid.SheetInfo{Name: name})
	m.sheets = append(m.sheets, sheet)
}

func sheetOf(tb testing.TB, name, text string) *grid.Sheet {
	tb.Helper()
	b := grid.NewBuilder(name)
	b.AnyOrder()
	for _, c := range edits(tb, text) {
		if err := b.Value(c.Ref, 0, c.Value); err != nil {
			tb.Fatal(err)
		}
		if c.HasFormula {
			id, err := b.AddFormula([]byte(c.Formula), -1)
			if err != nil {
				tb.Fatal(err)
			}
			b.SetFormula(c.Ref, id)
		}
	}
	return b.Finish(nil)
}

// edits reads cell edits: "A1=5 B1==A1*2 C3='text D4= A2!0.00", where a clear has nothing and
// a format follows an exclamation mark.
func edits(tb testing.TB, text string) (list []CellEdit) {
	tb.Helper()
	for _, word := range strings.Fields(text) {
		name, what, _ := strings.Cut(word, "=")
		name, format, keep := strings.Cut(name, "!")
		ref, ok := cell.ParseRef(name)
		if !ok {
			tb.Fatalf("%q names no cell", word)
		}
		c := CellEdit{Ref: ref, NumFmt: format, Keep: keep}
		var f float64
		switch {
		case keep:
		case what == "":
			c.Clear = true
		case what[0] == '=':
			c.Formula, c.HasFormula = what[1:], true
		case what[0] == '\'':
			c.Value = cell.TextValue(what[1:])
		default:
			if _, err := fmt.Sscan(what, &f); err != nil {
				tb.Fatalf("%q: %v", word, err)
			}
			c.Value = cell.NumberValue(f)
		}
		list = append(list, c)
	}
	return list
}

func set(tb testing.TB, sheet, text string) Edit {
	return Edit{Ops: []Op{SetCells{Sheet: sheet, Cells: edits(tb, text)}}}
}

func apply(tb testing.TB, s *Snapshot, e Edit) (*Snapshot, *Changeset) {
	tb.Helper()
	n, changes, err := s.Apply(tb.Context(), e)
	if err != nil {
		tb.Fatal(err)
	}
	return n, changes
}

// show writes a sheet as newBook reads it, with the format of those that have one.
func show(tb testing.TB, s *Snapshot, i int) string {
	tb.Helper()
	sheet, err := s.Sheet(tb.Context(), i)
	if err != nil {
		tb.Fatal(err)
	}
	var b strings.Builder
	for c := range sheet.Cells(cell.WholeSheet) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(c.Ref.String())
		if f := numFmt(s.Workbook().Styles, c.Style); f != "General" {
			b.WriteString("!" + f)
		}
		b.WriteByte('=')
		if c.HasFormula() {
			b.WriteString("=" + FormulaText(sheet, c))
		} else if c.Value.Kind() == cell.Text {
			b.WriteString("'" + c.Value.Text())
		} else {
			b.WriteString(c.Value.String())
		}
	}
	return b.String()
}

// storedSnapshot is a snapshot of a file whose formulas have the values that the test gives
// them, none where it gives none.
func storedSnapshot(id, revision string, src Source) *Snapshot {
	return NewSnapshot(id, revision, src).Stored()
}
