package calc

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/corpus"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
)

var (
	update = flag.Bool("update", false, "write the golden files anew")
	misses = flag.String("misses", "", "file to list every formula in whose value differs from Excel's")
)

// tally is how a workbook came out.
type tally struct {
	file             string
	formulas, agrees int
	problem          string
	categories       map[string]*[2]int // agrees and formulas by category of the outermost function
}

// TestCorpus calculates workbooks that Excel calculated and compares the values with those
// that Excel left in the file. How many agree for each file stands in testdata/corpus.txt;
// the number may rise and never fall.
//
// Left out are the files that no Excel calculated or that iterate; the cells whose value
// depends on the time, on chance, on another workbook or on the program (CELL, INFO). Numbers
// agree to 1e-9, those of functions that search a root to 1e-6.
func TestCorpus(t *testing.T) {
	t.Parallel()
	dir := corpus.Dir(t)
	f, err := os.Open(filepath.Join(dir, "index.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, -1
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatal("index.tsv", len(rows), err)
	}
	col := func(name string) int { return slices.Index(rows[0], name) }
	var files []string
	for _, row := range rows[1:] {
		if ext := row[col("ext")]; (ext == "xlsx" || ext == "xlsm") && row[col("excel_computed")] == "yes" && row[col("formulas")] != "0" && row[col("iterative")] == "" {
			files = append(files, row[0])
		}
	}
	slices.Sort(files)
	var mu sync.Mutex
	var out []tally
	var list strings.Builder
	limit := make(chan struct{}, runtime.GOMAXPROCS(0))
	t.Run("files", func(t *testing.T) {
		for _, name := range files {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				limit <- struct{}{}
				defer func() { <-limit }()
				res, text := compareFile(t, dir, name)
				mu.Lock()
				defer mu.Unlock()
				out = append(out, res)
				list.WriteString(text)
			})
		}
	})
	for line := range strings.Lines(list.String()) {
		if missReason(line) == unexplained {
			t.Errorf("a value differs from Excel's and explained_test.go does not say why: %s", line)
		}
	}
	if *update {
		writeGolden(t, "testdata/misses.txt", explained(list.String()))
	}
	if *misses != "" {
		if err := os.WriteFile(*misses, []byte(list.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	checkTallies(t, out)
}

// checkTallies compares the results with those in the golden file.
func checkTallies(t *testing.T, out []tally) {
	slices.SortFunc(out, func(a, b tally) int { return strings.Compare(a.file, b.file) })
	const golden = "testdata/corpus.txt"
	var b strings.Builder
	groups := map[string]*[2]int{}
	for _, r := range out {
		fmt.Fprintf(&b, "%s\t%d\t%d\t%s\n", r.file, r.agrees, r.formulas, r.problem)
		for _, g := range []string{"all", strings.SplitN(r.file, "/", 2)[0]} {
			if groups[g] == nil {
				groups[g] = new([2]int)
			}
			groups[g][0] += r.agrees
			groups[g][1] += r.formulas
		}
	}
	for g, n := range groups {
		t.Logf("%-16s %7d of %7d: %.3f %%", g, n[0], n[1], 100*float64(n[0])/float64(max(n[1], 1)))
	}
	categories := map[string]*[2]int{}
	for _, r := range out {
		for name, n := range r.categories {
			if categories[name] == nil {
				categories[name] = new([2]int)
			}
			categories[name][0] += n[0]
			categories[name][1] += n[1]
		}
	}
	var rates strings.Builder
	for _, name := range slices.Sorted(maps.Keys(categories)) {
		fmt.Fprintf(&rates, "%s\t%d\t%d\n", name, categories[name][0], categories[name][1])
	}
	if *update {
		writeGolden(t, golden, b.String())
		writeGolden(t, "testdata/categories.txt", rates.String())
		return
	}
	checkRates(t, "testdata/categories.txt", rates.String())
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err, " (go test ./internal/calc -run TestCorpus -update writes it)")
	}
	known := map[string]int{}
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(line, "\t"); len(f) > 1 {
			known[f[0]], _ = strconv.Atoi(f[1])
		}
	}
	for _, r := range out {
		if r.agrees < known[r.file] {
			t.Errorf("%s: %d formulas agree with Excel, there were %d (go test ./internal/calc -run TestCorpus -misses FILE lists those that do not)", r.file, r.agrees, known[r.file])
		}
	}
}

