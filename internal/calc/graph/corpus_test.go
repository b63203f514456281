package graph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/corpus"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
)

// workbook is a compiler that knows the names, tables and sheets of a file, as far as the
// graph of one needs them.
type workbook struct {
	wb     *grid.Workbook
	tables []grid.Table
}

func (c workbook) Facts(f Formula) (Facts, error) {
	tree, err := formula.ParseMode(f.Relative, formula.Mode{Style: formula.R1C1})
	if err != nil {
		return Facts{}, err
	}
	var out Facts
	c.tree(&out, tree, f, 0)
	return out, nil
}

func (c workbook) sheet(name string) int {
	return slices.IndexFunc(c.wb.Sheets, func(s grid.SheetInfo) bool { return strings.EqualFold(s.Name, name) })
}

func (c workbook) tree(out *Facts, tree *formula.Tree, f Formula, depth int) {
	for name := range formula.Functions(tree.Root) {
		out.Volatile = out.Volatile || formula.Volatile(name)
		out.Dynamic = out.Dynamic || name == "OFFSET" || name == "INDIRECT"
	}
	for ref := range formula.References(tree.Root) {
		first := f.Sheet
		if s := ref.Sheet(); s != "" {
			first = c.sheet(s)
		}
		last := first
		if s := ref.LastSheet(); s != "" {
			last = c.sheet(s)
		}
		if b := ref.Book(); b != "" && b != "0" || first < 0 || last < 0 {
			continue
		}
		switch ref.Kind {
		case formula.NameRef:
			for _, n := range c.wb.Names {
				if depth < 5 && strings.EqualFold(n.Name, ref.Name) && (n.Sheet < 0 || n.Sheet == first) {
					// The relative parts of a name count from A1.
					if tree, err := formula.Parse(n.RefersTo); err == nil {
						c.tree(out, tree, f, depth+1)
					}
				}
			}
			continue
		case formula.TableRef:
			for i := range c.tables {
				if t := &c.tables[i]; strings.EqualFold(t.Name, ref.Name) || ref.Name == "" && t.Sheet == f.Sheet {
					out.Reads = append(out.Reads, ReadArea(Area{t.Sheet, t.Range}))
				}
			}
			continue
		}
		for sheet := min(first, last); sheet <= max(first, last); sheet++ {
			if r, ok := ReadOf(sheet, ref); ok {
				out.Reads = append(out.Reads, r)
			}
		}
	}
}

// load reads all sheets of a file. What the reader refuses is skipped.
func load(t *testing.T, path string) ([]*grid.Sheet, Compiler) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	var refused *xlsx.Error
	file, err := xlsx.Open(ctx, bytes.NewReader(data), int64(len(data)), xlsx.Limits{})
	if errors.As(err, &refused) {
		t.Skip(err) // the reader's own tests say which files these are
	}
	if err != nil {
		t.Fatal(err)
	}
	sheets := make([]*grid.Sheet, len(file.Workbook().Sheets))
	for i := range sheets {
		sheets[i], err = file.Sheet(ctx, i, cell.MaxRows-1)
		if errors.As(err, &refused) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	tables, err := file.Tables(ctx)
	if err != nil && !errors.As(err, &refused) {
		t.Fatal(err)
	}
	return sheets, workbook{file.Workbook(), tables}
}

