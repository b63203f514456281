package book

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xf"
)

// FormatLines changes how whole columns look, or whole rows, and leaves what their cells hold. The format of a column
// or row is that of the cells which it has, and of those that are written into it later. Where a row and a column both
// have one, a cell gets that of the row, as in Excel.
//
// What is seen afterwards is at every place what was seen there, with the settings. So some cells are then stored that
// were not: those where a column that is formatted crosses a row with a format of its own, or a row that gets one crosses
// a column with another format than the last column of the sheet has, which is the ground that such a row begins with.
type FormatLines struct {
	Sheet string // its name; case does not matter
	Rows  bool   // rows, and not columns
	Spans []Lines
	// Anew lets them begin with the workbook's default format, and not with their own.
	Anew     bool
	Settings xf.Settings
	// Alone changes the formats of the lines and of no cell that is stored. With Anew and no settings, rows then have no
	// format of their own any more; a row without one begins with the default format. It is how a state is made out of
	// another whose cells are told one by one.
	Alone bool
}

// Lines are columns or rows First to Last, counted from 0.
type Lines struct{ First, Last int }

func (o FormatLines) kind() opKind { return kindFormatLines }

func (o FormatLines) appendTo(b []byte) []byte {
	b = appendText(b, o.Sheet)
	b = append(b, boolByte(o.Rows), boolByte(o.Anew), boolByte(o.Alone))
	b = binary.AppendUvarint(b, uint64(len(o.Spans)))
	for _, s := range o.Spans {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(s.First)), uint64(s.Last))
	}
	return appendSettings(b, o.Settings)
}

func decodeFormatLines(d *decoder) Op {
	o := FormatLines{Sheet: d.text(), Rows: d.bool(), Anew: d.bool(), Alone: d.bool()}
	n := d.count(2)
	for i := 0; i < n && d.err == nil; i++ {
		o.Spans = append(o.Spans, Lines{d.below(o.limit()), d.below(o.limit())})
	}
	o.Settings = d.settings()
	return o
}

// limit is how many there are on a sheet.
func (o *FormatLines) limit() int {
	if o.Rows {
		return cell.MaxRows
	}
	return cell.MaxCols
}

func (o FormatLines) check(s *Snapshot) *Error {
	if _, err := s.worksheet(o.Sheet); err != nil {
		err.Sheet = o.Sheet
		return err
	}
	rows := 0
	for _, l := range o.Spans {
		if l.First < 0 || l.Last < l.First || l.Last >= o.limit() {
			return errorf(BadCell, "", "%d to %d are no rows or columns of a worksheet", l.First+1, l.Last+1)
		}
		if rows += l.Last - l.First + 1; o.Rows && !o.Alone && rows > MaxRowEdits {
			return errorf(TooMany, "Format columns, or cells.", "more than %d rows are named", MaxRowEdits)
		}
	}
	return checkSettings(o.Settings)
}

// Range gives the cells of some lines.
func (o *FormatLines) Range(l Lines) cell.Range {
	if o.Rows {
		return cell.Range{First: cell.Ref{Row: l.First}, Last: cell.Ref{Row: l.Last, Col: cell.MaxCols - 1}}
	}
	return cell.Range{First: cell.Ref{Col: l.First}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: l.Last}}
}

// joined gives the lines in order, each once.
func (o *FormatLines) joined() (list []Lines) {
	spans := slices.Clone(o.Spans)
	slices.SortFunc(spans, func(a, b Lines) int { return cmp.Compare(a.First, b.First) })
	for _, l := range spans {
		if n := len(list); n > 0 && l.First <= list[n-1].Last+1 {
			list[n-1].Last = max(list[n-1].Last, l.Last)
			continue
		}
		list = append(list, l)
	}
	return list
}

