package tools

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
	"gridflow/internal/until"
)

type structureOp struct {
	Kind     string `json:"kind" alias:"op" required:"true" enum:"insert_rows|delete_rows|insert_cols|delete_cols|move_rows|move_cols|insert_cells|delete_cells|clone_row|merge_cells|unmerge_cells|copy_range|move_range|create_sheet|delete_sheet|rename_sheet|move_sheet" also:"add_sheet=create_sheet|insert_columns=insert_cols|delete_columns=delete_cols|move_columns=move_cols"`
	Sheet    string `json:"sheet_name" doc:"All but create, delete and rename_sheet"`
	AtRow    *int   `json:"at_row" min:"1" doc:"insert_rows: the first new row; among the data of a table its calculated columns go on in it"`
	StartRow *int   `json:"start_row" min:"1" doc:"delete_rows, move_rows"`
	AtCol    string `json:"at_col" doc:"insert_cols: the first new column, as B"`
	StartCol string `json:"start_col" doc:"delete_cols, move_cols"`
	Count    int    `json:"count" default:"1" min:"1" doc:"Rows or columns; clone_row: copies"`
	ToRow    *int   `json:"to_row" min:"1" doc:"move_rows: the row before which they go"`
	ToCol    string `json:"to_col" doc:"move_cols: the column before which they go"`
	Formats  string `json:"format_from" enum:"before|after|none" doc:"insert_rows, insert_cols: the line whose formats the new ones take; before, as in Excel, unless given"`
	Expand   bool   `json:"expand_adjacent_sums" default:"false" doc:"insert_rows, clone_row: SUM and SUBTOTAL just below the new rows take them in"`
	Source   *int   `json:"source_row" min:"1" doc:"clone_row"`
	InsertAt *int   `json:"insert_at" min:"1" doc:"clone_row: the first new row"`
	Target   string `json:"target_range" alias:"range" doc:"insert_cells, delete_cells, merge_cells, unmerge_cells"`
	Shift    string `json:"shift" enum:"down|right|up|left" doc:"insert_cells: down or right; delete_cells: up or left"`
	Src      string `json:"src_range" doc:"copy_range, move_range"`
	Anchor   string `json:"dest_anchor" doc:"copy_range, move_range: where the first cell goes"`
	Dest     string `json:"dest_sheet_name" doc:"copy_range, move_range: another sheet"`
	Styles   bool   `json:"include_styles" default:"true" doc:"copy_range, move_range"`
	Formulas bool   `json:"include_formulas" default:"true" doc:"copy_range, move_range: else their values"`
	Name     string `json:"name" doc:"create_sheet, delete_sheet, move_sheet"`
	OldName  string `json:"old_name" doc:"rename_sheet"`
	NewName  string `json:"new_name" line:"true" doc:"rename_sheet"`
	Position *int   `json:"position" min:"0" doc:"create_sheet, move_sheet: from 0; at the end unless given"`
}

type structureBatchIn struct {
	ForkArg
	Ops     []structureOp `json:"ops" required:"true" min:"1" max:"1000"`
	Formula string        `json:"formula_parse_policy" enum:"fail|warn|off" doc:"What of formulas that do not parse, and so cannot follow: warn lists them, fail refuses; off unless given"`
	Impact  bool          `json:"impact_report" default:"false" doc:"preview: what shifts, and absolute references that are moved over"`
	Delta   bool          `json:"show_formula_delta" default:"false" doc:"preview: formulas before and after"`
	EditMode
	Guard
}

type structureBatchOut struct {
	batchOut
	Impact *impactReport  `json:"impact_report,omitempty"`
	Delta  []formulaDelta `json:"formula_delta_preview,omitempty"`
}

