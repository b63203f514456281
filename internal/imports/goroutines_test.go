package imports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// working are the rooms that work for a call with as many goroutines as are good for it, and whatever lies below them.
var working = []string{"tools", "analyze", "whatif", "textfile", "xlsx", "vba", "book", "calc", "xf", "grid", "structure", "formula", "numfmt", "genbook"}

// TestGoroutinesOfCalls: where a call is worked for, each goroutine is one of a crew, or what it does is within crew.Call. A panic in
// any other would end the server with all its clients, for nobody up its stack could answer it.
func TestGoroutinesOfCalls(t *testing.T) {
	begun, files := 0, token.NewFileSet()
	for _, room := range working {
		err := filepath.WalkDir(filepath.Join(top, "internal", room), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				return err
			}
			for _, decl := range f.Decls {
				crews := crewsOf(decl)
				ast.Inspect(decl, func(n ast.Node) bool {
					switch n := n.(type) {
					case *ast.GoStmt:
					case *ast.CallExpr:
						sel, ok := n.Fun.(*ast.SelectorExpr)
						if !ok || sel.Sel.Name != "Go" {
							return true
						}
						if x, ok := sel.X.(*ast.Ident); ok && crews[x.Name] {
							begun++
							return true
						}
					default:
						return true
					}
					if begun++; !callsCrew(n) {
						t.Errorf("%s: a panic in this goroutine would end the server: begin it with a crew.Crew, or do what it does within crew.Call", files.Position(n.Pos()))
					}
					return true
				})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if begun < 8 {
		t.Errorf("%d goroutines were found", begun)
	}
}

// crewsOf gives the names of the variables in a declaration that are crews.
func crewsOf(decl ast.Decl) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(decl, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && isOfCrew(v.Type, "Crew") {
			for _, name := range v.Names {
				names[name.Name] = true
			}
		}
		return true
	})
	return names
}

// callsCrew tells whether crew.Call is called within n.
func callsCrew(n ast.Node) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		found = found || ok && isOfCrew(call.Fun, "Call")
		return !found
	})
	return found
}

func isOfCrew(e ast.Expr, name string) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == "crew"
}
