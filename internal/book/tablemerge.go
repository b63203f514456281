package book

import (
	"context"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// settleTables gives s with its tables as an edit of them leaves these, and with what formulas then say;
// s itself where the edit does nothing. It is made as Replay makes it.
func (s *Snapshot) settleTables(ctx context.Context, o ArrangeTables) (*Snapshot, error) {
	if len(o.Tables) == 0 {
		return s, nil
	}
	next, _, err := s.Replay(ctx, Edit{Ops: []Op{o}})
	return next, err
}

// settled are three states of a line with the tables that all of them together come to, so that only
// what cells say for themselves tells them apart.
type settled struct {
	base, ours, theirs *Snapshot
	op                 ArrangeTables // that made it of ours
}

// mergeTables finds which tables ours and theirs come to together. Each part of a table that only one of
// the two changed is as that one has it; of what both changed ours counts, but that a table ends where the
// one of them does that is longer. A table that only one of them ended has ended, unless the other one
// changed it.
func mergeTables(ctx context.Context, base, ours, theirs *Snapshot) (s settled, err error) {
	s = settled{base: base, ours: ours, theirs: theirs}
	if base.tables == theirs.tables && base.tables == ours.tables {
		return s, nil
	}
	var lists [3][]tableState
	for i, x := range [...]*Snapshot{base, ours, theirs} {
		if lists[i], err = x.tableList(ctx); err != nil {
			return s, err
		}
	}
	var want []tableState
	for i := range lists[1] {
		mine := &lists[1][i]
		was, their := find(mine, lists[0]), find(mine, lists[2])
		switch {
		case their != nil && was != nil:
			want = append(want, mergeTable(was, mine, their))
		case their == nil && was != nil && was.equal(mine): // they ended it
		default:
			want = append(want, *mine)
		}
	}
	for i := range lists[2] {
		their := &lists[2][i]
		if find(their, lists[1]) != nil {
			continue
		}
		if was := find(their, lists[0]); was == nil || !was.equal(their) {
			want = append(want, *their)
		}
	}
	for i, x := range [...]**Snapshot{&s.base, &s.ours, &s.theirs} {
		op := arrange(lists[i], want, ours.Workbook())
		if x == &s.ours {
			s.op = op
		}
		if *x, err = (*x).settleTables(ctx, op); err != nil {
			return s, err
		}
	}
	return s, nil
}

func find(t *tableState, list []tableState) *tableState {
	if k := counterpart(t, list); k >= 0 {
		return &list[k]
	}
	return nil
}

// mergeTable gives what a table is of which two states were made.
func mergeTable(was, mine, their *tableState) tableState {
	is := *mine
	if mine.Name == was.Name {
		is.Name = their.Name
	}
	if mine.sameLook(was) {
		is.StyleName, is.FirstColumn, is.LastColumn, is.RowStripes, is.ColumnStripes = their.StyleName, their.FirstColumn, their.LastColumn, their.RowStripes, their.ColumnStripes
		is.AutoFilter = their.AutoFilter
	}
	shape := func(a, b *tableState) bool { // but for where they end
		return a.Range.First == b.Range.First && a.Range.Last.Col == b.Range.Last.Col && a.HeaderRows == b.HeaderRows && a.TotalsRows == b.TotalsRows && slices.Equal(a.was, b.was)
	}
	take := func() {
		is.Range, is.HeaderRows, is.HeaderShown, is.TotalsRows, is.was = their.Range, their.HeaderRows, their.HeaderShown, their.TotalsRows, their.was
	}
	switch mineKept, theirsKept := shape(mine, was), shape(their, was); {
	case theirsKept && their.Range == was.Range:
	case mineKept && (mine.Range == was.Range || !theirsKept):
		take()
	case mineKept: // both end elsewhere
		is.Range.Last.Row = max(mine.Range.Last.Row, their.Range.Last.Row)
	}
	if slices.Equal(is.was, their.was) && !slices.Equal(is.was, mine.was) {
		is.Columns = their.Columns
	} else if slices.Equal(mine.was, their.was) && len(was.Columns) == len(mine.Columns) {
		is.Columns = slices.Clone(mine.Columns)
		for i := range is.Columns {
			if is.Columns[i] == was.Columns[i] {
				is.Columns[i] = their.Columns[i]
			}
		}
	}
	is.mergeCriteria(was, mine, their)
	return is
}

// mergeCriteria gives t, which is made of two states of a table, their criteria: of columns that the table had, those of the one that
// changed them, mine before theirs; of new ones, those that they came with.
func (t *tableState) mergeCriteria(was, mine, their *tableState) {
	t.Filters = nil
	changed, other := mine, their
	if sameCriteria(mine, was) {
		changed, other = their, mine
	}
	if t.AutoFilter {
		t.Filters = slices.Concat(
			criteriaOn(changed.Filters, func(k int) int { return t.like(changed, k) }),
			criteriaOn(other.Filters, func(k int) int {
				if was.like(other, k) >= 0 || changed.like(other, k) >= 0 {
					return -1
				}
				return t.like(other, k)
			}))
		slices.SortFunc(t.Filters, func(a, b grid.FilterColumn) int { return a.Column - b.Column })
	}
	t.Filtering = len(t.Filters) > 0
}

// like gives which column of t is column k of another state of the table, -1 where there is none.
func (t *tableState) like(o *tableState, k int) int {
	if was := o.was[k]; was != "" {
		return slices.Index(t.was, was)
	}
	if i := t.column(o.Columns[k].Name); i >= 0 && t.was[i] == "" { // both have it only since
		return i
	}
	return -1
}

// sameCriteria reports whether the columns that two states of a table have both have the same criteria.
func sameCriteria(a, b *tableState) bool {
	return sameList(criteriaOn(a.Filters, func(k int) int { return b.like(a, k) }), criteriaOn(b.Filters, func(k int) int {
		if a.like(b, k) < 0 {
			return -1
		}
		return k
	}))
}

// lineTables yields the tables that differ between two states of one line, each followed under
// whatever name it has.
func (c *comparison) lineTables(yield func(Change, error) bool) bool {
	olds, err := c.base.tableList(c.ctx)
	if err != nil {
		return yield(Change{}, err) && false
	}
	news, err := c.cur.tableList(c.ctx)
	if err != nil {
		return yield(Change{}, err) && false
	}
	sheets := c.cur.Workbook().Sheets
	report := func(ch Change, sheet int) bool {
		if sheet >= 0 && sheet < len(sheets) {
			ch.Sheet = sheets[sheet].Name
		}
		return !c.wanted(ch.Sheet) || yield(ch, nil)
	}
	for i := range news {
		t := &news[i]
		ch := Change{Kind: TableAdded, Name: t.Name, Range: t.Range}
		if was := find(t, olds); was != nil {
			if was.equal(t) {
				continue
			}
			ch.Kind, ch.OldRange = TableModified, was.Range
			if was.Name != t.Name {
				ch.OldName = was.Name
			}
		}
		if !report(ch, t.Sheet) {
			return false
		}
	}
	for i := range olds {
		if t := &olds[i]; find(t, news) == nil && !report(Change{Kind: TableDeleted, Name: t.Name, OldRange: t.Range}, t.Sheet) {
			return false
		}
	}
	return true
}

// rebaseTables gives what ours did to tables of its source as an edit of onto, another revision. Their
// rows are followed as those of cells are. A table that is gone, or ends there already, stays as it is, and
// so does one whose columns onto has changed.
func rebaseTables(ctx context.Context, c *comparison, ours, onto *Snapshot) (o ArrangeTables, err error) {
	if ours.tables == nil {
		return o, nil
	}
	changes, _, err := ours.ArrangedTables(ctx)
	if err != nil {
		return o, err
	}
	were, err := ours.Stored().tableList(ctx)
	if err != nil {
		return o, err
	}
	are, err := onto.tableList(ctx)
	if err != nil {
		return o, err
	}
	named := func(list []tableState, name string) *tableState {
		i := slices.IndexFunc(list, func(t tableState) bool { return FoldName(t.Name) == FoldName(name) })
		if i < 0 {
			return nil
		}
		return &list[i]
	}
	for _, ch := range changes.Tables {
		var was, is *tableState
		sheet := -1
		if ch.Of != "" {
			if was, is = named(were, ch.Of), named(are, ch.Of); was == nil || is == nil {
				continue
			}
			sheet = was.Sheet
		} else if sheet, _ = ours.SheetIndex(ch.To.Sheet); named(are, ch.To.Name) != nil {
			continue // both made one of that name
		}
		pair, there := c.byOld[sheet]
		if !there || is != nil && c.pairs[pair].new != is.Sheet {
			continue
		}
		if ch.To == nil {
			o.Tables = append(o.Tables, TableChange{Of: is.Name})
			continue
		}
		to, ok, err := c.rebaseForm(ctx, ours, onto, pair, ch.To, was, is)
		if err != nil {
			return o, err
		}
		if !ok {
			continue
		}
		meets := slices.ContainsFunc(are, func(t tableState) bool {
			r, _ := cell.ParseRange(to.Range)
			_, meet := t.Range.Intersect(r)
			return meet && t.Sheet == c.pairs[pair].new && (is == nil || t.from != is.from)
		})
		if !meets {
			change := TableChange{To: to}
			if is != nil {
				change.Of = is.Name
			}
			o.Tables = append(o.Tables, change)
		}
	}
	return o, nil
}

// rebaseForm gives what a table of ours is on the sheet of pair in onto, where it is is, nil for a new
// one.
func (c *comparison) rebaseForm(ctx context.Context, ours, onto *Snapshot, pair int, f *TableForm, was, is *tableState) (*TableForm, bool, error) {
	p := c.pairs[pair]
	r := rebase{comparison: c, pair: pair}
	var err error
	if r.was, err = c.base.Sheet(ctx, p.old); err != nil {
		return nil, false, err
	}
	if r.theirs, err = onto.Sheet(ctx, p.new); err != nil {
		return nil, false, err
	}
	if r.rows, err = c.alignment(pair); err != nil {
		return nil, false, err
	}
	to := *f
	to.Sheet = p.name
	area, _ := cell.ParseRange(f.Range)
	last, ok1 := r.row(area.Last.Row)
	first, ok2 := r.row(area.First.Row)
	if !ok1 || !ok2 {
		return nil, false, nil
	}
	moved := area
	moved.First.Row, moved.Last.Row = first, last
	if is == nil {
		to.Range = moved.String()
		return &to, true, nil
	}
	if !slices.Equal(columnNames(&was.Table), columnNames(&is.Table)) || was.HeaderRows != is.HeaderRows || was.TotalsRows != is.TotalsRows {
		return nil, false, nil
	}
	switch {
	case area == was.Range:
		moved = is.Range
	case area.First == was.Range.First && area.Last.Col == was.Range.Last.Col: // it ends elsewhere
		moved.First, moved.Last.Col = is.Range.First, is.Range.Last.Col
		if f.Totals == (was.TotalsRows > 0) && area.Last.Row > was.Range.Last.Row && moved.Last.Row <= is.Range.Last.Row {
			moved.Last.Row = is.Range.Last.Row
		}
	}
	to.Range = moved.String()
	same := is.equal(ptr(to.state(*is, is.Sheet)))
	return &to, !same, nil
}

func ptr[T any](v T) *T { return &v }
