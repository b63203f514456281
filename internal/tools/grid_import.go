package tools

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
	"gridflow/internal/until"
	"gridflow/internal/xf"
)

type gridImportIn struct {
	ForkArg
	Sheet    string `json:"sheet_name" required:"true"`
	Anchor   string `json:"anchor" required:"true" doc:"The cell of the grid's first one"`
	Grid     Tree   `json:"grid" required:"true" doc:"What grid_export gives: anchor, widths, merges, rows of values, base (the look of cells without a format), formats with their cells; rows may also be of cells with offset, v, f, fmt, style"`
	Clear    bool   `json:"clear_target" default:"false" doc:"Empties the cells that the grid covers first, their formats and merges, too"`
	Formulas string `json:"formulas" enum:"as_is|shift" default:"as_is" doc:"shift moves the references of formulas with the grid"`
	Policy   string `json:"formula_parse_policy" enum:"fail|warn|off" doc:"warn leaves formulas out that do not parse, and tells; fail unless given"`
	EditMode
	Guard
}

var gridImport = define(Spec{
	Name: "grid_import", Title: "Import a range with its looks", Toolset: "exchange", Writes: true, Reach: ReachSheet,
	Description: "Writes what grid_export gave into a fork, at any anchor: merges, which move with it, column widths, values, formulas and styles, in this order. Cells that the grid does not name stay, unless clear_target empties them.",
	Example:     `{"fork_id":"fork-abcdefgh2345","sheet_name":"Sheet1","anchor":"H2","grid":{"anchor":"A1","widths":[14],"merges":["A1:B1"],"rows":[["Total"],["=SUM(A3:A9)",null,7]],"formats":[{"cells":"A1","style":{"font":{"bold":true}}},{"cells":"A2,C2","fmt":"#,##0"}]}}`,
}, func(ctx context.Context, env *Env, in gridImportIn) (*batchOut, error) {
	return env.batch(ctx, in.Fork, "grid_import", env.batchPolicy(in.Policy), in.EditMode, in.Guard, 1, func(b *batch, _ int) error {
		b.begin("grid_import")
		index, err := sheetNamed(b.snap, in.Sheet)
		if err != nil {
			return err
		}
		anchor, ok := cell.ParseRef(strings.ReplaceAll(in.Anchor, "$", ""))
		if !ok {
			return fail(codeRangeInvalid, "Write one cell, such as A1", "%q is no cell", clip(in.Anchor, 20))
		}
		g, err := readGrid(in.Grid.node, anchor)
		if err != nil {
			return err
		}
		if in.Formulas == "shift" {
			if !g.anchored {
				return invalid(`Give the cell that the grid was taken from: "anchor":"A1"`, "the grid has no anchor, so that nobody knows how far its formulas move")
			}
			for i := range g.cells {
				if c := &g.cells[i]; c.formula != "" {
					if is, err := formula.ShiftText(c.formula, g.from, anchor); err == nil {
						c.formula = is
					} // else it does not parse, which is told below
				}
			}
		}
		b.guess = false // its values are what they are
		return g.put(b, index, in.Clear)
	})
})

// gridPayload is what grid_export gives, at the place where it goes.
type gridPayload struct {
	from     cell.Ref // its own anchor
	anchored bool
	widths   map[int]float64 // by column
	merges   []cell.Range
	cells    []gridCell
	looks    []gridLook
	base     node       // what all styles have that say nothing else
	covers   cell.Range // all cells that it is of
}

// gridLook is a format that cells have.
type gridLook struct {
	ranges []cell.Range
	format string
	style  node
	styled bool
}

type gridCell struct {
	ref     cell.Ref
	value   Scalar
	given   bool // it has a value, which may be null
	formula string
	format  string
	dated   bool   // the list of formats gives it one of dates
	kind    string // of a value: "text", "number", …; "" where the value itself says it
	style   node
	styled  bool
}

