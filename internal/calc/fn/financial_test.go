package fn

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
)

// call calls a function of the table on numbers.
func call(t interface{ Fatalf(string, ...any) }, name string, args ...float64) Value {
	f := Find(name)
	if f == nil {
		t.Fatalf("there is no %s", name)
	}
	values := make([]Value, len(args))
	for i, x := range args {
		values[i] = Num(x)
	}
	return Apply(gridBook{}.context(), f, values)
}

func near(t interface{ Fatalf(string, ...any) }, what string, got Value, want, tolerance float64) {
	if got.Err() != 0 || math.Abs(got.Number()-want) > tolerance*math.Max(1, math.Abs(want)) {
		t.Fatalf("%s gives %v, not %.17g", what, got.Scalar(), want)
	}
}

// An annuity that was calculated with a rate, a number of periods or a value has them.
func TestAnnuityThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0.0005, 0.2).Draw(t, "rate")
		n := float64(rapid.IntRange(2, 400).Draw(t, "periods"))
		pv := rapid.Float64Range(100, 1e6).Draw(t, "value")
		due := float64(rapid.IntRange(0, 1).Draw(t, "due"))
		pmt := call(t, "PMT", rate, n, pv, 0, due).Number()
		near(t, "PV", call(t, "PV", rate, n, pmt, 0, due), pv, 1e-9)
		if math.Pow(1+rate, n) < 1e6 { // else the last payments do not show in the digits of the value
			// from far away RATE gives up, as Excel does
			guess := rate * rapid.Float64Range(0.98, 1.05).Draw(t, "guess")
			near(t, "RATE", call(t, "RATE", n, pmt, pv, 0, due, guess), rate, 1e-9)
			near(t, "NPER", call(t, "NPER", rate, pmt, pv, 0, due), n, 1e-7)
		}
		k := float64(rapid.IntRange(1, int(n)).Draw(t, "period"))
		interest, principal := call(t, "IPMT", rate, k, n, pv, 0, due), call(t, "PPMT", rate, k, n, pv, 0, due)
		near(t, "IPMT + PPMT", Num(interest.Number()+principal.Number()), pmt, 1e-9)
		near(t, "CUMPRINC", call(t, "CUMPRINC", rate, n, pv, 1, n, due), -pv, 1e-9)
		near(t, "CUMIPMT", call(t, "CUMIPMT", rate, n, pv, 1, n, due), pmt*n+pv, 1e-9)
	})
}

// A bond's price at a yield has that yield, with regular and with odd periods.
func TestBondThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		settlement := float64(rapid.IntRange(30000, 50000).Draw(t, "settlement"))
		maturity := settlement + float64(rapid.IntRange(1, 12000).Draw(t, "days"))
		rate := rapid.Float64Range(0, 0.15).Draw(t, "rate")
		yield := rapid.Float64Range(0.0001, 0.3).Draw(t, "yield")
		frequency := rapid.SampledFrom([]float64{1, 2, 4}).Draw(t, "frequency")
		basis := float64(rapid.IntRange(0, 4).Draw(t, "basis"))
		p := call(t, "PRICE", settlement, maturity, rate, yield, 100, frequency, basis)
		if p.Err() == 0 && p.Number() > 0 {
			// days that the basis does not count leave nothing to find a yield by
			if maturity > settlement+10 {
				near(t, "YIELD", call(t, "YIELD", settlement, maturity, rate, p.Number(), 100, frequency, basis), yield, 1e-9)
			}
		}
		last := settlement - float64(rapid.IntRange(1, 300).Draw(t, "since"))
		p = call(t, "ODDLPRICE", settlement, maturity, last, rate, yield, 100, frequency, basis)
		if p.Err() == 0 && p.Number() > 0 && maturity > settlement+10 {
			near(t, "ODDLYIELD", call(t, "ODDLYIELD", settlement, maturity, last, rate, p.Number(), 100, frequency, basis), yield, 1e-9)
		}
		// days of a coupon period add up where they are counted one by one
		bs, nc, all := call(t, "COUPDAYBS", settlement, maturity, frequency, 1), call(t, "COUPDAYSNC", settlement, maturity, frequency, 1), call(t, "COUPDAYS", settlement, maturity, frequency, 1)
		near(t, "COUPDAYBS + COUPDAYSNC", Num(bs.Number()+nc.Number()), all.Number(), 0)
		pcd, ncd := call(t, "COUPPCD", settlement, maturity, frequency), call(t, "COUPNCD", settlement, maturity, frequency)
		if pcd.Number() > settlement || ncd.Number() <= settlement || ncd.Number() > maturity {
			t.Fatalf("coupons on %v and %v around %v", pcd.Number(), ncd.Number(), settlement)
		}
	})
}

// Flows that were made with a rate are worth nothing at it.
func TestInternalRateOfReturn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(-0.3, 1).Draw(t, "rate")
		flows := rapid.SliceOfN(rapid.Float64Range(1, 1000), 1, 30).Draw(t, "flows")
		values, dates := NewArray(1, len(flows)+1), NewArray(1, len(flows)+1)
		dates.Cells[0] = cell.NumberValue(40000)
		worth := 0.0
		for i, x := range flows {
			worth += x / math.Pow(1+rate, float64(i+1))
			values.Cells[i+1] = cell.NumberValue(x)
			dates.Cells[i+1] = cell.NumberValue(40000 + 365*float64(i+1))
		}
		values.Cells[0] = cell.NumberValue(-worth)
		c := gridBook{}.context()
		near(t, "IRR", Apply(c, Find("IRR"), []Value{Of(values)}), rate, 1e-9)
		near(t, "XIRR", Apply(c, Find("XIRR"), []Value{Of(values), Of(dates)}), rate, 1e-9)
	})
}

// What is written off over the whole life is the cost less the salvage value.
func TestDepreciationAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cost := rapid.Float64Range(100, 10000).Draw(t, "cost")
		salvage := cost * rapid.Float64Range(0, 0.9).Draw(t, "salvage")
		life := float64(rapid.IntRange(1, 40).Draw(t, "life"))
		factor := rapid.Float64Range(1, 3).Draw(t, "factor")
		at := life * rapid.Float64Range(0, 1).Draw(t, "at")
		near(t, "VDB", call(t, "VDB", cost, salvage, life, 0, life, factor), cost-salvage, 1e-9)
		one, two := call(t, "VDB", cost, salvage, life, 0, at, factor), call(t, "VDB", cost, salvage, life, at, life, factor)
		near(t, "VDB in two parts", Num(one.Number()+two.Number()), cost-salvage, 1e-9)
		syd, ddb := 0.0, 0.0
		for k := 1.0; k <= life; k++ {
			syd += call(t, "SYD", cost, salvage, life, k).Number()
			ddb += call(t, "DDB", cost, salvage, life, k, factor).Number()
		}
		near(t, "SYD", Num(syd), cost-salvage, 1e-9)
		if ddb > (cost-salvage)*(1+1e-9) {
			t.Fatalf("DDB writes off %v of %v", ddb, cost-salvage)
		}
	})
}
