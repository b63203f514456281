package tools

import (
	"iter"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
	"gridflow/internal/until"
)

// moveLines moves rows or columns: it makes room, moves the cells, and takes away what they left.
func (s *structureRun) moveLines(op *structureOp) error {
	_, name, err := s.on(op)
	if err != nil {
		return err
	}
	rows := op.Kind == "move_rows"
	var start, to int
	switch {
	case rows && (op.StartRow == nil || op.ToRow == nil):
		return s.missing(op, "start_row and to_row")
	case rows:
		start, to = *op.StartRow-1, *op.ToRow-1
	default:
		if start, err = s.column(op, op.StartCol, "start_col"); err != nil {
			return err
		}
		if to, err = s.column(op, op.ToCol, "to_col"); err != nil {
			return err
		}
	}
	if to >= start && to <= start+op.Count {
		s.warn("WARN_NOTHING_TO_DO: they are there already")
		return nil
	}
	from := start
	if to < start {
		from += op.Count
	}
	block, dest := cell.WholeSheet, cell.Ref{}
	insert, remove := structure.InsertRows, structure.DeleteRows
	if rows {
		block.First.Row, block.Last.Row, dest.Row = from, min(from+op.Count, cell.MaxRows)-1, to
		s.counts["rows_relocated"] += op.Count
	} else {
		insert, remove = structure.InsertColumns, structure.DeleteColumns
		block.First.Col, block.Last.Col, dest.Col = from, min(from+op.Count, cell.MaxCols)-1, to
		s.counts["cols_relocated"] += op.Count
	}
	return s.restructure(
		structure.Change{Kind: insert, Sheet: name, At: to, Count: op.Count},
		structure.Change{Kind: structure.MoveCells, Sheet: name, Range: block, To: dest},
		structure.Change{Kind: remove, Sheet: name, At: from, Count: op.Count},
	)
}

// shiftCells inserts or deletes cells of a range: those beside it move.
func (s *structureRun) shiftCells(op *structureOp) error {
	i, name, err := s.on(op)
	if err != nil {
		return err
	}
	target, err := s.rng(op, op.Target, "target_range", i)
	if err != nil {
		return err
	}
	inserts := op.Kind == "insert_cells"
	down := op.Shift == "down" || op.Shift == "up"
	if want := map[bool]string{true: "down or right", false: "up or left"}[inserts]; !strings.Contains(want, op.Shift) || op.Shift == "" {
		return invalid("Give shift "+want, "%s needs shift %s", op.Kind, want)
	}
	if !inserts {
		s.counts["cells_deleted"] += int(target.Cells())
		change, ok := structure.Shifted(name, target, down, true)
		if !ok {
			return fewerCells(target)
		}
		return s.restructure(change)
	}
	s.counts["cells_inserted"] += int(target.Cells())
	if err := s.insertCells(i, target, down); err != nil || !down {
		return err
	}
	return s.continueColumns(i, target)
}

func fewerCells(r cell.Range) error {
	return fail(codeRangeInvalid, "Give fewer cells, or whole rows or columns to the operations for these", "behind %v there are fewer cells than it has", r)
}

// insertCells makes room in a sheet for cells: those there and below go down, or those to the right of them go right.
func (s *structureRun) insertCells(i int, in cell.Range, down bool) error {
	sheet, err := s.snap.Sheet(s.ctx, i)
	if err != nil {
		return err
	}
	name := s.snap.Workbook().Sheets[i].Name
	change, ok := structure.Shifted(name, in, down, false)
	if !ok {
		return fewerCells(in)
	}
	out := change.Destination() // what does not go there goes out of the sheet
	if down {
		out.First.Row = change.Range.Last.Row + 1
	} else {
		out.First.Col = change.Range.Last.Col + 1
	}
	for c := range sheet.Cells(out) {
		if !c.Empty() {
			return fail(codeRangeInvalid, "Insert fewer cells, or move what is there", "%s would go out of the sheet", address(name, c.Ref))
		}
	}
	return s.restructure(change)
}

