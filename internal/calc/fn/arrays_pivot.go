package fn

import (
	"gridflow/internal/cell"
)

// What the whole is of which PERCENTOF gives the part in a PIVOTBY.
const (
	relativeToColumn = iota
	relativeToRow
	relativeToAll
	relativeToColumnParent
	relativeToRowParent
)

func pivotBy(c *Context, a Args) Value {
	rowFields, e := c.matrix(a[0])
	if e != 0 {
		return Err(e)
	}
	colFields, e := c.matrix(a[1])
	if e != 0 {
		return Err(e)
	}
	g, ok := c.newGrouping(a[2], a[3], a.orOmitted(4), a.orOmitted(9), rowFields, colFields)
	if !ok {
		return g.failed()
	}
	relative := a.option(10, relativeToColumn)
	if relative < relativeToColumn || relative > relativeToRowParent {
		return c.Fail(cell.ErrValue, "what the values are relative to is not 0 to 4")
	}
	down := g.axis(rowFields, a.orOmitted(5), a.orOmitted(6), false)
	over := g.axis(colFields, a.orOmitted(7), a.orOmitted(8), false)
	if g.bad != 0 {
		return g.failed()
	}
	left, top := rowFields.Cols, colFields.Cols
	valueRow := g.values.Cols > 1 || g.show // a line says which value stands below
	if valueRow {
		top++
	}
	rows, cols := top+len(down), left+len(over)*g.values.Cols
	if !c.Room(rows, cols) {
		return c.Fail(cell.ErrNum, "the array would be too large")
	}
	out := NewArray(rows, cols)
	for i := range top * cols {
		out.Cells[i] = cell.TextValue("")
	}
	if g.show {
		copy(out.Cells[(top-1)*cols:], g.names(rowFields, "Row Field"))
	}
	names := g.names(g.values, "Value")
	for j, col := range over {
		for v := range g.values.Cols {
			at := left + j*g.values.Cols + v
			for level, label := range col.labels {
				out.Set(level, at, label)
			}
			if valueRow {
				out.Set(top-1, at, names[v])
			}
		}
	}
	in := make([]bool, g.values.Rows)
	for i, row := range down {
		copy(out.Cells[(top+i)*cols:], row.labels)
		for _, r := range row.rows {
			in[r] = true
		}
		for j, col := range over {
			if c.Stop() {
				return Of(out)
			}
			var both []int
			for _, r := range col.rows {
				if in[r] {
					both = append(both, r)
				}
			}
			whole := g.rows
			switch relative {
			case relativeToColumn, relativeToColumnParent:
				whole = col.rows
			case relativeToRow, relativeToRowParent:
				whole = row.rows
			}
			for v := range g.values.Cols {
				out.Set(top+i, left+j*g.values.Cols+v, g.of(v, both, whole))
			}
		}
		for _, r := range row.rows {
			in[r] = false
		}
	}
	return Of(out)
}
