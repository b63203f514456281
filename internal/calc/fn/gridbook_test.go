package fn

import (
	"math/rand/v2"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
)

// gridBook is a workbook of one sheet for tests of single functions.
type gridBook map[cell.Ref]cell.Value

func (b gridBook) Value(sheet int, at cell.Ref) cell.Value { return b[at] }

func (b gridBook) Runs(a Area, f func(*Run) bool) {
	used, ok := b.Used(a.Sheet)
	if !ok {
		return
	}
	r, ok := used.Intersect(a.Range)
	if !ok {
		return
	}
	for col := r.First.Col; col <= r.Last.Col; col++ {
		// runs end where a band of 512 rows does, and here at every seventh row as well,
		// so that tests of a few rows see more than one
		for row := r.First.Row; row <= r.Last.Row; row += 7 {
			run := &Run{Row: row, Col: col}
			for i := row; i <= min(row+6, r.Last.Row); i++ {
				v := b[cell.Ref{Row: i, Col: col}]
				run.Kinds = append(run.Kinds, v.Kind())
				run.Nums = append(run.Nums, v.Payload())
				run.Texts = append(run.Texts, v.Text())
			}
			if !f(run) {
				return
			}
		}
	}
}

func (b gridBook) Used(sheet int) (r cell.Range, ok bool) {
	for at := range b {
		if one := (cell.Range{First: at, Last: at}); !ok {
			r, ok = one, true
		} else {
			r = r.Union(one)
		}
	}
	return r, ok
}

func (b gridBook) Sheets() int                                           { return 1 }
func (b gridBook) SheetName(int) string                                  { return "Sheet1" }
func (b gridBook) SheetIndex(name string) (int, bool)                    { return 0, name == "Sheet1" }
func (b gridBook) Formula(int, cell.Ref) (string, bool)                  { return "", false }
func (b gridBook) Format(int, cell.Ref) *numfmt.Format                   { return nil }
func (b gridBook) RowHidden(sheet, row int) (bool, bool)                 { return false, false }
func (b gridBook) Subtotal(int, cell.Ref) bool                           { return false }
func (b gridBook) FileName() string                                      { return "" }
func (b gridBook) Resolve(*Context, string, bool) (*Ref, cell.ErrorCode) { return nil, cell.ErrRef }

// context makes a Context on a workbook, with arrays on.
func (b gridBook) context() *Context {
	return &Context{Book: b, At: cell.Ref{Row: 99, Col: 25}, Now: 45000.5, Arrays: true, Rand: rand.New(rand.NewPCG(1, 2))}
}

// column makes a workbook with values from A1 down.
func column(values ...cell.Value) gridBook {
	b := gridBook{}
	for i, v := range values {
		if !v.IsBlank() {
			b[cell.Ref{Row: i}] = v
		}
	}
	return b
}

// rng is a reference to the cells of Sheet1 that A1 text names.
func rng(t testing.TB, a1 string) Value {
	t.Helper()
	r, ok := cell.ParseRange(a1)
	if !ok {
		t.Fatalf("%q is no range", a1)
	}
	return To(Cells(Area{Range: r}))
}
