package fn

import (
	"cmp"
	"math"
	"slices"

	"gridflow/internal/cell"
)

// series is a time series of equal steps.
type series struct {
	y           []float64
	start, step float64
	monthly     bool    // the steps are months, which are not equally long
	first       float64 // of a monthly one: the month of the first point, as year·12 + month
}

// seasonMax is the longest season that Excel takes: the hours of a year.
const seasonMax = 8760

// series sorts points by time, joins those of one time, and fills in what is missing.
func (c *Context) series(values, timeline Value, completion, aggregation float64) (s series, code cell.ErrorCode) {
	ys, xs, code := c.numberPairs(values, timeline)
	if code != 0 {
		return s, code
	}
	fail := func(reason string) (series, cell.ErrorCode) {
		c.Fail(cell.ErrNum, reason)
		return series{}, cell.ErrNum
	}
	if completion != 0 && completion != 1 || aggregation < 1 || aggregation > 7 {
		return fail("the completion has to be 0 or 1, and the aggregation one of 1 to 7")
	}
	order := make([]int, len(xs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(xs[i], xs[j]) })
	var times, joined []float64
	for i := 0; i < len(order); {
		var same []float64
		t := xs[order[i]]
		for ; i < len(order) && xs[order[i]] == t; i++ {
			same = append(same, ys[order[i]])
		}
		times, joined = append(times, t), append(joined, join(same, int(aggregation)))
	}
	if len(times) < 2 {
		return fail("a series needs two points at least")
	}
	s.start, s.step = times[0], math.Inf(1)
	even := true
	for i := 1; i < len(times); i++ {
		d := times[i] - times[i-1]
		even = even && (i == 1 || math.Abs(d-s.step) < 1e-9*d)
		s.step = min(s.step, d)
	}
	places := times
	if !even && c.sameDayOfMonths(times) {
		s.monthly = true
		places = make([]float64, len(times))
		s.step = math.Inf(1)
		for i, t := range times {
			y, m, _ := c.civil(int(t))
			places[i] = float64(y*12 + m)
			if i > 0 {
				s.step = min(s.step, places[i]-places[i-1])
			}
		}
		s.first = places[0]
	}
	for i, place := range places {
		k := (place - places[0]) / s.step
		if math.Abs(k-math.Round(k)) > 1e-6 {
			return fail("the times do not come in equal steps")
		}
		n := int(math.Round(min(k, 1e9)))
		if n >= 2*len(places)+2 {
			return fail("more than 30 % of the points are missing")
		}
		for len(s.y) < n { // missing ones between the last and this one
			gap := 0.0
			if completion == 1 {
				last := s.y[len(s.y)-1]
				gap = last + (joined[i]-last)/float64(n-len(s.y)+1)
			}
			s.y = append(s.y, gap)
		}
		s.y = append(s.y, joined[i])
	}
	if float64(len(s.y)-len(places)) > 0.3*float64(len(s.y)) {
		return fail("more than 30 % of the points are missing")
	}
	return s, 0
}

// sameDayOfMonths reports whether all times are on one day of the month, or all on the last.
func (c *Context) sameDayOfMonths(times []float64) bool {
	same, last, day := true, true, 0
	for i, t := range times {
		serial, ok := c.day(Num(t))
		if !ok || float64(serial) != t {
			return false
		}
		_, _, d := c.civil(serial)
		if i == 0 {
			day = d
		}
		same, last = same && d == day, last && c.lastOfMonth(serial)
	}
	return same || last
}

// join makes one value of those that have the same time, in a way of Excel's list.
func join(ys []float64, how int) float64 {
	switch how {
	case 2, 3:
		return float64(len(ys))
	case 4:
		return slices.Max(ys)
	case 5:
		slices.Sort(ys)
		half := len(ys) / 2
		if len(ys)%2 == 1 {
			return ys[half]
		}
		return (ys[half-1] + ys[half]) / 2
	case 6:
		return slices.Min(ys)
	}
	sum := 0.0
	for _, y := range ys {
		sum += y
	}
	if how == 7 {
		return sum
	}
	return sum / float64(len(ys))
}

// stepsAfter says how many steps a time lies after the last point. The code is #NUM! for
// one before it.
func (c *Context) stepsAfter(s series, t float64) (h float64, code cell.ErrorCode) {
	h = (t-s.start)/s.step - float64(len(s.y)-1)
	if s.monthly {
		day, ok := c.day(Num(t))
		if !ok {
			c.noDate()
			return 0, cell.ErrNum
		}
		y, m, d := c.civil(day)
		_, _, d0 := c.civil(int(s.start))
		at := float64(y*12 + m)
		if !c.lastOfMonth(day) || d > d0 {
			at += float64(d-d0) / float64(c.monthLength(y, m))
		}
		h = (at-s.first)/s.step - float64(len(s.y)-1)
	}
	if near := math.Round(h); math.Abs(h-near) < 1e-9*math.Max(1, math.Abs(near)) {
		h = near
	}
	if h < 0 {
		c.Fail(cell.ErrNum, "the time lies before the end of the series")
		return 0, cell.ErrNum
	}
	return h, 0
}
