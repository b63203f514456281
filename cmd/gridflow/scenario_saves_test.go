//go:build unix

package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gridflow/internal/genbook"
)

// hashes gives the hash of every file in a folder, by its path.
func hashes(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	if err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(p)
		out[p] = fmt.Sprintf("%x", sha256.Sum256(b))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestS08 is scenario S8: an edit that expects an old version is told the present one, and
// leaves no trace, neither in the journal nor in the file.
func TestS08(t *testing.T) {
	state := t.TempDir()
	r, root := editing(t, state)
	s := r.client(eras[0])
	fork := newFork(t, s, "loan")
	sheet := firstSheet(t, s, fork)
	for n := range 3 {
		do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":%d}]}`, fork, sheet, n)
	}
	journal, files := hashes(t, filepath.Join(state, "journal")), hashes(t, root)
	for _, expected := range []int{0, 2, 4, 1 << 40} {
		text := refused(t, "CONFLICT", s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":"late"}],"expected_version":%d}`, fork, sheet, expected)
		if !strings.Contains(text, "version 3") {
			t.Errorf("the conflict does not name the present version: %s", text)
		}
	}
	for _, tool := range []string{"undo", "redo"} {
		refused(t, "CONFLICT", s, tool, `{"fork_id":%q,"expected_version":1}`, fork)
	}
	if now := hashes(t, filepath.Join(state, "journal")); fmt.Sprint(now) != fmt.Sprint(journal) {
		t.Error("the journal is not what it was")
	}
	if now := hashes(t, root); fmt.Sprint(now) != fmt.Sprint(files) {
		t.Error("the files are not what they were")
	}
	if got := at(t, s, fork, sheet, "Z1"); got != "2" {
		t.Errorf("Z1 is %q", got)
	}
	if !t.Failed() {
		figure(t, "bytes of journal and files that six stale edits have changed", 0, 0)
	}
}

// TestS10 is scenario S10: what reads a fork, changes nothing of it. Its journal, its base,
// its checkpoints and its staged changes are after a thousand reads what they were.
func TestS10(t *testing.T) {
	state := t.TempDir()
	r, _ := editing(t, state)
	s := r.client(eras[0])
	fork := newFork(t, s, "loan")
	sheet := firstSheet(t, s, fork)
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":1}]}`, fork, sheet)
	do(t, s, "checkpoint_fork", `{"fork_id":%q,"label":"here"}`, fork)
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":2}]}`, fork, sheet)
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"mode":"preview","edits":[{"address":"Z1","value":3}]}`, fork, sheet)
	reads := []struct{ tool, args string }{
		{"get_edits", fmt.Sprintf(`{"fork_id":%q}`, fork)},
		{"get_changeset", fmt.Sprintf(`{"fork_id":%q}`, fork)},
		{"list_checkpoints", fmt.Sprintf(`{"fork_id":%q}`, fork)},
		{"list_staged_changes", fmt.Sprintf(`{"fork_id":%q}`, fork)},
		{"fork_history", fmt.Sprintf(`{"fork_id":%q}`, fork)},
		{"diff_workbooks", fmt.Sprintf(`{"baseline_id":%q,"current_id":%q}`, fork+"@1", fork)},
		{"range_values", fmt.Sprintf(`{"workbook_or_fork_id":%q,"sheet_name":%q,"ranges":["Z1"]}`, fork+"@1", sheet)},
		{"list_sheets", fmt.Sprintf(`{"workbook_or_fork_id":%q}`, fork)},
	}
	told := make(map[string]string)
	for _, read := range reads {
		told[read.tool] = do(t, s, read.tool, "%s", read.args)
	}
	before := hashes(t, state)
	var wg sync.WaitGroup
	for i := range 10 {
		c := r.client(eras[i%2])
		wg.Go(func() {
			for n := range 100 {
				read := reads[(i+n)%len(reads)]
				if got := do(t, c, read.tool, "%s", read.args); got != told[read.tool] {
					t.Errorf("%s says\n%s\nand said\n%s", read.tool, got, told[read.tool])
					return
				}
			}
		})
	}
	wg.Wait()
	if now := hashes(t, state); fmt.Sprint(now) != fmt.Sprint(before) {
		t.Errorf("the state folder has changed: %v, %v", before, now)
	}
	if !t.Failed() {
		figure(t, "bytes of the state folder that 1000 reads of a fork have changed", 0, 0)
	}
}

// TestS36 is scenario S36: while a save stands still, because the disk does, nothing else
// does: warm reads, reads and edits of the same fork, saves elsewhere. The save gives what the
// fork had when it began, replaces the file at once, and leaves nothing beside it.
func TestS36(t *testing.T) {
	root := loanRoot(t)
	b, err := os.ReadFile(filepath.Join(root, "loan.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(root, "slow.xlsx"), b)
	r := servingPaced(t, root, "--state-dir="+t.TempDir(), "--toolsets=all")
	s := r.client(eras[0])
	fork := newFork(t, s, "slow")
	sheet := firstSheet(t, s, fork)
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":"saved"}]}`, fork, sheet)
	for _, id := range []string{"loan", "slow"} {
		at(t, s, id, sheet, "A1") // warm
	}
	// work reads and edits from four clients at once, and gives the slowest but one in a hundred of
	// the warm reads of one of them.
	work := func(row int) (warm time.Duration) {
		var wg sync.WaitGroup
		for i := range 4 {
			c := r.client(eras[i%2])
			wg.Go(func() {
				n := 0
				took := slowest(25, func() {
					at(t, c, "loan", sheet, "A1")
					if got := at(t, c, "slow", sheet, "Z1"); got != "" {
						t.Errorf("the file has %q before it is saved", got)
					}
				})
				for range 25 {
					do(t, c, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z%d","value":%d}]}`, fork, sheet, row+i, n)
					if got := at(t, c, fork, sheet, fmt.Sprintf("Z%d", row+i)); got != fmt.Sprint(n) {
						t.Errorf("the fork has %q, not %d", got, n)
					}
					n++
				}
				if i == 0 {
					warm = took
				}
			})
		}
		wg.Wait()
		return warm
	}
	alone := work(20)
	saved := make(chan string, 1)
	saver := r.client(eras[1])
	go func() { saved <- do(t, saver, "save_fork", `{"fork_id":%q}`, fork) }()
	do(t, s, "lets_go", `{"key":"disk","n":1}`) // it has begun
	busy := work(10)
	beside(t, "two warm reads beside a save that stands still, the slowest of 25", busy, alone, 1.5)
	figure(t, "reads and edits served while a save stands still", 4*25*4, 4*25*4)
	do(t, s, "save_fork", `{"fork_id":%q,"target_path":"other.xlsx"}`, fork)
	select {
	case text := <-saved:
		t.Fatalf("the slow disk was not waited for: %s", text)
	default:
	}
	do(t, s, "lets_go", `{"key":"disk","n":1}`)
	if text := <-saved; !strings.Contains(text, "slow.xlsx") {
		t.Errorf("saved: %s", text)
	}
	if got := at(t, s, "slow", sheet, "Z1"); got != "saved" {
		t.Errorf("the next read of the saved file gives %q", got)
	}
	if got := at(t, s, "slow", sheet, "Z10"); got != "" {
		t.Errorf("an edit that came after is in the file: %q", got)
	}
	if got := at(t, s, "other", sheet, "Z10"); got != "24" {
		t.Errorf("the other file has %q", got)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "loan.xlsx other.xlsx slow.xlsx" {
		t.Errorf("the folder has %s", got)
	}
}

// TestS49_Targets is the part of scenario S49 that writes: no path leads out of the root, no
// spelling makes another file of the original, no name of a sheet breaks what is said of it.
func TestS49_Targets(t *testing.T) {
	dir := t.TempDir()
	root, out := filepath.Join(dir, "root"), filepath.Join(dir, "out")
	const sheet = `It's "q" <&> ü`
	var book genbook.Book
	book.AddSheet(&genbook.Sheet{Name: sheet, Rows: func(w *genbook.Writer) error {
		w.Row(0)
		w.Int(0, 0, 1)
		return nil
	}})
	var b strings.Builder
	if err := book.Write(&b); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(root, "book.xlsx"), []byte(b.String()))
	writeFile(t, filepath.Join(out, "there.xlsx"), []byte("not to be touched"))
	if err := os.Symlink(out, filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(out, "there.xlsx"), filepath.Join(root, "there.xlsx")); err != nil {
		t.Fatal(err)
	}
	r := serving(t, root, "--state-dir="+t.TempDir(), "--toolsets=all")
	s := r.client(eras[0])
	fork := newFork(t, s, "book")
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"A2","value":2}]}`, fork, sheet)
	outside := hashes(t, out)
	for _, target := range []string{"../x.xlsx", "../out/there.xlsx", "link/x.xlsx", "link/there.xlsx", "there.xlsx", filepath.Join(out, "x.xlsx"), "sub/../../x.xlsx", ".hidden/x.xlsx", ".xlsx", "a\x00b.xlsx", "book.xlsx/x.xlsx"} {
		for _, overwrite := range []bool{false, true} {
			got, err := call(t.Context(), s, "save_fork", jsonOf(map[string]any{"fork_id": fork, "target_path": target, "overwrite": overwrite}))
			if err != nil || !got.failed {
				t.Errorf("a save to %q: %v %s", target, err, got.text)
			}
		}
	}
	if now := hashes(t, out); fmt.Sprint(now) != fmt.Sprint(outside) {
		t.Errorf("what is outside has changed: %v", now)
	}
	// Another spelling is the original, and stays under its protection.
	writeFile(t, filepath.Join(root, "book.xlsx"), []byte("another program was here"))
	for _, target := range []string{"./book.xlsx", "sub/../book.xlsx", filepath.Join(root, "book.xlsx")} {
		got, err := call(t.Context(), s, "save_fork", jsonOf(map[string]any{"fork_id": fork, "target_path": target, "overwrite": true}))
		if err != nil || !got.failed || !strings.HasPrefix(got.text, "CONFLICT:") && !strings.HasPrefix(got.text, "INVALID_PATH:") {
			t.Errorf("a save to %q: %v %s", target, err, got.text)
		}
	}
	if b, _ := os.ReadFile(filepath.Join(root, "book.xlsx")); string(b) != "another program was here" {
		t.Error("the original was replaced")
	}
	do(t, s, "save_fork", `{"fork_id":%q,"target_path":"good.xlsx"}`, fork)
	if got := at(t, s, "good", sheet, "A2"); got != "2" {
		t.Errorf("the saved file has %q", got)
	}
}

// TestNamesAreLines: a sheet, a file, a fork and a checkpoint that somebody names get no name
// that is more than a line, has a control character in it or is shown as another than it is; nothing is done then.
func TestNamesAreLines(t *testing.T) {
	t.Parallel()
	r, root := editing(t, t.TempDir())
	s := r.client(eras[1])
	fork := newFork(t, s, "loan")
	before := fmt.Sprint(hashes(t, root))
	for _, bad := range []string{"a\nb", "a\rb", "a\tb", "a\x00b", "a\x7fb", "a\u0085b", "a\u2028b", "a\u2029", "a\u202excod", "\u2067a"} {
		for _, c := range []struct {
			code, tool string
			args       map[string]any
		}{
			{"INVALID_PARAMS", "create_fork", map[string]any{"workbook_or_fork_id": "loan", "label": bad}},
			{"INVALID_PARAMS", "checkpoint_fork", map[string]any{"fork_id": fork, "label": bad}},
			{"INVALID_PARAMS", "edit_batch", map[string]any{"fork_id": fork, "label": bad, "edits": []any{map[string]any{"address": "Loan!Z1", "value": 1}}}},
			{"INVALID_PARAMS", "structure_batch", map[string]any{"fork_id": fork, "ops": []any{map[string]any{"kind": "create_sheet", "name": bad}}}},
			{"INVALID_PARAMS", "structure_batch", map[string]any{"fork_id": fork, "ops": []any{map[string]any{"kind": "rename_sheet", "old_name": "Loan", "new_name": bad}}}},
			{"INVALID_PARAMS", "create_workbook", map[string]any{"target_path": "new.xlsx", "sheets": []any{map[string]any{"name": bad}}}},
			{"BAD_PATH", "create_workbook", map[string]any{"target_path": bad + ".xlsx"}},
			{"BAD_PATH", "save_fork", map[string]any{"fork_id": fork, "target_path": bad + ".xlsx"}},
			{"BAD_PATH", "export_csv", map[string]any{"workbook_or_fork_id": fork, "sheet_name": "Loan", "target_path": bad + ".csv"}},
		} {
			got, err := call(t.Context(), s, c.tool, jsonOf(c.args))
			if err != nil || !got.failed || !strings.HasPrefix(got.text, c.code+":") || strings.ContainsAny(got.text, "\n\r\t\x00") {
				t.Errorf("%s %v: %v %q", c.tool, c.args, err, got.text)
			}
		}
	}
	if now := fmt.Sprint(hashes(t, root)); now != before {
		t.Errorf("files came: %s", now)
	}
	if list := do(t, s, "list_forks", `{}`); len(forkID.FindAllString(list, -1)) != 1 {
		t.Errorf("forks came: %s", list)
	}
	if list := do(t, s, "fork_history", `{"fork_id":%q}`, fork); strings.Contains(list, "edit") || strings.Contains(do(t, s, "list_checkpoints", `{"fork_id":%q}`, fork), "cp-") {
		t.Errorf("versions or checkpoints came: %s", list)
	}
}
