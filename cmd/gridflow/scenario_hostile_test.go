//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/cell"
	"gridflow/internal/genbook"
)

// jsonOf writes arguments, whatever characters are in them.
func jsonOf(args map[string]any) string {
	b, err := json.Marshal(args)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestS49_Confinement: nothing outside of the root is read or told of, whatever it is
// called, by any tool that takes a workbook and by the resources.
func TestS49_Confinement(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	const secret = "the secret outside"
	out := writeFile(t, filepath.Join(dir, "out", "secret.csv"), []byte(secret+"\n"))
	writeFile(t, filepath.Join(root, "in.csv"), []byte("inside\n"))
	writeFile(t, filepath.Join(root, "sub", "deep.csv"), []byte("deep\n"))
	writeFile(t, filepath.Join(root, ".hidden", "h.csv"), []byte(secret+"\n"))
	for link, target := range map[string]string{"link.csv": "../out/secret.csv", "absolute.csv": out, "outdir": "../out", "alias.csv": "in.csv", "loop.csv": "loop.csv", "sub/up.csv": "../../out/secret.csv"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	before := state(t, filepath.Join(dir, "out"))
	r := serving(t, root, "--toolsets=all")
	s := r.client(eras[1])
	targets := []string{
		"../out/secret.csv", "..\\out\\secret.csv", "/../out/secret.csv", "sub/../../out/secret.csv", "./../out/secret.csv", "in.csv/../../out/secret.csv",
		"%2e%2e/out/secret.csv", "..%2fout%2fsecret.csv", "....//out/secret.csv", "file://" + out, out, strings.ToUpper(out), "//" + out, out + "\x00.csv", "in.csv\x00../../out/secret.csv",
		"link.csv", "link", "absolute.csv", "outdir/secret.csv", "OUTDIR/SECRET.CSV", "loop.csv", "sub/up.csv", "up", "secret", ".hidden/h.csv", "h", "~/secret.csv", "$HOME", "\\\\host\\share\\x.csv", "C:\\x.csv", "CON", "", " ", "\u202e", strings.Repeat("../", 5000), strings.Repeat("a", 1<<20),
	}
	said := map[string]int{}
	check := func(what, text string, failed bool) {
		t.Helper()
		if !failed || strings.Contains(text, secret) || len(text) > 1100 {
			t.Errorf("%s: %s", clipped(what), clipped(text))
		}
		code, _, _ := strings.Cut(text, ":")
		said[code]++
	}
	for _, tool := range []string{"list_sheets", "describe_workbook", "sheet_page", "close_workbook"} {
		for _, target := range targets {
			args := map[string]any{"workbook_id": target}
			if tool == "sheet_page" {
				args["sheet_name"] = "secret"
			}
			a, err := call(t.Context(), s, tool, jsonOf(args))
			if err != nil {
				t.Fatal(err)
			}
			check(tool+" "+target, a.text, a.failed)
		}
	}
	for _, target := range targets {
		if len(target) > 2000 {
			continue
		}
		_, err := s.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "gridflow://" + url.PathEscape(target)})
		check("resource "+target, fmt.Sprint(err), err != nil)
	}
	t.Logf("%d names for what is outside, by 4 tools and as resources: %v", len(targets), said)

	// Other spellings of what is inside are the same workbook.
	ids := map[string]bool{}
	for _, name := range []string{"in", "in.csv", "./in.csv", "IN.CSV", filepath.Join(root, "in.csv"), "alias.csv", "sub/../in.csv"} {
		if text := mustCall(t, s, "sheet_page", jsonOf(map[string]any{"workbook_id": name, "sheet_name": "in"})); !strings.Contains(text, "inside") {
			t.Errorf("%s: %s", name, clipped(text))
		}
		ids[mustCall(t, s, "describe_workbook", jsonOf(map[string]any{"workbook_id": name}))] = true
	}
	if len(ids) != 1 {
		t.Errorf("%d workbooks where there is one: %v", len(ids), ids)
	}
	if listed := mustCall(t, s, "list_workbooks", `{}`); strings.Contains(listed, "secret") || strings.Count(listed, "wb-") != 2 {
		t.Errorf("listed: %s", listed)
	}
	if after := state(t, filepath.Join(dir, "out")); after != before {
		t.Errorf("what is outside was %s and is %s", before, after)
	}
	for _, line := range r.log.matching("panic") {
		t.Error(line)
	}
}

// state describes the files of a folder: names, times of change and of access, contents.
func state(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range list {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %d %v %v\n", e.Name(), info.Size(), info.Mode(), info.ModTime())
	}
	return b.String()
}

