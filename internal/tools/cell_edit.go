package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/forks"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

// cellEditIn is one edit of edit_batch, also in the short form of a text: A1=100, A1==SUM(B:B).
type cellEditIn struct {
	Address   string   `json:"address" required:"true" doc:"B2, or Sheet2!B2"`
	Sheet     string   `json:"sheet_name"`
	Value     *Scalars `json:"value" doc:"Text, or a JSON number or boolean; null empties the cell"`
	Formula   string   `json:"formula"`
	IsFormula bool     `json:"is_formula" default:"false"`
	Date      string   `json:"date" doc:"2026-11-26, 2026-11-26T14:30 or 14:30: a date or time instead of a text"`
	NumFmt    string   `json:"number_format" doc:"Format code, such as 0.00% or yyyy-mm-dd"`
	Clear     bool     `json:"clear" default:"false"`

	short bool // it was given in the short form
}

// setText reads the short form.
func (e *cellEditIn) setText(text string) (problem string) {
	address, value, ok := strings.Cut(text, "=")
	if !ok {
		return fmt.Sprintf("%q has no =; write A1=100 for a value and A1==SUM(B:B) for a formula", clip(text, 60))
	}
	*e = cellEditIn{Address: strings.TrimSpace(address), short: true}
	if f, ok := strings.CutPrefix(value, "="); ok {
		e.Formula = f
		return ""
	}
	e.Value = &Scalars{{Kind: TextScalar, Text: value}}
	return ""
}

// editor turns what callers say of cells into an edit. It keeps the order in which sheets
// are named first.
type editor struct {
	snap   *book.Snapshot
	sheet  int  // where addresses without a sheet are, -1 where each has to say
	guess  bool // texts that look like a number, a logical value or a date become one
	policy string
	pinned bool // places were chosen by what the snapshot has: they are wrong on any other version
	typed  bool // values that begin with = are said to be formulas
	room   *room

	before     []book.Op          // that the snapshot is the outcome of, and that come first
	headed     []book.TableChange // of tables whose headers or totals are edited
	grown      []book.GrowTable
	grownTexts []string
	rules      []book.Arrange // that go on over appended rows
	rulesGrown int
	sheets     []*sheetEdits
	bySheet    map[int]*sheetEdits
	warnings   []string
	bad        []badFormula
}

// sheetEdits are edits of cells of one sheet, one of each cell.
type sheetEdits struct {
	book.SetCells
	at map[cell.Ref]int // where the edit of a cell is; nil while they are row by row, as those of ranges are
}

// find gives where the edit of a cell is.
func (s *sheetEdits) find(ref cell.Ref) (int, bool) {
	if s.at != nil {
		i, ok := s.at[ref]
		return i, ok
	}
	return slices.BinarySearchFunc(s.Cells, ref, func(c book.CellEdit, ref cell.Ref) int { return c.Ref.Compare(ref) })
}

// set notes an edit, and says whether it is in place of another.
func (s *sheetEdits) set(c book.CellEdit) (again bool) {
	n := len(s.Cells)
	if s.at == nil && n > 0 && s.Cells[n-1].Ref.Compare(c.Ref) >= 0 {
		s.at = make(map[cell.Ref]int, n+1)
		for i := range s.Cells {
			s.at[s.Cells[i].Ref] = i
		}
	}
	if s.at != nil {
		if i, ok := s.at[c.Ref]; ok {
			s.Cells[i] = c
			return true
		}
		s.at[c.Ref] = n
	}
	if n == cap(s.Cells) {
		s.Cells = slices.Grow(s.Cells, max(n, 8)) // append grows long slices by a quarter, and leaves five times of them behind
	}
	s.Cells = append(s.Cells, c)
	return false
}

// badFormula is a formula that does not parse, and was left out.
type badFormula struct {
	sheet, address, text, message string
}

func newEditor(snap *book.Snapshot, sheet int, guess bool, policy string) *editor {
	return &editor{snap: snap, sheet: sheet, guess: guess, policy: policy, bySheet: map[int]*sheetEdits{}}
}

