// Package corpus finds the workbooks of other people for the tests that read them. They are
// never part of the project: a variable of the environment names the folder that has them.
package corpus

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Variable is the variable of the environment that names the folder.
const Variable = "GRIDFLOW_CORPUS"

// Dir gives the folder. A test is skipped where the variable is not set, and fails where it
// names no folder: who asks for the corpus must not believe that it has been read.
func Dir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv(Variable)
	if dir == "" {
		t.Skip(Variable + " is not set: it names a folder of workbooks that other people's programs have made")
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		t.Fatalf("%s: %q is no folder: %v", Variable, dir, err)
	}
	return dir
}

// Files gives the paths of its files with one of the endings, such as .xlsx, in the order of
// their names; .xlsx and .xlsm where none is given. There is at least one, or the test fails.
func Files(t testing.TB, endings ...string) []string {
	t.Helper()
	if len(endings) == 0 {
		endings = []string{".xlsx", ".xlsm"}
	}
	var files []string
	err := filepath.WalkDir(Dir(t), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && slices.Contains(endings, strings.ToLower(filepath.Ext(path))) {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d workbooks, %v", Variable, len(files), err)
	}
	return files
}
