package book

import (
	"slices"

	"gridflow/internal/grid"
)

// scope is where a defined name holds: the sheet of a pair, a sheet that one side only has,
// or the workbook.
type scope struct {
	kind  byte // 'w' workbook, 'p' pair, 'o' old only, 'n' new only
	index int
}

// nameKey is what makes a defined name the same in both workbooks.
type nameKey struct {
	name string
	in   scope
}

// names yields the defined names that differ. Hidden ones are the business of programs.
func (c *comparison) names(yield func(Change, error) bool) bool {
	old, new := c.base.Workbook(), c.cur.Workbook()
	if old == new || c.line && len(old.Names) == len(new.Names) && (len(old.Names) == 0 || &old.Names[0] == &new.Names[0]) {
		return true
	}
	byNew := make(map[int]int, len(c.pairs))
	for i, p := range c.pairs {
		byNew[p.new] = i
	}
	key := func(n *grid.Name, pairs map[int]int, alone byte) nameKey {
		k := nameKey{FoldName(n.Name), scope{kind: 'w'}}
		if n.Sheet >= 0 {
			if i, ok := pairs[n.Sheet]; ok {
				k.in = scope{'p', i}
			} else {
				k.in = scope{alone, n.Sheet}
			}
		}
		return k
	}
	report := func(kind ChangeKind, n *grid.Name, book *grid.Workbook, oldText, newText string) bool {
		ch := Change{Kind: kind, Name: n.Name, OldText: oldText, NewText: newText}
		if n.Sheet >= 0 && n.Sheet < len(book.Sheets) {
			ch.HasScope, ch.Sheet = true, book.Sheets[n.Sheet].Name
		}
		return c.o.Sheet != "" && !(ch.HasScope && c.wanted(ch.Sheet)) || yield(ch, nil)
	}
	left := map[nameKey]*grid.Name{}
	for i := range old.Names {
		if n := &old.Names[i]; !n.Hidden {
			left[key(n, c.byOld, 'o')] = n
		}
	}
	for i := range new.Names {
		n := &new.Names[i]
		if n.Hidden {
			continue
		}
		k := key(n, byNew, 'n')
		was := left[k]
		delete(left, k)
		switch {
		case was == nil:
			if !report(NameAdded, n, new, "", n.RefersTo) {
				return false
			}
		case was.RefersTo != n.RefersTo:
			if !report(NameModified, n, new, was.RefersTo, n.RefersTo) {
				return false
			}
		}
	}
	for i := range old.Names {
		n := &old.Names[i]
		if left[key(n, c.byOld, 'o')] == n && !report(NameDeleted, n, old, n.RefersTo, "") {
			return false
		}
	}
	return true
}

// tables yields the tables that differ in name or place.
func (c *comparison) tables(yield func(Change, error) bool) bool {
	if c.line && c.base.tables == c.cur.tables {
		return true
	}
	if c.line {
		return c.lineTables(yield)
	}
	olds, err := c.base.Tables(c.ctx)
	if err != nil {
		return yield(Change{}, err) && false
	}
	news, err := c.cur.Tables(c.ctx)
	if err != nil {
		return yield(Change{}, err) && false
	}
	sheetName := func(s *Snapshot, i int) string {
		if sheets := s.Workbook().Sheets; i >= 0 && i < len(sheets) {
			return sheets[i].Name
		}
		return ""
	}
	find := func(tables []grid.Table, name string) *grid.Table {
		i := slices.IndexFunc(tables, func(t grid.Table) bool { return FoldName(t.Name) == FoldName(name) })
		if i < 0 {
			return nil
		}
		return &tables[i]
	}
	for i := range news {
		t := &news[i]
		ch := Change{Kind: TableAdded, Name: t.Name, Sheet: sheetName(c.cur, t.Sheet), Range: t.Range}
		if was := find(olds, t.Name); was != nil {
			ch.Kind, ch.OldRange = TableModified, was.Range
			pair, ok := c.byOld[was.Sheet]
			if ok && c.pairs[pair].new == t.Sheet && was.Range == t.Range {
				continue
			}
		}
		if c.wanted(ch.Sheet) && !yield(ch, nil) {
			return false
		}
	}
	for i := range olds {
		t := &olds[i]
		ch := Change{Kind: TableDeleted, Name: t.Name, Sheet: sheetName(c.base, t.Sheet), OldRange: t.Range}
		if find(news, t.Name) == nil && c.wanted(ch.Sheet) && !yield(ch, nil) {
			return false
		}
	}
	return true
}
