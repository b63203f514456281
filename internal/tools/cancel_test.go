package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"gridflow/internal/until"
)

// asked is a context that counts how often it is asked whether it has ended, and ends when it is asked
// for the last time that it has left.
type asked struct {
	context.Context
	mu    sync.Mutex
	times int
	left  int // 0: it does not end
	done  chan struct{}
}

func (a *asked) Done() <-chan struct{} { return a.done }

func (a *asked) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.times++; a.left > 0 && a.times == a.left {
		close(a.done)
	}
	if a.left > 0 && a.times >= a.left {
		return context.Canceled
	}
	return nil
}

// Work on many cells ends soon after its call was given up: it looks every few thousand cells, whatever tool it
// is of, and a change that was given up half way is none.
func TestBulkWorkEndsWithItsCall(t *testing.T) {
	env := editingEnv(t, Dense)
	const rows, columns = 8_000, 10
	words := strings.NewReplacer("WHOLE", fmt.Sprintf("A1:J%d", rows), "ROWS", fmt.Sprint(rows))
	must := func(call string) string {
		t.Helper()
		text, err := callWith(t.Context(), env, words.Replace(call))
		if err != nil {
			t.Fatalf("%s: %v", call, err)
		}
		return text
	}
	fork := func(workbook string) string {
		id, _, _ := strings.Cut(must(`create_fork {"workbook_id":"`+workbook+`"}`), ",")
		return id
	}
	version := func(fork string) string {
		line, _, _ := strings.Cut(must(`sheet_page {"workbook_id":"`+fork+`","sheet_name":"Data","page_size":1}`), "\n")
		return line
	}
	must(`create_workbook {"target_path":"empty.xlsx","sheets":[{"name":"Data"},{"name":"Plain"}]}`)
	many := fork("empty.xlsx")
	for _, call := range []string{
		`transform_batch {"fork_id":"FORK","ops":[{"kind":"fill_range","sheet_name":"Data","range":"WHOLE","value":"some text"}]}`,
		`fill_series {"fork_id":"FORK","sheet_name":"Data","range":"A1:AROWS","start":1}`,
		`save_fork {"fork_id":"FORK","target_path":"many.xlsx"}`,
	} {
		must(strings.ReplaceAll(call, "FORK", many))
	}
	other := fork("many.xlsx")
	must(`transform_batch {"fork_id":"` + other + `","ops":[{"kind":"fill_range","sheet_name":"Data","range":"WHOLE","value":8}]}`)
	for _, c := range [...]struct {
		passes int // over all cells, at least: to collect edits, to make them, to record them
		call   string
	}{
		{1, `merge_fork {"fork_id":"FORK","with":"` + other + `"}`},
		{1, `find_value {"workbook_id":"FORK","query":"nowhere","sheet_name":"Data"}`},
		{3, `transform_batch {"fork_id":"FORK","ops":[{"kind":"fill_range","sheet_name":"Plain","range":"WHOLE","value":7}]}`},
		{3, `transform_batch {"fork_id":"FORK","ops":[{"kind":"clear_range","sheet_name":"Data","range":"WHOLE"}]}`},
		{1, `transform_batch {"fork_id":"FORK","ops":[{"kind":"replace_in_range","sheet_name":"Data","range":"WHOLE","find":"x","replace":"y"}]}`},
		{1, `sort_range {"fork_id":"FORK","sheet_name":"Data","range":"WHOLE","has_header":false,"keys":[{"column":"A","order":"desc"}]}`},
		{1, `remove_duplicates {"fork_id":"FORK","sheet_name":"Data","range":"WHOLE","has_header":false,"columns":["B"]}`},
		{1, `column_size_batch {"fork_id":"FORK","sheet_name":"Data","ops":[{"range":"A:J","size":{"kind":"auto"}}]}`},
		{1, `row_size_batch {"fork_id":"FORK","sheet_name":"Data","ops":[{"range":"1:ROWS","size":{"kind":"auto"}}]}`},
		{1, `structure_batch {"fork_id":"FORK","ops":[{"kind":"move_range","sheet_name":"Data","src_range":"WHOLE","dest_anchor":"N2"}]}`},
		{1, `structure_batch {"fork_id":"FORK","ops":[{"kind":"copy_range","sheet_name":"Data","src_range":"WHOLE","dest_anchor":"N2"}]}`},
		{1, `structure_batch {"fork_id":"FORK","ops":[{"kind":"merge_cells","sheet_name":"Data","target_range":"WHOLE"}]}`},
		{1, `replace_in_formulas {"fork_id":"FORK","sheet_name":"Data","find":"SUM","replace":"MAX"}`},
		{1, `style_batch {"fork_id":"FORK","ops":[{"sheet_name":"Data","range":"WHOLE","patch":{"font":{"bold":true}}}]}`},
		{1, `export_csv {"workbook_id":"FORK","sheet_name":"Data","target_path":"out.csv","overwrite":true}`},
		{3, `fill_series {"fork_id":"FORK","sheet_name":"Plain","range":"A1:A80000","start":1}`},
		{3, `apply_formula_pattern {"fork_id":"FORK","sheet_name":"Plain","target_range":"WHOLE","anchor_cell":"A1","base_formula":"Data!A1"}`},
		{3, `import_csv {"fork_id":"FORK","sheet_name":"Plain","source":"out.csv"}`},
		{1, `table_profile {"workbook_id":"FORK","sheet_name":"Data"}`},
		{1, `sheet_statistics {"workbook_id":"FORK","sheet_name":"Data"}`},
	} {
		call := words.Replace(c.call)
		t.Run(call, func(t *testing.T) {
			whole := &asked{Context: t.Context(), done: make(chan struct{})}
			if text, err := callWith(whole, env, strings.ReplaceAll(call, "FORK", fork("many.xlsx"))); err != nil {
				t.Fatal(text, err)
			}
			if least := c.passes * rows * columns / until.Every * 19 / 20; whole.times < least {
				t.Fatalf("asked %d times whether it has ended, for %d cells; want at least %d", whole.times, rows*columns, least)
			}
			half := &asked{Context: t.Context(), left: whole.times / 2, done: make(chan struct{})}
			id := fork("many.xlsx")
			before := version(id)
			if text, err := callWith(half, env, strings.ReplaceAll(call, "FORK", id)); err == nil || !strings.HasPrefix(err.Error(), "CANCELLED") {
				t.Errorf("given up half way: %s %v", text, err)
			}
			if version(id) != before {
				t.Error("given up half way, and there is a new version")
			}
			if more := half.times - half.left; more > 10 {
				t.Errorf("asked %d times more after it had ended", more)
			}
		})
	}
}

