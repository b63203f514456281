package fn

import (
	"gridflow/internal/cell"
)

// The functions that give arrays another shape.
var arrayFunctions = concat(sortFunctions, groupFunctions, []Function{
	{Name: "CHOOSECOLS", Category: Lookup, Params: "array array...", Since: 2024, Eval: func(c *Context, a Args) Value { return c.choose(a, false) }},
	{Name: "CHOOSEROWS", Category: Lookup, Params: "array array...", Since: 2024, Eval: func(c *Context, a Args) Value { return c.choose(a, true) }},
	{Name: "DROP", Category: Lookup, Params: "array opt? opt?", Since: 2024, Eval: drop},
	{Name: "EXPAND", Category: Lookup, Params: "array opt? opt? range?", Since: 2024, Eval: expand},
	{Name: "HSTACK", Category: Lookup, Params: "array...", Since: 2024, Errors: true, Eval: func(c *Context, a Args) Value { return c.stack(a, false) }},
	{Name: "TAKE", Category: Lookup, Params: "array opt? opt?", Since: 2024, Eval: take},
	{Name: "TOCOL", Category: Lookup, Params: "array num? bool?", Since: 2024, Errors: true, Eval: func(c *Context, a Args) Value { return c.flatten(a, true) }},
	{Name: "TOROW", Category: Lookup, Params: "array num? bool?", Since: 2024, Errors: true, Eval: func(c *Context, a Args) Value { return c.flatten(a, false) }},
	{Name: "TRANSPOSE", Category: Lookup, Params: "array", Since: 2007, Eval: transpose},
	{Name: "TRIMRANGE", Category: Lookup, Params: "array opt? opt?", Since: 2024, Eval: trimRange},
	{Name: "VSTACK", Category: Lookup, Params: "array...", Since: 2024, Errors: true, Eval: func(c *Context, a Args) Value { return c.stack(a, true) }},
	{Name: "WRAPCOLS", Category: Lookup, Params: "array num range?", Since: 2024, Eval: func(c *Context, a Args) Value { return c.wrap(a, false) }},
	{Name: "WRAPROWS", Category: Lookup, Params: "array num range?", Since: 2024, Eval: func(c *Context, a Args) Value { return c.wrap(a, true) }},
})

// matrix is Matrix for the functions that pass a single error on.
func (c *Context) matrix(v Value) (*Array, cell.ErrorCode) {
	if e := v.Err(); e != 0 {
		return nil, e
	}
	return c.Matrix(v)
}

// transposed gives an array with its rows as columns.
func (c *Context) transposed(a *Array) *Array {
	out := NewArray(a.Cols, a.Rows)
	copying := pace{c: c}
	for i := range a.Rows {
		if copying.stop(a.Cols) {
			break
		}
		for j := range a.Cols {
			out.Cells[j*a.Rows+i] = a.Cells[i*a.Cols+j]
		}
	}
	return out
}

func transpose(c *Context, a Args) Value {
	m, e := c.matrix(a[0])
	if e != 0 {
		return Err(e)
	}
	if !c.Room(m.Cols, m.Rows) {
		return c.Fail(cell.ErrNum, "there are more rows than a sheet has columns")
	}
	return Of(c.transposed(m))
}

// choose gives the rows or columns whose numbers are given, negative ones counted from
// the end.
func (c *Context) choose(a Args, byRow bool) Value {
	m, e := c.longMatrix(a[0])
	if e != 0 {
		return Err(e)
	}
	have, held := m.Width(), m.Cols
	if byRow {
		have, held = m.Height(), m.Rows
	}
	var picks []int
	for _, v := range a[1:] {
		list, e := c.matrix(v)
		if e != 0 {
			return Err(e)
		}
		if list.Rows > 1 && list.Cols > 1 {
			return c.Fail(cell.ErrValue, "the numbers are neither in one row nor in one column")
		}
		for i, x := range list.Cells {
			if c.StopAt(i) {
				break
			}
			f, e := c.ToNumber(x)
			if e != 0 {
				return Err(e)
			}
			n := count(f)
			if n < 0 {
				n += have + 1
			}
			if n < 1 || n > have {
				return c.Fail(cell.ErrValue, "there is no row or column of this number")
			}
			picks = append(picks, min(n, held)-1)
		}
	}
	copying := pace{c: c}
	if byRow {
		if !c.Room(len(picks), m.Cols) {
			return c.Fail(cell.ErrNum, "the array would be too large")
		}
		out := NewArray(len(picks), m.Cols)
		for i, n := range picks {
			if copying.stop(m.Cols) {
				break
			}
			copy(out.Cells[i*m.Cols:(i+1)*m.Cols], m.Cells[n*m.Cols:])
		}
		out.Right = m.Right
		return Of(out)
	}
	if !c.Room(m.Rows, len(picks)) {
		return c.Fail(cell.ErrNum, "the array would be too large")
	}
	out := NewArray(m.Rows, len(picks))
	for i := range m.Rows {
		if copying.stop(len(picks)) {
			break
		}
		for j, n := range picks {
			out.Set(i, j, m.At(i, n))
		}
	}
	out.Below = m.Below
	return Of(out)
}

