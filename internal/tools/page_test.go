package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// call runs a tool on b and gives its result; args are formatted.
func call(t testing.TB, b *testBookSource, profile Profile, caps Caps, name, args string, a ...any) (*Result, error) {
	t.Helper()
	for i := range Table() {
		if Table()[i].Name == name {
			return Table()[i].Call(context.Background(), &Env{Workspace: b, Profile: profile, Caps: caps}, json.RawMessage(fmt.Sprintf(args, a...)))
		}
	}
	t.Fatalf("no tool %s", name)
	return nil, nil
}

// longSheet is a workbook with a sheet of rows rows, loaded in steps of one band: what
// SheetTo gives is complete down to the row asked for and no further.
func longSheet(t testing.TB, rows int) *testBookSource {
	t.Helper()
	b := newTestBook()
	fill := func(builder *grid.Builder, rows int) {
		for r := range rows {
			for c := range 4 {
				var err error
				if c == 0 || r == 0 {
					err = builder.Text(cell.Ref{Row: r, Col: c}, 0, fmt.Appendf(nil, "t%d-%d", r, c))
				} else {
					err = builder.Number(cell.Ref{Row: r, Col: c}, 0, float64(r*c)+0.5)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	builder := grid.NewBuilder("Long")
	fill(builder, rows)
	b.wb.Sheets = append(b.wb.Sheets, grid.SheetInfo{Name: "Long"})
	b.sheets = append(b.sheets, builder.Finish(nil))
	declared := cell.Range{Last: cell.Ref{Row: rows - 1, Col: 3}}
	b.partial = append(b.partial, func(lastRow int) *grid.Sheet {
		loaded := (lastRow/grid.BandRows + 1) * grid.BandRows
		if loaded >= rows {
			return b.sheets[0]
		}
		part := grid.NewBuilder("Long")
		fill(part, loaded)
		part.Seal()
		return part.Sheet(nil, &declared)
	})
	return b
}

// TestFirstPageOfColdSheet checks that pages near the top ask only for the top of a
// sheet, and that they are the same as those of the whole sheet.
func TestFirstPageOfColdSheet(t *testing.T) {
	const rows = 5000
	cold, warm := longSheet(t, rows), longSheet(t, rows)
	warm.partial[0] = nil
	for _, test := range []struct{ tool, args string }{
		{"sheet_page", `{"workbook_id":"test","sheet_name":"Long"}`},
		{"sheet_page", `{"workbook_id":"test","sheet_name":"Long","start_row":512,"page_size":1}`},
		{"sheet_page", `{"workbook_id":"test","sheet_name":"Long","start_row":700,"page_size":10,"format":"full"}`},
		{"range_values", `{"workbook_id":"test","sheet_name":"Long","ranges":["A1:C20","B600:D640"]}`},
		{"sheet_page", `{"workbook_id":"test","sheet_name":"Long","start_row":510,"page_size":5,"include_formulas":true,"include_styles":true}`},
	} {
		cold.asked = nil
		got, err := call(t, cold, Dense, DefaultCaps, test.tool, "%s", test.args)
		if err != nil {
			t.Fatal(err)
		}
		for _, last := range cold.asked {
			if last >= rows {
				t.Errorf("%s %s asks for row %d", test.tool, test.args, last)
			}
		}
		want, err := call(t, warm, Dense, DefaultCaps, test.tool, "%s", test.args)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ReplaceAll(got.Text, "about ", "") != want.Text {
			t.Errorf("%s %s\ncold: %s\nwarm: %s", test.tool, test.args, got.Text, want.Text)
		}
	}
	// The count of a table's rows is the file's own word until all of it is read.
	got, err := call(t, cold, Dense, DefaultCaps, "read_table", `{"workbook_id":"test","limit":5}`)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got.Text, `cut: rows 1-5 of about 4999; next: read_table {`) {
		t.Errorf("a cold table begins with %.100s", got.Text)
	}
}

// TestPagingAdvances reads a sheet to its end, in pages cut by any caps, by following
// the next call that each result names. Every row must come once, in order.
func TestPagingAdvances(t *testing.T) {
	const rows = 300
	b := longSheet(t, rows)
	rapid.Check(t, func(t *rapid.T) {
		caps := Caps{
			MaxCells:         rapid.IntRange(1, 500).Draw(t, "cells"),
			MaxPayloadBytes:  rapid.IntRange(1, 3000).Draw(t, "bytes"),
			MaxResponseBytes: 100_000,
		}
		tool := rapid.SampledFrom([]string{"sheet_page", "range_values", "read_table"}).Draw(t, "tool")
		args := map[string]string{
			"sheet_page":   `{"workbook_id":"test","sheet_name":"Long","include_header":false,"page_size":%d}`,
			"range_values": `{"workbook_id":"test","sheet_name":"Long","ranges":["A:D"],"page_size":%d}`,
			"read_table":   `{"workbook_id":"test","header_rows":0,"limit":%d}`,
		}[tool]
		next := fmt.Sprintf(args, rapid.IntRange(1, 120).Draw(t, "page"))
		expect := 1
		for calls := 0; next != ""; calls++ {
			if calls > rows {
				t.Fatalf("%s does not come to an end", tool)
			}
			text := mustText(t, b, caps, tool, next)
			next = ""
			if first, _, _ := strings.Cut(text, "\n"); strings.HasPrefix(first, "cut: ") {
				_, after, ok := strings.Cut(first, "next: "+tool+" ")
				if !ok {
					t.Fatalf("no next call in %q", first)
				}
				next = after
			}
			for line := range strings.Lines(text) {
				var n int
				if _, err := fmt.Sscanf(line, "%d\t", &n); err != nil || strings.HasPrefix(line, "cut:") {
					continue
				}
				if n != expect {
					t.Fatalf("%s: row %d comes where %d should", tool, n, expect)
				}
				expect++
			}
		}
		if expect != rows+1 {
			t.Fatalf("%s ends after row %d", tool, expect-1)
		}
	})
}

func mustText(t *rapid.T, b *testBookSource, caps Caps, tool, args string) string {
	for i := range Table() {
		if Table()[i].Name != tool {
			continue
		}
		res, err := Table()[i].Call(context.Background(), &Env{Workspace: b, Profile: Dense, Caps: caps}, json.RawMessage(args))
		if err != nil {
			t.Fatalf("%s %s: %v", tool, args, err)
		}
		return res.Text
	}
	t.Fatalf("no tool %s", tool)
	return ""
}

// TestOneHugeRow checks that one row above the cap is given, and that one above what a
// response may hold is an error that says what to do.
func TestOneHugeRow(t *testing.T) {
	b := newTestBook()
	builder := grid.NewBuilder("Huge")
	for c := range 100 {
		if err := builder.Text(cell.Ref{Col: c}, 0, []byte(strings.Repeat("x", 1000))); err != nil {
			t.Fatal(err)
		}
		if err := builder.Number(cell.Ref{Row: 1, Col: c}, 0, 1); err != nil {
			t.Fatal(err)
		}
	}
	b.wb.Sheets = append(b.wb.Sheets, grid.SheetInfo{Name: "Huge"})
	b.sheets, b.partial = append(b.sheets, builder.Finish(nil)), append(b.partial, nil)
	for _, format := range []string{"tsv", "csv", "full", "compact", "values_only"} {
		res, err := call(t, b, Dense, Caps{MaxPayloadBytes: 5000, MaxResponseBytes: 1_000_000}, "sheet_page", `{"workbook_id":"test","sheet_name":"Huge","format":%q}`, format)
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Text) < 100_000 || !strings.Contains(res.Text[:200], "start_row") {
			t.Errorf("%s: one row over the cap gives %.200s", format, res.Text)
		}
		_, err = call(t, b, Dense, Caps{MaxPayloadBytes: 5000, MaxResponseBytes: 50_000}, "sheet_page", `{"workbook_id":"test","sheet_name":"Huge","format":%q}`, format)
		var known *Error
		if !errors.As(err, &known) || known.Code != codeResponseTooLarge || known.Hint == "" {
			t.Errorf("%s: a row over the response bound gives %v", format, err)
		}
	}
	_, err := call(t, b, Dense, Caps{MaxResponseBytes: 50_000}, "grid_export", `{"workbook_id":"test","sheet_name":"Huge","range":"A1:CV2"}`)
	if err == nil || !strings.Contains(err.Error(), `"range":"A1:AW1"`) {
		t.Errorf("grid_export of a huge row gives %v", err)
	}
}

// TestCancelled checks that a call whose context is done gives an error that says so.
func TestCancelled(t *testing.T) {
	b := longSheet(t, 2000)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	env := &Env{Workspace: b, Profile: Dense, Caps: DefaultCaps}
	for _, tool := range Table() {
		args, err := parseJSON([]byte(tool.Example))
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range args.names {
			switch name {
			case "workbook_or_fork_id":
				args.items[i].text = "test"
			case "sheet_name":
				args.items[i].text = "Long"
			}
		}
		if _, err := tool.Call(ctx, env, args.appendJSON(nil)); err != nil {
			var known *Error
			if !errors.As(err, &known) {
				t.Errorf("%s: a cancelled call gives %v", tool.Name, err)
			}
		}
	}
}

// pageSheet is 100 rows of 10 columns: texts, whole numbers, decimal fractions, dates,
// booleans.
func pageSheet(tb testing.TB) (*grid.Sheet, values) {
	tb.Helper()
	b := newTestBook()
	builder := grid.NewBuilder("Page")
	for r := range 100 {
		for c := range 10 {
			at := cell.Ref{Row: r, Col: c}
			var err error
			switch c {
			case 0, 1, 2:
				err = builder.Text(at, 0, fmt.Appendf(nil, "Customer %d-%d", r, c))
			case 3, 4, 5:
				err = builder.Number(at, 0, float64(r*c))
			case 6, 7:
				err = builder.Number(at, 6, float64(r*c)+0.25)
			case 8:
				err = builder.Number(at, 1, float64(45000+r))
			default:
				err = builder.Bool(at, 0, r%2 == 0)
			}
			if err != nil {
				tb.Fatal(err)
			}
		}
	}
	return builder.Finish(nil), valuesOf(book.NewSnapshot("x", "", b))
}

// BenchmarkPageTSV writes a page of 1000 mixed cells of a loaded sheet.
func BenchmarkPageTSV(b *testing.B) {
	sheet, w := pageSheet(b)
	out := make([]byte, 0, 64<<10)
	cols := make([]int, 0, 16)
	b.ReportAllocs()
	for b.Loop() {
		cols = filledCols(cols[:0], sheet, cell.Range{Last: cell.Ref{Row: 99, Col: cell.MaxCols - 1}})
		g := gridRows{w: w, sheet: sheet, cols: cols}
		lim := budget{maxBytes: 65_536, maxCells: 10_000}
		var shown int
		if out, shown, _ = g.appendText(g.appendLetters(out[:0]), 0, 99, &lim); shown != 100 {
			b.Fatal(shown)
		}
	}
	b.SetBytes(int64(len(out)))
}

// BenchmarkSheetPageCall is a whole call for such a page, arguments and all.
func BenchmarkSheetPageCall(b *testing.B) {
	sheet, _ := pageSheet(b)
	source := newTestBook()
	source.wb.Sheets = append(source.wb.Sheets, grid.SheetInfo{Name: "Page"})
	source.sheets, source.partial = append(source.sheets, sheet), append(source.partial, nil)
	env := &Env{Workspace: source, Profile: Dense, Caps: DefaultCaps}
	args := json.RawMessage(`{"workbook_id":"test","sheet_name":"Page","page_size":100}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sheetPage.Call(context.Background(), env, args); err != nil {
			b.Fatal(err)
		}
		source.asked = source.asked[:0]
	}
}

// TestEstimatedDistinct checks that a count of different values that was estimated is
// told as that, in all shapes.
func TestEstimatedDistinct(t *testing.T) {
	b := newTestBook()
	builder := grid.NewBuilder("Many")
	for r := range 100_000 {
		builder.Number(cell.Ref{Row: r}, 0, float64(r^1))
	}
	b.wb.Sheets = append(b.wb.Sheets, grid.SheetInfo{Name: "Many"})
	b.sheets, b.partial = append(b.sheets, builder.Finish(nil)), append(b.partial, nil)
	for _, tool := range []string{"table_profile", "sheet_statistics"} {
		for profile, want := range map[Profile]string{Dense: "about ", Compat: `"distinct_estimated":true`} {
			res, err := call(t, b, profile, DefaultCaps, tool, `{"workbook_id":"test","sheet_name":"Many"}`)
			if err != nil || !strings.Contains(res.Text, want) {
				t.Errorf("%s %s: no %q in %v %v", profile, tool, want, res, err)
			}
		}
	}
}
