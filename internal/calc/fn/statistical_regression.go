package fn

import (
	"math"

	"gridflow/internal/cell"
)

// regressionFunctions fit lines, planes and exponential curves by least squares.
var regressionFunctions = []Function{
	{Name: "LINEST", Category: Statistical, Params: "array array? range? range?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return estimate(c, a, false)
	}},
	{Name: "LOGEST", Category: Statistical, Params: "array array? range? range?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return estimate(c, a, true)
	}},
	{Name: "TREND", Category: Statistical, Params: "array array? array? range?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return extend(c, a, false)
	}},
	{Name: "GROWTH", Category: Statistical, Params: "array array? array? range?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return extend(c, a, true)
	}},
}

// observations are the numbers that a curve is fitted to: y, and one column of numbers for
// each variable.
type observations struct {
	y         []float64
	x         [][]float64
	down      bool // y is a column, so that each column of the known x is a variable
	single    bool // there is one variable, and x has the shape of y
	intercept bool
}

// fit is what least squares gives.
type fit struct {
	b, se            []float64 // by variable
	b0, se0          float64   // the intercept
	regressed, rest  float64   // sums of squares
	freedom          float64
	r2, deviation, f float64
}

// matrixOfNumbers reads an array in which everything has to be a number.
func (c *Context) matrixOfNumbers(v Value) (xs []float64, rows, cols int, code cell.ErrorCode) {
	m, code := c.Matrix(v)
	if code != 0 {
		return nil, 0, 0, code
	}
	xs = make([]float64, len(m.Cells))
	for i, x := range m.Cells {
		if c.StopAt(i) {
			break
		}
		if e := x.Err(); e != 0 {
			return nil, 0, 0, e
		}
		if x.Kind() != cell.Number {
			c.Fail(cell.ErrValue, "there is something among the known values that is no number")
			return nil, 0, 0, cell.ErrValue
		}
		xs[i] = x.Number()
	}
	return xs, m.Rows, m.Cols, 0
}

// observe reads the known y and x; without x it is 1, 2, 3 …
func (c *Context) observe(a Args, exponential bool, intercept int) (o observations, code cell.ErrorCode) {
	y, rows, cols, code := c.matrixOfNumbers(a[0])
	if code != 0 {
		return o, code
	}
	if exponential {
		for i := range y {
			if y[i] <= 0 {
				c.Fail(cell.ErrNum, "a known y is not above 0")
				return o, cell.ErrNum
			}
			y[i] = math.Log(y[i])
		}
	}
	o.y, o.single = y, true
	if o.intercept, code = c.flag(a, intercept, true); code != 0 {
		return o, code
	}
	if !a.Given(1) {
		x := make([]float64, len(y))
		for i := range x {
			x[i] = float64(i + 1)
		}
		o.x, o.down = [][]float64{x}, cols == 1
		return o, 0
	}
	x, rowsX, colsX, code := c.matrixOfNumbers(a[1])
	switch {
	case code != 0:
		return o, code
	case rows == rowsX && cols == colsX:
		o.x, o.down = [][]float64{x}, cols == 1
	case cols == 1 && rows == rowsX:
		o.x, o.down, o.single = columnsOf(x, rowsX, colsX), true, false
	case rows == 1 && cols == colsX:
		o.x, o.single = rowsOf(x, rowsX, colsX), false
	default:
		c.Fail(cell.ErrRef, "the known x do not fit the known y")
		return o, cell.ErrRef
	}
	return o, 0
}

func rowsOf(xs []float64, rows, cols int) [][]float64 {
	out := make([][]float64, rows)
	for i := range out {
		out[i] = xs[i*cols : (i+1)*cols]
	}
	return out
}

func columnsOf(xs []float64, rows, cols int) [][]float64 {
	out := make([][]float64, cols)
	for j := range out {
		out[j] = make([]float64, rows)
		for i := range rows {
			out[j][i] = xs[i*cols+j]
		}
	}
	return out
}

// flag reads a logical argument of a whole shape, for which an empty one is the default.
func (c *Context) flag(a Args, i int, def bool) (bool, cell.ErrorCode) {
	if !a.Given(i) {
		return def, 0
	}
	return ToBool(c.Single(a[i]))
}

