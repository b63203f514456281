package formula

import (
	"fmt"
	"strings"
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
		{"A10*2", "A11*3", 10, true},
		{"A10*2", "A11*2.50e3", 10, true},
		{"A10*2", "A11*25", 10, true},
		{"A10*2", "A11*", 10, false},
		{"A10*2", "A11*2%", 10, false},
		{"A10*2", "A11*1e400", 10, false}, // no number at all
		{"A10*2", "A11*-2", 10, false},
		{"IF(A10=\"x\",1,2)", "IF(A11=\"say \"\"y\"\"\",1,3)", 10, true},
		{"IF(A10=\"x\",1,2)", "IF(A11=\"x\"\",1,2)", 10, false},
		{"IF(A10=\"x\",1,2)", "IF(A11=3,1,2)", 10, false},
		{"SUM({1,2})", "SUM({1,3})", 10, false},
		{"SUM({1,2},1)", "SUM({1,2},3)", 10, true},
		{"SUM(1:5)", "SUM(1:5)", 10, false},       // rows, which move
		{"SUM(9999999:5)", "SUM(5:5)", 10, false}, // the first is no reference
		{"$A$1*2", "$A$1*2", 10, true},
		{"$A1*2", "$A2*2", 10, true},
		{"SUM(A$1:A10)", "SUM(A$1:A99)", 98, true},
		{"SUM(A$1:A10)", "SUM(A$1:A099)", 98, false},
		{"SUM(A:B)", "SUM(A:B)", 500, true},
		{"SUM(9:$10)", "SUM(10:$10)", 10, true},
		{"'A 1'!A10&\"A10\"", "'A 1'!A11&\"A10\"", 10, true},
		{"'A 1'!A10&\"A10\"", "'A 1'!A11&\"A11\"", 10, true},
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
		var l Literals
		if _, got := p.Match(c.other, c.row, &l); got != c.want {
			t.Errorf("%q of %v matches %q of row %d: %v", c.text, at, c.other, c.row, got)
		}
		if same, ok := p.Match(c.text, at.Row, &l); !ok || !same {
			t.Errorf("%q does not match itself", c.text)
		}
	}
	if _, err := NewPattern(`"open`, at); err == nil {
		t.Error("a text without an end has a pattern")
	}
}

// TestPatternIsTemplate: a text matches if and only if the template is the same, where
// it was written in the same way; the literals are those that the template was taken from.
func TestPatternIsTemplate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"A1", "$B2", "C$3", "$D$4", "A1:B9", "A$1:A1", "AA10", "C:C", "$C:D", "3:5", "Sheet1!A1", "'x y'!B2:C3",
			"SUM(", ")", "+", ",", "1.5", `"A1"`, " ", "name", "T[a]", "1E5", "LOG10(", "#REF!", "{1,2}", ":", "-", "7", "1e400", "{", "}", `""`, "2019!A1", "<", ">", "=", "%"})
		words := rapid.SliceOfN(word, 1, 7).Draw(t, "words")
		text, changed := "", ""
		for _, w := range words {
			text += w
			if rapid.Bool().Draw(t, "changed") {
				switch w {
				case "1.5", "1E5", "7", "1e400":
					w = rapid.SampledFrom([]string{"2", "1.50", ".5", "3.", "4e-3", "1e999", "12345678"}).Draw(t, "number")
				case `"A1"`, `""`:
					w = rapid.SampledFrom([]string{`"b"`, `"""q"""`, `""`}).Draw(t, "text")
				}
			}
			changed += w
		}
		at := cell.Ref{Row: rapid.IntRange(0, 30).Draw(t, "row"), Col: rapid.IntRange(0, 30).Draw(t, "col")}
		to := cell.Ref{Row: rapid.IntRange(0, 30).Draw(t, "row"), Col: at.Col}
		var l, m, n Literals
		template, err := AppendTemplate(nil, text, at, &l)
		p, err2 := NewPattern(text, at)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("%q: template %v, pattern %v", text, err, err2)
		}
		if err != nil {
			return
		}
		if !p.Literals().Equal(&l) {
			t.Fatalf("%q: literals of the pattern %v, of the template %v", text, p.Literals(), l)
		}
		for _, other := range []string{text, changed} {
			copied, err := ShiftText(other, at, to)
			if err != nil {
				continue
			}
			for _, other := range []string{copied, other} {
				r, err := AppendTemplate(nil, other, to, &m)
				if err != nil {
					continue
				}
				same, matches := p.Match(other, to.Row, &n)
				if matches != (string(r) == string(template)) {
					t.Fatalf("%q of %v and %q of %v: matches %v, templates %q and %q", text, at, other, to, matches, template, r)
				}
				if same {
					n = l
				}
				if matches && !n.Equal(&m) {
					t.Fatalf("%q of %v and %q of %v: literals %v (same: %v), by the template %v", text, at, other, to, n, same, m)
				}
				n = Literals{}
			}
		}
	})
}

