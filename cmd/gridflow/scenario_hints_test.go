//go:build unix

package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/tools"
)

// wide are calls of every tool that may give less than was asked for, each to be made
// under bounds that cut it.
var wide = []struct{ tool, args string }{
	{"list_workbooks", `{}`},
	{"list_workbooks", `{"limit":2}`},
	{"run_scenarios", `{"workbook_id":"loan","sheet_name":"Schedule","grid":{"B8":[1,2,3,4,5,6],"B9":[1,2,3,4]},"outputs":["C8","E10"]}`},
	{"find_errors", `{"workbook_id":"budget"}`},
	{"sensitivity_table", `{"workbook_id":"loan","sheet_name":"Schedule","column_input":"B8","column_values":[1,2,3,4,5,6],"row_input":"B9","row_values":[1,2,3,4],"outputs":["E10"]}`},
	{"list_annotations", `{"workbook_id":"loan"}`},
	{"list_rules", `{"workbook_id":"loan"}`},
	{"list_sheets", `{"workbook_id":"budget"}`},
	{"list_objects", `{"workbook_id":"budget"}`},
	{"list_sheets", `{"workbook_id":"budget","limit":3,"include_bounds":true}`},
	{"named_ranges", `{"workbook_id":"budget"}`},
	{"named_ranges", `{"workbook_id":"budget","limit":1}`},
	{"describe_workbook", `{"workbook_id":"budget"}`},
	{"workbook_summary", `{"workbook_id":"budget"}`},
	{"sheet_page", `{"workbook_id":"loan","sheet_name":"Schedule","page_size":7}`},
	{"sheet_page", `{"workbook_id":"loan","sheet_name":"Schedule","columns":["B","D:E"],"include_header":false,"format":"csv"}`},
	{"sheet_page", `{"workbook_id":"loan","sheet_name":"Schedule","format":"full","include_formulas":true,"include_styles":true}`},
	{"sheet_page", `{"workbook_id":"loan","sheet_name":"Schedule","format":"compact"}`},
	{"sheet_page", `{"workbook_id":"loan","sheet_name":"Schedule","format":"values_only"}`},
	{"read_table", `{"workbook_id":"orders","limit":5}`},
	{"read_table", `{"workbook_id":"orders","sample_mode":"last","limit":9,"format":"csv"}`},
	{"read_table", `{"workbook_id":"orders","filters":[{"column":"units","op":"gt","value":3}],"columns":["order","city"],"format":"json"}`},
	{"read_table", `{"workbook_id":"orders","sample_mode":"distributed","limit":10}`},
	{"range_values", `{"workbook_id":"orders","sheet_name":"orders","ranges":["A:C","2:9","D3:E40"]}`},
	{"range_values", `{"workbook_id":"budget","sheet_name":"Jan","ranges":["A1:B9","Feb!A1:C9","A:A"],"format":"dense"}`},
	{"range_values", `{"workbook_id":"loan","sheet_name":"Schedule","ranges":["A:H"],"page_size":50,"include_formulas":true}`},
	{"inspect_cells", `{"workbook_id":"loan","sheet_name":"Schedule","targets":["A1:D3"]}`},
	{"layout_page", `{"workbook_id":"budget","sheet_name":"Summary"}`},
	{"layout_page", `{"workbook_id":"loan","sheet_name":"Schedule","range":"A1:H100"}`},
	{"grid_export", `{"workbook_id":"loan","sheet_name":"Schedule","range":"A1:H60"}`},
	{"find_value", `{"workbook_id":"orders","query":"a"}`},
	{"find_value", `{"workbook_id":"budget","query":"a","limit":4,"context":"both"}`},
	{"find_formula", `{"workbook_id":"loan","query":"("}`},
	{"formula_trace", `{"workbook_id":"loan","sheet_name":"Schedule","cell_address":"H100","direction":"precedents","depth":5,"page_size":5}`},
	{"formula_trace", `{"workbook_id":"loan","sheet_name":"Loan","cell_address":"B3","direction":"dependents","depth":2,"page_size":5}`},
	{"scan_volatiles", `{"workbook_id":"messy"}`},
	{"sheet_formula_map", `{"workbook_id":"loan","sheet_name":"Schedule"}`},
	{"sheet_formula_map", `{"workbook_id":"budget","sheet_name":"Summary","limit":2}`},
	{"sheet_overview", `{"workbook_id":"messy","sheet_name":"export (2)"}`},
	{"sheet_overview", `{"workbook_id":"budget","sheet_name":"Summary","max_regions":1}`},
	{"sheet_statistics", `{"workbook_id":"orders","sheet_name":"orders"}`},
	{"sheet_styles", `{"workbook_id":"budget","sheet_name":"Summary"}`},
	{"table_profile", `{"workbook_id":"orders"}`},
	{"compare_tables", `{"baseline_id":"budget","current_id":"budget","sheet_name":"Jan","current":{"sheet_name":"Feb"},"key":["A"]}`},
	{"workbook_style_summary", `{"workbook_id":"budget"}`},
	{"get_manifest_stub", `{"workbook_id":"budget"}`},
	{"explain_cell", `{"workbook_id":"budget","sheet_name":"Summary","cell_address":"B5"}`},
	{"verify_calculation", `{"workbook_id":"loan","tolerance":0}`},
}

