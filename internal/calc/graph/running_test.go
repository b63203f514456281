package graph

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// TestRunning: models that go on from line to line, in columns and in rows, of which chains and
// loops take many lines at once, are dirty as they are cell by cell.
func TestRunning(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(1)
		lines, n := rapid.IntRange(5, 60).Draw(rt, "lines"), rapid.IntRange(1, 4).Draw(rt, "series")
		across := rapid.Bool().Draw(rt, "across")
		at := func(line, series int) cell.Ref {
			if across {
				return cell.Ref{Row: series, Col: line}
			}
			return cell.Ref{Row: line, Col: series}
		}
		const origin = 8
		for series := range n {
			text := "1"
			for range rapid.IntRange(1, 2).Draw(rt, "reads") {
				back := rapid.SampledFrom([]int{-2, -1, -1, -1, -1, -1, 0, 1, 3}).Draw(rt, "back")
				other := rapid.IntRange(0, n-1).Draw(rt, "other")
				ref := at(origin+back, other).String()
				switch rapid.IntRange(0, 9).Draw(rt, "form") {
				case 0:
					ref += ":" + at(origin+back+1, other).String()
				case 1:
					x := at(rapid.IntRange(0, lines).Draw(rt, "fixed"), other)
					ref = fmt.Sprintf("$%s$%d:%s", cell.ColumnName(x.Col), x.Row+1, ref)
				}
				text += "+SUM(" + ref + ")"
			}
			first, last := rapid.IntRange(0, 4).Draw(rt, "first"), lines-rapid.IntRange(0, 3).Draw(rt, "end")
			for line := first; line < last; line++ {
				copied, err := formula.ShiftText(text, at(origin, series), at(line, series))
				if err != nil {
					rt.Fatal(err)
				}
				m.set(0, at(line, series), copied)
			}
		}
		g := build(rt, t, m)
		for range 3 {
			line := rapid.IntRange(0, lines).Draw(rt, "line")
			var sources []Area
			for range rapid.IntRange(1, 3).Draw(rt, "sources") {
				a := at(max(line+rapid.IntRange(-3, 3).Draw(rt, "near"), 0), rapid.IntRange(0, n-1).Draw(rt, "in"))
				sources = append(sources, Area{0, cell.Range{First: a, Last: a}})
			}
			d, err := g.Dirty(context.Background(), sources, 0)
			if err != nil {
				rt.Fatal(err)
			}
			checkDirty(rt, d, m, m.dirty(sources))
		}
	})
}
