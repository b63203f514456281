package book

import (
	"context"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/until"
	"gridflow/internal/xf"
)

// As gives s under another id and version: the same contents, for another line or for the
// place that they have in it.
func (s *Snapshot) As(id string, version uint64) *Snapshot {
	if s.ID == id && s.Version == version {
		return s
	}
	t := *s
	t.ID, t.Version = id, version
	return &t
}

// EditedSheets gives the indices of the sheets that are no more as the source has them.
func (s *Snapshot) EditedSheets() []int {
	list := make([]int, len(s.sheets))
	for i, e := range s.sheets {
		list[i] = e.index
	}
	return list
}

// Between gives the edit that makes of base, which is the unedited state of the workbook that
// cur is a version of, what cur is, but for the values that a calculation gave to formulas. Structural changes
// come first in it, and all else is counted as it is after them.
func Between(ctx context.Context, base, cur *Snapshot) (Edit, error) {
	var e Edit
	moves, ok := movesSince(base, cur)
	if !ok {
		return Edit{}, errorf(Unrelated, "", "the rows, columns or sheets of the two were changed in different ways")
	}
	if len(moves) > 0 {
		base = cur.unedited()
	}
	for _, c := range moves {
		e.Ops = append(e.Ops, Restructure{c})
	}
	tables, some, err := cur.ArrangedTables(ctx)
	if err != nil {
		return Edit{}, err
	}
	if some { // with what formulas and names say of tables then, so that of these only the rest is told
		e.Ops = append(e.Ops, tables)
		if base, err = base.settleTables(ctx, tables); err != nil {
			return Edit{}, err
		}
	}
	if o, ok := NamesBetween(base, cur); ok { // before cells: whether a formula spills goes by what it names
		e.Ops = append(e.Ops, o)
	}
	if o, ok := BookBetween(base, cur); ok {
		e.Ops = append(e.Ops, o)
	}
	d := &draft{ctx: ctx, base: cur, next: *cur}
	for _, i := range edited(base, cur) {
		was, is, err := bothSheets(ctx, base, cur, i)
		if err != nil {
			return Edit{}, err
		}
		op := SetCells{Sheet: cur.Workbook().Sheets[i].Name}
		if lines := linesBetween(base, cur, op.Sheet, was, is); len(lines) > 0 { // before cells, which begin with what their lines have
			e.Ops = append(e.Ops, lines...)
			was = was.WithLayout(was.Layout.Restyled(is.Layout))
		}
		for x, y := range grid.Diff(was, is, nil) {
			c, ok := between(cur, was, is, x, y)
			if !ok {
				continue
			}
			op.Cells = append(op.Cells, c)
		}
		op.Cells = append(op.Cells, ended(cur, was, is, op.Cells)...)
		if cur.decided {
			if err := d.asTheyAre(i, is, op.Cells); err != nil {
				return Edit{}, err
			}
		}
		if len(op.Cells) > 0 {
			e.Ops = append(e.Ops, op)
		}
		if o, ok := Rearranged(was, is, op.Sheet); ok {
			e.Ops = append(e.Ops, o)
		}
	}
	for _, o := range cur.ArrangedObjects() {
		e.Ops = append(e.Ops, o)
	}
	return e, nil
}

// Exceeds reports whether cur, a version of the workbook whose unedited state is base, differs from
// it in cells of more than so much [Weight], of which there is some.
func Exceeds(ctx context.Context, base, cur *Snapshot, most int) (bool, error) {
	if moves, ok := movesSince(base, cur); ok && len(moves) > 0 {
		base = cur.unedited()
	}
	sum := 0
	for _, i := range edited(base, cur) {
		was, is, err := bothSheets(ctx, base, cur, i)
		if err != nil {
			return false, err
		}
		_, weight := Differing(ctx, was, is, most)
		if sum += weight; sum > most {
			return true, nil
		}
		if err := ctx.Err(); err != nil {
			return false, err
		}
	}
	return false, nil
}

// Differing counts the cells in which two versions of a sheet differ, and adds up what they weigh; it ends where that is
// more than most (0: it does not), or with ctx.
func Differing(ctx context.Context, was, is *grid.Sheet, most int) (cells, weight int) {
	for _, y := range until.Done2(ctx, grid.Diff(was, is, nil)) {
		bytes := len(y.Value.Text())
		if y.HasFormula() {
			bytes += len(is.Formula(y).Text)
		}
		cells++
		if weight += Weight(bytes); most > 0 && weight > most {
			break
		}
	}
	return cells, weight
}

// edited gives the sheets that may differ between two states of a line.
func edited(a, b *Snapshot) []int {
	list := slices.Concat(a.EditedSheets(), b.EditedSheets())
	slices.Sort(list)
	return slices.Compact(list)
}