func (o FormatLines) apply(d *draft) error {
	i, sheet, err := d.named(o.Sheet)
	if err != nil {
		return err
	}
	f := lineFormat{FormatLines: &o, sheet: sheet, lines: o.joined(), reformat: reformat{anew: o.Anew, settings: o.Settings}}
	f.wantLines()
	if !f.wantCells() {
		wrong := errorf(TooMany, "Format the part that has data, or fewer of them.", "more than %d cells would have to be formatted", MaxFormat)
		wrong.Sheet = o.Sheet
		return wrong
	}
	d.edited += f.count
	f.make(d)
	layout := f.layout()
	edited, err := d.formatted(sheet, func(yield func(cell.Ref, uint32) bool) {
		for ref, own := range f.cells() {
			_, stored := sheet.At(ref)
			is := f.of(own)
			if stays := stored && is == own || !stored && is == layout.LineStyle(ref); !stays && !yield(ref, is) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	if edited != sheet || layout != sheet.Layout {
		d.put(i, sheet, edited.WithLayout(layout))
	}
	return nil
}

// lineFormat is a FormatLines being applied.
type lineFormat struct {
	*FormatLines
	reformat
	sheet *grid.Sheet
	lines []Lines

	bare      bool       // some of the rows have no format of their own
	crossings []crossing // with other lines, whose cells have to have a format of their own
	count     int        // of the cells
}

// A crossing is where lines cross others; what is not stored there has a style.
type crossing struct {
	cells cell.Range
	style uint32
}

// evenColumns gives the style that a row without one begins with, which is that of the last column, and whether all columns
// have it.
func evenColumns(l *grid.Layout) (ground uint32, even bool) {
	c, _ := l.Column(cell.MaxCols - 1)
	even = true
	columns(l, func(_, _ int, style uint32) { even = even && style == c.Style })
	return c.Style, even
}

// everywhere reports whether all columns of the sheet are meant: then rows that have a format of their own get another one.
func (f *lineFormat) everywhere() bool {
	return !f.Rows && !f.Alone && len(f.lines) == 1 && f.lines[0] == Lines{0, cell.MaxCols - 1}
}

// wantLines wants what becomes of the formats of lines.
func (f *lineFormat) wantLines() {
	for _, lines := range f.lines {
		if f.Rows {
			for row := lines.First; row <= lines.Last; {
				r, to := rowAt(f.sheet.Layout.Rows, row, lines.Last)
				f.bare = f.bare || !r.HasStyle
				f.want(r.Style)
				row = to + 1
			}
		}
	}
	columns(f.sheet.Layout, func(first, last int, style uint32) {
		if f.Rows && f.bare && !f.Alone || !f.Rows && slices.ContainsFunc(f.lines, func(l Lines) bool { return l.First <= last && first <= l.Last }) {
			f.want(style)
		}
	})
	if f.everywhere() {
		for _, r := range f.sheet.Layout.Rows {
			if r.HasStyle {
				f.want(r.Style)
			}
		}
	}
}

// wantCells counts the cells, and wants what becomes of their formats; it is false where they are more than MaxFormat, or
// where more than that many are crossings.
func (f *lineFormat) wantCells() bool {
	if f.Alone {
		return true
	}
	for _, lines := range f.lines {
		if f.Rows {
			f.crossColumns(lines)
		} else if !f.everywhere() {
			f.crossRows(lines)
		}
	}
	crossed := int64(0)
	for _, x := range f.crossings {
		if crossed += x.cells.Cells(); crossed > MaxFormat {
			return false
		}
	}
	for _, own := range f.cells() {
		if f.count++; f.count > MaxFormat {
			return false
		}
		f.want(own)
	}
	return true
}

// cells gives the cells that may have to have another format of their own, each once, with the style that each has: those that
// are stored, and those of crossings.
func (f *lineFormat) cells() iter.Seq2[cell.Ref, uint32] {
	return func(yield func(cell.Ref, uint32) bool) {
		if f.Alone {
			return
		}
		for _, lines := range f.lines {
			for c := range f.sheet.Cells(f.Range(lines)) {
				if !yield(c.Ref, c.Style) {
					return
				}
			}
		}
		for _, x := range f.crossings {
			for row := x.cells.First.Row; row <= x.cells.Last.Row; row++ {
				for col := x.cells.First.Col; col <= x.cells.Last.Col; col++ {
					ref := cell.Ref{Row: row, Col: col}
					if _, stored := f.sheet.At(ref); !stored && !yield(ref, x.style) {
						return
					}
				}
			}
		}
	}
}

// crossRows notes where columns cross rows that have a format.
func (f *lineFormat) crossRows(cols Lines) {
	for _, r := range f.sheet.Layout.Rows {
		if r.HasStyle {
			f.crossings = append(f.crossings, crossing{cell.Range{First: cell.Ref{Row: r.First, Col: cols.First}, Last: cell.Ref{Row: r.Last, Col: cols.Last}}, r.Style})
		}
	}
}

// crossColumns notes where rows that have no format cross columns that do not have that of the ground.
func (f *lineFormat) crossColumns(rows Lines) {
	ground, _ := evenColumns(f.sheet.Layout)
	columns(f.sheet.Layout, func(first, last int, style uint32) {
		if style == ground {
			return
		}
		for row := rows.First; row <= rows.Last; {
			r, to := rowAt(f.sheet.Layout.Rows, row, rows.Last)
			if !r.HasStyle {
				f.crossings = append(f.crossings, crossing{cell.Range{First: cell.Ref{Row: row, Col: first}, Last: cell.Ref{Row: to, Col: last}}, style})
			}
			row = to + 1
		}
	})
}

// columns goes through all columns of a sheet, with their styles.
func columns(l *grid.Layout, do func(first, last int, style uint32)) {
	next := 0
	for _, c := range l.Columns {
		if next < c.First {
			do(next, c.First-1, 0)
		}
		do(c.First, c.Last, c.Style)
		next = c.Last + 1
	}
	if next < cell.MaxCols {
		do(next, cell.MaxCols-1, 0)
	}
}

// layout gives the layout with the new formats of the lines, the sheet's own if none is another.
func (f *lineFormat) layout() *grid.Layout {
	l := *f.sheet.Layout
	if f.Rows && f.restyleRows(&l) || !f.Rows && f.restyleColumns(&l) {
		return &l
	}
	return f.sheet.Layout
}

func (f *lineFormat) restyleColumns(l *grid.Layout) bool {
	for _, c := range f.lines {
		l.Columns = grid.EditColumns(l.Columns, c.First, c.Last, func(c *grid.ColumnSpan) { c.Style = f.of(c.Style) })
	}
	if f.everywhere() {
		ground, even := evenColumns(l)
		for _, r := range f.sheet.Layout.Rows {
			if !r.HasStyle {
				continue
			}
			l.Rows = grid.EditRows(l.Rows, r.First, r.Last, func(r *grid.RowSpan) {
				if r.Style = f.of(r.Style); even && r.Style == ground {
					r.Style, r.HasStyle = 0, false
				}
			})
		}
	}
	return !slices.Equal(l.Columns, f.sheet.Layout.Columns) || !slices.Equal(l.Rows, f.sheet.Layout.Rows)
}

func (f *lineFormat) restyleRows(l *grid.Layout) bool {
	ground, even := evenColumns(l)
	same := true // all columns stay as they are
	columns(l, func(_, _ int, style uint32) { same = same && (!f.bare || f.Alone || f.of(style) == style) })
	for _, r := range f.lines {
		l.Rows = grid.EditRows(l.Rows, r.First, r.Last, func(r *grid.RowSpan) {
			switch {
			case f.Alone && f.Anew && len(f.Settings) == 0:
				r.HasStyle, r.Style = false, 0
			case f.Alone:
				r.HasStyle, r.Style = true, f.of(r.Style)
			case !r.HasStyle && same, r.HasStyle && f.of(r.Style) == r.Style:
			default:
				if !r.HasStyle {
					r.Style = ground
				}
				r.HasStyle, r.Style = true, f.of(r.Style)
				if even && r.Style == ground {
					r.HasStyle, r.Style = false, 0
				}
			}
		})
	}
	return !slices.Equal(l.Rows, f.sheet.Layout.Rows)
}

// lined is a layout with what its styles say.
type lined struct {
	*grid.Layout
	looks *looks
}

// column and row give what the format of a column or row says, of a row also whether it has one.
func (l lined) column(col int) (*xf.Leaves, bool) {
	c, _ := l.Column(col)
	return l.looks.of(c.Style), true
}

func (l lined) row(row int) (*xf.Leaves, bool) {
	r, _ := l.Row(row)
	return l.looks.of(r.Style), r.HasStyle
}

// mergeLines gives the operations that bring the formats that lines of from have and those of base have not to onto.
// What onto has changed as well stays, unless wins says that from has the say.
func mergeLines(name string, base, onto, from lined, wins bool) (ops []Op) {
	for _, rows := range [...]bool{false, true} {
		at := lined.column
		var starts []int // where a span of one of them begins, or has ended
		if rows {
			formatted := func(r grid.RowSpan) bool { return r.HasStyle }
			if slices.Equal(base.Rows, from.Rows) || !slices.ContainsFunc(base.Rows, formatted) && !slices.ContainsFunc(from.Rows, formatted) {
				continue // there may be a great many with heights
			}
			at = lined.row
			for _, l := range [...]lined{base, onto, from} {
				for _, r := range l.Rows {
					starts = append(starts, r.First, r.Last+1)
				}
			}
		} else {
			for _, l := range [...]lined{base, onto, from} {
				for _, c := range l.Columns {
					starts = append(starts, c.First, c.Last+1)
				}
			}
		}
		slices.Sort(starts)
		starts = slices.Compact(starts)
		byKey := map[string]int{} // of ops
		for i, first := range starts[:max(0, len(starts)-1)] {
			o, ok := mergeLine(at, base, onto, from, first, wins)
			if !ok {
				continue
			}
			o.Sheet, o.Rows, o.Alone = name, rows, true
			key := fmt.Sprint(o.Anew, o.Settings)
			k, there := byKey[key]
			if !there {
				k = len(ops)
				byKey[key] = k
				ops = append(ops, o)
			} else {
				o = ops[k].(FormatLines)
			}
			span := Lines{first, starts[i+1] - 1}
			if n := len(o.Spans); n > 0 && o.Spans[n-1].Last+1 == span.First {
				o.Spans[n-1].Last = span.Last
			} else {
				o.Spans = append(o.Spans, span)
			}
			ops[k] = o
		}
	}
	return ops
}

// mergeLine gives what happens to one line; ok is false where nothing does.
func mergeLine(at func(lined, int) (*xf.Leaves, bool), base, onto, from lined, line int, wins bool) (o FormatLines, ok bool) {
	was, had := at(base, line)
	is, has := at(onto, line)
	to, will := at(from, line)
	switch {
	case had == will && *was == *to:
		return o, false
	case !will:
		o.Anew = true
		return o, has && (wins || *is == *was)
	case had && !has && !wins:
		return o, false // it was taken away
	}
	for _, one := range xf.Difference(was, to) {
		if wins || is[one.Leaf] == was[one.Leaf] {
			o.Settings = append(o.Settings, one)
		}
	}
	return o, len(o.Settings) > 0 || !has
}

// linesBetween gives the operations that give the lines of a sheet the formats that they have in cur, of which base is an
// earlier state.
func linesBetween(base, cur *Snapshot, name string, was, is *grid.Sheet) []Op {
	if was.Layout == is.Layout {
		return nil
	}
	before := lined{was.Layout, &looks{styles: base.Workbook().Styles}}
	return mergeLines(name, before, before, lined{is.Layout, &looks{styles: cur.Workbook().Styles}}, true)
}

// settleLines gives s with what formats of lines some operations bring.
func (s *Snapshot) settleLines(ctx context.Context, ops []Op) (*Snapshot, error) {
	if len(ops) == 0 {
		return s, nil
	}
	next, _, err := s.Replay(ctx, Edit{Ops: ops})
	return next, err
}

// LinesRestyled gives the columns and the rows of a sheet whose formats or sizes are others than in an earlier state: all
// columns, but only the rows that differ; nil where nothing does.
func LinesRestyled(was, is *grid.Sheet) (columns *[]grid.ColumnSpan, rows *[]grid.RowSpan) {
	if was.Layout == is.Layout {
		return nil, nil
	}
	if !slices.Equal(was.Layout.Columns, is.Layout.Columns) {
		columns = &is.Layout.Columns
	}
	if !slices.Equal(was.Layout.Rows, is.Layout.Rows) {
		if list := grid.StyledRowsBetween(was.Layout.Rows, is.Layout.Rows); len(list) > 0 {
			rows = &list
		}
	}
	return columns, rows
}

// SameFormats reports whether all cells, rows and columns look in a version as in an earlier one that it was made of by
// operations on formats alone.
func SameFormats(ctx context.Context, a, b *Snapshot) (bool, error) {
	for _, i := range edited(a, b) {
		x, y, err := bothSheets(ctx, a, b, i)
		if err != nil {
			return false, err
		}
		if columns, rows := LinesRestyled(x, y); columns != nil || rows != nil {
			return false, nil
		}
		for p, q := range grid.Diff(x, y, nil) {
			if x.StyleAt(p.Ref) != y.StyleAt(q.Ref) {
				return false, nil
			}
		}
	}
	return true, nil
}