func take(c *Context, a Args) Value {
	return c.takeOrDrop(a, func(n, have int) (from, size int) {
		if n < 0 {
			return max(0, have+n), min(-n, have)
		}
		return 0, min(n, have)
	})
}

func drop(c *Context, a Args) Value {
	return c.takeOrDrop(a, func(n, have int) (from, size int) {
		if n < 0 {
			return 0, have + n
		}
		return n, have - n
	})
}

// takeOrDrop gives the part of an array that span leaves in each direction; of a range
// it is a reference.
func (c *Context) takeOrDrop(a Args, span func(n, have int) (from, size int)) Value {
	if e := a[0].Err(); e != 0 {
		return Err(e)
	}
	if r := a[0].Ref(); r != nil && len(r.Areas) > 1 {
		return c.Fail(cell.ErrValue, "several areas stand where one is expected")
	}
	var from, size [2]int
	size[0], size[1] = Size(a[0])
	for i := range size {
		if a.Given(i + 1) {
			from[i], size[i] = span(count(a[i+1].Number()), size[i])
		}
	}
	if size[0] <= 0 || size[1] <= 0 {
		return c.Fail(cell.ErrCalc, "nothing is left of the array")
	}
	return c.cut(a[0], from[0], from[1], size[0], size[1])
}

// padding gives the value that fills what an array has too little: argument i or #N/A.
func (c *Context) padding(a Args, i int) cell.Value {
	if a.Given(i) {
		return c.Single(a[i])
	}
	return cell.ErrorValue(cell.ErrNA)
}

func expand(c *Context, a Args) Value {
	m, e := c.matrix(a[0])
	if e != 0 {
		return Err(e)
	}
	rows, cols := a.option(1, m.Rows), a.option(2, m.Cols)
	if rows < m.Rows || cols < m.Cols {
		return c.Fail(cell.ErrValue, "the array has more rows or columns already")
	}
	if !c.Room(rows, cols) {
		return c.Fail(cell.ErrNum, "the array would be too large")
	}
	pad := c.padding(a, 3)
	out := NewArray(rows, cols)
	copying := pace{c: c}
	for i := range rows {
		if copying.stop(cols) {
			break
		}
		for j := range cols {
			if i < m.Rows && j < m.Cols {
				out.Set(i, j, m.At(i, j))
			} else {
				out.Set(i, j, pad)
			}
		}
	}
	return Of(out)
}

// stack puts arrays side by side or one under the other; the smaller ones end in #N/A. Whole columns side by side
// stay whole; one under the other they would have more rows than a sheet, and only what is used of them is taken.
func (c *Context) stack(a Args, down bool) Value {
	rows, cols, height := 0, 0, 0
	all := make([]*Array, len(a))
	for i, v := range a {
		m, e := (*Array)(nil), cell.ErrorCode(0)
		if r := v.Ref(); r != nil && len(r.Areas) == 1 && !down && r.Areas[0].Range.WholeColumns() && !r.Areas[0].Range.WholeRows() {
			m, e = c.long(r.Areas[0])
		} else {
			m, e = c.Matrix(v) // an error is one of the values
		}
		if e != 0 {
			return Err(e)
		}
		if all[i] = m; down {
			rows, cols = rows+m.Rows, max(cols, m.Cols)
		} else {
			rows, cols, height = max(rows, m.Rows), cols+m.Cols, max(height, m.Height())
		}
	}
	for _, m := range all {
		if height > rows && m.Below == 0 {
			rows = max(rows, m.Rows+1) // from there on it is #N/A
		}
	}
	if !c.Room(rows, cols) {
		return c.Fail(cell.ErrNum, "the array would be too large")
	}
	out := NewArray(rows, cols)
	out.Below = max(height-rows, 0)
	for i := range out.Cells {
		if c.StopAt(i) {
			break
		}
		out.Cells[i] = cell.ErrorValue(cell.ErrNA)
	}
	row, col := 0, 0
	copying := pace{c: c}
	for _, m := range all {
		for i := range m.Rows {
			if copying.stop(m.Cols) {
				break
			}
			copy(out.Cells[(row+i)*cols+col:], m.Cells[i*m.Cols:(i+1)*m.Cols])
		}
		for i := m.Rows; m.Below > 0 && i < rows; i++ {
			if copying.stop(m.Cols) {
				break
			}
			copy(out.Cells[i*cols+col:], m.Cells[(m.Rows-1)*m.Cols:])
		}
		if down {
			row += m.Rows
		} else {
			col += m.Cols
		}
	}
	return Of(out)
}

