package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type compareTablesIn struct {
	Base    string   `json:"baseline_workbook_or_fork_id" alias:"baseline_id" required:"true" doc:"The earlier one: a workbook, a fork, or a version of one (fork-…@3)"`
	Current string   `json:"current_workbook_or_fork_id" alias:"current_id|workbook_or_fork_id|workbook_id" required:"true" doc:"The later one; it may be the same, with another table"`
	Sheet   string   `json:"sheet_name" doc:"Of both tables; the first sheet unless given"`
	Table   string   `json:"table_name" doc:"Table or defined name"`
	Range   string   `json:"range" doc:"With its header"`
	Header  *int     `json:"header_row" min:"1" max:"1048576"`
	Other   otherIn  `json:"current" doc:"Where the later table is, if elsewhere than the earlier one"`
	Key     []string `json:"key" required:"true" min:"1" doc:"Headers or letters of the columns that say which row is which"`
	Columns []string `json:"columns" doc:"Headers of those to compare; all that both have unless given"`
	Ignore  []string `json:"ignore_columns" doc:"Headers"`

	Tolerance     *float64 `json:"tolerance" min:"0" doc:"By how much numbers may differ, as a part of the larger one"`
	CaseSensitive bool     `json:"case_sensitive" default:"false" doc:"Of texts in keys"`
	Limit         int      `json:"limit" default:"200" min:"1" max:"2000" doc:"Rows"`
	Offset        int      `json:"offset" default:"0" min:"0"`
	SummaryOnly   bool     `json:"summary_only" default:"false"`
}

type otherIn struct {
	Sheet  string `json:"sheet_name"`
	Table  string `json:"table_name"`
	Range  string `json:"range"`
	Header *int   `json:"header_row" min:"1" max:"1048576"`
}

// tableChange is what became of a row.
type tableChange struct {
	Type    string       `json:"type"` // added, deleted, modified
	Key     []string     `json:"key"`
	Row     int          `json:"row,omitempty"`     // of the sheet in the later state, from 1
	OldRow  int          `json:"old_row,omitempty"` // in the earlier one
	Changes []fieldDelta `json:"changes,omitempty"`
}

type fieldDelta struct {
	Column string  `json:"column"`
	Old    *string `json:"old_value"`
	New    *string `json:"new_value"`
}

type compareTablesOut struct {
	Cut
	Base    string        `json:"baseline"`
	Current string        `json:"current"`
	Key     []string      `json:"key"`
	Rows    []tableChange `json:"rows"`
	Summary struct {
		OldRows   int            `json:"baseline_rows"`
		NewRows   int            `json:"current_rows"`
		Same      int            `json:"same"`
		Modified  int            `json:"modified"`
		Added     int            `json:"added"`
		Deleted   int            `json:"deleted"`
		ByColumn  map[string]int `json:"modified_by_column"`
		Next      int            `json:"next_offset,omitempty"`
		OldOnly   []string       `json:"columns_only_in_baseline"`
		NewOnly   []string       `json:"columns_only_in_current"`
		Compared  []string       `json:"columns_compared"`
		Truncated bool           `json:"truncated"`
	} `json:"summary"`
	Warnings []string `json:"warnings"`
}

var compareTables = define(Spec{
	Name: "compare_tables", Title: "Compare tables by key", Toolset: "analysis", Reach: ReachBook,
	Description: "Which rows of a table were added, deleted or modified, told apart by key columns, wherever they stand and however they are sorted: between two workbooks, forks or versions, or two tables of one.",
	Example:     `{"baseline_workbook_or_fork_id":"wb-23456789ab","current_workbook_or_fork_id":"fork-abcdefgh2345","table_name":"Sales","key":["Day","Item"]}`,
}, func(ctx context.Context, env *Env, in compareTablesIn) (*compareTablesOut, error) {
	asked := in
	if in.Current == in.Base && in.Other == (otherIn{}) {
		return nil, invalid(`Say where the other one is, such as "current":{"sheet_name":"March"}`, "a table is to be compared with itself")
	}
	if in.Other == (otherIn{}) {
		in.Other = otherIn{in.Sheet, in.Table, in.Range, in.Header}
	} else if in.Other.Sheet == "" && in.Other.Table == "" {
		in.Other.Sheet = in.Sheet
	}
	out := &compareTablesOut{Base: in.Base, Current: in.Current, Rows: []tableChange{}, Warnings: []string{}}
	err := env.Workspace.View(ctx, in.Base, func(base *book.Snapshot) error {
		return env.Workspace.View(ctx, in.Current, func(cur *book.Snapshot) error {
			c := comparer{in: &in, out: out}
			return c.compare(ctx, env, base, cur)
		})
	})
	if err != nil {
		return nil, err
	}
	if s := &out.Summary; s.Truncated {
		onward(&out.Cut, &s.Next, portion{what: "differing rows", shown: len(out.Rows), total: s.Modified + s.Added + s.Deleted}, "compare_tables", &asked, &asked.Offset)
	}
	return out, nil
})

