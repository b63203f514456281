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
		at          cell.Ref
		want        bool
	}{
		{"A10*2", "A11*2", cell.Ref{Row: 10, Col: 3}, true},
		{"A10*2", "a11*2", cell.Ref{Row: 10, Col: 3}, true},
		{"A10*2", "B10*2", cell.Ref{Row: 9, Col: 4}, true},
		{"A10*2", "A10*2", cell.Ref{Row: 10, Col: 3}, false},
		{"A10*2", "A11*3", cell.Ref{Row: 10, Col: 3}, false},
		{"$A$1*2", "$A$1*2", cell.Ref{Row: 10, Col: 9}, true},
		{"SUM(A$1:A10)", "SUM(A$1:A99)", cell.Ref{Row: 98, Col: 3}, true},
		{"SUM(A$1:A10)", "SUM(A$1:A099)", cell.Ref{Row: 98, Col: 3}, false},
		{"SUM(A:B)", "SUM(B:C)", cell.Ref{Row: 500, Col: 4}, true},
		{"SUM(9:10)", "SUM(10:11)", cell.Ref{Row: 10, Col: 4}, true},
		{"'A 1'!A10&\"A10\"", "'A 1'!A11&\"A10\"", cell.Ref{Row: 10, Col: 3}, true},
		{"'A 1'!A10&\"A10\"", "'A 1'!A11&\"A11\"", cell.Ref{Row: 10, Col: 3}, false},
		{"LOG10(A10)", "LOG10(A11)", cell.Ref{Row: 10, Col: 3}, true},
		{"A10+Total", "A11+Total", cell.Ref{Row: 10, Col: 3}, true},
		{"A1048575", "A1048577", cell.Ref{Row: 11, Col: 3}, false},
		{"A10", "A1", cell.Ref{Row: 0, Col: 3}, true},
		{"A10", "", cell.Ref{Row: 0, Col: 3}, false},
	} {
		p, err := NewPattern(c.text, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Matches(c.other, c.at); got != c.want {
			t.Errorf("%q of %v matches %q of %v: %v", c.text, at, c.other, c.at, got)
		}
		if !p.Matches(c.text, at) {
			t.Errorf("%q does not match itself", c.text)
		}
	}
	if _, err := NewPattern(`"open`, at); err == nil {
		t.Error("a text without an end has a pattern")
	}
}

// TestPatternIsRelativeForm: what matches has the same relative form, and what was copied
// matches unless a corner passed the other or left the sheet.
func TestPatternIsRelativeForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"A1", "$B2", "C$3", "$D$4", "A1:B9", "A$1:A1", "AA10", "C:C", "$C:D", "3:5", "Sheet1!A1", "'x y'!B2:C3",
			"SUM(", ")", "+", ",", "1.5", `"A1"`, " ", "name", "T[a]", "1E5", "LOG10(", "#REF!", "{1,2}"})
		text := ""
		for _, w := range rapid.SliceOfN(word, 1, 7).Draw(t, "words") {
			text += w
		}
		at := cell.Ref{Row: rapid.IntRange(0, 30).Draw(t, "row"), Col: rapid.IntRange(0, 30).Draw(t, "col")}
		to := cell.Ref{Row: rapid.IntRange(0, 30).Draw(t, "row"), Col: rapid.IntRange(0, 30).Draw(t, "col")}
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
			if matches := p.Matches(other, to); matches != (string(r) == string(relative)) {
				t.Fatalf("%q of %v and %q of %v: matches %v, relative forms %q and %q", text, at, other, to, matches, relative, r)
			}
		}
	})
}

func FuzzPattern(f *testing.F) {
	f.Add("SUM(A$1:B2)*C:C", "SUM(A$1:B3)*C:C", 0, 0, 1, 0)
	f.Fuzz(func(t *testing.T, text, other string, row, col, row2, col2 int) {
		at, to := cell.Ref{Row: row & (cell.MaxRows - 1), Col: col & (cell.MaxCols - 1)}, cell.Ref{Row: row2 & (cell.MaxRows - 1), Col: col2 & (cell.MaxCols - 1)}
		p, err := NewPattern(text, at)
		if err != nil || !p.Matches(other, to) {
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
		if !p.Matches(typical, at) {
			b.Fatal("no match")
		}
	}
}
