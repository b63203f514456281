package formula

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"gridflow/internal/cell"
)

var update = flag.Bool("update", false, "write what the code gives into the testdata files; read the diff")

// describeTree writes one node per line, operands indented by a tab more.
func describeTree(b *strings.Builder, n *Node, indent string) {
	b.WriteString(indent + n.Kind.String())
	switch n.Kind {
	case Number, Logical, Error, Local:
		b.WriteString(" " + n.Text)
	case Text:
		fmt.Fprintf(b, " %q", n.Text)
	case Array:
		fmt.Fprintf(b, " %d columns", n.Cols)
	case Unary, Postfix, Binary:
		switch n.Op {
		case OpIntersect:
			b.WriteString(" intersect")
		case OpUnion:
			b.WriteString(" union")
		default:
			b.WriteString(" " + n.Op.String())
		}
	case Call:
		b.WriteString(" " + n.Function())
		if n.Ref != nil {
			describeSheets(b, *n.Ref)
		}
	case Ref:
		describeReference(b, *n.Ref)
	}
	b.WriteByte('\n')
	for _, k := range n.Kids {
		describeTree(b, k, indent+"\t")
	}
}

func describeSheets(b *strings.Builder, r Reference) {
	if r.Qualified() {
		fmt.Fprintf(b, " book=%q sheet=%q", r.Book(), r.Sheet())
		if r.LastSheet() != "" {
			fmt.Fprintf(b, "…%q", r.LastSheet())
		}
	}
}

func describeReference(b *strings.Builder, r Reference) {
	b.WriteString(" " + r.Kind.String())
	if r.Trim != 0 {
		b.WriteString(" " + r.Trim.colon())
	}
	describeSheets(b, r)
	corner := func(c Corner) {
		b.WriteByte(' ')
		for _, x := range [...]struct {
			name byte
			at   int32
			abs  bool
			show bool
		}{{'r', c.Row, c.AbsRow, r.Kind != ColumnsRef}, {'c', c.Col, c.AbsCol, r.Kind != RowsRef}} {
			if x.show {
				fmt.Fprintf(b, "%c%d", x.name, x.at)
				if x.abs {
					b.WriteByte('$')
				}
			}
		}
	}
	switch r.Kind {
	case NameRef:
		fmt.Fprintf(b, " %q", r.Name)
	case TableRef:
		fmt.Fprintf(b, " %q", r.Name)
		for i, name := range itemNames {
			if r.Items()&(1<<i) != 0 {
				b.WriteString(" " + name)
			}
		}
		if first, last := r.Columns(); first != "" {
			fmt.Fprintf(b, " %q…%q", first, last)
		}
	case DeletedRef:
	case CellRef:
		corner(r.First)
	default:
		corner(r.First)
		corner(r.Last)
	}
}

// record is a formula of a testdata file and the lines below it, indented by a tab.
type record struct{ comment, formula, want string }

func readRecords(t *testing.T, file string) (records []record) {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	comment := ""
	for line := range strings.Lines(string(data)) {
		switch {
		case strings.HasPrefix(line, ";") || line == "\n":
			comment += line
		case strings.HasPrefix(line, "\t"):
			records[len(records)-1].want += line
		default:
			records = append(records, record{comment: comment, formula: strings.TrimSuffix(line, "\n")})
			comment = ""
		}
	}
	return records
}

// checkRecords compares what got gives for each formula of a file. In the formulas
// \n, \t and \s stand for newline, tab and no-break space.
func checkRecords(t *testing.T, file string, got func(t *testing.T, formula string) string) {
	records := readRecords(t, file)
	if len(records) == 0 {
		t.Fatalf("%s has no cases", file)
	}
	var out strings.Builder
	for _, r := range records {
		formula := strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\s`, "\u00a0").Replace(r.formula)
		result := got(t, formula)
		if result != r.want && !*update {
			t.Errorf("%s:\ngot\n%swant\n%s", r.formula, result, r.want)
		}
		out.WriteString(r.comment + r.formula + "\n" + result)
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestParse(t *testing.T) {
	for file, mode := range map[string]Mode{"testdata/parse.txt": {}, "testdata/parse_r1c1.txt": {Style: R1C1, At: cell.Ref{Row: 9, Col: 4}}} {
		checkRecords(t, file, func(t *testing.T, formula string) string {
			tree, err := ParseMode(formula, mode)
			if err != nil {
				t.Errorf("%s: %v", formula, err)
				return ""
			}
			if got := string(tree.Append(nil)); got != formula && !strings.EqualFold(got, formula) {
				t.Errorf("printed %q, is %q", got, formula)
			}
			var b strings.Builder
			describeTree(&b, tree.Root, "\t")
			return b.String()
		})
	}
}

func TestParseErrors(t *testing.T) {
	checkRecords(t, "testdata/errors.txt", func(t *testing.T, formula string) string {
		_, err := Parse(formula)
		var pe *ParseError
		if !errors.As(err, &pe) {
			t.Errorf("%s: error is %v", formula, err)
			return ""
		}
		return fmt.Sprintf("\t%d: %v\n", pe.Offset, err)
	})
}

// TestRelative prints the canonical form of formulas in D10, from the tree and from
// the text.
func TestRelative(t *testing.T) {
	at := cell.Ref{Row: 9, Col: 3}
	checkRecords(t, "testdata/relative.txt", func(t *testing.T, formula string) string {
		tree, err := Parse(formula)
		if err != nil {
			t.Errorf("%s: %v", formula, err)
			return ""
		}
		checkRelative(t, tree, formula, at)
		return "\t" + tree.Relative(at) + "\n"
	})
}

// TestShift copies formulas from D10 to every other corner of the compass.
func TestShift(t *testing.T) {
	from := cell.Ref{Row: 9, Col: 3}
	checkRecords(t, "testdata/shift.txt", func(t *testing.T, formula string) string {
		tree, err := Parse(formula)
		if err != nil {
			t.Errorf("%s: %v", formula, err)
			return ""
		}
		var b strings.Builder
		for _, to := range []cell.Ref{{Row: 10, Col: 3}, {Row: 9, Col: 5}, {Row: 6, Col: 1}} {
			checkShift(t, tree, formula, from, to)
			fmt.Fprintf(&b, "\t%v %s\n", to, tree.Shift(to.Row-from.Row, to.Col-from.Col))
		}
		return b.String()
	})
}
