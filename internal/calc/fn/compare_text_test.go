package fn

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestCompareText(t *testing.T) {
	// Each of these comes before the next one.
	ordered := []string{
		"", " ", " a", "!", "#", "(", ")", "*", ",", ".", "/", ":", "?", "@", "[", "_", "~", "+", "<", "=", ">", "€",
		"0", "1", "10", "2", "9a", "a", "a-", "á", "a b", "a.b", "a1", "aa", "Äb", "ac", "æd", "af", "b", "co", "coop", "co-op", "coops", "e", "é",
		"eb", "it's", "itt", "o", "ø", "op", "straß", "strasse", "z", "zz", "α", "β", "я", "中",
	}
	for i, a := range ordered {
		for j, b := range ordered {
			got := CompareText(a, b)
			if want := compareInts(i, j); got != want {
				t.Errorf("%q with %q: %d, want %d", a, b, got, want)
			}
		}
	}
	for _, same := range [][2]string{{"ABC", "abc"}, {"ÉTÉ", "été"}, {"ß", "ß"}, {"İ", "i"}} {
		if !EqualText(same[0], same[1]) || FoldText(same[0]) != FoldText(same[1]) {
			t.Errorf("%q and %q differ", same[0], same[1])
		}
	}
}

func compareInts(a, b int) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// The order is one: it is total, does not depend on who is asked first, and says equal
// exactly where FoldText does.
func TestCompareTextIsAnOrder(t *testing.T) {
	texts := rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOfN(rapid.SampledFrom([]rune("aAbB-' 1é\u0301ÉßsøİıſK中\u00ad.Æae")), 0, 5).Draw(t, "text"))
	})
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(texts, 2, 6).Draw(t, "texts")
		for _, a := range list {
			for _, b := range list {
				d := CompareText(a, b)
				if d != -CompareText(b, a) {
					t.Fatalf("%q and %q are each before the other", a, b)
				}
				if (d == 0) != (FoldText(a) == FoldText(b)) {
					t.Fatalf("%q and %q: order %d, folded %q and %q", a, b, d, FoldText(a), FoldText(b))
				}
				for _, c := range list {
					if d <= 0 && CompareText(b, c) <= 0 && CompareText(a, c) > 0 {
						t.Fatalf("%q, %q, %q go round", a, b, c)
					}
				}
			}
		}
	})
}

func BenchmarkCompareText(b *testing.B) {
	words := []string{"alpha", "Alphabet", "beta-test", "gamma", "Gamma ray", "zeta"}
	for b.Loop() {
		slices.SortFunc(slices.Clone(words), CompareText)
	}
}
