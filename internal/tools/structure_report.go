package tools

import (
	"fmt"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
	"gridflow/internal/until"
)

// impactReport is spreadsheet-mcp's account of what rows and columns that come or go do to others.
type impactReport struct {
	Spans      []shiftedSpan `json:"shifted_spans"`
	Warnings   []crossedRef  `json:"absolute_ref_warnings"`
	Affected   int           `json:"tokens_affected"`
	Unaffected int           `json:"tokens_unaffected"`
	Notes      []string      `json:"notes,omitempty"`
}

type shiftedSpan struct {
	Op          int    `json:"op_index"`
	Sheet       string `json:"sheet_name"`
	Axis        string `json:"axis"`
	Description string `json:"description"`
	At          int    `json:"at"`
	Count       int    `json:"count"`
	Direction   string `json:"direction"`
}

type crossedRef struct {
	Code    string `json:"warning_code"`
	Cell    string `json:"cell"`
	Formula string `json:"formula"`
	Token   string `json:"token"`
	Message string `json:"message"`
}

type formulaDelta struct {
	Cell           string `json:"cell"`
	Before         string `json:"before"`
	After          string `json:"after"`
	Classification string `json:"classification"` // "shifted" or "deleted_ref"
	Warning        string `json:"warning_code,omitempty"`
}

// What a report lists at most.
const (
	deltasMax       = 50
	absoluteRefsMax = 100
)

// report gives the report, nil where none is wanted.
func (s *structureRun) report() *impactReport {
	if !s.impact {
		return nil
	}
	r := s.found
	if r.Spans == nil {
		r.Spans = []shiftedSpan{}
	}
	if r.Warnings == nil {
		r.Warnings = []crossedRef{}
	}
	return &r
}

// formulas calls f with each formula of the workbook as it reads in its cell; of a shared one only with the
// first that it meets, where each is not needed.
func (s *structureRun) formulas(each bool, f func(sheet string, at cell.Ref, text string) bool) error {
	for i, info := range s.snap.Workbook().Sheets {
		if info.Kind != grid.Worksheet {
			continue
		}
		sheet, err := s.snap.Sheet(s.ctx, i)
		if err != nil {
			return err
		}
		if sheet.FormulaCells() == 0 {
			continue
		}
		seen := map[grid.Formula]bool{}
		for c := range until.Done(s.ctx, sheet.Cells(cell.WholeSheet)) {
			if !c.HasFormula() {
				continue
			}
			if own := sheet.Formula(c); own.Kind == grid.SharedFormula && !each {
				if seen[own] {
					continue
				}
				seen[own] = true
			}
			if !f(info.Name, c.Ref, book.StoredFormula(sheet, c)) {
				break
			}
		}
		if s.ctx.Err() != nil {
			return s.ctx.Err()
		}
	}
	return nil
}

// parse finds the formulas of the workbook that do not parse: they stay as they are, whatever moves.
func (s *structureRun) parse() error {
	var wrong error
	err := s.formulas(false, func(sheet string, at cell.Ref, text string) bool {
		if _, err := formula.Parse(text); err != nil {
			if s.policy == "fail" {
				wrong = fail("FORMULA_PARSE_FAILED", `Give formula_parse_policy "warn" to leave it as it is`, "%s: =%s does not parse, and so its references cannot follow: %v", address(sheet, at), clip(text, 80), err)
				return false
			}
			s.bad = append(s.bad, badFormula{sheet, at.String(), text, err.Error()})
		}
		return true
	})
	if wrong != nil {
		return wrong
	}
	return err
}

// look notes what a change will do to the formulas that there are, if that is wanted.
func (s *structureRun) look(c structure.Change) error {
	if !s.impact && !s.delta {
		return nil
	}
	names := make([]string, len(s.snap.Workbook().Sheets))
	for i, info := range s.snap.Workbook().Sheets {
		names[i] = info.Name
	}
	if c.Check(names) != nil {
		return nil // it will be refused
	}
	rows, deletes, lines := c.Lines()
	if lines && s.impact {
		s.found.Spans = append(s.found.Spans, spanOf(s.op, c))
	}
	r := c.Rewriter(names)
	return s.formulas(true, func(sheet string, at cell.Ref, text string) bool {
		after, changed := r.FormulaAt(text, sheet, at)
		if changed && s.delta && len(s.deltas) < deltasMax {
			s.deltas = append(s.deltas, deltaOf(address(sheet, at), text, after))
		}
		if lines && s.impact {
			s.tokens(c, r, sheet, at, text, rows, deletes)
		}
		return s.impact || len(s.deltas) < deltasMax
	})
}

