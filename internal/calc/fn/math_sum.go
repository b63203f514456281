package fn

import (
	"math"

	"gridflow/internal/cell"
)

var sumFunctions = []Function{
	{Name: "SUMIF", Category: Math, Params: "ref raw ref?", Since: 2007, EachRef: true, Eval: func(c *Context, a Args) Value {
		total := 0.0
		if e := c.Where(a, func(x float64) { total += x }); e != 0 {
			return Err(e)
		}
		return Num(total)
	}},
	{Name: "SUMIFS", Category: Math, Params: "ref (ref raw)...", Since: 2007, EachRef: true, Eval: func(c *Context, a Args) Value {
		total := 0.0
		if e := c.WhereAll(a, func(x float64) { total += x }); e != 0 {
			return Err(e)
		}
		return Num(total)
	}},
	{Name: "SUMPRODUCT", Category: Math, Params: "array...", Since: 2007, Eval: sumProduct},
	{Name: "SUMX2MY2", Category: Math, Params: "array array", Since: 2007, Eval: sumPairs(func(x, y float64) float64 { return x*x - y*y })},
	{Name: "SUMX2PY2", Category: Math, Params: "array array", Since: 2007, Eval: sumPairs(func(x, y float64) float64 { return x*x + y*y })},
	{Name: "SUMXMY2", Category: Math, Params: "array array", Since: 2007, Eval: sumPairs(func(x, y float64) float64 { return (x - y) * (x - y) })},
}

// Where calls f for the numbers that SUMIF and AVERAGEIF take: args are a range, a criterion
// and maybe the range of the numbers, of which the first cell counts and the size does not.
func (c *Context) Where(args Args, f func(float64)) cell.ErrorCode {
	from := args[0]
	if args.Given(2) {
		of, e := oneArea(from)
		if e != 0 {
			return e
		}
		a, e := oneArea(args[2])
		if e != 0 {
			return e
		}
		first := a.Range.First
		// a range that would leave the sheet ends at its edge, and so does the one of the criterion
		rows := min(of.Range.Rows(), cell.MaxRows-first.Row)
		cols := min(of.Range.Cols(), cell.MaxCols-first.Col)
		a.Range.Last = cell.Ref{Row: first.Row + rows - 1, Col: first.Col + cols - 1}
		of.Range.Last = cell.Ref{Row: of.Range.First.Row + rows - 1, Col: of.Range.First.Col + cols - 1}
		from = To(Cells(a))
		args[0] = To(Cells(of))
	}
	s, e := c.Select(args[:2], from)
	if e != 0 {
		return e
	}
	defer s.Done(c)
	return s.Numbers(c, from, f)
}

// WhereAll calls f for the numbers that SUMIFS, AVERAGEIFS and MAXIFS take: args are the range
// of the numbers, then ranges and criteria.
func (c *Context) WhereAll(args Args, f func(float64)) cell.ErrorCode {
	s, e := c.Select(args[1:], args[0])
	if e != 0 {
		return e
	}
	defer s.Done(c)
	return s.Numbers(c, args[0], f)
}

// extent gives the size of the part of v outside of which it holds nothing.
func (c *Context) extent(v Value) (rows, cols int) {
	r := v.Ref()
	if r == nil {
		if a := v.Array(); a != nil {
			return a.Rows, a.Cols
		}
		return 1, 1
	}
	a := r.Areas[0]
	used, ok := c.Book.Used(a.Sheet)
	if ok {
		used, ok = used.Intersect(a.Range)
	}
	if !ok {
		return 0, 0
	}
	return used.Last.Row - a.Range.First.Row + 1, used.Last.Col - a.Range.First.Col + 1
}

