package fn

import (
	"math"

	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

// depreciationFunctions spread the cost of an asset over its life.
var depreciationFunctions = []Function{
	{Name: "SLN", Category: Financial, Params: "num num num", Since: 2007, Eval: straightLine},
	{Name: "SYD", Category: Financial, Params: "num num num num", Since: 2007, Eval: sumOfYears},
	{Name: "DB", Category: Financial, Params: "num num num num opt?", Since: 2007, Eval: decliningBalance},
	{Name: "DDB", Category: Financial, Params: "num num num num opt?", Since: 2007, Eval: doubleDeclining},
	{Name: "VDB", Category: Financial, Params: "num num num num num opt? bool?", Since: 2007, Eval: variableDeclining},
	{Name: "AMORLINC", Category: Financial, Params: "real real real real real real real?", Since: 2007, Eval: amorLinear},
	{Name: "AMORDEGRC", Category: Financial, Params: "real real real real real real real?", Since: 2007, Eval: amorDegressive},
}

const periodOfLife = "the cost, the salvage value and the life may not be below 0, and the period has to be one of the life"

func straightLine(c *Context, a Args) Value {
	if a[2].Number() == 0 {
		return c.Fail(cell.ErrDiv0, "the life is 0")
	}
	return Num((a[0].Number() - a[1].Number()) / a[2].Number())
}

func sumOfYears(c *Context, a Args) Value {
	cost, salvage, life, period := a[0].Number(), a[1].Number(), a[2].Number(), a[3].Number()
	if salvage < 0 || life <= 0 || period < 1 || period > life {
		return c.Fail(cell.ErrNum, periodOfLife)
	}
	return Num((cost - salvage) * (life - period + 1) * 2 / (life * (life + 1)))
}

// decliningBalance takes a fixed rate, rounded to three places; the first year has so many
// months, and the year after the last one the rest of them.
func decliningBalance(c *Context, a Args) Value {
	cost, salvage, life, period := a[0].Number(), a[1].Number(), a[2].Number(), a[3].Number()
	months := 12.0
	if a.Given(4) {
		months = math.Trunc(a[4].Number())
	}
	whole := math.Trunc(life)
	period = math.Trunc(period)
	if cost < 0 || salvage < 0 || whole <= 0 || period < 1 || months < 1 || months > 12 ||
		period > whole+1 || period > whole && months == 12 || life > 1e6 {
		return c.Fail(cell.ErrNum, periodOfLife)
	}
	if cost == 0 {
		return Num(0)
	}
	rate := math.Round((1-special.Pow(salvage/cost, 1/life))*1000) / 1000
	total, part := 0.0, cost*rate*months/12
	for k := 2.0; k <= period; k++ {
		total += part
		part = (cost - total) * rate
		if k == whole+1 {
			part = part * (12 - months) / 12
		}
	}
	return Num(part)
}

func doubleDeclining(c *Context, a Args) Value {
	cost, salvage, life, period := a[0].Number(), a[1].Number(), a[2].Number(), a[3].Number()
	factor := 2.0
	if a.Given(4) {
		factor = a[4].Number()
	}
	if cost < 0 || salvage < 0 || life <= 0 || period <= 0 || period > life || factor <= 0 {
		return c.Fail(cell.ErrNum, periodOfLife)
	}
	return Num(declined(cost, salvage, life, period, factor))
}

// declined is the depreciation of one period by DDB, which ends at the salvage value.
func declined(cost, salvage, life, period, factor float64) float64 {
	rate := min(factor/life, 1)
	before := cost * special.Pow(1-rate, period-1)
	if rate == 1 {
		before = 0
		if period == 1 {
			before = cost
		}
	}
	after := cost * special.Pow(1-rate, period)
	return max(0, before-max(after, salvage))
}

// variableDeclining sums depreciation over a time that need not begin and end with a
// period, and changes to the straight line where that gives more.
func variableDeclining(c *Context, a Args) Value {
	cost, salvage, life := a[0].Number(), a[1].Number(), a[2].Number()
	from, to := a[3].Number(), a[4].Number()
	factor, noSwitch := 2.0, a.Truth(6, false)
	if a.Given(5) {
		factor = a[5].Number()
	}
	if cost < 0 || salvage < 0 || life < 0 || from < 0 || to < from || to > life || factor < 0 || life > 1e6 {
		return c.Fail(cell.ErrNum, periodOfLife)
	}
	if life == 0 {
		return c.Fail(cell.ErrDiv0, "the life is 0")
	}
	// The depreciation of each whole period; a part of a period has its share.
	total := 0.0
	value := cost
	straight := false
	line := 0.0
	for k := 0.0; k < math.Ceil(to); k++ {
		part := min(value*min(factor/life, 1), max(0, value-salvage))
		if !noSwitch && !straight {
			if line = (value - salvage) / (life - k); line > part {
				straight = true
			}
		}
		if straight {
			part = max(0, line*min(1, life-k))
		}
		value -= part
		if share := min(k+1, to) - max(k, from); share > 0 {
			total += part * share
		}
	}
	return Num(total)
}

// amortization is what AMORLINC and AMORDEGRC are given.
type amortization struct {
	cost, salvage, period, rate float64
	first                       float64 // the part of a year from the purchase to the end of the first period
}

func (c *Context) amortization(a Args) (m amortization, code cell.ErrorCode) {
	ds, code := c.dates(a[1], a[2])
	if code != 0 {
		return m, code
	}
	b, ok := basisOf(a.Num(6, 0))
	m.cost, m.salvage, m.period, m.rate = a[0].Number(), a[3].Number(), math.Trunc(a[4].Number()), a[5].Number()
	if !ok || b == Actual360 || m.cost < 0 || m.salvage < 0 || m.salvage > m.cost || m.period < 0 || m.rate <= 0 || ds[0] > ds[1] {
		c.Fail(cell.ErrNum, "the cost, the salvage value, the period, the rate or the basis is not one of those that are possible, or the purchase is after the first period")
		return m, cell.ErrNum
	}
	m.first = c.yearFraction(ds[0], ds[1], b)
	return m, 0
}

func amorLinear(c *Context, a Args) Value {
	m, e := c.amortization(a)
	if e != 0 {
		return Err(e)
	}
	year := m.cost * m.rate
	first := year * m.first
	if m.period == 0 {
		return Num(min(first, m.cost-m.salvage))
	}
	rest := m.cost - m.salvage - first - year*(m.period-1)
	return Num(max(0, min(year, rest)))
}

// amorDegressive multiplies the rate by a coefficient that depends on the life, rounds each
// year's part to whole units, and halves what is left in the last two years.
func amorDegressive(c *Context, a Args) Value {
	m, e := c.amortization(a)
	if e != 0 {
		return Err(e)
	}
	life := 1 / m.rate
	coefficient := 2.5
	switch {
	case life <= 2:
		return c.Fail(cell.ErrNum, "there is no coefficient for so short a life")
	case life < 3:
		coefficient = 1
	case life < 5:
		coefficient = 1.5
	case life <= 6:
		coefficient = 2
	}
	rate := m.rate * coefficient
	part := math.Round(Round15(m.first * rate * m.cost))
	value := m.cost - part
	rest := value - m.salvage
	for k := 0.0; k < m.period; k++ {
		part = math.Round(Round15(rate * value))
		rest -= part
		if rest < 0 {
			if m.period-k <= 1 {
				return Num(math.Round(value * 0.5))
			}
			return Num(0)
		}
		value -= part
	}
	return Num(part)
}
