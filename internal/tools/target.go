package tools

import (
	"context"
	"errors"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// Book is embedded in the input of every tool that reads one workbook.
type Book struct {
	Workbook string `json:"workbook_or_fork_id" alias:"workbook_id" required:"true" doc:"Workbook id, slug or path"`
}

func (b Book) workbook() string { return b.Workbook }

// viewed is the handler of a tool that reads one workbook and changes nothing: what do makes of its present snapshot.
func viewed[In interface{ workbook() string }, Out any](do func(ctx context.Context, env *Env, snap *book.Snapshot, in In) (*Out, error)) func(context.Context, *Env, In) (*Out, error) {
	return func(ctx context.Context, env *Env, in In) (out *Out, err error) {
		err = env.Workspace.View(ctx, in.workbook(), func(snap *book.Snapshot) (err error) {
			out, err = do(ctx, env, snap, in)
			return err
		})
		return out, err
	}
}

// area is a rectangle of cells that an argument named.
type area struct {
	sheet int
	rng   cell.Range  // not clipped: whole columns reach down to the last row
	table *grid.Table // set where a table was named, alone or with a part of it
	whole bool        // the whole table, header row included
}

// sheetNamed finds a sheet by its name, ignoring case.
func sheetNamed(snap *book.Snapshot, name string) (int, error) {
	if i, ok := snap.SheetIndex(name); ok {
		return i, nil
	}
	if i, ok := snap.SheetIndex(strings.TrimSpace(name)); ok {
		return i, nil
	}
	sheets := snap.Workbook().Sheets
	names := make([]string, len(sheets))
	for i, s := range sheets {
		if names[i] = s.Name; name == plain(s.Name) {
			return i, nil // as results show it, with what is not seen escaped
		}
	}
	return 0, fail(codeSheetNotFound, suggest("sheets", name, names), "there is no sheet %q", clip(name, 64))
}

// emptySheet says of a sheet without cells why it has none.
func emptySheet(info *grid.SheetInfo) string {
	if !info.Kind.HasCells() {
		return plain(info.Name) + " is a " + info.Kind.String() + " and has no cells"
	}
	return plain(info.Name) + " is empty"
}

// areas resolves a range argument: a cell, range, whole columns or rows, any of these
// with a sheet before it, a defined name, a table (then with its header row) or a part
// of one such as Table1[Amount], or several of these separated by commas. sheet is
// where ranges without a sheet of their own lie.
func areas(ctx context.Context, snap *book.Snapshot, sheet int, text string) ([]area, error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "=")
	if r, ok := cell.ParseRange(text); ok {
		return []area{{sheet: sheet, rng: r}}, nil
	}
	r := resolver{ctx: ctx, snap: snap, text: text}
	if name, rest, ok := cell.SplitSheet(text); ok && name != "" {
		// A sheet name with spaces and without quotes is clear enough.
		if _, known := snap.SheetIndex(name); known {
			text = cell.QuoteSheet(name) + "!" + rest
		}
	}
	tree, err := formula.Parse(text)
	if err != nil {
		return nil, r.invalid()
	}
	if err := r.node(tree.Root, sheet); err != nil {
		return nil, err
	}
	return r.found, nil
}

// oneArea is areas for an argument that names a single rectangle.
func oneArea(ctx context.Context, snap *book.Snapshot, sheet int, text string) (area, error) {
	list, err := areas(ctx, snap, sheet, text)
	switch {
	case err != nil:
		return area{}, err
	case len(list) != 1:
		return area{}, fail(codeRangeInvalid, "Give one of them at a time", "%q names %d separate ranges, wanted one", clip(text, 64), len(list))
	}
	return list[0], nil
}

// resolver collects the areas of one argument.
type resolver struct {
	ctx   context.Context
	snap  *book.Snapshot
	text  string // the argument
	depth int    // names followed
	found []area
}

// areasMax bounds the areas of one argument, namesMax the names that lead to names.
const (
	areasMax = 1000
	namesMax = 8
)

const rangeForms = `Valid forms: B2, B2:D9, B:D, 2:9, 'My Sheet'!B2:D9, a defined name, a table, Table1[Column]`

func (r *resolver) invalid() error {
	return fail(codeRangeInvalid, rangeForms, "%q is not a range", clip(r.text, 64))
}

