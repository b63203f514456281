//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"gridflow/internal/audit"
	"gridflow/internal/tools"
)

// TestAudit: each call that changes something, or tries to, is one line: who, with which
// tool, what came of it, which version or file there is now. Calls that read are none, and
// nothing that is in a cell is in any.
func TestAudit(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	r, root := editing(t, t.TempDir(), "--audit-file="+file)
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		t.Fatal(err)
	}
	for i, era := range eras {
		s := r.client(era)
		fork := newFork(t, s, "loan")
		sheet := firstSheet(t, s, fork)
		do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"label":"secret label","edits":[{"address":"Z1","value":"secret value"}]}`, fork, sheet)
		at(t, s, fork, sheet, "Z1")
		refused(t, "CONFLICT", s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":"secret value"}],"expected_version":7}`, fork, sheet)
		target := fmt.Sprintf("saved-%d.xlsx", i)
		do(t, s, "save_fork", `{"fork_id":%q,"target_path":%q}`, fork, target)
		do(t, s, "undo", `{"fork_id":%q}`, fork)
		do(t, s, "discard_fork", `{"fork_id":%q}`, fork)

		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "secret") || s.ID() != "" && strings.Contains(string(text), s.ID()) {
			t.Errorf("the record has what it must not have:\n%s", text)
		}
		if s.ID() != "" && len(r.log.matching(s.ID())) > 0 {
			t.Errorf("the log has the id of a session: %s", r.log.matching(s.ID())[0])
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if len(lines) != 6*(i+1) { // each is there when its call is answered
			t.Fatalf("%d lines, want %d:\n%s", len(lines), 6*(i+1), text)
		}
		part := ""
		for n, want := range []struct{ tool, outcome, changes string }{
			{"create_fork", "ok", `[{"kind":"fork made","id":"FORK","path":"loan.xlsx","root":"ROOT"}]`},
			{"edit_batch", "ok", `[{"kind":"version made","id":"FORK","version":1}]`},
			{"edit_batch", "CONFLICT", `null`},
			{"save_fork", "ok", `[{"kind":"file written","id":"FORK","version":1,"path":"TARGET","root":"ROOT"}]`},
			{"undo", "ok", `[{"kind":"version made","id":"FORK","version":2}]`},
			{"discard_fork", "ok", `[{"kind":"fork discarded","id":"FORK"}]`},
		} {
			var e audit.Entry
			if err := json.Unmarshal([]byte(lines[6*i+n]), &e); err != nil {
				t.Fatal(err)
			}
			changes, _ := json.Marshal(e.Changes)
			made := strings.NewReplacer("FORK", fork, "TARGET", target, "ROOT", real).Replace(want.changes)
			if e.Tool != want.tool || e.Outcome != want.outcome || string(changes) != made {
				t.Errorf("line %d: %s\nwant %s %s %s", n, lines[6*i+n], want.tool, want.outcome, made)
			}
			if e.Client != "local" || e.Program != "scenario 1" || e.Time.IsZero() || part != "" && e.Part != part {
				t.Errorf("line %d: who was it? %s", n, lines[6*i+n])
			}
			part = e.Part
		}
	}
}