// callWith calls a tool, which is written as its name and its arguments.
func callWith(ctx context.Context, env *Env, call string) (string, error) {
	name, args, _ := strings.Cut(call, " ")
	i := slices.IndexFunc(Table(), func(tool Tool) bool { return tool.Name == name })
	if i < 0 {
		return "", fmt.Errorf("no tool %q", name)
	}
	res, err := Table()[i].Call(ctx, env, json.RawMessage(args))
	if err != nil {
		return "", err
	}
	return res.Text, nil
}

// BenchmarkBulk is edits of a million cells, of texts but for a column of numbers, each of a fork of its own, on the disk when
// it is answered.
func BenchmarkBulk(b *testing.B) {
	env := editingEnv(b, Dense)
	const rows, columns = 100_000, 10
	words := strings.NewReplacer("WHOLE", fmt.Sprintf("A1:J%d", rows), "ROWS", fmt.Sprint(rows))
	fork := func(calls ...string) string {
		b.Helper()
		text, err := callWith(b.Context(), env, calls[0])
		if err != nil {
			b.Fatal(err)
		}
		id, _, _ := strings.Cut(text, ",")
		for _, call := range calls[1:] {
			if _, err := callWith(b.Context(), env, strings.ReplaceAll(words.Replace(call), "FORK", id)); err != nil {
				b.Fatalf("%s: %v", call, err)
			}
		}
		return id
	}
	fork(`create_workbook {"target_path":"empty.xlsx","sheets":[{"name":"Data"}]}`)
	fork(`create_fork {"workbook_id":"empty.xlsx"}`,
		`transform_batch {"fork_id":"FORK","ops":[{"kind":"fill_range","sheet_name":"Data","range":"WHOLE","value":"some text"}]}`,
		`fill_series {"fork_id":"FORK","sheet_name":"Data","range":"A1:AROWS","start":1}`,
		`save_fork {"fork_id":"FORK","target_path":"many.xlsx"}`)
	found := `find_value {"workbook_id":"FORK","query":"nowhere","sheet_name":"Data"}` // so the sheet is loaded
	formatted := `style_batch {"fork_id":"FORK","ops":[{"sheet_name":"Data","range":"A:J","patch":{"font":{"bold":true}}}]}`
	for _, c := range [...]struct{ name, call, before string }{
		{"fill", `transform_batch {"fork_id":"FORK","ops":[{"kind":"fill_range","sheet_name":"Data","range":"WHOLE","value":7}]}`, found},
		{"clear", `transform_batch {"fork_id":"FORK","ops":[{"kind":"clear_range","sheet_name":"Data","range":"WHOLE"}]}`, found},
		{"replace", `transform_batch {"fork_id":"FORK","ops":[{"kind":"replace_in_range","sheet_name":"Data","range":"WHOLE","find":"x","replace":"y","match_mode":"contains"}]}`, found},
		{"replace nothing", `transform_batch {"fork_id":"FORK","ops":[{"kind":"replace_in_range","sheet_name":"Data","range":"WHOLE","find":"nowhere","replace":"y","match_mode":"contains"}]}`, found},
		{"sort", `sort_range {"fork_id":"FORK","sheet_name":"Data","range":"WHOLE","has_header":false,"keys":[{"column":"A","order":"desc"}]}`, found},
		{"copy", `structure_batch {"fork_id":"FORK","ops":[{"kind":"copy_range","sheet_name":"Data","src_range":"WHOLE","dest_anchor":"N2"}]}`, found},
		{"move", `structure_batch {"fork_id":"FORK","ops":[{"kind":"move_range","sheet_name":"Data","src_range":"WHOLE","dest_anchor":"N2"}]}`, found},
		{"series", `fill_series {"fork_id":"FORK","sheet_name":"Data","range":"L1:L1000000","start":1}`, found},
		{"format columns", formatted, found},
		{"list changes", `get_changeset {"fork_id":"FORK"}`, formatted},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				id := fork(`create_fork {"workbook_id":"many.xlsx"}`, c.before)
				b.StartTimer()
				if _, err := callWith(b.Context(), env, strings.ReplaceAll(words.Replace(c.call), "FORK", id)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(rows*columns), "ns/cell")
		})
	}
}
