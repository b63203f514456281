package analyze

import (
	"context"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// link is one reference of a template, resolved to cells: names and table parts are
// followed, 3-D references name a run of sheets. A relative position is an offset from
// the cell that holds the formula.
type link struct {
	from, to       int32 // sheets; -1 for another workbook, with external set
	r0, r1, c0, c1 int32
	relative       uint8 // bits relRow0 …
	name           int32 // index into Graph.names of the name it came through, -1 for none
	external       int32 // index into Graph.externals, -1 for none
}

const (
	relRow0 = 1 << iota
	relRow1
	relCol0
	relCol1
)

// rows gives the rows that the link covers as seen from a cell in the given row.
func (l *link) rows(row int32) (lo, hi int32) {
	a, b := l.r0, l.r1
	if l.relative&relRow0 != 0 {
		a += row
	}
	if l.relative&relRow1 != 0 {
		b += row
	}
	return min(a, b), max(a, b)
}

// cols is rows for columns.
func (l *link) cols(col int32) (lo, hi int32) {
	a, b := l.c0, l.c1
	if l.relative&relCol0 != 0 {
		a += col
	}
	if l.relative&relCol1 != 0 {
		b += col
	}
	return min(a, b), max(a, b)
}

// target gives the range that the link covers as seen from the cells between two rows
// of a column, and whether any of it is on the sheet.
func (l *link) target(col, first, last int32) (cell.Range, bool) {
	a, b := l.rows(first)
	c, d := l.rows(last)
	lo, hi := max(min(a, c), 0), min(max(b, d), cell.MaxRows-1)
	left, right := l.cols(col)
	left, right = max(left, 0), min(right, cell.MaxCols-1)
	return cell.Range{First: cell.Ref{Row: int(lo), Col: int(left)}, Last: cell.Ref{Row: int(hi), Col: int(right)}}, lo <= hi && left <= right
}

// holders gives the rows between first and last from which the link covers some row
// between x0 and x1. They follow one another: the cells from which all of it lies above
// x0 end where those from which it reaches begin, and so at the lower end.
func (l *link) holders(first, last, x0, x1 int32) (lo, hi int32, ok bool) {
	lo, hi = first, last
	const rows = relRow0 | relRow1
	switch l.relative & rows {
	case 0:
		return lo, hi, min(l.r0, l.r1) <= x1 && max(l.r0, l.r1) >= x0
	case rows:
		lo, hi = max(lo, x0-max(l.r0, l.r1)), min(hi, x1-min(l.r0, l.r1))
	default:
		fixed, moving := l.r0, l.r1
		if l.relative&relRow0 != 0 {
			fixed, moving = l.r1, l.r0
		}
		if fixed < x0 {
			lo = max(lo, x0-moving)
		}
		if fixed > x1 {
			hi = min(hi, x1-moving)
		}
	}
	return lo, hi, lo <= hi
}

// resolver turns the references of formulas into links.
type resolver struct {
	snap   *book.Snapshot
	wb     *grid.Workbook
	tables []grid.Table
	names  map[string][]int // by folded name, the indices of workbook names

	labels    []string // of names
	labelOf   map[string]int32
	externals []string
	externOf  map[string]int32
}

// externalsMax bounds how many different references to other workbooks are told apart.
const externalsMax = 1 << 12

func newResolver(ctx context.Context, snap *book.Snapshot) (*resolver, error) {
	tables, err := snap.Tables(ctx)
	if err != nil {
		return nil, err
	}
	r := &resolver{snap: snap, wb: snap.Workbook(), tables: tables, names: make(map[string][]int), labelOf: make(map[string]int32), externOf: make(map[string]int32)}
	for i, n := range r.wb.Names {
		key := book.FoldName(n.Name)
		r.names[key] = append(r.names[key], i)
	}
	return r, nil
}

// nameDepth bounds names that refer to names.
const nameDepth = 8

// linksMax bounds the references that are followed for one formula, names included.
const linksMax = 4096

// links appends what the tree refers to, as seen from a formula at at on a sheet.
func (r *resolver) links(out []link, tree *formula.Tree, sheet int, at cell.Ref, name int32, depth int) []link {
	limit := len(out) + linksMax
	for ref := range formula.References(tree.Root) {
		if len(out) >= limit {
			break
		}
		out = r.link(out, ref, sheet, at, name, depth)
	}
	return out
}

func (r *resolver) link(out []link, ref formula.Reference, sheet int, at cell.Ref, name int32, depth int) []link {
	l := link{from: int32(sheet), to: int32(sheet), name: name, external: -1}
	// [0] is how files name the workbook that holds the formula.
	if b := ref.Book(); b != "" && b != "0" {
		l.from, l.to, l.external = -1, -1, r.extern(ref)
		return append(out, l)
	}
	if s := ref.Sheet(); s != "" {
		i, ok := r.snap.SheetIndex(s)
		if !ok {
			return out // a deleted or unknown sheet: there are no cells
		}
		j := i
		if last := ref.LastSheet(); last != "" {
			if j, ok = r.snap.SheetIndex(last); !ok {
				return out
			}
		}
		l.from, l.to = int32(min(i, j)), int32(max(i, j))
	}
	switch ref.Kind {
	case formula.NameRef:
		return r.name(out, ref, sheet, at, depth)
	case formula.TableRef:
		return r.table(out, ref, sheet, at)
	case formula.DeletedRef:
		return out
	}
	l.place(ref, at)
	return append(out, l)
}

// place sets the position of l to that of a cell reference written in a formula at at.
func (l *link) place(ref formula.Reference, at cell.Ref) {
	a, b := ref.First, ref.Last
	switch ref.Kind {
	case formula.CellRef:
		b = a
	case formula.ColumnsRef:
		a.Row, b.Row, a.AbsRow, b.AbsRow = 0, cell.MaxRows-1, true, true
	case formula.RowsRef:
		a.Col, b.Col, a.AbsCol, b.AbsCol = 0, cell.MaxCols-1, true, true
	}
	l.r0, l.r1, l.c0, l.c1 = a.Row, b.Row, a.Col, b.Col
	if !a.AbsRow {
		l.r0 -= int32(at.Row)
		l.relative |= relRow0
	}
	if !b.AbsRow {
		l.r1 -= int32(at.Row)
		l.relative |= relRow1
	}
	if !a.AbsCol {
		l.c0 -= int32(at.Col)
		l.relative |= relCol0
	}
	if !b.AbsCol {
		l.c1 -= int32(at.Col)
		l.relative |= relCol1
	}
}

// name follows a defined name: the one of the sheet before that of the workbook.
func (r *resolver) name(out []link, ref formula.Reference, sheet int, at cell.Ref, depth int) []link {
	scope := sheet
	if s := ref.Sheet(); s != "" {
		if i, ok := r.snap.SheetIndex(s); ok {
			scope = i
		}
	}
	found := -1
	for _, i := range r.names[book.FoldName(ref.Name)] {
		if n := r.wb.Names[i]; n.Sheet == scope || n.Sheet < 0 && found < 0 {
			found = i
			if n.Sheet == scope {
				break
			}
		}
	}
	if found < 0 {
		return r.wholeTable(out, ref.Name)
	}
	if depth >= nameDepth {
		return out
	}
	n := r.wb.Names[found]
	tree, err := formula.Parse(n.RefersTo)
	if err != nil {
		return out
	}
	if n.Sheet >= 0 {
		scope = n.Sheet
	}
	// Relative parts of a name are written as seen from A1.
	return r.links(out, tree, scope, cell.Ref{}, r.label(n.Name), depth+1)
}

// wholeTable is a table's name alone, which stands for its data.
func (r *resolver) wholeTable(out []link, name string) []link {
	for i := range r.tables {
		if t := &r.tables[i]; strings.EqualFold(t.Name, name) {
			if d, ok := t.DataRange(); ok {
				out = append(out, fixed(t.Sheet, d, r.label(t.Name)))
			}
			break
		}
	}
	return out
}

func fixed(sheet int, x cell.Range, name int32) link {
	return link{from: int32(sheet), to: int32(sheet), r0: int32(x.First.Row), r1: int32(x.Last.Row), c0: int32(x.First.Col), c1: int32(x.Last.Col), name: name, external: -1}
}

// table resolves a part of a table.
func (r *resolver) table(out []link, ref formula.Reference, sheet int, at cell.Ref) []link {
	var t *grid.Table
	for i := range r.tables {
		x := &r.tables[i]
		if ref.Name != "" && strings.EqualFold(x.Name, ref.Name) || ref.Name == "" && x.Sheet == sheet && x.Range.Contains(at) {
			t = x
			break
		}
	}
	if t == nil {
		return out
	}
	name := int32(-1)
	if ref.Name != "" {
		name = r.label(t.Name)
	}
	x := t.Range
	first, last := ref.Columns()
	if first != "" {
		i, j := tableColumn(t, first), tableColumn(t, last)
		if i < 0 || j < 0 {
			return out
		}
		x.First.Col, x.Last.Col = t.Range.First.Col+min(i, j), t.Range.First.Col+max(i, j)
	}
	add := func(first, last int) {
		x.First.Row, x.Last.Row = first, last
		if first <= last {
			out = append(out, fixed(t.Sheet, x, name))
		}
	}
	data, last1 := t.Range.First.Row+t.HeaderRows, t.Range.Last.Row-t.TotalsRows
	items := ref.Items()
	if items == 0 {
		items = formula.ItemData
	}
	switch {
	case items&formula.ItemThisRow != 0:
		l := fixed(t.Sheet, x, name)
		l.r0, l.r1, l.relative = 0, 0, relRow0|relRow1
		return append(out, l)
	case items&formula.ItemAll != 0:
		add(t.Range.First.Row, t.Range.Last.Row)
		return out
	}
	if items&formula.ItemHeaders != 0 {
		add(t.Range.First.Row, data-1)
	}
	if items&formula.ItemData != 0 {
		add(data, last1)
	}
	if items&formula.ItemTotals != 0 {
		add(last1+1, t.Range.Last.Row)
	}
	return out
}

func tableColumn(t *grid.Table, name string) int {
	for i := range t.Columns {
		if strings.EqualFold(t.Columns[i].Name, name) {
			return i
		}
	}
	return -1
}

// label gives the index of a name that references came through.
func (r *resolver) label(name string) int32 {
	i, ok := r.labelOf[name]
	if !ok {
		name = strings.Clone(name)
		i = int32(len(r.labels))
		r.labels = append(r.labels, name)
		r.labelOf[name] = i
	}
	return i
}

// extern gives the index of a reference to another workbook, as a text with the
// workbook's own path where the file gives one.
func (r *resolver) extern(ref formula.Reference) int32 {
	file := ref.Book()
	if n, ok := cell.ParseRow(file); ok && n < len(r.wb.External) && r.wb.External[n] != "" {
		file = r.wb.External[n]
	}
	text := "[" + file + "]"
	if s := ref.Sheet(); s != "" {
		text += s + "!"
	}
	if x, ok := ref.Range(); ok {
		text += x.String()
	} else {
		text += ref.Name
	}
	i, ok := r.externOf[text]
	if !ok {
		if len(r.externals) >= externalsMax {
			return externalsMax - 1
		}
		i = int32(len(r.externals))
		r.externals = append(r.externals, text)
		r.externOf[text] = i
	}
	return i
}
