package book

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"gridflow/internal/calc"
	"gridflow/internal/calc/eval"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
	"gridflow/internal/until"
)

// Changeset is what became different by a commit.
type Changeset struct {
	From, To uint64             // versions
	Moves    []structure.Change // what was restructured; cells are compared with those that they were before it
	Edited   int                // cells that the edit names, those that stayed as they were included
	Stale    bool               // some formula's value may no longer be what the formula says

	// Calculation says what was calculated, nil where nothing was.
	Calculation *Calculation

	base   *Snapshot // the earlier state, restructured
	sheets []sheetPair
}

// sheetPair is a sheet in two states of one line.
type sheetPair struct {
	name      string
	old, new  *grid.Sheet
	tolerance float64 // see DiffOptions
	sameStyle func(old, new uint32) bool
}

// Changes yields what became different, by sheet and in it by row and column. It is found
// again at each call, at a cost that goes by the edit; meanwhile it is held as two versions
// that share what they can.
func (c *Changeset) Changes() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for _, change := range structural(c.Moves) {
			if !yield(change) {
				return
			}
		}
		for _, p := range c.sheets {
			for change := range p.changes() {
				if !yield(change) {
					return
				}
			}
		}
	}
}

// Apply gives the state after e, of the next version, and what became different by it. s
// stays as it is, and what the edit does not touch is shared. Apply may be called by any
// number of goroutines at once, of one Snapshot too: each call begins a line of its own.
//
// First everything is checked, but for what stands behind a Restructure; then nothing can fail any more. An edit that is wrong gives an
// *Error which names the operation and the cell. The sheets that the edit touches are read
// whole, if they were not yet: ctx ends the wait, and what the Source then says comes back as it is.
//
// An edit that leaves a cell as it was, in value, formula and format, is done like another.
func (s *Snapshot) Apply(ctx context.Context, e Edit) (*Snapshot, *Changeset, error) {
	return s.apply(ctx, e, false)
}

// Replay is Apply for an edit that was accepted once, or that was made of two versions. Between
// it and s there may have been calculations after which dynamic arrays filled other cells than
// they do in s: a cell that is edited and that such an array fills is taken from it, and what the
// array fills then is for the next calculation to say.
func (s *Snapshot) Replay(ctx context.Context, e Edit) (*Snapshot, *Changeset, error) {
	return s.apply(ctx, e, true)
}

func (s *Snapshot) apply(ctx context.Context, e Edit, again bool) (*Snapshot, *Changeset, error) {
	restructures := false
	for i, op := range e.Ops {
		if op == nil {
			return nil, nil, &Error{Code: BadEdit, Op: i, Cell: -1, Message: "the operation is missing"}
		}
		if restructures {
			continue // it is for what there will be
		}
		if err := op.check(s); err != nil {
			err.Op = i
			return nil, nil, err
		}
		_, restructures = op.(Restructure)
	}
	d := &draft{ctx: ctx, base: s, next: *s, was: map[int]*grid.Sheet{}, again: again}
	for i, op := range e.Ops {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if len(d.moves) > 0 {
			if err := op.check(&d.next); err != nil {
				err.Op = i
				return nil, nil, err
			}
		}
		if err := op.apply(d); err != nil {
			var wrong *Error
			if errors.As(err, &wrong) {
				wrong.Op = i
			}
			return nil, nil, err
		}
	}
	return d.finish()
}

// draft is a snapshot in the making. Nobody else sees it.
type draft struct {
	ctx    context.Context
	base   *Snapshot // what the edit is of, restructured like next
	next   Snapshot
	edited int
	moves  []structure.Change
	again  bool // arrays make room for the edit: see Replay
	given  bool // formulas were given values, of which a calculation knows nothing
	grew   bool // a table did: what formulas mean by its name is another range
	// renamed: a defined name came, went or says something else.
	renamed bool
	hid     bool                // rows are hidden that were not, or the other way round
	was     map[int]*grid.Sheet // the sheets that were put anew, as they were in base
	scope   eval.Scope          // what formulas name, made when it is first needed
}

// sheet gives sheet i as the operations so far left it.
func (d *draft) sheet(i int) (*grid.Sheet, error) { return d.next.Sheet(d.ctx, i) }

// named gives a sheet by its name, with its index.
func (d *draft) named(name string) (int, *grid.Sheet, error) {
	i, wrong := d.next.worksheet(name)
	if wrong != nil {
		return 0, nil, wrong
	}
	sheet, err := d.sheet(i)
	return i, sheet, err
}

