package analyze

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// TestRectangles cuts a set of cells into rectangles at random: what comes of them is the same
// however they were cut, and has each cell once.
func TestRectangles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells := make(map[cell.Ref]bool)
		for range rapid.IntRange(1, 5).Draw(t, "blocks") {
			top, left := rapid.IntRange(0, 9).Draw(t, "top"), rapid.IntRange(0, 9).Draw(t, "left")
			for ref := range refsOf(cell.Range{First: cell.Ref{Row: top, Col: left}, Last: cell.Ref{Row: top + rapid.IntRange(0, 4).Draw(t, "h"), Col: left + rapid.IntRange(0, 4).Draw(t, "w")}}) {
				cells[ref] = true
			}
		}
		var want []cell.Range
		for range 3 {
			r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
			left := make(map[cell.Ref]bool, len(cells))
			var refs []cell.Ref
			for ref := range cells {
				left[ref], refs = true, append(refs, ref)
			}
			slices.SortFunc(refs, func(a, b cell.Ref) int { return (a.Row-b.Row)*cell.MaxCols + a.Col - b.Col })
			r.Shuffle(len(refs), func(i, k int) { refs[i], refs[k] = refs[k], refs[i] })
			var pieces []cell.Range
			for _, ref := range refs { // each grows as far as it can, to a random side first
				if !left[ref] {
					continue
				}
				x := cell.Range{First: ref, Last: ref}
				grow := func(last cell.Ref) {
					y := cell.Range{First: x.First, Last: last}
					for c := range refsOf(y) {
						if !left[c] {
							return
						}
					}
					x = y
				}
				for range r.IntN(6) {
					if r.IntN(2) == 0 {
						grow(cell.Ref{Row: x.Last.Row + 1, Col: x.Last.Col})
					} else {
						grow(cell.Ref{Row: x.Last.Row, Col: x.Last.Col + 1})
					}
				}
				for c := range refsOf(x) {
					delete(left, c)
				}
				pieces = append(pieces, x)
			}
			got := rectangles(pieces)
			n := 0
			for _, x := range got {
				for c := range refsOf(x) {
					if n++; !cells[c] {
						t.Fatalf("%s has no cell of the set", c)
					}
				}
			}
			if n != len(cells) {
				t.Fatalf("%d cells in rectangles, want %d", n, len(cells))
			}
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%v of one cut, %v of another", want, got)
			}
		}
	})
}

// TestFindWord compares the search that looks at each formula once with one that looks at
// every cell.
func TestFindWord(t *testing.T) {
	texts := []string{"SUM(A#:B#)", "sum( A# : B# )", "A#*Rate", "IF(A#>1,\"Summe\",AB#)", "_xlfn.XLOOKUP(A#,B:B,C:C)", "$AB$1+A#", "SUM(", "A1+#"}
	rapid.Check(t, func(t *rapid.T) {
		b := newMemBook()
		builder := grid.NewBuilder("S")
		for row, line := range rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 2*len(texts)), 4, 4), 1, 60).Draw(t, "cells") {
			for col, x := range line {
				if x >= len(texts) {
					continue
				}
				ref := cell.Ref{Row: row * 31, Col: col + 26}
				builder.Number(ref, 0, 1)
				id, _ := builder.AddFormula([]byte(strings.ReplaceAll(texts[x], "#", fmt.Sprint(ref.Row+1))), -1)
				builder.SetFormula(ref, id)
			}
		}
		b.add(builder.Finish(nil))
		v := b.view(0)
		m, err := NewMatcher(rapid.SampledFrom([]string{"sum(", "SUM", "ab", "rate", "xlookup(", "summe", "zzz"}).Draw(t, "query"), Contains, false)
		if err != nil || !m.isWord() {
			t.Fatal("not a word", err)
		}
		var want []cell.Ref
		for c := range v.Cells(cell.WholeSheet) {
			if c.HasFormula() && m.Match(book.FormulaText(v.Sheet, c)) {
				want = append(want, c.Ref)
			}
		}
		before := rapid.IntRange(0, 9).Draw(t, "of the sheets before")
		p := Page{Offset: rapid.IntRange(0, 12).Draw(t, "offset"), Limit: rapid.IntRange(1, 9).Draw(t, "limit"), Total: before}
		hits, err := FindFormulas(context.Background(), v, m, &p)
		if err != nil {
			t.Fatal(err)
		}
		lo, hi := max(p.Offset-before, 0), max(p.Offset+p.Limit-before, 0)
		page := want[min(lo, len(want)):min(hi, len(want))]
		if p.Total != before+len(want) || len(hits) != len(page) {
			t.Fatalf("%d hits of %d, want %d of %d", len(hits), p.Total-before, len(page), len(want))
		}
		for i, h := range hits {
			if h.Ref != page[i] {
				t.Fatalf("hit %d is %s, want %s", i, h.Ref, page[i])
			}
		}
	})
}

// TestManyDependents: of a cell that a hundred thousand formulas read, all are there to be paged
// through where they are copies, and a bounded number where each is another formula.
func TestManyDependents(t *testing.T) {
	const rows = 100_000
	for _, c := range []struct {
		text         string
		total, nodes int
		notes        int
	}{
		{"$A$1*2", 1, 1, 0},
		{"$A$1+SUM({%d})", layerEdges, layerNodes, 2},
	} {
		b := newMemBook()
		builder := grid.NewBuilder("S")
		builder.Number(cell.Ref{}, 0, 1)
		for row := 1; row <= rows; row++ {
			ref := cell.Ref{Row: row, Col: 1}
			builder.Number(ref, 0, 1)
			text := c.text
			if strings.Contains(text, "%") {
				text = fmt.Sprintf(text, row)
			}
			id, _ := builder.AddFormula([]byte(text), -1)
			builder.SetFormula(ref, id)
		}
		b.add(builder.Finish(nil))
		snap := b.snapshot()
		seen := 0
		for cursor := (*Cursor)(nil); ; {
			tr, err := Follow(context.Background(), snap, 0, cell.Ref{}, TraceOptions{Dependents: true, Depth: 1, PageSize: 20_000, Cursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			l := tr.Layers[0]
			if l.Total != c.total || l.Summary.Nodes != c.nodes || len(tr.Notes) != c.notes {
				t.Fatalf("%s: %d edges to %d nodes, notes %q", c.text, l.Total, l.Summary.Nodes, tr.Notes)
			}
			for _, e := range l.Edges {
				if first := (cell.Ref{Row: 1 + seen, Col: 1}); e.From.Range.First != first {
					t.Fatalf("%s: edge %d is of %s, want %s", c.text, seen, e.From.Range, first)
				}
				seen++
			}
			if cursor = tr.Next; cursor == nil {
				break
			}
		}
		if seen != c.total {
			t.Errorf("%s: %d edges on all pages, want %d", c.text, seen, c.total)
		}
	}
}
