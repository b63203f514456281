package tools

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/corpus"
	"gridflow/internal/ziptest"
)

// The tools that tell what stands around cells.
var around = []string{"list_rules", "list_objects", "list_annotations", "named_ranges"}

// TestForkIsLikeItsFile: a fork whose rows, columns and cells were moved tells of rules, notes, links, charts, pictures, pivot tables and
// controls what the file tells that is saved of it.
func TestForkIsLikeItsFile(t *testing.T) {
	env := editingEnv(t, Compat)
	fork := forkID.FindString(called(t, env, "create_fork", `{"workbook_id":"sales"}`))
	for _, call := range []string{
		`rules_batch {"ops":[{"kind":"add_conditional_format","sheet_name":"Data","target_range":"C2:C4","rule":{"kind":"data_bar","stops":[{"type":"formula","value":"$C$3"},{"type":"max"}]}},
			{"kind":"add_conditional_format","sheet_name":"Data","target_range":"C2:D4","rule":{"kind":"expression","formula":"C2>$D$3"}},
			{"kind":"set_data_validation","sheet_name":"Data","target_range":"B2:B4","validation":{"kind":"list","formula1":"=$A$2:$A$4"}}]}`,
		`comment_batch {"ops":[{"sheet_name":"Data","range":"C3","text":"a note"},{"sheet_name":"Plain","range":"A1","text":"another"}]}`,
		`link_batch {"ops":[{"sheet_name":"Data","range":"C4","target":"https://example.org/"},{"sheet_name":"Data","range":"B3","location":"Data!C3"}]}`,
		`image_batch {"ops":[{"kind":"insert","sheet_name":"Data","path":"dot.png","anchor":"B2"}]}`,
		`chart_batch {"ops":[{"kind":"create","sheet_name":"Data","type":"line","data_range":"A1:C4","anchor":"C3"},{"kind":"create","sheet_name":"Data","type":"bar","data_range":"A1:C4"},
			{"kind":"create","sheet_name":"Data","type":"area","grouping":"clustered","data_range":"A1:C4"},{"kind":"create","sheet_name":"Data","type":"column","grouping":"percent","data_range":"A1:C4"}]}`,
	} {
		tool, args, _ := strings.Cut(call, " ")
		called(t, env, tool, `{"fork_id":"`+fork+`",`+args[1:])
	}
	called(t, env, "save_fork", `{"fork_id":"`+fork+`","target_path":"around.xlsx","drop_fork":false}`)
	compareAround(t, env, "what edits have made", fork, "around.xlsx")
	n := likeItsFile(t, env, "around.xlsx", "Data", "Plain")
	if n < 20 {
		t.Errorf("only %d changes could be made", n)
	}
}