// put makes sheet the state of sheet i, which was so far was.
func (d *draft) put(i int, was, sheet *grid.Sheet) {
	n, ok := slices.BinarySearchFunc(d.next.sheets, i, func(e editedSheet, i int) int { return e.index - i })
	if ok && d.was[i] != nil {
		d.next.sheets[n].sheet = sheet
		return
	}
	// The list is the base's until the first sheet is put.
	sheets := make([]editedSheet, 0, len(d.next.sheets)+1)
	sheets = append(sheets, d.next.sheets[:n]...)
	e := editedSheet{i, sheet, was}
	if ok {
		e.base = d.next.sheets[n].base
		n++
	}
	sheets = append(sheets, e)
	d.next.sheets = append(sheets, d.next.sheets[n:]...)
	d.was[i] = was
}

// finish gives the snapshot that was made and what is different in it.
func (d *draft) finish() (*Snapshot, *Changeset, error) {
	next := d.next
	next.Version++
	next.model, next.doubt = nil, new(doubt)
	if next.before == nil && !next.stale {
		next.before = d.base
	}
	set := &Changeset{From: d.base.Version, To: next.Version, Edited: d.edited, Moves: d.moves, base: d.base}
	if d.given {
		for _, e := range next.sheets {
			if old := d.was[e.index]; old != nil {
				set.sheets = append(set.sheets, sheetPair{name: next.Workbook().Sheets[e.index].Name, old: old, new: e.sheet, sameStyle: sameIndex})
			}
		}
		next.settle()
		next.given, next.whole = true, false
		// The compiled formulas are forgotten: they know which arrays found no room, which is not
		// so by the values that were given, and who makes this version again has none.
		return &next, set, nil
	}
	indices := map[string]int{}
	for _, e := range next.sheets {
		if old := d.was[e.index]; old != nil {
			indices[next.Workbook().Sheets[e.index].Name] = e.index
			set.sheets = append(set.sheets, sheetPair{name: next.Workbook().Sheets[e.index].Name, old: old, new: e.sheet, sameStyle: sameIndex})
		}
	}
	formulas := next.mayHaveFormulas()
	if (d.grew || d.renamed || d.hid) && formulas {
		next.stale = true
	}
	next.since = slices.Clip(next.since)
	if next.stale || formulas {
		for c := range until.Done(d.ctx, set.Changes()) {
			if c.Subtype != StyleEdit && (c.Subtype == FormulaEdit || c.Old.HasFormula || c.New.HasFormula || c.Old.Value != c.New.Value) {
				next.stale = true
				next.since = append(next.since, calc.Cell{Sheet: indices[c.Sheet], At: c.Ref})
			}
		}
	}
	if set.Stale = next.stale; !next.stale {
		next.settle()
		if !d.renamed && formulas { // else it knows other names, or formulas that have gone
			next.model = d.base.model
		}
	}
	return &next, set, d.ctx.Err()
}

// mayHaveFormulas reports whether there is a formula, or a sheet that was not looked at.
func (s *Snapshot) mayHaveFormulas() bool {
	for i, info := range s.Workbook().Sheets {
		if info.Kind != grid.Worksheet {
			continue
		}
		if sheet := s.edited(i); sheet == nil || sheet.FormulaCells() > 0 {
			return true
		}
	}
	return false
}

func (o SetCells) apply(d *draft) error {
	i, sheet, err := d.named(o.Sheet)
	if err != nil {
		return err
	}
	cells, numbers := o.distinct()
	styles := d.styles(sheet, cells)
	formulas, err := d.storedForms(i, cells)
	if err != nil {
		return err
	}
	d.edited += len(o.Cells)
	size := atOnce(sheet, cells)
	changes := make([]grid.Change, 0, min(size, len(cells)))
	number := make([]int, 0, cap(changes)) // of the cell edit behind each change
	edited := sheet
	for first := 0; first < len(cells); first += size {
		changes, number = changes[:0], number[:0]
		for k := first; k < min(first+size, len(cells)); k++ {
			if k%until.Every == 0 && d.ctx.Err() != nil {
				return d.ctx.Err()
			}
			if c, ok := cells[k].change(sheet, formulas(&cells[k]), styles(k)); ok {
				changes, number = append(changes, c), append(number, numbers(k))
			}
		}
		changes, number = vacated(sheet, changes, number)
		if len(changes) == 0 {
			continue
		}
		if d.again {
			if edited, err = withdrawn(edited, changes); err != nil {
				return err
			}
		}
		if edited, err = edited.With(changes); err != nil {
			return o.refused(err, number)
		}
	}
	if edited != sheet {
		d.put(i, sheet, edited)
	}
	return nil
}

// changedAtOnce is how many cells are changed at once where that makes no difference: what is said of a cell until it has
// changed takes some hundred bytes, and there may be millions of them.
const changedAtOnce = 1 << 14