var structureBatch = define(Spec{
	Name: "structure_batch", Title: "Rows, columns, sheets", Toolset: "edit", Writes: true, Reach: ReachBook,
	Description: "Inserts, deletes and moves rows, columns, ranges and sheets of a fork, as Excel does: formulas, names, tables, merged cells, rules, charts and print areas follow; references to what is gone become #REF!. Each operation counts rows as those before it left them. All of it or nothing.",
	Example:     `{"fork_id":"fork-abcdefgh2345","ops":[{"kind":"insert_rows","sheet_name":"Sheet1","at_row":5,"count":2,"expand_adjacent_sums":true},{"kind":"delete_cols","sheet_name":"Sheet1","start_col":"D"},{"kind":"move_range","sheet_name":"Sheet1","src_range":"A1:B3","dest_anchor":"F1"},{"kind":"rename_sheet","old_name":"Sheet1","new_name":"Data"},{"kind":"create_sheet","name":"Notes","position":0}]}`,
}, func(ctx context.Context, env *Env, in structureBatchIn) (*structureBatchOut, error) {
	policy := in.Formula
	if policy == "" {
		policy = "off"
		if env.Profile == Compat {
			policy = "warn"
		}
	}
	if (in.Impact || in.Delta) && in.Mode != "preview" {
		return nil, invalid(`Give "mode":"preview"`, "impact_report and show_formula_delta are for previews")
	}
	out := &structureBatchOut{}
	var s *structureRun
	made, err := env.batch(ctx, in.Fork, "structure_batch", policy, in.EditMode, in.Guard, len(in.Ops), func(b *batch, i int) error {
		if i == 0 {
			s = &structureRun{batch: b, impact: in.Impact, delta: in.Delta, formats: "before"}
			if env.Profile == Compat {
				s.formats = "none"
			}
			if policy != "off" {
				if err := s.parse(); err != nil {
					return err
				}
			}
		}
		s.op = i
		return s.do(&in.Ops[i])
	})
	if err != nil {
		return nil, err
	}
	out.batchOut = *made
	for _, name := range structuralCounts { // what an operation consists of is not what was asked for
		if _, asked := s.counts[name]; !asked {
			delete(out.Summary.Counts, name)
		}
	}
	if out.ChangeID != "" {
		out.Summary.Counts["preview_change_items"] = len(s.ops)
	}
	out.Impact, out.Delta = s.report(), s.deltas
	return out, nil
})

// structuralCounts are what a changeset counts of structural changes.
var structuralCounts = []string{"rows_inserted", "rows_deleted", "cols_inserted", "cols_deleted", "ranges_moved"}

// structureRun is the operations of one call.
type structureRun struct {
	*batch
	op            int // which of them is done
	impact, delta bool
	formats       string // format_from, where an operation does not say
	found         impactReport
	lost          map[string]int // what charts have lost so far; nil: nobody has looked
	deltas        []formulaDelta
}

func (s *structureRun) do(op *structureOp) error {
	s.begin(op.Kind)
	switch op.Kind {
	case "insert_rows", "delete_rows":
		at, name := op.AtRow, "at_row"
		if op.Kind == "delete_rows" {
			at, name = op.StartRow, "start_row"
		}
		if at == nil {
			return s.missing(op, name)
		}
		return s.lines(op, structure.Kind(op.Kind), *at-1)
	case "insert_cols", "delete_cols":
		text, name, kind := op.AtCol, "at_col", structure.InsertColumns
		if op.Kind == "delete_cols" {
			text, name, kind = op.StartCol, "start_col", structure.DeleteColumns
		}
		col, err := s.column(op, text, name)
		if err != nil {
			return err
		}
		return s.lines(op, kind, col)
	case "move_rows", "move_cols":
		return s.moveLines(op)
	case "insert_cells", "delete_cells":
		return s.shiftCells(op)
	case "clone_row":
		return s.cloneRow(op)
	case "merge_cells", "unmerge_cells":
		return s.mergeCells(op)
	case "copy_range", "move_range":
		return s.transfer(op)
	}
	return s.sheets(op)
}

func (s *structureRun) missing(op *structureOp, name string) error {
	return invalid("", "%s needs %s", op.Kind, name)
}

