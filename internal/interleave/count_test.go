package interleave_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMutantsAreCounted: docs/concurrency.md says how many faults are planted where, and
// the number is that of the tables. (The kernel's are no such table; its own test looks.)
func TestMutantsAreCounted(t *testing.T) {
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "concurrency.md"))
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "mutants.txt" {
			return err
		}
		table, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n := strings.Count("\n"+string(table), "\n## ")
		sum += n
		pkg, err := filepath.Rel(root, filepath.Dir(filepath.Dir(path)))
		if row := fmt.Sprintf("\n| %s | %d |", filepath.ToSlash(pkg), n); !strings.Contains(string(page), row) {
			t.Errorf("docs/concurrency.md does not have the row %q", strings.TrimSpace(row))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if all := fmt.Sprintf("\n| together | %d |", sum); !strings.Contains(string(page), all) || sum < 100 {
		t.Errorf("docs/concurrency.md does not have the row %q", strings.TrimSpace(all))
	}
}