// atOnce gives how many of the cell edits have to be made at once. An array formula is changed as a whole, so all are
// where there is one among them; and so are those that do not follow one another, of which each piece would reach
// over all the sheet.
func atOnce(sheet *grid.Sheet, cells []CellEdit) int {
	if len(cells) <= changedAtOnce || !byRows(cells) {
		return max(len(cells), 1)
	}
	bounds := cell.Range{First: cells[0].Ref, Last: cells[0].Ref}
	for k := range cells {
		bounds = bounds.Union(cell.Range{First: cells[k].Ref, Last: cells[k].Ref})
	}
	for range sheet.Arrays(bounds) {
		return len(cells)
	}
	return changedAtOnce
}

// distinct gives the cell edits with one for each cell, and the number in o of the k-th.
func (o SetCells) distinct() (cells []CellEdit, number func(k int) int) {
	if byRows(o.Cells) {
		return o.Cells, func(k int) int { return k }
	}
	last := make(map[cell.Ref]int, len(o.Cells))
	for k := range o.Cells {
		last[o.Cells[k].Ref] = k
	}
	if len(last) == len(o.Cells) {
		return o.Cells, func(k int) int { return k }
	}
	sum := make(map[cell.Ref]CellEdit, len(last))
	numbers := make([]int, 0, len(last))
	for k, c := range o.Cells {
		if before, ok := sum[c.Ref]; ok {
			c = before.then(c)
		}
		sum[c.Ref] = c
		if last[c.Ref] == k {
			cells, numbers = append(cells, c), append(numbers, k)
		}
	}
	return cells, func(k int) int { return numbers[k] }
}

// byRows reports whether cells follow one another row by row, each but once, as they mostly do: then no map of them is
// needed, which took a third of the time of a large edit.
func byRows(cells []CellEdit) bool {
	for k := 1; k < len(cells); k++ {
		if cells[k-1].Ref.Compare(cells[k].Ref) >= 0 {
			return false
		}
	}
	return true
}

// then gives the one edit that does what c and then d do to their cell.
func (c CellEdit) then(d CellEdit) CellEdit {
	if d.NumFmt == "" {
		d.NumFmt = c.NumFmt
	}
	d.Format = c.Format.Then(d.Format)
	if d.Keep {
		c.NumFmt, c.Format = d.NumFmt, d.Format
		return c
	}
	return d
}

// refused tells what grid refused in the words of this package.
func (o SetCells) refused(err error, number []int) error {
	var e *grid.EditError
	if !errors.As(err, &e) || e.Index >= len(number) || e.Reason == grid.ErrPartial {
		return err // the Source did not keep its word
	}
	k := number[e.Index]
	wrong := &Error{Code: BadCell, Cell: k, Sheet: o.Sheet, Ref: o.Cells[k].Ref, Message: e.Reason.Error(), cause: err}
	switch {
	case errors.Is(err, grid.ErrArrayPart):
		wrong.Code = ArrayPart
		wrong.Message = fmt.Sprintf("part of the array formula or data table in %v cannot be changed", e.Array)
		wrong.Hint = fmt.Sprintf("Set or clear all of %v in one operation, or leave it as it is.", e.Array)
	case errors.Is(err, grid.ErrFull):
		wrong.Code, wrong.Hint = TooMany, "Save the workbook and go on with the saved one."
	}
	return wrong
}

// styles gives, for each cell edit, the style that its cell has afterwards. The styles that
// are missing are added to the workbook.
func (d *draft) styles(sheet *grid.Sheet, cells []CellEdit) func(k int) uint32 {
	var needs []styleNeed
	needed := map[styleNeed]bool{}
	keys := map[string]string{} // of number formats, of which many cells have the same
	need := func(c *CellEdit) styleNeed {
		key, known := keys[c.NumFmt]
		if !known || len(c.Format) > 0 {
			key = string(appendSettings(nil, c.settings().Sorted()))
		}
		if len(c.Format) == 0 {
			keys[c.NumFmt] = key
		}
		return styleNeed{sheet.StyleAt(c.Ref), key}
	}
	for k := range cells {
		if c := &cells[k]; c.formats() {
			if n := need(c); !needed[n] {
				needed[n] = true
				needs = append(needs, n)
			}
		}
	}
	made := d.madeStyles(needs)
	return func(k int) uint32 {
		c := &cells[k]
		if !c.formats() {
			return sheet.StyleAt(c.Ref)
		}
		return made(need(c))
	}
}

// madeStyles gives the styles that needs ask for. Those that are missing are added to the workbook.
func (d *draft) madeStyles(needs []styleNeed) func(styleNeed) uint32 {
	if len(needs) == 0 {
		return func(n styleNeed) uint32 { return n.style }
	}
	was := d.next.Workbook()
	made := d.next.styles.with(was, needs)
	if made.book != was {
		d.next.book = made.book
	}
	return func(n styleNeed) uint32 { return made.at[n] }
}

