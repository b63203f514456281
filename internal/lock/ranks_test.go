package lock

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/ranks.txt anew")

// ranked are the folders in which every mutex has a rank.
var ranked = []string{"flow", "internal/actor", "internal/analyze", "internal/book", "internal/forks", "internal/hub", "internal/journal", "internal/lazy", "internal/office", "internal/server", "internal/workspace"}

// TestOrder: the numbers ascend in the order of the list, and no two ranks share one.
func TestOrder(t *testing.T) {
	last := 0
	for _, r := range ranks() {
		number, name := r.place()
		if number <= last || name == "" {
			t.Errorf("%T: %d %q after %d", r, number, name, last)
		}
		last = number
	}
}

// TestRanks: which field has which rank is written down in testdata/ranks.txt, so that a new
// lock shows up in a diff, and has a rank.
func TestRanks(t *testing.T) {
	type use struct {
		number int
		line   string
	}
	byType := map[string]Rank{}
	for _, r := range ranks() {
		byType[reflect.TypeOf(r).Name()] = r
	}
	used := map[string]bool{}
	var uses []use
	root := filepath.Join("..", "..")
	for _, folder := range ranked {
		err := filepath.WalkDir(filepath.Join(root, filepath.FromSlash(folder)), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			file, _ := filepath.Rel(root, path)
			file = filepath.ToSlash(file)
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Field:
					kind, rank := rankOf(n.Type)
					r := byType[rank]
					if r == nil {
						return true
					}
					number, name := r.place()
					used[rank] = true
					for _, field := range n.Names {
						uses = append(uses, use{number, fmt.Sprintf("%3d  %-22s %-8s %s %s", number, name, kind, file, field.Name)})
					}
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && (x.Name == "sync" || x.Name == "csync") && strings.HasSuffix(n.Sel.Name, "Mutex") {
						t.Errorf("%s has a %s.%s: give it a rank", file, x.Name, n.Sel.Name)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name := range byType {
		if !used[name] {
			t.Errorf("no lock has the rank %s", name)
		}
	}
	slices.SortFunc(uses, func(a, b use) int {
		if a.number != b.number {
			return a.number - b.number
		}
		return strings.Compare(a.line, b.line)
	})
	got := "# Which lock has which rank; who holds one takes only greater ones. See ranks.go.\n"
	for _, u := range uses {
		got += u.line + "\n"
	}
	golden := filepath.Join("testdata", "ranks.txt")
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
		t.Errorf("the locks have changed; if that is meant, run: go test ./internal/lock -update\n%s", got)
	}
}

// rankOf gives the kind and the rank of lock.Mutex[lock.R], of an array of them too.
func rankOf(e ast.Expr) (kind, rank string) {
	if a, ok := e.(*ast.ArrayType); ok {
		e = a.Elt
	}
	index, ok := e.(*ast.IndexExpr)
	if !ok {
		return "", ""
	}
	of, ok1 := index.X.(*ast.SelectorExpr)
	arg, ok2 := index.Index.(*ast.SelectorExpr)
	if !ok1 || !ok2 {
		return "", ""
	}
	if x, ok := of.X.(*ast.Ident); !ok || x.Name != "lock" {
		return "", ""
	}
	return of.Sel.Name, arg.Sel.Name
}
