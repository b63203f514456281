package fn

import "math"

// The sine, the cosine and the tangent, which package math has with fewer digits where they are close to 0: it
// gives 6.12323399573676E-17 as the cosine of PI()/2, where there is a 77 at the end.

// π/2 in three parts.
const (
	halfPi     = 0x1.921fb54442d18p+0
	halfPiRest = 0x1.1a62633145c07p-54
	halfPiLast = -0x1.f1976b7ed8fbcp-110
)

// turned brings an angle of less than angleMax to one within an eighth of a turn, of which lo is what hi has no digits for, by so
// many quarters of a turn.
func turned(x float64) (quarters int, hi, lo float64) {
	k := math.RoundToEven(x * (2 / math.Pi))
	whole := k * halfPi
	near := x - whole // exact, because the two are close
	rest := math.FMA(k, halfPiRest, math.FMA(k, halfPi, -whole)) + k*halfPiLast
	hi = near - rest
	return int(k) & 3, hi, near - hi - rest
}

func sin(x float64) float64 { s, _ := sincos(x); return s }

func cos(x float64) float64 { _, c := sincos(x); return c }

func sincos(x float64) (s, c float64) {
	if !(math.Abs(x) < angleMax) {
		return math.Sincos(x)
	}
	quarters, hi, lo := turned(x)
	s, c = math.Sincos(hi)
	s, c = s+lo*c, c-lo*s
	switch quarters {
	case 1:
		return c, -s
	case 2:
		return -s, -c
	case 3:
		return -c, s
	}
	return s, c
}

func tan(x float64) float64 { s, c := sincos(x); return s / c }
