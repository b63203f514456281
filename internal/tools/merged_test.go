package tools

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

// TestMergeCells: cells that are merged keep the first content, whatever cell had it; what is refused changes nothing.
func TestMergeCells(t *testing.T) {
	b := newTestBook()
	b.addSheet(t, "S", strings.Join([]string{"1|two|3", "|{date}2026-03-01|=A1+1 := 2", "||", "@merge A9:B9", "@table T E1:F3"}, "\n"))
	for _, c := range []struct {
		op, rng string
		want    string // the contents of A1:C3 and the merges, or the code of the error
	}{
		{"merge", "A1:B1", "1  3 |  46082 =A1+1:2 |    ; A1:B1; WARN_MERGE_CONTENT: A1:B1 had contents in 2 cells; merged cells keep the first of them, and the others are gone"},
		{"merge", "A2:C3", "1 two 3 | 46082   |    ; A2:C3; WARN_MERGE_CONTENT: A2:C3 had contents in 2 cells; merged cells keep the first of them, and the others are gone"},
		{"merge", "A2:A3", "1 two 3 |  46082 =A1+1:2 |    ; A2:A3"},
		{"merge", "B3:C3", "1 two 3 |  46082 =A1+1:2 |    ; B3:C3"},
		{"merge", "C2:C3", "1 two 3 |  46082 =A1+1:2 |    ; C2:C3"},
		{"merge", "A8:B9", "1 two 3 |  46082 =A1+1:2 |    ; A8:B9 without A9:B9"},
		{"merge", "A1", "RANGE_INVALID"},
		{"merge", "B9:C10", "BAD_LAYOUT"},
		{"merge", "D1:E1", "BAD_LAYOUT"},
		{"unmerge", "B1:B20", "1 two 3 |  46082 =A1+1:2 |    ;  without A9:B9"},
		{"unmerge", "A1", "1 two 3 |  46082 =A1+1:2 |    ; ; WARN_NO_MERGE: no cells of A1 are merged"},
	} {
		made := &batch{ctx: t.Context(), snap: book.NewSnapshot("wb", "r", b), counts: map[string]int{}}
		do := made.mergeCells
		if c.op == "unmerge" {
			do = made.unmergeCells
		}
		err := do(0, mustRange(t, c.rng))
		got := ""
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			got = e.Code
		} else {
			s, err := made.snap.Sheet(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			for row := range 3 {
				for col := range 3 {
					x, _ := s.At(cell.Ref{Row: row, Col: col})
					if x.HasFormula() {
						got += "=" + book.FormulaText(s, x) + ":"
					}
					got += x.Value.String() + " "
				}
				got += map[bool]string{true: "| "}[row < 2]
			}
			got += "; "
			gone := ""
			for _, m := range s.Layout.Merges {
				if m.String() != "A9:B9" {
					got += m.String()
				}
			}
			if _, kept := s.Layout.MergeAt(mustRange(t, "B9").First); !kept || got[len(got)-1] == '9' {
				gone = " without A9:B9"
			}
			got += gone
			for _, w := range made.warnings {
				got += "; " + w
			}
		}
		if got != c.want {
			t.Errorf("%s %s: got\n%s\nwant\n%s\n%v", c.op, c.rng, got, c.want, err)
		}
		if fmt.Sprint(made.counts) == "map[]" && err == nil && len(made.warnings) == 0 {
			t.Errorf("%s %s: nothing was counted", c.op, c.rng)
		}
	}
}