// walk calls every tool that changes something with arguments that are good: which changes the
// line of each must tell, by kind. FORK, OTHER, CP and CHG stand for what was made on the way.
var walk = []struct{ tool, args, changes string }{
	{"create_workbook", `{"target_path":"walk.xlsx","sheets":[{"name":"S","rows":[["k","v"],["a",1],["a",1],["b",2],["sum","=SUM(B2:B4)"]]}]}`, "file written"},
	{"create_fork", `{"workbook_or_fork_id":"walk.xlsx"}`, "fork made"},
	{"edit_batch", `{"fork_id":"FORK","sheet_name":"S","edits":[{"address":"D1","value":"x"}]}`, "version made"},
	{"append_rows", `{"fork_id":"FORK","sheet_name":"S","rows":[["c",3]]}`, "version made"},
	{"apply_formula_pattern", `{"fork_id":"FORK","sheet_name":"S","target_range":"C2:C4","anchor_cell":"C2","base_formula":"B2*2"}`, "version made"},
	{"fill_series", `{"fork_id":"FORK","sheet_name":"S","range":"E1:E5","kind":"linear","start":1}`, "version made"},
	{"grid_import", `{"fork_id":"FORK","sheet_name":"S","anchor":"H1","grid":{"anchor":"A1","rows":[["p",1]]}}`, "version made"},
	{"import_csv", `{"fork_id":"FORK","sheet_name":"S","anchor":"K1","csv":"k,v\na,1\na,1\nb,2\n"}`, "version made"},
	{"transform_batch", `{"fork_id":"FORK","ops":[{"kind":"clear_range","sheet_name":"S","range":"H1:I1"}]}`, "version made"},
	{"replace_in_formulas", `{"fork_id":"FORK","sheet_name":"S","find":"*2","replace":"*3"}`, "version made"},
	{"style_batch", `{"fork_id":"FORK","ops":[{"sheet_name":"S","range":"A1:B1","patch":{"font":{"bold":true}}}]}`, "version made"},
	{"column_size_batch", `{"fork_id":"FORK","sheet_name":"S","ops":[{"range":"A","size":{"kind":"width","width_chars":12}}]}`, "version made"},
	{"row_size_batch", `{"fork_id":"FORK","sheet_name":"S","ops":[{"range":"1:1","size":{"kind":"height","height_points":30}}]}`, "version made"},
	{"comment_batch", `{"fork_id":"FORK","ops":[{"sheet_name":"S","range":"B2","text":"note","author":"Ann"}]}`, "version made"},
	{"link_batch", `{"fork_id":"FORK","ops":[{"sheet_name":"S","range":"A2","target":"https://example.org/"}]}`, "version made"},
	{"rules_batch", `{"fork_id":"FORK","ops":[{"kind":"set_data_validation","sheet_name":"S","target_range":"B9","validation":{"kind":"list","values":["open","done"]}}]}`, "version made"},
	{"sheet_layout_batch", `{"fork_id":"FORK","ops":[{"kind":"freeze_panes","sheet_name":"S","freeze_rows":1}]}`, "version made"},
	{"remove_duplicates", `{"fork_id":"FORK","sheet_name":"S","range":"K1:L4","has_header":true}`, "version made"},
	{"sort_range", `{"fork_id":"FORK","sheet_name":"S","range":"K1:L3","has_header":true,"keys":[{"column":"L","order":"desc"}]}`, "version made"},
	{"filter_batch", `{"fork_id":"FORK","ops":[{"sheet_name":"S","range":"A1:B5","columns":[{"column":"A","values":["a"]}]}]}`, "version made"},
	{"table_batch", `{"fork_id":"FORK","ops":[{"kind":"create","sheet_name":"S","range":"K1:L3","table_name":"T"}]}`, "version made"},
	{"chart_batch", `{"fork_id":"FORK","ops":[{"kind":"create","sheet_name":"S","type":"column","data_range":"A1:B4","anchor":"N2"}]}`, "version made"},
	{"image_batch", `{"fork_id":"FORK","ops":[{"kind":"insert","sheet_name":"S","data_base64":"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==","anchor":"P2"}]}`, "version made"},
	{"define_name", `{"fork_id":"FORK","name":"Rate","refers_to":"S!$B$2"}`, "version made"},
	{"update_name", `{"fork_id":"FORK","name":"Rate","refers_to":"S!$B$3"}`, "version made"},
	{"delete_name", `{"fork_id":"FORK","name":"Rate"}`, "version made"},
	{"structure_batch", `{"fork_id":"FORK","ops":[{"kind":"create_sheet","name":"Notes"}]}`, "version made"},
	{"protection_batch", `{"fork_id":"FORK","ops":[{"kind":"protect_sheet","sheet_name":"Notes"}]}`, "version made"},
	{"goal_seek", `{"workbook_or_fork_id":"FORK","sheet_name":"S","set_cell":"B5","to_value":9,"by_changing_cell":"B4","min":0,"max":100,"apply":true}`, "version made"},
	{"recalculate", `{"fork_id":"FORK"}`, "version made"},
	{"undo", `{"fork_id":"FORK"}`, "version made"},
	{"redo", `{"fork_id":"FORK"}`, "version made"},
	{"checkpoint_fork", `{"fork_id":"FORK","label":"secret"}`, "checkpoint made"},
	{"restore_checkpoint", `{"fork_id":"FORK","checkpoint_id":"CP"}`, "version made"},
	{"delete_checkpoint", `{"fork_id":"FORK","checkpoint_id":"CP"}`, "checkpoint deleted"},
	{"edit_batch", `{"fork_id":"FORK","sheet_name":"S","edits":[{"address":"D2","value":"y"}],"mode":"preview"}`, "change staged"},
	{"apply_staged_change", `{"fork_id":"FORK","change_id":"CHG"}`, "version made"},
	{"edit_batch", `{"fork_id":"FORK","sheet_name":"S","edits":[{"address":"D3","value":"y"}],"mode":"preview"}`, "change staged"},
	{"discard_staged_change", `{"fork_id":"FORK","change_id":"CHG"}`, "staged change discarded"},
	{"create_fork", `{"workbook_or_fork_id":"walk.xlsx"}`, "fork made"},
	{"edit_batch", `{"fork_id":"OTHER","sheet_name":"S","edits":[{"address":"Q9","value":"other"}]}`, "version made"},
	{"merge_fork", `{"fork_id":"OTHER","with":"FORK"}`, "version made"},
	{"export_csv", `{"workbook_or_fork_id":"FORK","sheet_name":"S","target_path":"walk.csv"}`, "file written"},
	{"export_workbook", `{"workbook_or_fork_id":"FORK","target_path":"walk.pdf"}`, "file written"},
	{"save_fork", `{"fork_id":"FORK","overwrite":true,"backup":true}`, "backup made, file written"},
	{"save_fork", `{"fork_id":"OTHER","target_path":"other.xlsx","drop_fork":true}`, "file written, fork discarded"},
	{"close_workbook", `{"workbook_or_fork_id":"walk.xlsx"}`, ""},
	{"discard_fork", `{"fork_id":"FORK"}`, "fork discarded"},
	{"create_fork", `{"workbook_or_fork_id":"walk.xlsx","ttl_seconds":1}`, "fork made"},
}

