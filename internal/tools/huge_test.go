package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
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

// TestFatRow reads a row that is larger than a result may be by following the calls that
// results and errors name: each of them must work, and lead to the end.
func TestFatRow(t *testing.T) {
	b := newTestBook()
	builder := grid.NewBuilder("Fat")
	for r := range 6 {
		for c := range 40 {
			text := fmt.Sprintf("r%dc%d", r, c)
			if r == 3 {
				text += strings.Repeat("x", 32_000)
			}
			if err := builder.Text(cell.Ref{Row: r, Col: c}, 0, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.wb.Sheets = append(b.wb.Sheets, grid.SheetInfo{Name: "Fat"})
	b.sheets, b.partial = append(b.sheets, builder.Finish(nil)), append(b.partial, nil)
	for _, test := range []struct {
		call  string
		whole bool // following next reaches every cell
	}{
		{`range_values {"workbook_id":"test","sheet_name":"Fat","ranges":["A1:AN6"]}`, true},
		{`range_values {"workbook_id":"test","sheet_name":"Fat","ranges":["A4:AN4"]}`, true},
		{`range_values {"workbook_id":"test","sheet_name":"Fat","ranges":["A1:AN6"],"format":"json"}`, true},
		{`range_values {"workbook_id":"test","sheet_name":"Fat","ranges":["A1:AN6"],"format":"dense"}`, true},
		{`sheet_page {"workbook_id":"test","sheet_name":"Fat"}`, false},
		{`sheet_page {"workbook_id":"test","sheet_name":"Fat","page_size":2,"format":"compact"}`, false},
		{`sheet_page {"workbook_id":"test","sheet_name":"Fat","start_row":4}`, false},
		{`read_table {"workbook_id":"test","sheet_name":"Fat"}`, false},
		{`read_table {"workbook_id":"test","sheet_name":"Fat","sample_mode":"last"}`, false},
		{`read_table {"workbook_id":"test","sheet_name":"Fat","offset":2,"format":"json"}`, false},
		{`grid_export {"workbook_id":"test","sheet_name":"Fat","range":"A4:AN4"}`, false},
	} {
		name, args, _ := strings.Cut(test.call, " ")
		named := regexp.MustCompile(name + ` (\{.*\})`)
		seen := map[string]bool{}
		for calls := 0; args != ""; calls++ {
			if calls > 30 {
				t.Fatalf("%s does not come to an end", test.call)
			}
			text := ""
			if res, err := call(t, b, Dense, DefaultCaps, name, "%s", args); err != nil {
				var known *Error
				if !errors.As(err, &known) || known.Code != codeResponseTooLarge || calls > 0 {
					t.Fatalf("%s: call %d, %s, gives %.300v", test.call, calls, args, err)
				}
				text = err.Error()
			} else if text = res.Text; strings.HasPrefix(text, "{") {
				var cut struct{ Cut string }
				if err := json.Unmarshal([]byte(text), &cut); err != nil {
					t.Fatal(err)
				}
				text = cut.Cut + "\n" + text
			}
			for _, m := range regexp.MustCompile(`r\dc\d+`).FindAllString(text, -1) {
				seen[m] = true
			}
			first, _, _ := strings.Cut(text, "\n")
			args = ""
			if m := named.FindStringSubmatch(first); m != nil {
				args = m[1]
			}
		}
		if rows := map[bool]int{true: 6, false: 1}[!strings.Contains(test.call, "A4:AN4")]; test.whole && len(seen) != rows*40 {
			t.Errorf("%s leads to %d cells, wanted %d", test.call, len(seen), rows*40)
		}
	}
}

// TestLayoutReachesEveryCell follows the next calls of a layout that is larger than one
// page in both directions.
func TestLayoutReachesEveryCell(t *testing.T) {
	b := newTestBook()
	builder := grid.NewBuilder("Wide")
	for r := range 120 {
		for c := range 60 {
			if err := builder.Text(cell.Ref{Row: r, Col: c}, 0, fmt.Appendf(nil, "<%d.%d>", r, c)); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.wb.Sheets = append(b.wb.Sheets, grid.SheetInfo{Name: "Wide"})
	b.sheets, b.partial = append(b.sheets, builder.Finish(nil)), append(b.partial, nil)
	for _, caps := range []Caps{DefaultCaps, {MaxCells: 70, MaxPayloadBytes: 900, MaxResponseBytes: 20_000}} {
		for _, asked := range []string{"A1:AD120", "A1:BH120", "2:100", "B:AZ"} {
			seen := map[string]bool{}
			args := fmt.Sprintf(`{"workbook_id":"test","sheet_name":"Wide","range":%q,"fit_columns":true}`, asked)
			for calls := 0; args != ""; calls++ {
				if calls > 1000 {
					t.Fatalf("%s does not come to an end", asked)
				}
				res, err := call(t, b, Dense, caps, "layout_page", "%s", args)
				if err != nil {
					t.Fatal(err)
				}
				for _, m := range regexp.MustCompile(`<\d+\.\d+>`).FindAllString(res.Text, -1) {
					seen[m] = true
				}
				first, _, _ := strings.Cut(res.Text, "\n")
				if _, args, _ = strings.Cut(first, "next: layout_page "); args == "" && strings.HasPrefix(first, "cut:") {
					t.Fatalf("%s: no next call in %s", asked, first)
				}
			}
			rng, _ := cell.ParseRange(asked)
			rng, _ = rng.Intersect(cell.Range{Last: cell.Ref{Row: 119, Col: 59}})
			if int64(len(seen)) != rng.Cells() {
				t.Errorf("%s with %+v leads to %d cells, wanted %d", asked, caps, len(seen), rng.Cells())
			}
		}
	}
}

// TestFormulasCount checks that formulas that stand beside values count as much as those.
func TestFormulasCount(t *testing.T) {
	b := newTestBook()
	b.addSheet(t, "F", strings.Repeat("=LEN(\""+strings.Repeat("x", 300)+"\") := 300\n", 40))
	for _, format := range []string{"json", "dense"} {
		res, err := call(t, b, Compat, testCaps, "range_values", `{"workbook_id":"test","sheet_name":"F","ranges":["A1:A40"],"format":%q,"include_formulas":true}`, format)
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Text) > testCaps.MaxPayloadBytes+300 || !strings.Contains(res.Text, `"next_start_row"`) {
			t.Errorf("%s: %d bytes with a cap of %d: %.200s", format, len(res.Text), testCaps.MaxPayloadBytes, res.Text)
		}
	}
}

// TestExportHead checks that widths and merges count against what an export may have, and
// that the call which the error names gives an export.
func TestExportHead(t *testing.T) {
	b := newTestBook()
	b.addSheet(t, "W", "1 | 2 | 3\n4 | 5 | 6\n")
	layout := b.sheets[0].Layout
	layout.Columns = []grid.ColumnSpan{{First: 0, Last: 999, Width: 20}}
	for i := range 100 {
		layout.Merges = append(layout.Merges, cell.Range{First: cell.Ref{Row: 5, Col: 2 * i}, Last: cell.Ref{Row: 5, Col: 2*i + 1}})
	}
	for _, cells := range []string{"A1:C2", "A1:ALL9", "A6:ALL6"} {
		args := fmt.Sprintf(`{"workbook_id":"test","sheet_name":"W","range":%q}`, cells)
		for calls := 0; ; calls++ {
			res, err := call(t, b, Compat, testCaps, "grid_export", "%s", args)
			if err == nil {
				if len(res.Text) > testCaps.MaxResponseBytes {
					t.Errorf("%s gives %d bytes", args, len(res.Text))
				}
				break
			}
			_, next, ok := strings.Cut(err.Error(), "first: grid_export ")
			if !ok || calls > 10 {
				t.Fatalf("%s: %v", args, err)
			}
			args = next
		}
	}
}
