package job

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/office/intake"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/patch"
)

// LibreOffice loads a workbook whole, some 4 µs and 100 bytes a cell, before it draws the first of it. A picture of a
// large one, or the pages of a part of it, is therefore made of a copy with the cells that can be seen in it and those that these depend on: the rows
// of the picture, and what conditional formats, sparklines and charts in it read. What would have to be understood better, as a
// pivot table or a control, has everything shown.

const (
	// wholeBytes is how large the sheets of a workbook are, unpacked, of which everything is shown: LibreOffice loads
	// that in a fraction of a second.
	wholeBytes = 1 << 20
	cellBytes  = 32 // of a cell that an edit brings, about
	// marginRows that are not hidden stay above and below what is drawn. Borders and turned texts reach across.
	marginRows = 50
)

// bounds are other ones than wholeBytes and marginRows.
type bounds struct {
	whole  int64
	margin int
}

// seen says what of a document is shown, by sheet: rows that ascend and lie apart. A sheet without rows is empty, and one
// that is not in it is not in the copy at all. nil is everything.
type seen map[int][]intake.Rows

// add puts more rows of a sheet to it, or with none of them the sheet alone.
func (s seen) add(sheet, first, last int) {
	first, last = max(first, 0), min(last, cell.MaxRows-1)
	if first <= last {
		s[sheet] = append(s[sheet], intake.Rows{First: first, Last: last})
	} else if _, there := s[sheet]; !there {
		s[sheet] = nil
	}
}

// apart gives rows that ascend and lie apart; list is used up.
func apart(list []intake.Rows) []intake.Rows {
	slices.SortFunc(list, func(a, b intake.Rows) int { return cmp.Compare(a.First, b.First) })
	out := list[:0]
	for _, r := range list {
		if n := len(out); n > 0 && r.First <= out[n-1].Last+1 {
			out[n-1].Last = max(out[n-1].Last, r.Last)
		} else {
			out = append(out, r)
		}
	}
	return out
}

// hides reports whether nothing of a sheet is shown.
func (s seen) hides(sheet int) bool { return s != nil && len(s[sheet]) == 0 }

// cells gives the ranges that are shown of a sheet.
func (s seen) cells(sheet int) []cell.Range {
	if s == nil {
		return []cell.Range{cell.WholeSheet}
	}
	var list []cell.Range
	for _, r := range s[sheet] {
		list = append(list, cell.Range{First: cell.Ref{Row: r.First}, Last: cell.Ref{Row: r.Last, Col: cell.MaxCols - 1}})
	}
	return list
}

// sheets gives the sheets of the copy, of so many.
func (s seen) sheets(of int) (list []int) {
	for i := range of {
		if _, listed := s[i]; listed || s == nil {
			list = append(list, i)
		}
	}
	return list
}

// saveSeen writes the copy of a document with what is seen of it, or where that cannot be told apart, with everything. It
// gives where the copy is, and which sheets it has; view changes how it shows them.
func (d *Document) saveSeen(ctx context.Context, dir string, shown seen, view func(sheets []int, p *patch.Patch)) (in string, sheets []int, err error) {
	for ; ; shown = nil {
		copied, flat, err := d.flat(ctx, nil, shown)
		switch {
		case err != nil:
			return "", nil, err
		case shown != nil && !flat:
			continue
		}
		sheets = shown.sheets(len(d.Snapshot.Workbook().Sheets))
		view(sheets, &copied)
		in, err = d.save(ctx, dir, copied, shown.copier(ctx, d.File, sheets))
		if err != nil && shown != nil && ctx.Err() == nil {
			continue
		}
		return in, sheets, err
	}
}

// copier writes the copy of a file that lists the given sheets alone, with what is seen of them.
func (s seen) copier(ctx context.Context, of *xlsx.File, sheets []int) copier {
	if s == nil {
		return intake.Limits.Copy
	}
	return func(l intake.Limits, dst, src string, _ ...intake.Format) (intake.Format, error) {
		only := map[string][]intake.Rows{}
		for _, sheet := range of.Workbook().Sheets {
			if sheet.Kind == grid.Worksheet && sheet.Part != "" {
				only[sheet.Part] = nil // as far as it is in the file, which lists it no more
			}
		}
		parts, err := worksheetParts(ctx, src, of.Package().Limits())
		if err == nil && len(parts) != len(sheets) {
			err = fmt.Errorf("the copy has %d sheets, not %d", len(parts), len(sheets))
		}
		if err != nil {
			return "", err
		}
		for i, part := range parts {
			if part != "" { // it may be that of two sheets
				only[part] = apart(append(only[part], s[sheets[i]]...))
			}
		}
		return l.CopyRows(dst, src, only)
	}
}

