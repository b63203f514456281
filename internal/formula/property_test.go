package formula

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
)

// trees draws trees that the grammar can write, put together without a text.
type trees struct{ t *rapid.T }

func (g trees) pick(label string, of ...string) string { return rapid.SampledFrom(of).Draw(g.t, label) }

func (g trees) intn(label string, n int) int { return rapid.IntRange(0, n-1).Draw(g.t, label) }

// value draws any expression with at most depth operators on a path.
func (g trees) value(depth int) *Node {
	if depth == 0 || g.intn("leaf", 4) == 0 {
		return g.leaf()
	}
	switch g.intn("value", 8) {
	case 0:
		op := []Op{OpPlus, OpMinus, OpImplicit}[g.intn("sign", 3)]
		return &Node{Kind: Unary, Op: op, Kids: []*Node{g.value(depth - 1)}}
	case 1:
		return &Node{Kind: Postfix, Op: OpPercent, Kids: []*Node{g.value(depth - 1)}}
	case 2, 3, 4:
		op := OpEqual + Op(g.intn("operator", int(OpPower-OpEqual)+1))
		return &Node{Kind: Binary, Op: op, Kids: []*Node{g.value(depth - 1), g.value(depth - 1)}}
	case 5:
		return &Node{Kind: Paren, Kids: []*Node{g.value(depth - 1)}}
	case 6:
		v := func() *Node { return &Node{Kind: Local, Text: "v"} }
		body := &Node{Kind: Binary, Op: OpMultiply, Kids: []*Node{v(), g.value(depth - 1)}}
		return &Node{Kind: Call, Text: "_xlfn.LET", Kids: []*Node{v(), g.value(depth - 1), body}}
	}
	return g.refers(depth)
}

// refers draws an expression that may give a reference.
func (g trees) refers(depth int) *Node {
	if depth == 0 {
		return g.reference()
	}
	switch g.intn("refers", 7) {
	case 5:
		return &Node{Kind: Unary, Op: OpImplicit, Kids: []*Node{g.refers(depth - 1)}}
	case 0:
		return &Node{Kind: Postfix, Op: OpSpill, Kids: []*Node{g.refers(depth - 1)}}
	case 1, 2:
		op := OpUnion + Op(g.intn("reference operator", 3))
		return &Node{Kind: Binary, Op: op, Kids: []*Node{g.refers(depth - 1), g.refers(depth - 1)}}
	case 3:
		return &Node{Kind: Call, Text: g.pick("function", "SUM", "_xlfn.XLOOKUP", "My.Func", "LOG10"), Kids: g.arguments(depth)}
	case 4:
		return &Node{Kind: Invoke, Kids: append([]*Node{g.value(depth - 1)}, g.arguments(depth)...)}
	}
	return g.reference()
}

func (g trees) arguments(depth int) []*Node {
	n := g.intn("arguments", 4)
	var args []*Node
	for range n {
		if n > 1 && g.intn("missing", 4) == 0 {
			args = append(args, &Node{Kind: Missing})
		} else {
			args = append(args, g.value(depth-1))
		}
	}
	return args
}

func (g trees) leaf() *Node {
	switch g.intn("leaf kind", 6) {
	case 0:
		return &Node{Kind: Number, Text: g.pick("number", "0", "1", "12.50", ".5", "1E+20", "2e-3")}
	case 1:
		return &Node{Kind: Text, Text: rapid.String().Draw(g.t, "text")}
	case 2:
		return &Node{Kind: Logical, Text: g.pick("logical", "TRUE", "false")}
	case 3:
		return &Node{Kind: Error, Text: "#N/A", Err: cell.ErrNA}
	case 4:
		cols := 1 + g.intn("columns", 3)
		n := &Node{Kind: Array, Cols: int32(cols)}
		for range cols * (1 + g.intn("rows", 3)) {
			n.Kids = append(n.Kids, &Node{Kind: Number, Text: g.pick("element", "1", "-2.5", "+3")})
		}
		return n
	}
	return g.reference()
}