// vacated adds to changes those that empty the cells which dynamic arrays fill whose own cell is
// set or removed: what spills goes with the formula.
func vacated(sheet *grid.Sheet, changes []grid.Change, number []int) ([]grid.Change, []int) {
	var named map[cell.Ref]bool
	for k, c := range changes {
		if c.Kind != grid.SetCell && c.Kind != grid.RemoveCell {
			continue
		}
		for f := range sheet.Arrays(cell.Range{First: c.Ref, Last: c.Ref}) {
			if f.Kind != grid.DynamicArray || f.Anchor != c.Ref {
				continue
			}
			if named == nil {
				named = make(map[cell.Ref]bool, len(changes))
				for _, c := range changes {
					named[c.Ref] = true
				}
			}
			for x := range sheet.Cells(f.Range) {
				if named[x.Ref] {
					continue
				}
				empty := grid.Change{Ref: x.Ref, Style: x.Style}
				if x.Style == sheet.Layout.LineStyle(x.Ref) {
					empty.Kind = grid.RemoveCell
				}
				changes, number = append(changes, empty), append(number, number[k])
			}
		}
	}
	return changes, number
}

// withdrawn gives the sheet with the dynamic arrays that fill a cell of changes back in their own
// cells, but for those whose own cell is changed as well.
func withdrawn(sheet *grid.Sheet, changes []grid.Change) (*grid.Sheet, error) {
	var back []grid.Change
	done := map[cell.Ref]bool{}
	for _, c := range changes {
		if c.Kind == grid.SetCell || c.Kind == grid.RemoveCell {
			for f := range sheet.Arrays(cell.Range{First: c.Ref, Last: c.Ref}) {
				// vacated has seen to those whose own cell goes.
				if f.Anchor == c.Ref {
					done[f.Anchor] = true
				}
			}
		}
	}
	for _, c := range changes {
		if c.Kind != grid.SetCell && c.Kind != grid.RemoveCell {
			continue
		}
		for f := range sheet.Arrays(cell.Range{First: c.Ref, Last: c.Ref}) {
			if f.Kind != grid.DynamicArray || done[f.Anchor] {
				continue
			}
			done[f.Anchor] = true
			back = collapse(back, sheet, f)
		}
	}
	if back == nil {
		return sheet, nil
	}
	return collapsed(sheet, back)
}

// collapse adds what takes a dynamic array back to its own cell.
func collapse(back []grid.Change, sheet *grid.Sheet, f grid.Formula) []grid.Change {
	for x := range sheet.Cells(f.Range) {
		c := grid.Change{Ref: x.Ref, Kind: grid.SetValue}
		if x.Ref == f.Anchor {
			c.Value, c.Spills, c.Fills = x.Value, true, cell.Range{First: x.Ref, Last: x.Ref}
		}
		back = append(back, c)
	}
	return back
}

// collapsed gives a sheet with these arrays in their own cells, without the cells that held nothing but
// what they spilled.
func collapsed(sheet *grid.Sheet, back []grid.Change) (*grid.Sheet, error) {
	ground, err := sheet.With(back)
	if err != nil {
		return nil, err
	}
	refs := make([]cell.Ref, len(back))
	for i := range back {
		refs[i] = back[i].Ref
	}
	return ground.Without(refs)
}

// numFmt gives the number format code of a style.
func numFmt(styles *grid.Styles, style uint32) string {
	if styles == nil || int(style) >= len(styles.Xfs) {
		return "General"
	}
	return styles.Xfs[style].NumFmt
}

// change gives what c does to its cell in sheet, where formula and style are those that the cell
// is to have; ok is false where nothing changes.
func (c *CellEdit) change(sheet *grid.Sheet, formula stored, style uint32) (change grid.Change, ok bool) {
	old, stored := sheet.At(c.Ref)
	change = grid.Change{Ref: c.Ref, Value: c.Value, Formula: formula.text, Style: style}
	if formula.spills {
		change.Spills, change.Fills = true, cell.Range{First: c.Ref, Last: c.Ref}
	}
	clears := c.Clear || !c.Keep && !c.HasFormula && c.Value.IsBlank()
	switch {
	case c.Keep:
		change.Kind = grid.SetStyle
		if !stored {
			return change, style != sheet.Layout.LineStyle(c.Ref)
		}
		return change, style != old.Style
	case clears && style == sheet.Layout.LineStyle(c.Ref):
		change.Kind = grid.RemoveCell
	}
	if sheet.InArray(c.Ref) {
		return change, true // it counts as a part of the range, even if it stays as it is
	}
	if change.Kind == grid.RemoveCell {
		return change, stored
	}
	same := stored && old.Style == style && old.HasFormula() == c.HasFormula
	if same && c.HasFormula {
		return change, StoredFormula(sheet, old) != formula.text || formula.spills != (sheet.Formula(old).Kind == grid.DynamicArray)
	}
	return change, !same || old.Value != c.Value
}
