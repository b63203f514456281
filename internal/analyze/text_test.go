package analyze

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

var update = flag.Bool("update", false, "write the results into testdata")

// memBook is a workbook in memory: a book.Source.
type memBook struct {
	wb     grid.Workbook
	sheets []*grid.Sheet
	tables []grid.Table
}

func newMemBook() *memBook {
	b := &memBook{}
	b.wb.Styles = &grid.Styles{Xfs: make([]grid.Xf, 2), Formats: []*numfmt.Format{numfmt.Compile("General"), numfmt.Compile("yyyy-mm-dd")}}
	return b
}

func (b *memBook) Workbook() *grid.Workbook { return &b.wb }

func (b *memBook) Sheet(ctx context.Context, i, _ int) (*grid.Sheet, error) {
	return b.sheets[i], ctx.Err()
}

func (b *memBook) Rows(ctx context.Context, i, _, lastRow int) (*grid.Sheet, error) {
	return b.Sheet(ctx, i, lastRow)
}

func (b *memBook) Tables(ctx context.Context) ([]grid.Table, error) { return b.tables, ctx.Err() }

func (b *memBook) snapshot() *book.Snapshot { return book.NewSnapshot("wb-test", "", b) }

func (b *memBook) view(i int) View { return ViewOf(&b.wb, b.sheets[i]) }

func (b *memBook) add(s *grid.Sheet) {
	b.wb.Sheets = append(b.wb.Sheets, grid.SheetInfo{Name: s.Name})
	b.sheets = append(b.sheets, s)
}

// addText adds a sheet that is written as text: a line per row, fields separated by |.
// A field is a number, TRUE or FALSE, an error literal, a date 2024-01-31, a formula
// "=A1 := value", a text, or nothing; "-" is a stored cell without a value. Lines with @
// say more: "@merge A1:B1", "@name Rate =Data!$A$1" ("@local" for the sheet's own),
// "@table Sales A1:C9", "@at 40" (the next line is row 40), "@shared C2:C5 =A2*2"
// (over cells that are already there), "@comments 11", "@external file.xlsx".
func (b *memBook) addText(t testing.TB, name, text string) {
	t.Helper()
	type pending struct {
		v       cell.Value
		style   uint32
		formula string
		group   int
	}
	cells := make(map[cell.Ref]pending)
	builder := grid.NewBuilder(name)
	row, width, height := 0, 0, 0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if directive, ok := strings.CutPrefix(line, "@"); ok {
			word, rest, _ := strings.Cut(directive, " ")
			first, second, _ := strings.Cut(rest, " ")
			r, _ := cell.ParseRange(first)
			switch word {
			case "merge":
				builder.Layout().Merges = append(builder.Layout().Merges, r)
			case "name", "local":
				n := grid.Name{Name: first, Sheet: -1, RefersTo: strings.TrimPrefix(second, "=")}
				if word == "local" {
					n.Sheet = len(b.sheets)
				}
				b.wb.Names = append(b.wb.Names, n)
			case "table":
				r, _ = cell.ParseRange(second)
				b.tables = append(b.tables, grid.Table{Name: first, Sheet: len(b.sheets), Range: r, HeaderRows: 1})
			case "at":
				n, _ := strconv.Atoi(rest)
				row = n - 1
			case "shared":
				g := builder.AddGroup(grid.SharedFormula, r.First, r)
				for ref := range refsOf(r) {
					c := cells[ref]
					c.formula, c.group = strings.TrimPrefix(second, "="), g+1
					cells[ref] = c
				}
			case "comments":
				n, _ := strconv.Atoi(rest)
				builder.Layout().Comments = make([]grid.Comment, n)
			case "external":
				b.wb.External = append(b.wb.External, rest)
			default:
				t.Fatalf("unknown directive %q", line)
			}
			continue
		}
		for col, field := range strings.Split(line, "|") {
			field = strings.TrimSpace(field)
			if field == "" {
				continue
			}
			var c pending
			if f, ok := strings.CutPrefix(field, "="); ok {
				c.formula, field, _ = strings.Cut(f, " := ")
			}
			c.v, c.style = parseField(field)
			cells[cell.Ref{Row: row, Col: col}] = c
			width, height = max(width, col+1), max(height, row+1)
		}
		row++
	}
	for ref := range refsOf(cell.Range{Last: cell.Ref{Row: height - 1, Col: width - 1}}) {
		c, ok := cells[ref]
		if !ok {
			continue
		}
		if err := builder.Value(ref, c.style, c.v); err != nil {
			t.Fatal(err)
		}
		if c.formula != "" {
			id, _ := builder.AddFormula([]byte(c.formula), c.group-1)
			builder.SetFormula(ref, id)
		}
	}
	s := builder.Finish(nil)
	for i := range b.tables {
		if x := &b.tables[i]; x.Sheet == len(b.sheets) {
			for col := x.Range.First.Col; col <= x.Range.Last.Col; col++ {
				x.Columns = append(x.Columns, grid.TableColumn{Name: s.Value(cell.Ref{Row: x.Range.First.Row, Col: col}).String()})
			}
		}
	}
	b.add(s)
}