// edit gives what was collected.
func (e *editor) edit() book.Edit {
	out := book.Edit{Ops: slices.Clone(e.before)}
	for _, s := range e.sheets {
		if len(s.Cells) > 0 { // fewer than were expected
			out.Ops = append(out.Ops, s.SetCells)
		}
	}
	if len(e.headed) > 0 {
		out.Ops = append(out.Ops, book.ArrangeTables{Tables: e.headed})
	}
	for _, g := range e.grown {
		out.Ops = append(out.Ops, g)
	}
	for _, a := range e.rules {
		out.Ops = append(out.Ops, a)
	}
	return out
}

func (e *editor) besides() []beside { return nil }

func (e *editor) onlyHere() bool { return e.pinned }

func (e *editor) operations() int { return e.edit().Cells() }

func (e *editor) told() (warnings []string, kinds []string, counts map[string]int) {
	if e.rulesGrown > 0 {
		counts = map[string]int{"rules_extended": e.rulesGrown}
	}
	return e.warnings, nil, counts
}

// warn notes something once.
func (e *editor) warn(format string, args ...any) {
	if w := fmt.Sprintf(format, args...); len(e.warnings) < warningsMax && !slices.Contains(e.warnings, w) {
		e.warnings = append(e.warnings, w)
	}
}

const warningsMax = 20

// of gives the edits of a sheet.
func (e *editor) of(sheet int) *sheetEdits {
	s := e.bySheet[sheet]
	if s == nil {
		s = &sheetEdits{SetCells: book.SetCells{Sheet: e.snap.Workbook().Sheets[sheet].Name}}
		e.bySheet[sheet], e.sheets = s, append(e.sheets, s)
	}
	return s
}

// expect makes room for edits of so many cells of a sheet, where it is known that there will be many.
func (e *editor) expect(sheet int, cells int64) {
	if cells = e.room.fitting(cells); cells > 0 {
		s := e.of(sheet)
		s.Cells = slices.Grow(s.Cells, int(cells))
	}
}

// set notes an edit of a cell, where there is room for it; foresee says whether there was.
func (e *editor) set(sheet int, c book.CellEdit) {
	if e.room.take(c) && e.of(sheet).set(c) {
		e.warn("WARN_REPEATED_CELL: %s is given more than once; the last counts", c.Ref)
	}
}

// add reads one edit of a caller.
func (e *editor) add(ctx context.Context, in cellEditIn) error {
	sheet, ref, err := e.at(in.Sheet, in.Address)
	if err != nil {
		return err
	}
	if in.short {
		e.warn("WARN_SHORTHAND_EDIT: A1=… was read as an address and a value; {\"address\":…} says more")
	}
	c := book.CellEdit{Ref: ref, NumFmt: in.NumFmt}
	given := 0
	for _, b := range []bool{in.Value != nil, in.Formula != "", in.Date != "", in.Clear} {
		if b {
			given++
		}
	}
	switch {
	case in.Formula != "" && in.Value != nil: // as spreadsheet-mcp has it
		in.Value = nil
		e.warn("WARN_VALUE_IGNORED: %s is given a formula and a value; the formula counts", ref)
	case given > 1:
		return invalid("Give one of value, formula, date and clear", "%s is given more than one content", ref)
	case given == 0 && in.NumFmt == "":
		return invalid("Give one of value, formula, date and clear", "%s is given no content", ref)
	case given == 0:
		c.Keep = true
	}
	switch {
	case in.Clear:
		c.Clear = true
	case in.Formula != "":
		c.HasFormula, c.Formula = true, e.formula(in.Formula, ref)
	case in.Date != "":
		if err := e.date(&c, in.Date); err != nil {
			return err
		}
	case in.Value != nil:
		if err := e.value(&c, *in.Value, in.IsFormula); err != nil {
			return err
		}
	}
	if in.NumFmt == "" && c.NumFmt != "" {
		on, err := e.snap.Sheet(ctx, sheet)
		if err != nil {
			return err
		}
		e.dated(on, &c)
	}
	if c.HasFormula {
		if f, ok := strings.CutPrefix(strings.TrimSpace(c.Formula), "="); ok {
			c.Formula = f
			if in.Formula != "" {
				e.warn("WARN_FORMULA_PREFIX: a leading = was taken off a formula")
			}
		}
		if ok, err := e.parses(sheet, c); !ok {
			return err
		}
	}
	e.set(sheet, c)
	return nil
}