// TestHints_CutResults: every call that a cut result names is a call and leads on, for
// every tool and whatever it is that cuts.
func TestHints_CutResults(t *testing.T) {
	t.Parallel()
	root := exampleRoot(t)
	called := map[string]bool{}
	for _, c := range wide {
		called[c.tool] = true
	}
	for _, tool := range tools.Table() {
		// What gives no list: nothing to cut, or nothing in the examples to cut.
		if !called[tool.Name] && tool.ReadOnly && tool.Toolset != "edit" && tool.Toolset != "office" && !slices.Contains([]string{"close_workbook", "column_size_batch", "execute_manifest", "goal_seek", "server_status", "style_batch", "vba_module_source", "vba_project_summary"}, tool.Name) {
			t.Errorf("%s is not among the calls of this test", tool.Name)
		}
	}
	for _, caps := range [][]string{{"--max-items=3"}, {"--max-payload-bytes=700"}, {"--max-cells=40"}, {"--max-items=2", "--max-cells=12", "--max-payload-bytes=300", "--output-profile=verbose"}} {
		t.Run(fmt.Sprint(caps), func(t *testing.T) {
			t.Parallel()
			r := serving(t, root, append(caps, "--toolsets=all")...)
			s := r.client(eras[1])
			cut, pages := map[string]bool{}, 0
			for _, c := range wide {
				if strings.Contains(c.tool, "style") { // the most used ones, not by pages
					if tool, args := next(t, mustCall(t, s, c.tool, c.args)); tool != "" {
						mustCall(t, s, tool, args)
					}
					continue
				}
				n := len(follow(t, s, c.tool, c.args, 20))
				if pages += n; n > 1 {
					cut[c.tool] = true
				}
			}
			t.Logf("%d calls led to %d, all valid; cut were %s", len(wide), pages, strings.Join(slices.Sorted(maps.Keys(cut)), ", "))
			if len(cut) < 6 {
				t.Errorf("next to nothing was cut: %v", cut)
			}
		})
	}
}

