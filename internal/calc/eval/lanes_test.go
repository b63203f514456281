package eval

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// someNumber draws numbers of all sizes, and those at the ends of what is normal.
func someNumber() *rapid.Generator[float64] {
	ends := []float64{0, math.Copysign(0, -1), 1, -1, 0x1p-1022, 0x1.fffffffffffffp-1023, 5e-324, -5e-324, 0x1p-511, 0x1p-512, math.MaxFloat64, -math.MaxFloat64, 1e200, 0.30000000000000004, -0.3,
		1 + 0x1p-48, 1 + 0x1p-49, math.NaN(), boxedLike}
	return rapid.OneOf(rapid.SampledFrom(ends), rapid.Float64(), rapid.Float64Range(-10, 10))
}

var boxedLike = math.Float64frombits(0x7ffc000300000001)

// TestWideLanes: what a processor does four lanes at a time is what is done lane by lane: the results, where none is odd, and
// whether one is.
func TestWideLanes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		op := laneOp(rapid.IntRange(int(laneAdd), int(laneGather)).Draw(t, "op"))
		n := rapid.IntRange(1, 19).Draw(t, "n")
		some := func(name string) (l Lane) {
			if rapid.Bool().Draw(t, name) {
				return Lane{F: someNumber().Draw(t, name)}
			}
			return Lane{List: rapid.SliceOfN(someNumber(), n, n).Draw(t, name)}
		}
		x, y := some("x"), some("y")
		wide := make([]float64, n)
		odd := op.arithmetic(wide, &x, &y)
		any := false
		for i := range n {
			one := make([]float64, 1)
			any = op.arithmetic(one, &Lane{F: x.at(i)}, &Lane{F: y.at(i)}) || any
			if a, b := wide[i], one[0]; math.Float64bits(a) != math.Float64bits(b) && (a == a || b == b) {
				t.Fatalf("operator %d, lane %d of %d: %v and %v give %v, and %v alone", op, i, n, x.at(i), y.at(i), a, b)
			}
		}
		if odd != any {
			t.Fatalf("operator %d of %v and %v is odd: %v, and lane by lane %v", op, x, y, odd, any)
		}
	})
}