// at finds the cell that is meant.
func (e *editor) at(sheetName, address string) (sheet int, ref cell.Ref, err error) {
	sheet = e.sheet
	text := strings.TrimSpace(address)
	if name, rest, ok := cell.SplitSheet(text); ok && name != "" {
		sheetName, text = name, rest
	}
	if sheetName != "" {
		if sheet, err = sheetNamed(e.snap, sheetName); err != nil {
			return 0, ref, err
		}
	}
	if sheet < 0 {
		return 0, ref, invalid("Give sheet_name, or write the address as Sheet1!B2", "%q does not say on which sheet it is", clip(address, 60))
	}
	ref, ok := cell.ParseRef(strings.ReplaceAll(text, "$", ""))
	if !ok {
		return 0, ref, fail(codeRangeInvalid, "Write one cell, such as B2 or Sheet2!B2", "%q is no cell", clip(address, 60))
	}
	return sheet, ref, nil
}

// value reads a JSON value.
func (e *editor) value(c *book.CellEdit, v Scalars, isFormula bool) error {
	if len(v) != 1 {
		return invalid("Give each cell an edit of its own", "%s is given %d values", c.Ref, len(v))
	}
	e.scalar(c, v[0], isFormula)
	return nil
}

func (e *editor) scalar(c *book.CellEdit, v Scalar, isFormula bool) {
	switch v.Kind {
	case NullScalar:
		c.Clear = true
	case NumberScalar:
		c.Value = cell.NumberValue(v.Number)
		if longNumber(v.Text) {
			e.warn("WARN_DIGITS: a number keeps 15 digits; give numbers that are names, as of cards and accounts, as texts (%s)", c.Ref)
		}
	case BoolScalar:
		c.Value = cell.BoolValue(v.Number != 0)
	case TextScalar:
		text := v.Text
		switch {
		case isFormula || len(text) > 1 && text[0] == '=':
			if !isFormula && !e.typed {
				e.warn("WARN_FORMULA_PREFIX: a value that begins with = was taken for a formula; begin it with '= for a text")
			}
			c.HasFormula, c.Formula = true, e.formula(text, c.Ref)
		case strings.HasPrefix(text, "'="):
			c.Value = cell.TextValue(text[1:])
		case e.guess:
			e.guessed(c, text)
		case text == "":
			c.Clear = true // a cell without a text: an empty one would look the same and count as filled
		default:
			c.Value = cell.TextValue(text)
		}
	}
}

// formula gives a formula as Excel keeps what is typed.
func (e *editor) formula(text string, at cell.Ref) string {
	is := formula.Typed(text)
	if is != text {
		e.warn("WARN_DIGITS: of a number in a formula the first 15 digits count, as in Excel (%s)", at)
	}
	return is
}

// guessed reads a text as somebody who types it into a cell would expect.
func (e *editor) guessed(c *book.CellEdit, text string) {
	trimmed := strings.TrimSpace(text)
	if n, ok := numericText(trimmed); ok && !longNumber(trimmed) {
		c.Value = cell.NumberValue(n)
		return
	}
	switch strings.ToUpper(trimmed) {
	case "":
		c.Clear = true
		return
	case "TRUE", "FALSE":
		c.Value = cell.BoolValue(strings.EqualFold(trimmed, "true"))
		return
	}
	if code, ok := cell.ParseError(strings.ToUpper(trimmed)); ok {
		c.Value = cell.ErrorValue(code)
		return
	}
	if len(trimmed) >= len("2026-11-26") && e.date(c, trimmed) == nil { // 10:30 is as often a score as a time
		return
	}
	c.Value = cell.TextValue(text)
}