func (r *resolver) node(n *formula.Node, sheet int) error {
	switch {
	case n.Kind == formula.Ref:
		return r.reference(*n.Ref, sheet)
	case n.Kind == formula.Paren:
		return r.node(n.Kids[0], sheet)
	case n.Kind == formula.Binary && n.Op == formula.OpUnion && len(r.found) < areasMax:
		if err := r.node(n.Kids[0], sheet); err != nil {
			return err
		}
		return r.node(n.Kids[1], sheet)
	}
	return r.invalid()
}

func (r *resolver) reference(ref formula.Reference, sheet int) error {
	scoped := false // a name is looked for on the sheet before it
	switch {
	case ref.Book() != "":
		return fail(codeRangeInvalid, "Open that workbook by its own id", "%q lies in another workbook", clip(r.text, 64))
	case ref.LastSheet() != "":
		return fail(codeRangeInvalid, "Ask for each sheet by itself", "%q spans several sheets", clip(r.text, 64))
	case ref.Qualified():
		i, err := sheetNamed(r.snap, ref.Sheet())
		if err != nil {
			return err
		}
		sheet, scoped = i, true
	}
	switch ref.Kind {
	case formula.NameRef:
		return r.name(ref.Name, sheet, scoped)
	case formula.TableRef:
		return r.tablePart(ref)
	case formula.DeletedRef:
		return fail(codeRangeInvalid, "The cells it meant were deleted", "%q holds #REF!", clip(r.text, 64))
	}
	rng, ok := ref.Range()
	if !ok {
		return r.invalid()
	}
	r.found = append(r.found, area{sheet: sheet, rng: rng})
	return nil
}

// name resolves a defined name, or else a table.
func (r *resolver) name(name string, sheet int, scoped bool) error {
	if n := definedName(r.snap.Workbook(), name, sheet); n != nil {
		return r.defined(n)
	}
	if !scoped {
		tables, err := r.snap.Tables(r.ctx)
		if err != nil {
			return err
		}
		for i := range tables {
			if book.FoldName(tables[i].Name) == book.FoldName(name) {
				t := &tables[i]
				r.found = append(r.found, area{sheet: t.Sheet, rng: t.Range, table: t, whole: true})
				return nil
			}
		}
	}
	names, err := namesOf(r.ctx, r.snap)
	if err != nil {
		return err
	}
	if _, isSheet := r.snap.SheetIndex(name); isSheet {
		return fail(codeNameNotFound, "Name its cells too, for example "+cell.QuoteSheet(name)+"!A1:D20", "%q is a sheet, not a range", clip(name, 64))
	}
	return fail(codeNameNotFound, sentences(suggest("names and tables", name, names), rangeForms), "there is no range, defined name or table %q", clip(name, 64))
}

func (r *resolver) defined(n *grid.Name) error {
	notRange := func() error {
		return fail(codeRangeInvalid, "Give the cells themselves", "the name %q is a formula, not a range: =%s", n.Name, plain(clip(n.RefersTo, 120)))
	}
	if r.depth++; r.depth > namesMax {
		return notRange()
	}
	tree, err := formula.Parse(n.RefersTo)
	if err != nil {
		return notRange()
	}
	before := len(r.found)
	if err := r.node(tree.Root, max(n.Sheet, 0)); err != nil {
		r.found = r.found[:before]
		var known *Error
		if errors.As(err, &known) {
			return notRange()
		}
		return err
	}
	r.depth--
	return nil
}

// definedName finds a name as a formula on the sheet would: the sheet's own before the
// workbook's, and else the only one of that name on any sheet.
func definedName(wb *grid.Workbook, name string, sheet int) *grid.Name {
	key := book.FoldName(name)
	var global, other *grid.Name
	others := 0
	for i := range wb.Names {
		n := &wb.Names[i]
		if book.FoldName(n.Name) != key {
			continue
		}
		switch {
		case n.Sheet == sheet:
			return n
		case n.Sheet < 0:
			global = n
		default:
			other = n
			others++
		}
	}
	if global == nil && others == 1 {
		return other
	}
	return global
}