// flatten gives the elements in one row or column, without the blanks (1), the errors (2)
// or both (3).
func (c *Context) flatten(a Args, down bool) Value {
	ignore := count(a.Num(1, 0))
	if ignore < 0 || ignore > 3 {
		return c.Fail(cell.ErrValue, "what is to be ignored is not 0, 1, 2 or 3")
	}
	below := 0
	m, e := c.Matrix(a[0])
	if r := a[0].Ref(); r != nil && down && ignore&1 == 0 && len(r.Areas) == 1 && r.Areas[0].Range.Cols() == 1 {
		if m, e = c.long(r.Areas[0]); e == 0 { // what is empty below stays
			below = m.Below
		}
	}
	if e != 0 {
		return Err(e)
	}
	if a.Truth(2, false) {
		m = c.transposed(m)
	}
	cells := m.Cells
	if ignore > 0 {
		cells = nil
		for i, v := range m.Cells {
			if c.StopAt(i) {
				break
			}
			if v.IsBlank() && ignore&1 != 0 || v.Kind() == cell.Error && ignore&2 != 0 {
				continue
			}
			cells = append(cells, v)
		}
		if len(cells) == 0 {
			return c.Fail(cell.ErrCalc, "nothing is left of the array")
		}
	}
	rows, cols := len(cells), 1
	if !down {
		rows, cols = cols, rows
	}
	if !c.Room(rows, cols) {
		return c.Fail(cell.ErrNum, "the array would be too long")
	}
	return Of(&Array{Rows: rows, Cols: cols, Cells: cells, Below: below})
}

// wrap breaks a row or a column into rows or columns of a given length.
func (c *Context) wrap(a Args, byRow bool) Value {
	m, e := c.matrix(a[0])
	if e != 0 {
		return Err(e)
	}
	if m.Rows > 1 && m.Cols > 1 {
		return c.Fail(cell.ErrValue, "what is wrapped is neither one row nor one column")
	}
	size := count(a[1].Number())
	if size < 1 {
		return c.Fail(cell.ErrNum, "the length is less than 1")
	}
	size = min(size, len(m.Cells))
	lines := (len(m.Cells) + size - 1) / size
	rows, cols := lines, size
	if !byRow {
		rows, cols = cols, rows
	}
	if !c.Room(rows, cols) {
		return c.Fail(cell.ErrNum, "the array would be too large")
	}
	pad := c.padding(a, 2)
	out := NewArray(rows, cols)
	for k := range lines * size {
		if c.StopAt(k) {
			break
		}
		v := pad
		if k < len(m.Cells) {
			v = m.Cells[k]
		}
		if byRow {
			out.Set(k/size, k%size, v)
		} else {
			out.Set(k%size, k/size, v)
		}
	}
	return Of(out)
}

// trimRange leaves empty rows and columns at the edges away: those before (1), behind (2)
// or both (3, which is the default). Of a range it gives a reference.
func trimRange(c *Context, a Args) Value {
	var trims [2]int
	for i := range trims {
		if trims[i] = a.option(i+1, 3); trims[i] < 0 || trims[i] > 3 {
			return c.Fail(cell.ErrValue, "what is to be trimmed is not 0, 1, 2 or 3")
		}
	}
	if e := a[0].Err(); e != 0 {
		return Err(e)
	}
	rows, cols := Size(a[0])
	top, left, bottom, right := rows, cols, -1, -1
	see := func(i, j int) {
		top, left, bottom, right = min(top, i), min(left, j), max(bottom, i), max(right, j)
	}
	switch r := a[0].Ref(); {
	case r != nil && len(r.Areas) > 1:
		return c.Fail(cell.ErrValue, "several areas stand where one is expected")
	case r != nil:
		first := r.Areas[0].Range.First
		c.Book.Runs(r.Areas[0], func(r *Run) bool {
			for i, k := range r.Kinds {
				if k != cell.Blank {
					see(r.Row+i-first.Row, r.Col-first.Col)
				}
			}
			return !c.Stop()
		})
	case a[0].Array() != nil:
		for k, v := range a[0].Array().Cells {
			if c.StopAt(k) {
				break
			}
			if !v.IsBlank() {
				see(k/cols, k%cols)
			}
		}
	default:
		return a[0].orBlank()
	}
	if bottom < 0 {
		return c.Fail(cell.ErrRef, "all of the range is empty")
	}
	if trims[0]&1 == 0 {
		top = 0
	}
	if trims[0]&2 == 0 {
		bottom = rows - 1
	}
	if trims[1]&1 == 0 {
		left = 0
	}
	if trims[1]&2 == 0 {
		right = cols - 1
	}
	return c.cut(a[0], top, left, bottom-top+1, right-left+1)
}
