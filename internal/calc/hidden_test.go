package calc

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
)

// TestHiddenRows: SUBTOTAL 9 takes rows that were hidden by hand, 109 does not, and neither those that a
// filter hid. Where a filter has a criterion Excel takes all hidden rows of its range for the filter's.
func TestHiddenRows(t *testing.T) {
	for _, c := range []struct {
		name        string
		filter      []excelize.AutoFilterOptions // nil: there is no filter
		nine, other string                       // SUBTOTAL 9 and 109 of rows 2 to 6, of which 3 is hidden
		outside     string                       // SUBTOTAL 9 of rows 12 to 16, of which 13 is hidden, beside the filter's range
	}{
		{"no filter", nil, "15", "13", "15"},
		{"a filter without criteria", []excelize.AutoFilterOptions{}, "15", "13", "15"},
		{"a filter that filters", []excelize.AutoFilterOptions{{Column: "A", Expression: "x != 99"}}, "13", "13", "15"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := excelize.NewFile()
			defer f.Close()
			set := func(ref string, v any) {
				t.Helper()
				if err := f.SetCellValue("Sheet1", ref, v); err != nil {
					t.Fatal(err)
				}
			}
			set("A1", "n")
			for i := range 5 {
				set(fmt.Sprint("A", i+2), i+1)
				set(fmt.Sprint("A", i+12), i+1)
			}
			for i, formula := range []string{"SUBTOTAL(9,A2:A6)", "SUBTOTAL(109,A2:A6)", "SUBTOTAL(9,A12:A16)", "AGGREGATE(9,5,A2:A6)"} {
				if err := f.SetCellFormula("Sheet1", fmt.Sprint("C", i+1), formula); err != nil {
					t.Fatal(err)
				}
			}
			for _, row := range []int{3, 13} {
				if err := f.SetRowVisible("Sheet1", row, false); err != nil {
					t.Fatal(err)
				}
			}
			if c.filter != nil {
				if err := f.AutoFilter("Sheet1", "A1:A6", c.filter); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(t.TempDir(), "hidden.xlsx")
			if err := f.SaveAs(path); err != nil {
				t.Fatal(err)
			}
			in, problem := openInput(t, path)
			if problem != "" {
				t.Fatal(problem)
			}
			m, err := NewModel(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			out, err := m.Calculate(t.Context(), in, Options{Now: 45000, Seed: 1, All: true})
			if err != nil {
				t.Fatal(err)
			}
			s := out.Sheets[0]
			for i, want := range []string{c.nine, c.other, c.outside, c.other} {
				if got := s.Value(cell.Ref{Row: i, Col: 2}).String(); got != want {
					t.Errorf("C%d is %s, want %s", i+1, got, want)
				}
			}
		})
	}
}
