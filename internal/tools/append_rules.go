package tools

import (
	"slices"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// growRules lets conditional formats and validations go on over rows that were appended below some data, down to row last: those that
// hold for all of a column of the data, down to where these ended. The first row of the data may be headings, for which they need not
// hold. A cell that has a validation keeps it.
func (e *editor) growRules(index int, sheet *grid.Sheet, data cell.Range, last int) {
	if data.Rows() < 2 {
		return // they may be headings
	}
	n := 0
	grown := func(list []cell.Range) (out []cell.Range) {
		for i, r := range list {
			if r.Last.Row != data.Last.Row || r.First.Row > min(data.First.Row+1, data.Last.Row) || r.First.Col > data.Last.Col || r.Last.Col < data.First.Col {
				continue
			}
			if out == nil {
				out = slices.Clone(list)
			}
			if data.First.Col <= r.First.Col && r.Last.Col <= data.Last.Col {
				out[i].Last.Row = last
				continue
			}
			out = append(out, cell.Range{First: cell.Ref{Row: data.Last.Row + 1, Col: max(r.First.Col, data.First.Col)}, Last: cell.Ref{Row: last, Col: min(r.Last.Col, data.Last.Col)}})
		}
		return out
	}
	a := book.Arrange{Sheet: e.snap.Workbook().Sheets[index].Name}
	below := cell.Range{First: cell.Ref{Row: data.Last.Row + 1, Col: data.First.Col}, Last: cell.Ref{Row: last, Col: data.Last.Col}}
	validations := slices.Clone(sheet.Layout.Validations)
	taken := []cell.Range{}
	for _, v := range validations {
		for _, r := range v.Ranges {
			if m, meet := r.Intersect(below); meet {
				taken = append(taken, m)
			}
		}
	}
	for i, v := range validations {
		ranges := grown(v.Ranges)
		if ranges == nil || meets(ranges, taken) {
			continue
		}
		validations[i].Ranges, a.Validations = ranges, &validations
		n++
	}
	formats := slices.Clone(sheet.Layout.Conditional)
	for i, f := range formats {
		if ranges := grown(f.Ranges); ranges != nil {
			formats[i].Ranges, a.Conditional = ranges, &formats
			n++
		}
	}
	if a.Validations != nil || a.Conditional != nil {
		e.rules, e.rulesGrown = append(e.rules, a), e.rulesGrown+n
	}
}

// dataAbove gives the rows of some columns that stand together above and in row last: up to an empty one, or to the first.
func dataAbove(sheet *grid.Sheet, first, last cell.Ref) cell.Range {
	block := cell.Range{First: cell.Ref{Row: last.Row, Col: first.Col}, Last: last}
	for row := last.Row; row >= 0; row-- {
		filled := false
		for c := range sheet.Cells(cell.Range{First: cell.Ref{Row: row, Col: first.Col}, Last: cell.Ref{Row: row, Col: last.Col}}) {
			if filled = filled || !c.Empty(); filled {
				break
			}
		}
		if !filled {
			break
		}
		block.First.Row = row
	}
	return block
}