// put writes a grid: merges, widths, values and formulas, styles.
func (g *gridPayload) put(b *batch, index int, clear bool) error {
	name := b.snap.Workbook().Sheets[index].Name
	sheet, err := b.snap.Sheet(b.ctx, index)
	if err != nil {
		return err
	}
	if clear {
		if err := g.clearTarget(b, index, sheet); err != nil {
			return err
		}
	}
	if err := g.putMerges(b, index, clear); err != nil {
		return err
	}
	if len(g.widths) > 0 {
		columns := sheet.Layout.Columns
		for col, width := range g.widths {
			columns = grid.EditColumns(columns, col, col, func(c *grid.ColumnSpan) { c.Width, c.Custom = width, true })
		}
		b.counts["columns_sized"] += len(g.widths)
		if err := b.do(book.Arrange{Sheet: name, Columns: &columns}); err != nil {
			return err
		}
	}
	if err := g.putValues(b, index); err != nil {
		return err
	}
	return g.putStyles(b, name)
}

// clearTarget empties what the grid covers.
func (g *gridPayload) clearTarget(b *batch, index int, sheet *grid.Sheet) error {
	if g.covers.Cells() > filledMax {
		return fail("TOO_MANY", "Import it in parts", "the grid covers %d cells, and %d are the most that are cleared at once", g.covers.Cells(), filledMax)
	}
	e, formatted := b.editor(index), false
	for c := range until.Done(b.ctx, sheet.Cells(g.covers)) {
		formatted = formatted || c.Style != 0
		if !c.Empty() {
			e.set(index, book.CellEdit{Ref: c.Ref, Clear: true})
		}
	}
	if err := b.collect(e); err != nil {
		return err
	}
	ops := e.edit().Ops
	if formatted {
		ops = append(ops, book.FormatCells{Sheet: b.snap.Workbook().Sheets[index].Name, Ranges: []cell.Range{g.covers}, Anew: true})
	}
	return b.do(ops...)
}

// putMerges sets the merged ranges of the grid. Others that they meet are taken apart.
func (g *gridPayload) putMerges(b *batch, index int, clear bool) error {
	sheet, err := b.snap.Sheet(b.ctx, index)
	if err != nil {
		return err
	}
	apart := 0
	merges := slices.DeleteFunc(slices.Clone(sheet.Layout.Merges), func(m cell.Range) bool {
		if slices.Contains(g.merges, m) {
			return false
		}
		_, cleared := m.Intersect(g.covers)
		goes := clear && cleared || meets([]cell.Range{m}, g.merges) && len(g.merges) > 0
		if goes {
			apart++
		}
		return goes
	})
	if apart > 0 {
		b.counts["cells_unmerged"] += apart
		b.warn("WARN_UNMERGED: %d merged ranges were taken apart where the grid goes", apart)
	}
	for _, m := range g.merges {
		if !slices.Contains(merges, m) {
			merges = append(merges, m)
		}
	}
	if slices.Equal(merges, sheet.Layout.Merges) {
		return nil
	}
	b.counts["cells_merged"] += len(g.merges)
	return b.do(book.Arrange{Sheet: b.snap.Workbook().Sheets[index].Name, Merges: (*book.Ranges)(&merges)})
}

func (g *gridPayload) putValues(b *batch, index int) error {
	e := b.editor(index)
	dates := b.snap.Workbook().Dates
	for i := range g.cells {
		x := &g.cells[i]
		c := book.CellEdit{Ref: x.ref}
		switch {
		case x.formula != "":
			c.HasFormula, c.Formula = true, x.formula
			if ok, err := e.parses(index, c); err != nil {
				return err
			} else if !ok {
				continue
			}
		case !x.given:
			continue
		default:
			c.Value = x.content(dates)
		}
		e.set(index, c)
	}
	return b.take(e)
}