// longNumber tells whether a number is written with more digits than a cell keeps.
func longNumber(text string) bool {
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	digits := strings.Trim(strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, mantissa), "0")
	return len(digits) > 15
}

// date reads a date or a time, and shows it as one where the cell is to have no other format.
func (e *editor) date(c *book.CellEdit, text string) error {
	serial, kind, ok := numfmt.ParseISO(strings.TrimSpace(text), e.snap.Workbook().Dates)
	if !ok {
		return invalid("Write it as 2026-11-26, 2026-11-26T14:30:00 or 14:30", "%s: %q is no date or time of this workbook's calendar", c.Ref, clip(text, 60))
	}
	c.Value = cell.NumberValue(serial)
	if c.NumFmt == "" {
		switch kind {
		case numfmt.Time:
			c.NumFmt = "hh:mm:ss"
		case numfmt.Datetime:
			c.NumFmt = "yyyy-mm-dd hh:mm:ss"
		default:
			c.NumFmt = "yyyy-mm-dd"
		}
	}
	return nil
}

// dated leaves the format of a cell alone that shows days, or times, as the one that c has got from its date or time does.
func (e *editor) dated(sheet *grid.Sheet, c *book.CellEdit) {
	if c.NumFmt == "" {
		return
	}
	ofDays := func(k numfmt.Kind) bool { return k == numfmt.Date || k == numfmt.Datetime }
	has := e.snap.Workbook().Styles.Format(sheet.StyleAt(c.Ref)).Kind()
	if has.IsDate() && ofDays(has) == ofDays(numfmt.Compile(c.NumFmt).Kind()) {
		c.NumFmt = ""
	}
}

// parses tells whether a formula is one, and what is to be done if not.
func (e *editor) parses(sheet int, c book.CellEdit) (ok bool, _ error) {
	if e.policy == "off" {
		return true, nil
	}
	_, err := formula.ParseTyped(c.Formula)
	if err == nil {
		return true, nil
	}
	if e.policy == "fail" {
		return false, fail("BAD_FORMULA", "Nothing was changed. Mend the formula: function names and separators are those of US English", "%s: =%s: %v", c.Ref, clip(c.Formula, 80), err)
	}
	e.bad = append(e.bad, badFormula{e.snap.Workbook().Sheets[sheet].Name, c.Ref.String(), c.Formula, err.Error()})
	return false, nil
}

// diagnostics groups the formulas that were left out, as spreadsheet-mcp shows them.
type diagnostics struct {
	Policy    string            `json:"policy"`
	Total     int               `json:"total_errors"`
	Truncated bool              `json:"groups_truncated"`
	Groups    []diagnosticGroup `json:"groups"`
}

type diagnosticGroup struct {
	Code    string   `json:"error_code"`
	Message string   `json:"error_message"`
	Sheet   string   `json:"sheet_name"`
	Preview string   `json:"formula_preview"`
	Count   int      `json:"count"`
	Samples []string `json:"sample_addresses"`
}

const (
	diagnosticGroupsMax  = 50
	diagnosticSamplesMax = 5
	diagnosticPreview    = 80
)

func (e *editor) diagnostics() *diagnostics {
	return diagnose(e.policy, e.bad)
}

// diagnose groups formulas that were left out, nil where there are none.
func diagnose(policy string, bad []badFormula) *diagnostics {
	if len(bad) == 0 {
		return nil
	}
	d := &diagnostics{Policy: policy, Total: len(bad)}
	index := map[[2]string]int{}
	for _, b := range bad {
		key := [2]string{b.sheet, b.message}
		i, ok := index[key]
		switch {
		case !ok && len(d.Groups) == diagnosticGroupsMax:
			d.Truncated = true
			continue
		case !ok:
			i = len(d.Groups)
			index[key] = i
			d.Groups = append(d.Groups, diagnosticGroup{"FORMULA_PARSE_FAILED", b.message, b.sheet, clip(b.text, diagnosticPreview), 0, nil})
		}
		g := &d.Groups[i]
		if g.Count++; len(g.Samples) < diagnosticSamplesMax {
			g.Samples = append(g.Samples, b.address)
		}
	}
	return d
}