// compareFile calculates a workbook and counts the formulas that agree.
func compareFile(t *testing.T, dir, name string) (tally, string) {
	res := tally{file: name, categories: map[string]*[2]int{}}
	in, problem := openInput(t, filepath.Join(dir, filepath.FromSlash(name)))
	if problem != "" {
		res.problem = problem
		return res, ""
	}
	ctx := context.Background()
	m, err := NewModel(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	external := func(v fn.Value) func(string, string, cell.Range) fn.Value {
		return func(string, string, cell.Range) fn.Value { return v }
	}
	in.External = external(fn.Num(77.25))
	one, err := m.Calculate(ctx, in, Options{Now: 45000.25, Seed: 1, All: true})
	if err != nil {
		t.Fatal(err)
	}
	in.External = external(fn.Err(cell.ErrGettingData))
	two, err := m.Calculate(ctx, in, Options{Now: 46111.75, Seed: 2, All: true})
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for i, s := range in.Sheets {
		a, b := s, s
		if n := one.Sheets[i]; n != nil {
			a = n
		}
		if n := two.Sheets[i]; n != nil {
			b = n
		}
		if s == nil {
			continue
		}
		for span := range m.graph.SpansIn(i, cell.WholeSheet) {
			text := programOf(span).text
			if ofTheProgram(text) {
				continue
			}
			category := res.category(text)
			for row := span.Output.First.Row; row <= span.Output.Last.Row; row++ {
				for col := span.Output.First.Col; col <= span.Output.Last.Col; col++ {
					at := cell.Ref{Row: row, Col: col}
					was, now := s.Value(at), a.Value(at)
					if was.IsBlank() || now != b.Value(at) {
						continue
					}
					res.formulas++
					category[1]++
					if same(now, was, tolerance(text)) {
						res.agrees++
						category[0]++
					} else {
						fmt.Fprintf(&list, "%s\t%s!%s\t%s\tgives %s %q\tExcel %s %q\n", name, in.Book.Sheets[i].Name, at, text, now.Kind(), now, was.Kind(), was)
					}
				}
			}
		}
	}
	return res, list.String()
}

// category gives the count of a formula's category.
func (t *tally) category(text string) *[2]int {
	name := categoryOf(formula.Display(text))
	if t.categories[name] == nil {
		t.categories[name] = new([2]int)
	}
	return t.categories[name]
}

// ofTheProgram reports whether a formula asks for what differs between programs.
func ofTheProgram(text string) bool {
	u := strings.ToUpper(text)
	return strings.Contains(u, "CELL(") || strings.Contains(u, "INFO(")
}

// tolerance is the relative difference up to which numbers agree.
func tolerance(text string) float64 {
	tree, err := formula.Parse(text)
	if err != nil {
		return 1e-9
	}
	for name := range formula.Functions(tree.Root) {
		switch name {
		case "IRR", "XIRR", "RATE", "YIELD", "ODDFYIELD", "ODDLYIELD":
			return 1e-6
		}
	}
	return 1e-9
}

// openInput reads a workbook whole. problem says why it cannot be.
func openInput(t testing.TB, path string) (in Input, problem string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	file, err := xlsx.Open(ctx, bytes.NewReader(data), int64(len(data)), xlsx.Limits{})
	var refused *xlsx.Error
	if errors.As(err, &refused) {
		return in, "refused"
	}
	if err != nil {
		t.Fatal(err)
	}
	in = Input{Book: file.Workbook(), File: path}
	for i, info := range in.Book.Sheets {
		if info.Kind != grid.Worksheet {
			in.Sheets = append(in.Sheets, nil)
			continue
		}
		s, err := file.Sheet(ctx, i, cell.MaxRows-1)
		if err != nil {
			return in, "a sheet is refused"
		}
		in.Sheets = append(in.Sheets, s)
	}
	if in.Tables, err = file.Tables(ctx); err != nil {
		return in, "the tables are refused"
	}
	return in, ""
}
