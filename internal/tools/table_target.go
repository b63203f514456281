package tools

import (
	"context"
	"slices"
	"strings"

	"gridflow/internal/analyze"
	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// tableReader reads one table: locate finds its cells, layOut its header and columns,
// match the rows that pass the filters, and read writes those that were asked for.
type tableReader struct {
	env  *Env
	in   readTableIn
	snap *book.Snapshot
	w    values

	index  int // of the sheet
	sheet  *grid.Sheet
	target cell.Range
	none   bool // the target is empty
	table  *grid.Table
	part   *grid.Table // the table of which the target is a part, as Table1[Column] is
	region *analyze.Region

	headerRow, headerRows int      // headerRows 0: there is none
	labels                []string // of all columns of the target, each different
	data                  cell.Range
	cols                  []int // those shown
	names                 []string

	rows  []int32 // those that pass the filters; nil without filters, then all of data do
	total int

	format string
}

// locate finds the sheet and the target, and loads as much of it as the call needs.
func (t *tableReader) locate(ctx context.Context) error {
	in := &t.in
	given := 0
	for _, is := range []bool{in.Region != nil, in.Table != "", in.Range != ""} {
		if is {
			given++
		}
	}
	if given > 1 {
		return invalid("Give one of them, or none for the whole sheet", "region_id, table_name and range exclude each other")
	}
	if in.Sheet != "" {
		i, err := sheetNamed(t.snap, in.Sheet)
		if err != nil {
			return err
		}
		t.index = i
	} else {
		t.index = max(slices.IndexFunc(t.snap.Workbook().Sheets, func(s grid.SheetInfo) bool { return s.Kind == grid.Worksheet }), 0)
	}
	switch {
	case in.Region != nil:
		return t.locateRegion(ctx)
	case in.Table != "":
		a, err := t.named(ctx)
		if err != nil {
			return err
		}
		return t.load(ctx, a)
	case in.Range != "":
		a, err := oneArea(ctx, t.snap, t.index, in.Range)
		if err != nil {
			return err
		}
		return t.load(ctx, a)
	}
	return t.load(ctx, area{sheet: t.index, rng: cell.WholeSheet})
}

// named resolves table_name: a table, or else a defined name, by its exact name.
func (t *tableReader) named(ctx context.Context) (area, error) {
	table, err := tableNamed(ctx, t.snap, t.in.Table)
	if err == nil {
		return area{sheet: table.Sheet, rng: table.Range, table: table, whole: true}, nil
	}
	if definedName(t.snap.Workbook(), strings.TrimSpace(t.in.Table), t.index) != nil {
		return oneArea(ctx, t.snap, t.index, t.in.Table)
	}
	names, nameErr := namesOf(ctx, t.snap)
	if nameErr != nil {
		return area{}, nameErr
	}
	return area{}, fail(codeTableNotFound, suggest("tables and names", t.in.Table, names), "there is no table or defined name %q", clip(t.in.Table, 64))
}

func (t *tableReader) locateRegion(ctx context.Context) error {
	sheet, err := t.snap.Sheet(ctx, t.index)
	if err != nil {
		return err
	}
	t.sheet = sheet
	found, err := analyze.Regions(ctx, analyze.ViewOf(t.snap.Workbook(), sheet))
	if err != nil {
		return err
	}
	id := *t.in.Region
	if id >= len(found.Regions) {
		name := t.snap.Workbook().Sheets[t.index].Name
		return fail(codeRegionNotFound, "Call sheet_overview to see the regions", "the sheet %s has %d regions, counted from 0; there is no region %d", plain(name), len(found.Regions), id)
	}
	t.region = &found.Regions[id]
	t.target = t.region.Bounds
	return nil
}

// load reads the sheet as far as this call needs it, and cuts the target to what is used.
func (t *tableReader) load(ctx context.Context, a area) (err error) {
	t.index = a.sheet
	if a.whole {
		t.table = a.table
	} else {
		t.part = a.table
	}
	in := &t.in
	// Rows in order from the top are there before the rest of the sheet is read.
	// Merges, which headers of several rows need, are there only with all of it.
	paged := len(in.Filters) == 0 && in.Sample == "first" && in.HeaderRows <= 1
	last := cell.MaxRows - 1
	first := a.rng.First.Row
	if paged {
		// Not beyond the rows of a sheet, and without an overflow.
		last = min(last, first+in.HeaderRows+min(in.Offset, cell.MaxRows)+in.Limit)
		if in.HeaderRow != nil {
			last = min(cell.MaxRows-1, last+max(*in.HeaderRow-1-first, 0))
		}
	}
	if t.sheet, err = t.snap.SheetTo(ctx, t.index, last); err != nil {
		return err
	}
	if (a.rng.Last.Row >= t.sheet.LoadedRows() || a.rng.WholeRows()) && extentOf(t.sheet).vague() {
		// How many rows and columns there are is known only when all have been read.
		if t.sheet, err = t.snap.Sheet(ctx, t.index); err != nil {
			return err
		}
	}
	rng := a.rng
	if rng.WholeColumns() || rng.WholeRows() {
		used, any := t.sheet.Used()
		left, shared := rng.Intersect(used)
		if !any || !shared {
			t.none = true
			return nil
		}
		rng = left
		for row := range t.sheet.OccupiedRows(rng.First.Row, min(rng.Last.Row, t.sheet.LoadedRows()-1)) {
			rng.First.Row = row
			break
		}
		if skipped := rng.First.Row - first; paged && skipped > 0 {
			if t.sheet, err = t.snap.SheetTo(ctx, t.index, min(last+skipped, cell.MaxRows-1)); err != nil {
				return err
			}
		}
	}
	t.target = rng
	return nil
}

// layOut settles the header, the labels of the columns and where the data begin.
func (t *tableReader) layOut() error {
	if t.none {
		return nil
	}
	t.data = t.target
	if t.table != nil {
		if n := t.in.HeaderRows; t.in.HeaderRow == nil && n != 1 && n != t.table.HeaderRows {
			return invalid("Leave header_rows out, or give the cells of the table as range", "the table %s has %s of its own, not %d",
				plain(t.table.Name), counted(t.table.HeaderRows, "header row", "header rows"), n)
		}
		t.data, _ = t.table.DataRange() // header and totals rows are no data, whatever else the header is
	}
	t.headerRow, t.headerRows = t.target.First.Row, t.in.HeaderRows
	var labels []string
	view := analyze.ViewOf(t.snap.Workbook(), t.sheet)
	switch {
	case t.in.HeaderRow != nil:
		t.headerRow = *t.in.HeaderRow - 1
		if t.headerRow > t.target.Last.Row {
			return fail(codeRangeInvalid, "header_row counts rows of the sheet, from 1", "header_row %d lies below the table %s", t.headerRow+1, t.target)
		}
		if end := t.headerRow + t.headerRows; end > t.data.First.Row {
			t.data.First.Row = end
		}
	case t.table != nil:
		t.headerRows = t.table.HeaderRows
		for _, c := range t.table.Columns {
			labels = append(labels, c.Name)
		}
	case t.part != nil && t.in.HeaderRows == 1: // its columns have names wherever it lies
		t.headerRow, t.headerRows = t.part.Range.First.Row, t.part.HeaderRows
		for i := t.target.First.Col - t.part.Range.First.Col; i <= t.target.Last.Col-t.part.Range.First.Col && i < len(t.part.Columns); i++ {
			labels = append(labels, t.part.Columns[i].Name)
		}
		t.data.First.Row = max(t.data.First.Row, t.headerRow+t.headerRows)
	case t.region != nil && t.in.HeaderRows == 1: // else the caller knows better
		t.headerRow, t.headerRows, labels = t.region.Header.Row, t.region.Header.Rows, t.region.Header.Labels
		t.data, _ = t.region.Data()
	default:
		t.data.First.Row += t.headerRows
	}
	if len(labels) != t.target.Cols() {
		if t.headerRows == 0 {
			for col := t.target.First.Col; col <= t.target.Last.Col; col++ {
				labels = append(labels, cell.ColumnName(col))
			}
		} else {
			labels = analyze.HeaderLabels(view, t.target, t.headerRow, t.headerRows)
		}
	}
	t.labels = analyze.UniqueLabels(labels)
	return t.chooseColumns()
}

func (t *tableReader) chooseColumns() error {
	if len(t.in.Columns) == 0 {
		t.cols, t.names = colSpan(t.target.First.Col, t.target.Last.Col), t.labels
		return nil
	}
	add := func(col int) {
		t.cols, t.names = append(t.cols, col), append(t.names, t.labels[col-t.target.First.Col])
	}
	for _, entry := range t.in.Columns {
		if list, err := columnList([]string{entry}); err == nil && len(list) <= t.target.Cols() && !slices.ContainsFunc(list, t.outside) {
			for _, col := range list {
				add(col)
			}
			continue
		}
		col, err := t.column(entry)
		if err != nil {
			return err
		}
		add(col)
	}
	return nil
}

func (t *tableReader) outside(col int) bool {
	return col < t.target.First.Col || col > t.target.Last.Col
}

// column finds a column by its header (exactly, or else ignoring case) or its letters.
func (t *tableReader) column(name string) (int, error) {
	i := slices.Index(t.labels, name)
	if i < 0 {
		i = slices.IndexFunc(t.labels, func(l string) bool { return strings.EqualFold(l, strings.TrimSpace(name)) })
	}
	if i >= 0 {
		return t.target.First.Col + i, nil
	}
	if col, ok := cell.ParseColumn(strings.TrimSpace(name)); ok && !t.outside(col) {
		return col, nil
	}
	return 0, fail(codeColumnNotFound, suggest("columns", name, t.labels), "the table has no column %q", clip(name, 64))
}

// match finds the rows that pass the filters, reading nothing but the columns that
// these are about.
func (t *tableReader) match(ctx context.Context) error {
	if t.none {
		return nil
	}
	if used, any := t.sheet.Used(); any {
		t.data.Last.Row = min(t.data.Last.Row, used.Last.Row)
	}
	t.total = max(t.data.Rows(), 0)
	if len(t.in.Filters) == 0 {
		return nil
	}
	conditions := make([]*condition, len(t.in.Filters))
	for i := range t.in.Filters {
		f := &t.in.Filters[i]
		col, err := t.column(f.Column)
		if err != nil {
			return err
		}
		if conditions[i], err = f.compile(t.w, col); err != nil {
			return err
		}
	}
	t.rows = []int32{}
	for row := t.data.First.Row; row <= t.data.Last.Row; row++ {
		if row%4096 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			ReportProgress(ctx, float64(row-t.data.First.Row), float64(t.total), "filtering rows")
		}
		pass := true
		for _, c := range conditions {
			x, _ := t.sheet.At(cell.Ref{Row: row, Col: c.col})
			if pass = c.holds(x); !pass {
				break
			}
		}
		if pass {
			t.rows = append(t.rows, int32(row))
		}
	}
	t.total = len(t.rows)
	return nil
}
