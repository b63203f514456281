package book

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
)

// Restructure inserts, deletes or moves rows, columns, cells or sheets. All references of the workbook follow, for which all of its
// sheets are read. A formula whose references went with their cells keeps its value; those are calculated anew that read something else
// now or go by where they stand (disturbance.go). The operations behind it in an Edit count rows, columns and sheets as they are after it.
//
// An inserted column of a table gets a name, which is written to its header cell. A dynamic array that is cut apart goes
// back to its own cell, until it is calculated.
type Restructure struct {
	structure.Change
}

func (o Restructure) kind() opKind { return kindRestructure }

// appendTo appends the body as JSON, whose form package structure keeps.
func (o Restructure) appendTo(b []byte) []byte {
	text, err := json.Marshal(o.Change)
	if err != nil {
		panic(err) // the type has nothing that JSON has not
	}
	return appendText(b, string(text))
}

func decodeRestructure(d *decoder) Op {
	var o Restructure
	text := d.text()
	if d.err != nil {
		return o
	}
	r := json.NewDecoder(bytes.NewReader([]byte(text)))
	r.DisallowUnknownFields() // a newer gridflow meant something by them
	if err := r.Decode(&o.Change); err != nil || r.More() {
		d.fail("the structural change is none: %v", err)
	}
	return o
}

func (o Restructure) check(s *Snapshot) *Error {
	return refusedStructure(o.Change, o.Check(namesOf(s.Workbook())))
}

// refusedStructure tells in the words of this package why a change is refused; nil where it is not.
func refusedStructure(c structure.Change, err error) *Error {
	var e *structure.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &e):
		return errorf(BadEdit, "", "%v", err)
	}
	wrong := errorf(Code(e.Reason), e.Hint, "%s", e.Message)
	wrong.Sheet, wrong.cause = c.Sheet, err
	return wrong
}

func (o Restructure) apply(d *draft) error {
	if wrong := o.check(&d.next); wrong != nil {
		return wrong
	}
	for i, info := range d.next.Workbook().Sheets {
		if info.Kind != grid.Worksheet {
			continue
		}
		if _, err := d.sheet(i); err != nil { // there may be formulas in it that have to follow
			return err
		}
	}
	if err := o.fits(d.ctx, &d.next); err != nil {
		return err
	}
	r, err := newRestructuring(d.ctx, &d.next, o.Change)
	if err != nil {
		return err
	}
	base, err := r.snapshot(d.ctx, d.base)
	if err != nil {
		return err
	}
	next, err := r.snapshot(d.ctx, &d.next)
	if err != nil {
		return err
	}
	if err := r.unsettle(d.ctx, d.base, base, &d.next, next); err != nil {
		return err
	}
	was := map[int]*grid.Sheet{}
	for i := range d.was {
		if to := r.to(i); to >= 0 {
			if was[to], err = base.Sheet(d.ctx, to); err != nil {
				return err
			}
		}
	}
	d.base, d.next, d.was, d.scope = base, *next, was, nil
	d.moves = append(d.moves, o.Change)
	d.edited += o.lines()
	return nil
}

// lines is how many rows or columns come or go, or 1.
func (o Restructure) lines() int {
	if _, _, ok := o.Lines(); ok {
		return o.Count
	}
	return 1
}

// fits refuses what is in the way of the change.
func (o Restructure) fits(ctx context.Context, s *Snapshot) error {
	book := s.Workbook()
	if o.Kind == structure.DeleteSheet {
		i, _ := s.SheetIndex(o.Sheet)
		for k, info := range book.Sheets {
			if k != i && info.Visibility == grid.Visible {
				return nil
			}
		}
		wrong := errorf(Code(structure.LastSheet), "Add another sheet first, or show a hidden one.", "sheet %q is the last one that is visible, and a workbook needs one", book.Sheets[i].Name)
		wrong.Sheet = o.Sheet
		return wrong
	}
	if _, _, lines := o.Lines(); !lines && o.Kind != structure.MoveCells {
		return nil
	}
	// The file is restructured before anything else is done to it: what stands in the way there cannot be saved.
	for _, state := range []*Snapshot{s, s.unedited()} {
		on, err := o.contents(ctx, state, o.Sheet)
		if err != nil {
			return err
		}
		to, err := o.contents(ctx, state, o.Target())
		if err != nil {
			return err
		}
		wrong := refusedStructure(o.Change, o.Fits(on, to))
		if wrong == nil && o.Kind == structure.MoveCells && !strings.EqualFold(o.Target(), o.Sheet) {
			wrong = o.carriesWhole(on)
		}
		if wrong == nil {
			continue
		}
		if state != s {
			wrong.Message += ", in the file that this stands on"
			wrong.Hint = "Save what there is, and go on with the saved file."
		}
		return wrong
	}
	return nil
}

