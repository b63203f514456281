//go:build interleave

package interleave

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const plantSource = "package room\n\nfunc f(n int) int {\n\tn++\n\treturn n\n}\n"

func plantIn(t *testing.T, table string) (map[string]string, error) {
	t.Helper()
	patches, err := parsePatches(table)
	if err != nil {
		return nil, err
	}
	dir := t.TempDir()
	if _, err := plant(dir, patches, func(string) ([]byte, error) { return []byte(plantSource), nil }); err != nil {
		return nil, err
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = string(b)
	}
	return files, nil
}

// TestPlant: patches of one file come together, each with a switch of its own.
func TestPlant(t *testing.T) {
	files, err := plantIn(t, "# what this is\n\n## a.go: no step\n-\tn++\n+\tif !FAULT {\n+\t\tn++\n+\t}\n\n## a.go: nothing\n \treturn n\n+\tif FAULT {\n+\t}\n")
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, text := range files {
		all += text
	}
	for _, want := range []string{
		"\tif !planted0.On() {\n\t\tn++\n\t}\n\treturn n\n\tif planted1.On() {\n\t}\n}\n",
		"package room\n\nimport \"gridflow/internal/interleave/mutant\"\n\nvar planted0 = mutant.New(\"no step\")\nvar planted1 = mutant.New(\"nothing\")\n",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("not in there:\n%s\nbut:\n%s", want, all)
		}
	}
}

// TestPlantRefuses: a patch that no longer fits is an error that names it.
func TestPlantRefuses(t *testing.T) {
	for table, want := range map[string]string{
		"-\tn++\n":                                                 "without a name",
		"## a.go\n-\tn++\n":                                        "no file and name",
		"## a.go: x\n*\tn++\n":                                     "begins with neither",
		"## a.go: gone\n-\tn--\n+\tFAULT\n":                        "0 times",
		"## a.go: twice\n-n\n+FAULT\n":                             "times",
		"## a.go: empty\n+FAULT\n":                                 "times",
		"## a.go: always\n-\tn++\n+\tn--\n":                        "no FAULT",
		"## a.go: x\n-\tn++\n+FAULT\n## a.go: y\n-\tn++\n+FAULT\n": "the same lines",
	} {
		if _, err := plantIn(t, table); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", table, err, want)
		}
	}
}