// grid gives the numbers in the first rows and columns of v, row by row, and a NaN for all that
// is no number. The code is that of the first error, or that of a range too large.
func (c *Context) grid(v Value, rows, cols int) ([]float64, cell.ErrorCode) {
	if rows*cols > MaxElements {
		return nil, cell.ErrNum
	}
	if rows*cols >= largeArray && !c.claim(8*int64(rows*cols)) {
		return nil, cell.ErrNum // which nobody will see
	}
	out := make([]float64, rows*cols)
	for i := range out {
		out[i] = math.NaN()
	}
	code := cell.ErrorCode(0)
	switch r := v.Ref(); {
	case rows*cols == 0:
	case r == nil:
		m, e := c.Matrix(v)
		if e != 0 {
			return nil, e
		}
		for i := range rows {
			if c.StopAt(i) {
				break
			}
			for j := range cols {
				switch x := m.Stretch(i, j); x.Kind() {
				case cell.Number:
					out[i*cols+j] = x.Number()
				case cell.Error:
					return nil, x.Err()
				}
			}
		}
	case len(r.Areas) > 1:
		return nil, cell.ErrValue
	default:
		a := r.Areas[0]
		first := a.Range.First
		a.Range.Last = cell.Ref{Row: first.Row + rows - 1, Col: first.Col + cols - 1}
		c.Book.Runs(a, func(r *Run) bool {
			at := (r.Row-first.Row)*cols + r.Col - first.Col
			for i, k := range r.Kinds {
				switch k {
				case cell.Number:
					out[at+i*cols] = r.Nums[i]
				case cell.Error:
					code = cell.ErrorCode(r.Nums[i])
					return false
				}
			}
			return !c.Stop()
		})
	}
	return out, code
}

// sumProduct adds up the products of what stands in the same places; what is no number is 0.
func sumProduct(c *Context, a Args) Value {
	rows, cols := Size(a[0])
	partRows, partCols, long := 0, 0, false
	for i, v := range a {
		if e := v.Err(); e != 0 {
			return Err(e)
		}
		if v.IsOmitted() {
			return c.Fail(cell.ErrValue, "SUMPRODUCT has an argument that is empty")
		}
		if r, k := Size(v); r != rows || k != cols {
			return c.Fail(cell.ErrValue, "argument "+ordinal(i)+" of SUMPRODUCT is not of the size of the first")
		}
		if rows == 1 && cols == 1 && c.Single(v).Kind() == cell.Text {
			return c.Fail(cell.ErrValue, "a text is no factor where a single value stands")
		}
		// beyond the smaller of two parts one factor holds nothing, but the other may hold an error
		r, k := c.extent(v)
		partRows, partCols = max(partRows, r), max(partCols, k)
		long = long || v.Array() != nil && v.Array().Long()
	}
	if long { // the last row and the last column stand for all behind them
		partRows, partCols = min(partRows+1, rows), min(partCols+1, cols)
		if !c.Room(partRows, partCols) {
			return c.Fail(cell.ErrNum, "the array is too large")
		}
	}
	var product []float64
	for i, v := range a {
		numbers, e := c.grid(v, partRows, partCols)
		if e != 0 {
			return Err(e)
		}
		if i == 0 {
			product = numbers
			continue
		}
		for j, x := range numbers {
			product[j] *= x
		}
	}
	total := 0.0
	for i, x := range product {
		if x != x { // a NaN stands where one of the factors is no number
			continue
		}
		if long && x != 0 {
			if i/partCols == partRows-1 {
				x *= float64(rows - partRows + 1)
			}
			if i%partCols == partCols-1 {
				x *= float64(cols - partCols + 1)
			}
		}
		total += x
	}
	return Num(total)
}

// sumPairs makes a function that adds up f of the pairs of numbers in the same places.
func sumPairs(f func(x, y float64) float64) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		x, y, e := c.pairs(a[0], a[1])
		if e != 0 {
			return Err(e)
		}
		total, any := 0.0, false
		for i := range x {
			if x[i] == x[i] && y[i] == y[i] {
				total, any = total+f(x[i], y[i]), true
			}
		}
		if !any {
			return c.Fail(cell.ErrDiv0, "there is no pair of numbers")
		}
		return Num(total)
	}
}

// pairs gives the numbers of two values that hold as many, in order, with a NaN for what is no
// number; #N/A where they do not hold as many.
func (c *Context) pairs(a, b Value) (x, y []float64, code cell.ErrorCode) {
	rows, cols := Size(a)
	rows2, cols2 := Size(b)
	if rows*cols != rows2*cols2 {
		return nil, nil, cell.ErrNA
	}
	if rows == rows2 {
		r1, c1 := c.extent(a)
		r2, c2 := c.extent(b)
		rows, cols = max(r1, r2), max(c1, c2)
		rows2, cols2 = rows, cols
	}
	if x, code = c.grid(a, rows, cols); code == 0 {
		y, code = c.grid(b, rows2, cols2)
	}
	return x, y, code
}
