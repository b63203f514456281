package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// sharedTextSheet adds a sheet whose cells in rows × cols are all the same shared string.
func sharedTextSheet(t testing.TB, b *testBookSource, name, text string, rows, cols int) {
	t.Helper()
	var pool grid.StringsBuilder
	pool.Append([]byte(text))
	builder := grid.NewBuilder(name)
	for r := range rows {
		for c := range cols {
			if err := builder.Shared(cell.Ref{Row: r, Col: c}, 0, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.wb.Sheets = append(b.wb.Sheets, grid.SheetInfo{Name: name})
	b.sheets, b.partial = append(b.sheets, builder.Finish(pool.Finish())), append(b.partial, nil)
}

// TestMemoryOfHugeRows checks that what a call allocates is bounded by what it may give
// back and not by what the cells hold: here one text of 600 KB, shared by 200 cells.
// An error is fine, if it is one that the caller understands.
func TestMemoryOfHugeRows(t *testing.T) {
	const most = 24 << 20
	b := newTestBook()
	sharedTextSheet(t, b, "S", strings.Repeat("ab\tc\"", 120_000), 2, 100)
	var calls []string
	for _, format := range []string{"tsv", "csv", "full", "compact", "values_only"} {
		calls = append(calls, fmt.Sprintf(`sheet_page {"workbook_id":"test","sheet_name":"S","format":%q}`, format),
			fmt.Sprintf(`sheet_page {"workbook_id":"test","sheet_name":"S","start_row":2,"format":%q,"include_styles":true,"include_formulas":true}`, format))
	}
	for _, format := range []string{"tsv", "csv", "values", "json", "rows", "dense"} {
		calls = append(calls, fmt.Sprintf(`range_values {"workbook_id":"test","sheet_name":"S","ranges":["A1:CV2","B2"],"format":%q}`, format),
			fmt.Sprintf(`range_values {"workbook_id":"test","sheet_name":"S","ranges":["A2:CV2"],"format":%q,"include_headers":true,"include_formulas":true}`, format),
			fmt.Sprintf(`read_table {"workbook_id":"test","sheet_name":"S","format":%q}`, format),
			fmt.Sprintf(`read_table {"workbook_id":"test","sheet_name":"S","format":%q,"header_rows":0,"sample_mode":"last","include_types":true}`, format))
	}
	for _, render := range []string{"ascii", "json", "both"} {
		calls = append(calls, fmt.Sprintf(`layout_page {"workbook_id":"test","sheet_name":"S","render":%q}`, render),
			fmt.Sprintf(`layout_page {"workbook_id":"test","sheet_name":"S","render":%q,"fit_columns":true,"mode":"formulas"}`, render))
	}
	calls = append(calls,
		`sheet_page {"workbook_id":"test","sheet_name":"S","columns_by_header":["x"]}`,
		`read_table {"workbook_id":"test","sheet_name":"S","filters":[{"column":"A","op":"eq","value":"x"}]}`,
		`grid_export {"workbook_id":"test","sheet_name":"S","range":"A1:CV2"}`,
		`inspect_cells {"workbook_id":"test","sheet_name":"S","targets":["A1:CV2"],"budget":200}`,
		`find_value {"workbook_id":"test","query":"ab","context":"both"}`,
		`find_value {"workbook_id":"test","label":"ab","context":"row"}`,
		`table_profile {"workbook_id":"test","sheet_name":"S","range":"A1:CV2","summary_only":false}`,
		`table_profile {"workbook_id":"test","sheet_name":"S"}`,
		`sheet_statistics {"workbook_id":"test","sheet_name":"S","summary_only":false}`,
		`sheet_overview {"workbook_id":"test","sheet_name":"S"}`,
		`list_sheets {"workbook_id":"test","include_bounds":true}`,
		`workbook_summary {"workbook_id":"test"}`,
		`sheet_styles {"workbook_id":"test","sheet_name":"S","summary_only":false}`,
		`find_formula {"workbook_id":"test","query":"ab"}`,
		`sheet_formula_map {"workbook_id":"test","sheet_name":"S"}`,
		`formula_trace {"workbook_id":"test","sheet_name":"S","cell_address":"A1","direction":"precedents"}`,
		`scan_volatiles {"workbook_id":"test"}`,
	)
	for _, profile := range []Profile{Dense, Compat} {
		for _, c := range calls {
			name, args, _ := strings.Cut(c, " ")
			env := &Env{Workspace: b, Profile: profile, Caps: DefaultCaps}
			for i := range Table() {
				if Table()[i].Name != name {
					continue
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_, err := Table()[i].Call(context.Background(), env, json.RawMessage(args))
				runtime.ReadMemStats(&after)
				var known *Error
				if err != nil && !errors.As(err, &known) {
					t.Errorf("%s %s: %v", profile, c, err)
				}
				if n := after.TotalAlloc - before.TotalAlloc; n > most {
					t.Errorf("%s %s: %d MB were allocated, wanted at most %d", profile, c, n>>20, most>>20)
				}
			}
		}
	}
}