// changedOut is what tools tell of a change that they made.
type changedOut struct {
	stamp
	Before       uint64   `json:"previous_version"`
	Applied      int      `json:"ops_applied"`
	RecalcNeeded bool     `json:"recalc_needed"`
	Summary      summary  `json:"summary"`
	Warnings     []string `json:"warnings"`
}

// summary is spreadsheet-mcp's account of a change.
type summary struct {
	Kinds    []string       `json:"op_kinds"`
	Sheets   []string       `json:"affected_sheets"`
	Bounds   []string       `json:"affected_bounds"`
	Counts   map[string]int `json:"counts"`
	Flags    summaryFlags   `json:"flags"`
	Warnings []string       `json:"warnings"`

	Calculated *calculated `json:"calculated,omitempty"`

	bounds cell.Range // of the sheet that is being counted
}

type summaryFlags struct {
	RecalcNeeded bool `json:"recalc_needed"`
}

// changed tells of a commit.
func changed(r forks.Result) changedOut {
	out := changedOut{stamp: stamp{r.Info.ID, r.Version}, Before: r.Before, RecalcNeeded: r.Info.Stale, Warnings: []string{}}
	if why := r.Info.StaleWhy; why != "" { // else they are calculated by and by
		out.Warnings = append(out.Warnings, warnStale+": formulas keep the values that they had: "+why)
	}
	out.Summary = summarize(r.Changeset, r.Info.Stale)
	for _, n := range out.Summary.Counts {
		out.Applied += n
	}
	return out
}

func (o *changedOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "%s: version %d (was %d)", o.ForkID, o.Version, o.Before)
	b = o.Summary.appendText(b)
	if o.RecalcNeeded {
		b = append(b, "; formulas are not recalculated yet"...)
	}
	b = append(b, '\n')
	if o.Summary.Calculated != nil {
		b = o.Summary.Calculated.appendText(b)
	}
	for _, w := range o.Warnings {
		b = append(append(append(b, "warning: "...), w...), '\n')
	}
	return b
}

// summarize tells what became different: counts by kind, and the bounds of it on each sheet.
func summarize(cs *book.Changeset, stale bool) summary {
	s := summary{Kinds: []string{}, Sheets: []string{}, Bounds: []string{}, Counts: map[string]int{}, Flags: summaryFlags{stale}, Warnings: []string{}}
	if cs == nil {
		return s
	}
	var calc calculated
	for c := range cs.Changes() {
		if c.Kind > book.CellModified {
			s.structure(&c)
			continue
		}
		if calc.add(&c); c.Calculated {
			continue
		}
		kind := "cells_value_set"
		switch {
		case c.Subtype == book.StyleEdit, blankCell(c.Old) && blankCell(c.New):
			kind = "cells_style_changed"
		case c.New.HasFormula:
			kind = "cells_formula_set"
		case !c.New.Stored || c.New.Value.IsBlank():
			kind = "cells_cleared"
		}
		s.count(c.Sheet, c.Ref, kind)
	}
	if d := cs.Calculation; d != nil {
		for _, x := range d.Circular[:min(len(d.Circular), recalcResults)] {
			calc.Circular = append(calc.Circular, address(x.Sheet, x.Ref))
		}
	}
	if cs.Stale {
		calc.Results = nil // nobody knows them yet
	}
	if calc.Cells > 0 || len(calc.Results) > 0 || calc.NewErrors > 0 || len(calc.Circular) > 0 {
		s.Calculated = &calc
	}
	s.end()
	return s
}

// blankCell tells whether a cell holds nothing, whatever it looks like.
func blankCell(c book.CellState) bool { return !c.HasFormula && c.Value.IsBlank() }

