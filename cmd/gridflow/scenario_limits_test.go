//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/genbook"
)

// nextCall finds the call that a cut result names, at the end of what says so.
var nextCall = regexp.MustCompile(`: ([a-z_]+) (\{.*\})$`)

// next gives the call that goes on behind a result, "" where it is whole.
func next(t *testing.T, text string) (tool, args string) {
	t.Helper()
	line, _, _ := strings.Cut(text, "\n")
	line, cut := strings.CutPrefix(line, "cut: ")
	if strings.HasPrefix(text, `{"cut":`) {
		var result struct{ Cut string }
		if err := json.Unmarshal([]byte(text), &result); err != nil {
			t.Fatalf("%v in %s", err, clipped(text))
		}
		line, cut = result.Cut, true
	}
	// Behind a sample there is nothing, and of styles only the most used are on offer.
	if !cut || strings.Contains(line, "rows spread over all") || strings.Contains(line, " most used of ") && !strings.Contains(line, "for more: ") {
		return "", ""
	}
	m := nextCall.FindStringSubmatch(line)
	if m == nil || !json.Valid([]byte(m[2])) {
		t.Fatalf("a cut result names no call: %s", line)
	}
	return m[1], m[2]
}

// follow makes a call and those that it leads to, at most so many, and gives the results.
// No call may come twice.
func follow(t *testing.T, s *mcp.ClientSession, tool, args string, most int) (pages []string) {
	t.Helper()
	seen := map[string]bool{}
	for tool != "" && len(pages) < most {
		if seen[tool+args] {
			t.Fatalf("%s %s leads to itself", tool, args)
		}
		seen[tool+args] = true
		text := mustCall(t, s, tool, args)
		pages = append(pages, text)
		tool, args = next(t, text)
	}
	return pages
}

// TestS40: who asks for a whole sheet gets what fits. It costs the server little more
// than the answer, and the calls that the answers name give every row once.
func TestS40_PagesGiveEveryRowOnce(t *testing.T) {
	t.Parallel()
	const rows = 20_000
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "pages.xlsx"), bookOf(t, &genbook.Sheet{Name: "Data", Rows: func(w *genbook.Writer) error {
		w.Row(0)
		w.Text(0, 0, "No")
		w.Text(1, 0, "Text")
		for row := 1; row <= rows; row++ {
			w.Row(row)
			w.Int(0, 0, int64(row))
			w.Inline(1, 0, strings.Repeat("x", 1+row%40))
		}
		return nil
	}}))
	for _, caps := range []string{"--max-payload-bytes=4096", "--max-response-bytes=4096", "--max-cells=500"} {
		t.Run(caps, func(t *testing.T) {
			t.Parallel()
			r := serving(t, root, caps)
			s := r.client(eras[1])
			for _, c := range []struct{ tool, args string }{
				{"range_values", `{"workbook_id":"pages","sheet_name":"Data","ranges":["A:B"]}`},
				{"range_values", `{"workbook_id":"pages","sheet_name":"Data","ranges":["A1:XFD1048576"]}`},
				{"sheet_page", `{"workbook_id":"pages","sheet_name":"Data","page_size":500}`},
				{"read_table", `{"workbook_id":"pages","sheet_name":"Data","limit":10000}`},
				{"read_table", `{"workbook_id":"pages","sheet_name":"Data","limit":10000,"sample_mode":"last"}`},
			} {
				pages := follow(t, s, c.tool, c.args, 1000)
				got, longest := make([]int, rows+2), 0
				for _, page := range pages {
					longest = max(longest, len(page))
					for line := range strings.Lines(page) {
						number, fields, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
						row, err := strconv.Atoi(number)
						if err != nil || row == 1 {
							continue // the column letters, what stands before them, the header
						}
						want := fmt.Sprintf("%d\t%s", row-1, strings.Repeat("x", 1+(row-1)%40))
						if fields != want {
							t.Fatalf("%s: row %d is %q, want %q", c.tool, row, fields, want)
						}
						got[row]++
					}
				}
				for row := 2; row <= rows+1; row++ {
					if got[row] != 1 {
						t.Fatalf("%s %s: row %d came %d times", c.tool, c.args, row, got[row])
					}
				}
				t.Logf("%s: %d rows once each on %d pages, the longest %d bytes", c.tool, rows, len(pages), longest)
				if caps == "--max-response-bytes=4096" && longest > 4096 {
					t.Errorf("%s: a result of %d bytes", c.tool, longest)
				}
			}
		})
	}
}

// TestS40_PeakMemory: however much is asked for, what the server needs for an answer is
// a small multiple of what an answer may have, even where the operator has lifted every
// other bound.
func TestS40_PeakMemory(t *testing.T) {
	t.Parallel()
	// Eight times the bound of a response, and what the collector leaves lying about.
	const limit, bound = 1_000_000, 8*1_000_000 + 16<<20
	root, _ := longRoot(t)
	for _, caps := range [][]string{
		nil,
		{"--max-payload-bytes=0", "--max-cells=0", "--max-items=0"},
	} {
		t.Run(fmt.Sprint(caps), func(t *testing.T) {
			r := servingPlain(t, root, append(caps, fmt.Sprintf("--max-response-bytes=%d", limit))...)
			s := r.client(eras[1])
			mustCall(t, s, "read_table", wholeTable)
			for _, c := range []struct{ tool, args string }{
				{"range_values", `{"workbook_id":"long","sheet_name":"Data","ranges":["A1:XFD1048576"]}`},
				{"range_values", `{"workbook_id":"long","sheet_name":"Data","ranges":["A:F"],"format":"values"}`},
				{"range_values", `{"workbook_id":"long","sheet_name":"Data","ranges":["A:F"],"format":"dense"}`},
				{"read_table", `{"workbook_id":"long","sheet_name":"Data","limit":10000,"format":"json"}`},
				{"read_table", `{"workbook_id":"long","sheet_name":"Data","limit":10000,"format":"csv"}`},
				{"sheet_page", `{"workbook_id":"long","sheet_name":"Data","page_size":500,"format":"full"}`},
			} {
				r.untilIdle()
				r.forgetPeak()
				before := r.peakMemory()
				a, err := call(t.Context(), s, c.tool, c.args)
				if err != nil {
					t.Fatal(err)
				}
				grown := r.peakMemory() - before
				t.Logf("%s: %d bytes, the peak of resident memory grew by %.1f MB (bound %.1f)", c.tool, len(a.text), float64(grown)/1e6, bound/1e6)
				if grown > bound {
					t.Errorf("%s %s: %.1f MB for an answer of %d bytes", c.tool, c.args, float64(grown)/1e6, len(a.text))
				}
				if tool, _ := next(t, a.text); tool == "" {
					t.Errorf("%s %s: no next call in %s", c.tool, c.args, clipped(a.text))
				}
			}
		})
	}
}
