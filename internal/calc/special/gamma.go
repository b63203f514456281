package special

import "math"

const (
	epsilon  = 0x1p-53
	tiny     = 1e-300
	maxSteps = 1 << 20
	lnSqrt2π = 0.918938533204672741780329736405617639861
)

// LogGamma is the logarithm of the absolute value of Γ(x).
func LogGamma(x float64) float64 {
	l, _ := math.Lgamma(x)
	return l
}

// stirling is ln Γ(x+1) less Stirling's formula for it: what is left out by
// ½ ln 2πx + x ln x − x.
func stirling(x float64) float64 {
	if x < 10 {
		return LogGamma(x+1) - (x+0.5)*math.Log(x) + x - lnSqrt2π
	}
	y := 1 / (x * x)
	return (1./12 - y*(1./360-y*(1./1260-y*(1./1680-y*(1./1188-y*(691./360360-y/156)))))) / x
}

// deviance is x ln(x/m) + m − x without the cancellation near x = m (Loader's bd0). d is
// x − m, which some know better than the difference gives it.
func deviance(x, m, d float64) float64 {
	if math.Abs(d) >= 0.1*(x+m) {
		return x*math.Log(x/m) - d
	}
	v := d / (x + m)
	s, e := d*v, 2*x*v
	for j := 1.0; j < 1000; j++ {
		e *= v * v
		t := s + e/(2*j+1)
		if t == s {
			break
		}
		s = t
	}
	return s
}

// PoissonDensity is m^x e^−m / Γ(x+1) for x ≥ 0 (need not be whole) and m ≥ 0.
func PoissonDensity(x, m float64) float64 {
	switch {
	case m == 0:
		if x == 0 {
			return 1
		}
		return 0
	case x == 0:
		return math.Exp(-m)
	case x < 1e-8*m || m > 1e300: // only the exponential is left
		return math.Exp(-m + x*math.Log(m) - LogGamma(x+1))
	case x < 1e-5:
		return math.Exp(-m + x*math.Log(m) - LogGamma(x+1))
	}
	return math.Exp(-stirling(x)-deviance(x, m, x-m)) / math.Sqrt(2*math.Pi*x)
}

// Gamma gives the regularized incomplete gamma functions: lower is P(a, x), the share of
// the integral of t^(a−1) e^−t that lies below x, and upper is the rest. a > 0, x ≥ 0.
//
// Series and continued fraction are those of Abramowitz and Stegun 6.5.29 and 6.5.31; for
// large a near x it is N. M. Temme's uniform expansion (1979).
func Gamma(a, x float64) (lower, upper float64) {
	switch {
	case !(a > 0) || !(x >= 0):
		return math.NaN(), math.NaN()
	case x == 0:
		return 0, 1
	case math.IsInf(x, 1):
		return 1, 0
	case a > 1e5 && math.Abs(x-a) < 0.05*a:
		return temme(a, x)
	}
	density := PoissonDensity(a, x)
	if x < a+1 {
		sum, term := 1.0, 1.0
		for k := 1.0; k < maxSteps; k++ {
			term *= x / (a + k)
			sum += term
			if term < sum*epsilon {
				break
			}
		}
		lower = min(density*sum, 1)
		return lower, 1 - lower
	}
	// Lentz's way through the continued fraction
	b := x + 1 - a
	c, d := 1/tiny, 1/b
	h := d
	for k := 1.0; k < maxSteps; k++ {
		n := -k * (k - a)
		b += 2
		d = 1 / nonzero(n*d+b)
		c = nonzero(b + n/c)
		h *= d * c
		if math.Abs(d*c-1) < 2*epsilon {
			break
		}
	}
	upper = min(density*a*h, 1)
	return 1 - upper, upper
}

func nonzero(x float64) float64 {
	if math.Abs(x) < tiny {
		return tiny
	}
	return x
}

// temme is Gamma for large a and x near it, with the terms of order 1 and 1/a.
func temme(a, x float64) (lower, upper float64) {
	half := deviance(a, x, a-x) / a // η²/2, of λ − 1 − ln λ
	η := math.Copysign(math.Sqrt(2*half), x-a)
	c0 := -1./3 + η*(1./12+η*(-2./135+η*(1./864+η*(1./2835+η*(-139./777600+η/25515)))))
	c1 := -1./540 + η*(-1./288+η*(1./378+η*(-77./77760)))
	r := math.Exp(-a*half) / math.Sqrt(2*math.Pi*a) * (c0 + c1/a)
	if η < 0 {
		lower = math.Erfc(-η*math.Sqrt(a/2))/2 - r
		return lower, 1 - lower
	}
	upper = math.Erfc(η*math.Sqrt(a/2))/2 + r
	return 1 - upper, upper
}

// GammaInverse gives x with P(a, x) = lower. The smaller one of lower and upper = 1 −
// lower decides; who knows only one passes 1 less it for the other.
func GammaInverse(a, lower, upper float64) float64 {
	switch {
	case !(a > 0) || !(lower >= 0) || !(upper >= 0):
		return math.NaN()
	case lower == 0:
		return 0
	case upper == 0:
		return math.Inf(1)
	}
	// the mean, or where the power law of small x has the probability wanted
	guess := math.Log(a)
	if s := (math.Log(lower) + LogGamma(a+1)) / a; s < guess {
		guess = s
	}
	return math.Exp(solve(lower, upper, guess, -745, 709, func(s float64) (lo, up, slope float64) {
		x := math.Exp(s)
		lo, up = Gamma(a, x)
		return lo, up, PoissonDensity(a, x) * a
	}))
}

// solve finds s between the ends min and max where a distribution, which grows with s, has
// the given tails. It compares logarithms of the smaller tail, which are near to straight
// lines far out, by Newton's steps inside of a bracket. f gives both tails and the
// derivative of the lower one.
func solve(lower, upper, guess, min, max float64, f func(s float64) (lo, up, slope float64)) float64 {
	s := math.Min(math.Max(guess, min), max)
	left := lower <= upper
	for range 200 {
		lo, up, slope := f(s)
		if lo != lo {
			return lo
		}
		var diff, step float64 // diff > 0: s is too large
		if left {
			diff, step = math.Log(lo/lower), lo/slope
		} else {
			diff, step = math.Log(upper/up), up/slope
		}
		next := s - diff*step
		if math.Abs(diff) < 1e-9 && math.Abs(next-s) <= 1e-9*math.Abs(s) {
			return next // the step after it would change nothing
		}
		if diff > 0 {
			max = s
		} else {
			min = s
		}
		if !(next > min && next < max) { // also a NaN
			next = min + (max-min)/2
			if next == min || next == max {
				return next
			}
		}
		s = next
	}
	return s
}
