package fn

import (
	"math"

	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

// etsFunctions forecast a series that has a trend and may have seasons.
var etsFunctions = []Function{
	{Name: "FORECAST.ETS", Category: Statistical, Params: "num array array opt? opt? opt?", Since: 2016, Eval: forecastETS},
	{Name: "FORECAST.ETS.CONFINT", Category: Statistical, Params: "num array array opt? opt? opt? opt?", Since: 2016, Eval: confidenceETS},
	{Name: "FORECAST.ETS.SEASONALITY", Category: Statistical, Params: "array array opt? opt?", Since: 2016, Eval: seasonalityETS},
	{Name: "FORECAST.ETS.STAT", Category: Statistical, Params: "array array num opt? opt? opt?", Since: 2016, Eval: statisticETS},
}

// season finds the length of the season after which the changes from point to point repeat
// best: the shortest one of those with the least mean difference. 1 is none.
func (c *Context) season(y []float64) int {
	best, least := 1, math.Inf(1)
	n := len(y)
	for length := min(n/2, seasonMax); length >= 1; length-- {
		if c.Stop() {
			break
		}
		repeats := n / length
		sum, count := 0.0, 0
		for i := n - repeats*length + 1; i < n-length; i++ {
			sum += math.Abs((y[i] - y[i-1]) - (y[i+length] - y[i+length-1]))
			count++
		}
		if count == 0 {
			continue
		}
		if mean := sum / float64(count); mean <= least {
			best, least = length, mean
		}
	}
	return best
}

// smoothing is an additive Holt-Winters model with its parameters and the state that it is
// in after the last point: R. Hyndman and others, "Forecasting with Exponential Smoothing"
// (2008), ETS(AAA), or ETS(AAN) for a season of 1.
type smoothing struct {
	y                  []float64
	season             int
	alpha, beta, gamma float64 // of level, trend and season
	level, trend       float64
	seasonal           []float64 // of the last season, the oldest first
	squares            float64   // of the errors of one step
	last               float64   // the forecast of the last point
}

// run goes through the points with some parameters and keeps the state after them. Errors,
// if not nil, is told the error at each point but the first.
func (m *smoothing) run(alpha, beta, gamma float64, errors func(y, forecast float64)) float64 {
	m.alpha, m.beta, m.gamma = alpha, beta, gamma
	p := m.season
	m.begin()
	m.squares = 0
	for i := 1; i < len(m.y); i++ {
		s := 0.0
		if p > 1 {
			s = m.seasonal[i%p]
		}
		y, before := m.y[i], m.level+m.trend
		m.last = before + s
		e := y - m.last
		m.squares += e * e
		if errors != nil {
			errors(y, m.last)
		}
		level := alpha*(y-s) + (1-alpha)*before
		if p > 1 {
			m.seasonal[i%p] = gamma*(y-level) + (1-gamma)*s
		}
		m.trend = beta*(level-m.level) + (1-beta)*m.trend
		m.level = level
	}
	return m.squares
}

// begin gives the state at the first point: the mean trend of the series or, with seasons,
// that from each point to the one a season later, and the mean distance of each place in the
// season from the line through the season's mean.
func (m *smoothing) begin() {
	n, p := len(m.y), m.season
	if p == 1 {
		m.level, m.trend = m.y[0], (m.y[n-1]-m.y[0])/float64(n-1)
		return
	}
	m.trend = 0
	for i := range p {
		m.trend += m.y[i+p] - m.y[i]
	}
	m.trend /= float64(p) * float64(p)
	if m.seasonal == nil {
		m.seasonal = make([]float64, p)
	}
	clear(m.seasonal)
	repeats := n / p
	for k := range repeats {
		mean := 0.0
		for _, y := range m.y[k*p : (k+1)*p] {
			mean += y
		}
		mean /= float64(p)
		for j := range p {
			m.seasonal[j] += (m.y[k*p+j] - mean - (float64(j)-float64(p-1)/2)*m.trend) / float64(repeats)
		}
	}
	m.level = m.y[0] - m.seasonal[0]
}

// smooth finds the parameters with the least squares of errors: a search along the axes from
// several points, with steps that become smaller.
func (c *Context) smooth(y []float64, season int) *smoothing {
	m := &smoothing{y: y, season: season}
	axes := 3
	if season == 1 {
		axes = 2
	}
	best, at := math.Inf(1), [3]float64{}
	for _, start := range [][3]float64{{0.5, 0.1, 0.1}, {0.1, 0.01, 0.3}, {0.9, 0.01, 0.01}, {0.9, 0.5, 0.5}} {
		point := start
		if axes == 2 {
			point[2] = 0
		}
		value := m.run(point[0], point[1], point[2], nil)
		for step := 0.25; step > 1e-7 && !c.Stop(); {
			improved := false
			for axis := range axes {
				for _, d := range [2]float64{step, -step} {
					next := point
					next[axis] = min(1, max(0, next[axis]+d))
					if next == point {
						continue
					}
					if v := m.run(next[0], next[1], next[2], nil); v < value {
						value, point, improved = v, next, true
						break
					}
				}
			}
			if !improved {
				step /= 2
			}
		}
		if value < best*(1-1e-12) {
			best, at = value, point
		}
	}
	m.run(at[0], at[1], at[2], nil)
	return m
}

// ahead forecasts h steps after the last point; between whole steps it is on the line.
func (m *smoothing) ahead(h float64) float64 {
	whole := math.Floor(h)
	at := func(k float64) float64 {
		if k == 0 {
			return m.last
		}
		y := m.level + k*m.trend
		if m.season > 1 {
			y += m.seasonal[(len(m.y)-1+int(math.Mod(k, float64(m.season))))%m.season]
		}
		return y
	}
	y := at(whole)
	if part := h - whole; part > 0 {
		y += part * (at(whole+1) - y)
	}
	return y
}

// model reads the arguments of the series, beginning with its season at argument i, and
// fits them.
func (c *Context) model(values, timeline Value, a Args, i int) (s series, m *smoothing, code cell.ErrorCode) {
	season := math.Trunc(given(a, i, 1))
	if season < 0 || season > seasonMax {
		c.Fail(cell.ErrNum, "the season has to be from 0 to 8760 points")
		return s, nil, cell.ErrNum
	}
	s, code = c.series(values, timeline, math.Trunc(given(a, i+1, 1)), math.Trunc(given(a, i+2, 1)))
	if code != 0 {
		return s, nil, code
	}
	switch season {
	case 0:
		season = 1
	case 1:
		season = float64(c.season(s.y))
	}
	if season > 1 && 2*int(season) > len(s.y) {
		c.Fail(cell.ErrNum, "there are not two seasons in the series")
		return s, nil, cell.ErrNum
	}
	return s, c.smooth(s.y, int(season)), 0
}

// given is the number of an optional argument.
func given(a Args, i int, def float64) float64 {
	if a.Given(i) {
		return a[i].Number()
	}
	return def
}

func forecastETS(c *Context, a Args) Value {
	s, m, e := c.model(a[1], a[2], a, 3)
	if e != 0 {
		return Err(e)
	}
	h, e := c.stepsAfter(s, a[0].Number())
	if e != 0 {
		return Err(e)
	}
	return Num(m.ahead(h))
}

// confidenceETS gives half the width of the interval around a forecast, from the variance
// that the errors of one step add up to in h steps.
func confidenceETS(c *Context, a Args) Value {
	level := given(a, 3, 0.95)
	if level <= 0 || level >= 1 {
		return c.Fail(cell.ErrNum, "the level has to lie between 0 and 1")
	}
	s, m, e := c.model(a[1], a[2], a, 4)
	if e != 0 {
		return Err(e)
	}
	h, e := c.stepsAfter(s, a[0].Number())
	if e != 0 {
		return Err(e)
	}
	variance := 1.0
	for j := 1.0; j < min(h, 1e6); j++ {
		w := m.alpha * (1 + j*m.beta)
		if m.season > 1 && int(j)%m.season == 0 {
			w += m.gamma * (1 - m.alpha)
		}
		variance += w * w
	}
	deviation := math.Sqrt(m.squares / float64(len(m.y)-1))
	return Num(special.NormalInverse((1+level)/2) * deviation * math.Sqrt(variance))
}

func seasonalityETS(c *Context, a Args) Value {
	s, e := c.series(a[0], a[1], math.Trunc(given(a, 2, 1)), math.Trunc(given(a, 3, 1)))
	if e != 0 {
		return Err(e)
	}
	return Num(float64(c.season(s.y)))
}

// statisticETS gives a parameter of the model, a measure of its errors, or the step.
func statisticETS(c *Context, a Args) Value {
	s, m, e := c.model(a[0], a[1], a, 3)
	if e != 0 {
		return Err(e)
	}
	n, absolute, relative, naive := 0.0, 0.0, 0.0, 0.0
	m.run(m.alpha, m.beta, m.gamma, func(y, forecast float64) {
		n++
		absolute += math.Abs(y - forecast)
		if y != 0 || forecast != 0 {
			relative += math.Abs(y-forecast) / (math.Abs(y) + math.Abs(forecast))
		}
	})
	for i := 1; i < len(s.y); i++ {
		naive += math.Abs(s.y[i] - s.y[i-1])
	}
	switch math.Trunc(a[2].Number()) {
	case 1:
		return Num(m.alpha)
	case 2:
		return Num(m.beta)
	case 3:
		return Num(m.gamma)
	case 4:
		if naive == 0 {
			return c.Fail(cell.ErrDiv0, "the series does not change")
		}
		return Num(absolute / naive)
	case 5:
		return Num(2 * relative / n)
	case 6:
		return Num(absolute / n)
	case 7:
		return Num(math.Sqrt(m.squares / n))
	case 8:
		return Num(s.step)
	}
	return c.Fail(cell.ErrNum, "the statistics have the numbers 1 to 8")
}
