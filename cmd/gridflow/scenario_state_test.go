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