// reference draws a reference of every kind, before any sheet.
func (g trees) reference() *Node {
	r := Reference{Kind: RefKind(g.intn("reference", int(DeletedRef)+1))}
	r.First = g.corner()
	switch r.Kind {
	case CellRef:
		r.Last = r.First
	case AreaRef:
		r.Last = g.corner()
	case ColumnsRef:
		r.Last = g.corner()
		for _, c := range []*Corner{&r.First, &r.Last} {
			c.Row, c.AbsRow = 0, false
		}
	case RowsRef:
		r.Last = g.corner()
		for _, c := range []*Corner{&r.First, &r.Last} {
			c.Col, c.AbsCol = 0, false
		}
	default:
		r.First = Corner{}
	}
	if r.trims() {
		r.Trim = Trim(max(0, g.intn("trim", 7)-3))
	}
	if r.Kind == NameRef {
		r.Name = g.pick("name", "Rate", "foo.bar", "_x", "Größe", `\a`)
	}
	columns := []string{"", "a", "Unit Price", "it's [1] #2", "@x"}
	if r.Kind == TableRef {
		r.Name = g.pick("table", "Table1", "Größen")
		first := rapid.SampledFrom(columns).Draw(g.t, "first column")
		last := first
		if first != "" {
			last = rapid.SampledFrom(columns[1:]).Draw(g.t, "last column")
		}
		r = r.WithTable(Items(g.intn("items", 32)), first, last)
	}
	switch g.intn("sheet", 5) {
	case 0:
		r = r.WithSheets("", g.pick("sheet name", "Sheet1", "My 'Sheet'", "A1", "2019", "Übersicht", deletedText), "")
	case 1:
		r = r.WithSheets("", "Jan", g.pick("last sheet", "Dec", "Dec 31"))
	case 2:
		r = r.WithSheets(g.pick("book", "1", "Book 1.xlsx", `C:\data\it's.xlsx`), g.pick("sheet name", "", "Q1", "Q 1"), "")
	}
	if r.Sheet() == deletedText && (r.Kind == NameRef || r.Kind == TableRef) {
		r = r.WithSheets("", "", "")
	}
	return &Node{Kind: Ref, Ref: &r}
}

func (g trees) corner() Corner {
	return Corner{
		Row:    rapid.Int32Range(0, cell.MaxRows-1).Draw(g.t, "row"),
		Col:    rapid.Int32Range(0, cell.MaxCols-1).Draw(g.t, "column"),
		AbsRow: rapid.Bool().Draw(g.t, "$row"),
		AbsCol: rapid.Bool().Draw(g.t, "$column"),
	}
}

// same compares trees but for parentheses, which the printer may add, and positions.
func same(a, b *Node) bool {
	for a.Kind == Paren {
		a = a.Kids[0]
	}
	for b.Kind == Paren {
		b = b.Kids[0]
	}
	if a.Kind != b.Kind || a.Op != b.Op || a.Err != b.Err || a.Cols != b.Cols || a.Text != b.Text || len(a.Kids) != len(b.Kids) {
		return false
	}
	if a.Kind == Ref {
		x, y := *a.Ref, *b.Ref
		xFirst, xLast := x.Columns()
		yFirst, yLast := y.Columns()
		if x.Book() != y.Book() || x.Sheet() != y.Sheet() || x.LastSheet() != y.LastSheet() || x.Items() != y.Items() || xFirst != yFirst || xLast != yLast {
			return false
		}
		x.sheets, x.table, y.sheets, y.table = nil, nil, nil, nil
		if x != y {
			return false
		}
	}
	for i := range a.Kids {
		if !same(a.Kids[i], b.Kids[i]) {
			return false
		}
	}
	return true
}

// TestPrintParse prints random trees in both notations and reads them again.
func TestPrintParse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := cell.Ref{Row: rapid.IntRange(0, cell.MaxRows-1).Draw(t, "at row"), Col: rapid.IntRange(0, cell.MaxCols-1).Draw(t, "at column")}
		tree := &Tree{Root: trees{t}.value(4)}
		for _, mode := range []Mode{{}, {Style: R1C1, At: at}} {
			text := tree.Format(mode)
			again, err := ParseMode(text, mode)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if !same(tree.Root, again.Root) {
				var want, got strings.Builder
				describeTree(&want, tree.Root, "")
				describeTree(&got, again.Root, "")
				t.Fatalf("%q reads as\n%swant\n%s", text, got.String(), want.String())
			}
			if got := string(again.Append(nil)); got != text {
				t.Fatalf("%q prints as %q", text, got)
			}
		}
	})
}