// side is one of the two tables.
type side struct {
	*tableReader
	key  []int          // columns
	rows map[string]int // sheet rows by key, the first of each
	twice,
	blank int
}

// comparer compares two tables.
type comparer struct {
	in       *compareTablesIn
	out      *compareTablesOut
	old, new side
	names    []string // of the columns that are compared
	cols     [][2]int // where they are, in old and new
	listed   int
}

func (c *comparer) compare(ctx context.Context, env *Env, base, cur *book.Snapshot) (err error) {
	in := c.in
	if c.old.tableReader, err = env.wholeTable(ctx, base, otherIn{in.Sheet, in.Table, in.Range, in.Header}); err != nil {
		return err
	}
	if c.new.tableReader, err = env.wholeTable(ctx, cur, in.Other); err != nil {
		return err
	}
	for _, name := range in.Key {
		col, err := c.old.column(name)
		if err != nil {
			return err
		}
		header := c.old.labels[col-c.old.target.First.Col]
		now, err := c.new.column(header)
		if letters, ok := cell.ParseColumn(strings.TrimSpace(name)); err != nil && ok && letters == col && !c.new.outside(col) {
			now, err = col, nil // it was named by its letters, which the later table has as well
		}
		if err != nil {
			return err
		}
		c.out.Key = append(c.out.Key, header)
		c.old.key, c.new.key = append(c.old.key, col), append(c.new.key, now)
	}
	if err := c.choose(); err != nil {
		return err
	}
	for _, s := range []*side{&c.old, &c.new} {
		if err := s.index(ctx, in.CaseSensitive); err != nil {
			return err
		}
	}
	c.warn("baseline", &c.old)
	c.warn("current", &c.new)
	return c.walk(ctx)
}

// wholeTable finds a table and reads all of it.
func (e *Env) wholeTable(ctx context.Context, snap *book.Snapshot, at otherIn) (*tableReader, error) {
	t := &tableReader{env: e, snap: snap, w: valuesOf(snap), in: readTableIn{
		Sheet: at.Sheet, Table: at.Table, Range: at.Range, HeaderRow: at.Header, HeaderRows: 1, Limit: limitMax,
		Sample: "last", // which wants all rows
	}}
	if err := t.locate(ctx); err != nil {
		return nil, err
	}
	if t.none {
		return nil, fail(codeRangeInvalid, "Name another sheet, table or range", "there is no table in sheet %s: it is empty", plain(snap.Workbook().Sheets[t.index].Name))
	}
	if err := t.layOut(); err != nil {
		return nil, err
	}
	return t, t.match(ctx)
}

// choose finds the columns to compare: those that both have, by their headers.
func (c *comparer) choose() error {
	s := &c.out.Summary
	s.ByColumn, s.OldOnly, s.NewOnly, s.Compared = map[string]int{}, []string{}, []string{}, []string{}
	wanted := map[int]bool{}
	for _, name := range c.in.Columns {
		col, err := c.old.column(name)
		if err != nil {
			return err
		}
		wanted[col] = true
	}
	left := map[int]bool{}
	for _, name := range c.in.Ignore {
		col, err := c.old.column(name)
		if err != nil {
			if col, err = c.new.column(name); err != nil {
				return err
			}
			left[-1-col] = true // of the later one alone
			continue
		}
		left[col] = true
	}
	find := func(labels []string, label string) int {
		return slices.IndexFunc(labels, func(l string) bool { return strings.EqualFold(l, label) })
	}
	for i, label := range c.old.labels {
		col := c.old.target.First.Col + i
		if slices.Contains(c.old.key, col) || left[col] || len(wanted) > 0 && !wanted[col] {
			continue
		}
		k := find(c.new.labels, label)
		if k < 0 {
			s.OldOnly = append(s.OldOnly, label)
			continue
		}
		c.names, c.cols = append(c.names, label), append(c.cols, [2]int{col, c.new.target.First.Col + k})
	}
	for i, label := range c.new.labels {
		col := c.new.target.First.Col + i
		if len(wanted) == 0 && !left[-1-col] && !slices.Contains(c.new.key, col) && find(c.old.labels, label) < 0 {
			s.NewOnly = append(s.NewOnly, label)
		}
	}
	s.Compared = append(s.Compared, c.names...)
	return nil
}