// bothSheets gives sheet i of two versions, read whole.
func bothSheets(ctx context.Context, a, b *Snapshot, i int) (x, y *grid.Sheet, err error) {
	if x, err = a.Sheet(ctx, i); err == nil {
		y, err = b.Sheet(ctx, i)
	}
	return x, y, err
}

// asTheyAre has edits of formulas say whether these are arrays, where that would be read otherwise with
// the names that there are now. d is what the edits before these have left.
func (d *draft) asTheyAre(i int, is *grid.Sheet, cells []CellEdit) error {
	forms, err := d.storedForms(i, cells)
	if err != nil {
		return err
	}
	for k := range cells {
		c := &cells[k]
		if !c.HasFormula {
			continue
		}
		x, _ := is.At(c.Ref)
		if array := is.Formula(x).Kind == grid.DynamicArray; array != forms(c).spills {
			if c.Array = ArrayNever; array {
				c.Array = ArrayAlways
			}
		}
	}
	return nil
}

// SameValues reports whether two versions of a line have the same values in all cells.
func SameValues(ctx context.Context, a, b *Snapshot) (bool, error) {
	if !sameMoves(a, b) {
		return false, nil
	}
	for _, i := range edited(a, b) {
		x, y, err := bothSheets(ctx, a, b, i)
		if err != nil {
			return false, err
		}
		if x == y {
			continue
		}
		for p, q := range grid.Diff(x, y, nil) {
			if p.Value != q.Value {
				return false, nil
			}
		}
	}
	return true, nil
}

// ended gives the edits of the cells whose array formula is no more and which kept their
// values: an array ends as a whole, and so all of it has to be in the edit. have has those of
// the cells that differ.
func ended(cur *Snapshot, was, is *grid.Sheet, have []CellEdit) (cells []CellEdit) {
	var there map[cell.Ref]bool
	for f := range was.Arrays(cell.WholeSheet) {
		if slices.Contains(slices.Collect(is.Arrays(f.Range)), f) {
			continue
		}
		if there == nil {
			there = make(map[cell.Ref]bool, len(have))
			for i := range have {
				there[have[i].Ref] = true
			}
		}
		for row := f.Range.First.Row; row <= f.Range.Last.Row; row++ {
			for col := f.Range.First.Col; col <= f.Range.Last.Col; col++ {
				ref := cell.Ref{Row: row, Col: col}
				if there[ref] {
					continue
				}
				x, _ := was.At(ref)
				y, stored := is.At(ref)
				if !stored {
					x.Ref, y.Ref = ref, ref
				}
				if c, ok := between(cur, was, is, x, y); ok {
					cells = append(cells, c)
				}
			}
		}
	}
	return cells
}

// between gives the edit that makes of cell x of was the cell y of is; ok is false where only
// a calculation made them differ.
func between(cur *Snapshot, was, is *grid.Sheet, x, y grid.Cell) (c CellEdit, ok bool) {
	c, now := CellEdit{Ref: y.Ref}, y.Style
	_, stored := is.At(y.Ref)
	_, wasStored := was.At(x.Ref)
	switch {
	case !stored: // it lost its format, too, or had none of its own
		c, now = CellEdit{Ref: x.Ref, Clear: true}, is.Layout.LineStyle(x.Ref)
	case sameContent(was, is, y.Ref, stateAt(was, y.Ref), stateAt(is, y.Ref)):
		// Set anew, a formula would lose its value, and a part of an array would be refused.
		c.Keep = true
	case y.HasFormula():
		c.HasFormula, c.Formula = true, StoredFormula(is, y)
	case y.Value.IsBlank() || spilledInto(is, y.Ref):
		c.Clear = true
	default:
		c.Value = y.Value
	}
	style := x.Style
	if !wasStored {
		style = was.Layout.LineStyle(c.Ref)
	}
	if now != style {
		styles := cur.Workbook().Styles
		from, to := xf.Of(format(styles, style)), xf.Of(format(styles, now))
		c.look(&from, &to)
	}
	return c, !c.Keep || c.formats() || stored != wasStored && !spilledInto(is, y.Ref)
}

// spilledInto reports whether the value of a cell is that of a dynamic array in another one.
func spilledInto(s *grid.Sheet, r cell.Ref) bool {
	for f := range s.Arrays(cell.Range{First: r, Last: r}) {
		return f.Kind == grid.DynamicArray && f.Anchor != r
	}
	return false
}

// Cells is the number of cells that e names.
func (e Edit) Cells() (n int) {
	for _, op := range e.Ops {
		switch o := op.(type) {
		case SetCells:
			n += len(o.Cells)
		case FormatCells:
			for _, r := range o.Ranges {
				n += int(r.Cells())
			}
		}
	}
	return n
}
