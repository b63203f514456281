package book

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/lazy"
	"gridflow/internal/structure"
)

// movedSource is a workbook's file after structural changes: a Source like the file itself, whose sheets are
// counted as they are then. What edits put into cells lies over it as it lies over a file, so that nothing else
// in this package needs to know where a cell was in the file. A sheet is moved when it is first asked for.
type movedSource struct {
	file   *Snapshot // unedited
	steps  []step
	book   *grid.Workbook
	ids    []int // of the sheets, by index
	tables []grid.Table
	sheets []lazy.Load[*grid.Sheet] // by index
	models models
	bytes  atomic.Int64 // of the sheets that were moved, beside what they share with the file's

	// Where a change cuts a dynamic array apart, and where it inserts a column into a table, there is more to do than to
	// move cells: see stepper. raw leaves that out, other says that there was something of it.
	raw   bool
	other atomic.Bool
}

// step is one change, with what was there before it. A sheet's id is its index in the file, or for one that was
// added the number of sheets in the file and that of the step.
type step struct {
	change structure.Change
	r      *structure.Rewriter
	names  []string
	ids    []int

	headings []heading // of columns that were inserted into tables of the file
}

// moved gives the source of s where it is one of a workbook that was restructured, else nil.
func (s *Snapshot) moved() *movedSource {
	m, _ := s.src.(*movedSource)
	return m
}

// file gives the Source of the file itself.
func (s *Snapshot) file() Source {
	if m := s.moved(); m != nil {
		return m.file.src
	}
	return s.src
}

// Moves gives the structural changes since the file, in order. Cells, sheets and tables of s are counted
// as they are after them.
func (s *Snapshot) Moves() []structure.Change {
	m := s.moved()
	if m == nil {
		return nil
	}
	list := make([]structure.Change, len(m.steps))
	for i := range m.steps {
		list[i] = m.steps[i].change
	}
	return list
}

// Origin gives the index that a sheet has in the file, -1 where it was added since.
func (s *Snapshot) Origin(sheet int) int {
	m := s.moved()
	switch {
	case m == nil:
		return sheet
	case m.ids[sheet] < len(m.file.Workbook().Sheets):
		return m.ids[sheet]
	}
	return -1
}

// Shifted reports whether cells of a sheet lie elsewhere than in the file, or may.
func (s *Snapshot) Shifted(sheet int) bool {
	m := s.moved()
	if m == nil {
		return false
	}
	for i := range m.steps {
		st := &m.steps[i]
		_, _, lines := st.change.Lines()
		k := slices.Index(st.ids, m.ids[sheet])
		if k >= 0 && (lines || st.change.Kind == structure.MoveCells) && st.r.Concerns(st.names[k]) {
			return true
		}
	}
	return false
}

// sameMoves reports whether two states are of one file and the same changes were made to it, so that their
// sheets and cells are counted alike.
func sameMoves(a, b *Snapshot) bool {
	return a.src == b.src || a.file() == b.file() && slices.Equal(a.Moves(), b.Moves())
}

// movesSince gives the structural changes that cur has beyond those of base; ok is false where it does not have those,
// or is of another file.
func movesSince(base, cur *Snapshot) (moves []structure.Change, ok bool) {
	if base.src == cur.src {
		return nil, true
	}
	old, now := base.Moves(), cur.Moves()
	if base.file() != cur.file() || len(old) > len(now) || !slices.Equal(old, now[:len(old)]) {
		return nil, false
	}
	return now[len(old):], true
}

// like gives s restructured as a later state of its file is, and what that took.
func (s *Snapshot) like(ctx context.Context, later *Snapshot) (*Snapshot, []structure.Change, error) {
	moves, ok := movesSince(s, later)
	switch {
	case !ok:
		return nil, nil, errorf(Unrelated, "", "the rows, columns or sheets of the two were changed in different ways")
	case len(moves) == 0:
		return s, nil, nil
	case len(s.sheets) == 0 && s.tables == nil && s.objects == nil && s.book == nil:
		return later.unedited(), moves, nil // so they share what they can
	}
	n, err := s.Restructured(ctx, moves...)
	return n, moves, err
}

// unedited gives the state of s in which no cell was edited: the file after the structural changes.
func (s *Snapshot) unedited() *Snapshot {
	t := *s
	t.Version = 0
	t.book, t.sheets, t.tables, t.objects, t.model = nil, nil, nil, nil, nil
	t.settle()
	t.whole, t.given, t.decided = false, false, false
	return &t
}