// column reads a column.
func (s *structureRun) column(op *structureOp, text, name string) (int, error) {
	if text == "" {
		return 0, s.missing(op, name)
	}
	col, ok := cell.ParseColumn(strings.TrimPrefix(strings.TrimSpace(text), "$"))
	if !ok {
		return 0, fail(codeRangeInvalid, "Write a column as B", "%s: %q is no column", name, clip(text, 20))
	}
	return col, nil
}

// on gives the sheet that an operation names, in the name that it has.
func (s *structureRun) on(op *structureOp) (int, string, error) {
	if op.Sheet == "" {
		return 0, "", s.missing(op, "sheet_name")
	}
	i, err := sheetNamed(s.snap, op.Sheet)
	if err != nil {
		return 0, "", err
	}
	return i, s.snap.Workbook().Sheets[i].Name, nil
}

// restructure makes structural changes.
func (s *structureRun) restructure(changes ...structure.Change) error {
	for _, c := range changes {
		if err := s.look(c); err != nil {
			return err
		}
		_, deletes, _ := c.Lines()
		deletes = deletes || c.Kind == structure.MoveCells || c.Kind == structure.DeleteSheet
		if deletes && s.lost == nil {
			charts, err := chartsOf(s.ctx, s.snap)
			if err != nil {
				return err
			}
			s.lost = lostSeries(charts)
		}
		if c.Kind == structure.MoveCells {
			if err := s.roomToMove(c); err != nil {
				return err
			}
		}
		if err := s.batch.do(book.Restructure{Change: c}); err != nil {
			return err
		}
		if deletes {
			if err := s.lostCharts(); err != nil {
				return err
			}
		}
	}
	return nil
}

// roomToMove takes room for the cells that are to be moved, and warns of what cannot go to another sheet with them.
func (s *structureRun) roomToMove(c structure.Change) error {
	index, err := sheetNamed(s.snap, c.Sheet)
	if err != nil {
		return err
	}
	sheet, err := s.snap.Sheet(s.ctx, index)
	if err != nil {
		return err
	}
	for range until.Done(s.ctx, sheet.Cells(c.Range)) {
		if !s.room.weigh(1) {
			break
		}
	}
	if !strings.EqualFold(c.Sheet, c.Target()) {
		s.notCarried(sheet, c.Range)
	}
	return s.room.err()
}

// notCarried warns of what does not go to another sheet with cells.
func (s *structureRun) notCarried(sheet *grid.Sheet, cells cell.Range) {
	l := sheet.Layout
	notes, sparklines, rules := 0, 0, 0
	for _, c := range l.Comments {
		if cells.Contains(c.Ref) {
			notes++
		}
	}
	meets := func(ranges []cell.Range) bool {
		return slices.ContainsFunc(ranges, func(r cell.Range) bool { _, ok := r.Intersect(cells); return ok })
	}
	for _, g := range l.Sparklines {
		for _, x := range g.Cells {
			if ranges, ok := cell.ParseRanges(x.Cell); ok && meets(ranges) {
				sparklines++
			}
		}
	}
	for _, f := range l.Conditional {
		if f.Extension && meets(f.Ranges) {
			rules++
		}
	}
	for _, w := range []struct {
		n         int
		one, many string
	}{
		{notes, "note stays where it is", "notes stay where they are"},
		{sparklines, "sparkline is lost", "sparklines are lost"},
		{rules, "conditional format that only newer versions of Excel know is lost", "conditional formats that only newer versions of Excel know are lost"},
	} {
		if w.n > 0 {
			s.warn("WARN_NOT_MOVED: %s, as the cells go to another sheet", counted(w.n, w.one, w.many))
		}
	}
}

// lostCharts warns of charts that show cells which are gone now.
func (s *structureRun) lostCharts() error {
	charts, err := chartsOf(s.ctx, s.snap)
	if err != nil {
		return err
	}
	lost := lostSeries(charts)
	for i := range charts {
		o := &charts[i]
		if id := cmp.Or(o.ID, o.Part); lost[id] > s.lost[id] {
			s.warn("WARN_CHART_REF: %s shows cells that are gone: %d of its references are #REF!. chart_batch can take it away and make another", chartText(s.snap, o), lost[id])
		}
	}
	s.lost = lost
	return nil
}

