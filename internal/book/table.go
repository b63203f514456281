package book

import (
	"encoding/binary"
	"slices"

	"gridflow/internal/cell"
)

// GrowTable moves the end of a table down, over rows that were written below it, as typing
// below a table does in Excel. A table that ends with totals does not grow, and none does
// over another.
type GrowTable struct {
	Table   string // its name; case does not matter
	LastRow int    // its new last row
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
	list, err := d.next.tableList(d.ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(t tableState) bool { return FoldName(t.Name) == FoldName(o.Table) })
	if i < 0 {
		return errorf(BadTable, "Take a name from list_sheets.", "the workbook has no table %q", o.Table)
	}
	t := &list[i]
	if t.TotalsRows > 0 {
		return errorf(BadTable, "Write above its totals row, or leave the table as it is.", "table %q ends with totals, and so it does not grow", t.Name)
	}
	if o.LastRow < t.Range.Last.Row {
		return errorf(BadTable, "", "table %q ends in row %d already", t.Name, t.Range.Last.Row+1)
	}
	is := t.Range
	is.Last.Row = o.LastRow
	for k := range list {
		if _, meet := list[k].Range.Intersect(is); k != i && list[k].Sheet == t.Sheet && meet {
			return errorf(BadTable, "Choose another place.", "table %q would reach into table %q", t.Name, list[k].Name)
		}
	}
	if o.LastRow > t.Range.Last.Row {
		list = slices.Clone(list)
		list[i].Range = is
		d.next.tables = newTableStates(list)
		d.grew = true
	}
	return nil
}