// structure notes a change of rows, columns or sheets.
func (s *summary) structure(c *book.Change) {
	kind, n := c.Kind.String(), 1
	switch c.Kind {
	case book.RowsInserted, book.RowsDeleted:
		n = c.Range.Rows()
	case book.ColumnsInserted, book.ColumnsDeleted:
		kind, n = strings.Replace(kind, "columns", "cols", 1), c.Range.Cols()
	case book.CellsMoved:
		kind = "ranges_moved"
	case book.SheetAdded:
		kind = "sheets_created"
	case book.SheetDeleted, book.SheetRenamed, book.SheetMoved:
		kind = strings.Replace(kind, "sheet_", "sheets_", 1)
	}
	s.Counts[kind] += n
	if c.Kind != book.SheetDeleted {
		s.affects(c.Sheet)
	}
}

// affects notes a sheet of which no cell may change.
func (s *summary) affects(sheet string) {
	if !slices.Contains(s.Sheets, sheet) {
		s.bound()
		s.Sheets, s.Bounds = append(s.Sheets, sheet), append(s.Bounds, "")
	}
}

// count notes one cell that is changed.
func (s *summary) count(sheet string, r cell.Ref, kind string) {
	if n := len(s.Sheets); n == 0 || s.Sheets[n-1] != sheet || len(s.Bounds) == n {
		s.bound()
		if i := slices.Index(s.Sheets, sheet); i >= 0 && s.Bounds[i] == "" { // so far none of its cells
			s.Sheets, s.Bounds = slices.Delete(s.Sheets, i, i+1), slices.Delete(s.Bounds, i, i+1)
		}
		s.Sheets = append(s.Sheets, sheet)
		s.bounds = cell.Range{First: r, Last: r}
	}
	s.bounds = cell.RangeOf(
		cell.Ref{Row: min(s.bounds.First.Row, r.Row), Col: min(s.bounds.First.Col, r.Col)},
		cell.Ref{Row: max(s.bounds.Last.Row, r.Row), Col: max(s.bounds.Last.Col, r.Col)})
	s.Counts[kind]++
}

// bound notes the bounds of the sheet that was counted last.
func (s *summary) bound() {
	if n := len(s.Sheets); n > len(s.Bounds) {
		s.Bounds = append(s.Bounds, cell.QuoteSheet(s.Sheets[n-1])+"!"+s.bounds.String())
	}
}

func (s *summary) end() {
	s.bound()
	s.Bounds = slices.DeleteFunc(s.Bounds, func(b string) bool { return b == "" }) // of sheets of which no cell changes
	s.Kinds = append(s.Kinds, "set_cells")
}

// countNames are the kinds of change in the order in which they are told, with the words.
var countNames = [...][2]string{
	{"rows_inserted", "rows inserted"}, {"rows_deleted", "rows deleted"}, {"cols_inserted", "columns inserted"}, {"cols_deleted", "columns deleted"},
	{"rows_relocated", "rows moved"}, {"cols_relocated", "columns moved"}, {"rows_cloned", "rows cloned"}, {"cells_inserted", "cells inserted"}, {"cells_deleted", "cells deleted"},
	{"cells_moved", "cells moved"}, {"cells_copied", "cells copied"}, {"sums_expanded", "sums expanded"}, {"sheets_created", "sheets created"}, {"sheets_deleted", "sheets deleted"}, {"sheets_renamed", "sheets renamed"}, {"sheets_moved", "sheets moved"},
	{"cells_value_set", "values set"}, {"cells_formula_set", "formulas set"}, {"cells_cleared", "cleared"}, {"cells_style_changed", "formats changed"},
	{"rules_extended", "rules extended"}, {"columns_touched", "columns formatted"}, {"rows_touched", "rows formatted"}}

func (s *summary) appendText(b []byte) []byte {
	sep := "; "
	for _, name := range countNames {
		if n := s.Counts[name[0]]; n > 0 {
			b = fmt.Appendf(b, "%s%d %s", sep, n, name[1])
			sep = ", "
		}
	}
	if len(s.Counts) == 0 {
		b = append(b, "; no cell became another"...)
	}
	if len(s.Bounds) > 0 {
		b = append(b, " in "...)
		b = appendEscaped(b, strings.Join(s.Bounds, ", "))
	}
	return b
}
