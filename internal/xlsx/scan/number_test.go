package scan

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestNumber(t *testing.T) {
	check := func(s string) {
		t.Helper()
		b := []byte(s + "</v></c>________________")
		got, next, ok := number(b, 0)
		want, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(want) || math.IsInf(want, 0) {
			if ok {
				t.Errorf("%q was read as %v", s, got)
			}
			return
		}
		if !ok || math.Float64bits(got) != math.Float64bits(want) || next != len(s) {
			t.Errorf("%q gave %v (ok %v, ends at %d), want %v", s, got, ok, next, want)
		}
	}
	for _, s := range []string{"0", "-0", "1", "12", "1234567", "12345678", "123456789", "0.1", ".5", "5.", "-1.25", "1E5", "1e-7", "1.5E+300", "1E-320",
		"9007199254740993", "0.30000000000000004", "123456789012345678901234567890", "1.7976931348623157E+308", "2.2250738585072014E-308",
		"99999999999999999999", "", "-", ".", "1e", "e5", "1e+", "abc", "1x", "--1", "1.2.3", "1e999999", "0x10", "Inf", "nan"} {
		check(s)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		check(strconv.FormatFloat(math.Float64frombits(r.Uint64()>>1), 'g', -1, 64))
		check(strconv.FormatFloat(float64(r.IntN(1e9))/100, 'f', -1, 64))
		check(strconv.FormatInt(r.Int64()>>r.IntN(64), 10))
		check(strconv.FormatFloat(r.NormFloat64(), 'E', r.IntN(20), 64))
	}
}

// What is multiplied agrees with what is divided, near halves too.
func TestOverPowerOf10(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	check := func(m uint64, e uint) {
		t.Helper()
		if m == 0 {
			return
		}
		want, err := strconv.ParseFloat(strconv.FormatUint(m, 10)+"e-"+strconv.Itoa(int(e)), 64)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := overPowerOf10(m, e), quotient(m, pow10uint[e]); math.Float64bits(a) != math.Float64bits(want) || a != b {
			t.Fatalf("%d / 10^%d gave %v and %v, want %v", m, e, a, b, want)
		}
	}
	for e := uint(1); e < 20; e++ {
		for range 20000 {
			check(r.Uint64()>>r.IntN(64), e)
			// A float64, and what lies halfway to the next, times the power: exact, or nearly.
			f := math.Float64frombits(uint64(1023+r.IntN(60))<<52 | r.Uint64()>>12)
			if hi, lo := bits.Mul64(uint64(f*2)|1, pow10uint[e]); hi == 0 {
				for d := range uint64(3) {
					check(lo/2+d-1, e)
				}
			}
			check(uint64(r.IntN(1<<20))*pow10uint[e]+pow10uint[e]/2, e)
		}
		check(math.MaxUint64, e)
		check(1, e)
	}
}