// TestPatternRowByRow: a pattern that goes from row to row says what one says that is new.
func TestPatternRowByRow(t *testing.T) {
	const text = `A10+$B12*3&"x"+SUM(B$1:C10)`
	at := cell.Ref{Row: 9, Col: 3}
	p, err := NewPattern(text, at)
	if err != nil {
		t.Fatal(err)
	}
	var l, m Literals
	for _, row := range []int{0, 1, 2, 5, 8, 9, 10, 11, 97, 98, 99, 100, 999, 1000, 9998, 9999, 10000, 3, 4, cell.MaxRows - 4, cell.MaxRows - 3, cell.MaxRows - 2, cell.MaxRows - 1, 7, 8} {
		copied, err := ShiftText(text, at, cell.Ref{Row: row, Col: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{copied, strings.Replace(copied, "*3", "*4", 1), text, fmt.Sprintf(`A%d+$B%d*3&"x"+SUM(B$1:C%d)`, row+1, row+3, row+1)} {
			fresh, err := NewPattern(text, at)
			if err != nil {
				t.Fatal(err)
			}
			same, ok := p.Match(other, row, &l)
			same2, ok2 := fresh.Match(other, row, &m)
			if same != same2 || ok != ok2 || ok && !same && !l.Equal(&m) {
				t.Fatalf("row %d, %q: %v %v %v, by a new one %v %v %v", row, other, same, ok, l, same2, ok2, m)
			}
			if row < cell.MaxRows-2 != ok && other == copied {
				t.Fatalf("row %d, %q: %v", row, other, ok)
			}
		}
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("SUM(A$1:B2)*C:C", "SUM(A$1:B3)*C:C", 0, 0, 1)
	f.Add("A1*2&\"x\"", "A2*30&\"y\"", 0, 1, 1)
	f.Fuzz(func(t *testing.T, text, other string, row, col, row2 int) {
		at, to := cell.Ref{Row: row & (cell.MaxRows - 1), Col: col & (cell.MaxCols - 1)}, cell.Ref{Row: row2 & (cell.MaxRows - 1), Col: col & (cell.MaxCols - 1)}
		p, err := NewPattern(text, at)
		if err != nil {
			return
		}
		var l, m Literals
		same, ok := p.Match(other, to.Row, &m)
		if !ok {
			return
		}
		a, err := AppendTemplate(nil, text, at, &l)
		if err != nil {
			t.Fatal(err)
		}
		if same {
			m = l
		}
		b, err := AppendTemplate(nil, other, to, &l)
		if err != nil || string(a) != string(b) || !m.Equal(&l) {
			t.Fatalf("%q of %v matches %q of %v, but the templates are %q and %q, the literals %v and %v (%v)", text, at, other, to, a, b, m, l, err)
		}
	})
}

func BenchmarkPatternMatch(b *testing.B) {
	at := cell.Ref{Row: 1, Col: 3}
	p, err := NewPattern(typical, at)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(typical)))
	var l Literals
	for b.Loop() {
		if _, ok := p.Match(typical, at.Row, &l); !ok {
			b.Fatal("no match")
		}
	}
}