// mergeCells merges a range, of which as in Excel only the first cell keeps what it holds, or takes apart what is merged in one.
func (s *structureRun) mergeCells(op *structureOp) error {
	i, name, err := s.on(op)
	if err != nil {
		return err
	}
	target, err := s.rng(op, op.Target, "target_range", i)
	if err != nil {
		return err
	}
	sheet, err := s.snap.Sheet(s.ctx, i)
	if err != nil {
		return err
	}
	apart := 0
	merges := slices.DeleteFunc(slices.Clone(sheet.Layout.Merges), func(m cell.Range) bool {
		_, meet := m.Intersect(target)
		if meet && m != target {
			apart++
		}
		return meet
	})
	if op.Kind == "unmerge_cells" {
		gone := len(sheet.Layout.Merges) - len(merges)
		if s.counts["cells_unmerged"] += gone; gone == 0 {
			s.warn("WARN_NOTHING_TO_DO: nothing is merged in %s", address(name, target.First))
			return nil
		}
		return s.batch.do(book.Arrange{Sheet: name, Merges: (*book.Ranges)(&merges)})
	}
	if target.Cells() < 2 {
		return invalid("Give a range of two cells or more", "one cell cannot be merged")
	}
	if apart > 0 {
		s.counts["cells_unmerged"] += apart
		s.warn("WARN_UNMERGED: %d merged ranges were taken apart where %v goes", apart, target)
	}
	merges = append(merges, target)
	s.counts["cells_merged"]++
	ops := []book.Op{book.Arrange{Sheet: name, Merges: (*book.Ranges)(&merges)}}
	empty := book.SetCells{Sheet: name}
	for c := range until.Done(s.ctx, sheet.Cells(target)) {
		if c.Ref != target.First && !c.Empty() && s.room.weigh(1) {
			empty.Cells = append(empty.Cells, book.CellEdit{Ref: c.Ref, Clear: true})
		}
	}
	if err := s.room.err(); err != nil {
		return err
	}
	if len(empty.Cells) > 0 {
		s.warn("WARN_MERGE_CLEARED: %d cells of %v were emptied: of merged cells only the first holds something", len(empty.Cells), target)
		ops = append(ops, empty)
	}
	return s.batch.do(ops...)
}

// rng reads a range of a sheet.
func (s *structureRun) rng(op *structureOp, text, name string, sheet int) (cell.Range, error) {
	if text == "" {
		return cell.Range{}, s.missing(op, name)
	}
	a, err := oneArea(s.ctx, s.snap, sheet, text)
	if err != nil {
		return cell.Range{}, err
	}
	if a.sheet != sheet {
		return cell.Range{}, invalid("Give that sheet as sheet_name", "%s %q is on another sheet", name, clip(text, 64))
	}
	return a.rng, nil
}

// cloneRow inserts rows and copies one into each of them.
func (s *structureRun) cloneRow(op *structureOp) error {
	i, name, err := s.on(op)
	if err != nil {
		return err
	}
	if op.Source == nil || op.InsertAt == nil {
		return s.missing(op, "source_row and insert_at")
	}
	source, at := *op.Source-1, *op.InsertAt-1
	if err := s.restructure(structure.Change{Kind: structure.InsertRows, Sheet: name, At: at, Count: op.Count}); err != nil {
		return err
	}
	if source >= at {
		source += op.Count
	}
	if source >= cell.MaxRows {
		return fail(codeRangeInvalid, "", "there is no row %d", *op.Source)
	}
	sheet, err := s.snap.Sheet(s.ctx, i)
	if err != nil {
		return err
	}
	set := book.SetCells{Sheet: name}
	copier := s.snap.NewCopier()
	formulas := false
	for c := range sheet.Cells(cell.Range{First: cell.Ref{Row: source}, Last: cell.Ref{Row: source, Col: cell.MaxCols - 1}}) {
		formulas = formulas || c.HasFormula()
		for n := range op.Count {
			if len(set.Cells) >= filledMax {
				return fail(codeRangeInvalid, "Make fewer copies at once", "the copies have more than %d cells", filledMax)
			}
			copied := copier.Cell(sheet, c.Ref, sheet, cell.Ref{Row: at + n, Col: c.Ref.Col})
			if !s.room.take(copied) {
				return s.room.err()
			}
			set.Cells = append(set.Cells, copied)
		}
	}
	s.counts["rows_cloned"] += op.Count
	if len(set.Cells) == 0 {
		s.warn("WARN_CLONE_TEMPLATE_EMPTY: row %d has no cells to copy", *op.Source)
	} else if err := s.batch.do(set); err != nil {
		return err
	}
	if formulas {
		s.warn("WARN_CLONE_FORMULA_SHIFT: the references of row %d moved along with its copies; those with a $ stayed", *op.Source)
	}
	if op.Expand {
		return s.expandSums(i, at, op.Count)
	}
	return nil
}

