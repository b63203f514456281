package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gridflow/internal/cell"
	"gridflow/internal/forks"
	"gridflow/internal/genbook"
	"gridflow/internal/journal"
	"gridflow/internal/outside"
	"gridflow/internal/vfs"
	"gridflow/internal/workspace"
)

// editingEnv is an Env over a copy of an example whose forks are in a folder of their own.
func editingEnv(t testing.TB, profile Profile, set ...func(*forks.Options)) *Env {
	t.Helper()
	root, state := t.TempDir(), t.TempDir()
	for _, name := range []string{"loan.xlsx", "orders.csv"} {
		b, err := os.ReadFile(filepath.Join("../../examples", name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "orders.csv" {
			b = []byte(strings.Join(strings.SplitAfterN(string(b), "\n", 4)[:3], ""))
		}
		if err := os.WriteFile(filepath.Join(root, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	sales := salesBook(t)
	for name, b := range map[string][]byte{"sales.xlsx": sales, "strict.xlsx": strictly(t, sales)} {
		if err := os.WriteFile(filepath.Join(root, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, valued := range map[string]bool{"wrong.xlsx": true, "bare.xlsx": false} {
		if err := os.WriteFile(filepath.Join(root, name), formulaBook(t, valued), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var dot bytes.Buffer
	if err := png.Encode(&dot, image.NewGray(image.Rect(0, 0, 8, 4))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "dot.png"), dot.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	w, err := workspace.Open(t.Context(), workspace.Options{Roots: []string{root}, Bases: filepath.Join(state, "bases"), Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Shut)
	disk, err := vfs.OpenOS(state)
	if err != nil {
		t.Fatal(err)
	}
	log, err := journal.Open(disk, "journal", journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	options := forks.Options{Bases: w, Files: w, Journal: log, Logger: quiet, CalcBudget: time.Hour} // how quick the machine is does not show
	for _, f := range set {
		f(&options)
	}
	store, err := forks.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close(context.Background()) })
	return &Env{Workspace: Seeing{&forks.Router{Workspace: w, Forks: store}}, Forks: store, Files: w, Profile: profile, Caps: DefaultCaps}
}

// salesBook is a workbook with a table, a table that has totals, merged cells, and a sheet
// whose last cell stands by itself.
func salesBook(t testing.TB) []byte {
	t.Helper()
	b := &genbook.Book{}
	money, day := b.Style(genbook.Style{Format: "#,##0.00"}), b.Style(genbook.Style{Format: "yyyy-mm-dd"})
	fill := func(rows int) *genbook.Grid {
		var g genbook.Grid
		for col, name := range []string{"Day", "Item", "Net", "Gross"} {
			g.Set(fmt.Sprintf("%c1", 'A'+col), 0, name)
		}
		for row := 2; row <= rows; row++ {
			g.Set(fmt.Sprintf("A%d", row), day, 46350+float64(row))
			g.Set(fmt.Sprintf("B%d", row), 0, fmt.Sprintf("item %d", row-1))
			g.Set(fmt.Sprintf("C%d", row), money, 10*float64(row))
			g.Formula(fmt.Sprintf("D%d", row), money, fmt.Sprintf("C%d*1.2", row), 12*float64(row))
		}
		return &g
	}
	table := func(name, area string, totals bool) genbook.Table {
		r, _ := cell.ParseRange(area)
		return genbook.Table{Name: name, Range: r, Totals: totals, Columns: []genbook.TableColumn{{Name: "Day"}, {Name: "Item"}, {Name: "Net"}, {Name: "Gross", Formula: "C2*1.2"}}}
	}
	data := fill(4)
	data.Set("F1", 0, "head")
	merged, _ := cell.ParseRange("F1:G2")
	sums := fill(3)
	sums.Set("A4", 0, "Total")
	sums.Set("C4", money, 50.0)
	var plain genbook.Grid
	plain.Set("A1", 0, "name")
	plain.Set("B1", 0, "n")
	plain.Set("A2", 0, "x")
	plain.Set("B2", money, 1.0)
	plain.Set("D5", 0, "a note")
	b.AddSheet(data.Fill(&genbook.Sheet{Name: "Data", Tables: []genbook.Table{table("Sales", "A1:D4", false)}, Merges: []cell.Range{merged}}))
	b.AddSheet(sums.Fill(&genbook.Sheet{Name: "Sums", Tables: []genbook.Table{table("Totals", "A1:D4", true)}}))
	b.AddSheet(plain.Fill(&genbook.Sheet{Name: "Plain"}))
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// formulaBook is a workbook of formulas: with values that are partly wrong, or, as programs
// write it that do not calculate, without any.
func formulaBook(t testing.TB, valued bool) []byte {
	t.Helper()
	b := &genbook.Book{}
	var in, calc genbook.Grid
	in.Set("A1", 0, "rate")
	in.Set("B1", 0, 0.5)
	in.Set("A2", 0, "units")
	in.Set("B2", 0, 0.0)
	for i, f := range []struct {
		formula string
		cached  any
	}{{"Inputs!B1*8", 4.0}, {"A1+1", 7.0}, {"Inputs!B1/Inputs!B2", cell.ErrDiv0}, {"SUM(A1:A3)", cell.ErrDiv0}, {"\"is \"&A2", "is 7"}, {"IF(RAND()>2,1,5)", 5.0}, {"VLOOKUP(\"cost\",Inputs!A1:B2,2,FALSE)", 3.0}, {"A9", 0.0}, {"A8", 0.0}} {
		if !valued {
			f.cached = nil
		}
		calc.Formula(fmt.Sprintf("A%d", i+1), 0, f.formula, f.cached)
	}
	b.AddSheet(in.Fill(&genbook.Sheet{Name: "Inputs"}))
	b.AddSheet(calc.Fill(&genbook.Sheet{Name: "Calc"}))
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestForkTranscript plays the calls of some files of testdata and compares what they give, in
// the dense profile and, for lines that begin with "json ", in A's shapes. Names that are
// made by chance are written as $1, $2, … in the order in which they come.
func TestForkTranscript(t *testing.T) {
	for _, name := range []string{
		"annotations.txt",
		"batches.txt",
		"lines.txt",
		"calculation.txt",
		"compare.txt",
		"compat.txt",
		"edits.txt",
		"filters_batch.txt",
		"forks.txt",
		"grids.txt",
		"inserted.txt",
		"layouts.txt",
		"names.txt",
		"objects.txt",
		"outside.txt",
		"protection.txt",
		"refusals.txt",
		"rows.txt",
		"rules.txt",
		"structure.txt",
		"tables.txt",
		"whatif.txt",
	} {
		t.Run(name, func(t *testing.T) { playForks(t, filepath.Join("testdata", name), nil) })
	}
}

// TestEveryToolIsPlayed: the files of calls have, of each tool, one that does what it says and one that is refused.
func TestEveryToolIsPlayed(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt*")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`^> (?:[a-z]+ )?([a-z_]+) \{`)
	done, refused := map[string]bool{}, map[string]bool{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(b), "\n")
		for i, line := range lines {
			m := call.FindStringSubmatch(line)
			switch {
			case m == nil || i+1 == len(lines):
			case strings.HasPrefix(strings.TrimSpace(lines[i+1]), "! "), strings.HasPrefix(lines[i+1], "error "):
				refused[m[1]] = true
			default:
				done[m[1]] = true
			}
		}
	}
	for i := range table {
		if name := table[i].Name; !done[name] || !refused[name] {
			t.Errorf("%s: done %v, refused %v", name, done[name], refused[name])
		}
	}
}

// TestStaleIsMarked: every call that reads values of a fork whose formulas are not calculated says so, and no other
// does; one that shows certain cells only says it of these. Of two that are compared either may be that one.
func TestStaleIsMarked(t *testing.T) {
	env := editingEnv(t, Dense, func(o *forks.Options) { o.CalcBudget = -1 }) // nothing is calculated
	fork := regexp.MustCompile(`fork-[2-9a-z]+`)
	do := func(name, args string) string {
		t.Helper()
		out, err := callTool(t, env, name, args)
		if err != nil {
			t.Fatalf("%s %s: %v", name, args, err)
		}
		return out.Text
	}
	one := func() string { return fork.FindString(do("create_fork", `{"workbook_id":"sales"}`)) }
	old, fresh, other := one(), one(), one()
	do("edit_batch", fmt.Sprintf(`{"fork_id":%q,"sheet_name":"Data","edits":[{"address":"C2","value":77}]}`, old))
	do("edit_batch", fmt.Sprintf(`{"fork_id":%q,"sheet_name":"Sums","edits":[{"address":"C2","value":77},{"address":"Z7","formula":"1+1"}]}`, old))
	do("formula_trace", fmt.Sprintf(`{"workbook_id":%q,"sheet_name":"Sums","cell_address":"D2","direction":"precedents"}`, old)) // so that they are compiled
	for name, args := range map[string]string{
		"compare_tables":    `{"baseline_id":%[1]q,"current_id":%[2]q,"sheet_name":"Sums","key":["A"]}`,
		"describe_workbook": `{"workbook_id":%[1]q}`,
		"diff_workbooks":    `{"baseline_id":%[1]q,"current_id":%[2]q}`,
		"explain_cell":      `{"workbook_id":%[1]q,"sheet_name":"Sums","cell_address":"D2"}`,
		"export_csv":        `{"workbook_id":%[1]q,"sheet_name":"Sums","target_path":"out-%[1]s-%[2]s.csv"}`,
		"changes_since":     `{"fork_id":%[1]q,"version":0}`,
		"find_errors":       `{"workbook_id":%[1]q}`,
		"get_changeset":     `{"fork_id":%[1]q}`,
		"save_fork":         `{"fork_id":%[1]q,"target_path":"save-%[1]s.xlsx","overwrite":true}`,
		"find_formula":      `{"workbook_id":%[1]q,"query":"SUM"}`,
		"find_value":        `{"workbook_id":%[1]q,"query":"a"}`,
		"formula_trace":     `{"workbook_id":%[1]q,"sheet_name":"Sums","cell_address":"B2","direction":"precedents"}`,
		"grid_export":       `{"workbook_id":%[1]q,"sheet_name":"Sums","range":"A1:D4"}`,
		"inspect_cells":     `{"workbook_id":%[1]q,"sheet_name":"Sums","targets":["D2"]}`,
		"layout_page":       `{"workbook_id":%[1]q,"sheet_name":"Sums"}`,
		"list_sheets":       `{"workbook_id":%[1]q}`,
		"named_ranges":      `{"workbook_id":%[1]q}`,
		"range_values":      `{"workbook_id":%[1]q,"sheet_name":"Sums","ranges":["A1:D4"]}`,
		"read_table":        `{"workbook_id":%[1]q,"table_name":"Totals"}`,
		"sheet_formula_map": `{"workbook_id":%[1]q,"sheet_name":"Sums"}`,
		"sheet_overview":    `{"workbook_id":%[1]q,"sheet_name":"Sums"}`,
		"sheet_page":        `{"workbook_id":%[1]q,"sheet_name":"Sums"}`,
		"sheet_statistics":  `{"workbook_id":%[1]q,"sheet_name":"Sums"}`,
		"table_profile":     `{"workbook_id":%[1]q,"sheet_name":"Sums"}`,
		"verify_workbook":   `{"baseline_id":%[2]q,"current_id":%[1]q}`,
		"workbook_summary":  `{"workbook_id":%[1]q}`,
	} {
		marked := func(a, b string) bool {
			text := do(name, fmt.Sprintf(args, a, b))
			return strings.Contains(text, "WARN_STALE_FORMULAS") || strings.Contains(text, `"stale_formulas":true`) || strings.Contains(text, `"recalc_needed":true`)
		}
		if !marked(old, fresh) {
			t.Errorf("%s does not say that formulas are not calculated: %s", name, do(name, strings.ReplaceAll(fmt.Sprintf(args, old, fresh), "out-", "again-")))
		}
		if marked(fresh, other) {
			t.Errorf("%s says of what is calculated that it is not", name)
		}
	}
	// D3 has a formula that does not read what was edited.
	for name, args := range map[string]string{
		"explain_cell":  `{"workbook_id":%q,"sheet_name":"Sums","cell_address":"D3"}`,
		"grid_export":   `{"workbook_id":%q,"sheet_name":"Sums","range":"A3:D3"}`,
		"inspect_cells": `{"workbook_id":%q,"sheet_name":"Sums","targets":["A1","D3"]}`,
		"layout_page":   `{"workbook_id":%q,"sheet_name":"Sums","range":"A3:D3"}`,
		"range_values":  `{"workbook_id":%q,"sheet_name":"Sums","ranges":["A1:C1","A3:D3"]}`,
		"read_table":    `{"workbook_id":%q,"sheet_name":"Sums","range":"A3:D3","header_row":3}`,
		"sheet_page":    `{"workbook_id":%q,"sheet_name":"Sums","start_row":3,"page_size":1}`,
		"table_profile": `{"workbook_id":%q,"sheet_name":"Sums","range":"A3:D3"}`,
	} {
		if text := do(name, fmt.Sprintf(args, old)); strings.Contains(text, "WARN_STALE_FORMULAS") || strings.Contains(text, "stale_formulas") {
			t.Errorf("%s says of cells that nothing has changed that they are stale: %s", name, text)
		}
	}
}

// TestOutside plays what is said of formulas that reach outside of their workbook, by the operator's policy.
func TestOutside(t *testing.T) {
	for policy, file := range map[outside.Policy]string{outside.Refuse: "outside_refused.txt", outside.Allow: "outside_allowed.txt"} {
		playForks(t, filepath.Join("testdata", file), func(env *Env) { env.Outside = policy })
	}
}

// playForks plays a file; with prepares what the calls find.
func playForks(t *testing.T, file string, with func(env *Env)) {
	script, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	envs := map[Profile]*Env{Dense: editingEnv(t, Dense)}
	if with != nil {
		with(envs[Dense])
	}
	compat := *envs[Dense]
	compat.Profile = Compat
	envs[Compat] = &compat
	byName := map[string]*Tool{}
	for i := range table {
		byName[table[i].Name] = &table[i]
	}
	var names []string
	random := regexp.MustCompile(`\b(fork|cp|chg|wb)-[2-9a-z]{10,12}\b`)
	stamp := regexp.MustCompile(`\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	took := regexp.MustCompile(`("duration_ms":)\d+`)
	picture := regexp.MustCompile(`\b[0-9a-f]{32}\.png\b`)
	sizes := regexp.MustCompile(`\b\d+ x \d+ pixels, \d+ bytes|"(width|height|size_bytes|bytes)":\d+|\b\d+ bytes\b`)
	where := regexp.MustCompile(`file:///[^"]*/`)
	age := regexp.MustCompile(`("(?:age|idle)_seconds":)\d+`)
	hide := func(s string) string {
		s = random.ReplaceAllStringFunc(s, func(id string) string {
			for i, n := range names {
				if n == id {
					return fmt.Sprintf("$%d", i+1)
				}
			}
			names = append(names, id)
			return fmt.Sprintf("$%d", len(names))
		})
		s = took.ReplaceAllString(s, "${1}0")
		if with != nil { // what LibreOffice makes is not the same everywhere
			s = where.ReplaceAllString(picture.ReplaceAllString(s, "NAME.png"), "file:///")
			s = sizes.ReplaceAllStringFunc(s, func(s string) string { return regexp.MustCompile(`\d+`).ReplaceAllString(s, "N") })
		}
		return age.ReplaceAllString(stamp.ReplaceAllString(s, "TIME"), "${1}0")
	}
	var got strings.Builder
	for line := range strings.Lines(string(script)) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "# ") || line == "" {
			got.WriteString(line + "\n")
			continue
		}
		call, ok := strings.CutPrefix(line, "> ")
		if !ok {
			continue // what it gave when it was written
		}
		got.WriteString(line + "\n")
		profile := Dense
		if rest, ok := strings.CutPrefix(call, "json "); ok {
			call, profile = rest, Compat
		}
		tool, args, _ := strings.Cut(call, " ")
		for i := len(names); i > 0; i-- {
			args = strings.ReplaceAll(args, fmt.Sprintf("$%d", i), names[i-1])
		}
		row := byName[tool]
		if row == nil {
			t.Fatalf("no tool %s", tool)
		}
		res, err := row.Call(t.Context(), envs[profile], json.RawMessage(args))
		text := ""
		if err != nil {
			text = "! " + err.Error()
		} else {
			text = res.Text
		}
		for _, l := range strings.Split(strings.TrimRight(hide(text), "\n"), "\n") {
			got.WriteString("  " + l + "\n")
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got.String() != string(script) {
		t.Errorf("%s is not what the calls give; if that is meant, run with -update. Got:\n%s", file, got.String())
	}
}
