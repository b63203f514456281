package book

import (
	"context"
	"iter"
	"reflect"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
)

// DiffOptions says what Diff compares.
type DiffOptions struct {
	// Sheet, if not empty, leaves out the cells, tables and names of all other sheets, and the
	// names of the workbook. It is a name of the later state.
	Sheet string
	// Tolerance is by how much two numbers may differ and count as the same, relative to the
	// larger one, or absolutely where both are below 1. The zero value is exact.
	Tolerance float64
	// InPlace compares each row with the one of the same number, whatever was inserted.
	InPlace bool
}

// Diff yields what is different in cur from base: first names, then tables, then sheets that
// were added, deleted or renamed, and then, sheet by sheet, rows and cells from top to bottom
// as they are in cur. An error, which is that of ctx or of a Source, ends it.
//
// Two states of one line, forks included, are compared by what they do not share, at a cost
// that goes by the edits. What was restructured in the later one comes before all else, and cells are compared with those that
// they were. Other workbooks are compared cell by cell: sheets by name, and those
// that are left by equal content, which is then a rename; rows as they were aligned, so
// that an inserted row is one change. Of the cells of inserted and deleted rows, and of added
// and deleted sheets, nothing more is said; formulas count as the same if they are so but for
// what rows that moved do to their references.
//
// Diff may be called by any number of goroutines; what it yields from is two immutable states.
func Diff(ctx context.Context, base, cur *Snapshot, o DiffOptions) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		c, err := newComparison(ctx, base, cur, o)
		if err != nil {
			yield(Change{}, err)
			return
		}
		for _, part := range []func(func(Change, error) bool) bool{c.structure, c.names, c.tables, c.sheetList, c.shown, c.objects, c.cells} {
			if !part(yield) {
				return
			}
		}
	}
}

// comparison is two workbooks and which sheet of one is which of the other.
type comparison struct {
	ctx       context.Context
	base, cur *Snapshot
	o         DiffOptions
	line      bool // both are states of one line

	// What was restructured between them: base is as that left it.
	moves []structure.Change

	pairs      []sheetMatch // by the order of cur
	added      []int        // sheets of cur that base has not
	deleted    []int        // sheets of base that cur has not
	byOld      map[int]int  // number of the pair of a sheet of base
	hash       *hasher
	styles     map[[2]uint32]bool
	sameStyles func(old, new uint32) bool
}

// sheetMatch is a sheet of both workbooks. Its rows are found when they are first needed.
type sheetMatch struct {
	old, new int
	name     string // in cur
	renamed  bool
	aligned  bool
	rows     alignment
}

func newComparison(ctx context.Context, base, cur *Snapshot, o DiffOptions) (*comparison, error) {
	c := &comparison{ctx: ctx, base: base, cur: cur, o: o, line: sameMoves(base, cur), byOld: map[int]int{}}
	if _, ok := movesSince(base, cur); ok && !c.line {
		var err error
		if c.base, c.moves, err = base.like(ctx, cur); err != nil {
			return nil, err
		}
		base, c.line = c.base, true
	}
	if o.Sheet != "" {
		_, inCur := cur.SheetIndex(o.Sheet)
		if _, inBase := base.SheetIndex(o.Sheet); !inCur && !inBase {
			err := errorf(SheetNotFound, "Take a name from list_sheets.", "neither workbook has a sheet %q", o.Sheet)
			err.Sheet = o.Sheet
			return nil, err
		}
	}
	c.sameStyles = sameIndex
	if base.Workbook().Styles != cur.Workbook().Styles {
		c.styles = map[[2]uint32]bool{}
		c.sameStyles = c.sameStyle
	}
	if !c.line {
		c.hash = newHasher()
	}
	return c, c.match()
}

// match finds out which sheets belong together.
func (c *comparison) match() error {
	olds, news := c.base.Workbook().Sheets, c.cur.Workbook().Sheets
	taken := make([]bool, len(olds))
	matched := make([]int, len(news)) // index in olds plus 1
	for i, info := range news {
		if k, ok := c.base.SheetIndex(info.Name); ok && !taken[k] && olds[k].Kind == info.Kind {
			matched[i], taken[k] = k+1, true
		}
	}
	renamed := make([]bool, len(news))
	for i, info := range news {
		for k := 0; k < len(olds) && matched[i] == 0; k++ {
			if taken[k] || olds[k].Kind != info.Kind || info.Kind != grid.Worksheet {
				continue
			}
			same, err := c.sameContent(k, i)
			if err != nil {
				return err
			}
			if same {
				matched[i], taken[k], renamed[i] = k+1, true, true
			}
		}
	}
	for i, info := range news {
		if matched[i] == 0 {
			c.added = append(c.added, i)
			continue
		}
		c.byOld[matched[i]-1] = len(c.pairs)
		c.pairs = append(c.pairs, sheetMatch{old: matched[i] - 1, new: i, name: info.Name, renamed: renamed[i]})
	}
	for k := range olds {
		if !taken[k] {
			c.deleted = append(c.deleted, k)
		}
	}
	return nil
}