// content gives the value of a cell: a text is one, whatever it reads like, but for an error value, and a date where the format is
// one of dates.
func (x *gridCell) content(dates numfmt.DateSystem) cell.Value {
	switch text := x.value.Text; x.value.Kind {
	case NumberScalar:
		return cell.NumberValue(x.value.Number)
	case BoolScalar:
		return cell.BoolValue(x.value.Number != 0)
	default:
		if x.kind != "" {
			return cell.TextValue(text)
		}
		if code, ok := cell.ParseError(text); ok {
			return cell.ErrorValue(code)
		}
		if serial, _, ok := numfmt.ParseISO(text, dates); ok && (x.dated || x.format != "" && numfmt.Compile(x.format).IsDate()) {
			return cell.NumberValue(serial)
		}
		return cell.TextValue(text)
	}
}

// putStyles formats the cells, those that look alike together.
func (g *gridPayload) putStyles(b *batch, name string) error {
	byLook := map[string]*book.FormatCells{}
	var looks []*book.FormatCells
	put := func(l *gridLook) error {
		p := stylePatch{warn: func(string, ...any) {}}
		if l.styled {
			if g.base.kind == objectNode {
				p.settings = withoutUsual(b.snap.Workbook().Styles)
			}
			if err := p.branch("", overlaid(g.base, l.style)); err != nil {
				return at(l.ranges[0].First, MapError(err))
			}
		}
		if l.format != "" {
			if err := p.set("number_format", l.format); err != nil {
				return at(l.ranges[0].First, MapError(err))
			}
		}
		key := strconv.FormatBool(l.styled)
		for _, one := range p.settings.Sorted() {
			key += "\x00" + one.Leaf.String() + "=" + strconv.FormatBool(one.Reset) + one.Value
		}
		f := byLook[key]
		if f == nil {
			f = &book.FormatCells{Sheet: name, Anew: l.styled, Settings: p.settings}
			byLook[key] = f
			looks = append(looks, f)
		}
		for _, r := range l.ranges {
			if n := len(f.Ranges); n > 0 && r.Rows() == 1 && f.Ranges[n-1].Rows() == 1 && f.Ranges[n-1].Last == (cell.Ref{Row: r.First.Row, Col: r.First.Col - 1}) {
				f.Ranges[n-1].Last = r.Last
			} else {
				f.Ranges = append(f.Ranges, r)
			}
		}
		return nil
	}
	for i := range g.cells {
		x := &g.cells[i]
		if !x.styled && x.format == "" {
			continue
		}
		if err := put(&gridLook{[]cell.Range{{First: x.ref, Last: x.ref}}, x.format, x.style, x.styled}); err != nil {
			return err
		}
	}
	for i := range g.looks {
		if err := put(&g.looks[i]); err != nil {
			return err
		}
	}
	for _, f := range looks {
		f.Ranges = stacked(f.Ranges)
		if err := b.do(*f); err != nil {
			return err
		}
	}
	return nil
}

// withoutUsual gives the settings that clear what cells of a workbook look like without a format: a grid that has a base says that itself.
func withoutUsual(styles *grid.Styles) (list xf.Settings) {
	for _, one := range usualStyle(styles).leaves {
		if is, err := xf.Check(one.Leaf, ""); err == nil && is == "" {
			list = append(list, xf.Setting{Leaf: one.Leaf})
		}
	}
	return list
}

// overlaid gives what an object says with what another one says besides, or instead.
func overlaid(under, over node) node {
	if under.kind != objectNode || over.kind != objectNode {
		return over
	}
	out := node{kind: objectNode, names: slices.Clone(under.names), items: slices.Clone(under.items)}
	for i, name := range over.names {
		if k := slices.Index(out.names, name); k >= 0 {
			out.items[k] = overlaid(out.items[k], over.items[i])
			continue
		}
		out.names, out.items = append(out.names, name), append(out.items, over.items[i])
	}
	return out
}

// stacked makes one range of those that lie below one another and are as wide.
func stacked(list []cell.Range) []cell.Range {
	slices.SortFunc(list, func(a, b cell.Range) int {
		return cmp.Or(cmp.Compare(a.First.Col, b.First.Col), cmp.Compare(a.Last.Col, b.Last.Col), cmp.Compare(a.First.Row, b.First.Row))
	})
	out := list[:0]
	for _, r := range list {
		if n := len(out); n > 0 && out[n-1].First.Col == r.First.Col && out[n-1].Last.Col == r.Last.Col && out[n-1].Last.Row+1 == r.First.Row {
			out[n-1].Last.Row = r.Last.Row
			continue
		}
		out = append(out, r)
	}
	return out
}

