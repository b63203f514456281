package book

import (
	"math/rand/v2"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// TestStoredCopies: formulas that are filled down are stored as each of them is by itself.
func TestStoredCopies(t *testing.T) {
	shapes := []string{
		"A5*2", "A5*3", "$A$1*A5", "SUM(A5:B5)", "A4:A6*2", "SUM(A4:A6*2)", "FILTER(A1:A9,A1:A9>1)", "xlookup(A5,B1:B9,C1:C9)",
		"INDEX(A1:B2,0,1)", "INDEX(A1:B2,1,1)", "LET(x,A5,x+1)", "A1#", "@A1:A9", "A5+", `"a"&A5`, "Sales[Net]", "A1", "ROW()",
	}
	snap := storedSnapshot("wb", "rev", newBook(t, "A1=1"))
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var cells []CellEdit
		at := cell.Ref{Row: 4, Col: 2}
		for len(cells) < 12 {
			shape := shapes[rng.IntN(len(shapes))]
			for range 1 + rng.IntN(4) { // copies of one, mostly
				is := shape
				if moved, err := formula.ShiftText(shape, cell.Ref{Row: 4, Col: 2}, at); err == nil {
					is = moved
				}
				cells = append(cells, CellEdit{Ref: at, HasFormula: true, Formula: is})
				at.Row += 1 + rng.IntN(2)
			}
			if rng.IntN(4) == 0 {
				at.Col = 2 + rng.IntN(2)
			}
		}
		d := &draft{ctx: t.Context(), base: snap, next: *snap}
		all, err := d.storedForms(0, cells)
		if err != nil {
			t.Fatal(err)
		}
		for i := range cells {
			one, err := d.storedForms(0, cells[i:i+1])
			if err != nil {
				t.Fatal(err)
			}
			if got, want := all(&cells[i]), one(&cells[i]); got != want {
				t.Fatalf("%s at %v is stored as %+v, alone as %+v", cells[i].Formula, cells[i].Ref, got, want)
			}
		}
	}
}
