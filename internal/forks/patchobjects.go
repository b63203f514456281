package forks

import (
	"context"

	"gridflow/internal/book"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx/patch"
)

// tablesOf says which tables of cur are not as the file has them.
func tablesOf(ctx context.Context, cur *book.Snapshot) ([]patch.TablePatch, error) {
	changes, some, err := cur.ArrangedTables(ctx)
	if err != nil || !some {
		return nil, err
	}
	tables, err := cur.Tables(ctx)
	if err != nil {
		return nil, err
	}
	named := func(name string) *grid.Table {
		for i := range tables {
			if book.FoldName(tables[i].Name) == book.FoldName(name) {
				return &tables[i]
			}
		}
		return nil
	}
	list := make([]patch.TablePatch, 0, len(changes.Tables))
	for _, c := range changes.Tables {
		p := patch.TablePatch{Of: c.Of, Ends: c.To == nil}
		if c.To != nil {
			p.Table = *named(c.To.Name)
			for _, col := range c.To.Columns {
				p.Was = append(p.Was, col.Was)
			}
		}
		list = append(list, p)
	}
	return list, nil
}
