package fn

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

// orderFunctions look at where numbers stand among others.
var orderFunctions = []Function{
	{Name: "MEDIAN", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).Numbers, median)},
	{Name: "MODE.SNGL", Category: Statistical, Params: "range...", Since: 2010, Eval: mode},
	{Name: "MODE.MULT", Category: Statistical, Params: "range...", Since: 2010, Eval: modes},
	{Name: "LARGE", Category: Statistical, Params: "range range", Since: 2007, Eval: placed(kthLargest)},
	{Name: "SMALL", Category: Statistical, Params: "range range", Since: 2007, Eval: placed(kthSmallest)},
	{Name: "PERCENTILE.INC", Category: Statistical, Params: "range range", Since: 2010, Eval: placed(percentile)},
	{Name: "PERCENTILE.EXC", Category: Statistical, Params: "range range", Since: 2010, Eval: placed(percentileExc)},
	{Name: "QUARTILE.INC", Category: Statistical, Params: "range range", Since: 2010, Eval: placed(quartile)},
	{Name: "QUARTILE.EXC", Category: Statistical, Params: "range range", Since: 2010, Eval: placed(quartileExc)},
	{Name: "PERCENTRANK.INC", Category: Statistical, Params: "range num num?", Since: 2010, Eval: percentRank(0)},
	{Name: "PERCENTRANK.EXC", Category: Statistical, Params: "range num num?", Since: 2010, Eval: percentRank(1)},
	{Name: "RANK.EQ", Category: Statistical, Params: "num ref num?", Since: 2010, Eval: rankOf(false)},
	{Name: "RANK.AVG", Category: Statistical, Params: "num ref num?", Since: 2010, Eval: rankOf(true)},
	{Name: "FREQUENCY", Category: Statistical, Params: "range range", Since: 2007, Eval: frequency},
}

func median(c *Context, each numbers) Value {
	xs, e := c.collect(each)
	if e != 0 {
		return Err(e)
	}
	if len(xs) == 0 {
		return c.Fail(cell.ErrNum, noNumbers)
	}
	c.sort(xs)
	half := len(xs) / 2
	if len(xs)%2 == 1 {
		return Num(xs[half])
	}
	return Num(xs[half-1]/2 + xs[half]/2)
}

// mostFrequent gives the numbers that occur most often, and more than once, in the order
// of their first places.
func mostFrequent(xs []float64) []float64 {
	counts := make(map[float64]int)
	most := 1
	for _, x := range xs {
		counts[x]++
		most = max(most, counts[x])
	}
	if most == 1 {
		return nil
	}
	var found []float64
	for _, x := range xs {
		if counts[x] == most {
			found = append(found, x)
			counts[x] = 0
		}
	}
	return found
}

// modesOf gives the modes. Unlike in other functions a text that stands alone is #VALUE!
// even if it is a number, and so is a reference to one cell in which there is no number.
func modesOf(c *Context, a Args) ([]float64, cell.ErrorCode) {
	for _, v := range a {
		x, bad := v.Scalar(), v.Scalar().Kind() == cell.Text
		if r := v.Ref(); r != nil && len(r.Areas) == 1 && r.Areas[0].Single() {
			x = c.Book.Value(r.Areas[0].Sheet, r.Areas[0].Range.First)
			bad = x.Kind() != cell.Number
		}
		if e := x.Err(); e != 0 {
			return nil, e
		}
		if bad {
			c.Fail(cell.ErrValue, "an argument is no number")
			return nil, cell.ErrValue
		}
	}
	xs, e := c.list(a...)
	if e != 0 {
		return nil, e
	}
	found := mostFrequent(xs)
	if len(found) == 0 {
		c.Fail(cell.ErrNA, "no number occurs more than once")
		return nil, cell.ErrNA
	}
	return found, 0
}

func mode(c *Context, a Args) Value {
	found, e := modesOf(c, a)
	if e != 0 {
		return Err(e)
	}
	return Num(found[0])
}

func modes(c *Context, a Args) Value {
	found, e := modesOf(c, a)
	if e != 0 {
		return Err(e)
	}
	return Of(Column(cellsOf(found)))
}

func cellsOf(xs []float64) []cell.Value {
	out := make([]cell.Value, len(xs))
	for i, x := range xs {
		out[i] = Num(x).Scalar()
	}
	return out
}

// placed makes a function of an array and of a place in the order of its numbers. The
// numbers are sorted once for an array of places.
func placed(f func(c *Context, xs []float64, k float64) Value) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		xs, bad := c.list(a[0])
		if bad != 0 && a[0].IsScalar() {
			return Err(bad)
		}
		c.sort(xs)
		place := func(v cell.Value) Value {
			if bad != 0 {
				return Err(bad)
			}
			k, e := ToNumber(v, c.Dates)
			if e != 0 {
				return Err(e)
			}
			if len(xs) == 0 {
				return c.Fail(cell.ErrNum, noNumbers)
			}
			return f(c, xs, k)
		}
		k := a[1]
		if r := k.Ref(); r != nil {
			k = c.Fetch(r)
		}
		ks := k.Array()
		if ks == nil {
			return place(k.Scalar())
		}
		out := NewArray(ks.Rows, ks.Cols)
		for i, v := range ks.Cells {
			if c.StopAt(i) {
				break
			}
			out.Cells[i] = place(v).Scalar()
		}
		return Of(out)
	}
}