// carriesWhole refuses to move to another sheet what is a part of its own.
func (o Restructure) carriesWhole(on structure.Contents) *Error {
	list := slices.Concat(on.Arrays, on.Pivots)
	for _, t := range on.Tables {
		list = append(list, t.Range)
	}
	for _, r := range list {
		if o.Range.ContainsRange(r) {
			wrong := errorf(Code(structure.TablePart), "Move it within its sheet, or move the cells around it.", "what stands in %v, a table or an array formula, cannot go to another sheet", r)
			wrong.Sheet, wrong.Ref = o.Sheet, r.First
			return wrong
		}
	}
	return nil
}

// contents gives what a change has to heed of a sheet.
func (o Restructure) contents(ctx context.Context, s *Snapshot, name string) (c structure.Contents, err error) {
	i, wrong := s.worksheet(name)
	if wrong != nil {
		return c, wrong
	}
	sheet, err := s.Sheet(ctx, i)
	if err != nil {
		return c, err
	}
	c.Used, c.Cells = sheet.Used()
	c.Merges, c.Pivots = sheet.Layout.Merges, sheet.Layout.Pivots
	for f := range sheet.Arrays(cell.WholeSheet) {
		if f.Kind != grid.DynamicArray {
			c.Arrays = append(c.Arrays, f.Range)
		}
	}
	tables, err := s.Tables(ctx)
	if err != nil {
		return c, err
	}
	for k := range tables {
		if tables[k].Sheet == i {
			c.Tables = append(c.Tables, tableOf(namesOf(s.Workbook()), &tables[k]))
		}
	}
	return c, nil
}

// restructuring makes states of one line what they are after a change, so that they share what they shared before.
type restructuring struct {
	src    *movedSource
	step   *step
	source *stepper                        // of the sheets of the source
	by     *stepper                        // of those of states
	order  []int                           // where each sheet of before is, -1 where it is gone
	own    map[*tableStates]*restructuring // see of
}

