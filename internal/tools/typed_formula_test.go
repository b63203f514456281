package tools

import (
	"slices"
	"strings"
	"testing"

	"gridflow/internal/book"
)

// TestTypedFormula: of a number in a formula that is typed 15 digits count, and the caller is told.
func TestTypedFormula(t *testing.T) {
	for _, c := range []struct {
		text, formula string
		warns         bool
	}{
		{"=A1*1234567890123456", "=A1*1234567890123450", true},
		{"=A1*1.5", "=A1*1.5", false},
	} {
		e := newEditor(book.Blank(), 0, true, "fail")
		var edit book.CellEdit
		e.scalar(&edit, Scalar{Kind: TextScalar, Text: c.text}, true)
		fill, err := newFiller(e, 0, book.CellEdit{HasFormula: true, Formula: c.text})
		if err != nil {
			t.Fatal(err)
		}
		given := newEditor(book.Blank(), 0, true, "fail")
		if err := given.add(t.Context(), cellEditIn{Address: "B1", Formula: c.text}); err != nil {
			t.Fatal(err)
		}
		if f := given.sheets[0].Cells[0].Formula; f != c.formula[1:] {
			t.Errorf("%s, given as a formula, is kept as %s", c.text, f)
		}
		if edit.Formula != c.formula || fill.model.Formula != c.formula[1:] {
			t.Errorf("%s is kept as %s, and filled as %s", c.text, edit.Formula, fill.model.Formula)
		}
		if warned := slices.ContainsFunc(e.warnings, func(w string) bool { return strings.HasPrefix(w, "WARN_DIGITS") }); warned != c.warns {
			t.Errorf("%s: warnings %q", c.text, e.warnings)
		}
	}
}
