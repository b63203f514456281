package formula

import (
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
)

func TestPattern(t *testing.T) {
	at := cell.Ref{Row: 9, Col: 3}
	for _, c := range []struct {
		text, other string
		row         int
		want        bool
	}{
		{"A10*2", "A11*2", 10, true},
		{"A10*2", "a11*2", 10, false}, // the relative form is the same, the text is not
		{"A10*2", "B11*2", 10, false},
		{"A10*2", "A10*2", 10, false},
		{"A10*2", "A11*3", 10, false},
		{"$A$1*2", "$A$1*2", 10, true},
		{"$A1*2", "$A2*2", 10, true},
		{"SUM(A$1:A10)", "SUM(A$1:A99)", 98, true},
		{"SUM(A$1:A10)", "SUM(A$1:A099)", 98, false},
		{"SUM(A:B)", "SUM(A:B)", 500, true},
		{"SUM(9:$10)", "SUM(10:$10)", 10, true},
		{"'A 1'!A10&\"A10\"", "'A 1'!A11&\"A10\"", 10, true},
		{"'A 1'!A10&\"A10\"", "'A 1'!A11&\"A11\"", 10, false},
		{"LOG10(A10)", "LOG10(A11)", 10, true},
		{"A10+Total", "A11+Total", 10, true},
		{"A1048575", "A1048577", 11, false},
		{"A10", "A1", 0, true},
		{"A10", "A11+1", 10, false},
		{"A10", "A", 0, false},
		{"A10", "", 0, false},
	} {
		p, err := NewPattern(c.text, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Matches(c.other, c.row); got != c.want {
			t.Errorf("%q of %v matches %q of row %d: %v", c.text, at, c.other, c.row, got)
		}
		if !p.Matches(c.text, at.Row) {
			t.Errorf("%q does not match itself", c.text)
		}
	}
	if _, err := NewPattern(`"open`, at); err == nil {
		t.Error("a text without an end has a pattern")
	}
}

// TestPatternIsRelativeForm: a text matches if and only if the relative form is the same, where
// it was written in the same way.
func TestPatternIsRelativeForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"A1", "$B2", "C$3", "$D$4", "A1:B9", "A$1:A1", "AA10", "C:C", "$C:D", "3:5", "Sheet1!A1", "'x y'!B2:C3",
			"SUM(", ")", "+", ",", "1.5", `"A1"`, " ", "name", "T[a]", "1E5", "LOG10(", "#REF!", "{1,2}"})
		text := ""
		for _, w := range rapid.SliceOfN(word, 1, 7).Draw(t, "words") {
			text += w
		}
		at := cell.Ref{Row: rapid.IntRange(0, 30).Draw(t, "row"), Col: rapid.IntRange(0, 30).Draw(t, "col")}
		to := cell.Ref{Row: rapid.IntRange(0, 30).Draw(t, "row"), Col: at.Col}
		relative, err := AppendRelative(nil, text, at)
		p, err2 := NewPattern(text, at)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("%q: relative form %v, pattern %v", text, err, err2)
		}
		if err != nil {
			return
		}
		copied, err := ShiftText(text, at, to)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{copied, text} {
			r, err := AppendRelative(nil, other, to)
			if err != nil {
				t.Fatal(err)
			}
			if matches := p.Matches(other, to.Row); matches != (string(r) == string(relative)) {
				t.Fatalf("%q of %v and %q of %v: matches %v, relative forms %q and %q", text, at, other, to, matches, relative, r)
			}
		}
	})
}

func FuzzPattern(f *testing.F) {
	f.Add("SUM(A$1:B2)*C:C", "SUM(A$1:B3)*C:C", 0, 0, 1)
	f.Fuzz(func(t *testing.T, text, other string, row, col, row2 int) {
		at, to := cell.Ref{Row: row & (cell.MaxRows - 1), Col: col & (cell.MaxCols - 1)}, cell.Ref{Row: row2 & (cell.MaxRows - 1), Col: col & (cell.MaxCols - 1)}
		p, err := NewPattern(text, at)
		if err != nil || !p.Matches(other, to.Row) {
			return
		}
		a, err := AppendRelative(nil, text, at)
		if err != nil {
			t.Fatal(err)
		}
		b, err := AppendRelative(nil, other, to)
		if err != nil || string(a) != string(b) {
			t.Fatalf("%q of %v matches %q of %v, but the relative forms are %q and %q (%v)", text, at, other, to, a, b, err)
		}
	})
}

func BenchmarkPatternMatches(b *testing.B) {
	at := cell.Ref{Row: 1, Col: 3}
	p, err := NewPattern(typical, at)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(typical)))
	for b.Loop() {
		if !p.Matches(typical, at.Row) {
			b.Fatal("no match")
		}
	}
}
