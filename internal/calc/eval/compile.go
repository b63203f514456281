package eval

import (
	"slices"
	"strings"

	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// Compile makes the program of a formula that stands in a cell of a sheet. It always gives
// one: what cannot be bound is an error value where it is evaluated.
//
// The program may be run for every cell to which the formula was copied, on that sheet. Only
// a table part that names no table ([@Column]) is bound to the table of the cell at.
func Compile(scope Scope, tree *formula.Tree, sheet int, at cell.Ref) *Program {
	return compile(scope, tree, sheet, at, nil)
}

// CompileTemplate is Compile for a program that is run for formulas with other literals too
// (formula.AppendTemplate): for those that [Machine.Literals] has, and the tree's own where it has none. What else a
// program says of itself holds for them all.
func CompileTemplate(scope Scope, tree *formula.Tree, sheet int, at cell.Ref) *Program {
	numbers, texts := tree.Literals()
	open := make(map[*formula.Node]int, len(numbers)+len(texts))
	for _, list := range [...][]*formula.Node{numbers, texts} {
		for i, n := range list {
			open[n] = i
		}
	}
	return compile(scope, tree, sheet, at, open)
}

func compile(scope Scope, tree *formula.Tree, sheet int, at cell.Ref, open map[*formula.Node]int) *Program {
	c := &compiler{scope: scope, p: &Program{}, sheet: sheet, at: at, names: map[nameKey]*binding{}, open: open}
	c.p.root = c.expr(tree.Root)
	c.p.conditional = conditionalOf(c.p.root)
	if b, ok := c.p.root.(*binary); ok && tree.Root.Kind == formula.Binary {
		b.last = true
	}
	c.p.Ranged = c.p.Ranged || multi(c.p.root, 0)
	return c.p
}

// compiler holds what is known while a formula is compiled, and the names it uses.
type compiler struct {
	scope Scope
	p     *Program
	sheet int
	at    cell.Ref
	whole bool // arrays are on here whatever the formula: within an argument that takes whole ones
	wrap  bool // within a name, whose relative references wrap around the edges
	mode  mode
	via   string  // the name within which the references stand, "" outside of any
	bound []bound // what LET and LAMBDA bound, innermost last
	names map[nameKey]*binding
	open  map[*formula.Node]int // the literals that are parameters, with their numbers
}

type nameKey struct {
	sheet int
	name  string
	mode  mode
}

// mode is what becomes of the references that are met.
type mode uint8

const (
	reading    mode = iota // their cells are read
	positional             // only where they lie counts
	mentioning             // nothing is evaluated: the formula cannot be
)

// expr compiles a node; an argument left empty is a blank.
func (c *compiler) expr(n *formula.Node) expr {
	c.p.Cost++
	switch n.Kind {
	case formula.Number:
		return c.literal(n, fn.Num(n.Float()))
	case formula.Text:
		return c.literal(n, fn.Text(n.Text))
	case formula.Logical:
		return &constant{fn.Bool(n.Bool())}
	case formula.Error:
		return &failed{code: n.Err, reason: "the formula has this error written in it"}
	case formula.Missing:
		return &constant{fn.Value{}}
	case formula.Array:
		return c.array(n)
	case formula.Paren:
		return c.expr(n.Kids[0])
	case formula.Ref:
		return c.reference(n.Ref)
	case formula.Local:
		if slot := c.slot(n.Name()); slot >= 0 {
			return &local{slot, c.bound[slot].many}
		}
		return c.unknown(n.Name())
	case formula.Unary:
		if n.Op == formula.OpImplicit || n.Op == formula.OpIntersect {
			c.p.Intersects = true
			return &single{c.expr(n.Kids[0])}
		}
		u := &unary{n.Op, c.expr(n.Kids[0])}
		c.cut(u.x)
		return u
	case formula.Postfix:
		if n.Op == formula.OpSpill {
			return &spilled{c.expr(n.Kids[0])}
		}
		return &unary{n.Op, c.expr(n.Kids[0])}
	case formula.Binary:
		return c.binary(n)
	case formula.Call:
		return c.call(n)
	case formula.Invoke:
		return &invocation{c.expr(n.Kids[0]), c.exprs(n.Kids[1:])}
	}
	return &failed{code: cell.ErrValue, reason: "this part of the formula is not understood"}
}

// literal compiles a number or a text, which is a parameter in a template.
func (c *compiler) literal(n *formula.Node, v fn.Value) expr {
	if i, ok := c.open[n]; ok {
		c.p.Open = true
		return &parameter{i, v}
	}
	return &constant{v}
}

func (c *compiler) exprs(nodes []*formula.Node) []expr {
	out := make([]expr, len(nodes))
	for i, n := range nodes {
		out[i] = c.argument(n)
	}
	return out
}

// argument compiles an argument of a function: one left empty is told apart from a blank.
func (c *compiler) argument(n *formula.Node) expr {
	if n.Kind == formula.Missing {
		return &constant{fn.Omitted}
	}
	return c.expr(n)
}

func (c *compiler) slot(name string) int {
	for i := len(c.bound) - 1; i >= 0; i-- {
		if strings.EqualFold(c.bound[i].name, name) {
			return i
		}
	}
	return -1
}

func (c *compiler) unknown(name string) expr {
	if !slices.Contains(c.p.Unknown, name) {
		c.p.Unknown = append(c.p.Unknown, name)
	}
	return &failed{code: cell.ErrName, reason: "nothing is called " + name, unknown: true}
}

func (c *compiler) array(n *formula.Node) expr {
	cols := int(n.Cols)
	a := fn.NewArray(len(n.Kids)/cols, cols)
	for i, k := range n.Kids {
		a.Cells[i] = constantOf(k)
	}
	return &constant{fn.Of(a)}
}

// constantOf gives the value of an element of an array constant.
func constantOf(n *formula.Node) cell.Value {
	switch n.Kind {
	case formula.Number:
		return cell.NumberValue(n.Float())
	case formula.Text:
		return cell.TextValue(n.Text)
	case formula.Logical:
		return cell.BoolValue(n.Bool())
	case formula.Error:
		return cell.ErrorValue(n.Err)
	case formula.Unary:
		v := constantOf(n.Kids[0])
		if n.Op == formula.OpMinus {
			v = cell.NumberValue(-v.Number())
		}
		return v
	}
	return cell.Value{}
}

func (c *compiler) binary(n *formula.Node) expr {
	switch n.Op {
	case formula.OpRange, formula.OpUnion, formula.OpIntersect:
		if n.Op == formula.OpRange {
			c.p.Dynamic, c.p.Volatile = true, true
		}
		c.p.Intersects = c.p.Intersects || n.Op == formula.OpIntersect
		return &join{n.Op, c.expr(n.Kids[0]), c.expr(n.Kids[1])}
	}
	b := &binary{op: n.Op, l: c.expr(n.Kids[0]), r: c.expr(n.Kids[1])}
	c.cut(b.l)
	c.cut(b.r)
	return b
}

// cut notes that an expression stands where a single value is expected.
func (c *compiler) cut(e expr) {
	if !c.whole && !c.p.Ranged {
		c.p.Ranged = multi(e, 0)
	}
}

// reference compiles a reference and notes what it reads.
func (c *compiler) reference(r *formula.Reference) expr {
	if r.Trim != 0 {
		whole := *r
		whole.Trim = 0
		return c.trimmed(r.Trim, func() expr { return c.reference(&whole) })
	}
	if b := r.Book(); b != "" && b != "0" {
		c.p.Elsewhere = true
		x := External{Book: b, Sheet: r.Sheet(), Name: r.Name}
		switch r.Kind {
		case formula.NameRef, formula.TableRef, formula.DeletedRef:
			c.external(x)
			return &failed{code: cell.ErrRef, reason: "the formula refers to another workbook, " + b + ", which is not read"}
		}
		first, last := corners(r)
		x.Name, x.First, x.Last = "", c.corner(first), c.corner(last)
		c.external(x)
		return &external{b, x.Sheet, x.First, x.Last}
	}
	from, to, ok := c.sheets(r)
	if !ok {
		return &failed{code: cell.ErrRef, reason: "the workbook has no sheet " + r.Sheet()}
	}
	switch r.Kind {
	case formula.DeletedRef:
		return &failed{code: cell.ErrRef, reason: "the formula refers to cells that were deleted"}
	case formula.NameRef:
		return c.name(r, from)
	case formula.TableRef:
		return c.table(r)
	}
	first, last := corners(r)
	first, last = c.corner(first), c.corner(last)
	for s := from; s <= to; s++ {
		c.read(Read{Sheet: s, First: first, Last: last, Through: c.via})
	}
	if r.Kind == formula.CellRef && from == to {
		return &one{from, first, c.wrap}
	}
	return newArea(from, to, first, last, c.wrap)
}

// trimmed compiles what leaves the empty rows and columns at the ends of cells away. Where they end depends on what they
// hold.
func (c *compiler) trimmed(ends formula.Trim, cells func() expr) expr {
	was := c.mode
	if was == positional {
		c.mode = reading
	}
	x := cells()
	c.mode = was
	n := &constant{fn.Num(float64(ends))}
	return &call{f: fn.Find("TRIMRANGE"), args: []expr{x, n, n}, arr: []bool{true, false, false}, ref: []bool{true, false, false}}
}

// corners gives the corners of a reference to cells.
func corners(r *formula.Reference) (first, last Corner) {
	first, last = r.First, r.Last
	switch r.Kind {
	case formula.CellRef:
		last = first
	case formula.ColumnsRef:
		first.Row, last.Row, first.AbsRow, last.AbsRow = 0, cell.MaxRows-1, true, true
	case formula.RowsRef:
		first.Col, last.Col, first.AbsCol, last.AbsCol = 0, cell.MaxCols-1, true, true
	}
	return first, last
}

// sheets gives the sheets of a reference, both included.
func (c *compiler) sheets(r *formula.Reference) (from, to int, ok bool) {
	name := r.Sheet()
	if name == "" {
		return c.sheet, c.sheet, true
	}
	if from, ok = c.scope.SheetIndex(name); !ok {
		return 0, 0, false
	}
	to = from
	if last := r.LastSheet(); last != "" {
		if to, ok = c.scope.SheetIndex(last); !ok {
			return 0, 0, false
		}
	}
	return min(from, to), max(from, to), true
}

// corner makes the relative parts of a position distances from the cell of the formula.
func (c *compiler) corner(x Corner) Corner {
	if !x.AbsRow {
		x.Row -= int32(c.at.Row)
		if c.wrap && x.Row > cell.MaxRows/2 {
			x.Row -= cell.MaxRows
		}
	}
	if !x.AbsCol {
		x.Col -= int32(c.at.Col)
		if c.wrap && x.Col > cell.MaxCols/2 {
			x.Col -= cell.MaxCols
		}
	}
	return x
}

func (c *compiler) read(r Read) {
	r.Named = r.Named || c.mode != reading
	i := slices.IndexFunc(c.p.Reads, func(o Read) bool { return o.Sheet == r.Sheet && o.First == r.First && o.Last == r.Last })
	if i < 0 {
		c.p.Reads = append(c.p.Reads, r)
		return
	}
	c.p.Reads[i].Named = c.p.Reads[i].Named && r.Named
}

// mention notes what arguments refer to that are not evaluated.
func (c *compiler) mention(nodes []*formula.Node) {
	p, m := c.p, c.mode
	c.p, c.mode = &Program{}, mentioning
	c.exprs(nodes)
	other := c.p
	c.p, c.mode = p, m
	for _, r := range other.Reads {
		c.read(r)
	}
	for _, x := range other.Externals {
		c.external(x)
	}
	for _, name := range other.Names {
		c.looksFor(name)
	}
	for _, name := range other.Tables {
		c.usesNamed(name, !other.OtherRows)
	}
	c.p.Across = c.p.Across || other.Across
	c.p.OwnRow = c.p.OwnRow || other.OwnRow
}

// looksFor notes that what the formula is depends on whether there is a defined name, and on what it says.
func (c *compiler) looksFor(name string) {
	if name = strings.ToUpper(name); !slices.Contains(c.p.Names, name) {
		c.p.Names = append(c.p.Names, name)
	}
}

func (c *compiler) external(x External) {
	if !slices.Contains(c.p.Externals, x) {
		c.p.Externals = append(c.p.Externals, x)
	}
}

// name compiles a defined name, the name of a table, or that of a function which is passed on.
func (c *compiler) name(r *formula.Reference, sheet int) expr {
	key := nameKey{sheet, strings.ToUpper(r.Name), c.mode}
	if b := c.names[key]; b != nil {
		return &named{r.Name, b}
	}
	if name := formula.Handed(r.Name); name != "" {
		// Files also define such names, as #NAME?, for programs that know of no functions that are handed over.
		if f := fn.Find(name); f != nil && !f.Special() {
			return c.handed(f)
		}
		return c.unknown(r.Name)
	}
	c.looksFor(r.Name)
	tree, on, ok := c.scope.Name(sheet, r.Name)
	if !ok {
		if t, ok := c.scope.Table(r.Name, c.sheet, c.at); ok && r.Name != "" {
			c.uses(t, false)
			if data, ok := t.DataRange(); ok {
				return c.fixed(t.Sheet, data, t.Name)
			}
		}
		if f := fn.Find(formula.FunctionName(r.Name)); f != nil && !f.Special() {
			return c.handed(f)
		}
		c.usesNamed(r.Name, false)
		return c.unknown(r.Name)
	}
	b := &binding{}
	c.names[key] = b
	as := c.mode
	if as == positional && !refers(tree.Root) {
		c.mode = reading // to tell where it lies, it is evaluated
	}
	at, wrap, bound, home, whole, via := c.at, c.wrap, c.bound, c.sheet, c.whole, c.via
	c.at, c.wrap, c.bound, c.whole, c.via = cell.Ref{}, true, nil, true, r.Name
	if on >= 0 {
		c.sheet = on
	}
	b.root = c.expr(tree.Root)
	c.at, c.wrap, c.bound, c.sheet, c.whole, c.via = at, wrap, bound, home, whole, via
	c.mode = as
	return &named{r.Name, b}
}

// handed compiles a function that is not called here, but handed to another one.
func (c *compiler) handed(f *fn.Function) expr {
	c.calls(f)
	return &constant{fn.Func(&fn.Lambda{Params: f.Takes().Max, Optional: f.Takes().Max - f.Takes().Min, Body: f})}
}

// calls notes what a formula is that calls a function.
func (c *compiler) calls(f *fn.Function) {
	c.p.Elsewhere = c.p.Elsewhere || f.Offline()
	c.p.Volatile = c.p.Volatile || f.Volatile
	c.p.Placed = c.p.Placed || placed[f.Name]
	switch f.Name {
	case "INDIRECT", "OFFSET":
		c.p.Dynamic, c.p.Volatile = true, true
	case "SUBTOTAL", "AGGREGATE":
		c.p.Subtotal = true
	}
}

// refers reports whether an expression is one reference.
func refers(n *formula.Node) bool {
	for n.Kind == formula.Paren {
		n = n.Kids[0]
	}
	return n.Kind == formula.Ref
}

// fixed is a reference to the same cells wherever the formula stands.
func (c *compiler) fixed(sheet int, r cell.Range, through string) expr {
	abs := func(x cell.Ref) Corner {
		return Corner{Row: int32(x.Row), Col: int32(x.Col), AbsRow: true, AbsCol: true}
	}
	first, last := abs(r.First), abs(r.Last)
	c.read(Read{Sheet: sheet, First: first, Last: last, Through: through})
	return newArea(sheet, sheet, first, last, false)
}

// uses notes that the formula names a table, or a part of it in its own row.
func (c *compiler) uses(t *grid.Table, row bool) { c.usesNamed(t.Name, row) }

// usesNamed is uses for a name, also of a table that is not there: it may come. "" is the table
// around the formula, where there is none.
func (c *compiler) usesNamed(name string, row bool) {
	if !slices.Contains(c.p.Tables, name) {
		c.p.Tables = append(c.p.Tables, name)
	}
	c.p.OwnRow, c.p.OtherRows = c.p.OwnRow || row, c.p.OtherRows || !row
}

// table compiles a part of a table.
func (c *compiler) table(r *formula.Reference) expr {
	t, ok := c.scope.Table(r.Name, c.sheet, c.at)
	if !ok {
		c.usesNamed(r.Name, false)
		return &failed{code: cell.ErrRef, reason: c.noTable(r.Name)}
	}
	row := r.Items()&formula.ItemThisRow != 0
	c.uses(t, row)
	x := t.Range
	first, last := r.Columns()
	c.p.Across = c.p.Across || row && (first == "" || !strings.EqualFold(first, last)) // also where these are one, by now
	if first != "" {
		called := func(i int) string { return t.Columns[i].Name }
		i, j := formula.FindColumn(first, len(t.Columns), called), formula.FindColumn(last, len(t.Columns), called)
		if i < 0 || j < 0 {
			return &failed{code: cell.ErrRef, reason: "table " + t.Name + " has no column of that name"}
		}
		x.First.Col, x.Last.Col = t.Range.First.Col+min(i, j), t.Range.First.Col+max(i, j)
	}
	data := cell.Range{First: cell.Ref{Row: t.Range.First.Row + t.HeaderRows, Col: x.First.Col},
		Last: cell.Ref{Row: t.Range.Last.Row - t.TotalsRows, Col: x.Last.Col}}
	through := t.Name
	if r.Name == "" {
		through = c.via // [@Column] is written without the table
	}
	items := r.Items()
	switch {
	case items&formula.ItemThisRow != 0:
		c.read(Read{Sheet: t.Sheet, First: Corner{Col: int32(x.First.Col), AbsCol: true}, Last: Corner{Col: int32(x.Last.Col), AbsCol: true}, Through: through})
		return &thisRow{sheet: t.Sheet, data: data, first: x.First.Col, last: x.Last.Col}
	case items&formula.ItemAll != 0:
		return c.fixed(t.Sheet, x, through)
	}
	if x.First.Row, x.Last.Row, ok = t.Rows(items&formula.ItemHeaders != 0, items&formula.ItemData != 0, items&formula.ItemTotals != 0); !ok {
		return &failed{code: cell.ErrRef, reason: "table " + t.Name + " has no such row"}
	}
	return c.fixed(t.Sheet, x, through)
}

func (c *compiler) noTable(name string) string {
	if name == "" {
		return "the formula names a column and no table, and stands in none"
	}
	return "there is no table " + name
}
