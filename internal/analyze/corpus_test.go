package analyze

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/corpus"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
)

// TestCorpus runs every analysis on workbooks that other people's programs made.
// Nothing may fail, regions may not overlap, every formula is in the map once, and
// a cell that a formula refers to has that formula among its dependents.
func TestCorpus(t *testing.T) {
	dir, files := corpus.Dir(t), corpus.Files(t)
	for _, path := range files {
		name, _ := filepath.Rel(dir, path)
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			t.Parallel()
			analyseFile(t, path)
		})
	}
}

func analyseFile(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	file, err := xlsx.Open(ctx, bytes.NewReader(data), int64(len(data)), xlsx.Limits{})
	var refused *xlsx.Error
	if errors.As(err, &refused) {
		t.Skip(err) // the reader's own tests say which files these are
	}
	if err != nil {
		t.Fatal(err)
	}
	snap := book.NewSnapshot("wb-test", "", file)
	for i := range snap.Workbook().Sheets {
		s, err := snap.Sheet(ctx, i)
		if errors.As(err, &refused) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		analyseSheet(t, ViewOf(snap.Workbook(), s))
		checkDependents(t, snap, i, s)
	}
	for _, n := range VolatileNames(snap.Workbook()) {
		if len(n.Functions) == 0 {
			t.Errorf("name %d is volatile without a function", n.Index)
		}
	}
}

func analyseSheet(t *testing.T, v View) {
	ctx := context.Background()
	d, err := Detect(ctx, v, DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	used, any := v.Used()
	for i, r := range d.Regions {
		if !used.ContainsRange(r.Bounds) {
			t.Errorf("%s: region %s reaches out of %s", v.Name, r.Bounds, used)
		}
		for _, o := range d.Regions[:i] {
			if x, ok := r.Bounds.Intersect(o.Bounds); ok {
				t.Errorf("%s: regions %s and %s share %s", v.Name, r.Bounds, o.Bounds, x)
			}
		}
	}
	if !any {
		return
	}
	list, err := Profile(ctx, v, used, v.OccupiedCols(0, cell.MaxRows-1), ProfileOptions{Top: 3, Samples: 5})
	if err != nil {
		t.Fatal(err)
	}
	values := 0
	for _, c := range list {
		values += c.Rows - c.Nulls
		if c.Distinct > c.Rows-c.Nulls || c.Numeric > 0 && (c.Mean < c.Min-1e-9*max(1, -c.Min) || c.Min > c.Max) {
			t.Errorf("%s: column %s: %+v", v.Name, cell.ColumnName(c.Col), c)
		}
	}
	m, _ := NewMatcher("", Contains, false)
	p := Page{Limit: 1}
	if _, err := FindValues(ctx, v, Query{Match: m}, &p); err != nil || p.Total != values {
		t.Errorf("%s: the search finds %d values, the profile %d (%v)", v.Name, p.Total, values, err)
	}
}

// formulasChecked is how many formulas of a sheet are looked up by their references.
const formulasChecked = 20

func checkDependents(t *testing.T, snap *book.Snapshot, index int, s *grid.Sheet) {
	ctx := context.Background()
	k, err := NewFormulas(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := FormulaMap(ctx, s, k, cell.WholeSheet, ByAddress)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, x := range groups {
		n += x.Count
		x.Describe(s)
	}
	if n != k.Count() {
		t.Errorf("%s: %d formulas in groups, %d in all", s.Name, n, k.Count())
	}
	step, at := max(1, s.FormulaCells()/formulasChecked), 0
	for c := range s.Cells(cell.WholeSheet) {
		if !c.HasFormula() {
			continue
		}
		if at++; at%step != 0 {
			continue
		}
		tree, err := formula.Parse(book.FormulaText(s, c))
		if err != nil || s.Formula(c).Kind == grid.DataTable {
			continue
		}
		for ref := range formula.References(tree.Root) {
			x, ok := ref.Range()
			target := index
			if ref.Qualified() {
				i, known := snap.SheetIndex(ref.Sheet())
				ok, target = ok && known && (ref.Book() == "" || ref.Book() == "0"), i
				if last, isLast := snap.SheetIndex(ref.LastSheet()); ref.LastSheet() != "" && !isLast {
					ok = false
				} else if isLast {
					target = min(i, last)
				}
			}
			if !ok {
				continue
			}
			tr, err := Follow(ctx, snap, target, x.Last, TraceOptions{Dependents: true, Depth: 1, PageSize: 1 << 20})
			if refused := (*xlsx.Error)(nil); errors.As(err, &refused) {
				return // another sheet of the file cannot be read
			}
			if err != nil {
				t.Fatal(err)
			}
			found := slices.ContainsFunc(tr.Layers, func(l Layer) bool {
				return slices.ContainsFunc(l.Edges, func(e Edge) bool { return e.From.Sheet == index && e.From.Range.Contains(c.Ref) })
			})
			if cut := slices.ContainsFunc(tr.Notes, func(n string) bool { return strings.Contains(n, "left out") || strings.Contains(n, "missing") }); !found && !cut {
				t.Errorf("%s!%s =%s: not among the dependents of %s on sheet %d", s.Name, c.Ref, tree, x.Last, target)
			}
		}
	}
}
