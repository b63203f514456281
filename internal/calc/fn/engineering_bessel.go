package fn

import "math"

// The Bessel functions as Excel has them, which is to some eight digits: rational approximations
// of orders 0 and 1 (Hart et al., Computer Approximations, 1968) and polynomials (Abramowitz and
// Stegun 9.8.1 – 9.8.8), and for higher orders the recurrence, upwards where it is stable and
// else downwards (Miller's algorithm). Cells that Excel calculated agree to the last digit.

// horner gives c[0] + c[1] y + c[2] y² + …
func horner(y float64, c ...float64) float64 {
	sum := 0.0
	for i := len(c) - 1; i >= 0; i-- {
		sum = float64(sum*y) + c[i]
	}
	return sum
}

const twoOverPi = 0.636619772 // with as many digits as the approximations were made for

// phase gives the amplitudes P and Q of the asymptotic form of J and Y of order 0 or 1, and the
// angle, for x from 8 on.
func phase(order int, x float64) (p, q, angle float64) {
	y := (8 / x) * (8 / x)
	if order == 0 {
		return horner(y, 1, -0.1098628627e-2, 0.2734510407e-4, -0.2073370639e-5, 0.2093887211e-6),
			horner(y, -0.1562499995e-1, 0.1430488765e-3, -0.6911147651e-5, 0.7621095161e-6, -0.934945152e-7), x - 0.785398164
	}
	return horner(y, 1, 0.183105e-2, -0.3516396496e-4, 0.2457520174e-5, -0.240337019e-6),
		horner(y, 0.04687499995, -0.2002690873e-3, 0.8449199096e-5, -0.88228987e-6, 0.105787412e-6), x - 2.356194491
}

func besselJ0(x float64) float64 {
	x = math.Abs(x)
	if x < 8 {
		y := x * x
		return horner(y, 57568490574, -13362590354, 651619640.7, -11214424.18, 77392.33017, -184.9052456) /
			horner(y, 57568490411, 1029532985, 9494680.718, 59272.64853, 267.8532712, 1)
	}
	p, q, a := phase(0, x)
	return math.Sqrt(twoOverPi/x) * (math.Cos(a)*p - 8/x*math.Sin(a)*q)
}

func besselJ1(x float64) float64 {
	if math.Abs(x) < 8 {
		y := x * x
		return x * horner(y, 72362614232, -7895059235, 242396853.1, -2972611.439, 15704.48260, -30.16036606) /
			horner(y, 144725228442, 2300535178, 18583304.74, 99447.43394, 376.9991397, 1)
	}
	ax := math.Abs(x)
	p, q, a := phase(1, ax)
	return math.Copysign(1, x) * math.Sqrt(twoOverPi/ax) * (math.Cos(a)*p - 8/ax*math.Sin(a)*q)
}

func besselY0(x float64) float64 {
	if x < 8 {
		y := x * x
		return horner(y, -2957821389, 7062834065, -512359803.6, 10879881.29, -86327.92757, 228.4622733)/
			horner(y, 40076544269, 745249964.8, 7189466.438, 47447.26470, 226.1030244, 1) + twoOverPi*besselJ0(x)*math.Log(x)
	}
	p, q, a := phase(0, x)
	return math.Sqrt(twoOverPi/x) * (math.Sin(a)*p + 8/x*math.Cos(a)*q)
}

func besselY1(x float64) float64 {
	if x < 8 {
		y := x * x
		return x*horner(y, -0.4900604943e13, 0.1275274390e13, -0.5153438139e11, 0.7349264551e9, -0.4237922726e7, 0.8511937935e4)/
			horner(y, 0.2499580570e14, 0.4244419664e12, 0.3733650367e10, 0.2245904002e8, 0.1020426050e6, 0.3549632885e3, 1) +
			twoOverPi*(besselJ1(x)*math.Log(x)-1/x)
	}
	p, q, a := phase(1, x)
	return math.Sqrt(twoOverPi/x) * (math.Sin(a)*p + 8/x*math.Cos(a)*q)
}