const noSuchPlace = "the place is not one of those that the numbers have"

// kthLargest rounds a place that is not whole up, kthSmallest down.
func kthLargest(c *Context, xs []float64, k float64) Value {
	k = math.Ceil(k)
	if k < 1 || k > float64(len(xs)) {
		return c.Fail(cell.ErrNum, noSuchPlace)
	}
	return Num(xs[len(xs)-int(k)])
}

func kthSmallest(c *Context, xs []float64, k float64) Value {
	k = math.Floor(k)
	if k < 1 || k > float64(len(xs)) {
		return c.Fail(cell.ErrNum, noSuchPlace)
	}
	return Num(xs[int(k)-1])
}

// between gives the number at a place, counted from 0, that need not be whole.
func between(xs []float64, place float64) float64 {
	if near := math.Round(place); math.Abs(place-near) < 1e-14*math.Abs(place) {
		place = near
	}
	i := min(int(place), len(xs)-1)
	x := xs[i]
	if part := place - float64(i); part > 0 && i+1 < len(xs) {
		x += part * (xs[i+1] - x)
	}
	return x
}

func percentile(c *Context, xs []float64, k float64) Value {
	if !(k >= 0 && k <= 1) {
		return c.Fail(cell.ErrNum, "the share has to be from 0 to 1")
	}
	return Num(between(xs, k*float64(len(xs)-1)))
}

func percentileExc(c *Context, xs []float64, k float64) Value {
	place := k*float64(len(xs)+1) - 1
	if near := math.Round(place); math.Abs(place-near) < 1e-12 {
		place = near
	}
	if k <= 0 || k >= 1 || place < 0 || place > float64(len(xs)-1) {
		return c.Fail(cell.ErrNum, "the share is too near to 0 or 1 for so few numbers")
	}
	return Num(between(xs, place))
}

func quartile(c *Context, xs []float64, k float64) Value {
	k = math.Trunc(k)
	if k < 0 || k > 4 {
		return c.Fail(cell.ErrNum, "the quartile has to be one of 0 to 4")
	}
	return percentile(c, xs, k/4)
}

func quartileExc(c *Context, xs []float64, k float64) Value {
	k = math.Trunc(k)
	if k < 1 || k > 3 {
		return c.Fail(cell.ErrNum, "the quartile has to be one of 1 to 3")
	}
	return percentileExc(c, xs, k/4)
}

// percentRank makes PERCENTRANK.INC, where the lowest number has the rank 0 and the highest
// 1, or with beyond = 1 PERCENTRANK.EXC, where both lie inside.
func percentRank(beyond float64) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		xs, e := c.list(a[0])
		if e != 0 {
			return Err(e)
		}
		x, digits := a[1].Number(), math.Trunc(a.Num(2, 3))
		if len(xs) == 0 || digits < 1 {
			return c.Fail(cell.ErrNum, "there is no number, or less than one digit is asked for")
		}
		c.sort(xs)
		last := len(xs) - 1
		if x < xs[0] || x > xs[last] {
			return c.Fail(cell.ErrNA, "the number lies outside of the others")
		}
		place := float64(sort.SearchFloat64s(xs, x))
		if i := int(place); xs[i] != x {
			place += (x-xs[i-1])/(xs[i]-xs[i-1]) - 1
		}
		if beyond == 0 && last == 0 {
			return Num(1)
		}
		scale := special.Pow(10, min(digits, 15))
		over := float64(last) + 2*beyond
		return Num(math.Floor((place+beyond)*scale/over*(1+1e-15)) / scale)
	}
}

// rankOf makes RANK.EQ, or RANK.AVG where equal numbers share the mean of their ranks.
func rankOf(mean bool) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		x, upward := a[0].Number(), a.Num(2, 0) != 0
		before, same := 0.0, 0.0
		if e := c.Numbers(a[1:2], func(y float64) {
			switch {
			case y == x:
				same++
			case (y < x) == upward:
				before++
			}
		}); e != 0 {
			return Err(e)
		}
		if same == 0 {
			return c.Fail(cell.ErrNA, "the number is not among those of the range")
		}
		if mean {
			return Num(before + (same+1)/2)
		}
		return Num(before + 1)
	}
}

// frequency counts the numbers up to each bound and above the one before it, in the order
// in which the bounds are given, and those above all. A bound that is given twice counts
// once.
func frequency(c *Context, a Args) Value {
	xs, e := c.list(a[0])
	if e != 0 {
		return Err(e)
	}
	bounds, e := c.list(a[1])
	if e != 0 {
		return Err(e)
	}
	if !c.Room(len(bounds)+1, 1) {
		return c.Fail(cell.ErrNum, "there are too many bounds")
	}
	order := make([]int, len(bounds))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(bounds[i], bounds[j]) })
	counts := make([]float64, len(bounds)+1)
	for _, x := range xs {
		i := sort.Search(len(order), func(i int) bool { return bounds[order[i]] >= x })
		if i == len(order) {
			counts[len(bounds)]++
		} else {
			counts[order[i]]++
		}
	}
	return Of(Column(cellsOf(counts)))
}
