package special

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// The digits of the references below, which are sums of series.
const digits = 300

func large(f float64) *big.Float { return new(big.Float).SetPrec(digits).SetFloat64(f) }

// largeLog gives the natural logarithm: halves and doubles, then 2·artanh((x-1)/(x+1)).
func largeLog(x *big.Float) *big.Float {
	m := new(big.Float).SetPrec(digits)
	e := x.MantExp(m)
	l := largeArtanh(m)
	two := largeArtanh(large(2))
	return l.Add(l, two.Mul(two, large(float64(e))))
}

func largeArtanh(x *big.Float) *big.Float {
	s := new(big.Float).Quo(new(big.Float).Sub(x, large(1)), new(big.Float).Add(x, large(1)))
	z, sum, power := new(big.Float).Mul(s, s), large(0), new(big.Float).Copy(s)
	for k := 1.0; k < 250; k += 2 {
		sum.Add(sum, new(big.Float).Quo(power, large(k)))
		power.Mul(power, z)
	}
	return sum.Mul(sum, large(2))
}

// largeExp gives e^x by the series of x/2^20, squared twenty times.
func largeExp(x *big.Float) *big.Float {
	r := new(big.Float).SetMantExp(x, -20)
	sum, term := large(1), large(1)
	for k := 1.0; k < 30; k++ {
		term.Quo(term.Mul(term, r), large(k))
		sum.Add(sum, term)
	}
	for range 20 {
		sum.Mul(sum, sum)
	}
	return sum
}

// away is how far f is from the number that want rounds to, in units of the last bit.
func away(f float64, want *big.Float) int64 {
	w, _ := want.Float64()
	return max(int64(math.Float64bits(f)-math.Float64bits(w)), int64(math.Float64bits(w)-math.Float64bits(f)))
}

func TestPow(t *testing.T) {
	for _, c := range []struct{ x, y, want float64 }{
		{8, 1. / 3, 2}, {27, 1. / 3, 3}, {1000, 1. / 3, 9.999999999999998}, {1.01, 10, 1.1046221254112047}, {4. / 3, -1 / 7.2, 1 - 0.03916813471227221}, {3, 33, 5559060566555523},
		{10, 22, 1e22}, {10, -15, 1e-15}, {2, -1022, 0x1p-1022}, {2, 1024, math.Inf(1)}, {10, -400, 0}, {-2, 3, -8}, {-2, 4, 16}, {-2, -3, -0.125},
		{-8, 0.5, math.NaN()}, {0, 2, 0}, {2, 0.5, math.Sqrt2}, {1, 1e300, 1}, {-1, 1e300, 1}, {0.5, 1e10, 0}, {1 + 0x1p-52, 0x1p52, 2.718281828459045},
		{7, 0, 1}, {math.MaxFloat64, 1, math.MaxFloat64}, {math.MaxFloat64, -1, 1 / math.MaxFloat64},
	} {
		if got := Pow(c.x, c.y); got != c.want && !(got != got && c.want != c.want) {
			t.Errorf("%v^%v = %v, want %v", c.x, c.y, got, c.want)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	const n = 6000
	wrong, was := 0, 0
	for i := range n {
		var x, y float64
		switch i % 4 {
		case 0: // compound interest
			x, y = 1+math.Round(r.Float64()*2000)/1e4, r.Float64()*480
		case 1: // roots
			x, y = float64(r.IntN(1000)+2), 1/float64(r.IntN(9)+3)
		case 2: // long ones
			x = math.Exp(r.Float64()*1000 - 500)
			y = r.Float64() * 700 / math.Abs(math.Log(x))
		case 3:
			x, y = 1+(r.Float64()-0.5)*0x1p-20, math.Trunc(r.Float64()*0x1p28)+squaresMax
		}
		l := largeLog(large(x))
		want := largeExp(l.Mul(l, large(y)))
		d := away(Pow(x, y), want)
		if d > 1 {
			t.Errorf("%v^%v = %v, want %v", x, y, Pow(x, y), want)
		}
		wrong, was = wrong+min(int(d), 1), was+min(int(away(math.Pow(x, y), want)), 1)
	}
	t.Logf("of %d powers %d are not the nearest number; of package math's %d", n, wrong, was)
	if wrong*1000 > n {
		t.Errorf("%d of %d powers are not the nearest number", wrong, n)
	}
}

func TestLogarithms(t *testing.T) {
	for e := -300; e <= 300; e++ {
		if got := Log10(Pow(10, float64(e))); got != float64(e) {
			t.Errorf("the logarithm of 1E%d is %v", e, got)
		}
	}
	for e := -1022; e <= 1023; e++ {
		if got := Log2(math.Ldexp(1, e)); got != float64(e) {
			t.Errorf("the logarithm of 2^%d is %v", e, got)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	ten, two := largeLog(large(10)), largeLog(large(2))
	for range 1000 {
		x := math.Exp(r.Float64()*100 - 50)
		if l := largeLog(large(x)); away(Log2(x), l.Quo(l, two)) > 0 {
			t.Errorf("the logarithm of %v is %v, want %v", x, Log2(x), l)
		}
		if l := largeLog(large(x)); away(Log10(x), l.Quo(l, ten)) > 0 {
			t.Errorf("the logarithm of %v is %v, want %v", x, Log10(x), l)
		}
	}
}

func TestExp(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const n = 5000
	wrong := 0
	for range n {
		x := math.Round((r.Float64()*40-20)*1000) / 1000
		if r.IntN(4) == 0 {
			x = r.Float64()*1416 - 708
		}
		switch got := away(Exp(x), largeExp(large(x))); {
		case got > 1:
			t.Errorf("e to the power of %v is %v, which is %d steps from the nearest number", x, Exp(x), got)
		case got == 1:
			wrong++
		}
	}
	t.Logf("of %d results %d are not the nearest number", n, wrong)
	if wrong*100 > n {
		t.Errorf("%d of %d results are not the nearest number", wrong, n)
	}
	for x, want := range map[float64]float64{0: 1, 1.5: 0x1.1ed3fe64fc541p+2, math.Inf(1): math.Inf(1), math.Inf(-1): 0, 800: math.Inf(1), -800: 0} {
		if got := Exp(x); got != want {
			t.Errorf("e to the power of %v is %v, want %v", x, got, want)
		}
	}
}

func BenchmarkExp(b *testing.B) {
	for b.Loop() {
		Exp(1.0075)
	}
}

func BenchmarkPow(b *testing.B) {
	for _, y := range []float64{2, 120, 0.37} {
		b.Run("", func(b *testing.B) {
			for b.Loop() {
				Pow(1.0075, y)
			}
		})
	}
}