// TestS49_Names: sheets and files may be called what they like: what is listed can be
// read back under the name that is listed.
func TestS49_Names(t *testing.T) {
	t.Parallel()
	sheets := []string{"It's", `"quoted"`, "A1", "R1C1", "1:2", "TRUE", "a!b", "Ünï – ☃", "日本語 シート", "'", "a''b", "{json}", "<b>&amp;", "\u202etfel", "\u200b", "=1+1", "$A$1", "a,b;c", strings.Repeat("é", 31)}
	sheets = sheetNames(sheets)
	files := []string{"plain", "it's", "two  blanks", "ünï–☃", "日本語", "a%2fb", "semi;colon", "line\nbreak", "tab\there", `quote"d`, "-dash", "{brace}", "$HOME", "`tick`", "dots..", "wb-2222222222", "\u202etfel"}
	root := t.TempDir()
	var book genbook.Book
	for i, name := range sheets {
		book.AddSheet(&genbook.Sheet{Name: name, Rows: func(w *genbook.Writer) error {
			w.Row(0)
			w.Int(0, 0, int64(7000+i))
			return nil
		}})
	}
	f, err := os.Create(filepath.Join(root, "sheets.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	if err := book.Write(f); err != nil {
		t.Fatal(err)
	}
	f.Close()
	for i, name := range files {
		writeFile(t, filepath.Join(root, name+".csv"), fmt.Appendf(nil, "%d\n", 8000+i))
	}
	r := serving(t, root)
	for _, era := range eras {
		s := r.client(era)
		for i, name := range sheets {
			want := fmt.Sprint(7000 + i)
			quoted := "'" + strings.ReplaceAll(name, "'", "''") + "'!A1"
			for _, c := range []struct {
				tool string
				args map[string]any
			}{
				{"sheet_page", map[string]any{"workbook_id": "sheets", "sheet_name": name}},
				{"range_values", map[string]any{"workbook_id": "sheets", "sheet_name": sheets[0], "ranges": []string{quoted}}},
				{"inspect_cells", map[string]any{"workbook_id": "sheets", "sheet_name": name, "targets": []string{"A1"}}},
			} {
				if text := mustCall(t, s, c.tool, jsonOf(c.args)); !strings.Contains(text, want) {
					t.Errorf("%s %v: %s", c.tool, c.args, clipped(text))
				}
			}
			res, err := s.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "gridflow://sheets/" + url.PathEscape(name) + "/A1"})
			if err != nil || !strings.Contains(res.Contents[0].Text, want) {
				t.Errorf("the resource of sheet %q: %v", name, err)
			}
			// A name that is nearly right is answered with the right one.
			if a, err := call(t.Context(), s, "sheet_page", jsonOf(map[string]any{"workbook_id": "sheets", "sheet_name": name + "?"})); err != nil || !a.failed || !strings.HasPrefix(a.text, "SHEET_NOT_FOUND: ") {
				t.Errorf("%q?: %s (%v)", name, clipped(a.text), err)
			}
		}
		for i, name := range files {
			for _, id := range []string{name + ".csv", "./" + name + ".csv"} {
				text := mustCall(t, s, "read_table", jsonOf(map[string]any{"workbook_id": id, "header_rows": 0}))
				if !strings.Contains(text, fmt.Sprint(8000+i)) {
					t.Errorf("%q: %s", id, clipped(text))
				}
			}
			// An error that tells the name is one line, in which all is seen.
			if a, err := call(t.Context(), s, "create_fork", jsonOf(map[string]any{"workbook_id": name + ".csv"})); err != nil || !a.failed || !strings.HasPrefix(a.text, "UNSUPPORTED_FORMAT: ") || strings.ContainsAny(a.text, "\n\t\u202e") {
				t.Errorf("%q is forked: %q (%v)", name, clipped(a.text), err)
			}
		}
		// One line for each, however it is called.
		listed := mustCall(t, s, "list_sheets", `{"workbook_id":"sheets"}`)
		if strings.Count(listed, "\n") != len(sheets)+1 {
			t.Errorf("%d sheets are listed in %d lines: %s", len(sheets), strings.Count(listed, "\n"), listed)
		}
		for i, name := range sheets {
			// What would reorder the line, or not be seen in it, is escaped; the name is
			// understood as it is shown.
			shown := strings.NewReplacer("\u202e", `\u202E`, "\u200b", `\u200B`).Replace(name)
			if !strings.Contains(listed, "\n"+shown+"\t") {
				t.Errorf("%q is not listed: %s", name, listed)
			}
			text := mustCall(t, s, "sheet_page", jsonOf(map[string]any{"workbook_id": "sheets", "sheet_name": shown}))
			if !strings.Contains(text, fmt.Sprint(7000+i)) {
				t.Errorf("%q: %s", shown, clipped(text))
			}
		}
		if listed := mustCall(t, s, "list_workbooks", `{}`); strings.Count(listed, "\n") != len(files)+2 {
			t.Errorf("%d workbooks are listed in %d lines: %s", len(files)+1, strings.Count(listed, "\n"), listed)
		}
	}
	t.Logf("%d names of sheets and %d of files, in both eras", len(sheets), len(files))
}

