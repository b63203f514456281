package interleave_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
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

// TestNamedTestsExist: each test that docs/concurrency.md names is there.
func TestNamedTestsExist(t *testing.T) {
	root := filepath.Join("..", "..")
	page, err := os.ReadFile(filepath.Join(root, "docs", "concurrency.md"))
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark)\w+)\(`)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(source, -1) {
			there[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\b(?:Test|Benchmark)[A-Z]\w+`).FindAllString(string(page), -1)
	for _, name := range named {
		if !there[name] {
			t.Errorf("docs/concurrency.md names %s, which there is not", name)
		}
	}
	if len(named) < 100 {
		t.Errorf("it names %d tests only", len(named))
	}
}
