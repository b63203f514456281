package tools

import (
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// TestWrongDimensions checks that what a file says of its size makes no result wrong: a
// sheet that is read from the top gives what the whole sheet gives, or says that it does
// not know.
func TestWrongDimensions(t *testing.T) {
	const rows = 5000
	warm := longSheet(t, rows)
	warm.partial[0] = nil
	for _, dimension := range []string{"A1:D5000", "", "A1", "A1:B2", "A1:D100", "A1:D1024", "B1:D5000", "A1:F5000", "A1:XFD1048576", "A1:D1048576", "A1:C9000"} {
		cold := longSheet(t, rows)
		whole := cold.sheets[0]
		cold.partial[0] = func(lastRow int) *grid.Sheet {
			loaded := (lastRow/grid.BandRows + 1) * grid.BandRows
			if loaded >= rows {
				return whole
			}
			part := grid.NewBuilder("Long")
			for c := range whole.Cells(cell.Range{Last: cell.Ref{Row: loaded - 1, Col: 3}}) {
				if err := part.Value(c.Ref, c.Style, c.Value); err != nil {
					t.Fatal(err)
				}
			}
			part.Seal()
			var declared *cell.Range
			if r, ok := cell.ParseRange(dimension); ok {
				declared = &r
			}
			return part.Sheet(nil, declared)
		}
		for _, c := range []string{
			`read_table {"workbook_id":"test","limit":5}`,
			`read_table {"workbook_id":"test","limit":100,"offset":950}`,
			`read_table {"workbook_id":"test","limit":100,"offset":4950}`,
			`read_table {"workbook_id":"test","limit":2,"header_row":3000}`,
			`read_table {"workbook_id":"test","limit":2,"range":"A1:D6000","header_row":2100}`,
			`read_table {"workbook_id":"test","limit":2,"range":"B:C"}`,
			`read_table {"workbook_id":"test","limit":2,"range":"1:200"}`,
			`sheet_page {"workbook_id":"test","sheet_name":"Long","page_size":3,"format":"csv"}`,
			`sheet_page {"workbook_id":"test","sheet_name":"Long","page_size":3,"format":"values_only"}`,
			`sheet_page {"workbook_id":"test","sheet_name":"Long","page_size":3,"start_row":1020}`,
			`sheet_page {"workbook_id":"test","sheet_name":"Long","page_size":3,"start_row":7000}`,
			`range_values {"workbook_id":"test","sheet_name":"Long","ranges":["2:4"],"format":"csv"}`,
			`range_values {"workbook_id":"test","sheet_name":"Long","ranges":["A1:D3000"],"page_size":3}`,
		} {
			name, args, _ := strings.Cut(c, " ")
			got, err := call(t, cold, Dense, DefaultCaps, name, "%s", args)
			if err != nil {
				t.Fatal(err)
			}
			want, err := call(t, warm, Dense, DefaultCaps, name, "%s", args)
			if err != nil {
				t.Fatal(err)
			}
			// Only a text grid may leave the end open.
			sure := got.Text
			if strings.Contains(sure, "at least ") && strings.Contains(c, `"start_row"`) || strings.Contains(sure, "about ") && dimension != "A1:XFD1048576" {
				_, sure, _ = strings.Cut(sure, "\n\t")
				_, want.Text, _ = strings.Cut(want.Text, "\n\t")
			}
			if sure != want.Text {
				t.Errorf("dimension %q, %s\ncold: %.300s\nwarm: %.300s", dimension, c, got.Text, want.Text)
			}
		}
	}
}

// TestCountsThatAreNotExact checks that a count which the file only says is marked.
func TestCountsThatAreNotExact(t *testing.T) {
	cold, warm := longSheet(t, 5000), longSheet(t, 5000)
	warm.partial[0] = nil
	for _, c := range []string{`read_table {"workbook_id":"test","limit":5}`, `sheet_page {"workbook_id":"test","sheet_name":"Long"}`} {
		name, args, _ := strings.Cut(c, " ")
		for b, want := range map[*testBookSource]bool{cold: true, warm: false} {
			res, err := call(t, b, Compat, DefaultCaps, name, "%s", args)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(res.Text, `"total_rows_exact":false`); got != want {
				t.Errorf("%s: not exact %v, wanted %v", c, got, want)
			}
		}
	}
}