// after gives the source of s with one change more.
func after(ctx context.Context, s *Snapshot, c structure.Change) (*movedSource, error) {
	was := s.moved()
	n := &movedSource{file: s.unedited()}
	book := s.src.Workbook()
	ids := make([]int, len(book.Sheets))
	for i := range ids {
		ids[i] = i
	}
	if was != nil {
		n.file, n.steps, ids, n.raw = was.file, slices.Clip(was.steps), was.ids, was.raw
		n.other.Store(was.other.Load())
	}
	tables, err := s.src.Tables(ctx)
	if err != nil {
		return nil, err
	}
	st := step{change: c, names: namesOf(book), ids: ids}
	st.r = c.Rewriter(st.names, tablesOf(st.names, tables)...)
	n.ids = st.order(ids, len(n.file.Workbook().Sheets)+len(n.steps))
	n.book = st.workbook(book, n.ids)
	n.tables = st.tables(tables, n.book)
	n.steps = append(n.steps, st)
	n.sheets = make([]lazy.Load[*grid.Sheet], len(n.ids))
	return n, nil
}

func namesOf(book *grid.Workbook) []string {
	names := make([]string, len(book.Sheets))
	for i := range names {
		names[i] = book.Sheets[i].Name
	}
	return names
}

// order gives the ids of the sheets after a change; added is that of a new one.
func (st *step) order(ids []int, added int) []int {
	after := slices.Clone(ids)
	at := st.index(st.change.Sheet)
	switch st.change.Kind {
	case structure.AddSheet:
		return slices.Insert(after, st.change.Position, added)
	case structure.DeleteSheet:
		return slices.Delete(after, at, at+1)
	case structure.MoveSheet:
		after = slices.Delete(after, at, at+1)
		return slices.Insert(after, st.change.Position, ids[at])
	}
	return after
}

// index finds a sheet by its name before the change.
func (st *step) index(name string) int {
	return slices.IndexFunc(st.names, func(s string) bool { return strings.EqualFold(s, name) })
}

// workbook gives a workbook after the change.
func (st *step) workbook(book *grid.Workbook, ids []int) *grid.Workbook {
	n := *book
	n.FullCalcOnLoad = false // who opens the file has calculated it by now: see Snapshot.valued
	n.Sheets = make([]grid.SheetInfo, len(ids))
	n.ActiveSheet = 0
	to := make([]int, len(book.Sheets)) // where each sheet is now
	for i, id := range st.ids {
		to[i] = slices.Index(ids, id)
		if to[i] < 0 {
			continue
		}
		n.Sheets[to[i]] = book.Sheets[i]
		n.Sheets[to[i]].Name, _ = st.r.Sheet(book.Sheets[i].Name)
		if i == book.ActiveSheet {
			n.ActiveSheet = to[i]
		}
	}
	if st.change.Kind == structure.AddSheet {
		info := grid.SheetInfo{Name: st.change.Sheet}
		for i := range book.Sheets {
			info.SheetID = max(info.SheetID, book.Sheets[i].SheetID)
		}
		info.SheetID++
		n.Sheets[st.change.Position] = info
	}
	n.Names = nil
	for _, name := range book.Names {
		if name.Sheet >= 0 && name.Sheet < len(to) {
			if name.Sheet = to[name.Sheet]; name.Sheet < 0 {
				continue
			}
		}
		if strings.EqualFold(name.Name, grid.FilterDatabase) {
			var left bool
			if name.RefersTo, left = st.r.FilterName(name.RefersTo); !left {
				continue
			}
		} else {
			name.RefersTo, _ = st.r.Name(name.RefersTo)
		}
		n.Names = append(n.Names, name)
	}
	return &n
}

// tables gives the tables after the change, by sheet and as they were in it; book is the workbook then.
func (st *step) tables(tables []grid.Table, book *grid.Workbook) []grid.Table {
	before := make([]structure.Table, 0, len(tables))
	for i := range tables {
		before = append(before, tableOf(st.names, &tables[i]))
	}
	var out []grid.Table
	for i, t := range tables {
		after, from, ok := st.r.Table(before[i])
		if !ok {
			continue
		}
		st.headings = append(st.headings, headingsOf(before[i].Sheet, after, from)...)
		t.Range, t.TotalsRows = after.Range, after.Totals
		t.Sheet = slices.IndexFunc(book.Sheets, func(s grid.SheetInfo) bool { return strings.EqualFold(s.Name, after.Sheet) })
		columns := make([]grid.TableColumn, len(from))
		for k, old := range from {
			if old >= 0 {
				columns[k] = t.Columns[old]
				columns[k].Formula = st.r.Calculated(columns[k].Formula, before[i], old)
				columns[k].TotalsFormula = st.r.Total(columns[k].TotalsFormula, before[i], old)
			}
			columns[k].Name = after.Columns[k]
		}
		t.Columns = columns
		t.Filters = criteriaOn(t.Filters, func(k int) int { return slices.Index(from, k) })
		t.Filtering = len(t.Filters) > 0
		out = append(out, t)
	}
	slices.SortStableFunc(out, func(a, b grid.Table) int { return a.Sheet - b.Sheet })
	return out
}