// lineCounts are what is counted of rows and columns.
var lineCounts = map[structure.Kind]string{
	structure.InsertRows: "rows_inserted", structure.DeleteRows: "rows_deleted",
	structure.InsertColumns: "cols_inserted", structure.DeleteColumns: "cols_deleted",
}

func (s *structureRun) lines(op *structureOp, kind structure.Kind, at int) error {
	i, name, err := s.on(op)
	if err != nil {
		return err
	}
	if err := s.restructure(structure.Change{Kind: kind, Sheet: name, At: at, Count: op.Count}); err != nil {
		return err
	}
	s.counts[lineCounts[kind]] += op.Count
	if kind == structure.InsertRows || kind == structure.InsertColumns {
		if err := s.formatInserted(op, i, kind == structure.InsertRows, at); err != nil {
			return err
		}
	}
	if kind != structure.InsertRows {
		return nil
	}
	if err := s.continueColumns(i, cell.Range{First: cell.Ref{Row: at}, Last: cell.Ref{Row: at + op.Count - 1, Col: cell.MaxCols - 1}}); err != nil {
		return err
	}
	if op.Expand {
		return s.expandSums(i, at, op.Count)
	}
	return nil
}

// continueColumns lets the calculated columns of tables go on in cells that came in as rows of their data: with the formula of the row
// above, or of the one below where that is the header.
func (s *structureRun) continueColumns(i int, in cell.Range) error {
	tables, err := s.snap.Tables(s.ctx)
	if err != nil {
		return err
	}
	sheet, err := s.snap.Sheet(s.ctx, i)
	if err != nil {
		return err
	}
	set := book.SetCells{Sheet: s.snap.Workbook().Sheets[i].Name}
	for k := range tables {
		t := &tables[k]
		first, last, ok := t.Rows(false, true, false)
		if t.Sheet != i || !ok || in.First.Row < first || in.Last.Row > last || in.First.Col > t.Range.First.Col || in.Last.Col < t.Range.Last.Col {
			continue
		}
		from := in.First.Row - 1
		if from < first {
			from = in.Last.Row + 1
		}
		for _, e := range continued(sheet, t, from, in.First.Row, in.Last.Row) {
			if !s.room.take(e) {
				return s.room.err()
			}
			set.Cells = append(set.Cells, e)
		}
	}
	if len(set.Cells) == 0 {
		return nil
	}
	return s.batch.do(set)
}

// expandSums lets sums in the row below new ones, which end in the row above these, take them in.
func (s *structureRun) expandSums(i, at, count int) error {
	sheet, err := s.snap.Sheet(s.ctx, i)
	if err != nil {
		return err
	}
	set := book.SetCells{Sheet: s.snap.Workbook().Sheets[i].Name}
	row := at + count
	for c := range sheet.Cells(cell.Range{First: cell.Ref{Row: row}, Last: cell.Ref{Row: row, Col: cell.MaxCols - 1}}) {
		if !c.HasFormula() {
			continue
		}
		text := book.StoredFormula(sheet, c)
		tree, err := formula.Parse(text)
		if err != nil {
			continue
		}
		to, touches, plain := expanded(tree, at-1, row-1)
		switch {
		case touches && plain:
			set.Cells = append(set.Cells, book.CellEdit{Ref: c.Ref, HasFormula: true, Formula: to})
		case touches:
			s.warn("WARN_SUM_EXPANSION_SKIPPED: %s has =%s, which is more than the sum of one column", address(set.Sheet, c.Ref), clip(formula.Display(text), 80))
		}
	}
	if len(set.Cells) == 0 {
		return nil
	}
	s.counts["sums_expanded"] += len(set.Cells)
	return s.batch.do(set)
}

