package book

import (
	"slices"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/until"
)

// followed is a table of which formulas have to say something else.
type followed struct {
	was     *tableState
	to      *TableForm        // nil: the table ends
	columns map[string]string // folded: what a column is called now, "" where it is gone
	sheet   string
}

// followTables rewrites what cells and defined names say of the tables that changes are of. The
// tables of the draft are still those from before, was; at gives the table of each change.
func (d *draft) followTables(was []tableState, changes []TableChange, at []int) (*tableFollower, error) {
	f := &tableFollower{d: d, tables: map[string]*followed{}, texts: map[string]string{}}
	for k, c := range changes {
		if at[k] < 0 {
			continue
		}
		t := &was[at[k]]
		x := &followed{was: t, to: c.To, sheet: d.next.Workbook().Sheets[t.Sheet].Name, columns: map[string]string{}}
		same := c.To != nil && c.To.Name == t.Name
		if c.To != nil {
			for i := range t.Columns {
				key := FoldName(t.Columns[i].Name)
				n := slices.IndexFunc(c.To.Columns, func(c TableFormColumn) bool { return FoldName(c.Was) == key })
				if n < 0 {
					x.columns[key], same = "", false
				} else if x.columns[key] = c.To.Columns[n].Name; x.columns[key] != t.Columns[i].Name {
					same = false
				}
			}
		}
		if !same {
			f.tables[FoldName(t.Name)] = x
		}
	}
	if len(f.tables) == 0 {
		return f, nil
	}
	f.bare = map[string]bool{}
	for name := range f.tables {
		f.bare[name] = !slices.ContainsFunc(d.next.Workbook().Names, func(n grid.Name) bool { return FoldName(n.Name) == name })
	}
	f.names()
	for i, info := range d.next.Workbook().Sheets {
		if info.Kind != grid.Worksheet {
			continue
		}
		if err := f.sheet(i); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// tableFollower rewrites formulas.
type tableFollower struct {
	d      *draft
	tables map[string]*followed // by folded name
	bare   map[string]bool      // of these names, those that mean the table without brackets
	texts  map[string]string    // what became of formulas that do not depend on their cell
}

// concerns tells quickly whether a formula may name one of the tables. [ alone may be the table
// around it.
func (f *tableFollower) concerns(text string) bool {
	if strings.IndexByte(text, '[') >= 0 {
		return true
	}
	for name, bare := range f.bare {
		if bare && containsFold(text, name) {
			return true
		}
	}
	return false
}

// containsFold reports whether s has the folded text in it, ignoring case.
func containsFold(s, folded string) bool {
	return strings.Contains(FoldName(s), folded)
}

// rewritten gives a formula of a cell as it reads now. sheet is -1 for a formula without a cell.
func (f *tableFollower) rewritten(text string, sheet int, at cell.Ref) string {
	if now, ok := f.texts[text]; ok {
		return now
	}
	tree, err := formula.Parse(text)
	if err != nil {
		return text // nobody can say what it refers to
	}
	here := false // it depends on the cell
	now := tree.Rewrite(func(r formula.Reference) formula.Reference {
		if r.Book() != "" || r.Kind != formula.TableRef && r.Kind != formula.NameRef {
			return r
		}
		x := f.tables[FoldName(r.Name)]
		if r.Kind == formula.NameRef && (r.Qualified() || !f.bare[FoldName(r.Name)]) {
			return r
		}
		if r.Name == "" { // the table around the cell
			here = true
			for _, t := range f.tables {
				if sheet == t.was.Sheet && t.was.Range.Contains(at) {
					x = t
				}
			}
		}
		if x == nil {
			return r
		}
		if x.to == nil {
			here = here || r.Items()&formula.ItemThisRow != 0
			return x.plain(r, sheet, at)
		}
		return x.follow(r)
	}).String()
	if !here && len(f.texts) < treesMax {
		f.texts[text] = now
	}
	return now
}

// column gives the column of the table as it was that a formula names, -1 if there is none.
func (x *followed) column(say string) int {
	return formula.FindColumn(say, len(x.was.Columns), func(i int) string { return x.was.Columns[i].Name })
}

var deleted = formula.Reference{Kind: formula.DeletedRef}

// follow gives a reference to a table that goes on.
func (x *followed) follow(r formula.Reference) formula.Reference {
	if r.Name != "" {
		r.Name = x.to.Name
	}
	first, last := r.Columns()
	if first == "" || r.Kind == formula.NameRef {
		return r
	}
	i, j := x.column(first), x.column(last)
	if i < 0 || j < 0 { // it names no column, and means none now
		return r
	}
	nowFirst, nowLast := x.columns[FoldName(x.was.Columns[i].Name)], x.columns[FoldName(x.was.Columns[j].Name)]
	switch {
	case nowFirst == "" || nowLast == "":
		return deleted
	case nowFirst == first && nowLast == last:
		return r
	}
	return r.WithTable(r.Items(), nowFirst, nowLast)
}

// plain gives the cells that a reference to a table meant, which is none any more: with dollar signs
// and the sheet, as Excel writes them then; of its own row only the columns stand still.
func (x *followed) plain(r formula.Reference, sheet int, at cell.Ref) formula.Reference {
	t := &x.was.Table
	area := t.Range
	first, last := r.Columns()
	if first != "" {
		i, j := x.column(first), x.column(last)
		if i < 0 || j < 0 {
			return deleted
		}
		area.First.Col, area.Last.Col = t.Range.First.Col+min(i, j), t.Range.First.Col+max(i, j)
	}
	items := r.Items()
	fixedRow := true
	switch {
	case items&formula.ItemThisRow != 0:
		if sheet < 0 {
			return deleted
		}
		area.First.Row, area.Last.Row, fixedRow = at.Row, at.Row, false
	case items&formula.ItemAll != 0:
	default:
		var ok bool
		if area.First.Row, area.Last.Row, ok = t.Rows(items&formula.ItemHeaders != 0, items&formula.ItemData != 0, items&formula.ItemTotals != 0); !ok {
			return deleted
		}
	}
	corner := func(c cell.Ref) formula.Corner {
		return formula.Corner{Row: int32(c.Row), Col: int32(c.Col), AbsRow: fixedRow, AbsCol: true}
	}
	p := formula.Reference{Kind: formula.AreaRef, First: corner(area.First), Last: corner(area.Last)}
	if area.First == area.Last {
		p.Kind = formula.CellRef
	}
	return p.WithSheets("", x.sheet, "")
}

// own rewrites the formulas of a table's columns: those that it had before. What is said of them anew
// is said of the tables as they are now.
func (f *tableFollower) own(was, t *tableState) {
	if len(f.tables) == 0 {
		return
	}
	var columns []grid.TableColumn
	for i := range t.Columns {
		c := t.Columns[i]
		n := slices.IndexFunc(was.Columns, func(o grid.TableColumn) bool { return o.Formula == c.Formula && o.TotalsFormula == c.TotalsFormula })
		if n < 0 || c.Formula == "" && c.TotalsFormula == "" {
			continue
		}
		data := cell.Ref{Row: t.Range.First.Row + t.HeaderRows, Col: t.Range.First.Col + i}
		if c.Formula != "" {
			c.Formula = f.rewritten(c.Formula, t.Sheet, data)
		}
		if c.TotalsFormula != "" {
			c.TotalsFormula = f.rewritten(c.TotalsFormula, t.Sheet, t.Range.Last)
		}
		if c != t.Columns[i] {
			if columns == nil {
				columns = slices.Clone(t.Columns)
			}
			columns[i] = c
		}
	}
	if columns != nil {
		t.Columns = columns
	}
}

// names rewrites what defined names refer to.
func (f *tableFollower) names() {
	book := f.d.next.Workbook()
	var names []grid.Name
	for i := range book.Names {
		text := book.Names[i].RefersTo
		if !f.concerns(text) {
			continue
		}
		if now := f.rewritten(text, -1, cell.Ref{}); now != text {
			if names == nil {
				names = slices.Clone(book.Names)
			}
			names[i].RefersTo = now
		}
	}
	if names != nil {
		next := *book
		next.Names = names
		f.d.next.book = &next
	}
}

// sheet rewrites the formulas of a sheet. Their values stay.
func (f *tableFollower) sheet(i int) error {
	sheet, err := f.d.sheet(i)
	if err != nil || sheet.FormulaCells() == 0 {
		return err
	}
	var changes []grid.Change
	for c := range until.Done(f.d.ctx, sheet.Cells(cell.WholeSheet)) {
		if !c.HasFormula() {
			continue
		}
		stands := sheet.Formula(c)
		if stands.Kind == grid.DataTable || !f.concerns(stands.Text) {
			continue
		}
		text := StoredFormula(sheet, c)
		now := f.rewritten(text, i, c.Ref)
		if now == text {
			continue
		}
		change := grid.Change{Ref: c.Ref, Value: c.Value, Formula: now, Style: c.Style}
		switch stands.Kind {
		case grid.ArrayFormula:
			// A formula that gives an array would spill, were it set anew.
			tree, _ := formula.Parse(now)
			if stands.Range.First != stands.Range.Last || tree == nil || tree.Spills() {
				err := errorf(ArrayPart, "Clear it first, or write it anew as one formula that spills.", "the array formula in %v names the table, and cannot be changed", stands.Range)
				err.Sheet, err.Ref = f.d.next.Workbook().Sheets[i].Name, c.Ref
				return err
			}
			change.Spills, change.Fills = true, stands.Range
		case grid.DynamicArray:
			change.Spills, change.Fills = true, stands.Range
			for x := range sheet.Cells(stands.Range) {
				if x.Ref != c.Ref {
					changes = append(changes, grid.Change{Ref: x.Ref, Value: x.Value, Style: x.Style})
				}
			}
		}
		changes = append(changes, change)
	}
	if err := f.d.ctx.Err(); err != nil {
		return err
	}
	if len(changes) == 0 {
		return nil
	}
	now, err := sheet.With(changes)
	if err != nil {
		return err
	}
	f.d.put(i, sheet, now)
	return nil
}
