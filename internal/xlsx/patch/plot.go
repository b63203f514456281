package patch

import (
	"slices"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
)

// plot checks the changes one after the other and makes the course of them.
func (s *saver) plot(changes []structure.Change) (*course, error) {
	sheets := s.f.Workbook().Sheets
	names := make([]string, len(sheets))
	origin := make([]int, len(sheets))
	visible := map[string]bool{}
	seen := map[string]bool{}
	for i := range sheets {
		names[i], origin[i] = sheets[i].Name, i
		key := strings.ToLower(names[i])
		if seen[key] {
			return nil, invalid("", "two sheets are called %.64q", names[i])
		}
		seen[key] = true
		visible[key] = sheets[i].Visibility == grid.Visible
	}
	c := &course{before: names}
	tables, err := s.structureTables()
	if err != nil {
		return nil, err
	}
	contents := map[string]*structure.Contents{}
	list := names
	for _, change := range changes {
		if err := change.Check(list); err != nil {
			return nil, refused(err)
		}
		key := strings.ToLower(change.Sheet)
		_, _, lines := change.Lines()
		if lines || change.Kind == structure.MoveCells {
			on, err := s.contents(c, contents, list, origin, change.Sheet)
			if err != nil {
				return nil, err
			}
			to, err := s.contents(c, contents, list, origin, change.Target())
			if err != nil {
				return nil, err
			}
			on.Tables, to.Tables = tablesOf(tables, change.Sheet), tablesOf(tables, change.Target())
			if err := change.Fits(*on, *to); err != nil {
				return nil, refused(err)
			}
			if change.Kind == structure.MoveCells && !strings.EqualFold(change.Sheet, change.Target()) {
				if err := carriesWhole(change, *on); err != nil {
					return nil, refused(err)
				}
			}
			c.cells = true
			c.columns = c.columns || change.Kind == structure.InsertColumns || change.Kind == structure.DeleteColumns
		}
		r := change.Rewriter(list, tables...)
		at := slices.IndexFunc(list, func(n string) bool { return strings.EqualFold(n, change.Sheet) })
		switch change.Kind {
		case structure.AddSheet:
			visible[key] = true
			origin = slices.Insert(slices.Clone(origin), change.Position, -1)
		case structure.DeleteSheet:
			left := false
			for _, name := range list {
				left = left || visible[strings.ToLower(name)] && !strings.EqualFold(name, change.Sheet)
			}
			if !left {
				return nil, refused(&structure.Error{Reason: structure.LastSheet, Message: "no visible sheet would be left",
					Hint: "Add another sheet first, or show a hidden one."})
			}
			origin = slices.Delete(slices.Clone(origin), at, at+1)
			delete(contents, key)
		case structure.RenameSheet:
			to := strings.ToLower(change.Name)
			was, on := visible[key], contents[key]
			delete(visible, key)
			delete(contents, key)
			if visible[to] = was; on != nil {
				contents[to] = on
			}
		case structure.MoveSheet:
			from := origin[at]
			origin = slices.Insert(slices.Delete(slices.Clone(origin), at, at+1), change.Position, from)
		}
		evolve(contents, r)
		for i := 0; i < len(tables); {
			after, _, ok := r.Table(tables[i])
			if !ok {
				tables = slices.Delete(tables, i, i+1)
				continue
			}
			tables[i] = after
			i++
		}
		list = change.Sheets(list)
		c.steps = append(c.steps, r)
	}
	c.after, c.origin = list, origin
	return c, nil
}

// contents gives what a change has to heed of a sheet, by its name after the steps before.
func (s *saver) contents(c *course, known map[string]*structure.Contents, list []string, origin []int, name string) (*structure.Contents, error) {
	key := strings.ToLower(name)
	if known[key] != nil {
		return known[key], nil
	}
	i := origin[slices.IndexFunc(list, func(n string) bool { return strings.EqualFold(n, name) })]
	out := &structure.Contents{}
	if i < 0 {
		known[key] = out // a new one
		return out, nil
	}
	info := &s.f.Workbook().Sheets[i]
	if !info.Kind.HasCells() || info.Part == "" {
		return nil, invalid(info.Part, "the sheet %.64q is of a kind that has no cells", info.Name)
	}
	loaded, err := s.f.Sheet(s.ctx, i, cell.MaxRows-1)
	if err != nil {
		return nil, err
	}
	out.Used, out.Cells = loaded.Used()
	for a := range loaded.Arrays(cell.WholeSheet) {
		if a.Kind != grid.DynamicArray {
			out.Arrays = append(out.Arrays, a.Range)
		}
	}
	out.Merges = slices.Clone(loaded.Layout.Merges)
	if out.Pivots, err = s.pivots(info.Part); err != nil {
		return nil, err
	}
	// No step before this one moved its cells, or it would be known.
	known[key] = out
	return out, nil
}

// carriesWhole refuses to move to another sheet what is a part of its own.
func carriesWhole(change structure.Change, on structure.Contents) error {
	list := on.Pivots
	for _, t := range on.Tables {
		list = append(list, t.Range)
	}
	for _, r := range list {
		if change.Range.ContainsRange(r) {
			return &structure.Error{Reason: structure.TablePart, Message: "a table stands in " + r.String() + ", and a table cannot go to another sheet",
				Hint: "Move it within its sheet, or move its cells without the header row."}
		}
	}
	return nil
}

// evolve makes the contents what they are after a step.
func evolve(contents map[string]*structure.Contents, r *structure.Rewriter) {
	change := r.Change()
	var moved []structure.Area // of what is used on the sheet that cells leave
	if on := contents[strings.ToLower(change.Sheet)]; change.Kind == structure.MoveCells && on.Cells {
		if x, some := on.Used.Intersect(change.Range); some {
			moved = r.Cover(change.Sheet, x)
		}
	}
	for key, on := range contents {
		if !r.Concerns(key) {
			continue
		}
		if change.Kind == structure.MoveCells {
			for _, a := range moved {
				if !strings.EqualFold(key, a.Sheet) {
					continue
				}
				if on.Cells {
					a.Range = a.Range.Union(on.Used)
				}
				on.Used, on.Cells = a.Range, true
			}
		} else if on.Cells {
			on.Used, on.Cells = r.Range(key, on.Used)
		}
		for _, list := range []*[]cell.Range{&on.Arrays, &on.Pivots, &on.Merges} {
			var after []cell.Range
			for _, x := range *list {
				if to, ok := r.Range(key, x); ok {
					after = append(after, to)
				}
			}
			*list = after
		}
	}
}