// tablesOf gives the tables of a workbook, which has sheets of these names, as a change has to know them.
func tablesOf(names []string, tables []grid.Table) []structure.Table {
	list := make([]structure.Table, len(tables))
	for i := range tables {
		list[i] = tableOf(names, &tables[i])
	}
	return list
}

func tableOf(names []string, t *grid.Table) structure.Table {
	n := structure.Table{Name: t.Name, Range: t.Range, Header: t.HeaderRows, Totals: t.TotalsRows}
	if t.Sheet >= 0 && t.Sheet < len(names) {
		n.Sheet = names[t.Sheet]
	}
	for _, c := range t.Columns {
		n.Columns = append(n.Columns, c.Name)
	}
	return n
}

// Workbook implements Source.
func (m *movedSource) Workbook() *grid.Workbook { return m.book }

// Tables implements Source.
func (m *movedSource) Tables(context.Context) ([]grid.Table, error) { return m.tables, nil }

// Rows implements Source: where rows have moved there are no pages.
func (m *movedSource) Rows(ctx context.Context, i, _, lastRow int) (*grid.Sheet, error) {
	return m.Sheet(ctx, i, lastRow)
}

// Macros implements MacroSource.
func (m *movedSource) Macros(ctx context.Context) ([]byte, error) { return m.file.Macros(ctx) }

// Sheet implements Source.
func (m *movedSource) Sheet(ctx context.Context, i, _ int) (*grid.Sheet, error) {
	return m.sheets[i].Wait(ctx, lazy.Whole, func(ctx context.Context, _ *lazy.Publisher[*grid.Sheet]) (*grid.Sheet, error) {
		sheet, err := m.before(ctx, m.ids[i], len(m.steps))
		if err != nil {
			return nil, err
		}
		return sheet, m.weigh(ctx, i, sheet)
	})
}

// weigh counts what sheet i takes.
func (m *movedSource) weigh(ctx context.Context, i int, sheet *grid.Sheet) error {
	origin := m.ids[i]
	if origin >= len(m.file.Workbook().Sheets) {
		m.bytes.Add(sheet.MemoryBytes())
		return nil
	}
	was, err := m.file.Sheet(ctx, origin)
	if err == nil {
		m.bytes.Add(sheet.MemoryOver(was))
	}
	return err
}

// before gives the sheet with an id before step n, made of that of the file.
func (m *movedSource) before(ctx context.Context, id, n int) (*grid.Sheet, error) {
	files := len(m.file.Workbook().Sheets)
	if n > 0 && id == files+n-1 { // step n-1 has added it
		return grid.NewBuilder(m.steps[n-1].change.Sheet).Finish(nil), nil
	}
	if n == 0 {
		sheet, err := m.file.Sheet(ctx, id)
		if err == nil && !sheet.Complete() {
			sheet, err = m.file.SheetTo(ctx, id, cell.MaxRows-1)
		}
		return sheet, err
	}
	sheet, err := m.before(ctx, id, n-1)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	st := &m.steps[n-1]
	p, i := m.stepper(st), slices.Index(st.ids, id)
	if sheet, err = p.sheet(ctx, i, sheet, func(from int) (*grid.Sheet, error) { return m.before(ctx, st.ids[from], n-1) }); err != nil {
		return nil, err
	}
	return p.headed(i, sheet, st.headings)
}

// from gives the sheet from which cells come to another one.
func (st *step) from(own string) (int, bool) {
	c := &st.change
	if c.Kind != structure.MoveCells || strings.EqualFold(c.Sheet, c.Target()) || !strings.EqualFold(own, c.Target()) {
		return 0, false
	}
	return st.index(c.Sheet), true
}

// over gives the source with the same changes of another state of the file.
func (m *movedSource) over(file *Snapshot, raw bool) *movedSource {
	return &movedSource{file: file, steps: m.steps, ids: m.ids, book: m.book, tables: m.tables, sheets: make([]lazy.Load[*grid.Sheet], len(m.ids)), raw: raw}
}

// Written gives the file after the structural changes of s as it is when nothing else was done to it: with the values that
// stand in it, what dynamic arrays filled that were cut apart, and plain headings of tables' new columns. It is
// what a save goes on from. Sheets that were not read yet may be otherwise.
func (s *Snapshot) Written() *Snapshot {
	base := s.Stored()
	if m := base.moved(); m != nil && (m != s.moved() || m.other.Load()) { // of another one nothing was read that could say so
		base.src, base.models = m.over(m.file, true), new(models)
	}
	return base
}