// transfer copies a range, or moves it. What is moved as a whole takes the references to it along.
func (s *structureRun) transfer(op *structureOp) error {
	i, name, err := s.on(op)
	if err != nil {
		return err
	}
	to, target := i, name
	if op.Dest != "" {
		if to, err = sheetNamed(s.snap, op.Dest); err != nil {
			return err
		}
		target = s.snap.Workbook().Sheets[to].Name
	}
	src, err := s.rng(op, op.Src, "src_range", i)
	if err != nil {
		return err
	}
	if src, err = s.withData(i, src); err != nil {
		return err
	}
	anchor, ok := cell.ParseRef(strings.ReplaceAll(strings.TrimSpace(op.Anchor), "$", ""))
	switch {
	case op.Anchor == "":
		return s.missing(op, "dest_anchor")
	case !ok:
		return fail(codeRangeInvalid, "Write a cell such as B2", "dest_anchor %q is no cell", clip(op.Anchor, 20))
	case anchor.Row+src.Rows() > cell.MaxRows || anchor.Col+src.Cols() > cell.MaxCols:
		return fail(codeRangeInvalid, "Give a smaller range, or another place", "%v does not fit on the sheet from %v on", src, anchor)
	case to == i && anchor == src.First:
		s.warn("WARN_NOTHING_TO_DO: %v is there already", src)
		return nil
	}
	moves := op.Kind == "move_range"
	if moves {
		s.counts["ranges_moved"]++
		s.counts["cells_moved"] += int(src.Cells())
	} else {
		s.counts["ranges_copied"]++
		s.counts["cells_copied"] += int(src.Cells())
	}
	if moves && op.Styles && op.Formulas {
		c := structure.Change{Kind: structure.MoveCells, Sheet: name, Range: src, To: anchor}
		if to != i {
			c.ToSheet = target
		}
		return s.restructure(c)
	}
	return s.copyCells(op, i, src, to, anchor)
}

// copyCells copies cells, and empties those that they were if the operation moves them.
func (s *structureRun) copyCells(op *structureOp, i int, src cell.Range, to int, anchor cell.Ref) error {
	if src.Cells() > filledMax {
		return fail(codeRangeInvalid, "Copy the part that is needed", "%v has more than %d cells", src, filledMax)
	}
	sheet, err := s.snap.Sheet(s.ctx, i)
	if err != nil {
		return err
	}
	onto, err := s.snap.Sheet(s.ctx, to)
	if err != nil {
		return err
	}
	e := s.editor(to)
	copier := s.snap.NewCopier()
	dest := cell.Range{First: anchor, Last: cell.Ref{Row: anchor.Row + src.Rows() - 1, Col: anchor.Col + src.Cols() - 1}}
	most := int64(0) // a blank cell is copied onto one that is stored only
	for _, c := range []iter.Seq[grid.Cell]{sheet.Cells(src), onto.Cells(dest)} {
		for range until.Done(s.ctx, c) {
			most++
		}
	}
	e.expect(to, min(most, src.Cells()))
	for at := range until.Done(s.ctx, refsOf(src)) {
		there := cell.Ref{Row: at.Row - src.First.Row + anchor.Row, Col: at.Col - src.First.Col + anchor.Col}
		c := copier.Cell(sheet, at, onto, there)
		if !op.Styles {
			c.NumFmt, c.Format = "", nil
		}
		if c.HasFormula && !op.Formulas {
			c.HasFormula, c.Formula, c.Value = false, "", sheet.Value(at)
		}
		if _, stored := onto.At(there); c.Clear && !stored && c.NumFmt == "" && len(c.Format) == 0 {
			continue
		}
		e.set(to, c)
	}
	if op.Kind == "move_range" {
		for c := range until.Done(s.ctx, sheet.Cells(src)) {
			if i != to || !dest.Contains(c.Ref) {
				e.set(i, book.CellEdit{Ref: c.Ref, Clear: true})
			}
		}
	}
	return s.take(e)
}
