package tools

import (
	"slices"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// TestNotCarried: what does not go to another sheet with cells is told, where it lies among them.
func TestNotCarried(t *testing.T) {
	area := func(s string) cell.Range { r, _ := cell.ParseRange(s); return r }
	sheet := &grid.Sheet{Layout: &grid.Layout{
		Comments:   []grid.Comment{{Ref: area("B2").First}, {Ref: area("E9").First}},
		Sparklines: []grid.Sparklines{{Cells: []grid.Sparkline{{Cell: "C3"}, {Cell: "D4"}, {Cell: "no place"}, {Cell: "H1"}}}},
		Conditional: []grid.ConditionalFormat{
			{Ranges: []cell.Range{area("A1:A9"), area("D1:H4")}, Extension: true},
			{Ranges: []cell.Range{area("A1:H9")}},
			{Ranges: []cell.Range{area("F1:H9")}, Extension: true},
		},
	}}
	for cells, want := range map[string][]string{
		"F10:H12": nil,
		"B2:D5": {
			"WARN_NOT_MOVED: 1 note stays where it is, as the cells go to another sheet",
			"WARN_NOT_MOVED: 2 sparklines are lost, as the cells go to another sheet",
			"WARN_NOT_MOVED: 1 conditional format that only newer versions of Excel know is lost, as the cells go to another sheet",
		},
	} {
		s := structureRun{batch: &batch{}}
		s.notCarried(sheet, area(cells))
		if !slices.Equal(s.warnings, want) {
			t.Errorf("%s: %q, want %q", cells, s.warnings, want)
		}
	}
}
