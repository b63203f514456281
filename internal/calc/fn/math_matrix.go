package fn

import (
	"math"

	"gridflow/internal/cell"
)

var matrixFunctions = []Function{
	{Name: "MDETERM", Category: Math, Params: "array", Since: 2007, Eval: func(c *Context, a Args) Value {
		m, n, v := c.square(a[0])
		if m == nil {
			return v
		}
		return Num(c.eliminate(m, n, nil))
	}},
	{Name: "MINVERSE", Category: Math, Params: "array", Since: 2007, Eval: inverseMatrix},
	{Name: "MMULT", Category: Math, Params: "array array", Since: 2007, Eval: multiply},
	{Name: "MUNIT", Category: Math, Params: "num", Since: 2013, Eval: func(c *Context, a Args) Value {
		n := int(math.Max(-1, math.Min(math.Trunc(a[0].Number()), cell.MaxRows)))
		if n < 1 || !c.Room(n, n) {
			return c.Fail(cell.ErrValue, "there is no unit matrix of this size")
		}
		out := NewArray(n, n)
		for i := range out.Cells {
			out.Cells[i] = cell.NumberValue(0)
		}
		for i := range n {
			out.Set(i, i, cell.NumberValue(1))
		}
		return Of(out)
	}},
}

// numbersOnly gives a matrix that holds nothing but numbers.
func (c *Context) numbersOnly(v Value) (m []float64, rows, cols int, failed Value) {
	if v.Err() != 0 {
		return nil, 0, 0, v
	}
	rows, cols = Size(v)
	partRows, partCols := c.extent(v)
	// An error in it goes before empty cells, be these within the part of the sheet that is used or not.
	m, e := c.grid(v, partRows, partCols)
	if e != 0 {
		return nil, 0, 0, Err(e)
	}
	if partRows != rows || partCols != cols {
		return nil, 0, 0, c.Fail(cell.ErrValue, "a matrix has empty cells")
	}
	for _, x := range m {
		if x != x {
			return nil, 0, 0, c.Fail(cell.ErrValue, "a matrix has elements that are no numbers")
		}
	}
	return m, rows, cols, Value{}
}

// square gives a square matrix of numbers; nil and the error otherwise.
func (c *Context) square(v Value) (m []float64, n int, failed Value) {
	m, rows, cols, failed := c.numbersOnly(v)
	if m != nil && rows != cols {
		return nil, 0, c.Fail(cell.ErrValue, "the matrix is not square")
	}
	return m, rows, failed
}

// eliminate brings a matrix of n × n to a triangle by Gauss's elimination, taking the largest
// of a column as pivot, does the same to with (another of n × n, or nil), and gives the
// determinant.
func (c *Context) eliminate(m []float64, n int, with []float64) float64 {
	det := 1.0
	for k := range n {
		if c.Stop() {
			return det
		}
		pivot := k
		for i := k + 1; i < n; i++ {
			if math.Abs(m[i*n+k]) > math.Abs(m[pivot*n+k]) {
				pivot = i
			}
		}
		if m[pivot*n+k] == 0 {
			return 0
		}
		if pivot != k {
			det = -det
			swapRows(m, n, k, pivot)
			if with != nil {
				swapRows(with, n, k, pivot)
			}
		}
		det *= m[k*n+k]
		for i := k + 1; i < n; i++ {
			f := m[i*n+k] / m[k*n+k]
			if f == 0 {
				continue
			}
			for j := k; j < n; j++ {
				m[i*n+j] -= f * m[k*n+j]
			}
			if with != nil {
				for j := range n {
					with[i*n+j] -= f * with[k*n+j]
				}
			}
		}
	}
	return det
}

func swapRows(m []float64, n, i, j int) {
	for k := range n {
		m[i*n+k], m[j*n+k] = m[j*n+k], m[i*n+k]
	}
}

// inverseMatrix gives the matrix whose product with the given one is the unit matrix.
func inverseMatrix(c *Context, a Args) Value {
	m, n, failed := c.square(a[0])
	if m == nil {
		return failed
	}
	r := make([]float64, n*n)
	for i := range n {
		r[i*n+i] = 1
	}
	if c.eliminate(m, n, r) == 0 {
		return c.Fail(cell.ErrNum, "the matrix has no inverse: its determinant is 0")
	}
	for i := n - 1; i >= 0 && !c.Stop(); i-- {
		for k := i + 1; k < n; k++ {
			for j := range n {
				r[i*n+j] -= m[i*n+k] * r[k*n+j]
			}
		}
		for j := range n {
			r[i*n+j] /= m[i*n+i]
		}
	}
	return numberArray(r, n, n)
}

// multiply gives the product of two matrices.
func multiply(c *Context, a Args) Value {
	x, n, k, failed := c.numbersOnly(a[0])
	if x == nil {
		return failed
	}
	y, k2, m, failed := c.numbersOnly(a[1])
	if y == nil {
		return failed
	}
	if k != k2 {
		return c.Fail(cell.ErrValue, "the first matrix has not as many columns as the second has rows")
	}
	if !c.Room(n, m) {
		return c.Fail(cell.ErrNum, "the product is too large")
	}
	out := make([]float64, n*m)
	for i := range n {
		if c.Stop() {
			break
		}
		row := out[i*m : (i+1)*m]
		for p := range k {
			f := x[i*k+p]
			for j, v := range y[p*m : (p+1)*m] {
				row[j] += f * v
			}
		}
	}
	return numberArray(out, n, m)
}

// numberArray makes an array of numbers, row by row.
func numberArray(f []float64, rows, cols int) Value {
	out := NewArray(rows, cols)
	for i, x := range f {
		out.Cells[i] = Num(x).Scalar()
	}
	return Of(out)
}
