package fn

import (
	"cmp"
	"strings"

	"gridflow/internal/cell"
)

// The functions that order the rows of an array, or choose among them.
var sortFunctions = []Function{
	{Name: "FILTER", Category: Lookup, Params: "array array array?", Since: 2021, Eval: filter},
	{Name: "SORT", Category: Lookup, Params: "array array? array? bool?", Since: 2021, Eval: sortRows},
	{Name: "SORTBY", Category: Lookup, Params: "array array array*", Since: 2021, Eval: sortBy},
	{Name: "UNIQUE", Category: Lookup, Params: "array bool? bool?", Since: 2021, Eval: unique},
}

// compareSorted orders values as a sort does: numbers, texts, logical values, errors by
// their number. Blanks are not compared but stand last whatever the order.
func compareSorted(a, b cell.Value) int {
	if d := cmp.Compare(rank(a.Kind()), rank(b.Kind())); d != 0 {
		return d
	}
	switch a.Kind() {
	case cell.Number, cell.Bool:
		return cmp.Compare(a.Number(), b.Number())
	case cell.Text:
		return CompareText(a.Text(), b.Text())
	}
	return cmp.Compare(a.Err(), b.Err())
}

// sortKey is one column by which rows are ordered.
type sortKey struct {
	at   func(row int) cell.Value
	sign int // -1 for descending
}

// order gives the numbers of n rows in the order of the keys; what is equal stays in place.
func (c *Context) order(n int, keys []sortKey) []int {
	rows := make([]int, n)
	for i := range rows {
		if c.StopAt(i) {
			return rows
		}
		rows[i] = i
	}
	if len(keys) == 1 {
		if nums := keys[0].numbers(c, n); nums != nil {
			sortFunc(c, rows, func(x, y int) int {
				if a, b := nums[x], nums[y]; a < b {
					return -1
				} else if a > b {
					return 1
				}
				return x - y
			})
			return rows
		}
	}
	columns := make([][]cell.Value, len(keys))
	for k := range keys {
		columns[k] = make([]cell.Value, n)
		for i := range columns[k] {
			if c.StopAt(i) {
				return rows
			}
			columns[k][i] = keys[k].at(i)
		}
	}
	sortFunc(c, rows, func(x, y int) int {
		for k, values := range columns {
			a, b := &values[x], &values[y]
			if a.IsBlank() || b.IsBlank() {
				if a.IsBlank() != b.IsBlank() {
					if a.IsBlank() {
						return 1
					}
					return -1
				}
				continue
			}
			if d := compareSorted(*a, *b); d != 0 {
				return d * keys[k].sign
			}
		}
		return x - y
	})
	return rows
}

// numbers gives the values by which the rows ascend if all of them are numbers, else nil.
func (k *sortKey) numbers(c *Context, n int) []float64 {
	nums := make([]float64, n)
	for i := range nums {
		if c.StopAt(i) {
			return nil
		}
		v := k.at(i)
		if v.Kind() != cell.Number {
			return nil
		}
		nums[i] = v.Number() * float64(k.sign)
	}
	return nums
}

// pick gives the array of some rows of m.
func (c *Context) pick(m *Array, rows []int) *Array {
	out := NewArray(len(rows), m.Cols)
	copying := pace{c: c}
	for i, r := range rows {
		if copying.stop(m.Cols) {
			break
		}
		copy(out.Cells[i*m.Cols:(i+1)*m.Cols], m.Cells[r*m.Cols:])
	}
	return out
}

// across carries f out on the rows of m or, if it is asked for, on its columns.
func (c *Context) across(m *Array, columns bool, f func(*Array) Value) Value {
	if !columns {
		return f(m)
	}
	v := f(c.transposed(m))
	if a := v.Array(); a != nil {
		return Of(c.transposed(a))
	}
	return v
}