func besselI0(x float64) float64 {
	x = math.Abs(x)
	if x < 3.75 {
		return horner(x/3.75*(x/3.75), 1, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.360768e-1, 0.45813e-2)
	}
	return math.Exp(x) / math.Sqrt(x) * horner(3.75/x, 0.39894228, 0.1328592e-1, 0.225319e-2, -0.157565e-2, 0.916281e-2,
		-0.2057706e-1, 0.2635537e-1, -0.1647633e-1, 0.392377e-2)
}

func besselI1(x float64) float64 {
	if a := math.Abs(x); a >= 3.75 {
		return math.Copysign(1, x) * math.Exp(a) / math.Sqrt(a) * horner(3.75/a, 0.39894228, -0.3988024e-1, -0.362018e-2, 0.163801e-2,
			-0.1031555e-1, 0.2282967e-1, -0.2895312e-1, 0.1787654e-1, -0.420059e-2)
	}
	return x * horner(x/3.75*(x/3.75), 0.5, 0.87890594, 0.51498869, 0.15084934, 0.2658733e-1, 0.301532e-2, 0.32411e-3)
}

func besselK0(x float64) float64 {
	if x <= 2 {
		return -math.Log(x/2)*besselI0(x) + horner(x*x/4, -0.57721566, 0.42278420, 0.23069756, 0.3488590e-1, 0.262698e-2, 0.10750e-3, 0.74e-5)
	}
	return math.Exp(-x) / math.Sqrt(x) * horner(2/x, 1.25331414, -0.7832358e-1, 0.2189568e-1, -0.1062446e-1, 0.587872e-2, -0.251540e-2, 0.53208e-3)
}

func besselK1(x float64) float64 {
	if x <= 2 {
		return math.Log(x/2)*besselI1(x) + horner(x*x/4, 1, 0.15443144, -0.67278579, -0.18156897, -0.1919402e-1, -0.110404e-2, -0.4686e-4)/x
	}
	return math.Exp(-x) / math.Sqrt(x) * horner(2/x, 1.25331414, 0.23498619, -0.3655620e-1, 0.1504268e-1, -0.780353e-2, 0.325614e-2, -0.68245e-3)
}

// upwards gives order n from orders 0 and 1 by f(k+1) = 2k/x f(k) + sign f(k-1).
func upwards(n int, x, f0, f1, sign float64) float64 {
	if n == 0 {
		return f0
	}
	for k := 1; k < n && !math.IsInf(f1, 0); k++ {
		f0, f1 = f1, 2*float64(k)/x*f1+sign*f0
	}
	return f1
}

const tooLarge = 1e10 // from there on Miller's algorithm scales down

func besselJ(n int, x float64) float64 {
	a := math.Abs(x)
	var v float64
	switch {
	case n == 0:
		return besselJ0(x)
	case n == 1:
		return besselJ1(x)
	case a == 0:
		return 0
	case a > float64(n):
		v = upwards(n, a, besselJ0(a), besselJ1(a), -1)
	default:
		var sum, at, above float64
		here, even := 1.0, false
		for k := 2 * ((n + int(math.Sqrt(float64(40*n)))) / 2); k > 0; k-- {
			here, above = float64(k)*(2/a)*here-above, here
			if math.Abs(here) > tooLarge {
				here, above, at, sum = here/tooLarge, above/tooLarge, at/tooLarge, sum/tooLarge
			}
			if even {
				sum += here
			}
			even = !even
			if k == n {
				at = above
			}
		}
		v = at / (2*sum - here)
	}
	if x < 0 && n%2 == 1 {
		return -v
	}
	return v
}

func besselY(n int, x float64) float64 { return upwards(n, x, besselY0(x), besselY1(x), -1) }

func besselK(n int, x float64) float64 { return upwards(n, x, besselK0(x), besselK1(x), 1) }

func besselI(n int, x float64) float64 {
	switch {
	case n == 0:
		return besselI0(x)
	case n == 1:
		return besselI1(x)
	case x == 0:
		return 0
	}
	var at, above float64
	here := 1.0
	for k := 2 * (n + int(math.Sqrt(float64(40*n)))); k > 0; k-- {
		here, above = above+float64(k)*(2/math.Abs(x))*here, here
		if math.Abs(here) > tooLarge {
			here, above, at = here/tooLarge, above/tooLarge, at/tooLarge
		}
		if k == n {
			at = above
		}
	}
	v := at * besselI0(x) / here
	if x < 0 && n%2 == 1 {
		return -v
	}
	return v
}
