package fn

import (
	"math"

	"gridflow/internal/cell"
)

var combinatoricFunctions = []Function{
	{Name: "COMBIN", Category: Math, Params: "num num", Since: 2007, Eval: func(c *Context, a Args) Value {
		n, k := math.Trunc(a[0].Number()), math.Trunc(a[1].Number())
		if n < 0 || k < 0 || n < k {
			return c.Fail(cell.ErrNum, "COMBIN chooses no more than there are, and not less than none")
		}
		return Num(combinations(n, k))
	}},
	{Name: "COMBINA", Category: Math, Params: "num num", Since: 2013, Eval: func(c *Context, a Args) Value {
		n, k := math.Trunc(a[0].Number()), math.Trunc(a[1].Number())
		switch {
		case n < 0 || k < 0 || n == 0 && k > 0:
			return c.Fail(cell.ErrNum, "COMBINA chooses from one thing or more")
		case k == 0:
			return Num(1)
		}
		return Num(combinations(n+k-1, k))
	}},
	{Name: "FACT", Category: Math, Params: "num", Since: 2007, Eval: of1(func(x float64) float64 { return factorial(x, 1) })},
	{Name: "FACTDOUBLE", Category: Math, Params: "real", Since: 2007, Eval: of1(func(x float64) float64 {
		if x = math.Trunc(x); x == -1 {
			return 1
		}
		return factorial(x, 2)
	})},
	{Name: "GCD", Category: Math, Params: "range...", Since: 2007, Eval: divisors(0, gcd)},
	{Name: "LCM", Category: Math, Params: "range...", Since: 2007, Eval: divisors(1, func(x, y float64) float64 {
		if x == 0 || y == 0 {
			return 0
		}
		if x >= 1<<53 {
			return x // too large already; past all numbers there would be no divisor to find
		}
		return x / gcd(x, y) * y
	})},
	{Name: "MULTINOMIAL", Category: Math, Params: "range...", Since: 2007, Eval: multinomial},
}

// combinations gives n choose k for whole numbers 0 ≤ k ≤ n.
func combinations(n, k float64) float64 {
	k = math.Min(k, n-k)
	if k > 1e6 { // far beyond what a number can hold, but for n/2 > k that is itself too large
		return math.Inf(1)
	}
	r := 1.0
	for i := 1.0; i <= k && !math.IsInf(r, 1); i++ {
		// the product of i neighbours is divisible by i!, so that each step is a whole number
		if next := r * (n - k + i); next < 1<<53 {
			r = next / i
		} else {
			r *= (n - k + i) / i
		}
	}
	if r < 1<<53 {
		return math.Round(r)
	}
	return r
}

// factorial multiplies x, x-step, x-2·step and so on down to 1; it is no number for x < 0.
func factorial(x, step float64) float64 {
	x = math.Trunc(x)
	switch {
	case x < 0:
		return math.NaN()
	case x > 300:
		return math.Inf(1)
	}
	r := 1.0
	for ; x > 1; x -= step {
		r *= x
	}
	return r
}

// divisors makes GCD or LCM: f combines whole numbers that are not negative.
func divisors(start float64, f func(x, y float64) float64) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		numbers, e := c.strictNumbers(a)
		if e != 0 {
			return Err(e)
		}
		r := start
		for _, x := range numbers {
			if x = math.Trunc(x); x < 0 || x >= 1<<53 {
				return c.Fail(cell.ErrNum, "divisors are of whole numbers from 0 to 2^53")
			}
			r = f(r, x)
		}
		if r >= 1<<53 {
			return c.Fail(cell.ErrNum, "the result is larger than 2^53")
		}
		return Num(r)
	}
}

// gcd gives the greatest common divisor of whole numbers by Euclid's algorithm.
func gcd(x, y float64) float64 {
	for y != 0 {
		x, y = y, math.Mod(x, y)
	}
	return x
}

// multinomial gives the factorial of the sum over the product of the factorials.
func multinomial(c *Context, a Args) Value {
	numbers, e := c.strictNumbers(a)
	if e != 0 {
		return Err(e)
	}
	sum, r := 0.0, 1.0
	for _, x := range numbers {
		if x = math.Trunc(x); x < 0 {
			return c.Fail(cell.ErrNum, "there is no factorial of a negative number")
		}
		sum += x
		r *= combinations(sum, x)
	}
	return Num(r)
}