// at says of which cell an error is.
func at(r cell.Ref, err error) error {
	if e, ok := err.(*Error); ok {
		said := *e
		said.Message = r.String() + ": " + e.Message
		return &said
	}
	return err
}

const gridExample = `Example: {"anchor":"A1","widths":[12],"merges":["A1:B1"],"rows":[["Total"],["=SUM(B3:B9)",null,7]],"formats":[{"cells":"A1:B2","fmt":"0.00"}]}`

// The members of a grid, of its rows of cells, of a cell and of a format, each with what it has to be. What grid_export says of the state that it
// read is left aside.
var (
	gridMembers = map[string]nodeKind{"sheet": textNode, "anchor": textNode, "columns": arrayNode, "widths": arrayNode, "merges": arrayNode, "rows": arrayNode, "base": objectNode, "formats": arrayNode,
		"workbook_id": anyNode, "fork_id": anyNode, "version": anyNode, "stale_formulas": anyNode, "calculated_on_open": anyNode, "too_large_to_calculate": anyNode}
	gridRowMembers    = map[string]nodeKind{"cells": arrayNode}
	gridCellMembers   = map[string]nodeKind{"offset": arrayNode, "v": anyNode, "f": textNode, "fmt": textNode, "t": textNode, "style": objectNode}
	gridFormatMembers = map[string]nodeKind{"cells": textNode, "fmt": textNode, "style": objectNode}
	gridColumnMembers = map[string]nodeKind{"offset": numberNode, "width_chars": numberNode}
)

// anyNode is a member of any kind.
const anyNode = nodeKind(0xFF)

// members refuses an object with members that it does not have, or of another kind; null is none.
func (n node) members(known map[string]nodeKind, what string) error {
	if n.kind != objectNode {
		return invalid(gridExample, "%s is not %s", n.brief(), what)
	}
	for i, name := range n.names {
		v := n.items[i]
		switch kind, ok := known[name]; {
		case !ok:
			return invalid(gridExample, "%s has no %s", what, clip(name, 40))
		case kind != anyNode && v.kind != kind && v.kind != nullNode:
			return invalid(gridExample, "%s is %s, wanted %s", name, v.brief(), kind)
		}
	}
	return nil
}

// readGrid reads a payload for an anchor.
func readGrid(n node, anchor cell.Ref) (*gridPayload, error) {
	g := &gridPayload{widths: map[int]float64{}, covers: cell.Range{First: anchor, Last: anchor}}
	bad := func(format string, args ...any) error { return invalid(gridExample, format, args...) }
	if err := n.members(gridMembers, "a grid"); err != nil {
		return nil, err
	}
	if from := n.member("anchor"); from.kind == textNode {
		if g.from, g.anchored = cell.ParseRef(strings.ReplaceAll(from.text, "$", "")); !g.anchored {
			return nil, bad("the grid's anchor %q is no cell", clip(from.text, 20))
		}
	}
	for _, m := range n.member("merges").items {
		r, ok := cell.ParseRange(m.text)
		if m.kind != textNode || !ok {
			return nil, bad("%s is no merged range", m.brief())
		}
		to, ok := g.moved(r, anchor)
		if !ok {
			return nil, fail(codeRangeInvalid, "Choose another anchor", "the merged range %s would lie outside of the sheet", r)
		}
		g.merges = append(g.merges, to)
	}
	wide := func(c node, offset int, text string) error {
		width, err := strconv.ParseFloat(text, 64)
		if err != nil || !(width >= 0 && width <= book.MaxColumnWidth) {
			return bad("%s is no width of a column", c.brief())
		}
		col := anchor.Col + offset
		if offset < 0 || col >= cell.MaxCols {
			return fail(codeRangeInvalid, "Choose another anchor", "column %d of the grid would lie outside of the sheet", offset)
		}
		g.widths[col] = width
		g.covers.Last.Col = max(g.covers.Last.Col, col)
		return nil
	}
	for _, c := range n.member("columns").items {
		if err := c.members(gridColumnMembers, "a column of a grid"); err != nil {
			return nil, err
		}
		offset, err := c.member("offset").integer()
		if err != nil {
			return nil, bad("%s is no width of a column", c.brief())
		}
		if err := wide(c, offset, c.member("width_chars").text); err != nil {
			return nil, err
		}
	}
	for offset, c := range n.member("widths").items {
		if c.kind == nullNode {
			continue
		}
		if c.kind != numberNode {
			return nil, bad("%s is no width of a column", c.brief())
		}
		if err := wide(c, offset, c.text); err != nil {
			return nil, err
		}
	}
	if err := g.readRows(n.member("rows"), anchor); err != nil {
		return nil, err
	}
	g.base = n.member("base")
	if err := g.readFormats(n.member("formats"), anchor); err != nil {
		return nil, err
	}
	slices.SortStableFunc(g.cells, func(a, b gridCell) int {
		return a.ref.Compare(b.ref)
	})
	if len(g.cells) > filledMax {
		return nil, fail("TOO_MANY", "Import it in parts", "the grid has more than %d cells", filledMax)
	}
	g.dateCells()
	return g, nil
}