// worksheetParts gives the parts of the sheets of the file at path, "" for what is no worksheet.
func worksheetParts(ctx context.Context, path string, limits xlsx.Limits) (parts []string, err error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	f, err := xlsx.Open(ctx, in, info.Size(), limits)
	if err != nil {
		return nil, err
	}
	defer f.Stop()
	for _, sheet := range f.Workbook().Sheets {
		if sheet.Kind != grid.Worksheet {
			sheet.Part = ""
		}
		parts = append(parts, sheet.Part)
	}
	return parts, nil
}

// meet reports whether two ranges have a cell in common.
func meet(a, b cell.Range) bool {
	_, ok := a.Intersect(b)
	return ok
}

// seenIn says what of the document a picture of an area can show.
func (d *Document) seenIn(ctx context.Context, sheet int, area cell.Range, b bounds) (seen, error) {
	infos, bytes := d.Snapshot.Workbook().Sheets, int64(0)
	for _, info := range infos {
		bytes += info.Bytes
	}
	for i := range d.Patch.Sheets {
		bytes += cellBytes * int64(len(d.Patch.Sheets[i].Cells))
	}
	if drawn := &infos[sheet]; bytes <= cmp.Or(b.whole, wholeBytes) || drawn.Kind != grid.Worksheet || drawn.Problem != "" {
		return nil, nil
	}
	g, err := d.Snapshot.Sheet(ctx, sheet)
	if err != nil {
		return nil, err
	}
	plain, still, err := d.plain(ctx, sheet, g.Layout)
	if err != nil || !plain {
		return nil, err
	}
	s := seen{}
	names := g.Layout.AutoFilter != nil // LibreOffice looks for its name
	if !still {
		s.add(sheet, 0, cell.MaxRows-1)
		known, named, err := d.drawingReads(ctx, s, sheet)
		if err != nil || !known {
			return nil, err
		}
		names = names || named
	}
	if names { // they count the sheets
		for i := range infos {
			s.add(i, 0, -1)
		}
	}
	above, below := around(g.Layout.Rows, area, cmp.Or(b.margin, marginRows))
	s.add(sheet, above, below)
	drawn := area // with the cells that are merged with some of its rows: what these show may stand above
	for _, m := range g.Layout.Merges {
		if m.First.Row <= area.Last.Row && m.Last.Row >= area.First.Row {
			drawn = drawn.Union(m)
			s.add(sheet, m.First.Row, m.Last.Row)
		}
	}
	edged := cell.Range{First: cell.Ref{Row: max(drawn.First.Row-1, 0), Col: max(drawn.First.Col-1, 0)}, // the last pixels are of the cells beside
		Last: cell.Ref{Row: min(drawn.Last.Row+1, cell.MaxRows-1), Col: min(drawn.Last.Col+1, cell.MaxCols-1)}}
	near := drawn.Union(cell.Range{First: cell.Ref{Row: above}, Last: cell.Ref{Row: below, Col: cell.MaxCols - 1}})
	for i := range g.Layout.Conditional {
		f, of := &g.Layout.Conditional[i], near
		if inCell[f.Type] {
			of = edged
		}
		if !d.ruleReads(s, sheet, f, of) {
			return nil, nil
		}
	}
	for i := range g.Layout.Sparklines {
		if !d.sparklinesRead(s, sheet, &g.Layout.Sparklines[i], drawn) {
			return nil, nil
		}
	}
	for i := range s {
		s[i] = apart(s[i])
	}
	return s, nil
}

// around gives the first and the last row of an area with so many more above and below. Those that are hidden do not
// count: what lies beyond them is drawn beside the area.
func around(rows []grid.RowSpan, area cell.Range, margin int) (above, below int) {
	above, below = area.First.Row-margin, area.Last.Row+margin
	for _, r := range slices.Backward(rows) {
		if r.Hidden && r.First < area.First.Row && r.Last >= above {
			above -= min(r.Last, area.First.Row-1) - r.First + 1
		}
	}
	for _, r := range rows {
		if r.Hidden && r.Last > area.Last.Row && r.First <= below {
			below += r.Last - max(r.First, area.Last.Row+1) + 1
		}
	}
	return max(above, 0), min(below, cell.MaxRows-1)
}

// plain reports whether a sheet shows nothing but cells, charts, pictures and shapes, and whether it is still: nothing in it lies on, or
// depends on, rows that may have another height without their cells, or be hidden by what these hold.
func (d *Document) plain(ctx context.Context, sheet int, l *grid.Layout) (plain, still bool, err error) {
	objects, err := d.Snapshot.Objects(ctx, sheet)
	if err != nil {
		return false, false, err
	}
	still = !l.Filtering && len(l.Filters) == 0 && l.Objects["drawing"] == 0
	for i := range objects {
		switch objects[i].Kind {
		case grid.SparkObject, grid.LinkObject:
		case grid.ImageObject, grid.ShapeObject, grid.DiagramObject, grid.ChartObject:
			still = false
		default:
			return false, false, nil
		}
	}
	for _, other := range []string{"oleObject", "control", "pivotTable", "slicer", "timeline"} {
		if l.Objects[other] > 0 {
			return false, false, nil
		}
	}
	if len(l.Pivots) > 0 {
		return false, false, nil
	}
	tables, err := d.Snapshot.Tables(ctx)
	for i := range tables {
		if t := &tables[i]; t.Sheet == sheet && (t.Filtering || len(t.Filters) > 0) {
			still = false
		}
	}
	return true, still, err
}