// index finds the rows by their keys. A row in which all of the key is empty is none of the table.
func (s *side) index(ctx context.Context, exact bool) error {
	s.rows = make(map[string]int, s.total)
	var b []byte
	for row := s.data.First.Row; row <= s.data.Last.Row; row++ {
		if row%4096 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if b = s.appendKey(b[:0], row, exact); b == nil {
			s.blank++
			continue
		}
		if _, twice := s.rows[string(b)]; twice {
			s.twice++
			continue
		}
		s.rows[string(b)] = row
	}
	return nil
}

// appendKey writes what two rows have alike that are the same; nil where the key is empty.
func (s *side) appendKey(b []byte, row int, exact bool) []byte {
	empty := true
	for _, col := range s.key {
		v := s.sheet.Value(cell.Ref{Row: row, Col: col})
		empty = empty && v.IsBlank()
		text := v.String()
		if v.Kind() == cell.Text && !exact {
			text = strings.ToLower(strings.TrimSpace(text))
		}
		b = fmt.Appendf(b, "%d %d %s", v.Kind(), len(text), text)
	}
	if empty {
		return nil
	}
	return b
}

func (c *comparer) warn(which string, s *side) {
	if s.twice > 0 {
		c.out.Warnings = append(c.out.Warnings, fmt.Sprintf("WARN_DUPLICATE_KEY: %s of the %s have a key that an earlier row has; they are not compared", counted(s.twice, "row", "rows"), which))
	}
	if s.blank > 0 {
		c.out.Warnings = append(c.out.Warnings, fmt.Sprintf("WARN_BLANK_KEY: %s of the %s have no key; they are not compared", counted(s.blank, "row", "rows"), which))
	}
}

// walk goes over the rows in the order of the later table, and then over those that have gone.
func (c *comparer) walk(ctx context.Context) error {
	s := &c.out.Summary
	s.OldRows, s.NewRows = len(c.old.rows), len(c.new.rows)
	lim := c.new.env.budget(c.in.Limit)
	var b []byte
	for row := c.new.data.First.Row; row <= c.new.data.Last.Row; row++ {
		if row%4096 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b = c.new.appendKey(b[:0], row, c.in.CaseSensitive)
		if first, ok := c.new.rows[string(b)]; !ok || first != row {
			continue
		}
		was, ok := c.old.rows[string(b)]
		switch {
		case !ok:
			s.Added++
			c.list(&lim, func() tableChange {
				return tableChange{Type: "added", Key: c.new.keyTexts(row), Row: row + 1, Changes: c.fields(-1, row)}
			})
		case c.sameRow(was, row):
			s.Same++
		default:
			s.Modified++
			c.list(&lim, func() tableChange {
				return tableChange{Type: "modified", Key: c.new.keyTexts(row), Row: row + 1, OldRow: was + 1, Changes: c.fields(was, row)}
			})
		}
	}
	for row := c.old.data.First.Row; row <= c.old.data.Last.Row; row++ {
		b = c.old.appendKey(b[:0], row, c.in.CaseSensitive)
		if first, ok := c.old.rows[string(b)]; !ok || first != row {
			continue
		}
		if _, there := c.new.rows[string(b)]; !there {
			s.Deleted++
			c.list(&lim, func() tableChange {
				return tableChange{Type: "deleted", Key: c.old.keyTexts(row), OldRow: row + 1, Changes: c.fields(row, -1)}
			})
		}
	}
	return nil
}

