//go:build interleave

package interleave

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Planted is for code whose faults would litter it if they were written into it. They are
// in a table instead, as patches, and the test that calls Planted is run once more in a
// program built from the patched sources. There Planted gives true and the test goes on, to
// [KillMutants] for one; here it gives false, and the test fails if the other did.
//
// The table has for each fault a line "## file: name", the file relative to the package,
// and a patch: lines that begin with a blank or - are in the file, once; those with a blank
// or + come in their place. The last may be the beginning of one. FAULT stands for the switch, as in
//
//	## gate.go: a cancelled waiter keeps the permit
//	-	w.done()
//	+	if !FAULT {
//	+		w.done()
//	+	}
//
// so that all the faults are in one program and it is built once.
func Planted(t testing.TB, table string) bool {
	t.Helper()
	if os.Getenv(plantedEnv) != "" {
		return true
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	patches, err := parsePatches(string(text))
	if err != nil {
		t.Fatalf("%s: %v", table, err)
	}
	overlay, err := plant(t.TempDir(), patches, os.ReadFile)
	if err != nil {
		t.Fatalf("%s: %v", table, err)
	}
	cmd := exec.Command("go", "test", "-tags", "interleave", "-overlay", overlay, "-vet=off", "-count=1", "-v", "-run", "^"+t.Name()+"$", ".")
	cmd.Env = append(os.Environ(), plantedEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	} else {
		t.Logf("%s", out)
	}
	return false
}

const plantedEnv = "GRIDFLOW_PLANTED"

// patch is one fault in a source file.
type patch struct{ file, name, old, new string }

func parsePatches(table string) ([]patch, error) {
	var all []patch
	for i, line := range strings.SplitAfter(table, "\n") {
		var p *patch
		if len(all) > 0 {
			p = &all[len(all)-1]
		}
		switch text := line[min(1, len(line)):]; {
		case strings.HasPrefix(line, "## "):
			file, name, ok := strings.Cut(strings.TrimSpace(line[3:]), ": ")
			if !ok {
				return nil, fmt.Errorf("line %d: no file and name", i+1)
			}
			all = append(all, patch{file: file, name: name})
		case strings.TrimSpace(line) == "", line[0] == '#':
		case p == nil:
			return nil, fmt.Errorf("line %d: a patch without a name", i+1)
		case line[0] == '-':
			p.old += text
		case line[0] == '+':
			p.new += text
		case line[0] == ' ':
			p.old += text
			p.new += text
		default:
			return nil, fmt.Errorf("line %d begins with neither blank nor - nor +", i+1)
		}
	}
	for i := range all {
		all[i].old = strings.TrimSuffix(all[i].old, "\n")
		all[i].new = strings.TrimSuffix(all[i].new, "\n")
	}
	return all, nil
}

var packageClause = regexp.MustCompile(`(?m)^package (\w+)$`)

// plant writes the patched sources, and for each of their packages one with the switches,
// into dir. It gives the file that tells go about them.
func plant(dir string, patches []patch, read func(string) ([]byte, error)) (overlay string, err error) {
	original := map[string]string{}
	patched := map[string]string{}
	switches := map[string]string{}
	for i, p := range patches {
		if _, ok := original[p.file]; !ok {
			b, err := read(p.file)
			if err != nil {
				return "", err
			}
			original[p.file], patched[p.file] = string(b), string(b)
		}
		if n := strings.Count(original[p.file], p.old); n != 1 || p.old == "" {
			return "", fmt.Errorf("%q: what it replaces is in %s %d times", p.name, p.file, n)
		}
		if !strings.Contains(p.new, "FAULT") {
			return "", fmt.Errorf("%q: no FAULT in it", p.name)
		}
		// Another patch of the same lines has taken away what this one replaces.
		if strings.Count(patched[p.file], p.old) != 1 {
			return "", fmt.Errorf("%q: another patch replaces the same lines", p.name)
		}
		name := fmt.Sprintf("planted%d", i)
		patched[p.file] = strings.Replace(patched[p.file], p.old, strings.ReplaceAll(p.new, "FAULT", name+".On()"), 1)
		in := filepath.Dir(p.file)
		if switches[in] == "" {
			clause := packageClause.FindString(original[p.file])
			switches[in] = clause + "\n\nimport \"gridflow/internal/interleave/mutant\"\n\n"
		}
		switches[in] += fmt.Sprintf("var %s = mutant.New(%q)\n", name, p.name)
	}
	for in, text := range switches {
		patched[filepath.Join(in, "planted_switches.go")] = text
	}
	replace := map[string]string{}
	for file, text := range patched {
		path, err := filepath.Abs(file)
		if err != nil {
			return "", err
		}
		copied := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[path] = copied
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, b, 0o600)
}
