// Package imports holds one test: that rooms import only rooms below them, and that
// every new edge between two rooms shows up in a diff.
package imports

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/imports.txt anew")

// floors lists the rooms from the top of the house to its foundation. A room may import
// what stands on a lower floor, and within a floor what is said in within.
var floors = [][]string{
	{"cmd/gridflow"},
	{"internal/server", "internal/load"},
	{"internal/obs"},
	{"internal/admit", "internal/access"},
	{"internal/tools"},
	{"internal/forks"},
	{"internal/office"},
	{"internal/workspace"},
	{"internal/analyze", "internal/outside", "internal/whatif"},
	{"internal/book"},
	{"internal/xlsx", "internal/textfile", "internal/vba"},
	{"internal/calc"},
	{"internal/xf"},
	{"internal/grid", "internal/journal"},
	{"internal/structure"},
	{"flow"},
	{"internal/formula", "internal/numfmt", "internal/lazy", "internal/nearest", "internal/actor", "internal/hub"},
	{"flow"},
	{"internal/lock"},
	{"internal/audit", "internal/cell", "internal/interleave", "internal/principal", "internal/tally", "internal/vfs"},
}

// within are the imports that stay on one floor: a text file fails with the errors of a
// workbook.
var within = map[string]string{"internal/textfile": "internal/xlsx"}

// room gives the room that a package belongs to; packages below a room are part of it.
func room(pkg string) (name string, floor int) {
	for i, f := range floors {
		for _, r := range f {
			if pkg == r || strings.HasPrefix(pkg, r+"/") {
				return r, i
			}
		}
	}
	return "", -1
}

func TestImports(t *testing.T) {
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "gridflow/cmd/...", "gridflow/flow/...", "gridflow/internal/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var edges []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		from := strings.TrimPrefix(fields[0], "gridflow/")
		fromRoom, fromFloor := room(from)
		if fromFloor < 0 {
			continue // generators and tests, which may use anything
		}
		for _, imp := range fields[1:] {
			to, ours := strings.CutPrefix(imp, "gridflow/")
			if !ours {
				continue
			}
			edges = append(edges, from+" -> "+to)
			toRoom, toFloor := room(to)
			switch {
			case toFloor < 0:
				t.Errorf("%s imports %s, which is no room of the house", from, to)
			case toRoom != fromRoom && toFloor <= fromFloor && within[fromRoom] != toRoom:
				t.Errorf("%s imports %s, which does not stand below it", from, to)
			}
		}
	}
	slices.Sort(edges)
	got := strings.Join(edges, "\n") + "\n"
	golden := filepath.Join("testdata", "imports.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the imports have changed; if that is meant, run: go test ./internal/imports -update\n%s", difference(string(want), got))
	}
}

func difference(want, got string) string {
	var b strings.Builder
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, l := range w {
		if !slices.Contains(g, l) {
			fmt.Fprintf(&b, "- %s\n", l)
		}
	}
	for _, l := range g {
		if !slices.Contains(w, l) {
			fmt.Fprintf(&b, "+ %s\n", l)
		}
	}
	return b.String()
}