// list notes a row that differs, as far as there is room.
func (c *comparer) list(lim *budget, row func() tableChange) {
	s := &c.out.Summary
	c.listed++
	if c.in.SummaryOnly || c.listed <= c.in.Offset || s.Truncated {
		return
	}
	if r := row(); lim.takeEntry(&r) {
		c.out.Rows = append(c.out.Rows, r)
		return
	}
	s.Truncated = true
}

// sameRow reports whether a row has what it had, and counts the columns in which it has not.
func (c *comparer) sameRow(old, new int) bool {
	same := true
	for i, at := range c.cols {
		if !c.sameValue(old, new, at) {
			c.out.Summary.ByColumn[c.names[i]]++
			same = false
		}
	}
	return same
}

func (c *comparer) sameValue(old, new int, at [2]int) bool {
	x, y := c.old.sheet.Value(cell.Ref{Row: old, Col: at[0]}), c.new.sheet.Value(cell.Ref{Row: new, Col: at[1]})
	return book.SameValue(x, y, orElse(c.in.Tolerance, 0))
}

// fields gives the values that differ, or all of a row that the other side has not, which is -1 then.
func (c *comparer) fields(old, new int) (list []fieldDelta) {
	for i, at := range c.cols {
		f := fieldDelta{Column: c.names[i]}
		if old >= 0 {
			f.Old = c.old.text(old, at[0])
		}
		if new >= 0 {
			f.New = c.new.text(new, at[1])
		}
		if old >= 0 && new >= 0 && c.sameValue(old, new, at) || f.Old == nil && f.New == nil {
			continue
		}
		list = append(list, f)
	}
	return list
}

func (s *side) keyTexts(row int) (texts []string) {
	for _, col := range s.key {
		text := ""
		if t := s.text(row, col); t != nil {
			text = *t
		}
		texts = append(texts, text)
	}
	return texts
}

// text gives a value as results show it, nil where there is none.
func (s *side) text(row, col int) *string {
	c, ok := s.sheet.At(cell.Ref{Row: row, Col: col})
	if !ok || c.Value.IsBlank() {
		return nil
	}
	t := s.w.clipped(grid.Cell{Ref: c.Ref, Value: c.Value, Style: c.Style}, changeTextMax)
	return &t
}

func (o *compareTablesOut) appendText(b []byte, _ bool) []byte {
	s := &o.Summary
	b = fmt.Appendf(b, "%s => %s, by %s: %d rows modified, %d added, %d deleted, %d the same\n", plain(o.Base), plain(o.Current), plain(strings.Join(o.Key, ", ")), s.Modified, s.Added, s.Deleted, s.Same)
	for _, w := range o.Warnings {
		b = fmt.Appendf(b, "warning: %s\n", w)
	}
	if len(s.OldOnly) > 0 {
		b = fmt.Appendf(b, "columns only in the baseline: %s\n", plain(strings.Join(s.OldOnly, ", ")))
	}
	if len(s.NewOnly) > 0 {
		b = fmt.Appendf(b, "columns only in the current: %s\n", plain(strings.Join(s.NewOnly, ", ")))
	}
	for _, r := range o.Rows {
		b = append(b, map[string]string{"added": "+ ", "deleted": "- ", "modified": "~ "}[r.Type]...)
		b = appendEscaped(b, strings.Join(r.Key, " | "))
		switch r.Type {
		case "added":
			b = fmt.Appendf(b, " (row %d)", r.Row)
		case "deleted":
			b = fmt.Appendf(b, " (was row %d)", r.OldRow)
		default:
			b = fmt.Appendf(b, " (row %d)", r.Row)
			if r.OldRow != r.Row {
				b = fmt.Appendf(b[:len(b)-1], ", was %d)", r.OldRow)
			}
		}
		for i, f := range r.Changes {
			b = append(b, map[bool]string{true: ": ", false: "; "}[i == 0]...)
			b = append(appendEscaped(b, f.Column), ' ')
			shown := func(v *string) {
				if v == nil {
					b = append(b, "(empty)"...)
				} else {
					b = appendEscaped(b, *v)
				}
			}
			switch r.Type {
			case "added":
				shown(f.New)
			case "deleted":
				shown(f.Old)
			default:
				shown(f.Old)
				b = append(b, " => "...)
				shown(f.New)
			}
		}
		b = append(b, '\n')
	}
	return b
}
