package book

import (
	"context"
	"slices"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// What structural changes do to tables, charts and pictures that edits have made or changed: those of the file go
// with the file.

// tables gives the tables of s after the change, nil where they are those of the source, and the headings of the columns that
// they got by it.
func (r *restructuring) tables(ctx context.Context, s *Snapshot) (*tableStates, []heading, error) {
	if s.tables == nil {
		return nil, r.step.headings, nil
	}
	before, err := s.src.Tables(ctx)
	if err != nil {
		return nil, nil, err
	}
	after, _ := r.src.Tables(ctx)
	named := func(list []grid.Table, name string) int {
		return slices.IndexFunc(list, func(t grid.Table) bool { return FoldName(t.Name) == FoldName(name) })
	}
	var list []tableState
	var headings []heading
	for i := range s.tables.list {
		t := s.tables.list[i]
		was := tableOf(r.step.names, &t.Table)
		is, from, ok := r.step.r.Table(was)
		if !ok {
			continue
		}
		headings = append(headings, headingsOf(was.Sheet, is, from)...)
		source := -1 // the table that it comes from, as the source has it afterwards
		if t.from > 0 {
			if source = named(after, before[t.from-1].Name); source < 0 {
				t.from = 0 // the change ended it, and left what an edit has added
			} else {
				t.from = source + 1
			}
		}
		t.Range, t.Sheet, t.TotalsRows = is.Range, r.sheet(is.Sheet), is.Totals
		columns, called := make([]grid.TableColumn, len(from)), make([]string, len(from))
		for k, old := range from {
			if old >= 0 {
				columns[k] = t.Columns[old]
				columns[k].Formula = r.step.r.Calculated(columns[k].Formula, was, old)
				columns[k].TotalsFormula = r.step.r.Total(columns[k].TotalsFormula, was, old)
				called[k] = t.was[old]
			}
			columns[k].Name = is.Columns[k]
			if source < 0 {
				called[k] = ""
				continue
			}
			if old < 0 { // what the change has inserted into the table of the source as well
				if at := t.Range.First.Col + k - after[source].Range.First.Col; at >= 0 && at < len(after[source].Columns) && named(before, after[source].Name) >= 0 {
					name := after[source].Columns[at].Name
					if !slices.ContainsFunc(before[named(before, after[source].Name)].Columns, func(c grid.TableColumn) bool { return strings.EqualFold(c.Name, name) }) {
						called[k] = name
					}
				}
			} else if !slices.ContainsFunc(after[source].Columns, func(c grid.TableColumn) bool { return c.Name == called[k] }) {
				called[k] = ""
			}
		}
		t.Columns, t.was = columns, called
		t.Filters = criteriaOn(t.Filters, func(k int) int { return slices.Index(from, k) })
		t.Filtering = len(t.Filters) > 0
		list = append(list, t)
	}
	return newTableStates(list), headings, nil
}

// sheet gives the index that a sheet has afterwards, by the name that it has then.
func (r *restructuring) sheet(name string) int {
	return slices.IndexFunc(r.src.book.Sheets, func(s grid.SheetInfo) bool { return strings.EqualFold(s.Name, name) })
}

// objects gives the objects that edits put on sheets and took away, after the change. What lay at a cell that is gone lies
// where the next one is.
func (r *restructuring) objects(s *Snapshot) *objectStates {
	if s.objects == nil {
		return nil
	}
	n := &objectStates{}
	for _, x := range s.objects.removed {
		if to := r.to(x.sheet); to >= 0 {
			n.removed = append(n.removed, removedObject{to, x.id})
		}
	}
	for _, x := range s.objects.added {
		to := r.to(x.sheet)
		if to < 0 {
			continue
		}
		at, _ := cell.ParseRef(x.Anchor.Cell)
		x.Anchor.Cell = r.step.anchor(r.step.names[x.sheet], at).String()
		x.Chart = r.step.chart(x.Chart)
		x.sheet = to
		n.added = append(n.added, x)
	}
	return n
}

// anchor gives where something lies afterwards that lay at a cell: where that is, or where what follows it comes to
// if it is gone.
func (st *step) anchor(sheet string, at cell.Ref) cell.Ref {
	if to, ok := st.r.Place(sheet, cell.Range{First: at, Last: at}); ok {
		return to.First
	}
	c := &st.change
	if rows, deletes, _ := c.Lines(); deletes && rows {
		return cell.Ref{Row: c.At, Col: at.Col}
	} else if deletes {
		return cell.Ref{Row: at.Row, Col: c.At}
	}
	return at
}

// chart gives a chart that shows the cells afterwards that it showed.
func (st *step) chart(c *grid.Chart) *grid.Chart {
	if c == nil {
		return nil
	}
	n := *c
	n.Series = slices.Clone(c.Series)
	for i := range n.Series {
		s := &n.Series[i]
		for _, text := range [...]*string{&s.NameRef, &s.Categories, &s.Values} {
			if *text != "" {
				*text, _ = st.r.Name(*text)
			}
		}
	}
	return &n
}

// Objects implements ObjectSource.
func (m *movedSource) Objects(ctx context.Context, i int) ([]grid.Object, error) {
	src, ok := m.file.src.(ObjectSource)
	if !ok {
		return nil, nil
	}
	if i < 0 {
		return src.Objects(ctx, i)
	}
	id := m.ids[i]
	if id >= len(m.file.Workbook().Sheets) {
		return nil, nil
	}
	list, err := src.Objects(ctx, id)
	if err != nil {
		return nil, err
	}
	var left []grid.Object
	for _, o := range list {
		o.Sheet = i
		there := true
		for n := 0; n < len(m.steps) && there; n++ {
			st := &m.steps[n]
			there = st.object(&o, st.names[slices.Index(st.ids, id)])
		}
		if there {
			left = append(left, o)
		}
	}
	return left, nil
}

// object makes of an object of a sheet, by its name before the change, what the change makes of it in the file; false where
// it takes the object along.
func (st *step) object(o *grid.Object, sheet string) bool {
	if o.Anchored && !o.Anchor.Free && o.Anchor.MoveWithCells {
		o.Anchor = st.placed(sheet, o.Anchor)
	}
	o.Chart = st.chart(o.Chart)
	if o.Tied != nil {
		c := *o.Tied
		c.Cell, _ = st.r.Formula(c.Cell, sheet)
		c.List, _ = st.r.Formula(c.List, sheet)
		o.Tied = &c
	}
	if o.Pivot == nil {
		return true
	}
	p := *o.Pivot
	o.Pivot = &p
	if to, _ := st.r.Formula(p.Source, ""); !strings.Contains(to, "#REF!") {
		p.Source = to // a source that is gone is what it was
	}
	var there bool
	p.Range, there = st.r.Place(sheet, p.Range)
	return there
}

// placed gives where an object lies that moves with its cells.
func (st *step) placed(sheet string, a grid.Anchor) grid.Anchor {
	was := a
	a.From = cell.Ref{Row: st.nearest(sheet, was.From.Row, true), Col: st.nearest(sheet, was.From.Col, false)}
	if a.SizeWithCells {
		a.To = cell.Ref{Row: st.nearest(sheet, was.To.Row, true), Col: st.nearest(sheet, was.To.Col, false)}
		return a
	}
	a.To.Row = min(max(was.To.Row+a.From.Row-was.From.Row, 0), cell.MaxRows-1)
	a.To.Col = min(max(was.To.Col+a.From.Col-was.From.Col, 0), cell.MaxCols-1)
	return a
}

// nearest gives where a row or column is afterwards, and of one that goes where the first one behind it is that does not.
func (st *step) nearest(sheet string, i int, rows bool) int {
	for _, last := range [...]int{i, max(cell.MaxRows, cell.MaxCols)} {
		r := cell.Range{First: cell.Ref{Col: i}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: min(last, cell.MaxCols-1)}}
		if rows {
			r = cell.Range{First: cell.Ref{Row: i}, Last: cell.Ref{Row: min(last, cell.MaxRows-1), Col: cell.MaxCols - 1}}
		}
		if to, ok := st.r.Place(sheet, r); ok && rows {
			return to.First.Row
		} else if ok {
			return to.First.Col
		}
	}
	return i
}

// Media implements ObjectSource.
func (m *movedSource) Media(ctx context.Context, part string, limit int64) ([]byte, error) {
	src, ok := m.file.src.(ObjectSource)
	if !ok {
		return nil, errorf(BadObject, "", "the workbook has no pictures")
	}
	return src.Media(ctx, part, limit)
}