// expanded gives the sum of a range whose last row was one and is to be another. touches reports whether the formula has
// such a range, plain whether it is SUM or SUBTOTAL of that alone, a part of one column.
func expanded(tree *formula.Tree, was, is int) (text string, touches, plain bool) {
	root := tree.Root
	if root.Kind == formula.Call {
		switch strings.ToUpper(root.Function()) {
		case "SUM":
			plain = len(root.Kids) == 1
		case "SUBTOTAL":
			plain = len(root.Kids) == 2
		}
	}
	n := 0
	to := tree.Rewrite(func(r formula.Reference) formula.Reference {
		n++
		if r.Kind != formula.AreaRef || r.Qualified() || int(r.Last.Row) != was || r.First.Row > r.Last.Row {
			return r
		}
		touches = true
		plain = plain && r.First.Col == r.Last.Col
		r.Last.Row = int32(is)
		return r
	})
	return to.String(), touches, plain && n == 1
}

func (s *structureRun) sheets(op *structureOp) error {
	book := s.snap.Workbook()
	switch op.Kind {
	case "create_sheet":
		if op.Name == "" {
			return s.missing(op, "name")
		}
		if problem := lineProblem(op.Name); problem != "" {
			return invalid("", "name: %s", problem)
		}
		at := len(book.Sheets)
		if op.Position != nil && *op.Position <= at {
			at = *op.Position
		} else if op.Position != nil {
			s.warn("WARN_SHEET_POSITION: there are %d sheets, and so %q comes behind them", at, op.Name)
		}
		if err := s.restructure(structure.Change{Kind: structure.AddSheet, Sheet: op.Name, Position: at}); err != nil {
			return err
		}
		s.counts["sheets_created"]++
	case "delete_sheet":
		name, err := s.named(op, op.Name, "name")
		if err != nil {
			return err
		}
		if err := s.restructure(structure.Change{Kind: structure.DeleteSheet, Sheet: name}); err != nil {
			return err
		}
		s.counts["sheets_deleted"]++
	case "rename_sheet":
		name, err := s.named(op, op.OldName, "old_name")
		if err != nil {
			return err
		}
		if op.NewName == "" {
			return s.missing(op, "new_name")
		}
		if op.NewName == name {
			s.warn("WARN_NOTHING_TO_DO: sheet %q has that name already", name)
			return nil
		}
		if err := s.restructure(structure.Change{Kind: structure.RenameSheet, Sheet: name, Name: op.NewName}); err != nil {
			return err
		}
		s.counts["sheets_renamed"]++
	case "move_sheet":
		text := op.Name
		if text == "" {
			text = op.Sheet
		}
		name, err := s.named(op, text, "name")
		if err != nil {
			return err
		}
		at := len(book.Sheets) - 1
		if op.Position != nil {
			at = *op.Position
		}
		if i, _ := s.snap.SheetIndex(name); i == at {
			s.warn("WARN_NOTHING_TO_DO: sheet %q is at that position already", name)
			return nil
		}
		if err := s.restructure(structure.Change{Kind: structure.MoveSheet, Sheet: name, Position: at}); err != nil {
			return err
		}
		s.counts["sheets_moved"]++
	}
	return nil
}

// named gives the name of a sheet as the workbook has it.
func (s *structureRun) named(op *structureOp, text, field string) (string, error) {
	if text == "" {
		return "", s.missing(op, field)
	}
	i, err := sheetNamed(s.snap, text)
	if err != nil {
		return "", err
	}
	return s.snap.Workbook().Sheets[i].Name, nil
}

// structureText words a structural change.
func structureText(c structure.Change) string {
	what := strings.ReplaceAll(string(c.Kind), "_", " ")
	rows, _, lines := c.Lines()
	switch {
	case lines && rows:
		return fmt.Sprintf("%s %d:%d", what, c.At+1, c.At+c.Count)
	case lines:
		return fmt.Sprintf("%s %s:%s", what, cell.ColumnName(c.At), cell.ColumnName(c.At+c.Count-1))
	case c.Kind == structure.MoveCells:
		return fmt.Sprintf("%s %v to %s", what, c.Range, address(c.Target(), c.To))
	case c.Kind == structure.RenameSheet:
		return what + " to " + cell.QuoteSheet(c.Name)
	case c.Kind == structure.DeleteSheet:
		return what
	}
	return fmt.Sprintf("%s at %d", what, c.Position)
}
