package fn

import (
	"math"
	"strings"

	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

// addInFunctions came with an add-in of Excel, the Euro Currency Tools.
var addInFunctions = []Function{
	{Name: "EUROCONVERT", Category: Financial, Params: "num text text bool? opt?", Since: 2007, Eval: euroConvert},
}

// euro is a currency that the euro replaced: what one euro is in it, fixed by Council
// Regulations (EC) No 2866/98, 1478/2000 and 1086/2006, and to how many decimals Excel
// rounds amounts of it.
type euro struct {
	rate     float64
	decimals int
}

var euroRates = map[string]euro{
	"EUR": {1, 2},
	"ATS": {13.7603, 2}, "BEF": {40.3399, 0}, "DEM": {1.95583, 2}, "ESP": {166.386, 0}, "FIM": {5.94573, 2}, "FRF": {6.55957, 2}, "GRD": {340.750, 0},
	"IEP": {0.787564, 2}, "ITL": {1936.27, 0}, "LUF": {40.3399, 0}, "NLG": {2.20371, 2}, "PTE": {200.482, 0}, "SIT": {239.640, 2},
}

// euroConvert converts between these currencies, always by way of the euro.
func euroConvert(c *Context, a Args) Value {
	from, ok1 := euroRates[strings.ToUpper(a[1].Str())]
	to, ok2 := euroRates[strings.ToUpper(a[2].Str())]
	if !ok1 || !ok2 {
		return c.Fail(cell.ErrValue, "the currency is none that the euro replaced")
	}
	x := a[0].Number()
	if from == to {
		return Num(x)
	}
	x /= from.rate
	if a.Given(4) {
		digits := a.option(4, 0)
		if digits < 3 || digits > 300 {
			return c.Fail(cell.ErrValue, "an amount in euros is rounded to 3 decimals or more")
		}
		x = roundHalf(x, digits)
	}
	x *= to.rate
	if !a.Truth(3, false) {
		x = roundHalf(x, to.decimals)
	}
	return Num(x)
}

// roundHalf rounds to so many decimals, half away from zero, as x stands in 15 digits.
func roundHalf(x float64, decimals int) float64 {
	scale := special.Pow(10, float64(decimals))
	if y := math.Round(Round15(x*scale)) / scale; y-y == 0 {
		return y
	}
	return x
}
