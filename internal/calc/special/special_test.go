package special

import (
	"bufio"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestReference compares with values of many digits. The bound is a relative one; the
// density of a distribution far out is worth its exponent's rounding, which is why the
// logarithm of the value widens it.
func TestReference(t *testing.T) {
	functions := map[string]func(a []float64) float64{
		"GammaLower":      func(a []float64) float64 { l, _ := Gamma(a[0], a[1]); return l },
		"GammaUpper":      func(a []float64) float64 { _, u := Gamma(a[0], a[1]); return u },
		"PoissonDensity":  func(a []float64) float64 { return PoissonDensity(a[0], a[1]) },
		"BetaLower":       func(a []float64) float64 { l, _ := Beta(a[0], 1-a[0], a[1], a[2]); return l },
		"BetaUpper":       func(a []float64) float64 { _, u := Beta(a[0], 1-a[0], a[1], a[2]); return u },
		"BetaDensity":     func(a []float64) float64 { return BetaDensity(a[0], 1-a[0], a[1], a[2]) },
		"StudentTwoTails": func(a []float64) float64 { return StudentTwoTails(a[0], a[1]) },
		"StudentDensity":  func(a []float64) float64 { return StudentDensity(a[0], a[1]) },
		"Normal":          func(a []float64) float64 { return Normal(a[0]) },
		"NormalInverse":   func(a []float64) float64 { return NormalInverse(a[0]) },
	}
	file, err := os.Open("testdata/reference.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	worst := map[string]float64{}
	for s := bufio.NewScanner(file); s.Scan(); {
		line := s.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		call, value, _ := strings.Cut(line, " = ")
		want, _ := strconv.ParseFloat(value, 64)
		fields := strings.Fields(call)
		var args []float64
		for _, f := range fields[1:] {
			x, _ := strconv.ParseFloat(f, 64)
			args = append(args, x)
		}
		got := functions[fields[0]](args)
		off := math.Abs(got-want) / math.Abs(want)
		worst[fields[0]] = math.Max(worst[fields[0]], off)
		if limit := 2e-13 + 4e-15*math.Abs(math.Log(math.Abs(want))); !(off <= limit) {
			t.Errorf("%s: %.17g, off by %.2g", line, got, off)
		}
	}
	t.Log(worst)
}

// TestInverses takes probabilities there and back.
func TestInverses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := math.Exp(-rapid.Float64Range(0.0001, 300).Draw(t, "−ln p"))
		flip := rapid.Bool().Draw(t, "upper")
		lower, upper := p, 1-p
		if flip {
			lower, upper = upper, lower
		}
		tail := func(lo, up float64) float64 {
			if flip {
				return up
			}
			return lo
		}
		a := math.Exp(rapid.Float64Range(-2, 9).Draw(t, "ln a"))
		b := math.Exp(rapid.Float64Range(-2, 9).Draw(t, "ln b"))
		check := func(name string, got float64) {
			if !(math.Abs(got-p) <= 1e-11*p) {
				t.Fatalf("%s: %g came back as %g", name, p, got)
			}
		}
		if x := GammaInverse(a, lower, upper); x > 1e-300 {
			check("Gamma", tail(Gamma(a, x)))
		}
		if o := BetaOdds(a, b, lower, upper); o > 1e-300 && o < 1e300 {
			check("Beta", tail(Beta(o/(1+o), 1/(1+o), a, b)))
		}
		if n := math.Ceil(a); p < 1 {
			check("Student", StudentTwoTails(StudentInverseTwoTails(p, n), n))
		}
		if p > 1e-300 {
			check("Normal", Normal(NormalInverse(p)))
		}
	})
}

// TestBadArguments asks for values where there are none.
func TestBadArguments(t *testing.T) {
	odd := []float64{0, -1, 1, 0.5, math.NaN(), math.Inf(1), math.Inf(-1), 1e300, 5e-324, -1e300}
	for _, x := range odd {
		for _, y := range odd {
			Gamma(x, y)
			GammaInverse(x, y, 1-y)
			PoissonDensity(x, y)
			NormalInverse(x)
			StudentInverse(x, y)
			StudentDensity(x, y)
			for _, z := range odd {
				Beta(x, 1-x, y, z)
				BetaOdds(x, y, z, 1-z)
				BetaDensity(x, 1-x, y, z)
				F(x, y, z)
				FDensity(x, y, z)
			}
		}
	}
}