// TestHints_Examples: the call that an INVALID_PARAMS shows is taken by the tool.
func TestHints_Examples(t *testing.T) {
	t.Parallel()
	r := serving(t, exampleRoot(t), "--toolsets=all")
	s := r.client(eras[1])
	shown := regexp.MustCompile(`Example: ([a-z_]+) (\{.*\})`)
	wrong := []string{`{}`, `{"nonsense":1}`, `{"workbook_id":"budget","nonsense":1}`, `{"workbook_id":["budget"]}`, `{"workbook_id":"budget","sheet_name":7.5,"limit":"many","offset":-1}`,
		`{"workbook_id":"budget","sheet_name":"Jan","range":{},"ranges":[],"page_size":-3,"format":"pdf","filters":"x","columns":[[]]}`, `[]`, `"x"`, `{"workbook_id":"budget","workbook_or_fork_id":"loan"}`, `{"sheet_name":"` + strings.Repeat("é", 5000) + `","nonsense":1}`}
	examples, refusals := 0, 0
	for _, tool := range tools.Table() {
		for _, args := range wrong {
			a, err := call(t.Context(), s, tool.Name, args)
			if err != nil {
				// What is no object at all the protocol's library may refuse itself.
				if !strings.HasPrefix(args, "{") {
					continue
				}
				t.Errorf("%s %s: %v", tool.Name, clipped(args), err)
				continue
			}
			if !a.failed {
				continue // that tool takes it
			}
			if len(a.text) > 1000 {
				t.Errorf("%s %s: an error of %d bytes", tool.Name, clipped(args), len(a.text))
			}
			if !strings.HasPrefix(a.text, "INVALID_PARAMS: ") {
				continue
			}
			refusals++
			m := shown.FindStringSubmatch(a.text)
			if m == nil {
				t.Errorf("%s %s: no example in %s", tool.Name, clipped(args), a.text)
				continue
			}
			examples++
			if b, err := call(t.Context(), s, m[1], m[2]); m[1] != tool.Name || err != nil || strings.HasPrefix(b.text, "INVALID_PARAMS") {
				t.Errorf("%s %s\nshows %s %s\nwhich gives %s (%v)", tool.Name, clipped(args), m[1], m[2], clipped(b.text), err)
			}
		}
	}
	t.Logf("%d refusals with %d examples, all of them taken", refusals, examples)
	if examples < 50 {
		t.Errorf("only %d examples were seen", examples)
	}
}

// TestHints_ToolNames: what instructions, descriptions and prompts call a tool is one,
// and in a server that does not offer it the instructions are silent about it.
func TestHints_ToolNames(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, tool := range tools.Table() {
		known[tool.Name] = true
		for _, p := range tool.Params() {
			known[p.Name] = true
			for _, a := range p.Aliases {
				known[a] = true
			}
			for _, e := range p.Enum {
				known[e] = true
			}
		}
	}
	words := regexp.MustCompile(`\b[a-z]+(?:_[a-z]+)+\b`)
	check := func(where, text string, known map[string]bool) (n int) {
		for _, w := range words.FindAllString(text, -1) {
			if n++; !known[w] {
				t.Errorf("%s speaks of %s, which is no tool and no argument", where, w)
			}
		}
		return n
	}
	root, n := exampleRoot(t), 0
	for _, toolset := range []string{"core", "read", "all"} {
		r := serving(t, root, "--toolsets="+toolset)
		for _, era := range eras {
			s := r.client(era)
			offered := maps.Clone(known)
			for _, tool := range tools.Table() {
				delete(offered, tool.Name)
			}
			list, err := s.ListTools(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, tool := range list.Tools {
				offered[tool.Name] = true
				// The form of grid_export is that of a tool still to come.
				n += check("the description of "+tool.Name, tool.Description, known)
			}
			instructions := s.InitializeResult().Instructions
			n += check("the instructions of "+toolset, instructions, offered)
			if instructions == "" || len(instructions) > 2048 {
				t.Errorf("%s, %s: instructions of %d bytes", toolset, era, len(instructions))
			}
			prompts, err := s.ListPrompts(t.Context(), nil)
			if err != nil || len(prompts.Prompts) < 3 {
				t.Fatalf("%v (%v)", prompts, err)
			}
			for _, p := range prompts.Prompts {
				args := map[string]string{}
				for _, a := range p.Arguments {
					args[a.Name] = "budget"
				}
				got, err := s.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: p.Name, Arguments: args})
				if err != nil {
					t.Fatal(err)
				}
				n += check("the prompt "+p.Name, got.Messages[0].Content.(*mcp.TextContent).Text, known)
			}
		}
	}
	t.Logf("%d names, each of a tool or an argument", n)
	if n < 100 {
		t.Errorf("only %d names were found", n)
	}
}