func sortRows(c *Context, a Args) Value {
	m, e := c.longMatrix(a[0]) // what is empty below stands last, whatever the order
	if e != 0 {
		return Err(e)
	}
	return c.stretched(m, a.Truth(3, false), func(m *Array) Value {
		indexes, e1 := c.numbersIn(a, 1, 1)
		orders, e2 := c.numbersIn(a, 2, 1)
		if e1 != 0 || e2 != 0 || len(orders) > len(indexes) {
			return c.Fail(cell.ErrValue, "the columns to sort by or their orders are not numbers")
		}
		var keys []sortKey
		for i, f := range indexes {
			col, sign := count(f)-1, count(orders[min(i, len(orders)-1)])
			if col < 0 || col >= m.Width() || sign != 1 && sign != -1 {
				return c.Fail(cell.ErrValue, "there is no such column to sort by, or its order is neither 1 nor -1")
			}
			keys = append(keys, sortKey{func(row int) cell.Value { return m.At(row, min(col, m.Cols-1)) }, sign})
		}
		return Of(c.pick(m, c.order(m.Rows, keys)))
	})
}

// stretched is across for an f that leaves the last row where it is, and so all below that are like it.
func (c *Context) stretched(m *Array, columns bool, f func(*Array) Value) Value {
	v := c.across(m, columns, f)
	if out := v.Array(); out != nil {
		out.Below, out.Right = m.Below, m.Right
	}
	return v
}

// numbersIn gives the numbers of argument i, or def where it was not given.
func (c *Context) numbersIn(a Args, i int, def float64) ([]float64, cell.ErrorCode) {
	if !a.Given(i) {
		return []float64{def}, 0
	}
	m, e := c.matrix(a[i])
	if e != 0 {
		return nil, e
	}
	var out []float64
	for _, v := range m.Cells {
		f, e := c.ToNumber(v)
		if e != 0 {
			return nil, e
		}
		out = append(out, f)
	}
	return out, 0
}

func sortBy(c *Context, a Args) Value {
	m, e := c.longMatrix(a[0])
	if e != 0 {
		return Err(e)
	}
	// Whole columns stay long where all are: what is empty below stands last. Those of different sheets, of which more
	// or less is used, are made whole.
	all := make([]*Array, len(a))
	alike := true
	for i := 1; i < len(a); i += 2 {
		if all[i], e = c.longMatrix(a[i]); e != 0 {
			return Err(e)
		}
		alike = alike && (all[i].Height() != m.Height() || all[i].Rows == m.Rows) && (all[i].Width() != m.Width() || all[i].Cols == m.Cols)
	}
	if !alike {
		if m, e = c.whole(m); e != 0 {
			return Err(e)
		}
	}
	var keys []sortKey
	columns := false
	for i := 1; i < len(a); i += 2 {
		by := all[i]
		if !alike {
			if by, e = c.whole(by); e != 0 {
				return Err(e)
			}
		}
		sign := 1
		if a.Given(i + 1) {
			f, e := c.ToNumber(c.Single(a[i+1]))
			if sign = count(f); e != 0 || sign != 1 && sign != -1 {
				return c.Fail(cell.ErrValue, "the order is neither 1 nor -1")
			}
		}
		switch {
		case by.Width() == 1 && by.Height() == m.Height() && (i == 1 || !columns):
		case by.Height() == 1 && by.Width() == m.Width() && (i == 1 || columns):
			columns = true
		default:
			return c.Fail(cell.ErrValue, "what is sorted by is not one row or column as long as the array")
		}
		keys = append(keys, sortKey{func(row int) cell.Value { return by.Cells[row] }, sign})
	}
	return c.stretched(m, columns, func(m *Array) Value { return Of(c.pick(m, c.order(m.Rows, keys))) })
}

