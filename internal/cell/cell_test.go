package cell

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anyRef draws a cell, those at the edges often.
func anyRef() *rapid.Generator[Ref] {
	return rapid.Custom(func(t *rapid.T) Ref {
		row := rapid.OneOf(rapid.IntRange(0, MaxRows-1), rapid.SampledFrom([]int{0, 8, 9, 98, 99, MaxRows - 1})).Draw(t, "row")
		col := rapid.OneOf(rapid.IntRange(0, MaxCols-1), rapid.SampledFrom([]int{0, 25, 26, 701, 702, MaxCols - 1})).Draw(t, "col")
		return Ref{row, col}
	})
}

// TestRoundTrips checks that what is written as A1 text reads back as the same cells, in
// lower case, with dollar signs and with its corners swapped too.
func TestRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyRef().Draw(t, "a"), anyRef().Draw(t, "b")
		text := a.String()
		dollars := "$" + ColumnName(a.Col) + "$" + strconv.Itoa(a.Row+1)
		for _, form := range []string{text, strings.ToLower(text), dollars} {
			if got, ok := ParseRef(form); !ok || got != a {
				t.Fatalf("%q is read as %v %v, wanted %v", form, got, ok, a)
			}
		}
		r := RangeOf(a, b)
		if !r.Contains(a) || !r.Contains(b) || r.Rows() < 1 || r.Cols() < 1 || r.Cells() != int64(r.Rows())*int64(r.Cols()) {
			t.Fatalf("the range of %v and %v is %v", a, b, r)
		}
		for _, form := range []string{r.String(), a.String() + ":" + b.String(), b.String() + ":" + a.String()} {
			if got, ok := ParseRange(form); !ok || got != r {
				t.Fatalf("%q is read as %v %v, wanted %v", form, got, ok, r)
			}
		}
	})
}

// TestEdges holds what is just inside of a worksheet and what is just outside.
func TestEdges(t *testing.T) {
	for _, c := range []struct {
		text string
		ok   bool
	}{
		{"A1", true}, {"XFD1048576", true}, {"$XFD$1048576", true}, {"xfd1", true},
		{"XFE1", false}, {"A1048577", false}, {"A0", false}, {"AAAA1", false}, {"A01", false}, {"1A", false}, {"A", false}, {"1", false}, {"", false},
		{"A1 ", false}, {"A-1", false}, {"A99999999999999999999", false}, {"\u00c41", false}, {"A\u0661", false},
	} {
		if ref, ok := ParseRef(c.text); ok != c.ok || ok && !ref.Valid() {
			t.Errorf("%q: %v %v, wanted %v", c.text, ref, ok, c.ok)
		}
	}
	for text, want := range map[string]string{"B:A": "A:B", "5:2": "2:5", "A:XFD": "1:1048576", "1:1048576": "1:1048576", "$C:$C": "C:C", "A1:A1": "A1", "D4:B2": "B2:D4"} {
		r, ok := ParseRange(text)
		if !ok || r.String() != want && r != WholeSheet {
			t.Errorf("%q is read as %v %v, wanted %s", text, r, ok, want)
		}
	}
	for _, text := range []string{"A:XFE", "0:1", "1:1048577", "A1:B", "A1:2", "A:", ":A", "A1:B2:C3", "A1:", "A::B"} {
		if r, ok := ParseRange(text); ok {
			t.Errorf("%q is read as %v", text, r)
		}
	}
}

// TestRangesAgree checks Intersect and Union against the definition.
func TestRangesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.Custom(func(t *rapid.T) Ref {
			return Ref{rapid.IntRange(0, 6).Draw(t, "row"), rapid.IntRange(0, 6).Draw(t, "col")}
		})
		a := RangeOf(small.Draw(t, "a1"), small.Draw(t, "a2"))
		b := RangeOf(small.Draw(t, "b1"), small.Draw(t, "b2"))
		x, touch := a.Intersect(b)
		u := a.Union(b)
		shared := 0
		for row := range 7 {
			for col := range 7 {
				at := Ref{row, col}
				both := a.Contains(at) && b.Contains(at)
				if both {
					shared++
				}
				if touch && x.Contains(at) != both {
					t.Fatalf("%v and %v: %v in %v", a, b, at, x)
				}
				if (a.Contains(at) || b.Contains(at)) && !u.Contains(at) {
					t.Fatalf("%v and %v: %v not in %v", a, b, at, u)
				}
			}
		}
		if touch != (shared > 0) {
			t.Fatalf("%v and %v touch: %v", a, b, touch)
		}
		if !u.ContainsRange(a) || !u.ContainsRange(b) {
			t.Fatalf("%v does not contain %v and %v", u, a, b)
		}
	})
}

// TestNumbersReadBack checks that a number's text is the number.
func TestNumbersReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Float64().Draw(t, "f")
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return
		}
		text := string(AppendNumber(nil, f))
		if back, err := strconv.ParseFloat(text, 64); err != nil || back != f {
			t.Fatalf("%v is written %s, which is %v %v", f, text, back, err)
		}
	})
	for f, want := range map[float64]string{0: "0", 1e14: "100000000000000", 999999999999999: "999999999999999", 1e15: "1000000000000000", 1e21: "1E+21", 1e-5: "0.00001", 1e-6: "1E-06", 0.1: "0.1", -2.5: "-2.5"} {
		if got := string(AppendNumber(nil, f)); got != want {
			t.Errorf("%v is written %s, wanted %s", f, got, want)
		}
	}
}

// TestQuotedSheetsReadBack checks that a sheet's name, quoted where it must be, comes
// back from before a reference.
func TestQuotedSheetsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Za-z0-9_.' !é-]{1,20}`).Draw(t, "name")
		sheet, rest, ok := SplitSheet(QuoteSheet(name) + "!B2")
		if !ok || sheet != name || rest != "B2" {
			t.Fatalf("%q: got %q, %q, %v from %s", name, sheet, rest, ok, QuoteSheet(name)+"!B2")
		}
	})
}

// TestErrorsReadBack checks that each error value has a text of its own that reads back.
func TestErrorsReadBack(t *testing.T) {
	seen := map[string]bool{}
	for e := ErrNull; e <= ErrCirc; e++ {
		if got, ok := ParseError(e.String()); !ok || got != e || seen[e.String()] {
			t.Errorf("%v is read as %v %v", e, got, ok)
		}
		seen[e.String()] = true
	}
	for _, text := range []string{"", "#", "N/A", "#n/a", "#N/A ", "#REF"} {
		if e, ok := ParseError(text); ok {
			t.Errorf("%q is read as %v", text, e)
		}
	}
}

// TestValueOf: a value is made again of its parts, whatever kind it is.
func TestValueOf(t *testing.T) {
	for _, v := range []Value{{}, NumberValue(-2.5), BoolValue(true), BoolValue(false), TextValue(""), TextValue("x"), ErrorValue(ErrNA), ErrorValue(ErrCirc)} {
		if got := ValueOf(v.Kind(), v.Payload(), v.Text()); got != v {
			t.Errorf("%v %v is made again as %v %v", v.Kind(), v, got.Kind(), got)
		}
	}
	if got := ValueOf(Blank, 7, "left"); !got.IsBlank() || got != (Value{}) {
		t.Errorf("a blank is made as %v", got)
	}
}
