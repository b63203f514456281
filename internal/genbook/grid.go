package genbook

import (
	"fmt"
	"slices"
	"time"

	"gridflow/internal/cell"
)

// Grid is a small sheet's cells, set in any order by their A1 address and
// written in the order that a file wants. It suits models and tests; large
// sheets are written with a Writer.
type Grid struct {
	cells map[cell.Ref]gridCell
	rows  map[int]RowOptions
	err   error
}

type gridCell struct {
	style   StyleID
	value   any
	formula string
}

// Set puts v into a cell: nil (a styled blank), string, int, float64, bool,
// time.Time (written as its date serial), cell.ErrorCode or cell.Value. A
// later Set of the same cell wins. A bad address or type is an error of the
// sheet's Rows function.
func (g *Grid) Set(a1 string, style StyleID, v any) { g.put(a1, gridCell{style: style, value: v}) }

// Formula puts a formula, without its equals sign, and its cached value into a
// cell.
func (g *Grid) Formula(a1 string, style StyleID, formula string, cached any) {
	g.put(a1, gridCell{style, cached, formula})
}

// Row gives a row, counted from 1 as in A1, its settings.
func (g *Grid) Row(row int, o RowOptions) {
	if g.rows == nil {
		g.rows = map[int]RowOptions{}
	}
	g.rows[row-1] = o
}

func (g *Grid) put(a1 string, c gridCell) {
	ref, ok := cell.ParseRef(a1)
	if !ok && g.err == nil {
		g.err = fmt.Errorf("%q is no cell address", a1)
	}
	if g.cells == nil {
		g.cells = map[cell.Ref]gridCell{}
	}
	g.cells[ref] = c
}

// Fill makes s a sheet with the cells that g has now: it sets the dimension and
// the Rows function.
func (g *Grid) Fill(s *Sheet) *Sheet {
	refs := make([]cell.Ref, 0, len(g.cells))
	for ref := range g.cells {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, cell.Ref.Compare)
	for i, ref := range refs {
		at := cell.Range{First: ref, Last: ref}
		if i == 0 {
			s.Dimension = at
		}
		s.Dimension = s.Dimension.Union(at)
	}
	rows := []int{}
	for row := range g.rows {
		rows = append(rows, row)
	}
	for _, ref := range refs {
		rows = append(rows, ref.Row)
	}
	slices.Sort(rows)
	rows = slices.Compact(rows)
	s.Rows = func(w *Writer) error {
		next := 0
		for _, row := range rows {
			w.RowWith(row, g.rows[row])
			for ; next < len(refs) && refs[next].Row == row; next++ {
				if err := g.write(w, refs[next]); err != nil {
					return err
				}
			}
		}
		return g.err
	}
	return s
}

func (g *Grid) write(w *Writer, ref cell.Ref) error {
	c := g.cells[ref]
	var v cell.Value
	switch x := c.value.(type) {
	case nil:
	case string:
		v = cell.TextValue(x)
	case int:
		v = cell.NumberValue(float64(x))
	case float64:
		v = cell.NumberValue(x)
	case bool:
		v = cell.BoolValue(x)
	case time.Time:
		v = cell.NumberValue(w.book.Serial(x))
	case cell.ErrorCode:
		v = cell.ErrorValue(x)
	case cell.Value:
		v = x
	default:
		return fmt.Errorf("%v: cannot write a %T", ref, x)
	}
	if c.formula != "" {
		w.Formula(ref.Col, c.style, c.formula, v)
	} else {
		w.Value(ref.Col, c.style, v)
	}
	return nil
}
