package fn

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// What two functions say of the same numbers agrees.
func TestStatisticsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 30).Draw(t, "n")
		draw := func(what string) ([]float64, Value) {
			xs := rapid.SliceOfN(rapid.Map(rapid.IntRange(-50, 50), func(i int) float64 { return float64(i) / 4 }), n, n).Draw(t, what)
			xs[0], xs[1] = 0, 1 // not all the same
			return xs, Of(Column(cellsOf(xs)))
		}
		xs, x := draw("x")
		ys, y := draw("y")
		c := gridBook{}.context()
		ask := func(name string, args ...Value) Value { return Apply(c, Find(name), args) }
		number := func(name string, args ...Value) float64 {
			v := ask(name, args...)
			if v.Err() != 0 {
				t.Fatalf("%s gives %v", name, v.Err())
			}
			return v.Number()
		}

		sorted := slices.Sorted(slices.Values(xs))
		k := rapid.IntRange(1, n).Draw(t, "k")
		near(t, "SMALL", ask("SMALL", x, Num(float64(k))), sorted[k-1], 0)
		near(t, "LARGE", ask("LARGE", x, Num(float64(n+1-k))), sorted[k-1], 0)
		near(t, "PERCENTILE.INC", ask("PERCENTILE.INC", x, Num(0.5)), number("MEDIAN", x), 1e-12)
		near(t, "QUARTILE.EXC", ask("QUARTILE.EXC", x, Num(2)), number("MEDIAN", x), 1e-12)
		near(t, "PERCENTILE.INC at a place", ask("PERCENTILE.INC", x, Num(float64(k-1)/float64(n-1))), sorted[k-1], 1e-9)

		counts := ask("FREQUENCY", x, y).Array()
		total := 0.0
		for _, v := range counts.Cells {
			total += v.Number()
		}
		near(t, "FREQUENCY", Num(total), float64(n), 0)

		near(t, "COVARIANCE.P", ask("COVARIANCE.P", x, x), number("VAR.P", x), 1e-12)
		near(t, "DEVSQ", ask("DEVSQ", x), number("VAR.S", x)*float64(n-1), 1e-12)
		slope, intercept := number("SLOPE", y, x), number("INTERCEPT", y, x)
		line := ask("LINEST", y, x, True, True).Array()
		near(t, "LINEST", Scalar(line.At(0, 0)), slope, 1e-9)
		near(t, "LINEST", Scalar(line.At(0, 1)), intercept, 1e-9)
		near(t, "LINEST", Scalar(line.At(2, 0)), number("RSQ", y, x), 1e-9)
		if n > 2 {
			near(t, "LINEST", Scalar(line.At(2, 1)), number("STEYX", y, x), 1e-6)
		}
		trend := ask("TREND", y, x).Array()
		for i := range ys {
			near(t, "TREND", Scalar(trend.At(i, 0)), number("FORECAST.LINEAR", Num(xs[i]), y, x), 1e-9)
		}
	})
}