// newRestructuring makes the source of s after c, which must have passed its check.
func newRestructuring(ctx context.Context, s *Snapshot, c structure.Change) (*restructuring, error) {
	src, err := after(ctx, s, c)
	if err != nil {
		return nil, err
	}
	st := &src.steps[len(src.steps)-1]
	r := &restructuring{src: src, step: st, source: src.stepper(st), own: map[*tableStates]*restructuring{}}
	r.by = r.source
	for _, id := range st.ids {
		r.order = append(r.order, slices.Index(src.ids, id))
	}
	was, plain := s.moved(), s.unedited()
	for i := range r.order {
		if was == nil || r.to(i) < 0 {
			continue
		}
		// What was moved before goes this step further, and needs not be made of the file again.
		if sheet, ok := was.sheets[i].Peek(); ok {
			if err := r.seed(ctx, i, sheet, plain); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// seed gives the source a sheet of before that is at hand, as it is afterwards.
func (r *restructuring) seed(ctx context.Context, i int, sheet *grid.Sheet, plain *Snapshot) error {
	to := r.to(i)
	if _, ok := r.src.sheets[to].Peek(); ok {
		return nil
	}
	n, err := r.source.sheet(ctx, i, sheet, func(i int) (*grid.Sheet, error) { return plain.Sheet(ctx, i) })
	if err != nil {
		return err
	}
	if n, err = r.source.headed(i, n, r.step.headings); err != nil {
		return err
	}
	r.src.sheets[to].Set(n)
	return r.src.weigh(ctx, to, n)
}

// to gives the index that a sheet has afterwards, -1 where it is gone.
func (r *restructuring) to(i int) int { return r.order[i] }

// of gives what rewrites a state. What formulas say of tables goes by those of the state: one that an edit has renamed, or made where the
// source has another one of its name, has its own fate. Where the tables fare alike it is r, so that the sheets of the state share
// what they can with those of the source.
func (r *restructuring) of(s *Snapshot) *restructuring {
	if s.tables == nil {
		return r
	}
	if own := r.own[s.tables]; own != nil {
		return own
	}
	own := r
	if by := r.step.change.Rewriter(r.step.names, tablesOf(r.step.names, s.tables.tables)...); !by.SameTables(r.step.r) {
		st, n := *r.step, *r
		st.r = by
		n.step, n.by = &st, r.src.stepper(&st)
		n.by.plain = r.source
		own = &n
	}
	r.own[s.tables] = own
	return own
}

// snapshot gives a state after the change.
func (r *restructuring) snapshot(ctx context.Context, s *Snapshot) (*Snapshot, error) {
	own := r.of(s)
	n := *s
	n.src, n.models, n.model = r.src, &r.src.models, nil
	n.byName = byName(r.src.book)
	if s.book != nil || own != r {
		n.book = own.book(s)
	}
	var headings []heading
	var err error
	if n.tables, headings, err = own.tables(ctx, s); err != nil {
		return nil, err
	}
	plain := s.unedited()
	n.sheets = nil
	// Of the sheets that no edit has changed, those become others than the source's that get cells that one has changed, that get
	// headings of tables which the source has not, or that name such tables.
	into, from := r.receives()
	heads := -1
	if !slices.Equal(headings, r.step.headings) {
		heads = r.step.index(r.step.change.Sheet)
	}
	for i, info := range s.Workbook().Sheets {
		if r.to(i) < 0 || info.Kind != grid.Worksheet {
			continue
		}
		e, edited := s.editedSheet(i)
		if !edited {
			if own == r && i != heads && (i != into || s.edited(from) == nil) {
				continue
			}
			if e.base, err = plain.Sheet(ctx, i); err != nil {
				return nil, err
			}
			e.sheet = e.base
		}
		if err := r.seed(ctx, i, e.base, plain); err != nil {
			return nil, err
		}
		base, _ := r.src.sheets[r.to(i)].Peek()
		sheet, err := own.by.sheet(ctx, i, e.sheet, func(i int) (*grid.Sheet, error) { return s.Sheet(ctx, i) })
		if err != nil {
			return nil, err
		}
		if sheet, err = own.by.headed(i, sheet, headings); err != nil {
			return nil, err
		}
		if edited || sheet != base {
			n.sheets = append(n.sheets, editedSheet{r.to(i), sheet, base})
		}
	}
	slices.SortFunc(n.sheets, func(a, b editedSheet) int { return a.index - b.index })
	n.objects = own.objects(s)
	n.before, n.since, n.disturbed, n.doubt = nil, nil, nil, nil
	n.stale = s.stale || n.mayHaveFormulas()
	return &n, nil
}

// receives gives the sheet that cells come to from another one, and that; -1 where they come to none.
func (r *restructuring) receives() (into, from int) {
	for i, name := range r.step.names {
		if from, ok := r.step.from(name); ok {
			return i, from
		}
	}
	return -1, -1
}

// book gives the workbook of s after the change.
func (r *restructuring) book(s *Snapshot) *grid.Workbook {
	is := s.Workbook()
	book := r.step.workbook(is, r.src.ids)
	if was := s.src.Workbook(); r.by == r.source && len(was.Names) == len(is.Names) && (len(was.Names) == 0 || &was.Names[0] == &is.Names[0]) {
		book.Names = r.src.book.Names // they share them, so that nobody has to compare them
	}
	return book
}

// Restructured gives the state of s after structural changes, calculated no further: what was true of its cells is of
// those that they became. It is for comparing states before and after; an Edit is made by Apply.
func (s *Snapshot) Restructured(ctx context.Context, changes ...structure.Change) (*Snapshot, error) {
	for _, c := range changes {
		if wrong := (Restructure{c}).check(s); wrong != nil {
			return nil, wrong
		}
		r, err := newRestructuring(ctx, s, c)
		if err != nil {
			return nil, err
		}
		stale := s.stale
		if s, err = r.snapshot(ctx, s); err != nil {
			return nil, err
		}
		s.stale = stale
	}
	return s, nil
}