// sheetNames leaves out what no spreadsheet program takes as the name of a sheet.
func sheetNames(list []string) (names []string) {
	for _, name := range list {
		if !strings.ContainsAny(name, `[]:*?/\`) && !strings.HasPrefix(name, "'") && !strings.HasSuffix(name, "'") {
			names = append(names, name)
		}
	}
	return names
}

// TestS49_UnknownIDs: an id that names nothing costs no more than one that does, however
// many workbooks there are.
func TestS49_UnknownIDs(t *testing.T) {
	t.Parallel()
	const files, tries = 1000, 1000
	root := t.TempDir()
	for i := range files {
		writeFile(t, filepath.Join(root, fmt.Sprintf("d%d", i%10), fmt.Sprintf("f%d.csv", i)), []byte("1\n"))
	}
	r := serving(t, root, "--tools=describe_workbook")
	s := r.client(eras[1])
	cost := func(id func(i int) string, failed bool) (ticks int64) {
		before := r.cpuTicks()
		for i := range tries {
			a, err := call(t.Context(), s, "describe_workbook", jsonOf(map[string]any{"workbook_id": id(i)}))
			if err != nil || a.failed != failed || failed && !strings.HasPrefix(a.text, "WORKBOOK_NOT_FOUND: ") {
				t.Fatalf("%s: %s (%v)", id(i), clipped(a.text), err)
			}
		}
		return r.cpuTicks() - before
	}
	known := cost(func(int) string { return "f0" }, false)
	unknown := cost(func(i int) string { return fmt.Sprintf("wb-%010d", i) }, true)
	t.Logf("%d workbooks, %d calls: with a known id %d ms of processor time, with unknown ones %d ms (bound: 3 times, and a second)", files, tries, 10*known, 10*unknown)
	if unknown > 3*known+100*int64(slowness) {
		t.Errorf("unknown ids cost %d ms, known ones %d ms", 10*unknown, 10*known)
	}
}

// TestS49_DenseFormulas: a small file without values, in which each formula reads all others, takes no
// more memory than a calculation may: it is read without values, and whatever has to calculate says why it does not.
func TestS49_DenseFormulas(t *testing.T) {
	t.Parallel()
	const rows = 3000
	var book genbook.Book
	book.AddSheet(&genbook.Sheet{Name: "S", Rows: func(w *genbook.Writer) error {
		for row := range rows {
			w.Row(row)
			w.Formula(0, 0, fmt.Sprintf("SUM(A$%d:A$%d)", row+2, rows+1), cell.Value{})
		}
		return nil
	}})
	var b strings.Builder
	if err := book.Write(&b); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	writeFile(t, filepath.Join(root, "dense.xlsx"), []byte(b.String()))
	// The edit is to wait for what its calculation comes to, on a machine that is slow as well.
	r := serving(t, root, "--state-dir="+t.TempDir(), "--toolsets=all", "--cache-bytes=64MiB", "--calc-budget=1h", "--tool-timeout=0")
	s := r.client(eras[1])
	const told = "takes more memory than a calculation may take"
	for _, tool := range []string{"range_values", "range_values", "find_value"} {
		args := map[string]string{"range_values": `{"workbook_id":"dense","sheet_name":"S","ranges":["A1:B3"]}`, "find_value": `{"workbook_id":"dense","query":"1"}`}[tool]
		if got := mustCall(t, s, tool, args); !strings.Contains(got, told) {
			t.Errorf("%s: %s", tool, clipped(got))
		}
	}
	for tool, args := range map[string]string{
		"verify_calculation": `{"workbook_id":"dense"}`,
		"run_scenarios":      `{"workbook_id":"dense","scenarios":[{"name":"a","inputs":{"S!B1":1}}],"outputs":["S!A1"]}`,
		"goal_seek":          `{"workbook_id":"dense","sheet_name":"S","set_cell":"A1","to_value":7,"by_changing_cell":"A3001"}`,
	} {
		got, err := call(t.Context(), s, tool, args)
		if err != nil || !got.failed || !strings.HasPrefix(got.text, "TOO_LARGE:") {
			t.Errorf("%s: %v %s", tool, err, clipped(got.text))
		}
	}
	fork := newFork(t, s, "dense")
	const why = "of memory that a calculation may take"
	for _, c := range [][2]string{{"edit_batch", `{"fork_id":%q,"edits":[{"address":"S!A3001","value":1}]}`}, {"recalculate", `{"fork_id":%q}`}, {"list_forks", `{}`}} {
		args := c[1]
		if strings.Contains(args, "%q") {
			args = fmt.Sprintf(args, fork)
		}
		if got, err := call(t.Context(), s, c[0], args); err != nil || !strings.Contains(got.text, why) {
			t.Errorf("%s does not say why the fork stays stale: %v %s", c[0], err, clipped(got.text))
		}
	}
}