// sameContent reports whether a sheet of base and one of cur have the same values and
// formulas, and any at all.
func (c *comparison) sameContent(old, new int) (bool, error) {
	if c.line {
		return old == new, nil
	}
	a, b, err := c.sheets(old, new)
	if err != nil || a.FilledCells() != b.FilledCells() || a.FilledCells() == 0 {
		return false, err
	}
	rowsA, err := c.hash.rows(c.ctx, a)
	if err != nil {
		return false, err
	}
	rowsB, err := c.hash.rows(c.ctx, b)
	return err == nil && inSamePlaces(rowsA, rowsB), err
}

func (c *comparison) sheets(old, new int) (a, b *grid.Sheet, err error) {
	if a, err = c.base.Sheet(c.ctx, old); err == nil {
		b, err = c.cur.Sheet(c.ctx, new)
	}
	return a, b, err
}

// inSamePlaces reports whether two lists have the same content in the same rows.
func inSamePlaces(a, b []contentRow) bool {
	for {
		for len(a) > 0 && a[0].hash == 0 {
			a = a[1:]
		}
		for len(b) > 0 && b[0].hash == 0 {
			b = b[1:]
		}
		if len(a) == 0 || len(b) == 0 {
			return len(a) == len(b)
		}
		if a[0] != b[0] {
			return false
		}
		a, b = a[1:], b[1:]
	}
}

// alignment gives which row of pair i is which.
func (c *comparison) alignment(i int) (alignment, error) {
	p := &c.pairs[i]
	if p.aligned {
		return p.rows, nil
	}
	p.rows = inPlace
	if !c.line && !c.o.InPlace {
		a, b, err := c.sheets(p.old, p.new)
		if err != nil {
			return nil, err
		}
		rowsA, err := c.hash.rows(c.ctx, a)
		if err != nil {
			return nil, err
		}
		rowsB, err := c.hash.rows(c.ctx, b)
		if err != nil {
			return nil, err
		}
		p.rows = alignRows(rowsA, rowsB, c.hash.alike(a, b))
	}
	p.aligned = true
	return p.rows, nil
}

// sameStyle reports whether a style of base looks like one of cur.
func (c *comparison) sameStyle(old, new uint32) bool {
	key := [2]uint32{old, new}
	same, ok := c.styles[key]
	if !ok {
		same = reflect.DeepEqual(lookOf(c.base.Workbook().Styles, old), lookOf(c.cur.Workbook().Styles, new))
		c.styles[key] = same
	}
	return same
}

// layouts gives the layouts of a sheet of both without the numbers that each file gives to its formats: rules say how
// cells look.
func (c *comparison) layouts(a, b *grid.Layout) (was, is *grid.Layout) {
	if a == b || c.styles == nil {
		return a, b
	}
	old, now := *a, *b
	old.Conditional, now.Conditional = spelledOut(c.base.Workbook().Styles, a.Conditional), spelledOut(c.cur.Workbook().Styles, b.Conditional)
	return &old, &now
}

// restyled names the kinds of lines that have other formats.
func (c *comparison) restyled(a, b *grid.Layout) (list []string) {
	if a == b {
		return nil
	}
	old, now := lined{a, &looks{styles: c.base.Workbook().Styles}}, lined{b, &looks{styles: c.cur.Workbook().Styles}}
	for _, o := range mergeLines("", old, old, now, true) {
		what := "column_formats"
		if o.(FormatLines).Rows {
			what = "row_formats"
		}
		if !slices.Contains(list, what) {
			list = append(list, what)
		}
	}
	return list
}

// spelledOut gives rules that say by themselves how cells look.
func spelledOut(styles *grid.Styles, rules []grid.ConditionalFormat) []grid.ConditionalFormat {
	rules = slices.Clone(rules)
	for i := range rules {
		rules[i].Look, rules[i].DxfID = RuleLook(styles, &rules[i]), -1
	}
	return rules
}

// look is what a style says, without the numbers that a file gives to its parts.
type look struct {
	xf    grid.Xf
	named string
}

func lookOf(styles *grid.Styles, i uint32) look {
	if styles == nil || int(i) >= len(styles.Xfs) {
		return look{xf: grid.Xf{NumFmt: "General"}}
	}
	l := look{xf: styles.Xfs[i]}
	if n := l.xf.NamedStyle; n >= 0 && n < len(styles.Named) {
		l.named = styles.Named[n].Name
	}
	l.xf.NumFmtID, l.xf.NamedStyle = 0, 0
	return l
}