// moved gives where a range goes that is told by where the grid was.
func (g *gridPayload) moved(r cell.Range, anchor cell.Ref) (to cell.Range, ok bool) {
	if !g.anchored {
		return r, true
	}
	first, ok1 := moveRef(r.First, g.from, anchor)
	last, ok2 := moveRef(r.Last, g.from, anchor)
	return cell.Range{First: first, Last: last}, ok1 && ok2
}

// moveRef moves a cell by as much as from is moved to to; ok is false where it leaves the sheet.
func moveRef(r, from, to cell.Ref) (cell.Ref, bool) {
	r = cell.Ref{Row: r.Row + to.Row - from.Row, Col: r.Col + to.Col - from.Col}
	return r, r.Valid()
}

func readGridCell(n node, anchor cell.Ref) (x gridCell, err error) {
	if err := n.members(gridCellMembers, "a cell of a grid"); err != nil {
		return x, err
	}
	offset := n.member("offset").items
	if len(offset) != 2 {
		return x, invalid(gridExample, "%s is no cell of a grid: it needs an offset of rows and columns", n.brief())
	}
	row, err1 := offset[0].integer()
	col, err2 := offset[1].integer()
	if err1 != nil || err2 != nil || row < 0 || col < 0 {
		return x, invalid(gridExample, "%s is no offset", n.member("offset").brief())
	}
	x.ref = cell.Ref{Row: anchor.Row + row, Col: anchor.Col + col}
	if !x.ref.Valid() {
		return x, fail(codeRangeInvalid, "Choose another anchor", "the cell at offset %d, %d would lie outside of the sheet", row, col)
	}
	for i, name := range n.names {
		v := n.items[i]
		switch name {
		case "offset":
		case "v":
			if err := x.read(v); err != nil {
				return x, err
			}
		case "f":
			x.formula = strings.TrimPrefix(strings.TrimSpace(v.text), "=")
		case "fmt":
			if x.format = v.text; x.format != "" {
				if _, err := xf.Check(xf.NumberFormat, x.format); err != nil {
					return x, at(x.ref, fail("BAD_STYLE", "", "%v", err))
				}
			}
		case "t":
			x.kind = v.text
		case "style":
			x.style, x.styled = v, v.kind == objectNode
		}
	}
	return x, nil
}

// member gives a member of an object, null where it has none.
func (n node) member(name string) node {
	if i := slices.Index(n.names, name); i >= 0 {
		return n.items[i]
	}
	return node{}
}

// integer gives a number without a fraction.
func (n node) integer() (int, error) {
	if n.kind != numberNode {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(n.text)
}
