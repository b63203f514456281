package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

// TestSortKeepsRows: sorting makes a permutation of the rows in which each row is not above the one
// before by the keys; equal rows keep their order; hidden rows stay; to sort again changes nothing. Removing duplicates leaves the first
// of each kind, in their order.
func TestSortKeepsRows(t *testing.T) {
	env := editingEnv(t, Dense)
	call := func(rt *rapid.T, tool Tool, args string, a ...any) string {
		res, err := tool.Call(context.Background(), env, json.RawMessage(fmt.Sprintf(args, a...)))
		if err != nil {
			rt.Fatalf("%s: %v", tool.Name, err)
		}
		return res.Text
	}
	rapid.Check(t, func(rt *rapid.T) {
		fork, _, _ := strings.Cut(call(rt, createFork, `{"workbook_or_fork_id":"sales"}`), ",")
		defer call(rt, discardFork, `{"fork_id":%q}`, fork)
		n := rapid.IntRange(1, 12).Draw(rt, "rows")
		values := []string{"1", "2", "-3.5", `"a"`, `"B"`, `"b"`, "true", "false", `"#N/A"`, "null"}
		var rows []string
		for i := range n {
			rows = append(rows, fmt.Sprintf("[%s,%s,%d]", rapid.SampledFrom(values).Draw(rt, "key"), rapid.SampledFrom(values).Draw(rt, "second"), i))
		}
		call(rt, transformBatch, `{"fork_id":%q,"ops":[{"kind":"write_matrix","sheet_name":"Sums","anchor":"K11","rows":[%s]}]}`, fork, strings.Join(rows, ","))
		read := func() (list [][3]cell.Value) {
			err := env.Workspace.View(context.Background(), fork, func(s *book.Snapshot) error {
				i, _ := s.SheetIndex("Sums")
				sheet, err := s.Sheet(context.Background(), i)
				for row := range n {
					var r [3]cell.Value
					for col := range r {
						c, _ := sheet.At(cell.Ref{Row: 10 + row, Col: 10 + col})
						r[col] = c.Value
					}
					list = append(list, r)
				}
				return err
			})
			if err != nil {
				rt.Fatal(err)
			}
			return list
		}
		before := read()
		var shown []int
		for i := range n {
			if rapid.IntRange(0, 3).Draw(rt, "hidden") == 0 {
				call(rt, rowSizeBatch, `{"fork_id":%q,"sheet_name":"Sums","ops":[{"range":"%d","hidden":true}]}`, fork, 11+i)
			} else {
				shown = append(shown, i)
			}
		}
		desc := rapid.Bool().Draw(rt, "descending")
		keys := `["K",{"column":"L"}]`
		if desc {
			keys = `["-K",{"column":"L"}]`
		}
		where := fmt.Sprintf(`"sheet_name":"Sums","range":"K11:M%d","has_header":false`, 10+n)
		call(rt, sortRange, `{"fork_id":%q,%s,"keys":%s}`, fork, where, keys)
		after := read()
		byNumber := func(a, b [3]cell.Value) int { return int(a[2].Number() - b[2].Number()) }
		same := slices.Clone(after)
		slices.SortFunc(same, byNumber)
		if !slices.Equal(same, before) {
			rt.Fatalf("the rows\n%v\nbecame\n%v", before, after)
		}
		for i := range n {
			if !slices.Contains(shown, i) && after[i] != before[i] {
				rt.Fatalf("the hidden row %d, %v, became %v", i, before[i], after[i])
			}
		}
		for k := 1; k < len(shown); k++ {
			i := shown[k]
			a, b := after[shown[k-1]], after[i]
			c := compareValues(a[0], b[0], false)
			if desc && !a[0].IsBlank() && !b[0].IsBlank() {
				c = -c
			}
			if c == 0 {
				c = compareValues(a[1], b[1], false)
			}
			if c > 0 || c == 0 && byNumber(a, b) > 0 {
				rt.Fatalf("row %d, %v, stands below %v", i, b, a)
			}
		}
		if text := call(rt, sortRange, `{"fork_id":%q,%s,"keys":%s}`, fork, where, keys); !strings.Contains(text, "0 moved") {
			rt.Fatalf("sorted again: %s", text)
		}
		call(rt, removeDuplicates, `{"fork_id":%q,%s,"columns":["K"]}`, fork, where)
		seen := map[string]bool{}
		var want [][3]cell.Value
		for _, r := range after {
			key := fmt.Sprint(r[0].Kind(), strings.ToLower(r[0].String()))
			if !seen[key] {
				seen[key] = true
				want = append(want, r)
			}
		}
		if got := read(); !slices.Equal(got[:len(want)], want) || slices.ContainsFunc(got[len(want):], func(r [3]cell.Value) bool { return r != [3]cell.Value{} }) {
			rt.Fatalf("without duplicates\n%v\nis\n%v", after, got)
		}
	})
}
