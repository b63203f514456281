//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestStateIsPrivate: what is kept of workbooks and of changes is for the user alone that the server runs as, whatever he lets others read
// of what he makes.
func TestStateIsPrivate(t *testing.T) {
	mask := syscall.Umask(0)
	defer syscall.Umask(mask)
	state := filepath.Join(t.TempDir(), "state")
	r, _ := editing(t, state, "--office=fake:good")
	s := r.client(eras[1])
	fork := newFork(t, s, "loan")
	sheet := firstSheet(t, s, fork)
	do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":1}]}`, fork, sheet)
	do(t, s, "screenshot_sheet", `{"workbook_or_fork_id":%q,"sheet_name":%q,"range":"A1:B2"}`, fork, sheet)
	seen := map[string]bool{}
	err := filepath.WalkDir(state, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it has gone meanwhile
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		in, _ := filepath.Rel(state, path)
		seen[filepath.Dir(in)] = true
		if path != state && d.IsDir() && filepath.Dir(in) != "." {
			return nil // nobody comes so far
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v", in, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"journal", "bases", "run", "pictures"} {
		if !seen[folder] {
			t.Errorf("there is nothing in %s", folder)
		}
	}
	if info, err := os.Stat(state); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
}

// TestStateWithinRoot: a state folder may lie in a root, or be one. What is in it is no workbook of anybody's:
// whoever saved over the bytes that a fork stands on gave it another workbook.
func TestStateWithinRoot(t *testing.T) {
	for _, where := range []string{"state", "."} {
		t.Run(where, func(t *testing.T) {
			root := exampleRoot(t)
			state := filepath.Join(root, where)
			r := serving(t, root, "--state-dir="+state, "--toolsets=all")
			s := r.client(eras[0])
			before := do(t, s, "list_workbooks", `{}`)
			fork := newFork(t, s, "loan")
			kept, err := filepath.Glob(filepath.Join(state, "bases", "*"))
			if err != nil || len(kept) != 1 {
				t.Fatalf("%v are kept, %v", kept, err)
			}
			for _, name := range append(kept, filepath.Join(where, "bases", filepath.Base(kept[0]))) {
				refused(t, "WORKBOOK_NOT_FOUND", s, "describe_workbook", `{"workbook_or_fork_id":%q}`, name)
				refused(t, "BAD_PATH", s, "save_fork", `{"fork_id":%q,"target_path":%q,"overwrite":true}`, fork, name)
			}
			r.kill()
			// Nor does a server that only reads show it.
			again := serving(t, root, "--state-dir="+state, "--read-only")
			if after := do(t, again.client(eras[0]), "list_workbooks", `{}`); after != before {
				t.Errorf("it lists\n%s and before\n%s", after, before)
			}
		})
	}
}