// TestAuditWalk: every tool that may change something is walked, and its line says who, what,
// and which version, file, checkpoint or staged change there is now. So does that of a fork
// whose time is over.
func TestAuditWalk(t *testing.T) {
	t.Parallel()
	walked := map[string]bool{}
	for _, w := range walk {
		walked[w.tool] = true
	}
	for _, row := range tools.Table() {
		if !row.ReadOnly && !walked[row.Name] {
			t.Errorf("%s changes something and is not walked", row.Name)
		}
	}
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	r, root := editing(t, t.TempDir(), "--audit-file="+file)
	s := r.client(eras[0])
	lines := func() (entries []audit.Entry, text string) {
		t.Helper()
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			var e audit.Entry
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			entries = append(entries, e)
		}
		return entries, string(b)
	}
	made := map[string]string{}
	version := map[string]uint64{}
	for i, w := range walk {
		args := w.args
		for name, id := range made {
			args = strings.ReplaceAll(args, name, id)
		}
		got, err := call(t.Context(), s, w.tool, args)
		if err != nil {
			t.Fatal(err)
		}
		entries, _ := lines()
		if n := len(entries); n != i+1 && (n != i+2 || n <= len(walk)) { // the last fork may be gone by now
			t.Fatalf("after %s there are %d lines, want %d", w.tool, len(entries), i+1)
		}
		e := entries[i]
		if e.Client != "local" || e.Part == "" || e.Program != "scenario 1" || e.Tool != w.tool || e.Time.IsZero() {
			t.Errorf("%s: who was it? %+v", w.tool, e)
		}
		if w.tool == "export_workbook" && got.failed { // without LibreOffice
			if e.Outcome == "ok" || !strings.HasPrefix(got.text, e.Outcome+":") || len(e.Changes) > 0 {
				t.Errorf("%s: %s: %+v", w.tool, got.text, e)
			}
			continue
		}
		var kinds []string
		for _, c := range e.Changes {
			kinds = append(kinds, string(c.Kind))
			switch c.Kind {
			case audit.ForkMade:
				name := "FORK"
				if made[name] != "" {
					name = "OTHER"
				}
				made[name] = c.ID
			case audit.VersionMade:
				if c.Version != version[c.ID]+1 {
					t.Errorf("%s: version %d after %d", w.tool, c.Version, version[c.ID])
				}
				version[c.ID] = c.Version
				if item := made[map[string]string{"restore_checkpoint": "CP", "apply_staged_change": "CHG"}[w.tool]]; c.Item != item {
					t.Errorf("%s: made of %q, want %q", w.tool, c.Item, item)
				}
			case audit.CheckpointMade:
				made["CP"] = c.Item
			case audit.ChangeStaged:
				made["CHG"] = c.Item
			case audit.CheckpointDeleted, audit.ChangeDiscarded:
				if c.Item != made["CP"] && c.Item != made["CHG"] {
					t.Errorf("%s: of %q", w.tool, c.Item)
				}
			case audit.FileWritten, audit.BackupMade:
				if _, err := os.Stat(filepath.Join(root, c.Path)); err != nil {
					t.Errorf("%s: %v", w.tool, err)
				}
				if saved := w.tool == "save_fork" && c.Kind == audit.FileWritten; saved && c.Version != version[c.ID] || saved != (c.ID != "") {
					t.Errorf("%s: of which version? %+v", w.tool, c)
				}
			}
			if c.Kind != audit.FileWritten && c.Kind != audit.BackupMade && (!forkID.MatchString(c.ID) || !strings.Contains(got.text+args, c.ID)) {
				t.Errorf("%s: of which fork? %+v", w.tool, c)
			}
		}
		if got.failed || e.Outcome != "ok" || strings.Join(kinds, ", ") != w.changes {
			t.Fatalf("%s: %s\n%+v, want %q", w.tool, got.text, e, w.changes)
		}
		for name, id := range made { // what the arguments name
			if strings.Contains(w.args, name) && !strings.Contains(fmt.Sprint(e.About), id) {
				t.Errorf("%s: about %v, want %s", w.tool, e.About, id)
			}
		}
	}
	for strings.Contains(do(t, s, "list_forks", `{}`), made["OTHER"]) {
		r.pause("the fork has gone")
	}
	entries, text := lines()
	for len(entries) == len(walk) { // the line follows at once
		r.pause("the end of the fork is in the record")
		entries, text = lines()
	}
	last := entries[len(entries)-1]
	if last.Client != "gridflow" || last.Tool != "fork-ttl" || last.Outcome != "ok" || !reflect.DeepEqual(last.Changes, []audit.Change{{Kind: audit.ForkDiscarded, ID: made["OTHER"]}}) {
		t.Errorf("a fork whose time is over: %+v", last)
	}
	if strings.Contains(text, "secret") {
		t.Errorf("the record has a label:\n%s", text)
	}
}