// TestCorpusForksAreLikeTheirFiles is TestForkIsLikeItsFile for workbooks that other programs have written.
func TestCorpusForksAreLikeTheirFiles(t *testing.T) {
	dir := corpus.Dir(t)
	env := editingEnv(t, Compat)
	target, err := env.Files.Target(t.Context(), "x.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{ // with a control, pictures, pivot tables, rules of newer versions, what-if data
		"libreoffice/unit__data__xlsx__activex_checkbox.xlsx", "calamine/picture.xlsx", "poi/spreadsheet__WithChartSheet.xlsx", "closedxml/Examples__PivotTables__PivotTables.xlsx",
		"phpspreadsheet/Reader__XLSX__issue.1432b.xlsx", "ironcalc/templates__yearly_calendar.xlsx",
	} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		if err := os.WriteFile(filepath.Join(target.Root, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
		var list struct{ Sheets []struct{ Name string } }
		if err := json.Unmarshal([]byte(called(t, env, "list_sheets", `{"workbook_id":"`+name+`"}`)), &list); err != nil {
			t.Fatal(err)
		}
		likeItsFile(t, env, name, list.Sheets[0].Name, list.Sheets[len(list.Sheets)-1].Name)
	}
}

// likeItsFile makes structural changes, each in a fork of its own, and compares it with what is saved of it. It gives how many of
// the changes the workbook allows.
func likeItsFile(t *testing.T, env *Env, name, sheet, other string) (made int) {
	t.Helper()
	move := func(from, onto, to string) string {
		return fmt.Sprintf(`{"kind":"move_range","sheet_name":%q,"src_range":%q,"dest_sheet_name":%q,"dest_anchor":%q,"include_styles":true,"include_formulas":true}`, sheet, from, onto, to)
	}
	var ops []string
	for _, at := range []int{1, 2, 3, 4, 9} {
		for _, count := range []int{1, 3} {
			ops = append(ops, fmt.Sprintf(`{"kind":"insert_rows","sheet_name":%q,"at_row":%d,"count":%d}`, sheet, at, count),
				fmt.Sprintf(`{"kind":"delete_rows","sheet_name":%q,"start_row":%d,"count":%d}`, sheet, at, count),
				fmt.Sprintf(`{"kind":"insert_cols","sheet_name":%q,"at_col":%q,"count":%d}`, sheet, string(rune('@'+at)), count),
				fmt.Sprintf(`{"kind":"delete_cols","sheet_name":%q,"start_col":%q,"count":%d}`, sheet, string(rune('@'+at)), count))
		}
	}
	ops = append(ops, move("C2:C4", sheet, "H9"), move("C3", sheet, "C4"), move("B2:C3", sheet, "A1"), move("N6:S7", sheet, "Z23"), move("D3:D4", sheet, "D8"), move("A1:B4", sheet, "A3"),
		fmt.Sprintf(`{"kind":"rename_sheet","old_name":%q,"new_name":"it's"}`, sheet))
	if other != sheet {
		ops = append(ops, move("C3:C4", other, "H9"), move("H2:M9", other, "C3"), fmt.Sprintf(`{"kind":"delete_sheet","name":%q}`, other))
	}
	for i, op := range ops {
		fork := forkID.FindString(called(t, env, "create_fork", fmt.Sprintf(`{"workbook_id":%q}`, name)))
		_, err := callTool(t, env, "structure_batch", `{"fork_id":"`+fork+`","ops":[`+op+`]}`)
		var refused *Error
		if err != nil && !errors.As(err, &refused) {
			t.Fatalf("%s: %s: %v", name, op, err)
		}
		if err == nil {
			made++
			saved := fmt.Sprintf("saved%d-%s", i, name)
			called(t, env, "save_fork", fmt.Sprintf(`{"fork_id":%q,"target_path":%q,"drop_fork":false}`, fork, saved))
			compareAround(t, env, name+": "+op, fork, saved)
		}
		called(t, env, "discard_fork", `{"fork_id":"`+fork+`"}`)
	}
	return made
}

// compareAround compares what is told of a fork with what is told of a file.
func compareAround(t *testing.T, env *Env, what, fork, saved string) {
	t.Helper()
	for _, tool := range around {
		ours, theirs := entriesOf(t, env, tool, fork), entriesOf(t, env, tool, saved)
		if len(ours) != len(theirs) || slices.ContainsFunc(ours, func(s string) bool { return !slices.Contains(theirs, s) }) {
			t.Errorf("%s: %s of the fork are\n%s\nand of the file\n%s", what, tool, strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
		}
	}
}

// The names of series are written when the fork is saved.
var theirOwn = regexp.MustCompile(`,?"(object_id|workbook_id)":"[^"]*"|"name":"[^"]*",("name_ref")`)

// entriesOf gives what a tool lists, without what names the workbook or is of its file.
func entriesOf(t *testing.T, env *Env, tool, id string) []string {
	t.Helper()
	args := fmt.Sprintf(`{"workbook_id":%q,"limit":1000}`, id)
	if tool == "named_ranges" {
		args = fmt.Sprintf(`{"workbook_id":%q}`, id)
	}
	var out map[string]json.RawMessage
	if err := json.Unmarshal([]byte(called(t, env, tool, args)), &out); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, key := range []string{"rules", "objects", "annotations", "items"} {
		var some []json.RawMessage
		if out[key] != nil {
			if err := json.Unmarshal(out[key], &some); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range some {
			list = append(list, theirOwn.ReplaceAllString(string(s), "$2"))
		}
	}
	return list
}

// TestFormatsOfISODates: a date that the file has in ISO form keeps its value when its format becomes one of no dates, and a text
// stays one.
func TestFormatsOfISODates(t *testing.T) {
	env := editingEnv(t, Compat)
	target, err := env.Files.Target(t.Context(), "iso.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	b := ziptest.Rewrite(t, salesBook(t), func(name string, text []byte) []byte {
		if strings.HasSuffix(name, "sheet1.xml") {
			text = regexp.MustCompile(`(<c r="A2"[^>]*)><v>46352</v>`).ReplaceAll(text, []byte(`$1 t="d"><v>2026-11-26</v>`))
			text = regexp.MustCompile(`(<c r="C2"[^>]*)><v>20</v>`).ReplaceAll(text, []byte(`$1 t="d"><v>2026-11-26</v>`))
		}
		return text
	})
	if err := os.WriteFile(filepath.Join(target.Root, "iso.xlsx"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	fork := forkID.FindString(called(t, env, "create_fork", `{"workbook_id":"iso.xlsx"}`))
	called(t, env, "style_batch", `{"fork_id":"`+fork+`","ops":[{"sheet_name":"Data","range":"A:A","patch":{"number_format":"0.0"}},{"sheet_name":"Data","range":"C:C","patch":{"number_format":"yyyy-mm-dd"}}]}`)
	called(t, env, "save_fork", `{"fork_id":"`+fork+`","target_path":"iso2.xlsx","drop_fork":false}`)
	for _, id := range []string{fork, "iso2.xlsx"} {
		text := called(t, env, "range_values", `{"workbook_id":"`+id+`","sheet_name":"Data","ranges":["A2:C2"],"format":"json"}`)
		if !strings.Contains(text, `{"kind":"Number","value":46352}`) || !strings.Contains(text, `{"kind":"Text","value":"2026-11-26"}`) {
			t.Errorf("%s: %s", id, text)
		}
	}
}
