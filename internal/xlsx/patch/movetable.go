package patch

import (
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
)

// structureTables gives the workbook's tables as package structure wants them. Where they cannot be read there are none.
func (s *saver) structureTables() ([]structure.Table, error) {
	tables, err := s.f.Tables(s.ctx)
	if s.ctx.Err() != nil {
		return nil, err
	}
	list := make([]structure.Table, len(tables))
	for i := range tables {
		list[i] = s.structureTable(&tables[i])
	}
	return list, nil
}

func (s *saver) structureTable(t *grid.Table) structure.Table {
	names := make([]string, len(t.Columns))
	for k := range t.Columns {
		names[k] = t.Columns[k].Name
	}
	return structure.Table{Name: t.Name, Sheet: s.f.Workbook().Sheets[t.Sheet].Name, Range: t.Range, Columns: names, Header: t.HeaderRows, Totals: t.TotalsRows}
}

func tablesOf(tables []structure.Table, sheet string) []structure.Table {
	var list []structure.Table
	for _, t := range tables {
		if strings.EqualFold(t.Sheet, sheet) {
			list = append(list, t)
		}
	}
	return list
}

// table gives what becomes of a table, and which of its columns each was.
func (c *course) table(t structure.Table) (after structure.Table, from []int, ok bool) {
	for i := range t.Columns {
		from = append(from, i)
	}
	for _, r := range c.steps {
		after, step, ok := r.Table(t)
		if !ok {
			return structure.Table{}, nil, false
		}
		next := make([]int, len(step))
		for i, k := range step {
			if next[i] = -1; k >= 0 {
				next[i] = from[k]
			}
		}
		t, from = after, next
	}
	return t, from, true
}

// column gives what becomes of the formula of a column of a table, that for its data or that for its totals.
func (c *course) column(text string, t structure.Table, column int, total bool) string {
	for _, r := range c.steps {
		if total {
			text = r.Total(text, t, column)
		} else {
			text = r.Calculated(text, t, column)
		}
		after, from, ok := r.Table(t)
		if t, column = after, slices.Index(from, column); !ok || column < 0 {
			break
		}
	}
	return text
}

// moveTables rewrites the parts of tables: where they are, their columns, the formulas of these.
func (s *saver) moveTables(c *course) error {
	tables, err := s.f.Tables(s.ctx)
	if s.ctx.Err() != nil {
		return err
	}
	for i := range tables {
		was := s.structureTable(&tables[i])
		if !s.kept(c, was.Sheet) {
			continue // it goes with its sheet
		}
		part := s.pkg.Find(tables[i].Part)
		sheet := s.pkg.Find(s.f.Workbook().Sheets[tables[i].Sheet].Part)
		after, from, ok := c.table(was)
		if !ok {
			if err := s.unrelate(sheet, part); err != nil {
				return err
			}
			continue
		}
		d, root, err := s.rooted(part)
		if err != nil {
			return err
		}
		x := refs{c: c, own: was.Sheet, moves: c.moves(was.Sheet), table: was, column: -1}
		text := d.text
		if body, _, _ := x.content(text, root.tagEnd, root.inner); body != nil {
			text = slices.Concat(text[root.from:root.tagEnd], body, text[root.inner:root.to])
		} else {
			text = text[root.from:root.to]
		}
		text = columned(text, after, from)
		if _, on, ok := filterOf(d, root); ok && on == filterable(was) { // rows before the totals come in behind those that it was on
			text = filtered(text, filterable(after))
		}
		tag := root.tag(d.text)
		if after.Range != was.Range {
			tag = withAttribute(tag, "ref", corners(after.Range))
		}
		if after.Totals != was.Totals {
			tag = withAttribute(tag, "totalsRowCount", strconv.Itoa(after.Totals))
		}
		text = slices.Concat(tag, text[root.tagEnd-root.from:])
		if string(text) == string(d.text[root.from:root.to]) {
			continue
		}
		d.edit(root.from, root.to, text)
		s.save(d)
		if slices.Contains(from, -1) {
			for k, was := range from {
				if was < 0 && after.Header > 0 {
					s.headers = append(s.headers, header{after.Sheet, cell.Ref{Row: after.Range.First.Row, Col: after.Range.First.Col + k}, after.Columns[k]})
				}
			}
		}
	}
	return nil
}

// filterable gives the cells of a table that a filter on all of it is on.
func filterable(t structure.Table) cell.Range {
	r := t.Range
	r.Last.Row -= t.Totals
	return r
}

// filterOf gives the element of a table's filter and the cells that it is on.
func filterOf(d *document, root element) (e element, on cell.Range, ok bool) {
	if e, ok = d.child(root, "autoFilter"); ok {
		on, ok = cell.ParseRange(string(attribute(e.tag(d.text), "ref")))
	}
	return e, on, ok
}

// filtered gives the element of a table with its filter, if it has one, on other cells.
func filtered(text []byte, to cell.Range) []byte {
	d := &document{text: text}
	root, _ := d.root()
	filter, on, ok := filterOf(d, root)
	if !ok || on == to {
		return text
	}
	return slices.Concat(text[:filter.from], withAttribute(filter.tag(text), "ref", corners(to)), text[filter.tagEnd:])
}

// columned gives the element of a table with the columns that it has afterwards.
func columned(text []byte, after structure.Table, from []int) []byte {
	d := &document{text: text}
	root, _ := d.root()
	list, ok := d.child(root, "tableColumns")
	if !ok {
		return text
	}
	var old []element
	free := 1 // the first id that no column has
	for _, e := range d.children(list) {
		if e.local == "tableColumn" {
			old = append(old, e)
			if id, err := strconv.Atoi(string(attribute(e.tag(text), "id"))); err == nil {
				free = max(free, id+1)
			}
		}
	}
	same := len(from) == len(old)
	for i, k := range from {
		if k >= len(old) {
			return text // the file lists other columns than the table has; nothing can be said of them
		}
		same = same && k == i
	}
	if same {
		return text
	}
	out := slices.Clone(withAttribute(list.tag(text), "count", strconv.Itoa(len(from))))
	for i, k := range from {
		if k >= 0 {
			out = append(out, text[old[k].from:old[k].to]...)
			continue
		}
		out = append(out, "<"+list.prefix+`tableColumn id="`+strconv.Itoa(free)+`" name="`...)
		out = append(emit.AppendAttribute(out, after.Columns[i]), `"/>`...)
		free++
	}
	out = append(out, text[list.inner:list.to]...)
	return slices.Concat(text[:list.from], out, text[list.to:])
}

// unrelate takes the relationship to a part out of those of a sheet, and notes its id.
func (s *saver) unrelate(sheet, part *xlsx.Part) error {
	if s.pkg.RelationshipsPart(sheet) == nil {
		return nil
	}
	list, err := s.pkg.Relationships(sheet)
	if err != nil {
		return err
	}
	gone := map[string]bool{}
	for _, r := range list {
		if r.Part == part {
			gone[r.ID] = true
		}
	}
	if err := s.dropRelationships(sheet, func(id string) bool { return gone[id] }); err != nil {
		return err
	}
	if s.goneParts == nil {
		s.goneParts = map[*xlsx.Part]map[string]bool{}
	}
	if s.goneParts[sheet] == nil {
		s.goneParts[sheet] = map[string]bool{}
	}
	for id := range gone {
		s.goneParts[sheet][id] = true
	}
	s.cut = append(s.cut, link{sheet, part})
	return nil
}
