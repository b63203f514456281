package fn

import (
	"math"

	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

// flowFunctions value payments of different sizes.
var flowFunctions = []Function{
	{Name: "NPV", Category: Financial, Params: "num range...", Since: 2007, Eval: npv},
	{Name: "IRR", Category: Financial, Params: "range opt?", Since: 2007, Eval: irr},
	{Name: "MIRR", Category: Financial, Params: "range num num", Since: 2007, Eval: mirr},
	{Name: "XNPV", Category: Financial, Params: "real array array", Since: 2007, Eval: xnpv},
	{Name: "XIRR", Category: Financial, Params: "array array opt?", Since: 2007, Eval: xirr},
	{Name: "FVSCHEDULE", Category: Financial, Params: "real array", Since: 2007, Eval: fvSchedule},
}

func npv(c *Context, a Args) Value {
	rate := a[0].Number()
	if rate == -1 {
		return c.Fail(cell.ErrDiv0, "the rate is -100 %")
	}
	total, k := 0.0, 0.0
	if e := c.Numbers(a[1:], func(x float64) {
		k++
		total += x / special.Pow(1+rate, k)
	}); e != 0 {
		return Err(e)
	}
	return Num(total)
}

// signs says whether there are values below and above 0.
func signs(xs []float64) (below, above bool) {
	for _, x := range xs {
		below, above = below || x < 0, above || x > 0
	}
	return below, above
}

const flowsBothWays = "there have to be a payment and an income at least"

func irr(c *Context, a Args) Value {
	xs, e := c.list(a[0])
	if e != 0 {
		return Err(e)
	}
	guess := 0.1
	if a.Given(1) {
		guess = a[1].Number()
	}
	below, above := signs(xs)
	if !below || !above || guess <= -1 {
		return c.Fail(cell.ErrNum, flowsBothWays)
	}
	times := make([]float64, len(xs))
	for i := range times {
		times[i] = float64(i)
	}
	return c.internalRate(xs, times, guess)
}

// internalRate finds the rate at which values at times, in periods from the first, are
// worth nothing together: Newton's method from the guess on and, if it runs away, halving
// of an interval around the guess at whose ends the worth has different signs.
func (c *Context) internalRate(xs, times []float64, guess float64) Value {
	worth := func(r float64) (f, slope float64) {
		l := math.Log1p(r)
		for i, x := range xs {
			p := x * math.Exp(-times[i]*l)
			f += p
			slope -= times[i] * p
		}
		return f, slope / (1 + r)
	}
	r, step := guess, 1.0
	for range 60 {
		if c.Stop() {
			break
		}
		f, slope := worth(r)
		step = f / slope
		next := r - step
		if next-next != 0 {
			break
		}
		if next <= -1 {
			next = (r - 1) / 2
		}
		if math.Abs(next-r) <= 1e-14*math.Max(1e-2, math.Abs(next)) {
			return Num(next)
		}
		r = next
	}
	if math.Abs(step) < solved {
		return Num(r)
	}
	low, high := guess, guess
	for range 60 {
		if c.Stop() {
			break
		}
		low, high = (low-0.999999)/2, high*1.6+0.1
		fl, _ := worth(low)
		fh, _ := worth(high)
		if fl*fh > 0 || fl-fl != 0 || fh-fh != 0 {
			continue
		}
		for range 200 {
			mid := low + (high-low)/2
			if mid == low || mid == high {
				break
			}
			if fm, _ := worth(mid); fm*fl > 0 {
				low = mid
			} else {
				high = mid
			}
		}
		return Num(low)
	}
	return c.Fail(cell.ErrNum, noRate)
}

func mirr(c *Context, a Args) Value {
	xs, e := c.list(a[0])
	if e != 0 {
		return Err(e)
	}
	finance, reinvest := a[1].Number(), a[2].Number()
	paid, earned := 0.0, 0.0
	n := float64(len(xs) - 1)
	for i, x := range xs {
		if x < 0 {
			paid += x / special.Pow(1+finance, float64(i))
		} else {
			earned += x * special.Pow(1+reinvest, n-float64(i))
		}
	}
	if paid == 0 || n < 1 {
		return c.Fail(cell.ErrDiv0, "nothing is paid")
	}
	return Num(special.Pow(earned/-paid, 1/n) - 1)
}

// dated reads values and the dates on which they come. Where it is asked for, no date may be
// before the first.
func (c *Context) dated(values, dates Value, ordered bool) (xs, years []float64, code cell.ErrorCode) {
	v, code := c.Matrix(values)
	if code != 0 {
		return nil, nil, code
	}
	d, code := c.Matrix(dates)
	if code != 0 {
		return nil, nil, code
	}
	if len(v.Cells) != len(d.Cells) {
		c.Fail(cell.ErrNum, "there are not as many dates as values")
		return nil, nil, cell.ErrNum
	}
	first := 0
	for i := range v.Cells {
		if e := firstError(v.Cells[i], d.Cells[i]); e != 0 {
			return nil, nil, e
		}
		if v.Cells[i].Kind() == cell.Text || v.Cells[i].Kind() == cell.Bool || d.Cells[i].Kind() == cell.Bool {
			c.Fail(cell.ErrValue, "a value or a date is no number")
			return nil, nil, cell.ErrValue
		}
		t, e := c.ToNumber(d.Cells[i])
		if e != 0 {
			return nil, nil, e
		}
		at, ok := c.day(Num(t))
		if i == 0 {
			first = at
		}
		if !ok || ordered && at < first {
			c.Fail(cell.ErrNum, "a date is none, or is before the first where that may not be")
			return nil, nil, cell.ErrNum
		}
		xs = append(xs, v.Cells[i].Number())
		years = append(years, float64(at-first)/365)
	}
	return xs, years, 0
}

func xnpv(c *Context, a Args) Value {
	xs, years, e := c.dated(a[1], a[2], true)
	if e != 0 {
		return Err(e)
	}
	rate := a[0].Number()
	if rate <= -1 {
		return c.Fail(cell.ErrNum, "the rate has to be above -100 %")
	}
	total := 0.0
	for i, x := range xs {
		total += x / special.Pow(1+rate, years[i])
	}
	return Num(total)
}

func xirr(c *Context, a Args) Value {
	xs, years, e := c.dated(a[0], a[1], false)
	if e != 0 {
		return Err(e)
	}
	guess := 0.1
	if a.Given(2) {
		guess = a[2].Number()
	}
	below, above := signs(xs)
	if !below || !above || guess <= -1 {
		return c.Fail(cell.ErrNum, flowsBothWays)
	}
	return c.internalRate(xs, years, guess)
}

func fvSchedule(c *Context, a Args) Value {
	m, e := c.Matrix(a[1])
	if e != 0 {
		return Err(e)
	}
	value := a[0].Number()
	for _, x := range m.Cells {
		switch x.Kind() {
		case cell.Error:
			return Err(x.Err())
		case cell.Text, cell.Bool:
			return c.Fail(cell.ErrValue, "a rate is no number")
		}
		value *= 1 + x.Number()
	}
	return Num(value)
}