// namesOf lists what a range argument may name: visible defined names and tables.
func namesOf(ctx context.Context, snap *book.Snapshot) ([]string, error) {
	tables, err := snap.Tables(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, n := range snap.Workbook().Names {
		if !n.Hidden {
			names = append(names, n.Name)
		}
	}
	for _, t := range tables {
		names = append(names, t.Name)
	}
	return names, nil
}

// tableNamed finds a table by its exact name, ignoring case.
func tableNamed(ctx context.Context, snap *book.Snapshot, name string) (*grid.Table, error) {
	tables, err := snap.Tables(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(tables))
	for i := range tables {
		if book.FoldName(tables[i].Name) == book.FoldName(strings.TrimSpace(name)) {
			return &tables[i], nil
		}
		names[i] = tables[i].Name
	}
	return nil, fail(codeTableNotFound, suggest("tables", name, names), "there is no table %q", clip(name, 64))
}

// tablePart resolves Table1[Amount], Table1[[#Headers],[a]:[b]] and the like.
func (r *resolver) tablePart(ref formula.Reference) error {
	t, err := tableNamed(r.ctx, r.snap, ref.Name)
	if err != nil {
		return err
	}
	rng := t.Range
	if first, last := ref.Columns(); first != "" {
		a, err := tableColumn(t, first)
		if err != nil {
			return err
		}
		b, err := tableColumn(t, last)
		if err != nil {
			return err
		}
		rng.First.Col, rng.Last.Col = t.Range.First.Col+min(a, b), t.Range.First.Col+max(a, b)
	}
	if items := ref.Items(); items&formula.ItemAll == 0 {
		first, last, ok := t.Rows(items&formula.ItemHeaders != 0, items&formula.ItemData != 0, items&formula.ItemTotals != 0)
		if rng.First.Row, rng.Last.Row = first, last; !ok || items&formula.ItemThisRow != 0 {
			return fail(codeRangeInvalid, "Parts of a table: Table1[#All], Table1[#Headers], Table1[#Data], Table1[#Totals], Table1[Column]",
				"%q has no cells: the table %s is %s", clip(r.text, 64), plain(t.Name), t.Range)
		}
	}
	r.found = append(r.found, area{sheet: t.Sheet, rng: rng, table: t})
	return nil
}

func tableColumn(t *grid.Table, name string) (int, error) {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = c.Name
	}
	if i := formula.FindColumn(name, len(names), func(i int) string { return names[i] }); i >= 0 {
		return i, nil
	}
	return 0, fail(codeColumnNotFound, suggest("columns", name, names), "the table %s has no column %q", plain(t.Name), clip(name, 64))
}

// clipToUsed cuts whole columns and whole rows to the used range of the sheet, which
// must be loaded far enough to know it. ok is false where nothing is left.
func clipToUsed(sheet *grid.Sheet, rng cell.Range) (cell.Range, bool) {
	if !rng.WholeColumns() && !rng.WholeRows() {
		return rng, true
	}
	used, any := sheet.Used()
	if !any {
		return cell.Range{}, false
	}
	if rng.WholeColumns() {
		rng.First.Row, rng.Last.Row = used.First.Row, used.Last.Row
	}
	if rng.WholeRows() {
		rng.First.Col, rng.Last.Col = used.First.Col, used.Last.Col
	}
	if rng.First.Row > rng.Last.Row || rng.First.Col > rng.Last.Col {
		return cell.Range{}, false
	}
	return rng, true
}

// qualified writes a range with its sheet, as in 'My Sheet'!A1:B2.
func qualified(sheetName string, rng cell.Range) string {
	b := append([]byte(cell.QuoteSheet(sheetName)), '!')
	return string(rng.AppendA1(b))
}

// columnList reads an argument that names columns by letters: "B", "B:D", "B,D".
func columnList(list []string) ([]int, error) {
	var cols []int
	for _, entry := range list {
		for part := range strings.SplitSeq(entry, ",") {
			a, b, two := strings.Cut(strings.TrimSpace(part), ":")
			if !two {
				b = a
			}
			first, ok1 := cell.ParseColumn(strings.TrimSpace(strings.ReplaceAll(a, "$", "")))
			last, ok2 := cell.ParseColumn(strings.TrimSpace(strings.ReplaceAll(b, "$", "")))
			if !ok1 || !ok2 {
				return nil, fail(codeColumnNotFound, `Name columns by their letters: "B", or "B:D" for several`, "%q is not a column", clip(part, 64))
			}
			for c := min(first, last); c <= max(first, last); c++ {
				if !slices.Contains(cols, c) || len(cols) > 64 {
					cols = append(cols, c)
				}
			}
		}
	}
	if len(cols) > 64 { // too many to look for each in the list
		slices.Sort(cols)
		cols = slices.Compact(cols)
	}
	return cols, nil
}