func filter(c *Context, a Args) Value {
	m, e := c.longMatrix(a[0])
	if e != 0 {
		return Err(e)
	}
	include, e := c.longMatrix(a[1])
	if e != 0 {
		return Err(e)
	}
	columns := false
	switch {
	case include.Width() == 1 && include.Height() == m.Height():
	case include.Height() == 1 && include.Width() == m.Width():
		columns = true
	default:
		return c.Fail(cell.ErrValue, "what is filtered by is not one row or column as long as the array")
	}
	// Beyond n all rows are like the one before.
	n, more := joined([]*Array{m, include}, func(a *Array) (int, int) { return a.Rows, a.Below })
	held := m.Rows
	if columns {
		n, more = joined([]*Array{m, include}, func(a *Array) (int, int) { return a.Cols, a.Right })
		held = m.Cols
	}
	var rows []int
	for i := 0; i < n; i++ {
		if c.StopAt(i) {
			break
		}
		keep, e := ToBool(include.Cells[min(i, len(include.Cells)-1)])
		if e != 0 {
			return c.Fail(e, "what is filtered by has something else than logical values")
		}
		if keep {
			rows = append(rows, min(i, held-1))
			if i == n-1 {
				n, more = n+more, 0
			}
		}
	}
	if !c.Room(max(len(rows), 1), max(m.Rows*m.Cols/held, 1)) {
		return c.Fail(cell.ErrNum, "the array is too large")
	}
	if len(rows) == 0 {
		if a.Given(2) {
			return a[2]
		}
		return c.Fail(cell.ErrCalc, "nothing passes the filter")
	}
	v := c.across(m, columns, func(m *Array) Value { return Of(c.pick(m, rows)) })
	if out := v.Array(); columns {
		out.Below = m.Below
	} else {
		out.Right = m.Right
	}
	return v
}

// longMatrix is matrix, but of whole columns and rows it gives the long array.
func (c *Context) longMatrix(v Value) (*Array, cell.ErrorCode) {
	if r := v.Ref(); r != nil && len(r.Areas) == 1 {
		return c.long(r.Areas[0])
	}
	return c.matrix(v)
}

// unique gives the rows that differ, or only those that are there once.
func unique(c *Context, a Args) Value {
	read := c.matrix
	if !a.Truth(1, false) && !a.Truth(2, false) {
		read = c.longMatrix // what is empty below counts once
	}
	m, e := read(a[0])
	if e != 0 {
		return Err(e)
	}
	return c.across(m, a.Truth(1, false), func(m *Array) Value {
		var rows, times []int
		add := func(i, seen int, again bool) (place int) {
			if again {
				times[seen]++
				return seen
			}
			rows, times = append(rows, i), append(times, 1)
			return len(rows) - 1
		}
		if m.Cols == 1 {
			first := map[cell.Value]int{} // by value, its place in rows
			for i, v := range m.Cells {
				if c.StopAt(i) {
					break
				}
				if v.Kind() == cell.Text {
					v = cell.TextValue(FoldText(v.Text()))
				}
				seen, again := first[v]
				if p := add(i, seen, again); !again {
					first[v] = p
				}
			}
		} else {
			first := map[string]int{}
			for i := range m.Rows {
				if c.StopAt(i) {
					break
				}
				k := rowKey(m.Cells[i*m.Cols : (i+1)*m.Cols])
				seen, again := first[k]
				if p := add(i, seen, again); !again {
					first[k] = p
				}
			}
		}
		if a.Truth(2, false) {
			once := rows[:0]
			for p, i := range rows {
				if times[p] == 1 {
					once = append(once, i)
				}
			}
			if rows = once; len(rows) == 0 {
				return c.Fail(cell.ErrCalc, "nothing stands there once only")
			}
		}
		return Of(c.pick(m, rows))
	})
}

// rowKey gives a text that rows have in common exactly where their values are equal, texts
// without regard to case.
func rowKey(row []cell.Value) string {
	var b strings.Builder
	for _, v := range row {
		b.WriteByte(byte('0' + v.Kind()))
		s := v.String()
		if v.Kind() == cell.Text {
			s = FoldText(s)
		}
		b.Write(cell.AppendNumber(nil, float64(len(s))))
		b.WriteByte(':')
		b.WriteString(s)
	}
	return b.String()
}
