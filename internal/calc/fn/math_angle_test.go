package fn

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// exactSine is the sine of x to 60 digits or so: its series, after whole turns were taken off with as many digits of π.
func exactSine(x float64, quarter bool) float64 {
	const digits = 400
	num := func(f float64) *big.Float { return new(big.Float).SetPrec(digits).SetFloat64(f) }
	pi, _, err := big.ParseFloat("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534211706798214808651328230664709", 10, digits, big.ToNearestEven)
	if err != nil {
		panic(err)
	}
	at := num(x)
	if quarter {
		at.Add(at, new(big.Float).Quo(pi, num(2)))
	}
	turns, _ := new(big.Float).Quo(at, new(big.Float).Mul(pi, num(2))).Int64()
	at.Sub(at, new(big.Float).Mul(num(float64(turns)), new(big.Float).Mul(pi, num(2))))
	sum, term := num(0), new(big.Float).Set(at)
	for n := 1.0; n < 140; n += 2 {
		sum.Add(sum, term)
		term.Mul(term, at).Mul(term, at).Quo(term, num(-(n+1)*(n+2)))
	}
	f, _ := sum.Float64()
	return f
}

// Sines, cosines and tangents have the digits of a number everywhere, also where they are close to 0.
func TestAngles(t *testing.T) {
	check := func(t rapid.TB, x float64) {
		s, c := exactSine(x, false), exactSine(x, true)
		for _, f := range []struct {
			name      string
			got, want float64
		}{{"sin", sin(x), s}, {"cos", cos(x), c}, {"tan", tan(x), s / c}} {
			if math.Abs(f.got-f.want) > 5e-16*math.Abs(f.want) {
				t.Fatalf("%s(%v) = %v, want %v", f.name, x, f.got, f.want)
			}
		}
	}
	for k := -40.0; k <= 40; k++ {
		check(t, k*math.Pi/4)
	}
	for _, k := range []float64{1e3, 12345, 1e6, 5e7} {
		check(t, k*math.Pi/2)
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, rapid.Float64Range(-angleMax, angleMax).Draw(t, "x"))
		check(t, rapid.Float64Range(-10, 10).Draw(t, "near"))
		check(t, float64(rapid.IntRange(-8e7, 8e7).Draw(t, "quarters"))*math.Pi/2)
	})
}
