package book

import (
	"context"
	"encoding/binary"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// GrowTable moves the end of a table down, over rows that were written below it, as typing
// below a table does in Excel. A table that ends with totals does not grow, and none does
// over another.
type GrowTable struct {
	Table   string // its name; case does not matter
	LastRow int    // its new last row
}

// grownTable is a table that ends further down than in the source.
type grownTable struct {
	name    string // folded
	lastRow int
}

func (o GrowTable) kind() opKind { return kindGrowTable }

func (o GrowTable) appendTo(b []byte) []byte {
	return binary.AppendUvarint(appendText(b, o.Table), uint64(o.LastRow))
}

func decodeGrowTable(d *decoder) Op {
	return GrowTable{Table: d.text(), LastRow: d.below(cell.MaxRows)}
}

func (o GrowTable) check(*Snapshot) *Error {
	if o.LastRow < 0 || o.LastRow >= cell.MaxRows {
		return errorf(BadTable, "", "row %d is outside of a worksheet", o.LastRow+1)
	}
	return nil
}

func (o GrowTable) apply(d *draft) error {
	tables, err := d.next.Tables(d.ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(tables, func(t grid.Table) bool { return FoldName(t.Name) == FoldName(o.Table) })
	if i < 0 {
		return errorf(BadTable, "Take a name from list_sheets.", "the workbook has no table %q", o.Table)
	}
	t := &tables[i]
	if t.TotalsRows > 0 {
		return errorf(BadTable, "Write above its totals row, or leave the table as it is.", "table %q ends with totals, and so it does not grow", t.Name)
	}
	if o.LastRow < t.Range.Last.Row {
		return errorf(BadTable, "", "table %q ends in row %d already", t.Name, t.Range.Last.Row+1)
	}
	is := t.Range
	is.Last.Row = o.LastRow
	for k := range tables {
		if _, meet := tables[k].Range.Intersect(is); k != i && tables[k].Sheet == t.Sheet && meet {
			return errorf(BadTable, "Choose another place.", "table %q would reach into table %q", t.Name, tables[k].Name)
		}
	}
	if o.LastRow > t.Range.Last.Row {
		d.next.grow(grownTable{FoldName(t.Name), o.LastRow})
		d.grew = true
	}
	return nil
}

// grow notes that a table ends further down. The list is shared with older versions.
func (s *Snapshot) grow(g grownTable) {
	list := slices.Clone(s.grown)
	i, ok := slices.BinarySearchFunc(list, g.name, func(x grownTable, name string) int {
		switch {
		case x.name < name:
			return -1
		case x.name > name:
			return 1
		}
		return 0
	})
	if ok {
		list[i] = g
	} else {
		list = slices.Insert(list, i, g)
	}
	s.grown = list
}

// Tables gives the tables of all sheets, by sheet and then in file order. The list is not to
// be changed.
func (s *Snapshot) Tables(ctx context.Context) ([]grid.Table, error) {
	tables, err := s.src.Tables(ctx)
	if err != nil || len(s.grown) == 0 {
		return tables, err
	}
	tables = slices.Clone(tables)
	for i := range tables {
		if last, ok := s.grownTo(tables[i].Name); ok {
			tables[i].Range.Last.Row = last
		}
	}
	return tables, nil
}

// grownTo gives the last row of a table that has grown.
func (s *Snapshot) grownTo(table string) (int, bool) {
	name := FoldName(table)
	for _, g := range s.grown {
		if g.name == name {
			return g.lastRow, true
		}
	}
	return 0, false
}

// GrownTables gives the tables that end further down than in the source, with their names as
// the source has them.
func (s *Snapshot) GrownTables(ctx context.Context) (list []GrowTable, err error) {
	if len(s.grown) == 0 {
		return nil, nil
	}
	tables, err := s.src.Tables(ctx)
	for i := range tables {
		if last, ok := s.grownTo(tables[i].Name); ok {
			list = append(list, GrowTable{tables[i].Name, last})
		}
	}
	return list, err
}

// mergeTables lets the tables of ours grow to where those of theirs end.
func (m *Merged) mergeTables(ctx context.Context, ours, theirs *Snapshot) error {
	list, err := theirs.GrownTables(ctx)
	for _, g := range list {
		if last, ok := ours.grownTo(g.Table); !ok || last < g.LastRow {
			m.Edit.Ops = append(m.Edit.Ops, g)
		}
	}
	return err
}

// rebaseTables lets the tables of onto grow over the rows that ours had grown over. One that
// is gone, has totals now, or ends there already stays as it is.
func (m *Merged) rebaseTables(ctx context.Context, c *comparison, ours, onto *Snapshot) error {
	list, err := ours.GrownTables(ctx)
	if err != nil || len(list) == 0 {
		return err
	}
	were, err := ours.src.Tables(ctx)
	if err != nil {
		return err
	}
	are, err := onto.Tables(ctx)
	if err != nil {
		return err
	}
	named := func(tables []grid.Table, name string) *grid.Table {
		for i := range tables {
			if FoldName(tables[i].Name) == FoldName(name) {
				return &tables[i]
			}
		}
		return nil
	}
	for _, g := range list {
		was, is := named(were, g.Table), named(are, g.Table)
		if was == nil || is == nil || is.TotalsRows > 0 {
			continue
		}
		pair, ok := c.byOld[was.Sheet]
		if !ok || c.pairs[pair].new != is.Sheet {
			continue
		}
		r := rebase{comparison: c, pair: pair}
		if r.was, err = c.base.Sheet(ctx, was.Sheet); err != nil {
			return err
		}
		if r.theirs, err = onto.Sheet(ctx, is.Sheet); err != nil {
			return err
		}
		if r.rows, err = c.alignment(pair); err != nil {
			return err
		}
		row, ok := r.row(g.LastRow)
		if !ok || row <= is.Range.Last.Row {
			continue
		}
		to := is.Range
		to.Last.Row = row
		meets := slices.ContainsFunc(are, func(t grid.Table) bool {
			_, meet := t.Range.Intersect(to)
			return meet && t.Sheet == is.Sheet && FoldName(t.Name) != FoldName(is.Name)
		})
		if !meets {
			m.Edit.Ops = append(m.Edit.Ops, GrowTable{is.Name, row})
		}
	}
	return nil
}