// wanted reports whether the options let changes of a sheet through.
func (c *comparison) wanted(sheet string) bool {
	return c.o.Sheet == "" || FoldName(sheet) == FoldName(c.o.Sheet)
}

// structure yields what was restructured.
func (c *comparison) structure(yield func(Change, error) bool) bool {
	for _, change := range structural(c.moves) {
		if c.wanted(change.Sheet) && !yield(change, nil) {
			return false
		}
	}
	return true
}

// sheetList yields the sheets that were deleted, added and renamed.
func (c *comparison) sheetList(yield func(Change, error) bool) bool {
	olds, news := c.base.Workbook().Sheets, c.cur.Workbook().Sheets
	for _, i := range c.deleted {
		if c.wanted(olds[i].Name) && !yield(Change{Kind: SheetDeleted, Sheet: olds[i].Name}, nil) {
			return false
		}
	}
	for _, i := range c.added {
		if c.wanted(news[i].Name) && !yield(Change{Kind: SheetAdded, Sheet: news[i].Name}, nil) {
			return false
		}
	}
	for _, p := range c.pairs {
		// A name in another case is another name, to be seen; it is still the same sheet.
		if old := olds[p.old].Name; old != p.name && c.wanted(p.name) && !yield(Change{Kind: SheetRenamed, Sheet: p.name, OldName: old}, nil) {
			return false
		}
	}
	return true
}

// cells yields the rows and cells of all sheets of both.
func (c *comparison) cells(yield func(Change, error) bool) bool {
	for i := range c.pairs {
		p := &c.pairs[i]
		if !c.wanted(p.name) || c.line && c.base.edited(p.old) == c.cur.edited(p.new) {
			continue
		}
		a, b, err := c.sheets(p.old, p.new)
		if err != nil {
			return yield(Change{}, err) && false
		}
		for _, what := range append(Parts(c.layouts(a.Layout, b.Layout)), c.restyled(a.Layout, b.Layout)...) {
			if !yield(Change{Kind: LayoutModified, Sheet: p.name, Name: what}, nil) {
				return false
			}
		}
		if c.line {
			for change := range (sheetPair{p.name, a, b, c.o.Tolerance, c.sameStyles}).changes() {
				change.OldRef = before(c.moves, p.name, change.OldRef)
				if !yield(change, nil) {
					return false
				}
			}
			continue
		}
		al, err := c.alignment(i)
		if err != nil {
			return yield(Change{}, err) && false
		}
		w := &walk{comparison: c, pair: i, old: a, new: b, rows: al, yield: yield}
		if !w.run() {
			return false
		}
	}
	return true
}

// sameFormula reports whether a cell of a pair has the formula that it had, but for what rows
// that moved do to its references.
func (c *comparison) sameFormula(x, y CellState, from, to cell.Ref, pair int) bool {
	if sameFormula(x, y, from, to) {
		return true
	}
	if c.line || !x.HasFormula || !y.HasFormula {
		return false
	}
	now, ok := c.moved(x.Formula, pair)
	return ok && now == y.Formula
}

// moved gives a formula of base, of the sheet of pair, as it reads after the rows that it
// refers to moved; ok is false where it is no formula, or one of its rows was deleted.
func (c *comparison) moved(text string, pair int) (now string, ok bool) {
	t, err := formula.Parse(text)
	if err != nil {
		return "", false
	}
	ok = true
	t = t.Rewrite(func(r formula.Reference) formula.Reference {
		if r.Kind > formula.RowsRef || r.Kind == formula.ColumnsRef || r.Book() != "" || r.LastSheet() != "" {
			return r
		}
		n := pair
		if r.Qualified() {
			old, ok := c.base.SheetIndex(r.Sheet())
			if !ok {
				return r
			}
			if n, ok = c.byOld[old]; !ok {
				return r
			}
			if c.pairs[n].renamed {
				r = r.WithSheets("", c.pairs[n].name, "")
			}
		}
		al, err := c.alignment(n)
		if err != nil {
			ok = false
			return r
		}
		for _, corner := range [...]*formula.Corner{&r.First, &r.Last} {
			row, there := al.row(int(corner.Row))
			ok = ok && there
			corner.Row = int32(row)
		}
		return r
	})
	return t.String(), ok
}

// rowRange gives whole rows.
func rowRange(first, n int) cell.Range {
	return cell.Range{First: cell.Ref{Row: first}, Last: cell.Ref{Row: first + n - 1, Col: cell.MaxCols - 1}}
}