// TestAuditOfTheCommandLine: a call from a shell is in the record as well.
func TestAuditOfTheCommandLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "audit.jsonl")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"list_forks"}, {"create_fork", "workbook_or_fork_id=loan"}, {"create_fork", "workbook_or_fork_id=none"}} {
		r := launch(t, self, append(append([]string{"call"}, args...), "--root="+loanRoot(t), "--state-dir="+filepath.Join(dir, "state"), "--audit-file="+file)...)
		_ = r.cmd.Wait() // the last one fails
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"outcome":"ok"`) || !strings.Contains(lines[0], `"fork made"`) || !strings.Contains(lines[1], `"outcome":"WORKBOOK_NOT_FOUND"`) {
		t.Errorf("the record:\n%s", text)
	}
}

// TestAuditOfRefusals: who is refused before anything of his request is read comes into the record, by reason and
// machine or user and counted; with no token, no header of his and no contents.
func TestAuditOfRefusals(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	g := asking(t, "--audit-file="+file)
	for range 3 {
		if res, _ := g.post(listTools, append(modern, "Authorization: Bearer made-up-secret")...); res.StatusCode != 401 {
			t.Fatal(res.Status)
		}
	}
	alice := "Authorization: Bearer " + g.tokens["alice"]
	for _, c := range []struct {
		status int
		body   string
		header string
	}{
		{403, listTools, "Origin: https://secret.example"},
		{413, strings.Repeat(" ", 5<<20), alice},
		{200, listTools, alice},
	} {
		if res, body := g.post(c.body, append(modern, c.header)...); res.StatusCode != c.status {
			t.Errorf("%s: %s, want %d: %s", c.header, res.Status, c.status, clipped(body))
		}
	}
	if res, _ := g.request("GET", strings.TrimSuffix(g.url, "/mcp")+"/metrics", "", alice); res.StatusCode != 403 {
		t.Errorf("metrics: %s", res.Status)
	}
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	g.cmd.Wait()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "secret") {
		t.Errorf("the record has what it must not have: %s", text)
	}
	got := map[string]int{}
	for line := range strings.Lines(string(text)) {
		var e audit.Refused
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		got[e.Client+" "+e.Refused] += e.Count
	}
	want := map[string]int{"local token_unknown": 3, "local origin": 1, "user alice body": 1, "user alice metrics": 1}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
}