// ownCell are the types of conditional formats that look at nothing but a cell and what their formulas read. All others
// compare it with the other cells of their ranges.
var ownCell = map[string]bool{
	"cellIs": true, "expression": true, "timePeriod": true, "containsText": true, "notContainsText": true, "beginsWith": true, "endsWith": true,
	"containsBlanks": true, "notContainsBlanks": true, "containsErrors": true, "notContainsErrors": true,
}

// inCell are the types of conditional formats that change nothing that is seen outside of a cell, as a font or a border is.
var inCell = map[string]bool{"colorScale": true, "dataBar": true, "iconSet": true}

// ruleReads adds what a conditional format reads of cells to draw an area; false: who knows.
func (d *Document) ruleReads(s seen, sheet int, f *grid.ConditionalFormat, area cell.Range) bool {
	var drawn []cell.Range // of its cells
	for _, r := range f.Ranges {
		if in, ok := r.Intersect(area); ok {
			drawn = append(drawn, in)
		}
	}
	if len(drawn) == 0 {
		return true
	}
	area = drawn[0]
	for _, r := range drawn {
		area = area.Union(r)
	}
	first := f.Ranges[0].First.Row // or highest: for which cell the formulas are written, programs differ
	highest := first
	for _, r := range f.Ranges {
		if highest = min(highest, r.First.Row); !ownCell[f.Type] {
			s.add(sheet, r.First.Row, r.Last.Row)
		}
	}
	texts := slices.Clone(f.Formulas)
	for _, stop := range f.Stops {
		if stop.Value != "" {
			texts = append(texts, stop.Value)
		}
	}
	for _, text := range texts {
		if !d.formulaReads(s, sheet, text, first, area) || !d.formulaReads(s, sheet, text, highest, area) {
			return false
		}
	}
	return true
}

// sparklinesRead adds what a group of sparklines reads of cells, which may have one scale, if some of them are in an area; false: who knows.
func (d *Document) sparklinesRead(s seen, sheet int, group *grid.Sparklines, area cell.Range) bool {
	if !slices.ContainsFunc(group.Cells, func(line grid.Sparkline) bool {
		at, ok := cell.ParseRange(line.Cell)
		return !ok || meet(at, area)
	}) {
		return true
	}
	for _, line := range group.Cells {
		at, ok := cell.ParseRange(line.Cell)
		if !ok || !d.formulaReads(s, sheet, line.Source, at.First.Row, at) {
			return false
		}
	}
	return true
}

// formulaReads adds what a formula that is written for row top reads in the rows of an area; false: who knows.
func (d *Document) formulaReads(s seen, sheet int, text string, top int, area cell.Range) bool {
	tree, err := formula.Parse(text)
	if err != nil {
		return false
	}
	for name := range formula.Functions(tree.Root) {
		switch name {
		case "INDIRECT", "OFFSET", "SUMIF", "AVERAGEIF", // the last two read beyond what they name
			"SHEET", "SHEETS": // which count sheets
			return false
		}
	}
	for n := range formula.Nodes(tree.Root) {
		if n.Op == formula.OpRange || n.Op == formula.OpSpill { // from or to what is found by calculating
			return false
		}
	}
	for r := range formula.References(tree.Root) {
		to := sheet
		if r.Qualified() {
			var ok bool
			if to, ok = d.Snapshot.SheetIndex(r.Sheet()); !ok || r.Book() != "" || r.LastSheet() != "" {
				return false
			}
		}
		switch r.Kind {
		case formula.CellRef:
			r.Last = r.First
		case formula.AreaRef, formula.RowsRef:
		case formula.ColumnsRef:
			s.add(to, 0, cell.MaxRows-1)
			continue
		default:
			return false
		}
		first, last := cell.MaxRows, -1
		for _, c := range []formula.Corner{r.First, r.Last} {
			low, high := int(c.Row), int(c.Row)
			if !c.AbsRow {
				low, high = low+area.First.Row-top, high+area.Last.Row-top
			}
			first, last = min(first, low), max(last, high)
		}
		if last >= cell.MaxRows || first < 0 { // it goes on at the other end of the sheet
			first, last = 0, cell.MaxRows-1
		}
		s.add(to, first, last)
	}
	return true
}
