package special

import "math"

// Student gives the tails of Student's t distribution: below t and above it.
func Student(t, freedom float64) (lower, upper float64) {
	x, y := studentShare(t, freedom)
	tail, rest := Beta(x, y, freedom/2, 0.5)
	if t < 0 {
		return tail / 2, 0.5 + rest/2
	}
	return 0.5 + rest/2, tail / 2
}

// StudentTwoTails is the probability of a value as far from 0 as t, on either side.
func StudentTwoTails(t, freedom float64) float64 {
	x, y := studentShare(t, freedom)
	tail, _ := Beta(x, y, freedom/2, 0.5)
	return tail
}

// studentShare gives n/(n+t²) and t²/(n+t²).
func studentShare(t, n float64) (x, y float64) {
	t *= t / n // it is the odds of the other
	if math.IsInf(t, 1) {
		return 0, 1
	}
	return 1 / (1 + t), t / (1 + t)
}

// StudentDensity is the density of Student's t distribution.
func StudentDensity(t, freedom float64) float64 {
	// Γ((n+1)/2) / Γ(n/2) from the remainders of Stirling's formula
	n := freedom
	e := stirling((n+1)/2) - stirling(n/2) - deviance(n/2, (n+1)/2, -0.5)
	return math.Exp(e-(n+1)/2*math.Log1p(t*t/n)) / math.Sqrt(2*math.Pi)
}

// StudentInverseTwoTails gives t ≥ 0 with StudentTwoTails(t, freedom) = p.
func StudentInverseTwoTails(p, freedom float64) float64 {
	return math.Sqrt(freedom / BetaOdds(freedom/2, 0.5, p, 1-p))
}

// StudentInverse gives t with the probability p below it.
func StudentInverse(p, freedom float64) float64 {
	switch {
	case p == 0.5:
		return 0
	case p < 0.5:
		return -StudentInverseTwoTails(2*p, freedom)
	}
	return StudentInverseTwoTails(2*(1-p), freedom)
}

// F gives the tails of the F distribution: below x and above it.
func F(x, freedom1, freedom2 float64) (lower, upper float64) {
	odds := x * freedom1 / freedom2
	if math.IsInf(odds, 1) {
		return 1, 0
	}
	return Beta(odds/(1+odds), 1/(1+odds), freedom1/2, freedom2/2)
}

// FDensity is the density of the F distribution, x > 0.
func FDensity(x, freedom1, freedom2 float64) float64 {
	odds := x * freedom1 / freedom2
	return betaPower(odds/(1+odds), 1/(1+odds), freedom1/2, freedom2/2) / x
}

// FInverse gives x with the given tails.
func FInverse(lower, upper, freedom1, freedom2 float64) float64 {
	return BetaOdds(freedom1/2, freedom2/2, lower, upper) * freedom2 / freedom1
}