// TestShiftThereAndBack shifts random trees by a distance and back again, which gives
// the same cells unless something left the sheet, and holds that copies share a template.
func TestShiftThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree, err := Parse((&Tree{Root: trees{t}.value(3)}).String())
		if err != nil {
			t.Fatal(err)
		}
		from := cell.Ref{Row: 100, Col: 100}
		dRow, dCol := rapid.IntRange(-50, 50).Draw(t, "down"), rapid.IntRange(-50, 50).Draw(t, "right")
		there := tree.Shift(dRow, dCol)
		before := slices.Collect(References(tree.Root))
		moved := slices.Collect(References(there.Root))
		back := slices.Collect(References(there.Shift(-dRow, -dCol).Root))
		flipped := false // corners that passed one another
		for i, r := range moved {
			if r.Kind != before[i].Kind {
				return // left the sheet
			}
			flipped = flipped || r.First.AbsRow != before[i].First.AbsRow || r.First.AbsCol != before[i].First.AbsCol
			was, _ := before[i].Range()
			if is, _ := back[i].Range(); is != was {
				t.Fatalf("%s shifted by %d, %d is %s, and back again it reads %v, not %v", tree, dRow, dCol, there, is, was)
			}
		}
		if flipped {
			return
		}
		to := cell.Ref{Row: from.Row + dRow, Col: from.Col + dCol}
		key1, relative1, err1 := Fingerprint(tree.String(), from)
		key2, relative2, err2 := Fingerprint(there.String(), to)
		if err1 != nil || err2 != nil || key1 != key2 || relative1 != relative2 || len(key1) != 16 {
			t.Fatalf("%s and its copy %s are different templates:\n%s %s\n%s %s", tree, there, key1, relative1, key2, relative2)
		}
	})
}

// FuzzParse holds for any text: no panic; an error has its place in the text; what
// parses prints as it was; the tree and the text agree on shift and relative form.
func FuzzParse(f *testing.F) {
	for _, file := range []string{"testdata/parse.txt", "testdata/parse_r1c1.txt", "testdata/errors.txt", "testdata/shift.txt", "testdata/relative.txt"} {
		t := new(testing.T)
		for _, r := range readRecords(t, file) {
			f.Add(r.formula, strings.Contains(file, "r1c1"))
		}
	}
	f.Fuzz(func(t *testing.T, text string, r1c1 bool) {
		at := cell.Ref{Row: 9, Col: 3}
		mode := Mode{}
		if r1c1 {
			mode = Mode{Style: R1C1, At: at}
		}
		tree, err := ParseMode(text, mode)
		if err != nil {
			var pe *ParseError
			if !errors.As(err, &pe) || pe.Offset < 0 || pe.Offset > len(text) || pe.Message == "" {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		printed := string(tree.Append(nil))
		if mode.Style == A1 && !strings.EqualFold(printed, text) {
			t.Fatalf("%q prints as %q", text, printed)
		}
		again, err := ParseMode(printed, mode)
		if err != nil {
			t.Fatalf("%q from %q: %v", printed, text, err)
		}
		if !same(tree.Root, again.Root) {
			t.Fatalf("%q from %q is another tree", printed, text)
		}
		if got := string(again.Append(nil)); got != printed {
			t.Fatalf("%q prints as %q", printed, got)
		}
		for r := range References(tree.Root) {
			r.Range()
		}
		if mode.Style == A1 {
			if shown := Display(text); shown != text {
				if _, err := Parse(shown); err != nil {
					t.Fatalf("%q is shown as %q: %v", text, shown, err)
				}
			}
			checkRelative(t, tree, text, at)
			checkShift(t, tree, text, at, cell.Ref{Row: 4, Col: 5})
		}
	})
}