func parseField(s string) (cell.Value, uint32) {
	if text, ok := strings.CutPrefix(s, "'"); ok {
		return cell.TextValue(text), 0
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
		return cell.NumberValue(f), 0
	}
	if e, ok := cell.ParseError(s); ok {
		return cell.ErrorValue(e), 0
	}
	switch s {
	case "", "-":
		return cell.Value{}, 0
	case "TRUE", "FALSE":
		return cell.BoolValue(s == "TRUE"), 0
	}
	if serial, kind, ok := numfmt.ParseISO(s, numfmt.Date1900); ok && kind == numfmt.Date {
		return cell.NumberValue(serial), 1
	}
	return cell.TextValue(s), 0
}

// TestText runs testdata/*.txtar: sheets as text, then "calls", a line per call with
// what it gives below it.
func TestText(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			b := newMemBook()
			for i := range archive.Files {
				f := &archive.Files[i]
				if name, ok := strings.CutPrefix(f.Name, "sheet "); ok {
					b.addText(t, name, string(f.Data))
					continue
				}
				if f.Name != "calls" {
					t.Fatalf("unknown section %q", f.Name)
				}
				var out strings.Builder
				for line := range strings.Lines(string(f.Data)) {
					if call, ok := strings.CutPrefix(line, "> "); ok {
						out.WriteString(line)
						b.call(t, &out, strings.Fields(call))
					} else if strings.HasPrefix(line, "#") || line == "\n" {
						out.WriteString(line)
					}
				}
				if *update {
					f.Data = []byte(out.String())
				} else if out.String() != string(f.Data) {
					t.Errorf("%s: the results differ; run with -update and look at the diff. Got:\n%s", file, out.String())
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// call runs one call: a verb, a sheet and what else the verb wants.
func (b *memBook) call(t *testing.T, out *strings.Builder, words []string) {
	t.Helper()
	ctx := context.Background()
	snap := b.snapshot()
	index, ok := snap.SheetIndex(words[1])
	if !ok {
		t.Fatalf("no sheet %q", words[1])
	}
	v := b.view(index)
	arg := func(i int) string {
		if i < len(words) {
			return strings.ReplaceAll(words[i], "_", " ")
		}
		return ""
	}
	number := func(i, otherwise int) int {
		if n, err := strconv.Atoi(arg(i)); err == nil {
			return n
		}
		return otherwise
	}
	fail := func(err error) {
		if err != nil {
			t.Fatalf("%v: %v", words, err)
		}
	}
	printf := func(format string, args ...any) { fmt.Fprintf(out, format, args...) }
	switch words[0] {
	case "regions":
		d, err := Detect(ctx, v, DefaultLimits)
		fail(err)
		printf("%s\n", Narrative(v))
		for _, r := range d.Regions {
			printf("%d %s %s %.2f", r.ID, r.Bounds, r.Kind, r.Confidence)
			if r.KeyValue {
				printf(" key-value")
			}
			if r.Header.Rows > 0 {
				printf(" header %d+%d: %s", r.Header.Row+1, r.Header.Rows, strings.Join(r.Header.Labels, ", "))
			}
			printf("\n")
		}
		for _, n := range d.Notes {
			printf("note: %s\n", n)
		}
	case "profile":
		used, _ := v.Used()
		if r, ok := cell.ParseRange(arg(2)); ok {
			used = r
		}
		var cols []int
		for col := used.First.Col; col <= used.Last.Col; col++ {
			cols = append(cols, col)
		}
		list, err := Profile(ctx, v, used, cols, ProfileOptions{Top: 2, Samples: 2})
		fail(err)
		for _, c := range list {
			printf("%s %s rows=%d nulls=%d distinct=%d", cell.ColumnName(c.Col), c.Type, c.Rows, c.Nulls, c.Distinct)
			if c.Numeric > 0 {
				printf(" min=%g max=%g mean=%.4g sd=%.4g sum=%g", c.Min, c.Max, c.Mean, c.Deviation, c.Sum)
			}
			if c.Counts[Text] > 0 {
				printf(" length=%d..%d", c.ShortestText, c.LongestText)
			}
			if c.NumericTexts > 0 {
				printf(" numeric_texts=%d", c.NumericTexts)
			}
			if c.HasTotal {
				printf(" total=%v", c.Total)
			}
			printf(" duplicates=%v ascending=%v top=", c.Duplicates, c.Ascending)
			for _, x := range c.Top {
				printf("[%s x%d]", v.Shown(x.Cell), x.Count)
			}
			printf("\n")
		}
	case "find", "findexact", "findprefix", "findregex", "findcase", "label", "label-right", "label-below", "formula":
		mode := map[string]MatchMode{"findexact": Exact, "findprefix": Prefix, "findregex": Regex}[words[0]]
		m, err := NewMatcher(arg(2), mode, words[0] == "findcase")
		if err != nil {
			printf("error %v\n", err)
			return
		}
		p := Page{Offset: number(3, 0), Limit: number(4, 10)}
		if words[0] == "formula" {
			hits, err := FindFormulas(ctx, v, m, &p)
			fail(err)
			for _, h := range hits {
				printf("%s =%s\n", h.Ref, book.FormulaText(v.Sheet, h))
			}
			printf("total %d\n", p.Total)
			return
		}
		find := func() ([]Hit, error) { return FindValues(ctx, v, Query{Match: m}, &p) }
		if d, ok := strings.CutPrefix(words[0], "label"); ok {
			dir := map[string]Direction{"-right": Right, "-below": Below}[d]
			find = func() ([]Hit, error) { return FindLabels(ctx, v, Query{Match: m}, dir, &p) }
		}
		hits, err := find()
		fail(err)
		for _, h := range hits {
			printf("%s %s %s", h.Cell.Ref, v.KindOf(h.Cell), v.Shown(h.Cell))
			if h.HasLabel {
				printf(" (label %s %s)", h.Label.Ref, v.Shown(h.Label))
			}
			printf("\n")
		}
		printf("total %d\n", p.Total)
	case "map":
		k, err := NewFormulas(ctx, v.Sheet)
		fail(err)
		order := map[string]GroupOrder{"complexity": ByComplexity, "count": ByCount}[arg(2)]
		groups, err := FormulaMap(ctx, v.Sheet, k, cell.WholeSheet, order)
		fail(err)
		for _, g := range groups {
			g.Describe(v.Sheet)
			printf("%s x%d =%s (%s) %v", g.First, g.Count, g.Formula, g.Relative, g.Ranges)
			if g.Shared {
				printf(" shared")
			}
			if len(g.Volatile) > 0 {
				printf(" volatile %v", g.Volatile)
			}
			if g.Err != "" {
				printf(" error %s", g.Err)
			}
			printf("\n")
		}
		var d Diagnostics
		fail(d.Diagnose(ctx, v.Sheet, k))
		for _, g := range d.Groups {
			printf("failed x%d %v %q: %s\n", g.Count, g.Samples, g.Preview, g.Message)
		}
	case "volatiles":
		k, err := NewFormulas(ctx, v.Sheet)
		fail(err)
		runs, err := Volatiles(ctx, &b.wb, index, v.Sheet, k, VolatileNames(&b.wb))
		fail(err)
		for _, r := range runs {
			printf("%s %v", r.Range, r.Functions)
			if r.Name != "" {
				printf(" through %s", r.Name)
			}
			printf("\n")
		}
	case "precedents", "dependents":
		at, _ := cell.ParseRef(arg(2))
		o := TraceOptions{Dependents: words[0] == "dependents", Depth: number(3, 3), PageSize: number(4, 20)}
		if n := number(5, 0); n > 0 {
			o.Cursor = &Cursor{n, number(6, 0)}
		}
		tr, err := Follow(ctx, snap, index, at, o)
		fail(err)
		name := func(n Node) string {
			if n.Sheet < 0 {
				return n.External
			}
			return b.sheets[n.Sheet].Name + "!" + n.Range.String()
		}
		for _, l := range tr.Layers {
			s := l.Summary
			printf("layer %d: %d nodes, %d formulas, %d values, %d blanks, %d external, %d groups; edges %d-%d of %d\n",
				l.Depth, s.Nodes, s.Formulas, s.Values, s.Blanks, s.Externals, s.Groups, l.Offset+1, l.Offset+len(l.Edges), l.Total)
			for _, e := range l.Edges {
				printf("  %s -> %s", name(e.From), name(e.To))
				if e.Name != "" {
					printf(" (%s)", e.Name)
				}
				if e.Reached {
					printf(" reached")
				}
				printf("\n")
			}
			for _, h := range l.Ranges {
				printf("  block %s: %d literals, %d formulas, %d blanks\n", name(h.Node), h.Literals, h.Formulas, h.Blanks)
			}
			for _, g := range l.Groups {
				printf("  group %s!%s x%d %v\n", b.sheets[g.Sheet].Name, g.First, g.Count, g.Samples)
			}
			for _, n := range l.Notable {
				printf("  notable %s %s\n", n.Kind, name(n.Node))
			}
		}
		if tr.Next != nil {
			printf("next depth %d offset %d\n", tr.Next.Depth, tr.Next.Offset)
		}
		for _, n := range tr.Notes {
			printf("note: %s\n", n)
		}
	default:
		t.Fatalf("unknown call %v", words)
	}
}