// TestCorpus builds the graph of every workbook of the corpus and a plan of it, and holds what
// they are made of to testdata/corpus.txt. An edit that is undone leaves the graph as it was.
func TestCorpus(t *testing.T) {
	dir, files := corpus.Dir(t), corpus.Files(t)
	golden := filepath.Join("testdata", "corpus.txt")
	data, err := os.ReadFile(golden)
	if err != nil && !*update {
		t.Fatal(err)
	}
	want := make(map[string]string)
	for line := range strings.Lines(string(data)) {
		name, stats, _ := strings.Cut(strings.TrimSpace(line), ": ")
		want[name] = stats
	}
	var mu sync.Mutex
	got := make(map[string]string)
	t.Run("files", func(t *testing.T) {
		for _, path := range files {
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.ToSlash(rel)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				line := corpusFile(t, path)
				if w, ok := want[name]; ok && w != line && !*update {
					t.Errorf("\n got %s\nwant %s", line, w)
				}
				mu.Lock()
				defer mu.Unlock()
				got[name] = line
			})
		}
	})
	if !*update {
		return
	}
	var b strings.Builder
	for name, line := range got {
		if !strings.HasPrefix(line, "0 formulas") {
			fmt.Fprintf(&b, "%s: %s\n", name, line)
		}
	}
	lines := slices.Sorted(strings.Lines(b.String()))
	if err := os.WriteFile(golden, []byte(strings.Join(lines, "")), 0o666); err != nil {
		t.Fatal(err)
	}
}

// corpusFile gives one workbook's line.
func corpusFile(t *testing.T, path string) string {
	sheets, c := load(t, path)
	g, err := Build(t.Context(), sheets, c)
	if err != nil {
		t.Fatal(err)
	}
	st := g.Stats()
	formulas := int64(0)
	for i, s := range sheets {
		for cl := range s.Cells(cell.WholeSheet) {
			if !cl.HasFormula() || s.Formula(cl).Kind == grid.DataTable {
				continue
			}
			if formulas++; formulas%97 != 1 {
				continue
			}
			if x, ok := g.SpanAt(i, cl.Ref); !ok || !x.Area.Contains(cl.Ref) {
				t.Errorf("%s!%v is in no span", s.Name, cl.Ref)
			}
			undone(t, g, c, i, cl.Ref, s.Formula(cl))
		}
	}
	if st.Formulas != formulas {
		t.Errorf("%d formulas, the sheets have %d", st.Formulas, formulas)
	}
	all, err := g.All(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	p, err := all.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	orders := make(map[Order]int64)
	planned := int64(0)
	for i := range p.Units {
		u := &p.Units[i]
		for s, r := range p.Parts(i) {
			planned += r.Cells()
			orders[u.Order] += r.Cells()
			if r.Bounds() != s.Area {
				t.Errorf("%v of %v is dirty", r.Bounds(), s.Area)
			}
		}
	}
	if planned != formulas {
		t.Errorf("%d cells in the plan of %d formulas", planned, formulas)
	}
	line := fmt.Sprintf("%d formulas, %d templates, %d spans, %d edges, %d volatile, %d levels", formulas, st.Templates, st.Spans, st.Edges, st.Volatile, p.Levels())
	for o := Independent; o <= Knot; o++ {
		if orders[o] > 0 {
			line += fmt.Sprintf(", %d %v", orders[o], o)
		}
	}
	if p.OnDemand {
		line += ", on demand"
	}
	return line
}

// undone takes a formula away and puts it back, and compares what a change of it makes dirty.
func undone(t *testing.T, g *Graph, c Compiler, sheet int, at cell.Ref, f grid.Formula) {
	without, err := g.With(context.Background(), []Change{{Sheet: sheet, At: at}}, c)
	if err != nil {
		t.Fatal(err)
	}
	if x, ok := without.SpanAt(sheet, at); ok && x.Area.Contains(at) {
		t.Errorf("%v is in %v after its formula was removed", at, x.Area)
	}
	back, err := without.With(context.Background(), []Change{{sheet, at, f}}, c)
	if err != nil {
		t.Fatal(err)
	}
	source := []Area{{sheet, cell.Range{First: at, Last: at}}}
	a, err := g.Dirty(t.Context(), source, 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := back.Dirty(t.Context(), source, 0)
	if err != nil {
		t.Fatal(err)
	}
	if a.Cells() != b.Cells() || back.formulas != g.formulas {
		t.Errorf("%v: %d cells dirty and %d formulas, after an edit that was undone %d and %d", at, a.Cells(), g.formulas, b.Cells(), back.formulas)
	}
}
