package formula

import (
	"strings"
	"testing"
)

// TestRewriteText makes Z9 of every reference to cells, and says which references it was asked for.
func TestRewriteText(t *testing.T) {
	for _, c := range []struct{ text, asked, out string }{
		{"1+2", "", "1+2"},
		{"A1+$B$2*Sheet1!C3:D4", "cell cell Sheet1!area", "Z9+Z9*Sheet1!Z9"},
		{" = SUM( A1 , Name )", "cell name", " = SUM( Z9 , Name )"},
		{"T[[#This Row],[a]]&T[b]", "table table", "T[[#This Row],[a]]&T[b]"},
		{"T[#No such part]+A1", "cell", "T[#No such part]+Z9"},
		{"Book.xlsm!Macro(A1)", "Book.xlsm!name cell", "Book.xlsm!Macro(Z9)"},
		{"'Q1 ''26'!A:C", "Q1_'26!columns", "'Q1 ''26'!Z9"},
		{"#REF!+Sheet1!#REF!", "deleted Sheet1!deleted", "#REF!+Sheet1!#REF!"},
		{`"A1"&A1&{1,"A1"}`, "cell", `"A1"&Z9&{1,"A1"}`},
		{"LET(x,A1,x)", "name cell name", "LET(x,Z9,x)"}, // it looks at words and does not know what is bound
	} {
		var asked []string
		out, err := RewriteText(c.text, func(r Reference) Reference {
			word := r.Kind.String()
			if r.Qualified() {
				word = strings.ReplaceAll(r.Sheet(), " ", "_") + "!" + word
			}
			asked = append(asked, word)
			if r.Kind <= RowsRef {
				r.Kind, r.First = CellRef, Corner{Row: 8, Col: 25}
				r.Last = r.First
			}
			return r
		})
		if err != nil || out != c.out || strings.Join(asked, " ") != c.asked {
			t.Errorf("%s became %s (%v), want %s; asked for %v, want %s", c.text, out, err, c.out, asked, c.asked)
		}
	}
	for _, broken := range []string{`A1&"open`, "A1+'x", "A1+[", strings.Repeat("A1+", MaxLength)} {
		out, err := RewriteText(broken, func(r Reference) Reference { r.Kind = DeletedRef; return r })
		if err == nil || out != broken {
			t.Errorf("%.20q became %.20q (%v)", broken, out, err)
		}
	}
}
