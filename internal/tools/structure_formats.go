package tools

import (
	"cmp"
	"slices"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/until"
)

// inheritedMax is how many cells inserted rows and columns have formats of: a column of a million rows is not to cost
// a million cells where somebody wanted a column.
const inheritedMax = 1 << 17

// formatInserted gives rows or columns that were inserted into a sheet the formats of those beside them: of what
// stands before them, as Excel does, or after them, which is so below the headers of a table, too. Where there are
// none, or too many cells, they stay as they are.
func (s *structureRun) formatInserted(op *structureOp, i int, rows bool, at int) error {
	from := at - 1
	switch cmp.Or(op.Formats, s.formats) {
	case "none":
		return nil
	case "after":
		from = at + op.Count
	default:
		below, err := s.belowHeader(i, rows, at)
		if err != nil {
			return err
		}
		if below {
			from = at + op.Count
		}
	}
	size := cell.MaxCols
	if rows {
		size = cell.MaxRows
	}
	if from < 0 || from >= size {
		return nil
	}
	sheet, err := s.snap.Sheet(s.ctx, i)
	if err != nil {
		return err
	}
	name, copier := s.snap.Workbook().Sheets[i].Name, s.snap.NewCopier()
	if style := lineFormat(sheet, rows, from); style != lineFormat(sheet, rows, at) {
		lines := book.FormatLines{Sheet: name, Rows: rows, Spans: []book.Lines{{First: at, Last: at + op.Count - 1}}, Anew: true, Settings: copier.Formats(0, style)}
		if err := s.batch.do(lines); err != nil {
			return err
		}
		if sheet, err = s.snap.Sheet(s.ctx, i); err != nil {
			return err
		}
	}
	ranges := map[uint32][]cell.Range{} // by style
	var styles []uint32                 // in the order in which they come
	n := int64(0)
	for c := range until.Done(s.ctx, sheet.Cells(lineRange(rows, from, from))) {
		to := lineRange(rows, at, at+op.Count-1)
		if rows {
			to.First.Col, to.Last.Col = c.Ref.Col, c.Ref.Col
		} else {
			to.First.Row, to.Last.Row = c.Ref.Row, c.Ref.Row
		}
		if sheet.StyleAt(to.First) == c.Style {
			continue
		}
		if n += to.Cells(); n > inheritedMax {
			s.warn("WARN_FORMATS_LEFT: the new lines have the formats of %s only where whole lines have them: there are too many cells. style_batch formats ranges", lineRange(rows, from, from))
			return nil
		}
		list := ranges[c.Style]
		if list == nil {
			styles = append(styles, c.Style)
		}
		if k := len(list) - 1; k >= 0 && (rows && list[k].Last.Col == to.First.Col-1 || !rows && list[k].Last.Row == to.First.Row-1) {
			list[k].Last = to.Last
		} else {
			ranges[c.Style] = append(list, to)
		}
	}
	if err := s.ctx.Err(); err != nil {
		return err
	}
	for _, style := range styles {
		if err := s.batch.do(book.FormatCells{Sheet: name, Ranges: ranges[style], Anew: true, Settings: copier.Formats(0, style)}); err != nil {
			return err
		}
	}
	return nil
}

// belowHeader reports whether rows were inserted right below the headers of a table, of which they are the first now:
// they are to look as the others.
func (s *structureRun) belowHeader(i int, rows bool, at int) (bool, error) {
	if !rows {
		return false, nil
	}
	tables, err := s.snap.Tables(s.ctx)
	return err == nil && slices.ContainsFunc(tables, func(t grid.Table) bool {
		return t.Sheet == i && t.HeaderRows > 0 && t.Range.First.Row+t.HeaderRows == at
	}), s.ctx.Err()
}

// lineFormat is the format that a row or a column has as such.
func lineFormat(sheet *grid.Sheet, rows bool, n int) uint32 {
	if rows {
		row, _ := sheet.Layout.Row(n)
		return row.Style
	}
	col, _ := sheet.Layout.Column(n)
	return col.Style
}

// lineRange is all of some rows or columns.
func lineRange(rows bool, first, last int) cell.Range {
	r := cell.WholeSheet
	if rows {
		r.First.Row, r.Last.Row = first, last
	} else {
		r.First.Col, r.Last.Col = first, last
	}
	return r
}