// leastSquares fits y by the modified Gram-Schmidt method, of which y is the last column, and
// which needs no square roots here, so that whole numbers stay whole. The columns are centered
// first if there is an intercept. A column that the ones before it give already gets the
// coefficient 0, as in Excel since 2003.
func (c *Context) leastSquares(o observations) fit {
	n, k := len(o.y), len(o.x)
	y := append([]float64(nil), o.y...)
	means := make([]float64, k+1)
	x := make([][]float64, k)
	norms := make([]float64, k) // of the columns as they are given
	for j := range o.x {
		x[j] = append([]float64(nil), o.x[j]...)
		if o.intercept {
			means[j] = center(x[j])
		}
		norms[j] = dot(x[j], x[j])
	}
	if o.intercept {
		means[k] = center(y)
	}
	total := dot(y, y)

	// Each column that is kept is taken out of the later ones and out of y.
	var kept []int
	var factors [][]float64 // by kept column: how much of it was in the later ones
	var squares, shares []float64
	f := fit{b: make([]float64, k), se: make([]float64, k)}
	for j, v := range x {
		if c.Stop() || len(kept) == n {
			break
		}
		square := dot(v, v)
		if square <= 1e-26*norms[j] {
			continue
		}
		row := make([]float64, k)
		for l := j + 1; l < k; l++ {
			row[l] = takeOut(v, square, x[l])
		}
		share := takeOut(v, square, y)
		kept, factors = append(kept, j), append(factors, row)
		squares, shares = append(squares, square), append(shares, share)
		f.regressed += share * share * square
	}
	rank := len(kept)
	f.rest = dot(y, y)
	f.freedom = float64(n - rank)
	if o.intercept {
		f.freedom--
	}
	// back substitution; inverse is that of the triangle of factors, which has a diagonal of 1
	inverse := make([][]float64, rank)
	for i := rank - 1; i >= 0; i-- {
		b := shares[i]
		inverse[i] = make([]float64, rank)
		inverse[i][i] = 1
		for m := i + 1; m < rank; m++ {
			r := factors[i][kept[m]]
			b -= r * f.b[kept[m]]
			for l := m; l < rank; l++ {
				inverse[i][l] -= r * inverse[m][l]
			}
		}
		f.b[kept[i]] = b
	}
	f.b0 = means[k]
	for j := range f.b {
		f.b0 -= f.b[j] * means[j]
	}
	if f.freedom > 0 {
		f.deviation = math.Sqrt(f.rest / f.freedom)
	}
	if total > 0 {
		f.r2 = f.regressed / (f.regressed + f.rest)
	} else {
		f.r2 = 1
	}
	f.f = f.regressed / float64(rank) / (f.rest / f.freedom)
	at0 := make([]float64, rank) // means times R⁻¹
	for i, row := range inverse {
		for l := range row {
			row[l] /= math.Sqrt(squares[l])
		}
		f.se[kept[i]] = f.deviation * math.Sqrt(dot(row, row))
		for l := range row {
			at0[l] += means[kept[i]] * row[l]
		}
	}
	if o.intercept {
		f.se0 = f.deviation * math.Sqrt(1/float64(n)+dot(at0, at0))
	} else {
		f.b0 = 0
	}
	return f
}

func center(x []float64) (mean float64) {
	for _, v := range x {
		mean += v
	}
	mean /= float64(len(x))
	for i := range x {
		x[i] -= mean
	}
	return mean
}

// takeOut makes w orthogonal to v, whose square is given, and gives how much of it was in w.
func takeOut(v []float64, square float64, w []float64) float64 {
	r := dot(v, w) / square
	for i := range w {
		w[i] -= r * v[i]
	}
	return r
}

func dot(x, y []float64) (s float64) {
	for i := range x {
		s += x[i] * y[i]
	}
	return s
}

// estimate gives the coefficients, the last variable first and the intercept at the end,
// and below them what is known of how good they are.
func estimate(c *Context, a Args, exponential bool) Value {
	o, e := c.observe(a, exponential, 2)
	if e != 0 {
		return Err(e)
	}
	statistics, e := c.flag(a, 3, false)
	if e != 0 {
		return Err(e)
	}
	f := c.leastSquares(o)
	k := len(f.b)
	rows := 1
	if statistics {
		rows = 5
	}
	out := NewArray(rows, k+1)
	for i := range out.Cells {
		out.Cells[i] = cell.ErrorValue(cell.ErrNA)
	}
	set := func(row, col int, x float64) { out.Set(row, col, Num(x).Scalar()) }
	shown := func(b float64) float64 {
		if exponential {
			return math.Exp(b)
		}
		return b
	}
	for j, b := range f.b {
		set(0, k-1-j, shown(b))
	}
	set(0, k, shown(f.b0))
	if !statistics {
		return Of(out)
	}
	for j, se := range f.se {
		set(1, k-1-j, se)
	}
	if o.intercept {
		set(1, k, f.se0)
	}
	for i, x := range [][2]float64{{f.r2, f.deviation}, {f.f, f.freedom}, {f.regressed, f.rest}} {
		set(2+i, 0, x[0])
		set(2+i, 1, x[1])
	}
	return Of(out)
}

// extend gives what the curve has at new x, or at the known ones.
func extend(c *Context, a Args, exponential bool) Value {
	o, e := c.observe(a, exponential, 3)
	if e != 0 {
		return Err(e)
	}
	newX := Omitted
	switch {
	case a.Given(2):
		newX = a[2]
	case a.Given(1):
		newX = a[1]
	}
	var x []float64
	var rows, cols int
	if newX.IsOmitted() {
		rows, cols = Size(a[0])
		x = o.x[0]
		if m, e := c.Matrix(a[0]); e == 0 { // of whole columns the part that is used
			rows, cols = m.Rows, m.Cols
		}
	} else if x, rows, cols, e = c.matrixOfNumbers(newX); e != 0 {
		return Err(e)
	}
	var variables [][]float64
	switch {
	case o.single:
		variables = [][]float64{x}
	case o.down && cols == len(o.x):
		variables, cols = columnsOf(x, rows, cols), 1
	case !o.down && rows == len(o.x):
		variables, rows = rowsOf(x, rows, cols), 1
	default:
		return c.Fail(cell.ErrRef, "the new x do not have as many variables as the known ones")
	}
	f := c.leastSquares(o)
	out := NewArray(rows, cols)
	for i := range out.Cells {
		y := f.b0
		for j, b := range f.b {
			y += b * variables[j][i]
		}
		if exponential {
			y = math.Exp(y)
		}
		out.Cells[i] = Num(y).Scalar()
	}
	return Of(out)
}
