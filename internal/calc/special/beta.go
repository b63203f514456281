package special

import "math"

// LogBeta is the logarithm of the beta function, a, b > 0.
func LogBeta(a, b float64) float64 {
	return LogGamma(a) + LogGamma(b) - LogGamma(a+b)
}

// BinomialDensity is Γ(n+1) / Γ(x+1) / Γ(n−x+1) · p^x q^(n−x) for 0 ≤ x ≤ n, which need not
// be whole, and q = 1 − p.
func BinomialDensity(x, n, p, q float64) float64 {
	switch {
	case p == 0:
		if x == 0 {
			return 1
		}
		return 0
	case q == 0:
		if x == n {
			return 1
		}
		return 0
	case x == 0:
		return powerOf(q, p, n)
	case x == n:
		return powerOf(p, q, n)
	case x < 0 || x > n:
		return 0
	}
	d := x*q - (n-x)*p // x − np
	e := stirling(n) - stirling(x) - stirling(n-x) - deviance(x, n*p, d) - deviance(n-x, n*q, -d)
	return math.Exp(e) * math.Sqrt(n/(2*math.Pi*x*(n-x)))
}

// powerOf is p^n, for which q = 1 − p is known better where p is near 1.
func powerOf(p, q, n float64) float64 {
	if q < 0.1 {
		return math.Exp(n * math.Log1p(-q))
	}
	return Pow(p, n)
}

// Beta gives the regularized incomplete beta function: lower is I_x(a, b), and upper is
// the rest. y is 1 − x, which the caller often knows better than the difference gives it.
//
// A continued fraction gives it on the side where it converges fast. It takes some √(a+b) steps; for a+b beyond 1e12 the answer
// is NaN.
func Beta(x, y, a, b float64) (lower, upper float64) {
	switch {
	case !(a > 0) || !(b > 0) || !(a+b <= 1e12) || !(x >= 0) || !(y >= 0):
		return math.NaN(), math.NaN()
	case x == 0:
		return 0, 1
	case y == 0:
		return 1, 0
	case x*(a+b+2) > a+1:
		lower, upper = betaFraction(y, x, b, a)
		return upper, lower
	}
	return betaFraction(x, y, a, b)
}

// betaFraction gives the lower tail where it is not much more than a half: the continued
// fraction of A. R. DiDonato and A. H. Morris (1992), equation 9, by Lentz's way.
func betaFraction(x, y, a, b float64) (lower, upper float64) {
	middle := a*y - b*x + 1
	f := a * middle / (a + 1)
	c, d := f, 0.0
	for m := 1.0; m < maxSteps; m++ {
		e := a + 2*m - 1
		up := (a + m - 1) / e * ((a + b + m - 1) / e) * m * (b - m) * x * x
		below := m + m*(b-m)*x/e + (a+m)*(middle+m*(2-x))/(e+2)
		d = 1 / nonzero(below+up*d)
		c = nonzero(below + up/c)
		f *= c * d
		if math.Abs(c*d-1) < 4*epsilon {
			break
		}
	}
	lower = min(betaPower(x, y, a, b)/f, 1)
	return lower, 1 - lower
}

// betaPower is x^a y^b / B(a, b).
func betaPower(x, y, a, b float64) float64 {
	if a < 1e-5 || b < 1e-5 {
		return math.Exp(a*math.Log(x) + b*math.Log(y) - LogBeta(a, b))
	}
	return a * b / (a + b) * BinomialDensity(a, a+b, x, y)
}

// BetaDensity is x^(a−1) y^(b−1) / B(a, b), y = 1 − x.
func BetaDensity(x, y, a, b float64) float64 {
	if x == 0 || y == 0 {
		return Pow(x, a-1) * Pow(y, b-1) / math.Exp(LogBeta(a, b))
	}
	return betaPower(x, y, a, b) / x / y
}

// BetaOdds gives x/(1−x) where I_x(a, b) = lower, and upper = 1 − lower: the smaller one
// decides. The odds keep what x loses near 1.
func BetaOdds(a, b, lower, upper float64) float64 {
	switch {
	case !(a > 0) || !(b > 0) || !(lower >= 0) || !(upper >= 0):
		return math.NaN()
	case lower == 0:
		return 0
	case upper == 0:
		return math.Inf(1)
	}
	// the mean, or where the power law near an end has the probability wanted
	guess := math.Log(a / b)
	if s := (math.Log(lower) + math.Log(a) + LogBeta(a, b)) / a; s < guess && s < -1 {
		guess = s
	} else if s := -(math.Log(upper) + math.Log(b) + LogBeta(a, b)) / b; s > guess && s > 1 {
		guess = s
	}
	return math.Exp(solve(lower, upper, guess, -745, 709, func(s float64) (lo, up, slope float64) {
		x, y := 1/(1+math.Exp(-s)), 1/(1+math.Exp(s))
		lo, up = Beta(x, y, a, b)
		return lo, up, betaPower(x, y, a, b)
	}))
}
