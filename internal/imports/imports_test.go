// Package imports holds tests of the house: that rooms import only rooms below them, that every
// new edge between two packages shows up in a diff, that the list in
// ARCHITECTURE.md is true, and that the pages name tests and link to headings that are there.
package imports

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	{"internal/lock"},
	{"internal/audit", "internal/cell", "internal/crew", "internal/interleave", "internal/principal", "internal/tally", "internal/vfs"},
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

// packages lists those of cmd, flow and internal, each followed by those of the module that it imports.
func packages(t *testing.T) (list [][]string) {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "gridflow/cmd/...", "gridflow/flow/...", "gridflow/internal/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		var ours []string
		for _, path := range strings.Fields(line) {
			if path, ok := strings.CutPrefix(path, "gridflow/"); ok {
				ours = append(ours, path)
			}
		}
		list = append(list, ours)
	}
	return list
}

func TestImports(t *testing.T) {
	var edges []string
	for _, list := range packages(t) {
		from := list[0]
		fromRoom, fromFloor := room(from)
		if fromFloor < 0 {
			continue // generators and tests, which may use anything
		}
		for _, to := range list[1:] {
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

// mapLine is a line of the list of rooms in ARCHITECTURE.md: a package, below the folder above it
// where it is indented, and what it is.
var mapLine = regexp.MustCompile(`^ {4}(  )?([a-z0-9/]+) {2,}\S`)

// TestMap compares the list of rooms in ARCHITECTURE.md with the packages that there are: all are
// named, nothing else is, and of two rooms the one that imports the other stands above it.
func TestMap(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(top, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := bytes.Cut(text, []byte("\n## Rooms\n"))
	text, _, ends := bytes.Cut(text, []byte("\n## "))
	if !found || !ends {
		t.Fatal("ARCHITECTURE.md has no section Rooms, or nothing behind it")
	}
	places := map[string]int{} // the number of the room from the top, by package
	above, rooms := "", 0
	for line := range strings.Lines(string(text)) {
		m := mapLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := m[2]
		switch {
		case m[1] != "":
			name = above + "/" + name
		default:
			if _, err := os.Stat(filepath.Join(top, name)); err != nil {
				name = "internal/" + name
			}
			above, rooms = name, rooms+1
		}
		if _, err := os.Stat(filepath.Join(top, name)); err != nil {
			t.Errorf("%s is in ARCHITECTURE.md, and is not there: %v", name, err)
		}
		if _, twice := places[name]; twice {
			t.Errorf("%s is twice in ARCHITECTURE.md", name)
		}
		places[name] = rooms
	}
	for _, list := range packages(t) {
		from, ok := places[list[0]]
		if !ok {
			t.Errorf("%s is not in ARCHITECTURE.md", list[0])
			continue
		}
		for _, imp := range list[1:] {
			if to, ok := places[imp]; ok && to < from {
				t.Errorf("%s imports %s, which stands above it in ARCHITECTURE.md", list[0], imp)
			}
		}
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