func spanOf(op int, c structure.Change) shiftedSpan {
	rows, deletes, _ := c.Lines()
	span := shiftedSpan{Op: op, Sheet: c.Sheet, Axis: "col", At: c.At + 1, Count: c.Count, Direction: "insert"}
	first := "columns from " + cell.ColumnName(c.At)
	if rows {
		span.Axis, first = "row", fmt.Sprintf("rows from %d", c.At+1)
	}
	span.Description = fmt.Sprintf("%s on move by %d", first, c.Count)
	if deletes {
		span.Direction = "delete"
		span.Description = fmt.Sprintf("%d %ss go from %d on, and those behind them move up", c.Count, span.Axis, c.At+1)
	}
	return span
}

func deltaOf(at, before, after string) formulaDelta {
	d := formulaDelta{Cell: at, Before: formula.Display(before), After: formula.Display(after), Classification: "shifted"}
	if gone(after) > gone(before) {
		d.Classification, d.Warning = "deleted_ref", "DELETED_REF"
	}
	return d
}

// gone counts the references of a formula that are none any more.
func gone(text string) (n int) {
	_, _ = formula.RewriteText(text, func(r formula.Reference) formula.Reference {
		if r.Kind == formula.DeletedRef || r.Sheet() == "#REF!" {
			n++
		}
		return r
	})
	return n
}

// tokens counts the references of a formula that a change of rows or columns moves, and notes absolute ones.
func (s *structureRun) tokens(c structure.Change, r *structure.Rewriter, own string, at cell.Ref, text string, rows, deletes bool) {
	_, _ = formula.RewriteText(text, func(x formula.Reference) formula.Reference {
		area, ok := x.Range()
		if !ok || x.Book() != "" || x.LastSheet() != "" {
			return x
		}
		sheet := own
		if x.Qualified() {
			sheet = x.Sheet()
		}
		to, left := r.Range(sheet, area)
		if left && to == area {
			s.found.Unaffected++
			return x
		}
		s.found.Affected++
		absolute := x.First.AbsCol || x.Last.AbsCol
		if rows {
			absolute = x.First.AbsRow || x.Last.AbsRow
		}
		if !absolute || len(s.found.Warnings) >= absoluteRefsMax {
			return x
		}
		w := crossedRef{Code: "ABSOLUTE_REF_CROSS_INSERT", Cell: address(own, at), Formula: clip(formula.Display(text), 200), Token: absoluteCorners(x, area)}
		if deletes {
			w.Code = "ABSOLUTE_REF_CROSS_DELETE"
		}
		if w.Message = fmt.Sprintf("%s becomes %v", w.Token, to); !left {
			w.Message = w.Token + " is deleted"
		}
		s.found.Warnings = append(s.found.Warnings, w)
		if len(s.found.Warnings) == absoluteRefsMax {
			s.found.Notes = append(s.found.Notes, fmt.Sprintf("only the first %d absolute references are listed", absoluteRefsMax))
		}
		return x
	})
}

// absoluteCorners writes a reference as its formula has it.
func absoluteCorners(x formula.Reference, area cell.Range) string {
	corner := func(at cell.Ref, c formula.Corner) string {
		text := ""
		if x.Kind != formula.RowsRef {
			if c.AbsCol {
				text += "$"
			}
			text += cell.ColumnName(at.Col)
		}
		if x.Kind != formula.ColumnsRef {
			if c.AbsRow {
				text += "$"
			}
			text += fmt.Sprint(at.Row + 1)
		}
		return text
	}
	text := corner(area.First, x.First)
	if x.Kind != formula.CellRef {
		text += ":" + corner(area.Last, x.Last)
	}
	if x.Sheet() != "" {
		text = cell.QuoteSheet(x.Sheet()) + "!" + text
	}
	return text
}

func (o *structureBatchOut) appendText(b []byte, verbose bool) []byte {
	b = o.batchOut.appendText(b, verbose)
	if r := o.Impact; r != nil {
		b = fmt.Appendf(b, "impact: %d references move, %d stay\n", r.Affected, r.Unaffected)
		for _, x := range r.Spans {
			b = fmt.Appendf(b, "  op %d, %s: %s\n", x.Op+1, plain(x.Sheet), x.Description)
		}
		for _, w := range r.Warnings {
			b = fmt.Appendf(b, "  %s %s =%s: %s\n", w.Code, plain(w.Cell), plain(w.Formula), plain(w.Message))
		}
		for _, n := range r.Notes {
			b = fmt.Appendf(b, "  %s\n", n)
		}
	}
	if len(o.Delta) > 0 {
		b = append(b, "formulas:\n"...)
		for _, d := range o.Delta {
			b = fmt.Appendf(b, "  %s\t=%s → =%s", plain(d.Cell), plain(d.Before), plain(d.After))
			if d.Warning != "" {
				b = append(append(b, "\t"...), d.Warning...)
			}
			b = append(b, '\n')
		}
	}
	return b
}
